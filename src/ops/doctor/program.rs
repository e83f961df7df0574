//! Is it this program that answers to `git sync`, does its manual, and is git new enough?

use super::Finding;
use crate::error::Result;
use crate::git::command::outside;
use crate::model::companion::Companion;
use crate::ops::companions::{self, Manual};
use crate::ops::setup::Item;
use crate::ops::setup::clash::{self, Foreign};
use std::path::Path;

/// The oldest git whose merge-tree merges without a work tree.
const OLDEST: (u32, u32) = (2, 38);

pub(super) fn look(here: &Path) -> Result<Vec<Finding>> {
    let mut findings = vec![of_git(here)?];
    let clashes = clash::find(here)?;
    for (_, item) in &clashes {
        findings.extend(of_clash(item));
    }
    if clashes.is_empty() {
        let version = env!("CARGO_PKG_VERSION");
        findings.push(Finding::good("program", format!("git-sync {version}")));
    }
    findings.extend(of_manual()?);
    Ok(findings)
}

fn of_git(here: &Path) -> Result<Finding> {
    let asked = outside(here, "--version").run()?;
    let text = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    Ok(match version(&text) {
        Some(found) if found >= OLDEST => Finding::good("git", text),
        Some(_) => Finding::bad("git", format!("{text} is too old"))
            .fix(format!("install git {}.{} or newer", OLDEST.0, OLDEST.1)),
        None => Finding::warning("git", format!("'{text}' says no version")),
    })
}

/// `git version 2.47.1 (Apple Git-155)`
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn of_clash(item: &Item) -> Option<Finding> {
    Some(match item {
        Item::Clash { path, what, first } => {
            let name = path.display();
            let text = match what {
                Foreign::Deletes => format!("'{name}' is another git-sync, and deletes files"),
                Foreign::Script | Foreign::Program => format!("'{name}' is another git-sync"),
            };
            if *first {
                Finding::bad("program", format!("{text}; it is found before this one"))
                    .fix("put the folder of this program first in PATH, or remove the other one")
            } else {
                Finding::warning("program", text)
            }
        }
        Item::OffPath(folder) => Finding::bad("program", "git finds no 'sync'")
            .fix(format!("add '{}' to PATH", folder.display())),
        Item::Alias(value) => Finding::warning(
            "program",
            format!("alias.sync ({value}) is hidden: git prefers this program to it"),
        )
        .fix("git config --global --unset alias.sync   removes the alias"),
        _ => return None,
    })
}

/// `git sync --help` opens the manual, if there is a man to open it with.
fn of_manual() -> Result<Option<Finding>> {
    let set_up = "git sync --setup   puts it where man finds it";
    Ok(Some(match companions::manual()? {
        Manual::NoReader => return Ok(None),
        Manual::Ours(page) if companions::is_outdated(Companion::Man, &page) => Finding::warning(
            "manual",
            format!("'{}' is of another version", page.display()),
        )
        .fix("git sync --setup   brings it up to date"),
        Manual::Ours(page) => Finding::good("manual", page.display().to_string()),
        Manual::Unfound => {
            Finding::warning("manual", "'git sync --help' finds no page").fix(set_up)
        }
        Manual::Foreign(page) => Finding::warning(
            "manual",
            format!(
                "'git sync --help' shows the one of another program: '{}'",
                page.display()
            ),
        )
        .fix(set_up)
        .fix("git-sync --help   shows this one"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_kinds_are_read() {
        for (text, expected) in [
            ("git version 2.47.1", Some((2, 47))),
            ("git version 2.39.5 (Apple Git-155)", Some((2, 39))),
            ("git version 2.38.rc1", Some((2, 38))),
            ("git version 3", None),
            ("", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }
}
