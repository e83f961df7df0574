//! `git sync backup`

use super::exit::Exit;
use super::global::Global;
use super::run;
use crate::error::Result;
use crate::ops::Context;
use crate::ops::backup::{self, Options};
use crate::ui::{self, Ui, json};

/// Makes a backup, lists them, looks after one, or checks that the newest can be restored.
pub(super) fn run(global: &Global, ui: &Ui, list: bool) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let ctx = Context::new(&repo, ui)?;
    let options = Options {
        wait: run::options(global).wait,
    };
    if list || global.list {
        let list = backup::list(&ctx)?;
        if global.json {
            ui.answer(&json::line(&ui::backup::list_json(&list)));
        } else {
            super::page(ui, &repo, &ui::backup::list(&list))?;
        }
        return Ok(Exit::Done);
    }
    let looked_after = match (&global.keep, &global.release) {
        (Some(wanted), _) => Some(("kept", backup::keep(&ctx, wanted, &options)?)),
        (_, Some(wanted)) => Some(("released", backup::release(&ctx, wanted, &options)?)),
        _ => None,
    };
    if let Some((what, id)) = looked_after {
        if global.json {
            ui.answer(&json::line(&ui::backup::changed_json(&id, what)));
        } else {
            ui.answer(&ui::backup::changed(&id, what));
        }
        return Ok(Exit::Done);
    }
    if global.verify {
        let verified = backup::verify(&ctx)?;
        if global.json {
            ui.answer(&json::line(&ui::backup::verified_json(&verified)));
        } else {
            ui::backup::verified(ui, &verified);
        }
        return Ok(Exit::Done);
    }
    let made = backup::backup(&ctx, &options)?;
    if global.json {
        ui.answer(&json::line(&ui::backup::outcome_json(&made)));
    } else {
        ui.answer(&ui::backup::outcome(&made));
    }
    Ok(Exit::Done)
}
