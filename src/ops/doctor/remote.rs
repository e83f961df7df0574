//! Does the remote answer where nobody can be asked anything?

use super::Finding;
use crate::error::{Error, Result};
use crate::git::Repo;
use crate::git::repo::Manner;
use crate::git::transport::Transport;
use crate::ops::{Context, guard};
use std::ffi::OsStr;
use std::time::{Duration, Instant};

pub(super) fn look(ctx: &Context<'_>) -> Result<Vec<Finding>> {
    let branch = guard::branch(ctx.repo)?;
    let Some(upstream) = ctx.repo.upstream(&branch.name) else {
        return Ok(Vec::new());
    };
    let manner = Manner {
        background: true,
        deadline: Some(Instant::now() + Duration::from_secs(ctx.settings.timeout)),
        ..Manner::default()
    };
    let lost = || Error::failed("the repository is gone");
    let repo = Repo::open(ctx.repo.top(), manner)?.ok_or_else(lost)?;
    let transport = Transport::single(&repo);
    let answer = repo.ask_heads(&transport, OsStr::new(&upstream.remote))?;
    let name = &upstream.remote;
    Ok(vec![match answer {
        Ok((heads, _)) => {
            if heads.is_empty() || heads.contains(&upstream.branch) {
                Finding::good("remote", format!("'{name}' answers, and asks for nothing"))
            } else {
                let branch = upstream.short();
                Finding::bad("remote", format!("there is no '{branch}' any more"))
                    .fix("git sync   says what can be done about it")
            }
        }
        Err(refused) if refused.login => Finding::bad(
            "remote",
            format!(
                "'{name}' asks for a login, and in the background nobody answers: {}",
                refused.why
            ),
        )
        .fix("ssh-add   gives the key to the agent; a credential helper keeps a password")
        .fix("git fetch   shows what it asks for"),
        Err(lost) => Finding::bad("remote", format!("'{name}' was not reached: {}", lost.why))
            .fix("git fetch   tries it without us"),
    }])
}
