//! What a sync says of itself, in its JSON.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use serde_json::Value;

/// The paths that a sync says are held.
pub(super) fn held(json: &Value) -> Vec<PathBuf> {
    paths(&json["conflicts"])
}

/// The paths that it says it has left alone, the copies of marked ones too.
pub(super) fn left(json: &Value) -> Vec<PathBuf> {
    let mut left = paths(&json["skipped"]);
    left.extend(unmended(json).filter_map(|mark| path(&mark["store"])));
    left
}

/// The marks that it has left as they are.
pub(super) fn unmended(json: &Value) -> impl Iterator<Item = &Value> {
    let marks = json["marks"].as_array().into_iter().flatten();
    marks.filter(|mark| !mark["left"].is_null())
}

fn paths(list: &Value) -> Vec<PathBuf> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|object| path(&object["path"])).collect()
}

/// A path as a string, or as an object with its bytes.
pub(super) fn path(value: &Value) -> Option<PathBuf> {
    if let Some(text) = value.as_str() {
        return Some(text.into());
    }
    let hex = value["hex"].as_str()?.as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<_>> = hex.chunks(2).map(byte).collect();
    Some(OsString::from_vec(bytes?).into())
}
