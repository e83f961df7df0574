//! `git sync machines`

use super::exit::Exit;
use super::global::Global;
use crate::error::Result;
use crate::ops::Context;
use crate::ops::machines::{Options, machines, not_reached};
use crate::ui::{self, Ui, json};

/// Lists the machines that sync with the same remote.
pub(super) fn run(global: &Global, ui: &Ui) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let ctx = Context::new(&repo, ui)?;
    let options = Options {
        offline: global.offline,
        forget: global.forget.clone(),
    };
    let outcome = machines(&ctx, &options)?;
    if let Some(why) = &outcome.unreachable {
        return Err(not_reached(why));
    }
    if global.json {
        ui.answer(&json::line(&ui::machines::object(&outcome)));
    } else {
        ui::machines::list(ui, &outcome);
    }
    Ok(Exit::Done)
}
