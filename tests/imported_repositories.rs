//! `mark --import` of repositories that have the home as their work tree: by hand, and by yadm.

use crate::imports::{changes_nothing_unasked, left, print_of, proposed, scene};
use crate::marks::is_linked;
use crate::support::Machine;

/// A bare repository with the home as its work tree.
fn bare(machine: &Machine, git_dir: &str, files: &str) {
    machine
        .sh(&format!(
            "cd ~ && git init -q --bare {git_dir} && \
             git --git-dir={git_dir} --work-tree=$HOME add -f {files} && \
             git --git-dir={git_dir} --work-tree=$HOME commit -qm first"
        ))
        .succeeds();
}

#[test]
fn a_bare_repository_of_the_home_is_proposed_and_taken() {
    let (laptop, server, _) = scene();
    laptop
        .write("../.zshrc", "z\n")
        .write("../.ssh/config", "Host a\n")
        .write("../.gitignore", "*\n")
        .write("../.gone", "g\n")
        .write("../.changed", "1\n");
    laptop.chmod("../.ssh/config", 0o600);
    laptop.link("../.alias", ".zshrc");
    bare(
        &laptop,
        ".cfg",
        ".zshrc .ssh/config .gitignore .gone .changed .alias",
    );
    laptop.remove("../.gone");
    laptop.write("../.changed", "2\n");
    // What the repository would run is not run.
    laptop
        .sh("git --git-dir=$HOME/.cfg config core.fsmonitor 'touch ~/ran; false'")
        .succeeds();
    let json = changes_nothing_unasked(&laptop, "bare");
    assert_eq!(
        proposed(&json),
        [
            "~/.changed file -",
            "~/.ssh/config file -",
            "~/.zshrc file -",
        ]
    );
    assert_eq!(
        left(&json),
        [
            "~/.alias: is a link: mark what it leads to",
            "~/.gitignore: is about that repository",
            "~/.gone: is not there",
        ]
    );
    let git_dir = laptop.home().join(".cfg");
    let before = print_of(&git_dir);
    laptop
        .sync(["mark", "--import", "bare", "--yes"])
        .succeeds();
    assert!(print_of(&git_dir) == before, "the repository was changed");
    laptop.lacks("../ran").has("../.changed", "2\n");
    is_linked(&laptop, ".ssh/config");
    assert_eq!(laptop.mode("external/.ssh/config"), 0o600);
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    server.has("../.changed", "2\n");
    assert_eq!(server.mode("external/.ssh/config"), 0o600);
}

#[test]
fn a_repository_with_another_name_has_to_be_named() {
    let (laptop, _, _) = scene();
    laptop
        .sync(["mark", "--import", "bare"])
        .exits(128)
        .tells("there is no set-up of bare")
        .tells("git sync mark --import bare PATH");
    laptop.write("../.zshrc", "z\n");
    bare(&laptop, "elsewhere.git", ".zshrc");
    let json = laptop
        .sync([
            "mark",
            "--import",
            "bare",
            "~/elsewhere.git",
            "-n",
            "--json",
        ])
        .json();
    assert_eq!(proposed(&json), ["~/.zshrc file -"]);
    // Its work tree is what it says itself.
    laptop
        .write("../part/rc", "r\n")
        .sh(
            "cd ~ && git init -q --bare p.git && git --git-dir=p.git config core.bare false && \
             git --git-dir=p.git config core.worktree $HOME/part && \
             cd part && git --git-dir=../p.git add rc",
        )
        .succeeds();
    let json = laptop
        .sync(["mark", "--import", "bare", "~/p.git", "-n", "--json"])
        .json();
    assert_eq!(proposed(&json), ["~/part/rc file -"]);
}

#[test]
fn files_and_alternates_of_yadm_are_proposed_and_taken() {
    let (laptop, _, _) = scene();
    laptop
        .write("../.bashrc", "b\n")
        .write("../.gitconfig2##os.Linux", "linux\n")
        .write("../.gitconfig2##os.Darwin", "mac\n")
        .write("../.made##template", "{{ x }}\n")
        .write("../.made", "made\n")
        .write("../.not##os.Darwin", "mac\n");
    laptop.link("../.gitconfig2", ".gitconfig2##os.Linux");
    laptop.write("../.config/yadm/alt/.apart##default", "apart\n");
    laptop.link("../.apart", ".config/yadm/alt/.apart##default");
    bare(
        &laptop,
        ".local/share/yadm/repo.git",
        ".bashrc '.config/yadm/alt/.apart##default' '.gitconfig2##os.Linux' '.gitconfig2##os.Darwin' '.made##template' '.not##os.Darwin'",
    );
    let json = changes_nothing_unasked(&laptop, "yadm");
    assert_eq!(
        proposed(&json),
        [
            "~/.apart link chosen by yadm: what was chosen here is taken",
            "~/.bashrc file -",
            "~/.gitconfig2 link chosen by yadm: what was chosen here is taken",
            "~/.made file made by yadm: what it made here is taken",
        ]
    );
    assert!(left(&json).contains(&"~/.not: is not there".to_owned()));
    assert_eq!(left(&json).len(), 6);
    let git_dir = laptop.home().join(".local/share/yadm");
    let before = print_of(&git_dir);
    laptop
        .sync(["mark", "--import", "yadm", "--yes"])
        .succeeds();
    assert!(print_of(&git_dir) == before, "the repository was changed");
    is_linked(&laptop, ".gitconfig2");
    laptop
        .has("../.gitconfig2", "linux\n")
        .has("../.gitconfig2##os.Linux", "linux\n");
}
