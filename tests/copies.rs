//! Marks that are copies: a file of its own stands at the live path, and changes go both ways.

use crate::marks::{is_linked, is_real, nothing_beside};
use crate::support::{Machine, Remote, Running, Sandbox, needs, on_a_terminal, settle, wait_until};

const FIVE: &str = "one\ntwo\nthree\nfour\nfive\n";

/// Two machines with `~/.rc` as a copy.
fn copied() -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", FIVE);
    laptop.sync(["mark", "--copy", "../.rc"]).succeeds();
    settle(&[&laptop, &server]);
    is_real(&server, ".rc");
    (laptop, server, remote)
}

#[test]
fn a_copy_is_a_file_of_its_own_on_every_machine() {
    let (laptop, server, remote) = copied();
    for machine in [&laptop, &server] {
        is_real(machine, ".rc");
        machine.has("../.rc", FIVE).has("external/.rc", FIVE);
        machine.has(".sync/marked-files.txt", "copy ~/.rc\n~/.rc\n");
        machine.sync([]).succeeds().does_not_tell(".rc");
        nothing_beside(machine, ".");
    }
    laptop.is_in_sync_with(&remote);
    let list = laptop.sync(["list", "--json"]).succeeds().json();
    assert_eq!(list["marked"][0]["mode"], "copy");
    assert_eq!(list["marked"][0]["link"], "ok");
}

#[test]
fn a_change_here_is_taken_in_and_written_there() {
    let (laptop, server, remote) = copied();
    laptop.write("../.rc", "new\n");
    let list = laptop.sync(["list"]).succeeds().stdout();
    assert!(
        list.contains("~/.rc   ! changed since the last sync"),
        "{list}"
    );
    laptop
        .sync([])
        .succeeds()
        .tells("take     ~/.rc (changed here)");
    laptop.is_in_sync_with(&remote);
    remote.has("external/.rc", "new\n");
    server
        .sync([])
        .succeeds()
        .tells("write    ~/.rc (from the repository)");
    server.has("../.rc", "new\n");
    is_real(&server, ".rc");
    nothing_beside(&server, ".");
}

#[test]
fn an_edit_of_the_copy_in_the_repository_reaches_the_live_file() {
    let (laptop, _, remote) = copied();
    laptop.write("external/.rc", "edited there\n");
    laptop.sync([]).succeeds();
    laptop
        .has("../.rc", "edited there\n")
        .is_in_sync_with(&remote);
}

#[test]
fn both_are_merged_where_they_go_together() {
    let (laptop, server, remote) = copied();
    server.write("../.rc", FIVE.replace("one", "ONE"));
    laptop.write("../.rc", FIVE.replace("five", "FIVE"));
    settle(&[&server, &laptop]);
    for machine in [&laptop, &server] {
        machine.has("../.rc", "ONE\ntwo\nthree\nfour\nFIVE\n");
    }
    laptop.write("external/.rc", "1\ntwo\nthree\nfour\nFIVE\n");
    laptop.write("../.rc", "ONE\ntwo\nthree\nfour\n5\n");
    laptop.sync([]).succeeds().tells("join     ~/.rc");
    for path in ["../.rc", "external/.rc"] {
        laptop.has(path, "1\ntwo\nthree\nfour\n5\n");
    }
    laptop.is_in_sync_with(&remote);
}

#[test]
fn what_does_not_go_together_is_held_and_the_live_file_stays() {
    let (laptop, server, remote) = copied();
    server.write("../.rc", "server\n");
    laptop.write("../.rc", "laptop\n");
    server.sync([]).succeeds();
    laptop.sync([]).exits(1);
    laptop.has("../.rc", "laptop\n").holds(["external/.rc"]);
    remote.has("external/.rc", "server\n");
    // It can be edited on, and decided about.
    laptop.write("../.rc", "laptop, later\n");
    laptop.sync([]).exits(1);
    laptop.has("../.rc", "laptop, later\n");
    laptop
        .sync(["resolve", "--theirs", "external/.rc"])
        .succeeds();
    laptop.sync([]).succeeds();
    laptop.has("../.rc", "server\n").holds([]);
}

#[test]
fn a_conflict_with_the_copy_in_the_work_tree_is_held_too() {
    let (laptop, _, remote) = copied();
    laptop.write("external/.rc", "theirs\n");
    laptop.write("../.rc", "mine\n");
    laptop.sync([]).exits(1);
    laptop.has("../.rc", "mine\n").holds(["external/.rc"]);
    is_real(&laptop, ".rc");
    remote.has("external/.rc", "theirs\n");
    laptop
        .sync(["resolve", "--ours", "external/.rc"])
        .succeeds();
    laptop.has("../.rc", "mine\n");
    remote.has("external/.rc", "mine\n");
}

#[test]
fn a_removed_file_is_told_and_not_brought_back() {
    let (laptop, server, remote) = copied();
    laptop.remove("../.rc");
    server.write("../.rc", "newer\n");
    server.sync([]).succeeds();
    for _ in 0..2 {
        laptop
            .sync([])
            .exits(1)
            .tells("skipped '~/.rc': it was removed here")
            .tells("git sync mark ~/.rc   puts it back");
        laptop.lacks("../.rc");
    }
    remote.has("external/.rc", "newer\n");
    laptop.sync(["mark", "../.rc"]).succeeds();
    laptop.has("../.rc", "newer\n");
    is_real(&laptop, ".rc");
}

#[test]
fn a_file_that_differs_at_first_contact_is_asked_about() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "laptop\n");
    laptop.sync(["mark", "--copy", "../.rc"]).succeeds();
    laptop.sync([]).succeeds();
    server.write("../.rc", "server\n");
    server
        .sync([])
        .exits(1)
        .tells("skipped '~/.rc': it differs from the copy in the repository");
    server
        .has("../.rc", "server\n")
        .has("external/.rc", "laptop\n");
    let prompt = "[s]kip, [q]uit? ";
    on_a_terminal(&server, "git-sync", [(prompt, "d\n"), (prompt, "m\n")])
        .succeeds()
        .says("-server");
    server
        .has("../.rc", "server\n")
        .has("external/.rc", "server\n");
    laptop.sync([]).succeeds();
    laptop.has("../.rc", "server\n");
}

#[test]
fn the_repositorys_version_is_taken_with_yes_and_the_other_one_kept() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "laptop\n");
    laptop.sync(["mark", "--copy", "../.rc"]).succeeds();
    laptop.sync([]).succeeds();
    server.write("../.rc", "server\n");
    let output = server.sync(["--yes"]).succeeds();
    server.has("../.rc", "laptop\n");
    let told = output.stderr();
    let kept = told.split("as it was: ").nth(1).unwrap().lines().next();
    assert_eq!(std::fs::read_to_string(kept.unwrap()).unwrap(), "server\n");
}

#[test]
fn a_link_becomes_a_copy_and_goes_back() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "1\n").write("../.tool/a", "a\n");
    laptop.sync(["mark", "../.rc", "../.tool"]).succeeds();
    settle(&[&laptop, &server]);
    is_linked(&server, ".rc");
    laptop
        .sync(["mark", "--copy", "../.rc", "../.tool"])
        .succeeds()
        .says("2 changed, not pushed yet");
    is_real(&laptop, ".rc");
    is_real(&laptop, ".tool");
    settle(&[&laptop, &server]);
    is_real(&server, ".rc");
    is_real(&server, ".tool");
    server.write("../.tool/b", "b\n").write("../.rc", "2\n");
    settle(&[&server, &laptop]);
    laptop.has("../.tool/b", "b\n").has("../.rc", "2\n");
    laptop.write("../.rc", "3\n");
    laptop.sync(["mark", "--link", "../.rc"]).succeeds();
    is_linked(&laptop, ".rc");
    laptop.has("../.rc", "3\n");
    settle(&[&laptop, &server]);
    is_linked(&server, ".rc");
    is_real(&server, ".tool");
    laptop.is_in_sync_with(&remote);
}

#[test]
fn a_folder_is_copied_with_all_that_is_in_it() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("../.tool/a", "a\n")
        .write("../.tool/bin/run", "#!/bin/sh\n")
        .write("../.tool/key", "private\n");
    laptop.chmod("../.tool/bin/run", 0o755);
    laptop.chmod("../.tool/key", 0o600);
    laptop.sync(["mark", "--copy", "../.tool"]).succeeds();
    settle(&[&laptop, &server]);
    is_real(&server, ".tool");
    server.has("../.tool/a", "a\n");
    assert_eq!(server.mode("../.tool/bin/run"), 0o755);
    assert_eq!(server.mode("../.tool/key"), 0o600);
    server.remove("../.tool/a");
    server.write("../.tool/new", "new\n");
    server.sh("mkdir ../.tool/empty").succeeds();
    server
        .sync([])
        .succeeds()
        .tells("take     ~/.tool/")
        .does_not_tell("is kept as");
    assert!(server.home().join(".tool/empty").is_dir());
    laptop.sync([]).succeeds();
    laptop.lacks("../.tool/a").has("../.tool/new", "new\n");
    // What is skipped is not taken for decided the next time.
    laptop.write("../.tool/new", "here\n");
    laptop.write("external/.tool/new", "there\n");
    for _ in 0..2 {
        laptop.sync([]).exits(1).tells("skipped '~/.tool/'");
        laptop.has("../.tool/new", "here\n");
    }
    remote.has("external/.tool/new", "there\n");
}

#[test]
fn modes_get_narrower_on_both_sides_and_wider_when_marked_again() {
    let (laptop, server, _) = copied();
    laptop.chmod("../.rc", 0o600);
    laptop.sync([]).succeeds();
    assert_eq!(laptop.mode("external/.rc"), 0o600);
    server.sync([]).succeeds();
    assert_eq!(server.mode("../.rc"), 0o600);
    // A program that saves anew makes it readable for all.
    server.write("../saved", "new\n");
    server.rename("../saved", "../.rc");
    server.chmod("../.rc", 0o644);
    server.sync([]).succeeds();
    assert_eq!(server.mode("../.rc"), 0o600);
    server.chmod("../.rc", 0o644);
    server.sync(["mark", "../.rc"]).succeeds();
    assert_eq!(server.mode("../.rc"), 0o644);
    settle(&[&server, &laptop]);
    assert_eq!(server.mode("../.rc"), 0o644);
}

#[test]
fn where_no_link_can_be_made_it_is_a_copy_on_this_machine_alone() {
    needs("strace");
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "1\n");
    laptop.sync(["mark", "../.rc"]).succeeds();
    laptop.sync([]).succeeds();
    let sync = || {
        let mut command = server.command("strace");
        command.args(["-f", "-o", "/dev/null", "-e", "trace=?symlink,?symlinkat"]);
        command.args(["-e", "inject=?symlink,?symlinkat:error=EPERM", "git-sync"]);
        server.run(command)
    };
    sync()
        .succeeds()
        .tells("no link can be made at '~/.rc': it is kept as a copy on this machine");
    is_real(&server, ".rc");
    server.has("../.rc", "1\n");
    server.write("../.rc", "2\n");
    sync()
        .succeeds()
        .tells("take     ~/.rc")
        .does_not_tell("no link can be made");
    laptop.sync([]).succeeds();
    is_linked(&laptop, ".rc");
    laptop.has("../.rc", "2\n").is_in_sync_with(&remote);
    nothing_beside(&server, ".");
    // Links can be made now.
    server.sync(["mark", "--link", "../.rc"]).succeeds();
    is_linked(&server, ".rc");
}

#[test]
fn a_mark_is_a_copy_from_the_start_where_no_link_can_be_made() {
    needs("strace");
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "1\n");
    let mut command = laptop.command("strace");
    command.args(["-f", "-o", "/dev/null", "-e", "trace=?symlink,?symlinkat"]);
    command.args(["-e", "inject=?symlink,?symlinkat:error=EPERM"]);
    command.args(["git-sync", "mark", "../.rc"]);
    laptop.run(command).succeeds().tells("no link can be made");
    is_real(&laptop, ".rc");
    laptop.has(".sync/marked-files.txt", "~/.rc\n");
    laptop.write("../.rc", "2\n");
    laptop.sync([]).succeeds();
    remote.has("external/.rc", "2\n");
}

#[test]
fn a_link_that_is_replaced_again_and_again_is_told_of_copies() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "0\n");
    laptop.sync(["mark", "../.rc"]).succeeds();
    for time in 1..=3 {
        laptop.write("../saved", format!("{time}\n"));
        laptop.rename("../saved", "../.rc");
        let output = laptop.sync([]).succeeds();
        if time < 3 {
            output.does_not_tell("--copy");
        } else {
            output.tells("git sync mark --copy ~/.rc");
        }
    }
    laptop.sync([]).succeeds().does_not_tell("--copy");
}

#[test]
fn it_is_unmarked_and_every_machine_keeps_its_file() {
    let (laptop, server, remote) = copied();
    laptop.sync(["unmark", "../.rc"]).succeeds();
    settle(&[&laptop, &server]);
    for machine in [&laptop, &server] {
        is_real(machine, ".rc");
        machine.has("../.rc", FIVE).lacks("external/.rc");
        machine.has(".sync/marked-files.txt", "");
    }
    laptop.is_in_sync_with(&remote);
}

#[test]
fn a_mark_on_terms_of_a_newer_program_is_left_alone() {
    let (laptop, server, _) = copied();
    server.write(
        ".sync/marked-files.txt",
        "copy ~/.rc\nencrypt=age ~/.rc\n~/.rc\n",
    );
    server.write("external/.rc", "what only a newer one understands\n");
    server.git(["add", "-A"]);
    server.git(["commit", "-qm", "of tomorrow"]);
    server.git(["push", "-q"]);
    laptop.write("../.rc", "mine\n");
    laptop
        .sync([])
        .exits(1)
        .tells("skipped '~/.rc': it is marked in a way that needs a newer git-sync");
    laptop.has("../.rc", "mine\n");
    laptop.has(
        ".sync/marked-files.txt",
        "copy ~/.rc\nencrypt=age ~/.rc\n~/.rc\n",
    );
}

#[test]
fn how_one_file_of_a_marked_folder_is_kept_cannot_be_said() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("../.tool/a", "a\n");
    laptop.sync(["mark", "../.tool"]).succeeds();
    laptop
        .sync(["mark", "--copy", "../.tool/a"])
        .exits(1)
        .tells("which is marked as a whole");
    is_linked(&laptop, ".tool");
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let (laptop, _, _) = copied();
    laptop.write("../.rc", "new\n");
    laptop
        .sync(["-n"])
        .succeeds()
        .says("take     ~/.rc (changed here)");
    laptop.has("external/.rc", FIVE);
}

#[test]
fn a_file_that_is_saved_in_the_instant_of_its_replacement_is_kept() {
    needs("strace");
    let (laptop, server, remote) = copied();
    server.write("../.rc", "server\n");
    server.sync([]).succeeds();
    let live = laptop.home().join(".rc");
    let mut command = laptop.command("strace");
    command.args(["-f", "-o", "/dev/null", "-e", "trace=renameat2", "-P"]);
    command.arg(&live);
    // The two are about to trade places, and have to wait.
    command.args(["-e", "inject=renameat2:delay_enter=3000000:when=1"]);
    command.arg("git-sync");
    let running = Running::start(&laptop, command);
    let is_beside = || {
        let names = std::fs::read_dir(laptop.home()).unwrap();
        let mut ours = names
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.starts_with(".git-sync-")
            });
        ours.any(|path| std::fs::read_to_string(path).is_ok_and(|text| text == "server\n"))
    };
    wait_until("the new version is beside the file", is_beside);
    laptop.write("../saved", "saved\n");
    laptop.rename("../saved", "../.rc");
    running.finish().exits(1);
    laptop.has("../.rc", "saved\n").holds(["external/.rc"]);
    remote.has("external/.rc", "server\n");
    nothing_beside(&laptop, ".");
}
