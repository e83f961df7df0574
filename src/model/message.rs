//! The message of a commit that a sync makes.

use super::entry::Change;
use super::machine::Machine;
use std::fmt::Write as _;

/// The message where `sync.commitMessage` says nothing.
pub const DEFAULT_TEMPLATE: &str = "sync: {files} on {machine}";

/// The placeholders a template may hold.
pub const PLACEHOLDERS: [&str; 6] = ["machine", "user", "host", "time", "count", "files"];

/// So many paths are named in the subject; the body names all of them up to [`IN_BODY`].
const IN_SUBJECT: usize = 3;

/// So many paths are named in the body.
const IN_BODY: usize = 200;

/// The trailer that says which machine made a commit, whatever the template says: `git sync` names it
/// on the machine that the commit comes to.
const TRAILER: &str = "Machine";

/// A placeholder that does not exist, for the error about it.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownPlaceholder(pub String);

/// The message for `changes`: the template with its placeholders replaced, then the list of files, then
/// a trailer with the machine.
pub fn commit_message(
    template: &str,
    machine: &Machine,
    time: &str,
    changes: &[Change],
) -> Result<String, UnknownPlaceholder> {
    let mut message = String::new();
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once('{') {
        message.push_str(before);
        let Some((name, after)) = tail.split_once('}') else {
            return Err(UnknownPlaceholder(format!("{{{tail}")));
        };
        match name {
            "machine" => message.push_str(&machine.id),
            "user" => message.push_str(&machine.user),
            "host" => message.push_str(&machine.host),
            "time" => message.push_str(time),
            "count" => message.push_str(&changes.len().to_string()),
            "files" => message.push_str(&files(changes)),
            other => return Err(UnknownPlaceholder(format!("{{{other}}}"))),
        }
        rest = after;
    }
    message.push_str(rest);
    message.push_str("\n\n");
    for change in changes.iter().take(IN_BODY) {
        let _ = writeln!(message, "{} {}", change.letter(), change.path);
    }
    if changes.len() > IN_BODY {
        let _ = writeln!(message, "and {} more", changes.len() - IN_BODY);
    }
    let _ = writeln!(message, "\n{TRAILER}: {}", machine.id);
    Ok(message)
}

/// The message of a commit that a sync of `machine` makes for a reason of its own.
pub fn of_sync(what: &str, machine: &Machine) -> String {
    of_machine(&format!("sync: {what} on {}", machine.id), machine)
}

/// The message of a commit that a command on `machine` makes.
pub fn of_machine(subject: &str, machine: &Machine) -> String {
    format!("{subject}\n\n{TRAILER}: {}\n", machine.id)
}

/// The machine that made the commit with this message, if a sync did.
pub fn machine_of(message: &str) -> Option<&str> {
    let (_, trailers) = message.trim_end().rsplit_once("\n\n")?;
    trailers
        .lines()
        .find_map(|line| line.strip_prefix(TRAILER)?.strip_prefix(": "))
        .filter(|machine| !machine.is_empty())
}

fn files(changes: &[Change]) -> String {
    let named: Vec<_> = changes
        .iter()
        .take(IN_SUBJECT)
        .map(|c| c.path.to_string())
        .collect();
    let mut text = named.join(", ");
    if changes.len() > IN_SUBJECT {
        let _ = write!(text, " and {} more", changes.len() - IN_SUBJECT);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::machine::MachineType;
    use super::super::path::RepoPath;
    use super::*;
    use crate::testing::text;
    use proptest::prelude::*;

    fn change(path: &str) -> Change {
        Change {
            path: RepoPath::from_bytes(path.as_bytes()),
            old: None,
            new: None,
        }
    }

    fn message(template: &str, paths: &[&str]) -> Result<String, UnknownPlaceholder> {
        let machine = Machine::new("ana", "mbp", MachineType::Mac);
        let changes: Vec<_> = paths.iter().map(|path| change(path)).collect();
        commit_message(template, &machine, "2026-11-20 10:00", &changes)
    }

    #[test]
    fn the_subject_names_the_machine_and_the_first_files() {
        let text = message(DEFAULT_TEMPLATE, &["a", "b", "c", "d"]).expect("a good template");
        assert_eq!(
            text.lines().next(),
            Some("sync: a, b, c and 1 more on ana@mbp-mac")
        );
        assert!(text.ends_with("A a\nA b\nA c\nA d\n\nMachine: ana@mbp-mac\n"));
    }

    #[test]
    fn the_machine_is_found_again_and_not_made_up() {
        let text = message("{count}", &["a"]).expect("a good template");
        assert_eq!(machine_of(&text), Some("ana@mbp-mac"));
        assert_eq!(
            machine_of(&(text + "Signed-off-by: A <a@b>\n")),
            Some("ana@mbp-mac")
        );
        for other in [
            "",
            "Machine: x",
            "Machine: x\n\nby hand\n",
            "s\n\nMachine: \n",
        ] {
            assert_eq!(machine_of(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_template_is_followed_and_a_bad_one_named() {
        let text = message("{count} by {user}@{host} at {time}", &["a"]).expect("a good template");
        assert!(text.starts_with("1 by ana@mbp at 2026-11-20 10:00\n"));
        assert_eq!(
            message("{wrong}", &[]),
            Err(UnknownPlaceholder("{wrong}".into()))
        );
        assert_eq!(
            message("{open", &[]),
            Err(UnknownPlaceholder("{open".into()))
        );
    }

    proptest! {
        #[test]
        fn a_message_of_anything_names_at_most_a_machine(text in text(), template in text()) {
            machine_of(&text);
            let machine = Machine::new("ana", "box", MachineType::Linux).remembered_as(&text);
            if let Ok(message) = commit_message(&template, &machine, "now", &[]) {
                prop_assert_eq!(machine_of(&message), Some(&*machine.id));
            }
        }
    }
}
