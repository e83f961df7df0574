//! `.sync/state`, `.sync/sync-status`, `.sync/last-sync` and `.sync/due`: what a prompt reads without
//! asking us.

use super::layout::Layout;
use crate::error::Result;
use crate::model::due::Due;
use crate::model::state::{Counts, Icons, State, StateLine};
use crate::sys::fs;
use crate::sys::{clock, lock};

/// Writes the state and its icon, each as a whole.
pub fn write(layout: &Layout, icons: Icons, state: State, counts: Counts) -> Result<()> {
    let line = StateLine {
        state,
        counts,
        epoch: clock::epoch(),
        pid: std::process::id(),
    };
    // They can be made again at any time: no need to wait for the disk.
    fs::write_short(&layout.state(), line.print().as_bytes())?;
    let icon = state.icon(icons);
    if fs::read(&layout.icon())?.as_deref() != Some(icon.as_bytes()) {
        fs::write_short(&layout.icon(), icon.as_bytes())?;
    }
    Ok(())
}

/// Tells shells when the next background run is due.
pub fn write_due(layout: &Layout, due: Due) -> Result<()> {
    fs::write_short(&layout.due(), due.print().as_bytes())
}

/// Notes that a sync has just succeeded.
pub fn write_last_sync(layout: &Layout) -> Result<()> {
    let text = format!("{}\n", clock::rfc3339(clock::now()));
    fs::write_short(&layout.last_sync(), text.as_bytes())
}

/// When the last successful sync was, RFC 3339.
pub fn last_sync(layout: &Layout) -> Result<Option<String>> {
    Ok(fs::read_text(&layout.last_sync())?.map(|text| text.trim().to_owned()))
}

/// What was written last, whether it still holds or not.
pub fn written(layout: &Layout) -> Result<Option<StateLine>> {
    let text = fs::read_text(&layout.state())?.unwrap_or_default();
    Ok(StateLine::parse(&text))
}

/// What the last run left; a `syncing` whose process is gone is an error that nobody wrote down.
pub fn read(layout: &Layout) -> Result<Option<StateLine>> {
    Ok(written(layout)?.map(|line| match line.state {
        State::Syncing if lock::holder(&layout.lock()).is_none() => StateLine {
            state: State::Error,
            ..line
        },
        _ => line,
    }))
}
