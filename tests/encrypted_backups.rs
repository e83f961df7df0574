//! Backups that are encrypted: who opens them, and what happens where nobody can.

use std::fs;

use crate::backups::{folder, listed};
use crate::support::{Machine, Sandbox, needs};

/// Where a machine has its key.
const KEY: &str = "../.config/git-sync/identity.txt";

/// A laptop whose backups are to be encrypted for it and for a server.
fn encrypting() -> (Machine, Machine) {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    for machine in [&laptop, &server] {
        machine.sync([]).succeeds();
        machine.sync(["mark", "--add-recipient"]).succeeds();
        machine.sync([]).succeeds();
    }
    laptop.sync([]).succeeds();
    laptop.config("sync.backupEncrypt", "true");
    (laptop, server)
}

/// The files in the folder of the backups.
fn files(machine: &Machine) -> Vec<String> {
    let entries = fs::read_dir(folder(machine)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// The newest archive, which is encrypted.
#[track_caller]
fn newest(machine: &Machine) -> String {
    let name = files(machine).pop().unwrap();
    assert!(name.ends_with(".tar.gz.age"), "{name}");
    folder(machine).join(name).to_str().unwrap().to_owned()
}

#[test]
fn its_recipients_open_it_and_restore_it() {
    needs("age");
    let (laptop, server) = encrypting();
    laptop.write("zshrc", "first\n");
    laptop.sync([]).succeeds();
    laptop.write("zshrc", "second\n");
    laptop.sync([]).succeeds();
    let archive = newest(&laptop);
    let bytes = fs::read(&archive).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1\n"));
    assert_eq!(listed(&laptop)[0]["encrypted"], true);
    let script = format!("age -d -i {KEY} '{archive}' | tar xzO repo/zshrc");
    laptop.sh(&script).succeeds().says("second");
    server.sh(&script).succeeds().says("second");

    // Nothing was changed since: that costs a look, as without encryption.
    laptop
        .sync(["backup"])
        .succeeds()
        .says("nothing was changed since");
    laptop.sync(["backup", "--verify"]).succeeds();
    laptop.write("zshrc", "third\n");
    laptop.sync(["backup"]).succeeds().says("backed up as");
    laptop
        .sync([
            "--restore",
            listed(&laptop)[1]["id"].as_str().unwrap(),
            "--yes",
        ])
        .succeeds();
    laptop.has("zshrc", "second\n");
}

#[test]
fn a_large_one_comes_back_whole_and_what_was_not_changed_is_taken_over() {
    let (laptop, _) = encrypting();
    laptop
        .sh("seq 1 400000 >large; for n in $(seq 300); do echo $n >f$n; done")
        .succeeds();
    let sums = laptop.sh("cat large f* | cksum").succeeds().stdout();
    laptop.sync(["backup"]).succeeds();
    laptop.write("f7", "changed\n");
    laptop.sync(["backup"]).succeeds();
    laptop
        .sync(["--restore", "latest", "--to", "../back"])
        .succeeds();
    let back = laptop
        .sh("cd ../back/repo; echo 7 >f7; cat large f* | cksum")
        .succeeds();
    assert_eq!(back.stdout(), sums);
}

#[test]
fn without_a_key_nothing_is_changed() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.backupEncrypt", "true");
    laptop.write("zshrc", "mine\n");
    let there = || remote.git(["rev-parse", "main"]);
    let before = (laptop.head(), there());
    laptop
        .sync([])
        .exits(6)
        .tells("this machine has no key")
        .tells("git sync mark --add-recipient");
    assert_eq!((laptop.head(), there()), before);
    laptop.has("zshrc", "mine\n");
    laptop.sync(["mark", "--add-recipient"]).succeeds();
    laptop.sync([]).succeeds();
    newest(&laptop);
}

#[test]
fn what_no_key_opens_is_told_and_kept() {
    let (laptop, _) = encrypting();
    laptop.write("zshrc", "hidden\n");
    laptop.sync(["backup"]).succeeds();
    let sealed = newest(&laptop);
    laptop.sh(&format!("mv {KEY} ../key")).succeeds();
    laptop
        .sync(["backup", "list"])
        .succeeds()
        .says("not readable")
        .says("no key of this machine opens it");
    let id = sealed.rsplit('/').next().unwrap();
    let id = id.strip_suffix(".tar.gz.age").unwrap();
    laptop
        .sync(["--restore", id, "--yes"])
        .exits(1)
        .tells("no key of this machine opens it")
        .tells("identity.txt");
    // Others come and go meanwhile.
    laptop.config("sync.backupEncrypt", "false");
    laptop.config("sync.backupKeep", "1");
    for content in ["1\n", "2\n", "3\n"] {
        laptop.write("zshrc", content);
        laptop.sync(["backup"]).succeeds();
    }
    assert_eq!(files(&laptop).len(), 2, "{:?}", files(&laptop));
    laptop.sh(&format!("mv ../key {KEY}")).succeeds();
    laptop.sync(["--restore", id, "--yes"]).succeeds();
    laptop.has("zshrc", "hidden\n");
}

#[test]
fn one_in_plain_does_not_serve_where_they_are_to_be_encrypted() {
    let (laptop, _) = encrypting();
    laptop.config("sync.backupEncrypt", "false");
    laptop.sync(["backup"]).succeeds();
    laptop.config("sync.backupEncrypt", "true");
    laptop.sync(["backup"]).succeeds().says("backed up as");
    newest(&laptop);
    // But one that is encrypted does where they need not be.
    laptop.config("sync.backupEncrypt", "false");
    laptop
        .sync(["backup"])
        .succeeds()
        .says("nothing was changed since");
}

#[test]
fn a_damaged_one_is_found_wherever_it_is_damaged() {
    let (laptop, _) = encrypting();
    laptop.sync(["backup"]).succeeds();
    let archive = newest(&laptop);
    let whole = fs::read(&archive).unwrap();
    for at in [0, 10, 300, whole.len() / 2, whole.len() - 1] {
        let mut broken = whole.clone();
        broken[at] ^= 1;
        fs::write(&archive, broken).unwrap();
        laptop.sync(["backup", "--verify"]).exits(1);
    }
    fs::write(&archive, &whole[..whole.len() - 5]).unwrap();
    laptop
        .sync(["backup", "--verify"])
        .exits(1)
        .tells("damaged")
        .tells("age -d -i");
    fs::write(&archive, whole).unwrap();
    laptop.sync(["backup", "--verify"]).succeeds();
}

/// Whoever can push can write into the list: that must not keep this machine from syncing.
#[test]
fn who_is_no_recipient_is_left_out_and_named() {
    needs("age");
    let (laptop, server) = encrypting();
    server
        .sh("echo 'ssh-ed25519 AAAA' >>.sync/recipients.txt")
        .succeeds();
    server.sync([]).succeeds();
    laptop.sync([]).succeeds();
    laptop.write("zshrc", "mine\n");
    laptop
        .sync([])
        .succeeds()
        .tells("'ssh-ed25519 AAAA'")
        .tells("backup");
    let archive = newest(&laptop);
    for machine in [&laptop, &server] {
        machine
            .sh(&format!("age -d -i {KEY} '{archive}' | tar xzO repo/zshrc"))
            .succeeds()
            .says("mine");
    }
}
