//! What a mark, a repair or an unmark would do; nothing is changed.

use super::check::is_shared;
use super::content::copy_of;
use super::mark::other_home;
use super::{Marks, mark, reconcile, unmark};
use crate::error::Result;
use crate::model::mark::Mark;
use crate::ops::Context;
use crate::ops::guard::Ready;
use crate::sys::fs;
use crate::sys::tree::{Node, Tree};
use std::path::Path;

/// What marking `options.paths` would do, or a repair.
pub(super) fn mark(
    ctx: &Context<'_>,
    ready: &Ready,
    options: &mark::Options,
) -> Result<mark::Outcome> {
    let mut outcome = mark::Outcome {
        has_remote: ready.upstream.is_some(),
        dry_run: true,
        ..mark::Outcome::default()
    };
    if options.repair {
        if let Some(mut marks) = Marks::open(ctx)? {
            repair(&mut marks, ready, options, &mut outcome)?;
        }
        return Ok(outcome);
    }
    let mut marks = Marks::open_or_new(ctx)?;
    if let Some(home) = marks.other_home() {
        return Err(other_home(&marks, &home.clone()));
    }
    is_shared(ctx)?;
    let sorted = marks.sort(options, &mut outcome)?;
    if !sorted.changed.is_empty() {
        let mut wish = options.wish.clone();
        if let Some(variant) = wish.variant.take() {
            // Its copy would be made first: until then nothing can be said of what stands for it.
            for mark in &sorted.changed {
                if !marks.manifest.terms(mark).variants.contains(&variant) {
                    outcome.varied.push(mark.with_variant(Some(&variant)));
                }
            }
        }
        marks.set_terms(&sorted.changed, &wish);
        repair(&mut marks, ready, options, &mut outcome)?;
    }
    for (mark, from) in &sorted.wanted {
        outcome.ignored += marks.would_ignore(mark, from)?;
        marks.set_terms(std::slice::from_ref(mark), &options.wish);
        if marks.is_copied(mark) || !marks.is_wanted(mark) {
            outcome.unlinked.push(mark.clone());
        }
        outcome.marked.push(mark.clone());
    }
    outcome.changed = sorted.changed;
    Ok(outcome)
}

/// What mending the marks that are there would do.
fn repair(
    marks: &mut Marks<'_, '_>,
    ready: &Ready,
    options: &mark::Options,
    outcome: &mut mark::Outcome,
) -> Result<()> {
    if marks.other_home().is_some() {
        marks.memory.clear();
    }
    let wish = reconcile::Options {
        dry_run: true,
        yes: options.yes,
        ..reconcile::Options::default()
    };
    outcome.findings = reconcile::all(marks, &ready.branch, wish)?.findings;
    outcome.held = marks.held(ready)?;
    Ok(())
}

/// What unmarking `options.paths` would do.
pub(super) fn unmark(
    ctx: &Context<'_>,
    ready: &Ready,
    options: &unmark::Options,
) -> Result<unmark::Outcome> {
    let marks = Marks::open_or_new(ctx)?;
    if let Some(home) = marks.other_home() {
        return Err(other_home(&marks, &home.clone()));
    }
    let mut outcome = unmark::Outcome {
        has_remote: ready.upstream.is_some(),
        dry_run: true,
        ..unmark::Outcome::default()
    };
    for mark in marks.all_marked(ready, options)? {
        if options.variant.is_some() {
            outcome
                .dropped
                .push(mark.with_variant(options.variant.as_deref()));
            continue;
        }
        let linked = marks.is_linked(&mark)?;
        let there = fs::look(&mark.live(&marks.home))?.is_some();
        if linked {
            outcome.released.push(mark.clone());
        }
        for version in marks.manifest.versions(&mark) {
            if fs::look(&marks.copy(&version))?.is_some()
                && !(linked && version == mark)
                && marks.differs(&version)?
            {
                outcome.aside.push(version.clone());
            }
            outcome.removed.push(version);
        }
        outcome.unmarked.push((mark, there));
    }
    Ok(outcome)
}

impl Marks<'_, '_> {
    /// How many of the files in `from` the rules would keep here.
    fn would_ignore(&self, mark: &Mark, from: &Path) -> Result<usize> {
        if !mark.is_folder() {
            return Ok(0);
        }
        let content = Tree::of(from)?;
        let nodes = content.iter().flat_map(Tree::nodes);
        let paths: Vec<_> = nodes
            .filter(|(_, node)| !matches!(node, Node::Folder(_)))
            .map(|(inside, _)| copy_of(mark, inside))
            .collect();
        self.staying(&paths)
    }
}
