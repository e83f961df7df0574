//! Marked files that somebody saves in the instant in which a file and its link trade places.

use crate::marks::{is_linked, is_real, nothing_beside};
use crate::support::{Machine, Output, Remote, Running, Sandbox, needs, settle, wait_until};

/// Two machines with `~/.rc` marked and linked.
fn linked() -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "first\n");
    laptop.sync(["mark", "../.rc"]).succeeds();
    settle(&[&laptop, &server]);
    (laptop, server, remote)
}

/// Saves as programs do: a new file, put in the place of the old one.
fn save(machine: &Machine, path: &str, text: &str) {
    machine.write("../saved.tmp", text);
    machine.rename("../saved.tmp", path);
}

/// Starts `git sync WORDS…`; what is in `path` has to wait before it trades places with its link, and is
/// saved by `save` meanwhile.
fn saved_before_the_trade(
    machine: &Machine,
    words: &[&str],
    path: &str,
    save: impl Fn(),
) -> Output {
    needs("strace");
    let live = machine.home().join(path);
    let mut command = machine.command("strace");
    command.args(["-f", "-o", "/dev/null", "-e", "trace=renameat2", "-P"]);
    command.arg(&live);
    command.args(["-e", "inject=renameat2:delay_enter=3000000:when=1"]);
    command.arg("git-sync").args(words);
    let running = Running::start(machine, command);
    wait_until("the link is beside the file", || {
        let names = std::fs::read_dir(live.parent().unwrap()).unwrap();
        let mut ours = names.filter_map(|entry| Some(entry.ok()?.path()));
        ours.any(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(".git-sync-") && path.is_symlink()
        })
    });
    save();
    running.finish()
}

#[test]
fn what_is_saved_after_it_was_copied_is_not_lost_by_a_mark() {
    for by_rename in [true, false] {
        let (laptop, _, remote) = Sandbox::new().laptop_and_server();
        laptop.write("../.rc", "first\n");
        saved_before_the_trade(&laptop, &["mark", "../.rc"], ".rc", || {
            if by_rename {
                save(&laptop, "../.rc", "saved\n");
            } else {
                laptop.write("../.rc", "saved\n");
            }
        })
        .succeeds();
        laptop.has("../.rc", "saved\n");
        is_linked(&laptop, ".rc");
        nothing_beside(&laptop, ".");
        laptop.sync([]).succeeds();
        remote.has("external/.rc", "saved");
    }
}

#[test]
fn what_is_saved_after_it_was_taken_in_is_not_lost_by_a_repair() {
    let (laptop, _, remote) = linked();
    save(&laptop, "../.rc", "second\n");
    saved_before_the_trade(&laptop, &[], ".rc", || save(&laptop, "../.rc", "third\n"))
        .exits_with_one_of(&[0, 1]);
    laptop.has("../.rc", "third\n");
    laptop.sync([]).succeeds();
    laptop.has("../.rc", "third\n");
    is_linked(&laptop, ".rc");
    nothing_beside(&laptop, ".");
    remote.has("external/.rc", "third");
}

#[test]
fn what_is_saved_into_a_folder_after_it_was_copied_is_not_lost() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.tool/a", "first\n");
    saved_before_the_trade(&laptop, &["mark", "../.tool"], ".tool", || {
        laptop.write("../.tool/a", "saved\n");
        laptop.write("../.tool/b", "new\n");
    })
    .succeeds();
    laptop
        .has("../.tool/a", "saved\n")
        .has("../.tool/b", "new\n");
    is_linked(&laptop, ".tool");
    laptop.sync([]).succeeds();
    remote.has("external/.tool/b", "new");
}

#[test]
fn what_is_saved_through_the_link_while_a_mark_is_taken_back_is_not_lost() {
    let (laptop, _, _) = linked();
    needs("strace");
    let live = laptop.home().join(".rc");
    let mut command = laptop.command("strace");
    command.args(["-f", "-o", "/dev/null", "-e", "trace=renameat2", "-P"]);
    command.arg(&live);
    command.args(["-e", "inject=renameat2:delay_enter=3000000:when=1"]);
    command.args(["git-sync", "unmark", "../.rc"]);
    let running = Running::start(&laptop, command);
    wait_until("a file is beside the link", || {
        let names = std::fs::read_dir(laptop.home()).unwrap();
        let mut names = names.filter_map(|entry| Some(entry.ok()?.file_name()));
        names.any(|name| name.to_string_lossy().starts_with(".git-sync-"))
    });
    laptop.write("../.rc", "saved through the link\n");
    running.finish().exits_with_one_of(&[0, 1]);
    laptop.has("../.rc", "saved through the link\n");
    laptop.sync([]).succeeds();
    laptop.has("../.rc", "saved through the link\n");
    is_real(&laptop, ".rc");
    nothing_beside(&laptop, ".");
}
