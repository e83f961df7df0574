//! The campaign as a table: every operation killed at every change it makes, and the same for what people
//! type without us.
//!
//! `cargo test --test suite -- --ignored --nocapture campaign` prints it, as it is in `docs/faults.md`.
//! `GIT_SYNC_FAULTS=10` tries every tenth point, `GIT_SYNC_PEER` is another command for the peer.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]

use std::time::Instant;

use super::oracle::{End, Precious, unusable};
use super::scenario::{self, Scenario};
use super::{points, tracer};
use crate::support::{Machine, needs};

/// What people type without us.
const PEER: &str = "git pull --quiet --rebase --autostash && git push --quiet";

/// What came of one operation.
#[derive(Debug, Default, PartialEq, Eq)]
struct Row {
    /// So often it was killed.
    points: usize,
    /// Something that somebody had saved was gone, also after one further run.
    lost: usize,
    /// `git fsck` or `git status` failed right after it.
    broken: usize,
    /// A lock was left that keeps the user from committing until the next run.
    locked: usize,
    /// One further run did not come to the end of an undisturbed one.
    stuck: usize,
}

impl Row {
    fn print(&self, who: &str, what: &str) {
        let Self {
            points,
            lost,
            broken,
            locked,
            stuck,
        } = self;
        println!("| {what} | {who} | {points} | {lost} | {broken} | {stuck} | {locked} |");
    }
}

/// Kills `line` after each of its changes, and runs it once more.
fn killed_at_each(scenario: &Scenario, line: &[&str], step: usize) -> Row {
    let laptop = &scenario.laptop;
    scenario.keep();
    let precious = Precious::of(scenario);
    let undisturbed = tracer::stopped(laptop, line, usize::MAX);
    again(scenario, line);
    let end = End::of(scenario);
    let mut row = Row::default();
    for point in points(undisturbed.changes, undisturbed.changes.div_ceil(step)) {
        scenario.restore();
        let killed = tracer::stopped(laptop, line, point);
        row.points += 1;
        let is_broken = unusable(laptop).is_some();
        let is_locked = is_locked(laptop);
        again(scenario, line);
        let lost = precious.lost(scenario, false);
        let is_stuck = End::of(scenario) != end || is_broken_now(laptop);
        for (count, is, what) in [
            (&mut row.lost, !lost.is_empty(), "lost"),
            (&mut row.broken, is_broken, "broken"),
            (&mut row.locked, is_locked, "locked"),
            (&mut row.stuck, is_stuck, "not recovered"),
        ] {
            *count += usize::from(is);
            if is {
                eprintln!(
                    "{what}: {line:?} after change {point}: {} {lost:?}",
                    killed.last
                );
            }
        }
    }
    row
}

/// The same command once more, as a person or a timer types it; that of a force or a decision is done
/// perhaps, and a plain sync is what comes next.
fn again(scenario: &Scenario, line: &[&str]) {
    let laptop = &scenario.laptop;
    scenario.unlock_the_remote();
    let mut command = laptop.command(line[0]);
    command.args(&line[1..]);
    drop(laptop.run(command));
    if line[0] == "git-sync" && line.len() > 1 {
        drop(laptop.run(laptop.command("git-sync")));
    }
}

fn is_broken_now(machine: &Machine) -> bool {
    unusable(machine).is_some() || is_locked(machine)
}

fn is_locked(machine: &Machine) -> bool {
    let locks = ["index.lock", "HEAD.lock", "refs/heads/main.lock"];
    locks
        .iter()
        .any(|lock| machine.git_dir().join(lock).exists())
}

/// A name, the scene, and what is typed.
type Operation = (&'static str, fn() -> Scenario);

const OPERATIONS: [Operation; 10] = [
    ("sync, changes here", scenario::changes_here),
    (
        "sync, changes on both sides",
        scenario::both_sides_without_a_conflict,
    ),
    ("sync, a conflict", scenario::both_sides),
    ("sync, an ignored file in the way", scenario::ignored_file),
    ("sync, files for folders", scenario::other_shapes),
    ("first sync", scenario::first_sync),
    ("resolve --theirs", scenario::take_theirs),
    ("resolve --ours", scenario::take_ours),
    ("--force-pull", scenario::force_pull),
    ("--force-push", scenario::force_push),
];

#[test]
#[ignore = "takes an hour or more; prints the table of docs/faults.md"]
fn campaign() {
    needs("strace");
    let peer = std::env::var("GIT_SYNC_PEER").unwrap_or_else(|_| PEER.to_owned());
    let started = Instant::now();
    println!("| what | by | killed | lost | broken | not recovered | locked until the next run |");
    println!("|---|---|---|---|---|---|---|");
    let plain = scenario::both_sides_without_a_conflict();
    let row = killed_at_each(&plain, &["sh", "-c", &peer], 1);
    row.print(&format!("`{peer}`"), "sync, changes on both sides");
    let mut ours = Row::default();
    for (name, scene) in OPERATIONS {
        let scenario = scene();
        let line = [&["git-sync"], scenario.words].concat();
        let row = killed_at_each(&scenario, &line, 1);
        row.print("`git sync`", name);
        ours.lost += row.lost;
        ours.broken += row.broken;
        ours.stuck += row.stuck;
    }
    println!("\n{} minutes", started.elapsed().as_secs() / 60);
    assert_eq!(ours, Row::default());
}

/// The campaign can see what goes wrong: the peer does get stuck.
#[test]
fn the_campaign_sees_what_goes_wrong_elsewhere() {
    needs("strace");
    let plain = scenario::both_sides_without_a_conflict();
    let row = killed_at_each(&plain, &["sh", "-c", PEER], 25);
    assert!(row.points > 3 && row.stuck > 0, "{row:?}");
}
