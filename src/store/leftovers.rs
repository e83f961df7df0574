//! Lock files that a killed run's children left behind.
//!
//! Git never removes the lock of a process that died, so one `kill -9` stops every later commit of
//! the user. We hold our own lock, which the kernel frees; when its last holder died, what was
//! locked since that moment was locked by its children, or by a git that is running now.

use crate::error::Result;
use crate::git::Repo;
use crate::git::repo::Upstream;
use crate::sys::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// A git that is running lets go of a ref within this time.
const PATIENCE: Duration = Duration::from_secs(2);

/// The locks in a folder of refs and below it.
fn locks_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let below = entries
        .flatten()
        .map(|entry| entry.path())
        .flat_map(|path| {
            if path.is_dir() {
                locks_below(&path)
            } else if path
                .extension()
                .is_some_and(|extension| extension == "lock")
            {
                vec![path]
            } else {
                Vec::new()
            }
        });
    below.collect()
}

/// Removes the locks that a run which began at `since` and died left on what it changes; returns
/// them.
pub fn remove_locks(
    repo: &Repo,
    branch: &str,
    upstream: Option<&Upstream>,
    since: SystemTime,
) -> Result<Vec<PathBuf>> {
    let shared = repo.common_dir();
    let mut locks = vec![
        repo.git_dir().join("HEAD.lock"),
        shared.join("packed-refs.lock"),
        shared.join("shallow.lock"),
        shared.join(format!("{branch}.lock")),
    ];
    if let Some(upstream) = upstream {
        locks.push(shared.join(format!("{}.lock", upstream.tracking)));
    }
    // Nobody but us, and we hold the lock of the repository, changes the refs of this name.
    for lock in locks_below(&shared.join("refs/git-sync")) {
        fs::remove_file(&lock)?;
    }
    remove_since(locks, since)
}

/// The same for the locks on the settings, which a set-up or its removal writes.
pub fn remove_locks_on_settings(repo: &Repo, since: SystemTime) -> Result<Vec<PathBuf>> {
    remove_since(repo.locks_on_settings(), since)
}

/// Removes those that were made since and stay: a git that is at work is given some time.
fn remove_since(locks: Vec<PathBuf>, since: SystemTime) -> Result<Vec<PathBuf>> {
    let stale = |path: &PathBuf| -> Result<bool> {
        let found = fs::look(path)?.and_then(|found| found.modified().ok());
        Ok(found.is_some_and(|modified| modified >= since))
    };
    let deadline = Instant::now() + PATIENCE;
    let mut removed = Vec::new();
    for lock in locks {
        while stale(&lock)? {
            if Instant::now() >= deadline {
                fs::remove_file(&lock)?;
                removed.push(lock);
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(removed)
}
