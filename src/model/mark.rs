//! Marked paths: files and folders outside of the repository that are synced through copies in it,
//! and the tracked list of them.

use super::machine::Machine;
use super::path::{RepoPath, quote, unquote};
use super::terms::{self, Terms};
use super::variant;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// The list of marked paths, tracked.
pub const MANIFEST: &str = ".sync/marked-files.txt";

/// The folder of the copies.
pub const COPIES: &str = "external";

/// A path below the home that is synced; the home is another one on every machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// Below the home.
    path: RepoPath,
    /// Is it a folder with all that is in it?
    folder: bool,
    /// Whose version is meant, where some machines have their own; `None`: that of all others.
    variant: Option<String>,
}

impl Mark {
    /// The mark of what is at `path` below the home; `None` where that leads out of it, or is no path.
    pub fn new(path: &[u8], folder: bool) -> Option<Self> {
        let sound = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && !part.contains(&0);
        path.split(|byte| *byte == b'/').all(sound).then(|| Self {
            path: RepoPath::from_bytes(path),
            folder,
            variant: None,
        })
    }

    /// The same path, in the version of these machines.
    #[must_use]
    pub fn with_variant(&self, variant: Option<&str>) -> Self {
        Self {
            variant: variant.map(str::to_owned),
            ..self.clone()
        }
    }

    /// Whose version is meant; `None`: that of all that have none of their own.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// Its path below the home.
    pub fn below_home(&self) -> &RepoPath {
        &self.path
    }

    /// Is it a folder?
    pub fn is_folder(&self) -> bool {
        self.folder
    }

    /// Where it is on a machine with this home.
    pub fn live(&self, home: &Path) -> PathBuf {
        self.path.below(home)
    }

    /// Where its copy is in the repository.
    pub fn copy(&self) -> RepoPath {
        let mut bytes = format!("{COPIES}/").into_bytes();
        bytes.extend_from_slice(self.path.as_bytes());
        if let Some(variant) = &self.variant {
            bytes.extend_from_slice(variant::MARK.as_bytes());
            bytes.extend_from_slice(variant.as_bytes());
        }
        RepoPath::from_bytes(bytes)
    }

    /// As the list and people have it, as bytes: `~/path`, folders with a slash behind.
    pub fn spelled(&self) -> Vec<u8> {
        let mut bytes = b"~/".to_vec();
        bytes.extend_from_slice(self.path.as_bytes());
        if self.folder {
            bytes.push(b'/');
        }
        bytes
    }

    /// Reads what [`Self::spelled`] gave.
    pub fn parse(spelled: &[u8]) -> Option<Self> {
        let path = spelled.strip_prefix(b"~/")?;
        match path.strip_suffix(b"/") {
            Some(path) => Self::new(path, true),
            None => Self::new(path, false),
        }
    }
}

/// Quoted as git quotes where a byte could confuse a terminal or a reader.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quote(&self.spelled()))
    }
}

/// What [`MANIFEST`] says: one mark a line, sorted, names with line ends and bytes that are no text in
/// git's quotes; and one term of a mark a line, before its name. Lines that say nothing to us are kept as
/// they are: a newer program may know them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    marks: BTreeMap<RepoPath, Mark>,
    terms: BTreeMap<RepoPath, Terms>,
    unread: Vec<Vec<u8>>,
}

impl Manifest {
    /// Reads the list. Where two machines have made one path a file and a folder, it is the folder.
    pub fn parse(text: &[u8]) -> Self {
        let mut manifest = Self::default();
        for line in text.split(|byte| *byte == b'\n') {
            let end = line.iter().rposition(|byte| *byte != b'\r');
            let line = &line[..end.map_or(0, |last| last + 1)];
            if line.is_empty() {
                continue;
            }
            let spelled = match std::str::from_utf8(line) {
                Ok(text) => unquote(text),
                Err(_) => Some(line.to_vec()),
            };
            match spelled.and_then(|spelled| Mark::parse(&spelled)) {
                Some(mark) => manifest.add(mark),
                None => match term(line) {
                    Some((word, mark)) => manifest.terms.entry(mark.path).or_default().read(word),
                    None => manifest.unread.push(line.to_vec()),
                },
            }
        }
        manifest
    }

    /// The text of the list; terms of what is not marked any more are over.
    pub fn text(&self) -> Vec<u8> {
        let mut lines: Vec<_> = self
            .marks
            .values()
            .flat_map(|mark| {
                let words = self.terms(mark).words().into_iter();
                let terms = words.map(move |word| format!("{word} {mark}"));
                terms.chain([mark.to_string()]).map(String::into_bytes)
            })
            .chain(self.unread.iter().cloned())
            .collect();
        lines.sort();
        lines.dedup();
        let mut text = Vec::new();
        for line in lines {
            text.extend_from_slice(&line);
            text.push(b'\n');
        }
        text
    }

    /// Adds a mark.
    pub fn add(&mut self, mark: Mark) {
        let known = self.marks.get(&mark.path);
        if !known.is_some_and(Mark::is_folder) {
            self.marks.insert(mark.path.clone(), mark);
        }
    }

    /// From now on each mark is the version that a machine with these profiles has.
    pub fn resolve(&mut self, machine: &Machine, profiles: &BTreeSet<String>) {
        for (path, mark) in &mut self.marks {
            let terms = self.terms.get(path);
            let variant = terms.and_then(|terms| terms.variant(machine, profiles));
            *mark = mark.with_variant(variant);
        }
    }

    /// Every version of a marked path, that of all machines first.
    pub fn versions(&self, mark: &Mark) -> Vec<Mark> {
        let terms = self.terms(mark);
        let variants = terms.variants.iter().map(|name| Some(&**name));
        let all = std::iter::once(None).chain(variants);
        all.map(|variant| mark.with_variant(variant)).collect()
    }

    /// On which terms a mark is synced.
    pub fn terms(&self, mark: &Mark) -> Terms {
        self.terms.get(&mark.path).cloned().unwrap_or_default()
    }

    /// Says on which terms.
    pub fn set_terms(&mut self, mark: &Mark, terms: Terms) {
        self.terms.insert(mark.path.clone(), terms);
    }

    /// Takes a mark out; `false` where it was not in.
    pub fn remove(&mut self, mark: &Mark) -> bool {
        self.terms.remove(&mark.path);
        self.marks.remove(&mark.path).is_some()
    }

    /// The mark of exactly this path below the home.
    pub fn get(&self, path: &RepoPath) -> Option<&Mark> {
        self.marks.get(path)
    }

    /// All marks, sorted.
    pub fn marks(&self) -> impl Iterator<Item = &Mark> {
        self.marks.values()
    }

    /// The marked folder that `path`, below the home, is in.
    pub fn above(&self, path: &RepoPath) -> Option<&Mark> {
        path.parents().find_map(|above| self.marks.get(&above))
    }

    /// The marks in the folder `path` below the home.
    pub fn inside(&self, path: &RepoPath) -> impl Iterator<Item = &Mark> {
        let inside = self.marks.range(path.inside()..);
        let inside = inside.take_while(move |(other, _)| path.is_above(other));
        inside.map(|(_, mark)| mark)
    }

    /// Lines that say nothing to this program.
    pub fn unread(&self) -> &[Vec<u8>] {
        &self.unread
    }

    /// Is nothing marked?
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }
}

/// A term and what it is about; `None` where a line is neither.
fn term(line: &[u8]) -> Option<(&str, Mark)> {
    let (word, name) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let mark = Mark::parse(&unquote(name)?)?;
    terms::is_word(word).then_some((word, mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged};
    use proptest::prelude::*;

    fn mark(text: &str) -> Mark {
        Mark::parse(text.as_bytes()).expect("a mark")
    }

    #[test]
    fn a_mark_has_a_copy_under_the_same_path() {
        let file = mark("~/.config/app/config");
        assert_eq!(file.copy().to_string(), "external/.config/app/config");
        assert_eq!(
            file.live(Path::new("/home/ana")),
            Path::new("/home/ana/.config/app/config")
        );
        assert!(!file.is_folder() && mark("~/.tool/").is_folder());
        assert_eq!(mark("~/.tool/").copy().to_string(), "external/.tool");
    }

    #[test]
    fn each_machine_has_the_version_that_is_for_it() {
        use crate::model::machine::MachineType;
        let text = b"variants=mac,work ~/a\n~/a\n~/b/\n";
        let mut list = Manifest::parse(text);
        let path = RepoPath::from_bytes(b"a");
        let mac = Machine::new("ana", "mbp", MachineType::Mac);
        let linux = Machine::new("ana", "box", MachineType::Linux);
        for (machine, profile, copy) in [
            (&mac, None, "external/a##mac"),
            (&mac, Some("work"), "external/a##work"),
            (&linux, None, "external/a"),
            (&linux, Some("work"), "external/a##work"),
        ] {
            let profiles = profile.into_iter().map(str::to_owned).collect();
            list.resolve(machine, &profiles);
            let mark = list.get(&path).expect("it is marked");
            assert_eq!(mark.copy().to_string(), copy);
            assert_eq!(mark.to_string(), "~/a");
            let versions = list.versions(mark);
            let copies = versions.iter().map(|mark| mark.copy().to_string());
            let all = ["external/a", "external/a##mac", "external/a##work"];
            assert_eq!(copies.collect::<Vec<_>>(), all);
        }
        assert_eq!(list.text(), text);
    }

    #[test]
    fn what_leads_out_of_the_home_is_no_mark() {
        for text in [
            "~/",
            "~",
            "~//",
            "/etc/passwd",
            "~/../x",
            "~/a/../../x",
            "~/./a",
            "~/a//b",
            "a",
            "",
            "~/a/..",
            "~/a\0b",
        ] {
            assert_eq!(Mark::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn the_list_is_sorted_and_has_each_path_once() {
        let list = Manifest::parse(b"~/b\n~/a\r\n\n~/b\n~/c/\n~/c\n");
        assert_eq!(list.text(), b"~/a\n~/b\n~/c/\n");
    }

    #[test]
    fn lines_of_a_newer_program_stay() {
        let mut list = Manifest::parse(b"~/b\n# from tomorrow\n~/../x\n\"~/bad\n");
        list.add(mark("~/a"));
        assert_eq!(list.text(), b"\"~/bad\n# from tomorrow\n~/../x\n~/a\n~/b\n");
        assert_eq!(list.unread().len(), 3);
    }

    #[test]
    fn terms_are_of_one_mark_and_go_with_it() {
        let text = b"\"~/a\\n\"\ncopy \"~/a\\n\"\ncopy ~/b c\nlater ~/b c\n~/b c\n";
        let mut list = Manifest::parse(text);
        assert_eq!(list.text(), text);
        assert!(list.terms(&mark("~/b c")).copy && !list.terms(&mark("~/b c")).are_known());
        assert!(list.terms(&mark("~/a\n")).are_known());
        list.remove(&mark("~/b c"));
        list.add(mark("~/b c"));
        assert_eq!(list.terms(&mark("~/b c")), Terms::default());
        // A term of what another machine has unmarked meanwhile.
        assert_eq!(Manifest::parse(b"copy ~/gone\n~/a\n").text(), b"~/a\n");
    }

    #[test]
    fn folders_know_what_is_in_them() {
        let list = Manifest::parse(b"~/.tool/\n~/.config/a\n~/.config/b/c\n");
        let path = |text: &str| RepoPath::from_bytes(text.as_bytes());
        assert_eq!(list.above(&path(".tool/x/y")), Some(&mark("~/.tool/")));
        assert_eq!(list.above(&path(".toolbox")), None);
        assert_eq!(list.inside(&path(".config")).count(), 2);
        assert_eq!(list.inside(&path(".config/a")).next(), None);
    }

    proptest! {
        #[test]
        fn what_is_above_and_inside_is_found_as_by_looking_at_all(
            paths in proptest::collection::vec("[ab.]{1,2}(/[ab.-]{1,2}){0,2}", 0..12), wanted in "[ab.]{1,2}(/[ab.-]{1,2}){0,2}",
        ) {
            let mut list = Manifest::default();
            for mark in paths.iter().filter_map(|path| Mark::new(path.as_bytes(), false)) {
                list.add(mark);
            }
            let wanted = RepoPath::from_bytes(wanted);
            prop_assert_eq!(list.above(&wanted), list.marks().find(|mark| mark.path.is_above(&wanted)));
            let inside: Vec<_> = list.marks().filter(|mark| wanted.is_above(&mark.path)).collect();
            prop_assert_eq!(list.inside(&wanted).collect::<Vec<_>>(), inside);
        }

        #[test]
        fn every_name_is_read_back_byte_for_byte(
            names in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..12), 1..5),
            folder in any::<bool>(),
        ) {
            if let Some(mark) = Mark::new(&names.join(&b'/'), folder) {
                let mut list = Manifest::default();
                list.add(mark.clone());
                let again = Manifest::parse(&list.text());
                prop_assert_eq!(again.marks().collect::<Vec<_>>(), vec![&mark]);
            }
        }
    }

    /// Whatever the list says: no mark leads out of the home, no copy out of its folder, and writing it
    /// again changes nothing.
    fn is_harmless(text: &[u8]) -> Result<(), TestCaseError> {
        let list = Manifest::parse(text);
        for mark in list.marks() {
            for version in list.versions(mark) {
                let copy = version.copy();
                let mut names = copy.as_bytes().split(|byte| *byte == b'/');
                prop_assert_eq!(names.next(), Some(COPIES.as_bytes()));
                prop_assert!(
                    names.all(|name| !matches!(name, b"" | b"." | b"..") && !name.contains(&0))
                );
            }
            let live = mark.live(Path::new("/home/ana"));
            let inside = live.strip_prefix("/home/ana").expect("in the home");
            let normal = |part| matches!(part, std::path::Component::Normal(_));
            prop_assert!(inside.components().all(normal));
        }
        let written = list.text();
        prop_assert_eq!(Manifest::parse(&written).text(), written);
        Ok(())
    }

    const LIST: &str = "copy ~/.config/app\nmachines=mac,ana@* ~/b c\nvariants=mac,work ~/.rc\n\"~/a\\n\\377\"\n\
                        ~/.config/app\n~/.rc\n~/.tool/\n~/b c\nencrypt ~/.netrc\n~/.netrc\n";

    proptest! {
        #[test]
        fn a_list_of_anything_leads_nowhere(text in bytes()) {
            is_harmless(&text)?;
        }

        #[test]
        fn a_damaged_list_leads_nowhere(text in damaged(LIST)) {
            is_harmless(&text)?;
        }
    }
}
