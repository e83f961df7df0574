//! Finds what stands in the way of files that come from the remote: things of this machine that are
//! in no commit, because they are ignored, or not tracked, or cannot be.
//!
//! git overwrites an ignored file without a word when upstream starts to track its path. A file that
//! somebody told git to ignore is the last one that may be lost.

use super::Context;
use crate::error::Result;
use crate::git::index::PrivateIndex;
use crate::model::entry::{Change, Entry, Oid};
use crate::model::held::{Disagreement, Held};
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

/// Looks at every path that `incoming` adds; `index` is the snapshot's.
pub fn find(
    ctx: &Context<'_>,
    incoming: &[Change],
    tip: &Oid,
    index: &PrivateIndex<'_>,
) -> Result<Collisions> {
    let removed: BTreeSet<_> = incoming
        .iter()
        .filter(|change| change.old.is_some() && change.new.is_none())
        .map(|change| &change.path)
        .collect();
    let twins = twins(ctx, incoming, tip)?;
    let mut collisions = Collisions::default();
    let mut files = Vec::new();
    for change in incoming {
        let (None, Some(new)) = (&change.old, &change.new) else {
            continue;
        };
        let in_the_way = if twins.contains(&change.path) {
            Obstacle::Unmovable
        } else {
            obstacle(ctx.repo.top(), &change.path, &removed)?
        };
        match in_the_way {
            Obstacle::None => {}
            Obstacle::File => files.push((change.path.clone(), new.clone())),
            Obstacle::Unmovable => {
                collisions
                    .holds
                    .push(hold(&change.path, Disagreement::Blocked, None, new));
            }
        }
    }
    if files.is_empty() {
        return Ok(collisions);
    }
    // Taking them in also keeps their content: as objects that the held set points to.
    let scratch = index.copy_to(ctx.scratch("collide"))?;
    scratch.take_in(files.iter().map(|(path, _)| path))?;
    let tree = scratch.write_tree()?;
    let paths: Vec<_> = files.iter().map(|(path, _)| path.clone()).collect();
    let ours = ctx.repo.entries(&tree, &paths)?;
    for (path, theirs) in files {
        let entry = ours.get(&path);
        if entry == Some(&theirs) {
            collisions.same.insert(path);
        } else {
            collisions
                .holds
                .push(hold(&path, Disagreement::Untracked, entry, &theirs));
        }
    }
    scratch.discard()?;
    Ok(collisions)
}

enum Obstacle {
    None,
    /// A file or a link: it can be compared, and kept.
    File,
    /// Anything else.
    Unmovable,
}

fn obstacle(top: &Path, path: &RepoPath, removed: &BTreeSet<&RepoPath>) -> Result<Obstacle> {
    for parent in path.parents() {
        match fs::look(&parent.below(top))? {
            None => return Ok(Obstacle::None),
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
fn is_emptied(folder: &Path, top: &Path, removed: &BTreeSet<&RepoPath>) -> Result<bool> {
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

fn hold(path: &RepoPath, why: Disagreement, ours: Option<&Entry>, theirs: &Entry) -> Held {
    Held {
        path: path.clone(),
        why,
        since: clock::epoch(),
        base: None,
        ours: ours.cloned(),
        theirs: Some(theirs.clone()),
    }
}
