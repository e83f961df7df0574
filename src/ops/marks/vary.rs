//! Versions of a marked path that some machines have in the place of the one of all others.
//!
//! Each is a copy of its own, and the live path of a machine stands for the one that is the closest to
//! it: what is edited in place is an edit of that version and of no other.

use super::mark::Options;
use super::{Marks, bytes_of};
use crate::error::{Error, Result};
use crate::model::cure::{Cure, Live, Phase};
use crate::model::mark::Mark;
use crate::model::terms::Terms;
use crate::ops::Done;
use crate::ops::guard::Ready;
use crate::sys::fs;
use crate::sys::tree::{self, Tree};
use std::path::{Path, PathBuf};

/// A file that is saved all the time is left for the next run.
const TRIES: u32 = 3;

impl Marks<'_, '_> {
    /// From now on each mark is the version that this machine has.
    pub(super) fn resolve(&mut self) {
        let (machine, settings) = (&self.ctx.machine, &self.ctx.settings);
        self.manifest.resolve(machine, &settings.profiles);
    }

    /// Is there a version of a mark with these terms for this machine?
    pub(super) fn has_version(&self, mark: &Mark, terms: &Terms) -> bool {
        let own = terms.variant(&self.ctx.machine, &self.ctx.settings.profiles);
        let shared = || {
            let known = self.remembered(mark);
            known.is_some_and(|known| known.variant.is_none())
                || !matches!(fs::look(&self.copy(&mark.with_variant(None))), Ok(None))
        };
        own == mark.variant() && (own.is_some() || terms.variants.is_empty() || shared())
    }

    /// Is it the copy of any version of a mark?
    pub(super) fn is_version(&self, mark: &Mark, path: &Path) -> bool {
        let versions = self.manifest.versions(mark);
        versions.iter().any(|version| self.copy(version) == path)
    }

    /// The version that stands here, where it is not the right one any more, and is still there.
    pub(super) fn former(&self, mark: &Mark) -> Option<Mark> {
        let known = self.remembered(mark)?;
        let former = mark.with_variant(known.variant.as_deref());
        // A run that died may have put the right one there without remembering it.
        let is_other = known.variant.as_deref() != mark.variant() && !self.leads_to(mark);
        // What was begun is finished; another repository that is here now may know nothing of it.
        let is_there = || {
            known.phase == Phase::Adopting
                || (known.target == bytes_of(&self.copy(&former))
                    && matches!(fs::look(&self.copy(&former)), Ok(Some(_))))
        };
        (is_other && is_there()).then_some(former)
    }

    fn leads_to(&self, mark: &Mark) -> bool {
        let target = tree::target(&mark.live(&self.home)).ok().flatten();
        target.as_deref() == Some(&*self.copy(mark))
    }

    /// Is the place of a copy free of the copies of other marks?
    pub(super) fn check_alone(&self, mark: &Mark) -> Result<()> {
        let copy = mark.copy();
        let others = self.manifest.marks();
        let others = others.filter(|other| other.below_home() != mark.below_home());
        for other in others.flat_map(|other| self.manifest.versions(other)) {
            if other.copy().overlaps(&copy) {
                let theirs = other.copy();
                return Err(Error::blocked(format!(
                    "the copy of '{mark}' would be '{copy}', and '{other}' has '{theirs}'"
                ))
                .hint("give one of them another name")
                .hint("nothing was changed"));
            }
        }
        Ok(())
    }

    /// Can machines get a version of their own of `mark`, with what is here?
    ///
    /// # Errors
    /// When not; nothing is touched.
    pub(super) fn check_variant(
        &self,
        mark: &Mark,
        variant: &str,
        options: &Options,
    ) -> Result<()> {
        let twin = mark.with_variant(Some(variant));
        if self.manifest.terms(mark).variants.contains(variant) {
            return Ok(());
        }
        let (wanted, look) = (self.is_wanted(mark), self.look(mark, None)?);
        let is_settled = if wanted {
            look.cure == Cure::Fine
        } else {
            matches!(look.live, Live::Content(_))
        };
        if !is_settled {
            let what = match look.live {
                Live::Nothing => "nothing stands there",
                _ => "what stands there is not settled",
            };
            return Err(
                Error::blocked(format!("'{mark}' has no version yet to give: {what}"))
                    .hint("git sync mark --repair   looks at it")
                    .hint("nothing was changed"),
            );
        }
        let from = self.version_here(mark);
        self.check_alone(&twin)?;
        Self::check_content(&twin, &from)?;
        self.check_copy(&twin, &from)?;
        self.check_rules([&twin])?;
        self.check_sharing(&twin, &from, options)
    }

    /// Where the version is that this machine has.
    fn version_here(&self, mark: &Mark) -> PathBuf {
        if self.is_wanted(mark) && !self.is_sealed(mark) {
            self.copy(mark)
        } else {
            mark.live(&self.home)
        }
    }

    /// Makes a version of their own for some machines, of what this machine has; checked before.
    pub(super) fn vary(&mut self, mark: &Mark, variant: &str) -> Result<()> {
        if self.manifest.terms(mark).variants.contains(variant) {
            return Ok(());
        }
        let twin = mark.with_variant(Some(variant));
        let from = self.version_here(mark);
        self.note_modes(&twin, &from)?;
        self.write_modes()?;
        for _ in 0..TRIES {
            let Some(content) = Tree::of(&from)? else {
                break;
            };
            let there = self.digest_of_copy(&twin, &self.copy(&twin))?;
            if there == Some(content.digest()) || self.fill(&twin, &from, &content)? {
                self.tidy();
                let mark = &twin;
                let done = Done::Marked { mark, copied: true };
                self.ctx.listener.done(&done);
                return Ok(());
            }
        }
        Err(Error::blocked(format!("'{mark}' is being written")))
    }

    /// Can a version be taken away?
    ///
    /// # Errors
    /// When it is not there, or is the only one.
    pub(super) fn check_drop(&self, mark: &Mark, variant: &str) -> Result<()> {
        let mut variants = self.manifest.terms(mark).variants;
        if !variants.remove(variant) {
            return Err(
                Error::blocked(format!("'{mark}' has no variant '{variant}'"))
                    .hint("git sync list   shows the variants")
                    .hint("nothing was changed"),
            );
        }
        let shared = self.copy(&mark.with_variant(None));
        if variants.is_empty() && fs::look(&shared)?.is_none() {
            return Err(
                Error::blocked(format!("'{variant}' is the only version of '{mark}'"))
                    .hint(format!(
                        "git sync unmark {mark}   ends it, here and elsewhere"
                    ))
                    .hint("nothing was changed"),
            );
        }
        Ok(())
    }

    /// Takes a version away; what it has is kept aside, and machines that have it get the next closest.
    /// Checked before.
    pub(super) fn drop_variant(&mut self, mark: &Mark, variant: &str, ready: &Ready) -> Result<()> {
        let twin = mark.with_variant(Some(variant));
        let stands = self
            .remembered(mark)
            .is_some_and(|known| known.variant.as_deref() == Some(variant));
        if fs::look(&self.copy(&twin))?.is_none()
            && let Some(tip) = &ready.branch.tip
            && self.ctx.repo.has_below(tip, &twin.copy())?
        {
            self.restore(&twin, tip)?;
        }
        if stands {
            self.remember(&twin, Phase::Linked)?;
            self.save()?;
            self.release(&twin)?;
        }
        let copy = self.copy(&twin);
        if let Some(found) = Tree::of(&copy)? {
            // In plain, where that can be read here.
            let readable = self.readable(&twin).unwrap_or_else(|_| copy.clone());
            let kept = self.keep_aside(&twin, &readable)?.display().to_string();
            self.ctx.listener.done(&Done::Aside {
                mark: &twin,
                kept: &kept,
            });
            found.remove(&copy)?;
        }
        self.drop_modes([&twin])?;
        // Last: a run that dies before that puts the copy back.
        let mut terms = self.manifest.terms(mark);
        terms.variants.remove(variant);
        self.manifest.set_terms(mark, terms);
        self.resolve();
        self.write_manifest()
    }
}
