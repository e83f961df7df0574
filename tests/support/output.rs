//! What a command said and did; a failed expectation prints the whole scene.

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use wait_timeout::ChildExt;

use super::{DEADLINE, Machine};

/// A command under way, its streams caught in files so that no pipe can hang the test.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    machine: Machine,
    command: String,
    streams: [PathBuf; 2],
    answered: usize,
    started: Instant,
}

impl Running {
    /// Starts a command on a machine.
    #[track_caller]
    pub(crate) fn start(machine: &Machine, mut command: Command) -> Self {
        let number = machine.scene().next_run();
        let folder = machine.scene().root().join("output");
        let streams = ["stdout", "stderr"].map(|name| folder.join(format!("{number}.{name}")));
        let [out, err] = streams.each_ref().map(|path| {
            let file = fs::File::create(path).expect("own folder");
            machine.scene().hand_over(path);
            file
        });
        let started = Instant::now();
        let child = command
            .stdout(out)
            .stderr(err)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot start: {error}"));
        Self {
            child,
            machine: machine.clone(),
            command: shown(&command),
            streams,
            answered: 0,
            started,
        }
    }

    /// The number of the process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output so far.
    pub(crate) fn so_far(&self) -> String {
        let bytes = fs::read(&self.streams[0]).expect("own file");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Where it reads from.
    pub(crate) fn stdin(&mut self) -> &mut std::process::ChildStdin {
        self.child.stdin.as_mut().expect("it was given a pipe")
    }

    /// Types an answer when a prompt has come up; does nothing when the end comes first.
    pub(crate) fn answer(&mut self, prompt: &str, answer: &str) {
        let stdout = self.streams[0].clone();
        let mut asked = None;
        super::wait_until(&format!("it asks {prompt:?} or ends"), || {
            let text = String::from_utf8_lossy(&fs::read(&stdout).expect("own file")).into_owned();
            let new = text.get(self.answered..).and_then(|new| new.find(prompt));
            asked = new.map(|at| self.answered + at + prompt.len());
            asked.is_some() || self.child.try_wait().is_ok_and(|status| status.is_some())
        });
        if let (Some(end), Some(stdin)) = (asked, self.child.stdin.as_mut()) {
            self.answered = end;
            stdin
                .write_all(answer.as_bytes())
                .expect("the terminal listens");
        }
    }

    /// Sends a signal to the process, as a user's Ctrl-C or a system's shutdown does.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("the process is there");
    }

    /// Sends a signal to the whole process group.
    pub(crate) fn signal_all(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process_group(pid, signal).expect("the group is there");
    }

    /// Waits for the end, at most until the deadline.
    #[must_use = "say what is expected of the command"]
    #[track_caller]
    pub(crate) fn finish(self) -> Output {
        self.finish_within(DEADLINE)
    }

    /// The same for what may take longer.
    #[must_use = "say what is expected of the command"]
    #[track_caller]
    pub(crate) fn finish_within(mut self, deadline: Duration) -> Output {
        let ended = self.child.wait_timeout(deadline).expect("own child");
        let status = ended.unwrap_or_else(|| self.kill());
        let read = |path: &PathBuf| fs::read(path).expect("own file");
        let [stdout, stderr] = self.streams.each_ref().map(read);
        let output = Output {
            machine: self.machine.clone(),
            command: self.command.clone(),
            status,
            took: self.started.elapsed(),
            stdout,
            stderr,
        };
        let scene = || output.scene();
        assert!(ended.is_some(), "did not end in {deadline:?}\n{}", scene());
        output
    }

    /// Ends the whole process group.
    fn kill(&mut self) -> ExitStatus {
        let group = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        self.child.wait().expect("own child")
    }
}

impl Drop for Running {
    /// Leaves nothing running behind a story that ended early.
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.kill();
        }
    }
}

/// The words of a command as they would be typed.
fn shown(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().escape_debug().to_string())
        .collect();
    words.join(" ")
}

/// The end of a command: both streams, the exit code, and where it happened.
#[derive(Debug)]
pub(crate) struct Output {
    machine: Machine,
    command: String,
    status: ExitStatus,
    took: Duration,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Output {
    /// Standard output as text.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard output, byte for byte.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.stdout
    }

    /// Standard error as text.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// The exit code; a signal counts as 128 and its number, as in a shell.
    pub(crate) fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| 128 + self.status.signal().unwrap_or_default())
    }

    /// How long it took.
    pub(crate) fn took(&self) -> Duration {
        self.took
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON on stdout: {error}\n{}", self.scene()))
    }

    /// Expects exit 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        self.exits(0)
    }

    /// Expects this exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert!(
            self.code() == code,
            "expected exit {code}\n{}",
            self.scene()
        );
        self
    }

    /// Expects one of these exit codes.
    #[track_caller]
    pub(crate) fn exits_with_one_of(self, codes: &[i32]) -> Self {
        assert!(
            codes.contains(&self.code()),
            "expected exit {codes:?}\n{}",
            self.scene()
        );
        self
    }

    /// Expects this on standard output.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.stdout().contains(text),
            "expected {text:?} on stdout\n{}",
            self.scene()
        );
        self
    }

    /// Expects this not on standard output.
    #[track_caller]
    pub(crate) fn does_not_say(self, text: &str) -> Self {
        assert!(
            !self.stdout().contains(text),
            "unexpected {text:?} on stdout\n{}",
            self.scene()
        );
        self
    }

    /// Expects this on standard error.
    #[track_caller]
    pub(crate) fn tells(self, text: &str) -> Self {
        assert!(
            self.stderr().contains(text),
            "expected {text:?} on stderr\n{}",
            self.scene()
        );
        self
    }

    /// Expects this not on standard error.
    #[track_caller]
    pub(crate) fn does_not_tell(self, text: &str) -> Self {
        assert!(
            !self.stderr().contains(text),
            "unexpected {text:?} on stderr\n{}",
            self.scene()
        );
        self
    }

    /// Expects not one byte on either stream.
    #[track_caller]
    pub(crate) fn says_nothing(self) -> Self {
        let silent = self.stdout.is_empty() && self.stderr.is_empty();
        assert!(silent, "expected silence\n{}", self.scene());
        self
    }

    /// Expects nothing on standard output.
    #[track_caller]
    pub(crate) fn answers_nothing(self) -> Self {
        assert!(
            self.stdout.is_empty(),
            "expected an empty stdout\n{}",
            self.scene()
        );
        self
    }

    /// Everything one needs to see when a test fails.
    pub(crate) fn scene(&self) -> String {
        self.words() + &self.machine.scenery()
    }

    /// What was typed and what it said; it takes no time to tell.
    pub(crate) fn words(&self) -> String {
        format!(
            "$ {}    # on {}, {:?}\n--- stdout ---\n{}--- stderr ---\n{}[exit: {}]\n",
            self.command,
            self.machine.name(),
            self.took,
            self.stdout(),
            self.stderr(),
            self.code(),
        )
    }
}
