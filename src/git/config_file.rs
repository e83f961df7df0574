//! Single settings in one configuration file: the repository's own, or the user's.

use super::Repo;
use super::command::{complaint, outside};
use crate::error::{Error, Result};
use crate::sys::env;
use gix::bstr::ByteSlice as _;
use std::ffi::OsString;
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
        self.git("config")
            .args(["--local", "--replace-all", key, value])
            .run()
    }

    /// Removes a setting from the repository's own file; `false` where it was not set.
    pub fn unset_local(&self, key: &str) -> Result<bool> {
        let ended = self
            .git("config")
            .args(["--local", "--unset-all", key])
            .answer()?;
        match ended.code() {
            Some(0) => Ok(true),
            Some(NOT_SET) => Ok(false),
            _ => Err(complaint("config", &ended)),
        }
    }

    /// The locks that git takes while it writes a setting: on the repository's own file and on the user's.
    pub fn locks_on_settings(&self) -> Vec<PathBuf> {
        let own = self.common_dir().join("config");
        let users = gix::config::source::Kind::Global.sources().iter();
        let users =
            users.filter_map(|source| source.storage_location(&mut |name: &str| env::get(name)));
        let lock = |file: PathBuf| {
            // Git follows links before it makes the lock.
            let mut lock = file.canonicalize().unwrap_or(file);
            lock.as_mut_os_string().push(".lock");
            lock
        };
        std::iter::once(own).chain(users).map(lock).collect()
    }

    /// Adds a remote.
    pub fn add_remote(&self, name: &str, url: &std::ffi::OsStr) -> Result<()> {
        self.git("remote").args(["add", "--", name]).arg(url).run()
    }
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
    if ended.success() {
        return Ok(());
    }
    Err(complaint("config", &ended))
}

/// Removes a setting from the user's own file; `false` where it was not set.
pub fn unset_global(here: &Path, key: &str) -> Result<bool> {
    let ended = outside(here, "config")
        .args(["--global", "--unset-all", key])
        .run()?;
    match ended.code() {
        Some(0) => Ok(true),
        Some(NOT_SET) => Ok(false),
        _ => Err(complaint("config", &ended)),
    }
}
