//! The bars: what the project promises about its cost, as figures of the same run.

use std::fmt;

use crate::cases::Case;
use crate::contestants::Contestant;
use crate::measure::Cell;
use crate::scan::Scan;
use crate::transport::Transport;

/// One promise and what was measured.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// What is promised about.
    pub(crate) what: &'static str,
    /// At most this.
    pub(crate) bar: f64,
    /// What was measured.
    pub(crate) measured: f64,
}

impl Verdict {
    /// Whether the promise holds.
    pub(crate) fn holds(&self) -> bool {
        self.measured <= self.bar
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.holds() { "holds" } else { "**missed**" };
        write!(f, "{} ≤ {} {verdict}", self.what, self.bar)
    }
}

/// The verdicts on one cell; none without `git-sync`.
pub(crate) fn of_cell(cell: &Cell) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let mut judge = |what, bar: Option<f64>, measured: Option<f64>| {
        if let (Some(bar), Some(measured)) = (bar, measured) {
            verdicts.push(Verdict {
                what,
                bar,
                measured,
            });
        }
    };
    if cell.transport == Transport::Ssh50 {
        let fetch = (cell.case == Case::Noop).then_some(1.1);
        judge("÷ fetch", fetch, cell.ratio_to(Contestant::Fetch));
        judge(
            "÷ pull && push",
            peer_bar(cell.case),
            cell.ratio_to(Contestant::Peer),
        );
    }
    if cell.transport.is_network() {
        judge(
            "connections",
            Some(connections_bar(cell.case)),
            connections(cell),
        );
        let fetch = (cell.case == Case::Noop).then(|| processes(cell, Contestant::Fetch));
        let children = processes(cell, Contestant::GitSync).map(|all| all - 1.0);
        judge("children", fetch.flatten(), children);
    }
    verdicts
}

/// The verdict on one scan; none without `git-sync`.
pub(crate) fn of_scan(scan: &Scan) -> Option<Verdict> {
    let measured = scan.ratio()?;
    Some(Verdict {
        what: "÷ git status",
        bar: 1.0,
        measured,
    })
}

/// How long a sync may take, as a part of what pull and push take.
fn peer_bar(case: Case) -> Option<f64> {
    match case {
        Case::Noop | Case::Local => Some(0.55),
        Case::Both => Some(0.7),
        Case::Remote => None,
    }
}

/// How many connections a sync may make.
fn connections_bar(case: Case) -> f64 {
    if case == Case::Both { 2.0 } else { 1.0 }
}

/// How many connections `git-sync` made.
fn connections(cell: &Cell) -> Option<f64> {
    small(cell.of(Contestant::GitSync)?.counts?.connections)
}

/// How many processes `who` was and started.
fn processes(cell: &Cell, who: Contestant) -> Option<f64> {
    small(cell.of(who)?.counts?.processes)
}

/// A count as a figure to compare.
fn small(count: usize) -> Option<f64> {
    u16::try_from(count).ok().map(f64::from)
}
