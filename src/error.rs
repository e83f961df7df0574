//! The one error of the program: whose fault it is, what failed, why, and what to do next.
//!
//! Every layer returns this type, so that a sentence is written where the facts are known and a
//! hint where the use case is. Outcomes that a caller acts on (a push that lost a race, a remote
//! that cannot be reached) are values of their own and not errors.

use std::fmt;

/// Whose fault a failure is; `cli::exit` turns it into the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The words typed make no sense.
    Usage,
    /// There is nothing to work on: no repository, not enrolled, a bad setting, no git.
    Fatal,
    /// It could be done, but a person has to decide or finish something first.
    Blocked,
    /// The system said no: disk, permission, a program that failed.
    Failed,
    /// The remote was not reached or refused the login.
    Unreachable,
    /// Another run holds the lock.
    Busy,
    /// What is about to be changed could not be backed up.
    Backup,
    /// The question was declined, or could not be asked.
    Declined,
    /// The user or the system ended the run.
    Interrupted,
}

/// A failure as it is told to people: `message`, then the chain of `source`, then `hints`.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    hints: Vec<String>,
}

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind`; `message` says what failed, lower case, subject in single quotes.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
            hints: Vec::new(),
        }
    }

    /// A [`Kind::Fatal`] error.
    pub fn fatal(message: impl Into<String>) -> Self {
        Self::new(Kind::Fatal, message)
    }

    /// A [`Kind::Blocked`] error.
    pub fn blocked(message: impl Into<String>) -> Self {
        Self::new(Kind::Blocked, message)
    }

    /// A [`Kind::Failed`] error.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds one line that says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Whose fault it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What to do next, one line each.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// The causes below the message, outermost first, without repetition.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            let text = cause.to_string();
            if !text.is_empty() && causes.last() != Some(&text) && text != self.message {
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }

    /// The innermost cause, or the message where it has none: the reason alone, where what it is about is said
    /// already.
    pub fn root_cause(&self) -> String {
        self.causes().pop().unwrap_or_else(|| self.message.clone())
    }

    /// The message and the causes in one line, for a log or a table: what git and hooks said in several goes on
    /// behind a semicolon.
    pub fn in_one_line(&self) -> String {
        let said = std::iter::once(self.message.clone()).chain(self.causes());
        let lines = said.map(|text| {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.collect::<Vec<_>>().join("; ")
        });
        lines.collect::<Vec<_>>().join(": ")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once_and_in_order() {
        let inner = Error::failed("no space left on device");
        let middle = Error::failed("cannot write 'a'").because(inner);
        let outer = Error::failed("backup failed").because(middle);
        assert_eq!(
            outer.causes(),
            ["cannot write 'a'", "no space left on device"]
        );
    }

    #[test]
    fn what_others_said_in_several_lines_goes_into_one() {
        let error =
            Error::failed("the push failed").because("remote: no room\r\n\n  remote: sorry\n");
        assert_eq!(
            error.in_one_line(),
            "the push failed: remote: no room; remote: sorry"
        );
    }
}
