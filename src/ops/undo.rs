//! Takes a decision back: the live files are as before it, the branch has the remote's versions again,
//! and both wait for another decision.
//!
//! A decision about one path may have pushed others away, where one side has a file and the other a
//! folder. They come back with it, and what it put in their place goes.

use super::Context;
use super::held::{self, Holding};
use super::kept;
use super::publish::parents_are_folders;
use super::put::{Targets, put};
use crate::error::{Error, Result};
use crate::git::commit::{Commit, Sign};
use crate::git::refs::RefChange;
use crate::git::repo::Branch;
use crate::model::entry::{Entries, Oid};
use crate::model::held::Held;
use crate::model::message::of_sync;
use crate::model::path::RepoPath;
use crate::store::decision::Decision;
use crate::sys::fs;
use crate::sys::swap::{self, Print};

/// Takes the newest decision back, or the newest about `paths`.
pub(super) fn undo(ctx: &Context<'_>, branch: &Branch, paths: &[RepoPath]) -> Result<()> {
    let Some(tip) = &branch.tip else {
        return Err(held::nothing());
    };
    let Taken {
        name,
        oid,
        decision,
        back,
    } = newest(ctx, paths)?;
    let new = branch_before(ctx, tip, &decision, &back)?;
    let there = around(ctx, &new, &back)?;
    let holding = Holding::load(ctx, &branch.name)?;
    let mut set = holding.set.clone();
    for held in &back {
        set.insert(Held {
            theirs: there.get(&held.path).cloned(),
            ..held.clone()
        });
    }
    let mut refs = holding.change_to(ctx, &branch.name, &set, [oid.clone()])?;
    let run = kept::run(&name).map(str::to_owned);
    refs.push(RefChange {
        name,
        old: Some(oid),
        new: None,
    });
    let targets = files_before(&back, &there);
    put(
        ctx,
        branch,
        Some(&new),
        &targets,
        refs,
        "sync: resolve --undo",
    )?;
    run.map_or(Ok(()), |run| bring_back(ctx, &run, &back))
}

/// A decision that is taken back, or a part of one.
struct Taken {
    /// The ref that keeps it.
    name: String,
    oid: Oid,
    decision: Decision,
    /// The paths that are held again.
    back: Vec<Held>,
}

/// The newest decision, or the newest about `paths`.
fn newest(ctx: &Context<'_>, paths: &[RepoPath]) -> Result<Taken> {
    for name in kept::decisions(ctx)? {
        let Some(oid) = ctx.repo.resolve(&name)? else {
            continue;
        };
        let decision = Decision::read(ctx.repo, &oid)?;
        let back = chosen(&decision, paths);
        if !back.is_empty() {
            return Ok(Taken {
                name,
                oid,
                decision,
                back,
            });
        }
    }
    Err(Error::blocked("there is no decision to take back"))
}

/// The paths that would be held again.
pub(super) fn would_hold(ctx: &Context<'_>, paths: &[RepoPath]) -> Result<Vec<Held>> {
    newest(ctx, paths).map(|taken| taken.back)
}

/// The paths of a decision that `paths` name. One that has another in it or above it cannot be taken
/// back without that.
fn chosen(decision: &Decision, paths: &[RepoPath]) -> Vec<Held> {
    let is_named = |held: &&Held| {
        paths.is_empty()
            || paths
                .iter()
                .any(|path| *path == held.path || path.is_above(&held.path))
    };
    let named: Vec<_> = decision.set.iter().filter(is_named).collect();
    let all = decision
        .set
        .iter()
        .filter(|held| named.iter().any(|other| other.path.overlaps(&held.path)));
    all.cloned().collect()
}

/// What a commit has at the paths of `back`, above them and below them.
fn around(ctx: &Context<'_>, commit: &Oid, back: &[Held]) -> Result<Entries> {
    let mut entries = ctx.repo.all_entries(commit)?;
    entries.retain(|path, _| back.iter().any(|held| held.path.overlaps(path)));
    Ok(entries)
}

/// The tip with what the remote had before the decision, as far as it is as the decision made it.
/// Where somebody has changed a path since, theirs stays.
fn branch_before(ctx: &Context<'_>, tip: &Oid, decision: &Decision, back: &[Held]) -> Result<Oid> {
    let repo = ctx.repo;
    let before = around(ctx, &decision.tip, back)?;
    let now = around(ctx, tip, back)?;
    let mut changes = Targets::new();
    for held in back {
        let made = decision.merged.get(&held.path).or(held.ours.as_ref());
        if now.get(&held.path) != made {
            continue;
        }
        changes.insert(held.path.clone(), before.get(&held.path).cloned());
        let pushed_away = before
            .iter()
            .filter(|(path, _)| made.is_some() && !now.contains_key(*path))
            .filter(|(path, _)| path.overlaps(&held.path));
        changes.extend(pushed_away.map(|(path, entry)| (path.clone(), Some(entry.clone()))));
    }
    changes.retain(|path, entry| now.get(path) != entry.as_ref());
    if changes.is_empty() {
        return Ok(tip.clone());
    }
    if let Some((newer, path)) = in_the_way(&changes, &now) {
        return Err(Error::blocked(format!(
            "'{newer}' is newer than the decision, and in the way of '{path}'"
        ))
        .hint("move it away, and take the decision back then"));
    }
    let what = format!("take {} back", changes.len());
    let message = of_sync(&what, &ctx.machine);
    let entries = changes.iter().map(|(path, entry)| (path, entry.as_ref()));
    let tree = repo.tree_with(&repo.tree_of(tip)?, entries, ctx.scratch("back"))?;
    repo.write_commit(&Commit::new(tree, vec![tip.clone()], message), Sign::Yes)
}

/// A path of `now` that would have to go for one that comes back, and was not part of the decision.
fn in_the_way<'a>(changes: &'a Targets, now: &'a Entries) -> Option<(&'a RepoPath, &'a RepoPath)> {
    let coming = |path: &&RepoPath| changes.get(*path).is_some_and(Option::is_some);
    now.keys()
        .filter(|path| !changes.contains_key(*path))
        .find_map(|newer| {
            let path = changes.keys().filter(coming).find(|p| p.overlaps(newer))?;
            Some((newer, path))
        })
}

/// What this machine had. Where it was a file, what the branch has above or below it makes room: that
/// is in the branch, and held with the file.
fn files_before(back: &[Held], there: &Entries) -> Targets {
    let makes_room = |path: &&RepoPath| {
        back.iter()
            .any(|held| held.ours.is_some() && held.path != **path && held.path.overlaps(path))
    };
    let room = there
        .keys()
        .filter(makes_room)
        .map(|path| (path.clone(), None));
    let mut targets: Targets = room.collect();
    let ours = back
        .iter()
        .map(|held| (held.path.clone(), held.ours.clone()));
    targets.extend(ours);
    targets
}

/// What a decision had moved away with a folder stands where it stood again, where that is free.
fn bring_back(ctx: &Context<'_>, run: &str, back: &[Held]) -> Result<()> {
    let folder = ctx.layout.rescued().join(run);
    for path in fs::files_below(&folder)? {
        let path = RepoPath::from_bytes(path);
        if !back.iter().any(|held| held.path.overlaps(&path)) {
            continue;
        }
        let (kept, live) = (path.below(&folder), path.below(ctx.repo.top()));
        let there = Print::of(&live)?;
        if there == Print::of(&kept)? {
            fs::remove_file(&kept)?;
        } else if there == Print::Nothing && parents_are_folders(ctx.repo.top(), &path)? {
            if let Some(parent) = live.parent() {
                fs::create_dir_all(parent)?;
            }
            swap::move_to_free(&kept, &live)?;
        }
    }
    fs::remove_empty_tree(&folder);
    Ok(())
}
