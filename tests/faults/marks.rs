//! Marks: a run is stopped at every change it makes, or starved of its disk, while a file and its link
//! trade places.
//!
//! Whatever the moment, the content is readable at the live path, and a plain sync finishes.

use super::oracle::{is_free, is_tidy, is_usable};
use super::scenario::Scenario;
use super::{points, tracer};
use crate::marks::nothing_beside;
use crate::support::{Machine, Output, Sandbox, needs, settle};

/// What a live path must have, at any moment.
type Wanted = &'static [(&'static str, &'static str)];

const FILES: Wanted = &[(".rc", "rc\n"), (".tool/a", "a\n"), (".tool/deep/b", "b\n")];

/// Runs `git sync WORDS…` while the system says no from some call on.
type SaysNo = fn(&Machine, &[&str], usize) -> Output;

/// A story about marks.
struct Story {
    scenario: Scenario,
    wanted: Wanted,
    /// Are the paths missing before the first run?
    arrives: bool,
}

fn plain() -> Story {
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
            words: &["mark", "../.rc", "../.tool"],
        },
        wanted: FILES,
        arrives: false,
    }
}

fn marked(words: &'static [&'static str]) -> Story {
    let mut story = plain();
    let laptop = &story.scenario.laptop;
    laptop.sync(["mark", "../.rc", "../.tool"]).succeeds();
    laptop.sync([]).succeeds();
    story.scenario.words = words;
    story
}

fn replaced(words: &'static [&'static str]) -> Story {
    const NEW: Wanted = &[(".rc", "new\n"), (".tool/a", "a\n")];
    let mut story = marked(words);
    let laptop = &story.scenario.laptop;
    laptop.write("../saved", "new\n");
    laptop.chmod("../saved", 0o600);
    laptop.rename("../saved", "../.rc");
    story.wanted = NEW;
    story
}

/// A machine on which a mark arrives, or is taken back.
fn elsewhere(taken_back: bool) -> Story {
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
            words: &[],
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
        needs("strace");
        let Scenario { laptop, words, .. } = &self.scenario;
        self.scenario.keep();
        let undisturbed = tracer::counted(laptop, words);
        assert!(!undisturbed.stopped && undisturbed.changes > 20);
        self.is_settled(Some(linked), "undisturbed");
        for point in points(undisturbed.changes, usual) {
            self.scenario.restore();
            let killed = tracer::stopped_after(laptop, words, point);
            let when = format!("killed after change {point}: {}", killed.last);
            self.is_readable(self.arrives, &when);
            is_usable(laptop, &when);
            self.scenario.unlock_the_remote();
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
        let Scenario { laptop, words, .. } = &self.scenario;
        let mut command = laptop.command("git-sync");
        command.args(*words);
        laptop.run(command).exits_with_one_of(&[0, 1]);
        if words.first() == Some(&"unmark") {
            for path in ["../.rc", "../.tool"] {
                laptop.sync(["unmark", path]).exits_with_one_of(&[0, 1]);
            }
        }
        laptop.sync([]).succeeds();
    }

    /// Lets the system say no from some moments on.
    #[track_caller]
    fn survives(&self, linked: bool, says_no: SaysNo) {
        needs("strace");
        let Scenario { laptop, words, .. } = &self.scenario;
        self.scenario.keep();
        for point in points(60, 6) {
            self.scenario.restore();
            let refused = says_no(laptop, words, point);
            let when = format!("no from call {point}\n{}", refused.scene());
            self.is_readable(self.arrives, &when);
            is_usable(laptop, &when);
            self.scenario.unlock_the_remote();
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

/// The next run dies as well, while it cleans up.
#[test]
fn a_mark_survives_two_kills() {
    needs("strace");
    let story = plain();
    let Scenario { laptop, words, .. } = &story.scenario;
    story.scenario.keep();
    let changes = tracer::counted(laptop, words).changes;
    for point in points(changes, 6) {
        for second in [4, 8, 12, 20] {
            story.scenario.restore();
            tracer::stopped_after(laptop, words, point);
            let killed = tracer::stopped_after(laptop, &[], second);
            let when = format!("killed after {point} and {second}: {}", killed.last);
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
    marked(&["unmark", "../.rc", "../.tool"]).survives_being_killed(false, 12);
}

#[test]
fn a_repair_survives_a_kill() {
    replaced(&["mark", "--repair"]).survives_being_killed(true, 12);
}

#[test]
fn healing_in_a_sync_survives_a_kill() {
    replaced(&[]).survives_being_killed(true, 6);
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
    let full = tracer::starved_from;
    plain().survives(true, full);
    marked(&["unmark", "../.rc", "../.tool"]).survives(false, full);
    replaced(&[]).survives(true, full);
    elsewhere(false).survives(true, full);
}

#[test]
fn a_change_that_is_refused_costs_no_marked_file() {
    let refused = tracer::refused_from;
    plain().survives(true, refused);
    marked(&["unmark", "../.rc", "../.tool"]).survives(false, refused);
    replaced(&["mark", "--repair"]).survives(true, refused);
    elsewhere(false).survives(true, refused);
}
