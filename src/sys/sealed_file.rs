//! A file that is encrypted while it is written, and that can be read at any place.
//!
//! It is in the binary form of the age format: `age -d` reads it.

use super::age::{Closed, Keys, Recipients};
use age::Decryptor;
use age::stream::{StreamReader, StreamWriter};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

/// What is written to it is encrypted in the file.
pub struct SealedWriter(StreamWriter<File>);

impl SealedWriter {
    /// Begins to write into an empty file, for all of `recipients`.
    pub fn new(recipients: &Recipients, file: File) -> io::Result<Self> {
        recipients.encryptor()?.wrap_output(file).map(Self)
    }

    /// Writes what is left: without its end it is no whole file. Nothing is on the disk for sure yet.
    pub fn finish(self) -> io::Result<File> {
        self.0.finish()
    }
}

impl Write for SealedWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl fmt::Debug for SealedWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedWriter")
    }
}

/// What an encrypted file has in plain.
pub struct SealedReader {
    plain: Mutex<StreamReader<File>>,
    size: u64,
}

impl SealedReader {
    /// Opens a file with the first of the keys that fits.
    pub fn open(keys: &Keys, file: File) -> io::Result<Result<Self, Closed>> {
        let mut plain = match keys.decrypt(Decryptor::new(file))? {
            Ok(plain) => plain,
            Err(closed) => return Ok(Err(closed)),
        };
        // Where the end cannot be opened, it was cut off.
        match plain.seek(SeekFrom::End(0)) {
            Ok(size) => Ok(Ok(Self {
                plain: Mutex::new(plain),
                size,
            })),
            Err(source) if source.raw_os_error().is_some() => Err(source),
            Err(_) => Ok(Err(Closed::Damaged)),
        }
    }

    /// How much it has in plain, bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Fills `buffer` with what is at `offset`.
    ///
    /// # Errors
    /// When there is less, when it was changed, or when the disk fails.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let mut plain = self.plain.lock().unwrap_or_else(PoisonError::into_inner);
        plain.seek(SeekFrom::Start(offset))?;
        plain.read_exact(buffer)
    }
}

impl fmt::Debug for SealedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedReader({} bytes)", self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::age::generate;
    use std::os::unix::fs::FileExt as _;

    fn sealed(bytes: &[u8]) -> (Keys, tempfile::TempDir) {
        let (key, recipient) = generate();
        let folder = tempfile::tempdir().expect("a folder");
        let recipients = Recipients::parse([&*recipient]).expect("a recipient");
        let file = File::create(folder.path().join("file")).expect("a file");
        let mut writer = SealedWriter::new(&recipients, file).expect("a writer");
        writer.write_all(bytes).expect("written");
        writer.finish().expect("finished");
        (Keys::parse(&key).expect("a key"), folder)
    }

    fn open(keys: &Keys, folder: &tempfile::TempDir) -> Result<SealedReader, Closed> {
        let file = File::open(folder.path().join("file")).expect("a file");
        SealedReader::open(keys, file).expect("readable")
    }

    #[test]
    fn it_is_read_at_any_place() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
        let (keys, folder) = sealed(&bytes);
        let reader = open(&keys, &folder).expect("open");
        assert_eq!(reader.size(), bytes.len() as u64);
        for (at, length) in [
            (0, 10),
            (65_530, 20),
            (199_990, 10),
            (1, 199_999),
            (65_536, 0),
        ] {
            let mut part = vec![0; length];
            let read = reader.read_exact_at(&mut part, at as u64);
            read.expect("read");
            assert!(part == bytes[at..at + length], "{length} at {at}");
        }
        reader
            .read_exact_at(&mut [0; 2], 199_999)
            .expect_err("less");
    }

    #[test]
    fn nobody_else_opens_it_and_a_part_of_it_is_damaged() {
        let (keys, folder) = sealed(&vec![7; 100_000]);
        let (other, _) = generate();
        let other = Keys::parse(&other).expect("a key");
        assert_eq!(open(&other, &folder).err(), Some(Closed::NoKey));
        assert_eq!(open(&Keys::default(), &folder).err(), Some(Closed::NoKey));
        let file = File::options().write(true).open(folder.path().join("file"));
        let file = file.expect("a file");
        let size = file.metadata().expect("a size").len();
        file.write_all_at(b"xxxx", size / 4).expect("written");
        let reader = open(&keys, &folder).expect("its end is whole");
        let read = reader.read_exact_at(&mut [0; 10], 0);
        read.expect_err("changed");
        file.set_len(size - 1).expect("cut");
        assert_eq!(open(&keys, &folder).err(), Some(Closed::Damaged));
    }
}
