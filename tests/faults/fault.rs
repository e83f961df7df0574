//! What goes wrong in a run, and when.

use super::tracer::{self, CHANGES, LOOKS};
use crate::support::Machine;

/// The calls that need room on the disk.
const ROOM: &str = "write,pwrite64,?mkdir,mkdirat,?link,linkat,?symlink,symlinkat,copy_file_range";

/// The calls that a signal may end early, of those that programs are used to have ended so.
const WAITS: &str = "read,write,pread64,pwrite64,wait4,?poll,ppoll";

/// What a run met.
#[derive(Debug)]
pub(super) struct Struck {
    /// How the command ended; `None` where that was not its own choice.
    pub(super) code: Option<i32>,
    /// When it was struck and how, in words.
    pub(super) when: String,
    /// The clock of the next run, where that is another.
    pub(super) clock: Option<u64>,
    /// Was it struck later than it was to be? A run that is watched may get ahead.
    pub(super) is_late: bool,
}

/// Something that can be done to a command at one of several moments.
pub(super) trait Attack {
    /// How it is called in a table.
    fn name(&self) -> &'static str;

    /// Runs the command undisturbed: how many moments there are.
    fn moments(&self, machine: &Machine, line: &[&str]) -> usize;

    /// Runs the command and strikes at a moment, from 1 on.
    fn strike(&self, machine: &Machine, line: &[&str], moment: usize) -> Struck;
}

/// It is killed with all that it has started, after a change that it made.
#[derive(Debug)]
pub(super) struct Kill;

impl Attack for Kill {
    fn name(&self) -> &'static str {
        "killed"
    }

    fn moments(&self, machine: &Machine, line: &[&str]) -> usize {
        let undisturbed = tracer::stopped(machine, line, usize::MAX);
        assert!(!undisturbed.stopped, "{}", undisturbed.last);
        undisturbed.changes
    }

    fn strike(&self, machine: &Machine, line: &[&str], moment: usize) -> Struck {
        let killed = tracer::stopped(machine, line, moment);
        Struck {
            code: None,
            when: format!("killed after change {}: {}", killed.changes, killed.last),
            clock: None,
            is_late: killed.changes > moment,
        }
    }
}

/// The same, and the clock jumps before the next run: by a year, forth and back in turns.
#[derive(Debug)]
pub(super) struct KillAndJump;

impl Attack for KillAndJump {
    fn name(&self) -> &'static str {
        "killed, and the clock jumps"
    }

    fn moments(&self, machine: &Machine, line: &[&str]) -> usize {
        Kill.moments(machine, line)
    }

    fn strike(&self, machine: &Machine, line: &[&str], moment: usize) -> Struck {
        const YEAR: u64 = 365 * 86_400;
        let killed = Kill.strike(machine, line, moment);
        let now = machine.now();
        let then = if moment.is_multiple_of(2) {
            now + YEAR
        } else {
            now - YEAR
        };
        Struck {
            clock: Some(then),
            ..killed
        }
    }
}

/// The system says no to a call of each of its threads, or from that call on.
#[derive(Debug)]
pub(super) struct Refusal {
    name: &'static str,
    calls: &'static str,
    error: &'static str,
    /// Does it go on saying no?
    lasts: bool,
}

/// No room on the disk any more.
pub(super) const FULL: Refusal = Refusal {
    name: "disk full",
    calls: ROOM,
    error: "ENOSPC",
    lasts: true,
};

/// Nothing may be changed any more.
pub(super) const REFUSED: Refusal = Refusal {
    name: "changes refused",
    calls: CHANGES,
    error: "EACCES",
    lasts: true,
};

/// The disk fails at one change.
pub(super) const FAILS: Refusal = Refusal {
    name: "a change fails",
    calls: CHANGES,
    error: "EIO",
    lasts: false,
};

/// The disk fails where one write goes.
pub(super) const UNWRITABLE: Refusal = Refusal {
    name: "a write fails",
    calls: ROOM,
    error: "EIO",
    lasts: false,
};

/// The disk fails at one look.
pub(super) const UNREADABLE: Refusal = Refusal {
    name: "a look fails",
    calls: LOOKS,
    error: "EIO",
    lasts: false,
};

/// A signal ends one call early.
pub(super) const INTERRUPTED: Refusal = Refusal {
    name: "a call is interrupted",
    calls: WAITS,
    error: "EINTR",
    lasts: false,
};

impl Attack for Refusal {
    fn name(&self) -> &'static str {
        self.name
    }

    fn moments(&self, machine: &Machine, line: &[&str]) -> usize {
        tracer::most_calls(machine, line, self.calls)
    }

    fn strike(&self, machine: &Machine, line: &[&str], moment: usize) -> Struck {
        let Self {
            calls,
            error,
            lasts,
            name,
        } = self;
        let further = if *lasts { "+" } else { "" };
        let inject = format!("error={error}:when={moment}{further}");
        let output = tracer::injected(machine, line, calls, &inject);
        Struck {
            code: Some(output.code()),
            when: format!("{name} at call {moment}\n{}", output.words()),
            clock: None,
            is_late: false,
        }
    }
}
