//! Runs the program under strace: counts what it and its children change, and stops it there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::scenario::SYNC;
use crate::support::{DEADLINE, Machine, Output, Running, wait_for_quiet};

/// The calls that change names, modes or what is on the disk; `?` passes over what a system lacks.
pub(super) const CHANGES: &str = "?rename,?renameat,renameat2,?link,linkat,?unlink,unlinkat,?mkdir,mkdirat,\
                       ?rmdir,?symlink,symlinkat,fsync,ftruncate,?chmod,fchmod,fchmodat,\
                       copy_file_range";

/// Other calls that tell what is on the disk.
const WRITES: &str = "write,pwrite64,writev,fdatasync,syncfs,?sync,sendfile";

/// The calls that find out what is there; those by which a program itself is loaded are among them.
pub(super) const LOOKS: &str =
    "read,pread64,getdents64,?stat,?lstat,newfstatat,statx,?readlink,readlinkat";

/// Every change waits so long, in microseconds: the run is stopped before the next one.
const PAUSE: u32 = 400;

/// How a run that was watched came out.
pub(super) struct Watched {
    /// How many changes it made.
    pub(super) changes: usize,
    /// Was it stopped?
    pub(super) stopped: bool,
    /// The last change, in strace's words.
    pub(super) last: String,
    /// All changes and writes.
    pub(super) trace: String,
}

/// Runs a command line and stops it, with all that it has started, after `point` changes.
#[track_caller]
pub(super) fn stopped(machine: &Machine, line: &[&str], point: usize) -> Watched {
    let trace = trace_file(machine);
    let mut command = strace(machine);
    command
        .args(["-y", "-s", "0", "-e", "signal=none"])
        .args(["-e", &format!("trace={CHANGES},{WRITES}")])
        .args(["-e", &format!("inject={CHANGES}:delay_enter={PAUSE}")])
        .arg("-o")
        .arg(&trace)
        .args(line);
    let running = Running::start(machine, command);
    let mut lines = Lines::of(&trace);
    let deadline = Instant::now() + DEADLINE;
    let mut stopped = false;
    let alive = || Path::new(&format!("/proc/{}/fd/1", running.pid())).exists();
    while Instant::now() < deadline {
        let ended = !alive();
        lines.read_on();
        if lines.changes >= point {
            running.signal_all(rustix::process::Signal::KILL);
            stopped = true;
            break;
        }
        if ended {
            break;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    // How it ends is not its own choice.
    drop(running.finish());
    wait_for_quiet(machine);
    lines.read_on();
    Watched {
        changes: lines.changes,
        stopped,
        last: lines.last,
        trace: String::from_utf8_lossy(&lines.text).into_owned(),
    }
}

/// Runs a command line in which some calls go another way: `calls` in strace's words, and what is done to
/// them.
#[track_caller]
pub(super) fn injected(machine: &Machine, line: &[&str], calls: &str, what: &str) -> Output {
    injected_at(machine, line, &[], calls, what)
}

/// Runs a sync; whoever touches `path` in git's folder with one of `calls` is killed, and nobody else.
#[track_caller]
pub(super) fn one_killed_at(machine: &Machine, path: &str, calls: &str) -> Output {
    let paths = [
        PathBuf::from(".git").join(path),
        machine.git_dir().join(path),
    ];
    injected_at(machine, SYNC, &paths, calls, "signal=KILL:when=1")
}

/// The calls that look at something by its name.
pub(super) const NAMED_LOOKS: &str = "?stat,?lstat,statx,?readlink,readlinkat";

/// Runs a command line, each thread of which cannot look at `path` one time: the `nth` at which it does so by one of
/// `calls`.
#[track_caller]
pub(super) fn blind_at(
    machine: &Machine,
    line: &[&str],
    path: PathBuf,
    calls: &str,
    nth: usize,
) -> Output {
    let what = format!("error=EIO:when={nth}");
    injected_at(machine, line, &[path], calls, &what)
}

#[track_caller]
fn injected_at(
    machine: &Machine,
    line: &[&str],
    paths: &[PathBuf],
    calls: &str,
    what: &str,
) -> Output {
    let mut command = strace(machine);
    command.args(["-o", "/dev/null"]);
    for path in paths {
        command.arg("-P").arg(path);
    }
    command
        .args(["-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:{what}")])
        .args(line);
    let output = machine.run(command);
    wait_for_quiet(machine);
    output
}

/// Runs a command line to its end; how many of `calls` that one of its threads made which made most.
#[track_caller]
pub(super) fn most_calls(machine: &Machine, line: &[&str], calls: &str) -> usize {
    let trace = trace_file(machine);
    let mut command = strace(machine);
    command
        .args(["-s", "0", "-e", "signal=none"])
        .args(["-e", &format!("trace={calls}")])
        .arg("-o")
        .arg(&trace)
        .args(line);
    drop(machine.run(command));
    wait_for_quiet(machine);
    let text = std::fs::read(&trace).expect("strace wrote it");
    let mut counts = BTreeMap::<&[u8], usize>::new();
    let begun = |line: &&[u8]| line.contains(&b'(');
    for line in text.split(|byte| *byte == b'\n').filter(begun) {
        let thread = line.split(|byte| *byte == b' ').next();
        *counts.entry(thread.unwrap_or_default()).or_default() += 1;
    }
    counts.into_values().max().unwrap_or_default()
}

/// Runs a command line to its end and writes down every write, flush and rename.
#[track_caller]
pub(super) fn recorded(machine: &Machine, line: &[&str]) -> (Output, String) {
    let trace = trace_file(machine);
    let calls = format!("{CHANGES},{WRITES}");
    let mut command = strace(machine);
    command
        .args(["-y", "-s", "4096", "-e", "signal=none"])
        .args(["-e", &format!("trace={calls}")])
        .arg("-o")
        .arg(&trace)
        .args(line);
    let output = machine.run(command);
    wait_for_quiet(machine);
    let text = std::fs::read(&trace).expect("strace wrote it");
    (output, String::from_utf8_lossy(&text).into_owned())
}

/// The tracer, with what it follows on one processor: they wait for each other at every step, and it takes four
/// times as long where each wakes another processor up. Only the calls that are asked for stop the run.
fn strace(machine: &Machine) -> Command {
    let mut command = machine.command("taskset");
    let processor = processor_of_this_thread();
    command.args(["-c", &processor, "strace", "-f", "--seccomp-bpf", "-q"]);
    command
}

/// Field 39 of `proc_pid_stat(5)`; the second is a name in parentheses, with any characters.
fn processor_of_this_thread() -> String {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("this test needs /proc");
    let after_the_name = stat.rsplit(')').next().unwrap_or_default();
    let field = after_the_name.split_whitespace().nth(36);
    field.expect("39 fields").to_owned()
}

/// Beside the homes, where no scene looks for files.
fn trace_file(machine: &Machine) -> PathBuf {
    let path = machine.world().join("trace");
    File::create(&path).expect("own folder");
    path
}

/// A trace that is read while it grows. It is read often, and in between the run waits: each line is looked at
/// once.
struct Lines {
    file: File,
    text: Vec<u8>,
    /// So far it has been looked at.
    seen: usize,
    changes: usize,
    last: String,
}

impl Lines {
    fn of(path: &Path) -> Self {
        Self {
            file: File::open(path).expect("just made"),
            text: Vec::new(),
            seen: 0,
            changes: 0,
            last: String::new(),
        }
    }

    /// Reads what has been added. A change was made to wait, and is written down when it is done.
    fn read_on(&mut self) {
        self.file.read_to_end(&mut self.text).expect("own file");
        while let Some(line) = line_at(&self.text, self.seen) {
            self.seen += line.len() + 1;
            if line.ends_with(b"(DELAYED)") {
                self.changes += 1;
                self.last = String::from_utf8_lossy(line).trim().to_owned();
            }
        }
    }
}

/// The whole line that begins there.
fn line_at(text: &[u8], start: usize) -> Option<&[u8]> {
    let rest = text.get(start..)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    rest.get(..end)
}
