//! Who the commits of a run are made by.

use super::Context;
use crate::error::Result;
use crate::git::repo::Identity;
use crate::sys::fs::{self, Durable};
use crate::sys::host;

/// On a machine where the user has not said who they are, commits carry the machine's own name.
///
/// Asked once, before a run that holds the lock does anything: every commit needs it, also those that
/// are only refs of ours.
///
/// That the name is made up is told until it is told for good: `remember` says so.
pub fn ensure(ctx: &Context<'_>, remember: bool) -> Result<()> {
    if ctx.repo.has_identity() || ctx.repo.identity().is_some() {
        return Ok(());
    }
    let name = ctx.machine.user.clone();
    let email = format!("{name}@{}", host::host_name());
    ctx.repo.set_identity(Identity {
        name: name.clone(),
        email: email.clone(),
    });
    let told = ctx.layout.told("identity");
    if fs::look(&told)?.is_none() {
        ctx.listener.warn(&format!(
            "git does not know who you are; commits are made as '{name} <{email}>' \
             (git config --global user.name and user.email set it)"
        ));
        if remember {
            fs::write_atomic(&told, b"", Durable::No)?;
        }
    }
    Ok(())
}
