//! `git sync doctor`: what is wrong is found, each with what mends it, and nothing is changed.

use crate::support::{Machine, Output, Sandbox, Sshd, am_root};

/// What was said of a topic that is not as it should be: the verdict, the text and the fixes.
fn finding(output: &Output, topic: &str) -> (String, String, String) {
    let json = output.json();
    let all = json["findings"].as_array().unwrap();
    let found = all
        .iter()
        .find(|found| found["topic"] == topic && found["verdict"] != "good")
        .unwrap_or_else(|| panic!("nothing of '{topic}' in {json:#}"));
    (
        found["verdict"].as_str().unwrap().to_owned(),
        found["text"].as_str().unwrap().to_owned(),
        found["fixes"].to_string(),
    )
}

#[track_caller]
fn finds(machine: &Machine, exit: i32, topic: &str, verdict: &str, text: &str, fix: &str) {
    let output = machine.sync(["doctor", "--json"]).exits(exit);
    let (found, said, fixes) = finding(&output, topic);
    assert_eq!(found, verdict, "{said}");
    assert!(said.contains(text), "{said}");
    assert!(fixes.contains(fix), "{fixes}");
}

#[test]
fn a_healthy_machine_has_nothing_to_mend() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.write("../.rc", "rc\n");
    laptop.sync(["mark", "../.rc"]).succeeds();
    laptop.sync([]).succeeds();
    let before = laptop.fingerprint();
    let output = laptop.sync(["doctor"]).succeeds();
    for topic in [
        "git ",
        "repository",
        "remote ",
        "marks ",
        "history",
        "backups",
    ] {
        assert!(
            output.stdout().contains(&format!("✓ {topic}")),
            "{}",
            output.stdout()
        );
    }
    assert!(!output.stdout().contains('✗'), "{}", output.stdout());
    assert_eq!(laptop.fingerprint(), before, "it changes nothing");
}

#[test]
fn without_a_repository_it_says_so_and_looks_at_the_rest() {
    let laptop = Sandbox::new().fresh("laptop").at_home();
    let output = laptop.sync(["doctor"]).exits(1);
    let said = output.stdout();
    assert!(
        said.contains("✗ repository  no configs repository here"),
        "{said}"
    );
    assert!(said.contains("git sync --setup URL"), "{said}");
    assert!(said.contains("✓ git"), "{said}");
    assert!(said.contains("1 problem"), "{said}");
}

#[test]
fn another_program_of_our_name_that_comes_first_is_found() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let laptop = sandbox.machine("laptop", &remote);
    let folder = laptop.home().join("other");
    std::fs::create_dir(&folder).unwrap();
    laptop.program(
        &folder.join("git-sync"),
        "#!/bin/sh\ngit reset --hard\ngit clean -d -f -x\n",
    );
    let path = format!("{}:{}", folder.display(), laptop.path_variable());
    let ours = laptop.sh("command -v git-sync").stdout();
    let run = laptop
        .with("PATH", path)
        .sh(&format!("{} doctor --json || true", ours.trim()));
    let (verdict, text, fix) = finding(&run, "program");
    assert_eq!(verdict, "bad");
    assert!(
        text.contains("deletes files; it is found before this one"),
        "{text}"
    );
    assert!(fix.contains("first in PATH"), "{fix}");
}

#[test]
fn an_old_git_is_named() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let laptop = sandbox.machine("laptop", &remote);
    laptop.sync([]).succeeds();
    let git = laptop.sh("command -v git").stdout();
    sandbox.tool(
        "git",
        &format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && echo 'git version 2.30.2' && exit 0\nexec {} \"$@\"\n",
            git.trim()
        ),
    );
    finds(
        &laptop,
        1,
        "git",
        "bad",
        "git version 2.30.2 is too old",
        "2.38 or newer",
    );
}

#[test]
fn troubles_of_the_repository_are_found() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();

    // A git that died.
    laptop.write(".git/index.lock", "");
    let lock = laptop.path(".git/index.lock");
    laptop
        .sh(&format!("touch -d '2001-01-01' '{}'", lock.display()))
        .succeeds();
    finds(&laptop, 1, "lock", "bad", "a git died and left it", "rm '");
    std::fs::remove_file(&lock).unwrap();

    laptop.git_global_unset("user.name");
    laptop.git_global_unset("user.email");
    let output = laptop.sync(["doctor", "--json"]).exits_with_one_of(&[0, 1]);
    let (verdict, _, fix) = finding(&output, "identity");
    assert_eq!(verdict, "warning");
    assert!(fix.contains("git config --global user.email"), "{fix}");

    // No branch to sync.
    laptop.git(["switch", "-q", "--detach"]);
    finds(
        &laptop,
        1,
        "repository",
        "bad",
        "HEAD is detached",
        "git switch",
    );

    server.write("zshrc", "server\n");
    server.sync([]).succeeds();
    laptop.git(["switch", "-q", "main"]);
    laptop.write("zshrc", "laptop\n");
    laptop.sync([]).exits(1);
    finds(
        &laptop,
        0,
        "held",
        "warning",
        "1 path waits for a decision: zshrc",
        "--resolve",
    );
}

#[test]
fn marks_that_are_not_as_they_should_be_are_found() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "rc\n");
    laptop.sync(["mark", "../.rc"]).succeeds();
    laptop.sync([]).succeeds();
    laptop.remove("../.rc");
    laptop.write("../.rc", "replaced\n");
    finds(
        &laptop,
        0,
        "marks",
        "warning",
        "~/.rc: its link was replaced by a file",
        "mark --repair",
    );
}

#[test]
fn a_remote_that_cannot_be_reached_without_asking_is_found() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let sshd = Sshd::asking_for_a_password(&sandbox);
    let laptop = sandbox.machine("laptop", &remote);
    laptop.sync([]).succeeds();
    laptop.git(["remote", "set-url", "origin", &sshd.url(&remote)]);
    finds(
        &laptop,
        1,
        "remote",
        "bad",
        "asks for a login, and in the background nobody answers",
        "ssh-add",
    );
    let offline = laptop.sync(["doctor", "--offline"]).succeeds().stdout();
    assert!(!offline.contains(" remote "), "{offline}");

    laptop.git(["remote", "set-url", "origin", "/nowhere/at/all"]);
    finds(
        &laptop,
        1,
        "remote",
        "bad",
        "'origin' was not reached",
        "git fetch",
    );
    // And the runs that have failed since.
    laptop.sync([]).exits_with_one_of(&[1, 2, 3, 4, 5, 6, 7]);
    laptop
        .sync(["doctor", "--offline"])
        .exits_with_one_of(&[0, 1]);
}

#[test]
fn runs_in_the_background_that_fail_are_found() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.hook("pre-commit", "#!/bin/sh\necho no >&2\nexit 1\n");
    laptop.write("zshrc", "new\n");
    laptop.sync([]).exits_with_one_of(&[1]);
    laptop.sync([]).exits_with_one_of(&[1]);
    finds(&laptop, 1, "history", "bad", "2 of the last", "git sync -v");
}

#[test]
fn files_of_another_user_are_found() {
    if am_root() {
        let sandbox = Sandbox::unprivileged();
        let remote = sandbox.remote();
        let laptop = sandbox.machine("laptop", &remote);
        laptop.sync([]).succeeds();
        std::os::unix::fs::chown(laptop.path(".git/index"), Some(0), None).unwrap();
        finds(
            &laptop,
            1,
            "files",
            "bad",
            "belongs to another user",
            "sudo chown -R",
        );
    }
    let sandbox = Sandbox::unprivileged();
    let remote = sandbox.remote();
    let laptop = sandbox.machine("laptop", &remote);
    laptop.sync([]).succeeds();
    laptop.chmod(".git/objects", 0o500);
    finds(
        &laptop,
        1,
        "files",
        "bad",
        "cannot be written",
        "chmod u+rwx",
    );
    laptop.chmod(".git/objects", 0o755);
}

#[test]
fn a_clock_that_is_behind_is_found() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    let early = laptop.with("GIT_SYNC_NOW", "1000000000");
    let output = early.sync(["doctor", "--json"]).exits_with_one_of(&[0, 1]);
    let (verdict, text, _) = finding(&output, "clock");
    assert_eq!(verdict, "warning");
    assert!(text.contains("minutes in the future"), "{text}");
}

#[test]
fn a_schedule_that_does_not_run_is_found() {
    let sandbox = Sandbox::new();
    sandbox.tool(
        "systemctl",
        "#!/bin/sh\ncase \"$2\" in show) echo ActiveState=inactive ;; esac\n",
    );
    let remote = sandbox.remote();
    let laptop = sandbox.machine("laptop", &remote);
    laptop.sync([]).succeeds();
    laptop.sync(["schedule", "install"]).succeeds();
    finds(
        &laptop,
        1,
        "schedule",
        "bad",
        "systemd does not know of it",
        "schedule install",
    );
}

#[test]
fn a_disk_that_is_almost_full_is_found() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../small/keep", "");
    let script = format!(
        "mount -t tmpfs -o size=8m,mode=755 tmpfs ../small && cd ../small
        git clone -q --template= {} configs && cd configs
        git config sync.enabled true && git sync -q
        git sync doctor --offline --json || echo 'exit 1' >&2",
        remote.url(),
    );
    let output = laptop.sh_with_disks(&script).succeeds().tells("exit 1");
    let (verdict, text, fix) = finding(&output, "disk");
    assert_eq!(verdict, "bad");
    assert!(text.contains("left where the work tree is"), "{text}");
    assert!(fix.contains("make room"), "{fix}");
}

#[test]
fn backups_that_do_not_restore_are_found() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.config("sync.backup", "false");
    laptop.sync([]).succeeds();
    finds(
        &laptop,
        0,
        "backups",
        "warning",
        "none are made",
        "sync.backup",
    );
    laptop.git(["config", "--unset", "sync.backup"]);
    finds(
        &laptop,
        0,
        "backups",
        "warning",
        "there is none yet",
        "--backup-only",
    );
    laptop.sync(["--backup-only"]).succeeds();
    let damage = "for file in .sync/backups/*.tar.gz; do head -c 200 \"$file\" >cut && cat cut >\"$file\" && rm cut; done";
    laptop.sh(damage).succeeds();
    let output = laptop.sync(["doctor", "--json"]).exits(1);
    assert_eq!(finding(&output, "backups").0, "bad");
}

#[test]
fn hooks_that_do_not_run_are_found() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    finds(
        &laptop,
        0,
        "hooks",
        "warning",
        "no post-commit",
        "git sync hooks install",
    );
    laptop.sync(["hooks", "install"]).succeeds();
    laptop.sync(["doctor"]).succeeds().says("✓ hooks");
    laptop.sync(["hooks", "remove"]).succeeds();
    laptop.config("sync.hooks", "false");
    laptop.sync(["doctor"]).succeeds().does_not_say(" hooks ");
    laptop.git(["config", "--unset", "sync.hooks"]);
    laptop.git(["config", "core.hooksPath", "/somewhere/else"]);
    finds(
        &laptop,
        0,
        "hooks",
        "warning",
        "nothing can be put beside yours",
        "hooks status",
    );
}
