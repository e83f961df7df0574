//! What must be true before a repository is touched without asking.

use super::{Context, recover};
use crate::error::{Error, Result};
use crate::git::Repo;
use crate::git::config;
use crate::git::repo::{Branch, Head, Upstream};
use crate::git::status::Scan;
use crate::model::entry::Change;
use crate::model::path::RepoPath;

/// A repository that may be synced.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The branch that is checked out.
    pub branch: Branch,
    /// Where it is synced to; `None`: there is no remote at all.
    pub upstream: Option<Upstream>,
}

/// Checks that `ctx.repo` may be synced.
pub fn check(ctx: &Context<'_>) -> Result<Ready> {
    enrolled(ctx.repo)?;
    let branch = branch(ctx.repo)?;
    is_synced(ctx.repo, &branch)?;
    let upstream = upstream(ctx, &branch)?;
    Ok(Ready { branch, upstream })
}

/// The branch of a repository that is in a state to be worked in.
pub fn branch(repo: &Repo) -> Result<Branch> {
    if let Some(command) = repo.in_progress() {
        let error = Error::blocked(match command {
            "am" => "git am is in progress".to_owned(),
            command => format!("a {command} is in progress"),
        });
        return Err(match command {
            "bisect" => error.hint("git bisect reset   ends it"),
            command => error
                .hint(format!("git {command} --continue   finishes it"))
                .hint(format!("git {command} --abort   goes back to before it")),
        });
    }
    if repo.is_sparse()? {
        return Err(
            Error::fatal("this is a sparse checkout, which git sync does not support")
                .hint("git sparse-checkout disable   checks out everything")
                .hint("nothing was touched"),
        );
    }
    index(repo)?;
    let Head::Branch(branch) = repo.head()? else {
        return Err(Error::fatal("HEAD is detached: there is no branch to sync")
            .hint("git switch main   goes back to a branch (git branch lists them)")
            .hint("git switch -c NAME   makes one here"));
    };
    Ok(branch)
}

/// Checks that the index can be read. Killed in its first commit, a run leaves a branch and no index: the next one
/// puts it there.
fn index(repo: &Repo) -> Result<()> {
    repo.check_index()
        .or_else(|error| recover::is_pending(repo).then_some(()).ok_or(error))
}

/// Checks that the user has said that this repository may be synced.
pub fn enrolled(repo: &Repo) -> Result<()> {
    let enabled = repo.config_bool(config::ENABLED)?.unwrap_or(false);
    // A global setting would enrol every repository of the user: commits nobody asked for.
    if enabled && repo.config_is_local("sync", "enabled") {
        return Ok(());
    }
    Err(Error::fatal("this repository is not set up for git sync")
        .hint("git sync --setup   sets it up, here and now")
        .hint("git -C DIR sync   syncs another one"))
}

/// Checks that `branch` is the one that is synced, where the user has named one.
fn is_synced(repo: &Repo, branch: &Branch) -> Result<()> {
    match repo.config_text(config::BRANCH) {
        Some(only) if only != branch.short() => Err(Error::blocked(format!(
            "'{}' is checked out, and sync.branch says that only '{only}' is synced",
            branch.short()
        ))
        .hint(format!("git switch {only}   goes there"))
        .hint(format!(
            "git -c sync.branch={} sync   syncs this one, once",
            branch.short()
        ))),
        _ => Ok(()),
    }
}

fn upstream(ctx: &Context<'_>, branch: &Branch) -> Result<Option<Upstream>> {
    let named = ctx.repo.config_text(config::REMOTE);
    if let Some(remote) = named.filter(|remote| !ctx.repo.remotes().contains(remote)) {
        return Err(Error::fatal(format!(
            "there is no remote '{remote}', named by sync.remote"
        ))
        .hint(format!("git remote add {remote} URL   adds it"))
        .hint("git config --unset sync.remote   syncs with the branch's own again"));
    }
    if let Some(upstream) = ctx.repo.upstream(&branch.name) {
        return Ok(Some(upstream));
    }
    let remotes = ctx.repo.remotes();
    let Some(remote) = remotes
        .iter()
        .find(|name| *name == "origin")
        .or_else(|| remotes.first())
    else {
        return Ok(None);
    };
    let name = branch.short();
    Err(Error::fatal(format!("branch '{name}' has no upstream"))
        .hint(format!(
            "git push -u {remote} {name}   makes one, if the remote has no such branch"
        ))
        .hint(format!(
            "git branch -u {remote}/{name}   chooses one that is there"
        )))
}

/// Checks that the user is not in the middle of resolving a merge.
pub fn merged(scan: &Scan) -> Result<()> {
    let Some(first) = scan.unmerged.first() else {
        return Ok(());
    };
    Err(Error::blocked(format!("'{first}' has an unfinished merge"))
        .hint("git status   lists what is unfinished")
        .hint("git add FILE   after mending each one"))
}

/// Checks that git takes all names that come from `upstream`. One that it refuses would be in no index,
/// and the next commit would remove it.
pub(super) fn takeable(ctx: &Context<'_>, incoming: &[Change], upstream: &Upstream) -> Result<()> {
    let names = incoming
        .iter()
        .filter_map(|change| Some((change.path.clone(), change.new.as_ref()?.mode)));
    let refused = ctx.repo.refused_names(names, ctx.scratch("names"))?;
    let Some(first) = refused.first() else {
        return Ok(());
    };
    let upstream = upstream.short();
    Err(
        Error::blocked(format!("{upstream} has '{first}', a name that git refuses"))
            .hint(format!(
                "git log {upstream} -- '{first}'   tells who committed it"
            ))
            .hint("it has to be renamed or removed there; then a sync goes through")
            .hint("nothing was taken from the remote, and nothing sent to it"),
    )
}

/// Checks that git may look at `path`: where it was told not to, what is there is never committed.
pub(super) fn watched(ctx: &Context<'_>, path: &RepoPath) -> Result<()> {
    if !ctx.repo.unwatched()?.contains(path) {
        return Ok(());
    }
    Err(Error::blocked(format!(
        "git was told not to look at '{path}', which is changed here"
    ))
    .hint(format!(
        "git update-index --no-skip-worktree {path} && git update-index \
                 --no-assume-unchanged {path}   lets it look again"
    ))
    .hint("nothing was changed"))
}
