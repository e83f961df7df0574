//! Who may read the copies, and folders with nothing in them: kept beside what git keeps.
//!
//! By itself a mode only ever gets narrower: git and many programs make a private file readable for all
//! when they write it anew, and nobody means that. To make it wider, mark it again.

use super::Marks;
use crate::error::Result;
use crate::model::cure::Phase;
use crate::model::mark::Mark;
use crate::model::modes::{MODES, Modes, Rule, allowed, full, is_usable};
use crate::model::path::RepoPath;
use crate::ops::Context;
use crate::ops::publish::Publication;
use crate::sys::fs::{self, Durable};
use crate::sys::tree::{self, Listed};
use std::collections::BTreeMap;
use std::path::Path;

impl Marks<'_, '_> {
    /// The same as [`Self::settle_modes`], where the copy or the list is not what was remembered.
    pub(super) fn settle_changed_modes(&mut self, mark: &Mark, record: bool) -> Result<()> {
        let path = mark.copy();
        let agreed = &self.agreed;
        let stamp = tree::stamp(&self.copy(mark))?;
        let known = self.remembered(mark).map(|known| &known.stamp);
        if known == stamp.as_ref() && agreed.below(&path) == self.modes.below(&path) {
            return Ok(());
        }
        self.settle_modes(mark, record)
    }

    /// Brings the modes of a copy and the list together; `record` says that what is narrower here than
    /// in the list was made so by somebody.
    pub(super) fn settle_modes(&mut self, mark: &Mark, record: bool) -> Result<()> {
        let path = mark.copy();
        let copy = self.copy(mark);
        if fs::look(&copy)?.is_none() {
            return Ok(());
        }
        let known = self.remembered(mark);
        let record = record && known.is_some_and(|known| known.phase == Phase::Linked);
        let listing = tree::listing(&copy)?;
        for listed in &listing {
            self.settle_one(&path, &copy, listed, record)?;
        }
        let is_there = |path: &RepoPath| listing.iter().any(|listed| inside(mark, listed) == *path);
        for (path, rule) in self.modes.below(&path) {
            if is_there(&path) {
                continue;
            }
            if self.agreed.get(&path).is_some() && record {
                // It was here, and somebody has removed it.
                self.modes.remove(&path);
            } else if rule.folder {
                let folder = path.below(self.ctx.repo.top());
                fs::create_dir_all(&folder)?;
                tree::set_mode(&folder, rule.mode)?;
            }
        }
        for (path, rule) in self.agreed.below(&path) {
            if rule.folder && self.modes.get(&path).is_none() {
                // Removed elsewhere; one with something in it stays.
                fs::remove_empty_tree(&path.below(self.ctx.repo.top()));
            }
        }
        Ok(())
    }

    fn settle_one(
        &mut self,
        path: &RepoPath,
        copy: &Path,
        listed: &Listed,
        record: bool,
    ) -> Result<()> {
        if !is_usable(listed.folder, listed.mode) {
            return Ok(());
        }
        let path = below(path, &listed.inside);
        let exec = listed.mode & 0o100 != 0;
        let full = full(listed.folder, exec);
        let rule = self
            .modes
            .get(&path)
            .filter(|rule| rule.folder == listed.folder);
        let allowed = allowed(rule, listed.folder, exec);
        let actual = listed.mode & allowed;
        if listed.mode & full & !allowed != 0 {
            tree::set_mode(&tree::below(copy, &listed.inside), actual)?;
        }
        let narrower = actual != allowed;
        if !narrower {
            self.memory.common.umask.remove(&path);
        }
        let says = narrower && !self.memory.common.umask.contains(&path);
        if (says || (listed.empty && rule.is_none())) && record {
            let (folder, mode) = (listed.folder, actual);
            self.modes.set(path, Rule { folder, mode });
        } else if says {
            // By the settings of this machine alone.
            self.memory.common.umask.insert(path);
        } else if rule.is_some_and(|rule| rule.mode == full) && !listed.empty && record {
            self.modes.remove(&path);
        }
        Ok(())
    }

    /// Gives a new copy that is not in its place yet what is said of it.
    pub(super) fn narrow_new(&self, mark: &Mark, partial: &Path) -> Result<()> {
        for listed in tree::listing(partial)? {
            let allowed = allowed(
                self.modes.get(&inside(mark, &listed)),
                listed.folder,
                listed.mode & 0o100 != 0,
            );
            let full = full(listed.folder, listed.mode & 0o100 != 0);
            if listed.mode & full & !allowed != 0 {
                tree::set_mode(&tree::below(partial, &listed.inside), listed.mode & allowed)?;
            }
        }
        Ok(())
    }

    /// Notes for the list what `from` has, the content of a mark, wider or narrower than before, and the
    /// folders above it here.
    pub(super) fn note_modes(&mut self, mark: &Mark, from: &Path) -> Result<()> {
        let path = mark.copy();
        let before: BTreeMap<_, _> = self.modes.below(&path).into_iter().collect();
        for path in before.keys() {
            self.modes.remove(path);
        }
        for listed in tree::listing(from)? {
            let path = below(&path, &listed.inside);
            if !is_usable(listed.folder, listed.mode) {
                if let Some(rule) = before.get(&path) {
                    self.modes.set(path, *rule);
                }
                continue;
            }
            let full = full(listed.folder, listed.mode & 0o100 != 0);
            let (folder, mode) = (listed.folder, listed.mode & full);
            if mode != full || listed.empty {
                self.modes.set(path, Rule { folder, mode });
            }
        }
        for above in mark.below_home().parents() {
            let Some(mode) = tree::mode(&above.below(&self.home))? else {
                continue;
            };
            let full = full(true, true);
            if mode & full != full {
                let rule = Rule {
                    folder: true,
                    mode: mode & full,
                };
                self.modes.set(copy_of(&above), rule);
            }
        }
        Ok(())
    }

    /// Makes the copy of an encrypted mark private before it is put where nothing stands. That is of this
    /// machine alone, and told to nobody.
    pub(super) fn keep_private(&mut self, mark: &Mark) -> Result<()> {
        if !self.is_sealed(mark) {
            return Ok(());
        }
        let copy = self.copy(mark);
        for listed in tree::listing(&copy)? {
            if listed.mode & 0o077 != 0 {
                tree::set_mode(&tree::below(&copy, &listed.inside), listed.mode & 0o700)?;
                self.memory.common.umask.insert(inside(mark, &listed));
            }
        }
        Ok(())
    }

    /// Gives the folders above a copy what is said of them.
    pub(super) fn narrow_above(&self, mark: &Mark) -> Result<()> {
        for above in mark.below_home().parents() {
            let path = copy_of(&above);
            let folder = path.below(self.ctx.repo.top());
            if let Some(rule) = self.modes.get(&path)
                && let Some(mode) = tree::mode(&folder)?
                && mode & !rule.mode != 0
            {
                tree::set_mode(&folder, mode & rule.mode)?;
            }
        }
        Ok(())
    }

    /// Makes the folders above a live path, as private as they are elsewhere.
    pub(super) fn make_folders(&self, mark: &Mark) -> Result<()> {
        for above in mark.below_home().parents() {
            let folder = above.below(&self.home);
            if fs::look(&folder)?.is_none() {
                let rule = self.modes.get(&copy_of(&above));
                tree::create_folder(&folder, rule.map_or(0o777, |rule| rule.mode))?;
            }
        }
        Ok(())
    }

    /// Says nothing more of copies that are over; neither of the folders above them, where they were the last.
    pub(super) fn drop_modes<'m>(
        &mut self,
        marks: impl IntoIterator<Item = &'m Mark>,
    ) -> Result<()> {
        let mut dropped = false;
        for mark in marks {
            for (path, _) in self.modes.below(&mark.copy()) {
                dropped |= self.modes.remove(&path);
            }
            for above in mark.below_home().parents() {
                if self.manifest.inside(&above).next().is_none() {
                    dropped |= self.modes.remove(&copy_of(&above));
                }
            }
        }
        if dropped { self.write_modes() } else { Ok(()) }
    }

    /// Writes the list, where it has changed.
    pub(super) fn write_modes(&mut self) -> Result<()> {
        let path = self.ctx.repo.top().join(MODES);
        let text = self.modes.text();
        let found = fs::read(&path)?;
        if found.as_deref().unwrap_or_default() != text.as_bytes() {
            fs::write_atomic(&path, text.as_bytes(), Durable::Yes)?;
        }
        self.memory.common.modes = text;
        self.agreed = self.modes.clone();
        Ok(())
    }
}

/// The list that comes with a publication, where that is about copies.
pub(in crate::ops) fn of_publication(
    ctx: &Context<'_>,
    publication: &Publication<'_>,
) -> Result<Modes> {
    let is_copy = |path: &RepoPath| path.as_bytes().starts_with(b"external/");
    if !publication
        .changes
        .iter()
        .any(|change| is_copy(&change.path))
    {
        return Ok(Modes::default());
    }
    let text = ctx.repo.file(publication.live_tree, MODES)?;
    Ok(Modes::parse(&text.unwrap_or_default()))
}

/// Gives a file that is about to get the place of `path` what is said of that.
pub(in crate::ops) fn narrow(modes: &Modes, path: &RepoPath, file: &Path) -> Result<()> {
    let (Some(rule), Some(mode)) = (modes.get(path), tree::mode(file)?) else {
        return Ok(());
    };
    let narrowed = mode & allowed(Some(rule), false, mode & 0o100 != 0);
    if narrowed == mode || tree::target(file)?.is_some() {
        return Ok(());
    }
    tree::set_mode(file, narrowed)
}

/// Makes the folders above `path`, as private as is said of them, before anything is in them.
pub(in crate::ops) fn make_folders_above(modes: &Modes, top: &Path, path: &RepoPath) -> Result<()> {
    for above in path.parents() {
        let folder = above.below(top);
        if fs::look(&folder)?.is_none() {
            let rule = modes.get(&above).filter(|rule| rule.folder);
            tree::create_folder(&folder, rule.map_or(0o777, |rule| rule.mode))?;
        }
    }
    Ok(())
}

/// The list as it stands in the work tree.
pub(super) fn read(ctx: &Context<'_>) -> Result<Modes> {
    let text = fs::read(&ctx.repo.top().join(MODES))?;
    Ok(Modes::parse(&text.unwrap_or_default()))
}

/// The copy of what is at `path` below the home.
fn copy_of(path: &RepoPath) -> RepoPath {
    let mut copy = format!("{}/", crate::model::mark::COPIES).into_bytes();
    copy.extend_from_slice(path.as_bytes());
    RepoPath::from_bytes(copy)
}

fn inside(mark: &Mark, listed: &Listed) -> RepoPath {
    below(&mark.copy(), &listed.inside)
}

fn below(path: &RepoPath, inside: &[u8]) -> RepoPath {
    let mut bytes = path.as_bytes().to_vec();
    if !inside.is_empty() {
        bytes.push(b'/');
        bytes.extend_from_slice(inside);
    }
    RepoPath::from_bytes(bytes)
}
