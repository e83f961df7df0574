//! The status for scripts: version 1 of a format that only ever grows.

use crate::model::entry::Entry;
use crate::model::path::{RepoPath, quote};
use crate::ops::status::{Changes, Outcome};

/// Headers `# key value`, then `c XY path` for changes, `m LINK path` for marked paths and `h BASE
/// OURS THEIRS path` for held paths, the three versions as object names; records
/// end in NUL and paths are not quoted where `nul` is set.
pub fn status(outcome: &Outcome, nul: bool) -> Vec<u8> {
    let mut out = Records {
        bytes: Vec::new(),
        nul,
    };
    let branch = outcome
        .branch
        .as_ref()
        .map_or("(detached)", |branch| branch.short());
    out.header("branch.head", branch);
    if let Some(upstream) = &outcome.upstream {
        out.header("branch.upstream", &upstream.short());
        let counts = &outcome.counts;
        out.header(
            "branch.ab",
            &format!("+{} -{}", counts.ahead, counts.behind),
        );
    }
    out.header("sync.state", outcome.state.word());
    let last = outcome
        .last_sync
        .as_deref()
        .and_then(|t| t.parse::<jiff::Timestamp>().ok());
    if let Some(last) = last {
        out.header("sync.last", &last.as_second().to_string());
    }
    for (code, path) in codes(&outcome.changes) {
        out.path(&format!("c {code}"), path);
    }
    for standing in &outcome.marked {
        let word = standing.link.word();
        out.spelled(&format!("m {word}"), &standing.mark.spelled());
    }
    for held in &outcome.held {
        let oid = |entry: &Option<Entry>| {
            entry
                .as_ref()
                .map_or("-", |entry| entry.oid.as_str())
                .to_owned()
        };
        let (base, ours, theirs) = (oid(&held.base), oid(&held.ours), oid(&held.theirs));
        out.path(&format!("h {base} {ours} {theirs}"), &held.path);
    }
    out.bytes
}

/// Every change with its two letters.
pub(super) fn codes(changes: &Changes) -> impl Iterator<Item = (&'static str, &RepoPath)> {
    let kinds = [
        ("S.", &changes.staged),
        (".M", &changes.unstaged),
        ("??", &changes.untracked),
        ("UU", &changes.conflicted),
    ];
    kinds
        .into_iter()
        .flat_map(|(code, paths)| paths.iter().map(move |path| (code, path)))
        .chain(changes.skipped.iter().map(|skipped| ("!!", &skipped.path)))
}

struct Records {
    bytes: Vec<u8>,
    nul: bool,
}

impl Records {
    fn header(&mut self, key: &str, value: &str) {
        self.bytes
            .extend_from_slice(format!("# {key} {value}").as_bytes());
        self.end();
    }

    fn path(&mut self, prefix: &str, path: &RepoPath) {
        self.spelled(prefix, path.as_bytes());
    }

    fn spelled(&mut self, prefix: &str, name: &[u8]) {
        self.bytes.extend_from_slice(prefix.as_bytes());
        self.bytes.push(b' ');
        if self.nul {
            self.bytes.extend_from_slice(name);
        } else {
            self.bytes.extend_from_slice(quote(name).as_bytes());
        }
        self.end();
    }

    fn end(&mut self) {
        self.bytes.push(if self.nul { 0 } else { b'\n' });
    }
}
