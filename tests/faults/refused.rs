//! Stories about a run that is refused what it wants to change; `campaign.rs` has those that all operations share.

use super::fault::{Attack, FAILS, Struck};
use super::oracle::{is_free, is_tidy, left_behind};
use super::scenario;
use crate::support::needs;

/// It is a file of ours that nobody has any use for, where no user looks: the next run takes it away.
#[test]
fn a_half_written_file_that_could_not_be_removed_goes_with_the_next_run() {
    needs("strace");
    let scenario = scenario::first_sync();
    let laptop = &scenario.laptop;
    let struck = FAILS.strike(laptop, scenario.line, 1);
    let left = left_behind(laptop);
    assert!(!left.is_empty(), "{}", struck.when);

    laptop.sync([]).succeeds();

    is_tidy(laptop, &struck.when);
    is_free(laptop, &struck.when);
}

/// Nothing was decided, so everything stands where it stood, at once.
#[test]
fn a_folder_is_where_it_was_where_the_decision_against_it_failed() {
    let scenario = scenario::take_a_file_over_a_folder();
    let laptop = &scenario.laptop;
    for Struck { when, code, .. } in scenario.undisturbed(&FAILS).strikes(16) {
        let is_decided = laptop.path("app").is_file();
        assert!(is_decided || code != Some(0), "{when}");
        if !is_decided {
            laptop.has("app/x", "x\n").has("app/y.local", "y\n");
        }
    }
}
