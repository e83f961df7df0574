//! The local half of a round: what changed on this machine becomes commits, or is carried along where the
//! user commits by hand.

use super::guard::{self, Ready};
use super::held::{self, Holding};
use super::link::Link;
use super::new_files::Answers;
use super::publish::{IndexSeen, Publication, Published, publish};
use super::snapshot::{self, Snapshot};
use super::sync::{Options, Outcome};
use super::{Context, Done, backup, kept, ripe};
use crate::error::Result;
use crate::git::commit::{Commit, Sign};
use crate::git::config::{CommitWhen, NewFiles};
use crate::git::refs::RefChange;
use crate::git::status::Scan;
use crate::model::entry::Oid;
use crate::model::state::Counts;
use crate::sys::fs;
use std::collections::BTreeMap;

/// From this size of its index on, in bytes, a work tree is large: about fifty thousand files.
const LARGE: u64 = 5 << 20;

/// What this machine has, in commits.
#[derive(Debug)]
pub(super) struct Local<'repo> {
    /// The tip of the branch, with everything that is to be published.
    pub(super) tip: Option<Oid>,
    /// Commits on top of it that are not to be published: the work of a user who commits by hand.
    pub(super) pending: Vec<Oid>,
    /// Is the first of `pending` what the user staged?
    pub(super) staged: bool,
    /// The files as they are.
    pub(super) snapshot: Option<Snapshot<'repo>>,
    /// What waits for a decision.
    pub(super) holding: Holding,
}

/// Commits what changed on this machine; `None` where the user was faster.
pub(super) fn commit_local<'repo>(
    ctx: &Context<'repo>,
    options: &Options,
    ready: &Ready,
    link: &mut Link<'repo>,
    answers: &mut Answers,
    outcome: &mut Outcome,
) -> Result<Option<Local<'repo>>> {
    let branch = &ready.branch;
    let holding = looked_at_again(ctx, options, ready, outcome)?;
    if is_large(ctx)? && sends(ctx, options) && !asks(ctx)? {
        link.begin();
    }
    let mut scan = ctx.scan(ctx.settings.new_files != NewFiles::Tracked)?;
    guard::merged(&scan)?;
    outcome.left = answers.narrow(ctx, options, &mut scan)?;
    outcome.skipped.clear();
    outcome.held = holding.set.iter().cloned().collect();
    outcome.counts = Counts {
        held: holding.set.len(),
        ..Counts::default()
    };
    let mut local = Local {
        tip: branch.tip.clone(),
        pending: Vec::new(),
        staged: false,
        snapshot: None,
        holding,
    };
    if !is_work(&scan, &local.holding) {
        return Ok(Some(local));
    }
    if sends(ctx, options) && !asks(ctx)? {
        link.begin();
    }
    if !options.dry_run {
        backup::begin(ctx)?;
    }
    let commits = ctx.settings.commit == CommitWhen::Always;
    let take = if commits {
        snapshot::take_screened
    } else {
        snapshot::take
    };
    let mut snapshot = take(ctx, branch.tip.as_ref(), &scan, &local.holding.set)?;
    if !snapshot.changes.is_empty() {
        if !commits {
            carry(ctx, &mut local, &snapshot)?;
            outcome.counts.dirty = snapshot.changes.len();
        } else if let Some(commit) = snapshot::commit(
            ctx,
            branch.tip.as_ref(),
            &mut snapshot,
            &local.holding.set,
            options.dry_run,
        )? {
            if !options.dry_run && !advance(ctx, ready, &scan, &snapshot, &commit)? {
                return Ok(None);
            }
            if !options.dry_run {
                ctx.listener.done(&Done::Committed(&snapshot.changes));
            }
            outcome.committed.append(&mut snapshot.changes);
            local.tip = Some(commit);
            if !options.dry_run {
                // The snapshot's index has become the user's.
                snapshot.seen = IndexSeen::now(&ctx.repo.index_path())?;
            }
        }
    } else if is_index_behind(ctx, &snapshot)
        && !options.dry_run
        && let Some(tip) = &branch.tip
    {
        // A hook has committed, or what was staged was taken back: the branch has it all, and the
        // index must not go on saying otherwise.
        if !advance(ctx, ready, &scan, &snapshot, tip)? {
            return Ok(None);
        }
        snapshot.seen = IndexSeen::now(&ctx.repo.index_path())?;
    }
    outcome.counts.dirty += snapshot.left_out.len();
    outcome.skipped.clone_from(&snapshot.skipped);
    local.snapshot = Some(snapshot);
    Ok(Some(local))
}

/// The held paths as they are now, with the ref brought up to date.
fn looked_at_again(
    ctx: &Context<'_>,
    options: &Options,
    ready: &Ready,
    outcome: &mut Outcome,
) -> Result<Holding> {
    let branch = &ready.branch;
    let mut holding = Holding::load(ctx, &branch.name)?;
    let Some(tip) = branch.tip.as_ref().filter(|_| !holding.set.is_empty()) else {
        return Ok(holding);
    };
    let set = ripe::named(ctx, &held::refresh(ctx, &holding, tip)?)?;
    if !options.dry_run
        && let Some(rest) = ripe::take(ctx, branch, &holding, &set)?
    {
        outcome.ripened = true;
        return Ok(rest);
    }
    if options.dry_run {
        holding.set = set;
        return Ok(holding);
    }
    let changes = holding.change_to(ctx, &branch.name, &set, [])?;
    if let Some(change) = changes.first() {
        let oid = change.new.clone();
        ctx.repo
            .change_refs("sync: held paths looked at again", &changes)?;
        holding = Holding { set, oid };
    }
    Ok(holding)
}

/// Is there anything to look at closely: a change, or something that cannot be kept?
fn is_work(scan: &Scan, holding: &Holding) -> bool {
    let changed = scan
        .dirty()
        .into_iter()
        .any(|path| !holding.set.covers(path));
    changed || !snapshot::unkeepable(scan).is_empty()
}

/// Does it take so long to look at all files that it pays to connect meanwhile?
fn is_large(ctx: &Context<'_>) -> Result<bool> {
    let index = fs::look(&ctx.repo.index_path())?;
    Ok(index.is_some_and(|index| index.len() > LARGE))
}

/// Does the user's index say that something is to be committed, where nothing is?
fn is_index_behind(ctx: &Context<'_>, snapshot: &Snapshot<'_>) -> bool {
    let staged = snapshot.staged.as_ref();
    ctx.settings.commit == CommitWhen::Always && staged.is_some_and(|tree| *tree != snapshot.tree)
}

/// Will what changed here be sent?
fn sends(ctx: &Context<'_>, options: &Options) -> bool {
    ctx.settings.commit != CommitWhen::Never && !options.dry_run && !options.offline
}

/// May making a commit ask the user something? ssh may too, and there is one terminal.
fn asks(ctx: &Context<'_>) -> Result<bool> {
    let repo = ctx.repo;
    let hooks = ["pre-commit", "prepare-commit-msg", "commit-msg"];
    let may_ask = repo.signs_commits()? || hooks.iter().any(|hook| repo.has_hook(hook));
    Ok(may_ask && !repo.is_background())
}

/// Makes commits of the user's uncommitted work that are carried along and never published.
fn carry(ctx: &Context<'_>, local: &mut Local<'_>, snapshot: &Snapshot<'_>) -> Result<()> {
    let mut parents: Vec<_> = local.tip.iter().cloned().collect();
    let trees = snapshot.staged.iter().chain([&snapshot.tree]);
    for tree in trees {
        let commit = Commit::new(tree.clone(), parents, "uncommitted work\n");
        let commit = ctx.repo.write_commit(&commit, Sign::No)?;
        parents = vec![commit.clone()];
        local.pending.push(commit);
    }
    local.staged = snapshot.staged.is_some();
    Ok(())
}

/// Moves the branch to the commit of the snapshot; `false` where the user was faster.
fn advance(
    ctx: &Context<'_>,
    ready: &Ready,
    scan: &Scan,
    snapshot: &Snapshot<'_>,
    commit: &Oid,
) -> Result<bool> {
    // Also where no file changes: where there can be no backup, nothing is done.
    backup::ensure(ctx, &[])?;
    let publication = Publication {
        branch: &ready.branch.name,
        old: ready.branch.tip.as_ref(),
        new: commit,
        index_tree: &snapshot.tree,
        live_tree: &snapshot.tree,
        changes: Vec::new(),
        copies: BTreeMap::new(),
        aside: BTreeMap::new(),
        index: &snapshot.index,
        index_holds: Some(&snapshot.tree),
        seen: snapshot.seen,
        refs: keep_staged(ctx, scan, snapshot)?,
        message: "sync: commit of this machine",
    };
    Ok(publish(ctx, &publication)? == Published::Done)
}

/// What was staged and then edited further is in the index alone, and the index is replaced.
fn keep_staged(ctx: &Context<'_>, scan: &Scan, snapshot: &Snapshot<'_>) -> Result<Vec<RefChange>> {
    let Some(tree) = snapshot
        .staged
        .as_ref()
        .filter(|_| !scan.staged.is_disjoint(&scan.changed))
    else {
        return Ok(Vec::new());
    };
    let commit = Commit::new(tree.clone(), Vec::new(), "what was staged before a sync\n");
    let commit = ctx.repo.write_commit(&commit, Sign::No)?;
    Ok(vec![kept::change(ctx, Some("staged"), commit)?])
}
