//! Decides about held paths, and goes back on it.
//!
//! A decision only changes the live file and lets the path go; the sync that follows sees an ordinary
//! change, or none. So two machines that decide about the same path meet like any two that changed
//! it, and the later decision wins everywhere.

use super::held::{self, Holding};
use super::look::look;
use super::plain::Plain;
use super::put::{Targets, put};
use super::record::Begun;
use super::sync::{self, Options as SyncOptions, Outcome, with_lock};
use super::undo::{self, undo};
use super::{Context, backup, guard, inherit, kept};
use crate::error::{Error, Result};
use crate::git::mergetool::Versions;
use crate::git::repo::{Branch, Head};
use crate::model::backup::Reason;
use crate::model::entry::{Entries, Entry};
use crate::model::held::{Held, HeldSet};
use crate::model::path::RepoPath;
use crate::store::decision::Decision;
use crate::sys::fs;

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// This machine's version.
    Ours,
    /// The remote's version.
    Theirs,
    /// The user merges them.
    Edit,
    /// The last decision is taken back.
    Undo,
}

/// How it is decided.
#[derive(Debug)]
pub struct Options {
    /// About which held paths; all of them where none is named.
    pub paths: Vec<RepoPath>,
    /// What.
    pub choice: Choice,
    /// The sync that follows.
    pub sync: SyncOptions,
}

/// The held paths, as they are now.
pub fn list(ctx: &Context<'_>) -> Result<HeldSet> {
    guard::enrolled(ctx.repo)?;
    list_of_branch(ctx)
}

/// The same, whether the repository is enrolled or not.
pub(super) fn list_of_branch(ctx: &Context<'_>) -> Result<HeldSet> {
    let Head::Branch(branch) = ctx.repo.head()? else {
        return Ok(HeldSet::default());
    };
    if !inherit::is_any_held(ctx)? {
        return Ok(HeldSet::default());
    }
    look(ctx, || inherit::held_now(ctx, &branch))
}

/// The held paths that a decision would be about, or would be held again; changes nothing.
pub fn affected(ctx: &Context<'_>, options: &Options) -> Result<Vec<Held>> {
    guard::check(ctx)?;
    if options.choice == Choice::Undo {
        return undo::would_hold(ctx, &options.paths);
    }
    chosen(&list_of_branch(ctx)?, options)
}

/// Decides as `options` say, and syncs.
pub fn resolve(ctx: &Context<'_>, options: &Options) -> Result<Outcome> {
    let begun = Begun::now("resolve");
    let result = guard::check(ctx).and_then(|_| {
        with_lock(ctx, &options.sync, |ready| {
            begun.announce(ctx)?;
            let mut result = decide_and_sync(ctx, options, &ready.branch);
            begun.ended(ctx, &mut result);
            result
        })
    });
    begun.refused(ctx, &result);
    result
}

fn decide_and_sync(ctx: &Context<'_>, options: &Options, branch: &Branch) -> Result<Outcome> {
    backup::because(ctx, Reason::Resolve);
    if options.choice == Choice::Undo {
        // What the user did since is committed before anything is put back.
        let ready = guard::check(ctx)?;
        sync::run(ctx, &options.sync, ready)?;
        undo(ctx, &guard::check(ctx)?.branch, &options.paths)?;
    } else {
        decide(ctx, options, branch)?;
    }
    let ready = guard::check(ctx)?;
    let mut outcome = sync::run(ctx, &options.sync, ready)?;
    outcome.decided = true;
    Ok(outcome)
}

fn decide(ctx: &Context<'_>, options: &Options, branch: &Branch) -> Result<()> {
    let Some(tip) = &branch.tip else {
        return Err(held::nothing());
    };
    let holding = Holding::load(ctx, &branch.name)?;
    let set = held::refresh(ctx, &holding, tip)?;
    let chosen = chosen(&set, options)?;
    let mut rest = set.clone();
    for held in &chosen {
        if options.choice != Choice::Theirs {
            // The sync that follows would not see it.
            guard::watched(ctx, &held.path)?;
        }
        rest.remove(&held.path);
    }
    let mut targets = Targets::new();
    let mut merged = Entries::new();
    for held in &chosen {
        match options.choice {
            Choice::Theirs => {
                targets
                    .entry(held.path.clone())
                    .or_insert(held.theirs.clone());
                let coming = held::in_its_way(ctx, tip, held)?;
                targets.extend(coming.into_iter().map(|(path, entry)| (path, Some(entry))));
            }
            Choice::Edit => {
                let entry = edited(ctx, held)?;
                merged.insert(held.path.clone(), entry.clone());
                targets.insert(held.path.clone(), Some(entry));
            }
            // Files are taken from the work tree by the sync that follows.
            Choice::Ours if held.has_submodule() => {
                targets.insert(held.path.clone(), held.ours.clone());
            }
            Choice::Ours | Choice::Undo => {}
        }
    }
    backup::ensure(ctx, &[])?;
    let decision = Decision {
        set: HeldSet::new(chosen),
        merged,
        tip: tip.clone(),
    };
    let decided = decision.save(ctx.repo, ctx.scratch("decided"))?;
    let mut refs = vec![kept::decide(ctx, decided)?];
    // The held set comes last: while it is as before, nothing is decided.
    refs.extend(holding.change_to(ctx, &branch.name, &rest, [])?);
    put(ctx, branch, None, &targets, refs, "sync: resolve")
}

/// The held paths that are decided about.
fn chosen(set: &HeldSet, options: &Options) -> Result<Vec<Held>> {
    let named = choose(set, &options.paths)?;
    if options.choice != Choice::Theirs {
        return Ok(named);
    }
    // What stands in the way of the remote's version goes with it.
    let in_the_way = |held: &&Held| named.iter().any(|other| other.path.overlaps(&held.path));
    Ok(set.iter().filter(in_the_way).cloned().collect())
}

/// The held paths that `paths` name: themselves, or what is below them.
fn choose(set: &HeldSet, paths: &[RepoPath]) -> Result<Vec<Held>> {
    if set.is_empty() {
        return Err(held::nothing());
    }
    for path in paths {
        if !set
            .iter()
            .any(|held| held.path == *path || path.is_above(&held.path))
        {
            return Err(Error::blocked(format!("'{path}' is not held"))
                .hint("git sync --resolve --list   lists what is"));
        }
    }
    let named = |held: &&Held| {
        paths.is_empty()
            || paths
                .iter()
                .any(|p| *p == held.path || p.is_above(&held.path))
    };
    Ok(set.iter().filter(named).cloned().collect())
}

fn edited(ctx: &Context<'_>, held: &Held) -> Result<Entry> {
    let (Some(ours), Some(theirs)) = (&held.ours, &held.theirs) else {
        return Err(whole(held, "one side has no file there"));
    };
    if !ours.mode.is_regular() || !theirs.mode.is_regular() {
        return Err(whole(held, "it is not a file on both sides"));
    }
    let base = held.base.as_ref().filter(|base| base.mode.is_regular());
    let versions = Versions {
        path: &held.path,
        base,
        ours,
        theirs,
    };
    let plain = Plain::of(ctx)?;
    if plain.covers(&held.path) {
        let (mode, oid) = (ours.mode, plain.merge_by_hand(&versions)?);
        return Ok(Entry { mode, oid });
    }
    let folder = ctx.scratch("merge");
    fs::create_dir_all(&folder)?;
    let oid = ctx.repo.merge_by_hand(&versions, &folder)?;
    fs::remove_scratch(&folder)?;
    Ok(Entry {
        mode: ours.mode,
        oid,
    })
}

fn whole(held: &Held, why: &str) -> Error {
    let path = &held.path;
    Error::blocked(format!("'{path}' cannot be merged: {why}"))
        .hint(format!(
            "git sync --resolve --ours {path}   keeps this machine's"
        ))
        .hint(format!(
            "git sync --resolve --theirs {path}   takes the other"
        ))
}
