//! Leaves at the remote how this machine is: beside what is sent anyway, and else once a day.
//!
//! It is a courtesy. A remote that does not take it is not asked again for a week, and a sync never fails
//! because of it.

use super::Context;
use super::held::Holding;
use crate::error::{Kind, Result};
use crate::git::remote::Beside;
use crate::model::entry::Oid;
use crate::model::heartbeat::{Heartbeat, ref_name};
use crate::store::heartbeat::Told;
use crate::sys::clock;

/// So long is one as good as new, seconds.
const FRESH: i64 = 24 * 60 * 60;

/// So long is a remote that refused one left alone, seconds.
const SULK: i64 = 7 * FRESH;

/// One to be sent beside `tip`; `None` where it is not wanted.
pub(super) fn beside(ctx: &Context<'_>, branch: &str, tip: &Oid) -> Result<Option<Beside>> {
    let refused = Told::read(&ctx.layout)?.and_then(|told| told.refused);
    let sulks =
        refused.is_some_and(|then| (0..SULK).contains(&clock::epoch().saturating_sub(then)));
    if !ctx.settings.heartbeat || sulks {
        return Ok(None);
    }
    let machine = &ctx.machine;
    let mut beat = Heartbeat::new(
        machine.id.clone(),
        machine.kind.word().to_owned(),
        clock::rfc3339(clock::now()),
        branch
            .strip_prefix("refs/heads/")
            .unwrap_or(branch)
            .to_owned(),
        tip.clone(),
    );
    let held = Holding::load(ctx, branch)?.set;
    beat.held = held.iter().map(|held| held.path.to_string()).collect();
    let Ok(mut text) = serde_json::to_vec(&beat) else {
        return Ok(None);
    };
    text.push(b'\n');
    Ok(Some(Beside {
        oid: ctx.repo.write_blob(text)?,
        name: ref_name(&machine.id),
    }))
}

/// Notes that the remote has taken one, or has refused it.
pub(super) fn note(ctx: &Context<'_>, taken: bool) -> Result<()> {
    let now = clock::epoch();
    let told = Told {
        sent: now,
        refused: (!taken).then_some(now),
    };
    told.write(&ctx.layout)
}

/// One to be sent by itself, where the last one is a day old. A machine that has never sent any counts
/// from now on: its first run is not the one to be slower.
pub(super) fn due(ctx: &Context<'_>, branch: &str, tip: &Oid) -> Result<Option<Beside>> {
    if !ctx.settings.heartbeat {
        return Ok(None);
    }
    let now = clock::epoch();
    let Some(told) = Told::read(&ctx.layout)? else {
        let told = Told {
            sent: now,
            refused: None,
        };
        return told.write(&ctx.layout).map(|()| None);
    };
    // A clock that was set back must not silence it until it has caught up.
    if (0..FRESH).contains(&now.saturating_sub(told.sent)) {
        return Ok(None);
    }
    beside(ctx, branch, tip)
}

/// What could be done of it: only that somebody wants an end of the run ends it.
pub(super) fn courtesy<T: Default>(result: Result<T>) -> Result<T> {
    match result {
        Err(error) if error.kind() != Kind::Interrupted => Ok(T::default()),
        result => result,
    }
}
