//! Where this program is, by a name that survives an update of it.

use super::env;
use std::path::PathBuf;

/// The name that git looks for when `git sync` is typed.
pub const NAME: &str = "git-sync";

/// The path of this program, for hooks and shells: as `PATH` leads to it, where it does. What the system
/// tells instead has every link followed, and a package manager may have one folder a version.
pub fn path() -> std::io::Result<PathBuf> {
    let running = env::current_exe()?;
    let real = running.canonicalize()?;
    let on_path = env::search_path()
        .into_iter()
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(NAME))
        .find(|path| path.canonicalize().is_ok_and(|found| found == real));
    Ok(on_path.unwrap_or(running))
}
