//! On which terms a marked path is synced: as a link or as a copy, and on which machines.
//!
//! They stand in the list of marks, one term a line: `copy ~/path`, `machines=mac,ana@* ~/path`,
//! `variants=mac ~/path`.

use super::machine::{Machine, MachineType};
use super::pattern::Pattern;
use super::variant;
use std::collections::BTreeSet;

/// What is said of one mark beside that it is one.
///
/// Two machines may say two things at once, and the merge keeps both lines: what either says counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// A file of its own stands at the live path, and changes are carried both ways.
    pub copy: bool,
    /// The same, and what the repository has is encrypted.
    pub encrypt: bool,
    /// Only on machines of these types, or with ids like these; on all where there are none.
    machines: BTreeSet<String>,
    /// Only on machines with one of these profiles; on all where there are none.
    profiles: BTreeSet<String>,
    /// Those that have a version of their own: see [`super::variant`].
    pub variants: BTreeSet<String>,
    /// Words that say nothing to this program: a newer one wrote them.
    unread: BTreeSet<String>,
}

/// What shall be said of marks from now on; `None`: what is said already.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wish {
    /// As copies, or as links?
    pub copy: Option<bool>,
    /// Encrypted? There is no way back but to unmark them.
    pub encrypt: bool,
    /// On which machines; none for all.
    pub machines: Option<BTreeSet<String>>,
    /// With which profiles; none for all.
    pub profiles: Option<BTreeSet<String>>,
    /// Who has a version of their own, beside those that have one.
    pub variant: Option<String>,
}

impl Wish {
    /// Is nothing wished for?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Changes terms to be as is wished.
    pub fn apply(&self, terms: &mut Terms) {
        terms.copy = self.copy.unwrap_or(terms.copy);
        terms.encrypt |= self.encrypt;
        if let Some(machines) = &self.machines {
            terms.machines.clone_from(machines);
        }
        if let Some(profiles) = &self.profiles {
            terms.profiles.clone_from(profiles);
        }
        terms.variants.extend(self.variant.clone());
    }
}

impl Terms {
    /// Takes in one word of the list.
    pub fn read(&mut self, word: &str) {
        let named = |name: &str, parse: fn(&str) -> Option<BTreeSet<String>>| {
            let list = parse(word.strip_prefix(name)?)?;
            (!list.is_empty()).then_some(list)
        };
        if word == "copy" {
            self.copy = true;
        } else if word == "encrypt" {
            self.encrypt = true;
        } else if let Some(machines) = named("machines=", machines) {
            self.machines.extend(machines);
        } else if let Some(profiles) = named("profiles=", profiles) {
            self.profiles.extend(profiles);
        } else if let Some(variants) = named("variants=", variants) {
            self.variants.extend(variants);
        } else {
            self.unread.insert(word.to_owned());
        }
    }

    /// The words, as the list has them.
    pub fn words(&self) -> Vec<String> {
        let copy = self.copy.then(|| "copy".to_owned());
        let lists = [
            ("machines", &self.machines),
            ("profiles", &self.profiles),
            ("variants", &self.variants),
        ];
        let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
        let lists = lists.map(|(name, list)| {
            let list: Vec<_> = list.iter().map(String::as_str).collect();
            format!("{name}={}", list.join(","))
        });
        let encrypt = self.encrypt.then(|| "encrypt".to_owned());
        copy.into_iter()
            .chain(encrypt)
            .chain(lists)
            .chain(self.unread.iter().cloned())
            .collect()
    }

    /// Is the mark for this machine, which has these profiles?
    pub fn are_for(&self, machine: &Machine, profiles: &BTreeSet<String>) -> bool {
        let is_this = |pattern: &String| {
            MachineType::parse(pattern) == Some(machine.kind)
                || Pattern::of_names(pattern).is_ok_and(|pattern| pattern.fits(&machine.id))
        };
        (self.machines.is_empty() || self.machines.iter().any(is_this))
            && (self.profiles.is_empty() || !self.profiles.is_disjoint(profiles))
    }

    /// Whose version a machine with these profiles has; `None`: that of all others.
    pub fn variant(&self, machine: &Machine, profiles: &BTreeSet<String>) -> Option<&str> {
        variant::closest(&self.variants, machine, profiles)
    }

    /// Does this program know what all of it means? Else the mark is not to be touched: it may be an
    /// encrypted one.
    pub fn are_known(&self) -> bool {
        self.unread.is_empty()
    }
}

/// Types and patterns of ids, with commas between; `None` where one is no pattern.
pub fn machines(text: &str) -> Option<BTreeSet<String>> {
    list(text, |name| Pattern::of_names(name).is_ok())
}

/// Names of profiles, with commas between; `None` where one is no name.
pub fn profiles(text: &str) -> Option<BTreeSet<String>> {
    let is_sound = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    list(text, |name| name.chars().all(is_sound))
}

/// Names of variants, with commas between; `None` where one is no name.
fn variants(text: &str) -> Option<BTreeSet<String>> {
    list(text, variant::is_name)
}

fn list(text: &str, is_sound: impl Fn(&str) -> bool) -> Option<BTreeSet<String>> {
    let names: Vec<_> = text.split(',').map(str::trim).collect();
    let is_sound = |name: &str| {
        let plain = |c: char| !c.is_whitespace() && !c.is_control();
        !name.is_empty() && name.chars().all(plain) && is_sound(name)
    };
    if names == [""] {
        return Some(BTreeSet::new());
    }
    let all = names.iter().all(|name| is_sound(name));
    all.then(|| names.into_iter().map(str::to_owned).collect())
}

/// Can it be a word of terms? Other lines of the list are none.
pub fn is_word(word: &str) -> bool {
    let (name, _) = word.split_once('=').unwrap_or((word, ""));
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::text;
    use proptest::prelude::*;

    #[test]
    fn terms_are_read_as_they_are_written() {
        let mut terms = Terms::default();
        for word in ["encrypt=age", "copy", "copy"] {
            terms.read(word);
        }
        assert_eq!(terms.words(), ["copy", "encrypt=age"]);
        assert!(terms.copy && !terms.are_known());
        assert!(Terms::default().are_known());
    }

    #[test]
    fn a_mark_is_for_the_machines_that_are_named() {
        let machine = Machine::new("ana", "mbp-2", MachineType::Mac);
        let work = BTreeSet::from(["work".to_owned()]);
        for (words, expected) in [
            (&[][..], true),
            (&["machines=mac"], true),
            (&["machines=ec2,linux"], false),
            (&["machines=ec2", "machines=mac"], true),
            (&["machines=ana@mbp-*"], true),
            (&["machines=ana@mbp"], false),
            (&["profiles=work"], true),
            (&["profiles=home,work"], true),
            (&["profiles=home"], false),
            (&["machines=mac", "profiles=home"], false),
            (&["machines=linux", "profiles=work"], false),
        ] {
            let mut terms = Terms::default();
            for word in words {
                terms.read(word);
            }
            assert!(terms.are_known());
            assert_eq!(terms.are_for(&machine, &work), expected, "{words:?}");
        }
    }

    #[test]
    fn lists_that_make_no_sense_are_not_known() {
        for word in [
            "machines=",
            "machines=a{",
            "profiles=a,,b",
            "profiles=a/b",
            "variants=",
            "variants=a/b",
        ] {
            let mut terms = Terms::default();
            terms.read(word);
            assert!(!terms.are_known(), "{word}");
            assert_eq!(terms.words(), [word]);
        }
    }

    #[test]
    fn only_words_are_words() {
        assert!(is_word("copy") && is_word("machines=mac,ana@mbp-*") && is_word("not-yet"));
        assert!(!is_word("#") && !is_word("~/a") && !is_word("=x") && !is_word(""));
    }

    proptest! {
        #[test]
        fn terms_of_anything_are_written_as_they_were_read(words in proptest::collection::vec(text(), 0..4)) {
            let mut terms = Terms::default();
            for word in &words {
                terms.read(word);
                terms.read(&format!("machines={word}"));
                terms.read(&format!("variants={word}"));
                terms.read(&format!("profiles={word}"));
            }
            let mut again = Terms::default();
            for word in terms.words() {
                again.read(&word);
            }
            prop_assert_eq!(&again, &terms);
            let machine = Machine::new("ana", "box", MachineType::Linux);
            let profiles = BTreeSet::from(["work".to_owned()]);
            terms.are_for(&machine, &profiles);
            terms.variant(&machine, &profiles);
        }
    }
}
