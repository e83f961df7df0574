//! Outcomes for programs: one object, with a `schema` that rises when something is taken away.

use crate::error::{Error, Result};
use crate::model::entry::Change;
use crate::model::held::{Held, HeldSet};
use crate::model::path::RepoPath;
use crate::model::run::RunRecord;
use crate::model::state::Icons;
use crate::ops::diff::Difference;
use crate::ops::dispute::Disputes;
use crate::ops::resolve::Choice;
use crate::ops::sync::{Outcome, Reach};
use crate::ops::{Context, status};
use crate::sys::clock;
use crate::sys::hex::hex;
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

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
        .map(|(settled, policy)| json!({ "path": path(settled), "policy": policy }))
        .collect();
    json!({
        "schema": SCHEMA,
        "dry_run": outcome.dry_run,
        "state": outcome.state().word(),
        "icon": outcome.state().icon(Icons::Unicode),
        "upstream": outcome.upstream,
        "remote": reach,
        "unreachable": why,
        "steps": steps(outcome),
        "settled": settled,
        "marks": super::marks::findings(&outcome.marks),
        "conflicts": all_held(&outcome.held, &outcome.disputes),
        "skipped": super::skipped::objects(&outcome.skipped),
        "left": paths(&outcome.left),
        "released": paths(&outcome.released),
        "kept": outcome.kept,
        "backup": outcome.backup,
        "rewritten": outcome.rewritten,
        "counts": outcome.counts,
        "connections": outcome.connections,
        "ms": outcome.ms,
        "exit": exit,
        "error": Value::Null,
    })
}

/// What was done, or would be, in this order; a step that had nothing to do is not there.
fn steps(outcome: &Outcome) -> Value {
    let done = if outcome.dry_run { "planned" } else { "done" };
    let mut steps = Vec::new();
    if !outcome.committed.is_empty() {
        steps.push(json!({
            "name": "commit",
            "result": done,
            "count": outcome.committed.len(),
            "files": changes(&outcome.committed),
        }));
    }
    if outcome.pulled > 0 || !outcome.pulled_changes.is_empty() {
        steps.push(json!({
            "name": "pull",
            "result": done,
            "count": outcome.pulled,
            "from": outcome.origins,
            "files": changes(&outcome.pulled_changes),
        }));
    }
    if outcome.pushed > 0 {
        steps.push(json!({ "name": "push", "result": done, "count": outcome.pushed }));
    } else if outcome.counts.ahead > 0 && outcome.upstream.is_some() {
        // It could not be sent, or was not to be.
        steps.push(json!({ "name": "push", "result": "waits", "count": outcome.counts.ahead }));
    }
    steps.into()
}

/// Where this machine stands.
pub fn status(ctx: &Context<'_>, outcome: &status::Outcome) -> Value {
    let changes = &outcome.changes;
    let files: Vec<_> = super::porcelain::codes(changes)
        .map(|(code, changed)| json!({ "path": path(changed), "xy": code }))
        .collect();
    json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "time": clock::rfc3339(clock::now()),
        "machine": ctx.machine,
        "repository": {
            "path": file(ctx.repo.top()),
            "branch": outcome.branch.as_ref().map(super::super::git::repo::Branch::short),
            "upstream": outcome.upstream.as_ref().map(super::super::git::repo::Upstream::short),
            "url": outcome.url,
        },
        "state": outcome.state.word(),
        "icon": outcome.state.icon(Icons::Unicode),
        "ahead": outcome.counts.ahead,
        "behind": outcome.counts.behind,
        "changes": {
            "staged": changes.staged.len(),
            "unstaged": changes.unstaged.len(),
            "untracked": changes.untracked.len(),
            "conflicted": paths(&changes.conflicted),
            "skipped": paths(changes.skipped.iter().map(|skipped| &skipped.path)),
            "files": files,
        },
        "skipped": super::skipped::objects(&changes.skipped),
        "held": all_held(&outcome.held, &outcome.disputes),
        "marked": super::marks::standing(&outcome.marked),
        "backups": {
            "keep": ctx.settings.backup.rules.keep,
            "count": outcome.backups.len(),
            "latest": outcome.backups.last(),
        },
        "in_progress": outcome.in_progress,
        "refusal": outcome.refusal.as_ref().map(ToString::to_string),
        "running": outcome.running.map(|holder| holder.pid),
        "last_fetch": outcome.last_contact.as_ref().map(|run| &run.end),
        "last_sync": outcome.last_sync.as_ref().map(|time| last_sync(time, outcome)),
        "last_run": outcome.last_run,
        "last_error": outcome.last_run.as_ref().and_then(|run| run.error.as_ref()),
    })
}

/// The last sync that succeeded, with what the history knows of it.
fn last_sync(time: &str, outcome: &status::Outcome) -> Value {
    let run = outcome.last_success.as_ref();
    json!({
        "time": time,
        "result": run.map(|run| run.result),
        "pulled": run.map(|run| run.pulled),
        "pushed": run.map(|run| run.pushed),
        "ms": run.map(|run| run.ms),
    })
}

/// One run of the history, as it is kept.
pub fn run(record: &RunRecord) -> Result<String> {
    serde_json::to_string(record)
        .map(|line| line + "\n")
        .map_err(|source| Error::failed("a run cannot be shown").because(source))
}

/// The held paths.
pub fn held(set: &HeldSet, disputes: &Disputes) -> Value {
    json!({ "schema": SCHEMA, "held": all_held(set.iter(), disputes) })
}

/// What would be decided.
pub fn decision(choice: Choice, held: &[Held], disputes: &Disputes) -> Value {
    let choice = match choice {
        Choice::Ours => "ours",
        Choice::Theirs => "theirs",
        Choice::Edit => "edit",
        Choice::Undo => "undo",
    };
    json!({ "schema": SCHEMA, "dry_run": true, "choice": choice, "conflicts": all_held(held, disputes) })
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
            "path": path(&change.path),
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
        .map(|change| json!({ "path": path(&change.path), "change": change.letter().to_string() }))
        .collect()
}

fn all_held<'a>(held: impl IntoIterator<Item = &'a Held>, disputes: &Disputes) -> Value {
    let one = |held: &Held| {
        json!({
            "path": path(&held.path),
            "why": held.why,
            "lines": disputes.get(&held.path),
            "since": held.since,
            "base": held.base,
            "ours": held.ours,
            "theirs": held.theirs,
        })
    };
    held.into_iter().map(one).collect()
}

fn paths<'a>(paths: impl IntoIterator<Item = &'a RepoPath>) -> Value {
    paths.into_iter().map(path).collect()
}

/// A path as it is and not as it is shown, so that a program can use it. Only what is no UTF-8 cannot
/// be a string: that is an object with the bytes as hexadecimal digits.
pub(super) fn path(path: &RepoPath) -> Value {
    bytes(path.as_bytes())
}

/// The same for a file that is not in the repository.
pub fn file(path: &Path) -> Value {
    bytes(path.as_os_str().as_bytes())
}

/// The same for bytes.
pub(super) fn bytes(bytes: &[u8]) -> Value {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.into();
    }
    json!({ "hex": hex(bytes) })
}

/// One line of JSON.
pub fn line(value: &Value) -> String {
    format!("{value}\n")
}
