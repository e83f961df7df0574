//! `git sync log`

use super::exit::Exit;
use super::global::Global;
use crate::error::Result;
use crate::ops::Context;
use crate::ops::log::log;
use crate::ui::{self, Ui, json};

/// So many runs are shown where nothing is said.
const COUNT: usize = 20;

/// Shows the history of runs.
pub(super) fn run(global: &Global, ui: &Ui) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let ctx = Context::new(&repo, ui)?;
    let runs = log(&ctx, global.max_count.unwrap_or(COUNT))?;
    if global.json {
        for run in &runs {
            ui.answer(&json::run(run)?);
        }
    } else {
        super::page(ui, &repo, &ui::log::lines(&runs))?;
    }
    Ok(Exit::Done)
}
