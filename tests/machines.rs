//! `git sync machines`: each machine leaves at the remote how it is, at no cost of its own.

use std::fs;

use crate::support::{Machine, Remote, Sandbox, settle};

const DAY: u64 = 24 * 60 * 60;

/// The machines as programs see them, by the part before the `@` and the host.
fn known(machine: &Machine) -> Vec<(String, Option<u64>, Vec<String>)> {
    let json = machine.sync(["machines", "--json"]).succeeds().json();
    let machines = json["machines"].as_array().unwrap().iter();
    machines
        .map(|one| {
            let held = one["held"].as_array().unwrap().iter();
            (
                one["machine"].as_str().unwrap().to_owned(),
                one["behind"].as_u64(),
                held.map(|path| path.as_str().unwrap().to_owned()).collect(),
            )
        })
        .collect()
}

fn beats(remote: &Remote) -> usize {
    remote
        .git(["for-each-ref", "refs/git-sync/machines/"])
        .lines()
        .count()
}

fn id_of(machine: &Machine) -> String {
    let json = machine.sync(["status", "--json"]).succeeds().json();
    json["machine"]["id"].as_str().unwrap().to_owned()
}

/// The number of connections of the newest run.
fn connections(machine: &Machine) -> u64 {
    let log = machine
        .sync(["log", "--json", "--max-count=1"])
        .succeeds()
        .json();
    log["connections"].as_u64().unwrap()
}

#[test]
fn each_machine_says_how_it_is_when_it_pushes() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .sync(["machines"])
        .succeeds()
        .says("No machine has said anything yet");
    laptop.write("zshrc", "one\n");
    laptop.sync([]).succeeds();
    assert_eq!(connections(&laptop), 1, "it goes along");
    server.write("tmux.conf", "two\n");
    server.sync([]).succeeds();
    let (ours, theirs) = (id_of(&laptop), id_of(&server));
    assert_eq!(beats(&remote), 2);
    // What the server has pushed since, the laptop has not.
    assert_eq!(
        known(&server),
        [
            (ours.clone(), Some(1), vec![]),
            (theirs.clone(), Some(0), vec![])
        ]
    );
    server
        .sync(["machines"])
        .succeeds()
        .says("1 commit behind")
        .says("up to date")
        .says("(this machine)");

    // What waits for a decision there is said too.
    laptop
        .write("tmux.conf", "other\n")
        .write("vim/vimrc", "new\n");
    laptop.sync([]).exits(1);
    let found = known(&server);
    assert_eq!(found[0].2, ["tmux.conf"], "{found:?}");
    server.sync(["machines"]).succeeds().says("held: tmux.conf");

    // One that is no more.
    server.sync(["machines", "--forget", &ours]).succeeds();
    assert_eq!(beats(&remote), 1);
    assert_eq!(known(&server).len(), 1);
}

#[test]
fn a_machine_that_sends_nothing_shows_up_once_a_day() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let day = |number: u64| {
        laptop.with(
            "GIT_SYNC_NOW",
            (1_800_000_000 + number * DAY / 2).to_string(),
        )
    };
    day(0).sync([]).succeeds();
    day(1).sync([]).succeeds();
    assert_eq!(beats(&remote), 0, "not before a day is over");
    day(2).sync([]).succeeds();
    assert_eq!((beats(&remote), connections(&laptop)), (1, 2));
    day(3).sync([]).succeeds();
    assert_eq!(connections(&laptop), 1);
    day(4).sync(["--dry-run"]).succeeds();
    let before = remote.git(["for-each-ref", "refs/git-sync/"]);
    day(4).sync(["--offline"]).succeeds();
    assert_eq!(remote.git(["for-each-ref", "refs/git-sync/"]), before);
    day(4).sync([]).succeeds();
    assert_ne!(remote.git(["for-each-ref", "refs/git-sync/"]), before);
}

#[test]
fn a_remote_that_refuses_it_gets_the_branch_all_the_same() {
    for hook in ["update", "pre-receive"] {
        let (laptop, server, remote) = Sandbox::new().laptop_and_server();
        let script = match hook {
            "update" => "#!/bin/sh\ncase $1 in refs/heads/*) ;; *) exit 1 ;; esac\n",
            _ => {
                "#!/bin/sh\nwhile read -r _ _ name; do\n  case $name in refs/heads/*) ;; *) exit 1 ;; esac\ndone\n"
            }
        };
        remote.hook(hook, script);
        laptop.write("zshrc", "one\n");
        laptop.sync([]).succeeds();
        remote.has("zshrc", "one\n");
        assert_eq!(beats(&remote), 0);
        // It is not tried again at once.
        laptop.write("zshrc", "two\n");
        laptop.sync([]).succeeds();
        assert_eq!(connections(&laptop), 1, "{hook}");
        settle(&[&laptop, &server]);
        laptop.is_in_sync_with(&remote);
    }
}

#[test]
fn a_remote_that_is_not_atomic_gets_the_branch_all_the_same() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    remote.git(["config", "receive.advertiseAtomic", "false"]);
    laptop.write("zshrc", "one\n");
    laptop.sync([]).succeeds();
    remote.has("zshrc", "one\n");
    laptop.write("zshrc", "two\n");
    laptop.sync([]).succeeds();
    assert_eq!((beats(&remote), connections(&laptop)), (0, 1));
}

#[test]
fn a_push_that_comes_too_late_sends_nothing() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    server.write("tmux.conf", "theirs\n");
    server.sync([]).succeeds();
    remote.hook("pre-receive", "#!/bin/sh\ncat >>received\n");
    laptop.write("zshrc", "mine\n");
    laptop.sync([]).succeeds();
    let received = fs::read_to_string(remote.path().join("received")).unwrap();
    // The branch and the heartbeat, once each.
    assert_eq!(received.lines().count(), 2, "{received}");
}

#[test]
fn a_pre_push_hook_that_knows_branches_alone_is_no_hindrance() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.hook(
        "pre-push",
        "#!/bin/sh\nwhile read -r _ _ name _; do\n  case $name in refs/heads/*) ;; *) exit 1 ;; esac\ndone\n",
    );
    laptop.write("zshrc", "one\n");
    laptop.sync([]).succeeds();
    remote.has("zshrc", "one\n");
    assert_eq!(beats(&remote), 0);
}

#[test]
fn who_does_not_want_it_says_nothing() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.heartbeat", "false");
    laptop.write("zshrc", "one\n");
    laptop.sync([]).succeeds();
    assert_eq!(beats(&remote), 0);
}

#[test]
fn without_the_remote_it_is_said_what_was_known_last() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "one\n");
    laptop.sync([]).succeeds();
    laptop.sync(["machines"]).succeeds();
    laptop.git(["remote", "set-url", "origin", "/nowhere/at/all"]);
    laptop
        .sync(["machines"])
        .exits_with_one_of(&[3, 4])
        .tells("the remote was not reached")
        .tells("git sync machines --offline");
    laptop
        .sync(["machines", "--offline"])
        .succeeds()
        .says("(this machine)");
    drop(remote);
}

#[test]
fn names_that_no_ref_can_have_are_no_hindrance() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.machineId", "ana's .. box~1");
    laptop.write("zshrc", "one\n");
    laptop.sync([]).succeeds();
    assert_eq!(beats(&remote), 1);
    assert_eq!(known(&laptop)[0].0, "ana's .. box~1");
}
