//! Repositories of somebody else that have a home as their work tree: only what they track is read.

use super::command::{complaint, outside};
use crate::error::Result;
use crate::sys::process::Process;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// What a tracked path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A link.
    Link,
    /// A repository of its own.
    Repository,
}

/// What such a repository tracks.
#[derive(Debug)]
pub struct Tracked {
    /// Its work tree.
    pub top: PathBuf,
    /// Each path in it, once.
    pub paths: Vec<(Vec<u8>, Kind)>,
}

/// Is there a git directory at `path`?
pub fn is_git_dir(path: &Path) -> bool {
    path.join("HEAD").is_file() && path.join("objects").is_dir() && path.join("refs").is_dir()
}

/// What the repository in `git_dir` tracks; its work tree is what it says itself, else `home`.
///
/// Nothing is written, and none of its programs is run: no hook, no monitor.
pub fn tracked(git_dir: &Path, home: &Path) -> Result<Tracked> {
    let said = git(git_dir, home)
        .args(["config", "--type=path", "--get", "core.worktree"])
        .run()?;
    let said = said.stdout.strip_suffix(b"\n").unwrap_or(&said.stdout);
    let top = if said.is_empty() {
        home.to_owned()
    } else {
        git_dir.join(OsStr::from_bytes(said))
    };
    let ended = git(git_dir, home)
        .arg("--work-tree")
        .arg(&top)
        .args(["ls-files", "--full-name", "--stage", "-z", "--"])
        .arg(":/")
        .run()?;
    if !ended.success() {
        return Err(complaint("ls-files", &ended));
    }
    let entries = ended.stdout.split(|byte| *byte == 0);
    let mut paths: Vec<_> = entries.filter_map(entry).collect();
    paths.dedup_by(|a, b| a.0 == b.0);
    Ok(Tracked { top, paths })
}

fn git(git_dir: &Path, home: &Path) -> Process {
    outside(home, "-c")
        .arg("core.fsmonitor=false")
        .arg("--git-dir")
        .arg(git_dir)
}

/// `MODE OBJECT STAGE<tab>PATH`.
fn entry(line: &[u8]) -> Option<(Vec<u8>, Kind)> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let kind = match line.get(..6)? {
        b"120000" => Kind::Link,
        b"160000" => Kind::Repository,
        _ => Kind::File,
    };
    Some((line[tab + 1..].to_vec(), kind))
}
