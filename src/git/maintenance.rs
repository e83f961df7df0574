//! Keeps the object database small: every git that we start is told to leave that to us.

use super::Repo;
use crate::error::Result;

/// Git's own limit, where `gc.auto` does not say another.
const LOOSE_OBJECTS: u64 = 6700;

/// Git looks into one of its 256 folders, and takes it for all of them.
const SAMPLE: &str = "objects/17";

impl Repo {
    /// Packs loose objects as the user's settings say, if there are many.
    ///
    /// What no ref holds is kept for two weeks by git's own rule, so nothing that a run in progress
    /// has made is in danger.
    pub fn maintain(&self) -> Result<()> {
        let limit = match self.config_text("gc.auto") {
            Some(text) => text.trim().parse().unwrap_or(LOOSE_OBJECTS),
            None => LOOSE_OBJECTS,
        };
        if limit == 0 || self.loose_objects() <= limit {
            return Ok(());
        }
        self.git("maintenance")
            .setting(format!("gc.auto={limit}"))
            .args(["run", "--auto", "--quiet"])
            .answer()
            .map(drop)
    }

    /// About how many objects are in files of their own.
    fn loose_objects(&self) -> u64 {
        let sample = std::fs::read_dir(self.common_dir().join(SAMPLE));
        sample.map_or(0, |names| names.count() as u64 * 256)
    }
}
