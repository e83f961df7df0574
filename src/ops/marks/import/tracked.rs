//! Repositories that have the home as their work tree: that of yadm, and those made by hand. What is known
//! of them is in [`crate::model::import::yadm`].

use super::found::Found;
use super::none;
use crate::error::Result;
use crate::git::home::{self, Kind, Tracked};
use crate::model::import::yadm::{self, REPOSITORIES, USUAL};
use crate::model::import::{Standing, Tool};
use crate::sys::fs;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Reads the repository `place`, or the usual one.
pub(super) fn read(found: &mut Found<'_>, tool: Tool, place: Option<&Path>) -> Result<()> {
    let usual = match tool {
        Tool::Yadm => &REPOSITORIES[..],
        _ => &USUAL[..],
    };
    let looked: Vec<PathBuf> = match place {
        Some(place) => vec![place.to_owned()],
        None => usual.iter().map(|name| found.home.join(name)).collect(),
    };
    let Some(git_dir) = looked.iter().find(|path| home::is_git_dir(path)) else {
        return Err(none(tool, &looked));
    };
    found.keep(git_dir);
    let Tracked { top, paths } = home::tracked(git_dir, &found.home)?;
    let top = in_home(found, top);
    let mut alternates: BTreeMap<Vec<u8>, Vec<PathBuf>> = BTreeMap::new();
    for (path, kind) in paths {
        let live = top.join(OsStr::from_bytes(&path));
        if yadm::is_own(&path) {
            found.leave(&live, "is about that repository");
            continue;
        }
        let alternate = yadm::alternate(&path).filter(|_| tool == Tool::Yadm);
        match (alternate, kind) {
            (Some(plain), _) => {
                found.leave(&live, "is one of several that yadm chooses from");
                alternates.entry(plain).or_default().push(live);
            }
            (None, Kind::Repository) => found.leave(&live, "is a repository of its own"),
            (None, Kind::Link) => found.leave(&live, "is a link: mark what it leads to"),
            (None, Kind::File) => file(found, &live),
        }
    }
    for (plain, sources) in alternates {
        chosen(found, &top.join(OsStr::from_bytes(&plain)), &sources);
    }
    Ok(())
}

/// The work tree as the home is typed, where it is the home.
fn in_home(found: &Found<'_>, top: PathBuf) -> PathBuf {
    match (top.canonicalize(), found.home.canonicalize()) {
        (Ok(top), Ok(home)) if top == home => found.home.clone(),
        (Ok(top), _) => top,
        _ => top,
    }
}

fn file(found: &mut Found<'_>, live: &Path) {
    match fs::look(live) {
        Ok(Some(stands)) if stands.is_file() => {
            found.propose(live, live.to_owned(), Standing::File, None);
        }
        Ok(Some(_)) => found.leave(live, "is something else than there"),
        Ok(None) => found.leave(live, "is not there"),
        Err(_) => found.leave(live, "cannot be read"),
    }
}

/// The file that is one of `sources` here: a link to it, or made of it.
fn chosen(found: &mut Found<'_>, live: &Path, sources: &[PathBuf]) {
    match fs::look(live) {
        Ok(Some(stands)) if stands.is_file() => {
            let note = "made by yadm: what it made here is taken";
            found.propose(live, live.to_owned(), Standing::File, Some(note));
        }
        Ok(Some(stands)) if stands.is_symlink() => {
            let is_source = |from: &PathBuf| {
                let mut all = sources
                    .iter()
                    .filter_map(|source| source.canonicalize().ok());
                // Of a folder, the files in it are tracked.
                all.any(|source| source.starts_with(from))
            };
            match live.canonicalize().ok().filter(is_source) {
                Some(from) => {
                    let note = "chosen by yadm: what was chosen here is taken";
                    found.propose(live, from, Standing::Link, Some(note));
                }
                None => found.leave(live, "is a link to something else"),
            }
        }
        Ok(Some(_)) => found.leave(live, "is something else than there"),
        Ok(None) => found.leave(live, "is not there"),
        Err(_) => found.leave(live, "cannot be read"),
    }
}
