//! `git sync diff`

use super::exit::Exit;
use super::global::Global;
use super::paths;
use crate::error::Result;
use crate::ops::Context;
use crate::ops::diff::diff;
use crate::ui::{self, Ui, json};
use std::path::PathBuf;

/// Shows what differs from the remote.
pub(super) fn run(global: &Global, ui: &Ui, typed: &[PathBuf]) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let ctx = Context::new(&repo, ui)?;
    let differences = diff(&ctx, &paths::in_repository(&repo, global, typed)?)?;
    if global.json {
        ui.answer(&json::line(&json::diff(&differences)));
    } else {
        super::page(ui, &repo, &ui::diff::text(&differences))?;
    }
    let differs = global.exit_code && !differences.is_empty();
    Ok(if differs { Exit::Failed } else { Exit::Done })
}
