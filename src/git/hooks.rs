//! Runs the user's hooks as `git commit` would.

use super::Repo;
use crate::error::{Error, Result};
use crate::sys::{env, fs};
use serde::Deserialize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Where git notes what it starts, in lines of JSON.
pub(super) const NOTES: &str = "GIT_TRACE2_EVENT";

impl Repo {
    /// The folder of the hooks.
    pub fn hooks_dir(&self) -> PathBuf {
        match self.gix().config_snapshot().trusted_path("core.hooksPath") {
            // A relative path counts from where the hook runs: the top of the work tree.
            Ok(Some(path)) => self.top().join(path),
            _ => self.common_dir().join("hooks"),
        }
    }

    /// Is there a hook for this event, in a file or (git 2.54 and later) in the configuration?
    pub fn has_hook(&self, event: &str) -> bool {
        let file = self.hooks_dir().join(event);
        let executable = match fs::look(&file) {
            Ok(found) => found.is_some_and(|found| {
                found.is_symlink() || (found.is_file() && found.permissions().mode() & 0o111 != 0)
            }),
            // It may be one that refuses: git says what is wrong with it.
            Err(_) => true,
        };
        executable || self.has_configured_hook(event)
    }

    fn has_configured_hook(&self, event: &str) -> bool {
        let snapshot = self.gix().config_snapshot();
        let Some(sections) = snapshot.plumbing().sections_by_name("hook") else {
            return false;
        };
        sections.into_iter().any(|section| {
            section
                .values("event")
                .iter()
                .any(|value| value.as_slice() == event.as_bytes())
        })
    }

    /// Runs the hook for `event` on the commit that `index` holds.
    ///
    /// # Errors
    /// When the hook refuses: its words are the cause.
    pub fn run_hook(&self, event: &str, index: &Path, args: &[&Path]) -> Result<()> {
        if !self.has_hook(event) {
            return Ok(());
        }
        let ended = self
            .git("hook")
            .args(["run", "--ignore-missing", event])
            .args(if args.is_empty() {
                &[][..]
            } else {
                &["--"][..]
            })
            .args(args)
            .index(index)
            .env("GIT_EDITOR", ":")
            .answer()?;
        if ended.success() {
            return Ok(());
        }
        if ended.timed_out {
            return Err(hook_hangs(event).hint("nothing was changed"));
        }
        let mut said = ended.complaint();
        if said.is_empty() {
            said = ended.how();
        }
        Err(
            Error::blocked(format!("the {event} hook refused the commit"))
                .because(said)
                .hint("nothing was changed; mend what the hook names and run 'git sync' again"),
        )
    }

    /// `file`, where a git that runs in limited time is to note in it what becomes of its hook. `None`
    /// where there is nothing to note, or the user has such notes taken for themselves.
    pub(super) fn notes_of_hook<'a>(&self, event: &str, file: &'a Path) -> Option<&'a Path> {
        let taken = env::get(NOTES).is_some() || self.config_text("trace2.eventTarget").is_some();
        (self.deadline().is_some() && !taken && self.has_hook(event)).then_some(file)
    }
}

/// Has the hook for `event` begun and not ended, by the notes of git?
pub(super) fn hook_runs(notes: &Path, event: &str) -> Result<bool> {
    #[derive(Deserialize)]
    struct Note {
        event: String,
        sid: String,
        child_id: Option<i64>,
        hook_name: Option<String>,
    }
    let text = fs::read_text(notes)?.unwrap_or_default();
    // The last line is half a one where git was ended while it wrote.
    let notes = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Note>(line).ok());
    let mut running = None;
    for note in notes {
        let who = (note.sid, note.child_id);
        if note.event == "child_start" && note.hook_name.as_deref() == Some(event) {
            running = Some(who);
        } else if note.event == "child_exit" && running.as_ref() == Some(&who) {
            running = None;
        }
    }
    Ok(running.is_some())
}

/// The error for a hook that the time limit ended.
pub(super) fn hook_hangs(event: &str) -> Error {
    Error::blocked(format!("the {event} hook did not end in time"))
        .hint("sync.timeout says how long a background sync may take")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged};
    use proptest::prelude::*;

    const NOTES: &str = "{\"event\":\"child_start\",\"sid\":\"a\",\"child_id\":1,\"hook_name\":\"pre-push\"}\n\
                         {\"event\":\"child_exit\",\"sid\":\"a\",\"child_id\":1}\n";

    proptest! {
        #![proptest_config(crate::testing::one_in(4))]
        #[test]
        fn notes_of_anything_are_read(text in bytes(), other in damaged(NOTES)) {
            let folder = tempfile::tempdir().expect("a folder");
            for text in [text, other] {
                let notes = folder.path().join("notes");
                fs::write_atomic(&notes, &text, fs::Durable::No).expect("written");
                prop_assert!(hook_runs(&notes, "pre-push").is_ok());
            }
        }
    }
}
