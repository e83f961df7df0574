//! Commands on a terminal: `script` gives them one, the test types the answers.

use std::process::Stdio;

use super::{Machine, Output, Running, needs};

/// Runs a shell line on a terminal of its own and answers each prompt when it is there.
///
/// Everything the terminal shows is standard output; the exit code is the line's own.
#[must_use = "say what is expected of the command"]
#[track_caller]
pub(crate) fn on_a_terminal<const N: usize>(
    machine: &Machine,
    line: &str,
    answers: [(&str, &str); N],
) -> Output {
    needs("script");
    let mut command = machine.command("script");
    command
        .args(["--quiet", "--return", "--flush", "--log-out", "/dev/null"])
        .args(["--command", line])
        .stdin(Stdio::piped());
    let mut running = Running::start(machine, command);
    for (prompt, answer) in answers {
        running.answer(prompt, answer);
    }
    running.finish()
}
