//! A part of a tar archive in memory.

use super::archive::BLOCK;
use crate::error::{Error, Result};
use crate::model::backup::{Entry, Kind};
use std::io;
use std::path::Path;
use tar::{Builder, EntryType, Header};

/// What the tar crate puts behind an archive when it is finished.
const END: usize = 2 * BLOCK;

/// A part of an archive that is being made.
#[derive(Debug)]
pub(super) struct Plain(Vec<u8>);

impl Plain {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// All of it.
    pub(super) fn bytes(self) -> Vec<u8> {
        self.0
    }

    /// All of it, and the end of the archive.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + END, 0);
        self.0
    }

    /// So many bytes it has, so that [`Self::cut`] can go back.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes back what came since it had `length` bytes.
    pub(super) fn cut(&mut self, length: usize) {
        self.0.truncate(length);
    }

    /// More of the content of a file; room to read it into.
    pub(super) fn room(&mut self, length: usize) -> &mut [u8] {
        let start = self.0.len();
        self.0.resize(start + length, 0);
        &mut self.0[start..]
    }

    /// A content ends where a block does.
    pub(super) fn fill_up(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
    }

    /// A list of ours.
    pub(super) fn list(&mut self, name: &str, text: &[u8]) -> Result<()> {
        let mut header = Header::new_gnu();
        header.set_mode(0o600);
        header.set_entry_type(EntryType::Regular);
        header.set_size(text.len() as u64);
        self.append(|builder| builder.append_data(&mut header, name, text))
    }

    /// Something without a content of its own.
    pub(super) fn entry(&mut self, entry: &Entry) -> Result<()> {
        let mut header = header(entry);
        let path = Path::new(entry.path.as_os_str());
        let target = entry.link.as_ref().map(|link| Path::new(link.as_os_str()));
        match (entry.kind, target) {
            (Kind::Folder, _) => {
                header.set_entry_type(EntryType::Directory);
                let path = path.join("");
                self.append(|builder| builder.append_data(&mut header, path, io::empty()))
            }
            (Kind::Link | Kind::Hard, Some(target)) => {
                header.set_entry_type(if entry.kind == Kind::Link {
                    EntryType::Symlink
                } else {
                    EntryType::Link
                });
                self.append(|builder| builder.append_link(&mut header, path, target))
            }
            _ => self.file_begins(entry),
        }
    }

    /// A file, whose content follows.
    pub(super) fn file_begins(&mut self, entry: &Entry) -> Result<()> {
        let mut header = header(entry);
        header.set_entry_type(EntryType::Regular);
        header.set_size(entry.size);
        let path = Path::new(entry.path.as_os_str());
        self.append(|builder| builder.append_data(&mut header, path, io::empty()))
    }

    fn append(
        &mut self,
        add: impl FnOnce(&mut Builder<&mut Vec<u8>>) -> io::Result<()>,
    ) -> Result<()> {
        let failed =
            |source| Error::failed("a header of the archive cannot be made").because(source);
        let mut builder = Builder::new(&mut self.0);
        add(&mut builder).map_err(failed)?;
        builder.into_inner().map_err(failed)?;
        // More follows.
        self.0.truncate(self.0.len() - END);
        Ok(())
    }
}

fn header(entry: &Entry) -> Header {
    let mut header = Header::new_gnu();
    header.set_mode(entry.mode);
    header.set_uid(u64::from(rustix::process::getuid().as_raw()));
    header.set_gid(u64::from(rustix::process::getgid().as_raw()));
    header.set_size(0);
    header.set_mtime(u64::try_from(entry.mtime.0).unwrap_or_default());
    header
}
