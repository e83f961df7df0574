//! Which backups are kept, once there is a new one.

use super::{Made, folder, pin_of};
use crate::error::Result;
use crate::model::backup::Pin;
use crate::model::held::Held;
use crate::model::path::RepoPath;
use crate::model::rotation::{self, Kept};
use crate::model::run::RunRecord;
use crate::ops::Context;
use crate::store::backups::Backups;
use crate::store::{held, history};
use crate::sys::clock;
use std::collections::BTreeSet;

/// More runs are not looked at.
const LOOK_BACK: usize = 12_000;

/// Keeps the backup that was made just now where it must be, and lets older ones make room.
pub(super) fn after(ctx: &Context<'_>, made: &Made) {
    let backups = folder(ctx);
    let kept = || -> Result<()> {
        if let Some(pin) = pin_of(ctx.safety.reason.get()) {
            backups.pin(&made.id, &pin)?;
        }
        if made.is_new {
            rotate(ctx, &backups)?;
        }
        Ok(())
    };
    if let Err(error) = kept() {
        // There is a backup: that older ones could not go is no reason to stop.
        let warning = format!("older backups are kept on: {error}");
        ctx.listener.warn(&warning);
    }
}

fn rotate(ctx: &Context<'_>, backups: &Backups) -> Result<()> {
    let all = backups.list()?;
    let still = held_now(ctx)?;
    let mut kept = Vec::with_capacity(all.len());
    for listed in &all {
        let decided =
            |pin: &Pin| !pin.held.is_empty() && !pin.held.iter().any(|path| still.contains(path));
        // A key that is not here today may be here tomorrow.
        let locked = listed.sealed && listed.head.is_err();
        let mut pinned = listed.pin.is_some() || locked;
        if listed.pin.as_ref().is_some_and(decided) {
            backups.release(&listed.id)?;
            pinned = locked;
        }
        kept.push(Kept {
            made: listed.made().unwrap_or_default(),
            size: listed.size,
            pinned,
        });
    }
    let runs = history::newest(&ctx.layout, LOOK_BACK)?;
    let runs: Vec<_> = runs.iter().map_while(RunRecord::ended).collect();
    let rules = &ctx.settings.backup.rules;
    for at in rotation::doomed(&kept, rules, &runs, clock::epoch()) {
        if let Some(listed) = all.get(at) {
            backups.remove(&listed.id)?;
        }
    }
    Ok(())
}

/// Every path that is held, in any branch.
fn held_now(ctx: &Context<'_>) -> Result<BTreeSet<RepoPath>> {
    let mut paths = BTreeSet::new();
    for name in ctx.repo.refs_below(&held::ref_name(""))? {
        if let Some(oid) = ctx.repo.named_by(&name)? {
            let set = held::read(ctx.repo, &oid)?;
            paths.extend(set.iter().map(|held| held.path.clone()));
        }
    }
    Ok(paths)
}

/// Keeps the backup of this run until it is decided about `held`, where no other is kept for them.
pub(in crate::ops) fn keep_for_held(ctx: &Context<'_>, held: &[Held]) -> Result<()> {
    let Some(made) = super::made(ctx).filter(|_| !held.is_empty()) else {
        return Ok(());
    };
    let backups = folder(ctx);
    let mut paths: Vec<_> = held.iter().map(|held| held.path.clone()).collect();
    for pin in backups.list()?.into_iter().filter_map(|listed| listed.pin) {
        paths.retain(|path| !pin.held.contains(path));
    }
    if paths.is_empty() {
        return Ok(());
    }
    let pin = Pin {
        why: "held paths".to_owned(),
        held: paths,
    };
    backups.pin(&made.id, &pin)
}
