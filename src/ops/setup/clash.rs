//! Other programs that answer to our name. One of them (git-extras has it) resets the work tree and
//! deletes what is not tracked, so it must not be run by mistake.

use super::{Item, Items, Mark};
use crate::error::Result;
use crate::git::command::outside;
use crate::git::config_file;
use crate::sys::{env, fs};
use std::io::Read as _;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// What git looks for when `git sync` is typed.
const NAME: &str = "git-sync";

/// So much of a script is read.
const READ_AT_MOST: u64 = 64 * 1024;

/// What another program of our name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// A script that deletes files, as the one of git-extras does.
    Deletes,
    /// A script.
    Script,
    /// Something else.
    Program,
}

/// The programs and aliases that clash with this one.
pub(in crate::ops) fn find(here: &Path) -> Result<Items> {
    let mut items = Items::new();
    if let Ok(ours) = env::current_exe().and_then(|path| path.canonicalize()) {
        programs(here, &ours, &mut items)?;
    }
    if let Some(alias) = config_file::setting(here, "alias.sync")? {
        items.push((Mark::Look, Item::Alias(alias)));
    }
    Ok(items)
}

fn programs(here: &Path, ours: &Path, items: &mut Items) -> Result<()> {
    let mut seen = Vec::new();
    let mut ours_found = false;
    for folder in folders(here)? {
        let path = here.join(folder).join(NAME);
        let Ok(real) = path.canonicalize() else {
            continue;
        };
        if seen.contains(&real) || !is_executable(&real) {
            continue;
        }
        if is_same_program(&real, ours) {
            ours_found = true;
        } else {
            let what = recognise(&real);
            let first = !ours_found;
            items.push((Mark::Look, Item::Clash { path, what, first }));
        }
        seen.push(real);
    }
    if let Some(folder) = ours.parent().filter(|_| !ours_found) {
        items.push((Mark::Look, Item::OffPath(folder.to_owned())));
    }
    Ok(())
}

/// Git looks in its own folder first, then in those of `PATH`.
fn folders(here: &Path) -> Result<Vec<PathBuf>> {
    let asked = outside(here, "--exec-path").run()?;
    let found = asked.success();
    let mut own = asked.stdout;
    while own.last() == Some(&b'\n') {
        own.pop();
    }
    let own = PathBuf::from(std::ffi::OsString::from_vec(own));
    let first = Some(own).filter(|own| found && own.is_absolute());
    Ok(first.into_iter().chain(env::search_path()).collect())
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The same file, or a copy of it.
fn is_same_program(a: &Path, b: &Path) -> bool {
    let (Ok(found), Ok(ours)) = (a.metadata(), b.metadata()) else {
        return false;
    };
    if (found.dev(), found.ino()) == (ours.dev(), ours.ino()) {
        return true;
    }
    found.len() == ours.len() && matches!((fs::read(a), fs::read(b)), (Ok(a), Ok(b)) if a == b)
}

fn recognise(path: &Path) -> Foreign {
    let mut start = Vec::new();
    if let Ok(file) = std::fs::File::open(path) {
        // What cannot be read is some program.
        drop(file.take(READ_AT_MOST).read_to_end(&mut start));
    }
    kind(&start)
}

fn kind(start: &[u8]) -> Foreign {
    if !start.starts_with(b"#!") {
        return Foreign::Program;
    }
    let text = String::from_utf8_lossy(start);
    let deletes = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .any(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            words
                .windows(2)
                .any(|pair| matches!(pair, ["git", "clean"] | ["reset", "--hard"]))
        });
    if deletes {
        Foreign::Deletes
    } else {
        Foreign::Script
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_deletes_is_recognised() {
        let extras = "#!/usr/bin/env bash\n  git fetch \"$r\"\n  git reset --hard \"$b\"\n  git clean -d -f -x\n";
        assert_eq!(kind(extras.as_bytes()), Foreign::Deletes);
        let clean = "#!/bin/sh\n\t\tgit  clean -fdx\n";
        assert_eq!(kind(clean.as_bytes()), Foreign::Deletes);
        let harmless = "#!/bin/sh\n# never git clean here\ngit pull\n";
        assert_eq!(kind(harmless.as_bytes()), Foreign::Script);
        assert_eq!(kind(b"\x7fELF git clean"), Foreign::Program);
        assert_eq!(kind(b""), Foreign::Program);
    }
}
