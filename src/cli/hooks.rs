//! `git sync hooks`

use super::exit::Exit;
use super::global::Global;
use super::mode::HookAction;
use super::run;
use crate::error::Result;
use crate::git::config;
use crate::ops::setup::take_turn;
use crate::ops::{guard, hooks};
use crate::ui::{self, Ui, json};

/// Puts in, looks at or takes out our hooks.
pub(super) fn run(global: &Global, ui: &Ui, action: HookAction) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let wait = run::options(global).wait;
    let hooks = match action {
        HookAction::Install => {
            guard::enrolled(&repo)?;
            let _turn = take_turn(&repo, wait)?;
            repo.unset_local(config::HOOKS)?;
            hooks::install(&repo)?
        }
        HookAction::Status => hooks::look(&repo)?,
        HookAction::Remove => {
            let is_enrolled = guard::enrolled(&repo).is_ok();
            // Where nothing is set up, nothing is left behind either.
            let turn = is_enrolled.then(|| take_turn(&repo, wait)).transpose()?;
            let gone = hooks::remove(&repo)?;
            // A setup would put them in again.
            if is_enrolled {
                repo.set_local(config::HOOKS, "false")?;
            }
            drop(turn);
            if global.json {
                ui.answer(&json::line(&ui::hooks::removal(&gone)));
            } else {
                ui::hooks::removed(ui, &gone);
            }
            return Ok(Exit::Done);
        }
    };
    if global.json {
        ui.answer(&json::line(&ui::hooks::object(&hooks)));
    } else {
        ui::hooks::list(ui, &hooks);
    }
    Ok(Exit::Done)
}
