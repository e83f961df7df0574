//! The history of runs.

use super::{Context, guard};
use crate::error::Result;
use crate::model::run::RunRecord;
use crate::store::history;

/// The newest `count` runs, newest first.
pub fn log(ctx: &Context<'_>, count: usize) -> Result<Vec<RunRecord>> {
    guard::enrolled(ctx.repo)?;
    history::newest(&ctx.layout, count)
}
