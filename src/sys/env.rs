//! The only reader of the environment; every name that means something to us is a constant here.

use std::ffi::OsString;
use std::path::PathBuf;

/// The configs repository, before any setting.
pub const DIRECTORY: &str = "GIT_SYNC_DIRECTORY";
/// Fixes the clock, seconds since 1970: for tests and for reproducible commits.
pub const NOW: &str = "GIT_SYNC_NOW";
/// A folder that stands for the system in which the kind of this machine is looked for, with a file
/// `uname` (name and release): for tests.
pub const SYSTEM: &str = "GIT_SYNC_SYSTEM";
/// Set for every child: a hook that would call us knows that we are at work.
pub const RUNNING: &str = "GIT_SYNC_RUNNING";
/// Set for the detached process of `--background`.
pub const WORKER: &str = "GIT_SYNC_WORKER";
/// Git's: the folder below which the command was typed, when an alias moved us to the top.
pub const GIT_PREFIX: &str = "GIT_PREFIX";
/// Git's: settings of `git -c`, which gix does not read.
pub const GIT_CONFIG_PARAMETERS: &str = "GIT_CONFIG_PARAMETERS";
/// Git's: the repository, given by hand.
pub const GIT_DIR: &str = "GIT_DIR";
/// Git's: the work tree, given by hand.
pub const GIT_WORK_TREE: &str = "GIT_WORK_TREE";
/// Git's: an index that is not the usual one.
pub const GIT_INDEX_FILE: &str = "GIT_INDEX_FILE";
/// Git's: the ssh program with its options.
pub const GIT_SSH_COMMAND: &str = "GIT_SSH_COMMAND";
/// Git's: the ssh program.
pub const GIT_SSH: &str = "GIT_SSH";
/// Git's: the user's own settings, in place of `~/.gitconfig`.
pub const GIT_CONFIG_GLOBAL: &str = "GIT_CONFIG_GLOBAL";
/// Git's: when a commit was written, given by hand.
pub const GIT_AUTHOR_DATE: &str = "GIT_AUTHOR_DATE";
/// Git's: switches hints off.
pub const GIT_ADVICE: &str = "GIT_ADVICE";
/// Git's: set when git pages our output.
pub const GIT_PAGER_IN_USE: &str = "GIT_PAGER_IN_USE";
/// Git's: repository variables that a hook or an alias inherits and that must not reach another
/// repository (`git rev-parse --local-env-vars`).
pub const GIT_LOCAL: [&str; 14] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    GIT_DIR,
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    GIT_INDEX_FILE,
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    GIT_PREFIX,
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    GIT_WORK_TREE,
];
/// Not empty: no colour (no-color.org).
pub const NO_COLOR: &str = "NO_COLOR";
/// `0`: no colour.
pub const CLICOLOR: &str = "CLICOLOR";
/// `1` or `2`: every git command is told on stderr; an absolute path: they are written there.
pub const TRACE: &str = "GIT_SYNC_TRACE";
/// Options of the pager `less`.
pub const LESS: &str = "LESS";
/// Options of the pager `lv`.
pub const LV: &str = "LV";
/// Not `0`: colour even where the stream is no terminal.
pub const CLICOLOR_FORCE: &str = "CLICOLOR_FORCE";
/// The kind of terminal; `dumb` has no colour.
pub const TERM: &str = "TERM";
/// Where programs are looked for.
pub const PATH: &str = "PATH";
/// The home of the user.
pub const HOME: &str = "HOME";
/// The login name.
pub const USER: &str = "USER";
/// The login name where `USER` is not set.
pub const LOGNAME: &str = "LOGNAME";
/// Where short-lived sockets may stand; short paths, private.
pub const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// Where the user's settings are, in place of `~/.config`.
pub const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
/// Where programs keep what is for a user, in place of `~/.local/share`.
pub const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
/// zsh's: where its start-up files are, in place of the home.
pub const ZDOTDIR: &str = "ZDOTDIR";
/// GNU Stow's: where the packages are.
pub const STOW_DIR: &str = "STOW_DIR";
/// The agent that has the keys of ssh.
pub const SSH_AUTH_SOCK: &str = "SSH_AUTH_SOCK";
/// Overrides every other language setting; replaced for children whose words we read.
pub const LC_ALL: &str = "LC_ALL";

/// The value of `name`; an empty one counts as not set.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn get(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The value of `name` as text; one that is not UTF-8 counts as not set.
pub fn text(name: &str) -> Option<String> {
    get(name)?.into_string().ok()
}

/// The home of the user, from the environment alone: without one, nothing of ours is kept there.
pub fn home() -> Option<PathBuf> {
    get(HOME)
        .map(PathBuf::from)
        .filter(|home| home.is_absolute())
}

/// Where the user's settings are.
pub fn config_home() -> Option<PathBuf> {
    get(XDG_CONFIG_HOME)
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| Some(home()?.join(".config")))
}

/// Where programs keep what is for a user.
pub fn data_home() -> Option<PathBuf> {
    get(XDG_DATA_HOME)
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| Some(home()?.join(".local/share")))
}

/// The directory the command was typed in.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn current_dir() -> std::io::Result<PathBuf> {
    std::env::current_dir()
}

/// The path of the running program.
pub fn current_exe() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}

/// The folders of `PATH`, in order.
pub fn search_path() -> Vec<PathBuf> {
    get(PATH)
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default()
}
