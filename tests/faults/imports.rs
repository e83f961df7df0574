//! `mark --import`: a run is stopped, or starved of its disk, while it takes over what another tool keeps.

use super::fault::{FULL, Kill, Struck};
use super::oracle::{is_tidy, is_usable};
use super::scenario::Scenario;
use crate::marks::nothing_beside;
use crate::support::{Machine, Sandbox};

const FILES: [(&str, &str, &str); 3] = [
    (".rc", "shell/.rc", "rc\n"),
    (".vim", "vim/.vim", "set nu\n"),
    (".config/app", "app/.config/app", "a\n"),
];

/// A machine with packages of stow, as stow has linked them.
fn stowed() -> Scenario {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("../dotfiles/shell/.rc", "rc\n")
        .write("../dotfiles/vim/.vim/vimrc", "set nu\n")
        .write("../dotfiles/app/.config/app/config", "a\n")
        .write("../.config/own", "of no package\n");
    laptop.link("../.rc", "dotfiles/shell/.rc");
    laptop.link("../.vim", "dotfiles/vim/.vim");
    laptop.link("../.config/app", "../dotfiles/app/.config/app");
    laptop.sync([]).succeeds();
    Scenario {
        laptop,
        remote,
        line: &["git-sync", "mark", "--import", "stow", "--yes"],
    }
}

/// Expects each content at its path, and in the folder of the tool.
#[track_caller]
fn is_readable(laptop: &Machine, when: &str) {
    for (live, kept, text) in FILES {
        for path in [live.to_owned(), format!("dotfiles/{kept}")] {
            let path = laptop.home().join(path);
            let files = [path.clone(), path.join("vimrc"), path.join("config")];
            let found = files
                .iter()
                .find_map(|path| std::fs::read_to_string(path).ok());
            assert_eq!(
                found.as_deref(),
                Some(text),
                "{when}: {}\n{}",
                path.display(),
                laptop.scenery()
            );
        }
    }
}

/// Expects each link to lead into the repository, as soon as it is in the list.
#[track_caller]
fn is_settled(laptop: &Machine, all: bool, when: &str) {
    let list = laptop.sync(["list"]).succeeds().stdout();
    assert!(!list.contains('!'), "{when}: {list}");
    assert!(!all || list.lines().count() == 3, "{when}: {list}");
    for (live, _, _) in FILES {
        let target = std::fs::read_link(laptop.home().join(live)).unwrap();
        let ours = target.starts_with(laptop.path("external"));
        assert_eq!(ours, list.contains(live), "{when}: {live} in {list:?}");
    }
    nothing_beside(laptop, ".");
    nothing_beside(laptop, ".config");
}

/// Types the command again, and syncs.
fn again(scenario: &Scenario) {
    scenario.play().exits_with_one_of(&[0, 1]);
    scenario.laptop.sync([]).succeeds();
}

#[test]
fn an_import_survives_a_kill() {
    let scenario = stowed();
    let laptop = &scenario.laptop;
    let trial = scenario.undisturbed(&Kill);
    is_settled(laptop, true, "undisturbed");
    for Struck { when, .. } in trial.strikes(10) {
        is_readable(laptop, &when);
        is_usable(laptop, &when);
        laptop.sync([]).succeeds();
        is_readable(laptop, &when);
        is_settled(laptop, false, &when);
        is_tidy(laptop, &when);
        again(&scenario);
        is_readable(laptop, &when);
        is_settled(laptop, true, &when);
    }
}

#[test]
fn an_import_survives_a_full_disk() {
    let scenario = stowed();
    let laptop = &scenario.laptop;
    for Struck { when, .. } in scenario.undisturbed(&FULL).strikes(5) {
        is_readable(laptop, &when);
        is_usable(laptop, &when);
        laptop.sync([]).succeeds();
        again(&scenario);
        is_readable(laptop, &when);
        is_settled(laptop, true, &when);
    }
}
