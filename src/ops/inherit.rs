//! What a branch that is gone has left held in this work tree: a branch is renamed, or deleted while
//! its files stay, and no sync may publish what nobody has decided about.

use super::Context;
use super::held::{self, Holding};
use crate::error::Result;
use crate::git::refs::RefChange;
use crate::git::repo::Branch;
use crate::model::entry::Oid;
use crate::model::held::HeldSet;
use crate::store::held as store;

/// Gives `branch` what it inherits; call it with the lock held.
pub(super) fn inherit(ctx: &Context<'_>, branch: &Branch) -> Result<()> {
    store::flatten(ctx.repo)?;
    let Some(tip) = &branch.tip else {
        return Ok(());
    };
    let own = Holding::load(ctx, &branch.name)?;
    if own.oid.is_some() {
        return Ok(());
    }
    let mut set = HeldSet::default();
    let mut gone = Vec::new();
    for (name, left) in left_behind(ctx)? {
        let here = still_here(ctx, &left, tip)?;
        if !here.is_empty() {
            here.iter().for_each(|held| set.insert(held.clone()));
            gone.push(RefChange {
                name,
                old: left.oid,
                new: None,
            });
        }
    }
    let pins: Vec<_> = gone
        .iter()
        .filter_map(|change| change.old.clone())
        .collect();
    let mut changes = own.change_to(ctx, &branch.name, &set, pins)?;
    if !changes.is_empty() {
        changes.extend(gone);
        ctx.repo
            .change_refs("sync: held on a branch that is gone", &changes)?;
    }
    Ok(())
}

/// What is held on `branch`, or will be once it has inherited; brought up to date.
pub(super) fn held_now(ctx: &Context<'_>, branch: &Branch) -> Result<HeldSet> {
    let holding = Holding::load(ctx, &branch.name)?;
    let Some(tip) = &branch.tip else {
        return Ok(holding.set);
    };
    if holding.oid.is_some() {
        return held::refresh(ctx, &holding, tip);
    }
    let mut set = HeldSet::default();
    for (_, left) in left_behind(ctx)? {
        let here = still_here(ctx, &left, tip)?;
        here.iter().for_each(|held| set.insert(held.clone()));
    }
    Ok(set)
}

/// Is anything held anywhere? Only then a look at the files is worth it.
pub(super) fn is_any_held(ctx: &Context<'_>) -> Result<bool> {
    Ok(!store::all(ctx.repo)?.is_empty())
}

/// What was held on branches that are no more.
fn left_behind(ctx: &Context<'_>) -> Result<Vec<(String, Holding)>> {
    let mut left = Vec::new();
    for (name, branch) in store::all(ctx.repo)? {
        if ctx.repo.resolve(&branch)?.is_none()
            && let Some(oid) = ctx.repo.resolve(&name)?
        {
            let set = store::read(ctx.repo, &oid)?;
            let oid = Some(oid);
            left.push((name, Holding { set, oid }));
        }
    }
    Ok(left)
}

/// Those of `left` that stand here as they did there: the file is the one that was held, or the branch
/// has what it was held against. Anything else is another change of a path that happens to be the same.
fn still_here(ctx: &Context<'_>, left: &Holding, tip: &Oid) -> Result<HeldSet> {
    let now = held::refresh(ctx, left, tip)?;
    let same = now.iter().filter(|held| {
        let before = left.set.get(&held.path);
        before.is_some_and(|before| before.ours == held.ours || before.theirs == held.theirs)
    });
    Ok(HeldSet::new(same.cloned()))
}
