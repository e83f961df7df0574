//! A path that changed on both sides and waits for a decision.

use super::entry::Entry;
use super::path::RepoPath;
use serde::{Deserialize, Serialize};

/// How the two sides disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disagreement {
    /// Both changed the content.
    Content,
    /// Both added the path, with different content.
    BothAdded,
    /// Changed here, deleted there.
    DeletedThere,
    /// Deleted here, changed there.
    DeletedHere,
    /// The two sides have different kinds of things there.
    Type,
    /// Only the executable bit is disputed.
    Mode,
    /// The remote wants a file where this machine has a folder, or the other way round, or two
    /// names that this file system cannot tell apart.
    Blocked,
    /// It has this name on one side only: a file was renamed here, and renamed, changed or deleted there.
    Renamed,
    /// This machine may not replace what stands there: a mode, an owner, another file system.
    Unwritable,
    /// It was saved again whenever a change from the remote was to be put in its place.
    Busy,
    /// The remote starts to track a path where this machine has a file that is not tracked.
    Untracked,
}

impl Disagreement {
    /// What is told about it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Content => "changed here and there",
            Self::BothAdded => "added here and there",
            Self::DeletedThere => "changed here, deleted there",
            Self::DeletedHere => "deleted here, changed there",
            Self::Type => "of another type there",
            Self::Mode => "executable here or there, not on both",
            Self::Blocked => "in the way of a path from there",
            Self::Renamed => "renamed here, changed there",
            Self::Unwritable => "not to be replaced on this machine",
            Self::Busy => "being written on while a change from there arrives",
            Self::Untracked => "an untracked file here, tracked there",
        }
    }

    /// What the three sides say, for a path that both changed.
    pub fn between(base: Option<&Entry>, ours: Option<&Entry>, theirs: Option<&Entry>) -> Self {
        match (base, ours, theirs) {
            (Some(_), Some(_), None) => Self::DeletedThere,
            (_, None, Some(_)) => Self::DeletedHere,
            (_, Some(ours), Some(theirs)) => {
                if ours.oid == theirs.oid && ours.mode.is_regular() && theirs.mode.is_regular() {
                    Self::Mode
                } else if ours.mode.is_regular() != theirs.mode.is_regular() {
                    Self::Type
                } else if base.is_none() {
                    Self::BothAdded
                } else {
                    Self::Content
                }
            }
            _ => Self::Blocked,
        }
    }
}

/// One held path: the three versions that a decision is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Where.
    pub path: RepoPath,
    /// How the sides disagree.
    pub why: Disagreement,
    /// When it was first held, seconds since 1970.
    pub since: i64,
    /// What both sides started from.
    pub base: Option<Entry>,
    /// What this machine had when it was last looked at; the live file is the truth.
    pub ours: Option<Entry>,
    /// What the branch has.
    pub theirs: Option<Entry>,
}

impl Held {
    /// The same with what the two sides have by now; `in_the_way`: something that is no file stands there.
    #[must_use]
    pub fn now(self, ours: Option<Entry>, theirs: Option<Entry>, in_the_way: bool) -> Self {
        let why = match self.why {
            // These are about more than the three versions.
            Disagreement::Blocked if ours.is_none() => self.why,
            Disagreement::Untracked | Disagreement::Busy if ours.is_some() && theirs.is_some() => {
                self.why
            }
            Disagreement::Unwritable if ours == self.base => self.why,
            Disagreement::Renamed if ours.is_some() && theirs.is_none() => self.why,
            _ if in_the_way && ours.is_none() => Disagreement::Blocked,
            _ => Disagreement::between(self.base.as_ref(), ours.as_ref(), theirs.as_ref()),
        };
        Self {
            why,
            ours,
            theirs,
            ..self
        }
    }

    /// Is one of the versions a submodule?
    pub fn has_submodule(&self) -> bool {
        let sides = [&self.base, &self.ours, &self.theirs];
        sides.into_iter().flatten().any(Entry::is_submodule)
    }
}

/// All held paths of a branch, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldSet(Vec<Held>);

impl HeldSet {
    /// The set of these; of two for one path the later counts.
    pub fn new(held: impl IntoIterator<Item = Held>) -> Self {
        let mut set = Self::default();
        for item in held {
            set.insert(item);
        }
        set
    }

    /// Adds one, in the place of an older one for the same path.
    pub fn insert(&mut self, held: Held) {
        match self.0.binary_search_by(|other| other.path.cmp(&held.path)) {
            Ok(at) => self.0[at] = held,
            Err(at) => self.0.insert(at, held),
        }
    }

    /// Takes one out.
    pub fn remove(&mut self, path: &RepoPath) -> Option<Held> {
        let at = self.0.binary_search_by(|other| other.path.cmp(path)).ok()?;
        Some(self.0.remove(at))
    }

    /// The one for exactly this path.
    pub fn get(&self, path: &RepoPath) -> Option<&Held> {
        let at = self.0.binary_search_by(|other| other.path.cmp(path)).ok()?;
        self.0.get(at)
    }

    /// Is `path` held, or inside or above a held path? Then nobody but the user may touch it.
    pub fn covers(&self, path: &RepoPath) -> bool {
        let below = path.inside();
        let first = self.0.partition_point(|held| held.path < below);
        let is_above = self
            .0
            .get(first)
            .is_some_and(|held| path.is_above(&held.path));
        is_above
            || self.get(path).is_some()
            || path.parents().any(|above| self.get(&above).is_some())
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In order of path.
    pub fn iter(&self) -> impl Iterator<Item = &Held> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::entry::{Mode, Oid};
    use proptest::prelude::*;

    fn entry(mode: Mode, digit: &str) -> Entry {
        Entry {
            mode,
            oid: Oid::parse(&digit.repeat(40)).expect("forty digits"),
        }
    }

    #[test]
    fn every_pair_of_sides_has_its_word() {
        let base = entry(Mode::File, "0");
        let ours = entry(Mode::File, "1");
        let theirs = entry(Mode::File, "2");
        let exec = entry(Mode::Exec, "1");
        let link = entry(Mode::Link, "3");
        let table = [
            (
                Some(&base),
                Some(&ours),
                Some(&theirs),
                Disagreement::Content,
            ),
            (None, Some(&ours), Some(&theirs), Disagreement::BothAdded),
            (Some(&base), Some(&ours), None, Disagreement::DeletedThere),
            (Some(&base), None, Some(&theirs), Disagreement::DeletedHere),
            (Some(&base), Some(&ours), Some(&exec), Disagreement::Mode),
            (Some(&base), Some(&ours), Some(&link), Disagreement::Type),
            (None, Some(&ours), None, Disagreement::Blocked),
            // Both had added it.
            (None, None, Some(&theirs), Disagreement::DeletedHere),
        ];
        for (base, ours, theirs, expected) in table {
            assert_eq!(Disagreement::between(base, ours, theirs), expected);
        }
    }

    #[test]
    fn a_held_folder_covers_what_is_in_it() {
        let path = |text: &str| RepoPath::from_bytes(text.as_bytes());
        let held = Held {
            path: path("x"),
            why: Disagreement::Blocked,
            since: 0,
            base: None,
            ours: None,
            theirs: None,
        };
        let set = HeldSet::new([held]);
        assert!(set.covers(&path("x")) && set.covers(&path("x/y")));
        assert!(!set.covers(&path("xy")));
    }

    proptest! {
        #[test]
        fn what_is_covered_is_found_as_by_looking_at_all(
            paths in proptest::collection::vec("[ab.]{1,2}(/[ab.-]{1,2}){0,2}", 0..12), wanted in "[ab.]{1,2}(/[ab.-]{1,2}){0,2}",
        ) {
            let held = |path: String| Held {
                path: RepoPath::from_bytes(path), why: Disagreement::Content, since: 0, base: None, ours: None, theirs: None,
            };
            let set = HeldSet::new(paths.into_iter().map(held));
            let wanted = RepoPath::from_bytes(wanted);
            prop_assert_eq!(set.covers(&wanted), set.iter().any(|held| held.path.overlaps(&wanted)));
        }
    }
}
