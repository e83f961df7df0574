//! Syncs when files change, and every so often for what others have changed, until it is ended.
//!
//! Four parts: [`ground`] says which folders are watched and which changes concern us, [`mod@todo`] what a sync
//! would have to do, [`crate::model::pace`] when to look and when to sync, and [`news`] what to say. A sync is a
//! child of its own, so that it is the same as one in the background, and one that breaks takes nothing along.

mod ground;
pub mod news;
mod todo;

use super::marks::list;
use super::{Context, Listener, guard};
use crate::error::{Error, Kind, Result};
use crate::git::Repo;
use crate::model::pace::{Pace, Step, Tempo};
use crate::sys::lock::{self, Lock};
use crate::sys::process::{Ended, Process};
use crate::sys::watch::Watcher;
use crate::sys::{clock, detach, env, interrupt, program};
use ground::Ground;
use news::{Failure, News, Report, Told};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use todo::Todo;

/// Changes that come within this are looked through together.
const GATHER: Duration = Duration::from_millis(100);

/// No wait is longer: a wait does not go on while the machine sleeps, and the clock does.
const GLANCE: Duration = Duration::from_secs(60);

/// A clock that is so much ahead of the waits says that the machine has slept.
const SLEPT: Duration = Duration::from_secs(5);

/// A sync that is asked to end has so long to do it cleanly.
const GRACE: Duration = Duration::from_secs(20);

/// How a watch is run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// In place of `sync.watchDelay`.
    pub delay: Option<Duration>,
    /// In place of `sync.watchInterval`.
    pub interval: Option<Duration>,
}

impl Options {
    fn tempo(self, ctx: &Context<'_>) -> Tempo {
        let usual = ctx.settings.tempo;
        Tempo {
            delay: self.delay.unwrap_or(usual.delay),
            interval: match self.interval {
                None => usual.interval,
                Some(interval) => (!interval.is_zero()).then_some(interval),
            },
        }
    }
}

/// Hears what a watch has to say.
pub type Hears<'a> = &'a dyn Fn(&News);

/// What a watch is told by its other threads.
enum Heard {
    /// Files have changed.
    Changes,
    /// A signal came.
    Signal,
    /// The sync that it had started has ended.
    Ended(Result<Ended>),
}

/// Watches the repository until a signal comes.
///
/// # Errors
/// When there is nothing to watch any more, or somebody else watches it.
pub fn watch(
    repo: &Repo,
    listener: &dyn Listener,
    options: Options,
    hears: Hears<'_>,
) -> Result<()> {
    let ctx = Context::new(repo, listener)?;
    if let Err(error) = guard::check(&ctx)
        && ends_the_watch(&error)
    {
        return Err(error);
    }
    ctx.layout.create()?;
    let _lock = alone(&ctx)?;
    let (tells, heard) = mpsc::channel();
    let (changed, signalled) = (tells.clone(), tells.clone());
    // Who is not there any more need not be told.
    interrupt::wake(move || drop(signalled.send(Heard::Signal)))
        .map_err(|source| Error::failed("signals cannot be watched").because(source))?;
    let watcher = Watcher::new(move || drop(changed.send(Heard::Changes)));
    let now = clock::steady();
    let mut watch = Watch {
        place: Place::of(repo)?,
        program: program::path()
            .map_err(|source| Error::failed("cannot tell where this program is").because(source))?,
        repo: repo.reopened()?,
        listener,
        options,
        hears,
        tells,
        heard,
        watcher,
        ground: Ground::default(),
        pace: Pace::new(options.tempo(&ctx), now),
        told: Told::default(),
        known: Todo::default(),
        running: None,
        has_begun: false,
        clocks: (now, Instant::now()),
    };
    match watch.go_on() {
        // However deep in its work the signal has found it: that is how it is ended.
        Err(error) if error.kind() == Kind::Interrupted => Ok(()),
        // While it goes, it is missed by its parts.
        Err(error) => Err(watch.place.gone().unwrap_or(error)),
        Ok(()) => Ok(()),
    }
}

/// The lock of the watch.
fn alone(ctx: &Context<'_>) -> Result<Lock> {
    let path = ctx.layout.watch_lock();
    let now = clock::epoch();
    Lock::take(&path, Duration::ZERO, now).map_err(|error| {
        let holder = lock::holder(&path).filter(|_| error.kind() == Kind::Busy);
        let Some(holder) = holder else {
            return error;
        };
        let since = clock::ago(now.saturating_sub(holder.since));
        let pid = holder.pid;
        Error::new(
            Kind::Busy,
            format!("this repository is watched already (pid {pid}, {since})"),
        )
        .hint(format!("kill {pid}   ends that watch"))
    })
}

/// Where the repository is, and what makes it the same one.
struct Place {
    top: PathBuf,
    git_dir: PathBuf,
    identity: (u64, u64),
}

impl Place {
    fn of(repo: &Repo) -> Result<Self> {
        let (top, git_dir) = (repo.top().to_owned(), repo.git_dir().to_owned());
        let found = std::fs::metadata(&top)
            .map_err(|source| crate::sys::fs::failed("find", &top, source))?;
        Ok(Self {
            identity: (found.dev(), found.ino()),
            top,
            git_dir,
        })
    }

    /// The error where it is not there any more, or another one is.
    fn gone(&self) -> Option<Error> {
        let found = std::fs::metadata(&self.top).ok();
        let identity = found.map(|found| (found.dev(), found.ino()));
        if identity == Some(self.identity) && self.git_dir.exists() {
            return None;
        }
        let top = self.top.display();
        let error = Error::fatal(format!(
            "the repository '{top}' is gone, so nothing is watched any more"
        ));
        Some(error.hint("where it was moved, start the watch there"))
    }

    /// The repository with its settings of now.
    fn reopen(&self, repo: &Repo) -> Result<Repo> {
        match self.gone() {
            Some(error) => Err(error),
            None => repo.reopened(),
        }
    }
}

struct Watch<'a> {
    place: Place,
    program: PathBuf,
    repo: Repo,
    listener: &'a dyn Listener,
    options: Options,
    hears: Hears<'a>,
    tells: Sender<Heard>,
    heard: Receiver<Heard>,
    watcher: Watcher,
    ground: Ground,
    pace: Pace,
    told: Told,
    /// What the last sync has seen, or left.
    known: Todo,
    /// What there was to do when the sync began that goes on.
    running: Option<Todo>,
    has_begun: bool,
    /// The clock that goes on in a sleep, and the one that does not.
    clocks: (Duration, Instant),
}

impl Watch<'_> {
    fn go_on(&mut self) -> Result<()> {
        loop {
            let span = if self.running.is_some() {
                None
            } else if interrupt::caught().is_some() {
                return Ok(());
            } else {
                self.notice_sleep();
                match self.pace.next(clock::steady()) {
                    Step::Look => {
                        self.look(false)?;
                        continue;
                    }
                    Step::Ask => {
                        self.look(true)?;
                        continue;
                    }
                    Step::Wait(span) => span,
                }
            };
            match self.next(span) {
                Some(Heard::Changes) => self.gather(),
                Some(Heard::Ended(ended)) => self.ended(ended)?,
                Some(Heard::Signal) | None => {}
            }
        }
    }

    /// What happens within `span`; without one, whenever it does.
    fn next(&self, span: Option<Duration>) -> Option<Heard> {
        let heard = match span {
            Some(span) => self.heard.recv_timeout(span.min(GLANCE)),
            None => self.heard.recv().map_err(RecvTimeoutError::from),
        };
        heard.ok()
    }

    fn notice_sleep(&mut self) {
        let (steady, awake) = self.clocks;
        let now = (clock::steady(), Instant::now());
        let waited = now.1.saturating_duration_since(awake);
        if now.0.saturating_sub(steady) > waited + SLEPT {
            self.pace.woke(now.0);
        }
        self.clocks = now;
    }

    /// Looks through the changes that have come.
    fn gather(&mut self) {
        std::thread::sleep(GATHER);
        let changes = self.watcher.take();
        let now = clock::steady();
        if changes.lost {
            let news = self.told.lost();
            self.say(news);
            self.pace.touched(now);
            return;
        }
        // Where the repository is just being removed, the next look says so.
        let concerns = self.repo.rules().map_or(true, |mut rules| {
            let mut paths = changes.paths.iter();
            paths.any(|path| self.ground.concerns(path, &mut rules))
        });
        if concerns {
            self.pace.touched(now);
        }
    }

    /// Looks whether there is something to do, and lets a sync do it; with `ask` in any case.
    fn look(&mut self, ask: bool) -> Result<()> {
        let Some(todo) = self.find()? else {
            return Ok(());
        };
        if ask || todo.is_news_to(&self.known) {
            self.start(todo);
        } else {
            (self.hears)(&News::Looked);
        }
        Ok(())
    }

    /// What there is to do; `None` where something keeps a sync from beginning.
    ///
    /// # Errors
    /// When there is nothing to watch any more.
    fn find(&mut self) -> Result<Option<Todo>> {
        let found = self.examine();
        let now = clock::steady();
        match found {
            Ok(todo) => {
                self.pace.looked(now);
                let news = self.told.goes_on();
                self.say(news);
                Ok(Some(todo))
            }
            Err(error) if ends_the_watch(&error) => Err(error),
            Err(error) => {
                self.is_kept(failure(&error), error.kind() == Kind::Busy);
                Ok(None)
            }
        }
    }

    fn examine(&mut self) -> Result<Todo> {
        self.repo = self.place.reopen(&self.repo)?;
        let ctx = Context::new(&self.repo, self.listener)?;
        let tempo = self.options.tempo(&ctx);
        let now = clock::steady();
        self.pace.follow(tempo, now);
        let marks = list::list(&ctx)?;
        self.ground = Ground::of(&ctx, &marks)?;
        // Before anything is looked at: what changes from now on is told.
        let watched = self.watcher.look_after(self.ground.folders());
        drop(self.watcher.take());
        self.pace.polls(watched.is_err(), now);
        let begins = News::Begins {
            top: self.place.top.clone(),
            folders: self.watcher.count(),
            tempo,
        };
        self.say((!self.has_begun).then_some(begins));
        self.has_begun = true;
        let why = watched.err().map(|error| failure(&error));
        let news = self.told.polls(why, tempo.poll());
        self.say(news);
        Todo::of(&Context::new(&self.repo, self.listener)?, &marks)
    }

    fn is_kept(&mut self, why: Failure, is_busy: bool) {
        let times = self.pace.kept(clock::steady());
        let news = self.told.kept(why, is_busy, times);
        self.say(news);
    }

    /// Starts a sync, in the way of `--background`; what there is `todo` is what it begins with.
    fn start(&mut self, todo: Todo) {
        let mut process = Process::new(&self.program)
            .arg("-C")
            .arg(&self.place.top)
            .arg("--background")
            .cwd(&self.place.top)
            .env(env::WORKER, detach::WATCHED)
            .grace(GRACE);
        if self.repo.is_from_environment() {
            process = process
                .env(env::GIT_DIR, &self.place.git_dir)
                .env(env::GIT_WORK_TREE, &self.place.top);
        }
        let tells = self.tells.clone();
        std::thread::spawn(move || drop(tells.send(Heard::Ended(process.run()))));
        self.running = Some(todo);
    }

    /// Takes in what a sync says of itself.
    fn ended(&mut self, ended: Result<Ended>) -> Result<()> {
        let before = self.running.take().unwrap_or_default();
        if interrupt::caught().is_some() {
            return Ok(());
        }
        let report = match ended {
            Ok(ended) => {
                let report = Report::read(&ended.stdout);
                if report.is_some() {
                    let line = String::from_utf8_lossy(&ended.stdout).into_owned();
                    (self.hears)(&News::Ran(line));
                }
                report.unwrap_or_else(|| Report::silent(&ended.how(), &ended.complaint()))
            }
            Err(error) => Report::failed(failure(&error)),
        };
        if let Some(failure) = report.failure() {
            if report.is_fatal() {
                let error = Error::fatal(failure.message.clone());
                let error = failure.hints.iter().fold(error, Error::hint);
                let causes = failure.causes.join(": ");
                return Err(if causes.is_empty() {
                    error
                } else {
                    error.because(causes)
                });
            }
            if report.is_busy() {
                self.is_kept(failure.clone(), true);
                return Ok(());
            }
        }
        for news in self.told.ran(&report) {
            (self.hears)(&news);
        }
        let echoes = self.pace.echoes();
        self.pace.ended(report.end(), clock::steady());
        let Some(after) = self.find()? else {
            self.known = before;
            return Ok(());
        };
        let known = before.known_after(&after);
        if after.is_news_to(&known) {
            self.known = known;
            self.pace.echoed(echoes, clock::steady());
        } else {
            self.known = after;
        }
        Ok(())
    }

    fn say(&self, news: Option<News>) {
        if let Some(news) = news {
            (self.hears)(&news);
        }
    }
}

/// Is it no use to go on?
fn ends_the_watch(error: &Error) -> bool {
    matches!(error.kind(), Kind::Fatal | Kind::Usage | Kind::Interrupted)
}

fn failure(error: &Error) -> Failure {
    Failure {
        message: error.to_string(),
        causes: error.causes(),
        hints: error.hints().to_vec(),
    }
}
