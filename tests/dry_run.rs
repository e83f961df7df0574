//! `--dry-run` changes nothing, and what it announces is what a sync then does.

use crate::support::{Conflict, Machine, Output, Sandbox};
use serde_json::Value;
use std::ffi::OsStr;

/// The steps in a text: verb, count and the named files, as `commit 2 vim/vimrc zshrc`.
fn steps(text: &str, files: &[&str]) -> Vec<String> {
    let verbs = ["commit", "pull", "push"];
    let mut steps: Vec<Vec<String>> = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("  ")) {
        let words: Vec<&str> = line
            .split([' ', ',', ':'])
            .filter(|word| !word.is_empty())
            .collect();
        if let [verb, count, ..] = words[..]
            && verbs.contains(&verb)
        {
            steps.push(vec![verb.to_owned(), count.to_owned()]);
        }
        if let Some(step) = steps.last_mut() {
            let named = words.iter().filter(|word| files.contains(word));
            step.extend(named.map(|word| (*word).to_owned()));
        }
    }
    for step in &mut steps {
        step[2..].sort();
        step.dedup();
    }
    let mut steps: Vec<String> = steps.iter().map(|step| step.join(" ")).collect();
    steps.sort();
    steps
}

/// Runs a dry run, expects that nothing changed, then syncs and compares.
#[track_caller]
fn announces_what_happens(laptop: &Machine, files: &[&str]) -> (Output, Output) {
    let before = laptop.fingerprint();
    let plan = laptop.sync(["--dry-run"]);
    assert_eq!(before, laptop.fingerprint(), "{}", plan.scene());
    let again = laptop.sync(["-n"]);
    assert_eq!(plan.stdout(), again.stdout());
    assert_eq!(before, laptop.fingerprint(), "{}", again.scene());

    let done = laptop.sync([]);
    let (told, did) = (steps(&plan.stdout(), files), steps(&done.stderr(), files));
    assert_eq!(told, did, "{}\n{}", plan.scene(), done.scene());
    (plan, done)
}

#[test]
fn nothing_to_do_is_announced_as_such() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    let (plan, _) = announces_what_happens(&laptop, &[]);
    plan.succeeds();
    laptop.sync(["--dry-run", "--detailed-exitcode"]).succeeds();
}

#[test]
fn changes_on_both_sides_are_announced_exactly() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    server.write("tmux.conf", "server\n").remove("vim/vimrc");
    server.sync([]).succeeds();
    laptop.write("zshrc", "laptop\n").write("inputrc", "new\n");
    laptop.sync(["--dry-run", "--detailed-exitcode"]).exits(2);

    let (plan, done) =
        announces_what_happens(&laptop, &["zshrc", "inputrc", "tmux.conf", "vim/vimrc"]);

    for file in ["zshrc", "inputrc", "tmux.conf", "vim/vimrc"] {
        assert!(
            plan.stdout().contains(file),
            "{file} is not announced\n{}",
            plan.scene()
        );
    }
    plan.succeeds().says("Nothing was changed");
    done.succeeds();
}

#[test]
fn a_conflict_is_announced_before_it_happens() {
    let conflict = Conflict::of_content();
    let (plan, done) = announces_what_happens(&conflict.laptop, &["tmux.conf", "vim/vimrc"]);
    assert!(plan.stdout().contains("zshrc"), "{}", plan.scene());
    plan.exits_with_one_of(&[0, 1]);
    done.exits(1);
    conflict.is_held(["zshrc"]);
}

#[test]
fn a_collision_with_an_ignored_file_is_announced() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    server.write("secrets.local", "theirs\n");
    server.git(["add", "--force", "secrets.local"]);
    server.sync([]).succeeds();
    laptop.write("secrets.local", "mine\n");
    let before = laptop.fingerprint();
    laptop.sync(["--dry-run"]).says("secrets.local");
    assert_eq!(before, laptop.fingerprint());
    laptop.sync([]).exits(1).says("secrets.local");
}

#[test]
fn commits_by_hand_count_in_the_announcement() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.write("zshrc", "1\n");
    laptop.commit("by hand");
    laptop.write("zshrc", "2\n");
    let (plan, done) = announces_what_happens(&laptop, &["zshrc"]);
    plan.succeeds();
    done.succeeds().tells("  push     2 commits to origin/main");
}

#[test]
fn an_unreachable_remote_is_announced_too() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.git(["remote", "set-url", "origin", "file:///nowhere/configs.git"]);
    laptop.write("zshrc", "1\n");
    let before = laptop.fingerprint();
    laptop.sync(["--dry-run"]).exits(3);
    laptop
        .sync(["--dry-run", "--offline"])
        .succeeds()
        .says("zshrc");
    assert_eq!(before, laptop.fingerprint());
}

#[test]
fn the_remote_is_not_written_to() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "1\n");
    laptop.commit("by hand");
    let tip = remote.tip("main");
    remote.hook("pre-receive", "touch pushed; exit 1");
    laptop.sync(["--dry-run"]).succeeds();
    assert_eq!(remote.tip("main"), tip);
    assert!(!remote.path().join("pushed").exists());
}

#[test]
fn the_differences_are_shown_when_asked() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    server.write("tmux.conf", "a line from the server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "a line from the laptop\n");
    laptop
        .sync(["-n", "-v"])
        .succeeds()
        .says("+a line from the laptop")
        .says("+a line from the server");
}

#[test]
fn a_plan_can_be_had_as_json() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.write("zshrc", "1\n");
    let json = laptop.sync(["--dry-run", "--json"]).succeeds().json();
    assert!(json.to_string().contains("\"zshrc\""), "{json}");
}

#[test]
fn what_an_interrupted_run_left_is_not_touched() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    server.write("zshrc", "server\n");
    server.sync([]).succeeds();
    // Killed with its git, when the files are replaced and the branch is about to follow.
    let killer = "grep -q refs/heads/main && [ $1 = prepared ] || exit 0\n\
                  kill -9 $(ps -o ppid= -p $PPID) $PPID";
    laptop.hook("reference-transaction", killer);
    laptop.run(laptop.sync_command([])).exits(137);
    laptop.remove(".git/hooks/reference-transaction");
    laptop.has("zshrc", "server\n");

    for _ in 0..2 {
        let before = laptop.fingerprint();
        laptop
            .run(laptop.sync_command(["--dry-run"]))
            .exits(1)
            .tells("error: an earlier run was interrupted")
            .tells("hint: git sync ")
            .does_not_tell("recover");
        assert_eq!(before, laptop.fingerprint());
    }

    laptop.sync([]).succeeds().tells("recover");
    laptop.has("zshrc", "server\n").is_clean();
    assert_eq!(laptop.head(), server.head());
}

/// What is in the home besides the repository, and what is known of marks: every path, with its content
/// or target and its mode.
fn homely(machine: &Machine) -> String {
    machine
        .sh(
            "cd .. && find . -path ./configs -prune -o -printf '%p %y %m %l\\n' | sort
             find . -path ./configs -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
             cd configs && cat .sync/marked-files.txt .sync/modes .git/sync/marks || true",
        )
        .succeeds()
        .stdout()
}

/// Runs `words` with `-n`, as text and as JSON, and expects that nothing is changed.
#[track_caller]
fn announced<const N: usize>(machine: &Machine, words: [&str; N], code: i32) -> (String, Value) {
    let before = (machine.fingerprint(), homely(machine));
    let run = |option: &str| {
        let words: Vec<_> = words.iter().copied().chain(["-n", option]).collect();
        let words: Vec<_> = words.iter().map(OsStr::new).collect();
        let output = machine.sync_bytes(&words).exits(code);
        let after = (machine.fingerprint(), homely(machine));
        assert_eq!(before, after, "{}", output.scene());
        output
    };
    let text = run("--verbose").stdout();
    let json = run("--json").json();
    assert_eq!(json["dry_run"], true, "{json}");
    (text, json)
}

/// The announced steps, a line each.
#[track_caller]
fn tells_the_same(text: &str, done: &Output) {
    let steps = text.lines().filter(|line| line.starts_with("  "));
    for step in steps {
        assert!(done.stderr().contains(step), "{step:?}\n{}", done.scene());
    }
}

#[test]
fn a_mark_is_announced_and_not_made() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop
        .write("../.rc", "1\n")
        .write("../tool/a", "a\n")
        .write("../tool/b.local", "b\n")
        .write("../big", vec![b'x'; 6 << 20]);
    let (text, json) = announced(&laptop, ["mark", "../.rc", "../tool"], 0);
    assert_eq!(
        text,
        "  copy     ~/.rc -> external/.rc\n  link     ~/.rc\n  copy     ~/tool/ -> external/tool\n\
         \x20 link     ~/tool/\nNothing was changed.\n"
    );
    assert_eq!(json["marked"][1]["path"], "~/tool/", "{json}");
    assert_eq!(json["ignored"], 1, "{json}");
    let (text, _) = announced(&laptop, ["mark", "../.rc", "--copy"], 0);
    assert_eq!(
        text,
        "  copy     ~/.rc -> external/.rc\nNothing was changed.\n"
    );
    let (text, _) = announced(&laptop, ["mark", "../.rc", "--machines=mac"], 0);
    assert!(!text.contains("link"), "{text}");
    // What would be asked about is told, and what would be refused is.
    let big = laptop.sync(["mark", "-n", "../big"]).succeeds();
    big.tells("'~/big' has 6 MiB, so it would be asked about");
    laptop
        .sync(["mark", "-n", "../missing"])
        .exits(1)
        .tells("is not there");

    let (text, _) = announced(&laptop, ["mark", "../.rc", "../tool"], 0);
    let done = laptop.sync(["mark", "../.rc", "../tool"]).succeeds();
    tells_the_same(&text, &done);
    let (text, json) = announced(&laptop, ["mark", "../.rc"], 0);
    assert!(text.contains("Nothing to do"), "{text}");
    assert_eq!(json["already"].as_array().unwrap().len(), 1, "{json}");
}

#[test]
fn another_way_to_keep_a_mark_is_announced_and_not_begun() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "1\n");
    laptop.sync(["mark", "../.rc"]).succeeds();
    for (option, step) in [
        ("--copy", "  write    ~/.rc (from the repository)\n"),
        (
            "--machines=mac",
            "  restore  ~/.rc is not for this machine\n",
        ),
        (
            "--profiles=work",
            "  restore  ~/.rc is not for this machine\n",
        ),
        ("--link", ""),
    ] {
        let (text, json) = announced(&laptop, ["mark", "../.rc", option], 0);
        let expected = format!("  change   ~/.rc (how it is kept)\n{step}Nothing was changed.\n");
        assert_eq!(text, expected);
        assert_eq!(json["changed"][0]["path"], "~/.rc", "{json}");
    }
    let (text, _) = announced(&laptop, ["mark", "../.rc", "--copy"], 0);
    let done = laptop.sync(["mark", "../.rc", "--copy"]).succeeds();
    tells_the_same(&text.lines().skip(1).collect::<Vec<_>>().join("\n"), &done);
}

#[test]
fn a_repair_is_announced_and_not_done() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    for name in ["a", "b", "c"] {
        laptop.write(format!("../{name}"), "1\n");
    }
    laptop.write("../tool/a", "1\n");
    server.write("../c", "of the server\n");
    laptop
        .sync(["mark", "../a", "../b", "../c", "../tool"])
        .succeeds();
    laptop.sync([]).succeeds();
    server.sync([]).exits(1);
    server.remove("../a");
    server.write("../a", "saved\n");
    server.remove("../b");
    server.remove("../tool");
    server.write("../tool/a", "here\n");
    server.write("external/tool/a", "there\n");
    let (text, json) = announced(&server, ["mark", "--repair"], 1);
    for step in [
        "  absorb   ~/a (the link was replaced)\n",
        "  skip     ~/b (the link was removed here)\n",
        "  skip     ~/c (it differs from the copy in the repository)\n",
        "  skip     ~/tool/ (it differs from the copy in the repository)\n",
    ] {
        assert!(text.contains(step), "{step:?} is not in\n{text}");
    }
    assert_eq!(json["marks"].as_array().unwrap().len(), 4, "{json}");
    let (text, _) = announced(&server, ["mark", "--repair", "--yes"], 1);
    assert!(text.contains("  relink   ~/c\n"), "{text}");
    assert!(
        announced(&laptop, ["mark", "--repair"], 0)
            .0
            .contains("Nothing to do")
    );
}

#[test]
fn an_unmark_is_announced_and_not_done() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    for name in ["a", "b", "c"] {
        laptop.write(format!("../{name}"), "1\n");
    }
    laptop.sync(["mark", "../a", "../b"]).succeeds();
    laptop.remove("../b");
    laptop.write("../b", "saved\n");
    let (text, json) = announced(&laptop, ["unmark", "../a", "../b"], 0);
    assert_eq!(
        text,
        "  restore  ~/a is a normal file again\n  remove   external/a\n\
         \x20 keep     external/b (it differs from what stands there)\n  remove   external/b\n\
         Nothing was changed.\n"
    );
    assert_eq!(json["unmarked"][0]["there"], true, "{json}");
    laptop
        .sync(["unmark", "-n", "../c"])
        .exits(1)
        .tells("is not marked");
    let done = laptop.sync(["unmark", "../a", "../b"]).succeeds();
    let steps: Vec<_> = text.lines().filter(|line| !line.contains("keep")).collect();
    tells_the_same(&steps.join("\n"), &done);
    done.tells("  keep     ~/b as it was: ");
    assert_eq!(laptop.sync(["list", "-n"]).succeeds().stdout(), "");
}

#[test]
fn a_version_for_some_machines_is_announced_and_not_made() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "1\n");
    let (text, _) = announced(&laptop, ["mark", "../.rc", "--variant=mac"], 0);
    assert!(text.ends_with("Nothing was changed.\n"), "{text}");
    laptop.sync(["mark", "../.rc"]).succeeds();
    let (text, _) = announced(&laptop, ["mark", "../.rc", "--variant=mac"], 0);
    let done = laptop.sync(["mark", "../.rc", "--variant=mac"]).succeeds();
    let steps: Vec<_> = text
        .lines()
        .filter(|line| !line.contains("change"))
        .collect();
    tells_the_same(&steps.join("\n"), &done);
    let (text, json) = announced(&laptop, ["unmark", "../.rc", "--variant=mac"], 0);
    assert!(text.contains("  remove   external/"), "{text}");
    assert_eq!(json["dropped"].as_array().unwrap().len(), 1, "{json}");
    let (text, _) = announced(&laptop, ["unmark", "../.rc"], 0);
    assert_eq!(text.matches("  remove   external/").count(), 2, "{text}");
}
