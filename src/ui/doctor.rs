//! What the doctor found, in words and for programs.

use super::json::SCHEMA;
use super::{Ui, style};
use crate::model::state::State;
use crate::ops::doctor::{Finding, Verdict};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A line each, and below it what mends it.
pub fn findings(ui: &Ui, findings: &[Finding]) {
    let mut text = String::new();
    for finding in findings {
        let sign = match finding.verdict {
            Verdict::Good => style::icon(State::Synced),
            Verdict::Warning => style::warning("!"),
            Verdict::Bad => style::icon(State::Error),
        };
        let said = super::report::printable(&finding.text);
        let _ = writeln!(text, "{sign} {:<11} {said}", finding.topic);
        for fix in &finding.fixes {
            let fix = super::report::printable(fix);
            let _ = writeln!(text, "{:<13} {}", "", style::faint(&fix));
        }
    }
    let count = |verdict| findings.iter().filter(|f| f.verdict == verdict).count();
    let (bad, warnings) = (count(Verdict::Bad), count(Verdict::Warning));
    let end = match (bad, warnings) {
        (0, 0) => "Nothing to mend".to_owned(),
        (0, warnings) => super::sync::count(warnings, "warning"),
        (bad, 0) => super::sync::count(bad, "problem"),
        (bad, warnings) => format!(
            "{}, {}",
            super::sync::count(bad, "problem"),
            super::sync::count(warnings, "warning")
        ),
    };
    ui.answer(&format!("{text}{end}\n"));
}

/// The same for programs.
pub fn object(findings: &[Finding], exit: u8) -> Value {
    let one = |finding: &Finding| {
        json!({
            "topic": finding.topic,
            "verdict": match finding.verdict {
                Verdict::Good => "good",
                Verdict::Warning => "warning",
                Verdict::Bad => "bad",
            },
            "text": finding.text,
            "fixes": finding.fixes,
        })
    };
    let findings: Vec<_> = findings.iter().map(one).collect();
    json!({ "schema": SCHEMA, "findings": findings, "exit": exit })
}
