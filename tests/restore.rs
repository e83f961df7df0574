//! Restoring: what comes back, where to, and what stays as it is.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::backups::{archives, folder, listed};
use crate::support::{Machine, Sandbox, on_a_terminal};

fn laptop() -> Machine {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("vim/vimrc", "first\n");
    laptop
}

/// Makes a backup; its name.
#[track_caller]
fn backup(machine: &Machine) -> String {
    machine.sync(["backup"]).succeeds();
    listed(machine)[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn one_file_comes_back_and_the_others_stay() {
    let laptop = laptop();
    let id = backup(&laptop);
    let before = laptop.read("zshrc");
    laptop.write("zshrc", "new\n").write("vim/vimrc", "new\n");
    let head = laptop.head();
    laptop
        .sync(["restore", &id, "--", "zshrc"])
        .succeeds()
        .tells("restore  zshrc")
        .tells("1 file restored")
        .tells("It shows as a change; git sync sends it.")
        .tells("goes back");
    laptop.has("zshrc", &before).has("vim/vimrc", "new\n");
    assert_eq!(laptop.head(), head);
    let all = listed(&laptop);
    assert_eq!(all[0]["backup"]["reason"], "restore");
    laptop
        .sync(["--restore", "latest", "--", "zshrc"])
        .succeeds();
    laptop.has("zshrc", "new\n");
}

#[test]
fn all_of_it_comes_back_with_modes_and_times_and_links() {
    let laptop = laptop();
    laptop
        .write("private", "mine\n")
        .write("bin/run", "#!/bin/sh\n")
        .write("odd\nname", "odd\n")
        .write("empty", "");
    laptop.chmod("private", 0o600);
    laptop.chmod("bin/run", 0o755);
    laptop.link("link", "bin/run");
    fs::create_dir(laptop.path("nothing")).unwrap();
    fs::hard_link(laptop.path("private"), laptop.path("same")).unwrap();
    let time = |path: &str| {
        let found = laptop.path(path).metadata().unwrap();
        (found.mtime(), found.mtime_nsec())
    };
    let times = ["private", "bin/run", "empty"].map(time);
    let id = backup(&laptop);
    for path in [
        "private",
        "bin",
        "odd\nname",
        "empty",
        "link",
        "nothing",
        "same",
    ] {
        laptop.remove(path);
    }
    laptop
        .write("link", "a file now\n")
        .write("later", "later\n");
    laptop
        .sync(["restore", &id])
        .exits(5)
        .tells("there is no terminal to ask on");
    laptop.lacks("private");
    laptop.sync(["restore", &id, "--yes"]).succeeds();
    laptop
        .has("private", "mine\n")
        .has("odd\nname", "odd\n")
        .has("empty", "")
        .has("later", "later\n")
        .links("link", "bin/run");
    assert_eq!(laptop.mode("private"), 0o600);
    assert_eq!(laptop.mode("bin/run"), 0o755);
    assert!(laptop.path("nothing").is_dir());
    assert_eq!(["private", "bin/run", "empty"].map(time), times);
    let inode = |path: &str| laptop.path(path).metadata().unwrap().ino();
    assert_eq!(inode("private"), inode("same"));
}

#[test]
fn a_restore_can_be_taken_back_exactly() {
    let laptop = laptop();
    let id = backup(&laptop);
    laptop.remove("vim/vimrc");
    laptop.write("zshrc", "new\n").write("later", "later\n");
    let before = laptop.fingerprint();
    laptop
        .sync(["restore", &id, "--exact", "--yes"])
        .succeeds()
        .tells("remove   later")
        .tells("--exact   goes back");
    laptop.lacks("later").has("vim/vimrc", "first\n");
    laptop
        .sync(["restore", "latest", "--exact", "--yes"])
        .succeeds();
    assert_eq!(laptop.fingerprint(), before);
}

#[test]
fn it_is_unpacked_elsewhere_without_touching_anything() {
    let laptop = laptop();
    laptop.write("../.rc", "rc\n");
    laptop.sync(["mark", "--copy", "../.rc"]).succeeds();
    let id = backup(&laptop);
    laptop.write("zshrc", "new\n");
    let before = laptop.fingerprint();
    laptop
        .sync(["restore", &id, "--to", "../old"])
        .succeeds()
        .tells("restored from");
    assert_eq!(laptop.fingerprint(), before);
    laptop.has("../old/repo/vim/vimrc", "first\n");
    laptop.has("../old/home/.rc", "rc\n");
    laptop
        .sync(["restore", &id, "--to", "../old"])
        .exits(1)
        .tells("not empty");
    laptop
        .sync(["restore", &id, "--to", "../part", "--", "vim"])
        .succeeds();
    laptop.has("../part/repo/vim/vimrc", "first\n");
    laptop.lacks("../part/repo/zshrc");
}

#[test]
fn what_differs_is_shown_and_nothing_is_changed() {
    let laptop = laptop();
    let id = backup(&laptop);
    laptop.write("vim/vimrc", "second\n");
    let before = laptop.fingerprint();
    let shown = laptop.sync(["restore", &id, "--diff"]).succeeds().stdout();
    assert!(shown.contains("-second\n+first\n"), "{shown}");
    let planned = laptop.sync(["--restore", &id, "-n"]).succeeds().stdout();
    assert!(planned.contains("  M vim/vimrc\n"), "{planned}");
    assert_eq!(laptop.fingerprint(), before);
    assert_eq!(archives(&laptop).len(), 1);
    let json = laptop
        .sync(["restore", &id, "-n", "--json"])
        .succeeds()
        .json();
    assert_eq!(json["restored"][0]["change"], "M");
}

#[test]
fn a_backup_is_named_by_its_beginning() {
    let laptop = laptop();
    let first = backup(&laptop);
    laptop.write("zshrc", "new\n");
    backup(&laptop);
    laptop
        .sync(["restore", "2026", "-n"])
        .exits(1)
        .tells("'2026' matches 2 backups")
        .tells(&first);
    laptop
        .sync(["restore", "2025", "-n"])
        .exits(1)
        .tells("no backup begins with '2025'");
    laptop.sync(["restore", &first, "-n"]).succeeds();
    laptop
        .sync(["restore", &first, "--yes", "--", "nowhere"])
        .exits(1)
        .tells("is not in the backup");
    laptop.sync(["restore"]).exits(5).tells("no terminal");
}

#[test]
fn what_is_in_the_way_stays_and_the_rest_comes_back() {
    let laptop = laptop();
    let id = backup(&laptop);
    let before = laptop.read("zshrc");
    laptop.remove("vim/vimrc");
    laptop.write("vim/vimrc/inside", "a folder now\n");
    laptop.write("zshrc", "new\n");
    laptop
        .sync(["restore", &id, "--yes"])
        .exits(1)
        .tells("leave    vim/vimrc: a folder stands there");
    laptop.has("vim/vimrc/inside", "a folder now\n");
    laptop.has("zshrc", before);
}

#[test]
fn a_marked_file_comes_back_behind_its_link_and_in_its_place() {
    let laptop = laptop();
    laptop
        .write("../.linked", "old\n")
        .write("../.copied", "old\n");
    laptop.sync(["mark", "../.linked"]).succeeds();
    laptop.sync(["mark", "--copy", "../.copied"]).succeeds();
    laptop.chmod("../.copied", 0o600);
    laptop.sync([]).succeeds();
    let id = backup(&laptop);
    laptop
        .write("../.linked", "new\n")
        .write("../.copied", "new\n");
    laptop.sync([]).succeeds();
    let linked = laptop.home().join(".linked");
    laptop
        .sync(["restore", &id, "--", linked.to_str().unwrap()])
        .succeeds()
        .tells("restore  ~/.linked");
    laptop.has("../.linked", "old\n").has("../.copied", "new\n");
    assert!(linked.is_symlink());
    laptop.sync(["restore", &id, "--yes"]).succeeds();
    laptop.has("../.copied", "old\n");
    assert_eq!(laptop.mode("../.copied"), 0o600);
    assert!(!laptop.home().join(".copied").is_symlink());
    crate::marks::nothing_beside(&laptop, ".");
    laptop.sync([]).succeeds();
    laptop.has("external/.copied", "old\n");
    assert_eq!(laptop.committed("external/.copied"), "old\n");
}

#[test]
fn a_file_that_git_ignores_is_backed_up_before_it_is_replaced() {
    let laptop = laptop();
    laptop.write("notes", "old\n");
    let id = backup(&laptop);
    laptop.write(
        ".gitignore",
        format!("{}notes\n", laptop.read(".gitignore")),
    );
    laptop.write("notes", "ignored by now\n");
    laptop.sync(["restore", &id, "--", "notes"]).succeeds();
    laptop.has("notes", "old\n");
    laptop.sync(["restore", "latest", "--", "notes"]).succeeds();
    laptop.has("notes", "ignored by now\n");
}

#[test]
fn the_picker_asks_which_backup_and_which_files() {
    let laptop = laptop();
    laptop.write("tmux.conf", "old\n");
    backup(&laptop);
    laptop
        .write("tmux.conf", "new\n")
        .write("vim/vimrc", "new\n");
    let output = on_a_terminal(
        &laptop,
        "git-sync --restore",
        [("Restore which one> ", "1\n"), ("Which files", "2\n")],
    );
    let shown = output.succeeds().stdout();
    assert!(shown.contains("today "), "{shown}");
    assert!(shown.contains("by hand"), "{shown}");
    assert!(shown.contains("M tmux.conf"), "{shown}");
    laptop.has("tmux.conf", "new\n").has("vim/vimrc", "first\n");
    let none = on_a_terminal(
        &laptop,
        "git-sync --restore",
        [("Restore which one> ", "\n")],
    );
    none.exits(5);
    laptop.has("tmux.conf", "new\n");
}

#[test]
fn holes_stay_holes() {
    let laptop = laptop();
    let hole = fs::File::create(laptop.path("hole")).unwrap();
    hole.set_len(40 << 20).unwrap();
    drop(hole);
    laptop.config("sync.maxFileSize", "0");
    let id = backup(&laptop);
    let archive = folder(&laptop).join(format!("{id}.tar.gz"));
    assert!(archive.metadata().unwrap().len() < 1 << 20);
    laptop.remove("hole");
    laptop.sync(["restore", &id, "--", "hole"]).succeeds();
    let found = laptop.path("hole").metadata().unwrap();
    assert_eq!(found.len(), 40 << 20);
    assert!(found.blocks() * 512 < 1 << 20, "{}", found.blocks());
}

#[test]
fn a_folder_that_nobody_may_write_into_comes_back_as_it_was() {
    let laptop = Sandbox::unprivileged();
    let remote = laptop.remote();
    let laptop = laptop.machine("laptop", &remote);
    laptop.write("locked/file", "locked\n");
    laptop.chmod("locked", 0o555);
    let id = backup(&laptop);
    laptop.sync(["restore", &id, "--to", "../old"]).succeeds();
    let mode = |path: &str| laptop.path(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("../old/repo/locked"), 0o555);
    laptop.has("../old/repo/locked/file", "locked\n");
    laptop.sync(["backup", "--verify"]).succeeds();
    for path in ["../old/repo/locked", "locked"] {
        laptop.chmod(path, 0o755);
    }
}

#[test]
fn also_where_backups_are_switched_off_a_restore_can_be_taken_back() {
    let laptop = laptop();
    let id = backup(&laptop);
    laptop.config("sync.backup", "false");
    laptop.write("zshrc", "new\n");
    laptop.sync(["restore", &id, "--", "zshrc"]).succeeds();
    laptop.sync(["restore", "latest", "--", "zshrc"]).succeeds();
    laptop.has("zshrc", "new\n");
}

#[test]
fn where_there_is_not_enough_room_nothing_is_written() {
    let laptop = laptop();
    laptop.write("../small/keep", "");
    laptop
        .sh("head -c 20m /dev/urandom >large; git add large")
        .succeeds();
    let id = backup(&laptop);
    let script = format!(
        "mount -t tmpfs -o size=40m,mode=755 tmpfs ../small
        git sync restore {id} --to ../small/old && exit 7 || echo exit $?
        ls -A ../small"
    );
    laptop
        .sh_with_disks(&script)
        .succeeds()
        .tells("not enough room on the disk")
        .says("exit 1\n")
        .does_not_say("old");
}

/// Files that git refuses, as some systems take their names for `.git`, keep nothing else from being restored.
#[test]
fn names_that_stand_for_git_are_left_out_and_all_others_come_back() {
    let laptop = laptop();
    for name in ["git~1", "a/.git ", "a/.git.", ".g\u{200c}it"] {
        laptop.write(name, "mine\n");
    }
    let id = backup(&laptop);
    laptop.write("zshrc", "new\n").write("a/b", "b\n");
    laptop.sync(["restore", &id, "--", "zshrc"]).succeeds();
    laptop.has("git~1", "mine\n");
    laptop.sync(["restore", &id, "--to", "../old"]).succeeds();
    laptop.sync(["backup", "--verify"]).succeeds();
}
