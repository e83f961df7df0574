//! The paths that programs are about: few, so that the machines meet, and odd, as people's are.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One of the paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(usize);

/// The word for it in a program, what it is on disk, and how often it is chosen. What begins with `~/` is
/// in the home, all others are in the repository.
const NAMES: [(&str, &[u8], u32); 20] = [
    ("zshrc", b"zshrc", 8),
    ("notes", b"notes", 8),
    ("tmux.conf", b"tmux.conf", 4),
    ("vim", b"vim", 2),
    ("vim/vimrc", b"vim/vimrc", 5),
    ("vim/colors", b"vim/colors", 2),
    // A file on one machine, a folder on the other.
    ("app", b"app", 4),
    ("app/config", b"app/config", 4),
    ("app/state", b"app/state", 2),
    ("spaced", b"a b/new file", 2),
    ("line-end", b"odd\nname", 2),
    ("latin", b"caf\xe9", 2),
    ("dash", b"-dash", 2),
    ("upper", b"ZSHRC", 2),
    // Ignored, until somebody adds it by force.
    ("local", b"own.local", 3),
    ("~/.rc", b".rc", 6),
    ("~/.tool", b".tool", 2),
    ("~/.tool/a", b".tool/a", 3),
    ("~/.tool/b", b".tool/b", 2),
    // The copy of a marked file, behind its back.
    ("external/.rc", b"external/.rc", 2),
];

impl Name {
    /// All of them, with their weights.
    pub(super) fn all() -> impl Iterator<Item = (u32, Self)> {
        let weights = NAMES.iter().map(|(_, _, weight)| *weight);
        weights.zip((0..).map(Self))
    }

    /// The one with this word.
    pub(super) fn parse(word: &str) -> Option<Self> {
        NAMES
            .iter()
            .position(|(known, ..)| *known == word)
            .map(Self)
    }

    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        NAMES[self.0].0
    }

    /// Is it outside of the repository?
    pub(super) fn is_at_home(self) -> bool {
        self.word().starts_with("~/")
    }

    /// Where it is, below the repository or the home.
    pub(super) fn path(self) -> &'static Path {
        Path::new(OsStr::from_bytes(NAMES[self.0].1))
    }

    /// Where a machine has it.
    pub(super) fn below(self, home: &Path, repository: &Path) -> PathBuf {
        let top = if self.is_at_home() { home } else { repository };
        top.join(self.path())
    }

    /// How a policy names it; none where its name is no text.
    pub(super) fn pattern(self) -> Option<&'static str> {
        let text = self.path().to_str()?;
        (!self.is_at_home() && !text.contains('\n')).then_some(text)
    }
}
