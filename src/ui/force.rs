//! What a force will do, before it does it.

use super::sync::count;
use super::{Ui, style};
use crate::ops::force::{Plan, Winner};
use std::fmt::Write as _;

/// So many changed paths are listed.
const LISTED: usize = 30;

/// Shows the plan: on stdout where it is the answer, on stderr where a question follows.
pub fn plan(ui: &Ui, plan: &Plan, rehearsal: bool) {
    let text = text(plan);
    if rehearsal {
        ui.answer(&(text + "Nothing was changed.\n"));
    } else {
        for line in text.lines() {
            ui.complain(line);
        }
    }
}

fn text(plan: &Plan) -> String {
    let upstream = &plan.upstream;
    let mut text = match plan.winner {
        Winner::Here => format!("{upstream} becomes equal to this machine.\n"),
        Winner::There => format!("This machine becomes equal to {upstream}.\n"),
    };
    let mut line = |verb: &str, rest: &str| {
        let _ = writeln!(text, "  {} {rest}", style::verb(&format!("{verb:<8}")));
    };
    for (oid, subject) in &plan.discarded {
        let subject = super::report::printable(subject);
        line("discard", &format!("{} {subject}", oid.short()));
    }
    if plan.winner == Winner::There {
        for change in plan.uncommitted.iter().take(LISTED) {
            line("discard", &format!("change of {}", change.path));
        }
    }
    for change in plan.changes.iter().take(LISTED) {
        let verb = match change.letter() {
            'A' => "add",
            'D' => "remove",
            _ => "replace",
        };
        line(verb, &change.path.to_string());
    }
    if plan.changes.len() > LISTED {
        line(
            "",
            &format!("and {} more", count(plan.changes.len() - LISTED, "file")),
        );
    }
    if plan.winner == Winner::There {
        line("keep", "*.local and ignored files");
    }
    if plan.is_empty() {
        line("", "both are the same already");
    }
    text
}
