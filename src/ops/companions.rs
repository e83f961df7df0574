//! Puts the manual, the completions and the snippets where `man` and shells find them, and takes them away
//! again.
//!
//! An installation by a package has them in its own prefix; what `cargo install` makes is the program
//! alone. What is there already is never overwritten, but for what a set-up has put there itself.

use crate::error::{Error, Result};
use crate::model::companion::{Companion, Standing, is_our_manual};
use crate::sys::fs::{self, Durable};
use crate::sys::{env, host, manual, program};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The prefix of the system itself: what is there belongs to packages.
const SYSTEM: &str = "/usr";

/// Where all programs of the system have theirs.
const SHARED: [&str; 2] = ["/usr/local/share", "/usr/share"];

/// The largest manual that is read.
const LARGEST: u64 = 4 << 20;

/// What was done about a companion, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which.
    pub companion: Companion,
    /// Where.
    pub path: PathBuf,
    /// How it stands.
    pub state: State,
}

/// How a companion stands in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It was put there, or brought up to date.
    New,
    /// It was there.
    Same,
    /// It was taken away.
    Gone,
    /// It has to stay as it is: why.
    Left(Left),
}

/// Why nothing can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Somebody has changed what a set-up had put there.
    Changed,
    /// It is not ours.
    Foreign,
    /// The system says no.
    Failed(String),
}

/// How `git sync --help` fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manual {
    /// There is nobody to show a manual.
    NoReader,
    /// No page is found.
    Unfound,
    /// Ours.
    Ours(PathBuf),
    /// The one of another program of our name.
    Foreign(PathBuf),
}

/// Which page `git sync --help` would show.
pub fn manual() -> Result<Manual> {
    if !manual::is_there() {
        return Ok(Manual::NoReader);
    }
    Ok(match manual::page(program::NAME)? {
        None => Manual::Unfound,
        Some(page) if is_ours(&page) => Manual::Ours(page),
        Some(page) => Manual::Foreign(page),
    })
}

fn is_ours(page: &Path) -> bool {
    let Ok(Some(bytes)) = fs::read(page) else {
        return false;
    };
    let mut text = Vec::new();
    let unpacked = flate2::read::GzDecoder::new(&*bytes)
        .take(LARGEST)
        .read_to_end(&mut text);
    is_our_manual(if unpacked.is_ok() { &text } else { &bytes })
}

/// Puts those in whose readers are on this machine; with `dry_run` only tells it. That one cannot be put
/// in stops none of the others.
pub fn install(dry_run: bool) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    for companion in Companion::ALL {
        if host::find_program(companion.reader()).is_none() {
            continue;
        }
        let known = match companion {
            Companion::Man => match manual()? {
                Manual::Ours(page) => Some(page),
                _ => None,
            },
            _ => found(companion),
        };
        if let Some(path) = known.filter(|path| !is_set_up(companion, path)) {
            places.push(Place {
                companion,
                path,
                state: State::Same,
            });
            continue;
        }
        let Some(path) = target(companion) else {
            continue;
        };
        let state = match standing(companion, &path) {
            Ok(Standing::Current | Standing::Ours) => State::Same,
            Ok(Standing::Changed) => State::Left(Left::Changed),
            Ok(Standing::Foreign) => State::Left(Left::Foreign),
            Ok(Standing::Missing | Standing::Outdated) if dry_run => State::New,
            Ok(Standing::Missing | Standing::Outdated) => match write(companion, &path) {
                Ok(()) => State::New,
                Err(error) => failed(&error),
            },
            Err(error) => failed(&error),
        };
        places.push(Place {
            companion,
            path,
            state,
        });
    }
    Ok(places)
}

fn write(companion: Companion, path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write_atomic(path, companion.signed().as_bytes(), Durable::No)
}

fn failed(error: &Error) -> State {
    State::Left(Left::Failed(error.in_one_line()))
}

/// Those that a set-up has put in, and that can be taken away.
pub fn set_up() -> Vec<Place> {
    let mut places = Vec::new();
    for companion in Companion::ALL {
        for path in targets(companion) {
            let state = match standing(companion, &path) {
                Ok(Standing::Ours | Standing::Outdated) => State::Gone,
                Ok(Standing::Changed) => State::Left(Left::Changed),
                _ => continue,
            };
            places.push(Place {
                companion,
                path,
                state,
            });
        }
    }
    places
}

/// Takes away what a set-up has put in, and nobody has changed.
pub fn remove() -> Vec<Place> {
    let mut places = set_up();
    for place in &mut places {
        if place.state == State::Gone
            && let Err(error) = take_away(place)
        {
            place.state = failed(&error);
        }
    }
    places
}

fn take_away(place: &Place) -> Result<()> {
    fs::remove_file(&place.path)?;
    let depth = place.companion.places()[0].split('/').count();
    if let (Some(folder), Some(share)) = (place.path.parent(), place.path.ancestors().nth(depth)) {
        fs::remove_empty_parents(folder, share);
    }
    Ok(())
}

/// Where a shell would find a companion: beside this program, in the user's own place, in the system's.
pub fn found(companion: Companion) -> Option<PathBuf> {
    let own = [beside_program(), env::data_home()];
    let all = own.into_iter().flatten();
    let all = all.chain(SHARED.map(PathBuf::from));
    all.flat_map(|share| {
        companion
            .places()
            .iter()
            .map(move |place| share.join(place))
    })
    .find(|path| path.is_file())
}

/// Has a set-up put it there that could do better now?
pub fn is_outdated(companion: Companion, path: &Path) -> bool {
    matches!(standing(companion, path), Ok(Standing::Outdated))
}

fn is_set_up(companion: Companion, path: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let path = real(path);
    targets(companion).iter().any(|target| real(target) == path)
}

fn standing(companion: Companion, path: &Path) -> Result<Standing> {
    let is_file = |path: &Path| Ok::<_, Error>(fs::look(path)?.is_none_or(|found| found.is_file()));
    let bytes = fs::read(path)?;
    let standing = companion.standing(bytes.as_deref());
    // A link is somebody's own doing, and so is what it leads to.
    Ok(match standing {
        Standing::Current | Standing::Ours => standing,
        _ if is_file(path)? => standing,
        _ => Standing::Foreign,
    })
}

/// Where a set-up puts a companion; `None` where there is no place for what is one user's.
fn target(companion: Companion) -> Option<PathBuf> {
    targets(companion).into_iter().next()
}

/// The places that a set-up may take, the best first. `man` looks beside every folder of `PATH`, so the
/// manual goes where the program is; shells look in the user's own folder.
fn targets(companion: Companion) -> Vec<PathBuf> {
    let prefix = beside_program().filter(|share| companion == Companion::Man && is_open(share));
    let own = prefix.into_iter().chain(env::data_home());
    let place = companion.places()[0];
    own.map(|share| share.join(place)).collect()
}

/// The folder `share` of the prefix that this program is installed in.
fn beside_program() -> Option<PathBuf> {
    let program = program::path().ok()?;
    let bin = program.parent().filter(|folder| folder.ends_with("bin"))?;
    Some(bin.parent()?.join("share"))
}

/// May this user put something into a folder `share`, and is it no package's?
fn is_open(share: &Path) -> bool {
    let system = share
        .parent()
        .is_none_or(|prefix| prefix == Path::new(SYSTEM) || prefix == Path::new("/"));
    let standing = share.ancestors().find(|folder| folder.is_dir());
    !system && standing.is_some_and(fs::may_change_names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_packages_is_left_to_them() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(is_open(&dir.path().join("share")));
        assert!(!is_open(Path::new("/usr/share")));
        assert!(!is_open(Path::new("/share")));
    }
}
