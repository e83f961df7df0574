//! What a user can set, and where.

use crate::support::{Sandbox, on_a_terminal, wait_for_quiet};

#[test]
fn the_commit_message_follows_the_template() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let template = "{count} from {machine} by {user}: {files} $(touch ../oops)";
    laptop.config("sync.commitMessage", template);
    laptop
        .write("zshrc", "changed\n")
        .write("tmux.conf", "changed\n");
    laptop.sync([]).succeeds();

    let subject = remote.git(["log", "-1", "--format=%s", "main"]);
    let start = "2 from ana@laptop-linux by ana: tmux.conf, zshrc $(touch ../oops)";
    assert!(subject.starts_with(start), "{subject}");
    laptop.lacks("../oops");

    laptop.config("sync.commitMessage", "{unknown}");
    laptop.write("zshrc", "changed again\n");
    laptop
        .sync([])
        .exits(128)
        .tells("sync.commitMessage")
        .tells("{unknown}");
}

#[test]
fn a_commit_message_without_a_word_is_refused() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let before = remote.tip("main");
    laptop.write("zshrc", "changed\n");
    for template in ["", " ", "\n"] {
        laptop.config("sync.commitMessage", template);
        laptop
            .sync([])
            .exits(128)
            .tells("for 'sync.commitMessage'")
            .tells("hint: git config --show-origin --get sync.commitMessage");
    }
    assert_eq!(remote.tip("main"), before);
    laptop.config("sync.commitMessage", "\n {files}\n");
    laptop.sync([]).succeeds();
    let message = remote.git(["log", "-1", "--format=%B", "main"]);
    assert!(message.starts_with("zshrc\n\n"), "{message:?}");
}

#[test]
fn the_name_of_a_machine_stays_in_one_line_whatever_its_file_says() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let rude = "ana@lap\u{1b}[31m\n\r\ntop-linux\t\n";
    let subject = |path: &str| {
        laptop.write(path, "changed\n");
        laptop.sync([]).succeeds();
        remote.git(["log", "-1", "--format=%B", "main"])
    };
    laptop.git_global_unset("sync.machineId");
    laptop.write(".sync/machine-id", rude);
    let told = subject("zshrc");
    let expected = "sync: zshrc on ana@lap-[31m---top-linux\n\n";
    assert!(told.starts_with(expected), "{told:?}");

    laptop.config("sync.machineId", rude);
    let told = subject("tmux.conf");
    let expected = "sync: tmux.conf on ana@lap-[31m---top-linux\n\n";
    assert!(told.starts_with(expected), "{told:?}");
}

#[test]
fn with_commit_never_changes_stay_uncommitted_and_staged_parts_staged() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.commit", "never");
    laptop.write("zshrc", "staged\n");
    laptop.git(["add", "zshrc"]);
    laptop
        .write("vim/vimrc", "unstaged\n")
        .write("new", "untracked\n");
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();

    laptop.sync([]).succeeds();

    laptop
        .has("zshrc", "staged\n")
        .has("vim/vimrc", "unstaged\n")
        .has("new", "untracked\n");
    laptop.has("tmux.conf", "server\n");
    assert_eq!(
        laptop.git(["status", "--porcelain"]),
        " M vim/vimrc\nM  zshrc\n?? new"
    );
    assert_eq!(laptop.head(), remote.tip("main"));
}

#[test]
fn with_commit_never_own_commits_that_have_to_be_merged_are_published() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.commit", "never");
    // The same change in two steps here and in one there: that does not go commit by commit.
    laptop.write("tmux.conf", "mouse one\n");
    laptop.commit("my first");
    laptop.write("tmux.conf", "mouse uno\n");
    laptop.write("vim/vimrc", "mine\n");
    laptop.commit("my second, with vim");
    laptop.write("zshrc", "staged\n");
    laptop.git(["add", "zshrc"]);
    laptop.write("vim/vimrc", "mine\nunstaged\n");
    server.write("tmux.conf", "mouse uno\n");
    server.sync([]).succeeds();

    laptop
        .sync([])
        .succeeds()
        .tells("push     3 commits")
        .says("2 uncommitted changes");

    remote.has("vim/vimrc", "mine");
    remote.has("tmux.conf", "mouse uno");
    let log = remote.git(["log", "--format=%s", "main"]);
    assert!(log.contains("my first") && log.contains("my second, with vim"));
    assert_eq!(laptop.head(), remote.tip("main"));
    assert_eq!(
        laptop.git(["status", "--porcelain"]),
        " M vim/vimrc\nM  zshrc"
    );
    laptop.has("vim/vimrc", "mine\nunstaged\n");
}

#[test]
fn with_commit_never_an_uncommitted_change_in_dispute_holds_its_path_alone() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.commit", "never");
    laptop.write("tmux.conf", "mouse one\n");
    laptop.commit("my first");
    laptop.write("tmux.conf", "mouse uno\n");
    laptop.commit("my second");
    // Staged, and changed back: no later tree tells that there was a dispute about it.
    laptop.write("vim/vimrc", "staged\n");
    laptop.git(["add", "vim/vimrc"]);
    laptop.write("vim/vimrc", "set number\nset list\nset hidden\n");
    laptop.write("zshrc", "here\n");
    server.write("tmux.conf", "mouse uno\n");
    server
        .write("zshrc", "there\n")
        .write("vim/vimrc", "there\n");
    server.sync([]).succeeds();

    laptop.sync([]).exits(1).says("zshrc");

    let log = remote.git(["log", "--format=%s", "main"]);
    assert!(log.contains("my first") && log.contains("my second"));
    remote.has("zshrc", "there");
    laptop
        .has("zshrc", "here\n")
        .has("tmux.conf", "mouse uno\n");
    assert_eq!(laptop.head(), remote.tip("main"));
}

#[test]
fn with_new_files_tracked_untracked_files_stay_out() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.newFiles", "tracked");
    laptop
        .write("zshrc", "changed\n")
        .write("scratch", "not for others\n");
    laptop.write("added", "on purpose\n");
    laptop.git(["add", "added"]);

    laptop.sync([]).succeeds();

    remote.has("zshrc", "changed");
    remote.has("added", "on purpose");
    assert!(!remote.files().contains(&"scratch".to_owned()));
    laptop.has("scratch", "not for others\n");
}

#[test]
fn quiet_keeps_the_talk_to_itself_and_verbose_adds_to_it() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "1\n");
    laptop.sync(["-q"]).succeeds().says_nothing();

    laptop.write("zshrc", "2\n");
    let steps = laptop.sync(["-v"]).succeeds().stderr();
    laptop.write("zshrc", "3\n");
    let commands = laptop.sync(["-vv"]).succeeds().stderr();
    assert!(
        steps.lines().count() < commands.lines().count(),
        "{steps}\n{commands}"
    );
    assert!(
        commands.contains("git ") && commands.contains("push"),
        "{commands}"
    );
}

#[test]
fn settings_of_the_command_line_count() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    laptop
        .try_git(["-c", "sync.commitMessage=told by -c", "sync"])
        .succeeds();
    assert_eq!(
        remote.git(["log", "-1", "--format=%s", "main"]),
        "told by -c"
    );
}

#[test]
fn a_bad_setting_is_named_and_refused() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    for (key, value) in [("sync.newFiles", "some"), ("sync.commit", "perhaps")] {
        laptop.config(key, value);
        let before = laptop.fingerprint();
        laptop
            .sync([])
            .exits(128)
            .tells("fatal: ")
            .tells(key)
            .tells(value);
        assert_eq!(before, laptop.fingerprint());
        laptop.git(["config", "--unset", key]);
    }
}

#[test]
fn a_branch_is_synced_with_the_remote_that_is_named() {
    let sandbox = Sandbox::new();
    let (laptop, _, origin) = sandbox.laptop_and_server();
    let nas = sandbox.empty_remote("nas");
    laptop.git(["remote", "add", "nas", &nas.url()]);
    let before = origin.tip("main");
    laptop.write("zshrc", "for the nas\n");
    laptop
        .sh("git -c sync.remote=nas sync")
        .succeeds()
        .says("In sync with nas/main");
    nas.has("zshrc", "for the nas");
    assert_eq!(origin.tip("main"), before);
    // Otherwise with its own, as ever.
    laptop.sync([]).succeeds().says("In sync with origin/main");
    origin.has("zshrc", "for the nas");

    laptop.config("sync.remote", "nas");
    laptop.git(["branch", "--unset-upstream"]);
    laptop.write("zshrc", "again\n");
    laptop.sync([]).succeeds();
    nas.has("zshrc", "again");

    laptop.config("sync.remote", "nowhere");
    laptop.write("zshrc", "stays\n");
    laptop
        .sync([])
        .exits(128)
        .tells("there is no remote 'nowhere'")
        .tells("hint: git remote add nowhere URL");
    laptop.has("zshrc", "stays\n");
}

#[test]
fn only_the_branch_that_is_named_is_synced() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.branch", "main");
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).succeeds();
    laptop.git(["switch", "--quiet", "-c", "work"]);
    laptop.git(["push", "--quiet", "-u", "origin", "work"]);
    let before = remote.tip("work");
    laptop.write("zshrc", "half done\n");
    laptop
        .sync([])
        .exits(1)
        .tells("'work' is checked out")
        .tells("hint: git switch main");
    assert_eq!(remote.tip("work"), before);
    laptop.sh("git -c sync.branch=work sync").succeeds();
    remote.git(["cat-file", "-e", "work:zshrc"]);
    assert_ne!(remote.tip("work"), before);
}

/// Two machines with a commit each: one line each, so that both go together.
fn both_with_news(strategy: &str) -> (crate::support::Machine, crate::support::Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.strategy", strategy);
    laptop.sync([]).succeeds();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "laptop\n");
    laptop.sync([]).succeeds();
    laptop.has("tmux.conf", "server\n");
    remote.has("zshrc", "laptop");
    (laptop, remote)
}

#[test]
fn commits_are_put_on_top_or_merged_as_the_strategy_says() {
    for (strategy, merges) in [("rebase,merge", 0), ("rebase", 0), ("merge", 1)] {
        let (_laptop, remote) = both_with_news(strategy);
        let found = remote.git(["rev-list", "--count", "--merges", "main"]);
        assert_eq!(found.trim(), merges.to_string(), "{strategy}");
    }
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.config("sync.strategy", "octopus");
    laptop
        .sync([])
        .exits(128)
        .tells("bad value 'octopus' for 'sync.strategy'");
}

#[test]
fn what_does_not_apply_one_by_one_is_merged_or_left_out() {
    for (strategy, merges) in [("rebase,merge", 1), ("rebase", 0)] {
        let (laptop, server, remote) = Sandbox::new().laptop_and_server();
        laptop.config("sync.strategy", strategy);
        laptop.write("zshrc", "1\n2\n3\n");
        laptop.sync([]).succeeds();
        server.sync([]).succeeds();
        server.write("zshrc", "1\nserver\n3\n");
        server.sync([]).succeeds();
        // There and back again: the first commit does not apply, both together do.
        laptop.write("zshrc", "1\nlaptop\n3\n");
        laptop.commit("there");
        laptop
            .write("zshrc", "1\n2\n3\n")
            .write("vim/vimrc", "mine\n");
        laptop.commit("and back");
        let output = laptop.sync([]);
        let found = remote.git(["rev-list", "--count", "--merges", "main"]);
        assert_eq!(found.trim(), merges.to_string(), "{}", output.scene());
        remote.has("vim/vimrc", "mine");
        remote.has("zshrc", "1\nserver\n3");
        output.succeeds();
        laptop.has("zshrc", "1\nserver\n3\n").is_clean();
    }
}

#[test]
fn without_merges_what_cannot_be_put_on_top_is_held() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.strategy", "rebase");
    let lines = |second: &str, last: &str| format!("1\n{second}\n3\n4\n5\n6\n{last}\n");
    laptop.write("zshrc", lines("2", "7"));
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    server.write("zshrc", lines("server", "7"));
    server.sync([]).succeeds();
    // The first commit does not apply, though both together would.
    laptop.write("zshrc", lines("laptop", "7"));
    laptop.commit("there");
    let mine = lines("2", "mine");
    laptop.write("zshrc", &mine).write("vim/vimrc", "mine\n");
    laptop.commit("and back");
    laptop.sync([]).exits(1);
    laptop.holds(["zshrc"]).has("zshrc", &mine);
    remote.has("vim/vimrc", "mine");
    remote.has("zshrc", lines("server", "7").trim_end());
    let found = remote.git(["rev-list", "--count", "--merges", "main"]);
    assert_eq!(found.trim(), "0");
}

#[test]
fn new_files_are_synced_as_the_user_answers() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.newFiles", "ask");
    laptop.write("a", "1\n").write("b", "2\n").write("c", "3\n");
    laptop.write("zshrc", "changed\n");
    let answers = [
        ("Sync which (1-3", "7\n"),
        ("not among 1-3", ""),
        (">>", "1,3\n"),
    ];
    on_a_terminal(&laptop, "git-sync", answers)
        .succeeds()
        .says("3 new files");
    remote.has("a", "1");
    remote.has("c", "3");
    remote.has("zshrc", "changed");
    assert!(!remote.files().contains(&"b".to_owned()));
    // It stays, is asked about again, and is nothing to commit meanwhile.
    laptop.has("b", "2\n");
    laptop
        .sync(["--status", "--exit-code"])
        .succeeds()
        .says("b");
    on_a_terminal(&laptop, "git-sync", [("Sync which (1;", "\n")]).succeeds();
    assert!(!remote.files().contains(&"b".to_owned()));
}

#[test]
fn without_anybody_to_ask_new_files_stay_here() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.newFiles", "ask");
    laptop.write("new", "1\n").write("zshrc", "changed\n");
    laptop
        .sync(["--dry-run"])
        .succeeds()
        .says("  leave    1 new file: new (sync.newFiles is ask)");
    laptop
        .sync([])
        .succeeds()
        .tells("  leave    1 new file: new (sync.newFiles is ask)");
    remote.has("zshrc", "changed");
    assert!(!remote.files().contains(&"new".to_owned()));
    let json = laptop.sync(["--json"]).succeeds().json();
    assert_eq!(json["left"], serde_json::json!(["new"]), "{json}");
    laptop.sync(["--force-push", "--yes"]).succeeds();
    assert!(!remote.files().contains(&"new".to_owned()));
    laptop.has("new", "1\n");
}

#[test]
fn icons_can_be_plain() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.config("sync.icons", "ascii");
    let output = laptop.sync([]).succeeds();
    assert!(output.stdout().starts_with("= "), "{}", output.scene());
    laptop.shows("=");
    laptop.write("zshrc", "changed\n");
    laptop.sync(["status"]).succeeds().says("> 1 changed file");
    laptop.shows(">");
    // For programs it is the same everywhere.
    assert_eq!(laptop.sync(["status", "--json"]).json()["icon"], "↑");
    laptop.config("sync.icons", "emoji");
    laptop
        .sync([])
        .exits(128)
        .tells("bad value 'emoji' for 'sync.icons'");
}

#[test]
fn each_state_can_have_its_colour() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.config("color.sync.synced", "bold magenta");
    laptop
        .sync(["status", "--color"])
        .succeeds()
        .says("\u{1b}[1;35m✓\u{1b}[0m");
    laptop.sync(["status"]).does_not_say("\u{1b}");
    laptop.config("color.sync.synced", "pinkish");
    laptop.sync(["status", "--color"]).tells("pinkish");
}

#[test]
fn colour_can_be_switched_off_in_the_environment() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    let terminal = laptop.with("TERM", "xterm").with("CLICOLOR", "0");
    on_a_terminal(&terminal, "git-sync --status", [])
        .succeeds()
        .does_not_say("\u{1b}[");
    let forced = terminal.with("CLICOLOR_FORCE", "1");
    forced.sync(["--status"]).says("\u{1b}[");
}

#[test]
fn a_long_answer_goes_through_the_pager_on_a_terminal() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.write("zshrc", "changed\n");
    let paged = laptop
        .with("GIT_PAGER", "sed 's/^/paged: /'")
        .with("TERM", "xterm");
    for line in ["git-sync diff", "git-sync log"] {
        on_a_terminal(&paged, line, []).succeeds().says("paged: ");
        on_a_terminal(&paged, &format!("{line} | cat"), [])
            .succeeds()
            .does_not_say("paged: ");
    }
    on_a_terminal(&paged, "git-sync status", [])
        .succeeds()
        .does_not_say("paged: ");
    laptop.config("pager.sync", "false");
    on_a_terminal(&paged, "git-sync diff", [])
        .succeeds()
        .says("changed")
        .does_not_say("paged: ");
    laptop.config("pager.sync", "sed 's/^/ours: /'");
    on_a_terminal(&paged, "git-sync diff", []).says("ours: ");
}

#[test]
fn the_git_commands_can_be_traced_into_a_file() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    let file = laptop.home().join("trace");
    let traced = laptop.with("GIT_SYNC_TRACE", &file);
    laptop.write("zshrc", "changed\n");
    traced.sync([]).succeeds().does_not_tell("$ git");
    let told = std::fs::read_to_string(&file).unwrap();
    assert!(told.contains(" git push "), "{told}");

    std::fs::remove_file(&file).unwrap();
    laptop.config("sync.interval", "0");
    laptop.write("zshrc", "again\n");
    traced.sync(["--background"]).succeeds().says_nothing();
    wait_for_quiet(&laptop);
    let told = std::fs::read_to_string(&file).unwrap();
    assert!(told.contains(" git push "), "{told}");

    laptop
        .with("GIT_SYNC_TRACE", "1")
        .sync([])
        .succeeds()
        .tells("  $ git fetch");
    laptop
        .with("GIT_SYNC_TRACE", "0")
        .sync([])
        .succeeds()
        .does_not_tell("$ git");
}
