//! `--force-push` and `--force-pull`: what is lost is shown first, asked about, and pinned.

use crate::support::{Machine, Remote, Sandbox, all_agree, on_a_terminal};

/// Both sides have a commit that the other lacks, and the laptop an uncommitted change.
fn diverged() -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    server.write("zshrc", "server\n");
    server.commit("the server's commit");
    server.git(["push", "--quiet"]);
    laptop.write("zshrc", "laptop\n");
    laptop.commit("the laptop's commit");
    laptop
        .write("tmux.conf", "not committed\n")
        .write("own.local", "ignored\n");
    (laptop, server, remote)
}

/// The commits that a machine keeps as `refs/git-sync/before/…`.
fn pinned(machine: &Machine) -> String {
    machine.git([
        "for-each-ref",
        "--format=%(objectname)",
        "refs/git-sync/before/",
    ])
}

#[test]
fn without_a_terminal_and_yes_nothing_is_forced() {
    let (laptop, _, remote) = diverged();
    let before = (laptop.fingerprint(), remote.tip("main"));
    for (flag, word, lost) in [
        ("--force-push", "force-push", "the server's commit"),
        ("--force-pull", "force-pull", "the laptop's commit"),
    ] {
        for form in [flag, word] {
            let output = laptop.sync([form]).exits(5).tells("error: ").tells("--yes");
            let text = output.stdout() + &output.stderr();
            assert!(
                text.contains(lost),
                "{lost} is not shown\n{}",
                output.scene()
            );
            assert_eq!(
                before,
                (laptop.fingerprint(), remote.tip("main")),
                "{}",
                output.scene()
            );
        }
    }
}

#[test]
fn declining_changes_nothing() {
    let (laptop, _, remote) = diverged();
    let before = (laptop.fingerprint(), remote.tip("main"));
    for flag in ["--force-push", "--force-pull"] {
        for answer in ["n\n", "\n"] {
            on_a_terminal(&laptop, &format!("git-sync {flag}"), [("[y/N]", answer)])
                .exits(5)
                .says("[y/N]");
            assert_eq!(before, (laptop.fingerprint(), remote.tip("main")));
        }
    }
}

#[test]
fn force_push_makes_the_remote_equal_to_this_machine() {
    let (laptop, server, remote) = diverged();
    let lost = remote.tip("main");

    laptop.sync(["--force-push", "--yes"]).succeeds();

    remote.has("zshrc", "laptop");
    remote.has("tmux.conf", "not committed");
    laptop.is_in_sync_with(&remote).shows("✓");
    assert!(
        pinned(&laptop).contains(&lost),
        "the server's commit is not pinned"
    );
    assert_eq!(laptop.git(["cat-file", "-t", &lost]), "commit");
    // The server follows the rewritten history; what it had is pinned there as well.
    server.sync([]).succeeds();
    server.has("zshrc", "laptop\n");
    assert!(pinned(&server).contains(&lost));
}

#[test]
fn force_pull_makes_this_machine_equal_to_the_remote() {
    let (laptop, _, remote) = diverged();
    let lost = laptop.head();

    laptop.sync(["--force-pull", "--yes"]).succeeds();

    laptop
        .has("zshrc", "server\n")
        .has("tmux.conf", "set -g mouse on\n")
        .has("own.local", "ignored\n");
    laptop.is_in_sync_with(&remote).shows("✓");
    let pins = pinned(&laptop);
    let keeps = |text: &str| {
        pins.lines().any(|pin| {
            laptop
                .try_git(["merge-base", "--is-ancestor", &lost, pin])
                .code()
                == 0
                && laptop
                    .git(["log", "-p", "--all", "-S", text, "--format=%h"])
                    .contains(text)
        })
    };
    assert!(keeps("laptop"), "the commit is not pinned: {pins}");
    assert!(
        keeps("not committed"),
        "the uncommitted change is not pinned: {pins}"
    );
}

#[test]
fn force_pull_overwrites_no_ignored_file() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    server
        .write("secrets.local", "theirs\n")
        .write("notes", "theirs\n");
    server.git(["add", "--force", "secrets.local"]);
    server.sync([]).succeeds();
    laptop
        .write("secrets.local", "mine\n")
        .write("notes", "mine\n");
    let before = laptop.fingerprint();

    let output = laptop.sync(["--force-pull", "--yes"]).exits(1);

    output.tells("secrets.local").tells("hint: ");
    assert_eq!(before, laptop.fingerprint());
    // An untracked file would be in the snapshot that is pinned; an ignored one has to go first.
    laptop.rename("secrets.local", "../moved-away");
    laptop.sync(["--force-pull", "--yes"]).succeeds();
    laptop
        .has("secrets.local", "theirs\n")
        .has("notes", "theirs\n");
    laptop.is_in_sync_with(&remote);
    let history = laptop.git(["log", "--all", "--patch", "--format=%h", "--", "notes"]);
    assert!(
        history.contains("+mine"),
        "the untracked file is not pinned: {history}"
    );
}

#[test]
fn a_yes_on_the_terminal_goes_ahead() {
    let (laptop, _, remote) = diverged();
    on_a_terminal(&laptop, "git-sync --force-push", [("[y/N]", "y\n")])
        .succeeds()
        .says("the server's commit");
    remote.has("zshrc", "laptop");

    let (laptop, _, _) = diverged();
    on_a_terminal(&laptop, "git-sync --force-pull", [("[y/N]", "y\n")])
        .succeeds()
        .says("the laptop's commit");
    laptop.has("zshrc", "server\n");
}

#[test]
fn force_push_overwrites_only_the_tip_that_was_shown() {
    let (laptop, server, remote) = diverged();
    // Another machine pushes between what was shown and the push.
    server.write("vim/vimrc", "newer\n");
    server.commit("newer");
    let push = format!(
        "cd '{}' && unset GIT_DIR && git push -q origin main",
        server.root().display()
    );
    laptop.hook("pre-push", &push);

    laptop.sync(["--force-push", "--yes"]).exits(1);

    assert_eq!(remote.tip("main"), server.head());
    laptop
        .has("zshrc", "laptop\n")
        .has("tmux.conf", "not committed\n");
}

#[test]
fn a_forced_dry_run_shows_the_loss_and_changes_nothing() {
    let (laptop, _, remote) = diverged();
    let before = (laptop.fingerprint(), remote.tip("main"));
    laptop
        .sync(["--dry-run", "--force-push"])
        .succeeds()
        .says("the server's commit");
    laptop
        .sync(["--dry-run", "--force-pull"])
        .succeeds()
        .says("the laptop's commit")
        .says("tmux.conf");
    assert_eq!(before, (laptop.fingerprint(), remote.tip("main")));
}

#[test]
fn forcing_where_nothing_differs_asks_nothing() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    laptop.sync(["--force-push"]).succeeds();
    laptop.sync(["--force-pull"]).succeeds();
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn forcing_ends_a_hold() {
    let conflict = crate::support::Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict.laptop.sync(["--force-pull", "--yes"]).succeeds();
    conflict
        .laptop
        .has("zshrc", "export EDITOR=nano\n")
        .holds([]);
    conflict.converges();

    let conflict = crate::support::Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict.laptop.sync(["--force-push", "--yes"]).succeeds();
    conflict.laptop.has("zshrc", "export EDITOR=hx\n").holds([]);
    conflict.upstream_has("zshrc", "export EDITOR=hx");
}

#[test]
fn a_force_push_that_does_not_go_through_leaves_this_machine_as_it_was() {
    let conflict = crate::support::Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let crate::support::Conflict {
        laptop,
        server,
        remote,
    } = &conflict;
    laptop.write("tmux.conf", "not committed\n");
    let before = (laptop.fingerprint(), remote.tip("main"));

    // Refused there, refused here, and overtaken.
    remote.hook("pre-receive", "exit 1");
    laptop.sync(["force-push", "--yes"]).exits(1);
    assert_eq!(before, (laptop.fingerprint(), remote.tip("main")));
    remote.hook("pre-receive", "exit 0");
    laptop.hook("pre-push", "exit 1");
    laptop.sync(["force-push", "--yes"]).exits(1);
    assert_eq!(before, (laptop.fingerprint(), remote.tip("main")));
    server.write("vim/vimrc", "newer\n");
    server.commit("newer");
    laptop.hook(
        "pre-push",
        &format!(
            "cd '{}' && unset GIT_DIR && git pull -q --rebase && git push -q origin main",
            server.root().display()
        ),
    );
    laptop.sync(["force-push", "--yes"]).exits(1);
    assert_eq!(before.0, laptop.fingerprint());
    assert_eq!(remote.tip("main"), server.head());

    // A plain sync publishes no decision that nobody made.
    laptop.hook("pre-push", "exit 0");
    laptop.sync([]).exits(1);
    laptop.holds(["zshrc"]).has("zshrc", "export EDITOR=hx\n");
    remote.has("zshrc", "export EDITOR=nano");
}

#[test]
fn a_force_of_a_held_path_can_be_taken_back() {
    for (force, after) in [("force-push", "hx"), ("force-pull", "nano")] {
        let conflict = crate::support::Conflict::of_content();
        conflict.is_held(["zshrc"]);
        let laptop = &conflict.laptop;
        laptop
            .sync([force, "--yes"])
            .succeeds()
            .tells("git sync --resolve --undo   holds zshrc again");
        laptop.holds([]);
        laptop.has("zshrc", format!("export EDITOR={after}\n"));
        conflict.server.sync([]).succeeds();

        laptop.sync(["resolve", "--undo"]).exits(1);

        laptop.holds(["zshrc"]).has("zshrc", "export EDITOR=hx\n");
        conflict.upstream_has("zshrc", "export EDITOR=nano");
        conflict.resolves("--ours", ["zshrc"]);
    }
}

/// The answer of the remote is all that is lost: what it has replaced is not. A hook that lets the push through has no
/// part in it.
#[test]
fn what_a_push_replaced_is_kept_where_its_answer_did_not_come() {
    for has_hook in [false, true] {
        let (laptop, _, remote) = diverged();
        if has_hook {
            laptop.hook("pre-push", "exit 0");
        }
        let theirs = remote.tip("main");
        let hook = remote.path().join("hooks/reference-transaction");
        let dies =
            "[ \"$1\" = committed ] && grep -q refs/heads/main && kill -s KILL \"$PPID\"; true";
        laptop.program(&hook, dies);

        let output = laptop
            .sync(["--force-push", "--yes"])
            .exits(3)
            .tells("git sync --force-push   shows whether it went through")
            .tells("keeps what was there before it");

        assert_ne!(remote.tip("main"), theirs, "{}", output.scene());
        assert_eq!(pinned(&laptop), theirs, "{}", output.scene());
        std::fs::remove_file(hook).expect("just made");
        laptop.sync(["--force-push", "--yes"]).succeeds();
        laptop.is_in_sync_with(&remote);
        assert!(pinned(&laptop).contains(&theirs));
    }
}
