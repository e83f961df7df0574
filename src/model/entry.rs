//! What stands at a path in a tree, and how two trees differ.

use super::path::RepoPath;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The name of an object: hexadecimal, 40 digits in SHA-1 repositories, 64 in SHA-256 ones.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Oid(String);

/// For what is read from files: they may be damaged, or come from whoever can push.
impl TryFrom<String> for Oid {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let oid = Self::parse(&text).filter(|oid| oid.0 == text);
        oid.ok_or("not the name of an object")
    }
}

impl Oid {
    /// The object with this hexadecimal name, if it is one.
    pub fn parse(hex: &str) -> Option<Self> {
        let hex = hex.trim();
        let right = matches!(hex.len(), 40 | 64)
            && hex
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        right.then(|| Self(hex.to_owned()))
    }

    /// The hexadecimal name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first digits, enough for a person.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }

    /// The name of nothing in the hash of this one: what git calls the null object.
    #[must_use]
    pub fn null(&self) -> Self {
        Self("0".repeat(self.0.len()))
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

/// The four things git can keep at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A regular file.
    File,
    /// A regular file with the executable bit.
    Exec,
    /// A symbolic link; its content is the target.
    Link,
    /// A commit of another repository: a submodule.
    Gitlink,
}

impl Mode {
    /// Git's octal name of the mode.
    pub fn octal(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Exec => "100755",
            Self::Link => "120000",
            Self::Gitlink => "160000",
        }
    }

    /// The mode with git's octal name; the old group-writable `100664` counts as a plain file.
    pub fn parse(octal: &str) -> Option<Self> {
        match octal {
            "100644" | "100664" => Some(Self::File),
            "100755" => Some(Self::Exec),
            "120000" => Some(Self::Link),
            "160000" => Some(Self::Gitlink),
            _ => None,
        }
    }

    /// Is it a regular file, executable or not?
    pub fn is_regular(self) -> bool {
        matches!(self, Self::File | Self::Exec)
    }
}

/// What a tree has at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which kind of thing.
    pub mode: Mode,
    /// Its content.
    pub oid: Oid,
}

impl Entry {
    /// Is it a commit of another repository?
    pub fn is_submodule(&self) -> bool {
        self.mode == Mode::Gitlink
    }
}

/// One path that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub path: RepoPath,
    /// What was there, if anything.
    pub old: Option<Entry>,
    /// What is there now, if anything.
    pub new: Option<Entry>,
}

impl Change {
    /// The same as far as files are concerned: a submodule is none, and its folder is left alone.
    /// `None` where no file is.
    pub fn of_files(&self) -> Option<Self> {
        let file = |entry: &Option<Entry>| entry.clone().filter(|entry| !entry.is_submodule());
        let (old, new) = (file(&self.old), file(&self.new));
        (old.is_some() || new.is_some()).then(|| Self {
            path: self.path.clone(),
            old,
            new,
        })
    }

    /// Does a submodule come to a path where there was none?
    pub fn brings_submodule(&self) -> bool {
        let is = |entry: &Option<Entry>| entry.as_ref().is_some_and(Entry::is_submodule);
        is(&self.new) && !is(&self.old)
    }

    /// The letter that git shows: added, modified, deleted, or of another type.
    pub fn letter(&self) -> char {
        match (&self.old, &self.new) {
            (None, _) => 'A',
            (_, None) => 'D',
            (Some(old), Some(new)) if old.mode.is_regular() != new.mode.is_regular() => 'T',
            _ => 'M',
        }
    }
}

/// Some paths of a tree and what it has there; a path that is not in it is absent.
pub type Entries = BTreeMap<RepoPath, Entry>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::text;
    use proptest::prelude::*;

    #[test]
    fn object_names_are_checked() {
        assert!(Oid::parse(&"a".repeat(40)).is_some());
        assert!(Oid::parse(&"a".repeat(64)).is_some());
        assert!(Oid::parse(&"g".repeat(40)).is_none());
        assert!(Oid::parse("abc").is_none());
    }

    #[test]
    fn modes_are_read_as_they_are_written() {
        for mode in [Mode::File, Mode::Exec, Mode::Link, Mode::Gitlink] {
            assert_eq!(Mode::parse(mode.octal()), Some(mode));
        }
    }

    proptest! {
        /// What is in a file of ours becomes an argument of git's, and is shown by its first digits.
        #[test]
        fn what_is_no_name_of_an_object_is_not_read_as_one(text in text(), hex in "[0-9a-f]{38,66}") {
            for text in [text, hex] {
                let json = serde_json::to_string(&text).expect("a text");
                let read: Option<Oid> = serde_json::from_str(&json).ok();
                prop_assert_eq!(&read, &Oid::parse(&text).filter(|oid| oid.as_str() == text));
                if let Some(oid) = read {
                    prop_assert_eq!(oid.short().len(), 8);
                }
            }
        }
    }
}
