//! Places in a home that are not configuration: keys, and what is made again or was thrown away.

use super::mark::COPIES;
use super::path::RepoPath;

/// What is special about a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// It is full of private keys; single files in it may well be shared.
    Keys,
    /// What is in it is made again.
    Cache,
    /// What is in it was thrown away.
    Trash,
    /// It belongs to a repository of its own.
    Repository,
}

/// Folders below a home, on Linux and on a Mac.
const PLACES: [(&str, Special); 8] = [
    (".ssh", Special::Keys),
    (".gnupg", Special::Keys),
    (".local/share/keyrings", Special::Keys),
    ("Library/Keychains", Special::Keys),
    (".cache", Special::Cache),
    ("Library/Caches", Special::Cache),
    (".local/share/Trash", Special::Trash),
    (".Trash", Special::Trash),
];

/// Folders anywhere.
const NAMES: [(&str, Special); 11] = [
    ("node_modules", Special::Cache),
    ("__pycache__", Special::Cache),
    (".cache", Special::Cache),
    (".venv", Special::Cache),
    (".tox", Special::Cache),
    (".nox", Special::Cache),
    (".mypy_cache", Special::Cache),
    (".pytest_cache", Special::Cache),
    (".ruff_cache", Special::Cache),
    (".direnv", Special::Cache),
    (".git", Special::Repository),
];

impl Special {
    /// What `path`, below a home, is, or is in.
    pub fn of(path: &RepoPath) -> Option<Self> {
        let named = NAMES.into_iter().find(|(name, _)| {
            let mut parts = path.as_bytes().split(|byte| *byte == b'/');
            parts.any(|part| part == name.as_bytes())
        });
        let place = PLACES.into_iter().find(|(place, special)| {
            let place = RepoPath::from_bytes(place.as_bytes());
            let inside = *special != Self::Keys && place.is_above(path);
            place == *path || inside
        });
        named.or(place).map(|(_, special)| special)
    }

    /// Is `path`, in the repository, among the copies and in a folder that is made again? Nobody misses
    /// that elsewhere.
    pub fn is_made_again(path: &RepoPath) -> bool {
        let parts: Vec<_> = path.as_bytes().split(|byte| *byte == b'/').collect();
        let [first, folders @ .., _] = &parts[..] else {
            return false;
        };
        let is_cache = |part: &[u8]| {
            let mut names = NAMES.iter();
            names.any(|(name, special)| *special == Self::Cache && part == name.as_bytes())
        };
        *first == COPIES.as_bytes() && folders.iter().any(|part| is_cache(part))
    }

    /// The special places that would be in the folder `path`, below a home.
    pub fn inside(path: &RepoPath) -> impl Iterator<Item = (RepoPath, Self)> {
        let places =
            PLACES.map(|(place, special)| (RepoPath::from_bytes(place.as_bytes()), special));
        places.into_iter().filter(|(place, _)| path.is_above(place))
    }

    /// What it is, for people: `'~/.cache' is …`.
    pub fn words(self) -> &'static str {
        match self {
            Self::Keys => "a folder of private keys",
            Self::Cache => "a cache, which is made again",
            Self::Trash => "the trash",
            Self::Repository => "a part of another repository",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_known_and_what_is_beside_them_is_free() {
        let path = |text: &str| RepoPath::from_bytes(text.as_bytes());
        for (text, special) in [
            (".ssh", Some(Special::Keys)),
            (".ssh/config", None),
            (".cache/a/b", Some(Special::Cache)),
            (".cached", None),
            (".local/share/Trash", Some(Special::Trash)),
            (".config/coc/node_modules/a", Some(Special::Cache)),
            ("a/.git", Some(Special::Repository)),
            (".gitconfig", None),
            ("a/.ssh", None),
        ] {
            assert_eq!(Special::of(&path(text)), special, "{text}");
        }
        for (text, again) in [
            ("external/.tool/node_modules/a/b", true),
            ("external/.tool/.venv/bin/python", true),
            ("external/.tool/node_modules", false),
            ("external/.tool/modules/a", false),
            ("tool/node_modules/a", false),
        ] {
            assert_eq!(Special::is_made_again(&path(text)), again, "{text}");
        }
        let inside = |text: &str| Special::inside(&path(text)).count();
        assert_eq!(
            (inside(".local"), inside(".local/share"), inside(".loc")),
            (2, 2, 0)
        );
    }
}
