//! The options that the modes have in common.

use crate::model::import::Tool;
use crate::model::schedule::Scheduler;
use clap::{ArgAction, Args};
use std::path::PathBuf;

/// Options of every mode; [`super::args::Cli::read`] refuses those that make no sense for the one at hand.
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
    /// Every so often: 5m, 15m, 1h, 6h, 1d (schedule install); how often the remote is asked, 0 for never
    /// (watch)
    #[arg(long, value_name = "INTERVAL", global = true, conflicts_with = "cron")]
    pub every: Option<String>,
    /// Sync when nothing has changed for so long: 200ms, 3s, 1m (watch)
    #[arg(long, value_name = "TIME", global = true)]
    pub delay: Option<String>,
    /// Let a watch run all the time (schedule install)
    #[arg(long, global = true, conflicts_with_all = ["every", "cron"])]
    pub watch: bool,
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
