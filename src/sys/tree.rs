//! A file, a link or a folder with all that is in it: looked at, copied, compared and removed as one.
//!
//! What is removed here was compared before, name by name: whatever came into it since stays.

use super::fs::{self as files, failed};
use super::hex::hex;
use crate::error::{Error, Result};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Read as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The permission bits that are compared and copied.
const PERMISSIONS: u32 = 0o777;

/// One thing in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A regular file: the digest of its content, its permissions.
    File(String, u32),
    /// A link: its target.
    Link(Vec<u8>),
    /// A folder: its permissions.
    Folder(u32),
    /// A device, a socket, a pipe.
    Odd,
}

/// Everything at and below a path, by the path inside; the top has the empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree(BTreeMap<Vec<u8>, Node>);

impl Tree {
    /// Reads what stands at `path`; `None` where nothing does.
    pub fn of(path: &Path) -> Result<Option<Self>> {
        Self::of_as(path, &mut digest)
    }

    /// The same, where `digest` tells what counts as the content of a file.
    pub fn of_as(
        path: &Path,
        digest: &mut dyn FnMut(&Path) -> Result<String>,
    ) -> Result<Option<Self>> {
        let mut nodes = BTreeMap::new();
        let found = walk(path, &mut |inside, file, found| {
            let node = if found.is_symlink() {
                let target = fs::read_link(file).map_err(|source| failed("read", file, source))?;
                Node::Link(target.into_os_string().into_vec())
            } else if found.is_dir() {
                Node::Folder(permissions(found))
            } else if found.is_file() {
                Node::File(digest(file)?, permissions(found))
            } else {
                Node::Odd
            };
            nodes.insert(inside.to_vec(), node);
            Ok(())
        })?;
        Ok(found.then_some(Self(nodes)))
    }

    /// What stands at the top.
    pub fn top(&self) -> Option<&Node> {
        self.0.get(&b""[..])
    }

    /// Is it a folder?
    pub fn is_folder(&self) -> bool {
        matches!(self.top(), Some(Node::Folder(_)))
    }

    /// The target, where it is a link.
    pub fn link(&self) -> Option<&[u8]> {
        match self.top() {
            Some(Node::Link(target)) => Some(target),
            _ => None,
        }
    }

    /// Everything in it, folders before what is in them.
    pub fn nodes(&self) -> impl Iterator<Item = (&[u8], &Node)> {
        self.0.iter().map(|(inside, node)| (&**inside, node))
    }

    /// Has `other` everything that is in this one, under the same paths?
    pub fn is_part_of(&self, other: &Self) -> bool {
        self.0.iter().all(|(inside, node)| {
            match (node, other.0.get(inside)) {
                // Modes are not contents.
                (Node::File(digest, _), Some(Node::File(same, _))) => digest == same,
                (Node::Folder(_), Some(Node::Folder(_))) => true,
                (node, found) => found == Some(node),
            }
        })
    }

    /// The digest of what git would keep of it: contents, targets, who may execute.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for (inside, node) in &self.0 {
            let (kind, what): (&[u8], &[u8]) = match node {
                Node::File(digest, mode) if mode & 0o100 != 0 => (b"exec", digest.as_bytes()),
                Node::File(digest, _) => (b"file", digest.as_bytes()),
                Node::Link(target) => (b"link", target),
                Node::Folder(_) => continue,
                Node::Odd => (b"odd", b""),
            };
            for part in [inside, kind, what] {
                hasher.update(part.len().to_le_bytes());
                hasher.update(part);
            }
        }
        hex(&hasher.finalize())
    }

    /// Makes a copy at `to`, where nothing stands, with permissions and times, and on the disk.
    pub fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        self.copy_as(from, to, &mut |_, source, target| {
            files::copy(source, target)
        })
    }

    /// The same, where `make` makes each file; it is told the path inside, the one in `from` and the new
    /// one, which gets the permissions of the tree afterwards.
    pub fn copy_as(&self, from: &Path, to: &Path, make: &mut Make<'_>) -> Result<()> {
        let mut written = Vec::new();
        let mut folders = Vec::new();
        for (inside, node) in &self.0 {
            let (source, target) = (below(from, inside), below(to, inside));
            match node {
                Node::Folder(mode) => {
                    // Private until it is finished.
                    fs::DirBuilder::new()
                        .mode(0o700)
                        .create(&target)
                        .map_err(|source| failed("create", &target, source))?;
                    folders.push((target, *mode));
                }
                Node::Link(link) => files::symlink(Path::new(OsStr::from_bytes(link)), &target)?,
                Node::File(_, mode) => {
                    make(inside, &source, &target)?;
                    set_mode(&target, *mode)?;
                    written.push(target);
                }
                Node::Odd => {
                    let name = source.display();
                    return Err(Error::failed(format!("'{name}' cannot be copied")));
                }
            }
        }
        files::sync_files(to, &written)?;
        for (folder, mode) in folders.into_iter().rev() {
            files::sync_dir(&folder)?;
            set_mode(&folder, mode)?;
        }
        to.parent().map_or(Ok(()), files::sync_dir)
    }

    /// Removes what stands at `path`, as far as it is in this tree; `false` where there is more.
    pub fn remove(&self, path: &Path) -> Result<bool> {
        let mut all = true;
        for (inside, node) in &self.0 {
            if let Node::Folder(mode) = node
                && mode & 0o700 != 0o700
            {
                set_mode(&below(path, inside), 0o700)?;
            }
        }
        for (inside, node) in self.0.iter().rev() {
            let file = below(path, inside);
            if matches!(node, Node::Folder(_)) {
                all &= match fs::remove_dir(&file) {
                    Ok(()) => true,
                    Err(source) => source.kind() == io::ErrorKind::NotFound,
                };
            } else {
                files::remove_file(&file)?;
            }
        }
        Ok(all)
    }
}

/// What tells without reading a content whether anything at or below `path` was changed; `None` where
/// nothing is there.
pub fn stamp(path: &Path) -> Result<Option<String>> {
    let mut hasher = Sha256::new();
    let found = walk(path, &mut |inside, _, found| {
        hasher.update(inside.len().to_le_bytes());
        hasher.update(inside);
        if found.is_dir() {
            hasher.update(found.mode().to_le_bytes());
            return Ok(());
        }
        for number in [
            found.ino(),
            found.size(),
            u64::from(found.mode()),
            found.mtime().unsigned_abs(),
            found.mtime_nsec().unsigned_abs(),
            found.ctime().unsigned_abs(),
            found.ctime_nsec().unsigned_abs(),
        ] {
            hasher.update(number.to_le_bytes());
        }
        Ok(())
    })?;
    Ok(found.then(|| hex(&hasher.finalize())))
}

/// The mode of one file or folder in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its path inside.
    pub inside: Vec<u8>,
    /// Is it a folder?
    pub folder: bool,
    /// With nothing in it?
    pub empty: bool,
    /// Its permissions.
    pub mode: u32,
}

/// The modes of the files and folders at and below `path`; links have none.
pub fn listing(path: &Path) -> Result<Vec<Listed>> {
    let mut all: Vec<Listed> = Vec::new();
    let mut full = BTreeSet::new();
    walk(path, &mut |inside, _, found| {
        let parent = inside.iter().rposition(|byte| *byte == b'/');
        if !inside.is_empty() {
            full.insert(inside[..parent.unwrap_or(0)].to_vec());
        }
        if found.is_dir() || found.is_file() {
            all.push(Listed {
                inside: inside.to_vec(),
                folder: found.is_dir(),
                empty: false,
                mode: permissions(found),
            });
        }
        Ok(())
    })?;
    for listed in &mut all {
        listed.empty = listed.folder && !full.contains(&listed.inside);
    }
    Ok(all)
}

/// Makes a folder with these permissions, or narrower where the system has it so.
pub fn create_folder(path: &Path, mode: u32) -> Result<()> {
    fs::DirBuilder::new()
        .mode(mode)
        .create(path)
        .map_err(|source| failed("create", path, source))
}

/// Sets the permissions of a file or a folder.
pub fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|source| failed("set the mode of", path, source))
}

/// The permissions of what stands at `path`, a link not followed.
pub fn mode(path: &Path) -> Result<Option<u32>> {
    Ok(files::look(path)?.map(|found| permissions(&found)))
}

/// The target of a link; `None` where no link is.
pub fn target(path: &Path) -> Result<Option<PathBuf>> {
    use io::ErrorKind::{InvalidInput, NotADirectory, NotFound};
    match fs::read_link(path) {
        Ok(target) => Ok(Some(target)),
        Err(source) if matches!(source.kind(), InvalidInput | NotADirectory | NotFound) => Ok(None),
        Err(source) => Err(failed("read", path, source)),
    }
}

/// `path`, or what is `inside` it.
pub fn below(path: &Path, inside: &[u8]) -> PathBuf {
    if inside.is_empty() {
        path.to_owned()
    } else {
        path.join(OsStr::from_bytes(inside))
    }
}

fn permissions(found: &Metadata) -> u32 {
    found.mode() & PERMISSIONS
}

/// Is told the path inside, the whole path, and what is there.
type Visit<'v> = dyn FnMut(&[u8], &Path, &Metadata) -> Result<()> + 'v;

/// Calls `visit` for `path` and everything below it, links not followed; `false` where nothing is.
fn walk(path: &Path, visit: &mut Visit<'_>) -> Result<bool> {
    let Some(found) = files::look(path)? else {
        return Ok(false);
    };
    let mut next = vec![(Vec::new(), found)];
    while let Some((inside, found)) = next.pop() {
        let file = below(path, &inside);
        visit(&inside, &file, &found)?;
        if !found.is_dir() {
            continue;
        }
        let unreadable = |source| failed("read", &file, source);
        let mut names = Vec::new();
        for entry in fs::read_dir(&file).map_err(unreadable)? {
            names.push(entry.map_err(unreadable)?.file_name());
        }
        // In order: what is made of the visits must not depend on the file system.
        names.sort();
        for name in names.into_iter().rev() {
            let mut inside = inside.clone();
            if !inside.is_empty() {
                inside.push(b'/');
            }
            inside.extend_from_slice(name.as_bytes());
            if let Some(found) = files::look(&below(path, &inside))? {
                next.push((inside, found));
            }
        }
    }
    Ok(true)
}

/// Makes one file of a copy: its path inside, where it is, where it shall be.
pub type Make<'m> = dyn FnMut(&[u8], &Path, &Path) -> Result<()> + 'm;

/// The digest of what is written into it, as the nodes of a [`Tree`] have it.
#[derive(Debug, Default)]
pub struct Digest(Sha256);

impl Digest {
    /// The digest of all that was written.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

impl io::Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The digest of the content of a file.
pub fn digest(path: &Path) -> Result<String> {
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let mut digest = Digest::default();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(digest.finish());
            }
            digest.0.update(&buffer[..read]);
        }
    };
    read().map_err(|source| failed("read", path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        let top = dir.path().join("a");
        files::create_dir_all(&top.join("empty")).expect("made");
        files::append(&top.join("file"), b"text").expect("written");
        set_mode(&top.join("file"), 0o600).expect("set");
        files::symlink(Path::new("file"), &top.join("link")).expect("made");
        set_mode(&top.join("empty"), 0o500).expect("set");
        dir
    }

    #[test]
    fn a_copy_is_the_same_and_can_be_removed() {
        let dir = scene();
        let (from, to) = (dir.path().join("a"), dir.path().join("b"));
        let tree = Tree::of(&from).expect("read").expect("there");
        tree.copy(&from, &to).expect("copied");
        assert_eq!(Tree::of(&to).expect("read").as_ref(), Some(&tree));
        assert!(tree.remove(&to).expect("removed"));
        assert_eq!(Tree::of(&to).expect("read"), None);
    }

    #[test]
    fn what_came_later_is_not_removed() {
        let dir = scene();
        let top = dir.path().join("a");
        let tree = Tree::of(&top).expect("read").expect("there");
        files::append(&top.join("later"), b"new").expect("written");
        assert!(!tree.remove(&top).expect("removed"));
        assert_eq!(
            files::read(&top.join("later")).expect("read"),
            Some(b"new".to_vec())
        );
    }

    #[test]
    fn a_stamp_tells_of_every_change_and_of_no_look() {
        let dir = scene();
        let top = dir.path().join("a");
        let before = stamp(&top).expect("read");
        assert_eq!(stamp(&top).expect("read"), before);
        set_mode(&top.join("file"), 0o644).expect("set");
        assert_ne!(stamp(&top).expect("read"), before);
    }

    #[test]
    fn the_digest_is_of_what_git_keeps() {
        let dir = scene();
        let top = dir.path().join("a");
        let digest = || Tree::of(&top).expect("read").expect("there").digest();
        let before = digest();
        set_mode(&top.join("file"), 0o644).expect("set");
        fs::remove_dir(top.join("empty")).expect("empty");
        assert_eq!(digest(), before);
        set_mode(&top.join("file"), 0o744).expect("set");
        assert_ne!(digest(), before);
    }
}
