//! Runs the user's hooks as `git commit` would.

use super::Repo;
use crate::error::{Error, Result};
use crate::sys::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

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
        let executable = fs::look(&file).ok().flatten().is_some_and(|found| {
            found.is_symlink() || (found.is_file() && found.permissions().mode() & 0o111 != 0)
        });
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
}
