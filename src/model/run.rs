//! What one run did, as the history keeps it.

use super::state::State;
use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunResult {
    /// Everything is the same here and there.
    Ok,
    /// All was done but for held paths.
    Held,
    /// All was done but for paths that cannot be synced.
    Skipped,
    /// What could be done without the remote is done.
    Unreachable,
    /// The same, and waiting will not help: the remote refused the login.
    LoginRefused,
    /// It failed.
    Failed,
}

/// One line of `.git/sync/history.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The version of this format.
    pub schema: u32,
    /// Which command: `sync`, `force-push`, `force-pull`, `resolve`, `setup`.
    pub command: String,
    /// Did it run in the background?
    pub background: bool,
    /// When it began, RFC 3339.
    pub start: String,
    /// When it ended, RFC 3339.
    pub end: String,
    /// How long it took, milliseconds.
    pub ms: u64,
    /// How it ended.
    pub result: RunResult,
    /// The state afterwards.
    pub state: String,
    /// Paths committed from this machine.
    pub committed: usize,
    /// Commits that came from the remote.
    pub pulled: usize,
    /// Commits sent to the remote.
    pub pushed: usize,
    /// Paths held afterwards.
    pub held: usize,
    /// Connections made to the remote.
    pub connections: u32,
    /// What went wrong, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The version of [`RunRecord`] that this program writes.
pub const SCHEMA: u32 = 1;

impl RunResult {
    /// Was the remote not asked, though it should have been?
    pub fn is_without_remote(self) -> bool {
        matches!(self, Self::Unreachable | Self::LoginRefused)
    }

    /// Are both sides the same, as far as they can be?
    pub fn is_success(self) -> bool {
        matches!(self, Self::Ok | Self::Skipped)
    }

    /// Does it stay in sight until a run succeeds? That there is no network is no failure.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::LoginRefused)
    }
}

impl RunRecord {
    /// When it ended, seconds since 1970.
    pub fn ended(&self) -> Option<i64> {
        let time: jiff::Timestamp = self.end.parse().ok()?;
        Some(time.as_second())
    }

    /// The state word as a state, where it is one.
    pub fn state(&self) -> Option<State> {
        State::parse(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::damaged;
    use proptest::prelude::*;

    const LINE: &str = r#"{"schema":1,"command":"sync","background":false,"start":"2026-11-20T10:44:10Z","end":"2026-11-20T10:44:11Z","ms":812,"result":"held","state":"held","committed":2,"pulled":1,"pushed":1,"held":1,"connections":2,"error":"x"}"#;

    proptest! {
        #[test]
        fn a_damaged_line_is_read_or_passed_over(text in damaged(LINE)) {
            if let Ok(record) = serde_json::from_slice::<RunRecord>(&text) {
                record.ended();
                record.state();
                crate::model::due::Due::after(std::slice::from_ref(&record), 300);
                let again = serde_json::to_vec(&record).expect("written");
                prop_assert_eq!(serde_json::from_slice::<RunRecord>(&again).expect("read"), record);
            }
        }
    }
}
