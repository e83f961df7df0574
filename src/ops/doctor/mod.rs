//! Looks for everything that can keep a sync from being right, and names what mends it.
//!
//! It changes nothing. Each topic has a file; a topic that cannot be looked at is a finding too, so that
//! one trouble does not hide the others.

mod backups;
mod completion;
mod files;
mod machine;
mod program;
mod remote;
mod repository;
mod shell;

use super::Context;
use crate::error::{Error, Result};
use std::path::Path;

/// How it is with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, and may surprise somebody.
    Warning,
    /// It does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about, in a word.
    pub topic: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub text: String,
    /// What mends it, a line each.
    pub fixes: Vec<String>,
}

impl Finding {
    fn good(topic: &'static str, text: impl Into<String>) -> Self {
        Self::new(topic, Verdict::Good, text)
    }

    fn warning(topic: &'static str, text: impl Into<String>) -> Self {
        Self::new(topic, Verdict::Warning, text)
    }

    fn bad(topic: &'static str, text: impl Into<String>) -> Self {
        Self::new(topic, Verdict::Bad, text)
    }

    fn new(topic: &'static str, verdict: Verdict, text: impl Into<String>) -> Self {
        Self {
            topic,
            verdict,
            text: text.into(),
            fixes: Vec::new(),
        }
    }

    fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fixes.push(fix.into());
        self
    }

    /// What keeps something from being looked at, or from being done.
    fn of_error(topic: &'static str, error: &Error) -> Self {
        let mut finding = Self::bad(topic, error.in_one_line());
        let hints = error.hints().iter();
        let useful = hints.filter(|hint| !hint.starts_with("nothing was "));
        finding.fixes = useful.cloned().collect();
        finding
    }
}

/// How it is looked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Leave the network alone.
    pub offline: bool,
}

/// Looks at this program, as git finds it from `here`.
pub fn look_at_program(here: &Path) -> Vec<Finding> {
    collected(vec![
        ("program", program::look(here)),
        ("completion", Ok(completion::look())),
    ])
}

/// That there is no repository to look at.
pub fn no_repository(error: &Error) -> Finding {
    Finding::of_error("repository", error)
}

/// Looks at a repository and all that belongs to it.
pub fn look_at_repository(ctx: &Context<'_>, options: Options) -> Vec<Finding> {
    let mut looks = vec![
        ("repository", repository::look(ctx)),
        ("history", repository::look_at_runs(ctx)),
        ("held", repository::look_at_held(ctx)),
        ("marks", files::look_at_marks(ctx)),
        ("key", files::look_at_key(ctx)),
        ("files", files::look_at_owner(ctx)),
        ("backups", backups::look(ctx)),
        ("hooks", shell::look_at_hooks(ctx)),
        ("disk", machine::look_at_disk(ctx)),
        ("clock", machine::look_at_clock(ctx)),
        ("schedule", machine::look_at_schedule(ctx)),
    ];
    if !options.offline {
        looks.push(("remote", remote::look(ctx)));
    }
    collected(looks)
}

fn collected(looks: Vec<(&'static str, Result<Vec<Finding>>)>) -> Vec<Finding> {
    let all = looks.into_iter().flat_map(|(topic, found)| match found {
        Ok(findings) => findings,
        Err(error) => vec![Finding::of_error(topic, &error)],
    });
    all.collect()
}
