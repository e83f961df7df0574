//! Where in a held file the two sides have changed it, for the words about it.

use super::Context;
use super::plain::Plain;
use crate::model::entry::Entry;
use crate::model::held::{Disagreement, Held};
use crate::model::lines::Span;
use crate::model::path::RepoPath;
use crate::sys::age;
use serde::Serialize;
use std::collections::BTreeMap;

/// So many held paths are looked into.
const LOOKED_INTO: usize = 20;

/// A larger file is not looked into, in bytes.
const LARGE: usize = 1 << 20;

/// What each side has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Dispute {
    /// Lines of this machine's version.
    pub here: Span,
    /// Lines of the remote's version.
    pub there: Span,
}

/// What each side has changed, by path.
pub type Disputes = BTreeMap<RepoPath, Dispute>;

/// For those of `held` that are texts which both sides have changed. What cannot be read is left out:
/// this is only told.
pub fn disputes<'a>(ctx: &Context<'_>, held: impl IntoIterator<Item = &'a Held>) -> Disputes {
    let texts = held
        .into_iter()
        .filter(|held| held.why == Disagreement::Content)
        .take(LOOKED_INTO);
    texts
        .filter_map(|held| Some((held.path.clone(), dispute(ctx, held)?)))
        .collect()
}

fn dispute(ctx: &Context<'_>, held: &Held) -> Option<Dispute> {
    let text = |entry| text(ctx, entry);
    let base = text(held.base.as_ref())?;
    Some(Dispute {
        here: Span::changed(&base, &text(held.ours.as_ref())?)?,
        there: Span::changed(&base, &text(held.theirs.as_ref())?)?,
    })
}

fn text(ctx: &Context<'_>, entry: Option<&Entry>) -> Option<String> {
    let entry = entry.filter(|entry| entry.mode.is_regular())?;
    // What is encrypted is longer than what is in it, by far less than this.
    let bytes = ctx.repo.small_blob(&entry.oid, 2 * LARGE as u64).ok()??;
    // Lines of something encrypted tell nobody anything.
    let bytes = if age::is_encrypted(&bytes) {
        Plain::of(ctx).ok()?.open(entry).ok()??
    } else {
        bytes
    };
    let is_text = bytes.len() <= LARGE && !bytes.contains(&0);
    is_text.then(|| String::from_utf8(bytes).ok()).flatten()
}
