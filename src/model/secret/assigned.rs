//! What is assigned to a name that says it is a secret, if it looks like one.
//!
//! These rules may be wrong, so they ask for much: a literal value, that no reference, path or word is
//! written like.

use super::super::path::RepoPath;
use super::{Spot, contains, entropy, is_placeholder};
use std::ops::Range;

/// How sure a value must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Chosen by a person: anything that is more than a word.
    Password,
    /// Made by a machine: random.
    Token,
    /// The file has nothing but secrets in such places.
    Any,
}

/// Ends of names, without `_`, `-` and `.` and in lower case, whose values are secrets.
const PASSWORDS: [&str; 3] = ["password", "passwd", "passphrase"];
const TOKENS: [&str; 10] = [
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "authkey",
    "presharedkey",
    "encryptionkey",
    "clientkeydata",
];
/// Words that are too short to be looked for in the middle of one.
const SHORT: [&str; 3] = ["pass", "pwd", "psk"];

/// Finds them in the lines of `text`.
pub(super) fn find(path: &RepoPath, text: &[u8], spots: &mut Vec<Spot>) {
    let store = Store::of(path);
    let mut start = 0;
    for line in text.split(|byte| *byte == b'\n') {
        let mut add = |what, at: Range<usize>| {
            spots.push(Spot {
                what,
                at: start + at.start..start + at.end,
            });
        };
        if let Some(store) = store {
            store.find(line, &mut add);
        }
        by_sign(line, &mut add);
        by_space(line, &mut add);
        in_address(line, Kind::Password, &mut add);
        start += line.len() + 1;
    }
}

/// `name = value`, `"name": "value"`, `<name>value</name>`, and their like.
fn by_sign(line: &[u8], add: &mut impl FnMut(&'static str, Range<usize>)) {
    for (at, byte) in line.iter().enumerate() {
        if !matches!(byte, b'=' | b':' | b'>') {
            continue;
        }
        let Some(name) = name_before(line, at) else {
            continue;
        };
        let is_element = *byte == b'>';
        if is_element && name.start.checked_sub(1).map(|before| line[before]) != Some(b'<') {
            continue;
        }
        let value = value_after(line, at + 1, is_element);
        let (kind, value) = if line[name.clone()].eq_ignore_ascii_case(b"authorization") {
            (
                Some(Kind::Token),
                value.and_then(|scheme| word_after(line, &scheme)),
            )
        } else {
            (kind_of(&line[name]), value)
        };
        let Some((kind, value)) = kind.zip(value) else {
            continue;
        };
        if is_secret(line, &value, kind) {
            add(word(kind), value);
        }
    }
}

/// `set -gx NAME value` of fish, `setenv NAME value` of csh, and `password value` of mail programs.
fn by_space(line: &[u8], add: &mut impl FnMut(&'static str, Range<usize>)) {
    let words = words(line);
    let mut rest = words.iter().map(|at| (&line[at.clone()], at));
    let Some((first, _)) = rest.next() else {
        return;
    };
    let named = match first {
        b"set" | b"setenv" => rest.find(|(word, _)| !word.starts_with(b"-")),
        _ if words.len() == 2 => Some((first, &words[0])),
        _ => None,
    };
    let Some(((name, _), (_, value))) = named.zip(rest.next()) else {
        return;
    };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let Some(kind) = kind_of(name).filter(|_| name.iter().all(is_name)) else {
        return;
    };
    let value = unquoted(line, value);
    if is_secret(line, &value, kind) {
        add(word(kind), value);
    }
}

/// `scheme://user:password@host`.
fn in_address(line: &[u8], kind: Kind, add: &mut impl FnMut(&'static str, Range<usize>)) {
    let mut from = 0;
    while let Some(next) = line[from..].windows(3).position(|part| part == b"://") {
        let start = from + next + 3;
        from = start;
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'');
        let length = line[start..].iter().position(ends);
        let host = &line[start..start + length.unwrap_or(line.len() - start)];
        let Some(user) = host.iter().rposition(|byte| *byte == b'@') else {
            continue;
        };
        let Some(colon) = host[..user].iter().position(|byte| *byte == b':') else {
            continue;
        };
        let value = start + colon + 1..start + user;
        if is_secret(line, &value, kind) {
            add("a password in an address", value);
        }
    }
}

/// Files that are there for passwords.
#[derive(Clone, Copy)]
enum Store {
    /// `machine … login … password …`
    Netrc,
    /// `host:port:database:user:password`
    Pgpass,
    /// An address with a password a line.
    GitCredentials,
    /// `"auth": "…"`
    Docker,
}

impl Store {
    fn of(path: &RepoPath) -> Option<Self> {
        let path = path.as_bytes();
        let mut parts = path.rsplit(|byte| *byte == b'/');
        let (name, folder) = (parts.next()?, parts.next());
        match name {
            b".netrc" | b"netrc" | b"_netrc" | b".authinfo" | b"authinfo" => Some(Self::Netrc),
            b".pgpass" | b"pgpass" => Some(Self::Pgpass),
            b".git-credentials" | b"git-credentials" => Some(Self::GitCredentials),
            b"credentials" if folder == Some(b"git") => Some(Self::GitCredentials),
            b"config.json" if matches!(folder, Some(b".docker" | b"docker")) => Some(Self::Docker),
            _ => None,
        }
    }

    fn find(self, line: &[u8], add: &mut impl FnMut(&'static str, Range<usize>)) {
        match self {
            Self::Netrc => {
                let words = words(line);
                for pair in words.windows(2) {
                    let named = matches!(&line[pair[0].clone()], b"password" | b"passwd");
                    if named && is_secret(line, &pair[1], Kind::Any) {
                        add("a password", pair[1].clone());
                    }
                }
            }
            Self::Pgpass => {
                let colons = line.iter().enumerate().filter(|(at, byte)| {
                    **byte == b':' && at.checked_sub(1).map(|before| line[before]) != Some(b'\\')
                });
                let value = colons.map(|(at, _)| at + 1..line.len()).nth(3);
                if let Some(value) = value.filter(|value| is_secret(line, value, Kind::Any)) {
                    add("a password", value);
                }
            }
            Self::GitCredentials => in_address(line, Kind::Any, add),
            Self::Docker => {
                for (at, byte) in line.iter().enumerate() {
                    let name = name_before(line, at).filter(|_| *byte == b':');
                    if name.is_some_and(|name| &line[name] == b"auth")
                        && let Some(value) = value_after(line, at + 1, false)
                        && is_secret(line, &value, Kind::Any)
                    {
                        add("a password", value);
                    }
                }
            }
        }
    }
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Token => "a token or key",
        Kind::Password | Kind::Any => "a password",
    }
}

fn kind_of(name: &[u8]) -> Option<Kind> {
    let lower = name.to_ascii_lowercase();
    let is_mark = |byte: &u8| matches!(byte, b'_' | b'-' | b'.');
    let last = lower.rsplit(is_mark).next().unwrap_or_default();
    let plain: Vec<u8> = lower.iter().filter(|b| !is_mark(b)).copied().collect();
    let ends = |word: &str| plain.ends_with(word.as_bytes());
    if PASSWORDS.iter().any(|word| ends(word)) || SHORT.iter().any(|word| last == word.as_bytes()) {
        Some(Kind::Password)
    } else {
        TOKENS.iter().any(|word| ends(word)).then_some(Kind::Token)
    }
}

/// The name that ends before the sign at `at`.
fn name_before(line: &[u8], at: usize) -> Option<Range<usize>> {
    let skipped = |byte: &u8| {
        matches!(
            byte,
            b' ' | b'\t' | b'"' | b'\'' | b']' | b':' | b'?' | b'+'
        )
    };
    let end = line[..at].iter().rposition(|byte| !skipped(byte))? + 1;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let start = line[..end].iter().rposition(|byte| !is_name(byte));
    let start = start.map_or(0, |before| before + 1);
    (start < end).then_some(start..end)
}

/// The value that begins behind the sign before `from`.
fn value_after(line: &[u8], from: usize, is_element: bool) -> Option<Range<usize>> {
    let skipped = |byte: &u8| matches!(byte, b' ' | b'\t' | b'=' | b'>');
    let start = from + line[from..].iter().position(|byte| !skipped(byte))?;
    let quote = line[start];
    if matches!(quote, b'"' | b'\'') {
        let end = line[start + 1..].iter().position(|byte| *byte == quote)?;
        return Some(start + 1..start + 1 + end);
    }
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace()
            || matches!(byte, b',' | b';' | b'"' | b'\'' | b'&')
            || (is_element && *byte == b'<')
    };
    let length = line[start..].iter().position(ends);
    Some(start..length.map_or(line.len(), |length| start + length))
}

/// What follows a word such as `Bearer`.
fn word_after(line: &[u8], scheme: &Range<usize>) -> Option<Range<usize>> {
    let start = scheme.end + usize::from(line.get(scheme.end) == Some(&b' '));
    (start > scheme.end).then(|| value_after(line, start, false))?
}

fn words(line: &[u8]) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = 0;
    for word in line.split(u8::is_ascii_whitespace) {
        if !word.is_empty() {
            words.push(start..start + word.len());
        }
        start += word.len() + 1;
    }
    words
}

fn unquoted(line: &[u8], value: &Range<usize>) -> Range<usize> {
    match &line[value.clone()] {
        [b'"', .., b'"'] | [b'\'', .., b'\''] => value.start + 1..value.end - 1,
        _ => value.clone(),
    }
}

fn is_secret(line: &[u8], at: &Range<usize>, kind: Kind) -> bool {
    let value = &line[at.clone()];
    let quoted = at
        .start
        .checked_sub(1)
        .is_some_and(|before| matches!(line[before], b'"' | b'\''));
    if is_reference(value, quoted, kind) {
        return false;
    }
    let has = |is: fn(&u8) -> bool| value.iter().any(is);
    match kind {
        Kind::Any => true,
        Kind::Password => {
            let sign = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"-_./ ".contains(byte);
            value.len() >= 6
                && has(u8::is_ascii_alphabetic)
                && (has(u8::is_ascii_digit) || has(sign))
                && !value.contains(&b' ')
                && entropy(value) >= 2.5
        }
        Kind::Token => {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./+=~:|".contains(byte);
            let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
            let mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
            let bits = entropy(value);
            value.len() >= 16
                && value.iter().all(plain)
                && digits >= 2
                && bits >= 3.0
                && (longest_word(value) <= 6 || mixed && bits >= 4.0)
        }
    }
}

/// Is it no secret itself: where to find one, what to compute, or what manuals write there?
fn is_reference(value: &[u8], quoted: bool, kind: Kind) -> bool {
    let Some(first) = value.first() else {
        return true;
    };
    if b"$`<{[(%!@&*".contains(first) || is_placeholder(value) {
        // Whoever has a password that begins so writes it into a file for passwords.
        return kind != Kind::Any || matches!(first, b'$' | b'<' | b'*');
    }
    if kind == Kind::Any {
        return false;
    }
    let starts = |word: &str| value.starts_with(word.as_bytes());
    if ["/", "~", "./", "../", "ENC["].into_iter().any(starts) || contains(value, b"://") {
        return true;
    }
    // Code: a call, or a way through names.
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let code = value.contains(&b'(') || value.contains(&b'[') || value.contains(&b'{');
    let path = value.contains(&b'.') && value.iter().all(is_name) && longest_word(value) > 3;
    !quoted && (code || path) || contains(value, b"${") || contains(value, b"$(")
}

/// How many letters of one case follow each other.
fn longest_word(value: &[u8]) -> usize {
    let (mut longest, mut run, mut upper) = (0, 0, false);
    for byte in value {
        if !byte.is_ascii_alphabetic() {
            run = 0;
            continue;
        }
        let is_upper = byte.is_ascii_uppercase();
        run = if run > 0 && is_upper == upper {
            run + 1
        } else {
            1
        };
        upper = is_upper;
        longest = longest.max(run);
    }
    longest
}
