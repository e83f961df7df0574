//! `--background` at the start of a shell: it returns at once, cannot ask, cannot hang, cannot talk.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::{
    Machine, Output, Running, Sandbox, SilentServer, Sshd, all_agree, needs, on_a_terminal,
    wait_for_quiet, wait_until,
};

/// Starts a background run on a terminal that stays open until the run is recorded.
fn on_an_open_terminal(machine: &Machine) -> Output {
    let line = "git-sync --background; n=0
        while ! test -s .git/sync/history.jsonl && test $n -lt 400; do
            n=$((n + 1)); sleep 0.05
        done";
    on_a_terminal(machine, line, [])
}

#[test]
fn it_says_nothing_and_the_work_is_done() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "changed\n");

    laptop
        .run(laptop.sync_command(["--background"]))
        .succeeds()
        .says_nothing();

    wait_until("the change is pushed", || remote.commits() == 3);
    wait_for_quiet(&laptop);
    laptop
        .is_in_sync_with(&remote)
        .has("tmux.conf", "server\n")
        .shows("✓");
    assert_eq!(laptop.records().len(), 1);
}

#[test]
fn a_shell_that_waits_for_its_output_is_not_kept_waiting() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    let silent = SilentServer::start();
    laptop.git(["remote", "set-url", "origin", &silent.url()]);
    laptop.config("sync.timeout", "20");
    let script = "said=$(git sync --background 2>&1 </dev/null); echo \"[$said]\"";
    let output = laptop.run({
        let mut command = laptop.command("sh");
        command.args(["-euc", script]);
        command
    });
    assert!(
        output.took() < Duration::from_secs(10),
        "{}",
        output.scene()
    );
    assert_eq!(output.succeeds().stdout(), "[]\n");
    laptop.config("sync.timeout", "1");
}

#[test]
fn a_remote_that_hangs_is_given_up_after_the_timeout_and_nothing_is_left() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    let silent = SilentServer::start();
    for url in [silent.url(), silent.ssh_url()] {
        laptop.git(["remote", "set-url", "origin", &url]);
        laptop.config("sync.timeout", "2");
        laptop.config("sync.interval", "0");
        laptop.write("zshrc", format!("{url}\n"));
        let (guests, runs) = (silent.guests(), laptop.records().len());

        let started = Instant::now();
        laptop
            .run(laptop.sync_command(["--background"]))
            .succeeds()
            .says_nothing();
        wait_until("it is connected", || silent.guests() > guests);
        wait_for_quiet(&laptop);

        assert!(
            started.elapsed() < Duration::from_secs(15),
            "{:?}",
            started.elapsed()
        );
        assert!(laptop.half_done().is_empty(), "{}", laptop.scenery());
        assert_eq!(laptop.committed("zshrc"), format!("{url}\n"));
        assert_eq!(laptop.records().len(), runs + 1);
        laptop.shows("↑");
    }
}

/// A machine at a server that wants a password, with every way to ask one open.
fn asked_for_a_password(sandbox: &Sandbox) -> (Machine, Sshd) {
    let (laptop, _, remote) = sandbox.laptop_and_server();
    let sshd = Sshd::asking_for_a_password(sandbox);
    sshd.serve(&laptop, &remote);
    let askpass = laptop.home().join("askpass");
    laptop.program(&askpass, "touch \"$HOME/asked\"; echo wrong");
    let laptop = ["SSH_ASKPASS", "GIT_ASKPASS", "SUDO_ASKPASS"]
        .iter()
        .fold(laptop, |machine, key| machine.with(key, &askpass))
        .with("DISPLAY", ":99")
        .with("SSH_ASKPASS_REQUIRE", "force");
    (laptop, sshd)
}

#[test]
fn a_server_that_wants_a_password_is_not_answered() {
    let sandbox = Sandbox::new();
    let (laptop, sshd) = asked_for_a_password(&sandbox);
    laptop.write("zshrc", "waits\n");

    let seen = on_an_open_terminal(&laptop).succeeds().says_nothing();
    wait_until("the server was asked", || sshd.connections() > 0);
    wait_for_quiet(&laptop);

    laptop.lacks("../asked");
    assert_eq!(laptop.committed("zshrc"), "waits\n", "{}", seen.scene());
    assert!(laptop.half_done().is_empty());
    // Waiting will not help: somebody has to log in by hand.
    laptop.shows("✗");
}

#[test]
fn a_web_server_that_wants_a_password_is_not_answered() {
    let sandbox = Sandbox::new();
    let (laptop, _, _) = sandbox.laptop_and_server();
    let askpass = laptop.home().join("askpass");
    laptop.program(&askpass, "touch \"$HOME/asked\"; echo wrong");
    laptop.config("core.askPass", askpass.to_str().unwrap());
    let came = at_a_server_that_knows_nobody(&laptop);
    laptop.write("zshrc", "waits\n");

    on_an_open_terminal(&laptop).succeeds().says_nothing();
    wait_until("the server was asked", || came.load(Ordering::Acquire));
    wait_for_quiet(&laptop);

    laptop.lacks("../asked");
    assert!(laptop.half_done().is_empty());
    assert_eq!(laptop.committed("zshrc"), "waits\n");
}

#[test]
fn a_credential_helper_that_hangs_is_given_up_and_ended() {
    let sandbox = Sandbox::new();
    let (laptop, _, _) = sandbox.laptop_and_server();
    let helper = laptop.home().join("helper");
    laptop.program(&helper, "touch \"$HOME/helped\"; exec sleep 600");
    laptop.config("credential.helper", helper.to_str().unwrap());
    laptop.config("sync.timeout", "2");
    at_a_server_that_knows_nobody(&laptop);
    laptop.write("zshrc", "waits\n");
    let started = Instant::now();

    on_an_open_terminal(&laptop).succeeds().says_nothing();
    wait_until("the helper was asked", || laptop.exists("../helped"));
    wait_for_quiet(&laptop);

    let took = started.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert!(laptop.half_done().is_empty());
    assert_eq!(laptop.committed("zshrc"), "waits\n");
    laptop.shows("↑");
    laptop.sync(["--status"]).says("no answer");
}

/// A server of names that takes every question and answers none, alone in a network.
const SILENT_NAMES: &str = r#"
    perl -MIO::Socket::INET -e '
        my $any = IO::Socket::INET->new(Proto => "udp");
        my $up = pack("a16sx14", "lo", 0x41);
        ioctl($any, 0x8914, $up) or die "lo: $!";
        my $names = IO::Socket::INET->new(Proto => "udp", LocalAddr => "127.0.0.1", LocalPort => 53)
            or die "53: $!";
        open(my $ready, ">", "../ready"); close $ready; sleep 600' &
    until test -e ../ready; do kill -0 $!; done
    echo nameserver 127.0.0.1 >../resolv.conf
    mount --bind ../resolv.conf /etc/resolv.conf
"#;

#[test]
fn names_that_nobody_resolves_are_given_up() {
    needs("perl");
    for url in [
        "ssh://git.example.com/configs.git",
        "https://git.example.com/configs.git",
    ] {
        let (laptop, _, _) = Sandbox::new().laptop_and_server();
        laptop.git(["remote", "set-url", "origin", url]);
        laptop.config("sync.timeout", "2");
        laptop.write("zshrc", "waits\n");
        let script = format!(
            "{SILENT_NAMES}
            git sync --background
            until git sync log --json | grep -q background; do git sync --status >../status; done
            kill $!
            git sync --status"
        );
        let output = laptop.sh_alone(&script).succeeds().says("no answer");
        wait_for_quiet(&laptop);
        assert!(
            output.took() < Duration::from_secs(15),
            "{}",
            output.scene()
        );
        assert!(laptop.half_done().is_empty());
        assert_eq!(laptop.committed("zshrc"), "waits\n");
        laptop.shows("↑");
    }
}

/// Moves the machine's origin to a web server that answers its first guest with 401; tells when somebody
/// came.
fn at_a_server_that_knows_nobody(machine: &Machine) -> Arc<AtomicBool> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/configs.git");
    machine.git(["remote", "set-url", "origin", &url]);
    let answer = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"configs\"\r\n\
                  Content-Length: 0\r\nConnection: close\r\n\r\n";
    let came = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&came);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        told.store(length > 0, Ordering::Release);
    });
    came
}

#[test]
fn a_signing_key_that_wants_a_passphrase_is_not_asked_for() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop
        .sh("ssh-keygen -q -t ed25519 -N 'a passphrase' -f ../key")
        .succeeds();
    let askpass = laptop.home().join("askpass");
    laptop.program(&askpass, "touch \"$HOME/asked\"; echo wrong");
    laptop.config("gpg.format", "ssh");
    laptop.config("commit.gpgSign", "true");
    laptop.config("user.signingKey", laptop.path("../key").to_str().unwrap());
    laptop.write("zshrc", "unsigned\n");
    let asking = laptop.with("SSH_ASKPASS", &askpass).with("DISPLAY", ":99");

    on_an_open_terminal(&asking).succeeds().says_nothing();
    wait_until("the run is recorded", || !laptop.records().is_empty());
    wait_for_quiet(&laptop);

    laptop
        .lacks("../asked")
        .has("zshrc", "unsigned\n")
        .shows("✗");
    assert_eq!(remote.commits(), 1);
}

#[test]
fn a_terminal_that_closes_at_once_does_not_end_it() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.interval", "0");
    for round in 2..6 {
        laptop.write("zshrc", format!("{round}\n"));
        on_a_terminal(&laptop, "git-sync --background", [])
            .succeeds()
            .says_nothing();
        wait_until("the change is pushed", || remote.commits() == round);
        wait_for_quiet(&laptop);
    }
}

#[test]
fn of_twenty_shells_that_start_at_once_one_syncs() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    let shells: Vec<Running> = (0..20)
        .map(|_| Running::start(&laptop, laptop.sync_command(["--background"])))
        .collect();
    for shell in shells {
        shell.finish().succeeds().says_nothing();
    }
    wait_until("the change is pushed", || remote.commits() == 2);
    wait_for_quiet(&laptop);
    assert_eq!(laptop.records().len(), 1, "{:?}", laptop.records());
    laptop.is_in_sync_with(&remote).shows("✓");
    laptop.sync([]).succeeds();
}

#[test]
fn soon_after_a_sync_it_does_nothing_and_later_it_does() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let at = |seconds: &str| laptop.with("GIT_SYNC_NOW", seconds);
    at("1800000000").sync([]).succeeds();
    laptop.write("zshrc", "changed\n");

    at("1800000299")
        .sync(["--background"])
        .succeeds()
        .says_nothing();
    wait_for_quiet(&laptop);
    assert_eq!(remote.commits(), 1);

    at("1800000301")
        .sync(["--background"])
        .succeeds()
        .says_nothing();
    wait_until("the change is pushed", || remote.commits() == 2);
    wait_for_quiet(&laptop);
}

#[test]
fn what_it_cannot_do_is_seen_in_the_status_only() {
    let conflict = crate::support::Conflict::of_content();
    let laptop = &conflict.laptop;
    laptop.config("sync.interval", "0");
    laptop
        .run(laptop.sync_command(["--background"]))
        .succeeds()
        .says_nothing();
    wait_until("the run is recorded", || laptop.records().len() == 2);
    wait_for_quiet(laptop);
    laptop.has("zshrc", "export EDITOR=hx\n").holds(["zshrc"]);
    conflict.upstream_has("vim/vimrc", "also from the laptop");
}

#[test]
fn outside_of_an_enrolled_repository_it_is_silent_too() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let laptop = sandbox.fresh("laptop");
    laptop.sync(["--background"]).succeeds().says_nothing();
    laptop.clone_from(&remote.url());
    laptop.write("zshrc", "changed\n");
    laptop.sync(["--background"]).succeeds().says_nothing();
    wait_for_quiet(&laptop);
    assert_eq!(remote.commits(), 1);
    laptop.lacks(".sync");
}

#[test]
fn misuse_is_still_an_error() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync(["--background", "--status"]).exits(129);
    laptop.sync(["--background", "--no-such-option"]).exits(129);
}

#[test]
fn machines_may_all_sync_in_the_background_at_once() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let machines = ["a", "b", "c"].map(|name| sandbox.machine(name, &remote));
    for machine in &machines {
        machine.config("sync.interval", "0");
        machine.write(format!("{}.conf", machine.name()), "mine\n");
        machine
            .run(machine.sync_command(["--background"]))
            .succeeds()
            .says_nothing();
    }
    for machine in &machines {
        wait_for_quiet(machine);
        machine.sync([]).succeeds();
    }
    machines[0].sync([]).succeeds();
    machines[1].sync([]).succeeds();
    all_agree(&machines.each_ref(), &remote);
}

#[test]
fn what_stops_it_before_it_begins_is_seen() {
    for (what, script) in [
        ("HEAD is detached", "git checkout -q --detach"),
        ("has no upstream", "git branch --unset-upstream"),
        (
            "a merge is in progress",
            "git rev-parse HEAD >.git/MERGE_HEAD",
        ),
        ("sync.timeout", "git config sync.timeout abc"),
    ] {
        let (laptop, _, _) = Sandbox::new().laptop_and_server();
        laptop.sync([]).succeeds();
        laptop.shows("✓");
        let synced = laptop.records().len();
        if what != "sync.timeout" {
            laptop.config("sync.interval", "0");
        }
        laptop.sh(script).succeeds();
        let background = || {
            let run = laptop.run(laptop.sync_command(["--background"]));
            run.succeeds().says_nothing();
        };

        background();

        wait_until("the run is recorded", || laptop.records().len() > synced);
        wait_for_quiet(&laptop);
        laptop.shows("✗");
        assert_eq!(laptop.state().word, "error", "{what}");
        let record = laptop.records().pop().unwrap();
        let error = record["error"].as_str().unwrap();
        assert!(error.contains(what), "{error}");
        assert_eq!(record["result"], "failed");

        if what == "sync.timeout" {
            // Every shell that starts tries it: said once is enough, and typed it is said again.
            background();
            wait_for_quiet(&laptop);
            assert_eq!(laptop.records().len(), synced + 1);
            laptop.run(laptop.sync_command([])).exits(128);
            assert_eq!(laptop.records().len(), synced + 2);
        }
    }
}

/// The error of a background run with two seconds' time.
fn out_of_time(laptop: &Machine) -> String {
    laptop.config("sync.timeout", "2");
    laptop.write("zshrc", "changed\n");
    let run = laptop.run(laptop.sync_command(["--background"]));
    run.succeeds().says_nothing();
    wait_until("the run is recorded", || !laptop.records().is_empty());
    wait_for_quiet(laptop);
    let record = laptop.records().pop().unwrap();
    record["error"].as_str().unwrap().to_owned()
}

#[test]
fn a_hook_that_hangs_is_named_and_the_remote_is_not_blamed() {
    for hook in ["pre-push", "pre-commit", "commit-msg"] {
        let (laptop, _, _) = Sandbox::new().laptop_and_server();
        laptop.hook(hook, "git version >/dev/null; exec sleep 50");
        let expected = format!("the {hook} hook did not end in time");
        assert_eq!(out_of_time(&laptop), expected);
        laptop.sync(["--status"]).succeeds().says(&expected);
    }
}

#[test]
fn a_hook_that_has_ended_is_not_blamed_for_the_remote() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.hook("pre-push", "exit 0");
    remote.hook("pre-receive", "exec sleep 50");
    assert_eq!(out_of_time(&laptop), "no answer in time");
}

#[test]
fn who_hung_is_left_open_where_the_user_has_the_notes_of_git() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.hook("pre-push", "exec sleep 50");
    let notes = laptop.home().join("notes");
    let laptop = laptop.with("GIT_TRACE2_EVENT", &notes);
    let error = out_of_time(&laptop);
    assert!(error.contains("the remote or the pre-push hook"), "{error}");
    let notes = std::fs::read_to_string(notes).unwrap();
    assert!(notes.contains("pre-push"), "{notes}");
}
