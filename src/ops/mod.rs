//! One use case a file: options in, outcome out. Nothing here prints, parses or exits.

mod agreed;
pub mod backup;
mod beside;
pub mod collide;
pub mod companions;
pub mod complete;
pub mod diff;
pub mod dispute;
pub mod doctor;
pub mod expire;
pub mod force;
pub mod guard;
mod heartbeat;
pub mod held;
pub mod hooks;
pub mod identity;
mod inherit;
pub mod integrate;
mod join;
pub mod kept;
mod link;
mod local;
pub mod log;
pub mod look;
pub mod machines;
pub mod marks;
mod new_files;
mod plain;
mod pre_commit;
pub mod publish;
pub mod put;
pub mod record;
pub mod recover;
pub mod refresh;
pub mod resolve;
mod ripe;
pub mod schedule;
mod screen;
pub mod settle;
pub mod setup;
pub mod snapshot;
pub mod status;
pub mod sync;
pub mod undo;
pub mod upstream;
pub mod watch;
mod written;

use crate::error::Result;
use crate::git::Repo;
use crate::git::config::Settings;
use crate::git::status::Scan;
use crate::model::entry::{Change, Oid};
use crate::model::held::Held;
use crate::model::machine::Machine;
use crate::model::mark::Mark;
use crate::model::path::RepoPath;
use crate::store::layout::Layout;
use crate::store::machine;
use crate::sys::clock;
use crate::sys::progress::Progress;
use marks::{Answer, Contact, Finding};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Hears what happens while it happens; the front end makes words of it.
pub trait Listener {
    /// Something is done.
    fn done(&self, step: &Done<'_>);
    /// Something is about to be done that may take a while.
    fn doing(&self, what: &str);
    /// Something is not as it should be, and the run goes on.
    fn warn(&self, text: &str);
    /// Is a person watching, so that progress may be shown?
    fn is_watched(&self) -> bool;
    /// Asks which of these new files are to be synced, by number; `None` where nobody can be asked.
    fn choose(&self, new: &[RepoPath]) -> Result<Option<BTreeSet<usize>>>;
    /// A marked file was met that differs from the copy, and nobody knows what both started from: what
    /// shall it be? Where nobody can be asked, it is skipped.
    fn meet(&self, _contact: &Contact) -> Result<Answer> {
        Ok(Answer::Skip)
    }
    /// Does the user agree? `None` where nobody can be asked.
    fn agree(&self, _question: &str) -> Result<Option<bool>> {
        Ok(None)
    }
}

/// A step that is done.
#[derive(Debug)]
pub enum Done<'a> {
    /// What a run that died had begun was finished or undone.
    Recovered,
    /// What is about to change was backed up.
    BackedUp(&'a backup::Made),
    /// Changes of this machine were committed.
    Committed(&'a [Change]),
    /// Commits came from the remote.
    Pulled {
        /// How many.
        commits: usize,
        /// The machines that made them, the newest first.
        from: &'a [String],
        /// What they changed.
        changes: &'a [Change],
    },
    /// A decision changed files of this machine.
    Replaced(&'a [Change]),
    /// The branch was put where the remote's is: its name, and the commit.
    Reset(&'a str, &'a Oid),
    /// Both sides had commits, and they were put together.
    Integrated(&'a str),
    /// A policy settled a path.
    Settled(&'a RepoPath, &'a str),
    /// New files were left alone, as there was nobody to ask.
    Left(&'a [RepoPath]),
    /// A path has to wait for a decision.
    Held(&'a Held),
    /// Commits were sent.
    Pushed {
        /// How many.
        commits: usize,
        /// Where to.
        to: &'a str,
    },
    /// A path was marked.
    Marked {
        /// Which.
        mark: &'a Mark,
        /// Is it a copy on this machine, and no link?
        copied: bool,
    },
    /// A marked path became a file of its own again.
    Released(&'a Mark),
    /// The copy of a mark left the repository.
    CopyRemoved(&'a Mark),
    /// A mark was not as it should be, and is now, or is left.
    Mended(&'a Finding),
    /// What gave way at a marked path is kept.
    Aside {
        /// Which.
        mark: &'a Mark,
        /// Where.
        kept: &'a str,
    },
}

/// What every operation needs.
pub struct Context<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// Its settings.
    pub settings: Settings,
    /// Where our files are.
    pub layout: Layout,
    /// Which machine this is.
    pub machine: Machine,
    /// Names this run in refs and files.
    pub run: String,
    /// Hears what happens.
    pub listener: &'a dyn Listener,
    /// What makes sure that there is a backup of what is about to change.
    safety: backup::Safety,
    scratch: Cell<u32>,
    scratch_folder: RefCell<PathBuf>,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("repo", &self.repo)
            .finish_non_exhaustive()
    }
}

impl<'a> Context<'a> {
    /// Reads what an operation on `repo` needs.
    pub fn new(repo: &'a Repo, listener: &'a dyn Listener) -> Result<Self> {
        let settings = Settings::read(repo)?;
        let layout = Layout::of(repo);
        let machine = machine::identify(&layout, &settings)?;
        Ok(Self {
            repo,
            settings,
            machine,
            run: clock::run_id(),
            listener,
            safety: backup::Safety::default(),
            scratch: Cell::new(0),
            scratch_folder: RefCell::new(layout.scratch()),
            layout,
        })
    }

    /// Shows a person who watches that `what` is done, `total` times, or 0 where that is not known.
    pub fn progress(&self, what: &'static str, total: usize) -> Progress {
        if self.listener.is_watched() {
            Progress::shown(what, total)
        } else {
            Progress::hidden()
        }
    }

    /// The same of bytes, with how fast they come.
    pub fn progress_of_bytes(&self, what: &'static str) -> Progress {
        if self.listener.is_watched() {
            Progress::shown_in_bytes(what)
        } else {
            Progress::hidden()
        }
    }

    /// Looks at the whole work tree.
    pub fn scan(&self, untracked: bool) -> Result<Scan> {
        let _progress = self.progress("Looking at files", 0);
        let scan = self.repo.scan(untracked);
        scan.map_err(|error| {
            if recover::is_pending(self.repo) {
                recover::interrupted().because(error)
            } else {
                error
            }
        })
    }

    /// The same for a command that changes something: that it cannot begin is written down.
    pub fn for_run(
        repo: &'a Repo,
        listener: &'a dyn Listener,
        command: &'static str,
    ) -> Result<Self> {
        Self::new(repo, listener).inspect_err(|error| record::cannot_begin(repo, command, error))
    }

    /// A name in the scratch folder that neither this run has used yet, nor a child that outlived an
    /// earlier one.
    pub fn scratch(&self, what: &str) -> PathBuf {
        let number = self.scratch.get();
        self.scratch.set(number + 1);
        self.scratch_folder
            .borrow()
            .join(format!("{what}-{}-{number}", std::process::id()))
    }
}
