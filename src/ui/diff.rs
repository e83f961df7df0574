//! Differences as unified diffs.

use super::style;
use crate::ops::diff::Difference;
use similar::{ChangeTag, TextDiff};
use std::fmt::Write as _;
use std::time::Duration;

/// Lines around a change.
const CONTEXT: usize = 3;
/// A diff that takes longer is shown coarser.
const PATIENCE: Duration = Duration::from_millis(500);

/// All of them, one after the other.
pub fn text(differences: &[Difference]) -> String {
    let mut text = String::new();
    for difference in differences {
        let path = &difference.change.path;
        let (old, new) = &difference.between;
        let _ = writeln!(text, "{}", style::faint(&format!("--- {old}: {path}")));
        let _ = writeln!(text, "{}", style::faint(&format!("+++ {new}: {path}")));
        let mode = |entry: &Option<crate::model::entry::Entry>| {
            entry.as_ref().map_or("absent", |entry| entry.mode.octal())
        };
        let (before, after) = (mode(&difference.change.old), mode(&difference.change.new));
        if before != after {
            let _ = writeln!(text, "mode {before} -> {after}");
        }
        match &difference.text {
            Some((old, new)) => hunks(&mut text, old, new),
            None => text.push_str("binary files differ\n"),
        }
    }
    text
}

/// The hunks between two texts.
pub(super) fn hunks(text: &mut String, old: &str, new: &str) {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        let _ = writeln!(text, "{}", style::verb(&hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let line = super::report::printable(change.value().trim_end_matches(['\n', '\r']));
            let line = match change.tag() {
                ChangeTag::Insert => style::added(&format!("+{line}")),
                ChangeTag::Delete => style::removed(&format!("-{line}")),
                ChangeTag::Equal => format!(" {line}"),
            };
            let _ = writeln!(text, "{line}");
            if change.missing_newline() {
                text.push_str("\\ no newline at the end\n");
            }
        }
    }
}
