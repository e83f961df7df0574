//! `git sync` on an ordinary day: what changed here goes out, what changed there comes in.

use crate::support::{Conflict, IGNORE, Machine, Sandbox, all_agree, settle, wait_until};
use serde_json::json;

#[test]
fn when_nothing_changed_it_says_so_and_changes_nothing() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    let before = (laptop.head(), remote.tip("main"), laptop.fingerprint());

    laptop
        .sync([])
        .succeeds()
        .says("✓ Already in sync with origin/main");

    assert_eq!(
        before,
        (laptop.head(), remote.tip("main"), laptop.fingerprint())
    );
    laptop.is_in_sync_with(&remote).shows("✓");
}

#[test]
fn a_change_here_is_committed_and_pushed() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("zshrc", "export EDITOR=hx\n")
        .write("vim/gvimrc", "set guifont=Hack\n");

    laptop
        .sync([])
        .succeeds()
        .says("✓ In sync with origin/main")
        .tells("  commit   2 files: vim/gvimrc, zshrc\n")
        .tells("  push     1 commit to origin/main\n");

    laptop.is_in_sync_with(&remote).shows("✓");
    remote.has("zshrc", "export EDITOR=hx");
    remote.has("vim/gvimrc", "set guifont=Hack");
    assert_eq!(remote.commits(), 2);
}

#[test]
fn a_change_there_arrives_here() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    server.write("tmux.conf", "set -g mouse off\n");
    server.sync([]).succeeds();

    laptop
        .sync([])
        .succeeds()
        .says("✓ In sync with origin/main")
        .tells("  pull     1 commit")
        .tells("tmux.conf");

    laptop.has("tmux.conf", "set -g mouse off\n");
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn changes_to_different_files_meet_in_a_straight_history() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "laptop\n");
    server.write("tmux.conf", "server\n");

    settle(&[&laptop, &server]);

    laptop.has("tmux.conf", "server\n");
    server.has("zshrc", "laptop\n");
    all_agree(&[&laptop, &server], &remote);
    assert_eq!(remote.git(["rev-list", "--merges", "--count", "main"]), "0");
}

#[test]
fn changes_to_different_lines_of_one_file_are_merged() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let lines = |first: &str, last: &str| format!("{first}\n2\n3\n4\n5\n6\n7\n8\n{last}\n");
    laptop.write("zshrc", lines("1", "9"));
    settle(&[&laptop, &server]);

    laptop.write("zshrc", lines("one", "9"));
    server.write("zshrc", lines("1", "nine"));
    settle(&[&laptop, &server]);

    laptop.has("zshrc", lines("one", "nine"));
    server.has("zshrc", lines("one", "nine"));
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_deleted_file_goes_everywhere_and_its_empty_folder_too() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.remove("vim/vimrc");

    settle(&[&laptop, &server]);

    server.lacks("vim/vimrc").lacks("vim");
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_renamed_file_takes_a_change_from_elsewhere_along() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.rename("zshrc", "zsh/rc");
    server.write(
        "zshrc",
        "setopt autocd\nalias ll='ls -l'\nexport EDITOR=vi\nexport PAGER=less\n",
    );

    settle(&[&laptop, &server]);

    laptop.has(
        "zsh/rc",
        "setopt autocd\nalias ll='ls -l'\nexport EDITOR=vi\nexport PAGER=less\n",
    );
    server.lacks("zshrc");
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn links_and_executable_bits_travel() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("bin/backup", "#!/bin/sh\n")
        .chmod("bin/backup", 0o755);
    laptop.link("vimrc", "vim/vimrc");
    laptop.link("dangling", "/nowhere/at all");

    settle(&[&laptop, &server]);

    assert_eq!(server.mode("bin/backup"), 0o755);
    server
        .links("vimrc", "vim/vimrc")
        .links("dangling", "/nowhere/at all");
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn commits_made_by_hand_are_pushed_as_they_are() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "one\n");
    laptop.commit("zsh: one");
    laptop.write("zshrc", "two\n");
    let tip = laptop.commit("zsh: two");

    laptop
        .sync([])
        .succeeds()
        .tells("  push     2 commits to origin/main\n");

    assert_eq!(remote.tip("main"), tip);
}

#[test]
fn commits_made_by_hand_keep_author_and_message_when_they_move() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "laptop\n");
    laptop.commit("zsh: a subject\n\nand a body");
    let facts = "%an <%ae> %at %B";
    let before = laptop.git(["log", "-1", &format!("--format={facts}")]);

    laptop.sync([]).succeeds();

    assert_eq!(
        remote.git(["log", "-1", &format!("--format={facts}"), "main"]),
        before
    );
    laptop.is_in_sync_with(&remote);
}

#[test]
fn a_partly_staged_file_is_committed_as_it_is_on_disk() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "staged\n");
    laptop.git(["add", "zshrc"]);
    laptop.write("zshrc", "staged and more\n");

    laptop.sync([]).succeeds();

    remote.has("zshrc", "staged and more");
    laptop.is_in_sync_with(&remote);
}

#[test]
fn machine_specific_and_ignored_files_stay_where_they_are() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("zshrc.local", "laptop only\n")
        .write("vim/x.local", "laptop\n");
    server
        .write("zshrc.local", "server only\n")
        .write("zshrc", "source zshrc.local\n");

    settle(&[&laptop, &server]);

    laptop.has("zshrc.local", "laptop only\n");
    server
        .has("zshrc.local", "server only\n")
        .lacks("vim/x.local");
    assert!(remote.files().iter().all(|name| !name.ends_with(".local")));
}

#[test]
fn our_own_files_are_never_committed() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).succeeds();

    for name in ["last-sync", "sync-status", "state"] {
        assert!(
            laptop.exists(format!(".sync/{name}")),
            ".sync/{name} is missing"
        );
    }
    assert!(
        remote
            .files()
            .iter()
            .all(|name| !name.starts_with(".sync/"))
    );
    laptop.is_clean();
}

#[test]
fn our_own_files_are_not_committed_where_the_rule_is_lost() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write(".gitignore", "# somebody cleaned up\n");
    settle(&[&laptop, &server]);
    let files = remote.files();
    assert!(
        files.iter().all(|name| !name.starts_with(".sync/")),
        "{files:?}"
    );
    for machine in [&laptop, &server] {
        machine.has(".gitignore", "# somebody cleaned up\n");
        machine.sync([]).succeeds().says("Already in sync");
    }
}

#[test]
fn the_automatic_commit_names_the_machine_and_the_files() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).succeeds();

    let message = remote.git(["log", "-1", "--format=%an|%ae|%B", "main"]);
    assert!(
        message.starts_with("Ana on laptop|ana@laptop.example|"),
        "{message}"
    );
    assert!(
        message.contains("laptop") && message.contains("zshrc"),
        "{message}"
    );
}

#[test]
fn it_works_from_a_folder_below_and_as_a_git_command() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "from below\n");
    laptop.at("vim").sync([]).succeeds();
    remote.has("zshrc", "from below");

    laptop.write("zshrc", "through git\n");
    laptop.at("vim").try_git(["sync"]).succeeds();
    remote.has("zshrc", "through git");

    let root = server.root().to_str().unwrap().to_owned();
    server.write("tmux.conf", "word form\n");
    server.at_home().sync(["-C", &root, "run"]).succeeds();
    remote.has("tmux.conf", "word form");
}

#[test]
fn without_a_remote_it_commits_here_and_says_so() {
    let sandbox = Sandbox::new();
    let laptop = sandbox.fresh("laptop");
    laptop
        .sh("git init -q configs && git -C configs config sync.enabled true")
        .succeeds();
    laptop.write(".gitignore", IGNORE).write("zshrc", "alone\n");

    laptop
        .sync([])
        .succeeds()
        .says("✓ Committed here (no remote)");

    assert_eq!(laptop.committed("zshrc"), "alone\n");
    laptop.is_clean().shows("✓");
}

#[test]
fn offline_commits_and_touches_no_remote() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    let tip = remote.tip("main");
    laptop.write("zshrc", "offline\n");

    laptop.sync(["--offline"]).succeeds();

    assert_eq!(remote.tip("main"), tip);
    assert_eq!(laptop.committed("zshrc"), "offline\n");
    assert_eq!(laptop.state().ahead, 1);
    laptop.shows("↑").lacks(".git/FETCH_HEAD");
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn every_run_is_recorded() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.write("zshrc", "1\n");
    laptop.sync([]).succeeds();

    let history = laptop.read(".git/sync/history.jsonl");
    let records: Vec<serde_json::Value> = history
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(records.len(), 2, "{history}");
    let told = laptop.sync(["log", "--json"]).succeeds().stdout();
    let mut lines: Vec<&str> = told.lines().collect();
    lines.sort_unstable();
    let mut kept: Vec<&str> = history.lines().collect();
    kept.sort_unstable();
    assert_eq!(lines, kept, "not the raw lines");
    laptop
        .sync(["log", "--max-count=1"])
        .succeeds()
        .says("committed 1, pulled 0, pushed 1");
}

#[test]
fn local_files_are_not_committed_where_the_rule_is_lost() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("zshrc.local", "secret\n")
        .write("keys.local/id", "secret\n")
        .write("shared.local", "for all\n");
    laptop.git(["add", "--force", "shared.local"]);
    laptop.sync([]).succeeds();
    server.write(".gitignore", "/.sync/*\n");
    settle(&[&server, &laptop]);
    laptop.has(".gitignore", "/.sync/*\n");

    // Not by a sync, not by one with other work, not by a hook.
    laptop.sync([]).succeeds();
    laptop.hook("pre-commit", "git add -A");
    laptop.write("zshrc", "changed\n");
    laptop.write("shared.local", "changed\n");
    laptop.sync([]).succeeds().tells("commit   2 files");

    let files = remote.files();
    let local: Vec<_> = files.iter().filter(|f| f.contains(".local")).collect();
    assert_eq!(local, ["shared.local"]);
    remote.has("shared.local", "changed");
    laptop.has("zshrc.local", "secret\n").shows("✓");
    laptop.sync(["status"]).does_not_say("zshrc.local");

    // What the user adds, or makes an exception for, is theirs to share.
    laptop.git(["add", "keys.local/id"]);
    laptop.write(".gitignore", "/.sync/*\n!/zshrc.local\n");
    laptop.sync([]).succeeds();
    remote.has("keys.local/id", "secret");
    remote.has("zshrc.local", "secret");
}

/// The newest record of the history.
fn last_record(machine: &Machine) -> serde_json::Value {
    let history = machine.read(".git/sync/history.jsonl");
    serde_json::from_str(history.lines().last().unwrap()).unwrap()
}

/// Expects each of these members in the newest record.
#[track_caller]
fn is_recorded(machine: &Machine, expected: &serde_json::Value) {
    let record = last_record(machine);
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&record[key], value, "{key} of {record}");
    }
}

#[test]
fn a_record_says_when_a_run_was_what_it_did_and_how_it_ended() {
    let conflict = Conflict::of_content();
    let Conflict { laptop, remote, .. } = &conflict;
    laptop.with("GIT_SYNC_NOW", "1800000000").sync([]).exits(1);
    let record = last_record(laptop);
    let keys: Vec<_> = record.as_object().unwrap().keys().collect();
    let all = "background command committed connections end held ms pulled pushed result schema start \
               state";
    assert_eq!(keys, all.split_whitespace().collect::<Vec<_>>());
    assert!(
        record["ms"].as_u64().is_some_and(|ms| ms < 600_000),
        "{record}"
    );
    let expected = json!({
        "schema": 1, "command": "sync", "background": false,
        "start": "2027-01-15T08:00:00Z", "end": "2027-01-15T08:00:00Z",
        "result": "held", "state": "held",
        "committed": 2, "pulled": 1, "pushed": 1, "held": 1, "connections": 3,
    });
    is_recorded(laptop, &expected);

    laptop.sync(["resolve", "--ours"]).succeeds();
    is_recorded(
        laptop,
        &json!({ "command": "resolve", "result": "ok", "state": "synced", "committed": 1,
            "pushed": 1, "held": 0, "connections": 1 }),
    );
    laptop.sync([]).succeeds();
    is_recorded(
        laptop,
        &json!({ "committed": 0, "pulled": 0, "pushed": 0, "connections": 1, "result": "ok" }),
    );
    laptop.write("zshrc", "forced\n");
    laptop.sync(["force-push", "--yes"]).succeeds();
    is_recorded(
        laptop,
        &json!({ "command": "force-push", "result": "ok", "pushed": 1 }),
    );

    laptop.write("zshrc", "refused\n");
    laptop.hook("pre-commit", "echo no >&2; exit 1");
    laptop.sync([]).exits(1);
    is_recorded(laptop, &json!({ "result": "failed", "state": "error" }));
    let error = last_record(laptop)["error"].to_string();
    assert!(error.contains("pre-commit"), "{error}");
    laptop.remove(".git/hooks/pre-commit");

    std::fs::rename(remote.path(), remote.path().with_extension("gone")).unwrap();
    laptop.sync([]).exits(3);
    is_recorded(
        laptop,
        &json!({ "result": "unreachable", "state": "ahead", "committed": 1, "pushed": 0 }),
    );
    laptop.config("sync.interval", "0");
    laptop.sync(["--background"]).succeeds();
    wait_until("the background run is recorded", || {
        last_record(laptop)["background"] == true
    });
}

#[test]
fn what_was_staged_and_taken_back_is_nothing_to_commit() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    let head = laptop.head();
    let before = laptop.read("zshrc");
    laptop.write("zshrc", "staged\n").write("new", "staged\n");
    laptop.git(["add", "zshrc", "new"]);
    laptop.write("zshrc", &before);
    laptop.remove("new");
    let fingerprint = laptop.fingerprint();
    laptop.sync(["--dry-run"]).succeeds();
    assert_eq!(laptop.fingerprint(), fingerprint);

    laptop.sync([]).succeeds();

    laptop.is_clean().is_in_sync_with(&remote).is_whole();
    assert_eq!(laptop.head(), head);
    laptop.sync(["--status"]).succeeds().says("In sync");
    // It was in the index alone.
    let kept = laptop.git([
        "for-each-ref",
        "--format=%(refname)",
        "refs/git-sync/before/",
    ]);
    assert!(kept.ends_with("-staged"), "{kept}");
    let staged = laptop.git(["show", &format!("{kept}:zshrc")]);
    assert_eq!(staged, "staged");
}
