//! Two texts compared by line: how much differs, and where two people have changed the same.

use serde::Serialize;
use similar::{DiffOp, TextDiff};
use std::fmt;
use std::time::Duration;

/// A comparison that takes longer is made coarser.
const PATIENCE: Duration = Duration::from_millis(200);

/// How many lines a change adds and removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LineCount {
    /// Lines of the new text that the old one lacks.
    pub added: usize,
    /// Lines of the old text that the new one lacks.
    pub removed: usize,
}

impl LineCount {
    /// Between `old` and `new`.
    pub fn between(old: &str, new: &str) -> Self {
        let mut count = Self::default();
        for op in TextDiff::configure()
            .timeout(PATIENCE)
            .diff_lines(old, new)
            .ops()
        {
            if !matches!(op, DiffOp::Equal { .. }) {
                count.added += op.new_range().len();
                count.removed += op.old_range().len();
            }
        }
        count
    }
}

impl fmt::Display for LineCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.added, self.removed) {
            (added, 0) => write!(f, "+{added}"),
            (0, removed) => write!(f, "-{removed}"),
            (added, removed) => write!(f, "+{added} -{removed}"),
        }
    }
}

/// The lines that one side has changed, from the first to the last, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The first one.
    pub first: usize,
    /// The last one; the same where it is only one.
    pub last: usize,
}

impl Span {
    /// The lines of `new` that differ from `base`; where lines are only gone, the one before them.
    /// `None` where nothing differs.
    pub fn changed(base: &str, new: &str) -> Option<Self> {
        let diff = TextDiff::configure()
            .timeout(PATIENCE)
            .diff_lines(base, new);
        let ops = diff.ops().iter();
        let mut spans = ops
            .filter(|op| !matches!(op, DiffOp::Equal { .. }))
            .map(|op| {
                let lines = op.new_range();
                Self {
                    first: (lines.start + 1).min(lines.end.max(1)),
                    last: lines.end.max(1),
                }
            });
        let first = spans.next()?;
        let last = spans.next_back().unwrap_or(first);
        Some(Self {
            first: first.first,
            last: last.last,
        })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last } = self;
        if first == last {
            write!(f, "line {first}")
        } else {
            write!(f, "lines {first}-{last}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LineCount, Span};
    use crate::testing::text;
    use proptest::prelude::*;

    #[test]
    fn lines_are_counted_as_a_diff_counts_them() {
        let table = [
            ("", "a\nb\n", "+2"),
            ("a\n", "", "-1"),
            ("a\nb\nc\n", "a\nx\ny\nc\n", "+2 -1"),
        ];
        for (old, new, text) in table {
            assert_eq!(LineCount::between(old, new).to_string(), text);
        }
    }

    #[test]
    fn a_span_goes_from_the_first_change_to_the_last() {
        let span = |base, new| Span::changed(base, new).map(|span| span.to_string());
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(span("a\nb\nc\n", "a\nx\nc\n"), said("line 2"));
        assert_eq!(span("a\nb\nc\nd\n", "x\nb\nc\ny\nz\n"), said("lines 1-5"));
        assert_eq!(span("a\nb\n", "a\nb\nc\nd\n"), said("lines 3-4"));
        // Gone: after line 1, and from the top.
        assert_eq!(span("a\nb\nc\n", "a\nc\n"), said("line 1"));
        assert_eq!(span("a\nb\n", "b\n"), said("line 1"));
        assert_eq!(span("a\n", ""), said("line 1"));
        assert_eq!(span("a\n", "a\n"), None);
    }

    proptest! {
        #[test]
        fn lines_of_anything_are_compared(one in text(), other in text()) {
            let count = LineCount::between(&one, &other);
            let span = Span::changed(&one, &other);
            prop_assert_eq!(one == other, count.added + count.removed == 0);
            prop_assert_eq!(one == other, span.is_none());
            if let Some(span) = span {
                prop_assert!(1 <= span.first && span.first <= span.last);
            }
        }
    }
}
