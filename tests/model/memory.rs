//! The reference model: every content that was ever written, and where it can still be found.
//!
//! A content is told by a word that nothing else has, `w17;`: on a line of its own, in a binary file, or in
//! the target of a link. Lines travel through merges, so a word is looked for and not a whole file.
//!
//! - What stood in a file before the program ran on a machine is somewhere afterwards: in a file, in a commit that a
//!   ref keeps, in the index, put aside, or in a backup.
//! - What a ref has kept once is kept by a ref for ever (docs/decisions/0015: for longer than a program of the
//!   model takes), whoever overwrites, forces or decides what.
//!
//! What somebody overwrites before any sync has seen it is theirs to lose.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::Machine;

/// The number of a word.
pub(super) type Word = usize;

/// Where and when a content was written.
#[derive(Debug)]
struct Written {
    machine: String,
    path: String,
    step: usize,
}

/// What is known of all contents.
#[derive(Debug, Default)]
pub(super) struct Memory {
    written: Vec<Written>,
    /// Kept by a ref once, and since which step.
    kept: BTreeMap<Word, usize>,
    /// What each repository keeps in its refs now.
    refs: BTreeMap<PathBuf, BTreeSet<Word>>,
    /// The words of each object that was ever seen: those never change.
    objects: HashMap<String, Vec<Word>>,
}

impl Memory {
    /// A new content for `path`.
    pub(super) fn word(&mut self, machine: &Machine, path: &str, step: usize) -> Word {
        self.written.push(Written {
            machine: machine.name().to_owned(),
            path: path.to_owned(),
            step,
        });
        self.written.len() - 1
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.written.len()
    }

    /// A content in words for people.
    pub(super) fn tell(&self, word: Word) -> String {
        let told = self.written.get(word).map(|written| {
            let Written {
                machine,
                path,
                step,
            } = written;
            format!("'w{word};', written to {path} on {machine} in step {step}")
        });
        let kept = self
            .kept
            .get(&word)
            .map(|step| format!(", in a ref since step {step}"));
        told.unwrap_or_default() + &kept.unwrap_or_default()
    }

    /// Looks at what the refs of a repository keep now.
    pub(super) fn look(&mut self, machine: &Machine, repository: &Path) {
        let git = |words: &[&str]| {
            let mut git = machine.command("git");
            git.env("GIT_DIR", repository).args(words);
            git
        };
        let list = [
            "rev-list",
            "--objects",
            "--no-object-names",
            "--all",
            "--filter=object:type=blob",
        ];
        let list = said(git(&list), "");
        let list = String::from_utf8(list).expect("names of objects");
        let new: Vec<_> = list
            .lines()
            .filter(|oid| !self.objects.contains_key(*oid))
            .collect();
        if !new.is_empty() {
            let contents = said(git(&["cat-file", "--batch"]), &(new.join("\n") + "\n"));
            self.remember(&contents);
        }
        let words = list
            .lines()
            .filter_map(|oid| self.objects.get(oid))
            .flatten()
            .copied();
        self.refs.insert(repository.to_owned(), words.collect());
    }

    /// Of these contents, those that the history of the branch has not.
    pub(super) fn not_in_history(
        &self,
        machine: &Machine,
        words: &BTreeSet<Word>,
    ) -> BTreeSet<Word> {
        let mut git = machine.command("git");
        git.args([
            "rev-list",
            "--objects",
            "--no-object-names",
            "refs/heads/main",
        ]);
        let list = said(git, "");
        let list = String::from_utf8(list).expect("names of objects");
        let objects = list.lines().filter_map(|oid| self.objects.get(oid));
        let history: BTreeSet<_> = objects.flatten().copied().collect();
        words.difference(&history).copied().collect()
    }

    /// Takes in what `git cat-file --batch` has said.
    fn remember(&mut self, mut rest: &[u8]) {
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let head = String::from_utf8_lossy(&rest[..end]).into_owned();
            let [oid, _, size] = head.split(' ').collect::<Vec<_>>()[..] else {
                panic!("no object: {head}");
            };
            let size: usize = size.parse().expect("a size");
            let content = &rest[end + 1..end + 1 + size];
            self.objects
                .insert(oid.to_owned(), words(content).collect());
            rest = &rest[end + 2 + size..];
        }
    }

    /// Does a ref of this repository keep it?
    pub(super) fn is_in(&self, repository: &Path, word: Word) -> bool {
        self.refs
            .get(repository)
            .is_some_and(|refs| refs.contains(&word))
    }

    /// Does a ref of anybody keep it?
    pub(super) fn is_in_a_ref(&self, word: Word) -> bool {
        self.refs.values().any(|refs| refs.contains(&word))
    }

    /// What was kept by a ref once, and is by none now.
    pub(super) fn forgotten(&self) -> Vec<Word> {
        let kept = self.kept.keys().copied();
        kept.filter(|word| !self.is_in_a_ref(*word)).collect()
    }

    /// From now on everything that a ref keeps is to be kept.
    pub(super) fn keep(&mut self, step: usize) {
        for word in self.refs.values().flatten() {
            self.kept.entry(*word).or_insert(step);
        }
    }
}

/// The text of a word, on a line of its own.
pub(super) fn line(word: Word) -> String {
    format!("w{word};")
}

/// The words in a content.
pub(super) fn words(content: &[u8]) -> impl Iterator<Item = Word> {
    let starts = content
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'w');
    starts.filter_map(|(at, _)| {
        let rest = &content[at + 1..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        (rest.get(digits) == Some(&b';')).then_some(number)
    })
}

/// The words in what is staged.
pub(super) fn staged(machine: &Machine) -> BTreeSet<Word> {
    let git = |words: &[&str]| {
        let mut git = machine.command("git");
        git.args(words);
        git
    };
    let list = said(git(&["ls-files", "--stage", "-z"]), "");
    let list = String::from_utf8_lossy(&list).into_owned();
    let oids = list.split('\0').filter_map(|entry| entry.split(' ').nth(1));
    let oids: Vec<_> = oids.collect();
    words(&said(
        git(&["cat-file", "--batch"]),
        &(oids.join("\n") + "\n"),
    ))
    .collect()
}

/// The words in all files below a folder; nothing where it is not there.
pub(super) fn below(folder: &Path) -> BTreeSet<Word> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match fs::symlink_metadata(&path) {
            Ok(data) if data.is_dir() => found.extend(below(&path)),
            Ok(data) if data.is_file() => found.extend(words(&fs::read(&path).unwrap_or_default())),
            _ => {}
        }
    }
    found
}

/// The words in all backups of a machine.
pub(super) fn backed_up(machine: &Machine) -> BTreeSet<Word> {
    let mut found = BTreeSet::new();
    let folders = fs::read_dir(machine.home().join(".local/state/git-sync/backups"));
    let folders = folders.into_iter().flatten().flatten();
    for archive in folders
        .flat_map(|folder| fs::read_dir(folder.path()))
        .flatten()
        .flatten()
    {
        let mut content = Vec::new();
        let file = fs::File::open(archive.path()).expect("own file");
        // One that is being made when a run dies has no end.
        drop(flate2::read::MultiGzDecoder::new(file).read_to_end(&mut content));
        found.extend(words(&content));
    }
    found
}

/// What a command says to what it is given.
fn said(mut command: Command, input: &str) -> Vec<u8> {
    let streams = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = streams.spawn().expect("git starts");
    let mut stdin = child.stdin.take().expect("it was given a pipe");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("own child");
    writer.join().expect("it only writes");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    output.stdout
}
