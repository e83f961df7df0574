//! Lets go of what was replaced long ago.
//!
//! Every policy that decides and every force leaves a ref. They go when `sync.keepReplaced` is over
//! for sure (see [`crate::model::retention`]), but never one that a held path may still need: the
//! version that the user looks for while they decide may be in there.

use super::{Context, kept};
use crate::error::Result;
use crate::git::refs::RefChange;
use crate::model::entry::Oid;
use crate::model::retention::is_over;
use crate::model::run::RunRecord;
use crate::store::{held as store, history};
use crate::sys::clock;

/// More runs are not looked at: one every minute for a week, and some.
const LOOK_BACK: usize = 12_000;

/// A ref and the moments of one run are so close together, in seconds.
const CLOSE: i64 = 86_400;

/// Removes the refs whose time is over; call it with the lock held.
pub fn expire(ctx: &Context<'_>) -> Result<()> {
    let now = clock::epoch();
    let mut old = Vec::new();
    for name in kept::all(ctx)? {
        // Most are too young by their name alone.
        let due = |made: i64| {
            ctx.settings
                .keep_replaced
                .end(made)
                .filter(|end| *end <= now)
        };
        let Some(named) = kept::time(&name).filter(|time| due(*time).is_some()) else {
            continue;
        };
        let Some((oid, made)) = made(ctx, &name, named)? else {
            continue;
        };
        old.extend(due(made).map(|end| (name, oid, made, end)));
    }
    if old.is_empty() {
        return Ok(());
    }
    let runs = history::newest(&ctx.layout, LOOK_BACK)?;
    let runs: Vec<_> = runs.iter().map_while(RunRecord::ended).collect();
    let needed = first_held(ctx)?.map_or(i64::MAX, |first| first.saturating_sub(CLOSE));
    let gone = old
        .into_iter()
        .filter(|(_, _, made, end)| *made < needed && is_over(*end, &runs, now));
    let changes: Vec<_> = gone
        .map(|(name, oid, ..)| RefChange {
            name,
            old: Some(oid),
            new: None,
        })
        .collect();
    if !changes.is_empty() {
        ctx.listener
            .doing(&format!("let go of what was replaced: {}", changes.len()));
    }
    // Where one has moved none is removed: it is somebody's, and the next run looks again.
    ctx.repo
        .change_refs("sync: kept long enough", &changes)
        .map(drop)
}

/// What a ref keeps, and when it was made: the latest of the moments that its name, its log and its
/// commit tell. `None` where that cannot be known.
fn made(ctx: &Context<'_>, name: &str, named: i64) -> Result<Option<(Oid, i64)>> {
    let Some(oid) = ctx.repo.named_by(name)? else {
        return Ok(None);
    };
    let Some(committed) = ctx.repo.committed_at(&oid) else {
        return Ok(None);
    };
    let logged = ctx.repo.changed_at(name)?;
    let latest = named.max(committed).max(logged.unwrap_or(named));
    Ok(Some((oid, latest)))
}

/// When the first of the paths was held that still are, in any branch.
fn first_held(ctx: &Context<'_>) -> Result<Option<i64>> {
    let mut first = None;
    for name in ctx.repo.refs_below(&store::ref_name(""))? {
        if let Some(oid) = ctx.repo.named_by(&name)? {
            let since = store::read(ctx.repo, &oid)?
                .iter()
                .map(|held| held.since)
                .min();
            first = [first, since].into_iter().flatten().min();
        }
    }
    Ok(first)
}
