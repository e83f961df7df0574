//! What is expected of a machine after a story: files, holds, state, and nothing half done.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Machine, Output, Remote};

/// Traces that git leaves while an operation waits for the user, and locks.
const HALF_DONE: [&str; 11] = [
    "MERGE_HEAD",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "REBASE_HEAD",
    "AUTO_MERGE",
    "rebase-merge",
    "rebase-apply",
    "sequencer",
    "index.lock",
    "HEAD.lock",
    "refs/stash",
];

/// The one line of `.sync/state`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// `synced`, `ahead`, `behind`, `diverged`, `syncing`, `held`, `error` or `disabled`.
    pub(crate) word: String,
    /// Commits to push.
    pub(crate) ahead: u64,
    /// Commits to pull.
    pub(crate) behind: u64,
    /// Files with changes that no commit has.
    pub(crate) dirty: u64,
    /// Held paths.
    pub(crate) held: u64,
}

impl Machine {
    /// Expects a file with exactly this content.
    #[track_caller]
    pub(crate) fn has(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> &Self {
        let (path, content) = (path.as_ref(), content.as_ref());
        let found = self.bytes(path);
        assert!(
            found == content,
            "{} on {} is {:?}, not {:?}\n{}",
            path.display(),
            self.name(),
            String::from_utf8_lossy(&found),
            String::from_utf8_lossy(content),
            self.scenery()
        );
        self
    }

    /// Expects nothing under this name.
    #[track_caller]
    pub(crate) fn lacks(&self, path: impl AsRef<Path>) -> &Self {
        let path = path.as_ref();
        assert!(
            !self.exists(path),
            "{} should not be on {}\n{}",
            path.display(),
            self.name(),
            self.scenery()
        );
        self
    }

    /// Expects a symbolic link with this target.
    #[track_caller]
    pub(crate) fn links(&self, path: impl AsRef<Path>, target: &str) -> &Self {
        let found = fs::read_link(self.path(&path));
        assert!(
            found.as_deref().ok() == Some(Path::new(target)),
            "{} should be a link to {target}, not {found:?}\n{}",
            path.as_ref().display(),
            self.scenery()
        );
        self
    }

    /// Expects this icon for the prompt.
    #[track_caller]
    pub(crate) fn shows(&self, icon: &str) -> &Self {
        let found = self.read(".sync/sync-status");
        assert!(
            found.trim_end() == icon,
            "icon {found:?}, not {icon:?}\n{}",
            self.scenery()
        );
        self
    }

    /// What `.sync/state` says.
    #[track_caller]
    pub(crate) fn state(&self) -> State {
        let line = self.read(".sync/state");
        let words: Vec<_> = line.split_whitespace().collect();
        let number = |at: usize| {
            let word = words
                .get(at)
                .unwrap_or_else(|| panic!("short state: {line:?}"));
            word.parse()
                .unwrap_or_else(|_| panic!("no number at {at} in state {line:?}"))
        };
        State {
            word: words.first().copied().unwrap_or_default().to_owned(),
            ahead: number(1),
            behind: number(2),
            dirty: number(3),
            held: number(4),
        }
    }

    /// What its history tells of each run, oldest first.
    #[track_caller]
    pub(crate) fn records(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.path(".git/sync/history.jsonl")).unwrap_or_default();
        let lines = text.lines();
        let read = lines.map(|line| serde_json::from_str(line).expect("a line of JSON"));
        read.collect()
    }

    /// Expects exactly these paths to be held.
    #[track_caller]
    pub(crate) fn holds<const N: usize>(&self, paths: [&str; N]) -> &Self {
        let list = self.sync(["resolve", "--list", "--json"]).stdout();
        for path in paths {
            assert!(
                list.contains(path),
                "{path} is not held: {list}\n{}",
                self.scenery()
            );
        }
        let state = self.state();
        assert!(
            state.held == N as u64,
            "not {N} held: {state:?} {list}\n{}",
            self.scenery()
        );
        self.shows(if N == 0 { "✓" } else { "✗" })
    }

    /// Expects git to see nothing to commit.
    #[track_caller]
    pub(crate) fn is_clean(&self) -> &Self {
        let status = self.git(["status", "--porcelain"]);
        assert!(
            status.is_empty(),
            "{} is not clean\n{}",
            self.name(),
            self.scenery()
        );
        self
    }

    /// Expects the remote's branch to be where this machine is.
    #[track_caller]
    pub(crate) fn is_in_sync_with(&self, remote: &Remote) -> &Self {
        let (here, there) = (self.head(), remote.tip("main"));
        assert!(
            here == there,
            "{here} here, {there} at origin\n{}",
            self.scenery()
        );
        self.is_clean()
    }

    /// Expects a repository that `git fsck` finds whole.
    #[track_caller]
    pub(crate) fn is_whole(&self) -> &Self {
        self.git(["fsck", "--strict", "--no-dangling"]);
        self
    }

    /// The folder git keeps for this work tree, wherever it is.
    pub(crate) fn git_dir(&self) -> PathBuf {
        let dot_git = self.path(".git");
        match fs::read_to_string(&dot_git) {
            Ok(text) => self.path(text.trim_start_matches("gitdir: ").trim()),
            Err(_) => dot_git,
        }
    }

    /// Traces of unfinished work: what git leaves, locks, files with conflict markers.
    pub(crate) fn half_done(&self) -> BTreeSet<PathBuf> {
        let git_dir = self.git_dir();
        let mut traces: BTreeSet<_> = HALF_DONE
            .iter()
            .map(|name| git_dir.join(name))
            .filter(|path| path.exists())
            .collect();
        traces.extend(
            self.files()
                .into_iter()
                .filter(|path| has_markers(&self.path(path))),
        );
        traces
    }

    /// Expects that a run left no trace of unfinished work.
    #[track_caller]
    pub(super) fn left_nothing_half_done(&self, before: &BTreeSet<PathBuf>, output: &Output) {
        let after = self.half_done();
        let new: Vec<_> = after.difference(before).collect();
        assert!(
            new.is_empty(),
            "left half done: {new:?}\n{}",
            output.scene()
        );
    }

    /// Every file and link of the work tree, without git's own folder, sorted.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(self.root(), Path::new(""), &mut found);
        found.sort();
        found
    }

    /// Every byte that must not change when nothing may be changed: refs, index, work tree.
    pub(crate) fn fingerprint(&self) -> Vec<(PathBuf, u32, Vec<u8>)> {
        let mut files = self.files();
        // Our own state files say what is known, which a look may refresh.
        files.retain(|path| !path.starts_with(".sync"));
        files
            .extend([".git/HEAD", ".git/index", ".git/config", ".git/packed-refs"].map(Into::into));
        collect(self.root(), Path::new(".git/refs"), &mut files);
        files.retain(|path| !path.starts_with(".git/refs/remotes"));
        files.sort();
        let read = |path: PathBuf| {
            let full = self.path(&path);
            let bytes = match fs::read_link(&full) {
                Ok(target) => target.as_os_str().as_bytes().to_vec(),
                Err(_) if full.is_file() => fs::read(&full).unwrap_or_default(),
                Err(_) => Vec::new(),
            };
            let mode = if full.is_symlink() || full.exists() {
                self.mode(&path)
            } else {
                0
            };
            (path, mode, bytes)
        };
        files.into_iter().map(read).collect()
    }

    /// The state of the machine in words, for a failure: log, status, refs, files.
    pub(crate) fn scenery(&self) -> String {
        if !self.root().is_dir() {
            return format!("--- {}: no configs yet ---\n", self.name());
        }
        let ask = |title: &str, words: &[&str]| {
            let text = Command::new("git")
                .env("GIT_CONFIG_GLOBAL", self.home().join(".gitconfig"))
                .env("GIT_OPTIONAL_LOCKS", "0")
                .current_dir(self.root())
                .args(["-c", "safe.directory=*"])
                .args(words)
                .output()
                .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
                .unwrap_or_default();
            format!("--- {}: {title} ---\n{text}", self.name())
        };
        let line = |file: &PathBuf| {
            let size = self
                .path(file)
                .symlink_metadata()
                .map_or(0, |data| data.len());
            format!("{:04o} {size:>6} {}\n", self.mode(file), file.display())
        };
        let files: String = self.files().iter().map(line).collect();
        let state = fs::read_to_string(self.path(".sync/state")).unwrap_or_default();
        [
            ask(
                "log",
                &["log", "--oneline", "--graph", "--all", "--stat", "-n", "12"],
            ),
            ask("status", &["status", "--short", "--branch", "--ignored"]),
            ask(
                "refs",
                &["for-each-ref", "--format=%(objectname:short) %(refname)"],
            ),
            format!("--- {}: files ---\n{files}", self.name()),
            format!("--- {}: state ---\n{state}\n", self.name()),
        ]
        .concat()
    }
}

/// Expects machines and remote to have settled on one commit, all files committed.
#[track_caller]
pub(crate) fn all_agree(machines: &[&Machine], remote: &Remote) {
    for machine in machines {
        machine.is_in_sync_with(remote);
    }
}

/// Lets every machine sync in turn until all have what the others have.
#[track_caller]
pub(crate) fn settle(machines: &[&Machine]) {
    for machine in machines.iter().chain(&machines[..machines.len() - 1]) {
        machine.sync([]).succeeds();
    }
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        return;
    };
    for entry in entries.flatten() {
        let path = folder.join(entry.file_name());
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && entry.file_name() != OsStr::new(".git") {
            collect(root, &path, found);
        } else if !is_folder && path != Path::new(".sync/backups") {
            // That link leads to a folder of ours elsewhere.
            found.push(path);
        }
    }
}

/// Whether a file has a line that starts like a conflict marker.
fn has_markers(path: &Path) -> bool {
    // A fifo is not read: nobody writes to it.
    let is_file = path.symlink_metadata().is_ok_and(|data| data.is_file());
    is_file
        && fs::read(path).is_ok_and(|bytes| {
            bytes
                .split(|byte| *byte == b'\n')
                .any(|line| line.starts_with(b"<<<<<<< ") || line.starts_with(b">>>>>>> "))
        })
}
