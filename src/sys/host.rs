//! What the system says of itself and of its user.

use super::process::{Ended, Process};
use super::{env, fs};
use std::path::PathBuf;

/// The home of the user. Where the environment has none, git knows none, and neither do we, although
/// the system may.
pub fn home() -> Option<PathBuf> {
    env::get(env::HOME)?;
    directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned())
}

/// Where the program of this name is, as a shell would find it.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let mut places = env::search_path()
        .into_iter()
        .map(|folder| folder.join(name));
    places.find(|place| place.is_file())
}

/// Where a program keeps for a user what can be made again, or is of use for a while: the state folder
/// of XDG, or where a system has none, its own for data.
pub fn state_folder() -> Option<PathBuf> {
    env::get(env::HOME)?;
    let dirs = directories::BaseDirs::new()?;
    let folder = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir());
    Some(folder.to_owned())
}

/// The host name, in full.
pub fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// The system that this program runs on.
#[derive(Debug)]
pub struct System {
    /// Its name, such as `Linux` or `Darwin`.
    pub name: String,
    /// The release of its kernel: Windows' Linux says so in it.
    pub release: String,
    /// The folder below which its files are.
    pub root: PathBuf,
}

impl System {
    /// This one, or the one that [`env::SYSTEM`] stands for.
    pub fn here() -> Self {
        if let Some(root) = env::get(env::SYSTEM).map(PathBuf::from) {
            let uname = fs::read_text(&root.join("uname")).ok().flatten();
            let uname = uname.unwrap_or_default();
            let (name, release) = uname.trim().split_once(' ').unwrap_or_default();
            return Self {
                name: name.to_owned(),
                release: release.to_owned(),
                root,
            };
        }
        let uname = rustix::system::uname();
        Self {
            name: uname.sysname().to_string_lossy().into_owned(),
            release: uname.release().to_string_lossy().into_owned(),
            root: PathBuf::from("/"),
        }
    }
}

/// The login name: from the environment, or else as the system knows it.
pub fn login_name() -> Option<String> {
    if let Some(name) = env::text(env::USER).or_else(|| env::text(env::LOGNAME)) {
        return Some(name);
    }
    let ended = Process::new("id")
        .arg("-un")
        .run()
        .ok()
        .filter(Ended::success)?;
    Some(String::from_utf8_lossy(&ended.stdout).trim().to_owned())
}
