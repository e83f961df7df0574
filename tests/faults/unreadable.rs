//! Stories about a look that fails: what is not known is not guessed. `campaign.rs` has those that all operations
//! share.

use super::oracle::{is_free, is_tidy};
use super::scenario::SYNC;
use super::tracer::{NAMED_LOOKS, blind_at, stopped};
use super::{marks, scenario};
use crate::support::{Machine, Output, needs};

/// More often nothing looks at one path in any of these.
const LOOKS: usize = 24;

/// Plays a scene again and again; each time, one look at `path` below the home fails.
fn each_look(scene: &scenario::Scenario, path: &str, check: impl Fn(&Machine, &Output)) {
    needs("strace");
    let laptop = &scene.laptop;
    scene.keep();
    for nth in 1..=LOOKS {
        scene.restore();
        let path = laptop.home().join(path);
        let output = blind_at(laptop, scene.line, path, NAMED_LOOKS, nth);
        check(laptop, &output);
    }
}

#[test]
fn a_folder_is_not_marked_as_a_file() {
    let story = marks::plain();
    each_look(&story.scenario, ".tool", |laptop, output| {
        let list = laptop.path(".sync/marked-files.txt");
        let list = std::fs::read_to_string(list).unwrap_or_default();
        let is_right = list.lines().all(|line| line != ".tool");
        assert!(is_right, "{}\n{list}", output.scene());
        assert!(output.code() != 0 || list.contains(".tool/\n"), "{list}");
    });
}

#[test]
fn a_link_is_not_left_by_a_removal_that_says_it_is_done() {
    let scene = marks::removed();
    each_look(&scene, ".rc", |laptop, output| {
        let is_link = laptop.path("../.rc").is_symlink();
        assert!(output.code() != 0 || !is_link, "{}", output.scene());
        laptop.has("../.rc", "rc\n");
    });
}

/// The copy goes with the mark: a link of ours that was taken for something else would lead to nothing.
#[test]
fn a_link_whose_mark_is_taken_back_never_leads_to_nothing() {
    let story = marks::elsewhere(true);
    each_look(&story.scenario, ".rc", |laptop, output| {
        let text = std::fs::read_to_string(laptop.path("../.rc"));
        assert_eq!(text.ok().as_deref(), Some("rc\n"), "{}", output.scene());
        laptop.sync([]).succeeds();
        laptop.has("../.rc", "rc\n");
        assert!(!laptop.path("../.rc").is_symlink(), "{}", output.scene());
    });
}

/// Neither can the run take back what it had begun: it is left to the next one, and the lock on the user's index
/// with it.
#[test]
fn a_run_that_cannot_read_the_repository_any_more_leaves_nothing_locked_for_good() {
    let scenario = scenario::both_sides_without_a_conflict();
    let laptop = &scenario.laptop;
    let objects = laptop.git_dir().join("objects");
    let away = laptop.git_dir().join("objects.away");
    let (from, to) = (objects.display(), away.display());
    let hide = format!(
        "grep -q refs/heads/main && [ \"$1\" = prepared ] && mv '{from}' '{to}' && mkdir '{from}' && exit 1; true"
    );
    laptop.hook("reference-transaction", &hide);
    let output = laptop.run(laptop.sync_command([]));
    assert!(output.code() != 0, "{}", output.scene());
    assert!(away.exists(), "{}", output.scene());
    laptop
        .sh(&format!("rm -r '{from}' && mv '{to}' '{from}'"))
        .succeeds();
    laptop.hook("reference-transaction", "true");

    laptop.sync([]).succeeds();

    laptop.is_in_sync_with(&scenario.remote);
    is_tidy(laptop, "the objects were away");
    is_free(laptop, "the objects were away");
}

/// The lock tells of a run that died with it; who cannot read that must not write over it.
#[test]
fn a_run_that_died_is_not_forgotten_by_one_that_cannot_read_the_lock() {
    let scenario = scenario::both_sides_without_a_conflict();
    let laptop = &scenario.laptop;
    needs("strace");
    stopped(laptop, SYNC, 25);
    let left = laptop.git_dir().join("refs/heads/main.lock");
    std::fs::File::create(&left).expect("own repository");
    let lock = laptop.git_dir().join("sync/lock");
    let output = blind_at(laptop, SYNC, lock, "read", 1);
    assert!(output.code() != 0, "{}", output.scene());

    laptop.sync([]).succeeds();

    laptop.is_in_sync_with(&scenario.remote);
    is_tidy(laptop, "the lock could not be read");
    is_free(laptop, "the lock could not be read");
}

#[test]
fn a_hook_that_cannot_be_looked_at_is_not_passed_over() {
    let scenario = scenario::changes_here();
    let laptop = &scenario.laptop;
    needs("strace");
    laptop.hook("pre-commit", "exit 1");
    scenario.keep();
    for nth in 1..=4 {
        scenario.restore();
        let hook = laptop.git_dir().join("hooks/pre-commit");
        let output = blind_at(laptop, SYNC, hook, NAMED_LOOKS, nth);
        assert!(output.code() != 0, "{}", output.scene());
        assert!(
            !scenario
                .remote
                .git(["ls-tree", "-r", "main"])
                .contains("deep/er/new")
        );
    }
}

/// For gix, an index that it cannot look at is one that is not there.
#[test]
fn an_index_that_could_not_be_looked_at_is_not_taken_for_none() {
    let scene = marks::unmarked();
    each_look(&scene, "configs/.git/index", |laptop, output| {
        let left = laptop.git(["status", "--porcelain"]);
        let is_told = output.code() != 0;
        assert!(left.is_empty() || is_told, "{}", output.scene());
    });
}

/// A folder of new files, of which git and gix say nothing where they cannot open it at that moment.
#[test]
fn new_files_are_not_overlooked_by_a_run_that_says_it_is_done() {
    let scenario = scenario::changes_here();
    needs("strace");
    scenario.keep();
    let folder = scenario.laptop.path("deep/er");
    for calls in ["newfstatat", "getdents64"] {
        for nth in 1..=2 {
            scenario.restore();
            let (laptop, line) = (&scenario.laptop, scenario.line);
            let output = blind_at(laptop, line, folder.clone(), calls, nth);
            let is_sent = scenario.remote.git(["ls-tree", "-r", "main"]);
            let is_sent = is_sent.contains("deep/er/new");
            assert!(is_sent || output.code() != 0, "{}", output.scene());
            laptop.sync([]).succeeds();
            scenario.remote.has("deep/er/new", "new on the laptop");
        }
    }
}

/// What is not known is no conflict either: at most, the list waits for the next run, and that one links what is in
/// it.
#[test]
fn a_list_whose_folder_could_not_be_looked_at_links_its_marks_with_the_next_run() {
    let story = marks::elsewhere(false);
    let folder = "configs/.sync";
    each_look(&story.scenario, folder, |laptop, output| {
        laptop.sync([]).succeeds();
        laptop.has("../.rc", "rc\n").has("../.tool/a", "a\n");
        is_tidy(laptop, &output.scene());
    });
}
