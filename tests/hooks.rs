//! The user's own hooks run as they do for git: they may look, change and refuse.

use crate::support::{Conflict, Sandbox, Sshd, all_agree, needs, settle};

#[test]
fn a_pre_commit_that_refuses_stops_the_sync_and_is_quoted() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let (head, tip) = (laptop.head(), remote.tip("main"));
    laptop.hook("pre-commit", "echo 'no passwords please' >&2; exit 1");
    laptop.write("zshrc", "changed\n");

    laptop
        .sync([])
        .exits(1)
        .tells("pre-commit")
        .tells("no passwords please");

    laptop.has("zshrc", "changed\n");
    assert_eq!((laptop.head(), remote.tip("main")), (head, tip));
    laptop.hook("pre-commit", "exit 0");
    laptop.sync([]).succeeds();
    remote.has("zshrc", "changed");
}

#[test]
fn a_pre_commit_sees_what_will_be_committed() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.hook(
        "pre-commit",
        "git diff --cached --name-only > ../seen; git diff --name-only >> ../seen",
    );
    laptop.write("zshrc", "changed\n").write("new", "new\n");
    laptop.sync([]).succeeds();
    laptop.has("../seen", "new\nzshrc\n");
    laptop.is_in_sync_with(&remote);
}

#[test]
fn a_pre_commit_may_reformat_and_stage() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.hook("pre-commit", "sed -i 's/  */ /g' zshrc; git add zshrc");
    laptop.write("zshrc", "set    -o   vi\n");

    laptop.sync([]).succeeds();
    laptop.sync([]).succeeds();

    remote.has("zshrc", "set -o vi");
    laptop.has("zshrc", "set -o vi\n").is_in_sync_with(&remote);
}

#[test]
fn a_commit_msg_may_edit_and_refuse() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.hook(
        "commit-msg",
        r#"printf 'chore: ' | cat - "$1" > "$1.new" && mv "$1.new" "$1""#,
    );
    laptop.write("zshrc", "1\n");
    laptop.sync([]).succeeds();
    let subject = remote.git(["log", "-1", "--format=%s", "main"]);
    assert!(subject.starts_with("chore: "), "{subject}");

    laptop.hook("commit-msg", "echo 'bad subject' >&2; exit 1");
    laptop.write("zshrc", "2\n");
    laptop
        .sync([])
        .exits(1)
        .tells("commit-msg")
        .tells("bad subject");
    laptop.has("zshrc", "2\n");
}

#[test]
fn a_pre_push_that_refuses_leaves_the_commit_here() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let tip = remote.tip("main");
    laptop.hook("pre-push", "cat > ../refs; echo 'not today' >&2; exit 1");
    laptop.write("zshrc", "changed\n");

    laptop
        .sync([])
        .exits(1)
        .tells("pre-push")
        .tells("not today");

    assert_eq!(remote.tip("main"), tip);
    assert_eq!(laptop.committed("zshrc"), "changed\n");
    assert!(
        laptop.read("../refs").contains("refs/heads/main"),
        "{}",
        laptop.read("../refs")
    );
    laptop.shows("✗");
}

#[test]
fn a_hooks_folder_elsewhere_is_respected() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.hook("pre-commit", "touch ../wrong");
    let hooks = laptop.home().join("hooks");
    laptop.write("../hooks/readme", "");
    laptop.program(&hooks.join("pre-commit"), "touch ../right");
    laptop.config("core.hooksPath", hooks.to_str().unwrap());
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).succeeds();
    remote.has("zshrc", "changed");
    laptop.lacks("../wrong").has("../right", "");
}

#[test]
fn hooks_know_that_a_sync_is_running() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.hook("pre-commit", "echo \"$GIT_SYNC_RUNNING\" > ../commit");
    laptop.hook("pre-push", "echo \"$GIT_SYNC_RUNNING\" > ../push");
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).succeeds();
    laptop.has("../commit", "1\n").has("../push", "1\n");
}

#[test]
fn a_hook_that_syncs_again_does_not_go_round_for_ever() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.hook("post-commit", "echo x >> ../rounds; git sync || true");
    laptop.hook("pre-push", "echo x >> ../rounds; git sync || true");
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).succeeds();
    assert!(laptop.read("../rounds").lines().count() <= 3);
    laptop.is_in_sync_with(&remote);
}

#[test]
fn a_sync_without_changes_runs_no_commit_hook() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.hook("pre-commit", "touch ../committed; exit 1");
    server.write("zshrc", "server\n");
    server.sync([]).succeeds();
    laptop.sync([]).succeeds();
    laptop.has("zshrc", "server\n").lacks("../committed");
}

#[test]
fn a_dry_run_runs_no_hook() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    for name in [
        "pre-commit",
        "commit-msg",
        "post-commit",
        "pre-push",
        "reference-transaction",
    ] {
        laptop.hook(name, "touch ../ran");
    }
    laptop.write("zshrc", "changed\n");
    laptop.sync(["--dry-run"]).succeeds();
    laptop.lacks("../ran");
}

#[test]
fn commits_are_signed_when_the_user_signs() {
    needs("ssh-keygen");
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.sh("ssh-keygen -q -t ed25519 -N '' -f ../key && awk '{print \"ana@laptop.example \" $1 \" \" $2}' ../key.pub > ../signers").succeeds();
    for (key, value) in [
        ("gpg.format", "ssh"),
        ("commit.gpgSign", "true"),
        ("user.signingKey", &*laptop.path("../key").to_string_lossy()),
        (
            "gpg.ssh.allowedSignersFile",
            &*laptop.path("../signers").to_string_lossy(),
        ),
    ] {
        laptop.config(key, value);
    }
    laptop.write("zshrc", "1\n");
    laptop.sync([]).succeeds();
    assert_eq!(laptop.git(["log", "-1", "--format=%G?"]), "G");

    // A commit that had to be moved onto another one is signed anew.
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "2\n");
    laptop.commit("by hand");
    laptop.write("vim/vimrc", "3\n");
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    assert_eq!(laptop.git(["log", "-2", "--format=%G?"]), "G\nG");
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_signature_that_cannot_be_made_stops_the_sync_and_says_so() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let tip = remote.tip("main");
    laptop.config("gpg.format", "ssh");
    laptop.config("commit.gpgSign", "true");
    laptop.config("user.signingKey", "/nowhere/key");
    laptop.write("zshrc", "unsigned\n");

    laptop.sync([]).exits(1).tells("sign");

    laptop.has("zshrc", "unsigned\n");
    assert_eq!(remote.tip("main"), tip, "an unsigned commit was pushed");
    laptop.config("commit.gpgSign", "false");
    settle(&[&laptop, &server]);
}

#[test]
fn over_ssh_hooks_and_lock_hold_as_well() {
    let sandbox = Sandbox::new();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    let sshd = Sshd::start(&sandbox);
    sshd.serve(&laptop, &remote);
    sshd.serve(&server, &remote);
    laptop.hook("pre-push", "touch ../pushed");
    laptop.write("zshrc", "laptop\n");
    server.write("tmux.conf", "server\n");
    settle(&[&server, &laptop]);
    laptop.has("../pushed", "").has("tmux.conf", "server\n");
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_pre_commit_that_stages_everything_commits_no_held_path() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let Conflict {
        laptop,
        server,
        remote,
    } = &conflict;
    for (number, staging) in ["git add -u", "git add -A", "git add -f .sync/state zshrc"]
        .iter()
        .enumerate()
    {
        laptop.hook("pre-commit", staging);
        laptop.write("tmux.conf", format!("{number}\n"));

        laptop.sync([]).exits(1).says("zshrc");

        laptop.holds(["zshrc"]).has("zshrc", "export EDITOR=hx\n");
        remote.has("zshrc", "export EDITOR=nano");
        remote.has("tmux.conf", &number.to_string());
        let files = remote.files();
        assert!(!files.contains(&".sync/state".to_owned()), "{files:?}");
    }
    server.sync([]).succeeds();
    server.has("zshrc", "export EDITOR=nano\n");
}

#[test]
fn a_pre_commit_that_takes_everything_out_makes_no_empty_commit() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let commits = remote.commits();
    laptop.hook("pre-commit", "git reset -q");
    laptop.write("zshrc", "kept back\n");

    for _ in 0..2 {
        laptop
            .sync([])
            .exits(1)
            .tells("skipped 'zshrc'")
            .tells("pre-commit")
            .says("1 uncommitted change")
            .does_not_tell("commit   ");
        assert_eq!(remote.commits(), commits);
        laptop.has("zshrc", "kept back\n").shows("↑");
    }

    // What it does not touch goes on, and what the remote changes under it is no surprise.
    server.write("zshrc", "server\n").write("tmux.conf", "2\n");
    server.sync([]).succeeds();
    laptop.sync([]).exits(1);
    laptop
        .has("tmux.conf", "2\n")
        .has("zshrc", "kept back\n")
        .holds(["zshrc"]);
}

#[test]
fn a_pre_commit_that_takes_one_path_out_lets_the_others_through() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.hook(
        "pre-commit",
        "git rm -q --cached --ignore-unmatch key; git checkout -q HEAD -- vim/vimrc",
    );
    laptop.write("key", "secret\n").write("zshrc", "changed\n");
    laptop.write("vim/vimrc", "the hook undoes this\n");

    let output = laptop.sync([]).exits(1).tells("skipped 'key'");

    output.does_not_tell("vim/vimrc");
    remote.has("zshrc", "changed");
    assert!(!remote.files().contains(&"key".to_owned()));
    laptop.has("key", "secret\n");
}

#[test]
fn a_hook_that_commits_by_itself_leaves_nothing_behind() {
    for words in ["commit --quiet -m hook", "commit --quiet --all -m hook"] {
        let (laptop, server, remote) = Sandbox::new().laptop_and_server();
        laptop.hook(
            "pre-commit",
            &format!("test -n \"$AGAIN\" || AGAIN=1 git {words}"),
        );
        laptop.write("zshrc", "changed\n").write("new", "new\n");

        laptop.sync([]).succeeds();

        remote.has("zshrc", "changed");
        remote.has("new", "new");
        laptop.is_clean().is_in_sync_with(&remote).is_whole();
        laptop.sync(["--status"]).succeeds().says("In sync");
        settle(&[&server, &laptop]);
        all_agree(&[&laptop, &server], &remote);
    }
}
