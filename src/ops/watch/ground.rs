//! Which folders are watched, and which of the changes in them are of any concern.

use crate::error::Result;
use crate::git::ignore::Rules;
use crate::model::path::RepoPath;
use crate::ops::Context;
use crate::ops::marks::list::{Link, Standing};
use crate::sys::watch::WHOLE_TREES;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// What git changes in its directory when a branch moves, an operation begins or ends, or a setting is
/// changed. What it leaves there beside them says nothing.
const GIT_FILES: [&str; 10] = [
    "HEAD",
    "HEAD.lock",
    "index",
    "config",
    "MERGE_HEAD",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "BISECT_LOG",
    "rebase-merge",
    "rebase-apply",
];

/// What is watched.
#[derive(Debug, Default)]
pub(super) struct Ground {
    top: PathBuf,
    git: BTreeSet<PathBuf>,
    /// In these folders only these names count: something marked stands there, or may come.
    names: BTreeMap<PathBuf, BTreeSet<OsString>>,
    /// Folders that are marked and are no links, and where their copies are.
    trees: BTreeMap<PathBuf, RepoPath>,
    /// Every folder that is watched, and whether with all that is below it.
    folders: BTreeMap<PathBuf, bool>,
}

impl Ground {
    /// What there is to watch now, with the marks as they stand.
    pub(super) fn of(ctx: &Context<'_>, marks: &[Standing]) -> Result<Self> {
        let repo = ctx.repo;
        let mut ground = Self {
            top: real(repo.top()),
            git: [repo.git_dir(), repo.common_dir()].map(real).into(),
            ..Self::default()
        };
        let mut rules = repo.rules()?;
        let top = ground.top.clone();
        ground.watch(&top, |inside| {
            inside == Path::new(".sync") || rules.leave_out(&as_path(inside), true)
        });
        let alone = [real(ctx.layout.visible())];
        let alone = alone.into_iter().chain(ground.git.iter().cloned());
        ground.folders.extend(alone.map(|folder| (folder, false)));
        let here = |standing: &&Standing| !matches!(standing.link, Link::LeftOut | Link::Unknown);
        for standing in marks.iter().filter(here) {
            if let Some(live) = &standing.live {
                ground.watch_live(live, &standing.mark.copy(), &mut rules);
            }
        }
        Ok(ground)
    }

    /// The folders to watch.
    pub(super) fn folders(&self) -> &BTreeMap<PathBuf, bool> {
        &self.folders
    }

    /// Could a sync have something to do because `path` has changed?
    pub(super) fn concerns(&self, path: &Path, rules: &mut Rules<'_>) -> bool {
        // It is about the folder itself: it has gone, moved, or has another mode.
        if self.folders.contains_key(path) {
            return true;
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return false;
        };
        if self
            .names
            .get(folder)
            .is_some_and(|names| names.contains(name))
        {
            return true;
        }
        for (tree, copy) in &self.trees {
            if let Ok(inside) = path.strip_prefix(tree) {
                return !rules.leave_out(&below(copy, inside), is_folder(path));
            }
        }
        if self.git.contains(folder) {
            return name.to_str().is_some_and(|name| GIT_FILES.contains(&name));
        }
        let Ok(inside) = path.strip_prefix(&self.top) else {
            return false;
        };
        let is_git = inside.components().any(|part| part.as_os_str() == ".git");
        let inside = as_path(inside);
        !is_git && !inside.is_private() && !rules.leave_out(&inside, is_folder(path))
    }

    /// Watches a folder and those below it, but for those that `is_left_out` names by their path inside.
    fn watch(&mut self, top: &Path, mut is_left_out: impl FnMut(&Path) -> bool) {
        self.folders.insert(top.to_owned(), true);
        if WHOLE_TREES {
            return;
        }
        let mut open = vec![top.to_owned()];
        while let Some(folder) = open.pop() {
            // What is gone by now, or closed to us, has nothing to sync in it.
            let Ok(entries) = std::fs::read_dir(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    continue;
                }
                let path = entry.path();
                let inside = path.strip_prefix(top).unwrap_or(&path);
                if is_of_git(&path) || is_left_out(inside) {
                    continue;
                }
                self.folders.insert(path.clone(), true);
                open.push(path);
            }
        }
    }

    /// Watches what is marked: the folder that it is in, or the first one above that is there; and where it
    /// is a folder of its own, all of that.
    fn watch_live(&mut self, live: &Path, copy: &RepoPath, rules: &mut Rules<'_>) {
        if is_folder(live) {
            let tree = real(live);
            self.watch(&tree, |inside| rules.leave_out(&below(copy, inside), true));
            self.trees.insert(tree, copy.clone());
        }
        let mut below = live;
        while let (Some(folder), Some(name)) = (below.parent(), below.file_name()) {
            if folder.is_dir() {
                let folder = real(folder);
                self.names
                    .entry(folder.clone())
                    .or_default()
                    .insert(name.to_owned());
                self.folders.entry(folder).or_insert(false);
                return;
            }
            below = folder;
        }
    }
}

/// A git directory, or a repository of its own, whose files are not ours to sync.
fn is_of_git(folder: &Path) -> bool {
    folder.file_name() == Some(OsStr::new(".git")) || folder.join(".git").symlink_metadata().is_ok()
}

/// Is it a folder, and no link to one?
fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// A path inside of the work tree.
fn as_path(inside: &Path) -> RepoPath {
    RepoPath::from_bytes(inside.as_os_str().as_bytes())
}

/// Where the copy of what is `inside` a marked folder is.
fn below(copy: &RepoPath, inside: &Path) -> RepoPath {
    RepoPath::from_bytes([copy.as_bytes(), b"/", inside.as_os_str().as_bytes()].concat())
}

/// The path by which the system tells of it.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
