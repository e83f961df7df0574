//! Outcomes for programs: one object, with a `schema` that rises when something is taken away.

use crate::error::Error;
use crate::model::entry::Change;
use crate::ops::sync::{Outcome, Reach};
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
        "kept": outcome.kept,
        "rewritten": outcome.rewritten,
        "counts": outcome.counts,
        "connections": outcome.connections,
        "ms": outcome.ms,
        "exit": exit,
        "error": Value::Null,
    })
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
