//! Runs a program: with words and not with a shell, with an end in time, and without a chance to
//! ask a question that nobody hears.

use crate::error::{Error, Kind, Result};
use crate::sys::interrupt;
use crate::sys::progress::{Counter, ERASE, UNSEEN};
use rustix::event::{PollFd, PollFlags};
use rustix::process::Signal;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use wait_timeout::ChildExt as _;

/// Where an output of a child goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// To us.
    Capture,
    /// To the terminal of the user.
    Inherit,
    /// To us, and to the terminal of the user as it comes.
    Both,
    /// To us, and its percentages to the terminal of the user, if it takes a while.
    Progress,
}

/// A program to be run.
#[derive(Debug, Clone)]
pub struct Process {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    cwd: Option<PathBuf>,
    stdin: Option<Vec<u8>>,
    counter: Option<Counter>,
    terminal: bool,
    stdout: Sink,
    stderr: Sink,
    held: Option<Arc<File>>,
    until: Option<Instant>,
    own_group: bool,
    grace: Duration,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    status: ExitStatus,
    /// What it printed, where that was captured.
    pub stdout: Vec<u8>,
    /// What it complained, where that was captured.
    pub stderr: Vec<u8>,
    /// Was it ended because its time was over?
    pub timed_out: bool,
}

impl Ended {
    /// Did it say that all is well?
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// Its exit code; `None` if a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// What it complained, as text.
    pub fn complaint(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().to_owned()
    }

    /// `exit status 1`, `signal 9`, `no end in time`.
    pub fn how(&self) -> String {
        match (self.timed_out, self.status.code(), self.status.signal()) {
            (true, ..) => "no end in time".to_owned(),
            (_, Some(code), _) => format!("exit status {code}"),
            (_, _, Some(signal)) => format!("signal {signal}"),
            _ => "no status".to_owned(),
        }
    }
}

impl Process {
    /// `program` without arguments, everything captured, no input.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            cwd: None,
            stdin: None,
            counter: None,
            terminal: false,
            stdout: Sink::Capture,
            stderr: Sink::Capture,
            held: None,
            until: None,
            own_group: false,
            grace: GRACE,
        }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable for the child.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env
            .push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Takes a variable away from the child.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), None));
        self
    }

    /// The folder to run in.
    #[must_use]
    pub fn cwd(mut self, cwd: impl AsRef<Path>) -> Self {
        self.cwd = Some(cwd.as_ref().to_owned());
        self
    }

    /// What it reads.
    #[must_use]
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = Some(bytes);
        self
    }

    /// Counts the records of its input, each with NUL at its end, as it takes them.
    #[must_use]
    pub fn counting(mut self, counter: Counter) -> Self {
        self.counter = Some(counter);
        self
    }

    /// Lets it talk with the user: input and both outputs are the terminal's.
    #[must_use]
    pub fn on_terminal(mut self) -> Self {
        self.terminal = true;
        self.stdout = Sink::Inherit;
        self.stderr = Sink::Inherit;
        self
    }

    /// Where its complaints go.
    #[must_use]
    pub fn stderr(mut self, sink: Sink) -> Self {
        self.stderr = sink;
        self
    }

    /// Lets it hold an open file for as long as it runs, also when we die before it. Its output goes
    /// there: only for a program that prints nothing.
    #[must_use]
    pub fn holding(mut self, file: Arc<File>) -> Self {
        self.held = Some(file);
        self
    }

    /// Ends it, and with it all that it started in [`Self::own_group`], at this moment.
    #[must_use]
    pub fn until(mut self, deadline: Option<Instant>) -> Self {
        self.until = deadline;
        self
    }

    /// Puts it in a process group of its own; a process of the terminal's foreground must stay
    /// where it is, or it could not ask for a passphrase.
    #[must_use]
    pub fn own_group(mut self, own: bool) -> Self {
        self.own_group = own;
        self
    }

    /// Gives it so long to end by itself once a signal has ended us.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    fn spawn(&self) -> Result<Child> {
        #[expect(clippy::disallowed_methods, reason = "this is the door")]
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        if self.own_group {
            command.process_group(0);
        }
        let output = |sink| {
            if sink == Sink::Inherit {
                Stdio::inherit()
            } else {
                Stdio::piped()
            }
        };
        command
            .stdin(match (&self.stdin, self.terminal) {
                (Some(_), _) => Stdio::piped(),
                (None, true) => Stdio::inherit(),
                (None, false) => Stdio::null(),
            })
            .stdout(output(self.stdout))
            .stderr(output(self.stderr));
        if let Some(held) = &self.held {
            let handle = held.try_clone().map_err(|source| {
                Error::failed("an open file cannot be handed down").because(source)
            })?;
            command.stdout(handle);
        }
        command.spawn().map_err(|source| {
            let program = self.program.to_string_lossy();
            Error::new(Kind::Fatal, format!("cannot start '{program}'")).because(source)
        })
    }

    /// Runs it to its end, or to the end of its time.
    ///
    /// # Errors
    /// When it cannot be started, or a signal ends this program: then the child is ended too.
    pub fn run(&self) -> Result<Ended> {
        self.start()?.wait()
    }

    /// Starts it, and lets it run while this program does something else.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self) -> Result<Running> {
        let mut child = self.spawn()?;
        if let (Some(mut input), Some(bytes)) = (child.stdin.take(), self.stdin.clone()) {
            let counter = self.counter.clone();
            #[cfg(target_os = "linux")]
            if counter.is_some() {
                // What is in the pipe counts as taken. That it stays large is no reason not to go on.
                let _ = rustix::pipe::fcntl_setpipe_size(&input, CHUNK);
            }
            std::thread::spawn(move || {
                for some in bytes.chunks(CHUNK) {
                    if input.write_all(some).is_err() {
                        // A child that does not read all of its input says why by its exit status.
                        break;
                    }
                    if let Some(counter) = &counter {
                        let records = some.split(|byte| *byte == 0).skip(1).count();
                        counter.fetch_add(records, Ordering::Relaxed);
                    }
                }
            });
        }
        let stdout = child
            .stdout
            .take()
            .map(|stream| Collected::of(stream, |_| ()));
        let stderr = child.stderr.take().map(|stream| match self.stderr {
            Sink::Both => Collected::of(stream, show_all),
            Sink::Progress => Collected::of(stream, show_percentages()),
            Sink::Capture | Sink::Inherit => Collected::of(stream, |_| ()),
        });
        Ok(Running {
            program: self.program.clone(),
            until: self.until,
            own_group: self.own_group,
            grace: self.grace,
            child: Some(child),
            stdout,
            stderr,
        })
    }
}

/// A program that runs beside this one; one that nobody waits for is ended.
#[derive(Debug)]
pub struct Running {
    program: OsString,
    until: Option<Instant>,
    own_group: bool,
    grace: Duration,
    child: Option<Child>,
    stdout: Option<Collected>,
    stderr: Option<Collected>,
}

impl Running {
    /// Waits for its end, or for the end of its time.
    ///
    /// # Errors
    /// When a signal ends this program: then the child is ended too.
    pub fn wait(mut self) -> Result<Ended> {
        let Some(mut child) = self.child.take() else {
            return Err(Error::failed("a program was waited for twice"));
        };
        let (status, timed_out) = self.watch(&mut child)?;
        if status.code().is_none() {
            CASUALTY.store(true, Ordering::Relaxed);
        }
        let take = |stream: Option<Collected>| stream.map(Collected::take).unwrap_or_default();
        Ok(Ended {
            status,
            stdout: take(self.stdout.take()),
            stderr: take(self.stderr.take()),
            timed_out,
        })
    }

    fn watch(&self, child: &mut Child) -> Result<(ExitStatus, bool)> {
        let lost = |source| {
            Error::failed(format!(
                "lost sight of '{}'",
                self.program.to_string_lossy()
            ))
            .because(source)
        };
        loop {
            let now = Instant::now();
            let left = self
                .until
                .map_or(GLANCE, |until| until.saturating_duration_since(now));
            if let Some(status) = child.wait_timeout(left.min(GLANCE)).map_err(lost)? {
                return Ok((status, false));
            }
            if self.until.is_some_and(|until| Instant::now() >= until) {
                self.end(child, Signal::KILL);
                return Ok((child.wait().map_err(lost)?, true));
            }
            if interrupt::caught().is_some() {
                self.stop(child).map_err(lost)?;
                interrupt::check()?;
            }
        }
    }

    /// Asks the child to end, and ends it if it does not.
    fn stop(&self, child: &mut Child) -> std::io::Result<()> {
        CASUALTY.store(true, Ordering::Relaxed);
        self.end(child, Signal::TERM);
        if child.wait_timeout(self.grace)?.is_none() {
            self.end(child, Signal::KILL);
            child.wait()?;
        }
        Ok(())
    }

    /// Sends a signal to the child, and to its own group where it has one.
    fn end(&self, child: &mut Child, signal: Signal) {
        let pid = rustix::process::Pid::from_child(child);
        // It may have ended in this moment: then there is nobody to send it to.
        let _ = if self.own_group {
            rustix::process::kill_process_group(pid, signal)
        } else {
            rustix::process::kill_process(pid, signal)
        };
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Nobody wants to know how it ended.
            drop(self.stop(&mut child));
        }
    }
}

/// Has a child been ended by a signal? It may have left locks behind that a program which ends by
/// itself removes.
static CASUALTY: AtomicBool = AtomicBool::new(false);

/// Is there a process with this number, of whomever? One that has ended and that nobody asks about, as in a
/// container without an init, is none.
pub fn is_alive(pid: u32) -> bool {
    let Some(known) = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    else {
        return false;
    };
    let gone = rustix::process::test_kill_process(known) == Err(rustix::io::Errno::SRCH);
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // `PID (NAME) STATE …`, and a name may have anything in it: proc_pid_stat(5).
    let ended = stat
        .rsplit(") ")
        .next()
        .is_some_and(|rest| rest.starts_with('Z'));
    !gone && !ended
}

/// Has a child of this program been ended by a signal, its own time limit included?
pub fn had_casualty() -> bool {
    CASUALTY.load(Ordering::Relaxed)
}

/// So much of its input is given to a child at once.
const CHUNK: usize = 4096;

/// How often a wait looks whether a signal came.
const GLANCE: Duration = Duration::from_millis(100);

/// A child that is asked to end has so long as a rule; and so long is waited for output after its end.
const GRACE: Duration = Duration::from_secs(2);

/// An output of a child, read while it comes.
///
/// A hook may leave something running that keeps the pipe open: what the child itself wrote is there
/// when it ends, and nobody else is waited for.
#[derive(Debug)]
struct Collected {
    pipe: Arc<File>,
    bytes: Arc<Mutex<Vec<u8>>>,
    done: mpsc::Receiver<()>,
}

impl Collected {
    fn of(stream: impl Into<OwnedFd>, mut show: impl FnMut(&[u8]) + Send + 'static) -> Self {
        let pipe = Arc::new(File::from(stream.into()));
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (sender, done) = mpsc::channel();
        let (reader, shared) = (Arc::clone(&pipe), Arc::clone(&bytes));
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            // What was read before an error is still the best account of what happened.
            while let Ok(read @ 1..) = (&*reader).read(&mut buffer) {
                if let Ok(mut bytes) = shared.lock() {
                    bytes.extend_from_slice(&buffer[..read]);
                }
                show(&buffer[..read]);
            }
            let _ = sender.send(());
        });
        Self { pipe, bytes, done }
    }

    /// Everything that the child wrote. Given up only where the pipe is open and empty, and stays so:
    /// an answer that is cut off must not be taken for a whole one.
    fn take(self) -> Vec<u8> {
        let mut quiet = 0;
        while quiet < QUIET_ROUNDS && self.done.recv_timeout(GLANCE).is_err() {
            quiet = if self.is_silent() { quiet + 1 } else { 0 };
        }
        self.bytes
            .lock()
            .map(|mut bytes| std::mem::take(&mut *bytes))
            .unwrap_or_default()
    }

    fn is_silent(&self) -> bool {
        let mut polled = [PollFd::new(&*self.pipe, PollFlags::IN)];
        let now = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        matches!(rustix::event::poll(&mut polled, Some(&now)), Ok(0))
    }
}

/// So many glances at a pipe must find nothing before its end is given up.
const QUIET_ROUNDS: u32 = 5;

/// Passes everything on to stderr.
fn show_all(bytes: &[u8]) {
    // That nobody watches any more is no reason to stop.
    drop(std::io::stderr().write_all(bytes));
}

/// Passes percentages on to stderr, each in the place of the one before, once it takes a while.
fn show_percentages() -> impl FnMut(&[u8]) + Send + 'static {
    let start = Instant::now();
    move |bytes: &[u8]| {
        let mut lines = bytes.split(|byte| matches!(byte, b'\r' | b'\n'));
        let last = lines.rfind(|line| line.contains(&b'%'));
        if let Some(line) = last.filter(|_| start.elapsed() > UNSEEN) {
            let line = String::from_utf8_lossy(line).replace(char::is_control, "");
            let end = if line.ends_with("done.") { ERASE } else { "" };
            show_all(format!("{ERASE}  {line}{end}").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_and_both_outputs_are_carried() {
        let ended = Process::new("sh")
            .args(["-c", "cat; echo oops >&2; exit 3"])
            .stdin(vec![b'x'; 300_000])
            .run()
            .expect("it runs");
        assert_eq!((ended.code(), ended.stdout.len()), (Some(3), 300_000));
        assert_eq!(ended.complaint(), "oops");
        assert_eq!(ended.how(), "exit status 3");
    }

    #[test]
    fn a_program_that_does_not_end_is_ended_with_its_children() {
        let start = Instant::now();
        let ended = Process::new("sh")
            .args(["-c", "sleep 60 & sleep 60; echo never"])
            .until(Some(start + Duration::from_millis(100)))
            .own_group(true)
            .run()
            .expect("it runs");
        assert!(ended.timed_out && !ended.success() && ended.stdout.is_empty());
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn what_a_program_leaves_running_is_not_waited_for() {
        let start = Instant::now();
        let ended = Process::new("sh")
            .args(["-c", "sleep 60 & echo done"])
            .run()
            .expect("it runs");
        assert_eq!(ended.stdout, b"done\n");
        assert!(start.elapsed() < Duration::from_secs(30));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a child that nobody waits for")]
    fn who_has_ended_is_not_alive() {
        assert!(is_alive(std::process::id()));
        let mut child = Command::new("true").spawn().expect("it starts");
        let deadline = Instant::now() + Duration::from_secs(30);
        // Nobody asks how it ended: it stays a zombie.
        while is_alive(child.id()) && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert!(!is_alive(child.id()));
        child.wait().expect("our child");
        assert!(!is_alive(0));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = Process::new("no-such-program")
            .run()
            .expect_err("not there");
        assert_eq!(error.to_string(), "cannot start 'no-such-program'");
    }
}
