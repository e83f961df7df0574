//! Paths that are not synced, and what can be done about each, in words.

use super::{Ui, json, style};
use crate::model::skipped::Skipped;
use serde_json::{Value, json};

/// Names each, with its reason, and says once what helps.
pub(super) fn tell(ui: &Ui, all: &[Skipped]) {
    for skipped in all {
        ui.complain(&format!(
            "{} skipped '{}': {}",
            style::warning("warning:"),
            skipped.path,
            skipped.why
        ));
    }
    hints(ui, all);
}

/// Says what helps, each thing once.
pub(super) fn hints(ui: &Ui, all: &[Skipped]) {
    let mut said = Vec::new();
    for hint in all.iter().flat_map(|skipped| skipped.why.hints()) {
        if !said.contains(hint) {
            ui.hint(hint);
            said.push(hint);
        }
    }
}

/// The same for programs.
pub(super) fn objects(all: &[Skipped]) -> Vec<Value> {
    let object = |skipped: &Skipped| {
        let why = skipped.why.to_string();
        json!({ "path": json::path(&skipped.path), "why": why })
    };
    all.iter().map(object).collect()
}
