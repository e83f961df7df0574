//! What a sync costs: connections and processes, counted by `strace` over a real ssh.

use std::fs;

use crate::support::{Machine, Remote, Sandbox, Sshd, needs};

/// What one run cost.
#[derive(Debug)]
struct Cost {
    connections: usize,
    children: usize,
    trace: String,
}

/// Runs a command under strace and counts.
fn count(machine: &Machine, sshd: &Sshd, words: &[&str]) -> Cost {
    needs("strace");
    let path = machine.home().join("trace");
    let mut command = machine.command("strace");
    command
        .args(["-f", "-q", "-s", "999", "-e", "trace=connect,process", "-o"])
        .arg(&path)
        .args(words);
    let before = sshd.connections();
    machine.run(command).succeeds();
    let trace = fs::read_to_string(&path).unwrap();
    let port = format!("htons({})", sshd.port());
    let connects = trace
        .lines()
        .filter(|line| line.contains("connect(") && line.contains(&port))
        .count();
    assert_eq!(
        connects,
        sshd.connections() - before,
        "strace and sshd disagree\n{trace}"
    );
    let starts = |line: &&str| {
        let started = ["clone(", "clone3(", "fork(", "vfork("]
            .iter()
            .any(|call| line.contains(call))
            || ["clone", "clone3", "fork", "vfork"]
                .iter()
                .any(|call| line.contains(&format!("<... {call} resumed")));
        let finished = line
            .rsplit_once("= ")
            .is_some_and(|(_, pid)| pid.trim().parse::<u32>().is_ok_and(|pid| pid > 0));
        started && finished && !line.contains("CLONE_THREAD")
    };
    // A thread that was interrupted in its start is told in two lines; threads are no processes.
    let threads = trace
        .lines()
        .filter(|line| line.contains("CLONE_THREAD") && line.contains("unfinished"))
        .count();
    Cost {
        connections: connects,
        children: trace.lines().filter(starts).count() - threads,
        trace,
    }
}

/// Two machines whose origin is over ssh, both in sync.
fn over_ssh() -> (Sandbox, Machine, Machine, Remote, Sshd) {
    let sandbox = Sandbox::new();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    let sshd = Sshd::start(&sandbox);
    for machine in [&laptop, &server] {
        sshd.serve(machine, &remote);
        machine.sync([]).succeeds();
    }
    (sandbox, laptop, server, remote, sshd)
}

#[test]
fn a_sync_with_nothing_to_do_costs_one_connection_and_four_processes() {
    let (_sandbox, laptop, _, _, sshd) = over_ssh();
    let sync = count(&laptop, &sshd, &["git-sync"]);
    assert_eq!(sync.connections, 1, "{}", sync.trace);
    assert!(
        sync.children <= 4,
        "{} children\n{}",
        sync.children,
        sync.trace
    );
    assert!(!sync.trace.contains("ControlMaster=yes"), "{}", sync.trace);
}

#[test]
fn a_sync_with_nothing_to_do_leaves_every_folder_as_git_has_seen_it() {
    use std::os::unix::fs::MetadataExt as _;
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    // Git's untracked cache reads a folder again whose time has changed.
    let times = || {
        ["", ".sync"].map(|folder| {
            let found = laptop.path(folder).metadata().unwrap();
            (found.mtime(), found.mtime_nsec())
        })
    };
    let before = times();
    let last = laptop.read(".sync/state");
    laptop.sync([]).succeeds();
    laptop.sync(["status"]).succeeds();
    assert_eq!(times(), before);
    assert_ne!(
        laptop.read(".sync/state"),
        last,
        "it is written all the same"
    );
}

#[test]
fn a_large_tree_is_looked_at_while_the_connection_is_made() {
    let (_sandbox, laptop, _, _, sshd) = over_ssh();
    // Its index is as large as that of fifty thousand files with shorter names.
    let folder = vec!["x".repeat(250); 4].join("/");
    for number in 0..5000 {
        laptop.write(format!("{folder}/{number}"), "");
    }
    laptop.sync([]).succeeds();
    let sync = count(&laptop, &sshd, &["git-sync"]);
    assert_eq!(sync.connections, 1, "{}", sync.trace);
    assert!(sync.trace.contains("ControlMaster=yes"), "{}", sync.trace);
    let offline = count(&laptop, &sshd, &["git-sync", "--offline"]);
    assert_eq!(offline.connections, 0, "{}", offline.trace);
}

#[test]
fn one_changed_side_costs_one_connection() {
    let (_sandbox, laptop, server, remote, sshd) = over_ssh();
    laptop.write("zshrc", "laptop\n");
    let push = count(&laptop, &sshd, &["git-sync"]);
    assert_eq!(push.connections, 1, "{}", push.trace);
    remote.has("zshrc", "laptop");

    let pull = count(&server, &sshd, &["git-sync"]);
    assert_eq!(pull.connections, 1, "{}", pull.trace);
    server.has("zshrc", "laptop\n");
}

#[test]
fn two_changed_sides_share_one_transport() {
    let (_sandbox, laptop, server, remote, sshd) = over_ssh();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "laptop\n");
    let both = count(&laptop, &sshd, &["git-sync"]);
    assert_eq!(
        both.connections, 1,
        "the second one uses the first one's transport\n{}",
        both.trace
    );
    remote.has("zshrc", "laptop");
    laptop.has("tmux.conf", "server\n");
}

#[test]
fn while_a_first_push_is_refused_what_there_is_comes_already() {
    let (_sandbox, laptop, server, remote, _sshd) = over_ssh();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "laptop\n");
    let output = laptop.sync(["-vv"]).succeeds();
    let talk = output.stderr();
    let network = talk.lines().filter_map(|line| {
        let words = line.trim_start().strip_prefix("$ git ")?;
        ["fetch", "push"]
            .into_iter()
            .find(|name| words.starts_with(name))
    });
    let network: Vec<_> = network.collect();
    assert_eq!(network, ["fetch", "push", "push"], "{talk}");
    // The tracking ref tells where the remote is, as after any fetch.
    assert_eq!(
        laptop.git(["rev-parse", "origin/main"]).trim(),
        remote.tip("main")
    );
    laptop.has("tmux.conf", "server\n");
}

#[test]
fn an_address_that_git_rewrites_is_followed() {
    let (_sandbox, laptop, server, remote, sshd) = over_ssh();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    let (long, short) = (sshd.url(&remote), "hub:configs");
    laptop.git_global(&format!("url.{long}.insteadOf"), short);
    laptop.git(["remote", "set-url", "origin", short]);
    laptop.write("zshrc", "laptop\n");
    let both = count(&laptop, &sshd, &["git-sync"]);
    assert_eq!(both.connections, 1, "{}", both.trace);
    remote.has("zshrc", "laptop");
}

#[test]
fn reading_and_writing_at_two_places_is_done_apart() {
    let (_sandbox, laptop, server, remote, _sshd) = over_ssh();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.git(["remote", "set-url", "--push", "origin", &remote.url()]);
    laptop.write("zshrc", "laptop\n");
    laptop.sync([]).succeeds();
    remote.has("zshrc", "laptop");
    laptop.has("tmux.conf", "server\n");
}

#[test]
fn a_login_that_is_refused_is_tried_once() {
    let sandbox = Sandbox::new();
    let (laptop, _, remote) = sandbox.laptop_and_server();
    let sshd = Sshd::asking_for_a_password(&sandbox);
    sshd.serve(&laptop, &remote);
    laptop.write("zshrc", "laptop\n");
    let before = sshd.connections();
    laptop.sync([]).exits(3).says("refused the login");
    assert_eq!(sshd.connections() - before, 1);
    assert_eq!(laptop.committed("zshrc"), "laptop\n");
}

#[test]
fn connections_that_the_user_shares_are_left_to_their_ssh() {
    let (_sandbox, laptop, server, remote, sshd) = over_ssh();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    let socket = laptop.home().join("s");
    let ssh = format!(
        "ssh -oControlMaster=auto -oControlPath={}",
        socket.display()
    );
    laptop.config("core.sshCommand", &ssh);
    laptop.write("zshrc", "laptop\n");
    laptop.sync([]).succeeds();
    remote.has("zshrc", "laptop");
    assert!(sshd.connections() > 0);
    assert!(!socket.exists(), "it ends with the user's own ssh");
}

#[test]
fn no_transport_is_left_open_behind_a_run() {
    let (_sandbox, laptop, server, _, sshd) = over_ssh();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "laptop\n");
    laptop.sync([]).succeeds();
    crate::support::wait_for_quiet(&laptop);
    assert!(sshd.connections() > 0);
}

#[test]
fn the_status_connects_nowhere_and_starts_next_to_nothing() {
    let (_sandbox, laptop, _, _, sshd) = over_ssh();
    let status = count(&laptop, &sshd, &["git-sync", "--status"]);
    assert_eq!(status.connections, 0, "{}", status.trace);
    assert!(
        status.children <= 2,
        "{} children\n{}",
        status.children,
        status.trace
    );
}

#[test]
fn marks_that_make_a_run_go_round_again_make_no_second_connection() {
    let (_sandbox, laptop, _, _, sshd) = over_ssh();
    laptop.write("../.rc", "1\n2\n3\n4\n5\n");
    laptop.sync(["mark", "../.rc"]).succeeds();
    laptop.sync([]).succeeds();
    // A program replaces the link, and the copy is another one by now: merged once that is committed,
    // and what comes of it is sent too.
    laptop.write("external/.rc", "one\n2\n3\n4\n5\n");
    laptop.remove("../.rc");
    laptop.write("../.rc", "1\n2\n3\n4\nfive\n");
    let before = sshd.connections();
    laptop.sync([]).succeeds().tells("join     ~/.rc");
    let made = sshd.connections() - before;
    let history = laptop.read(".git/sync/history.jsonl");
    let last: serde_json::Value = serde_json::from_str(history.lines().last().unwrap()).unwrap();
    assert_eq!((last["connections"].as_u64(), made), (Some(1), 1), "{last}");
}

#[test]
fn the_history_counts_the_connections() {
    let (_sandbox, laptop, _, _, sshd) = over_ssh();
    let before = sshd.connections();
    laptop.sync([]).succeeds();
    let history = laptop.read(".git/sync/history.jsonl");
    let last: serde_json::Value = serde_json::from_str(history.lines().last().unwrap()).unwrap();
    assert_eq!(last["connections"], sshd.connections() - before, "{last}");
}
