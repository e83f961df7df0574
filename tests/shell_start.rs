//! A sync in the background when a shell starts: one for any number of shells, and nothing to be seen of it.

use std::time::{Duration, SystemTime};

use crate::support::{
    Kind, Machine, Sandbox, Shell, closed_port, on_a_terminal, wait_for_our_processes, wait_until,
};

/// A machine with a change to send, that was set up and not synced for long.
fn with_a_change(kind: Kind) -> (Sandbox, Machine, crate::support::Remote) {
    let sandbox = Sandbox::new();
    let (laptop, _, remote) = sandbox.laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.write("zshrc", "changed\n");
    // The time in it is long over; fish goes by that of the file.
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let due = std::fs::File::options()
        .write(true)
        .open(laptop.path(".sync/due"));
    due.unwrap().set_modified(an_hour_ago).unwrap();
    Shell::prepare(&laptop, kind, "", "");
    (sandbox, laptop.without("GIT_SYNC_NOW"), remote)
}

#[test]
fn a_shell_that_starts_syncs_and_shows_nothing_of_it() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, remote) = with_a_change(kind);
        let mut shell = Shell::open(&laptop, kind);
        wait_until("the change is pushed", || remote.commits() == 2);
        wait_for_our_processes(&laptop);
        let pid = if kind == Kind::Fish {
            "$fish_pid"
        } else {
            "$$"
        };
        shell.types("jobs");
        // fish looks after its children when it comes to a prompt.
        wait_until("no dead child is left", || {
            let seen = shell.text().len();
            shell.types(&format!("echo; ps -o stat= --ppid {pid}"));
            let text = shell.text();
            !text[seen..]
                .lines()
                .any(|line| line.trim().starts_with('Z'))
        });
        shell.comes_to("synced");
        // Nor where the snippet is sourced by hand.
        laptop.remove(".sync/due");
        let fresh = match kind {
            Kind::Fish => "set -e __git_sync_started",
            _ => "unset _git_sync_started",
        };
        shell.types(&format!("{fresh}; source {}", kind.snippet().display()));
        wait_for_our_processes(&laptop);
        shell.types(":");
        let text = shell.exits().succeeds().stdout();
        for word in ["[1]", "Done", "Job", "--background", "terminated"] {
            assert!(!text.contains(word), "{kind:?} {word}\n{text}");
        }
        assert_eq!(
            laptop.records().len(),
            2,
            "{kind:?} {:#?}",
            laptop.records()
        );
    }
}

#[test]
fn it_goes_on_when_the_terminal_is_closed_at_once() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, remote) = with_a_change(kind);
        Shell::open(&laptop, kind).exits();
        wait_until("the change is pushed", || remote.commits() == 2);
        wait_for_our_processes(&laptop);
    }
}

#[test]
fn of_many_shells_one_syncs_and_a_later_one_starts_nothing() {
    let (_sandbox, laptop, remote) = with_a_change(Kind::Bash);
    Shell::prepare(&laptop, Kind::Zsh, "", "");
    let shells: Vec<_> = (0..8)
        .map(|number| {
            let kind = if number % 2 == 0 {
                Kind::Bash
            } else {
                Kind::Zsh
            };
            Shell::open(&laptop, kind)
        })
        .collect();
    for shell in shells {
        shell.exits();
    }
    wait_until("the change is pushed", || remote.commits() == 2);
    wait_for_our_processes(&laptop);
    assert_eq!(laptop.records().len(), 2, "{:?}", laptop.records());
    Shell::open(&laptop, Kind::Zsh).exits();
    wait_for_our_processes(&laptop);
    assert_eq!(laptop.records().len(), 2);
}

#[test]
fn who_was_offline_is_not_tried_again_at_once() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    let offline = format!("git://127.0.0.1:{}/configs", closed_port());
    laptop.git(["remote", "set-url", "origin", &offline]);
    let at = |seconds: i64| {
        let now = 1_800_000_000 + seconds;
        laptop
            .with("GIT_SYNC_NOW", now.to_string())
            .sync(["--background"])
            .succeeds()
            .says_nothing();
        wait_for_our_processes(&laptop);
        laptop.records().len()
    };
    // Five minutes are the interval; each time in vain doubles the pause.
    assert_eq!(at(0), 1);
    assert_eq!(at(301), 1);
    laptop.has(".sync/due", "1800000000 1800000600 600\n");
    assert_eq!(at(601), 2);
    assert_eq!(at(601 + 601), 2);
    assert_eq!(at(601 + 1201), 3);
    // A sync by hand asks at once.
    let now = laptop.with("GIT_SYNC_NOW", "1800001900");
    now.sync([]).exits(3);
    assert_eq!(laptop.records().len(), 4);
}

#[test]
fn a_shell_sees_by_itself_that_none_is_due() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, _) = with_a_change(kind);
        let offline = format!("git://127.0.0.1:{}/configs", closed_port());
        laptop.git(["remote", "set-url", "origin", &offline]);
        Shell::open(&laptop, kind).exits();
        wait_until("it was tried", || laptop.records().len() == 2);
        wait_for_our_processes(&laptop);
        // A program in its place would leave a trace.
        let spy = laptop.home().join("spy");
        laptop.program(&spy, "echo \"$@\" >> \"$HOME/called\"");
        let spied = laptop
            .with("GIT_SYNC_BIN", &spy)
            .with("GIT_SYNC_MAX_AGE", "86400");
        Shell::open(&spied, kind).exits();
        let called = laptop.exists("../called").then(|| laptop.read("../called"));
        assert_eq!(called, None, "{kind:?}, due {:?}", laptop.read(".sync/due"));
        // It would, if it were due.
        laptop.remove(".sync/due");
        Shell::open(&spied, kind).exits();
        wait_until("it was called", || laptop.exists("../called"));
        assert!(laptop.read("../called").contains("--background"));
    }
}

#[test]
fn shells_that_nobody_types_into_are_left_alone() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, _) = with_a_change(kind);
        let spy = laptop.home().join("spy");
        laptop.program(&spy, "echo \"$@\" >> \"$HOME/called\"");
        let snippet = kind.snippet();
        let line = format!(
            "{} -c 'source {}; echo \"state=$GIT_SYNC_STATE\"'",
            kind.name(),
            snippet.display()
        );
        let spied = laptop.with("GIT_SYNC_BIN", &spy);
        // As with scp and rsync, and on a terminal too.
        assert_eq!(spied.sh(&line).succeeds().stdout(), "state=\n");
        on_a_terminal(&spied, &line, [])
            .succeeds()
            .says("state=\r\n");
        let called = laptop.exists("../called").then(|| laptop.read("../called"));
        assert_eq!(called, None, "{kind:?}, due {:?}", laptop.read(".sync/due"));
    }
}

#[test]
fn it_can_be_switched_off_for_a_shell_a_machine_and_for_containers() {
    let (_sandbox, laptop, remote) = with_a_change(Kind::Zsh);
    Shell::open(&laptop.with("GIT_SYNC_BACKGROUND", "0"), Kind::Zsh).exits();
    laptop.config("sync.background", "false");
    Shell::open(&laptop, Kind::Zsh).exits();
    wait_for_our_processes(&laptop);
    laptop.config("sync.background", "outside-containers");
    laptop.config("sync.machineType", "container");
    let run = || laptop.sync(["--background"]).succeeds().says_nothing();
    run();
    wait_for_our_processes(&laptop);
    assert_eq!((remote.commits(), laptop.records().len()), (1, 1));
    laptop.config("sync.machineType", "linux");
    run();
    wait_until("the change is pushed", || remote.commits() == 2);
    wait_for_our_processes(&laptop);
    laptop.config("sync.background", "sometimes");
    laptop.sync([]).exits(128).tells("sync.background");
}
