//! Finds private keys, tokens and passwords in what is about to be committed.
//!
//! Three kinds of rules, from sure to likely: forms of private keys ([`key`]), forms of tokens
//! ([`token`]), and what is assigned to a name such as `password` ([`assigned`]). A finding tells the
//! kind and the line, and never the secret: of that there is only a digest, to know it again.

mod assigned;
mod key;
mod token;

use super::path::RepoPath;
use sha2::{Digest as _, Sha256};
use std::ops::Range;

/// So much of a file is looked at: secrets are in files that people write, and those are small.
pub const LOOKED_AT: usize = 1 << 20;

/// Words in a comment that let the secrets of their line pass.
const ALLOW: [&[u8]; 2] = [b"git-sync:allow", b"gitleaks:allow"];

/// So far a zero byte tells that a file is no text, as git has it.
const TOLD_BY: usize = 8000;

/// Something that looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it looks like, `a GitHub token`.
    pub what: &'static str,
    /// In which line it begins, from 1; `None` where the whole file is one.
    pub line: Option<usize>,
    /// Tells it from others.
    pub print: [u8; 32],
}

/// Where something that looks like a secret is.
struct Spot {
    what: &'static str,
    at: Range<usize>,
}

/// What in the file `content` at `path` looks like a secret, in the order of lines; each secret once.
pub fn find(path: &RepoPath, content: &[u8]) -> Vec<Finding> {
    let text = &content[..content.len().min(LOOKED_AT)];
    let is_text = !text[..text.len().min(TOLD_BY)].contains(&0);
    let mut spots = key::find(text);
    token::find(text, &mut spots);
    if is_text {
        assigned::find(path, text, &mut spots);
    }
    // What is found first by a surer rule says more than that it is assigned to a name.
    let mut found: Vec<Spot> = Vec::new();
    for spot in spots {
        let known = |other: &Spot| spot.at.start < other.at.end && other.at.start < spot.at.end;
        if !found.iter().any(known) && !is_allowed(text, spot.at.start) {
            found.push(spot);
        }
    }
    found.sort_by_key(|spot| spot.at.start);
    let mut findings: Vec<Finding> = Vec::new();
    if let Some(what) = key::by_name(path) {
        findings.push(Finding {
            what,
            line: None,
            // What is in it cannot be told apart: a store that is there already may change and move.
            print: Sha256::digest(name_of(path)).into(),
        });
    }
    let (mut line, mut counted) = (1, 0);
    for spot in found {
        let passed = &text[counted..spot.at.start];
        line += passed.split(|byte| *byte == b'\n').count() - 1;
        counted = spot.at.start;
        let print = Sha256::digest(&text[spot.at]).into();
        if findings.iter().all(|known| known.print != print) {
            findings.push(Finding {
                what: spot.what,
                line: Some(line),
                print,
            });
        }
    }
    findings
}

fn name_of(path: &RepoPath) -> &[u8] {
    let name = path.as_bytes().rsplit(|byte| *byte == b'/').next();
    name.unwrap_or_default()
}

/// Does a comment on the line of `at` say that it may be shared?
fn is_allowed(text: &[u8], at: usize) -> bool {
    let start = text[..at].iter().rposition(|byte| *byte == b'\n');
    let line = &text[start.map_or(0, |end| end + 1)..];
    let end = line.iter().position(|byte| *byte == b'\n');
    let line = &line[..end.unwrap_or(line.len())];
    ALLOW.iter().any(|word| contains(line, word))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// How much one byte of `text` says, in bits: 0 for `aaaa`, near 6 for random base64.
#[expect(
    clippy::cast_precision_loss,
    reason = "lengths of secrets are far below 2^52"
)]
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_usize; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let length = text.len() as f64;
    let counted = counts.iter().filter(|count| **count > 0);
    counted
        .map(|count| {
            let share = *count as f64 / length;
            -share * share.log2()
        })
        .sum()
}

/// Is it what manuals write in the place of a secret?
fn is_placeholder(text: &[u8]) -> bool {
    const WORDS: [&str; 14] = [
        "example",
        "placeholder",
        "changeme",
        "change-me",
        "change_me",
        "your",
        "redacted",
        "dummy",
        "xxxx",
        "****",
        "....",
        "1234567890",
        "0123456789",
        "abcdefgh",
    ];
    let lower = text.to_ascii_lowercase();
    WORDS.iter().any(|word| contains(&lower, word.as_bytes()))
}

#[cfg(test)]
mod tests;
