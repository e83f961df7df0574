//! Looks without leaving a trace, beside a run that may be going on: own scratch folder, and every
//! new object goes there.

use super::Context;
use crate::error::Result;
use crate::sys::fs;

/// Runs `work`, and removes what it made.
pub fn look<T>(ctx: &Context<'_>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let folder = ctx.layout.look(std::process::id());
    let objects = folder.join("objects");
    fs::create_dir_all(&objects)?;
    let before = ctx.scratch_folder.replace(folder.clone());
    ctx.repo.set_quarantine(Some(objects));
    let result = work();
    ctx.repo.set_quarantine(None);
    ctx.scratch_folder.replace(before);
    fs::remove_scratch(&folder)?;
    result
}
