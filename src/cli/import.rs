//! `git sync mark --import TOOL [PATH]`

use super::exit::Exit;
use super::global::Global;
use super::{mark, run};
use crate::error::{Error, Kind, Result};
use crate::model::import::Tool;
use crate::ops::Context;
use crate::ops::marks::import::{Looked, look, take};
use crate::sys::terminal;
use crate::ui::{self, Ui, json};
use std::path::PathBuf;

/// Shows what the set-up of another tool has, asks, and marks what was chosen.
pub(super) fn run(global: &Global, ui: &Ui, typed: &[PathBuf]) -> Result<Exit> {
    let word = global.import.as_deref().unwrap_or_default();
    let tool = Tool::parse(word)
        .ok_or_else(|| Error::new(Kind::Usage, format!("'{word}' cannot be imported")))?;
    let repo = super::open(global, ui)?;
    let ctx = Context::new(&repo, ui)?;
    let place = mark::absolute(global, typed)?.pop();
    let looked = look(&ctx, tool, place.as_deref())?;
    if global.dry_run || looked.proposals.is_empty() {
        return Ok(only_shown(global, ui, &looked));
    }
    let chosen = choose(global, ui, &looked)?;
    let chosen: Vec<_> = chosen
        .into_iter()
        .filter_map(|number| looked.proposals.get(number).cloned())
        .collect();
    let outcome = take(&ctx, &chosen, run::options(global).wait)?;
    let left = looked.left.iter().any(|left| left.refused) || !outcome.refused.is_empty();
    let exit = if left || outcome.marked.is_left() {
        Exit::Failed
    } else {
        Exit::Done
    };
    if global.json {
        let object = ui::import::object(&looked, Some(&outcome), exit.code());
        ui.answer(&json::line(&object));
    } else {
        ui::import::taken(ui, tool, &outcome);
    }
    Ok(exit)
}

/// Nothing is to be changed, or there is nothing to change.
fn only_shown(global: &Global, ui: &Ui, looked: &Looked) -> Exit {
    let refused = looked.left.iter().any(|left| left.refused);
    let exit = if refused && !global.dry_run {
        Exit::Failed
    } else {
        Exit::Done
    };
    if global.json {
        ui.answer(&json::line(&ui::import::object(looked, None, exit.code())));
    } else {
        ui.answer(&ui::import::shown(looked));
        ui.answer("Nothing was changed.\n");
    }
    exit
}

/// The numbers of the proposals that are to be marked.
fn choose(global: &Global, ui: &Ui, looked: &Looked) -> Result<Vec<usize>> {
    if global.yes {
        if !global.json {
            ui.answer(&ui::import::shown(looked));
        }
        return Ok((0..looked.proposals.len()).collect());
    }
    if global.json || !terminal::can_ask() {
        if !global.json {
            ui.answer(&ui::import::shown(looked));
        }
        return Err(Error::new(
            Kind::Declined,
            "--import needs an answer, and there is no terminal to ask on",
        )
        .hint("--yes marks all of them, --dry-run only shows them")
        .hint("nothing was changed"));
    }
    ui.answer(&ui::import::shown_left(looked));
    let chosen = ui::import::choose(ui, looked)?;
    if chosen.is_empty() {
        return Err(Error::new(Kind::Declined, "declined; nothing was changed"));
    }
    Ok(chosen.into_iter().collect())
}
