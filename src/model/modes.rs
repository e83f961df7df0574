//! What git cannot keep of the copies of marked files: who may read them, and folders with nothing in
//! them. A tracked list beside that of the marks.

use super::mark::{COPIES, Mark};
use super::path::{RepoPath, quote, unquote};
use std::collections::BTreeMap;

/// The list, tracked.
pub const MODES: &str = ".sync/modes";

/// What git gives a file, an executable one, and a folder, where the system allows it.
const PLAIN: u32 = 0o644;
const FULL: u32 = 0o755;

/// What is said of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Is it a folder?
    pub folder: bool,
    /// No more than this is allowed.
    pub mode: u32,
}

/// What [`MODES`] says: `0600 external/path` a line, folders with a slash behind, sorted, names quoted as
/// in the list of marks.
///
/// Two machines may say two things of a path, and the merge keeps both lines: what both allow is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Modes(BTreeMap<RepoPath, Rule>);

/// What git gives it: what is compared with what is there.
pub fn full(folder: bool, exec: bool) -> u32 {
    if folder || exec { FULL } else { PLAIN }
}

/// Can its owner read a file of this mode, or go into a folder? If not, nothing of it can be synced, and
/// it is in nobody's interest that it is so elsewhere.
pub fn is_usable(folder: bool, mode: u32) -> bool {
    let needed = needed(folder);
    mode & needed == needed
}

fn needed(folder: bool) -> u32 {
    if folder { 0o500 } else { 0o400 }
}

/// What is allowed of what git gives: git's word on who may execute stands.
pub fn allowed(rule: Option<Rule>, folder: bool, exec: bool) -> u32 {
    let full = full(folder, exec);
    let Some(rule) = rule.filter(|rule| rule.folder == folder) else {
        return full;
    };
    let executable = if exec && !folder {
        0o100 | ((rule.mode & 0o044) >> 2)
    } else {
        0
    };
    full & (rule.mode | executable)
}

impl Modes {
    /// Reads the list; lines that make no sense are passed over, and none keeps an owner from reading.
    pub fn parse(text: &[u8]) -> Self {
        let mut modes = Self::default();
        let text = String::from_utf8_lossy(text);
        for (path, rule) in text.lines().filter_map(line) {
            let known = modes.0.get(&path).map_or(0o777, |known| known.mode);
            let mode = rule.mode & known | needed(rule.folder);
            modes.0.insert(path, Rule { mode, ..rule });
        }
        modes
    }

    /// The text of the list.
    pub fn text(&self) -> String {
        let mut lines: Vec<_> = self
            .0
            .iter()
            .map(|(path, rule)| {
                let mut name = path.as_bytes().to_vec();
                if rule.folder {
                    name.push(b'/');
                }
                (quote(&name), rule.mode)
            })
            .collect();
        lines.sort();
        let lines = lines
            .iter()
            .map(|(name, mode)| format!("{mode:04o} {name}\n"));
        lines.collect()
    }

    /// What is said of a path in the repository.
    pub fn get(&self, path: &RepoPath) -> Option<Rule> {
        self.0.get(path).copied()
    }

    /// Says something of a path.
    pub fn set(&mut self, path: RepoPath, rule: Rule) {
        self.0.insert(path, rule);
    }

    /// Says nothing of a path any more; `false` where nothing was said.
    pub fn remove(&mut self, path: &RepoPath) -> bool {
        self.0.remove(path).is_some()
    }

    /// What is said of a path and of what is below it.
    pub fn below(&self, path: &RepoPath) -> Vec<(RepoPath, Rule)> {
        let own = self.0.get_key_value(path);
        let inside = self.0.range(path.inside()..);
        let inside = inside.take_while(|(other, _)| path.is_above(other));
        let all = own.into_iter().chain(inside);
        all.map(|(path, rule)| (path.clone(), *rule)).collect()
    }

    /// Is nothing said?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn line(line: &str) -> Option<(RepoPath, Rule)> {
    let (mode, name) = line.split_once(' ')?;
    let mode = u32::from_str_radix(mode, 8)
        .ok()
        .filter(|mode| *mode <= 0o777)?;
    let name = unquote(name)?;
    let (name, folder) = match name.strip_suffix(b"/") {
        Some(name) => (name, true),
        None => (&*name, false),
    };
    // The same names as those of marks, below the folder of the copies.
    let inside = name.strip_prefix(COPIES.as_bytes())?.strip_prefix(b"/")?;
    Mark::new(inside, folder)?;
    Some((RepoPath::from_bytes(name), Rule { folder, mode }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged};
    use proptest::prelude::*;

    #[test]
    fn the_list_is_read_as_it_is_written() {
        let mut modes = Modes::default();
        let path = |bytes: &[u8]| RepoPath::from_bytes([b"external/", bytes].concat());
        modes.set(
            path(b"b"),
            Rule {
                folder: true,
                mode: 0o700,
            },
        );
        modes.set(
            path(b"a\n\xff"),
            Rule {
                folder: false,
                mode: 0o600,
            },
        );
        assert_eq!(
            modes.text(),
            "0600 \"external/a\\n\\377\"\n0700 external/b/\n"
        );
        assert_eq!(Modes::parse(modes.text().as_bytes()), modes);
    }

    #[test]
    fn no_list_keeps_an_owner_from_reading() {
        let modes = Modes::parse(b"0000 external/a\n0000 external/d/\n0200 external/b\n");
        assert_eq!(
            modes.text(),
            "0400 external/a\n0600 external/b\n0500 external/d/\n"
        );
    }

    #[test]
    fn what_two_machines_say_is_what_both_allow() {
        let modes = Modes::parse(b"0640 external/a\n0604 external/a\n");
        assert_eq!(modes.text(), "0600 external/a\n");
    }

    #[test]
    fn what_is_executable_stays_so() {
        let rule = |mode| {
            Some(Rule {
                folder: false,
                mode,
            })
        };
        assert_eq!(allowed(rule(0o600), false, true), 0o700);
        assert_eq!(allowed(rule(0o640), false, true), 0o750);
        assert_eq!(allowed(rule(0o755), false, false), 0o644);
        assert_eq!(allowed(rule(0o600), true, true), 0o755);
        assert_eq!(allowed(None, false, false), 0o644);
    }

    #[test]
    fn lines_about_something_else_say_nothing() {
        let text = b"0600 zshrc\n0600 external/../x\n9999 external/a\nexternal/a\n0600 external/\n";
        assert!(Modes::parse(text).is_empty());
    }

    /// Whatever the list says: it is about copies alone, keeps no owner from reading, and writing it again
    /// changes nothing.
    fn is_harmless(text: &[u8]) -> Result<(), TestCaseError> {
        let modes = Modes::parse(text);
        for (path, rule) in &modes.0 {
            prop_assert!(path.as_bytes().starts_with(b"external/"));
            prop_assert!(is_usable(rule.folder, rule.mode) && rule.mode <= 0o777);
            let all = path.as_bytes().split(|byte| *byte == b'/');
            prop_assert!(
                all.into_iter()
                    .all(|name| !matches!(name, b"" | b"." | b".."))
            );
        }
        prop_assert_eq!(Modes::parse(modes.text().as_bytes()), modes);
        Ok(())
    }

    proptest! {
        #[test]
        fn a_list_of_anything_does_no_harm(text in bytes()) {
            is_harmless(&text)?;
        }

        #[test]
        fn a_damaged_list_does_no_harm(
            text in damaged("0600 external/.netrc\n0700 external/.tool/\n0755 \"external/a\\n\\377\"\n"),
        ) {
            is_harmless(&text)?;
        }
    }
}
