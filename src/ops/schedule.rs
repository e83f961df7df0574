//! Lets the system sync this repository by itself, every so often, or keep a watch of it going.
//!
//! One job for each repository, under a name that comes from where it is. The scheduler's own files are
//! what is known of it: nothing else is kept.

use super::{Context, guard};
use crate::error::{Error, Kind, Result};
use crate::model::cron::Cron;
use crate::model::schedule::{self, Job, Scheduler};
use crate::model::url;
use crate::sys::fs::{self, Durable};
use crate::sys::{env, host, program, scheduler};
use sha2::{Digest as _, Sha256};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Every so often where nothing is said.
pub const USUAL: &str = "15m";

/// When, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// `15m`, `2h`, `1d`.
    Every(String),
    /// Five fields.
    Cron(String),
    /// Whenever something changes.
    Changes,
}

/// How a job is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// When.
    pub when: When,
    /// By whom; `None`: by the best that is there.
    pub scheduler: Option<Scheduler>,
    /// Only look.
    pub dry_run: bool,
}

/// Something that keeps a job from what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pitfall {
    /// Services of this user end when they log out.
    NoLinger(String),
    /// The keys of the agent that is here are not there.
    Agent,
    /// The program that it starts is not this one.
    Stale,
    /// The scheduler does not know of it.
    Inactive,
    /// It is a watch, and does not run.
    Down,
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whose it is.
    pub scheduler: Scheduler,
    /// Its name there.
    pub name: String,
    /// When; `None` where somebody has changed what we wrote.
    pub when: Option<schedule::When>,
    /// When next, in the scheduler's words; only some say it.
    pub next: Option<String>,
    /// The files that it is in.
    pub files: Vec<PathBuf>,
    /// What is the matter with it.
    pub pitfalls: Vec<Pitfall>,
}

/// Makes a job, in the place of the one that there was.
///
/// # Errors
/// When there is no scheduler, or it says no: then nothing of the job is left.
pub fn install(ctx: &Context<'_>, options: &Options) -> Result<Standing> {
    guard::enrolled(ctx.repo)?;
    let id = id(ctx);
    let job = job(ctx, &id, &options.when)?;
    let watches = job.when == schedule::When::Changes;
    let kind = match options.scheduler {
        Some(kind) => kind,
        None => best(watches)?,
    };
    if watches && kind == Scheduler::Cron {
        return Err(Error::new(Kind::Usage, "cron cannot keep a watch going")
            .hint("git sync schedule install --every 5m   is what it can do"));
    }
    if options.dry_run {
        let mut files = files(kind, &job.id)?;
        files.truncate(if watches { 1 } else { 2 });
        return Ok(Standing {
            scheduler: kind,
            name: name(kind, &job.id, watches),
            when: Some(job.when.clone()),
            next: None,
            files,
            pitfalls: Vec::new(),
        });
    }
    let made = make(kind, &job);
    if let Err(error) = made {
        // That it cannot be taken away either does not make the first reason another one.
        drop(take_away(kind, &job.id));
        return Err(error.hint("nothing is scheduled"));
    }
    for other in Scheduler::ALL.into_iter().filter(|other| *other != kind) {
        take_away(other, &job.id)?;
    }
    let standing = look(ctx, kind, &job.id)?;
    standing.ok_or_else(|| Error::failed(format!("{} has lost the job", kind.word())))
}

/// The job of this repository; `None` where there is none.
pub fn status(ctx: &Context<'_>) -> Result<Option<Standing>> {
    guard::enrolled(ctx.repo)?;
    let id = id(ctx);
    for kind in Scheduler::ALL {
        if let Some(standing) = look(ctx, kind, &id)? {
            return Ok(Some(standing));
        }
    }
    Ok(None)
}

/// Takes the job of this repository away; the schedulers that had it.
pub fn remove(ctx: &Context<'_>, dry_run: bool) -> Result<Vec<Scheduler>> {
    let id = id(ctx);
    let mut gone = Vec::new();
    for kind in Scheduler::ALL {
        let is_there = if dry_run {
            is_there(kind, &id)?
        } else {
            take_away(kind, &id)?
        };
        if is_there {
            gone.push(kind);
        }
    }
    Ok(gone)
}

/// The name of the repository for schedulers.
fn id(ctx: &Context<'_>) -> String {
    let top = ctx.repo.top();
    let top = top.canonicalize().unwrap_or_else(|_| top.to_owned());
    let digest = Sha256::digest(top.as_os_str().as_bytes());
    let [a, b, c, d, ..]: [u8; 32] = digest.into();
    format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}

fn job(ctx: &Context<'_>, id: &str, when: &When) -> Result<Job> {
    let text = |path: &Path| match path.to_str() {
        Some(text) if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        _ => Err(Error::blocked(format!(
            "'{}' cannot be named to a scheduler",
            path.display()
        ))
        .hint("move the repository to where its path is plain text")),
    };
    let program = program()?;
    // Every machine has its own moment: not all of them shall come at once.
    let seed = ctx.machine.id.bytes().fold(7_u32, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    Ok(Job {
        id: id.to_owned(),
        program: text(&program)?,
        directory: text(ctx.repo.top())?,
        path: env::text(env::PATH).unwrap_or_else(|| "/usr/bin:/bin".to_owned()),
        worker: (env::WORKER, "1"),
        when: moment(when, seed)?,
    })
}

fn moment(when: &When, seed: u32) -> Result<schedule::When> {
    let bad = |what: &str, hint: &str| Error::new(Kind::Usage, what.to_owned()).hint(hint);
    let cron = match when {
        When::Changes => return Ok(schedule::When::Changes),
        When::Every(text) => Cron::every(text, seed).ok_or_else(|| {
            bad(
                &format!("bad value '{text}' for '--every'"),
                "minutes or hours that divide an hour or a day: 5m, 15m, 1h, 6h, 1d",
            )
        }),
        When::Cron(text) => Cron::parse(text).ok_or_else(|| {
            bad(
                &format!("bad value '{text}' for '--cron'"),
                "five fields as in crontab(5): '*/15 * * * *', '0 9-17 * * mon-fri'",
            )
        }),
    };
    cron.map(schedule::When::At)
}

/// This program, by the name that an update keeps.
fn program() -> Result<PathBuf> {
    program::path()
        .map_err(|source| Error::failed("cannot tell where this program is").because(source))
}

/// The best scheduler that is there; for a watch only one that keeps it going.
fn best(watches: bool) -> Result<Scheduler> {
    if host::System::here().name == "Darwin" {
        return Ok(Scheduler::Launchd);
    }
    if scheduler::has_systemd() {
        return Ok(Scheduler::Systemd);
    }
    if watches {
        return Err(Error::blocked(
            "systemd does not run for this user, so nothing keeps a watch going",
        )
        .hint("let something else keep 'git sync watch' going")
        .hint("git sync schedule install   syncs every so often"));
    }
    if scheduler::has_cron() {
        return Ok(Scheduler::Cron);
    }
    Err(
        Error::blocked("there is neither systemd for this user nor cron")
            .hint("install cron, or let each shell start a sync: git sync --background"),
    )
}

/// The name of a job for its scheduler; `watches` says that it is a watch.
fn name(kind: Scheduler, id: &str, watches: bool) -> String {
    match kind {
        Scheduler::Systemd if watches => format!("git-sync-{id}.service"),
        Scheduler::Systemd => format!("git-sync-{id}.timer"),
        Scheduler::Launchd => format!("org.git-sync.{id}"),
        Scheduler::Cron => format!("git-sync {id}"),
    }
}

/// The files of a job; cron keeps its own.
fn files(kind: Scheduler, id: &str) -> Result<Vec<PathBuf>> {
    let home =
        || env::home().ok_or_else(|| Error::fatal("HOME is not set, so nothing can be scheduled"));
    Ok(match kind {
        Scheduler::Systemd => {
            let config = match env::get(env::XDG_CONFIG_HOME) {
                Some(config) => PathBuf::from(config),
                None => home()?.join(".config"),
            };
            let units = config.join("systemd/user");
            let unit = |kind: &str| units.join(format!("git-sync-{id}.{kind}"));
            vec![unit("service"), unit("timer")]
        }
        Scheduler::Launchd => {
            let agents = home()?.join("Library/LaunchAgents");
            vec![agents.join(format!("org.git-sync.{id}.plist"))]
        }
        Scheduler::Cron => Vec::new(),
    })
}

fn make(kind: Scheduler, job: &Job) -> Result<()> {
    let files = files(kind, &job.id)?;
    if let Some(folder) = files.first().and_then(|file| file.parent()) {
        fs::create_dir_all(folder)?;
    }
    let write = |file: &Path, text: &str| fs::write_atomic(file, text.as_bytes(), Durable::Yes);
    match (kind, &*files) {
        (Scheduler::Systemd, [service, timer]) => {
            let new_timer = job.timer();
            let name = name(kind, &job.id, new_timer.is_none());
            if let Some(other) = systemd_unit(&job.id)?.filter(|other| *other != name) {
                scheduler::systemctl(&["disable", "--now", &other])?;
            }
            write(service, &job.service())?;
            match new_timer {
                Some(text) => write(timer, &text)?,
                None => fs::remove_file(timer)?,
            }
            scheduler::systemctl(&["daemon-reload"])?;
            scheduler::systemctl(&["enable", &name])?;
            // One that runs already would go on as before.
            scheduler::systemctl(&["restart", &name])
        }
        (Scheduler::Launchd, [plist]) => {
            let agent = job.agent().ok_or_else(|| {
                Error::new(Kind::Usage, "so many moments cannot be told to launchd")
                    .hint("--every 15m   is one of those that can")
            })?;
            write(plist, &agent)?;
            scheduler::bootstrap(&job.label(), &plist.display().to_string())
        }
        _ => match job.in_crontab(&scheduler::crontab()?) {
            Some(table) => scheduler::write_crontab(&table),
            None => Ok(()),
        },
    }
}

/// The unit that is enabled for this job: the timer, or of a watch the service; `None` where there is neither.
fn systemd_unit(id: &str) -> Result<Option<String>> {
    for (file, watches) in files(Scheduler::Systemd, id)?
        .iter()
        .rev()
        .zip([false, true])
    {
        if fs::look(file)?.is_some() {
            return Ok(Some(name(Scheduler::Systemd, id, watches)));
        }
    }
    Ok(None)
}

/// Takes a job away; `false` where there was none.
fn take_away(kind: Scheduler, id: &str) -> Result<bool> {
    if !is_there(kind, id)? {
        return Ok(false);
    }
    match kind {
        Scheduler::Systemd => {
            // A manager that does not run has nothing to forget.
            let runs = scheduler::has_systemd();
            if let Some(unit) = systemd_unit(id)?.filter(|_| runs) {
                scheduler::systemctl(&["disable", "--now", &unit])?;
            }
            remove_files(kind, id)?;
            if runs {
                scheduler::systemctl(&["daemon-reload"])?;
            }
        }
        Scheduler::Launchd => {
            scheduler::bootout(&name(kind, id, false))?;
            remove_files(kind, id)?;
        }
        Scheduler::Cron => {
            let table = scheduler::crontab()?;
            if let Some(table) = schedule::without(&table, id) {
                scheduler::write_crontab(&table)?;
            }
        }
    }
    Ok(true)
}

fn remove_files(kind: Scheduler, id: &str) -> Result<()> {
    for file in files(kind, id)? {
        fs::remove_file(&file)?;
    }
    Ok(())
}

fn is_there(kind: Scheduler, id: &str) -> Result<bool> {
    if kind == Scheduler::Cron {
        return Ok(scheduler::has_cron() && schedule::without(&scheduler::crontab()?, id).is_some());
    }
    if env::home().is_none() {
        return Ok(false);
    }
    for file in files(kind, id)? {
        if fs::look(&file)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn look(ctx: &Context<'_>, kind: Scheduler, id: &str) -> Result<Option<Standing>> {
    if !is_there(kind, id)? {
        return Ok(None);
    }
    let (mut files, mut text) = (files(kind, id)?, String::new());
    for file in &files {
        text.push_str(&fs::read_text(file)?.unwrap_or_default());
    }
    let watches = schedule::when_in_file(&text) == Some(schedule::When::Changes);
    let name = name(kind, id, watches);
    files.truncate(if watches { 1 } else { 2 });
    let mut next = None;
    let (active, when) = match kind {
        Scheduler::Systemd => {
            next = scheduler::next_of_unit(&name).ok().flatten();
            (next.is_some(), schedule::when_in_file(&text))
        }
        Scheduler::Launchd => (
            scheduler::is_bootstrapped(&name).unwrap_or(false),
            schedule::when_in_file(&text),
        ),
        Scheduler::Cron => {
            text = scheduler::crontab()?;
            (true, schedule::when_in_crontab(&text, id))
        }
    };
    let pitfalls = [
        (!active).then_some(if watches {
            Pitfall::Down
        } else {
            Pitfall::Inactive
        }),
        program()?
            .to_str()
            .is_some_and(|program| !text.contains(program))
            .then_some(Pitfall::Stale),
        no_linger(kind).map(Pitfall::NoLinger),
        needs_agent(ctx).then_some(Pitfall::Agent),
    ];
    Ok(Some(Standing {
        scheduler: kind,
        name,
        when,
        next: next.filter(|next| !next.is_empty()),
        files,
        pitfalls: pitfalls.into_iter().flatten().collect(),
    }))
}

/// The user whose services end with their last login, where that is so: loginctl(1) "enable-linger".
fn no_linger(kind: Scheduler) -> Option<String> {
    let user = host::login_name().filter(|_| kind == Scheduler::Systemd)?;
    let root = host::System::here().root;
    let lingers = root.join("var/lib/systemd/linger").join(&user).exists();
    (!lingers).then_some(user)
}

/// Are the keys for the remote those of an agent, as far as that can be seen from here?
fn needs_agent(ctx: &Context<'_>) -> bool {
    let remotes = ctx.repo.remotes();
    let mut urls = remotes.iter().filter_map(|name| ctx.repo.remote_url(name));
    env::get(env::SSH_AUTH_SOCK).is_some() && urls.any(|url| url::is_ssh(&url))
}
