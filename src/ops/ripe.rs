//! Lets go of paths about which there is nothing to decide: their files could not be replaced at that moment, or
//! were in the way of others and are gone.

use super::Context;
use super::collide::{self, is_replaceable};
use super::held::{self, Holding};
use super::publish::Published;
use super::put::{Targets, try_put};
use crate::error::Result;
use crate::git::repo::Branch;
use crate::model::entry::{Entry, Mode};
use crate::model::held::{Disagreement, Held, HeldSet};
use crate::store::held as store;
use crate::sys::fs::{self, Durable};
use std::collections::BTreeSet;

/// Brings what is ripe among `set` into the work tree; what is held then, or `None` where nothing is
/// ripe, or the user is writing again.
pub(super) fn take(
    ctx: &Context<'_>,
    branch: &Branch,
    holding: &Holding,
    set: &HeldSet,
) -> Result<Option<Holding>> {
    let mut rest = set.clone();
    let mut targets = Targets::new();
    for held in set.iter() {
        if is_over(held) || is_ripe(ctx, held)? {
            targets.insert(held.path.clone(), held.theirs.clone());
        } else if let Some(merged) = merged(ctx, held)? {
            targets.insert(held.path.clone(), Some(merged));
        } else {
            continue;
        }
        rest.remove(&held.path);
    }
    make_room(ctx, branch, set, &mut rest, &mut targets)?;
    if targets.is_empty() {
        return Ok(None);
    }
    let refs = holding.change_to(ctx, &branch.name, &rest, [])?;
    let message = "sync: what could not be written before";
    if try_put(ctx, branch, None, &targets, refs, message)? != Published::Done {
        return Ok(None);
    }
    let oid = ctx.repo.resolve(&store::ref_name(&branch.name))?;
    Ok(Some(Holding { set: rest, oid }))
}

/// Where a path goes, what was above or below it in the branch all the time comes with that: nobody has removed it
/// here. What has something else in its way waits on.
fn make_room(
    ctx: &Context<'_>,
    branch: &Branch,
    set: &HeldSet,
    rest: &mut HeldSet,
    targets: &mut Targets,
) -> Result<()> {
    let Some(tip) = &branch.tip else {
        return Ok(());
    };
    let top = ctx.repo.top();
    let leaving: Vec<_> = set
        .iter()
        .filter(|held| targets.get(&held.path) == Some(&None))
        .collect();
    let gone: BTreeSet<_> = leaving.iter().map(|held| &held.path).collect();
    for held in &leaving {
        let mut coming = held::in_its_way(ctx, tip, held)?;
        coming.retain(|path, _| !rest.covers(path));
        let paths: Vec<_> = coming.keys().cloned().collect();
        let here = held::live_entries(ctx, &paths)?;
        let mut is_free = true;
        for (path, entry) in &coming {
            let live = path.below(top);
            is_free &= match fs::look(&live)? {
                None => true,
                Some(found) if found.is_dir() => {
                    entry.is_submodule() || collide::is_emptied(&live, top, &gone)?
                }
                Some(_) => here.get(path) == Some(entry) || gone.contains(path),
            };
        }
        if is_free {
            targets.extend(coming.into_iter().map(|(path, entry)| (path, Some(entry))));
        } else {
            targets.remove(&held.path);
            rest.insert((*held).clone());
        }
    }
    Ok(())
}

/// Is it only held for what has to come when it is let go?
fn is_over(held: &Held) -> bool {
    held.ours.is_none() && held.theirs.is_none()
}

/// The same set, where what was being written on, and is calm now, has the reason that it really has:
/// the two versions do not go together.
pub(super) fn named(ctx: &Context<'_>, set: &HeldSet) -> Result<HeldSet> {
    let mut named = set.clone();
    for held in set.iter() {
        let calm = held.why == Disagreement::Busy && is_undisputed(ctx, held)?;
        if calm && held.ours != held.base && merged(ctx, held)?.is_none() {
            let [base, ours, theirs] = [&held.base, &held.ours, &held.theirs].map(Option::as_ref);
            named.insert(Held {
                why: Disagreement::between(base, ours, theirs),
                ..held.clone()
            });
        }
    }
    Ok(named)
}

/// Is there no decision to make, as nobody has changed the file here?
fn is_ripe(ctx: &Context<'_>, held: &Held) -> Result<bool> {
    Ok(held.ours == held.base && is_undisputed(ctx, held)?)
}

/// Was it held only because it could not be replaced, and can it be now?
fn is_undisputed(ctx: &Context<'_>, held: &Held) -> Result<bool> {
    let undisputed = matches!(held.why, Disagreement::Unwritable | Disagreement::Busy);
    Ok(undisputed && is_replaceable(ctx, &held.path)?)
}

/// Both versions in one, where they change different lines of a text file.
fn merged(ctx: &Context<'_>, held: &Held) -> Result<Option<Entry>> {
    let (Some(base), Some(ours), Some(theirs)) = (&held.base, &held.ours, &held.theirs) else {
        return Ok(None);
    };
    if !is_undisputed(ctx, held)? {
        return Ok(None);
    }
    if ![base, ours, theirs]
        .iter()
        .all(|entry| entry.mode.is_regular())
    {
        return Ok(None);
    }
    let file = |entry: &Entry, name: &str| -> Result<_> {
        let path = ctx.scratch(name);
        fs::write_atomic(&path, &ctx.repo.blob(&entry.oid)?, Durable::No)?;
        Ok(path)
    };
    let files = [
        file(ours, "ours")?,
        file(base, "base")?,
        file(theirs, "theirs")?,
    ];
    let [ours_file, base_file, theirs_file] = &files;
    let three = [
        (ours_file.as_path(), "ours"),
        (base_file.as_path(), "base"),
        (theirs_file.as_path(), "theirs"),
    ];
    let Some((bytes, false)) = ctx.repo.merge_with_markers(three)? else {
        return Ok(None);
    };
    let mode: Mode = if ours.mode == base.mode {
        theirs.mode
    } else {
        ours.mode
    };
    let oid = ctx.repo.write_blob(bytes)?;
    Ok(Some(Entry { mode, oid }))
}
