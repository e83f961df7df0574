//! Writes down what a run did: the state for prompts, the history for people.

use super::Context;
use super::sync::{Outcome, Reach};
use crate::error::{Error, Result};
use crate::model::run::{RunRecord, RunResult, SCHEMA};
use crate::model::state::{Counts, State};
use crate::store::{history, state};
use crate::sys::clock;
use std::time::Instant;

/// When a run began.
#[derive(Debug, Clone)]
pub struct Begun {
    command: &'static str,
    start: String,
    instant: Instant,
}

impl Begun {
    /// Now.
    pub fn now(command: &'static str) -> Self {
        let start = clock::rfc3339(clock::now());
        Self {
            command,
            start,
            instant: Instant::now(),
        }
    }

    /// Says that a run is going on.
    pub fn announce(&self, ctx: &Context<'_>) -> Result<()> {
        let counts = state::read(&ctx.layout)?
            .map(|line| line.counts)
            .unwrap_or_default();
        state::write(&ctx.layout, State::Syncing, counts)
    }

    /// Writes down how it ended. A disk without room for that does not make a good run bad.
    pub fn ended(&self, ctx: &Context<'_>, result: &mut Result<Outcome>) {
        let ms = u64::try_from(self.instant.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Ok(outcome) = result {
            outcome.ms = ms;
        }
        let written = match result {
            Ok(outcome) => self.write(ctx, outcome),
            Err(error) => self.write_failure(ctx, error, ms),
        };
        if let Err(error) = written {
            ctx.listener
                .warn(&format!("the state could not be written: {error}"));
        }
    }

    fn write(&self, ctx: &Context<'_>, outcome: &Outcome) -> Result<()> {
        state::write(&ctx.layout, outcome.state(), outcome.counts)?;
        let result = outcome.result();
        if matches!(result, RunResult::Ok | RunResult::Skipped) {
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
            ..self.record(ctx, result, outcome.ms)
        };
        history::append(&ctx.layout, &record)
    }

    fn write_failure(&self, ctx: &Context<'_>, error: &Error, ms: u64) -> Result<()> {
        let counts = state::read(&ctx.layout)?
            .map(|line| line.counts)
            .unwrap_or_default();
        state::write(&ctx.layout, State::Error, Counts { ..counts })?;
        let text = std::iter::once(error.to_string()).chain(error.causes());
        let record = RunRecord {
            error: Some(text.collect::<Vec<_>>().join(": ")),
            ..self.record(ctx, RunResult::Failed, ms)
        };
        history::append(&ctx.layout, &record)
    }

    fn record(&self, ctx: &Context<'_>, result: RunResult, ms: u64) -> RunRecord {
        RunRecord {
            schema: SCHEMA,
            command: self.command.to_owned(),
            background: ctx.repo.is_background(),
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
