//! An index of our own: trees are made in it, and the user's stays as it is until the end.

use super::Repo;
use super::command::Git;
use super::repo::{Branch, Head};
use crate::error::{Error, Result};
use crate::model::entry::{Entry, Mode, Oid};
use crate::model::path::RepoPath;
use crate::sys::fs;
use crate::sys::progress::Progress;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// A file in git's index format that only we use.
#[derive(Debug)]
pub struct PrivateIndex<'repo> {
    repo: &'repo Repo,
    path: PathBuf,
}

impl<'repo> PrivateIndex<'repo> {
    /// A copy of the user's index at `path`: what the user staged is in it, and what git remembers
    /// of the files, so that only changed ones are read. Its time is copied too: git tells by it which
    /// entries are too young to be believed.
    pub fn copy_of_users(repo: &'repo Repo, path: PathBuf) -> Result<Self> {
        fs::remove_file(&path)?;
        let users = repo.index_path();
        if fs::look(&users)?.is_some() {
            fs::copy(&users, &path)?;
        }
        Ok(Self { repo, path })
    }

    /// A copy of this one at `path`.
    pub fn copy_to(&self, path: PathBuf) -> Result<Self> {
        fs::remove_file(&path)?;
        if fs::look(&self.path)?.is_some() {
            fs::copy(&self.path, &path)?;
        }
        Ok(Self {
            repo: self.repo,
            path,
        })
    }

    /// An empty one at `path`.
    pub fn empty(repo: &'repo Repo, path: PathBuf) -> Result<Self> {
        fs::remove_file(&path)?;
        Ok(Self { repo, path })
    }

    /// A git command that works on it. It is flushed once, when it becomes the user's: until then it can
    /// be made again.
    fn git(&self, name: &str) -> Git<'repo> {
        let git = self.repo.git(name).setting("core.fsync=all,-index");
        git.index(&self.path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes in what stands in the work tree at `paths`, filters applied: content, mode, or that
    /// there is nothing. Returns those whose names git refuses, such as `git~1`.
    pub fn take_in<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a RepoPath>,
    ) -> Result<Vec<RepoPath>> {
        self.take_in_with(paths, &Progress::hidden())
    }

    /// The same, telling `progress` of each.
    pub fn take_in_with<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a RepoPath>,
        progress: &Progress,
    ) -> Result<Vec<RepoPath>> {
        // A folder that was replaced by a link: git refuses to look through it, and rightly.
        let mut seen = HashMap::new();
        let (reachable, beyond): (Vec<_>, Vec<_>) = paths
            .into_iter()
            .partition(|path| !self.is_beyond_link(path, &mut seen));
        self.set(beyond.into_iter().map(|path| (path, None)))?;
        if reachable.is_empty() {
            return Ok(Vec::new());
        }
        let ended = self
            .git("update-index")
            .args(["--add", "--remove", "--replace", "-z", "--stdin"])
            .stdin(joined(reachable.iter().copied()))
            .counting(progress)
            .answer()?;
        if ended.success() {
            Ok(refused(&ended.stderr, &reachable))
        } else {
            Err(super::command::complaint("update-index", &ended))
        }
    }

    fn is_beyond_link(&self, path: &RepoPath, seen: &mut HashMap<RepoPath, bool>) -> bool {
        path.parents().any(|parent| {
            *seen.entry(parent).or_insert_with_key(|parent| {
                let found = fs::look(&parent.below(self.repo.top()));
                found.ok().flatten().is_some_and(|found| found.is_symlink())
            })
        })
    }

    /// Sets entries without looking at the work tree; `None` removes one.
    pub fn set<'a>(
        &self,
        entries: impl IntoIterator<Item = (&'a RepoPath, Option<&'a Entry>)>,
    ) -> Result<()> {
        self.set_all_but_refused(entries).map(drop)
    }

    /// The same; what git said of the names that it refuses.
    fn set_all_but_refused<'a>(
        &self,
        entries: impl IntoIterator<Item = (&'a RepoPath, Option<&'a Entry>)>,
    ) -> Result<Vec<u8>> {
        let mut removals = Vec::new();
        let mut additions = Vec::new();
        for (path, entry) in entries {
            let (to, meta) = match entry {
                Some(Entry { mode, oid }) => (&mut additions, format!("{} {oid}\t", mode.octal())),
                None => (&mut removals, format!("0 {}\t", "0".repeat(40))),
            };
            to.extend_from_slice(meta.as_bytes());
            to.extend_from_slice(path.as_bytes());
            to.push(0);
        }
        // A file that becomes a folder: its removal must come before what is added below it.
        removals.extend(additions);
        if removals.is_empty() {
            return Ok(Vec::new());
        }
        let ended = self
            .git("update-index")
            .args(["--add", "--replace", "-z", "--index-info"])
            .stdin(removals)
            .answer()?;
        if ended.success() {
            Ok(ended.stderr)
        } else {
            Err(super::command::complaint("update-index", &ended))
        }
    }

    /// Puts a path into it as a conflict: (stage, version), as a merge would leave it.
    pub fn set_stages(&self, path: &RepoPath, stages: &[(u8, Option<&Entry>)]) -> Result<()> {
        let mut input = Vec::new();
        for (stage, entry) in stages {
            if let Some(Entry { mode, oid }) = entry {
                input.extend_from_slice(format!("{} {oid} {stage}\t", mode.octal()).as_bytes());
                input.extend_from_slice(path.as_bytes());
                input.push(0);
            }
        }
        let update = self.git("update-index").args(["-z", "--index-info"]);
        update.stdin(input).run()
    }

    /// Makes it the same as `tree`; what it remembers of files that stay the same is kept.
    pub fn become_tree(&self, tree: &Oid) -> Result<()> {
        let read = self.git("read-tree");
        // Without an index there is nothing to keep, and `-m` wants one.
        // Nor is the work tree asked (`-i`): it is still as the old tree has it.
        let read = if fs::look(&self.path)?.is_some() {
            read.args(["-m", "-i"])
        } else {
            read
        };
        read.arg(tree.as_str()).run()
    }

    /// Fills in what git remembers of the files, where that is missing.
    pub fn refresh(&self) -> Result<()> {
        // It fails where files differ from the index: that is no failure of the refresh.
        self.git("update-index")
            .args(["-q", "--unmerged", "--ignore-missing", "--refresh"])
            .answer()
            .map(drop)
    }

    /// Writes what is in it as a tree.
    pub fn write_tree(&self) -> Result<Oid> {
        self.git("write-tree").oid()
    }

    /// Removes the file.
    pub fn discard(self) -> Result<()> {
        fs::remove_file(&self.path)
    }
}

impl Repo {
    /// Checks that the user's index can be read, and is there once something was committed.
    ///
    /// It is not made again from the last commit here: what is staged is in the index alone. And an
    /// index that is gone, as in a clone without a checkout, looks like a user who deleted everything.
    pub fn check_index(&self) -> Result<()> {
        let path = self.index_path();
        if fs::look(&path)?.is_none() {
            return match self.head()? {
                Head::Branch(Branch { tip: Some(_), .. }) => Err(Error::fatal(format!(
                    "the index '{}' is gone",
                    path.display()
                ))
                .hint(
                    "git reset   makes it again from the last commit; your files stay as they are",
                )
                .hint("git reset --hard   checks the files out, where they never were")),
                _ => Ok(()),
            };
        }
        if self.prefers_git_status() {
            // It is read once, by git: to read it here too would take as long as all the rest.
            return Ok(());
        }
        match self.gix().try_index() {
            Ok(_) => Ok(()),
            Err(source) => Err(self.unreadable_index(&source.to_string())),
        }
    }

    /// The user's index; `None` where there is none. gix takes one that it could not look at for none.
    pub(super) fn read_index(&self) -> Result<Option<gix::worktree::Index>> {
        let unreadable = |why: String| Error::failed("the index cannot be read").because(why);
        let index = self.gix().try_index();
        let index = index.map_err(|source| unreadable(source.to_string()))?;
        let path = self.index_path();
        if index.is_none() && fs::look(&path)?.is_some() {
            return Err(unreadable(format!("'{}' is there", path.display())));
        }
        Ok(index)
    }

    /// The index is there, and nobody can make anything of it.
    pub(super) fn unreadable_index(&self, why: &str) -> Error {
        let path = self.index_path();
        let name = path.display();
        Error::fatal(format!("the index '{name}' cannot be read"))
            .because(why.to_owned())
            .hint(format!(
                "mv '{name}' '{name}.broken' && git reset   makes it again from the last commit; your \
                 files stay as they are"
            ))
            .hint("git fsck --lost-found   finds what was staged and then edited further")
            .hint("nothing was changed")
    }

    /// Those of `names` that git takes from nobody, such as `git~1`: somebody's system would take them
    /// for `.git`. What kind of thing has the name counts too.
    pub fn refused_names(
        &self,
        names: impl IntoIterator<Item = (RepoPath, Mode)>,
        scratch: PathBuf,
    ) -> Result<Vec<RepoPath>> {
        // Only the names matter, and no content is looked at.
        let digits = self.gix().object_hash().len_in_hex();
        let Some(oid) = Oid::parse(&"1".repeat(digits)) else {
            return Ok(Vec::new());
        };
        let entries: Vec<_> = names
            .into_iter()
            .filter(|(path, _)| path.may_be_refused())
            .map(|(path, mode)| {
                (
                    path,
                    Entry {
                        mode,
                        oid: oid.clone(),
                    },
                )
            })
            .collect();
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let index = PrivateIndex::empty(self, scratch)?;
        let said = index.set_all_but_refused(entries.iter().map(|(path, e)| (path, Some(e))))?;
        let paths: Vec<_> = entries.iter().map(|(path, _)| path).collect();
        index.discard()?;
        Ok(refused(&said, &paths))
    }

    /// The tree `tree` with `entries` in place of what it has there.
    pub fn tree_with<'a>(
        &self,
        tree: &Oid,
        entries: impl IntoIterator<Item = (&'a RepoPath, Option<&'a Entry>)>,
        scratch: PathBuf,
    ) -> Result<Oid> {
        let index = PrivateIndex::empty(self, scratch)?;
        index.become_tree(tree)?;
        index.set(entries)?;
        let tree = index.write_tree()?;
        index.discard()?;
        Ok(tree)
    }
}

/// Those of `paths` that git left out: it says so, and calls that a success.
fn refused(said: &[u8], paths: &[&RepoPath]) -> Vec<RepoPath> {
    const WORDS: &[u8] = b"Ignoring path ";
    if !said.windows(WORDS.len()).any(|words| words == WORDS) {
        return Vec::new();
    }
    let told: HashSet<_> = said.split(|byte| *byte == b'\n').collect();
    let is_told = |path: &RepoPath| {
        let line = [WORDS, path.as_bytes()].concat();
        // Names are told as they are, and one with line ends in it is more than a line.
        told.contains(&*line)
            || (line.contains(&b'\n') && said.windows(line.len()).any(|text| text == line))
    };
    let left_out = paths.iter().filter(|path| is_told(path));
    left_out.map(|path| (*path).clone()).collect()
}

/// Paths as git's `-z` wants them.
pub(super) fn joined<'a>(paths: impl IntoIterator<Item = &'a RepoPath>) -> Vec<u8> {
    let mut joined = Vec::new();
    for path in paths {
        joined.extend_from_slice(path.as_bytes());
        joined.push(0);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, path};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn git_is_understood_whatever_names_it_says(
            noise in bytes(), paths in proptest::collection::vec((path(), any::<bool>()), 0..5),
        ) {
            let mut said = noise.to_vec();
            for (path, told) in &paths {
                if *told {
                    said.extend_from_slice(b"\nIgnoring path ");
                    said.extend_from_slice(path.as_bytes());
                    said.push(b'\n');
                }
            }
            let asked: Vec<_> = paths.iter().map(|(path, _)| path).collect();
            let refused = refused(&said, &asked);
            for (path, told) in &paths {
                prop_assert!(!told || refused.contains(path));
            }
        }
    }
}
