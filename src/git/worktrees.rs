//! The other work trees of a repository: they share its settings, its refs and our lock.

use super::Repo;
use crate::error::Result;
use crate::sys::fs;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

impl Repo {
    /// The other work trees of this repository, as far as they are there.
    pub fn other_worktrees(&self) -> Result<Vec<Self>> {
        let output = self
            .git("worktree")
            .args(["list", "--porcelain", "-z"])
            .output()?;
        let tops = output
            .split(|byte| *byte == 0)
            .filter_map(|line| line.strip_prefix(b"worktree "))
            .map(|top| Path::new(OsStr::from_bytes(top)));
        let mut others = Vec::new();
        for top in tops {
            match fs::is_dir(top) {
                Ok(true) => {}
                Err(error) if !fs::is_refused(&error) => return Err(error),
                _ => continue,
            }
            // The main one of a bare repository is listed, and is none.
            let Ok(Some(other)) = Self::open(top, self.manner().clone()) else {
                continue;
            };
            // A linked one reaches the shared folder by way of its own.
            let same = |a: &Path, b: &Path| a.canonicalize().ok() == b.canonicalize().ok();
            if !same(other.git_dir(), self.git_dir()) && same(other.common_dir(), self.common_dir())
            {
                others.push(other);
            }
        }
        Ok(others)
    }
}
