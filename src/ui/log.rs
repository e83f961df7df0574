//! The history of runs, one a line.

use crate::model::run::{RunRecord, RunResult};
use crate::sys::clock;
use std::fmt::Write as _;

/// Newest first.
pub fn lines(runs: &[RunRecord]) -> String {
    let mut text = String::new();
    for run in runs {
        let time = run
            .start
            .parse()
            .map_or_else(|_| run.start.clone(), clock::civil);
        let icon = run.state().map(super::style::icon).unwrap_or_default();
        let kind = if run.background {
            "background"
        } else {
            run.command.as_str()
        };
        let RunRecord {
            committed,
            pulled,
            pushed,
            ms,
            ..
        } = run;
        let _ = write!(text, "{time}  {icon} {kind:<10} ");
        let _ = match run.result {
            RunResult::Failed | RunResult::Unreachable | RunResult::LoginRefused => {
                let why = run.error.as_deref().unwrap_or("failed");
                writeln!(text, "{}", super::report::printable(why))
            }
            _ => writeln!(
                text,
                "committed {committed}, pulled {pulled}, pushed {pushed} ({ms} ms)"
            ),
        };
    }
    text
}
