//! Makes a commit of what the work tree has, without touching it or the user's index.

use super::publish::IndexSeen;
use super::screen::Screen;
use super::{Context, pre_commit, written};
use crate::error::{Error, Result};
use crate::git::commit::{Commit, Sign};
use crate::git::config::NewFiles;
use crate::git::index::PrivateIndex;
use crate::git::status::Scan;
use crate::model::entry::{Change, Oid};
use crate::model::held::HeldSet;
use crate::model::message::{commit_message, of_machine};
use crate::model::path::RepoPath;
use crate::model::skipped::{Skipped, Why};
use crate::sys::clock;
use crate::sys::fs::{self, Durable};
use std::collections::BTreeSet;
use std::fs::File;

/// What the work tree has, ready to be published.
#[derive(Debug)]
pub struct Snapshot<'repo> {
    /// The index that says so, and remembers each file as it was read.
    pub index: PrivateIndex<'repo>,
    /// The tree of it.
    pub tree: Oid,
    /// How it differs from the tip of the branch.
    pub changes: Vec<Change>,
    /// What could not be taken in.
    pub skipped: Vec<Skipped>,
    /// Changed paths that the user's hook left out, or that are held back as they have secrets or are too
    /// large: their files are not what the tree has.
    pub left_out: BTreeSet<RepoPath>,
    /// The tree of what the user had staged, where there was something staged.
    pub staged: Option<Oid>,
    /// The user's index when this was taken.
    pub seen: IndexSeen,
}

/// The same without what is not committed by itself: secrets, and what is too large.
pub fn take_screened<'repo>(
    ctx: &Context<'repo>,
    tip: Option<&Oid>,
    scan: &Scan,
    held: &HeldSet,
) -> Result<Snapshot<'repo>> {
    let screen = Screen::of(ctx);
    let mut free: BTreeSet<_> = scan.changed.iter().collect();
    free.retain(|path| !held.covers(path));
    if ctx.settings.new_files == NewFiles::Tracked {
        free.retain(|path| !scan.untracked.contains(*path));
    }
    let refused = screen.refused(free)?;
    let mut rest = scan.clone();
    for skipped in &refused {
        rest.changed.remove(&skipped.path);
    }
    let mut snapshot = take(ctx, tip, &rest, held)?;
    if !refused.is_empty() {
        // An earlier version of it may be staged.
        let paths: Vec<_> = refused.iter().map(|skipped| skipped.path.clone()).collect();
        let entries = ctx.repo.entries(&base(ctx, tip)?, &paths)?;
        let as_before = paths.iter().map(|path| (path, entries.get(path)));
        snapshot.index.set(as_before)?;
        snapshot.tree = snapshot.index.write_tree()?;
        snapshot
            .changes
            .retain(|change| !paths.contains(&change.path));
        snapshot.left_out.extend(paths);
        snapshot.skipped.extend(refused);
    }
    screen.apply(&mut snapshot, &[])?;
    Ok(snapshot)
}

/// Takes what `scan` found into a tree on top of `tip`, but for what is held.
pub fn take<'repo>(
    ctx: &Context<'repo>,
    tip: Option<&Oid>,
    scan: &Scan,
    held: &HeldSet,
) -> Result<Snapshot<'repo>> {
    let repo = ctx.repo;
    let seen = IndexSeen::now(&repo.index_path())?;
    let index = PrivateIndex::copy_of_users(repo, ctx.scratch("index"))?;
    let staged = (!scan.staged.is_empty())
        .then(|| index.write_tree())
        .transpose()?;
    let base = base(ctx, tip)?;
    if !held.is_empty() {
        keep_held(ctx, &index, &base, scan, held)?;
    }
    let mut skipped = unkeepable(scan);
    skipped.retain(|skipped| !held.covers(&skipped.path));
    let mut paths: BTreeSet<_> = scan
        .changed
        .iter()
        .filter(|path| !held.covers(path))
        .collect();
    if ctx.settings.new_files == NewFiles::Tracked {
        paths.retain(|path| !scan.untracked.contains(*path));
    }
    paths.retain(|path| match unreadable(ctx, path) {
        None => true,
        Some(why) => {
            skipped.push(Skipped {
                path: (*path).clone(),
                why,
            });
            false
        }
    });
    let moved = scan.submodules.iter().filter(|path| !held.covers(path));
    let moved: Vec<_> = moved
        .filter(|path| moved_forward(ctx, &base, path))
        .collect();
    let progress = ctx.progress("Taking in files", paths.len());
    let refused = index.take_in_with(paths.into_iter().chain(moved), &progress)?;
    drop(progress);
    skipped.extend(refused.into_iter().map(|path| Skipped {
        path,
        why: Why::Name,
    }));
    let tree = index.write_tree()?;
    let changes = repo.changes(&base, &tree)?;
    Ok(Snapshot {
        index,
        tree,
        changes,
        skipped,
        left_out: BTreeSet::new(),
        staged,
        seen,
    })
}

/// What is held stays in the index as the branch has it, whatever the user staged.
fn keep_held(
    ctx: &Context<'_>,
    index: &PrivateIndex<'_>,
    base: &Oid,
    scan: &Scan,
    held: &HeldSet,
) -> Result<()> {
    let covered = scan.staged.iter().filter(|path| held.covers(path)).cloned();
    let paths: Vec<_> = covered
        .chain(held.iter().map(|held| held.path.clone()))
        .collect();
    let entries = ctx.repo.entries(base, &paths)?;
    index.set(paths.iter().map(|path| (path, entries.get(path))))
}

/// Things in the work tree that git has no way to keep, or to look into: never left out silently.
pub(super) fn unkeepable(scan: &Scan) -> Vec<Skipped> {
    let skip = |why: Why| {
        move |path: &RepoPath| Skipped {
            path: path.clone(),
            why: why.clone(),
        }
    };
    let nested = scan.nested.iter().map(skip(Why::Nested));
    nested
        .chain(scan.untrackable.iter().map(skip(Why::NotAFile)))
        .chain(scan.unreadable.iter().map(skip(Why::NotReadable)))
        .collect()
}

/// Why the file at `path` cannot be taken in, where it cannot.
pub(super) fn unreadable(ctx: &Context<'_>, path: &RepoPath) -> Option<Why> {
    let file = path.below(ctx.repo.top());
    let found = std::fs::symlink_metadata(&file).ok()?;
    if found.is_dir() || found.is_symlink() {
        return None;
    }
    if !found.is_file() {
        return Some(Why::NotAFile);
    }
    match File::open(&file) {
        Err(source) if source.kind() == std::io::ErrorKind::PermissionDenied => {
            Some(Why::NotReadable)
        }
        _ => None,
    }
}

/// Has the user moved a submodule to a commit that follows the recorded one? Anything else is
/// recorded only when they stage it: a submodule that was not updated after a pull looks like one
/// that was moved back.
fn moved_forward(ctx: &Context<'_>, base: &Oid, path: &RepoPath) -> bool {
    let recorded = || -> Option<Oid> {
        let entries = ctx.repo.entries(base, std::slice::from_ref(path)).ok()?;
        Some(entries.get(path)?.oid.clone())
    };
    let Some(recorded) = recorded() else {
        return false;
    };
    ctx.repo.submodule_follows(path, &recorded)
}

/// Runs the user's hooks on the snapshot and makes a commit of it, but for what is held; `None` where
/// the hooks left nothing to commit.
///
/// # Errors
/// When a hook refuses, or the commit cannot be signed.
pub fn commit(
    ctx: &Context<'_>,
    tip: Option<&Oid>,
    snapshot: &mut Snapshot<'_>,
    held: &HeldSet,
    dry_run: bool,
) -> Result<Option<Oid>> {
    if !dry_run {
        pre_commit::run(ctx, &base(ctx, tip)?, snapshot, held)?;
    }
    if snapshot.changes.is_empty() {
        return Ok(None);
    }
    let message = message(ctx, snapshot, dry_run)?;
    write(ctx, tip, snapshot, message, dry_run).map(Some)
}

/// The same, with a subject that says what was done.
pub(super) fn commit_as(
    ctx: &Context<'_>,
    tip: Option<&Oid>,
    snapshot: &mut Snapshot<'_>,
    held: &HeldSet,
    subject: &str,
) -> Result<Option<Oid>> {
    pre_commit::run(ctx, &base(ctx, tip)?, snapshot, held)?;
    if snapshot.changes.is_empty() {
        return Ok(None);
    }
    let message = with_hooks(ctx, snapshot, of_machine(subject, &ctx.machine))?;
    write(ctx, tip, snapshot, message, false).map(Some)
}

fn write(
    ctx: &Context<'_>,
    tip: Option<&Oid>,
    snapshot: &Snapshot<'_>,
    message: Vec<u8>,
    dry_run: bool,
) -> Result<Oid> {
    let parents = tip.cloned().into_iter().collect();
    let commit = Commit {
        written: Some(written::last_of(ctx, &snapshot.changes)?),
        ..Commit::new(snapshot.tree.clone(), parents, message)
    };
    let sign = if dry_run { Sign::No } else { Sign::Yes };
    ctx.repo.write_commit(&commit, sign)
}

/// The tree that a snapshot is compared with.
fn base(ctx: &Context<'_>, tip: Option<&Oid>) -> Result<Oid> {
    match tip {
        Some(tip) => ctx.repo.tree_of(tip),
        None => ctx.repo.empty_tree(),
    }
}

fn message(ctx: &Context<'_>, snapshot: &Snapshot<'_>, dry_run: bool) -> Result<Vec<u8>> {
    let time = clock::civil(clock::now());
    let template = &ctx.settings.message;
    let text = commit_message(template, &ctx.machine, &time, &snapshot.changes).map_err(|bad| {
        let known = crate::model::message::PLACEHOLDERS.map(|name| format!("{{{name}}}"));
        Error::fatal(format!(
            "'sync.commitMessage' has an unknown placeholder '{}'",
            bad.0
        ))
        .hint(format!("known are {}", known.join(" ")))
    })?;
    if dry_run {
        return Ok(text.into_bytes());
    }
    with_hooks(ctx, snapshot, text)
}

/// The message as the user's hooks leave it.
fn with_hooks(ctx: &Context<'_>, snapshot: &Snapshot<'_>, text: String) -> Result<Vec<u8>> {
    let hooks = ["prepare-commit-msg", "commit-msg"];
    if !hooks.iter().any(|hook| ctx.repo.has_hook(hook)) {
        return Ok(text.into_bytes());
    }
    let file = ctx.scratch("COMMIT_EDITMSG");
    fs::write_atomic(&file, text.as_bytes(), Durable::No)?;
    let index = snapshot.index.path();
    ctx.repo
        .run_hook("prepare-commit-msg", index, &[&file, "message".as_ref()])?;
    ctx.repo.run_hook("commit-msg", index, &[&file])?;
    let message = fs::read(&file)?.unwrap_or_default();
    if message.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::blocked("a hook left the commit without a message"));
    }
    Ok(message)
}
