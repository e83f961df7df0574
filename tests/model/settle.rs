//! The end of a program: everybody is online, syncs, and decides what is held. Then all are the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::invariants::{Violation, tip};
use super::memory::{self, Word};
use super::names::Name;
use super::program::{Line, Move, Side};
use super::told;
use super::world::World;
use crate::support::Machine;

/// So many rounds may it take until nobody has anything left to do: a decision travels to each machine,
/// where it may meet another one.
const ROUNDS: usize = 10;

/// From this round on everybody gives way.
const TIRED: usize = 4;

/// Brings a program to its end, and looks whether it ends well.
pub(super) fn settle(world: &mut World) -> Result<(), Violation> {
    for who in 0..world.people.len() {
        world.connect(who);
    }
    for round in 0..ROUNDS {
        let mut is_calm = true;
        for who in 0..world.people.len() {
            is_calm &= decide(world, who, round)?;
        }
        if is_calm {
            return ends_well(world);
        }
    }
    let scenes: String = world
        .people
        .iter()
        .map(|person| person.machine.scenery())
        .collect();
    Err(Violation::new(
        "all come to the same",
        format!("not after {ROUNDS} rounds\n{scenes}"),
    ))
}

/// Syncs a machine, and decides what it has to say; was there nothing to do?
fn decide(world: &mut World, who: usize, round: usize) -> Result<bool, Violation> {
    let report = world.run(who, Line::Sync)?;
    let json = report.json().unwrap_or_default();
    for mark in told::unmended(&json) {
        mend(world, who, round, mark)?;
    }
    if !told::held(&json).is_empty() {
        let side = if round < TIRED && (who + round).is_multiple_of(2) {
            Side::Ours
        } else {
            Side::Theirs
        };
        world.run(who, Line::Resolve(side, None))?;
    }
    let is_idle = json["steps"].as_array().is_some_and(Vec::is_empty);
    Ok(report.output.code() == 0 && is_idle)
}

/// Does what the person of a machine would do about a mark that is left.
fn mend(world: &mut World, who: usize, round: usize, mark: &Value) -> Result<(), Violation> {
    if ["ask", "merge"]
        .iter()
        .any(|action| mark["action"] == *action)
    {
        return world.run(who, Line::Repair).map(drop);
    }
    let path = told::path(&mark["path"]).unwrap_or_default();
    let word = path.to_string_lossy();
    let name = Name::parse(word.trim_end_matches('/'));
    let name = name
        .ok_or_else(|| Violation::new("all come to the same", format!("whose mark is {mark}?")))?;
    if round < TIRED {
        let gone = world.people[who].machine.home().join(name.path());
        let is_there = gone.symlink_metadata().is_ok();
        if is_there {
            world.play(who + 1, Move::Delete(name))?;
        }
        return world.run(who, Line::Mark(name, false)).map(drop);
    }
    world.run(who, Line::Unmark(name)).map(drop)
}

/// Everybody has the same, and nothing is left of the way there.
fn ends_well(world: &World) -> Result<(), Violation> {
    let there = tip(&world.people[0].machine, world.remote.path());
    for person in &world.people {
        let machine = &person.machine;
        let wrong = |what: &str| {
            let scene = machine.scenery();
            Violation::new(
                "all come to the same",
                format!("{}: {what}\n{scene}", machine.name()),
            )
        };
        if tip(machine, &machine.git_dir()) != there {
            return Err(wrong("its branch is not where the remote's is"));
        }
        if !machine.git(["status", "--porcelain"]).is_empty() {
            return Err(wrong("it has uncommitted changes"));
        }
        let own = machine.git_dir().join("sync");
        let left: Vec<_> = ["journal", "stage", "tmp", "adopting"]
            .into_iter()
            .filter(|name| own.join(name).exists())
            .collect();
        if !left.is_empty() {
            return Err(wrong(&format!("{left:?} stay behind")));
        }
        let fsck = machine.try_git(["fsck", "--strict", "--no-dangling"]);
        if fsck.code() != 0 {
            return Err(Violation::new("git works", fsck.scene()));
        }
        marks_are_here(world, machine.home()).map_err(|what| wrong(&what))?;
    }
    world.remote.git(["fsck", "--strict", "--no-dangling"]);
    Ok(())
}

/// What is marked is the same here as on the first machine.
fn marks_are_here(world: &World, home: &Path) -> Result<(), String> {
    let first = &world.people[0].machine;
    for mark in marked(first) {
        let [there, here] = [first.home(), home].map(|home| seen(&home.join(&mark)));
        if here != there || here.is_none() {
            return Err(format!("{mark} is not the same on {}", first.name()));
        }
    }
    Ok(())
}

/// What is marked, as paths below the home.
pub(super) fn marked(machine: &Machine) -> Vec<String> {
    let list = fs::read_to_string(machine.path(".sync/marked-files.txt")).unwrap_or_default();
    let marks = list.lines().filter_map(|line| line.split_once("~/"));
    marks.map(|(_, path)| path.to_owned()).collect()
}

/// What a program that opens a path finds there: a file, or the contents of a folder; `None` where nothing is.
pub(super) fn seen(path: &Path) -> Option<(Option<Vec<u8>>, BTreeSet<Word>)> {
    path.exists()
        .then(|| (fs::read(path).ok(), memory::below(path)))
}
