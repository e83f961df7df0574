//! Where this machine stands, for people.

use super::sync::count;
use super::{Ui, ago, style};
use crate::model::path::RepoPath;
use crate::model::run::{RunRecord, RunResult};
use crate::model::state::State;
use crate::ops::Context;
use crate::ops::status::Outcome;
use crate::sys::env;
use std::fmt::Write as _;
use std::path::Path;

/// So many changed paths are listed.
const LISTED: usize = 20;

/// Says where this machine stands.
pub fn outcome(ui: &Ui, ctx: &Context<'_>, outcome: &Outcome) {
    let mut text = format!("{} {}\n", style::icon(outcome.state), headline(outcome));
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {} {value}", style::faint(&format!("{name:<9}")));
    };
    row("machine", &ctx.machine.id);
    let branch = outcome
        .branch
        .as_ref()
        .map_or("(detached)", |branch| branch.short());
    let repo = home_relative(ctx.repo.top());
    match &outcome.upstream {
        Some(upstream) => row("repo", &format!("{repo}, {branch} -> {}", upstream.short())),
        None if outcome.refusal.is_some() => row("repo", &format!("{repo}, {branch}")),
        None => row("repo", &format!("{repo}, {branch} (no remote)")),
    }
    if outcome.upstream.is_some() {
        let (ahead, behind) = (outcome.counts.ahead, outcome.counts.behind);
        let seen = outcome.last_contact.as_ref().map_or_else(
            || "never asked by a sync".to_owned(),
            |run| format!("fetched {}", ago(&run.end)),
        );
        row(
            "remote",
            &format!("{ahead} ahead, {behind} behind ({seen})"),
        );
    }
    match (&outcome.last_success, &outcome.last_sync) {
        (Some(run), _) => row("last sync", &told(run)),
        (None, Some(time)) => row("last sync", &ago(time)),
        (None, None) => row("last sync", "none yet"),
    }
    // What came after it did not go so well.
    if let Some(run) = outcome
        .last_run
        .as_ref()
        .filter(|run| !run.result.is_success())
    {
        row("last run", &told(run));
    }
    if !outcome.marked.is_empty() {
        row("marked", &super::marks::count_of(&outcome.marked));
    }
    if let Some(newest) = outcome.backups.last() {
        let (count, keep) = (outcome.backups.len(), ctx.settings.backup.rules.keep);
        row("backups", &format!("{count} of {keep}, newest {newest}"));
    }
    text.push_str(&changes(outcome));
    text.push_str(&super::marks::troubles(&outcome.marked));
    ui.answer(&text);
    hints(ui, outcome);
}

fn headline(outcome: &Outcome) -> String {
    let upstream = outcome.upstream.as_ref().map_or_else(
        || "the last commit".to_owned(),
        super::super::git::repo::Upstream::short,
    );
    let counts = &outcome.counts;
    let mut parts = Vec::new();
    if counts.ahead > 0 {
        parts.push(format!("{} to push", count(counts.ahead, "commit")));
    }
    if counts.dirty > 0 {
        parts.push(format!("{} to commit", count(counts.dirty, "changed file")));
    }
    if counts.behind > 0 {
        parts.push(format!("{} to pull", count(counts.behind, "commit")));
    }
    match outcome.state {
        State::Synced => format!("In sync with {upstream}"),
        State::Held => format!("{} held", count(counts.held, "path")),
        State::Syncing => match outcome.running {
            Some(holder) => format!("A sync is running (pid {})", holder.pid),
            None => "A sync is running".to_owned(),
        },
        State::Error => match &outcome.refusal {
            Some(refusal) => refusal.to_string(),
            None if outcome.interrupted => "The last run was interrupted".to_owned(),
            None => "The last run failed".to_owned(),
        },
        _ => parts.join(", "),
    }
}

fn told(run: &RunRecord) -> String {
    let what = match run.result {
        RunResult::Ok | RunResult::Held | RunResult::Skipped => {
            format!("pulled {}, pushed {}", run.pulled, run.pushed)
        }
        RunResult::Unreachable => "the remote was not reached".to_owned(),
        RunResult::LoginRefused => "the remote refused the login".to_owned(),
        RunResult::Failed => "failed".to_owned(),
    };
    let why = run
        .error
        .as_deref()
        .map(|why| format!(": {why}"))
        .unwrap_or_default();
    format!(
        "{}: {what}{}",
        ago(&run.end),
        super::report::printable(&why)
    )
}

/// A path as people write it, from their home.
pub(super) fn home_relative(path: &Path) -> String {
    let home = env::home().and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned));
    match home {
        Some(rest) if rest == Path::new("") => "~".to_owned(),
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

fn changes(outcome: &Outcome) -> String {
    let mut text = String::new();
    let mut list = |name: &str, lines: &[String]| {
        let mut name = name;
        for line in lines.iter().take(LISTED) {
            let _ = writeln!(text, "  {} {line}", style::faint(&format!("{name:<9}")));
            name = "";
        }
        if lines.len() > LISTED {
            let _ = writeln!(text, "            and {} more", lines.len() - LISTED);
        }
    };
    let changes = &outcome.changes;
    let named = |paths: &[RepoPath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
    list("staged", &named(&changes.staged));
    list("changed", &named(&changes.unstaged));
    list("new", &named(&changes.untracked));
    list("unmerged", &named(&changes.conflicted));
    let skipped = changes.skipped.iter();
    let skipped: Vec<_> = skipped.map(|s| format!("{} ({})", s.path, s.why)).collect();
    list("skipped", &skipped);
    for held in &outcome.held {
        let name = style::faint(&format!("{:<9}", "held"));
        let _ = writeln!(text, "  {name} {} ({})", held.path, held.why.words());
        let short = |entry: &Option<crate::model::entry::Entry>| {
            entry
                .as_ref()
                .map_or("none", |entry| entry.oid.short())
                .to_owned()
        };
        let (base, ours, theirs) = (short(&held.base), short(&held.ours), short(&held.theirs));
        let _ = writeln!(
            text,
            "            base {base}  ours {ours}  theirs {theirs}"
        );
    }
    text
}

fn hints(ui: &Ui, outcome: &Outcome) {
    match outcome.state {
        State::Ahead | State::Behind | State::Diverged => {
            ui.hint("git sync   brings both together");
        }
        State::Held => ui.hint("git sync --resolve   decides"),
        State::Error => match &outcome.refusal {
            Some(refusal) => refusal.hints().iter().for_each(|hint| ui.hint(hint)),
            None => ui.hint("git sync   tries again"),
        },
        _ => {}
    }
}
