//! What can be typed: every word and every option.
//!
//! The modes exist twice, as options (`--status`, the style of `git branch --list`) and as words
//! (`status`); both become one [`Mode`]. They are ordinary options in one exclusive group and not
//! clap's flag-subcommands: with those `--force-push=no` would push.

use super::global::Global;
use super::mode::{HookAction, Mode, ScheduleAction};
use crate::error::{Error, Kind, Result};
use crate::model::companion::Companion;
use crate::model::hook_script::EVENTS;
use crate::model::prompt::Host;
use crate::ui::Loudness;
use crate::ui::style::Colour;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Keep a configs repository the same on all your machines
///
/// Without a mode: commits what changed here, brings what changed elsewhere, and sends the rest.
/// What changed on both sides is held for you to decide; your files are never overwritten.
#[derive(Debug, Parser)]
#[command(
    name = "git-sync",
    bin_name = "git sync",
    version,
    infer_long_args = true,
    args_conflicts_with_subcommands = false,
    disable_help_subcommand = true,
    after_help = "The manual is 'man git-sync'."
)]
pub struct Cli {
    #[command(flatten)]
    mode: ModeFlags,
    /// Bring files back from a backup: its name, the beginning of it, or `latest`
    ///
    /// No part of the group of modes: `--restore --diff` is one of both.
    #[arg(long, value_name = "BACKUP", num_args = 0..=1, help_heading = "Modes",
          conflicts_with_all = ["setup", "status", "force_push", "force_pull", "mark", "unmark",
                                "list_marked", "backup_only", "resolve", "log", "generate", "complete"])]
    #[expect(clippy::option_option, reason = "given or not, with a name or without")]
    restore: Option<Option<String>>,
    #[command(subcommand)]
    word: Option<Word>,
    /// URL and DIR of --setup, PATHs of --mark, --unmark, --resolve and --diff
    #[arg(value_name = "ARGUMENT")]
    rest: Vec<OsString>,
    /// What the modes and words have in common.
    #[command(flatten)]
    pub global: Global,
}

/// Exactly one of these, or none for a normal sync.
#[derive(Debug, Args)]
#[group(multiple = false)]
#[command(next_help_heading = "Modes")]
struct ModeFlags {
    /// Set up this machine: clone or create the configs repository, and sync it
    #[arg(long)]
    setup: bool,
    /// Show where this machine stands
    #[arg(long)]
    status: bool,
    /// Make the remote equal to this machine
    #[arg(long)]
    force_push: bool,
    /// Make this machine equal to the remote
    #[arg(long)]
    force_pull: bool,
    /// Sync files and folders that are outside of the repository
    #[arg(long)]
    mark: bool,
    /// Stop syncing them; each machine keeps its file
    #[arg(long)]
    unmark: bool,
    /// List what is marked
    #[arg(long)]
    list_marked: bool,
    /// Back up what is here, and sync nothing
    #[arg(long)]
    backup_only: bool,
    /// Decide about held paths
    #[arg(long)]
    resolve: bool,
    /// Show what differs from the remote
    #[arg(long)]
    diff: bool,
    /// Show the history of runs
    #[arg(long)]
    log: bool,
    /// Print the manual or a completion, for packages
    #[arg(long, value_name = "KIND",
          value_parser = PossibleValuesParser::new(Companion::ALL.map(Companion::word)).try_map(known_companion))]
    generate: Option<Companion>,
    /// Print what can stand in a place of the command line, for the completions of shells
    #[arg(long, value_name = "KINDS", hide = true)]
    complete: Option<String>,
}

/// The same as words.
#[derive(Debug, Subcommand)]
enum Word {
    /// Sync: the same as no word at all
    Run,
    /// Set up this machine: clone or create the configs repository, and sync it
    Setup {
        /// The remote to clone from, or to sync an existing repository with
        url: Option<OsString>,
        /// Where the configs repository is, or shall be
        dir: Option<OsString>,
    },
    /// Show where this machine stands
    Status,
    /// Make the remote equal to this machine
    ForcePush,
    /// Make this machine equal to the remote
    ForcePull,
    /// Sync files and folders that are outside of the repository
    Mark {
        /// The files and folders, in your home
        paths: Vec<PathBuf>,
    },
    /// Stop syncing them; each machine keeps its file
    Unmark {
        /// The files and folders; they need not be there
        paths: Vec<PathBuf>,
    },
    /// List what is marked
    #[command(alias = "list-marked")]
    List,
    /// Back up what is here, and sync nothing
    Backup {
        /// `list`: the same as --list
        #[arg(value_parser = ["list"])]
        what: Option<String>,
    },
    /// Bring files back from a backup
    Restore {
        /// Its name, the beginning of it, or `latest`; asked for where it is not given
        backup: Option<String>,
        /// Only these files and folders
        #[arg(last = true)]
        paths: Vec<PathBuf>,
        /// Only show what differs
        #[arg(long)]
        diff: bool,
    },
    /// Decide about held paths
    Resolve {
        /// The held paths; all of them where none is named
        paths: Vec<PathBuf>,
    },
    /// Show what differs from the remote
    Diff {
        /// Only these paths
        paths: Vec<PathBuf>,
    },
    /// Show the history of runs
    Log,
    /// Print what shows the state in a prompt
    Prompt {
        /// The shell or program that it is for
        #[arg(value_parser = PossibleValuesParser::new(Host::ALL.map(Host::word)).try_map(known_host))]
        host: Host,
    },
    /// Keep the state for prompts right after a git command of your own
    Hooks {
        /// What is to be done
        #[arg(value_enum, default_value_t = HookAction::Status)]
        action: HookAction,
    },
    /// Look where this machine stands, for prompts and hooks; prints nothing
    Refresh {
        /// The hook of git that calls
        #[arg(value_parser = EVENTS)]
        event: Option<String>,
    },
    /// Look for what is wrong, and say what mends it
    Doctor,
    /// List the machines that sync with the same remote
    Machines,
    /// Sync whenever files change, and what others have changed every so often, until it is ended
    Watch,
    /// Sync by itself every so often, by the scheduler of the system
    Schedule {
        /// What is to be done about it
        #[arg(value_enum, default_value = "status")]
        action: ScheduleAction,
    },
}

/// The host of a word that the parser has let through.
fn known_host(word: String) -> std::result::Result<Host, String> {
    Host::parse(&word).ok_or(word)
}

/// The same for what comes along.
fn known_companion(word: String) -> std::result::Result<Companion, String> {
    Companion::parse(&word).ok_or(word)
}

impl Cli {
    /// What was typed, as a mode.
    pub fn read(&self) -> Result<Mode> {
        let flag = match &self.restore {
            Some(backup) => Some(Mode::Restore {
                backup: backup.clone(),
                paths: self.rest.iter().map(PathBuf::from).collect(),
                diff: self.mode.diff,
            }),
            None => self.mode.read(&self.rest),
        };
        let word = self.word.as_ref().map(Word::read);
        let mode = match (flag, word) {
            (Some(flag), Some(word)) => {
                let (flag, word) = (flag.word(), word.word());
                return Err(usage(format!("'--{flag}' and '{word}' do not go together")));
            }
            (Some(mode), None) | (None, Some(mode)) => mode,
            (None, None) => Mode::Run,
        };
        if let Mode::Restore {
            backup: Some(name), ..
        } = &mode
            && Self::command().find_subcommand(name).is_some()
        {
            return Err(usage(format!(
                "'--restore' and '{name}' do not go together"
            )));
        }
        let takes = match &mode {
            Mode::Setup { .. } => 2,
            Mode::Mark(_)
            | Mode::Unmark(_)
            | Mode::Resolve(_)
            | Mode::Diff(_)
            | Mode::Restore { .. } => usize::MAX,
            _ => 0,
        };
        if let Some(extra) = self.rest.get(takes) {
            let extra = extra.to_string_lossy();
            return Err(match mode {
                Mode::Run => usage(format!("'{extra}' is not a git sync command")),
                mode => usage(format!("'{}' does not take '{extra}'", mode.word())),
            });
        }
        self.global.check(&mode)?;
        Ok(mode)
    }
}

impl ModeFlags {
    fn read(&self, rest: &[OsString]) -> Option<Mode> {
        let paths = || rest.iter().map(PathBuf::from).collect();
        let setup = || Mode::Setup {
            url: rest.first().cloned(),
            dir: rest.get(1).cloned(),
        };
        let flags = [
            (self.setup, setup()),
            (self.mark, Mode::Mark(paths())),
            (self.unmark, Mode::Unmark(paths())),
            (self.list_marked, Mode::List),
            (self.backup_only, Mode::Backup { list: false }),
            (self.resolve, Mode::Resolve(paths())),
            (self.diff, Mode::Diff(paths())),
            (self.status, Mode::Status),
            (self.force_push, Mode::ForcePush),
            (self.force_pull, Mode::ForcePull),
            (self.log, Mode::Log),
        ];
        let printed = [
            self.generate.map(Mode::Generate),
            self.complete.clone().map(Mode::Complete),
        ];
        flags
            .into_iter()
            .find_map(|(given, mode)| given.then_some(mode))
            .or_else(|| printed.into_iter().flatten().next())
    }
}

impl Word {
    fn read(&self) -> Mode {
        match self {
            Self::Run => Mode::Run,
            Self::Setup { url, dir } => Mode::Setup {
                url: url.clone(),
                dir: dir.clone(),
            },
            Self::Status => Mode::Status,
            Self::ForcePush => Mode::ForcePush,
            Self::ForcePull => Mode::ForcePull,
            Self::Mark { paths } => Mode::Mark(paths.clone()),
            Self::Unmark { paths } => Mode::Unmark(paths.clone()),
            Self::List => Mode::List,
            Self::Backup { what } => Mode::Backup {
                list: what.is_some(),
            },
            Self::Restore {
                backup,
                paths,
                diff,
            } => Mode::Restore {
                backup: backup.clone(),
                paths: paths.clone(),
                diff: *diff,
            },
            Self::Resolve { paths } => Mode::Resolve(paths.clone()),
            Self::Diff { paths } => Mode::Diff(paths.clone()),
            Self::Log => Mode::Log,
            Self::Doctor => Mode::Doctor,
            Self::Machines => Mode::Machines,
            Self::Watch => Mode::Watch,
            Self::Schedule { action } => Mode::Schedule(*action),
            Self::Prompt { host } => Mode::Prompt(*host),
            Self::Hooks { action } => Mode::Hooks(*action),
            Self::Refresh { event } => Mode::Refresh {
                after_hook: event.is_some(),
            },
        }
    }
}

impl Global {
    /// How much is to be said.
    pub fn loudness(&self) -> Loudness {
        match (self.quiet, self.verbose) {
            (true, _) => Loudness::Quiet,
            (false, 0) => Loudness::Normal,
            (false, 1) => Loudness::Verbose,
            (false, _) => Loudness::Trace,
        }
    }

    /// The wish for colour on the command line, then in the environment.
    pub fn colour(&self) -> Option<Colour> {
        self.color
            .as_deref()
            .and_then(Colour::parse)
            .or_else(Colour::of_environment)
    }
}

/// What makes no sense, as an error.
pub(super) fn usage(text: impl Into<String>) -> Error {
    Error::new(Kind::Usage, text).hint("git sync -h   shows what can be typed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Mode, String> {
        let words = std::iter::once("git-sync").chain(words.iter().copied());
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        cli.read().map_err(|error| error.to_string())
    }

    #[test]
    fn the_parser_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_and_words_mean_the_same() {
        for (flag, word) in [
            (&["--status"][..], &["status"][..]),
            (&["--force-push"], &["force-push"]),
            (&["--force-pull"], &["force-pull"]),
            (&["--log"], &["log"]),
            (&["--backup-only"], &["backup"]),
            (&["--restore"], &["restore"]),
            (&["--restore", "2026"], &["restore", "2026"]),
            (&["--restore=2026"], &["restore", "2026"]),
            (&["--restore", "--diff"], &["restore", "--diff"]),
            (
                &["--restore", "2026", "--", "a", "b"],
                &["restore", "2026", "--", "a", "b"],
            ),
            (&["--restore", "--", "a"], &["restore", "--", "a"]),
            (&["--backup-only", "--list"], &["backup", "--list"]),
            (&["--setup", "u", "d"], &["setup", "u", "d"]),
            (&["--resolve", "a", "b"], &["resolve", "a", "b"]),
            (&["--mark", "a", "b"], &["mark", "a", "b"]),
            (&["--unmark", "a"], &["unmark", "a"]),
            (&["--mark", "--repair"], &["mark", "--repair"]),
            (
                &["--mark", "--import", "stow", "-n"],
                &["mark", "--import", "stow", "-n"],
            ),
            (&["--list-marked", "-z"], &["list", "-z"]),
            (&["--list-marked"], &["list-marked"]),
            (&["--diff", "a"], &["diff", "a"]),
            (&["--resolve", "--ours", "a"], &["resolve", "--ours", "a"]),
            (&["--resolve", "--", "status"], &["resolve", "status"]),
            (&[], &["run"]),
        ] {
            assert_eq!(
                read(flag).expect("a mode"),
                read(word).expect("a mode"),
                "{flag:?}"
            );
        }
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        for words in [
            &["--force-push=no"][..],
            &["prompt"],
            &["prompt", "tcsh"],
            &["--generate"],
            &["--generate", "tcsh"],
            &["--generate", "man", "--status"],
            &["--generate", "man", "--json"],
            &["hooks", "reinstall"],
            &["hooks", "--background"],
            &["refresh", "--json"],
            &["--status", "--log"],
            &["--status", "run"],
            &["--force-push", "--offline"],
            &["run", "--porcelain"],
            &["--detailed-exitcode"],
            &["-z"],
            &["--background", "--dry-run"],
            &["resolve", "--ours", "--theirs"],
            &["-f"],
            &["stauts"],
            &["--status", "extra"],
            &["--setup", "u", "d", "extra"],
            &["-s"],
            &["mark"],
            &["--unmark"],
            &["mark", "--repair", "a"],
            &["mark", "--import", "stow", "a", "b"],
            &["mark", "--import", "nix"],
            &["mark", "--import"],
            &["mark", "--import", "stow", "--repair"],
            &["mark", "--import", "stow", "--follow"],
            &["mark", "--import", "stow", "--copy"],
            &["mark", "--import", "stow", "--machines=mac"],
            &["mark", "--import", "stow", "--allow-secret"],
            &["unmark", "--import", "stow"],
            &["unmark", "--follow", "a"],
            &["unmark", "--allow-secret", "a"],
            &["unmark", "--copy", "a"],
            &["list", "--machines=mac"],
            &["mark", "--profile=work", "a"],
            &["setup", "--profiles=work"],
            &["mark", "--copy", "--link", "a"],
            &["mark", "--repair", "--copy"],
            &["mark", "--repair", "--variant=mac"],
            &["mark", "--import", "stow", "--variant=mac"],
            &["list", "--variant=mac"],
            &["mark", "--encrypt"],
            &["mark", "--encrypt", "--link", "a"],
            &["mark", "--rekey", "a"],
            &["mark", "--rekey", "--repair"],
            &["mark", "--rekey", "-n"],
            &["mark", "--add-recipient", "a"],
            &["unmark", "--encrypt", "a"],
            &["list", "a"],
            &["watch", "-n"],
            &["watch", "--background"],
            &["watch", "--cron=* * * * *"],
            &["status", "--delay=3s"],
            &["schedule", "install", "--watch", "--every=1h"],
            &["schedule", "status", "--watch"],
            &["schedule", "now"],
            &["schedule", "status", "--every=1h"],
            &["schedule", "install", "--every=1h", "--cron=* * * * *"],
            &["schedule", "install", "--scheduler=at"],
            &["list", "-z", "--json"],
            &["backup", "all"],
            &["backup", "list", "--verify"],
            &["backup", "--list", "--keep=a"],
            &["backup", "-n"],
            &["restore", "2026", "a"],
            &["--restore", "--status"],
            &["--restore", "run"],
            &["restore", "--exact", "--to", "a"],
            &["--restore", "2026", "--offline"],
            &["backup", "--to", "a"],
            &["--backup-only", "a"],
            &["--verify"],
        ] {
            assert!(read(words).is_err(), "{words:?}");
        }
    }
}
