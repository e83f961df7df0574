//! A path that is not synced, and why: it is named, and everything else goes on.

use super::path::RepoPath;
use super::secret::Finding;
use std::fmt;

/// A path that is not synced, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which.
    pub path: RepoPath,
    /// Why.
    pub why: Why,
}

/// Why a path is not synced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It has a repository of its own in it.
    Nested,
    /// It is a pipe, a socket or a device.
    NotAFile,
    /// This user may not read it.
    NotReadable,
    /// git refuses its name.
    Name,
    /// The user's pre-commit hook took it out of the commit.
    Hook,
    /// It looks as if it had a secret in it.
    Secret {
        /// What was found first, `a GitHub token`.
        what: &'static str,
        /// In which line; `None` where it is the whole file.
        line: Option<usize>,
        /// How many more there are.
        more: usize,
    },
    /// It is to be encrypted, and is not, or not whole.
    Unencrypted,
    /// It is larger than `sync.maxFileSize`.
    Large {
        /// How large.
        size: u64,
        /// How large it may be.
        limit: u64,
    },
}

impl Why {
    /// The secret that was found first, of all that were; `None` where there are none.
    pub fn secret(findings: &[Finding]) -> Option<Self> {
        let first = findings.first()?;
        Some(Self::Secret {
            what: first.what,
            line: first.line,
            more: findings.len() - 1,
        })
    }

    /// What the user can do about it, where that is not plain.
    pub fn hints(&self) -> &'static [&'static str] {
        match self {
            Self::Secret { .. } => &[
                "a comment 'git-sync:allow' on the line lets it pass, and so does its path below \
                 'allow-secret' in .sync/config.yaml",
                "git commit PATH   shares it this once; what ends in '.local' stays on this machine",
            ],
            Self::Unencrypted => &[
                "git checkout HEAD -- PATH   brings back what was encrypted last; edit the file in \
                 your home, and not the copy",
            ],
            Self::Large { .. } => {
                &["git config sync.maxFileSize SIZE   lets larger files pass, 0 all of them"]
            }
            _ => &[],
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nested => f.write_str("a repository of its own"),
            Self::NotAFile => f.write_str("not a file"),
            Self::NotReadable => f.write_str("not readable"),
            Self::Name => f.write_str("git refuses this name"),
            Self::Hook => f.write_str("the pre-commit hook took it out of the commit"),
            Self::Unencrypted => f.write_str("it is to be encrypted, and is damaged or in plain"),
            Self::Secret { what, line, more } => {
                match line {
                    Some(line) => write!(f, "line {line} looks like {what}")?,
                    None => write!(f, "it looks like {what}")?,
                }
                match more {
                    0 => Ok(()),
                    more => write!(f, ", and there is more of the kind ({more})"),
                }
            }
            Self::Large { size, limit } => write!(
                f,
                "it has {}, and sync.maxFileSize is {}",
                in_words(*size),
                in_words(*limit)
            ),
        }
    }
}

/// A size as people write it, rounded down: `7.2 MiB`.
pub fn in_words(size: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut unit, mut tenths) = ("bytes", size.saturating_mul(10));
    for larger in UNITS {
        if tenths < 10240 {
            break;
        }
        (unit, tenths) = (larger, tenths / 1024);
    }
    match tenths % 10 {
        0 => format!("{} {unit}", tenths / 10),
        rest => format!("{}.{rest} {unit}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_told_in_words() {
        for (size, words) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (7 * (1 << 20) + (1 << 18), "7.2 MiB"),
            (50 << 20, "50 MiB"),
            (3 << 30, "3 GiB"),
        ] {
            assert_eq!(in_words(size), words);
        }
    }

    proptest! {
        #[test]
        fn every_size_has_words(size in any::<u64>()) {
            prop_assert!(in_words(size).len() < 24);
        }
    }
}
