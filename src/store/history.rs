//! `.git/sync/history.jsonl`: one line for every run.

use super::layout::Layout;
use crate::error::{Error, Result};
use crate::model::run::RunRecord;
use crate::sys::fs;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Above this size the file becomes `history.jsonl.1`, in the place of an older one.
const ROTATE_AT: u64 = 8 * 1024 * 1024;

/// So many bytes from the end have what most callers ask for.
const FIRST_LOOK: usize = 32 * 1024;

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
    let mut records = newest_in(&path, count)?;
    if records.len() < count {
        let older = path.with_extension("jsonl.1");
        records.extend(newest_in(&older, count - records.len())?);
    }
    Ok(records)
}

/// The newest `count` runs of one file: from its end, no more of it than they need.
fn newest_in<T: DeserializeOwned>(path: &Path, count: usize) -> Result<Vec<T>> {
    let mut most = FIRST_LOOK;
    loop {
        let end = fs::read_end(path, most)?.unwrap_or_default();
        let is_all = end.len() < most;
        let mut lines: Vec<_> = end.rsplit(|byte| *byte == b'\n').collect();
        if !is_all {
            // The first one may have begun before.
            lines.pop();
        }
        let readable = lines.iter().filter(|line| !line.is_empty());
        let readable = readable.filter_map(|line| serde_json::from_slice(line).ok());
        let newest: Vec<T> = readable.take(count).collect();
        if is_all || newest.len() == count {
            return Ok(newest);
        }
        most *= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_found_from_the_end_however_long_they_are() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("history");
        assert_eq!(newest_in::<u64>(&path, 3).expect("read"), Vec::<u64>::new());
        // Lines of many lengths, some of which cannot be read, over several looks.
        for number in 0..2000_u64 {
            let spaces = " ".repeat(usize::try_from(number % 97).expect("small"));
            let broken = if number % 10 == 3 { "?" } else { "" };
            let line = format!("{broken}{number}{spaces}\n");
            fs::append(&path, line.as_bytes()).expect("written");
        }
        let all: Vec<_> = (0..2000).rev().filter(|number| number % 10 != 3).collect();
        for count in [0, 1, 7, 500, 1000, 1800, 5000] {
            let newest: Vec<u64> = newest_in(&path, count).expect("read");
            assert_eq!(newest, all[..count.min(all.len())], "{count}");
        }
        // A write that a power cut has halved.
        fs::append(&path, b"{\"half").expect("written");
        assert_eq!(newest_in::<u64>(&path, 1).expect("read"), [1999]);
    }

    #[test]
    fn a_line_that_is_longer_than_the_first_look_is_found() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("history");
        let long = "x".repeat(FIRST_LOOK * 5);
        fs::append(&path, format!("1\n{long:?}\n").as_bytes()).expect("written");
        assert_eq!(newest_in::<String>(&path, 1).expect("read"), [long]);
    }
}
