//! What a backup is made of: the user's files in the work tree, and what is marked outside of it.

use super::in_archive;
use crate::error::Result;
use crate::git::files::Sieve;
use crate::model::backup::{Entry, HOME, Kind, REPO, may_have};
use crate::model::path::RepoPath;
use crate::ops::Context;
use crate::ops::marks;
use crate::store::backups::read::{self, Roots};
use crate::sys::{env, fs};
use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Where everything is that goes into a backup; another thread looks there.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) roots: Roots,
    sieve: Sieve,
    /// Paths below the home.
    marked: Vec<RepoPath>,
    /// Names in the archive that are wanted although git does not see what has them.
    extra: Vec<RepoPath>,
    local: bool,
}

/// What cannot be read, and why.
pub(super) type Unread = Vec<(RepoPath, String)>;

impl Sources {
    /// What there is for a backup of the repository of `ctx`.
    pub(super) fn of(ctx: &Context<'_>, extra: &[RepoPath]) -> Result<Self> {
        Ok(Self {
            roots: Roots {
                top: ctx.repo.top().to_owned(),
                home: env::home(),
            },
            sieve: ctx.repo.sieve()?,
            marked: marks::outside(ctx)?,
            extra: extra.to_vec(),
            local: ctx.settings.backup.local,
        })
    }

    /// Looks at all of it.
    pub(super) fn find(&self) -> Result<(Vec<Entry>, Unread)> {
        let mut found = Found::default();
        let top = &self.roots.top;
        if let Some(folder) = fs::look(top)? {
            found.take(RepoPath::from_bytes(REPO), top, &folder)?;
        }
        let files = self.sieve.files(self.local)?;
        for (path, metadata) in &files.found {
            found.take(in_archive(path), &path.below(top), metadata)?;
        }
        for name in &self.extra {
            let Some(place) = self.roots.place(name) else {
                continue;
            };
            if let Some(metadata) = fs::look(&place)?.filter(|found| !found.is_dir()) {
                found.take(name.clone(), &place, &metadata)?;
            }
        }
        let unread = files.unread.into_iter();
        found
            .unread
            .extend(unread.map(|(path, why)| (in_archive(&path), why)));
        if let Some(home) = &self.roots.home {
            for path in &self.marked {
                found.tree(&in_home(path), &path.below(home))?;
            }
        }
        Ok(found.sorted())
    }
}

fn in_home(path: &RepoPath) -> RepoPath {
    joined(&RepoPath::from_bytes(HOME), path.as_bytes())
}

fn joined(folder: &RepoPath, name: &[u8]) -> RepoPath {
    let mut path = folder.as_bytes().to_vec();
    path.push(b'/');
    path.extend_from_slice(name);
    RepoPath::from_bytes(path)
}

#[derive(Default)]
struct Found {
    /// Each with the file that it is, where that has other names.
    entries: Vec<(Entry, Option<(u64, u64)>)>,
    unread: Unread,
}

impl Found {
    fn take(&mut self, name: RepoPath, place: &Path, found: &Metadata) -> Result<()> {
        if let Some(entry) = read::found(name, place, found)? {
            let shared = found.is_file() && found.nlink() > 1;
            let file = shared.then(|| (found.dev(), found.ino()));
            self.entries.push((entry, file));
        }
        Ok(())
    }

    /// Takes what stands at `place`, and everything in it.
    fn tree(&mut self, name: &RepoPath, place: &Path) -> Result<()> {
        let Some(found) = fs::look(place)? else {
            return Ok(());
        };
        self.take(name.clone(), place, &found)?;
        if !found.is_dir() {
            return Ok(());
        }
        match fs::names(place) {
            Ok(names) => {
                for inside in names {
                    self.tree(&joined(name, inside.as_bytes()), &place.join(&inside))?;
                }
            }
            Err(error) => {
                self.unread.push((name.clone(), error.root_cause()));
            }
        }
        Ok(())
    }

    /// All of it by name; of a file with several names, the first has the content.
    fn sorted(mut self) -> (Vec<Entry>, Unread) {
        self.entries.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        self.entries.dedup_by(|(b, _), (a, _)| a.path == b.path);
        // No sync touches them either, and nobody could tell a restore from an attack.
        let stands_for_git = |(entry, _): &mut (Entry, _)| !may_have(&entry.path);
        let left_out = self.entries.extract_if(.., stands_for_git);
        let why = "its name stands for '.git' on some systems";
        self.unread
            .extend(left_out.map(|(entry, _)| (entry.path, why.to_owned())));
        let mut firsts = HashMap::new();
        let entries = self.entries.into_iter().map(|(entry, file)| {
            let Some(file) = file else { return entry };
            match firsts.get(&file) {
                None => {
                    firsts.insert(file, entry.path.clone());
                    entry
                }
                Some(first) => Entry {
                    kind: Kind::Hard,
                    link: Some(RepoPath::clone(first)),
                    size: 0,
                    stamp: None,
                    sparse: false,
                    ..entry
                },
            }
        });
        (entries.collect(), self.unread)
    }
}
