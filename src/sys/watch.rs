//! The files that change, as the system tells it: inotify, or `FSEvents` on a Mac.
//!
//! Folders are watched one by one, without what is below them: only so a folder that nobody cares for costs
//! nothing. A Mac watches whole trees at the price of one.

use crate::error::Error;
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Config, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Does watching a folder cost as much as watching all that is below it?
pub const WHOLE_TREES: bool = cfg!(target_os = "macos");

/// With more changes than this at once, it is no use to know each.
const MANY: usize = 10_000;

/// What has changed since it was asked last.
#[derive(Debug, Default)]
pub struct Changes {
    /// The paths.
    pub paths: BTreeSet<PathBuf>,
    /// Was more changed, that nobody knows?
    pub lost: bool,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.lost
    }

    fn add(&mut self, event: notify::Result<notify::Event>) {
        match event {
            Ok(event) if event.need_rescan() => self.lost = true,
            Ok(event) if is_change(event.kind) => self.paths.extend(event.paths),
            Ok(_) => {}
            Err(_) => self.lost = true,
        }
        if self.paths.len() > MANY {
            self.paths.clear();
            self.lost = true;
        }
    }
}

/// That somebody reads is none, and we do so ourselves.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        EventKind::Modify(ModifyKind::Metadata(notify::event::MetadataKind::AccessTime)) => false,
        _ => true,
    }
}

/// What makes a folder the one that it was.
type Identity = (u64, u64);

/// That of no folder.
const UNSURE: Identity = (0, 0);

/// Watches folders.
#[derive(Debug)]
pub struct Watcher {
    /// `None` where the system gives no more of them, and why.
    inner: Result<RecommendedWatcher, notify::Error>,
    changes: Arc<Mutex<Changes>>,
    /// What is watched by now.
    folders: BTreeMap<PathBuf, Identity>,
}

impl Watcher {
    /// Watches nothing yet; `hears` is told from another thread that there is something to [`Self::take`].
    pub fn new(hears: impl Fn() + Send + 'static) -> Self {
        let changes = Arc::new(Mutex::new(Changes::default()));
        let shared = Arc::clone(&changes);
        let told = move |event| {
            let Ok(mut changes) = shared.lock() else {
                return;
            };
            let was_empty = changes.is_empty();
            changes.add(event);
            if was_empty && !changes.is_empty() {
                hears();
            }
        };
        Self {
            inner: RecommendedWatcher::new(told, Config::default()),
            changes,
            folders: BTreeMap::new(),
        }
    }

    /// What has changed since the last time.
    pub fn take(&mut self) -> Changes {
        let changes = self.changes.lock();
        let changes = changes.map_or_else(|_| Changes::default(), |mut c| std::mem::take(&mut *c));
        // What has gone or moved is not watched any more, even where another folder stands there since.
        for path in &changes.paths {
            if let Some(identity) = self.folders.get_mut(path) {
                *identity = UNSURE;
            }
        }
        changes
    }

    /// Watches `folders` from now on, and no others; with `true` also all that is below one, where that costs
    /// the same.
    ///
    /// # Errors
    /// When not all of them can be watched: then some changes are not told.
    pub fn look_after(&mut self, folders: &BTreeMap<PathBuf, bool>) -> Result<(), Error> {
        let watcher = match &mut self.inner {
            Ok(watcher) => watcher,
            Err(source) => return Err(unable(source)),
        };
        let found: BTreeMap<_, _> = folders
            .iter()
            .filter_map(|(folder, whole)| Some((folder, (identity(folder)?, *whole))))
            .collect();
        // First these: a folder that was renamed is the same to the system under both names.
        self.folders.retain(|folder, known| {
            let stays = found.get(folder).is_some_and(|(now, _)| now == known);
            if !stays {
                // One that is gone is forgotten by the system too.
                drop(watcher.unwatch(folder));
            }
            stays
        });
        let mut failed = None;
        for (folder, (identity, whole)) in found {
            if self.folders.contains_key(folder) {
                continue;
            }
            let mode = if whole && WHOLE_TREES {
                RecursiveMode::Recursive
            } else {
                RecursiveMode::NonRecursive
            };
            match watcher.watch(folder, mode) {
                Ok(()) => drop(self.folders.insert(folder.clone(), identity)),
                // It went in this moment, or nobody may look into it: then nobody can sync it either.
                Err(error) if !is_limit(&error) => {}
                Err(error) => {
                    failed = Some(unable(&error));
                    break;
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// How many folders are watched.
    pub fn count(&self) -> usize {
        self.folders.len()
    }
}

fn identity(folder: &Path) -> Option<Identity> {
    let found = std::fs::metadata(folder).ok()?;
    found.is_dir().then(|| (found.dev(), found.ino()))
}

/// Has the system no more to give?
fn is_limit(error: &notify::Error) -> bool {
    use notify::ErrorKind;
    let missing_or_closed = |source: &std::io::Error| {
        use std::io::ErrorKind as Io;
        [Io::NotFound, Io::PermissionDenied, Io::NotADirectory].contains(&source.kind())
    };
    match &error.kind {
        ErrorKind::PathNotFound | ErrorKind::WatchNotFound => false,
        ErrorKind::Io(source) => !missing_or_closed(source),
        _ => true,
    }
}

fn unable(source: &notify::Error) -> Error {
    let error = Error::failed("the system does not tell all changes");
    match &source.kind {
        notify::ErrorKind::MaxFilesWatch => error
            .because("it watches as many folders as it may")
            .hint("fs.inotify.max_user_watches says how many (sysctl)"),
        notify::ErrorKind::Io(source) => error
            .because(source.to_string())
            .hint("fs.inotify.max_user_instances says how many programs may watch (sysctl)"),
        _ => error.because(source.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    /// Takes changes until one is at `path`.
    fn is_told(watcher: &mut Watcher, heard: &mpsc::Receiver<()>, path: &Path) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !watcher.take().paths.contains(path) {
            let left = deadline.saturating_duration_since(Instant::now());
            heard
                .recv_timeout(left)
                .unwrap_or_else(|_| panic!("{} is told", path.display()));
        }
    }

    #[test]
    fn a_folder_that_is_renamed_and_one_in_its_place_are_both_watched() {
        let dir = tempfile::tempdir().expect("a folder");
        let [top, a, b] = ["", "a", "b"].map(|name| dir.path().join(name));
        std::fs::create_dir(&a).expect("new");
        let (tells, heard) = mpsc::channel();
        let mut watcher = Watcher::new(move || tells.send(()).unwrap_or_default());
        let folders = |all: &[&PathBuf]| all.iter().map(|path| ((*path).clone(), false)).collect();
        watcher.look_after(&folders(&[&top, &a])).expect("watched");
        std::fs::File::create(a.join("one")).expect("made");
        is_told(&mut watcher, &heard, &a.join("one"));

        std::fs::rename(&a, &b).expect("renamed");
        std::fs::create_dir(&a).expect("new");
        is_told(&mut watcher, &heard, &a);
        watcher
            .look_after(&folders(&[&top, &a, &b]))
            .expect("watched");
        assert_eq!(watcher.count(), 3);
        std::fs::File::create(b.join("two")).expect("made");
        is_told(&mut watcher, &heard, &b.join("two"));
        std::fs::File::create(a.join("three")).expect("made");
        is_told(&mut watcher, &heard, &a.join("three"));
        // What is not watched any more is not told.
        watcher.look_after(&folders(&[&top, &a])).expect("watched");
        std::fs::File::create(b.join("four")).expect("made");
        std::fs::File::create(a.join("five")).expect("made");
        is_told(&mut watcher, &heard, &a.join("five"));
        assert!(!watcher.take().paths.contains(&b.join("four")));
    }

    #[test]
    fn too_many_changes_are_told_as_lost() {
        let mut changes = Changes::default();
        for number in 0..=MANY {
            let path = PathBuf::from(number.to_string());
            changes.add(Ok(notify::Event::new(EventKind::Any).add_path(path)));
        }
        assert!(changes.lost && changes.paths.is_empty());
    }
}
