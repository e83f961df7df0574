//! `.git/sync/journal`: what a run is about to do to the work tree, written before it does it.
//!
//! While it is there, the branch may be behind the files, never before them. The next run puts the
//! files back, or, where the refs have got through, finishes.

use super::layout::Layout;
use crate::error::{Error, Result};
use crate::git::refs::RefChange;
use crate::model::entry::Oid;
use crate::model::path::RepoPath;
use crate::sys::fs::{self, Durable};
use crate::sys::swap::Print;
use serde::{Deserialize, Serialize};

/// The version of the format that this program writes and understands.
const VERSION: u32 = 1;

/// A publication that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    version: u32,
    /// Which run.
    pub run: String,
    /// The ref that tells whether it has got through.
    pub reference: String,
    /// Where it will be then.
    pub new: Option<Oid>,
    /// The name of the finished index in the scratch folder.
    pub index: String,
    /// What happens to each file, in order.
    pub steps: Vec<Step>,
}

/// One file that is replaced, added or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub path: RepoPath,
    /// Its name in the stage folder: the new file before the step, the old one after it.
    pub staged: RepoPath,
    /// What stands there before.
    pub before: Print,
    /// What shall stand there after.
    pub after: Print,
    /// The path whose version of before it keeps; a program that does not know of it makes nothing of
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<RepoPath>,
}

impl Journal {
    /// The journal of a publication that is about to begin.
    pub fn new(run: &str, telling: &RefChange, index: &str, steps: Vec<Step>) -> Self {
        Self {
            version: VERSION,
            run: run.to_owned(),
            reference: telling.name.clone(),
            new: telling.new.clone(),
            index: index.to_owned(),
            steps,
        }
    }

    /// Writes it, so that it survives a power cut.
    pub fn write(&self, layout: &Layout) -> Result<()> {
        let text = serde_json::to_vec(self)
            .map_err(|source| Error::failed("the journal cannot be written").because(source))?;
        fs::write_atomic(&layout.journal(), &text, Durable::Yes)
    }

    /// The journal of a run that died, if one did.
    pub fn read(layout: &Layout) -> Result<Option<Self>> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let path = layout.journal();
        let Some(bytes) = fs::read(&path)? else {
            return Ok(None);
        };
        let broken = |source: serde_json::Error| {
            Error::fatal(format!("the journal '{}' cannot be read", path.display()))
                .because(source)
                .hint("it is written whole or not at all: something else has changed it")
                .hint("look at 'git status', then remove the file and run 'git sync'")
        };
        let Version { version } = serde_json::from_slice(&bytes).map_err(broken)?;
        if version != VERSION {
            let path = path.display();
            return Err(
                Error::fatal(format!("the journal '{path}' has version {version}"))
                    .hint("a newer git-sync wrote it: run that one to finish what it began"),
            );
        }
        serde_json::from_slice(&bytes).map(Some).map_err(broken)
    }

    /// Removes it: the publication is finished or undone.
    pub fn remove(layout: &Layout) -> Result<()> {
        fs::remove_file(&layout.journal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_read_as_it_is_written() {
        let step = Step {
            path: RepoPath::from_bytes(&b"a\n\xff"[..]),
            staged: RepoPath::from_bytes(&b"0"[..]),
            before: Print::Nothing,
            after: Print::File("00".into(), true),
            copy_of: Some(RepoPath::from_bytes(&b"b"[..])),
        };
        let oid = Oid::parse(&"1".repeat(40)).expect("forty digits");
        let last = RefChange {
            name: "refs/heads/main".into(),
            old: None,
            new: Some(oid),
        };
        let journal = Journal::new("run", &last, "index", vec![step]);
        let text = serde_json::to_string(&journal).expect("written");
        assert_eq!(
            serde_json::from_str::<Journal>(&text).expect("read"),
            journal
        );
    }
}
