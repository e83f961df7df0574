//! What must hold after each run of the program, whatever happened before.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::Path;

use super::live::Live;
use super::memory::{self, Word, words};
use super::program::Line;
use super::runs::Report;
use super::settle;
use super::told::{held, left};
use super::world::World;
use crate::support::Machine;

/// What does not hold.
#[derive(Debug)]
pub(super) struct Violation {
    /// Which rule.
    pub(super) rule: &'static str,
    what: String,
}

impl Violation {
    /// This rule is broken, in these words.
    pub(super) fn new(rule: &'static str, what: impl Into<String>) -> Self {
        Self {
            rule,
            what: what.into(),
        }
    }
}

impl Display for Violation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "violated: {}\n{}", self.rule, self.what)
    }
}

/// Looks at everything that runs may have changed. Those of several machines at once come together.
pub(super) fn after(world: &mut World, reports: &[Report]) -> Result<(), Violation> {
    let whose: BTreeSet<_> = reports.iter().map(|report| report.who).collect();
    let mut before = Vec::new();
    for who in whose {
        let person = &mut world.people[who];
        let now = Live::of(&person.machine);
        before.push((who, std::mem::replace(&mut person.live, now)));
        world
            .memory
            .look(&person.machine, &person.machine.git_dir());
    }
    let asker = &world.people[reports[0].who].machine;
    world.memory.look(asker, world.remote.path());
    for report in reports {
        ends_as_documented(report)?;
        tells_the_truth(world, report)?;
    }
    for (who, before) in &before {
        let theirs: Vec<_> = reports.iter().filter(|report| report.who == *who).collect();
        nothing_is_lost(world, *who, before, &theirs)?;
        nothing_is_half_done(world, *who, &theirs)?;
        if let [report] = &*theirs {
            what_is_held_stays(world, before, report)?;
            nobody_decides_unasked(world, before, report)?;
            marks_are_mended(world, report)?;
            what_was_seen_is_committed(world, report)?;
        }
        world.people[*who].ran(&theirs);
    }
    refs_keep_what_they_kept(world, reports)?;
    world.memory.keep(world.step);
    for report in reports {
        world.tally.count(report);
    }
    Ok(())
}

/// The exit code is one that the manual has for it.
fn ends_as_documented(report: &Report) -> Result<(), Violation> {
    let code = report.output.code();
    let expected: &[i32] = match report.line {
        _ if report.is_dead => &[0, 1, 3, 137],
        Line::Sync if !report.is_alone => &[0, 1, 3, 4],
        Line::Sync if !report.is_online => &[3],
        Line::Sync | Line::Mark(..) | Line::Unmark(_) | Line::Repair | Line::Restore(_) => &[0, 1],
        Line::Background | Line::Status | Line::Backup => &[0],
        Line::Resolve(..) | Line::ForcePull | Line::ForcePush => &[0, 1, 3],
    };
    if !expected.contains(&code) || report.output.stderr().contains("panicked") {
        return Err(Violation::new(
            "it ends as documented",
            report.output.scene(),
        ));
    }
    Ok(())
}

/// A sync that does not do all says why, one that says it did has done it, and the state says the same.
fn tells_the_truth(world: &World, report: &Report) -> Result<(), Violation> {
    let is_plain = report.line == Line::Sync && !report.is_dead;
    if !is_plain || report.output.code() == 4 {
        return Ok(());
    }
    let wrong = |what: &str| {
        Violation::new(
            "no machine is stuck",
            format!("{what}\n{}", report.output.scene()),
        )
    };
    let json = report.json().ok_or_else(|| wrong("it says nothing"))?;
    if !json["error"].is_null() {
        return Err(wrong("it failed"));
    }
    let is_left = !held(&json).is_empty() || !left(&json).is_empty();
    match report.output.code() {
        0 if is_left => return Err(wrong("something is left, and it ends with 0")),
        1 if !is_left => return Err(wrong("nothing is left, and it ends with 1")),
        _ => {}
    }
    let machine = &world.people[report.who].machine;
    if !report.is_alone || report.saved.is_some() {
        return Ok(());
    }
    if report.is_online && tip(machine, &machine.git_dir()) != tip(machine, world.remote.path()) {
        return Err(wrong("the remote is somewhere else"));
    }
    let state = machine.state();
    let count = held(&json).len();
    let expected = match report.output.code() {
        0 => "synced",
        _ if count > 0 => "held",
        _ => json["state"].as_str().unwrap_or_default(),
    };
    if state.word != expected || state.held != count as u64 {
        return Err(wrong(&format!("the state is {state:?}")));
    }
    let icon = machine.read(".sync/sync-status");
    if icon.trim_end() != json["icon"] || json["state"] != expected {
        return Err(wrong(&format!("the icon is {icon}")));
    }
    Ok(())
}

/// What was in a file before a run is somewhere after it.
fn nothing_is_lost(
    world: &mut World,
    who: usize,
    before: &Live,
    reports: &[&Report],
) -> Result<(), Violation> {
    let person = &world.people[who];
    let machine = &person.machine;
    let saved: Vec<_> = reports.iter().filter_map(|report| report.saved).collect();
    let mut precious = before.words();
    precious.extend(&person.staged);
    precious.extend(&person.in_danger);
    for (word, name) in saved {
        // What was overwritten by the one who saved, if nothing had seen it yet.
        let path = name.below(Path::new(""), Path::new("configs"));
        for gone in words(before.read(&path)) {
            precious.remove(&gone);
        }
        precious.insert(word);
    }
    let live = person.live.words();
    let is_gone = |word: &Word| !live.contains(word) && !world.memory.is_in_a_ref(*word);
    let mut gone: BTreeSet<_> = precious.into_iter().filter(is_gone).collect();
    let own = machine.git_dir().join("sync");
    let mut in_danger = BTreeSet::new();
    if !gone.is_empty() {
        let aside = memory::below(&own.join("rescued"));
        gone.retain(|word| !aside.contains(word));
    }
    if !gone.is_empty() && reports.iter().any(|report| report.is_dead) {
        // The next run brings it back.
        in_danger = memory::below(&own.join("stage"));
        in_danger.extend(memory::below(&own.join("adopting")));
        in_danger.retain(|word| gone.contains(word));
        gone.retain(|word| !in_danger.contains(word));
    }
    if !gone.is_empty() {
        let staged = memory::staged(machine);
        gone.retain(|word| !staged.contains(word));
    }
    if !gone.is_empty() {
        let backed_up = memory::backed_up(machine);
        gone.retain(|word| !backed_up.contains(word));
    }
    if !gone.is_empty() {
        let gone: Vec<_> = gone
            .into_iter()
            .map(|word| world.memory.tell(word))
            .collect();
        let scenes: String = reports.iter().map(|report| report.output.scene()).collect();
        return Err(Violation::new(
            "nothing is lost",
            format!("{}\n{scenes}", gone.join("\n")),
        ));
    }
    world.people[who].in_danger = in_danger;
    Ok(())
}

/// No live file has a conflict marker; nothing of git's waits for the user, and nothing of ours stays.
fn nothing_is_half_done(world: &World, who: usize, reports: &[&Report]) -> Result<(), Violation> {
    let person = &world.people[who];
    let scene = || {
        reports
            .iter()
            .map(|report| report.output.scene())
            .collect::<String>()
    };
    let marked = person.live.marked();
    if !marked.is_empty() {
        return Err(Violation::new(
            "no markers",
            format!("{marked:?}\n{}", scene()),
        ));
    }
    if reports.iter().any(|report| report.is_dead) {
        let fsck = person.machine.try_git(["fsck", "--no-dangling"]);
        if fsck.code() != 0 {
            return Err(Violation::new(
                "git works",
                format!("{}\n{}", fsck.scene(), scene()),
            ));
        }
        return Ok(());
    }
    let mut half_done = person.machine.half_done();
    let left = person.live.leftovers();
    if person.is_dead && !reports.iter().any(|report| report.is_done()) {
        // Locks of a run that was killed go with the next sync.
        half_done.retain(|path| path.extension().is_none_or(|end| end != "lock"));
    }
    if !half_done.is_empty() || !left.is_empty() {
        return Err(Violation::new(
            "nothing is half done",
            format!("{half_done:?} {left:?}\n{}", scene()),
        ));
    }
    Ok(())
}

/// The live file of a path that is held is what it was before the sync.
fn what_is_held_stays(world: &World, before: &Live, report: &Report) -> Result<(), Violation> {
    let json = report
        .json()
        .filter(|_| report.line == Line::Sync && !report.is_dead);
    let Some(json) = json else {
        return Ok(());
    };
    let now = &world.people[report.who].live;
    // The list of marks is kept by the program: a mark whose copy is gone goes from it, also while it is held.
    let ours = [".sync/marked-files.txt", ".sync/modes"];
    let held = held(&json).into_iter();
    for path in held.filter(|path| !ours.iter().any(|ours| path == Path::new(ours))) {
        let is_saved = report.saved.is_some_and(|(_, name)| {
            let saved = name.below(Path::new("external"), Path::new(""));
            saved.starts_with(&path) || path.starts_with(&saved)
        });
        if !is_saved && before.at(&path) != now.at(&path) {
            let what = format!(
                "{} was {:?}\nand is {:?}",
                path.display(),
                before.at(&path),
                now.at(&path)
            );
            return Err(Violation::new(
                "what is held stays",
                format!("{what}\n{}", report.output.scene()),
            ));
        }
    }
    Ok(())
}

/// What a sync takes out of a live file was taken out by somebody who had it: the history of the branch has it.
/// Only a policy decides otherwise, and a history that was rewritten.
fn nobody_decides_unasked(world: &World, before: &Live, report: &Report) -> Result<(), Violation> {
    let json = report
        .json()
        .filter(|_| report.line == Line::Sync && !report.is_dead);
    let Some(json) = json else {
        return Ok(());
    };
    let settled = json["settled"].as_array().into_iter().flatten();
    let unasked = settled.clone().any(|settled| settled["policy"] == "hold");
    let wrong = |what: String| {
        let scene = report.output.scene();
        Violation::new("nobody decides unasked", format!("{what}\n{scene}"))
    };
    if unasked {
        return Err(wrong("no policy says so".to_owned()));
    }
    if settled.count() > 0 || !json["kept"].is_null() || report.saved.is_some() {
        return Ok(());
    }
    let person = &world.people[report.who];
    if person.is_dead {
        // What a run that died had brought half way is taken back first.
        return Ok(());
    }
    let gone: BTreeSet<_> = before
        .words_in_sight()
        .difference(&person.live.words())
        .copied()
        .collect();
    if gone.is_empty() {
        return Ok(());
    }
    let gone = world.memory.not_in_history(&person.machine, &gone);
    if gone.is_empty() {
        return Ok(());
    }
    let gone: Vec<_> = gone
        .into_iter()
        .map(|word| world.memory.tell(word))
        .collect();
    Err(wrong(gone.join("\n")))
}

/// Where a sync has nothing to say, each marked path is what the repository has of it.
fn marks_are_mended(world: &World, report: &Report) -> Result<(), Violation> {
    let is_well = report.line == Line::Sync && report.is_done() && report.output.code() == 0;
    if !is_well || report.saved.is_some() {
        return Ok(());
    }
    let machine = &world.people[report.who].machine;
    let bad = settle::marked(machine).into_iter().find(|mark| {
        let copy = machine.path("external").join(mark);
        settle::seen(&machine.home().join(mark)) != settle::seen(&copy)
    });
    match bad {
        None => Ok(()),
        Some(mark) => {
            let what = format!(
                "{mark} is not what the repository has\n{}",
                report.output.scene()
            );
            Err(Violation::new("marks are mended", what))
        }
    }
}

/// After a sync, what the live files have is in a commit, but for what is held, skipped or ignored.
fn what_was_seen_is_committed(world: &World, report: &Report) -> Result<(), Violation> {
    let json = report
        .json()
        .filter(|json| !report.is_dead && json["error"].is_null());
    let Some(json) = json else {
        return Ok(());
    };
    let mut apart = held(&json);
    apart.extend(left(&json));
    let counts = |path: &Path| {
        let is_apart = apart
            .iter()
            .any(|apart| path.starts_with(apart) || apart.starts_with(path));
        // `*.local` is ignored, and what is in a folder of that name.
        let mut parts = path.ancestors();
        !is_apart && parts.all(|part| part.extension().is_none_or(|end| end != "local"))
    };
    let person = &world.people[report.who];
    let git_dir = person.machine.git_dir();
    let saved = report.saved.map(|(word, _)| word);
    let mut unseen = person.live.committable(counts);
    let unseen =
        unseen.find(|(word, _)| Some(*word) != saved && !world.memory.is_in(&git_dir, *word));
    if let Some((word, path)) = unseen {
        let what = format!("{} in {}", world.memory.tell(word), path.display());
        return Err(Violation::new(
            "what was seen is committed",
            format!("{what}\n{}", report.output.scene()),
        ));
    }
    Ok(())
}

/// What a ref has kept once is kept by a ref, or put aside.
fn refs_keep_what_they_kept(world: &World, reports: &[Report]) -> Result<(), Violation> {
    let mut forgotten = world.memory.forgotten();
    if !forgotten.is_empty() {
        let folders = world
            .people
            .iter()
            .map(|person| person.machine.git_dir().join("sync/rescued"));
        let aside: BTreeSet<_> = folders.flat_map(|folder| memory::below(&folder)).collect();
        forgotten.retain(|word| !aside.contains(word));
    }
    if forgotten.is_empty() {
        return Ok(());
    }
    let told: Vec<_> = forgotten
        .into_iter()
        .map(|word| world.memory.tell(word))
        .collect();
    let scenes: String = reports.iter().map(|report| report.output.scene()).collect();
    Err(Violation::new(
        "refs keep what they kept",
        format!("{}\n{scenes}", told.join("\n")),
    ))
}

/// Where a repository's branch is.
pub(super) fn tip(machine: &Machine, repository: &Path) -> String {
    fs::read_to_string(repository.join("refs/heads/main")).unwrap_or_else(|_| {
        let mut git = machine.command("git");
        git.env("GIT_DIR", repository)
            .args(["rev-parse", "refs/heads/main"]);
        machine.run(git).stdout()
    })
}
