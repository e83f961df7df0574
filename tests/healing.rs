//! Links that were replaced, removed or never made: what every sync mends, and what it leaves alone.

use crate::marks::{is_linked, is_real, nothing_beside};
use crate::support::{Machine, Remote, Sandbox, needs, on_a_terminal, settle};

/// Two machines with `~/.rc` marked and linked.
fn linked() -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.rc", "one\ntwo\nthree\nfour\nfive\n");
    laptop.sync(["mark", "../.rc"]).succeeds();
    settle(&[&laptop, &server]);
    is_linked(&server, ".rc");
    (laptop, server, remote)
}

/// Saves as programs do: a new file, put in the place of the old one.
fn save(machine: &Machine, path: &str, text: &str) {
    machine.write("../saved.tmp", text);
    machine.rename("../saved.tmp", path);
}

#[test]
fn what_a_program_saves_by_rename_is_taken_in_and_linked_again() {
    let (laptop, server, remote) = linked();
    save(&laptop, "../.rc", "new\n");
    assert!(
        laptop
            .sync(["list"])
            .succeeds()
            .stdout()
            .contains("! link was replaced by a file")
    );
    laptop.sync([]).succeeds().tells("absorb   ~/.rc");
    is_linked(&laptop, ".rc");
    laptop.has("../.rc", "new\n").is_in_sync_with(&remote);
    server.sync([]).succeeds();
    server.has("../.rc", "new\n");
    nothing_beside(&laptop, ".");
}

#[test]
fn what_an_editor_saves_is_taken_in_and_linked_again() {
    needs("vim");
    let (laptop, server, remote) = linked();
    laptop.sh("sed -i s/one/sed/ ../.rc").succeeds();
    is_real(&laptop, ".rc");
    laptop.sync([]).succeeds();
    is_linked(&laptop, ".rc");
    laptop
        .sh("vim -u NONE -n -es -c 'set backupcopy=no' -c '%s/two/vim/' -c wq ../.rc")
        .succeeds();
    laptop.sync([]).succeeds();
    // As emacs does: the old file becomes the backup, a new one is written.
    laptop
        .sh("mv ../.rc ../.rc~; sed s/three/emacs/ ../.rc~ > ../.rc")
        .succeeds();
    laptop.sync([]).succeeds();
    is_linked(&laptop, ".rc");
    settle(&[&laptop, &server]);
    server.has("../.rc", "sed\nvim\nemacs\nfour\nfive\n");
    laptop.is_in_sync_with(&remote);
}

#[test]
fn the_same_content_is_linked_again_without_a_commit() {
    let (laptop, _, remote) = linked();
    let before = laptop.head();
    save(&laptop, "../.rc", "one\ntwo\nthree\nfour\nfive\n");
    laptop
        .sync(["mark", "--repair"])
        .succeeds()
        .tells("relink   ~/.rc");
    is_linked(&laptop, ".rc");
    assert_eq!(before, laptop.head());
    laptop.is_in_sync_with(&remote);
}

#[test]
fn an_old_content_gives_way_to_what_came_from_elsewhere() {
    let (laptop, server, _) = linked();
    server.write("../.rc", "newer\n");
    server.sync([]).succeeds();
    save(&laptop, "../.rc", "one\ntwo\nthree\nfour\nfive\n");
    laptop.sync([]).succeeds();
    is_linked(&laptop, ".rc");
    laptop.has("../.rc", "newer\n");
}

#[test]
fn both_contents_are_merged_where_they_go_together() {
    let (laptop, server, remote) = linked();
    save(&server, "../.rc", "ONE\ntwo\nthree\nfour\nfive\n");
    save(&laptop, "../.rc", "one\ntwo\nthree\nfour\nFIVE\n");
    settle(&[&server, &laptop]);
    for machine in [&laptop, &server] {
        is_linked(machine, ".rc");
        machine.has("../.rc", "ONE\ntwo\nthree\nfour\nFIVE\n");
    }
    laptop.is_in_sync_with(&remote);
}

#[test]
fn both_are_merged_where_the_repository_has_changed_in_the_same_run() {
    let (laptop, _, remote) = linked();
    laptop.write("external/.rc", "ONE\ntwo\nthree\nfour\nfive\n");
    save(&laptop, "../.rc", "one\ntwo\nthree\nfour\nFIVE\n");
    laptop.sync([]).succeeds().tells("join     ~/.rc");
    is_linked(&laptop, ".rc");
    laptop
        .has("../.rc", "ONE\ntwo\nthree\nfour\nFIVE\n")
        .is_in_sync_with(&remote);
}

#[test]
fn what_does_not_go_together_is_held_and_the_live_file_stays() {
    let (laptop, _, remote) = linked();
    laptop.write("external/.rc", "theirs\n");
    save(&laptop, "../.rc", "mine\n");
    laptop.write("zshrc", "the rest goes on\n");
    laptop.sync([]).exits(1);
    laptop.has("../.rc", "mine\n").holds(["external/.rc"]);
    is_linked(&laptop, ".rc");
    remote.has("external/.rc", "theirs\n");
    remote.has("zshrc", "the rest goes on");
    laptop.sync([]).exits(1);
    laptop.has("../.rc", "mine\n");
    laptop
        .sync(["resolve", "--theirs", "external/.rc"])
        .succeeds();
    laptop.has("../.rc", "theirs\n").holds([]);
    is_linked(&laptop, ".rc");
}

#[test]
fn two_machines_that_save_other_things_hold_and_lose_nothing() {
    let (laptop, server, remote) = linked();
    save(&server, "../.rc", "server\n");
    save(&laptop, "../.rc", "laptop\n");
    server.sync([]).succeeds();
    laptop.sync([]).exits(1);
    laptop.has("../.rc", "laptop\n").holds(["external/.rc"]);
    remote.has("external/.rc", "server\n");
    server.sync([]).succeeds();
    server.has("../.rc", "server\n");
}

/// The words for a shell that change one text of a file to another, as some editor does.
type Way<'w> = &'w dyn Fn(&str, &str) -> String;

/// Each way to save, on two machines at once: what goes together is merged, what does not is held, and
/// both contents are somewhere.
#[test]
fn what_two_editors_save_at_once_is_all_accounted_for() {
    needs("vim");
    let sed = |from: &str, to: &str| format!("sed -i s/{from}/{to}/ ../.rc");
    let vim = |from: &str, to: &str| {
        format!("vim -u NONE -n -es -c 'set backupcopy=no' -c '%s/{from}/{to}/' -c wq ../.rc")
    };
    let emacs = |from: &str, to: &str| {
        format!("rm -f ../.rc~; mv ../.rc ../.rc~; sed s/{from}/{to}/ ../.rc~ > ../.rc")
    };
    let program = |from: &str, to: &str| {
        format!("sed s/{from}/{to}/ ../.rc > ../.rc.new; mv ../.rc.new ../.rc")
    };
    let ways: [Way<'_>; 4] = [&sed, &vim, &emacs, &program];
    for (at, here) in ways.iter().enumerate() {
        let there = ways[(at + 1) % ways.len()];
        let (laptop, server, remote) = linked();
        laptop.sh(&here("one", "laptop")).succeeds();
        server.sh(&there("five", "server")).succeeds();
        settle(&[&laptop, &server]);
        for machine in [&laptop, &server] {
            machine.has("../.rc", "laptop\ntwo\nthree\nfour\nserver\n");
            is_linked(machine, ".rc");
            machine.is_in_sync_with(&remote);
        }
        // The same line.
        laptop.sh(&here("three", "laptop")).succeeds();
        server.sh(&there("three", "server")).succeeds();
        server.sync([]).succeeds();
        laptop.sync([]).exits(1);
        laptop
            .has("../.rc", "laptop\ntwo\nlaptop\nfour\nserver\n")
            .holds(["external/.rc"]);
        remote.has("external/.rc", "laptop\ntwo\nserver\nfour\nserver");
        nothing_beside(&laptop, ".");
    }
}

#[test]
fn an_edit_of_the_replaced_file_after_a_hold_is_taken_into_it() {
    let (laptop, _, remote) = linked();
    laptop.write("external/.rc", "theirs\n");
    save(&laptop, "../.rc", "mine\n");
    laptop.sync([]).exits(1);
    save(&laptop, "../.rc", "mine, later\n");
    laptop.sync([]).exits(1);
    laptop
        .has("../.rc", "mine, later\n")
        .holds(["external/.rc"]);
    laptop
        .sync(["resolve", "--ours", "external/.rc"])
        .succeeds();
    remote.has("external/.rc", "mine, later\n");
}

#[test]
fn a_folder_that_was_replaced_is_taken_in_whole() {
    let (laptop, server, remote) = linked();
    laptop
        .write("../.tool/a", "a\n")
        .write("../.tool/gone", "gone\n")
        .write("../.tool/kept.local", "of this machine\n");
    laptop.sync(["mark", "../.tool"]).succeeds();
    settle(&[&laptop, &server]);
    laptop
        .sh("cp -RH ../.tool ../copy; rm ../.tool; mv ../copy ../.tool")
        .succeeds();
    laptop.sync([]).succeeds().tells("relink   ~/.tool/");
    is_linked(&laptop, ".tool");
    laptop
        .sh("cp -RH ../.tool ../copy; rm ../.tool; mv ../copy ../.tool
             rm ../.tool/gone ../.tool/kept.local; echo b > ../.tool/b")
        .succeeds();
    let output = laptop.sync([]).succeeds().tells("absorb   ~/.tool/");
    is_linked(&laptop, ".tool");
    // What git ignores is in no commit, so the former copy is kept.
    let told = output.stderr();
    let kept = told.split("is kept as '").nth(1).unwrap();
    let kept = kept.split('\'').next().unwrap();
    let kept = std::fs::read_to_string(format!("{kept}/kept.local")).unwrap();
    assert_eq!(kept, "of this machine\n");
    settle(&[&laptop, &server]);
    server.has("../.tool/b", "b\n").lacks("../.tool/gone");
    laptop.is_in_sync_with(&remote);
}

#[test]
fn a_removed_link_is_told_and_not_made_again() {
    let (laptop, _, _) = linked();
    laptop.remove("../.rc");
    for _ in 0..2 {
        laptop
            .sync([])
            .exits(1)
            .tells("skipped '~/.rc': the link was removed here")
            .tells("git sync mark ~/.rc   puts it back");
        laptop.lacks("../.rc");
    }
}

#[test]
fn foreign_things_are_told_and_left_alone() {
    let (laptop, _, _) = linked();
    laptop.remove("../.rc");
    laptop.link("../.rc", "elsewhere");
    laptop
        .sync([])
        .exits(1)
        .tells("a link to 'elsewhere' stands there");
    laptop.links("../.rc", "elsewhere");
    laptop.remove("../.rc");
    laptop.sh("mkfifo ../.rc").succeeds();
    laptop
        .sync([])
        .exits(1)
        .tells("what stands there cannot be synced");
    laptop.remove("../.rc");
    laptop.write("../.rc/in/it", "a folder now\n");
    laptop
        .sync([])
        .exits(1)
        .tells("what stands there cannot be synced");
    laptop.has("../.rc/in/it", "a folder now\n");
    assert!(
        laptop
            .sync(["list"])
            .succeeds()
            .stdout()
            .contains("! something else")
    );
}

/// Whoever can push can write into the list.
#[test]
fn a_list_cannot_reach_out_of_the_home_nor_into_the_repository() {
    let (laptop, server, _) = linked();
    server
        .write("external/configs/zshrc", "not ours\n")
        .write("external/configs/.x/hook", "not ours\n")
        .write(
            ".sync/marked-files.txt",
            "~/../outside\n~/.rc\n~/configs/\n~/configs/.x/hook\n/etc/x\n",
        );
    server.git(["add", "-A"]);
    server.git(["commit", "-qm", "a trap"]);
    server.git(["push", "-q"]);
    laptop
        .sync(["--yes"])
        .exits(1)
        .tells("skipped '~/configs/'");
    assert!(!laptop.root().is_symlink());
    laptop.lacks("../../outside").lacks(".x");
    laptop.has(
        "zshrc",
        "setopt autocd\nalias ll='ls -l'\nexport EDITOR=vi\n",
    );
    is_linked(&laptop, ".rc");
}

#[test]
fn a_lost_copy_comes_back() {
    let (laptop, _, remote) = linked();
    laptop.remove("external");
    laptop.sync([]).succeeds();
    laptop.has("../.rc", "one\ntwo\nthree\nfour\nfive\n");
    is_linked(&laptop, ".rc");
    laptop.is_in_sync_with(&remote);
}

#[test]
fn a_repository_that_moved_is_followed() {
    let (laptop, _, _) = linked();
    laptop.sh("mv ../configs ../moved").succeeds();
    let laptop = laptop.in_repo("moved");
    laptop.sync([]).succeeds().tells("relink   ~/.rc");
    is_linked(&laptop, ".rc");
    laptop.has("../.rc", "one\ntwo\nthree\nfour\nfive\n");
}

#[test]
fn a_copy_that_was_deleted_elsewhere_leaves_a_file_here() {
    let (laptop, server, remote) = linked();
    server.git(["rm", "-q", "external/.rc"]);
    server.git(["commit", "-qm", "no copy any more"]);
    server.git(["push", "-q"]);
    laptop.sync([]).succeeds();
    is_real(&laptop, ".rc");
    laptop
        .has("../.rc", "one\ntwo\nthree\nfour\nfive\n")
        .has(".sync/marked-files.txt", "");
    settle(&[&laptop, &server]);
    is_real(&server, ".rc");
    laptop.is_in_sync_with(&remote);
}

#[test]
fn another_branch_without_the_mark_leaves_a_file_and_coming_back_links_it() {
    let (laptop, _, _) = linked();
    laptop.git(["switch", "-q", "-c", "other", "HEAD~1"]);
    laptop.git(["push", "-q", "-u", "origin", "other"]);
    laptop.sync([]).succeeds();
    is_real(&laptop, ".rc");
    laptop.has("../.rc", "one\ntwo\nthree\nfour\nfive\n");
    laptop.git(["switch", "-q", "main"]);
    laptop.sync([]).succeeds();
    is_linked(&laptop, ".rc");
    laptop.has("../.rc", "one\ntwo\nthree\nfour\nfive\n");
}

#[test]
fn another_home_is_left_alone_until_it_is_repaired() {
    let (laptop, _, _) = linked();
    laptop
        .sh("mkdir ../../other; cp ../.gitconfig ../../other/; echo other > ../../other/.rc")
        .succeeds();
    let home = laptop.home().with_file_name("other");
    let other = laptop.with("HOME", &home);
    other.sync([]).succeeds().tells("they are left alone");
    laptop
        .has("../../other/.rc", "other\n")
        .has("external/.rc", "one\ntwo\nthree\nfour\nfive\n");
    laptop.write("../../other/x", "x\n");
    other
        .sync(["mark", "../../other/x"])
        .exits(1)
        .tells("HOME is");
    other.sync(["mark", "--repair", "--yes"]).succeeds();
    laptop.has("../../other/.rc", "one\ntwo\nthree\nfour\nfive\n");
}

#[test]
fn a_dry_run_says_what_would_be_mended_and_mends_nothing() {
    let (laptop, _, _) = linked();
    save(&laptop, "../.rc", "new\n");
    let before = laptop.fingerprint();
    laptop.sync(["--dry-run"]).succeeds().says("absorb   ~/.rc");
    is_real(&laptop, ".rc");
    laptop.has("../.rc", "new\n");
    assert_eq!(before, laptop.fingerprint());
}

#[test]
fn in_the_background_links_are_mended_too() {
    let (laptop, server, _) = linked();
    laptop.config("sync.interval", "0");
    save(&laptop, "../.rc", "new\n");
    laptop.sync(["--background"]).succeeds();
    crate::support::wait_for_quiet(&laptop);
    is_linked(&laptop, ".rc");
    server.sync([]).succeeds();
    server.has("../.rc", "new\n");
}

// First contact.

/// A server on which `~/.rc` differs when its mark arrives.
fn met() -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("../.rc", "theme = dark\n")
        .write("../.same", "same\n");
    laptop.sync(["mark", "../.rc", "../.same"]).succeeds();
    laptop.sync([]).succeeds();
    server
        .write("../.rc", "theme = light\n")
        .write("../.same", "same\n");
    server.chmod("../.rc", 0o600);
    (laptop, server, remote)
}

#[test]
fn without_a_terminal_a_file_that_differs_is_skipped_and_listed() {
    let (_, server, _) = met();
    for _ in 0..2 {
        server
            .sync([])
            .exits(1)
            .tells("skipped '~/.rc': it differs from the copy in the repository")
            .tells("git sync --yes");
        is_real(&server, ".rc");
        is_linked(&server, ".same");
        server.has("../.rc", "theme = light\n");
    }
    assert!(
        server
            .sync(["list"])
            .succeeds()
            .stdout()
            .contains("~/.rc   ! differs")
    );
}

#[test]
fn with_yes_the_repositorys_copy_is_taken_and_the_old_file_kept() {
    let (_, server, _) = met();
    let output = server.sync(["--yes"]).succeeds();
    is_linked(&server, ".rc");
    server.has("../.rc", "theme = dark\n");
    assert_eq!(server.mode("external/.rc"), 0o600);
    let told = output.stderr();
    let kept = told.lines().find(|line| line.contains("keep ")).unwrap();
    let kept = kept.rsplit(": ").next().unwrap();
    assert_eq!(std::fs::read_to_string(kept).unwrap(), "theme = light\n");
}

#[test]
fn on_a_terminal_somebody_decides() {
    for (answers, end) in [
        (&["d\n", "r\n"][..], "theme = dark\n"),
        (&["m\n"], "theme = light\n"),
    ] {
        let (laptop, server, _) = met();
        let prompt = "[q]uit? ";
        let output = match answers {
            [a, b] => on_a_terminal(&server, "git-sync", [(prompt, *a), (prompt, *b)]),
            [a, ..] => on_a_terminal(&server, "git-sync", [(prompt, *a)]),
            [] => unreachable!(),
        };
        let output = output.succeeds();
        if answers.len() == 2 {
            output.says("-theme = light").says("+theme = dark");
        }
        is_linked(&server, ".rc");
        server.has("../.rc", end);
        laptop.sync([]).succeeds();
        laptop.has("../.rc", end);
    }
}

#[test]
fn on_a_terminal_a_file_can_be_skipped() {
    for answer in ["s\n", "q\n"] {
        let (_, server, _) = met();
        on_a_terminal(&server, "git-sync", [("[q]uit? ", answer)]).exits(1);
        is_real(&server, ".rc");
        server.has("../.rc", "theme = light\n");
    }
}

#[test]
fn a_folder_that_differs_is_decided_about_as_a_whole() {
    for (answer, has, lacks) in [("r\n", "theirs", "mine"), ("m\n", "mine", "theirs")] {
        let (laptop, server, _) = Sandbox::new().laptop_and_server();
        laptop.write("../.tool/theirs", "1\n");
        laptop.write("../.tool/same", "same\n");
        laptop.write("../.tool/deep/other", "1\n");
        laptop.sync(["mark", "../.tool"]).succeeds();
        laptop.sync([]).succeeds();
        server.write("../.tool/mine", "2\n");
        server.write("../.tool/same", "same\n");
        server.write("../.tool/deep/other", "2\n");
        server.sync([]).exits(1).tells("skipped '~/.tool/'");
        is_real(&server, ".tool");
        let answers = [("[q]uit? ", "d\n"), ("[q]uit? ", answer)];
        let output = on_a_terminal(&server, "git-sync", answers).succeeds();
        for line in [
            "    deep/other   differs",
            "    mine   only here",
            "    theirs   only in the repository",
        ] {
            assert!(output.stdout().contains(line), "{}", output.scene());
        }
        assert!(!output.stdout().contains("same"), "{}", output.scene());
        is_linked(&server, ".tool");
        assert!(server.exists(format!("../.tool/{has}")));
        assert!(!server.exists(format!("../.tool/{lacks}")));
        let told = output.stdout();
        let kept = told.lines().find(|line| line.starts_with("  keep  "));
        let kept = kept.unwrap();
        let kept = kept.rsplit(": ").next().unwrap().trim();
        assert!(std::path::Path::new(kept).join(lacks).exists(), "{told}");
        laptop.sync([]).succeeds();
        assert!(laptop.exists(format!("../.tool/{has}")));
    }
}

#[test]
fn a_removed_setup_puts_real_files_back() {
    let (laptop, _, _) = linked();
    laptop.write("../.tool/a", "a\n");
    laptop.sync(["mark", "../.tool"]).succeeds();
    laptop
        .sync(["setup", "--remove", "--yes"])
        .succeeds()
        .tells("~/.rc is a file of its own again");
    for path in [".rc", ".tool"] {
        is_real(&laptop, path);
    }
    laptop
        .has("../.rc", "one\ntwo\nthree\nfour\nfive\n")
        .has("../.tool/a", "a\n")
        .has("external/.tool/a", "a\n");
}

/// What nobody has decided about is not taken for decided by the next run.
#[test]
fn a_folder_that_was_changed_here_and_there_is_skipped_every_time() {
    let (laptop, _, remote) = linked();
    laptop.write("../.tool/a", "a\n");
    laptop.sync(["mark", "../.tool"]).succeeds();
    laptop.sync([]).succeeds();
    laptop
        .sh("cp -RH ../.tool ../copy; rm ../.tool; mv ../copy ../.tool; echo here > ../.tool/a")
        .succeeds();
    laptop.write("external/.tool/a", "there\n");
    for _ in 0..3 {
        laptop.sync([]).exits(1).tells("skipped '~/.tool/'");
        laptop.has("../.tool/a", "here\n");
        remote.has("external/.tool/a", "there\n");
    }
}
