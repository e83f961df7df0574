//! What differs between HEAD, the index and the work tree.
//!
//! gix looks, in this process and on all cores. Where the user has told git to keep a memory of the
//! work tree (fsmonitor, untracked cache), or the index is of a kind that gix does not read, git is
//! asked: then it is the faster one, or the only one.

use super::Repo;
use super::command::Git;
use super::tree::unread;
use crate::error::{Error, Result};
use crate::model::path::RepoPath;
use crate::sys::fs;
use gix::bstr::BString;
use gix::index::entry::Flags;
use gix::worktree::IndexPersistedOrInMemory;
use std::collections::BTreeSet;

/// What marks an entry that the user told git not to look at.
const UNWATCHED: Flags = Flags::ASSUME_VALID.union(Flags::SKIP_WORKTREE);

/// What git says of a folder that it passes over, as it cannot open it.
const BLIND: &str = "could not open directory";

/// So often git is asked, where it could not open a folder that we can.
const LOOKS: usize = 3;

/// So many paths fit on a command line, whatever their names: 4096 bytes each at most, of two mebibytes.
const ARGUMENTS: usize = 400;

/// What a look at the work tree found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Tracked paths whose file differs from the index or is gone, and new paths, sorted.
    pub changed: BTreeSet<RepoPath>,
    /// Those of `changed` that are not tracked.
    pub untracked: BTreeSet<RepoPath>,
    /// Paths in which the index differs from HEAD.
    pub staged: BTreeSet<RepoPath>,
    /// Paths with a merge conflict of the user's own.
    pub unmerged: BTreeSet<RepoPath>,
    /// Submodules that stand on another commit than the index says.
    pub submodules: BTreeSet<RepoPath>,
    /// Repositories inside the work tree that are no submodules.
    pub nested: BTreeSet<RepoPath>,
    /// Things that git cannot keep: pipes, sockets, devices.
    pub untrackable: BTreeSet<RepoPath>,
    /// Folders that cannot be looked into: whether anything in them has changed is not known.
    pub unreadable: BTreeSet<RepoPath>,
}

impl Scan {
    /// Nothing to commit?
    pub fn is_clean(&self) -> bool {
        self.changed.is_empty() && self.staged.is_empty() && self.submodules.is_empty()
    }

    /// Every path with a change that is in no commit.
    pub fn dirty(&self) -> BTreeSet<&RepoPath> {
        self.changed
            .iter()
            .chain(&self.staged)
            .chain(&self.submodules)
            .collect()
    }
}

impl Repo {
    /// Looks at the whole work tree; `untracked` says whether to look for new files too.
    pub fn scan(&self, untracked: bool) -> Result<Scan> {
        self.check_index()?;
        let mut scan = if self.prefers_git_status() {
            self.scan_with_git(untracked)?
        } else {
            match self.scan_with_gix(untracked) {
                // git would pass over the rest of a folder, without a word.
                Err(error) if fs::is_failure(&error) => return Err(error),
                // What gix cannot read (a sparse index, an unreadable file) git may.
                Err(_) => self.scan_with_git(untracked)?,
                Ok(scan) => scan,
            }
        };
        for paths in [&mut scan.changed, &mut scan.untracked, &mut scan.staged] {
            paths.retain(|path| !path.is_private());
        }
        let local = self.kept_local(&scan.untracked)?;
        for paths in [&mut scan.changed, &mut scan.untracked] {
            paths.retain(|path| !local.contains(path));
        }
        scan.unreadable.retain(|path| !path.is_local());
        Ok(scan)
    }

    /// Is git the one that looks at the work tree?
    pub(super) fn prefers_git_status(&self) -> bool {
        let on = |key| self.config_text(key).is_some_and(|value| value != "false");
        on("core.fsmonitor")
            || self
                .config_text("core.untrackedCache")
                .is_some_and(|v| v == "true")
            || self.excludes_everything()
            || self.has_split_index()
    }

    /// gix reads only the half of a split index that is in the index file.
    fn has_split_index(&self) -> bool {
        let index = self.read_index().ok().flatten();
        index.is_some_and(|index| index.link().is_some())
    }

    /// Tracked paths that the user told git not to look at, so that changes of them are in no scan.
    pub fn unwatched(&self) -> Result<BTreeSet<RepoPath>> {
        let Some(index) = self.read_index()? else {
            return Ok(BTreeSet::new());
        };
        let entries = index
            .entries()
            .iter()
            .filter(|entry| entry.flags.intersects(UNWATCHED));
        Ok(entries
            .map(|entry| RepoPath::from_bytes(entry.path(&index).to_vec()))
            .collect())
    }

    /// Changed files that were written in the same second as the index, and differ from what it remembers
    /// in the fraction: gix compares whole seconds, and takes an entry for clean that is not.
    fn too_young(&self) -> Result<BTreeSet<RepoPath>> {
        use std::os::unix::fs::MetadataExt as _;
        let Some(index) = self.read_index()? else {
            return Ok(BTreeSet::new());
        };
        let Some(written) = fs::look(&self.index_path())? else {
            return Ok(BTreeSet::new());
        };
        let young = index
            .entries()
            .iter()
            .filter(|entry| i64::from(entry.stat.mtime.secs) >= written.mtime())
            .filter(|entry| !entry.flags.intersects(UNWATCHED));
        let mut changed = BTreeSet::new();
        for entry in young {
            let path = RepoPath::from_bytes(entry.path(&index).to_vec());
            let Some(found) = fs::look(&path.below(self.top()))? else {
                continue;
            };
            let same = i64::from(entry.stat.mtime.nsecs) == found.mtime_nsec()
                && i64::from(entry.stat.ctime.nsecs) == found.ctime_nsec();
            if found.is_file() && !same {
                changed.insert(path);
            }
        }
        self.really_changed(changed)
    }

    /// Those of `paths` whose content is not what the index has. Git looks into them; a new mode of a file
    /// that only its owner may read, say, is no change.
    fn really_changed(&self, paths: BTreeSet<RepoPath>) -> Result<BTreeSet<RepoPath>> {
        if paths.is_empty() {
            return Ok(paths);
        }
        // `git diff` would lock the user's index, and write it, to remember what it has seen; kept from
        // that (diff.autoRefreshIndex=false) it takes another time for another content.
        let output = self.ls_files(&["--modified"], &paths).output()?;
        let names = output.split(|byte| *byte == 0);
        Ok(names
            .filter(|name| !name.is_empty())
            .map(RepoPath::from_bytes)
            .filter(|name| paths.contains(name))
            .collect())
    }

    /// Has git name paths, of those below `paths`; and others, where these are too many for a command line.
    fn ls_files(&self, which: &[&str], paths: &BTreeSet<RepoPath>) -> Git<'_> {
        let few = paths.iter().take_while(|_| paths.len() <= ARGUMENTS);
        self.git("ls-files")
            .args(which)
            .args(["-z", "--"])
            .args(few.map(RepoPath::as_os_str))
            .env("GIT_LITERAL_PATHSPECS", "1")
    }

    fn scan_with_gix(&self, untracked: bool) -> Result<Scan> {
        use gix::status::{Item, UntrackedFiles, tree_index::TrackRenames};
        let ignore = gix::submodule::config::Ignore::Dirty;
        let mut platform = self
            .gix()
            .status(gix::progress::Discard)
            .map_err(unreadable_tree)?
            .untracked_files(if untracked {
                UntrackedFiles::Files
            } else {
                UntrackedFiles::None
            })
            .index_worktree_rewrites(None)
            .index_worktree_submodules(gix::status::Submodule::Given {
                ignore,
                check_dirty: false,
            })
            .tree_index_track_renames(TrackRenames::Disabled);
        if let Some(index) = self.read_index()? {
            platform = platform.index(IndexPersistedOrInMemory::Persisted(index));
        }
        let mut scan = Scan::default();
        let none = Vec::<BString>::new();
        if self.index_is_of_head()? {
            let items = platform
                .into_index_worktree_iter(none)
                .map_err(unreadable_tree)?;
            for item in items {
                scan.add_work_tree(item.map_err(unreadable_tree)?);
            }
        } else {
            for item in platform.into_iter(none).map_err(unreadable_tree)? {
                match item.map_err(unreadable_tree)? {
                    Item::IndexWorktree(item) => scan.add_work_tree(item),
                    Item::TreeIndex(change) => {
                        scan.staged
                            .insert(RepoPath::from_bytes(change.location().to_vec()));
                    }
                }
            }
        }
        scan.changed.extend(self.too_young()?);
        Ok(scan)
    }

    /// Does the index remember that it is the same as the tree of HEAD? Comparing the two would
    /// build a second index: a sixth of the whole scan.
    fn index_is_of_head(&self) -> Result<bool> {
        let Some(index) = self.read_index()? else {
            return Ok(false);
        };
        let Some(tree) = index.tree().filter(|tree| tree.num_entries.is_some()) else {
            return Ok(false);
        };
        // An entry that is only promised (`git add -N`) is in the index and in no tree.
        Ok(self.gix().head_tree_id().is_ok_and(|head| head == tree.id))
    }

    fn scan_with_git(&self, untracked: bool) -> Result<Scan> {
        let mut complaints = String::new();
        for _ in 0..LOOKS {
            let (mut scan, said) = self.ask_git(untracked)?;
            complaints = said;
            if !complaints.contains(BLIND) {
                return Ok(scan);
            }
            let unread = self.sieve()?.files(true)?.unread;
            if !unread.is_empty() {
                scan.unreadable = unread.into_iter().map(|(folder, _)| folder).collect();
                return Ok(scan);
            }
            // It can be opened by now, or is gone; what is in it is not in the scan.
        }
        let error = Error::failed("the work tree cannot be read").because(complaints);
        Err(error.hint("run the same again; nothing was changed"))
    }

    /// What git says, and what it complains about.
    fn ask_git(&self, untracked: bool) -> Result<(Scan, String)> {
        // Asked for all files, git does not use its memory of untracked ones: whole folders are
        // opened up afterwards, and there are few.
        let looked = self
            .git("status")
            .args([
                "--porcelain=v2",
                "-z",
                "--no-renames",
                "--ignore-submodules=dirty",
            ])
            .arg(if untracked {
                "--untracked-files=normal"
            } else {
                "--untracked-files=no"
            })
            .answer()?;
        if !looked.success() {
            let said = looked.complaint();
            return Err(if said.contains("index") {
                self.unreadable_index(&said)
            } else {
                super::command::complaint("status", &looked)
            });
        }
        let mut scan = parse(&looked.stdout).ok_or_else(|| unread("status"))?;
        let mut complaints = looked.complaint();
        complaints += &self.open_up(&mut scan)?;
        Ok((scan, complaints))
    }

    /// Replaces untracked folders by the files in them; what stays is a repository of its own. What git
    /// complained about.
    fn open_up(&self, scan: &mut Scan) -> Result<String> {
        if scan.nested.is_empty() {
            return Ok(String::new());
        }
        let folders = std::mem::take(&mut scan.nested);
        let listed = self.ls_files(&["--others", "--exclude-standard"], &folders);
        let listed = listed.answer()?;
        if !listed.success() {
            return Err(super::command::complaint("ls-files", &listed));
        }
        let names = listed.stdout.split(|byte| *byte == 0);
        for name in names.filter(|name| !name.is_empty()) {
            scan.add_untracked(name);
        }
        Ok(listed.complaint())
    }
}

fn unreadable_tree(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::failed("the work tree cannot be read").because(source)
}

impl Scan {
    /// An untracked file, or (with `/` at its end) a folder that git did not look into.
    fn add_untracked(&mut self, name: &[u8]) {
        if let Some(folder) = name.strip_suffix(b"/") {
            self.nested.insert(RepoPath::from_bytes(folder));
        } else {
            let path = RepoPath::from_bytes(name);
            self.untracked.insert(path.clone());
            self.changed.insert(path);
        }
    }

    fn add_work_tree(&mut self, item: gix::status::index_worktree::Item) {
        use gix::dir::entry::{Kind, Status};
        use gix::status::index_worktree::Item;
        use gix::status::plumbing::index_as_worktree::{Change, EntryStatus};
        match item {
            Item::Modification {
                rela_path,
                status,
                entry,
                ..
            } => {
                let path = RepoPath::from_bytes(Vec::from(rela_path));
                let submodule = entry.mode == gix::index::entry::Mode::COMMIT;
                match status {
                    // A submodule that is not checked out here is not one that was removed here.
                    EntryStatus::Change(Change::Removed) if submodule => {}
                    EntryStatus::Conflict { .. } => {
                        self.unmerged.insert(path);
                    }
                    EntryStatus::NeedsUpdate(_) => {}
                    EntryStatus::Change(Change::SubmoduleModification(_)) => {
                        self.submodules.insert(path);
                    }
                    EntryStatus::Change(_) | EntryStatus::IntentToAdd => {
                        self.changed.insert(path);
                    }
                }
            }
            Item::DirectoryContents { entry, .. } => {
                if entry.status != Status::Untracked {
                    return;
                }
                let path = RepoPath::from_bytes(Vec::from(entry.rela_path));
                match entry.disk_kind {
                    Some(Kind::Repository) => self.nested.insert(path),
                    Some(Kind::Untrackable) => self.untrackable.insert(path),
                    Some(Kind::Directory) => false,
                    _ => self.untracked.insert(path.clone()) && self.changed.insert(path),
                };
            }
            // Renames are not asked for.
            Item::Rewrite { .. } => {}
        }
    }
}

/// Reads `git status --porcelain=v2 -z --no-renames`.
fn parse(output: &[u8]) -> Option<Scan> {
    let mut scan = Scan::default();
    for record in output
        .split(|byte| *byte == 0)
        .filter(|record| !record.is_empty())
    {
        // The path is the last field, and may itself hold blanks.
        let field = |number: usize| {
            let mut fields = record.splitn(number + 1, |byte| *byte == b' ');
            fields
                .nth(number)
                .map(|bytes| RepoPath::from_bytes(bytes.to_vec()))
        };
        match record.first()? {
            b'1' => {
                let (path, state) = (field(8)?, record.get(2..4)?);
                let submodule = record.get(5)? == &b'S';
                if state[0] != b'.' {
                    scan.staged.insert(path.clone());
                }
                match (state[1], submodule) {
                    (b'.', _) | (b'D', true) => {}
                    (b'M', true) => drop(scan.submodules.insert(path)),
                    _ => drop(scan.changed.insert(path)),
                }
            }
            b'u' => drop(scan.unmerged.insert(field(10)?)),
            b'?' => {
                let path = field(1)?;
                if let Some(folder) = path.as_bytes().strip_suffix(b"/") {
                    scan.nested.insert(RepoPath::from_bytes(folder.to_vec()));
                } else {
                    scan.untracked.insert(path.clone());
                    scan.changed.insert(path);
                }
            }
            _ => {}
        }
    }
    Some(scan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged};
    use proptest::prelude::*;

    fn names(paths: &BTreeSet<RepoPath>) -> Vec<String> {
        paths.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_words_of_git_status_are_read() {
        let zero = "0".repeat(40);
        let line = |xy: &str, sub: &str, path: &str| {
            format!("1 {xy} {sub} 100644 100644 100644 {zero} {zero} {path}\0")
        };
        let output = [
            "# branch.head main\0".to_owned(),
            line("M.", "N...", "staged file"),
            line(".D", "N...", "gone"),
            line("AM", "N...", "both"),
            line(".M", "SC..", "sub"),
            format!("u UU N... 100644 100644 100644 100644 {zero} {zero} {zero} con flict\0"),
            "? new file\0? nested/\0".to_owned(),
        ]
        .concat();
        let scan = parse(output.as_bytes()).expect("a good listing");
        assert_eq!(names(&scan.staged), ["both", "staged file"]);
        assert_eq!(names(&scan.changed), ["both", "gone", "new file"]);
        assert_eq!(names(&scan.submodules), ["sub"]);
        assert_eq!(names(&scan.unmerged), ["con flict"]);
        assert_eq!(names(&scan.untracked), ["new file"]);
        assert_eq!(names(&scan.nested), ["nested"]);
    }

    const LISTING: &str = "# branch.head main\0\
        1 .M N... 100644 100644 100644 1111111111111111111111111111111111111111 \
        1111111111111111111111111111111111111111 a b\0\
        1 .M SC.. 160000 160000 160000 1111111111111111111111111111111111111111 \
        1111111111111111111111111111111111111111 sub\0\
        u UU N... 100644 100644 100644 100644 1111111111111111111111111111111111111111 \
        1111111111111111111111111111111111111111 1111111111111111111111111111111111111111 c\0? new\0? nested/\0";

    proptest! {
        #[test]
        fn words_of_anything_are_read_or_refused(output in bytes(), other in damaged(LISTING)) {
            for output in [output, other] {
                if let Some(scan) = parse(&output) {
                    prop_assert!(scan.untracked.is_subset(&scan.changed));
                }
            }
        }
    }
}
