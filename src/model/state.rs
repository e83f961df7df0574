//! The state of a repository in one word, one icon and one line.

use serde::Serialize;

/// Where the repository stands against its remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing to do, as far as is known.
    Synced,
    /// Something here is not yet on the remote.
    Ahead,
    /// Something on the remote is not yet here.
    Behind,
    /// Both.
    Diverged,
    /// A run is going on.
    Syncing,
    /// A path waits for a decision.
    Held,
    /// The last run failed.
    Error,
    /// Not enrolled.
    Disabled,
}

/// Which signs stand for the states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Icons {
    /// `✓ ↑ ↓ ↑↓ ⚡ ✗`.
    #[default]
    Unicode,
    /// `= > < <> * !`, as far as it goes those of git's own prompt.
    Ascii,
}

impl Icons {
    /// The signs of a word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "unicode" => Some(Self::Unicode),
            "ascii" => Some(Self::Ascii),
            _ => None,
        }
    }
}

impl State {
    /// Every state, for tables about them.
    pub const ALL: [Self; 8] = [
        Self::Synced,
        Self::Ahead,
        Self::Behind,
        Self::Diverged,
        Self::Syncing,
        Self::Held,
        Self::Error,
        Self::Disabled,
    ];

    /// The word in `.sync/state` and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Ahead => "ahead",
            Self::Behind => "behind",
            Self::Diverged => "diverged",
            Self::Syncing => "syncing",
            Self::Held => "held",
            Self::Error => "error",
            Self::Disabled => "disabled",
        }
    }

    /// The icon in `.sync/sync-status` and in the prompt.
    pub fn icon(self, icons: Icons) -> &'static str {
        if icons == Icons::Ascii {
            return self.ascii();
        }
        match self {
            Self::Synced => "✓",
            Self::Ahead => "↑",
            Self::Behind => "↓",
            Self::Diverged => "↑↓",
            Self::Syncing => "⚡",
            Self::Held | Self::Error => "✗",
            Self::Disabled => "",
        }
    }

    fn ascii(self) -> &'static str {
        match self {
            Self::Synced => "=",
            Self::Ahead => ">",
            Self::Behind => "<",
            Self::Diverged => "<>",
            Self::Syncing => "*",
            Self::Held | Self::Error => "!",
            Self::Disabled => "",
        }
    }

    /// The state with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// The counts behind a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Commits here that the remote lacks.
    pub ahead: usize,
    /// Commits on the remote that are not here.
    pub behind: usize,
    /// Paths with changes that are in no commit.
    pub dirty: usize,
    /// Paths that wait for a decision.
    pub held: usize,
}

impl Counts {
    /// The state that these counts mean.
    pub fn state(&self) -> State {
        let to_send = self.ahead > 0 || self.dirty > 0;
        match (self.held > 0, to_send, self.behind > 0) {
            (true, _, _) => State::Held,
            (_, true, true) => State::Diverged,
            (_, true, false) => State::Ahead,
            (_, false, true) => State::Behind,
            (_, false, false) => State::Synced,
        }
    }
}

/// A line in `.sync/state` is filled with blanks up to this.
const WIDTH: usize = 63;

/// The line in `.sync/state`: `state ahead behind dirty held epoch pid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateLine {
    /// The word.
    pub state: State,
    /// The counts.
    pub counts: Counts,
    /// When it was written, seconds since 1970.
    pub epoch: i64,
    /// Who wrote it; a `syncing` whose process is gone is not believed.
    pub pid: u32,
}

impl StateLine {
    /// The text of the line, with its end; of one length as a rule, so that it can be replaced in place.
    pub fn print(&self) -> String {
        let Counts {
            ahead,
            behind,
            dirty,
            held,
        } = self.counts;
        let word = self.state.word();
        let line = format!(
            "{word} {ahead} {behind} {dirty} {held} {} {}",
            self.epoch, self.pid
        );
        format!("{line:<WIDTH$}\n")
    }

    /// Reads a line; `None` for anything that is not one.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let state = State::parse(words.next()?)?;
        let mut count = || words.next()?.parse().ok();
        let counts = Counts {
            ahead: count()?,
            behind: count()?,
            dirty: count()?,
            held: count()?,
        };
        let epoch = words.next()?.parse().ok()?;
        let pid = words.next()?.parse().ok()?;
        words.next().is_none().then_some(Self {
            state,
            counts,
            epoch,
            pid,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{damaged_text, text};
    use proptest::prelude::*;

    #[test]
    fn the_line_is_read_as_it_is_written() {
        for state in State::ALL {
            let counts = Counts {
                ahead: 1,
                behind: 2,
                dirty: 3,
                held: 4,
            };
            let line = StateLine {
                state,
                counts,
                epoch: 1_700_000_000,
                pid: 42,
            };
            assert_eq!(StateLine::parse(&line.print()), Some(line));
        }
        assert_eq!(StateLine::parse("synced 1"), None);
        assert_eq!(StateLine::parse(""), None);
    }

    #[test]
    fn a_held_path_outranks_everything() {
        let counts = Counts {
            ahead: 1,
            behind: 1,
            dirty: 1,
            held: 1,
        };
        assert_eq!(counts.state(), State::Held);
        assert_eq!(Counts { held: 0, ..counts }.state(), State::Diverged);
        assert_eq!(
            Counts {
                dirty: 1,
                ..Counts::default()
            }
            .state(),
            State::Ahead
        );
        assert_eq!(
            Counts {
                behind: 1,
                ..Counts::default()
            }
            .state(),
            State::Behind
        );
        assert_eq!(Counts::default().state(), State::Synced);
    }

    proptest! {
        #[test]
        fn a_line_of_anything_is_read_as_it_is_or_not_at_all(text in text(), other in damaged_text("held 1 2 3 4 5 6\n")) {
            for text in [text, other] {
                if let Some(line) = StateLine::parse(&text) {
                    line.counts.state();
                    prop_assert_eq!(StateLine::parse(&line.print()), Some(line));
                }
            }
        }

        #[test]
        fn every_line_is_read_as_it_is_written(
            at in 0..State::ALL.len(), counts in any::<[usize; 4]>(), epoch in any::<i64>(), pid in any::<u32>(),
        ) {
            let [ahead, behind, dirty, held] = counts;
            let counts = Counts { ahead, behind, dirty, held };
            let line = StateLine { state: State::ALL[at], counts, epoch, pid };
            prop_assert_eq!(StateLine::parse(&line.print()), Some(line));
            counts.state();
        }
    }
}
