//! `git sync --resolve`

use super::exit::Exit;
use super::global::Global;
use super::{paths, run};
use crate::error::{Error, Kind, Result};
use crate::ops::Context;
use crate::ops::dispute::disputes;
use crate::ops::resolve::{Choice, Options, affected, list, resolve};
use crate::sys::terminal;
use crate::ui::{self, Ui, json};
use std::path::PathBuf;

/// Lists held paths, decides about them, or takes a decision back.
pub(super) fn run(global: &Global, ui: &Ui, typed: &[PathBuf]) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let ctx = Context::new(&repo, ui)?;
    if global.list {
        let set = list(&ctx)?;
        if global.json {
            ui.answer(&json::line(&json::held(&set, &disputes(&ctx, set.iter()))));
        } else {
            ui.answer_bytes(&ui::held::list(&set, global.nul));
        }
        return Ok(if set.is_empty() {
            Exit::Done
        } else {
            Exit::Failed
        });
    }
    let choice = match (global.ours, global.theirs, global.undo) {
        (true, ..) => Choice::Ours,
        (_, true, _) => Choice::Theirs,
        (.., true) => Choice::Undo,
        _ => Choice::Edit,
    };
    let paths = paths::in_repository(&repo, global, typed)?;
    let options = Options {
        paths,
        choice,
        sync: run::options(global),
    };
    if global.dry_run {
        let held = affected(&ctx, &options)?;
        if global.json {
            let disputes = disputes(&ctx, &held);
            ui.answer(&json::line(&json::decision(choice, &held, &disputes)));
        } else {
            ui.answer(&ui::held::planned(choice, &held));
        }
        return Ok(Exit::Done);
    }
    if choice == Choice::Edit && !terminal::can_ask() && !list(&ctx)?.is_empty() {
        return Err(
            Error::new(Kind::Declined, "there is no terminal to merge on")
                .hint("--ours or --theirs decides without one"),
        );
    }
    let outcome = resolve(&ctx, &options)?;
    Ok(run::tell(global, ui, &outcome))
}
