//! On which terms a marked path is synced: as a link or as a copy.
//!
//! They stand in the list of marks, one term a line: `copy ~/path`.

use std::collections::BTreeSet;

/// What is said of one mark beside that it is one.
///
/// Two machines may say two things at once, and the merge keeps both lines: what either says counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// A file of its own stands at the live path, and changes are carried both ways.
    pub copy: bool,
    /// Words that say nothing to this program: a newer one wrote them.
    unread: BTreeSet<String>,
}

impl Terms {
    /// Takes in one word of the list.
    pub fn read(&mut self, word: &str) {
        if word == "copy" {
            self.copy = true;
        } else {
            self.unread.insert(word.to_owned());
        }
    }

    /// The words, as the list has them.
    pub fn words(&self) -> Vec<String> {
        let copy = self.copy.then(|| "copy".to_owned());
        copy.into_iter()
            .chain(self.unread.iter().cloned())
            .collect()
    }

    /// Does this program know what all of it means? Else the mark is not to be touched: it may be an
    /// encrypted one.
    pub fn are_known(&self) -> bool {
        self.unread.is_empty()
    }
}

/// Can it be a word of terms? Other lines of the list are none.
pub fn is_word(word: &str) -> bool {
    let (name, _) = word.split_once('=').unwrap_or((word, ""));
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn only_words_are_words() {
        assert!(is_word("copy") && is_word("machines=mac,ana@mbp-*") && is_word("not-yet"));
        assert!(!is_word("#") && !is_word("~/a") && !is_word("=x") && !is_word(""));
    }
}
