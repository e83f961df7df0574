//! The program that is broken on purpose (`tests/mutations/run.sh`): here only that each way still applies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn patches() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutations");
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "patch"));
    paths
}

#[test]
fn each_mutation_still_finds_its_place() {
    let patches = patches();
    assert!(patches.len() > 5);
    let checked = Command::new("git")
        .args(["apply", "--check"])
        .args(&patches)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("git runs");
    let errors = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{errors}");
}

#[test]
fn each_mutation_says_what_is_missing_and_who_notices() {
    for patch in patches() {
        let text = fs::read_to_string(&patch).unwrap();
        let mut lines = text.lines();
        let what = lines.next().unwrap();
        let by = lines.next().unwrap().strip_prefix("Caught by: ");
        let filters = by.map_or(Vec::new(), |by| by.split(' ').collect());
        assert!(what.ends_with('.') && !filters.is_empty(), "{patch:?}");
        for filter in filters {
            let module = filter.split("::").next().unwrap();
            let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
            let is_there =
                tests.join(module).is_dir() || tests.join(format!("{module}.rs")).is_file();
            assert!(is_there, "{patch:?}: {filter}");
        }
    }
}
