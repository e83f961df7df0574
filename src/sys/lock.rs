//! One lock of the operating system: the kernel lets go of it when its holder dies.

use crate::error::{Error, Kind, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
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
        let deadline = Instant::now() + patience;
        let unusable = |source: std::io::Error| {
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
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    return Err(busy(read_holder(&mut file), now));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(pause),
            }
            crate::sys::interrupt::check()?;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
        let died = match file.metadata() {
            Ok(metadata) if metadata.len() > 0 => metadata.modified().ok(),
            _ => None,
        };
        let line = format!("{} {now}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(line.as_bytes()))
            .and_then(|()| file.sync_data())
            .map_err(unusable)?;
        let taken = file
            .metadata()
            .and_then(|found| found.modified())
            .map_err(unusable)?;
        Ok(Self { file, died, taken })
    }

    /// When this lock was taken, by the clock of its file system.
    pub fn taken(&self) -> SystemTime {
        self.taken
    }

    /// When the holder before us took the lock, if it died with it.
    pub fn predecessor_died(&self) -> Option<SystemTime> {
        self.died
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // If this fails, the next holder looks for leftovers and finds none.
        drop(self.file.set_len(0));
    }
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

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    let (pid, since) = text.trim().split_once(' ')?;
    Some(Holder {
        pid: pid.parse().ok()?,
        since: since.parse().ok()?,
    })
}

fn busy(holder: Option<Holder>, now: i64) -> Error {
    let who = holder.map_or_else(String::new, |Holder { pid, since }| {
        format!(" (pid {pid}, {})", super::clock::ago(now - since))
    });
    Error::new(Kind::Busy, format!("another sync is running{who}"))
        .hint("--wait waits until it is done")
}

#[cfg(test)]
mod tests {
    use super::*;

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
        drop(first);
        assert_eq!(holder(&path), None);
        Lock::take(&path, Duration::ZERO, 113).expect("free again");
    }
}
