//! Our hooks in the user's repository: the state is right after a git command of theirs, whatever hooks they
//! have, and git works as before.

use std::fs;

use crate::support::{Machine, Sandbox, needs};

/// A machine that was set up, with its hooks.
fn set_up() -> (Sandbox, Machine, Machine) {
    let sandbox = Sandbox::new();
    let (laptop, server, _) = sandbox.laptop_and_server();
    laptop.sync(["--setup", "--yes"]).succeeds();
    (sandbox, laptop, server)
}

const EVENTS: [&str; 4] = ["post-commit", "post-merge", "post-checkout", "post-rewrite"];

#[test]
fn the_state_is_right_after_each_git_command_by_hand() {
    let (_sandbox, laptop, server) = set_up();
    laptop.shows("✓");
    laptop.write("zshrc", "mine\n");
    laptop.git(["commit", "-qam", "by hand"]);
    assert_eq!(laptop.state().ahead, 1);
    laptop.shows("↑");

    server.sync([]).succeeds();
    server.write("vimrc", "theirs\n");
    server.sync([]).succeeds();
    laptop.git(["pull", "-q", "--rebase"]);
    assert_eq!((&*laptop.state().word, laptop.state().ahead), ("ahead", 1));

    laptop.git(["reset", "-q", "--hard", "origin/main~1"]);
    laptop.git(["merge", "-q", "--ff-only", "origin/main"]);
    laptop.shows("✓");
    laptop.git(["switch", "-qc", "other"]);
    laptop.shows("✗");
    laptop.git(["switch", "-q", "main"]);
    laptop.shows("✓");
    laptop.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    laptop.git(["commit", "-q", "--allow-empty", "-m", "y"]);
    laptop.git(["rebase", "-q", "-f", "HEAD~2"]);
    assert_eq!(laptop.state().ahead, 2);
    laptop.git(["reset", "-q", "--hard", "origin/main"]);
    for name in ["a", "b"] {
        laptop.write(name, name);
        laptop.commit(name);
    }
    laptop.git(["reset", "-q", "--hard", "origin/main"]);
    laptop.git(["cherry-pick", "ORIG_HEAD~1", "ORIG_HEAD"]);
    assert_eq!((&*laptop.state().word, laptop.state().ahead), ("ahead", 2));
    laptop.sync([]).succeeds();
}

#[test]
fn what_is_put_in_is_taken_out_again() {
    let (_sandbox, laptop, _) = set_up();
    for event in EVENTS {
        assert_eq!(laptop.mode(format!(".git/hooks/{event}")), 0o755);
    }
    let again = laptop.sync(["--setup", "--yes"]).succeeds();
    assert!(again.stderr().contains("= hooks"), "{}", again.scene());
    laptop.sync(["hooks"]).succeeds().says("= post-commit");

    let removed = laptop.sync(["hooks", "remove"]).succeeds();
    assert!(
        removed.stdout().contains("- post-rewrite"),
        "{}",
        removed.scene()
    );
    for event in EVENTS {
        laptop.lacks(format!(".git/hooks/{event}"));
    }
    laptop
        .sync(["hooks", "status"])
        .succeeds()
        .says("! post-merge    is not there");
    // Once taken out, they stay out.
    laptop.sync(["--setup", "--yes"]).succeeds();
    laptop.lacks(".git/hooks/post-commit");

    let installed = laptop
        .sync(["hooks", "install", "--json"])
        .succeeds()
        .json();
    assert_eq!(installed["hooks"][0]["standing"], "file", "{installed}");
    assert_eq!(installed["hooks"][0]["new"], true, "{installed}");
    laptop
        .sync(["--setup", "--remove", "--yes"])
        .succeeds()
        .tells("- hooks");
    for event in EVENTS {
        laptop.lacks(format!(".git/hooks/{event}"));
    }
    let left = laptop.git(["config", "--local", "--list"]);
    assert!(!left.contains("sync.") && !left.contains("hook."), "{left}");
}

#[test]
fn a_setup_without_hooks_puts_in_none_and_remembers_it() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    for words in [
        &["--setup", "--yes", "--no-hooks"][..],
        &["--setup", "--yes"],
    ] {
        let mut command = laptop.command("git-sync");
        command.args(words);
        laptop.run(command).succeeds().does_not_tell("hooks");
        laptop.lacks(".git/hooks/post-commit");
    }
    laptop.sync(["status", "--no-hooks"]).exits(129);
}

#[test]
fn hooks_of_the_user_run_as_before_with_their_own_status() {
    let (_sandbox, laptop, _) = set_up();
    laptop.sync(["hooks", "remove"]).succeeds();
    let theirs = "cat >/dev/null; echo \"$0 $*\" >> ../ran; exit 3";
    for event in EVENTS {
        laptop.hook(event, theirs);
    }
    laptop.hook("post-merge", "set -eu; echo bash >> ../ran; exec true");
    let before = EVENTS.map(|event| laptop.read(format!(".git/hooks/{event}")));
    laptop
        .sync(["hooks", "install"])
        .succeeds()
        .says("beside yours");

    laptop.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    laptop.shows("↑");
    // Where this one fails, so does the command.
    laptop.try_git(["checkout", "-q", "-b", "other"]).exits(1);
    laptop.try_git(["checkout", "-q", "main"]).exits(1);
    laptop.git(["reset", "-q", "--hard", "HEAD~1"]);
    laptop.git(["merge", "-q", "--ff-only", "HEAD@{1}"]);
    laptop.shows("↑");
    laptop.git(["commit", "-q", "--amend", "--allow-empty", "-m", "y"]);
    let ran = laptop.read("../ran");
    assert!(
        ran.contains("post-commit \n") && ran.contains("bash\n"),
        "{ran}"
    );
    assert!(ran.contains("post-rewrite amend\n"), "{ran}");
    assert!(
        ran.lines()
            .filter(|line| line.contains("post-checkout"))
            .count()
            == 2,
        "{ran}"
    );

    // A second time changes nothing, and taken out, they are what they were.
    let installed = laptop.read(".git/hooks/post-merge");
    laptop
        .sync(["hooks", "install"])
        .succeeds()
        .says("= post-merge");
    assert_eq!(laptop.read(".git/hooks/post-merge"), installed);
    laptop.sync(["hooks", "remove"]).succeeds();
    assert_eq!(
        EVENTS.map(|event| laptop.read(format!(".git/hooks/{event}"))),
        before
    );
}

#[test]
fn what_is_not_a_script_of_a_shell_is_left_alone_and_told() {
    let (sandbox, laptop, _) = set_up();
    laptop.sync(["hooks", "remove"]).succeeds();
    let hooks = laptop.path(".git/hooks");
    let python = "#!/usr/bin/env python3\nprint('theirs')\n";
    fs::write(hooks.join("post-commit"), python).unwrap();
    laptop.chmod(".git/hooks/post-commit", 0o755);
    fs::write(hooks.join("post-merge"), "#!/bin/sh\necho switched off\n").unwrap();
    laptop.chmod(".git/hooks/post-merge", 0o644);
    laptop.program(&sandbox.root().join("shared"), "exit 0");
    laptop.link(".git/hooks/post-checkout", sandbox.root().join("shared"));
    let managed = "#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\n";
    fs::write(hooks.join("post-rewrite"), managed).unwrap();
    laptop.chmod(".git/hooks/post-rewrite", 0o755);

    let told = laptop.sync(["hooks", "install"]).succeeds();
    for part in [
        "exists (#!/usr/bin/env python3): left alone",
        "is switched off (not executable): left alone",
        "is a link: left alone",
        "is made by pre-commit: left alone",
    ] {
        assert!(told.stdout().contains(part), "{}", told.scene());
    }
    told.tells("git-sync refresh");
    laptop.has(".git/hooks/post-commit", python);
    laptop.has(".git/hooks/post-merge", "#!/bin/sh\necho switched off\n");
    assert_eq!(laptop.mode(".git/hooks/post-merge"), 0o644);
    laptop.has(".git/hooks/post-rewrite", managed);
    let shared = fs::read_to_string(sandbox.root().join("shared")).unwrap();
    assert_eq!(shared, "#!/bin/sh\nexit 0\n");
    // A setup says the same, and is not stopped by it.
    let setup = laptop.sync(["hooks", "status", "--json"]).succeeds().json();
    assert_eq!(setup["hooks"][1]["standing"], "blocked", "{setup}");
}

#[test]
fn hooks_that_are_elsewhere_are_left_alone() {
    let (_sandbox, laptop, _) = set_up();
    laptop.sync(["hooks", "remove"]).succeeds();
    let everywhere = laptop.home().join("hooks");
    fs::create_dir(&everywhere).unwrap();
    for (key, path) in [
        ("--global", everywhere.as_path()),
        ("--local", ".husky/_".as_ref()),
    ] {
        let path = path.to_str().unwrap();
        laptop.git(["config", key, "core.hooksPath", path]);
        laptop
            .sync(["hooks", "install"])
            .succeeds()
            .says("core.hooksPath is")
            .tells("prompts find out by themselves");
        laptop.lacks(".husky").lacks(".git/hooks/post-commit");
        assert_eq!(fs::read_dir(&everywhere).unwrap().count(), 0);
        laptop.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    }
    // A setup tells it once, and is not stopped by it.
    let setup = laptop.sync(["--setup", "--yes"]).succeeds();
    assert_eq!(
        setup.stderr().matches("core.hooksPath is").count(),
        1,
        "{}",
        setup.scene()
    );
    // Where it leads to the repository's own folder, it is no other one.
    laptop.config("core.hooksPath", ".git/hooks");
    laptop
        .sync(["hooks", "install"])
        .succeeds()
        .says("+ post-commit");
}

#[test]
fn in_a_linked_work_tree_its_own_state_is_written() {
    let (_sandbox, laptop, _) = set_up();
    laptop.git(["worktree", "add", "-q", "-b", "side", "../side"]);
    laptop.git(["push", "-q", "-u", "origin", "side"]);
    let side = laptop.in_repo("side");
    side.sync([]).succeeds();
    side.git(["branch", "-q", "--set-upstream-to", "origin/side"]);
    side.sync([]).succeeds();
    laptop.sync([]).succeeds();
    let main_before = laptop.state();
    side.git(["commit", "-q", "--allow-empty", "-m", "x"]);
    assert_eq!(side.state().ahead, 1);
    assert_eq!(laptop.state(), main_before);
}

#[test]
fn without_the_program_git_works_as_before() {
    let (sandbox, laptop, _) = set_up();
    let copy = sandbox.root().join("bin/git-sync");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_git-sync"), &copy).unwrap();
    laptop
        .sync(["hooks", "install"])
        .succeeds()
        .says("+ post-commit");
    let hook = laptop.read(".git/hooks/post-commit");
    assert!(hook.contains(copy.to_str().unwrap()), "{hook}");
    fs::remove_file(&copy).unwrap();
    for words in [
        ["commit", "--allow-empty", "-qm", "x"],
        ["checkout", "-q", "-b", "other"],
        ["commit", "--allow-empty", "-qm", "y"],
        ["rebase", "-q", "-f", "main"],
    ] {
        let output = laptop.try_git(words).succeeds();
        assert!(!output.stderr().contains("git-sync"), "{}", output.scene());
    }
    laptop.git(["checkout", "-q", "main"]);
    laptop.git(["merge", "-q", "other"]);
    // The other program of the same name is told as what it is, and put right.
    laptop
        .sync(["hooks"])
        .succeeds()
        .says("is not the one of this program");
    laptop
        .sync(["hooks", "install"])
        .succeeds()
        .says("+ post-commit");
}

#[test]
fn a_sync_does_not_run_them() {
    needs("strace");
    let (_sandbox, laptop, server) = set_up();
    server.sync([]).succeeds();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "changed\n");
    let trace = laptop.home().join("trace");
    let mut command = laptop.command("strace");
    command.args(["-f", "-q", "-s", "999", "-e", "trace=execve", "-o"]);
    command.arg(&trace).arg("git-sync");
    laptop.run(command).succeeds();
    let trace = fs::read_to_string(trace).unwrap();
    assert!(trace.contains("update-ref"), "{trace}");
    for event in EVENTS {
        let ran = trace
            .lines()
            .find(|line| line.contains(&format!("hooks/{event}")));
        assert_eq!(ran, None);
    }
    assert!(!trace.contains("\"refresh\""), "{trace}");
}

#[test]
fn a_hook_costs_one_process_and_little_time() {
    needs("strace");
    let (_sandbox, laptop, _) = set_up();
    let trace = laptop.home().join("trace");
    let mut command = laptop.command("strace");
    command.args(["-f", "-q", "-s", "999", "-e", "trace=execve", "-o"]);
    command
        .arg(&trace)
        .args(["git", "commit", "-q", "--allow-empty", "-m", "x"]);
    laptop.run(command).succeeds();
    let trace = fs::read_to_string(trace).unwrap();
    let ours = trace
        .lines()
        .skip_while(|line| !line.contains("\"refresh\""));
    let git = ours
        .filter(|line| line.contains("execve(") && line.contains("= 0"))
        .count();
    // Git itself may look after its repository afterwards.
    let upkeep = trace
        .lines()
        .filter(|line| line.contains("\"maintenance\""))
        .count();
    assert!(git <= 1 + upkeep, "{trace}");
}

/// A git that says it is this version, and takes everything else to the real one.
fn pretends_to_be(sandbox: &Sandbox, version: &str) {
    let path = std::env::var_os("PATH").unwrap();
    let real = std::env::split_paths(&path)
        .map(|dir| dir.join("git"))
        .find(|git| git.is_file());
    let real = real.unwrap();
    sandbox.tool(
        "git",
        &format!(
            "#!/bin/sh\ncase \" $* \" in *' version '*) echo 'git version {version}'; exit;; esac\n\
             exec '{}' \"$@\"\n",
            real.display()
        ),
    );
}

#[test]
fn a_git_that_has_them_gets_them_in_its_configuration() {
    let (sandbox, laptop, _) = set_up();
    laptop.hook("post-merge", "exit 0");
    laptop.git_global("core.hooksPath", "/nowhere");
    pretends_to_be(&sandbox, "2.54.0");
    // Those in files give way: none may run twice.
    laptop
        .sync(["hooks", "install"])
        .succeeds()
        .says("+ post-commit   in the configuration");
    laptop
        .lacks(".git/hooks/post-commit")
        .has(".git/hooks/post-merge", "#!/bin/sh\nexit 0\n");
    for event in EVENTS {
        let key = format!("hook.git-sync-{event}");
        assert_eq!(
            laptop.git(["config", "--local", &format!("{key}.event")]),
            event
        );
        // Run as git runs it: through a shell, with the arguments of the hook behind it.
        let line = laptop.git(["config", "--local", &format!("{key}.command")]);
        laptop.remove(".sync/state");
        let mut command = laptop.command("sh");
        command.args(["-c", &format!("{line} \"$@\""), &line, "rebase", "1"]);
        laptop.run(command).succeeds().says_nothing();
        assert_eq!(laptop.state().word, "synced", "{event}");
    }
    laptop
        .sync(["hooks", "install"])
        .succeeds()
        .says("= post-commit");

    // An older git would not run them: then they are files again.
    pretends_to_be(&sandbox, "2.53.1");
    laptop.git_global_unset("core.hooksPath");
    laptop
        .sync(["hooks"])
        .succeeds()
        .says("! post-commit   is not the one of this program");
    laptop
        .sync(["hooks", "install"])
        .succeeds()
        .says("beside yours");
    let left = laptop.git(["config", "--local", "--list"]);
    assert!(!left.contains("hook."), "{left}");
    pretends_to_be(&sandbox, "2.60.0");
    laptop.sync(["hooks", "install"]).succeeds();
    laptop.sync(["--setup", "--remove", "--yes"]).succeeds();
    let left = laptop.git(["config", "--local", "--list"]);
    assert!(!left.contains("hook.") && !left.contains("sync."), "{left}");
}
