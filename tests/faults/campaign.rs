//! Every operation under every fault, and the same for what people type without us.
//!
//! Each test prints a row of the table in `docs/faults.md`, which says how to get all of it.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::backups;
use super::cut::Cut;
use super::fault::{
    Attack, FAILS, FULL, INTERRUPTED, Kill, KillAndJump, REFUSED, Struck, UNREADABLE, UNWRITABLE,
};
use super::marks;
use super::oracle::{End, Precious, left_behind, unfree, unusable};
use super::power::PowerCut;
use super::scenario::{self, SYNC, Scenario};
use crate::support::Machine;

/// What people type without us.
const PEER: &str = "git pull --quiet --rebase --autostash && git push --quiet";

/// What came of one operation under one fault.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// So often it was struck.
    pub(super) tried: usize,
    /// Something that somebody had saved was gone, also after one further run.
    lost: usize,
    /// `git fsck` or `git status` failed right after it.
    broken: usize,
    /// It said that all was done, and it was not.
    untold: usize,
    /// A lock was left that keeps the user from committing until the next run.
    locked: usize,
    /// One further run did not come to the end of an undisturbed one.
    pub(super) stuck: usize,
}

impl Row {
    /// Plays the scene under the attack; `usual` times where time is short.
    #[track_caller]
    pub(super) fn of(scenario: &Scenario, attack: &dyn Attack, usual: usize) -> Self {
        let laptop = &scenario.laptop;
        let precious = Precious::of(scenario);
        let trial = scenario.undisturbed(attack);
        let done = End::of(scenario);
        again(scenario, &scenario.laptop);
        let end = End::of(scenario);
        let mut row = Self::default();
        for Struck {
            code, when, clock, ..
        } in trial.strikes(usual)
        {
            row.tried += 1;
            let mut lost = precious.lost(scenario, true);
            let broken = unusable(laptop).or_else(|| half_done(scenario));
            let locked = is_locked(laptop);
            let untold = if code == Some(0) {
                End::of(scenario).unlike(&done)
            } else {
                Vec::new()
            };
            let later = clock.map(|now| laptop.with("GIT_SYNC_NOW", now.to_string()));
            let said = again(scenario, later.as_ref().unwrap_or(laptop));
            lost.extend(precious.lost(scenario, false));
            let now = End::of(scenario);
            let mut stuck = unusable(laptop).map_or_else(Vec::new, |trouble| vec![trouble]);
            stuck.extend(now.unlike(&end));
            let left = left_behind(laptop).into_iter().chain(traces(scenario));
            stuck.extend(left.map(|path| format!("{} is left", path.display())));
            stuck.extend(unfree(laptop));
            if !stuck.is_empty() {
                stuck.push(said + &laptop.scenery());
            }
            for (count, is, word, more) in [
                (&mut row.lost, !lost.is_empty(), "lost", lost.join("\n")),
                (
                    &mut row.broken,
                    broken.is_some(),
                    "broken",
                    broken.unwrap_or_default(),
                ),
                (
                    &mut row.untold,
                    !untold.is_empty(),
                    "untold",
                    untold.join("\n"),
                ),
                (&mut row.locked, locked, "locked", String::new()),
                (
                    &mut row.stuck,
                    !stuck.is_empty(),
                    "not recovered",
                    stuck.join("\n"),
                ),
            ] {
                *count += usize::from(is);
                if is {
                    eprintln!("{word}: {:?} {when}\n{more}", scenario.line);
                }
            }
        }
        row
    }

    pub(super) fn print(&self, who: &str, operation: &str, fault: &str) {
        let Self {
            tried,
            lost,
            broken,
            untold,
            locked,
            stuck,
        } = self;
        println!(
            "| {operation} | {who} | {fault} | {tried} | {lost} | {broken} | {stuck} | {untold} | {locked} |"
        );
    }

    /// Expects that nothing went wrong; a lock that the next run removes is no fault of ours.
    #[track_caller]
    pub(super) fn is_without_a_loss(&self) {
        let wrong = [self.lost, self.broken, self.untold, self.stuck];
        assert!(self.tried > 0 && wrong == [0; 4], "{self:?}");
    }
}

/// The same command once more, as a person or a timer types it; that of a force or a decision is done
/// perhaps, and a plain sync is what comes next. What they said.
fn again(scenario: &Scenario, machine: &Machine) -> String {
    let mut said = scenario.play_on(machine).words();
    if is_ours(scenario) && scenario.line.len() > 1 {
        said += &machine.run(machine.sync_command([])).words();
    }
    said
}

fn is_ours(scenario: &Scenario) -> bool {
    scenario.line[0] == "git-sync"
}

/// What is left of an operation that is not done. Git's own name for the tree of its last merge keeps nobody from
/// anything, but none of ours leaves it.
fn traces(scenario: &Scenario) -> BTreeSet<PathBuf> {
    let mut traces = scenario.laptop.half_done();
    traces.retain(|path| is_ours(scenario) || !path.ends_with("AUTO_MERGE"));
    traces
}

/// A marker in a file, or anything else of a half-done merge: we make none; the peer may, if it gets over it.
fn half_done(scenario: &Scenario) -> Option<String> {
    let mut traces = scenario.laptop.half_done();
    traces.retain(|path| path.extension().is_none_or(|end| end != "lock"));
    (is_ours(scenario) && !traces.is_empty()).then(|| format!("half done: {traces:?}"))
}

fn is_locked(machine: &Machine) -> bool {
    let locks = ["index.lock", "HEAD.lock", "refs/heads/main.lock"];
    locks
        .iter()
        .any(|lock| machine.git_dir().join(lock).exists())
}

/// What can be done to any operation, beside killing it.
const FAULTS: [&dyn Attack; 8] = [
    &FULL,
    &UNREADABLE,
    &REFUSED,
    &INTERRUPTED,
    &FAILS,
    &KillAndJump,
    &UNWRITABLE,
    &PowerCut,
];

/// Kills the scene's command some times and plays it under another fault; under each of them where there is
/// time.
#[track_caller]
fn survives(operation: &str, scene: impl Fn() -> Scenario, kills: usize, other: &dyn Attack) {
    let is_short = std::env::var_os("GIT_SYNC_FAULTS").is_none();
    let wish = std::env::var("GIT_SYNC_FAULT").unwrap_or_default();
    let others = if is_short {
        vec![other]
    } else {
        FAULTS.to_vec()
    };
    let others = others.into_iter().map(|attack| (attack, 2));
    let attacks = std::iter::once((&Kill as &dyn Attack, kills)).chain(others);
    let is_wanted = |attack: &dyn Attack| is_short || wish.is_empty() || attack.name() == wish;
    let attacks = attacks.filter(|(attack, _)| is_wanted(*attack));
    // All rows are printed, whatever comes of one.
    let play = |(attack, usual): (&dyn Attack, usize)| {
        let row = Row::of(&scene(), attack, usual);
        row.print("`git sync`", operation, attack.name());
        row
    };
    let rows: Vec<Row> = attacks.map(play).collect();
    for row in rows {
        row.is_without_a_loss();
    }
}

#[test]
fn a_sync_of_changes_here() {
    survives("sync, changes here", scenario::changes_here, 4, &PowerCut);
}

#[test]
fn a_sync_of_both_sides() {
    let scene = scenario::both_sides_without_a_conflict;
    survives("sync, changes on both sides", scene, 4, &UNREADABLE);
}

#[test]
fn a_sync_with_a_conflict() {
    survives("sync, a conflict", scenario::both_sides, 6, &REFUSED);
}

#[test]
fn a_sync_that_keeps_both_versions() {
    survives(
        "sync, both versions are kept",
        scenario::keep_both,
        5,
        &INTERRUPTED,
    );
}

#[test]
fn a_sync_over_an_ignored_file() {
    survives(
        "sync, an ignored file in the way",
        scenario::ignored_file,
        4,
        &FAILS,
    );
}

#[test]
fn a_sync_of_files_for_folders() {
    survives(
        "sync, files for folders",
        scenario::other_shapes,
        4,
        &KillAndJump,
    );
}

#[test]
fn a_sync_beside_work_that_is_not_committed() {
    survives(
        "sync, `sync.commit` is `never`",
        scenario::work_in_progress,
        4,
        &UNWRITABLE,
    );
}

#[test]
fn a_first_sync() {
    survives("first sync", scenario::first_sync, 4, &FULL);
}

#[test]
fn a_set_up() {
    survives("setup URL", scenario::set_up, 4, &UNREADABLE);
}

#[test]
fn a_removal_of_a_set_up() {
    survives("setup --remove", marks::removed, 4, &FAILS);
}

#[test]
fn a_sync_that_heals_a_marked_file() {
    survives(
        "sync, a marked file was replaced",
        || marks::replaced(SYNC).scenario,
        3,
        &REFUSED,
    );
}

#[test]
fn a_sync_in_which_a_mark_arrives() {
    survives(
        "sync, a mark arrives",
        || marks::elsewhere(false).scenario,
        3,
        &INTERRUPTED,
    );
}

#[test]
fn a_sync_in_which_a_mark_is_taken_back() {
    survives(
        "sync, a mark is taken back",
        || marks::elsewhere(true).scenario,
        3,
        &UNREADABLE,
    );
}

#[test]
fn a_mark() {
    survives("mark", || marks::plain().scenario, 3, &FAILS);
}

#[test]
fn an_unmark() {
    survives("unmark", marks::unmarked, 3, &PowerCut);
}

#[test]
fn a_restore() {
    survives("restore", backups::restored, 3, &UNWRITABLE);
}

#[test]
fn a_decision_for_the_other_side() {
    survives("resolve --theirs", scenario::take_theirs, 5, &PowerCut);
}

#[test]
fn a_decision_for_a_file_over_a_folder() {
    let scene = scenario::take_a_file_over_a_folder;
    survives("resolve --theirs, over a folder", scene, 4, &REFUSED);
}

#[test]
fn a_decision_for_this_machine() {
    survives("resolve --ours", scenario::take_ours, 4, &UNREADABLE);
}

#[test]
fn a_force_pull() {
    survives("--force-pull", scenario::force_pull, 5, &PowerCut);
}

#[test]
fn a_force_push() {
    survives("--force-push", scenario::force_push, 4, &INTERRUPTED);
}

/// Plays the scene over a connection that is cut.
#[track_caller]
fn survives_a_cut(operation: &str, scenario: &Scenario) {
    let cut = Cut::between(scenario);
    let row = Row::of(scenario, &cut, 6);
    row.print("`git sync`", operation, cut.name());
    row.is_without_a_loss();
}

#[test]
fn a_sync_of_changes_here_over_a_bad_connection() {
    survives_a_cut("sync, changes here", &scenario::changes_here());
}

#[test]
fn a_sync_of_both_sides_over_a_bad_connection() {
    let scenario = scenario::both_sides_without_a_conflict();
    survives_a_cut("sync, changes on both sides", &scenario);
}

#[test]
fn a_force_pull_over_a_bad_connection() {
    survives_a_cut("--force-pull", &scenario::force_pull());
}

#[test]
fn a_force_push_over_a_bad_connection() {
    survives_a_cut("--force-push", &scenario::force_push());
}

/// The campaign can see what goes wrong: what people type without us does get stuck.
#[test]
fn what_people_type_without_us() {
    let mut scenario = scenario::both_sides_without_a_conflict();
    let peer = std::env::var("GIT_SYNC_PEER").unwrap_or_else(|_| PEER.to_owned());
    let name = format!("`{peer}`");
    scenario.line = vec!["sh", "-c", peer.leak()].leak();
    let row = Row::of(&scenario, &Kill, 8);
    row.print(&name, "sync, changes on both sides", Kill.name());
    assert!(row.tried > 3 && row.stuck > 0, "{row:?}");
}
