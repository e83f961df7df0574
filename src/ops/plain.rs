//! Versions of encrypted copies, in plain: read, shown, merged. Nothing of it gets into an object that
//! stays, or into a file that somebody else can read.

use super::{Context, marks};
use crate::error::{Error, Result};
use crate::git::mergetool::Versions;
use crate::model::entry::{Entry, Oid};
use crate::model::mark::{MANIFEST, Manifest};
use crate::model::path::RepoPath;
use crate::sys::age::{self, Closed, Keys};
use crate::sys::fs;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What is needed to read versions of encrypted copies.
#[derive(Debug)]
pub(super) struct Plain<'a, 'repo> {
    ctx: &'a Context<'repo>,
    /// The copies that are to be encrypted, as the list says that stands in the work tree.
    copies: BTreeSet<RepoPath>,
    keys: Keys,
}

impl<'a, 'repo> Plain<'a, 'repo> {
    /// Reads the list, and the keys of this machine where something is encrypted.
    pub(super) fn of(ctx: &'a Context<'repo>) -> Result<Self> {
        let list = fs::read(&ctx.repo.top().join(MANIFEST))?;
        let list = Manifest::parse(&list.unwrap_or_default());
        let sealed = list.marks().filter(|mark| list.terms(mark).encrypt);
        let copies = sealed.flat_map(|mark| list.versions(mark));
        let copies: BTreeSet<_> = copies.map(|version| version.copy()).collect();
        let keys = marks::sealed::keys(ctx, !copies.is_empty())?;
        Ok(Self { ctx, copies, keys })
    }

    /// Is what the repository has at `path` to be encrypted?
    pub(super) fn covers(&self, path: &RepoPath) -> bool {
        self.copies.contains(path) || path.parents().any(|above| self.copies.contains(&above))
    }

    /// Is it what an encrypted copy may have, as far as this machine can tell?
    pub(super) fn is_sound(&self, bytes: &[u8]) -> bool {
        age::is_encrypted(bytes)
            && match self.keys.open_bytes(bytes) {
                Ok(_) => true,
                Err(Closed::NoKey) => age::is_whole(bytes),
                Err(Closed::Damaged) => false,
            }
    }

    /// The content of bytes that are at `path`, in plain where they are encrypted and can be read.
    pub(super) fn read(&self, path: &RepoPath, bytes: Vec<u8>) -> Vec<u8> {
        if self.covers(path) && age::is_encrypted(&bytes) {
            self.keys.open_bytes(&bytes).unwrap_or(bytes)
        } else {
            bytes
        }
    }

    /// The content of an entry in plain; `None` where it cannot be read here, or is no file.
    pub(super) fn open(&self, entry: &Entry) -> Result<Option<Vec<u8>>> {
        if !entry.mode.is_regular() {
            return Ok(None);
        }
        let bytes = self.ctx.repo.blob(&entry.oid)?;
        Ok(if age::is_encrypted(&bytes) {
            self.keys.open_bytes(&bytes).ok()
        } else {
            Some(bytes)
        })
    }

    /// Both versions in one, encrypted, or one of the two as it is; `None` where they do not go
    /// together, or cannot be read here.
    pub(super) fn merge(
        &self,
        base: Option<&Entry>,
        ours: &Entry,
        theirs: &Entry,
    ) -> Result<Option<Entry>> {
        let (Some(here), Some(there)) = (self.open(ours)?, self.open(theirs)?) else {
            return Ok(None);
        };
        if here == there && ours.mode == theirs.mode {
            return Ok(Some(theirs.clone()));
        }
        let Some(base) = base else {
            return Ok(None);
        };
        let Some(before) = self.open(base)? else {
            return Ok(None);
        };
        let mode = match (ours.mode == base.mode, theirs.mode == base.mode) {
            (true, _) => theirs.mode,
            (_, true) => ours.mode,
            _ if ours.mode == theirs.mode => ours.mode,
            _ => return Ok(None),
        };
        let merged = if here == before {
            there.clone()
        } else if there == before {
            here.clone()
        } else {
            let files = self.write([("ours", &here), ("base", &before), ("theirs", &there)])?;
            let [ours, base, theirs] = &files;
            let labelled = [(&**ours, "ours"), (&**base, "base"), (&**theirs, "theirs")];
            let merged = self.ctx.repo.merge_with_markers(labelled)?;
            remove_all(ours)?;
            match merged {
                Some((merged, false)) => merged,
                _ => return Ok(None),
            }
        };
        for (entry, content) in [(theirs, &there), (ours, &here)] {
            if merged == *content && entry.mode == mode {
                return Ok(Some(entry.clone()));
            }
        }
        let oid = self.seal(&merged)?;
        Ok(Some(Entry { mode, oid }))
    }

    /// The lines of both, encrypted; `None` where one of them is not text, or cannot be read here.
    pub(super) fn union(
        &self,
        base: Option<&Entry>,
        ours: &Entry,
        theirs: &Entry,
    ) -> Result<Option<Entry>> {
        let (Some(here), Some(there)) = (self.open(ours)?, self.open(theirs)?) else {
            return Ok(None);
        };
        let before = match base.filter(|base| base.mode.is_regular()) {
            None => Vec::new(),
            Some(base) => match self.open(base)? {
                Some(before) => before,
                None => return Ok(None),
            },
        };
        let files = self.write([("ours", &here), ("base", &before), ("theirs", &there)])?;
        let [here, before, there] = &files;
        let merged = self.ctx.repo.merge_lines(there, before, here)?;
        remove_all(here)?;
        let Some(merged) = merged else {
            return Ok(None);
        };
        let (mode, oid) = (theirs.mode, self.seal(&merged)?);
        Ok(Some(Entry { mode, oid }))
    }

    /// Lets the user merge the versions in plain; the result, encrypted.
    ///
    /// # Errors
    /// When one of them cannot be read here; when the user's tool fails.
    pub(super) fn merge_by_hand(&self, versions: &Versions<'_>) -> Result<Oid> {
        let repo = self.ctx.repo;
        let path = versions.path;
        let closed = || {
            Error::blocked(format!(
                "'{path}' cannot be read with the keys of this machine"
            ))
            .hint(format!(
                "git sync --resolve --ours {path}   keeps this machine's"
            ))
            .hint(format!(
                "git sync --resolve --theirs {path}   takes the other"
            ))
        };
        let open = |entry: &Entry| self.open(entry)?.ok_or_else(closed);
        let base = match versions.base {
            Some(base) => Some((base, open(base)?)),
            None => None,
        };
        let sides = [
            (versions.ours, open(versions.ours)?),
            (versions.theirs, open(versions.theirs)?),
        ];
        // The user's tool wants objects: those go with the folder.
        let folder = marks::sealed::private_scratch(self.ctx, "merge")?;
        let objects = folder.join("objects");
        let files = folder.join("files");
        fs::create_dir_all(&objects)?;
        fs::create_dir_all(&files)?;
        let merge = || -> Result<Vec<u8>> {
            let write = |(entry, bytes): (&Entry, Vec<u8>)| -> Result<Entry> {
                let (mode, oid) = (entry.mode, repo.write_blob(bytes)?);
                Ok(Entry { mode, oid })
            };
            let base = base.map(write).transpose()?;
            let [ours, theirs] = sides.map(write);
            let (ours, theirs) = (ours?, theirs?);
            let plain = Versions {
                path,
                base: base.as_ref(),
                ours: &ours,
                theirs: &theirs,
            };
            let merged = repo.merge_by_hand(&plain, &files)?;
            repo.blob(&merged)
        };
        repo.set_quarantine(Some(objects));
        let merged = merge();
        repo.set_quarantine(None);
        fs::remove_scratch(&folder)?;
        self.seal(&merged?)
    }

    fn seal(&self, bytes: &[u8]) -> Result<Oid> {
        let sealed = marks::sealed::recipients(self.ctx)?.seal_bytes(bytes)?;
        self.ctx.repo.write_blob(sealed)
    }

    /// Private files for git to read.
    fn write(&self, contents: [(&str, &[u8]); 3]) -> Result<[PathBuf; 3]> {
        let folder = marks::sealed::private_scratch(self.ctx, "plain")?;
        for (name, bytes) in contents {
            fs::create_private(&folder.join(name), bytes)?;
        }
        Ok(contents.map(|(name, _)| folder.join(name)))
    }
}

/// Removes the folder of a file of [`Plain::write`].
fn remove_all(file: &Path) -> Result<()> {
    file.parent().map_or(Ok(()), fs::remove_scratch)
}
