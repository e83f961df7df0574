//! What trees and blobs hold, and how two trees differ.
//!
//! Read through git and not in-process, because a dry run keeps its objects where only git is told
//! to look; a sync without changes never comes here.

use super::Repo;
use crate::error::{Error, Result};
use crate::model::entry::{Change, Entries, Entry, Mode, Oid};
use crate::model::path::RepoPath;
use std::path::Path;

impl Repo {
    /// The tree of a commit.
    pub fn tree_of(&self, commit: &Oid) -> Result<Oid> {
        if let Some(tree) = self.known_trees().borrow().get(commit) {
            return Ok(tree.clone());
        }
        let spec = format!("{commit}^{{tree}}");
        let tree = self
            .git("rev-parse")
            .args(["--verify", "-q", &spec])
            .oid()?;
        self.known_trees()
            .borrow_mut()
            .insert(commit.clone(), tree.clone());
        Ok(tree)
    }

    /// The tree with nothing in it.
    pub fn empty_tree(&self) -> Result<Oid> {
        // `git mktree` would do, but it is one of the few that do not read `core.fsync`.
        self.git("hash-object")
            .args(["-t", "tree", "-w", "--stdin"])
            .stdin(Vec::new())
            .oid()
    }

    /// The paths in which two trees (or commits) differ, sorted, renames as a removal and an
    /// addition.
    pub fn changes(&self, old: &Oid, new: &Oid) -> Result<Vec<Change>> {
        if old == new {
            return Ok(Vec::new());
        }
        let output = self
            .git("diff-tree")
            .args([
                "-r",
                "-z",
                "--raw",
                "--no-renames",
                "--full-index",
                "--ignore-submodules=none",
            ])
            .args([old.as_str(), new.as_str()])
            .output()?;
        let mut fields = output.split(|byte| *byte == 0);
        let mut changes = Vec::new();
        while let Some(meta) = fields.next().filter(|meta| !meta.is_empty()) {
            let path = fields.next().unwrap_or_default();
            changes.push(raw_change(meta, path).ok_or_else(|| unread("diff-tree"))?);
        }
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(changes)
    }

    /// What a tree (or commit) has at each of `paths`; a folder counts as nothing.
    pub fn entries(&self, tree: &Oid, paths: &[RepoPath]) -> Result<Entries> {
        let mut entries = Entries::new();
        // The arguments of a command are limited; a path is at most some kilobytes.
        for some in paths.chunks(500) {
            let output = self
                .git("ls-tree")
                .args(["-r", "-z", "--full-tree", tree.as_str(), "--"])
                .args(some.iter().map(RepoPath::as_os_str))
                .env("GIT_LITERAL_PATHSPECS", "1")
                .output()?;
            let wanted: std::collections::BTreeSet<_> = some.iter().collect();
            let found = parse_tree(&output)?;
            entries.extend(found.into_iter().filter(|(path, _)| wanted.contains(path)));
        }
        Ok(entries)
    }

    /// Has a tree (or commit) anything at `path` or below it?
    pub fn has_below(&self, tree: &Oid, path: &RepoPath) -> Result<bool> {
        let output = self
            .git("ls-tree")
            .args(["-z", "--full-tree", tree.as_str(), "--"])
            .arg(path.as_os_str())
            .env("GIT_LITERAL_PATHSPECS", "1")
            .output()?;
        Ok(!output.is_empty())
    }

    /// What a tree (or commit) has at `path` and below it.
    pub fn entries_below(&self, tree: &Oid, path: &RepoPath) -> Result<Entries> {
        let output = self
            .git("ls-tree")
            .args(["-r", "-z", "--full-tree", tree.as_str(), "--"])
            .arg(path.as_os_str())
            .env("GIT_LITERAL_PATHSPECS", "1")
            .output()?;
        parse_tree(&output)
    }

    /// Everything in a tree (or commit).
    pub fn all_entries(&self, tree: &Oid) -> Result<Entries> {
        let output = self
            .git("ls-tree")
            .args(["-r", "-z", "--full-tree", tree.as_str()])
            .output()?;
        parse_tree(&output)
    }

    /// The content of a blob, as git keeps it.
    ///
    /// In this process where it is in the repository; git is asked for what only git finds: the new
    /// objects of a rehearsal, and what a partial clone has still to fetch.
    pub fn blob(&self, oid: &Oid) -> Result<Vec<u8>> {
        let id = gix::ObjectId::from_hex(oid.as_str().as_bytes());
        let found = id.ok().and_then(|id| self.gix().find_blob(id).ok());
        if let Some(mut blob) = found {
            return Ok(blob.take_data());
        }
        self.git("cat-file").args(["blob", oid.as_str()]).output()
    }

    /// The content of a blob that has no more than `most` bytes; `None` where it has more, which is not read.
    pub fn small_blob(&self, oid: &Oid, most: u64) -> Result<Option<Vec<u8>>> {
        let id = gix::ObjectId::from_hex(oid.as_str().as_bytes()).ok();
        let known = id.and_then(|id| self.gix().find_header(id).ok());
        let size = known.map_or_else(|| self.blob_size(oid), |header| Ok(header.size()))?;
        if size > most {
            return Ok(None);
        }
        self.blob(oid).map(Some)
    }

    /// The contents of blobs, as git keeps them; all of them are in memory at once.
    pub fn blobs(&self, oids: &[&Oid]) -> Result<Vec<Vec<u8>>> {
        let mut names = String::new();
        for oid in oids {
            names.push_str(oid.as_str());
            names.push('\n');
        }
        let git = self.git("cat-file").args(["--batch", "--buffer"]);
        let output = git.stdin(names.into_bytes()).output()?;
        let mut rest = &*output;
        let mut contents = Vec::with_capacity(oids.len());
        for _ in oids {
            let (content, after) = batched(rest).ok_or_else(|| unread("cat-file"))?;
            contents.push(content.to_vec());
            rest = after;
        }
        Ok(contents)
    }

    /// How many bytes a blob has.
    pub fn blob_size(&self, oid: &Oid) -> Result<u64> {
        let output = self.git("cat-file").args(["-s", oid.as_str()]).output()?;
        let size = String::from_utf8_lossy(&output).trim().parse();
        size.map_err(|_| unread("cat-file"))
    }

    /// The content of a file in a tree (or commit); `None` where there is no file.
    pub fn file(&self, tree: &Oid, path: &str) -> Result<Option<Vec<u8>>> {
        let path = RepoPath::from_bytes(path.as_bytes());
        let entries = self.entries(tree, std::slice::from_ref(&path))?;
        entries
            .get(&path)
            .map(|entry| self.blob(&entry.oid))
            .transpose()
    }

    /// The content of a blob as the work tree would have it, filters and line ends applied.
    pub fn blob_as_file(&self, oid: &Oid, path: &RepoPath) -> Result<Vec<u8>> {
        let mut argument = std::ffi::OsString::from("--path=");
        argument.push(path.as_os_str());
        self.git("cat-file")
            .arg("--filters")
            .arg(argument)
            .arg(oid.as_str())
            .output()
    }

    /// Writes the content of a file that is elsewhere as the blob that it would be at `path`, filters
    /// and line ends applied.
    pub fn write_blob_for(&self, file: &Path, path: &RepoPath) -> Result<Oid> {
        let mut argument = std::ffi::OsString::from("--path=");
        argument.push(path.as_os_str());
        self.git("hash-object")
            .args(["-w"])
            .arg(argument)
            .arg("--")
            .arg(file)
            .oid()
    }

    /// Writes bytes as a blob, as they are.
    pub fn write_blob(&self, bytes: Vec<u8>) -> Result<Oid> {
        self.git("hash-object")
            .args(["-w", "--stdin", "--no-filters"])
            .stdin(bytes)
            .oid()
    }
}

/// `<oid> blob <size>\n`, the content and a line end; and what follows.
fn batched(output: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = output.iter().position(|byte| *byte == b'\n')?;
    let size = output[..line].rsplit(|byte| *byte == b' ').next()?;
    let size: usize = std::str::from_utf8(size).ok()?.parse().ok()?;
    let (content, rest) = output[line + 1..].split_at_checked(size)?;
    Some((content, rest.strip_prefix(b"\n")?))
}

/// `:100644 100755 <old> <new> M` with the path after it.
fn raw_change(meta: &[u8], path: &[u8]) -> Option<Change> {
    let meta = std::str::from_utf8(meta).ok()?.strip_prefix(':')?;
    let mut words = meta.split(' ');
    let (old_mode, new_mode) = (words.next()?, words.next()?);
    let (old, new) = (words.next()?, words.next()?);
    let entry = |mode: &str, oid: &str| {
        Mode::parse(mode).and_then(|mode| {
            Some(Entry {
                mode,
                oid: Oid::parse(oid)?,
            })
        })
    };
    Some(Change {
        path: RepoPath::from_bytes(path),
        old: entry(old_mode, old),
        new: entry(new_mode, new),
    })
}

/// `100644 blob <oid>\t<path>`, separated by NUL.
fn parse_tree(output: &[u8]) -> Result<Entries> {
    let mut entries = Entries::new();
    for record in output
        .split(|byte| *byte == 0)
        .filter(|record| !record.is_empty())
    {
        let parse = || {
            let tab = record.iter().position(|byte| *byte == b'\t')?;
            let mut words = std::str::from_utf8(&record[..tab]).ok()?.split(' ');
            let mode = Mode::parse(words.next()?)?;
            let oid = Oid::parse(words.nth(1)?)?;
            Some((
                RepoPath::from_bytes(&record[tab + 1..]),
                Entry { mode, oid },
            ))
        };
        let (path, entry) = parse().ok_or_else(|| unread("ls-tree"))?;
        entries.insert(path, entry);
    }
    Ok(entries)
}

/// Git printed something that this program does not understand.
pub(super) fn unread(command: &str) -> Error {
    Error::failed(format!("'git {command}' printed something unexpected"))
        .hint("please report this with the output of 'git --version'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged};
    use proptest::prelude::*;

    #[test]
    fn a_raw_line_is_a_change() {
        let (zero, one) = ("0".repeat(40), "1".repeat(40));
        let meta = format!(":000000 100644 {zero} {one} A");
        let change = raw_change(meta.as_bytes(), b"a\nb").expect("a good line");
        assert_eq!((change.old.is_none(), change.letter()), (true, 'A'));
        assert_eq!(change.path.as_bytes(), b"a\nb");
        assert!(raw_change(b"100644", b"a").is_none());
    }

    #[test]
    fn a_tree_is_read_record_by_record() {
        let one = "1".repeat(40);
        let output = format!("100755 blob {one}\ta b\0160000 commit {one}\tsub\0");
        let entries = parse_tree(output.as_bytes()).expect("a good listing");
        let modes: Vec<_> = entries.values().map(|entry| entry.mode).collect();
        assert_eq!(modes, [Mode::Exec, Mode::Gitlink]);
        assert!(parse_tree(b"nonsense").is_err());
    }

    const ONE: &str = "1111111111111111111111111111111111111111";

    proptest! {
        #[test]
        fn listings_of_anything_are_read_or_refused(
            output in bytes(),
            tree in damaged(format!("100755 blob {ONE}\ta b\x00160000 commit {ONE}\tsub\x00")),
            meta in damaged(format!(":000000 100644 {ONE} {ONE} A")),
            batch in damaged(format!("{ONE} blob 3\nabc\n{ONE} missing\n")),
        ) {
            for output in [output, tree, meta, batch] {
                drop(parse_tree(&output));
                raw_change(&output, b"a");
                if let Some((content, rest)) = batched(&output) {
                    prop_assert!(content.len() + rest.len() < output.len());
                }
            }
        }
    }
}
