//! Takes what stands at a live path into the repository, and links to it, or leaves it there as a copy.

use super::place::Placed;
use super::sealed::Opened;
use super::{Marks, short_name};
use crate::error::{Error, Result};
use crate::model::cure::Phase;
use crate::model::mark::Mark;
use crate::ops::backup;
use crate::sys::tree::{self, Node, Tree};
use crate::sys::{fs, swap};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file that is saved all the time is left for the next run.
const TRIES: u32 = 3;

impl Marks<'_, '_> {
    /// Takes the content of `from`, the live path or what it leads to, into the copy, and puts our link
    /// in its place; not where it is a copy.
    pub(super) fn absorb(&mut self, mark: &Mark, from: &Path) -> Result<()> {
        for _ in 0..TRIES {
            if self.try_absorb(mark, from)? {
                self.tidy();
                self.remember(mark, Phase::Linked)?;
                return self.save();
            }
        }
        Err(Error::blocked(format!("'{mark}' is being written")))
    }

    /// `false` where somebody saved meanwhile.
    fn try_absorb(&mut self, mark: &Mark, from: &Path) -> Result<bool> {
        let live = mark.live(&self.home);
        let Some(before) = Tree::of(&live)? else {
            return Ok(false);
        };
        let followed = if from == live { None } else { Tree::of(from)? };
        let content = followed.as_ref().unwrap_or(&before);
        let copy = self.copy(mark);
        if self.is_copied(mark) && followed.is_none() && Tree::of(&copy)?.is_some() {
            self.agree_modes(mark)?;
            if Tree::of(&live)?.as_ref() != Some(&before) {
                return Ok(false);
            }
        }
        let is_there = match self.opened(mark, &copy)? {
            Opened::Content { tree, settled } => settled && tree == *content,
            Opened::Nothing | Opened::Closed(_) => false,
        };
        if !is_there && !self.fill(mark, from, content)? {
            return Ok(false);
        }
        // From now on the copy is what both started from.
        let phase = self
            .remembered(mark)
            .map_or(Phase::Linked, |known| known.phase);
        self.remember(mark, phase)?;
        Ok(self.put(mark, Some(&before))? == Placed::Done)
    }

    /// Makes the copy have `content`, which stands at `from`; `false` where one of the two was changed
    /// meanwhile.
    pub(super) fn fill(&mut self, mark: &Mark, from: &Path, content: &Tree) -> Result<bool> {
        let partial = self.stage(mark)?.with_extension("part");
        clear(&partial)?;
        self.copy_in(mark, from, content, &partial)?;
        self.exchange(mark, content, &partial)
    }

    /// Gives a new copy of `content`, made at `partial`, its place.
    pub(super) fn exchange(&mut self, mark: &Mark, content: &Tree, partial: &Path) -> Result<bool> {
        let copy = self.copy(mark);
        let staged = self.stage(mark)?;
        if !self.is_made(mark, partial, content)? {
            clear(partial)?;
            return Ok(false);
        }
        self.narrow_new(mark, partial)?;
        let Some(before) = Tree::of(&copy)? else {
            if let Some(folder) = copy.parent() {
                fs::create_dir_all(folder)?;
            }
            let free = move_in(partial, content, &copy)?;
            clear(partial)?;
            return Ok(free);
        };
        backup::ensure(self.ctx, &[])?;
        fs::rename(partial, &staged)?;
        swap::exchange(&staged, &copy)?;
        copy.parent().map_or(Ok(()), fs::sync_dir)?;
        if Tree::of(&staged)?.as_ref() != Some(&before) {
            swap::exchange(&staged, &copy)?;
            clear(&staged)?;
            return Ok(false);
        }
        if before.is_folder() && (!self.is_copied(mark) || self.ignores_lost(mark, &before)?) {
            // What git ignores in it is in no commit.
            let kept = self.place_aside(mark)?;
            fs::rename(&staged, &kept)?;
            let kept = kept.display();
            self.ctx
                .listener
                .warn(&format!("the former copy of '{mark}' is kept as '{kept}'"));
        }
        clear(&staged)?;
        Ok(true)
    }

    /// Encrypts what the repository has of a mark; what is encrypted already stays as it is, unless
    /// `anew`.
    pub(super) fn encrypt(&mut self, mark: &Mark, anew: bool) -> Result<()> {
        let plain = self.readable(mark)?;
        let Some(content) = Tree::of(&plain)? else {
            return Ok(());
        };
        let partial = self.stage(mark)?.with_extension("part");
        clear(&partial)?;
        if anew {
            self.seal(&plain, &content, &partial)?;
        } else {
            self.copy_in(mark, &plain, &content, &partial)?;
        }
        if !self.exchange(mark, &content, &partial)? {
            return Err(Error::blocked(format!(
                "the copy of '{mark}' is being written"
            )));
        }
        self.tidy();
        self.remember_copy(mark)
    }

    /// Remembers the copy of a mark as it is now, where it is the version that stands here.
    pub(super) fn remember_copy(&mut self, mark: &Mark) -> Result<()> {
        let known = self.remembered(mark);
        if known.is_some_and(|known| known.variant.as_deref() == mark.variant()) {
            self.settle_memory(mark)?;
        }
        self.save()
    }

    /// Has `before`, the former copy, something that git ignores, and the new one does not have?
    fn ignores_lost(&self, mark: &Mark, before: &Tree) -> Result<bool> {
        let Some(after) = Tree::of(&self.copy(mark))? else {
            return Ok(true);
        };
        let after: BTreeMap<_, _> = after.nodes().collect();
        let lost = before.nodes().filter(|(inside, node)| {
            !matches!(node, Node::Folder(_)) && after.get(inside) != Some(node)
        });
        let names: Vec<_> = lost
            .map(|(inside, _)| [mark.copy().as_bytes(), b"/", inside].concat())
            .collect();
        if names.is_empty() {
            return Ok(false);
        }
        let verdicts = self.ctx.repo.ignored(&names)?;
        Ok(verdicts.iter().any(|verdict| verdict.ignored))
    }

    /// Removes the folder in which copies are made, where nothing is in it.
    pub(super) fn tidy(&self) {
        fs::remove_empty_tree(&self.ctx.layout.adopting());
    }

    /// Where a copy is made before it gets its place.
    pub(super) fn stage(&self, mark: &Mark) -> Result<PathBuf> {
        let folder = self.ctx.layout.adopting();
        fs::create_dir_all(&folder)?;
        tree::set_mode(&folder, 0o700)?;
        Ok(folder.join(short_name(mark)))
    }
}

/// Moves a finished copy to where nothing stands; a folder that its owner may not write cannot be moved
/// before that is allowed.
pub(super) fn move_in(partial: &Path, content: &Tree, copy: &Path) -> Result<bool> {
    let mode = content
        .is_folder()
        .then(|| tree::mode(partial))
        .transpose()?;
    if mode.is_some() {
        tree::set_mode(partial, 0o700)?;
    }
    let free = if content.is_folder() {
        // Not by a hard link, where the system lacks the call that refuses to replace.
        let free = fs::look(copy)?.is_none();
        if free {
            fs::rename(partial, copy)?;
        }
        free
    } else {
        swap::move_to_free(partial, copy)?
    };
    if let Some(Some(mode)) = mode.filter(|_| free) {
        tree::set_mode(copy, mode)?;
    }
    copy.parent().map_or(Ok(()), fs::sync_dir)?;
    Ok(free)
}

/// Removes what is left of an earlier try.
pub(super) fn clear(path: &Path) -> Result<()> {
    if let Some(left) = Tree::of(path)? {
        left.remove(path)?;
    }
    Ok(())
}
