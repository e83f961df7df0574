//! What to do with a path that changed on both sides, and which paths may have secrets in them, as
//! `.sync/config.yaml` says it.
//!
//! The file is tracked, so every machine follows the same rules. It may hold no command.

use super::path::RepoPath;
use super::pattern::Pattern;
use crate::error::{Error, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Where the rules are kept in the repository.
pub const SHARED_CONFIG: &str = ".sync/config.yaml";

/// The version of the format that this program writes and understands.
const VERSION: u32 = 1;

/// No rules that somebody has written are longer.
const LONGEST: usize = 256 << 10;

/// Nor have they more brackets. How long it takes to read YAML grows with the square of them, and whoever can push
/// can write this file.
const BRACKETS: usize = 2000;

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
        let brackets = text.bytes().filter(|byte| matches!(byte, b'[' | b'{'));
        if text.len() > LONGEST || brackets.count() > BRACKETS {
            let most = format!("more than {LONGEST} bytes, or than {BRACKETS} brackets");
            return Err(Error::fatal(format!("'{SHARED_CONFIG}' has {most}"))
                .hint("shorten the file on any machine; the next sync carries it to the others"));
        }
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
pub struct Policies(Vec<(Pattern, Policy)>);

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
            .find(|(pattern, _)| pattern.fits(path))
            .map_or(Policy::Hold, |(_, policy)| *policy)
    }
}

/// The paths that may have secrets in them, by the patterns of [`SHARED_CONFIG`].
#[derive(Debug, Default)]
pub struct AllowedSecrets(Vec<Pattern>);

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
        self.0.iter().any(|pattern| pattern.fits(path))
    }
}

/// Only the version, so that a newer file is refused for its version and not for its new keys.
#[derive(Debug, Deserialize)]
struct Version {
    version: u32,
}

fn matcher(pattern: &str) -> Result<Pattern> {
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
    Pattern::of_paths(&anchored).map_err(|why| {
        let shown: String = pattern.chars().take(60).collect();
        Error::fatal(format!("'{SHARED_CONFIG}': bad pattern '{shown}'")).because(why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{damaged_text, path, text};
    use proptest::prelude::*;

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

    /// Whatever the rules say: they are understood, or the error names the file.
    fn is_answered(text: &str, path: &RepoPath) -> Result<(), TestCaseError> {
        match Policies::parse(text) {
            Ok(policies) => drop(policies.of(path)),
            Err(error) => prop_assert!(error.to_string().contains(SHARED_CONFIG)),
        }
        match AllowedSecrets::parse(text) {
            Ok(allowed) => drop(allowed.has(path)),
            Err(error) => prop_assert!(error.to_string().contains(SHARED_CONFIG)),
        }
        Ok(())
    }

    const RULES: &str = "version: 1\npolicies:\n  \"app/*\": both\n  /history: union\n  \"*.{a,b}\": newest\n\
                         allow-secret:\n  - tests/**\n  - '[a-z]?.key'\n";

    proptest! {
        #[test]
        fn rules_of_anything_are_understood_or_refused(text in text(), path in path()) {
            is_answered(&text, &path)?;
            is_answered(&format!("version: 1\npolicies: {{ {text:?}: ours }}\n"), &path)?;
        }

        #[test]
        fn damaged_rules_are_understood_or_refused(text in damaged_text(RULES), path in path()) {
            is_answered(&text, &path)?;
        }
    }

    #[test]
    fn rules_that_grow_without_end_are_refused() {
        let path = RepoPath::from_bytes("a");
        let doubled = (1..40).map(|at| format!("  - &a{at} [*a{}, *a{}]\n", at - 1, at - 1));
        let bomb = format!(
            "version: 1\nx:\n  - &a0 [a, a]\n{}",
            doubled.collect::<String>()
        );
        let loops = "version: 1\npolicies: &a\n  x: *a\n".to_owned();
        let brackets = format!("version: 1\nallow-secret: {}", "[".repeat(100_000));
        let braces = format!("version: 1\npolicies: {}", "{a: ".repeat(50_000));
        let fewer = format!("version: 1\nallow-secret: {}", "[".repeat(BRACKETS));
        let steps: Vec<_> = (0..3000).map(|at| " ".repeat(at)).collect();
        let folders = format!("version: 1\nx:\n{}-", steps.join("-\n"));
        for text in [bomb, loops, brackets, braces, fewer, folders] {
            let start = std::time::Instant::now();
            is_answered(&text, &path).expect("answered");
            Policies::parse(&text).expect_err("refused");
            assert!(start.elapsed().as_secs() < 10, "{text:.40}");
        }
    }
}
