//! Does `<TAB>` know what `git sync` takes, in the shells that are here?

use super::Finding;
use crate::model::companion::Companion;
use crate::ops::companions;
use crate::sys::{env, fs, host};
use std::path::Path;

/// What each shell needs.
const SHELLS: [(&str, Companion); 3] = [
    ("bash", Companion::Bash),
    ("zsh", Companion::Zsh),
    ("fish", Companion::Fish),
];

pub(super) fn look() -> Vec<Finding> {
    let (mut good, mut old, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    let mut fpath = None;
    for (shell, companion) in SHELLS {
        if host::find_program(shell).is_none() {
            continue;
        }
        match companions::found(companion) {
            None => missing.push(shell),
            Some(path) if companions::is_outdated(companion, &path) => old.push(shell),
            Some(path) => {
                good.push(shell);
                if companion == Companion::Zsh {
                    fpath = path.parent().and_then(line_for_zsh);
                }
            }
        }
    }
    let mut findings = Vec::new();
    if !missing.is_empty() {
        let text = format!(
            "<TAB> knows nothing of 'git sync' in {}",
            missing.join(", ")
        );
        findings.push(
            Finding::warning("completion", text)
                .fix("git sync --setup   puts it where these shells find it"),
        );
    }
    if !old.is_empty() {
        let text = format!("of another version in {}", old.join(", "));
        findings.push(
            Finding::warning("completion", text).fix("git sync --setup   brings it up to date"),
        );
    }
    if !good.is_empty() {
        let mut finding = Finding::good("completion", good.join(", "));
        finding.fixes.extend(fpath);
        findings.push(finding);
    }
    findings
}

/// What zsh has to be told of a folder of the user's own, unless `.zshrc` mentions it.
fn line_for_zsh(folder: &Path) -> Option<String> {
    let own = env::data_home().is_some_and(|data| folder.starts_with(data));
    let dir = env::get(env::ZDOTDIR).map(Into::into).or_else(env::home)?;
    let rc = fs::read(&dir.join(".zshrc")).ok().flatten();
    let rc = rc.unwrap_or_default();
    let is_told = String::from_utf8_lossy(&rc).contains("site-functions");
    let folder = folder.display();
    (own && !is_told).then(|| format!("zsh finds it if fpath has '{folder}' before compinit"))
}
