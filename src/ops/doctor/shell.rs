//! Do the hooks run that keep the state for prompts right?

use super::Finding;
use crate::error::Result;
use crate::git::config;
use crate::ops::Context;
use crate::ops::hooks::{self, Standing};

pub(super) fn look_at_hooks(ctx: &Context<'_>) -> Result<Vec<Finding>> {
    if ctx.repo.config_bool(config::HOOKS)? == Some(false) {
        return Ok(Vec::new());
    }
    let all = hooks::look(ctx.repo)?;
    let events = |is: fn(&Standing) -> bool| {
        let those = all.iter().filter(|hook| is(&hook.standing));
        those.map(|hook| hook.event).collect::<Vec<_>>().join(", ")
    };
    let missing = events(|standing| matches!(standing, Standing::Missing));
    let outdated = events(|standing| matches!(standing, Standing::Outdated));
    let blocked = events(|standing| matches!(standing, Standing::Blocked(_)));
    let mut findings = Vec::new();
    if !outdated.is_empty() {
        let text = format!("those of another git-sync are there: {outdated}");
        findings.push(Finding::bad("hooks", text).fix("git sync hooks install"));
    }
    if !missing.is_empty() {
        let text = format!("the prompt does not hear of all you do by hand: no {missing}");
        findings.push(
            Finding::warning("hooks", text)
                .fix("git sync hooks install   puts them beside yours")
                .fix("git config sync.hooks false   says that they are not wanted"),
        );
    }
    if !blocked.is_empty() {
        let text = format!("nothing can be put beside yours: {blocked}");
        findings.push(Finding::warning("hooks", text).fix("git sync hooks status   says why"));
    }
    if findings.is_empty() {
        findings.push(Finding::good("hooks", "they run, beside yours"));
    }
    Ok(findings)
}
