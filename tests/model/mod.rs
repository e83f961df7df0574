//! The model: random programs of what people do on two to five machines, and what must hold after each move.
//!
//! `memory` knows every content that was ever written, `invariants` says what must hold after each run,
//! `settle` what must at the end. The programs are of `program`, drawn by `draw`; `deeds` plays what people do
//! without us, `runs` what they do with us. A failing one is made short by `shrink` and printed; it goes to
//! `corpus/`, and is played by every run of the suite from then on.
//!
//! The short form is a few seeds and the corpus. The long form is run by hand:
//!
//! ```sh
//! GIT_SYNC_MODEL=100x100 cargo test --test suite -- --nocapture model::random
//! ```
//!
//! is a hundred seeds with a hundred moves each; `GIT_SYNC_MODEL=100x100@201` begins with seed 201.
//! `GIT_SYNC_BINARY` is another program to be looked at.

mod deeds;
mod draw;
mod invariants;
mod live;
mod memory;
mod names;
mod program;
mod runs;
mod settle;
mod shrink;
mod tally;
mod told;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use invariants::Violation;
use program::Program;
use tally::Tally;
use world::World;

use crate::support::needs;

/// The seeds of the short form, and how many moves each has.
const SHORT: (std::ops::Range<u64>, usize) = (1..6, 45);

/// What a program failed with, and after how many of its steps.
#[derive(Debug)]
struct Failure {
    steps: usize,
    violation: Violation,
    transcript: String,
}

/// Plays a program to its end.
fn play(program: &Program) -> Result<Tally, Failure> {
    let mut world = World::new(program.machines);
    let told = catch_unwind(AssertUnwindSafe(|| {
        for (who, step) in &program.steps {
            world.play(*who, *step)?;
        }
        settle::settle(&mut world)
    }));
    // What the harness expects of every command, such as an end.
    let told = told.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref().map(|text: &&str| (*text).to_owned()));
        Err(Violation::new("the harness", text.unwrap_or_default()))
    });
    world.tally.contents = world.memory.len();
    told.map(|()| world.tally).map_err(|violation| Failure {
        steps: world.step.min(program.steps.len()),
        violation,
        transcript: world.transcript,
    })
}

/// Plays a program, and makes it short where it fails.
#[track_caller]
fn holds(what: &str, program: &Program) -> Tally {
    let failure = match play(program) {
        Ok(tally) => return tally,
        Err(failure) => failure,
    };
    let rule = failure.violation.rule;
    let told = failure.violation.to_string();
    let told = told.lines().take(8).collect::<Vec<_>>().join(
        "
",
    );
    eprintln!(
        "{what}, step {}: {told}
It is made short.",
        failure.steps
    );
    let mut played = program.clone();
    played.steps.truncate(failure.steps);
    let short = shrink::shrink(&played, |part| {
        play(part).is_err_and(|failure| failure.violation.rule == rule)
    });
    // One that depends on chance may not do it again.
    let again = play(&short).err();
    let transcript = again
        .as_ref()
        .map_or("it does not fail each time\n", |again| &again.transcript);
    panic!(
        "{what}, step {}: {}\n{transcript}\nThe shortest program that fails so, for tests/model/corpus/:\n\n{short}",
        failure.steps,
        again
            .as_ref()
            .map_or(&failure.violation, |again| &again.violation)
    );
}

/// The seeds, and how many moves each has: those of the short form, or what `GIT_SYNC_MODEL` says.
fn wish() -> (std::ops::Range<u64>, usize) {
    let Ok(wish) = std::env::var("GIT_SYNC_MODEL") else {
        return SHORT;
    };
    let (counts, first) = wish.split_once('@').unwrap_or((&wish, "1"));
    let (seeds, length) = counts.split_once('x').expect("SEEDSxMOVES@FIRST");
    let [seeds, first] = [seeds, first].map(|number| number.parse::<u64>().unwrap());
    (first..first + seeds, length.parse().unwrap())
}

#[test]
fn random_programs_on_several_machines_converge_and_lose_nothing() {
    needs("strace");
    let (seeds, length) = wish();
    let started = std::time::Instant::now();
    let mut all = Tally::default();
    for seed in seeds.clone() {
        all += holds(&format!("seed {seed}"), &draw::program(seed, length));
    }
    println!("seeds {seeds:?}: {all}");
    println!("{} seconds", started.elapsed().as_secs());
    // What is not reached is not tested.
    let reached = [
        all.holds,
        all.decisions,
        all.kills,
        all.offline,
        all.races,
        all.meetings,
    ];
    let reached = reached
        .into_iter()
        .chain([all.marks, all.mended, all.settled]);
    assert!(reached.into_iter().all(|count| count > 0), "{all}");
}

#[test]
fn every_program_that_failed_once_holds() {
    needs("strace");
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/model/corpus");
    let files = std::fs::read_dir(corpus).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let program: Program = text
            .parse()
            .unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        holds(&file.display().to_string(), &program);
    }
}

#[test]
fn a_program_is_read_as_it_is_printed() {
    for seed in 1..50 {
        let program = draw::program(seed, 100);
        assert_eq!(program.to_string().parse(), Ok(program));
    }
    let wrong = "machines 2\n3 sync\n".parse::<Program>();
    assert_eq!(wrong, Err("'3 sync': no such machine".to_owned()));
}
