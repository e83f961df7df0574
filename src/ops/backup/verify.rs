//! Does the newest backup really restore?

use super::folder;
use super::restore::{Opened, open_up, unpack_into};
use crate::error::{Error, Result};
use crate::model::backup::Kind;
use crate::ops::look::look;
use crate::ops::{Context, guard};
use crate::store::backups::Listed;
use crate::store::backups::read::digest_of;
use crate::sys::{fs, tree};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

/// A disk with less room than this is as good as full.
const LITTLE: u64 = 64 << 20;

/// What was found of the newest backup.
#[derive(Debug)]
pub struct Verified {
    /// Its name.
    pub id: String,
    /// So many files were restored and compared.
    pub files: usize,
    /// Their size.
    pub bytes: u64,
    /// The folder of the backups, where that is in the work tree: whoever removes one removes both.
    pub inside: Option<PathBuf>,
    /// What is free on its disk, where that is little.
    pub full: Option<u64>,
}

/// Restores the newest backup to a scratch folder, and compares every digest.
pub fn verify(ctx: &Context<'_>) -> Result<Verified> {
    guard::enrolled(ctx.repo)?;
    let backups = folder(ctx);
    let all = backups.list()?;
    // One that cannot be read has no number, and comes last in the list: its name tells that it is newer.
    let last = all.iter().position(|listed| listed.head.is_ok());
    let readable = last.map(|at| all[at].id.clone());
    let broken = |listed: &Listed| listed.head.is_err() && Some(&listed.id) > readable.as_ref();
    let at = all.iter().position(broken).or(last);
    let Some(newest) = at.and_then(|at| all.into_iter().nth(at)) else {
        return Err(
            Error::blocked("there is no backup yet").hint("git sync --backup-only   makes one")
        );
    };
    let opened = Opened::open(&backups, &newest.id)?;
    ctx.layout.create()?;
    let (files, bytes) = look(ctx, || {
        let scratch = ctx.scratch("verify");
        let compared = compare(&opened, &scratch);
        open_up(&scratch)?;
        compared
    })?;
    let free = fs::free_space(backups.folder()).unwrap_or(u64::MAX);
    let inside = backups.is_inside();
    Ok(Verified {
        id: newest.id,
        files,
        bytes,
        inside: inside.then(|| backups.folder().to_owned()),
        full: (free < LITTLE.max(newest.size)).then_some(free),
    })
}

fn compare(opened: &Opened, scratch: &std::path::Path) -> Result<(usize, u64)> {
    let listing = &opened.listing;
    let all: BTreeSet<_> = (0..listing.entries.len()).collect();
    unpack_into(opened, &all, scratch)?;
    let (mut files, mut bytes) = (0, 0);
    for entry in &listing.entries {
        let place = entry.path.below(scratch);
        let wrong = || {
            let path = &entry.path;
            Error::failed(format!(
                "'{path}' in the backup '{}' is not what it was",
                opened.id
            ))
        };
        match entry.kind {
            Kind::Folder => {}
            Kind::Link => {
                let target = tree::target(&place)?;
                let same = target.is_some_and(|target| {
                    let link = entry.link.as_ref();
                    link.is_some_and(|link| link.as_os_str() == target.as_os_str())
                });
                if !same {
                    return Err(wrong());
                }
                files += 1;
            }
            Kind::File | Kind::Hard => {
                let content = listing.content_of(entry).ok_or_else(wrong)?;
                let mut file = File::open(&place).map_err(|s| fs::failed("read", &place, s))?;
                let digest = digest_of(&mut file).map_err(|s| fs::failed("read", &place, s))?;
                if content.sha256.as_ref() != Some(&digest) {
                    return Err(wrong());
                }
                files += 1;
                bytes += content.size;
            }
        }
    }
    Ok((files, bytes))
}
