//! Makes repositories: clones and new ones.

use super::remote::{Unreachable, is_local, unreachable};
use super::repo::Manner;
use crate::error::Result;
use crate::sys::process::{Process, Sink};
use std::ffi::OsStr;
use std::path::Path;

/// How a clone came out.
#[derive(Debug)]
pub enum Cloned {
    /// It is there.
    Done,
    /// The remote could not be asked.
    Unreachable(Unreachable),
}

/// Clones `url`, which counts from `here`, into the new folder `into`, with the user's own git: its
/// credentials, its ssh, its templates.
pub fn clone(url: &OsStr, here: &Path, into: &Path, manner: &Manner, show: bool) -> Result<Cloned> {
    // The folder is renamed afterwards: nothing may watch it under its first name.
    let mut git = with_settings(
        here,
        &[
            "core.fsync=all",
            "core.fsyncMethod=fsync",
            "core.fsmonitor=false",
        ],
    )
    .arg("clone")
    .until(manner.deadline);
    // Without `--quiet` it would name the folder, which is not where the clone will be.
    git = git.arg("--quiet");
    if show {
        git = git.arg("--progress").stderr(Sink::Both);
    }
    let told = crate::model::url::shown(&url.to_string_lossy());
    tell(manner, &format!("git clone {told}"));
    let ended = git.arg("--").arg(url).arg(into).run()?;
    crate::sys::interrupt::check()?;
    if ended.success() {
        return Ok(Cloned::Done);
    }
    if is_local(&ended.complaint()) {
        return Err(super::command::complaint("clone", &ended));
    }
    Ok(Cloned::Unreachable(unreachable(&ended)))
}

/// Makes a repository of the folder `dir`, which may have files in it.
pub fn init(dir: &Path, manner: &Manner) -> Result<()> {
    let wish = super::command::outside(dir, "config")
        .args(["--get", "init.defaultBranch"])
        .run()?;
    let branch = if wish.success() {
        &[][..]
    } else {
        &["--initial-branch=main"]
    };
    tell(manner, "git init");
    let ended = super::command::outside(dir, "init")
        .arg("--quiet")
        .args(branch)
        .run()?;
    if ended.success() {
        return Ok(());
    }
    Err(super::command::complaint("init", &ended))
}

fn with_settings(here: &Path, settings: &[&str]) -> Process {
    let pairs = settings.iter().flat_map(|setting| ["-c", setting]);
    // The word that `outside` asks for is the first of all, and the settings come before the name.
    super::command::outside(here, "--no-pager").args(pairs)
}

fn tell(manner: &Manner, words: &str) {
    if let Some(trace) = &manner.trace {
        trace(words);
    }
}
