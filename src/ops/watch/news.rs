//! What a watch has to say, each thing once.

use crate::model::pace::{End, Tempo};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// What a sync says of itself: as much of what `--json` prints as a watch needs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Report {
    exit: u8,
    state: String,
    upstream: Option<String>,
    unreachable: Option<String>,
    steps: Vec<RawStep>,
    settled: Vec<Value>,
    marks: Vec<RawMark>,
    conflicts: Vec<RawPath>,
    skipped: Vec<RawPath>,
    counts: RawCounts,
    error: Option<Failure>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct RawStep {
    name: String,
    result: String,
    count: usize,
    from: Vec<String>,
    files: Vec<RawPath>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct RawPath {
    path: Value,
    why: Value,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct RawMark {
    path: Value,
    action: String,
    left: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct RawCounts {
    ahead: usize,
}

/// Why a sync failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Failure {
    /// What failed.
    pub message: String,
    /// Why, the outermost first.
    pub causes: Vec<String>,
    /// What to do next.
    pub hints: Vec<String>,
}

/// One thing that a sync did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Did {
    /// `commit`, `pull`, `push`, `settle` or `mend`.
    pub verb: String,
    /// How many commits, or files; files alone may come without a commit.
    pub count: usize,
    /// The files that it was about, where it names any.
    pub files: Vec<String>,
    /// The machines that it came from, or the upstream that it went to.
    pub whom: Vec<String>,
}

/// Something to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The watch begins.
    Begins {
        /// The work tree.
        top: PathBuf,
        /// How many folders it watches.
        folders: usize,
        /// How fast it is.
        tempo: Tempo,
    },
    /// A sync has ended; the line that it printed, for programs.
    Ran(String),
    /// A sync changed something, and where it sends to.
    Synced(Vec<Did>),
    /// A sync had nothing to do.
    Nothing,
    /// There was no reason for a sync.
    Looked,
    /// These paths wait for a decision; some of them did not before.
    Held(Vec<String>),
    /// These cannot be synced, with the reasons; some of them were not told before.
    Skipped(Vec<(String, String)>),
    /// The remote is not reached any more.
    Absent {
        /// Its name.
        remote: String,
        /// Was it that it let nobody in, so that waiting does not help?
        login: bool,
        /// Why.
        why: String,
        /// How many commits wait to be sent.
        waiting: usize,
    },
    /// It is again.
    Back(String),
    /// A sync failed, in another way than the last one.
    Failed(Failure),
    /// Something keeps a sync from beginning.
    Kept(Failure),
    /// Nothing does any more.
    GoesOn,
    /// Not all changes are told: they are looked for, this often.
    Polls(Failure, Duration),
    /// All changes are told again.
    Told,
    /// Changes were lost; everything is looked at.
    Lost,
}

/// The exit codes of a sync that mean more to a watch than that it failed.
const BUSY: u8 = 4;
const FATAL: u8 = 128;

/// What was said by now.
#[derive(Debug, Default)]
pub(super) struct Told {
    held: BTreeSet<String>,
    skipped: BTreeSet<(String, String)>,
    is_absent: bool,
    failure: Option<Failure>,
    kept: Option<Failure>,
    polls: bool,
    lost: bool,
}

/// A sync of somebody else is worth a word when it has taken so many looks.
const LONG: u32 = 4;

impl Told {
    /// What is to be said of a sync that has ended.
    pub(super) fn ran(&mut self, report: &Report) -> Vec<News> {
        let mut news = Vec::new();
        if let Some(failure) = &report.error {
            if self.failure.replace(failure.clone()).as_ref() != Some(failure) {
                news.push(News::Failed(failure.clone()));
            }
            return news;
        }
        self.failure = None;
        let remote = report.remote();
        match (&report.unreachable, self.is_absent) {
            (Some(why), false) => news.push(News::Absent {
                remote,
                login: report.state == "error",
                why: why.clone(),
                waiting: report.counts.ahead,
            }),
            (None, true) => news.push(News::Back(remote)),
            _ => {}
        }
        self.is_absent = report.unreachable.is_some();
        let did = report.did();
        if !did.is_empty() {
            news.push(News::Synced(did));
        }
        let held: BTreeSet<_> = report
            .conflicts
            .iter()
            .map(|held| shown(&held.path))
            .collect();
        if !held.is_subset(&self.held) {
            news.push(News::Held(held.iter().cloned().collect()));
        }
        self.held = held;
        let skipped = report.skipped();
        if !skipped.is_subset(&self.skipped) {
            news.push(News::Skipped(skipped.iter().cloned().collect()));
        }
        self.skipped = skipped;
        if news.is_empty() {
            news.push(News::Nothing);
        }
        news
    }

    /// The same where something keeps a sync from beginning, for the `times`-th look by now; `is_busy` says
    /// that it is another sync.
    pub(super) fn kept(&mut self, why: Failure, is_busy: bool, times: u32) -> Option<News> {
        if self.kept.as_ref() == Some(&why) || (is_busy && times < LONG) {
            return None;
        }
        self.kept = Some(why.clone());
        Some(News::Kept(why))
    }

    /// The same where changes were lost, which is not told again before a look.
    pub(super) fn lost(&mut self) -> Option<News> {
        (!std::mem::replace(&mut self.lost, true)).then_some(News::Lost)
    }

    /// The same where everything was looked at, and nothing keeps a sync from beginning.
    pub(super) fn goes_on(&mut self) -> Option<News> {
        self.lost = false;
        self.kept.take().map(|_| News::GoesOn)
    }

    /// The same of whether all changes are told, and if not, why and how often is looked.
    pub(super) fn polls(&mut self, why: Option<Failure>, every: Duration) -> Option<News> {
        let did = std::mem::replace(&mut self.polls, why.is_some());
        match (did, why) {
            (false, Some(why)) => Some(News::Polls(why, every)),
            (true, None) => Some(News::Told),
            _ => None,
        }
    }
}

impl Report {
    /// What a sync printed; `None` where that is no report.
    pub(super) fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// Of a sync that could not say anything of itself.
    pub(super) fn silent(how: &str, complaint: &str) -> Self {
        let causes = (!complaint.is_empty()).then(|| complaint.to_owned());
        Self::failed(Failure {
            message: format!("a sync was broken off ({how})"),
            causes: causes.into_iter().collect(),
            hints: vec!["nothing is lost; the next one cleans up".to_owned()],
        })
    }

    /// Of a sync that could not even be started.
    pub(super) fn failed(failure: Failure) -> Self {
        Self {
            exit: 1,
            error: Some(failure),
            ..Self::default()
        }
    }

    /// Did another one hold the lock?
    pub(super) fn is_busy(&self) -> bool {
        self.exit == BUSY
    }

    /// Was there nothing to work on?
    pub(super) fn is_fatal(&self) -> bool {
        self.exit == FATAL
    }

    /// Why it failed.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.error.as_ref()
    }

    /// How it ended.
    pub(super) fn end(&self) -> End {
        match (&self.error, &self.unreachable) {
            (Some(_), _) => End::InVain { waiting: true },
            (None, Some(_)) => End::InVain {
                waiting: self.counts.ahead > 0,
            },
            (None, None) => End::Done,
        }
    }

    fn remote(&self) -> String {
        let upstream = self.upstream.as_deref().unwrap_or_default();
        upstream.split('/').next().unwrap_or_default().to_owned()
    }

    fn did(&self) -> Vec<Did> {
        let mended = self.marks.iter().filter(|mark| mark.left.is_none());
        let mended: Vec<_> = mended
            .filter(|mark| mark.action != "none")
            .map(|mark| shown(&mark.path))
            .collect();
        let mut did = Vec::new();
        let mut add = |verb: &str, count: usize, files: Vec<String>, whom: Vec<String>| {
            if count > 0 || !files.is_empty() {
                let verb = verb.to_owned();
                did.push(Did {
                    verb,
                    count,
                    files,
                    whom,
                });
            }
        };
        add("mend", mended.len(), mended, Vec::new());
        for step in self.steps.iter().filter(|step| step.result == "done") {
            let files: Vec<_> = step.files.iter().map(|file| shown(&file.path)).collect();
            let whom = match &*step.name {
                "push" => self.upstream.iter().cloned().collect(),
                _ => step.from.clone(),
            };
            add(&step.name, step.count, files, whom);
        }
        let settled: Vec<_> = self.settled.iter().map(|one| shown(&one["path"])).collect();
        add("settle", settled.len(), settled, Vec::new());
        did
    }

    fn skipped(&self) -> BTreeSet<(String, String)> {
        let paths = self.skipped.iter();
        let skipped = paths.map(|skipped| (shown(&skipped.path), shown(&skipped.why)));
        let left = self.marks.iter().filter_map(|mark| {
            let why = mark.left.clone()?;
            Some((shown(&mark.path), why))
        });
        skipped.chain(left).collect()
    }
}

/// A path as it is in JSON: what is no text is an object.
fn shown(path: &Value) -> String {
    match path {
        Value::String(text) => text.clone(),
        other => other["hex"].as_str().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged};
    use proptest::prelude::*;
    use serde_json::json;

    fn report(value: Value) -> Report {
        serde_json::from_value(value).expect("a report")
    }

    fn held(paths: &[&str]) -> Report {
        let conflicts: Vec<_> = paths
            .iter()
            .map(|path| json!({ "path": path, "why": "x" }))
            .collect();
        report(json!({ "upstream": "origin/main", "conflicts": conflicts, "exit": 1 }))
    }

    #[test]
    fn a_held_path_is_told_once_and_again_when_another_comes() {
        let mut told = Told::default();
        let news =
            |paths: &[&str]| News::Held(paths.iter().map(|path| (*path).to_owned()).collect());
        assert_eq!(told.ran(&held(&["a"])), [news(&["a"])]);
        assert_eq!(told.ran(&held(&["a"])), [News::Nothing]);
        assert_eq!(told.ran(&held(&["a", "b"])), [news(&["a", "b"])]);
        assert_eq!(told.ran(&held(&["b"])), [News::Nothing]);
        assert_eq!(told.ran(&held(&["a", "b"])), [news(&["a", "b"])]);
    }

    #[test]
    fn a_remote_that_is_away_is_told_once_and_when_it_is_back() {
        let mut told = Told::default();
        let away = |why: &str| {
            report(json!({
                "upstream": "origin/main", "unreachable": why, "counts": { "ahead": 2 }, "exit": 3
            }))
        };
        let first = told.ran(&away("no route"));
        assert!(matches!(&*first, [News::Absent { remote, waiting: 2, .. }] if remote == "origin"));
        assert_eq!(told.ran(&away("no name")), [News::Nothing]);
        assert_eq!(told.ran(&held(&[])), [News::Back("origin".to_owned())]);
        assert_eq!(told.ran(&held(&[])), [News::Nothing]);
        assert_eq!(away("x").end(), End::InVain { waiting: true });
    }

    #[test]
    fn a_failure_is_told_once() {
        let mut told = Told::default();
        let failed = |message: &str| report(json!({ "exit": 1, "error": { "message": message } }));
        assert!(matches!(&*told.ran(&failed("x")), [News::Failed(_)]));
        assert_eq!(told.ran(&failed("x")), []);
        assert!(matches!(&*told.ran(&failed("y")), [News::Failed(_)]));
        assert_eq!(told.ran(&held(&[])), [News::Nothing]);
        assert!(matches!(&*told.ran(&failed("y")), [News::Failed(_)]));
    }

    #[test]
    fn what_was_done_is_told_with_names() {
        let all = report(json!({
            "upstream": "origin/main",
            "error": null,
            "steps": [
                { "name": "commit", "result": "done", "count": 1, "files": [{ "path": "a", "change": "M" }] },
                { "name": "pull", "result": "done", "count": 2, "from": ["ana@x"], "files": [] },
                { "name": "push", "result": "waits", "count": 1 }
            ],
            "marks": [{ "path": "~/b", "action": "relink", "left": null }],
        }));
        let did = Told::default().ran(&all);
        let [News::Synced(did)] = &*did else {
            panic!("{did:?}");
        };
        let verbs: Vec<_> = did.iter().map(|did| (&*did.verb, did.count)).collect();
        assert_eq!(verbs, [("mend", 1), ("commit", 1), ("pull", 2)]);
        assert_eq!(did[2].whom, ["ana@x"]);
    }

    #[test]
    fn what_keeps_a_sync_from_beginning_is_told_once() {
        let mut told = Told::default();
        let why = |text: &str| Failure {
            message: text.to_owned(),
            ..Failure::default()
        };
        assert_eq!(told.kept(why("busy"), true, 1), None);
        assert_eq!(told.goes_on(), None, "a short wait is not told");
        assert!(told.kept(why("busy"), true, LONG).is_some());
        assert_eq!(told.goes_on(), Some(News::GoesOn));
        assert!(told.kept(why("a merge"), false, 1).is_some());
        assert_eq!(told.kept(why("a merge"), false, 2), None);
        assert!(told.kept(why("a rebase"), false, 3).is_some());
    }

    const REPORT: &str = r#"{"schema":1,"upstream":"origin/main","conflicts":[{"path":"a","why":"x"}],"exit":1,"pulled":2,"pushed":1,"error":{"message":"m","causes":["c"],"hints":["h"]}}"#;

    proptest! {
        #[test]
        fn a_report_of_anything_is_read_or_is_none(text in bytes(), other in damaged(REPORT)) {
            for text in [text, other] {
                Report::read(&text);
            }
        }
    }
}
