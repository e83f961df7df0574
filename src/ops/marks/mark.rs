//! Marks paths: from now on they are synced.
//!
//! Everything is checked before anything is touched. What is begun is remembered first, so that the
//! next run finishes it.

use super::check::{Wanted, is_shared};
use super::content::copy_of;
use super::rekey::{NewKey, rekey};
use super::{Marks, ends_the_run, foresee, merged, reconcile};
use crate::error::{Error, Kind, Result};
use crate::git::ignore::Verdict;
use crate::model::backup::Reason;
use crate::model::cure::{Live, Phase};
use crate::model::mark::{Manifest, Mark};
use crate::model::path::RepoPath;
use crate::model::skipped::Skipped;
use crate::model::terms::Wish;
use crate::ops::backup;
use crate::ops::guard::Ready;
use crate::ops::held::Holding;
use crate::ops::screen::Screen;
use crate::ops::sync::{self, with_lock};
use crate::ops::{Context, Done, guard};
use crate::store::memory::Remembered;
use crate::sys::fs;
use crate::sys::tree::{self, Tree};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How paths are marked.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The paths, absolute.
    pub paths: Vec<PathBuf>,
    /// Take in what a link leads to, in the place of the link.
    pub follow: bool,
    /// Share also what looks like a secret.
    pub allow_secret: bool,
    /// Mend the marks that are there.
    pub repair: bool,
    /// Encrypt what is encrypted anew, for those that are recipients now.
    pub rekey: bool,
    /// Add a recipient; without one, this machine.
    pub add_recipient: Option<Option<String>>,
    /// How the marks shall be kept, and where.
    pub wish: Wish,
    /// Where somebody would be asked: the repository's copy; also what is large.
    pub yes: bool,
    /// Only look.
    pub dry_run: bool,
    /// How long to wait for another run.
    pub wait: Duration,
}

/// What was marked.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The new marks.
    pub marked: Vec<Mark>,
    /// The marks that are kept in another way now.
    pub changed: Vec<Mark>,
    /// Paths that were synced already: the mark that they are, or the marked folder that they are in.
    pub already: Vec<(PathBuf, Mark)>,
    /// With a repair, or in another way now: the marks that were not as they should be.
    pub findings: Vec<super::Finding>,
    /// With a repair: copies that wait for a decision.
    pub held: Vec<RepoPath>,
    /// Files that were committed.
    pub committed: usize,
    /// What is in a marked folder and cannot be synced, or shall not.
    pub skipped: Vec<Skipped>,
    /// Files in a marked folder that the ignore rules keep on this machine.
    pub ignored: usize,
    /// The key that was made for this machine.
    pub key: Option<NewKey>,
    /// The recipient that was added.
    pub recipient: Option<String>,
    /// What was encrypted anew,
    pub rekeyed: Vec<Mark>,
    /// for so many.
    pub recipients: usize,
    /// Marks that are encrypted from now on: earlier commits have them in plain.
    pub plain_before: Vec<Mark>,
    /// Is the branch ahead of its upstream now?
    pub has_remote: bool,
    /// Was nothing done of all this?
    pub dry_run: bool,
    /// With a dry run: the new marks that would get no link here, as they are copies or not for this
    /// machine.
    pub unlinked: Vec<Mark>,
    /// With a dry run: the versions that some machines would get for themselves.
    pub varied: Vec<Mark>,
}

/// The paths that were typed, by what is to be done about them.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// New marks, and where their content is.
    pub(super) wanted: Vec<(Mark, PathBuf)>,
    /// Marks that are there, whose modes may have got wider.
    pub(super) widened: Vec<Mark>,
    /// Marks that are to be kept in another way.
    pub(super) changed: Vec<Mark>,
}

impl Outcome {
    /// Is there something that the user has to look at?
    pub fn is_left(&self) -> bool {
        !(self.skipped.is_empty() && self.held.is_empty())
            || self.findings.iter().any(|finding| finding.left.is_some())
    }
}

/// Marks `options.paths`.
pub fn mark(ctx: &Context<'_>, options: &Options) -> Result<Outcome> {
    guard::check(ctx)?;
    let run = sync::Options {
        wait: options.wait,
        dry_run: options.dry_run,
        ..sync::Options::default()
    };
    with_lock(ctx, &run, |ready| {
        backup::because(ctx, Reason::Mark);
        if options.dry_run {
            foresee::mark(ctx, &ready, options)
        } else if options.rekey || options.add_recipient.is_some() {
            rekey(ctx, &ready, options)
        } else if options.repair {
            repair(ctx, &ready, options, &[], "mend the marked files")
        } else {
            take(ctx, &ready, options)
        }
    })
}

/// Mends the marks that are there, in this home; `gone` are copies that are to be committed as well.
pub(super) fn repair(
    ctx: &Context<'_>,
    ready: &Ready,
    options: &Options,
    gone: &[Mark],
    subject: &str,
) -> Result<Outcome> {
    let mut outcome = Outcome {
        has_remote: ready.upstream.is_some(),
        ..Outcome::default()
    };
    let Some(mut marks) = Marks::open(ctx)? else {
        return Ok(outcome);
    };
    if marks.other_home().is_some() {
        // What was linked elsewhere says nothing of this home.
        marks.memory.clear();
        marks.save()?;
    }
    let wish = reconcile::Options {
        yes: options.yes,
        ..reconcile::Options::default()
    };
    let mut ready = ready.clone();
    for _ in 0..3 {
        let known = std::mem::take(&mut outcome.findings);
        let wish = reconcile::Options {
            known: &known,
            ..wish
        };
        let result = reconcile::reconcile(ctx, &ready.branch, wish)?;
        outcome.findings = merged(known, result.findings);
        let Some(marks) = Marks::open(ctx)? else {
            break;
        };
        let mut all = marks.known();
        all.extend_from_slice(gone);
        let screen = Screen::of(ctx);
        let committed = marks.commit(&ready, &all, subject, &screen)?;
        outcome.committed += committed.changes.len();
        ready = guard::check(ctx)?;
        if !result.later {
            break;
        }
    }
    if let Some(marks) = Marks::open(ctx)? {
        outcome.held = marks.held(&ready)?;
    }
    Ok(outcome)
}

fn take(ctx: &Context<'_>, ready: &Ready, options: &Options) -> Result<Outcome> {
    let mut marks = Marks::open_or_new(ctx)?;
    if let Some(home) = marks.other_home() {
        return Err(other_home(&marks, &home.clone()));
    }
    marks.recover()?;
    is_shared(ctx)?;
    let mut outcome = Outcome {
        has_remote: ready.upstream.is_some(),
        ..Outcome::default()
    };
    let Sorted {
        wanted,
        widened,
        changed,
    } = marks.sort(options, &mut outcome)?;
    if options.wish.encrypt {
        marks.enrol(&mut outcome)?;
        super::sealed::recipients(ctx)?;
    }
    marks.adopt(&wanted, &options.wish).map_err(|error| {
        if ends_the_run(&error) {
            error
        } else {
            error.hint("git sync   finishes what was begun; what is marked already stays so")
        }
    })?;
    outcome.marked = wanted.into_iter().map(|(mark, _)| mark).collect();
    for mark in &widened {
        // The only way to make them wider.
        marks.widen(mark)?;
        marks.narrow_above(mark)?;
        marks.remember(mark, Phase::Linked)?;
        marks.save()?;
    }
    outcome.ignored = marks.ignored(&outcome.marked)?;
    let named = if outcome.marked.is_empty() {
        &widened
    } else {
        &outcome.marked
    };
    let mut taken = outcome.marked.clone();
    if options.allow_secret {
        // What was held back of them may pass now.
        taken.extend(widened.iter().cloned());
    }
    let screen = Screen::but_secrets(ctx, options.allow_secret);
    let what = if named.is_empty() {
        "add a recipient".to_owned()
    } else {
        subject("mark", named)
    };
    let committed = marks.commit(ready, &taken, &what, &screen)?;
    outcome.committed = committed.changes.len();
    outcome.skipped = committed.skipped;
    if !changed.is_empty() {
        change(ctx, &mut marks, &changed, options, &mut outcome)?;
    }
    Ok(outcome)
}

/// Keeps marks in another way from now on, and mends them to be so here.
fn change(
    ctx: &Context<'_>,
    marks: &mut Marks<'_, '_>,
    changed: &[Mark],
    options: &Options,
    outcome: &mut Outcome,
) -> Result<()> {
    for mark in changed {
        if let Some(variant) = &options.wish.variant {
            marks.vary(mark, variant)?;
        }
        if options.wish.encrypt && !marks.is_sealed(mark) {
            outcome.plain_before.push(mark.clone());
        }
    }
    marks.set_terms(changed, &options.wish);
    marks.resolve();
    marks.write_manifest()?;
    marks.save()?;
    let mut sealed = Vec::new();
    if options.wish.encrypt {
        // First the list: what is encrypted must never be linked to.
        for mark in changed {
            sealed.extend(marks.encrypt_other_versions(mark)?);
        }
    }
    let subject = subject("change how to keep", changed);
    let mended = repair(ctx, &guard::check(ctx)?, options, &sealed, &subject)?;
    outcome.changed = changed.to_vec();
    outcome.committed += mended.committed;
    outcome.findings = mended.findings;
    outcome.held = mended.held;
    Ok(())
}

/// `mark ~/a, ~/b and 3 more`.
pub(super) fn subject(verb: &str, marks: &[Mark]) -> String {
    const NAMED: usize = 3;
    let names: Vec<_> = marks.iter().take(NAMED).map(ToString::to_string).collect();
    let more = match marks.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{verb} {}{more}", names.join(", "))
}

pub(super) fn other_home(marks: &Marks<'_, '_>, home: &RepoPath) -> Error {
    let now = marks.home.display();
    Error::blocked(format!(
        "the marked files of this clone were linked in '{home}', and HOME is '{now}'"
    ))
    .hint("run it with the HOME of before")
    .hint("git sync mark --repair   links them in this one, if it has moved")
}

impl Marks<'_, '_> {
    /// What each of the paths that were typed is.
    ///
    /// # Errors
    /// When one of them cannot be marked; nothing is touched.
    pub(super) fn sort(&self, options: &Options, outcome: &mut Outcome) -> Result<Sorted> {
        let mut sorted = Sorted::default();
        let mut named = Manifest::default();
        for path in &options.paths {
            match self.check(path, options)? {
                Wanted::New { mark, from } => {
                    let path = mark.below_home();
                    if named.get(path).is_some() {
                        continue;
                    }
                    let inside = || named.inside(path).next();
                    if let Some(other) = named.above(path).or_else(inside) {
                        return Err(Error::new(
                            Kind::Usage,
                            format!(
                                "'{mark}' and '{other}' are in each other: mark the folder alone"
                            ),
                        ));
                    }
                    named.add(mark.clone());
                    sorted.wanted.push((mark, from));
                }
                Wanted::Already(_, mark) if !options.wish.is_empty() => sorted.changed.push(mark),
                Wanted::Already(path, mark) => {
                    sorted.widened.push(mark.clone());
                    outcome.already.push((path, mark));
                }
            }
        }
        self.check_rules(sorted.wanted.iter().map(|(mark, _)| mark))?;
        if options.wish.copy == Some(false)
            && let Some(mark) = sorted.changed.iter().find(|mark| self.is_sealed(mark))
        {
            return Err(
                Error::blocked(format!("'{mark}' is encrypted, so it cannot be a link"))
                    .hint("git sync unmark PATH   then mark it again")
                    .hint("nothing was changed"),
            );
        }
        Ok(sorted)
    }

    /// The copies that wait for a decision.
    pub(super) fn held(&self, ready: &Ready) -> Result<Vec<RepoPath>> {
        let held = Holding::load(self.ctx, &ready.branch.name)?.set;
        let copies: Vec<_> = self.known().iter().map(Mark::copy).collect();
        let is_copy = |path: &&RepoPath| copies.iter().any(|copy| copy.overlaps(path));
        let held = held.iter().map(|held| &held.path);
        Ok(held.filter(is_copy).cloned().collect())
    }

    /// Keeps marks in another way, as far as the list in memory goes.
    pub(super) fn set_terms(&mut self, changed: &[Mark], wish: &Wish) {
        for mark in changed {
            let mut terms = self.manifest.terms(mark);
            wish.apply(&mut terms);
            self.manifest.set_terms(mark, terms);
            if wish.copy == Some(false)
                && let Some(known) = self.memory.get_mut(mark.below_home())
            {
                // It may be tried again.
                known.unlinkable = false;
            }
        }
    }

    /// How many of the files in marked folders the rules keep here.
    pub(super) fn ignored(&self, marks: &[Mark]) -> Result<usize> {
        let mut paths = Vec::new();
        for mark in marks.iter().filter(|mark| mark.is_folder()) {
            for inside in fs::files_below(&self.copy(mark))? {
                paths.push(copy_of(mark, &inside));
            }
        }
        self.staying(&paths)
    }

    /// How many of `paths` the rules keep here, or stay here by themselves.
    pub(super) fn staying(&self, paths: &[RepoPath]) -> Result<usize> {
        if paths.is_empty() {
            return Ok(0);
        }
        let names: Vec<_> = paths.iter().map(RepoPath::as_bytes).collect();
        let verdicts = self.ctx.repo.ignored(&names)?;
        let stays = |(verdict, path): &(Verdict, &RepoPath)| {
            verdict.ignored || (verdict.rule.is_none() && path.stays_here())
        };
        Ok(verdicts.into_iter().zip(paths).filter(stays).count())
    }

    /// Makes what is allowed of a mark what is there, wider or narrower.
    fn widen(&mut self, mark: &Mark) -> Result<()> {
        let (live, copy) = (mark.live(&self.home), self.copy(mark));
        if !self.is_copied(mark) {
            self.note_modes(mark, &copy)?;
            return self.write_modes();
        }
        for listed in tree::listing(&live)? {
            let twin = tree::below(&copy, &listed.inside);
            if fs::look(&twin)?.is_some_and(|found| found.is_dir() == listed.folder) {
                tree::set_mode(&twin, listed.mode)?;
            }
        }
        self.note_modes(mark, &live)?;
        self.write_modes()
    }

    /// Takes checked paths in, each from where its content is.
    ///
    /// All of them are written down before the first is touched: a run that dies must not leave it to the next one
    /// to guess.
    ///
    /// # Errors
    /// When one of them cannot be had. Those before it are marked, those behind it are as they were; all are listed,
    /// and the next run goes on with them.
    pub(super) fn adopt(&mut self, wanted: &[(Mark, PathBuf)], wish: &Wish) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        // Before there are two of them: the links will lead to what they were.
        backup::ensure(self.ctx, &[])?;
        for (mark, from) in wanted {
            self.remember_begun(mark, from, wish)?;
        }
        self.save()?;
        for (mark, from) in wanted {
            self.note_modes(mark, from)?;
        }
        self.write_modes()?;
        for (mark, _) in wanted {
            let mut terms = self.manifest.terms(mark);
            wish.apply(&mut terms);
            self.manifest.add(mark.clone());
            self.manifest.set_terms(mark, terms);
        }
        self.write_manifest()?;
        for (mark, from) in wanted {
            self.take_in(mark, from)?;
        }
        self.resolve();
        Ok(())
    }

    fn remember_begun(&mut self, mark: &Mark, from: &Path, wish: &Wish) -> Result<()> {
        let linked = self.live(mark)? == Live::Ours;
        let digest = if *from == self.copy(mark) {
            self.digest_of_copy(mark, from)?
        } else {
            Tree::of(from)?.map(|tree| tree.digest())
        };
        let followed = if linked { None } else { self.link_text(mark)? };
        let known = self.remembered(mark).cloned();
        self.memory.insert(
            mark.below_home().clone(),
            Remembered {
                phase: Phase::Adopting,
                folder: mark.is_folder(),
                target: super::bytes_of(&self.copy(mark)),
                digest: digest.unwrap_or_default(),
                stamp: String::new(),
                mode: 0,
                replaced: known.as_ref().map_or(0, |known| known.replaced),
                live_stamp: String::new(),
                sealed: known.as_ref().is_some_and(|known| known.sealed),
                unlinkable: wish.copy != Some(false) && known.is_some_and(|known| known.unlinkable),
                variant: mark.variant().map(str::to_owned),
                followed,
                base: None,
                beside: None,
            },
        );
        Ok(())
    }

    /// Takes in what is written down.
    fn take_in(&mut self, mark: &Mark, from: &Path) -> Result<()> {
        let live = mark.live(&self.home);
        let linked = self.live(mark)? == Live::Ours;
        if fs::look(&live)?.is_none() {
            self.put(mark, None)?;
        } else if linked && self.is_copied(mark) {
            self.release(mark)?;
        } else if !linked {
            self.absorb(mark, from)?;
        }
        self.narrow_above(mark)?;
        self.remember(mark, Phase::Linked)?;
        self.save()?;
        let copied = self.is_copied(mark) || !self.is_wanted(mark);
        if !self.is_wanted(mark) {
            self.leave(mark)?;
        }
        self.ctx.listener.done(&Done::Marked { mark, copied });
        Ok(())
    }
}
