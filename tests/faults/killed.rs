//! Stories about a run that is killed with all that it has started; `campaign.rs` has those that all
//! operations share.

use super::fault::{Kill, Struck};
use super::oracle::{End, Precious, is_free, is_tidy, is_usable};
use super::scenario;
use crate::support::wait_for_quiet;

/// The program that owns the file goes on writing it before the next run is there.
#[test]
fn both_versions_are_kept_where_the_file_is_written_on_after_a_kill() {
    let scenario = scenario::keep_both();
    let laptop = &scenario.laptop;
    for Struck { when, .. } in scenario.undisturbed(&Kill).strikes(12) {
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

/// The journal and the stage folder may be gone by then, with the rest of `.git/sync`.
#[test]
fn what_a_decision_replaces_is_in_a_commit_before_it_is_replaced() {
    let scenario = scenario::take_theirs();
    let precious = Precious::of(&scenario);
    for Struck { when, .. } in scenario.undisturbed(&Kill).strikes(16) {
        precious.are_safe(&scenario, false, &when);
    }
}

/// A folder that a decision moves away is moved by nobody but that decision: killed half way, it is where it was,
/// or the file is there that was decided for.
#[test]
fn a_decision_over_a_folder_that_was_killed_is_taken_back() {
    let scenario = scenario::take_a_file_over_a_folder();
    let laptop = &scenario.laptop;
    for Struck { when, .. } in scenario.undisturbed(&Kill).strikes(24) {
        laptop.sync([]).exits_with_one_of(&[0, 1]);
        let is_decided = laptop.path("app").is_file();
        if !is_decided {
            laptop.has("app/x", "x\n").has("app/y.local", "y\n");
        }
        is_usable(laptop, &when);
        is_tidy(laptop, &when);
    }
}

/// Nothing that was uncommitted is lost when the forced run is not typed again either, and a plain
/// sync does not take a half-done force for this machine's own work.
#[test]
fn a_force_pull_that_was_killed_is_not_published_by_a_sync() {
    let scenario = scenario::force_pull();
    let precious = Precious::of(&scenario);
    let trial = scenario.undisturbed(&Kill);
    scenario.laptop.sync([]).succeeds();
    let forced = End::of(&scenario);
    scenario.restore();
    scenario.laptop.sync([]).exits(1);
    let never_forced = End::of(&scenario);
    for Struck { when, .. } in trial.strikes(12) {
        scenario.laptop.sync([]).exits_with_one_of(&[0, 1]);
        let end = End::of(&scenario);
        let unlike = [&forced, &never_forced].map(|other| end.unlike(other));
        let is_one = unlike.iter().any(Vec::is_empty);
        assert!(is_one, "{when}: {unlike:#?}");
        precious.are_safe(&scenario, false, &when);
        is_usable(&scenario.laptop, &when);
        is_free(&scenario.laptop, &when);
    }
}

/// A first commit makes the index too: killed between the two, there is a branch and no index.
#[test]
fn a_first_sync_that_was_killed_before_it_had_an_index_is_finished() {
    let scenario = scenario::first_sync();
    let laptop = &scenario.laptop;
    let kill = "grep -q refs/heads/main && [ \"$1\" = committed ] && kill -s KILL 0; true";
    laptop.hook("reference-transaction", kill);
    drop(laptop.run(laptop.sync_command([])));
    wait_for_quiet(laptop);
    laptop.hook("reference-transaction", "true");
    laptop.git(["rev-parse", "--verify", "main"]);
    assert!(!laptop.path(".git/index").exists());

    laptop
        .sync(["status"])
        .exits(1)
        .tells("an earlier run was interrupted")
        .tells("git sync   cleans up first; nothing is lost");
    laptop.sync([]).succeeds();

    laptop.is_in_sync_with(&scenario.remote);
    is_tidy(laptop, "a first sync");
    is_free(laptop, "a first sync");
}

/// The files of a force are in place before the branch is. Killed between the two, it is taken back: a plain sync
/// would take them for this machine's own work.
#[test]
fn a_force_pull_that_was_killed_before_the_branch_moved_is_taken_back() {
    let scenario = scenario::force_pull();
    let laptop = &scenario.laptop;
    scenario.keep();
    laptop.sync([]).exits(1);
    let never_forced = End::of(&scenario);
    scenario.restore();
    let kill = "grep -q refs/heads/main && [ \"$1\" = prepared ] && kill -s KILL 0; true";
    laptop.hook("reference-transaction", kill);
    drop(scenario.play());
    wait_for_quiet(laptop);
    laptop.hook("reference-transaction", "true");
    laptop.has("tmux.conf", "tmux.conf of the server\n");

    laptop.sync([]).exits(1);

    assert_eq!(End::of(&scenario), never_forced);
}
