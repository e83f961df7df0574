//! `git sync schedule`

use super::exit::Exit;
use super::global::Global;
use super::mode::ScheduleAction;
use crate::error::Result;
use crate::model::schedule::Scheduler;
use crate::ops::Context;
use crate::ops::schedule::{self, Options, Pitfall, When};
use crate::ui::{self, Ui, json};

/// Makes, shows or takes away the job of this repository.
pub(super) fn run(global: &Global, ui: &Ui, action: ScheduleAction) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let ctx = Context::new(&repo, ui)?;
    match action {
        ScheduleAction::Install => {
            let when = match (&global.cron, &global.every) {
                _ if global.watch => When::Changes,
                (Some(fields), _) => When::Cron(fields.clone()),
                (None, every) => When::Every(every.as_deref().unwrap_or(schedule::USUAL).into()),
            };
            let options = Options {
                when,
                scheduler: global.scheduler.as_deref().and_then(Scheduler::parse),
                dry_run: global.dry_run,
            };
            let standing = schedule::install(&ctx, &options)?;
            if global.json {
                ui.answer(&json::line(&ui::schedule::object(Some(&standing))));
            } else {
                ui::schedule::installed(ui, &standing, options.dry_run);
            }
            Ok(Exit::Done)
        }
        ScheduleAction::Status => {
            let standing = schedule::status(&ctx)?;
            if global.json {
                ui.answer(&json::line(&ui::schedule::object(standing.as_ref())));
            } else {
                ui::schedule::status(ui, standing.as_ref());
            }
            let works = standing.is_some_and(|standing| {
                let bad = [Pitfall::Inactive, Pitfall::Down, Pitfall::Stale];
                !standing
                    .pitfalls
                    .iter()
                    .any(|pitfall| bad.contains(pitfall))
            });
            Ok(if works { Exit::Done } else { Exit::Failed })
        }
        ScheduleAction::Remove => {
            let gone = schedule::remove(&ctx, global.dry_run)?;
            if global.json {
                ui.answer(&json::line(&ui::schedule::removed_object(&gone)));
            } else {
                ui::schedule::removed(ui, &gone, global.dry_run);
            }
            Ok(Exit::Done)
        }
    }
}
