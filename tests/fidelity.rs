//! What git does not keep of marked files and folders: who may read them, empty folders.

use crate::marks::is_linked;
use crate::support::{Machine, Remote, Sandbox, all_agree, settle};

/// Two machines; on the first one everything is more or less private.
fn private() -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("../.netrc", "secret\n")
        .write("../.ssh/config", "Host *\n")
        .write("../.tool/open", "open\n")
        .write("../.tool/key", "key\n")
        .write("../.tool/bin/run", "#!/bin/sh\n")
        .write("../.tool/closed/in", "in\n");
    laptop.sh("mkdir ../.tool/empty").succeeds();
    laptop.chmod("../.netrc", 0o600);
    laptop.chmod("../.ssh", 0o700);
    laptop.chmod("../.tool/key", 0o400);
    laptop.chmod("../.tool/bin/run", 0o750);
    laptop.chmod("../.tool/closed", 0o700);
    laptop.chmod("../.tool/empty", 0o700);
    laptop
        .sync(["mark", "../.netrc", "../.ssh/config", "../.tool"])
        .succeeds();
    (laptop, server, remote)
}

/// Expects the modes of [`private`], through the links and in the copies.
#[track_caller]
fn are_private(machine: &Machine) {
    for (path, mode) in [
        (".netrc", 0o600),
        (".ssh/config", 0o644),
        (".tool/open", 0o644),
        (".tool/key", 0o400),
        (".tool/bin/run", 0o750),
        (".tool/bin", 0o755),
        (".tool/closed", 0o700),
        (".tool/empty", 0o700),
    ] {
        let copy = format!("external/{path}");
        assert_eq!(machine.mode(&copy), mode, "{copy} on {}", machine.name());
    }
    for folder in ["../.ssh", "external/.ssh"] {
        assert_eq!(
            machine.mode(folder),
            0o700,
            "{folder} on {}",
            machine.name()
        );
    }
}

#[test]
fn modes_and_empty_folders_survive_the_trip() {
    let (laptop, server, remote) = private();
    are_private(&laptop);
    settle(&[&laptop, &server]);
    for machine in [&laptop, &server] {
        are_private(machine);
        is_linked(machine, ".ssh/config");
        machine.sync([]).succeeds();
    }
    all_agree(&[&laptop, &server], &remote);
    assert_eq!(
        laptop.read(".sync/modes"),
        "0600 external/.netrc\n0700 external/.ssh/\n0750 external/.tool/bin/run\n\
         0700 external/.tool/closed/\n0700 external/.tool/empty/\n0400 external/.tool/key\n"
    );
}

#[test]
fn an_update_keeps_the_modes() {
    let (laptop, server, remote) = private();
    settle(&[&laptop, &server]);
    server.chmod("../.tool/key", 0o600);
    server
        .write("../.tool/key", "other key\n")
        .write("../.netrc", "other\n");
    server.chmod("../.tool/key", 0o400);
    settle(&[&server, &laptop]);
    laptop
        .has("../.tool/key", "other key\n")
        .has("../.netrc", "other\n");
    are_private(&laptop);
    // git by hand makes it readable for all.
    laptop.remove("external/.netrc");
    laptop.git(["checkout", "-q", "external/.netrc"]);
    assert_eq!(laptop.mode("external/.netrc"), 0o644);
    laptop.sync([]).succeeds();
    are_private(&laptop);
    settle(&[&laptop, &server]);
    are_private(&server);
    all_agree(&[&laptop, &server], &remote);
}

/// Where the file comes live it is private from its first moment.
#[test]
fn what_comes_is_private_before_it_is_there() {
    crate::support::needs("strace");
    let (laptop, server, _) = private();
    laptop.sync([]).succeeds();
    let trace = server.home().join("trace");
    let mut command = server.command("strace");
    command
        .args(["-f", "-q", "-s", "4096"])
        .args([
            "-e",
            "trace=renameat2,renameat,rename,linkat,chmod,fchmod,fchmodat",
        ])
        .arg("-o")
        .arg(&trace)
        .arg("git-sync");
    server.run(command).succeeds();
    let trace = std::fs::read_to_string(&trace).unwrap();
    let at = |words: &[&str]| {
        let line = trace
            .lines()
            .position(|line| words.iter().all(|word| line.contains(word)));
        line.unwrap_or_else(|| panic!("no {words:?} in {trace}"))
    };
    let set = at(&["chmod", "stage/new/external/.netrc", "0600"]);
    let live = at(&[
        "rename",
        "stage/new/external/.netrc",
        "configs/external/.netrc",
    ]);
    assert!(set < live, "{trace}");
}

#[test]
fn a_mode_that_gets_narrower_travels_and_a_wider_one_has_to_be_marked() {
    let (laptop, server, remote) = private();
    settle(&[&laptop, &server]);
    laptop.chmod("../.tool/open", 0o600);
    settle(&[&laptop, &server]);
    assert_eq!(server.mode("external/.tool/open"), 0o600);
    laptop.chmod("../.tool/open", 0o644);
    laptop.sync([]).succeeds();
    assert_eq!(laptop.mode("external/.tool/open"), 0o600);
    laptop.chmod("../.tool/open", 0o644);
    laptop
        .sync(["mark", "../.tool"])
        .succeeds()
        .tells("synced already");
    settle(&[&laptop, &server]);
    assert_eq!(laptop.mode("external/.tool/open"), 0o644);
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_private_file_that_a_program_replaces_stays_private() {
    let (laptop, server, _) = private();
    settle(&[&laptop, &server]);
    // By a program that does not care.
    laptop.write("../saved", "new secret\n");
    laptop.rename("../saved", "../.netrc");
    laptop.sync([]).succeeds();
    laptop.has("../.netrc", "new secret\n");
    are_private(&laptop);
    // And by one that does.
    laptop.write("../saved", "open no more\n");
    laptop.chmod("../saved", 0o640);
    laptop.rename("../saved", "../.ssh/config");
    settle(&[&laptop, &server]);
    for machine in [&laptop, &server] {
        machine.has("../.ssh/config", "open no more\n");
        assert_eq!(machine.mode("external/.ssh/config"), 0o640);
    }
}

#[test]
fn a_new_private_file_in_a_marked_folder_is_private_elsewhere() {
    let (laptop, server, _) = private();
    settle(&[&laptop, &server]);
    laptop.write("../.tool/token", "secret\n");
    laptop.chmod("../.tool/token", 0o600);
    settle(&[&laptop, &server]);
    server.has("../.tool/token", "secret\n");
    assert_eq!(server.mode("external/.tool/token"), 0o600);
}

#[test]
fn an_empty_folder_comes_and_goes() {
    let (laptop, server, remote) = private();
    settle(&[&laptop, &server]);
    laptop
        .sh("rmdir ../.tool/empty; mkdir -p ../.tool/other/in")
        .succeeds();
    settle(&[&laptop, &server]);
    server.lacks("external/.tool/empty");
    assert!(server.path("external/.tool/other/in").is_dir());
    server.write("../.tool/other/in/file", "filled\n");
    settle(&[&server, &laptop]);
    laptop.has("../.tool/other/in/file", "filled\n");
    assert!(!laptop.read(".sync/modes").contains("other"));
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_machine_that_makes_all_files_private_tells_nobody() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.tool/a", "a\n");
    laptop.sync(["mark", "../.tool"]).succeeds();
    laptop.sync([]).succeeds();
    let careful = |words: &str| server.sh(&format!("umask 077; git-sync {words}"));
    careful("").succeeds();
    assert_eq!(server.mode("external/.tool/a"), 0o600);
    laptop
        .write("../.tool/b", "b\n")
        .write("../.tool/a", "aa\n");
    laptop.sync([]).succeeds();
    for _ in 0..2 {
        careful("").succeeds();
    }
    assert_eq!(server.mode("external/.tool/b"), 0o600);
    laptop.sync([]).succeeds();
    laptop.lacks(".sync/modes");
    assert_eq!(laptop.mode("external/.tool/b"), 0o644);
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_link_that_is_made_again_keeps_the_modes() {
    let (laptop, _, _) = private();
    laptop.remove("../.netrc");
    laptop.remove("../.tool");
    let before = laptop.read(".sync/modes");
    laptop.sync(["mark", "../.netrc", "../.tool"]).succeeds();
    is_linked(&laptop, ".tool");
    assert_eq!(before, laptop.read(".sync/modes"));
    are_private(&laptop);
}

#[test]
fn an_unmark_takes_its_modes_along() {
    let (laptop, server, _) = private();
    settle(&[&laptop, &server]);
    laptop
        .sync(["unmark", "../.netrc", "../.ssh/config", "../.tool"])
        .succeeds();
    settle(&[&laptop, &server]);
    for machine in [&laptop, &server] {
        assert_eq!(machine.mode("../.netrc"), 0o600);
        assert_eq!(machine.mode("../.tool/key"), 0o400);
        assert_eq!(machine.mode("../.tool/closed"), 0o700);
        assert_eq!(machine.mode("../.tool/empty"), 0o700);
        assert_eq!(machine.read(".sync/modes"), "");
    }
}
