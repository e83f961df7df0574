//! Conflicts of every kind: the path is held, its live file stays byte for byte, all else goes on.

use crate::support::{Conflict, Machine, nothing};

/// What a machine makes of a path.
#[derive(Clone, Copy)]
enum Deed {
    Writes(&'static str),
    Links(&'static str),
    Chmods(u32),
    Removes,
}

use Deed::{Chmods, Links, Removes, Writes};

impl Deed {
    fn done_by(self, machine: &Machine, path: &str) {
        match self {
            Writes(content) => {
                machine.write(path, content);
            }
            Links(target) => {
                if machine.exists(path) {
                    machine.remove(path);
                }
                machine.link(path, target);
            }
            Chmods(mode) => machine.chmod(path, mode),
            Removes => machine.remove(path),
        }
    }
}

/// The laptop makes one thing of `path` and the server another, and it is held.
#[track_caller]
fn held(path: &str, here: Deed, there: Deed) -> Conflict {
    let conflict = Conflict::new(
        nothing,
        |laptop| here.done_by(laptop, path),
        |server| there.done_by(server, path),
    );
    conflict.is_held([path]);
    conflict
}

#[test]
fn the_same_line_changed_on_both_sides_is_held() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    conflict.upstream_has("zshrc", "export EDITOR=nano");
    conflict.laptop.has("zshrc", "export EDITOR=hx\n");
}

#[test]
fn a_committed_change_is_held_just_like_an_uncommitted_one() {
    let conflict = Conflict::of_content();
    conflict.laptop.commit("zsh: by hand");
    conflict.is_held(["zshrc"]);
    conflict.upstream_has("zshrc", "export EDITOR=nano");
    conflict.resolves("--ours", ["zshrc"]);
    conflict.server.has("zshrc", "export EDITOR=hx\n");
}

#[test]
fn binary_files_are_held() {
    let conflict = Conflict::new(
        |laptop| {
            laptop.write("history.db", b"\0\x01base");
        },
        |laptop| {
            laptop.write("history.db", b"\0\x02laptop");
        },
        |server| {
            server.write("history.db", b"\0\x03server");
        },
    );
    conflict.is_held(["history.db"]);
    conflict.resolves("--ours", ["history.db"]);
    conflict.server.has("history.db", b"\0\x02laptop");
}

#[test]
fn changed_here_and_deleted_there_is_held_and_stays_here() {
    let conflict = held("zshrc", Writes("mine\n"), Removes);
    assert!(!conflict.remote.files().contains(&"zshrc".to_owned()));
    conflict.resolves("--ours", ["zshrc"]);
    conflict.server.has("zshrc", "mine\n");
}

#[test]
fn changed_here_and_deleted_there_can_be_given_up() {
    let conflict = held("zshrc", Writes("mine\n"), Removes);
    conflict.resolves("--theirs", ["zshrc"]);
    conflict.laptop.lacks("zshrc");
}

#[test]
fn deleted_here_and_changed_there_is_held_and_stays_away() {
    let conflict = held("zshrc", Removes, Writes("theirs\n"));
    conflict.upstream_has("zshrc", "theirs");
    conflict.laptop.lacks("zshrc");
    conflict.resolves("--theirs", ["zshrc"]);
    conflict.laptop.has("zshrc", "theirs\n");
}

#[test]
fn deleted_here_and_changed_there_can_be_deleted_everywhere() {
    let conflict = held("zshrc", Removes, Writes("theirs\n"));
    conflict.resolves("--ours", ["zshrc"]);
    conflict.server.lacks("zshrc");
}

#[test]
fn a_mode_change_and_a_deletion_are_held() {
    let conflict = held("zshrc", Chmods(0o755), Removes);
    assert_eq!(conflict.laptop.mode("zshrc"), 0o755);
    conflict.resolves("--ours", ["zshrc"]);
    assert_eq!(conflict.server.mode("zshrc"), 0o755);
}

#[test]
fn two_new_files_with_other_modes_and_equal_content_are_held() {
    let conflict = Conflict::new(
        nothing,
        |laptop| {
            laptop.write("bin/run", "#!/bin/sh\n");
        },
        |server| {
            server
                .write("bin/run", "#!/bin/sh\n")
                .chmod("bin/run", 0o755);
        },
    );
    conflict.is_held(["bin/run"]);
    assert_eq!(conflict.laptop.mode("bin/run"), 0o644);
    conflict.resolves("--theirs", ["bin/run"]);
    assert_eq!(conflict.laptop.mode("bin/run"), 0o755);
}

#[test]
fn a_file_here_and_a_link_there_are_held() {
    let conflict = held("zshrc", Writes("still a file\n"), Links("tmux.conf"));
    conflict.resolves("--theirs", ["zshrc"]);
    conflict.laptop.links("zshrc", "tmux.conf");
}

#[test]
fn a_link_here_and_a_file_there_are_held() {
    let conflict = held("zshrc", Links("vim/vimrc"), Writes("still a file\n"));
    conflict.laptop.links("zshrc", "vim/vimrc");
    conflict.resolves("--ours", ["zshrc"]);
    conflict.server.links("zshrc", "vim/vimrc");
}

#[test]
fn two_links_to_different_places_are_held() {
    let conflict = held("current", Links("zshrc"), Links("tmux.conf"));
    conflict.laptop.links("current", "zshrc");
    conflict.resolves("--ours", ["current"]);
    conflict.server.links("current", "zshrc");
}

#[test]
fn a_file_here_and_a_folder_there_are_held() {
    let conflict = Conflict::new(
        nothing,
        |laptop| {
            laptop.write("zshrc", "still a file\n");
        },
        |server| {
            server.remove("zshrc");
            server.write("zshrc/aliases", "a folder now\n");
        },
    );
    conflict.is_held(["zshrc"]);
    conflict.upstream_has("zshrc/aliases", "a folder now");
    conflict.laptop.has("zshrc", "still a file\n");
    conflict.resolves("--theirs", ["zshrc"]);
    conflict.laptop.has("zshrc/aliases", "a folder now\n");
}

#[test]
fn a_folder_here_and_a_file_there_are_held() {
    let conflict = Conflict::new(
        nothing,
        |laptop| {
            laptop.remove("zshrc");
            laptop.write("zshrc/aliases", "a folder now\n");
        },
        |server| {
            server.write("zshrc", "still a file\n");
        },
    );
    conflict.laptop.sync([]).exits(1).says("zshrc");
    conflict
        .laptop
        .has("zshrc/aliases", "a folder now\n")
        .shows("✗");
    conflict.upstream_has("zshrc", "still a file");
    conflict.upstream_has("vim/vimrc", "also from the laptop");
    conflict.laptop.sync(["resolve", "--theirs"]).succeeds();
    conflict.converges();
    conflict.laptop.has("zshrc", "still a file\n");
}

#[test]
fn two_new_files_under_one_name_are_held() {
    let conflict = held(
        "inputrc",
        Writes("set bell-style none\n"),
        Writes("set editing-mode vi\n"),
    );
    conflict.resolves("--ours", ["inputrc"]);
    conflict.server.has("inputrc", "set bell-style none\n");
}

#[test]
fn one_file_renamed_to_two_names_loses_neither() {
    let conflict = Conflict::new(
        nothing,
        |laptop| laptop.rename("zshrc", "zshrc-laptop"),
        |server| server.rename("zshrc", "zshrc-server"),
    );
    conflict.laptop.sync([]).exits(1);
    conflict.laptop.shows("✗").lacks("zshrc");
    conflict
        .laptop
        .sync(["resolve", "--list"])
        .says("zshrc-laptop   renamed here, changed there")
        .does_not_say("in the way");
    let text = "setopt autocd\nalias ll='ls -l'\nexport EDITOR=vi\n";
    conflict.laptop.has("zshrc-laptop", text);
    conflict.upstream_has("zshrc-server", text);
    conflict.upstream_has("vim/vimrc", "also from the laptop");
    conflict.laptop.sync(["resolve", "--ours"]).succeeds();
    conflict.converges();
    conflict.server.has("zshrc-laptop", text);
}

#[test]
fn two_files_renamed_to_one_name_lose_neither() {
    let conflict = Conflict::new(
        |laptop| {
            laptop.write("a", "1\n2\n3\n4\n").write("b", "5\n6\n7\n8\n");
        },
        |laptop| laptop.rename("a", "c"),
        |server| server.rename("b", "c"),
    );
    conflict.is_held(["c"]);
    conflict.laptop.has("c", "1\n2\n3\n4\n");
    conflict.upstream_has("c", "5\n6\n7\n8");
    conflict.resolves("--ours", ["c"]);
    conflict.server.has("c", "1\n2\n3\n4\n");
}

/// Whether a ref of the machine keeps a file with this content.
fn keeps(machine: &Machine, content: &str) -> bool {
    let write = format!("printf '{content}' | git hash-object --stdin");
    let blob = machine.sh(&write).succeeds().stdout();
    let kept = machine.git(["rev-list", "--objects", "--all"]);
    kept.contains(blob.trim())
}

/// A held path that was committed by hand, and then saved twice while it was held.
fn saved_again_and_again() -> Conflict {
    let conflict = Conflict::of_content();
    let laptop = &conflict.laptop;
    laptop.commit("by hand");
    for content in ["one\n", "two\n"] {
        laptop.write("zshrc", content);
        conflict.is_held(["zshrc"]);
    }
    conflict
}

#[test]
fn what_was_saved_while_it_was_held_is_kept_after_the_decision() {
    for side in ["--ours", "--theirs"] {
        let conflict = saved_again_and_again();
        conflict.resolves(side, ["zshrc"]);
        for content in ["export EDITOR=hx\n", "one\n", "two\n"] {
            assert!(keeps(&conflict.laptop, content), "{side}: {content:?}");
        }
    }
}

#[test]
fn what_was_saved_while_it_was_held_is_kept_when_both_come_to_the_same() {
    let conflict = saved_again_and_again();
    conflict.laptop.write("zshrc", "export EDITOR=nano\n");
    conflict.converges();
    for content in ["export EDITOR=hx\n", "one\n", "two\n"] {
        assert!(keeps(&conflict.laptop, content), "{content:?}");
    }
}

#[test]
fn names_that_differ_in_case_only_are_held_where_the_file_system_cannot_have_both() {
    let conflict = Conflict::new(
        nothing,
        |laptop| {
            laptop.config("core.ignorecase", "true");
            laptop.write("Makefile", "mine\n");
        },
        |server| {
            server.write("makefile", "theirs\n");
        },
    );
    conflict.laptop.sync([]).exits(1).says("akefile");
    conflict.laptop.has("Makefile", "mine\n").shows("✗");
    conflict.upstream_has("makefile", "theirs");
    conflict.upstream_has("vim/vimrc", "also from the laptop");
}

/// What the other side has below it was never here: its absence is no deletion.
#[test]
fn a_held_file_that_its_user_removes_makes_room_for_the_folder_there() {
    let conflict = Conflict::of_a_folder_there();
    let Conflict { laptop, server, .. } = &conflict;
    laptop.sync([]).exits(1);
    laptop.remove("app");

    laptop.sync([]).succeeds();

    laptop.has("app/x", "x\n");
    conflict.converges();
    server.has("app/x", "x\n");
}

/// What one machine removes and the other edits is held, whatever it was before.
#[test]
fn a_held_folder_that_its_user_removes_takes_nothing_from_the_file_there() {
    let conflict = Conflict::of_a_folder_here();
    let laptop = &conflict.laptop;
    laptop.sync([]).exits(1);
    laptop.sh("rm -r app").succeeds();

    laptop.sync([]).exits(1).says("app");

    conflict.upstream_has("app", "theirs");
    conflict.resolves("--theirs", ["app"]);
    laptop.has("app", "theirs\n");
}

/// Who puts something else there has not seen what the other side has.
#[test]
fn a_held_file_that_its_user_replaces_by_a_folder_does_not_replace_the_one_there() {
    let conflict = Conflict::of_a_folder_there();
    let laptop = &conflict.laptop;
    laptop.sync([]).exits(1);
    laptop.remove("app");
    laptop.write("app/x", "mine\n");

    laptop.sync([]).exits(1).says("app");

    laptop.has("app/x", "mine\n");
    conflict.upstream_has("app/x", "x");
    conflict.upstream_has("app/z", "z");
    conflict.resolves("--ours", ["app"]);
    conflict.server.has("app/x", "mine\n");
}
