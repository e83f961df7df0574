//! `sync.commit=never`: commits travel, and what is in no commit stays here as it is, staged or not.

use crate::support::{Conflict, Machine, Remote, Sandbox, all_agree, nothing, settle};

/// What git shows of the index and the work tree, with every content.
fn work(machine: &Machine) -> [String; 3] {
    [
        machine.git(["status", "--porcelain", "--untracked-files=all"]),
        machine.git(["diff", "--cached"]),
        machine.git(["diff"]),
    ]
}

/// A laptop with work of every kind that its user has not committed.
fn with_work() -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("bin/run", "#!/bin/sh\n").write("old", "old\n");
    settle(&[&laptop, &server]);
    laptop.config("sync.commit", "never");
    laptop
        .write("vim/vimrc", "staged\n")
        .write("new", "staged and new\n")
        .write("both", "as it was staged\n");
    laptop.chmod("bin/run", 0o755);
    laptop.git(["add", "--all"]);
    laptop.git(["rm", "--quiet", "old"]);
    laptop
        .write("both", "as it was edited after that\n")
        .write("zshrc", "not staged\n")
        .write("untracked/file", "not tracked\n");
    (laptop, server, remote)
}

#[test]
fn work_stays_as_it_is_where_there_is_nothing_else() {
    let (laptop, _, remote) = with_work();
    let (before, tip) = (work(&laptop), remote.tip("main"));
    for _ in 0..2 {
        laptop.sync([]).succeeds();
        assert_eq!(work(&laptop), before);
    }
    assert_eq!(remote.tip("main"), tip);
    assert_eq!(laptop.state().dirty, 7);
}

#[test]
fn work_stays_as_it_is_when_other_files_arrive() {
    let (laptop, server, remote) = with_work();
    let before = work(&laptop);
    server
        .write("tmux.conf", "server\n")
        .write("there", "server\n");
    server.sync([]).succeeds();
    laptop.sync([]).succeeds();
    assert_eq!(work(&laptop), before);
    laptop.has("tmux.conf", "server\n").has("there", "server\n");
    assert_eq!(laptop.head(), remote.tip("main"));
}

#[test]
fn commits_by_hand_travel_and_the_rest_stays() {
    let (laptop, server, remote) = with_work();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.git(["commit", "--quiet", "-m", "by hand", "vim/vimrc"]);
    let before = work(&laptop);
    laptop.sync([]).succeeds();
    assert_eq!(work(&laptop), before);
    remote.has("vim/vimrc", "staged");
    assert_eq!(remote.git(["log", "-1", "--format=%s", "main"]), "by hand");
    laptop.config("sync.commit", "always");
    laptop.chmod("bin/run", 0o755);
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
    server
        .lacks("old")
        .has("both", "as it was edited after that\n");
}

#[test]
fn a_merge_by_hand_travels_as_a_merge_and_the_rest_stays() {
    let (laptop, server, remote) = with_work();
    laptop
        .sh(
            "git stash -q -u; git switch -q -c side; echo side > side; git add side
        git commit -q -m side; git switch -q main; echo more > more; git add more
        git commit -q -m more; git merge -q --no-edit side; git stash pop -q --index",
        )
        .succeeds();
    let before = work(&laptop);
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.sync([]).succeeds();
    assert_eq!(work(&laptop), before);
    laptop.has("tmux.conf", "server\n");
    assert_eq!(laptop.head(), remote.tip("main"));
    remote.has("side", "side");
    remote.has("more", "more");
}

#[test]
fn a_change_elsewhere_in_an_edited_file_is_merged_into_it_and_committed_by_nobody() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("list", "1\n2\n3\n4\n5\n6\n");
    settle(&[&laptop, &server]);
    laptop.config("sync.commit", "never");
    laptop.write("list", "1 here\n2\n3\n4\n5\n6\n");
    server.write("list", "1\n2\n3\n4\n5\n6 there\n");
    server.sync([]).succeeds();
    laptop.sync([]).succeeds();
    laptop.has("list", "1 here\n2\n3\n4\n5\n6 there\n");
    assert_eq!(work(&laptop)[0], " M list");
    remote.has("list", "1\n2\n3\n4\n5\n6 there");
}

/// Both changed `zshrc`; the laptop has not committed it.
fn conflict(staged: bool) -> Conflict {
    let conflict = Conflict::of_content();
    let laptop = &conflict.laptop;
    laptop.git(["checkout", "--quiet", "vim/vimrc"]);
    laptop.config("sync.commit", "never");
    laptop.write("mine", "staged\n");
    laptop.git(["add", "mine"]);
    if staged {
        laptop.git(["add", "zshrc"]);
    }
    conflict
}

#[test]
fn a_change_of_both_sides_is_held_and_the_rest_stays() {
    for staged in [false, true] {
        let conflict = conflict(staged);
        let Conflict { laptop, remote, .. } = &conflict;
        for _ in 0..2 {
            laptop.sync([]).exits(1).says("zshrc");
            laptop.has("zshrc", "export EDITOR=hx\n").holds(["zshrc"]);
            laptop.has("tmux.conf", "also from the server\n");
            assert_eq!(work(laptop)[0], "A  mine\n M zshrc", "staged: {staged}");
            assert_eq!(laptop.head(), remote.tip("main"));
        }
        laptop.sync(["resolve", "--theirs"]).succeeds();
        laptop.has("zshrc", "export EDITOR=nano\n");
        assert_eq!(work(laptop)[0], "A  mine");
    }
}

#[test]
fn what_was_staged_of_a_held_file_is_kept() {
    let conflict = conflict(true);
    let laptop = &conflict.laptop;
    laptop.write("zshrc", "edited after that\n");
    laptop.sync([]).exits(1);
    laptop.has("zshrc", "edited after that\n").holds(["zshrc"]);
    let kept = laptop.git(["log", "--all", "--patch", "--format=%h"]);
    assert!(kept.contains("+export EDITOR=hx"), "{kept}");
}

#[test]
fn a_decision_for_this_machines_version_leaves_it_to_be_committed() {
    let conflict = conflict(true);
    let Conflict { laptop, remote, .. } = &conflict;
    laptop.sync([]).exits(1);
    laptop.sync(["resolve", "--ours"]).succeeds();
    laptop.has("zshrc", "export EDITOR=hx\n");
    assert_eq!(work(laptop)[0], "A  mine\n M zshrc");
    remote.has("zshrc", "export EDITOR=nano");
    laptop.git(["commit", "--quiet", "-m", "by hand", "zshrc"]);
    laptop.sync([]).succeeds();
    remote.has("zshrc", "export EDITOR=hx");
}

#[test]
fn no_policy_decides_about_work() {
    for policy in ["ours", "theirs", "newest", "union", "both"] {
        let conflict = Conflict::new(
            nothing,
            |laptop| {
                laptop.write("log", "laptop\n");
            },
            |server| {
                let config = "version: 1\npolicies:\n  log: POLICY\n";
                server.write(".sync/config.yaml", config);
                server.write("log", "server\n");
            },
        );
        let Conflict {
            laptop,
            server,
            remote,
        } = &conflict;
        let config = server.read(".sync/config.yaml").replace("POLICY", policy);
        server.write(".sync/config.yaml", config);
        server.sync([]).succeeds();
        laptop.config("sync.commit", "never");
        let tip = remote.tip("main");
        laptop.sync([]).exits(1).says("log");
        laptop.has("log", "laptop\n").holds(["log"]);
        assert_eq!(remote.tip("main"), tip, "{policy}");
    }
}

#[test]
fn a_policy_decides_about_a_commit_and_the_work_stays() {
    let conflict = Conflict::new(
        nothing,
        |laptop| {
            laptop.write("log", "laptop\n");
            laptop.commit("by hand");
        },
        |server| {
            let config = "version: 1\npolicies:\n  log: both\n";
            server.write(".sync/config.yaml", config);
            server.write("log", "server\n");
        },
    );
    let Conflict { laptop, remote, .. } = &conflict;
    laptop.config("sync.commit", "never");
    laptop.write("zshrc", "staged\n");
    laptop.git(["add", "zshrc"]);
    laptop.write("zshrc", "edited\n");
    let before = work(laptop);
    laptop.sync([]).succeeds();
    laptop.has("log", "server\n");
    assert_eq!(work(laptop), before);
    assert_eq!(laptop.head(), remote.tip("main"));
    let copies = remote
        .files()
        .into_iter()
        .filter(|name| name.starts_with("log.conflict-"));
    assert_eq!(copies.count(), 1);
}
