//! What GNU Stow is told, and what it leaves alone.
//!
//! `.stowrc`, `--dir`, `--target` and that the target is the folder above without it, `--dotfiles`, and the
//! built-in list of names that are left alone, are facts of
//! <https://www.gnu.org/software/stow/manual/stow.html> (Invoking Stow, Resource Files, Ignore Lists).

/// The file with its options, in the home and where it is run.
pub const OPTIONS: &str = ".stowrc";

/// Where people have their packages, below the home; the manual names none.
pub const USUAL: [&str; 4] = ["dotfiles", ".dotfiles", "stow", ".stow"];

/// The value of `--NAME=VALUE`, `--NAME VALUE`, `-S VALUE` or `-SVALUE` in the text of `.stowrc`.
pub fn option(text: &str, long: &str, short: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let mut value = None;
    while let Some(word) = words.next() {
        if word == long || word == short {
            value = words.next();
        } else if let Some(found) = word.strip_prefix(long).and_then(|w| w.strip_prefix('=')) {
            value = Some(found);
        } else if let Some(found) = word.strip_prefix(short).filter(|_| !word.starts_with("--")) {
            value = Some(found);
        }
    }
    value.map(str::to_owned)
}

/// `~` and `$HOME` in front as the home.
pub fn expanded(path: &str, home: &str) -> String {
    for prefix in ["~/", "$HOME/", "${HOME}/"] {
        if let Some(rest) = path.strip_prefix(prefix) {
            return format!("{home}/{rest}");
        }
    }
    match path {
        "~" | "$HOME" | "${HOME}" => home.to_owned(),
        path => path.to_owned(),
    }
}

/// The names that the target may have for a name in a package: as it is, and as `--dotfiles` makes it.
pub fn names(name: &[u8]) -> Vec<Vec<u8>> {
    let mut names = vec![name.to_vec()];
    if let Some(rest) = name.strip_prefix(b"dot-") {
        names.push([b".", rest].concat());
    }
    names
}

/// Is it something that is in a package for other purposes? `top`: directly in the package.
pub fn is_own(name: &[u8], top: bool) -> bool {
    let own: [&[u8]; 11] = [
        b"RCS",
        b"CVS",
        b".cvsignore",
        b".svn",
        b"_darcs",
        b".hg",
        b".git",
        b".gitignore",
        b".gitmodules",
        b".stow",
        b".stow-local-ignore",
    ];
    let above: [&[u8]; 3] = [b"README", b"LICENSE", b"COPYING"];
    own.contains(&name)
        || name.ends_with(b"~")
        || name.ends_with(b",v")
        || name.starts_with(b".#")
        || (name.starts_with(b"#") && name.ends_with(b"#"))
        || (top && above.iter().any(|above| name.starts_with(above)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, text};
    use proptest::prelude::*;

    #[test]
    fn options_are_read_in_all_their_forms() {
        let target = |text: &str| option(text, "--target", "-t");
        for text in ["--target=/x", "-v\n--target /x\n", "-t /x", "-t/x"] {
            assert_eq!(target(text).as_deref(), Some("/x"), "{text}");
        }
        assert_eq!(target("--dir=/x"), None);
        assert_eq!(
            option("--target=/x -d y", "--dir", "-d").as_deref(),
            Some("y")
        );
        assert_eq!(expanded("~/a", "/h"), "/h/a");
        assert_eq!(expanded("$HOME", "/h"), "/h");
        assert_eq!(expanded("/a/~/b", "/h"), "/a/~/b");
    }

    #[test]
    fn names_with_dot_may_be_both() {
        assert_eq!(names(b"dot-zshrc"), [&b"dot-zshrc"[..], b".zshrc"]);
        assert_eq!(names(b".zshrc"), [b".zshrc"]);
        assert!(is_own(b"README.md", true) && !is_own(b"README.md", false));
        assert!(is_own(b".git", false) && is_own(b"#a#", false) && is_own(b"a~", false));
    }

    proptest! {
        #[test]
        fn options_of_anything_are_read(text in text(), name in bytes()) {
            if let Some(value) = option(&text, "--target", "-t") {
                expanded(&value, "/h");
            }
            prop_assert!(names(&name).contains(&name.to_vec()));
            is_own(&name, true);
        }
    }
}
