//! Puts what was decided for held paths into the work tree.

use super::publish::{IndexSeen, Publication, Published, publish};
use super::{Context, Done, collide, held, kept};
use crate::error::{Error, Result};
use crate::git::commit::{Commit, Sign};
use crate::git::index::PrivateIndex;
use crate::git::refs::RefChange;
use crate::git::repo::Branch;
use crate::model::entry::{Change, Entries, Entry, Oid};
use crate::model::path::RepoPath;
use crate::sys::fs;
use std::collections::{BTreeMap, BTreeSet};

/// What shall stand at some paths; `None`: nothing.
pub type Targets = BTreeMap<RepoPath, Option<Entry>>;

/// Puts `targets` into the work tree, and changes `refs` with it; `new` is where the branch goes, where
/// it does not stay.
///
/// # Errors
/// When the user was faster: nothing was put then.
pub(super) fn put(
    ctx: &Context<'_>,
    branch: &Branch,
    new: Option<&Oid>,
    targets: &Targets,
    refs: Vec<RefChange>,
    message: &str,
) -> Result<()> {
    match try_put(ctx, branch, new, targets, refs, message)? {
        Published::Done => Ok(()),
        Published::Moved => Err(Error::blocked("the branch or the index changed meanwhile")
            .hint("nothing was decided; run it again")),
        Published::Left(paths) => {
            let first = paths.first().map(ToString::to_string).unwrap_or_default();
            Err(Error::blocked(format!(
                "'{first}' was saved meanwhile, or something is in its way"
            ))
            .hint("nothing was decided; run it again"))
        }
    }
}

/// The same; that the user was faster is an answer.
pub(super) fn try_put(
    ctx: &Context<'_>,
    branch: &Branch,
    new: Option<&Oid>,
    targets: &Targets,
    refs: Vec<RefChange>,
    message: &str,
) -> Result<Published> {
    let repo = ctx.repo;
    let Some(tip) = &branch.tip else {
        return Err(held::nothing());
    };
    let aside = folders_in_the_way(ctx, targets)?;
    let seen = IndexSeen::now(&repo.index_path())?;
    let index = PrivateIndex::copy_of_users(repo, ctx.scratch("index"))?;
    let index_tree = match new {
        Some(new) => repo.tree_of(new)?,
        None => with_submodules(ctx, &index.write_tree()?, targets)?,
    };
    let (from, changes) = live_changes(ctx, &index, targets, &aside)?;
    let entries = targets.iter().map(|(path, entry)| (path, entry.as_ref()));
    let live_tree = repo.tree_with(&from, entries, ctx.scratch("target"))?;
    if changes.iter().any(|change| change.old.is_some()) {
        // The live versions may be in no commit: a held path is not committed by any sync.
        let message = format!("before a decision on {}\n", ctx.machine.id);
        let commit = Commit::new(from, vec![tip.clone()], message);
        kept::keep(ctx, repo.write_commit(&commit, Sign::No)?)?;
    }
    let published = publish(
        ctx,
        &Publication {
            branch: &branch.name,
            old: Some(tip),
            new: new.unwrap_or(tip),
            index_tree: &index_tree,
            live_tree: &live_tree,
            changes: changes.clone(),
            copies: BTreeMap::new(),
            aside: aside.clone(),
            index: &index,
            index_holds: None,
            seen,
            refs,
            message,
        },
    );
    if matches!(published, Ok(Published::Done)) {
        for (path, name) in &aside {
            let kept = name.below(&ctx.layout.rescued());
            ctx.listener.warn(&format!(
                "the folder '{path}' is kept as '{}'",
                kept.display()
            ));
        }
        if !changes.is_empty() {
            ctx.listener.done(&Done::Replaced(&changes));
        }
    }
    published
}

/// What was decided about submodules is staged: their folders say nothing, and which commit they are
/// on is only recorded where it follows.
fn with_submodules(ctx: &Context<'_>, tree: &Oid, targets: &Targets) -> Result<Oid> {
    let paths: Vec<_> = targets.keys().cloned().collect();
    let there = ctx.repo.entries(tree, &paths)?;
    let submodules: Vec<_> = targets
        .iter()
        .filter(|(path, entry)| match entry {
            Some(entry) => entry.is_submodule(),
            None => there.get(path).is_some_and(Entry::is_submodule),
        })
        .map(|(path, entry)| (path, entry.as_ref()))
        .collect();
    if submodules.is_empty() {
        return Ok(tree.clone());
    }
    ctx.repo.tree_with(tree, submodules, ctx.scratch("staged"))
}

/// The folders where a file was decided for, each with the name under which it is kept: what is in it is in no
/// commit, so it is kept as a whole.
fn folders_in_the_way(
    ctx: &Context<'_>,
    targets: &Targets,
) -> Result<BTreeMap<RepoPath, RepoPath>> {
    let mut aside = BTreeMap::new();
    let gone: BTreeSet<_> = targets
        .iter()
        .filter(|(_, entry)| entry.is_none())
        .map(|(path, _)| path)
        .collect();
    let is_file = |entry: &Entry| !entry.is_submodule();
    let files = targets
        .iter()
        .filter(|(_, entry)| entry.as_ref().is_some_and(is_file));
    for (path, _) in files {
        let live = path.below(ctx.repo.top());
        let folder = fs::look(&live)?.is_some_and(|found| found.is_dir());
        if folder && !collide::is_emptied(&live, ctx.repo.top(), &gone)? {
            aside.insert(path.clone(), free_name(ctx, path)?);
        }
    }
    Ok(aside)
}

/// A free name below the folder of this run, with the same path behind it: an undo finds it again.
fn free_name(ctx: &Context<'_>, path: &RepoPath) -> Result<RepoPath> {
    let rescued = ctx.layout.rescued();
    let below = |folder: &str| {
        let name = [folder.as_bytes(), path.as_bytes()].join(&b'/');
        RepoPath::from_bytes(name)
    };
    let mut name = below(&ctx.run);
    for number in 2.. {
        if fs::look(&name.below(&rescued))?.is_none() {
            break;
        }
        name = below(&format!("{}-{number}", ctx.run));
    }
    Ok(name)
}

/// The tree of the work tree around `targets`, and how they change it. What is in a folder that goes `aside` goes
/// with it.
fn live_changes(
    ctx: &Context<'_>,
    index: &PrivateIndex<'_>,
    targets: &Targets,
    aside: &BTreeMap<RepoPath, RepoPath>,
) -> Result<(Oid, Vec<Change>)> {
    let paths: Vec<_> = targets.keys().cloned().collect();
    let stays = |path: &&RepoPath| !path.parents().any(|above| aside.contains_key(&above));
    let staying: Vec<_> = paths.iter().filter(stays).cloned().collect();
    let live: Entries = held::live_entries(ctx, &staying)?;
    index.set(paths.iter().map(|path| (path, live.get(path))))?;
    let existing: Vec<_> = paths
        .iter()
        .filter(|path| live.contains_key(*path))
        .collect();
    index.take_in(existing)?;
    let changes = targets
        .iter()
        .map(|(path, new)| Change {
            path: path.clone(),
            old: live.get(path).cloned(),
            new: new.clone(),
        })
        .filter(|change| change.old != change.new)
        .collect();
    Ok((index.write_tree()?, changes))
}
