//! A sync in words: its steps while they happen, and how it ended.

use super::style;
use super::{Loudness, Ui};
use crate::model::entry::Change;
use crate::model::held::Held;
use crate::model::path::RepoPath;
use crate::model::state::State;
use crate::ops::Done;
use crate::ops::sync::{Outcome, Reach};
use std::fmt::Write as _;

/// So many paths are named on one line.
const NAMED: usize = 4;

/// The line for a step; `None` where it is not worth one.
pub(super) fn step(step: &Done<'_>, loudness: Loudness) -> Option<String> {
    Some(match step {
        Done::Recovered => line(
            "recover",
            "an earlier run was interrupted; nothing was lost",
        ),
        Done::Committed(changes) => line("commit", &files(changes)),
        Done::Pulled {
            commits: 0,
            changes,
        } => line("pull", &files(changes)),
        Done::Pulled { commits, changes } => line(
            "pull",
            &format!("{}{}", count(*commits, "commit"), named(changes)),
        ),
        Done::Replaced(changes) => line("replace", &files(changes)),
        Done::Integrated(how) if loudness >= Loudness::Verbose => line("join", how),
        Done::Integrated(_) => return None,
        Done::Settled(path, word) => line("settle", &format!("{path} (policy {word})")),
        Done::Held(held) => line("hold", &format!("{} ({})", held.path, held.why.words())),
        Done::Pushed { commits, to } => {
            line("push", &format!("{} to {to}", count(*commits, "commit")))
        }
    })
}

fn line(verb: &str, text: &str) -> String {
    format!("  {} {text}", style::verb(&format!("{verb:<8}")))
}

/// `1 file`, `2 files`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

fn files(changes: &[Change]) -> String {
    format!("{}{}", count(changes.len(), "file"), named(changes))
}

fn named(changes: &[Change]) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let names: Vec<_> = changes
        .iter()
        .take(NAMED)
        .map(|c| c.path.to_string())
        .collect();
    let mut text = format!(": {}", names.join(", "));
    if changes.len() > NAMED {
        let _ = write!(text, " and {} more", changes.len() - NAMED);
    }
    text
}

/// Says how a sync ended: the answer, and what can be done about what is left.
pub fn outcome(ui: &Ui, outcome: &Outcome) {
    if outcome.dry_run {
        rehearsal(ui, outcome);
        return;
    }
    for skipped in &outcome.skipped {
        ui.complain(&format!(
            "{} skipped '{}': {}",
            style::warning("warning:"),
            skipped.path,
            skipped.why
        ));
    }
    if let Some(kept) = &outcome.kept {
        ui.hint(&format!("what was replaced is kept as {kept}"));
    }
    if !outcome.released.is_empty() {
        let paths = match &*outcome.released {
            [path] => path.to_string(),
            paths => count(paths.len(), "path"),
        };
        ui.hint(&format!("git sync --resolve --undo   holds {paths} again"));
    }
    if ui.loudness() == Loudness::Quiet && outcome.held.is_empty() {
        return;
    }
    ui.answer(&summary(outcome));
    after(ui, outcome);
}

fn summary(outcome: &Outcome) -> String {
    let upstream = outcome.upstream.as_deref().unwrap_or_default();
    let icon = style::icon(outcome.state());
    if let Reach::Unreachable(unreachable) = &outcome.reach {
        let remote = upstream.split('/').next().unwrap_or_default();
        let verb = if unreachable.login {
            "refused the login"
        } else {
            "cannot be reached"
        };
        let why = super::report::printable(&unreachable.why);
        let mut text = format!("{} {remote} {verb}: {why}\n", style::warning("!"));
        if outcome.counts.ahead > 0 {
            let waiting = if outcome.counts.ahead == 1 {
                "waits"
            } else {
                "wait"
            };
            let commits = count(outcome.counts.ahead, "commit");
            let _ = writeln!(text, "  {commits} {waiting} here");
        }
        return text + &held(&outcome.held, upstream);
    }
    if !outcome.held.is_empty() {
        return held(&outcome.held, upstream);
    }
    match &outcome.reach {
        Reach::NoRemote if outcome.committed.is_empty() => {
            format!("{icon} Nothing to commit (no remote)\n")
        }
        Reach::NoRemote => format!("{icon} Committed here (no remote)\n"),
        Reach::Offline if outcome.state() == State::Synced => {
            format!("{icon} Nothing to commit (the remote was not asked)\n")
        }
        Reach::Offline => {
            let ahead = count(outcome.counts.ahead, "commit");
            format!("{icon} {ahead} to push (the remote was not asked)\n")
        }
        _ if outcome.counts.dirty > 0 => {
            let dirty = count(outcome.counts.dirty, "uncommitted change");
            format!("{icon} In sync with {upstream}, but for {dirty}\n")
        }
        _ if outcome.is_change() => format!("{icon} In sync with {upstream}\n"),
        _ => format!("{icon} Already in sync with {upstream}\n"),
    }
}

fn held(held: &[Held], upstream: &str) -> String {
    let Some(first) = held.first() else {
        return String::new();
    };
    let icon = style::icon(State::Held);
    let mut text = match held.len() {
        1 => format!(
            "{icon} 1 path is held: {} ({})\n",
            first.path,
            first.why.words()
        ),
        number => {
            let mut text = format!("{icon} {number} paths are held:\n");
            for held in held {
                let _ = writeln!(text, "    {}   {}", held.path, held.why.words());
            }
            text
        }
    };
    let subject = if held.len() == 1 {
        "This file is"
    } else {
        "These files are"
    };
    let _ = write!(text, "{subject} as before on this machine");
    if !upstream.is_empty() {
        let _ = write!(text, "; everything else is in sync with {upstream}");
    }
    text.push('\n');
    text
}

/// A path as it can be typed into a shell.
fn quoted(path: &RepoPath) -> String {
    let text = path.to_string();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+');
    if text.chars().all(plain) && !text.starts_with('-') {
        text
    } else {
        format!(
            "-- '{}'",
            String::from_utf8_lossy(path.as_bytes()).replace('\'', r"'\''")
        )
    }
}

fn after(ui: &Ui, outcome: &Outcome) {
    if let Some(first) = outcome.held.first() {
        let path = quoted(&first.path);
        ui.hint("git sync --resolve   decides side by side, in your editor");
        ui.hint(&format!(
            "git sync --resolve --ours {path}   keeps this machine's"
        ));
        ui.hint(&format!(
            "git sync --resolve --theirs {path}   takes the other one"
        ));
        ui.hint(&format!("git sync diff {path}   shows the difference"));
    }
    match &outcome.reach {
        Reach::NoRemote => {
            ui.hint("git sync --setup URL   adds a remote");
        }
        Reach::Unreachable(unreachable) if unreachable.login => {
            ui.hint("try the same by hand: git fetch");
        }
        Reach::Unreachable(_) => ui.hint("the next 'git sync' sends what waits here"),
        Reach::Offline | Reach::Reached => {}
    }
}

/// What a dry run would have done.
fn rehearsal(ui: &Ui, outcome: &Outcome) {
    let mut text = String::new();
    let to = outcome.upstream.as_deref().unwrap_or("no remote");
    let mut part = |verb: &str, head: String, changes: &[Change]| {
        let _ = writeln!(text, "{}", line(verb, &head));
        for change in changes {
            let _ = writeln!(text, "             {} {}", change.letter(), change.path);
        }
    };
    if !outcome.committed.is_empty() {
        let head = count(outcome.committed.len(), "file");
        part("commit", head, &outcome.committed);
    }
    if outcome.pulled > 0 || !outcome.pulled_changes.is_empty() {
        let head = match outcome.pulled {
            0 => count(outcome.pulled_changes.len(), "file"),
            commits => count(commits, "commit"),
        };
        part("pull", head, &outcome.pulled_changes);
    }
    for (path, word) in &outcome.settled {
        part("settle", format!("{path} (policy {word})"), &[]);
    }
    for held in &outcome.held {
        part("hold", format!("{} ({})", held.path, held.why.words()), &[]);
    }
    if outcome.pushed > 0 {
        part(
            "push",
            format!("{} to {to}", count(outcome.pushed, "commit")),
            &[],
        );
    }
    for skipped in &outcome.skipped {
        part("skip", format!("{} ({})", skipped.path, skipped.why), &[]);
    }
    let head = match (&outcome.reach, text.is_empty()) {
        (Reach::Unreachable(unreachable), _) => {
            format!(
                "{} the remote cannot be asked: {}\n",
                style::warning("!"),
                unreachable.why
            )
        }
        (_, true) => format!("{} Nothing to do\n", style::icon(State::Synced)),
        (_, false) => String::new(),
    };
    text.push_str(&super::diff::text(&outcome.differences));
    let tail = if text.is_empty() {
        ""
    } else {
        "Nothing was changed.\n"
    };
    ui.answer(&format!("{head}{text}{tail}"));
}
