//! Errors in git's voice: what failed, and why.

use super::style;
use crate::error::{Error, Kind};

/// `fatal: …` or `error: …`, and a line for each cause.
pub fn lines(error: &Error) -> Vec<String> {
    let heading = match error.kind() {
        Kind::Fatal | Kind::Usage => "fatal:",
        _ => "error:",
    };
    let mut lines = vec![format!(
        "{} {}",
        style::error(heading),
        printable(&error.to_string())
    )];
    for cause in error.causes() {
        lines.extend(cause.lines().map(|line| format!("  {}", printable(line))));
    }
    lines
}

/// Text from elsewhere (a hook, a remote) without what would drive the terminal.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_remote_cannot_drive_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\tc"), "a\u{fffd}[31mb\tc");
    }
}
