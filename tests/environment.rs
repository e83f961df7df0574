//! What surrounds a run: home, clock, identity, disk, permissions.

use crate::marks::{is_linked, is_real};
use crate::support::{Conflict, Machine, Sandbox, all_agree, needs, settle};

#[test]
fn without_a_home_it_still_works_where_git_does() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    let homeless = [
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "XDG_DATA_HOME",
        "XDG_CACHE_HOME",
    ]
    .iter()
    .fold(laptop.clone(), |machine, key| machine.without(key));
    homeless.sync([]).succeeds();
    remote.has("zshrc", "changed");
}

/// The system knows a home too, and in it may be a `.gitconfig` with a name: git does not look there, so
/// neither do we. (It shows where the one who runs the tests has such a file.)
#[test]
fn without_a_home_the_settings_are_those_that_git_has() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let homeless = ["HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"]
        .iter()
        .fold(laptop.clone(), |machine, key| machine.without(key));
    laptop.config("user.useConfigOnly", "true");
    laptop.write("zshrc", "changed\n");
    homeless.sync([]).succeeds();
    remote.has("zshrc", "changed");
    let author = remote.git(["log", "-1", "--format=%an", "main"]);
    assert_eq!(author, "laptop");
}

#[test]
fn without_a_home_there_is_no_usual_place() {
    let laptop = Sandbox::new().fresh("laptop");
    let homeless = laptop.at_home().without("HOME");
    homeless
        .sync(["--setup", "--yes"])
        .exits(128)
        .tells("HOME is not set");
}

#[test]
fn without_user_and_locale_it_still_works() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.git(["config", "--global", "--unset", "sync.machineId"]);
    laptop.write("é", "changed\n");
    let bare = ["USER", "LOGNAME", "LC_ALL", "TERM", "SHELL", "TZ"]
        .iter()
        .fold(laptop.clone(), |machine, key| machine.without(key));
    bare.sync([]).succeeds();
    remote.has("é", "changed");
}

#[test]
fn a_clock_set_back_changes_nothing_about_what_is_newer() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "today\n");
    settle(&[&laptop, &server]);
    let past = laptop.with("GIT_SYNC_NOW", "86400");
    laptop.write("zshrc", "in 1970\n");
    laptop
        .sh("touch -d '1971-01-01' zshrc tmux.conf")
        .succeeds();
    past.sync([]).succeeds();
    past.sync([]).succeeds().says("Already in sync");
    past.sync(["--status"]).succeeds();
    server.write("tmux.conf", "server\n");
    settle(&[&server, &past]);
    all_agree(&[&laptop, &server], &remote);
    server.has("zshrc", "in 1970\n");
}

#[test]
fn a_background_run_is_not_put_off_for_ever_by_a_clock_set_back() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop
        .with("GIT_SYNC_NOW", "4000000000")
        .sync([])
        .succeeds();
    laptop.write("zshrc", "later, by an earlier clock\n");
    laptop.sync(["--background"]).succeeds().says_nothing();
    crate::support::wait_until("the background run pushes", || remote.commits() == 2);
}

#[test]
fn an_edit_within_the_same_second_and_of_the_same_size_is_seen() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    for round in 0..8 {
        laptop.write("zshrc", format!("a {round}\n"));
        laptop.sync([]).succeeds();
        // The user's own git writes the index anew, a moment after the file.
        laptop.git(["add", "--all"]);
        laptop.write("zshrc", format!("b {round}\n"));
        laptop.sync([]).succeeds();
        remote.has("zshrc", &format!("b {round}"));
    }
}

#[test]
fn without_an_identity_one_is_made_up_and_said_once() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop
        .sh("git config --global --remove-section user")
        .succeeds();
    laptop.config("user.useConfigOnly", "true");
    laptop.write("zshrc", "1\n");
    laptop.sync([]).succeeds().tells("user.name");
    laptop.write("zshrc", "2\n");
    laptop.sync([]).succeeds().does_not_tell("user.name");
    let author = remote.git(["log", "-1", "--format=%an <%ae>", "main"]);
    assert!(author.starts_with("ana <"), "{author}");
}

/// Takes away who the user is, from git too: it finds no name to make up.
fn forgets_who_it_is(machine: &Machine) {
    machine
        .sh("git config --global --remove-section user")
        .succeeds();
    machine.config("user.useConfigOnly", "true");
}

#[test]
fn without_an_identity_a_held_path_can_be_decided_about() {
    let conflict = Conflict::of_content();
    let Conflict { laptop, server, .. } = &conflict;
    forgets_who_it_is(laptop);
    laptop.sync([]).exits(1);
    laptop.sync(["resolve", "--theirs"]).succeeds();
    laptop.has("zshrc", "export EDITOR=nano\n");
    laptop.sync(["resolve", "--undo"]).exits(1);
    laptop.has("zshrc", "export EDITOR=hx\n");
    laptop.sync(["resolve", "--ours"]).succeeds();
    conflict.converges();
    server.has("zshrc", "export EDITOR=hx\n");
}

#[test]
fn without_an_identity_a_held_file_can_be_edited_on() {
    let conflict = Conflict::of_content();
    forgets_who_it_is(&conflict.laptop);
    conflict.is_held(["zshrc"]);
    conflict.laptop.write("zshrc", "export EDITOR=emacs\n");
    conflict.is_held(["zshrc"]);
    conflict.upstream_has("zshrc", "export EDITOR=nano");
}

#[test]
fn an_identity_of_the_environment_counts() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "1\n");
    let eve = laptop
        .with("GIT_AUTHOR_NAME", "Eve")
        .with("GIT_AUTHOR_EMAIL", "eve@example")
        .with("GIT_COMMITTER_NAME", "Eve")
        .with("GIT_COMMITTER_EMAIL", "eve@example");
    eve.sync([]).succeeds();
    assert_eq!(
        remote.git(["log", "-1", "--format=%an %ce", "main"]),
        "Eve eve@example"
    );
}

#[test]
fn a_private_file_stays_private_when_it_is_updated() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("netrc", "machine a\n").chmod("netrc", 0o600);
    settle(&[&laptop, &server]);
    server.chmod("netrc", 0o600);
    server.write("netrc", "machine a\nmachine b\n");
    settle(&[&server, &laptop]);

    laptop.has("netrc", "machine a\nmachine b\n");
    assert_eq!(laptop.mode("netrc"), 0o600);
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn executable_bits_travel_both_ways_and_keep_private_files_private() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("run", "#!/bin/sh\n").chmod("run", 0o700);
    settle(&[&laptop, &server]);
    assert_eq!(server.mode("run"), 0o755);
    server.chmod("run", 0o644);
    server.write("run", "#!/bin/sh\n:\n");
    settle(&[&server, &laptop]);
    assert_eq!(laptop.mode("run"), 0o600);
    assert_eq!(laptop.mode("zshrc"), 0o644);
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn where_the_file_system_knows_no_modes_they_are_left_alone() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("run", "1\n").chmod("run", 0o755);
    settle(&[&laptop, &server]);
    server.config("core.fileMode", "false");
    server.chmod("run", 0o644);
    server.write("run", "2\n");
    settle(&[&server, &laptop]);
    assert_eq!(laptop.mode("run"), 0o755);
    assert_eq!(laptop.head(), remote.tip("main"));
}

#[test]
fn the_umask_of_the_user_counts_for_new_files() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    server.write("new", "1\n");
    server.sync([]).succeeds();
    laptop.sh("umask 077; git sync").succeeds();
    assert_eq!(laptop.mode("new"), 0o600);
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_rest_is_synced() {
    let sandbox = Sandbox::unprivileged();
    let (laptop, _, remote) = sandbox.laptop_and_server();
    laptop.write("locked", "secret\n").chmod("locked", 0o000);
    laptop.write("zshrc", "changed\n");
    let output = laptop.sync([]).exits(1).tells("locked");
    remote.has("zshrc", "changed");
    assert!(
        !remote.files().contains(&"locked".to_owned()),
        "{}",
        output.scene()
    );
    assert_eq!(laptop.mode("locked"), 0o000);
}

#[test]
fn a_folder_that_cannot_be_written_stops_before_anything_is_half_done() {
    let sandbox = Sandbox::unprivileged();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    server
        .write("vim/vimrc", "server\n")
        .write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.chmod("vim", 0o555);
    laptop.write("zshrc", "laptop\n");
    let before = laptop.read("vim/vimrc");

    laptop.sync([]).exits(1).tells("vim");

    laptop.has("vim/vimrc", before).has("zshrc", "laptop\n");
    laptop.chmod("vim", 0o755);
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
    laptop.has("vim/vimrc", "server\n");
}

#[test]
fn a_git_folder_that_cannot_be_written_is_said_and_nothing_changes() {
    let sandbox = Sandbox::unprivileged();
    let (laptop, _, remote) = sandbox.laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.write("zshrc", "changed\n");
    let tip = remote.tip("main");
    laptop.sh("chmod -R a-w .git").succeeds();
    let output = laptop.run(laptop.sync_command([]));
    laptop.sh("chmod -R u+w .git").succeeds();
    output.exits(1).tells("ermission denied");
    laptop.has("zshrc", "changed\n");
    assert_eq!(remote.tip("main"), tip);
    laptop.sync([]).succeeds();
    remote.has("zshrc", "changed");
}

/// Bytes that do not compress, the same for the same seed.
fn noise(mut state: u32) -> Vec<u8> {
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(&mut next).take(200_000).collect()
}

#[test]
fn a_write_that_fails_half_way_breaks_no_live_file() {
    // A limit on the size of any file does to a write what a full disk or a quota does.
    needs("prlimit");
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("big", noise(1));
    settle(&[&laptop, &server]);
    server.write("big", noise(2)).write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "laptop\n");

    for limit in ["0", "4096", "100000", "150000", "199999"] {
        let command = format!("trap '' XFSZ; prlimit --fsize={limit} git-sync");
        let output = laptop.sh(&command);
        assert!(output.code() != 0, "{}", output.scene());
        let big = laptop.bytes("big");
        assert!(
            big == noise(1) || big == noise(2),
            "a broken live file\n{}",
            output.scene()
        );
        laptop.has("zshrc", "laptop\n");
    }

    settle(&[&laptop, &server]);
    laptop.has("big", noise(2)).is_whole();
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn rules_that_fit_every_folder_hide_no_new_file() {
    // Each of them is about folders below the top, or about nothing.
    for rule in ["*/", "**/", "/", "//"] {
        let (laptop, _, remote) = Sandbox::new().laptop_and_server();
        laptop.write(".git/info/exclude", format!("# mine\n{rule}\n"));
        laptop.write("inputrc", "new\n");
        laptop.sync([]).succeeds();
        remote.has("inputrc", "new");
    }
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.config/git/ignore", "*/\n");
    laptop.write("inputrc", "new\n");
    laptop.sync([]).succeeds();
    remote.has("inputrc", "new");
}

#[test]
fn without_a_home_marked_files_are_left_alone_and_the_rest_is_synced() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../a", "1\n").write("../b", "1\n");
    laptop.sync(["mark", "../a", "../b"]).succeeds();
    let homeless = server.without("HOME");
    laptop.sync([]).succeeds();
    // Marks arrive where no home is known.
    homeless.sync([]).succeeds();
    server.has("external/a", "1\n").lacks("../a");
    homeless
        .sync(["list"])
        .succeeds()
        .says("~/a   ! HOME is not set");
    server.sync([]).succeeds();
    is_linked(&server, "a");

    server.remove("../a");
    server.write("../a", "saved\n");
    server.write("zshrc", "changed\n");
    let output = homeless.sync([]).succeeds();
    let output = output.tells("warning: HOME is not set, so the marked files are left alone");
    assert_eq!(output.stderr().matches("HOME").count(), 1);
    remote.has("zshrc", "changed");
    remote.has("external/a", "1");
    is_real(&server, "a");
    homeless.sync(["status"]).succeeds();
    homeless.sync(["--dry-run"]).succeeds();
    homeless.sync(["mark", "../a"]).exits(128);

    // A copy that goes leaves a file all the same: it is known where the link is.
    laptop.sync(["unmark", "../b"]).succeeds();
    laptop.sync([]).succeeds();
    homeless.sync([]).succeeds();
    is_real(&server, "b");
    server.has("../b", "1\n").lacks("external/b");
    server.sync([]).succeeds();
    is_linked(&server, "a");
    server.has("../a", "saved\n");
}
