//! Decides about held paths, and goes back on it.
//!
//! A decision only changes the live file and lets the path go; the sync that follows sees an ordinary
//! change, or none. So two machines that decide about the same path meet like any two that changed
//! it, and the later decision wins everywhere.

use super::held::{self, Holding};
use super::look::look;
use super::publish::{IndexSeen, Publication, Published, publish};
use super::record::Begun;
use super::sync::{self, Options as SyncOptions, Outcome, with_lock};
use super::{Context, guard, kept};
use crate::error::{Error, Kind, Result};
use crate::git::commit::{Commit, Sign};
use crate::git::index::PrivateIndex;
use crate::git::mergetool::Versions;
use crate::git::refs::RefChange;
use crate::git::repo::{Branch, Head};
use crate::model::entry::{Change, Entries, Entry, Oid};
use crate::model::held::{Held, HeldSet};
use crate::model::path::RepoPath;
use crate::store::held as store;
use crate::sys::{fs, swap};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

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

/// What shall stand at some paths; `None`: nothing.
type Targets = BTreeMap<RepoPath, Option<Entry>>;

/// The held paths, as they are now.
pub fn list(ctx: &Context<'_>) -> Result<HeldSet> {
    guard::enrolled(ctx)?;
    let Head::Branch(branch) = ctx.repo.head()? else {
        return Ok(HeldSet::default());
    };
    let holding = Holding::load(ctx, &branch.name)?;
    match &branch.tip {
        Some(tip) if !holding.set.is_empty() => look(ctx, || held::refresh(ctx, &holding, tip)),
        _ => Ok(holding.set),
    }
}

/// Decides as `options` say, and syncs.
pub fn resolve(ctx: &Context<'_>, options: &Options) -> Result<Outcome> {
    let begun = Begun::now("resolve");
    guard::check(ctx)?;
    with_lock(ctx, &options.sync, |ready| {
        begun.announce(ctx)?;
        let mut result = decide_and_sync(ctx, options, &ready.branch);
        begun.ended(ctx, &mut result);
        result
    })
}

fn decide_and_sync(ctx: &Context<'_>, options: &Options, branch: &Branch) -> Result<Outcome> {
    if options.choice == Choice::Undo {
        // What the user did since is committed before anything is put back.
        let ready = guard::check(ctx)?;
        let outcome = sync::run(ctx, &options.sync, ready.clone())?;
        let tip = guard::check(ctx)?.branch.tip;
        undo(
            ctx,
            &Branch {
                tip,
                ..branch.clone()
            },
            &options.paths,
        )?;
        drop(outcome);
    } else {
        decide(ctx, options, branch)?;
    }
    let ready = guard::check(ctx)?;
    sync::run(ctx, &options.sync, ready)
}

fn decide(ctx: &Context<'_>, options: &Options, branch: &Branch) -> Result<()> {
    let Some(tip) = &branch.tip else {
        return Err(nothing_held());
    };
    let holding = Holding::load(ctx, &branch.name)?;
    let set = held::refresh(ctx, &holding, tip)?;
    let mut chosen = choose(&set, &options.paths)?;
    if options.choice == Choice::Theirs {
        // What stands in the way of the remote's version goes with it.
        let in_the_way = |held: &&Held| chosen.iter().any(|other| other.path.overlaps(&held.path));
        chosen = set.iter().filter(in_the_way).cloned().collect();
    }
    let mut rest = set.clone();
    for held in &chosen {
        rest.remove(&held.path);
    }
    let mut targets = Targets::new();
    for held in &chosen {
        match options.choice {
            Choice::Theirs => {
                targets
                    .entry(held.path.clone())
                    .or_insert(held.theirs.clone());
                targets.extend(in_its_way(ctx, tip, held)?);
            }
            Choice::Edit => {
                targets.insert(held.path.clone(), Some(edited(ctx, held)?));
            }
            Choice::Ours | Choice::Undo => {}
        }
    }
    let scratch = ctx.scratch("decided");
    let decided = store::save(
        ctx.repo,
        &HeldSet::new(chosen),
        vec![tip.clone()],
        "decided",
        scratch,
    )?;
    let mut refs = vec![kept::decide(ctx, decided)?];
    // The held set comes last: while it is as before, nothing is decided.
    refs.extend(holding.change_to(ctx, &branch.name, &rest, [])?);
    put(ctx, branch, None, &targets, refs, "sync: resolve")
}

/// What the branch has above or below a held path: a file where this machine has a folder, or the
/// other way round.
fn in_its_way(ctx: &Context<'_>, tip: &Oid, held: &Held) -> Result<Vec<(RepoPath, Option<Entry>)>> {
    if held.theirs.is_some() {
        return Ok(Vec::new());
    }
    let all = ctx.repo.all_entries(tip)?;
    let around = all
        .into_iter()
        .filter(|(path, _)| path.overlaps(&held.path));
    Ok(around.map(|(path, entry)| (path, Some(entry))).collect())
}

fn nothing_held() -> Error {
    Error::new(Kind::Blocked, "nothing is held here").hint("git sync --status   shows the state")
}

/// The held paths that `paths` name: themselves, or what is below them.
fn choose(set: &HeldSet, paths: &[RepoPath]) -> Result<Vec<Held>> {
    if set.is_empty() {
        return Err(nothing_held());
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
    let folder = ctx.scratch("merge");
    fs::create_dir_all(&folder)?;
    let versions = Versions {
        path: &held.path,
        base,
        ours,
        theirs,
    };
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

/// Takes the newest decision back, or the newest about `paths`: the live file is as before it, and
/// held again.
fn undo(ctx: &Context<'_>, branch: &Branch, paths: &[RepoPath]) -> Result<()> {
    let Some(tip) = &branch.tip else {
        return Err(nothing_held());
    };
    let holding = Holding::load(ctx, &branch.name)?;
    for name in kept::decisions(ctx)? {
        let Some(oid) = ctx.repo.resolve(&name)? else {
            continue;
        };
        let decided = store::read(ctx.repo, &oid)?;
        let named = |held: &&Held| paths.is_empty() || paths.contains(&held.path);
        let back: Vec<_> = decided.iter().filter(named).cloned().collect();
        if back.is_empty() {
            continue;
        }
        let tip_now = takes_back(ctx, tip, &back)?;
        let all: Vec<_> = back.iter().map(|held| held.path.clone()).collect();
        let theirs = ctx.repo.entries(&tip_now, &all)?;
        let mut set = holding.set.clone();
        let mut targets = Targets::new();
        for held in back {
            targets.insert(held.path.clone(), held.ours.clone());
            set.insert(Held {
                theirs: theirs.get(&held.path).cloned(),
                ..held
            });
        }
        let pins = [oid.clone()];
        let mut refs: Vec<_> = holding
            .change_to(ctx, &branch.name, &set, pins)?
            .into_iter()
            .collect();
        refs.push(RefChange {
            name,
            old: Some(oid),
            new: None,
        });
        return put(
            ctx,
            branch,
            Some(&tip_now),
            &targets,
            refs,
            "sync: resolve --undo",
        );
    }
    Err(Error::blocked("there is no decision to take back"))
}

/// The tip without the decisions for this machine's version: the remote's stands there again, as
/// before them. Where somebody has changed the path since, theirs stays.
fn takes_back(ctx: &Context<'_>, tip: &Oid, decided: &[Held]) -> Result<Oid> {
    let repo = ctx.repo;
    let paths: Vec<_> = decided.iter().map(|held| held.path.clone()).collect();
    let now = repo.entries(tip, &paths)?;
    let ours = decided
        .iter()
        .filter(|held| now.get(&held.path) == held.ours.as_ref());
    let back: Vec<_> = ours
        .map(|held| (&held.path, held.theirs.as_ref()))
        .collect();
    if back.is_empty() {
        return Ok(tip.clone());
    }
    let message = format!("sync: take {} back on {}\n", back.len(), ctx.machine.id);
    let tree = repo.tree_with(&repo.tree_of(tip)?, back, ctx.scratch("back"))?;
    repo.write_commit(&Commit::new(tree, vec![tip.clone()], message), Sign::Yes)
}

/// Gives this machine the branch's version of `paths`, and changes `refs` with it.
pub(super) fn take_theirs(
    ctx: &Context<'_>,
    branch: &Branch,
    paths: &[Held],
    refs: Vec<RefChange>,
) -> Result<()> {
    let targets = paths
        .iter()
        .map(|held| (held.path.clone(), held.theirs.clone()))
        .collect();
    put(
        ctx,
        branch,
        None,
        &targets,
        refs,
        "sync: what could not be written before",
    )
}

/// Puts `targets` into the work tree, and changes `refs` with it.
fn put(
    ctx: &Context<'_>,
    branch: &Branch,
    new: Option<&Oid>,
    targets: &Targets,
    refs: Vec<RefChange>,
    message: &str,
) -> Result<()> {
    let repo = ctx.repo;
    let Some(tip) = &branch.tip else {
        return Err(nothing_held());
    };
    let aside = set_folders_aside(ctx, targets)?;
    let seen = IndexSeen::now(&repo.index_path())?;
    let index = PrivateIndex::copy_of_users(repo, ctx.scratch("index"))?;
    let index_tree = match new {
        Some(new) => repo.tree_of(new)?,
        None => index.write_tree()?,
    };
    let (from, changes) = live_changes(ctx, &index, targets)?;
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
            changes,
            copies: BTreeMap::new(),
            index: &index,
            index_holds: None,
            seen,
            refs,
            message,
        },
    );
    if !matches!(published, Ok(Published::Done)) {
        for (live, kept) in &aside {
            // Something stands there again: then it stays kept, as was said.
            swap::move_to_free(kept, live)?;
        }
    }
    match published? {
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

/// A folder where a file was decided for: what is in it is in no commit, so it is kept as a whole.
fn set_folders_aside(ctx: &Context<'_>, targets: &Targets) -> Result<Vec<(PathBuf, PathBuf)>> {
    let mut aside = Vec::new();
    let gone: BTreeSet<_> = targets
        .iter()
        .filter(|(_, entry)| entry.is_none())
        .map(|(path, _)| path)
        .collect();
    let files = targets.iter().filter(|(_, entry)| entry.is_some());
    for (number, (path, _)) in files.enumerate() {
        let live = path.below(ctx.repo.top());
        let folder = fs::look(&live)?.is_some_and(|found| found.is_dir());
        if !folder || super::collide::is_emptied(&live, ctx.repo.top(), &gone)? {
            continue;
        }
        fs::create_dir_all(&ctx.layout.rescued())?;
        let kept = ctx.layout.rescued().join(format!("{}-{number}", ctx.run));
        fs::rename(&live, &kept)?;
        ctx.listener.warn(&format!(
            "the folder '{path}' is kept as '{}'",
            kept.display()
        ));
        aside.push((live, kept));
    }
    Ok(aside)
}

/// The tree of the work tree around `targets`, and how they change it.
fn live_changes(
    ctx: &Context<'_>,
    index: &PrivateIndex<'_>,
    targets: &Targets,
) -> Result<(Oid, Vec<Change>)> {
    let paths: Vec<_> = targets.keys().cloned().collect();
    let live: Entries = held::live_entries(ctx, &paths)?;
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
