//! Puts the commits of this machine on top of the remote's, in the object database.
//!
//! First one by one (a rebase), then, where that does not work, all at once (a merge). Where both
//! disagree about a path, this machine's changes of that path are *withheld*: taken out of its
//! commits, as if they had not been made yet. Then the same is tried again, and everything else goes
//! through. Withholding everything leaves nothing to disagree about, so this ends.

use super::Context;
use crate::error::{Error, Result};
use crate::git::commit::{Commit, Listed, Sign};
use crate::git::config::Strategy;
use crate::git::merge::Merged;
use crate::model::entry::{Entries, Oid};
use crate::model::message::of_sync;
use crate::model::path::RepoPath;
use std::collections::BTreeSet;

/// After so many rounds everything that this machine changed is withheld.
const ROUNDS: usize = 20;

/// What is to be put together.
#[derive(Debug)]
pub struct Sides<'a> {
    /// The tip of this machine; `None` where nothing was ever committed.
    pub ours: Option<&'a Oid>,
    /// The tip of the remote.
    pub theirs: &'a Oid,
    /// What both had last; `None` where they never had anything in common.
    pub fork: Option<&'a Oid>,
    /// Commits on top of `ours` that are carried along and not published.
    pub pending: &'a [Oid],
}

/// How the two sides came together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// This machine has everything already.
    Nothing,
    /// The remote had news, and this machine none.
    FastForward,
    /// The commits of this machine follow the remote's.
    Rebased,
    /// A merge commit joins the two.
    Merged,
}

/// Both sides in one.
#[derive(Debug)]
pub struct Integration {
    /// The tip that has both.
    pub tip: Oid,
    /// The pending commits on top of it.
    pub pending: Vec<Oid>,
    /// How it came about.
    pub how: How,
    /// The paths whose changes by this machine are not in it.
    pub withheld: BTreeSet<RepoPath>,
    /// What both sides had at these paths.
    pub base: Entries,
}

/// Puts `sides` together.
pub fn integrate(ctx: &Context<'_>, sides: &Sides<'_>) -> Result<Integration> {
    let repo = ctx.repo;
    let behind = sides.fork != Some(sides.theirs);
    if !behind && let Some(ours) = sides.ours {
        return Ok(Integration {
            tip: ours.clone(),
            pending: sides.pending.to_vec(),
            how: How::Nothing,
            withheld: BTreeSet::new(),
            base: Entries::new(),
        });
    }
    let base_tree = match sides.fork {
        Some(fork) => repo.tree_of(fork)?,
        None => repo.empty_tree()?,
    };
    let line = Line::read(ctx, sides, &base_tree)?;
    let mut withheld = BTreeSet::new();
    let mut base = Entries::new();
    for round in 0.. {
        let sides_now = line.without(ctx, &withheld, &base)?;
        let conflicts = match sides_now.attempt(ctx, sides)? {
            Attempt::Clean { tip, pending, how } => {
                return Ok(Integration {
                    tip,
                    pending,
                    how,
                    withheld,
                    base,
                });
            }
            Attempt::Conflict(paths) => paths,
        };
        let more = line.ours_among(&conflicts, &withheld, round >= ROUNDS);
        if more.is_empty() {
            return Err(
                Error::failed("both sides do not go together, and no path tells why")
                    .hint("nothing was changed; git pull   says more"),
            );
        }
        withheld.extend(more);
        let paths: Vec<_> = withheld.iter().cloned().collect();
        base = repo.entries(&base_tree, &paths)?;
    }
    unreachable!("withholding everything leaves nothing to disagree about")
}

/// The commits of this machine since the fork.
struct Line {
    /// Those to be published, oldest first; `None` where merges among them forbid a rebase.
    commits: Option<Vec<Listed>>,
    pending: Vec<Listed>,
    /// The tip of those to be published.
    tip: Option<Oid>,
    /// The commit below the first one.
    root: Oid,
    /// Every path that they change, also where a later one of `pending` changes it back, and with a
    /// rebase alone where a later one of all does.
    changes: BTreeSet<RepoPath>,
}

/// The same commits with some changes taken out.
struct Filtered<'a> {
    line: &'a Line,
    /// Pairs of (before, after): to be applied one by one.
    commits: Vec<(Oid, Oid)>,
    pending: Vec<(Oid, Oid)>,
    /// The commit to be merged where those to be published cannot be applied one by one.
    tip: Oid,
}

enum Attempt {
    Clean {
        tip: Oid,
        pending: Vec<Oid>,
        how: How,
    },
    Conflict(BTreeSet<RepoPath>),
}

impl Line {
    fn read(ctx: &Context<'_>, sides: &Sides<'_>, base_tree: &Oid) -> Result<Self> {
        let repo = ctx.repo;
        let commits = match sides.ours {
            Some(ours) => repo.commits(ours, sides.fork)?,
            None => Vec::new(),
        };
        // Histories that have nothing in common get an empty commit below both.
        let root = match sides.fork {
            Some(fork) => fork.clone(),
            None => synthetic(ctx, base_tree.clone(), Vec::new())?,
        };
        let mut changes = BTreeSet::new();
        let mut tree = base_tree.clone();
        // Where each has to apply for itself, what a later one takes back counts too.
        let each = commits
            .iter()
            .map(|commit| &commit.oid)
            .filter(|_| ctx.settings.strategy == Strategy::Rebase);
        for tip in each.chain(sides.ours).chain(sides.pending) {
            let next = repo.tree_of(tip)?;
            let changed = repo.changes(&tree, &next)?;
            changes.extend(changed.into_iter().map(|change| change.path));
            tree = next;
        }
        let mut before = sides.ours.cloned();
        let mut pending = Vec::new();
        for oid in sides.pending {
            pending.push(Listed {
                oid: oid.clone(),
                parents: before.into_iter().collect(),
            });
            before = Some(oid.clone());
        }
        let linear = commits.iter().all(|commit| commit.parents.len() <= 1);
        Ok(Self {
            commits: linear.then_some(commits),
            pending,
            tip: sides.ours.cloned(),
            root,
            changes,
        })
    }

    /// The paths among our changes that `conflicts` is about.
    fn ours_among(
        &self,
        conflicts: &BTreeSet<RepoPath>,
        withheld: &BTreeSet<RepoPath>,
        all: bool,
    ) -> Vec<RepoPath> {
        let left: Vec<_> = self.changes.difference(withheld).collect();
        let named = |path: &RepoPath| conflicts.iter().any(|conflict| conflict.overlaps(path));
        let some: Vec<_> = left
            .iter()
            .filter(|path| named(path))
            .map(|p| (*p).clone())
            .collect();
        // git may only have named paths that it made up.
        if all || some.is_empty() {
            left.into_iter().cloned().collect()
        } else {
            some
        }
    }

    /// The line with the changes of `withheld` taken out of every commit.
    fn without<'a>(
        &'a self,
        ctx: &Context<'_>,
        withheld: &BTreeSet<RepoPath>,
        base: &Entries,
    ) -> Result<Filtered<'a>> {
        let pairs = |mut before: Oid, commits: &[Listed]| -> Result<Vec<(Oid, Oid)>> {
            let mut pairs = Vec::new();
            for commit in commits {
                let as_it_is = withheld.is_empty() && commit.parents == [before.clone()];
                let after = if as_it_is {
                    commit.oid.clone()
                } else {
                    let tree = ctx.repo.tree_of(&commit.oid)?;
                    let tree = restored(ctx, &tree, withheld, base)?;
                    synthetic(ctx, tree, vec![before.clone()])?
                };
                pairs.push((std::mem::replace(&mut before, after.clone()), after));
            }
            Ok(pairs)
        };
        let tip = match &self.tip {
            Some(tip) if withheld.is_empty() => tip.clone(),
            Some(tip) => {
                let tree = restored(ctx, &ctx.repo.tree_of(tip)?, withheld, base)?;
                synthetic(ctx, tree, vec![tip.clone()])?
            }
            None => self.root.clone(),
        };
        let commits = pairs(
            self.root.clone(),
            self.commits.as_deref().unwrap_or_default(),
        )?;
        let pending = pairs(tip.clone(), &self.pending)?;
        Ok(Filtered {
            line: self,
            commits,
            pending,
            tip,
        })
    }
}

impl Filtered<'_> {
    /// Puts the two sides together as the user wants it.
    fn attempt(&self, ctx: &Context<'_>, sides: &Sides<'_>) -> Result<Attempt> {
        match ctx.settings.strategy {
            Strategy::Merge => self.merge(ctx, sides),
            // Where merges among the commits forbid a rebase, a merge it has to be.
            Strategy::Rebase => match self.replay(ctx, sides.theirs)? {
                Some(attempt) => Ok(attempt),
                None => self.merge(ctx, sides),
            },
            Strategy::RebaseThenMerge => match self.replay(ctx, sides.theirs)? {
                Some(clean @ Attempt::Clean { .. }) => Ok(clean),
                _ => self.merge(ctx, sides),
            },
        }
    }

    /// Applies the commits one by one on `onto`; `None` where merges among them forbid it.
    fn replay(&self, ctx: &Context<'_>, onto: &Oid) -> Result<Option<Attempt>> {
        let Some(originals) = &self.line.commits else {
            return Ok(None);
        };
        let mut tip = onto.clone();
        for ((before, after), original) in self.commits.iter().zip(originals) {
            match apply(ctx, &tip, before, after, &original.oid, Sign::Yes)? {
                Ok(next) => tip = next,
                Err(conflicts) => return Ok(Some(Attempt::Conflict(conflicts))),
            }
        }
        let how = if self.commits.is_empty() {
            How::FastForward
        } else {
            How::Rebased
        };
        Ok(Some(match self.carry(ctx, &tip)? {
            Ok(pending) => Attempt::Clean { tip, pending, how },
            Err(conflicts) => Attempt::Conflict(conflicts),
        }))
    }

    /// Applies the pending commits on `tip`; the paths in conflict where one of them does not apply.
    fn carry(&self, ctx: &Context<'_>, tip: &Oid) -> Result<Result<Vec<Oid>, BTreeSet<RepoPath>>> {
        let mut top = tip.clone();
        let mut pending = Vec::new();
        for ((before, after), original) in self.pending.iter().zip(&self.line.pending) {
            match apply(ctx, &top, before, after, &original.oid, Sign::No)? {
                Ok(next) => top = next,
                Err(conflicts) => return Ok(Err(conflicts)),
            }
            pending.push(top.clone());
        }
        Ok(Ok(pending))
    }

    /// Merges those to be published all at once, and carries the others along.
    fn merge(&self, ctx: &Context<'_>, sides: &Sides<'_>) -> Result<Attempt> {
        let none = self.line.commits.as_ref().is_some_and(Vec::is_empty);
        let (tip, how) = if none {
            (sides.theirs.clone(), How::FastForward)
        } else {
            match self.merge_published(ctx, sides)? {
                Ok(tip) => (tip, How::Merged),
                Err(conflicts) => return Ok(Attempt::Conflict(conflicts)),
            }
        };
        Ok(match self.carry(ctx, &tip)? {
            Ok(pending) => Attempt::Clean { tip, pending, how },
            Err(conflicts) => Attempt::Conflict(conflicts),
        })
    }

    fn merge_published(
        &self,
        ctx: &Context<'_>,
        sides: &Sides<'_>,
    ) -> Result<Result<Oid, BTreeSet<RepoPath>>> {
        let repo = ctx.repo;
        // Over a rewritten history the true merge base is older than what both sides had last, and
        // would bring back what was taken out of it. The fork is the base that counts.
        let base = self.line.root.clone();
        let plain = match (sides.fork, sides.ours) {
            (Some(fork), Some(ours)) => repo.merge_base(ours, sides.theirs)?.as_ref() == Some(fork),
            _ => false,
        };
        let (ours, theirs) = if plain {
            (self.tip.clone(), sides.theirs.clone())
        } else {
            let ours = synthetic(ctx, repo.tree_of(&self.tip)?, vec![base.clone()])?;
            (
                ours,
                synthetic(ctx, repo.tree_of(sides.theirs)?, vec![base])?,
            )
        };
        let tree = match repo.merge_trees(&ours, &theirs)? {
            Merged::Clean(tree) => tree,
            Merged::Conflict(paths) => return Ok(Err(paths)),
        };
        let parents = match sides.ours {
            Some(ours) if plain => vec![ours.clone(), sides.theirs.clone()],
            _ => vec![sides.theirs.clone()],
        };
        let message = of_sync("merge", &ctx.machine);
        commit(ctx, tree, parents, message, Sign::Yes).map(Ok)
    }
}

/// The tree with `base` at the paths of `withheld`.
fn restored(
    ctx: &Context<'_>,
    tree: &Oid,
    withheld: &BTreeSet<RepoPath>,
    base: &Entries,
) -> Result<Oid> {
    if withheld.is_empty() {
        return Ok(tree.clone());
    }
    let entries = withheld.iter().map(|path| (path, base.get(path)));
    ctx.repo.tree_with(tree, entries, ctx.scratch("filter"))
}

/// Applies the step from `before` to `after` on `tip`, as a commit with the words of `original`;
/// `tip` itself where nothing of it is left, the paths in conflict where it does not apply.
fn apply(
    ctx: &Context<'_>,
    tip: &Oid,
    before: &Oid,
    after: &Oid,
    original: &Oid,
    sign: Sign,
) -> Result<Result<Oid, BTreeSet<RepoPath>>> {
    let repo = ctx.repo;
    if before == tip && after == original {
        return Ok(Ok(original.clone()));
    }
    let tip_tree = repo.tree_of(tip)?;
    let onto = synthetic(ctx, tip_tree.clone(), vec![before.clone()])?;
    let tree = match repo.merge_trees(&onto, after)? {
        Merged::Clean(tree) => tree,
        Merged::Conflict(paths) => return Ok(Err(paths)),
    };
    if tree == tip_tree {
        return Ok(Ok(tip.clone()));
    }
    let words = repo.commit(original)?;
    let applied = Commit {
        tree,
        parents: vec![tip.clone()],
        ..words
    };
    repo.write_commit(&applied, sign).map(Ok)
}

/// A commit that only exists to be merged: it tells git what to take for the common base.
fn synthetic(ctx: &Context<'_>, tree: Oid, parents: Vec<Oid>) -> Result<Oid> {
    commit(ctx, tree, parents, "synthetic\n".to_owned(), Sign::No)
}

fn commit(
    ctx: &Context<'_>,
    tree: Oid,
    parents: Vec<Oid>,
    message: String,
    sign: Sign,
) -> Result<Oid> {
    ctx.repo
        .write_commit(&Commit::new(tree, parents, message), sign)
}
