//! What somebody asks of the backups themselves: another one, a list, to let one go.

use super::{Made, Stage, folder, no_backup, shared, start, wait};
use crate::error::{Error, Result};
use crate::model::backup::{Pin, Reason};
use crate::ops::{Context, guard};
use crate::store::backups::Listed;
use crate::sys::clock;
use crate::sys::lock::Lock;
use std::path::PathBuf;
use std::time::Duration;

/// How a backup is made by hand.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How long to wait for another run.
    pub wait: Duration,
}

/// The backups of a repository.
#[derive(Debug)]
pub struct List {
    /// Where they are.
    pub folder: PathBuf,
    /// So many are kept.
    pub keep: usize,
    /// All of them, newest first.
    pub all: Vec<Listed>,
}

/// Makes a backup, where anything was changed since the newest.
pub fn backup(ctx: &Context<'_>, options: &Options) -> Result<Made> {
    guard::enrolled(ctx.repo)?;
    let _lock = alone(ctx, options.wait)?;
    super::because(ctx, Reason::Hand);
    let progress = ctx.progress_of_bytes("Backing up");
    let thread = start(ctx, &[], shared(&progress.counter())).map_err(no_backup)?;
    ctx.safety.stage.replace(Stage::Running(thread));
    let ended = wait(ctx).map_err(no_backup);
    drop(progress);
    ended
}

/// Lists the backups.
pub fn list(ctx: &Context<'_>) -> Result<List> {
    guard::enrolled(ctx.repo)?;
    let backups = folder(ctx);
    Ok(List {
        folder: backups.folder().to_owned(),
        keep: ctx.settings.backup.rules.keep,
        all: backups.list()?,
    })
}

/// Keeps a backup until it is released; its name.
pub fn keep(ctx: &Context<'_>, wanted: &str, options: &Options) -> Result<String> {
    guard::enrolled(ctx.repo)?;
    let _lock = alone(ctx, options.wait)?;
    let backups = folder(ctx);
    let all = backups.list()?;
    let listed = chosen(&all, wanted)?;
    let pin = Pin {
        why: "by hand".to_owned(),
        held: Vec::new(),
    };
    backups.pin(&listed.id, &pin)?;
    Ok(listed.id.clone())
}

/// Lets a backup go with the others of its age that was kept for something; its name.
pub fn release(ctx: &Context<'_>, wanted: &str, options: &Options) -> Result<String> {
    guard::enrolled(ctx.repo)?;
    let _lock = alone(ctx, options.wait)?;
    let backups = folder(ctx);
    let all = backups.list()?;
    let listed = chosen(&all, wanted)?;
    if listed.pin.is_none() {
        return Err(Error::blocked(format!(
            "'{}' is not kept for anything",
            listed.id
        )));
    }
    backups.release(&listed.id)?;
    Ok(listed.id.clone())
}

/// The lock of the repository. What a run that died has left is left to the next sync.
pub(super) fn alone(ctx: &Context<'_>, wait: Duration) -> Result<Lock> {
    ctx.layout.create()?;
    let mut lock = Lock::take(&ctx.layout.lock(), wait, clock::epoch())?;
    lock.pass_on();
    Ok(lock)
}

/// The backup that `wanted` names: its name, the beginning of it, or `latest`.
pub(super) fn chosen<'a>(all: &'a [Listed], wanted: &str) -> Result<&'a Listed> {
    let Some(newest) = all.first() else {
        return Err(
            Error::blocked("there is no backup yet").hint("git sync --backup-only   makes one")
        );
    };
    if wanted == "latest" {
        return Ok(newest);
    }
    if let Some(listed) = all.iter().find(|listed| listed.id == wanted) {
        return Ok(listed);
    }
    let fitting: Vec<_> = all
        .iter()
        .filter(|listed| !wanted.is_empty() && listed.id.starts_with(wanted))
        .collect();
    match &*fitting {
        [one] => Ok(one),
        [] => Err(Error::blocked(format!("no backup begins with '{wanted}'"))
            .hint("git sync backup --list   shows them")),
        many => {
            let names: Vec<_> = many.iter().map(|listed| &*listed.id).collect();
            let count = many.len();
            Err(
                Error::blocked(format!("'{wanted}' matches {count} backups"))
                    .hint(names.join("  ")),
            )
        }
    }
}
