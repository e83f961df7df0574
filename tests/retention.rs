//! For how long what was replaced is kept, and that a clock which jumps ends nothing.

use crate::support::{Conflict, Machine};

/// The first day of these stories.
const FIRST: u64 = 1_792_569_600;

const DAY: u64 = 86_400;

/// The machine with its clock at `day`, `minute`.
fn at(machine: &Machine, day: u64, minute: u64) -> Machine {
    let now = FIRST + day * DAY + minute * 60;
    ["GIT_COMMITTER_DATE", "GIT_AUTHOR_DATE"].iter().fold(
        machine.with("GIT_SYNC_NOW", now.to_string()),
        |machine, key| machine.with(key, format!("@{now} +0000")),
    )
}

/// A policy and a decision have replaced something on the laptop, on the first day; what was held is kept, too.
fn replaced() -> Conflict {
    let conflict = Conflict::new(
        |laptop| {
            let config = "version: 1\npolicies:\n  \"*.history\": theirs\n";
            laptop.write(".sync/config.yaml", config);
        },
        |laptop| {
            laptop
                .write("a.history", "laptop\n")
                .write("zshrc", "laptop\n");
        },
        |server| {
            server
                .write("a.history", "server\n")
                .write("zshrc", "server\n");
        },
    );
    let laptop = at(&conflict.laptop, 0, 0);
    laptop.sync([]).exits(1);
    laptop.sync(["resolve", "--theirs", "zshrc"]).succeeds();
    assert_eq!(kept(&laptop).len(), 4, "{:?}", kept(&laptop));
    conflict
}

fn kept(machine: &Machine) -> Vec<String> {
    let all = "refs/git-sync";
    let refs = machine.git(["for-each-ref", "--format=%(refname)", all]);
    let refs = refs.lines().filter(|name| !name.contains("/held/"));
    refs.map(str::to_owned).collect()
}

/// Runs that have nothing to do, at each of some moments, and one that changes something.
#[track_caller]
fn runs(machine: &Machine, moments: impl IntoIterator<Item = (u64, u64)>) {
    let mut last = (0, 0);
    for (day, minute) in moments {
        at(machine, day, minute)
            .sync(["--offline"])
            .exits_with_one_of(&[0, 1]);
        last = (day, minute);
    }
    machine.write("tmux.conf", format!("{last:?}\n"));
    at(machine, last.0, last.1)
        .sync([])
        .exits_with_one_of(&[0, 1]);
}

fn daily(days: std::ops::Range<u64>) -> impl Iterator<Item = (u64, u64)> {
    days.map(|day| (day, 0))
}

#[test]
fn what_was_replaced_is_kept_for_ninety_days_and_goes_then() {
    let laptop = &replaced().laptop;
    runs(laptop, daily(60..90));
    assert_eq!(kept(laptop).len(), 4);
    runs(laptop, daily(91..112));
    assert!(kept(laptop).is_empty(), "{:?}", kept(laptop));
    laptop.is_whole();
}

#[test]
fn a_setting_says_how_long() {
    let laptop = &replaced().laptop;
    laptop.config("sync.keepReplaced", "never");
    runs(laptop, daily(200..222));
    assert_eq!(kept(laptop).len(), 4);
    laptop.config("sync.keepReplaced", "8.months");
    runs(laptop, daily(222..223));
    assert_eq!(kept(laptop).len(), 4);
    laptop.config("sync.keepReplaced", "2.weeks");
    runs(laptop, daily(223..224));
    assert!(kept(laptop).is_empty(), "{:?}", kept(laptop));
}

#[test]
fn a_clock_that_is_set_forward_ends_nothing() {
    let laptop = &replaced().laptop;
    // A day of runs by a clock that is a year ahead, and back.
    runs(laptop, (0..30).map(|number| (365, 40 * number)));
    assert_eq!(kept(laptop).len(), 4);
    runs(laptop, daily(1..3));
    runs(laptop, daily(365..372));
    assert_eq!(kept(laptop).len(), 4);
}

#[test]
fn what_was_made_by_a_clock_of_long_ago_is_not_old_at_once() {
    let conflict = Conflict::of_content();
    let laptop = &conflict.laptop;
    runs(laptop, daily(0..30));
    let past = at(laptop, 0, 0).with("GIT_SYNC_NOW", "86400");
    past.sync(["resolve", "--theirs"]).succeeds();
    let made = kept(laptop);
    runs(laptop, daily(30..32));
    assert_eq!((kept(laptop), made.len()), (made, 3));
}

#[test]
fn while_a_path_is_held_nothing_goes_that_was_kept_since() {
    let conflict = replaced();
    let (laptop, server) = (&conflict.laptop, &conflict.server);
    at(server, 1, 0).sync([]).succeeds();
    for (machine, words) in [(server, "server again\n"), (laptop, "laptop again\n")] {
        machine.write("zshrc", words).write("a.history", words);
        at(machine, 2, 0).sync([]).exits_with_one_of(&[0, 1]);
    }
    laptop.holds(["zshrc"]);
    assert_eq!(kept(laptop).len(), 5);
    runs(laptop, daily(100..122));
    let since = kept(laptop);
    assert_eq!(since.len(), 1, "{since:?}");
    at(laptop, 122, 0).sync(["resolve", "--theirs"]).succeeds();
    runs(laptop, daily(122..123));
    assert!(!kept(laptop).contains(&since[0]), "{:?}", kept(laptop));
    assert_eq!(kept(laptop).len(), 3, "{:?}", kept(laptop));
}

#[test]
fn a_value_that_cannot_be_read_is_refused() {
    let conflict = Conflict::of_content();
    for value in ["90", "90 days", "0.days", "-1.days", "soon", ""] {
        conflict.laptop.config("sync.keepReplaced", value);
        let output = conflict.laptop.sync([]).exits(128).tells("fatal: ");
        output.tells("sync.keepReplaced").tells("hint: ");
    }
}
