//! A machine: a home with a configs repository in it, and the words for what a person does there.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::sandbox::Scene;
use super::{Output, Running};

/// What every machine has in its `~/.gitconfig`.
const GITCONFIG: &str = "\
[user]
	name = Ana on NAME
	email = ana@NAME.example
[init]
	defaultBranch = main
[gc]
	auto = 0
[maintenance]
	auto = false
[sync]
	machineId = ana@NAME-linux
";

/// One machine of the story; cheap to clone, the clone is the same machine.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    scene: Arc<Scene>,
    name: String,
    home: PathBuf,
    root: PathBuf,
    cwd: Option<PathBuf>,
    env: BTreeMap<OsString, Option<OsString>>,
}

impl Machine {
    /// A machine with a home and an identity; its configs will be in `~/configs`.
    pub(super) fn fresh(scene: &Arc<Scene>, name: &str) -> Self {
        let home = scene.root().join("homes").join(name);
        fs::create_dir(&home).expect("a new name");
        scene.hand_over(&home);
        let gitconfig = home.join(".gitconfig");
        fs::write(&gitconfig, GITCONFIG.replace("NAME", name)).expect("own home");
        scene.hand_over(&gitconfig);
        Self {
            scene: Arc::clone(scene),
            name: name.to_owned(),
            root: home.join("configs"),
            cwd: None,
            home,
            env: BTreeMap::new(),
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its home folder.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Its configs folder: the work tree.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The world it is part of.
    pub(super) fn scene(&self) -> &Arc<Scene> {
        &self.scene
    }

    /// The folder of the whole story: homes, remotes, and what is in neither.
    pub(crate) fn world(&self) -> &Path {
        self.scene.root()
    }

    /// The time of its next command, in seconds since the epoch.
    pub(crate) fn now(&self) -> u64 {
        self.scene.tick()
    }

    /// The same machine with a variable set.
    pub(crate) fn with(&self, key: &str, value: impl AsRef<OsStr>) -> Self {
        let mut other = self.clone();
        other
            .env
            .insert(key.into(), Some(value.as_ref().to_owned()));
        other
    }

    /// The same machine with a variable gone.
    pub(crate) fn without(&self, key: &str) -> Self {
        let mut other = self.clone();
        other.env.insert(key.into(), None);
        other
    }

    /// The same machine, looked at from another folder (relative to the configs).
    pub(crate) fn at(&self, folder: impl AsRef<Path>) -> Self {
        let mut other = self.clone();
        other.cwd = Some(self.root.join(folder));
        other
    }

    /// The same machine, looked at from its home.
    pub(crate) fn at_home(&self) -> Self {
        let mut other = self.clone();
        other.cwd = Some(self.home.clone());
        other
    }

    /// The same machine with another folder as its configs (relative to the home).
    pub(crate) fn in_repo(&self, folder: impl AsRef<Path>) -> Self {
        let mut other = self.clone();
        other.root = self.home.join(folder);
        other
    }

    // What a person types.

    /// Its PATH.
    pub(crate) fn path_variable(&self) -> String {
        self.sh("printf %s \"$PATH\"").succeeds().stdout()
    }

    /// Any command in this machine's world.
    pub(crate) fn command(&self, program: &str) -> Command {
        let usual = if self.root.is_dir() {
            &self.root
        } else {
            &self.home
        };
        let cwd = self.cwd.as_ref().unwrap_or(usual);
        let mut command = self.scene.command(program, &self.home, cwd);
        for (key, value) in &self.env {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        command
    }

    /// `git sync WORDS…`, as a person types it.
    pub(crate) fn sync_command<const N: usize>(&self, words: [&str; N]) -> Command {
        let mut command = self.command("git-sync");
        command.args(words);
        command
    }

    /// Runs a command to its end.
    #[must_use = "say what is expected of the command"]
    #[track_caller]
    pub(crate) fn run(&self, command: Command) -> Output {
        Running::start(self, command).finish()
    }

    /// Runs `git sync WORDS…` and checks that it left nothing half done.
    #[must_use = "say what is expected of the command"]
    #[track_caller]
    pub(crate) fn sync<const N: usize>(&self, words: [&str; N]) -> Output {
        let before = self.half_done();
        let output = self.run(self.sync_command(words));
        self.left_nothing_half_done(&before, &output);
        output
    }

    /// The same for what takes a slow disk more than the usual time.
    #[must_use = "say what is expected of the command"]
    #[track_caller]
    pub(crate) fn sync_of_much<const N: usize>(&self, words: [&str; N]) -> Output {
        let before = self.half_done();
        let running = Running::start(self, self.sync_command(words));
        let output = running.finish_within(Duration::from_secs(300));
        self.left_nothing_half_done(&before, &output);
        output
    }

    /// `git sync WORDS…` in bytes, for names that are no text.
    #[must_use = "say what is expected of the command"]
    #[track_caller]
    pub(crate) fn sync_bytes(&self, words: &[&OsStr]) -> Output {
        let mut command = self.command("git-sync");
        command.args(words);
        self.run(command)
    }

    /// Starts `git sync WORDS…` and goes on.
    #[track_caller]
    pub(crate) fn start_sync<const N: usize>(&self, words: [&str; N]) -> Running {
        Running::start(self, self.sync_command(words))
    }

    /// Runs `git WORDS…`, which must succeed; its trimmed answer.
    #[track_caller]
    pub(crate) fn git<const N: usize>(&self, words: [&str; N]) -> String {
        let answer = self.try_git(words).succeeds().stdout();
        answer.trim_end_matches('\n').to_owned()
    }

    /// Runs `git WORDS…`, whatever comes of it.
    #[must_use = "say what is expected of the command"]
    #[track_caller]
    pub(crate) fn try_git<const N: usize>(&self, words: [&str; N]) -> Output {
        let mut command = self.command("git");
        command.args(words);
        self.run(command)
    }

    /// Runs a shell script with strict flags.
    #[must_use = "say what is expected of the command"]
    #[track_caller]
    pub(crate) fn sh(&self, script: &str) -> Output {
        let mut command = self.command("sh");
        command.args(["-euc", script]);
        self.run(command)
    }

    /// The same where disks may be mounted, which are gone afterwards: an ordinary user becomes root of a
    /// world of its own for it.
    #[must_use = "say what is expected of the command"]
    #[track_caller]
    pub(crate) fn sh_with_disks(&self, script: &str) -> Output {
        self.sh_in_a_world(&["--mount"], script)
    }

    /// The same with a network of its own, too, in which there is nobody.
    #[must_use = "say what is expected of the command"]
    #[track_caller]
    pub(crate) fn sh_alone(&self, script: &str) -> Output {
        self.sh_in_a_world(&["--mount", "--net"], script)
    }

    #[track_caller]
    fn sh_in_a_world(&self, parts: &[&str], script: &str) -> Output {
        super::needs("unshare");
        let mut command = self.command("unshare");
        command.args(parts);
        if !super::am_root() {
            command.arg("--map-root-user");
        }
        command.args(["sh", "-euc", script]);
        self.run(command)
    }

    // Its repository.

    /// Clones the remote into the configs folder.
    #[track_caller]
    pub(crate) fn clone_from(&self, url: &str) {
        let mut command = self.scene.command("git", &self.home, &self.home);
        command.args(["clone", "--quiet", url]).arg(&self.root);
        self.run(command).succeeds();
    }

    /// Enrols by hand; what `--setup` does is told in `setup.rs`.
    #[track_caller]
    pub(crate) fn enrol(&self) {
        self.git(["config", "sync.enabled", "true"]);
    }

    /// Sets a git setting of this repository.
    #[track_caller]
    pub(crate) fn config(&self, key: &str, value: &str) {
        self.git(["config", key, value]);
    }

    /// Sets a git setting of the machine.
    #[track_caller]
    pub(crate) fn git_global(&self, key: &str, value: &str) {
        self.in_home(["config", "--global", key, value]);
    }

    /// Removes a git setting of the machine.
    #[track_caller]
    pub(crate) fn git_global_unset(&self, key: &str) {
        self.in_home(["config", "--global", "--unset", key]);
    }

    #[track_caller]
    fn in_home<const N: usize>(&self, words: [&str; N]) {
        let mut command = self.scene.command("git", &self.home, &self.home);
        command.args(words);
        self.run(command).succeeds();
    }

    /// Commits everything by hand.
    #[track_caller]
    pub(crate) fn commit(&self, subject: &str) -> String {
        self.git(["add", "--all"]);
        self.git([
            "commit",
            "--quiet",
            "--allow-empty",
            "--no-verify",
            "-m",
            subject,
        ]);
        self.head()
    }

    /// Installs a hook (an sh script, without its first line).
    pub(crate) fn hook(&self, name: &str, script: &str) {
        let hooks = self.root.join(".git/hooks");
        fs::create_dir_all(&hooks).expect("own repository");
        self.scene.hand_over(&hooks);
        self.program(&hooks.join(name), script);
    }

    /// Writes an executable sh script.
    pub(crate) fn program(&self, path: &Path, script: &str) {
        fs::write(path, format!("#!/bin/sh\n{script}\n")).expect("own folder");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("own file");
        self.scene.hand_over(path);
    }

    /// The commit it is at.
    #[track_caller]
    pub(crate) fn head(&self) -> String {
        self.git(["rev-parse", "HEAD"])
    }

    /// What a commit has under a path.
    #[track_caller]
    pub(crate) fn committed(&self, path: &str) -> String {
        self.try_git(["show", &format!("HEAD:{path}")])
            .succeeds()
            .stdout()
    }

    // Its files.

    /// Where a file of the configs is.
    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// Saves a file, making its folders.
    pub(crate) fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> &Self {
        let path = self.root.join(path);
        self.make_folder(path.parent().expect("a file has a folder"));
        let is_new = !path.exists();
        fs::write(&path, content).expect("own file");
        if is_new {
            self.scene.hand_over(&path);
        }
        self
    }

    fn make_folder(&self, folder: &Path) {
        if !folder.is_dir() {
            self.make_folder(folder.parent().expect("below the root"));
            fs::create_dir(folder).expect("own folder");
            self.scene.hand_over(folder);
        }
    }

    /// Makes a symbolic link.
    pub(crate) fn link(&self, path: impl AsRef<Path>, target: impl AsRef<Path>) {
        let path = self.root.join(path);
        self.make_folder(path.parent().expect("a link has a folder"));
        std::os::unix::fs::symlink(target, &path).expect("a free name");
        self.scene.hand_over(&path);
    }

    /// Deletes a file, a link or a folder.
    pub(crate) fn remove(&self, path: impl AsRef<Path>) {
        let path = self.root.join(path);
        let is_folder = path.symlink_metadata().expect("it is there").is_dir();
        let gone = if is_folder {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        gone.expect("own file");
    }

    /// Renames a file.
    pub(crate) fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) {
        let to = self.root.join(to);
        self.make_folder(to.parent().expect("a file has a folder"));
        fs::rename(self.root.join(from), to).expect("own file");
    }

    /// Sets the permissions of a file.
    pub(crate) fn chmod(&self, path: impl AsRef<Path>, mode: u32) {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.root.join(path), permissions).expect("own file");
    }

    /// The permissions of a file.
    #[track_caller]
    pub(crate) fn mode(&self, path: impl AsRef<Path>) -> u32 {
        let path = self.root.join(path);
        path.symlink_metadata()
            .expect("it is there")
            .permissions()
            .mode()
            & 0o7777
    }

    /// The content of a file as text.
    #[track_caller]
    pub(crate) fn read(&self, path: impl AsRef<Path>) -> String {
        String::from_utf8_lossy(&self.bytes(path)).into_owned()
    }

    /// The content of a file, byte for byte.
    #[track_caller]
    pub(crate) fn bytes(&self, path: impl AsRef<Path>) -> Vec<u8> {
        let path = self.root.join(path);
        fs::read(&path).unwrap_or_else(|error| {
            panic!(
                "{} cannot be read: {error}\n{}",
                path.display(),
                self.scenery()
            )
        })
    }

    /// Whether something is there, a dangling link included.
    pub(crate) fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.root.join(path).symlink_metadata().is_ok()
    }
}
