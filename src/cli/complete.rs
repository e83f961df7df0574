//! `git-sync --complete KINDS`, which the completions of shells ask. A completion that complains is worse than
//! none: where there is nothing to say, it says nothing, and it always succeeds.

use super::exit::Exit;
use super::global::Global;
use super::locate;
use crate::error::Result;
use crate::git::repo::Manner;
use crate::ops::Context;
use crate::ops::complete::{Candidate, Kind, candidates};
use crate::ui::{Ui, complete};

/// Prints the candidates of some kinds, with commas between their names.
pub(super) fn run(global: &Global, ui: &Ui, kinds: &str) -> Exit {
    let found = look(global, ui, kinds).unwrap_or_default();
    ui.answer_bytes(&complete::lines(&found));
    Exit::Done
}

fn look(global: &Global, ui: &Ui, kinds: &str) -> Result<Vec<Candidate>> {
    let here = locate::start(&global.directory)?;
    let repo = locate::repository(&global.directory, &Manner::default())?;
    let ctx = Context::new(&repo, ui)?;
    let mut found = Vec::new();
    for kind in kinds.split(',').filter_map(Kind::parse) {
        // What is wrong with one kind is no reason to be silent about another.
        found.extend(candidates(&ctx, kind, &here).unwrap_or_default());
    }
    Ok(found)
}
