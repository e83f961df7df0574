//! One git command: its language, its input, its end in time, and nothing that leaks into it.

use super::Repo;
use crate::error::{Error, Kind, Result};
use crate::model::entry::Oid;
use crate::sys::env;
use crate::sys::process::{Ended, Process, Running, Sink};
use crate::sys::progress::Progress;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Settings for every git that we start.
///
/// With git's defaults a power cut after a sync loses finished work: loose objects, refs and the
/// index are not flushed. `all` covers everything that we rely on. An index of our own must be whole:
/// half of a split one stays behind when it is copied.
const SETTINGS: [&str; 5] = [
    "core.fsync=all",
    "core.fsyncMethod=fsync",
    "gc.auto=0",
    "advice.detachedHead=false",
    "core.splitIndex=false",
];

/// Where git writes objects, and where else it looks for them.
const QUARANTINE: [&str; 2] = ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"];

/// Settings where nobody is there to answer.
const UNATTENDED: [&str; 2] = ["core.askPass=", "credential.interactive=false"];

/// A git command to be run in a repository.
#[derive(Debug)]
pub struct Git<'repo> {
    repo: &'repo Repo,
    process: Process,
    settings: Vec<String>,
    words: Vec<OsString>,
}

impl Repo {
    /// `git NAME`, run at the top of the work tree.
    pub fn git(&self, name: &str) -> Git<'_> {
        let mut process = base(Process::new("git"))
            .cwd(self.top())
            .until(self.deadline());
        let mut settings: Vec<_> = SETTINGS.map(str::to_owned).to_vec();
        // A hook hands down variables of its own commit; the repository itself may be given by
        // hand, and then relative to a folder that the child does not run in.
        process = process
            .env_remove(env::GIT_INDEX_FILE)
            .env_remove(env::GIT_PREFIX);
        if env::get(env::GIT_DIR).is_some() && self.is_from_environment() {
            process = process
                .env(env::GIT_DIR, self.git_dir())
                .env(env::GIT_WORK_TREE, self.top());
        } else {
            for name in env::GIT_LOCAL {
                process = process.env_remove(name);
            }
        }
        if self.is_background() {
            process = unattended(process);
            settings.extend(UNATTENDED.map(str::to_owned));
        }
        if let Some(scratch) = self.quarantine() {
            process = process.env("GIT_OBJECT_DIRECTORY", scratch).env(
                "GIT_ALTERNATE_OBJECT_DIRECTORIES",
                self.common_dir().join("objects"),
            );
        }
        if let Some(who) = self.identity() {
            for role in ["AUTHOR", "COMMITTER"] {
                process = process
                    .env(format!("GIT_{role}_NAME"), &who.name)
                    .env(format!("GIT_{role}_EMAIL"), &who.email);
            }
        }
        Git {
            repo: self,
            process,
            settings,
            words: vec![name.into()],
        }
    }
}

/// git for what needs no repository, run in `cwd`.
pub fn outside(cwd: &Path, name: &str) -> Process {
    env::GIT_LOCAL
        .iter()
        .fold(base(Process::new("git")), |process, local| {
            process.env_remove(local)
        })
        .cwd(cwd)
        .arg(name)
}

/// What holds for every git: English words to read, no refresh behind the user's back.
fn base(process: Process) -> Process {
    let process = process
        .env("LANGUAGE", "")
        .env("LC_MESSAGES", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env(env::RUNNING, "1");
    match env::get(env::LC_ALL) {
        // It would override the line above; what it says of letters must stay.
        Some(locale) => process.env_remove(env::LC_ALL).env("LC_CTYPE", locale),
        None => process,
    }
}

/// Nothing may ask: no terminal, no window, no editor, no pin.
pub(super) fn unattended(process: Process) -> Process {
    process
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "")
        .env("SSH_ASKPASS", "")
        .env("SSH_ASKPASS_REQUIRE", "never")
        .env("GCM_INTERACTIVE", "never")
        .env("GIT_EDITOR", ":")
        .env("GIT_MERGE_AUTOEDIT", "no")
        .own_group(true)
}

impl Git<'_> {
    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.words.push(arg.as_ref().to_owned());
        self
    }

    /// A setting for this command alone, `key=value`.
    #[must_use]
    pub fn setting(mut self, setting: impl Into<String>) -> Self {
        self.settings.push(setting.into());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.words
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.process = self.process.env(name, value);
        self
    }

    /// Uses another index than the user's.
    #[must_use]
    pub fn index(self, path: &Path) -> Self {
        self.env(env::GIT_INDEX_FILE, path)
    }

    /// Runs it elsewhere than at the top of the work tree.
    #[must_use]
    pub fn cwd(mut self, folder: &Path) -> Self {
        self.process = self.process.cwd(folder);
        self
    }

    /// What it reads.
    #[must_use]
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.process = self.process.stdin(bytes);
        self
    }

    /// Counts the records of what it reads.
    #[must_use]
    pub fn counting(mut self, progress: &Progress) -> Self {
        self.process = self.process.counting(progress.counter());
        self
    }

    /// Lets it write into the repository itself, also in a dry run: what a fetch brings is no change
    /// of this machine's.
    #[must_use]
    pub fn past_quarantine(mut self) -> Self {
        for name in QUARANTINE {
            self.process = self.process.env_remove(name);
        }
        self
    }

    /// Lets it hold the lock of this run, so that the next one waits for its end.
    #[must_use]
    pub fn holding_lock(mut self) -> Self {
        if let Some(lock) = self.repo.lock() {
            self.process = self.process.holding(lock);
        }
        self
    }

    /// Lets it talk with the user.
    #[must_use]
    pub fn on_terminal(mut self) -> Self {
        self.process = self.process.on_terminal();
        self
    }

    /// Shows its progress to the user, where there is one to see it.
    #[must_use]
    pub fn showing_progress(mut self, show: bool) -> Self {
        if show {
            self.process = self.process.stderr(Sink::Progress);
        }
        self
    }

    /// Starts it beside this program.
    pub fn start(self) -> Result<Running> {
        self.repo.trace(&self.told());
        let settings = self.settings.iter().flat_map(|setting| ["-c", setting]);
        self.process.args(settings).args(&self.words).start()
    }

    /// Runs it; that it fails is an answer.
    pub fn answer(self) -> Result<Ended> {
        let ended = self.start()?.wait()?;
        if ended.code() == Some(130) || ended.code().is_none() {
            crate::sys::interrupt::check()?;
        }
        Ok(ended)
    }

    /// Runs it and returns what it printed; that it fails is an error.
    pub fn output(self) -> Result<Vec<u8>> {
        let name = self.name();
        let ended = self.answer()?;
        if ended.success() {
            Ok(ended.stdout)
        } else {
            Err(complaint(&name, &ended))
        }
    }

    /// Runs it; that it fails is an error.
    pub fn run(self) -> Result<()> {
        self.output().map(drop)
    }

    /// Runs it and returns the object it names.
    pub fn oid(self) -> Result<Oid> {
        let name = self.name();
        let output = self.output()?;
        let text = String::from_utf8_lossy(&output);
        Oid::parse(text.lines().next().unwrap_or_default()).ok_or_else(|| {
            Error::failed(format!("'git {name}' named no object")).because(text.trim().to_owned())
        })
    }

    fn name(&self) -> String {
        self.words
            .first()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// The command as a person would type it, without the settings that every command has.
    fn told(&self) -> String {
        let words = self.words.iter().map(|word| word.to_string_lossy());
        format!("git {}", words.collect::<Vec<_>>().join(" "))
    }
}

/// The error for a git command that failed, in git's own words.
pub fn complaint(name: &str, ended: &Ended) -> Error {
    if ended.timed_out {
        return Error::new(
            Kind::Unreachable,
            format!("'git {name}' did not end in time"),
        )
        .hint("sync.timeout says how long a background sync may take");
    }
    let why = match ended.complaint() {
        text if text.is_empty() => ended.how(),
        text => text,
    };
    let error = Error::failed(format!("'git {name}' failed ({})", ended.how()));
    let full = why.contains("No space left on device");
    let refused = why.to_lowercase().contains("invalid path '");
    let error = error.because(why);
    if refused {
        return error
            .hint("a commit has a name that git refuses: it has to be renamed or removed there");
    }
    if full {
        return error.hint("make room on the disk and run 'git sync' again; nothing is lost");
    }
    error
}
