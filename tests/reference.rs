//! What can be typed, set and returned is in the manual, and the manual names nothing else.

use clap::CommandFactory as _;
use git_sync::cli::args::Cli;
use git_sync::cli::exit::Exit;
use git_sync::git::config::KEYS;
use std::collections::BTreeSet;
use std::path::Path;

const MANUAL: &str = include_str!("../man/git-sync.1");
const README: &str = include_str!("../README.md");
/// The only reader of the environment, and so the list of what it reads.
const ENVIRONMENT: &str = include_str!("../src/sys/env.rs");

/// Every way the program ends.
const EXITS: [Exit; 11] = [
    Exit::NoBackup,
    Exit::Done,
    Exit::Failed,
    Exit::Pending,
    Exit::Incomplete,
    Exit::Busy,
    Exit::Declined,
    Exit::Fatal,
    Exit::Usage,
    Exit::Signal(2),
    Exit::Signal(15),
];

/// The words that follow `macro` in the manual, such as `-force-push` after `Fl`.
fn marked(mark: &str) -> BTreeSet<&'static str> {
    let mut words = BTreeSet::new();
    for line in MANUAL.lines().filter(|line| line.starts_with('.')) {
        let line: Vec<_> = line
            .trim_start_matches('.')
            .split_ascii_whitespace()
            .collect();
        let pairs = line.windows(2).filter(|pair| pair[0] == mark);
        words.extend(pairs.map(|pair| pair[1]));
    }
    words
}

#[test]
fn every_option_is_in_the_manual_and_no_other() {
    let mut command = Cli::command();
    command.build();
    let words = command
        .get_subcommands()
        .filter(|word| word.get_name() != "help");
    let arguments = words
        .flat_map(clap::Command::get_arguments)
        .chain(command.get_arguments());
    let mut options = BTreeSet::new();
    // What is hidden is between us and our own completions.
    for argument in arguments.filter(|argument| !argument.is_hide_set()) {
        options.extend(argument.get_long().map(|long| format!("-{long}")));
        options.extend(argument.get_short().map(String::from));
    }
    let told: BTreeSet<_> = marked("Fl").into_iter().map(str::to_owned).collect();
    assert_eq!(options, told, "left: the parser, right: the manual");
}

#[test]
fn every_command_is_in_the_manual_and_no_other() {
    let command = Cli::command();
    let words: BTreeSet<_> = command
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    assert_eq!(words, marked("Cm"), "left: the parser, right: the manual");
}

#[test]
fn every_setting_is_in_the_manual() {
    for key in KEYS {
        assert!(MANUAL.contains(&format!("\n.It Ic {key}")), "{key}");
    }
}

#[test]
fn every_variable_of_ours_is_in_the_manual() {
    let names = ENVIRONMENT
        .split('"')
        .filter(|text| text.starts_with("GIT_SYNC_"));
    // Between us and our own detached process.
    for name in names.filter(|name| *name != "GIT_SYNC_WORKER") {
        assert!(MANUAL.contains(&format!("\n.It Ev {name}")), "{name}");
    }
}

#[test]
fn every_exit_code_is_in_the_manual_and_in_the_readme() {
    for exit in EXITS {
        // A new way to end must be listed above.
        match exit {
            Exit::Done
            | Exit::Failed
            | Exit::Pending
            | Exit::Incomplete
            | Exit::Busy
            | Exit::Declined
            | Exit::NoBackup
            | Exit::Fatal
            | Exit::Usage
            | Exit::Signal(_) => {}
        }
        let code = exit.code();
        assert!(
            MANUAL.contains(&format!("\n.It {code}\n")),
            "{code} in the manual"
        );
        assert!(
            README.contains(&format!("\n| {code} |")),
            "{code} in the README"
        );
    }
}

#[test]
fn every_test_that_the_readme_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut named = 0;
    for (before, after) in README
        .split("](tests/")
        .zip(README.split("](tests/").skip(1))
    {
        let name = before.rsplit('`').nth(1).expect("a name in backquotes");
        let file = after.split(')').next().expect("a closing parenthesis");
        let text = std::fs::read_to_string(root.join("tests").join(file)).unwrap_or_default();
        assert!(
            text.contains(&format!("\nfn {name}() {{")),
            "{name} in tests/{file}"
        );
        named += 1;
    }
    assert!(named > 10, "only {named} tests are named");
}
