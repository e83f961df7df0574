//! Makes one side equal to the other: what is lost by it is shown first, and kept in a ref.

use super::collide::{self, Known};
use super::guard::Ready;
use super::held::{self, Holding};
use super::publish::{IndexSeen, Publication, Published, publish};
use super::record::Begun;
use super::snapshot::{self, Snapshot};
use super::sync::{Options, Outcome, Reach, rehearse, with_lock};
use super::{Context, Done, agreed, backup, guard, kept};
use crate::error::{Error, Kind, Result};
use crate::git::commit::{Commit, Sign};
use crate::git::config::NewFiles;
use crate::git::index::PrivateIndex;
use crate::git::refs::RefChange;
use crate::git::remote::{Fetched, Push, Pushed};
use crate::git::repo::Upstream;
use crate::git::transport::Transport;
use crate::model::backup::Reason;
use crate::model::entry::{Change, Entries, Oid};
use crate::model::held::HeldSet;
use crate::model::state::Counts;
use crate::store::decision::Decision;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// Which side wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Winner {
    /// This machine.
    Here,
    /// The remote.
    There,
}

/// What a force would do, to be shown before it is done.
#[derive(Debug)]
pub struct Plan {
    /// Which side wins.
    pub winner: Winner,
    /// `origin/main`.
    pub upstream: String,
    /// The commits that the losing side has and the winner lacks, newest first, with their subjects.
    pub discarded: Vec<(Oid, String)>,
    /// What changes in the work tree of this machine, or on the remote.
    pub changes: Vec<Change>,
    /// Paths of this machine that are in no commit.
    pub uncommitted: Vec<Change>,
}

impl Plan {
    /// Are both sides the same already?
    pub fn is_empty(&self) -> bool {
        self.discarded.is_empty() && self.changes.is_empty() && self.uncommitted.is_empty()
    }

    /// Does somebody lose something by it?
    pub fn discards(&self) -> bool {
        match self.winner {
            Winner::Here => !self.discarded.is_empty(),
            Winner::There => {
                !self.discarded.is_empty()
                    || !self.uncommitted.is_empty()
                    || self.changes.iter().any(|change| change.old.is_some())
            }
        }
    }
}

/// So many discarded commits are named.
const NAMED: usize = 50;

/// Makes the loser equal to the winner; `confirm` is shown the plan and says whether to go on.
pub fn force(
    ctx: &Context<'_>,
    winner: Winner,
    options: &Options,
    confirm: &mut dyn FnMut(&Plan) -> Result<bool>,
) -> Result<Outcome> {
    let begun = Begun::now(match winner {
        Winner::Here => "force-push",
        Winner::There => "force-pull",
    });
    let result = guard::check(ctx).and_then(|_| {
        with_lock(ctx, options, |ready| {
            let mut work = || Force::new(ctx, winner, &ready)?.run(options, confirm);
            if options.dry_run {
                return rehearse(ctx, work);
            }
            begun.announce(ctx)?;
            let mut result = work();
            begun.ended(ctx, &mut result);
            result
        })
    });
    if !options.dry_run {
        begun.refused(ctx, &result);
    }
    result
}

struct Force<'a, 'repo> {
    ctx: &'a Context<'repo>,
    winner: Winner,
    ready: &'a Ready,
    upstream: &'a Upstream,
    transport: Transport,
}

impl<'a, 'repo> Force<'a, 'repo> {
    fn new(ctx: &'a Context<'repo>, winner: Winner, ready: &'a Ready) -> Result<Self> {
        let Some(upstream) = &ready.upstream else {
            return Err(Error::fatal("there is no remote to be equal to")
                .hint("git remote add origin URL && git push -u origin HEAD   adds one"));
        };
        let transport = Transport::begin(ctx.repo, &upstream.remote).wait();
        Ok(Self {
            ctx,
            winner,
            ready,
            upstream,
            transport,
        })
    }

    fn run(
        &self,
        options: &Options,
        confirm: &mut dyn FnMut(&Plan) -> Result<bool>,
    ) -> Result<Outcome> {
        let (ctx, repo) = (self.ctx, self.ctx.repo);
        let theirs = self.fetch()?;
        let tip = self.ready.branch.tip.as_ref();
        let holding = Holding::load(ctx, &self.ready.branch.name)?;
        // New files that the user wants to be asked about are no part of what is forced.
        let scan = ctx.scan(ctx.settings.new_files != NewFiles::Ask)?;
        guard::merged(&scan)?;
        // Held paths too: nothing is left to decide once one side has won.
        // What gives way is kept whole, and only here.
        let take = match self.winner {
            Winner::Here => snapshot::take_screened,
            Winner::There => snapshot::take,
        };
        let mut snapshot = take(ctx, tip, &scan, &HeldSet::default())?;
        let plan = self.plan(tip, theirs.as_ref(), &snapshot)?;
        let mut outcome = Outcome {
            machine: ctx.machine.id.clone(),
            branch: self.ready.branch.short().to_owned(),
            upstream: Some(self.upstream.short()),
            dry_run: options.dry_run,
            reach: Reach::Reached,
            connections: 1,
            ..Outcome::default()
        };
        if !confirm(&plan)? {
            return Err(Error::new(Kind::Declined, "nothing was changed"));
        }
        if plan.is_empty() && holding.set.is_empty() {
            return Ok(outcome);
        }
        if self.winner == Winner::Here {
            outcome.skipped.clone_from(&snapshot.skipped);
        }
        if options.dry_run {
            match self.winner {
                Winner::Here => outcome.committed = plan.uncommitted,
                Winner::There => outcome.pulled_changes = plan.changes,
            }
            return Ok(outcome);
        }
        backup::because(
            ctx,
            match self.winner {
                Winner::Here => Reason::ForcePush,
                Winner::There => Reason::ForcePull,
            },
        );
        backup::ensure(ctx, &[])?;
        let commit = self.keep(tip, &mut snapshot)?;
        match self.winner {
            Winner::Here => {
                self.push(theirs.as_ref(), &commit, &holding, &snapshot, &mut outcome)?;
            }
            Winner::There => {
                let Some(theirs) = &theirs else {
                    return Err(self.nothing_there());
                };
                let arrived = repo.commits(theirs, Some(&commit))?;
                outcome.pulled = arrived.len();
                outcome.origins = repo.origins(&arrived);
                self.pull(
                    theirs,
                    &commit,
                    &holding,
                    &snapshot,
                    plan.changes,
                    &mut outcome,
                )?;
            }
        }
        outcome.counts = Counts::default();
        let both = match (self.winner, &theirs) {
            (Winner::There, Some(theirs)) => theirs,
            _ => &commit,
        };
        agreed::note(ctx, &self.ready.branch.name, self.upstream, both);
        Ok(outcome)
    }

    fn fetch(&self) -> Result<Option<Oid>> {
        let repo = self.ctx.repo;
        match repo.fetch(
            &self.transport,
            self.upstream,
            self.ctx.listener.is_watched(),
        )? {
            Fetched::Done => repo.resolve(&self.upstream.tracking),
            Fetched::NoBranch if self.winner == Winner::Here => Ok(None),
            Fetched::NoBranch => Err(self.nothing_there()),
            Fetched::Moved(why) => {
                Err(Error::blocked(why).hint("nothing was changed; run it again"))
            }
            Fetched::Unreachable(unreachable) => {
                let remote = &self.upstream.remote;
                Err(
                    Error::new(Kind::Unreachable, format!("{remote} cannot be reached"))
                        .because(unreachable.why)
                        .hint("nothing was changed"),
                )
            }
        }
    }

    fn nothing_there(&self) -> Error {
        Error::blocked(format!("{} does not exist", self.upstream.short()))
            .hint("nothing was changed")
    }

    fn plan(
        &self,
        tip: Option<&Oid>,
        theirs: Option<&Oid>,
        snapshot: &Snapshot<'_>,
    ) -> Result<Plan> {
        let repo = self.ctx.repo;
        let (loser, winner) = match self.winner {
            Winner::Here => (theirs, tip),
            Winner::There => (tip, theirs),
        };
        let mut discarded = match loser {
            Some(loser) => repo.commits(loser, winner)?,
            None => Vec::new(),
        };
        discarded.reverse();
        let named = discarded.into_iter().take(NAMED).map(|listed| {
            let subject = repo.commit(&listed.oid)?.subject();
            Ok((listed.oid, subject))
        });
        let theirs_tree = match theirs {
            Some(theirs) => repo.tree_of(theirs)?,
            None => repo.empty_tree()?,
        };
        let changes = match self.winner {
            Winner::Here => repo.changes(&theirs_tree, &snapshot.tree)?,
            Winner::There => repo.changes(&snapshot.tree, &theirs_tree)?,
        };
        Ok(Plan {
            winner: self.winner,
            upstream: self.upstream.short(),
            discarded: named.collect::<Result<_>>()?,
            changes,
            uncommitted: snapshot.changes.clone(),
        })
    }

    /// Everything of this machine in a commit: what is not committed yet, too.
    fn keep(&self, tip: Option<&Oid>, snapshot: &mut Snapshot<'_>) -> Result<Oid> {
        match tip {
            Some(tip) if snapshot.changes.is_empty() => Ok(tip.clone()),
            _ if self.winner == Winner::Here => {
                let nothing_held = HeldSet::default();
                snapshot::commit(self.ctx, tip, snapshot, &nothing_held, false)?
                    .or_else(|| tip.cloned())
                    .ok_or_else(|| Error::blocked("nothing was committed here yet"))
            }
            _ => {
                let parents = tip.cloned().into_iter().collect();
                let message = format!("before a force-pull on {}\n", self.ctx.machine.id);
                let commit = Commit::new(snapshot.tree.clone(), parents, message);
                self.ctx.repo.write_commit(&commit, Sign::No)
            }
        }
    }

    /// The remote comes first: one that refuses, or has moved, leaves this machine as it was.
    fn push(
        &self,
        theirs: Option<&Oid>,
        commit: &Oid,
        holding: &Holding,
        snapshot: &Snapshot<'_>,
        outcome: &mut Outcome,
    ) -> Result<()> {
        if theirs != Some(commit) {
            // Counted first: what fails once the remote has it would be told as a force that was not made.
            let commits = match theirs {
                Some(theirs) => self.ctx.repo.ahead_behind(commit, theirs)?.0,
                None => self.ctx.repo.commits(commit, None)?.len(),
            };
            let kept = self.keep_in_ref(theirs, outcome)?;
            self.send(theirs, commit, kept, outcome)?;
            outcome.pushed = commits;
        }
        self.publish(&Move {
            new: commit,
            tree: &snapshot.tree,
            changes: Vec::new(),
            index: &snapshot.index,
            seen: snapshot.seen,
            refs: self.without_held(holding, outcome)?,
        })
        .map_err(|error| error.hint(format!("{} has it all", self.upstream.short())))?;
        if !snapshot.changes.is_empty() {
            self.ctx.listener.done(&Done::Committed(&snapshot.changes));
            outcome.committed.clone_from(&snapshot.changes);
        }
        if outcome.pushed > 0 {
            self.ctx.listener.done(&Done::Pushed {
                commits: outcome.pushed,
                to: &self.upstream.short(),
            });
        }
        Ok(())
    }

    /// Sends it; what it replaces there is `kept` under a ref, until the remote says that nothing was replaced.
    fn send(
        &self,
        theirs: Option<&Oid>,
        commit: &Oid,
        kept: Option<String>,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let repo = self.ctx.repo;
        outcome.connections += u32::from(!self.transport.is_shared());
        let push = Push {
            upstream: self.upstream,
            new: commit,
            lease: theirs,
            notes: self.ctx.scratch("push"),
            beside: None,
        };
        let refused = match repo.push(&self.transport, &push)? {
            Pushed::Done => return Ok(()),
            Pushed::Unreachable(unreachable) => {
                let remote = &self.upstream.remote;
                let error = Error::new(Kind::Unreachable, format!("{remote} cannot be reached"))
                    .because(unreachable.why)
                    .hint("git sync --force-push   shows whether it went through");
                // The answer may be all that did not come.
                return Err(match kept {
                    Some(name) => error.hint(format!("'{name}' keeps what was there before it")),
                    None => error,
                });
            }
            Pushed::Lost => Error::blocked(format!(
                "{} moved after it was shown to you; it was left alone",
                self.upstream.short()
            ))
            .hint("git sync --force-push   shows what there is now"),
            Pushed::Locked(lock) => {
                Error::blocked(format!("the remote's lock '{lock}' is in the way"))
                    .hint("where no git is running there, remove it")
            }
            Pushed::Refused(error) => error,
        };
        kept.map_or(Ok(()), |name| kept::forget(self.ctx, name))?;
        Err(refused)
    }

    fn pull(
        &self,
        theirs: &Oid,
        commit: &Oid,
        holding: &Holding,
        snapshot: &Snapshot<'_>,
        changes: Vec<Change>,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let changes: Vec<_> = changes
            .into_iter()
            .filter(|change| !change.path.is_private())
            .collect();
        guard::takeable(self.ctx, &changes, self.upstream)?;
        let known = Known {
            busy: &BTreeSet::new(),
            left_out: &snapshot.left_out,
        };
        let collisions = collide::find(self.ctx, &changes, theirs, known)?;
        if let Some(held) = collisions.holds.first() {
            guard::watched(self.ctx, &held.path)?;
            return Err(Error::blocked(format!(
                "'{}' is not tracked here, and {} has it",
                held.path,
                self.upstream.short()
            ))
            .hint("move it away or remove it; ignored files are never overwritten")
            .hint("nothing was changed"));
        }
        self.keep_in_ref(Some(commit), outcome)?;
        let refs = self.without_held(holding, outcome)?;
        let tree = self.ctx.repo.tree_of(theirs)?;
        let live: Vec<_> = changes
            .into_iter()
            .filter(|change| !collisions.same.contains(&change.path))
            .collect();
        self.publish(&Move {
            new: theirs,
            tree: &tree,
            changes: live.clone(),
            index: &snapshot.index,
            seen: snapshot.seen,
            refs,
        })?;
        let listener = self.ctx.listener;
        if outcome.pulled > 0 || !live.is_empty() {
            listener.done(&Done::Pulled {
                commits: outcome.pulled,
                from: &outcome.origins,
                changes: &live,
            });
        }
        listener.done(&Done::Reset(&outcome.branch, theirs));
        outcome.pulled_changes = live;
        Ok(())
    }

    /// Puts what is replaced under a ref, before anything is.
    fn keep_in_ref(&self, replaced: Option<&Oid>, outcome: &mut Outcome) -> Result<Option<String>> {
        let Some(replaced) = replaced else {
            return Ok(None);
        };
        let name = kept::keep(self.ctx, replaced.clone())?;
        outcome.kept = Some(name.clone());
        Ok(Some(name))
    }

    /// Nothing is held any more: a decision like any other, so it can be taken back like one.
    fn without_held(&self, holding: &Holding, outcome: &mut Outcome) -> Result<Vec<RefChange>> {
        let branch = &self.ready.branch;
        let (Some(tip), false) = (&branch.tip, holding.set.is_empty()) else {
            return Ok(Vec::new());
        };
        let set = held::refresh(self.ctx, holding, tip)?;
        outcome.released = set.iter().map(|held| held.path.clone()).collect();
        let mut refs = Vec::new();
        if !set.is_empty() {
            let decision = Decision {
                set,
                merged: Entries::new(),
                tip: tip.clone(),
            };
            let decided = decision.save(self.ctx.repo, self.ctx.scratch("decided"))?;
            refs.push(kept::decide(self.ctx, decided)?);
        }
        refs.extend(holding.change_to(self.ctx, &branch.name, &HeldSet::default(), [])?);
        Ok(refs)
    }

    fn publish(&self, to: &Move<'_>) -> Result<()> {
        let published = publish(
            self.ctx,
            &Publication {
                branch: &self.ready.branch.name,
                old: self.ready.branch.tip.as_ref(),
                new: to.new,
                index_tree: to.tree,
                live_tree: to.tree,
                changes: to.changes.clone(),
                copies: BTreeMap::new(),
                aside: BTreeMap::new(),
                index: to.index,
                index_holds: None,
                seen: to.seen,
                refs: to.refs.clone(),
                message: match self.winner {
                    Winner::Here => "sync: force-push",
                    Winner::There => "sync: force-pull",
                },
            },
        )?;
        match published {
            Published::Done => Ok(()),
            Published::Moved | Published::Left(_) => Err(Error::blocked(
                "files or the branch changed meanwhile; nothing was forced",
            )
            .hint("run it again: it shows what there is now")),
        }
    }
}

/// Where this machine goes.
struct Move<'a> {
    new: &'a Oid,
    tree: &'a Oid,
    changes: Vec<Change>,
    index: &'a PrivateIndex<'a>,
    seen: IndexSeen,
    refs: Vec<RefChange>,
}
