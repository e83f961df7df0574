//! Archives that somebody has made to do harm: nothing is written where it should not be, and no disk is
//! filled.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};

use crate::backups::folder;
use crate::support::{Machine, Sandbox};

/// One thing in a forged archive: as the list has it, and as tar has it.
struct Forged {
    listed: serde_json::Value,
    header: Header,
    content: Vec<u8>,
}

fn header(kind: EntryType, name: &[u8], link: &[u8], size: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size as u64);
    // Written as it is: the crate refuses what leads elsewhere.
    let gnu = header.as_gnu_mut().unwrap();
    gnu.name[..name.len()].copy_from_slice(name);
    gnu.linkname[..link.len()].copy_from_slice(link);
    header.set_cksum();
    header
}

fn file(name: &str, content: &str) -> Forged {
    Forged {
        listed: json!({
            "path": name, "kind": "file", "mode": 0o644, "mtime": [1, 0], "size": content.len(),
            "sha256": hex(content.as_bytes()),
        }),
        header: header(EntryType::Regular, name.as_bytes(), b"", content.len()),
        content: content.as_bytes().to_vec(),
    }
}

fn link(name: &str, kind: &str, target: &str) -> Forged {
    let entry = if kind == "hard" {
        EntryType::Link
    } else {
        EntryType::Symlink
    };
    Forged {
        listed: json!({
            "path": name, "kind": kind, "mode": 0o777, "mtime": [1, 0], "link": target,
        }),
        header: header(entry, name.as_bytes(), target.as_bytes(), 0),
        content: Vec::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let digits: Vec<_> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn member(name: &str, text: &[u8], size: usize) -> Vec<u8> {
    let mut plain = header(EntryType::Regular, name.as_bytes(), b"", size)
        .as_bytes()
        .to_vec();
    plain.extend_from_slice(text);
    plain.resize(plain.len().next_multiple_of(512), 0);
    gzip(&plain)
}

/// How a forged archive lies about its sizes.
#[derive(Default)]
struct Lies {
    /// The size of the piece, unpacked.
    plain: Option<u64>,
    /// The size of the list.
    list: Option<usize>,
}

/// Makes an archive that is newer than all others.
fn forge(machine: &Machine, all: &[Forged], lies: &Lies) {
    let mut plain = Vec::new();
    for forged in all {
        plain.extend_from_slice(forged.header.as_bytes());
        plain.extend_from_slice(&forged.content);
        plain.resize(plain.len().next_multiple_of(512), 0);
    }
    let packed = gzip(&plain);
    let mut list = json!({ "chunk": {
        "offset": 0, "length": packed.len(), "sha256": hex(&packed), "entries": all.len(),
        "plain": lies.plain.unwrap_or(plain.len() as u64),
    }})
    .to_string();
    for forged in all {
        list.push('\n');
        list.push_str(&forged.listed.to_string());
    }
    list.push('\n');
    put_together(machine, packed, &list, lies.list.unwrap_or(list.len()));
}

/// Makes an archive of its pieces and a list, which says that it has `size` bytes.
fn put_together(machine: &Machine, pieces: Vec<u8>, list: &str, size: usize) {
    let mut archive = pieces;
    let listing = archive.len() as u64;
    archive.extend(member(
        "git-sync-backup/entries.jsonl",
        list.as_bytes(),
        size,
    ));
    let head = archive.len() as u64;
    let text = json!({
        "version": 1, "number": 999, "time": "2026-10-21T08:00:00Z", "reason": "hand",
        "machine": "mallory", "repository": null, "home": null, "head": null, "branch": null,
        "files": 1, "bytes": 0,
    })
    .to_string();
    archive.extend(member(
        "git-sync-backup/manifest.json",
        text.as_bytes(),
        text.len(),
    ));
    archive.extend([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255]);
    archive.extend([24, 0, b'G', b'S', 20, 0]);
    archive.extend(1_u32.to_le_bytes());
    archive.extend(listing.to_le_bytes());
    archive.extend(head.to_le_bytes());
    archive.extend([3, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    fs::write(folder(machine).join("2030-01-01T000000.tar.gz"), archive).unwrap();
}

fn laptop() -> Machine {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync(["backup"]).succeeds();
    fs::write(laptop.home().join("outside"), "outside\n").unwrap();
    laptop
}

/// Everything that there is on the machine, but for the backups and what a command prints.
fn world(machine: &Machine) -> String {
    let script = "find . -name .git -prune -o -path ./.local -prune -o -path ./configs/.sync -prune \
                  -o -print | sort; cat outside; ls -A ..; ls configs/.git/hooks";
    machine.at_home().sh(script).succeeds().stdout()
}

/// Neither restore does anything with it.
#[track_caller]
fn is_refused(machine: &Machine, all: &[Forged], lies: &Lies, why: &str) {
    forge(machine, all, lies);
    let before = world(machine);
    for words in [
        ["restore", "2030", "--yes", "--json"],
        ["restore", "2030", "--to", "../old"],
    ] {
        let output = machine.sync(words);
        assert!(
            ![0, 101, 134].contains(&output.code()),
            "{why}: it is not refused\n{}",
            output.scene()
        );
        assert_eq!(world(machine), before, "{why}\n{}", output.scene());
    }
}

#[test]
fn an_archive_that_is_forged_well_is_restored() {
    let laptop = laptop();
    forge(&laptop, &[file("repo/new", "new\n")], &Lies::default());
    laptop.sync(["restore", "2030", "--yes"]).succeeds();
    laptop.has("new", "new\n");
}

#[test]
fn names_that_lead_out_are_refused() {
    let laptop = laptop();
    for name in [
        "repo/../../evil",
        "../evil",
        "/tmp/git-sync-evil",
        "home/../evil",
        "repo/./x",
        "repo//x",
        "etc/evil",
        "repo/.git/hooks/post-commit",
        "repo/.GIT/hooks/post-commit",
        "repo/git~1/hooks/post-commit",
        "repo/.git /hooks/post-commit",
        "repo/.git./hooks/post-commit",
        "repo/.git::$INDEX_ALLOCATION/hooks/post-commit",
        "repo/.g\u{200c}it/hooks/post-commit",
        "repo/a/.Gi\u{feff}t/config",
        "repo/.sync/state",
        "home/..",
    ] {
        is_refused(&laptop, &[file(name, "evil\n")], &Lies::default(), name);
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    let laptop = laptop();
    let out = laptop.home().to_str().unwrap().to_owned();
    let through = [
        link("repo/a", "link", &out),
        file("repo/a/outside", "evil\n"),
    ];
    is_refused(&laptop, &through, &Lies::default(), "a link in the archive");
    let hard = [link("repo/a", "hard", "repo/../../outside")];
    is_refused(
        &laptop,
        &hard,
        &Lies::default(),
        "another name of what is outside",
    );
    let hard = [link("repo/a", "hard", "/etc/passwd")];
    is_refused(
        &laptop,
        &hard,
        &Lies::default(),
        "another name of what is outside",
    );
    // A link that is there already.
    laptop.link("a", &out);
    let folder = Forged {
        listed: json!({ "path": "repo/a", "kind": "folder", "mode": 0o755, "mtime": [1, 0] }),
        header: header(EntryType::Directory, b"repo/a/", b"", 0),
        content: Vec::new(),
    };
    forge(
        &laptop,
        &[folder, file("repo/a/outside", "evil\n")],
        &Lies::default(),
    );
    laptop
        .sync(["restore", "2030", "--yes"])
        .exits(1)
        .tells("something else stands above it");
    assert_eq!(
        fs::read_to_string(laptop.home().join("outside")).unwrap(),
        "outside\n"
    );
}

#[test]
fn what_tar_has_must_be_what_the_list_says() {
    let laptop = laptop();
    let mut renamed = file("repo/a", "evil\n");
    renamed.header = header(EntryType::Regular, b"../evil", b"", 5);
    is_refused(&laptop, &[renamed], &Lies::default(), "another name");
    let mut device = file("repo/a", "");
    device.header = header(EntryType::Char, b"repo/a", b"", 0);
    is_refused(&laptop, &[device], &Lies::default(), "a device");
    let mut pipe = file("repo/a", "");
    pipe.header = header(EntryType::Fifo, b"repo/a", b"", 0);
    is_refused(&laptop, &[pipe], &Lies::default(), "a pipe");
    let mut linked = file("repo/a", "");
    linked.header = header(EntryType::Symlink, b"repo/a", b"/etc/passwd", 0);
    is_refused(&laptop, &[linked], &Lies::default(), "a link");
    let mut changed = file("repo/a", "good\n");
    changed.content = b"evil\n".to_vec();
    is_refused(&laptop, &[changed], &Lies::default(), "another content");
}

#[test]
fn what_grows_beyond_what_it_says_is_refused() {
    let laptop = laptop();
    let large = file("repo/a", &"0".repeat(30 << 20));
    is_refused(
        &laptop,
        &[large],
        &Lies::default(),
        "a piece that is too large",
    );
    let lies = Lies {
        plain: Some(1024),
        ..Lies::default()
    };
    let grows = file("repo/a", &"0".repeat(1 << 20));
    is_refused(
        &laptop,
        &[grows],
        &lies,
        "a piece that is larger than it says",
    );
    let lies = Lies {
        plain: Some(1 << 50),
        ..Lies::default()
    };
    is_refused(
        &laptop,
        &[file("repo/a", "a")],
        &lies,
        "a piece without an end",
    );
    let lies = Lies {
        list: Some(1 << 32),
        ..Lies::default()
    };
    is_refused(
        &laptop,
        &[file("repo/a", "a")],
        &lies,
        "a list without an end",
    );
    let mut huge = file("repo/a", "a");
    huge.listed["size"] = json!(1_u64 << 55);
    is_refused(
        &laptop,
        &[huge],
        &Lies::default(),
        "a file that no disk has room for",
    );
}

#[test]
fn one_that_is_damaged_is_told_and_built_upon_by_none() {
    let laptop = laptop();
    let id = crate::backups::archives(&laptop).pop().unwrap();
    let path = folder(&laptop).join(format!("{id}.tar.gz"));
    let mut bytes = fs::read(&path).unwrap();
    bytes[40] ^= 1;
    fs::write(&path, &bytes).unwrap();
    laptop
        .sync(["backup", "--verify"])
        .exits(1)
        .tells("is damaged");
    laptop.write("zshrc", "new\n");
    laptop.sync(["backup"]).succeeds();
    laptop.sync(["backup", "--verify"]).succeeds();
    bytes.truncate(bytes.len() - 3);
    fs::write(&path, &bytes).unwrap();
    let list = laptop.sync(["backup", "--list"]).succeeds().stdout();
    assert!(list.contains("damaged"), "{list}");
}

/// The first piece begins with `header`, and zeros follow, as many as `count` pieces have. `apart`: are the others
/// behind one another, or all in one place?
fn forge_zeros(
    machine: &Machine,
    header: &Header,
    listed: &serde_json::Value,
    count: u64,
    apart: bool,
) {
    const PLAIN: u64 = 16 << 20;
    let mut first = header.as_bytes().to_vec();
    first.resize(usize::try_from(PLAIN).unwrap(), 0);
    let (first, zeros) = (
        gzip(&first),
        gzip(&vec![0; usize::try_from(PLAIN).unwrap()]),
    );
    let line = |offset, packed: &[u8], entries| {
        let chunk = json!({
            "offset": offset, "length": packed.len(), "sha256": hex(packed), "entries": entries, "plain": PLAIN,
        });
        json!({ "chunk": chunk }).to_string()
    };
    let mut list = format!("{}\n{listed}\n", line(0, &first, 1));
    let mut pieces = first;
    let mut offset = pieces.len();
    for number in 1..count {
        if apart || number == 1 {
            offset = pieces.len();
            pieces.extend_from_slice(&zeros);
        }
        list.push_str(&line(offset, &zeros, 0));
        list.push('\n');
    }
    put_together(machine, pieces, &list, list.len());
}

/// No name is as long as a memory, no matter how small it is compressed.
#[test]
fn a_name_without_an_end_does_not_fill_the_memory() {
    let laptop = laptop();
    for kind in [
        EntryType::GNULongName,
        EntryType::GNULongLink,
        EntryType::XHeader,
    ] {
        let header = header(kind, b"repo/a", b"", 90 * (16 << 20));
        forge_zeros(&laptop, &header, &file("repo/a", "a").listed, 100, true);
        let output = laptop.sh("ulimit -v 1000000; git-sync restore 2030 --to ../old");
        assert_eq!(output.code(), 1, "{}", output.scene());
        // It has not been tried how much of it there is room for.
        output.tells("is damaged").does_not_tell("memory");
        laptop.lacks("../old");
    }
}

/// What is in one place cannot be the content of many.
#[test]
fn pieces_that_lie_on_one_another_are_refused() {
    let laptop = laptop();
    let size: u64 = 199 * (16 << 20);
    let listed = json!({
        "path": "repo/a", "kind": "file", "mode": 0o644, "mtime": [1, 0], "size": size, "sparse": true,
    });
    let header = header(
        EntryType::Regular,
        b"repo/a",
        b"",
        usize::try_from(size).unwrap(),
    );
    forge_zeros(&laptop, &header, &listed, 200, false);
    let output = laptop.sync(["restore", "2030", "--to", "../old"]).exits(1);
    output.tells("is damaged");
    laptop.lacks("../old");
}
