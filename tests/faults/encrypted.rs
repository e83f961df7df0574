//! Encrypted marks: a run is stopped while something is encrypted, opened, or marked.

use super::fault::{Kill, Struck};
use super::oracle::{is_free, is_tidy, is_usable};
use super::scenario::{SYNC, Scenario};
use crate::marks::{is_real, nothing_beside};
use crate::support::{Machine, Sandbox};

const KEY: &str = "../.config/git-sync/identity.txt";

/// Expects that nothing which could be sent has `text`, and that what is in plain beside it is private.
#[track_caller]
fn is_kept_secret(machine: &Machine, text: &str, when: &str) {
    let found = machine.sh(&format!(
        "git cat-file --batch-all-objects --batch | grep -caF -- '{text}'; \
         grep -rlF -- '{text}' .git external .sync 2>/dev/null | while read -r file; do \
         folder=$(dirname \"$file\"); test \"$(stat -c %a \"$file\")\" = 600 && continue; \
         while test \"$folder\" != .; do \
         test \"$(stat -c %a \"$folder\")\" = 700 && continue 2; folder=$(dirname \"$folder\"); \
         done; echo \"$file\"; done"
    ));
    assert_eq!(found.stdout().trim(), "0", "{when}\n{}", found.scene());
}

/// Stops what is typed after each of some changes, on a laptop that `prepare` has prepared; `~/.rc` is `new`
/// afterwards.
#[track_caller]
fn survives_being_killed(
    line: &'static [&'static str],
    old: Option<&str>,
    prepare: impl FnOnce(&Machine, &Machine),
) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    prepare(&laptop, &server);
    let scenario = Scenario {
        laptop,
        remote,
        line,
    };
    let laptop = &scenario.laptop;
    let trial = scenario.undisturbed(&Kill);
    laptop.has("../.rc", "new words\n");
    for Struck { when, .. } in trial.strikes(12) {
        let text = laptop.read("../.rc");
        assert!(
            text == "new words\n" || Some(&*text) == old,
            "{when}: {text:?}\n{}",
            laptop.scenery()
        );
        assert_eq!(laptop.mode("../.rc"), 0o600, "{when}");
        is_kept_secret(laptop, "words", &when);
        is_usable(laptop, &when);
        let again = scenario.play().succeeds();
        assert!(!again.stderr().contains("is kept"), "{when}");
        laptop.sync([]).succeeds();
        laptop.has("../.rc", "new words\n");
        is_real(laptop, ".rc");
        let opened = laptop
            .sh(&format!("age -d -i {KEY} external/.rc"))
            .succeeds();
        assert_eq!(opened.stdout(), "new words\n", "{when}");
        is_kept_secret(laptop, "words", &when);
        nothing_beside(laptop, ".");
        is_tidy(laptop, &when);
        is_free(laptop, &when);
    }
}

/// `~/.rc` on both, with one key for both.
fn encrypted(laptop: &Machine, server: &Machine, text: &str) {
    laptop.write("../.rc", text);
    laptop.chmod("../.rc", 0o600);
    laptop.sync(["mark", "--encrypt", "../.rc"]).succeeds();
    laptop.sync([]).succeeds();
    server.write(KEY, laptop.read(KEY));
    server.sync([]).succeeds();
}

#[test]
fn a_new_encrypted_mark_survives_a_kill() {
    survives_being_killed(
        &["git-sync", "mark", "--encrypt", "../.rc"],
        None,
        |laptop, _| {
            laptop.write("../.rc", "new words\n");
            laptop.chmod("../.rc", 0o600);
        },
    );
}

#[test]
fn a_change_that_is_encrypted_survives_a_kill() {
    survives_being_killed(SYNC, None, |laptop, server| {
        encrypted(laptop, server, "old words\n");
        laptop.write("../.rc", "new words\n");
    });
}

#[test]
fn a_change_that_is_opened_survives_a_kill() {
    survives_being_killed(SYNC, Some("old words\n"), |laptop, server| {
        encrypted(laptop, server, "old words\n");
        server.write("../.rc", "new words\n");
        server.sync([]).succeeds();
    });
}

#[test]
fn encrypting_anew_survives_a_kill() {
    survives_being_killed(&["git-sync", "mark", "--rekey"], None, |laptop, server| {
        encrypted(laptop, server, "new words\n");
    });
}
