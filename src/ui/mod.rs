//! From outcomes to text: what is said, where, and in which colour. Nothing here decides anything.

pub mod backup;
pub mod complete;
pub mod diff;
pub mod doctor;
pub mod force;
pub mod held;
pub mod hooks;
pub mod import;
pub mod json;
pub mod log;
pub mod machines;
pub mod marks;
pub mod pager;
mod pick;
pub mod porcelain;
pub mod prompt;
pub mod report;
pub mod restore;
pub mod schedule;
pub mod setup;
mod skipped;
pub mod status;
pub mod style;
pub mod sync;
pub mod watch;

use crate::error::{Error, Result};
use crate::model::path::RepoPath;
use crate::ops::marks::{Answer, Contact};
use crate::ops::{Done, Listener};
use crate::sys::{clock, terminal};
use anstream::AutoStream;
use std::cell::{Cell, OnceCell};
use std::collections::BTreeSet;
use std::io::{ErrorKind, Write as _};
use std::rc::Rc;
use style::Colour;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loudness {
    /// Errors, and the answer that was asked for.
    Quiet,
    /// What was done.
    Normal,
    /// Each step.
    Verbose,
    /// Each git command.
    Trace,
}

/// The two streams and how they are used.
#[derive(Debug, Clone)]
pub struct Ui {
    loudness: Loudness,
    colour: Cell<Colour>,
    hints: Cell<bool>,
    machine: bool,
    unsaid: Rc<OnceCell<std::io::Error>>,
}

impl Ui {
    /// A front end; `machine` says that stdout is for a program, and steps are not told.
    pub fn new(loudness: Loudness, colour: Colour, machine: bool) -> Self {
        // Whether codes are printed is decided per stream, below; colored looks at stdout only.
        colored::control::set_override(true);
        Self {
            loudness,
            colour: Cell::new(colour),
            hints: Cell::new(true),
            machine,
            unsaid: Rc::default(),
        }
    }

    /// How much is said.
    pub fn loudness(&self) -> Loudness {
        self.loudness
    }

    /// What the user wants of colour, once a repository has been asked.
    pub fn set_colour(&self, colour: Colour) {
        self.colour.set(colour);
    }

    /// Switches hints off or on.
    pub fn show_hints(&self, show: bool) {
        self.hints.set(show);
    }

    /// The answer, on stdout.
    pub fn answer(&self, text: &str) {
        let mut stream = AutoStream::new(std::io::stdout().lock(), self.colour.get().stdout());
        let written = stream.write_all(text.as_bytes());
        self.note(written.and_then(|()| stream.flush()));
    }

    /// The answer as it would be printed: with colours, or without.
    fn dressed(&self, text: &str) -> Vec<u8> {
        let mut stream = AutoStream::new(Vec::new(), self.colour.get().stdout());
        // Memory takes it all.
        drop(stream.write_all(text.as_bytes()));
        stream.into_inner()
    }

    /// Bytes as they are, on stdout.
    pub fn answer_bytes(&self, bytes: &[u8]) {
        let mut stream = std::io::stdout().lock();
        self.note(stream.write_all(bytes).and_then(|()| stream.flush()));
    }

    /// Keeps why an answer could not be given. A reader that went away has what it wanted.
    pub fn note(&self, written: std::io::Result<()>) {
        if let Err(error) = written
            && error.kind() != ErrorKind::BrokenPipe
        {
            // The first failure says it; what comes after it fails for the same reason.
            drop(self.unsaid.set(error));
        }
    }

    /// Was every answer given? Asked at the end: what was to be done is done either way.
    ///
    /// # Errors
    /// When one could not be written: who reads it must not take what is missing for the answer.
    pub fn finish(&self) -> Result<()> {
        match self.unsaid.get() {
            None => Ok(()),
            Some(error) => {
                Err(Error::fatal("the answer cannot be written").because(error.to_string()))
            }
        }
    }

    /// A line of the talk, on stderr.
    pub fn talk(&self, line: &str) {
        if self.loudness > Loudness::Quiet && !self.machine {
            self.complain(line);
        }
    }

    /// A line on stderr, whatever was asked for.
    pub fn complain(&self, line: &str) {
        let mut stream = AutoStream::new(std::io::stderr().lock(), self.colour.get().stderr());
        drop(writeln!(stream, "{line}"));
    }

    /// A hint, unless hints are switched off.
    pub fn hint(&self, text: &str) {
        if self.hints.get() && self.loudness > Loudness::Quiet && !self.machine {
            self.complain(&format!("{} {text}", style::faint("hint:")));
        }
    }

    /// An error with its causes and hints.
    pub fn error(&self, error: &Error) {
        for line in report::lines(error) {
            self.complain(&line);
        }
        for hint in error.hints() {
            self.hint(hint);
        }
    }
}

impl Listener for Ui {
    fn done(&self, step: &Done<'_>) {
        if let Some(line) = sync::step(step, self.loudness) {
            self.talk(&line);
        }
    }

    fn doing(&self, what: &str) {
        if self.loudness >= Loudness::Verbose {
            self.talk(&format!("  {}", style::faint(what)));
        }
    }

    fn warn(&self, text: &str) {
        self.complain(&format!("{} {text}", style::warning("warning:")));
    }

    fn choose(&self, new: &[RepoPath]) -> Result<Option<BTreeSet<usize>>> {
        if self.machine || !terminal::can_ask() {
            return Ok(None);
        }
        let head = sync::count(new.len(), "new file");
        pick::some(self, &head, new, "Sync which").map(Some)
    }

    fn is_watched(&self) -> bool {
        self.loudness > Loudness::Quiet && !self.machine && terminal::shows_progress()
    }

    fn meet(&self, contact: &Contact) -> Result<Answer> {
        if self.machine || !terminal::can_ask() {
            return Ok(Answer::Skip);
        }
        marks::meet(self, contact)
    }

    fn agree(&self, question: &str) -> Result<Option<bool>> {
        if self.machine || !terminal::can_ask() {
            return Ok(None);
        }
        let answer = terminal::ask(question)?.unwrap_or_default();
        Ok(Some(matches!(&*answer.to_lowercase(), "y" | "yes")))
    }
}

/// How long ago an RFC 3339 time is, for people.
fn ago(time: &str) -> String {
    match time.parse::<jiff::Timestamp>() {
        Ok(time) => format!("{} ago", clock::ago(clock::epoch() - time.as_second())),
        Err(_) => report::printable(time),
    }
}
