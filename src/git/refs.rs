//! Changes refs: several at once, all or none, each only if it is still where it was seen.

use super::Repo;
use crate::error::{Error, Kind, Result};
use crate::model::entry::Oid;
use serde::{Deserialize, Serialize};

/// One ref to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefChange {
    /// The full name.
    pub name: String,
    /// Where it must be now; `None` means that it must not exist.
    pub old: Option<Oid>,
    /// Where it shall be; `None` removes it.
    pub new: Option<Oid>,
}

/// A transaction that was refused because a ref had moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refs {
    /// All were changed.
    Changed,
    /// None was: one of them is not where it was seen.
    Moved,
}

/// One line in the log of a ref.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    /// Where it was; the null object where it was not there.
    pub old: Oid,
    /// Where it went; the null object where it was removed.
    pub new: Oid,
    /// When, seconds since 1970.
    pub time: i64,
}

impl Repo {
    /// Changes all of `changes` or none of them; `message` goes into the reflog.
    pub fn change_refs(&self, message: &str, changes: &[RefChange]) -> Result<Refs> {
        let null = |change: &RefChange| {
            let known = change.new.as_ref().or(change.old.as_ref());
            known.map(Oid::null).map(|null| null.as_str().to_owned())
        };
        let mut input = Vec::new();
        for change in changes.iter().filter(|change| change.old != change.new) {
            let Some(null) = null(change) else { continue };
            let text = |oid: &Option<Oid>| {
                oid.as_ref()
                    .map_or_else(|| null.clone(), |oid| oid.as_str().to_owned())
            };
            let (new, old) = (text(&change.new), text(&change.old));
            input.extend_from_slice(format!("update {}\0{new}\0{old}\0", change.name).as_bytes());
        }
        if input.is_empty() {
            return Ok(Refs::Changed);
        }
        let ended = self
            .git("update-ref")
            .args(["--create-reflog", "-m", message, "--stdin", "-z"])
            .stdin(input)
            .holding_lock()
            .answer()?;
        if ended.success() {
            return Ok(Refs::Changed);
        }
        let said = ended.complaint();
        let moved = [
            "but expected",
            "reference already exists",
            "unable to resolve reference",
        ];
        if moved.iter().any(|words| said.contains(words)) {
            return Ok(Refs::Moved);
        }
        let error = super::command::complaint("update-ref", &ended);
        Err(if said.contains(".lock") && said.contains("File exists") {
            Error::new(
                Kind::Blocked,
                "another git process holds a ref of this repository",
            )
            .because(said)
            .hint("if no git is running, remove the '.lock' file that is named above")
        } else {
            error
        })
    }

    /// When a ref was last changed, by its log, seconds since 1970; `None` where nothing of that is
    /// left.
    pub fn changed_at(&self, name: &str) -> Result<Option<i64>> {
        Ok(self.log_of(name)?.last().map(|line| line.time))
    }

    /// Where a ref has been, oldest first, as far as its log tells. A line that cannot be read is
    /// passed over.
    pub fn log_of(&self, name: &str) -> Result<Vec<Logged>> {
        let unreadable = |source: String| {
            Error::failed(format!("the log of '{name}' cannot be read")).because(source)
        };
        let found = self
            .gix()
            .try_find_reference(name)
            .map_err(|source| unreadable(source.to_string()))?;
        let Some(reference) = found else {
            return Ok(Vec::new());
        };
        let mut log = reference.log_iter();
        let lines = log.all().map_err(|source| unreadable(source.to_string()))?;
        let lines = lines.into_iter().flatten().filter_map(|line| {
            let line = line.ok()?;
            Some(Logged {
                old: Oid::parse(&line.previous_oid().to_hex().to_string())?,
                new: Oid::parse(&line.new_oid().to_hex().to_string())?,
                time: line.signature.time().ok()?.seconds,
            })
        });
        Ok(lines.collect())
    }

    /// When a commit was made, seconds since 1970; `None` where it is no commit, or is not there.
    pub fn committed_at(&self, oid: &Oid) -> Option<i64> {
        let id = gix::ObjectId::from_hex(oid.as_str().as_bytes()).ok()?;
        Some(self.gix().find_commit(id).ok()?.time().ok()?.seconds)
    }

    /// The names of the refs below `prefix`, sorted.
    pub fn refs_below(&self, prefix: &str) -> Result<Vec<String>> {
        let unreadable = |source: String| {
            Error::failed(format!("the refs below '{prefix}' cannot be read")).because(source)
        };
        let platform = self
            .gix()
            .references()
            .map_err(|source| unreadable(source.to_string()))?;
        let found = platform
            .prefixed(prefix)
            .map_err(|source| unreadable(source.to_string()))?;
        let mut names = Vec::new();
        for reference in found {
            let reference = reference.map_err(|source| unreadable(source.to_string()))?;
            names.push(reference.name().as_bstr().to_string());
        }
        names.sort();
        Ok(names)
    }
}
