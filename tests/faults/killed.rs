//! A run is killed with all that it has started, or its disk is full from some moment on.

use super::oracle::{End, Precious, is_free, is_tidy, is_usable};
use super::scenario::{self, Scenario};
use super::{points, tracer};
use crate::support::needs;

/// Kills the scenario's command after each of some changes; `usual` of them where time is short.
#[track_caller]
fn survives_being_killed(scenario: &Scenario, usual: usize) {
    needs("strace");
    scenario.keep();
    let precious = Precious::of(scenario);
    let undisturbed = tracer::counted(&scenario.laptop, scenario.words);
    assert!(!undisturbed.stopped && undisturbed.changes > 20);
    finish(scenario);
    let end = End::of(scenario);
    for point in points(undisturbed.changes, usual) {
        scenario.restore();
        let killed = tracer::stopped_after(&scenario.laptop, scenario.words, point);
        let when = format!("killed after change {point}: {}", killed.last);
        is_usable(&scenario.laptop, &when);
        precious.are_safe(scenario, true, &when);
        finish(scenario);
        precious.are_safe(scenario, false, &when);
        assert_eq!(End::of(scenario), end, "{when}");
        is_usable(&scenario.laptop, &when);
        is_tidy(&scenario.laptop, &when);
        is_free(&scenario.laptop, &when);
    }
}

/// Types the command again where it was not a plain sync, and syncs.
#[track_caller]
fn finish(scenario: &Scenario) {
    let laptop = &scenario.laptop;
    if !scenario.words.is_empty() {
        let mut again = laptop.command("git-sync");
        again.args(scenario.words);
        laptop.run(again).exits_with_one_of(&[0, 1]);
    }
    laptop.sync([]).exits_with_one_of(&[0, 1]);
}

#[test]
fn changes_of_this_machine_survive() {
    survives_being_killed(&scenario::changes_here(), 6);
}

#[test]
fn changes_of_both_sides_and_a_conflict_survive() {
    survives_being_killed(&scenario::both_sides(), 9);
}

#[test]
fn a_policy_that_keeps_both_versions_survives() {
    survives_being_killed(&scenario::keep_both(), 9);
}

/// The program that owns the file goes on writing it before the next run is there.
#[test]
fn both_versions_are_kept_where_the_file_is_written_on_after_a_kill() {
    needs("strace");
    let scenario = scenario::keep_both();
    let laptop = &scenario.laptop;
    scenario.keep();
    let changes = tracer::counted(laptop, scenario.words).changes;
    for point in points(changes, 12) {
        scenario.restore();
        let killed = tracer::stopped_after(laptop, scenario.words, point);
        let when = format!("killed after change {point}: {}", killed.last);
        let text = laptop.read("app/history");
        laptop.write("app/history", text + "written on\n");
        laptop.sync([]).exits_with_one_of(&[0, 1]);
        let mut files = laptop.files();
        files.retain(|path| path.starts_with("app"));
        let texts: String = files.iter().map(|path| laptop.read(path)).collect();
        for line in ["laptop\n", "server\n", "written on\n"] {
            assert!(texts.contains(line), "{when}: {line:?} is not in {files:?}");
        }
        is_usable(laptop, &when);
        is_tidy(laptop, &when);
    }
}

#[test]
fn files_for_folders_and_folders_for_files_survive() {
    survives_being_killed(&scenario::other_shapes(), 6);
}

#[test]
fn an_ignored_file_in_the_way_survives() {
    survives_being_killed(&scenario::ignored_file(), 6);
}

#[test]
fn work_that_is_not_committed_survives() {
    survives_being_killed(&scenario::work_in_progress(), 6);
}

#[test]
fn a_first_sync_survives() {
    survives_being_killed(&scenario::first_sync(), 6);
}

#[test]
fn a_decision_for_the_other_side_survives() {
    survives_being_killed(&scenario::take_theirs(), 12);
}

/// The journal and the stage folder may be gone by then, with the rest of `.git/sync`.
#[test]
fn what_a_decision_replaces_is_in_a_commit_before_it_is_replaced() {
    needs("strace");
    let scenario = scenario::take_theirs();
    scenario.keep();
    let precious = Precious::of(&scenario);
    let changes = tracer::counted(&scenario.laptop, scenario.words).changes;
    for point in points(changes, 16) {
        scenario.restore();
        let killed = tracer::stopped_after(&scenario.laptop, scenario.words, point);
        let when = format!("killed after change {point}: {}", killed.last);
        precious.are_safe(&scenario, false, &when);
    }
}

#[test]
fn a_decision_for_this_machine_survives() {
    survives_being_killed(&scenario::take_ours(), 5);
}

#[test]
fn what_a_force_pull_replaces_survives() {
    survives_being_killed(&scenario::force_pull(), 12);
}

#[test]
fn what_a_force_push_replaces_survives() {
    survives_being_killed(&scenario::force_push(), 5);
}

/// Nothing that was uncommitted is lost when the forced run is not typed again either, and a plain
/// sync does not take a half-done force for this machine's own work.
#[test]
fn a_force_pull_that_was_killed_is_not_published_by_a_sync() {
    needs("strace");
    let scenario = scenario::force_pull();
    scenario.keep();
    let precious = Precious::of(&scenario);
    let changes = tracer::counted(&scenario.laptop, scenario.words).changes;
    for point in points(changes, 12) {
        scenario.restore();
        let killed = tracer::stopped_after(&scenario.laptop, scenario.words, point);
        let when = format!("killed after change {point}: {}", killed.last);
        scenario.laptop.sync([]).exits_with_one_of(&[0, 1]);
        precious.are_safe(&scenario, false, &when);
        is_usable(&scenario.laptop, &when);
        is_free(&scenario.laptop, &when);
    }
}

#[test]
fn a_disk_that_is_full_from_some_moment_on_costs_nothing() {
    needs("strace");
    for scenario in [
        scenario::both_sides(),
        scenario::take_theirs(),
        scenario::force_pull(),
    ] {
        scenario.keep();
        let precious = Precious::of(&scenario);
        tracer::counted(&scenario.laptop, scenario.words);
        finish(&scenario);
        let end = End::of(&scenario);
        for point in points(40, 5) {
            scenario.restore();
            let starved = tracer::starved_from(&scenario.laptop, scenario.words, point);
            let when = format!("disk full from call {point}\n{}", starved.scene());
            precious.are_safe(&scenario, true, &when);
            is_usable(&scenario.laptop, &when);
            if starved.code() == 0 {
                let done = End::of(&scenario);
                assert_eq!(done, end, "it says that all is well: {when}");
            }
            finish(&scenario);
            precious.are_safe(&scenario, false, &when);
            assert_eq!(End::of(&scenario), end, "{when}");
            is_free(&scenario.laptop, &when);
        }
    }
}
