//! Marked files: what stands at each marked path, what is to be done about it, and doing it.
//!
//! [`mark`] takes paths into the repository, [`unmark`] makes them files of their own again,
//! [`reconcile`] looks at all of them in every sync and mends what is not as it should be, [`list`]
//! only looks, [`import`] proposes what another tool keeps. What is to be done is decided by [`crate::model::cure`]; nothing is done to a live path
//! but through [`place`], which keeps what it displaces until it has looked at it.

mod absorb;
mod agree;
mod carry;
mod check;
mod commit;
mod content;
mod differing;
mod foresee;
pub mod import;
mod join;
pub mod list;
pub mod mark;
pub(super) mod modes;
mod place;
pub mod reconcile;
mod recover;
pub mod rekey;
mod release;
mod restore;
pub(super) mod sealed;
pub mod unmark;
mod vary;

use super::Context;
use crate::error::{Error, Kind, Result};
use crate::model::cure::{self, Copied, Cure, Live, Phase, Trouble};
use crate::model::entry::Oid;
use crate::model::mark::{MANIFEST, Manifest, Mark};
use crate::model::modes::Modes;
use crate::model::path::RepoPath;
use crate::store::memory::{Memory, Remembered};
use crate::sys::age::Keys;
use crate::sys::env;
use crate::sys::fs::{self, Durable};
use crate::sys::hex::hex;
use crate::sys::tree::{self, Tree};
use sealed::Opened;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

pub(super) use release::before_publication;

/// What somebody decides about a file that differs from the copy in the repository, where nothing is
/// known of what both started from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The repository's copy; the file that is here is kept aside.
    Repo,
    /// The file that is here.
    Mine,
    /// Not now.
    Skip,
    /// Not now, and neither about the others.
    Quit,
}

/// A marked path that differs from the copy at first contact, as it is shown to be decided about.
#[derive(Debug)]
pub struct Contact {
    /// Which.
    pub mark: Mark,
    /// What is here.
    pub live: PathBuf,
    /// What the repository has.
    pub copy: PathBuf,
    /// The two as text; `None` where one of them is none.
    pub text: Option<(String, String)>,
    /// Of a folder: the files in it that differ, in order.
    pub files: Vec<(RepoPath, Differs)>,
}

/// Where a file of a folder is, that is not the same on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differs {
    /// Only here.
    Here,
    /// Only in the repository.
    There,
    /// In both, with another content.
    Both,
}

/// What came of a mark that was not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub mark: Mark,
    /// What was to be done.
    pub cure: Cure,
    /// Why it is left as it is; `None`: it was done, or would be.
    pub left: Option<String>,
    /// How often something else has stood there by now.
    pub replaced: u32,
}

/// So often is a link made again without a word.
const OFTEN: u32 = 3;

impl Finding {
    /// Was the link replaced again, and so often that a copy would be better?
    pub fn is_often_replaced(&self) -> bool {
        self.replaced >= OFTEN && matches!(self.cure, Cure::Absorb | Cure::Relink | Cure::Merge)
    }
}

/// The marks of a repository on this machine.
#[derive(Debug)]
pub(super) struct Marks<'a, 'repo> {
    pub(super) ctx: &'a Context<'repo>,
    pub(super) home: PathBuf,
    pub(super) manifest: Manifest,
    pub(super) modes: Modes,
    pub(super) memory: Memory,
    /// The modes when the list was last looked at.
    agreed: Modes,
    /// What opens encrypted copies here.
    pub(super) keys: Keys,
}

/// One mark, looked at.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) live: Live,
    pub(super) cure: Cure,
    /// Is the copy the one that is remembered, by its stamp, and a file of its own too?
    pub(super) unchanged: bool,
    /// Is the copy encrypted where it shall be?
    pub(super) settled: bool,
}

/// What the repository has of a mark.
struct Seen {
    copy: Copied,
    /// Is it what is remembered, without having been read?
    unchanged: bool,
    /// Is it encrypted where it shall be?
    settled: bool,
}

impl<'a, 'repo> Marks<'a, 'repo> {
    /// Reads the list and what is remembered; `None` where there is nothing of either.
    ///
    /// # Errors
    /// When there is no home to find the paths in.
    pub(super) fn open(ctx: &'a Context<'repo>) -> Result<Option<Self>> {
        match stored(ctx)? {
            Some((manifest, memory)) => Self::with(ctx, manifest, memory, home()?).map(Some),
            None => Ok(None),
        }
    }

    /// The same, in the home that the marks were linked in where the environment names none; `None` also
    /// where that is not known either.
    pub(super) fn open_where_linked(ctx: &'a Context<'repo>) -> Result<Option<Self>> {
        let Some((manifest, memory)) = stored(ctx)? else {
            return Ok(None);
        };
        let linked = memory.common.home.as_ref();
        let linked = linked.map(|home| home.below(Path::new("/")));
        match env::home().or(linked) {
            Some(home) => Self::with(ctx, manifest, memory, home).map(Some),
            None => Ok(None),
        }
    }

    /// The same, to mark something where nothing may be marked yet.
    pub(super) fn open_or_new(ctx: &'a Context<'repo>) -> Result<Self> {
        if let Some(marks) = Self::open(ctx)? {
            return Ok(marks);
        }
        let memory = Memory::read(&ctx.layout)?;
        Self::with(ctx, Manifest::default(), memory, home()?)
    }

    fn with(
        ctx: &'a Context<'repo>,
        mut manifest: Manifest,
        memory: Memory,
        home: PathBuf,
    ) -> Result<Self> {
        manifest.resolve(&ctx.machine, &ctx.settings.profiles);
        let sealed = manifest.marks().any(|mark| manifest.terms(mark).encrypt);
        Ok(Self {
            ctx,
            home,
            keys: sealed::keys(ctx, sealed)?,
            manifest,
            modes: modes::read(ctx)?,
            agreed: Modes::parse(memory.common.modes.as_bytes()),
            memory,
        })
    }

    /// The home that the marks were linked in, where it is another one than that of now.
    pub(super) fn other_home(&self) -> Option<&RepoPath> {
        let home = self.memory.common.home.as_ref();
        home.filter(|home| !self.memory.is_empty() && **home != bytes_of(&self.home))
    }

    /// Where the copy of a mark is.
    pub(super) fn copy(&self, mark: &Mark) -> PathBuf {
        mark.copy().below(self.ctx.repo.top())
    }

    /// What is remembered of a mark.
    pub(super) fn remembered(&self, mark: &Mark) -> Option<&Remembered> {
        self.memory.get(mark.below_home())
    }

    /// Is it a copy on this machine, and not a link?
    pub(super) fn is_copied(&self, mark: &Mark) -> bool {
        let unlinkable = self.remembered(mark).is_some_and(|known| known.unlinkable);
        let terms = self.manifest.terms(mark);
        unlinkable || terms.copy || terms.encrypt
    }

    /// Is it for this machine, by its type, its id and its profiles, and is there a version for it?
    pub(super) fn is_wanted(&self, mark: &Mark) -> bool {
        let profiles = &self.ctx.settings.profiles;
        let terms = self.manifest.terms(mark);
        terms.are_for(&self.ctx.machine, profiles) && self.has_version(mark, &terms)
    }

    /// Writes what is remembered, where that is not on the disk yet.
    pub(super) fn save(&mut self) -> Result<()> {
        if !self.memory.is_changed() {
            return Ok(());
        }
        self.memory.common.home = Some(bytes_of(&self.home));
        self.memory.save(&self.ctx.layout)
    }

    /// Remembers the copy of a mark as it is now; that of a file of its own, as far as both are the same.
    pub(super) fn remember(&mut self, mark: &Mark, phase: Phase) -> Result<()> {
        let copy = self.copy(mark);
        if self.is_copied(mark) {
            return self.remember_agreed(mark, phase);
        }
        let known = self.remembered(mark).cloned();
        let stamp = tree::stamp(&copy)?.unwrap_or_default();
        let digest = match &known {
            Some(known) if known.stamp == stamp => known.digest.clone(),
            _ => Tree::of(&copy)?
                .map(|tree| tree.digest())
                .unwrap_or_default(),
        };
        let remembered = Remembered {
            phase,
            folder: mark.is_folder(),
            target: bytes_of(&copy),
            digest,
            stamp,
            mode: tree::mode(&copy)?.unwrap_or_default(),
            replaced: known.as_ref().map_or(0, |known| known.replaced),
            live_stamp: String::new(),
            unlinkable: false,
            variant: mark.variant().map(str::to_owned),
            followed: followed(known.as_ref(), phase),
            sealed: false,
            base: None,
            beside: known.and_then(|known| known.beside),
        };
        self.memory.insert(mark.below_home().clone(), remembered);
        Ok(())
    }

    /// Remembers the copy of a mark as it is now, where something is remembered of it.
    pub(super) fn settle_memory(&mut self, mark: &Mark) -> Result<()> {
        match self.remembered(mark).map(|known| known.phase) {
            Some(phase) => self.remember(mark, phase),
            None => Ok(()),
        }
    }

    /// Writes the list, where it has changed.
    pub(super) fn write_manifest(&self) -> Result<()> {
        let path = self.ctx.repo.top().join(MANIFEST);
        let text = self.manifest.text();
        match fs::read(&path)? {
            Some(found) if found == text => Ok(()),
            None if text.is_empty() => Ok(()),
            _ => {
                self.ctx.layout.create()?;
                fs::write_atomic(&path, &text, Durable::Yes)
            }
        }
    }

    /// Looks at a mark; `tip` is the last commit.
    pub(super) fn look(&self, mark: &Mark, tip: Option<&Oid>) -> Result<Look> {
        let live = self.live(mark)?;
        let Seen {
            copy,
            unchanged,
            settled,
        } = self.copied(mark, tip)?;
        let memory = self
            .remembered(mark)
            .map(|known| (known.phase, &*known.digest));
        let known_terms = self.manifest.terms(mark).are_known();
        let copied = self.is_copied(mark);
        let cure = match (known_terms, copied) {
            (false, _) => Cure::Report(Trouble::Newer),
            (true, true) => cure::decide_copy(&live, &copy, memory),
            (true, false) => cure::decide(&live, &copy, memory),
        };
        let cure = match cure {
            Cure::Fine if !settled => Cure::Seal,
            cure => cure,
        };
        Ok(Look {
            unchanged: unchanged && (!copied || self.is_live_unchanged(mark)?),
            live,
            cure,
            settled,
        })
    }

    /// What stands at the live path of a mark.
    ///
    /// # Errors
    /// When it cannot be looked at: a link of ours that is taken for something else would lead to nothing
    /// where its copy goes.
    pub(super) fn live(&self, mark: &Mark) -> Result<Live> {
        self.try_live(mark).or_else(|error| {
            let odd = fs::is_refused(&error).then_some(Live::Odd);
            odd.ok_or(error)
        })
    }

    fn try_live(&self, mark: &Mark) -> Result<Live> {
        let path = mark.live(&self.home);
        if self.leads_inside(&path)? {
            // A link to the copy would stand in the place of the copy itself.
            return Ok(Live::Odd);
        }
        let Some(found) = fs::look(&path)? else {
            return Ok(Live::Nothing);
        };
        if found.is_symlink() {
            return self.link_at(mark, &path);
        }
        if !is_kind(mark, &found) || self.has_repository(&path)? {
            return Ok(Live::Odd);
        }
        if let (Some(known), Ok(true)) = (self.remembered(mark), self.is_live_unchanged(mark)) {
            return Ok(Live::Content(known.digest.clone()));
        }
        // It is no link of ours: nobody needs to read what is in it.
        Ok(match Tree::of(&path) {
            Ok(Some(tree)) => Live::Content(tree.digest()),
            Ok(None) => Live::Nothing,
            Err(_) => Live::Odd,
        })
    }

    /// Is our link there, to where the copy is or was?
    pub(super) fn is_linked(&self, mark: &Mark) -> Result<bool> {
        Ok(matches!(self.live(mark)?, Live::Ours | Live::Moved))
    }

    fn link_at(&self, mark: &Mark, path: &Path) -> Result<Live> {
        let Some(target) = tree::target(path)? else {
            return Ok(Live::Odd);
        };
        let target = path.parent().unwrap_or(path).join(target);
        let copy = self.copy(mark);
        if target == copy || is_same(&target, &copy)? {
            return Ok(Live::Ours);
        }
        Ok(match self.remembered(mark) {
            Some(known) if known.target == bytes_of(&target) => Live::Moved,
            _ if self.is_version(mark, &target) => Live::Moved,
            _ => Live::Foreign,
        })
    }

    /// Is `path` in the repository, by way of a link above it?
    pub(super) fn leads_inside(&self, path: &Path) -> Result<bool> {
        let top = resolved(self.ctx.repo.top())?;
        for folder in path.ancestors().skip(1) {
            if let Some(folder) = fs::resolve(folder)? {
                return Ok(folder.starts_with(top));
            }
        }
        Ok(false)
    }

    /// Is the repository in the folder at `path`?
    pub(super) fn has_repository(&self, path: &Path) -> Result<bool> {
        let repo = self.ctx.repo;
        let path = resolved(path)?;
        let (top, common) = (resolved(repo.top())?, resolved(repo.common_dir())?);
        Ok(top.starts_with(&path) || common.starts_with(&path))
    }

    /// What the repository has.
    fn copied(&self, mark: &Mark, tip: Option<&Oid>) -> Result<Seen> {
        let seen = |copy| Seen {
            copy,
            unchanged: false,
            settled: true,
        };
        let copy = self.copy(mark);
        let Some(found) = fs::look(&copy)? else {
            let lost = match tip {
                Some(tip) => self.ctx.repo.has_below(tip, &mark.copy())?,
                None => false,
            };
            let none = if lost { Copied::Lost } else { Copied::Nothing };
            return Ok(seen(none));
        };
        if !is_kind(mark, &found) {
            return Ok(seen(Copied::Odd));
        }
        let known = self.remembered(mark);
        if self.is_sealed(mark) && self.keys.is_empty() {
            // What was changed here could be encrypted, and not be read again.
            return Ok(seen(Copied::Closed(self.keyless())));
        }
        if !self.is_sealed(mark) && known.is_some_and(|known| known.sealed) {
            return Ok(seen(Copied::Closed(Trouble::Unsaid)));
        }
        let stamp = tree::stamp(&copy)?.unwrap_or_default();
        // What was linked has to be encrypted yet.
        let is_settled = |known: &&Remembered| known.sealed || !self.is_sealed(mark);
        if let Some(known) = known.filter(|known| known.stamp == stamp && is_settled(known)) {
            let copy = Copied::Content(known.digest.clone());
            return Ok(Seen {
                unchanged: true,
                ..seen(copy)
            });
        }
        Ok(match self.opened(mark, &copy) {
            Ok(Opened::Content { tree, settled }) => Seen {
                settled,
                ..seen(Copied::Content(tree.digest()))
            },
            Ok(Opened::Nothing) => seen(Copied::Nothing),
            Ok(Opened::Closed(trouble)) => seen(Copied::Closed(trouble)),
            Err(_) => seen(Copied::Odd),
        })
    }

    /// Keeps a whole copy of what stands at `path`, which is about to give way; where it is kept.
    ///
    /// This is the one place where such things go.
    pub(super) fn keep_aside(&self, mark: &Mark, path: &Path) -> Result<PathBuf> {
        let Some(found) = Tree::of(path)? else {
            return Ok(path.to_owned());
        };
        let kept = self.place_aside(mark)?;
        found.copy(path, &kept)?;
        Ok(kept)
    }

    /// A free place to keep something of a mark in, its folders made.
    pub(super) fn place_aside(&self, mark: &Mark) -> Result<PathBuf> {
        let rescued = self.ctx.layout.rescued();
        let mut run = rescued.join(&self.ctx.run);
        for number in 2.. {
            if fs::look(&mark.copy().below(&run))?.is_none() {
                break;
            }
            run = rescued.join(format!("{}-{number}", self.ctx.run));
        }
        let kept = mark.copy().below(&run);
        if let Some(folder) = kept.parent() {
            fs::create_dir_all(folder)?;
        }
        // What is kept may be private, and the folders above it are not.
        tree::set_mode(&rescued, 0o700)?;
        Ok(kept)
    }
}

/// What is marked on this machine and stands outside of the repository as it is, by its path below the
/// home: all but our links.
pub(super) fn outside(ctx: &Context<'_>) -> Result<Vec<RepoPath>> {
    if env::home().is_none() {
        // They are left alone, so there is nothing to keep.
        return Ok(Vec::new());
    }
    let Some(marks) = Marks::open(ctx)? else {
        return Ok(Vec::new());
    };
    if marks.other_home().is_some() {
        return Ok(Vec::new());
    }
    let mut outside = Vec::new();
    for mark in marks.known() {
        match stands_outside(&marks, &mark) {
            Ok(true) => outside.push(mark.below_home().clone()),
            Ok(false) => {}
            Err(error) if fs::is_refused(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(outside)
}

fn stands_outside(marks: &Marks<'_, '_>, mark: &Mark) -> Result<bool> {
    let path = mark.live(&marks.home);
    let Some(found) = fs::look(&path)? else {
        return Ok(false);
    };
    let is_ours = found.is_symlink() && marks.link_at(mark, &path)? == Live::Ours;
    Ok(!is_ours && marks.is_wanted(mark) && !marks.leads_inside(&path)?)
}

/// What two looks of one run found: what is left is as the later one says.
pub(super) fn merged(mut earlier: Vec<Finding>, later: Vec<Finding>) -> Vec<Finding> {
    earlier.retain(|finding| finding.left.is_none());
    earlier.extend(later);
    earlier
}

/// The list and what is remembered; `None` where there is nothing of either.
fn stored(ctx: &Context<'_>) -> Result<Option<(Manifest, Memory)>> {
    let text = fs::read(&ctx.repo.top().join(MANIFEST))?;
    let memory = Memory::read(&ctx.layout)?;
    let manifest = Manifest::parse(&text.unwrap_or_default());
    let is_any = !manifest.is_empty() || !memory.is_empty();
    Ok(is_any.then_some((manifest, memory)))
}

/// The home of the user.
fn home() -> Result<PathBuf> {
    env::home().ok_or_else(|| {
        Error::fatal("HOME is not set, so there is nowhere to look for marked files")
    })
}

/// A path of the system as our own files have it.
pub(super) fn bytes_of(path: &Path) -> RepoPath {
    RepoPath::from_bytes(path.as_os_str().as_bytes())
}

/// The link whose content is taken in, as long as that is not done.
fn followed(known: Option<&Remembered>, phase: Phase) -> Option<RepoPath> {
    let known = known.filter(|_| phase == Phase::Adopting)?;
    known.followed.clone()
}

/// Is it what the mark says, a folder or a file?
fn is_kind(mark: &Mark, found: &std::fs::Metadata) -> bool {
    if mark.is_folder() {
        found.is_dir()
    } else {
        found.is_file()
    }
}

/// Do both lead to the same thing?
fn is_same(a: &Path, b: &Path) -> Result<bool> {
    let (a, b) = (fs::resolve(a)?, fs::resolve(b)?);
    Ok(a.is_some() && a == b)
}

/// The path without links; what is not there has none.
fn resolved(path: &Path) -> Result<PathBuf> {
    Ok(fs::resolve(path)?.unwrap_or_else(|| path.to_owned()))
}

/// Is it an end of the run, and not a trouble of one path?
fn ends_the_run(error: &Error) -> bool {
    matches!(error.kind(), Kind::Interrupted | Kind::Backup)
}

/// A name for the files of a mark that is as good in every folder.
fn short_name(mark: &Mark) -> String {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(mark.below_home().as_bytes());
    hex(&digest[..12])
}
