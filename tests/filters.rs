//! What git does to content on its way in and out, we let git's rules do.

use crate::support::{Machine, Remote, Sandbox, all_agree, needs, settle};

/// A round trip of `path` under attributes: here on disk, in the repository, there on disk.
fn travels(
    prepare: fn(&Machine),
    attributes: &str,
    path: &str,
    content: &[u8],
) -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    prepare(&laptop);
    prepare(&server);
    laptop
        .write(".gitattributes", attributes)
        .write(path, content);
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
    laptop.has(path, content);
    (laptop, server, remote)
}

#[test]
fn autocrlf_keeps_line_feeds_in_the_repository() {
    let prepare = |machine: &Machine| machine.config("core.autocrlf", "true");
    let (laptop, server, remote) = travels(prepare, "", "windows.txt", b"one\r\ntwo\r\n");
    assert_eq!(remote.git(["cat-file", "-s", "main:windows.txt"]), "8");
    server
        .has("windows.txt", "one\r\ntwo\r\n")
        .write("windows.txt", "one\r\n2\r\n");
    settle(&[&server, &laptop]);
    laptop
        .has("windows.txt", "one\r\n2\r\n")
        .is_in_sync_with(&remote);
}

#[test]
fn eol_attributes_are_honoured() {
    let (laptop, server, remote) = travels(|_| (), "*.bat eol=crlf\n", "run.bat", b"dir\r\n");
    assert_eq!(remote.git(["cat-file", "-s", "main:run.bat"]), "4");
    server.has("run.bat", "dir\r\n");
    laptop.is_clean();
}

#[test]
fn ident_is_expanded_on_disk_only() {
    let (laptop, server, remote) = travels(|_| (), "id.txt ident\n", "id.txt", b"$Id$\n");
    assert_eq!(remote.git(["cat-file", "-s", "main:id.txt"]), "5");
    assert!(
        server.read("id.txt").starts_with("$Id: "),
        "{}",
        server.read("id.txt")
    );
    server.write("zshrc", "changed\n");
    settle(&[&server, &laptop]);
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn working_tree_encoding_is_honoured() {
    let utf16: Vec<u8> = "héllo\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let attributes = "*.reg text working-tree-encoding=UTF-16LE\n";
    let (_, server, remote) = travels(|_| (), attributes, "keys.reg", &utf16);
    remote.has("keys.reg", "héllo");
    server.has("keys.reg", &utf16);
}

#[test]
fn a_filter_driver_cleans_and_smudges() {
    let prepare = |machine: &Machine| {
        machine.config("filter.rot.clean", "tr a-z n-za-m");
        machine.config("filter.rot.smudge", "tr a-z n-za-m");
        machine.config("filter.rot.required", "true");
    };
    let (laptop, server, remote) = travels(prepare, "secret filter=rot\n", "secret", b"hello\n");
    remote.has("secret", "uryyb");
    server.has("secret", "hello\n").write("secret", "goodbye\n");
    settle(&[&server, &laptop]);
    laptop.has("secret", "goodbye\n");
    remote.has("secret", "tbbqolr");
}

#[test]
fn a_required_filter_that_fails_stops_the_sync_and_leaks_nothing() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("filter.vault.clean", "false");
    laptop.config("filter.vault.smudge", "cat");
    laptop.config("filter.vault.required", "true");
    laptop
        .write(".gitattributes", "secret filter=vault\n")
        .write("secret", "in the clear\n");

    laptop.sync([]).exits(1).tells("secret");

    laptop.has("secret", "in the clear\n");
    assert!(!remote.files().contains(&"secret".to_owned()));
}

#[test]
fn a_required_filter_that_fails_on_arrival_leaves_the_old_file() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    for machine in [&laptop, &server] {
        machine.config("filter.vault.clean", "cat");
        machine.config("filter.vault.smudge", "cat");
        machine.config("filter.vault.required", "true");
    }
    laptop
        .write(".gitattributes", "secret filter=vault\n")
        .write("secret", "1\n");
    settle(&[&laptop, &server]);
    server.write("secret", "2\n");
    server.sync([]).succeeds();
    laptop.config("filter.vault.smudge", "false");

    laptop.sync([]).exits(1).tells("secret");

    laptop.has("secret", "1\n");
    remote.has("secret", "2");
    laptop.config("filter.vault.smudge", "cat");
    settle(&[&laptop, &server]);
    laptop.has("secret", "2\n").is_in_sync_with(&remote);
}

#[test]
fn a_conflict_in_a_filtered_file_is_held_as_it_is_on_disk() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    for machine in [&laptop, &server] {
        machine.config("core.autocrlf", "true");
    }
    server.write("zshrc", "theirs\r\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "mine\r\n");
    laptop.sync([]).exits(1);
    laptop.has("zshrc", "mine\r\n").holds(["zshrc"]);
    laptop.sync(["resolve", "--theirs", "zshrc"]).succeeds();
    laptop.has("zshrc", "theirs\r\n");
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn large_files_of_git_lfs_travel() {
    needs("git-lfs");
    let sandbox = Sandbox::new();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    for machine in [&laptop, &server] {
        machine.git(["lfs", "install", "--local"]);
    }
    laptop.write(
        ".gitattributes",
        "*.png filter=lfs diff=lfs merge=lfs -text\n",
    );
    laptop.write("wall.png", b"\x89PNG not really\0");
    settle(&[&laptop, &server]);
    let pointer = remote.git(["show", "main:wall.png"]);
    assert!(pointer.starts_with("version https://git-lfs"), "{pointer}");
    server
        .has("wall.png", b"\x89PNG not really\0")
        .write("wall.png", b"\x89PNG anew\0");
    settle(&[&server, &laptop]);
    laptop.has("wall.png", b"\x89PNG anew\0");
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_merge_driver_of_the_attributes_is_used() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write(".gitattributes", "list merge=union\n")
        .write("list", "a\n");
    settle(&[&laptop, &server]);
    laptop.write("list", "a\nlaptop\n");
    server.write("list", "a\nserver\n");
    settle(&[&server, &laptop]);
    assert_eq!(laptop.read("list").lines().count(), 3);
    all_agree(&[&laptop, &server], &remote);
}
