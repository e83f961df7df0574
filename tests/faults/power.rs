//! The power goes: what was written after its last flush is lost, names stay.
//!
//! That is what a file system with delayed allocation may do up to half a minute after the end of
//! the run, in its worst case.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::fault::{Attack, Kill, Struck};
use super::oracle::{End, is_free, is_usable};
use super::scenario::{self, Scenario};
use super::tracer::{recorded, stopped};
use crate::support::{Machine, needs};

/// The calls of a trace: those that strace wrote in two pieces are put together, at their end. A write that
/// did not come to it counts, a flush does not.
fn calls(trace: &str) -> Vec<String> {
    let mut begun = BTreeMap::<&str, &str>::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let thread = line.split(' ').next().unwrap_or_default();
        if let Some(head) = line.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, head);
        } else if let Some((_, tail)) = line.split_once(" resumed>") {
            calls.extend(begun.remove(thread).map(|head| format!("{head}{tail}")));
        } else {
            calls.push(line.to_owned());
        }
    }
    let writes = begun.into_values().filter(|head| !head.contains("sync("));
    calls.extend(writes.map(str::to_owned));
    calls
}

/// The files that have something at their end that is not on the disk, and how many bytes, read from a trace of strace
/// with `-y`.
fn at_risk(machine: &Machine, trace: &str) -> BTreeMap<PathBuf, u64> {
    let mut risk = BTreeMap::<PathBuf, u64>::new();
    for line in calls(trace).iter().filter(|line| !line.contains(" = -1 ")) {
        let Some((call, rest)) = line
            .split_once(' ')
            .and_then(|(_, call)| call.trim_start().split_once('('))
        else {
            continue;
        };
        let files: Vec<_> = rest.split('<').skip(1).filter_map(before_bracket).collect();
        let names: Vec<_> = rest
            .split('"')
            .skip(1)
            .step_by(2)
            .map(|name| machine.path(name))
            .collect();
        match (call, &files[..], &names[..]) {
            ("write" | "pwrite64" | "writev" | "ftruncate" | "sendfile", [file, ..], _)
            | ("copy_file_range", [_, file, ..], _) => {
                let unflushed = risk.entry(file.clone()).or_default();
                *unflushed = unflushed.saturating_add(written(call, line));
            }
            ("fsync" | "fdatasync", [file, ..], _) => {
                risk.remove(file);
            }
            ("syncfs" | "sync", ..) => risk.clear(),
            ("rename" | "renameat" | "renameat2", _, [from, to]) => {
                let (had, has) = (risk.remove(to), risk.remove(from));
                risk.extend(has.map(|unflushed| (to.clone(), unflushed)));
                if line.contains("RENAME_EXCHANGE") {
                    risk.extend(had.map(|unflushed| (from.clone(), unflushed)));
                }
            }
            ("link" | "linkat", _, [from, to]) => {
                let unflushed = risk.get(from).copied();
                risk.extend(unflushed.map(|unflushed| (to.clone(), unflushed)));
            }
            _ => {}
        }
    }
    risk.retain(|path, _| path.starts_with(machine.home()) && path.is_file());
    risk
}

/// How many bytes a call may have changed: all, where it does not say. A write that did not come to its end has written
/// what it was given, at most.
fn written(call: &str, line: &str) -> u64 {
    let number = |text: &str| {
        let digits = text.split(|found: char| !found.is_ascii_digit()).next();
        digits.and_then(|digits| digits.parse().ok())
    };
    let done = line.rsplit_once(" = ").and_then(|(_, said)| number(said));
    let given = || {
        line.rsplit_once("\"..., ")
            .and_then(|(_, more)| number(more))
    };
    let said = match call {
        "ftruncate" => None,
        "write" | "pwrite64" => done.or_else(given),
        _ => done,
    };
    said.unwrap_or(u64::MAX)
}

fn before_bracket(text: &str) -> Option<PathBuf> {
    let (path, _) = text.split_once('>')?;
    path.starts_with('/').then(|| PathBuf::from(path))
}

/// Takes from files what never got to the disk.
fn cut_off(at_risk: &BTreeMap<PathBuf, u64>) {
    for (path, unflushed) in at_risk {
        let found = path.metadata().expect("a file");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("own file");
        let file = fs::OpenOptions::new().write(true).open(path);
        let left = found.len().saturating_sub(*unflushed);
        file.and_then(|file| file.set_len(left)).expect("own file");
        fs::set_permissions(path, found.permissions()).expect("own file");
    }
}

/// The power goes in the middle of a run.
#[derive(Debug)]
pub(super) struct PowerCut;

impl Attack for PowerCut {
    fn name(&self) -> &'static str {
        "power cut"
    }

    fn moments(&self, machine: &Machine, line: &[&str]) -> usize {
        Kill.moments(machine, line)
    }

    fn strike(&self, machine: &Machine, line: &[&str], moment: usize) -> Struck {
        let cut = stopped(machine, line, moment);
        let gone = at_risk(machine, &cut.trace);
        cut_off(&gone);
        Struck {
            code: None,
            when: format!(
                "power cut after change {}: {}; without {gone:#?}",
                cut.changes, cut.last
            ),
            clock: None,
            is_late: cut.changes > moment,
        }
    }
}

/// Runs the scenario's command, cuts the power, and expects that nothing of it is gone.
#[track_caller]
fn survives_a_cut(scenario: &Scenario) {
    needs("strace");
    let laptop = &scenario.laptop;
    let (output, trace) = recorded(laptop, scenario.line);
    output.exits_with_one_of(&[0, 1]);
    assert!(trace.contains("fsync("), "{trace}");
    let end = End::of(scenario);
    let gone = at_risk(laptop, &trace);
    cut_off(&gone);
    let when = format!("without what was in {gone:#?}");
    is_usable(laptop, &when);
    assert_eq!(End::of(scenario), end, "{when}");
    laptop.sync([]).exits_with_one_of(&[0, 1]);
    assert_eq!(End::of(scenario), end, "{when}");
    is_free(laptop, &when);
}

#[test]
fn a_cut_after_a_commit_costs_nothing() {
    survives_a_cut(&scenario::changes_here());
}

#[test]
fn a_cut_after_changes_of_both_sides_costs_nothing() {
    survives_a_cut(&scenario::both_sides());
}

#[test]
fn a_cut_after_a_decision_costs_nothing() {
    survives_a_cut(&scenario::take_theirs());
}

#[test]
fn a_cut_after_a_force_pull_costs_nothing() {
    survives_a_cut(&scenario::force_pull());
}

#[test]
fn a_cut_after_a_first_sync_costs_nothing() {
    survives_a_cut(&scenario::first_sync());
}

/// Git flushes no settings of its own accord.
#[test]
fn a_cut_after_a_set_up_costs_nothing() {
    survives_a_cut(&scenario::set_up());
}

#[test]
fn a_write_that_was_cut_off_is_what_it_was_given() {
    for (call, line, bytes) in [
        ("write", "7 write(6</a/b>, \"\"..., 131) = 17", 17),
        ("write", "7 write(6</a/b>, \"\"..., 131", 131),
        ("write", "7 write(6</a/b>, \"\"..., 131) = ?", 131),
        ("pwrite64", "7 pwrite64(6</a/b>, \"\"..., 131, 4096", 131),
        ("ftruncate", "7 ftruncate(6</a/b>, 5) = 0", u64::MAX),
        (
            "copy_file_range",
            "7 copy_file_range(5</a>, NULL, 6</b>",
            u64::MAX,
        ),
    ] {
        assert_eq!(written(call, line), bytes, "{line}");
    }
}
