//! What a name in the source of chezmoi says.
//!
//! The prefixes, their order, the suffixes, and that names with a leading dot are not of the source, are
//! facts of <https://www.chezmoi.io/reference/source-state-attributes/>; `.chezmoiroot` is one of
//! <https://www.chezmoi.io/reference/special-files/chezmoiroot/>.

/// Where chezmoi has its source, below the home.
pub const SOURCE: &str = ".local/share/chezmoi";

/// The file that names the folder in the source that counts.
pub const ROOT: &str = ".chezmoiroot";

/// What is made of a file in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The same content.
    Plain,
    /// The content only where there is none yet.
    Create,
    /// What a program or a template makes of it.
    Made,
    /// What a script makes of the file that is there.
    Modified,
    /// Plain content of something encrypted.
    Encrypted,
    /// A link.
    Link,
    /// Nothing: a script to run.
    Script,
    /// Nothing: something is removed.
    Removed,
}

/// A file as it is in the home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name there.
    pub name: Vec<u8>,
    /// How it comes to be.
    pub kind: Kind,
}

/// A folder as it is in the home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its name there.
    pub name: Vec<u8>,
    /// Is it one that is to go?
    pub removed: bool,
    /// Are the names in it as they are?
    pub external: bool,
}

/// Is a name of the source none of the home?
pub fn is_own(name: &[u8]) -> bool {
    name.starts_with(b".")
}

/// What the name of a file says.
pub fn file(name: &[u8]) -> File {
    let mut rest = Rest(name);
    let kind = if rest.take(b"run_") {
        Kind::Script
    } else if rest.take(b"symlink_") {
        Kind::Link
    } else if rest.take(b"remove_") {
        Kind::Removed
    } else if rest.take(b"modify_") {
        Kind::Modified
    } else if rest.take(b"create_") {
        Kind::Create
    } else {
        Kind::Plain
    };
    let mut encrypted = false;
    match kind {
        Kind::Script => {
            let _ = rest.take(b"once_") || rest.take(b"onchange_");
            let _ = rest.take(b"before_") || rest.take(b"after_");
        }
        Kind::Plain | Kind::Create | Kind::Modified => {
            encrypted = rest.take(b"encrypted_");
            for prefix in [&b"private_"[..], b"readonly_", b"empty_", b"executable_"] {
                rest.take(prefix);
            }
        }
        _ => {}
    }
    let (name, template) = suffixes(rest.dotted(), encrypted);
    let kind = match kind {
        Kind::Plain | Kind::Create | Kind::Modified if encrypted => Kind::Encrypted,
        Kind::Plain | Kind::Create if template => Kind::Made,
        kind => kind,
    };
    File { name, kind }
}

/// What the name of a folder says.
pub fn folder(name: &[u8]) -> Folder {
    let mut rest = Rest(name);
    let removed = rest.take(b"remove_");
    let external = rest.take(b"external_");
    for prefix in [&b"exact_"[..], b"private_", b"readonly_"] {
        rest.take(prefix);
    }
    Folder {
        name: rest.dotted(),
        removed,
        external,
    }
}

/// What is left of a name.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// Takes a prefix off; the order of the calls is the order that counts.
    fn take(&mut self, prefix: &[u8]) -> bool {
        match self.0.strip_prefix(prefix) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// The rest, where `dot_` is a dot, and `literal_` says that no prefix follows.
    fn dotted(mut self) -> Vec<u8> {
        let dot = self.take(b"dot_");
        self.take(b"literal_");
        let mut name = if dot { b".".to_vec() } else { Vec::new() };
        name.extend_from_slice(self.0);
        name
    }
}

/// The name without suffixes, and whether one of them says that it is a template.
fn suffixes(mut name: Vec<u8>, encrypted: bool) -> (Vec<u8>, bool) {
    let mut cut = |suffix: &[u8]| {
        let has = name.ends_with(suffix);
        if has {
            name.truncate(name.len() - suffix.len());
        }
        has
    };
    if encrypted {
        let _ = cut(b".age") || cut(b".asc");
    }
    let template = !cut(b".literal") && cut(b".tmpl");
    if template {
        cut(b".literal");
    }
    (name, template)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::bytes;
    use proptest::prelude::*;

    #[test]
    fn names_of_files_are_read_in_the_documented_order() {
        for (name, expected, kind) in [
            ("dot_zshrc", ".zshrc", Kind::Plain),
            ("private_dot_netrc", ".netrc", Kind::Plain),
            ("dot_private_x", ".private_x", Kind::Plain),
            ("executable_run", "run", Kind::Plain),
            ("private_readonly_empty_executable_dot_x", ".x", Kind::Plain),
            // In the wrong order, it is part of the name.
            ("executable_private_x", "private_x", Kind::Plain),
            ("create_dot_x", ".x", Kind::Create),
            ("dot_gitconfig.tmpl", ".gitconfig", Kind::Made),
            ("create_dot_x.tmpl", ".x", Kind::Made),
            ("modify_dot_x.tmpl", ".x", Kind::Modified),
            ("modify_private_dot_x", ".x", Kind::Modified),
            ("encrypted_private_dot_x.age", ".x", Kind::Encrypted),
            ("encrypted_dot_x.tmpl.asc", ".x", Kind::Encrypted),
            ("symlink_dot_x", ".x", Kind::Link),
            ("remove_dot_x", ".x", Kind::Removed),
            ("run_once_before_install.sh", "install.sh", Kind::Script),
            ("run_onchange_after_x.sh.tmpl", "x.sh", Kind::Script),
            ("literal_dot_x", "dot_x", Kind::Plain),
            ("dot_literal_private_x", ".private_x", Kind::Plain),
            ("x.tmpl.literal", "x.tmpl", Kind::Plain),
            ("x.literal.tmpl", "x", Kind::Made),
            ("x.age", "x.age", Kind::Plain),
        ] {
            let read = file(name.as_bytes());
            assert_eq!(String::from_utf8_lossy(&read.name), expected, "{name}");
            assert_eq!(read.kind, kind, "{name}");
        }
    }

    #[test]
    fn names_of_folders_are_read() {
        let read = folder(b"exact_private_dot_config");
        assert_eq!((&*read.name, read.external), (&b".config"[..], false));
        assert!(folder(b"external_dot_x").external);
        assert!(folder(b"remove_dot_x").removed);
        assert_eq!(folder(b"executable_x").name, b"executable_x");
    }

    proptest! {
        #[test]
        fn a_literal_name_stays_as_it_is(name in "[a-z_.]{1,12}") {
            let literal = format!("literal_{name}.literal");
            prop_assert_eq!(file(literal.as_bytes()).name, name.into_bytes());
        }
    }

    proptest! {
        #[test]
        fn names_of_anything_are_read(name in bytes()) {
            prop_assert!(file(&name).name.len() <= name.len());
            prop_assert!(folder(&name).name.len() <= name.len());
        }
    }
}
