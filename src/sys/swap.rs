//! Puts a finished file in the place of a live one, and gives the live one back to look at.
//!
//! There is no moment without a file: the two trade places in one system call. Who saved a file in
//! the last microsecond finds that content in the displaced file, and can have it back.

use crate::error::Result;
use crate::sys::fs::failed;
use crate::sys::hex::hex;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// What stands at a path, told apart by its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Print {
    /// Nothing.
    Nothing,
    /// A regular file: its digest, and whether its owner may execute it.
    File(String, bool),
    /// A link: the digest of its target.
    Link(String),
    /// A folder.
    Folder,
    /// A device, a socket, a pipe.
    Other,
}

impl Print {
    /// Reads what stands at `path`.
    pub fn of(path: &Path) -> Result<Self> {
        let read = || -> io::Result<Self> {
            let found = match fs::symlink_metadata(path) {
                Ok(found) => found,
                Err(source)
                    if matches!(
                        source.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                    ) =>
                {
                    return Ok(Self::Nothing);
                }
                Err(source) => return Err(source),
            };
            if found.is_symlink() {
                let target = fs::read_link(path)?;
                Ok(Self::Link(hex(Sha256::digest(
                    target.as_os_str().as_bytes(),
                )
                .as_ref())))
            } else if found.is_dir() {
                Ok(Self::Folder)
            } else if found.is_file() {
                let exec = found.permissions().mode() & 0o100 != 0;
                Ok(Self::File(digest_of(&mut File::open(path)?)?, exec))
            } else {
                Ok(Self::Other)
            }
        };
        read().map_err(|source| failed("read", path, source))
    }
}

fn digest_of(file: &mut File) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(hasher.finalize().as_ref()));
        }
        hasher.update(&buffer[..read]);
    }
}

/// Moves `from` to `to` unless something stands there; `false` if something does.
pub fn move_to_free(from: &Path, to: &Path) -> Result<bool> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::EXIST) => Ok(false),
        Err(errno) if unsupported(errno) => {
            // A hard link fails where something stands, on every file system that has links.
            match fs::hard_link(from, to) {
                Ok(()) => {
                    fs::remove_file(from).map_err(|source| failed("move", from, source))?;
                    Ok(true)
                }
                Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                Err(source) => Err(failed("place", to, source)),
            }
        }
        Err(errno) => Err(failed("place", to, errno.into())),
    }
}

/// Lets `staged` and `live` trade places; both exist.
///
/// Where the file system cannot trade, `live` is first linked to a third name and then renamed
/// over, which also leaves no moment without a file.
pub fn exchange(staged: &Path, live: &Path) -> Result<()> {
    match renameat_with(CWD, staged, CWD, live, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        Err(errno) if unsupported(errno) => {
            let parked = super::fs::beside(staged);
            fs::hard_link(live, &parked)
                .and_then(|()| fs::rename(staged, live))
                .and_then(|()| fs::rename(&parked, staged))
                .map_err(|source| failed("replace", live, source))
        }
        Err(errno) => Err(failed("replace", live, errno.into())),
    }
}

fn unsupported(errno: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP].contains(&errno)
}

/// Gives `to` the permission bits of `from`, with the executable bits as `exec` says, and its owner
/// where we may: git keeps only the executable bit, and a private file must stay private.
pub fn inherit_mode(from: &Path, to: &Path, exec: bool) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let inherit = || -> io::Result<()> {
        let old = fs::symlink_metadata(from)?;
        let new = fs::symlink_metadata(to)?;
        if !old.is_file() || !new.is_file() {
            return Ok(());
        }
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            // Only root may; for others the file is theirs already, or the rename will fail.
            drop(std::os::unix::fs::chown(
                to,
                Some(old.uid()),
                Some(old.gid()),
            ));
        }
        let bits = old.permissions().mode() & 0o7777;
        let readers = (bits & 0o444) >> 2;
        let bits = if !exec {
            bits & !0o111
        } else if bits & 0o100 != 0 {
            bits
        } else {
            bits | readers
        };
        fs::set_permissions(to, fs::Permissions::from_mode(bits))
    };
    inherit().map_err(|source| failed("set the mode of", to, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(path: &Path, text: &str, mode: u32) {
        crate::sys::fs::append(path, text.as_bytes()).expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    }

    #[test]
    fn two_files_trade_places() {
        let dir = tempfile::tempdir().expect("a folder");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        put(&a, "new", 0o644);
        put(&b, "live", 0o644);
        exchange(&a, &b).expect("traded");
        assert_eq!(fs::read(&a).expect("there"), b"live");
        assert_eq!(fs::read(&b).expect("there"), b"new");
    }

    #[test]
    fn a_taken_place_is_not_taken_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        put(&a, "new", 0o644);
        assert!(move_to_free(&a, &b).expect("free"));
        put(&a, "newer", 0o644);
        assert!(!move_to_free(&a, &b).expect("taken"));
        assert_eq!(fs::read(&b).expect("there"), b"new");
    }

    #[test]
    fn a_private_file_stays_private() {
        let dir = tempfile::tempdir().expect("a folder");
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        put(&old, "old", 0o600);
        put(&new, "new", 0o644);
        let mode = |exec| {
            inherit_mode(&old, &new, exec).expect("set");
            fs::metadata(&new).expect("there").permissions().mode() & 0o777
        };
        assert_eq!(mode(false), 0o600);
        assert_eq!(mode(true), 0o700);
    }

    #[test]
    fn prints_tell_kinds_and_contents_apart() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        assert_eq!(Print::of(&path).expect("read"), Print::Nothing);
        put(&path, "x", 0o644);
        let file = Print::of(&path).expect("read");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
        assert_ne!(file, Print::of(&path).expect("read"));
        assert_eq!(Print::of(dir.path()).expect("read"), Print::Folder);
        assert_eq!(
            Print::of(&path.join("below")).expect("read"),
            Print::Nothing
        );
    }
}
