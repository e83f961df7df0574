//! More paths than a command line has room for.

use crate::support::{Machine, Output, Sandbox};

/// So many paths, of 240 bytes each, are more than [`with_short_lines`] lets through.
const COUNT: usize = 1100;

/// Syncs where a command line ends at a quarter of a mebibyte: Linux gives it a quarter of the
/// stack (execve(2)).
fn with_short_lines(machine: &Machine) -> Output {
    machine.sh("ulimit -s 1024; git-sync")
}

#[test]
fn new_folders_that_git_names_as_a_whole_are_opened_however_many_they_are() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("core.untrackedCache", "true");
    for number in 0..COUNT {
        laptop.write(format!("{number:0>240}/new"), "content\n");
    }
    with_short_lines(&laptop).succeeds();
    assert_eq!(remote.files().len(), COUNT + 4);
    laptop.is_in_sync_with(&remote);
}
