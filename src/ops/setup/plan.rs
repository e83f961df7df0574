//! Decides what a setup will do, and refuses what would harm; touches nothing.

use super::{Options, rules};
use crate::error::{Error, Kind, Result};
use crate::git::Repo;
use crate::git::config::{NewFiles, Settings};
use crate::git::repo::{Branch, Upstream};
use crate::git::transport::Transport;
use crate::model::url;
use crate::ops::guard;
use crate::sys::{env, fs};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// The name of a remote that we add.
pub const REMOTE: &str = "origin";

/// Where the repository is, or shall be.
#[derive(Debug)]
pub enum Place {
    /// This one, in whose work tree the user is.
    Around(Box<Repo>),
    /// In this folder, which need not be there.
    At(PathBuf),
}

/// What a setup will do.
#[derive(Debug)]
pub enum Plan {
    /// Clone.
    Clone {
        /// What.
        url: OsString,
        /// The folder, which is not there or empty.
        into: PathBuf,
    },
    /// Make a repository.
    Create {
        /// Of this folder.
        dir: PathBuf,
        /// So many things are in it already.
        entries: usize,
    },
    /// Enrol one that is there.
    Enrol(Box<Enrolment>),
}

/// What an enrolment will do.
#[derive(Debug)]
pub struct Enrolment {
    /// The repository.
    pub repo: Repo,
    /// The branch that is synced.
    pub branch: Branch,
    /// The address of the remote that is to be added.
    pub remote: Option<OsString>,
    /// The upstream that is to be written.
    pub upstream: Option<Upstream>,
}

/// Looks what there is at `place`, and what is to be done.
pub fn plan(place: Place, options: &Options) -> Result<Plan> {
    let url = options
        .url
        .as_deref()
        .map(|url| address(&options.here, url))
        .transpose()?;
    let dir = match place {
        Place::Around(repo) => return enrol(*repo, url.as_deref(), options),
        Place::At(dir) => dir,
    };
    if let Some(repo) = repository_at(&dir, options)? {
        return enrol(repo, url.as_deref(), options);
    }
    let entries = entries(&dir)?;
    let Some(url) = url else {
        refuse_home(&dir)?;
        return Ok(Plan::Create { dir, entries });
    };
    if entries > 0 {
        return Err(occupied(&dir, &url));
    }
    if options.offline {
        return Err(Error::new(
            Kind::Usage,
            "'--offline' and a remote to clone do not go together",
        ));
    }
    Ok(Plan::Clone { url, into: dir })
}

/// The address of a remote: what is a folder here must be one from everywhere.
fn address(here: &Path, typed: &OsStr) -> Result<OsString> {
    let text = typed.to_string_lossy();
    if text.trim().is_empty() || text.starts_with('-') {
        return Err(Error::new(
            Kind::Usage,
            format!("'{text}' is not the address of a remote"),
        )
        .hint("git sync --setup [URL [DIR]]"));
    }
    let path = here.join(typed);
    if !path.exists() {
        return Ok(typed.to_owned());
    }
    // Without dots to go astray at; links stay, as they may be meant to move.
    let absolute = if path.components().any(|part| part == Component::ParentDir) {
        path.canonicalize()
    } else {
        std::path::absolute(&path)
    };
    absolute
        .map(PathBuf::into_os_string)
        .map_err(|source| fs::failed("find", &path, source))
}

/// The repository whose work tree is `dir` itself, and not a folder above it.
fn repository_at(dir: &Path, options: &Options) -> Result<Option<Repo>> {
    if fs::look(&dir.join(".git"))?.is_none() {
        return Ok(None);
    }
    let found = Repo::open(dir, options.manner.clone())?;
    Ok(found.filter(|repo| is_same(repo.top(), dir)))
}

/// How many things are in the folder `dir`; 0 where there is none.
fn entries(dir: &Path) -> Result<usize> {
    let Some(found) = fs::look(dir)? else {
        return Ok(0);
    };
    if found.is_symlink() && !dir.exists() {
        return Err(
            Error::fatal(format!("'{}' is a link that leads nowhere", dir.display()))
                .hint(format!("rm {}   removes the link", dir.display())),
        );
    }
    if !dir.is_dir() {
        return Err(
            Error::fatal(format!("'{}' is not a directory", dir.display()))
                .hint("git sync --setup URL DIR   takes another place"),
        );
    }
    let list = std::fs::read_dir(dir).map_err(|source| fs::failed("read", dir, source))?;
    Ok(list.count())
}

fn occupied(dir: &Path, url: &OsStr) -> Error {
    let dir = dir.display();
    let url = url::shown(&url.to_string_lossy());
    Error::fatal(format!("'{dir}' is there already, and not a clone of '{url}'"))
        .hint(format!("git sync --setup {url} DIR   clones into another folder"))
        .hint(format!(
            "git init {dir} && git -C {dir} sync --setup {url}   keeps its files and brings both together"
        ))
}

fn enrol(repo: Repo, url: Option<&OsStr>, options: &Options) -> Result<Plan> {
    Ok(Plan::Enrol(Box::new(enrolment(repo, url, options)?)))
}

/// What it takes to enrol `repo`, with the remote at `url` if one is named.
pub(super) fn enrolment(repo: Repo, url: Option<&OsStr>, options: &Options) -> Result<Enrolment> {
    if Settings::read(&repo)?.new_files != NewFiles::Tracked {
        refuse_home(repo.top())?;
    }
    let branch = guard::branch(&repo)?;
    rules::check(&repo)?;
    let (remote, added) = match url {
        Some(url) => remote_for(&repo, url)?,
        None => (usual_remote(&repo, &branch), None),
    };
    let upstream = match remote {
        Some(remote) => upstream(&repo, &branch, &remote, added.as_deref(), options)?,
        None => None,
    };
    Ok(Enrolment {
        repo,
        branch,
        remote: added,
        upstream,
    })
}

/// Everything in it would be committed, keys and caches included.
fn refuse_home(dir: &Path) -> Result<()> {
    if !env::home().is_some_and(|home| is_same(&home, dir)) {
        return Ok(());
    }
    Err(
        Error::fatal("this is your home: every file in it would be committed")
            .hint("git config sync.newFiles tracked   syncs only what you add yourself")
            .hint("git sync --setup URL DIR   keeps the configs in a folder of their own"),
    )
}

fn is_same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// The remote with the address `url`: its name, and the address where it has to be added.
fn remote_for(repo: &Repo, url: &OsStr) -> Result<(Option<String>, Option<OsString>)> {
    if is_same(Path::new(url), repo.top()) {
        return Err(Error::fatal(format!(
            "'{}' is the repository itself, not its remote",
            repo.top().display()
        ))
        .hint("git sync --setup   without an address sets up the repository around you"));
    }
    let remotes = repo.remotes();
    let address = |name: &String| repo.remote_url(name).unwrap_or_default();
    let wanted = url.to_string_lossy();
    let leads_there = |name: &&String| {
        let there = address(name);
        url::same(&there, &wanted) || is_same(&repo.top().join(&there), Path::new(url))
    };
    if let Some(name) = remotes.iter().find(leads_there) {
        return Ok((Some(name.clone()), None));
    }
    let Some(other) = remotes
        .iter()
        .find(|name| *name == REMOTE)
        .or_else(|| remotes.first())
    else {
        return Ok((Some(REMOTE.to_owned()), Some(url.to_owned())));
    };
    let (wanted, there) = (url::shown(&wanted), url::shown(&address(other)));
    let top = repo.top().display();
    Err(Error::fatal(format!(
        "'{top}' is synced with '{there}', not with '{wanted}'"
    ))
    .hint(format!(
        "git sync --setup {wanted} DIR   clones into another folder"
    ))
    .hint(format!(
        "git -C {top} remote set-url {other} {wanted}   changes the remote of this one"
    )))
}

/// The remote that a branch without an upstream is synced with.
fn usual_remote(repo: &Repo, branch: &Branch) -> Option<String> {
    let remotes = repo.remotes();
    let of_branch = repo.config_text(&format!("branch.{}.remote", branch.short()));
    of_branch.or_else(|| {
        let origin = remotes.iter().find(|name| *name == REMOTE);
        origin.or_else(|| remotes.first()).cloned()
    })
}

/// The upstream to be written; `None` where there is one.
///
/// A guess that is wrong would make a second branch on the remote, and two machines that never
/// meet: so the remote is asked, unless it is known already.
fn upstream(
    repo: &Repo,
    branch: &Branch,
    remote: &str,
    added: Option<&OsStr>,
    options: &Options,
) -> Result<Option<Upstream>> {
    if repo.upstream(&branch.name).is_some() || remote == "." {
        return Ok(None);
    }
    let of = |name: &str| {
        let short = name.strip_prefix("refs/heads/").unwrap_or(name);
        Some(Upstream {
            remote: remote.to_owned(),
            branch: format!("refs/heads/{short}"),
            tracking: format!("refs/remotes/{remote}/{short}"),
        })
    };
    let same = of(&branch.name);
    let known = match &same {
        Some(same) => repo.last_seen(&same.tracking)?.is_some(),
        None => false,
    };
    if options.offline || (known && added.is_none()) {
        return Ok(same);
    }
    let target = added.unwrap_or(OsStr::new(remote));
    let (heads, default) = match repo.ask_heads(&Transport::single(repo), target)? {
        Ok(found) => found,
        Err(unreachable) => {
            return Err(
                Error::new(Kind::Unreachable, format!("{remote} cannot be reached"))
                    .because(unreachable.why)
                    .hint("nothing was changed; run the same again later")
                    .hint("--offline sets up without asking the remote which branch it has"),
            );
        }
    };
    if heads.is_empty() || heads.contains(&branch.name) {
        return Ok(same);
    }
    let default = match (default, heads.as_slice()) {
        (Some(default), _) => Some(default),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    };
    match default.and_then(|default| of(&default)) {
        Some(default) if is_branched_off(repo, branch, &default)? => Ok(same),
        Some(default) => Ok(Some(default)),
        None => Err(Error::fatal(format!(
            "{remote} has no branch '{}', and none by default",
            branch.short()
        ))
        .hint(format!(
            "git fetch {remote} && git branch -u {remote}/NAME   chooses one"
        ))),
    }
}

/// Has somebody branched off `default` and committed since? Such a branch is meant to be another one:
/// what is on it must not be published as `default`. A history of its own is not; it only began
/// before the two met.
fn is_branched_off(repo: &Repo, branch: &Branch, default: &Upstream) -> Result<bool> {
    let (Some(tip), Some(there)) = (&branch.tip, repo.last_seen(&default.tracking)?) else {
        return Ok(false);
    };
    Ok(!repo.is_ancestor(tip, &there)? && repo.merge_base(tip, &there)?.is_some())
}
