//! Machines, the remote between them, and the story so far.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::deeds;
use super::invariants::{self, Violation};
use super::live::Live;
use super::memory::{Memory, Word};
use super::program::{Line, Move};
use super::runs::{self, Report};
use super::tally::Tally;
use crate::support::{Machine, Remote, Sandbox};

/// What the machines are called.
const MACHINES: [&str; 5] = ["laptop", "server", "desktop", "tablet", "phone"];

/// A machine, and what is known of it.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) machine: Machine,
    /// The way to the remote: a link, which is away while the machine is offline.
    way: PathBuf,
    /// What its files are.
    pub(super) live: Live,
    /// Was its last run killed?
    pub(super) is_dead: bool,
    /// What was staged, and may be in the index alone.
    pub(super) staged: BTreeSet<Word>,
    /// What a run that was killed has left in its folders, and nowhere else.
    pub(super) in_danger: BTreeSet<Word>,
}

impl Person {
    /// Can it reach the remote?
    pub(super) fn is_online(&self) -> bool {
        self.way.exists()
    }

    /// Notes how its runs ended.
    pub(super) fn ran(&mut self, reports: &[&Report]) {
        if reports.iter().any(|report| report.is_dead) {
            self.is_dead = true;
        } else if reports.iter().any(|report| report.is_done()) {
            self.is_dead = false;
        }
    }
}

/// All of it.
#[derive(Debug)]
pub(super) struct World {
    sandbox: Sandbox,
    pub(super) remote: Remote,
    pub(super) people: Vec<Person>,
    pub(super) memory: Memory,
    pub(super) tally: Tally,
    /// The number of the step that is being made.
    pub(super) step: usize,
    /// What was done, and what the program said to it.
    pub(super) transcript: String,
}

impl World {
    /// So many machines, all at the remote's first commit.
    pub(super) fn new(machines: usize) -> Self {
        let sandbox = Sandbox::new();
        let remote = sandbox.remote();
        runs::install(sandbox.root());
        let person = |name: &&str| {
            let way = remote.path().with_file_name(format!("for-{name}.git"));
            symlink(remote.path(), &way).expect("own folder");
            let machine = sandbox.fresh(name);
            machine.clone_from(&format!("file://{}", way.display()));
            machine.enrol();
            // A run in the background is one that begins.
            machine.config("sync.interval", "0");
            let live = Live::of(&machine);
            let (staged, in_danger) = Default::default();
            Person {
                machine,
                way,
                live,
                is_dead: false,
                staged,
                in_danger,
            }
        };
        let people = MACHINES[..machines].iter().map(person).collect();
        let tally = Tally {
            machines,
            ..Tally::default()
        };
        Self {
            sandbox,
            remote,
            people,
            memory: Memory::default(),
            tally,
            step: 0,
            transcript: String::new(),
        }
    }

    /// The folder of this world.
    pub(super) fn root(&self) -> &Path {
        self.sandbox.root()
    }

    /// Makes one move, by number of the machine from 1 on, and looks whether all is well.
    pub(super) fn play(&mut self, who: usize, step: Move) -> Result<(), Violation> {
        self.step += 1;
        self.tally.steps += 1;
        let name = self.people[who - 1].machine.name();
        let _ = writeln!(self.transcript, "{}: {who} {step}    # {name}", self.step);
        let who = who - 1;
        match step {
            Move::Offline => drop(fs::remove_file(&self.people[who].way)),
            Move::Online => self.connect(who),
            Move::Run(line) => {
                if let Line::Mark(name, _) = line {
                    deeds::have(self, who, name);
                    self.people[who].live = Live::of(&self.people[who].machine);
                }
                self.run(who, line).map(drop)?;
            }
            Move::Kill(death, point, line) => {
                let report = runs::killed(self, who, death, point, line);
                self.tally.kills += usize::from(report.is_dead);
                invariants::after(self, &[report])?;
            }
            Move::During(point, name) => {
                let report = runs::disturbed(self, who, point, name);
                self.tally.races += usize::from(report.saved.is_some());
                invariants::after(self, &[report])?;
            }
            Move::Meet(other) => {
                let other = (other - 1) % self.people.len();
                if other != who {
                    self.tally.meetings += 1;
                    let reports = runs::at_once(self, &[who, other]);
                    invariants::after(self, &reports)?;
                }
            }
            Move::Crowd => {
                self.tally.meetings += 1;
                let reports = runs::at_once(self, &[who; 8]);
                invariants::after(self, &reports)?;
            }
            deed => {
                deeds::deed(self, who, deed)?;
                self.people[who].live = Live::of(&self.people[who].machine);
            }
        }
        Ok(())
    }

    /// Runs the program, undisturbed; what it said.
    pub(super) fn run(&mut self, who: usize, line: Line) -> Result<Report, Violation> {
        let report = runs::undisturbed(self, who, line);
        invariants::after(self, std::slice::from_ref(&report))?;
        Ok(report)
    }

    /// Brings the remote back for a machine.
    pub(super) fn connect(&mut self, who: usize) {
        let way = &self.people[who].way;
        if !way.exists() {
            symlink(self.remote.path(), way).expect("own folder");
        }
    }
}
