//! A repository with a work tree: where it is, what its settings and refs say.
//!
//! Everything here is read in-process: it is on the path of a sync that has nothing to do.

use super::config;
use crate::error::{Error, Result};
use crate::model::entry::Oid;
use crate::model::path::RepoPath;
use crate::sys::env;
use crate::sys::process::Ended;
use gix::bstr::ByteSlice as _;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// Told the words of every git command before it runs.
pub type Trace = Rc<dyn Fn(&str)>;

/// How a repository is worked in.
#[derive(Clone, Default)]
pub struct Manner {
    /// Nobody is there to be asked.
    pub background: bool,
    /// A hook has told that something is done: what git has not yet cleaned up behind it is no operation in
    /// progress.
    pub after_hook: bool,
    /// Every child ends before this moment.
    pub deadline: Option<Instant>,
    /// Hears every git command.
    pub trace: Option<Trace>,
}

impl fmt::Debug for Manner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manner")
            .field("background", &self.background)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// A repository with a work tree.
pub struct Repo {
    inner: gix::Repository,
    top: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
    from_environment: bool,
    manner: Manner,
    quarantine: RefCell<Option<PathBuf>>,
    identity: RefCell<Option<Identity>>,
    trees: RefCell<HashMap<Oid, Oid>>,
    lock: RefCell<Option<Arc<File>>>,
}

/// Who commits where the user has not said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}

impl fmt::Debug for Repo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repo")
            .field("top", &self.top)
            .finish_non_exhaustive()
    }
}

/// The branch that is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its full name, `refs/heads/…`.
    pub name: String,
    /// Its tip; `None` where nothing was committed yet.
    pub tip: Option<Oid>,
}

impl Branch {
    /// The name without `refs/heads/`.
    pub fn short(&self) -> &str {
        self.name.strip_prefix("refs/heads/").unwrap_or(&self.name)
    }
}

/// Where a branch is synced to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The name of the remote.
    pub remote: String,
    /// The full name of the branch there.
    pub branch: String,
    /// The full name of the ref that remembers where it was last seen.
    pub tracking: String,
}

impl Upstream {
    /// `origin/main`, for people.
    pub fn short(&self) -> String {
        let branch = self
            .branch
            .strip_prefix("refs/heads/")
            .unwrap_or(&self.branch);
        format!("{}/{branch}", self.remote)
    }
}

/// What HEAD is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// A branch.
    Branch(Branch),
    /// A commit, and no branch.
    Detached,
}

impl Repo {
    /// The repository that `dir` is in, or that the environment names; `None` where there is none.
    ///
    /// # Errors
    /// When there is one that git itself would not use: owned by somebody else, or of a format that
    /// this program cannot read.
    pub fn discover(dir: &Path, manner: Manner) -> Result<Option<Self>> {
        let named = env::get(env::GIT_DIR).is_some();
        match gix::ThreadSafeRepository::discover_with_environment_overrides_opts(
            dir,
            gix::discover::upwards::Options {
                match_ceiling_dir_or_error: false,
                ..Default::default()
            },
            options(),
        ) {
            Ok(found) => Self::from_gix(found.to_thread_local(), named, manner).map(Some),
            Err(source) => Self::explain(dir, &source).map(|()| None),
        }
    }

    /// The repository whose work tree is `dir` or above it, whatever the environment says.
    pub fn open(dir: &Path, manner: Manner) -> Result<Option<Self>> {
        match gix::ThreadSafeRepository::discover_opts(
            dir,
            gix::discover::upwards::Options::default(),
            options(),
        ) {
            Ok(found) => Self::from_gix(found.to_thread_local(), false, manner).map(Some),
            Err(source) => Self::explain(dir, &source).map(|()| None),
        }
    }

    /// Why is there no repository: git says it best.
    fn explain(dir: &Path, source: &(dyn std::error::Error + 'static)) -> Result<()> {
        let asked = super::command::outside(dir, "rev-parse")
            .arg("--git-dir")
            .run()?;
        let said = asked.complaint();
        if asked.success() {
            return Err(Error::fatal("this repository cannot be read")
                .because(source.to_string())
                .hint("repositories with reftable are not supported yet"));
        }
        if said.contains("not a git repository") {
            return Ok(());
        }
        Err(refused_by_git(&asked))
    }

    fn from_gix(inner: gix::Repository, named: bool, manner: Manner) -> Result<Self> {
        let storage = inner.config_snapshot().string("extensions.refStorage");
        if let Some(storage) = storage.filter(|storage| storage.as_bytes() != b"files") {
            return Err(
                Error::fatal(format!("this repository keeps its refs as '{storage}'")).hint(
                    "git refs migrate --ref-format=files   makes it one that git sync can use",
                ),
            );
        }
        let absolute = |path: &Path| {
            std::path::absolute(path).map_err(|source| crate::sys::fs::failed("find", path, source))
        };
        let Some(top) = inner.workdir() else {
            return Err(Error::fatal("this repository has no work tree")
                .hint("a bare repository is a remote to sync with, not a place to sync"));
        };
        let top = absolute(top)?;
        if inner.git_dir_trust() != gix::sec::Trust::Full && !named {
            let asked = super::command::outside(&top, "rev-parse")
                .arg("--git-dir")
                .run()?;
            if !asked.success() {
                return Err(refused_by_git(&asked));
            }
        }
        let git_dir = absolute(inner.git_dir())?;
        let common_dir = absolute(inner.common_dir())?;
        Ok(Self {
            top,
            git_dir,
            common_dir,
            from_environment: named,
            manner,
            quarantine: RefCell::default(),
            identity: RefCell::default(),
            trees: RefCell::default(),
            lock: RefCell::default(),
            inner,
        })
    }

    /// The same repository with its settings read again.
    pub fn reopened(&self) -> Result<Self> {
        let manner = self.manner.clone();
        let found = if self.from_environment {
            Self::discover(&self.top, manner)
        } else {
            Self::open(&self.top, manner)
        };
        found?.ok_or_else(|| Error::failed("the repository is gone"))
    }

    /// The top of the work tree.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The git directory of this work tree.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The git directory that all work trees share.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The index of the user.
    pub fn index_path(&self) -> PathBuf {
        self.git_dir.join("index")
    }

    /// How it is worked in.
    pub(super) fn manner(&self) -> &Manner {
        &self.manner
    }

    /// Is nobody there to be asked?
    pub fn is_background(&self) -> bool {
        self.manner.background
    }

    /// When every child must have ended.
    pub fn deadline(&self) -> Option<Instant> {
        self.manner.deadline
    }

    /// Is the time over that commands have?
    pub fn is_out_of_time(&self) -> bool {
        self.deadline().is_some_and(|end| Instant::now() >= end)
    }

    /// Was it named by `GIT_DIR` and not found?
    pub fn is_from_environment(&self) -> bool {
        self.from_environment
    }

    /// Tells a command to whoever listens.
    pub fn trace(&self, words: &str) {
        if let Some(trace) = &self.manner.trace {
            trace(words);
        }
    }

    /// Where new objects go instead of the repository, in a dry run.
    pub fn quarantine(&self) -> Option<PathBuf> {
        self.quarantine.borrow().clone()
    }

    /// Lets new objects go to `scratch` from now on, so that a dry run leaves nothing behind;
    /// `None` ends that.
    pub fn set_quarantine(&self, scratch: Option<PathBuf>) {
        *self.quarantine.borrow_mut() = scratch;
    }

    /// The identity that commits are made with, where the user has not set one.
    pub fn identity(&self) -> Option<Identity> {
        self.identity.borrow().clone()
    }

    /// Lets commits be made with `identity` from now on.
    pub fn set_identity(&self, identity: Identity) {
        *self.identity.borrow_mut() = Some(identity);
    }

    /// The lock that the children hold with us that change refs. A child that outlived its killed
    /// parent would else move the branch under the next run.
    pub fn lock(&self) -> Option<Arc<File>> {
        self.lock.borrow().clone()
    }

    /// Lets such children hold `lock` from now on; `None` ends that.
    pub fn set_lock(&self, lock: Option<File>) {
        *self.lock.borrow_mut() = lock.map(Arc::new);
    }

    /// The trees of commits that were asked for or made already: a commit never changes, and every
    /// question to git is a process.
    pub(super) fn known_trees(&self) -> &RefCell<HashMap<Oid, Oid>> {
        &self.trees
    }

    /// gix itself, for the other files of this layer.
    pub(super) fn gix(&self) -> &gix::Repository {
        &self.inner
    }

    /// A setting as text; of several values the last.
    pub fn config_text(&self, key: &str) -> Option<String> {
        let value = self.inner.config_snapshot().string(key)?;
        Some(value.to_str_lossy().into_owned())
    }

    /// A setting that names a colour in git's words, as the code that switches it on.
    pub fn config_color(&self, key: &str) -> Result<Option<String>> {
        if self.config_text(key).is_none() {
            return Ok(None);
        }
        let code = self.git("config").args(["--get-color", key]).output()?;
        Ok(Some(String::from_utf8_lossy(&code).into_owned()))
    }

    /// A setting that is yes or no.
    pub fn config_bool(&self, key: &str) -> Result<Option<bool>> {
        self.inner
            .config_snapshot()
            .try_boolean(key)
            .map_err(|source| {
                Error::fatal(format!("bad value for '{key}'"))
                    .because(source.to_string())
                    .hint(format!(
                        "git config --show-origin --get {key}   tells where it is set"
                    ))
            })
    }

    /// Is the setting in the repository's own config, and not only in the user's?
    pub fn config_is_local(&self, section: &str, key: &str) -> bool {
        let snapshot = self.inner.config_snapshot();
        let local = |metadata: &gix::config::file::Metadata| {
            matches!(
                metadata.source,
                gix::config::Source::Local
                    | gix::config::Source::Worktree
                    | gix::config::Source::Cli
                    | gix::config::Source::Env
            )
        };
        snapshot
            .plumbing()
            .string_filter(format!("{section}.{key}").as_str(), local)
            .is_some()
    }

    /// What HEAD is.
    pub fn head(&self) -> Result<Head> {
        let unreadable = |source: &dyn fmt::Display| {
            Error::fatal("HEAD cannot be read").because(source.to_string())
        };
        let head = self.inner.head().map_err(|source| unreadable(&source))?;
        let Some(name) = head
            .referent_name()
            .map(|name| name.as_bstr().to_str_lossy().into_owned())
        else {
            return Ok(Head::Detached);
        };
        let tip = head
            .id()
            .and_then(|id| Oid::parse(&id.to_hex().to_string()));
        Ok(Head::Branch(Branch { name, tip }))
    }

    /// The object that a ref points to; `None` where there is no such ref.
    pub fn resolve(&self, name: &str) -> Result<Option<Oid>> {
        let unreadable = |source: &dyn fmt::Display| {
            Error::failed(format!("the ref '{name}' cannot be read")).because(source.to_string())
        };
        let found = self
            .inner
            .try_find_reference(name)
            .map_err(|source| unreadable(&source))?;
        let Some(mut reference) = found else {
            return Ok(None);
        };
        let id = reference
            .peel_to_id()
            .map_err(|source| unreadable(&source))?;
        Ok(Oid::parse(&id.to_hex().to_string()))
    }

    /// The object that a ref names, whether it is there or not; `None` where there is no such ref.
    pub fn named_by(&self, name: &str) -> Result<Option<Oid>> {
        let found = self.inner.try_find_reference(name).map_err(|source| {
            Error::failed(format!("the ref '{name}' cannot be read")).because(source.to_string())
        })?;
        Ok(found.and_then(|reference| Oid::parse(&reference.try_id()?.to_hex().to_string())))
    }

    /// Where a remote was last seen, by the ref that remembers it. `None` where that is not known, or
    /// the commit is gone: it is the remote's, and a fetch brings it back.
    pub fn last_seen(&self, tracking: &str) -> Result<Option<Oid>> {
        let named = self.named_by(tracking)?;
        Ok(named.filter(|oid| self.has_commit(oid)))
    }

    /// Is the commit there?
    pub fn has_commit(&self, oid: &Oid) -> bool {
        gix::ObjectId::from_hex(oid.as_str().as_bytes())
            .is_ok_and(|id| self.inner.find_commit(id).is_ok())
    }

    /// The names of the remotes.
    pub fn remotes(&self) -> Vec<String> {
        self.inner
            .remote_names()
            .iter()
            .map(|name| name.to_str_lossy().into_owned())
            .collect()
    }

    /// The first address of a remote, for reading.
    pub fn remote_url(&self, remote: &str) -> Option<String> {
        self.config_text(&format!("remote.{remote}.url"))
    }

    /// Where `branch` is synced to: as git's own configuration says it, or with the remote that
    /// `sync.remote` names, where a branch without an upstream has its own name.
    pub fn upstream(&self, branch: &str) -> Option<Upstream> {
        let short = branch.strip_prefix("refs/heads/")?;
        let merge = self.config_text(&format!("branch.{short}.merge"));
        let (remote, there) = match self.config_text(config::REMOTE) {
            Some(remote) => (remote, merge.unwrap_or_else(|| branch.to_owned())),
            None => (self.config_text(&format!("branch.{short}.remote"))?, merge?),
        };
        if remote == "." {
            return None;
        }
        let name = there.strip_prefix("refs/heads/")?;
        let tracking = format!("refs/remotes/{remote}/{name}");
        Some(Upstream {
            tracking,
            branch: there,
            remote,
        })
    }

    /// The operation that the user has begun and not finished, as the git command for it.
    pub fn in_progress(&self) -> Option<&'static str> {
        use gix::state::InProgress as P;
        let state = self.inner.state()?;
        if self.manner.after_hook && state != P::Bisect {
            return None;
        }
        Some(match state {
            P::ApplyMailbox | P::ApplyMailboxRebase => "am",
            P::Bisect => "bisect",
            P::CherryPick | P::CherryPickSequence => "cherry-pick",
            P::Merge => "merge",
            P::Rebase | P::RebaseInteractive => "rebase",
            P::Revert | P::RevertSequence => "revert",
        })
    }

    /// Is the history cut off below some commit?
    pub fn is_shallow(&self) -> bool {
        self.inner.is_shallow().unwrap_or(false)
    }

    /// Is only a part of the tree checked out?
    pub fn is_sparse(&self) -> Result<bool> {
        Ok(self.config_bool("core.sparseCheckout")?.unwrap_or(false))
    }

    /// Does the file system take `A` and `a` for one name?
    pub fn ignores_case(&self) -> bool {
        self.config_bool("core.ignoreCase")
            .ok()
            .flatten()
            .unwrap_or(false)
    }

    /// Has the user said who they are, in a setting or in the environment?
    pub fn has_identity(&self) -> bool {
        matches!(self.inner.committer(), Some(Ok(_))) && matches!(self.inner.author(), Some(Ok(_)))
    }

    /// Does the commit that is checked out in the submodule at `path` follow `recorded`?
    pub fn submodule_follows(&self, path: &RepoPath, recorded: &Oid) -> bool {
        let asked = super::command::outside(&path.below(&self.top), "merge-base")
            .args(["--is-ancestor", recorded.as_str(), "HEAD"])
            .until(self.deadline())
            .run();
        asked.is_ok_and(|ended| ended.success())
    }

    /// The commit that is checked out in the submodule at `path`; `None` where none is.
    pub fn submodule_head(&self, path: &RepoPath) -> Option<Oid> {
        let folder = path.below(&self.top);
        // Without one of its own, git would look at the repository around it.
        crate::sys::fs::look(&folder.join(".git")).ok()??;
        let asked = super::command::outside(&folder, "rev-parse")
            .args(["--verify", "--quiet", "HEAD"])
            .until(self.deadline())
            .run()
            .ok()?;
        let text = String::from_utf8_lossy(&asked.stdout).into_owned();
        asked.success().then(|| Oid::parse(text.trim()))?
    }
}

fn refused_by_git(asked: &Ended) -> Error {
    let said = asked.complaint();
    let mut lines = said.lines();
    let first = lines.next().unwrap_or("git refuses this repository");
    let mut error = Error::fatal(first.trim_start_matches("fatal: ").to_owned());
    for line in lines
        .map(str::trim)
        .filter(|line| line.starts_with("git config"))
    {
        error = error.hint(line.to_owned());
    }
    error
}

/// For gix alone. It checks the sum of the index at every reading, which git does not: a fifth of the
/// time that a look at a large work tree takes. It never writes the index.
const GIX_SETTINGS: [&str; 1] = ["index.skipHash=true"];

fn options() -> gix::sec::trust::Mapping<gix::open::Options> {
    // gix reads GIT_CONFIG_COUNT itself, but not what `git -c` hands down.
    let overrides = env::text(env::GIT_CONFIG_PARAMETERS)
        .map(|text| parse_parameters(&text))
        .unwrap_or_default();
    // Whatever the owner: see below.
    let mut permissions = gix::open::Permissions::all();
    if env::get(env::HOME).is_none() {
        // gix would ask the system for it, and find settings that no git child of ours has.
        permissions.env.home = gix::sec::Permission::Deny;
    }
    let configure = |options: gix::open::Options| {
        options
            .permissions(permissions)
            .config_overrides(GIX_SETTINGS)
            .cli_overrides(overrides.clone())
    };
    let mut map = gix::sec::trust::Mapping::<gix::open::Options>::default();
    map.full = configure(map.full);
    // Whether a repository of another owner may be used is git's decision: see `from_gix`.
    map.reduced = configure(gix::open::Options::default_for_full());
    map
}

/// The full set of options, whatever the owner of the repository.
trait ForFull {
    fn default_for_full() -> Self;
}

impl ForFull for gix::open::Options {
    fn default_for_full() -> Self {
        use gix::sec::trust::DefaultForLevel as _;
        Self::default_for_level(gix::sec::Trust::Full)
    }
}

/// `'key'='value'` (git 2.31 and later) or `'key=value'`, quoted for a shell, separated by blanks.
fn parse_parameters(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut current = String::new();
    let mut inside = false;
    let mut started = false;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, inside) {
            ('\'', _) => {
                inside = !inside;
                started = true;
            }
            ('\\', false) => current.extend(letters.next()),
            (' ', false) => {
                if started {
                    all.push(std::mem::take(&mut current));
                    started = false;
                }
            }
            (letter, _) => current.push(letter),
        }
    }
    if started {
        all.push(current);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::parse_parameters;
    use crate::testing::text;
    use proptest::prelude::*;

    #[test]
    fn settings_of_git_dash_c_are_read() {
        let text = r"'sync.newFiles'='tracked' 'a.b=c d' 'user.name'='O'\''Neil'";
        let expected = ["sync.newFiles=tracked", "a.b=c d", "user.name=O'Neil"];
        assert_eq!(parse_parameters(text), expected);
        assert!(parse_parameters("").is_empty());
    }

    proptest! {
        #[test]
        fn settings_of_anything_are_read(text in text()) {
            let all = parse_parameters(&text);
            prop_assert!(all.iter().map(String::len).sum::<usize>() <= text.len());
        }

        #[test]
        fn every_setting_is_read_as_git_writes_it(values in proptest::collection::vec("[ -~]{0,12}", 0..4)) {
            let quoted: Vec<_> = values.iter().map(|value| format!("'a.b'='{}'", value.replace('\'', r"'\''"))).collect();
            let expected: Vec<_> = values.iter().map(|value| format!("a.b={value}")).collect();
            prop_assert_eq!(parse_parameters(&quoted.join(" ")), expected);
        }
    }
}
