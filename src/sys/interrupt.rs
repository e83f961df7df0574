//! SIGINT and SIGTERM: remembered, and obeyed between two steps.
//!
//! A run is not torn out of a step: a publish takes milliseconds, and every child of the foreground
//! gets the signal itself. `git sync` is a child of git, which forwards the signal, so several that
//! come close together are one wish and not a harder one.

use crate::error::{Error, Kind, Result};
use std::io::Read as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

static CAUGHT: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// Starts to remember the signals.
pub fn watch() -> std::io::Result<()> {
    let flag = CAUGHT.get_or_init(Arc::default);
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        let number = usize::try_from(signal).unwrap_or_default();
        signal_hook::flag::register_usize(signal, Arc::clone(flag), number)?;
    }
    Ok(())
}

/// Calls `hears` once, from a thread of its own, when one comes: for who waits for something else. [`caught`]
/// knows it by then.
pub fn wake(hears: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let (mut read, write) = UnixStream::pair()?;
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
    }
    std::thread::spawn(move || {
        if read.read_exact(&mut [0]).is_ok() {
            hears();
        }
    });
    Ok(())
}

/// The signal that came, if one did.
pub fn caught() -> Option<u8> {
    let number = CAUGHT.get()?.load(Ordering::Relaxed);
    u8::try_from(number).ok().filter(|number| *number != 0)
}

/// An error if a signal came: call it before a step that need not be taken.
pub fn check() -> Result<()> {
    match caught() {
        Some(_) => Err(Error::new(Kind::Interrupted, "interrupted")
            .hint("nothing is lost; the next 'git sync' finishes")),
        None => Ok(()),
    }
}
