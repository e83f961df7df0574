//! Packages of GNU Stow. What is known of it is in [`crate::model::import::stow`].

use super::farm::Farm;
use super::found::Found;
use super::none;
use crate::error::Result;
use crate::model::import::Tool;
use crate::model::import::stow::{self, OPTIONS, USUAL};
use crate::sys::{env, fs};
use std::path::{Path, PathBuf};

/// Reads the packages in `place`, or where they usually are.
pub(super) fn read(found: &mut Found<'_>, place: Option<&Path>) -> Result<()> {
    let home = found.home.clone();
    let looked = match place {
        Some(place) => vec![place.to_owned()],
        None => usual(&home)?,
    };
    let is_there = |dir: &&PathBuf| dir.is_dir() && (place.is_some() || found.is_in_home(dir));
    let dirs: Vec<_> = looked.iter().filter(is_there).cloned().collect();
    if dirs.is_empty() {
        return Err(none(Tool::Stow, &looked));
    }
    for dir in dirs {
        packages(found, &dir, &target(&dir, &home)?)?;
    }
    Ok(())
}

fn packages(found: &mut Found<'_>, dir: &Path, target: &Path) -> Result<()> {
    found.keep(dir);
    // Where all of it is one package, it is called '.'; the target is the folder above then too.
    let whole = farm(dir, dir, target, true).read(found)?;
    for name in fs::names(dir)? {
        let package = dir.join(&name);
        let is_folder = fs::look(&package)?.is_some_and(|found| found.is_dir());
        let hidden = name.as_encoded_bytes().starts_with(b".");
        if !is_folder || hidden {
            continue;
        }
        let any = farm(&package, dir, target, false).read(found)?;
        if !any && !whole {
            found.leave(&package, "is a package that has no link here");
        }
    }
    Ok(())
}

fn farm<'a>(source: &'a Path, root: &'a Path, target: &'a Path, quiet: bool) -> Farm<'a> {
    Farm {
        source,
        root,
        target,
        copies: false,
        quiet,
        names: stow::names,
        is_own: stow::is_own,
    }
}

/// Where the packages may be: as Stow is told, else where people have them.
fn usual(home: &Path) -> Result<Vec<PathBuf>> {
    if let Some(dir) = env::get(env::STOW_DIR) {
        return Ok(vec![home.join(dir)]);
    }
    let text = fs::read_text(&home.join(OPTIONS))?.unwrap_or_default();
    if let Some(dir) = stow::option(&text, "--dir", "-d") {
        return Ok(vec![home.join(expanded(&dir, home))]);
    }
    Ok(USUAL.iter().map(|name| home.join(name)).collect())
}

/// Where the links are: as Stow is told, there first, else the folder above.
fn target(dir: &Path, home: &Path) -> Result<PathBuf> {
    for folder in [dir, home] {
        let text = fs::read_text(&folder.join(OPTIONS))?.unwrap_or_default();
        if let Some(target) = stow::option(&text, "--target", "-t") {
            return Ok(resolved(folder.join(expanded(&target, home))));
        }
    }
    let above = dir.parent().unwrap_or(dir);
    Ok(if above == home {
        home.to_owned()
    } else {
        resolved(above.to_owned())
    })
}

fn expanded(path: &str, home: &Path) -> PathBuf {
    match home.to_str() {
        Some(home) => stow::expanded(path, home).into(),
        None => path.into(),
    }
}

fn resolved(path: PathBuf) -> PathBuf {
    path.canonicalize().unwrap_or(path)
}
