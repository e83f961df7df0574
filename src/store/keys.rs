//! The key file of this machine: what opens encrypted marks. It is the user's, outside of every
//! repository, and in the format that `age -i` reads.

use crate::error::{Error, Result};
use crate::git::Repo;
use crate::git::config::{AGE_IDENTITY, Settings};
use crate::sys::age::{self, Keys};
use crate::sys::env;
use crate::sys::fs;
use crate::sys::swap;
use std::path::{Path, PathBuf};

/// Below the folder of the user's settings.
const DEFAULT: &str = "git-sync/identity.txt";

/// The key file, as far as it is read; by default there is none.
#[derive(Debug, Clone, Default)]
pub struct KeyFile(Option<PathBuf>);

impl KeyFile {
    /// The one that the settings name.
    pub fn of(settings: &Settings) -> Self {
        let usual = || Some(env::config_home()?.join(DEFAULT));
        Self(settings.age_identity.clone().or_else(usual))
    }

    /// Where it is; nowhere where HOME is not set and none is named.
    pub fn path(&self) -> Option<&Path> {
        self.0.as_deref()
    }

    /// The keys in it; none where it is not there.
    pub fn keys(&self) -> Result<Keys> {
        let Some(path) = self.path() else {
            return Ok(Keys::default());
        };
        let Some(text) = fs::read_text(path)? else {
            return Ok(Keys::default());
        };
        Keys::parse(&text).map_err(|line| {
            let path = path.display();
            Error::fatal(format!(
                "line {line} of the key file '{path}' is no age key"
            ))
            .hint("age-keygen makes such files; one with a passphrase, or of a plugin, is not read")
            .hint(format!(
                "git config --global {AGE_IDENTITY} PATH   says where the key file is"
            ))
        })
    }
}

/// Where the key file is, or would be.
///
/// # Errors
/// When that is in the repository: the key would be sent with what it opens.
pub fn path(repo: &Repo, settings: &Settings) -> Result<PathBuf> {
    let KeyFile(Some(path)) = KeyFile::of(settings) else {
        return Err(Error::fatal(
            "HOME is not set, so there is nowhere to keep a key",
        ));
    };
    let inside = [repo.top(), repo.common_dir()];
    if inside.into_iter().any(|folder| leads_into(&path, folder)) {
        let path = path.display();
        return Err(
            Error::fatal(format!("the key file '{path}' is in the repository"))
                .hint("move it out, so that it is never sent")
                .hint(format!(
                    "git config --global {AGE_IDENTITY} PATH   says where it is"
                )),
        );
    }
    Ok(path)
}

/// Is `path` below `folder`, whatever links lead there?
fn leads_into(path: &Path, folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else {
        return false;
    };
    let there = path.ancestors().find_map(|above| above.canonicalize().ok());
    there.is_some_and(|there| there.starts_with(folder))
}

/// The keys of this machine; none where it has no key file.
pub fn read(repo: &Repo, settings: &Settings) -> Result<Keys> {
    path(repo, settings)?;
    KeyFile::of(settings).keys()
}

/// Makes a key and its file, where there is none; where, and the recipient.
pub fn create(repo: &Repo, settings: &Settings, whose: &str) -> Result<(PathBuf, String)> {
    let path = path(repo, settings)?;
    let (key, recipient) = age::generate();
    let whose: String = whose.chars().filter(|c| !c.is_control()).collect();
    let text = format!("# git-sync on {whose}\n# public key: {recipient}\n{key}\n");
    let folder = path.parent().unwrap_or(&path);
    fs::create_private_dir_all(folder)?;
    // Of a run that died: nobody has encrypted for such a key.
    fs::remove_temporaries(folder);
    let temporary = fs::beside(&path);
    fs::create_private(&temporary, text.as_bytes())?;
    if !swap::move_to_free(&temporary, &path)? {
        fs::remove_file(&temporary)?;
        let path = path.display();
        return Err(
            Error::blocked(format!("the key file '{path}' has no key in it"))
                .hint("move it away, and a new one is made"),
        );
    }
    fs::sync_dir(folder)?;
    Ok((path, recipient))
}
