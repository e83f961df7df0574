//! What git makes of the rules in `.gitignore`, `.gitattributes` and their like.

use super::Repo;
use crate::error::Result;
use crate::model::path::RepoPath;
use crate::sys::{env, fs};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::PathBuf;

/// What the ignore rules say of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Is it ignored?
    pub ignored: bool,
    /// The rule that says so, `file:line:pattern`; `None` where none speaks of it.
    pub rule: Option<String>,
}

impl Repo {
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
