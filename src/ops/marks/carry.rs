//! What is of this machine alone in a folder that gives way to our link: it has to be behind the link
//! then, where the rules keep it out of every commit as before.

use super::Marks;
use super::differing::differing;
use crate::error::Result;
use crate::model::mark::Mark;
use crate::model::path::RepoPath;
use crate::sys::tree::{self, Node, Tree};
use crate::sys::{fs, swap};
use std::collections::BTreeSet;
use std::path::Path;

impl Marks<'_, '_> {
    /// Is what stays on this machine all in which the live folder and the copy differ?
    pub(super) fn differs_in_local_alone(&self, mark: &Mark) -> Result<bool> {
        let Some((here, there)) = self.both(mark)? else {
            return Ok(false);
        };
        let local: BTreeSet<_> = self.local_among(mark, &here, &there)?.into_iter().collect();
        let differing = differing(Some(&here), Some(&there));
        let all = differing
            .iter()
            .all(|(path, _)| local.contains(path.as_bytes()));
        Ok(all && !local.is_empty())
    }

    /// Copies what stays on this machine from the live folder, which is about to give way, into the copy, where
    /// nothing stands in its place.
    pub(super) fn carry_local(&self, mark: &Mark) -> Result<()> {
        let Some((here, there)) = self.both(mark)? else {
            return Ok(());
        };
        let (live, copy) = (mark.live(&self.home), self.copy(mark));
        for inside in self.local_among(mark, &here, &there)? {
            let (from, to) = (tree::below(&live, &inside), tree::below(&copy, &inside));
            let made = self.ctx.scratch("local");
            let Some(content) = Tree::of(&from)? else {
                continue;
            };
            if !make_folders(&here, &copy, &inside)? {
                continue;
            }
            content.copy(&from, &made)?;
            if swap::move_to_free(&made, &to)? {
                to.parent().map_or(Ok(()), fs::sync_dir)?;
            } else {
                fs::remove_file(&made)?;
            }
        }
        Ok(())
    }

    /// The live folder and the copy; `None` where there is nothing to carry from the one to the other.
    fn both(&self, mark: &Mark) -> Result<Option<(Tree, Tree)>> {
        if !mark.is_folder() || self.is_sealed(mark) {
            return Ok(None);
        }
        let here = Tree::of(&mark.live(&self.home))?;
        Ok(here.zip(Tree::of(&self.copy(mark))?))
    }

    /// The files that are `here` alone, and that no commit takes.
    fn local_among(&self, mark: &Mark, here: &Tree, there: &Tree) -> Result<Vec<Vec<u8>>> {
        let there: BTreeSet<_> = there.nodes().map(|(inside, _)| inside).collect();
        let files = here.nodes().filter(|(inside, node)| {
            matches!(node, Node::File(..) | Node::Link(_)) && !there.contains(inside)
        });
        let files: Vec<_> = files.map(|(inside, _)| inside.to_vec()).collect();
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let top = mark.copy();
        let paths = files
            .iter()
            .map(|inside| RepoPath::from_bytes([top.as_bytes(), b"/", inside].concat()));
        let paths: Vec<_> = paths.collect();
        let names: Vec<_> = paths.iter().map(RepoPath::as_bytes).collect();
        let verdicts = self.ctx.repo.ignored(&names)?;
        let all = files.into_iter().zip(paths).zip(verdicts);
        Ok(all
            .filter(|((_, path), verdict)| match verdict.rule {
                Some(_) => verdict.ignored,
                None => path.stays_here(),
            })
            .map(|((inside, _), _)| inside)
            .collect())
    }
}

/// Makes the folders above `inside` in the copy as they are `here`; `false` where something else stands
/// in their place.
fn make_folders(here: &Tree, copy: &Path, inside: &[u8]) -> Result<bool> {
    let ends = (0..inside.len()).filter(|at| inside[*at] == b'/');
    for end in ends {
        let above = &inside[..end];
        let folder = tree::below(copy, above);
        match fs::look(&folder)? {
            Some(found) if found.is_dir() => {}
            Some(_) => return Ok(false),
            None => {
                let node = here.nodes().find(|(path, _)| *path == above);
                let mode = match node {
                    Some((_, Node::Folder(mode))) => *mode,
                    _ => 0o700,
                };
                tree::create_folder(&folder, mode)?;
            }
        }
    }
    Ok(true)
}
