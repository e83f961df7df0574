//! One child dies, by the hand of the system that is short of memory or by our own time limit, and
//! the run itself goes on to its end.

use super::oracle::{End, Precious, is_free, is_tidy, is_usable};
use super::scenario::{self, SYNC};
use super::tracer::{self, one_killed_at};
use crate::support::needs;

/// Kills the child that is about to let go of a lock.
#[track_caller]
fn a_lock_is_left(lock: &str, calls: &str) {
    needs("strace");
    let scenario = scenario::both_sides();
    scenario.keep();
    let precious = Precious::of(&scenario);
    scenario.laptop.sync([]).exits(1);
    let end = End::of(&scenario);
    scenario.restore();
    let output = one_killed_at(&scenario.laptop, lock, calls);
    let when = format!("the child with {lock} was killed\n{}", output.scene());
    assert!(output.code() != 0, "nothing is said: {when}");
    is_usable(&scenario.laptop, &when);
    precious.are_safe(&scenario, true, &when);
    scenario.laptop.sync([]).exits(1);
    assert_eq!(End::of(&scenario), end, "{when}");
    precious.are_safe(&scenario, false, &when);
    is_tidy(&scenario.laptop, &when);
    is_free(&scenario.laptop, &when);
}

#[test]
fn the_lock_of_the_branch_is_not_left() {
    a_lock_is_left("refs/heads/main.lock", "fsync,?rename");
}

#[test]
fn the_lock_of_head_is_not_left() {
    a_lock_is_left("HEAD.lock", "?unlink,unlinkat");
}

#[test]
fn the_lock_of_the_tracking_ref_is_not_left() {
    a_lock_is_left("refs/remotes/origin/main.lock", "fsync,?rename");
}

#[test]
fn the_lock_of_the_held_paths_is_not_left() {
    a_lock_is_left("refs/git-sync/held/main.lock", "fsync,?rename");
}

#[test]
fn a_run_that_dies_before_it_cleans_up_does_not_forget_the_one_before() {
    needs("strace");
    let scenario = scenario::both_sides();
    let laptop = &scenario.laptop;
    // The first run dies and leaves a lock that it holds; the second one dies with our own lock in
    // its hands, before it has looked around.
    tracer::stopped(laptop, SYNC, 25);
    let lock = laptop.git_dir().join("refs/heads/main.lock");
    std::fs::File::create(&lock).expect("own repository");
    tracer::stopped(laptop, SYNC, 1);
    std::thread::sleep(std::time::Duration::from_millis(20));
    tracer::stopped(laptop, SYNC, 2);
    laptop.sync([]).exits(1);
    scenario.remote.has("zshrc", "zshrc of the laptop");
    is_tidy(laptop, "killed twice");
    is_free(laptop, "killed twice");
}
