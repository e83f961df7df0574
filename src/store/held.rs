//! `refs/git-sync/held/<branch>`: the held paths of a branch, with all three versions of each. A `/` in
//! the name of the branch is `%2F`, so that what is left of a branch `a` is not in the way of `a/b`.
//!
//! A ref and not a file, so that it changes in one transaction with the branch, keeps its objects
//! alive by itself, and has a history that `git log` shows. Its tree holds `held.json` and the
//! folders `base/`, `ours/` and `theirs/`; its parents are the set before it and the commits of this
//! machine that were left out because of it.

use crate::error::{Error, Result};
use crate::git::Repo;
use crate::git::commit::{Commit, Sign};
use crate::git::index::PrivateIndex;
use crate::git::refs::RefChange;
use crate::model::entry::{Entry, Mode, Oid};
use crate::model::held::{Held, HeldSet};
use crate::model::path::RepoPath;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The version of `held.json` that this program writes and understands.
const VERSION: u32 = 1;

/// The name of the list in the tree.
const LIST: &str = "held.json";

/// Only the version, so that a newer list is refused for its version.
#[derive(Debug, Deserialize)]
struct Version {
    version: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct List {
    version: u32,
    held: Vec<Held>,
}

/// Below this are the refs.
const PREFIX: &str = "refs/git-sync/held/";

/// What is written otherwise in the name of a ref, and how. The first is what makes the others safe.
const ESCAPES: [(&str, &str); 2] = [("%", "%25"), ("/", "%2F")];

/// The ref for a branch (`refs/heads/…`).
pub fn ref_name(branch: &str) -> String {
    format!("{PREFIX}{}", flat(branch))
}

/// The name of a branch (`refs/heads/…`) without a `/`.
pub(super) fn flat(branch: &str) -> String {
    let short = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    ESCAPES
        .iter()
        .fold(short.to_owned(), |name, (from, to)| name.replace(from, to))
}

/// The branch that a ref is for.
fn branch_of(name: &str) -> String {
    let flat = name.strip_prefix(PREFIX).unwrap_or(name);
    let short = ESCAPES
        .iter()
        .rev()
        .fold(flat.to_owned(), |name, (to, from)| name.replace(from, to));
    format!("refs/heads/{short}")
}

/// The ref as earlier versions of this program named it, where that is another name.
fn old_name(branch: &str) -> Option<String> {
    let short = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    let old = format!("{PREFIX}{short}");
    (short.contains('/') && old != ref_name(branch)).then_some(old)
}

/// Every ref that is there, with its branch (`refs/heads/…`).
pub fn all(repo: &Repo) -> Result<Vec<(String, String)>> {
    let names = repo.refs_below(PREFIX)?.into_iter();
    Ok(names.map(|name| (name.clone(), branch_of(&name))).collect())
}

/// Gives refs with old names their new ones.
pub fn flatten(repo: &Repo) -> Result<()> {
    for (name, branch) in all(repo)? {
        if old_name(&branch).as_ref() != Some(&name) {
            continue;
        }
        let oid = repo.resolve(&name)?;
        let new_name = ref_name(&branch);
        let move_to = RefChange {
            old: repo.resolve(&new_name)?,
            name: new_name,
            new: oid.clone(),
        };
        let remove = RefChange {
            name,
            old: oid,
            new: None,
        };
        repo.change_refs("sync: a name without folders", &[move_to, remove])?;
    }
    Ok(())
}

/// What a branch holds, and the commit that says so.
pub fn load(repo: &Repo, branch: &str) -> Result<(HeldSet, Option<Oid>)> {
    let mut found = repo.resolve(&ref_name(branch))?;
    if let Some(old) = old_name(branch).filter(|_| found.is_none()) {
        found = repo.resolve(&old)?;
    }
    match found {
        None => Ok((HeldSet::default(), None)),
        Some(oid) => Ok((read(repo, &oid)?, Some(oid))),
    }
}

/// The set that a commit of [`save`] holds.
pub fn read(repo: &Repo, oid: &Oid) -> Result<HeldSet> {
    let broken = || {
        Error::fatal(format!("the held paths in {} cannot be read", oid.short()))
            .hint(format!("git show {oid}:{LIST}   shows the list"))
    };
    let bytes = repo.file(oid, LIST)?.ok_or_else(broken)?;
    let Version { version } =
        serde_json::from_slice(&bytes).map_err(|source| broken().because(source))?;
    if version != VERSION {
        return Err(broken()
            .because(format!("version {version}"))
            .hint("a newer git-sync wrote it"));
    }
    let list: List = serde_json::from_slice(&bytes).map_err(|source| broken().because(source))?;
    Ok(HeldSet::new(list.held))
}

/// Writes a set as a commit, to be put under [`ref_name`]; `parents` keeps alive what it is about.
pub fn save(
    repo: &Repo,
    set: &HeldSet,
    parents: Vec<Oid>,
    subject: &str,
    scratch: PathBuf,
) -> Result<Oid> {
    save_with(repo, set, &[], parents, subject, scratch)
}

/// [`save`], with more in the tree: each entry in a folder and under a path.
pub(super) fn save_with(
    repo: &Repo,
    set: &HeldSet,
    more: &[(&str, &RepoPath, &Entry)],
    parents: Vec<Oid>,
    subject: &str,
    scratch: PathBuf,
) -> Result<Oid> {
    let list = List {
        version: VERSION,
        held: set.iter().cloned().collect(),
    };
    let text = serde_json::to_vec_pretty(&list)
        .map_err(|source| Error::failed("the held paths cannot be written").because(source))?;
    let list = Entry {
        mode: Mode::File,
        oid: repo.write_blob(text)?,
    };
    let mut entries = vec![(RepoPath::from_bytes(LIST.as_bytes()), list)];
    for held in set.iter() {
        let sides = [
            ("base", &held.base),
            ("ours", &held.ours),
            ("theirs", &held.theirs),
        ];
        for (side, entry) in sides {
            if let Some(entry) = entry {
                entries.push((inside(side, &held.path), entry.clone()));
            }
        }
    }
    let more = more.iter();
    entries.extend(more.map(|(folder, path, entry)| (inside(folder, path), (*entry).clone())));
    let index = PrivateIndex::empty(repo, scratch)?;
    index.set(entries.iter().map(|(path, entry)| (path, Some(entry))))?;
    let tree = index.write_tree()?;
    index.discard()?;
    repo.write_commit(
        &Commit::new(tree, parents, format!("{subject}\n")),
        Sign::No,
    )
}

/// Where the tree has the version of a path that a folder keeps.
pub(super) fn inside(folder: &str, path: &RepoPath) -> RepoPath {
    let mut inside = format!("{folder}/").into_bytes();
    inside.extend_from_slice(path.as_bytes());
    RepoPath::from_bytes(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{damaged, text};
    use proptest::prelude::*;

    #[test]
    fn no_branch_is_in_the_way_of_another() {
        for (branch, name) in [
            ("refs/heads/main", "refs/git-sync/held/main"),
            ("refs/heads/a/b", "refs/git-sync/held/a%2Fb"),
            ("refs/heads/a%2Fb", "refs/git-sync/held/a%252Fb"),
        ] {
            assert_eq!(ref_name(branch), name);
            assert_eq!(branch_of(name), branch);
        }
        assert_eq!(branch_of("refs/git-sync/held/a/b"), "refs/heads/a/b");
        assert_eq!(
            old_name("refs/heads/a/b").as_deref(),
            Some("refs/git-sync/held/a/b")
        );
        assert_eq!(old_name("refs/heads/main"), None);
    }

    const HELD: &str = r#"{"version":1,"held":[{"path":"a","why":"content","since":1,"base":null,"ours":{"mode":"file","oid":"1111111111111111111111111111111111111111"},"theirs":null}]}"#;

    proptest! {
        #[test]
        fn a_damaged_list_is_read_or_refused(text in damaged(HELD)) {
            if let Ok(list) = serde_json::from_slice::<List>(&text) {
                let set = HeldSet::new(list.held);
                prop_assert!(set.iter().zip(set.iter().skip(1)).all(|(one, next)| one.path < next.path));
            }
        }

        #[test]
        fn every_branch_has_a_ref_of_its_own(name in text()) {
            let branch = format!("refs/heads/{name}");
            prop_assert_eq!(branch_of(&ref_name(&branch)), branch);
            prop_assert!(!flat(&name).contains('/'));
        }
    }
}
