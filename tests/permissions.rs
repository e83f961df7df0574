//! Marked files and folders that may not be read or changed: told, left as they are, and made up for
//! once they may be. As a user without rights, so that it holds for root too.

use crate::marks::{is_linked, is_real, nothing_beside};
use crate::support::{Machine, Remote, Sandbox, settle};

/// Two machines that have these marked, with `words`.
fn marked<const N: usize>(paths: [&str; N], words: &[&str]) -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::unprivileged().laptop_and_server();
    for path in paths {
        laptop.write(format!("../{path}"), "1\n");
        let path = format!("../{path}");
        let words = ["mark", &*path].into_iter().chain(words.iter().copied());
        let words: Vec<_> = words.map(std::ffi::OsStr::new).collect();
        laptop.sync_bytes(&words).succeeds();
    }
    settle(&[&laptop, &server]);
    (laptop, server, remote)
}

/// Puts a new file in the place of what is at a path, as a program that saves by rename does.
fn save(machine: &Machine, path: &str, text: &str, mode: u32) {
    machine.write("../saved", text);
    machine.chmod("../saved", mode);
    machine.rename("../saved", path);
}

#[test]
fn a_replaced_link_that_cannot_be_read_is_told_and_the_rest_is_synced() {
    let (laptop, server, remote) = marked([".rc", ".other"], &[]);
    save(&laptop, "../.rc", "unreadable\n", 0o000);
    save(&laptop, "../.other", "2\n", 0o644);
    laptop.write("zshrc", "changed\n");
    for _ in 0..2 {
        laptop.sync([]).exits(1).tells("skipped '~/.rc'");
        is_real(&laptop, ".rc");
        assert_eq!(laptop.mode("../.rc"), 0o000);
        is_linked(&laptop, ".other");
        remote.has("zshrc", "changed");
        remote.has("external/.other", "2");
        remote.has("external/.rc", "1");
    }
    laptop.chmod("../.rc", 0o600);
    laptop.sync([]).succeeds();
    is_linked(&laptop, ".rc");
    server.sync([]).succeeds();
    server.has("../.rc", "unreadable\n");
    nothing_beside(&laptop, ".");
}

#[test]
fn a_file_in_a_marked_folder_that_cannot_be_read_keeps_nothing_else() {
    let (laptop, server, remote) = marked([".tool/a"], &[]);
    laptop.sync(["unmark", "../.tool/a"]).succeeds();
    laptop.sync(["mark", "../.tool"]).succeeds();
    settle(&[&laptop, &server]);
    laptop.write("../.tool/locked", "locked\n");
    laptop.chmod("../.tool/locked", 0o000);
    laptop.write("../.tool/b", "b\n");
    laptop
        .sync([])
        .exits(1)
        .tells("skipped 'external/.tool/locked'");
    remote.has("external/.tool/b", "b");
    // Its content would not come along.
    laptop
        .sync(["unmark", "../.tool"])
        .exits(1)
        .tells("cannot read");
    is_linked(&laptop, ".tool");
    laptop.sync(["setup", "--remove", "--yes"]).exits(1);
    is_linked(&laptop, ".tool");
    // Nobody else gets a file that cannot be read.
    laptop.lacks(".sync/modes");
    laptop.chmod("../.tool/locked", 0o644);
    laptop.sync([]).succeeds();
    remote.has("external/.tool/locked", "locked");
    is_linked(&laptop, ".tool");
    laptop.sync(["unmark", "../.tool"]).succeeds();
    is_real(&laptop, ".tool");
    laptop
        .has("../.tool/locked", "locked\n")
        .has("../.tool/b", "b\n");
    nothing_beside(&laptop, ".");
}

#[test]
fn a_file_that_cannot_be_read_is_unmarked_and_stays() {
    let (laptop, _, _) = marked([".rc"], &[]);
    save(&laptop, "../.rc", "unreadable\n", 0o000);
    let done = laptop.sync(["unmark", "../.rc"]).succeeds();
    done.tells("keep     ~/.rc as it was");
    laptop.sync([]).succeeds();
    assert_eq!(laptop.mode("../.rc"), 0o000);
    laptop.chmod("../.rc", 0o600);
    laptop.has("../.rc", "unreadable\n").lacks("external/.rc");
}

#[test]
fn a_list_of_modes_keeps_nobody_from_their_own_files() {
    let (laptop, server, _) = marked([".rc", "d/x"], &[]);
    laptop.write(
        ".sync/modes",
        "0000 external/.rc\n0000 external/d/\n0000 external/d/x\n",
    );
    settle(&[&laptop, &server]);
    for machine in [&laptop, &server] {
        machine.has("../.rc", "1\n").has("../d/x", "1\n");
        machine.sync([]).succeeds();
    }
}

#[test]
fn a_link_in_a_folder_that_cannot_be_changed_is_made_once_it_can_be() {
    let (laptop, server, remote) = marked([".rc"], &[]);
    server.write("../d/keep", "x\n");
    server.chmod("../d", 0o555);
    laptop.write("../d/rc", "1\n");
    laptop.sync(["mark", "../d/rc"]).succeeds();
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).succeeds();
    server.write("tmux.conf", "of the server\n");
    server.sync([]).exits(1).tells("skipped '~/d/rc'");
    server.has("zshrc", "changed\n").lacks("../d/rc");
    remote.has("tmux.conf", "of the server");
    server.chmod("../d", 0o755);
    server.sync([]).succeeds();
    is_linked(&server, "d/rc");

    // Neither is it taken away there.
    server.chmod("../d", 0o555);
    laptop.sync(["unmark", "../d/rc"]).succeeds();
    laptop.sync([]).succeeds();
    server.sync([]).exits_with_one_of(&[0, 1]);
    server.has("../d/rc", "1\n");
    server.chmod("../d", 0o755);
    server.sync([]).succeeds();
    is_real(&server, "d/rc");
    server
        .has("../d/rc", "1\n")
        .lacks("external/d")
        .is_in_sync_with(&remote);
    nothing_beside(&server, "d");
}

#[test]
fn a_mark_is_not_taken_back_where_no_file_can_be_put() {
    let (laptop, _, _) = marked(["d/rc"], &[]);
    laptop.chmod("../d", 0o555);
    laptop.sync(["unmark", "../d/rc"]).exits(1);
    is_linked(&laptop, "d/rc");
    laptop.sync(["setup", "--remove", "--yes"]).exits(1);
    is_linked(&laptop, "d/rc");
    laptop.has("../d/rc", "1\n");
    assert_eq!(laptop.git(["config", "sync.enabled"]), "true");
    laptop.chmod("../d", 0o755);
    laptop.sync(["unmark", "../d/rc"]).succeeds();
    is_real(&laptop, "d/rc");
    laptop.has("../d/rc", "1\n");
    nothing_beside(&laptop, "d");
}

#[test]
fn nothing_is_taken_in_where_the_repository_cannot_be_changed() {
    let (laptop, _, _) = marked([".rc"], &[]);
    laptop.write("../new", "new\n");
    save(&laptop, "../.rc", "saved\n", 0o644);
    laptop.chmod("external", 0o555);
    laptop.sync(["mark", "../new"]).exits(1);
    laptop.has("../new", "new\n");
    laptop.sync([]).exits(1);
    laptop.has("../new", "new\n").has("../.rc", "saved\n");
    laptop.chmod("external", 0o755);
    laptop.sync([]).succeeds();
    laptop.sync(["mark", "../new"]).succeeds();
    for (path, text) in [("new", "new\n"), (".rc", "saved\n")] {
        is_linked(&laptop, path);
        laptop.has(format!("../{path}"), text);
    }
    nothing_beside(&laptop, ".");
}

#[test]
fn a_copy_that_cannot_be_read_or_replaced_stays_and_is_made_up_for() {
    let (laptop, server, remote) = marked(["d/rc", ".rc"], &["--copy"]);
    laptop.write("../d/rc", "2\n").write("../.rc", "2\n");
    laptop.sync([]).succeeds();
    server.chmod("../d", 0o555);
    server.write("../.rc", "unreadable\n");
    server.chmod("../.rc", 0o000);
    server.write("zshrc", "changed\n");
    server
        .sync([])
        .exits(1)
        .tells("skipped '~/d/rc'")
        .tells("skipped '~/.rc'");
    server.has("../d/rc", "1\n");
    remote.has("zshrc", "changed");
    remote.has("external/.rc", "2");
    server.chmod("../d", 0o755);
    server.chmod("../.rc", 0o644);
    server.sync([]).exits(1);
    server
        .has("../d/rc", "2\n")
        .has("../.rc", "unreadable\n")
        .holds(["external/.rc"]);
    nothing_beside(&server, "d");
    nothing_beside(&server, ".");
}

#[test]
fn a_copy_that_could_not_arrive_is_linked_by_the_sync_that_brings_it() {
    let (laptop, server, _) = marked([".other"], &[]);
    server.write("../.rc", "rc\n");
    server.sync(["mark", "../.rc"]).succeeds();
    server.sync([]).succeeds();
    laptop.chmod("external", 0o555);
    laptop.sync([]).exits(1).tells("external/.rc");
    laptop.lacks("../.rc");

    laptop.chmod("external", 0o755);
    laptop.sync([]).succeeds();

    is_linked(&laptop, ".rc");
    laptop.has("../.rc", "rc\n");
}

#[test]
fn a_copy_in_the_repository_that_cannot_be_read_costs_nothing() {
    let (laptop, _, _) = marked([".rc", "here"], &[]);
    laptop.chmod("external/.rc", 0o000);
    laptop.remove("../here");
    laptop.write("../here", "saved\n");
    laptop.sync([]).exits(1);
    is_linked(&laptop, "here");
    laptop.chmod("external/.rc", 0o644);
    laptop.sync([]).succeeds();
    laptop.has("../.rc", "1\n").has("../here", "saved\n");
}

/// git passes over such a folder with a warning, and says that there is nothing to do.
#[test]
fn a_folder_that_cannot_be_looked_into_is_named_and_the_rest_is_synced() {
    for (cache, folder) in [
        ("false", "new/deep"),
        ("true", "new/deep"),
        ("false", "vim"),
    ] {
        let (laptop, _, remote) = Sandbox::unprivileged().laptop_and_server();
        laptop.config("core.untrackedCache", cache);
        laptop.write("new/there", "there\n");
        laptop.write(format!("{folder}/file"), "file\n");
        laptop.chmod(folder, 0o000);
        for text in ["1\n", "2\n"] {
            laptop.write("zshrc", text);
            let skipped = format!("skipped '{folder}': not readable");
            laptop.sync([]).exits(1).tells(&skipped);
            remote.has("zshrc", text.trim());
            remote.has("new/there", "there");
        }
        laptop.sync(["status"]).says(folder);

        laptop.chmod(folder, 0o755);
        laptop.sync([]).succeeds();

        remote.has(&format!("{folder}/file"), "file");
        assert!(remote.git(["show", "main:vim/vimrc"]).contains("set"));
    }
}

/// It could not be replaced, so nothing above or below it came either: that was never removed here.
#[test]
fn a_file_and_a_folder_that_could_not_trade_places_do_so_later() {
    for (before, after) in [("d/conf", "d/conf/part"), ("d/sub/rc", "d/sub")] {
        let (laptop, server, remote) = Sandbox::unprivileged().laptop_and_server();
        laptop.write(before, "before\n");
        settle(&[&laptop, &server]);
        server.sh("rm -r d").succeeds();
        server.write(after, "after\n");
        server.sync([]).succeeds();
        let folder = std::path::Path::new(before).parent().expect("a folder");
        laptop.chmod(folder, 0o555);
        laptop.sync([]).exits(1).says(before);
        laptop.has(before, "before\n");

        laptop.chmod(folder, 0o755);
        laptop.sync([]).succeeds();

        laptop.has(after, "after\n");
        remote.has(after, "after");
        laptop.is_in_sync_with(&remote);
    }
}

#[test]
fn a_held_file_in_a_folder_that_cannot_be_looked_into_keeps_nothing_else() {
    let (laptop, server, remote) = Sandbox::unprivileged().laptop_and_server();
    server.write("vim/vimrc", "server\n");
    server.sync([]).succeeds();
    laptop.write("vim/vimrc", "laptop\n");
    laptop.sync([]).exits(1);
    laptop.chmod("vim", 0o000);
    laptop.write("zshrc", "changed\n");

    laptop.sync([]).exits(1).says("vim/vimrc");

    remote.has("zshrc", "changed");
    laptop.chmod("vim", 0o755);
    laptop.has("vim/vimrc", "laptop\n");
    laptop.sync(["resolve", "--ours"]).succeeds();
    remote.has("vim/vimrc", "laptop");
}

#[test]
fn a_file_that_cannot_be_read_is_refused() {
    let (laptop, _, _) = Sandbox::unprivileged().laptop_and_server();
    laptop.write("../secret", "x\n").write("../tool/a", "a\n");
    laptop.write("../tool/b", "b\n");
    laptop.chmod("../secret", 0o000);
    laptop.chmod("../tool/b", 0o000);
    for path in ["../secret", "../tool"] {
        laptop.sync(["mark", path]).exits(1).tells("cannot read");
    }
    is_real(&laptop, "secret");
    is_real(&laptop, "tool");
    laptop.lacks("external").lacks(".sync/marked-files.txt");
}

#[test]
fn a_file_in_a_folder_that_cannot_be_changed_is_refused() {
    let (laptop, _, _) = Sandbox::unprivileged().laptop_and_server();
    laptop.write("../tool/a", "a\n");
    laptop.chmod("../tool", 0o555);
    laptop
        .sync(["mark", "../tool/a"])
        .exits(1)
        .tells("cannot be linked");
    is_real(&laptop, "tool/a");
    laptop.lacks("external").lacks(".sync/marked-files.txt");
    laptop.chmod("../tool", 0o755);
}
