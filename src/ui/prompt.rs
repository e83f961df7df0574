//! The snippets that show the state, as they are in `shell/`, with what is known of this machine before
//! them: so that a shell that starts has nothing to find out.

use crate::model::prompt::Host;
use crate::model::state::Icons;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const ZSH: &str = include_str!("../../shell/git-sync.zsh");
const BASH: &str = include_str!("../../shell/git-sync.bash");
const FISH: &str = include_str!("../../shell/git-sync.fish");
const BIRA: &str = include_str!("../../shell/custom-bira.zsh-theme");
const P10K: &str = include_str!("../../shell/git-sync.p10k.zsh");
const STARSHIP: &str = include_str!("../../shell/starship.toml");
const TMUX: &str = include_str!("../../shell/git-sync.tmux.conf");

/// What is known of this machine.
#[derive(Debug)]
pub struct Known {
    /// This program.
    pub program: PathBuf,
    /// The configs repository, where it is not in its usual place.
    pub configs: Option<PathBuf>,
    /// Where it was found out: the usual place of this machine, for what is no shell.
    pub usual: PathBuf,
    /// `sync.icons`, where it is set.
    pub icons: Option<Icons>,
}

/// The snippet for `host`.
pub fn snippet(host: Host, known: &Known) -> String {
    match host {
        Host::Zsh | Host::Omz => format!("{}{ZSH}", for_sh("typeset -g ", known)),
        Host::Bash => format!("{}{BASH}", for_sh("", known)),
        Host::Fish => format!("{}{FISH}", for_fish(known)),
        Host::Bira => BIRA.to_owned(),
        Host::P10k => P10K.to_owned(),
        Host::Starship => with_path(STARSHIP, known),
        Host::Tmux => with_path(TMUX, known),
    }
}

/// The values, each with the name of the variable that it goes into.
fn values(known: &Known) -> Vec<(&'static str, &Path)> {
    let icons = known.icons.map(|icons| match icons {
        Icons::Unicode => Path::new("unicode"),
        Icons::Ascii => Path::new("ascii"),
    });
    let mut values = vec![("program", known.program.as_path())];
    values.extend(known.configs.as_deref().map(|path| ("directory", path)));
    values.extend(icons.map(|icons| ("icons", icons)));
    values
}

fn for_sh(declare: &str, known: &Known) -> String {
    let mut text = String::new();
    for (name, value) in values(known) {
        let value = value.to_string_lossy().replace('\'', r"'\''");
        let _ = writeln!(text, "{declare}_git_sync_{name}='{value}'");
    }
    text
}

fn for_fish(known: &Known) -> String {
    let mut text = String::new();
    for (name, value) in values(known) {
        let value = value.to_string_lossy();
        let value = value.replace('\\', r"\\").replace('\'', r"\'");
        let _ = writeln!(text, "set -g __git_sync_{name} '{value}'");
    }
    text
}

/// Files for other programs name the usual place of most machines, in a command between double quotes.
fn with_path(text: &str, known: &Known) -> String {
    let configs = known.configs.as_ref().unwrap_or(&known.usual);
    let path = configs.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "/._-+,@%~".contains(c);
    let word = if path.chars().all(plain) {
        path.into_owned()
    } else {
        let path = format!("'{}'", path.replace('\'', r"'\''"));
        path.replace('\\', r"\\").replace('"', "\\\"")
    };
    text.replace("~/configs", &word)
}
