//! Who can read what is encrypted: keys, recipients, and what nobody could read again.

use crate::encrypted::{FIVE, KEY, age, encrypted};
use crate::marks::is_real;
use crate::support::Sandbox;

#[test]
fn who_is_no_recipient_any_more_cannot_read_what_comes_later() {
    let (laptop, server, remote) = encrypted();
    let list = laptop.read(".sync/recipients.txt");
    assert_eq!(
        list.lines().filter(|line| line.starts_with("age1")).count(),
        2
    );
    assert!(list.contains("# ana@laptop-linux\n") && list.contains("# ana@server-linux\n"));
    let left: Vec<_> = list.lines().take(2).collect();
    laptop.write(".sync/recipients.txt", format!("{}\n", left.join("\n")));
    laptop
        .sync(["mark", "--rekey"])
        .succeeds()
        .says("1 mark encrypted anew for 1 recipient");
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    laptop.write("../.rc", "later words\n");
    laptop.sync([]).succeeds();
    server
        .sync([])
        .exits(1)
        .tells("not for the key of this machine");
    server.has("../.rc", FIVE);
}

#[test]
fn another_recipient_is_added_and_can_read_with_age_alone() {
    let (laptop, _, remote) = encrypted();
    laptop
        .sh("umask 077; age-keygen -o ../paper.txt")
        .succeeds();
    let paper = laptop.sh("age-keygen -y ../paper.txt").succeeds().stdout();
    let option = format!("--add-recipient={}", paper.trim());
    laptop
        .sync(["mark", &option, "--rekey"])
        .succeeds()
        .says("1 mark encrypted anew for 3 recipients");
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    let read = laptop.sh("age -d -i ../paper.txt external/.rc").succeeds();
    assert_eq!(read.stdout(), FIVE);
    for bad in [
        "--add-recipient=age1nonsense",
        "--add-recipient=ssh-ed25519 AAAA",
    ] {
        let before = laptop.read(".sync/recipients.txt");
        laptop
            .sync(["mark", bad])
            .exits(1)
            .tells("is no age recipient");
        laptop.has(".sync/recipients.txt", &before);
    }
}

#[test]
fn a_key_of_ones_own_is_used_and_one_in_the_repository_refused() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "hidden words\n");
    laptop.sh("umask 077; age-keygen -o ../mine.txt").succeeds();
    laptop.config("sync.ageIdentity", "~/mine.txt");
    laptop.sync(["mark", "--encrypt", "../.rc"]).succeeds();
    laptop.lacks(KEY);
    let read = laptop.sh("age -d -i ../mine.txt external/.rc").succeeds();
    assert_eq!(read.stdout(), "hidden words\n");
    let inside = laptop.path("key.txt");
    laptop.config("sync.ageIdentity", inside.to_str().unwrap());
    laptop
        .sync([])
        .exits(128)
        .tells("is in the repository")
        .tells("move it out");
    laptop.config("sync.ageIdentity", "~/mine.txt");
    laptop.write("../mine.txt", "not a key\n");
    laptop
        .sync([])
        .exits(1)
        .tells("the key file of this machine cannot be used");
    let output = laptop.sync(["doctor"]).says("line 1 of the key file");
    assert!(!output.stdout().contains("not a key"), "{}", output.scene());
}

#[test]
fn what_nobody_could_read_again_is_not_encrypted() {
    let (laptop, _, remote) = encrypted();
    for (list, why) in [
        ("", "names nobody to encrypt for"),
        ("ssh-ed25519 AAAA\n", "is no age recipient"),
        (
            "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n",
            "this machine could not read '~/.rc' again",
        ),
    ] {
        let (before, copy) = (
            laptop.read(".sync/recipients.txt"),
            laptop.read("external/.rc"),
        );
        laptop
            .write(".sync/recipients.txt", list)
            .write("../.rc", "changed here\n");
        laptop.sync([]).exits(1).tells(why);
        laptop
            .has("../.rc", "changed here\n")
            .has("external/.rc", copy);
        laptop.sync(["mark", "--rekey"]).exits(1);
        laptop.write(".sync/recipients.txt", before);
    }
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    assert_eq!(age(&laptop, "external/.rc"), "changed here\n");
}

#[test]
fn a_broken_key_file_holds_up_nothing_else() {
    let (laptop, server, remote) = encrypted();
    server.write(KEY, "no key at all\n");
    server.write("zshrc", "of the server\n");
    laptop.write("../.rc", "changed\n");
    laptop.sync([]).succeeds();
    server
        .sync([])
        .exits(1)
        .tells("the key file of this machine cannot be used")
        .tells("git sync doctor");
    server.has("../.rc", FIVE);
    remote.has("zshrc", "of the server\n");
    server
        .sync(["doctor"])
        .exits(1)
        .says("line 1 of the key file")
        .says("is no age key");
    // What would be encrypted with it is not.
    server.write("../.other", "x\n");
    server
        .sync(["mark", "--encrypt", "../.other"])
        .exits(128)
        .tells("is no age key");
    is_real(&server, ".other");
}

#[test]
fn the_doctor_says_who_can_read_the_key() {
    let (laptop, _, _) = encrypted();
    laptop.sync(["doctor"]).says("identity.txt");
    laptop.chmod(KEY, 0o644);
    laptop
        .sync(["doctor"])
        .exits(1)
        .says("others can read the key file")
        .says("chmod 600");
}
