//! Long answers in the user's pager, as git shows its own.

use super::Ui;
use crate::error::Result;
use crate::git::Repo;
use crate::sys::env;
use crate::sys::process::Process;
use crate::sys::terminal;

/// The answer of a command that shows much: in the pager where stdout is a terminal, and git has not
/// put one there already.
pub fn answer(ui: &Ui, repo: &Repo, text: &str) -> Result<()> {
    let pager = match env::get(env::GIT_PAGER_IN_USE) {
        None if terminal::shows_answers() && !text.is_empty() => repo.pager()?,
        _ => None,
    };
    let Some(pager) = pager else {
        ui.answer(text);
        return Ok(());
    };
    let mut process = Process::new("sh")
        .args(["-c", &pager])
        .on_terminal()
        .stdin(ui.dressed(text));
    // What git sets: colours are shown, and what fits on the screen is not paged.
    for (name, value) in [(env::LESS, "FRX"), (env::LV, "-c")] {
        if env::get(name).is_none() {
            process = process.env(name, value);
        }
    }
    // That it was left early, or is not there, is between the user and the pager: it has said so itself.
    process.run().map(drop)
}
