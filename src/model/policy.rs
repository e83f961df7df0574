//! What to do with a path that changed on both sides, and which paths may have secrets in them, as
//! `.sync/config.yaml` says it.
//!
//! The file is tracked, so every machine follows the same rules. It may hold no command.

use super::path::RepoPath;
use crate::error::{Error, Result};
use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Where the rules are kept in the repository.
pub const SHARED_CONFIG: &str = ".sync/config.yaml";

/// The version of the format that this program writes and understands.
const VERSION: u32 = 1;

/// How a path that changed on both sides is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Wait for the user.
    #[default]
    Hold,
    /// The side that comes second wins: this machine's.
    Ours,
    /// The side that came first wins: the remote's.
    Theirs,
    /// The side that changed the path last wins, by the author date of its commit.
    Newest,
    /// Lines of both, this machine's after the remote's.
    Union,
    /// The remote's at the path, this machine's beside it under a name made from its content.
    Both,
}

/// The file as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedFile {
    #[serde(rename = "version")]
    _version: u32,
    #[serde(default)]
    policies: BTreeMap<String, Policy>,
    #[serde(default, rename = "allow-secret")]
    allow_secret: Vec<String>,
}

impl SharedFile {
    fn parse(text: &str) -> Result<Self> {
        let unreadable = |source: serde_yaml::Error| {
            Error::fatal(format!("'{SHARED_CONFIG}' cannot be read"))
                .because(source)
                .hint("correct the file on any machine; the next sync carries it to the others")
        };
        let version: Version = serde_yaml::from_str(text).map_err(unreadable)?;
        if version.version != VERSION {
            let found = version.version;
            return Err(Error::fatal(format!(
                "'{SHARED_CONFIG}' has version {found}, and this program understands {VERSION}"
            ))
            .hint("install the newest git-sync on this machine"));
        }
        serde_yaml::from_str(text).map_err(unreadable)
    }
}

/// The rules of a repository, most particular last.
#[derive(Debug, Default)]
pub struct Policies(Vec<(GlobMatcher, Policy)>);

impl Policies {
    /// Reads the text of [`SHARED_CONFIG`].
    ///
    /// A pattern without `/` matches at any depth, as in `.gitignore`. Where several match, the
    /// longest pattern decides, so that the order in the file does not matter.
    pub fn parse(text: &str) -> Result<Self> {
        let file = SharedFile::parse(text)?;
        let mut rules = file.policies.into_iter().collect::<Vec<_>>();
        rules.sort_by_key(|(pattern, _)| pattern.len());
        let mut policies = Vec::with_capacity(rules.len());
        for (pattern, policy) in rules {
            policies.push((matcher(&pattern)?, policy));
        }
        Ok(Self(policies))
    }

    /// The policy for `path`. The rules themselves are held: a copy beside them would be a file that
    /// no machine takes, and what they say is for the user to decide.
    pub fn of(&self, path: &RepoPath) -> Policy {
        if path.as_bytes() == SHARED_CONFIG.as_bytes() {
            return Policy::Hold;
        }
        let path = Path::new(path.as_os_str());
        self.0
            .iter()
            .rev()
            .find(|(glob, _)| glob.is_match(path))
            .map_or(Policy::Hold, |(_, policy)| *policy)
    }
}

/// The paths that may have secrets in them, by the patterns of [`SHARED_CONFIG`].
#[derive(Debug, Default)]
pub struct AllowedSecrets(Vec<GlobMatcher>);

impl AllowedSecrets {
    /// Reads the text of [`SHARED_CONFIG`].
    pub fn parse(text: &str) -> Result<Self> {
        let patterns = SharedFile::parse(text)?.allow_secret;
        let matchers = patterns.iter().map(|pattern| matcher(pattern));
        Ok(Self(matchers.collect::<Result<_>>()?))
    }

    /// May `path` have secrets in it?
    pub fn has(&self, path: &RepoPath) -> bool {
        let path = Path::new(path.as_os_str());
        self.0.iter().any(|glob| glob.is_match(path))
    }
}

/// Only the version, so that a newer file is refused for its version and not for its new keys.
#[derive(Debug, Deserialize)]
struct Version {
    version: u32,
}

fn matcher(pattern: &str) -> Result<GlobMatcher> {
    let anchored = match pattern.strip_prefix('/') {
        Some(rest) => rest.to_owned(),
        None if pattern.contains('/') => pattern.to_owned(),
        None => format!("**/{pattern}"),
    };
    let anchored = if anchored.ends_with('/') {
        format!("{anchored}**")
    } else {
        anchored
    };
    GlobBuilder::new(&anchored)
        .literal_separator(true)
        .build()
        .map_or_else(
            |source| {
                Err(
                    Error::fatal(format!("'{SHARED_CONFIG}': bad pattern '{pattern}'"))
                        .because(source),
                )
            },
            |glob| Ok(glob.compile_matcher()),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, path: &str) -> Policy {
        Policies::parse(text)
            .expect("a good file")
            .of(&RepoPath::from_bytes(path.as_bytes()))
    }

    #[test]
    fn the_longest_pattern_decides() {
        let text = "version: 1\npolicies:\n  '*.json': theirs\n  app/state.json: newest\n";
        assert_eq!(of(text, "app/state.json"), Policy::Newest);
        assert_eq!(of(text, "app/other.json"), Policy::Theirs);
        assert_eq!(of(text, "zshrc"), Policy::Hold);
    }

    #[test]
    fn a_pattern_with_a_slash_is_anchored() {
        let text = "version: 1\npolicies:\n  /state: ours\n  cache/: both\n";
        assert_eq!(of(text, "state"), Policy::Ours);
        assert_eq!(of(text, "deep/state"), Policy::Hold);
        assert_eq!(of(text, "cache/a/b"), Policy::Both);
    }

    #[test]
    fn secrets_are_allowed_by_the_same_patterns() {
        let text = "version: 1\nallow-secret: [/keys/, '*.test.pem']\n";
        let allowed = AllowedSecrets::parse(text).expect("a good file");
        let has = |path: &str| allowed.has(&RepoPath::from_bytes(path.as_bytes()));
        assert!(has("keys/a/b") && has("deep/a.test.pem"));
        assert!(!has("deep/keys/a") && !has("a.pem"));
        let none = AllowedSecrets::parse("version: 1\npolicies: {}\n").expect("a good file");
        assert!(!none.has(&RepoPath::from_bytes(&b"a"[..])));
    }

    #[test]
    fn a_bad_file_is_refused_and_says_why() {
        for (text, part) in [
            ("version: 2\nfuture: 1\n", "version 2"),
            ("version: 1\npolicies: {a: wrong}\n", "cannot be read"),
            ("version: 1\npolicy: {}\n", "cannot be read"),
            ("policies: {}\n", "cannot be read"),
            ("version: 1\npolicies: {'a{': ours}\n", "bad pattern"),
        ] {
            let error = Policies::parse(text).expect_err("a bad file");
            assert!(error.to_string().contains(part), "{text:?}: {error}");
        }
    }
}
