//! A marked file that was changed twice: in the place of our link, and in the repository.
//!
//! It is merged as any two versions are, by git and in the object database. What does not go together
//! is held: the live path keeps what stood there, through the copy, and the branch has the other one.

use super::Marks;
use super::place::Placed;
use super::sealed::private_scratch;
use crate::error::{Error, Result};
use crate::git::commit::{Commit, Sign};
use crate::git::merge::Merged;
use crate::git::refs::Refs;
use crate::git::repo::Branch;
use crate::model::cure::Phase;
use crate::model::entry::{Entry, Mode, Oid};
use crate::model::held::{Disagreement, Held, HeldSet};
use crate::model::mark::Mark;
use crate::ops::held::{self, Holding};
use crate::ops::plain::Plain;
use crate::ops::{Done, kept};
use crate::sys::clock;
use crate::sys::fs::{self, Durable};
use crate::sys::tree::{self, Node, Tree};

/// How it came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Joined {
    /// The copy has what both changed, or what was here where they do not go together.
    Done,
    /// What the repository has is in no commit yet: first that.
    Later,
}

impl Marks<'_, '_> {
    /// Brings what stands at the live path and the copy together.
    pub(super) fn join(&mut self, mark: &Mark, branch: &Branch) -> Result<Joined> {
        let (ctx, repo) = (self.ctx, self.ctx.repo);
        let path = mark.copy();
        let live = mark.live(&self.home);
        let holding = Holding::load(ctx, &branch.name)?;
        if holding.set.covers(&path) {
            // The copy is this machine's version of something that is being decided about already.
            let kept = self
                .keep_aside(mark, &self.copy(mark))?
                .display()
                .to_string();
            ctx.listener.warn(&format!(
                "the former version of '{mark}' is kept as '{kept}'"
            ));
            self.absorb(mark, &live)?;
            return Ok(Joined::Done);
        }
        let Some(tip) = &branch.tip else {
            return Ok(Joined::Later);
        };
        let paths = std::slice::from_ref(&path);
        let theirs = held::live_entries(ctx, paths)?.remove(&path);
        if theirs.is_none() || theirs != repo.entries(tip, paths)?.remove(&path) {
            return Ok(Joined::Later);
        }
        let Some(content) = Tree::of(&live)? else {
            return Ok(Joined::Later);
        };
        let ours = self.entry(mark, &content)?;
        let base = self.base(mark)?;
        let merged = self.merge(mark, tip, base.as_ref(), &ours)?;
        let filled = if let Some(merged) = merged {
            self.fill_with(mark, &merged)?
        } else {
            let held = Held {
                path: path.clone(),
                why: Disagreement::between(base.as_ref(), Some(&ours), theirs.as_ref()),
                since: clock::epoch(),
                base,
                ours: Some(ours),
                theirs,
            };
            // First the ref: a copy of ours without it would look like a change of theirs.
            ctx.listener.done(&Done::Held(&held));
            self.hold(branch, &holding, held)?;
            self.fill(mark, &live, &content)?
        };
        if !filled || self.put(mark, Some(&content))? == Placed::Saved {
            return Err(Error::blocked(format!("'{mark}' is being written")));
        }
        self.tidy();
        self.remember(mark, Phase::Linked)?;
        self.save()?;
        Ok(Joined::Done)
    }

    /// What both started from; `None` where that is not known for sure: merged with something else,
    /// one of the two would be undone.
    fn base(&self, mark: &Mark) -> Result<Option<Entry>> {
        let Some(known) = self.remembered(mark) else {
            return Ok(None);
        };
        let Some(old) = known.base.as_ref().or(self.memory.common.tip.as_ref()) else {
            return Ok(None);
        };
        let path = mark.copy();
        let repo = self.ctx.repo;
        let Some(entry) = repo
            .entries(old, std::slice::from_ref(&path))?
            .remove(&path)
        else {
            return Ok(None);
        };
        let made = self.ctx.scratch("base");
        let bytes = repo.blob_as_file(&entry.oid, &path)?;
        fs::write_atomic(&made, &bytes, Durable::No)?;
        tree::set_mode(
            &made,
            if entry.mode == Mode::Exec {
                0o700
            } else {
                0o600
            },
        )?;
        let digest = self.digest_of_copy(mark, &made)?;
        Ok((digest.as_ref() == Some(&known.digest)).then_some(entry))
    }

    /// What stands at the live path as git would keep it in the copy.
    fn entry(&self, mark: &Mark, content: &Tree) -> Result<Entry> {
        let mode = match content.top() {
            Some(Node::File(_, mode)) if mode & 0o100 != 0 => Mode::Exec,
            _ => Mode::File,
        };
        let live = mark.live(&self.home);
        let file = if self.is_sealed(mark) {
            let sealed = self.ctx.scratch("sealed");
            self.seal(&live, content, &sealed)?;
            sealed
        } else {
            live
        };
        let oid = self.ctx.repo.write_blob_for(&file, &mark.copy())?;
        Ok(Entry { mode, oid })
    }

    /// Both versions in one; `None` where they do not go together. What was here is kept under a ref.
    fn merge(
        &self,
        mark: &Mark,
        tip: &Oid,
        base: Option<&Entry>,
        ours: &Entry,
    ) -> Result<Option<Entry>> {
        let (ctx, repo) = (self.ctx, self.ctx.repo);
        let path = &mark.copy();
        let there = repo.tree_of(tip)?;
        let commit = |entry: Option<&Entry>, parents: Vec<Oid>| {
            let tree = repo.tree_with(&there, [(path, entry)], ctx.scratch("tree"))?;
            let commit = Commit::new(tree, parents, "a marked file that was replaced\n");
            repo.write_commit(&commit, Sign::No)
        };
        let before = commit(base, Vec::new())?;
        let here = commit(Some(ours), vec![before.clone()])?;
        let there = Commit::new(there.clone(), vec![before], "the repository's version\n");
        let there = repo.write_commit(&there, Sign::No)?;
        kept::keep(ctx, here.clone())?;
        if self.is_sealed(mark) {
            let theirs = repo.entries(tip, std::slice::from_ref(path))?.remove(path);
            return match theirs {
                Some(theirs) => Plain::of(ctx)?.merge(base, ours, &theirs),
                None => Ok(None),
            };
        }
        match repo.merge_trees(&here, &there)? {
            Merged::Clean(tree) => Ok(repo
                .entries(&tree, std::slice::from_ref(path))?
                .remove(path)),
            Merged::Conflict(_) => Ok(None),
        }
    }

    /// Gives the copy the content of a version.
    fn fill_with(&mut self, mark: &Mark, version: &Entry) -> Result<bool> {
        let ctx = self.ctx;
        let made = private_scratch(ctx, "merged")?.join("file");
        let bytes = ctx.repo.blob_as_file(&version.oid, &mark.copy())?;
        let bytes = Plain::of(ctx)?.read(&mark.copy(), bytes);
        fs::create_private(&made, &bytes)?;
        let mode = tree::mode(&self.copy(mark))?.unwrap_or(0o600);
        // Who may read it may execute it.
        let exec = match version.mode {
            Mode::Exec => 0o100 | ((mode & 0o444) >> 2),
            _ => 0,
        };
        tree::set_mode(&made, (mode & !0o111) | exec)?;
        let Some(content) = Tree::of(&made)? else {
            return Ok(false);
        };
        self.fill(mark, &made, &content)
    }

    fn hold(&self, branch: &Branch, holding: &Holding, held: Held) -> Result<()> {
        let ctx = self.ctx;
        let mut set: HeldSet = holding.set.clone();
        set.insert(held);
        let changes = holding.change_to(ctx, &branch.name, &set, [])?;
        match ctx
            .repo
            .change_refs("sync: a marked file is held", &changes)?
        {
            Refs::Changed => Ok(()),
            Refs::Moved => Err(Error::blocked("the held paths changed meanwhile")),
        }
    }
}
