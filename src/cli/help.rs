//! `git-sync --help`: the manual, as git shows it for `git sync --help`.

use crate::model::companion::Companion;
use crate::ops::companions::{self, Manual};
use crate::sys::{interrupt, manual, program};

/// Is `--help` the first word? Git too takes it for a question about the whole command only there.
pub(super) fn is_manual_asked_for() -> bool {
    std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == "--help")
}

/// Shows the manual: the page that the system has, or where that is none of ours, the one that is in this
/// program. `false` where nobody shows manuals here.
pub(super) fn show_manual() -> bool {
    // A signal is for what shows the page, as long as that runs.
    if interrupt::watch().is_err() {
        return false;
    }
    match companions::manual() {
        Ok(Manual::Ours(_)) => manual::show(program::NAME),
        Ok(Manual::Unfound | Manual::Foreign(_)) => manual::show_text(Companion::Man.text()),
        Ok(Manual::NoReader) | Err(_) => false,
    }
}
