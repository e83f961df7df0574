//! Files: whole or not at all, and every error names its path.

use super::process;
use crate::error::{Error, Result};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Must a write survive a power cut?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    /// Yes: it is on the disk when the call returns.
    Yes,
    /// No: it can be made again.
    No,
}

/// Explains an I/O error by what was tried.
pub fn failed(action: &str, path: &Path, source: io::Error) -> Error {
    let error = Error::failed(format!("cannot {action} '{}'", path.display()));
    let hint = match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("make room on the disk and run 'git sync' again; nothing is lost")
        }
        io::ErrorKind::ReadOnlyFilesystem => Some("the file system is mounted read-only"),
        io::ErrorKind::PermissionDenied => Some("check who owns it and its mode"),
        _ => None,
    };
    let error = error.because(source);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// What was to be had from `path`; `None` when nothing is there.
fn if_there<T>(had: io::Result<T>, doing: &str, path: &Path) -> Result<Option<T>> {
    use io::ErrorKind::{NotADirectory, NotFound};
    match had {
        Ok(had) => Ok(Some(had)),
        Err(source) if matches!(source.kind(), NotFound | NotADirectory) => Ok(None),
        Err(source) => Err(failed(doing, path, source)),
    }
}

/// The content of a file; `None` when there is none.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    if_there(fs::read(path), "read", path)
}

/// The first `most` bytes of a file; `None` when there is none.
pub fn read_head(path: &Path, most: usize) -> Result<Option<Vec<u8>>> {
    use std::io::Read as _;
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let head = File::open(path).and_then(|file| {
        let mut head = Vec::new();
        file.take(most).read_to_end(&mut head)?;
        Ok(head)
    });
    if_there(head, "read", path)
}

/// The last `most` bytes of a file, or all of it; `None` when there is none.
pub fn read_end(path: &Path, most: usize) -> Result<Option<Vec<u8>>> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let end = File::open(path).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
        let mut end = Vec::new();
        // What is appended meanwhile is not of this look.
        file.take(most).read_to_end(&mut end)?;
        Ok(end)
    });
    if_there(end, "read", path)
}

/// The text of a file; `None` when there is none or it is not UTF-8.
pub fn read_text(path: &Path) -> Result<Option<String>> {
    Ok(read(path)?.and_then(|bytes| String::from_utf8(bytes).ok()))
}

/// What stands at `path`, links not followed; `None` when nothing does.
pub fn look(path: &Path) -> Result<Option<Metadata>> {
    if_there(fs::symlink_metadata(path), "look at", path)
}

/// Is it a folder, or a link to one?
pub fn is_dir(path: &Path) -> Result<bool> {
    let found = if_there(fs::metadata(path), "look at", path)?;
    Ok(found.is_some_and(|found| found.is_dir()))
}

/// The path of what `path` leads to, without links; `None` when that is nothing.
pub fn resolve(path: &Path) -> Result<Option<PathBuf>> {
    if_there(fs::canonicalize(path), "look at", path)
}

/// Is it that nobody of this user may or can go there? That stays so. Whatever else failed says nothing about what
/// stands there, and may work the next time.
pub fn is_refused(error: &Error) -> bool {
    errno(error).is_some_and(|errno| REFUSALS.contains(&errno))
}

/// Did the system fail at it? It did not where nothing is there, or where it was no system call.
pub fn is_failure(error: &Error) -> bool {
    errno(error).is_some_and(|errno| !REFUSALS.contains(&errno) && !ABSENCES.contains(&errno))
}

const REFUSALS: [Errno; 4] = [Errno::ACCESS, Errno::PERM, Errno::LOOP, Errno::NAMETOOLONG];

const ABSENCES: [Errno; 2] = [Errno::NOENT, Errno::NOTDIR];

/// What the system said, wherever it is among the causes.
fn errno(error: &Error) -> Option<Errno> {
    let first = std::error::Error::source(error);
    let mut causes = std::iter::successors(first, |cause| cause.source());
    causes.find_map(|cause| Errno::from_io_error(cause.downcast_ref()?))
}

/// Replaces a file as a whole: a temporary file beside it, then a rename.
///
/// Readers see the old content or the new one. The mode of an existing file is kept; a link is
/// replaced by the file, so follow it first where that is not wanted.
pub fn write_atomic(path: &Path, bytes: &[u8], durable: Durable) -> Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let temporary = beside(path);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o666)
            .open(&temporary)?;
        file.write_all(bytes)?;
        match fs::symlink_metadata(path) {
            Ok(old) if old.is_file() => file.set_permissions(old.permissions())?,
            // A private file would become one that all may read.
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(source),
            _ => {}
        }
        if durable == Durable::Yes {
            file.sync_all()?;
        }
        fs::rename(&temporary, path)?;
        if durable == Durable::Yes {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    write().map_err(|source| {
        drop(fs::remove_file(&temporary));
        failed("write", path, source)
    })
}

/// Makes a file that nobody else may read, on the disk, where none is.
pub fn create_private(path: &Path, bytes: &[u8]) -> Result<()> {
    if try_create_private(path, bytes)? {
        return Ok(());
    }
    let source = io::ErrorKind::AlreadyExists.into();
    Err(failed("write", path, source))
}

/// The same; `false`, and nothing done, where there is one. There is a whole file afterwards, or none of ours.
pub fn try_create_private(path: &Path, bytes: &[u8]) -> Result<bool> {
    let mut new = OpenOptions::new();
    let mut file = match new.write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(source) => return Err(failed("write", path, source)),
    };
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|source| {
        drop(remove_file(path));
        failed("write", path, source)
    })?;
    Ok(true)
}

/// Makes a folder and those above it; those that are new are private.
pub fn create_private_dir_all(path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| failed("create", path, source))
}

/// Makes a program of ours: a file that whoever may read it may run.
pub fn write_program(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = beside(path);
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o777)
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|source| {
        drop(fs::remove_file(&temporary));
        failed("write", path, source)
    })
}

/// Replaces a few bytes in place where the file has as many already, in one write, so that readers see
/// the old ones or the new ones; elsewhere as [`write_atomic`] does. The folder stays as it is: git's
/// untracked cache has no reason to read it again.
pub fn write_short(path: &Path, bytes: &[u8]) -> Result<()> {
    let old = look(path)?;
    let fits = old.is_some_and(|old| old.is_file() && old.len() == bytes.len() as u64);
    let in_place = || -> io::Result<()> {
        let flags = rustix::fs::OFlags::NOFOLLOW.bits();
        let mut file = OpenOptions::new()
            .write(true)
            .custom_flags(flags.cast_signed())
            .open(path)?;
        let written = file.write(bytes)?;
        if written == bytes.len() {
            Ok(())
        } else {
            Err(io::ErrorKind::WriteZero.into())
        }
    };
    if fits && in_place().is_ok() {
        return Ok(());
    }
    write_atomic(path, bytes, Durable::No)
}

/// A name beside `path` that nobody else uses, short enough where the name of `path` is not.
pub fn beside(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".git-sync-{}-{number}.tmp", std::process::id()))
}

/// Removes the files that [`beside`] named in a folder, where their writers died.
pub fn remove_temporaries(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let writer = writer_of(&entry.file_name());
        if writer.is_some_and(|writer| !process::is_alive(writer)) {
            // What cannot be removed does no harm.
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// The process that named a file by [`beside`].
fn writer_of(name: &OsStr) -> Option<u32> {
    let inner = name
        .to_str()?
        .strip_prefix(".git-sync-")?
        .strip_suffix(".tmp")?;
    let (writer, number) = inner.split_once('-')?;
    number.parse::<u32>().ok()?;
    writer.parse().ok()
}

/// Appends one record to a file in a single write, so that two writers do not mix.
pub fn append(path: &Path, record: &[u8]) -> Result<()> {
    append_to(path, record).map(drop)
}

/// The same, and it survives a power cut; the file must have its name for good.
pub fn append_durably(path: &Path, record: &[u8]) -> Result<()> {
    append_to(path, record)?
        .sync_data()
        .map_err(|source| failed("write", path, source))
}

fn append_to(path: &Path, record: &[u8]) -> Result<File> {
    let write = || -> io::Result<File> {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.write_all(record)?;
        Ok(file)
    };
    write().map_err(|source| failed("write", path, source))
}

/// Makes a folder and those above it.
pub fn create_dir_all(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|source| failed("create", path, source))
}

/// Removes a file; that there is none is fine.
pub fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(failed("remove", path, source))
        }
        _ => Ok(()),
    }
}

/// Removes a scratch folder of ours with all that is in it; that there is none is fine.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the door; callers pass folders of ours"
)]
pub fn remove_scratch(path: &Path) -> Result<()> {
    let start = Instant::now();
    loop {
        match fs::remove_dir_all(path) {
            Ok(()) => return Ok(()),
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
            // A child of a run that died is still writing there.
            Err(source)
                if source.kind() == io::ErrorKind::DirectoryNotEmpty
                    && start.elapsed() < ORPHANS =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(source) => return Err(failed("remove", path, source)),
        }
    }
}

/// A child that outlives its killed parent ends within this.
const ORPHANS: Duration = Duration::from_secs(5);

/// Removes the empty folders from `folder` upwards, below `top`.
pub fn remove_empty_parents(folder: &Path, top: &Path) {
    let mut next = Some(folder);
    while let Some(folder) = next.filter(|folder| folder.starts_with(top) && *folder != top) {
        if fs::remove_dir(folder).is_err() {
            return;
        }
        next = folder.parent();
    }
}

/// Renames within one file system.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|source| failed("replace", to, source))
}

/// Gives the new folder `to` the mode of `from`, where there is one.
pub fn keep_mode(from: &Path, to: &Path) -> Result<()> {
    match look(from)? {
        Some(found) if found.is_dir() => fs::set_permissions(to, found.permissions())
            .map_err(|source| failed("set the mode of", to, source)),
        _ => Ok(()),
    }
}

/// Copies the bytes of a file to a new one of ours, with its mode and its time.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the door; the target is a file of ours"
)]
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let copy = || -> io::Result<()> {
        let modified = fs::metadata(from)?.modified()?;
        fs::copy(from, to)?;
        OpenOptions::new()
            .write(true)
            .open(to)?
            .set_modified(modified)
    };
    copy().map_err(|source| failed("copy", from, source))
}

/// Puts a file's content on the disk.
pub fn sync_file(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|source| failed("sync", path, source))
}

/// Puts a folder's names on the disk.
pub fn sync_dir(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| failed("sync", path, source))
}

/// Above so many files one flush of the whole file system costs less than one flush a file.
const FLUSH_ONE_BY_ONE: usize = 64;

/// Puts the content of `files`, which stand below `folder`, on the disk.
pub fn sync_files(folder: &Path, files: &[PathBuf]) -> Result<()> {
    if files.len() > FLUSH_ONE_BY_ONE {
        return sync_file_system(folder);
    }
    for path in files {
        // A link has no content of its own: its name is its content.
        if fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
            sync_file(path)?;
        }
    }
    Ok(())
}

/// Puts everything on the file system of `folder` on the disk.
fn sync_file_system(folder: &Path) -> Result<()> {
    let flush = || -> io::Result<()> {
        let folder = File::open(folder)?;
        #[cfg(target_os = "linux")]
        rustix::fs::syncfs(&folder)?;
        #[cfg(not(target_os = "linux"))]
        {
            drop(folder);
            rustix::fs::sync();
        }
        Ok(())
    };
    flush().map_err(|source| failed("sync", folder, source))
}

/// Are the two on one file system, so that a rename between them works?
pub fn same_file_system(a: &Path, b: &Path) -> Result<bool> {
    let device = |path: &Path| -> Result<_> {
        let found = if_there(fs::metadata(path), "look at", path)?;
        Ok(found.map(|found| found.dev()))
    };
    let (a, b) = (device(a)?, device(b)?);
    Ok(a.is_some() && a == b)
}

/// The room that is left for this user on the file system of `path`, bytes.
pub fn free_space(path: &Path) -> Result<u64> {
    let found =
        rustix::fs::statvfs(path).map_err(|source| failed("look at", path, source.into()))?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Does it belong to the user that we are?
pub fn is_own(found: &Metadata) -> bool {
    found.uid() == rustix::process::geteuid().as_raw()
}

/// May we add and remove names in this folder?
pub fn may_change_names(folder: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// Removes a folder with the empty folders in it; `false`, and nothing gone but empty folders, where
/// there is anything else.
pub fn remove_empty_tree(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    for entry in entries.flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) || !remove_empty_tree(&entry.path()) {
            return false;
        }
    }
    fs::remove_dir(folder).is_ok()
}

/// The files and links in a folder and in those below it, relative to it; none where it is not there.
pub fn files_below(folder: &Path) -> Result<Vec<Vec<u8>>> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = match fs::read_dir(&next) {
            Ok(entries) => entries,
            Err(source) if source.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(failed("read", &next, source)),
        };
        for entry in entries {
            let path = entry
                .map_err(|source| failed("read", &next, source))?
                .path();
            if look(&path)?.is_some_and(|found| found.is_dir()) {
                folders.push(path);
            } else if let Ok(inside) = path.strip_prefix(folder) {
                files.push(inside.as_os_str().as_bytes().to_vec());
            }
        }
    }
    Ok(files)
}

/// The names in a folder, in order; none where it is no folder.
pub fn names(folder: &Path) -> Result<Vec<OsString>> {
    if !look(folder)?.is_some_and(|found| found.is_dir()) {
        return Ok(Vec::new());
    }
    let unreadable = |source| failed("read", folder, source);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        names.push(entry.map_err(unreadable)?.file_name());
    }
    names.sort();
    Ok(names)
}

/// When what stands at `path` was last written, seconds since 1970; `None` where nothing does.
pub fn modified(path: &Path) -> Result<Option<i64>> {
    Ok(look(path)?.map(|found| found.mtime()))
}

/// Makes a symbolic link; `false` where there can be none, as the file system has no links.
pub fn try_symlink(target: &Path, link: &Path) -> Result<bool> {
    match std::os::unix::fs::symlink(target, link) {
        Ok(()) => Ok(true),
        Err(source) => match Errno::from_io_error(&source) {
            // The first is what Linux says of FAT.
            Some(Errno::PERM | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
            _ => Err(failed("create", link, source)),
        },
    }
}

/// Makes a symbolic link.
pub fn symlink(target: &Path, link: &Path) -> Result<()> {
    std::os::unix::fs::symlink(target, link).map_err(|source| failed("create", link, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_keeps_the_mode_and_leaves_nothing_beside() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a");
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .expect("new");
        write_atomic(&path, b"two", Durable::Yes).expect("written");
        assert_eq!(read(&path).expect("read"), Some(b"two".to_vec()));
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1);
    }

    #[test]
    fn a_scratch_folder_goes_although_somebody_is_still_writing_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let scratch = dir.path().join("tmp");
        fs::create_dir(&scratch).expect("made");
        let folder = scratch.clone();
        let orphan = std::thread::spawn(move || {
            let start = Instant::now();
            let written = (0..).take_while(|number| {
                let file = File::create(folder.join(number.to_string()));
                // On a slow machine the first hundred take their time.
                let young = start.elapsed() < Duration::from_millis(300);
                file.is_ok() && (young || *number < 200)
            });
            written.count()
        });
        while fs::read_dir(&scratch).expect("listed").count() < 100 {
            std::thread::yield_now();
        }
        remove_scratch(&scratch).expect("removed in the end");
        assert!(orphan.join().expect("ended") >= 100);
        assert!(look(&scratch).expect("looked").is_none());
    }

    #[test]
    fn empty_folders_go_and_full_ones_stay() {
        let dir = tempfile::tempdir().expect("a folder");
        let deep = dir.path().join("a/b/c");
        fs::create_dir_all(&deep).expect("made");
        append(&dir.path().join("a/keep"), b"x").expect("written");
        remove_empty_parents(&deep, dir.path());
        assert!(dir.path().join("a/keep").exists() && !dir.path().join("a/b").exists());
    }
}
