//! The machines in words, for people and for programs.

use super::json::SCHEMA;
use super::{Ui, ago, style};
use crate::ops::machines::{Known, Outcome};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// One a line, columns in line.
pub fn list(ui: &Ui, outcome: &Outcome) {
    if outcome.machines.is_empty() {
        ui.answer("No machine has said anything yet\n");
        ui.hint("each does with its next push");
        return;
    }
    let rows: Vec<_> = outcome.machines.iter().map(row).collect();
    let width = |at: usize| {
        let lengths = rows.iter().map(|row| row[at].chars().count());
        lengths.max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for [name, when, how, rest] in &rows {
        let [name_width, when_width, how_width] = widths;
        let line = format!(
            "{name:<name_width$}  {when:<when_width$}  {how:<how_width$}  {}",
            style::faint(rest)
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    ui.answer(&text);
}

fn row(known: &Known) -> [String; 4] {
    let beat = &known.beat;
    let mut how = match known.behind {
        Some(0) => "up to date".to_owned(),
        Some(behind) => format!("{} behind", super::sync::count(behind, "commit")),
        None => "elsewhere".to_owned(),
    };
    if !beat.held.is_empty() {
        let _ = write!(how, ", held: {}", beat.held.join(", "));
    }
    let this = if known.is_this { " (this machine)" } else { "" };
    let printable = super::report::printable;
    [
        printable(&beat.machine),
        ago(&beat.time),
        printable(&how),
        format!("git-sync {}{this}", printable(&beat.version)),
    ]
}

/// The same for programs.
pub fn object(outcome: &Outcome) -> Value {
    let one = |known: &Known| {
        let beat = &known.beat;
        json!({
            "machine": beat.machine,
            "type": beat.kind,
            "this": known.is_this,
            "version": beat.version,
            "time": beat.time,
            "branch": beat.branch,
            "tip": beat.tip,
            "behind": known.behind,
            "held": beat.held,
        })
    };
    let machines: Vec<_> = outcome.machines.iter().map(one).collect();
    json!({ "schema": SCHEMA, "machines": machines })
}
