//! What can be neither marked nor unmarked, and why; nothing is changed.

use crate::marks::{is_linked, is_real};
use crate::support::{Sandbox, settle};

#[test]
fn what_cannot_be_marked_is_refused_and_nothing_is_changed() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop
        .write("../../outside", "x\n")
        .write("../real", "x\n")
        .write("../plain.local", "x\n")
        .write("../nested/.git/HEAD", "x\n")
        .write("../nested/a", "x\n")
        .write("../out/a", "x\n")
        .write("../odd/a", "x\n")
        .write("../ignored", "x\n")
        .write("../fine", "x\n")
        .write(
            ".gitignore",
            "/.sync/*\n!/.sync/marked-files.txt\n!/.sync/modes\n*.local\nexternal/ignored\n",
        );
    laptop.link("../link", "real");
    laptop.link("../dangling", "nowhere");
    laptop.link("../out/l", "../real");
    laptop
        .sh("mkfifo ../odd/pipe; mkdir -p ../hollow/in")
        .succeeds();
    let before = laptop.fingerprint();
    for (path, why) in [
        ("../../outside", "is not in your home"),
        ("..", "this is your home"),
        ("zshrc", "is in the repository, so it is synced already"),
        ("../configs", "has the repository in it"),
        ("../missing", "is not there"),
        ("../link", "is a link to 'real'"),
        ("../dangling", "is a link to 'nowhere'"),
        ("../plain.local", "stays on this machine"),
        ("../ignored", "stays on this machine"),
        ("../nested", "makes it a repository of its own"),
        ("../out", "is a link out of the folder"),
        ("../odd", "is not a file"),
        ("../odd/pipe", "is not a file"),
        ("../hollow", "there is nothing in"),
    ] {
        // What is fine beside it is not taken in either.
        laptop.sync(["mark", "../fine", path]).exits(1).tells(why);
        assert_eq!(before, laptop.fingerprint(), "{path}");
        is_real(&laptop, "fine");
    }
    laptop.sync(["mark", "--follow", "../dangling"]).exits(1);
    laptop
        .sync(["unmark", "../fine"])
        .exits(1)
        .tells("is not marked");
    laptop
        .sync(["unmark", "../missing"])
        .exits(1)
        .tells("is not marked");
}

#[test]
fn what_the_repository_has_another_version_of_is_not_marked() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop
        .write("../.rc", "mine\n")
        .write("external/.rc", "put there by hand\n");
    let before = laptop.fingerprint();

    laptop
        .sync(["mark", "../.rc"])
        .exits(1)
        .tells("'external/.rc' is in the repository, and differs from '~/.rc'")
        .tells("make the two the same, or move one of them away");

    assert_eq!(before, laptop.fingerprint());
    is_real(&laptop, ".rc");
    laptop
        .has("../.rc", "mine\n")
        .has("external/.rc", "put there by hand\n");
    laptop.write("external/.rc", "mine\n");
    laptop.sync(["mark", "../.rc"]).succeeds();
    is_linked(&laptop, ".rc");
}

#[test]
fn a_folder_and_what_is_in_it_are_not_marked_both() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("../t/a", "a\n").write("../t/b", "b\n");
    laptop.sync(["mark", "../t/a"]).succeeds();
    laptop
        .sync(["mark", "../t"])
        .exits(1)
        .tells("'~/t/a' in it is marked already");
    laptop.sync(["unmark", "../t/a"]).succeeds();
    laptop.sync(["mark", "../t", "../t/a"]).exits(129);
    laptop.sync(["mark", "../t"]).succeeds();
    laptop
        .sync(["unmark", "../t/a"])
        .exits(1)
        .tells("which is marked as a whole");
    // Two machines may each have marked one: the folder has it then.
    laptop.write(".sync/marked-files.txt", "~/t/\n~/t/a\n");
    laptop.sync([]).succeeds();
    laptop
        .has(".sync/marked-files.txt", "~/t/\n")
        .has("../t/a", "a\n");
    assert!(!laptop.path("external/t/a").is_symlink());
}

#[test]
fn without_a_home_nothing_is_marked() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("../a", "a\n");
    laptop.without("HOME").sync(["mark", "../a"]).exits(128);
    is_real(&laptop, "a");
}

#[test]
fn a_list_that_would_not_be_committed_is_no_list() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("../a", "a\n").write(".gitignore", ".sync/\n");
    laptop
        .sync(["mark", "../a"])
        .exits(1)
        .tells("would not be committed")
        .tells("git sync --setup");
    is_real(&laptop, "a");
}

#[test]
fn a_held_path_is_decided_about_before_it_is_unmarked() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.write("../a", "1\n");
    laptop.sync(["mark", "../a"]).succeeds();
    settle(&[&laptop, &server]);
    server.write("../a", "server\n");
    server.sync([]).succeeds();
    laptop.write("../a", "laptop\n");
    laptop.sync([]).exits(1);
    laptop
        .sync(["unmark", "../a"])
        .exits(1)
        .tells("'external/a' is held");
    is_linked(&laptop, "a");
    laptop.has("../a", "laptop\n");
}
