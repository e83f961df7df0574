//! Where machines meet: bare repositories over `file://`, and servers that do not play along.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::Sandbox;
use super::sandbox::Scene;

/// What `--setup` writes; the seed has it so that most stories can start enrolled.
pub(crate) const IGNORE: &str = "/.sync/*\n!/.sync/marked-files.txt\n!/.sync/modes\n!/.sync/recipients.txt\n!/.sync/config.yaml\n*.local\n!/external/**/.local/\n";

/// A bare repository that machines sync through.
#[derive(Debug)]
pub(crate) struct Remote {
    scene: Arc<Scene>,
    path: PathBuf,
}

impl Remote {
    /// An empty one, made with further options of `git init`.
    pub(super) fn empty(scene: &Arc<Scene>, name: &str, options: &[&str]) -> Self {
        let path = scene.root().join("remotes").join(format!("{name}.git"));
        let remote = Self {
            scene: Arc::clone(scene),
            path,
        };
        let home = scene.root().join("remotes");
        let mut command = scene.command("git", &home, &home);
        command
            .args(["init", "--quiet", "--bare", "-b", "main"])
            .args(options)
            .arg(&remote.path);
        assert!(
            command.status().expect("git runs").success(),
            "git init failed"
        );
        remote.git(["config", "gc.auto", "0"]);
        remote.git(["config", "receive.autogc", "false"]);
        remote
    }

    /// Gives it a first commit, made by a machine of its own.
    pub(crate) fn seed(&self, sandbox: &Sandbox) {
        let seed = sandbox.fresh("seed");
        // Not a clone: of an empty repository older gits do not learn its hash.
        let format = self.git(["rev-parse", "--show-object-format"]);
        let (url, root) = (self.url(), seed.root().display());
        seed.sh(&format!(
            "git init --quiet --object-format={format} '{root}' && git -C '{root}' remote add origin '{url}'"
        ))
        .succeeds();
        seed.write(".gitignore", IGNORE)
            .write(
                "zshrc",
                "setopt autocd\nalias ll='ls -l'\nexport EDITOR=vi\n",
            )
            .write("tmux.conf", "set -g mouse on\n")
            .write("vim/vimrc", "set number\nset list\nset hidden\n");
        seed.commit("first configs");
        seed.git(["push", "--quiet", "-u", "origin", "main"]);
    }

    /// Where it is on disk.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.path.display())
    }

    /// Runs `git WORDS…` in it, which must succeed; its trimmed answer.
    #[track_caller]
    pub(crate) fn git<const N: usize>(&self, words: [&str; N]) -> String {
        let home = self.scene.root().join("remotes");
        let output = self
            .scene
            .command("git", &home, &self.path)
            .args(words)
            .output()
            .expect("git runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "git {words:?} in {}: {errors}",
            self.path.display()
        );
        String::from_utf8_lossy(&output.stdout)
            .trim_end_matches('\n')
            .to_owned()
    }

    /// The commit a branch is at; empty when there is no such branch.
    #[track_caller]
    pub(crate) fn tip(&self, branch: &str) -> String {
        self.git([
            "for-each-ref",
            "--format=%(objectname)",
            &format!("refs/heads/{branch}"),
        ])
    }

    /// What the branch has under a path.
    #[track_caller]
    pub(crate) fn has(&self, path: &str, content: &str) {
        let found = self.git(["show", &format!("main:{path}")]);
        assert!(
            found.trim_end() == content.trim_end(),
            "{path} at origin is {found:?}"
        );
    }

    /// The names of all files of the branch.
    #[track_caller]
    pub(crate) fn files(&self) -> Vec<String> {
        let names = self.git(["ls-tree", "-r", "--name-only", "main"]);
        names.lines().map(str::to_owned).collect()
    }

    /// How many commits the branch has.
    #[track_caller]
    pub(crate) fn commits(&self) -> usize {
        self.git(["rev-list", "--count", "main"])
            .parse()
            .expect("a number")
    }

    /// Installs a hook (an sh script, without its first line).
    pub(crate) fn hook(&self, name: &str, script: &str) {
        let path = self.path.join("hooks").join(name);
        fs::create_dir_all(self.path.join("hooks")).expect("own repository");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("own repository");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("own file");
        self.scene.hand_over(&path);
    }
}

/// A server that accepts every connection and never says a word.
#[derive(Debug)]
pub(crate) struct SilentServer {
    port: u16,
    guests: Arc<AtomicUsize>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SilentServer {
    /// Starts listening on a free port of the loopback interface.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let port = listener.local_addr().expect("bound").port();
        let guests = Arc::new(AtomicUsize::new(0));
        let closing = Arc::new(AtomicBool::new(false));
        let (count, end) = (Arc::clone(&guests), Arc::clone(&closing));
        let thread = std::thread::spawn(move || {
            let held: Mutex<Vec<TcpStream>> = Mutex::default();
            for stream in listener.incoming().flatten() {
                if end.load(Ordering::Acquire) {
                    break;
                }
                count.fetch_add(1, Ordering::AcqRel);
                held.lock().expect("one thread").push(stream);
            }
        });
        Self {
            port,
            guests,
            closing,
            thread: Some(thread),
        }
    }

    /// An address that git would wait at for ever.
    pub(crate) fn url(&self) -> String {
        format!("git://127.0.0.1:{}/configs.git", self.port)
    }

    /// The same, over ssh.
    pub(crate) fn ssh_url(&self) -> String {
        format!("ssh://nobody@127.0.0.1:{}/configs.git", self.port)
    }

    /// How many have come in so far.
    pub(crate) fn guests(&self) -> usize {
        self.guests.load(Ordering::Acquire)
    }
}

impl Drop for SilentServer {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// A port where nobody listens: connections are refused.
pub(crate) fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("bound").port()
}
