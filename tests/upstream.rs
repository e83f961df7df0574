//! What can be at the other end: nothing, another history, another branch, no right to write.

use crate::support::{IGNORE, Machine, Remote, Sandbox, all_agree, settle};

#[test]
fn the_first_push_creates_the_branch_of_an_empty_remote() {
    let sandbox = Sandbox::new();
    let remote = sandbox.empty_remote("origin");
    let laptop = sandbox.machine("laptop", &remote);
    laptop.write(".gitignore", IGNORE).write("zshrc", "first\n");

    laptop.sync([]).succeeds();

    remote.has("zshrc", "first");
    laptop.is_in_sync_with(&remote).shows("✓");
    assert_eq!(
        laptop.git(["rev-parse", "--abbrev-ref", "@{upstream}"]),
        "origin/main"
    );
}

#[test]
fn an_unborn_branch_with_nothing_in_it_is_no_error() {
    let sandbox = Sandbox::new();
    let remote = sandbox.empty_remote("origin");
    let laptop = sandbox.machine("laptop", &remote);

    laptop.sync([]).succeeds();
    assert_eq!(remote.git(["for-each-ref"]), "");

    laptop.write("zshrc", "first\n");
    laptop.sync([]).succeeds();
    remote.has("zshrc", "first");
}

#[test]
fn two_machines_may_both_make_the_first_commit() {
    let sandbox = Sandbox::new();
    let remote = sandbox.empty_remote("origin");
    let laptop = sandbox.machine("laptop", &remote);
    let server = sandbox.machine("server", &remote);
    laptop
        .write(".gitignore", IGNORE)
        .write("zshrc", "laptop\n");
    server
        .write(".gitignore", IGNORE)
        .write("tmux.conf", "server\n");

    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    laptop.sync([]).succeeds();

    laptop.has("tmux.conf", "server\n");
    server.has("zshrc", "laptop\n");
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn an_unborn_branch_takes_over_a_remote_that_got_commits_meanwhile() {
    let sandbox = Sandbox::new();
    let remote = sandbox.empty_remote("origin");
    let laptop = sandbox.machine("laptop", &remote);
    remote.seed(&sandbox);
    laptop
        .write("zshrc", "mine before I knew\n")
        .write("only-here", "mine\n");

    laptop.sync([]).exits(1).says("zshrc");

    laptop.has("zshrc", "mine before I knew\n").holds(["zshrc"]);
    assert!(laptop.exists("tmux.conf"));
    remote.has("only-here", "mine");
}

#[test]
fn unrelated_histories_are_joined_without_losing_a_file() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let laptop = sandbox.fresh("laptop");
    laptop.sh("git init -q configs").succeeds();
    laptop.enrol();
    laptop.git(["remote", "add", "origin", &remote.url()]);
    laptop
        .write("zshrc", "another history\n")
        .write("mine", "mine\n");
    laptop.commit("started apart");
    laptop
        .sh("git config branch.main.remote origin && git config branch.main.merge refs/heads/main")
        .succeeds();

    laptop.sync([]).exits(1);

    laptop
        .has("zshrc", "another history\n")
        .has("mine", "mine\n")
        .has("tmux.conf", "set -g mouse on\n")
        .holds(["zshrc"]);
    remote.has("mine", "mine");
    laptop.is_whole();
}

#[test]
fn a_rewritten_upstream_is_followed_and_what_it_dropped_is_pinned() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "one\n");
    laptop.sync([]).succeeds();
    let old = laptop.head();
    server.sync([]).succeeds();
    // The server rewrites history by hand.
    server.write("zshrc", "rewritten\n");
    server.git(["commit", "--quiet", "--all", "--amend", "-m", "rewritten"]);
    server.git(["push", "--quiet", "--force"]);
    laptop.write("tmux.conf", "laptop\n");

    laptop.sync([]).succeeds();

    remote.has("tmux.conf", "laptop");
    let pinned = laptop.git(["for-each-ref", "--contains", &old, "refs/git-sync/before/"]);
    assert!(!pinned.is_empty(), "the old tip is not pinned");
    assert!(
        laptop
            .try_git(["merge-base", "--is-ancestor", &old, "HEAD"])
            .code()
            == 1
    );
    laptop.has("zshrc", "rewritten\n");
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_deleted_upstream_branch_is_said_and_nothing_is_deleted_here() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    remote.git(["update-ref", "-d", "refs/heads/main"]);
    laptop.write("zshrc", "changed\n");

    laptop
        .sync([])
        .exits(1)
        .tells("error: origin has no branch 'main' any more")
        .tells("hint: git push origin HEAD:refs/heads/main");

    laptop.has("zshrc", "changed\n");
    assert!(laptop.exists("tmux.conf"));
    assert_eq!(remote.tip("main"), "");
    laptop.git(["push", "--quiet", "origin", "HEAD:refs/heads/main"]);
    laptop.sync([]).succeeds();
    remote.has("zshrc", "changed");
}

#[test]
fn a_remote_that_went_back_names_the_files_that_went_back_with_it() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let before = remote.tip("main");
    server.write("zshrc", "server\n");
    settle(&[&server, &laptop]);
    remote.git(["update-ref", "refs/heads/main", &before]);

    server
        .sync(["--dry-run"])
        .succeeds()
        .says("pull     1 file")
        .says("M zshrc");
    laptop
        .sync([])
        .succeeds()
        .tells("was rewritten")
        .tells("pull     1 file: zshrc")
        .says("✓ In sync with");

    laptop.is_in_sync_with(&remote);
}

#[test]
fn what_was_committed_is_not_called_unchanged() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    remote.git(["update-ref", "-d", "refs/heads/main"]);
    laptop.write("zshrc", "changed\n");
    laptop
        .sync([])
        .exits(1)
        .tells("commit   1 file: zshrc")
        .tells("nothing was sent")
        .does_not_tell("nothing was changed");
}

#[test]
fn a_default_branch_renamed_at_the_remote_is_said_with_the_way_out() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    remote.git(["branch", "-m", "main", "trunk"]);
    remote.git(["symbolic-ref", "HEAD", "refs/heads/trunk"]);
    laptop.write("zshrc", "changed\n");

    let output = laptop.sync([]);

    laptop.has("zshrc", "changed\n");
    assert!(output.code() != 0, "{}", output.scene());
    output.tells("hint: ").tells("trunk");
    assert_eq!(remote.tip("main"), "");
}

#[test]
fn another_branch_name_here_than_there_is_respected() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.git(["branch", "-m", "main", "mine"]);
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).succeeds();
    remote.has("zshrc", "changed");
    assert_eq!(remote.tip("mine"), "");
}

#[test]
fn another_remote_name_and_two_remotes_are_respected() {
    let sandbox = Sandbox::new();
    let (laptop, _, remote) = sandbox.laptop_and_server();
    let other = sandbox.empty_remote("other");
    laptop.git(["remote", "rename", "origin", "home"]);
    laptop.git(["remote", "add", "origin", &other.url()]);
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).succeeds().says("home/main");
    remote.has("zshrc", "changed");
    assert_eq!(other.git(["for-each-ref"]), "");
}

#[test]
fn a_remote_that_may_only_be_read_gives_and_keeps_what_waits_here() {
    let sandbox = Sandbox::unprivileged();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "waits\n");
    let tip = remote.tip("main");
    let lock = |mode: &str| {
        let path = remote.path().to_str().unwrap().to_owned();
        server.sh(&format!("chmod -R {mode} '{path}'")).succeeds();
    };

    lock("a-w");
    let output = laptop.sync([]);
    lock("u+w");

    let output = output.exits(1);
    assert_eq!(remote.tip("main"), tip, "{}", output.scene());
    laptop
        .has("tmux.conf", "server\n")
        .has("zshrc", "waits\n")
        .shows("✗");
    assert_eq!(laptop.committed("zshrc"), "waits\n");
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_remote_that_refuses_the_push_says_why() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    remote.hook("pre-receive", "echo 'only on Mondays' >&2; exit 1");
    laptop.write("zshrc", "waits\n");

    laptop.sync([]).exits(1).tells("only on Mondays");

    assert_eq!(laptop.committed("zshrc"), "waits\n");
    laptop.shows("✗");
    remote.hook("pre-receive", "exit 0");
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_machine_may_be_ahead_and_diverged_and_still_meet() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    for round in 0..5 {
        server.write("tmux.conf", format!("server {round}\n"));
        server.commit("by hand");
        server.git(["push", "--quiet"]);
        laptop.write("zshrc", format!("laptop {round}\n"));
        laptop.commit("by hand");
        server.write("vim/vimrc", format!("server {round}\n"));
        settle(&[&laptop, &server]);
    }
    all_agree(&[&laptop, &server], &remote);
    laptop
        .has("tmux.conf", "server 4\n")
        .has("vim/vimrc", "server 4\n");
}

#[test]
fn what_does_not_rebase_but_merges_is_merged() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    // Two commits that cancel out: the first alone conflicts with upstream, the sum does not.
    laptop.write("zshrc", "detour\n");
    laptop.commit("detour");
    laptop.write(
        "zshrc",
        "setopt autocd\nalias ll='ls -l'\nexport EDITOR=vi\n",
    );
    laptop.commit("and back");
    laptop.write("tmux.conf", "laptop\n");
    server.write("zshrc", "server\n");
    server.sync([]).succeeds();

    laptop.sync([]).succeeds();

    laptop.has("zshrc", "server\n");
    remote.has("tmux.conf", "laptop");
    laptop.is_in_sync_with(&remote).holds([]);
}

/// The laptop's ref says where origin is, and the commit that it names is gone from the disk.
fn with_a_lost_tip() -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.git(["fetch", "--quiet"]);
    let tip = remote.tip("main");
    let (folder, name) = tip.split_at(2);
    laptop.remove(format!(".git/objects/{folder}/{name}"));
    (laptop, server, remote)
}

#[test]
fn a_remembered_tip_that_was_lost_is_fetched_again() {
    let (laptop, _, remote) = with_a_lost_tip();
    laptop.sync([]).succeeds();
    laptop
        .is_in_sync_with(&remote)
        .has("tmux.conf", "server\n")
        .is_whole();
}

#[test]
fn changes_of_both_sides_meet_over_a_lost_tip() {
    let (laptop, server, remote) = with_a_lost_tip();
    laptop.write("zshrc", "laptop\n");
    server.write("vim/vimrc", "server\n");
    server.sync([]).succeeds();
    settle(&[&laptop, &server]);
    laptop.has("vim/vimrc", "server\n").is_whole();
    server.has("zshrc", "laptop\n");
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_lost_tip_stops_no_look_and_no_force() {
    let (laptop, _, remote) = with_a_lost_tip();
    laptop.write("zshrc", "laptop\n");
    laptop.sync(["--status"]).succeeds().says("zshrc");
    laptop.sync(["--diff"]).succeeds().says("zshrc");
    laptop.sync(["--offline"]).succeeds();
    laptop.sync(["--force-pull", "--yes"]).succeeds();
    laptop.is_in_sync_with(&remote).is_whole();
}

#[test]
fn a_branch_that_was_deleted_is_not_made_again_because_its_tip_was_lost() {
    let (laptop, _, remote) = with_a_lost_tip();
    remote.git(["update-ref", "-d", "refs/heads/main"]);
    laptop.sync([]).exits(1).tells("no branch 'main' any more");
    assert_eq!(remote.tip("main"), "");
}

#[test]
fn a_branch_that_the_refspec_does_not_cover_is_sent_once() {
    let sandbox = Sandbox::new();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    laptop.git(["config", "--unset", "remote.origin.fetch"]);
    laptop.write("zshrc", "laptop\n");
    laptop.sync([]).succeeds().tells("push");

    laptop.is_in_sync_with(&remote).shows("✓");
    laptop.sync([]).succeeds().does_not_tell("push");
    server.sync([]).succeeds();
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_lock_that_somebody_left_at_the_remote_is_named() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let lock = remote.path().join("refs/heads/main.lock");
    std::fs::write(&lock, "").unwrap();
    laptop.config("sync.retries", "1");
    laptop.write("zshrc", "mine\n");
    laptop
        .sync([])
        .exits(1)
        .tells("refs/heads/main.lock' is in the way")
        .tells("remove it")
        .does_not_tell("was faster");
    laptop
        .sync(["--force-push", "--yes"])
        .exits(1)
        .tells("refs/heads/main.lock' is in the way");
    std::fs::remove_file(&lock).unwrap();
    laptop.sync([]).succeeds();
    remote.has("zshrc", "mine\n");
}
