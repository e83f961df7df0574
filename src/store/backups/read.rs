//! Reads files that may change at any moment, and tells when one did.

use super::tar::Plain;
use crate::error::Result;
use crate::model::backup::{Entry, HOME, Kind, REPO, Stamp, below};
use crate::model::path::RepoPath;
use crate::sys::hex::hex;
use crate::sys::{clock, fs};
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::time::Duration;

/// So often is a file read anew that was saved while it was read.
const TRIES: u32 = 4;

/// A file that grew beyond this while it was read is not read to its end.
const MOST: u64 = 4 << 20;

/// Two writes that are closer together than this may have the same time; where times have no fraction,
/// as on some file systems, than [`SECONDS`].
const MOMENT: Duration = Duration::from_millis(50);
const SECONDS: Duration = Duration::from_secs(2);

/// The folders that the parts of an archive are made of.
#[derive(Debug, Clone)]
pub struct Roots {
    /// The top of the work tree.
    pub top: PathBuf,
    /// The home of the user.
    pub home: Option<PathBuf>,
}

impl Roots {
    /// Where something in an archive is, or was.
    pub fn place(&self, name: &RepoPath) -> Option<PathBuf> {
        if name.as_bytes() == REPO.as_bytes() {
            return Some(self.top.clone());
        }
        match below(name, REPO) {
            Some(path) => Some(path.below(&self.top)),
            None => Some(below(name, HOME)?.below(self.home.as_deref()?)),
        }
    }
}

/// What stands somewhere, as a backup keeps it; `None` for what none keeps: pipes, sockets, devices.
pub fn found(path: RepoPath, place: &std::path::Path, found: &Metadata) -> Result<Option<Entry>> {
    let (kind, link) = if found.is_symlink() {
        let target = std::fs::read_link(place);
        let target = target.map_err(|source| fs::failed("read", place, source))?;
        let target = RepoPath::from_bytes(target.into_os_string().into_vec());
        (Kind::Link, Some(target))
    } else if found.is_dir() {
        (Kind::Folder, None)
    } else if found.is_file() {
        (Kind::File, None)
    } else {
        return Ok(None);
    };
    let entry = Entry {
        path,
        kind,
        mode: found.mode() & 0o7777,
        mtime: (0, 0),
        size: 0,
        sha256: None,
        link,
        stamp: None,
        sparse: false,
        torn: false,
    };
    Ok(Some(with_facts(entry, found)))
}

/// The entry with the size and the times of `found`.
fn with_facts(entry: Entry, found: &Metadata) -> Entry {
    let nanos = |nanos: i64| u32::try_from(nanos).unwrap_or_default();
    let is_file = entry.kind == Kind::File;
    Entry {
        mode: found.mode() & 0o7777,
        mtime: (found.mtime(), nanos(found.mtime_nsec())),
        size: if is_file { found.size() } else { 0 },
        stamp: is_file.then(|| Stamp {
            ino: found.ino(),
            ctime: (found.ctime(), nanos(found.ctime_nsec())),
        }),
        sparse: is_file && found.blocks() * 512 < found.size(),
        ..entry
    }
}

/// What came of reading a file.
#[derive(Debug)]
pub(super) enum Read {
    /// It is in the archive.
    Entry(Box<Entry>),
    /// It is not there any more, or something else is.
    Gone,
    /// It may not be read.
    Refused(String),
}

/// Puts something into the archive as a whole.
pub(super) fn whole(found: &Entry, roots: &Roots, plain: &mut Plain) -> Result<Read> {
    let Some(place) = roots.place(&found.path) else {
        return Ok(Read::Gone);
    };
    if found.kind != Kind::File {
        plain.entry(found)?;
        return Ok(Read::Entry(Box::new(found.clone())));
    }
    let start = plain.len();
    for attempt in 1..=TRIES {
        plain.cut(start);
        let file = match open(&place) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(Read::Gone),
            Err(source) => return Ok(Read::Refused(source.to_string())),
        };
        let read = || -> io::Result<(Metadata, Vec<u8>, Metadata)> {
            let before = file.metadata()?;
            let mut content = Vec::with_capacity(usize::try_from(before.len()).unwrap_or_default());
            (&file).take(MOST).read_to_end(&mut content)?;
            Ok((before, content, file.metadata()?))
        };
        let (before, content, after) = match read() {
            Ok(read) => read,
            Err(source) => return Ok(Read::Refused(source.to_string())),
        };
        let size = content.len() as u64;
        let whole = is_unmoved(&before, &after) && size == after.len();
        if !whole && attempt < TRIES {
            continue;
        }
        let mut entry = with_facts(found.clone(), &after);
        entry.size = size;
        entry.torn = !whole;
        entry.sha256 = Some(super::member::digest(&content));
        if is_young(&after) {
            entry.stamp = None;
        }
        plain.file_begins(&entry)?;
        plain.room(content.len()).copy_from_slice(&content);
        plain.fill_up();
        return Ok(Read::Entry(Box::new(entry)));
    }
    Ok(Read::Gone)
}

/// Puts a part of a large file into the archive; `false` where it is not as it was found, and zeros may
/// be in the place of what is gone.
pub(super) fn part(
    found: &Entry,
    roots: &Roots,
    offset: u64,
    length: u64,
    plain: &mut Plain,
) -> bool {
    let room = plain.room(usize::try_from(length).unwrap_or_default());
    let Some(file) = roots
        .place(&found.path)
        .and_then(|place| open(&place).ok().flatten())
    else {
        return false;
    };
    let is_as_found = || file.metadata().is_ok_and(|now| is_as_found(found, &now));
    is_as_found() && file.read_exact_at(room, offset).is_ok() && is_as_found()
}

/// The digest of a file; `None` where it is not as it was found.
pub(super) fn digest(found: &Entry, roots: &Roots) -> Option<String> {
    let mut file = open(&roots.place(&found.path)?).ok().flatten()?;
    let digest = digest_of(&mut file).ok()?;
    let now = file.metadata().ok()?;
    is_as_found(found, &now).then_some(digest)
}

/// The digest of a content.
pub fn digest_of(content: &mut impl io::Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = content.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}

/// Has the file that `old` was made of the same content still? It is read for it: where it is too young
/// for its times to be believed.
pub fn has_content(old: &Entry, roots: &Roots) -> bool {
    old.sha256.is_some()
        && old.sha256
            == digest(
                &Entry {
                    stamp: None,
                    ..old.clone()
                },
                roots,
            )
}

/// Opens a regular file, and waits for nobody; `None` where none is.
fn open(place: &std::path::Path) -> io::Result<Option<File>> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(place);
    match opened {
        Ok(file) if file.metadata()?.is_file() => Ok(Some(file)),
        Ok(_) => Ok(None),
        Err(source) if is_gone(&source) => Ok(None),
        Err(source) => Err(source),
    }
}

fn is_gone(source: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    use rustix::io::Errno;
    matches!(source.kind(), NotFound | NotADirectory)
        || Errno::from_io_error(source) == Some(Errno::LOOP)
}

fn is_unmoved(before: &Metadata, after: &Metadata) -> bool {
    let facts = |of: &Metadata| {
        let written = (of.mtime(), of.mtime_nsec());
        (of.size(), written, (of.ctime(), of.ctime_nsec()))
    };
    facts(before) == facts(after)
}

fn is_as_found(found: &Entry, now: &Metadata) -> bool {
    let now = with_facts(found.clone(), now);
    (now.size, now.mtime) == (found.size, found.mtime)
        && (found.stamp.is_none() || found.stamp == now.stamp)
}

/// Was it written so short a time ago that another write may leave it with the same times?
fn is_young(found: &Metadata) -> bool {
    let fraction = found.mtime_nsec() != 0 || found.ctime_nsec() != 0;
    let moment = if fraction { MOMENT } else { SECONDS };
    let newest = found.ctime().max(found.mtime());
    let nanos = if found.ctime() >= found.mtime() {
        found.ctime_nsec()
    } else {
        found.mtime_nsec()
    };
    clock::since(newest, nanos).is_none_or(|age| age < moment)
}
