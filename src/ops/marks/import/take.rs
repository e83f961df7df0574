//! Marks what was chosen, one by one: what one path is refused for does not keep the others.

use super::checked;
use crate::error::Result;
use crate::model::import::{Left, Proposal};
use crate::model::terms::Wish;
use crate::ops::guard::Ready;
use crate::ops::marks::check::is_shared;
use crate::ops::marks::commit::Committed;
use crate::ops::marks::mark::{self, other_home, subject};
use crate::ops::marks::{Marks, ends_the_run};
use crate::ops::screen::Screen;
use crate::ops::sync::{self, with_lock};
use crate::ops::{Context, guard};
use std::time::Duration;

/// What came of an import.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was marked.
    pub marked: mark::Outcome,
    /// What was not, though it was chosen.
    pub refused: Vec<Left>,
}

/// Marks `chosen`; each is looked at again, as time has passed since it was proposed.
pub fn take(ctx: &Context<'_>, chosen: &[Proposal], wait: Duration) -> Result<Outcome> {
    guard::check(ctx)?;
    let run = sync::Options {
        wait,
        ..sync::Options::default()
    };
    with_lock(ctx, &run, |ready| adopt(ctx, &ready, chosen))
}

fn adopt(ctx: &Context<'_>, ready: &Ready, chosen: &[Proposal]) -> Result<Outcome> {
    let mut marks = Marks::open_or_new(ctx)?;
    if let Some(home) = marks.other_home() {
        return Err(other_home(&marks, &home.clone()));
    }
    marks.recover()?;
    is_shared(ctx)?;
    let mut outcome = Outcome::default();
    let mut marked = Vec::new();
    for proposal in chosen {
        if let Err(left) = checked(&marks, proposal) {
            outcome.refused.push(left);
            continue;
        }
        // Something half done is finished by the next run, which must not find more of it.
        let wanted = [(proposal.mark.clone(), proposal.from.clone())];
        let adopted = marks.adopt(&wanted, &Wish::default());
        adopted.map_err(|error| {
            if ends_the_run(&error) {
                error
            } else {
                error.hint("git sync   finishes what was begun; then import again for the rest")
            }
        })?;
        marked.push(proposal.mark.clone());
    }
    let ignored = marks.ignored(&marked)?;
    let committed = if marked.is_empty() {
        Committed::default()
    } else {
        let screen = Screen::of(ctx);
        marks.commit(ready, &marked, &subject("mark", &marked), &screen)?
    };
    outcome.marked = mark::Outcome {
        has_remote: ready.upstream.is_some(),
        ignored,
        committed: committed.changes.len(),
        skipped: committed.skipped,
        marked,
        ..mark::Outcome::default()
    };
    Ok(outcome)
}
