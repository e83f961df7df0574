//! A restore, for people and for programs.

use super::backup::{summary, when};
use super::json::SCHEMA;
use super::sync::{count, line};
use super::{Ui, pick, style};
use crate::error::Result;
use crate::model::state::State;
use crate::ops::backup::{Listed, RestoreOutcome, RestorePlan, Restored};
use crate::sys::terminal;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// So many changes are told one by one.
const TOLD: usize = 30;

/// Asks which backup is meant; `None` where none was chosen.
pub fn pick_backup(ui: &Ui, all: &[Listed]) -> Result<Option<usize>> {
    for (number, listed) in all.iter().enumerate() {
        let text = match &listed.head {
            Ok(head) => format!("{:<17} {}", when(head), summary(head)),
            Err(_) => format!("{:<17} {}", listed.id, style::error("damaged")),
        };
        ui.complain(&format!("  {:>3}: {text}", number + 1));
    }
    loop {
        let Some(answer) = terminal::ask("Restore which one> ")? else {
            return Ok(None);
        };
        match answer.parse::<usize>() {
            _ if answer.is_empty() => return Ok(None),
            Ok(number) if (1..=all.len()).contains(&number) => return Ok(Some(number - 1)),
            _ => ui.complain(&format!("'{answer}' is not among 1-{}", all.len())),
        }
    }
}

/// Asks which of the changes are meant.
pub fn pick_changes(ui: &Ui, plan: &RestorePlan) -> Result<BTreeSet<usize>> {
    let lines: Vec<_> = plan.changes.iter().map(told).collect();
    let head = format!("{} of {}", count(lines.len(), "change"), plan.id);
    pick::some(ui, &head, &lines, "Which files")
}

/// Shows what would change, before a question.
pub fn show(ui: &Ui, plan: &RestorePlan) {
    for change in plan.changes.iter().take(TOLD) {
        ui.complain(&format!("  {}", told(change)));
    }
    if plan.changes.len() > TOLD {
        let more = plan.changes.len() - TOLD;
        ui.complain(&format!("  and {more} more"));
    }
}

fn told(change: &Restored) -> String {
    format!("{} {}", change.letter, change.shown)
}

/// Says what a restore did, or would do.
pub fn outcome(ui: &Ui, outcome: &RestoreOutcome) {
    for (path, why) in &outcome.left {
        let left = line("leave", &format!("{path}: {why}"));
        ui.complain(&left);
    }
    if outcome.dry_run {
        return planned(ui, outcome);
    }
    let icon = style::icon(State::Synced);
    let id = &outcome.id;
    if let Some(to) = &outcome.to {
        let (files, to) = (count(outcome.files, "file"), to.display());
        return ui.talk(&format!("{icon} {files} restored from {id} into {to}"));
    }
    if outcome.changes.is_empty() {
        ui.talk(&format!("{icon} nothing differs from {id}"));
    } else {
        for change in outcome.changes.iter().take(TOLD) {
            let verb = if change.letter == 'D' {
                "remove"
            } else {
                "restore"
            };
            ui.talk(&line(verb, &change.shown));
        }
        if outcome.changes.len() > TOLD {
            let more = outcome.changes.len() - TOLD;
            ui.talk(&line("", &format!("and {more} more")));
        }
        let files = count(outcome.changes.len(), "file");
        let next = match outcome.changes.len() {
            1 => "It shows as a change; git sync sends it.",
            _ => "They show as changes; git sync sends them.",
        };
        ui.talk(&format!("{icon} {files} restored from {id}. {next}"));
    }
    if outcome.newer > 0 {
        let newer = count(outcome.newer, "file");
        ui.hint(&format!(
            "{newer} came since, and stayed; --exact removes them"
        ));
    }
    if let Some(before) = &outcome.before {
        let added = outcome.changes.iter().any(|change| change.letter == 'A');
        let exact = if added { " --exact" } else { "" };
        ui.hint(&format!("git sync --restore {before}{exact}   goes back"));
    }
}

fn planned(ui: &Ui, outcome: &RestoreOutcome) {
    let mut text = String::new();
    let lines = |text: &mut String, line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    if outcome.differences.is_empty() {
        for change in &outcome.changes {
            lines(&mut text, &format!("  {}", told(change)));
        }
    }
    for (path, contents) in &outcome.differences {
        lines(&mut text, &style::faint(&format!("--- now: {path}")));
        let there = format!("+++ {}: {path}", outcome.id);
        lines(&mut text, &style::faint(&there));
        match contents {
            Some((old, new)) => super::diff::hunks(&mut text, old, new),
            None => lines(&mut text, "binary files differ"),
        }
    }
    let id = &outcome.id;
    let told = if let Some(to) = &outcome.to {
        let (files, to) = (count(outcome.files, "file"), to.display());
        format!("{files} of {id} would be in {to}")
    } else {
        let files = count(outcome.changes.len(), "file");
        format!("{files} would come from {id}")
    };
    lines(&mut text, &told);
    text.push_str("Nothing was changed.\n");
    ui.answer(&text);
}

/// The same for programs.
pub fn outcome_json(outcome: &RestoreOutcome) -> Value {
    let changes = outcome.changes.iter().map(|change| {
        json!({
            "path": super::json::file(&change.place),
            "change": change.letter.to_string(),
        })
    });
    let left = outcome.left.iter();
    json!({
        "schema": SCHEMA,
        "dry_run": outcome.dry_run,
        "id": outcome.id,
        "to": outcome.to.as_deref().map(super::json::file),
        "files": outcome.files,
        "restored": changes.collect::<Vec<_>>(),
        "left": left.map(|(path, why)| json!({ "path": path, "why": why })).collect::<Vec<_>>(),
        "newer": outcome.newer,
        "backup": outcome.before,
    })
}
