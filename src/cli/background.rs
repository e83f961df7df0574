//! `git sync --background`: prints nothing, asks nothing, ends in time, and exits with 0.
//!
//! The process that was started leaves at once; another one, without a terminal, does the work. What
//! came of it is in the state file, the history and the log.

use super::exit::Exit;
use super::global::Global;
use super::locate;
use crate::error::{Error, Kind, Result};
use crate::git::Repo;
use crate::git::config::Background;
use crate::git::repo::Manner;
use crate::model::due::Due;
use crate::model::machine::MachineType;
use crate::model::path::RepoPath;
use crate::ops::sync::{Options, Outcome, sync};
use crate::ops::{Context, Done, Listener, guard, record};
use crate::store::state;
use crate::sys::{clock, detach, env, fs, lock};
use crate::ui::{Ui, json};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::{Duration, Instant};

/// The last resort comes this much after the time limit, seconds.
const GRACE: u64 = 10;

/// Leaves the terminal behind, where this is the detached process; call it before anything is opened.
pub(super) fn detach_if_worker() {
    if env::get(env::WORKER).is_some() {
        detach::become_worker();
    }
}

/// Starts the work, or does it where this is the detached process.
pub(super) fn run(global: &Global, ui: &Ui) -> Exit {
    // Nobody is there to read an error; what concerns a repository is in its log.
    match env::text(env::WORKER).as_deref() {
        Some(detach::WATCHED) => return report(global, ui),
        Some(_) => drop(work(global, true)),
        None => drop(hand_over(global)),
    }
    Exit::Done
}

/// Does the work for a watch, and tells it how that ended.
fn report(global: &Global, ui: &Ui) -> Exit {
    let (exit, object) = match work(global, false) {
        Ok(Some(outcome)) => {
            let exit = Exit::of_result(outcome.result());
            (exit, json::sync(&outcome, exit.code()))
        }
        Ok(None) => return Exit::Done,
        Err(error) => {
            let exit = Exit::of_error(&error);
            (exit, json::error(&error, exit.code()))
        }
    };
    ui.answer(&json::line(&object));
    exit
}

fn hand_over(global: &Global) -> Result<()> {
    let manner = Manner {
        background: true,
        ..Manner::default()
    };
    let repo = locate::repository(&global.directory, &manner)?;
    let ctx = Context::for_run(&repo, &Silence, "sync")?;
    guard::enrolled(&repo)?;
    if !is_wanted(&ctx) {
        // The next shells need not come here for it.
        let now = clock::epoch();
        let next = now + ctx.settings.interval;
        return state::write_due(&ctx.layout, Due { begun: now, next });
    }
    if is_too_soon(&ctx)? || lock::holder(&ctx.layout.lock()).is_some() {
        return Ok(());
    }
    let mut args = vec![
        OsString::from("-C"),
        repo.top().into(),
        "--background".into(),
    ];
    if global.offline {
        args.push("--offline".into());
    }
    detach::start_worker(&args)
}

/// Does the user want syncs that nobody asked for, on this machine?
fn is_wanted(ctx: &Context<'_>) -> bool {
    match ctx.settings.background {
        Background::Always => true,
        Background::Never => false,
        Background::OutsideContainers => ctx.machine.kind != MachineType::Container,
    }
}

/// Has a run begun a short while ago? Longer ones count as short where the remote was not reached.
fn is_too_soon(ctx: &Context<'_>) -> Result<bool> {
    let due = record::due(&ctx.layout, ctx.settings.interval)?;
    Ok(due.is_some_and(|due| due.is_too_soon(clock::epoch())))
}

/// Syncs; with `rarely` not where a run has begun a short while ago.
fn work(global: &Global, rarely: bool) -> Result<Option<Outcome>> {
    let manner = Manner {
        background: true,
        trace: super::trace::in_file(),
        ..Manner::default()
    };
    let limit = {
        let repo = locate::repository(&global.directory, &manner)?;
        Context::new(&repo, &Silence)?.settings.timeout
    };
    detach::end_after(limit + GRACE);
    let deadline = Some(Instant::now() + Duration::from_secs(limit));
    let repo: Repo = locate::repository(&global.directory, &Manner { deadline, ..manner })?;
    let ctx = Context::new(&repo, &Silence)?;
    let options = Options {
        offline: global.offline,
        ..Options::default()
    };
    // Twenty shells that start at once all come here before the first has written its state. Who holds the
    // lock is asked first: a run that ends between the two questions is seen by the second.
    if rarely && (lock::holder(&ctx.layout.lock()).is_some() || is_too_soon(&ctx)?) {
        return Ok(None);
    }
    let result = sync(&ctx, &options);
    if let Err(error) = &result
        && error.kind() != Kind::Busy
    {
        log(&ctx, error)?;
    }
    result.map(Some)
}

fn log(ctx: &Context<'_>, error: &Error) -> Result<()> {
    let time = clock::rfc3339(clock::now());
    let line = format!("{time} {}\n", error.in_one_line());
    fs::append(&ctx.layout.log(), line.as_bytes())
}

/// Hears everything and says nothing.
pub(super) struct Silence;

impl Listener for Silence {
    fn done(&self, _: &Done<'_>) {}
    fn doing(&self, _: &str) {}
    fn warn(&self, _: &str) {}
    fn is_watched(&self) -> bool {
        false
    }
    fn choose(&self, _: &[RepoPath]) -> Result<Option<BTreeSet<usize>>> {
        Ok(None)
    }
}
