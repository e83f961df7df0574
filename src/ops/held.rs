//! Keeps the held paths true: what this machine has now, what the branch has now, and whether there
//! is still something to decide.

use super::{Context, kept};
use crate::error::{Error, Kind, Result};
use crate::git::index::PrivateIndex;
use crate::git::refs::RefChange;
use crate::model::entry::{Entries, Entry, Mode, Oid};
use crate::model::held::{Held, HeldSet};
use crate::model::path::RepoPath;
use crate::store::held as store;
use crate::sys::fs;
use std::fs::File;
use std::path::Path;

/// The held paths of a branch and the commit that keeps them.
#[derive(Debug, Clone, Default)]
pub struct Holding {
    /// The paths.
    pub set: HeldSet,
    /// Where `refs/git-sync/held/…` is.
    pub oid: Option<Oid>,
}

impl Holding {
    /// The holding of `branch`.
    pub fn load(ctx: &Context<'_>, branch: &str) -> Result<Self> {
        let (set, oid) = store::load(ctx.repo, branch)?;
        Ok(Self { set, oid })
    }

    /// The changes of refs that make `set` the holding of `branch`; `pins` are kept alive by it.
    ///
    /// Where nothing is held any more, what the holding has kept alive is kept on as what was replaced:
    /// versions that the user saved over while they were held, and commits that were left out.
    pub fn change_to(
        &self,
        ctx: &Context<'_>,
        branch: &str,
        set: &HeldSet,
        pins: impl IntoIterator<Item = Oid>,
    ) -> Result<Vec<RefChange>> {
        if *set == self.set {
            return Ok(Vec::new());
        }
        let new = if set.is_empty() {
            None
        } else {
            let subject = format!("hold {} on {}", set.len(), ctx.machine.id);
            let parents = self.oid.iter().cloned().chain(pins).collect();
            Some(store::save(
                ctx.repo,
                set,
                parents,
                &subject,
                ctx.scratch("held"),
            )?)
        };
        let over = self.oid.clone().filter(|_| new.is_none());
        let mut changes = vec![RefChange {
            name: store::ref_name(branch),
            old: self.oid.clone(),
            new,
        }];
        if let Some(over) = over {
            changes.push(kept::change(ctx, Some("held"), over)?);
        }
        Ok(changes)
    }
}

/// The error where there is nothing to decide about.
pub(super) fn nothing() -> Error {
    Error::new(Kind::Blocked, "nothing is held here").hint("git sync --status   shows the state")
}

/// Looks at the held paths again, against the tip of the branch.
///
/// A path is let go where both sides are the same by now: the user has edited it so, committed it by
/// hand, or the other machine has. A version that the user saved since is kept like the first one.
pub fn refresh(ctx: &Context<'_>, holding: &Holding, tip: &Oid) -> Result<HeldSet> {
    let paths: Vec<_> = holding.set.iter().map(|held| held.path.clone()).collect();
    if paths.is_empty() {
        return Ok(HeldSet::default());
    }
    let mut ours = live_entries(ctx, &paths)?;
    for held in holding.set.iter() {
        // What cannot be read is as it was: nobody could have looked at it since.
        if let Some(known) = held.ours.clone().filter(|_| is_unreadable(ctx, &held.path)) {
            ours.insert(held.path.clone(), known);
        }
        if let Some(submodule) = submodule_here(ctx, held)? {
            ours.insert(held.path.clone(), submodule);
        }
    }
    let theirs = ctx.repo.entries(tip, &paths)?;
    let updated = holding.set.iter().map(|held| {
        let (ours, theirs) = (ours.get(&held.path), theirs.get(&held.path));
        let folder = held.path.below(ctx.repo.top()).is_dir();
        held.clone().now(ours.cloned(), theirs.cloned(), folder)
    });
    let mut left = HeldSet::default();
    for held in updated {
        if held.ours != held.theirs || is_awaited(ctx, tip, &held)? {
            left.insert(held);
        }
    }
    Ok(left)
}

/// Both sides have nothing there any more, but the branch has something above or below it that never came here, as
/// this was in its way. Let go now, the files that are missing would be taken for removed by this machine.
fn is_awaited(ctx: &Context<'_>, tip: &Oid, held: &Held) -> Result<bool> {
    let mut coming = in_its_way(ctx, tip, held)?;
    coming.retain(|_, entry| !entry.is_submodule());
    let paths: Vec<_> = coming.keys().cloned().collect();
    Ok(!paths.is_empty() && live_entries(ctx, &paths)? != coming)
}

/// What the branch has above or below a held path where it has nothing itself: a file where this machine has a
/// folder, or the other way round.
pub(super) fn in_its_way(ctx: &Context<'_>, tip: &Oid, held: &Held) -> Result<Entries> {
    if held.theirs.is_some() {
        return Ok(Entries::new());
    }
    let mut around = ctx.repo.all_entries(tip)?;
    around.retain(|path, _| path.overlaps(&held.path));
    Ok(around)
}

/// The commit that a held submodule is on here. One that is not checked out is as it was: its folder
/// says nothing.
fn submodule_here(ctx: &Context<'_>, held: &Held) -> Result<Option<Entry>> {
    if !held.has_submodule() {
        return Ok(None);
    }
    let live = fs::look(&held.path.below(ctx.repo.top()))?;
    if live.is_some_and(|found| !found.is_dir()) {
        return Ok(None);
    }
    Ok(match ctx.repo.submodule_head(&held.path) {
        Some(oid) => Some(Entry {
            mode: Mode::Gitlink,
            oid,
        }),
        None => held.ours.clone().filter(Entry::is_submodule),
    })
}

/// What stands in the work tree at `paths`, as git would keep it; the contents are kept.
pub fn live_entries(ctx: &Context<'_>, paths: &[RepoPath]) -> Result<Entries> {
    let top = ctx.repo.top();
    let mut files = Vec::new();
    for path in paths {
        if is_unreadable(ctx, path) || !is_below_folders(top, path)? {
            continue;
        }
        let found = fs::look(&path.below(top))?;
        if found.is_some_and(|found| found.is_file() || found.is_symlink()) {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Ok(Entries::new());
    }
    let index = PrivateIndex::empty(ctx.repo, ctx.scratch("live"))?;
    index.take_in(files)?;
    let tree = index.write_tree()?;
    index.discard()?;
    ctx.repo.entries(&tree, paths)
}

/// Are all folders above it there, and no links?
fn is_below_folders(top: &Path, path: &RepoPath) -> Result<bool> {
    for parent in path.parents() {
        let found = fs::look(&parent.below(top))?;
        if !found.is_some_and(|found| found.is_dir()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Is it a file that we may not read, or in a folder that we may not look into?
fn is_unreadable(ctx: &Context<'_>, path: &RepoPath) -> bool {
    let file = path.below(ctx.repo.top());
    let denied = |error: &std::io::Error| error.kind() == std::io::ErrorKind::PermissionDenied;
    match file.symlink_metadata() {
        Ok(found) => found.is_file() && File::open(&file).as_ref().is_err_and(denied),
        Err(error) => denied(&error),
    }
}
