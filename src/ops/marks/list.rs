//! What is marked, and how each mark stands on this machine; nothing is changed.

use super::{Marks, stored};
use crate::error::Result;
use crate::git::repo::Head;
use crate::model::cure::{Cure, Live, Trouble};
use crate::model::mark::Mark;
use crate::ops::{Context, guard};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// How the link of a mark stands, or its copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It leads to the copy; a copy is the same.
    Ok,
    /// Nothing stands there.
    Missing,
    /// Something else stands there, that the next sync takes in.
    Replaced,
    /// It is a copy, and the next sync carries what has changed here or in the repository.
    Changed,
    /// A link to somewhere else stands there, or something that cannot be synced.
    Elsewhere,
    /// What stands there differs from the copy, and was not decided about.
    Skipped,
    /// It is encrypted, and cannot be read here.
    Closed,
    /// It is not for this machine.
    LeftOut,
    /// There is no home to look in.
    Unknown,
}

impl Link {
    /// Its word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Replaced => "replaced",
            Self::Changed => "changed",
            Self::Elsewhere => "elsewhere",
            Self::Closed => "closed",
            Self::Skipped | Self::LeftOut => "skipped",
            Self::Unknown => "unknown",
        }
    }
}

/// One mark as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub mark: Mark,
    /// Where it stands on this machine; `None` where there is no home to look in.
    pub live: Option<PathBuf>,
    /// Its link.
    pub link: Link,
    /// Is it a copy on this machine, and no link?
    pub copied: bool,
    /// Who has a version of their own.
    pub variants: BTreeSet<String>,
    /// Is what the repository has encrypted?
    pub encrypted: bool,
    /// How often something else has stood there by now.
    pub replaced: u32,
}

/// Lists the marks.
pub fn list(ctx: &Context<'_>) -> Result<Vec<Standing>> {
    guard::enrolled(ctx.repo)?;
    let Some(marks) = Marks::open_where_linked(ctx)? else {
        return unknown(ctx);
    };
    let tip = match ctx.repo.head()? {
        Head::Branch(branch) => branch.tip,
        Head::Detached => None,
    };
    let elsewhere = marks.other_home().is_some();
    let mut all = Vec::new();
    for mark in marks.manifest.marks() {
        let look = marks.look(mark, tip.as_ref())?;
        let copied = marks.is_copied(mark);
        let link = match (&look.live, look.cure) {
            _ if !marks.is_wanted(mark) => Link::LeftOut,
            (_, Cure::Report(Trouble::Newer)) => Link::Skipped,
            (_, Cure::Fine) => Link::Ok,
            (
                _,
                Cure::Report(
                    Trouble::Keyless
                    | Trouble::BadKey
                    | Trouble::Locked
                    | Trouble::Damaged
                    | Trouble::Unsaid,
                ),
            ) => Link::Closed,
            (Live::Nothing, _) => Link::Missing,
            (_, Cure::Ask) => Link::Skipped,
            (_, Cure::Place | Cure::Take | Cure::Merge | Cure::Seal) if copied && !elsewhere => {
                Link::Changed
            }
            (Live::Ours, _) => Link::Ok,
            (_, Cure::Report(Trouble::Elsewhere | Trouble::Odd | Trouble::OddCopy)) => {
                Link::Elsewhere
            }
            _ if elsewhere => Link::Skipped,
            _ => Link::Replaced,
        };
        all.push(Standing {
            mark: mark.clone(),
            live: Some(mark.live(&marks.home)),
            link,
            copied,
            variants: marks.manifest.terms(mark).variants,
            encrypted: marks.is_sealed(mark),
            replaced: marks.remembered(mark).map_or(0, |known| known.replaced),
        });
    }
    Ok(all)
}

/// The marks where nobody knows in which home they are.
fn unknown(ctx: &Context<'_>) -> Result<Vec<Standing>> {
    let Some((mut manifest, _)) = stored(ctx)? else {
        return Ok(Vec::new());
    };
    manifest.resolve(&ctx.machine, &ctx.settings.profiles);
    let one = |mark: &Mark| {
        let terms = manifest.terms(mark);
        Standing {
            mark: mark.clone(),
            live: None,
            link: Link::Unknown,
            copied: terms.copy,
            encrypted: terms.encrypt,
            variants: terms.variants,
            replaced: 0,
        }
    };
    Ok(manifest.marks().map(one).collect())
}
