//! The work-tree scan: `git-sync --offline` with nothing to do beside `git status --porcelain`,
//! on the same tree, with git's aids to scanning off and on.
//!
//! A sync also takes its lock, and writes its state and its history. What that takes is measured in a
//! repository with ten files, in the same round, and is not counted as scanning; everything that
//! `git status` does is, its start included.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// The same in a repository with ten files, where there is nothing to scan.
    pub(crate) floor: Vec<Duration>,
    /// Wall times of `git status --porcelain`.
    pub(crate) status: Vec<Duration>,
}

impl Scan {
    /// Measures with every aid in turn, on the one clone of `world`, and on that of `empty` what is
    /// no scan.
    pub(crate) fn measure_all(
        sandbox: &Sandbox,
        world: &World,
        empty: &World,
        plan: &Plan,
    ) -> Outcome<Vec<Self>> {
        let clone_of = |world: &World| -> Outcome<PathBuf> {
            let seat = world.seats.first().ok_or("a world without a clone")?;
            Ok(seat.clone.clone())
        };
        let (clone, empty) = (&clone_of(world)?, &clone_of(empty)?);
        let measure = |&aid: &Aid| {
            eprintln!("measuring the scan, {} files, aids: {aid}", world.files);
            aid.switch_on(sandbox, clone)?;
            Self::measure(sandbox, [clone, empty], aid, world.files, plan)
        };
        let scans = Aid::ALL.iter().map(measure).collect();
        stop_daemon(sandbox, clone);
        scans
    }

    /// One warm-up and the timed rounds with the aid that is switched on.
    fn measure(
        sandbox: &Sandbox,
        [clone, empty]: [&Path; 2],
        aid: Aid,
        files: usize,
        plan: &Plan,
    ) -> Outcome<Self> {
        let offline = [vec![sandbox.program.clone().into(), "--offline".into()]];
        let status = [step(["git", "status", "--porcelain"])];
        let time = |steps: &[Step]| sandbox.time(clone, steps);
        let time_empty = |steps: &[Step]| sandbox.time(empty, steps);
        let mut scan = Self {
            aid,
            files,
            ours: None,
            floor: Vec::new(),
            status: Vec::new(),
        };
        for timed in std::iter::once(false).chain(std::iter::repeat_n(true, plan.rounds)) {
            if !plan.peers_only {
                let took = time(&offline)?;
                scan.ours
                    .get_or_insert_default()
                    .extend(timed.then_some(took));
                scan.floor
                    .extend(Some(time_empty(&offline)?).filter(|_| timed));
            }
            // A write into the work tree makes the next status renew the index, and a later one
            // in the same second doubt its cache: neither is the usual cost.
            std::thread::sleep(Duration::from_millis(1100));
            time(&status)?;
            scan.status.extend(Some(time(&status)?).filter(|_| timed));
        }
        Ok(scan)
    }

    /// How many times as long as git's status our scan took.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let ours = self.ours.as_ref()?;
        let scans = ours.iter().zip(&self.floor);
        let scans: Vec<_> = scans
            .map(|(all, floor)| all.saturating_sub(*floor))
            .collect();
        Some(stats::median_ratio(&scans, &self.status))
    }

    /// What the project promises about the scan, and whether it holds.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        bars::of_scan(self)
    }
}

/// Ends git's own watcher, if one was started for `clone`.
fn stop_daemon(sandbox: &Sandbox, clone: &Path) {
    // It fails where none runs, and ends by itself when the clone is removed.
    sandbox.git(clone, &["fsmonitor--daemon", "stop"]).ok();
}
