//! Takes files out of an archive. What it says of itself is not believed: what is written is counted,
//! compared with its digest, and never goes through a link.

use super::archive::{Archive, damaged};
use crate::error::{Error, Result};
use crate::model::backup::{Entry, Kind, Listing};
use crate::sys::fs::{self, failed};
use crate::sys::hex::hex;
use crate::sys::{interrupt, tree};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What a hole is at least.
const HOLE: usize = 4096;

/// No system has longer names.
const LONGEST: u64 = 64 << 10;

/// So much of a disk is left free, whatever an archive says that it has.
const RESERVE: u64 = 32 << 20;

/// Entries of a listing, by their numbers, with the places that they are to have; nothing stands there.
pub type Places = BTreeMap<usize, PathBuf>;

/// Writes the files, links and other names of `places`; the folders above them are there. Folders are
/// not made, see [`finish_folders`]. `disk` is a folder on the disk that they go to.
pub fn unpack(archive: &Archive, listing: &Listing, places: &Places, disk: &Path) -> Result<()> {
    let mut budget = Budget::of(disk)?;
    let (mut contents, mut others) = (BTreeMap::new(), Vec::new());
    for (at, place) in places {
        let Some(entry) = listing.entries.get(*at) else {
            continue;
        };
        match entry.kind {
            Kind::File => drop(contents.insert(*at, (place.clone(), entry))),
            Kind::Hard => others.push((entry, place)),
            Kind::Folder | Kind::Link => {}
        }
    }
    // Where the first name is not wanted, the first that is gets the content.
    let mut firsts: BTreeMap<usize, PathBuf> = BTreeMap::new();
    let mut names = Vec::new();
    for (entry, place) in others {
        let first = entry.link.as_ref().and_then(|first| {
            let at = listing.entries.binary_search_by(|e| e.path.cmp(first));
            at.ok().filter(|at| listing.entries[*at].kind == Kind::File)
        });
        let Some(first) = first else {
            let why = format!("'{}' is another name of nothing", entry.path);
            return Err(damaged(archive.path(), why));
        };
        let known = contents.get(&first).map(|(place, _)| place.clone());
        if let Some(first) = known.or_else(|| firsts.get(&first).cloned()) {
            names.push((first, place));
        } else {
            firsts.insert(first, place.clone());
            contents.insert(first, (place.clone(), entry));
        }
    }
    let needed: u64 = contents
        .keys()
        .filter_map(|at| listing.entries.get(*at))
        .filter(|entry| !entry.sparse)
        .fold(0, |sum, entry| sum.saturating_add(entry.size));
    budget.has(needed)?;
    let wanted: BTreeMap<usize, (PathBuf, u32)> = contents
        .into_iter()
        .map(|(at, (place, entry))| (at, (place, entry.mode)))
        .collect();
    read(
        archive,
        listing,
        &wanted.keys().copied().collect::<Vec<_>>(),
        &mut |at, entry, content| {
            let Some((place, mode)) = wanted.get(&at) else {
                return Ok(());
            };
            write(entry, *mode, content, place, &mut budget)
        },
    )?;
    for (first, place) in names {
        std::fs::hard_link(&first, place).map_err(|source| failed("create", place, source))?;
    }
    for (at, place) in places {
        if let Some(entry) = listing.entries.get(*at).filter(|e| e.kind == Kind::Link)
            && let Some(target) = &entry.link
        {
            fs::symlink(Path::new(target.as_os_str()), place)?;
            set_time(entry, place)?;
        }
    }
    Ok(())
}

/// Gives the folders of `places` their modes and times, from the inside outwards.
pub fn finish_folders(listing: &Listing, places: &Places) -> Result<()> {
    for (at, place) in places.iter().rev() {
        if let Some(entry) = listing.entries.get(*at).filter(|e| e.kind == Kind::Folder) {
            tree::set_mode(place, entry.mode)?;
            set_time(entry, place)?;
        }
    }
    Ok(())
}

/// Told of an entry and its content.
pub type Take<'t> = dyn FnMut(usize, &Entry, &mut dyn Read) -> Result<()> + 't;

/// Reads the contents of the files `wanted`, in order.
pub fn read(
    archive: &Archive,
    listing: &Listing,
    wanted: &[usize],
    take: &mut Take<'_>,
) -> Result<()> {
    let broken = |why: String| damaged(archive.path(), why);
    let mut wanted = wanted.iter().copied().peekable();
    let firsts: Vec<_> = listing.firsts().map(|(first, _)| first).collect();
    let mut number = 0;
    while let Some(chunk) = listing.chunks.get(number) {
        // A file that is cut goes on in the pieces that nothing begins in.
        let more = listing.chunks[number + 1..].iter();
        let end = number + 1 + more.take_while(|chunk| chunk.entries == 0).count();
        let (first, run) = (firsts[number], number..end);
        let last = first + chunk.entries;
        number = end;
        if wanted.peek().is_none_or(|next| *next >= last) {
            continue;
        }
        interrupt::check()?;
        let mut run = archive.run(&listing.chunks[run]);
        let mut source = tar::Archive::new(&mut run);
        let result = (|| -> Result<()> {
            let mut at = first;
            let mut long = None;
            // As they are: names and facts in entries of their own would be read whole, however long.
            let entries = source.entries().map_err(|e| broken(e.to_string()))?;
            for packed in entries.raw(true) {
                let mut packed = packed.map_err(|e| broken(e.to_string()))?;
                let kind = packed.header().entry_type();
                if kind.is_gnu_longname() || kind.is_gnu_longlink() {
                    let name = long_name(&mut packed).map_err(|e| broken(e.to_string()))?;
                    long = if kind.is_gnu_longname() {
                        Some(name)
                    } else {
                        long
                    };
                    continue;
                }
                let entry = listing.entries.get(at).filter(|_| at < last);
                let long = long.take();
                let same = |entry: &&Entry| {
                    let name = long
                        .as_deref()
                        .map_or_else(|| packed.path_bytes(), Cow::Borrowed);
                    let name = name.strip_suffix(b"/").unwrap_or(&name);
                    name == entry.path.as_bytes()
                };
                let Some(entry) = entry.filter(same) else {
                    return Err(broken(
                        "it has something else than its list says".to_owned(),
                    ));
                };
                if wanted.peek() == Some(&at) {
                    wanted.next();
                    let file = kind.is_file() && packed.size() == entry.size;
                    if !file {
                        return Err(broken(format!(
                            "'{}' is not what its list says",
                            entry.path
                        )));
                    }
                    take(at, entry, &mut packed)?;
                }
                at += 1;
            }
            if at < last {
                return Err(broken("something of its list is not in it".to_owned()));
            }
            Ok(())
        })();
        if let Err(error) = result {
            return Err(run.failed.unwrap_or(error));
        }
    }
    match wanted.next() {
        None => Ok(()),
        Some(_) => Err(broken("something of its list is not in it".to_owned())),
    }
}

/// A name or a target in an entry of its own, which ends in a zero.
fn long_name(packed: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut name = Vec::new();
    packed.take(LONGEST + 1).read_to_end(&mut name)?;
    if name.len() as u64 > LONGEST {
        return Err(io::Error::other("a name in it is too long"));
    }
    let end = name.iter().position(|byte| *byte == 0);
    name.truncate(end.unwrap_or(name.len()));
    Ok(name)
}

/// Writes a file, where nothing stands.
fn write(
    entry: &Entry,
    mode: u32,
    content: &mut dyn Read,
    place: &Path,
    budget: &mut Budget,
) -> Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(place)
        .map_err(|source| failed("create", place, source))?;
    let digest = copy(entry, content, &mut file, budget)?;
    if entry.sha256.as_ref().is_some_and(|known| *known != digest) {
        return Err(Error::failed(format!(
            "the backup of '{}' is damaged: it has another digest than it should",
            entry.path
        )));
    }
    file.set_permissions(std::fs::Permissions::from_mode(mode & 0o7777))
        .map_err(|source| failed("set the mode of", place, source))?;
    drop(file);
    set_time(entry, place)
}

fn copy(
    entry: &Entry,
    content: &mut dyn Read,
    file: &mut File,
    budget: &mut Budget,
) -> Result<String> {
    let failed = |source: io::Error| {
        Error::failed(format!("cannot restore '{}'", entry.path)).because(source)
    };
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 16 * HOLE];
    let mut size = 0;
    loop {
        let mut filled = 0;
        while filled < buffer.len() {
            match content.read(&mut buffer[filled..]).map_err(failed)? {
                0 => break,
                read => filled += read,
            }
        }
        let read = &buffer[..filled];
        if read.is_empty() {
            break;
        }
        hasher.update(read);
        size += read.len() as u64;
        if !entry.sparse {
            budget.take(read.len())?;
            file.write_all(read).map_err(failed)?;
            continue;
        }
        for block in read.chunks(HOLE) {
            if block.iter().all(|byte| *byte == 0) {
                let by = i64::try_from(block.len()).unwrap_or_default();
                file.seek(SeekFrom::Current(by)).map_err(failed)?;
            } else {
                budget.take(block.len())?;
                file.write_all(block).map_err(failed)?;
            }
        }
    }
    if size != entry.size {
        return Err(Error::failed(format!(
            "the backup of '{}' is cut off",
            entry.path
        )));
    }
    if entry.sparse {
        file.set_len(size).map_err(failed)?;
    }
    Ok(hex(&hasher.finalize()))
}

/// Sets when something was written, a link not followed.
fn set_time(entry: &Entry, place: &Path) -> Result<()> {
    let time = Timespec {
        tv_sec: entry.mtime.0,
        tv_nsec: entry.mtime.1.into(),
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    utimensat(CWD, place, &times, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|errno| failed("set the time of", place, errno.into()))
}

/// How much may be written.
#[derive(Debug)]
struct Budget {
    left: u64,
}

impl Budget {
    /// What is free on the disk of `folder`, but for a reserve.
    fn of(folder: &Path) -> Result<Self> {
        Ok(Self {
            left: fs::free_space(folder)?.saturating_sub(RESERVE),
        })
    }

    fn has(&self, bytes: u64) -> Result<()> {
        if bytes <= self.left {
            return Ok(());
        }
        Err(
            Error::failed("there is not enough room on the disk for what is in the backup")
                .hint("git sync --restore DATE -- PATH   restores a part of it")
                .hint("nothing was changed"),
        )
    }

    fn take(&mut self, bytes: usize) -> Result<()> {
        self.has(bytes as u64)?;
        self.left -= bytes as u64;
        Ok(())
    }
}
