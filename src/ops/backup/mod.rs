//! Before a file of the user's is changed, there is a backup that has it as it is.
//!
//! A run makes one at most, when it is about to commit or to change something, and none where nothing
//! was changed since the newest. It is made beside what else there is to do ([`begin`]), and waited for
//! before anything is changed ([`ensure`]). Where it cannot be made, nothing is changed.

mod by_hand;
mod compare;
#[cfg(test)]
mod damaged;
mod keep;
mod make;
mod restore;
mod sources;
mod verify;

use super::{Context, Done};
use crate::error::{Error, Kind, Result};
use crate::model::backup::{Entry, Head, Kind as EntryKind, Listing, Pin, REPO, Reason};
use crate::model::entry::Change;
use crate::model::path::RepoPath;
use crate::store::backups::{Backups, read};
use crate::sys::fs;
use crate::sys::progress::Counter;
use make::start;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::thread::JoinHandle;

pub use crate::store::backups::Listed;
pub use by_hand::{List, Options, backup, keep, list, release};
pub use compare::{Change as Restored, Differing, What};
pub(super) use keep::keep_for_held;
pub use restore::{
    Chooser, Options as RestoreOptions, Outcome as RestoreOutcome, Plan as RestorePlan, restore,
};
pub use verify::{Verified, verify};

/// The backup of one run.
#[derive(Debug, Default)]
pub(super) struct Safety {
    reason: Cell<Reason>,
    stage: RefCell<Stage>,
}

#[derive(Debug, Default)]
enum Stage {
    /// Nothing was about to be changed yet.
    #[default]
    Idle,
    /// It is being made.
    Running(JoinHandle<Result<Made>>),
    /// It is there.
    Made(Box<Made>),
}

/// The backup that has everything as it is.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its name.
    pub id: String,
    /// Was it made just now? Else nothing was changed since it was.
    pub is_new: bool,
    /// What it says of itself.
    pub head: Head,
    pub(super) listing: Listing,
}

/// Says why the backup of this run is made.
pub(super) fn because(ctx: &Context<'_>, reason: Reason) {
    ctx.safety.reason.set(reason);
}

/// Is a backup made at all? A restore without one could not be taken back, whatever the settings say.
fn is_wanted(ctx: &Context<'_>) -> bool {
    ctx.settings.backup.enabled || ctx.safety.reason.get() == Reason::Restore
}

/// Begins to make the backup of this run, if it has none yet.
///
/// # Errors
/// When there can be none: then nothing may be changed.
pub(super) fn begin(ctx: &Context<'_>) -> Result<()> {
    if !is_wanted(ctx) || !matches!(*ctx.safety.stage.borrow(), Stage::Idle) {
        return Ok(());
    }
    let thread = start(ctx, &[], Counter::default()).map_err(no_backup)?;
    ctx.safety.stage.replace(Stage::Running(thread));
    Ok(())
}

/// Waits until there is a backup that has everything as it is now, and what stands at the places that
/// `changes` are about.
///
/// # Errors
/// When there is none: then nothing may be changed.
pub(super) fn ensure(ctx: &Context<'_>, changes: &[Change]) -> Result<()> {
    let names: Vec<_> = changes.iter().map(|c| in_archive(&c.path)).collect();
    ensure_names(ctx, &names)
}

/// The same for what has these names in a backup.
fn ensure_names(ctx: &Context<'_>, names: &[RepoPath]) -> Result<()> {
    if !is_wanted(ctx) {
        return Ok(());
    }
    begin(ctx)?;
    let first = wait(ctx).map_err(no_backup)?;
    let missing = uncovered(ctx, &first, names).map_err(no_backup)?;
    ctx.safety.stage.replace(Stage::Made(Box::new(first)));
    if missing.is_empty() {
        return Ok(());
    }
    // Saved since, or ignored by git and about to be overwritten all the same.
    let thread = start(ctx, &missing, Counter::default()).map_err(no_backup)?;
    ctx.safety.stage.replace(Stage::Running(thread));
    let second = wait(ctx).map_err(no_backup)?;
    let missing = uncovered(ctx, &second, names).map_err(no_backup)?;
    // One that is in it was saved again: whoever replaces it looks for that, and leaves it alone.
    let absent = |name: &&RepoPath| second.listing.get(name).is_none();
    let absent = missing.iter().find(absent).map(ToString::to_string);
    ctx.safety.stage.replace(Stage::Made(Box::new(second)));
    match absent {
        None => Ok(()),
        Some(path) => Err(no_backup(Error::failed(format!("'{path}' cannot be read")))),
    }
}

/// The names of all backups, the newest last, as far as names tell: none of them is opened.
pub(super) fn names(ctx: &Context<'_>) -> Result<Vec<String>> {
    folder(ctx).names()
}

/// The backup of this run, where one was needed.
pub(super) fn made(ctx: &Context<'_>) -> Option<Made> {
    match &*ctx.safety.stage.borrow() {
        Stage::Made(made) => Some(Made::clone(made)),
        _ => None,
    }
}

/// Waits for a backup that was begun and that nobody has waited for.
pub(super) fn settle(ctx: &Context<'_>) -> Result<()> {
    let running = matches!(*ctx.safety.stage.borrow(), Stage::Running(_));
    if running { ensure(ctx, &[]) } else { Ok(()) }
}

fn no_backup(error: Error) -> Error {
    if matches!(error.kind(), Kind::Interrupted | Kind::Backup) {
        return error;
    }
    let hints = error.hints().to_vec();
    let error = Error::new(Kind::Backup, "backup failed").because(error);
    let error = hints.into_iter().fold(error, Error::hint);
    error.hint("nothing was changed")
}

/// Waits for the backup that is being made, or takes the one that is there.
fn wait(ctx: &Context<'_>) -> Result<Made> {
    match ctx.safety.stage.take() {
        Stage::Idle => Err(Error::failed("no backup was begun")),
        Stage::Made(made) => Ok(*made),
        Stage::Running(thread) => {
            let lost = |_| Error::failed("the backup has ended before it was done");
            let made = thread.join().map_err(lost)??;
            announce(ctx, &made);
            keep::after(ctx, &made);
            Ok(made)
        }
    }
}

fn announce(ctx: &Context<'_>, made: &Made) {
    if !made.is_new {
        return;
    }
    if ctx.safety.reason.get() != Reason::Hand {
        ctx.listener.done(&Done::BackedUp(made));
    }
    for (path, why) in &made.head.unread {
        let warning = format!("'{path}' is not in the backup: {why}");
        ctx.listener.warn(&warning);
    }
    for entry in made.listing.entries.iter().filter(|entry| entry.torn) {
        let path = &entry.path;
        let warning = format!("'{path}' was written all the while: the backup may have half of it");
        ctx.listener.warn(&warning);
    }
}

/// Where the backups of a work tree are.
pub(super) fn folder(ctx: &Context<'_>) -> Backups {
    Backups::of(&ctx.layout, ctx.repo.top(), &ctx.settings)
}

/// Those of `names` whose files are not in the backup as they are now.
fn uncovered(ctx: &Context<'_>, made: &Made, names: &[RepoPath]) -> Result<Vec<RepoPath>> {
    let roots = restore::roots(ctx);
    let mut missing = Vec::new();
    for name in names {
        let Some(place) = roots.place(name) else {
            continue;
        };
        let Some(found) = fs::look(&place)? else {
            continue;
        };
        let Some(now) = read::found(name.clone(), &place, &found)? else {
            continue;
        };
        let kept = made.listing.get(name);
        let covered =
            now.kind == EntryKind::Folder || kept.is_some_and(|old| is_as_kept(made, old, &now));
        if !covered {
            missing.push(name.clone());
        }
    }
    Ok(missing)
}

/// Has the backup the file as it is now? One that is young has no stamp in it, but its time and size.
fn is_as_kept(made: &Made, old: &Entry, now: &Entry) -> bool {
    if old.kind == EntryKind::Hard {
        let first = made.listing.content_of(old);
        return first.is_some_and(|first| (first.mtime, first.size) == (now.mtime, now.size));
    }
    let young = Entry {
        stamp: now.stamp,
        ..old.clone()
    };
    old.is_same(now) || (old.stamp.is_none() && young.is_same(now))
}

fn in_archive(path: &RepoPath) -> RepoPath {
    let mut name = REPO.as_bytes().to_vec();
    name.push(b'/');
    name.extend_from_slice(path.as_bytes());
    RepoPath::from_bytes(name)
}

/// Why a backup is kept that is the only one to have something as a whole.
fn pin_of(reason: Reason) -> Option<Pin> {
    let forced = matches!(reason, Reason::ForcePush | Reason::ForcePull);
    forced.then(|| Pin {
        why: reason.words().to_owned(),
        held: Vec::new(),
    })
}

/// A counter that a progress and the workers share.
fn shared(counter: &Counter) -> Counter {
    Arc::clone(counter)
}
