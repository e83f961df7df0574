//! The repositories: for every contestant a bare remote and a clone of the same history.
//!
//! They are built once a size. A timed run ends with both sides in agreement, which is where the
//! next one starts: nothing has to be reset between rounds, cases and transports.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::contestants::Contestant;
use crate::sandbox::{Outcome, Sandbox, make_dir};
use crate::transport::{Network, Transport};

/// Files in one directory, and directories in one group.
const FAN_OUT: usize = 50;

/// The repositories of one size.
#[derive(Debug)]
pub(crate) struct World {
    /// Files in each repository.
    pub(crate) files: usize,
    /// One for each contestant, in the order of a round.
    pub(crate) seats: Vec<Seat>,
    /// Where they are.
    dir: PathBuf,
}

/// One contestant's remote and clone.
#[derive(Debug)]
pub(crate) struct Seat {
    /// Whose it is.
    pub(crate) who: Contestant,
    /// The bare repository.
    pub(crate) origin: PathBuf,
    /// The clone.
    pub(crate) clone: PathBuf,
}

impl World {
    /// Builds the history once and gives every contestant a copy.
    pub(crate) fn build(sandbox: &Sandbox, files: usize, who: &[Contestant]) -> Outcome<Self> {
        if files < 4 {
            return Err(format!(
                "{files} files are too few to change one here and one there"
            ));
        }
        eprintln!("building {files} files");
        let dir = tempfile::Builder::new()
            .prefix("w")
            .tempdir_in(sandbox.path(""))
            .map_err(|error| format!("no directory for the repositories: {error}"))?
            .keep();
        let seed = dir.join("seed.git");
        build_seed(sandbox, &seed, files)?;
        let seat = |&who: &Contestant| Seat::build(sandbox, &dir, &seed, who);
        let seats = who.iter().map(seat).collect::<Outcome<Vec<_>>>()?;
        Ok(Self { files, seats, dir })
    }

    /// Points every clone at its remote over `transport`.
    pub(crate) fn connect(
        &self,
        sandbox: &Sandbox,
        network: &Network,
        transport: Transport,
    ) -> Outcome<()> {
        self.seats
            .iter()
            .try_for_each(|seat| seat.set_url(sandbox, &network.url(transport, &seat.origin)))
    }

    /// Points every clone at its remote by its path.
    pub(crate) fn connect_to_files(&self, sandbox: &Sandbox) -> Outcome<()> {
        self.seats.iter().try_for_each(|seat| {
            seat.set_url(sandbox, &format!("file://{}", seat.origin.display()))
        })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // What is left goes with the sandbox.
        std::fs::remove_dir_all(&self.dir).ok();
    }
}

impl Seat {
    /// Copies the history for `who`, clones it and, for `git-sync`, enrols the clone.
    fn build(sandbox: &Sandbox, dir: &Path, seed: &Path, who: Contestant) -> Outcome<Self> {
        let seat = Self {
            who,
            origin: dir.join(format!("{}.git", who.name())),
            clone: dir.join(who.name()),
        };
        let (seed, origin, clone) = (text(seed)?, text(&seat.origin)?, text(&seat.clone)?);
        sandbox.git(dir, &["clone", "-q", "--bare", seed, origin])?;
        sandbox.git(dir, &["clone", "-q", origin, clone])?;
        if who == Contestant::GitSync {
            seat.enrol(sandbox)?;
        }
        seat.settle(sandbox)?;
        Ok(seat)
    }

    /// Hands the clone over to `git-sync`, whose set-up ends with a first sync.
    fn enrol(&self, sandbox: &Sandbox) -> Outcome<()> {
        sandbox.git(&self.clone, &["config", "sync.enabled", "true"])?;
        let program = sandbox.program.clone().into_os_string();
        sandbox
            .time(
                &self.clone,
                &[vec![program, "--setup".into(), "--yes".into()]],
            )
            .map(drop)
    }

    /// Makes the index newer than every file, so that no later scan has to look into one.
    fn settle(&self, sandbox: &Sandbox) -> Outcome<()> {
        std::thread::sleep(std::time::Duration::from_millis(1100));
        let refresh = ["update-index", "-q", "--refresh", "--force-write-index"];
        sandbox.git(&self.clone, &refresh).map(drop)
    }

    /// Points the clone at `url`.
    fn set_url(&self, sandbox: &Sandbox, url: &str) -> Outcome<()> {
        sandbox
            .git(&self.clone, &["remote", "set-url", "origin", url])
            .map(drop)
    }
}

/// The path of file number `index`.
pub(crate) fn path_of(index: usize) -> String {
    let dir = index / FAN_OUT;
    format!("group{}/app{dir}/file{index}.conf", dir / FAN_OUT)
}

/// A bare repository with one commit of `files` files.
fn build_seed(sandbox: &Sandbox, seed: &Path, files: usize) -> Outcome<()> {
    make_dir(seed)?;
    sandbox.git(seed, &["init", "-q", "--bare"])?;
    let args = ["fast-import", "--quiet", "--date-format=now"];
    sandbox.git_fed(seed, &args, &seed_stream(files)).map(drop)
}

/// The commit, in the words of `git fast-import`.
fn seed_stream(files: usize) -> String {
    let mut stream = String::from(
        "commit refs/heads/main\ncommitter Bench <bench@example.invalid> now\ndata 5\nseed\n\n",
    );
    for index in 0..files {
        let (path, content) = (path_of(index), content_of(index));
        let length = content.len();
        writeln!(stream, "M 100644 inline {path}\ndata {length}\n{content}")
            .expect("a string takes everything");
    }
    stream
}

/// About a kilobyte of settings, different in every file.
fn content_of(index: usize) -> String {
    let mut content = String::new();
    for line in 0..30 {
        writeln!(content, "option.{line:02} = value {index} of this file")
            .expect("a string takes everything");
    }
    content
}

/// `path` as text; ours are.
fn text(path: &Path) -> Outcome<&str> {
    path.to_str()
        .ok_or_else(|| format!("{} is not UTF-8", path.display()))
}
