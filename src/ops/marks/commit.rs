//! Commits what a mark or an unmark has changed in the work tree, and nothing else of it.

use super::Marks;
use crate::error::{Error, Result};
use crate::git::config::CommitWhen;
use crate::git::index::PrivateIndex;
use crate::model::entry::{Change, Oid};
use crate::model::mark::{MANIFEST, Mark};
use crate::model::modes::MODES;
use crate::model::path::RepoPath;
use crate::model::recipients::RECIPIENTS;
use crate::model::skipped::{Skipped, Why};
use crate::ops::guard::Ready;
use crate::ops::held::Holding;
use crate::ops::publish::{IndexSeen, Publication, Published, publish};
use crate::ops::screen::Screen;
use crate::ops::snapshot::{self, Snapshot, unkeepable};
use std::collections::{BTreeMap, BTreeSet};

/// What was committed.
#[derive(Debug, Default)]
pub(super) struct Committed {
    pub(super) changes: Vec<Change>,
    pub(super) skipped: Vec<Skipped>,
}

impl Marks<'_, '_> {
    /// Commits the list and the copies of `marks`; nothing where the user commits by hand.
    pub(super) fn commit(
        &self,
        ready: &Ready,
        marks: &[Mark],
        subject: &str,
        screen: &Screen<'_, '_>,
    ) -> Result<Committed> {
        let ctx = self.ctx;
        if ctx.settings.commit == CommitWhen::Never {
            return Ok(Committed::default());
        }
        let tip = ready.branch.tip.as_ref();
        let held = Holding::load(ctx, &ready.branch.name)?.set;
        let scan = ctx.scan(true)?;
        let versions = marks.iter().flat_map(|mark| self.manifest.versions(mark));
        let copies: Vec<_> = versions.chain(marks.iter().cloned()).collect();
        let copies: BTreeSet<_> = copies.iter().map(Mark::copy).collect();
        let is_ours = |path: &RepoPath| {
            let copied =
                copies.contains(path) || path.parents().any(|above| copies.contains(&above));
            let list = [MANIFEST, MODES, RECIPIENTS].map(str::as_bytes);
            (copied || list.contains(&path.as_bytes())) && !held.covers(path)
        };
        let mut skipped = unkeepable(&scan);
        skipped.retain(|skipped| is_ours(&skipped.path));
        let dirty = scan.dirty().into_iter().filter(|path| is_ours(path));
        let mut paths: BTreeSet<_> = dirty.cloned().collect();
        for refused in screen.refused(&paths)? {
            paths.remove(&refused.path);
            skipped.push(refused);
        }
        if paths.is_empty() {
            return Ok(Committed {
                changes: Vec::new(),
                skipped,
            });
        }
        let mut snapshot = self.snapshot(tip, &paths, skipped)?;
        screen.apply(&mut snapshot, &[])?;
        let Some(new) = snapshot::commit_as(ctx, tip, &mut snapshot, &held, subject)? else {
            return Ok(Committed {
                changes: Vec::new(),
                skipped: snapshot.skipped,
            });
        };
        self.advance(ready, &snapshot, &new)?;
        Ok(Committed {
            changes: snapshot.changes,
            skipped: snapshot.skipped,
        })
    }

    /// The last commit with `paths` as they are in the work tree.
    fn snapshot(
        &self,
        tip: Option<&Oid>,
        paths: &BTreeSet<RepoPath>,
        mut skipped: Vec<Skipped>,
    ) -> Result<Snapshot<'_>> {
        let repo = self.ctx.repo;
        let base = match tip {
            Some(tip) => repo.tree_of(tip)?,
            None => repo.empty_tree()?,
        };
        let index = PrivateIndex::empty(repo, self.ctx.scratch("marked"))?;
        index.become_tree(&base)?;
        let progress = self.ctx.progress("Taking in files", paths.len());
        let refused = index.take_in_with(paths, &progress)?;
        drop(progress);
        skipped.extend(refused.into_iter().map(|path| Skipped {
            path,
            why: Why::Name,
        }));
        let tree = index.write_tree()?;
        Ok(Snapshot {
            changes: repo.changes(&base, &tree)?,
            index,
            tree,
            skipped,
            left_out: BTreeSet::new(),
            staged: None,
            seen: IndexSeen::now(&repo.index_path())?,
        })
    }

    /// Moves the branch; what the user has staged besides stays staged.
    fn advance(&self, ready: &Ready, snapshot: &Snapshot<'_>, new: &Oid) -> Result<()> {
        let (ctx, repo) = (self.ctx, self.ctx.repo);
        let seen = IndexSeen::now(&repo.index_path())?;
        let index = PrivateIndex::copy_of_users(repo, ctx.scratch("index"))?;
        let entries = snapshot.changes.iter();
        index.set(entries.map(|change| (&change.path, change.new.as_ref())))?;
        index.refresh()?;
        let tree = index.write_tree()?;
        let published = publish(
            ctx,
            &Publication {
                branch: &ready.branch.name,
                old: ready.branch.tip.as_ref(),
                new,
                index_tree: &tree,
                live_tree: &snapshot.tree,
                changes: Vec::new(),
                copies: BTreeMap::new(),
                aside: BTreeMap::new(),
                index: &index,
                index_holds: Some(&tree),
                seen,
                refs: Vec::new(),
                message: "sync: marked files",
            },
        )?;
        match published {
            Published::Done => Ok(()),
            Published::Moved | Published::Left(_) => Err(Error::blocked(
                "the branch or the index changed meanwhile, so nothing was committed",
            )
            .hint("git sync   commits what was marked")),
        }
    }
}
