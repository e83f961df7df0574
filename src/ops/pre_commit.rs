//! Lets the user's `pre-commit` hook look at a snapshot.
//!
//! A hook may stage what it mended, and take out what it does not want. It decides nothing about paths
//! that no sync commits: a `git add -u` in it does not know what is held.

use super::Context;
use super::held;
use super::screen::Screen;
use super::snapshot::Snapshot;
use crate::error::Result;
use crate::model::entry::{Change, Oid};
use crate::model::held::HeldSet;
use crate::model::path::RepoPath;
use crate::model::skipped::{Skipped, Why};

/// Runs the hook on `snapshot`, whose branch has the tree `base`.
///
/// # Errors
/// When it refuses.
pub(super) fn run(
    ctx: &Context<'_>,
    base: &Oid,
    snapshot: &mut Snapshot<'_>,
    held: &HeldSet,
) -> Result<()> {
    let repo = ctx.repo;
    if !repo.has_hook("pre-commit") {
        return Ok(());
    }
    repo.run_hook("pre-commit", snapshot.index.path(), &[])?;
    let mut tree = snapshot.index.write_tree()?;
    if tree == snapshot.tree {
        return Ok(());
    }
    let (back, changes): (Vec<_>, Vec<_>) = repo
        .changes(base, &tree)?
        .into_iter()
        .partition(|change| is_off_limits(change, snapshot, held));
    if !back.is_empty() {
        let entries = back
            .iter()
            .map(|change| (&change.path, change.old.as_ref()));
        snapshot.index.set(entries)?;
        tree = snapshot.index.write_tree()?;
    }
    let before = std::mem::replace(&mut snapshot.changes, changes);
    snapshot.tree = tree;
    let taken_out = taken_out(ctx, &before, &snapshot.changes)?;
    snapshot
        .skipped
        .extend(taken_out.iter().map(|path| Skipped {
            path: path.clone(),
            why: Why::Hook,
        }));
    snapshot.left_out.extend(taken_out);
    // What the hook has made may be what it should not be.
    Screen::of(ctx).apply(snapshot, &before)
}

/// Is it a change of something that no sync commits, whatever is staged?
fn is_off_limits(change: &Change, snapshot: &Snapshot<'_>, held: &HeldSet) -> bool {
    let path = &change.path;
    let skipped = || snapshot.skipped.iter().any(|s| s.path.overlaps(path));
    let wanted = || snapshot.changes.iter().any(|other| other.path == *path);
    let local = || change.old.is_none() && path.stays_here() && !wanted();
    held.covers(path) || path.is_private() || skipped() || local()
}

/// The paths of `before` that are not in `after`, and whose files are still changed: a hook that
/// undid a change in the file as well has left nothing out.
fn taken_out(ctx: &Context<'_>, before: &[Change], after: &[Change]) -> Result<Vec<RepoPath>> {
    let gone = before
        .iter()
        .filter(|change| after.iter().all(|other| other.path != change.path));
    let gone: Vec<_> = gone.collect();
    let paths: Vec<_> = gone.iter().map(|change| change.path.clone()).collect();
    let live = held::live_entries(ctx, &paths)?;
    let still = gone
        .into_iter()
        .filter(|change| live.get(&change.path) != change.old.as_ref());
    Ok(still.map(|change| change.path.clone()).collect())
}
