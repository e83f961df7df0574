//! Which repository a command is about.

use crate::error::{Error, Result};
use crate::git::Repo;
use crate::git::config;
use crate::git::config_file;
use crate::git::repo::Manner;
use crate::model::machine::MachineType;
use crate::store::machine;
use crate::sys::{env, fs};
use std::path::{Path, PathBuf};

/// The repository to work in: the one that was named, else the one around here, else the configs
/// repository of this machine.
///
/// A repository around here that is not enrolled is not synced, and neither is another one in its
/// place: then the error says what there is.
pub fn repository(directory: &[PathBuf], manner: &Manner) -> Result<Repo> {
    let here = start(directory)?;
    if let Some(repo) = Repo::discover(&here, manner.clone())? {
        return Ok(repo);
    }
    let nothing = || {
        Error::fatal("no configs repository here")
            .hint("git sync --setup URL   sets up this machine")
            .hint("git config --global sync.directory DIR   says where it is")
    };
    if !directory.is_empty() {
        return Err(nothing());
    }
    let Some(configured) = configured_directory(&here)? else {
        return Err(nothing());
    };
    Repo::open(&configured, manner.clone())?.ok_or_else(nothing)
}

/// The folder that `-C` options lead to, or where the command was typed.
pub fn start(directory: &[PathBuf]) -> Result<PathBuf> {
    let here = env::current_dir()
        .map_err(|source| Error::fatal("the current directory cannot be read").because(source))?;
    // An alias moves to the top of the work tree, and says where it came from.
    let here = match env::get(env::GIT_PREFIX) {
        Some(prefix) => here.join(prefix),
        None => here,
    };
    let there = directory.iter().fold(here, |here, next| here.join(next));
    if there.is_dir() {
        return Ok(there);
    }
    Err(Error::fatal(format!(
        "'{}' is not a directory",
        there.display()
    )))
}

/// The configs repository of this machine, if there is one where it should be.
pub fn configured_directory(here: &Path) -> Result<Option<PathBuf>> {
    let named = match env::get(env::DIRECTORY) {
        Some(directory) => Some((PathBuf::from(directory), env::DIRECTORY)),
        None => global_directory(here)?.map(|directory| (directory, config::DIRECTORY)),
    };
    match named {
        Some((directory, _)) if directory.is_dir() => Ok(Some(directory)),
        Some((directory, origin)) => {
            let directory = directory.display();
            Err(Error::fatal(format!(
                "'{directory}', named by {origin}, is not a directory"
            )))
        }
        None => {
            Ok(usual_directory(here)?
                .filter(|directory| fs::look(directory).ok().flatten().is_some()))
        }
    }
}

/// Where the configs repository of this machine is, or shall be.
pub fn intended_directory(here: &Path) -> Result<PathBuf> {
    let named = match env::get(env::DIRECTORY) {
        Some(directory) => Some(PathBuf::from(directory)),
        None => global_directory(here)?,
    };
    let named = match named {
        Some(directory) => Some(directory),
        None => usual_directory(here)?,
    };
    if let Some(directory) = named {
        return Ok(here.join(directory));
    }
    let error = Error::fatal(match env::get(env::HOME) {
        Some(home) => format!(
            "HOME is '{}', which is not absolute",
            home.to_string_lossy()
        ),
        None => "HOME is not set, so the configs repository has no usual place".to_owned(),
    });
    Err(error
        .hint("git sync --setup URL DIR   says where it shall be")
        .hint(format!("{}=DIR   says it as well", env::DIRECTORY)))
}

/// The usual place on a machine of this kind.
fn usual_directory(here: &Path) -> Result<Option<PathBuf>> {
    let word = config_file::path_setting(here, config::MACHINE_TYPE)?;
    let kind = word
        .as_deref()
        .and_then(Path::to_str)
        .and_then(MachineType::parse);
    Ok(machine::default_directory(kind))
}

/// `sync.directory` of the user, `~` followed.
fn global_directory(here: &Path) -> Result<Option<PathBuf>> {
    config_file::path_setting(here, config::DIRECTORY)
}
