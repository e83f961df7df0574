//! What another tool keeps, and what came of it, for people and for programs.

use super::json::{self, SCHEMA};
use super::marks;
use super::sync::{count, line};
use super::{Ui, pick, report, style};
use crate::error::Result;
use crate::model::import::{Left, Proposal, Standing, Tool};
use crate::model::path::quote;
use crate::ops::marks::import::{Looked, Outcome};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

/// Everything that was found, a line each.
pub fn shown(looked: &Looked) -> String {
    let mut text = format!("{}\n", heading(looked));
    for proposal in &looked.proposals {
        let _ = writeln!(text, "{}", line("mark", &words(proposal)));
    }
    text + &shown_left(looked)
}

/// What is not proposed, a line each.
pub fn shown_left(looked: &Looked) -> String {
    let mut text = String::new();
    for left in &looked.left {
        let verb = if left.refused { "refuse" } else { "leave" };
        let _ = writeln!(text, "{}", line(verb, &reason(left)));
    }
    text
}

fn heading(looked: &Looked) -> String {
    let tool = looked.tool.word();
    let paths = count(looked.proposals.len(), "path");
    format!("{paths} of {tool} can be marked")
}

fn words(proposal: &Proposal) -> String {
    let mark = &proposal.mark;
    let from = match proposal.standing {
        Standing::File => String::new(),
        Standing::Link => format!(" <- {}", quote(proposal.from.as_os_str().as_bytes())),
    };
    let note = proposal
        .note
        .map_or_else(String::new, |note| format!(" ({note})"));
    format!("{mark}{from}{note}")
}

fn reason(left: &Left) -> String {
    let why = report::printable(&left.why);
    format!("{} ({why})", quote(&left.path))
}

/// Asks which of the proposals are to be marked.
pub fn choose(ui: &Ui, looked: &Looked) -> Result<BTreeSet<usize>> {
    let items: Vec<_> = looked.proposals.iter().map(words).collect();
    pick::some(ui, &heading(looked), &items, "Mark which")
}

/// Says what was marked.
pub fn taken(ui: &Ui, tool: Tool, outcome: &Outcome) {
    for left in &outcome.refused {
        ui.complain(&format!(
            "{} skipped {}",
            style::warning("warning:"),
            reason(left)
        ));
    }
    if !outcome.marked.marked.is_empty() {
        marks::marked(ui, &outcome.marked);
        let tool = tool.word();
        ui.hint(&format!(
            "what {tool} keeps is as it was; do not let it make these paths again"
        ));
    }
}

/// What was found, and what came of it, for programs.
pub fn object(looked: &Looked, outcome: Option<&Outcome>, exit: u8) -> Value {
    let proposals: Vec<_> = looked.proposals.iter().map(proposal).collect();
    let refused = outcome.map_or(&[][..], |outcome| &outcome.refused);
    let left: Vec<_> = looked.left.iter().chain(refused).map(one_left).collect();
    let marked = outcome.map_or(&[][..], |outcome| &outcome.marked.marked);
    let marked: Vec<_> = marked
        .iter()
        .map(|mark| json::bytes(&mark.spelled()))
        .collect();
    json!({
        "schema": SCHEMA,
        "tool": looked.tool.word(),
        "dry_run": outcome.is_none(),
        "proposals": proposals,
        "left": left,
        "marked": marked,
        "committed": outcome.map_or(0, |outcome| outcome.marked.committed),
        "exit": exit,
        "error": Value::Null,
    })
}

fn proposal(proposal: &Proposal) -> Value {
    let mut object = marks::named(&proposal.mark);
    object["from"] = json::file(&proposal.from);
    object["live"] = json!(proposal.standing.word());
    object["note"] = json!(proposal.note);
    object
}

fn one_left(left: &Left) -> Value {
    json!({
        "path": json::bytes(&left.path),
        "why": left.why,
        "refused": left.refused,
    })
}
