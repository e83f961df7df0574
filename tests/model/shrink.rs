//! Makes a failing program short: each part of it that can go without the failure going goes.
//!
//! Moves that make no sense are passed over, so any part of a program is one. Halves are tried first: to play a
//! program takes seconds, and one by one is what a strategy's own shrinking would do.

use std::time::{Duration, Instant};

use super::program::Program;

/// So long it is tried.
const PATIENCE: Duration = Duration::from_secs(600);

/// The shortest program found for which `fails` still says yes.
pub(super) fn shrink(program: &Program, fails: impl Fn(&Program) -> bool) -> Program {
    let started = Instant::now();
    let mut best = program.clone();
    let mut size = best.steps.len().div_ceil(2);
    while size > 0 && started.elapsed() < PATIENCE {
        let mut is_shorter = false;
        let mut at = 0;
        while at < best.steps.len() && started.elapsed() < PATIENCE {
            let mut part = best.clone();
            part.steps.drain(at..(at + size).min(best.steps.len()));
            if fails(&part) {
                best = part;
                is_shorter = true;
            } else {
                at += size;
            }
        }
        // What one part needed may have gone since.
        if size > 1 || !is_shorter {
            size /= 2;
        }
    }
    with_fewer_machines(best, fails)
}

/// The same with no machine that does nothing, if it fails without them.
fn with_fewer_machines(program: Program, fails: impl Fn(&Program) -> bool) -> Program {
    let used: std::collections::BTreeSet<_> = program.steps.iter().map(|(who, _)| *who).collect();
    let mut fewer = program.clone();
    fewer.machines = used.len().max(2);
    for (who, _) in &mut fewer.steps {
        *who = used
            .iter()
            .position(|known| known == who)
            .map_or(1, |at| at + 1);
    }
    if fewer != program && fails(&fewer) {
        return fewer;
    }
    program
}
