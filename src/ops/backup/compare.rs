//! What a backup has otherwise than it is now.

use super::restore::{Opened, Options, digest_at, real_place, through_link};
use super::sources::Sources;
use crate::error::Result;
use crate::model::backup::{Entry, HOME, Kind, REPO, below};
use crate::model::mark::COPIES;
use crate::model::path::{RepoPath, quote};
use crate::ops::Context;
use crate::store::backups::read::{self, Roots};
use crate::store::backups::unpack;
use crate::sys::fs;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::PathBuf;

/// No content that is shown is larger.
const SHOWN: u64 = 1 << 20;

/// What a change brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// An entry of the backup, by its number.
    Entry(usize),
    /// Nothing: it came since.
    Gone,
}

/// A path as it is told, with its contents now and in the backup; `None` where one is no text.
pub type Differing = (String, Option<(String, String)>);

/// Something that a restore changes.
#[derive(Debug, Clone)]
pub struct Change {
    /// `A` where nothing is, `M` where something else is, `D` for what came since.
    pub letter: char,
    /// For people: from the top of the work tree, or `~/…`.
    pub shown: String,
    /// Its name in a backup.
    pub name: RepoPath,
    /// Where it is.
    pub place: PathBuf,
    /// What it becomes.
    pub what: What,
}

/// A backup, held against what is there.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub(super) changes: Vec<Change>,
    pub(super) left: Vec<(String, &'static str)>,
    /// The folders of the backup that are wanted, with their places, and whether they are there.
    pub(super) folders: BTreeMap<usize, (PathBuf, bool)>,
    pub(super) newer: usize,
}

/// What stands in a place is to what the backup has.
enum Found {
    Same,
    Differs(char),
    InTheWay(&'static str),
}

impl Comparison {
    pub(super) fn of(
        ctx: &Context<'_>,
        opened: &Opened,
        roots: &Roots,
        wanted: &BTreeSet<usize>,
        options: &Options,
    ) -> Result<Self> {
        let mut all = Self::default();
        let mut taken = BTreeSet::new();
        let progress = ctx.progress("Comparing files", wanted.len());
        // What is marked comes first: where both lead to one place, it is the live file that counts.
        for at in wanted {
            progress.step();
            let Some(entry) = opened.listing.entries.get(*at) else {
                continue;
            };
            let Some(place) = roots.place(&entry.path) else {
                let why = "there is no home for it";
                all.left.push((shown(opened, &entry.path), why));
                continue;
            };
            let place = if entry.path.as_bytes().starts_with(HOME.as_bytes()) {
                through_link(&roots.top, &place).unwrap_or_else(|| real_place(&place))
            } else {
                place
            };
            if !taken.insert(place.clone()) || entry.path.as_bytes() == REPO.as_bytes() {
                continue;
            }
            if entry.kind == Kind::Folder {
                all.folders.insert(*at, (place.clone(), place.is_dir()));
            }
            match compare(opened, entry, roots, &place)? {
                Found::Same => {}
                Found::InTheWay(why) => all.left.push((shown(opened, &entry.path), why)),
                // It comes with what is in it.
                Found::Differs('A') if is_full(opened, *at) => {}
                Found::Differs(letter) => all.changes.push(Change {
                    letter,
                    shown: shown(opened, &entry.path),
                    name: entry.path.clone(),
                    place,
                    what: What::Entry(*at),
                }),
            }
        }
        drop(progress);
        if options.paths.is_empty() {
            all.newer(ctx, opened, options.exact)?;
        }
        all.changes.sort_by(|a, b| {
            let home = |change: &Change| change.shown.starts_with("~/");
            (home(a), &a.shown).cmp(&(home(b), &b.shown))
        });
        Ok(all)
    }

    /// What came since.
    fn newer(&mut self, ctx: &Context<'_>, opened: &Opened, exact: bool) -> Result<()> {
        let sources = Sources::of(ctx, &[])?;
        let (found, _) = sources.find()?;
        for entry in found {
            let new =
                below(&entry.path, REPO).is_some() && opened.listing.get(&entry.path).is_none();
            if !new {
                continue;
            }
            if !exact {
                self.newer += usize::from(entry.kind != Kind::Folder);
            } else if let Some(place) = sources.roots.place(&entry.path) {
                self.changes.push(Change {
                    letter: 'D',
                    shown: shown(opened, &entry.path),
                    name: entry.path,
                    place,
                    what: What::Gone,
                });
            }
        }
        Ok(())
    }

    /// The contents that differ.
    pub(super) fn differences(&self, opened: &Opened) -> Result<Vec<Differing>> {
        let listing = &opened.listing;
        let mut content_at = BTreeMap::new();
        for change in &self.changes {
            if let What::Entry(at) = change.what
                && let Some(entry) = listing.entries.get(at)
                && let Some(content) = listing.content_of(entry)
                && content.kind == Kind::File
                && let Ok(first) = listing
                    .entries
                    .binary_search_by(|e| e.path.cmp(&content.path))
            {
                content_at.insert(at, first);
            }
        }
        let wanted: BTreeSet<_> = content_at.values().copied().collect();
        let wanted: Vec<_> = wanted.into_iter().collect();
        let mut texts = BTreeMap::new();
        unpack::read(&opened.archive, listing, &wanted, &mut |at, _, content| {
            let mut bytes = Vec::new();
            let read = content.take(SHOWN + 1).read_to_end(&mut bytes);
            texts.insert(at, read.is_ok().then(|| text(bytes)).flatten());
            Ok(())
        })?;
        let mut differences = Vec::new();
        for change in &self.changes {
            let new = match change.what {
                What::Gone => Some(String::new()),
                What::Entry(at) => match content_at.get(&at) {
                    Some(first) => texts.get(first).cloned().flatten(),
                    None => listing.entries.get(at).map(|entry| {
                        let target = entry.link.as_ref().map(ToString::to_string);
                        target.map_or_else(String::new, |target| format!("-> {target}\n"))
                    }),
                },
            };
            let old = now(&change.place)?;
            differences.push((change.shown.clone(), old.zip(new)));
        }
        Ok(differences)
    }
}

/// What stands at a place, as text.
fn now(place: &std::path::Path) -> Result<Option<String>> {
    let Some(found) = fs::look(place)? else {
        return Ok(Some(String::new()));
    };
    if found.is_symlink() {
        let target = crate::sys::tree::target(place)?.unwrap_or_default();
        return Ok(Some(format!("-> {}\n", target.display())));
    }
    if !found.is_file() {
        return Ok(found.is_dir().then(String::new));
    }
    let most = usize::try_from(SHOWN + 1).unwrap_or(usize::MAX);
    Ok(fs::read_head(place, most)?.and_then(text))
}

fn text(bytes: Vec<u8>) -> Option<String> {
    if bytes.len() as u64 > SHOWN || bytes.contains(&0) {
        return None;
    }
    String::from_utf8(bytes).ok()
}

/// How a path is told to people: that of a copy by what it is a copy of.
fn shown(opened: &Opened, name: &RepoPath) -> String {
    let home = |rest: &RepoPath| quote(&[b"~/", rest.as_bytes()].concat());
    if let Some(rest) = below(name, HOME) {
        return home(&rest);
    }
    if let Some(rest) = below(name, &format!("{REPO}/{COPIES}")) {
        let live = [HOME.as_bytes(), b"/", rest.as_bytes()].concat();
        if opened.listing.get(&RepoPath::from_bytes(live)).is_none() {
            return home(&rest);
        }
    }
    below(name, REPO).map_or_else(|| quote(name.as_bytes()), |path| path.to_string())
}

/// Is it a folder with something in it?
fn is_full(opened: &Opened, at: usize) -> bool {
    let entries = &opened.listing.entries;
    let Some(folder) = entries.get(at).filter(|e| e.kind == Kind::Folder) else {
        return false;
    };
    // Between them are only names that begin with that of the folder.
    let rest = entries.iter().skip(at + 1);
    let mut near = rest.take_while(|e| e.path.as_bytes().starts_with(folder.path.as_bytes()));
    near.any(|e| folder.path.is_above(&e.path))
}

fn compare(
    opened: &Opened,
    entry: &Entry,
    roots: &Roots,
    place: &std::path::Path,
) -> Result<Found> {
    let above = place.parent().into_iter().flat_map(|p| p.ancestors());
    for folder in
        above.take_while(|folder| folder.starts_with(&roots.top) && **folder != *roots.top)
    {
        match fs::look(folder)? {
            Some(found) if !found.is_dir() => {
                return Ok(Found::InTheWay("something else stands above it"));
            }
            _ => {}
        }
    }
    let Some(found) = fs::look(place)? else {
        return Ok(Found::Differs('A'));
    };
    let Some(now) = read::found(entry.path.clone(), place, &found)? else {
        return Ok(Found::InTheWay("a pipe, a socket or a device stands there"));
    };
    let differs = |same: bool| {
        if same {
            Found::Same
        } else {
            Found::Differs('M')
        }
    };
    Ok(match (entry.kind, now.kind) {
        (Kind::Folder, Kind::Folder) => differs(entry.mode == now.mode),
        (Kind::Folder, _) => Found::InTheWay("a file stands there"),
        (_, Kind::Folder) if !fs::names(place)?.is_empty() => {
            Found::InTheWay("a folder stands there")
        }
        (Kind::Link, Kind::Link) => differs(entry.link == now.link),
        (Kind::File | Kind::Hard, Kind::File) => {
            let Some(content) = opened.listing.content_of(entry) else {
                return Ok(Found::InTheWay("the backup has no content of it"));
            };
            let unchanged = entry.kind == Kind::File && entry.is_same(&now);
            let same = entry.mode == now.mode
                && content.size == now.size
                && (unchanged || (content.sha256.is_some() && digest_at(place)? == content.sha256));
            differs(same)
        }
        _ => Found::Differs('M'),
    })
}
