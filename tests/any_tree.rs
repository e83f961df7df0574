//! Any tree: backed up, changed at random, and restored, it is what it was.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::Sandbox;

/// What a name in a tree stands for.
#[derive(Debug, Clone)]
enum Node {
    File {
        size: usize,
        seed: u8,
        mode: u32,
    },
    Link(Vec<u8>),
    Folder(u32),
    /// Another name of the first file.
    Hard,
}

/// What is done to a name afterwards.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Stay,
    Rewrite,
    Remove,
    Chmod,
    ToLink,
}

fn nodes() -> impl Strategy<Value = Node> {
    let sizes = prop_oneof![
        4 => 0_usize..2000,
        2 => Just(0_usize),
        2 => 100_000_usize..300_000,
        1 => (1_usize << 20)..(3 << 20),
    ];
    let modes = prop::sample::select(vec![0o644, 0o600, 0o755, 0o640, 0o400]);
    prop_oneof![
        6 => (sizes, any::<u8>(), modes).prop_map(|(size, seed, mode)| Node::File { size, seed, mode }),
        1 => prop::collection::vec(1_u8..255, 1..150).prop_map(Node::Link),
        1 => prop::sample::select(vec![0o755, 0o700]).prop_map(Node::Folder),
        1 => Just(Node::Hard),
    ]
}

fn names() -> impl Strategy<Value = Vec<u8>> {
    let odd = prop::sample::select(vec![
        b"plain".to_vec(),
        b"new\nline".to_vec(),
        b"no\xffutf8".to_vec(),
        b" space ".to_vec(),
        b"quote\"".to_vec(),
        b"-n".to_vec(),
        "\u{e4}\u{2713}".as_bytes().to_vec(),
        vec![b'l'; 200],
    ]);
    (odd, 0_u8..6).prop_map(|(mut name, number)| {
        name.push(b'0' + number);
        name
    })
}

type Tree = Vec<(Vec<u8>, Option<Vec<u8>>, Node, Deed)>;

fn trees() -> impl Strategy<Value = Tree> {
    let deeds = prop::sample::select(vec![
        Deed::Stay,
        Deed::Stay,
        Deed::Rewrite,
        Deed::Remove,
        Deed::Chmod,
        Deed::ToLink,
    ]);
    prop::collection::vec((names(), prop::option::of(names()), nodes(), deeds), 1..40)
}

fn path(top: &Path, name: &[u8], folder: Option<&Vec<u8>>) -> PathBuf {
    let mut path = top.join("tree");
    if let Some(folder) = folder {
        path.push(OsString::from_vec(
            [b"in ".to_vec(), folder.clone()].concat(),
        ));
    }
    path.join(OsString::from_vec(name.to_vec()))
}

fn content(size: usize, seed: u8) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    let bytes = (0..size).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Some of it can be compressed.
        if state & 0x100 == 0 {
            b'a'
        } else {
            state.to_be_bytes()[0]
        }
    });
    bytes.collect()
}

/// Makes a tree; names that are taken are passed over.
fn make(top: &Path, tree: &Tree) {
    let mut first = None;
    for (name, folder, node, _) in tree {
        let path = path(top, name, folder.as_ref());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if path.symlink_metadata().is_ok() {
            continue;
        }
        match node {
            Node::File { size, seed, mode } => {
                fs::write(&path, content(*size, *seed)).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
                first.get_or_insert(path);
            }
            Node::Link(target) => {
                let target = OsString::from_vec(target.clone());
                std::os::unix::fs::symlink(target, &path).unwrap();
            }
            Node::Folder(mode) => {
                fs::create_dir(&path).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
            }
            Node::Hard => {
                if let Some(first) = &first {
                    fs::hard_link(first, &path).unwrap();
                }
            }
        }
    }
}

/// Does to a tree what is to be done.
fn change(top: &Path, tree: &Tree) {
    for (name, folder, _, deed) in tree {
        let path = path(top, name, folder.as_ref());
        let Ok(found) = path.symlink_metadata() else {
            continue;
        };
        match deed {
            Deed::Stay => {}
            Deed::Chmod if found.is_symlink() => {}
            Deed::Chmod => {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o711)).unwrap();
            }
            Deed::Remove if found.is_dir() => fs::remove_dir(&path).unwrap(),
            _ if found.is_dir() => {}
            Deed::Remove => fs::remove_file(&path).unwrap(),
            Deed::Rewrite => {
                fs::remove_file(&path).unwrap();
                fs::write(&path, "another\n").unwrap();
            }
            Deed::ToLink => {
                fs::remove_file(&path).unwrap();
                std::os::unix::fs::symlink("elsewhere", &path).unwrap();
            }
        }
    }
    fs::write(top.join("tree/came later"), "later\n").unwrap();
}

fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_encoded_bytes().to_vec()
}

/// What a tree is: kinds, modes, times of files, contents, targets, and which names are one file.
fn seen(top: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut inodes: BTreeMap<u64, PathBuf> = BTreeMap::new();
    let mut folders = vec![top.join("tree")];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        entries.sort();
        for path in entries {
            let found = path.symlink_metadata().unwrap();
            let told = if found.is_symlink() {
                format!("link {:?}", bytes(&fs::read_link(&path).unwrap()))
            } else if found.is_dir() {
                folders.push(path.clone());
                format!("folder {:o}", found.mode())
            } else {
                let first = inodes.entry(found.ino()).or_insert_with(|| path.clone());
                let first = first.strip_prefix(top).unwrap().to_owned();
                let time = (found.mtime(), found.mtime_nsec());
                let digest = <sha2::Sha256 as sha2::Digest>::digest(fs::read(&path).unwrap());
                let digest: Vec<_> = digest.to_vec();
                format!(
                    "file {:o} {time:?} {digest:?} is {:?}",
                    found.mode(),
                    bytes(&first)
                )
            };
            all.insert(path.strip_prefix(top).unwrap().to_owned(), told);
        }
    }
    all
}

#[test]
fn any_tree_comes_back_as_it_was() {
    let cases = if std::env::var_os("GIT_SYNC_FAULTS").is_some_and(|all| all == "all") {
        200
    } else {
        6
    };
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 30,
        ..Config::default()
    });
    let result = runner.run(&trees(), |tree| {
        let (laptop, _, _) = Sandbox::new().laptop_and_server();
        fs::create_dir(laptop.path("tree")).unwrap();
        make(laptop.root(), &tree);
        let before = seen(laptop.root());
        laptop.sync(["backup"]).succeeds();
        change(laptop.root(), &tree);
        // A second one has pieces of the first.
        laptop.sync(["backup"]).succeeds();
        let changed = seen(laptop.root());
        let first = crate::backups::archives(&laptop)[0].clone();
        laptop
            .sync(["restore", &first, "--to", "../old"])
            .succeeds();
        let elsewhere = seen(&laptop.home().join("old/repo"));
        prop_assert_eq!(&elsewhere, &before);
        laptop
            .sync(["restore", &first, "--exact", "--yes"])
            .succeeds();
        let here: BTreeMap<_, _> = seen(laptop.root()).into_iter().collect();
        let names = |all: &BTreeMap<PathBuf, String>| {
            let plain = all.iter().map(|(path, told)| {
                // Which names are one file may differ for those that did not change.
                let told = told
                    .rsplit_once(" is ")
                    .map_or(told.as_str(), |(told, _)| told);
                (path.clone(), told.to_owned())
            });
            plain.collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(names(&here), names(&before));
        laptop
            .sync(["restore", "2026-10-21T080", "-n"])
            .exits_with_one_of(&[0, 1]);
        let second = crate::backups::archives(&laptop)[1].clone();
        laptop
            .sync(["restore", &second, "--exact", "--yes"])
            .succeeds();
        prop_assert_eq!(names(&seen(laptop.root())), names(&changed));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
