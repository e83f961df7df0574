//! What two sides of a mark do not have in common, as it is shown to be decided about.

use super::Differs;
use crate::error::Result;
use crate::model::path::RepoPath;
use crate::sys::fs;
use crate::sys::tree::{Node, Tree};
use std::collections::BTreeMap;
use std::path::Path;

/// What is in one of two folders alone, or not the same in both; modes do not count.
pub(super) fn differing(live: Option<&Tree>, copy: Option<&Tree>) -> Vec<(RepoPath, Differs)> {
    let files = |tree: Option<&Tree>| -> BTreeMap<RepoPath, Node> {
        let nodes = tree.into_iter().flat_map(Tree::nodes);
        let files =
            nodes.filter(|(inside, node)| !inside.is_empty() && !matches!(node, Node::Folder(_)));
        let bare = |node: &Node| match node {
            Node::File(digest, _) => Node::File(digest.clone(), 0),
            other => other.clone(),
        };
        files
            .map(|(inside, node)| (RepoPath::from_bytes(inside), bare(node)))
            .collect()
    };
    let (here, there) = (files(live), files(copy));
    let mut all: BTreeMap<RepoPath, Differs> = BTreeMap::new();
    for (path, node) in &here {
        match there.get(path) {
            None => all.insert(path.clone(), Differs::Here),
            Some(other) if other != node => all.insert(path.clone(), Differs::Both),
            Some(_) => None,
        };
    }
    let only_there = there.into_keys().filter(|path| !here.contains_key(path));
    all.extend(only_there.map(|path| (path, Differs::There)));
    all.into_iter().collect()
}

/// The content of a file as text; `None` where it is none, or too much to be shown.
pub(super) fn text_of(path: &Path) -> Result<Option<String>> {
    let small = fs::look(path)?.is_some_and(|found| found.is_file() && found.len() < 1 << 20);
    if !small {
        return Ok(None);
    }
    let text = fs::read_text(path)?;
    Ok(text.filter(|text| !text.contains('\0')))
}
