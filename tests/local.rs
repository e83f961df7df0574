//! What ends in `.local` is of one machine; what is below `~/.local` is not.

use crate::marks::{is_linked, is_real};
use crate::support::{IGNORE, Remote, Sandbox, settle};

/// Expects that nobody but its machine has anything that ends in `.local`.
#[track_caller]
fn none_is_shared(remote: &Remote) {
    let files = remote.files();
    let shared = files.iter().filter(|file| file.ends_with(".local"));
    assert_eq!(shared.collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn what_is_below_the_folder_local_of_a_home_is_marked_as_any_other() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("../.local/bin/tool", "#!/bin/sh\n")
        .write("../.local/share/app/rc", "theme = dark\n")
        .write("../.local/share/app/rc.local", "of the laptop\n")
        .write("../deep/.local/etc/rc", "deep\n");
    laptop
        .sync([
            "mark",
            "../.local/bin/tool",
            "../.local/share/app",
            "../deep/.local",
        ])
        .succeeds();
    laptop.write("../.local/share/app/new", "later\n");
    settle(&[&laptop, &server]);
    for machine in [&laptop, &server] {
        for path in [".local/bin/tool", ".local/share/app", "deep/.local"] {
            is_linked(machine, path);
        }
        machine
            .has("../.local/share/app/new", "later\n")
            .has("../deep/.local/etc/rc", "deep\n")
            .is_in_sync_with(&remote);
    }
    laptop.has("../.local/share/app/rc.local", "of the laptop\n");
    server.lacks("../.local/share/app/rc.local");
    none_is_shared(&remote);
}

#[test]
fn rules_of_before_are_mended_by_a_setup() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let before = IGNORE.replace("!/external/**/.local/\n", "");
    assert_ne!(before, IGNORE);
    laptop
        .write(".gitignore", &before)
        .write("../.local/bin/tool", "#!/bin/sh\n")
        .write("../.local/etc.local", "of the laptop\n");
    laptop.sync([]).succeeds();
    for path in ["../.local/bin", "../.local/bin/tool"] {
        laptop
            .sync(["mark", path])
            .exits(1)
            .tells(".gitignore:6:*.local")
            .tells("git sync --setup   adds the rule");
    }
    // It is no help with what stays here whatever the rules are.
    laptop
        .sync(["mark", "../.local/etc.local"])
        .exits(1)
        .does_not_tell("--setup");
    is_real(&laptop, ".local/bin/tool");

    laptop.sync(["setup", "--yes"]).succeeds();
    assert!(laptop.read(".gitignore").starts_with(&before));
    laptop.sync(["mark", "../.local/bin/tool"]).succeeds();
    settle(&[&laptop, &server]);
    is_linked(&server, ".local/bin/tool");
    // In the repository itself nothing is taken in that was not before.
    laptop.write(".local/mine", "x\n").write("x.local/y", "x\n");
    laptop.sync([]).succeeds();
    let files = remote.files();
    for path in [".local/mine", "x.local/y"] {
        assert!(!files.contains(&path.to_owned()), "{path}");
    }
    let mended = laptop.read(".gitignore");
    laptop.sync(["setup", "--yes"]).succeeds();
    assert_eq!(mended, laptop.read(".gitignore"));
    laptop.sync(["setup", "--remove", "--yes"]).succeeds();
    laptop.has(".gitignore", &before);
}

#[test]
fn what_is_below_the_folder_local_of_a_home_is_shared_also_where_the_rules_are_lost() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("../.local/app/rc", "1\n");
    laptop.sync(["mark", "../.local/app"]).succeeds();
    settle(&[&laptop, &server]);
    laptop.write(".gitignore", "/.sync/*\n!/.sync/marked-files.txt\n");
    laptop
        .write("../.local/app/new", "shared\n")
        .write("../.local/app/new.local", "of the laptop\n");
    settle(&[&laptop, &server]);
    server
        .has("../.local/app/new", "shared\n")
        .lacks("../.local/app/new.local");
    none_is_shared(&remote);
}

#[test]
fn what_a_shared_file_reads_at_its_end_is_of_each_machine() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write(
            "../.profile",
            "NAME=shared\n[ -r ~/.profile.local ] && . ~/.profile.local\n",
        )
        .write(
            "../.tool/rc",
            "NAME=shared\n[ -r ~/.tool/rc.local ] && . ~/.tool/rc.local\n",
        );
    for machine in [&laptop, &server] {
        let text = format!("NAME={}\n", machine.name());
        machine
            .write("../.profile.local", &text)
            .write("zshrc.local", &text);
    }
    laptop.write("../.tool/rc.local", "NAME=laptop\n");
    laptop.sync(["mark", "../.profile", "../.tool"]).succeeds();
    settle(&[&laptop, &server]);
    server.write("../.tool/rc.local", "NAME=server\n");
    settle(&[&laptop, &server]);
    for machine in [&laptop, &server] {
        let name = machine.name();
        let said = machine.sh(". ~/.profile; echo $NAME; . ~/.tool/rc; echo $NAME");
        assert_eq!(said.succeeds().stdout(), format!("{name}\n{name}\n"));
        machine.has("zshrc.local", format!("NAME={name}\n"));
        for path in [
            "../.profile.local",
            "../.tool/rc.local",
            "../.tool/new.local",
        ] {
            machine.write("../.tool/new.local", "x\n");
            machine
                .sync(["mark", path])
                .exits(1)
                .tells("stays on this machine")
                .tells("what ends in '.local' is never synced");
        }
    }
    none_is_shared(&remote);
    // It goes along with its folder when that is not marked any more.
    laptop.sync(["unmark", "../.tool"]).succeeds();
    settle(&[&laptop, &server]);
    for machine in [&laptop, &server] {
        is_real(machine, ".tool");
        let own = format!("NAME={}\n", machine.name());
        machine.has("../.tool/rc.local", own);
    }
}

#[test]
fn what_is_made_again_stays_here() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let made_again = [
        "node_modules/left-pad/index.js",
        "plugin/__pycache__/a.pyc",
        ".venv/bin/python",
        "deep/.cache/big",
    ];
    for path in made_again {
        laptop.write(format!("../.tool/{path}"), "made again\n");
    }
    // Neither its size nor what is in it counts.
    laptop.write("../.tool/.cache/large", vec![b'x'; 6 << 20]);
    laptop.write("../.tool/.cache/key", format!("password={}\n", "s3cr3t!pw"));
    laptop.write("../.tool/rc", "rc\n");
    for (option, count) in [("--dry-run", 6), ("--verbose", 6)] {
        laptop
            .sync(["mark", option, "../.tool"])
            .succeeds()
            .tells(&format!("{count} files in it stay here"));
    }
    laptop.write("../.tool/new/node_modules/x", "later\n");
    laptop.write("own/node_modules/x", "in the repository\n");
    laptop.hook("pre-commit", "git add -A");
    laptop.write("../.tool/rc", "changed\n");
    settle(&[&laptop, &server]);
    laptop.shows("✓");
    let files = remote.files();
    let copies: Vec<_> = files
        .iter()
        .filter(|f| f.starts_with("external/"))
        .collect();
    assert_eq!(copies, ["external/.tool/rc"]);
    assert!(
        files.contains(&"own/node_modules/x".to_owned()),
        "{files:?}"
    );
    for path in ["../.tool/node_modules", "../.tool/.venv"] {
        laptop
            .sync(["mark", path])
            .exits(1)
            .tells("a cache, which is made again");
    }
    // Who wants it says so.
    laptop.write("../.tool/plugin/__pycache__/own", "own\n");
    let rules = laptop.read(".gitignore");
    laptop.write(
        ".gitignore",
        rules + "!/external/.tool/plugin/__pycache__/own\n",
    );
    laptop.sync([]).succeeds();
    remote.has("external/.tool/plugin/__pycache__/own", "own");
    laptop.sync(["unmark", "../.tool"]).succeeds();
    for path in made_again {
        laptop.has(format!("../.tool/{path}"), "made again\n");
    }
    laptop
        .sync(["mark", "../.tool/.venv"])
        .exits(1)
        .tells("a cache, which is made again");
}

#[test]
fn what_is_of_one_machine_is_no_difference_at_first_contact() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.write("../.tool/rc", "shared\n");
    laptop.write("../.tool/mine.local", "laptop\n");
    laptop.sync(["mark", "../.tool"]).succeeds();
    laptop.sync([]).succeeds();
    server
        .write("../.tool/rc", "shared\n")
        .write("../.tool/mine.local", "server\n")
        .write("../.tool/deep/node_modules/x", "made here\n");
    server.chmod("../.tool/mine.local", 0o600);
    server.sync([]).succeeds();
    is_linked(&server, ".tool");
    server
        .has("../.tool/rc", "shared\n")
        .has("../.tool/mine.local", "server\n")
        .has("../.tool/deep/node_modules/x", "made here\n");
    assert_eq!(server.mode("../.tool/mine.local"), 0o600);
    laptop.sync([]).succeeds();
    laptop.has("../.tool/mine.local", "laptop\n");
    server.sync(["--status", "--exit-code"]).succeeds();
}

#[test]
fn what_is_of_one_machine_stays_in_place_whoever_wins_at_first_contact() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.write("../.tool/rc", "theirs\n");
    laptop.sync(["mark", "../.tool"]).succeeds();
    laptop.sync([]).succeeds();
    server
        .write("../.tool/rc", "mine\n")
        .write("../.tool/mine.local", "server\n");
    server.sync([]).exits(1).tells("it differs from the copy");
    server
        .has("../.tool/rc", "mine\n")
        .has("../.tool/mine.local", "server\n")
        // Nothing was decided, so nothing was done.
        .lacks("external/.tool/mine.local");
    server.write("../.tool/mine.local", "saved since\n");
    server.sync(["--yes"]).succeeds();
    is_linked(&server, ".tool");
    server
        .has("../.tool/rc", "theirs\n")
        .has("../.tool/mine.local", "saved since\n");
}
