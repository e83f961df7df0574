//! Looks at every mark in every sync, and mends what is not as it should be.

use super::differing::{differing, text_of};
use super::join::Joined;
use super::{Answer, Contact, Finding, Look, Marks, ends_the_run, stored};
use crate::error::Result;
use crate::git::repo::Branch;
use crate::model::cure::{Cure, Live, Phase, Trouble};
use crate::model::entry::Oid;
use crate::model::mark::Mark;
use crate::model::modes::MODES;
use crate::model::path::RepoPath;
use crate::ops::{Context, Done};
use crate::store::memory::Remembered;
use crate::sys::tree::{self, Node, Tree};
use crate::sys::{env, fs};
use std::collections::BTreeSet;
use std::slice;

/// A lost copy is restored, then looked at again.
const LOOKS: u32 = 3;

/// What is wished for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Only look.
    pub dry_run: bool,
    /// Where somebody would be asked: the repository's copy.
    pub yes: bool,
    /// Has this run taken in what comes from elsewhere? Then what is new may be from there.
    pub after: bool,
    /// What an earlier look of the same run found: nobody is asked twice.
    pub known: &'a [Finding],
}

/// What came of a look at all marks.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// The marks that were not as they should be.
    pub findings: Vec<Finding>,
    /// Was something changed that is to be committed?
    pub dirty: bool,
    /// Is there something that has to wait until the work tree is committed?
    pub later: bool,
}

/// Looks at all marks, and mends them; call it with the lock held.
pub(in crate::ops) fn reconcile(
    ctx: &Context<'_>,
    branch: &Branch,
    options: Options<'_>,
) -> Result<Reconciled> {
    if env::home().is_none() {
        if stored(ctx)?.is_some() && !options.after {
            ctx.listener
                .warn("HOME is not set, so the marked files are left alone");
        }
        return Ok(Reconciled::default());
    }
    let Some(mut marks) = Marks::open(ctx)? else {
        return Ok(Reconciled::default());
    };
    if let Some(home) = marks.other_home() {
        ctx.listener.warn(&format!(
            "the marked files were linked in '{home}', and HOME is '{}': they are left alone",
            marks.home.display()
        ));
        return Ok(Reconciled::default());
    }
    all(&mut marks, branch, options)
}

/// The same for marks that were read already.
pub(super) fn all(
    marks: &mut Marks<'_, '_>,
    branch: &Branch,
    options: Options<'_>,
) -> Result<Reconciled> {
    let mut run = Run {
        marks,
        branch,
        options,
        quit: false,
        result: Reconciled::default(),
    };
    run.all()?;
    Ok(run.result)
}

/// How one mark came out.
enum End {
    /// It was as it should be.
    Fine,
    /// It is now; something in the repository has changed with it, or not.
    Mended(bool),
    /// It is not.
    Left(String),
    /// It has to wait.
    Later,
    /// It has to be looked at again.
    Again,
}

/// What a mark is to this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It is listed.
    Listed,
    /// It is listed, and this is the version of it that stands here and is not the right one any more.
    Former,
    /// It is only remembered.
    Over,
}

struct Run<'r, 'a, 'repo> {
    marks: &'r mut Marks<'a, 'repo>,
    branch: &'r Branch,
    options: Options<'r>,
    quit: bool,
    result: Reconciled,
}

impl Run<'_, '_, '_> {
    fn all(&mut self) -> Result<()> {
        if !self.options.dry_run {
            self.marks.recover()?;
        }
        self.drop_nested()?;
        let tip = self.branch.tip.clone();
        for mark in self.marks.known() {
            let listed = self.marks.manifest.get(mark.below_home()).is_some();
            if let Some(former) = self.marks.former(&mark).filter(|_| listed) {
                // What was changed here belongs to the version that stands here.
                self.one(&former, Role::Former, tip.as_ref())?;
            }
            let role = if listed { Role::Listed } else { Role::Over };
            if self.options.dry_run || !listed {
                self.one(&mark, role, tip.as_ref())?;
                continue;
            }
            self.marks
                .settle_changed_modes(&mark, !self.options.after)?;
            self.marks.narrow_above(&mark)?;
            let found = self.result.findings.len();
            self.one(&mark, role, tip.as_ref())?;
            let new = self.result.findings.get(found);
            if new.is_some_and(|finding| finding.left.is_none()) {
                self.marks.settle_modes(&mark, true)?;
                self.marks.settle_memory(&mark)?;
            }
        }
        if self.options.dry_run {
            return Ok(());
        }
        let before = fs::read(&self.marks.ctx.repo.top().join(MODES))?.unwrap_or_default();
        if !self.marks.modes.is_empty() || !before.is_empty() {
            self.marks.write_modes()?;
            self.result.dirty |= self.marks.memory.common.modes.as_bytes() != before;
        }
        if !self.result.dirty && !self.result.later && !self.marks.memory.is_empty() {
            self.advance(tip.as_ref());
        }
        self.marks.save()
    }

    /// From now on `tip` has the copies as they are remembered, but for those of marks that were left.
    fn advance(&mut self, tip: Option<&Oid>) {
        let memory = &mut self.marks.memory;
        let before = std::mem::replace(&mut memory.common.tip, tip.cloned());
        let older = before.filter(|before| Some(before) != tip);
        let findings = self.result.findings.iter();
        let left = findings.filter(|finding| finding.left.is_some());
        let left: BTreeSet<_> = left.map(|finding| finding.mark.below_home()).collect();
        let based = |(path, known): (&RepoPath, &Remembered)| {
            let base = known.base.clone().or_else(|| older.clone());
            let base = base.filter(|_| left.contains(path));
            (base != known.base).then(|| (path.clone(), base))
        };
        for (path, base) in memory.iter().filter_map(based).collect::<Vec<_>>() {
            if let Some(known) = memory.get_mut(&path) {
                known.base = base;
            }
        }
    }

    /// A mark in a marked folder is that folder's: a link in it would lead to itself.
    fn drop_nested(&mut self) -> Result<()> {
        let all: Vec<_> = self.marks.manifest.marks().cloned().collect();
        let nested = |mark: &&Mark| self.marks.manifest.above(mark.below_home()).is_some();
        let nested: Vec<_> = all.iter().filter(nested).cloned().collect();
        for mark in &nested {
            self.marks.manifest.remove(mark);
            self.marks.memory.remove(mark.below_home());
        }
        if !nested.is_empty() && !self.options.dry_run {
            self.marks.write_manifest()?;
            self.result.dirty = true;
        }
        Ok(())
    }

    fn one(&mut self, mark: &Mark, role: Role, tip: Option<&Oid>) -> Result<()> {
        for _ in 0..LOOKS {
            let look = match self.marks.look(mark, tip) {
                Err(error) if !ends_the_run(&error) => {
                    let why = error.in_one_line();
                    self.found(mark, Cure::Report(Trouble::Odd), Some(why));
                    return Ok(());
                }
                look => look?,
            };
            let cure = if role == Role::Over {
                over(&look)
            } else if role == Role::Listed && self.is_left_out(mark) {
                match look.live {
                    Live::Ours | Live::Moved => Cure::Leave,
                    _ => {
                        self.marks.memory.remove(mark.below_home());
                        return Ok(());
                    }
                }
            } else {
                look.cure
            };
            let end = if self.options.dry_run {
                Ok(self.foresee(mark, cure))
            } else {
                match self.mend(mark, &look, cure) {
                    Err(error) if ends_the_run(&error) => return Err(error),
                    Err(error) => Ok(End::Left(error.in_one_line())),
                    end => end,
                }
            }?;
            match end {
                End::Again => continue,
                End::Fine => {}
                End::Later => self.result.later = true,
                End::Mended(dirty) => {
                    self.result.dirty |= dirty;
                    self.found(mark, cure, None);
                }
                End::Left(why) => self.found(mark, cure, Some(why)),
            }
            return Ok(());
        }
        self.found(mark, Cure::Ask, Some("it changes all the time".to_owned()));
        Ok(())
    }

    /// Is it not for this machine? What was begun is finished first.
    fn is_left_out(&self, mark: &Mark) -> bool {
        let begun = self
            .marks
            .remembered(mark)
            .is_some_and(|known| known.phase != Phase::Linked);
        !begun && !self.marks.is_wanted(mark)
    }

    fn found(&mut self, mark: &Mark, cure: Cure, left: Option<String>) {
        // It may have turned out that there can be no links.
        let cure = match cure {
            Cure::Link | Cure::Relink if self.marks.is_copied(mark) => Cure::Place,
            Cure::Absorb if self.marks.is_copied(mark) => Cure::Take,
            cure => cure,
        };
        let finding = Finding {
            mark: mark.clone(),
            cure,
            left,
            replaced: self
                .marks
                .remembered(mark)
                .map_or(0, |known| known.replaced),
        };
        if !self.options.dry_run && finding.left.is_none() {
            self.marks.ctx.listener.done(&Done::Mended(&finding));
        }
        self.result.findings.push(finding);
    }

    /// What a run would do.
    fn foresee(&self, mark: &Mark, cure: Cure) -> End {
        match cure {
            Cure::Fine => End::Fine,
            Cure::Ask if !self.options.yes => End::Left(DIFFERS.to_owned()),
            Cure::Merge if mark.is_folder() && !self.options.yes => End::Left(DIFFERS.to_owned()),
            Cure::Report(trouble) => End::Left(self.words(mark, trouble)),
            _ => End::Mended(false),
        }
    }

    fn mend(&mut self, mark: &Mark, look: &Look, cure: Cure) -> Result<End> {
        let live = mark.live(&self.marks.home);
        match cure {
            Cure::Fine => {
                let known = self.marks.remembered(mark).map(|known| known.phase);
                if !look.unchanged || known != Some(Phase::Linked) {
                    self.marks.remember(mark, Phase::Linked)?;
                    if self.marks.is_copied(mark) {
                        self.marks.agree_modes(mark)?;
                        self.marks.settle_modes(mark, true)?;
                        self.marks.agree_modes(mark)?;
                        self.marks.remember(mark, Phase::Linked)?;
                    }
                }
                Ok(End::Fine)
            }
            Cure::Link | Cure::Repoint | Cure::Relink | Cure::Place => {
                if matches!(look.live, Live::Nothing) {
                    self.marks.keep_private(mark)?;
                }
                let end = self.put(mark, look)?;
                if look.settled || !matches!(end, End::Mended(_)) {
                    return Ok(end);
                }
                self.marks.encrypt(mark, false)?;
                Ok(End::Mended(true))
            }
            Cure::Seal => {
                self.marks.encrypt(mark, false)?;
                Ok(End::Mended(true))
            }
            Cure::Take => {
                self.marks.absorb(mark, &live)?;
                Ok(End::Mended(true))
            }
            Cure::Absorb => {
                self.note_replaced(mark);
                self.marks.absorb(mark, &live)?;
                Ok(End::Mended(true))
            }
            Cure::Merge if mark.is_folder() => self.meet(mark, look),
            Cure::Merge => {
                if self.marks.is_copied(mark) {
                    self.marks.agree_modes(mark)?;
                } else {
                    self.note_replaced(mark);
                }
                Ok(match self.marks.join(mark, self.branch)? {
                    Joined::Done => End::Mended(true),
                    Joined::Later => End::Later,
                })
            }
            Cure::Ask => self.meet(mark, look),
            Cure::Restore => {
                let Some(tip) = &self.branch.tip else {
                    return Ok(End::Left("its copy is gone".to_owned()));
                };
                self.marks.restore(mark, tip)?;
                Ok(End::Again)
            }
            Cure::Release => self.release(mark),
            Cure::Leave => {
                if fs::look(&self.marks.copy(mark))?.is_none() {
                    let Some(tip) = &self.branch.tip else {
                        return Ok(End::Left("its copy is gone".to_owned()));
                    };
                    self.marks.restore(mark, tip)?;
                }
                self.marks.leave(mark)?;
                Ok(End::Mended(false))
            }
            Cure::Forget => {
                self.end(mark)?;
                Ok(End::Mended(true))
            }
            Cure::Report(trouble) => Ok(End::Left(self.words(mark, trouble))),
        }
    }

    /// Puts our link or a copy where it belongs, if what stands there is still what was looked at.
    fn put(&mut self, mark: &Mark, look: &Look) -> Result<End> {
        let live = mark.live(&self.marks.home);
        let copied = self.marks.is_copied(mark);
        if copied && matches!(look.live, Live::Content(_)) {
            self.marks.agree_modes(mark)?;
        }
        let before = Tree::of(&live)?;
        let same = match &look.live {
            Live::Content(digest) => before.as_ref().map(Tree::digest).as_ref() == Some(digest),
            Live::Nothing => before.is_none(),
            _ => true,
        };
        if !same {
            self.marks.distrust_stamps(mark);
            return Ok(End::Again);
        }
        if self.marks.remembered(mark).is_none() {
            // Not linked yet: that it is missing must not look as if somebody had removed it.
            self.marks.remember(mark, Phase::Adopting)?;
        }
        let dirty = match &before {
            Some(before) if !copied => self.keep_mode(mark, before)?,
            _ => false,
        };
        if matches!(look.live, Live::Content(_)) {
            self.note_replaced(mark);
        }
        if self.marks.put(mark, before.as_ref())? == super::place::Placed::Saved {
            return Ok(End::Again);
        }
        self.marks.remember(mark, Phase::Linked)?;
        self.marks.save()?;
        Ok(End::Mended(dirty))
    }

    /// The permissions of what is replaced go over to the copy: a file that was private stays it.
    fn keep_mode(&mut self, mark: &Mark, before: &Tree) -> Result<bool> {
        let Some(Node::File(_, live)) = before.top() else {
            return Ok(false);
        };
        let copy = self.marks.copy(mark);
        let Some(found) = tree::mode(&copy)? else {
            return Ok(false);
        };
        let known = self
            .marks
            .remembered(mark)
            .filter(|known| known.phase == Phase::Linked);
        let wanted = match known {
            Some(known) if known.mode == *live => found,
            Some(_) => *live,
            None => found & (live | 0o700),
        };
        if wanted != found {
            tree::set_mode(&copy, wanted)?;
        }
        Ok((wanted ^ found) & 0o100 != 0)
    }

    fn note_replaced(&mut self, mark: &Mark) {
        if let Some(known) = self.marks.memory.get_mut(mark.below_home())
            && known.phase == Phase::Linked
        {
            known.replaced += 1;
        }
    }

    /// What differs for good is asked about; what is of this machine alone is no difference.
    fn meet(&mut self, mark: &Mark, look: &Look) -> Result<End> {
        if self.marks.differs_in_local_alone(mark)? {
            self.marks.carry_local(mark)?;
            return Ok(End::Again);
        }
        self.ask(mark, look)
    }

    /// Nobody knows what both started from: somebody has to say which one it shall be.
    fn ask(&mut self, mark: &Mark, look: &Look) -> Result<End> {
        let live = mark.live(&self.marks.home);
        let copy = self.marks.readable(mark)?;
        let answer = if self.options.yes {
            Answer::Repo
        } else if self.quit || self.was_left(mark) {
            Answer::Skip
        } else {
            let text = text_of(&live)?.zip(text_of(&copy)?);
            let files = differing(Tree::of(&live)?.as_ref(), Tree::of(&copy)?.as_ref());
            let mark = mark.clone();
            let (live, copy) = (live.clone(), copy.clone());
            self.marks.ctx.listener.meet(&Contact {
                mark,
                live,
                copy,
                text,
                files,
            })?
        };
        match answer {
            Answer::Quit => {
                self.quit = true;
                Ok(End::Left(DIFFERS.to_owned()))
            }
            Answer::Skip => Ok(End::Left(DIFFERS.to_owned())),
            Answer::Repo => {
                let kept = self.marks.keep_aside(mark, &live)?.display().to_string();
                self.marks
                    .ctx
                    .listener
                    .done(&Done::Aside { mark, kept: &kept });
                self.marks.carry_local(mark)?;
                self.put(mark, look)
            }
            Answer::Mine => {
                let kept = self.marks.keep_aside(mark, &copy)?.display().to_string();
                self.marks
                    .ctx
                    .listener
                    .done(&Done::Aside { mark, kept: &kept });
                if self.marks.remembered(mark).is_none() {
                    self.marks.remember(mark, Phase::Adopting)?;
                }
                self.marks.absorb(mark, &live)?;
                Ok(End::Mended(true))
            }
        }
    }

    fn was_left(&self, mark: &Mark) -> bool {
        let left = |known: &&Finding| known.left.is_some() && known.mark == *mark;
        self.options.known.iter().any(|known| left(&known))
    }

    /// The mark is over: the link becomes a file of its own, with what the copy had last.
    fn release(&mut self, mark: &Mark) -> Result<End> {
        if fs::look(&self.marks.copy(mark))?.is_none() {
            let known = [
                self.branch.tip.clone(),
                self.marks.memory.common.tip.clone(),
            ];
            let mut has = None;
            for commit in known.into_iter().flatten() {
                if self.marks.ctx.repo.has_below(&commit, &mark.copy())? {
                    has = Some(commit);
                    break;
                }
            }
            let Some(commit) = has else {
                return Ok(End::Left(
                    "the link leads to a copy that is gone".to_owned(),
                ));
            };
            self.marks.restore(mark, &commit)?;
            self.marks.release(mark)?;
            self.marks.remove_copy(mark)?;
        } else {
            self.marks.release(mark)?;
        }
        self.end(mark)?;
        Ok(End::Mended(true))
    }

    /// Forgets a mark; where we had begun to take it out, its copy goes too.
    fn end(&mut self, mark: &Mark) -> Result<()> {
        let releasing = self
            .marks
            .remembered(mark)
            .is_some_and(|known| known.phase == Phase::Releasing);
        if releasing {
            self.marks.take_out(slice::from_ref(mark))?;
        }
        self.marks.forget(slice::from_ref(mark))
    }

    fn words(&self, mark: &Mark, trouble: Trouble) -> String {
        let live = mark.live(&self.marks.home);
        match trouble {
            Trouble::Removed if self.marks.is_copied(mark) => "it was removed here".to_owned(),
            Trouble::Removed => "the link was removed here".to_owned(),
            Trouble::Elsewhere => match tree::target(&live) {
                Ok(Some(target)) => format!("a link to '{}' stands there", target.display()),
                _ => "a link to elsewhere stands there".to_owned(),
            },
            Trouble::Odd => "what stands there cannot be synced".to_owned(),
            Trouble::OddCopy => "what the repository has there cannot be linked to".to_owned(),
            Trouble::Keyless
            | Trouble::BadKey
            | Trouble::Locked
            | Trouble::Damaged
            | Trouble::Unsaid => super::sealed::words(trouble).to_owned(),
            Trouble::Newer => "it is marked in a way that needs a newer git-sync".to_owned(),
        }
    }
}

/// Why a file is skipped at first contact.
const DIFFERS: &str = "it differs from the copy in the repository";

/// The mark was taken out of the list, here or elsewhere.
fn over(look: &Look) -> Cure {
    match look.live {
        Live::Ours | Live::Moved => Cure::Release,
        _ => Cure::Forget,
    }
}
