//! Makes a live path a file of its own again.

use super::Marks;
use super::place::Placed;
use crate::error::{Error, Result};
use crate::model::cure::Phase;
use crate::model::mark::{COPIES, MANIFEST, Manifest, Mark};
use crate::model::path::RepoPath;
use crate::ops::publish::Publication;
use crate::ops::{Context, Done};
use crate::store::memory::Remembered;
use crate::sys::fs;
use crate::sys::tree::Tree;
use std::collections::BTreeSet;

/// A file that is written through its link all the time cannot be had without its writer.
const TRIES: u32 = 3;

impl Marks<'_, '_> {
    /// Puts a copy in the place of our link; what is no link of ours is left as it is, and `false`.
    pub(super) fn release(&mut self, mark: &Mark) -> Result<bool> {
        if !self.is_linked(mark)? {
            // Perhaps it cannot be read, and need not.
            return Ok(false);
        }
        for _ in 0..TRIES {
            let before = Tree::of(&mark.live(&self.home))?;
            if !self.is_linked(mark)? {
                return Ok(false);
            }
            if self.put_content(mark, before.as_ref())? == Placed::Done {
                self.save()?;
                return Ok(true);
            }
        }
        Err(Error::blocked(format!("'{mark}' is being written")))
    }

    /// Makes the link to a mark that is not for this machine a file of its own; list and copy stay.
    /// `false` where there was no link.
    pub(super) fn leave(&mut self, mark: &Mark) -> Result<bool> {
        let linked = self.is_linked(mark)?;
        if linked && self.remembered(mark).is_none() {
            self.remember(mark, Phase::Linked)?;
        }
        let released = linked && self.release(mark)?;
        self.memory.remove(mark.below_home());
        self.save()?;
        Ok(released)
    }

    /// Takes marks out of the list and out of what is remembered.
    pub(super) fn forget(&mut self, marks: &[Mark]) -> Result<()> {
        if self.unlist(marks) {
            self.write_manifest()?;
        }
        self.drop_modes(marks)?;
        for mark in marks {
            self.memory.remove(mark.below_home());
        }
        self.save()
    }

    /// Takes marks out of the list, and removes every version of their copies.
    pub(super) fn take_out(&mut self, marks: &[Mark]) -> Result<()> {
        let mut others = Vec::new();
        for mark in marks {
            let versions = self.manifest.versions(mark).into_iter();
            others.extend(versions.filter(|other| other != mark));
        }
        // While the list still names them.
        for other in &others {
            self.remove_copy(other)?;
        }
        self.drop_modes(&others)?;
        self.unlist(marks);
        self.write_manifest()?;
        for mark in marks {
            self.remove_copy(mark)?;
        }
        Ok(())
    }

    /// Takes marks out of the list in memory; was one of them in it?
    fn unlist(&mut self, marks: &[Mark]) -> bool {
        let mut listed = false;
        for mark in marks {
            listed |= self.manifest.remove(mark);
        }
        listed
    }

    /// Is the copy of a mark another one than what stands at the live path, or can it not be read?
    pub(super) fn differs(&self, mark: &Mark) -> Result<bool> {
        let live = Tree::of(&mark.live(&self.home)).unwrap_or_default();
        let copy = self.digest_of_copy(mark, &self.copy(mark))?;
        Ok(copy.is_none() || live.map(|live| live.digest()) != copy)
    }

    /// Removes the copy of a mark. What stands at the live path is the same, or else it is kept: an edit
    /// may be in no commit yet.
    pub(super) fn remove_copy(&self, mark: &Mark) -> Result<()> {
        let top = self.ctx.repo.top();
        let copy = self.copy(mark);
        let Some(found) = Tree::of(&copy)? else {
            return Ok(());
        };
        if self.differs(mark)? {
            let readable = if self.digest_of_copy(mark, &copy)?.is_some() {
                self.readable(mark)?
            } else {
                copy.clone()
            };
            let kept = self.keep_aside(mark, &readable)?.display().to_string();
            self.ctx.listener.done(&Done::Aside { mark, kept: &kept });
        }
        found.remove(&copy)?;
        if let Some(folder) = copy.parent() {
            fs::remove_empty_parents(folder, top);
        }
        Ok(())
    }
}

/// Before a publication takes copies away, the live paths that lead to them become files of their own:
/// a link to nothing would be left there else, until somebody looks.
///
/// If the publication does not get through, they are the same as their copies, and are linked again.
pub(in crate::ops) fn before_publication(
    ctx: &Context<'_>,
    publication: &Publication<'_>,
) -> Result<()> {
    let copies = format!("{COPIES}/");
    let is_copy = |path: &RepoPath| path.as_bytes().starts_with(copies.as_bytes());
    let gone: BTreeSet<_> = publication
        .changes
        .iter()
        .filter(|change| change.new.is_none() && is_copy(&change.path))
        .map(|change| change.path.clone())
        .collect();
    let listed = publication
        .changes
        .iter()
        .any(|change| change.path.as_bytes() == MANIFEST.as_bytes());
    if gone.is_empty() && !listed {
        return Ok(());
    }
    let Some(mut marks) = Marks::open_where_linked(ctx)? else {
        return Ok(());
    };
    if marks.other_home().is_some() {
        return Ok(());
    }
    let list = ctx.repo.file(publication.live_tree, MANIFEST)?;
    let list = Manifest::parse(&list.unwrap_or_default());
    for mark in marks.known() {
        let mark = marks.former(&mark).unwrap_or(mark);
        let copy = mark.copy();
        let below = gone.range(copy.inside()..).next();
        let loses = gone.contains(&copy) || below.is_some_and(|path| copy.is_above(path));
        let becomes_sealed = list.terms(&mark).encrypt && !marks.is_sealed(&mark);
        let over = becomes_sealed
            || list.get(mark.below_home()).is_none()
            || (loses && !ctx.repo.has_below(publication.live_tree, &copy)?);
        let known: Option<&Remembered> = marks.remembered(&mark);
        if over && known.is_some() && fs::look(&marks.copy(&mark))?.is_some() {
            marks.release(&mark)?;
        }
    }
    Ok(())
}
