//! The source of chezmoi. What is known of its names is in [`crate::model::import::chezmoi`].
//!
//! The files in the home are copies; with `mode = "symlink"` they are links to the source where that can be
//! (<https://www.chezmoi.io/user-guide/frequently-asked-questions/design/>).

use super::farm::differs;
use super::found::Found;
use super::none;
use crate::error::{Error, Result};
use crate::model::import::chezmoi::{self, File, Kind, ROOT, SOURCE};
use crate::model::import::{Standing, Tool};
use crate::sys::fs;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// A folder of the source, and what it is in the home.
struct Place {
    source: PathBuf,
    live: PathBuf,
    /// Are the names in it as they are?
    external: bool,
}

/// Reads the source `place`, or the usual one.
pub(super) fn read(found: &mut Found<'_>, place: Option<&Path>) -> Result<()> {
    let source = place.map_or_else(|| found.home.join(SOURCE), Path::to_owned);
    if !source.is_dir() {
        return Err(none(Tool::Chezmoi, &[source]));
    }
    found.keep(&source);
    let mut next = vec![Place {
        source: root(&source)?,
        live: found.home.clone(),
        external: false,
    }];
    while let Some(place) = next.pop() {
        for name in fs::names(&place.source)? {
            let name = name.as_bytes();
            if chezmoi::is_own(name) && !place.external {
                continue;
            }
            entry(found, &place, name, &mut next)?;
        }
    }
    Ok(())
}

/// The folder that counts.
fn root(source: &Path) -> Result<PathBuf> {
    let Some(named) = fs::read_text(&source.join(ROOT))? else {
        return Ok(source.to_owned());
    };
    let root = source.join(named.trim());
    match (root.canonicalize(), source.canonicalize()) {
        (Ok(resolved), Ok(source)) if resolved.starts_with(&source) => Ok(root),
        _ => {
            let (root, file) = (root.display(), source.join(ROOT));
            let file = file.display();
            Err(Error::blocked(format!(
                "'{file}' names '{root}', which is no folder in it"
            )))
        }
    }
}

fn entry(found: &mut Found<'_>, place: &Place, name: &[u8], next: &mut Vec<Place>) -> Result<()> {
    let source = place.source.join(OsStr::from_bytes(name));
    let Some(there) = fs::look(&source)? else {
        return Ok(());
    };
    let (target, kind, external) = if there.is_dir() {
        let folder = if place.external {
            chezmoi::folder(&[b"literal_", name].concat())
        } else {
            chezmoi::folder(name)
        };
        if folder.removed {
            found.leave(&source, "only says what chezmoi removes");
            return Ok(());
        }
        (folder.name, Kind::Plain, folder.external || place.external)
    } else if place.external {
        (name.to_vec(), Kind::Plain, true)
    } else {
        let File { name, kind } = chezmoi::file(name);
        (name, kind, false)
    };
    if matches!(&*target, b"" | b"." | b"..") {
        // A name like 'dot_.' would lead out of its folder.
        found.leave(&source, "stands for no name");
        return Ok(());
    }
    let live = place.live.join(OsStr::from_bytes(&target));
    if there.is_dir() {
        next.push(Place {
            source,
            live,
            external,
        });
    } else if there.is_file() {
        file(found, &source, &live, kind);
    } else {
        found.leave(&source, "is not a file");
    }
    Ok(())
}

fn file(found: &mut Found<'_>, source: &Path, live: &Path, kind: Kind) {
    let note = match kind {
        Kind::Plain | Kind::Create => None,
        Kind::Made => Some("made by a template: what it made here is taken"),
        Kind::Modified => Some("changed by a script: what is here is taken"),
        Kind::Encrypted => {
            return found.leave(live, "is encrypted there, and would not be here");
        }
        Kind::Link => return found.leave(live, "is a link that chezmoi makes"),
        Kind::Script => return found.leave(source, "is a script, and no file"),
        Kind::Removed => return found.leave(source, "only says what chezmoi removes"),
    };
    let stands = match fs::look(live) {
        Ok(Some(stands)) => stands,
        Ok(None) => return found.leave(live, "is not there"),
        Err(_) => return found.leave(live, "cannot be read"),
    };
    if stands.is_file() {
        let note = note.or_else(|| differs(source, live));
        return found.propose(live, live.to_owned(), Standing::File, note);
    }
    match (live.canonicalize(), source.canonicalize()) {
        (Ok(from), Ok(source)) if stands.is_symlink() && from == source => {
            found.propose(live, from, Standing::Link, note);
        }
        _ => found.leave(live, "is something else than there"),
    }
}
