//! Named styles, and the question whether a stream gets them.

use crate::model::state::{Icons, State};
use crate::sys::env;
use anstream::ColorChoice;
use colored::Colorize as _;
use std::io::IsTerminal as _;
use std::sync::OnceLock;

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

    /// The wish of the environment, where it has one: `NO_COLOR`, then `CLICOLOR_FORCE`, then a
    /// `CLICOLOR` of 0.
    pub fn of_environment() -> Option<Self> {
        if env::get(env::NO_COLOR).is_some() {
            return Some(Self::Never);
        }
        let forced = env::text(env::CLICOLOR_FORCE).is_some_and(|value| value != "0");
        if forced {
            return Some(Self::Always);
        }
        let unwanted = env::text(env::CLICOLOR).is_some_and(|value| value == "0");
        unwanted.then_some(Self::Never)
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

/// How states look, where the user wants them otherwise.
#[derive(Debug, Default)]
pub struct Theme {
    /// Their signs.
    pub icons: Icons,
    /// Codes that switch a colour on, by state; the usual one where there is none.
    pub colours: Vec<(State, String)>,
}

/// Like the switch of `colored` one for the program: a run is about one repository, and its settings
/// are known before anything is said of it.
static THEME: OnceLock<Theme> = OnceLock::new();

/// Chooses how states look; the first choice stays.
pub fn choose(theme: Theme) {
    drop(THEME.set(theme));
}

/// The icon of a state in its colour.
pub fn icon(state: State) -> String {
    let plain = Theme::default();
    let theme = THEME.get().unwrap_or(&plain);
    let icon = state.icon(theme.icons);
    if let Some((_, on)) = theme.colours.iter().find(|(known, _)| *known == state) {
        return format!("{on}{icon}\u{1b}[0m");
    }
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
