//! A path inside a repository: bytes separated by `/`, as git has them.
//!
//! Git does not know encodings, so neither does this type: a name may hold any byte but NUL and
//! `/`. What people read is quoted the way git quotes it; what files keep is the same quoting, which
//! can be read back byte for byte.

use super::mark::COPIES;
use super::special::Special;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// So many bytes may a name have on the file systems that people use.
const NAME_MAX: usize = 255;

/// A path relative to the top of the work tree.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Vec<u8>);

impl RepoPath {
    /// The path with these bytes; they come from git, which has checked them.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes as git has them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The path as an argument or a part of a file name.
    pub fn as_os_str(&self) -> &OsStr {
        OsStr::from_bytes(&self.0)
    }

    /// The same path below `top`.
    pub fn below(&self, top: &Path) -> PathBuf {
        top.join(self.as_os_str())
    }

    /// The folders above this path, outermost first, without the top itself.
    pub fn parents(&self) -> impl Iterator<Item = Self> + '_ {
        self.0
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| Self(self.0[..at].to_vec()))
    }

    /// Where what is in this folder begins, in the order of paths.
    #[must_use]
    pub fn inside(&self) -> Self {
        Self([&*self.0, b"/"].concat())
    }

    /// Is this path a folder above `other`?
    pub fn is_above(&self, other: &Self) -> bool {
        other.0.len() > self.0.len()
            && other.0.starts_with(&self.0)
            && other.0[self.0.len()] == b'/'
    }

    /// Can the two not exist side by side without touching each other: equal, or one above the
    /// other.
    pub fn overlaps(&self, other: &Self) -> bool {
        self == other || self.is_above(other) || other.is_above(self)
    }

    /// The path with `infix` put before the extension of its last component, or at its end. What is
    /// before it is cut off where the name would be longer than file systems take.
    #[must_use]
    pub fn with_infix(&self, infix: &str) -> Self {
        let name_at = self
            .0
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |at| at + 1);
        let name = &self.0[name_at..];
        let dot = name.iter().rposition(|byte| *byte == b'.');
        let room = NAME_MAX.saturating_sub(infix.len());
        let (stem, extension) = match dot {
            Some(at) if at > 0 && name.len() - at < room => name.split_at(at),
            _ => (name, &[][..]),
        };
        let mut kept = stem.len().min(room - extension.len());
        // Not in the middle of a letter.
        while kept < stem.len() && kept > 0 && stem[kept] & 0b1100_0000 == 0b1000_0000 {
            kept -= 1;
        }
        let mut bytes = self.0[..name_at].to_vec();
        bytes.extend_from_slice(&stem[..kept]);
        bytes.extend_from_slice(infix.as_bytes());
        bytes.extend_from_slice(extension);
        Self(bytes)
    }

    /// Is it a file that we keep in `.sync/` for this machine alone? Such a file is never committed
    /// and never overwritten, whatever the ignore rules say.
    pub fn is_private(&self) -> bool {
        let name = self.0.strip_prefix(b".sync/");
        let shared: [&[u8]; 4] = [
            b"marked-files.txt",
            b"modes",
            b"recipients.txt",
            b"config.yaml",
        ];
        name.is_some_and(|name| !shared.contains(&name))
    }

    /// Is it, or is it inside, something whose name ends in `.local`: of this machine alone, as long as
    /// nobody adds it by hand? That is what the line `*.local` of our rules says, and it holds where
    /// that line is lost: another machine may have taken it out, and does not know what is here.
    ///
    /// A folder `.local` among the copies is that of a home: what is marked in it is no more local than
    /// the rest.
    pub fn is_local(&self) -> bool {
        let names: Vec<_> = self.0.split(|byte| *byte == b'/').collect();
        let is_copy = names.first() == Some(&COPIES.as_bytes());
        let last = names.len() - 1;
        names.iter().enumerate().any(|(at, name)| {
            let of_home = is_copy && at < last && *name == b".local";
            name.ends_with(b".local") && !of_home
        })
    }

    /// Does it stay on this machine, as long as nobody adds it by hand or has a rule for it?
    pub fn stays_here(&self) -> bool {
        self.is_local() || Special::is_made_again(self) || self.is_of_an_editor()
    }

    /// Does it have the name of what an editor keeps beside a file while that is open: a swap file, a lock, what
    /// is not saved yet, or the version before?
    fn is_of_an_editor(&self) -> bool {
        let name = self.0.rsplit(|byte| *byte == b'/').next();
        let name = name.unwrap_or_default();
        let swap = match name {
            [b'.', .., b'.', b's', b'w', last] => matches!(last, b'a'..=b'p' | b'x'),
            _ => false,
        };
        let hidden = |end: &[u8]| name.starts_with(b".") && name.ends_with(end);
        let unsaved = name.len() > 2 && name.starts_with(b"#") && name.ends_with(b"#");
        swap || unsaved
            || hidden(b".kate-swp")
            || name.starts_with(b".#")
            || (name.starts_with(b".~lock.") && name.ends_with(b"#"))
            || (name.len() > 1 && name.ends_with(b"~"))
    }

    /// Does it look like a name that git may refuse? Git is asked about such ones only: the names that
    /// some system takes for `.git` or `.gitmodules`, and those that lead elsewhere.
    pub fn may_be_refused(&self) -> bool {
        let mut names = self.0.split(|byte| *byte == b'/');
        names.any(|name| {
            let ascii = name.iter().filter(|byte| byte.is_ascii());
            let plain: Vec<_> = ascii.map(u8::to_ascii_lowercase).collect();
            let odd = |byte| matches!(byte, b'~' | b'\\');
            let rest = plain.strip_prefix(b".git");
            matches!(name, b"" | b"." | b"..")
                || plain.iter().copied().any(odd)
                || rest.is_some_and(|rest| {
                    rest.starts_with(b"modules")
                        || !rest.first().is_some_and(u8::is_ascii_alphanumeric)
                })
        })
    }

    /// Does some system take one of its names for `.git`: in other letters, with what NTFS cuts off or takes for
    /// something in a file, or with letters that HFS+ passes over?
    pub fn stands_for_git(&self) -> bool {
        let is_passed_over = |c: char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
        self.0.split(|byte| *byte == b'/').any(|name| {
            let plain = String::from_utf8_lossy(name).to_lowercase();
            let plain = plain.replace(is_passed_over, "");
            let plain = plain.split(':').next().unwrap_or_default();
            matches!(plain.trim_end_matches([' ', '.']), ".git" | "git~1")
        })
    }

    /// The path with its letters folded, to compare names where the file system ignores case.
    #[must_use]
    pub fn folded(&self) -> Self {
        Self(String::from_utf8_lossy(&self.0).to_lowercase().into_bytes())
    }
}

/// Quoted as git quotes: as it is, unless a byte could confuse a terminal or a reader.
impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quote(&self.0))
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quote(&self.0))
    }
}

/// For files of ours alone, which are read back: what other programs read is made in `ui::json`.
impl Serialize for RepoPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&quote(&self.0))
    }
}

impl<'de> Deserialize<'de> for RepoPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        unquote(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("badly quoted path"))
    }
}

/// The bytes as git's C-style quoting writes them; valid UTF-8 without controls stays plain.
pub fn quote(bytes: &[u8]) -> String {
    let plain = std::str::from_utf8(bytes).ok().filter(|text| {
        !text
            .chars()
            .any(|c| c.is_control() || c == '"' || c == '\\')
    });
    if let Some(text) = plain {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                c if c.is_control() => {
                    let mut buffer = [0; 4];
                    push_octal(&mut out, c.encode_utf8(&mut buffer).as_bytes());
                }
                c => out.push(c),
            }
        }
        push_octal(&mut out, chunk.invalid());
    }
    out.push('"');
    out
}

fn push_octal(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        out.push('\\');
        for shift in [6, 3, 0] {
            out.push(char::from(b'0' + ((byte >> shift) & 7)));
        }
    }
}

/// The bytes that [`quote`] was given; `None` where the text is not quoted properly.
pub fn unquote(text: &str) -> Option<Vec<u8>> {
    let Some(inner) = text.strip_prefix('"') else {
        return Some(text.as_bytes().to_vec());
    };
    let inner = inner.strip_suffix('"')?.as_bytes();
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let [first, tail @ ..] = rest {
        if *first != b'\\' {
            out.push(*first);
            rest = tail;
            continue;
        }
        let (byte, tail) = match tail {
            [b'n', tail @ ..] => (b'\n', tail),
            [b't', tail @ ..] => (b'\t', tail),
            [b'r', tail @ ..] => (b'\r', tail),
            [b'"', tail @ ..] => (b'"', tail),
            [b'\\', tail @ ..] => (b'\\', tail),
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] => {
                (((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'), tail)
            }
            _ => return None,
        };
        out.push(byte);
        rest = tail;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::text;
    use proptest::prelude::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::from_bytes(text.as_bytes())
    }

    #[test]
    fn only_names_that_look_like_it_may_be_refused() {
        for name in [
            "git~1",
            "a/.GIT",
            ".git ",
            ".git::$X",
            ".g\u{200c}it",
            "../a",
            "a//b",
            "x\\.git",
        ] {
            assert!(RepoPath::from_bytes(name).may_be_refused(), "{name}");
        }
        for name in [
            "git~1",
            "a/.GIT",
            ".git ",
            ".git...",
            ".git::$X",
            ".g\u{200c}it",
        ] {
            assert!(RepoPath::from_bytes(name).stands_for_git(), "{name}");
        }
        for name in [".gitconfig", "a.git", "git~2", ".git~", "git", ".github/x"] {
            assert!(!RepoPath::from_bytes(name).stands_for_git(), "{name}");
        }
        for name in [
            ".gitconfig",
            ".gitignore",
            ".config/git/ignore",
            "digit",
            "a.git",
            "...",
        ] {
            assert!(!RepoPath::from_bytes(name).may_be_refused(), "{name}");
        }
    }

    #[test]
    fn plain_names_are_shown_as_they_are() {
        assert_eq!(path("vim/vimrc").to_string(), "vim/vimrc");
        assert_eq!(path("grüße ⚡").to_string(), "grüße ⚡");
    }

    #[test]
    fn bytes_that_could_confuse_are_quoted() {
        assert_eq!(path("a\nb").to_string(), r#""a\nb""#);
        assert_eq!(
            RepoPath::from_bytes(&b"a\xff"[..]).to_string(),
            r#""a\377""#
        );
        assert_eq!(path("a\u{1b}[31m").to_string(), r#""a\033[31m""#);
    }

    #[test]
    fn overlap_is_about_components_and_not_about_letters() {
        assert!(path("a/b").overlaps(&path("a")));
        assert!(path("a").overlaps(&path("a/b")));
        assert!(!path("a").overlaps(&path("ab")));
        assert!(!path("a/b").overlaps(&path("a/c")));
    }

    #[test]
    fn only_the_shared_files_of_dot_sync_are_shared() {
        for (name, private) in [
            (".sync/state", true),
            (".sync/stage/x", true),
            (".sync/config.yaml", false),
            (".sync/marked-files.txt", false),
            (".sync/modes", false),
            (".sync/recipients.txt", false),
            ("sub/.sync/state", false),
            (".syncx", false),
        ] {
            assert_eq!(path(name).is_private(), private, "{name}");
        }
    }

    #[test]
    fn what_an_editor_keeps_beside_a_file_stays_here() {
        for (name, stays) in [
            (".zshrc.swp", true),
            ("vim/.vimrc.swo", true),
            (".a.swx", true),
            (".#zshrc", true),
            ("#zshrc#", true),
            ("a/zshrc~", true),
            (".zshrc.kate-swp", true),
            (".~lock.list.ods#", true),
            ("zshrc.swp", false),
            (".zshrc.swift", false),
            (".zshrc.swq", false),
            ("#", false),
            ("##", false),
            ("~", false),
            ("a~/b", false),
            ("#include", false),
            (".swp", false),
        ] {
            assert_eq!(path(name).stays_here(), stays, "{name}");
        }
    }

    #[test]
    fn what_ends_in_local_is_of_this_machine() {
        for (name, local) in [
            ("zshrc.local", true),
            ("conf.local/a", true),
            ("a/b.local", true),
            (".local/a", true),
            ("external/.local/share/a", false),
            ("external/a/.local/a", false),
            ("external/.local", true),
            ("external/.local/a.local", true),
            ("external/a.local/.local/b", true),
            ("zshrc.locale", false),
            ("local/zshrc", false),
        ] {
            assert_eq!(path(name).is_local(), local, "{name}");
        }
    }

    #[test]
    fn parents_run_from_the_top_down() {
        let parents: Vec<_> = path("a/b/c").parents().map(|p| p.to_string()).collect();
        assert_eq!(parents, ["a", "a/b"]);
    }

    #[test]
    fn an_infix_goes_before_the_extension() {
        assert_eq!(
            path("d.d/app.conf").with_infix(".x").to_string(),
            "d.d/app.x.conf"
        );
        assert_eq!(path("d/.zshrc").with_infix(".x").to_string(), "d/.zshrc.x");
    }

    #[test]
    fn a_long_name_gives_way_to_an_infix() {
        for (name, end) in [
            ("n".repeat(255), "nn.infix"),
            (format!("{}.conf", "n".repeat(250)), "nn.infix.conf"),
            (format!("n.{}", "e".repeat(253)), "ee.infix"),
            ("ü".repeat(127), "üü.infix"),
        ] {
            let long = path(&format!("d/{name}")).with_infix(".infix").to_string();
            assert!(long.ends_with(end), "{long}");
            assert!((250..=257).contains(&long.len()), "{}", long.len());
        }
    }

    proptest! {
        #[test]
        fn quoting_is_read_back_byte_for_byte(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(unquote(&quote(&bytes)), Some(bytes));
        }
    }

    proptest! {
        #[test]
        fn what_is_no_quoting_is_refused_and_what_is_has_one_meaning(text in text()) {
            if let Some(bytes) = unquote(&text) {
                prop_assert_eq!(unquote(&quote(&bytes)), Some(bytes));
            }
        }

        #[test]
        fn every_path_has_a_name_beside_it(path in crate::testing::path()) {
            let beside = path.with_infix(".x");
            prop_assert_ne!(&beside, &path);
            prop_assert_eq!(beside.parents().collect::<Vec<_>>(), path.parents().collect::<Vec<_>>());
            prop_assert!(!beside.may_be_refused() || path.may_be_refused());
        }
    }
}
