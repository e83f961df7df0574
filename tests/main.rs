//! The suite: stories about the program as its users know it, told on real repositories.
//!
//! One file a theme, one binary for all: `cargo test --test suite` or `cargo nextest run`.
//! Every story runs in a sandbox of its own (`support/sandbox.rs`); a failure prints the whole
//! scene, and `GIT_SYNC_TEST_KEEP=1` leaves it on disk.
#![expect(
    clippy::disallowed_methods,
    reason = "a test starts programs, writes files and reads the environment on purpose"
)]
#![expect(clippy::print_stderr, reason = "a kept scene says where it is")]
#![expect(
    clippy::unwrap_used,
    reason = "where a test cannot go on it fails, with a backtrace"
)]
#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "names in a repository are bytes, `*.local` is a rule of git"
)]

mod support;

mod any_tree;
mod background;
mod backups;
mod beside_git;
mod branches;
mod collisions;
mod companions;
mod completions;
mod copies;
mod cost;
mod damaged;
mod doctor;
mod dry_run;
mod durability;
mod encrypted;
mod encrypted_backups;
mod environment;
mod faults;
mod fidelity;
mod filters;
mod force;
mod guards;
mod healing;
mod holds;
mod hooks;
mod hooks_installed;
mod hostile;
mod imported_repositories;
mod imports;
mod large_files;
mod layers;
mod local;
mod machines;
mod many_paths;
mod marks;
mod model;
mod mutations;
mod names;
mod packages;
mod permissions;
mod places;
mod policies;
mod progress;
mod prompt;
mod races;
mod recipients;
mod reference;
mod refused_marks;
mod repos;
mod resolve;
mod restore;
mod retention;
mod rollback;
mod saved_meanwhile;
mod schedule;
mod selective;
mod settings;
mod setup;
mod setup_killed;
mod shell_start;
mod status;
mod submodules;
mod sync_basic;
mod uncommitted;
mod undo;
mod unreachable;
mod unshared;
mod upstream;
mod usage;
mod variants;
mod watch;
mod words;

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_file_of_this_folder_is_part_of_the_suite() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(".rs").unwrap_or(&name).to_owned())
        .filter(|name| !["main", "support"].contains(&&**name))
        .collect();
    let wired: BTreeSet<String> = include_str!("main.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .filter(|name| *name != "support")
        .map(str::to_owned)
        .collect();
    assert_eq!(
        files, wired,
        "left: files in tests/, right: modules in tests/main.rs"
    );
}
