//! What a watch has to say: a line for what has changed or failed, with the time before it.

use super::style;
use super::sync::count;
use super::{Loudness, Ui, report};
use crate::model::span;
use crate::model::state::State;
use crate::ops::watch::news::{Did, Failure, News};
use crate::sys::clock;
use std::fmt::Write as _;

/// So many paths are named on one line.
const NAMED: usize = 4;

/// Says it; in JSON the line of every sync, and nothing else. That it does not hear of all changes is said to
/// everybody.
pub fn tell(ui: &Ui, json: bool, news: &News) {
    if let News::Polls(failure, every) = news {
        warn(ui, &failure_in_words(failure));
        ui.hint(&format!("it looks by itself every {}", span::words(*every)));
        failure.hints.iter().for_each(|hint| ui.hint(hint));
        return;
    }
    if json {
        if let News::Ran(line) = news {
            ui.answer(line);
        }
        return;
    }
    if ui.loudness() == Loudness::Quiet {
        return;
    }
    let verbose = ui.loudness() >= Loudness::Verbose;
    match news {
        News::Begins {
            top,
            folders,
            tempo,
        } => {
            let delay = span::words(tempo.delay);
            let asks = match tempo.interval {
                Some(interval) => format!("asks the remote every {}", span::words(interval)),
                None => "asks the remote only then".to_owned(),
            };
            let folders = count(*folders, "folder");
            ui.answer(&format!("Watching {} ({folders})\n", top.display()));
            ui.talk(&format!(
                "Syncs {delay} after a change, {asks}; Ctrl-C ends it"
            ));
        }
        News::Synced(did) => {
            let did: Vec<_> = did.iter().map(one).collect();
            say(
                ui,
                &format!("{} {}", style::icon(State::Synced), did.join("; ")),
            );
        }
        News::Nothing if verbose => say(ui, &style::faint("synced, nothing to do")),
        News::Looked if verbose => say(ui, &style::faint("looked, nothing to sync")),
        News::Ran(_) | News::Nothing | News::Looked | News::Polls(..) => {}
        News::Held(paths) => {
            let (icon, verb) = (style::icon(State::Held), are(paths.len(), "path"));
            say(ui, &format!("{icon} {verb} held: {}", named(paths)));
            ui.hint("git sync resolve   decides; everything else goes on");
        }
        News::Skipped(paths) => {
            for (path, why) in paths {
                let why = report::printable(why);
                warn(ui, &format!("skipped '{}': {why}", report::printable(path)));
            }
        }
        News::Absent {
            remote,
            login,
            why,
            waiting,
        } => {
            let verb = if *login {
                "refused the login"
            } else {
                "cannot be reached"
            };
            let waits = match waiting {
                0 => String::new(),
                1 => "; 1 commit waits here".to_owned(),
                many => format!("; {many} commits wait here"),
            };
            let why = report::printable(why);
            let mark = style::warning("!");
            say(ui, &format!("{mark} {remote} {verb}: {why}{waits}"));
        }
        News::Back(remote) => {
            let icon = style::icon(State::Synced);
            say(ui, &format!("{icon} {remote} is reached again"));
        }
        News::Failed(failure) => explain(ui, &style::icon(State::Error), "", failure),
        News::Kept(failure) => explain(ui, &style::warning("!"), "waits: ", failure),
        News::GoesOn => say(ui, &format!("{} goes on", style::icon(State::Synced))),
        News::Told => say(ui, "all changes are told again"),
        News::Lost => warn(ui, "changes were lost, so everything is looked at"),
    }
}

fn say(ui: &Ui, text: &str) {
    let time = clock::time_of_day(clock::now());
    ui.answer(&format!("{} {text}\n", style::faint(&time)));
}

fn warn(ui: &Ui, text: &str) {
    ui.complain(&format!("{} {text}", style::warning("warning:")));
}

fn explain(ui: &Ui, mark: &str, before: &str, failure: &Failure) {
    say(ui, &format!("{mark} {before}{}", failure_in_words(failure)));
    failure.hints.iter().for_each(|hint| ui.hint(hint));
}

/// In one line.
fn failure_in_words(failure: &Failure) -> String {
    let lines = failure.causes.iter().flat_map(|cause| cause.lines());
    let causes: Vec<_> = lines
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let text = match &*causes {
        [] => failure.message.clone(),
        causes => format!("{}: {}", failure.message, causes.join("; ")),
    };
    report::printable(&text)
}

/// `commit 2 files: aliases, zshrc`.
fn one(did: &Did) -> String {
    let what = match &*did.verb {
        "mend" => count(did.count, "mark"),
        "pull" | "push" if did.count > 0 => count(did.count, "commit"),
        _ => count(did.files.len(), "file"),
    };
    let mut text = format!("{} {what}", style::verb(&did.verb));
    if !did.whom.is_empty() {
        let word = if did.verb == "push" { "to" } else { "from" };
        let whom: Vec<_> = did
            .whom
            .iter()
            .map(|whom| report::printable(whom))
            .collect();
        let _ = write!(text, " {word} {}", whom.join(", "));
    }
    if !did.files.is_empty() {
        text.push_str(": ");
        text.push_str(&named(&did.files));
    }
    text
}

/// `a, b, c, d and 3 more`.
fn named(paths: &[String]) -> String {
    let names = paths.iter().take(NAMED).map(|path| report::printable(path));
    let names = names.collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(NAMED) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

fn are(number: usize, noun: &str) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", count(number, noun))
}
