//! Takes everything of ours off a repository; the user's files, history and remote stay.

use super::enrol::{is_enrolled, is_enrolled_at, resolved};
use super::{Item, Items, Mark, come_along, rules};
use crate::error::{Error, Result};
use crate::git::Repo;
use crate::git::config;
use crate::git::config_file;
use crate::git::refs::{RefChange, Refs};
use crate::model::mark::Mark as Marked;
use crate::ops::hooks;
use crate::ops::marks::unmark;
use crate::ops::{Context, guard, recover, resolve, schedule};
use crate::store::held;
use crate::store::journal::Journal;
use crate::store::layout::Layout;
use crate::store::machine;
use crate::sys::lock::Lock;
use crate::sys::{clock, fs};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// Below this are all refs of ours.
const REFS: &str = "refs/git-sync/";

/// Settings that a setup or its user makes in the repository itself.
const SETTINGS: [&str; 4] = [
    config::ENABLED,
    config::MACHINE_ID,
    config::PROFILE,
    config::HOOKS,
];

/// What is there to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    /// Refs of ours, with what they keep.
    pub refs: Vec<(String, String)>,
    /// Marked paths that are links, of this work tree and of the others: they become files.
    pub links: Vec<Marked>,
    /// Other work trees of the repository: what is switched off is switched off for them too.
    pub others: Vec<PathBuf>,
    /// The manual, the completions and the snippets, where no other repository of this user needs them.
    pub companions: Items,
    /// Is there nothing at all?
    pub is_empty: bool,
}

/// Looks what there is to be removed.
///
/// # Errors
/// When a path is held: the only copy of a version may be in our refs.
pub fn look(ctx: &Context<'_>) -> Result<Traces> {
    let repo = ctx.repo;
    let mut refs = Vec::new();
    for name in repo.refs_below(REFS)? {
        if let Some(oid) = repo.resolve(&name)? {
            refs.push((name, oid.short().to_string()));
        }
    }
    let waiting = waiting(ctx)?;
    if let Some(first) = waiting.first() {
        let message = match waiting.len() {
            1 => format!("1 path is held: {first}"),
            number => format!("{number} paths are held: {}", waiting.join(", ")),
        };
        return Err(Error::blocked(message)
            .hint("git sync --resolve   decides; then run this again")
            .hint("nothing was changed"));
    }
    let last = is_the_last(ctx)?;
    let companions = last.then(come_along::removable).unwrap_or_default();
    let is_empty = refs.is_empty()
        && !is_enrolled(repo)?
        && repo.local_setting(config::MACHINE_ID)?.is_none()
        && !rules::are_there(repo)?
        && private_files(&ctx.layout)?.is_empty()
        && !is_git_folder_there(&ctx.layout)?
        && !is_configured(repo)?
        && !hooks::is_any(repo)?
        && schedule::remove(ctx, true)?.is_empty()
        && !companions.iter().any(|(mark, _)| *mark == Mark::Gone);
    let others = repo.other_worktrees()?;
    let mut links = unmark::linked(ctx)?;
    for other in &others {
        links.extend(unmark::linked(&Context::new(other, ctx.listener)?)?);
        let top = other.top().display();
        if Journal::read(&Layout::of(other))?.is_some() {
            return Err(Error::blocked(format!("a sync of '{top}' was interrupted"))
                .hint(format!(
                    "git -C {top} sync   cleans up; then run this again"
                ))
                .hint("nothing was changed"));
        }
    }
    Ok(Traces {
        is_empty: is_empty && links.is_empty(),
        companions,
        refs,
        links,
        others: others.iter().map(|other| other.top().to_owned()).collect(),
    })
}

/// The held paths of all branches, and those that this one inherits. What a branch had that is gone
/// with its files keeps nobody from leaving.
fn waiting(ctx: &Context<'_>) -> Result<Vec<String>> {
    let repo = ctx.repo;
    let mut waiting: BTreeSet<_> = resolve::list_of_branch(ctx)?
        .iter()
        .map(|held| held.path.to_string())
        .collect();
    for (_, branch) in held::all(repo)? {
        if repo.resolve(&branch)?.is_some() {
            let (set, _) = held::load(repo, &branch)?;
            waiting.extend(set.iter().map(|held| held.path.to_string()));
        }
    }
    Ok(waiting.into_iter().collect())
}

/// Removes it all; returns what was removed, and what had to stay.
pub fn remove(ctx: &Context<'_>, wait: Duration) -> Result<Items> {
    let repo = ctx.repo;
    let layout = &ctx.layout;
    layout.create()?;
    let lock = Lock::take(&layout.lock(), wait, clock::epoch())?;
    if Journal::read(layout)?.is_some() || lock.predecessor_died().is_some() {
        // What a run that died had begun may have a file of the user's in its hands.
        // Also where a removal died that had got as far as the switch.
        let branch = guard::branch(repo)?;
        let upstream = repo.upstream(&branch.name);
        recover::recover(ctx, &guard::Ready { branch, upstream }, &lock)?;
    }
    let traces = look(ctx)?;
    let last = is_the_last(ctx)?;
    let scheduled = schedule::remove(ctx, false)?;
    // While it is known which links are ours, in every work tree.
    let mut unlinked = unmark::unlink_all(ctx)?;
    for other in repo.other_worktrees()? {
        let there = Context::new(&other, ctx.listener)?;
        unlinked.extend(unmark::unlink_all(&there)?);
    }

    // The switch goes first: whatever happens after it, no sync starts again.
    let mut items = Items::new();
    for kind in scheduled {
        items.push((Mark::Gone, Item::Schedule(kind.word())));
    }
    for mark in unlinked {
        items.push((Mark::Gone, Item::Link(mark.to_string())));
    }
    let mut settings = Vec::new();
    for key in SETTINGS {
        if repo.unset_local(key)? {
            settings.push(key);
        }
    }
    if !settings.is_empty() {
        items.push((Mark::Gone, Item::Settings(settings)));
    }
    let gone = hooks::remove(repo)?;
    if !gone.is_empty() {
        items.push((Mark::Gone, Item::Hooks(gone)));
    }
    if is_configured(repo)? && config_file::unset_global(repo.top(), config::DIRECTORY)? {
        items.push((Mark::Gone, Item::Directory(repo.top().to_owned())));
    }
    items.extend(remove_refs(repo, &traces)?);
    items.extend(rules::remove(repo)?);
    for other in repo.other_worktrees()? {
        items.push((Mark::Gone, Item::WorkTree(other.top().to_owned())));
        items.extend(remove_files(&Layout::of(&other))?);
    }
    items.extend(remove_files(layout)?);
    if last {
        items.extend(come_along::remove());
    }
    drop(lock);
    Ok(items)
}

/// Is no other repository of this user set up, as far as is known?
fn is_the_last(ctx: &Context<'_>) -> Result<bool> {
    let top = ctx.repo.top();
    let configured = config_file::path_setting(top, config::DIRECTORY)?;
    let usual = machine::default_directory(ctx.settings.machine_type);
    let mut others = configured.into_iter().chain(usual);
    Ok(!others.any(|other| resolved(&other) != resolved(top) && is_enrolled_at(&other)))
}

fn remove_refs(repo: &Repo, traces: &Traces) -> Result<Items> {
    let mut changes = Vec::new();
    for (name, _) in &traces.refs {
        changes.push(RefChange {
            name: name.clone(),
            old: repo.resolve(name)?,
            new: None,
        });
    }
    match repo.change_refs("sync: removed", &changes)? {
        Refs::Changed => {}
        Refs::Moved => {
            return Err(Error::blocked("another process changes the refs of ours")
                .hint("run the same again"));
        }
    }
    let gone = traces.refs.iter().map(|(name, was)| {
        let item = Item::Ref(name.clone(), was.clone());
        (Mark::Gone, item)
    });
    Ok(gone.collect())
}

fn remove_files(layout: &Layout) -> Result<Items> {
    let mut items = Items::new();
    let files = private_files(layout)?;
    for file in &files {
        fs::remove_file(file)?;
    }
    let visible = layout.visible().to_owned();
    fs::remove_scratch(&visible.join("stage"))?;
    if let Some(top) = visible.parent() {
        fs::remove_empty_parents(&visible, top);
    }
    if !files.is_empty() {
        items.push((Mark::Gone, Item::Files(visible, files.len())));
    }
    if let Some(rescued) = layout.remove()? {
        items.push((Mark::Look, Item::Rescued(rescued)));
    }
    Ok(items)
}

/// The files of this machine that are there.
fn private_files(layout: &Layout) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in [
        layout.machine_id(),
        layout.last_sync(),
        layout.icon(),
        layout.state(),
        layout.due(),
    ] {
        if fs::look(&path)?.is_some() {
            found.push(path);
        }
    }
    // The link alone: the backups are the user's.
    let link = layout.backups();
    if fs::look(&link)?.is_some_and(|found| found.is_symlink()) {
        found.push(link);
    }
    Ok(found)
}

/// Is there more in the git directory than what has to stay?
fn is_git_folder_there(layout: &Layout) -> Result<bool> {
    Ok(fs::look(&layout.lock())?.is_some() || fs::look(&layout.history())?.is_some())
}

/// Does the user's `sync.directory` lead here?
fn is_configured(repo: &Repo) -> Result<bool> {
    let found = config_file::path_setting(repo.top(), config::DIRECTORY)?;
    Ok(found.is_some_and(|directory| resolved(&directory) == resolved(repo.top())))
}
