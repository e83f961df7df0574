//! What is held belongs to a branch: also when that is renamed, deleted, or has a name like another.

use crate::support::{Conflict, Machine, Remote, Sandbox, settle};

/// Both machines on `branch`, and `zshrc` held on the laptop.
fn held_on(branch: &str) -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    for machine in [&laptop, &server] {
        machine.git(["switch", "-q", "-c", branch]);
        machine.git(["config", &format!("branch.{branch}.remote"), "origin"]);
        let there = format!("refs/heads/{branch}");
        machine.git(["config", &format!("branch.{branch}.merge"), &there]);
    }
    settle(&[&laptop, &server]);
    server.write("zshrc", "there\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "here\n");
    laptop.sync([]).exits(1);
    laptop.holds(["zshrc"]).has("zshrc", "here\n");
    (laptop, server, remote)
}

#[test]
fn a_renamed_branch_keeps_what_is_held() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let laptop = &conflict.laptop;
    laptop.git(["branch", "-m", "main", "trunk"]);

    laptop.sync(["status"]).says("1 path held");
    laptop.sync(["diff"]).says("+export EDITOR=nano");
    laptop.sync([]).exits(1).says("zshrc");
    laptop.holds(["zshrc"]).has("zshrc", "export EDITOR=hx\n");
    conflict.upstream_has("zshrc", "export EDITOR=nano");

    // Renamed again, and then decided about at once.
    laptop.git(["branch", "-m", "trunk", "team/laptop"]);
    laptop
        .sync(["setup", "--remove", "--yes"])
        .exits(1)
        .tells("zshrc");
    laptop.sync(["resolve", "--ours", "zshrc"]).succeeds();
    laptop.holds([]);
    conflict.upstream_has("zshrc", "export EDITOR=hx");
    laptop.sync([]).succeeds().says("Already in sync");
    let refs = laptop.git(["for-each-ref", "refs/git-sync/held"]);
    assert_eq!(refs, "");
}

#[test]
fn a_deleted_branch_is_in_the_way_of_no_other() {
    let (laptop, server, remote) = held_on("topic");
    laptop.git(["stash", "-q"]);
    for machine in [&laptop, &server] {
        machine.git(["checkout", "-q", "main"]);
        machine.git(["branch", "-q", "-D", "topic"]);
    }
    remote.git(["update-ref", "-d", "refs/heads/topic"]);
    for machine in [&laptop, &server] {
        machine.git(["fetch", "-q", "--prune"]);
        machine.git(["switch", "-q", "-c", "topic/b", "--track", "origin/main"]);
    }

    // Its files are gone with it, so nothing is held here.
    laptop.sync([]).succeeds();
    laptop.holds([]);
    server.write("tmux.conf", "there\n");
    server.sync([]).succeeds();
    laptop.write("tmux.conf", "here\n");
    laptop.sync([]).exits(1);
    laptop.holds(["tmux.conf"]);
    laptop.sync(["resolve", "--theirs"]).succeeds();
    laptop.has("tmux.conf", "there\n").holds([]);

    // What is left of it keeps nobody from leaving.
    let left = laptop.git(["for-each-ref", "refs/git-sync/held"]);
    assert!(left.contains("held/topic"), "{left}");
    laptop.sync(["setup", "--remove", "--yes"]).succeeds();
}

#[test]
fn a_change_of_another_branch_is_not_taken_for_what_was_held() {
    let (laptop, _, remote) = held_on("topic");
    laptop.git(["stash", "-q"]);
    laptop.git(["checkout", "-q", "main"]);
    laptop.git(["branch", "-q", "-D", "topic"]);
    laptop.write("zshrc", "something else\n");

    laptop.sync([]).succeeds();

    remote.has("zshrc", "something else");
}

#[test]
fn refs_with_the_names_of_earlier_versions_are_read() {
    let (laptop, server, remote) = held_on("topic/b");
    let held = "refs/git-sync/held/topic%2Fb";
    let oid = laptop.git(["rev-parse", held]);
    laptop.git(["update-ref", "-d", held]);
    laptop.git(["update-ref", "refs/git-sync/held/topic/b", &oid]);

    laptop.sync(["resolve", "--list"]).exits(1).says("zshrc");
    laptop.sync([]).exits(1);
    laptop.holds(["zshrc"]).has("zshrc", "here\n");
    assert_eq!(laptop.git(["rev-parse", held]), oid);

    laptop.sync(["resolve", "--ours"]).succeeds();
    let text = remote.git(["show", "topic/b:zshrc"]);
    assert_eq!(text, "here");
    server.sync([]).succeeds();
    server.has("zshrc", "here\n");
}
