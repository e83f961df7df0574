//! A set-up, or its removal, that was killed: the next one cleans up after it, and nothing of it is sent to anybody.

use crate::setup::{plain_remote, setup};
use crate::support::Sandbox;

/// The process of a set-up that was killed.
fn somebody_dead() -> u32 {
    let mut child = std::process::Command::new("true").spawn().expect("spawned");
    child.wait().expect("ended");
    child.id()
}

/// What it has left in a lock.
fn name_of(dead: u32) -> String {
    format!("{dead} 1792569600\n")
}

#[test]
fn a_set_up_that_was_killed_while_it_wrote_a_rule_leaves_nothing_to_commit() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.clone_from(&remote.url());
    let dead = somebody_dead();
    let half = format!(".git-sync-{dead}-0.tmp");
    laptop
        .write(&half, "/.sync/*\n")
        .write(".git/sync/setup-lock", name_of(dead));

    laptop.sync(["--setup", "--yes"]).succeeds();

    laptop.lacks(&half).is_in_sync_with(&remote);
    assert!(!remote.files().contains(&half));
}

#[test]
fn a_set_up_that_was_killed_while_git_wrote_a_setting_leaves_no_lock_on_it() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.clone_from(&remote.url());
    let dotfiles = laptop.home().join("dotfiles");
    std::fs::create_dir(&dotfiles).expect("own home");
    let users = laptop.home().join(".gitconfig");
    std::fs::rename(&users, dotfiles.join("gitconfig")).expect("there is one");
    std::os::unix::fs::symlink("dotfiles/gitconfig", &users).expect("own home");
    laptop.write(".git/sync/setup-lock", name_of(somebody_dead()));
    let locks = [
        laptop.git_dir().join("config.lock"),
        dotfiles.join("gitconfig.lock"),
    ];
    for lock in &locks {
        std::fs::write(lock, "").expect("own home");
    }

    laptop.sync(["--setup", "--yes"]).succeeds();

    assert_eq!(locks.map(|lock| lock.exists()), [false; 2]);
    laptop.git(["config", "--global", "user.nickname", "x"]);
    laptop.git(["config", "user.nickname", "x"]);
}

#[test]
fn a_removal_that_was_killed_after_the_switch_is_finished() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.clone_from(&remote.url());
    setup(&laptop, &remote.url());
    laptop.git(["config", "--unset", "sync.enabled"]);
    laptop
        .write(".git/sync/lock", name_of(somebody_dead()))
        .write(".git/config.lock", "");

    laptop.sync(["setup", "--remove", "--yes"]).succeeds();

    laptop.lacks(".git/sync").lacks(".git/config.lock");
}

#[test]
fn a_set_up_that_was_killed_after_its_clone_leaves_no_folder_beside_it() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.clone_from(&remote.url());
    let scratch = laptop.home().join(".git-sync-setup");
    std::fs::create_dir(&scratch).expect("own home");
    std::fs::write(scratch.join("lock"), name_of(somebody_dead())).expect("own home");

    setup(&laptop, &remote.url());

    assert!(!scratch.exists());
}
