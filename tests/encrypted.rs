//! Encrypted marks: the live file is plain, and everything that leaves the machine is not.

use crate::marks::{is_linked, is_real, nothing_beside};
use crate::support::{Machine, Remote, Sandbox, needs, settle};

pub(crate) const FIVE: &str = "one\ntwo\nthree\nfour\nfive\n";

/// Where a machine has its key.
pub(crate) const KEY: &str = "../.config/git-sync/identity.txt";

/// What `age -d` makes of something with the key of a machine.
#[track_caller]
pub(crate) fn age(machine: &Machine, path: &str) -> String {
    needs("age");
    let script = format!("age -d -i ../.config/git-sync/identity.txt '{path}'");
    machine.sh(&script).succeeds().stdout()
}

/// Expects that no object of a repository, reachable or not, has `text`, nor any file of its work tree.
#[track_caller]
fn nobody_has(machine: &Machine, text: &str) {
    let found = machine.sh(&format!(
        "git cat-file --batch-all-objects --batch | grep -caF -- '{text}'; \
         grep -rlF -- '{text}' . --exclude-dir=objects"
    ));
    assert_eq!(found.stdout().trim(), "0", "{}", found.scene());
}

/// A laptop with `~/.rc` encrypted, and a server that can read it.
pub(crate) fn encrypted() -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", FIVE);
    laptop.chmod("../.rc", 0o600);
    laptop.sync(["mark", "--encrypt", "../.rc"]).succeeds();
    laptop.sync([]).succeeds();
    enrol(&server, &laptop);
    (laptop, server, remote)
}

/// Lets `new` read what `old` can read.
fn enrol(new: &Machine, old: &Machine) {
    new.sync([]).exits(1);
    new.sync(["mark", "--add-recipient"]).succeeds();
    new.sync([]).exits(1);
    old.sync([]).succeeds();
    old.sync(["mark", "--rekey"]).succeeds();
    old.sync([]).succeeds();
    new.sync([]).succeeds();
}

#[test]
fn the_live_file_stays_plain_and_the_repository_has_what_age_can_read() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "hidden words\n");
    laptop.chmod("../.rc", 0o600);
    let output = laptop
        .sync(["mark", "--encrypt", "../.rc"])
        .succeeds()
        .says("1 marked, not pushed yet")
        .tells("keep a copy");
    assert!(!output.scene().contains("AGE-SECRET-KEY"));
    is_real(&laptop, ".rc");
    laptop
        .has("../.rc", "hidden words\n")
        .has(".sync/marked-files.txt", "encrypt ~/.rc\n~/.rc\n");
    assert_eq!(laptop.mode("../.rc"), 0o600);
    assert_eq!(laptop.mode(KEY), 0o600);
    assert_eq!(laptop.mode("../.config/git-sync"), 0o700);
    assert_eq!(age(&laptop, "external/.rc"), "hidden words\n");
    let copy = laptop.read("external/.rc");
    assert!(copy.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    nobody_has(&laptop, "hidden words");
    nothing_beside(&laptop, ".");

    // Nothing is encrypted again, however often it is looked at.
    let before = laptop.git(["rev-parse", "HEAD"]);
    laptop.sh("touch ../.rc external/.rc").succeeds();
    laptop.sync([]).succeeds();
    laptop.sync(["mark", "--repair"]).succeeds();
    assert_eq!(laptop.git(["rev-parse", "HEAD"]), before);
    laptop.has("external/.rc", &copy);

    // Without a key it is told, and nothing stands there.
    for _ in 0..2 {
        server
            .sync([])
            .exits(1)
            .tells("skipped '~/.rc': it is encrypted, and this machine has no key")
            .tells("git sync mark --add-recipient");
        server.lacks("../.rc").has("external/.rc", &copy);
    }
    enrol(&server, &laptop);
    server.has("../.rc", "hidden words\n");
    is_real(&server, ".rc");
    assert_eq!(server.mode("../.rc"), 0o600);
    for machine in [&laptop, &server] {
        assert_eq!(age(machine, "external/.rc"), "hidden words\n");
        machine.sync([]).succeeds().does_not_tell(".rc");
        nobody_has(machine, "hidden words");
    }
}

#[test]
fn a_change_goes_from_file_to_file_and_is_encrypted_between() {
    let (laptop, server, remote) = encrypted();
    laptop.write("../.rc", "changed words\n");
    laptop
        .sync([])
        .succeeds()
        .tells("take     ~/.rc (changed here)");
    laptop.is_in_sync_with(&remote);
    server
        .sync([])
        .succeeds()
        .tells("write    ~/.rc (from the repository)");
    server.has("../.rc", "changed words\n");
    assert_eq!(server.mode("../.rc"), 0o600);
    assert_eq!(age(&server, "external/.rc"), "changed words\n");
    for machine in [&laptop, &server] {
        nobody_has(machine, "changed words");
        nothing_beside(machine, ".");
        machine.lacks(".git/sync/tmp");
    }
}

#[test]
fn two_changes_are_merged_in_plain_and_nobody_gets_to_see_them() {
    let (laptop, server, remote) = encrypted();
    server.write("../.rc", FIVE.replace("one", "ONE HERE"));
    laptop.write("../.rc", FIVE.replace("five", "FIVE THERE"));
    server.sync([]).succeeds();
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    for machine in [&laptop, &server] {
        machine.has("../.rc", "ONE HERE\ntwo\nthree\nfour\nFIVE THERE\n");
        machine.holds([]).is_in_sync_with(&remote);
        nobody_has(machine, "ONE HERE");
        nobody_has(machine, "FIVE THERE");
    }
    assert_eq!(age(&laptop, "external/.rc"), laptop.read("../.rc"));
}

#[test]
fn what_came_into_the_work_tree_is_merged_with_the_live_file() {
    let (laptop, server, remote) = encrypted();
    server.write("../.rc", FIVE.replace("one", "ONE HERE"));
    server.sync([]).succeeds();
    laptop.git(["pull", "--quiet", "--rebase"]);
    laptop.write("../.rc", FIVE.replace("five", "FIVE THERE"));
    laptop.sync([]).succeeds().tells("join     ~/.rc");
    laptop.has("../.rc", "ONE HERE\ntwo\nthree\nfour\nFIVE THERE\n");
    laptop.is_in_sync_with(&remote);
    nobody_has(&laptop, "FIVE THERE");
    // And where it does not go together, it is held.
    server.sync([]).succeeds();
    server.write("../.rc", "server\n");
    server.sync([]).succeeds();
    laptop.git(["pull", "--quiet", "--rebase"]);
    laptop.write("../.rc", "laptop words\n");
    laptop.sync([]).exits(1);
    laptop
        .has("../.rc", "laptop words\n")
        .holds(["external/.rc"]);
    nobody_has(&laptop, "laptop words");
    laptop
        .sync(["resolve", "--theirs", "external/.rc"])
        .succeeds();
    laptop.has("../.rc", "server\n").holds([]);
}

#[test]
fn what_does_not_go_together_is_held_and_shown_in_plain() {
    for side in ["--ours", "--theirs"] {
        let (laptop, server, remote) = encrypted();
        server.write("../.rc", FIVE.replace("one", "server words"));
        laptop.write("../.rc", FIVE.replace("one", "laptop words"));
        server.sync([]).succeeds();
        laptop.sync([]).exits(1);
        laptop
            .has("../.rc", FIVE.replace("one", "laptop words"))
            .holds(["external/.rc"]);
        let shown = laptop.sync(["diff"]).succeeds();
        shown.says("-one").says("+server words");
        laptop.sync(["resolve", side, "external/.rc"]).succeeds();
        server.sync([]).succeeds();
        let word = if side == "--ours" { "laptop" } else { "server" };
        for machine in [&laptop, &server] {
            machine.has("../.rc", FIVE.replace("one", &format!("{word} words")));
            machine.is_in_sync_with(&remote).holds([]);
            nobody_has(machine, "server words");
            nobody_has(machine, "laptop words");
        }
        assert_eq!(age(&server, "external/.rc"), server.read("../.rc"));
    }
}

#[test]
fn a_held_file_is_merged_by_hand_in_plain_and_in_private() {
    let (laptop, server, remote) = encrypted();
    server.write("../.rc", "server words\n");
    laptop.write("../.rc", "laptop words\n");
    server.sync([]).succeeds();
    laptop.sync([]).exits(1);
    let editor = laptop.home().join("editor");
    laptop.program(
        &editor,
        "#!/bin/sh\ncp \"$1\" ~/seen\necho merged words >\"$1\"\n\
         d=$1; while [ \"$d\" != \"$HOME/configs\" ]; do d=${d%/*}; stat -c '%a' \"$d\"; done >~/modes\n",
    );
    let edited = laptop.with("GIT_EDITOR", &editor);
    crate::support::on_a_terminal(&edited, "git-sync resolve", []).succeeds();
    let seen = laptop.read("../seen");
    assert!(
        seen.contains("laptop words") && seen.contains("server words"),
        "{seen}"
    );
    assert!(laptop.read("../modes").lines().any(|mode| mode == "700"));
    laptop
        .has("../.rc", "merged words\n")
        .is_in_sync_with(&remote);
    nobody_has(&laptop, "merged words");
    nobody_has(&laptop, "server words");
    server.sync([]).succeeds();
    server.has("../.rc", "merged words\n");
}

#[test]
fn the_same_change_on_two_machines_is_none_to_decide_about() {
    let (laptop, server, remote) = encrypted();
    for machine in [&laptop, &server] {
        machine.write("../.rc", "the same\n");
    }
    server.sync([]).succeeds();
    let commits = remote.commits();
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    assert_eq!(remote.commits(), commits);
    for machine in [&laptop, &server] {
        machine.has("../.rc", "the same\n").is_in_sync_with(&remote);
    }
}

#[test]
fn a_machine_that_has_the_same_file_already_needs_no_decision() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "hidden words\n");
    server.write("../.rc", "hidden words\n");
    laptop.sync(["mark", "--encrypt", "../.rc"]).succeeds();
    laptop.sync([]).succeeds();
    enrol(&server, &laptop);
    let (head, copy) = (server.head(), server.read("external/.rc"));
    server.sync([]).succeeds();
    server
        .has("external/.rc", &copy)
        .has("../.rc", "hidden words\n");
    assert_eq!(server.head(), head);
    server.is_in_sync_with(&remote);
}

#[test]
fn a_file_that_differs_at_first_contact_is_asked_about() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "laptop words\n");
    server.write("../.rc", "server words\n");
    laptop.sync(["mark", "--encrypt", "../.rc"]).succeeds();
    laptop.sync([]).succeeds();
    server.sync([]).exits(1);
    server.sync(["mark", "--add-recipient"]).succeeds();
    server.sync([]).exits(1);
    laptop.sync([]).succeeds();
    laptop.sync(["mark", "--rekey"]).succeeds();
    laptop.sync([]).succeeds();
    server
        .sync([])
        .exits(1)
        .tells("skipped '~/.rc': it differs from the copy in the repository");
    server.has("../.rc", "server words\n");
    server.sync(["--yes"]).succeeds();
    server.has("../.rc", "laptop words\n");
    nobody_has_in_objects(&server, "laptop words");
}

/// Expects that no object of a repository has `text`.
#[track_caller]
fn nobody_has_in_objects(machine: &Machine, text: &str) {
    let found = machine.sh(&format!(
        "git cat-file --batch-all-objects --batch | grep -caF -- '{text}'"
    ));
    assert_eq!(found.stdout().trim(), "0", "{}", found.scene());
}

#[test]
fn each_file_of_a_folder_is_encrypted_on_its_own() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("../.tool/a", "words of a\n")
        .write("../.tool/bin/run", "#!/bin/sh\n")
        .write("../.tool/deep/b", "words of b\n");
    laptop.chmod("../.tool/bin/run", 0o700);
    laptop.link("../.tool/link", "a");
    laptop.sync(["mark", "--encrypt", "../.tool"]).succeeds();
    laptop.sync([]).succeeds();
    enrol(&server, &laptop);
    for machine in [&laptop, &server] {
        is_real(machine, ".tool");
        machine
            .has("../.tool/a", "words of a\n")
            .has("../.tool/deep/b", "words of b\n")
            .links("../.tool/link", "a");
        assert_eq!(machine.mode("../.tool/bin/run"), 0o700);
        nobody_has(machine, "words of");
    }
    let before = laptop.read("external/.tool/a");
    laptop.write("../.tool/deep/b", "other words of b\n");
    laptop.remove("../.tool/bin/run");
    laptop.write("../.tool/new", "words of new\n");
    laptop.sync([]).succeeds();
    laptop.has("external/.tool/a", &before);
    let changed = laptop.git(["show", "--name-only", "--format=", "HEAD"]);
    assert_eq!(
        changed
            .lines()
            .filter(|name| name.starts_with("external/"))
            .collect::<Vec<_>>(),
        [
            "external/.tool/bin/run",
            "external/.tool/deep/b",
            "external/.tool/new"
        ]
    );
    server.sync([]).succeeds();
    server
        .has("../.tool/deep/b", "other words of b\n")
        .has("../.tool/new", "words of new\n")
        .lacks("../.tool/bin/run");
    server.is_in_sync_with(&remote);
    assert_eq!(age(&server, "external/.tool/new"), "words of new\n");
}

#[test]
fn a_plain_mark_becomes_an_encrypted_one_on_every_machine() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("../.rc", "known words\n")
        .write("../.tool/a", "a\n");
    laptop.sync(["mark", "../.rc", "../.tool"]).succeeds();
    settle(&[&laptop, &server]);
    is_linked(&server, ".rc");
    laptop
        .sync(["mark", "--encrypt", "../.rc", "../.tool"])
        .succeeds()
        .says("2 changed, not pushed yet")
        .tells("earlier commits still have '~/.rc' in plain");
    is_real(&laptop, ".rc");
    is_real(&laptop, ".tool");
    laptop.has("../.rc", "known words\n");
    assert_eq!(age(&laptop, "external/.rc"), "known words\n");
    assert_eq!(age(&laptop, "external/.tool/a"), "a\n");
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    // The other one had links: they must not lead to what nobody can read.
    server.sync([]).exits(1).tells("this machine has no key");
    is_real(&server, ".rc");
    is_real(&server, ".tool");
    server
        .has("../.rc", "known words\n")
        .has("../.tool/a", "a\n");
    laptop.write("../.rc", "new words\n");
    laptop.sync([]).succeeds();
    server.sync([]).exits(1);
    server.has("../.rc", "known words\n");
    enrol(&server, &laptop);
    server.has("../.rc", "new words\n").has("../.tool/a", "a\n");
    for machine in [&laptop, &server] {
        nobody_has_in_objects(machine, "new words");
        machine.sync([]).succeeds().does_not_tell(".rc");
    }
}

#[test]
fn what_cannot_be_read_here_overwrites_nothing_and_is_not_sent() {
    type Harm = fn(&Machine);
    let harms: [(&str, Harm, &str); 6] = [
        (
            "another key",
            |machine| {
                machine.remove(KEY);
                machine
                    .sh("umask 077; age-keygen -o ../.config/git-sync/identity.txt; touch external/.rc")
                    .succeeds();
            },
            "it is encrypted, and not for the key of this machine",
        ),
        (
            "no key",
            |machine| machine.remove(KEY),
            "it is encrypted, and this machine has no key",
        ),
        (
            "cut",
            |machine| {
                let text = machine.read("external/.rc");
                machine.write("external/.rc", &text[..text.len() / 2]);
            },
            "what the repository has of it is damaged",
        ),
        (
            "changed",
            |machine| {
                let text = machine.read("external/.rc");
                let lines: Vec<_> = text.lines().collect();
                let last = lines[lines.len() - 2];
                let other: String = last.chars().rev().collect();
                machine.write("external/.rc", text.replace(last, &other));
            },
            "what the repository has of it is damaged",
        ),
        (
            "emptied",
            |machine| {
                machine.write("external/.rc", "");
            },
            "what the repository has of it is damaged",
        ),
        (
            "in plain",
            |machine| {
                machine.write("external/.rc", "typed by hand\n");
            },
            "what the repository has of it is damaged, or not encrypted",
        ),
    ];
    for (what, harm, why) in harms {
        let (laptop, server, remote) = encrypted();
        let sent = remote.tip("main");
        harm(&laptop);
        let copy = laptop.read("external/.rc");
        for live in [FIVE, "changed here\n"] {
            laptop.write("../.rc", live);
            for _ in 0..2 {
                let output = laptop.sync([]).exits(1);
                output.tells(&format!("skipped '~/.rc': {why}"));
                laptop.has("../.rc", live).has("external/.rc", &copy);
                assert_eq!(remote.tip("main"), sent, "{what}");
            }
        }
        let list = laptop.sync(["list", "--json"]).succeeds().json();
        assert_eq!(list["marked"][0]["link"], "closed", "{what}");
        nobody_has_in_objects(&laptop, "typed by hand");
        nobody_has_in_objects(&laptop, "changed here");
        server.sync([]).succeeds();
        server.has("../.rc", FIVE);
        // The rest goes on.
        laptop.write("zshrc", "new\n");
        laptop.sync([]).exits(1);
        remote.has("zshrc", "new\n");
        if ["another key", "no key"].contains(&what) {
            laptop.sync(["mark", "--rekey"]).exits(1).tells(why);
            laptop.has("external/.rc", &copy);
        } else {
            laptop.sync(["mark", "--rekey"]).succeeds();
            laptop.sync([]).succeeds();
            laptop.is_in_sync_with(&remote);
            server.sync([]).succeeds();
            server.has("../.rc", "changed here\n");
        }
    }
}

#[test]
fn secrets_may_be_marked_where_they_are_encrypted() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let token = format!("{}{}", "ghp_", "a8Kd03mZq71LxTwBv5RyHn2CpGs6UfJe9QoI");
    laptop
        .write("../.netrc", format!("{token}\n"))
        .write("../.ssh/config", "Host x\n");
    laptop
        .sync(["mark", "../.netrc"])
        .exits(1)
        .tells("GitHub token");
    laptop
        .sync(["mark", "--encrypt", "../.netrc", "../.ssh"])
        .succeeds();
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    laptop.write("../.netrc", format!("# new\n{token}\n"));
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    nobody_has(&laptop, &token);
    enrol(&server, &laptop);
    server.has("../.netrc", format!("# new\n{token}\n"));
    // New files of a machine are private, whatever they were there; and nobody is told.
    assert_eq!(server.mode("../.netrc"), 0o600);
    server.is_in_sync_with(&remote);
    laptop.sync([]).succeeds();
    assert_eq!(laptop.mode("../.netrc"), 0o644);
}

#[test]
fn what_makes_no_sense_to_encrypt_is_refused() {
    let (laptop, _, _) = encrypted();
    laptop
        .sh("age -a -R .sync/recipients.txt -o ../already.age ../.rc")
        .succeeds();
    laptop
        .sync(["mark", "--encrypt", "../already.age"])
        .exits(1)
        .tells("is encrypted already");
    laptop
        .sync(["mark", "--encrypt", "../.config/git-sync"])
        .exits(1)
        .tells("has the key file");
    laptop
        .sync(["mark", "--link", "../.rc"])
        .exits(1)
        .tells("'~/.rc' is encrypted, so it cannot be a link");
    // A file that its owner has encrypted is a file like any other.
    laptop.sync(["mark", "../already.age"]).succeeds();
    is_linked(&laptop, "already.age");
}

#[test]
fn a_mark_that_is_not_said_to_be_encrypted_any_more_is_left_alone() {
    let (laptop, server, _) = encrypted();
    let copy = laptop.read("external/.rc");
    server.write(".sync/marked-files.txt", "~/.rc\n");
    for machine in [&server, &laptop] {
        machine
            .sync([])
            .exits(1)
            .tells("is encrypted, and the list does not say so");
        is_real(machine, ".rc");
        machine.has("../.rc", FIVE).has("external/.rc", &copy);
    }
    laptop.sync(["mark", "--encrypt", "../.rc"]).succeeds();
    settle(&[&laptop, &server]);
    for machine in [&laptop, &server] {
        machine.has("../.rc", FIVE).has("external/.rc", &copy);
        machine.has(".sync/marked-files.txt", "encrypt ~/.rc\n~/.rc\n");
    }
}

#[test]
fn unmarking_leaves_the_plain_file_everywhere() {
    let (laptop, server, remote) = encrypted();
    laptop.write("../.rc", "last words\n");
    laptop.sync(["unmark", "../.rc"]).succeeds();
    laptop.has("../.rc", "last words\n").lacks("external/.rc");
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    server.has("../.rc", FIVE).lacks("external/.rc");
    is_real(&server, ".rc");
    for machine in [&laptop, &server] {
        machine.is_in_sync_with(&remote);
        machine.has(".sync/marked-files.txt", "");
    }
    // It can be marked again, in plain.
    laptop.sync(["mark", "../.rc"]).succeeds();
    laptop.has("external/.rc", "last words\n");
    is_linked(&laptop, ".rc");
}

#[test]
fn a_removed_set_up_leaves_the_plain_file() {
    let (laptop, _, _) = encrypted();
    laptop.sync(["setup", "--remove", "--yes"]).succeeds();
    laptop.has("../.rc", FIVE);
    is_real(&laptop, ".rc");
    assert!(laptop.exists(KEY));
}

#[test]
fn a_union_policy_joins_the_lines_in_plain() {
    let (laptop, server, remote) = encrypted();
    laptop.write(
        ".sync/config.yaml",
        "version: 1\npolicies:\n  \"external/*\": union\n",
    );
    settle(&[&laptop, &server]);
    server.write("../.rc", format!("{FIVE}server words\n"));
    laptop.write("../.rc", format!("{FIVE}laptop words\n"));
    server.sync([]).succeeds();
    laptop.sync([]).succeeds();
    laptop.has("../.rc", format!("{FIVE}server words\nlaptop words\n"));
    laptop.is_in_sync_with(&remote);
    assert_eq!(age(&laptop, "external/.rc"), laptop.read("../.rc"));
    nobody_has(&laptop, "server words");
}

#[test]
fn lists_and_programs_are_told() {
    let (laptop, server, _) = encrypted();
    laptop.sync(["list"]).succeeds().says("~/.rc   (encrypted)");
    for words in [["list", "--json"], ["status", "--json"]] {
        let object = server.sync(words).succeeds().json();
        assert_eq!(object["marked"][0]["encrypted"], true, "{object}");
        assert_eq!(object["marked"][0]["mode"], "copy", "{object}");
    }
    server.remove(KEY);
    server
        .sync(["list"])
        .succeeds()
        .says("~/.rc   ! encrypted, and cannot be read here");
    let object = server.sync(["--json"]).exits(1).json();
    assert_eq!(object["marks"][0]["action"], "report", "{object}");
    laptop.write("../.other", "x\n");
    let object = laptop
        .sync(["mark", "--encrypt", "--json", "../.other"])
        .succeeds()
        .json();
    assert!(
        object["key"].is_null() && object["recipient"].is_null(),
        "{object}"
    );
    let object = laptop.sync(["mark", "--rekey", "--json"]).succeeds().json();
    assert_eq!(object["rekeyed"].as_array().unwrap().len(), 2, "{object}");
}

#[test]
fn every_version_of_a_mark_is_encrypted() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "words of all\n");
    laptop.sync(["mark", "../.rc"]).succeeds();
    settle(&[&laptop, &server]);
    let variant = "--variant=ana@server-*";
    laptop.sync(["mark", variant, "../.rc"]).succeeds();
    settle(&[&laptop, &server]);
    server.write("../.rc", "words of servers\n");
    settle(&[&server, &laptop]);
    laptop.sync(["mark", "--encrypt", "../.rc"]).succeeds();
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    for copy in ["external/.rc", "external/.rc##ana@server-*"] {
        assert!(age(&laptop, copy).starts_with("words of "), "{copy}");
    }
    enrol(&server, &laptop);
    for machine in [&laptop, &server] {
        is_real(machine, ".rc");
    }
    laptop.has("../.rc", "words of all\n");
    server.has("../.rc", "words of servers\n");
    server.write("../.rc", "later words of servers\n");
    settle(&[&server, &laptop]);
    laptop.has("../.rc", "words of all\n");
    assert_eq!(
        age(&laptop, "external/.rc##ana@server-*"),
        "later words of servers\n"
    );
    // One more, of a mark that is encrypted already.
    laptop
        .sync(["mark", "--variant=ana@laptop-*", "../.rc"])
        .succeeds();
    assert_eq!(age(&laptop, "external/.rc##ana@laptop-*"), "words of all\n");
    settle(&[&laptop, &server]);
    laptop.write("../.rc", "words of laptops\n");
    settle(&[&laptop, &server]);
    assert_eq!(
        age(&server, "external/.rc##ana@laptop-*"),
        "words of laptops\n"
    );
    assert_eq!(age(&server, "external/.rc"), "words of all\n");
    laptop
        .sync(["unmark", "--variant=ana@laptop-*", "../.rc"])
        .succeeds();
    laptop.has("../.rc", "words of all\n");
    settle(&[&laptop, &server]);
    for machine in [&laptop, &server] {
        machine.is_in_sync_with(&remote);
        nobody_has_in_objects(machine, "words of laptops");
    }
}
