//! Cuts what is to be written into pieces, so that one file more or less moves few of the cuts.

use crate::model::backup::{Entry, Kind, Listing};
use crate::model::path::RepoPath;
use std::collections::HashMap;
use std::ops::Range;

/// A piece has at least this, where there is more to come: smaller ones compress badly.
const LEAST: u64 = 192 << 10;

/// And no more than this, with the file that goes beyond it. Larger files are cut.
pub(super) const MOST: u64 = 1 << 20;

/// Beyond the least size, a piece ends at the first path whose hash this divides.
const ONE_IN: u64 = 8;

/// A header, and what a content is rounded up to.
const BLOCK: u64 = 512;

/// Something to be read and compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Job {
    /// These entries.
    Files(Range<usize>),
    /// A part of one that is large.
    Part { at: usize, offset: u64, length: u64 },
    /// The digest of that one, once all its parts are there.
    Digest(usize),
}

/// A step of writing an archive, in the order of what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Task {
    /// Compress it.
    Work(Job),
    /// Copy a piece of the newest archive, which has the entries from `first` on; do the job where that
    /// cannot be read.
    Copy {
        chunk: usize,
        first: usize,
        job: Job,
    },
}

/// The steps that make an archive of `found`, after one that has `previous`.
pub(super) fn plan(found: &[Entry], previous: Option<&Listing>) -> Vec<Task> {
    let old = Old::of(previous);
    let mut tasks = Vec::new();
    let mut start = 0;
    let mut size = 0;
    for (at, entry) in found.iter().enumerate() {
        if is_large(entry) {
            tasks.extend(old.piece(found, start..at));
            tasks.extend(old.large(found, at));
            (start, size) = (at + 1, 0);
            continue;
        }
        size += BLOCK + entry.size.next_multiple_of(BLOCK);
        let cut = size >= LEAST && hash(&entry.path).is_multiple_of(ONE_IN);
        if cut || size >= MOST {
            tasks.extend(old.piece(found, start..at + 1));
            (start, size) = (at + 1, 0);
        }
    }
    tasks.extend(old.piece(found, start..found.len()));
    tasks
}

fn is_large(entry: &Entry) -> bool {
    entry.kind == Kind::File && entry.size > MOST
}

/// FNV-1a: the same on every machine and for ever.
fn hash(path: &RepoPath) -> u64 {
    let bytes = path.as_bytes().iter();
    let mixed = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // Its last bits are those of the last letter.
    mixed >> 24
}

/// The pieces of the newest archive, by the first path in each.
struct Old<'a> {
    listing: Option<&'a Listing>,
    by_first: HashMap<&'a RepoPath, (usize, usize)>,
}

impl<'a> Old<'a> {
    fn of(listing: Option<&'a Listing>) -> Self {
        let mut by_first = HashMap::new();
        for (number, (first, chunk)) in listing.iter().flat_map(|l| l.firsts()).enumerate() {
            if chunk.entries > 0
                && let Some(entry) = listing.and_then(|listing| listing.entries.get(first))
            {
                by_first.insert(&entry.path, (number, first));
            }
        }
        Self { listing, by_first }
    }

    /// The piece of the newest archive that has just these entries, none of them changed.
    fn same(&self, found: &[Entry]) -> Option<usize> {
        let (number, first) = self.by_first.get(&found.first()?.path)?;
        let listing = self.listing?;
        let count = listing.chunks.get(*number)?.entries;
        let old = listing.entries.get(*first..first + count)?;
        let same = old.len() == found.len();
        let mut pairs = old.iter().zip(found);
        (same && pairs.all(|(old, now)| old.is_same(now))).then_some(*number)
    }

    fn piece(&self, found: &[Entry], range: Range<usize>) -> Option<Task> {
        let entries = found.get(range.clone()).filter(|all| !all.is_empty())?;
        let first = range.start;
        let job = Job::Files(range);
        Some(match self.same(entries) {
            Some(chunk) => Task::Copy { chunk, first, job },
            None => Task::Work(job),
        })
    }

    fn large(&self, found: &[Entry], at: usize) -> Vec<Task> {
        let Some(entry) = found.get(at) else {
            return Vec::new();
        };
        let offsets = (0..entry.size).step_by(usize::try_from(MOST).unwrap_or(usize::MAX));
        let parts = offsets.map(|offset| Job::Part {
            at,
            offset,
            length: MOST.min(entry.size - offset),
        });
        match self.same(std::slice::from_ref(entry)) {
            Some(chunk) => {
                let copies = parts.enumerate().map(|(number, job)| Task::Copy {
                    chunk: chunk + number,
                    first: at,
                    job,
                });
                copies.collect()
            }
            None => parts.chain([Job::Digest(at)]).map(Task::Work).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::backup::{Chunk, Stamp};

    fn file(name: &str, size: u64) -> Entry {
        Entry {
            path: RepoPath::from_bytes(name),
            kind: Kind::File,
            mode: 0o644,
            mtime: (1, 1),
            size,
            sha256: Some(name.to_owned()),
            link: None,
            stamp: Some(Stamp {
                ino: 1,
                ctime: (1, 1),
            }),
            sparse: false,
            torn: false,
        }
    }

    fn many() -> Vec<Entry> {
        let mut all: Vec<_> = (0..2000)
            .map(|number| file(&format!("repo/{number:05}"), 4000))
            .collect();
        all.push(file("repo/large", 5 << 20));
        all
    }

    /// The listing of an archive that was made of `found`.
    fn listing(found: &[Entry]) -> Listing {
        let chunks = plan(found, None).into_iter().filter_map(|task| {
            let Task::Work(job) = task else { return None };
            let entries = match job {
                Job::Files(range) => range.len(),
                Job::Part { offset, .. } => usize::from(offset == 0),
                Job::Digest(_) => return None,
            };
            Some(Chunk {
                offset: 0,
                length: 0,
                plain: 0,
                sha256: String::new(),
                entries,
            })
        });
        Listing {
            chunks: chunks.collect(),
            entries: found.to_vec(),
        }
    }

    fn work(tasks: &[Task]) -> usize {
        let works = |task: &&Task| matches!(task, Task::Work(_));
        tasks.iter().filter(works).count()
    }

    #[test]
    fn every_entry_is_in_one_piece_and_in_order() {
        let found = many();
        let mut next = 0;
        for task in plan(&found, None) {
            match task {
                Task::Work(Job::Files(range)) => {
                    assert_eq!(range.start, next);
                    let size: u64 = found[range.clone()].iter().map(|e| e.size + BLOCK).sum();
                    assert!(size < 2 * MOST, "{size}");
                    next = range.end;
                }
                Task::Work(Job::Part { at, offset: 0, .. }) => {
                    assert_eq!(at, next);
                    next += 1;
                }
                Task::Work(_) => {}
                Task::Copy { .. } => panic!("there is nothing to copy from"),
            }
        }
        assert_eq!(next, found.len());
    }

    #[test]
    fn nothing_changed_is_nothing_to_compress() {
        let found = many();
        let tasks = plan(&found, Some(&listing(&found)));
        assert_eq!(work(&tasks), 0);
        assert!(tasks.len() > 10);
    }

    #[test]
    fn one_change_costs_one_piece() {
        let before = listing(&many());
        let mut found = many();
        found[700].mtime.1 = 2;
        assert_eq!(work(&plan(&found, Some(&before))), 1);
    }

    #[test]
    fn one_file_more_or_less_moves_few_pieces() {
        let before = listing(&many());
        for change in [
            |all: &mut Vec<Entry>| all.insert(700, file("repo/00699a", 10)),
            |all: &mut Vec<Entry>| drop(all.remove(700)),
        ] {
            let mut found = many();
            change(&mut found);
            let tasks = plan(&found, Some(&before));
            assert!(work(&tasks) <= 4, "{} of {}", work(&tasks), tasks.len());
        }
    }

    #[test]
    fn a_large_file_is_cut_and_copied_as_a_whole() {
        let found = vec![file("repo/large", (2 << 20) + 1)];
        let tasks = plan(&found, None);
        assert_eq!(tasks.len(), 4, "three parts and the digest");
        let again = plan(&found, Some(&listing(&found)));
        let copies = again.iter().map(|task| match task {
            Task::Copy { chunk, first, .. } => (*chunk, *first),
            Task::Work(_) => panic!("it was not changed"),
        });
        assert_eq!(copies.collect::<Vec<_>>(), [(0, 0), (1, 0), (2, 0)]);
    }
}
