//! What must hold after a fault: nothing lost, everything usable, and the same end as without it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::scenario::Scenario;
use crate::support::Machine;

/// The contents that a scene has before it is disturbed: what may not be lost.
pub(super) struct Precious {
    contents: BTreeMap<String, PathBuf>,
    committed: BTreeSet<String>,
}

impl Precious {
    /// What the machine and the remote have now.
    pub(super) fn of(scenario: &Scenario) -> Self {
        let laptop = &scenario.laptop;
        let mut contents = staged(laptop);
        contents.extend(live(laptop));
        let mut committed = kept(laptop, &laptop.git_dir(), "--branches --remotes");
        // A heartbeat is nothing that anybody saved, and each takes the place of the one before.
        committed.extend(kept(laptop, scenario.remote.path(), "--branches --tags"));
        Self {
            contents,
            committed,
        }
    }

    /// Expects all of it to be safe.
    #[track_caller]
    pub(super) fn are_safe(&self, scenario: &Scenario, with_leftovers: bool, when: &str) {
        let lost = self.lost(scenario, with_leftovers);
        let scene = || scenario.laptop.scenery();
        assert!(lost.is_empty(), "{when}: lost {lost:?}\n{}", scene());
    }

    /// What is neither in a live file, nor in a commit that a ref keeps, nor at the remote, nor, where a
    /// run died and no other has cleaned up, in what it left.
    pub(super) fn lost(&self, scenario: &Scenario, with_leftovers: bool) -> Vec<String> {
        let laptop = &scenario.laptop;
        let mut safe = kept(laptop, &laptop.git_dir(), "--all");
        safe.extend(kept(laptop, scenario.remote.path(), "--all"));
        safe.extend(live(laptop).into_keys());
        safe.extend(staged(laptop).into_keys());
        // What git itself puts aside in a rebase, and brings back at its end.
        let autostash = laptop.git_dir().join("rebase-merge/autostash");
        if let Ok(oid) = fs::read_to_string(autostash) {
            safe.extend(kept(laptop, &laptop.git_dir(), oid.trim()));
        }
        let mut folders = vec!["rescued"];
        folders.extend(with_leftovers.then_some("stage"));
        for folder in folders {
            safe.extend(contents_below(
                laptop,
                &laptop.git_dir().join("sync").join(folder),
            ));
        }
        let live = self.contents.iter();
        let live = live.filter(|(oid, _)| !safe.contains(*oid));
        let live = live.map(|(oid, path)| format!("{} ({oid})", path.display()));
        let committed = self.committed.difference(&safe);
        let committed = committed.map(|oid| format!("{oid} from history"));
        live.chain(committed).collect()
    }
}

/// Where a scene ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    files: Vec<(PathBuf, u32, Vec<u8>)>,
    remote: String,
    held: Vec<String>,
    status: String,
}

impl End {
    /// Where it is now.
    pub(super) fn of(scenario: &Scenario) -> Self {
        let Scenario { laptop, remote, .. } = scenario;
        let mut files = laptop.fingerprint();
        files.retain(|(path, ..)| !path.starts_with(".git") && !path.starts_with(".sync"));
        let held = laptop.run(laptop.sync_command(["resolve", "--list"]));
        Self {
            files,
            remote: remote.git(["rev-parse", "main^{tree}"]),
            held: held
                .stdout()
                .lines()
                .filter_map(|line| line.split("   ").next())
                .map(str::to_owned)
                .collect(),
            status: laptop.git(["status", "--porcelain"]),
        }
    }
}

/// Expects a repository in which git works, and no file with a marker.
#[track_caller]
pub(super) fn is_usable(machine: &Machine, when: &str) {
    let trouble = unusable(machine);
    assert!(trouble.is_none(), "{when}: {}", trouble.unwrap_or_default());
    let git_dir = machine.git_dir();
    for path in machine.half_done() {
        let lock = path.starts_with(&git_dir) && path.extension().is_some_and(|e| e == "lock");
        assert!(lock, "{when}: {} is half done", path.display());
    }
}

/// Why git does not work in it.
pub(super) fn unusable(machine: &Machine) -> Option<String> {
    let looks = [
        ["fsck", "--full", "--no-dangling"],
        ["status", "--porcelain", "--branch"],
    ];
    let mut answers = looks.into_iter().map(|words| machine.try_git(words));
    let bad = answers.find(|answer| answer.code() != 0)?;
    Some(bad.scene())
}

/// Expects nothing of a dead run: no lock, no journal, no folder or file of its own.
#[track_caller]
pub(super) fn is_tidy(machine: &Machine, when: &str) {
    let mut left = Vec::new();
    for folder in [machine.git_dir(), machine.path(".sync")] {
        for path in all_below(&folder) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let ours = path.parent().is_some_and(|folder| folder.ends_with("sync"));
            let is_left = name.ends_with(".lock")
                || name.starts_with(".git-sync-")
                || (ours && ["journal", "tmp", "stage"].contains(&&*name))
                || (ours && name.starts_with("look-"));
            left.extend(is_left.then_some(path));
        }
    }
    assert!(left.is_empty(), "{when}: left behind {left:?}");
}

/// Expects that the user can commit.
#[track_caller]
pub(super) fn is_free(machine: &Machine, when: &str) {
    let answer = machine.try_git(["commit", "--quiet", "--allow-empty", "-m", "by hand"]);
    assert!(answer.code() == 0, "{when}: {}", answer.scene());
}

/// The contents that the refs below some prefixes keep; commits and trees are made again by every
/// rebase.
fn kept(machine: &Machine, repository: &Path, which: &str) -> BTreeSet<String> {
    let script = format!(
        "export GIT_DIR='{}'; git rev-list --objects {which} --no-object-names |
         git cat-file --batch-check='%(objecttype) %(objectname)'",
        repository.display()
    );
    let listing = machine.sh(&script).succeeds().stdout();
    let contents = listing
        .lines()
        .filter_map(|line| line.strip_prefix("blob "));
    contents.map(str::to_owned).collect()
}

/// The contents that the index alone may have: what was staged and then edited further.
fn staged(machine: &Machine) -> BTreeMap<String, PathBuf> {
    let listing = machine.git(["ls-files", "--stage"]);
    let entries = listing.lines().map(|line| {
        let (meta, path) = line.split_once('\t').expect("a listing of the index");
        let oid = meta.split(' ').nth(1).expect("a listing of the index");
        (oid.to_owned(), path.into())
    });
    entries.collect()
}

/// The contents of the live files, by the name that git has for them.
fn live(machine: &Machine) -> BTreeMap<String, PathBuf> {
    let mut files = machine.files();
    let is_content = |path: &PathBuf| {
        let found = machine.path(path).symlink_metadata();
        !path.starts_with(".sync") && found.is_ok_and(|found| found.is_file())
    };
    files.retain(is_content);
    named(machine, files)
}

fn contents_below(machine: &Machine, folder: &Path) -> Vec<String> {
    let mut files = all_below(folder);
    files.retain(|path| path.symlink_metadata().is_ok_and(|found| found.is_file()));
    named(machine, files).into_keys().collect()
}

fn named(machine: &Machine, files: Vec<PathBuf>) -> BTreeMap<String, PathBuf> {
    let list = machine.home().join("paths");
    let mut text = Vec::new();
    for path in &files {
        text.extend_from_slice(path.as_os_str().as_bytes());
        text.push(b'\n');
    }
    fs::write(&list, text).expect("own home");
    let script = format!(
        "git hash-object --no-filters --stdin-paths <'{}'",
        list.display()
    );
    let oids = machine.sh(&script).succeeds().stdout();
    oids.lines().map(str::to_owned).zip(files).collect()
}

fn all_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(all_below(&entry.path()));
        }
        found.push(entry.path());
    }
    found
}
