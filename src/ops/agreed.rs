//! What both sides had once, and whether the remote has given some of it up since.

use super::Context;
use crate::error::Result;
use crate::git::refs::Logged;
use crate::git::repo::Upstream;
use crate::model::entry::Oid;
use crate::model::url;
use crate::store::agreed::Agreed;
use std::collections::BTreeSet;

/// Notes that `branch` and its upstream both have `commit`. A disk without room for that does not make
/// a good run bad.
pub(super) fn note(ctx: &Context<'_>, branch: &str, upstream: &Upstream, commit: &Oid) {
    if let Err(error) = write(ctx, branch, upstream, commit) {
        ctx.listener.warn(&format!(
            "what both sides have could not be written down: {error}"
        ));
    }
}

fn write(ctx: &Context<'_>, branch: &str, upstream: &Upstream, commit: &Oid) -> Result<()> {
    let known = known(ctx, branch, upstream)?;
    if known.is_some_and(|known| known.commit == *commit) {
        return Ok(());
    }
    let logged = ctx.repo.log_of(&upstream.tracking)?.pop();
    Agreed::on(commit, &upstream.tracking, address(ctx, upstream), logged)
        .write(&ctx.layout, branch)
}

/// The newest commit of `ours` that the upstream had once and that is not in `theirs`: there the
/// upstream was rewritten, and what this machine has not sent yet comes after it.
///
/// What the upstream had is told by where it was `seen` last, by the record of the last run, and by
/// the log of the tracking ref since then: somebody may have fetched and pushed by hand. What was in
/// the log before is settled: a user who takes back what was dropped is obeyed.
pub(super) fn given_up(
    ctx: &Context<'_>,
    branch: &str,
    upstream: &Upstream,
    [ours, theirs]: [&Oid; 2],
    seen: Option<&Oid>,
) -> Result<Option<Oid>> {
    let repo = ctx.repo;
    let known = known(ctx, branch, upstream)?;
    let logged = known.as_ref().and_then(|known| known.logged.as_ref());
    let mut had: BTreeSet<_> = since(repo.log_of(&upstream.tracking)?, logged);
    had.extend(known.map(|known| known.commit));
    had.extend(seen.cloned());
    let mut newest = None;
    for commit in had {
        if commit == *theirs || !repo.has_commit(&commit) {
            continue;
        }
        // One whose history is not whole is not in ours, which is.
        let lacks = repo.ahead_behind(&commit, theirs);
        if !lacks.is_ok_and(|(lacks, _)| lacks > 0) || !repo.is_ancestor(&commit, ours)? {
            continue;
        }
        newest = match newest {
            Some(newer) if repo.is_ancestor(&commit, &newer)? => Some(newer),
            _ => Some(commit),
        };
    }
    Ok(newest)
}

/// What a run of ours has written down about this upstream.
fn known(ctx: &Context<'_>, branch: &str, upstream: &Upstream) -> Result<Option<Agreed>> {
    let address = address(ctx, upstream);
    let known = Agreed::read(&ctx.layout, branch)?;
    Ok(known.filter(|known| known.tracking == upstream.tracking && known.address == address))
}

fn address(ctx: &Context<'_>, upstream: &Upstream) -> String {
    let address = ctx.repo.remote_url(&upstream.remote);
    url::shown(&address.unwrap_or_default())
}

/// Where a ref has been after the line `last`. A log without that line was cut off behind it, or
/// began after it.
fn since(log: Vec<Logged>, last: Option<&Logged>) -> BTreeSet<Oid> {
    let settled = log.iter().rposition(|line| Some(line) == last);
    let news = log.into_iter().skip(settled.map_or(0, |at| at + 1));
    news.flat_map(|line| [line.old, line.new]).collect()
}
