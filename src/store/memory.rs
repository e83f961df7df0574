//! `.git/sync/marks`: what we last wrote or saw at each marked path of this machine.
//!
//! It is also the journal of what is done to them: before a path is touched, what is about to be done
//! and the temporary name beside it are written here, so that the next run finds both.

use super::layout::Layout;
use super::summed;
use crate::error::{Error, Result};
use crate::model::cure::Phase;
use crate::model::entry::Oid;
use crate::model::path::RepoPath;
use crate::sys::fs::{self, Durable};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The version of the format that this program writes and understands.
const VERSION: u32 = 1;

/// What is remembered of all marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    version: u32,
    /// The home in which the marks are: what is remembered says nothing of another one.
    pub home: Option<RepoPath>,
    /// A commit that has the copies as they are remembered.
    pub tip: Option<Oid>,
    /// The list of modes when it was last looked at.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub modes: String,
    /// Copies that are more private here than the list says, because the system makes all files so.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub umask: BTreeSet<RepoPath>,
    /// By the path below the home.
    pub marks: BTreeMap<RepoPath, Remembered>,
}

/// What is remembered of one mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// How far we are.
    pub phase: Phase,
    /// Is it a folder?
    pub folder: bool,
    /// Where our link leads to.
    pub target: RepoPath,
    /// The digest of the copy.
    pub digest: String,
    /// What tells that the copy was not changed since, without reading it.
    pub stamp: String,
    /// The permissions of the copy.
    pub mode: u32,
    /// How often something else stood in the place of our link.
    #[serde(default)]
    pub replaced: u32,
    /// Of a file of its own: what tells that it was not changed since it was the same as the copy.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub live_stamp: String,
    /// Links cannot be made here: it is kept as a copy on this machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlinkable: bool,
    /// Whose version of the copy it is: see [`crate::model::variant`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// While it is adopted: where the link leads to whose content is taken in, as the link says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed: Option<RepoPath>,
    /// What the repository has is encrypted; the digest is that of the plain content.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
    /// A commit that has the copy as it is remembered, where that is not the one of all marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Oid>,
    /// What is being put into the live path, where something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
}

/// Something of ours beside the live path, that is about to trade places with what stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// Its whole name.
    pub path: RepoPath,
    /// What it is before they trade; after that, what stood there is under this name.
    pub ours: Ours,
}

/// What we put beside a live path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ours {
    /// A link to the copy.
    Link,
    /// What the copy has, in the place of a link or of nothing, or not finished yet.
    Content,
    /// What the copy has, finished, in the place of another content.
    Version,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            version: VERSION,
            home: None,
            tip: None,
            modes: String::new(),
            umask: BTreeSet::new(),
            marks: BTreeMap::new(),
        }
    }
}

impl Memory {
    /// What is remembered.
    pub fn read(layout: &Layout) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let path = layout.marks();
        let Some(bytes) = fs::read(&path)? else {
            return Ok(Self::default());
        };
        let broken = |source: serde_json::Error| {
            Error::fatal(format!("'{}' cannot be read", path.display()))
                .because(source)
                .hint("it is written whole or not at all: something else has changed it")
                .hint("without it every marked file that differs from its copy is asked about")
                .hint(format!("rm '{}'   forgets it", path.display()))
        };
        summed::check(&bytes).map_err(broken)?;
        let Version { version } = serde_json::from_slice(&bytes).map_err(broken)?;
        if version != VERSION {
            let path = path.display();
            return Err(Error::fatal(format!("'{path}' has version {version}"))
                .hint("a newer git-sync wrote it: use that one, it knows what is linked here"));
        }
        serde_json::from_slice(&bytes).map_err(broken)
    }

    /// Writes it, so that it survives a power cut.
    pub fn write(&self, layout: &Layout) -> Result<()> {
        let text = summed::print(self)
            .map_err(|source| Error::failed("the marks cannot be written").because(source))?;
        fs::write_atomic(&layout.marks(), &text, Durable::Yes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged};
    use proptest::prelude::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        let path = |bytes: &[u8]| RepoPath::from_bytes(bytes);
        let remembered = Remembered {
            phase: Phase::Adopting,
            folder: true,
            target: path(b"/home/ana/configs/external/a\n\xff"),
            digest: "00".to_owned(),
            stamp: "11".to_owned(),
            mode: 0o600,
            replaced: 2,
            live_stamp: "22".to_owned(),
            unlinkable: true,
            variant: Some("mac".to_owned()),
            followed: Some(path(b"../dotfiles/a")),
            sealed: true,
            base: Oid::parse(&"2".repeat(40)),
            beside: Some(Beside {
                path: path(b"/home/ana/.git-sync-1-2.tmp"),
                ours: Ours::Link,
            }),
        };
        let memory = Memory {
            home: Some(path(b"/home/ana")),
            tip: Oid::parse(&"1".repeat(40)),
            marks: BTreeMap::from([(path(b"a\n\xff"), remembered)]),
            ..Memory::default()
        };
        let text = serde_json::to_string(&memory).expect("written");
        assert_eq!(serde_json::from_str::<Memory>(&text).expect("read"), memory);
    }

    const MEMORY: &str = r#"{"version":1,"home":"/home/ana","tip":"1111111111111111111111111111111111111111","marks":{"a\n":{"phase":"linked","folder":false,"target":"/c/a","digest":"00","stamp":"1","mode":384,"replaced":2,"base":"2222222222222222222222222222222222222222","beside":{"path":"/home/ana/.x","ours":"link"}}}}"#;

    proptest! {
        #[test]
        fn a_damaged_one_is_read_or_refused(text in bytes(), other in damaged(MEMORY)) {
            for text in [text, other] {
                if let Ok(memory) = serde_json::from_slice::<Memory>(&text) {
                    let again = serde_json::to_vec(&memory).expect("written");
                    prop_assert_eq!(serde_json::from_slice::<Memory>(&again).expect("read"), memory);
                }
            }
        }
    }
}
