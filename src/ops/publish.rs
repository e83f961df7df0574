//! Makes a new tip real: first the files, then the index and the refs.
//!
//! The order is the safety. A branch that is ahead of its files would look like a user who reverted
//! everything; files that are ahead of their branch are put back by the next run, from the journal
//! and the stage folder.

use super::marks::{before_publication, modes};
use super::recover::{settle, take_back};
use super::{Context, backup};
use crate::error::{Error, Result};
use crate::git::index::PrivateIndex;
use crate::git::refs::{RefChange, Refs};
use crate::git::repo::Head;
use crate::model::entry::{Change, Entry, Mode, Oid};
use crate::model::modes::Modes;
use crate::model::path::RepoPath;
use crate::store::journal::{Journal, Step};
use crate::sys::swap::{self, Print};
use crate::sys::{fs, interrupt, tree};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// The user's git keeps the index locked for less than this.
const INDEX_PATIENCE: Duration = Duration::from_secs(3);

/// What is to be made real.
#[derive(Debug)]
pub struct Publication<'a> {
    /// The branch, `refs/heads/…`.
    pub branch: &'a str,
    /// Where it is.
    pub old: Option<&'a Oid>,
    /// Where it shall be.
    pub new: &'a Oid,
    /// What the index shall hold; with uncommitted work put back it is not what the files are.
    pub index_tree: &'a Oid,
    /// What the files shall be where `changes` says so; without changes, what `index` holds.
    pub live_tree: &'a Oid,
    /// The files that change.
    pub changes: Vec<Change>,
    /// Those of them that keep what another one had, with the path of that one.
    pub copies: BTreeMap<RepoPath, RepoPath>,
    /// Folders that stand where files come, with things in them that are in no commit: as what each is kept, below
    /// the folder of what was rescued.
    pub aside: BTreeMap<RepoPath, RepoPath>,
    /// The index that describes the files as they are.
    pub index: &'a PrivateIndex<'a>,
    /// What `index` holds, where that is known.
    pub index_holds: Option<&'a Oid>,
    /// The user's index when `index` was copied from it.
    pub seen: IndexSeen,
    /// Other refs that change with the branch.
    pub refs: Vec<RefChange>,
    /// For the reflog.
    pub message: &'a str,
}

/// How a publication came out.
#[derive(Debug, PartialEq, Eq)]
pub enum Published {
    /// It is real.
    Done,
    /// The branch or the index moved under it; only files may have changed.
    Moved,
    /// These files were saved while it worked: they are as the user saved them.
    Left(Vec<RepoPath>),
}

/// What tells one state of the user's index from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexSeen(Option<(u64, u64, i64, i64)>);

impl IndexSeen {
    /// The index as it is now.
    pub fn now(path: &Path) -> Result<Self> {
        let facts =
            |found: Metadata| (found.ino(), found.size(), found.mtime(), found.mtime_nsec());
        Ok(Self(fs::look(path)?.map(facts)))
    }
}

/// Makes `publication` real.
pub fn publish(ctx: &Context<'_>, publication: &Publication<'_>) -> Result<Published> {
    interrupt::check()?;
    if !is_at_home(ctx, publication)? {
        return Ok(Published::Moved);
    }
    if !publication.changes.is_empty() {
        backup::ensure(ctx, &publication.changes)?;
    }
    before_publication(ctx, publication)?;
    let finished = publication.index.copy_to(ctx.scratch("finished"))?;
    let modes = modes::of_publication(ctx, publication)?;
    let steps = stage(ctx, publication, &modes)?;
    let saved = saved_since(ctx, publication, &steps)?;
    if !saved.is_empty() {
        return Ok(Published::Left(saved));
    }
    let name = finished
        .path()
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let changes = ref_changes(publication);
    let journal = Journal::new(&ctx.run, &telling(&changes), &name, steps);
    journal.write(&ctx.layout)?;
    let published = carry_through(
        ctx,
        publication,
        (&journal.steps, &modes),
        &finished,
        &changes,
    );
    if published.is_err() {
        // Now, and not by the next run, as after one that died. What does not work now, it tries again.
        drop(settle(ctx, &journal));
    }
    published
}

/// Does what the journal says.
fn carry_through(
    ctx: &Context<'_>,
    publication: &Publication<'_>,
    (steps, modes): (&[Step], &Modes),
    finished: &PrivateIndex<'_>,
    changes: &[RefChange],
) -> Result<Published> {
    let published = if let Some(left) = carry_out(ctx, steps, modes)? {
        Published::Left(vec![left])
    } else {
        finish_index(ctx, publication, finished)?;
        install(ctx, publication, finished, changes)?
    };
    if published == Published::Done {
        make_submodule_folders(ctx, publication);
    } else {
        take_back(ctx, steps)?;
    }
    Journal::remove(&ctx.layout)?;
    fs::remove_scratch(ctx.layout.stage())?;
    Ok(published)
}

/// A submodule that is not checked out is an empty folder: git would show one without it as removed.
/// It is made last, as a file that it replaces comes back if the run dies before it has got through.
fn make_submodule_folders(ctx: &Context<'_>, publication: &Publication<'_>) {
    for change in &publication.changes {
        if change.new.as_ref().is_some_and(Entry::is_submodule) {
            // Where something else stands, it is left alone, like the submodule.
            drop(std::fs::create_dir_all(change.path.below(ctx.repo.top())));
        }
    }
}

/// Makes the new files in the stage folder, on the disk, and notes what stands in their places.
fn stage(ctx: &Context<'_>, publication: &Publication<'_>, modes: &Modes) -> Result<Vec<Step>> {
    let files: Vec<_> = publication
        .changes
        .iter()
        .filter_map(Change::of_files)
        .collect();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let stage = ctx.layout.stage();
    fs::remove_scratch(stage)?;
    fs::create_dir_all(stage)?;
    // Until they have their modes, nobody else needs to see them.
    tree::set_mode(stage, 0o700)?;
    // An index of the changed files alone: one of all files may take longer than all the rest.
    let news = PrivateIndex::empty(ctx.repo, ctx.scratch("news"))?;
    let written: Vec<_> = files.iter().filter(|change| change.new.is_some()).collect();
    let entries = written.iter();
    news.set(entries.map(|change| (&change.path, change.new.as_ref())))?;
    let progress = ctx.progress("Writing files", written.len());
    let (tree, folder) = (publication.live_tree, stage.join("new"));
    let written = written.into_iter().map(|change| &change.path);
    ctx.repo
        .write_files(&news, written, tree, &folder, &progress)?;
    drop(progress);
    let progress = ctx.progress("Checking files", files.len());
    let top = ctx.repo.top();
    let mut steps = Vec::with_capacity(files.len());
    let mut on_disk = Vec::new();
    for (number, change) in files.iter().enumerate() {
        let live = change.path.below(top);
        // Below a link there is nothing of ours: the link goes away, and a folder comes.
        let before = if parents_are_folders(top, &change.path)? {
            Print::of(&live)?
        } else {
            Print::Nothing
        };
        let (staged, after) = match &change.new {
            None => (
                RepoPath::from_bytes(format!("gone-{number}")),
                Print::Nothing,
            ),
            Some(entry) => {
                let mut staged = b"new/".to_vec();
                staged.extend_from_slice(change.path.as_bytes());
                let staged = RepoPath::from_bytes(staged);
                let file = staged.below(stage);
                if matches!(before, Print::File(..)) {
                    swap::inherit_mode(&live, &file, entry.mode == Mode::Exec)?;
                }
                modes::narrow(modes, &change.path, &file)?;
                let after = Print::of(&file)?;
                if after == Print::Nothing {
                    return Err(Error::failed(format!(
                        "git did not write '{}'",
                        change.path
                    )));
                }
                on_disk.push(file);
                (staged, after)
            }
        };
        steps.push(Step {
            copy_of: publication.copies.get(&change.path).cloned(),
            aside: publication.aside.get(&change.path).cloned(),
            path: change.path.clone(),
            staged,
            before,
            after,
        });
        progress.step();
    }
    drop(progress);
    fs::sync_files(stage, &on_disk)?;
    // A copy is there before the file that it is of is replaced. Then, what goes away makes room for
    // what comes: a file for a folder, a folder for a file.
    steps.sort_by_key(|step| (step.copy_of.is_none(), step.after != Print::Nothing));
    Ok(steps)
}

/// Which of the files that will change are not what the snapshot says they are? Asked after their
/// prints were taken, so that a print is never of a content that the snapshot does not have.
fn saved_since(
    ctx: &Context<'_>,
    publication: &Publication<'_>,
    steps: &[Step],
) -> Result<Vec<RepoPath>> {
    let files = publication.changes.iter().filter_map(Change::of_files);
    let (added, known): (Vec<_>, Vec<_>) = files.partition(|change| change.old.is_none());
    let added: BTreeSet<_> = added.iter().map(|change| &change.path).collect();
    let taken = |step: &&Step| {
        added.contains(&step.path) && !matches!(step.before, Print::Nothing | Print::Folder)
    };
    let taken = steps.iter().filter(taken).map(|step| step.path.clone());
    let mut saved: Vec<_> = taken.collect();
    if known.is_empty() {
        return Ok(saved);
    }
    let index = PrivateIndex::empty(ctx.repo, ctx.scratch("olds"))?;
    let olds = known
        .iter()
        .map(|change| (&change.path, change.old.as_ref()));
    index.set(olds)?;
    let before = index.write_tree()?;
    index.take_in(known.iter().map(|change| &change.path))?;
    let since = ctx.repo.changes(&before, &index.write_tree()?)?;
    saved.extend(since.into_iter().map(|change| change.path));
    Ok(saved)
}

/// Replaces, adds and removes the files, up to one that turns out to have been saved since: that one
/// is returned.
pub(super) fn carry_out(
    ctx: &Context<'_>,
    steps: &[Step],
    modes: &Modes,
) -> Result<Option<RepoPath>> {
    let mut folders = BTreeSet::new();
    let progress = ctx.progress("Replacing files", steps.len());
    for step in steps {
        let live = step.path.below(ctx.repo.top());
        folders.extend(live.parent().map(Path::to_owned));
        if !carry_out_one(ctx, step, &live, modes)? {
            return Ok(Some(step.path.clone()));
        }
        progress.step();
    }
    for folder in folders {
        if fs::is_dir(&folder)? {
            fs::sync_dir(&folder)?;
        }
    }
    Ok(None)
}

fn carry_out_one(ctx: &Context<'_>, step: &Step, live: &Path, modes: &Modes) -> Result<bool> {
    let top = ctx.repo.top();
    let staged = step.staged.below(ctx.layout.stage());
    if !parents_are_folders(top, &step.path)? {
        // A parent that is gone has taken what was below it along.
        return Ok(step.after == Print::Nothing && step.before == Print::Nothing);
    }
    match (&step.before, &step.after) {
        (Print::Nothing, Print::Nothing) => Ok(true),
        (Print::Nothing | Print::Folder, _) => {
            if step.before == Print::Folder && live.is_dir() && !makes_way(ctx, step, live)? {
                return Ok(false);
            }
            modes::make_folders_above(modes, top, &step.path)?;
            swap::move_to_free(&staged, live)
        }
        (before, Print::Nothing) => {
            if Print::of(live)? != *before || !swap::move_to_free(live, &staged)? {
                return Ok(false);
            }
            if Print::of(&staged)? != *before {
                swap::move_to_free(&staged, live)?;
                return Ok(false);
            }
            if let Some(folder) = live.parent() {
                fs::remove_empty_parents(folder, top);
            }
            Ok(true)
        }
        (before, _) => {
            if Print::of(live)? != *before {
                return Ok(false);
            }
            swap::exchange(&staged, live)?;
            if Print::of(&staged)? != *before {
                swap::exchange(&staged, live)?;
                return Ok(false);
            }
            Ok(true)
        }
    }
}

/// Takes a folder away: to where it is kept, or, where nobody said that it may be, if it is empty.
fn makes_way(ctx: &Context<'_>, step: &Step, live: &Path) -> Result<bool> {
    let Some(aside) = &step.aside else {
        return Ok(fs::remove_empty_tree(live));
    };
    let kept = aside.below(&ctx.layout.rescued());
    if let Some(folder) = kept.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::rename(live, &kept)?;
    Ok(true)
}

/// Are all folders above `path` folders, or not there yet? A link among them leads out of the work
/// tree.
pub(super) fn parents_are_folders(top: &Path, path: &RepoPath) -> Result<bool> {
    for parent in path.parents() {
        match fs::look(&parent.below(top))? {
            None => return Ok(true),
            Some(found) if found.is_dir() => {}
            Some(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// Lets the finished index remember the new files, so that git need not read them again.
fn finish_index(
    ctx: &Context<'_>,
    publication: &Publication<'_>,
    finished: &PrivateIndex<'_>,
) -> Result<()> {
    if publication.changes.is_empty() && publication.index_holds == Some(publication.index_tree) {
        return Ok(());
    }
    let files = publication
        .changes
        .iter()
        .filter_map(Change::of_files)
        .map(|change| change.path);
    let files: Vec<_> = files.collect();
    let progress = ctx.progress("Taking in files", files.len());
    finished.take_in_with(&files, &progress)?;
    drop(progress);
    // Where a filter does not give back what it was given, or work is not committed: what counts is
    // the tree.
    if finished.write_tree()? == *publication.index_tree {
        return Ok(());
    }
    finished.become_tree(publication.index_tree)
}

/// The refs that change, in an order that is safe to be cut off anywhere, as git writes them one by
/// one: what is held or kept comes before the branch, what is let go after it.
fn ref_changes(publication: &Publication<'_>) -> Vec<RefChange> {
    let (kept, gone): (Vec<_>, Vec<_>) = publication
        .refs
        .iter()
        .cloned()
        .partition(|change| change.new.is_some());
    let branch = RefChange {
        name: publication.branch.to_owned(),
        old: publication.old.cloned(),
        new: Some(publication.new.clone()),
    };
    kept.into_iter().chain([branch]).chain(gone).collect()
}

/// The ref that tells whether a publication got through: the branch, or, where that stays, the last.
/// Where none moves nothing tells, and what was begun is undone: that is what an absent branch says.
fn telling(changes: &[RefChange]) -> RefChange {
    let moves = |change: &&RefChange| change.old != change.new;
    let is_branch = |change: &&RefChange| change.name.starts_with("refs/heads/");
    let branch = changes.iter().filter(moves).find(is_branch);
    match branch.or_else(|| changes.iter().rfind(moves)) {
        Some(change) => change.clone(),
        None => RefChange {
            name: changes
                .iter()
                .find(is_branch)
                .map(|c| c.name.clone())
                .unwrap_or_default(),
            old: None,
            new: None,
        },
    }
}

/// Puts the finished index in the place of the user's and moves the refs, in one critical section.
fn install(
    ctx: &Context<'_>,
    publication: &Publication<'_>,
    finished: &PrivateIndex<'_>,
    changes: &[RefChange],
) -> Result<Published> {
    let users = ctx.repo.index_path();
    let lock = users.with_extension("lock");
    // Before the refs move: they must never be ahead of an index that a power cut would empty.
    fs::sync_file(finished.path())?;
    take_index_lock(finished.path(), &lock)?;
    let unmoved = IndexSeen::now(&users)? == publication.seen && is_at_home(ctx, publication)?;
    let moved = if unmoved {
        ctx.repo.change_refs(publication.message, changes)
    } else {
        Ok(Refs::Moved)
    };
    // A transaction can fail after the branch has moved: its child was killed, or the reflog could not
    // be written. Where the branch is decides what the index must be.
    let through = matches!(moved, Ok(Refs::Changed))
        || (publication.old != Some(publication.new)
            && ctx.repo.resolve(publication.branch)?.as_ref() == Some(publication.new));
    if through {
        fs::rename(&lock, &users)?;
        fs::sync_dir(ctx.repo.git_dir())?;
        return Ok(Published::Done);
    }
    fs::remove_file(&lock)?;
    moved.map(|_| Published::Moved)
}

/// Is the branch still the one whose files these are, and has the user begun nothing that changes
/// them? A switch to another branch needs not change a single file, nor does the start of a rebase.
fn is_at_home(ctx: &Context<'_>, publication: &Publication<'_>) -> Result<bool> {
    let here = match ctx.repo.head()? {
        Head::Branch(branch) => branch.name == publication.branch,
        Head::Detached => false,
    };
    Ok(here && ctx.repo.in_progress().is_none())
}

/// Takes git's lock on the index, in git's way: the lock is the new index, complete from the moment
/// it is there.
fn take_index_lock(finished: &Path, lock: &Path) -> Result<()> {
    let deadline = Instant::now() + INDEX_PATIENCE;
    loop {
        match std::fs::hard_link(finished, lock) {
            Ok(()) => return Ok(()),
            Err(source) if source.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(fs::failed("create", lock, source));
            }
            Err(_) if Instant::now() >= deadline => {
                return Err(Error::blocked("another git process is using the index")
                    .because(format!("'{}' exists", lock.display()))
                    .hint("if no git is running here, remove that file"));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
        interrupt::check()?;
    }
}
