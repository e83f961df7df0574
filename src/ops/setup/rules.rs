//! Our lines in `.gitignore` and `.gitattributes`, and whether git obeys them.

use super::{Item, Items, Mark};
use crate::error::{Error, Result};
use crate::git::Repo;
use crate::git::ignore::Verdict;
use crate::model::block;
use crate::sys::fs::{self, Durable};
use std::path::PathBuf;

/// What stays on each machine, and what is shared after all. `/.sync/*` and not `/.sync/`: git looks
/// for exceptions only in folders that it does not ignore. `*.local` fits the folder `.local` too, and
/// below `~/.local` is much that can be marked.
const IGNORE: &[&str] = &[
    "/.sync/*",
    "!/.sync/marked-files.txt",
    "!/.sync/modes",
    "!/.sync/recipients.txt",
    "!/.sync/config.yaml",
    "*.local",
    "!/external/**/.local/",
];

/// Two machines may add lines at once.
const ATTRIBUTES: &[&str] = &[
    "/.sync/marked-files.txt merge=union",
    "/.sync/modes merge=union",
    "/.sync/recipients.txt merge=union",
];

/// The files of the work tree that have lines of ours.
const FILES: [(&str, &[&str]); 2] = [(".gitignore", IGNORE), (".gitattributes", ATTRIBUTES)];

/// The user's rules for this clone alone.
const EXCLUDE: &str = ".git/info/exclude";

/// Must be ignored.
const PRIVATE: [&str; 5] = [
    ".sync/machine-id",
    ".sync/state",
    ".sync/sync-status",
    ".sync/last-sync",
    ".sync/stage",
];

/// Must not be ignored.
const SHARED: [&str; 4] = [
    ".sync/marked-files.txt",
    ".sync/modes",
    ".sync/recipients.txt",
    ".sync/config.yaml",
];

/// Refuses what [`write()`] could not do, before anything is touched.
pub(super) fn check(repo: &Repo) -> Result<()> {
    for (name, _) in FILES {
        target(repo, name)?;
    }
    let folder = repo.top().join(".sync");
    match fs::look(&folder)? {
        Some(found) if !found.is_dir() => Err(Error::blocked(format!(
            "'{}' is not a folder",
            folder.display()
        ))
        .hint("git sync keeps its files there: move it out of the way")),
        _ => Ok(()),
    }
}

/// Where the content of `name` is: links inside the work tree are followed.
fn target(repo: &Repo, name: &str) -> Result<PathBuf> {
    let path = repo.top().join(name);
    match fs::look(&path)? {
        None => return Ok(path),
        Some(found) if found.is_file() => return Ok(path),
        Some(found) if found.is_symlink() => {}
        Some(_) => {
            return Err(
                Error::blocked(format!("'{}' is not a file", path.display()))
                    .hint("git sync adds its rules there: move it out of the way"),
            );
        }
    }
    let resolved = path.canonicalize();
    let top = repo.top().canonicalize();
    let git_dir = repo.git_dir().canonicalize();
    match (resolved, top, git_dir) {
        (Ok(target), Ok(top), Ok(git_dir))
            if target.starts_with(&top) && !target.starts_with(&git_dir) && target.is_file() =>
        {
            Ok(target)
        }
        _ => Err(Error::blocked(format!(
            "'{}' is a link that leads out of the repository",
            path.display()
        ))
        .hint("git does not follow it, and git sync does not write through it")
        .hint(format!(
            "make it a file, with the lines that '{name}' shall have"
        ))),
    }
}

/// Adds the lines that are missing, and looks what git makes of them.
///
/// # Errors
/// When git would commit what must stay on this machine; the files are then as they were.
pub(super) fn write(repo: &Repo) -> Result<Items> {
    let mut items = Items::new();
    let mut edits = Vec::new();
    for (name, wanted) in FILES {
        let edit = add(target(repo, name)?, wanted)?;
        items.push(rules(name, &edit));
        edits.push(edit);
    }
    match exclude(repo) {
        Ok(None) => {}
        Ok(Some(edit)) => items.push(rules(EXCLUDE, &edit)),
        Err(error) => {
            for edit in edits {
                edit.undo()?;
            }
            return Err(error);
        }
    }
    for (path, verdict) in SHARED.into_iter().zip(repo.ignored(&SHARED)?) {
        if let Some(rule) = verdict.rule.filter(|_| verdict.ignored) {
            items.push((Mark::Look, Item::Overruled { path, rule }));
        }
    }
    for path in [SHARED[0], SHARED[1], SHARED[2]] {
        let merge = repo.attribute(path, "merge")?;
        if merge != "union" {
            let rule = format!("merge={merge}");
            items.push((Mark::Look, Item::Overruled { path, rule }));
        }
    }
    for path in repo.tracked(&PRIVATE)? {
        items.push((Mark::Look, Item::Tracked(path)));
    }
    Ok(items)
}

fn rules(file: &'static str, edit: &Edit) -> (Mark, Item) {
    let mark = if edit.lines.is_empty() {
        Mark::Same
    } else {
        Mark::New
    };
    let lines = edit.lines.clone();
    (mark, Item::Rules { file, lines })
}

/// A file with lines of ours, and how to go back.
struct Edit {
    path: PathBuf,
    before: Option<Vec<u8>>,
    lines: Vec<&'static str>,
}

impl Edit {
    fn undo(self) -> Result<()> {
        match self.before {
            _ if self.lines.is_empty() => Ok(()),
            Some(before) => fs::write_atomic(&self.path, &before, Durable::Yes),
            None => fs::remove_file(&self.path),
        }
    }
}

fn add(path: PathBuf, wanted: &[&'static str]) -> Result<Edit> {
    let before = fs::read(&path)?;
    let text = before.as_deref().unwrap_or_default();
    let lines = block::missing(text, wanted);
    if !lines.is_empty() {
        fs::write_atomic(&path, &block::add(text, &lines), Durable::Yes)?;
    }
    Ok(Edit {
        path,
        before,
        lines,
    })
}

/// What stays on this machine must stay on it even where git does not read our lines: it follows no
/// `.gitignore` that is a link. The rules of this clone alone help then.
fn exclude(repo: &Repo) -> Result<Option<Edit>> {
    let Some(verdict) = not_ignored(repo)? else {
        return Ok(None);
    };
    if verdict.rule.is_some() {
        // A rule that takes it out again is stronger.
        return Err(would_be_committed(verdict));
    }
    let path = exclude_path(repo);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let edit = add(path, IGNORE)?;
    match not_ignored(repo)? {
        None => Ok(Some(edit)),
        Some(verdict) => {
            edit.undo()?;
            Err(would_be_committed(verdict))
        }
    }
}

/// The first verdict that would let a file of this machine be committed.
fn not_ignored(repo: &Repo) -> Result<Option<Verdict>> {
    let verdicts = repo.ignored(&PRIVATE)?;
    Ok(verdicts.into_iter().find(|verdict| !verdict.ignored))
}

fn would_be_committed(verdict: Verdict) -> Error {
    Error::blocked("the files of this machine in '.sync' would be committed")
        .because(verdict.rule.unwrap_or_default())
        .hint("remove the rule that takes them out of '/.sync/*' again")
}

fn exclude_path(repo: &Repo) -> PathBuf {
    repo.common_dir().join("info").join("exclude")
}

/// The files that have a block of ours, and their content without it.
fn blocks(repo: &Repo) -> Result<Vec<(&'static str, PathBuf, Vec<u8>)>> {
    let shared = FILES
        .into_iter()
        .filter_map(|(name, wanted)| Some((name, target(repo, name).ok()?, wanted)));
    let all = shared.chain([(EXCLUDE, exclude_path(repo), IGNORE)]);
    let mut found = Vec::new();
    for (name, path, wanted) in all {
        let text = fs::read(&path)?.unwrap_or_default();
        if let Some(rest) = block::remove(&text, wanted) {
            found.push((name, path, rest));
        }
    }
    Ok(found)
}

/// Is there a block of ours?
pub(super) fn are_there(repo: &Repo) -> Result<bool> {
    Ok(!blocks(repo)?.is_empty())
}

/// Takes our blocks out; a file that had nothing else goes.
pub(super) fn remove(repo: &Repo) -> Result<Items> {
    let mut items = Items::new();
    for (file, path, rest) in blocks(repo)? {
        if rest.is_empty() && file != EXCLUDE {
            fs::remove_file(&path)?;
        } else {
            fs::write_atomic(&path, &rest, Durable::Yes)?;
        }
        let lines = Vec::new();
        items.push((Mark::Gone, Item::Rules { file, lines }));
    }
    Ok(items)
}
