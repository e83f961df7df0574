//! Hooks of git that keep the state for prompts right after a commit, a merge, a checkout or a rebase by hand.
//!
//! They stand beside whatever hooks the user has: in the configuration where git runs hooks from there, else
//! as lines of ours in a script. What is not a script of a shell, or is none of this repository's, stays as
//! it is, and is told.

use crate::error::{Error, Result};
use crate::git::Repo;
use crate::model::hook_script::{self, EVENTS, Foreign};
use crate::sys::fs::{self, Durable};
use crate::sys::program;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// How our hook for one event stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The event.
    pub event: &'static str,
    /// What there is.
    pub standing: Standing,
    /// Was it changed just now?
    pub is_new: bool,
}

/// What there is for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Ours, in the configuration of the repository.
    Configured,
    /// Ours, in a script of its own.
    OwnFile(PathBuf),
    /// Ours, at the beginning of a script of the user's.
    InScript(PathBuf),
    /// Ours, and it does not run as it should: an older one, or one for a program that is elsewhere.
    Outdated,
    /// Nothing of ours.
    Missing,
    /// Nothing of ours, and nothing can be put there.
    Blocked(Obstacle),
}

/// Why nothing of ours can be put in the place of a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// `core.hooksPath` leads to this folder, which may be that of other repositories, or tracked.
    HooksPath(PathBuf),
    /// It is a link.
    Link(PathBuf),
    /// It is no file.
    NoFile(PathBuf),
    /// It is switched off: to make it run would switch on what the user has in it.
    NotExecutable(PathBuf),
    /// What is in it.
    Script(PathBuf, Foreign),
    /// It cannot be read or written: why.
    Unusable(PathBuf, String),
}

impl Hook {
    /// Does our hook run for the event?
    pub fn is_installed(&self) -> bool {
        matches!(
            self.standing,
            Standing::Configured | Standing::OwnFile(_) | Standing::InScript(_)
        )
    }

    /// Are the hooks of the repository in another folder than its own?
    pub fn is_elsewhere(&self) -> bool {
        matches!(self.standing, Standing::Blocked(Obstacle::HooksPath(_)))
    }
}

/// What is to be put in.
struct Wanted {
    program: String,
    configured: bool,
}

impl Wanted {
    fn of(repo: &Repo) -> Result<Self> {
        let unknown = |source| Error::failed("cannot find this program").because(source);
        let path = program::path().map_err(unknown)?;
        let program = path.to_str().ok_or_else(|| {
            Error::failed(format!("the name of '{}' is not UTF-8", path.display()))
                .hint("hooks need a program with a name that is text")
        })?;
        Ok(Self {
            program: program.to_owned(),
            configured: repo.runs_configured_hooks()?,
        })
    }
}

/// Looks how our hooks stand.
pub fn look(repo: &Repo) -> Result<Vec<Hook>> {
    let wanted = Wanted::of(repo)?;
    let hooks = EVENTS.iter().map(|event| {
        Ok(Hook {
            event,
            standing: standing(repo, event, &wanted)?,
            is_new: false,
        })
    });
    hooks.collect()
}

/// Puts in what is missing or outdated.
pub fn install(repo: &Repo) -> Result<Vec<Hook>> {
    let wanted = Wanted::of(repo)?;
    let mut hooks = look(repo)?;
    for hook in &mut hooks {
        if !matches!(hook.standing, Standing::Missing | Standing::Outdated) {
            continue;
        }
        // One place at a time: ours must not run twice.
        take_out(repo, hook.event)?;
        if wanted.configured {
            let command = hook_script::one_liner(hook.event, &wanted.program);
            repo.set_configured_hook(&name(hook.event), hook.event, &command)?;
        } else if let Err(error) = write(repo, hook.event, &wanted) {
            let file = file(repo, hook.event);
            let obstacle = Obstacle::Unusable(file, error.root_cause());
            hook.standing = Standing::Blocked(obstacle);
            continue;
        }
        hook.is_new = true;
        hook.standing = standing(repo, hook.event, &wanted)?;
    }
    Ok(hooks)
}

/// Takes ours out; returns the events that had one.
pub fn remove(repo: &Repo) -> Result<Vec<&'static str>> {
    let mut gone = Vec::new();
    for event in EVENTS {
        if take_out(repo, event)? {
            gone.push(event);
        }
    }
    Ok(gone)
}

/// Is anything of ours there?
pub fn is_any(repo: &Repo) -> Result<bool> {
    for event in EVENTS {
        let configured = repo.configured_hook(&name(event))?.is_some();
        let in_file = read(&file(repo, event)).is_some_and(|text| hook_script::has(&text));
        if configured || in_file {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The name of our hook in the configuration.
fn name(event: &str) -> String {
    format!("git-sync-{event}")
}

/// Where git looks for the hook, as long as nobody has led it elsewhere.
fn file(repo: &Repo, event: &str) -> PathBuf {
    repo.common_dir().join("hooks").join(event)
}

fn read(file: &Path) -> Option<Vec<u8>> {
    fs::read(file).ok().flatten()
}

fn standing(repo: &Repo, event: &str, wanted: &Wanted) -> Result<Standing> {
    let configured = repo.configured_hook(&name(event))?;
    let file = file(repo, event);
    let text = read(&file).filter(|text| hook_script::has(text));
    if wanted.configured {
        let command = hook_script::one_liner(event, &wanted.program);
        return Ok(match (configured, text) {
            (Some(found), None) if found == command => Standing::Configured,
            (None, None) => Standing::Missing,
            _ => Standing::Outdated,
        });
    }
    if let Some(obstacle) = elsewhere(repo) {
        return Ok(Standing::Blocked(obstacle));
    }
    let found = match fs::look(&file) {
        Ok(None) if configured.is_some() => return Ok(Standing::Outdated),
        Ok(None) => return Ok(Standing::Missing),
        Ok(Some(found)) => found,
        Err(error) => return Ok(blocked(Obstacle::Unusable(file, error.to_string()))),
    };
    if found.is_symlink() {
        return Ok(blocked(Obstacle::Link(file)));
    }
    if !found.is_file() {
        return Ok(blocked(Obstacle::NoFile(file)));
    }
    if found.permissions().mode() & 0o111 == 0 {
        return Ok(blocked(Obstacle::NotExecutable(file)));
    }
    let script = hook_script::script(event, &wanted.program);
    let Some(text) = text else {
        let theirs = match fs::read(&file) {
            Ok(text) => text.unwrap_or_default(),
            Err(error) => return Ok(blocked(Obstacle::Unusable(file, error.to_string()))),
        };
        return Ok(match hook_script::add(&theirs, &script) {
            Ok(_) => Standing::Missing,
            Err(foreign) => blocked(Obstacle::Script(file, foreign)),
        });
    };
    if text == script.as_bytes() {
        return Ok(Standing::OwnFile(file));
    }
    let theirs = hook_script::remove(&text).unwrap_or_default();
    Ok(match hook_script::add(&theirs, &script) {
        Ok(expected) if expected == text => Standing::InScript(file),
        _ => Standing::Outdated,
    })
}

fn blocked(obstacle: Obstacle) -> Standing {
    Standing::Blocked(obstacle)
}

/// The folder that the hooks are in, where it is not the repository's own.
fn elsewhere(repo: &Repo) -> Option<Obstacle> {
    let used = repo.hooks_dir();
    let own = repo.common_dir().join("hooks");
    if used == own {
        let is_link = fs::look(&own).ok().flatten()?.is_symlink();
        return is_link.then_some(Obstacle::Link(own));
    }
    let same = matches!((used.canonicalize(), own.canonicalize()), (Ok(a), Ok(b)) if a == b);
    (!same).then_some(Obstacle::HooksPath(used))
}

/// Writes our lines into the script for `event`, or a script with them.
fn write(repo: &Repo, event: &str, wanted: &Wanted) -> Result<()> {
    let file = file(repo, event);
    if let Some(folder) = file.parent() {
        fs::remove_temporaries(folder);
    }
    let script = hook_script::script(event, &wanted.program);
    let Some(theirs) = fs::read(&file)? else {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        return fs::write_program(&file, script.as_bytes());
    };
    let both = hook_script::add(&theirs, &script).map_err(|_| {
        let file = file.display();
        Error::blocked(format!("'{file}' is not a script of a shell"))
    })?;
    fs::write_atomic(&file, &both, Durable::Yes)
}

/// Takes ours out for `event`; `false` where there was none.
fn take_out(repo: &Repo, event: &str) -> Result<bool> {
    let mut found = false;
    if repo.configured_hook(&name(event))?.is_some() {
        repo.remove_configured_hook(&name(event))?;
        found = true;
    }
    let file = file(repo, event);
    let is_file = fs::look(&file)
        .ok()
        .flatten()
        .is_some_and(|found| found.is_file());
    let text = read(&file).filter(|text| is_file && hook_script::has(text));
    if let Some(text) = text {
        match hook_script::remove(&text) {
            Some(theirs) => fs::write_atomic(&file, &theirs, Durable::Yes)?,
            None => fs::remove_file(&file)?,
        }
        found = true;
    }
    Ok(found)
}
