//! Makes and reads commits.

use super::Repo;
use super::tree::unread;
use crate::error::{Error, Kind, Result};
use crate::model::entry::Oid;
use crate::sys::{clock, env};

/// A commit as it is read and made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its tree.
    pub tree: Oid,
    /// The commits before it.
    pub parents: Vec<Oid>,
    /// Who wrote it; `None` for one that is being made here and now.
    pub author: Option<Author>,
    /// When it was written, seconds since 1970, where there is no author to say it; `None`: now.
    pub written: Option<i64>,
    /// The message, in `encoding`.
    pub message: Vec<u8>,
    /// The encoding of the message, where it is not UTF-8.
    pub encoding: Option<String>,
}

/// Who wrote a commit, and when, in git's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    name: String,
    email: String,
    date: String,
}

impl Author {
    /// Seconds since 1970.
    pub fn epoch(&self) -> i64 {
        self.date
            .split(' ')
            .next()
            .and_then(|word| word.parse().ok())
            .unwrap_or(0)
    }
}

impl Commit {
    /// A commit that is made here and now.
    pub fn new(tree: Oid, parents: Vec<Oid>, message: impl Into<Vec<u8>>) -> Self {
        Self {
            tree,
            parents,
            author: None,
            written: None,
            message: message.into(),
            encoding: None,
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(2).position(|two| two == b"\n\n")?;
        let headers = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let value = |name: &str| {
            headers
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        };
        let parents = headers
            .lines()
            .filter_map(|line| Oid::parse(line.strip_prefix("parent ")?));
        let (name, rest) = value("author")?.split_once('<')?;
        let (email, date) = rest.split_once('>')?;
        Some(Self {
            tree: Oid::parse(value("tree")?)?,
            parents: parents.collect(),
            author: Some(Author {
                name: name.trim().to_owned(),
                email: email.to_owned(),
                date: date.trim().to_owned(),
            }),
            written: None,
            message: bytes[end + 2..].to_vec(),
            encoding: value("encoding").map(str::to_owned),
        })
    }

    /// The first line of the message.
    pub fn subject(&self) -> String {
        let line = self
            .message
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        String::from_utf8_lossy(line).into_owned()
    }
}

/// Is a commit to be signed?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// As the user's `commit.gpgSign` says.
    Yes,
    /// Never: it is not published.
    No,
}

/// A commit of a range, with the commits before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The commit.
    pub oid: Oid,
    /// The commits before it.
    pub parents: Vec<Oid>,
}

impl Repo {
    /// Reads a commit.
    pub fn commit(&self, oid: &Oid) -> Result<Commit> {
        let bytes = self
            .git("cat-file")
            .args(["commit", oid.as_str()])
            .output()?;
        Commit::parse(&bytes).ok_or_else(|| unread("cat-file"))
    }

    /// Does the user sign commits?
    pub fn signs_commits(&self) -> Result<bool> {
        Ok(self.config_bool("commit.gpgSign")?.unwrap_or(false))
    }

    /// Writes a commit.
    pub fn write_commit(&self, commit: &Commit, sign: Sign) -> Result<Oid> {
        let mut git = self.git("commit-tree");
        if let Some(author) = &commit.author {
            git = git
                .env("GIT_AUTHOR_NAME", &author.name)
                .env("GIT_AUTHOR_EMAIL", &author.email)
                .env(env::GIT_AUTHOR_DATE, format!("@{}", author.date));
        } else if let Some(time) = commit.written
            && env::get(env::GIT_AUTHOR_DATE).is_none()
        {
            git = git.env(env::GIT_AUTHOR_DATE, clock::git_date(time));
        }
        if let Some(encoding) = &commit.encoding {
            git = git.setting(format!("i18n.commitEncoding={encoding}"));
        }
        let signed = sign == Sign::Yes && self.signs_commits()?;
        if signed {
            git = git.arg("-S");
        }
        git = git.arg(commit.tree.as_str());
        for parent in &commit.parents {
            git = git.args(["-p", parent.as_str()]);
        }
        let written = git.args(["-F", "-"]).stdin(commit.message.clone()).oid();
        if let Ok(oid) = &written {
            self.known_trees()
                .borrow_mut()
                .insert(oid.clone(), commit.tree.clone());
        }
        written.map_err(|error| {
            if signed {
                Error::new(Kind::Failed, "the commit cannot be signed")
                    .because(error)
                    .hint("git commit --allow-empty -S -m test   shows what is wrong")
                    .hint("git config commit.gpgSign false   commits without a signature here")
            } else {
                error
            }
        })
    }

    /// The commits that `tip` has and `without` lacks, oldest first.
    pub fn commits(&self, tip: &Oid, without: Option<&Oid>) -> Result<Vec<Listed>> {
        let mut git =
            self.git("rev-list")
                .args(["--reverse", "--topo-order", "--parents", tip.as_str()]);
        if let Some(without) = without {
            git = git.arg(format!("^{without}"));
        }
        let output = git.output()?;
        String::from_utf8_lossy(&output)
            .lines()
            .map(|line| {
                let mut oids = line.split(' ').map(Oid::parse);
                let oid = oids.next()??;
                Some(Listed {
                    oid,
                    parents: oids.collect::<Option<_>>()?,
                })
            })
            .collect::<Option<_>>()
            .ok_or_else(|| unread("rev-list"))
    }

    /// The best common commit of two; `None` where their histories have nothing in common.
    pub fn merge_base(&self, a: &Oid, b: &Oid) -> Result<Option<Oid>> {
        let ended = self
            .git("merge-base")
            .args([a.as_str(), b.as_str()])
            .answer()?;
        match ended.code() {
            Some(0 | 1) => {
                let text = String::from_utf8_lossy(&ended.stdout).into_owned();
                Ok(text.lines().next().and_then(Oid::parse))
            }
            _ => Err(super::command::complaint("merge-base", &ended)),
        }
    }

    /// Is `old` in the history of `new`?
    pub fn is_ancestor(&self, old: &Oid, new: &Oid) -> Result<bool> {
        if old == new {
            return Ok(true);
        }
        let ended = self
            .git("merge-base")
            .args(["--is-ancestor", old.as_str(), new.as_str()])
            .answer()?;
        match ended.code() {
            Some(code @ (0 | 1)) => Ok(code == 0),
            _ => Err(super::command::complaint("merge-base", &ended)),
        }
    }

    /// When a path was last changed in the history of `tip`, seconds since 1970.
    pub fn last_change(&self, tip: &Oid, path: &crate::model::path::RepoPath) -> Result<i64> {
        let output = self
            .git("log")
            .args(["-1", "--format=%at", tip.as_str(), "--"])
            .arg(path.as_os_str())
            .env("GIT_LITERAL_PATHSPECS", "1")
            .output()?;
        Ok(String::from_utf8_lossy(&output).trim().parse().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged};
    use proptest::prelude::*;

    #[test]
    fn a_commit_is_read_with_all_that_must_be_kept() {
        let one = "1".repeat(40);
        let text = format!(
            "tree {one}\nparent {one}\nauthor Ana  B <a@b> 1700000000 +0100\n\
             committer X <x@y> 1 +0000\nencoding latin1\ngpgsig -----BEGIN\n x\n\nsubject\n\nbody\n"
        );
        let commit = Commit::parse(text.as_bytes()).expect("a good commit");
        let author = commit.author.clone().expect("an author");
        assert_eq!(
            (author.name.as_str(), author.date.as_str()),
            ("Ana  B", "1700000000 +0100")
        );
        assert_eq!(author.epoch(), 1_700_000_000);
        assert_eq!(commit.encoding.as_deref(), Some("latin1"));
        assert_eq!(commit.subject(), "subject");
        assert_eq!(commit.message, b"subject\n\nbody\n");
    }

    const COMMIT: &str = "tree 1111111111111111111111111111111111111111\nparent 1111111111111111111111111111111111111111\n\
        author Ana <a@b> 1700000000 +0100\ncommitter X <x@y> 1 +0000\nencoding latin1\n\nsubject\n\nbody\n";

    proptest! {
        #[test]
        fn a_commit_of_anything_is_read_or_refused(text in bytes(), other in damaged(COMMIT)) {
            for text in [text, other] {
                if let Some(commit) = Commit::parse(&text) {
                    prop_assert!(text.ends_with(&commit.message));
                    commit.subject();
                    commit.author.as_ref().map(Author::epoch);
                }
            }
        }
    }
}
