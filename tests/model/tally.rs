//! What a program came to, in figures: a model that never reaches a conflict proves nothing.

use std::fmt::{self, Display, Formatter};
use std::ops::AddAssign;

use super::program::Line;
use super::runs::Report;
use super::told;

/// So often each thing happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) machines: usize,
    pub(super) steps: usize,
    /// Runs of the program.
    pub(super) runs: usize,
    /// Runs after which a path was held.
    pub(super) holds: usize,
    /// Decisions about held paths.
    pub(super) decisions: usize,
    /// Runs that were killed.
    pub(super) kills: usize,
    /// Runs without the remote.
    pub(super) offline: usize,
    /// Files that were saved while a run was at work.
    pub(super) races: usize,
    /// Runs of several at once.
    pub(super) meetings: usize,
    /// Marks that were made, and links that were replaced and mended.
    pub(super) marks: usize,
    pub(super) mended: usize,
    /// Paths that a policy settled.
    pub(super) settled: usize,
    /// Forces that went through.
    pub(super) forces: usize,
    /// Files brought back from a backup.
    pub(super) restores: usize,
    /// Contents that were written.
    pub(super) contents: usize,
}

impl Tally {
    /// Counts what a run did.
    pub(super) fn count(&mut self, report: &Report) {
        let is_done = report.output.code() == 0;
        match report.line {
            Line::Mark(..) => self.marks += usize::from(is_done),
            Line::ForcePull | Line::ForcePush => self.forces += usize::from(is_done),
            Line::Restore(_) => self.restores += usize::from(is_done),
            _ => {}
        }
        let Some(json) = report.json().filter(|json| json["error"].is_null()) else {
            return;
        };
        self.holds += usize::from(!told::held(&json).is_empty());
        self.decisions += usize::from(matches!(report.line, Line::Resolve(..)));
        self.settled += json["settled"].as_array().map_or(0, Vec::len);
        let marks = json["marks"].as_array().into_iter().flatten();
        self.mended += marks.filter(|mark| mark["left"].is_null()).count();
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.machines += other.machines;
        self.steps += other.steps;
        self.runs += other.runs;
        self.holds += other.holds;
        self.decisions += other.decisions;
        self.kills += other.kills;
        self.offline += other.offline;
        self.races += other.races;
        self.meetings += other.meetings;
        self.marks += other.marks;
        self.mended += other.mended;
        self.settled += other.settled;
        self.forces += other.forces;
        self.restores += other.restores;
        self.contents += other.contents;
    }
}

impl Display for Tally {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            machines,
            steps,
            runs,
            holds,
            decisions,
            ..
        } = self;
        let Self {
            kills,
            offline,
            races,
            meetings,
            marks,
            mended,
            ..
        } = self;
        let Self {
            settled,
            forces,
            restores,
            contents,
            ..
        } = self;
        write!(
            f,
            "{machines} machines, {steps} steps, {runs} runs: {holds} held something, {decisions} decided, \
             {kills} killed, {offline} offline, {races} met a save, {meetings} met each other, {marks} marks, \
             {mended} mended, {settled} settled by policy, {forces} forced, {restores} restored; \
             {contents} contents, 0 lost"
        )
    }
}
