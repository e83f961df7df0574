//! What a sync says: from whom, how much, where, since when, and what could be typed next.

use serde_json::json;

use crate::support::{Conflict, Output, Sandbox, closed_port, nothing};

#[test]
fn what_arrives_is_told_with_the_machine_that_sent_it() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop
        .sync([])
        .succeeds()
        .tells("  pull     1 commit from ana@server-linux: tmux.conf");
}

#[test]
fn the_machine_is_known_whatever_the_message_says() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    server.config("sync.commitMessage", "chore: {count}");
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    let message = server.git(["log", "-1", "--format=%B"]);
    assert!(message.starts_with("chore: 1\n\n"), "{message}");
    let trailers = server.git(["log", "-1", "--format=%(trailers)"]);
    assert_eq!(trailers.trim(), "Machine: ana@server-linux");
    laptop.sync([]).succeeds().tells("from ana@server-linux");
}

#[test]
fn a_commit_for_a_reason_of_the_sync_is_the_machines_too() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict.resolves("--ours", ["zshrc"]);
    conflict.laptop.sync(["resolve", "--undo"]).exits(1);
    let server = &conflict.server;
    server
        .sync([])
        .succeeds()
        .tells("1 commit from ana@laptop-linux: zshrc");
}

#[test]
fn a_commit_by_hand_is_told_with_its_author() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    server.git(["config", "user.name", "Bo\u{1b}[31mb"]);
    server.write("tmux.conf", "server\n");
    server.commit("by hand\n\nMachine: of nobody, as more follows\n\nthe end");
    server.sync([]).succeeds();
    laptop
        .sync([])
        .succeeds()
        .tells("1 commit from Bo\u{fffd}[31mb")
        .does_not_tell("\u{1b}[31mb");
}

#[test]
fn the_end_tells_how_long_it_took_or_that_it_was_only_checked() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    let output = laptop.sync([]).succeeds();
    let last = output.stdout();
    let time = last
        .trim()
        .strip_prefix("✓ In sync with origin/main (")
        .and_then(|rest| rest.strip_suffix(" s)"));
    let seconds: Option<f64> = time.and_then(|time| time.parse().ok());
    assert!(seconds.is_some_and(|s| s > 0.0), "{}", output.scene());
    laptop
        .sync([])
        .succeeds()
        .says("✓ Already in sync with origin/main (checked just now)");
}

#[test]
fn an_absent_network_is_told_with_the_time_of_the_last_sync() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).succeeds();
    let url = format!("http://127.0.0.1:{}/configs.git", closed_port());
    laptop.git(["remote", "set-url", "origin", &url]);
    laptop.write("zshrc", "changed again\n");
    let last: jiff::Timestamp = laptop.read(".sync/last-sync").trim().parse().unwrap();
    let later = laptop.with("GIT_SYNC_NOW", (last.as_second() + 7300).to_string());
    later
        .sync([])
        .exits(3)
        .says("  1 commit waits here; the last sync was 2 h ago");
}

#[test]
fn a_held_text_is_told_with_the_lines_of_both_sides() {
    let lines = |changed: &[usize]| {
        let line = |n| format!("{n}{}", if changed.contains(&n) { " x\n" } else { "\n" });
        (1..=20).map(line).collect::<Vec<_>>().concat()
    };
    let conflict = Conflict::new(
        |machine| {
            machine.write("zshrc", lines(&[]));
        },
        |machine| {
            machine.write("zshrc", lines(&[12, 15]).replace('x', "here"));
        },
        |machine| {
            machine.write("zshrc", lines(&[12, 14]).replace('x', "there"));
        },
    );
    let said = "zshrc (changed here and there: lines 12-15 here, lines 12-14 there)";
    conflict.laptop.sync(["--dry-run"]).says(said);
    conflict.laptop.sync([]).exits(1).says(said);
    // As long as it is held.
    conflict.laptop.sync([]).exits(1).says(said);
    // Programs get them too.
    let span = |first: u64, last: u64| serde_json::json!({ "first": first, "last": last });
    let wanted = serde_json::json!({ "here": span(12, 15), "there": span(12, 14) });
    let laptop = &conflict.laptop;
    let told = |output: Output, member: &str| output.json()[member][0]["lines"].clone();
    for (output, member) in [
        (laptop.sync(["--json"]), "conflicts"),
        (laptop.sync(["status", "--json"]), "held"),
        (laptop.sync(["resolve", "--list", "--json"]), "held"),
        (
            laptop.sync(["resolve", "--ours", "-n", "--json"]),
            "conflicts",
        ),
    ] {
        assert_eq!(told(output, member), wanted, "{member}");
    }
}

#[test]
fn what_is_no_text_is_told_without_lines() {
    let conflict = Conflict::new(
        nothing,
        |machine| {
            machine.write("zshrc", b"\0here");
        },
        |machine| {
            machine.write("zshrc", b"\0there");
        },
    );
    let output = conflict.laptop.sync([]).exits(1);
    assert!(
        output.stdout().contains("zshrc (changed here and there)"),
        "{}",
        output.scene()
    );
}

#[test]
fn a_dry_run_says_who_with_whom_how_much_and_what_it_comes_to() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    server.write("tmux.conf", "1\n2\n3\n");
    server.sync([]).succeeds();
    laptop.write("inputrc", "1\n2\n");
    laptop.write("image", b"\0\xff");
    let output = laptop.sync(["--dry-run"]).succeeds();
    let said = output.stdout();
    for line in [
        "Would sync ana@laptop-linux, main with origin/main",
        "  commit   2 files",
        "             A image",
        "             A inputrc +2",
        "  pull     1 commit from ana@server-linux",
        "  push     1 commit to origin/main",
        "Pull 1, commit 1, push 1. No conflicts. Nothing was changed.",
    ] {
        assert!(
            said.lines().any(|l| l == line),
            "{line}\n{}",
            output.scene()
        );
    }
    assert!(said.contains(" M tmux.conf +3 -"), "{}", output.scene());
    output.tells("hint: git sync --dry-run -v   shows the differences");
    laptop
        .sync(["--dry-run", "-v"])
        .says("+++ here: inputrc")
        .says("@@")
        .does_not_tell("hint: git sync --dry-run -v");
}

#[test]
fn a_sync_in_json_has_its_steps_in_order() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "laptop\n");
    let expected = |result: &str| {
        json!([
            { "name": "commit", "result": result, "count": 1,
              "files": [{ "path": "zshrc", "change": "M" }] },
            { "name": "pull", "result": result, "count": 1, "from": ["ana@server-linux"],
              "files": [{ "path": "tmux.conf", "change": "M" }] },
            { "name": "push", "result": result, "count": 1 },
        ])
    };
    let plan = laptop.sync(["--dry-run", "--json"]).json();
    assert_eq!(plan["steps"], expected("planned"), "{plan}");
    let done = laptop.sync(["--json"]).json();
    assert_eq!(done["steps"], expected("done"), "{done}");
    assert_eq!(done["conflicts"], json!([]), "{done}");
    let nothing = laptop.sync(["--json"]).json();
    assert_eq!(nothing["steps"], json!([]), "{nothing}");

    laptop.write("zshrc", "waits\n");
    let waits = laptop.sync(["--offline", "--json"]).json();
    assert_eq!(
        waits["steps"][1],
        json!({ "name": "push", "result": "waits", "count": 1 }),
        "{waits}"
    );
}

#[test]
fn a_conflict_in_json_has_its_three_versions() {
    let conflict = Conflict::of_content();
    let answer = conflict.laptop.sync(["--json"]).exits(1).json();
    let held = &answer["conflicts"][0];
    assert_eq!(held["path"], "zshrc", "{answer}");
    for side in ["base", "ours", "theirs"] {
        assert!(held[side]["oid"].is_string(), "{side}: {answer}");
    }
}

#[test]
fn the_status_in_json_counts_and_lists() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.sync([]).succeeds();
    laptop.write("zshrc", "changed\n").write("new", "1\n");
    laptop.write("vim/vimrc", "staged\n");
    laptop.git(["add", "vim/vimrc"]);
    let status = laptop.sync(["status", "--json"]).succeeds().json();
    let changes = &status["changes"];
    for (kind, count) in [("staged", 1), ("unstaged", 1), ("untracked", 1)] {
        assert_eq!(changes[kind], count, "{kind}: {status}");
    }
    assert_eq!(changes["conflicted"], json!([]), "{status}");
    let files = changes["files"].as_array().unwrap();
    for (path, xy) in [("vim/vimrc", "S."), ("zshrc", ".M"), ("new", "??")] {
        assert!(
            files.contains(&json!({ "path": path, "xy": xy })),
            "{path}: {status}"
        );
    }
    assert!(status["last_fetch"].is_string(), "{status}");
    let last = &status["last_sync"];
    assert!(last["time"].is_string() && last["ms"].is_u64(), "{status}");
    assert_eq!(last["result"], "ok", "{status}");
    assert_eq!((&last["pulled"], &last["pushed"]), (&json!(1), &json!(0)));
    assert_eq!(status["in_progress"], json!(null), "{status}");
}

#[test]
fn an_operation_of_the_users_is_named_in_the_status() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.git(["bisect", "start"]);
    let status = laptop.sync(["status", "--json"]).succeeds().json();
    assert_eq!(status["in_progress"], "bisect", "{status}");
    laptop
        .sync([])
        .exits(1)
        .tells("error: a bisect is in progress");
}

#[test]
fn the_status_tells_the_last_sync_and_the_failure_after_it() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).succeeds();
    laptop
        .sync(["status"])
        .says("last sync")
        .says("pulled 0, pushed 1")
        .does_not_say("last run");
    laptop.git(["remote", "set-url", "origin", "file:///nowhere/configs.git"]);
    laptop.sync([]).exits(3);
    laptop
        .sync(["status"])
        .says("pulled 0, pushed 1")
        .says("last run")
        .says("the remote was not reached");
}

#[test]
fn a_force_pull_says_where_the_branch_is_now() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.write("zshrc", "mine\n");
    laptop.commit("mine");
    let tip = remote.tip("main");
    laptop
        .sync(["--force-pull", "--yes"])
        .succeeds()
        .tells(&format!("  reset    main to {}", &tip[..7]));
}

#[test]
fn a_setup_can_be_rehearsed() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let server = sandbox.fresh("server");
    let laptop = sandbox.fresh("laptop");
    laptop
        .at_home()
        .sync(["--setup", "-n", &remote.url()])
        .succeeds()
        .says("Would clone")
        .says("into ~/configs")
        .says("Nothing was changed");
    laptop.lacks("");
    let plan = laptop.at_home().sync(["setup", "-n", "--json"]).json();
    assert_eq!(plan["action"], "create", "{plan}");

    server.clone_from(&remote.url());
    let before = server.fingerprint();
    server
        .sync(["setup", "-n"])
        .succeeds()
        .says("Would sync ~/configs, main");
    assert_eq!(server.fingerprint(), before);
    server.sync(["setup", "--yes"]).succeeds();
    let before = server.fingerprint();
    server
        .sync(["setup", "--remove", "-n"])
        .succeeds()
        .says("Taking git sync off ~/configs")
        .says("Nothing was changed");
    assert_eq!(server.fingerprint(), before);
    server.sync([]).succeeds();
}

#[test]
fn without_anybody_to_ask_a_setup_waits_for_yes() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let laptop = sandbox.fresh("laptop");
    for words in [
        &["--setup", &*remote.url()][..],
        &["--setup"],
        &["--setup", "--json"],
    ] {
        let mut command = laptop.at_home().command("git-sync");
        command.args(words);
        laptop.run(command).exits(5);
        laptop.lacks("");
    }
    laptop
        .at_home()
        .sync(["--setup", &remote.url()])
        .exits(5)
        .tells("hint: --yes goes ahead");
    laptop
        .at_home()
        .sync(["--setup", "--yes", &remote.url()])
        .succeeds();
    laptop.is_clean();
}

#[test]
fn a_decision_can_be_rehearsed() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let laptop = &conflict.laptop;
    let before = laptop.fingerprint();
    for (side, said) in [
        ("--ours", "Would keep this machine's version of"),
        ("--theirs", "Would take the remote's version of"),
    ] {
        laptop
            .sync(["resolve", "-n", side])
            .succeeds()
            .says(said)
            .says("  zshrc (changed here and there)")
            .says("Nothing was changed");
    }
    laptop.sync(["resolve", "-n", "--undo"]).exits(1);
    laptop
        .sync(["resolve", "-n", "--ours", "tmux.conf"])
        .exits(1)
        .tells("'tmux.conf' is not held");
    assert_eq!(laptop.fingerprint(), before);
    laptop.holds(["zshrc"]);

    laptop.sync(["resolve", "--theirs", "zshrc"]).succeeds();
    laptop
        .sync(["resolve", "-n", "--undo"])
        .succeeds()
        .says("Would hold again")
        .says("  zshrc");
    let plan = laptop.sync(["resolve", "-n", "--undo", "--json"]).json();
    assert_eq!(plan["choice"], "undo", "{plan}");
    laptop.holds([]);
}
