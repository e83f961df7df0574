//! Enrols a repository: from now on it may be committed to and sent without being asked.

use super::plan::{Enrolment, REMOTE};
use super::turn::take_turn;
use super::{Item, Items, Mark, Options, Origin, Outcome, clash, come_along, rules};
use crate::error::Result;
use crate::git::Repo;
use crate::git::config::{self, Settings};
use crate::git::config_file;
use crate::model::url;
use crate::ops::hooks;
use crate::store::layout::Layout;
use crate::store::machine;
use crate::sys::{env, fs};
use std::path::{Path, PathBuf};

/// Enrols; what is so already is left as it is.
pub(super) fn enrol(enrolment: Enrolment, origin: Origin, options: &Options) -> Result<Outcome> {
    let Enrolment {
        repo,
        branch,
        remote,
        upstream,
    } = enrolment;
    let layout = Layout::of(&repo);
    let machine = machine::identify(&layout, &Settings::read(&repo)?)?;
    let turn = take_turn(&repo, options.wait)?;

    // The rules come first: until they stand, none of our files may be in the work tree.
    let rules = rules::write(&repo)?;
    let named_before = fs::look(&layout.machine_id())?.is_some();
    machine::remember(&layout, &machine)?;
    let mut items = Items::new();
    if let Some(url) = &remote {
        repo.add_remote(REMOTE, url)?;
        let shown = url::shown(&url.to_string_lossy());
        items.push((Mark::New, Item::Remote(REMOTE.to_owned(), shown)));
    }
    let name = branch.short();
    if let Some(upstream) = &upstream {
        repo.set_local(&format!("branch.{name}.remote"), &upstream.remote)?;
        repo.set_local(&format!("branch.{name}.merge"), &upstream.branch)?;
    }
    let enrolled_before = is_enrolled(&repo)?;
    if !enrolled_before {
        repo.set_local(config::ENABLED, "true")?;
    }
    let profiles = options.profiles.as_ref().map(|profiles| {
        let names: Vec<_> = profiles.iter().map(String::as_str).collect();
        names.join(",")
    });
    let said = match &profiles {
        Some(profiles) if profiles.is_empty() => repo.unset_local(config::PROFILE)?,
        Some(profiles) if repo.local_setting(config::PROFILE)?.as_ref() == Some(profiles) => false,
        Some(profiles) => {
            repo.set_local(config::PROFILE, profiles)?;
            true
        }
        None => false,
    };

    let repo = repo.reopened()?;
    if enrolled_before && let Some(upstream) = &upstream {
        let item = Item::Upstream(name.to_owned(), upstream.short());
        items.push((Mark::New, item));
    }
    let mark = |before: bool| if before { Mark::Same } else { Mark::New };
    let upstream = repo.upstream(&branch.name).map(|upstream| {
        let url = repo.remote_url(&upstream.remote);
        (upstream.short(), url.map(|url| url::shown(&url)))
    });
    if upstream.is_none() {
        let told = if enrolled_before {
            Mark::Same
        } else {
            Mark::Look
        };
        items.push((told, Item::NoRemote));
    }
    let branch = name.to_owned();
    let repository = Item::Repository {
        origin,
        branch,
        upstream,
    };
    items.insert(0, (mark(enrolled_before), repository));
    items.extend(directory(&repo)?);
    items.extend(rules);
    let id = machine.id.clone();
    items.push((mark(named_before), Item::Machine(id)));
    if let Some(profiles) = profiles {
        items.push((mark(!said), Item::Profiles(profiles)));
    }
    items.extend(hooks(&repo, options.no_hooks)?);
    drop(turn);
    let clashes = clash::find(repo.top())?;
    let is_found = !clashes
        .iter()
        .any(|(_, item)| matches!(item, Item::OffPath(_)));
    // Whoever adds the folder of the program to PATH leads man there too.
    let along = come_along::install(false)?.into_iter();
    items.extend(along.filter(|(_, item)| is_found || !matches!(item, Item::UnfoundManual(_))));
    items.extend(clashes);
    Ok(Outcome {
        repo,
        origin,
        enrolled_before,
        machine,
        items,
    })
}

/// Puts in our hooks, unless they are not wanted.
fn hooks(repo: &Repo, unwanted: bool) -> Result<Items> {
    if unwanted {
        repo.set_local(config::HOOKS, "false")?;
        let gone = hooks::remove(repo)?;
        let told = (!gone.is_empty()).then_some((Mark::Gone, Item::Hooks(gone)));
        return Ok(told.into_iter().collect());
    }
    if repo.config_bool(config::HOOKS)? == Some(false) {
        return Ok(Items::new());
    }
    let mut items = Items::new();
    let (installed, others): (Vec<_>, Vec<_>) = hooks::install(repo)?
        .into_iter()
        .partition(hooks::Hook::is_installed);
    for (is_new, mark) in [(true, Mark::New), (false, Mark::Same)] {
        let events = installed.iter().filter(|hook| hook.is_new == is_new);
        let events: Vec<_> = events.map(|hook| hook.event).collect();
        if !events.is_empty() {
            items.push((mark, Item::Hooks(events)));
        }
    }
    // That all of them are elsewhere is one thing to tell.
    let (elsewhere, others): (Vec<_>, Vec<_>) =
        others.into_iter().partition(hooks::Hook::is_elsewhere);
    let blocked = elsewhere
        .into_iter()
        .take(1)
        .chain(others)
        .map(Item::NoHook);
    items.extend(blocked.map(|item| (Mark::Look, item)));
    Ok(items)
}

/// Is it said in the repository's own file?
pub(super) fn is_enrolled(repo: &Repo) -> Result<bool> {
    let value = repo.local_setting(config::ENABLED)?;
    let value = value.map(|value| value.to_ascii_lowercase());
    Ok(matches!(
        value.as_deref(),
        Some("true" | "yes" | "on" | "1")
    ))
}

/// Makes commands that are typed elsewhere find the repository.
fn directory(repo: &Repo) -> Result<Option<(Mark, Item)>> {
    let top = resolved(repo.top());
    let found = Repo::open(&top, crate::git::repo::Manner::default())?;
    if found.is_none_or(|found| resolved(found.git_dir()) != resolved(repo.git_dir())) {
        // Given by hand, with a git directory that is not found from the folder.
        return Ok(None);
    }
    if let Some(directory) = configured(repo.top())? {
        let same = resolved(&directory) == top;
        return Ok(if same {
            Some((Mark::Same, Item::Directory(directory)))
        } else {
            Some((Mark::Look, Item::OtherDirectory(directory)))
        });
    }
    let default = machine::default_directory(Settings::read(repo)?.machine_type);
    if default.as_deref().map(resolved).as_deref() == Some(&top) {
        return Ok(None);
    }
    if let Some(default) = default.filter(|default| is_enrolled_at(default)) {
        return Ok(Some((Mark::Look, Item::OtherDirectory(default))));
    }
    let Some(value) = spelled(&top) else {
        let why = "its name is not UTF-8".to_owned();
        return Ok(Some((Mark::Look, Item::NoDirectory(why))));
    };
    Ok(Some(
        match config_file::set_global(repo.top(), config::DIRECTORY, &value) {
            Ok(()) => (Mark::New, Item::Directory(top)),
            Err(error) => {
                let why = error.root_cause();
                let why = why.trim_start_matches("error: ").to_owned();
                (Mark::Look, Item::NoDirectory(why))
            }
        },
    ))
}

/// Where a command that is typed elsewhere looks first.
fn configured(here: &Path) -> Result<Option<PathBuf>> {
    match env::get(env::DIRECTORY) {
        Some(directory) => Ok(Some(PathBuf::from(directory))),
        None => config_file::path_setting(here, config::DIRECTORY),
    }
}

/// Below the home as `~/…`: the user's file may itself be synced to machines with another home.
fn spelled(top: &Path) -> Option<String> {
    let home = env::home().map(|home| resolved(&home));
    let below = home.and_then(|home| top.strip_prefix(home).ok().map(Path::to_owned));
    match below {
        Some(below) => Some(format!("~/{}", below.to_str()?)),
        None => top.to_str().map(str::to_owned),
    }
}

/// Is there a repository in this folder that is enrolled?
pub(super) fn is_enrolled_at(dir: &Path) -> bool {
    let found = Repo::open(dir, crate::git::repo::Manner::default());
    found.is_ok_and(|repo| {
        repo.is_some_and(|repo| {
            resolved(repo.top()) == resolved(dir) && is_enrolled(&repo).unwrap_or(false)
        })
    })
}

/// Without links, where there is such a place.
pub(super) fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
