//! Policies of `.sync/config.yaml` settle volatile files by themselves, alike on every machine.

use crate::support::{Conflict, Machine, Sandbox, all_agree, nothing, settle};

/// Both machines know the policy, then append to one log in their own way.
fn with_policy(policy: &str) -> Conflict {
    let conflict = Conflict::new(
        |laptop| {
            laptop.write("app/history", "first\n");
            laptop.write("zshrc", "first\n");
        },
        |laptop| {
            laptop.write("app/history", "first\nlaptop\n");
        },
        |server| {
            server.write("app/history", "first\nserver\n");
        },
    );
    // The laptop's own copy of the policy decides; it travels with the same sync.
    let config = format!("version: 1\npolicies:\n  \"app/*\": {policy}\n");
    conflict.laptop.write(".sync/config.yaml", config);
    conflict
}

#[test]
fn hold_is_the_default_and_can_be_said() {
    let conflict = with_policy("hold");
    conflict.is_held(["app/history"]);
}

#[test]
fn ours_keeps_this_machines_version() {
    let conflict = with_policy("ours");
    conflict.converges();
    conflict.laptop.has("app/history", "first\nlaptop\n");
    conflict.server.has("app/history", "first\nlaptop\n");
}

#[test]
fn theirs_takes_the_upstream_version_and_pins_this_machines() {
    let conflict = with_policy("theirs");
    conflict.converges();
    conflict.laptop.has("app/history", "first\nserver\n");
    let objects = conflict
        .laptop
        .git(["rev-list", "--objects", "--all", "--in-commit-order"]);
    let blob = conflict
        .laptop
        .sh("printf 'first\\nlaptop\\n' | git hash-object --stdin")
        .succeeds();
    assert!(
        objects.contains(blob.stdout().trim()),
        "the laptop's version is in no ref"
    );
}

#[test]
fn union_keeps_the_lines_of_both() {
    let conflict = with_policy("union");
    conflict.converges();
    let text = conflict.laptop.read("app/history");
    assert!(
        text.contains("laptop\n") && text.contains("server\n"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 3, "{text}");
}

#[test]
fn both_keeps_the_two_versions_beside_each_other() {
    let conflict = with_policy("both");
    conflict.converges();
    let texts: Vec<String> = std::fs::read_dir(conflict.server.path("app"))
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts.contains(&"first\nlaptop\n".to_owned()), "{texts:?}");
    assert!(texts.contains(&"first\nserver\n".to_owned()), "{texts:?}");
}

#[test]
fn newest_takes_the_later_change() {
    let conflict = with_policy("newest");
    conflict.laptop.write("app/history", "first\nlater\n");
    let later = ["GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"]
        .iter()
        .fold(conflict.laptop.clone(), |machine, key| {
            machine.with(key, "@2000000000 +0000")
        });
    later.sync([]).succeeds();
    conflict.server.sync([]).succeeds();
    all_agree(&[&conflict.laptop, &conflict.server], &conflict.remote);
    conflict.server.has("app/history", "first\nlater\n");
}

/// Makes `app/history` on `machine` as old as `date` says.
fn written_at(machine: &Machine, date: &str) {
    let touch = format!("touch -d '{date}' app/history");
    machine.sh(&touch).succeeds();
}

#[test]
fn newest_goes_by_the_edit_and_not_by_the_sync() {
    for (here, there, winner) in [
        ("2026-10-05", "2026-10-12", "first\nserver\n"),
        ("2026-10-12", "2026-10-05", "first\nlaptop\n"),
    ] {
        let sandbox = Sandbox::new();
        let (laptop, server, remote) = sandbox.laptop_and_server();
        let rules = "version: 1\npolicies:\n  \"app/*\": newest\n";
        laptop.write(".sync/config.yaml", rules);
        laptop.write("app/history", "first\n");
        settle(&[&laptop, &server]);
        laptop.write("app/history", "first\nlaptop\n");
        written_at(&laptop, here);
        // In the same commit, and newer than all: it says nothing about the other file.
        laptop.write("zshrc", "laptop, now\n");
        server.write("app/history", "first\nserver\n");
        written_at(&server, there);
        if winner.contains("laptop") {
            laptop.sync(["--offline"]).succeeds();
        }
        server.sync([]).succeeds();

        let plan = laptop.sync(["--dry-run", "--json"]).succeeds().json();
        laptop.sync([]).succeeds();

        laptop.has("app/history", winner);
        let steps = plan["steps"].as_array().unwrap();
        let pull = steps.iter().find(|step| step["name"] == "pull").unwrap();
        let pulls = pull["files"].to_string();
        assert_eq!(pulls.contains("history"), winner.contains("server"));
        server.sync([]).succeeds();
        server.has("app/history", winner);
        all_agree(&[&laptop, &server], &remote);
    }
}

#[test]
fn an_edit_is_as_old_as_its_file_on_the_other_machine_too() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("app/history", "1\n");
    written_at(&laptop, "2026-10-05 10:00:00 UTC");
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    let log = ["log", "-1", "--format=%at", "--", "app/history"];
    assert_eq!(server.git(log), "1791194400");
    // A file of the future was written now, at the latest.
    laptop.write("app/history", "2\n");
    written_at(&laptop, "2036-10-05");
    laptop.sync([]).succeeds();
    let time: i64 = remote
        .git(["log", "-1", "--format=%at", "main"])
        .parse()
        .unwrap();
    assert!((1_792_569_600..1_792_573_200).contains(&time), "{time}");
}

#[test]
fn a_policy_says_nothing_about_other_files() {
    let conflict = with_policy("union");
    conflict.server.write("zshrc", "server\n");
    conflict.server.sync([]).succeeds();
    conflict.laptop.write("zshrc", "laptop\n");
    conflict.is_held(["zshrc"]);
}

#[test]
fn the_rules_themselves_are_held() {
    for policy in ["both", "ours", "theirs", "newest", "union"] {
        let rules = |extra: &str| format!("version: 1\npolicies:\n  \"*\": {policy}\n{extra}");
        let (laptop, server, remote) = Sandbox::new().laptop_and_server();
        laptop.write(".sync/config.yaml", rules(""));
        settle(&[&laptop, &server]);
        server.write(".sync/config.yaml", rules("  \"a\": hold\n"));
        server.sync([]).succeeds();
        laptop.write(".sync/config.yaml", rules("  \"b\": hold\n"));

        laptop.sync([]).exits(1);

        laptop
            .has(".sync/config.yaml", rules("  \"b\": hold\n"))
            .holds([".sync/config.yaml"]);
        laptop.sync(["resolve", "--theirs"]).succeeds();
        server.sync([]).succeeds();
        all_agree(&[&laptop, &server], &remote);
    }
}

#[test]
fn a_config_that_cannot_be_read_decides_nothing_and_is_named() {
    for (config, key) in [
        ("version: 1\npolicies:\n  \"*\": coin\n", "coin"),
        ("version: 99\npolicies:\n  \"*\": theirs\n", "99"),
        ("version: 1\npolicies: [\n", "config.yaml"),
    ] {
        let conflict = Conflict::of_content();
        conflict.laptop.write(".sync/config.yaml", config);
        let output = conflict.laptop.sync([]).exits(1);
        let output = output.tells("warning: ").tells("config.yaml");
        let output = output.does_not_tell("not applied: \n");
        output.tells(key).says("zshrc");
        conflict.is_held(["zshrc"]);
    }
}

/// The laptop is second, with policy `both` for everything.
fn keeps_both(
    prepare: fn(&Machine),
    here: fn(&Machine),
    there: fn(&Machine),
) -> (Conflict, Vec<String>) {
    let conflict = Conflict::new(prepare, here, there);
    let config = "version: 1\npolicies: {'*': both, '**/*': both}\n";
    conflict.laptop.write(".sync/config.yaml", config);
    conflict.converges();
    let files = conflict.remote.files();
    let copies = files.into_iter().filter(|name| name.contains(".conflict-"));
    let copies = copies.collect();
    (conflict, copies)
}

#[test]
fn both_keeps_a_folder_here_beside_a_file_there() {
    let (conflict, copies) = keeps_both(
        |laptop| {
            laptop.write("app", "first\n");
        },
        |laptop| {
            laptop.remove("app");
            laptop.write("app/x", "x\n").write("app/y.d/z", "z\n");
        },
        |server| {
            server.write("app", "server\n");
        },
    );
    let folder = copies[0].split('/').next().unwrap();
    assert_eq!(copies, [format!("{folder}/x"), format!("{folder}/y.d/z")]);
    assert!(folder.starts_with("app.conflict-"), "{folder}");
    for machine in [&conflict.laptop, &conflict.server] {
        machine.has("app", "server\n");
        machine.has(&copies[0], "x\n").has(&copies[1], "z\n");
    }
}

#[test]
fn both_keeps_a_file_here_beside_a_folder_there() {
    let (conflict, copies) = keeps_both(
        |laptop| {
            laptop.write("app", "first\n");
        },
        |laptop| {
            laptop.write("app", "laptop\n");
        },
        |server| {
            server.remove("app");
            server.write("app/x", "x\n");
        },
    );
    assert_eq!(copies.len(), 1, "{copies:?}");
    for machine in [&conflict.laptop, &conflict.server] {
        machine.has("app/x", "x\n").has(&copies[0], "laptop\n");
    }
}

#[test]
fn both_overwrites_no_copy_that_was_edited_since() {
    let (conflict, copies) = keeps_both(
        nothing,
        |laptop| {
            laptop.write("zshrc", "B\n");
        },
        |server| {
            server.write("zshrc", "A\n");
        },
    );
    let Conflict { laptop, server, .. } = &conflict;
    laptop.write(&copies[0], "edited\n");
    settle(&[laptop, server]);
    server.write("zshrc", "A2\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "B\n");

    conflict.converges();

    server.has("zshrc", "A2\n").has(&copies[0], "edited\n");
    let files = conflict.remote.files();
    let others = files
        .iter()
        .filter(|name| name.contains(".conflict-") && **name != copies[0]);
    let others: Vec<_> = others.collect();
    assert_eq!(others.len(), 1, "{files:?}");
    server.has(others[0], "B\n");
}

#[test]
fn both_shortens_a_name_that_has_no_room_for_more() {
    let (conflict, copies) = keeps_both(
        |laptop| {
            laptop.write("n".repeat(255), "first\n");
        },
        |laptop| {
            laptop.write("n".repeat(255), "laptop\n");
        },
        |server| {
            server.write("n".repeat(255), "server\n");
        },
    );
    assert_eq!(copies.len(), 1, "{copies:?}");
    for machine in [&conflict.laptop, &conflict.server] {
        machine.has("n".repeat(255), "server\n");
        machine.has(&copies[0], "laptop\n");
    }
}

#[test]
fn a_rule_that_arrives_later_leaves_what_is_held_to_its_user() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let Conflict { laptop, server, .. } = &conflict;
    server.write(
        ".sync/config.yaml",
        "version: 1\npolicies: {zshrc: theirs}\n",
    );
    server.sync([]).succeeds();
    conflict.is_held(["zshrc"]);
    server.write("zshrc", "again\n");
    server.sync([]).succeeds();
    laptop.sync([]).exits(1);
    laptop.holds(["zshrc"]).has("zshrc", "export EDITOR=hx\n");

    // Decided once, the rule decides from then on.
    laptop.sync(["resolve", "--ours"]).succeeds();
    settle(&[server, laptop]);
    server.write("zshrc", "there\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "here\n");
    laptop.sync([]).succeeds();
    laptop.has("zshrc", "there\n");
}

#[test]
fn both_puts_no_copy_among_our_own_files() {
    let conflict = Conflict::new(
        |laptop| {
            laptop.write(".sync/config.yaml", "version: 1\npolicies: {'*': both}\n");
            laptop.write(".sync/marked-files.txt", "a\n");
        },
        |laptop| {
            laptop.write(".sync/marked-files.txt", "laptop\n");
        },
        |server| {
            server.write(".sync/marked-files.txt", "server\n");
        },
    );
    conflict.is_held([".sync/marked-files.txt"]);
    conflict.resolves("--ours", [".sync/marked-files.txt"]);
}
