//! `.git/sync/history.jsonl`: one line for every run.

use super::layout::Layout;
use crate::error::{Error, Result};
use crate::model::run::RunRecord;
use crate::sys::fs;

/// Above this size the file becomes `history.jsonl.1`, in the place of an older one.
const ROTATE_AT: u64 = 8 * 1024 * 1024;

/// Adds a run.
pub fn append(layout: &Layout, record: &RunRecord) -> Result<()> {
    let path = layout.history();
    if fs::look(&path)?.is_some_and(|found| found.len() > ROTATE_AT) {
        fs::rename(&path, &path.with_extension("jsonl.1"))?;
    }
    let mut line = serde_json::to_vec(record)
        .map_err(|source| Error::failed("the run cannot be recorded").because(source))?;
    line.push(b'\n');
    fs::append(&path, &line)
}

/// The newest `count` runs, newest first. A line that cannot be read (a write that a power cut
/// halved, or a newer format) is passed over.
pub fn newest(layout: &Layout, count: usize) -> Result<Vec<RunRecord>> {
    let path = layout.history();
    let mut records = Vec::new();
    for path in [path.clone(), path.with_extension("jsonl.1")] {
        let bytes = fs::read(&path)?.unwrap_or_default();
        let lines = bytes
            .rsplit(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        let readable = lines.filter_map(|line| serde_json::from_slice(line).ok());
        records.extend(readable.take(count - records.len()));
        if records.len() == count {
            break;
        }
    }
    Ok(records)
}
