//! Long answers in the user's pager, as git shows its own.

use super::Ui;
use crate::error::Result;
use crate::sys::env;
use crate::sys::process::Process;
use crate::sys::terminal;

/// Does somebody read the answer on a terminal, where git has not put a pager already?
pub fn is_wanted(text: &str) -> bool {
    env::get(env::GIT_PAGER_IN_USE).is_none() && terminal::shows_answers() && !text.is_empty()
}

/// The answer in `pager`, a command line for the shell.
pub fn answer(ui: &Ui, pager: &str, text: &str) -> Result<()> {
    let mut process = Process::new("sh")
        .args(["-c", pager])
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
