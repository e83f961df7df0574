//! What the system says of itself and of its user.

use super::env;
use super::process::{Ended, Process};
use std::path::PathBuf;

/// The home of the user. Where the environment has none, git knows none, and neither do we, although
/// the system may.
pub fn home() -> Option<PathBuf> {
    env::get(env::HOME)?;
    directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned())
}

/// The host name, in full.
pub fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// Is this a Mac?
pub fn is_mac() -> bool {
    cfg!(target_os = "macos")
}

/// The name of the kernel's release: Windows' Linux says so in it.
pub fn kernel_release() -> String {
    rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned()
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
