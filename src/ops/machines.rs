//! The machines that sync with the same remote, and how each was when it last did.

use super::{Context, guard};
use crate::error::{Error, Kind, Result};
use crate::git::remote::Unreachable;
use crate::git::transport::Transport;
use crate::model::heartbeat::{Heartbeat, PREFIX, ref_name};

/// How it is looked.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Leave the network alone: what was known last.
    pub offline: bool,
    /// Forget this machine, here and at the remote.
    pub forget: Option<String>,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What it left.
    pub beat: Heartbeat,
    /// Is it this one?
    pub is_this: bool,
    /// So many commits of the remote it has not; `None` where that is not known here.
    pub behind: Option<usize>,
}

/// The machines.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Those that are known, by name.
    pub machines: Vec<Known>,
    /// Why the remote could not be asked: they are as they were known last.
    pub unreachable: Option<Unreachable>,
}

/// Asks the remote for the machines.
pub fn machines(ctx: &Context<'_>, options: &Options) -> Result<Outcome> {
    let repo = ctx.repo;
    let ready = guard::check(ctx)?;
    let Some(upstream) = &ready.upstream else {
        return Err(Error::blocked(
            "there is no remote, so there are no other machines",
        ));
    };
    let transport = Transport::single(repo);
    if let Some(machine) = &options.forget {
        let name = ref_name(machine);
        if !repo.remove_there(&transport, &upstream.remote, &name)? {
            return Err(Error::failed(format!("'{machine}' could not be forgotten"))
                .hint("git sync machines   lists those that are known"));
        }
    }
    let unreachable = if options.offline {
        None
    } else {
        repo.fetch_below(&transport, &upstream.remote, PREFIX)?
    };
    let theirs = repo.last_seen(&upstream.tracking)?;
    let mut outcome = Outcome {
        unreachable,
        ..Outcome::default()
    };
    for name in repo.refs_below(PREFIX)? {
        let Some(oid) = repo.resolve(&name)? else {
            continue;
        };
        let Some(beat) = Heartbeat::parse(&repo.blob(&oid)?) else {
            continue;
        };
        let behind = match &theirs {
            Some(theirs) if repo.has_commit(&beat.tip) => {
                Some(repo.ahead_behind(&beat.tip, theirs)?.1)
            }
            _ => None,
        };
        outcome.machines.push(Known {
            is_this: beat.machine == ctx.machine.id,
            beat,
            behind,
        });
    }
    Ok(outcome)
}

/// That the remote could not be asked, as an error.
pub fn not_reached(why: &Unreachable) -> Error {
    Error::new(
        Kind::Unreachable,
        format!("the remote was not reached: {}", why.why),
    )
    .hint("git sync machines --offline   shows what was known last")
}
