//! Sets up a machine: a repository where it should be, enrolled, with our rules in its ignore file.
//!
//! First [`plan`], which looks and refuses and touches nothing; then [`set_up`]. Both may be run
//! again at any time: what is there already stays as it is. [`remove`] undoes it.

pub mod clash;
mod come_along;
mod create;
mod enrol;
pub mod plan;
pub mod remove;
mod rules;
mod turn;

use crate::error::Result;
use crate::git::Repo;
use crate::git::repo::Manner;
use crate::model::machine::Machine;
use crate::ops::companions::Place;
use crate::ops::hooks::Hook;
use clash::Foreign;
use plan::Plan;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
pub use turn::take_turn;

/// How a setup is run.
#[derive(Debug)]
pub struct Options {
    /// `sync.profile`, where it shall be said.
    pub profiles: Option<BTreeSet<String>>,
    /// The remote that was named.
    pub url: Option<OsString>,
    /// Where the command was typed; relative names count from here.
    pub here: PathBuf,
    /// Do not touch the network.
    pub offline: bool,
    /// Is a person watching, so that git may show its progress?
    pub watched: bool,
    /// How long to wait for another setup.
    pub wait: Duration,
    /// Put in no hooks, now and later.
    pub no_hooks: bool,
    /// How the repository is worked in.
    pub manner: Manner,
}

/// Is a finding new?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It was done just now.
    New,
    /// It was so before.
    Same,
    /// It was taken away just now.
    Gone,
    /// Somebody should look at it.
    Look,
}

/// Where the repository came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was cloned just now.
    Cloned,
    /// It was made just now.
    Created,
    /// It was there.
    Found,
}

/// One thing that a setup did or found; each has a [`Mark`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// The repository is enrolled.
    Repository {
        /// Where it came from.
        origin: Origin,
        /// The branch.
        branch: String,
        /// `origin/main`, and the address without a password.
        upstream: Option<(String, Option<String>)>,
    },
    /// There is a remote: its name and its address.
    Remote(String, String),
    /// There is none.
    NoRemote,
    /// Where the branch is synced to: the branch, and the upstream.
    Upstream(String, String),
    /// `sync.directory` of the user leads here.
    Directory(PathBuf),
    /// What is typed elsewhere is about this other repository.
    OtherDirectory(PathBuf),
    /// `sync.directory` of the user could not be written: why.
    NoDirectory(String),
    /// A file of rules has these lines of ours.
    Rules {
        /// Its name.
        file: &'static str,
        /// Those that were added or removed just now.
        lines: Vec<&'static str>,
    },
    /// A rule of the user keeps a file from being shared, or an attribute from working.
    Overruled {
        /// The file.
        path: &'static str,
        /// The rule.
        rule: String,
    },
    /// A file of this machine is tracked, so every machine would overwrite it.
    Tracked(String),
    /// The name of this machine.
    Machine(String),
    /// What it is used for.
    Profiles(String),
    /// Another program of our name.
    Clash {
        /// Where.
        path: PathBuf,
        /// What it is.
        what: Foreign,
        /// Is it found before this one?
        first: bool,
    },
    /// Git does not find this program: the folder that `PATH` lacks.
    OffPath(PathBuf),
    /// An alias of the user's, which git does not look at as long as there is a program.
    Alias(String),
    /// Settings of the repository.
    Settings(Vec<&'static str>),
    /// A ref of ours, and what it kept.
    Ref(String, String),
    /// Our hooks for these events.
    Hooks(Vec<&'static str>),
    /// A hook of ours that could not be put in.
    NoHook(Hook),
    /// The manual.
    Manual(PathBuf),
    /// Nobody finds it there, although it is in this folder.
    UnfoundManual(PathBuf),
    /// This manual of another program is shown in its place.
    ForeignManual(PathBuf),
    /// The completions for these shells.
    Completions(Vec<&'static str>),
    /// zsh looks for completions in the folders of `fpath`: this one has ours.
    Fpath(PathBuf),
    /// The snippets for the prompts of these shells, in this folder.
    Snippets(Vec<&'static str>, PathBuf),
    /// A manual or completion in whose place is something else, or that could not be written.
    NotPut(Place),
    /// A link to the copy of a marked path, in whose place is a file of its own now.
    Link(String),
    /// A job of the system: the scheduler that had it.
    Schedule(&'static str),
    /// Our files in a folder.
    Files(PathBuf, usize),
    /// Another work tree of the repository, which is not set up any more either.
    WorkTree(PathBuf),
    /// A folder of ours with what a run that died had saved of the user's.
    Rescued(PathBuf),
}

/// Items with their marks, in the order in which they are told.
pub type Items = Vec<(Mark, Item)>;

/// What a setup did.
#[derive(Debug)]
pub struct Outcome {
    /// The repository, as it is now.
    pub repo: Repo,
    /// Where it came from.
    pub origin: Origin,
    /// Was it enrolled already?
    pub enrolled_before: bool,
    /// Which machine this is.
    pub machine: Machine,
    /// What was done and found.
    pub items: Items,
}

/// Does what `plan` says.
pub fn set_up(plan: Plan, options: &Options) -> Result<Outcome> {
    match plan {
        Plan::Enrol(enrolment) => {
            create::tidy(enrolment.repo.top());
            enrol::enrol(*enrolment, Origin::Found, options)
        }
        Plan::Clone { url, into } => {
            let repo = create::clone(&url, &into, options)?;
            go_on(repo, Origin::Cloned, options)
        }
        Plan::Create { dir, .. } => {
            let repo = create::create(&dir, options)?;
            go_on(repo, Origin::Created, options)
        }
    }
}

/// What a set-up would bring along: the manual and the completions.
pub fn would_come_along() -> Result<Items> {
    come_along::install(true)
}

fn go_on(repo: Repo, origin: Origin, options: &Options) -> Result<Outcome> {
    let top = repo.top().to_owned();
    let enrolment = plan::enrolment(repo, None, options);
    enrolment
        .and_then(|enrolment| enrol::enrol(enrolment, origin, options))
        .map_err(|error| {
            error.hint(format!(
                "git -C {} sync --setup   goes on: the repository is there",
                top.display()
            ))
        })
}
