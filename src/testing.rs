//! What the tests of parsers share: bytes that nobody has meant, and texts that were damaged.
//!
//! Every property is tried in as many cases as `PROPTEST_CASES` says, few where it says nothing; see
//! `docs/faults.md` for the long form.

use crate::model::path::RepoPath;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::Config;
use std::fmt;
use std::ops::Deref;

/// What parsers stumble over: ends of lines and of texts, marks of encodings, names that lead elsewhere,
/// numbers that are too large, and what brackets something.
const STONES: [&[u8]; 38] = [
    b"\0",
    b"\r\n",
    b"\r",
    b"\n",
    b"\t",
    b" ",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xc3",
    b"\"",
    b"\\",
    b"\\777",
    b"'",
    b"{",
    b"}",
    b"[",
    b"]",
    b"*",
    b"&a",
    b"*a",
    b"<<:",
    b"..",
    b"../",
    b"/",
    b"//",
    b"~/",
    b".git",
    b".GIT/",
    b"-",
    b"+",
    b"-1",
    b"0",
    b"18446744073709551616",
    b"-9223372036854775808",
    b"1e999",
    b"null",
    "\u{202e}".as_bytes(),
    b"\x1b[31m",
];

/// Names that mean something to us or to git.
const NAMES: [&[u8]; 7] = [
    b"...",
    b".local",
    b"a.local",
    b".sync",
    b"external",
    b".gitmodules",
    b" ",
];

/// Bytes that are shown as a text with escapes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Bytes(Vec<u8>);

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// For what is expensive: one case for so many of the others.
pub(crate) fn one_in(many: u32) -> Config {
    let all = Config::default();
    Config {
        cases: (all.cases / many).max(1),
        ..all
    }
}

/// Bytes of any kind: noise, text, and what parsers stumble over.
pub(crate) fn bytes() -> impl Strategy<Value = Bytes> {
    let stones = vec(prop_oneof![stone(), word()], 0..40).prop_map(|parts| parts.concat());
    let all = prop_oneof![
        vec(any::<u8>(), 0..200),
        any::<String>().prop_map(String::into_bytes),
        stones,
    ];
    all.prop_map(Bytes)
}

/// Text of any kind.
pub(crate) fn text() -> impl Strategy<Value = String> {
    bytes().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// A path of any bytes that git can have in a tree, or one that leads elsewhere.
pub(crate) fn path() -> impl Strategy<Value = RepoPath> {
    let byte = any::<u8>().prop_filter("no name has it", |byte| !matches!(byte, 0 | b'/'));
    let name = prop_oneof![
        vec(byte, 1..12),
        word(),
        select(&NAMES[..]).prop_map(<[u8]>::to_vec),
    ];
    vec(name, 1..4).prop_map(|names| RepoPath::from_bytes(names.join(&b'/')))
}

/// A sound text with a few damages: of a disk, of an editor, or of somebody who means harm.
pub(crate) fn damaged(sound: impl Into<Vec<u8>>) -> impl Strategy<Value = Bytes> {
    let sound = sound.into();
    vec(harm(), 1..4).prop_map(move |harms| {
        let all = harms.iter();
        Bytes(all.fold(sound.clone(), |text, harm| harm.done_to(text)))
    })
}

/// The same as text.
pub(crate) fn damaged_text(sound: impl Into<Vec<u8>>) -> impl Strategy<Value = String> {
    damaged(sound).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// One damage.
#[derive(Debug, Clone)]
enum Harm {
    /// A bit is another one.
    Flip(Index, u8),
    /// The rest is gone.
    Cut(Index),
    /// Some bytes are gone.
    Lose(Index, usize),
    /// Some bytes come several times.
    Repeat(Index, usize, usize),
    /// Something stands in between.
    Insert(Index, Vec<u8>),
    /// A number is another one.
    Number(Index, &'static str),
    /// A line is gone.
    LoseLine(Index),
    /// A line comes twice.
    RepeatLine(Index),
    /// Two lines have changed places.
    SwapLines(Index, Index),
    /// Every line ends as on Windows.
    Windows,
    /// There is a mark of an encoding at the beginning.
    Marked,
    /// A bracket is opened so often.
    Deep(Index, u8, usize),
    /// A line is so long.
    Long(Index, usize),
}

fn stone() -> impl Strategy<Value = Vec<u8>> {
    select(&STONES[..]).prop_map(<[u8]>::to_vec)
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    "[a-z0-9=:,.@-]{1,8}".prop_map(String::into_bytes)
}

fn harm() -> impl Strategy<Value = Harm> {
    let numbers = [
        "0",
        "-1",
        "1",
        "4294967296",
        "9223372036854775807",
        "18446744073709551615",
        "1e9",
        "0.5",
    ];
    let any_at = any::<Index>;
    prop_oneof![
        4 => (any_at(), 0..8_u8).prop_map(|(at, bit)| Harm::Flip(at, bit)),
        2 => any_at().prop_map(Harm::Cut),
        2 => (any_at(), 1..40_usize).prop_map(|(at, length)| Harm::Lose(at, length)),
        1 => (any_at(), 1..40_usize, 2..20_usize).prop_map(|(at, length, times)| Harm::Repeat(at, length, times)),
        4 => (any_at(), stone()).prop_map(|(at, stone)| Harm::Insert(at, stone)),
        2 => (any_at(), select(numbers.to_vec())).prop_map(|(at, number)| Harm::Number(at, number)),
        1 => any_at().prop_map(Harm::LoseLine),
        1 => any_at().prop_map(Harm::RepeatLine),
        1 => (any_at(), any_at()).prop_map(|(one, other)| Harm::SwapLines(one, other)),
        1 => Just(Harm::Windows),
        1 => Just(Harm::Marked),
        1 => (any_at(), select(b"[{(\"".to_vec()), 1..2000_usize)
            .prop_map(|(at, bracket, depth)| Harm::Deep(at, bracket, depth)),
        1 => (any_at(), 1..70_000_usize).prop_map(|(at, length)| Harm::Long(at, length)),
    ]
}

impl Harm {
    fn done_to(&self, mut text: Vec<u8>) -> Vec<u8> {
        let at = |at: &Index| at.index(text.len() + 1);
        match self {
            Self::Flip(index, bit) => {
                let at = at(index);
                if let Some(byte) = text.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Cut(index) => text.truncate(at(index)),
            Self::Lose(index, length) => {
                let at = at(index);
                text.drain(at..text.len().min(at + length));
            }
            Self::Repeat(index, length, times) => {
                let at = at(index);
                let part = text[at..text.len().min(at + length)].repeat(*times);
                text.splice(at..at, part);
            }
            Self::Insert(index, bytes) => {
                let at = at(index);
                text.splice(at..at, bytes.iter().copied());
            }
            Self::Number(index, number) => return with_number(&text, *index, number),
            Self::LoseLine(_) | Self::RepeatLine(_) | Self::SwapLines(..) => {
                return self.done_to_lines(&text);
            }
            Self::Windows => {
                let lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
                return lines.join(&b"\r\n"[..]);
            }
            Self::Marked => return [b"\xef\xbb\xbf", &*text].concat(),
            Self::Deep(index, bracket, depth) => {
                let at = at(index);
                text.splice(at..at, std::iter::repeat_n(*bracket, *depth));
            }
            Self::Long(index, length) => {
                let at = at(index);
                text.splice(at..at, std::iter::repeat_n(b'x', *length));
            }
        }
        text
    }

    fn done_to_lines(&self, text: &[u8]) -> Vec<u8> {
        let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        if lines.is_empty() {
            return Vec::new();
        }
        match self {
            Self::LoseLine(index) => drop(lines.remove(index.index(lines.len()))),
            Self::RepeatLine(index) => {
                let at = index.index(lines.len());
                lines.insert(at, lines[at]);
            }
            Self::SwapLines(one, other) => {
                let (one, other) = (one.index(lines.len()), other.index(lines.len()));
                lines.swap(one, other);
            }
            _ => {}
        }
        lines.concat()
    }
}

/// The text with one of its numbers in the place of another.
fn with_number(text: &[u8], index: Index, number: &str) -> Vec<u8> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, _) in text
        .iter()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii_digit())
    {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    if runs.is_empty() {
        return text.to_vec();
    }
    let run = runs[index.index(runs.len())].clone();
    [&text[..run.start], number.as_bytes(), &text[run.end..]].concat()
}
