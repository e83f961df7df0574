//! The benchmark of `git sync`: what a sync costs beside what people type without it.
//!
//! `cargo bench --bench sync` builds repositories of several sizes, reaches them over several
//! transports, and times `git-sync`, `git pull --rebase --autostash && git push` and a lean
//! `git fetch` in turn, in the same run. Every timed run is checked for its outcome. The report is
//! Markdown on stdout; progress goes to stderr. `docs/benchmarks.md` says how to read it.
//!
//! From the bottom up: [`sandbox`] runs commands, [`sshd`] and [`link`] make a network out of the
//! loopback device, [`world`] builds repositories, [`cases`] and [`contestants`] say what happens,
//! [`measure`], [`trace`] and [`scan`] find the figures, [`bars`] judges, [`report`] prints.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark runs programs and builds scratch trees"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the report and its progress"
)]

mod bars;
mod cases;
mod contestants;
mod link;
mod machine;
mod measure;
mod options;
mod report;
mod sandbox;
mod scan;
mod sshd;
mod stats;
mod trace;
mod transport;
mod world;

use std::process::ExitCode;

use clap::Parser;

use crate::contestants::Contestant;
use crate::machine::Machine;
use crate::measure::{Cell, Round};
use crate::options::{Options, Plan};
use crate::report::Report;
use crate::sandbox::{Outcome, Sandbox};
use crate::scan::Scan;
use crate::transport::Network;
use crate::world::World;

fn main() -> ExitCode {
    let options = Options::parse();
    if options.is_test_run() {
        eprintln!("nothing to test here; `cargo bench --bench sync` measures");
        return ExitCode::SUCCESS;
    }
    match run(&options.plan()) {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Builds, measures and collects everything that was asked for.
fn run(plan: &Plan) -> Outcome<Report> {
    let sandbox = Sandbox::new(plan.dir.as_deref(), &plan.program)?;
    let network = Network::new(&sandbox, &plan.transports)?;
    let mut report = Report::new(Machine::look(&sandbox), plan);
    for &files in &plan.files {
        let world = World::build(&sandbox, files, &plan.contestants)?;
        report
            .cells
            .extend(measure_cells(&sandbox, &network, &world, plan)?);
    }
    if let Some(files) = plan.scan_files {
        report.scans = measure_scans(&sandbox, files, plan)?;
    }
    Ok(report)
}

/// Every transport and case over the repositories of one size.
fn measure_cells(
    sandbox: &Sandbox,
    network: &Network,
    world: &World,
    plan: &Plan,
) -> Outcome<Vec<Cell>> {
    let mut round = Round::first();
    let mut cells = Vec::new();
    for &transport in &plan.transports {
        world.connect(sandbox, network, transport)?;
        for &case in &plan.cases {
            eprintln!("measuring {case}, {} files, {transport}", world.files);
            let cell = Cell::measure(sandbox, network, world, case, transport, plan, &mut round)?;
            cells.push(cell);
        }
    }
    Ok(cells)
}

/// The work-tree scan over a repository of its own, so that its settings reach nothing else.
fn measure_scans(sandbox: &Sandbox, files: usize, plan: &Plan) -> Outcome<Vec<Scan>> {
    let ours: &[Contestant] = if plan.peers_only {
        &[Contestant::Peer]
    } else {
        &[Contestant::GitSync]
    };
    let world = World::build(sandbox, files, ours)?;
    world.connect_to_files(sandbox)?;
    Scan::measure_all(sandbox, &world, plan)
}
