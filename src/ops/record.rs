//! Writes down what a run did: the state for prompts, the history for people.

use super::sync::{Outcome, Reach};
use super::{Context, backup, guard};
use crate::error::{Error, Kind, Result};
use crate::git::Repo;
use crate::git::config;
use crate::model::due::{self, Due};
use crate::model::run::{RunRecord, RunResult, SCHEMA};
use crate::model::state::State;
use crate::store::layout::Layout;
use crate::store::{history, state};
use crate::sys::clock;
use std::cell::Cell;
use std::time::Instant;

/// When a run began.
#[derive(Debug, Clone)]
pub struct Begun {
    command: &'static str,
    start: String,
    instant: Instant,
    is_told: Cell<bool>,
}

impl Begun {
    /// Now.
    pub fn now(command: &'static str) -> Self {
        let start = clock::rfc3339(clock::now());
        Self {
            command,
            start,
            instant: Instant::now(),
            is_told: Cell::new(false),
        }
    }

    /// Says that a run is going on.
    pub fn announce(&self, ctx: &Context<'_>) -> Result<()> {
        let counts = state::read(&ctx.layout)?
            .map(|line| line.counts)
            .unwrap_or_default();
        state::write(&ctx.layout, ctx.settings.icons, State::Syncing, counts)
    }

    /// Writes down how it ended. A disk without room for that does not make a good run bad.
    pub fn ended(&self, ctx: &Context<'_>, result: &mut Result<Outcome>) {
        let ms = self.ms();
        if let Ok(outcome) = result {
            outcome.ms = ms;
            let made = backup::made(ctx).filter(|made| made.is_new);
            outcome.backup = made.map(|made| made.id);
        }
        let written = match result {
            Ok(outcome) => self.write(ctx, outcome),
            Err(error) => self.write_failure(ctx.repo, &ctx.layout, error, ms),
        };
        self.is_told.set(true);
        if let Err(error) = written {
            ctx.listener
                .warn(&format!("the state could not be written: {error}"));
        }
    }

    /// Writes down that it never came to its work: in the background nobody hears why. Another run is
    /// no reason, and a repository that is not enrolled is left alone.
    pub fn refused<T>(&self, ctx: &Context<'_>, result: &Result<T>) {
        if let Err(error) = result
            && !self.is_told.get()
        {
            self.write_refusal(ctx.repo, &ctx.layout, error);
        }
    }

    fn write_refusal(&self, repo: &Repo, layout: &Layout, error: &Error) {
        if error.kind() == Kind::Busy || guard::enrolled(repo).is_err() {
            return;
        }
        let written = layout
            .create()
            .and_then(|()| self.write_failure(repo, layout, error, self.ms()));
        // The refusal is the error that is told.
        drop(written);
    }

    fn ms(&self) -> u64 {
        u64::try_from(self.instant.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn write(&self, ctx: &Context<'_>, outcome: &Outcome) -> Result<()> {
        state::write(
            &ctx.layout,
            ctx.settings.icons,
            outcome.state(),
            outcome.counts,
        )?;
        let result = outcome.result();
        if result.is_success() {
            state::write_last_sync(&ctx.layout)?;
        }
        let error = match &outcome.reach {
            Reach::Unreachable(unreachable) => Some(unreachable.why.clone()),
            _ => None,
        };
        let record = RunRecord {
            state: outcome.state().word().to_owned(),
            committed: outcome.committed.len(),
            pulled: outcome.pulled,
            pushed: outcome.pushed,
            held: outcome.held.len(),
            connections: outcome.connections,
            error,
            ..self.record(ctx.repo, result, outcome.ms)
        };
        history::append(&ctx.layout, &record)?;
        write_due(&ctx.layout, ctx.settings.interval)
    }

    fn write_failure(&self, repo: &Repo, layout: &Layout, error: &Error, ms: u64) -> Result<()> {
        let counts = state::read(layout)?
            .map(|line| line.counts)
            .unwrap_or_default();
        // A bad value is told elsewhere.
        let icons = config::icons(repo).unwrap_or_default();
        state::write(layout, icons, State::Error, counts)?;
        let record = RunRecord {
            error: Some(error.in_one_line()),
            ..self.record(repo, RunResult::Failed, ms)
        };
        history::append(layout, &record)?;
        write_due(layout, config::interval(repo).unwrap_or_default())
    }

    fn record(&self, repo: &Repo, result: RunResult, ms: u64) -> RunRecord {
        RunRecord {
            schema: SCHEMA,
            command: self.command.to_owned(),
            background: repo.is_background(),
            start: self.start.clone(),
            end: clock::rfc3339(clock::now()),
            ms,
            result,
            state: State::Error.word().to_owned(),
            committed: 0,
            pulled: 0,
            pushed: 0,
            held: 0,
            connections: 0,
            error: None,
        }
    }
}

/// When the next background run is due, by what the history tells; `None` where there was no run.
pub fn due(layout: &Layout, interval: i64) -> Result<Option<Due>> {
    Ok(Due::after(
        &history::newest(layout, due::LOOK_BACK)?,
        interval,
    ))
}

fn write_due(layout: &Layout, interval: i64) -> Result<()> {
    match due(layout, interval)? {
        Some(due) => state::write_due(layout, due),
        None => Ok(()),
    }
}

/// Writes down that `command` could not even begin, because of a setting. The same failure again is no
/// news: every shell that starts tries it.
pub(super) fn cannot_begin(repo: &Repo, command: &'static str, error: &Error) {
    let layout = Layout::of(repo);
    let newest = history::newest(&layout, 1).unwrap_or_default();
    let known = newest
        .first()
        .is_some_and(|run| run.error.as_ref() == Some(&error.in_one_line()));
    if !known || !repo.is_background() {
        Begun::now(command).write_refusal(repo, &layout, error);
    }
}
