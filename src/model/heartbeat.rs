//! What a machine leaves at the remote about itself, so that the others know how it is.

use super::entry::Oid;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// Below this are the heartbeats, one ref for each machine, here and at the remote.
pub const PREFIX: &str = "refs/git-sync/machines/";

/// The version of the format that this program writes.
const SCHEMA: u32 = 1;

/// How a machine was when it last reached the remote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    schema: u32,
    /// Its id.
    pub machine: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version of this program there.
    pub version: String,
    /// When, RFC 3339.
    pub time: String,
    /// The branch that it syncs.
    pub branch: String,
    /// Where the branch was there.
    pub tip: Oid,
    /// The paths that wait for a decision there, quoted as git quotes.
    pub held: Vec<String>,
}

impl Heartbeat {
    /// One of now.
    pub fn new(machine: String, kind: String, time: String, branch: String, tip: Oid) -> Self {
        Self {
            schema: SCHEMA,
            machine,
            kind,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            time,
            branch,
            tip,
            held: Vec::new(),
        }
    }

    /// Reads one; what a newer program has added is left out, and what is none of it is `None`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }
}

/// The ref of a machine: what git refuses in names of refs is escaped, gitglossary "ref" and
/// git-check-ref-format(1).
pub fn ref_name(machine: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'@');
    let mut name = PREFIX.to_owned();
    for byte in machine.bytes() {
        if plain(byte) {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{bytes, damaged, text};
    use proptest::prelude::*;

    #[test]
    fn every_name_of_a_machine_is_one_of_a_ref() {
        for (machine, name) in [
            ("ana@mbp-mac", "ana@mbp-mac"),
            ("a b..c/d~^:?*[\\", "a%20b%2E%2Ec%2Fd%7E%5E%3A%3F%2A%5B%5C"),
            ("ö@{x}.lock", "%C3%B6@%7Bx%7D%2Elock"),
        ] {
            assert_eq!(ref_name(machine), format!("{PREFIX}{name}"));
        }
    }

    #[test]
    fn what_a_newer_program_adds_is_no_harm() {
        let text = br#"{"schema":2,"machine":"a","type":"mac","version":"9","time":"2026-01-01T00:00:00Z",
            "branch":"main","tip":"1111111111111111111111111111111111111111","held":["x"],"mood":"good"}"#;
        let beat = Heartbeat::parse(text).expect("a heartbeat");
        assert_eq!((&*beat.machine, beat.held.len()), ("a", 1));
        assert_eq!(Heartbeat::parse(b"no"), None);
    }

    const BEAT: &str = r#"{"schema":1,"machine":"ana@a-mac","type":"mac","version":"0.1.0","time":"2026-11-20T10:44:10Z","branch":"main","tip":"1111111111111111111111111111111111111111","held":["a","\"b\\n\""]}"#;

    proptest! {
        /// They come from whoever can push.
        #[test]
        fn one_of_anything_is_read_or_is_none(text in bytes(), other in damaged(BEAT)) {
            for text in [text, other] {
                if let Some(beat) = Heartbeat::parse(&text) {
                    prop_assert_eq!(Oid::parse(beat.tip.as_str()), Some(beat.tip));
                }
            }
        }

        #[test]
        fn every_machine_has_a_ref_of_its_own(one in text(), other in text()) {
            let name = ref_name(&one);
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && !b"~^:?*[\\".contains(&byte)));
            prop_assert_eq!(one == other, name == ref_name(&other));
        }
    }
}
