//! What is replaced is kept under a ref before it is.
//!
//! Each has a name of its own: a run may replace something more than once, and what an earlier round
//! has kept is not the later one's to give up.

use super::Context;
use crate::error::{Error, Result};
use crate::git::refs::{RefChange, Refs};
use crate::model::entry::Oid;

/// The refs that keep what was replaced.
const REPLACED: &str = "refs/git-sync/before/";

/// The change that puts `commit` under a ref; `what` says more of it than that it was replaced.
pub fn change(ctx: &Context<'_>, what: Option<&str>, commit: Oid) -> Result<RefChange> {
    let mut name = format!("{REPLACED}{}", ctx.run);
    if let Some(what) = what {
        name = format!("{name}-{what}");
    }
    let mut free = name.clone();
    for number in 2.. {
        if ctx.repo.named_by(&free)?.is_none() {
            break;
        }
        free = format!("{name}-{number}");
    }
    Ok(RefChange {
        name: free,
        old: None,
        new: Some(commit),
    })
}

/// Puts `commit` under a ref, now; the name of it.
pub fn keep(ctx: &Context<'_>, commit: Oid) -> Result<String> {
    let change = change(ctx, None, commit)?;
    let name = change.name.clone();
    match ctx
        .repo
        .change_refs("sync: keep what is replaced", &[change])?
    {
        Refs::Changed => Ok(name),
        Refs::Moved => Err(Error::failed(format!("'{name}' cannot be made"))
            .hint("nothing was changed; run it again")),
    }
}
