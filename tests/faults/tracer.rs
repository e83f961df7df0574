//! Runs the program under strace: counts what it and its children change, and stops it there.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::{DEADLINE, Machine, Output, Running, wait_for_quiet};

/// The calls that change names, modes or what is on the disk; `?` passes over what a system lacks.
const CHANGES: &str = "?rename,?renameat,renameat2,?link,linkat,?unlink,unlinkat,?mkdir,mkdirat,\
                       ?rmdir,?symlink,symlinkat,fsync,ftruncate,?chmod,fchmod,fchmodat,\
                       copy_file_range";

/// The calls that need room on the disk.
const ROOM: &str = "write,pwrite64,?mkdir,mkdirat,?link,linkat,?symlink,symlinkat,copy_file_range";

/// Every change waits so long, in microseconds: the run is stopped before the next one.
const PAUSE: u32 = 3000;

/// How a run that was watched came out.
pub(super) struct Watched {
    /// How many changes it made.
    pub(super) changes: usize,
    /// Was it stopped?
    pub(super) stopped: bool,
    /// The last change, in strace's words.
    pub(super) last: String,
}

/// Runs `git sync WORDS…` and stops it, with all that it has started, after `point` changes.
#[track_caller]
pub(super) fn stopped_after(machine: &Machine, words: &[&str], point: usize) -> Watched {
    stopped(machine, &[&["git-sync"], words].concat(), point)
}

/// The same for any command line.
#[track_caller]
pub(super) fn stopped(machine: &Machine, line: &[&str], point: usize) -> Watched {
    let trace = trace_file(machine);
    let mut command = machine.command("strace");
    command
        .args(["-f", "-q", "-s", "0", "-e", "signal=none"])
        .args(["-e", &format!("trace={CHANGES}")])
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
        if lines.changes() >= point {
            running.signal_all(rustix::process::Signal::KILL);
            stopped = true;
            break;
        }
        if ended {
            break;
        }
        std::thread::sleep(Duration::from_micros(300));
    }
    // How it ends is not its own choice.
    drop(running.finish());
    wait_for_quiet(machine);
    lines.read_on();
    Watched {
        changes: lines.changes(),
        stopped,
        last: lines.last(),
    }
}

/// Runs `git sync WORDS…` to its end and counts its changes.
#[track_caller]
pub(super) fn counted(machine: &Machine, words: &[&str]) -> Watched {
    stopped_after(machine, words, usize::MAX)
}

/// Runs `git sync WORDS…`; whoever touches `path` in git's folder with one of `calls` is killed, and
/// nobody else.
#[track_caller]
pub(super) fn one_killed_at(machine: &Machine, words: &[&str], path: &str, calls: &str) -> Output {
    let mut command = machine.command("strace");
    command
        .args(["-f", "-q", "-o", "/dev/null"])
        .args(["-P", &format!(".git/{path}"), "-P"])
        .arg(machine.git_dir().join(path))
        .args(["-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:signal=KILL:when=1")])
        .arg("git-sync")
        .args(words);
    let output = machine.run(command);
    wait_for_quiet(machine);
    output
}

/// Runs `git sync WORDS…` on a disk that is full for each process from its call number `point` on.
#[track_caller]
pub(super) fn starved_from(machine: &Machine, words: &[&str], point: usize) -> Output {
    failing_from(machine, words, (ROOM, "ENOSPC"), point)
}

/// The same where nobody may change anything from then on.
#[track_caller]
pub(super) fn refused_from(machine: &Machine, words: &[&str], point: usize) -> Output {
    failing_from(machine, words, (CHANGES, "EACCES"), point)
}

#[track_caller]
fn failing_from(
    machine: &Machine,
    words: &[&str],
    (calls, error): (&str, &str),
    point: usize,
) -> Output {
    let mut command = machine.command("strace");
    command
        .args(["-f", "-q", "-o", "/dev/null"])
        .args(["-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:error={error}:when={point}+")])
        .arg("git-sync")
        .args(words);
    let output = machine.run(command);
    wait_for_quiet(machine);
    output
}

/// Runs `git sync WORDS…`; write number `write` of each thread says that it has taken a byte, and has not.
#[track_caller]
pub(super) fn deceived_at(machine: &Machine, words: &[&str], write: usize) -> Output {
    let mut command = machine.command("strace");
    command
        .args(["-f", "-q", "-o", "/dev/null", "-e", "trace=write"])
        .args(["-e", &format!("inject=write:retval=1:when={write}")])
        .arg("git-sync")
        .args(words);
    let output = machine.run(command);
    wait_for_quiet(machine);
    output
}

/// Runs `git sync WORDS…` to its end and writes down every write, flush and rename.
#[track_caller]
pub(super) fn recorded(machine: &Machine, words: &[&str]) -> (Output, String) {
    let trace = trace_file(machine);
    let calls = format!("{CHANGES},write,pwrite64,writev,fdatasync,syncfs,?sync,sendfile");
    let mut command = machine.command("strace");
    command
        .args(["-f", "-q", "-y", "-s", "4096", "-e", "signal=none"])
        .args(["-e", &format!("trace={calls}")])
        .arg("-o")
        .arg(&trace)
        .arg("git-sync")
        .args(words);
    let output = machine.run(command);
    wait_for_quiet(machine);
    let text = std::fs::read(&trace).expect("strace wrote it");
    (output, String::from_utf8_lossy(&text).into_owned())
}

fn trace_file(machine: &Machine) -> PathBuf {
    let path = machine.home().join("trace");
    File::create(&path).expect("own home");
    path
}

/// A trace that is read while it grows.
struct Lines {
    file: File,
    text: Vec<u8>,
}

impl Lines {
    fn of(path: &Path) -> Self {
        Self {
            file: File::open(path).expect("just made"),
            text: Vec::new(),
        }
    }

    fn read_on(&mut self) {
        self.file.read_to_end(&mut self.text).expect("own file");
    }

    fn all(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        let whole = self.text.split_inclusive(|byte| *byte == b'\n');
        whole.filter(|line| line.ends_with(b"\n") && line.contains(&b'(') && !line.contains(&b'?'))
    }

    fn changes(&self) -> usize {
        self.all().count()
    }

    fn last(&self) -> String {
        let last = self.all().next_back().unwrap_or_default();
        String::from_utf8_lossy(last).trim().to_owned()
    }
}
