//! Private keys, by the forms that their programs write.

use super::super::path::RepoPath;
use super::Spot;

/// So far behind the first line of a key its content must begin: a text that only names the line, as a
/// script that looks for keys does, is no key.
const NEAR: usize = 400;

/// So many letters of base64 in a row are content.
const CONTENT: usize = 32;

/// What the key files of gpg-agent have; a stub of a card says `shadowed-private-key`.
const GNUPG: [&str; 4] = [
    "(11:private-key(",
    "(21:protected-private-key(",
    "Key: (private-key",
    "Key: (protected-private-key",
];

/// Finds them in `text`.
pub(super) fn find(text: &[u8]) -> Vec<Spot> {
    let mut spots = Vec::new();
    let mut at = 0;
    while let Some(next) = position(&text[at..], b"-----BEGIN ") {
        let start = at + next;
        at = start + 1;
        if let Some(end) = armoured(&text[start..]) {
            spots.push(Spot {
                what: "a private key",
                at: start..start + end,
            });
            at = start + end;
        }
    }
    if text.starts_with(b"PuTTY-User-Key-File-") {
        spots.extend(position(text, b"Private-Lines:").map(|lines| Spot {
            what: "a private key of PuTTY",
            at: lines..text.len().min(lines + NEAR),
        }));
    }
    for mark in GNUPG {
        spots.extend(position(text, mark.as_bytes()).map(|start| Spot {
            what: "a private key of GnuPG",
            at: start..text.len().min(start + NEAR),
        }));
    }
    spots
}

/// Where the content is known to be one that begins with `-----BEGIN … PRIVATE KEY-----`: RFC 7468,
/// RFC 9580, and what OpenSSH writes.
fn armoured(text: &[u8]) -> Option<usize> {
    let label = text.strip_prefix(b"-----BEGIN ")?;
    let length = position(&label[..label.len().min(64)], b"-----")?;
    let label = &label[..length];
    let name = label.strip_suffix(b" BLOCK").unwrap_or(label);
    if !name.ends_with(b"PRIVATE KEY") {
        return None;
    }
    let start = "-----BEGIN ".len() + length + "-----".len();
    let rest = &text[start..text.len().min(start + NEAR)];
    let is_content = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let mut run = 0;
    for (at, byte) in rest.iter().enumerate() {
        run = if is_content(byte) { run + 1 } else { 0 };
        if run == CONTENT {
            return Some(start + at + 1);
        }
    }
    None
}

/// What a file is by its name alone: stores of keys that cannot be looked into.
pub(super) fn by_name(path: &RepoPath) -> Option<&'static str> {
    let path = path.as_bytes().to_ascii_lowercase();
    let name = path.rsplit(|byte| *byte == b'/').next()?;
    let ends = |end: &str| name.len() > end.len() && name.ends_with(end.as_bytes());
    if [".p12", ".pfx", ".jks", ".jceks"].into_iter().any(ends) {
        return Some("a store of private keys");
    }
    if ends(".keytab") || name == b"krb5.keytab" {
        return Some("a Kerberos keytab");
    }
    (name == b"secring.gpg").then_some("a private key of GnuPG")
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
