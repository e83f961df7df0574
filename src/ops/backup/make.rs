//! Makes a backup, beside whatever else goes on.

use super::sources::Sources;
use super::{Made, folder};
use crate::error::{Error, Result};
use crate::git::config::BACKUP_ENCRYPT;
use crate::git::repo::Head as GitHead;
use crate::model::backup::{Entry, Head, Listing};
use crate::model::path::RepoPath;
use crate::model::recipients::RECIPIENTS;
use crate::ops::Context;
use crate::ops::marks::sealed;
use crate::store::backups::pack::{Order, pack};
use crate::store::backups::{Backups, read};
use crate::store::keys;
use crate::sys::age::{self, Recipients};
use crate::sys::progress::Counter;
use crate::sys::{clock, env};
use std::thread::JoinHandle;
use std::time::Instant;

/// Starts to make a backup in a thread of its own; `extra` are paths that are to be in it, although git
/// does not see them.
pub(super) fn start(
    ctx: &Context<'_>,
    extra: &[RepoPath],
    done: Counter,
) -> Result<JoinHandle<Result<Made>>> {
    let backups = folder(ctx);
    backups.create()?;
    backups.sweep();
    let sources = Sources::of(ctx, extra)?;
    let making = Making {
        head: head(ctx, &sources)?,
        recipients: recipients(ctx)?,
        deadline: ctx.repo.deadline(),
        backups,
        sources,
        done,
    };
    Ok(std::thread::spawn(move || making.make()))
}

/// What a backup is made of, and how.
struct Making {
    backups: Backups,
    sources: Sources,
    head: Head,
    /// Those that it is encrypted for, where it is.
    recipients: Option<Recipients>,
    done: Counter,
    deadline: Option<Instant>,
}

impl Making {
    /// Makes one, where anything was changed since the newest.
    fn make(self) -> Result<Made> {
        let (backups, sources) = (&self.backups, &self.sources);
        let (found, unread) = sources.find()?;
        let newest = backups.list()?.into_iter().next();
        let id = newest.as_ref().map(|newest| newest.id.clone());
        let previous = id.as_deref().and_then(|id| {
            // One that cannot be read is nothing to build upon.
            let archive = backups.open(id).ok()?;
            let listing = archive.listing().ok()?;
            Some((archive, listing))
        });
        if let (Some(id), Some((archive, listing))) = (&id, &previous)
            && (archive.is_sealed() || self.recipients.is_none())
            && is_unchanged(listing, &found, sources)
        {
            return Ok(Made {
                id: id.clone(),
                is_new: false,
                head: archive.head.clone(),
                listing: listing.clone(),
            });
        }
        let order = Order {
            found: &found,
            roots: &sources.roots,
            previous: previous.as_ref(),
            head: Head {
                number: newest.map_or(0, |newest| newest.number()) + 1,
                unread,
                ..self.head
            },
            recipients: self.recipients.as_ref(),
            keys: backups.keys(),
            done: &self.done,
            deadline: self.deadline,
        };
        let id = backups.free_id()?;
        let written = pack(&order, &backups.place(&id, self.recipients.is_some()))?;
        Ok(Made {
            id,
            is_new: true,
            head: written.head,
            listing: written.listing,
        })
    }
}

fn head(ctx: &Context<'_>, sources: &Sources) -> Result<Head> {
    let branch = match ctx.repo.head()? {
        GitHead::Branch(branch) => Some(branch),
        GitHead::Detached => None,
    };
    let bytes = |path: &std::path::Path| {
        use std::os::unix::ffi::OsStrExt as _;
        RepoPath::from_bytes(path.as_os_str().as_bytes())
    };
    Ok(Head {
        time: clock::rfc3339(clock::now()),
        reason: ctx.safety.reason.get(),
        machine: ctx.machine.id.clone(),
        repository: Some(bytes(&sources.roots.top)),
        home: env::home().as_deref().map(bytes),
        head: branch
            .as_ref()
            .and_then(|branch| Some(branch.tip.as_ref()?.to_string())),
        branch: branch.map(|branch| branch.short().to_owned()),
        ..Head::default()
    })
}

/// Those that backups are encrypted for, where that is wished: this machine, and whoever can read the
/// encrypted marks, so that the key of this one is not the only one.
fn recipients(ctx: &Context<'_>) -> Result<Option<Recipients>> {
    if !ctx.settings.backup.encrypt {
        return Ok(None);
    }
    let mut all = keys::read(ctx.repo, &ctx.settings)?.recipients();
    if all.is_empty() {
        return Err(
            Error::failed("backups are to be encrypted, and this machine has no key")
                .hint("git sync mark --add-recipient   makes one for it")
                .hint(format!(
                    "git config {BACKUP_ENCRYPT} false   makes backups in plain"
                )),
        );
    }
    for other in sealed::list(ctx)?.recipients() {
        if !age::is_recipient(other) {
            // Nobody may keep this machine from syncing by a line in a list.
            ctx.listener.warn(&format!(
                "the backup is not for '{other}', which '{RECIPIENTS}' has and is no age recipient"
            ));
        } else if !all.iter().any(|known| known == other) {
            all.push(other.to_owned());
        }
    }
    Recipients::parse(all.iter().map(String::as_str))
        .map(Some)
        .map_err(sealed::unknown)
}

fn is_unchanged(listing: &Listing, found: &[Entry], sources: &Sources) -> bool {
    let all = listing.entries.iter().zip(found);
    listing.entries.len() == found.len()
        && all.into_iter().all(|(old, now)| {
            let young = Entry {
                stamp: now.stamp,
                ..old.clone()
            };
            old.is_same(now)
                || (old.stamp.is_none()
                    && young.is_same(now)
                    && read::has_content(old, &sources.roots))
        })
}
