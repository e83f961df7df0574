//! What comes along with the program: its manual, its completions and its snippets for prompts, where each of them stands, and the
//! line by which a set-up knows what it has put there itself.

use sha2::{Digest as _, Sha256};

/// A file that another program reads to know of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Companion {
    /// The manual.
    Man,
    /// The completion for bash, for git's own script and alone.
    Bash,
    /// The completion for zsh.
    Zsh,
    /// What git's own completion for zsh asks for in the place of that.
    ZshGit,
    /// The completion for fish.
    Fish,
    /// What the completion of git in fish lacks in some versions.
    FishGit,
    /// The snippet that shows the state in the prompt of zsh.
    PromptZsh,
    /// That of bash.
    PromptBash,
    /// That of fish.
    PromptFish,
}

/// How it is with the file in the place of a companion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is none.
    Missing,
    /// It is the one of this program; a package or a person may have put it there.
    Current,
    /// It is the one of this program, and a set-up has put it there.
    Ours,
    /// A set-up of another version has put it there, and nobody has changed it.
    Outdated,
    /// A set-up has put it there, and somebody has changed it.
    Changed,
    /// It is something else.
    Foreign,
}

/// How the last line of what a set-up writes begins.
const SIGNATURE: &str =
    "Put here by 'git sync --setup', which keeps it up to date while it is unchanged: ";

/// So much of the digest is in that line.
const DIGITS: usize = 16;

impl Companion {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 9] = [
        Self::Man,
        Self::Bash,
        Self::Zsh,
        Self::ZshGit,
        Self::Fish,
        Self::FishGit,
        Self::PromptZsh,
        Self::PromptBash,
        Self::PromptFish,
    ];

    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Man => "man",
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::ZshGit => "zsh-git",
            Self::Fish => "fish",
            Self::FishGit => "fish-git",
            Self::PromptZsh => "prompt-zsh",
            Self::PromptBash => "prompt-bash",
            Self::PromptFish => "prompt-fish",
        }
    }

    /// The companion of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// The program that reads it.
    pub fn reader(self) -> &'static str {
        match self {
            Self::Man => "man",
            Self::Bash | Self::PromptBash => "bash",
            Self::Zsh | Self::ZshGit | Self::PromptZsh => "zsh",
            Self::Fish | Self::FishGit | Self::PromptFish => "fish",
        }
    }

    /// What is in it, as it is shipped.
    pub fn text(self) -> &'static str {
        match self {
            Self::Man => include_str!("../../man/git-sync.1"),
            Self::Bash => include_str!("../../completions/git-sync.bash"),
            Self::Zsh => include_str!("../../completions/_git-sync"),
            Self::ZshGit => include_str!("../../completions/_git_sync"),
            Self::Fish => include_str!("../../completions/git-sync.fish"),
            Self::FishGit => include_str!("../../completions/git-sync.conf.fish"),
            Self::PromptZsh => include_str!("../../shell/git-sync.zsh"),
            Self::PromptBash => include_str!("../../shell/git-sync.bash"),
            Self::PromptFish => include_str!("../../shell/git-sync.fish"),
        }
    }

    /// Where it is looked for below a folder `share`; a set-up takes the first, packages of some systems
    /// another one.
    pub fn places(self) -> &'static [&'static str] {
        match self {
            Self::Man => &["man/man1/git-sync.1", "man/man1/git-sync.1.gz"],
            Self::Bash => &["bash-completion/completions/git-sync"],
            Self::Zsh => &[
                "zsh/site-functions/_git-sync",
                "zsh/vendor-completions/_git-sync",
            ],
            Self::ZshGit => &[
                "zsh/site-functions/_git_sync",
                "zsh/vendor-completions/_git_sync",
            ],
            Self::Fish => &["fish/vendor_completions.d/git-sync.fish"],
            Self::FishGit => &["fish/vendor_conf.d/git-sync.fish"],
            Self::PromptZsh => &["git-sync/shell/git-sync.zsh"],
            Self::PromptBash => &["git-sync/shell/git-sync.bash"],
            Self::PromptFish => &["git-sync/shell/git-sync.fish"],
        }
    }

    /// As a set-up writes it: signed, so that it is known again.
    pub fn signed(self) -> String {
        let text = self.text();
        let comment = match self {
            Self::Man => r#".\" "#,
            _ => "# ",
        };
        format!("{text}{comment}{SIGNATURE}{}\n", digest(text.as_bytes()))
    }

    /// How it is with what was found in its place.
    pub fn standing(self, found: Option<&[u8]>) -> Standing {
        let Some(found) = found else {
            return Standing::Missing;
        };
        if found == self.text().as_bytes() {
            return Standing::Current;
        }
        if found == self.signed().as_bytes() {
            return Standing::Ours;
        }
        if signature(found).is_some_and(|(text, said)| said == digest(text).as_bytes()) {
            return Standing::Outdated;
        }
        let is_signed = found
            .windows(SIGNATURE.len())
            .any(|part| part == SIGNATURE.as_bytes());
        if is_signed {
            Standing::Changed
        } else {
            Standing::Foreign
        }
    }
}

/// Is this the manual of a program of our name that is this one, in whichever version?
pub fn is_our_manual(page: &[u8]) -> bool {
    let mut ours = Companion::Man.text().lines();
    let title = ours.find(|line| line.starts_with(".Nd "));
    title.is_some_and(|title| {
        page.split(|byte| *byte == b'\n')
            .any(|line| line == title.as_bytes())
    })
}

/// What stands before the last line, and the digest in it, where that line is our signature.
fn signature(found: &[u8]) -> Option<(&[u8], &[u8])> {
    let lines = found.strip_suffix(b"\n").unwrap_or(found);
    let start = lines.iter().rposition(|byte| *byte == b'\n')? + 1;
    let (text, line) = found.split_at(start);
    let line = line.trim_ascii_end();
    let said = line.len().checked_sub(DIGITS)?;
    let (before, said) = line.split_at(said);
    before
        .ends_with(SIGNATURE.as_bytes())
        .then_some((text, said))
}

fn digest(text: &[u8]) -> String {
    let digest = Sha256::digest(text);
    let first = digest.first_chunk().copied().unwrap_or_default();
    format!("{:01$x}", u64::from_be_bytes(first), DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged};
    use proptest::prelude::*;

    #[test]
    fn a_file_is_ours_while_nobody_has_changed_it() {
        for one in Companion::ALL {
            let signed = one.signed();
            let standing = |text: &str| one.standing(Some(text.as_bytes()));
            assert_eq!(one.standing(None), Standing::Missing);
            assert_eq!(standing(one.text()), Standing::Current);
            assert_eq!(standing(&signed), Standing::Ours);
            assert_eq!(standing(&format!("x{signed}")), Standing::Changed);
            assert_eq!(standing(&format!("{signed}x")), Standing::Changed);
            assert_eq!(standing("# something else\n"), Standing::Foreign);
            assert_eq!(standing(""), Standing::Foreign);
            let old = "# another version\n";
            let old = format!("{old}# {SIGNATURE}{}\n", digest(old.as_bytes()));
            assert_eq!(standing(&old), Standing::Outdated);
        }
    }

    #[test]
    fn each_has_a_word_of_its_own() {
        for one in Companion::ALL {
            assert_eq!(Companion::parse(one.word()), Some(one));
        }
    }

    #[test]
    fn our_manual_is_told_from_that_of_another_program() {
        assert!(is_our_manual(Companion::Man.signed().as_bytes()));
        let other = b".TH \"GIT\\-SYNC\" \"1\"\n.SH \"NAME\"\n";
        assert!(!is_our_manual(other));
    }

    proptest! {
        #[test]
        fn a_file_of_anything_is_not_taken_for_ours(
            text in bytes(), other in damaged(Companion::Bash.signed()),
        ) {
            prop_assert_eq!(Companion::Bash.standing(Some(&text)), Standing::Foreign);
            is_our_manual(&text);
            let standing = Companion::Bash.standing(Some(&other));
            prop_assert!(standing != Standing::Ours || *other == *Companion::Bash.signed().as_bytes());
        }
    }
}
