//! The exit codes: one table for everything.

use crate::error::{Error, Kind};
use crate::model::run::RunResult;
use crate::sys::interrupt;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, nothing to do, in sync.
    Done,
    /// Failed, or needs the user.
    Failed,
    /// Changes are pending (`--detailed-exitcode`), or there is drift.
    Pending,
    /// The remote was not reached; what could be done is done.
    Incomplete,
    /// Another run holds the lock.
    Busy,
    /// Declined, or an answer was needed and there is no terminal.
    Declined,
    /// There was no backup of what was about to change, so nothing was changed.
    NoBackup,
    /// Nothing to work on: no repository, not set up, a bad setting.
    Fatal,
    /// The words typed make no sense.
    Usage,
    /// A signal ended it.
    Signal(u8),
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Pending => 2,
            Self::Incomplete => 3,
            Self::Busy => 4,
            Self::Declined => 5,
            Self::NoBackup => 6,
            Self::Fatal => 128,
            Self::Usage => 129,
            Self::Signal(signal) => 128 + signal,
        }
    }

    /// What an error leads to.
    pub fn of_error(error: &Error) -> Self {
        match error.kind() {
            Kind::Usage => Self::Usage,
            Kind::Fatal => Self::Fatal,
            Kind::Blocked | Kind::Failed => Self::Failed,
            Kind::Unreachable => Self::Incomplete,
            Kind::Busy => Self::Busy,
            Kind::Declined => Self::Declined,
            Kind::Backup => Self::NoBackup,
            // SIGINT where nothing else is known.
            Kind::Interrupted => Self::Signal(interrupt::caught().unwrap_or(2)),
        }
    }

    /// What the result of a run leads to.
    pub fn of_result(result: RunResult) -> Self {
        match result {
            RunResult::Ok => Self::Done,
            RunResult::Held | RunResult::Skipped | RunResult::Failed => Self::Failed,
            RunResult::Unreachable | RunResult::LoginRefused => Self::Incomplete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn the_numbers_are_the_documented_ones() {
        let table = [
            (Exit::Done, 0),
            (Exit::Failed, 1),
            (Exit::Pending, 2),
            (Exit::Incomplete, 3),
            (Exit::Busy, 4),
            (Exit::Declined, 5),
            (Exit::NoBackup, 6),
            (Exit::Fatal, 128),
            (Exit::Usage, 129),
            (Exit::Signal(2), 130),
            (Exit::Signal(15), 143),
        ];
        for (exit, code) in table {
            assert_eq!(exit.code(), code, "{exit:?}");
        }
    }
}
