//! A file that git does not track lies where an incoming file wants to be. Git itself overwrites an
//! ignored one without a word; here both survive.

use crate::support::{Machine, Remote, Sandbox, all_agree, settle};

/// The server starts to track `path`; the laptop has its own file there.
fn collision(path: &str, theirs: &str) -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    server.write(path, theirs);
    server.git(["add", "--force", path]);
    server.write("tmux.conf", "also from the server\n");
    server.sync([]).succeeds();
    remote.has(path, theirs);
    (laptop, server, remote)
}

#[test]
fn an_untracked_file_with_other_content_is_held() {
    let (laptop, _, remote) = collision("gitconfig", "theirs\n");
    laptop
        .write("gitconfig", "mine\n")
        .write("vim/vimrc", "goes out\n");

    laptop.sync([]).exits(1).says("gitconfig");

    laptop
        .has("gitconfig", "mine\n")
        .has("tmux.conf", "also from the server\n");
    laptop.holds(["gitconfig"]);
    remote.has("gitconfig", "theirs");
    remote.has("vim/vimrc", "goes out");
    assert_eq!(laptop.head(), remote.tip("main"));
}

#[test]
fn an_ignored_file_is_held_and_not_overwritten() {
    let (laptop, _, remote) = collision("secrets.local", "theirs\n");
    laptop
        .write("secrets.local", "mine, ignored\n")
        .write("vim/vimrc", "goes out\n");

    laptop.sync([]).exits(1).says("secrets.local");

    laptop
        .has("secrets.local", "mine, ignored\n")
        .has("tmux.conf", "also from the server\n");
    laptop.holds(["secrets.local"]);
    remote.has("secrets.local", "theirs");
    remote.has("vim/vimrc", "goes out");

    laptop.sync([]).exits(1);
    laptop.has("secrets.local", "mine, ignored\n");
    remote.has("secrets.local", "theirs");
}

#[test]
fn an_ignored_file_with_the_same_content_is_no_collision() {
    let (laptop, _, remote) = collision("secrets.local", "the same\n");
    laptop.write("secrets.local", "the same\n");

    laptop.sync([]).succeeds();

    laptop
        .has("secrets.local", "the same\n")
        .is_in_sync_with(&remote)
        .shows("✓");
}

#[test]
fn an_untracked_file_with_the_same_content_is_no_collision() {
    let (laptop, _, remote) = collision("gitconfig", "the same\n");
    laptop.write("gitconfig", "the same\n");

    laptop.sync([]).succeeds();

    laptop.is_in_sync_with(&remote).shows("✓");
}

#[test]
fn the_held_file_can_be_given_up_for_theirs() {
    let (laptop, server, remote) = collision("secrets.local", "theirs\n");
    laptop.write("secrets.local", "mine\n");
    laptop.sync([]).exits(1);

    laptop
        .sync(["resolve", "--theirs", "secrets.local"])
        .succeeds();

    laptop.has("secrets.local", "theirs\n");
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn the_held_file_can_win_over_theirs() {
    let (laptop, server, remote) = collision("secrets.local", "theirs\n");
    laptop.write("secrets.local", "mine\n");
    laptop.sync([]).exits(1);

    laptop
        .sync(["resolve", "--ours", "secrets.local"])
        .succeeds();
    settle(&[&laptop, &server]);

    laptop.has("secrets.local", "mine\n");
    server.has("secrets.local", "mine\n");
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn an_ignored_folder_where_a_file_arrives_is_kept_whole() {
    let (laptop, _, remote) = collision("cache.local", "a file\n");
    laptop
        .write("cache.local/deep/inside", "mine\n")
        .write("vim/vimrc", "goes out\n");

    laptop.sync([]).exits(1).says("cache.local");

    laptop
        .has("cache.local/deep/inside", "mine\n")
        .has("tmux.conf", "also from the server\n");
    remote.has("cache.local", "a file");
    remote.has("vim/vimrc", "goes out");
}

#[test]
fn an_ignored_file_where_a_folder_arrives_is_kept() {
    let (laptop, _, remote) = collision("cache.local/inside", "a folder\n");
    laptop
        .write("cache.local", "mine, a file\n")
        .write("vim/vimrc", "goes out\n");

    laptop.sync([]).exits(1).says("cache.local");

    laptop
        .has("cache.local", "mine, a file\n")
        .has("tmux.conf", "also from the server\n");
    remote.has("cache.local/inside", "a folder");
    remote.has("vim/vimrc", "goes out");
}

#[test]
fn an_ignored_link_is_neither_replaced_nor_written_through() {
    let (laptop, _, _) = collision("notes.local", "theirs\n");
    laptop.write("../elsewhere", "not in the repository\n");
    laptop.link("notes.local", "../elsewhere");

    laptop.sync([]).exits(1);

    laptop.links("notes.local", "../elsewhere");
    laptop.has("../elsewhere", "not in the repository\n");
}

#[test]
fn a_folder_that_is_a_link_out_of_the_repository_is_not_written_through() {
    let (laptop, _, _) = collision("nvim/init.lua", "theirs\n");
    laptop.write("../elsewhere/init.lua", "not in the repository\n");
    laptop.write(".git/info/exclude", "nvim\n");
    laptop.link("nvim", "../elsewhere");

    laptop.sync([]).exits(1);

    laptop.links("nvim", "../elsewhere");
    laptop.has("../elsewhere/init.lua", "not in the repository\n");
}

#[test]
fn an_untracked_file_survives_under_a_folder_that_is_deleted_there() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    server.remove("vim/vimrc");
    server.sync([]).succeeds();
    laptop.write("vim/vimrc.local", "ignored neighbour\n");

    laptop.sync([]).succeeds();

    laptop
        .lacks("vim/vimrc")
        .has("vim/vimrc.local", "ignored neighbour\n");
    laptop.is_in_sync_with(&remote);
}
