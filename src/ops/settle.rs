//! Decides about the paths that both sides changed: by policy, or by holding them.

use super::beside::Beside;
use super::integrate::Integration;
use super::plain::Plain;
use super::{Context, written};
use crate::error::Result;
use crate::git::commit::{Commit, Sign};
use crate::model::entry::{Entry, Oid};
use crate::model::held::{Disagreement, Held};
use crate::model::message::of_sync;
use crate::model::path::RepoPath;
use crate::model::policy::{Policies, Policy, SHARED_CONFIG};
use crate::sys::clock;
use crate::sys::fs::{self, Durable};
use std::collections::{BTreeMap, BTreeSet};

/// What became of the paths that both sides changed.
#[derive(Debug)]
pub struct Settled {
    /// The tip with what the policies decided.
    pub tip: Oid,
    /// The paths that wait for the user.
    pub holds: Vec<Held>,
    /// The paths that a policy decided, with its word.
    pub settled: Vec<(RepoPath, &'static str)>,
    /// What the policies put into the tip.
    put: Vec<(RepoPath, Option<Entry>)>,
    /// The paths that keep this machine's version beside the remote's, each with the path that gets
    /// the remote's.
    pub copies: BTreeMap<RepoPath, RepoPath>,
}

impl Settled {
    /// Nothing was to be decided about `tip`.
    pub fn nothing(tip: &Oid) -> Self {
        Self {
            tip: tip.clone(),
            holds: Vec::new(),
            settled: Vec::new(),
            put: Vec::new(),
            copies: BTreeMap::new(),
        }
    }

    /// The tree of `commit` with what the policies put.
    pub fn tree_on(&self, ctx: &Context<'_>, commit: &Oid) -> Result<Oid> {
        let tree = ctx.repo.tree_of(commit)?;
        if self.put.is_empty() {
            return Ok(tree);
        }
        let entries = self.put.iter().map(|(path, entry)| (path, entry.as_ref()));
        ctx.repo.tree_with(&tree, entries, ctx.scratch("settle"))
    }
}

/// The three versions of one path.
struct Dispute<'a> {
    path: &'a RepoPath,
    base: Option<&'a Entry>,
    ours: Option<&'a Entry>,
    theirs: Option<&'a Entry>,
}

/// What is decided about one path.
enum Decision {
    Hold,
    /// The remote's version stands already.
    Theirs,
    /// The path gets this content, or none.
    Put(Option<Entry>),
    /// The remote's version stands already, and this machine's comes beside it.
    Beside(RepoPath, Entry),
}

/// Decides about what `integration` left out of the commits of `ours`; no policy decides about
/// `work`, the paths that are in no commit of the user.
pub fn settle(
    ctx: &Context<'_>,
    integration: &Integration,
    ours: &Oid,
    work: &BTreeSet<RepoPath>,
) -> Result<Settled> {
    let mut outcome = Settled::nothing(&integration.tip);
    if integration.withheld.is_empty() {
        return Ok(outcome);
    }
    let paths: Vec<_> = integration.withheld.iter().cloned().collect();
    let ours_entries = ctx.repo.entries(ours, &paths)?;
    let theirs_entries = ctx.repo.entries(&outcome.tip, &paths)?;
    let policies = policies(ctx, &outcome.tip)?;
    let plain = Plain::of(ctx)?;
    let mut beside = Beside::default();
    let mut joined = 0;
    for path in &paths {
        let dispute = Dispute {
            path,
            base: integration.base.get(path),
            ours: ours_entries.get(path),
            theirs: theirs_entries.get(path),
        };
        // What this machine has taken back itself is nothing to decide about either.
        let is_taken_back = dispute.ours == dispute.base && !work.contains(path);
        if dispute.ours == dispute.theirs || is_taken_back {
            continue;
        }
        let is_sealed = plain.covers(path);
        if is_sealed
            && !work.contains(path)
            && let (Some(ours), Some(theirs)) = (dispute.ours, dispute.theirs)
            && let Some(merged) = plain.merge(dispute.base, ours, theirs)?
        {
            // git would have merged it, if it could read it.
            if merged != *theirs {
                outcome.put.push((path.clone(), Some(merged)));
                joined += 1;
            }
            continue;
        }
        let policy = if work.contains(path) {
            Policy::Hold
        } else {
            policies.of(path)
        };
        let decision = match (policy, dispute.ours, dispute.theirs) {
            (Policy::Union, Some(ours), Some(theirs)) if is_sealed => plain
                .union(dispute.base, ours, theirs)?
                .map_or(Decision::Hold, |entry| Decision::Put(Some(entry))),
            _ => decide(ctx, &dispute, policy, ours, &outcome.tip, &mut beside)?,
        };
        match decision {
            Decision::Hold => {
                let mut held = dispute.held();
                if held.why == Disagreement::Blocked && !is_blocked(ctx, path, &outcome.tip)? {
                    held.why = Disagreement::Renamed;
                }
                outcome.holds.push(held);
                continue;
            }
            Decision::Theirs => {}
            Decision::Put(entry) => outcome.put.push((path.clone(), entry)),
            Decision::Beside(copy, entry) => {
                outcome.put.push((copy.clone(), Some(entry)));
                outcome.copies.insert(copy, path.clone());
            }
        }
        outcome.settled.push((path.clone(), word(policy)));
    }
    if !outcome.put.is_empty() {
        let tree = outcome.tree_on(ctx, &outcome.tip)?;
        let what = match (outcome.put.len() - joined, joined) {
            (0, joined) => format!("merge {joined} encrypted"),
            (settled, 0) => format!("settle {settled} by policy"),
            (settled, joined) => {
                format!("settle {settled} by policy, merge {joined} encrypted")
            }
        };
        let message = of_sync(&what, &ctx.machine);
        let commit = Commit::new(tree, vec![outcome.tip], message);
        outcome.tip = ctx.repo.write_commit(&commit, Sign::Yes)?;
    }
    Ok(outcome)
}

impl Dispute<'_> {
    fn held(&self) -> Held {
        Held {
            path: self.path.clone(),
            why: Disagreement::between(self.base, self.ours, self.theirs),
            since: clock::epoch(),
            base: self.base.cloned(),
            ours: self.ours.cloned(),
            theirs: self.theirs.cloned(),
        }
    }

    fn put_ours(&self) -> Decision {
        Decision::Put(self.ours.cloned())
    }
}

/// Has `tip` something above or below `path`?
fn is_blocked(ctx: &Context<'_>, path: &RepoPath, tip: &Oid) -> Result<bool> {
    let all = ctx.repo.all_entries(tip)?;
    Ok(all.keys().any(|other| other.overlaps(path)))
}

/// The rules of the merged tree, so that a rule decides on every machine about what is disputed from
/// when it arrives. What is held already waits for its user: they were told that the file stays as it is.
///
/// A file that cannot be read decides nothing, and says so: holding loses nothing.
fn policies(ctx: &Context<'_>, tip: &Oid) -> Result<Policies> {
    let Some(bytes) = ctx.repo.file(tip, SHARED_CONFIG)? else {
        return Ok(Policies::default());
    };
    let text = String::from_utf8_lossy(&bytes);
    Ok(Policies::parse(&text).unwrap_or_else(|error| {
        let why = error.in_one_line();
        ctx.listener
            .warn(&format!("{why}; its policies are not applied"));
        Policies::default()
    }))
}

fn word(policy: Policy) -> &'static str {
    match policy {
        Policy::Hold => "hold",
        Policy::Ours => "ours",
        Policy::Theirs => "theirs",
        Policy::Newest => "newest",
        Policy::Union => "union",
        Policy::Both => "both",
    }
}

fn decide(
    ctx: &Context<'_>,
    dispute: &Dispute<'_>,
    policy: Policy,
    ours: &Oid,
    theirs: &Oid,
    beside: &mut Beside,
) -> Result<Decision> {
    Ok(match policy {
        Policy::Hold => Decision::Hold,
        Policy::Ours => dispute.put_ours(),
        Policy::Theirs => Decision::Theirs,
        Policy::Newest => {
            let here = written::here(ctx, ours, dispute.path, dispute.ours)?;
            let there = ctx.repo.last_change(theirs, dispute.path)?;
            if here > there {
                dispute.put_ours()
            } else {
                Decision::Theirs
            }
        }
        Policy::Union => union(ctx, dispute)?.unwrap_or(Decision::Hold),
        // A submodule beside itself would be one that .gitmodules does not know.
        Policy::Both if dispute.ours.is_some_and(Entry::is_submodule) => Decision::Hold,
        Policy::Both => match dispute.ours {
            None => Decision::Theirs,
            Some(entry) => beside
                .name(ctx, dispute.path, entry, ours, theirs)?
                .map_or(Decision::Hold, |copy| Decision::Beside(copy, entry.clone())),
        },
    })
}

/// Lines of both; `None` where one of them is not a text file.
fn union(ctx: &Context<'_>, dispute: &Dispute<'_>) -> Result<Option<Decision>> {
    let (Some(ours), Some(theirs)) = (dispute.ours, dispute.theirs) else {
        return Ok(None);
    };
    if !ours.mode.is_regular() || !theirs.mode.is_regular() {
        return Ok(None);
    }
    let file = |entry: Option<&Entry>, name: &str| -> Result<_> {
        let bytes = match entry.filter(|entry| entry.mode.is_regular()) {
            Some(entry) => ctx.repo.blob(&entry.oid)?,
            None => Vec::new(),
        };
        let path = ctx.scratch(name);
        fs::write_atomic(&path, &bytes, Durable::No)?;
        Ok(path)
    };
    let base = file(dispute.base, "base")?;
    let (ours, there) = (file(Some(ours), "ours")?, file(Some(theirs), "theirs")?);
    let Some(merged) = ctx.repo.merge_lines(&there, &base, &ours)? else {
        return Ok(None);
    };
    let oid = ctx.repo.write_blob(merged)?;
    let entry = Entry {
        mode: theirs.mode,
        oid,
    };
    Ok(Some(Decision::Put(Some(entry))))
}
