//! What there is to do when a run is disturbed.
//!
//! No file is changed on both sides without a conflict: the exact content of each is looked for
//! afterwards.

use crate::support::{Conflict, IGNORE, Machine, Output, Remote, Sandbox};

/// A plain sync.
pub(super) const SYNC: &[&str] = &["git-sync"];

/// A scene with something to do, and the command that does it.
pub(super) struct Scenario {
    /// Where the command is run.
    pub(super) laptop: Machine,
    /// Where it is synced to.
    pub(super) remote: Remote,
    /// What is typed.
    pub(super) line: &'static [&'static str],
}

impl Scenario {
    /// Types it, once more or for the first time.
    #[track_caller]
    pub(super) fn play(&self) -> Output {
        self.play_on(&self.laptop)
    }

    /// The same by another clock of the machine.
    #[track_caller]
    pub(super) fn play_on(&self, laptop: &Machine) -> Output {
        let mut command = laptop.command(self.line[0]);
        command.args(&self.line[1..]);
        laptop.run(command)
    }

    /// Takes away the locks that the other side has left when it was killed in a push: a server does not
    /// die with its guests, and what it leaves is its own affair.
    pub(super) fn unlock_the_remote(&self) {
        let remote = self.remote.path().display();
        let refs = format!("find '{remote}' -name '*.lock' -delete");
        self.laptop.sh(&refs).succeeds();
    }

    /// Puts the scene aside, so that it can be had again.
    pub(super) fn keep(&self) {
        self.copy("homes remotes", ".", "kept");
    }

    /// Makes the scene as it was when it was kept.
    pub(super) fn restore(&self) {
        self.copy("kept/homes kept/remotes", "homes remotes", ".");
    }

    #[track_caller]
    fn copy(&self, from: &str, gone: &str, to: &str) {
        let gone = if gone == "." { "" } else { gone };
        let script = format!("rm -rf kept.new {gone}; mkdir -p {to}; cp -a {from} {to}/");
        let done = std::process::Command::new("sh")
            .args(["-euc", &script])
            .current_dir(self.laptop.world())
            .status();
        assert!(done.is_ok_and(|status| status.success()), "{script}");
    }
}

fn scene() -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    (laptop, server, remote)
}

/// Every kind of change, in the work tree and in the index, and nothing new on the other side.
pub(super) fn changes_here() -> Scenario {
    let (laptop, _, remote) = scene();
    laptop
        .write("zshrc", "zshrc of the laptop\n")
        .write("deep/er/new", "new on the laptop\n")
        .write("staged", "as it was staged\n");
    laptop.git(["add", "staged"]);
    laptop.write("staged", "as it was edited after that\n");
    laptop.chmod("tmux.conf", 0o755);
    laptop.remove("vim/vimrc");
    Scenario {
        laptop,
        remote,
        line: SYNC,
    }
}

/// Changes on both sides that go together, on this one committed and not.
pub(super) fn both_sides_without_a_conflict() -> Scenario {
    let (laptop, server, remote) = scene();
    server
        .write("tmux.conf", "tmux.conf of the server\n")
        .write("new/there", "new on the server\n");
    server.sync([]).succeeds();
    laptop.write("committed", "committed on the laptop\n");
    laptop.git(["add", "committed"]);
    laptop.git(["commit", "--quiet", "-m", "by hand"]);
    laptop
        .write("zshrc", "zshrc of the laptop\n")
        .write("vim/vimrc", "vimrc of the laptop\n");
    Scenario {
        laptop,
        remote,
        line: SYNC,
    }
}

/// Changes on both sides, one of them in conflict.
pub(super) fn both_sides() -> Scenario {
    let (laptop, server, remote) = scene();
    server
        .write("tmux.conf", "tmux.conf of the server\n")
        .write("vim/vimrc", "vimrc of the server\n")
        .write("new/there", "new on the server\n");
    server.sync([]).succeeds();
    laptop
        .write("zshrc", "zshrc of the laptop\n")
        .write("vim/vimrc", "vimrc of the laptop\n")
        .write("new/here", "new on the laptop\n");
    Scenario {
        laptop,
        remote,
        line: SYNC,
    }
}

/// A file that a program rewrites all the time, changed on both sides, of which both versions are to
/// be kept.
pub(super) fn keep_both() -> Scenario {
    let (laptop, server, remote) = scene();
    server
        .write(
            ".sync/config.yaml",
            "version: 1\npolicies:\n  \"app/*\": both\n",
        )
        .write("app/history", "server\n")
        .write("tmux.conf", "tmux.conf of the server\n");
    server.sync([]).succeeds();
    laptop
        .write("app/history", "laptop\n")
        .write("zshrc", "zshrc of the laptop\n");
    Scenario {
        laptop,
        remote,
        line: SYNC,
    }
}

/// Files that become folders, folders that become files, and one that goes away.
pub(super) fn other_shapes() -> Scenario {
    let (laptop, server, remote) = scene();
    for path in ["vim", "tmux.conf", "zshrc"] {
        server.remove(path);
    }
    server
        .write("vim", "a file\n")
        .write("tmux.conf/main/part", "a folder\n");
    server.sync([]).succeeds();
    laptop.write("mine", "laptop\n");
    Scenario {
        laptop,
        remote,
        line: SYNC,
    }
}

/// An ignored file here, which the other side has begun to track.
pub(super) fn ignored_file() -> Scenario {
    let (laptop, server, remote) = scene();
    laptop.write("secret.local", "a secret of the laptop\n");
    server
        .write(".gitignore", IGNORE.replace("*.local\n", ""))
        .write("secret.local", "no secret of the server\n")
        .write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    Scenario {
        laptop,
        remote,
        line: SYNC,
    }
}

/// Work that is never committed by a sync, staged and not.
pub(super) fn work_in_progress() -> Scenario {
    let (laptop, server, remote) = scene();
    laptop.config("sync.commit", "never");
    laptop
        .write("zshrc", "in work\n")
        .write("staged", "staged\n")
        .write("both", "as it was staged\n")
        .write("vim/vimrc", "vimrc of the laptop\n")
        .write("untracked", "untracked\n");
    laptop.git(["add", "staged", "both", "vim/vimrc"]);
    laptop.write("both", "as it was edited after that\n");
    server
        .write("tmux.conf", "server\n")
        .write("vim/vimrc", "vimrc of the server\n")
        .write("new/there", "new on the server\n");
    server.sync([]).succeeds();
    Scenario {
        laptop,
        remote,
        line: SYNC,
    }
}

/// The first sync to a remote that has nothing.
pub(super) fn first_sync() -> Scenario {
    let sandbox = Sandbox::new();
    let remote = sandbox.empty_remote("origin");
    let laptop = sandbox.machine("laptop", &remote);
    laptop
        .write(".gitignore", IGNORE)
        .write("zshrc", "first zshrc\n")
        .write("vim/vimrc", "first vimrc\n");
    Scenario {
        laptop,
        remote,
        line: SYNC,
    }
}

/// A machine that has nothing yet but a file of its user's.
pub(super) fn set_up() -> Scenario {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let laptop = sandbox.fresh("laptop");
    laptop.git_global(&format!("url.{}.insteadOf", remote.url()), "configs:");
    std::fs::write(laptop.home().join("mine"), "of the user\n").expect("own home");
    Scenario {
        laptop,
        remote,
        line: &["git-sync", "setup", "--yes", "configs:"],
    }
}

fn held(line: &'static [&'static str]) -> Scenario {
    let Scenario { laptop, remote, .. } = both_sides();
    laptop.sync([]).exits(1);
    laptop
        .write("vim/vimrc", "vimrc, edited while it was held\n")
        .write("zshrc", "zshrc, edited again\n");
    Scenario {
        laptop,
        remote,
        line,
    }
}

/// A held file, edited since, for which the other side's version is taken.
pub(super) fn take_theirs() -> Scenario {
    held(&["git-sync", "resolve", "--theirs", "vim/vimrc"])
}

/// The same, and this machine's version is kept.
pub(super) fn take_ours() -> Scenario {
    held(&["git-sync", "resolve", "--ours", "vim/vimrc"])
}

/// A folder here and a file there, for which the other side is taken: the folder has a file that git ignores, so
/// it is kept as a whole.
pub(super) fn take_a_file_over_a_folder() -> Scenario {
    let Conflict { laptop, remote, .. } = Conflict::of_a_folder_here();
    laptop.sync([]).exits(1);
    Scenario {
        laptop,
        remote,
        line: &["git-sync", "resolve", "--theirs", "app"],
    }
}

fn forced(line: &'static [&'static str]) -> Scenario {
    let Scenario { laptop, remote, .. } = both_sides();
    laptop.write("committed", "by hand\n");
    laptop.git(["add", "committed"]);
    laptop.git(["commit", "--quiet", "-m", "by hand", "committed"]);
    Scenario {
        laptop,
        remote,
        line,
    }
}

/// Committed and uncommitted work gives way to the other side.
pub(super) fn force_pull() -> Scenario {
    forced(&["git-sync", "--force-pull", "--yes"])
}

/// The other side's commits give way to this machine's.
pub(super) fn force_push() -> Scenario {
    forced(&["git-sync", "--force-push", "--yes"])
}
