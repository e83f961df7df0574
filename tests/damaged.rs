//! Our own files, damaged: by a disk, a cleaner, an editor. Nothing is lost by it, the message says what to do, and
//! when that is done everything goes on.
//!
//! `GIT_SYNC_FAULTS=all` tries every damage of every file.

use std::fs;
use std::path::Path;

use crate::support::{Machine, Output, Remote, Sandbox, all_agree, on_a_terminal, settle};

/// What becomes of the bytes of a file, and how that is called.
type Damage = (&'static str, fn(&[u8]) -> Vec<u8>);

const DAMAGES: [Damage; 9] = [
    ("empty", |_| Vec::new()),
    ("half", |bytes| bytes[..bytes.len() / 2].to_vec()),
    ("zeros", |bytes| vec![0; bytes.len().max(20)]),
    ("noise", |bytes| {
        let noise = (0..bytes.len().max(40)).map(|at| (at * 151 + 77) % 256);
        noise.map(|byte| u8::try_from(byte).unwrap()).collect()
    }),
    ("twice", |bytes| [bytes, bytes].concat()),
    ("large numbers", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let digits = |letter: char| if letter.is_ascii_digit() { '9' } else { letter };
        text.chars().map(digits).collect::<String>().into_bytes()
    }),
    ("numbers without end", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        text.replace(['1', '7'], "-9223372036854775808")
            .into_bytes()
    }),
    ("of Windows", |bytes| {
        [
            b"\xef\xbb\xbf",
            &*String::from_utf8_lossy(bytes)
                .replace('\n', "\r\n")
                .into_bytes(),
        ]
        .concat()
    }),
    ("nothing of it", |_| b"{\"version\":1}\n".to_vec()),
];

/// Is everything tried, however long it takes?
fn at_length() -> bool {
    std::env::var("GIT_SYNC_FAULTS").is_ok_and(|wish| wish == "all")
}

/// Every damage where all are tried, else one, another one for each file.
fn damages(file: usize) -> Vec<Damage> {
    if at_length() {
        return DAMAGES.to_vec();
    }
    vec![DAMAGES[(file * 4 + 3) % DAMAGES.len()]]
}

/// What a sync may end with: done, something to decide or to mend first, the remote not reached, busy, a backup
/// that failed, a file that says nothing. Never a panic.
const DOCUMENTED: [i32; 6] = [0, 1, 3, 4, 6, 128];

#[track_caller]
fn is_told(output: &Output, why: &str) {
    let code = output.code();
    assert!(
        DOCUMENTED.contains(&code),
        "{why}: exit {code}\n{}",
        output.scene()
    );
    let says = output.stderr() + &output.stdout();
    let words = ["error: ", "fatal: ", "\"error\":"];
    assert!(
        code <= 1 || words.iter().any(|word| says.contains(word)),
        "{why}\n{}",
        output.scene()
    );
    assert!(!says.contains("panicked"), "{why}\n{}", output.scene());
}

/// Two machines with a link and a copy, of which the laptop has something of every file that we keep.
fn scene() -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("../.rc", "rc\n")
        .write("../.copied", "copied\n");
    laptop.sync(["mark", "../.rc"]).succeeds();
    laptop.sync(["mark", "--copy", "../.copied"]).succeeds();
    laptop.chmod("../.copied", 0o600);
    settle(&[&laptop, &server]);
    laptop.write("zshrc", "first\n");
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    (laptop, server, remote)
}

/// Files of ours that no machine shares, and whether they can be there before a first sync.
const OURS: [&str; 14] = [
    ".git/sync/lock",
    ".git/sync/history.jsonl",
    ".git/sync/history.jsonl.1",
    ".git/sync/agreed/main",
    ".git/sync/heartbeat",
    ".git/sync/marks",
    ".git/sync/journal",
    ".git/sync/log",
    ".git/sync/watch-lock",
    ".sync/state",
    ".sync/sync-status",
    ".sync/last-sync",
    ".sync/due",
    ".sync/machine-id",
];

/// Where there is none, there is one now that could be.
fn usual(path: &str) -> &'static [u8] {
    match path {
        ".git/sync/journal" => {
            br#"{"version":1,"run":"20261021T080000Z-1","reference":"refs/heads/main","new":null,"index":"finished","steps":[{"path":"zshrc","staged":"new/zshrc","before":"nothing","after":{"file":["00",false]}}]}"#
        }
        ".sync/machine-id" => b"ana@laptop-linux\n",
        ".git/sync/lock" | ".git/sync/watch-lock" => b"7 1792569600 1792569600000000000\n",
        _ => b"{\"schema\":1}\n",
    }
}

#[test]
fn files_of_ours_may_be_damaged_and_nothing_is_lost() {
    let (laptop, server, remote) = scene();
    let mut round = 0;
    for (number, path) in OURS.into_iter().enumerate() {
        for (name, damage) in damages(number) {
            round += 1;
            let why = format!("{path} is damaged: {name}");
            let [here, there, rc, copied] =
                ["here", "there", "rc", "copied"].map(|what| format!("{what} {round}\n"));
            server.write("tmux.conf", &there);
            server.sync([]).succeeds();
            laptop
                .write("zshrc", &here)
                .write("../.rc", &rc)
                .write("../.copied", &copied);
            let sound = fs::read(laptop.path(path)).unwrap_or_else(|_| usual(path).to_vec());
            laptop.write(path, damage(&sound));

            let looks = [
                &["status"][..],
                &["--dry-run"],
                &["log"],
                &["doctor"],
                &["--status", "--json"],
            ];
            for (at, words) in looks.into_iter().enumerate() {
                if at_length() || at == number % looks.len() {
                    let mut command = laptop.command("git-sync");
                    command.args(words);
                    is_told(&laptop.run(command), &why);
                }
            }
            let output = laptop.sync([]);
            is_told(&output, &why);
            laptop
                .has("zshrc", &here)
                .has("../.rc", &rc)
                .has("../.copied", &copied);
            if output.code() != 0 {
                // As the message says.
                let says = output.stderr();
                assert!(
                    says.contains(path.rsplit('/').next().unwrap()),
                    "{why}\n{}",
                    output.scene()
                );
                assert!(
                    says.contains("remove the file") || says.contains("rm '"),
                    "{why}\n{}",
                    output.scene()
                );
                laptop.remove(path);
                laptop.sync([]).exits_with_one_of(&[0, 1]);
                if path.ends_with("marks") {
                    // Nobody knows any more who of the two is newer.
                    on_a_terminal(&laptop, "git-sync", [("[q]uit? ", "m\n")]).succeeds();
                }
            }
            laptop
                .has("zshrc", &here)
                .has("../.rc", &rc)
                .has("../.copied", &copied)
                .has("tmux.conf", &there);
            laptop.sync([]).succeeds();
            server.sync([]).succeeds();
            server
                .has("zshrc", &here)
                .has("../.rc", &rc)
                .has("../.copied", &copied);
            all_agree(&[&laptop, &server], &remote);
            laptop.is_whole();
        }
    }
}

/// Files that all machines share: whoever can push can write anything into them.
const SHARED: [&str; 4] = [
    ".sync/marked-files.txt",
    ".sync/modes",
    ".sync/config.yaml",
    ".sync/recipients.txt",
];

#[test]
fn shared_files_may_be_damaged_elsewhere_and_nothing_is_lost() {
    let (laptop, server, remote) = scene();
    server.write(
        ".sync/config.yaml",
        "version: 1\npolicies:\n  \"app/*\": both\nallow-secret:\n  - tests/**\n",
    );
    server.write(
        ".sync/recipients.txt",
        "# ana\nage1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq\n",
    );
    settle(&[&server, &laptop]);
    let sound = SHARED.map(|path| server.bytes(path));
    let mut round = 0;
    for (number, path) in SHARED.into_iter().enumerate() {
        for (name, damage) in damages(number) {
            round += 1;
            let why = format!("{path} is damaged: {name}");
            let [here, rc, copied] =
                ["here", "rc", "copied"].map(|what| format!("{what} {round}\n"));
            server.write(path, damage(&sound[number]));
            server.git(["commit", "-qam", "damaged", "--allow-empty"]);
            server.git(["push", "-q"]);
            laptop
                .write("zshrc", &here)
                .write("../.rc", &rc)
                .write("../.copied", &copied);

            for _ in 0..2 {
                is_told(&laptop.sync([]), &why);
                laptop
                    .has("zshrc", &here)
                    .has("../.rc", &rc)
                    .has("../.copied", &copied);
            }
            server.write(path, &sound[number]);
            server.git(["commit", "-qam", "mended", "--allow-empty"]);
            if server.try_git(["push", "-q"]).code() != 0 {
                server.git(["pull", "-q", "--no-rebase", "-Xours"]);
                server.git(["push", "-q"]);
            }
            laptop.sync(["--yes"]).exits_with_one_of(&[0, 1]);
            laptop
                .has("zshrc", &here)
                .has("../.rc", &rc)
                .has("../.copied", &copied);
            // What was taken for unmarked is marked again.
            for words in [["mark", "../.rc"], ["mark", "--copy"]] {
                let mut command = laptop.command("git-sync");
                command.args(words);
                if words[1] == "--copy" {
                    command.arg("../.copied");
                }
                laptop.run(command).exits_with_one_of(&[0, 1]);
            }
            laptop.sync(["--yes"]).exits_with_one_of(&[0, 1]);
            server.sync(["--yes"]).exits_with_one_of(&[0, 1]);
            laptop.sync(["--yes"]).exits_with_one_of(&[0, 1]);
            laptop
                .has("zshrc", &here)
                .has("../.rc", &rc)
                .has("../.copied", &copied);
            server.has("zshrc", &here);
            all_agree(&[&laptop, &server], &remote);
            laptop.is_whole();
        }
    }
}

/// A run that died in the midst of replacing files, with the journal damaged since.
#[test]
fn a_damaged_journal_of_a_run_that_died_is_told_and_nothing_is_lost() {
    for (name, damage) in damages(1).into_iter().chain(damages(2)) {
        let sandbox = Sandbox::new();
        let (laptop, server, remote) = sandbox.laptop_and_server();
        server
            .write("tmux.conf", "there\n")
            .write("vim/vimrc", "there\n");
        server.sync([]).succeeds();
        laptop.write("zshrc", "here\n");
        let killed = killed_while_it_publishes(&sandbox, &laptop);
        assert_ne!(killed.code(), 0, "{}", killed.scene());
        laptop.has("tmux.conf", "there\n");
        let journal = laptop.bytes(".git/sync/journal");
        laptop.write(".git/sync/journal", damage(&journal));
        // Somebody goes on meanwhile.
        laptop.write("notes", "later\n");

        let output = laptop.run(laptop.sync_command([]));
        is_told(&output, name);
        if output.code() != 0 {
            output
                .tells("journal")
                .tells("remove the file")
                .tells("are kept in '");
            laptop.remove(".git/sync/journal");
        }
        let locked = laptop.run(laptop.sync_command([]));
        if locked.code() != 0 {
            let locked = locked.tells("index.lock");
            assert!(locked.stderr().contains("hint: "), "{}", locked.scene());
            laptop.remove(".git/index.lock");
        }
        settle(&[&laptop, &server]);
        for machine in [&laptop, &server] {
            machine
                .has("zshrc", "here\n")
                .has("tmux.conf", "there\n")
                .has("notes", "later\n");
        }
        all_agree(&[&laptop, &server], &remote);
        laptop.is_whole();
    }
}

/// Kills a sync when the files are replaced and the branch is not.
fn killed_while_it_publishes(sandbox: &Sandbox, machine: &Machine) -> Output {
    let git = machine.sh("command -v git").stdout();
    let journal = machine.path(".git/sync/journal");
    sandbox.tool(
        "git",
        &format!(
            "#!/bin/sh\ncase \" $* \" in *' update-ref '*)\n\
             if test -n \"$KILLED\" && grep -q staged '{}'; then kill -9 $PPID; exit 1; fi;; esac\n\
             exec {} \"$@\"\n",
            journal.display(),
            git.trim()
        ),
    );
    let killed = machine.with("KILLED", "1");
    killed.run(killed.sync_command([]))
}

#[test]
fn what_is_in_the_place_of_a_file_of_ours_is_told_and_stays() {
    let (laptop, server, remote) = scene();
    for (number, path) in OURS.into_iter().enumerate() {
        for link in [false, true] {
            if !at_length() && link == (number % 2 == 0) {
                continue;
            }
            let why = format!(
                "{path} is {}",
                if link {
                    "a link to nothing"
                } else {
                    "a folder"
                }
            );
            let place = laptop.path(path);
            let kept = fs::read(&place).ok();
            drop(fs::remove_file(&place));
            if link {
                std::os::unix::fs::symlink("/nowhere/at/all", &place).unwrap();
            } else {
                fs::create_dir(&place).unwrap();
                fs::write(place.join("theirs"), "theirs\n").unwrap();
            }
            laptop.write("zshrc", format!("{why}\n"));
            is_told(&laptop.sync([]), &why);
            laptop.has("zshrc", format!("{why}\n"));
            if !link && place.is_dir() {
                assert_eq!(
                    fs::read_to_string(place.join("theirs")).unwrap(),
                    "theirs\n",
                    "{why}"
                );
            }
            mend(&place, kept.as_deref());
            laptop.sync([]).succeeds();
            remote.has("zshrc", &why);
        }
    }
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
}

/// Puts the file back, or nothing.
fn mend(place: &Path, kept: Option<&[u8]>) {
    if place.is_dir() && !place.is_symlink() {
        fs::remove_dir_all(place).unwrap();
    } else {
        drop(fs::remove_file(place));
    }
    if let Some(kept) = kept {
        fs::write(place, kept).unwrap();
    }
}

/// Another machine, or whoever can push, says things of itself that nobody can make sense of.
#[test]
fn what_other_machines_say_of_themselves_is_shown_or_passed_over() {
    let (laptop, server, _) = scene();
    let reference = "refs/git-sync/machines/ana%40laptop-linux";
    let names = server.git(["ls-remote", "origin", "refs/git-sync/machines/*"]);
    assert!(
        names.contains("refs/git-sync/machines/"),
        "{names} {reference}"
    );
    let beat = r#"{"schema":1,"machine":"x","type":"mac","version":"1","time":"never","branch":"main","tip":"TIP","held":[]}"#;
    for tip in [
        "",
        "1",
        "--upload-pack=touch ../evil",
        "ü-not-an-oid",
        "0000000000000000000000000000000000000000",
        "../../../../etc/passwd",
    ] {
        let text = beat.replace("TIP", tip);
        server.sh(&format!("git push -q origin +$(printf '%s' '{text}' | git hash-object -w --stdin):refs/git-sync/machines/x")).succeeds();
        for words in [
            &["machines"][..],
            &["machines", "--json"],
            &["--complete", "machines"],
        ] {
            let mut command = laptop.command("git-sync");
            command.args(words);
            let output = laptop.run(command).succeeds();
            output.says("ana@laptop-linux");
        }
        laptop.lacks("../evil");
    }
}
