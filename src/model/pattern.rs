//! Patterns of paths and of machines. They come from files that every machine can write: one that cannot be used is
//! refused, and never the end of a run.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use std::path::Path;

/// No pattern that means something is longer. One that nests itself for ever would use up the stack while it is read.
const LONGEST: usize = 1000;

/// A pattern, ready to be asked.
#[derive(Debug, Clone)]
pub struct Pattern(Form);

#[derive(Debug, Clone)]
enum Form {
    /// It is one name, as most of them are: there is nothing to be compiled.
    Name(String),
    Set(GlobSet),
}

impl Pattern {
    /// A pattern in which `*` does not fit a slash.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn of_paths(text: &str) -> Result<Self, String> {
        Self::new(text, true)
    }

    /// A pattern of names.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn of_names(text: &str) -> Result<Self, String> {
        Self::new(text, false)
    }

    fn new(text: &str, paths: bool) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '/');
        if text.chars().all(plain) {
            return Ok(Self(Form::Name(text.to_owned())));
        }
        let glob = GlobBuilder::new(text).literal_separator(paths).build();
        let compile = |glob: Glob| {
            // One alone would be compiled without a way to fail.
            GlobSetBuilder::new().add(glob).build()
        };
        let set = glob.and_then(compile);
        set.map(|set| Self(Form::Set(set)))
            .map_err(|source| source.kind().to_string())
    }

    /// Does it fit?
    pub fn fits(&self, name: impl AsRef<Path>) -> bool {
        match &self.0 {
            Form::Name(text) => name.as_ref().as_os_str() == text.as_str(),
            Form::Set(set) => set.is_match(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::text;
    use proptest::prelude::*;

    #[test]
    fn a_star_stops_at_a_slash_in_paths_alone() {
        let fits = |pattern: Result<Pattern, String>, name| pattern.expect("a pattern").fits(name);
        assert!(fits(Pattern::of_paths("a*"), "ab") && !fits(Pattern::of_paths("a*"), "a/b"));
        assert!(fits(Pattern::of_names("a*"), "a/b"));
    }

    #[test]
    fn what_is_too_much_to_be_used_is_refused() {
        for text in [
            format!("{}a{}", "{".repeat(300), "}".repeat(300)),
            "{".repeat(100_000),
            "[!a]".repeat(100_000),
            "{a,".repeat(200),
            "[z-a]".to_owned(),
        ] {
            Pattern::of_paths(&text).expect_err("refused");
            Pattern::of_names(&text).expect_err("refused");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_of_anything_is_used_or_refused(text in text(), other in "[{}\\[\\]!a,*?/-]{0,60}", name in text()) {
            for text in [text, other] {
                let both = [Pattern::of_paths(&text), Pattern::of_names(&text)];
                for pattern in both.into_iter().flatten() {
                    pattern.fits(&name);
                }
            }
        }
    }
}
