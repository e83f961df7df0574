//! The files of the work tree that are the user's: tracked ones, and new ones that no rule ignores.

use super::Repo;
use crate::error::{Error, Result};
use crate::model::path::RepoPath;
use crate::sys::fs;
use gix::index::entry::Mode;
use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Tells the user's files from others. It may be used by another thread.
pub struct Sieve {
    repo: gix::Repository,
    top: PathBuf,
    tracked: BTreeSet<RepoPath>,
}

impl std::fmt::Debug for Sieve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sieve")
            .field("top", &self.top)
            .finish_non_exhaustive()
    }
}

/// What is in the work tree.
#[derive(Debug, Default)]
pub struct Files {
    /// Everything but what is ignored, and what is in other repositories: sorted.
    pub found: Vec<(RepoPath, Metadata)>,
    /// Folders that cannot be looked into, and why.
    pub unread: Vec<(RepoPath, String)>,
}

impl Repo {
    /// What tells the user's files from others.
    pub fn sieve(&self) -> Result<Sieve> {
        let tracked = match self.read_index() {
            Ok(None) => BTreeSet::new(),
            Ok(Some(index)) if index.link().is_none() => index
                .entries()
                .iter()
                .filter(|entry| entry.mode != Mode::COMMIT)
                .map(|entry| RepoPath::from_bytes(entry.path(&index).to_vec()))
                .collect(),
            // gix reads only a half of it, or nothing.
            _ => self.tracked_by_git()?,
        };
        Ok(Sieve {
            repo: self.gix().clone(),
            top: self.top().to_owned(),
            tracked,
        })
    }

    fn tracked_by_git(&self) -> Result<BTreeSet<RepoPath>> {
        let listed = self.git("ls-files").args(["-z", "--stage"]).output()?;
        let lines = listed.split(|byte| *byte == 0);
        let files = lines.filter(|line| !line.is_empty() && !line.starts_with(b"160000 "));
        let names = files.filter_map(|line| line.splitn(2, |byte| *byte == b'\t').nth(1));
        Ok(names.map(RepoPath::from_bytes).collect())
    }
}

impl Sieve {
    /// Looks through the work tree; `local` says whether what ends in `.local` is wanted too.
    pub fn files(&self, local: bool) -> Result<Files> {
        let rules = |source: &dyn std::fmt::Display| {
            Error::failed("the ignore rules cannot be read").because(source.to_string())
        };
        let index = self.repo.index_or_empty();
        let index = index.map_err(|source| rules(&source))?;
        let source = gix::worktree::stack::state::ignore::Source::WorktreeThenIdMappingIfNotSkipped;
        let excludes = self.repo.excludes(&index, None, source);
        let mut walk = Walk {
            sieve: self,
            excludes: excludes.map_err(|source| rules(&source))?,
            local,
            files: Files::default(),
        };
        let mut folders = vec![(RepoPath::from_bytes(Vec::new()), false)];
        while let Some((folder, ignored)) = folders.pop() {
            walk.folder(&folder, ignored, &mut folders)?;
        }
        let mut files = walk.files;
        files.found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(files)
    }

    fn has_tracked_below(&self, folder: &RepoPath) -> bool {
        let mut first = folder.as_bytes().to_vec();
        first.push(b'/');
        let next = self.tracked.range(RepoPath::from_bytes(first)..).next();
        next.is_some_and(|path| folder.is_above(path))
    }
}

struct Walk<'a> {
    sieve: &'a Sieve,
    excludes: gix::AttributeStack<'a>,
    local: bool,
    files: Files,
}

impl Walk<'_> {
    /// Looks into a folder; `next` gets those in it.
    fn folder(
        &mut self,
        folder: &RepoPath,
        ignored: bool,
        next: &mut Vec<(RepoPath, bool)>,
    ) -> Result<()> {
        let place = folder.below(&self.sieve.top);
        let names = match fs::names(&place) {
            Ok(names) => names,
            // The top must be readable: without it, there is nothing.
            Err(error) if folder.as_bytes().is_empty() => return Err(error),
            Err(error) => {
                let unread = (folder.clone(), error.root_cause());
                self.files.unread.push(unread);
                return Ok(());
            }
        };
        for name in names {
            if name.eq_ignore_ascii_case(".git") {
                continue;
            }
            let mut path = folder.as_bytes().to_vec();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name.as_bytes());
            let path = RepoPath::from_bytes(path);
            let Some(found) = fs::look(&place.join(&name))? else {
                continue;
            };
            self.one(path, found, ignored, next);
        }
        Ok(())
    }

    fn one(
        &mut self,
        path: RepoPath,
        found: Metadata,
        ignored: bool,
        next: &mut Vec<(RepoPath, bool)>,
    ) {
        if path.is_private() {
            return;
        }
        if path.as_bytes() == b".sync" && found.is_dir() {
            // Only what is shared is looked at in there, and the folder is ours.
            next.push((path, true));
            return;
        }
        let shared = path.as_bytes().starts_with(b".sync/");
        let local = path.is_local();
        let ignored = ignored || (local && !self.local) || self.is_excluded(&path, &found);
        let wanted = !ignored || shared || (local && self.local);
        if !found.is_dir() {
            if wanted || self.sieve.tracked.contains(&path) {
                self.files.found.push((path, found));
            }
            return;
        }
        let other = path.below(&self.sieve.top).join(".git");
        let nested = fs::look(&other).is_ok_and(|found| found.is_some());
        if wanted || self.sieve.has_tracked_below(&path) {
            if !nested {
                next.push((path.clone(), ignored));
            }
            self.files.found.push((path, found));
        }
    }

    fn is_excluded(&mut self, path: &RepoPath, found: &Metadata) -> bool {
        let mode = if found.is_dir() {
            Mode::DIR
        } else {
            Mode::FILE
        };
        let place = Path::new(path.as_os_str());
        let said = self.excludes.at_path(place, Some(mode));
        said.is_ok_and(|said| said.is_excluded())
    }
}
