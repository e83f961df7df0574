//! The report: Markdown for people, JSON with every sample for programs.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bars::Verdict;
use crate::contestants::Contestant;
use crate::machine::Machine;
use crate::measure::{Cell, Figures};
use crate::options::Plan;
use crate::scan::Scan;
use crate::stats;
use crate::trace::Counts;
use crate::transport::Transport;

/// Who has a column, in its order.
const COLUMNS: [Contestant; 3] = [Contestant::GitSync, Contestant::Peer, Contestant::Fetch];

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    /// What it was measured with.
    machine: Machine,
    /// Timed rounds of a cell.
    rounds: usize,
    /// JSON instead of Markdown.
    json: bool,
    /// The cells of the tables.
    pub(crate) cells: Vec<Cell>,
    /// The work-tree scans.
    pub(crate) scans: Vec<Scan>,
}

impl Report {
    /// A report without figures.
    pub(crate) fn new(machine: Machine, plan: &Plan) -> Self {
        Self {
            machine,
            rounds: plan.rounds,
            json: plan.json,
            cells: vec![],
            scans: vec![],
        }
    }

    /// All promises and whether they hold.
    fn verdicts(&self) -> Vec<Verdict> {
        let cells = self.cells.iter().flat_map(Cell::verdicts);
        cells
            .chain(self.scans.iter().filter_map(Scan::verdict))
            .collect()
    }

    /// Programs, machine and rounds.
    fn write_facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.machine.facts {
            writeln!(f, "- {name}: {value}")?;
        }
        writeln!(
            f,
            "- rounds: {} after a warm-up, everybody in turn",
            self.rounds
        )
    }

    /// The table of one transport.
    fn write_table(&self, f: &mut fmt::Formatter<'_>, transport: Transport) -> fmt::Result {
        let mut cells = self
            .cells
            .iter()
            .filter(|cell| cell.transport == transport)
            .peekable();
        if cells.peek().is_none() {
            return Ok(());
        }
        writeln!(f, "\n### {transport}\n\n{CELL_HEAD}")?;
        cells.try_for_each(|cell| writeln!(f, "{}", cell_row(cell)))
    }

    /// The table of the work-tree scans.
    fn write_scans(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scans.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\n### Work-tree scan, nothing changed, no remote contacted\n\n{SCAN_HEAD}"
        )?;
        self.scans
            .iter()
            .try_for_each(|scan| writeln!(f, "{}", scan_row(scan)))
    }

    /// How many promises hold.
    fn write_summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdicts = self.verdicts();
        let holding = verdicts.iter().filter(|verdict| verdict.holds()).count();
        writeln!(f, "\n{holding} of {} bars hold.", verdicts.len())
    }

    /// All figures with their samples.
    fn to_json(&self) -> Value {
        let facts = self.machine.facts.iter();
        let facts = facts.map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
        json!({
            "machine": facts.collect::<serde_json::Map<_, _>>(),
            "rounds": self.rounds,
            "cells": self.cells.iter().map(cell_json).collect::<Vec<_>>(),
            "scans": self.scans.iter().map(scan_json).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.json {
            return writeln!(f, "{:#}", self.to_json());
        }
        self.write_facts(f)?;
        Transport::ALL
            .iter()
            .try_for_each(|&transport| self.write_table(f, transport))?;
        self.write_scans(f)?;
        self.write_summary(f)
    }
}

/// Head of a table of cells.
const CELL_HEAD: &str = "\
| case | files | git-sync ms | pull && push ms | fetch ms | ÷ pull && push | ÷ fetch \
| processes | connections | bars |
|---|---|---|---|---|---|---|---|---|---|";

/// Head of the table of scans.
const SCAN_HEAD: &str = "\
| git's aids | files | git-sync --offline ms | its scan ms | git status ms | scan ÷ git status | bar |
|---|---|---|---|---|---|---|";

/// One cell as a row.
fn cell_row(cell: &Cell) -> String {
    let verdicts: Vec<_> = cell.verdicts().iter().map(Verdict::to_string).collect();
    let connections = if cell.transport.is_network() {
        counts(cell, |counts| counts.connections)
    } else {
        "–".to_owned()
    };
    let columns = [
        cell.case.to_string(),
        cell.files.to_string(),
        milliseconds(cell.of(Contestant::GitSync)),
        milliseconds(cell.of(Contestant::Peer)),
        milliseconds(cell.of(Contestant::Fetch)),
        ratio(cell.ratio_to(Contestant::Peer)),
        ratio(cell.ratio_to(Contestant::Fetch)),
        counts(cell, |counts| counts.processes),
        connections,
        verdicts.join("; "),
    ];
    row(&columns)
}

/// One scan as a row.
fn scan_row(scan: &Scan) -> String {
    let ours = scan.ours.as_deref().map(stats::median_ms);
    row(&[
        scan.aid.to_string(),
        scan.files.to_string(),
        ours.map_or("–".to_owned(), |ms| format!("{ms:.1}")),
        ours.map_or("–".to_owned(), |_| {
            format!("{:.1}", stats::median_ms(&scan.scans))
        }),
        format!("{:.1}", stats::median_ms(&scan.status)),
        ratio(scan.ratio()),
        scan.verdict()
            .as_ref()
            .map(Verdict::to_string)
            .unwrap_or_default(),
    ])
}

/// A row of a Markdown table.
fn row(columns: &[String]) -> String {
    format!("| {} |", columns.join(" | "))
}

/// The median of somebody's samples.
fn milliseconds(figures: Option<&Figures>) -> String {
    figures.map_or("–".to_owned(), |figures| {
        format!("{:.1}", figures.median_ms())
    })
}

/// A ratio with two digits.
fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"))
}

/// One count of everybody, in the order of the columns.
fn counts(cell: &Cell, pick: fn(Counts) -> usize) -> String {
    let count = |who: Contestant| match cell.of(who).map(|figures| figures.counts) {
        Some(Some(counts)) => pick(counts).to_string(),
        Some(None) => "n/a".to_owned(),
        None => "–".to_owned(),
    };
    COLUMNS.map(count).join(" / ")
}

/// One cell with everything known about it.
fn cell_json(cell: &Cell) -> Value {
    json!({
        "case": cell.case.to_string(),
        "files": cell.files,
        "transport": cell.transport.to_string(),
        "contestants": cell.figures.iter().map(figures_json).collect::<Vec<_>>(),
        "ratio_to_peer": cell.ratio_to(Contestant::Peer),
        "ratio_to_fetch": cell.ratio_to(Contestant::Fetch),
        "bars": cell.verdicts().iter().map(verdict_json).collect::<Vec<_>>(),
    })
}

/// One contestant's figures.
fn figures_json(figures: &Figures) -> Value {
    json!({
        "name": figures.who.to_string(),
        "median_ms": figures.median_ms(),
        "samples_ms": samples_json(&figures.samples),
        "processes": figures.counts.map(|counts| counts.processes),
        "execs": figures.counts.map(|counts| counts.execs),
        "connections": figures.counts.map(|counts| counts.connections),
    })
}

/// One scan with everything known about it.
fn scan_json(scan: &Scan) -> Value {
    json!({
        "aid": scan.aid.to_string(),
        "files": scan.files,
        "git_sync_ms": scan.ours.as_deref().map(samples_json),
        "git_sync_scan_ms": samples_json(&scan.scans),
        "git_status_ms": samples_json(&scan.status),
        "ratio": scan.ratio(),
        "bar": scan.verdict().as_ref().map(verdict_json),
    })
}

/// One promise.
fn verdict_json(verdict: &Verdict) -> Value {
    json!({
        "what": verdict.what,
        "bar": verdict.bar,
        "measured": verdict.measured,
        "holds": verdict.holds(),
    })
}

/// Wall times in milliseconds.
fn samples_json(samples: &[Duration]) -> Vec<f64> {
    samples
        .iter()
        .map(|sample| sample.as_secs_f64() * 1e3)
        .collect()
}
