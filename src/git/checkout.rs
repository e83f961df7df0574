//! Makes files from blobs, with the user's filters and line ends, in a folder of ours.

use super::Repo;
use super::index::{PrivateIndex, joined};
use crate::error::Result;
use crate::model::entry::Oid;
use crate::model::path::RepoPath;
use crate::sys::progress::Progress;
use std::ffi::OsString;
use std::path::Path;

impl Repo {
    /// Writes the files that `index` has at `paths` below `folder`, each under its own path, with the
    /// attributes that `tree` gives them: those in the work tree may be older than the files.
    pub fn write_files<'a>(
        &self,
        index: &PrivateIndex<'_>,
        paths: impl IntoIterator<Item = &'a RepoPath>,
        tree: &Oid,
        folder: &Path,
        progress: &Progress,
    ) -> Result<()> {
        let input = joined(paths);
        if input.is_empty() {
            return Ok(());
        }
        let mut prefix = OsString::from("--prefix=");
        prefix.push(folder);
        prefix.push("/");
        self.git("checkout-index")
            .args(["--quiet", "-z", "--stdin"])
            .arg(prefix)
            .index(index.path())
            .env("GIT_ATTR_SOURCE", tree.as_str())
            .stdin(input)
            .counting(progress)
            .run()
    }
}
