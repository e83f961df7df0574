//! Edits that git's own short cuts do not see, and that a sync must not replace.

use std::time::{Duration, SystemTime};

use crate::support::{Machine, Sandbox};

/// Waits for the first moment of a second: what follows is done within it.
fn at_the_start_of_a_second() {
    let into = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970")
        .subsec_nanos();
    std::thread::sleep(Duration::from_nanos(1_000_000_000 - u64::from(into)));
}

/// Lets the second pass in which the file was saved.
fn later() {
    std::thread::sleep(Duration::from_millis(1200));
}

#[track_caller]
fn is_synced_and_safe(laptop: &Machine, server: &Machine) {
    later();
    laptop.sync([]).succeeds();
    assert_eq!(laptop.committed("zshrc"), "bbbb\n");
    server.sync([]).succeeds();
    server.has("zshrc", "bbbb\n").write("zshrc", "cccc\n");
    server.sync([]).succeeds();
    laptop.sync([]).succeeds();
    laptop.has("zshrc", "cccc\n");
}

#[test]
fn an_edit_of_the_same_size_right_after_a_sync_is_synced() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    at_the_start_of_a_second();
    laptop.write("zshrc", "aaaa\n");
    laptop.sync([]).succeeds();
    laptop.write("zshrc", "bbbb\n");
    is_synced_and_safe(&laptop, &server);
}

#[test]
fn an_edit_of_the_same_size_right_after_a_commit_is_synced() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    at_the_start_of_a_second();
    laptop.write("zshrc", "aaaa\n");
    laptop.commit("by hand");
    laptop.write("zshrc", "bbbb\n");
    is_synced_and_safe(&laptop, &server);
}

#[test]
fn such_an_edit_is_not_replaced_by_what_arrives() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    at_the_start_of_a_second();
    laptop.write("zshrc", "aaaa\n");
    laptop.sync([]).succeeds();
    laptop.write("zshrc", "bbbb\n");
    later();
    server.sync([]).succeeds();
    server.write("zshrc", "cccc\n");
    server.sync([]).succeeds();
    laptop.write("tmux.conf", "something else to commit\n");
    laptop.sync([]).exits(1);
    laptop.has("zshrc", "bbbb\n").holds(["zshrc"]);
}

#[test]
fn a_held_path_on_which_the_other_side_comes_to_agree_is_let_go() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    server
        .write("zshrc", "server\n")
        .write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "laptop\n").remove("tmux.conf");
    laptop.sync([]).exits(1);
    laptop.holds(["tmux.conf", "zshrc"]);
    server.write("zshrc", "laptop\n").remove("tmux.conf");
    server.sync([]).succeeds();
    laptop.write("mine", "laptop\n");
    laptop.sync([]).succeeds();
    laptop.has("zshrc", "laptop\n").lacks("tmux.conf");
    remote.has("mine", "laptop");
}

#[test]
fn a_file_where_a_held_deletion_was_arrives_and_stays() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    server.write("vim/vimrc", "server\n");
    server.sync([]).succeeds();
    laptop.remove("vim/vimrc");
    laptop.sync([]).exits(1);
    laptop.holds(["vim/vimrc"]);
    server.remove("vim");
    server.write("vim", "a file now\n");
    server.sync([]).succeeds();
    laptop.sync([]).exits_with_one_of(&[0, 1]);
    laptop.sync([]).exits_with_one_of(&[0, 1]);
    remote.has("vim", "a file now");
}
