//! How a hold ends: by a decision on either machine, by agreement, and back again.

use crate::support::{Conflict, Machine, Sandbox, all_agree, nothing, on_a_terminal, settle};
use serde_json::json;

#[test]
fn resolving_with_ours_brings_this_machines_version_everywhere() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict.resolves("--ours", ["zshrc"]);
    conflict.laptop.has("zshrc", "export EDITOR=hx\n");
    conflict.server.has("zshrc", "export EDITOR=hx\n");
}

#[test]
fn resolving_with_theirs_brings_the_others_version_here() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict.resolves("--theirs", ["zshrc"]);
    conflict.laptop.has("zshrc", "export EDITOR=nano\n");
}

#[test]
fn a_held_file_may_be_edited_on_and_is_still_not_committed() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict.laptop.write("zshrc", "export EDITOR=emacs\n");
    conflict.is_held(["zshrc"]);
    conflict.upstream_has("zshrc", "export EDITOR=nano");
    conflict.resolves("--ours", ["zshrc"]);
    conflict.server.has("zshrc", "export EDITOR=emacs\n");
}

#[test]
fn a_held_file_stays_when_the_other_side_changes_it_again() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict.server.write("zshrc", "export EDITOR=ed\n");
    conflict.server.sync([]).succeeds();
    conflict.is_held(["zshrc"]);
    conflict.upstream_has("zshrc", "export EDITOR=ed");
    conflict.resolves("--theirs", ["zshrc"]);
    conflict.laptop.has("zshrc", "export EDITOR=ed\n");
}

#[test]
fn a_hold_ends_by_itself_when_the_other_side_comes_to_agree() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict.server.write("zshrc", "export EDITOR=hx\n");
    conflict.server.sync([]).succeeds();
    conflict.converges();
}

#[test]
fn several_conflicts_are_held_together_and_resolved_one_by_one() {
    let conflict = Conflict::new(
        nothing,
        |laptop| {
            laptop
                .write("zshrc", "mine\n")
                .write("a b/new file", "mine\n");
        },
        |server| {
            server
                .write("zshrc", "theirs\n")
                .write("a b/new file", "theirs\n");
        },
    );
    conflict.is_held(["zshrc", "a b/new file"]);
    conflict
        .laptop
        .sync(["resolve", "--ours", "zshrc"])
        .exits(1);
    conflict.laptop.sync([]).exits(1);
    conflict.laptop.holds(["a b/new file"]);
    conflict.upstream_has("zshrc", "mine");
    conflict.upstream_has("a b/new file", "theirs");
    conflict.resolves("--theirs", ["a b/new file"]);
}

#[test]
fn the_hold_survives_a_fresh_look_and_a_moved_clock() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let past = conflict.laptop.with("GIT_SYNC_NOW", "1000000000");
    past.sync([]).exits(1);
    past.has("zshrc", "export EDITOR=hx\n").holds(["zshrc"]);
}

#[test]
fn the_list_names_each_held_path_and_what_happened() {
    let conflict = Conflict::of_content();
    conflict
        .laptop
        .sync([])
        .exits(1)
        .tells("hint: ")
        .says("zshrc");
    conflict.laptop.sync(["resolve", "--list"]).says("zshrc");
    conflict.laptop.sync(["--resolve", "--list"]).says("zshrc");
}

#[test]
fn the_difference_of_a_held_path_can_be_read() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict
        .laptop
        .sync(["diff", "zshrc"])
        .says("export EDITOR=hx")
        .says("export EDITOR=nano");
}

#[test]
fn the_list_gives_programs_all_three_versions() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let Conflict { laptop, server, .. } = &conflict;
    let blob = |machine: &Machine, what: &str| machine.git(["rev-parse", what]);
    let version = |oid: &str| json!({ "mode": "file", "oid": oid });
    let first = laptop.git(["rev-list", "--max-parents=0", "HEAD"]);
    let base = blob(laptop, &format!("{first}:zshrc"));
    let mine = laptop.git(["hash-object", "zshrc"]);
    let theirs = blob(server, "HEAD:zshrc");

    let list = laptop.sync(["resolve", "--list", "--json"]).exits(1).json();

    let held = &list["held"];
    assert_eq!(held.as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(held[0]["path"], "zshrc");
    assert_eq!(held[0]["why"], "content");
    assert!(
        held[0]["since"]
            .as_i64()
            .is_some_and(|since| since > 1_792_569_600)
    );
    for (side, oid) in [("base", &base), ("ours", &mine), ("theirs", &theirs)] {
        assert_eq!(held[0][side], version(oid), "{side} of {list}");
        assert_eq!(laptop.git(["cat-file", "-t", oid]), "blob");
    }
    let line = format!("h {base} {mine} {theirs} zshrc\n");
    laptop
        .sync(["status", "--porcelain"])
        .succeeds()
        .says(&line);

    // A side without the path has none.
    laptop.remove("zshrc");
    let list = laptop.sync(["resolve", "--list", "--json"]).exits(1).json();
    assert_eq!(list["held"][0]["why"], "deleted-here");
    assert_eq!(list["held"][0]["ours"], json!(null));
    laptop.sync(["resolve", "--ours"]).succeeds();
    let list = laptop
        .sync(["resolve", "--list", "--json"])
        .succeeds()
        .json();
    assert_eq!(list["held"], json!([]));
}

#[test]
fn the_list_says_what_is_the_matter_now() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let Conflict { laptop, server, .. } = &conflict;
    let says = |words: &str| {
        laptop.sync(["resolve", "--list"]).exits(1).says(words);
        laptop.sync([]).exits(1);
        laptop.sync(["resolve", "--list"]).exits(1).says(words);
    };
    says("changed here and there");
    laptop.remove("zshrc");
    says("deleted here, changed there");
    laptop.write("zshrc/folder", "in its place\n");
    says("in the way of a path from there");
    laptop.remove("zshrc");
    laptop.write("zshrc", "mine\n");
    server.remove("zshrc");
    server.sync([]).succeeds();
    laptop.sync([]).exits(1);
    says("changed here, deleted there");
}

#[test]
fn a_held_path_is_told_once() {
    let conflict = Conflict::of_a_folder_here();
    let output = conflict.laptop.sync([]).exits(1);
    let told = output.stderr();
    let lines = told.lines().filter(|line| line.contains("hold "));
    let about = |line: &&str| line.split_whitespace().nth(1) == Some("app");
    assert_eq!(lines.filter(about).count(), 1, "{}", output.scene());
}

#[test]
fn the_top_means_every_held_path() {
    for at in [".", "vim"] {
        let conflict = Conflict::of_content();
        conflict.is_held(["zshrc"]);
        let top = if at == "." { "." } else { ".." };
        let laptop = conflict.laptop.at(at);
        laptop.sync(["resolve", "--theirs", top]).succeeds();
        conflict.converges();
    }
}

#[test]
fn a_path_that_is_not_held_cannot_be_resolved() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let output = conflict.laptop.sync(["resolve", "--theirs", "tmux.conf"]);
    output.exits(1).tells("tmux.conf");
    conflict.is_held(["zshrc"]);
}

#[test]
fn paths_are_meant_from_where_one_is() {
    let conflict = Conflict::new(
        nothing,
        |laptop| {
            laptop.write("vim/colors", "mine\n");
        },
        |server| {
            server.write("vim/colors", "theirs\n");
        },
    );
    conflict.is_held(["vim/colors"]);
    conflict
        .laptop
        .at("vim")
        .sync(["resolve", "--theirs", "colors"])
        .succeeds();
    conflict.laptop.has("vim/colors", "theirs\n");
    conflict.converges();
}

#[test]
fn ours_and_theirs_at_once_is_a_usage_error() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict
        .laptop
        .sync(["resolve", "--ours", "--theirs", "zshrc"])
        .exits(129);
    conflict.is_held(["zshrc"]);
}

#[test]
fn a_mergetool_works_on_scratch_copies_and_its_result_counts() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let laptop = &conflict.laptop;
    laptop.config("merge.tool", "mine");
    let tool = r#"cp "$HOME/configs/zshrc" "$HOME/live"; cp "$BASE" "$HOME/base"; cat "$LOCAL" "$REMOTE" > "$MERGED""#;
    laptop.config("mergetool.mine.cmd", tool);
    laptop.config("mergetool.mine.trustExitCode", "true");

    on_a_terminal(laptop, "git-sync resolve zshrc", []).succeeds();

    laptop.has("../live", "export EDITOR=hx\n");
    laptop.has(
        "../base",
        "setopt autocd\nalias ll='ls -l'\nexport EDITOR=vi\n",
    );
    conflict.converges();
    conflict
        .server
        .has("zshrc", "export EDITOR=hx\nexport EDITOR=nano\n");
}

#[test]
fn a_mergetool_that_gives_up_changes_nothing() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict.laptop.config("merge.tool", "mine");
    conflict
        .laptop
        .config("mergetool.mine.cmd", r#"echo half > "$MERGED"; exit 1"#);
    conflict
        .laptop
        .config("mergetool.mine.trustExitCode", "true");

    let output = on_a_terminal(&conflict.laptop, "git-sync resolve zshrc", []);
    output.exits(5);

    conflict.is_held(["zshrc"]);
}

#[test]
fn an_editor_result_with_markers_left_in_it_is_not_taken() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let editor = conflict.laptop.path("../editor");
    conflict.laptop.program(&editor, "exit 0");
    let laptop = conflict.laptop.with("GIT_EDITOR", &editor);

    on_a_terminal(&laptop, "git-sync resolve zshrc", [])
        .exits(5)
        .says("markers");
    conflict.is_held(["zshrc"]);

    laptop.program(&editor, r#"printf 'settled\n' > "$1""#);
    on_a_terminal(&laptop, "git-sync resolve zshrc", []).succeeds();
    conflict.converges();
    conflict.server.has("zshrc", "settled\n");
}

#[test]
fn without_a_tool_and_a_terminal_resolve_asks_for_a_decision() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict.laptop.sync(["resolve"]).exits(5).tells("hint: ");
    conflict.is_held(["zshrc"]);
}

/// Three machines change one line; the server wins the race, two hold.
fn two_hold() -> (Machine, Machine, Machine, crate::support::Remote) {
    let sandbox = Sandbox::new();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    let desktop = sandbox.machine("desktop", &remote);
    server.write("zshrc", "server\n");
    server.sync([]).succeeds();
    for machine in [&laptop, &desktop] {
        machine.write("zshrc", format!("{}\n", machine.name()));
        machine.sync([]).exits(1);
        machine.holds(["zshrc"]);
    }
    (laptop, desktop, server, remote)
}

#[test]
fn two_machines_that_hold_the_same_conflict_converge_on_theirs() {
    let (laptop, desktop, server, remote) = two_hold();
    laptop.sync(["resolve", "--theirs", "zshrc"]).succeeds();
    desktop.sync(["resolve", "--theirs", "zshrc"]).succeeds();
    settle(&[&laptop, &desktop, &server]);
    all_agree(&[&laptop, &desktop, &server], &remote);
    desktop.has("zshrc", "server\n");
}

#[test]
fn two_machines_that_hold_the_same_conflict_converge_on_the_last_word() {
    let (laptop, desktop, server, remote) = two_hold();
    laptop.sync(["resolve", "--ours", "zshrc"]).succeeds();
    laptop.sync([]).succeeds();
    desktop.sync([]).exits(1);
    desktop.has("zshrc", "desktop\n").holds(["zshrc"]);
    desktop.sync(["resolve", "--ours", "zshrc"]).succeeds();
    settle(&[&desktop, &laptop, &server]);
    all_agree(&[&laptop, &desktop, &server], &remote);
    laptop.has("zshrc", "desktop\n");
}

#[test]
fn two_machines_that_write_the_same_resolution_converge_by_themselves() {
    let (laptop, desktop, server, remote) = two_hold();
    for machine in [&laptop, &desktop] {
        machine.write("zshrc", "all of us\n");
        machine.sync(["resolve", "--ours", "zshrc"]).succeeds();
    }
    settle(&[&laptop, &desktop, &server]);
    all_agree(&[&laptop, &desktop, &server], &remote);
    server.has("zshrc", "all of us\n");
}

#[test]
fn a_decision_names_the_files_that_it_replaces() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict
        .laptop
        .sync(["resolve", "--theirs", "zshrc"])
        .succeeds()
        .tells("replace  1 file: zshrc")
        .does_not_say("Already");
    conflict
        .laptop
        .sync(["resolve", "--undo"])
        .exits(1)
        .tells("replace  1 file: zshrc");
}

#[test]
fn a_file_that_git_was_told_not_to_look_at_is_not_decided_about_in_vain() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.git(["update-index", "--skip-worktree", "zshrc"]);
    laptop.write("zshrc", "here\n");
    server.write("zshrc", "there\n");
    server.sync([]).succeeds();
    // Not the words about an untracked file: it is tracked.
    laptop
        .sync(["force-pull", "--yes"])
        .exits(1)
        .tells("git was told not to look at 'zshrc'")
        .does_not_tell("not tracked");
    laptop.sync([]).exits(1);
    laptop.holds(["zshrc"]);

    laptop
        .sync(["resolve", "--ours", "zshrc"])
        .exits(1)
        .tells("git was told not to look at 'zshrc'")
        .tells("--no-skip-worktree zshrc");

    laptop.sync([]).exits(1);
    laptop.holds(["zshrc"]).has("zshrc", "here\n");
    remote.has("zshrc", "there");
    laptop.git(["update-index", "--no-skip-worktree", "zshrc"]);
    laptop.sync(["resolve", "--ours", "zshrc"]).succeeds();
    remote.has("zshrc", "here");
}
