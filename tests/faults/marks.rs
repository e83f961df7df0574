//! Marks: a run is stopped at every change it makes, or starved of its disk, while a file and its link
//! trade places.
//!
//! Whatever the moment, the content is readable at the live path, and a plain sync finishes.

use super::fault::{Attack, FULL, Kill, REFUSED, Struck};
use super::oracle::{is_free, is_tidy, is_usable};
use super::scenario::{SYNC, Scenario};
use super::tracer::recorded;
use crate::marks::nothing_beside;
use crate::support::{Sandbox, needs, settle};

/// What a live path must have, at any moment.
type Wanted = &'static [(&'static str, &'static str)];

const FILES: Wanted = &[(".rc", "rc\n"), (".tool/a", "a\n"), (".tool/deep/b", "b\n")];

const UNMARK: &[&str] = &["git-sync", "unmark", "../.rc", "../.tool"];

const REPAIR: &[&str] = &["git-sync", "mark", "--repair"];

/// A story about marks.
pub(super) struct Story {
    pub(super) scenario: Scenario,
    wanted: Wanted,
    /// Are the paths missing before the first run?
    arrives: bool,
}

pub(super) fn plain() -> Story {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    for (path, text) in FILES {
        laptop.write(format!("../{path}"), text);
    }
    laptop.chmod("../.rc", 0o600);
    laptop.sync([]).succeeds();
    Story {
        scenario: Scenario {
            laptop,
            remote,
            line: &["git-sync", "mark", "../.rc", "../.tool"],
        },
        wanted: FILES,
        arrives: false,
    }
}

fn marked(line: &'static [&'static str]) -> Story {
    let mut story = plain();
    let laptop = &story.scenario.laptop;
    laptop.sync(["mark", "../.rc", "../.tool"]).succeeds();
    laptop.sync([]).succeeds();
    story.scenario.line = line;
    story
}

/// One of two marks is taken back.
pub(super) fn unmarked() -> Scenario {
    marked(&["git-sync", "unmark", "../.tool"]).scenario
}

/// The machine leaves: its marked files are put back.
pub(super) fn removed() -> Scenario {
    marked(&["git-sync", "setup", "--remove", "--yes"]).scenario
}

pub(super) fn replaced(line: &'static [&'static str]) -> Story {
    const NEW: Wanted = &[(".rc", "new\n"), (".tool/a", "a\n")];
    let mut story = marked(line);
    let laptop = &story.scenario.laptop;
    laptop.write("../saved", "new\n");
    laptop.chmod("../saved", 0o600);
    laptop.rename("../saved", "../.rc");
    story.wanted = NEW;
    story
}

/// A machine on which a mark arrives, or is taken back.
pub(super) fn elsewhere(taken_back: bool) -> Story {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    for (path, text) in FILES {
        server.write(format!("../{path}"), text);
    }
    server.chmod("../.rc", 0o600);
    server.sync(["mark", "../.rc", "../.tool"]).succeeds();
    server.sync([]).succeeds();
    if taken_back {
        settle(&[&server, &laptop]);
        server.sync(["unmark", "../.rc", "../.tool"]).succeeds();
        server.sync([]).succeeds();
    }
    Story {
        scenario: Scenario {
            laptop,
            remote,
            line: SYNC,
        },
        wanted: FILES,
        arrives: !taken_back,
    }
}

impl Story {
    #[track_caller]
    fn is_readable(&self, may_be_missing: bool, when: &str) {
        let laptop = &self.scenario.laptop;
        for (path, text) in self.wanted {
            let live = laptop.home().join(path);
            let found = std::fs::read_to_string(&live);
            let missing = live.symlink_metadata().is_err();
            if !(may_be_missing && missing) {
                assert!(
                    found.as_deref().ok() == Some(*text),
                    "{when}: {path} is {found:?}\n{}",
                    laptop.scenery()
                );
            }
        }
    }

    /// Expects each path to be linked if it is in the list, and a file of its own if it is not.
    #[track_caller]
    fn is_settled(&self, linked: Option<bool>, when: &str) {
        let laptop = &self.scenario.laptop;
        let list = laptop.sync(["list"]).succeeds().stdout();
        assert!(!list.contains('!'), "{when}: {list}");
        for (path, spelled) in [(".rc", "~/.rc\n"), (".tool", "~/.tool/\n")] {
            let is_link = laptop.home().join(path).is_symlink();
            assert_eq!(
                is_link,
                list.contains(spelled),
                "{when}: {path} in {list:?}"
            );
            assert_eq!(linked.unwrap_or(is_link), is_link, "{when}: {path}");
            let copied = laptop.exists(format!("external/{path}"));
            assert_eq!(copied, is_link, "{when}: the copy of {path}");
        }
        if linked == Some(true) {
            let mode = laptop.mode("external/.rc");
            assert_eq!(mode, 0o600, "{when}: the mode of the copy");
            assert!(
                laptop.read(".sync/modes").contains("0600 external/.rc"),
                "{when}"
            );
        }
        nothing_beside(laptop, ".");
    }

    /// Stops the command after each of some changes.
    #[track_caller]
    fn survives_being_killed(&self, linked: bool, usual: usize) {
        let laptop = &self.scenario.laptop;
        let trial = self.scenario.undisturbed(&Kill);
        self.is_settled(Some(linked), "undisturbed");
        for Struck { when, .. } in trial.strikes(usual) {
            self.is_readable(self.arrives, &when);
            is_usable(laptop, &when);
            // A plain sync finishes what was begun, or it was not begun.
            laptop.sync([]).succeeds();
            self.is_readable(false, &when);
            self.is_settled(None, &when);
            is_tidy(laptop, &when);
            self.again();
            self.is_readable(false, &when);
            self.is_settled(Some(linked), &when);
            is_usable(laptop, &when);
            is_free(laptop, &when);
        }
    }

    /// Types the command again; what was unmarked is not marked any more then.
    fn again(&self) {
        let Scenario { laptop, line, .. } = &self.scenario;
        self.scenario.play().exits_with_one_of(&[0, 1]);
        if line.contains(&"unmark") {
            for path in ["../.rc", "../.tool"] {
                laptop.sync(["unmark", path]).exits_with_one_of(&[0, 1]);
            }
        }
        laptop.sync([]).succeeds();
    }

    /// Lets the system say no from some moments on.
    #[track_caller]
    fn survives(&self, linked: bool, refusal: &dyn Attack) {
        let laptop = &self.scenario.laptop;
        for Struck { when, .. } in self.scenario.undisturbed(refusal).strikes(6) {
            self.is_readable(self.arrives, &when);
            is_usable(laptop, &when);
            laptop.sync([]).succeeds();
            self.again();
            self.is_readable(false, &when);
            self.is_settled(Some(linked), &when);
        }
    }
}

#[test]
fn a_mark_survives_a_kill() {
    plain().survives_being_killed(true, 12);
}

#[test]
fn a_mark_that_was_killed_goes_on_when_it_is_typed_again() {
    let story = plain();
    for Struck { when, .. } in story.scenario.undisturbed(&Kill).strikes(12) {
        let again = story.scenario.play();
        assert_eq!(again.code(), 0, "{when}\n{}", again.scene());
        story.is_readable(false, &when);
        story.is_settled(Some(true), &when);
    }
}

/// The next run dies as well, while it cleans up.
#[test]
fn a_mark_survives_two_kills() {
    let story = plain();
    let laptop = &story.scenario.laptop;
    let trial = story.scenario.undisturbed(&Kill);
    for second in [4, 8, 12, 20] {
        for Struck { when, .. } in trial.strikes(6) {
            let again = Kill.strike(laptop, SYNC, second);
            let when = format!("{when}, and {}", again.when);
            story.is_readable(false, &when);
            laptop.sync([]).succeeds();
            story.again();
            story.is_readable(false, &when);
            story.is_settled(Some(true), &when);
            assert_eq!(laptop.mode("external/.rc"), 0o600, "{when}");
        }
    }
}

#[test]
fn an_unmark_survives_a_kill() {
    marked(UNMARK).survives_being_killed(false, 12);
}

#[test]
fn a_repair_survives_a_kill() {
    replaced(REPAIR).survives_being_killed(true, 12);
}

#[test]
fn healing_in_a_sync_survives_a_kill() {
    replaced(SYNC).survives_being_killed(true, 6);
}

#[test]
fn a_first_link_survives_a_kill() {
    elsewhere(false).survives_being_killed(true, 12);
}

#[test]
fn a_mark_that_is_taken_back_elsewhere_survives_a_kill() {
    elsewhere(true).survives_being_killed(false, 12);
}

#[test]
fn a_full_disk_costs_no_marked_file() {
    plain().survives(true, &FULL);
    marked(UNMARK).survives(false, &FULL);
    replaced(SYNC).survives(true, &FULL);
    elsewhere(false).survives(true, &FULL);
}

#[test]
fn a_change_that_is_refused_costs_no_marked_file() {
    plain().survives(true, &REFUSED);
    marked(UNMARK).survives(false, &REFUSED);
    replaced(REPAIR).survives(true, &REFUSED);
    elsewhere(false).survives(true, &REFUSED);
}

#[test]
fn many_marks_of_one_run_do_not_write_the_lists_many_times() {
    const MANY: usize = 40;
    needs("strace");
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    let files: Vec<_> = (0..MANY).map(|n| format!("../many/{n}")).collect();
    for file in &files {
        laptop.write(file, file);
        laptop.chmod(file, 0o600);
    }
    let runs = |word| {
        let mut line = vec!["git-sync", word, "-q"];
        line.extend(files.iter().map(String::as_str));
        let (output, trace) = recorded(&laptop, &line);
        output.succeeds();
        for list in ["git/sync/marks", "sync/marked-files.txt", "sync/modes"] {
            let name = format!(".{list}\"");
            let renamed = |line: &&str| line.contains("rename") && line.contains(&name);
            let written = trace.lines().filter(renamed).count();
            assert!(
                (1..MANY / 8).contains(&written),
                "{word}: {list}: {written}"
            );
        }
        for file in &files {
            assert_eq!(laptop.read(file), *file);
        }
    };
    runs("mark");
    assert!(laptop.path(&files[0]).is_symlink());
    runs("unmark");
    assert!(!laptop.path(&files[0]).is_symlink());
    assert!(!laptop.path("external").exists());
}
