//! `git sync hooks`

use super::exit::Exit;
use super::global::Global;
use super::mode::HookAction;
use crate::error::Result;
use crate::git::config;
use crate::ops::{guard, hooks};
use crate::ui::{self, Ui, json};

/// Puts in, looks at or takes out our hooks.
pub(super) fn run(global: &Global, ui: &Ui, action: HookAction) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let hooks = match action {
        HookAction::Install => {
            guard::enrolled(&repo)?;
            repo.unset_local(config::HOOKS)?;
            hooks::install(&repo)?
        }
        HookAction::Status => hooks::look(&repo)?,
        HookAction::Remove => {
            let gone = hooks::remove(&repo)?;
            // A setup would put them in again.
            if guard::enrolled(&repo).is_ok() {
                repo.set_local(config::HOOKS, "false")?;
            }
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
