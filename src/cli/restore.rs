//! `git sync restore`

use super::exit::Exit;
use super::global::Global;
use super::{locate, run};
use crate::error::{Error, Kind, Result};
use crate::ops::Context;
use crate::ops::backup::{Chooser, Listed, RestoreOptions, RestorePlan, restore};
use crate::sys::terminal;
use crate::ui::{self, Ui, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Brings files back from a backup.
pub(super) fn run(
    global: &Global,
    ui: &Ui,
    (backup, typed): (Option<&str>, &[PathBuf]),
    diff: bool,
) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let ctx = Context::new(&repo, ui)?;
    let start = locate::start(&global.directory)?;
    // Typed elsewhere, a path without a root is one of the configs repository.
    let inside = start.starts_with(repo.top());
    let base = if inside { &*start } else { repo.top() };
    let absolute = |base: &Path, path: &Path| super::paths::without_dots(&base.join(path));
    let options = RestoreOptions {
        backup: backup.map(str::to_owned),
        paths: typed.iter().map(|path| absolute(base, path)).collect(),
        to: global.to.as_ref().map(|to| absolute(&start, to)),
        exact: global.exact,
        dry_run: global.dry_run || diff,
        differences: diff || (global.dry_run && global.verbose > 0),
        wait: run::options(global).wait,
    };
    let mut asking = Asking {
        ui,
        json: global.json,
        picked: false,
        agreed: global.yes || !typed.is_empty(),
    };
    let outcome = restore(&ctx, &options, &mut asking)?;
    if global.json {
        ui.answer(&json::line(&ui::restore::outcome_json(&outcome)));
    } else {
        ui::restore::outcome(ui, &outcome);
    }
    Ok(if outcome.left.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

struct Asking<'a> {
    ui: &'a Ui,
    json: bool,
    /// Was the backup picked from the list?
    picked: bool,
    /// Is nothing left to be asked?
    agreed: bool,
}

impl Asking<'_> {
    fn can_ask(&self) -> bool {
        !self.json && terminal::can_ask()
    }
}

impl Chooser for Asking<'_> {
    fn backup(&mut self, all: &[Listed]) -> Result<usize> {
        if !self.can_ask() {
            return Err(Error::new(
                Kind::Declined,
                "there is no terminal to ask on which backup is meant",
            )
            .hint("git sync backup --list   shows them")
            .hint("git sync --restore latest   takes the newest"));
        }
        self.picked = true;
        let picked = ui::restore::pick_backup(self.ui, all)?;
        picked.ok_or_else(nothing)
    }

    fn changes(&mut self, plan: &RestorePlan) -> Result<BTreeSet<usize>> {
        let all = (0..plan.changes.len()).collect();
        if self.agreed {
            return Ok(all);
        }
        if !self.can_ask() {
            let count = plan.changes.len();
            return Err(Error::new(
                Kind::Declined,
                format!("{count} files would be replaced, and there is no terminal to ask on"),
            )
            .hint("--yes goes ahead, --dry-run shows what would change"));
        }
        if self.picked {
            return ui::restore::pick_changes(self.ui, plan);
        }
        ui::restore::show(self.ui, plan);
        let answer = terminal::ask("Continue? [y/N] ")?.unwrap_or_default();
        if matches!(&*answer.to_lowercase(), "y" | "yes") {
            return Ok(all);
        }
        Err(nothing())
    }
}

fn nothing() -> Error {
    Error::new(Kind::Declined, "nothing was changed")
}
