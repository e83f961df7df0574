//! The remote half of a round: ask, and send what it lacks.

use super::agreed;
use super::guard::Ready;
use super::heartbeat::{self, courtesy};
use super::link::Link;
use super::local::Local;
use super::sync::{Options, Outcome, Reach, Round};
use super::{Context, Done};
use crate::error::{Error, Result};
use crate::git::refs::{RefChange, Refs};
use crate::git::remote::{Beside, FETCHED, Fetched, Push, Pushed};
use crate::git::repo::Upstream;
use crate::model::entry::Oid;
use crate::model::path::RepoPath;
use crate::sys::process::Running;
use std::collections::BTreeSet;

/// Brings `local` and the remote together.
pub(super) fn meet<'repo>(
    ctx: &Context<'repo>,
    options: &Options,
    ready: &Ready,
    local: &Local<'_>,
    link: &mut Link<'repo>,
    busy: &BTreeSet<RepoPath>,
    outcome: &mut Outcome,
) -> Result<Round> {
    let Some(upstream) = &ready.upstream else {
        outcome.reach = Reach::NoRemote;
        return Ok(Round::Done);
    };
    let mut meeting = Meeting {
        ctx,
        options,
        ready,
        upstream,
        link,
        busy,
        outcome,
    };
    let round = meeting.run(local);
    outcome.connections = link.connections();
    round
}

/// One meeting with the remote.
pub(super) struct Meeting<'a, 'repo> {
    pub(super) ctx: &'a Context<'repo>,
    pub(super) options: &'a Options,
    pub(super) ready: &'a Ready,
    pub(super) upstream: &'a Upstream,
    pub(super) link: &'a mut Link<'repo>,
    pub(super) busy: &'a BTreeSet<RepoPath>,
    pub(super) outcome: &'a mut Outcome,
}

impl Meeting<'_, '_> {
    fn run(&mut self, local: &Local<'_>) -> Result<Round> {
        let repo = self.ctx.repo;
        let seen = repo.last_seen(&self.upstream.tracking)?;
        if self.options.offline {
            self.outcome.reach = Reach::Offline;
            return self.end(local.tip.as_ref(), seen.as_ref());
        }
        let sends = local.tip.is_some() && local.tip != seen && !self.options.dry_run;
        if sends {
            self.link.begin();
        }
        if let (Some(tip), Some(seen)) = (&local.tip, &seen)
            && sends
            && repo.ahead_behind(tip, seen)?.1 == 0
            // What the remote had and gave up must not go back to it.
            && self.given_up(tip, Some(seen), seen)?.is_none()
        {
            match self.send_first(tip, seen)? {
                First::Sent(pushed) => return self.pushed(pushed, tip, Some(seen)),
                First::Lost(Some(theirs)) => {
                    self.outcome.reach = Reach::Reached;
                    return self.join(local, Some(seen), &theirs);
                }
                First::Lost(None) => {}
            }
        }
        let shows = self.ctx.listener.is_watched();
        match repo.fetch(self.link.next(), self.upstream, shows)? {
            Fetched::Done => self.outcome.reach = Reach::Reached,
            Fetched::Unreachable(unreachable) => {
                self.outcome.reach = Reach::Unreachable(unreachable);
                return self.end(local.tip.as_ref(), seen.as_ref());
            }
            Fetched::Moved(why) => return Ok(Round::Again(why)),
            Fetched::NoBranch => return self.create(local),
        }
        let Some(theirs) = repo.resolve(&self.upstream.tracking)? else {
            return Err(Error::failed(format!(
                "'{}' was fetched and is not there",
                self.upstream.short()
            )));
        };
        self.join(local, seen.as_ref(), &theirs)
    }

    /// Sends at once, in the hope that nobody else did. Where all operations share a connection,
    /// what there is to fetch comes at the same time: if the hope was vain, it is there already.
    fn send_first(&mut self, tip: &Oid, seen: &Oid) -> Result<First> {
        let repo = self.ctx.repo;
        let fetching = if self.link.is_shared() {
            let shows = self.ctx.listener.is_watched();
            Some(repo.fetch_aside(self.link.next(), self.upstream, shows)?)
        } else {
            None
        };
        let pushed = self.push(tip, Some(seen))?;
        let fetched = fetching.map(Running::wait).transpose()?;
        let Pushed::Lost = pushed else {
            return Ok(First::Sent(pushed));
        };
        if !fetched.is_some_and(|fetched| fetched.success()) {
            return Ok(First::Lost(None));
        }
        let new = repo.resolve(FETCHED)?;
        let seen = RefChange {
            name: self.upstream.tracking.clone(),
            old: Some(seen.clone()),
            new: new.clone(),
        };
        // Somebody else has fetched meanwhile: then it is asked again.
        Ok(First::Lost(
            match repo.change_refs("sync: fetch", &[seen])? {
                Refs::Changed => new,
                Refs::Moved => None,
            },
        ))
    }

    /// The remote has no such branch: it was never there, or it is no more.
    fn create(&mut self, local: &Local<'_>) -> Result<Round> {
        self.outcome.reach = Reach::Reached;
        // Also where its commit is gone by now: it was there.
        if let Some(seen) = self.ctx.repo.named_by(&self.upstream.tracking)? {
            return Err(self.deleted(&seen)?);
        }
        match &local.tip {
            Some(tip) => self.send(tip, None),
            None => self.end(None, None),
        }
    }

    fn deleted(&mut self, seen: &Oid) -> Result<Error> {
        let Upstream { remote, branch, .. } = self.upstream;
        let name = branch.strip_prefix("refs/heads/").unwrap_or(branch);
        let heads = self.ctx.repo.remote_heads(self.link.next(), remote)?;
        let error = Error::blocked(format!("{remote} has no branch '{name}' any more"));
        let (heads, default) = heads.unwrap_or_default();
        let error = match default
            .as_deref()
            .and_then(|name| name.strip_prefix("refs/heads/"))
        {
            Some(default) => error.hint(format!(
                "git fetch {remote} && git branch -u {remote}/{default}   follows its default \
                 branch '{default}'"
            )),
            None if heads.is_empty() => error.hint(format!("{remote} has no branches at all")),
            None => error,
        };
        Ok(error
            .hint(format!(
                "git push {remote} HEAD:{branch}   puts it back as it is here"
            ))
            .hint(format!(
                "it was last seen at {}; nothing was sent to it",
                seen.short()
            )))
    }

    /// Sends `tip`, if the remote lacks it.
    pub(super) fn send(&mut self, tip: &Oid, theirs: Option<&Oid>) -> Result<Round> {
        if theirs == Some(tip) {
            return self.end(Some(tip), theirs);
        }
        if self.options.dry_run {
            self.outcome.pushed = self.count(tip, theirs)?;
            return Ok(Round::Done);
        }
        let pushed = self.push(tip, theirs)?;
        self.pushed(pushed, tip, theirs)
    }

    /// Sends `tip`, and beside it how this machine is. A remote or a hook that refuses is asked again
    /// for the branch alone.
    fn push(&mut self, tip: &Oid, lease: Option<&Oid>) -> Result<Pushed> {
        self.ctx.listener.doing("push");
        let branch = &self.ready.branch.name;
        let Some(beside) = courtesy(heartbeat::beside(self.ctx, branch, tip))? else {
            return self.push_with(tip, lease, None);
        };
        let (pushed, taken) = match self.push_with(tip, lease, Some(&beside))? {
            Pushed::Refused(_) if !self.ctx.repo.is_out_of_time() => {
                (self.push_with(tip, lease, None)?, false)
            }
            pushed => (pushed, true),
        };
        if matches!(pushed, Pushed::Done) {
            courtesy(heartbeat::note(self.ctx, taken))?;
        }
        Ok(pushed)
    }

    fn push_with(
        &mut self,
        tip: &Oid,
        lease: Option<&Oid>,
        beside: Option<&Beside>,
    ) -> Result<Pushed> {
        self.ctx.repo.push(
            self.link.next(),
            &Push {
                upstream: self.upstream,
                new: tip,
                lease,
                notes: self.ctx.scratch("push"),
                beside,
            },
        )
    }

    /// Tells the remote how this machine is, where it has not heard of it for long.
    fn show_up(&mut self, tip: &Oid) -> Result<()> {
        if self.options.dry_run || self.outcome.pushed > 0 || self.outcome.reach != Reach::Reached {
            return Ok(());
        }
        let branch = &self.ready.branch.name;
        if let Some(beside) = courtesy(heartbeat::due(self.ctx, branch, tip))? {
            let (repo, remote) = (self.ctx.repo, &self.upstream.remote);
            let taken = repo.push_beside(self.link.next(), remote, &beside);
            courtesy(heartbeat::note(self.ctx, courtesy(taken)?))?;
        }
        Ok(())
    }

    fn pushed(&mut self, pushed: Pushed, tip: &Oid, theirs: Option<&Oid>) -> Result<Round> {
        match pushed {
            Pushed::Done => {
                self.outcome.reach = Reach::Reached;
                self.remember(tip)?;
                let commits = self.count(tip, theirs)?;
                self.outcome.pushed += commits;
                let to = self.upstream.short();
                self.ctx.listener.done(&Done::Pushed { commits, to: &to });
                self.end(Some(tip), Some(tip))
            }
            Pushed::Lost => Ok(Round::Again("another machine was faster".to_owned())),
            Pushed::Locked(lock) => Ok(Round::Again(format!(
                "the remote's lock '{lock}' is in the way (where no git is running there, remove it)"
            ))),
            Pushed::Refused(error) => Err(error),
            Pushed::Unreachable(unreachable) => {
                self.outcome.reach = Reach::Unreachable(unreachable);
                self.end(Some(tip), theirs)
            }
        }
    }

    /// Notes that the remote is at `tip`. A push does that itself, but not where the user's settings
    /// fetch other branches than this one.
    fn remember(&self, tip: &Oid) -> Result<()> {
        let old = self.ctx.repo.named_by(&self.upstream.tracking)?;
        let change = RefChange {
            name: self.upstream.tracking.clone(),
            old,
            new: Some(tip.clone()),
        };
        // Somebody else has fetched meanwhile, and knows better.
        self.ctx.repo.change_refs("sync: push", &[change]).map(drop)
    }

    /// The newest commit of `ours` that the remote had once and has no longer.
    pub(super) fn given_up(
        &self,
        ours: &Oid,
        seen: Option<&Oid>,
        theirs: &Oid,
    ) -> Result<Option<Oid>> {
        let branch = &self.ready.branch.name;
        agreed::given_up(self.ctx, branch, self.upstream, [ours, theirs], seen)
    }

    /// Notes that both sides have `commit`.
    pub(super) fn agree_on(&self, commit: &Oid) {
        if !self.options.dry_run {
            agreed::note(self.ctx, &self.ready.branch.name, self.upstream, commit);
        }
    }

    pub(super) fn count(&self, tip: &Oid, theirs: Option<&Oid>) -> Result<usize> {
        let repo = self.ctx.repo;
        match theirs {
            // In a rehearsal the commits are where only git looks.
            Some(_) if self.options.dry_run => Ok(repo.commits(tip, theirs)?.len()),
            Some(theirs) => Ok(repo.ahead_behind(tip, theirs)?.0),
            None => Ok(repo.commits(tip, None)?.len()),
        }
    }

    /// Nothing is left to do: notes where the two sides are.
    pub(super) fn end(&mut self, tip: Option<&Oid>, theirs: Option<&Oid>) -> Result<Round> {
        let repo = self.ctx.repo;
        let (ahead, behind) = match (tip, theirs) {
            (Some(tip), _) if self.options.dry_run => (self.count(tip, theirs)?, 0),
            (Some(tip), Some(theirs)) => repo.ahead_behind(tip, theirs)?,
            (Some(tip), None) => (repo.commits(tip, None)?.len(), 0),
            (None, Some(theirs)) => (0, repo.commits(theirs, None)?.len()),
            (None, None) => (0, 0),
        };
        self.outcome.counts.ahead = ahead;
        self.outcome.counts.behind = behind;
        if let Some(theirs) = theirs.filter(|_| behind == 0 && self.outcome.reach == Reach::Reached)
        {
            self.agree_on(theirs);
        }
        if let Some(tip) = tip {
            self.show_up(tip)?;
        }
        Ok(Round::Done)
    }
}

/// How sending at once came out.
enum First {
    /// That was all, for good or ill.
    Sent(Pushed),
    /// The remote was elsewhere: here, where that is known already.
    Lost(Option<Oid>),
}
