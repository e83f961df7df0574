//! Places in a home that are not configuration: keys, and what is made again or was thrown away.

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
const NAMES: [(&str, Special); 3] = [
    ("node_modules", Special::Cache),
    ("__pycache__", Special::Cache),
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
        let inside = |text: &str| Special::inside(&path(text)).count();
        assert_eq!(
            (inside(".local"), inside(".local/share"), inside(".loc")),
            (2, 2, 0)
        );
    }
}
