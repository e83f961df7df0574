//! What must hold after a fault: nothing lost, everything usable, and the same end as without it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
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
        let mut lost: BTreeMap<_, _> = self.committed.iter().map(|oid| (oid, None)).collect();
        lost.extend(self.contents.iter().map(|(oid, path)| (oid, Some(path))));
        for place in PLACES {
            if lost.is_empty() {
                break;
            }
            let safe = place(scenario, with_leftovers);
            lost.retain(|oid, _| !safe.contains(*oid));
        }
        let tell = |(oid, path): (&String, Option<&PathBuf>)| match path {
            Some(path) => format!("{} ({oid})", path.display()),
            None => format!("{oid} from history"),
        };
        lost.into_iter().map(tell).collect()
    }
}

/// What one place keeps; the second says whether what a dead run has left counts.
type Place = fn(&Scenario, bool) -> BTreeSet<String>;

/// Where something may be, those first that take little time to look into.
const PLACES: [Place; 6] = [
    |scene, _| kept(&scene.laptop, &scene.laptop.git_dir(), "--all"),
    |scene, _| live(&scene.laptop).into_keys().collect(),
    |scene, _| kept(&scene.laptop, scene.remote.path(), "--all"),
    |scene, _| staged(&scene.laptop).into_keys().collect(),
    put_aside,
    |scene, _| backed_up(&scene.laptop).into_iter().collect(),
];

/// What is kept in folders of ours, and what git itself puts aside in a rebase and brings back at its end.
fn put_aside(scenario: &Scenario, with_leftovers: bool) -> BTreeSet<String> {
    let laptop = &scenario.laptop;
    let mut safe = BTreeSet::new();
    let autostash = laptop.git_dir().join("rebase-merge/autostash");
    if let Ok(oid) = fs::read_to_string(autostash) {
        safe.extend(kept(laptop, &laptop.git_dir(), oid.trim()));
    }
    let mut folders = vec!["rescued"];
    folders.extend(with_leftovers.then_some("stage"));
    for folder in folders {
        let folder = laptop.git_dir().join("sync").join(folder);
        safe.extend(contents_below(laptop, &folder));
    }
    safe
}

/// Where a scene ends: what is at each path, in each place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End(BTreeMap<PathBuf, String>);

impl End {
    /// Where it is now.
    pub(super) fn of(scenario: &Scenario) -> Self {
        let Scenario { laptop, remote, .. } = scenario;
        let mut found: BTreeMap<_, _> = belongings(laptop).into_iter().map(seen).collect();
        let held = laptop.run(laptop.sync_command(["resolve", "--list"]));
        let paths = held.stdout();
        let paths = paths.lines().filter_map(|line| line.split("   ").next());
        let status = laptop.try_git(["status", "--porcelain"]).stdout();
        found.insert("held".into(), paths.collect::<Vec<_>>().join("\n"));
        found.insert("status".into(), status);
        let tree = remote.git(["for-each-ref", "--format=%(tree)", "refs/heads/main"]);
        found.insert("remote".into(), tree);
        Self(found)
    }

    /// Where it differs from another one, in words.
    pub(super) fn unlike(&self, other: &Self) -> Vec<String> {
        let paths: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let differ = paths
            .into_iter()
            .filter(|path| self.0.get(*path) != other.0.get(*path));
        let tell = |path: &PathBuf| {
            let (here, there) = (self.0.get(path), other.0.get(path));
            format!("{}: {here:?}, not {there:?}", path.display())
        };
        differ.map(tell).collect()
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

/// Why git does not work in it, where there is a repository already.
pub(super) fn unusable(machine: &Machine) -> Option<String> {
    if !is_repository(&machine.git_dir()) {
        return None;
    }
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
    let left = left_behind(machine);
    assert!(left.is_empty(), "{when}: left behind {left:?}");
}

/// What a dead run has left: locks, a journal, folders and files of its own.
pub(super) fn left_behind(machine: &Machine) -> Vec<PathBuf> {
    let mut left = all_below(&machine.git_dir());
    left.extend(all_below(&machine.path(".sync")));
    left.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ours = path.parent().is_some_and(|folder| folder.ends_with("sync"));
        name.ends_with(".lock")
            || name.starts_with(".git-sync-")
            || (ours && ["journal", "tmp", "stage"].contains(&&*name))
            || (ours && name.starts_with("look-"))
    });
    left
}

/// Expects that the user can commit.
#[track_caller]
pub(super) fn is_free(machine: &Machine, when: &str) {
    let trouble = unfree(machine);
    assert!(trouble.is_none(), "{when}: {}", trouble.unwrap_or_default());
}

/// Why the user cannot commit.
pub(super) fn unfree(machine: &Machine) -> Option<String> {
    let answer = machine.try_git(["commit", "--quiet", "--allow-empty", "-m", "by hand"]);
    (answer.code() != 0).then(|| answer.scene())
}

fn is_repository(path: &Path) -> bool {
    path.join("HEAD").is_file()
}

/// The contents that the refs below some prefixes keep; commits and trees are made again by every
/// rebase.
fn kept(machine: &Machine, repository: &Path, which: &str) -> BTreeSet<String> {
    if !is_repository(repository) {
        return BTreeSet::new();
    }
    let mut command = machine.command("git");
    command.arg("--git-dir").arg(repository);
    command.args(["rev-list", "--objects", "--no-object-names"]);
    command.args(["--filter=object:type=blob", "--filter-provided-objects"]);
    command.args(which.split(' '));
    // Where a ref leads nowhere, git says so below.
    let listing = machine.run(command).stdout();
    listing.lines().map(str::to_owned).collect()
}

/// The contents that the index alone may have: what was staged and then edited further.
fn staged(machine: &Machine) -> BTreeMap<String, PathBuf> {
    if !is_repository(&machine.git_dir()) {
        return BTreeMap::new();
    }
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
    named(machine, regular(belongings(machine)))
}

/// The contents of the files in backups.
fn backed_up(machine: &Machine) -> Vec<String> {
    let folder = machine.home().join(".local/state/git-sync/backups");
    let mut archives = regular(all_below(&folder));
    archives.retain(|path| path.extension().is_some_and(|end| end == "gz"));
    if archives.is_empty() {
        return Vec::new();
    }
    let unpacked = machine.world().join("unpacked");
    let mut script = format!("rm -rf '{0}'; mkdir '{0}'; cd '{0}';", unpacked.display());
    for (number, archive) in archives.iter().enumerate() {
        // One that is not whole is the affair of another test.
        let unpack = format!(
            "mkdir {number}; tar xzf '{}' -C {number} || true;",
            archive.display()
        );
        script += &unpack;
    }
    machine.sh(&script).succeeds();
    contents_below(machine, &unpacked)
}

fn contents_below(machine: &Machine, folder: &Path) -> Vec<String> {
    let files = regular(all_below(folder));
    named(machine, files).into_keys().collect()
}

fn regular(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.retain(|path| path.symlink_metadata().is_ok_and(|found| found.is_file()));
    paths
}

/// The files and links of the machine's user, in the work tree and in the rest of the home.
fn belongings(machine: &Machine) -> Vec<PathBuf> {
    let mut found = all_below(machine.home());
    let is_kept_by_a_program = |path: &Path| {
        let path = path.strip_prefix(machine.home()).unwrap_or(path);
        let mut names = path.iter().map(|name| name.to_string_lossy());
        names.any(|name| [".git", ".sync", ".local", ".cache"].contains(&&*name))
    };
    found.retain(|path| !path.is_dir() || path.is_symlink());
    found.retain(|path| !is_kept_by_a_program(path));
    found.sort();
    found
}

/// What there is at a path: its mode and its text, or where it leads.
fn seen(path: PathBuf) -> (PathBuf, String) {
    let mode = path.symlink_metadata().map_or(0, |found| found.mode());
    let text = match fs::read_link(&path) {
        Ok(target) => target.into_os_string().into_encoded_bytes(),
        Err(_) => fs::read(&path).unwrap_or_default(),
    };
    let text = format!("{mode:o} {}", String::from_utf8_lossy(&text));
    (path, text)
}

fn named(machine: &Machine, files: Vec<PathBuf>) -> BTreeMap<String, PathBuf> {
    let list = machine.world().join("paths");
    let mut text = Vec::new();
    for path in &files {
        text.extend_from_slice(path.as_os_str().as_bytes());
        text.push(b'\n');
    }
    fs::write(&list, text).expect("own folder");
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
