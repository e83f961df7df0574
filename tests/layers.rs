//! Imports point downwards: the layers of `docs/architecture.md`, held against the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which layer may name which, lowest first; itself it may always name.
const MAY_USE: [(&str, &[&str]); 8] = [
    ("error", &[]),
    ("model", &["error"]),
    ("sys", &["error"]),
    ("git", &["error", "model", "sys"]),
    ("store", &["error", "model", "sys", "git"]),
    ("ops", &["error", "model", "sys", "git", "store"]),
    ("ui", &["error", "model", "sys", "ops"]),
    (
        "cli",
        &["error", "model", "sys", "git", "store", "ops", "ui"],
    ),
];

/// What the unit tests of all layers share; it is in no program.
const TESTING: &str = "testing";

#[test]
fn imports_point_downwards() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in sources(&src) {
        let inside = file.strip_prefix(&src).expect("a file below src/");
        let first = inside.iter().next().expect("a name").to_string_lossy();
        let layer = first.trim_end_matches(".rs");
        if ["lib", "main", TESTING].contains(&layer) {
            continue;
        }
        seen.insert(layer.to_owned());
        let row = MAY_USE.iter().find(|(name, _)| *name == layer);
        let allowed = row.map_or(&[][..], |(_, allowed)| allowed);
        for used in imports(&fs::read_to_string(&file).expect("readable")) {
            if used != layer && used != TESTING && !allowed.contains(&used.as_str()) {
                wrong.push(format!(
                    "src/{}: {layer} may not use {used}",
                    inside.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let listed: BTreeSet<_> = MAY_USE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        seen, listed,
        "left: layers in src/, right: layers in the table"
    );
}

#[test]
fn every_way_to_write_an_import_is_read() {
    let text = "use crate::a::{B, c::D};\n//! [`crate::no`]\nuse crate::{\n    e::F,\n    g::{H, i},\n};\nfn x() { crate::j::k() }";
    let expected = ["a", "e", "g", "j"].map(str::to_owned);
    assert_eq!(imports(text), BTreeSet::from(expected));
}

/// The names behind `crate::`, comments left out: `crate::name` and `crate::{name, …}`.
fn imports(text: &str) -> BTreeSet<String> {
    let code: Vec<_> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join("\n");
    let mut names = BTreeSet::new();
    let mut add = |text: &str| {
        let name = text
            .trim()
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .next();
        names.extend(name.filter(|name| !name.is_empty()).map(str::to_owned));
    };
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            add(rest);
            continue;
        };
        let mut depth = 1;
        for part in group.split_inclusive(['{', '}', ',']) {
            // What is deeper belongs to one of the names.
            if depth == 1 {
                add(part);
            }
            depth += i32::from(part.ends_with('{')) - i32::from(part.ends_with('}'));
            if depth == 0 {
                break;
            }
        }
    }
    names
}

/// Every Rust file below `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("listed").path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}
