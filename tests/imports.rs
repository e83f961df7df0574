//! `mark --import`: set-ups of other tools, proposed and taken over, with nothing of them changed.

use crate::marks::{is_linked, is_real};
use crate::support::{Machine, Remote, Running, Sandbox, needs, on_a_terminal};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Everything below a folder: the mode, and the content or the target.
pub(crate) fn print_of(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut next = vec![folder.to_owned()];
    while let Some(path) = next.pop() {
        let found = path.symlink_metadata().unwrap();
        let content = if found.is_symlink() {
            fs::read_link(&path).unwrap().as_os_str().as_bytes().into()
        } else if found.is_dir() {
            next.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            Vec::new()
        } else {
            fs::read(&path).unwrap()
        };
        all.insert(path, (found.permissions().mode(), content));
    }
    all
}

/// Two machines that have synced once, and the remote.
pub(crate) fn scene() -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    (laptop, server, remote)
}

/// Expects that a tool is asked about to no effect: shown, refused without an answer, and with `--json`.
#[track_caller]
pub(crate) fn changes_nothing_unasked(machine: &Machine, tool: &str) -> serde_json::Value {
    let before = print_of(machine.home());
    machine
        .sync(["mark", "--import", tool])
        .exits(5)
        .tells("--yes");
    machine.sync(["mark", "--import", tool, "--json"]).exits(5);
    machine
        .sync(["mark", "--import", tool, "-n"])
        .succeeds()
        .says("Nothing was changed.");
    let json = machine
        .sync(["--mark", "--import", tool, "-n", "--json"])
        .succeeds()
        .json();
    assert!(print_of(machine.home()) == before, "something was changed");
    json
}

/// `PATH LIVE NOTE` of each proposal.
pub(crate) fn proposed(json: &serde_json::Value) -> Vec<String> {
    let all = json["proposals"].as_array().unwrap().iter();
    all.map(|one| {
        let word = |key: &str| one[key].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", word("path"), word("live"), word("note"))
    })
    .collect()
}

/// `PATH: WHY` of each that is left.
pub(crate) fn left(json: &serde_json::Value) -> Vec<String> {
    let all = json["left"].as_array().unwrap().iter();
    all.map(|one| {
        let word = |key: &str| one[key].as_str().unwrap_or("-").to_owned();
        format!("{}: {}", word("path"), word("why"))
    })
    .collect()
}

fn stowed(machine: &Machine) {
    needs("stow");
    machine
        .write("../dotfiles/zsh/.zshrc", "export A=1\n")
        .write("../dotfiles/vim/.vim/vimrc", "set nu\n")
        .write("../dotfiles/vim/.vim/after/x.vim", "x\n")
        .write("../dotfiles/app/.config/app/config", "a\n")
        .write("../dotfiles/app/.config/app/run", "#!/bin/sh\n")
        .write("../dotfiles/app/README.md", "about\n")
        .write("../dotfiles/office/.workrc", "not here\n")
        .write("../.config/app/own", "not of stow\n");
    machine.chmod("../dotfiles/zsh/.zshrc", 0o600);
    machine.chmod("../dotfiles/app/.config/app/run", 0o755);
    machine.sh("cd ~/dotfiles && stow zsh vim app").succeeds();
    machine.links("../.vim", "dotfiles/vim/.vim");
}

#[test]
fn packages_of_stow_are_proposed_taken_and_left_whole() {
    let (laptop, server, remote) = scene();
    stowed(&laptop);
    let json = changes_nothing_unasked(&laptop, "stow");
    assert_eq!(
        proposed(&json),
        [
            "~/.config/app/config link -",
            "~/.config/app/run link -",
            "~/.vim/ link -",
            "~/.zshrc link -",
        ]
    );
    assert_eq!(
        left(&json),
        ["~/dotfiles/office: is a package that has no link here"]
    );
    let packages = laptop.home().join("dotfiles");
    assert_eq!(
        json["proposals"][3]["from"].as_str(),
        packages.join("zsh/.zshrc").to_str()
    );

    let before = print_of(&packages);
    laptop
        .sync(["mark", "--import", "stow", "--yes"])
        .succeeds()
        .says("4 marked, not pushed yet");

    assert!(print_of(&packages) == before, "stow's folder was changed");
    for path in [".config/app/config", ".config/app/run", ".vim", ".zshrc"] {
        is_linked(&laptop, path);
    }
    laptop
        .has("../.zshrc", "export A=1\n")
        .has("../.vim/after/x.vim", "x\n")
        .has("../.config/app/own", "not of stow\n");
    assert_eq!(laptop.mode("external/.zshrc"), 0o600);
    assert_eq!(laptop.mode("external/.config/app/run"), 0o755);
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    server.sync([]).succeeds();
    is_linked(&server, ".vim");
    server.has("../.config/app/run", "#!/bin/sh\n");
    assert_eq!(server.mode("external/.config/app/run"), 0o755);
    assert_eq!(server.mode("external/.zshrc"), 0o600);

    // Once more, there is nothing left to do.
    let again = laptop.sync(["mark", "--import", "stow"]).succeeds();
    again.says("~/.zshrc (is synced already)");
}

#[test]
fn stow_is_found_where_it_says_and_with_names_for_dots() {
    let (laptop, _, _) = scene();
    laptop
        .write("../packs/sh/dot-profile", "p\n")
        .write("../packs/cfg/tool/conf", "c\n")
        .write("../.stowrc", "--dir=~/packs\n--target=$HOME\n");
    laptop.link("../.profile", "packs/sh/dot-profile");
    laptop.link("../tool", "packs/cfg/tool");
    let json = changes_nothing_unasked(&laptop, "stow");
    assert_eq!(proposed(&json), ["~/.profile link -", "~/tool/ link -"]);

    // One package that is the whole folder, named on the command line.
    laptop.write("../all/.inputrc", "i\n");
    laptop.link("../.inputrc", "all/.inputrc");
    laptop.write("../all/.stowrc", "--target=..\n");
    let json = laptop
        .sync(["mark", "--import", "stow", "~/all", "-n", "--json"])
        .json();
    assert_eq!(proposed(&json), ["~/.inputrc link -"]);

    // Elsewhere than in the home, nothing can be marked.
    laptop.write("../../outside/stow/pkg/bin", "b\n");
    laptop.write("../../outside/stow/.stowrc", "--target=..\n");
    laptop.link("../../outside/bin", "stow/pkg/bin");
    let outside = laptop.home().parent().unwrap().join("outside/stow");
    let json = laptop
        .at_home()
        .sync_bytes(&[
            OsStr::new("mark"),
            OsStr::new("--import=stow"),
            outside.as_os_str(),
            OsStr::new("-n"),
            OsStr::new("--json"),
        ])
        .json();
    assert_eq!(proposed(&json), [""; 0]);
    assert!(left(&json)[0].ends_with("/outside/bin: is not in your home"));
}

#[test]
fn castles_of_homeshick_are_proposed_and_taken() {
    let (laptop, server, _) = scene();
    laptop
        .write("../.homesick/repos/base/home/.bashrc", "b\n")
        .write("../.homesick/repos/base/home/.config/tool/conf", "c\n")
        .write("../.homesick/repos/base/home/.later", "not linked\n")
        .write("../.homesick/repos/base/home/.mine", "theirs\n")
        .write("../.homesick/repos/base/home/.other", "o\n")
        .write("../.homesick/repos/base/vim/vimrc", "v\n")
        .write("../.homesick/repos/odd/readme", "no home\n")
        .write("../.mine", "mine\n");
    laptop.link("../.homesick/repos/base/home/.vim", "../vim");
    laptop.link("../.bashrc", ".homesick/repos/base/home/.bashrc");
    laptop.link("../.other", ".homesick/repos/base/home/.bashrc");
    laptop.link("../.vim", ".homesick/repos/base/home/.vim");
    laptop.link(
        "../.config/tool/conf",
        "../../.homesick/repos/base/home/.config/tool/conf",
    );
    let json = changes_nothing_unasked(&laptop, "homeshick");
    assert_eq!(
        proposed(&json),
        [
            "~/.bashrc link -",
            "~/.config/tool/conf link -",
            "~/.vim/ link -",
        ]
    );
    assert_eq!(
        left(&json),
        [
            "~/.homesick/repos/odd: is a castle without a folder 'home'",
            "~/.later: is not there",
            "~/.mine: is a file of its own, and no link",
            "~/.other: is a link to something else",
        ]
    );
    let castles = laptop.home().join(".homesick");
    let before = print_of(&castles);
    laptop
        .sync(["mark", "--import=homeshick", "--yes"])
        .succeeds();
    assert!(print_of(&castles) == before, "a castle was changed");
    is_linked(&laptop, ".vim");
    laptop.has("../.vim/vimrc", "v\n").has("../.mine", "mine\n");
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    is_linked(&server, ".bashrc");
    server.has("../.config/tool/conf", "c\n");
}

#[test]
fn hostile_castles_lead_nowhere() {
    let (laptop, _, _) = scene();
    let castle = "../.homesick/repos/evil/home";
    laptop
        .write("../../secret/key", "s\n")
        .write(format!("{castle}/.fine"), "f\n");
    laptop.link("../.fine", ".homesick/repos/evil/home/.fine");
    // A castle that is out of the home, with a link to it.
    laptop.write("../../away/home/.taken", "t\n");
    laptop.link("../.homesick/repos/away", "../../../away");
    laptop.link("../.taken", ".homesick/repos/away/home/.taken");
    // A link of the castle that leads out of it; links in circles; a link to what is gone.
    laptop.link(format!("{castle}/.out"), "../../../../../secret/key");
    laptop.link("../.out", ".homesick/repos/evil/home/.out");
    laptop.link(format!("{castle}/.loop"), ".loop");
    laptop.link("../.loop", ".homesick/repos/evil/home/.loop");
    laptop.link(format!("{castle}/around"), "..");
    laptop.link(format!("{castle}/.gone"), "nowhere");
    laptop.link("../.gone", ".homesick/repos/evil/home/.gone");
    // Names with a line end, and with bytes that are no text.
    for name in [&b".new\nline"[..], b".b\xffd"] {
        let name = OsStr::from_bytes(name);
        laptop.write(Path::new(castle).join(name), "n\n");
        laptop.link(
            Path::new("..").join(name),
            Path::new(".homesick/repos/evil/home").join(name),
        );
    }
    let json = changes_nothing_unasked(&laptop, "homeshick");
    assert_eq!(
        left(&json),
        [
            "~/.gone: leads to nothing",
            "~/.homesick/repos/away: is a castle outside of your home",
            "~/.loop: leads to nothing",
            "~/.out: leads out of the set-up",
            "~/around: is not there",
        ]
    );
    assert_eq!(proposed(&json).len(), 3);
    laptop
        .sync(["mark", "--import", "homeshick", "-n"])
        .says(r#""~/.new\nline""#)
        .says(r#""~/.b\377d""#);
    let repos = laptop.home().join(".homesick");
    let before = print_of(&repos);
    laptop
        .sync(["mark", "--import", "homeshick", "--yes"])
        .succeeds()
        .says("3 marked");
    assert!(print_of(&repos) == before, "a castle was changed");
    for name in [&b".new\nline"[..], b".b\xffd"] {
        let live = Path::new("..").join(OsStr::from_bytes(name));
        laptop.has(&live, "n\n");
        let target = fs::read_link(laptop.path(&live)).unwrap();
        assert!(target.starts_with(laptop.path("external")));
    }
    laptop.links("../.out", ".homesick/repos/evil/home/.out");
    laptop.lacks("external/.out").lacks("external/.taken");
}

#[test]
fn the_source_of_chezmoi_is_read_by_its_names() {
    let (laptop, server, _) = scene();
    let source = "../.local/share/chezmoi";
    for (name, content) in [
        (".chezmoiroot", "home\n"),
        ("README.md", "about\n"),
        ("home/dot_zshrc", "z\n"),
        ("home/private_dot_ssh/private_config", "Host a\n"),
        ("home/dot_hgrc.tmpl", "{{ .email }}\n"),
        ("home/encrypted_private_dot_netrc.age", "age\n"),
        ("home/run_once_install.sh", "exit 1\n"),
        ("home/symlink_dot_link", "elsewhere\n"),
        ("home/dot_missing", "m\n"),
        ("home/dot_edited", "old\n"),
        ("home/modify_dot_mod", "#!/bin/sh\n"),
        ("home/remove_dot_old", ""),
        ("home/dot_linked", "l\n"),
        ("home/dot_.", "out\n"),
        ("home/.chezmoiignore", "x\n"),
        ("home/dot_local/share/chezmoi/README.md", "about\n"),
        ("home/exact_dot_config/external_ext/dot_as_is", "e\n"),
    ] {
        laptop.write(format!("{source}/{name}"), content);
    }
    laptop
        .write("../.zshrc", "z\n")
        .write("../.ssh/config", "Host a\n")
        .write("../.hgrc", "me@example.com\n")
        .write("../.netrc", "plain\n")
        .write("../.edited", "new\n")
        .write("../.mod", "x\n")
        .write("../.config/ext/dot_as_is", "e\n");
    laptop.chmod("../.ssh/config", 0o600);
    laptop.link("../.link", "elsewhere");
    laptop.link("../.linked", ".local/share/chezmoi/home/dot_linked");
    let json = changes_nothing_unasked(&laptop, "chezmoi");
    assert_eq!(
        proposed(&json),
        [
            "~/.config/ext/dot_as_is file -",
            "~/.edited file differs from what is kept there: what is here is taken",
            "~/.hgrc file made by a template: what it made here is taken",
            "~/.linked link -",
            "~/.mod file changed by a script: what is here is taken",
            "~/.ssh/config file -",
            "~/.zshrc file -",
        ]
    );
    assert_eq!(
        left(&json),
        [
            "~/.link: is a link that chezmoi makes",
            "~/.local/share/chezmoi/README.md: is in the set-up itself",
            "~/.local/share/chezmoi/home/dot_.: stands for no name",
            "~/.local/share/chezmoi/home/remove_dot_old: only says what chezmoi removes",
            "~/.local/share/chezmoi/home/run_once_install.sh: is a script, and no file",
            "~/.missing: is not there",
            "~/.netrc: is encrypted there, and would not be here",
        ]
    );
    let kept = laptop.home().join(".local/share/chezmoi");
    let before = print_of(&kept);
    laptop
        .sync(["mark", "--import", "chezmoi", "--yes"])
        .succeeds();
    assert!(print_of(&kept) == before, "the source was changed");
    is_linked(&laptop, ".linked");
    is_real(&laptop, ".netrc");
    laptop
        .has("../.hgrc", "me@example.com\n")
        .has("../.linked", "l\n");
    assert_eq!(laptop.mode("external/.ssh/config"), 0o600);
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    is_linked(&server, ".edited");
    server.has("../.edited", "new\n").lacks("../.netrc");
}

#[test]
fn links_and_copies_of_mackup_are_proposed_and_taken() {
    let (laptop, server, _) = scene();
    laptop
        .write("../Sync/Backup/.vimrc", "v\n")
        .write("../Sync/Backup/.copied", "old\n")
        .write("../Sync/Backup/Library/App/prefs", "p\n")
        .write("../Sync/Backup/.elsewhere", "x\n")
        .write("../.copied", "new\n")
        .write(
            "../.mackup.cfg",
            "[storage]\nengine = file_system\npath = Sync\ndirectory = Backup\n",
        );
    let home = laptop.home().to_owned();
    laptop.link("../.vimrc", home.join("Sync/Backup/.vimrc"));
    laptop.link("../Library/App", home.join("Sync/Backup/Library/App"));
    let json = changes_nothing_unasked(&laptop, "mackup");
    assert_eq!(
        proposed(&json),
        [
            "~/.copied file differs from what is kept there: what is here is taken",
            "~/.vimrc link -",
            "~/Library/App/ link -",
        ]
    );
    assert_eq!(left(&json), ["~/.elsewhere: is not there"]);
    let kept = home.join("Sync");
    let before = print_of(&kept);
    laptop.sync(["mark", "--import", "mackup", "-y"]).succeeds();
    assert!(print_of(&kept) == before, "the storage was changed");
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    server.has("../Library/App/prefs", "p\n");
    server.has("../.copied", "new\n");
}

#[test]
fn on_a_terminal_some_of_the_proposals_are_chosen() {
    let (laptop, _, _) = scene();
    stowed(&laptop);
    let before = print_of(laptop.home());
    on_a_terminal(
        &laptop,
        "git-sync mark --import stow",
        [("Mark which (1-4;", "\n")],
    )
    .exits(5)
    .says("declined; nothing was changed");
    assert!(print_of(laptop.home()) == before, "something was changed");
    on_a_terminal(
        &laptop,
        "git-sync mark --import stow",
        [("Mark which (1-4;", "1,4\n")],
    )
    .succeeds()
    .says("~/dotfiles/office (is a package that has no link here)")
    .says("2 marked");
    is_linked(&laptop, ".zshrc");
    laptop.links("../.vim", "dotfiles/vim/.vim");
}

#[test]
fn what_a_mark_refuses_does_not_keep_the_others() {
    let (laptop, _, _) = scene();
    stowed(&laptop);
    laptop.write("../dotfiles/vim/.vim/plugin/.git/HEAD", "ref\n");
    laptop
        .sync(["mark", "--import", "stow", "--yes"])
        .exits(1)
        .says("3 marked")
        .says("refuse   ~/.vim/ (");
    laptop.links("../.vim", "dotfiles/vim/.vim");
    is_linked(&laptop, ".zshrc");
}

#[test]
fn what_changes_while_it_is_asked_about_is_not_taken() {
    let (laptop, _, _) = scene();
    stowed(&laptop);
    laptop.write("../../secret", "s\n");
    let secret = laptop.home().parent().unwrap().join("secret");
    let mut running = Running::start(&laptop, {
        let mut command = laptop.command("script");
        command
            .args(["--quiet", "--return", "--flush", "--log-out", "/dev/null"])
            .args(["--command", "git-sync mark --import stow"])
            .stdin(std::process::Stdio::piped());
        command
    });
    // No answer, so it asks again; what it proposes is fixed by now.
    running.answer("Mark which", "9\n");
    laptop.remove("../.zshrc");
    laptop.link("../.zshrc", &secret);
    running.answer("Mark which", "*\n");
    running
        .finish()
        .exits(1)
        .says("3 marked")
        .says("skipped ~/.zshrc (has changed since it was proposed)");
    laptop.links("../.zshrc", secret.to_str().unwrap());
    laptop.lacks("external/.zshrc");
}
