//! `git sync --status`

use super::exit::Exit;
use super::global::Global;
use crate::error::Result;
use crate::model::state::State;
use crate::ops::Context;
use crate::ops::status::status;
use crate::ui::{self, Ui, json};

/// Shows where this machine stands.
pub(super) fn run(global: &Global, ui: &Ui) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let ctx = Context::new(&repo, ui)?;
    let outcome = status(&ctx)?;
    if global.json {
        ui.answer(&json::line(&json::status(&ctx, &outcome)));
    } else if global.porcelain.is_some() {
        ui.answer_bytes(&ui::porcelain::status(&outcome, global.nul));
    } else {
        ui::status::outcome(ui, &ctx, &outcome);
    }
    let differs = global.exit_code && outcome.state != State::Synced;
    Ok(if differs { Exit::Failed } else { Exit::Done })
}
