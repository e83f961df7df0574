//! What can be asked for on the command line, and the plan it means.

use std::path::PathBuf;

use clap::Parser;

use crate::cases::Case;
use crate::contestants::Contestant;
use crate::transport::Transport;

/// The sizes the project promises figures for.
const ALL_FILES: [usize; 3] = [100, 10_000, 100_000];
/// Timed rounds of a cell, after one warm-up.
const ROUNDS: usize = 10;
/// Timed rounds of a cell with `--quick`.
const QUICK_ROUNDS: usize = 5;

/// Measure `git sync` beside `git pull --rebase --autostash && git push` and a lean `git fetch`
#[derive(Debug, Parser)]
#[command(name = "sync", bin_name = "cargo bench --bench sync --")]
pub(crate) struct Options {
    /// 100 files, file and ssh on loopback, few rounds: under a minute
    #[arg(long)]
    quick: bool,
    /// Sizes of the repository
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    files: Vec<usize>,
    /// How the remote is reached
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    transport: Vec<Transport>,
    /// What has changed before each sync
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    case: Vec<Case>,
    /// Timed rounds of each cell
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// Measure the work-tree scan only
    #[arg(long, conflicts_with = "no_scan")]
    scan_only: bool,
    /// Leave the work-tree scan out
    #[arg(long)]
    no_scan: bool,
    /// Print JSON with every sample instead of tables
    #[arg(long)]
    json: bool,
    /// Build the repositories below this directory instead of the system's temporary one
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Measure this git-sync instead of the one just built
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Leave git-sync out: tries the benchmark itself
    #[arg(long, hide = true)]
    peers_only: bool,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// What one run of the benchmark does, all defaults settled.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Sizes of the repositories, in files.
    pub(crate) files: Vec<usize>,
    /// How the remotes are reached.
    pub(crate) transports: Vec<Transport>,
    /// What has changed before each sync.
    pub(crate) cases: Vec<Case>,
    /// Who is measured, in the order of a round.
    pub(crate) contestants: Vec<Contestant>,
    /// Timed rounds of each cell.
    pub(crate) rounds: usize,
    /// Size of the tree whose scan is measured, if it is.
    pub(crate) scan_files: Option<usize>,
    /// JSON instead of Markdown.
    pub(crate) json: bool,
    /// Where to build, when not in the system's temporary directory.
    pub(crate) dir: Option<PathBuf>,
    /// The `git-sync` under test.
    pub(crate) program: PathBuf,
    /// Without `git-sync`.
    pub(crate) peers_only: bool,
}

impl Options {
    /// Whether cargo runs this as one of its tests, which is no time to measure for minutes.
    pub(crate) fn is_test_run(&self) -> bool {
        !self.bench && std::env::args_os().len() == 1
    }

    /// What these options mean.
    pub(crate) fn plan(self) -> Plan {
        let quick = self.quick;
        Plan {
            scan_files: self.scan_files(),
            rounds: self
                .rounds
                .map_or(if quick { QUICK_ROUNDS } else { ROUNDS }, usize::from),
            files: match self.files {
                _ if self.scan_only => Vec::new(),
                given if !given.is_empty() => given,
                _ if quick => vec![100],
                _ => ALL_FILES.to_vec(),
            },
            transports: match self.transport {
                given if !given.is_empty() => given,
                _ if quick => vec![Transport::File, Transport::Ssh],
                _ => Transport::ALL.to_vec(),
            },
            cases: if self.case.is_empty() {
                Case::ALL.to_vec()
            } else {
                self.case
            },
            contestants: Contestant::all(self.peers_only),
            json: self.json,
            dir: self.dir,
            program: self
                .program
                .unwrap_or_else(|| env!("CARGO_BIN_EXE_git-sync").into()),
            peers_only: self.peers_only,
        }
    }

    /// The scan is measured on the largest size asked for, and not in a quick run.
    fn scan_files(&self) -> Option<usize> {
        let largest = self.files.iter().copied().max().unwrap_or(100_000);
        (!self.no_scan && (!self.quick || self.scan_only)).then_some(largest)
    }
}
