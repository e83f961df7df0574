//! The fixture of every conflict story: two machines, one path, two minds.

use super::{Machine, Remote, Sandbox};

/// Two machines that change the same path in their own way, the server first.
#[derive(Debug)]
pub(crate) struct Conflict {
    /// Where the conflict shows.
    pub(crate) laptop: Machine,
    /// Who was first.
    pub(crate) server: Machine,
    /// Between them.
    pub(crate) remote: Remote,
}

impl Conflict {
    /// `prepare` is synced to both, then each machine makes its change.
    #[track_caller]
    pub(crate) fn new(
        prepare: impl FnOnce(&Machine),
        here: impl FnOnce(&Machine),
        there: impl FnOnce(&Machine),
    ) -> Self {
        let (laptop, server, remote) = Sandbox::new().laptop_and_server();
        prepare(&laptop);
        laptop.sync([]).succeeds();
        server.sync([]).succeeds();
        there(&server);
        server.write("tmux.conf", "also from the server\n");
        server.sync([]).succeeds();
        here(&laptop);
        laptop.write("vim/vimrc", "also from the laptop\n");
        Self {
            laptop,
            server,
            remote,
        }
    }

    /// Syncs the laptop and expects the promise: held, untouched, the rest in sync; twice.
    #[track_caller]
    pub(crate) fn is_held<const N: usize>(&self, paths: [&str; N]) {
        let Self { laptop, remote, .. } = self;
        let live = |path: &&str| {
            let full = laptop.path(path);
            let kind = full
                .symlink_metadata()
                .map(|data| (data.file_type(), data.len()))
                .ok();
            (
                kind,
                std::fs::read(&full).ok(),
                std::fs::read_link(&full).ok(),
            )
        };
        let before: Vec<_> = paths.iter().map(live).collect();
        for _ in 0..2 {
            let output = laptop.sync([]).exits(1);
            for path in paths {
                assert!(
                    output.stdout().contains(path),
                    "{path} is not named\n{}",
                    output.scene()
                );
            }
            assert!(output.stdout().contains('✗'), "no ✗\n{}", output.scene());
            assert_eq!(
                before,
                paths.iter().map(live).collect::<Vec<_>>(),
                "{}",
                output.scene()
            );
            laptop
                .holds(paths)
                .has("tmux.conf", "also from the server\n");
            remote.has("vim/vimrc", "also from the laptop");
            assert_eq!(laptop.head(), remote.tip("main"), "{}", output.scene());
        }
        laptop.is_whole();
    }

    /// What the remote has before this machine's conflict is resolved.
    #[track_caller]
    pub(crate) fn upstream_has(&self, path: &str, content: &str) {
        self.remote.has(path, content);
    }

    /// Resolves each path on the laptop and expects both machines to end equal, nothing held.
    #[track_caller]
    pub(crate) fn resolves<const N: usize>(&self, side: &str, paths: [&str; N]) {
        for path in paths {
            self.laptop.sync(["resolve", side, path]).succeeds();
        }
        self.converges();
    }

    /// Expects one round of syncs to make both machines equal, nothing held.
    #[track_caller]
    pub(crate) fn converges(&self) {
        self.laptop.sync([]).succeeds();
        self.server.sync([]).succeeds();
        for machine in [&self.laptop, &self.server] {
            machine.is_in_sync_with(&self.remote).holds([]);
        }
    }

    /// Both changed the same line of `zshrc`.
    pub(crate) fn of_content() -> Self {
        Self::new(
            nothing,
            |laptop| {
                laptop.write("zshrc", "export EDITOR=hx\n");
            },
            |server| {
                server.write("zshrc", "export EDITOR=nano\n");
            },
        )
    }

    /// Here `app` is edited, there it becomes a folder.
    pub(crate) fn of_a_folder_there() -> Self {
        Self::new(
            |machine| {
                machine.write("app", "1\n");
            },
            |laptop| {
                laptop.write("app", "mine\n");
            },
            |server| {
                server.remove("app");
                server.write("app/x", "x\n").write("app/z", "z\n");
            },
        )
    }

    /// Here `app` becomes a folder, with a file that git ignores; there it is edited.
    pub(crate) fn of_a_folder_here() -> Self {
        Self::new(
            |machine| {
                machine.write("app", "1\n");
            },
            |laptop| {
                laptop.remove("app");
                laptop.write("app/x", "x\n").write("app/y.local", "y\n");
            },
            |server| {
                server.write("app", "theirs\n");
            },
        )
    }
}

/// Makes no preparation.
pub(crate) fn nothing(_: &Machine) {}
