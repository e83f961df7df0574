//! `git sync doctor`

use super::exit::Exit;
use super::global::Global;
use super::locate;
use crate::error::Result;
use crate::git::repo::Manner;
use crate::ops::Context;
use crate::ops::doctor::{self, Options, Verdict};
use crate::ui::{self, Ui, json};

/// Looks for what is wrong, also where there is no repository to work on.
pub(super) fn run(global: &Global, ui: &Ui) -> Result<Exit> {
    let here = locate::start(&global.directory)?;
    let mut findings = doctor::look_at_program(&here);
    let manner = Manner {
        trace: super::trace::of(global, ui),
        ..Manner::default()
    };
    match locate::repository(&global.directory, &manner) {
        Ok(repo) => {
            super::follow(&repo, global, ui)?;
            match Context::new(&repo, ui) {
                Ok(ctx) => findings.extend(doctor::look_at_repository(
                    &ctx,
                    Options {
                        offline: global.offline,
                    },
                )),
                Err(error) => findings.push(doctor::no_repository(&error)),
            }
        }
        Err(error) => findings.push(doctor::no_repository(&error)),
    }
    let bad = findings.iter().any(|f| f.verdict == Verdict::Bad);
    let exit = if bad { Exit::Failed } else { Exit::Done };
    if global.json {
        ui.answer(&json::line(&ui::doctor::object(&findings, exit.code())));
    } else {
        ui::doctor::findings(ui, &findings);
    }
    Ok(exit)
}
