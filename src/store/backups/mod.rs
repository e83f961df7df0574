//! The backups of a repository: one archive each, in a folder of the user's that no `git clean` and no
//! new clone touches.
//!
//! An archive is never changed once it has its name. That one is kept until somebody lets it go says a
//! small file beside it.

pub mod archive;
mod bytes;
mod member;
pub mod pack;
mod plan;
pub mod read;
mod tar;
pub mod unpack;

use super::keys::KeyFile;
use super::layout::Layout;
use crate::error::{Error, Result};
use crate::git::config::Settings;
use crate::model::backup::{Head, Pin};
use crate::sys::fs::{self, Durable};
use crate::sys::{clock, host, tree};
use archive::Archive;
use jiff::Timestamp;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The end of an archive's name.
const ARCHIVE: &str = ".tar.gz";

/// The same where it is encrypted.
const SEALED: &str = ".tar.gz.age";

/// The end of the name of what says that it is kept.
const PIN: &str = ".pin";

/// So many digits of the digest of its path tell a repository from others.
const DIGITS: usize = 16;

/// Where the backups of one work tree are.
#[derive(Debug, Clone)]
pub struct Backups {
    folder: PathBuf,
    link: PathBuf,
    top: PathBuf,
    keys: KeyFile,
}

/// A backup.
#[derive(Debug)]
pub struct Listed {
    /// Its name: when it was made.
    pub id: String,
    /// The size of the archive.
    pub size: u64,
    /// Is it encrypted?
    pub sealed: bool,
    /// What it says of itself.
    pub head: Result<Head>,
    /// Why it is kept until somebody lets it go, where it is.
    pub pin: Option<Pin>,
}

impl Listed {
    /// The number of it; that of one which cannot be read is not known.
    pub fn number(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.number)
    }

    /// When it was made, seconds since 1970, as far as that is known.
    pub fn made(&self) -> Option<i64> {
        let time: Timestamp = self.head.as_ref().ok()?.time.parse().ok()?;
        Some(time.as_second())
    }
}

impl Backups {
    /// The backups of the work tree at `top`; `keys` opens those that are encrypted.
    pub fn of(layout: &Layout, top: &Path, settings: &Settings) -> Self {
        let chosen = settings.backup.folder.as_deref();
        let link = layout.backups();
        let mine = || {
            let top = top.canonicalize().unwrap_or_else(|_| top.to_owned());
            let digest = member::digest(top.as_os_str().as_bytes());
            let name = top.file_name().unwrap_or(OsStr::new("root"));
            let mut name = name.to_owned();
            name.push("-");
            name.push(&digest[..DIGITS]);
            name
        };
        let state = || Some(host::state_folder()?.join("git-sync").join("backups"));
        let folder = match chosen.map(Path::to_owned).or_else(state) {
            Some(folder) => folder.join(mine()),
            // Better in the work tree than nowhere.
            None => link.clone(),
        };
        Self {
            folder,
            link,
            top: top.to_owned(),
            keys: KeyFile::of(settings),
        }
    }

    /// What opens those that are encrypted.
    pub fn keys(&self) -> &KeyFile {
        &self.keys
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder, which is nobody else's to read, and the link to it.
    pub fn create(&self) -> Result<()> {
        if !self.folder.is_dir() {
            if let Some(parent) = self.folder.parent() {
                fs::create_dir_all(parent)?;
                self.hide(parent)?;
            }
            tree::create_folder(&self.folder, 0o700)?;
        }
        self.make_link()
    }

    /// Where it is in the work tree itself, git shall not see it.
    fn hide(&self, parent: &Path) -> Result<()> {
        let rules = parent.join(".gitignore");
        if self.is_inside() && fs::look(&rules)?.is_none() {
            return fs::write_atomic(&rules, b"*\n", Durable::No);
        }
        Ok(())
    }

    /// Is the folder in the work tree, where whoever removes that removes it too?
    pub fn is_inside(&self) -> bool {
        let real = |path: &Path| {
            let there = path.ancestors().find_map(|path| path.canonicalize().ok());
            there.unwrap_or_else(|| path.to_owned())
        };
        real(&self.folder).starts_with(real(&self.top))
    }

    /// What the user put in the place of the link is theirs.
    fn make_link(&self) -> Result<()> {
        if self.link == self.folder {
            return Ok(());
        }
        match fs::look(&self.link)? {
            Some(found) if !found.is_symlink() => return Ok(()),
            Some(_) if tree::target(&self.link)?.as_ref() == Some(&self.folder) => return Ok(()),
            _ => {}
        }
        let beside = fs::beside(&self.link);
        // Without links, the folder is where it is all the same.
        if fs::try_symlink(&self.folder, &beside)? {
            fs::rename(&beside, &self.link)?;
        }
        Ok(())
    }

    /// Removes what writers that died have left; call it with the lock held.
    pub fn sweep(&self) {
        fs::remove_temporaries(&self.folder);
    }

    /// The names of all of them, in order.
    pub fn names(&self) -> Result<Vec<String>> {
        let names = fs::names(&self.folder)?.into_iter();
        let ids = names.filter_map(|name| {
            let name = name.to_str()?;
            let id = name.strip_suffix(ARCHIVE).or(name.strip_suffix(SEALED));
            id.map(str::to_owned)
        });
        Ok(ids.filter(|id| !id.starts_with('.')).collect())
    }

    /// All of them, newest first; damaged ones come last.
    pub fn list(&self) -> Result<Vec<Listed>> {
        let mut all = Vec::new();
        for id in self.names()? {
            let path = self.path(&id)?;
            let Some(found) = fs::look(&path)?.filter(std::fs::Metadata::is_file) else {
                continue;
            };
            all.push(Listed {
                size: found.len(),
                sealed: path == self.place(&id, true),
                head: self.open(&id).map(|archive| archive.head),
                pin: self.pin_of(&id)?,
                id,
            });
        }
        all.sort_by(|a, b| (b.number(), &b.id).cmp(&(a.number(), &a.id)));
        Ok(all)
    }

    /// Where the archive of a backup is, or would be.
    pub fn place(&self, id: &str, sealed: bool) -> PathBuf {
        let end = if sealed { SEALED } else { ARCHIVE };
        self.folder.join(format!("{id}{end}"))
    }

    /// The archive of a backup that is there.
    fn path(&self, id: &str) -> Result<PathBuf> {
        let sealed = self.place(id, true);
        let is_sealed = fs::look(&sealed)?.is_some();
        Ok(if is_sealed {
            sealed
        } else {
            self.place(id, false)
        })
    }

    /// Opens a backup.
    pub fn open(&self, id: &str) -> Result<Archive> {
        Archive::open(&self.path(id)?, &self.keys)
    }

    /// A name for a backup that is made now.
    pub fn free_id(&self) -> Result<String> {
        let name = clock::file_name(clock::now());
        let mut id = name.clone();
        for number in 2.. {
            let is_taken = |sealed| Ok::<_, Error>(fs::look(&self.place(&id, sealed))?.is_some());
            if !is_taken(false)? && !is_taken(true)? {
                break;
            }
            id = format!("{name}-{number}");
        }
        Ok(id)
    }

    /// Removes a backup.
    pub fn remove(&self, id: &str) -> Result<()> {
        fs::remove_file(&self.path(id)?)?;
        self.release(id)
    }

    fn pin_path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}{PIN}"))
    }

    fn pin_of(&self, id: &str) -> Result<Option<Pin>> {
        let Some(bytes) = fs::read(&self.pin_path(id))? else {
            return Ok(None);
        };
        // Whatever it says, it is there: then it says to keep it.
        Ok(Some(serde_json::from_slice(&bytes).unwrap_or(Pin {
            why: "kept".to_owned(),
            held: Vec::new(),
        })))
    }

    /// Keeps a backup until it is let go.
    pub fn pin(&self, id: &str, pin: &Pin) -> Result<()> {
        let text = serde_json::to_vec(pin)
            .map_err(|source| Error::failed("a backup cannot be kept").because(source))?;
        fs::write_atomic(&self.pin_path(id), &text, Durable::Yes)
    }

    /// Lets a backup go with the others of its age.
    pub fn release(&self, id: &str) -> Result<()> {
        fs::remove_file(&self.pin_path(id))
    }
}
