//! What is to be done, in one word.

use crate::model::companion::Companion;
use crate::model::prompt::Host;
use clap::ValueEnum;
use std::ffi::OsString;
use std::path::PathBuf;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// A sync.
    Run,
    /// Setting up.
    Setup {
        /// The remote.
        url: Option<OsString>,
        /// The folder.
        dir: Option<OsString>,
    },
    /// Where this machine stands.
    Status,
    /// The remote becomes equal to this machine.
    ForcePush,
    /// This machine becomes equal to the remote.
    ForcePull,
    /// Paths outside of the repository are synced.
    Mark(Vec<PathBuf>),
    /// They are not any more.
    Unmark(Vec<PathBuf>),
    /// What is marked.
    List,
    /// A backup, or the list of them.
    Backup {
        /// Only the list.
        list: bool,
    },
    /// Files come back from a backup.
    Restore {
        /// Which.
        backup: Option<String>,
        /// Only these.
        paths: Vec<PathBuf>,
        /// Is only shown what differs?
        diff: bool,
    },
    /// Decisions about held paths.
    Resolve(Vec<PathBuf>),
    /// What differs.
    Diff(Vec<PathBuf>),
    /// The history of runs.
    Log,
    /// What comes along with the program.
    Generate(Companion),
    /// What can be typed, for completions.
    Complete(String),
    /// What is wrong.
    Doctor,
    /// The machines.
    Machines,
    /// A watch.
    Watch,
    /// What the scheduler of the system does.
    Schedule(ScheduleAction),
    /// What shows the state in a prompt.
    Prompt(Host),
    /// Our hooks.
    Hooks(HookAction),
    /// The state for prompts, written anew.
    Refresh {
        /// Does a hook of git call, so that something is done?
        after_hook: bool,
    },
}

impl Mode {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Setup { .. } => "setup",
            Self::Status => "status",
            Self::ForcePush => "force-push",
            Self::ForcePull => "force-pull",
            Self::Mark(_) => "mark",
            Self::Unmark(_) => "unmark",
            Self::List => "list",
            Self::Backup { .. } => "backup",
            Self::Restore { .. } => "restore",
            Self::Resolve(_) => "resolve",
            Self::Diff(_) => "diff",
            Self::Log => "log",
            Self::Generate(_) => "generate",
            Self::Complete(_) => "complete",
            Self::Doctor => "doctor",
            Self::Machines => "machines",
            Self::Watch => "watch",
            Self::Schedule(ScheduleAction::Install) => "schedule install",
            Self::Schedule(ScheduleAction::Status) => "schedule status",
            Self::Schedule(ScheduleAction::Remove) => "schedule remove",
            Self::Prompt(_) => "prompt",
            Self::Hooks(_) => "hooks",
            Self::Refresh { .. } => "refresh",
        }
    }
}

/// What is to be done with our hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HookAction {
    /// Put them in
    Install,
    /// Tell how each stands
    Status,
    /// Take them out
    Remove,
}

/// What is to be done about the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScheduleAction {
    /// Make it, or change it
    Install,
    /// Show it
    Status,
    /// Take it away
    Remove,
}
