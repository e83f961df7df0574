//! Writes an archive: what is as the newest one has it is copied from there as it is, compressed, and
//! only the rest is compressed, on all cores. Memory stays flat: a worker has two pieces at most.

use super::archive::Archive;
use super::bytes::Sink;
use super::member::{self, Tail};
use super::plan::{Job, Task, plan};
use super::read::{self, Roots};
use super::tar::Plain;
use crate::error::{Error, Result};
use crate::model::backup::{Chunk, Entry, Head, Kind, LISTS, Listing, VERSION};
use crate::model::path::RepoPath;
use crate::store::keys::KeyFile;
use crate::sys::age::Recipients;
use crate::sys::fs::{self, failed};
use crate::sys::{interrupt, swap};
use serde::Serialize;
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

/// More threads do not read any faster.
const THREADS: usize = 8;

/// What is to be written.
#[derive(Debug)]
pub struct Order<'a> {
    /// Everything, as it was found: sorted, without digests.
    pub found: &'a [Entry],
    /// Where it is.
    pub roots: &'a Roots,
    /// The newest archive, to take from it what was not changed.
    pub previous: Option<&'a (Archive, Listing)>,
    /// What the archive says of itself; numbers and what could not be read are filled in.
    pub head: Head,
    /// Those that it is encrypted for, where it is.
    pub recipients: Option<&'a Recipients>,
    /// What opens it again.
    pub keys: &'a KeyFile,
    /// Told of every byte that is read.
    pub done: &'a AtomicUsize,
    /// It must be done by then.
    pub deadline: Option<Instant>,
}

/// An archive that was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// What it says of itself.
    pub head: Head,
    /// What is in it.
    pub listing: Listing,
}

/// What came of a job.
#[derive(Debug, Default)]
struct Packed {
    /// The piece, and its size unpacked.
    bytes: Option<(Vec<u8>, u64)>,
    entries: Vec<Entry>,
    unread: Vec<(RepoPath, String)>,
    /// The digest of the file that was read in parts.
    sha256: Option<String>,
    /// Did that file change while it was read?
    torn: bool,
}

/// Writes an archive to `path`, where nothing stands: all of it, or nothing.
pub fn pack(order: &Order<'_>, path: &Path) -> Result<Written> {
    let temporary = fs::beside(path);
    let written = write(order, &temporary).and_then(|(written, lists)| {
        verify(order, &temporary, &written, &lists)?;
        if !swap::move_to_free(&temporary, path)? {
            let path = path.display();
            return Err(Error::failed(format!("'{path}' is there already")));
        }
        path.parent().map_or(Ok(()), fs::sync_dir)?;
        Ok(written)
    });
    if written.is_err() {
        // What is left of it has a name that nobody takes for a backup.
        drop(fs::remove_file(&temporary));
    }
    written
}

fn write(order: &Order<'_>, path: &Path) -> Result<(Written, Vec<Chunk>)> {
    let mut output = Output {
        sink: Sink::create(path, order.recipients)?,
        path,
        offset: 0,
        lists: Vec::new(),
        written: Written {
            head: order.head.clone(),
            listing: Listing::default(),
        },
    };
    let previous = order.previous.map(|(_, listing)| listing);
    let tasks = plan(order.found, previous);
    let jobs: Vec<_> = tasks
        .iter()
        .filter_map(|task| match task {
            Task::Work(job) => Some(job),
            Task::Copy { .. } => None,
        })
        .collect();
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let workers = cores.min(THREADS).min(jobs.len());
    std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..workers)
            .map(|lane| {
                let (send, receive) = mpsc::sync_channel(1);
                let jobs = &jobs;
                scope.spawn(move || {
                    for job in jobs.iter().skip(lane).step_by(workers) {
                        // Nobody waits for it any more: the writer has failed.
                        if send.send(work(order, job)).is_err() {
                            break;
                        }
                    }
                });
                receive
            })
            .collect();
        // The receivers go with it: workers that still wait end then.
        output.take_all(order, &tasks, lanes)
    })?;
    output.finish()
}

struct Output<'a> {
    sink: Sink,
    path: &'a Path,
    offset: u64,
    /// The pieces that our lists are in.
    lists: Vec<Chunk>,
    written: Written,
}

impl Output<'_> {
    fn take_all(
        &mut self,
        order: &Order<'_>,
        tasks: &[Task],
        lanes: Vec<Receiver<Result<Packed>>>,
    ) -> Result<()> {
        let mut turns = lanes.iter().cycle();
        for task in tasks {
            interrupt::check()?;
            if order.deadline.is_some_and(|end| end <= Instant::now()) {
                return Err(Error::failed("it takes longer than sync.timeout")
                    .hint("git sync --backup-only   makes it once; the next ones cost less"));
            }
            match task {
                Task::Work(_) => {
                    let packed = turns.next().and_then(|lane| lane.recv().ok());
                    let lost = || Error::failed("a worker of the backup has ended");
                    self.take(packed.ok_or_else(lost)??)?;
                }
                Task::Copy { chunk, first, job } => {
                    if let Some((bytes, chunk, entries)) = copied(order, *chunk, *first) {
                        self.take_chunk(&bytes, chunk, entries)?;
                        continue;
                    }
                    // The newest archive is damaged there: this one shall not be.
                    self.take(work(order, job)?)?;
                    if let Job::Part { at, offset: 0, .. } = job {
                        self.take(work(order, &Job::Digest(*at))?)?;
                    }
                }
            }
        }
        drop(lanes);
        Ok(())
    }

    fn take(&mut self, packed: Packed) -> Result<()> {
        self.written.head.unread.extend(packed.unread);
        if let Some((bytes, plain)) = packed.bytes {
            let chunk = Chunk {
                offset: 0,
                length: 0,
                plain,
                sha256: member::digest(&bytes),
                entries: 0,
            };
            self.take_chunk(&bytes, chunk, packed.entries)?;
        }
        if let Some(last) = self.written.listing.entries.last_mut() {
            last.torn |= packed.torn;
            if packed.sha256.is_some() {
                last.sha256 = packed.sha256;
            }
        }
        Ok(())
    }

    fn take_chunk(&mut self, bytes: &[u8], chunk: Chunk, entries: Vec<Entry>) -> Result<()> {
        let offset = self.offset;
        self.put(bytes)?;
        self.written.listing.chunks.push(Chunk {
            offset,
            length: bytes.len() as u64,
            entries: entries.len(),
            ..chunk
        });
        self.written.listing.entries.extend(entries);
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.sink.write_all(bytes);
        written.map_err(|source| failed("write", self.path, source))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    /// Puts the lists behind it, and all of it on the disk.
    fn finish(mut self) -> Result<(Written, Vec<Chunk>)> {
        let Written { head, listing } = &mut self.written;
        head.version = VERSION;
        let contents = listing.entries.iter().filter(|e| e.kind != Kind::Folder);
        (head.files, head.bytes) =
            contents.fold((0, 0), |(files, bytes), e| (files + 1, bytes + e.size));
        let listed = self.offset;
        let lines = lines(&self.written.listing)?;
        self.put_list("entries.jsonl", &lines, false)?;
        let tail = Tail {
            listing: listed,
            head: self.offset,
            version: VERSION,
        };
        let mut text = json(&self.written.head)?;
        text.push(b'\n');
        self.put_list("manifest.json", &text, true)?;
        self.put(&tail.bytes())?;
        let synced = self.sink.finish();
        synced.map_err(|source| failed("sync", self.path, source))?;
        Ok((self.written, self.lists))
    }

    fn put_list(&mut self, name: &str, text: &[u8], last: bool) -> Result<()> {
        let mut plain = Plain::new();
        plain.list(&format!("{LISTS}/{name}"), text)?;
        let plain = if last { plain.end() } else { plain.bytes() };
        let packed = member::compress(&plain)?;
        self.lists.push(Chunk {
            offset: self.offset,
            length: packed.len() as u64,
            plain: plain.len() as u64,
            sha256: member::digest(&packed),
            entries: 0,
        });
        self.put(&packed)
    }
}

/// A piece of the newest archive, and what it has, as it is now; `None` where it cannot be read.
fn copied(order: &Order<'_>, chunk: usize, first: usize) -> Option<(Vec<u8>, Chunk, Vec<Entry>)> {
    let (archive, listing) = order.previous?;
    let (old, chunk) = listing.firsts().nth(chunk)?;
    let bytes = archive.packed(chunk).ok()?;
    let old = listing.entries.get(old..old + chunk.entries)?;
    let now = order.found.get(first..first + chunk.entries)?;
    let entries = old.iter().zip(now).map(|(old, now)| Entry {
        sha256: old.sha256.clone(),
        ..now.clone()
    });
    Some((bytes, chunk.clone(), entries.collect()))
}

/// The list of an archive, a line for each.
fn lines(listing: &Listing) -> Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Line<'a> {
        chunk: &'a Chunk,
    }
    let mut text = Vec::new();
    for (first, chunk) in listing.firsts() {
        text.extend(json(&Line { chunk })?);
        text.push(b'\n');
        for entry in listing.entries.iter().skip(first).take(chunk.entries) {
            text.extend(json(entry)?);
            text.push(b'\n');
        }
    }
    Ok(text)
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value)
        .map_err(|source| Error::failed("the list of a backup cannot be written").because(source))
}

/// Reads what is on the disk again: is it all there, and as it was meant?
fn verify(order: &Order<'_>, path: &Path, written: &Written, lists: &[Chunk]) -> Result<()> {
    let archive = Archive::open(path, order.keys)?;
    let wrong = || {
        let path = path.display();
        Error::failed(format!("'{path}' is not what was written"))
            .hint("this may be a broken disk: look at what the system says of it")
    };
    if archive.head != written.head {
        return Err(wrong());
    }
    // That they can be unpacked was seen when they were made.
    for chunk in written.listing.chunks.iter().chain(lists) {
        interrupt::check()?;
        if !archive.is_whole(chunk)? {
            return Err(wrong());
        }
    }
    Ok(())
}

/// Does a job: reads, and compresses what was read.
fn work(order: &Order<'_>, job: &Job) -> Result<Packed> {
    let mut packed = Packed::default();
    let mut plain = Plain::new();
    match job {
        Job::Files(range) => {
            for found in order.found.iter().skip(range.start).take(range.len()) {
                let read = read::whole(found, order.roots, &mut plain)?;
                count(order, found.size);
                match read {
                    read::Read::Entry(entry) => packed.entries.push(*entry),
                    read::Read::Gone => {}
                    read::Read::Refused(why) => packed.unread.push((found.path.clone(), why)),
                }
            }
        }
        Job::Part { at, offset, length } => {
            let Some(found) = order.found.get(*at) else {
                return Ok(packed);
            };
            if *offset == 0 {
                plain.file_begins(found)?;
                packed.entries.push(found.clone());
            }
            let whole = read::part(found, order.roots, *offset, *length, &mut plain);
            packed.torn = !whole;
            count(order, *length);
            if offset + length == found.size {
                plain.fill_up();
            }
        }
        Job::Digest(at) => {
            if let Some(found) = order.found.get(*at) {
                packed.sha256 = read::digest(found, order.roots);
                packed.torn = packed.sha256.is_none();
            }
        }
    }
    let plain = plain.bytes();
    if !plain.is_empty() {
        packed.bytes = Some((member::compress(&plain)?, plain.len() as u64));
    }
    Ok(packed)
}

fn count(order: &Order<'_>, bytes: u64) {
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    order.done.fetch_add(bytes, Ordering::Relaxed);
}
