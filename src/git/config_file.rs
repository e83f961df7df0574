//! Single settings in one configuration file: the repository's own, or the user's.

use super::Repo;
use super::command::{complaint, outside};
use crate::error::{Error, Result};
use crate::sys::env;
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

    /// Adds a remote.
    pub fn add_remote(&self, name: &str, url: &std::ffi::OsStr) -> Result<()> {
        self.git("remote").args(["add", "--", name]).arg(url).run()
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
