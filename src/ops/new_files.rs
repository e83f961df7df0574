//! New files, where the user wants to be asked which of them are synced.

use super::sync::Options;
use super::{Context, Done};
use crate::error::Result;
use crate::git::config::NewFiles;
use crate::git::status::Scan;
use crate::model::path::RepoPath;
use std::collections::BTreeSet;

/// What has been answered in this run: a round that is run again does not ask again.
#[derive(Debug, Default)]
pub(super) struct Answers {
    known: BTreeSet<RepoPath>,
    chosen: BTreeSet<RepoPath>,
}

impl Answers {
    /// Takes the new files out of `scan` that are not to be synced, and names them. Without anybody to
    /// ask, that is all of them.
    pub(super) fn narrow(
        &mut self,
        ctx: &Context<'_>,
        options: &Options,
        scan: &mut Scan,
    ) -> Result<Vec<RepoPath>> {
        if ctx.settings.new_files != NewFiles::Ask {
            return Ok(Vec::new());
        }
        let new: Vec<_> = scan.untracked.difference(&self.known).cloned().collect();
        if !new.is_empty() && !options.dry_run {
            match ctx.listener.choose(&new)? {
                Some(chosen) => self.chosen.extend(
                    new.iter()
                        .enumerate()
                        .filter(|(number, _)| chosen.contains(number))
                        .map(|(_, path)| path.clone()),
                ),
                None => ctx.listener.done(&Done::Left(&new)),
            }
            self.known.extend(new);
        }
        let left: BTreeSet<_> = scan.untracked.difference(&self.chosen).cloned().collect();
        scan.untracked.retain(|path| !left.contains(path));
        scan.changed.retain(|path| !left.contains(path));
        Ok(left.into_iter().collect())
    }
}
