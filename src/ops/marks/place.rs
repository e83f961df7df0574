//! Puts something in the place of a live path, and looks at what it displaced.
//!
//! Both trade places in one system call, so there is no moment without a file. What was displaced is
//! compared with what was seen before: if somebody saved in that instant, the two are traded back.

use super::absorb::move_in;
use super::{Marks, bytes_of};
use crate::error::{Error, Result};
use crate::model::mark::Mark;
use crate::ops::backup;
use crate::store::memory::{Beside, Ours};
use crate::sys::tree::{Node, Tree};
use crate::sys::{fs, swap};
use std::path::{Path, PathBuf};

/// How it came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// It stands there.
    Done,
    /// Somebody saved meanwhile: what they saved stands there.
    Saved,
}

impl Marks<'_, '_> {
    /// Puts at the live path of `mark` what shall stand there on this machine, our link or a copy, in the
    /// place of `before`, or where nothing stands.
    pub(super) fn put(&mut self, mark: &Mark, before: Option<&Tree>) -> Result<Placed> {
        if self.is_copied(mark) {
            self.put_content(mark, before)
        } else {
            self.put_link(mark, before)
        }
    }

    /// Puts our link there; a copy, where there can be no links.
    fn put_link(&mut self, mark: &Mark, before: Option<&Tree>) -> Result<Placed> {
        let live = mark.live(&self.home);
        let target = self.copy(mark);
        if before.is_none() {
            self.make_folders(mark)?;
        }
        let beside = self.announce(mark, &live, Ours::Link)?;
        if !fs::try_symlink(&target, &beside)? {
            self.placed(mark, &live)?;
            if let Some(known) = self.memory.get_mut(mark.below_home()) {
                known.unlinkable = true;
            }
            self.save()?;
            self.ctx.listener.warn(&format!(
                "no link can be made at '{mark}': it is kept as a copy on this machine"
            ));
            return self.put_content(mark, before);
        }
        let Some(before) = before else {
            let free = swap::move_to_free(&beside, &live)?;
            if !free {
                fs::remove_file(&beside)?;
            }
            self.placed(mark, &live)?;
            return Ok(if free { Placed::Done } else { Placed::Saved });
        };
        let placed = trade(&beside, &live, before);
        match placed {
            Ok(Placed::Done) => {
                if !discard(&beside, before)? {
                    // Written into by somebody who has the folder open.
                    self.keep_rest(mark, &gone(&beside))?;
                }
            }
            Ok(Placed::Saved) => fs::remove_file(&beside)?,
            Err(error) => {
                fs::remove_file(&beside)?;
                self.placed(mark, &live)?;
                return Err(if before.is_folder() {
                    error.hint(
                        "mark the files in it one by one where its file system cannot exchange",
                    )
                } else {
                    error
                });
            }
        }
        self.placed(mark, &live)?;
        placed
    }

    /// Puts what the repository has at the live path of `mark`, as a file of its own, in the place of
    /// `before`: our link, another content, or nothing.
    pub(super) fn put_content(&mut self, mark: &Mark, before: Option<&Tree>) -> Result<Placed> {
        let live = mark.live(&self.home);
        let copy = self.readable(mark)?;
        let Some(content) = Tree::of(&copy)? else {
            let copy = self.copy(mark);
            let copy = copy.display();
            return Err(Error::failed(format!("'{copy}' is not there")));
        };
        let is_link = |tree: &Tree| matches!(tree.top(), Some(Node::Link(_)));
        let other = before.filter(|before| !is_link(before));
        if other.is_some_and(|other| other.digest() == content.digest()) {
            return Ok(Placed::Done);
        }
        if before.is_none() {
            self.make_folders(mark)?;
        }
        let beside = self.announce(mark, &live, Ours::Content)?;
        let made = content.copy(&copy, &beside).and_then(|()| {
            if Tree::of(&beside)?.as_ref() != Some(&content) {
                return Ok(Placed::Saved);
            }
            let Some(before) = before else {
                let free = move_in(&beside, &content, &live)?;
                return Ok(if free { Placed::Done } else { Placed::Saved });
            };
            if other.is_some() {
                self.finished(mark)?;
            }
            match trade(&beside, &live, before)? {
                // Through the link, while it was copied.
                Placed::Done
                    if other.is_none() && self.content(mark)?.as_ref() != Some(&content) =>
                {
                    swap::exchange(&beside, &live)?;
                    Ok(Placed::Saved)
                }
                placed => Ok(placed),
            }
        });
        if matches!(made, Ok(Placed::Done)) {
            match (before, other) {
                (None, _) => {}
                (Some(_), None) => fs::remove_file(&beside)?,
                (Some(_), Some(other)) => {
                    if !discard(&beside, other)? {
                        self.keep_rest(mark, &gone(&beside))?;
                    }
                }
            }
        } else if let Some(left) = Tree::of(&beside)? {
            if other.is_some() && left.is_part_of(&content) {
                left.remove(&beside)?;
            } else if other.is_some() {
                // Saved into ours, while the two traded places.
                self.keep_rest(mark, &beside)?;
            } else {
                left.remove(&beside)?;
            }
        }
        self.placed(mark, &live)?;
        made
    }

    /// Writes down what is about to stand beside `live`, before it does.
    fn announce(&mut self, mark: &Mark, live: &Path, ours: Ours) -> Result<PathBuf> {
        backup::ensure(self.ctx, &[])?;
        let beside = fs::beside(live);
        if let Some(known) = self.memory.get_mut(mark.below_home()) {
            known.beside = Some(Beside {
                path: bytes_of(&beside),
                ours,
            });
        }
        self.save()?;
        Ok(beside)
    }

    /// What stands beside the live path is finished, and about to trade places with another content.
    fn finished(&mut self, mark: &Mark) -> Result<()> {
        if let Some(known) = self.memory.get_mut(mark.below_home())
            && let Some(beside) = &mut known.beside
        {
            beside.ours = Ours::Version;
        }
        self.save()
    }

    /// Nothing of ours stands beside `live` any more; the caller saves that with what comes next.
    fn placed(&mut self, mark: &Mark, live: &Path) -> Result<()> {
        if let Some(known) = self.memory.get_mut(mark.below_home()) {
            known.beside = None;
        }
        live.parent().map_or(Ok(()), fs::sync_dir)
    }
}

/// The name of something that was looked at, and goes.
pub(super) fn gone(beside: &Path) -> PathBuf {
    beside.with_extension("gone")
}

/// Removes what was displaced, once it was looked at; `false` where more has come into it.
///
/// It gets another name first: a folder that is half removed must not look like one that was changed.
pub(super) fn discard(beside: &Path, found: &Tree) -> Result<bool> {
    let gone = gone(beside);
    fs::rename(beside, &gone)?;
    found.remove(&gone)
}

/// Lets the two trade places; back, where what comes out is not `before`.
fn trade(new: &Path, live: &Path, before: &Tree) -> Result<Placed> {
    swap::exchange(new, live)?;
    if Tree::of(new)?.as_ref() == Some(before) {
        return Ok(Placed::Done);
    }
    swap::exchange(new, live)?;
    Ok(Placed::Saved)
}
