//! When the remote cannot be reached: the local part is done, it is said once, nothing is lost.

use std::time::Duration;

use crate::support::{Sandbox, SilentServer, Sshd, all_agree, closed_port, on_a_terminal, settle};

#[test]
fn a_refused_connection_leaves_the_commit_here_and_exits_3() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let url = format!("git://127.0.0.1:{}/configs.git", closed_port());
    laptop.git(["remote", "set-url", "origin", &url]);
    laptop.write("zshrc", "waits\n");

    laptop
        .sync([])
        .exits(3)
        .says("! origin cannot be reached: ")
        .tells("hint: ")
        .tells("  commit   1 file: zshrc\n");

    assert_eq!(laptop.committed("zshrc"), "waits\n");
    laptop.shows("↑").is_clean();
    assert_eq!(laptop.state().ahead, 1);

    laptop.sync([]).exits(3);
    assert_eq!(laptop.state().ahead, 1);
    laptop.git(["remote", "set-url", "origin", &remote.url()]);
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn an_unreachable_remote_with_nothing_to_send_is_3_as_well() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.git(["remote", "set-url", "origin", "file:///nowhere/configs.git"]);
    laptop
        .sync([])
        .exits(3)
        .says("! origin cannot be reached: ");
    laptop.is_clean();
}

#[test]
fn an_unreachable_remote_counts_more_than_held_paths() {
    let conflict = crate::support::Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict
        .laptop
        .git(["remote", "set-url", "origin", "file:///nowhere/configs.git"]);
    conflict.laptop.sync([]).exits(3).says("zshrc");
    conflict
        .laptop
        .has("zshrc", "export EDITOR=hx\n")
        .shows("✗");
}

#[test]
fn a_refused_ssh_login_is_not_called_a_network_problem() {
    let sandbox = Sandbox::new();
    let (laptop, _, remote) = sandbox.laptop_and_server();
    let sshd = Sshd::asking_for_a_password(&sandbox);
    sshd.serve(&laptop, &remote);
    laptop.write("zshrc", "waits\n");

    laptop.sync([]).exits(3).says("! origin refused the login");

    assert_eq!(laptop.committed("zshrc"), "waits\n");
}

#[test]
fn a_reply_that_is_lost_after_the_push_landed_is_found_out_by_the_next_run() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    // The server takes the push and dies before it can say so.
    remote.hook("post-receive", "kill -9 $PPID");
    laptop.write("zshrc", "landed\n");
    laptop.sync([]).exits_with_one_of(&[0, 1, 3]);
    remote.has("zshrc", "landed");
    remote.hook("post-receive", "exit 0");

    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    all_agree(&[&laptop, &server], &remote);
    assert_eq!(remote.commits(), 2);
}

#[test]
fn a_connection_cut_in_the_middle_is_mended_by_the_next_run() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let cut = laptop.home().join("cut");
    for (service, bytes) in [
        ("upload", 30),
        ("upload", 300),
        ("receive", 30),
        ("receive", 300),
    ] {
        server.write("tmux.conf", format!("{service} {bytes}\n"));
        server.sync([]).succeeds();
        laptop.write("zshrc", format!("{service} {bytes}\n"));
        // The shell ends with the last byte, so that no end of the pipe stays open.
        let script = format!(
            "git-{service}-pack \"$@\" | {{ dd bs=1 count={bytes} 2>/dev/null; kill $$; }}"
        );
        laptop.program(&cut, &script);
        let key = format!("remote.origin.{service}pack");
        laptop.config(&key, cut.to_str().unwrap());
        laptop.sync([]).exits_with_one_of(&[0, 1, 3]);
        laptop
            .has("zshrc", format!("{service} {bytes}\n"))
            .is_whole();
        laptop.git(["config", "--unset", &key]);
        settle(&[&laptop, &server]);
        all_agree(&[&laptop, &server], &remote);
    }
}

#[test]
fn ctrl_c_while_the_remote_hangs_ends_the_run_and_leaves_nothing_locked() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let silent = SilentServer::start();
    laptop.git(["remote", "set-url", "origin", &silent.url()]);
    laptop.write("zshrc", "waits\n");

    let run = laptop.start_sync([]);
    crate::support::wait_until("it is connected", || silent.guests() > 0);
    run.signal_all(rustix::process::Signal::INT);
    let output = run.finish().exits(130);
    assert!(
        output.took() < Duration::from_secs(30),
        "{}",
        output.scene()
    );

    laptop.has("zshrc", "waits\n");
    assert!(laptop.half_done().is_empty());
    laptop.git(["remote", "set-url", "origin", &remote.url()]);
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_polite_end_by_the_system_exits_143_and_ends_the_children_too() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    let silent = SilentServer::start();
    laptop.git(["remote", "set-url", "origin", &silent.url()]);

    let run = laptop.start_sync([]);
    crate::support::wait_until("it is connected", || silent.guests() > 0);
    let group = run.pid();
    run.signal(rustix::process::Signal::TERM);
    run.finish().exits(143);

    crate::support::wait_until("its children are gone", || {
        let list = laptop
            .sh(&format!("ps -o pid= -g {group} || true"))
            .stdout();
        list.trim().is_empty()
    });
}

#[test]
fn a_terminal_may_be_used_to_log_in() {
    let sandbox = Sandbox::new();
    let (laptop, _, remote) = sandbox.laptop_and_server();
    let sshd = Sshd::asking_for_a_password(&sandbox);
    sshd.serve(&laptop, &remote);
    laptop.write("zshrc", "waits\n");

    // A person at a terminal is asked, as git would ask; the wrong answers are refused.
    let wrong = ("assword:", "wrong\n");
    let output = on_a_terminal(&laptop, "git-sync", [wrong, wrong, wrong]);
    assert!(
        output.stdout().contains("assword:"),
        "nobody was asked\n{}",
        output.scene()
    );
    output.exits(3);
    assert_eq!(laptop.committed("zshrc"), "waits\n");
}

#[test]
fn a_login_that_is_refused_shows_until_one_succeeds() {
    let sandbox = Sandbox::new();
    let (laptop, _, remote) = sandbox.laptop_and_server();
    laptop.sync([]).succeeds();
    let sshd = Sshd::asking_for_a_password(&sandbox);
    sshd.serve(&laptop, &remote);

    // Nothing waits here, and nothing would ever arrive again.
    laptop.sync([]).exits(3).says("refused the login");
    laptop.shows("✗");
    laptop
        .sync(["status"])
        .succeeds()
        .says("the remote refused the login");
    laptop.shows("✗");
    laptop.sync(["status", "--exit-code"]).exits(1);

    laptop.git(["remote", "set-url", "origin", &remote.url()]);
    laptop.sync([]).succeeds();
    laptop.shows("✓");
    laptop.sync(["status", "--exit-code"]).succeeds();
}
