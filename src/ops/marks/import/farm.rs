//! Links in the home to the files and folders of one folder: what Stow, homeshick and Mackup make.
//!
//! A folder of the set-up is linked as a whole, or is a folder in the home as well, with links in it
//! (Stow's tree folding: <https://www.gnu.org/software/stow/manual/stow.html>, Installing Packages).
//! Links in the set-up are not followed while it is read, so none of them leads around in circles.

use super::found::Found;
use crate::error::Result;
use crate::model::import::Standing;
use crate::sys::{fs, tree};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// One folder, and where its links are.
#[derive(Debug)]
pub(super) struct Farm<'a> {
    /// The folder of the set-up that stands for `target`.
    pub(super) source: &'a Path,
    /// What a link may lead to is in here.
    pub(super) root: &'a Path,
    /// Where the links are.
    pub(super) target: &'a Path,
    /// May a file of its own be a copy, made by the tool?
    pub(super) copies: bool,
    /// Only tell of what is linked.
    pub(super) quiet: bool,
    /// The names in the target for one in the source.
    pub(super) names: fn(&[u8]) -> Vec<Vec<u8>>,
    /// Is a name none of the target? The second: directly in `source`.
    pub(super) is_own: fn(&[u8], bool) -> bool,
}

/// What stands in the home for something in the set-up.
enum Stands {
    /// A link to it, and where that leads.
    Linked(PathBuf),
    /// A link to it that leads nowhere, or out of the set-up.
    Astray(&'static str),
    /// A folder, as there.
    Folder,
    /// A file, as there.
    File,
    Nothing,
    Other(&'static str),
}

/// Names as they are.
pub(super) fn same(name: &[u8]) -> Vec<Vec<u8>> {
    vec![name.to_vec()]
}

impl Farm<'_> {
    /// Looks for the links; `false` where there is none.
    pub(super) fn read(&self, found: &mut Found<'_>) -> Result<bool> {
        let mut any = false;
        let mut left: Vec<(PathBuf, &str)> = Vec::new();
        let mut next = vec![(self.source.to_owned(), self.target.to_owned())];
        while let Some((source, target)) = next.pop() {
            let top = source == self.source;
            for name in fs::names(&source)? {
                if (self.is_own)(name.as_bytes(), top) {
                    continue;
                }
                let there = source.join(&name);
                let (live, stands) = self.best(&there, &target, name.as_bytes());
                let own = !matches!(stands, Stands::Linked(_) | Stands::Folder);
                if own && found.leave_marked(&live) {
                    any = true;
                    continue;
                }
                match stands {
                    Stands::Linked(from) => {
                        any = true;
                        found.propose(&live, from, Standing::Link, None);
                    }
                    Stands::Folder => next.push((there, live)),
                    Stands::File if self.copies => {
                        any = true;
                        let note = differs(&there, &live);
                        found.propose(&live, live.clone(), Standing::File, note);
                    }
                    Stands::File => left.push((live, "is a file of its own, and no link")),
                    Stands::Astray(why) => {
                        any = true;
                        left.push((live, why));
                    }
                    Stands::Other(why) => left.push((live, why)),
                    Stands::Nothing => left.push((live, "is not there")),
                }
            }
        }
        if any && !self.quiet {
            for (live, why) in left {
                found.leave(&live, why);
            }
        }
        Ok(any)
    }

    /// The name in the target under which it stands there, and what that is.
    fn best(&self, there: &Path, target: &Path, name: &[u8]) -> (PathBuf, Stands) {
        let mut candidates = (self.names)(name).into_iter().map(|name| {
            let live = target.join(OsStr::from_bytes(&name));
            let stands = self.stands(there, &live);
            (live, stands)
        });
        let first = candidates.next();
        let other = candidates.find(|(_, stands)| !matches!(stands, Stands::Nothing));
        match (first, other) {
            (Some((_, Stands::Nothing)), Some(other)) => other,
            (Some(first), _) => first,
            (None, _) => (target.to_owned(), Stands::Nothing),
        }
    }

    fn stands(&self, there: &Path, live: &Path) -> Stands {
        let (found, source) = match (fs::look(live), fs::look(there)) {
            (Ok(None), _) => return Stands::Nothing,
            (Ok(Some(found)), Ok(Some(source))) => (found, source),
            _ => return Stands::Other("cannot be read"),
        };
        if found.is_symlink() {
            return self.link(there, live);
        }
        match (found.is_dir(), source.is_dir()) {
            (true, true) => Stands::Folder,
            (false, false) if found.is_file() && source.is_file() => Stands::File,
            _ => Stands::Other("is something else than there"),
        }
    }

    fn link(&self, there: &Path, live: &Path) -> Stands {
        let folder = live.parent().unwrap_or(live);
        let target = folder.join(tree::target(live).ok().flatten().unwrap_or_default());
        if place(&target) != place(there) {
            return Stands::Other("is a link to something else");
        }
        match (live.canonicalize(), self.root.canonicalize()) {
            (Ok(from), Ok(root)) if from.starts_with(&root) => Stands::Linked(from),
            (Ok(_), Ok(_)) => Stands::Astray("leads out of the set-up"),
            _ => Stands::Astray("leads to nothing"),
        }
    }
}

/// Where a name is, whichever links lead to its folder; the last name is not followed.
fn place(path: &Path) -> Option<PathBuf> {
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

/// What has to be said where the file here is another one than there.
pub(super) fn differs(there: &Path, live: &Path) -> Option<&'static str> {
    let same = matches!((fs::read(there), fs::read(live)), (Ok(a), Ok(b)) if a == b);
    (!same).then_some("differs from what is kept there: what is here is taken")
}
