//! Encrypted marks: what the repository has is encrypted, what stands at the live path is not.
//!
//! Everything else that is done to marks sees a copy through here, in plain: to compare it nothing is
//! written, to put it somewhere it is opened in a private folder. What has not changed is not encrypted
//! again: it would be other bytes each time.

use super::Marks;
use crate::error::{Error, Result};
use crate::model::cure::Trouble;
use crate::model::mark::Mark;
use crate::model::recipients::{RECIPIENTS, RecipientList};
use crate::ops::Context;
use crate::store::keys::{self, KeyFile};
use crate::sys::age::{self, Closed, Keys, Recipients};
use crate::sys::fs;
use crate::sys::tree::{self, Node, Tree};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a copy has in plain.
#[derive(Debug)]
pub(super) enum Opened {
    /// Nothing stands there.
    Nothing,
    /// This; is it as the list says, encrypted or not?
    Content { tree: Tree, settled: bool },
    /// It cannot be read here.
    Closed(Trouble),
}

impl Marks<'_, '_> {
    /// Is what the repository has of it to be encrypted?
    pub(super) fn is_sealed(&self, mark: &Mark) -> bool {
        self.manifest.terms(mark).encrypt
    }

    /// What the copy of a mark has, or something that is to become it, at `path`.
    pub(super) fn opened(&self, mark: &Mark, path: &Path) -> Result<Opened> {
        if !self.is_sealed(mark) {
            return Ok(match Tree::of(path)? {
                Some(tree) => Opened::Content {
                    tree,
                    settled: true,
                },
                None => Opened::Nothing,
            });
        }
        // Before it is encrypted for the first time, and never after that: what has lost its first line
        // is no new content.
        let plain_before = self.remembered(mark).is_some_and(|known| !known.sealed);
        let (mut closed, mut settled) = (None, true);
        let tree = Tree::of_as(path, &mut |file| {
            if closed.is_some() {
                return Ok(String::new());
            }
            if !age::is_encrypted_file(file)? {
                settled = false;
                if plain_before {
                    return tree::digest(file);
                }
                closed = Some(Trouble::Damaged);
                return Ok(String::new());
            }
            Ok(self.keys.digest(file)?.unwrap_or_else(|why| {
                closed = Some(self.trouble(why));
                String::new()
            }))
        })?;
        Ok(match (closed, tree) {
            (_, None) => Opened::Nothing,
            (Some(trouble), _) => Opened::Closed(trouble),
            (None, Some(tree)) => Opened::Content { tree, settled },
        })
    }

    fn trouble(&self, closed: Closed) -> Trouble {
        match closed {
            Closed::NoKey if self.keys.is_empty() => self.keyless(),
            Closed::NoKey => Trouble::Locked,
            Closed::Damaged => Trouble::Damaged,
        }
    }

    /// Why this machine has no key.
    pub(super) fn keyless(&self) -> Trouble {
        match keys::read(self.ctx.repo, &self.ctx.settings) {
            Ok(_) => Trouble::Keyless,
            Err(_) => Trouble::BadKey,
        }
    }

    /// What the copy of a mark has in plain.
    ///
    /// # Errors
    /// When it cannot be read here.
    pub(super) fn content(&self, mark: &Mark) -> Result<Option<Tree>> {
        match self.opened(mark, &self.copy(mark))? {
            Opened::Nothing => Ok(None),
            Opened::Content { tree, .. } => Ok(Some(tree)),
            Opened::Closed(trouble) => Err(Error::blocked(words(trouble))),
        }
    }

    /// The digest of what stands at `path` in the way of a copy; `None` where nothing does, or it cannot
    /// be read here.
    pub(super) fn digest_of_copy(&self, mark: &Mark, path: &Path) -> Result<Option<String>> {
        Ok(match self.opened(mark, path)? {
            Opened::Content { tree, .. } => Some(tree.digest()),
            Opened::Nothing | Opened::Closed(_) => None,
        })
    }

    /// Where the copy of a mark can be read in plain: it is that itself, or private and gone after the run.
    ///
    /// # Errors
    /// When it cannot be read here.
    pub(super) fn readable(&self, mark: &Mark) -> Result<PathBuf> {
        let copy = self.copy(mark);
        if !self.is_sealed(mark) {
            return Ok(copy);
        }
        let made = private_scratch(self.ctx, "plain")?.join("content");
        if let Some(content) = self.content(mark)? {
            content.copy_as(&copy, &made, &mut |_, from, to| self.open_file(from, to))?;
        }
        Ok(made)
    }

    fn open_file(&self, from: &Path, to: &Path) -> Result<()> {
        if !age::is_encrypted_file(from)? {
            return fs::copy(from, to);
        }
        let opened = self.keys.open_file(from, to)?;
        opened.map_err(|why| Error::blocked(words(self.trouble(why))))
    }

    /// Makes at `to` what the repository shall have of `content`, which stands at `from`.
    pub(super) fn copy_in(
        &self,
        mark: &Mark,
        from: &Path,
        content: &Tree,
        to: &Path,
    ) -> Result<()> {
        if !self.is_sealed(mark) {
            return content.copy(from, to);
        }
        let copy = self.copy(mark);
        let known = match self.opened(mark, &copy)? {
            Opened::Content { tree, .. } => tree,
            Opened::Nothing | Opened::Closed(_) => return self.seal(from, content, to),
        };
        let known: BTreeMap<_, _> = known.nodes().collect();
        let recipients = recipients(self.ctx)?;
        let all: BTreeMap<_, _> = content.nodes().collect();
        content.copy_as(from, to, &mut |inside, source, target| {
            let digest = |node: Option<&&Node>| match node {
                Some(Node::File(digest, _)) => Some(digest.clone()),
                _ => None,
            };
            let twin = tree::below(&copy, inside);
            let same = digest(known.get(inside)) == digest(all.get(inside));
            if same && age::is_encrypted_file(&twin)? {
                fs::copy(&twin, target)
            } else {
                recipients.seal_file(source, target)
            }
        })
    }

    /// Makes at `to` an encrypted copy of `content`, which stands at `from`, all of it anew.
    pub(super) fn seal(&self, from: &Path, content: &Tree, to: &Path) -> Result<()> {
        let recipients = recipients(self.ctx)?;
        content.copy_as(from, to, &mut |_, source, target| {
            recipients.seal_file(source, target)
        })
    }

    /// Has what was made at `path` for a mark `content`, so that it may become the copy?
    ///
    /// # Errors
    /// When this machine could not read it again.
    pub(super) fn is_made(&self, mark: &Mark, path: &Path, content: &Tree) -> Result<bool> {
        match self.opened(mark, path)? {
            Opened::Nothing => Ok(false),
            Opened::Content { tree, settled } => Ok(settled && tree == *content),
            Opened::Closed(_) => Err(Error::blocked(format!(
                "this machine could not read '{mark}' again: '{RECIPIENTS}' has no key of it"
            ))),
        }
    }
}

/// Why a copy is left as it is.
pub(super) fn words(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Keyless => "it is encrypted, and this machine has no key",
        Trouble::BadKey => "it is encrypted, and the key file of this machine cannot be used",
        Trouble::Locked => "it is encrypted, and not for the key of this machine",
        Trouble::Damaged => "what the repository has of it is damaged, or not encrypted",
        Trouble::Unsaid => {
            "what the repository has of it is encrypted, and the list does not say so"
        }
        _ => "it cannot be read",
    }
}

/// A private folder for something in plain; gone after the run.
pub(in crate::ops) fn private_scratch(ctx: &Context<'_>, what: &str) -> Result<PathBuf> {
    let folder = ctx.scratch(what);
    if let Some(above) = folder.parent() {
        fs::create_dir_all(above)?;
    }
    tree::create_folder(&folder, 0o700)?;
    Ok(folder)
}

/// The keys of this machine, where something is encrypted. A key file that cannot be used is as good as
/// none ([`Trouble::BadKey`]): everything else is synced all the same.
///
/// # Errors
/// When the key file is in the repository.
pub(in crate::ops) fn keys(ctx: &Context<'_>, is_needed: bool) -> Result<Keys> {
    if !is_needed {
        return Ok(Keys::default());
    }
    keys::path(ctx.repo, &ctx.settings)?;
    Ok(KeyFile::of(&ctx.settings).keys().unwrap_or_default())
}

/// The list of recipients, as it stands in the work tree.
pub(in crate::ops) fn list(ctx: &Context<'_>) -> Result<RecipientList> {
    let text = fs::read_text(&ctx.repo.top().join(RECIPIENTS))?;
    Ok(RecipientList::parse(&text.unwrap_or_default()))
}

/// Those that something is encrypted for.
///
/// # Errors
/// When there are none, or one of them is none that this program knows: nobody is left out in silence.
pub(in crate::ops) fn recipients(ctx: &Context<'_>) -> Result<Recipients> {
    let list = list(ctx)?;
    let named = list.recipients();
    if named.is_empty() {
        return Err(
            Error::blocked(format!("'{RECIPIENTS}' names nobody to encrypt for"))
                .hint("git sync mark --add-recipient   adds this machine"),
        );
    }
    Recipients::parse(named).map_err(unknown)
}

/// One of the list is none that this program knows.
pub(in crate::ops) fn unknown(name: &str) -> Error {
    Error::blocked(format!(
        "'{RECIPIENTS}' has '{name}', which is no age recipient"
    ))
    .hint("recipients begin with 'age1'; those of plugins and of ssh are not known here")
}
