//! Variants: versions of a marked path that some machines have in the place of the one of all others.
//!
//! A variant is named by those that have it: a type of machine, a pattern of ids, or a profile. Where
//! several are for one machine, the closest one counts.

use super::machine::{Machine, MachineType};
use super::pattern::Pattern;
use std::collections::BTreeSet;

/// What stands between the name of a copy and that of its variant.
pub const MARK: &str = "##";

/// How close a variant is to a machine; the closest one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    /// A pattern that says nothing, as `*`.
    All,
    /// By its type.
    Type,
    /// By what it is used for.
    Profile,
    /// By a pattern of ids: the more of it is no wildcard, the closer.
    Pattern(usize),
    /// By its id.
    Id,
}

/// Is it a name for a variant: a type, a pattern of ids, or a profile?
pub fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_pattern = is_pattern(name) && Pattern::of_names(name).is_ok();
    let sound = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '/' | ',');
    !name.is_empty() && name.chars().all(sound) && (is_pattern || name.chars().all(is_plain))
}

/// The one of `variants` that is for a machine with these profiles, and the closest to it.
pub fn closest<'v>(
    variants: &'v BTreeSet<String>,
    machine: &Machine,
    profiles: &BTreeSet<String>,
) -> Option<&'v str> {
    let close = |name: &'v String| Some((closeness(name, machine, profiles)?, name.as_str()));
    variants
        .iter()
        .filter_map(close)
        .max()
        .map(|(_, name)| name)
}

fn closeness(name: &str, machine: &Machine, profiles: &BTreeSet<String>) -> Option<Closeness> {
    if let Some(kind) = MachineType::parse(name) {
        return (kind == machine.kind).then_some(Closeness::Type);
    }
    if !is_pattern(name) {
        return profiles.contains(name).then_some(Closeness::Profile);
    }
    if name == machine.id {
        return Some(Closeness::Id);
    }
    let literal = name.chars().filter(|c| !is_wild(*c)).count();
    let fits = Pattern::of_names(name).is_ok_and(|pattern| pattern.fits(&machine.id));
    fits.then_some(match literal {
        0 => Closeness::All,
        literal => Closeness::Pattern(literal),
    })
}

/// Is it about ids? They have an `@`, and profiles have none.
fn is_pattern(name: &str) -> bool {
    name.contains('@') || name.chars().any(is_wild)
}

fn is_wild(c: char) -> bool {
    matches!(c, '*' | '?' | '[' | ']' | '{' | '}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_closest_variant_counts() {
        let machine = Machine::new("ana", "mbp-2", MachineType::Mac);
        let profiles = set(&["work"]);
        let all = [
            "ana@mbp-2-mac",
            "ana@mbp-*",
            "*-mac",
            "work",
            "mac",
            "*",
            "linux",
            "home",
            "bob@*",
        ];
        for (from, expected) in all.iter().enumerate().take(6) {
            assert_eq!(
                closest(&set(&all[from..]), &machine, &profiles),
                Some(*expected)
            );
        }
        assert_eq!(closest(&set(&all[6..]), &machine, &profiles), None);
        assert_eq!(closest(&set(&["mac"]), &machine, &set(&[])), Some("mac"));
    }

    #[test]
    fn names_can_be_part_of_a_file_name_and_of_a_list() {
        for name in ["mac", "work", "ana@mbp-*", "*", "a.b_c-d"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "a/b", "a,b", "a b", "a\nb", "*@{", "a#b"] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
