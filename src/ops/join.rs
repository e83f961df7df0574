//! Both sides are known: puts them together, decides about what does not go together, and makes the
//! new tip real.

use super::Done;
use super::collide::{self, Known};
use super::guard;
use super::held::Holding;
use super::integrate::{How, Integration, Sides, integrate};
use super::local::Local;
use super::publish::{IndexSeen, Publication, Published, publish};
use super::settle::{Settled, settle};
use super::sync::Round;
use super::upstream::Meeting;
use crate::error::{Error, Result};
use crate::git::index::PrivateIndex;
use crate::git::refs::RefChange;
use crate::model::entry::{Change, Oid};
use crate::model::held::{Held, HeldSet};
use crate::model::path::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

impl Meeting<'_, '_> {
    /// Both sides are known: puts them together.
    pub(super) fn join(
        &mut self,
        local: &Local<'_>,
        seen: Option<&Oid>,
        theirs: &Oid,
    ) -> Result<Round> {
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
        let given_up = self.given_up(ours, seen, theirs)?;
        Ok(Fork {
            rewritten: given_up.is_some(),
            commit: given_up.or(base),
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
        guard::takeable(ctx, &incoming, self.upstream)?;
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
        let arrived = repo.commits(theirs, local.tip.as_ref())?;
        self.outcome.pulled += arrived.len();
        for origin in repo.origins(&arrived) {
            if !self.outcome.origins.contains(&origin) {
                self.outcome.origins.push(origin);
            }
        }
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
                    aside: BTreeMap::new(),
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
            self.agree_on(theirs);
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
                from: &self.outcome.origins,
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
