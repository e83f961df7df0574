//! The name under which policy `both` keeps this machine's version beside the remote's.

use super::Context;
use crate::error::Result;
use crate::model::entry::{Entries, Entry, Oid};
use crate::model::path::RepoPath;

/// So many digits of an object name are in a name, and so many where fewer are taken.
const DIGITS: [usize; 4] = [8, 12, 20, 40];

/// What stands in the two trees that come together, read when it is first needed.
#[derive(Default)]
pub(super) struct Beside {
    trees: Option<[Entries; 2]>,
    given: Entries,
}

impl Beside {
    /// A free name for `entry`, which is this machine's version of `path`, beside what `tip` has there;
    /// `None` where there is none.
    ///
    /// It is named after what it holds, so that two machines that keep the same file keep it once. A
    /// copy that somebody has edited since is a file like any other, and nothing is put in its place.
    pub(super) fn name(
        &mut self,
        ctx: &Context<'_>,
        path: &RepoPath,
        entry: &Entry,
        ours: &Oid,
        tip: &Oid,
    ) -> Result<Option<RepoPath>> {
        let all = |tree| ctx.repo.all_entries(tree);
        let trees = match self.trees.take() {
            Some(trees) => trees,
            None => [all(ours)?, all(tip)?],
        };
        // A folder here and a file there: what is in the folder cannot stay below that file. It moves
        // as a whole, so the file that it makes way for gives the name.
        let there = &trees[1];
        let file = path
            .parents()
            .find_map(|parent| there.get_key_value(&parent));
        let (head, named_after) = match file {
            Some((file, theirs)) => (file.clone(), theirs.oid.clone()),
            None => (path.clone(), entry.oid.clone()),
        };
        self.trees = Some(trees);
        for digits in DIGITS {
            let infix = format!(".conflict-{}", &named_after.as_str()[..digits]);
            let mut name = head.with_infix(&infix).as_bytes().to_vec();
            name.extend_from_slice(&path.as_bytes()[head.as_bytes().len()..]);
            let name = RepoPath::from_bytes(name);
            if self.is_free(&name, entry) {
                self.given.insert(name.clone(), entry.clone());
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// May `entry` be at `name`: is there nothing, or the very same?
    fn is_free(&self, name: &RepoPath, entry: &Entry) -> bool {
        // Where our own files are, no sync writes one.
        if name.is_private() {
            return false;
        }
        let all = self.trees.iter().flatten().chain([&self.given]);
        all.into_iter().all(|entries| {
            if let Some(found) = entries.get(name) {
                return found == entry;
            }
            let above = name.parents().any(|parent| entries.contains_key(&parent));
            !above && entries.keys().all(|other| !name.is_above(other))
        })
    }
}
