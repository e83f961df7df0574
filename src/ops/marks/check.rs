//! What may be marked, and what may not: asked before anything is touched.

use super::Marks;
use super::mark::Options;
use crate::error::{Error, Result};
use crate::model::cure::{Live, Phase};
use crate::model::mark::{MANIFEST, Mark};
use crate::model::modes::MODES;
use crate::model::path::RepoPath;
use crate::ops::Context;
use crate::store::keys;
use crate::store::memory::Remembered;
use crate::sys::age;
use crate::sys::fs;
use crate::sys::tree::{self, Node, Tree};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

/// What a path that was typed is.
pub(super) enum Wanted {
    /// A new mark, and where its content is.
    New { mark: Mark, from: PathBuf },
    /// It is synced already: by this mark.
    Already(PathBuf, Mark),
}

/// Checks that the lists would be committed: another machine could not know what is marked.
pub(super) fn is_shared(ctx: &Context<'_>) -> Result<()> {
    for (path, verdict) in [MANIFEST, MODES]
        .into_iter()
        .zip(ctx.repo.ignored(&[MANIFEST, MODES])?)
    {
        if verdict.ignored {
            let error = Error::blocked(format!("'{path}' would not be committed"));
            return Err(error
                .because(verdict.rule.unwrap_or_default())
                .hint("git sync --setup   adds the rule that takes it in")
                .hint("nothing was changed"));
        }
    }
    Ok(())
}

impl Marks<'_, '_> {
    /// The path below the home of what was typed; links above it are followed only where that is needed
    /// to find the home, or to go up from them.
    pub(super) fn below_home(&self, typed: &Path) -> Option<RepoPath> {
        let path = without_dots(typed);
        let home = self
            .home
            .canonicalize()
            .unwrap_or_else(|_| self.home.clone());
        let resolved = || {
            let name = path.file_name()?;
            Some(path.parent()?.canonicalize().ok()?.join(name))
        };
        let inside = path
            .strip_prefix(&self.home)
            .or_else(|_| path.strip_prefix(&home))
            .map(Path::to_owned)
            .ok()
            .or_else(|| Some(resolved()?.strip_prefix(&home).ok()?.to_owned()))?;
        Some(RepoPath::from_bytes(inside.as_os_str().as_bytes()))
    }

    /// What marking `typed` means; whether the ignore rules let it through is for [`Self::check_rules`] to say, of
    /// many at once.
    ///
    /// # Errors
    /// When it cannot be marked; nothing is touched.
    pub(super) fn check(&self, typed: &Path, options: &Options) -> Result<Wanted> {
        let terms = !options.wish.is_empty();
        let shown = typed.display();
        let Some(path) = self.below_home(typed) else {
            return Err(Error::blocked(format!("'{shown}' is not in your home"))
                .hint("only what is below HOME has the same place on every machine")
                .hint("nothing was changed"));
        };
        if path.as_bytes().is_empty() {
            return Err(Error::blocked("this is your home, with everything in it")
                .hint("name the files and folders that shall be synced"));
        }
        if let Some(mark) = self.manifest.get(&path) {
            let stands = match self.live(mark)? {
                Live::Ours => true,
                Live::Content(_) => self.is_copied(mark),
                _ => false,
            };
            if let Some(variant) = &options.wish.variant {
                self.check_variant(mark, variant, options)?;
            }
            if stands || terms {
                return Ok(Wanted::Already(typed.to_owned(), mark.clone()));
            }
            if !self.is_wanted(mark) {
                let hint = if self.manifest.terms(mark).variants.is_empty() {
                    "git sync mark --machines= --profiles= PATH   marks it for all"
                } else {
                    "git sync mark --variant WHO PATH   gives those machines this one"
                };
                return Err(Error::blocked(format!(
                    "'{mark}' is marked, but not for this machine"
                ))
                .hint(hint)
                .hint("nothing was changed"));
            }
        }
        if let Some(mark) = self.manifest.above(&path) {
            if terms {
                return Err(Error::blocked(format!(
                    "'{shown}' is in '{mark}', which is marked as a whole"
                ))
                .hint("name the folder")
                .hint("nothing was changed"));
            }
            let folder = fs::is_dir(&path.below(&self.home))?;
            if let Some(inner) = Mark::new(path.as_bytes(), folder) {
                // It may be one of those that stay here.
                self.check_special(&path, options.allow_secret)?;
                self.check_rules([&inner])?;
            }
            return Ok(Wanted::Already(typed.to_owned(), mark.clone()));
        }
        let live = path.below(&self.home);
        self.check_place(&live)?;
        self.check_special(&path, options.allow_secret || options.wish.encrypt)?;
        let Some(found) = fs::look(&live)? else {
            return match self.manifest.get(&path) {
                // Its link was removed: it comes back.
                Some(mark) if fs::look(&self.copy(mark))?.is_some() => Ok(Wanted::New {
                    mark: mark.clone(),
                    from: self.copy(mark),
                }),
                _ => {
                    Err(Error::blocked(format!("'{shown}' is not there"))
                        .hint("nothing was changed"))
                }
            };
        };
        if let Some(mark) = self.manifest.get(&path) {
            if self.is_begun(mark, &live)? {
                let mark = mark.clone();
                return Ok(Wanted::New { mark, from: live });
            }
            // Which of the two counts is what a repair looks at; taking this one might lose the other.
            return Err(Error::blocked(format!(
                "'{mark}' is marked, and something else stands there"
            ))
            .hint("git sync mark --repair   takes it in, or asks")
            .hint("nothing was changed"));
        }
        let is_ours = self.is_ours(&path)?;
        let from = if found.is_symlink() && !is_ours {
            Self::followed(&live, options.follow)?
        } else {
            live.clone()
        };
        let folder = fs::is_dir(&from)?;
        let Some(mark) = Mark::new(path.as_bytes(), folder) else {
            return Err(Error::blocked(format!("'{shown}' is no path to mark")));
        };
        let mark = mark.with_variant(options.wish.variant.as_deref());
        if let Some(inner) = self.manifest.inside(&path).next() {
            return Err(Error::blocked(format!("'{inner}' in it is marked already"))
                .hint(format!("git sync unmark {inner}   then mark the folder"))
                .hint("nothing was changed"));
        }
        self.check_alone(&mark)?;
        if !is_ours {
            Self::check_content(&mark, &from)?;
            if options.wish.encrypt {
                self.check_encryption(&mark, &from)?;
            }
            self.check_copy(&mark, &from)?;
            self.check_sharing(&mark, &from, options)?;
        }
        Ok(Wanted::New { mark, from })
    }

    /// Was a run killed that took it in, and is it what it was then?
    fn is_begun(&self, mark: &Mark, live: &Path) -> Result<bool> {
        let adopting = |known: &&Remembered| known.phase == Phase::Adopting;
        let Some(known) = self.remembered(mark).filter(adopting) else {
            return Ok(false);
        };
        let here = Tree::of(live)?.map(|tree| tree.digest());
        Ok(here.as_ref() == Some(&known.digest) && self.check_copy(mark, live).is_ok())
    }

    fn is_ours(&self, path: &RepoPath) -> Result<bool> {
        for folder in [true, false] {
            if let Some(mark) = Mark::new(path.as_bytes(), folder)
                && self.live(&mark)? == Live::Ours
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Is it a place that may have a link to the repository?
    fn check_place(&self, live: &Path) -> Result<()> {
        let name = live.display();
        if self.leads_inside(live)? {
            return Err(Error::blocked(format!(
                "'{name}' is in the repository, so it is synced already"
            ))
            .hint("nothing was changed"));
        }
        if tree::target(live)?.is_none() && self.has_repository(live)? {
            return Err(Error::blocked(format!("'{name}' has the repository in it"))
                .hint("mark what is beside it, one by one"));
        }
        if let Some(folder) = live.parent().filter(|folder| folder.is_dir())
            && !fs::may_change_names(folder)
        {
            let folder = folder.display();
            return Err(Error::blocked(format!(
                "'{folder}' cannot be changed, so '{name}' cannot be linked"
            ))
            .hint("check who owns it and its mode")
            .hint("nothing was changed"));
        }
        Ok(())
    }

    /// What a link leads to, where that is wished for.
    fn followed(live: &Path, follow: bool) -> Result<PathBuf> {
        let name = live.display();
        let target = tree::target(live)?.unwrap_or_default();
        let target = target.display();
        if !follow {
            return Err(Error::blocked(format!("'{name}' is a link to '{target}'"))
                .hint("--follow   takes in what it leads to, in the place of the link")
                .hint("nothing was changed"));
        }
        live.canonicalize().map_err(|source| {
            Error::blocked(format!("'{name}' leads to '{target}', which is not there"))
                .because(source)
        })
    }

    /// Can all of it be kept in a repository, and be right there?
    pub(super) fn check_content(mark: &Mark, from: &Path) -> Result<()> {
        let refuse = |what: String| Error::blocked(what).hint("nothing was changed");
        let Some(content) = Tree::of(from)? else {
            return Err(refuse(format!("'{mark}' is not there")));
        };
        let mut files = 0;
        for (inside, node) in content.nodes() {
            let file = tree::below(from, inside);
            let name = file.display();
            match node {
                Node::Odd => {
                    return Err(refuse(format!("'{name}' is not a file")));
                }
                Node::Folder(_) => {}
                Node::File(..) => files += 1,
                Node::Link(target) => {
                    files += 1;
                    if leads_out(inside, target) {
                        return Err(refuse(format!(
                            "'{name}' is a link out of the folder, and would lead elsewhere from the \
                             repository"
                        ))
                        .hint("make its target absolute, or mark the files one by one"));
                    }
                }
            }
            if inside == b".git" || inside.ends_with(b"/.git") {
                return Err(refuse(format!("'{name}' makes it a repository of its own")));
            }
        }
        if files == 0 {
            return Err(refuse(format!(
                "there is nothing in '{mark}' that git can keep"
            )));
        }
        Ok(())
    }

    /// Can it be encrypted, and be in plain again?
    fn check_encryption(&self, mark: &Mark, from: &Path) -> Result<()> {
        let refuse = |what: String| Error::blocked(what).hint("nothing was changed");
        if let Ok(key) = keys::path(self.ctx.repo, &self.ctx.settings)
            && let (Ok(key), Ok(from)) = (key.canonicalize(), from.canonicalize())
            && key.starts_with(&from)
        {
            let key = key.display();
            return Err(refuse(format!(
                "'{mark}' has the key file '{key}', which only itself could open again"
            )));
        }
        for (inside, node) in Tree::of(from)?.iter().flat_map(Tree::nodes) {
            let file = tree::below(from, inside);
            if matches!(node, Node::File(..)) && age::is_encrypted_file(&file)? {
                let file = file.display();
                return Err(refuse(format!("'{file}' is encrypted already"))
                    .hint("without --encrypt it is kept as it is"));
            }
        }
        Ok(())
    }

    /// Is there a copy already that says something else?
    pub(super) fn check_copy(&self, mark: &Mark, from: &Path) -> Result<()> {
        let copy = self.copy(mark);
        if Tree::of(&copy)?.is_none() {
            return Ok(());
        }
        let here = Tree::of(from)?.map(|tree| tree.digest());
        if here.is_some() && here == self.digest_of_copy(mark, &copy)? {
            return Ok(());
        }
        let path = mark.copy();
        Err(Error::blocked(format!(
            "'{path}' is in the repository, and differs from '{mark}'"
        ))
        .hint("make the two the same, or move one of them away")
        .hint("nothing was changed"))
    }

    /// Would the copies be committed?
    ///
    /// # Errors
    /// When the rules keep one of them here.
    pub(super) fn check_rules<'m>(&self, marks: impl IntoIterator<Item = &'m Mark>) -> Result<()> {
        let asked = |mark: &'m Mark| {
            // Some rules are about folders alone, and it need not be there yet.
            let end: &[u8] = if mark.is_folder() { b"/" } else { b"" };
            (mark, [mark.copy().as_bytes(), end].concat())
        };
        let (marks, paths): (Vec<_>, Vec<_>) = marks.into_iter().map(asked).unzip();
        if paths.is_empty() {
            return Ok(());
        }
        let verdicts = self.ctx.repo.ignored(&paths)?;
        for ((mark, path), verdict) in marks.into_iter().zip(paths).zip(verdicts) {
            let is_local = RepoPath::from_bytes(path).is_local();
            if verdict.ignored || (verdict.rule.is_none() && is_local) {
                return Err(stays_here(mark, verdict.rule, is_local));
            }
        }
        Ok(())
    }
}

fn stays_here(mark: &Mark, rule: Option<String>, is_local: bool) -> Error {
    let error = Error::blocked(format!("'{mark}' stays on this machine, by a rule"));
    let error = match rule {
        Some(rule) if rule.ends_with(":*.local") && !is_local => error
            .because(rule)
            .hint("git sync --setup   adds the rule that takes in what is in '~/.local'"),
        Some(rule) => error.because(rule),
        None => error.because("what ends in '.local' is of one machine"),
    };
    let error = if is_local {
        error.hint("what ends in '.local' is never synced: let a file that is marked read it")
    } else {
        error
    };
    error.hint("nothing was changed")
}

/// The path without `.` and `..`; what is before the last `..` is looked up, as a link may be gone up
/// from.
fn without_dots(path: &Path) -> PathBuf {
    let parts: Vec<_> = path.components().collect();
    let last = parts.iter().rposition(|part| *part == Component::ParentDir);
    let (up, down) = parts.split_at(last.map_or(0, |last| last + 1));
    let up: PathBuf = up.iter().collect();
    let up = up.canonicalize().unwrap_or(up);
    down.iter().fold(up, |path, part| path.join(part))
}

/// Does a relative link in a folder lead out of it?
fn leads_out(inside: &[u8], target: &[u8]) -> bool {
    if target.starts_with(b"/") {
        return false;
    }
    let mut depth = inside.split(|byte| *byte == b'/').count() - 1;
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if depth == 0 => return true,
            b".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::leads_out;

    #[test]
    fn only_links_that_leave_the_folder_lead_out() {
        for (inside, target, out) in [
            ("a", "b", false),
            ("a", "../b", true),
            ("d/a", "../b", false),
            ("d/a", "../../b", true),
            ("a", "d/../../b", true),
            ("a", "/etc/hosts", false),
        ] {
            assert_eq!(
                leads_out(inside.as_bytes(), target.as_bytes()),
                out,
                "{inside} {target}"
            );
        }
    }
}
