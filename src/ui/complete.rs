//! What can be typed, for the completions of shells: one a line, and behind a tab what it is.

use crate::ops::complete::{About, Candidate};

/// The lines. A name with a control character in it would be two to a shell, or none: it is left out.
pub fn lines(candidates: &[Candidate]) -> Vec<u8> {
    let mut lines = Vec::new();
    for Candidate { text, about } in candidates {
        if text.iter().any(u8::is_ascii_control) {
            continue;
        }
        lines.extend_from_slice(text);
        if let Some(about) = words(about) {
            lines.push(b'\t');
            lines.extend_from_slice(about.as_bytes());
        }
        lines.push(b'\n');
    }
    lines
}

fn words(about: &About) -> Option<String> {
    Some(match about {
        About::Path => return None,
        About::Backup(reason, files) => {
            format!("{}, {}", reason.words(), super::sync::count(*files, "file"))
        }
        About::Damaged => "damaged".to_owned(),
        About::Type => "type of machine".to_owned(),
        About::Machine => "machine".to_owned(),
        About::Profile => "profile".to_owned(),
    })
}
