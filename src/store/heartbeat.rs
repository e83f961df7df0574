//! `.git/sync/heartbeat`: when this machine last told the remote about itself, and whether it may.

use super::layout::Layout;
use crate::error::{Error, Result};
use crate::sys::fs;
use serde::{Deserialize, Serialize};

/// What is remembered, all in seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When the last one was sent; of a machine that has sent none yet, when it first could have.
    pub sent: i64,
    /// When the remote refused one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<i64>,
}

impl Told {
    /// What is remembered; `None` where there is nothing that can be read.
    pub fn read(layout: &Layout) -> Result<Option<Self>> {
        let bytes = fs::read(&layout.heartbeat())?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Writes it down.
    pub fn write(&self, layout: &Layout) -> Result<()> {
        let text = serde_json::to_vec(self).map_err(|source| {
            Error::failed("what was told to the remote cannot be written down").because(source)
        })?;
        fs::write_short(&layout.heartbeat(), &text)
    }
}
