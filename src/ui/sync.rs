//! A sync in words: its steps while they happen, and how it ended.

use super::style;
use super::{Loudness, Ui};
use crate::model::entry::Change;
use crate::model::held::Held;
use crate::model::path::RepoPath;
use crate::model::state::State;
use crate::ops::Done;
use crate::ops::diff::Extent;
use crate::ops::dispute::Dispute;
use crate::ops::sync::{Outcome, Reach};
use std::fmt::Write as _;

/// So many paths are named on one line.
const NAMED: usize = 4;

/// The column of line counts is no further to the right than this.
const WIDTH: usize = 40;

/// So many machines are.
const ORIGINS: usize = 2;

/// The line for a step; `None` where it is not worth one.
pub(super) fn step(step: &Done<'_>, loudness: Loudness) -> Option<String> {
    Some(match step {
        Done::Recovered => line(
            "recover",
            "an earlier run was interrupted; nothing was lost",
        ),
        Done::BackedUp(made) => line("backup", &super::backup::made(made)),
        Done::Committed(changes) => line("commit", &files(changes)),
        Done::Pulled {
            commits: 0,
            changes,
            ..
        } => line("pull", &files(changes)),
        Done::Pulled {
            commits,
            from,
            changes,
        } => line(
            "pull",
            &format!("{}{}", commits_from(*commits, from), named(changes)),
        ),
        Done::Reset(branch, to) => line("reset", &format!("{branch} to {}", to.short())),
        Done::Replaced(changes) => line("replace", &files(changes)),
        Done::Integrated(how) if loudness >= Loudness::Verbose => line("join", how),
        Done::Integrated(_) => return None,
        Done::Settled(path, word) => line("settle", &format!("{path} (policy {word})")),
        Done::Left(new) => line("leave", &left(new)),
        Done::Held(held) => line("hold", &format!("{} ({})", held.path, held.why.words())),
        Done::Pushed { commits, to } => {
            line("push", &format!("{} to {to}", count(*commits, "commit")))
        }
        Done::Marked { .. }
        | Done::Released(_)
        | Done::CopyRemoved(_)
        | Done::Mended(_)
        | Done::Aside { .. } => return super::marks::step(step),
    })
}

pub(super) fn line(verb: &str, text: &str) -> String {
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

/// `2 commits from ana@mbp-mac`.
fn commits_from(commits: usize, from: &[String]) -> String {
    let mut text = count(commits, "commit");
    let names: Vec<_> = from
        .iter()
        .take(ORIGINS)
        .map(|name| super::report::printable(name))
        .collect();
    if !names.is_empty() {
        let _ = write!(text, " from {}", names.join(", "));
    }
    if from.len() > ORIGINS {
        let _ = write!(text, " and {} more", from.len() - ORIGINS);
    }
    text
}

fn files(changes: &[Change]) -> String {
    format!("{}{}", count(changes.len(), "file"), named(changes))
}

fn named(changes: &[Change]) -> String {
    let paths: Vec<_> = changes.iter().map(|change| &change.path).collect();
    named_paths(&paths)
}

fn named_paths(paths: &[&RepoPath]) -> String {
    if paths.is_empty() {
        return String::new();
    }
    let names: Vec<_> = paths.iter().take(NAMED).map(ToString::to_string).collect();
    let mut text = format!(": {}", names.join(", "));
    if paths.len() > NAMED {
        let _ = write!(text, " and {} more", paths.len() - NAMED);
    }
    text
}

/// New files that nobody was asked about.
fn left(new: &[RepoPath]) -> String {
    let paths: Vec<_> = new.iter().collect();
    let head = count(new.len(), "new file");
    format!("{head}{} (sync.newFiles is ask)", named_paths(&paths))
}

/// Says how a sync ended: the answer, and what can be done about what is left.
pub fn outcome(ui: &Ui, outcome: &Outcome) {
    if outcome.dry_run {
        rehearsal(ui, outcome);
        return;
    }
    super::skipped::tell(ui, &outcome.skipped);
    super::marks::left(ui, &outcome.marks);
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
            let _ = write!(text, "  {commits} {waiting} here");
            let _ = match &outcome.last_sync {
                Some(time) => writeln!(text, "; the last sync was {}", super::ago(time)),
                None => writeln!(text),
            };
        }
        return text + &held(outcome, upstream);
    }
    if !outcome.held.is_empty() {
        return held(outcome, upstream);
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
        _ if outcome.is_change() => {
            format!("{icon} In sync with {upstream} ({})\n", seconds(outcome.ms))
        }
        _ => format!("{icon} Already in sync with {upstream} (checked just now)\n"),
    }
}

/// `1.8 s`.
fn seconds(ms: u64) -> String {
    let tenths = ms.div_ceil(100);
    format!("{}.{} s", tenths / 10, tenths % 10)
}

fn held(outcome: &Outcome, upstream: &str) -> String {
    let held = &outcome.held;
    if held.is_empty() {
        return String::new();
    }
    let icon = style::icon(State::Held);
    let mut text = match &**held {
        [held] => format!("{icon} 1 path is held: {}\n", why(outcome, held)),
        held => {
            let mut text = format!("{icon} {} paths are held:\n", held.len());
            for held in held {
                let _ = writeln!(text, "    {}", why(outcome, held));
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

/// `zshrc (changed here and there: lines 12-15 here, lines 12-14 there)`
fn why(outcome: &Outcome, held: &Held) -> String {
    let words = held.why.words();
    match outcome.disputes.get(&held.path) {
        Some(Dispute { here, there }) => {
            format!("{} ({words}: {here} here, {there} there)", held.path)
        }
        None => format!("{} ({words})", held.path),
    }
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
    let steps = planned(outcome);
    let mut text = match (&outcome.reach, steps.is_empty()) {
        (Reach::Unreachable(unreachable), _) => {
            format!(
                "{} the remote cannot be asked: {}\n",
                style::warning("!"),
                super::report::printable(&unreachable.why)
            )
        }
        (_, true) => format!("{} Nothing to do\n", style::icon(State::Synced)),
        (_, false) => String::new(),
    };
    if !steps.is_empty() {
        let with = match &outcome.upstream {
            Some(upstream) => format!(" with {upstream}"),
            None => " (no remote)".to_owned(),
        };
        let _ = writeln!(
            text,
            "Would sync {}, {}{with}",
            outcome.machine, outcome.branch
        );
        text.push_str(&steps);
        text.push_str(&totals(outcome));
    }
    text.push_str(&super::diff::text(&outcome.differences));
    ui.answer(&text);
    super::skipped::hints(ui, &outcome.skipped);
    let unseen = outcome.commit_extents.len() + outcome.pull_extents.len();
    if unseen > 0 && outcome.differences.is_empty() {
        ui.hint("git sync --dry-run -v   shows the differences");
    }
}

/// The steps, with what each would change.
fn planned(outcome: &Outcome) -> String {
    let mut text = super::marks::foreseen(&outcome.marks);
    let mut part = |verb: &str, head: String, extents: &[Extent]| {
        let _ = writeln!(text, "{}", line(verb, &head));
        let paths: Vec<_> = extents.iter().map(|e| e.change.path.to_string()).collect();
        let width = paths.iter().map(|path| path.chars().count()).max();
        let width = width.unwrap_or_default().min(WIDTH);
        for (extent, path) in extents.iter().zip(paths) {
            let lines = extent.lines.map(|lines| lines.to_string());
            let row = format!(
                "             {} {path:<width$} {}",
                extent.change.letter(),
                lines.unwrap_or_default()
            );
            let _ = writeln!(text, "{}", row.trim_end());
        }
    };
    if !outcome.committed.is_empty() {
        let head = count(outcome.committed.len(), "file");
        part("commit", head, &outcome.commit_extents);
    }
    if outcome.pulled > 0 || !outcome.pulled_changes.is_empty() {
        let head = match outcome.pulled {
            0 => count(outcome.pulled_changes.len(), "file"),
            commits => commits_from(commits, &outcome.origins),
        };
        part("pull", head, &outcome.pull_extents);
    }
    for (path, word) in &outcome.settled {
        part("settle", format!("{path} (policy {word})"), &[]);
    }
    for held in &outcome.held {
        part("hold", why(outcome, held), &[]);
    }
    if outcome.pushed > 0 {
        let to = outcome.upstream.as_deref().unwrap_or("no remote");
        let commits = count(outcome.pushed, "commit");
        part("push", format!("{commits} to {to}"), &[]);
    }
    if !outcome.left.is_empty() {
        part("leave", left(&outcome.left), &[]);
    }
    for skipped in &outcome.skipped {
        part("skip", format!("{} ({})", skipped.path, skipped.why), &[]);
    }
    text
}

/// `Pull 2, commit 1, push 1. No conflicts. Nothing was changed.`
fn totals(outcome: &Outcome) -> String {
    let conflicts = match outcome.held.len() {
        0 => "No conflicts".to_owned(),
        held => count(held, "conflict"),
    };
    format!(
        "Pull {}, commit {}, push {}. {conflicts}. Nothing was changed.\n",
        outcome.pulled,
        usize::from(!outcome.committed.is_empty()),
        outcome.pushed
    )
}
