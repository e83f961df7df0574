//! Counts commits between two tips, in-process: every status and every sync asks for it.

use super::Repo;
use crate::error::{Error, Result};
use crate::model::divergence;
use crate::model::entry::Oid;
use gix::ObjectId;
use std::fmt;

fn unreadable(source: &dyn fmt::Display) -> Error {
    Error::failed("the history cannot be read").because(source.to_string())
}

fn id(oid: &Oid) -> Result<ObjectId> {
    ObjectId::from_hex(oid.as_str().as_bytes()).map_err(|source| unreadable(&source))
}

impl Repo {
    /// How many commits `ours` has that `theirs` lacks, and the other way round.
    pub fn ahead_behind(&self, ours: &Oid, theirs: &Oid) -> Result<(usize, usize)> {
        if ours == theirs {
            return Ok((0, 0));
        }
        let repo = self.gix();
        // What a commit-graph has need not be parsed.
        let graph = repo.commit_graph_if_enabled().ok().flatten();
        let mut graph = repo.revision_graph::<()>(graph.as_ref());
        let shallow = repo
            .shallow_commits()
            .map_err(|source| unreadable(&source))?;
        divergence::ahead_behind(id(ours)?, id(theirs)?, |id: ObjectId| {
            let commit = graph.lookup(&id).map_err(|source| unreadable(&source))?;
            let date = commit
                .committer_timestamp()
                .map_err(|source| unreadable(&source))?;
            // The history is cut off below these.
            if shallow.as_ref().is_some_and(|cut| cut.contains(&id)) {
                return Ok((date, Vec::new()));
            }
            let parents: std::result::Result<Vec<_>, _> = commit.iter_parents().collect();
            Ok((date, parents.map_err(|source| unreadable(&source))?))
        })
    }
}
