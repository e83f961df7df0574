//! Merges two commits in the object database; the work tree is not looked at.

use super::Repo;
use super::tree::unread;
use crate::error::{Error, Result};
use crate::model::entry::Oid;
use crate::model::path::RepoPath;
use std::collections::BTreeSet;
use std::path::Path;

/// How a merge came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// One tree that has both.
    Clean(Oid),
    /// The paths on which the two disagree. Some may be names that git made up for the occasion.
    Conflict(BTreeSet<RepoPath>),
}

impl Repo {
    /// Merges `theirs` into `ours`, from the commits that they have in common.
    pub fn merge_trees(&self, ours: &Oid, theirs: &Oid) -> Result<Merged> {
        let mut git = self.git("merge-tree");
        if self.config_text("merge.directoryRenames").is_none() {
            // git's own default turns a file that is added to a folder that the other side renamed
            // into a conflict. In a configs repository a file belongs where its owner put it.
            git = git.setting("merge.directoryRenames=false");
        }
        let ended = git
            .args(["--write-tree", "-z", "--allow-unrelated-histories"])
            .args([ours.as_str(), theirs.as_str()])
            .answer()?;
        match ended.code() {
            Some(0) => clean(&ended.stdout)
                .map(Merged::Clean)
                .ok_or_else(|| unread("merge-tree")),
            Some(1) => conflicts(&ended.stdout)
                .filter(|paths| !paths.is_empty())
                .map(Merged::Conflict)
                .ok_or_else(|| unread("merge-tree")),
            _ => {
                let error = super::command::complaint("merge-tree", &ended);
                Err(if ended.complaint().contains("usage:") {
                    Error::fatal("this git is too old: git-sync needs git 2.38 or later")
                } else {
                    error
                })
            }
        }
    }

    /// The lines of both files, `first`'s before `second`'s where both changed the same ones;
    /// `None` where one of them is not text.
    pub fn merge_lines(&self, first: &Path, base: &Path, second: &Path) -> Result<Option<Vec<u8>>> {
        let ended = self
            .git("merge-file")
            .args(["--union", "-p", "-q"])
            .args([first, base, second])
            .answer()?;
        Ok(ended.success().then_some(ended.stdout))
    }

    /// The three files in one, with markers where both changed the same lines; `None` where one of
    /// them is not text.
    pub fn merge_with_markers(&self, files: [(&Path, &str); 3]) -> Result<Option<(Vec<u8>, bool)>> {
        let mut git = self.git("merge-file").args(["-p", "-q"]);
        for (_, label) in files {
            git = git.args(["-L", label]);
        }
        let ended = git.args(files.map(|(path, _)| path)).answer()?;
        // The exit status is the number of conflicts; an error is negative, so above 127.
        Ok(match ended.code() {
            Some(code @ 0..128) => Some((ended.stdout, code > 0)),
            _ => None,
        })
    }
}

fn clean(output: &[u8]) -> Option<Oid> {
    let end = output
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(output.len());
    Oid::parse(std::str::from_utf8(&output[..end]).ok()?)
}

/// `<tree>`, then `<mode> <oid> <stage>\t<path>` for each conflicting entry, an empty record, and
/// messages: a count, as many paths, a type, a text. All end in NUL.
fn conflicts(output: &[u8]) -> Option<BTreeSet<RepoPath>> {
    let mut fields = output.split(|byte| *byte == 0);
    fields.next()?;
    let mut paths = BTreeSet::new();
    for record in fields.by_ref().take_while(|record| !record.is_empty()) {
        let tab = record.iter().position(|byte| *byte == b'\t')?;
        paths.insert(RepoPath::from_bytes(record[tab + 1..].to_vec()));
    }
    while let Some(count) = fields.next().filter(|count| !count.is_empty()) {
        // Older gits follow them with advice about submodules, for people.
        let Some(count) = number(count) else { break };
        let named: Vec<_> = fields.by_ref().take(count).collect();
        let kind = fields.next()?;
        fields.next()?;
        if kind.starts_with(b"CONFLICT") {
            paths.extend(
                named
                    .into_iter()
                    .map(|path| RepoPath::from_bytes(path.to_vec())),
            );
        }
    }
    Some(paths)
}

fn number(bytes: &[u8]) -> Option<usize> {
    std::str::from_utf8(bytes).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged};
    use proptest::prelude::*;

    #[test]
    fn advice_after_the_messages_is_not_one_of_them() {
        let one = "1".repeat(40);
        let output = format!(
            "{one}\x00160000 {one} 2\tsub\x00\x001\x00sub\x00CONFLICT (submodule)\x00text\n\x00\
             Recursive merging with submodules currently only supports trivial cases.\n"
        );
        let paths = conflicts(output.as_bytes()).expect("a good answer");
        assert!(paths.iter().map(ToString::to_string).eq(["sub"]));
    }

    #[test]
    fn stages_and_messages_name_the_paths() {
        let one = "1".repeat(40);
        let output = format!(
            "{one}\x00100644 {one} 2\tx~HEAD\x00100644 {one} 1\ta b\x00\x001\x00ok\x00Auto-merging\
             \x00Auto-merging ok\n\x002\x00x~HEAD\x00x\x00CONFLICT (file/directory)\x00text\n\x00"
        );
        let paths: Vec<_> = conflicts(output.as_bytes())
            .expect("a good answer")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(paths, ["a b", "x", "x~HEAD"]);
        assert_eq!(clean(one.as_bytes()).map(|oid| oid.to_string()), Some(one));
    }

    const ANSWER: &str = "1111111111111111111111111111111111111111\x00100644 \
        1111111111111111111111111111111111111111 2\ta b\x00\x001\x00a b\x00CONFLICT (contents)\x00text\n\x00\
        2\x00x\x00y\x00CONFLICT (file/directory)\x00text\n\x00";

    proptest! {
        #[test]
        fn answers_of_anything_are_read_or_refused(output in bytes(), other in damaged(ANSWER)) {
            for output in [output, other] {
                if let Some(paths) = conflicts(&output) {
                    prop_assert!(paths.len() <= output.len());
                }
                clean(&output);
            }
        }
    }
}
