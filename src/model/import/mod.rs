//! Moving in: the tools whose set-ups can be read, and the marks that are proposed for what they keep.

pub mod chezmoi;
pub mod mackup;
pub mod stow;
pub mod yadm;

use super::mark::Mark;
use std::path::PathBuf;

/// A tool whose set-up can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// GNU Stow: links to packages.
    Stow,
    /// homeshick, and homesick: links to castles.
    Homeshick,
    /// yadm: a bare repository with the home as work tree.
    Yadm,
    /// chezmoi: files made from a source with attributes in its names.
    Chezmoi,
    /// Mackup: links to, or copies in, a folder that something else syncs.
    Mackup,
    /// A bare repository with the home as work tree, by hand.
    Bare,
}

impl Tool {
    /// All of them, as they are typed.
    pub const WORDS: [&'static str; 6] = ["stow", "homeshick", "yadm", "chezmoi", "mackup", "bare"];

    /// The tool of a word.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [
            Self::Stow,
            Self::Homeshick,
            Self::Yadm,
            Self::Chezmoi,
            Self::Mackup,
            Self::Bare,
        ];
        all.into_iter().find(|tool| tool.word() == word)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stow => "stow",
            Self::Homeshick => "homeshick",
            Self::Yadm => "yadm",
            Self::Chezmoi => "chezmoi",
            Self::Mackup => "mackup",
            Self::Bare => "bare",
        }
    }
}

/// What stands at a path that is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A link into the set-up.
    Link,
    /// A file of its own.
    File,
}

impl Standing {
    /// Its word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::File => "file",
        }
    }
}

/// A mark that is proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Which.
    pub mark: Mark,
    /// Where its content is: the live path, or what the link there leads to.
    pub from: PathBuf,
    /// What stands at the live path.
    pub standing: Standing,
    /// What has to be known about it.
    pub note: Option<&'static str>,
}

/// Something in a set-up that is not proposed, or was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// `~/path` for what is in the home, else the path; bytes.
    pub path: Vec<u8>,
    /// Why.
    pub why: String,
    /// Is it something that a mark refuses, and not something that is none?
    pub refused: bool,
}

impl Left {
    /// A path that is not proposed.
    pub fn new(path: impl Into<Vec<u8>>, why: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            why: why.into(),
            refused: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_a_tool() {
        for word in Tool::WORDS {
            assert_eq!(Tool::parse(word).map(Tool::word), Some(word));
        }
        assert_eq!(Tool::parse("Stow"), None);
    }
}
