//! May what is to be marked be shared? Places that are no configuration, secrets, and what is large.

use super::Marks;
use super::mark::Options;
use crate::error::{Error, Kind, Result};
use crate::model::mark::Mark;
use crate::model::path::RepoPath;
use crate::model::secret;
use crate::model::skipped::{Why, in_words};
use crate::model::special::Special;
use crate::ops::screen::Screen;
use crate::sys::fs;
use crate::sys::tree::{self, Node, Tree};
use std::path::Path;

/// Where a mark has more, somebody has to say so: git keeps every version of it for ever.
const MUCH: u64 = 5 << 20;

impl Marks<'_, '_> {
    /// Is `path`, below the home, configuration?
    ///
    /// # Errors
    /// Where it is something else.
    pub(super) fn check_special(&self, path: &RepoPath, allow_secret: bool) -> Result<()> {
        let free = |special: Special| special == Special::Keys && allow_secret;
        let shown = |path: &RepoPath| path.below(&self.home).display().to_string();
        if let Some(special) = Special::of(path).filter(|special| !free(*special)) {
            let what = special.words();
            return Err(refused(format!("'{}' is {what}", shown(path)), special));
        }
        for (place, special) in Special::inside(path) {
            if !free(special) && fs::look(&place.below(&self.home))?.is_some() {
                let (outer, inner) = (shown(path), shown(&place));
                let what = special.words();
                let text = format!("'{outer}' has '{inner}' in it, {what}");
                return Err(refused(text, special));
            }
        }
        Ok(())
    }

    /// Is there nothing in `from` that looks like a secret, and not too much of all?
    ///
    /// # Errors
    /// Where there is; where it is not known that it is meant.
    pub(super) fn check_sharing(&self, mark: &Mark, from: &Path, options: &Options) -> Result<()> {
        let Some(content) = Tree::of(from)? else {
            return Ok(());
        };
        let allowed = options.allow_secret || options.wish.encrypt || self.is_sealed(mark);
        let screen = Screen::but_secrets(self.ctx, allowed);
        let allowed = screen.allowed_now()?;
        let mut total = 0;
        for (inside, node) in content.nodes() {
            if !matches!(node, Node::File(..)) {
                continue;
            }
            let file = tree::below(from, inside);
            let copy = copy_of(mark, inside);
            let size = fs::look(&file)?.map_or(0, |found| found.len());
            if copy.stays_here() {
                continue;
            }
            total += size;
            let mut why = screen.is_large(Some(size));
            if why.is_none() && screen.looks_for_secrets() && !allowed.has(&copy) {
                let head = fs::read_head(&file, secret::LOOKED_AT)?.unwrap_or_default();
                why = Why::secret(&secret::find(&copy, &head));
            }
            if let Some(why) = why
                && self.would_be_committed(&copy)?
                && !screen.is_filtered(&copy)?
            {
                return Err(not_shared(&file, &why));
            }
        }
        if total > MUCH && !options.yes {
            if options.dry_run {
                let size = in_words(total);
                let text = format!("'{mark}' has {size}, so it would be asked about");
                self.ctx.listener.warn(&text);
            } else {
                self.agree(mark, total)?;
            }
        }
        Ok(())
    }

    /// Asks whether so much is meant.
    fn agree(&self, mark: &Mark, total: u64) -> Result<()> {
        let size = in_words(total);
        let question =
            format!("'{mark}' has {size}, and git keeps every version of it. Mark it? [y/N] ");
        match self.ctx.listener.agree(&question)? {
            Some(true) => Ok(()),
            Some(false) => Err(Error::new(Kind::Declined, "nothing was changed")),
            None => Err(Error::new(
                Kind::Declined,
                format!("'{mark}' has {size}, and there is no terminal to ask on"),
            )
            .hint("--yes marks it; git keeps every version of it for ever")
            .hint("nothing was changed")),
        }
    }

    fn would_be_committed(&self, copy: &RepoPath) -> Result<bool> {
        let verdicts = self.ctx.repo.ignored(&[copy.as_bytes()])?;
        Ok(!verdicts.iter().any(|verdict| verdict.ignored) && !copy.stays_here())
    }
}

/// The path of the copy of what is `inside` a mark.
pub(super) fn copy_of(mark: &Mark, inside: &[u8]) -> RepoPath {
    let mut path = mark.copy().as_bytes().to_vec();
    if !inside.is_empty() {
        path.push(b'/');
        path.extend_from_slice(inside);
    }
    RepoPath::from_bytes(path)
}

fn refused(what: String, special: Special) -> Error {
    let error = Error::blocked(what);
    let error = match special {
        Special::Keys => error
            .hint("mark the files in it that may be shared, one by one")
            .hint("--allow-secret   shares all of it"),
        _ => error.hint("mark the files and folders that are configuration"),
    };
    error.hint("nothing was changed")
}

fn not_shared(file: &Path, why: &Why) -> Error {
    let name = file.display();
    let error = Error::blocked(format!("'{name}' is not to be shared: {why}"));
    let error = match why {
        Why::Secret { .. } => error
            .hint("really share it? --allow-secret")
            .hint("a comment 'git-sync:allow' on the line lets it pass, now and later"),
        _ => why
            .hints()
            .iter()
            .fold(error, |error, hint| error.hint(*hint)),
    };
    error.hint("nothing was changed")
}
