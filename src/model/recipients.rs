//! The tracked list of those that encrypted marks are encrypted for.

/// The list, tracked: in the format of `age --recipients-file`.
pub const RECIPIENTS: &str = ".sync/recipients.txt";

/// What [`RECIPIENTS`] says: one recipient a line, comments above those they are about. Merged by union,
/// so one may be there twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecipientList(Vec<String>);

impl RecipientList {
    /// Reads the list.
    pub fn parse(text: &str) -> Self {
        Self(text.lines().map(|line| line.trim().to_owned()).collect())
    }

    /// The text of the list.
    pub fn text(&self) -> String {
        let mut text = self.0.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    /// The recipients, each once.
    pub fn recipients(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for line in &self.0 {
            if !line.is_empty() && !line.starts_with('#') && !all.contains(&&**line) {
                all.push(line);
            }
        }
        all
    }

    /// Is it one of them?
    pub fn has(&self, recipient: &str) -> bool {
        self.recipients().contains(&recipient)
    }

    /// Adds one, with a comment that says whose it is.
    pub fn add(&mut self, recipient: &str, whose: &str) {
        if !self.has(recipient) {
            // On one line each: a name must not become a recipient.
            let whose: String = whose.chars().filter(|c| !c.is_control()).collect();
            self.0.push(format!("# {whose}"));
            self.0.push(recipient.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::text;
    use proptest::prelude::*;

    #[test]
    fn comments_and_doubles_are_no_recipients_and_stay() {
        let text = "# ana@laptop\nage1a\n\n# ana@server\nage1b\nage1a\n";
        let mut list = RecipientList::parse(text);
        assert_eq!(list.recipients(), ["age1a", "age1b"]);
        list.add("age1b", "again");
        assert_eq!(list.text(), text);
        list.add("age1c", "a\nage1evil");
        assert_eq!(list.text(), format!("{text}# aage1evil\nage1c\n"));
        assert_eq!(RecipientList::parse(&list.text()), list);
    }

    proptest! {
        #[test]
        fn who_is_added_is_one_more_and_nobody_else(text in text(), whose in ".{0,20}") {
            let mut list = RecipientList::parse(&text);
            let before: Vec<_> = list.recipients().into_iter().map(str::to_owned).collect();
            list.add("age1new", &whose);
            let again = RecipientList::parse(&list.text());
            let mut expected = before.clone();
            if !before.contains(&"age1new".to_owned()) {
                expected.push("age1new".to_owned());
            }
            prop_assert_eq!(again.recipients(), expected);
        }
    }
}
