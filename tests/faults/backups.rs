//! Backups: one is stopped at every change it makes, or starved of its disk, and so is a restore.
//!
//! Whatever the moment, every archive that has its name is whole, no older one is lost, and the files are
//! as they were, or as the backup has them.

use super::fault::{FULL, Kill, Struck};
use super::oracle::{is_free, is_tidy, is_usable};
use super::scenario::Scenario;
use super::tracer;
use crate::backups::{archives, folder};
use crate::support::{Machine, Sandbox, needs};

/// A machine with two backups of which one is kept, and files that changed since.
fn scene() -> Scenario {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.backupKeep", "1");
    laptop
        .write("zshrc", "old\n")
        .write("tmux.conf", "old\n")
        .write("deep/er/file", "old\n")
        .write("../.rc", "old\n");
    laptop.sync(["mark", "--copy", "../.rc"]).succeeds();
    laptop.sync([]).succeeds();
    laptop.sync(["backup"]).succeeds();
    laptop.sync(["backup", "--keep", "latest"]).succeeds();
    for path in ["zshrc", "tmux.conf", "../.rc"] {
        laptop.write(path, "new\n");
    }
    laptop.remove("deep");
    Scenario {
        laptop,
        remote,
        line: &["git-sync", "backup"],
    }
}

/// The same, and the newest one is restored.
pub(super) fn restored() -> Scenario {
    let mut scenario = scene();
    let id = archives(&scenario.laptop).pop().unwrap();
    // A scene lives as long as its test, and is named by what is typed.
    scenario.line = vec!["git-sync", "restore", id.leak(), "--yes"].leak();
    scenario
}

/// The archives are whole, each for itself and by the list.
#[track_caller]
fn are_whole(machine: &Machine, when: &str) {
    for id in archives(machine) {
        let path = folder(machine).join(format!("{id}.tar.gz"));
        let script = format!("gzip -t '{0}' && tar tzf '{0}' >/dev/null", path.display());
        assert_eq!(machine.sh(&script).code(), 0, "{when}: {id}");
    }
    let list = machine.sync(["backup", "--list"]).succeeds().stdout();
    assert!(!list.contains("damaged"), "{when}: {list}");
    machine.sync(["backup", "--verify"]).succeeds();
}

fn is(machine: &Machine, age: &str) -> bool {
    let has = |path: &str| machine.exists(path) && machine.read(path) == format!("{age}\n");
    let deep = if age == "old" {
        has("deep/er/file")
    } else {
        !machine.exists("deep/er/file")
    };
    deep && ["zshrc", "tmux.conf", "../.rc"].into_iter().all(has)
}

#[test]
fn a_backup_survives_a_kill_at_any_moment() {
    let scenario = scene();
    let laptop = &scenario.laptop;
    let kept = archives(laptop);
    let trial = scenario.undisturbed(&Kill);
    let usual = archives(laptop).len();
    for Struck { when, .. } in trial.strikes(12) {
        assert!(is(laptop, "new"), "{when}");
        assert!(archives(laptop).contains(&kept[kept.len() - 1]), "{when}");
        are_whole(laptop, &when);
        laptop.sync(["backup"]).succeeds();
        are_whole(laptop, &when);
        assert!(archives(laptop).len() <= usual + 1, "{when}");
        crate::marks::nothing_beside(laptop, ".");
        let left = laptop.sh(&format!("ls -A '{}'", folder(laptop).display()));
        assert!(!left.stdout().contains(".tmp"), "{when}");
    }
}

#[test]
fn a_backup_on_a_full_disk_is_none() {
    let scenario = scene();
    let laptop = &scenario.laptop;
    let kept = archives(laptop);
    for Struck { when, .. } in scenario.undisturbed(&FULL).strikes(8) {
        assert!(is(laptop, "new"), "{when}");
        for id in &kept[kept.len() - 1..] {
            assert!(archives(laptop).contains(id), "{when}");
        }
        are_whole(laptop, &when);
        laptop.sync(["backup"]).succeeds();
    }
}

/// A write that says it is done, and is not: what is read again tells.
#[test]
fn a_disk_that_loses_what_it_takes_is_found_out() {
    needs("strace");
    let scenario = scene();
    let laptop = &scenario.laptop;
    let kept = archives(laptop);
    scenario.keep();
    let mut found_out = 0;
    for write in 1..8 {
        scenario.restore();
        let takes_nothing = format!("retval=1:when={write}");
        let deceived = tracer::injected(laptop, scenario.line, "write", &takes_nothing);
        let when = format!("write {write} of each thread\n{}", deceived.scene());
        are_whole(laptop, &when);
        if deceived.code() == 6 {
            found_out += 1;
            assert_eq!(archives(laptop), kept, "{when}");
        }
    }
    assert!(found_out > 2, "{found_out}");
}

#[test]
fn a_restore_survives_a_kill_at_any_moment() {
    let scenario = restored();
    let laptop = &scenario.laptop;
    let trial = scenario.undisturbed(&Kill);
    assert!(is(laptop, "old"), "{}", laptop.scenery());
    for Struck { when, .. } in trial.strikes(14) {
        for path in ["zshrc", "tmux.conf", "../.rc"] {
            let text = laptop.read(path);
            assert!(
                ["old\n", "new\n"].contains(&&*text),
                "{when}: {path}: {text}"
            );
        }
        is_usable(laptop, &when);
        are_whole(laptop, &when);
        // The next sync leaves it done or undone, and nothing between.
        laptop.sync([]).succeeds();
        let done = is(laptop, "old");
        assert!(done || is(laptop, "new"), "{when}\n{}", laptop.scenery());
        crate::marks::nothing_beside(laptop, ".");
        scenario.play().succeeds();
        assert!(is(laptop, "old"), "{when}\n{}", laptop.scenery());
        is_tidy(laptop, &when);
        is_free(laptop, &when);
    }
}

#[test]
fn a_restore_on_a_full_disk_changes_nothing_or_all() {
    let scenario = restored();
    let laptop = &scenario.laptop;
    for Struck { when, .. } in scenario.undisturbed(&FULL).strikes(10) {
        are_whole(laptop, &when);
        laptop.sync([]).succeeds();
        assert!(
            is(laptop, "old") || is(laptop, "new"),
            "{when}\n{}",
            laptop.scenery()
        );
        scenario.play().succeeds();
        assert!(is(laptop, "old"), "{when}");
    }
}
