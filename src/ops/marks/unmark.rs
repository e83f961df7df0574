//! Unmarks paths: they become files of their own again, and their copies leave the repository.

use super::mark::{self, other_home, repair, subject};
use super::{Finding, Marks, ends_the_run, foresee};
use crate::error::{Error, Result};
use crate::git::repo::Head;
use crate::model::backup::Reason;
use crate::model::cure::Phase;
use crate::model::held::Held;
use crate::model::mark::Mark;
use crate::ops::guard::Ready;
use crate::ops::held::Holding;
use crate::ops::screen::Screen;
use crate::ops::sync::{self, with_lock};
use crate::ops::{Context, Done, backup, guard};
use crate::sys::fs;
use crate::sys::tree::Tree;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How paths are unmarked.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The paths, absolute; they need not be there.
    pub paths: Vec<PathBuf>,
    /// Only the version of these machines.
    pub variant: Option<String>,
    /// Only look.
    pub dry_run: bool,
    /// How long to wait for another run.
    pub wait: Duration,
}

/// What was unmarked.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The former marks, and whether a file of its own stands there now.
    pub unmarked: Vec<(Mark, bool)>,
    /// The versions that were taken away.
    pub dropped: Vec<Mark>,
    /// With a version taken away: the marks that were not as they should be.
    pub findings: Vec<Finding>,
    /// Files that were committed.
    pub committed: usize,
    /// Is there somewhere to send it?
    pub has_remote: bool,
    /// Was nothing done of all this?
    pub dry_run: bool,
    /// With a dry run: the marks whose link would give way to a file.
    pub released: Vec<Mark>,
    /// With a dry run: every version whose copy would be removed.
    pub removed: Vec<Mark>,
    /// With a dry run: those of them that would be kept aside, as what stands there is another one.
    pub aside: Vec<Mark>,
}

/// Unmarks `options.paths`.
pub fn unmark(ctx: &Context<'_>, options: &Options) -> Result<Outcome> {
    guard::check(ctx)?;
    let run = sync::Options {
        wait: options.wait,
        dry_run: options.dry_run,
        ..sync::Options::default()
    };
    with_lock(ctx, &run, |ready| {
        if options.dry_run {
            foresee::unmark(ctx, &ready, options)
        } else {
            release_all(ctx, &ready, options)
        }
    })
}

fn release_all(ctx: &Context<'_>, ready: &Ready, options: &Options) -> Result<Outcome> {
    let mut marks = Marks::open_or_new(ctx)?;
    if let Some(home) = marks.other_home() {
        return Err(other_home(&marks, &home.clone()));
    }
    marks.recover()?;
    let wanted = marks.all_marked(ready, options)?;
    let mut outcome = Outcome {
        has_remote: ready.upstream.is_some(),
        ..Outcome::default()
    };
    backup::because(ctx, Reason::Unmark);
    backup::ensure(ctx, &[])?;
    if let Some(variant) = &options.variant {
        return drop_variant(ctx, marks, &wanted, variant, ready, outcome);
    }
    let versions = wanted.iter();
    let versions: Vec<_> = versions
        .flat_map(|mark| marks.manifest.versions(mark))
        .collect();
    let mut released = Vec::new();
    let mut failed = Ok(());
    for mark in &wanted {
        match marks.release_for_good(mark, ready) {
            Ok(version) => released.push(version),
            Err(error) => {
                failed = Err(error);
                break;
            }
        }
    }
    let over = marks.take_out(&released);
    over.and_then(|()| marks.forget(&released))
        .map_err(goes_on)?;
    for (mark, version) in wanted.iter().zip(&released) {
        ctx.listener.done(&Done::CopyRemoved(version));
        let there = fs::look(&mark.live(&marks.home))?.is_some();
        outcome.unmarked.push((mark.clone(), there));
    }
    failed?;
    let subject = subject("unmark", &wanted);
    let committed = marks.commit(ready, &versions, &subject, &Screen::of(ctx))?;
    outcome.committed = committed.changes.len();
    Ok(outcome)
}

/// An error after which the next run does the rest.
fn goes_on(error: Error) -> Error {
    if ends_the_run(&error) {
        error
    } else {
        error.hint("git sync   goes on with it")
    }
}

/// Takes the versions of some machines away; this machine gets the next closest at once.
fn drop_variant(
    ctx: &Context<'_>,
    mut marks: Marks<'_, '_>,
    wanted: &[Mark],
    variant: &str,
    ready: &Ready,
    mut outcome: Outcome,
) -> Result<Outcome> {
    for mark in wanted {
        marks.drop_variant(mark, variant, ready)?;
        outcome.dropped.push(mark.with_variant(Some(variant)));
    }
    let subject = subject(&format!("drop the variant '{variant}' of"), wanted);
    let options = mark::Options::default();
    let mended = repair(
        ctx,
        &guard::check(ctx)?,
        &options,
        &outcome.dropped,
        &subject,
    )?;
    outcome.committed = mended.committed;
    outcome.findings = mended.findings;
    Ok(outcome)
}

/// Makes every linked path of this machine a file of its own; list and copies stay as they are. The
/// paths that were linked.
pub(in crate::ops) fn unlink_all(ctx: &Context<'_>) -> Result<Vec<Mark>> {
    let Some(mut marks) = Marks::open_where_linked(ctx)? else {
        return Ok(Vec::new());
    };
    if let Some(home) = marks.other_home() {
        return Err(other_home(&marks, &home.clone()));
    }
    marks.recover()?;
    let tip = match ctx.repo.head()? {
        Head::Branch(branch) => branch.tip,
        Head::Detached => None,
    };
    let mut unlinked = Vec::new();
    for mark in marks.known() {
        let mark = marks.former(&mark).unwrap_or(mark);
        let linked = marks.is_linked(&mark)?;
        if linked && marks.remembered(&mark).is_none() {
            marks.remember(&mark, Phase::Linked)?;
        }
        if !linked {
            continue;
        }
        if fs::look(&marks.copy(&mark))?.is_none() {
            match &tip {
                Some(tip) if ctx.repo.has_below(tip, &mark.copy())? => marks.restore(&mark, tip)?,
                _ => {
                    let text = format!("'{mark}' is a link to a copy that is gone");
                    ctx.listener.warn(&text);
                    continue;
                }
            }
        }
        if marks.release(&mark)? {
            unlinked.push(mark);
        }
    }
    Ok(unlinked)
}

/// The paths that [`unlink_all`] would make files of their own; nothing is changed.
pub(in crate::ops) fn linked(ctx: &Context<'_>) -> Result<Vec<Mark>> {
    let Some(marks) = Marks::open_where_linked(ctx)? else {
        return Ok(Vec::new());
    };
    let mut linked = Vec::new();
    for mark in marks.known() {
        let mark = marks.former(&mark).unwrap_or(mark);
        if marks.is_linked(&mark)? {
            linked.push(mark);
        }
    }
    Ok(linked)
}

impl Marks<'_, '_> {
    /// The marks of the paths that were typed.
    ///
    /// # Errors
    /// When one of them is not marked, or held; nothing is touched.
    pub(super) fn all_marked(&self, ready: &Ready, options: &Options) -> Result<Vec<Mark>> {
        let held = Holding::load(self.ctx, &ready.branch.name)?.set;
        let mut wanted = Vec::new();
        for path in &options.paths {
            let mark = self.marked(path)?;
            if let Some(variant) = &options.variant {
                self.check_drop(&mark, variant)?;
            }
            let versions = self.manifest.versions(&mark);
            let copies: Vec<_> = versions.iter().map(Mark::copy).collect();
            let is_copy = |held: &&Held| copies.iter().any(|copy| held.path.overlaps(copy));
            if let Some(held) = held.iter().find(is_copy) {
                return Err(Error::blocked(format!("'{}' is held", held.path))
                    .hint(format!("git sync --resolve {}   decides first", held.path))
                    .hint("nothing was changed"));
            }
            if !wanted.contains(&mark) {
                wanted.push(mark);
            }
        }
        Ok(wanted)
    }

    /// The mark of a path that was typed.
    fn marked(&self, typed: &Path) -> Result<Mark> {
        let shown = typed.display();
        let not = || {
            Error::blocked(format!("'{shown}' is not marked"))
                .hint("git sync --list-marked   shows what is")
                .hint("nothing was changed")
        };
        let path = self.below_home(typed).ok_or_else(not)?;
        if let Some(mark) = self.manifest.get(&path) {
            return Ok(mark.clone());
        }
        if let Some(folder) = self.manifest.above(&path) {
            return Err(Error::blocked(format!(
                "'{shown}' is in '{folder}', which is marked as a whole"
            ))
            .hint(format!("git sync --unmark {folder}   unmarks all of it"))
            .hint("nothing was changed"));
        }
        Err(not())
    }

    /// Makes a path that is being unmarked a file of its own; the version that stood there.
    fn release_for_good(&mut self, mark: &Mark, ready: &Ready) -> Result<Mark> {
        // If another version is the right one by now.
        let version = self.former(mark).unwrap_or_else(|| mark.clone());
        self.begin_release(&version, ready)?;
        let released = self.release(&version).map_err(goes_on)?;
        if released {
            self.ctx.listener.done(&Done::Released(&version));
        }
        Ok(version)
    }

    /// Writes down that a path is being unmarked, if that can be.
    fn begin_release(&mut self, mark: &Mark, ready: &Ready) -> Result<()> {
        let linked = self.is_linked(mark)?;
        if linked
            && fs::look(&self.copy(mark))?.is_none()
            && let Some(tip) = &ready.branch.tip
            && self.ctx.repo.has_below(tip, &mark.copy())?
        {
            self.restore(mark, tip)?;
        }
        if linked {
            // What cannot be read is refused before anything is begun.
            Tree::of(&self.copy(mark))?;
        }
        self.remember(mark, Phase::Releasing)?;
        self.save()
    }
}
