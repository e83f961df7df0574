//! Named styles, and the question whether a stream gets them.

use crate::model::state::State;
use crate::sys::env;
use anstream::ColorChoice;
use colored::Colorize as _;
use std::io::IsTerminal as _;

/// What the user wants of colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colour {
    /// Where a stream is a terminal.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl Colour {
    /// The wish with this word, as git has it: `true` means auto.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "auto" | "true" => Some(Self::Auto),
            "always" => Some(Self::Always),
            "never" | "false" => Some(Self::Never),
            _ => None,
        }
    }

    /// The wish of the environment, where it has one: `NO_COLOR`, then `CLICOLOR_FORCE`.
    pub fn of_environment() -> Option<Self> {
        if env::get(env::NO_COLOR).is_some() {
            return Some(Self::Never);
        }
        let forced = env::text(env::CLICOLOR_FORCE).is_some_and(|value| value != "0");
        forced.then_some(Self::Always)
    }

    pub(super) fn stdout(self) -> ColorChoice {
        let paged = env::get(env::GIT_PAGER_IN_USE).is_some();
        self.choice(std::io::stdout().is_terminal() || paged)
    }

    pub(super) fn stderr(self) -> ColorChoice {
        self.choice(std::io::stderr().is_terminal())
    }

    fn choice(self, terminal: bool) -> ColorChoice {
        let dumb = env::text(env::TERM).is_some_and(|term| term == "dumb");
        match self {
            Self::Always => ColorChoice::AlwaysAnsi,
            Self::Auto if terminal && !dumb => ColorChoice::AlwaysAnsi,
            _ => ColorChoice::Never,
        }
    }
}

/// The icon of a state in its colour.
pub fn icon(state: State) -> String {
    let icon = state.icon();
    match state {
        State::Synced => icon.green(),
        State::Ahead | State::Diverged => icon.yellow(),
        State::Behind => icon.cyan(),
        State::Syncing => icon.blue(),
        State::Held | State::Error => icon.red(),
        State::Disabled => icon.normal(),
    }
    .to_string()
}

/// Something that failed.
pub fn error(text: &str) -> String {
    text.red().bold().to_string()
}

/// Something to look at.
pub fn warning(text: &str) -> String {
    text.yellow().bold().to_string()
}

/// Something that matters less.
pub fn faint(text: &str) -> String {
    text.dimmed().to_string()
}

/// The verb of a step.
pub fn verb(text: &str) -> String {
    text.cyan().to_string()
}

/// A line that is added.
pub fn added(text: &str) -> String {
    text.green().to_string()
}

/// A line that is removed.
pub fn removed(text: &str) -> String {
    text.red().to_string()
}
