//! Variants: a run that gives machines a version of their own, or takes it away, is stopped at every
//! change it makes.
//!
//! Whatever the moment, one of the two versions is readable at the live path, and a plain sync and the
//! same command again come to the end that an undisturbed run has.

use super::fault::{Kill, Struck};
use super::oracle::{is_free, is_tidy, is_usable};
use super::scenario::Scenario;
use crate::marks::nothing_beside;
use crate::support::{Machine, Sandbox};

const SHARED: &str = "of all others\n";
const OWN: &str = "of the mac\n";

/// A Mac with `~/.rc` marked.
fn marked(line: &'static [&'static str]) -> Scenario {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.machineType", "mac");
    laptop.write("../.rc", SHARED);
    laptop.sync(["mark", "../.rc"]).succeeds();
    laptop.sync([]).succeeds();
    Scenario {
        laptop,
        remote,
        line,
    }
}

/// Expects the link to lead to a copy with this content.
#[track_caller]
fn is_settled(laptop: &Machine, copy: &str, content: &str, when: &str) {
    let target = laptop.path(copy);
    let found = std::fs::read_link(laptop.home().join(".rc")).ok();
    assert_eq!(found, Some(target), "{when}\n{}", laptop.scenery());
    assert_eq!(laptop.read("../.rc"), content, "{when}");
    assert_eq!(laptop.read("external/.rc"), SHARED, "{when}");
    nothing_beside(laptop, ".");
}

#[track_caller]
fn survives(scenario: &Scenario, copy: &str, content: &str) {
    let laptop = &scenario.laptop;
    let trial = scenario.undisturbed(&Kill);
    is_settled(laptop, copy, content, "undisturbed");
    for Struck { when, .. } in trial.strikes(10) {
        let found = std::fs::read_to_string(laptop.home().join(".rc"));
        assert!(
            matches!(found.as_deref(), Ok(SHARED | OWN)),
            "{when}: {found:?}\n{}",
            laptop.scenery()
        );
        is_usable(laptop, &when);
        laptop.sync([]).succeeds();
        is_tidy(laptop, &when);
        scenario.play().exits_with_one_of(&[0, 1]);
        laptop.sync([]).succeeds();
        is_settled(laptop, copy, content, &when);
        is_free(laptop, &when);
    }
}

#[test]
fn a_new_variant_survives_a_kill() {
    let scenario = marked(&["git-sync", "mark", "--variant=mac", "../.rc"]);
    survives(&scenario, "external/.rc##mac", SHARED);
}

#[test]
fn a_variant_that_is_dropped_survives_a_kill() {
    let scenario = marked(&["git-sync", "unmark", "--variant=mac", "../.rc"]);
    let laptop = &scenario.laptop;
    laptop.sync(["mark", "--variant=mac", "../.rc"]).succeeds();
    laptop.write("../.rc", OWN);
    laptop.sync([]).succeeds();
    survives(&scenario, "external/.rc", SHARED);
}
