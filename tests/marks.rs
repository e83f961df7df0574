//! `--mark`, `--unmark`, `--list-marked`: paths outside of the repository, adopted and given back.

use crate::support::{Machine, Remote, Sandbox, settle};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

/// Expects our link to the copy at a path of the home.
#[track_caller]
pub(crate) fn is_linked(machine: &Machine, path: &str) {
    let target = machine.path("external").join(path);
    let live = format!("../{path}");
    machine.links(&live, target.to_str().unwrap());
    assert!(machine.path(&live).exists(), "{path} leads nowhere");
}

/// Expects a file or folder of its own at a path of the home.
#[track_caller]
pub(crate) fn is_real(machine: &Machine, path: &str) {
    let found = machine.home().join(path).symlink_metadata();
    let found = found.unwrap_or_else(|_| panic!("{path} is not there\n{}", machine.scenery()));
    assert!(!found.is_symlink(), "{path} is a link");
}

/// Expects nothing of ours beside a path, nor in our folders.
#[track_caller]
pub(crate) fn nothing_beside(machine: &Machine, folder: &str) {
    let names = fs::read_dir(machine.home().join(folder)).unwrap();
    let left: Vec<_> = names
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.as_bytes().starts_with(b".git-sync-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    machine.lacks(".git/sync/adopting");
}

#[test]
fn a_file_is_adopted_linked_committed_and_sent() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.config/app/config", "theme = dark\n");
    laptop.chmod("../.config/app/config", 0o600);
    laptop.write("zshrc", "not part of it\n");

    let output = laptop.sync(["--mark", "../.config/app/config"]).succeeds();
    output
        .tells("copy     ~/.config/app/config -> external/.config/app/config")
        .tells("link     ~/.config/app/config")
        .says("1 marked, not pushed yet");

    is_linked(&laptop, ".config/app/config");
    laptop
        .has("../.config/app/config", "theme = dark\n")
        .has(".sync/marked-files.txt", "~/.config/app/config\n");
    assert_eq!(laptop.mode("external/.config/app/config"), 0o600);
    assert_eq!(
        laptop.git(["log", "-1", "--format=%s"]),
        "mark ~/.config/app/config"
    );
    assert_eq!(laptop.git(["status", "--porcelain"]), " M zshrc");
    nothing_beside(&laptop, ".config/app");

    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    server
        .sync([])
        .succeeds()
        .tells("link     ~/.config/app/config");
    is_linked(&server, ".config/app/config");
    server.has("../.config/app/config", "theme = dark\n");
    server.sync([]).succeeds().does_not_tell("link");
}

#[test]
fn what_is_staged_besides_stays_staged() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "staged\n").write("../.toolrc", "1\n");
    laptop.git(["add", "zshrc"]);
    laptop.sync(["mark", "../.toolrc"]).succeeds();
    assert_eq!(laptop.git(["status", "--porcelain"]), "M  zshrc");
}

#[test]
fn a_folder_is_adopted_with_all_that_is_in_it() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("../.tool/settings.json", "{}\n")
        .write("../.tool/bin/run", "#!/bin/sh\n")
        .write("../.tool/deep/er/file", "x\n");
    laptop.chmod("../.tool/bin/run", 0o755);
    laptop.link("../.tool/current", "deep/er");

    laptop.sync(["--mark", "../.tool/"]).succeeds();

    is_linked(&laptop, ".tool");
    laptop.has(".sync/marked-files.txt", "~/.tool/\n");
    laptop.has("../.tool/deep/er/file", "x\n");
    laptop.links("external/.tool/current", "deep/er");
    assert_eq!(laptop.mode("../.tool/bin/run"), 0o755);
    nothing_beside(&laptop, ".");
    laptop.write("../.tool/new", "picked up\n");
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    server.sync([]).succeeds();
    is_linked(&server, ".tool");
    server
        .has("../.tool/new", "picked up\n")
        .has("../.tool/current/file", "x\n");
    assert_eq!(server.mode("../.tool/bin/run"), 0o755);
}

#[test]
fn a_mark_is_taken_back_and_every_machine_keeps_its_file() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("../.toolrc", "1\n")
        .write("../.tool/a", "a\n")
        .write("../.tool/b", "b\n");
    laptop.sync(["mark", "../.toolrc", "../.tool"]).succeeds();
    laptop.sync([]).succeeds();
    server
        .sync([])
        .succeeds()
        .tells("pull     1 commit from ana@laptop-linux");
    is_linked(&server, ".toolrc");

    laptop
        .sync(["--unmark", "../.toolrc", "../.tool"])
        .succeeds()
        .tells("restore  ~/.toolrc is a normal file again")
        .tells("remove   external/.toolrc")
        .says("2 unmarked");

    for machine in [&laptop, &server] {
        machine.sync([]).succeeds();
        for path in [".toolrc", ".tool"] {
            is_real(machine, path);
        }
        machine
            .has("../.toolrc", "1\n")
            .has("../.tool/a", "a\n")
            .has("../.tool/b", "b\n")
            .lacks("external")
            .is_in_sync_with(&remote);
        assert_eq!(machine.sync(["list"]).succeeds().stdout(), "");
        nothing_beside(machine, ".");
        machine.sync([]).succeeds().does_not_tell("forget");
    }
}

#[test]
fn a_path_is_found_however_it_is_typed() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    for name in ["a", "b", "c", "d", "e/f", "g"] {
        laptop.write(format!("../{name}"), name);
    }
    laptop.link("../way", "e");
    let absolute = laptop.home().join("a");
    laptop.sync(["mark", absolute.to_str().unwrap()]).succeeds();
    laptop
        .at_home()
        .sync(["mark", "-C", "configs", "~/b"])
        .succeeds();
    laptop.at("vim").sync(["mark", "../../c"]).succeeds();
    laptop.sync(["mark", "../way/../d"]).succeeds();
    laptop.sync(["mark", "../way/f"]).succeeds();
    laptop.sync(["-C", "..", "mark", "./g"]).exits(128);
    let list = laptop.sync(["--list-marked"]).succeeds().stdout();
    assert_eq!(list, "~/a\n~/b\n~/c\n~/d\n~/way/f\n");
    laptop.links("../e/f", laptop.path("external/way/f").to_str().unwrap());
}

#[test]
fn marking_twice_is_a_success_and_says_so() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("../.tool/a", "a\n").write("../x", "x\n");
    laptop.sync(["mark", "../.tool", "../x", "../x"]).succeeds();
    let before = laptop.fingerprint();
    laptop
        .sync(["mark", "../x"])
        .succeeds()
        .tells("marked already");
    laptop
        .sync(["mark", "../.tool/a"])
        .succeeds()
        .tells("is synced already, by ~/.tool/");
    assert_eq!(before, laptop.fingerprint());
}

#[test]
fn what_a_link_leads_to_is_taken_in_where_that_is_wished_for() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("../dotfiles/rc", "old way\n");
    laptop.link("../.rc", "dotfiles/rc");
    laptop.sync(["mark", "--follow", "../.rc"]).succeeds();
    is_linked(&laptop, ".rc");
    laptop
        .has("../.rc", "old way\n")
        .has("../dotfiles/rc", "old way\n");
    laptop.sync(["unmark", "../.rc"]).succeeds();
    is_real(&laptop, ".rc");
    laptop.has("../.rc", "old way\n");
}

#[test]
fn a_deleted_file_can_be_unmarked_and_marked_again() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("../a", "a\n").write("../b/c", "c\n");
    laptop.sync(["mark", "../a", "../b"]).succeeds();
    laptop.remove("../a");
    laptop.remove("../b");
    laptop.sync([]).exits(1).tells("the link was removed here");
    laptop.lacks("../a");
    laptop.sync(["mark", "../a"]).succeeds();
    is_linked(&laptop, "a");
    // An edit that is in no commit yet is kept.
    laptop.write("external/b/c", "edited\n");
    let output = laptop
        .sync(["unmark", "../b"])
        .succeeds()
        .tells("nothing stands at ~/b/");
    laptop.lacks("../b").lacks("external/b");
    let told = output.stderr();
    let kept = told.lines().find(|line| line.starts_with("  keep  "));
    let kept = kept.unwrap().rsplit(": ").next().unwrap();
    let kept = fs::read_to_string(std::path::Path::new(kept).join("c"));
    assert_eq!(kept.unwrap(), "edited\n");
    laptop.sync([]).succeeds();
}

#[test]
fn every_name_can_be_marked() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    let names: [&[u8]; 8] = [
        b"with space",
        b"line\nend",
        b"\xff\xfe",
        b"\"quoted\"",
        b"back\\slash",
        b"-dash",
        b"tail\r",
        "grüße ⚡".as_bytes(),
    ];
    for name in names {
        let path = OsStr::from_bytes(name);
        laptop.write(std::path::Path::new("..").join(path), name);
        let typed = laptop.home().join(path);
        laptop
            .sync_bytes(&[OsStr::new("mark"), typed.as_os_str()])
            .succeeds();
    }
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    let list = server.sync(["list", "-z"]).succeeds().bytes().to_vec();
    let mut expected: Vec<Vec<u8>> = names.iter().map(|name| [b"~/", *name].concat()).collect();
    expected.sort();
    let mut found: Vec<_> = list
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    found.sort();
    assert_eq!(found, expected);
    for name in names {
        let live = server.home().join(OsStr::from_bytes(name));
        assert!(live.is_symlink());
        assert_eq!(fs::read(&live).unwrap(), name);
    }
}

#[test]
fn large_things_are_adopted_whole() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop
        .sh(
            "head -c 200m /dev/urandom > ../big; sha256sum < ../big > ../sum
            mkdir ../many; cd ../many; seq 10000 | split -l 1 -a 4 - f",
        )
        .succeeds();
    laptop.config("sync.maxFileSize", "0");
    laptop
        .sync_of_much(["mark", "--yes", "../big", "../many"])
        .succeeds();
    laptop.sync_of_much([]).succeeds();
    laptop.is_in_sync_with(&remote);
    laptop
        .sh("sha256sum < ../big | cmp - ../sum; test $(ls ../many/ | wc -l) = 10000")
        .succeeds();
    is_linked(&laptop, "many");
}

#[test]
fn the_list_is_told_to_programs() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("../a", "a\n").write("../b/c", "c\n");
    laptop
        .sync(["mark", "--json", "../a", "../b"])
        .succeeds()
        .says("\"kind\":\"folder\"");
    laptop.remove("../a");
    let list = laptop.sync(["list", "--json"]).succeeds().stdout();
    for part in [
        r#""path":"~/a""#,
        r#""store":"external/a""#,
        r#""link":"missing""#,
        r#""path":"~/b/""#,
        r#""link":"ok""#,
    ] {
        assert!(list.contains(part), "{part} is not in {list}");
    }
    laptop
        .sync(["unmark", "--json", "../b"])
        .succeeds()
        .says("\"there\":true");
}

#[test]
fn the_status_tells_of_marks() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop
        .write("../.rc", "a\n")
        .write("../.fine", "a\n")
        .write("../b/c", "c\n");
    laptop
        .sync(["mark", "../.rc", "../.fine", "../b"])
        .succeeds();
    laptop.sync([]).succeeds();
    laptop
        .sync(["status"])
        .succeeds()
        .says("marked    2 files, 1 folder")
        .does_not_say("mark  ");
    laptop.remove("../.rc");
    laptop.write("../.rc", "saved by rename\n");
    laptop
        .sync(["status"])
        .succeeds()
        .says("mark      ~/.rc (link was replaced by a file)")
        .says("1 changed file to commit");
    laptop.shows("↑");
    let lines = laptop.sync(["status", "--porcelain"]).succeeds().stdout();
    for line in ["m ok ~/.fine\n", "m replaced ~/.rc\n", "m ok ~/b/\n"] {
        assert!(lines.contains(line), "{line:?} is not in {lines}");
    }
    let object = laptop.sync(["status", "--json"]).succeeds().json();
    let marked = object["marked"].as_array().unwrap();
    let of = |path: &str| marked.iter().find(|mark| mark["path"] == path).unwrap();
    assert_eq!(of("~/.rc")["link"], "replaced");
    assert_eq!(of("~/b/")["kind"], "folder");
    assert_eq!(of("~/.fine")["store"], "external/.fine");
}

#[test]
fn marking_what_was_replaced_takes_no_side() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("../a", "1\n");
    laptop.sync(["mark", "../a"]).succeeds();
    laptop.remove("../a");
    laptop.write("../a", "here\n");
    laptop.write("external/a", "in the repository\n");
    laptop
        .sync(["mark", "../a"])
        .exits(1)
        .tells("something else stands there")
        .tells("--repair");
    laptop
        .has("../a", "here\n")
        .has("external/a", "in the repository\n");
    laptop
        .sync(["mark", "--repair"])
        .exits(1)
        .tells("hold     external/a")
        .tells("git sync --resolve");
    is_linked(&laptop, "a");
    laptop.has("../a", "here\n");
    laptop.sync([]).exits(1);
    laptop.has("../a", "here\n").holds(["external/a"]);
}

/// A machine that was set up, so that it has our attributes.
fn set_up(sandbox: &Sandbox, name: &str, remote: &Remote) -> Machine {
    let machine = sandbox.machine(name, remote);
    machine.sync(["setup", "--yes"]).succeeds();
    machine
}

#[test]
fn marks_of_two_machines_at_once_are_joined() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let laptop = set_up(&sandbox, "laptop", &remote);
    let server = set_up(&sandbox, "server", &remote);
    laptop.write("../a", "a\n").write("../c", "c\n");
    laptop.chmod("../a", 0o600);
    server.write("../b", "b\n");
    server.chmod("../b", 0o600);
    laptop.sync(["mark", "../a", "../c"]).succeeds();
    server.sync(["mark", "../b"]).succeeds();
    settle(&[&laptop, &server]);
    for machine in [&laptop, &server] {
        let list = machine.sync(["list"]).succeeds().stdout();
        assert_eq!(list, "~/a\n~/b\n~/c\n");
        for path in ["a", "b", "c"] {
            is_linked(machine, path);
        }
        machine.has("../a", "a\n").has("../b", "b\n");
        for path in ["external/a", "external/b"] {
            assert_eq!(machine.mode(path), 0o600);
        }
    }
    // A union brings back a line that is taken out here while one beside it is added there.
    laptop.sync(["unmark", "../b"]).succeeds();
    server.write("../bb", "bb\n");
    server.sync(["mark", "../bb"]).succeeds();
    settle(&[&laptop, &server]);
    for machine in [&laptop, &server] {
        let list = machine.sync(["list"]).succeeds().stdout();
        assert_eq!(list, "~/a\n~/bb\n~/c\n");
        is_real(machine, "b");
        is_linked(machine, "bb");
        machine.is_in_sync_with(&remote);
    }
}

#[test]
fn an_edit_of_what_is_unmarked_elsewhere_is_not_lost() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.write("../a", "1\n").write("../b", "1\n");
    laptop.sync(["mark", "../a", "../b"]).succeeds();
    settle(&[&laptop, &server]);
    laptop.sync(["unmark", "../a", "../b"]).succeeds();
    laptop.sync([]).succeeds();
    server.write("../a", "edited through the link\n");
    server.remove("../b");
    server.write("../b", "saved in its place\n");
    server.sync([]).exits(1);
    is_real(&server, "a");
    is_real(&server, "b");
    server
        .has("../a", "edited through the link\n")
        .has("../b", "saved in its place\n")
        .holds(["external/a", "external/b"]);
    server
        .sync(["resolve", "--theirs", "external/a", "external/b"])
        .succeeds();
    server
        .has("../a", "edited through the link\n")
        .has("../b", "saved in its place\n")
        .lacks("external")
        .holds([]);
}

#[test]
fn a_user_who_commits_by_hand_is_left_to_do_so() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.commit", "never");
    laptop.write("../a", "a\n");
    let before = laptop.head();
    laptop
        .sync(["mark", "../a"])
        .succeeds()
        .does_not_say("pushed");
    is_linked(&laptop, "a");
    laptop.sync([]).succeeds();
    assert_eq!(before, laptop.head());
    laptop.commit("mine");
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    server.sync([]).succeeds();
    is_linked(&server, "a");
}

#[test]
fn the_hooks_of_the_user_see_a_mark() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.hook("commit-msg", "echo from the hook >> \"$1\"");
    laptop.hook("pre-commit", "git diff --cached --name-only > ../seen");
    laptop.write("../a", "a\n");
    laptop.sync(["mark", "../a"]).succeeds();
    assert_eq!(
        laptop.git(["log", "-1", "--format=%B"]).trim(),
        "mark ~/a\n\nMachine: ana@laptop-linux\nfrom the hook"
    );
    laptop.has("../seen", ".sync/marked-files.txt\nexternal/a\n");
    laptop.hook("pre-commit", "exit 1");
    laptop.write("../b", "b\n");
    laptop.sync(["mark", "../b"]).exits(1);
    is_linked(&laptop, "b");
    laptop.has("../b", "b\n");
}

#[test]
fn where_one_of_many_cannot_be_had_the_next_sync_does_the_rest() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    let names = ["a", "dir/b", "z"];
    for name in names {
        laptop.write(format!("../{name}"), name);
    }
    // Its copy would have to be in there.
    laptop.write("external/dir", "a file of the user\n");

    let refused = laptop.sync(["mark", "../a", "../dir/b", "../z"]).exits(1);

    assert!(refused.stderr().contains("finishes what was begun"));
    is_linked(&laptop, "a");
    is_real(&laptop, "dir/b");
    is_real(&laptop, "z");
    laptop.remove("external/dir");
    laptop.sync([]).succeeds();
    for name in names {
        is_linked(&laptop, name);
        laptop.has(format!("../{name}"), name);
    }
}
