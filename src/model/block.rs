//! Lines of ours in a file of the user's, such as `.gitignore`: put in without disturbing what is
//! there, and taken out again.

/// Stands above our lines, so that they are known again.
pub const MARKER: &str =
    "# git-sync: from 'git sync --setup', taken out by 'git sync --setup --remove'";

/// The first bytes of a file that an editor of Windows wrote.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Those of `wanted` that `text` lacks.
///
/// A line that begins with `!` takes back an earlier one, so it counts only behind the last place
/// where the line that it is an exception to stands.
pub fn missing(text: &[u8], wanted: &[&'static str]) -> Vec<&'static str> {
    let lines: Vec<_> = lines(text).map(words).collect();
    let last = |line: &str| {
        let line = words(line.as_bytes());
        lines.iter().rposition(|found| *found == line)
    };
    let mut rule = None;
    let mut missing = Vec::new();
    for line in wanted {
        let found = last(line);
        let effective = if line.starts_with('!') {
            found.is_some() && found > rule
        } else {
            rule = found.or(Some(usize::MAX));
            found.is_some()
        };
        if !effective {
            missing.push(*line);
        }
    }
    missing
}

/// `text` with a block of `lines` behind it, in the line ends that it has already.
pub fn add(text: &[u8], lines: &[&str]) -> Vec<u8> {
    let end = line_end(text);
    let mut new = text.to_vec();
    if !text.is_empty() && !text.ends_with(b"\n") {
        new.extend_from_slice(end);
    }
    for line in std::iter::once(&MARKER).chain(lines) {
        new.extend_from_slice(line.as_bytes());
        new.extend_from_slice(end);
    }
    new
}

/// `text` without our blocks; `None` where it has none.
pub fn remove(text: &[u8], wanted: &[&str]) -> Option<Vec<u8>> {
    let marker = words(MARKER.as_bytes());
    let wanted: Vec<_> = wanted.iter().map(|line| words(line.as_bytes())).collect();
    let mut inside = false;
    let mut found = false;
    let mut new = Vec::with_capacity(text.len());
    for line in lines(text) {
        let its_words = words(line);
        let is_marker = its_words == marker;
        inside = is_marker || (inside && wanted.contains(&its_words));
        found |= is_marker;
        if !inside {
            new.extend_from_slice(line);
        }
    }
    found.then_some(new)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// What a line says, whatever blanks and line ends it has.
fn words(line: &[u8]) -> Vec<&[u8]> {
    line.strip_prefix(BOM)
        .unwrap_or(line)
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .collect()
}

fn line_end(text: &[u8]) -> &'static [u8] {
    let last = text.iter().rposition(|byte| *byte == b'\n');
    match last.and_then(|at| at.checked_sub(1)) {
        Some(before) if text[before] == b'\r' => b"\r\n",
        _ => b"\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::bytes;
    use proptest::prelude::*;

    const WANTED: [&str; 3] = ["/a/*", "!/a/b", "*.local"];

    fn added(text: &str) -> String {
        let new = add(text.as_bytes(), &missing(text.as_bytes(), &WANTED));
        String::from_utf8(new).expect("text")
    }

    #[test]
    fn only_what_is_missing_is_added_and_every_byte_stays() {
        let all = format!("{MARKER}\n/a/*\n!/a/b\n*.local\n");
        assert_eq!(added(""), all);
        assert_eq!(added("x\n"), format!("x\n{all}"));
        assert_eq!(added("x"), format!("x\n{all}"));
        assert_eq!(
            added("*.local \n\n"),
            format!("*.local \n\n{MARKER}\n/a/*\n!/a/b\n")
        );
        assert_eq!(
            added("x\r\n"),
            format!("x\r\n{}", all.replace('\n', "\r\n"))
        );
        assert_eq!(
            added("x\r\ny"),
            format!("x\r\ny\r\n{}", all.replace('\n', "\r\n"))
        );
        assert!(missing(all.as_bytes(), &WANTED).is_empty());
        assert!(missing(b"\xef\xbb\xbf/a/*\r\n!/a/b\r\n*.local", &WANTED).is_empty());
    }

    #[test]
    fn an_exception_before_its_rule_is_none() {
        assert_eq!(missing(b"!/a/b\n*.local\n", &WANTED), ["/a/*", "!/a/b"]);
        assert_eq!(missing(b"!/a/b\n/a/*\n*.local\n", &WANTED), ["!/a/b"]);
        assert_eq!(missing(b"/a/*\n!/a/b\n/a/*\n*.local\n", &WANTED), ["!/a/b"]);
    }

    #[test]
    fn what_was_added_is_removed_and_nothing_else() {
        for text in ["", "x\n", "x\r\n", "*.local\n", "/a/*\n!/a/b\n"] {
            let back = remove(added(text).as_bytes(), &WANTED).expect("a block");
            assert_eq!(String::from_utf8(back).expect("text"), text);
        }
        assert_eq!(remove(b"/a/*\n*.local\n", &WANTED), None);
        let more = format!("{MARKER}\n/a/*\nmine\n*.local\n");
        assert_eq!(
            remove(more.as_bytes(), &WANTED).as_deref(),
            Some(&b"mine\n*.local\n"[..])
        );
    }

    #[test]
    fn bytes_that_are_no_text_stay_as_they_are() {
        let new = add(b"\xff\x00\n", &["*.local"]);
        assert!(new.starts_with(b"\xff\x00\n"));
        assert_eq!(remove(&new, &WANTED).as_deref(), Some(&b"\xff\x00\n"[..]));
    }

    proptest! {
        #[test]
        fn what_is_added_is_found_and_taken_out_again(text in bytes(), at in 0..=WANTED.len()) {
            let lines = &WANTED[..at];
            let new = add(&text, lines);
            prop_assert!(new.starts_with(&text));
            prop_assume!(remove(&text, &WANTED).is_none());
            let back = remove(&new, &WANTED).expect("a block");
            // A last line without an end has one now.
            let end: &[u8] = if text.is_empty() || text.ends_with(b"\n") { b"" } else { line_end(&text) };
            prop_assert_eq!(back, [&*text, end].concat());
            prop_assert!(missing(&add(&text, &missing(&text, &WANTED)), &WANTED).is_empty());
        }
    }
}
