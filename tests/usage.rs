//! What may be typed, and what is a usage error: exit 129 and nothing happens.

use crate::support::Sandbox;

#[test]
fn nonsense_is_a_usage_error_and_changes_nothing() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    let before = (laptop.fingerprint(), remote.tip("main"));
    let nonsense: [&[&str]; 14] = [
        &["--force-push=no"],
        &["--force-pull=false"],
        &["--force-push", "--force-pull"],
        &["--status", "--force-push"],
        &["--status", "run"],
        &["status", "--force-push"],
        &["-f"],
        &["-s"],
        &["--no-such-option"],
        &["no-such-word"],
        &["--status", "--json", "--porcelain"],
        &["--wait=soon"],
        &["--color=sometimes"],
        &["log", "-n", "many"],
    ];
    for words in nonsense {
        let mut command = laptop.command("git-sync");
        command.args(words);
        laptop.run(command).exits(129).answers_nothing();
        assert_eq!(
            before,
            (laptop.fingerprint(), remote.tip("main")),
            "{words:?}"
        );
    }
}

#[test]
fn flags_and_words_are_the_same_commands() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop.write("zshrc", "changed\n");
    let laptop = laptop.with("GIT_SYNC_NOW", "1800000000");
    for [flag, word] in [["--status", "status"], ["--diff", "diff"]] {
        assert_eq!(laptop.sync([flag]).stdout(), laptop.sync([word]).stdout());
    }
    assert_eq!(
        laptop.sync(["--log"]).stdout(),
        laptop.sync(["log"]).stdout()
    );
    assert_eq!(
        laptop.sync(["--dry-run"]).stdout(),
        laptop.sync(["-n", "run"]).stdout()
    );
}

#[test]
fn help_and_version_answer_on_stdout() {
    let laptop = Sandbox::new().fresh("laptop");
    let help = laptop.sync(["-h"]).succeeds();
    for word in [
        "--setup",
        "--status",
        "--dry-run",
        "--force-push",
        "--force-pull",
        "--background",
        "--resolve",
    ] {
        assert!(help.stdout().contains(word), "no {word}\n{}", help.scene());
    }
    laptop.sync(["--help"]).succeeds().says("git sync");
    laptop
        .sync(["--version"])
        .succeeds()
        .says(env!("CARGO_PKG_VERSION"));
    laptop
        .sync(["-V"])
        .succeeds()
        .says(env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_folder_that_does_not_exist_is_fatal() {
    let laptop = Sandbox::new().fresh("laptop");
    laptop
        .sync(["-C", "/nowhere/at/all"])
        .exits(128)
        .tells("fatal: ")
        .tells("/nowhere/at/all");
}

#[test]
fn errors_speak_like_git() {
    let laptop = Sandbox::new().fresh("laptop");
    let output = laptop.sync([]).exits(128);
    let text = output.stderr();
    let first = text.lines().next().unwrap_or_default();
    assert!(first.starts_with("fatal: "), "{}", output.scene());
    assert!(!first.ends_with('.'), "{}", output.scene());
    let letter = first.trim_start_matches("fatal: ").chars().next().unwrap();
    assert!(
        letter.is_lowercase() || letter == '\'',
        "{}",
        output.scene()
    );
    let known = ["fatal: ", "error: ", "warning: ", "hint: ", "caused by: "];
    let strange = text
        .lines()
        .find(|line| !line.is_empty() && !known.iter().any(|known| line.starts_with(known)));
    assert_eq!(strange, None, "{}", output.scene());
}

#[test]
fn an_answer_that_cannot_be_written_is_no_success() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    for words in [
        "status --json",
        "status",
        "log",
        "resolve --list --json",
        "--version",
        "--json",
    ] {
        laptop
            .sh(&format!("git-sync {words} >/dev/full"))
            .exits(128)
            .tells("fatal: the answer cannot be written")
            .tells("No space left on device");
    }
    // One who has read enough goes away, and that is all right.
    laptop
        .sh("(git-sync status; echo $? >../code) | true; cat ../code")
        .succeeds()
        .says("0");
    laptop
        .sh("git-sync status --porcelain | head -n 1")
        .succeeds()
        .says("# branch.head main");
}
