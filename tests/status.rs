//! What the program says about the state of things, to people and to programs.

use crate::support::{Conflict, Sandbox};

#[test]
fn each_state_has_its_icon_and_word() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    let looks = |icon: &str, word: &str| {
        let output = laptop.sync(["--status"]).succeeds();
        assert!(output.stdout().starts_with(icon), "{}", output.scene());
        let json = laptop.sync(["--status", "--json"]).succeeds().json();
        assert_eq!(json["state"], word, "{json}");
        assert_eq!(json["icon"], icon, "{json}");
    };
    laptop.sync([]).succeeds();
    looks("✓", "synced");

    laptop.write("zshrc", "changed\n");
    looks("↑", "ahead");
    laptop.commit("by hand");
    looks("↑", "ahead");

    laptop.sync([]).succeeds();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.git(["fetch", "--quiet"]);
    looks("↓", "behind");

    laptop.write("zshrc", "changed again\n");
    laptop.commit("by hand");
    looks("↑↓", "diverged");
}

#[test]
fn a_held_path_is_an_error_in_the_status() {
    let conflict = Conflict::of_content();
    conflict.is_held(["zshrc"]);
    let laptop = &conflict.laptop;
    let output = laptop.sync(["--status"]).succeeds().says("zshrc");
    assert!(output.stdout().starts_with('✗'), "{}", output.scene());
    let json = laptop.sync(["--status", "--json"]).json();
    assert_eq!(json["state"], "held", "{json}");
    assert!(json.to_string().contains("zshrc"), "{json}");
    laptop.sync(["--status", "--porcelain"]).says("zshrc");
    assert_eq!(laptop.state().word, "held");
    laptop.sync(["--status", "--exit-code"]).exits(1);
}

#[test]
fn the_status_tells_machine_repository_and_last_sync() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop
        .sync(["--status"])
        .succeeds()
        .says("ana@laptop-linux")
        .says("main")
        .says("origin/main");
    let json = laptop.sync(["--status", "--json"]).succeeds().json();
    assert_eq!(json["schema"], 1, "{json}");
    assert_eq!(json["machine"]["id"], "ana@laptop-linux", "{json}");
    assert_eq!(json["repository"]["branch"], "main", "{json}");
    assert_eq!(json["repository"]["upstream"], "origin/main", "{json}");
    assert_eq!(json["repository"]["url"], remote.url(), "{json}");
    assert_eq!(
        (&json["ahead"], &json["behind"]),
        (&0.into(), &0.into()),
        "{json}"
    );
}

#[test]
fn no_password_of_an_address_is_ever_shown() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    let url = format!(
        "http://ana:s3cret@127.0.0.1:{}/configs.git",
        crate::support::closed_port()
    );
    laptop.git(["remote", "set-url", "origin", &url]);
    laptop.write("zshrc", "changed\n");
    let outputs = [
        laptop.sync(["-vv"]).exits(3),
        laptop.sync(["--status", "-v"]).succeeds(),
        laptop.sync(["--status", "--json"]).succeeds(),
        laptop.sync(["--status", "--porcelain"]).succeeds(),
        laptop.sync(["--dry-run"]),
        laptop.sync(["log"]),
        laptop.sync(["--json"]),
    ];
    for output in outputs {
        let text = output.stdout() + &output.stderr();
        assert!(!text.contains("s3cret"), "{}", output.scene());
    }
    for file in ["history.jsonl", "log"] {
        let text = std::fs::read_to_string(laptop.path(format!(".git/sync/{file}")));
        assert!(!text.unwrap_or_default().contains("s3cret"), "{file}");
    }
}

#[test]
fn porcelain_is_made_for_scripts_and_stays_the_same_in_colour() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.write("zshrc", "changed\n");
    laptop.commit("by hand");
    laptop.write("tmux.conf", "changed\n");
    let plain = laptop.sync(["--status", "--porcelain"]).succeeds();
    let lines = plain.stdout();
    for line in [
        "# branch.head main",
        "# branch.upstream origin/main",
        "# branch.ab +1 -0",
        "# sync.state ahead",
    ] {
        assert!(
            lines.lines().any(|found| found == line),
            "no {line}\n{}",
            plain.scene()
        );
    }
    assert!(
        lines
            .lines()
            .any(|line| line.starts_with("c ") && line.ends_with(" tmux.conf")),
        "{}",
        plain.scene()
    );
    let versioned = laptop
        .sync(["status", "--porcelain=v1", "--color=always"])
        .succeeds();
    assert_eq!(versioned.stdout(), lines);
    laptop.sync(["--status", "--porcelain=v9"]).exits(129);
}

#[test]
fn the_exit_code_of_the_status_tells_when_asked() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.sync(["--status", "--exit-code"]).succeeds();
    laptop.write("zshrc", "changed\n");
    laptop.sync(["--status"]).succeeds();
    laptop.sync(["--status", "--exit-code"]).exits(1);
}

#[test]
fn the_status_touches_no_remote_and_nothing_else() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    let tracking = laptop.git(["rev-parse", "origin/main"]);
    let before = laptop.fingerprint();
    laptop.sync(["--status"]).succeeds();
    assert_eq!(laptop.git(["rev-parse", "origin/main"]), tracking);
    assert_eq!(before, laptop.fingerprint());
}

#[test]
fn a_sync_answers_in_json_when_asked() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    let json = laptop.sync(["--json"]).succeeds().json();
    assert_eq!(json["state"], "synced", "{json}");
    assert_eq!(json["exit"], 0, "{json}");
    assert!(json["steps"].to_string().contains("zshrc"), "{json}");

    let conflict = Conflict::of_content();
    let json = conflict.laptop.sync(["--json"]).exits(1).json();
    assert_eq!(json["exit"], 1, "{json}");
    assert!(json.to_string().contains("\"zshrc\""), "{json}");
}

#[test]
fn colour_is_for_terminals_or_when_asked() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.sync(["--status"]).does_not_say("\x1b[");
    laptop.sync(["--status", "--color=always"]).says("\x1b[");
    laptop
        .sync(["--status", "--color=never"])
        .does_not_say("\x1b[");
    laptop
        .with("CLICOLOR_FORCE", "1")
        .sync(["--status"])
        .says("\x1b[");
    laptop
        .with("CLICOLOR_FORCE", "1")
        .with("NO_COLOR", "1")
        .sync(["--status"])
        .does_not_say("\x1b[");
    let terminal = laptop.with("TERM", "xterm");
    let seen = crate::support::on_a_terminal(&terminal, "git-sync --status", []);
    seen.succeeds().says("\x1b[");
    laptop.config("color.sync", "always");
    laptop.sync(["--status"]).says("\x1b[");
}

#[test]
fn the_difference_to_the_upstream_can_be_read() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    server.write("tmux.conf", "server's line\n");
    server.sync([]).succeeds();
    laptop.git(["fetch", "--quiet"]);
    laptop.write("zshrc", "my line\n");
    laptop.sync(["diff"]).says("my line").says("server's line");
    laptop
        .sync(["--diff", "zshrc"])
        .says("my line")
        .does_not_say("server's line");
}

#[test]
fn hints_can_be_turned_off() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.git(["remote", "set-url", "origin", "file:///nowhere/configs.git"]);
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).exits(3).tells("hint: ");
    laptop.config("advice.sync", "false");
    laptop.sync([]).exits(3).does_not_tell("hint: ");
}

#[test]
fn a_broken_pipe_is_no_error() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    let script = "trap '' PIPE; { git-sync --status -v; echo $? > ../code; } | true; cat ../code";
    let output = laptop.sh(script).succeeds();
    assert!(
        ["0\n", "141\n"].contains(&&*output.stdout()),
        "{}",
        output.scene()
    );
    output.does_not_tell("anic").does_not_tell("error");
}

#[test]
fn a_file_with_the_content_that_git_knows_is_no_change() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    // As young as the index, or younger: its time says nothing.
    laptop.write("zshrc", "changed\n");
    laptop.sh("touch -d '2 days' zshrc").succeeds();
    laptop.sync([]).succeeds();
    laptop.chmod("zshrc", 0o600);
    // Another second than git remembers: it has to look into the file.
    laptop.sh("touch -d '3 days' zshrc").succeeds();
    let index = laptop.bytes(".git/index");
    laptop.sync(["--status", "--exit-code"]).succeeds();
    // To look is to look: the index stays the user's.
    assert!(laptop.bytes(".git/index") == index);
    laptop.write("zshrc", "another\n");
    laptop.sh("touch -d '2 days' zshrc").succeeds();
    laptop
        .sync(["--status", "--exit-code"])
        .exits(1)
        .says("zshrc");
}

#[test]
fn a_file_that_cannot_be_read_is_skipped_and_nothing_to_commit() {
    let (laptop, _, _) = Sandbox::unprivileged().laptop_and_server();
    laptop.write("secret", "1\n").chmod("secret", 0o000);
    laptop.sync([]).exits(1).tells("secret");
    let status = laptop.sync(["status", "--json"]).succeeds().json();
    assert_eq!(status["state"], "synced", "{status}");
    assert_eq!(status["changes"]["skipped"][0], "secret", "{status}");
    assert_eq!(status["changes"]["untracked"], 0, "{status}");
}

/// Random histories over the first commit of `main`, with dates that do not rise, as git reads them in:
/// each ends in two branches.
fn random_histories(base: &str, count: u64) -> String {
    use std::fmt::Write as _;
    let mut seed = 20_261_121_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let mut stream = String::new();
    let mut mark = 0;
    for number in 0..count {
        let first = mark + 1;
        for at in 0..14 {
            mark += 1;
            let date = 1_700_000_000 + random(3);
            let mut parent = |at: u64| match random(at + 1) {
                0 => base.to_owned(),
                pick => format!(":{}", first + pick - 1),
            };
            let (one, other) = (parent(at), parent(at));
            write!(
                stream,
                "commit refs/walk/{number}\nmark :{mark}\ncommitter a <a@b> {date} +0000\ndata 1\nx\n\
                 from {one}\n"
            )
            .unwrap();
            if one != other && at % 3 == 0 {
                writeln!(stream, "merge {other}").unwrap();
            }
        }
        for side in ["ours", "theirs"] {
            let tip = first + random(14);
            write!(stream, "reset refs/{side}/{number}\nfrom :{tip}\n\n").unwrap();
        }
    }
    stream
}

#[test]
fn commits_are_counted_as_git_counts_them_whatever_their_clocks_said() {
    const COUNT: u64 = 60;
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.write("../histories", random_histories(&laptop.head(), COUNT));
    laptop
        .sh("git fast-import --quiet --force < ../histories")
        .succeeds();
    for number in 0..COUNT {
        for (side, place) in [("ours", "heads/main"), ("theirs", "remotes/origin/main")] {
            let from = format!("refs/{side}/{number}");
            laptop.git(["update-ref", &format!("refs/{place}"), &from]);
        }
        let range = format!("refs/ours/{number}...refs/theirs/{number}");
        let counted = laptop.git(["rev-list", "--left-right", "--count", &range]);
        let (ahead, behind) = counted.split_once('\t').expect("two numbers");
        let status = laptop.sync(["status", "--porcelain"]).succeeds();
        status.says(&format!("# branch.ab +{ahead} -{behind}\n"));
    }
}

#[test]
fn a_branch_without_an_upstream_is_not_in_sync() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.git(["branch", "--unset-upstream"]);

    laptop
        .sync(["status"])
        .succeeds()
        .says("✗ branch 'main' has no upstream")
        .does_not_say("no remote")
        .tells("git branch -u origin/main");
    laptop.sync(["status", "--exit-code"]).exits(1);
    laptop
        .sync(["status", "--porcelain"])
        .succeeds()
        .says("# sync.state error");
    let status = laptop.sync(["status", "--json"]).succeeds().json();
    assert_eq!(status["refusal"], "branch 'main' has no upstream");

    laptop.git(["branch", "-q", "-u", "origin/main"]);
    laptop.sync(["status"]).says("✓ In sync with origin/main");
}

#[test]
fn what_a_hook_said_in_lines_is_shown_in_one() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.hook("pre-commit", "printf 'first\\nsecond\\n' >&2; exit 1");
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).exits(1);
    laptop
        .sync(["status"])
        .says("the pre-commit hook refused the commit: first; second")
        .does_not_say("\u{fffd}");
}

#[test]
fn diff_names_what_it_cannot_compare() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    for path in ["zshrc", "vim", ".gitignore"] {
        laptop.sync(["diff", path]).succeeds().says_nothing();
    }
    laptop
        .sync(["diff", "zshrcc"])
        .exits(128)
        .tells("fatal: 'zshrcc' is neither here nor in origin/main");
    laptop
        .sh("git checkout -q -b other && echo a >zshrc && git commit -qam a")
        .succeeds();
    laptop
        .sh("git checkout -q main && echo b >zshrc && git commit -qam b")
        .succeeds();
    laptop.try_git(["merge", "-q", "other"]).exits(1);
    laptop
        .run(laptop.sync_command(["diff"]))
        .exits(1)
        .tells("error: 'zshrc' has an unfinished merge");
}

#[test]
fn what_is_held_back_is_told_once() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    let secret = format!("password={}\n", "s3cr3t!pw");
    laptop
        .write("new.conf", &secret)
        .write("zshrc", &secret)
        .write("staged.conf", &secret)
        .write("fine", "fine\n");
    laptop.git(["add", "staged.conf"]);
    let lines = laptop.sync(["status", "--porcelain"]).succeeds().stdout();
    let changes: Vec<_> = lines
        .lines()
        .filter(|line| line.starts_with("c "))
        .collect();
    assert_eq!(
        changes,
        [
            "c ?? fine",
            "c !! new.conf",
            "c !! staged.conf",
            "c !! zshrc"
        ]
    );
    // They are in no commit all the same.
    laptop
        .sync(["status"])
        .succeeds()
        .says("4 changed files to commit")
        .says("new       fine\n")
        .does_not_say("staged    ");
    let json = laptop.sync(["status", "--json"]).succeeds().json();
    assert_eq!(json["skipped"].as_array().unwrap().len(), 3, "{json}");
    assert_eq!(json["changes"]["untracked"], 1, "{json}");
}
