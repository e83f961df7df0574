//! What a user can set, and where.

use crate::support::Sandbox;

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
