//! The work-tree scan: `git-sync --offline` with nothing to do beside `git status --porcelain`,
//! on the same tree, with git's aids to scanning off and on.
//!
//! A sync also takes its lock, and writes its state and its history. Where it has git scan, because that
//! knows how to use its aids, how long that took is what git's own trace says, within the real run, and
//! the `git status` beside it is measured in the same way. Where it scans by itself the whole run counts,
//! beside the whole `git status`.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::bars::{self, Verdict};
use crate::options::Plan;
use crate::sandbox::{Outcome, Sandbox, Step, step, write};
use crate::stats;
use crate::world::World;

/// What helps git to scan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Aid {
    /// Nothing.
    Off,
    /// `core.untrackedCache`.
    UntrackedCache,
    /// The cache and `core.fsmonitor`.
    Monitor,
}

impl Aid {
    /// All of them.
    const ALL: [Self; 3] = [Self::Off, Self::UntrackedCache, Self::Monitor];

    /// Sets it up in `clone` and lets git take it in.
    fn switch_on(self, sandbox: &Sandbox, clone: &Path) -> Outcome<()> {
        let cache = if self == Self::Off { "false" } else { "true" };
        sandbox.git(clone, &["config", "core.untrackedCache", cache])?;
        if self == Self::Monitor {
            let monitor = monitor(sandbox)?;
            sandbox.git(clone, &["config", "core.fsmonitor", &monitor])?;
        }
        // The first status writes the extensions into the index, the second fills the cache.
        sandbox.git(clone, &["status", "--porcelain"])?;
        sandbox.git(clone, &["status", "--porcelain"]).map(drop)
    }
}

impl fmt::Display for Aid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::UntrackedCache => "untracked cache",
            Self::Monitor => "untracked cache, fsmonitor",
        })
    }
}

/// The value of `core.fsmonitor`: git's own daemon where it has one, else a hook which answers
/// that nothing has changed since the token it was given, the truth in this benchmark.
fn monitor(sandbox: &Sandbox) -> Outcome<String> {
    let home = sandbox.home();
    let options = sandbox.git(&home, &["version", "--build-options"])?;
    if options.contains("feature: fsmonitor--daemon") {
        return Ok("true".to_owned());
    }
    let hook = sandbox.path("fsmonitor");
    write(&hook, "#!/bin/sh\nprintf 'token\\0'\n")?;
    let args = ["+x".into(), hook.clone().into_os_string()];
    sandbox.time(&home, &[["chmod".into()].into_iter().chain(args).collect()])?;
    Ok(hook.display().to_string())
}

/// The figures with one aid.
#[derive(Debug)]
pub(crate) struct Scan {
    /// What helped git.
    pub(crate) aid: Aid,
    /// Size of the tree.
    pub(crate) files: usize,
    /// Wall times of `git-sync --offline`, unless left out.
    pub(crate) ours: Option<Vec<Duration>>,
    /// How long the scan took in each.
    pub(crate) scans: Vec<Duration>,
    /// How long `git status --porcelain` took.
    pub(crate) status: Vec<Duration>,
}

impl Scan {
    /// Measures with every aid in turn, on the one clone of `world`.
    pub(crate) fn measure_all(sandbox: &Sandbox, world: &World, plan: &Plan) -> Outcome<Vec<Self>> {
        let seat = world.seats.first().ok_or("a world without a clone")?;
        let clone = &seat.clone;
        let measure = |&aid: &Aid| {
            eprintln!("measuring the scan, {} files, aids: {aid}", world.files);
            aid.switch_on(sandbox, clone)?;
            Self::measure(sandbox, clone, aid, world.files, plan)
        };
        let scans = Aid::ALL.iter().map(measure).collect();
        stop_daemon(sandbox, clone);
        scans
    }

    /// One warm-up and the timed rounds with the aid that is switched on.
    fn measure(
        sandbox: &Sandbox,
        clone: &Path,
        aid: Aid,
        files: usize,
        plan: &Plan,
    ) -> Outcome<Self> {
        let program = sandbox.program.clone().into_os_string();
        let trace = sandbox.path("scan-trace");
        let offline = traced(&trace, [program, "--offline".into()]);
        let status = traced(&trace, step(["git", "status", "--porcelain"]));
        let time = |step: &Step| -> Outcome<(Duration, Duration)> {
            // Of the run before; it is not there the first time.
            fs::remove_file(&trace).ok();
            let all = sandbox.time(clone, std::slice::from_ref(step))?;
            Ok((all, status_in(&trace)?.unwrap_or(all)))
        };
        let mut scan = Self {
            aid,
            files,
            ours: None,
            scans: Vec::new(),
            status: Vec::new(),
        };
        let mut by_git = false;
        for timed in std::iter::once(false).chain(std::iter::repeat_n(true, plan.rounds)) {
            // Each of the two follows on the same: a tree at rest, and caches that git has just used. A write
            // into the work tree makes the next status renew the index, and a later one in the same
            // second doubt its cache: neither is the usual cost.
            let rest = || -> Outcome<()> {
                std::thread::sleep(Duration::from_millis(1100));
                time(&status).map(drop)
            };
            if !plan.peers_only {
                rest()?;
                let (all, within) = time(&offline)?;
                scan.ours
                    .get_or_insert_default()
                    .extend(timed.then_some(all));
                scan.scans.extend(timed.then_some(within));
                by_git = within != all;
            }
            rest()?;
            let (all, within) = time(&status)?;
            let status = if by_git { within } else { all };
            scan.status.extend(timed.then_some(status));
        }
        Ok(scan)
    }

    /// How many times as long as git's status our scan took.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.ours.as_ref()?;
        Some(stats::median_ratio(&self.scans, &self.status))
    }

    /// What the project promises about the scan, and whether it holds.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        bars::of_scan(self)
    }
}

/// `words` as a step in which every git writes what it does to `trace`.
fn traced(trace: &Path, words: impl IntoIterator<Item = OsString>) -> Step {
    let mut variable = OsString::from("GIT_TRACE2_EVENT=");
    variable.push(trace);
    ["env".into(), variable].into_iter().chain(words).collect()
}

/// How long the `git status` took that is told of in `trace`; `None` where there was none.
fn status_in(trace: &Path) -> Outcome<Option<Duration>> {
    let text = fs::read_to_string(trace).unwrap_or_default();
    let events: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let of = |name: &str, event: &&Value| event["event"] == name;
    let started = events.iter().find(|event| {
        let words = event["argv"].as_array();
        of("start", event) && words.is_some_and(|words| words.contains(&"status".into()))
    });
    let Some(started) = started else {
        return Ok(None);
    };
    let ended = events
        .iter()
        .find(|event| of("atexit", event) && event["sid"] == started["sid"]);
    let seconds = ended.and_then(|event| event["t_abs"].as_f64());
    let seconds = seconds.ok_or("the trace has no end of git status")?;
    Ok(Some(Duration::from_secs_f64(seconds)))
}

/// Ends git's own watcher, if one was started for `clone`.
fn stop_daemon(sandbox: &Sandbox, clone: &Path) {
    // It fails where none runs, and ends by itself when the clone is removed.
    sandbox.git(clone, &["fsmonitor--daemon", "stop"]).ok();
}
