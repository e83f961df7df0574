//! Castles of homeshick and homesick.
//!
//! That a castle is a repository in `~/.homesick/repos`, and that the home gets links to what is in its
//! folder `home`, and folders where that has folders, are facts of
//! <https://github.com/andsens/homeshick/wiki/Symlinking>.

use super::farm::{self, Farm};
use super::found::Found;
use super::none;
use crate::error::Result;
use crate::model::import::Tool;
use crate::sys::fs;
use std::path::{Path, PathBuf};

/// Where the castles are, below the home.
const CASTLES: &str = ".homesick/repos";

/// The folder of a castle that stands for the home.
const HOME: &str = "home";

/// Reads the castle `place`, the castles in it, or those where they usually are.
pub(super) fn read(found: &mut Found<'_>, place: Option<&Path>) -> Result<()> {
    let repos = place.map_or_else(|| found.home.join(CASTLES), Path::to_owned);
    if place.is_some() && repos.join(HOME).is_dir() {
        return castle(found, &repos);
    }
    let castles: Vec<PathBuf> = fs::names(&repos)?
        .into_iter()
        .map(|name| repos.join(name))
        .collect();
    if castles.is_empty() {
        return Err(none(Tool::Homeshick, &[repos]));
    }
    for path in castles {
        if !found.is_in_home(&path) {
            found.leave(&path, "is a castle outside of your home");
        } else if path.join(HOME).is_dir() {
            castle(found, &path)?;
        } else {
            found.leave(&path, "is a castle without a folder 'home'");
        }
    }
    Ok(())
}

fn castle(found: &mut Found<'_>, path: &Path) -> Result<()> {
    found.keep(path);
    let home = found.home.clone();
    let farm = Farm {
        source: &path.join(HOME),
        root: path,
        target: &home,
        copies: false,
        quiet: false,
        names: farm::same,
        is_own: |name, _| name == b".git",
    };
    if !farm.read(found)? {
        found.leave(path, "is a castle that has no link here");
    }
    Ok(())
}
