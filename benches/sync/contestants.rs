//! Who is measured, and what they type.

use std::fmt;

use crate::cases::{Arranged, Case};
use crate::sandbox::{Outcome, Sandbox, Step, step};
use crate::world::Seat;

/// Who is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Contestant {
    /// `git-sync`.
    GitSync,
    /// What people type without it.
    Peer,
    /// The least that has to cross the wire to know whether anything happened.
    Fetch,
}

/// The fetch that writes nothing but the tracking branch.
const LEAN_FETCH: [&str; 7] = [
    "git",
    "fetch",
    "--no-auto-maintenance",
    "--no-write-fetch-head",
    "--no-tags",
    "origin",
    "+refs/heads/main:refs/remotes/origin/main",
];

impl Contestant {
    /// Everybody in the order of a round, perhaps without `git-sync`.
    pub(crate) fn all(peers_only: bool) -> Vec<Self> {
        let everybody = [Self::GitSync, Self::Peer, Self::Fetch];
        everybody
            .into_iter()
            .filter(|&who| who != Self::GitSync || !peers_only)
            .collect()
    }

    /// A short name, fit for a directory.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::GitSync => "sync",
            Self::Peer => "pull",
            Self::Fetch => "fetch",
        }
    }

    /// Whether they do anything about a change in the work tree.
    pub(crate) fn settles_work_tree(self) -> bool {
        self != Self::Fetch
    }

    /// What they type to settle `case`.
    pub(crate) fn steps(self, sandbox: &Sandbox, case: Case) -> Vec<Step> {
        match self {
            Self::GitSync => vec![step([&sandbox.program])],
            Self::Peer => peer_steps(case),
            Self::Fetch => vec![step(LEAN_FETCH)],
        }
    }

    /// Fails unless the run did what it was for.
    pub(crate) fn check(self, sandbox: &Sandbox, seat: &Seat, arranged: &Arranged) -> Outcome<()> {
        match self {
            Self::GitSync | Self::Peer => arranged.check_synced(sandbox, seat),
            Self::Fetch => check_fetched(sandbox, seat),
        }
        .map_err(|error| format!("wrong outcome of {self}: {error}\n{}", sandbox.last_talk()))
    }
}

/// Fails unless `seat` knows where the remote's branch is.
fn check_fetched(sandbox: &Sandbox, seat: &Seat) -> Outcome<()> {
    let known = sandbox.git(&seat.clone, &["rev-parse", "refs/remotes/origin/main"])?;
    let there = sandbox.git(&seat.origin, &["rev-parse", "refs/heads/main"])?;
    if known == there {
        Ok(())
    } else {
        Err(format!("knows {known}, there is {there}"))
    }
}

/// Pull and push, after a commit where there is something to commit.
fn peer_steps(case: Case) -> Vec<Step> {
    let commit = [
        step(["git", "add", "-A"]),
        step(["git", "commit", "-qm", "x"]),
    ];
    let meet = [
        step(["git", "pull", "-q", "--rebase", "--autostash"]),
        step(["git", "push", "-q"]),
    ];
    let commit = commit.into_iter().filter(|_| case.is_local());
    commit.chain(meet).collect()
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GitSync => "git-sync",
            Self::Peer => "pull && push",
            Self::Fetch => "fetch",
        })
    }
}
