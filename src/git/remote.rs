//! Talks to the remote: one fetch, one push, and what their refusals mean.

use super::Repo;
use super::command::Git;
use super::hooks::{NOTES, hook_hangs, hook_runs};
use super::repo::Upstream;
use super::transport::Transport;
use crate::error::{Error, Result};
use crate::model::entry::Oid;
use crate::sys::process::{Ended, Running};
use std::ffi::OsStr;
use std::path::PathBuf;

/// How a fetch came out.
#[derive(Debug)]
pub enum Fetched {
    /// The tracking ref says where the remote is.
    Done,
    /// The remote has no such branch.
    NoBranch,
    /// Another git moved the tracking ref at the same time, in these words.
    Moved(String),
    /// It could not be asked.
    Unreachable(Unreachable),
}

/// How a push came out.
#[derive(Debug)]
pub enum Pushed {
    /// The remote has it, and what goes along.
    Done,
    /// The remote is not where it was seen: somebody was faster.
    Lost,
    /// This lock is in the way there: of somebody who is sending now, or who died in it.
    Locked(String),
    /// The remote, or the user's `pre-push` hook, does not want it.
    Refused(Error),
    /// It could not be asked.
    Unreachable(Unreachable),
}

/// Why a remote could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreachable {
    /// In one line.
    pub why: String,
    /// Was the network fine, and the login refused?
    pub login: bool,
}

/// The branches of a remote, and the one that its HEAD names.
pub type Heads = (Vec<String>, Option<String>);

/// What a push is about.
#[derive(Debug)]
pub struct Push<'a> {
    /// Where to.
    pub upstream: &'a Upstream,
    /// What.
    pub new: &'a Oid,
    /// Where the remote must be now; `None`: it must not have the branch.
    pub lease: Option<&'a Oid>,
    /// A file for notes about the hook, thrown away after it.
    pub notes: PathBuf,
    /// A ref of this machine alone, that goes along.
    pub beside: Option<&'a Beside>,
}

/// A ref of this machine alone: nobody else moves it, so it is just put where it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// Where it leads.
    pub oid: Oid,
    /// Its name.
    pub name: String,
}

impl Beside {
    fn refspec(&self) -> String {
        format!("+{}:{}", self.oid, self.name)
    }
}

/// The hook that git runs in a push.
const PRE_PUSH: &str = "pre-push";

/// Where a fetch that runs beside a push puts what it found. Not the tracking ref: that is the push's
/// to move, and the two would be in each other's way.
pub const FETCHED: &str = "refs/git-sync/fetched";

impl Repo {
    /// Asks where the upstream branch is, and brings what is new there.
    pub fn fetch(&self, transport: &Transport, upstream: &Upstream, show: bool) -> Result<Fetched> {
        if let Some(why) = transport.blocked() {
            return Ok(Fetched::Unreachable(why.clone()));
        }
        let refspec = format!("+{}:{}", upstream.branch, upstream.tracking);
        let ended = self
            .fetching(transport, show)
            .args([upstream.remote.as_str(), &refspec])
            .answer()?;
        if ended.success() {
            return Ok(Fetched::Done);
        }
        let said = ended.complaint();
        if said.contains("couldn't find remote ref") {
            return Ok(Fetched::NoBranch);
        }
        if said.contains("but expected") || said.contains(".lock': File exists") {
            return Ok(Fetched::Moved("another fetch is at work here".to_owned()));
        }
        if is_local(&said) {
            return Err(super::command::complaint("fetch", &ended));
        }
        Ok(Fetched::Unreachable(unreachable(&ended)))
    }

    /// Begins to bring what is new in the upstream branch to [`FETCHED`], while something else goes on.
    pub fn fetch_aside(
        &self,
        transport: &Transport,
        upstream: &Upstream,
        show: bool,
    ) -> Result<Running> {
        let refspec = format!("+{}:{FETCHED}", upstream.branch);
        self.fetching(transport, show)
            .args(["--refmap=", upstream.remote.as_str(), &refspec])
            .start()
    }

    fn fetching(&self, transport: &Transport, show: bool) -> Git<'_> {
        let git = self.git("fetch").past_quarantine().args([
            "--no-auto-maintenance",
            "--no-write-fetch-head",
            "--no-tags",
            "--no-recurse-submodules",
            if show { "--progress" } else { "--quiet" },
        ]);
        with_ssh(git, transport).showing_progress(show)
    }

    /// Sends `push.new` if the remote is still where `push.lease` says; what goes along goes with it or not
    /// at all, so that nothing is packed for a push that comes too late.
    pub fn push(&self, transport: &Transport, push: &Push<'_>) -> Result<Pushed> {
        if let Some(why) = transport.blocked() {
            return Ok(Pushed::Unreachable(why.clone()));
        }
        let Upstream { remote, branch, .. } = push.upstream;
        let lease = push.lease.map_or("", Oid::as_str);
        let git = self
            .git("push")
            .args(["--porcelain", "--no-follow-tags"])
            .arg(format!("--force-with-lease={branch}:{lease}"));
        let mut git = with_ssh(git, transport);
        let notes = self.notes_of_hook(PRE_PUSH, &push.notes);
        if let Some(notes) = notes {
            git = git.env(NOTES, notes);
        }
        let refspec = format!("{}:{branch}", push.new);
        let beside = push.beside.map(Beside::refspec);
        let ended = git
            .args(beside.as_ref().map(|_| "--atomic"))
            .args([remote.as_str(), refspec.as_str()])
            .args(beside.as_ref())
            .answer()?;
        if ended.success() {
            return Ok(Pushed::Done);
        }
        let said = ended.complaint();
        let printed = String::from_utf8_lossy(&ended.stdout).into_owned();
        if let Some(reason) = rejection(&printed, branch) {
            return Ok(match reason {
                Rejection::Race => lock_there(&said).map_or(Pushed::Lost, Pushed::Locked),
                Rejection::Remote(why) => Pushed::Refused(refused(remote, &why, &said)),
            });
        }
        // It takes the branch alone.
        if beside.is_some() && said.contains("does not support") && said.contains("--atomic") {
            return Ok(Pushed::Refused(refused(remote, "it is not atomic", &said)));
        }
        if is_local(&said) {
            return Err(super::command::complaint("push", &ended));
        }
        if !self.has_hook(PRE_PUSH) {
            return Ok(Pushed::Unreachable(unreachable(&ended)));
        }
        if !ended.timed_out {
            if mentions_remote(&said) {
                return Ok(Pushed::Unreachable(unreachable(&ended)));
            }
            let error = Error::blocked("the pre-push hook refused the push").because(said);
            return Ok(Pushed::Refused(error.hint(
                "the commits are kept here; the next 'git sync' sends them",
            )));
        }
        let mut reason = unreachable(&ended);
        match notes {
            Some(notes) if hook_runs(notes, PRE_PUSH)? => {
                return Ok(Pushed::Refused(hook_hangs(PRE_PUSH).hint(
                    "the commits are kept here; the next 'git sync' tries again",
                )));
            }
            Some(_) => {}
            None => {
                let both = "no answer in time from the remote or the pre-push hook";
                both.clone_into(&mut reason.why);
            }
        }
        Ok(Pushed::Unreachable(reason))
    }

    /// Sends a ref of this machine alone; `false` where the remote does not take it. The user's hook is
    /// about branches, and is not asked.
    pub fn push_beside(
        &self,
        transport: &Transport,
        remote: &str,
        beside: &Beside,
    ) -> Result<bool> {
        let git = self
            .git("push")
            .args(["--porcelain", "--no-follow-tags", "--no-verify", remote])
            .arg(beside.refspec());
        Ok(with_ssh(git, transport).answer()?.success())
    }

    /// Brings the refs below `prefix` here, under the same names, and removes those that are gone there.
    pub fn fetch_below(
        &self,
        transport: &Transport,
        remote: &str,
        prefix: &str,
    ) -> Result<Option<Unreachable>> {
        let git = self
            .fetching(transport, false)
            .args(["--prune", "--refmap=", remote])
            .arg(format!("+{prefix}*:{prefix}*"));
        let ended = git.answer()?;
        Ok((!ended.success()).then(|| unreachable(&ended)))
    }

    /// Removes a ref at the remote; `false` where the remote does not do that.
    pub fn remove_there(&self, transport: &Transport, remote: &str, name: &str) -> Result<bool> {
        let git = self
            .git("push")
            .args(["--porcelain", "--no-follow-tags", "--no-verify", remote])
            .arg(format!(":{name}"));
        Ok(with_ssh(git, transport).answer()?.success())
    }

    /// The branches of the remote, and the one that its HEAD names.
    pub fn remote_heads(&self, transport: &Transport, remote: &str) -> Result<Option<Heads>> {
        Ok(self.ask_heads(transport, OsStr::new(remote))?.ok())
    }

    /// The same for a remote that may be an address, and why it could not be asked.
    pub fn ask_heads(
        &self,
        transport: &Transport,
        remote: &OsStr,
    ) -> Result<Result<Heads, Unreachable>> {
        let git = self
            .git("ls-remote")
            .args(["--symref", "--"])
            .arg(remote)
            .args(["HEAD", "refs/heads/*"]);
        let ended = with_ssh(git, transport).answer()?;
        Ok(if ended.success() {
            Ok(parse_heads(&String::from_utf8_lossy(&ended.stdout)))
        } else {
            Err(unreachable(&ended))
        })
    }
}

fn with_ssh<'repo>(git: Git<'repo>, transport: &Transport) -> Git<'repo> {
    match transport.env() {
        Some((name, value)) => git.env(name, value),
        None => git,
    }
}

fn parse_heads(text: &str) -> (Vec<String>, Option<String>) {
    let mut heads = Vec::new();
    let mut default = None;
    for line in text.lines() {
        let Some((left, right)) = line.split_once('\t') else {
            continue;
        };
        match left.strip_prefix("ref: ") {
            Some(target) if right == "HEAD" => default = Some(target.to_owned()),
            _ if right.starts_with("refs/heads/") => heads.push(right.to_owned()),
            _ => {}
        }
    }
    (heads, default)
}

enum Rejection {
    Race,
    Remote(String),
}

/// The line of a ref among what `push --porcelain` printed: its flag, and the summary.
/// `<flag><tab>from:to<tab>summary`, git-push(1) "OUTPUT".
fn line_of<'t>(printed: &'t str, name: &str) -> Option<(&'t str, &'t str)> {
    printed.lines().find_map(|line| {
        let mut parts = line.splitn(3, '\t');
        let (flag, refs, summary) = (parts.next()?, parts.next()?, parts.next()?);
        refs.ends_with(&format!(":{name}"))
            .then_some((flag, summary))
    })
}

/// `!<tab>from:to<tab>[rejected] (stale info)`
fn rejection(printed: &str, branch: &str) -> Option<Rejection> {
    let (_, summary) = line_of(printed, branch).filter(|(flag, _)| *flag == "!")?;
    let reason = summary
        .split_once('(')
        .map_or(summary, |(_, rest)| rest.trim_end_matches(')'));
    let lost = [
        "stale info",
        "fetch first",
        "non-fast-forward",
        "needs force",
        "cannot lock ref",
    ];
    let lost_there = [
        "failed to update ref",
        "incorrect old value provided",
        "reference already exists",
    ];
    if lost
        .iter()
        .chain(&lost_there)
        .any(|words| reason.contains(words))
    {
        return Some(Rejection::Race);
    }
    Some(Rejection::Remote(reason.to_owned()))
}

/// The lock that a remote names, which is in the way of the branch there.
fn lock_there(said: &str) -> Option<String> {
    said.lines().find_map(|line| {
        let (_, rest) = line.split_once("Unable to create '")?;
        let (lock, why) = rest.split_once('\'')?;
        why.contains("File exists").then(|| lock.to_owned())
    })
}

fn refused(remote: &str, reason: &str, said: &str) -> Error {
    let words: Vec<_> = said
        .lines()
        .filter_map(|line| line.strip_prefix("remote: "))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let error = Error::blocked(format!("{remote} refused the push: {reason}"));
    let error = if words.is_empty() {
        error
    } else {
        error.because(words.join("\n"))
    };
    error.hint("the commits are kept here; the next 'git sync' tries again")
}

fn mentions_remote(said: &str) -> bool {
    [
        "Could not read from remote",
        "unable to access",
        "Connection",
        "Could not resolve",
        "hung up unexpectedly",
        "unexpected disconnect",
        "remote:",
    ]
    .iter()
    .any(|words| said.contains(words))
}

/// Is it this machine that failed, and not the way to the other?
pub(super) fn is_local(said: &str) -> bool {
    let ours = [
        "unable to write",
        "cannot lock ref",
        "unable to create '",
        "insufficient permission",
    ];
    !said.contains("remote: ")
        && (ours.iter().any(|words| said.contains(words))
            || said.contains("No space left on device")
            || said.contains("Read-only file system"))
}

/// Why a git that talks to a remote did not get through.
pub(super) fn unreachable(ended: &Ended) -> Unreachable {
    if ended.timed_out {
        return Unreachable {
            why: "no answer in time".to_owned(),
            login: false,
        };
    }
    let said = ended.complaint();
    let login = [
        "Permission denied (",
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "terminal prompts disabled",
        "Host key verification failed",
        "Invalid username or",
    ]
    .iter()
    .any(|words| said.contains(words));
    // The first line that is not a fatal afterthought says it best.
    let why = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("Warning: "))
        .find(|line| !line.starts_with("fatal: Could not read from remote"))
        .unwrap_or("no answer");
    let why = why
        .trim_start_matches("fatal: ")
        .trim_start_matches("ssh: ");
    Unreachable {
        why: why.to_owned(),
        login,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{damaged_text, text};
    use proptest::prelude::*;

    #[test]
    fn a_lost_race_is_told_from_a_refusal() {
        let of = |summary: &str| match rejection(
            &format!("To x\n!\ta:c\tno\n!\ta:b\t{summary}\nDone\n"),
            "b",
        ) {
            Some(Rejection::Race) => "race".to_owned(),
            Some(Rejection::Remote(why)) => why,
            None => "none".to_owned(),
        };
        assert_eq!(of("[rejected] (stale info)"), "race");
        assert_eq!(of("[rejected] (fetch first)"), "race");
        assert_eq!(of("[remote rejected] (failed to update ref)"), "race");
        assert_eq!(
            of("[remote rejected] (pre-receive hook declined)"),
            "pre-receive hook declined"
        );
        let mixed = "To x\n!\ta:c\t[remote rejected] (no)\n \ta:b\tdone\nDone\n";
        assert!(rejection(mixed, "b").is_none());
    }

    #[test]
    fn heads_are_read_with_the_default() {
        let text = "ref: refs/heads/trunk\tHEAD\n1\tHEAD\n1\trefs/heads/trunk\n2\trefs/heads/x\n";
        let (heads, default) = parse_heads(text);
        assert_eq!(heads, ["refs/heads/trunk", "refs/heads/x"]);
        assert_eq!(default.as_deref(), Some("refs/heads/trunk"));
    }

    const PRINTED: &str = "To x\n!\ta:b\t[remote rejected] (no)\n \ta:c\tdone\nDone\n";
    const HEADS: &str =
        "ref: refs/heads/trunk\tHEAD\n1\tHEAD\n1\trefs/heads/trunk\n2\trefs/heads/x\n";
    const SAID: &str = "remote: error: cannot lock ref\nUnable to create '/r/refs/heads/main.lock': File exists.\n\
                        fatal: Could not read from remote repository.\nssh: connect to host x: Connection refused\n";

    proptest! {
        #[test]
        fn words_of_anything_are_understood_or_not(
            text in text(), printed in damaged_text(PRINTED), heads in damaged_text(HEADS), said in damaged_text(SAID),
        ) {
            for text in [text, printed, heads, said] {
                rejection(&text, "b");
                line_of(&text, &text);
                let (heads, _) = parse_heads(&text);
                prop_assert!(heads.iter().all(|head| head.starts_with("refs/heads/")));
                lock_there(&text);
                is_local(&text);
                mentions_remote(&text);
                prop_assert!(refused("origin", &text, &text).to_string().starts_with("origin refused"));
            }
        }
    }
}
