//! Makes the repository: a clone, or a new one.

use super::Options;
use crate::error::{Error, Kind, Result};
use crate::git::Repo;
use crate::git::create::{Cloned, clone as git_clone, init};
use crate::git::repo::Head;
use crate::model::url;
use crate::sys::fs;
use crate::sys::lock::Lock;
use crate::sys::{clock, interrupt};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Beside the folder that a clone is for. What a killed setup left in it stops nobody.
const SCRATCH: &str = ".git-sync-setup";

/// Branches that are likely to be meant, where a remote does not say which.
const LIKELY: [&str; 2] = ["main", "master"];

/// Clones `url` into the folder `into`, which is empty or not there.
///
/// The clone grows in a folder beside it and is renamed: there is a whole repository, or none.
pub(super) fn clone(url: &OsStr, into: &Path, options: &Options) -> Result<Repo> {
    // A link to an empty folder stays, and the folder that it leads to is filled.
    let into = &into.canonicalize().unwrap_or_else(|_| into.to_owned());
    let parent = into.parent().unwrap_or(into);
    let standing = parent
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(parent);
    fs::create_dir_all(parent)?;
    let scratch = Scratch::take(parent, standing, options.wait)?;
    if into.exists() && !fs::same_file_system(parent, into)? {
        return Err(Error::fatal(format!(
            "'{}' is a file system of its own, and a clone cannot be moved there",
            into.display()
        ))
        .hint(format!(
            "git clone {} {}, and then git sync --setup in it",
            url::shown(&url.to_string_lossy()),
            into.display()
        )));
    }
    let work = scratch.folder.join(clock::run_id());
    let manner = &options.manner;
    if let Cloned::Unreachable(unreachable) =
        git_clone(url, &options.here, &work, manner, options.watched)?
    {
        let shown = url::shown(&url.to_string_lossy());
        return Err(
            Error::new(Kind::Unreachable, format!("cannot clone '{shown}'"))
                .because(unreachable.why)
                .hint("nothing was changed")
                .hint(format!("git ls-remote {shown}   tries the same by hand")),
        );
    }
    let repo = open(&work, options)?;
    choose_branch(&repo)?;
    if repo.check_index().is_err() {
        // Where it could not read something, git may end well without it.
        return Err(Error::failed("git did not check out what it had cloned")
            .hint("run the same again; nothing was changed"));
    }
    drop(repo);
    interrupt::check()?;
    fs::keep_mode(into, &work)?;
    fs::rename(&work, into)?;
    fs::sync_dir(parent)?;
    open(into, options)
}

/// Removes the folder beside `top` in which a clone grew, if the setup was killed before it could. One that is at work
/// there is left alone.
pub(super) fn tidy(top: &Path) {
    let parent = top.parent().unwrap_or(top);
    if parent.join(SCRATCH).is_dir() {
        // It stops nobody where it cannot be removed.
        drop(Scratch::take(parent, parent, Duration::ZERO));
    }
}

/// A remote whose HEAD names a branch that it does not have is cloned without a file. The branch
/// that it does have is meant.
fn choose_branch(repo: &Repo) -> Result<()> {
    let Head::Branch(branch) = repo.head()? else {
        return Ok(());
    };
    if branch.tip.is_some() {
        return Ok(());
    }
    let mut names = Vec::new();
    for remote in repo.remotes() {
        let prefix = format!("refs/remotes/{remote}/");
        for name in repo.refs_below(&prefix)? {
            if let Some(short) = name.strip_prefix(&prefix).filter(|name| *name != "HEAD") {
                names.push((remote.clone(), short.to_owned()));
            }
        }
    }
    let likely = LIKELY
        .iter()
        .find_map(|likely| names.iter().find(|(_, name)| name == likely));
    let chosen = match (names.as_slice(), likely) {
        ([], _) => return Ok(()),
        ([only], _) => only,
        (_, Some(likely)) => likely,
        _ => {
            let list: Vec<_> = names.iter().map(|(_, name)| name.as_str()).collect();
            return Err(Error::fatal(
                "the remote does not say which of its branches is the main one",
            )
            .because(list.join(", "))
            .hint("git clone -b BRANCH URL DIR, and then git sync --setup in DIR"));
        }
    };
    let (remote, name) = chosen;
    repo.git("checkout")
        .args(["--quiet", "-B", name, "--track"])
        .arg(format!("{remote}/{name}"))
        .run()
}

/// Makes a repository of the folder `dir`, and the folder if there is none.
pub(super) fn create(dir: &Path, options: &Options) -> Result<Repo> {
    fs::create_dir_all(dir)?;
    init(dir, &options.manner)?;
    open(dir, options)
}

fn open(dir: &Path, options: &Options) -> Result<Repo> {
    Repo::open(dir, options.manner.clone())?.ok_or_else(|| {
        Error::failed(format!(
            "git made no repository that can be read in '{}'",
            dir.display()
        ))
    })
}

/// The folder in which a clone grows; gone with all that is in it when it is dropped.
struct Scratch {
    folder: PathBuf,
    /// The lowest folder above it that was there before.
    standing: PathBuf,
    _lock: Lock,
}

impl Scratch {
    fn take(parent: &Path, standing: &Path, wait: Duration) -> Result<Self> {
        let folder = parent.join(SCRATCH);
        fs::create_dir_all(&folder)?;
        let lock = Lock::take(&folder.join("lock"), wait, clock::epoch())?;
        let scratch = Self {
            folder,
            standing: standing.to_owned(),
            _lock: lock,
        };
        scratch.empty()?;
        Ok(scratch)
    }

    /// Removes what a setup that was killed left; its git may still be writing, so each clone has a
    /// name of its own.
    fn empty(&self) -> Result<()> {
        let list = std::fs::read_dir(&self.folder)
            .map_err(|source| fs::failed("read", &self.folder, source))?;
        for entry in list.flatten() {
            if entry.file_name() != "lock" {
                drop(fs::remove_scratch(&entry.path()));
            }
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The next setup removes what cannot be removed now.
        drop(fs::remove_scratch(&self.folder));
        if let Some(parent) = self.folder.parent() {
            fs::remove_empty_parents(parent, &self.standing);
        }
    }
}
