//! Shows how far something is, to a person who waits for it: on stderr, in one line that comes when it
//! takes a while and goes when it is over.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What takes no longer than this is not shown.
pub const UNSEEN: Duration = Duration::from_millis(300);

/// So often is the line written anew.
const REFRESH: Duration = Duration::from_millis(100);

/// Goes to the start of the line and empties it.
pub const ERASE: &str = "\r\x1b[K";

/// How many are done; shared with whoever does them.
pub type Counter = Arc<AtomicUsize>;

/// Something that is being done, shown until this is dropped.
#[derive(Debug)]
pub struct Progress {
    done: Counter,
    shown: Option<Shown>,
}

#[derive(Debug)]
struct Shown {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Progress {
    /// Nobody is shown how far it is.
    pub fn hidden() -> Self {
        Self {
            done: Counter::default(),
            shown: None,
        }
    }

    /// `what` is to be done `total` times; 0 where that is not known.
    pub fn shown(what: &'static str, total: usize) -> Self {
        Self::shown_as(move |done, _| line(what, done, total))
    }

    /// `what` is to be done, and its bytes are counted.
    pub fn shown_in_bytes(what: &'static str) -> Self {
        Self::shown_as(move |done, time| bytes_line(what, done, time))
    }

    fn shown_as(told: impl Fn(usize, Duration) -> String + Send + 'static) -> Self {
        let done = Counter::default();
        let (stop, stopped) = mpsc::channel();
        let counter = Arc::clone(&done);
        let start = Instant::now();
        let thread = std::thread::spawn(move || {
            let mut wait = UNSEEN;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                wait = REFRESH;
                write(&told(counter.load(Ordering::Relaxed), start.elapsed()));
            }
            if start.elapsed() > UNSEEN {
                write(ERASE);
            }
        });
        Self {
            done,
            shown: Some(Shown { stop, thread }),
        }
    }

    /// One more is done.
    pub fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// What counts those that are done.
    pub fn counter(&self) -> Counter {
        Arc::clone(&self.done)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(Shown { stop, thread }) = self.shown.take() {
            drop(stop);
            // The line is gone before anything else is said.
            drop(thread.join());
        }
    }
}

/// `  Writing files:  45% (450/1000)`, as git says it.
fn line(what: &str, done: usize, total: usize) -> String {
    match (done.min(total) * 100).checked_div(total) {
        Some(percent) => format!(
            "{ERASE}  {what}: {percent:3}% ({}/{total})",
            done.min(total)
        ),
        None => format!("{ERASE}  {what}"),
    }
}

/// `  Backing up: 12 MiB, 120 MiB/s`.
fn bytes_line(what: &str, done: usize, time: Duration) -> String {
    let millis = time.as_millis().max(1);
    let rate = (done as u128).saturating_mul(1000) / millis;
    let mib = |bytes: u128| bytes >> 20;
    let (done, rate) = (mib(done as u128), mib(rate));
    format!("{ERASE}  {what}: {done} MiB, {rate} MiB/s")
}

fn write(text: &str) {
    // That nobody watches any more is no reason to stop.
    let mut stderr = std::io::stderr().lock();
    drop(
        stderr
            .write_all(text.as_bytes())
            .and_then(|()| stderr.flush()),
    );
}

#[cfg(test)]
mod tests {
    use super::{bytes_line, line};
    use std::time::Duration;

    #[test]
    fn bytes_come_with_how_fast_they_come() {
        let line = bytes_line("Backing up", 90 << 20, Duration::from_secs(3));
        assert_eq!(line.split_at(4).1, "  Backing up: 90 MiB, 30 MiB/s");
    }

    #[test]
    fn a_line_tells_how_many_of_how_many() {
        let shown = |done, total| line("Writing files", done, total).split_off(4);
        assert_eq!(shown(0, 200), "  Writing files:   0% (0/200)");
        assert_eq!(shown(90, 200), "  Writing files:  45% (90/200)");
        assert_eq!(shown(300, 200), "  Writing files: 100% (200/200)");
        assert_eq!(shown(7, 0), "  Writing files");
    }
}
