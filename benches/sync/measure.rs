//! One cell of the tables: a case, a size and a transport, everybody in turn.

use std::time::Duration;

use crate::bars::{self, Verdict};
use crate::cases::Case;
use crate::contestants::Contestant;
use crate::options::Plan;
use crate::sandbox::{Outcome, Sandbox};
use crate::stats;
use crate::trace::{self, Counts};
use crate::transport::{Network, Transport};
use crate::world::{Seat, World};

/// Counts the rounds over one world, so that each changes other files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round(usize);

impl Round {
    /// The first one.
    pub(crate) fn first() -> Self {
        Self(1)
    }

    /// Its number.
    pub(crate) fn number(self) -> usize {
        self.0
    }

    /// This one, and on to the next.
    fn advance(&mut self) -> Self {
        let this = *self;
        self.0 += 1;
        this
    }
}

/// The figures of one contestant.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Whose they are.
    pub(crate) who: Contestant,
    /// Wall time of every timed round.
    pub(crate) samples: Vec<Duration>,
    /// What one untimed run started, if it could be counted.
    pub(crate) counts: Option<Counts>,
}

impl Figures {
    /// The median wall time in milliseconds.
    pub(crate) fn median_ms(&self) -> f64 {
        stats::median_ms(&self.samples)
    }
}

/// The figures of one case, size and transport.
#[derive(Debug)]
pub(crate) struct Cell {
    /// What had changed.
    pub(crate) case: Case,
    /// Size of the repository.
    pub(crate) files: usize,
    /// How the remote was reached.
    pub(crate) transport: Transport,
    /// Everybody's figures, in the order of a round.
    pub(crate) figures: Vec<Figures>,
}

impl Cell {
    /// One warm-up round, the timed rounds, and one round for counting.
    pub(crate) fn measure(
        sandbox: &Sandbox,
        network: &Network,
        world: &World,
        case: Case,
        transport: Transport,
        plan: &Plan,
        round: &mut Round,
    ) -> Outcome<Self> {
        let mut figures: Vec<_> = world.seats.iter().map(Figures::of).collect();
        for timed in std::iter::once(false).chain(std::iter::repeat_n(true, plan.rounds)) {
            let this = round.advance();
            for (seat, figures) in world.seats.iter().zip(&mut figures) {
                let took = run(sandbox, world, seat, case, this)?;
                figures.samples.extend(timed.then_some(took));
            }
        }
        if trace::is_available(sandbox) {
            let this = round.advance();
            for (seat, figures) in world.seats.iter().zip(&mut figures) {
                let port = network.port(transport);
                figures.counts = Some(count(sandbox, world, seat, case, this, port)?);
            }
        }
        Ok(Self {
            case,
            files: world.files,
            transport,
            figures,
        })
    }

    /// The figures of `who`, if measured.
    pub(crate) fn of(&self, who: Contestant) -> Option<&Figures> {
        self.figures.iter().find(|figures| figures.who == who)
    }

    /// How many times as long as `other` git-sync took.
    pub(crate) fn ratio_to(&self, other: Contestant) -> Option<f64> {
        let (ours, theirs) = (self.of(Contestant::GitSync)?, self.of(other)?);
        Some(stats::median_ratio(&ours.samples, &theirs.samples))
    }

    /// What the project promises for this cell, and whether it holds.
    pub(crate) fn verdicts(&self) -> Vec<Verdict> {
        bars::of_cell(self)
    }
}

impl Figures {
    /// No figures yet.
    fn of(seat: &Seat) -> Self {
        Self {
            who: seat.who,
            samples: Vec::new(),
            counts: None,
        }
    }
}

/// One checked run: how long it took.
fn run(
    sandbox: &Sandbox,
    world: &World,
    seat: &Seat,
    case: Case,
    round: Round,
) -> Outcome<Duration> {
    let arranged = case.arrange(sandbox, world, seat, round)?;
    let took = sandbox.time(&seat.clone, &seat.who.steps(sandbox, case))?;
    seat.who.check(sandbox, seat, &arranged)?;
    Ok(took)
}

/// One checked run under `strace`: what it started.
fn count(
    sandbox: &Sandbox,
    world: &World,
    seat: &Seat,
    case: Case,
    round: Round,
    port: Option<u16>,
) -> Outcome<Counts> {
    let arranged = case.arrange(sandbox, world, seat, round)?;
    let counts = trace::count(sandbox, &seat.clone, &seat.who.steps(sandbox, case), port)?;
    seat.who.check(sandbox, seat, &arranged)?;
    Ok(counts)
}
