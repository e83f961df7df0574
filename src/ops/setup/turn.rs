//! One set-up of a repository at a time, and what is left of one that died.

use crate::error::Result;
use crate::git::Repo;
use crate::store::layout::Layout;
use crate::store::leftovers;
use crate::sys::clock;
use crate::sys::lock::Lock;
use std::time::Duration;

/// Waits until nobody else sets the repository up, and cleans up after one that was killed.
///
/// # Errors
/// [`Kind::Busy`](crate::error::Kind::Busy) after `wait`.
pub fn take_turn(repo: &Repo, wait: Duration) -> Result<Lock> {
    let layout = Layout::of(repo);
    layout.create()?;
    let mut lock = Lock::take(&layout.setup_lock(), wait, clock::epoch())?;
    if let Some(since) = lock.predecessor_died() {
        lock.pass_on();
        // What it had half written into the work tree would be committed by the first sync.
        layout.sweep();
        leftovers::remove_locks_on_settings(repo, since)?;
        lock.is_cleaned_up();
    }
    Ok(lock)
}
