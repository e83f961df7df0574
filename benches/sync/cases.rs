//! What has changed before a sync.

use std::fmt;
use std::fs;

use clap::ValueEnum;

use crate::measure::Round;
use crate::sandbox::{Outcome, Sandbox, write};
use crate::world::{Seat, World, path_of};

/// What has changed before a sync.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Case {
    /// Nothing.
    Noop,
    /// One file in the work tree.
    Local,
    /// One file in the remote's branch.
    Remote,
    /// One file here and another one there.
    Both,
}

impl Case {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Noop, Self::Local, Self::Remote, Self::Both];

    /// Whether a file of the work tree changes.
    pub(crate) fn is_local(self) -> bool {
        matches!(self, Self::Local | Self::Both)
    }

    /// Whether the remote's branch moves.
    pub(crate) fn is_remote(self) -> bool {
        matches!(self, Self::Remote | Self::Both)
    }

    /// Makes the changes of `round` for `seat`, whose two sides agree until now.
    pub(crate) fn arrange(
        self,
        sandbox: &Sandbox,
        world: &World,
        seat: &Seat,
        round: Round,
    ) -> Outcome<Arranged> {
        let mut arranged = Arranged::default();
        if self.is_remote() {
            let change = Change::new(world.files / 2, world.files, round, "there");
            change.commit_to_origin(sandbox, seat)?;
            arranged.there = Some(change);
        }
        if self.is_local() && seat.who.settles_work_tree() {
            let change = Change::new(0, world.files / 2, round, "here");
            write(&seat.clone.join(&change.path), &change.content)?;
            arranged.here = Some(change);
        }
        Ok(arranged)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Noop => "no-op",
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Both => "both",
        })
    }
}

/// The new content of one file.
#[derive(Debug)]
struct Change {
    /// The file, from the top of the repository.
    path: String,
    /// Its content from now on.
    content: String,
}

impl Change {
    /// Another file in `from..to` for every round, and never the content it has.
    fn new(from: usize, to: usize, round: Round, place: &str) -> Self {
        // A large prime walks over the whole range before it comes back.
        let index = from + (round.number() * 7919) % (to - from);
        let content = format!("# changed {place} in round {}\n", round.number());
        Self {
            path: path_of(index),
            content,
        }
    }

    /// Makes it a commit of the remote's branch, as if another machine had pushed it.
    fn commit_to_origin(&self, sandbox: &Sandbox, seat: &Seat) -> Outcome<()> {
        let stream = format!(
            "commit refs/heads/main\ncommitter Other <other@example.invalid> now\n\
             data 6\nthere\n\nfrom refs/heads/main^0\nM 100644 inline {}\ndata {}\n{}\n",
            self.path,
            self.content.len(),
            self.content
        );
        let args = ["fast-import", "--quiet", "--date-format=now"];
        sandbox.git_fed(&seat.origin, &args, &stream).map(drop)
    }

    /// Fails unless the work tree of `seat` has it.
    fn check(&self, seat: &Seat) -> Outcome<()> {
        let file = seat.clone.join(&self.path);
        match fs::read_to_string(&file) {
            Ok(content) if content == self.content => Ok(()),
            Ok(content) => Err(format!("{} has {content:?}", file.display())),
            Err(error) => Err(format!("{}: {error}", file.display())),
        }
    }
}

/// The changes of one run, to be found again after it.
#[derive(Debug, Default)]
pub(crate) struct Arranged {
    /// The file changed in the work tree.
    here: Option<Change>,
    /// The file changed in the remote.
    there: Option<Change>,
}

impl Arranged {
    /// Fails unless both sides of `seat` agree, have both changes and nothing is left over.
    pub(crate) fn check_synced(&self, sandbox: &Sandbox, seat: &Seat) -> Outcome<()> {
        let here = sandbox.git(&seat.clone, &["rev-parse", "refs/heads/main"])?;
        let there = sandbox.git(&seat.origin, &["rev-parse", "refs/heads/main"])?;
        if here != there {
            return Err(format!("here is {here}, there is {there}"));
        }
        let head = sandbox.git(&seat.clone, &["symbolic-ref", "HEAD"])?;
        // Without the optional lock the check does not refresh the index for the next run.
        let status = ["--no-optional-locks", "status", "--porcelain"];
        let left = sandbox.git(&seat.clone, &status)?;
        if head != "refs/heads/main" || !left.is_empty() {
            return Err(format!(
                "the work tree is on {head} with {left:?} left over"
            ));
        }
        self.here
            .iter()
            .chain(&self.there)
            .try_for_each(|change| change.check(seat))
    }
}
