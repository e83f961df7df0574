//! Cleans up after a run that died: nothing of the user's is lost, nothing is left locked, and the
//! run that comes after it finds a state that it can work with.

use super::guard::Ready;
use super::{Context, Done};
use crate::error::{Error, Result};
use crate::git::Repo;
use crate::model::state::State;
use crate::store::journal::{Found, Journal, Step};
use crate::store::layout::Layout;
use crate::store::{leftovers, state};
use crate::sys::lock::Lock;
use crate::sys::swap::{self, Print};
use crate::sys::tree::Tree;
use crate::sys::{clock, fs};
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Checks that no run that died has left the files half changed: what a rehearsal would tell then is
/// not what a sync would do, and cleaning up is no rehearsal.
pub fn is_settled(ctx: &Context<'_>) -> Result<()> {
    match Journal::read(&ctx.layout)? {
        None => Ok(()),
        Some(_) => Err(interrupted().hint("a dry run changes nothing, so it cannot")),
    }
}

/// Has a run died that had begun to change files?
pub(super) fn is_pending(repo: &Repo) -> bool {
    matches!(Journal::read(&Layout::of(repo)), Ok(Some(_)))
}

/// There is something to recover first.
pub(super) fn interrupted() -> Error {
    Error::blocked("an earlier run was interrupted")
        .hint("git sync   cleans up first; nothing is lost")
}

/// Finishes or undoes what a run that died had begun; call it with the lock held.
pub fn recover(ctx: &Context<'_>, ready: &Ready, lock: &Lock) -> Result<()> {
    if let Some(since) = lock.predecessor_died() {
        let branch = &ready.branch.name;
        leftovers::remove_locks(ctx.repo, branch, ready.upstream.as_ref(), since)?;
        leftovers::remove_locks_on_settings(ctx.repo, since)?;
    }
    if lock.predecessor_died().is_some() || !ended_well(&ctx.layout) {
        ctx.layout.sweep();
    }
    let journal = match Journal::find(&ctx.layout)? {
        Found::Journal(journal) => journal,
        // It died after the journal was gone: what stands there has served.
        Found::Nothing => return fs::remove_scratch(ctx.layout.stage()),
        Found::Damaged(error) => return Err(without_journal(ctx, error)?),
    };
    settle(ctx, &journal)?;
    ctx.listener.done(&Done::Recovered);
    Ok(())
}

/// Has the last run said so? One that failed may have been refused even to remove what it could not finish.
fn ended_well(layout: &Layout) -> bool {
    let written = state::written(layout).ok().flatten();
    written.is_some_and(|line| !matches!(line.state, State::Error | State::Syncing))
}

/// Keeps what is in the stage folder, where nobody knows any more what it is: it may be what somebody saved in
/// the instant in which the run died, and once the journal is gone, the folder is emptied.
fn without_journal(ctx: &Context<'_>, error: Error) -> Result<Error> {
    let stage = ctx.layout.stage();
    let Some(found) = Tree::of(stage)?.filter(|found| found.nodes().count() > 1) else {
        return Ok(error);
    };
    let kept = free_place(ctx)?;
    found.copy(stage, &kept)?;
    fs::remove_scratch(stage)?;
    Ok(error.hint(format!(
        "versions of the files that it was about are kept in '{}'",
        kept.display()
    )))
}

/// A place for what recovery has found.
fn free_place(ctx: &Context<'_>) -> Result<PathBuf> {
    let folder = ctx.layout.rescued();
    fs::create_dir_all(&folder)?;
    let mut kept = folder.join(clock::run_id());
    while fs::look(&kept)?.is_some() {
        kept.as_mut_os_string().push("x");
    }
    Ok(kept)
}

/// Finishes the publication that the journal is about, where it got through, else undoes it.
pub(super) fn settle(ctx: &Context<'_>, journal: &Journal) -> Result<()> {
    for step in &journal.steps {
        rescue(ctx, step)?;
    }
    let got_through = ctx.repo.resolve(&journal.reference)? == journal.new;
    if !got_through {
        // Nothing was decided yet. What a force or a decision had begun, no later run would repeat.
        take_back(ctx, &journal.steps)?;
    }
    settle_index(ctx, journal, got_through)?;
    remove_outside(journal)?;
    Journal::remove(&ctx.layout)?;
    fs::remove_scratch(ctx.layout.stage())
}

/// Removes what a restore has put beside files that are not in the work tree, or what those gave way to:
/// that is in a backup.
pub(super) fn remove_outside(journal: &Journal) -> Result<()> {
    for step in &journal.steps {
        let staged = step.staged.below(Path::new("/"));
        if step.staged.as_bytes().starts_with(b"/") {
            let found = Print::of(&staged)?;
            if found == step.before || found == step.after {
                fs::remove_file(&staged)?;
            }
        }
    }
    Ok(())
}

/// Killed between the swap and the look at what came out of it: then a file that the user saved in
/// that moment stands in the stage folder.
fn rescue(ctx: &Context<'_>, step: &Step) -> Result<()> {
    let staged = step.staged.below(ctx.layout.stage());
    let found = Print::of(&staged)?;
    if matches!(found, Print::Nothing | Print::Folder)
        || found == step.before
        || found == step.after
    {
        return Ok(());
    }
    let live = step.path.below(ctx.repo.top());
    let there = Print::of(&live)?;
    if there == Print::Nothing {
        if let Some(folder) = live.parent() {
            fs::create_dir_all(folder)?;
        }
        if swap::move_to_free(&staged, &live)? {
            return Ok(());
        }
    }
    if there == step.after {
        return swap::exchange(&staged, &live);
    }
    // Saved again since: both versions are the user's.
    let kept = free_place(ctx)?;
    fs::rename(&staged, &kept)?;
    ctx.listener.warn(&format!(
        "an older version of '{}' was found after a crash and kept as '{}'",
        step.path,
        kept.display()
    ));
    Ok(())
}

/// Puts the files back to what they were before `steps`, each unless somebody has touched it since.
///
/// Such a one is the remote's version with an edit, and takes part in the next sync as if the user had
/// chosen that version: a copy of this machine's own stays beside it.
pub(super) fn take_back(ctx: &Context<'_>, steps: &[Step]) -> Result<()> {
    let mut touched = BTreeSet::new();
    for step in steps.iter().rev() {
        let needed = step.copy_of.as_ref().is_some_and(|of| touched.contains(of));
        if !needed && !take_one_back(ctx, step)? {
            touched.insert(&step.path);
        }
    }
    Ok(())
}

/// Puts a file back to what it was before the step; `false` where the step was made and somebody has
/// touched the file since.
fn take_one_back(ctx: &Context<'_>, step: &Step) -> Result<bool> {
    let top = ctx.repo.top();
    let staged = step.staged.below(ctx.layout.stage());
    let live = step.path.below(top);
    let there = Print::of(&live)?;
    let kept = Print::of(&staged)?;
    if there != step.after {
        // Killed right after the folder was put aside.
        let is_back = there == Print::Nothing && folder_comes_back(ctx, step)?;
        return Ok(is_back || there == step.before || kept == step.after);
    }
    match (&step.before, &step.after) {
        (Print::Nothing | Print::Folder, Print::Nothing) => {}
        (Print::Nothing | Print::Folder, _) => {
            if kept == Print::Nothing
                && swap::move_to_free(&live, &staged)?
                && !folder_comes_back(ctx, step)?
                && let Some(folder) = live.parent()
            {
                fs::remove_empty_parents(folder, top);
            }
        }
        (before, after) if kept != *before => return Ok(kept == *after),
        (_, Print::Nothing) => {
            if let Some(folder) = live.parent() {
                fs::create_dir_all(folder)?;
            }
            return swap::move_to_free(&staged, &live);
        }
        _ => swap::exchange(&staged, &live)?,
    }
    Ok(true)
}

/// Puts a folder that was put aside back to where nothing is again; `false` where there was none.
fn folder_comes_back(ctx: &Context<'_>, step: &Step) -> Result<bool> {
    let Some(aside) = &step.aside else {
        return Ok(false);
    };
    let rescued = ctx.layout.rescued();
    let kept = aside.below(&rescued);
    if fs::look(&kept)?.is_none() {
        return Ok(false);
    }
    let live = step.path.below(ctx.repo.top());
    if let Some(folder) = live.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::rename(&kept, &live)?;
    if let Some(folder) = kept.parent() {
        fs::remove_empty_parents(folder, &rescued);
    }
    Ok(true)
}

/// The lock on the index, if it is the dead run's: the branch tells whether it had got through.
fn settle_index(ctx: &Context<'_>, journal: &Journal, got_through: bool) -> Result<()> {
    let users = ctx.repo.index_path();
    let lock = users.with_extension("lock");
    let finished = ctx.layout.scratch().join(&journal.index);
    if !is_same_file(&finished, &lock)? {
        return Ok(());
    }
    if got_through {
        fs::rename(&lock, &users)
    } else {
        fs::remove_file(&lock)
    }
}

fn is_same_file(a: &Path, b: &Path) -> Result<bool> {
    Ok(match (fs::look(a)?, fs::look(b)?) {
        (Some(a), Some(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    })
}
