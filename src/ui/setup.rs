//! A setup in words: what it will do, what it did, and what somebody should look at.

use super::status::home_relative;
use super::{Loudness, Ui, json, style};
use crate::model::companion::Companion;
use crate::ops::companions::{Left, Place, State};
use crate::ops::setup::clash::Foreign;
use crate::ops::setup::plan::Plan;
use crate::ops::setup::remove::Traces;
use crate::ops::setup::{Item, Items, Mark, Origin, Outcome};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

/// The question before a plan is carried out; `None` where nothing is to be asked.
pub fn question(plan: &Plan) -> Option<String> {
    Some(match plan {
        Plan::Clone { into, .. } => format!("Clone into {}?", home_relative(into)),
        Plan::Create { dir, entries: 0 } => format!("Create {}?", home_relative(dir)),
        Plan::Create { dir, entries } => {
            let entries = if *entries == 1 {
                "1 entry".to_owned()
            } else {
                format!("{entries} entries")
            };
            format!(
                "Make a repository of {}, which has {entries}?",
                home_relative(dir)
            )
        }
        Plan::Enrol(enrolment) => {
            let url = enrolment.remote.as_ref()?;
            let url = crate::model::url::shown(&url.to_string_lossy());
            format!("Sync {} with {url}?", home_relative(enrolment.repo.top()))
        }
    })
}

/// What a plan would do.
pub fn planned(plan: &Plan, profiles: Option<&BTreeSet<String>>, along: &Items) -> String {
    let what = match plan {
        Plan::Clone { url, into } => {
            let url = crate::model::url::shown(&url.to_string_lossy());
            format!(
                "Would clone {url} into {}, and sync it",
                home_relative(into)
            )
        }
        Plan::Create { dir, .. } => {
            format!("Would make a repository of {}", home_relative(dir))
        }
        Plan::Enrol(enrolment) => {
            let top = home_relative(enrolment.repo.top());
            let branch = enrolment.branch.short();
            match (&enrolment.remote, &enrolment.upstream) {
                (Some(url), _) => {
                    let url = crate::model::url::shown(&url.to_string_lossy());
                    format!("Would sync {top}, {branch} with {url}")
                }
                (None, Some(upstream)) => {
                    format!("Would sync {top}, {branch} with {}", upstream.short())
                }
                (None, None) => format!("Would sync {top}, {branch}"),
            }
        }
    };
    let profiles = profiles.map(|profiles| {
        let names: Vec<_> = profiles.iter().map(String::as_str).collect();
        format!(", with the profiles '{}'", names.join(","))
    });
    let profiles = profiles.unwrap_or_default();
    let along: String = along
        .iter()
        .filter(|(mark, _)| *mark != Mark::Same)
        .map(|(mark, item)| line(*mark, item) + "\n")
        .collect();
    format!("{what}{profiles}\n{along}Nothing was changed.\n")
}

/// The same for programs.
pub fn plan(plan: &Plan, along: &Items) -> Value {
    let (action, path, url) = match plan {
        Plan::Clone { url, into } => ("clone", into.as_path(), Some(url)),
        Plan::Create { dir, .. } => ("create", dir.as_path(), None),
        Plan::Enrol(enrolment) => ("enrol", enrolment.repo.top(), enrolment.remote.as_ref()),
    };
    json!({
        "schema": json::SCHEMA,
        "dry_run": true,
        "action": action,
        "path": json::file(path),
        "url": url.map(|url| crate::model::url::shown(&url.to_string_lossy())),
        "items": list(along),
        "exit": 0,
    })
}

/// What is to be known before everything of ours is removed.
pub fn before_removal(top: &Path, traces: &Traces) -> String {
    let mut text = format!("Taking git sync off {}\n", home_relative(top));
    for (name, was) in &traces.refs {
        let _ = writeln!(text, "  {name} keeps {was}, and will not any more");
    }
    for link in &traces.links {
        let _ = writeln!(text, "  {link} becomes a file of its own");
    }
    for other in &traces.others {
        let other = home_relative(other);
        let _ = writeln!(
            text,
            "  {other} shares the repository, and is not synced any more either"
        );
    }
    for (mark, item) in &traces.companions {
        text += &(line(*mark, item) + "\n");
    }
    text + "Your files, your history and the remote stay as they are.\n"
}

/// The same for programs.
pub fn planned_removal(top: &Path, traces: &Traces) -> Value {
    let names: Vec<_> = traces.refs.iter().map(|(name, _)| name).collect();
    json!({
        "schema": json::SCHEMA,
        "dry_run": true,
        "action": "remove",
        "path": json::file(top),
        "refs": names,
        "links": traces.links.iter().map(super::marks::named).collect::<Vec<_>>(),
        "items": list(&traces.companions),
        "exit": 0,
    })
}

/// Tells what a setup did.
pub fn outcome(ui: &Ui, outcome: &Outcome) {
    ui.talk(&format!(
        "Setting up {} as {}",
        home_relative(outcome.repo.top()),
        outcome.machine.id
    ));
    items(ui, &outcome.items);
}

/// Tells what was done and found, a line each.
pub fn items(ui: &Ui, items: &Items) {
    for (mark, item) in items {
        ui.talk(&line(*mark, item));
    }
    let mut hints: Vec<_> = items.iter().filter_map(|(_, item)| hint(item)).collect();
    hints.dedup();
    for hint in hints {
        ui.hint(&hint);
    }
}

fn line(mark: Mark, item: &Item) -> String {
    let (name, text) = words(item);
    let sign = match mark {
        Mark::New => style::added("+"),
        Mark::Same => "=".to_owned(),
        Mark::Gone => style::removed("-"),
        Mark::Look => style::warning("!"),
    };
    let text = super::report::printable(&text);
    format!("  {sign} {name:<12} {text}")
}

/// The name and the text of the line for an item.
fn words(item: &Item) -> (&'static str, String) {
    match item {
        Item::Repository {
            origin,
            branch,
            upstream,
        } => {
            let origin = match origin {
                Origin::Cloned => "cloned, ",
                Origin::Created => "created, ",
                Origin::Found => "",
            };
            let to = match upstream {
                Some((upstream, Some(url))) => format!(" -> {upstream} ({url})"),
                Some((upstream, None)) => format!(" -> {upstream}"),
                None => String::new(),
            };
            ("repository", format!("{origin}{branch}{to}"))
        }
        Item::Remote(name, url) => ("remote", format!("{name} is {url}")),
        Item::NoRemote => ("remote", "no remote: local only".to_owned()),
        Item::Upstream(branch, upstream) => ("upstream", format!("{branch} -> {upstream}")),
        Item::Directory(here) => (
            "directory",
            format!("sync.directory is {}", home_relative(here)),
        ),
        Item::OtherDirectory(other) => (
            "directory",
            format!(
                "typed elsewhere, 'git sync' is about {}",
                home_relative(other)
            ),
        ),
        Item::NoDirectory(why) => (
            "directory",
            format!("sync.directory cannot be written: {why}"),
        ),
        Item::Rules { file, lines } => (rules_name(file), rules_text(file, lines)),
        Item::Overruled { path, rule } if rule.starts_with("merge=") => {
            ("attributes", format!("{path} has {rule}, not merge=union"))
        }
        Item::Overruled { path, rule } => ("ignore", format!("{path} stays ignored by {rule}")),
        Item::Tracked(path) => (
            "ignore",
            format!("{path} is tracked, and is of this machine"),
        ),
        Item::Machine(id) => ("machine", id.clone()),
        Item::Profiles(names) if names.is_empty() => ("profile", "none".to_owned()),
        Item::Profiles(names) => ("profile", names.clone()),
        Item::Clash { path, what, first } => ("name clash", clash(path, *what, *first)),
        Item::OffPath(folder) => (
            "name",
            format!("git finds no 'sync': PATH lacks {}", home_relative(folder)),
        ),
        Item::Alias(value) => (
            "name clash",
            format!("alias.sync ({value}) is hidden: git prefers this program to it"),
        ),
        Item::Settings(keys) => ("settings", keys.join(", ")),
        Item::Ref(name, was) => ("ref", format!("{name} (was {was})")),
        Item::Hooks(events) => ("hooks", events.join(", ")),
        Item::NoHook(hook) => ("hooks", super::hooks::line(hook)),
        Item::Manual(page) => ("manual", home_relative(page)),
        Item::UnfoundManual(folder) => (
            "manual",
            format!("man does not look in {}", home_relative(folder)),
        ),
        Item::ForeignManual(page) => (
            "manual",
            format!(
                "'git sync --help' shows the one of another program: {}",
                home_relative(page)
            ),
        ),
        Item::Completions(shells) => ("completion", shells.join(", ")),
        Item::Fpath(folder) => (
            "completion",
            format!("zsh finds it if fpath has {}", home_relative(folder)),
        ),
        Item::Snippets(shells, folder) => (
            "prompt",
            format!("{} in {}", shells.join(", "), home_relative(folder)),
        ),
        Item::NotPut(place) => (of_companion(place), not_put(place)),
        Item::Link(mark) => ("link", format!("{mark} is a file of its own again")),
        Item::Schedule(by) => ("schedule", format!("taken away from {by}")),
        Item::Files(folder, count) => (
            "files",
            format!(
                "{} in {}",
                super::sync::count(*count, "file"),
                home_relative(folder)
            ),
        ),
        Item::WorkTree(top) => (
            "work tree",
            format!("{} shares the repository", home_relative(top)),
        ),
        Item::Rescued(folder) => (
            "kept",
            format!(
                "what an interrupted run had saved is in {}",
                home_relative(folder)
            ),
        ),
    }
}

fn of_companion(place: &Place) -> &'static str {
    match place.companion {
        Companion::Man => "manual",
        Companion::PromptZsh | Companion::PromptBash | Companion::PromptFish => "prompt",
        _ => "completion",
    }
}

fn not_put(place: &Place) -> String {
    let path = home_relative(&place.path);
    match &place.state {
        State::Left(Left::Changed) => format!("{path} was changed by somebody: left as it is"),
        State::Left(Left::Foreign) => format!("{path} is not from here: left as it is"),
        State::Left(Left::Failed(why)) => why.clone(),
        State::New | State::Same | State::Gone => path,
    }
}

fn rules_name(file: &str) -> &'static str {
    if file == ".gitattributes" {
        "attributes"
    } else {
        "ignore"
    }
}

fn rules_text(file: &str, lines: &[&str]) -> String {
    match lines {
        [] => format!("{file}: the lines of git sync"),
        lines => format!("{file}: {}", lines.join("   ")),
    }
}

fn clash(path: &Path, what: Foreign, first: bool) -> String {
    let path = home_relative(path);
    let kind = match what {
        Foreign::Deletes => " (git-extras)",
        Foreign::Script => " (a script)",
        Foreign::Program => "",
    };
    let consequence = match (first, what) {
        (true, Foreign::Deletes) => {
            "comes first on PATH: git sync would run that one, which deletes files"
        }
        (true, _) => "comes first on PATH: git sync would run that one",
        (false, Foreign::Deletes) => "comes later on PATH; it deletes files",
        (false, _) => "comes later on PATH",
    };
    format!("{path}{kind} {consequence}")
}

fn hint(item: &Item) -> Option<String> {
    Some(match item {
        Item::Clash {
            path, first: true, ..
        } => format!(
            "put the folder of this program before {} in PATH, or remove the other one",
            home_relative(path.parent().unwrap_or(path))
        ),
        Item::Overruled { rule, .. } if !rule.starts_with("merge=") => {
            format!("write '/.sync/*' in place of that rule, so that these can be shared: {rule}")
        }
        Item::Tracked(path) => format!("git rm --cached {path}   leaves it to each machine"),
        Item::OtherDirectory(_) => {
            "git config --global sync.directory DIR   chooses another one".to_owned()
        }
        Item::Ref(name, was) if name.contains("/before/") => {
            format!("git branch NAME {was}   keeps what a force had replaced, before git cleans up")
        }
        Item::OffPath(folder) => format!("add {} to PATH", folder.display()),
        Item::UnfoundManual(folder) => format!(
            "export MANPATH={}:   lets man look there too",
            folder.display()
        ),
        Item::Fpath(folder) => format!(
            "fpath=({} $fpath)   in ~/.zshrc, before compinit, completes 'git sync' in zsh",
            spelled(folder)
        ),
        Item::NotPut(place) if !matches!(place.state, State::Left(Left::Failed(_))) => {
            format!(
                "git-sync --generate {}   prints ours",
                place.companion.word()
            )
        }
        Item::NoHook(hook) => return super::hooks::hint(hook),
        Item::Alias(_) => "git config --global --unset alias.sync   removes the alias".to_owned(),
        _ => return None,
    })
}

/// A folder as a line of zsh has it.
fn spelled(folder: &Path) -> String {
    let shown = home_relative(folder);
    let plain = |c: char| c.is_alphanumeric() || "/._-+~".contains(c);
    if shown.chars().all(plain) {
        shown
    } else {
        format!("'{}'", folder.to_string_lossy().replace('\'', r"'\''"))
    }
}

/// The setup for programs; `rest` is the sync or the error that followed.
pub fn object(outcome: &Outcome, sync: &Value, error: &Value, exit: u8) -> Value {
    let repository = outcome.items.iter().find_map(|(_, item)| match item {
        Item::Repository {
            origin,
            branch,
            upstream,
        } => Some(json!({
            "path": json::file(outcome.repo.top()),
            "origin": match origin {
                Origin::Cloned => "cloned",
                Origin::Created => "created",
                Origin::Found => "found",
            },
            "branch": branch,
            "upstream": upstream.as_ref().map(|(upstream, _)| upstream),
            "url": upstream.as_ref().and_then(|(_, url)| url.as_ref()),
        })),
        _ => None,
    });
    json!({
        "schema": json::SCHEMA,
        "machine": outcome.machine,
        "repository": repository,
        "items": list(&outcome.items),
        "sync": sync,
        "exit": exit,
        "error": error,
    })
}

/// A removal for programs.
pub fn removal(top: &Path, items: &Items) -> Value {
    json!({
        "schema": json::SCHEMA,
        "repository": { "path": json::file(top) },
        "items": list(items),
        "exit": 0,
        "error": Value::Null,
    })
}

fn list(items: &Items) -> Value {
    let one = |(mark, item): &(Mark, Item)| {
        let mark = match mark {
            Mark::New => "new",
            Mark::Same => "same",
            Mark::Gone => "gone",
            Mark::Look => "look",
        };
        let (name, text) = words(item);
        json!({ "mark": mark, "name": name, "text": text })
    };
    items.iter().map(one).collect()
}

/// Says that a setup is done, without a sync.
pub fn not_synced(ui: &Ui, outcome: &Outcome) {
    if ui.loudness() > Loudness::Quiet {
        let top = home_relative(outcome.repo.top());
        ui.answer(&format!("{top} is set up, and was not synced now\n"));
        let is_alone = |(_, item): &(Mark, Item)| *item == Item::NoRemote;
        if outcome.items.iter().any(is_alone) {
            ui.hint("git sync --setup URL   adds a remote");
        }
        ui.hint("git sync   syncs");
    }
}

/// Says what was removed.
pub fn removed(ui: &Ui, top: &Path, items: &Items) {
    self::items(ui, items);
    if ui.loudness() == Loudness::Quiet {
        return;
    }
    let top = home_relative(top);
    if items.is_empty() {
        ui.answer(&format!(
            "{top} is not set up: there is nothing to remove\n"
        ));
        return;
    }
    ui.answer(&format!("{top} is not synced any more\n"));
    let shares = |(_, item): &(Mark, Item)| matches!(item, Item::Rules { file, .. } if !file.starts_with(".git/"));
    if items.iter().any(shares) {
        ui.hint("other machines need the lines that were taken out here: do not commit that");
    }
}
