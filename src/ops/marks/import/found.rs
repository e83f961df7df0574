//! What a reader has found so far.

use super::super::Marks;
use crate::model::import::{Left, Proposal, Standing};
use crate::model::mark::Mark;
use crate::model::path::RepoPath;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Proposals by their path, and what is left.
#[derive(Debug)]
pub(super) struct Found<'m> {
    pub(super) home: PathBuf,
    resolved: PathBuf,
    marks: &'m Marks<'m, 'm>,
    /// The folders of the set-up.
    kept: Vec<PathBuf>,
    proposals: BTreeMap<RepoPath, Proposal>,
    left: Vec<Left>,
}

impl<'m> Found<'m> {
    pub(super) fn new(marks: &'m Marks<'m, 'm>) -> Self {
        let home = marks.home.clone();
        Self {
            resolved: home.canonicalize().unwrap_or_else(|_| home.clone()),
            home,
            marks,
            kept: Vec::new(),
            proposals: BTreeMap::new(),
            left: Vec::new(),
        }
    }

    /// Nothing is taken that stands in `folder`: a link of ours in it would change the set-up.
    pub(super) fn keep(&mut self, folder: &Path) {
        self.kept.extend(folder.canonicalize());
    }

    /// Proposes what stands at `live`; its content is at `from`.
    pub(super) fn propose(
        &mut self,
        live: &Path,
        from: PathBuf,
        standing: Standing,
        note: Option<&'static str>,
    ) {
        let Some(path) = self.below_home(live) else {
            return self.leave(live, "is not in your home");
        };
        let folder = live.parent().and_then(|folder| folder.canonicalize().ok());
        let is_kept = |folder: &PathBuf| self.kept.iter().any(|kept| folder.starts_with(kept));
        if folder.as_ref().is_none_or(is_kept) {
            return self.leave(live, "is in the set-up itself");
        }
        let Some(mark) = Mark::new(path.as_bytes(), from.is_dir()) else {
            return self.leave(live, "is no path to mark");
        };
        // As a mark names it, whichever way the home was typed.
        let from = match standing {
            Standing::File => mark.live(&self.home),
            Standing::Link => from,
        };
        self.proposals.insert(
            path,
            Proposal {
                mark,
                from,
                standing,
                note,
            },
        );
    }

    /// Says of a path why it is not proposed.
    pub(super) fn leave(&mut self, path: &Path, why: &str) {
        if self.leave_marked(path) {
            return;
        }
        let spelled = self.spelled(path);
        self.left.push(Left::new(spelled, why));
    }

    /// The same of a path that is synced already; `false` where it is not.
    pub(super) fn leave_marked(&mut self, path: &Path) -> bool {
        let list = &self.marks.manifest;
        let below = self.below_home(path);
        let marked =
            below.is_some_and(|below| list.get(&below).is_some() || list.above(&below).is_some());
        if marked {
            let spelled = self.spelled(path);
            self.left.push(Left::new(spelled, "is synced already"));
        }
        marked
    }

    /// As people have it: `~/path` in the home.
    fn spelled(&self, path: &Path) -> Vec<u8> {
        match self.below_home(path) {
            Some(below) => [b"~/", below.as_bytes()].concat(),
            None => path.as_os_str().as_bytes().to_vec(),
        }
    }

    /// Does `path` lead to something in the home?
    pub(super) fn is_in_home(&self, path: &Path) -> bool {
        let resolved = path.canonicalize();
        resolved.is_ok_and(|resolved| resolved.starts_with(&self.resolved))
    }

    /// Everything that was found.
    pub(super) fn finish(self) -> (Vec<Proposal>, Vec<Left>) {
        (self.proposals.into_values().collect(), self.left)
    }

    fn below_home(&self, path: &Path) -> Option<RepoPath> {
        let below = path
            .strip_prefix(&self.home)
            .or_else(|_| path.strip_prefix(&self.resolved))
            .ok()?;
        Some(RepoPath::from_bytes(below.as_os_str().as_bytes()))
    }
}
