//! Some of a list, chosen on the terminal as in git's own menus: `1,3-5`, `*` for all of them.

use super::Ui;
use crate::error::Result;
use crate::sys::terminal;
use std::collections::BTreeSet;
use std::fmt::Display;

/// Shows a numbered list and asks which of it; counted from 0. Nothing typed is nothing chosen.
pub(super) fn some<T: Display>(
    ui: &Ui,
    head: &str,
    items: &[T],
    question: &str,
) -> Result<BTreeSet<usize>> {
    ui.complain(head);
    for (number, item) in items.iter().enumerate() {
        ui.complain(&format!("  {:>3}: {item}", number + 1));
    }
    let range = match items.len() {
        1 => "1".to_owned(),
        many => format!("1-{many}"),
    };
    loop {
        let prompt = format!("{question} ({range}; * for all; Enter for none)>> ");
        let Some(answer) = terminal::ask(&prompt)? else {
            return Ok(BTreeSet::new());
        };
        match selection(&answer, items.len()) {
            Some(chosen) => return Ok(chosen),
            None => ui.complain(&format!("'{answer}' is not among {range}")),
        }
    }
}

/// The numbers that `text` names, less one; `None` where it names one that is not there.
fn selection(text: &str, count: usize) -> Option<BTreeSet<usize>> {
    let mut chosen = BTreeSet::new();
    let words = text.split([',', ' ']).filter(|word| !word.is_empty());
    for word in words {
        let (first, last) = match word.split_once('-') {
            _ if word == "*" => (1, count),
            Some((first, "")) => (first.parse().ok()?, count),
            Some((first, last)) => (first.parse().ok()?, last.parse().ok()?),
            None => {
                let number = word.parse().ok()?;
                (number, number)
            }
        };
        if first == 0 || first > last || last > count {
            return None;
        }
        chosen.extend(first - 1..last);
    }
    Some(chosen)
}

#[cfg(test)]
mod tests {
    use super::selection;
    use crate::testing::text;
    use proptest::prelude::*;

    #[test]
    fn numbers_ranges_and_a_star_are_understood() {
        let chosen = |text: &str| selection(text, 5).map(|set| set.into_iter().collect::<Vec<_>>());
        assert_eq!(chosen(""), Some(vec![]));
        assert_eq!(chosen("1, 3-4"), Some(vec![0, 2, 3]));
        assert_eq!(chosen("4- 4"), Some(vec![3, 4]));
        assert_eq!(chosen("*"), Some(vec![0, 1, 2, 3, 4]));
        for bad in ["0", "6", "3-2", "1-9", "x", "-1", "1-2-3"] {
            assert_eq!(chosen(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn numbers_of_anything_are_among_those_that_are_there(
            text in text(), other in "[0-9,* -]{0,12}", count in 0..20_usize,
        ) {
            for text in [text, other] {
                if let Some(chosen) = selection(&text, count) {
                    prop_assert!(chosen.iter().all(|number| *number < count));
                }
            }
        }
    }
}
