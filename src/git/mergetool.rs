//! Lets the user merge three versions of a file, in their own tool or editor, on copies.

use super::Repo;
use super::index::PrivateIndex;
use crate::error::{Error, Kind, Result};
use crate::model::entry::{Entry, Oid};
use crate::model::path::RepoPath;
use crate::sys::fs::{self, Durable};
use crate::sys::process::Process;
use std::path::Path;

/// The three versions of a file that both sides changed.
#[derive(Debug)]
pub struct Versions<'a> {
    /// Where.
    pub path: &'a RepoPath,
    /// What both started from, if they did.
    pub base: Option<&'a Entry>,
    /// This machine's.
    pub ours: &'a Entry,
    /// The remote's.
    pub theirs: &'a Entry,
}

/// The words behind the markers, for the editor and for the check that none is left.
const LABELS: [&str; 3] = ["this machine", "before", "the other machine"];

impl Repo {
    /// The user's pager, as the shell takes it: that of `pager.sync`, else git's; `None` where none is
    /// wanted.
    pub fn pager(&self) -> Result<Option<String>> {
        let pager = match self.config_text("pager.sync") {
            Some(word) if ["false", "no", "off", "0", ""].contains(&&*word) => return Ok(None),
            Some(word) if !["true", "yes", "on", "1"].contains(&&*word) => word,
            _ => {
                let said = self.git("var").arg("GIT_PAGER").output()?;
                String::from_utf8_lossy(&said).trim_end().to_owned()
            }
        };
        let is_none = pager.is_empty() || pager == "cat";
        Ok((!is_none).then_some(pager))
    }

    /// Lets the user merge `versions` in `folder`, an empty scratch folder; returns the result as a
    /// blob.
    ///
    /// # Errors
    /// When the tool fails, or the result still has markers: then nothing is decided.
    pub fn merge_by_hand(&self, versions: &Versions<'_>, folder: &Path) -> Result<Oid> {
        let file = versions.path.below(folder);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        let marked = self.marked(versions, folder)?;
        fs::write_atomic(&file, &marked, Durable::No)?;
        if self.config_text("merge.tool").is_some() {
            self.run_mergetool(versions, folder)?;
        } else {
            self.run_editor(versions.path, &file)?;
        }
        let bytes = fs::read(&file)?.unwrap_or_default();
        if has_markers(&bytes) {
            return Err(Error::new(
                Kind::Declined,
                format!("'{}' still has markers", versions.path),
            )
            .hint(
                "nothing was decided; run it again and remove the lines with <<<<<<< and >>>>>>>",
            ));
        }
        self.write_file_blob(versions.path, bytes)
    }

    /// The three versions in one file, with markers where they disagree.
    fn marked(&self, versions: &Versions<'_>, folder: &Path) -> Result<Vec<u8>> {
        let write = |name: &str, entry: Option<&Entry>| -> Result<_> {
            let bytes = match entry {
                Some(entry) => self.blob_as_file(&entry.oid, versions.path)?,
                None => Vec::new(),
            };
            let path = folder.join(name);
            fs::write_atomic(&path, &bytes, Durable::No)?;
            Ok(path)
        };
        let ours = write(".git-sync-ours", Some(versions.ours))?;
        let base = write(".git-sync-base", versions.base)?;
        let theirs = write(".git-sync-theirs", Some(versions.theirs))?;
        let files = [&*ours, &*base, &*theirs];
        let labelled = [0, 1, 2].map(|side| (files[side], LABELS[side]));
        let merged = self.merge_with_markers(labelled)?;
        for file in files {
            fs::remove_file(file)?;
        }
        merged.map(|(bytes, _)| bytes).ok_or_else(|| {
            Error::blocked(format!(
                "'{}' is not a text that can be merged",
                versions.path
            ))
            .hint(format!(
                "git sync --resolve --ours {}   keeps this machine's",
                versions.path
            ))
            .hint(format!(
                "git sync --resolve --theirs {}   takes the other",
                versions.path
            ))
        })
    }

    /// `git mergetool` in a work tree of its own, with an index that has the conflict.
    fn run_mergetool(&self, versions: &Versions<'_>, folder: &Path) -> Result<()> {
        let index = PrivateIndex::empty(self, folder.join(".git-sync-index"))?;
        let stages = [
            (1, versions.base),
            (2, Some(versions.ours)),
            (3, Some(versions.theirs)),
        ];
        index.set_stages(versions.path, &stages)?;
        let ended = self
            .git("mergetool")
            .args(["--no-prompt", "--"])
            .arg(versions.path.as_os_str())
            .env(crate::sys::env::GIT_DIR, self.git_dir())
            .env(crate::sys::env::GIT_WORK_TREE, folder)
            .index(index.path())
            .cwd(folder)
            .on_terminal()
            .answer()?;
        if ended.success() {
            return Ok(());
        }
        Err(Error::new(
            Kind::Declined,
            format!("the merge tool did not finish ({})", ended.how()),
        )
        .hint("nothing was decided"))
    }

    fn run_editor(&self, path: &RepoPath, file: &Path) -> Result<()> {
        let editor = self.git("var").arg("GIT_EDITOR").output()?;
        let editor = String::from_utf8_lossy(&editor).trim().to_owned();
        let script = format!("{editor} \"$@\"");
        let ended = Process::new("sh")
            .args(["-c", &script, "editor"])
            .arg(file)
            .on_terminal()
            .run()?;
        if ended.success() {
            return Ok(());
        }
        let how = ended.how();
        Err(Error::new(
            Kind::Declined,
            format!("the editor did not finish '{path}' ({how})"),
        )
        .hint("nothing was decided"))
    }

    /// Writes what a file holds as a blob, with the filters of its path.
    fn write_file_blob(&self, path: &RepoPath, bytes: Vec<u8>) -> Result<Oid> {
        let mut argument = std::ffi::OsString::from("--path=");
        argument.push(path.as_os_str());
        self.git("hash-object")
            .args(["-w", "--stdin"])
            .arg(argument)
            .stdin(bytes)
            .oid()
    }
}

fn has_markers(bytes: &[u8]) -> bool {
    let [ours, _, theirs] = LABELS;
    let markers = [format!("<<<<<<< {ours}"), format!(">>>>>>> {theirs}")];
    bytes.split(|byte| *byte == b'\n').any(|line| {
        markers
            .iter()
            .any(|marker| line.starts_with(marker.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::has_markers;

    #[test]
    fn only_our_own_markers_count() {
        assert!(has_markers(b"a\n<<<<<<< this machine\nb\n"));
        assert!(has_markers(b"a\n>>>>>>> the other machine\n"));
        assert!(!has_markers(b"about <<<<<<< this machine\n=======\n"));
    }
}
