//! Typed settings: name, default and meaning of every `sync.*` key, and git's own that we read.
//!
//! A bad value is an error that names the key; it never silently becomes the default.

use super::Repo;
use crate::error::{Error, Result};
use crate::model::machine::MachineType;
use crate::model::message;
use crate::model::pace::Tempo;
use crate::model::retention::Retention;
use crate::model::rotation::Rules;
use crate::model::span;
use crate::model::state::Icons;
use crate::model::terms;
use crate::sys::env;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// `sync.enabled`: this repository may be committed to and pushed without being asked. Local only.
pub const ENABLED: &str = "sync.enabled";
/// `sync.directory`: the configs repository, for commands typed elsewhere. Global.
pub const DIRECTORY: &str = "sync.directory";
/// `sync.machineId`: the name of this machine, in place of the one that was made.
pub const MACHINE_ID: &str = "sync.machineId";
/// `sync.machineType`: `mac`, `ec2`, `linux`, `wsl` or `container`, in place of what was detected.
pub const MACHINE_TYPE: &str = "sync.machineType";
/// `sync.profile`: what this machine is used for, with commas between. Marks may be for some alone.
pub const PROFILE: &str = "sync.profile";
/// `sync.remote`: the remote to sync with, in place of the one of the branch's upstream.
pub const REMOTE: &str = "sync.remote";
/// `sync.branch`: the one branch that is synced; on another one a sync refuses.
pub const BRANCH: &str = "sync.branch";
/// `sync.strategy`: `rebase,merge`, `rebase` or `merge`.
pub const STRATEGY: &str = "sync.strategy";
/// `sync.icons`: `unicode` or `ascii`.
pub const ICONS: &str = "sync.icons";
/// `sync.newFiles`: `all`, `tracked` to leave untracked files alone, or `ask`.
pub const NEW_FILES: &str = "sync.newFiles";
/// `sync.commit`: `always`, or `never` to leave committing to the user.
pub const COMMIT: &str = "sync.commit";
/// `sync.commitMessage`: the template of a commit message.
pub const COMMIT_MESSAGE: &str = "sync.commitMessage";
/// `sync.interval`: so many seconds must pass between two background runs.
pub const INTERVAL: &str = "sync.interval";
/// `sync.timeout`: so many seconds may a background run take.
pub const TIMEOUT: &str = "sync.timeout";
/// `sync.watchDelay`: a watch syncs when nothing has changed for so long.
pub const WATCH_DELAY: &str = "sync.watchDelay";
/// `sync.watchInterval`: so often a watch asks the remote; 0: never.
pub const WATCH_INTERVAL: &str = "sync.watchInterval";
/// `sync.retries`: so many times is a lost race run again.
pub const RETRIES: &str = "sync.retries";
/// `sync.keepReplaced`: so long is kept what a policy, a force or a decision replaced.
pub const KEEP_REPLACED: &str = "sync.keepReplaced";
/// `sync.guard`: `false` lets what looks like a secret be committed.
pub const GUARD: &str = "sync.guard";
/// `sync.maxFileSize`: larger files are not committed; 0: all are.
pub const MAX_FILE_SIZE: &str = "sync.maxFileSize";
/// `sync.heartbeat`: `false` leaves nothing about this machine at the remote.
pub const HEARTBEAT: &str = "sync.heartbeat";
/// `sync.backup`: `false` makes no backup before files are changed.
pub const BACKUP: &str = "sync.backup";
/// `sync.backupDir`: the folder that backups are kept in, in place of the user's own for such things.
pub const BACKUP_DIR: &str = "sync.backupDir";
/// `sync.backupKeep`: so many of the newest backups are kept.
pub const BACKUP_KEEP: &str = "sync.backupKeep";
/// `sync.backupKeepHourly`: beyond those, the last one of so many hours.
pub const BACKUP_KEEP_HOURLY: &str = "sync.backupKeepHourly";
/// `sync.backupKeepDaily`: of so many days.
pub const BACKUP_KEEP_DAILY: &str = "sync.backupKeepDaily";
/// `sync.backupKeepWeekly`: of so many weeks.
pub const BACKUP_KEEP_WEEKLY: &str = "sync.backupKeepWeekly";
/// `sync.backupMaxAge`: none is kept for longer.
pub const BACKUP_MAX_AGE: &str = "sync.backupMaxAge";
/// `sync.backupMaxSize`: all of them take no more room than this.
pub const BACKUP_MAX_SIZE: &str = "sync.backupMaxSize";
/// `sync.backupEncrypt`: `true` encrypts backups for this machine and the recipients of the repository.
pub const BACKUP_ENCRYPT: &str = "sync.backupEncrypt";
/// `sync.backupLocal`: `true` takes files into backups whose names end in `.local`.
pub const BACKUP_LOCAL: &str = "sync.backupLocal";
/// `sync.ageIdentity`: the file with the age keys that open encrypted marks.
pub const AGE_IDENTITY: &str = "sync.ageIdentity";
/// `sync.hooks`: `false` keeps a setup from putting in hooks.
pub const HOOKS: &str = "sync.hooks";
/// `sync.background`: `true`, `false` to make no syncs without being asked, or `outside-containers`.
pub const BACKGROUND: &str = "sync.background";
/// `advice.sync`: `false` switches our hints off.
pub const ADVICE: &str = "advice.sync";
/// `color.sync`: `always`, `never` or `auto`, in place of `color.ui`.
pub const COLOR: &str = "color.sync";

/// Every key, for the test that the manual names each of them.
pub const KEYS: [&str; 36] = [
    HEARTBEAT,
    BACKUP,
    BACKUP_DIR,
    BACKUP_KEEP,
    BACKUP_KEEP_HOURLY,
    BACKUP_KEEP_DAILY,
    BACKUP_KEEP_WEEKLY,
    BACKUP_MAX_AGE,
    BACKUP_MAX_SIZE,
    BACKUP_LOCAL,
    BACKUP_ENCRYPT,
    PROFILE,
    REMOTE,
    BRANCH,
    STRATEGY,
    ICONS,
    ENABLED,
    DIRECTORY,
    MACHINE_ID,
    MACHINE_TYPE,
    NEW_FILES,
    COMMIT,
    COMMIT_MESSAGE,
    INTERVAL,
    TIMEOUT,
    WATCH_DELAY,
    WATCH_INTERVAL,
    RETRIES,
    KEEP_REPLACED,
    GUARD,
    MAX_FILE_SIZE,
    AGE_IDENTITY,
    HOOKS,
    BACKGROUND,
    ADVICE,
    COLOR,
];

/// Where nothing is set: GitHub warns of larger files, and refuses those of twice the size.
const DEFAULT_MAX_FILE_SIZE: u64 = 50 << 20;

/// Which files become part of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewFiles {
    /// Tracked ones and new ones that are not ignored.
    All,
    /// Tracked ones.
    Tracked,
    /// Tracked ones, and those new ones that the user chooses when asked.
    Ask,
}

/// Where syncs are made without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
    /// Everywhere but in containers.
    OutsideContainers,
}

/// How commits of both sides are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// This machine's follow the remote's; where they do not apply one by one, a merge.
    RebaseThenMerge,
    /// This machine's follow the remote's; what does not apply is held.
    Rebase,
    /// A merge, unless only one side has commits.
    Merge,
}

/// Who commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitWhen {
    /// Every sync commits what changed.
    Always,
    /// Only the user; changes stay uncommitted.
    Never,
}

/// The settings of a sync, all checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `sync.newFiles`.
    pub new_files: NewFiles,
    /// `sync.strategy`.
    pub strategy: Strategy,
    /// `sync.icons`.
    pub icons: Icons,
    /// `sync.commit`.
    pub commit: CommitWhen,
    /// `sync.commitMessage`.
    pub message: String,
    /// `sync.background`.
    pub background: Background,
    /// `sync.interval`, seconds.
    pub interval: i64,
    /// `sync.timeout`, seconds.
    pub timeout: u64,
    /// `sync.watchDelay` and `sync.watchInterval`.
    pub tempo: Tempo,
    /// `sync.retries`.
    pub retries: u32,
    /// `sync.keepReplaced`.
    pub keep_replaced: Retention,
    /// `sync.guard`.
    pub guard: bool,
    /// `sync.heartbeat`.
    pub heartbeat: bool,
    /// `sync.maxFileSize` in bytes; `None`: no limit.
    pub max_file_size: Option<u64>,
    /// `sync.ageIdentity`.
    pub age_identity: Option<PathBuf>,
    /// `sync.machineId`.
    pub machine_id: Option<String>,
    /// `sync.machineType`.
    pub machine_type: Option<MachineType>,
    /// `sync.profile`.
    pub profiles: BTreeSet<String>,
    /// `commit.gpgSign`.
    pub sign: bool,
    /// `sync.backup…`.
    pub backup: Backup,
}

/// How backups are made and kept.
#[derive(Debug, Clone)]
pub struct Backup {
    /// `sync.backup`.
    pub enabled: bool,
    /// `sync.backupDir`.
    pub folder: Option<PathBuf>,
    /// `sync.backupLocal`.
    pub local: bool,
    /// `sync.backupEncrypt`.
    pub encrypt: bool,
    /// The others.
    pub rules: Rules,
}

impl Backup {
    fn read(repo: &Repo) -> Result<Self> {
        let count = |key, usual| Ok::<_, Error>(number(repo, key, 0..=10_000)?.unwrap_or(usual));
        let rules = Rules {
            keep: number(repo, BACKUP_KEEP, 1..=10_000)?.unwrap_or(10),
            hourly: count(BACKUP_KEEP_HOURLY, 0)?,
            daily: count(BACKUP_KEEP_DAILY, 0)?,
            weekly: count(BACKUP_KEEP_WEEKLY, 0)?,
            age: choice(repo, BACKUP_MAX_AGE, Retention::parse)?.unwrap_or(Retention::Forever),
            size: choice(repo, BACKUP_MAX_SIZE, size)?.filter(|size| *size > 0),
        };
        let folder = choice(repo, BACKUP_DIR, |text| {
            let path = match text.strip_prefix("~/") {
                Some(rest) => env::home()?.join(rest),
                None => PathBuf::from(text),
            };
            path.is_absolute().then_some(path)
        })?;
        Ok(Self {
            enabled: repo.config_bool(BACKUP)?.unwrap_or(true),
            folder,
            local: repo.config_bool(BACKUP_LOCAL)?.unwrap_or(false),
            encrypt: repo.config_bool(BACKUP_ENCRYPT)?.unwrap_or(false),
            rules,
        })
    }
}

impl Settings {
    /// Reads the settings of `repo`.
    pub fn read(repo: &Repo) -> Result<Self> {
        let new_files = choice(repo, NEW_FILES, |word| match word {
            "all" => Some(NewFiles::All),
            "tracked" => Some(NewFiles::Tracked),
            "ask" => Some(NewFiles::Ask),
            _ => None,
        })?;
        let strategy = choice(repo, STRATEGY, |word| match &*word.replace(' ', "") {
            "rebase,merge" => Some(Strategy::RebaseThenMerge),
            "rebase" => Some(Strategy::Rebase),
            "merge" => Some(Strategy::Merge),
            _ => None,
        })?;
        let commit = choice(repo, COMMIT, |word| match word {
            "always" => Some(CommitWhen::Always),
            "never" => Some(CommitWhen::Never),
            _ => None,
        })?;
        // An empty one would make commits without a subject.
        let message = choice(repo, COMMIT_MESSAGE, |template| {
            let template = template.trim();
            (!template.is_empty()).then(|| template.to_owned())
        })?;
        Ok(Self {
            strategy: strategy.unwrap_or(Strategy::RebaseThenMerge),
            icons: icons(repo)?,
            new_files: new_files.unwrap_or(NewFiles::All),
            commit: commit.unwrap_or(CommitWhen::Always),
            message: message.unwrap_or_else(|| message::DEFAULT_TEMPLATE.to_owned()),
            background: background(repo)?,
            interval: interval(repo)?,
            timeout: number(repo, TIMEOUT, 1..=86_400)?.unwrap_or(20),
            tempo: tempo(repo)?,
            retries: number(repo, RETRIES, 0..=100)?.unwrap_or(5),
            keep_replaced: choice(repo, KEEP_REPLACED, Retention::parse)?
                .unwrap_or(Retention::Days(90)),
            guard: repo.config_bool(GUARD)?.unwrap_or(true),
            heartbeat: repo.config_bool(HEARTBEAT)?.unwrap_or(true),
            max_file_size: choice(repo, MAX_FILE_SIZE, size)?
                .map_or(Some(DEFAULT_MAX_FILE_SIZE), |size| {
                    (size > 0).then_some(size)
                }),
            age_identity: choice(repo, AGE_IDENTITY, file)?,
            machine_id: repo.config_text(MACHINE_ID),
            machine_type: choice(repo, MACHINE_TYPE, MachineType::parse)?,
            profiles: choice(repo, PROFILE, terms::profiles)?.unwrap_or_default(),
            sign: repo.config_bool("commit.gpgSign")?.unwrap_or(false),
            backup: Backup::read(repo)?,
        })
    }
}

fn background(repo: &Repo) -> Result<Background> {
    if repo.config_text(BACKGROUND).as_deref() == Some("outside-containers") {
        return Ok(Background::OutsideContainers);
    }
    Ok(match repo.config_bool(BACKGROUND)? {
        Some(false) => Background::Never,
        Some(true) | None => Background::Always,
    })
}

fn tempo(repo: &Repo) -> Result<Tempo> {
    let delay = choice(repo, WATCH_DELAY, |text| {
        span::parse(text).filter(|delay| !delay.is_zero())
    })?;
    let interval = choice(repo, WATCH_INTERVAL, span::parse)?;
    let interval = interval.unwrap_or(Duration::from_secs(300));
    Ok(Tempo {
        delay: delay.unwrap_or(Duration::from_secs(3)),
        interval: (!interval.is_zero()).then_some(interval),
    })
}

/// `sync.interval` of `repo`, also where another setting is bad.
pub fn interval(repo: &Repo) -> Result<i64> {
    Ok(number(repo, INTERVAL, 0..=31_536_000)?.unwrap_or(300))
}

/// `sync.icons` of `repo`, also where another setting is bad.
pub fn icons(repo: &Repo) -> Result<Icons> {
    choice(repo, ICONS, Icons::parse).map(Option::unwrap_or_default)
}

fn bad(key: &str, value: &str) -> Error {
    Error::fatal(format!("bad value '{value}' for '{key}'")).hint(format!(
        "git config --show-origin --get {key}   tells where it is set"
    ))
}

fn choice<T>(repo: &Repo, key: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
    repo.config_text(key)
        .map(|value| parse(&value).ok_or_else(|| bad(key, &value)))
        .transpose()
}

/// An absolute path, or one below the home as git writes it.
fn file(text: &str) -> Option<PathBuf> {
    let path = match text.strip_prefix("~/") {
        Some(below) => env::home()?.join(below),
        None => PathBuf::from(text),
    };
    path.is_absolute().then_some(path)
}

/// A number of bytes with one of git's suffixes.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit: u64 = match &*text[number.len()..].to_ascii_lowercase() {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    number
        .parse::<u64>()
        .ok()
        .filter(|_| digits)?
        .checked_mul(unit)
}

fn number<T: TryFrom<i64>>(
    repo: &Repo,
    key: &str,
    range: std::ops::RangeInclusive<i64>,
) -> Result<Option<T>> {
    let Some(text) = repo.config_text(key) else {
        return Ok(None);
    };
    let number = text
        .trim()
        .parse()
        .ok()
        .filter(|number| range.contains(number));
    number
        .and_then(|number| T::try_from(number).ok())
        .map(Some)
        .ok_or_else(|| bad(key, &text))
}

#[cfg(test)]
mod tests {
    use super::{KEYS, size};
    use crate::testing::text;
    use proptest::prelude::*;

    #[test]
    fn sizes_have_the_suffixes_of_git() {
        let sizes = ["0", "7", "2k", "50M", " 1g "].map(size);
        assert_eq!(sizes, [0, 7, 2 << 10, 50 << 20, 1 << 30].map(Some));
        for bad in ["", "m", "-1", "+1", "1.5m", "1mb", "99999999999g"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }

    #[test]
    fn no_key_is_listed_twice() {
        let mut keys = KEYS.to_vec();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), KEYS.len());
    }

    proptest! {
        #[test]
        fn a_size_of_anything_is_read_or_bad(text in text(), number in any::<u64>(), unit in "[kKmMgGx]?") {
            size(&text);
            if let Some(size) = size(&format!("{number}{unit}")) {
                prop_assert!(size >= number);
            }
        }
    }
}
