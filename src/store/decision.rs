//! What was decided about held paths, so that it can be taken back: the held set as it was, what the
//! user made of it by hand, and where the branch was.

use super::held::{inside, read, save_with};
use crate::error::{Error, Result};
use crate::git::Repo;
use crate::model::entry::{Entries, Oid};
use crate::model::held::HeldSet;
use crate::model::path::RepoPath;
use std::path::PathBuf;

/// The folder in the tree for what the user merged by hand.
const MERGED: &str = "merged";

/// One decision.
#[derive(Debug)]
pub struct Decision {
    /// The paths that it was about, as they were.
    pub set: HeldSet,
    /// What those became that the user merged by hand.
    pub merged: Entries,
    /// The tip of the branch before it.
    pub tip: Oid,
}

impl Decision {
    /// Writes it as a commit, to be put under a ref.
    pub fn save(&self, repo: &Repo, scratch: PathBuf) -> Result<Oid> {
        let merged: Vec<_> = self
            .merged
            .iter()
            .map(|(path, entry)| (MERGED, path, entry))
            .collect();
        let parents = vec![self.tip.clone()];
        save_with(repo, &self.set, &merged, parents, "decided", scratch)
    }

    /// The decision that a commit of [`Self::save`] keeps.
    pub fn read(repo: &Repo, oid: &Oid) -> Result<Self> {
        let set = read(repo, oid)?;
        let tip = repo.commit(oid)?.parents.into_iter().next();
        let tip = tip.ok_or_else(|| {
            Error::fatal(format!("the decision in {} cannot be read", oid.short()))
                .hint(format!("git show {oid}   shows it"))
        })?;
        let paths: Vec<_> = set.iter().map(|held| held.path.clone()).collect();
        let inside: Vec<RepoPath> = paths.iter().map(|path| inside(MERGED, path)).collect();
        let mut found = repo.entries(oid, &inside)?;
        let merged = paths
            .into_iter()
            .zip(&inside)
            .filter_map(|(path, inside)| Some((path, found.remove(inside)?)))
            .collect();
        Ok(Self { set, merged, tip })
    }
}
