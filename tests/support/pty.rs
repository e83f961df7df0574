//! Commands on a terminal: `script` gives them one, the test types the answers.

use std::fs;
use std::process::Stdio;

use super::{Machine, Output, Running, needs};

/// Runs a shell line on a terminal of its own; what is typed is `answers`.
///
/// Everything the terminal shows is standard output; the exit code is the line's own.
#[must_use = "say what is expected of the command"]
#[track_caller]
pub(crate) fn on_a_terminal(machine: &Machine, line: &str, answers: &str) -> Output {
    needs("script");
    let typed = machine.home().join(".typed");
    fs::write(&typed, answers).expect("own home");
    machine.owns(&typed);
    let mut command = machine.command("script");
    command
        .args([
            "--quiet",
            "--return",
            "--flush",
            "--log-out",
            "/dev/null",
            "--command",
            line,
        ])
        .stdin(Stdio::from(fs::File::open(&typed).expect("own file")));
    Running::start(machine, command).finish()
}
