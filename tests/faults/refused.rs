//! A story about a run that is refused even to clean up; `campaign.rs` has those that all operations share.

use super::fault::{Attack, FAILS};
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
