//! Marks that are copies: a run is stopped while a file and its new version trade places.

use super::fault::{FULL, Kill, Struck};
use super::oracle::{is_free, is_tidy, is_usable};
use super::scenario::{SYNC, Scenario};
use crate::marks::{is_real, nothing_beside};
use crate::support::{Sandbox, settle};

/// Stops a sync after each of some changes, which brings `~/.rc` from `old` to `new`.
#[track_caller]
fn survives_being_killed(changed_here: bool) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "old\n");
    laptop.chmod("../.rc", 0o600);
    laptop.sync(["mark", "--copy", "../.rc"]).succeeds();
    settle(&[&laptop, &server]);
    if changed_here {
        laptop.write("../.rc", "new\n");
    } else {
        server.write("../.rc", "new\n");
        server.sync([]).succeeds();
    }
    let scenario = Scenario {
        laptop,
        remote,
        line: SYNC,
    };
    let laptop = &scenario.laptop;
    let trial = scenario.undisturbed(&Kill);
    laptop.has("../.rc", "new\n");
    for Struck { when, .. } in trial.strikes(12) {
        let text = laptop.read("../.rc");
        assert!(
            text == "new\n" || (text == "old\n" && !changed_here),
            "{when}: {text:?}\n{}",
            laptop.scenery()
        );
        assert_eq!(laptop.mode("../.rc"), 0o600, "{when}");
        is_usable(laptop, &when);
        let again = laptop.sync([]).succeeds();
        assert!(!again.stderr().contains("is kept"), "{when}");
        laptop.has("../.rc", "new\n").has("external/.rc", "new\n");
        is_real(laptop, ".rc");
        nothing_beside(laptop, ".");
        is_tidy(laptop, &when);
        is_free(laptop, &when);
    }
}

#[test]
fn a_new_version_that_is_written_survives_a_kill() {
    survives_being_killed(false);
}

#[test]
fn a_change_that_is_taken_in_survives_a_kill() {
    survives_being_killed(true);
}

/// A machine where a new version of `~/.rc` has come, or was saved, and `~/.tool` with it.
fn changed(here: bool) -> Scenario {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "old\n").write("../.tool/a", "old\n");
    laptop
        .sync(["mark", "--copy", "../.rc", "../.tool"])
        .succeeds();
    settle(&[&laptop, &server]);
    let machine = if here { &laptop } else { &server };
    machine
        .write("../.rc", "new\n")
        .write("../.tool/a", "new\n");
    if !here {
        server.sync([]).succeeds();
    }
    Scenario {
        laptop,
        remote,
        line: SYNC,
    }
}

#[test]
fn a_full_disk_costs_no_copy() {
    for here in [true, false] {
        let scenario = changed(here);
        let laptop = &scenario.laptop;
        for Struck { when, .. } in scenario.undisturbed(&FULL).strikes(6) {
            for path in ["../.rc", "../.tool/a"] {
                let text = laptop.read(path);
                assert!(
                    text == "new\n" || (text == "old\n" && !here),
                    "{when}: {path} is {text:?}"
                );
            }
            is_usable(laptop, &when);
            laptop.sync([]).succeeds();
            for path in [".rc", ".tool/a"] {
                laptop.has(format!("../{path}"), "new\n");
                laptop.has(format!("external/{path}"), "new\n");
                scenario.remote.has(&format!("external/{path}"), "new");
            }
            is_real(laptop, ".rc");
            nothing_beside(laptop, ".");
            is_tidy(laptop, &when);
        }
    }
}

/// A copy that cannot be begun, for a disk that is full when it is marked.
#[test]
fn a_full_disk_costs_nothing_that_becomes_a_copy() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "rc\n").write("../.tool/a", "a\n");
    laptop.sync([]).succeeds();
    let scenario = Scenario {
        laptop,
        remote,
        line: &["git-sync", "mark", "--copy", "../.rc", "../.tool"],
    };
    let laptop = &scenario.laptop;
    for Struck { when, .. } in scenario.undisturbed(&FULL).strikes(6) {
        laptop.has("../.rc", "rc\n").has("../.tool/a", "a\n");
        is_usable(laptop, &when);
        laptop.sync([]).succeeds();
        laptop
            .sync(["mark", "--copy", "../.rc", "../.tool"])
            .succeeds();
        laptop.has("../.rc", "rc\n").has("external/.rc", "rc\n");
        laptop
            .has("../.tool/a", "a\n")
            .has("external/.tool/a", "a\n");
        is_real(laptop, ".rc");
        nothing_beside(laptop, ".");
    }
}
