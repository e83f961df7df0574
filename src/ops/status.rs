//! Where this machine stands, from what is here: no network, and nothing written but the state for
//! the prompt.

use super::dispute::{Disputes, disputes};
use super::look::look;
use super::marks::list::{self, Link, Standing};
use super::screen::Screen;
use super::{Context, backup, guard, inherit, snapshot};
use crate::error::{Error, Result};
use crate::git::config::{CommitWhen, NewFiles};
use crate::git::repo::{Branch, Head, Upstream};
use crate::git::status::Scan;
use crate::model::entry::Mode;
use crate::model::held::{Held, HeldSet};
use crate::model::path::RepoPath;
use crate::model::run::RunRecord;
use crate::model::skipped::{Skipped, Why};
use crate::model::state::{Counts, State};
use crate::model::url;
use crate::store::{history, state};
use crate::sys::lock::{self, Holder};
use std::collections::BTreeSet;

/// So many runs are looked through for the last one that reached the remote.
const LOOK_BACK: usize = 50;

/// Where this machine stands.
#[derive(Debug)]
pub struct Outcome {
    /// In one word.
    pub state: State,
    /// In numbers.
    pub counts: Counts,
    /// The branch; `None` where HEAD is detached.
    pub branch: Option<Branch>,
    /// Where it is synced to.
    pub upstream: Option<Upstream>,
    /// The address of the remote, without a password.
    pub url: Option<String>,
    /// Changes that are in no commit.
    pub changes: Changes,
    /// Paths that wait for a decision.
    pub held: Vec<Held>,
    /// Where in the held texts each side has changed them.
    pub disputes: Disputes,
    /// Marked paths, and how each stands.
    pub marked: Vec<Standing>,
    /// The names of the backups, oldest first.
    pub backups: Vec<String>,
    /// An operation of the user's own that is not finished.
    pub in_progress: Option<&'static str>,
    /// Why a sync would refuse to begin.
    pub refusal: Option<Error>,
    /// The run that is going on.
    pub running: Option<Holder>,
    /// Did the last run die, so that the next one has to clean up?
    pub interrupted: bool,
    /// The newest run.
    pub last_run: Option<RunRecord>,
    /// The newest run that reached the remote.
    pub last_contact: Option<RunRecord>,
    /// When a sync last succeeded, RFC 3339.
    pub last_sync: Option<String>,
    /// The newest run that succeeded, as far as the history was looked through.
    pub last_success: Option<RunRecord>,
}

/// Changes that are in no commit, by kind.
#[derive(Debug, Default)]
pub struct Changes {
    /// Paths that are staged.
    pub staged: Vec<RepoPath>,
    /// Tracked paths that are changed and not staged.
    pub unstaged: Vec<RepoPath>,
    /// Paths that are not tracked.
    pub untracked: Vec<RepoPath>,
    /// Paths with an unfinished merge.
    pub conflicted: Vec<RepoPath>,
    /// Things that a sync names and leaves out.
    pub skipped: Vec<Skipped>,
}

/// Looks where the repository of `ctx` stands.
pub fn status(ctx: &Context<'_>) -> Result<Outcome> {
    guard::enrolled(ctx.repo)?;
    let repo = ctx.repo;
    let written = state::written(&ctx.layout)?;
    let branch = match repo.head()? {
        Head::Branch(branch) => Some(branch),
        Head::Detached => None,
    };
    let upstream = branch
        .as_ref()
        .and_then(|branch| repo.upstream(&branch.name));
    let set = held_now(ctx, branch.as_ref())?;
    let mut scan = ctx.scan(ctx.settings.new_files != NewFiles::Tracked)?;
    let held_back = held_back(ctx, branch.as_ref(), &scan, &set)?;
    // A sync names it and leaves it out, so it is nothing to commit.
    let mut skipped = snapshot::unkeepable(&scan);
    let refused = refused(ctx, &scan.untracked)?;
    scan.changed.retain(|path| {
        let name = refused.contains(path).then_some(Why::Name);
        let Some(why) = snapshot::unreadable(ctx, path).or(name) else {
            return true;
        };
        scan.untracked.remove(path);
        let path = path.clone();
        skipped.push(Skipped { path, why });
        false
    });
    skipped.extend(held_back);
    let changes = changes(&scan, &set, skipped);
    let mut counts = Counts {
        held: set.len(),
        ..Counts::default()
    };
    // What a sync would ask about, and leave alone in the background, is nothing to commit yet.
    let asks = ctx.settings.new_files == NewFiles::Ask;
    counts.dirty = scan
        .dirty()
        .into_iter()
        .filter(|path| !set.covers(path))
        .filter(|path| !asks || !scan.untracked.contains(*path))
        .count();
    let marked = list::list(ctx)?;
    // A sync takes in what stands in the place of a link.
    let replaced = |standing: &&Standing| matches!(standing.link, Link::Replaced | Link::Changed);
    counts.dirty += marked.iter().filter(replaced).count();
    if let (Some(tip), Some(upstream)) = (branch.as_ref().and_then(|b| b.tip.as_ref()), &upstream) {
        match repo.last_seen(&upstream.tracking)? {
            Some(theirs) => (counts.ahead, counts.behind) = repo.ahead_behind(tip, &theirs)?,
            None => counts.ahead = repo.commits(tip, None)?.len(),
        }
    }
    let running = lock::holder(&ctx.layout.lock());
    let interrupted = running.is_none() && lock::holder_died(&ctx.layout.lock());
    let mut runs = history::newest(&ctx.layout, LOOK_BACK)?;
    let contact = |run: &&RunRecord| run.connections > 0 && !run.result.is_without_remote();
    let last_contact = runs.iter().find(contact).cloned();
    let last_success = runs.iter().find(|run| run.result.is_success()).cloned();
    let last_run = (!runs.is_empty()).then(|| runs.swap_remove(0));
    let in_progress = repo.in_progress();
    let refusal = guard::check(ctx).and_then(|_| guard::merged(&scan)).err();
    let state = judge(
        &counts,
        running,
        last_run.as_ref(),
        refusal.is_some() || interrupted,
    );
    let outcome = Outcome {
        state,
        counts,
        url: upstream
            .as_ref()
            .and_then(|u| repo.remote_url(&u.remote))
            .map(|url| url::shown(&url)),
        branch,
        upstream,
        changes,
        disputes: disputes(ctx, set.iter()),
        held: set.iter().cloned().collect(),
        marked,
        backups: backup::names(ctx)?,
        in_progress,
        refusal,
        running,
        interrupted,
        last_run,
        last_contact,
        last_sync: state::last_sync(&ctx.layout)?,
        last_success,
    };
    // A run that began or ended meanwhile knows better.
    let is_news = || Ok(state::written(&ctx.layout)? == written);
    if outcome.running.is_none() && ctx.layout.visible().is_dir() && is_news()? {
        state::write(
            &ctx.layout,
            ctx.settings.icons,
            outcome.state,
            outcome.counts,
        )?;
    }
    Ok(outcome)
}

/// Those of `names` that git refuses. It is only asked where one looks like that.
fn refused(ctx: &Context<'_>, names: &BTreeSet<RepoPath>) -> Result<Vec<RepoPath>> {
    if !names.iter().any(RepoPath::may_be_refused) {
        return Ok(Vec::new());
    }
    let kinds = names.iter().map(|path| {
        let found = std::fs::symlink_metadata(path.below(ctx.repo.top()));
        let is_link = found.is_ok_and(|found| found.is_symlink());
        (path.clone(), if is_link { Mode::Link } else { Mode::File })
    });
    look(ctx, || ctx.repo.refused_names(kinds, ctx.scratch("names")))
}

/// The held paths as they stand; whether one can be let go is for a sync to say.
fn held_now(ctx: &Context<'_>, branch: Option<&Branch>) -> Result<HeldSet> {
    match branch {
        Some(branch) if inherit::is_any_held(ctx)? => look(ctx, || inherit::held_now(ctx, branch)),
        _ => Ok(HeldSet::default()),
    }
}

/// What a sync would not commit by itself. The files are looked at first: only where one of them is
/// suspect, it is asked what would be in a commit.
fn held_back(
    ctx: &Context<'_>,
    branch: Option<&Branch>,
    scan: &Scan,
    held: &HeldSet,
) -> Result<Vec<Skipped>> {
    let Some(branch) = branch.filter(|_| ctx.settings.commit == CommitWhen::Always) else {
        return Ok(Vec::new());
    };
    if !scan.unmerged.is_empty() {
        return Ok(Vec::new());
    }
    let screen = Screen::of(ctx);
    let is_free =
        |path: &&RepoPath| !held.covers(path) && snapshot::unreadable(ctx, path).is_none();
    let paths = scan.changed.union(&scan.staged).filter(is_free);
    for path in paths {
        if screen.suspects(path)? {
            let taken = look(ctx, || {
                snapshot::take_screened(ctx, branch.tip.as_ref(), scan, held)
                    .map(|snapshot| snapshot.skipped)
            });
            let mut skipped = taken?;
            skipped.retain(|skipped| matches!(skipped.why, Why::Secret { .. } | Why::Large { .. }));
            return Ok(skipped);
        }
    }
    Ok(Vec::new())
}

/// Each path is told once: what is skipped is not called new or changed as well.
fn changes(scan: &Scan, held: &HeldSet, skipped: Vec<Skipped>) -> Changes {
    let left_out: BTreeSet<_> = skipped.iter().map(|skipped| &skipped.path).collect();
    let free = |path: &&RepoPath| !held.covers(path) && !left_out.contains(path);
    let tracked = scan.changed.iter().chain(&scan.submodules);
    Changes {
        staged: scan.staged.iter().filter(free).cloned().collect(),
        unstaged: tracked
            .filter(|path| free(path) && !scan.untracked.contains(*path))
            .cloned()
            .collect(),
        untracked: scan.untracked.iter().filter(free).cloned().collect(),
        conflicted: scan.unmerged.iter().cloned().collect(),
        skipped,
    }
}

fn judge(
    counts: &Counts,
    running: Option<Holder>,
    last: Option<&RunRecord>,
    is_stuck: bool,
) -> State {
    if running.is_some() {
        return State::Syncing;
    }
    if is_stuck {
        return State::Error;
    }
    match counts.state() {
        // A failure stays in sight until a run succeeds, unless something graver is.
        State::Held => State::Held,
        _ if last.is_some_and(|run| run.result.is_failure()) => State::Error,
        state => state,
    }
}
