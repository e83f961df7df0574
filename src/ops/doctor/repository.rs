//! Would a sync begin, and did the last ones succeed?

use super::Finding;
use crate::error::Result;
use crate::model::run::RunResult;
use crate::ops::{Context, guard, resolve};
use crate::store::history;
use crate::sys::{clock, fs};

/// So many runs are looked through.
const LOOK_BACK: usize = 50;

/// A lock of git's that is so old was left by a process that died, seconds.
const OLD_LOCK: i64 = 10 * 60;

pub(super) fn look(ctx: &Context<'_>) -> Result<Vec<Finding>> {
    let repo = ctx.repo;
    let mut findings = Vec::new();
    let ready = guard::check(ctx)?;
    let top = repo.top().display();
    let branch = ready.branch.short();
    findings.push(match &ready.upstream {
        Some(upstream) => Finding::good(
            "repository",
            format!("'{top}', branch {branch}, synced with {}", upstream.short()),
        ),
        None => Finding::warning(
            "repository",
            format!("'{top}' has no remote: nothing is sent"),
        )
        .fix("git remote add origin URL && git sync --setup   adds one"),
    });
    if !repo.has_identity() {
        findings.push(
            Finding::warning(
                "identity",
                "git does not know who you are: commits have a made-up name",
            )
            .fix("git config --global user.name NAME")
            .fix("git config --global user.email ADDRESS"),
        );
    }
    for name in ["index.lock", "HEAD.lock"] {
        let lock = repo.git_dir().join(name);
        let age = fs::modified(&lock)?.map(|then| clock::epoch() - then);
        if age.is_some_and(|age| age > OLD_LOCK) {
            let lock = lock.display();
            findings.push(
                Finding::bad("lock", format!("'{lock}' is old: a git died and left it"))
                    .fix(format!("rm '{lock}'   if no git is running")),
            );
        }
    }
    Ok(findings)
}

/// The newest run, and those in the background: nobody has seen why they failed.
pub(super) fn look_at_runs(ctx: &Context<'_>) -> Result<Vec<Finding>> {
    let runs = history::newest(&ctx.layout, LOOK_BACK)?;
    let Some(newest) = runs.first() else {
        return Ok(vec![
            Finding::warning("history", "there was no sync yet").fix("git sync"),
        ]);
    };
    let failures = runs
        .iter()
        .take_while(|run| run.result.is_failure())
        .count();
    if failures == 0 {
        return Ok(vec![Finding::good(
            "history",
            format!("the last run left it {}", newest.state),
        )]);
    }
    let why = newest.error.as_deref().unwrap_or("nobody knows why");
    let text = format!(
        "{failures} of the last {} syncs failed in a row: {why}",
        runs.len()
    );
    let finding = Finding::bad("history", text);
    Ok(vec![match newest.result {
        RunResult::LoginRefused => finding.fix("git fetch   asks for what the login needs"),
        _ => finding.fix("git sync -v   shows where it fails"),
    }])
}

pub(super) fn look_at_held(ctx: &Context<'_>) -> Result<Vec<Finding>> {
    let held = resolve::list_of_branch(ctx)?;
    let Some(first) = held.iter().next() else {
        return Ok(Vec::new());
    };
    let text = match held.len() {
        1 => format!("1 path waits for a decision: {}", first.path),
        number => format!("{number} paths wait for a decision: {}, ...", first.path),
    };
    Ok(vec![
        Finding::warning("held", text).fix("git sync --resolve"),
    ])
}
