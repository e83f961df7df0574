//! Running the program: in peace, killed, while somebody saves a file, and several at once.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::memory::{self, Word};
use super::names::Name;
use super::program::{Death, Line};
use super::world::World;
use crate::support::{Machine, Output, Running, wait_for_quiet};

/// Stands in front of git: counts how often it is started, and does something before the nth time.
const SHIM: &str = "#!/bin/sh
n=0
[ ! -e \"$MODEL_COUNT\" ] || read -r n <\"$MODEL_COUNT\"
n=$((n + 1))
echo \"$n\" >\"$MODEL_COUNT\"
if [ \"$n\" = \"$MODEL_POINT\" ]; then eval \"$MODEL_DEED\"; fi
exec REAL \"$@\"
";

/// The changes of the file system after which a run may die.
const CHANGES: &str = "?rename,?renameat,renameat2,?link,linkat,?unlink,unlinkat,?mkdir,mkdirat,\
                       ?symlink,symlinkat,fsync,?chmod,fchmod,fchmodat";

/// What a run did.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) who: usize,
    pub(super) line: Line,
    pub(super) output: Output,
    /// Was it killed?
    pub(super) is_dead: bool,
    /// Were there others at the same time?
    pub(super) is_alone: bool,
    /// Was the remote there?
    pub(super) is_online: bool,
    /// What was saved meanwhile, and where.
    pub(super) saved: Option<(Word, Name)>,
}

impl Report {
    /// Was it a sync that came to its end?
    pub(super) fn is_done(&self) -> bool {
        !self.is_dead && self.json().is_some_and(|json| json["error"].is_null())
    }

    /// What it says of itself; `None` where that is no sync.
    pub(super) fn json(&self) -> Option<Value> {
        let is_sync = matches!(
            self.line,
            Line::Sync | Line::Resolve(..) | Line::ForcePull | Line::ForcePush
        );
        let json: Value = serde_json::from_slice(self.output.bytes())
            .ok()
            .filter(|_| is_sync)?;
        json.get("exit").is_some().then_some(json)
    }
}

/// Puts what the runs need into the folder of a world.
pub(super) fn install(root: &Path) {
    let shim = root.join("shim");
    fs::create_dir(&shim).expect("own folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).map(|folder| folder.join("git"));
    let git = folders.find(|git| git.is_file()).expect("git is installed");
    // Another process writes it: a child that is started meanwhile would have it open for writing.
    let written = Command::new("sh")
        .args(["-euc", "printf %s \"$1\" >\"$2\"; chmod 755 \"$2\"", "sh"])
        .arg(SHIM.replace("REAL", &git.display().to_string()))
        .arg(shim.join("git"))
        .status();
    assert!(
        written.is_ok_and(|status| status.success()),
        "the shim cannot be made"
    );
    let program = fs::metadata(shim.join("git")).expect("just made");
    assert!(program.permissions().mode() & 0o100 != 0);
}

/// Runs a line to its end.
pub(super) fn undisturbed(world: &mut World, who: usize, line: Line) -> Report {
    let machine = world.people[who].machine.clone();
    let output = Running::start(&machine, command(&machine, "git-sync", line)).finish();
    if line == Line::Background {
        wait_for_quiet(&machine);
    }
    report(world, who, line, output)
}

/// Runs a line, and kills it at a point, if it comes to that.
pub(super) fn killed(
    world: &mut World,
    who: usize,
    death: Death,
    point: usize,
    line: Line,
) -> Report {
    let machine = world.people[who].machine.clone();
    let (output, is_dead) = match death {
        Death::Git => {
            let with = before_git(
                world,
                &machine,
                point,
                ": >\"$MODEL_MET\"; kill -s KILL -- \"-$PPID\"",
            );
            let output = Running::start(&machine, command(&with.0, "git-sync", line)).finish();
            (output, with.1.exists())
        }
        Death::Change => {
            let mut strace = machine.command("strace");
            strace.args([
                "-q",
                "-o",
                "/dev/null",
                "-e",
                &format!("trace={CHANGES}"),
                "-e",
            ]);
            strace.arg(format!("inject={CHANGES}:signal=KILL:when={point}"));
            strace.arg("git-sync").args(words(&machine, line));
            let output = Running::start(&machine, strace).finish();
            let is_dead = output.code() == 137;
            (output, is_dead)
        }
    };
    // What it has started may go on for a moment.
    wait_for_quiet(&machine);
    Report {
        is_dead,
        ..report(world, who, line, output)
    }
}

/// A sync in which a file is saved before git is started for the nth time.
pub(super) fn disturbed(world: &mut World, who: usize, point: usize, name: Name) -> Report {
    let machine = world.people[who].machine.clone();
    let path = name.below(machine.home(), machine.root());
    let word = world.memory.word(&machine, name.word(), world.step);
    let new = world.root().join("saved");
    fs::write(&new, memory::line(word) + "\n").expect("own folder");
    let (new, to) = (new.display(), path.display());
    // A file or a link to one, or nothing: no folder, and no link that leads nowhere.
    let save = format!(
        "if [ -f '{to}' ] || ! [ -e '{to}' -o -h '{to}' ]; then cp '{new}' '{to}' && : >\"$MODEL_MET\"; fi"
    );
    let with = before_git(world, &machine, point, &save);
    let output = Running::start(&machine, command(&with.0, "git-sync", Line::Sync)).finish();
    let mut report = report(world, who, Line::Sync, output);
    report.saved = with.1.exists().then_some((word, name));
    report
}

/// Several syncs at once; a machine may be named more than once.
pub(super) fn at_once(world: &mut World, whose: &[usize]) -> Vec<Report> {
    let start = |who: &usize| {
        let machine = &world.people[*who].machine;
        (
            *who,
            Running::start(machine, command(machine, "git-sync", Line::Sync)),
        )
    };
    let running: Vec<_> = whose.iter().map(start).collect();
    let outputs: Vec<_> = running
        .into_iter()
        .map(|(who, run)| (who, run.finish()))
        .collect();
    let reports = outputs.into_iter().map(|(who, output)| {
        let is_alone = false;
        Report {
            is_alone,
            ..report(world, who, Line::Sync, output)
        }
    });
    reports.collect()
}

fn report(world: &mut World, who: usize, line: Line, output: Output) -> Report {
    world.tally.runs += 1;
    let said = format!(
        "{}{}[exit: {}]\n",
        output.stderr(),
        output.stdout(),
        output.code()
    );
    for part in said.lines() {
        let _ = writeln!(world.transcript, "    {part}");
    }
    let is_online = world.people[who].is_online();
    world.tally.offline += usize::from(!is_online);
    Report {
        who,
        line,
        output,
        is_dead: false,
        is_alone: true,
        is_online,
        saved: None,
    }
}

/// The machine with a git that does something before it is started for the nth time, and the file that
/// the deed makes, which tells whether it came to that.
fn before_git(world: &World, machine: &Machine, point: usize, deed: &str) -> (Machine, PathBuf) {
    let [count, met] = ["count", "met"].map(|name| world.root().join(name));
    drop(fs::remove_file(&count));
    drop(fs::remove_file(&met));
    let path = format!(
        "{}:{}",
        world.root().join("shim").display(),
        machine.path_variable()
    );
    let with = machine
        .with("PATH", path)
        .with("MODEL_COUNT", &count)
        .with("MODEL_MET", &met)
        .with("MODEL_POINT", point.to_string())
        .with("MODEL_DEED", deed);
    (with, met)
}

fn command(machine: &Machine, program: &str, line: Line) -> Command {
    let mut command = machine.command(program);
    command.args(words(machine, line));
    command
}

/// What is typed behind `git sync`.
fn words(machine: &Machine, line: Line) -> Vec<OsString> {
    let at = |name: Name| name.below(machine.home(), machine.root()).into_os_string();
    let (typed, path): (Vec<&str>, _) = match line {
        Line::Sync => (vec!["--json"], None),
        Line::Background => (vec!["--background"], None),
        Line::Status => (vec!["status", "--json"], None),
        Line::Mark(name, false) => (vec!["mark"], Some(at(name))),
        Line::Mark(name, true) => (vec!["mark", "--copy"], Some(at(name))),
        Line::Unmark(name) => (vec!["unmark"], Some(at(name))),
        Line::Repair => (vec!["mark", "--repair", "--yes"], None),
        Line::Resolve(side, name) => {
            // A marked file is held by its copy.
            let path = name.map(|name| {
                let top = if name.is_at_home() { "external" } else { "." };
                machine.path(top).join(name.path()).into_os_string()
            });
            (vec!["resolve", side.option(), "--json"], path)
        }
        Line::ForcePull => (vec!["--force-pull", "--yes", "--json"], None),
        Line::ForcePush => (vec!["--force-push", "--yes", "--json"], None),
        Line::Backup => (vec!["backup"], None),
        Line::Restore(name) => (vec!["restore", "latest", "--yes"], Some(at(name))),
    };
    let mut words: Vec<_> = typed.into_iter().map(OsString::from).collect();
    if let Some(path) = path {
        words.extend(["--".into(), path]);
    }
    words
}
