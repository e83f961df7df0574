//! Every name that git and the file system allow is a name for us.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use crate::support::{Remote, Sandbox, all_agree, settle};

fn awkward() -> Vec<OsString> {
    let mut names: Vec<OsString> = [
        "new\nline",
        "tab\there",
        "carriage\rreturn",
        "double\"quote",
        "single'quote",
        "back\\slash",
        "-leading-dash",
        "--force-push",
        " leading and trailing ",
        "star*",
        "question?",
        "[bracket]",
        "{brace,s}",
        "!bang",
        "#hash",
        ":colon",
        ":(exclude)magic",
        "@{-1}",
        "~",
        "$HOME",
        "%s%n",
        "é\u{301}ü",
        "\u{1f980}",
        "HEAD",
        "folder/with space/-dash",
        "folder/.hidden",
    ]
    .map(OsString::from)
    .into();
    names.push(OsString::from_vec(b"not-utf8-\xff\xfe".to_vec()));
    names.push(OsString::from_vec(b"bell\x07escape\x1b[31m".to_vec()));
    names.push("x".repeat(255).into());
    names.push("é".repeat(127).into());
    names
}

#[test]
fn files_with_awkward_names_travel_change_and_go() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    for name in awkward() {
        laptop.write(Path::new(&name), "one\n");
    }
    settle(&[&laptop, &server]);
    for name in awkward() {
        server
            .has(Path::new(&name), "one\n")
            .write(Path::new(&name), "two\n");
    }
    settle(&[&server, &laptop]);
    for name in awkward() {
        laptop
            .has(Path::new(&name), "two\n")
            .remove(Path::new(&name));
    }
    settle(&[&laptop, &server]);
    for name in awkward() {
        server.lacks(Path::new(&name));
    }
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn files_with_awkward_names_can_be_held_and_resolved() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    for name in awkward() {
        server.write(Path::new(&name), "theirs\n");
        laptop.write(Path::new(&name), "mine\n");
    }
    server.sync([]).succeeds();
    laptop.sync([]).exits(1);
    for name in awkward() {
        laptop.has(Path::new(&name), "mine\n");
    }
    assert_eq!(laptop.state().held, awkward().len() as u64);

    let words = ["resolve", "--ours", "--"].map(OsStr::new);
    let names = awkward();
    let words: Vec<&OsStr> = words
        .into_iter()
        .chain(names.iter().map(OsString::as_os_str))
        .collect();
    laptop.sync_bytes(&words).succeeds();
    settle(&[&laptop, &server]);
    for name in awkward() {
        server.has(Path::new(&name), "mine\n");
    }
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn control_characters_of_a_name_never_reach_the_terminal() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    for name in awkward() {
        laptop.write(Path::new(&name), "one\n");
    }
    for words in [["--status", "-v"], ["--dry-run", "-v"], ["run", "-v"]] {
        let output = laptop.sync(words).succeeds();
        let text = output.stdout() + &output.stderr();
        let bad = |letter: char| letter.is_control() && letter != '\n';
        assert!(
            !text.contains(bad),
            "raw control characters\n{}",
            output.scene()
        );
        assert!(
            !text.contains("new\nline"),
            "a raw newline\n{}",
            output.scene()
        );
    }
}

#[test]
fn porcelain_with_nul_gives_names_as_they_are() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    let name = OsString::from_vec(b"new\nline \xff".to_vec());
    laptop.write(Path::new(&name), "one\n");
    let output = laptop.sync(["--status", "--porcelain", "-z"]).succeeds();
    let has_name = |record: &[u8]| record.ends_with(name.as_bytes());
    assert!(
        output.bytes().split(|byte| *byte == 0).any(has_name),
        "{}",
        output.scene()
    );
}

/// Every string in `value`, and every path that is no text, in bytes.
fn names_in(value: &serde_json::Value, found: &mut Vec<Vec<u8>>) {
    match value {
        serde_json::Value::String(text) => found.push(text.clone().into_bytes()),
        serde_json::Value::Array(all) => all.iter().for_each(|one| names_in(one, found)),
        serde_json::Value::Object(members) => match members.get("hex") {
            Some(digits) => {
                let digits = digits.as_str().expect("a string").as_bytes();
                let byte = |two: &[u8]| std::str::from_utf8(two).unwrap().to_owned();
                let bytes = digits.chunks(2).map(byte);
                found.push(
                    bytes
                        .map(|two| u8::from_str_radix(&two, 16).unwrap())
                        .collect(),
                );
            }
            None => members.values().for_each(|one| names_in(one, found)),
        },
        _ => {}
    }
}

#[test]
fn json_gives_names_as_they_are_and_they_can_be_used() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    let names = ["new\nline", "\"quoted\"", "back\\slash", "grüße"].map(OsString::from);
    let mut names = names.to_vec();
    names.push(OsString::from_vec(b"raw\xff".to_vec()));
    let knows_all = |words: &[&str]| {
        let words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        let output = laptop.sync_bytes(&words);
        let mut found = Vec::new();
        names_in(&output.json(), &mut found);
        for name in &names {
            assert!(
                found.contains(&name.as_bytes().to_vec()),
                "{name:?} is not in {}",
                output.scene()
            );
        }
    };
    for name in &names {
        server.write(Path::new(name), "theirs\n");
    }
    server.sync([]).succeeds();
    knows_all(&["--dry-run", "--json"]);
    for name in &names {
        laptop.write(Path::new(name), "mine\n");
    }
    knows_all(&["status", "--json"]);
    knows_all(&["diff", "--json"]);
    knows_all(&["--json"]);
    knows_all(&["status", "--json"]);
    knows_all(&["resolve", "--list", "--json"]);

    let list = laptop.sync(["resolve", "--list", "--json"]).exits(1).json();
    let held = list["held"].as_array().expect("a list");
    let quoted = held.iter().filter_map(|one| one["path"].as_str());
    let quoted: Vec<_> = quoted.filter(|path| path.contains(['\n', '"'])).collect();
    assert_eq!(quoted.len(), 2, "{list}");
    for path in quoted {
        laptop.sync(["resolve", "--theirs", "--", path]).exits(1);
        laptop.has(path, "theirs\n");
    }
}

#[test]
fn names_that_differ_in_case_only_are_two_files_where_they_can_be() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("Makefile", "upper\n")
        .write("makefile", "lower\n");
    laptop.write("Vim/vimrc", "another folder\n");
    settle(&[&laptop, &server]);
    server
        .has("Makefile", "upper\n")
        .has("makefile", "lower\n")
        .has("Vim/vimrc", "another folder\n");
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_rename_that_changes_case_only_travels() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.rename("zshrc", "Zshrc");
    settle(&[&laptop, &server]);
    server.lacks("zshrc");
    assert!(server.exists("Zshrc"));
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn what_git_cannot_hold_is_said_and_left_alone() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.sh("mkfifo pipe && mkdir empty").succeeds();
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).succeeds();
    remote.has("zshrc", "changed");
    assert!(laptop.exists("pipe") && laptop.exists("empty"));
    assert!(!remote.files().contains(&"pipe".to_owned()));
}

#[test]
fn names_that_git_refuses_are_said_and_everything_else_is_synced() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.config("core.protectHFS", "true");
    let refused = [
        "git~1",
        "folder/GIT~1",
        ".git ",
        ".Git/config",
        "folder/.git::$INDEX_ALLOCATION",
        ".g\u{200c}it",
        "line\nbreak/git~1",
    ];
    for name in refused {
        laptop.write(name, "mine\n");
    }
    laptop.link(".gitmodules", "zshrc");
    laptop.write("folder/fine", "mine\n");
    for cache in ["false", "true"] {
        laptop.config("core.untrackedCache", cache);
        laptop.write("zshrc", format!("{cache}\n"));
        let output = laptop.sync([]).exits(1).tells("'.gitmodules'");
        let lines = output.stderr();
        let skipped = lines.lines().filter(|line| line.contains("skipped"));
        assert_eq!(skipped.count(), refused.len() + 1, "{}", output.scene());
        let output = output.tells("skipped 'git~1': git refuses this name");
        output.tells("line\\nbreak/git~1");
        laptop.shows("✓");
    }
    let json = laptop.sync(["--json"]).exits(1).json();
    let skipped = json["skipped"].as_array().map_or(0, Vec::len);
    assert_eq!(skipped, refused.len() + 1, "{json}");
    laptop.sync(["--dry-run"]).exits(1).says("git~1");
    server.sync([]).succeeds();
    server.has("folder/fine", "mine\n").has("zshrc", "true\n");
    for name in refused {
        laptop.has(name, "mine\n");
    }
    assert!(!remote.files().iter().any(|name| name.contains('~')));
}

/// Puts a file into origin whose name git takes from nobody.
fn push_refused(remote: &Remote, name: &str) -> String {
    let before = remote.tip("main");
    let blob = remote.git(["rev-parse", "main:zshrc"]);
    let script = r#"
        line=$(printf '100644 blob %s\t%s' "$1" "${2##*/}")
        if test "$2" != "${2##*/}"; then
            tree=$(printf '%s\n' "$line" | git mktree)
            line=$(printf '040000 tree %s\t%s' "$tree" "${2%%/*}")
        fi
        tree=$( (git ls-tree main && printf '%s\n' "$line") | git mktree)
        commit=$(git -c user.name=Ana -c user.email=ana@example.com commit-tree -p main -m 'a rude name' "$tree")
        git update-ref refs/heads/main "$commit"
    "#;
    let alias = format!("alias.put=!sh -euc '{}' put", script.replace('\'', "'\\''"));
    remote.git(["-c", &alias, "put", &blob, name]);
    before
}

#[test]
fn a_name_from_there_that_git_refuses_is_told_and_nothing_is_taken() {
    for name in ["git~1", ".git", "sub/.git", "..", "GIT~1", ".g\u{200c}it"] {
        let (laptop, server, remote) = Sandbox::new().laptop_and_server();
        laptop.sync([]).succeeds();
        laptop.config("core.protectHFS", "true");
        let before = push_refused(&remote, name);
        let head = laptop.head();
        for words in [&["--dry-run"][..], &[]] {
            let words: Vec<_> = words.iter().map(OsStr::new).collect();
            laptop
                .sync_bytes(&words)
                .exits(1)
                .tells(&format!(
                    "error: origin/main has '{name}', a name that git refuses"
                ))
                .tells(&format!("hint: git log origin/main -- '{name}'"))
                .tells("hint: nothing was taken from the remote");
        }
        assert_eq!(laptop.head(), head);
        laptop.is_clean().shows("✗");
        // What is changed here is committed, and waits.
        laptop.write("tmux.conf", "laptop\n");
        laptop.sync([]).exits(1).tells("a name that git refuses");
        assert_eq!(laptop.committed("tmux.conf"), "laptop\n");
        laptop
            .sync(["--force-pull", "--yes"])
            .exits(1)
            .tells("a name that git refuses");
        laptop.has("tmux.conf", "laptop\n").is_clean();

        remote.git(["update-ref", "refs/heads/main", &before]);
        settle(&[&laptop, &server]);
        server.has("tmux.conf", "laptop\n");
        laptop.is_in_sync_with(&remote);
    }
}

#[test]
fn the_status_calls_refused_names_what_a_sync_calls_them() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("git~1", "mine\n").write("sub/GIT~1", "mine\n");
    laptop.link(".gitmodules", "zshrc");
    laptop.sync([]).exits(1);
    for _ in 0..2 {
        laptop
            .sync(["--status"])
            .succeeds()
            .says("In sync")
            .says("skipped   .gitmodules")
            .says("git~1")
            .says("sub/GIT~1")
            .does_not_say("new  ");
        laptop.shows("✓");
    }
    laptop.write("digit", "one that is fine\n");
    laptop.sync(["--status"]).succeeds().says("new       digit");
}
