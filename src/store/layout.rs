//! Where our files are.

use crate::error::Result;
use crate::git::Repo;
use crate::sys::fs;
use std::path::{Path, PathBuf};

/// The folders that hold our files, for one work tree.
#[derive(Debug, Clone)]
pub struct Layout {
    /// `.sync/`: what prompts and people read.
    visible: PathBuf,
    /// `.git/sync/` of the repository: what all work trees share.
    shared: PathBuf,
    /// `.git/sync/` of this work tree: what a run in it needs.
    own: PathBuf,
    /// Where files are made before they go live: on the file system of the work tree.
    stage: PathBuf,
}

impl Layout {
    /// The folders for `repo`.
    pub fn of(repo: &Repo) -> Self {
        let visible = repo.top().join(".sync");
        let own = repo.git_dir().join("sync");
        let near = fs::same_file_system(repo.git_dir(), repo.top()).unwrap_or(false);
        let stage = if near {
            own.join("stage")
        } else {
            visible.join("stage")
        };
        Self {
            visible,
            shared: repo.common_dir().join("sync"),
            own,
            stage,
        }
    }

    /// Makes the folders that a run needs.
    pub fn create(&self) -> Result<()> {
        for folder in [&self.shared, &self.own, &self.visible] {
            if !folder.is_dir() {
                fs::create_dir_all(folder)?;
            }
        }
        Ok(())
    }

    /// Removes our folders in the git directory, once nothing in them is needed; what was rescued
    /// is the user's, and stays, also that of another work tree: then the folder of this one is returned.
    pub fn remove(&self) -> Result<Option<PathBuf>> {
        let rescued = self.rescued();
        let kept = rescued.file_name();
        for folder in [&self.own, &self.shared] {
            let Ok(list) = std::fs::read_dir(folder) else {
                continue;
            };
            for path in list.flatten().map(|entry| entry.path()) {
                match fs::look(&path)? {
                    _ if path.file_name() == kept => {}
                    Some(found) if found.is_dir() => fs::remove_scratch(&path)?,
                    _ => fs::remove_file(&path)?,
                }
            }
            if let Some(parent) = folder.parent() {
                fs::remove_empty_parents(folder, parent);
            }
        }
        Ok(fs::look(&rescued)?.map(|_| rescued))
    }

    /// `.sync/`.
    pub fn visible(&self) -> &Path {
        &self.visible
    }

    /// The lock of the repository.
    pub fn lock(&self) -> PathBuf {
        self.shared.join("lock")
    }

    /// The lock of a setup: the other one tells whether a sync died, and a setup must not wipe that.
    pub fn setup_lock(&self) -> PathBuf {
        self.shared.join("setup-lock")
    }

    /// The lock of a watch, for as long as it goes on.
    pub fn watch_lock(&self) -> PathBuf {
        self.own.join("watch-lock")
    }

    /// What a run is about to do to the work tree.
    pub fn journal(&self) -> PathBuf {
        self.own.join("journal")
    }

    /// What was last written at the marked paths of this machine.
    pub fn marks(&self) -> PathBuf {
        self.own.join("marks")
    }

    /// One line for every run.
    pub fn history(&self) -> PathBuf {
        self.shared.join("history.jsonl")
    }

    /// What each branch and its upstream had in common last.
    pub fn agreed(&self) -> PathBuf {
        self.shared.join("agreed")
    }

    /// When this machine last told the remote about itself.
    pub fn heartbeat(&self) -> PathBuf {
        self.shared.join("heartbeat")
    }

    /// What background runs had to say.
    pub fn log(&self) -> PathBuf {
        self.shared.join("log")
    }

    /// Said once, and not again.
    pub fn told(&self, what: &str) -> PathBuf {
        self.shared.join(format!("told-{what}"))
    }

    /// Removes half-written files of a run that died; call it with the lock held.
    pub fn sweep(&self) {
        // A set-up writes into the work tree and among the hooks, too.
        let hooks = self.shared.with_file_name("hooks");
        let ours = [&self.visible, &self.shared, &self.own];
        let others = [self.agreed(), hooks];
        let folders = ours.into_iter().chain(&others).map(PathBuf::as_path);
        for folder in folders.chain(self.visible.parent()) {
            fs::remove_temporaries(folder);
        }
    }

    /// The folder for files of the run that holds the lock; it is gone after it.
    pub fn scratch(&self) -> PathBuf {
        self.own.join("tmp")
    }

    /// The folder for files of a process that only looks, and does not take the lock.
    pub fn look(&self, pid: u32) -> PathBuf {
        self.own.join(format!("look-{pid}"))
    }

    /// [`Self::scratch`], made anew.
    pub fn fresh_scratch(&self) -> Result<PathBuf> {
        let folder = self.scratch();
        fs::remove_scratch(&folder)?;
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Where files are made before they go live.
    pub fn stage(&self) -> &Path {
        &self.stage
    }

    /// Where copies of marked files are made before they get their place in the work tree: beside the
    /// stage folder, which every run empties.
    pub fn adopting(&self) -> PathBuf {
        self.stage.with_file_name("adopting")
    }

    /// What was found where nobody expected it, after a crash.
    pub fn rescued(&self) -> PathBuf {
        self.own.join("rescued")
    }

    /// The name of this machine.
    pub fn machine_id(&self) -> PathBuf {
        self.visible.join("machine-id")
    }

    /// When the last successful sync was.
    pub fn last_sync(&self) -> PathBuf {
        self.visible.join("last-sync")
    }

    /// The link to the backups, or they themselves where they can be nowhere else.
    pub fn backups(&self) -> PathBuf {
        self.visible.join("backups")
    }

    /// The icon alone.
    pub fn icon(&self) -> PathBuf {
        self.visible.join("sync-status")
    }

    /// When the next background run is due.
    pub fn due(&self) -> PathBuf {
        self.visible.join("due")
    }

    /// The state in one line.
    pub fn state(&self) -> PathBuf {
        self.visible.join("state")
    }
}
