//! Archives that a disk has damaged, or somebody has made: whatever is in one, it is unpacked into its folder and
//! as its list says, or refused.

use super::restore::{Opened, open_up, unpack_into};
use crate::model::backup::{Chunk, Entry, Head, Kind, Listing, Stamp};
use crate::model::path::RepoPath;
use crate::store::backups::archive::Archive;
use crate::store::backups::pack::{Order, pack};
use crate::store::backups::read::{Roots, digest_of, found};
use crate::store::keys::KeyFile;
use crate::sys::fs::{self, Durable};
use crate::sys::hex::hex;
use crate::testing::{bytes, damaged, one_in};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::AtomicUsize;

/// No archive of these tests has more than this in it, unpacked.
const MOST: u64 = 64 << 20;

/// A piece of an archive.
#[derive(Debug, Clone)]
struct Piece {
    packed: Vec<u8>,
    /// Its size unpacked.
    plain: u64,
    /// How many entries begin in it.
    entries: usize,
}

/// An archive in its parts, to be put together again.
#[derive(Debug, Clone)]
struct Parts {
    pieces: Vec<Piece>,
    list: Vec<Entry>,
    head: Vec<u8>,
    /// What is in the first piece.
    first: Vec<u8>,
}

/// A tree of a bit of everything, as it is packed.
fn made(folder: &Path) -> (Vec<u8>, Parts) {
    let top = folder.join("top");
    let write = |name: &str, content: &[u8]| {
        let place = top.join(name);
        fs::create_dir_all(place.parent().expect("below the top")).expect("made");
        fs::write_atomic(&place, content, Durable::No).expect("written");
    };
    write("a", b"the content of a\n");
    write("deep/er/b", &b"0123456789".repeat(300));
    write(&format!("deep/{}", "n".repeat(200)), b"a long name\n");
    write("large", &vec![7; (1 << 20) + 7]);
    write("odd\nname", b"");
    fs::symlink(Path::new("deep/er"), &top.join("link")).expect("made");
    std::fs::hard_link(top.join("a"), top.join("same")).expect("made");
    let mut names = fs::files_below(&top).expect("listed");
    names.extend([b"deep".to_vec(), b"deep/er".to_vec()]);
    names.sort();
    let entry = |name: &Vec<u8>| {
        let place = RepoPath::from_bytes(name.clone()).below(&top);
        let path = RepoPath::from_bytes([b"repo/", &**name].concat());
        let there = fs::look(&place).expect("looked").expect("there");
        let entry = found(path, &place, &there).expect("read").expect("kept");
        if name != b"same" {
            return entry;
        }
        let first = RepoPath::from_bytes(&b"repo/a"[..]);
        Entry {
            kind: Kind::Hard,
            link: Some(first),
            size: 0,
            stamp: None,
            ..entry
        }
    };
    let order = Order {
        found: &names.iter().map(entry).collect::<Vec<_>>(),
        roots: &Roots {
            top: top.clone(),
            home: None,
        },
        previous: None,
        head: Head::default(),
        recipients: None,
        keys: &KeyFile::default(),
        done: &AtomicUsize::new(0),
        deadline: None,
    };
    let path = folder.join("made.tar.gz");
    let written = pack(&order, &path).expect("packed");
    let archive = Archive::open(&path, &KeyFile::default()).expect("an archive");
    let chunks = &written.listing.chunks;
    let parts = Parts {
        pieces: chunks
            .iter()
            .map(|chunk| Piece {
                packed: archive.packed(chunk).expect("whole"),
                plain: chunk.plain,
                entries: chunk.entries,
            })
            .collect(),
        first: archive.plain(&chunks[0]).expect("whole"),
        list: written.listing.entries.clone(),
        head: serde_json::to_vec(&written.head).expect("written"),
    };
    (fs::read(&path).expect("read").expect("there"), parts)
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).expect("memory takes it all");
    encoder.finish().expect("memory takes it all")
}

fn member(name: &str, text: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_path(name).expect("a short name");
    header.set_size(text.len() as u64);
    header.set_cksum();
    let mut plain = [header.as_bytes(), text].concat();
    plain.resize(plain.len().next_multiple_of(512), 0);
    gzip(&plain)
}

impl Parts {
    /// The same with something else in the first piece.
    fn with_first(&self, plain: &[u8]) -> Self {
        let mut other = self.clone();
        other.pieces[0].packed = gzip(plain);
        other.pieces[0].plain = plain.len() as u64;
        other
    }

    /// The list, which says of the pieces what is so.
    fn list(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut line = |value: &serde_json::Value| text.extend(format!("{value}\n").into_bytes());
        let mut entries = self.list.iter();
        let mut offset = 0;
        for piece in &self.pieces {
            let digest = Sha256::digest(&piece.packed);
            let chunk = Chunk {
                offset,
                length: piece.packed.len() as u64,
                plain: piece.plain,
                sha256: hex(&digest),
                entries: piece.entries,
            };
            offset += chunk.length;
            line(&serde_json::json!({ "chunk": chunk }));
            for entry in entries.by_ref().take(piece.entries) {
                line(&serde_json::json!(entry));
            }
        }
        text
    }

    /// The archive, with this list in it.
    fn with_list(&self, list: &[u8]) -> Vec<u8> {
        let packed = self.pieces.iter().map(|piece| &*piece.packed);
        let mut archive = packed.collect::<Vec<_>>().concat();
        let listing = archive.len() as u64;
        archive.extend(member("git-sync-backup/entries.jsonl", list));
        let head = archive.len() as u64;
        archive.extend(member("git-sync-backup/manifest.json", &self.head));
        archive.extend([
            0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 24, 0, b'G', b'S', 20, 0,
        ]);
        archive.extend(1_u32.to_le_bytes());
        archive.extend(listing.to_le_bytes());
        archive.extend(head.to_le_bytes());
        archive.extend([3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        archive
    }

    /// The archive.
    fn archive(&self) -> Vec<u8> {
        self.with_list(&self.list())
    }
}

/// Everything below a folder, with sizes and targets.
fn world(folder: &Path) -> Vec<String> {
    let names = fs::files_below(folder).expect("listed").into_iter();
    let mut all: Vec<_> = names
        .map(|name| {
            let place = RepoPath::from_bytes(name.clone()).below(folder);
            let found = fs::look(&place).expect("looked").expect("there");
            format!(
                "{} {} {:?}",
                String::from_utf8_lossy(&name),
                found.len(),
                crate::sys::tree::target(&place).expect("looked")
            )
        })
        .collect();
    all.sort();
    all
}

/// Unpacks the archive, and looks what came of it.
fn is_harmless(folder: &Path, archive: &[u8]) -> Result<bool, TestCaseError> {
    let path = folder.join("any.tar.gz");
    fs::write_atomic(&path, archive, Durable::No).expect("written");
    let before = world(folder);
    let into = folder.join("into");
    let unpacked = unpacked(&path, &into);
    let result = match &unpacked {
        Ok(listing) => is_as_listed(listing, &into),
        Err(_) => Ok(()),
    };
    if fs::look(&into).expect("looked").is_some() {
        let size: u64 = fs::files_below(&into)
            .expect("listed")
            .into_iter()
            .map(|name| {
                let found = fs::look(&RepoPath::from_bytes(name).below(&into))
                    .expect("looked")
                    .expect("there");
                found.len()
            })
            .sum();
        prop_assert!(size < MOST, "{size}");
        open_up(&into).expect("opened");
        fs::remove_scratch(&into).expect("removed");
    }
    result?;
    prop_assert_eq!(world(folder), before);
    Ok(unpacked.is_ok())
}

fn unpacked(path: &Path, into: &Path) -> crate::error::Result<Listing> {
    let archive = Archive::open(path, &KeyFile::default())?;
    let listing = archive.listing()?;
    if let Some(trouble) = listing.trouble() {
        return Err(crate::error::Error::failed(trouble));
    }
    let opened = Opened {
        id: "any".to_owned(),
        archive,
        listing: listing.clone(),
    };
    unpack_into(&opened, &(0..listing.entries.len()).collect(), into)?;
    Ok(listing)
}

/// What was unpacked without a complaint is what the list says.
fn is_as_listed(listing: &Listing, into: &Path) -> Result<(), TestCaseError> {
    open_up(into).expect("opened");
    for entry in &listing.entries {
        let place = entry.path.below(into);
        let there = fs::look(&place).expect("looked");
        prop_assert!(there.is_some(), "{}", entry.path);
        if let Some(known) = entry.sha256.as_ref().filter(|_| entry.kind == Kind::File) {
            crate::sys::tree::set_mode(&place, 0o600).expect("set");
            let digest = digest_of(&mut File::open(&place).expect("opened")).expect("read");
            prop_assert_eq!(&digest, known, "{}", entry.path);
        }
    }
    Ok(())
}

#[test]
fn an_archive_that_is_put_together_again_is_as_good_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, parts) = made(folder.path());
    assert!(is_harmless(folder.path(), &whole).expect("harmless"));
    assert!(is_harmless(folder.path(), &parts.archive()).expect("harmless"));
}

#[test]
fn a_damaged_archive_is_unpacked_as_its_list_says_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, _) = made(folder.path());
    let mut runner = TestRunner::new(one_in(8));
    let run = runner.run(&(bytes(), damaged(whole)), |(noise, archive)| {
        prop_assert!(!is_harmless(folder.path(), &noise)?);
        is_harmless(folder.path(), &archive).map(drop)
    });
    run.expect("it holds");
}

#[test]
fn an_archive_with_a_damaged_list_is_unpacked_into_its_folder_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, parts) = made(folder.path());
    let mut runner = TestRunner::new(one_in(8));
    let run = runner.run(&damaged(parts.list()), |list| {
        is_harmless(folder.path(), &parts.with_list(&list)).map(drop)
    });
    run.expect("it holds");
}

/// One byte of a header of tar is another one; does the sum in it say so?
fn header() -> impl Strategy<Value = (Index, usize, u8, bool)> {
    // Name, mode, size and time, sum and kind, target, and what is behind the mark of the format.
    let fields = [
        0..100_usize,
        100..108,
        124..136,
        136..148,
        148..157,
        157..265,
        345..500,
    ];
    let byte = proptest::sample::select(fields.to_vec()).prop_flat_map(|field| field);
    (any::<Index>(), byte, any::<u8>(), any::<bool>())
}

#[test]
fn an_archive_with_damaged_pieces_is_unpacked_into_its_folder_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, parts) = made(folder.path());
    let mut runner = TestRunner::new(one_in(8));
    let headers = proptest::collection::vec(header(), 1..4);
    let run = runner.run(
        &(damaged(parts.first.clone()), headers),
        |(harm, headers)| {
            let mut changed = parts.first.clone();
            for (block, at, byte, sums) in headers {
                let start = block.index(changed.len() / 512) * 512;
                changed[start + at] = byte;
                if !sums {
                    sum_up(&mut changed[start..start + 512]);
                }
            }
            for first in [harm.to_vec(), changed] {
                is_harmless(folder.path(), &parts.with_first(&first).archive())?;
            }
            Ok(())
        },
    );
    run.expect("it holds");
}

/// Puts the right sum into a header.
fn sum_up(header: &mut [u8]) {
    let mut sums = tar::Header::new_old();
    sums.as_mut_bytes().copy_from_slice(header);
    sums.set_cksum();
    header.copy_from_slice(sums.as_bytes());
}

/// Other names of others, devices, pipes, sparse files, names and facts in entries of their own: each in the
/// place of a file.
#[test]
fn what_no_archive_of_ours_has_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, parts) = made(folder.path());
    for kind in b"1234568SLKxgVMND" {
        let mut first = parts.first.clone();
        first[156] = *kind;
        sum_up(&mut first[..512]);
        let taken = is_harmless(folder.path(), &parts.with_first(&first).archive());
        assert!(!taken.expect("harmless"), "{}", char::from(*kind));
    }
}

#[test]
fn times_of_any_age_are_restored_or_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, parts) = made(folder.path());
    let times = [
        (-1, 0),
        (-62_135_596_800, 5),
        (i64::MIN, 0),
        (i64::MAX, 0),
        (0, 999_999_999),
        (0, 1_000_000_000),
        (0, u32::MAX),
    ];
    for mtime in times {
        let mut forged = parts.clone();
        for entry in &mut forged.list {
            let stamp = Some(Stamp {
                ino: 0,
                ctime: mtime,
            });
            *entry = Entry {
                mtime,
                stamp,
                ..entry.clone()
            };
        }
        is_harmless(folder.path(), &forged.archive()).expect("harmless");
    }
}

#[test]
fn what_is_cut_off_or_has_more_before_or_behind_it_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, _) = made(folder.path());
    let more = gzip(b"more");
    let mut wrong = vec![[&*whole, &more].concat(), [&*more, &whole].concat()];
    wrong.extend(
        (0..whole.len())
            .step_by(whole.len() / 40)
            .map(|cut| whole[..cut].to_vec()),
    );
    for archive in wrong {
        assert!(!is_harmless(folder.path(), &archive).expect("harmless"));
    }
}
