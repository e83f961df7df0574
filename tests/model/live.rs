//! What a person sees on a machine: the files of the repository and of the home, as they are now.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::memory::{Word, words};
use crate::support::Machine;

/// What stands under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    /// A file, and its permissions.
    File(Vec<u8>, u32),
    /// A link, and where it leads.
    Link(PathBuf),
}

/// All of it, by the path below the home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Live(BTreeMap<PathBuf, Thing>);

/// Where the repository is, below the home.
const REPOSITORY: &str = "configs";

/// What is not the user's: below the home.
const OURS: [&str; 4] = [".local", ".cache", ".gitconfig", "configs/.git"];

/// What is, in a folder of ours.
const THEIRS: [&str; 2] = [
    "configs/.sync/config.yaml",
    "configs/.sync/marked-files.txt",
];

impl Live {
    /// What is there now.
    pub(super) fn of(machine: &Machine) -> Self {
        let mut found = BTreeMap::new();
        collect(machine.home(), Path::new(""), &mut found);
        Self(found)
    }

    /// Every content in it.
    pub(super) fn words(&self) -> BTreeSet<Word> {
        self.0
            .values()
            .flat_map(|thing| words(thing.bytes()))
            .collect()
    }

    /// Those that somebody sees: of a marked path where a file of its own stands, that one, and not the copy.
    pub(super) fn words_in_sight(&self) -> BTreeSet<Word> {
        let copies = Path::new(REPOSITORY).join("external");
        let first = |path: &Path| path.iter().next().map(OsStr::to_owned);
        let is_hidden = |path: &Path| {
            let Ok(marked) = path.strip_prefix(&copies) else {
                return false;
            };
            let mut there = self
                .0
                .iter()
                .filter(|(path, _)| first(path) == first(marked));
            there.any(|(_, thing)| matches!(thing, Thing::File(..)))
        };
        let seen = self.0.iter().filter(|(path, _)| !is_hidden(path));
        seen.flat_map(|(_, thing)| words(thing.bytes())).collect()
    }

    /// The contents of the files of the repository that `counts`, with their paths in it.
    pub(super) fn committable<'a>(
        &'a self,
        counts: impl Fn(&Path) -> bool + 'a,
    ) -> impl Iterator<Item = (Word, &'a Path)> {
        let files = self.0.iter().filter_map(|(path, thing)| {
            let path = path.strip_prefix(REPOSITORY).ok()?;
            Some((path, thing))
        });
        let files = files.filter(move |(path, _)| counts(path));
        files.flat_map(|(path, thing)| words(thing.bytes()).map(move |word| (word, path)))
    }

    /// What stands at a path of the repository; for the copy of a marked file, what a program that opens the
    /// file sees.
    pub(super) fn at(&self, path: &Path) -> Option<&Thing> {
        let copy = Path::new(REPOSITORY).join(path);
        let Ok(marked) = path.strip_prefix("external") else {
            return self.0.get(&copy);
        };
        match self.0.get(marked) {
            Some(Thing::File(..)) => self.0.get(marked),
            _ => self.0.get(&copy),
        }
    }

    /// What a program that opens a path below the home reads, through a link of ours too.
    pub(super) fn read(&self, path: &Path) -> &[u8] {
        let copy = Path::new(REPOSITORY).join("external").join(path);
        match (self.0.get(path), self.0.get(&copy)) {
            (Some(Thing::File(bytes, _)), _) | (_, Some(Thing::File(bytes, _))) => bytes,
            _ => &[],
        }
    }

    /// Files with a line that begins like a conflict marker.
    pub(super) fn marked(&self) -> Vec<&Path> {
        let has_markers = |thing: &Thing| {
            let mut lines = thing.bytes().split(|byte| *byte == b'\n');
            lines.any(|line| line.starts_with(b"<<<<<<< ") || line.starts_with(b">>>>>>> "))
        };
        let bad = self.0.iter().filter(|(_, thing)| has_markers(thing));
        bad.map(|(path, _)| path.as_path()).collect()
    }

    /// Temporary names of ours that are still there.
    pub(super) fn leftovers(&self) -> Vec<&Path> {
        let is_ours = |path: &&PathBuf| {
            let mut names = path.iter();
            names.any(|name| name.as_bytes().starts_with(b".git-sync-"))
        };
        self.0
            .keys()
            .filter(is_ours)
            .map(PathBuf::as_path)
            .collect()
    }
}

impl Thing {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::File(bytes, _) => bytes,
            Self::Link(to) => to.as_os_str().as_bytes(),
        }
    }
}

fn collect(home: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, Thing>) {
    for entry in fs::read_dir(home.join(folder))
        .into_iter()
        .flatten()
        .flatten()
    {
        let path = folder.join(entry.file_name());
        let is_theirs = THEIRS.iter().any(|theirs| path == Path::new(theirs));
        if OURS.iter().any(|ours| path == Path::new(ours))
            || (!is_theirs && folder.ends_with("configs/.sync"))
        {
            continue;
        }
        let full = entry.path();
        let Ok(data) = full.symlink_metadata() else {
            continue;
        };
        if data.is_dir() {
            collect(home, &path, found);
        } else if data.is_symlink() {
            found.insert(path, Thing::Link(fs::read_link(&full).unwrap_or_default()));
        } else if let Ok(bytes) = fs::read(&full) {
            found.insert(path, Thing::File(bytes, data.permissions().mode() & 0o777));
        }
    }
}
