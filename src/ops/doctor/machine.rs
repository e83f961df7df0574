//! Room on the disk, the clock, and the system's scheduler.

use super::Finding;
use crate::error::Result;
use crate::model::schedule::When;
use crate::model::skipped::in_words;
use crate::ops::schedule::{self, Pitfall};
use crate::ops::{Context, guard};
use crate::sys::{clock, fs};

/// With less than that, a sync may not come to its end.
const SCARCE: u64 = 256 << 20;

/// A commit that is so much later than now comes from a machine whose clock is right, and this one's is
/// not, or the other way round; seconds.
const ASTRAY: i64 = 5 * 60;

pub(super) fn look_at_disk(ctx: &Context<'_>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (what, path) in [
        ("the work tree", ctx.repo.top()),
        ("the git directory", ctx.repo.git_dir()),
    ] {
        let free = fs::free_space(path)?;
        if free < SCARCE {
            let text = format!("{} left where {what} is", in_words(free));
            findings.push(Finding::bad("disk", text).fix("make room, or move it"));
        }
    }
    Ok(findings)
}

pub(super) fn look_at_clock(ctx: &Context<'_>) -> Result<Vec<Finding>> {
    let repo = ctx.repo;
    let branch = guard::branch(repo)?;
    let theirs = match repo.upstream(&branch.name) {
        Some(upstream) => repo.last_seen(&upstream.tracking)?,
        None => None,
    };
    let ahead = theirs
        .and_then(|theirs| repo.committed_at(&theirs))
        .map_or(0, |then| then - clock::epoch());
    if ahead <= ASTRAY {
        return Ok(Vec::new());
    }
    let minutes = ahead / 60;
    Ok(vec![
        Finding::warning(
            "clock",
            format!("the newest commit of the remote is from {minutes} minutes in the future"),
        )
        .fix("set the clock of this machine, or of the one that made it"),
    ])
}

pub(super) fn look_at_schedule(ctx: &Context<'_>) -> Result<Vec<Finding>> {
    let Some(standing) = schedule::status(ctx)? else {
        return Ok(Vec::new());
    };
    let watches = standing.when == Some(When::Changes);
    let again = if watches {
        "git sync schedule install --watch   makes it anew"
    } else {
        "git sync schedule install   makes it anew"
    };
    let pitfalls = standing.pitfalls.iter().map(|pitfall| match pitfall {
        Pitfall::Inactive => Finding::bad(
            "schedule",
            format!("{} does not know of it", standing.scheduler.word()),
        )
        .fix(again),
        Pitfall::Down => Finding::bad("schedule", "the watch does not run").fix(again),
        Pitfall::Stale => {
            Finding::bad("schedule", "it starts another git-sync than this one").fix(again)
        }
        Pitfall::NoLinger(user) => Finding::warning("schedule", "it ends when you log out")
            .fix(format!("loginctl enable-linger {user}")),
        Pitfall::Agent => Finding::warning("schedule", "it cannot ask your ssh-agent")
            .fix("a key without a passphrase, or one for this remote alone, lets it in"),
    });
    let mut findings: Vec<_> = pitfalls.collect();
    if findings.is_empty() {
        let when = match &standing.when {
            Some(When::Changes) => "a watch".to_owned(),
            Some(when) => format!("at '{when}'"),
            None => "at 'moments of your own'".to_owned(),
        };
        findings.push(Finding::good(
            "schedule",
            format!("{when}, by {}", standing.scheduler.word()),
        ));
    }
    Ok(findings)
}
