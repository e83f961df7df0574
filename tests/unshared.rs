//! What is not to be shared, asked when it is marked: secrets, places that are no configuration, and what is
//! no file.

use crate::guards::{private_key, token};
use crate::marks::{is_linked, is_real};
use crate::support::Sandbox;

#[test]
fn what_is_no_file_is_left_out_in_the_tree_and_in_a_marked_folder() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../tool/a", "a\n");
    laptop.sync(["mark", "../tool"]).succeeds();
    laptop.sh(
        "for folder in . ../tool; do
            mkfifo $folder/pipe
            python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' $folder/socket
            git init -q $folder/nested && echo x > $folder/nested/a
        done",
    ).succeeds();
    laptop.write("fine", "fine\n").write("../tool/b", "b\n");
    let output = laptop.sync([]).exits(1);
    let output = output.tells("skipped 'nested': a repository of its own");
    output.tells("skipped 'external/tool/nested': a repository of its own");
    remote.has("fine", "fine");
    remote.has("external/tool/b", "b");
    let odd = ["pipe", "socket", "nested"];
    assert!(
        !remote
            .files()
            .iter()
            .any(|file| odd.iter().any(|odd| file.contains(odd)))
    );
    for name in ["pipe", "socket", "nested/a"] {
        assert!(
            laptop.exists(name) && laptop.exists(format!("../tool/{name}")),
            "{name}"
        );
    }
}

#[test]
fn a_secret_is_not_marked_unless_that_is_meant() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("../.ssh/id_ed25519", private_key(1))
        .write("../.ssh/config", "Host a\n");
    laptop
        .write("../tool/a", "a\n")
        .write("../tool/env", format!("T={}\n", token(1)));
    let before = laptop.fingerprint();
    for (path, why) in [
        ("../.ssh/id_ed25519", "line 1 looks like a private key"),
        ("../tool", "line 1 looks like a GitHub token"),
    ] {
        let output = laptop.sync(["mark", path]).exits(1).tells(why);
        output.tells("hint: really share it? --allow-secret");
    }
    assert_eq!(before, laptop.fingerprint());
    is_real(&laptop, "tool");
    laptop.sync(["mark", "../.ssh/config"]).succeeds();
    laptop
        .sync(["mark", "--allow-secret", "../tool"])
        .succeeds();
    is_linked(&laptop, "tool");
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    // It was meant for what was there.
    laptop.write("../tool/env", format!("T={}\n", token(2)));
    laptop
        .sync([])
        .exits(1)
        .tells("skipped 'external/tool/env'");
    laptop
        .sync(["mark", "--allow-secret", "../tool"])
        .succeeds();
    laptop.sync([]).succeeds();
    remote.has("external/tool/env", &format!("T={}", token(2)));
}

#[test]
fn what_stays_on_this_machine_may_be_secret() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("../tool/a", "a\n")
        .write("../tool/env.local", format!("T={}\n", token(1)));
    laptop.write("zshrc.local", format!("T={}\n", token(1)));
    laptop.sync(["mark", "../tool"]).succeeds();
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    assert!(!remote.files().iter().any(|file| file.ends_with(".local")));
}

#[test]
fn places_that_are_no_configuration_are_not_marked() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    for file in [
        ".ssh/known_hosts",
        ".gnupg/gpg.conf",
        ".cache/app/a",
        ".local/share/Trash/files/a",
        ".config/app/a",
        "work/node_modules/a/index.js",
        "work/.git/config",
    ] {
        laptop.write(format!("../{file}"), "x\n");
    }
    let before = laptop.fingerprint();
    for (path, why) in [
        (".ssh", "/.ssh' is a folder of private keys"),
        (".gnupg/", "is a folder of private keys"),
        (".cache", "is a cache"),
        (".cache/app", "is a cache"),
        (".local/share/Trash/files/a", "is the trash"),
        (".local", "in it, the trash"),
        (".local/share", "in it, the trash"),
        ("work/node_modules", "is a cache"),
        ("work/node_modules/a/index.js", "is a cache"),
        ("work/.git", "is a part of another repository"),
        ("work/.git/config", "is a part of another repository"),
    ] {
        let path = format!("../{path}");
        laptop.sync(["mark", &path]).exits(1).tells(why);
        assert_eq!(before, laptop.fingerprint(), "{path}");
    }
    laptop
        .sync(["mark", "../.gnupg/gpg.conf", "../.config/app"])
        .succeeds();
    laptop
        .sync(["mark", "--allow-secret", "../.ssh"])
        .succeeds();
    laptop
        .sync(["mark", "--allow-secret", "../.cache"])
        .exits(1);
    is_linked(&laptop, ".ssh");
}
