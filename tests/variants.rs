//! Variants: some machines have a version of their own of a marked path, and edit it in place.

use crate::marks::{is_real, nothing_beside};
use crate::support::{Machine, Output, Remote, Sandbox, settle};
use std::ffi::OsStr;

/// A laptop that is a Mac and a server that is not, with `~/.rc` and `~/.tool/` marked for both.
fn two_kinds(option: &[&str]) -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.machineType", "mac");
    server.config("sync.machineType", "ec2");
    laptop.write("../.rc", "rc\n").write("../.tool/a", "a\n");
    run(
        &laptop,
        &[&["mark"], option, &["../.rc", "../.tool"]].concat(),
    )
    .succeeds();
    settle(&[&laptop, &server]);
    (laptop, server, remote)
}

fn run(machine: &Machine, words: &[&str]) -> Output {
    let words: Vec<_> = words.iter().map(OsStr::new).collect();
    machine.sync_bytes(&words)
}

/// Expects a link at a path of the home to this copy.
#[track_caller]
fn is_linked(machine: &Machine, copy: &str, live: &str) {
    let target = machine.path("external").join(copy);
    machine.links(format!("../{live}"), target.to_str().unwrap());
}

#[track_caller]
fn is_gone(remote: &Remote, path: &str) {
    assert!(!remote.files().iter().any(|file| file == path), "{path}");
}

/// The variant that a machine has of its first mark.
fn variant_of(machine: &Machine) -> serde_json::Value {
    let list = machine.sync(["list", "--json"]).succeeds().json();
    list["marked"][0]["variant"].clone()
}

#[test]
fn a_variant_is_edited_in_place_and_is_of_its_machines_alone() {
    let (laptop, server, remote) = two_kinds(&[]);
    laptop
        .sync(["mark", "--variant", "mac", "../.rc"])
        .succeeds()
        .tells("copy     ~/.rc -> external/.rc##mac")
        .tells("relink   ~/.rc")
        .says("1 changed, not pushed yet");
    is_linked(&laptop, ".rc##mac", ".rc");
    laptop.has("../.rc", "rc\n").write("../.rc", "of the mac\n");
    settle(&[&laptop, &server]);
    is_linked(&server, ".rc", ".rc");
    server
        .has("../.rc", "rc\n")
        .has("external/.rc##mac", "of the mac\n")
        .has(
            ".sync/marked-files.txt",
            "variants=mac ~/.rc\n~/.rc\n~/.tool/\n",
        );
    server.write("../.rc", "of all others\n");
    settle(&[&server, &laptop]);
    laptop.has("../.rc", "of the mac\n");
    remote.has("external/.rc", "of all others\n");
    remote.has("external/.rc##mac", "of the mac\n");
    assert_eq!(variant_of(&laptop), "mac");
    assert_eq!(variant_of(&server), serde_json::Value::Null);
    laptop
        .sync(["list"])
        .succeeds()
        .says("~/.rc   [mac] of mac\n");
    server
        .sync(["list"])
        .succeeds()
        .says("~/.rc   variants for mac\n");
    // Again is nothing new.
    laptop
        .sync(["mark", "--variant", "mac", "../.rc"])
        .succeeds();
    laptop.is_in_sync_with(&remote);
}

#[test]
fn a_copy_and_a_folder_have_variants_too() {
    let (laptop, server, remote) = two_kinds(&["--copy"]);
    server
        .sync(["mark", "--variant", "ec2", "../.rc", "../.tool"])
        .succeeds()
        .says("2 changed");
    server.write("../.tool/b", "b\n").write("../.rc", "ec2\n");
    server
        .sync([])
        .succeeds()
        .tells("take     ~/.rc (changed here)");
    settle(&[&server, &laptop]);
    is_real(&laptop, ".rc");
    laptop
        .has("../.rc", "rc\n")
        .lacks("../.tool/b")
        .has("external/.tool##ec2/b", "b\n");
    remote.has("external/.rc##ec2", "ec2\n");
    remote.has("external/.rc", "rc\n");
    laptop.is_in_sync_with(&remote);
}

#[test]
fn a_machine_that_becomes_of_another_kind_changes_to_its_version() {
    let (laptop, server, remote) = two_kinds(&[]);
    laptop.write("../.rc", "for work\n");
    laptop
        .sync(["mark", "--variant=work", "../.rc", "../.tool"])
        .succeeds();
    // It is a profile, and this machine has it not.
    is_linked(&laptop, ".rc", ".rc");
    laptop.write("../.rc", "for home\n");
    settle(&[&laptop, &server]);
    server.has("../.rc", "for home\n");
    for (profile, content) in [("work", "for work\n"), ("home", "for home\n")] {
        server
            .sync(["setup", "--profile", profile])
            .succeeds()
            .tells("relink   ~/.rc");
        server.has("../.rc", content);
    }
    is_linked(&server, ".rc", ".rc");
    server.is_in_sync_with(&remote);
}

#[test]
fn what_was_changed_in_place_is_of_the_version_that_stood_there() {
    for option in ["--link", "--copy"] {
        let (laptop, server, remote) = two_kinds(&[option]);
        laptop.sync(["mark", "--variant=work", "../.rc"]).succeeds();
        settle(&[&laptop, &server]);
        // The link is replaced, or the copy changed, and then the machine becomes one for work.
        std::fs::remove_file(server.home().join(".rc")).unwrap();
        server.write("../.rc", "edited before\n");
        server.sync(["setup", "--profile=work"]).succeeds();
        server
            .has("external/.rc", "edited before\n")
            .has("external/.rc##work", "rc\n")
            .has("../.rc", "rc\n");
        remote.has("external/.rc", "edited before\n");
        nothing_beside(&server, ".");
    }
}

#[test]
fn a_mark_may_have_variants_alone() {
    let (laptop, server, remote) = two_kinds(&[]);
    laptop.write("../.mac", "mac\n");
    server.write("../.mac", "ec2\n");
    laptop
        .sync(["mark", "--variant=mac", "../.mac"])
        .succeeds()
        .tells("copy     ~/.mac -> external/.mac##mac");
    settle(&[&laptop, &server]);
    is_linked(&laptop, ".mac##mac", ".mac");
    is_real(&server, ".mac");
    server.has("../.mac", "ec2\n").lacks("external/.mac");
    server
        .sync(["list"])
        .succeeds()
        .says("~/.mac   variants for mac   (not for this machine)");
    server
        .sync(["mark", "../.mac"])
        .exits(1)
        .tells("not for this machine")
        .tells("--variant WHO");
    server.sync(["mark", "--variant=ec2", "../.mac"]).succeeds();
    settle(&[&server, &laptop]);
    is_linked(&server, ".mac##ec2", ".mac");
    laptop.has("../.mac", "mac\n");
    server.has("../.mac", "ec2\n");
    remote.has("external/.mac##ec2", "ec2\n");
    remote.has("external/.mac##mac", "mac\n");
}

#[test]
fn the_first_machine_may_mark_for_others_and_keeps_its_file() {
    let (laptop, server, _) = two_kinds(&[]);
    laptop.write("../.srv", "for servers\n");
    laptop.sync(["mark", "--variant=ec2", "../.srv"]).succeeds();
    is_real(&laptop, ".srv");
    settle(&[&laptop, &server]);
    is_linked(&server, ".srv##ec2", ".srv");
    server.has("../.srv", "for servers\n");
    is_real(&laptop, ".srv");
    laptop.has("../.srv", "for servers\n");
}

#[test]
fn a_variant_that_is_dropped_leaves_the_next_closest() {
    let (laptop, server, remote) = two_kinds(&[]);
    laptop.sync(["mark", "--variant=mac", "../.rc"]).succeeds();
    laptop.write("../.rc", "of the mac\n");
    settle(&[&laptop, &server]);
    laptop.write("../.rc", "in no commit yet\n");
    laptop
        .sync(["unmark", "--variant=mac", "../.rc"])
        .succeeds()
        .tells("keep     ~/.rc as it was: ")
        .tells("relink   ~/.rc")
        .says("1 variant dropped, not pushed yet");
    is_linked(&laptop, ".rc", ".rc");
    laptop.has("../.rc", "rc\n").lacks("external/.rc##mac");
    let kept = laptop.sh("cat .git/sync/rescued/*/external/.rc##mac");
    assert_eq!(kept.stdout(), "in no commit yet\n");
    laptop.sync([]).succeeds();
    is_gone(&remote, "external/.rc##mac");
    laptop.is_in_sync_with(&remote);

    // From elsewhere, while it is edited: no moment without a file, and what is in no commit stays.
    laptop.sync(["mark", "--variant=ec2", "../.rc"]).succeeds();
    settle(&[&laptop, &server]);
    is_linked(&server, ".rc##ec2", ".rc");
    laptop
        .sync(["unmark", "--variant=ec2", "../.rc"])
        .succeeds();
    laptop.sync([]).succeeds();
    server.sync([]).succeeds().tells("relink   ~/.rc");
    is_linked(&server, ".rc", ".rc");
    server.has("../.rc", "rc\n").is_in_sync_with(&remote);
}

#[test]
fn an_unmark_ends_all_versions_and_each_machine_keeps_its_own() {
    let (laptop, server, remote) = two_kinds(&[]);
    laptop
        .sync(["mark", "--variant=mac", "../.rc", "../.tool"])
        .succeeds();
    laptop.write("../.rc", "of the mac\n");
    settle(&[&laptop, &server]);
    server.sync(["unmark", "../.rc", "../.tool"]).succeeds();
    settle(&[&server, &laptop]);
    for machine in [&laptop, &server] {
        is_real(machine, ".rc");
        is_real(machine, ".tool");
        machine.lacks("external/.rc").lacks("external/.rc##mac");
    }
    laptop.has("../.rc", "of the mac\n");
    server.has("../.rc", "rc\n");
    is_gone(&remote, "external/.rc##mac");
    is_gone(&remote, "external/.tool##mac/a");
    laptop.is_in_sync_with(&remote);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let (laptop, _, _) = two_kinds(&[]);
    let before = laptop.fingerprint();
    for (words, exit, tells) in [
        (
            &["mark", "--variant=a/b", "../.rc"][..],
            129,
            "bad name 'a/b' for '--variant'",
        ),
        (
            &["unmark", "--variant=mac", "../.rc"],
            1,
            "has no variant 'mac'",
        ),
        (
            &["mark", "--variant=mac", "../.tool/a"],
            1,
            "is marked as a whole",
        ),
        (&["list", "--variant=mac"], 129, "does not go with 'list'"),
    ] {
        run(&laptop, words).exits(exit).tells(tells);
    }
    assert_eq!(laptop.fingerprint(), before);
    laptop.write("../.only", "only\n");
    laptop
        .sync(["mark", "--variant=mac", "../.only"])
        .succeeds();
    laptop
        .sync(["unmark", "--variant=mac", "../.only"])
        .exits(1)
        .tells("'mac' is the only version of '~/.only'")
        .tells("git sync unmark ~/.only");
    // The copy of another mark.
    laptop.write("../.rc##ec2", "x\n");
    laptop.sync(["mark", "../.rc##ec2"]).succeeds();
    laptop
        .sync(["mark", "--variant=ec2", "../.rc"])
        .exits(1)
        .tells("would be 'external/.rc##ec2'");
    // What is not settled.
    std::fs::remove_file(laptop.home().join(".rc")).unwrap();
    laptop.sync(["mark", "--variant=ec2", "../.rc"]).exits(1);
}

#[test]
fn both_machines_of_one_kind_share_a_variant_and_its_conflicts() {
    let (laptop, server, remote) = two_kinds(&[]);
    server.config("sync.machineType", "mac");
    laptop.sync(["mark", "--variant=mac", "../.rc"]).succeeds();
    settle(&[&laptop, &server]);
    is_linked(&server, ".rc##mac", ".rc");
    laptop.write("../.rc", "laptop\n");
    server.write("../.rc", "server\n");
    laptop.sync([]).succeeds();
    server.sync([]).exits(1).tells("external/.rc##mac");
    server.has("../.rc", "server\n");
    server
        .sync(["resolve", "--theirs", "external/.rc##mac"])
        .succeeds();
    server.has("../.rc", "laptop\n");
    settle(&[&server, &laptop]);
    laptop.is_in_sync_with(&remote);
}
