//! `git sync`

use super::exit::Exit;
use super::global::Global;
use crate::error::Result;
use crate::ops::Context;
use crate::ops::sync::{Options, Outcome, sync};
use crate::ui::{self, Ui, json};
use std::time::Duration;

/// A wait without an end: a year.
const FOR_EVER: Duration = Duration::from_secs(31_536_000);

/// Syncs.
pub(super) fn run(global: &Global, ui: &Ui) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let ctx = Context::for_run(&repo, ui, "sync")?;
    let outcome = sync(&ctx, &options(global))?;
    Ok(tell(global, ui, &outcome))
}

/// What the global options say of a sync.
pub(super) fn options(global: &Global) -> Options {
    let wait = match global.wait {
        None => Duration::ZERO,
        Some(None) => FOR_EVER,
        Some(Some(seconds)) => Duration::from_secs(seconds).min(FOR_EVER),
    };
    Options {
        dry_run: global.dry_run,
        differences: global.dry_run && global.verbose > 0,
        offline: global.offline,
        wait,
        yes: global.yes,
    }
}

/// Says how a sync ended.
pub(super) fn tell(global: &Global, ui: &Ui, outcome: &Outcome) -> Exit {
    let exit = match Exit::of_result(outcome.result()) {
        Exit::Done if global.detailed_exitcode && outcome.is_change() => Exit::Pending,
        exit => exit,
    };
    if global.json {
        ui.answer(&json::line(&json::sync(outcome, exit.code())));
    } else {
        ui::sync::outcome(ui, outcome);
    }
    exit
}
