//! The remote goes back to an older commit, and somebody has looked before the sync does.

use crate::support::{Machine, Remote, Sandbox, all_agree, settle};

/// Both machines have a commit that origin had too, and no longer has: `(commit, the one before it)`.
fn rolled_back(laptop: &Machine, server: &Machine, remote: &Remote) -> (String, String) {
    let before = remote.tip("main");
    laptop.write("zshrc", "taken back later\n");
    settle(&[laptop, server]);
    let after = remote.tip("main");
    remote.git(["update-ref", "refs/heads/main", &before]);
    (after, before)
}

/// The laptop has followed, and kept what it had.
#[track_caller]
fn has_followed(laptop: &Machine, remote: &Remote, dropped: &str) {
    let gone = ["merge-base", "--is-ancestor", dropped, "main"];
    assert_eq!(
        laptop.try_git(gone).code(),
        1,
        "it is in the branch, still or again"
    );
    assert_eq!(
        remote.git(["branch", "--contains", dropped]),
        "",
        "what was rolled back was sent again"
    );
    let pinned = laptop.git([
        "for-each-ref",
        "--contains",
        dropped,
        "refs/git-sync/before/",
    ]);
    assert!(!pinned.is_empty(), "what it had is not kept");
    assert!(laptop.read("zshrc").contains("autocd"));
    laptop.is_in_sync_with(remote).is_whole();
}

#[test]
fn what_was_rolled_back_is_not_sent_again_after_a_plain_fetch() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let (dropped, _) = rolled_back(&laptop, &server, &remote);
    laptop.git(["fetch", "--quiet"]);
    laptop.sync([]).succeeds().tells("was rewritten");
    has_followed(&laptop, &remote, &dropped);
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn nor_after_a_dry_run_which_says_what_the_run_does() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let (dropped, _) = rolled_back(&laptop, &server, &remote);
    laptop.write("tmux.conf", "laptop\n");
    for _ in 0..2 {
        laptop
            .sync(["--dry-run"])
            .succeeds()
            .says("pull     1 file")
            .says("M zshrc")
            .says("push     1 commit");
    }
    laptop
        .sync([])
        .succeeds()
        .tells("was rewritten")
        .tells("pull     1 file: zshrc")
        .tells("push     1 commit");
    remote.has("tmux.conf", "laptop");
    has_followed(&laptop, &remote, &dropped);
}

#[test]
fn nor_where_git_keeps_no_logs_of_refs() {
    for look in [&["fetch", "--quiet"], &["sync", "--dry-run"]] {
        let (laptop, server, remote) = Sandbox::new().laptop_and_server();
        laptop.git_global("core.logAllRefUpdates", "false");
        laptop.remove(".git/logs");
        let (dropped, _) = rolled_back(&laptop, &server, &remote);
        laptop.remove(".git/logs");
        laptop.git(*look);
        laptop.sync([]).succeeds().tells("was rewritten");
        has_followed(&laptop, &remote, &dropped);
    }
}

#[test]
fn new_commits_go_on_top_of_what_the_remote_went_back_to() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let (dropped, before) = rolled_back(&laptop, &server, &remote);
    laptop.write("tmux.conf", "by hand\n");
    laptop.commit("by hand");
    laptop.git(["fetch", "--quiet"]);
    laptop.write("vim/vimrc", "by sync\n");
    laptop.sync([]).succeeds();
    has_followed(&laptop, &remote, &dropped);
    remote.has("tmux.conf", "by hand");
    remote.has("vim/vimrc", "by sync");
    let span = format!("{before}..main");
    assert_eq!(remote.git(["rev-list", "--count", &span]), "2");
}

#[test]
fn a_remote_that_went_back_and_on_again_is_followed_too() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let (dropped, before) = rolled_back(&laptop, &server, &remote);
    laptop.git(["fetch", "--quiet"]);
    server.git(["reset", "--quiet", "--hard", &before]);
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("vim/vimrc", "laptop\n");
    laptop.sync([]).succeeds().tells("was rewritten");
    laptop.has("tmux.conf", "server\n");
    remote.has("vim/vimrc", "laptop");
    has_followed(&laptop, &remote, &dropped);
}

#[test]
fn what_was_sent_by_hand_and_rolled_back_is_told_by_the_log_of_the_ref() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    let before = remote.tip("main");
    laptop.write("zshrc", "sent by hand\n");
    let dropped = laptop.commit("by hand");
    laptop.git(["push", "--quiet"]);
    remote.git(["update-ref", "refs/heads/main", &before]);
    laptop.git(["fetch", "--quiet"]);
    laptop.sync([]).succeeds().tells("was rewritten");
    has_followed(&laptop, &remote, &dropped);
}

#[test]
fn a_user_who_takes_back_what_was_dropped_is_obeyed() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let (dropped, _) = rolled_back(&laptop, &server, &remote);
    laptop.git(["fetch", "--quiet"]);
    laptop.sync([]).succeeds();
    has_followed(&laptop, &remote, &dropped);
    laptop.git(["reset", "--quiet", "--hard", &dropped]);
    laptop.sync([]).succeeds().does_not_tell("was rewritten");
    assert_eq!(remote.tip("main"), dropped);
    laptop.has("zshrc", "taken back later\n");
}

#[test]
fn a_user_who_takes_it_back_after_a_force_is_obeyed_too() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let (dropped, before) = rolled_back(&laptop, &server, &remote);
    laptop.sync(["--force-pull", "--yes"]).succeeds();
    assert_eq!(laptop.head(), before);
    laptop.git(["reset", "--quiet", "--hard", &dropped]);
    laptop.sync([]).succeeds().does_not_tell("was rewritten");
    assert_eq!(remote.tip("main"), dropped);

    // Also where this machine was the one that took the remote back.
    laptop.git(["reset", "--quiet", "--hard", &before]);
    laptop.sync(["--force-push", "--yes"]).succeeds();
    assert_eq!(remote.tip("main"), before);
    laptop.git(["reset", "--quiet", "--hard", &dropped]);
    laptop.sync([]).succeeds().does_not_tell("was rewritten");
    assert_eq!(remote.tip("main"), dropped);
}

#[test]
fn what_another_remote_never_had_was_not_rolled_back_there() {
    let sandbox = Sandbox::new();
    let (laptop, _, remote) = sandbox.laptop_and_server();
    let old = remote.tip("main");
    let moved = sandbox.empty_remote("moved");
    let url = moved.url();
    laptop.git(["push", "--quiet", &url, "main"]);
    laptop.write("zshrc", "laptop\n");
    laptop.sync([]).succeeds();
    assert_eq!(moved.tip("main"), old);

    laptop.git(["remote", "remove", "origin"]);
    laptop.git(["remote", "add", "origin", &url]);
    laptop.git(["fetch", "--quiet"]);
    laptop.git(["branch", "--quiet", "--set-upstream-to=origin/main"]);
    laptop.sync([]).succeeds().does_not_tell("was rewritten");
    moved.has("zshrc", "laptop");
    laptop.has("zshrc", "laptop\n");
}

#[test]
fn a_record_that_cannot_be_read_is_made_anew() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    for broken in ["", "{\"version\":99}\n", "nonsense"] {
        laptop.write(".git/sync/agreed/main", broken);
        laptop.sync([]).succeeds();
    }
    let (dropped, _) = rolled_back(&laptop, &server, &remote);
    laptop.remove(".git/logs");
    laptop.git(["fetch", "--quiet"]);
    laptop.sync([]).succeeds().tells("was rewritten");
    has_followed(&laptop, &remote, &dropped);
}
