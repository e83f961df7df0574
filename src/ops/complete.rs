//! What can be typed in a place of the command line, for the completions of shells: quickly, without the
//! network, and without a trace.

use super::{Context, guard};
use crate::error::Result;
use crate::git::repo::Head;
use crate::model::backup::Reason;
use crate::model::heartbeat::{Heartbeat, PREFIX};
use crate::model::machine::MachineType;
use crate::model::mark::{MANIFEST, Manifest};
use crate::model::path::RepoPath;
use crate::store::held;
use crate::sys::fs;
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The marked paths.
    Marked,
    /// The held paths.
    Held,
    /// The backups, newest first.
    Backups,
    /// The types of machines.
    Types,
    /// The machines that are known.
    Machines,
    /// The profiles that are known.
    Profiles,
}

impl Kind {
    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "marked" => Self::Marked,
            "held" => Self::Held,
            "backups" => Self::Backups,
            "types" => Self::Types,
            "machines" => Self::Machines,
            "profiles" => Self::Profiles,
            _ => return None,
        })
    }
}

/// Something that can be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// As it is typed, before a shell wants anything quoted.
    pub text: Vec<u8>,
    /// What it is.
    pub about: About,
}

/// What a candidate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A path, which speaks for itself.
    Path,
    /// A backup: why it was made, and how many files it has.
    Backup(Reason, usize),
    /// A backup that cannot be read.
    Damaged,
    /// A type of machine.
    Type,
    /// A machine.
    Machine,
    /// A profile.
    Profile,
}

/// The candidates of a kind, for somebody who types in the folder `here`.
pub fn candidates(ctx: &Context<'_>, kind: Kind, here: &Path) -> Result<Vec<Candidate>> {
    guard::enrolled(ctx.repo)?;
    let of = |about: About| {
        move |text: Vec<u8>| Candidate {
            text,
            about: about.clone(),
        }
    };
    Ok(match kind {
        Kind::Marked => {
            let all = manifest(ctx)?;
            let marks = all.marks().map(crate::model::mark::Mark::spelled);
            marks.map(of(About::Path)).collect()
        }
        Kind::Held => held_paths(ctx, here)?
            .into_iter()
            .map(of(About::Path))
            .collect(),
        Kind::Backups => backups(ctx)?,
        Kind::Types => MachineType::ALL
            .map(|kind| of(About::Type)(kind.word().into()))
            .into(),
        Kind::Machines => machines(ctx)?
            .into_iter()
            .map(|id| of(About::Machine)(id.into_bytes()))
            .collect(),
        Kind::Profiles => profiles(ctx)?
            .into_iter()
            .map(|name| of(About::Profile)(name.into_bytes()))
            .collect(),
    })
}

fn manifest(ctx: &Context<'_>) -> Result<Manifest> {
    let text = fs::read(&ctx.repo.top().join(MANIFEST))?;
    Ok(Manifest::parse(&text.unwrap_or_default()))
}

/// The held paths as they are typed here: outside of the repository they count from its top.
fn held_paths(ctx: &Context<'_>, here: &Path) -> Result<Vec<Vec<u8>>> {
    let Head::Branch(branch) = ctx.repo.head()? else {
        return Ok(Vec::new());
    };
    let (set, _) = held::load(ctx.repo, &branch.name)?;
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (top, here) = (real(ctx.repo.top()), real(here));
    let inside = here.strip_prefix(&top).unwrap_or(Path::new(""));
    let typed = |path: &RepoPath| seen_from(inside, path).as_os_str().as_bytes().to_vec();
    Ok(set.iter().map(|held| typed(&held.path)).collect())
}

/// `path`, relative to the folder `inside` of the repository.
fn seen_from(inside: &Path, path: &RepoPath) -> PathBuf {
    let path = Path::new(path.as_os_str());
    for (ups, folder) in inside.ancestors().enumerate() {
        if let Ok(below) = path.strip_prefix(folder) {
            return std::iter::repeat_n(Path::new(".."), ups)
                .chain([below])
                .collect();
        }
    }
    path.to_owned()
}

fn backups(ctx: &Context<'_>) -> Result<Vec<Candidate>> {
    let all = super::backup::list(ctx)?.all.into_iter();
    let all = all.map(|listed| Candidate {
        text: listed.id.into_bytes(),
        about: match listed.head {
            Ok(head) => About::Backup(head.reason, head.files),
            Err(_) => About::Damaged,
        },
    });
    Ok(all.collect())
}

/// This one, and those that were last seen at the remote.
fn machines(ctx: &Context<'_>) -> Result<BTreeSet<String>> {
    let mut ids = BTreeSet::from([ctx.machine.id.clone()]);
    for name in ctx.repo.refs_below(PREFIX)? {
        if let Some(oid) = ctx.repo.resolve(&name)?
            && let Some(beat) = Heartbeat::parse(&ctx.repo.blob(&oid)?)
        {
            ids.insert(beat.machine);
        }
    }
    Ok(ids)
}

/// Those of this machine, and those that marks are for.
fn profiles(ctx: &Context<'_>) -> Result<BTreeSet<String>> {
    let mut names = ctx.settings.profiles.clone();
    let manifest = manifest(ctx)?;
    for mark in manifest.marks() {
        for word in manifest.terms(mark).words() {
            let list = word.strip_prefix("profiles=").map(|list| list.split(','));
            names.extend(list.into_iter().flatten().map(str::to_owned));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_as_it_is_typed_in_a_folder() {
        let seen = |inside: &str, path: &str| {
            let path = RepoPath::from_bytes(path.as_bytes());
            seen_from(Path::new(inside), &path).display().to_string()
        };
        assert_eq!(seen("", "a/b"), "a/b");
        assert_eq!(seen("a", "a/b"), "b");
        assert_eq!(seen("a/c", "a/b"), "../b");
        assert_eq!(seen("x/y", "a/b"), "../../a/b");
    }
}
