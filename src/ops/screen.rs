//! Looks at what is about to be committed without anybody having asked for it: what looks like a secret,
//! or is too large, is held back, and everything else goes on.
//!
//! What is looked at is what would be in the commit: where a filter encrypts a file, that is no secret
//! any more. What the branch has already is not held against a file again.

use super::Context;
use super::plain::Plain;
use super::snapshot::Snapshot;
use crate::error::Result;
use crate::model::entry::{Change, Entry, Oid};
use crate::model::path::RepoPath;
use crate::model::policy::{AllowedSecrets, SHARED_CONFIG};
use crate::model::secret::{self, Finding};
use crate::model::skipped::{Skipped, Why};
use crate::sys::fs;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;

/// So many bytes of contents are in memory at once, but for a single larger file.
const AT_ONCE: u64 = 16 << 20;

/// Of a file that is gone it is not known how large it was.
const FILES_AT_ONCE: usize = 500;

/// Larger files are not looked into: what people write is smaller.
const LOOKED_INTO: u64 = 64 << 20;

/// What is asked of a path before it is committed.
#[derive(Debug)]
pub(super) struct Screen<'a, 'repo> {
    ctx: &'a Context<'repo>,
    secrets: bool,
}

impl<'a, 'repo> Screen<'a, 'repo> {
    /// As the settings say.
    pub(super) fn of(ctx: &'a Context<'repo>) -> Self {
        Self {
            ctx,
            secrets: ctx.settings.guard,
        }
    }

    /// The same; secrets may pass where `allowed`, as the user has just said so.
    pub(super) fn but_secrets(ctx: &'a Context<'repo>, allowed: bool) -> Self {
        Self {
            ctx,
            secrets: ctx.settings.guard && !allowed,
        }
    }

    /// Those of `paths` that need not even be read, as they are too large as they are; and those that must
    /// not, as they are to be encrypted and are not.
    pub(super) fn refused<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p RepoPath>,
    ) -> Result<Vec<Skipped>> {
        let mut large = Vec::new();
        let plain = Plain::of(self.ctx)?;
        for path in paths {
            if plain.covers(path)
                && let Some(size) = self.size_of(path)?
                && size <= LOOKED_INTO
                && let Some(bytes) = fs::read(&path.below(self.ctx.repo.top()))?
                && !plain.is_sound(&bytes)
            {
                let (path, why) = (path.clone(), Why::Unencrypted);
                large.push(Skipped { path, why });
            } else if let Some(why) = self.is_large(self.size_of(path)?)
                && !self.is_filtered(path)?
            {
                let path = path.clone();
                large.push(Skipped { path, why });
            }
        }
        Ok(large)
    }

    /// Takes out of `snapshot` what must not be committed; what is in `passed` has been asked about.
    pub(super) fn apply(&self, snapshot: &mut Snapshot<'_>, passed: &[Change]) -> Result<()> {
        let passed: BTreeMap<_, _> = passed.iter().filter_map(new_file).collect();
        let is_new = |change: &&Change| {
            new_file(change).is_some_and(|(path, new)| passed.get(path) != Some(&new))
        };
        let asked: Vec<_> = snapshot.changes.iter().filter(is_new).collect();
        let mut back = self.large(&asked)?;
        back.extend(self.unencrypted(&asked)?);
        if self.secrets {
            let mut rest = asked;
            rest.retain(|change| back.iter().all(|skipped| skipped.path != change.path));
            back.extend(self.with_secrets(&rest, &snapshot.changes)?);
        }
        if back.is_empty() {
            return Ok(());
        }
        let paths: BTreeSet<_> = back.iter().map(|skipped| &skipped.path).collect();
        let (out, changes): (Vec<_>, Vec<_>) = std::mem::take(&mut snapshot.changes)
            .into_iter()
            .partition(|change| paths.contains(&change.path));
        let entries = out.iter().map(|change| (&change.path, change.old.as_ref()));
        snapshot.index.set(entries)?;
        snapshot.tree = snapshot.index.write_tree()?;
        snapshot.changes = changes;
        snapshot.left_out.extend(paths.into_iter().cloned());
        snapshot.skipped.extend(back);
        Ok(())
    }

    /// Would the file at a path of the work tree be held back, as far as the file itself tells? A
    /// filter may make something else of it, and the branch may have it already.
    pub(super) fn suspects(&self, path: &RepoPath) -> Result<bool> {
        let size = self.size_of(path)?;
        if self.is_large(size).is_some() {
            return Ok(true);
        }
        if !self.secrets || size.is_none() {
            return Ok(false);
        }
        let file = path.below(self.ctx.repo.top());
        let head = fs::read_head(&file, secret::LOOKED_AT)?.unwrap_or_default();
        Ok(!secret::find(path, &head).is_empty())
    }

    /// How large the file at `path` is; `None` where there is no file.
    fn size_of(&self, path: &RepoPath) -> Result<Option<u64>> {
        let found = match fs::look(&path.below(self.ctx.repo.top())) {
            // What nobody can read is in no commit.
            Err(error) if fs::is_refused(&error) => None,
            found => found?,
        };
        let file = found.filter(Metadata::is_file);
        Ok(file.map(|file| file.len()))
    }

    pub(super) fn is_large(&self, size: Option<u64>) -> Option<Why> {
        let limit = self.ctx.settings.max_file_size?;
        let size = size.filter(|size| *size > limit)?;
        Some(Why::Large { size, limit })
    }

    /// Are secrets held back at all?
    pub(super) fn looks_for_secrets(&self) -> bool {
        self.secrets
    }

    /// Does a filter make something else of the file, as Git LFS makes a pointer of a large one?
    pub(super) fn is_filtered(&self, path: &RepoPath) -> Result<bool> {
        let filter = self.ctx.repo.attribute(path.as_os_str(), "filter")?;
        Ok(!matches!(&*filter, "unspecified" | "unset" | ""))
    }

    /// The changes that are too large in the commit too.
    fn large(&self, changes: &[&Change]) -> Result<Vec<Skipped>> {
        let mut large = Vec::new();
        for (path, entry) in changes.iter().filter_map(|change| new_file(change)) {
            if self.is_large(self.size_of(path)?).is_none() {
                continue;
            }
            let size = self.ctx.repo.blob_size(&entry.oid)?;
            if let Some(why) = self.is_large(Some(size)) {
                let path = path.clone();
                large.push(Skipped { path, why });
            }
        }
        Ok(large)
    }

    /// Those of `changes` that are to be encrypted, and are not, or not whole.
    fn unencrypted(&self, changes: &[&Change]) -> Result<Vec<Skipped>> {
        let plain = Plain::of(self.ctx)?;
        let mut found = Vec::new();
        for (path, entry) in changes.iter().filter_map(|change| new_file(change)) {
            if plain.covers(path) && !plain.is_sound(&self.ctx.repo.blob(&entry.oid)?) {
                let (path, why) = (path.clone(), Why::Unencrypted);
                found.push(Skipped { path, why });
            }
        }
        Ok(found)
    }

    /// Those of `changes` that bring something that looks like a secret, and that no file had before which
    /// one of `all` changes: a file that was moved has its secrets from the one that is gone.
    fn with_secrets(&self, changes: &[&Change], all: &[Change]) -> Result<Vec<Skipped>> {
        let files: Vec<_> = changes.iter().filter_map(|c| new_file(c)).collect();
        let mut found = self.found_in(&files)?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let allowed = self.allowed();
        found.retain(|(path, _)| !allowed.has(path));
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let old: Vec<_> = all.iter().filter_map(old_file).collect();
        let known = self.found_in(&old)?.into_iter();
        let known: BTreeSet<_> = known
            .flat_map(|(_, found)| found)
            .map(|f| f.print)
            .collect();
        let skipped = found.into_iter().filter_map(|(path, mut findings)| {
            findings.retain(|finding| !known.contains(&finding.print));
            let why = Why::secret(&findings)?;
            Some(Skipped { path, why })
        });
        Ok(skipped.collect())
    }

    /// What looks like a secret in the contents of `files`; those where nothing does are left out.
    fn found_in(&self, files: &[(&RepoPath, &Entry)]) -> Result<Vec<(RepoPath, Vec<Finding>)>> {
        let mut found = Vec::new();
        let mut some: Vec<(&RepoPath, &Oid)> = Vec::new();
        let mut bytes = 0;
        for (path, entry) in files {
            // The file tells how much it is about. Its blob differs only where a filter made it.
            let size = self.size_of(path)?.unwrap_or_default();
            if size > LOOKED_INTO {
                continue;
            }
            let full = bytes + size > AT_ONCE || some.len() == FILES_AT_ONCE;
            if full && !some.is_empty() {
                self.look_into(&std::mem::take(&mut some), &mut found)?;
                bytes = 0;
            }
            bytes += size;
            some.push((path, &entry.oid));
        }
        if !some.is_empty() {
            self.look_into(&some, &mut found)?;
        }
        Ok(found)
    }

    fn look_into(
        &self,
        some: &[(&RepoPath, &Oid)],
        found: &mut Vec<(RepoPath, Vec<Finding>)>,
    ) -> Result<()> {
        let oids: Vec<_> = some.iter().map(|(_, oid)| *oid).collect();
        let contents = self.ctx.repo.blobs(&oids)?;
        for ((path, _), content) in some.iter().zip(contents) {
            let findings = secret::find(path, &content);
            if !findings.is_empty() {
                found.push(((*path).clone(), findings));
            }
        }
        Ok(())
    }

    /// The paths that may have secrets, as the file of this machine says: it is about to be committed
    /// with them. One that cannot be read allows nothing, and says so.
    fn allowed(&self) -> AllowedSecrets {
        self.allowed_now().unwrap_or_else(|error| {
            let text = format!("{error}; the secrets that it allows are not allowed");
            self.ctx.listener.warn(&text);
            AllowedSecrets::default()
        })
    }

    /// The same; one that cannot be read is an error.
    pub(super) fn allowed_now(&self) -> Result<AllowedSecrets> {
        let text = fs::read_text(&self.ctx.repo.top().join(SHARED_CONFIG))?;
        text.map_or_else(
            || Ok(AllowedSecrets::default()),
            |text| AllowedSecrets::parse(&text),
        )
    }
}

fn new_file(change: &Change) -> Option<(&RepoPath, &Entry)> {
    let new = change
        .new
        .as_ref()
        .filter(|entry| entry.mode.is_regular())?;
    // Only the mode may have changed.
    let same = change.old.as_ref().is_some_and(|old| old.oid == new.oid);
    (!same).then_some((&change.path, new))
}

fn old_file(change: &Change) -> Option<(&RepoPath, &Entry)> {
    let old = change
        .old
        .as_ref()
        .filter(|entry| entry.mode.is_regular())?;
    Some((&change.path, old))
}
