//! Which machines commits come from.

use super::Repo;
use super::commit::Listed;
use crate::model::entry::Oid;
use crate::model::message;

/// So many commits are looked at: who sent the newest ones is worth telling, not all of a history.
const LOOKED_AT: usize = 200;

impl Repo {
    /// The machines that made `commits`, the newest first and each once; for a commit that no sync made,
    /// its author. A commit that cannot be read is nobody's: this is only told.
    pub fn origins(&self, commits: &[Listed]) -> Vec<String> {
        let mut origins = Vec::new();
        for commit in commits.iter().rev().take(LOOKED_AT) {
            if let Some(origin) = self.origin(&commit.oid)
                && !origins.contains(&origin)
            {
                origins.push(origin);
            }
        }
        origins
    }

    fn origin(&self, oid: &Oid) -> Option<String> {
        let id = gix::ObjectId::from_hex(oid.as_str().as_bytes()).ok()?;
        let commit = self.gix().find_commit(id).ok()?;
        let text = String::from_utf8_lossy(commit.message_raw().ok()?).into_owned();
        let machine = message::machine_of(&text).map(str::to_owned);
        machine.or_else(|| Some(commit.author().ok()?.name.to_string()))
    }
}
