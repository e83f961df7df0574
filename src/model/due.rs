//! When a background run is due, in a line that a shell can read without starting anything.

use super::run::RunRecord;

/// However long the remote was not reached: it is tried again after so many seconds.
const LONGEST: i64 = 3600;

/// So many runs in a row are enough to reach [`LONGEST`] from any interval that is worth it.
pub const LOOK_BACK: usize = 12;

/// When the last run began, and when the next one is due; seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The beginning. A clock that shows less was set back, and then the rest means nothing.
    pub begun: i64,
    /// The earliest beginning of the next.
    pub next: i64,
}

impl Due {
    /// By the newest `runs`, the newest first: after `interval` seconds, and after twice as long for every
    /// run in a row that did not reach the remote.
    pub fn after(runs: &[RunRecord], interval: i64) -> Option<Self> {
        let begun: jiff::Timestamp = runs.first()?.start.parse().ok()?;
        let in_vain = runs.iter().take_while(|run| run.result.is_without_remote());
        let longest = interval.max(LONGEST);
        let pause = in_vain.fold(interval, |pause, _| (pause * 2).min(longest));
        let begun = begun.as_second();
        Some(Self {
            begun,
            next: begun + pause,
        })
    }

    /// Is there time left?
    pub fn is_too_soon(self, now: i64) -> bool {
        (self.begun..self.next).contains(&now)
    }

    /// The line in `.sync/due`; its last number is the time between the two, as a shell may have no
    /// arithmetic but in a program or a module.
    pub fn print(self) -> String {
        let Self { begun, next } = self;
        format!("{begun} {next} {}\n", next - begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::run::{RunResult, SCHEMA};

    fn run(result: RunResult) -> RunRecord {
        RunRecord {
            schema: SCHEMA,
            command: "sync".to_owned(),
            background: true,
            start: "2026-11-21T10:00:00Z".to_owned(),
            end: "2026-11-21T10:00:01Z".to_owned(),
            ms: 1000,
            result,
            state: "synced".to_owned(),
            committed: 0,
            pulled: 0,
            pushed: 0,
            held: 0,
            connections: 1,
            error: None,
        }
    }

    fn pause(results: &[RunResult], interval: i64) -> Option<i64> {
        let runs: Vec<_> = results.iter().map(|result| run(*result)).collect();
        Due::after(&runs, interval).map(|due| due.next - due.begun)
    }

    #[test]
    fn who_was_offline_waits_longer_every_time() {
        use RunResult::{LoginRefused, Ok, Unreachable};
        assert_eq!(pause(&[], 300), None);
        assert_eq!(pause(&[Ok, Unreachable], 300), Some(300));
        assert_eq!(pause(&[Unreachable, Ok], 300), Some(600));
        assert_eq!(pause(&[LoginRefused, Unreachable, Ok], 300), Some(1200));
        assert_eq!(pause(&[Unreachable; 12], 300), Some(3600));
        assert_eq!(pause(&[Unreachable; 12], 7200), Some(7200));
        assert_eq!(pause(&[Unreachable; 3], 0), Some(0));
    }

    #[test]
    fn a_clock_that_was_set_back_stops_nothing() {
        let due = Due {
            begun: 1000,
            next: 1300,
        };
        assert_eq!(
            [999, 1000, 1299, 1300].map(|now| due.is_too_soon(now)),
            [false, true, true, false]
        );
        assert_eq!(due.print(), "1000 1300 300\n");
    }
}
