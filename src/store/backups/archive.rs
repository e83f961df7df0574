//! Reads an archive: what it says of itself, its list, and its pieces.

use super::bytes::Source;
use super::member::{self, TAIL_SIZE, Tail};
use crate::error::{Error, Result};
use crate::model::backup::{Chunk, Entry, Head, Listing, VERSION};
use crate::store::keys::KeyFile;
use crate::sys::fs::failed;
use crate::sys::hex::hex;
use flate2::bufread::GzDecoder;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

/// No list of ours has a longer line: a path has less than this on any system.
const LINE: u64 = 1 << 20;

/// No list of ours is larger: that of half a million files is not.
const LIST: u64 = 256 << 20;

/// What a tar header takes, and what every content is rounded up to.
pub(super) const BLOCK: usize = 512;

/// An archive that is open.
#[derive(Debug)]
pub struct Archive {
    source: Source,
    path: PathBuf,
    size: u64,
    tail: Tail,
    /// What it says of itself.
    pub head: Head,
}

impl Archive {
    /// Opens the archive at `path`.
    ///
    /// # Errors
    /// When it is not one, is damaged, is of a newer version, or is encrypted for none of `keys`.
    pub fn open(path: &Path, keys: &KeyFile) -> Result<Self> {
        let source = Source::open(path, keys)?;
        let mut bytes = [0; TAIL_SIZE];
        let at = source.size().checked_sub(TAIL_SIZE as u64);
        let at = at.ok_or_else(|| damaged(path, "it is too short"))?;
        let read = source.read_exact_at(&mut bytes, at);
        read.map_err(|source| failed("read", path, source))?;
        let tail = Tail::parse(&bytes).ok_or_else(|| damaged(path, "its end is missing"))?;
        if tail.version > VERSION {
            return Err(newer(path, tail.version));
        }
        let mut archive = Self {
            source,
            path: path.to_owned(),
            size: at,
            tail,
            head: Head::default(),
        };
        archive.head = archive.read_head()?;
        if archive.head.version > VERSION {
            return Err(newer(path, archive.head.version));
        }
        Ok(archive)
    }

    /// Is it encrypted on the disk?
    pub fn is_sealed(&self) -> bool {
        self.source.is_sealed()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read_head(&self) -> Result<Head> {
        let mut bytes = Vec::new();
        self.list(self.tail.head)?
            .take(LINE)
            .read_to_end(&mut bytes)
            .map_err(|source| damaged(&self.path, source))?;
        serde_json::from_slice(&bytes).map_err(|source| damaged(&self.path, source))
    }

    /// The content of a list of ours that begins at `offset`.
    fn list(&self, offset: u64) -> Result<impl Read + use<'_>> {
        let broken = |source: io::Error| damaged(&self.path, source);
        if offset > self.size {
            return Err(damaged(&self.path, "a list is not where it says"));
        }
        let packed = BufReader::with_capacity(64 << 10, self.source.from(offset));
        let mut plain = GzDecoder::new(packed);
        let mut header = [0; BLOCK];
        plain.read_exact(&mut header).map_err(broken)?;
        let header = tar::Header::from_byte_slice(&header);
        let size = header.entry_size().map_err(broken)?;
        if size > LIST {
            return Err(damaged(&self.path, "a list in it is too large"));
        }
        Ok(plain.take(size))
    }

    /// Everything in it.
    pub fn listing(&self) -> Result<Listing> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Line {
            Chunk { chunk: Chunk },
            Entry(Box<Entry>),
        }
        let broken = |why: &str| damaged(&self.path, why);
        let mut lines = BufReader::new(self.list(self.tail.listing)?);
        let mut listing = Listing::default();
        let mut text = Vec::new();
        let (mut due, mut end) = (0, 0);
        loop {
            text.clear();
            let read = (&mut lines).take(LINE).read_until(b'\n', &mut text);
            if read.map_err(|source| damaged(&self.path, source))? == 0 {
                break;
            }
            let line = serde_json::from_slice(&text);
            match line.map_err(|source| damaged(&self.path, source))? {
                Line::Chunk { chunk } if due == 0 => {
                    // What is there once is no content of many: the size of an archive bounds what is in it.
                    if chunk.offset < end {
                        return Err(broken("its pieces lie on one another"));
                    }
                    end = chunk.offset.saturating_add(chunk.length);
                    due = chunk.entries;
                    listing.chunks.push(chunk);
                }
                Line::Entry(entry) if due > 0 => {
                    due -= 1;
                    listing.entries.push(*entry);
                }
                _ => return Err(broken("its list is in disorder")),
            }
        }
        if due > 0 {
            return Err(broken("its list is cut off"));
        }
        Ok(listing)
    }

    /// A piece as it is in the archive, checked against its digest.
    pub fn packed(&self, chunk: &Chunk) -> Result<Vec<u8>> {
        let end = chunk.offset.checked_add(chunk.length);
        if end.is_none_or(|end| end > self.size) || chunk.length > 2 * member::MOST {
            return Err(damaged(&self.path, "a piece of it is not where it says"));
        }
        let length = usize::try_from(chunk.length).unwrap_or_default();
        let mut bytes = vec![0; length];
        let read = self.source.read_exact_at(&mut bytes, chunk.offset);
        read.map_err(|source| failed("read", &self.path, source))?;
        if member::digest(&bytes) != chunk.sha256 {
            return Err(damaged(&self.path, "a piece of it has changed"));
        }
        Ok(bytes)
    }

    /// Is a piece in the archive as it was made? However long it is.
    pub(super) fn is_whole(&self, chunk: &Chunk) -> Result<bool> {
        let mut buffer = vec![0; 256 << 10];
        let mut digest = Sha256::new();
        let mut done = 0;
        while done < chunk.length {
            let rest = usize::try_from(chunk.length - done).unwrap_or(usize::MAX);
            let part = rest.min(buffer.len());
            let read = self
                .source
                .read_exact_at(&mut buffer[..part], chunk.offset + done);
            read.map_err(|source| failed("read", &self.path, source))?;
            digest.update(&buffer[..part]);
            done += part as u64;
        }
        Ok(hex(&digest.finalize()) == chunk.sha256)
    }

    /// A piece of a file that is cut, and those after it, or one that stands for itself: unpacked, one
    /// after the other.
    pub(super) fn run<'a>(&'a self, chunks: &'a [Chunk]) -> Run<'a> {
        Run {
            archive: self,
            chunks: chunks.iter(),
            plain: io::Cursor::default(),
            failed: None,
        }
    }

    /// A piece, unpacked.
    pub fn plain(&self, chunk: &Chunk) -> Result<Vec<u8>> {
        let packed = self.packed(chunk)?;
        member::unpack(&packed, chunk.plain).map_err(|source| damaged(&self.path, source))
    }
}

/// Some pieces, read as one.
#[derive(Debug)]
pub(super) struct Run<'a> {
    archive: &'a Archive,
    chunks: std::slice::Iter<'a, Chunk>,
    plain: io::Cursor<Vec<u8>>,
    /// Why it ends too early.
    pub(super) failed: Option<Error>,
}

impl Read for Run<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.plain.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(chunk) = self.chunks.next() else {
                return Ok(0);
            };
            match self.archive.plain(chunk) {
                Ok(plain) => self.plain = io::Cursor::new(plain),
                Err(error) => {
                    let why = error.to_string();
                    self.failed = Some(error);
                    return Err(io::Error::other(why));
                }
            }
        }
    }
}

/// It cannot be used as it is.
pub(super) fn damaged(
    path: &Path,
    why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::failed(format!("the backup '{}' is damaged", path.display()))
        .because(why)
        .hint(format!("{}   unpacks what is whole of it", unpacking(path)))
}

fn newer(path: &Path, version: u32) -> Error {
    let text = format!("the backup '{}' has version {version}", path.display());
    Error::fatal(text)
        .hint("a newer git-sync wrote it: use that one to restore it")
        .hint(format!("{}   unpacks it, too", unpacking(path)))
}

/// How an archive is unpacked without this program.
fn unpacking(path: &Path) -> String {
    let name = path.display();
    if path.extension() == Some(OsStr::new("age")) {
        format!("age -d -i KEYFILE '{name}' | tar xz")
    } else {
        format!("tar xzf '{name}'")
    }
}
