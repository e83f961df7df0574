//! What git makes of the rules in `.gitignore`, `.gitattributes` and their like.

use super::Repo;
use crate::error::{Error, Result};
use crate::model::path::RepoPath;
use crate::sys::{env, fs};
use gix::bstr::ByteSlice as _;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;

/// What the ignore rules say of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Is it ignored?
    pub ignored: bool,
    /// The rule that says so, `file:line:pattern`; `None` where none speaks of it.
    pub rule: Option<String>,
}

/// The rules as they stand, to be asked often and without a process.
pub struct Rules<'repo> {
    /// `None` where gix reads them in another way than git: then nothing counts as ignored.
    stack: Option<gix::AttributeStack<'repo>>,
    tracked: BTreeSet<RepoPath>,
    folders: BTreeSet<RepoPath>,
}

impl fmt::Debug for Rules<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").finish_non_exhaustive()
    }
}

impl Rules<'_> {
    /// Is it nothing that a sync would look at: ignored, or in something that is, or of this machine alone, with
    /// nothing in it tracked?
    pub fn leave_out(&mut self, path: &RepoPath, folder: bool) -> bool {
        let is_tracked = self.tracked.contains(path) || self.folders.contains(path);
        let Some(stack) = self.stack.as_mut().filter(|_| !is_tracked) else {
            return false;
        };
        // A folder by what is in it.
        let end: &[u8] = if folder { b"/x" } else { b"" };
        let stays_here = || RepoPath::from_bytes([path.as_bytes(), end].concat()).stays_here();
        let mode = if folder {
            gix::index::entry::Mode::DIR
        } else {
            gix::index::entry::Mode::FILE
        };
        stack
            .at_entry(path.as_bytes().as_bstr(), Some(mode))
            .is_ok_and(|found| match found.matching_exclude_pattern() {
                Some(rule) => !rule.pattern.is_negative(),
                None => stays_here(),
            })
    }
}

impl Repo {
    /// The rules as they stand now, for [`Rules::leave_out`].
    pub fn rules(&self) -> Result<Rules<'_>> {
        use gix::worktree::stack::state::ignore::Source;
        let failed = |source: &dyn fmt::Display| {
            Error::failed("the rules in .gitignore cannot be read").because(source.to_string())
        };
        let index = self
            .gix()
            .index_or_empty()
            .map_err(|source| failed(&source))?;
        let stack = if self.excludes_everything() {
            None
        } else {
            let source = Source::WorktreeThenIdMappingIfNotSkipped;
            let stack = self.gix().excludes(&index, None, source);
            Some(stack.map_err(|source| failed(&source))?)
        };
        let tracked: BTreeSet<_> = index
            .entries()
            .iter()
            .map(|entry| RepoPath::from_bytes(entry.path(&index).to_vec()))
            .collect();
        let folders = tracked.iter().flat_map(RepoPath::parents).collect();
        Ok(Rules {
            stack,
            tracked,
            folders,
        })
    }

    /// What the rules say of each of `paths`, which need not be there.
    pub fn ignored<P: AsRef<[u8]>>(&self, paths: &[P]) -> Result<Vec<Verdict>> {
        let git = self.git("check-ignore").args([
            "--no-index",
            "--verbose",
            "--non-matching",
            "-z",
            "--stdin",
        ]);
        let paths: Vec<_> = paths.iter().map(AsRef::as_ref).collect();
        let ended = git.stdin(paths.join(&0)).answer()?;
        // 1: none of them is ignored.
        if !matches!(ended.code(), Some(0 | 1)) {
            return Err(super::command::complaint("check-ignore", &ended));
        }
        let text = String::from_utf8_lossy(&ended.stdout);
        let fields: Vec<_> = text.split_terminator('\0').collect();
        let verdicts = fields.chunks_exact(4).map(|fields| match fields {
            [source, line, pattern, _] if !pattern.is_empty() => Verdict {
                ignored: !pattern.starts_with('!'),
                rule: Some(format!("{source}:{line}:{pattern}")),
            },
            _ => Verdict {
                ignored: false,
                rule: None,
            },
        });
        Ok(verdicts.collect())
    }

    /// Those of `untracked` that stay on this machine although no rule ignores them: their names end in
    /// `.local`, or they are made again, and no exception of the user's (`!shared.local`) takes them in.
    pub(super) fn kept_local(&self, untracked: &BTreeSet<RepoPath>) -> Result<BTreeSet<RepoPath>> {
        let local: Vec<_> = untracked.iter().filter(|path| path.stays_here()).collect();
        if local.is_empty() {
            return Ok(BTreeSet::new());
        }
        let names: Vec<_> = local.iter().map(|path| path.as_bytes()).collect();
        let verdicts = self.ignored(&names)?;
        let kept = local
            .into_iter()
            .zip(verdicts)
            .filter(|(_, verdict)| verdict.rule.is_none());
        Ok(kept.map(|(path, _)| path.clone()).collect())
    }

    /// The value of an attribute of `path`, which need not be there.
    pub fn attribute(&self, path: impl AsRef<OsStr>, name: &str) -> Result<String> {
        let output = self
            .git("check-attr")
            .args(["-z", name, "--"])
            .arg(path)
            .output()?;
        let text = String::from_utf8_lossy(&output);
        Ok(text.split('\0').nth(2).unwrap_or_default().to_owned())
    }

    /// Is there a rule outside of the work tree that fits every folder (`*/`, `**`, `/`)? gix takes the
    /// work tree itself for ignored then, and sees nothing in it that is new.
    pub(super) fn excludes_everything(&self) -> bool {
        let own = self.common_dir().join("info/exclude");
        let users = self
            .gix()
            .config_snapshot()
            .trusted_path("core.excludesFile");
        let users = match users {
            Ok(Some(path)) => Some(path.clone()),
            _ => env::get(env::XDG_CONFIG_HOME)
                .map(PathBuf::from)
                .or_else(|| Some(env::home()?.join(".config")))
                .map(|folder| folder.join("git/ignore")),
        };
        let fits_all = |line: &[u8]| {
            let line = line.trim_ascii_end();
            !line.is_empty() && line.iter().all(|byte| matches!(byte, b'*' | b'/'))
        };
        let files: [Option<PathBuf>; 2] = [Some(own), users];
        files.into_iter().flatten().any(|path| {
            let rules = fs::read(&path).ok().flatten().unwrap_or_default();
            rules.split(|byte| *byte == b'\n').any(fits_all)
        })
    }

    /// Those of `paths` that are tracked.
    pub fn tracked(&self, paths: &[&str]) -> Result<Vec<String>> {
        let output = self
            .git("ls-files")
            .args(["-z", "--"])
            .args(paths)
            .output()?;
        let text = String::from_utf8_lossy(&output);
        Ok(text.split_terminator('\0').map(str::to_owned).collect())
    }
}
