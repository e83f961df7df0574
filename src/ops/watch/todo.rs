//! What a sync would have to do, so that none is run for nothing, and none for what another one has left.

use crate::error::{Error, Kind, Result};
use crate::git::config::NewFiles;
use crate::model::path::RepoPath;
use crate::ops::marks::list::{Link, Standing};
use crate::ops::{Context, guard};
use crate::sys::{lock, tree};
use std::collections::BTreeMap;
use std::path::Path;

/// One thing that is to be done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    /// The branch and its upstream are not the same.
    Commits,
    /// Something in the work tree is in no commit.
    File(RepoPath),
    /// A mark is not as it should be.
    Mark(RepoPath),
}

/// What is to be done, each thing with what tells whether it has changed since.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Todo(BTreeMap<Thing, String>);

impl Todo {
    /// Looks; `marks` are those of now.
    ///
    /// # Errors
    /// Also when a sync could not begin now, or would not.
    pub(super) fn of(ctx: &Context<'_>, marks: &[Standing]) -> Result<Self> {
        let ready = guard::check(ctx)?;
        if let Some(holder) = lock::holder(&ctx.layout.lock()) {
            let text = format!("another sync is running (pid {})", holder.pid);
            return Err(Error::new(Kind::Busy, text));
        }
        let repo = ctx.repo;
        let scan = repo.scan(ctx.settings.new_files != NewFiles::Tracked)?;
        guard::merged(&scan)?;
        let mut things = BTreeMap::new();
        if let Some(upstream) = &ready.upstream {
            let theirs = repo.last_seen(&upstream.tracking)?;
            if ready.branch.tip != theirs {
                let tips = [ready.branch.tip, theirs].map(|tip| tip.map(|tip| tip.to_string()));
                things.insert(Thing::Commits, format!("{tips:?}"));
            }
        }
        for path in scan.dirty() {
            let stamp = stamp(&path.below(repo.top()));
            things.insert(Thing::File(path.clone()), stamp);
        }
        for standing in marks {
            if let (false, Some(live)) = (is_right(standing.link), &standing.live) {
                let stamp = format!("{} {}", standing.link.word(), stamp(live));
                things.insert(Thing::Mark(standing.mark.below_home().clone()), stamp);
            }
        }
        Ok(Self(things))
    }

    /// Is there something that `known` has not, or has as it was before?
    pub(super) fn is_news_to(&self, known: &Self) -> bool {
        self.0
            .iter()
            .any(|(thing, stamp)| known.0.get(thing) != Some(stamp))
    }

    /// What is known after a sync that began with this and left `after`. That commits are not sent yet, the
    /// sync knows best.
    pub(super) fn known_after(&self, after: &Self) -> Self {
        let mut known = self.clone();
        known.0.remove(&Thing::Commits);
        let commits = after.0.get(&Thing::Commits);
        known
            .0
            .extend(commits.map(|stamp| (Thing::Commits, stamp.clone())));
        known
    }
}

fn is_right(link: Link) -> bool {
    matches!(link, Link::Ok | Link::LeftOut | Link::Unknown)
}

/// What tells whether it was changed; what cannot be read is always the same.
fn stamp(path: &Path) -> String {
    tree::stamp(path).ok().flatten().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn todo(things: &[(&str, &str)]) -> Todo {
        let thing = |name: &str| match name {
            "" => Thing::Commits,
            name => Thing::File(RepoPath::from_bytes(name.as_bytes())),
        };
        let things = things.iter();
        Todo(
            things
                .map(|(name, stamp)| (thing(name), (*stamp).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn only_what_no_sync_has_seen_is_news() {
        let before = todo(&[("a", "1"), ("b", "1"), ("", "x")]);
        assert!(before.is_news_to(&Todo::default()));
        for (after, is_news) in [
            (todo(&[]), false),
            // Held, skipped or refused.
            (todo(&[("b", "1")]), false),
            // Committed, and not sent.
            (todo(&[("", "y")]), false),
            // Saved while it ran.
            (todo(&[("b", "2")]), true),
            (todo(&[("c", "1")]), true),
        ] {
            let known = before.known_after(&after);
            assert_eq!(after.is_news_to(&known), is_news, "{after:?}");
        }
    }
}
