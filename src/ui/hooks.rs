//! Our hooks in words.

use super::status::home_relative;
use super::{Ui, json, style};
use crate::model::hook_script::Foreign;
use crate::ops::hooks::{Hook, Obstacle, Standing};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Tells how each hook stands.
pub fn list(ui: &Ui, hooks: &[Hook]) {
    let mut text = String::new();
    for hook in hooks {
        let sign = match (hook.is_installed(), hook.is_new) {
            (true, true) => style::added("+"),
            (true, false) => "=".to_owned(),
            (false, _) => style::warning("!"),
        };
        let line = super::report::printable(&line(hook));
        let _ = writeln!(text, "  {sign} {line}");
    }
    ui.answer(&text);
    let mut hints: Vec<_> = hooks.iter().filter_map(hint).collect();
    hints.dedup();
    for hint in hints {
        ui.hint(&hint);
    }
}

/// Tells what was taken out.
pub fn removed(ui: &Ui, events: &[&str]) {
    if events.is_empty() {
        ui.answer("there are no hooks of git sync here\n");
    }
    for event in events {
        ui.answer(&format!("  {} {event}\n", style::removed("-")));
    }
}

/// A hook in one line.
pub fn line(hook: &Hook) -> String {
    let what = match &hook.standing {
        Standing::Configured => "in the configuration of the repository".to_owned(),
        Standing::OwnFile(file) => shown(file),
        Standing::InScript(file) => format!("{}, beside yours", shown(file)),
        Standing::Outdated => "is not the one of this program".to_owned(),
        Standing::Missing => "is not there".to_owned(),
        Standing::Blocked(obstacle) => self::obstacle(obstacle),
    };
    format!("{:<13} {what}", hook.event)
}

fn obstacle(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::HooksPath(folder) => {
            format!("core.hooksPath is {}: left alone", home_relative(folder))
        }
        Obstacle::Link(file) => format!("{} is a link: left alone", shown(file)),
        Obstacle::NoFile(file) => format!("{} is no file: left alone", shown(file)),
        Obstacle::NotExecutable(file) => {
            format!(
                "{} is switched off (not executable): left alone",
                shown(file)
            )
        }
        Obstacle::Script(file, Foreign::Managed(manager)) => {
            format!("{} is made by {manager}: left alone", shown(file))
        }
        Obstacle::Script(file, Foreign::NotShell(first)) => {
            let first = if first.starts_with("#!") {
                first
            } else {
                "no script"
            };
            format!("{} exists ({first}): left alone", shown(file))
        }
        Obstacle::Unusable(file, why) => format!("{} cannot be used: {why}", shown(file)),
    }
}

fn shown(file: &Path) -> String {
    home_relative(file)
}

/// What to type where a hook does not run.
pub fn hint(hook: &Hook) -> Option<String> {
    match &hook.standing {
        Standing::Outdated | Standing::Missing => {
            Some("git sync hooks install   puts them in".to_owned())
        }
        Standing::Blocked(_) => Some(
            "'git-sync refresh' in a hook of yours does the same; without it, prompts find out by themselves"
                .to_owned(),
        ),
        _ => None,
    }
}

/// The hooks for programs.
pub fn object(hooks: &[Hook]) -> Value {
    let one = |hook: &Hook| {
        let (word, file) = match &hook.standing {
            Standing::Configured => ("configured", None),
            Standing::OwnFile(file) => ("file", Some(file)),
            Standing::InScript(file) => ("in-script", Some(file)),
            Standing::Outdated => ("outdated", None),
            Standing::Missing => ("missing", None),
            Standing::Blocked(_) => ("blocked", None),
        };
        let why = match &hook.standing {
            Standing::Blocked(obstacle) => Some(self::obstacle(obstacle)),
            _ => None,
        };
        json!({
            "event": hook.event,
            "standing": word,
            "file": file.map(|file| json::file(file)),
            "why": why,
            "new": hook.is_new,
        })
    };
    json!({
        "schema": json::SCHEMA,
        "hooks": hooks.iter().map(one).collect::<Vec<_>>(),
        "exit": 0,
        "error": Value::Null,
    })
}

/// What was taken out, for programs.
pub fn removal(events: &[&str]) -> Value {
    json!({ "schema": json::SCHEMA, "removed": events, "exit": 0, "error": Value::Null })
}
