//! `git sync resolve --undo`: a decision is taken back whole, on this machine and for the others.

use crate::support::{Conflict, Machine, all_agree, on_a_terminal};

const DECIDED: &str = "refs/git-sync/resolved/";

#[test]
fn undo_brings_the_hold_and_both_versions_back() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let laptop = &conflict.laptop;
    laptop.sync(["resolve", "--theirs", "zshrc"]).succeeds();
    laptop.has("zshrc", "export EDITOR=nano\n");

    laptop.sync(["resolve", "--undo", "zshrc"]).exits(1);

    laptop.has("zshrc", "export EDITOR=hx\n");
    conflict.is_held(["zshrc"]);
    conflict.resolves("--ours", ["zshrc"]);
    conflict.server.has("zshrc", "export EDITOR=hx\n");
}

/// Decides twice for the other side, and each time by the clock that is given.
fn decided_twice(clocks: [&str; 2]) -> Conflict {
    let conflict = Conflict::of_content();
    let Conflict { laptop, server, .. } = &conflict;
    for (number, clock) in clocks.into_iter().enumerate() {
        if number > 0 {
            laptop.write("zshrc", "mine again\n");
            server.sync([]).succeeds();
            server.write("zshrc", "theirs again\n");
            server.sync([]).succeeds();
        }
        laptop.sync([]).exits(1);
        let by_this_clock = laptop.with("GIT_SYNC_NOW", clock);
        by_this_clock.sync(["resolve", "--theirs"]).succeeds();
    }
    conflict
}

#[test]
fn undo_goes_back_on_the_last_decision_whatever_the_clock_says() {
    let Conflict { laptop, .. } = decided_twice(["2000000000", "1000000000"]);
    laptop.has("zshrc", "theirs again\n");
    laptop.sync(["resolve", "--undo"]).exits(1);
    laptop.has("zshrc", "mine again\n");
    laptop.sync(["resolve", "--undo"]).exits(1);
    laptop.has("zshrc", "export EDITOR=hx\n");
}

#[test]
fn a_decision_under_a_name_of_before_there_were_numbers_is_older_than_any_with_one() {
    let Conflict { laptop, .. } = decided_twice(["1500000000", "1500000000"]);
    let refs = laptop.git(["for-each-ref", "--format=%(refname)", DECIDED]);
    let first = refs.lines().next().expect("a decision");
    let old = format!("{DECIDED}20991231T235959Z-1");
    laptop.git(["update-ref", &old, first]);
    laptop.git(["update-ref", "-d", first]);
    laptop.sync(["resolve", "--undo"]).exits(1);
    laptop.has("zshrc", "mine again\n");
    laptop.sync(["resolve", "--undo"]).exits(1);
    laptop.has("zshrc", "export EDITOR=hx\n");
}

#[test]
fn undo_keeps_an_edit_that_no_sync_commits() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let laptop = &conflict.laptop;
    laptop.sync(["resolve", "--theirs", "zshrc"]).succeeds();
    laptop.config("sync.commit", "never");
    laptop.write("zshrc", "edited since\n");

    laptop.sync(["resolve", "--undo", "zshrc"]).exits(1);

    laptop.has("zshrc", "export EDITOR=hx\n");
    let kept = laptop.git(["log", "--all", "--patch", "--format=%h"]);
    assert!(kept.contains("+edited since"), "{kept}");
}

#[test]
fn undo_of_ours_keeps_the_live_file_and_both_versions() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let laptop = &conflict.laptop;
    laptop.sync(["resolve", "--ours", "zshrc"]).succeeds();

    laptop.sync(["resolve", "--undo", "zshrc"]).exits(1);

    laptop.has("zshrc", "export EDITOR=hx\n");
    let history = laptop.git(["log", "--all", "--patch", "--format=%h"]);
    assert!(history.contains("+export EDITOR=nano"), "{history}");
    laptop.sync(["resolve", "--theirs"]).succeeds();
    laptop.sync([]).succeeds();
}

#[test]
fn undo_of_a_file_over_a_folder_brings_the_folder_back_everywhere() {
    let conflict = Conflict::of_a_folder_there();
    let Conflict { laptop, server, .. } = &conflict;
    laptop.sync([]).exits(1);
    laptop.sync(["resolve", "--ours"]).succeeds();
    server.sync([]).succeeds();
    server.has("app", "mine\n");

    laptop.sync(["resolve", "--undo"]).exits(1);

    laptop.has("app", "mine\n").holds(["app"]);
    server.sync([]).succeeds();
    server.has("app/x", "x\n").has("app/z", "z\n");
    conflict.resolves("--theirs", ["app"]);
    laptop.has("app/x", "x\n").has("app/z", "z\n");
}

#[test]
fn undo_of_a_folder_over_a_file_brings_the_file_back() {
    let conflict = Conflict::of_a_folder_there();
    let Conflict { laptop, server, .. } = &conflict;
    laptop.sync([]).exits(1);
    laptop.sync(["resolve", "--theirs"]).succeeds();
    laptop.has("app/x", "x\n").has("app/z", "z\n");

    laptop
        .sync(["resolve", "--undo"])
        .exits(1)
        .does_not_tell("is kept as");

    laptop.has("app", "mine\n").holds(["app"]);
    server.sync([]).succeeds();
    server.has("app/x", "x\n").has("app/z", "z\n");
    conflict.resolves("--ours", ["app"]);
    server.has("app", "mine\n");
}

#[test]
fn undo_of_a_file_over_a_folder_here_brings_back_what_git_ignores_too() {
    let conflict = Conflict::of_a_folder_here();
    let Conflict { laptop, server, .. } = &conflict;
    laptop.sync([]).exits(1);
    laptop
        .sync(["resolve", "--theirs", "app"])
        .succeeds()
        .tells("is kept as");
    laptop.has("app", "theirs\n");

    laptop.sync(["resolve", "--undo"]).exits(1);

    laptop.has("app/x", "x\n").has("app/y.local", "y\n");
    server.sync([]).succeeds();
    server.has("app", "theirs\n");
    laptop.sync(["resolve", "--ours"]).succeeds();
    server.sync([]).succeeds();
    server.has("app/x", "x\n").lacks("app/y.local");
}

#[test]
fn undo_of_a_folder_here_over_a_file_brings_the_file_back_everywhere() {
    let conflict = Conflict::of_a_folder_here();
    let Conflict { laptop, server, .. } = &conflict;
    laptop.sync([]).exits(1);
    laptop.sync(["resolve", "--ours"]).succeeds();
    server.sync([]).succeeds();
    server.has("app/x", "x\n");

    laptop.sync(["resolve", "--undo", "app"]).exits(1);

    laptop.has("app/x", "x\n").has("app/y.local", "y\n");
    server.sync([]).succeeds();
    server.has("app", "theirs\n");
}

#[test]
fn undo_does_not_take_away_what_came_after_the_decision() {
    let conflict = Conflict::of_a_folder_here();
    let Conflict { laptop, server, .. } = &conflict;
    laptop.sync([]).exits(1);
    laptop.sync(["resolve", "--ours"]).succeeds();
    laptop.write("app/new", "new\n");

    laptop
        .sync(["resolve", "--undo"])
        .exits(1)
        .tells("'app/new' is newer");

    server.sync([]).succeeds();
    server.has("app/x", "x\n").has("app/new", "new\n");
    laptop.has("app/x", "x\n").has("app/new", "new\n");
}

#[test]
fn undo_of_a_file_over_what_was_below_it_brings_that_back() {
    let conflict = Conflict::new(
        |machine| {
            machine.write("e/p/q", "1\n");
        },
        |laptop| {
            laptop.write("e/p/q", "mine\n");
        },
        |server| {
            server.remove("e");
            server.write("e/p", "theirs\n");
        },
    );
    let Conflict { laptop, server, .. } = &conflict;
    laptop.sync([]).exits(1);
    laptop.sync(["resolve", "--theirs"]).succeeds();
    laptop.has("e/p", "theirs\n");

    laptop.sync(["resolve", "--undo"]).exits(1);

    laptop.has("e/p/q", "mine\n");
    server.sync([]).succeeds();
    server.has("e/p", "theirs\n");
    laptop.sync(["resolve", "--ours"]).succeeds();
    conflict.converges();
    server.has("e/p/q", "mine\n");
}

/// Decides for one side and takes it back: this machine has its version and holds it, and the other one
/// has its own, whichever of them had gone.
fn taken_back(side: &str, here: fn(&Machine), there: fn(&Machine)) -> Conflict {
    let conflict = Conflict::new(
        |machine| {
            machine.write("app", "1\n");
        },
        here,
        there,
    );
    let Conflict { laptop, server, .. } = &conflict;
    laptop.sync([]).exits(1);
    laptop.sync(["resolve", side, "app"]).succeeds();
    server.sync([]).succeeds();
    all_agree(&[laptop, server], &conflict.remote);
    laptop.sync(["resolve", "--undo"]).exits(1);
    server.sync([]).succeeds();
    laptop.holds(["app"]);
    conflict
}

#[test]
fn undo_of_a_deletion_brings_back_what_each_had() {
    let gone = |machine: &Machine| machine.remove("app");
    let edited = |machine: &Machine| {
        machine.write("app", "edited\n");
    };
    for side in ["--ours", "--theirs"] {
        let Conflict { laptop, server, .. } = taken_back(side, gone, edited);
        laptop.lacks("app");
        server.has("app", "edited\n");
        let Conflict { laptop, server, .. } = taken_back(side, edited, gone);
        laptop.has("app", "edited\n");
        server.lacks("app");
    }
}

#[test]
fn undo_of_a_link_or_a_mode_brings_back_what_each_had() {
    let linked = |machine: &Machine| {
        machine.remove("app");
        machine.link("app", "zshrc");
    };
    let executable = |machine: &Machine| {
        machine.write("app", "mine\n").chmod("app", 0o755);
    };
    for side in ["--ours", "--theirs"] {
        let Conflict { laptop, server, .. } = taken_back(side, linked, executable);
        laptop.links("app", "zshrc");
        server.has("app", "mine\n");
        assert_eq!(server.mode("app"), 0o755);
        let Conflict { laptop, server, .. } = taken_back(side, executable, linked);
        laptop.has("app", "mine\n");
        assert_eq!(laptop.mode("app"), 0o755);
        server.links("app", "zshrc");
    }
}

#[test]
fn undo_of_a_merge_by_hand_gives_the_others_version_back() {
    let conflict = Conflict::of_content();
    let Conflict { laptop, server, .. } = &conflict;
    laptop.sync([]).exits(1);
    let editor = laptop.path("../editor");
    laptop.program(&editor, r#"printf 'settled\n' > "$1""#);
    on_a_terminal(&laptop.with("GIT_EDITOR", &editor), "git-sync resolve", []).succeeds();
    server.sync([]).succeeds();
    server.has("zshrc", "settled\n");

    laptop.sync(["resolve", "--undo"]).exits(1);

    laptop.has("zshrc", "export EDITOR=hx\n").holds(["zshrc"]);
    server.sync([]).succeeds();
    server.has("zshrc", "export EDITOR=nano\n");
}
