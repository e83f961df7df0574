//! What differs between this machine and the remote, as text.

use super::look::look;
use super::plain::Plain;
use super::{Context, guard, inherit, snapshot};
use crate::error::{Error, Result};
use crate::git::repo::{Branch, Head};
use crate::model::entry::{Change, Entry, Mode, Oid};
use crate::model::lines::LineCount;
use crate::model::path::RepoPath;
use crate::sys::age;
use crate::sys::fs;

/// One path that differs.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Where, and what the two sides have.
    pub change: Change,
    /// What it is between, in words: `origin/main` and `here`.
    pub between: (String, String),
    /// The two contents; `None` where one of them is not text.
    pub text: Option<(String, String)>,
}

/// How much a path changes.
#[derive(Debug, Clone)]
pub struct Extent {
    /// Where, and what the two sides have.
    pub change: Change,
    /// How many lines; `None` where it is not text.
    pub lines: Option<LineCount>,
}

/// Compares this machine with the last known state of the remote, at `paths` or everywhere.
///
/// A held path is compared twice: what both sides started from with what is here, and with what is
/// there.
pub fn diff(ctx: &Context<'_>, paths: &[RepoPath]) -> Result<Vec<Difference>> {
    guard::enrolled(ctx.repo)?;
    let Head::Branch(branch) = ctx.repo.head()? else {
        return Err(Error::fatal(
            "HEAD is detached: there is no branch to compare",
        ));
    };
    look(ctx, || compare(ctx, &branch, paths))
}

fn compare(ctx: &Context<'_>, branch: &Branch, paths: &[RepoPath]) -> Result<Vec<Difference>> {
    let repo = ctx.repo;
    let wanted =
        |path: &RepoPath| paths.is_empty() || paths.iter().any(|p| p == path || p.is_above(path));
    let mut differences = Vec::new();
    let set = inherit::held_now(ctx, branch)?;
    for held in set.iter().filter(|held| wanted(&held.path)) {
        for (side, entry) in [("here", &held.ours), ("there", &held.theirs)] {
            let change = Change {
                path: held.path.clone(),
                old: held.base.clone(),
                new: entry.clone(),
            };
            if change.old != change.new {
                let between = ("before".to_owned(), side.to_owned());
                differences.push(read(ctx, change, between)?);
            }
        }
    }
    let upstream = repo.upstream(&branch.name);
    let theirs = match &upstream {
        Some(upstream) => repo.last_seen(&upstream.tracking)?,
        None => branch.tip.clone(),
    };
    let name = upstream.map_or_else(|| "last commit".to_owned(), |upstream| upstream.short());
    let theirs = match theirs {
        Some(theirs) => repo.tree_of(&theirs)?,
        None => repo.empty_tree()?,
    };
    let scan = ctx.scan(true)?;
    guard::merged(&scan)?;
    let ours = snapshot::take(ctx, branch.tip.as_ref(), &scan, &set)?;
    for change in repo.changes(&theirs, &ours.tree)? {
        if wanted(&change.path) && !set.covers(&change.path) {
            differences.push(read(ctx, change, (name.clone(), "here".to_owned()))?);
        }
    }
    for path in paths {
        let known = |change: &Change| change.path == *path || path.is_above(&change.path);
        if !differences.iter().any(|found| known(&found.change)) {
            is_there(ctx, path, &theirs, &name)?;
        }
    }
    Ok(differences)
}

/// Refuses a path that nobody has: a name that was mistyped must not look like one without changes.
fn is_there(ctx: &Context<'_>, path: &RepoPath, theirs: &Oid, name: &str) -> Result<()> {
    let here = fs::look(&path.below(ctx.repo.top()))?.is_some();
    if here
        || !ctx
            .repo
            .entries(theirs, std::slice::from_ref(path))?
            .is_empty()
    {
        return Ok(());
    }
    Err(Error::fatal(format!(
        "'{path}' is neither here nor in {name}"
    )))
}

/// Larger contents are not compared by line, as if they were no text: nobody reads them, and all of it would be in
/// memory at once.
const LARGE: u64 = 64 << 20;

/// Reads the two contents of a change.
pub(super) fn read(
    ctx: &Context<'_>,
    change: Change,
    between: (String, String),
) -> Result<Difference> {
    let old = text(ctx, &change.path, change.old.as_ref())?;
    let new = text(ctx, &change.path, change.new.as_ref())?;
    Ok(Difference {
        change,
        between,
        text: old.zip(new),
    })
}

/// The content as text, in plain where it is encrypted and can be read; `None` where it is no text.
fn text(ctx: &Context<'_>, path: &RepoPath, entry: Option<&Entry>) -> Result<Option<String>> {
    match entry {
        None => Ok(Some(String::new())),
        Some(Entry {
            mode: Mode::Gitlink,
            oid,
        }) => Ok(Some(format!("commit {oid}\n"))),
        Some(entry) => {
            let Some(bytes) = ctx.repo.small_blob(&entry.oid, LARGE)? else {
                return Ok(None);
            };
            let bytes = if age::is_encrypted(&bytes) {
                Plain::of(ctx)?.read(path, bytes)
            } else {
                bytes
            };
            let binary = bytes.contains(&0);
            Ok((!binary).then(|| String::from_utf8(bytes).ok()).flatten())
        }
    }
}
