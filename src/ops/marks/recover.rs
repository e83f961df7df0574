//! Cleans up beside the live paths after a run that died.

use super::absorb::clear;
use super::place::{Placed, discard, gone};
use super::sealed::Opened;
use super::{Marks, bytes_of, short_name};
use crate::error::Result;
use crate::model::cure::{Live, Phase};
use crate::model::mark::Mark;
use crate::model::path::RepoPath;
use crate::store::memory::Ours;
use crate::sys::tree::{self, Node, Tree};
use crate::sys::{fs, swap};
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::slice;

impl Marks<'_, '_> {
    /// Takes away what a run that died has left, and puts back what it had in its hands.
    pub(super) fn recover(&mut self) -> Result<()> {
        let marks = self.known();
        for mark in &marks {
            let beside = self.remembered(mark).and_then(|known| known.beside.clone());
            if let Some(beside) = beside {
                let path = beside.path.below(Path::new("/"));
                self.settle(mark, &path, beside.ours)?;
                if let Some(known) = self.memory.get_mut(mark.below_home()) {
                    known.beside = None;
                }
            }
            self.finish_following(mark)?;
        }
        self.empty_stage(&marks)?;
        self.save()
    }

    /// What the link at a live path says, where one stands.
    pub(super) fn link_text(&self, mark: &Mark) -> Result<Option<RepoPath>> {
        let target = tree::target(&mark.live(&self.home))?;
        Ok(target.map(|target| bytes_of(&target)))
    }

    /// A link that was to give way, as what it leads to was taken in, and did not yet: it does now if
    /// the repository has its content, or else nothing was begun.
    fn finish_following(&mut self, mark: &Mark) -> Result<()> {
        let Some(known) = self
            .remembered(mark)
            .filter(|known| known.followed.is_some())
        else {
            return Ok(());
        };
        if known.phase != Phase::Adopting || self.link_text(mark)? != known.followed {
            return Ok(());
        }
        let wanted = Some(known.digest.clone());
        let live = mark.live(&self.home);
        // What cannot be read is not what was read.
        let digest_of = |path: &Path| Some(Tree::of(path).ok()??.digest());
        let taken = digest_of(&self.copy(mark)) == wanted;
        let target = live.canonicalize();
        let unchanged = target.is_ok_and(|target| digest_of(&target) == wanted);
        if taken && unchanged {
            let before = Tree::of(&live)?;
            if self.put(mark, before.as_ref())? == Placed::Done {
                self.remember(mark, Phase::Linked)?;
            }
            return self.save();
        }
        if taken {
            self.remove_copy(mark)?;
        }
        self.forget(slice::from_ref(mark))
    }

    /// Every mark that is listed or remembered.
    pub(super) fn known(&self) -> Vec<Mark> {
        let forgotten = self.memory.iter();
        let forgotten = forgotten.filter_map(|(path, known)| {
            let listed = self.manifest.get(path).is_some();
            (!listed).then(|| Mark::new(path.as_bytes(), known.folder))?
        });
        let listed = self.manifest.marks().cloned();
        listed.chain(forgotten).collect()
    }

    fn settle(&self, mark: &Mark, beside: &Path, ours: Ours) -> Result<()> {
        self.finish_discarding(mark, &gone(beside))?;
        let Some(found) = Tree::of(beside)? else {
            return Ok(());
        };
        let is_link = found.link().is_some();
        match ours {
            // They have not traded, or our link is what was displaced.
            Ours::Link if self.is_link_of_ours(mark, &found) => fs::remove_file(beside),
            Ours::Content if is_link => fs::remove_file(beside),
            // A copy that was not finished, or has not got its place: the other one is there.
            Ours::Content => found.remove(beside).map(drop),
            Ours::Version => self.settle_version(mark, beside, &found),
            Ours::Link => self.settle_displaced(mark, beside, &found),
        }
    }

    fn is_link_of_ours(&self, mark: &Mark, found: &Tree) -> bool {
        found.link() == Some(self.copy(mark).as_os_str().as_bytes())
    }

    /// What stood at the live path: gone if it is known, else back to where it was.
    fn settle_displaced(&self, mark: &Mark, beside: &Path, found: &Tree) -> Result<()> {
        let copy = self.digest_of_copy(mark, &self.copy(mark))?;
        let digest = found.digest();
        let known = copy.as_ref() == Some(&digest)
            || self
                .remembered(mark)
                .is_some_and(|known| known.digest == digest)
            // With --follow: what it led to is where it was.
            || found.link().is_some();
        let live = mark.live(&self.home);
        let linked = self.live(mark)? == Live::Ours;
        if known && linked {
            return discard(beside, found).map(drop);
        }
        if linked {
            swap::exchange(beside, &live)?;
            return fs::remove_file(beside);
        }
        let kept = self.place_aside(mark)?;
        found.copy(beside, &kept)?;
        discard(beside, found)?;
        self.tell_kept(mark, &kept);
        Ok(())
    }

    /// Ours before the two traded places, what stood at the live path after that.
    fn settle_version(&self, mark: &Mark, beside: &Path, found: &Tree) -> Result<()> {
        let live = mark.live(&self.home);
        let copy = self.digest_of_copy(mark, &self.copy(mark))?;
        let digest = found.digest();
        let known = copy.as_ref() == Some(&digest)
            || self
                .remembered(mark)
                .is_some_and(|known| known.digest == digest);
        if known {
            if !discard(beside, found)? {
                self.keep_rest(mark, &gone(beside))?;
            }
            return Ok(());
        }
        let here = Tree::of(&live)?.map(|tree| tree.digest());
        if here.is_some() && here == copy {
            // Saved in the instant of the trade: back with it, and ours is the same as the copy.
            swap::exchange(beside, &live)?;
            return self.settle_version_again(mark, beside);
        }
        let kept = self.place_aside(mark)?;
        found.copy(beside, &kept)?;
        discard(beside, found)?;
        self.tell_kept(mark, &kept);
        Ok(())
    }

    /// What came out when a save was put back: ours, unless there was another one.
    fn settle_version_again(&self, mark: &Mark, beside: &Path) -> Result<()> {
        let copy = self.digest_of_copy(mark, &self.copy(mark))?;
        match Tree::of(beside)? {
            Some(found) if Some(found.digest()) == copy => discard(beside, &found).map(drop),
            Some(_) => self.keep_rest(mark, beside),
            None => Ok(()),
        }
    }

    /// What was looked at and was about to go: gone, but for what the copy does not have.
    fn finish_discarding(&self, mark: &Mark, gone: &Path) -> Result<()> {
        let Some(left) = Tree::of(gone)? else {
            return Ok(());
        };
        let wrote = self
            .remembered(mark)
            .is_some_and(|known| known.digest == left.digest());
        let same = wrote
            || match self.opened(mark, &self.copy(mark))? {
                Opened::Content { tree, .. } => left.is_part_of(&tree),
                Opened::Nothing | Opened::Closed(_) => false,
            };
        if same || left.top().is_some_and(|top| matches!(top, Node::Link(_))) {
            left.remove(gone).map(drop)
        } else {
            self.keep_rest(mark, gone)
        }
    }

    /// Keeps what is left of something that was about to go.
    pub(super) fn keep_rest(&self, mark: &Mark, gone: &Path) -> Result<()> {
        let Some(left) = Tree::of(gone)? else {
            return Ok(());
        };
        let kept = self.place_aside(mark)?;
        left.copy(gone, &kept)?;
        left.remove(gone)?;
        let kept = kept.display();
        self.ctx.listener.warn(&format!(
            "what was left of the former '{mark}' is kept as '{kept}'"
        ));
        Ok(())
    }

    fn tell_kept(&self, mark: &Mark, kept: &Path) {
        let kept = kept.display();
        self.ctx.listener.warn(&format!(
            "another version of '{mark}' was found after a crash and kept as '{kept}'"
        ));
    }

    /// Copies that were being made, and those that they displaced.
    fn empty_stage(&self, marks: &[Mark]) -> Result<()> {
        let folder = self.ctx.layout.adopting();
        if fs::look(&folder)?.is_none() {
            return Ok(());
        }
        for mark in marks {
            let staged = folder.join(short_name(mark));
            clear(&staged.with_extension("part"))?;
            let Some(found) = Tree::of(&staged)? else {
                continue;
            };
            let live = mark.live(&self.home);
            let elsewhere = [
                Tree::of(&live)?.map(|tree| tree.digest()),
                self.digest_of_copy(mark, &self.copy(mark))?,
            ];
            let mut known: BTreeSet<_> = elsewhere.into_iter().flatten().collect();
            known.extend(self.remembered(mark).map(|known| known.digest.clone()));
            let digest = self.digest_of_copy(mark, &staged)?;
            let is_known = digest.is_some_and(|digest| known.contains(&digest));
            if !is_known || found.is_folder() {
                let kept = self.place_aside(mark)?;
                fs::rename(&staged, &kept)?;
                self.tell_kept(mark, &kept);
            }
            clear(&staged)?;
        }
        self.tidy();
        Ok(())
    }
}
