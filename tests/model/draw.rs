//! Draws programs at random, each seed its own, the same at all times.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::names::Name;
use super::program::{Death, Line, Move, POLICIES, Program, Side};

/// The program of a seed, with so many moves.
pub(super) fn program(seed: u64, length: usize) -> Program {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let drawn = programs(length).new_tree(&mut runner);
    drawn.expect("nothing is ruled out").current()
}

fn programs(length: usize) -> impl Strategy<Value = Program> {
    (2_usize..=5).prop_flat_map(move |machines| {
        let step = (1..=machines, moves(machines)).prop_map(|step| vec![step]);
        let scenes = prop_oneof![14 => step, 1 => crossings(machines)];
        prop::collection::vec(scenes, length).prop_map(move |scenes| {
            let steps = scenes.into_iter().flatten().take(length).collect();
            Program { machines, steps }
        })
    })
}

/// One machine sends a change, and a run on another one meets it: with a change of its own, dying, or
/// while the same file is saved. Single moves seldom come to that.
fn crossings(machines: usize) -> impl Strategy<Value = Vec<(usize, Move)>> {
    let meeting = prop_oneof![
        (1..8_usize).prop_map(|point| (None, Some(point))),
        deaths().prop_map(|death| (Some(death), None)),
        Just((None, None)),
    ];
    let whose = (1..=machines, 1..machines);
    let policy = prop::option::weighted(0.3, 0..POLICIES.len());
    let what = (busy_names(), 0..3_usize, policy);
    (whose, what, meeting).prop_map(move |((here, by), (name, line, policy), meeting)| {
        let there = (here - 1 + by) % machines + 1;
        let sent = policy.map(|policy| (there, Move::Policy(name, policy)));
        let sent = sent.into_iter().chain([
            (there, Move::Edit(name, line)),
            (there, Move::Run(Line::Sync)),
        ]);
        let met = match meeting {
            (None, Some(point)) => vec![(here, Move::During(point, name))],
            (Some((death, point)), _) => vec![(here, Move::Kill(death, point, Line::Sync))],
            _ => vec![
                (here, Move::Edit(name, line)),
                (here, Move::Run(Line::Sync)),
            ],
        };
        sent.chain(met).collect()
    })
}

/// How, and at which point.
fn deaths() -> impl Strategy<Value = (Death, usize)> {
    prop_oneof![
        (1..20_usize).prop_map(|point| (Death::Git, point)),
        (1..50_usize).prop_map(|point| (Death::Change, point)),
    ]
}

fn names() -> impl Strategy<Value = Name> {
    some_names(|_, _| true)
}

/// The same where it is about marks.
fn homes() -> impl Strategy<Value = Name> {
    some_names(|_, name| name.is_at_home())
}

/// Those that many are busy with.
fn busy_names() -> impl Strategy<Value = Name> {
    some_names(|weight, name| weight >= 4 && !name.is_at_home())
}

fn some_names(counts: impl Fn(u32, Name) -> bool) -> impl Strategy<Value = Name> {
    let names = Name::all().filter(|(weight, name)| counts(*weight, *name));
    let names = names.map(|(weight, name)| (weight, Just(name)));
    prop::strategy::Union::new_weighted(names.collect())
}

fn moves(machines: usize) -> impl Strategy<Value = Move> {
    let files = prop_oneof![
        22 => (names(), 0..5_usize).prop_map(|(name, line)| Move::Edit(name, line)),
        6 => names().prop_map(Move::Rewrite),
        3 => names().prop_map(Move::Binary),
        2 => names().prop_map(Move::Empty),
        6 => homes().prop_map(Move::Save),
        2 => names().prop_map(Move::Save),
        2 => names().prop_map(Move::Folder),
        2 => names().prop_map(Move::Link),
        5 => names().prop_map(Move::Delete),
        4 => (names(), names()).prop_map(|(from, to)| Move::Rename(from, to)),
        3 => names().prop_map(Move::Chmod),
    ];
    let git = prop_oneof![
        3 => names().prop_map(Move::Stage),
        4 => Just(Move::Commit),
        1 => Just(Move::Fetch),
        1 => Just(Move::Push),
        1 => Just(Move::Gc),
    ];
    let others = prop_oneof![
        4 => (busy_names(), 0..POLICIES.len()).prop_map(|(name, policy)| Move::Policy(name, policy)),
        3 => Just(Move::Offline),
        6 => Just(Move::Online),
        3 => (1..=machines).prop_map(Move::Meet),
        1 => Just(Move::Crowd),
        8 => (1..8_usize, names()).prop_map(|(point, name)| Move::During(point, name)),
    ];
    prop_oneof![
        50 => files,
        8 => git,
        20 => others,
        40 => lines().prop_map(Move::Run),
        14 => (deaths(), lines()).prop_map(|((death, point), line)| Move::Kill(death, point, line)),
    ]
}

fn lines() -> impl Strategy<Value = Line> {
    let sides = prop::sample::select(vec![Side::Ours, Side::Theirs, Side::Undo]);
    let paths = prop::option::weighted(0.2, names());
    prop_oneof![
        44 => Just(Line::Sync),
        1 => Just(Line::Background),
        1 => Just(Line::Status),
        8 => (homes(), prop::bool::weighted(0.25)).prop_map(|(name, copy)| Line::Mark(name, copy)),
        2 => homes().prop_map(Line::Unmark),
        1 => Just(Line::Repair),
        9 => (sides, paths).prop_map(|(side, path)| Line::Resolve(side, path)),
        2 => Just(Line::ForcePull),
        2 => Just(Line::ForcePush),
        1 => Just(Line::Backup),
        4 => busy_names().prop_map(Line::Restore),
    ]
}
