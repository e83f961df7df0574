//! Is there a person at the other end?

use crate::error::{Error, Kind, Result};
use std::io::{BufRead as _, IsTerminal as _, Write as _};

/// Can a question be asked: both the question seen and the answer typed?
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Is stdout a terminal, so that somebody reads the answer there?
pub fn shows_answers() -> bool {
    std::io::stdout().is_terminal()
}

/// Is stderr a terminal, so that progress makes sense?
pub fn shows_progress() -> bool {
    std::io::stderr().is_terminal()
}

/// Asks `question` on stderr and reads a line; `None` at the end of input.
pub fn ask(question: &str) -> Result<Option<String>> {
    let failed = |source| Error::new(Kind::Declined, "cannot ask on the terminal").because(source);
    let mut stderr = std::io::stderr().lock();
    stderr
        .write_all(question.as_bytes())
        .and_then(|()| stderr.flush())
        .map_err(failed)?;
    let mut line = String::new();
    let read = std::io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(failed)?;
    Ok((read > 0).then(|| line.trim().to_owned()))
}
