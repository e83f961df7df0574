//! Are the marked files linked, and may git's files be written?

use super::Finding;
use crate::error::Result;
use crate::ops::Context;
use crate::ops::marks::list::{self, Link};
use crate::store::keys::{self, KeyFile};
use crate::sys::fs;
use std::os::unix::fs::PermissionsExt as _;

pub(super) fn look_at_marks(ctx: &Context<'_>) -> Result<Vec<Finding>> {
    let all = list::list(ctx)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    if all.iter().any(|standing| standing.link == Link::Unknown) {
        let text = "HOME is not set, so they are left alone";
        let finding = Finding::warning("marks", text);
        return Ok(vec![finding.fix("set HOME where git sync is started")]);
    }
    for standing in &all {
        let what = match standing.link {
            Link::Ok | Link::LeftOut | Link::Changed | Link::Unknown => continue,
            Link::Missing => "nothing stands there",
            Link::Replaced => "its link was replaced by a file",
            Link::Elsewhere => "something else stands there",
            Link::Closed => "it is encrypted, and cannot be read here",
            Link::Skipped => "it differs from the copy in the repository",
        };
        findings.push(
            Finding::warning("marks", format!("{}: {what}", standing.mark))
                .fix("git sync mark --repair   looks at every mark"),
        );
    }
    if findings.is_empty() {
        let text = format!("{} marked, all as they should be", all.len());
        findings.push(Finding::good("marks", text));
    }
    Ok(findings)
}

/// A key file that cannot be used opens nothing, and no sync says why.
pub(super) fn look_at_key(ctx: &Context<'_>) -> Result<Vec<Finding>> {
    let file = KeyFile::of(&ctx.settings);
    let there = match file.path() {
        Some(path) => fs::look(path)?,
        None => None,
    };
    let Some(found) = there else {
        return Ok(Vec::new());
    };
    keys::read(ctx.repo, &ctx.settings)?;
    let path = file.path().map(|path| path.display().to_string());
    let path = path.unwrap_or_default();
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let text = format!("others can read the key file '{path}'");
        return Ok(vec![
            Finding::bad("key", text).fix(format!("chmod 600 '{path}'")),
        ]);
    }
    Ok(vec![Finding::good("key", format!("'{path}'"))])
}

/// A sync that somebody ran with sudo leaves files that nobody else can write.
pub(super) fn look_at_owner(ctx: &Context<'_>) -> Result<Vec<Finding>> {
    let git = ctx.repo.common_dir();
    let mut paths = vec![git.to_owned(), git.join("objects"), git.join("refs")];
    paths.push(ctx.repo.git_dir().join("index"));
    paths.push(ctx.layout.visible().to_owned());
    for folder in fs::names(&git.join("objects"))? {
        paths.push(git.join("objects").join(folder));
    }
    for path in paths {
        let Some(found) = fs::look(&path)? else {
            continue;
        };
        if !fs::is_own(&found) {
            let (name, top) = (path.display(), ctx.repo.top().display());
            return Ok(vec![
                Finding::bad("files", format!("'{name}' belongs to another user"))
                    .fix(format!("sudo chown -R \"$(id -un)\" '{top}'")),
            ]);
        }
        if found.is_dir() && !fs::may_change_names(&path) {
            let name = path.display();
            return Ok(vec![
                Finding::bad("files", format!("'{name}' cannot be written"))
                    .fix(format!("chmod u+rwx '{name}'")),
            ]);
        }
    }
    Ok(Vec::new())
}
