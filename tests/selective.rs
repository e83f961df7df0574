//! Marks that are for some machines alone, by type, id or profile.

use crate::marks::{is_linked, is_real};
use crate::support::{Machine, Remote, Sandbox, settle};

/// A laptop that is a Mac, and a server that is not, each with two files.
fn two_kinds() -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.machineType", "mac");
    server.config("sync.machineType", "ec2");
    laptop.write("../.rc", "rc\n").write("../.tool/a", "a\n");
    (laptop, server, remote)
}

fn link_of(machine: &Machine, number: usize) -> serde_json::Value {
    let list = machine.sync(["status", "--json"]).succeeds().json();
    list["marked"][number]["link"].clone()
}

#[test]
fn a_mark_for_one_type_of_machine_is_left_alone_on_the_others() {
    let (laptop, server, remote) = two_kinds();
    laptop
        .sync(["mark", "--machines=mac,wsl", "../.rc", "../.tool"])
        .succeeds();
    is_linked(&laptop, ".rc");
    laptop.sync([]).succeeds();
    server.write("../.rc", "of the server\n");
    for _ in 0..2 {
        server.sync([]).succeeds().does_not_tell("~/.rc");
    }
    server
        .has("../.rc", "of the server\n")
        .lacks("../.tool")
        .has("external/.rc", "rc\n")
        .has(
            ".sync/marked-files.txt",
            "machines=mac,wsl ~/.rc\nmachines=mac,wsl ~/.tool/\n~/.rc\n~/.tool/\n",
        );
    assert_eq!(link_of(&server, 0), "skipped");
    assert_eq!(link_of(&laptop, 0), "ok");
    server
        .sync(["list"])
        .succeeds()
        .says("~/.rc   (not for this machine)");
    // Neither is it taken in.
    server
        .write("../.rc", "edited\n")
        .write("../.tool/b", "b\n");
    server.sync([]).succeeds();
    remote.has("external/.rc", "rc\n");
    server.lacks("external/.tool/b");
    server
        .sync(["mark", "../.rc"])
        .exits(1)
        .tells("is marked, but not for this machine");
    laptop.is_in_sync_with(&remote);
}

#[test]
fn a_pattern_of_ids_says_which_machines() {
    let (laptop, server, _) = two_kinds();
    let status = server.sync(["status", "--json"]).succeeds().json();
    let id = status["machine"]["id"].as_str().unwrap().to_owned();
    let option = format!("--machines={}*", &id[..id.len() - 2]);
    laptop.sync(["mark", &option, "../.rc"]).succeeds();
    // It is in the repository, and here it stays as it is.
    is_real(&laptop, ".rc");
    laptop.has("../.rc", "rc\n").has("external/.rc", "rc\n");
    settle(&[&laptop, &server]);
    is_linked(&server, ".rc");
    is_real(&laptop, ".rc");
}

#[test]
fn what_becomes_wanted_is_linked_and_what_is_not_becomes_a_file() {
    let (laptop, server, remote) = two_kinds();
    laptop
        .sync(["mark", "--profiles=work,lab", "../.tool"])
        .succeeds();
    laptop.sync(["mark", "../.rc"]).succeeds();
    is_real(&laptop, ".tool");
    settle(&[&laptop, &server]);
    is_linked(&server, ".rc");
    server.lacks("../.tool");

    server
        .sync(["setup", "--profile", "lab", "--profile", "home"])
        .succeeds()
        .tells("profile      home,lab")
        .tells("link     ~/.tool/");
    assert_eq!(
        server.git(["config", "--local", "sync.profile"]),
        "home,lab"
    );
    is_linked(&server, ".tool");
    server.write("../.tool/b", "b\n");

    server
        .sync(["setup", "--profile", "home"])
        .succeeds()
        .tells("restore  ~/.tool/ is not for this machine");
    is_real(&server, ".tool");
    server.has("../.tool/a", "a\n").has("../.tool/b", "b\n");
    remote.has("external/.tool/b", "b\n");

    // The other way round, from elsewhere.
    laptop.sync([]).succeeds();
    laptop
        .sync(["mark", "--profiles=", "--yes", "../.tool"])
        .succeeds()
        .says("1 changed");
    is_linked(&laptop, ".tool");
}

#[test]
fn a_mark_that_is_taken_from_a_machine_leaves_a_file_with_the_last_content() {
    let (laptop, server, remote) = two_kinds();
    laptop.sync(["mark", "../.rc", "../.tool"]).succeeds();
    laptop.sync(["mark", "--copy", "../.tool"]).succeeds();
    settle(&[&laptop, &server]);
    laptop.write("../.rc", "newest\n");
    laptop
        .sync(["mark", "--machines=mac", "../.rc", "../.tool"])
        .succeeds();
    laptop.sync([]).succeeds();
    server.write("../.tool/b", "in no commit yet\n");
    server
        .sync([])
        .succeeds()
        .tells("restore  ~/.rc is not for this machine");
    is_real(&server, ".rc");
    server
        .has("../.rc", "newest\n")
        .has("../.tool/b", "in no commit yet\n");
    is_linked(&laptop, ".rc");
    laptop.sync(["mark", "--machines=", "../.rc"]).succeeds();
    settle(&[&laptop, &server]);
    is_linked(&server, ".rc");
    laptop.is_in_sync_with(&remote);
}

#[test]
fn two_machines_that_say_something_at_once_both_count() {
    let (laptop, server, remote) = two_kinds();
    // As a setup writes it.
    laptop.write(".gitattributes", "/.sync/marked-files.txt merge=union\n");
    laptop.sync(["mark", "../.rc"]).succeeds();
    settle(&[&laptop, &server]);
    laptop.sync(["mark", "--machines=mac", "../.rc"]).succeeds();
    server.sync(["mark", "--machines=ec2", "../.rc"]).succeeds();
    settle(&[&laptop, &server]);
    is_linked(&laptop, ".rc");
    is_linked(&server, ".rc");
    laptop.is_in_sync_with(&remote);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let (laptop, _, _) = two_kinds();
    laptop
        .sync(["mark", "--machines=a{", "../.rc"])
        .exits(129)
        .tells("bad list 'a{' for '--machines'");
    laptop.sync(["mark", "--profiles=a b", "../.rc"]).exits(129);
    laptop.sync(["setup", "--profile", "a/b"]).exits(129);
    laptop
        .sync(["setup", "-n", "--profile", "work"])
        .succeeds()
        .says("with the profiles 'work'");
    laptop.config("sync.profile", "a/b");
    laptop
        .sync([])
        .exits(128)
        .tells("bad value 'a/b' for 'sync.profile'");
}

#[test]
fn what_a_machine_is_used_for_is_forgotten_with_the_rest() {
    let (laptop, _, _) = two_kinds();
    laptop.sync(["setup", "--profile", "work"]).succeeds();
    laptop.sync(["setup", "--remove", "--yes"]).succeeds();
    let found = laptop.try_git(["config", "--local", "sync.profile"]);
    assert_eq!(found.code(), 1);
}
