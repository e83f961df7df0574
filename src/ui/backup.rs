//! Backups, for people and for programs.

use super::Ui;
use super::json::{SCHEMA, bytes, file};
use super::style;
use super::sync::count;
use crate::model::backup::{Head, Pin};
use crate::model::state::State;
use crate::ops::backup::{List, Made, Verified};
use crate::sys::clock;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// `2026-11-20T104410 (48 files, 112 KiB)`.
pub(super) fn made(made: &Made) -> String {
    let Head { files, bytes, .. } = &made.head;
    format!("{} ({}, {})", made.id, count(*files, "file"), size(*bytes))
}

/// `112 KiB`, as few digits as say it.
pub(super) fn size(bytes: u64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths = tenths.div_ceil(1024);
        unit += 1;
    }
    match (unit, bytes) {
        (_, 1) => "1 byte".to_owned(),
        (0, _) => format!("{bytes} bytes"),
        _ if tenths < 100 => format!("{}.{} {}", tenths / 10, tenths % 10, units[unit]),
        _ => format!("{} {}", tenths / 10, units[unit]),
    }
}

/// A backup that was asked for.
pub fn outcome(made: &Made) -> String {
    let line = self::made(made);
    if made.is_new {
        format!("{} backed up as {line}\n", style::icon(State::Synced))
    } else {
        format!(
            "{} nothing was changed since {line}\n",
            style::icon(State::Synced)
        )
    }
}

/// The same for programs.
pub fn outcome_json(made: &Made) -> Value {
    json!({ "schema": SCHEMA, "id": made.id, "new": made.is_new, "backup": head(&made.head) })
}

/// A backup that is kept from now on, or released.
pub fn changed(id: &str, what: &str) -> String {
    format!("{} {id} is {what}\n", style::icon(State::Synced))
}

/// The same for programs.
pub fn changed_json(id: &str, what: &str) -> Value {
    json!({ "schema": SCHEMA, "id": id, "result": what })
}

/// What was found of the newest backup.
pub fn verified(ui: &Ui, verified: &Verified) {
    let Verified {
        id, files, bytes, ..
    } = verified;
    let (files, bytes) = (count(*files, "file"), size(*bytes));
    let icon = style::icon(State::Synced);
    ui.answer(&format!(
        "{icon} {id} can be restored ({files}, {bytes} compared)\n"
    ));
    for warning in warnings(verified) {
        ui.complain(&format!("{} {warning}", style::warning("warning:")));
    }
}

fn warnings(verified: &Verified) -> Vec<String> {
    let inside = verified.inside.as_ref().map(|folder| {
        let folder = folder.display();
        format!("the backups are in the repository itself, in '{folder}'")
    });
    let full = verified.full.map(|free| {
        let free = size(free);
        format!("there is no room for more backups: {free} are free on their disk")
    });
    inside.into_iter().chain(full).collect()
}

/// The same for programs.
pub fn verified_json(verified: &Verified) -> Value {
    json!({
        "schema": SCHEMA,
        "id": verified.id,
        "files": verified.files,
        "bytes": verified.bytes,
        "inside": verified.inside.is_some(),
        "free": verified.full,
    })
}

/// All backups, newest first.
pub fn list(list: &List) -> String {
    let mut text = String::new();
    for listed in &list.all {
        let _ = write!(text, "{}  ", listed.id);
        match &listed.head {
            Ok(head) => text.push_str(&summary(head)),
            Err(error) => {
                let why = super::report::printable(&error.root_cause());
                let what = if listed.sealed {
                    "not readable"
                } else {
                    "damaged"
                };
                let _ = write!(text, "{}: {why}", style::error(what));
            }
        }
        if let Some(pin) = &listed.pin {
            let _ = write!(text, "  {}", style::faint(&kept(pin)));
        }
        text.push('\n');
    }
    text
}

fn kept(pin: &Pin) -> String {
    let why = super::report::printable(&pin.why);
    format!("kept: {why}")
}

/// `before force-pull 47 files  110 KiB`.
pub(super) fn summary(head: &Head) -> String {
    let files = count(head.files, "file");
    format!(
        "{:<17} {files:<9} {}",
        head.reason.words(),
        size(head.bytes)
    )
}

/// When a backup was made, for people.
pub(super) fn when(head: &Head) -> String {
    head.time
        .parse()
        .map_or_else(|_| head.time.clone(), clock::day)
}

/// All backups, for programs.
pub fn list_json(list: &List) -> Value {
    let all = list.all.iter().map(|listed| {
        let (head, error) = match &listed.head {
            Ok(head) => (self::head(head), None),
            Err(error) => (Value::Null, Some(error.to_string())),
        };
        json!({
            "id": listed.id,
            "size": listed.size,
            "encrypted": listed.sealed,
            "kept": listed.pin.as_ref().map(|pin| &pin.why),
            "backup": head,
            "error": error,
        })
    });
    json!({
        "schema": SCHEMA,
        "dir": file(&list.folder),
        "keep": list.keep,
        "backups": all.collect::<Vec<_>>(),
    })
}

fn head(head: &Head) -> Value {
    let path = |path: &Option<crate::model::path::RepoPath>| {
        path.as_ref().map(|path| bytes(path.as_bytes()))
    };
    json!({
        "time": head.time,
        "reason": head.reason,
        "machine": head.machine,
        "repository": path(&head.repository),
        "head": head.head,
        "branch": head.branch,
        "files": head.files,
        "bytes": head.bytes,
        "unread": head.unread.iter().map(|(path, _)| bytes(path.as_bytes())).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_few_digits() {
        let table = [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (114_688, "112 KiB"),
            (5 << 20, "5.0 MiB"),
            (3 << 40, "3.0 TiB"),
        ];
        for (bytes, text) in table {
            assert_eq!(size(bytes), text);
        }
    }
}
