//! Single settings in one configuration file: the repository's own, or the user's.

use super::Repo;
use super::command::{complaint, outside};
use crate::error::{Error, Result};
use crate::sys::process::Ended;
use crate::sys::{env, fs};
use gix::bstr::ByteSlice as _;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// Git says so where there is nothing to unset.
const NOT_SET: i32 = 5;

impl Repo {
    /// A setting in the repository's own file, and not in any other.
    pub fn local_setting(&self, key: &str) -> Result<Option<String>> {
        let ended = self
            .git("config")
            .args(["--local", "--get", key])
            .answer()?;
        let text = String::from_utf8_lossy(&ended.stdout);
        Ok(ended
            .success()
            .then(|| text.trim_end_matches('\n').to_owned()))
    }

    /// Writes a setting into the repository's own file.
    pub fn set_local(&self, key: &str, value: &str) -> Result<()> {
        done(&self.edit_local(&["--replace-all", key, value])?)
    }

    /// Removes a setting from the repository's own file; `false` where it was not set.
    pub fn unset_local(&self, key: &str) -> Result<bool> {
        let ended = self.edit_local(&["--unset-all", key])?;
        match ended.code() {
            Some(0) => Ok(true),
            Some(NOT_SET) => Ok(false),
            _ => Err(complaint("config", &ended)),
        }
    }

    /// Removes a section from the repository's own file.
    pub(super) fn remove_local_section(&self, name: &str) -> Result<()> {
        done(&self.edit_local(&["--remove-section", name])?)
    }

    /// Adds a remote.
    pub fn add_remote(&self, name: &str, url: &OsStr) -> Result<()> {
        self.git("remote")
            .args(["add", "--", name])
            .arg(url)
            .run()?;
        fs::sync_file(&self.local_file())
    }

    /// Lets git change the repository's own file as `words` say. Git flushes no settings, and after a power cut all of
    /// them could be gone: it changes a copy, which is its own lock, and which is on the disk before it takes the place.
    fn edit_local(&self, words: &[&str]) -> Result<Ended> {
        let file = followed(self.local_file());
        let lock = lock_of(&file);
        if !fs::try_create_private(&lock, b"")? {
            let (file, lock) = (file.display(), lock.display());
            return Err(Error::blocked(format!("'{file}' is locked"))
                .because("a git is writing a setting, or died while it did")
                .hint(format!("rm '{lock}'   where none is running"))
                .hint("nothing was changed"));
        }
        let edit = || {
            fs::copy(&file, &lock)?;
            let git = self.git("config").arg("--file").arg(&lock);
            let ended = git.args(words).answer()?;
            if ended.success() {
                fs::sync_file(&lock)?;
                fs::rename(&lock, &file)?;
            } else {
                fs::remove_file(&lock)?;
            }
            Ok(ended)
        };
        let ended = edit().inspect_err(|_| drop(fs::remove_file(&lock)))?;
        if ended.success()
            && let Some(folder) = file.parent()
        {
            fs::sync_dir(folder)?;
        }
        Ok(ended)
    }

    fn local_file(&self) -> PathBuf {
        self.common_dir().join("config")
    }

    /// The locks that are taken while a setting is written: on the repository's own file and on the user's.
    pub fn locks_on_settings(&self) -> Vec<PathBuf> {
        let own = lock_of(&followed(self.local_file()));
        let of_the_copy = lock_of(&own);
        let users = user_files().map(|file| lock_of(&followed(file)));
        [own, of_the_copy].into_iter().chain(users).collect()
    }
}

/// What git was to write is written.
fn done(ended: &Ended) -> Result<()> {
    if ended.success() {
        return Ok(());
    }
    Err(complaint("config", ended))
}

/// The user's own files; git writes into the first that is there.
fn user_files() -> impl Iterator<Item = PathBuf> {
    let sources = gix::config::source::Kind::Global.sources().iter();
    sources.filter_map(|source| source.storage_location(&mut |name: &str| env::get(name)))
}

/// Git follows links before it locks.
fn followed(file: PathBuf) -> PathBuf {
    file.canonicalize().unwrap_or(file)
}

fn lock_of(file: &Path) -> PathBuf {
    let mut lock = file.to_owned();
    lock.as_mut_os_string().push(".lock");
    lock
}

/// Puts on the disk what git has just written.
fn flush_users() -> Result<()> {
    for file in user_files().filter(|file| file.is_file()) {
        fs::sync_file(&file)?;
    }
    Ok(())
}

/// The settings that hold for every repository of the user, read in-process: a shell that starts does not
/// wait for a git.
pub struct UserConfig(gix::config::File);

impl std::fmt::Debug for UserConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserConfig").finish_non_exhaustive()
    }
}

impl UserConfig {
    /// Reads them; files that cannot be read have nothing in them.
    pub fn read() -> Self {
        use gix::config::file::{Metadata, includes, init};
        use gix::config::source::Kind;
        let kinds = [Kind::System, Kind::Global];
        let sources = kinds.iter().flat_map(|kind| kind.sources());
        let files = sources.filter_map(|source| {
            let found = source.storage_location(&mut |name: &str| env::get(name))?;
            Some(Metadata {
                path: Some(found).filter(|path| path.is_file()),
                source: *source,
                level: 0,
                trust: gix::sec::Trust::Full,
            })
        });
        let home = env::home();
        let options = init::Options {
            includes: includes::Options::follow_without_conditional(home.as_deref()),
            ..init::Options::default()
        };
        let read = gix::config::File::from_paths_metadata(files, options);
        Self(read.ok().flatten().unwrap_or_default())
    }

    /// A setting as text; of several values the last.
    pub fn text(&self, key: &str) -> Option<String> {
        Some(self.0.string(key)?.to_str_lossy().into_owned())
    }

    /// A setting that is a path; `~` is followed.
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        let home = env::home();
        let context = gix::config::path::interpolate::Context {
            home_dir: home.as_deref(),
            ..Default::default()
        };
        let path = self.0.path(key)?.interpolate(context).ok()?;
        Some(path).filter(|path| !path.as_os_str().is_empty())
    }
}

/// A setting that is a path, from whichever file or variable has it; `~` is followed.
pub fn path_setting(here: &Path, key: &str) -> Result<Option<PathBuf>> {
    let ended = outside(here, "config")
        .args(["--type=path", "--get", key])
        .run()?;
    let mut bytes = ended.stdout;
    while bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Ok((!bytes.is_empty()).then(|| PathBuf::from(OsString::from_vec(bytes))))
}

/// A setting as text, from whichever file or variable has it.
pub fn setting(here: &Path, key: &str) -> Result<Option<String>> {
    let ended = outside(here, "config").args(["--get", key]).run()?;
    let text = String::from_utf8_lossy(&ended.stdout);
    Ok(ended
        .success()
        .then(|| text.trim_end_matches('\n').to_owned()))
}

/// Writes a setting into the user's own file.
pub fn set_global(here: &Path, key: &str, value: &str) -> Result<()> {
    if let Some(file) = env::get(env::GIT_CONFIG_GLOBAL).map(PathBuf::from)
        && file.exists()
        && !file.is_file()
    {
        // Git would put a file in the place of the device, `/dev/null` as a rule.
        let file = file.display();
        return Err(Error::blocked(format!("'{file}' is not a file")));
    }
    let ended = outside(here, "config")
        .args(["--global", "--replace-all", key, value])
        .run()?;
    done(&ended)?;
    flush_users()
}

/// Removes a setting from the user's own file; `false` where it was not set.
pub fn unset_global(here: &Path, key: &str) -> Result<bool> {
    let ended = outside(here, "config")
        .args(["--global", "--unset-all", key])
        .run()?;
    match ended.code() {
        Some(0) => flush_users().map(|()| true),
        Some(NOT_SET) => Ok(false),
        _ => Err(complaint("config", &ended)),
    }
}
