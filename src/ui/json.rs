//! Outcomes for programs: one object, with a `schema` that rises when something is taken away.

use crate::error::{Error, Result};
use crate::model::entry::Change;
use crate::model::held::HeldSet;
use crate::model::run::RunRecord;
use crate::ops::diff::Difference;
use crate::ops::sync::{Outcome, Reach};
use crate::ops::{Context, status};
use crate::sys::clock;
use serde_json::{Value, json};

/// The version of every object here.
pub const SCHEMA: u32 = 1;

/// A sync, with the exit code that it leads to.
pub fn sync(outcome: &Outcome, exit: u8) -> Value {
    let reach = match &outcome.reach {
        Reach::NoRemote => "no-remote",
        Reach::Offline => "offline",
        Reach::Reached => "reached",
        Reach::Unreachable(_) => "unreachable",
    };
    let why = match &outcome.reach {
        Reach::Unreachable(unreachable) => Some(&unreachable.why),
        _ => None,
    };
    let settled: Vec<_> = outcome
        .settled
        .iter()
        .map(|(path, policy)| json!({ "path": path, "policy": policy }))
        .collect();
    json!({
        "schema": SCHEMA,
        "dry_run": outcome.dry_run,
        "state": outcome.state().word(),
        "icon": outcome.state().icon(),
        "upstream": outcome.upstream,
        "remote": reach,
        "unreachable": why,
        "steps": {
            "commit": changes(&outcome.committed),
            "pull": { "commits": outcome.pulled, "changes": changes(&outcome.pulled_changes) },
            "push": { "commits": outcome.pushed },
        },
        "settled": settled,
        "held": outcome.held,
        "skipped": outcome.skipped,
        "released": outcome.released,
        "kept": outcome.kept,
        "rewritten": outcome.rewritten,
        "counts": outcome.counts,
        "connections": outcome.connections,
        "ms": outcome.ms,
        "exit": exit,
        "error": Value::Null,
    })
}

/// Where this machine stands.
pub fn status(ctx: &Context<'_>, outcome: &status::Outcome) -> Value {
    let changes = &outcome.changes;
    json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "time": clock::rfc3339(clock::now()),
        "machine": ctx.machine,
        "repository": {
            "path": ctx.repo.top().to_string_lossy(),
            "branch": outcome.branch.as_ref().map(super::super::git::repo::Branch::short),
            "upstream": outcome.upstream.as_ref().map(super::super::git::repo::Upstream::short),
            "url": outcome.url,
        },
        "state": outcome.state.word(),
        "icon": outcome.state.icon(),
        "ahead": outcome.counts.ahead,
        "behind": outcome.counts.behind,
        "changes": {
            "staged": changes.staged,
            "unstaged": changes.unstaged,
            "untracked": changes.untracked,
            "conflicted": changes.conflicted,
            "skipped": changes.unsyncable,
        },
        "held": outcome.held,
        "in_progress": outcome.in_progress,
        "refusal": outcome.refusal.as_ref().map(ToString::to_string),
        "running": outcome.running.map(|holder| holder.pid),
        "last_contact": outcome.last_contact.as_ref().map(|run| &run.end),
        "last_sync": outcome.last_sync,
        "last_run": outcome.last_run,
        "last_error": outcome.last_run.as_ref().and_then(|run| run.error.as_ref()),
    })
}

/// One run of the history, as it is kept.
pub fn run(record: &RunRecord) -> Result<String> {
    serde_json::to_string(record)
        .map(|line| line + "\n")
        .map_err(|source| Error::failed("a run cannot be shown").because(source))
}

/// The held paths.
pub fn held(set: &HeldSet) -> Value {
    json!({ "schema": SCHEMA, "held": set.iter().collect::<Vec<_>>() })
}

/// What differs from the remote.
pub fn diff(differences: &[Difference]) -> Value {
    let one = |difference: &Difference| {
        let Difference {
            change,
            between,
            text,
        } = difference;
        json!({
            "path": change.path,
            "change": change.letter().to_string(),
            "between": [between.0, between.1],
            "old": change.old,
            "new": change.new,
            "binary": text.is_none(),
        })
    };
    json!({ "schema": SCHEMA, "differences": differences.iter().map(one).collect::<Vec<_>>() })
}

/// A failure, with the exit code that it leads to.
pub fn error(error: &Error, exit: u8) -> Value {
    json!({
        "schema": SCHEMA,
        "exit": exit,
        "error": {
            "message": error.to_string(),
            "causes": error.causes(),
            "hints": error.hints(),
        },
    })
}

/// Paths with the letter of what happened to them.
pub fn changes(changes: &[Change]) -> Value {
    changes
        .iter()
        .map(|change| json!({ "path": change.path, "change": change.letter().to_string() }))
        .collect()
}

/// One line of JSON.
pub fn line(value: &Value) -> String {
    format!("{value}\n")
}
