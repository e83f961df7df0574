//! Marked files in words, for people and for programs.

use super::json::{self, SCHEMA};
use super::sync::{count, line};
use super::{Loudness, Ui, diff, style};
use crate::error::Result;
use crate::model::cure::{Cure, Trouble};
use crate::model::mark::Mark;
use crate::model::recipients::RECIPIENTS;
use crate::model::state::State;
use crate::ops::Done;
use crate::ops::marks::list::{Link, Standing};
use crate::ops::marks::{Answer, Contact, Differs, Finding, mark, unmark};
use crate::sys::terminal;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The lines for a step.
pub(super) fn step(step: &Done<'_>) -> Option<String> {
    Some(match step {
        Done::Marked { mark, copied } => adopted(mark, *copied),
        Done::Released(mark) => released(mark),
        Done::CopyRemoved(mark) => line("remove", &mark.copy().to_string()),
        Done::Mended(finding) => mended(finding),
        Done::Aside { mark, kept } => line("keep", &format!("{mark} as it was: {kept}")),
        _ => return None,
    })
}

fn adopted(mark: &Mark, copied: bool) -> String {
    let to = mark.copy();
    let copy = line("copy", &format!("{mark} -> {to}"));
    if copied {
        return copy;
    }
    format!("{copy}\n{}", line("link", &mark.to_string()))
}

fn released(mark: &Mark) -> String {
    let what = if mark.is_folder() { "folder" } else { "file" };
    line("restore", &format!("{mark} is a normal {what} again"))
}

fn mended(finding: &Finding) -> String {
    let mark = &finding.mark;
    match finding.cure {
        Cure::Link => line("link", &mark.to_string()),
        Cure::Absorb => line("absorb", &format!("{mark} (the link was replaced)")),
        Cure::Place => line("write", &format!("{mark} (from the repository)")),
        Cure::Seal => line("encrypt", &mark.to_string()),
        Cure::Take => line("take", &format!("{mark} (changed here)")),
        Cure::Merge => line(
            "join",
            &format!("{mark} (changed here and in the repository)"),
        ),
        Cure::Release => line("restore", &format!("{mark} is not marked any more")),
        Cure::Leave => line("restore", &format!("{mark} is not for this machine")),
        Cure::Forget => line("forget", &format!("{mark} is not marked any more")),
        _ => line("relink", &mark.to_string()),
    }
}

/// What a run would do about marks.
pub(super) fn foreseen(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let told = match &finding.left {
            Some(why) => line("skip", &format!("{} ({why})", finding.mark)),
            None => mended(finding),
        };
        let _ = writeln!(text, "{told}");
    }
    text
}

/// The marks that are not as they should be, and what can be done about each; and about links that are
/// replaced again and again.
pub(super) fn left(ui: &Ui, findings: &[Finding]) {
    let mut hints = Vec::new();
    for finding in findings {
        if finding.left.is_none() && finding.is_often_replaced() {
            let path = typed(&finding.mark);
            hints.push(format!(
                "git sync mark --copy {path}   keeps a file there: the link was replaced {} times",
                finding.replaced
            ));
        }
        let Some(why) = &finding.left else {
            continue;
        };
        let mark = &finding.mark;
        ui.complain(&format!(
            "{} skipped '{mark}': {}",
            style::warning("warning:"),
            super::report::printable(why)
        ));
        let hint = match finding.cure {
            Cure::Ask | Cure::Merge => {
                "git sync --yes   takes the repository's copies, and keeps what is here aside"
                    .to_owned()
            }
            Cure::Report(Trouble::Removed) => {
                let path = typed(mark);
                hints.push(format!("git sync mark {path}   puts it back"));
                format!("git sync unmark {path}   ends it, here and elsewhere")
            }
            Cure::Report(Trouble::Newer) => {
                "install the newest git-sync on this machine".to_owned()
            }
            Cure::Report(Trouble::BadKey) => {
                "git sync doctor   tells what is wrong with the key file".to_owned()
            }
            Cure::Report(Trouble::Keyless | Trouble::Locked) => {
                hints.push(
                    "git sync mark --add-recipient   adds this machine, with a key of its own; then"
                        .to_owned(),
                );
                "git sync mark --rekey   on a machine that can read it lets this one read it too"
                    .to_owned()
            }
            Cure::Report(Trouble::Damaged) => {
                let copy = mark.copy();
                hints.push(format!(
                    "git checkout HEAD~1 -- {copy}   takes what was there one commit before"
                ));
                "git sync mark --rekey   encrypts what stands here in its place".to_owned()
            }
            Cure::Report(Trouble::Unsaid) => {
                let path = typed(mark);
                format!("git sync mark --encrypt {path}   says so again")
            }
            Cure::Report(Trouble::Elsewhere) => "move the link away, or unmark the path".to_owned(),
            _ => continue,
        };
        hints.push(hint);
    }
    hints.dedup();
    for hint in hints {
        ui.hint(&hint);
    }
}

/// A mark as it can be typed into a shell.
fn typed(mark: &Mark) -> String {
    let text = mark.to_string();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '~' | '/' | '.' | '_' | '-' | '+');
    if text.chars().all(plain) {
        return text;
    }
    let bytes = mark.spelled();
    let text = String::from_utf8_lossy(&bytes);
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Asks what a file shall be that differs from the copy at first contact.
pub(super) fn meet(ui: &Ui, contact: &Contact) -> Result<Answer> {
    ui.complain(&format!(
        "  {}   differs from the copy in the repository",
        contact.mark
    ));
    loop {
        let question = "  [d]iff, use [r]epo copy, keep [m]ine, [s]kip, [q]uit? ";
        let answer = terminal::ask(question)?.map(|answer| answer.to_lowercase());
        match answer.as_deref() {
            Some("d" | "diff") => ui.complain(difference(contact).trim_end()),
            Some("r" | "repo") => return Ok(Answer::Repo),
            Some("m" | "mine") => return Ok(Answer::Mine),
            Some("s" | "skip") => return Ok(Answer::Skip),
            Some("q" | "quit") | None => return Ok(Answer::Quit),
            Some(_) => {}
        }
    }
}

/// So many files of a folder are named.
const LISTED: usize = 40;

/// From what is here to what the repository has.
fn difference(contact: &Contact) -> String {
    let mut text = String::new();
    match &contact.text {
        Some((live, copy)) if live == copy => text.push_str("only the mode differs"),
        Some((live, copy)) => diff::hunks(&mut text, live, copy),
        None if !contact.files.is_empty() => {
            for (path, differs) in contact.files.iter().take(LISTED) {
                let side = match differs {
                    Differs::Here => "only here",
                    Differs::There => "only in the repository",
                    Differs::Both => "differs",
                };
                let _ = writeln!(text, "    {path}   {side}");
            }
            if let Some(more) = contact.files.len().checked_sub(LISTED + 1) {
                let _ = writeln!(text, "    and {} more", more + 1);
            }
        }
        None if contact.mark.is_folder() => text.push_str("only modes and empty folders differ"),
        None => {
            let _ = write!(
                text,
                "no text to compare: see '{}' and '{}'",
                contact.live.display(),
                contact.copy.display()
            );
        }
    }
    text
}

/// Says what was marked.
pub fn marked(ui: &Ui, outcome: &mark::Outcome) {
    for (path, mark) in &outcome.already {
        let path = path.display();
        ui.talk(&if mark.is_folder() {
            format!("  '{path}' is synced already, by {mark}")
        } else {
            format!("  '{path}' is marked already")
        });
    }
    encryption(ui, outcome);
    super::skipped::tell(ui, &outcome.skipped);
    if outcome.ignored > 0 {
        let files = count(outcome.ignored, "file");
        ui.talk(&format!(
            "  {files} in it stay here, by the ignore rules or as they are made again"
        ));
    }
    if outcome.dry_run {
        would_mark(ui, outcome);
        return;
    }
    left(ui, &outcome.findings);
    let mended = outcome.findings.iter().filter(|f| f.left.is_none()).count();
    let (marked, changed) = (outcome.marked.len(), outcome.changed.len());
    let done = match (marked, changed, mended) {
        (0, 0, 0) if !outcome.rekeyed.is_empty() => {
            let files = count(outcome.rekeyed.len(), "mark");
            let recipients = count(outcome.recipients, "recipient");
            format!("{files} encrypted anew for {recipients}")
        }
        (0, 0, 0) if outcome.is_left() => return,
        (0, 0, 0) if outcome.recipient.is_some() => "1 recipient added".to_owned(),
        (0, 0, 0) => "Nothing to do".to_owned(),
        (0, 0, mended) => format!("{mended} mended"),
        (marked, 0, _) => format!("{marked} marked"),
        (0, changed, _) => format!("{changed} changed"),
        (marked, changed, _) => format!("{marked} marked, {changed} changed"),
    };
    let sending = sending(outcome.committed, outcome.has_remote);
    let text = format!("{} {done}{sending}\n", ok());
    if ui.loudness() > Loudness::Quiet {
        ui.answer(&text);
    }
    if !outcome.held.is_empty() {
        ui.hint("git sync --resolve   decides about what is held");
    }
    send_hint(ui, outcome.committed, outcome.has_remote);
}

/// Says what marking would do.
fn would_mark(ui: &Ui, outcome: &mark::Outcome) {
    let mut text = String::new();
    for mark in &outcome.marked {
        let copied = outcome.unlinked.contains(mark);
        let _ = writeln!(text, "{}", adopted(mark, copied));
    }
    for mark in &outcome.changed {
        let changed = format!("{mark} (how it is kept)");
        let _ = writeln!(text, "{}", line("change", &changed));
    }
    for mark in &outcome.varied {
        let _ = writeln!(text, "{}", adopted(mark, true));
    }
    text.push_str(&foreseen(&outcome.findings));
    for held in &outcome.held {
        let _ = writeln!(text, "{}", line("hold", &held.to_string()));
    }
    nothing_changed(ui, text);
}

/// Ends a dry run.
fn nothing_changed(ui: &Ui, mut text: String) {
    if text.is_empty() {
        let _ = writeln!(text, "{} Nothing to do", ok());
    } else {
        text.push_str("Nothing was changed.\n");
    }
    ui.answer(&text);
}

/// Keys, recipients, and what encryption does not undo.
fn encryption(ui: &Ui, outcome: &mark::Outcome) {
    if let Some(key) = &outcome.key {
        ui.talk(&line("key", &key.path.display().to_string()));
        ui.talk("  This key alone opens what is encrypted here: keep a copy of the file in a safe place.");
    }
    if let Some(recipient) = &outcome.recipient {
        ui.talk(&line("add", &format!("{recipient} to {RECIPIENTS}")));
        if outcome.marked.is_empty() && outcome.changed.is_empty() {
            ui.hint("git sync mark --rekey   on a machine with a key lets it read what is there already");
        }
    }
    for mark in &outcome.plain_before {
        ui.complain(&format!(
            "{} earlier commits still have '{mark}' in plain",
            style::warning("warning:")
        ));
    }
}

fn ok() -> String {
    style::icon(State::Synced)
}

fn sending(committed: usize, has_remote: bool) -> &'static str {
    match (committed, has_remote) {
        (0, _) => "",
        (_, true) => ", not pushed yet",
        (_, false) => ", committed here (no remote)",
    }
}

fn send_hint(ui: &Ui, committed: usize, has_remote: bool) {
    if committed > 0 && has_remote {
        ui.hint("git sync   sends it now");
    }
}

/// Says what was unmarked.
pub fn unmarked(ui: &Ui, outcome: &unmark::Outcome) {
    for (mark, there) in &outcome.unmarked {
        if !there {
            ui.talk(&format!("  nothing stands at {mark} here"));
        }
    }
    if outcome.dry_run {
        would_unmark(ui, outcome);
        return;
    }
    if !outcome.dropped.is_empty() {
        let dropped = count(outcome.dropped.len(), "variant");
        let sending = sending(outcome.committed, outcome.has_remote);
        left(ui, &outcome.findings);
        if ui.loudness() > Loudness::Quiet {
            ui.answer(&format!("{} {dropped} dropped{sending}\n", ok()));
        }
        return send_hint(ui, outcome.committed, outcome.has_remote);
    }
    let number = outcome.unmarked.len();
    let others = if outcome.has_remote {
        ". Other machines keep their file at their next sync"
    } else {
        ""
    };
    if ui.loudness() > Loudness::Quiet {
        ui.answer(&format!("{} {number} unmarked{others}\n", ok()));
    }
    send_hint(ui, outcome.committed, outcome.has_remote);
}

/// Says what unmarking would do.
fn would_unmark(ui: &Ui, outcome: &unmark::Outcome) {
    let mut text = String::new();
    for mark in &outcome.dropped {
        let kept = format!("{} (aside)", mark.copy());
        let _ = writeln!(text, "{}", line("keep", &kept));
        let _ = writeln!(text, "{}", line("remove", &mark.copy().to_string()));
    }
    for mark in &outcome.released {
        let _ = writeln!(text, "{}", released(mark));
    }
    for mark in &outcome.removed {
        if outcome.aside.contains(mark) {
            let kept = format!("{} (it differs from what stands there)", mark.copy());
            let _ = writeln!(text, "{}", line("keep", &kept));
        }
        let _ = writeln!(text, "{}", line("remove", &mark.copy().to_string()));
    }
    nothing_changed(ui, text);
}

/// The list: one mark a line; with `nul` as they are, and each ended by NUL.
pub fn list(standings: &[Standing], nul: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for standing in standings {
        if nul {
            out.extend_from_slice(&standing.mark.spelled());
            out.push(0);
            continue;
        }
        let trouble = match standing.link {
            Link::LeftOut => "   (not for this machine)".to_owned(),
            Link::Ok if standing.encrypted => "   (encrypted)".to_owned(),
            link => words(link).map_or_else(String::new, |words| format!("   ! {words}")),
        };
        let variants = variants(standing);
        out.extend_from_slice(format!("{}{variants}{trouble}\n", standing.mark).as_bytes());
    }
    out
}

/// The versions of a mark: the one that is here, and all.
fn variants(standing: &Standing) -> String {
    let all: Vec<_> = standing.variants.iter().map(String::as_str).collect();
    match standing.mark.variant() {
        _ if all.is_empty() => String::new(),
        Some(here) => format!("   [{here}] of {}", all.join(", ")),
        None => format!("   variants for {}", all.join(", ")),
    }
}

/// What is the matter with a link or a copy.
pub(super) fn words(link: Link) -> Option<&'static str> {
    match link {
        Link::Ok | Link::LeftOut => None,
        Link::Missing => Some("nothing stands there"),
        Link::Replaced => Some("link was replaced by a file"),
        Link::Changed => Some("changed since the last sync"),
        Link::Elsewhere => Some("something else stands there"),
        Link::Unknown => Some("HOME is not set"),
        Link::Closed => Some("encrypted, and cannot be read here"),
        Link::Skipped => Some("differs from the copy in the repository"),
    }
}

/// How many there are, of each kind.
pub(super) fn count_of(standings: &[Standing]) -> String {
    let folders = standings.iter().filter(|s| s.mark.is_folder()).count();
    let files = standings.len() - folders;
    let parts = [(files, "file"), (folders, "folder")];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<_> = parts.map(|(number, noun)| count(number, noun)).collect();
    parts.join(", ")
}

/// A line for each that is not linked.
pub(super) fn troubles(standings: &[Standing]) -> String {
    let mut text = String::new();
    for standing in standings {
        if let Some(words) = words(standing.link) {
            let name = style::faint(&format!("{:<9}", "mark"));
            let _ = writeln!(text, "  {name} {} ({words})", standing.mark);
        }
    }
    text
}

/// The list for programs.
pub fn object(standings: &[Standing]) -> Value {
    json!({ "schema": SCHEMA, "marked": standing(standings) })
}

/// Each mark as it stands.
pub(super) fn standing(standings: &[Standing]) -> Value {
    let one = |standing: &Standing| {
        json!({
            "path": json::bytes(&standing.mark.spelled()),
            "store": json::path(&standing.mark.copy()),
            "kind": kind(&standing.mark),
            "mode": if standing.copied { "copy" } else { "link" },
            "variant": standing.mark.variant(),
            "variants": standing.variants,
            "encrypted": standing.encrypted,
            "link": standing.link.word(),
            "replaced": standing.replaced,
        })
    };
    standings.iter().map(one).collect()
}

fn kind(mark: &Mark) -> &'static str {
    if mark.is_folder() { "folder" } else { "file" }
}

/// The marks that were not as they should be, for programs.
pub(super) fn findings(findings: &[Finding]) -> Value {
    let one = |finding: &Finding| {
        json!({
            "path": json::bytes(&finding.mark.spelled()),
            "store": json::path(&finding.mark.copy()),
            "action": action(finding.cure),
            "left": finding.left,
        })
    };
    findings.iter().map(one).collect()
}

fn action(cure: Cure) -> &'static str {
    match cure {
        Cure::Fine => "none",
        Cure::Link => "link",
        Cure::Relink | Cure::Repoint => "relink",
        Cure::Absorb => "absorb",
        Cure::Place => "place",
        Cure::Seal => "encrypt",
        Cure::Take => "take",
        Cure::Merge => "merge",
        Cure::Ask => "ask",
        Cure::Restore => "restore",
        Cure::Release => "release",
        Cure::Forget => "forget",
        Cure::Leave => "leave",
        Cure::Report(_) => "report",
    }
}

/// What was marked, for programs.
pub fn marked_object(outcome: &mark::Outcome, exit: u8) -> Value {
    let marks: Vec<_> = outcome.marked.iter().map(named).collect();
    let already: Vec<_> = outcome
        .already
        .iter()
        .map(|(path, mark)| json!({ "path": json::file(path), "mark": named(mark) }))
        .collect();
    json!({
        "schema": SCHEMA,
        "dry_run": outcome.dry_run,
        "marked": marks,
        "changed": outcome.changed.iter().map(named).collect::<Vec<_>>(),
        "already": already,
        "marks": findings(&outcome.findings),
        "skipped": super::skipped::objects(&outcome.skipped),
        "held": outcome.held.iter().map(json::path).collect::<Vec<_>>(),
        "ignored": outcome.ignored,
        "key": outcome.key.as_ref().map(|key| json::file(&key.path)),
        "recipient": outcome.recipient,
        "rekeyed": outcome.rekeyed.iter().map(named).collect::<Vec<_>>(),
        "committed": outcome.committed,
        "exit": exit,
        "error": Value::Null,
    })
}

/// What was unmarked, for programs.
pub fn unmarked_object(outcome: &unmark::Outcome, exit: u8) -> Value {
    let marks: Vec<_> = outcome
        .unmarked
        .iter()
        .map(|(mark, there)| {
            let mut mark = named(mark);
            mark["there"] = json!(there);
            mark
        })
        .collect();
    json!({
        "schema": SCHEMA,
        "dry_run": outcome.dry_run,
        "unmarked": marks,
        "dropped": outcome.dropped.iter().map(named).collect::<Vec<_>>(),
        "marks": findings(&outcome.findings),
        "committed": outcome.committed,
        "exit": exit,
        "error": Value::Null,
    })
}

pub(super) fn named(mark: &Mark) -> Value {
    json!({
        "path": json::bytes(&mark.spelled()),
        "store": json::path(&mark.copy()),
        "kind": kind(mark),
    })
}
