//! Writes the state for prompts anew, after something that was no sync of ours.

use super::{Context, guard, status};
use crate::error::Result;
use crate::model::state::{Counts, State};
use crate::store::state;
use crate::sys::fs;

/// Looks where the repository of `ctx` stands, and writes it down. Where somebody has switched its syncs
/// off by hand, prompts show nothing any more.
pub fn refresh(ctx: &Context<'_>) -> Result<()> {
    if guard::enrolled(ctx.repo).is_ok() {
        return status::status(ctx).map(drop);
    }
    if fs::look(&ctx.layout.state())?.is_none() {
        return Ok(());
    }
    let nothing = Counts::default();
    state::write(&ctx.layout, ctx.settings.icons, State::Disabled, nothing)
}
