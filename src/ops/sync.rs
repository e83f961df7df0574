//! One sync: what changed here is committed, what changed there arrives, and both are the same
//! afterwards, but for what waits for a decision.
//!
//! A round does all of it once. Where somebody was faster (another machine pushed, the user saved a
//! file or committed), nothing is forced: the round is run again on what is there now.

use super::diff::{self, Difference, Extent};
use super::dispute::{self, Disputes};
use super::expire::expire;
use super::guard::{self, Ready};
use super::link::Link;
use super::local::commit_local;
use super::marks::reconcile::{self, reconcile};
use super::marks::{Finding, merged};
use super::new_files::Answers;
use super::record::Begun;
use super::upstream;
use super::{Context, backup, identity, inherit, recover};
use crate::error::{Error, Result};
use crate::git::remote::Unreachable;
use crate::model::entry::Change;
use crate::model::held::Held;
use crate::model::lines::LineCount;
use crate::model::path::RepoPath;
use crate::model::run::RunResult;
use crate::model::skipped::Skipped;
use crate::model::state::{Counts, State};
use crate::store::journal::{Found, Journal};
use crate::store::{leftovers, machine, state};
use crate::sys::lock::Lock;
use crate::sys::{clock, fs, interrupt, process};
use std::collections::BTreeSet;
use std::time::Duration;

/// How a sync is run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Change nothing; say what would change.
    pub dry_run: bool,
    /// With a dry run: read what differs, to show it.
    pub differences: bool,
    /// Do not touch the network.
    pub offline: bool,
    /// How long to wait for another run.
    pub wait: Duration,
    /// Where somebody would be asked about a marked file: the repository's copy.
    pub yes: bool,
}

/// Was the remote asked?
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reach {
    /// There is none.
    #[default]
    NoRemote,
    /// It was not asked, as wished.
    Offline,
    /// It was.
    Reached,
    /// It could not be.
    Unreachable(Unreachable),
}

/// What a sync did, or would do.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// `origin/main`; `None` without a remote.
    pub upstream: Option<String>,
    /// This machine.
    pub machine: String,
    /// The branch, `main`.
    pub branch: String,
    /// Was it only a rehearsal?
    pub dry_run: bool,
    /// What was committed on this machine.
    pub committed: Vec<Change>,
    /// Commits that came.
    pub pulled: usize,
    /// The machines that made them, the newest first.
    pub origins: Vec<String>,
    /// What they changed in the work tree.
    pub pulled_changes: Vec<Change>,
    /// Commits that were sent.
    pub pushed: usize,
    /// Paths that wait for a decision.
    pub held: Vec<Held>,
    /// Where in a held path the two sides have changed it, where that can be said.
    pub disputes: Disputes,
    /// Paths that cannot be synced.
    pub skipped: Vec<Skipped>,
    /// New files that are not synced, as the user wants to be asked about them.
    pub left: Vec<RepoPath>,
    /// Marked paths that were not as they should be.
    pub marks: Vec<Finding>,
    /// Paths that a policy decided, and its word.
    pub settled: Vec<(RepoPath, &'static str)>,
    /// Did something come that was held only because it could not be written before?
    pub ripened: bool,
    /// Was something decided before, or a decision taken back?
    pub decided: bool,
    /// Paths that were held until a force decided about them.
    pub released: Vec<RepoPath>,
    /// The ref that keeps what was replaced, where something was.
    pub kept: Option<String>,
    /// Was the history of the remote rewritten?
    pub rewritten: bool,
    /// Was the remote asked?
    pub reach: Reach,
    /// When a sync last succeeded before this one, RFC 3339; read where the remote was not reached.
    pub last_sync: Option<String>,
    /// With a dry run: how much would be committed.
    pub commit_extents: Vec<Extent>,
    /// With a dry run: how much would be pulled.
    pub pull_extents: Vec<Extent>,
    /// With a dry run, where wished: what differs.
    pub differences: Vec<Difference>,
    /// What is left to do.
    pub counts: Counts,
    /// The backup that was made before anything was changed; none where nothing was new in it.
    pub backup: Option<String>,
    /// Connections to the remote.
    pub connections: u32,
    /// Milliseconds.
    pub ms: u64,
}

impl Outcome {
    /// The state afterwards.
    pub fn state(&self) -> State {
        match self.counts.state() {
            State::Held => State::Held,
            _ if self.result().is_failure() => State::Error,
            state => state,
        }
    }

    /// How it ended.
    pub fn result(&self) -> RunResult {
        if let Reach::Unreachable(unreachable) = &self.reach {
            if unreachable.login {
                RunResult::LoginRefused
            } else {
                RunResult::Unreachable
            }
        } else if !self.held.is_empty() {
            RunResult::Held
        } else if !self.skipped.is_empty() || self.marks.iter().any(|f| f.left.is_some()) {
            RunResult::Skipped
        } else {
            RunResult::Ok
        }
    }

    /// Did anything change, or would it?
    pub fn is_change(&self) -> bool {
        self.decided
            || self.ripened
            || self.marks.iter().any(|finding| finding.left.is_none())
            || self.pulled + self.pushed > 0
            || !(self.committed.is_empty()
                && self.pulled_changes.is_empty()
                && self.settled.is_empty())
    }
}

/// Syncs the repository of `ctx`.
pub fn sync(ctx: &Context<'_>, options: &Options) -> Result<Outcome> {
    if options.dry_run {
        return rehearsed(ctx, options);
    }
    let begun = Begun::now("sync");
    let result = guard::check(ctx).and_then(|_| {
        with_lock(ctx, options, |ready| {
            machine::remember(&ctx.layout, &ctx.machine)?;
            begun.announce(ctx)?;
            let mut result = run(ctx, options, ready);
            begun.ended(ctx, &mut result);
            if result.as_ref().is_ok_and(Outcome::is_change) {
                if let Err(error) = expire(ctx) {
                    ctx.listener
                        .warn(&format!("what was replaced long ago is kept on: {error}"));
                }
                ctx.repo.maintain()?;
            }
            result
        })
    });
    begun.refused(ctx, &result);
    result
}

fn rehearsed(ctx: &Context<'_>, options: &Options) -> Result<Outcome> {
    guard::check(ctx)?;
    with_lock(ctx, options, |ready| {
        rehearse(ctx, || {
            let mut outcome = run(ctx, options, ready)?;
            measure(ctx, options, &mut outcome)?;
            Ok(outcome)
        })
    })
}

/// So many paths of each side are measured.
const MEASURED: usize = 200;

/// How much a dry run would change, read while its objects are there; what exactly, where that is wished.
fn measure(ctx: &Context<'_>, options: &Options, outcome: &mut Outcome) -> Result<()> {
    let there = outcome.upstream.clone().unwrap_or_default();
    let sides = [
        (
            "before",
            "here",
            &outcome.committed,
            &mut outcome.commit_extents,
        ),
        (
            "here",
            &*there,
            &outcome.pulled_changes,
            &mut outcome.pull_extents,
        ),
    ];
    for (old, new, changes, extents) in sides {
        for (number, change) in changes.iter().enumerate() {
            let mut lines = None;
            if number < MEASURED || options.differences {
                let between = (old.to_owned(), new.to_owned());
                let difference = diff::read(ctx, change.clone(), between)?;
                let text = difference.text.as_ref();
                lines = text.map(|(old, new)| LineCount::between(old, new));
                if options.differences {
                    outcome.differences.push(difference);
                }
            }
            extents.push(Extent {
                change: change.clone(),
                lines,
            });
        }
    }
    Ok(())
}

/// Runs `work` alone in the repository, after what a dead run left is cleaned up.
pub(super) fn with_lock<T>(
    ctx: &Context<'_>,
    options: &Options,
    work: impl FnOnce(Ready) -> Result<T>,
) -> Result<T> {
    ctx.layout.create()?;
    let mut lock = Lock::take(&ctx.layout.lock(), options.wait, clock::epoch())?;
    // Until it is done: what fails before leaves it to be done.
    lock.pass_on();
    let ready = guard::check(ctx)?;
    identity::ensure(ctx, !options.dry_run)?;
    if options.dry_run {
        recover::is_settled(ctx)?;
    } else {
        recover::recover(ctx, &ready, &lock)?;
        lock.is_cleaned_up();
    }
    let scratch = ctx.layout.fresh_scratch()?;
    let (branch, upstream) = (ready.branch.name.clone(), ready.upstream.clone());
    ctx.repo.set_lock(Some(lock.share()?));
    // A dry run too: it only says where a decision is still waiting.
    let result = inherit::inherit(ctx, &ready.branch).and_then(|()| work(ready));
    // One that was begun ends before the lock is let go.
    let settled = backup::settle(ctx);
    let result = result.and_then(|done| settled.map(|()| done));
    ctx.repo.set_lock(None);
    if process::had_casualty() {
        leftovers::remove_locks(ctx.repo, &branch, upstream.as_ref(), lock.taken())?;
    }
    // What a journal that is left is about has its index there: by that, the lock on the user's is known for ours.
    if matches!(Journal::find(&ctx.layout), Ok(Found::Nothing)) {
        fs::remove_scratch(&scratch)?;
    }
    drop(lock);
    result
}

/// Runs `work` with all new objects going to a folder that is thrown away.
pub(super) fn rehearse<T>(ctx: &Context<'_>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let objects = ctx.scratch("objects");
    fs::create_dir_all(&objects)?;
    ctx.repo.set_quarantine(Some(objects));
    let result = work();
    ctx.repo.set_quarantine(None);
    result
}

/// How a round ended.
pub(super) enum Round {
    /// There is nothing left to do.
    Done,
    /// Somebody was faster, in these words.
    Again(String),
    /// These files were saved while they were about to be replaced.
    Left(Vec<RepoPath>),
}

impl Round {
    /// The user's git was faster.
    pub(super) fn moved() -> Self {
        Self::Again("the branch or the index changed meanwhile".to_owned())
    }
}

/// Mends the marks, syncs, and looks at them again, as some may have arrived; call it with the lock
/// held.
pub(super) fn run(ctx: &Context<'_>, options: &Options, ready: Ready) -> Result<Outcome> {
    let wish = reconcile::Options {
        dry_run: options.dry_run,
        yes: options.yes,
        ..reconcile::Options::default()
    };
    let mut outcome = Outcome {
        machine: ctx.machine.id.clone(),
        branch: ready.branch.short().to_owned(),
        upstream: ready
            .upstream
            .as_ref()
            .map(crate::git::repo::Upstream::short),
        dry_run: options.dry_run,
        ..Outcome::default()
    };
    let first = reconcile(ctx, &ready.branch, wish)?;
    outcome.marks = first.findings;
    // What was taken in is in a commit after the rounds: the memory shall name that one.
    let mut is_due = first.later || first.dirty;
    let mut next = ready;
    let remote = next
        .upstream
        .as_ref()
        .map(|upstream| upstream.remote.clone());
    let mut link = Link::new(ctx.repo, remote);
    let mut answers = Answers::default();
    for _ in 0..MARK_ROUNDS {
        rounds(ctx, options, next, &mut link, &mut answers, &mut outcome)?;
        // What came may be a mark, or the copy of one.
        is_due |= outcome.ripened || !outcome.pulled_changes.is_empty();
        if options.dry_run || !is_due {
            break;
        }
        next = guard::check(ctx)?;
        let known = std::mem::take(&mut outcome.marks);
        let wish = reconcile::Options {
            after: true,
            known: &known,
            ..wish
        };
        let again = reconcile(ctx, &next.branch, wish)?;
        outcome.marks = merged(known, again.findings);
        if !again.dirty {
            break;
        }
    }
    backup::settle(ctx)?;
    backup::keep_for_held(ctx, &outcome.held)?;
    Ok(outcome)
}

/// Rounds until there is nothing left to do.
fn rounds<'repo>(
    ctx: &Context<'repo>,
    options: &Options,
    ready: Ready,
    link: &mut Link<'repo>,
    answers: &mut Answers,
    outcome: &mut Outcome,
) -> Result<()> {
    let mut ready = ready;
    let mut why = String::new();
    let (mut left, mut busy) = (BTreeSet::new(), BTreeSet::new());
    for attempt in 0..=ctx.settings.retries {
        if attempt > 0 {
            pause(attempt);
            let branch = std::mem::take(&mut ready.branch.name);
            ready = guard::check(ctx)?;
            if ready.branch.name != branch {
                return Err(Error::blocked("another branch was checked out meanwhile")
                    .hint("git sync   syncs that one"));
            }
        }
        match round(ctx, options, &ready, link, answers, &busy, outcome)? {
            Round::Done => {
                outcome.disputes = dispute::disputes(ctx, &outcome.held);
                if matches!(outcome.reach, Reach::Unreachable(_)) {
                    outcome.last_sync = state::last_sync(&ctx.layout)?;
                }
                return Ok(());
            }
            Round::Again(reason) => why = reason,
            Round::Left(paths) => {
                "files were saved meanwhile".clone_into(&mut why);
                // A file that is always being written must not keep all others waiting.
                busy.extend(paths.iter().filter(|path| left.contains(*path)).cloned());
                left.extend(paths);
            }
        }
    }
    let times = ctx.settings.retries + 1;
    Err(
        Error::blocked(format!("gave up after {times} tries: {why}"))
            .hint("nothing is lost; run 'git sync' again")
            .hint("sync.retries says how often it is tried"),
    )
}

/// Two machines that lost a race against each other must not meet again at once.
fn pause(attempt: u32) {
    let spread = u64::from(jiff::Timestamp::now().subsec_nanosecond().unsigned_abs() % 100);
    let millis = (20_u64 << attempt.min(6)) + spread;
    std::thread::sleep(Duration::from_millis(millis));
}

fn round<'repo>(
    ctx: &Context<'repo>,
    options: &Options,
    ready: &Ready,
    link: &mut Link<'repo>,
    answers: &mut Answers,
    busy: &BTreeSet<RepoPath>,
    outcome: &mut Outcome,
) -> Result<Round> {
    interrupt::check()?;
    let Some(local) = commit_local(ctx, options, ready, link, answers, outcome)? else {
        return Ok(Round::moved());
    };
    upstream::meet(ctx, options, ready, &local, link, busy, outcome)
}

/// So often what arrived at marked files may give more to commit.
const MARK_ROUNDS: u32 = 3;
