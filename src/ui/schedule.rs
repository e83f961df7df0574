//! Schedules in words, for people and for programs.

use super::json::{self, SCHEMA};
use super::sync::line;
use super::{Ui, style};
use crate::model::schedule::{Scheduler, When};
use crate::model::state::State;
use crate::ops::schedule::{Pitfall, Standing};
use serde_json::{Value, json};

/// Says what was scheduled, or would be.
pub fn installed(ui: &Ui, standing: &Standing, dry_run: bool) {
    for file in &standing.files {
        ui.talk(&line("write", &file.display().to_string()));
    }
    let when = when(standing);
    if dry_run {
        ui.answer(&format!("Would sync {when}, by {}\n", by(standing)));
        return;
    }
    let ok = style::icon(State::Synced);
    ui.answer(&format!("{ok} Syncs {when}, by {}\n", by(standing)));
    pitfalls(ui, standing);
}

/// Says how it stands.
pub fn status(ui: &Ui, standing: Option<&Standing>) {
    let Some(standing) = standing else {
        ui.answer("Nothing is scheduled\n");
        ui.hint("git sync schedule install   syncs every 15 minutes");
        ui.hint("git sync schedule install --watch   syncs whenever something changes");
        return;
    };
    ui.answer(&format!("Syncs {}, by {}\n", when(standing), by(standing)));
    if let Some(next) = &standing.next {
        ui.answer(&format!("{}\n", line("next", next)));
    }
    for file in &standing.files {
        ui.answer(&format!("{}\n", line("file", &file.display().to_string())));
    }
    pitfalls(ui, standing);
}

/// Says what was taken away, or would be.
pub fn removed(ui: &Ui, gone: &[Scheduler], dry_run: bool) {
    let names: Vec<_> = gone.iter().map(|kind| kind.word()).collect();
    ui.answer(&match (names.is_empty(), dry_run) {
        (true, _) => "Nothing is scheduled\n".to_owned(),
        (_, true) => format!("Would take the schedule away from {}\n", names.join(", ")),
        _ => {
            let ok = style::icon(State::Synced);
            format!("{ok} Not scheduled any more\n")
        }
    });
}

fn when(standing: &Standing) -> String {
    match &standing.when {
        Some(When::Changes) => "whenever something changes".to_owned(),
        Some(When::At(when)) => format!("at '{when}'"),
        None => "at moments that were changed by hand".to_owned(),
    }
}

fn by(standing: &Standing) -> String {
    format!("{} ({})", standing.scheduler.word(), standing.name)
}

/// What makes it anew.
fn again(standing: &Standing) -> &'static str {
    match standing.when {
        Some(When::Changes) => "git sync schedule install --watch",
        _ => "git sync schedule install",
    }
}

fn pitfalls(ui: &Ui, standing: &Standing) {
    for pitfall in &standing.pitfalls {
        match pitfall {
            Pitfall::NoLinger(user) => ui.hint(&format!(
                "it ends when you log out; loginctl enable-linger {user}   lets it go on"
            )),
            Pitfall::Agent => ui.hint(
                "it cannot ask your ssh-agent: a key without a passphrase, or one for this \
                 remote alone, lets it in",
            ),
            Pitfall::Stale => {
                ui.complain(&format!(
                    "{} it starts another git-sync than this one",
                    style::warning("warning:")
                ));
                ui.hint(&format!("{}   lets it start this one", again(standing)));
            }
            Pitfall::Inactive => {
                ui.complain(&format!(
                    "{} {} does not know of it",
                    style::warning("warning:"),
                    standing.scheduler.word()
                ));
                ui.hint(&format!("{}   makes it known again", again(standing)));
            }
            Pitfall::Down => {
                ui.complain(&format!(
                    "{} the watch does not run",
                    style::warning("warning:")
                ));
                if standing.scheduler == Scheduler::Systemd {
                    let name = &standing.name;
                    ui.hint(&format!("journalctl --user -u {name}   tells why"));
                }
                ui.hint(&format!("{}   starts it again", again(standing)));
            }
        }
    }
}

/// How it stands, for programs; `null` where nothing is scheduled.
pub fn object(standing: Option<&Standing>) -> Value {
    let one = |standing: &Standing| {
        let pitfalls = standing.pitfalls.iter().map(|pitfall| match pitfall {
            Pitfall::NoLinger(_) => "no-linger",
            Pitfall::Agent => "ssh-agent",
            Pitfall::Stale => "stale",
            Pitfall::Inactive => "inactive",
            Pitfall::Down => "down",
        });
        json!({
            "scheduler": standing.scheduler.word(),
            "name": standing.name,
            "when": standing.when.as_ref().map(ToString::to_string),
            "next": standing.next,
            "files": standing.files.iter().map(|file| json::file(file)).collect::<Vec<_>>(),
            "pitfalls": pitfalls.collect::<Vec<_>>(),
        })
    };
    json!({ "schema": SCHEMA, "schedule": standing.map(one) })
}

/// What was taken away, for programs.
pub fn removed_object(gone: &[Scheduler]) -> Value {
    let names: Vec<_> = gone.iter().map(|kind| kind.word()).collect();
    json!({ "schema": SCHEMA, "removed": names })
}
