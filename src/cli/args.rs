//! What can be typed: every word and every option, and which of them go together.
//!
//! The modes exist twice, as options (`--status`, the style of `git branch --list`) and as words
//! (`status`); both become one [`Mode`]. They are ordinary options in one exclusive group and not
//! clap's flag-subcommands: with those `--force-push=no` would push.

use crate::error::{Error, Kind, Result};
use crate::model::hook_script::EVENTS;
use crate::model::import::Tool;
use crate::model::prompt::Host;
use crate::model::schedule::Scheduler;
use crate::ui::Loudness;
use crate::ui::style::Colour;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
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
                                "list_marked", "backup_only", "resolve", "log"])]
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
    /// Sync by itself every so often, by the scheduler of the system
    Schedule {
        /// What is to be done about it
        #[arg(value_enum, default_value = "status")]
        action: ScheduleAction,
    },
}

/// What is to be done about the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScheduleAction {
    /// Make it, or change it
    Install,
    /// Show it
    Status,
    /// Take it away
    Remove,
}

/// Options of every mode; [`Cli::read`] refuses those that make no sense for the one at hand.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options")]
pub struct Global {
    /// Run as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true, action = ArgAction::Append)]
    pub directory: Vec<PathBuf>,
    /// Change nothing; show what would change
    #[arg(short = 'n', long, global = true)]
    pub dry_run: bool,
    /// Sync detached from the terminal, without a word
    #[arg(long, global = true)]
    pub background: bool,
    /// Answer questions with yes
    #[arg(short = 'y', long, global = true)]
    pub yes: bool,
    /// Undo what was set up on this machine (setup)
    #[arg(long, global = true)]
    pub remove: bool,
    /// Put in no hooks, now and later (setup)
    #[arg(long, global = true, conflicts_with = "remove")]
    pub no_hooks: bool,
    /// Take in what a link leads to, in the place of the link (mark)
    #[arg(long, global = true, conflicts_with = "repair")]
    pub follow: bool,
    /// Share also what looks like a secret (mark)
    #[arg(long, global = true, conflicts_with = "repair")]
    pub allow_secret: bool,
    /// Mend the marks that are there (mark)
    #[arg(long, global = true)]
    pub repair: bool,
    /// Propose marks for what TOOL keeps, at PATH or where it usually is (mark)
    #[arg(long, value_name = "TOOL", global = true, value_parser = Tool::WORDS,
          conflicts_with_all = ["follow", "repair", "copy", "link", "encrypt", "machines", "profiles", "allow_secret"])]
    pub import: Option<String>,
    /// Keep a file of its own there, and carry changes both ways (mark)
    #[arg(long, global = true, conflicts_with = "repair")]
    pub copy: bool,
    /// Keep a link there (mark)
    #[arg(long, global = true, conflicts_with_all = ["repair", "copy"])]
    pub link: bool,
    /// Encrypt what the repository has of it; the file stays plain (mark)
    #[arg(long, global = true, conflicts_with_all = ["repair", "link"])]
    pub encrypt: bool,
    /// Let RECIPIENT read what is encrypted from now on; without one: this machine (mark)
    #[arg(long, value_name = "RECIPIENT", num_args = 0..=1, require_equals = true, global = true)]
    #[arg(conflicts_with_all = ["repair", "import", "follow", "copy", "link", "encrypt", "machines",
          "profiles", "variant", "allow_secret"])]
    pub add_recipient: Option<Option<String>>,
    /// Encrypt what is encrypted anew, for those that are recipients now (mark)
    #[arg(long, global = true, conflicts_with_all = ["repair", "import", "follow", "copy", "link",
          "encrypt", "machines", "profiles", "variant", "allow_secret"])]
    pub rekey: bool,
    /// Only on these machines: types or patterns of ids, with commas between; none for all (mark)
    #[arg(long, value_name = "LIST", global = true, conflicts_with = "repair")]
    pub machines: Option<String>,
    /// Only on machines with these profiles, with commas between; none for all (mark)
    #[arg(long, value_name = "LIST", global = true, conflicts_with = "repair")]
    pub profiles: Option<String>,
    /// Give these machines a version of their own: a type, a pattern of ids or a profile (mark); take it
    /// away (unmark)
    #[arg(long, value_name = "WHO", global = true, conflicts_with_all = ["repair", "import"])]
    pub variant: Option<String>,
    /// What this machine is used for; may be given again (setup)
    #[arg(long, value_name = "NAME", global = true, action = ArgAction::Append,
          conflicts_with = "remove")]
    pub profile: Vec<String>,
    /// Keep this machine's version (resolve)
    #[arg(long, global = true, conflicts_with = "theirs")]
    pub ours: bool,
    /// Take the remote's version (resolve)
    #[arg(long, global = true)]
    pub theirs: bool,
    /// Go back on the last decision (resolve)
    #[arg(long, global = true, conflicts_with_all = ["ours", "theirs"])]
    pub undo: bool,
    /// Only list what is held (resolve), or the backups (backup)
    #[arg(long, global = true, conflicts_with_all = ["ours", "theirs", "undo"])]
    pub list: bool,
    /// Keep a backup until it is released (backup)
    #[arg(long, value_name = "BACKUP", global = true, conflicts_with = "list")]
    pub keep: Option<String>,
    /// Let a backup go with the others of its age (backup)
    #[arg(long, value_name = "BACKUP", global = true, conflicts_with_all = ["list", "keep"])]
    pub release: Option<String>,
    /// Restore into the new folder DIR (restore)
    #[arg(long, value_name = "DIR", global = true)]
    pub to: Option<PathBuf>,
    /// Remove what came since, too (restore)
    #[arg(long, global = true, conflicts_with = "to")]
    pub exact: bool,
    /// Restore the newest backup to a scratch folder, and compare (backup)
    #[arg(long, global = true, conflicts_with_all = ["list", "keep", "release"])]
    pub verify: bool,
    /// Show this many runs (log)
    #[arg(long, value_name = "COUNT", global = true)]
    pub max_count: Option<usize>,
    /// Every so often: 5m, 15m, 1h, 6h, 1d (schedule install)
    #[arg(long, value_name = "INTERVAL", global = true, conflicts_with = "cron")]
    pub every: Option<String>,
    /// At these moments, in the five fields of crontab(5) (schedule install)
    #[arg(long, value_name = "FIELDS", global = true)]
    pub cron: Option<String>,
    /// Forget a machine that is no more, here and at the remote (machines)
    #[arg(
        long,
        value_name = "MACHINE",
        global = true,
        conflicts_with = "offline"
    )]
    pub forget: Option<String>,
    /// By this scheduler; by the best that is there where none is named (schedule install)
    #[arg(long, value_name = "NAME", global = true, value_parser = Scheduler::WORDS)]
    pub scheduler: Option<String>,
    /// Do not touch the network
    #[arg(long, global = true)]
    pub offline: bool,
    /// Wait for another run to end, at most SECONDS (default: as long as it takes)
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, global = true)]
    pub wait: Option<Option<u64>>,
    /// Print JSON on stdout
    #[arg(long, global = true, conflicts_with = "porcelain")]
    pub json: bool,
    /// Print lines for scripts (status)
    #[arg(long, global = true, value_name = "VERSION", num_args = 0..=1, require_equals = true,
          default_missing_value = "v1", value_parser = ["v1", "1"])]
    pub porcelain: Option<String>,
    /// End lines with NUL, and do not quote paths
    #[arg(short = 'z', global = true)]
    pub nul: bool,
    /// Exit with 1 unless in sync (status)
    #[arg(long, global = true)]
    pub exit_code: bool,
    /// Exit with 2 if something would change (dry run)
    #[arg(long, global = true)]
    pub detailed_exitcode: bool,
    /// Say less
    #[arg(short = 'q', long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more; twice: each git command
    #[arg(short = 'v', long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Colour: auto, always or never
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true, global = true,
          default_missing_value = "always", value_parser = ["auto", "always", "never"])]
    pub color: Option<String>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// A sync.
    Run,
    /// Setting up.
    Setup {
        /// The remote.
        url: Option<OsString>,
        /// The folder.
        dir: Option<OsString>,
    },
    /// Where this machine stands.
    Status,
    /// The remote becomes equal to this machine.
    ForcePush,
    /// This machine becomes equal to the remote.
    ForcePull,
    /// Paths outside of the repository are synced.
    Mark(Vec<PathBuf>),
    /// They are not any more.
    Unmark(Vec<PathBuf>),
    /// What is marked.
    List,
    /// A backup, or the list of them.
    Backup {
        /// Only the list.
        list: bool,
    },
    /// Files come back from a backup.
    Restore {
        /// Which.
        backup: Option<String>,
        /// Only these.
        paths: Vec<PathBuf>,
        /// Is only shown what differs?
        diff: bool,
    },
    /// Decisions about held paths.
    Resolve(Vec<PathBuf>),
    /// What differs.
    Diff(Vec<PathBuf>),
    /// The history of runs.
    Log,
    /// What is wrong.
    Doctor,
    /// The machines.
    Machines,
    /// What the scheduler of the system does.
    Schedule(ScheduleAction),
    /// What shows the state in a prompt.
    Prompt(Host),
    /// Our hooks.
    Hooks(HookAction),
    /// The state for prompts, written anew.
    Refresh {
        /// Does a hook of git call, so that something is done?
        after_hook: bool,
    },
}

impl Mode {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Setup { .. } => "setup",
            Self::Status => "status",
            Self::ForcePush => "force-push",
            Self::ForcePull => "force-pull",
            Self::Mark(_) => "mark",
            Self::Unmark(_) => "unmark",
            Self::List => "list",
            Self::Backup { .. } => "backup",
            Self::Restore { .. } => "restore",
            Self::Resolve(_) => "resolve",
            Self::Diff(_) => "diff",
            Self::Log => "log",
            Self::Doctor => "doctor",
            Self::Machines => "machines",
            Self::Schedule(ScheduleAction::Install) => "schedule install",
            Self::Schedule(ScheduleAction::Status) => "schedule status",
            Self::Schedule(ScheduleAction::Remove) => "schedule remove",
            Self::Prompt(_) => "prompt",
            Self::Hooks(_) => "hooks",
            Self::Refresh { .. } => "refresh",
        }
    }
}

/// What is to be done with our hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HookAction {
    /// Put them in
    Install,
    /// Tell how each stands
    Status,
    /// Take them out
    Remove,
}

/// The host of a word that the parser has let through.
fn known_host(word: String) -> std::result::Result<Host, String> {
    Host::parse(&word).ok_or(word)
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
        flags
            .into_iter()
            .find_map(|(given, mode)| given.then_some(mode))
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
            Self::Schedule { action } => Mode::Schedule(*action),
            Self::Prompt { host } => Mode::Prompt(*host),
            Self::Hooks { action } => Mode::Hooks(*action),
            Self::Refresh { event } => Mode::Refresh {
                after_hook: event.is_some(),
            },
        }
    }
}

/// Which options make sense for which mode; `-C`, `-q`, `-v` and `--color` do for all.
const OPTIONS: [(&str, &[&str]); 38] = [
    (
        "dry-run",
        &[
            "run",
            "setup",
            "status",
            "force-push",
            "force-pull",
            "mark",
            "unmark",
            "list",
            "resolve",
            "diff",
            "log",
            "doctor",
            "schedule install",
            "schedule remove",
            "restore",
        ],
    ),
    ("background", &["run", "refresh"]),
    (
        "yes",
        &[
            "run",
            "setup",
            "force-push",
            "force-pull",
            "mark",
            "restore",
        ],
    ),
    ("remove", &["setup"]),
    ("no-hooks", &["setup"]),
    ("follow", &["mark"]),
    ("allow-secret", &["mark"]),
    ("repair", &["mark"]),
    ("import", &["mark"]),
    ("copy", &["mark"]),
    ("link", &["mark"]),
    ("encrypt", &["mark"]),
    ("add-recipient", &["mark"]),
    ("rekey", &["mark"]),
    ("machines", &["mark"]),
    ("profiles", &["mark"]),
    ("variant", &["mark", "unmark"]),
    ("profile", &["setup"]),
    ("ours", &["resolve"]),
    ("theirs", &["resolve"]),
    ("undo", &["resolve"]),
    ("list", &["resolve", "backup"]),
    ("keep", &["backup"]),
    ("release", &["backup"]),
    ("to", &["restore"]),
    ("exact", &["restore"]),
    ("verify", &["backup"]),
    ("max-count", &["log"]),
    ("every", &["schedule install"]),
    ("cron", &["schedule install"]),
    ("scheduler", &["schedule install"]),
    ("forget", &["machines"]),
    // Those that ask no remote go with it as they are.
    (
        "offline",
        &[
            "run", "resolve", "setup", "status", "diff", "log", "doctor", "machines",
        ],
    ),
    (
        "wait",
        &[
            "run",
            "setup",
            "force-push",
            "force-pull",
            "resolve",
            "mark",
            "unmark",
            "backup",
            "restore",
        ],
    ),
    (
        "json",
        &[
            "run",
            "setup",
            "status",
            "force-push",
            "force-pull",
            "mark",
            "unmark",
            "list",
            "resolve",
            "diff",
            "log",
            "doctor",
            "machines",
            "schedule install",
            "schedule status",
            "schedule remove",
            "backup",
            "restore",
            "hooks",
        ],
    ),
    ("porcelain", &["status"]),
    ("exit-code", &["status", "diff"]),
    ("detailed-exitcode", &["run", "force-push", "force-pull"]),
];

impl Global {
    /// Refuses an option that the mode would ignore.
    fn check(&self, mode: &Mode) -> Result<()> {
        let given = [
            self.dry_run,
            self.background,
            self.yes,
            self.remove,
            self.no_hooks,
            self.follow,
            self.allow_secret,
            self.repair,
            self.import.is_some(),
            self.copy,
            self.link,
            self.encrypt,
            self.add_recipient.is_some(),
            self.rekey,
            self.machines.is_some(),
            self.profiles.is_some(),
            self.variant.is_some(),
            !self.profile.is_empty(),
            self.ours,
            self.theirs,
            self.undo,
            self.list,
            self.keep.is_some(),
            self.release.is_some(),
            self.to.is_some(),
            self.exact,
            self.verify,
            self.max_count.is_some(),
            self.every.is_some(),
            self.cron.is_some(),
            self.scheduler.is_some(),
            self.forget.is_some(),
            self.offline,
            self.wait.is_some(),
            self.json,
            self.porcelain.is_some(),
            self.exit_code,
            self.detailed_exitcode,
        ];
        for ((option, modes), given) in OPTIONS.into_iter().zip(given) {
            if given && !modes.contains(&mode.word()) {
                let word = mode.word();
                return Err(usage(format!("'--{option}' does not go with '{word}'")));
            }
        }
        let lists = match mode {
            Mode::Status | Mode::Resolve(_) => self.porcelain.is_some() || self.list,
            Mode::List => !self.json,
            _ => false,
        };
        if self.nul && !lists {
            return Err(usage(
                "'-z' goes with 'list', 'status --porcelain' and 'resolve --list'",
            ));
        }
        self.check_paths(mode)?;
        let other = self.keep.is_some() || self.release.is_some() || self.verify;
        if matches!(mode, Mode::Backup { list: true }) && other {
            return Err(usage("'backup list' only lists"));
        }
        if self.detailed_exitcode && !self.dry_run {
            return Err(usage("'--detailed-exitcode' goes with '--dry-run'"));
        }
        if self.background && (self.dry_run || self.json) {
            return Err(usage(
                "'--background' prints nothing, so nothing can be shown",
            ));
        }
        Ok(())
    }

    /// Refuses paths that a mode has no use for, and a mode without those that it needs.
    fn check_paths(&self, mode: &Mode) -> Result<()> {
        let word = mode.word();
        let paths = match mode {
            Mode::Mark(paths) | Mode::Unmark(paths) => paths.len(),
            _ => return Ok(()),
        };
        let recipients = match mode {
            Mode::Mark(_) if self.rekey => Some("rekey"),
            Mode::Mark(_) if self.add_recipient.is_some() => Some("add-recipient"),
            _ => None,
        };
        if let Some(option) = recipients.filter(|_| self.dry_run) {
            return Err(usage(format!("'--dry-run' does not go with '--{option}'")));
        }
        let wrong = match (self.import.is_some(), self.repair || recipients.is_some()) {
            (false, true)
                if paths > 0
                    && let Some(option) = recipients =>
            {
                format!("'mark --{option}' is about all encrypted marks, and takes no path")
            }
            (true, _) if paths > 1 => {
                "'mark --import' takes one path: where the set-up is".to_owned()
            }
            (false, true) if paths > 0 => {
                "'mark --repair' mends every mark, and takes no path".to_owned()
            }
            (false, false) if paths == 0 => format!("'{word}' needs a path"),
            _ => return Ok(()),
        };
        Err(usage(wrong))
    }

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

fn usage(text: impl Into<String>) -> Error {
    Error::new(Kind::Usage, text).hint("git sync -h   shows what can be typed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

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
            &["restore", "--exact", "--to", "a"],
            &["--restore", "2026", "--offline"],
            &["backup", "--to", "a"],
            &["--backup-only", "a"],
            &["--verify"],
        ] {
            assert!(read(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn every_option_in_the_table_exists() {
        let command = Cli::command();
        for (option, _) in OPTIONS {
            assert!(
                command
                    .get_arguments()
                    .any(|arg| arg.get_long() == Some(option)),
                "--{option}"
            );
        }
    }
}
