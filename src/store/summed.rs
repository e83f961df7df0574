//! JSON with a sum of itself at its end, so that what a disk or somebody has changed is not taken for what we have
//! written.

use crate::sys::hex::hex;
use serde::Serialize;
use serde::de::Error as _;
use serde_json::Result;
use sha2::{Digest as _, Sha256};

/// What stands between the rest and the sum, and behind it.
const SUM: &[u8] = b",\"sum\":\"";
const END: &[u8] = b"\"}";

/// The text of `value`, which is an object with something in it.
pub(super) fn print(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec(value)?;
    let sum = sum(&text);
    text.pop();
    text.extend_from_slice(SUM);
    text.extend_from_slice(sum.as_bytes());
    text.extend_from_slice(END);
    Ok(text)
}

/// Is a text as it was written? Earlier versions of this program put no sum in it.
///
/// # Errors
/// When it has another sum than it says.
pub(super) fn check(text: &[u8]) -> Result<()> {
    let Some(at) = text.windows(SUM.len()).rposition(|part| part == SUM) else {
        return Ok(());
    };
    let (rest, said) = text.split_at(at);
    let said = said[SUM.len()..].strip_suffix(END);
    if said == Some(sum(&[rest, b"}"].concat()).as_bytes()) {
        return Ok(());
    }
    Err(serde_json::Error::custom("it has another sum than it says"))
}

/// The sum that a text says of itself.
pub(super) fn said(text: &[u8]) -> Option<String> {
    let at = text.windows(SUM.len()).rposition(|part| part == SUM)?;
    let sum = text[at + SUM.len()..].strip_suffix(END)?;
    String::from_utf8(sum.to_vec()).ok()
}

fn sum(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::damaged;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn sound() -> Value {
        json!({ "version": 1, "path": "a/b", "new": "1111", "steps": [1, 2] })
    }

    #[test]
    fn what_has_no_sum_is_read_too() {
        check(br#"{"b":1,"a":2}"#).expect("as it was written");
        let text = print(&sound()).expect("written");
        check(&text).expect("as it was written");
        serde_json::from_slice::<Value>(&text).expect("JSON");
    }

    proptest! {
        #[test]
        fn what_was_changed_is_not_taken_for_what_was_written(text in damaged(print(&sound()).expect("written"))) {
            // What has lost its sum is as an earlier version wrote it.
            let has_sum = text.windows(SUM.len()).any(|part| part == SUM);
            if has_sum && check(&text).is_ok() && let Ok(mut value) = serde_json::from_slice::<Value>(&text) {
                value.as_object_mut().map(|fields| fields.remove("sum"));
                prop_assert_eq!(value, sound());
            }
        }
    }
}
