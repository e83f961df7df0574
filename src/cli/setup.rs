//! `git sync --setup [URL [DIR]]` and `git sync --setup --remove`

use super::exit::Exit;
use super::global::Global;
use super::{locate, run};
use crate::error::{Error, Kind, Result};
use crate::git::Repo;
use crate::git::repo::Manner;
use crate::model::terms;
use crate::ops::setup::plan::{Place, Plan, plan};
use crate::ops::setup::{Options, Outcome, remove, set_up, would_come_along};
use crate::ops::sync::sync;
use crate::ops::{Context, Listener as _};
use crate::sys::terminal;
use crate::ui::{self, Ui, json};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

/// Sets up this machine, and syncs for the first time.
pub(super) fn run(
    global: &Global,
    ui: &Ui,
    url: Option<&OsStr>,
    dir: Option<&OsStr>,
) -> Result<Exit> {
    if global.remove {
        return match url {
            Some(_) => Err(Error::new(
                Kind::Usage,
                "'--remove' undoes what is set up here, and takes no address",
            )
            .hint("git -C DIR sync --setup --remove   undoes it elsewhere")),
            None => remove(global, ui),
        };
    }
    let manner = Manner {
        trace: super::trace::of(global, ui),
        ..Manner::default()
    };
    let here = locate::start(&global.directory)?;
    let options = Options {
        url: url.map(OsStr::to_owned),
        offline: global.offline,
        watched: ui.is_watched(),
        wait: run::options(global).wait,
        profiles: profiles(global)?,
        here,
        no_hooks: global.no_hooks,
        manner,
    };
    let plan = plan(place(global, dir, &options)?, &options)?;
    if global.dry_run {
        let along = would_come_along()?;
        let text = ui::setup::planned(&plan, options.profiles.as_ref(), &along);
        if global.json {
            ui.answer(&json::line(&ui::setup::plan(&plan, &along)));
        } else {
            ui.answer(&text);
        }
        return Ok(Exit::Done);
    }
    if dir.is_none() {
        agree(global, &plan)?;
    }
    let asked = matches!(&plan, Plan::Enrol(enrolment) if enrolment.remote.is_none());
    let outcome = set_up(plan, &options)?;
    super::follow(&outcome.repo, global, ui)?;
    if !global.json {
        ui::setup::outcome(ui, &outcome);
    }
    if global.offline {
        return Ok(without_sync(global, ui, &outcome));
    }
    // What was set up is set up: without anybody to ask it is synced, as was asked for.
    let asks = terminal::can_ask() && !global.json;
    if asked && asks && !outcome.enrolled_before && !yes(global, "First sync now? [Y/n] ", true)? {
        return Ok(without_sync(global, ui, &outcome));
    }
    first_sync(global, ui, &outcome)
}

/// What this machine is used for, where that was said.
fn profiles(global: &Global) -> Result<Option<BTreeSet<String>>> {
    if global.profile.is_empty() {
        return Ok(None);
    }
    let all = global.profile.join(",");
    terms::profiles(&all).map(Some).ok_or_else(|| {
        Error::new(Kind::Usage, format!("bad profile '{all}'"))
            .hint("a profile is a name of letters, digits, '-', '_' and '.'")
    })
}

/// The folder that was named, else the repository around here, else where the configs repository of
/// this machine is or shall be.
fn place(global: &Global, dir: Option<&OsStr>, options: &Options) -> Result<Place> {
    if let Some(dir) = dir {
        return Ok(Place::At(options.here.join(dir)));
    }
    if let Some(repo) = Repo::discover(&options.here, options.manner.clone())? {
        return Ok(Place::Around(Box::new(repo)));
    }
    if !global.directory.is_empty() {
        return Ok(Place::At(options.here.clone()));
    }
    locate::intended_directory(&options.here).map(Place::At)
}

/// Asks whether the place that was found is meant.
fn agree(global: &Global, plan: &Plan) -> Result<()> {
    let Some(question) = ui::setup::question(plan) else {
        return Ok(());
    };
    if !global.yes && !terminal::can_ask() {
        let mut error = Error::new(
            Kind::Declined,
            format!("{question} There is no terminal to ask on"),
        );
        if let Plan::Clone { url, into } = plan {
            let url = crate::model::url::shown(&url.to_string_lossy());
            let into = into.display();
            error = error.hint(format!("git sync --setup {url} {into}   says where"));
        }
        return Err(error
            .hint("--yes goes ahead, --dry-run shows what would be done")
            .hint("nothing was changed"));
    }
    if yes(global, &format!("{question} [Y/n] "), true)? {
        return Ok(());
    }
    Err(Error::new(Kind::Declined, "declined; nothing was changed")
        .hint("git sync --setup URL DIR   takes another folder"))
}

/// Asks, but with `--yes`.
fn yes(global: &Global, question: &str, default: bool) -> Result<bool> {
    if global.yes {
        return Ok(true);
    }
    let answer = terminal::ask(question)?.map(|answer| answer.to_lowercase());
    Ok(match answer.as_deref() {
        Some("") => default,
        Some("y" | "yes") => true,
        _ => false,
    })
}

fn first_sync(global: &Global, ui: &Ui, outcome: &Outcome) -> Result<Exit> {
    let synced = Context::new(&outcome.repo, ui).and_then(|ctx| sync(&ctx, &run::options(global)));
    if !global.json {
        return Ok(run::tell(global, ui, &synced?));
    }
    let (exit, sync, error) = match &synced {
        Ok(synced) => {
            let exit = Exit::of_result(synced.result());
            (exit, json::sync(synced, exit.code()), Value::Null)
        }
        Err(error) => {
            let exit = Exit::of_error(error);
            let told = json::error(error, exit.code());
            (exit, Value::Null, told["error"].clone())
        }
    };
    let object = ui::setup::object(outcome, &sync, &error, exit.code());
    ui.answer(&json::line(&object));
    Ok(exit)
}

fn without_sync(global: &Global, ui: &Ui, outcome: &Outcome) -> Exit {
    let exit = Exit::Done;
    if global.json {
        let object = ui::setup::object(outcome, &Value::Null, &Value::Null, exit.code());
        ui.answer(&json::line(&object));
    } else {
        ui::setup::not_synced(ui, outcome);
    }
    exit
}

/// Undoes a setup.
fn remove(global: &Global, ui: &Ui) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let ctx = Context::new(&repo, ui)?;
    let traces = remove::look(&ctx)?;
    if traces.is_empty {
        return Ok(told_removed(global, ui, repo.top(), &Vec::new()));
    }
    if global.dry_run {
        if global.json {
            ui.answer(&json::line(&ui::setup::planned_removal(
                repo.top(),
                &traces,
            )));
        } else {
            let text = ui::setup::before_removal(repo.top(), &traces);
            ui.answer(&(text + "Nothing was changed.\n"));
        }
        return Ok(Exit::Done);
    }
    if !global.yes {
        confirm_removal(global, || {
            for line in ui::setup::before_removal(repo.top(), &traces).lines() {
                ui.complain(line);
            }
        })?;
    }
    let items = remove::remove(&ctx, run::options(global).wait)?;
    Ok(told_removed(global, ui, repo.top(), &items))
}

fn confirm_removal(global: &Global, explain: impl FnOnce()) -> Result<()> {
    if global.json || !terminal::can_ask() {
        return Err(Error::new(
            Kind::Declined,
            "--remove needs an answer, and there is no terminal to ask on",
        )
        .hint("--yes goes ahead"));
    }
    explain();
    if yes(global, "Continue? [y/N] ", false)? {
        return Ok(());
    }
    Err(Error::new(Kind::Declined, "declined; nothing was changed"))
}

fn told_removed(global: &Global, ui: &Ui, top: &Path, items: &crate::ops::setup::Items) -> Exit {
    if global.json {
        ui.answer(&json::line(&ui::setup::removal(top, items)));
    } else {
        ui::setup::removed(ui, top, items);
    }
    Exit::Done
}
