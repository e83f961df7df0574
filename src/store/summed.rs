//! JSON with a sum of itself in it, so that what a disk or somebody has changed is not taken for what we have written.

use crate::sys::hex::hex;
use serde::Serialize;
use serde::de::Error as _;
use serde_json::{Result, Value};
use sha2::{Digest as _, Sha256};

/// The field that has it.
const SUM: &str = "sum";

/// The text of `value`, which is an object.
pub(super) fn print(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut value = serde_json::to_value(value)?;
    let sum = sum(&value)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert(SUM.to_owned(), sum.into());
    }
    serde_json::to_vec(&value)
}

/// What a text says. Earlier versions of this program put no sum in it.
///
/// # Errors
/// When it is no JSON, or has another sum than it says.
pub(super) fn parse(text: &[u8]) -> Result<Value> {
    let mut value: Value = serde_json::from_slice(text)?;
    let said = value.as_object_mut().and_then(|fields| fields.remove(SUM));
    match said {
        Some(said) if said != sum(&value)? => {
            Err(serde_json::Error::custom("it has another sum than it says"))
        }
        _ => Ok(value),
    }
}

/// Fields are in order in a [`Value`], so the same ones have the same sum.
fn sum(value: &Value) -> Result<String> {
    Ok(hex(&Sha256::digest(serde_json::to_vec(value)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::damaged;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_has_no_sum_is_read_too() {
        assert_eq!(
            parse(br#"{"b":1,"a":2}"#).expect("JSON"),
            json!({ "a": 2, "b": 1 })
        );
    }

    proptest! {
        #[test]
        fn what_was_changed_is_not_taken_for_what_was_written(
            text in damaged(print(&json!({ "version": 1, "path": "a/b", "new": "1111", "steps": [1, 2] })).expect("written")),
        ) {
            let sound = json!({ "version": 1, "path": "a/b", "new": "1111", "steps": [1, 2] });
            if let Ok(value) = parse(&text) {
                // Blanks say nothing, and what has lost its sum is as an earlier version wrote it.
                let has_sum = text.windows(5).any(|part| part == b"\"sum\"");
                prop_assert!(value == sound || !has_sum, "{value}");
            }
        }
    }
}
