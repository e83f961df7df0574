//! Programs: what people do on their machines, one move a line, to be printed and read.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::names::Name;

/// What is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Sync,
    Background,
    Status,
    /// `mark`, with `--copy` or without.
    Mark(Name, bool),
    Unmark(Name),
    /// `mark --repair`: where it would ask, the repository's copies.
    Repair,
    /// `resolve`, of one path or of all.
    Resolve(Side, Option<Name>),
    ForcePull,
    ForcePush,
    Backup,
    Restore(Name),
}

/// How a held path is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Ours,
    Theirs,
    Undo,
}

/// How a run dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// All that it has started dies with it, before git is started for the nth time.
    Git,
    /// It alone dies, at its nth change of the file system; a git that it has started goes on.
    Change,
}

/// What somebody does on a machine. What makes no sense when its turn comes is passed over, so that any
/// part of a program is a program too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Changes a line, or adds one at the end.
    Edit(Name, usize),
    /// Writes it anew: as text, as no text, with nothing in it.
    Rewrite(Name),
    Binary(Name),
    Empty(Name),
    /// Puts a new file in its place, as editors do.
    Save(Name),
    /// Makes a folder of it, or a link.
    Folder(Name),
    Link(Name),
    Delete(Name),
    Rename(Name, Name),
    /// Makes it executable, or not.
    Chmod(Name),
    /// Adds it to the index, also what is ignored.
    Stage(Name),
    Commit,
    Fetch,
    Push,
    Gc,
    /// Sets the policy for a path.
    Policy(Name, usize),
    /// The remote goes away for this machine, and comes back.
    Offline,
    Online,
    Run(Line),
    Kill(Death, usize, Line),
    /// A sync, in which a file is saved before git is started for the nth time.
    During(usize, Name),
    /// This machine and another one sync at once.
    Meet(usize),
    /// Many syncs at once on this machine.
    Crowd,
}

/// The policies that a move sets.
pub(super) const POLICIES: [&str; 6] = ["ours", "theirs", "newest", "union", "both", "hold"];

/// A program, and for how many machines it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) machines: usize,
    pub(super) steps: Vec<(usize, Move)>,
}

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "machines {}", self.machines)?;
        for (who, step) in &self.steps {
            writeln!(f, "{who} {step}")?;
        }
        Ok(())
    }
}

impl FromStr for Program {
    type Err = String;

    /// Reads what is printed; `#` begins a comment.
    fn from_str(text: &str) -> Result<Self, String> {
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim());
        let mut lines = lines.filter(|line| !line.is_empty());
        let first = lines.next().and_then(|line| line.strip_prefix("machines "));
        let machines = first.and_then(|number| number.parse().ok());
        let machines = machines.ok_or("the first line is 'machines N'")?;
        let step = |line: &str| {
            let (who, rest) = line.split_once(' ').ok_or("too short")?;
            let who = who.parse().map_err(|_| "no number of a machine")?;
            if !(1..=machines).contains(&who) {
                return Err("no such machine");
            }
            Ok((who, rest.parse()?))
        };
        let steps = lines.map(|line| step(line).map_err(|why| format!("'{line}': {why}")));
        Ok(Self {
            machines,
            steps: steps.collect::<Result<_, _>>()?,
        })
    }
}

impl Display for Move {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edit(name, line) => write!(f, "edit {} {line}", name.word()),
            Self::Rewrite(name) => write!(f, "rewrite {}", name.word()),
            Self::Binary(name) => write!(f, "binary {}", name.word()),
            Self::Empty(name) => write!(f, "empty {}", name.word()),
            Self::Save(name) => write!(f, "save {}", name.word()),
            Self::Folder(name) => write!(f, "folder {}", name.word()),
            Self::Link(name) => write!(f, "link {}", name.word()),
            Self::Delete(name) => write!(f, "delete {}", name.word()),
            Self::Rename(from, to) => write!(f, "rename {} {}", from.word(), to.word()),
            Self::Chmod(name) => write!(f, "chmod {}", name.word()),
            Self::Stage(name) => write!(f, "stage {}", name.word()),
            Self::Commit => write!(f, "commit"),
            Self::Fetch => write!(f, "fetch"),
            Self::Push => write!(f, "push"),
            Self::Gc => write!(f, "gc"),
            Self::Policy(name, policy) => write!(f, "policy {} {}", name.word(), POLICIES[*policy]),
            Self::Offline => write!(f, "offline"),
            Self::Online => write!(f, "online"),
            Self::Run(line) => line.fmt(f),
            Self::Kill(Death::Git, point, line) => write!(f, "kill git {point} {line}"),
            Self::Kill(Death::Change, point, line) => write!(f, "kill change {point} {line}"),
            Self::During(point, name) => write!(f, "during {point} {}", name.word()),
            Self::Meet(other) => write!(f, "meet {other}"),
            Self::Crowd => write!(f, "crowd"),
        }
    }
}

impl FromStr for Move {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: Vec<_> = text.split(' ').collect();
        Ok(match *words {
            ["edit", name, line] => Self::Edit(named(name)?, number(line)?),
            ["rewrite", name] => Self::Rewrite(named(name)?),
            ["binary", name] => Self::Binary(named(name)?),
            ["empty", name] => Self::Empty(named(name)?),
            ["save", name] => Self::Save(named(name)?),
            ["folder", name] => Self::Folder(named(name)?),
            ["link", name] => Self::Link(named(name)?),
            ["delete", name] => Self::Delete(named(name)?),
            ["rename", from, to] => Self::Rename(named(from)?, named(to)?),
            ["chmod", name] => Self::Chmod(named(name)?),
            ["stage", name] => Self::Stage(named(name)?),
            ["commit"] => Self::Commit,
            ["fetch"] => Self::Fetch,
            ["push"] => Self::Push,
            ["gc"] => Self::Gc,
            ["policy", name, word] => {
                let policy = POLICIES.iter().position(|known| *known == word);
                Self::Policy(named(name)?, policy.ok_or("no such policy")?)
            }
            ["offline"] => Self::Offline,
            ["online"] => Self::Online,
            ["kill", "git", point, ..] => {
                Self::Kill(Death::Git, number(point)?, line(&words[3..])?)
            }
            ["kill", "change", point, ..] => {
                Self::Kill(Death::Change, number(point)?, line(&words[3..])?)
            }
            ["during", point, name] => Self::During(number(point)?, named(name)?),
            ["meet", other] => Self::Meet(number(other)?),
            ["crowd"] => Self::Crowd,
            _ => Self::Run(line(&words)?),
        })
    }
}

impl Display for Line {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sync => write!(f, "sync"),
            Self::Background => write!(f, "background"),
            Self::Status => write!(f, "status"),
            Self::Mark(name, false) => write!(f, "mark {}", name.word()),
            Self::Mark(name, true) => write!(f, "mark-copy {}", name.word()),
            Self::Unmark(name) => write!(f, "unmark {}", name.word()),
            Self::Repair => write!(f, "repair"),
            Self::Resolve(side, None) => write!(f, "{}", side.word()),
            Self::Resolve(side, Some(name)) => write!(f, "{} {}", side.word(), name.word()),
            Self::ForcePull => write!(f, "force-pull"),
            Self::ForcePush => write!(f, "force-push"),
            Self::Backup => write!(f, "backup"),
            Self::Restore(name) => write!(f, "restore {}", name.word()),
        }
    }
}

fn line(words: &[&str]) -> Result<Line, &'static str> {
    Ok(match *words {
        ["sync"] => Line::Sync,
        ["background"] => Line::Background,
        ["status"] => Line::Status,
        ["mark", name] => Line::Mark(named(name)?, false),
        ["mark-copy", name] => Line::Mark(named(name)?, true),
        ["unmark", name] => Line::Unmark(named(name)?),
        ["repair"] => Line::Repair,
        ["force-pull"] => Line::ForcePull,
        ["force-push"] => Line::ForcePush,
        ["backup"] => Line::Backup,
        ["restore", name] => Line::Restore(named(name)?),
        [side] => Line::Resolve(sided(side)?, None),
        [side, name] => Line::Resolve(sided(side)?, Some(named(name)?)),
        _ => return Err("no such move"),
    })
}

impl Side {
    /// The option for it.
    pub(super) fn option(self) -> &'static str {
        match self {
            Self::Ours => "--ours",
            Self::Theirs => "--theirs",
            Self::Undo => "--undo",
        }
    }

    /// The word for it in a program.
    fn word(self) -> &'static str {
        self.option().trim_start_matches('-')
    }
}

fn sided(word: &str) -> Result<Side, &'static str> {
    let all = [Side::Ours, Side::Theirs, Side::Undo];
    let mut all = all.into_iter();
    all.find(|side| side.word() == word).ok_or("no such move")
}

fn named(word: &str) -> Result<Name, &'static str> {
    Name::parse(word).ok_or("no such name")
}

fn number(word: &str) -> Result<usize, &'static str> {
    word.parse().map_err(|_| "no number")
}
