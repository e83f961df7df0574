//! Paths as they are typed, as paths inside the repository.

use super::global::Global;
use super::locate;
use crate::error::{Error, Kind, Result};
use crate::git::Repo;
use crate::model::path::RepoPath;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

/// Every one of `typed`, relative to where the command was typed, inside `repo`. The top itself means
/// everything, as does typing none.
pub(super) fn in_repository(
    repo: &Repo,
    global: &Global,
    typed: &[PathBuf],
) -> Result<Vec<RepoPath>> {
    let start = locate::start(&global.directory)?;
    // Typed elsewhere, the paths are those of the configs repository.
    let start = if resolved(&start).starts_with(resolved(repo.top())) {
        start
    } else {
        repo.top().to_owned()
    };
    let paths = typed.iter().map(|path| one(repo.top(), &start, path));
    let paths: Option<Vec<_>> = paths.collect::<Result<_>>()?;
    Ok(paths.unwrap_or_default())
}

/// `None` for the top.
fn one(top: &Path, start: &Path, typed: &Path) -> Result<Option<RepoPath>> {
    let absolute = without_dots(&start.join(typed));
    let inside = absolute.strip_prefix(top).map(Path::to_owned).or_else(|_| {
        if resolved(&absolute) == resolved(top) {
            return Ok(PathBuf::new());
        }
        // The file itself may be gone, or a link: only what is above it is followed.
        let parent = absolute.parent().unwrap_or(&absolute);
        let name = absolute.file_name().unwrap_or_default();
        resolved(parent)
            .join(name)
            .strip_prefix(resolved(top))
            .map(Path::to_owned)
    });
    match inside {
        Ok(inside) if inside == Path::new("") => Ok(None),
        Ok(inside) => Ok(Some(RepoPath::from_bytes(inside.as_os_str().as_bytes()))),
        Err(_) => Err(Error::new(
            Kind::Usage,
            format!(
                "'{}' is not a path inside '{}'",
                typed.display(),
                top.display()
            ),
        )),
    }
}

fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

pub(super) fn without_dots(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut clean, part| {
        match part {
            Component::ParentDir => drop(clean.pop()),
            Component::CurDir => {}
            part => clean.push(part),
        }
        clean
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_from_where_it_was_typed() {
        let of = |typed: &str| {
            one(Path::new("/r"), Path::new("/r/sub"), Path::new(typed))
                .map(|path| path.map_or_else(|| "the top".to_owned(), |path| path.to_string()))
        };
        assert_eq!(of("a").ok().as_deref(), Some("sub/a"));
        assert_eq!(of("../a/./b").ok().as_deref(), Some("a/b"));
        assert_eq!(of("/r/x").ok().as_deref(), Some("x"));
        assert_eq!(of("..").ok().as_deref(), Some("the top"));
        assert!(of("../..").is_err() && of("/elsewhere/x").is_err());
    }
}
