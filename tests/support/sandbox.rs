//! A world of its own for one test: homes, remotes, tools and a clock, and nothing from outside.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Machine, Remote, am_root};

/// The clock of every sandbox starts here (2026-10-21T08:00:00Z) and ticks a second a command.
const DAWN: u64 = 1_792_569_600;

/// The user without rights that permission stories act as when the tests run as root.
const NOBODY: u32 = 65_534;

/// What the machines of one test share.
#[derive(Debug)]
pub(crate) struct Scene {
    dir: tempfile::TempDir,
    clock: AtomicU64,
    runs: AtomicU64,
    user: Option<u32>,
}

impl Drop for Scene {
    /// Leaves the scene of a failure on disk when asked to: `GIT_SYNC_TEST_KEEP=1`.
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("GIT_SYNC_TEST_KEEP").is_some() {
            let kept = self.root().with_extension("kept");
            if fs::rename(self.root(), &kept).is_ok() {
                eprintln!("the scene is in {}", kept.display());
            }
        }
    }
}

impl Scene {
    /// The folder that holds everything of this test.
    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    /// The time of the next command, in seconds since the epoch.
    pub(crate) fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    /// A number for the files that catch the output of the next command.
    pub(crate) fn next_run(&self) -> u64 {
        self.runs.fetch_add(1, Ordering::Relaxed)
    }

    /// Gives a path that the harness made to the user that the story acts as.
    pub(crate) fn hand_over(&self, path: &Path) {
        if let Some(user) = self.user {
            std::os::unix::fs::lchown(path, Some(user), Some(user)).expect("root can chown");
        }
    }

    /// A command in this world: nothing of the caller's environment, no terminal, a fixed clock.
    pub(crate) fn command(&self, program: &str, home: &Path, cwd: &Path) -> Command {
        let now = self.tick();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", self.path())
            .env("HOME", home)
            .env("USER", home.file_name().unwrap_or_default())
            .env("LOGNAME", home.file_name().unwrap_or_default())
            .env("SHELL", "/bin/sh")
            .env("TERM", "dumb")
            .env("TZ", "UTC")
            .env("LC_ALL", "C.UTF-8")
            .env("TMPDIR", self.root().join("tmp"))
            .env("XDG_CONFIG_HOME", home.join(".config"))
            .env("XDG_STATE_HOME", home.join(".local/state"))
            .env("XDG_DATA_HOME", home.join(".local/share"))
            .env("XDG_CACHE_HOME", home.join(".cache"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", home.join(".gitconfig"))
            .env("GIT_CEILING_DIRECTORIES", self.root())
            .env("GIT_SYNC_NOW", now.to_string())
            .current_dir(cwd)
            .stdin(std::process::Stdio::null())
            .process_group(0);
        if program == "git" {
            // The product takes its time from GIT_SYNC_NOW; only the user's own git needs these.
            command.env("GIT_AUTHOR_DATE", format!("@{now} +0000"));
            command.env("GIT_COMMITTER_DATE", format!("@{now} +0000"));
        }
        if let Some(profile) = std::env::var_os(PROFILE) {
            command.env(PROFILE, profile);
        }
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    /// The folder whose programs win over all others.
    pub(crate) fn bin(&self) -> PathBuf {
        self.root().join("bin")
    }

    /// PATH: this sandbox's tools, the freshly built program, then what the system has.
    fn path(&self) -> OsString {
        let system = std::env::var_os("PATH").unwrap_or_default();
        let program = program();
        let built = program.parent().expect("a program has a folder");
        let mut dirs = vec![self.bin()];
        if self.user.is_none() {
            dirs.push(built.to_owned());
        }
        dirs.extend(std::env::split_paths(&system));
        std::env::join_paths(dirs).expect("PATH can be joined")
    }
}

/// One test's world.
#[derive(Debug)]
pub(crate) struct Sandbox {
    scene: Arc<Scene>,
}

impl Sandbox {
    /// An empty world, acted in by whoever runs the tests.
    pub(crate) fn new() -> Self {
        Self::as_user(None)
    }

    /// The world of a machine.
    pub(crate) fn of(machine: &Machine) -> Self {
        let scene = Arc::clone(machine.scene());
        Self { scene }
    }

    /// A world whose commands run without rights, so that permissions mean something for root too.
    pub(crate) fn unprivileged() -> Self {
        Self::as_user(am_root().then_some(NOBODY))
    }

    fn as_user(user: Option<u32>) -> Self {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let dir = tempfile::Builder::new()
            .prefix("git-sync-")
            .tempdir()
            .expect("a temporary folder can be made");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("own folder");
        let scene = Scene {
            dir,
            clock: AtomicU64::new(DAWN),
            runs: AtomicU64::new(0),
            user,
        };
        for name in ["bin", "homes", "remotes", "output", "tmp"] {
            let path = scene.root().join(name);
            fs::create_dir(&path).expect("own folder");
            scene.hand_over(&path);
        }
        if user.is_some() {
            // The build folder may lie where that user cannot look.
            let copy = scene.bin().join("git-sync");
            copy_program(&copy);
            chown(&copy, user, user).expect("root can chown");
        }
        Self {
            scene: Arc::new(scene),
        }
    }

    /// The folder that holds everything of this test.
    pub(crate) fn root(&self) -> &Path {
        self.scene.root()
    }

    /// A machine with a home, an identity, and nothing else.
    pub(crate) fn fresh(&self, name: &str) -> Machine {
        Machine::fresh(&self.scene, name)
    }

    /// A machine with an enrolled clone of the remote.
    pub(crate) fn machine(&self, name: &str, remote: &Remote) -> Machine {
        let machine = self.fresh(name);
        machine.clone_from(&remote.url());
        machine.enrol();
        machine
    }

    /// An empty bare remote.
    pub(crate) fn empty_remote(&self, name: &str) -> Remote {
        Remote::empty(&self.scene, name, &[])
    }

    /// An empty bare remote made with further options of `git init`.
    pub(crate) fn remote_with(&self, name: &str, options: &[&str]) -> Remote {
        Remote::empty(&self.scene, name, options)
    }

    /// A bare remote with a first commit: the ignore rules, a few configs.
    pub(crate) fn remote(&self) -> Remote {
        let remote = self.empty_remote("origin");
        remote.seed(self);
        remote
    }

    /// The usual scene: a remote and two enrolled machines.
    pub(crate) fn laptop_and_server(&self) -> (Machine, Machine, Remote) {
        let remote = self.remote();
        let laptop = self.machine("laptop", &remote);
        let server = self.machine("server", &remote);
        (laptop, server, remote)
    }

    /// Puts a program in front of everything else on PATH.
    pub(crate) fn tool(&self, name: &str, script: &str) {
        let path = self.scene.bin().join(name);
        fs::write(&path, script).expect("own folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("own file");
        self.scene.hand_over(&path);
    }
}

/// Where a program that was built to measure coverage writes what it has seen; see `tests/support/coverage.sh`.
const PROFILE: &str = "LLVM_PROFILE_FILE";

/// The program that the stories are about: the one that was just built, or `GIT_SYNC_BINARY`, which is a file called
/// `git-sync` somewhere else.
pub(crate) fn program() -> PathBuf {
    let other = std::env::var_os("GIT_SYNC_BINARY").map(PathBuf::from);
    if let Some(other) = &other {
        let is_found = other.is_absolute() && other.ends_with("git-sync") && other.is_file();
        assert!(
            is_found,
            "GIT_SYNC_BINARY is no path of a git-sync: {}",
            other.display()
        );
    }
    other.unwrap_or_else(|| env!("CARGO_BIN_EXE_git-sync").into())
}

/// Puts a copy of the program to `path`. Another one makes it: a child that another test starts meanwhile
/// would have a file that this process writes open, and what is open for writing cannot be run.
#[track_caller]
pub(crate) fn copy_program(path: &Path) {
    let copied = Command::new("cp").arg(program()).arg(path).status();
    assert!(
        copied.is_ok_and(|status| status.success()),
        "{}",
        path.display()
    );
}
