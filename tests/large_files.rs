//! `sync.maxFileSize`: what is too large is held back, and much is asked about when it is marked.

use crate::guards::private_key;
use crate::marks::{is_linked, is_real};
use crate::support::{Machine, Sandbox, on_a_terminal};

#[test]
fn what_is_too_large_is_held_back_and_not_even_read() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.maxFileSize", "2k");
    laptop
        .write("new", "x".repeat(2049))
        .write("limit", "x".repeat(2048));
    laptop
        .write("zshrc", "y".repeat(5000))
        .write("fine", "fine\n");
    let told = "skipped 'zshrc': it has 4.8 KiB, and sync.maxFileSize is 2 KiB";
    laptop
        .sync(["--dry-run"])
        .exits(1)
        .says("skip     new (it has 2 KiB");
    laptop
        .sync(["status"])
        .succeeds()
        .says("zshrc (it has 4.8 KiB");
    laptop
        .sync([])
        .exits(1)
        .tells(told)
        .tells("'new'")
        .tells("hint: git config sync.maxFileSize");
    assert!(remote.files().contains(&"limit".to_owned()));
    assert!(!remote.files().contains(&"new".to_owned()));
    remote.has("fine", "fine");
    let blob = laptop.sh("git cat-file -e $(git hash-object zshrc)");
    assert_ne!(blob.code(), 0, "it was read\n{}", blob.scene());
    // Nor is a version that was staged while it was small.
    laptop.write("grown", "small\n");
    laptop.git(["add", "grown"]);
    laptop.write("grown", "x".repeat(2049));
    laptop.write("fine", "fine again\n");
    laptop.sync([]).exits(1).tells("skipped 'grown'");
    assert!(!remote.files().contains(&"grown".to_owned()));
    // Also what is in the index already, whole or in an earlier version.
    laptop.git(["add", "zshrc", "new"]);
    laptop.write("new", "z".repeat(3000));
    laptop.sync([]).exits(1).tells(told).tells("'new'");
    assert!(!remote.files().contains(&"new".to_owned()));
    for (size, exit) in [("4k", 1), ("0", 0)] {
        laptop.config("sync.maxFileSize", size);
        laptop.sync([]).exits(exit);
        assert!(remote.files().contains(&"new".to_owned()));
    }
    laptop.is_in_sync_with(&remote);
    laptop.config("sync.maxFileSize", "much");
    laptop
        .sync([])
        .exits(128)
        .tells("bad value 'much' for 'sync.maxFileSize'");
}

#[test]
fn untracked_files_that_no_sync_takes_are_not_told_of() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.config("sync.newFiles", "tracked");
    laptop.config("sync.maxFileSize", "2k");
    laptop
        .write("large", "x".repeat(3000))
        .write("key", private_key(1));
    laptop.sync([]).succeeds();
    laptop.sync(["status"]).succeeds().does_not_say("skipped");
    laptop.write("zshrc", "changed\n");
    let forced = laptop.sync(["force-push", "--yes"]).succeeds();
    forced.does_not_tell("skipped");
}

#[test]
fn a_pointer_to_a_large_file_is_small() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.maxFileSize", "2k");
    laptop.config("filter.pointer.clean", "wc -c");
    laptop.write(
        ".gitattributes",
        "/.sync/marked-files.txt merge=union\nbig filter=pointer\n",
    );
    laptop.write("big", "x".repeat(5000));
    laptop.sync([]).succeeds();
    remote.has("big", "5000");
}

#[test]
fn the_limit_without_a_setting_is_fifty_mebibytes() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.sh("head -c 51m /dev/zero > large").succeeds();
    laptop.write("fine", "fine\n");
    laptop
        .sync([])
        .exits(1)
        .tells("it has 51 MiB, and sync.maxFileSize is 50 MiB");
    remote.has("fine", "fine");
    assert!(!remote.files().contains(&"large".to_owned()));
}

#[test]
fn what_is_large_is_asked_about_before_it_is_marked() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop
        .sh("head -c 6m /dev/zero > ../large; head -c 51m /dev/zero > ../huge")
        .succeeds();
    laptop
        .sync(["mark", "../large"])
        .exits(5)
        .tells("'~/large' has 6 MiB, and there is no terminal to ask on");
    is_real(&laptop, "large");
    for (answer, exit) in [("n\n", 5), ("y\n", 0)] {
        is_real(&laptop, "large");
        let line = "git-sync mark ../large";
        on_a_terminal(&laptop, line, [("Mark it? [y/N]", answer)]).exits(exit);
    }
    is_linked(&laptop, "large");
    laptop.sync(["unmark", "../large"]).succeeds();
    laptop.sync(["mark", "--yes", "../large"]).succeeds();
    is_linked(&laptop, "large");
    laptop
        .sync(["mark", "--yes", "../huge"])
        .exits(1)
        .tells("sync.maxFileSize is 50 MiB");
    is_real(&laptop, "huge");
}

/// Runs a script, and tells how much the largest of its processes had in memory, in MiB.
#[track_caller]
fn memory_of(machine: &Machine, script: &str) -> u64 {
    // RUSAGE_CHILDREN of getrusage(2): 98 on x86-64, 165 on the others.
    let watch = "my $n = `uname -m` =~ /x86_64/ ? 98 : 165; system('sh', '-c', @ARGV); my $u = \"\\0\" x 256;
        syscall($n, -1, $u); my @u = unpack('q*', $u); print \"largest $u[4]\\n\"";
    let mut command = machine.command("perl");
    command.args(["-e", watch, script]);
    let output = machine.run(command).succeeds();
    let said = output.stdout();
    let kib = said.lines().find_map(|line| line.strip_prefix("largest "));
    kib.unwrap().parse::<u64>().unwrap() >> 10
}

#[test]
fn a_difference_of_large_files_is_not_read_into_memory() {
    const MIB: usize = 80;
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    // Else git itself has it in memory.
    laptop.config("core.bigFileThreshold", "1m");
    laptop.write("large", vec![b'x'; MIB << 20]);
    laptop.commit("large");
    let took = memory_of(&laptop, "git-sync diff");
    assert!(took < MIB as u64, "{took} MiB for a file of {MIB} MiB");
}
