//! Brings files back from a backup: into their places, or into a folder of their own.
//!
//! In their places, what is there now is backed up first. All files are made beside, then each trades
//! places with the one that stands there, under a journal: a run that dies half way is undone by the next.

use super::by_hand::chosen as chosen_backup;
use super::compare::{Change, Comparison, Differing, What};
use super::{ensure_names, folder};
use crate::error::{Error, Kind as Fault, Result};
use crate::git::refs::RefChange;
use crate::model::backup::{Entry, Kind, Listing, Reason};
use crate::model::modes::Modes;
use crate::model::path::RepoPath;
use crate::ops::publish::carry_out;
use crate::ops::recover::{remove_outside, settle};
use crate::ops::sync::{Options as Run, with_lock};
use crate::ops::{Context, guard};
use crate::store::backups::archive::Archive;
use crate::store::backups::read::Roots;
use crate::store::backups::unpack::{self, Places};
use crate::store::backups::{Backups, Listed};
use crate::store::journal::{Journal, Step};
use crate::sys::swap::{self, Print};
use crate::sys::{env, fs, tree};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is restored, and where to.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The name of the backup, the beginning of it, or `latest`; asked for where it is not given.
    pub backup: Option<String>,
    /// Only these paths, absolute.
    pub paths: Vec<PathBuf>,
    /// Into this folder, which is not there yet, or empty.
    pub to: Option<PathBuf>,
    /// What came since is removed too, where all is restored.
    pub exact: bool,
    /// Change nothing.
    pub dry_run: bool,
    /// Read the contents that differ, to show them.
    pub differences: bool,
    /// How long to wait for another run.
    pub wait: Duration,
}

/// Decides what is not said beforehand.
pub trait Chooser {
    /// Which backup?
    fn backup(&mut self, all: &[Listed]) -> Result<usize>;
    /// Which of the changes?
    fn changes(&mut self, plan: &Plan) -> Result<BTreeSet<usize>>;
}

/// What a restore would do.
#[derive(Debug, Default)]
pub struct Plan {
    /// The backup.
    pub id: String,
    /// What would change.
    pub changes: Vec<Change>,
    /// What cannot be brought back, and why.
    pub left: Vec<(String, &'static str)>,
    /// How many files came since, and stay.
    pub newer: usize,
}

/// What a restore did, or would do.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The backup.
    pub id: String,
    /// What changed.
    pub changes: Vec<Change>,
    /// What could not be brought back, and why.
    pub left: Vec<(String, &'static str)>,
    /// How many files came since, and stay.
    pub newer: usize,
    /// The backup of what was there before.
    pub before: Option<String>,
    /// The folder that it was restored into, where it was one.
    pub to: Option<PathBuf>,
    /// How many files are in it then.
    pub files: usize,
    /// Was nothing done?
    pub dry_run: bool,
    /// The contents that differ, where that was wished: now, and in the backup.
    pub differences: Vec<Differing>,
}

/// A backup that is open.
pub(super) struct Opened {
    pub(super) id: String,
    pub(super) archive: Archive,
    pub(super) listing: Listing,
}

impl Opened {
    /// Opens a backup, and looks whether it is one of ours.
    pub(super) fn open(backups: &Backups, id: &str) -> Result<Self> {
        let archive = backups.open(id)?;
        let listing = archive.listing()?;
        if let Some(trouble) = listing.trouble() {
            return Err(Error::failed(format!("the backup '{id}' is not restored"))
                .because(trouble)
                .hint("this program has not made it like this"));
        }
        Ok(Self {
            id: id.to_owned(),
            archive,
            listing,
        })
    }
}

/// Restores as `options` say.
pub fn restore(ctx: &Context<'_>, options: &Options, chooser: &mut dyn Chooser) -> Result<Outcome> {
    guard::enrolled(ctx.repo)?;
    let backups = folder(ctx);
    let all = backups.list()?;
    let id = match &options.backup {
        Some(wanted) => chosen_backup(&all, wanted)?.id.clone(),
        // Says that there is none.
        None if all.is_empty() => chosen_backup(&all, "latest")?.id.clone(),
        None => {
            let number = chooser.backup(&all)?;
            let listed = all.get(number);
            listed.map(|listed| listed.id.clone()).unwrap_or_default()
        }
    };
    let opened = Opened::open(&backups, &id)?;
    if let Some(to) = &options.to {
        return into(ctx, &opened, options, to);
    }
    let run = Run {
        wait: options.wait,
        dry_run: options.dry_run,
        ..Run::default()
    };
    guard::check(ctx)?;
    with_lock(ctx, &run, |ready| {
        let branch = &ready.branch.name;
        in_place(ctx, &opened, options, branch, chooser)
    })
}

/// The entries that `paths` name; all of them where none is named.
fn named(ctx: &Context<'_>, opened: &Opened, paths: &[PathBuf]) -> Result<BTreeSet<usize>> {
    let entries = &opened.listing.entries;
    if paths.is_empty() {
        return Ok((0..entries.len()).collect());
    }
    let roots = roots(ctx);
    let mut all = BTreeSet::new();
    for path in paths {
        let names = names_of(&roots, path);
        let fits = |entry: &Entry| {
            let fits = |name: &RepoPath| *name == entry.path || name.is_above(&entry.path);
            names.iter().any(fits)
        };
        let found = entries.iter().enumerate().filter(|(_, entry)| fits(entry));
        let before = all.len();
        all.extend(found.map(|(at, _)| at));
        if all.len() == before {
            let path = path.display();
            return Err(
                Error::blocked(format!("'{path}' is not in the backup '{}'", opened.id))
                    .hint("nothing was changed"),
            );
        }
    }
    Ok(all)
}

/// The names that a path of the system may have in a backup.
fn names_of(roots: &Roots, path: &Path) -> Vec<RepoPath> {
    let name = |root: &str, below: &Path| {
        let mut name = Path::new(root).to_owned();
        if below != Path::new("") {
            name.push(below);
        }
        RepoPath::from_bytes(name.as_os_str().as_bytes())
    };
    if let Ok(below) = path.strip_prefix(&roots.top) {
        return vec![name("repo", below)];
    }
    let below = roots
        .home
        .as_ref()
        .and_then(|home| path.strip_prefix(home).ok());
    match below {
        Some(below) => vec![name("home", below), name("repo/external", below)],
        None => Vec::new(),
    }
}

pub(super) fn roots(ctx: &Context<'_>) -> Roots {
    Roots {
        top: ctx.repo.top().to_owned(),
        home: env::home(),
    }
}

/// Restores into a folder: all of it, or the folder is not there.
fn into(ctx: &Context<'_>, opened: &Opened, options: &Options, to: &Path) -> Result<Outcome> {
    let wanted = named(ctx, opened, &options.paths)?;
    let mut outcome = Outcome {
        id: opened.id.clone(),
        to: Some(to.to_owned()),
        dry_run: options.dry_run,
        files: count(&opened.listing, &wanted),
        ..Outcome::default()
    };
    let there = fs::look(to)?;
    if there.is_some_and(|found| !found.is_dir()) || !fs::names(to)?.is_empty() {
        let to = to.display();
        return Err(
            Error::blocked(format!("'{to}' is there, and not empty")).hint("nothing was restored")
        );
    }
    if options.dry_run {
        return Ok(outcome);
    }
    let parent = to.parent().unwrap_or(to);
    fs::create_dir_all(parent)?;
    let beside = fs::beside(to);
    let made = unpack_into(opened, &wanted, &beside).and_then(|()| {
        // An empty folder there makes room.
        fs::rename(&beside, to)?;
        fs::sync_dir(parent)
    });
    if made.is_err() {
        drop(open_up(&beside));
        drop(fs::remove_scratch(&beside));
    }
    made?;
    outcome.changes = Vec::new();
    Ok(outcome)
}

/// A folder that nobody may write into cannot be emptied.
pub(super) fn open_up(folder: &Path) -> Result<()> {
    for listed in tree::listing(folder)? {
        if listed.folder && listed.mode & 0o700 != 0o700 {
            tree::set_mode(&tree::below(folder, &listed.inside), 0o700)?;
        }
    }
    Ok(())
}

/// Makes `folder`, and everything that is wanted in it.
pub(super) fn unpack_into(opened: &Opened, wanted: &BTreeSet<usize>, folder: &Path) -> Result<()> {
    let listing = &opened.listing;
    tree::create_folder(folder, 0o700)?;
    let places: Places = wanted
        .iter()
        .filter_map(|at| Some((*at, listing.entries.get(*at)?.path.below(folder))))
        .collect();
    // Folders above what is wanted are no part of it: they are there first.
    let mut above = BTreeSet::new();
    for at in wanted {
        let Some(entry) = listing.entries.get(*at) else {
            continue;
        };
        for parent in entry.path.parents() {
            let known = listing.entries.binary_search_by(|e| e.path.cmp(&parent));
            let part = known.is_ok_and(|at| wanted.contains(&at));
            if !part && above.insert(parent.clone()) && fs::look(&parent.below(folder))?.is_none() {
                tree::create_folder(&parent.below(folder), 0o755)?;
            }
        }
        if entry.kind == Kind::Folder {
            tree::create_folder(&entry.path.below(folder), 0o700)?;
        }
    }
    unpack::unpack(&opened.archive, listing, &places, folder)?;
    let files: Vec<_> = places.values().cloned().collect();
    fs::sync_files(folder, &files)?;
    unpack::finish_folders(listing, &places)?;
    tree::set_mode(folder, 0o755)
}

fn count(listing: &Listing, wanted: &BTreeSet<usize>) -> usize {
    let entries = wanted.iter().filter_map(|at| listing.entries.get(*at));
    entries.filter(|entry| entry.kind != Kind::Folder).count()
}

/// Restores into the places that things had.
fn in_place(
    ctx: &Context<'_>,
    opened: &Opened,
    options: &Options,
    branch: &str,
    chooser: &mut dyn Chooser,
) -> Result<Outcome> {
    let wanted = named(ctx, opened, &options.paths)?;
    let roots = roots(ctx);
    let compared = Comparison::of(ctx, opened, &roots, &wanted, options)?;
    let plan = Plan {
        id: opened.id.clone(),
        changes: compared.changes.clone(),
        left: compared.left.clone(),
        newer: compared.newer,
    };
    let mut outcome = Outcome {
        id: opened.id.clone(),
        left: compared.left.clone(),
        newer: compared.newer,
        dry_run: options.dry_run,
        ..Outcome::default()
    };
    if options.dry_run {
        if options.differences {
            outcome.differences = compared.differences(opened)?;
        }
        outcome.changes = compared.changes;
        return Ok(outcome);
    }
    if plan.changes.is_empty() {
        return Ok(outcome);
    }
    let numbers = chooser.changes(&plan)?;
    let changes: Vec<_> = plan
        .changes
        .into_iter()
        .enumerate()
        .filter(|(number, _)| numbers.contains(number))
        .map(|(_, change)| change)
        .collect();
    if changes.is_empty() {
        return Ok(outcome);
    }
    let restoring = Restoring {
        ctx,
        opened,
        changes: &changes,
        folders: &compared.folders,
    };
    restoring.run(branch)?;
    outcome.before = super::made(ctx).map(|made| made.id);
    outcome.changes = changes;
    Ok(outcome)
}

/// Where a file was made, and where it is moved to.
type Moved = (PathBuf, PathBuf);

/// Moves a file that was made to a place beside another one, which may be on another disk.
fn move_beside(made: &Path, beside: &Path) -> Result<()> {
    if swap::move_to_free(made, beside).is_ok_and(|moved| moved) {
        return Ok(());
    }
    if let Some(target) = tree::target(made)? {
        return fs::symlink(&target, beside);
    }
    fs::copy(made, beside)?;
    fs::sync_file(beside)
}

/// A restore that is going on.
struct Restoring<'a, 'repo> {
    ctx: &'a Context<'repo>,
    opened: &'a Opened,
    changes: &'a [Change],
    /// Folders of the backup with the places that they have, and whether they are there.
    folders: &'a BTreeMap<usize, (PathBuf, bool)>,
}

impl Restoring<'_, '_> {
    fn run(&self, branch: &str) -> Result<()> {
        let ctx = self.ctx;
        // Noted before the backup is made: whatever is saved after that is seen.
        let mut before = Vec::with_capacity(self.changes.len());
        for change in self.changes {
            before.push(Print::of(&change.place)?);
        }
        super::because(ctx, Reason::Restore);
        let names = self.changes.iter().map(|change| change.name.clone());
        ensure_names(ctx, &names.collect::<Vec<_>>())?;
        let stage = ctx.layout.stage();
        fs::remove_scratch(stage)?;
        fs::create_dir_all(stage)?;
        tree::set_mode(stage, 0o700)?;
        let staged: Vec<_> = (0..self.changes.len())
            .map(|number| stage.join(format!("restored-{number}")))
            .collect();
        self.make(&staged)?;
        let (steps, outside) = self.steps(&staged, before)?;
        self.trade(branch, steps, &outside)?;
        fs::remove_scratch(stage)?;
        self.finish_folders()
    }

    fn is_inside(&self, place: &Path) -> bool {
        place.starts_with(self.ctx.repo.top())
    }

    fn make(&self, staged: &[PathBuf]) -> Result<()> {
        let places = self.changes.iter().zip(staged);
        let places: Places = places
            .filter_map(|(change, staged)| match change.what {
                What::Entry(at) => Some((at, staged.clone())),
                What::Gone => None,
            })
            .collect();
        let listing = &self.opened.listing;
        let stage = self.ctx.layout.stage();
        unpack::unpack(&self.opened.archive, listing, &places, stage)?;
        let files: Vec<_> = places.into_values().collect();
        fs::sync_files(stage, &files)
    }

    /// What happens to each file; for those outside of the work tree, where they were made and the place
    /// beside the live one that they go to first.
    fn steps(&self, staged: &[PathBuf], before: Vec<Print>) -> Result<(Vec<Step>, Vec<Moved>)> {
        let (top, stage) = (self.ctx.repo.top(), self.ctx.layout.stage());
        let name = |path: &Path, root: &Path| {
            let path = path.strip_prefix(root).unwrap_or(path);
            RepoPath::from_bytes(path.as_os_str().as_bytes())
        };
        let mut steps = Vec::with_capacity(self.changes.len());
        let mut outside = Vec::new();
        for ((change, made), before) in self.changes.iter().zip(staged).zip(before) {
            if self.is_folder(change) {
                continue;
            }
            let mut staged = made.clone();
            if !self.is_inside(&change.place) {
                if let Some(folder) = change.place.parent() {
                    fs::create_dir_all(folder)?;
                }
                staged = fs::beside(&change.place);
                outside.push((made.clone(), staged.clone()));
            }
            steps.push(Step {
                path: name(&change.place, top),
                staged: name(&staged, stage),
                before,
                after: Print::of(made)?,
                copy_of: None,
                aside: None,
            });
        }
        // What goes away makes room.
        steps.sort_by_key(|step| step.after != Print::Nothing);
        Ok((steps, outside))
    }

    fn is_folder(&self, change: &Change) -> bool {
        match change.what {
            What::Entry(at) => {
                let entry = self.opened.listing.entries.get(at);
                entry.is_some_and(|entry| entry.kind == Kind::Folder)
            }
            What::Gone => change.place.is_dir() && !change.place.is_symlink(),
        }
    }

    /// Lets the new files trade places with those that are there; all of them, or none.
    fn trade(&self, branch: &str, steps: Vec<Step>, outside: &[Moved]) -> Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        let ctx = self.ctx;
        // No ref moves: the branch that is not where this says tells that it has not got through.
        let telling = |name: &str| RefChange {
            name: name.to_owned(),
            old: None,
            new: None,
        };
        let journal = Journal::new(&ctx.run, &telling(branch), "", steps);
        journal.write(&ctx.layout)?;
        let carried = outside
            .iter()
            .try_for_each(|(made, beside)| move_beside(made, beside))
            .and_then(|()| carry_out(ctx, &journal.steps, &Modes::default()));
        match carried {
            Ok(None) => {
                if !outside.is_empty() {
                    // From here on it is through: no branch has such a name.
                    let through = telling("refs/git-sync/restored");
                    let journal = Journal::new(&ctx.run, &through, "", journal.steps);
                    journal.write(&ctx.layout)?;
                    remove_outside(&journal)?;
                }
                Journal::remove(&ctx.layout)
            }
            Ok(Some(path)) => {
                settle(ctx, &journal)?;
                Err(Error::new(
                    Fault::Blocked,
                    format!("'{path}' was saved meanwhile, or something is in its way"),
                )
                .hint("nothing was restored; run it again"))
            }
            Err(error) => {
                // What cannot be undone now is undone by the next run.
                drop(settle(ctx, &journal));
                Err(error)
            }
        }
    }

    /// Gives folders their modes and times: those that were restored, and those above what was. One that
    /// came since goes, where nothing is in it any more.
    fn finish_folders(&self) -> Result<()> {
        let gone = self.changes.iter().filter(|c| c.what == What::Gone);
        for change in gone.rev().filter(|change| self.is_folder(change)) {
            fs::remove_empty_tree(&change.place);
        }
        let listing = &self.opened.listing;
        let mut places = Places::new();
        for (at, (place, was_there)) in self.folders {
            let Some(entry) = listing.entries.get(*at) else {
                continue;
            };
            let restored = |change: &Change| match change.what {
                What::Entry(other) => {
                    other == *at || (change.letter == 'A' && entry.path.is_above(&change.name))
                }
                What::Gone => false,
            };
            // A folder that has become empty went with what was in it.
            let went = *was_there && fs::look(place)?.is_none();
            if went || self.changes.iter().any(restored) {
                fs::create_dir_all(place)?;
                places.insert(*at, place.clone());
            }
        }
        for place in places.values() {
            fs::sync_dir(place)?;
        }
        unpack::finish_folders(listing, &places)
    }
}

/// Is what stands somewhere our link to a copy: then the copy is what is restored.
pub(super) fn through_link(top: &Path, place: &Path) -> Option<PathBuf> {
    let leads = fs::look(place).ok().flatten()?.is_symlink();
    let real = place.canonicalize().ok().filter(|_| leads)?;
    let inside = real.strip_prefix(top.canonicalize().ok()?).ok()?;
    Some(top.join(inside))
}

/// The real place of something outside of the work tree: a link above it is followed, itself not.
pub(super) fn real_place(place: &Path) -> PathBuf {
    let parent = place.parent().and_then(|parent| parent.canonicalize().ok());
    match (parent, place.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => place.to_owned(),
    }
}

/// What stands at `place`, as a digest of its content; `None` where it is no file.
pub(super) fn digest_at(place: &Path) -> Result<Option<String>> {
    Ok(match Print::of(place)? {
        Print::File(digest, _) => Some(digest),
        _ => None,
    })
}
