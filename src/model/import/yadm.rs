//! What the names of files that yadm tracks say.
//!
//! `NAME##CONDITIONS`, that one of them becomes the file `NAME` as a link or by a template, and where the
//! repository is, are facts of <https://yadm.io/docs/alternates>, <https://yadm.io/docs/templates> and of
//! the manual, <https://man.archlinux.org/man/yadm.1> (ALTERNATES, FILES). The usual names of a repository made by
//! hand are those of <https://www.atlassian.com/git/tutorials/dotfiles> and of the texts that follow it.

/// Where yadm has its repository, below the home: of now, and of version 1 and 2.
pub const REPOSITORIES: [&str; 3] = [
    ".local/share/yadm/repo.git",
    ".config/yadm/repo.git",
    ".yadm/repo.git",
];

/// Where people have a repository of their home made by hand, below the home.
pub const USUAL: [&str; 7] = [
    ".cfg",
    ".dotfiles",
    ".dotfiles.git",
    ".myconf",
    ".myconfig",
    ".dots",
    ".home.git",
];

/// Alternates in this folder stand for the path that they have below it.
const APART: &[u8] = b".config/yadm/alt/";

/// The file that an alternate is one of; `None` for other files. The conditions may be in the name of a
/// folder too.
pub fn alternate(path: &[u8]) -> Option<Vec<u8>> {
    let path = path.strip_prefix(APART).unwrap_or(path);
    let mut found = false;
    let mut plain: Vec<u8> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        let at = part.windows(2).position(|two| two == b"##");
        found |= at.is_some_and(|at| at > 0);
        if !plain.is_empty() {
            plain.push(b'/');
        }
        plain.extend_from_slice(&part[..at.filter(|at| *at > 0).unwrap_or(part.len())]);
        if at.is_some_and(|at| at > 0) {
            // What is below belongs to the folder that is chosen as a whole.
            break;
        }
    }
    found.then_some(plain)
}

/// Is it about the repository, and not about the home?
pub fn is_own(path: &[u8]) -> bool {
    let own: [&[u8]; 3] = [b".gitignore", b".gitattributes", b".gitmodules"];
    own.contains(&path)
}

#[cfg(test)]
mod tests {
    use super::alternate;
    use crate::testing::bytes;
    use proptest::prelude::*;

    #[test]
    fn an_alternate_names_its_file() {
        for (path, plain) in [
            (".gitconfig##os.Linux", Some(".gitconfig")),
            (".config/a##template", Some(".config/a")),
            (".config/a##os.Linux,hostname.b/c", Some(".config/a")),
            (".config/yadm/alt/.vimrc##os.Linux", Some(".vimrc")),
            (".config/yadm/alt/.vimrc", None),
            (".config/a##~os.Darwin,e.vim", Some(".config/a")),
            (".zshrc", None),
            ("##odd", None),
            ("a#b", None),
        ] {
            let found = alternate(path.as_bytes());
            assert_eq!(found.as_deref(), plain.map(str::as_bytes), "{path}");
        }
    }

    proptest! {
        #[test]
        fn names_of_anything_are_read(path in bytes()) {
            if let Some(plain) = alternate(&path) {
                prop_assert!(plain.len() < path.len() && !plain.is_empty());
            }
        }
    }
}
