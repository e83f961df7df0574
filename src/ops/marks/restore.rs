//! Brings content of a marked path back from a commit.

use super::Marks;
use super::absorb::{clear, move_in};
use crate::error::{Error, Result};
use crate::git::index::PrivateIndex;
use crate::model::entry::Oid;
use crate::model::mark::Mark;
use crate::sys::fs;
use crate::sys::tree::{self, Tree};

impl Marks<'_, '_> {
    /// Puts the copy of a mark back as `commit` has it, where nothing stands.
    pub(super) fn restore(&self, mark: &Mark, commit: &Oid) -> Result<()> {
        let repo = self.ctx.repo;
        let path = mark.copy();
        let entries = repo.entries_below(commit, &path)?;
        let folder = self.ctx.scratch("restored");
        fs::create_dir_all(&folder)?;
        tree::set_mode(&folder, 0o700)?;
        let index = PrivateIndex::empty(repo, self.ctx.scratch("index"))?;
        index.set(entries.iter().map(|(path, entry)| (path, Some(entry))))?;
        let progress = self.ctx.progress("Writing files", entries.len());
        repo.write_files(&index, entries.keys(), commit, &folder, &progress)?;
        drop(progress);
        index.discard()?;
        let made = path.below(&folder);
        let Some(found) = Tree::of(&made)? else {
            return Err(Error::failed(format!("git did not write '{path}'")));
        };
        let copy = self.copy(mark);
        let partial = self.stage(mark)?.with_extension("part");
        clear(&partial)?;
        found.copy(&made, &partial)?;
        if let Some(known) = self.remembered(mark).filter(|_| !mark.is_folder()) {
            tree::set_mode(&partial, known.mode)?;
        }
        if let Some(parent) = copy.parent() {
            fs::create_dir_all(parent)?;
        }
        move_in(&partial, &found, &copy)?;
        clear(&partial)?;
        self.tidy();
        fs::remove_scratch(&folder)
    }
}
