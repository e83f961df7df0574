//! When an edit was made: policy `newest` asks, on this machine and on others.
//!
//! A commit is made by the sync, and that may be a week after the edit: a laptop was off. What tells is
//! the time of the file. It goes into the commit as the author date, which is git's word for when a
//! change was written, so that the other machines know it too.

use super::Context;
use crate::error::Result;
use crate::model::entry::{Change, Entry, Oid};
use crate::model::path::RepoPath;
use crate::sys::{clock, fs};

/// When the last of `changes` was made. A deletion leaves nothing that tells: it was now.
pub(super) fn last_of(ctx: &Context<'_>, changes: &[Change]) -> Result<i64> {
    let mut last = None;
    for change in changes {
        let written = match &change.new {
            Some(entry) => of_file(ctx, &change.path, entry)?,
            None => None,
        };
        last = last.max(Some(written.unwrap_or_else(clock::epoch)));
    }
    Ok(last.unwrap_or_else(clock::epoch))
}

/// When this machine's version of a path was made: `here` is a commit that has it. The commit may be
/// about other files too, of which one is newer.
pub(super) fn here(
    ctx: &Context<'_>,
    here: &Oid,
    path: &RepoPath,
    entry: Option<&Entry>,
) -> Result<i64> {
    let committed = ctx.repo.last_change(here, path)?;
    let written = match entry {
        Some(entry) => of_file(ctx, path, entry)?,
        None => None,
    };
    Ok(written.map_or(committed, |written| written.min(committed)))
}

/// The time of the live file, which a clock set back may have put into the future.
fn of_file(ctx: &Context<'_>, path: &RepoPath, entry: &Entry) -> Result<Option<i64>> {
    if entry.is_submodule() {
        return Ok(None);
    }
    let modified = fs::modified(&path.below(ctx.repo.top()))?;
    Ok(modified.map(|modified| modified.clamp(0, clock::epoch())))
}
