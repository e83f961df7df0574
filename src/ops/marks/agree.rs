//! Copies that stand at their live paths as files of their own: what they and the repository have in
//! common, and their modes.

use super::sealed::Opened;
use super::{Marks, bytes_of, followed};
use crate::error::Result;
use crate::model::cure::Phase;
use crate::model::mark::Mark;
use crate::model::modes::full;
use crate::store::memory::Remembered;
use crate::sys::tree::{self, Listed, Tree};
use std::collections::BTreeMap;

impl Marks<'_, '_> {
    /// Remembers what the live path and the copy have in common: where they differ, that is what they
    /// had when they were last the same.
    pub(super) fn remember_agreed(&mut self, mark: &Mark, phase: Phase) -> Result<()> {
        let (live, copy) = (mark.live(&self.home), self.copy(mark));
        // First the stamps: what is written after them is looked at again.
        let stamps = (tree::stamp(&live)?, tree::stamp(&copy)?);
        let here = Tree::of(&live)?.map(|tree| tree.digest());
        let (there, settled) = match self.opened(mark, &copy)? {
            Opened::Content { tree, settled } => (Some(tree.digest()), settled),
            Opened::Nothing | Opened::Closed(_) => (None, false),
        };
        let sealed = self.is_sealed(mark) && settled;
        let known = self.remembered(mark).cloned();
        let agreed = here.is_some() && here == there;
        // What is to be encrypted yet is looked at again.
        let (live_stamp, stamp) = if agreed && settled {
            stamps
        } else {
            (None, None)
        };
        let digest = match &known {
            Some(known) if !agreed => known.digest.clone(),
            _ => there.unwrap_or_default(),
        };
        let remembered = Remembered {
            phase,
            folder: mark.is_folder(),
            target: bytes_of(&copy),
            digest,
            stamp: stamp.unwrap_or_default(),
            mode: tree::mode(&copy)?.unwrap_or_default(),
            replaced: 0,
            live_stamp: live_stamp.unwrap_or_default(),
            unlinkable: known.as_ref().is_some_and(|known| known.unlinkable),
            variant: mark.variant().map(str::to_owned),
            followed: followed(known.as_ref(), phase),
            sealed: sealed || known.as_ref().is_some_and(|known| known.sealed),
            base: known.as_ref().and_then(|known| known.base.clone()),
            beside: known.and_then(|known| known.beside),
        };
        self.memory.insert(mark.below_home().clone(), remembered);
        Ok(())
    }

    /// Is what stands at the live path what it was when both were the same, by its stamp?
    pub(super) fn is_live_unchanged(&self, mark: &Mark) -> Result<bool> {
        let Some(known) = self.remembered(mark) else {
            return Ok(false);
        };
        if known.live_stamp.is_empty() {
            return Ok(false);
        }
        Ok(tree::stamp(&mark.live(&self.home))?.as_ref() == Some(&known.live_stamp))
    }

    /// What somebody wrote without changing the stamp is not what is remembered.
    pub(super) fn distrust_stamps(&mut self, mark: &Mark) {
        if let Some(known) = self.memory.get_mut(mark.below_home()) {
            known.live_stamp.clear();
            known.stamp.clear();
        }
    }

    /// Allows of both what both allow, and makes the folders of either in the other: a copy knows
    /// nothing of an empty one.
    pub(super) fn agree_modes(&self, mark: &Mark) -> Result<()> {
        let (live, copy) = (mark.live(&self.home), self.copy(mark));
        let listed = |path| -> Result<BTreeMap<Vec<u8>, Listed>> {
            let all = tree::listing(path)?.into_iter();
            Ok(all.map(|listed| (listed.inside.clone(), listed)).collect())
        };
        let (here, there) = (listed(&live)?, listed(&copy)?);
        for (ours, theirs, top) in [(&here, &there, &copy), (&there, &here, &live)] {
            for (inside, listed) in ours {
                if listed.empty && !theirs.contains_key(inside) && has_parent(theirs, inside) {
                    tree::create_folder(&tree::below(top, inside), listed.mode)?;
                }
            }
        }
        // What is in a folder comes before it: it may be closed.
        for (inside, ours) in here.iter().rev() {
            let Some(theirs) = there.get(inside).filter(|it| it.folder == ours.folder) else {
                continue;
            };
            let exec = ours.mode & theirs.mode & 0o100 != 0;
            let full = full(ours.folder, exec);
            for (top, mode) in [(&live, ours.mode), (&copy, theirs.mode)] {
                let agreed = (mode & !full) | (ours.mode & theirs.mode & full);
                if agreed != mode {
                    tree::set_mode(&tree::below(top, inside), agreed)?;
                }
            }
        }
        Ok(())
    }
}

/// Is the folder there that `inside` is in?
fn has_parent(all: &BTreeMap<Vec<u8>, Listed>, inside: &[u8]) -> bool {
    let parent = inside.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    all.get(&inside[..parent])
        .is_some_and(|parent| parent.folder && !inside.is_empty())
}
