//! `git sync --force-push` and `--force-pull`

use super::exit::Exit;
use super::global::Global;
use super::run;
use crate::error::{Error, Kind, Result};
use crate::ops::Context;
use crate::ops::force::{Plan, Winner, force};
use crate::sys::terminal;
use crate::ui::{self, Ui};

/// Shows what will be lost, asks, and makes one side equal to the other.
pub(super) fn run(global: &Global, ui: &Ui, winner: Winner) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let ctx = Context::new(&repo, ui)?;
    let mut confirm = |plan: &Plan| {
        if !global.json {
            ui::force::plan(ui, plan, global.dry_run);
        }
        if global.dry_run || global.yes || !plan.discards() {
            return Ok(true);
        }
        ask(plan)
    };
    let outcome = force(&ctx, winner, &run::options(global), &mut confirm)?;
    if global.dry_run && !global.json {
        let pending = global.detailed_exitcode && outcome.is_change();
        return Ok(if pending { Exit::Pending } else { Exit::Done });
    }
    Ok(run::tell(global, ui, &outcome))
}

fn ask(plan: &Plan) -> Result<bool> {
    if !terminal::can_ask() {
        let mode = match plan.winner {
            Winner::Here => "--force-push discards commits of other machines",
            Winner::There => "--force-pull discards local work",
        };
        return Err(Error::new(
            Kind::Declined,
            format!("{mode}, and there is no terminal to ask on"),
        )
        .hint("--yes goes ahead, --dry-run shows what would change"));
    }
    let answer = terminal::ask("Continue? [y/N] ")?
        .unwrap_or_default()
        .to_lowercase();
    Ok(matches!(answer.as_str(), "y" | "yes"))
}
