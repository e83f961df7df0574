//! `--dry-run` changes nothing, and what it announces is what a sync then does.

use crate::support::{Conflict, Machine, Output, Sandbox};

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
