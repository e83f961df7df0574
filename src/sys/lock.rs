//! One lock of the operating system: the kernel lets go of it when its holder dies.

use super::process;
use crate::error::{Error, Kind, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// A lock that is held until it is dropped.
///
/// Who lets go of it properly leaves the file empty; who died left its name, so that the next
/// holder knows that there may be something to clean up.
#[derive(Debug)]
pub struct Lock {
    file: File,
    died: Option<SystemTime>,
    taken: SystemTime,
    passes_on: bool,
}

/// Who holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// Since when, seconds since 1970.
    pub since: i64,
}

impl Lock {
    /// Takes the lock at `path`, waiting at most `patience`.
    ///
    /// # Errors
    /// [`Kind::Busy`] with the holder named when another process has it.
    pub fn take(path: &Path, patience: Duration, now: i64) -> Result<Self> {
        let start = Instant::now();
        let unusable = |source: io::Error| {
            Error::failed(format!("cannot lock '{}'", path.display())).because(source)
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(unusable)?;
        let mut pause = Duration::from_millis(5);
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(unusable(source)),
                Err(TryLockError::WouldBlock) => {
                    let holder = read_holder(&mut file);
                    // What a dead run had begun to do to the refs is finished in a moment.
                    let patience = if is_dead(holder) {
                        patience.max(LAST_WORDS)
                    } else {
                        patience
                    };
                    if start.elapsed() >= patience {
                        return Err(busy(holder, now));
                    }
                    std::thread::sleep(pause);
                }
            }
            crate::sys::interrupt::check()?;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
        let died = predecessors(&mut file).map_err(unusable)?;
        let since = died.and_then(|died| died.duration_since(SystemTime::UNIX_EPOCH).ok());
        let since = since.map_or(String::new(), |since| format!(" {}", since.as_nanos()));
        let line = format!("{} {now}{since}\n", std::process::id());
        // Written over what is there, and cut off after it: a file that is empty for a moment would
        // say, to whoever comes after a kill in that moment, that nobody has died.
        file.rewind()
            .and_then(|()| file.write_all(line.as_bytes()))
            .and_then(|()| file.set_len(line.len() as u64))
            .and_then(|()| file.sync_data())
            .map_err(unusable)?;
        let taken = file
            .metadata()
            .and_then(|found| found.modified())
            .map_err(unusable)?;
        Ok(Self {
            file,
            died,
            taken,
            passes_on: false,
        })
    }

    /// A second handle of the lock: it is held until both are gone, also in another process.
    pub fn share(&self) -> Result<File> {
        self.file
            .try_clone()
            .map_err(|source| Error::failed("the lock cannot be shared").because(source))
    }

    /// When this lock was taken, by the clock of its file system.
    pub fn taken(&self) -> SystemTime {
        self.taken
    }

    /// Leaves it to the next holder to clean up after one that died.
    pub fn pass_on(&mut self) {
        self.passes_on = self.died.is_some();
    }

    /// There is nothing left to clean up.
    pub fn is_cleaned_up(&mut self) {
        self.passes_on = false;
    }

    /// When the holder before us took the lock, if it died with it.
    pub fn predecessor_died(&self) -> Option<SystemTime> {
        self.died
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.passes_on {
            return;
        }
        // If this fails, the next holder looks for leftovers and finds none.
        drop(self.file.set_len(0));
    }
}

/// A child that outlives its killed parent holds the lock for less than this.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Is the holder that is written down gone, so that only a child of it can hold the lock?
fn is_dead(holder: Option<Holder>) -> bool {
    // A holder that is only just writing itself down has no number yet.
    holder.is_some_and(|holder| holder.pid != 0 && !process::is_alive(holder.pid))
}

/// Who holds the lock at `path` now; `None` when nobody does.
pub fn holder(path: &Path) -> Option<Holder> {
    let mut file = File::open(path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            Some(read_holder(&mut file).unwrap_or(Holder { pid: 0, since: 0 }))
        }
        _ => None,
    }
}

/// Did the last holder of the lock at `path` die with it, so that there may be something to clean up?
pub fn holder_died(path: &Path) -> bool {
    let Ok(mut file) = File::open(path) else {
        return false;
    };
    file.try_lock_shared().is_ok() && read_holder(&mut file).is_some()
}

/// When the first of the holders before us took the lock, of those that died with it one after the
/// other: the third word, or where there is none, the time of the file.
///
/// # Errors
/// When it cannot be read: who came after would write over it, and nobody would know of them any more.
fn predecessors(file: &mut File) -> io::Result<Option<SystemTime>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&bytes);
    let word = text.split_ascii_whitespace().nth(2);
    match word.and_then(|word| word.parse().ok()) {
        Some(nanos) => Ok(SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(nanos))),
        None => file.metadata()?.modified().map(Some),
    }
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    let mut words = text.split_ascii_whitespace();
    Some(Holder {
        pid: words.next()?.parse().ok()?,
        since: words.next()?.parse().ok()?,
    })
}

fn busy(holder: Option<Holder>, now: i64) -> Error {
    let who = holder.map_or_else(String::new, |Holder { pid, since }| {
        format!(
            " (pid {pid}, {})",
            super::clock::ago(now.saturating_sub(since))
        )
    });
    Error::new(Kind::Busy, format!("another sync is running{who}"))
        .hint("--wait waits until it is done")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged};
    use proptest::prelude::*;

    #[test]
    fn the_second_taker_is_told_who_holds_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lock");
        let first = Lock::take(&path, Duration::ZERO, 100).expect("free");
        let second = Lock::take(&path, Duration::ZERO, 112).expect_err("held");
        assert_eq!(second.kind(), Kind::Busy);
        let text = format!("another sync is running (pid {}, 12 s)", std::process::id());
        assert_eq!(second.to_string(), text);
        assert_eq!(
            holder(&path),
            Some(Holder {
                pid: std::process::id(),
                since: 100
            })
        );
        let shared = first.share().expect("a second handle");
        drop(first);
        Lock::take(&path, Duration::ZERO, 112).expect_err("still held by the second handle");
        drop(shared);
        // A child that another test starts has our handles for a moment, until it is another program.
        let deadline = Instant::now() + Duration::from_secs(10);
        while holder(&path).is_some() && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert_eq!(holder(&path), None);
        Lock::take(&path, Duration::ZERO, 113).expect("free again");
    }

    proptest! {
        #![proptest_config(crate::testing::one_in(4))]
        #[test]
        fn a_lock_file_of_anything_is_taken(
            text in bytes(), other in damaged("123 1700000000 1700000000000000000\n"), now in any::<i64>(),
        ) {
            let dir = tempfile::tempdir().expect("a folder");
            let path = dir.path().join("lock");
            for text in [text, other] {
                drop(std::fs::remove_file(&path));
                super::super::fs::append(&path, &text).expect("written");
                prop_assert_eq!(holder(&path), None);
                holder_died(&path);
                let lock = Lock::take(&path, Duration::ZERO, now).expect("free");
                lock.predecessor_died();
                // What it says of its holder is told, whatever it says.
                let holder = text.split(|byte| *byte == b' ').nth(1);
                let since = holder.and_then(|word| std::str::from_utf8(word).ok()?.parse().ok()).unwrap_or(i64::MIN);
                busy(Some(Holder { pid: 1, since }), now);
            }
        }
    }
}
