//! Moving in: reads the set-up of another tool, and proposes marks for what it keeps.
//!
//! [`look`] changes nothing. [`take()`] marks what was chosen, each path as a mark does it: the content is
//! copied, and our link takes the place of the file or of the link that is there. Nothing is written to,
//! or taken from, the set-up of the other tool.

mod chezmoi;
mod farm;
mod found;
mod homeshick;
mod mackup;
mod stow;
mod take;
mod tracked;

pub use take::{Outcome, take};

use super::check::Wanted;
use super::{Marks, mark};
use crate::error::{Error, Result};
use crate::model::import::{Left, Proposal, Tool};
use crate::ops::{Context, guard};
use found::Found;
use std::path::{Path, PathBuf};

/// What a set-up has.
#[derive(Debug)]
pub struct Looked {
    /// Of which tool.
    pub tool: Tool,
    /// What can be marked, sorted.
    pub proposals: Vec<Proposal>,
    /// What cannot, or shall not.
    pub left: Vec<Left>,
}

/// Looks at the set-up of `tool`, at `place` or where it usually is.
///
/// # Errors
/// When there is none.
pub fn look(ctx: &Context<'_>, tool: Tool, place: Option<&Path>) -> Result<Looked> {
    guard::enrolled(ctx.repo)?;
    let marks = Marks::open_or_new(ctx)?;
    if let Some(home) = marks.other_home() {
        return Err(mark::other_home(&marks, &home.clone()));
    }
    let mut found = Found::new(&marks);
    match tool {
        Tool::Stow => stow::read(&mut found, place)?,
        Tool::Homeshick => homeshick::read(&mut found, place)?,
        Tool::Yadm | Tool::Bare => tracked::read(&mut found, tool, place)?,
        Tool::Chezmoi => chezmoi::read(&mut found, place)?,
        Tool::Mackup => mackup::read(&mut found, place)?,
    }
    let (all, mut left) = found.finish();
    let mut proposals = Vec::new();
    for proposal in all {
        match checked(&marks, &proposal) {
            Ok(()) => proposals.push(proposal),
            Err(reason) => left.push(reason),
        }
    }
    left.sort_by(|a, b| (&a.path, &a.why).cmp(&(&b.path, &b.why)));
    left.dedup();
    Ok(Looked {
        tool,
        proposals,
        left,
    })
}

/// Would a mark take it as it was proposed?
fn checked(marks: &Marks<'_, '_>, proposal: &Proposal) -> Result<(), Left> {
    let live = proposal.mark.live(&marks.home);
    let follow = mark::Options {
        follow: true,
        ..mark::Options::default()
    };
    let found = marks.check(&live, &follow).and_then(|wanted| {
        if let Wanted::New { mark, .. } = &wanted {
            marks.check_rules([mark])?;
        }
        Ok(wanted)
    });
    match found {
        Ok(Wanted::New { mark, from }) if mark == proposal.mark && from == proposal.from => Ok(()),
        Ok(Wanted::New { .. }) => Err(refused(proposal, "has changed since it was proposed")),
        Ok(Wanted::Already(..)) => {
            let why = "is synced already";
            Err(Left::new(proposal.mark.spelled(), why))
        }
        Err(error) => Err(refused(proposal, error.in_one_line())),
    }
}

fn refused(proposal: &Proposal, why: impl Into<String>) -> Left {
    Left {
        refused: true,
        ..Left::new(proposal.mark.spelled(), why)
    }
}

/// There is no such set-up.
fn none(tool: Tool, looked: &[PathBuf]) -> Error {
    let word = tool.word();
    let places: Vec<_> = looked
        .iter()
        .map(|place| format!("'{}'", place.display()))
        .collect();
    let places = places.join(", ");
    Error::fatal(format!("there is no set-up of {word} in {places}")).hint(format!(
        "git sync mark --import {word} PATH   says where it is"
    ))
}
