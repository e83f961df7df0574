//! The bytes of an archive, which may be encrypted on the disk.

use crate::error::{Error, Result};
use crate::store::keys::KeyFile;
use crate::sys::age::{self, Closed, Recipients};
use crate::sys::fs::failed;
use crate::sys::sealed_file::{SealedReader, SealedWriter};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// As many bytes tell whether a file is encrypted.
const HEAD: usize = 32;

/// What is read.
#[derive(Debug)]
pub(super) enum Source {
    /// As it is.
    Plain(File, u64),
    /// Opened with a key.
    Sealed(SealedReader),
}

impl Source {
    /// Opens what stands at `path`.
    ///
    /// # Errors
    /// When it is encrypted, and no key in `keys` opens it.
    pub(super) fn open(path: &Path, keys: &KeyFile) -> Result<Self> {
        let read = |source| failed("read", path, source);
        let file = File::open(path).map_err(read)?;
        let size = file.metadata().map_err(read)?.len();
        let mut head = [0; HEAD];
        let there = usize::try_from(size).unwrap_or(HEAD).min(HEAD);
        file.read_exact_at(&mut head[..there], 0).map_err(read)?;
        if !age::is_encrypted(&head) {
            return Ok(Self::Plain(file, size));
        }
        match SealedReader::open(&keys.keys()?, file).map_err(read)? {
            Ok(sealed) => Ok(Self::Sealed(sealed)),
            Err(Closed::NoKey) => Err(locked(path, keys)),
            Err(Closed::Damaged) => Err(super::archive::damaged(path, "its end is missing")),
        }
    }

    /// How many there are.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Plain(_, size) => *size,
            Self::Sealed(sealed) => sealed.size(),
        }
    }

    /// Is it encrypted on the disk?
    pub(super) fn is_sealed(&self) -> bool {
        matches!(self, Self::Sealed(_))
    }

    pub(super) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            Self::Plain(file, _) => file.read_exact_at(buffer, offset),
            Self::Sealed(sealed) => sealed.read_exact_at(buffer, offset),
        }
    }

    /// Everything from `offset` to the end.
    pub(super) fn from(&self, offset: u64) -> From<'_> {
        From {
            source: self,
            offset,
        }
    }
}

/// The bytes of a [`Source`] from somewhere on.
#[derive(Debug)]
pub(super) struct From<'a> {
    source: &'a Source,
    offset: u64,
}

impl Read for From<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.size().saturating_sub(self.offset);
        let part = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        self.source
            .read_exact_at(&mut buffer[..part], self.offset)?;
        self.offset += part as u64;
        Ok(part)
    }
}

/// What is written.
#[derive(Debug)]
pub(super) enum Sink {
    /// As it is.
    Plain(File),
    /// Encrypted.
    Sealed(Box<SealedWriter>),
}

impl Sink {
    /// A new file that nobody else can read, encrypted for `recipients` where there are any.
    pub(super) fn create(path: &Path, recipients: Option<&Recipients>) -> Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|source| failed("create", path, source))?;
        let Some(recipients) = recipients else {
            return Ok(Self::Plain(file));
        };
        let sealed = SealedWriter::new(recipients, file);
        let sealed = sealed.map_err(|source| failed("write", path, source))?;
        Ok(Self::Sealed(Box::new(sealed)))
    }

    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.write_all(bytes),
            Self::Sealed(sealed) => sealed.write_all(bytes),
        }
    }

    /// Puts all of it on the disk.
    pub(super) fn finish(self) -> io::Result<()> {
        let file = match self {
            Self::Plain(file) => file,
            Self::Sealed(sealed) => sealed.finish()?,
        };
        file.sync_all()
    }
}

fn locked(path: &Path, keys: &KeyFile) -> Error {
    let error = Error::failed(format!(
        "the backup '{}' is encrypted, and no key of this machine opens it",
        path.display()
    ));
    match keys.path() {
        Some(keys) => error.hint(format!(
            "'{}' is where the key is looked for",
            keys.display()
        )),
        None => error.hint("HOME is not set, so no key is looked for"),
    }
}
