//! `.git/sync/agreed/<branch>`: the last commit that this machine and its upstream both had, as a run
//! of ours saw it.
//!
//! The tracking ref only tells where the remote was when somebody looked last. After it went back to
//! an older commit, any look (`git fetch`, a dry run) takes the ref back with it, and what is left of
//! the newer ones looks like commits that nobody has sent yet.
//!
//! A file and not a ref: as long as it says anything, the branch keeps the commit alive.

use super::held::flat;
use super::layout::Layout;
use crate::error::{Error, Result};
use crate::git::refs::Logged;
use crate::model::entry::Oid;
use crate::sys::fs::{self, Durable};
use serde::{Deserialize, Serialize};

/// The version of the format that this program writes and understands.
const VERSION: u32 = 1;

/// What both sides had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    version: u32,
    /// The newest commit of it.
    pub commit: Oid,
    /// The ref that remembers where the upstream is.
    pub tracking: String,
    /// The address of the remote, without a password: what one has says nothing about another.
    pub address: String,
    /// The last line in the log of that ref: what stands before it is settled.
    pub logged: Option<Logged>,
}

impl Agreed {
    /// Both sides have `commit`.
    pub fn on(commit: &Oid, tracking: &str, address: String, logged: Option<Logged>) -> Self {
        Self {
            version: VERSION,
            commit: commit.clone(),
            tracking: tracking.to_owned(),
            address,
            logged,
        }
    }

    /// Writes it for `branch` (`refs/heads/…`), so that it survives a power cut.
    pub fn write(&self, layout: &Layout, branch: &str) -> Result<()> {
        let mut text = serde_json::to_vec(self).map_err(|source| {
            Error::failed("what both sides have cannot be written down").because(source)
        })?;
        text.push(b'\n');
        fs::create_dir_all(&layout.agreed())?;
        let path = layout.agreed().join(flat(branch));
        fs::write_atomic(&path, &text, Durable::Yes)
    }

    /// What is known for `branch`; one that cannot be read, or is of another version, says nothing.
    pub fn read(layout: &Layout, branch: &str) -> Result<Option<Self>> {
        let bytes = fs::read(&layout.agreed().join(flat(branch)))?;
        let read: Option<Self> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(read.filter(|agreed| agreed.version == VERSION))
    }
}
