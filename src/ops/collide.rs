//! Finds what stands in the way of files that come from the remote: things of this machine that are
//! in no commit, because they are ignored, or not tracked, or cannot be.
//!
//! git overwrites an ignored file without a word when upstream starts to track its path. A file that
//! somebody told git to ignore is the last one that may be lost.

use super::{Context, held};
use crate::error::Result;
use crate::model::entry::{Change, Entry, Oid};
use crate::model::held::{Disagreement, Held, HeldSet};
use crate::model::path::RepoPath;
use crate::sys::{clock, fs};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

/// What is in the way.
#[derive(Debug, Default)]
pub struct Collisions {
    /// Paths that have to wait for the user.
    pub holds: Vec<Held>,
    /// Paths where the very same file stands already.
    pub same: BTreeSet<RepoPath>,
}

impl Collisions {
    /// The paths that have to wait, with those that no policy settled; each once. What is in the way
    /// says more than that both changed it, and what both started from is known of the other.
    pub fn with(&self, disputed: &[Held]) -> Vec<Held> {
        let mut set = HeldSet::new(disputed.iter().cloned());
        for held in &self.holds {
            let known = set.remove(&held.path);
            set.insert(Held {
                base: known.map_or(held.base.clone(), |known| known.base),
                ..held.clone()
            });
        }
        set.iter().cloned().collect()
    }
}

/// What is known of some files before they are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// They are being written on, so they cannot be replaced now.
    pub busy: &'a BTreeSet<RepoPath>,
    /// They are not what the snapshot has.
    pub left_out: &'a BTreeSet<RepoPath>,
}

/// Looks at every path that `incoming` changes.
pub fn find(
    ctx: &Context<'_>,
    incoming: &[Change],
    tip: &Oid,
    known: Known<'_>,
) -> Result<Collisions> {
    let mut collisions = Collisions::default();
    if incoming.is_empty() {
        return Ok(collisions);
    }
    let top = ctx.repo.top();
    let removed: BTreeSet<_> = incoming
        .iter()
        .filter(|change| change.old.is_some() && change.new.is_none())
        .map(|change| &change.path)
        .collect();
    let twins = twins(ctx, incoming, tip)?;
    let unwatched = ctx.repo.unwatched()?;
    let mut compared = Vec::new();
    for change in incoming {
        let files = change.of_files();
        if files.is_none() && !change.brings_submodule() {
            continue;
        }
        let is_new = files.is_none_or(|files| files.old.is_none());
        let obstacle = if twins.contains(&change.path) {
            Obstacle::Unmovable
        } else if is_new {
            obstacle(top, change, &removed)?
        } else if unwatched.contains(&change.path) || known.left_out.contains(&change.path) {
            Obstacle::File
        } else {
            Obstacle::None
        };
        match obstacle {
            Obstacle::File => compared.push(change),
            Obstacle::Unmovable => {
                let ours = change.old.clone().filter(Entry::is_submodule);
                collisions
                    .holds
                    .push(hold(change, Disagreement::Blocked, ours));
            }
            Obstacle::None if known.busy.contains(&change.path) => {
                let ours = change.old.clone();
                collisions
                    .holds
                    .push(hold(change, Disagreement::Busy, ours));
            }
            Obstacle::None if !is_replaceable(ctx, &change.path)? => {
                let ours = change.old.clone();
                collisions
                    .holds
                    .push(hold(change, Disagreement::Unwritable, ours));
            }
            Obstacle::None => {}
        }
    }
    compare(ctx, &compared, &mut collisions)?;
    Ok(collisions)
}

/// Looks at the contents of files that no snapshot has. Reading them also keeps them: as objects that
/// the held set points to.
fn compare(ctx: &Context<'_>, changes: &[&Change], collisions: &mut Collisions) -> Result<()> {
    let paths: Vec<_> = changes.iter().map(|change| change.path.clone()).collect();
    let ours = held::live_entries(ctx, &paths)?;
    for change in changes {
        let ours = ours.get(&change.path);
        if ours == change.new.as_ref() {
            collisions.same.insert(change.path.clone());
        } else if ours != change.old.as_ref() {
            let why = match &change.old {
                None => Disagreement::Untracked,
                old => Disagreement::between(old.as_ref(), ours, change.new.as_ref()),
            };
            collisions.holds.push(hold(change, why, ours.cloned()));
        }
    }
    Ok(())
}

/// May this machine put another file in the place of the one at `path`?
pub(super) fn is_replaceable(ctx: &Context<'_>, path: &RepoPath) -> Result<bool> {
    let top = ctx.repo.top();
    let live = path.below(top);
    let mut folder = top;
    for above in live.ancestors().skip(1) {
        match fs::is_dir(above) {
            Err(error) if !fs::is_refused(&error) => return Err(error),
            Ok(true) => {
                folder = above;
                break;
            }
            _ => {}
        }
    }
    let readable = match fs::look(&live)? {
        Some(found) if found.is_file() => File::open(&live).is_ok(),
        _ => true,
    };
    Ok(readable && fs::may_change_names(folder) && fs::same_file_system(folder, top)?)
}

enum Obstacle {
    None,
    /// A file or a link: it can be compared, and kept.
    File,
    /// Anything else.
    Unmovable,
}

fn obstacle(top: &Path, change: &Change, removed: &BTreeSet<&RepoPath>) -> Result<Obstacle> {
    let path = &change.path;
    for parent in path.parents() {
        let folder = parent.below(top);
        match fs::look(&folder)? {
            None => return Ok(Obstacle::None),
            // A repository of its own, such as a submodule that the remote turns into a folder.
            Some(_) if fs::look(&folder.join(".git"))?.is_some() => return Ok(Obstacle::Unmovable),
            Some(found) if found.is_dir() => {}
            // A tracked file that the remote turns into a folder makes way by itself.
            Some(_) if removed.contains(&parent) => return Ok(Obstacle::None),
            // A link to a folder elsewhere must not be written through.
            Some(_) => return Ok(Obstacle::Unmovable),
        }
    }
    let live = path.below(top);
    Ok(match fs::look(&live)? {
        None => Obstacle::None,
        // A submodule is a folder, and what is in it is left alone.
        Some(found) if found.is_dir() && change.brings_submodule() => Obstacle::None,
        Some(found) if found.is_dir() => {
            if is_emptied(&live, top, removed)? {
                Obstacle::None
            } else {
                Obstacle::Unmovable
            }
        }
        Some(found) if found.is_symlink() => Obstacle::File,
        Some(found) if found.is_file() && File::open(&live).is_ok() => Obstacle::File,
        Some(_) => Obstacle::Unmovable,
    })
}

/// Does the remote remove everything that is in this folder?
pub(super) fn is_emptied(folder: &Path, top: &Path, removed: &BTreeSet<&RepoPath>) -> Result<bool> {
    use std::os::unix::ffi::OsStrExt as _;
    let unreadable = |source| fs::failed("read", folder, source);
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if fs::look(&path)?.is_some_and(|found| found.is_dir()) {
            if !is_emptied(&path, top, removed)? {
                return Ok(false);
            }
        } else {
            let relative = path
                .strip_prefix(top)
                .unwrap_or(&path)
                .as_os_str()
                .as_bytes();
            if !removed.contains(&RepoPath::from_bytes(relative)) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Added paths that differ from another path only in the case of letters, where the file system
/// takes the two for one.
fn twins(ctx: &Context<'_>, incoming: &[Change], tip: &Oid) -> Result<BTreeSet<RepoPath>> {
    let added = incoming
        .iter()
        .filter(|change| change.old.is_none())
        .map(|change| &change.path);
    let added: Vec<_> = added.collect();
    if added.is_empty() || !ctx.repo.ignores_case() {
        return Ok(BTreeSet::new());
    }
    let mut names = BTreeMap::<RepoPath, usize>::new();
    for path in ctx.repo.all_entries(tip)?.keys() {
        *names.entry(path.folded()).or_default() += 1;
    }
    let ambiguous = |path: &&RepoPath| names.get(&path.folded()).is_some_and(|count| *count > 1);
    Ok(added.into_iter().filter(ambiguous).cloned().collect())
}

fn hold(change: &Change, why: Disagreement, ours: Option<Entry>) -> Held {
    Held {
        path: change.path.clone(),
        why,
        since: clock::epoch(),
        base: change.old.clone(),
        ours,
        theirs: change.new.clone(),
    }
}
