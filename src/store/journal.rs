//! `.git/sync/journal`: what a run is about to do to the work tree, written before it does it.
//!
//! While it is there, the branch may be behind the files, never before them. The next run puts the
//! files back, or, where the refs have got through, finishes.

use super::layout::Layout;
use super::summed;
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

/// What there is of a journal.
#[derive(Debug)]
pub enum Found {
    /// None: no run has died while it replaced files.
    Nothing,
    /// That of a run that did.
    Journal(Journal),
    /// One that nobody can make sense of.
    Damaged(Error),
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
    /// Where a folder that stands there before is kept with all that is in it, below [`Layout::rescued`]; one
    /// without goes away only where it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<RepoPath>,
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
        let text = summed::print(self)
            .map_err(|source| Error::failed("the journal cannot be written").because(source))?;
        fs::write_atomic(&layout.journal(), &text, Durable::Yes)
    }

    /// The journal of a run that died, if one did.
    pub fn read(layout: &Layout) -> Result<Option<Self>> {
        match Self::find(layout)? {
            Found::Nothing => Ok(None),
            Found::Journal(journal) => Ok(Some(journal)),
            Found::Damaged(error) => Err(error),
        }
    }

    /// The same, where one that is damaged is an answer.
    pub fn find(layout: &Layout) -> Result<Found> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let path = layout.journal();
        let Some(bytes) = fs::read(&path)? else {
            return Ok(Found::Nothing);
        };
        let broken = |source: serde_json::Error| {
            Error::fatal(format!("the journal '{}' cannot be read", path.display()))
                .because(source)
                .hint("it is written whole or not at all: something else has changed it")
                .hint("look at 'git status', then remove the file and run 'git sync'")
        };
        let version = summed::check(&bytes).and_then(|()| serde_json::from_slice(&bytes));
        let Version { version } = match version {
            Ok(version) => version,
            Err(source) => return Ok(Found::Damaged(broken(source))),
        };
        if version != VERSION {
            let path = path.display();
            return Err(
                Error::fatal(format!("the journal '{path}' has version {version}"))
                    .hint("a newer git-sync wrote it: run that one to finish what it began"),
            );
        }
        Ok(match serde_json::from_slice(&bytes) {
            Ok(journal) => Found::Journal(journal),
            Err(source) => Found::Damaged(broken(source)),
        })
    }

    /// Removes it: the publication is finished or undone.
    pub fn remove(layout: &Layout) -> Result<()> {
        fs::remove_file(&layout.journal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged, path};
    use proptest::prelude::*;

    #[test]
    fn a_journal_is_read_as_it_is_written() {
        let step = Step {
            path: RepoPath::from_bytes(&b"a\n\xff"[..]),
            staged: RepoPath::from_bytes(&b"0"[..]),
            before: Print::Nothing,
            after: Print::File("00".into(), true),
            copy_of: Some(RepoPath::from_bytes(&b"b"[..])),
            aside: Some(RepoPath::from_bytes(&b"run/c"[..])),
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

    const JOURNAL: &str = r#"{"version":1,"run":"20261120T104410Z-1","reference":"refs/heads/main","new":"1111111111111111111111111111111111111111","index":"finished","steps":[{"path":"a","staged":"new/a","before":"nothing","after":{"file":["00",true]},"copy_of":"b","aside":"run/c"}]}"#;

    proptest! {
        #[test]
        fn a_damaged_journal_is_read_or_refused(text in bytes(), other in damaged(JOURNAL)) {
            for text in [text, other] {
                drop(serde_json::from_slice::<Journal>(&text));
            }
        }

        #[test]
        fn every_journal_is_read_as_it_is_written(
            steps in proptest::collection::vec((path(), path(), proptest::option::of(path()), any::<bool>()), 0..4),
        ) {
            let print = |some| if some { Print::File("00".into(), true) } else { Print::Nothing };
            let steps = steps.into_iter().map(|(path, staged, other, some)| Step {
                path, staged, before: print(some), after: print(!some), copy_of: other.clone(), aside: other,
            });
            let none = RefChange { name: "refs/heads/main".into(), old: None, new: None };
            let journal = Journal::new("run", &none, "index", steps.collect());
            let text = serde_json::to_vec(&journal).expect("written");
            prop_assert_eq!(serde_json::from_slice::<Journal>(&text).expect("read"), journal);
        }
    }
}
