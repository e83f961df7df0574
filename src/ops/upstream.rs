//! The remote half of a round: ask, put together, make real, send.

use super::collide::{self, Known};
use super::guard::Ready;
use super::held::Holding;
use super::integrate::{How, Integration, Sides, integrate};
use super::link::Link;
use super::publish::{IndexSeen, Publication, Published, publish};
use super::settle::{Settled, settle};
use super::sync::{Local, Options, Outcome, Reach, Round};
use super::{Context, Done};
use crate::error::{Error, Result};
use crate::git::index::PrivateIndex;
use crate::git::refs::{RefChange, Refs};
use crate::git::remote::{FETCHED, Fetched, Push, Pushed};
use crate::git::repo::Upstream;
use crate::model::entry::{Change, Oid};
use crate::model::held::{Held, HeldSet};
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
struct Meeting<'a, 'repo> {
    ctx: &'a Context<'repo>,
    options: &'a Options,
    ready: &'a Ready,
    upstream: &'a Upstream,
    link: &'a mut Link<'repo>,
    busy: &'a BTreeSet<RepoPath>,
    outcome: &'a mut Outcome,
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

    /// Both sides are known: puts them together.
    fn join(&mut self, local: &Local<'_>, seen: Option<&Oid>, theirs: &Oid) -> Result<Round> {
        if local.tip.as_ref() == Some(theirs) {
            return self.end(Some(theirs), Some(theirs));
        }
        let fork = self.fork(local.tip.as_ref(), seen, theirs)?;
        let sides = Sides {
            ours: local.tip.as_ref(),
            theirs,
            fork: fork.commit.as_ref(),
            pending: &local.pending,
        };
        let integration = integrate(self.ctx, &sides)?;
        if integration.how == How::Nothing {
            return self.send(&integration.tip, Some(theirs));
        }
        match self.make_real(local, &integration, theirs, &fork)? {
            Made::Real(tip) => self.send(&tip, Some(theirs)),
            Made::Not(round) => Ok(round),
        }
    }

    /// What both sides had last.
    fn fork(&self, ours: Option<&Oid>, seen: Option<&Oid>, theirs: &Oid) -> Result<Fork> {
        let repo = self.ctx.repo;
        let Some(ours) = ours else {
            return Ok(Fork::default());
        };
        let base = repo.merge_base(ours, theirs)?;
        if repo.is_shallow() && base.is_none() {
            return Err(
                Error::fatal("this clone is too shallow to see what both sides had last")
                    .hint(format!(
                        "git fetch --unshallow {}   brings the history",
                        self.upstream.remote
                    ))
                    .hint("nothing was taken from the remote, and nothing sent to it"),
            );
        }
        if base.is_some() && base.as_ref() == seen {
            return Ok(Fork {
                commit: base,
                rewritten: false,
            });
        }
        // Where the remote was last seen, or where the branch left it: if that is in our history
        // and no longer in the remote's, the remote's was rewritten.
        let last = match seen {
            Some(seen) if seen != theirs && repo.is_ancestor(seen, ours)? => Some(seen.clone()),
            _ => repo.fork_point(&self.upstream.tracking, ours)?,
        };
        Ok(match last {
            Some(last) if !repo.is_ancestor(&last, theirs)? => Fork {
                commit: Some(last),
                rewritten: true,
            },
            _ => Fork {
                commit: base,
                rewritten: false,
            },
        })
    }

    /// Decides, holds, and makes the new tip real.
    fn make_real(
        &mut self,
        local: &Local<'_>,
        integration: &Integration,
        theirs: &Oid,
        fork: &Fork,
    ) -> Result<Made> {
        let (ctx, repo) = (self.ctx, self.ctx.repo);
        let here = local.pending.last().or(local.tip.as_ref());
        let from = match here {
            Some(here) => repo.tree_of(here)?,
            None => repo.empty_tree()?,
        };
        let settled = match here {
            Some(here) => settle(ctx, integration, here, &self.work(local)?)?,
            None => Settled::nothing(&integration.tip),
        };
        let tip = settled.tip.clone();
        let live = integration.pending.last().unwrap_or(&tip);
        let live_tree = match integration.pending.last() {
            Some(pending) => settled.tree_on(ctx, pending)?,
            None => repo.tree_of(&tip)?,
        };
        let copied;
        let (index, index_seen) = if let Some(snapshot) = &local.snapshot {
            (&snapshot.index, snapshot.seen)
        } else {
            let seen = IndexSeen::now(&repo.index_path())?;
            copied = PrivateIndex::copy_of_users(repo, ctx.scratch("index"))?;
            (&copied, seen)
        };
        let mut incoming = repo.changes(&from, &live_tree)?;
        incoming.retain(|change| !change.path.is_private());
        let none = BTreeSet::new();
        let known = Known {
            busy: self.busy,
            left_out: local.snapshot.as_ref().map_or(&none, |s| &s.left_out),
        };
        let collisions = collide::find(ctx, &incoming, live, known)?;
        let holds = collisions.with(&settled.holds);
        let set = self.held_after(&local.holding, &holds, &tip)?;
        incoming.retain(|change| {
            // What is let go is let go because this machine has it already.
            let before = local.holding.set.get(&change.path);
            let here = before.is_some_and(|held| held.ours == change.new);
            let free = !set.covers(&change.path) && !here;
            free && !collisions.same.contains(&change.path)
        });
        self.outcome.pulled += match &local.tip {
            Some(ours) => self.count(theirs, Some(ours))?,
            None => self.count(theirs, None)?,
        };
        self.outcome.rewritten |= fork.rewritten;
        if !self.options.dry_run {
            // Work that is carried along is in no branch, and the files that hold it change.
            let dropped =
                fork.rewritten || !settled.settled.is_empty() || !local.pending.is_empty();
            let refs = self.refs(local, &set, dropped)?;
            let kept = refs.kept.clone();
            let index_tree = match integration.pending.first() {
                Some(staged) if local.staged => settled.tree_on(ctx, staged)?,
                _ => repo.tree_of(&tip)?,
            };
            let published = publish(
                ctx,
                &Publication {
                    branch: &self.ready.branch.name,
                    old: local.tip.as_ref(),
                    new: &tip,
                    index_tree: &index_tree,
                    live_tree: &live_tree,
                    changes: incoming.clone(),
                    copies: settled.copies,
                    index,
                    index_holds: None,
                    seen: index_seen,
                    refs: refs.changes,
                    message: &format!("sync: {}", how(integration.how)),
                },
            )?;
            match published {
                Published::Done => {}
                Published::Moved => return Ok(Made::Not(Round::moved())),
                Published::Left(paths) => return Ok(Made::Not(Round::Left(paths))),
            }
            self.outcome.kept = kept.or(self.outcome.kept.take());
        }
        if !self.options.dry_run {
            self.tell(integration, &settled.settled, &holds, theirs, &incoming);
        }
        self.outcome.settled.extend(settled.settled);
        self.outcome.pulled_changes.extend(incoming);
        self.outcome.held = set.iter().cloned().collect();
        self.outcome.counts.held = set.len();
        Ok(Made::Real(tip))
    }

    /// The paths that the user has changed and not committed, where that is left to them.
    fn work(&self, local: &Local<'_>) -> Result<BTreeSet<RepoPath>> {
        let repo = self.ctx.repo;
        let mut tree = match &local.tip {
            Some(tip) => repo.tree_of(tip)?,
            None => repo.empty_tree()?,
        };
        let mut work = BTreeSet::new();
        for pending in &local.pending {
            let next = repo.tree_of(pending)?;
            let changes = repo.changes(&tree, &next)?;
            work.extend(changes.into_iter().map(|change| change.path));
            tree = next;
        }
        Ok(work)
    }

    fn tell(
        &self,
        integration: &Integration,
        settled: &[(RepoPath, &'static str)],
        holds: &[Held],
        theirs: &Oid,
        incoming: &[Change],
    ) {
        let listener = self.ctx.listener;
        if self.outcome.rewritten {
            listener.warn(&format!(
                "the history of {} was rewritten, and this machine follows it ({})",
                self.upstream.short(),
                theirs.short()
            ));
        }
        // A history that was rewritten to fewer commits brings none, and changes files.
        if self.outcome.pulled > 0 || !incoming.is_empty() {
            listener.done(&Done::Pulled {
                commits: self.outcome.pulled,
                changes: incoming,
            });
        }
        if matches!(integration.how, How::Rebased | How::Merged) {
            listener.done(&Done::Integrated(how(integration.how)));
        }
        for (path, word) in settled {
            listener.done(&Done::Settled(path, word));
        }
        for held in holds {
            listener.done(&Done::Held(held));
        }
    }

    /// The held paths once `tip` is the branch's.
    fn held_after(&self, holding: &Holding, new: &[Held], tip: &Oid) -> Result<HeldSet> {
        let mut set = holding.set.clone();
        for held in new {
            set.insert(held.clone());
        }
        let paths: Vec<_> = set.iter().map(|held| held.path.clone()).collect();
        if paths.is_empty() {
            return Ok(set);
        }
        let theirs = self.ctx.repo.entries(tip, &paths)?;
        Ok(HeldSet::new(set.iter().filter_map(|held| {
            let theirs = theirs.get(&held.path).cloned();
            let same = theirs == held.ours && new.iter().all(|new| new.path != held.path);
            (!same).then(|| Held {
                theirs,
                ..held.clone()
            })
        })))
    }

    /// The refs that change with the branch: what is held, and what would otherwise be dropped.
    fn refs(&self, local: &Local<'_>, set: &HeldSet, dropped: bool) -> Result<Companions> {
        let mut refs = Companions {
            changes: Vec::new(),
            kept: None,
        };
        let branch = &self.ready.branch.name;
        let here = local.pending.last().or(local.tip.as_ref());
        refs.changes.extend(
            local
                .holding
                .change_to(self.ctx, branch, set, here.cloned())?,
        );
        if let Some(here) = here.filter(|_| dropped) {
            let change = super::kept::change(self.ctx, None, here.clone())?;
            refs.kept = Some(change.name.clone());
            refs.changes.push(change);
        }
        Ok(refs)
    }

    /// Sends `tip`, if the remote lacks it.
    fn send(&mut self, tip: &Oid, theirs: Option<&Oid>) -> Result<Round> {
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

    fn push(&mut self, tip: &Oid, lease: Option<&Oid>) -> Result<Pushed> {
        self.ctx.listener.doing("push");
        self.ctx.repo.push(
            self.link.next(),
            &Push {
                upstream: self.upstream,
                new: tip,
                lease,
            },
        )
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

    fn count(&self, tip: &Oid, theirs: Option<&Oid>) -> Result<usize> {
        let repo = self.ctx.repo;
        match theirs {
            // In a rehearsal the commits are where only git looks.
            Some(_) if self.options.dry_run => Ok(repo.commits(tip, theirs)?.len()),
            Some(theirs) => Ok(repo.ahead_behind(tip, theirs)?.0),
            None => Ok(repo.commits(tip, None)?.len()),
        }
    }

    /// Nothing is left to do: notes where the two sides are.
    fn end(&mut self, tip: Option<&Oid>, theirs: Option<&Oid>) -> Result<Round> {
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

/// What came of making a tip real.
enum Made {
    /// It is.
    Real(Oid),
    /// The user was faster.
    Not(Round),
}

/// What both sides had last, and whether the remote still has it.
#[derive(Debug, Default)]
struct Fork {
    commit: Option<Oid>,
    rewritten: bool,
}

/// Refs that change with the branch.
struct Companions {
    changes: Vec<RefChange>,
    kept: Option<String>,
}

fn how(how: How) -> &'static str {
    match how {
        How::Nothing => "nothing to do",
        How::FastForward => "fast-forward",
        How::Rebased => "rebase",
        How::Merged => "merge",
    }
}
