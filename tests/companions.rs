//! The manual and the completions that a set-up brings along: where they are found, whose they are, and how they
//! go again.

use crate::support::{Machine, Sandbox, copy_program, on_a_terminal};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../man/git-sync.1");

/// A machine on which `cargo install` was typed: the program alone, in `~/.cargo/bin`, first on PATH.
fn with_cargo(sandbox: &Sandbox) -> Machine {
    with_program_in(sandbox, "homes/laptop/.cargo/bin")
}

/// The same in another folder of the sandbox.
fn with_program_in(sandbox: &Sandbox, folder: &str) -> Machine {
    let remote = sandbox.remote();
    let laptop = sandbox.machine("laptop", &remote);
    let folder = sandbox.root().join(folder);
    laptop.write(folder.join(".keep"), "");
    let program = folder.join("git-sync");
    copy_program(&program);
    // That of the build is not found any more.
    let built = Path::new(env!("CARGO_BIN_EXE_git-sync")).parent().unwrap();
    let path = laptop.path_variable();
    let path = path.split(':').filter(|folder| Path::new(folder) != built);
    let path: Vec<_> = path.collect();
    let path = format!("{}:{}", folder.display(), path.join(":"));
    laptop.with("PATH", path)
}

fn page(laptop: &Machine) -> PathBuf {
    laptop.home().join(".cargo/share/man/man1/git-sync.1")
}

/// What a set-up makes for shells, below `~/.local/share`.
const SHELLS: [&str; 8] = [
    "bash-completion/completions/git-sync",
    "zsh/site-functions/_git-sync",
    "zsh/site-functions/_git_sync",
    "fish/vendor_completions.d/git-sync.fish",
    "fish/vendor_conf.d/git-sync.fish",
    "git-sync/shell/git-sync.zsh",
    "git-sync/shell/git-sync.bash",
    "git-sync/shell/git-sync.fish",
];

fn of_shells(laptop: &Machine) -> Vec<PathBuf> {
    let share = laptop.home().join(".local/share");
    SHELLS.map(|name| share.join(name)).into()
}

/// The whole page, as a reader sees it.
const LAST_WORDS: &str = "replaced keeps those that it has";

#[test]
fn after_cargo_install_and_a_setup_git_finds_the_manual() {
    let sandbox = Sandbox::new();
    let laptop = with_cargo(&sandbox);
    // Nobody has put a page anywhere yet, and it is shown all the same.
    laptop.sync(["--help"]).succeeds().says(LAST_WORDS);
    laptop
        .try_git(["sync", "--help"])
        .exits_with_one_of(&[1, 16]);
    let setup = laptop.sync(["--setup", "--yes"]).succeeds();
    let setup = setup.tells("+ manual       ~/.cargo/share/man/man1/git-sync.1");
    setup
        .tells("+ completion   bash, zsh, fish")
        .tells("+ prompt       zsh, bash, fish in ~/.local/share/git-sync/shell");
    assert!(laptop.read(page(&laptop)).starts_with(PAGE));
    laptop
        .try_git(["sync", "--help"])
        .succeeds()
        .says(LAST_WORDS);
    laptop.try_git(["help", "sync"]).succeeds().says(LAST_WORDS);
    laptop.sh("man git-sync").succeeds().says(LAST_WORDS);
    laptop.sync(["--help"]).succeeds().says(LAST_WORDS);
    on_a_terminal(&laptop.with("MANPAGER", "cat"), "git-sync --help", [])
        .succeeds()
        .says("held");
    for path in of_shells(&laptop) {
        assert!(path.is_file(), "{}", path.display());
    }
    // As ordinary files of the user.
    assert_eq!(laptop.mode(page(&laptop)), 0o644);
}

#[test]
fn the_snippets_that_a_setup_brings_along_show_the_state() {
    let sandbox = Sandbox::new();
    let laptop = with_cargo(&sandbox);
    laptop.sync(["--setup", "--yes"]).succeeds();
    let shells = [
        (
            "zsh -f -i -c",
            "source $S.zsh; for f in $precmd_functions; do $f; done; echo is $GIT_SYNC_STATE",
        ),
        (
            "bash --norc -i -c",
            "source $S.bash; eval \"$PROMPT_COMMAND\"; echo is $GIT_SYNC_STATE",
        ),
        (
            "fish --no-config -i -c",
            "source $S.fish; emit fish_prompt; echo is $GIT_SYNC_STATE",
        ),
    ];
    for (shell, script) in shells {
        let script = script.replace("$S", "$HOME/.local/share/git-sync/shell/git-sync");
        laptop
            .with("GIT_SYNC_BACKGROUND", "0")
            .sh(&format!("{shell} '{script}' </dev/null"))
            .succeeds()
            .says("is synced");
    }
}

#[test]
fn a_program_outside_of_the_home_has_its_manual_beside_it() {
    let sandbox = Sandbox::new();
    let laptop = with_program_in(&sandbox, "opt/bin");
    laptop.sync(["--setup", "--yes"]).succeeds();
    let page = sandbox.root().join("opt/share/man/man1/git-sync.1");
    assert!(page.is_file());
    laptop
        .try_git(["sync", "--help"])
        .succeeds()
        .says(LAST_WORDS);
    // What is one user's stays with that user.
    assert!(of_shells(&laptop)[0].is_file());
    laptop.sync(["--setup", "--remove", "--yes"]).succeeds();
    assert!(!page.exists());
}

#[test]
fn the_folder_for_data_may_be_another_one() {
    let sandbox = Sandbox::new();
    let laptop = with_cargo(&sandbox);
    let data = laptop.home().join("my data");
    let laptop = laptop.with("XDG_DATA_HOME", &data);
    let setup = laptop.sync(["--setup", "--yes"]).succeeds();
    for name in SHELLS {
        assert!(data.join(name).is_file(), "{name}");
    }
    assert!(!laptop.home().join(".local/share").exists());
    // A line that can be copied.
    let folder = data.join("zsh/site-functions");
    setup.tells(&format!("fpath=('{}' $fpath)", folder.display()));
}

#[test]
fn without_a_man_the_help_is_text() {
    let sandbox = Sandbox::new();
    let laptop = with_cargo(&sandbox);
    let folder = laptop.home().join("few");
    fs::create_dir(&folder).unwrap();
    for program in ["git", "sh"] {
        let real = laptop.sh(&format!("command -v {program}")).stdout();
        laptop.link(folder.join(program), real.trim());
    }
    let few = format!(
        "{}/.cargo/bin:{}",
        laptop.home().display(),
        folder.display()
    );
    let few = laptop.with("PATH", few);
    few.sync(["--help"]).succeeds().says("Usage: git sync");
    let setup = few.sync(["--setup", "--yes", "--no-hooks"]).succeeds();
    setup.does_not_tell("manual").does_not_tell("completion");
    // Nor where there is one that shows nothing.
    laptop.program(&folder.join("man"), "exit 3");
    few.sync(["--help"]).succeeds().says("Usage: git sync");
    // A help for one word is text, as with -h.
    laptop
        .sync(["mark", "--help"])
        .succeeds()
        .says("Usage: git sync mark");
    laptop.sync(["-h"]).succeeds().says("Usage: git sync");
}

#[test]
fn a_second_setup_changes_nothing_of_them() {
    let sandbox = Sandbox::new();
    let laptop = with_cargo(&sandbox);
    laptop.sync(["--setup", "--yes"]).succeeds();
    let times = |laptop: &Machine| {
        let mut all = of_shells(laptop);
        all.push(page(laptop));
        let time = |path: PathBuf| fs::metadata(path).unwrap().modified().unwrap();
        all.into_iter().map(time).collect::<Vec<_>>()
    };
    let before = times(&laptop);
    let again = laptop.sync(["--setup", "--yes"]).succeeds();
    let again = again.tells("= manual       ~/.cargo/share/man/man1/git-sync.1");
    again
        .tells("= completion   bash, zsh, fish")
        .does_not_tell("fpath");
    assert_eq!(times(&laptop), before);
}

#[test]
fn zsh_is_told_what_only_its_user_can_do() {
    let sandbox = Sandbox::new();
    let laptop = with_cargo(&sandbox);
    let setup = laptop.sync(["--setup", "--yes"]).succeeds();
    setup.tells("fpath=(~/.local/share/zsh/site-functions $fpath)   in ~/.zshrc, before compinit");
    let doctor = laptop.sync(["doctor"]).succeeds();
    doctor.says("zsh finds it if fpath has");
    laptop.write(
        "../.zshrc",
        "fpath=(~/.local/share/zsh/site-functions $fpath)\n",
    );
    laptop.sync(["doctor"]).succeeds().does_not_say("fpath");
}

/// What a set-up of another version has left: its text, and a last line that knows it.
fn of_another_version(laptop: &Machine, path: &Path) {
    let text = laptop.read(path);
    let (_, last) = text.trim_end().rsplit_once('\n').unwrap();
    let (before, digest) = last.rsplit_once(' ').unwrap();
    assert_eq!(digest.len(), 16);
    let old = "# as it was\n";
    let digest = laptop
        .sh("echo '# as it was' | sha256sum | cut -c1-16")
        .stdout();
    let digest = digest.trim();
    laptop.write(path, format!("{old}{before} {digest}\n"));
}

#[test]
fn what_another_version_has_put_there_is_brought_up_to_date() {
    let sandbox = Sandbox::new();
    let laptop = with_cargo(&sandbox);
    laptop.sync(["--setup", "--yes"]).succeeds();
    let bash = &of_shells(&laptop)[0];
    let new = laptop.read(bash);
    of_another_version(&laptop, bash);
    laptop
        .sync(["doctor"])
        .succeeds()
        .says("! completion  of another version in bash")
        .says("git sync --setup");
    laptop
        .sync(["--setup", "--yes"])
        .succeeds()
        .tells("+ completion   bash\n");
    assert_eq!(laptop.read(bash), new);
    of_another_version(&laptop, bash);
    laptop.sync(["--setup", "--remove", "--yes"]).succeeds();
    assert!(!bash.exists());
}

#[test]
fn what_is_not_ours_or_was_changed_is_left() {
    let sandbox = Sandbox::new();
    let laptop = with_cargo(&sandbox);
    let [bash, zsh, ..] = &of_shells(&laptop)[..] else {
        panic!("five of them");
    };
    laptop.write(bash, "# of somebody else\n");
    laptop.write(
        page(&laptop),
        ".TH \"GIT\\-SYNC\" \"1\"\n.SH NAME\ngit-sync of others\n",
    );
    let setup = laptop.sync(["--setup", "--yes"]).succeeds();
    let setup = setup.tells("! manual       ~/.cargo/share/man/man1/git-sync.1 is not from here");
    let setup = setup.tells("git-sync --generate man   prints ours");
    setup
        .tells("git-sync is not from here")
        .tells("git-sync --generate bash");
    laptop.has(bash, "# of somebody else\n");
    laptop
        .sync(["doctor"])
        .succeeds()
        .says("! manual      'git sync --help' shows the one of another program");

    let text = laptop.read(zsh);
    laptop.write(zsh, format!("{text}# mine\n"));
    laptop
        .sync(["--setup", "--yes"])
        .succeeds()
        .tells("_git-sync was changed by somebody");
    let removed = laptop.sync(["--setup", "--remove", "--yes"]).succeeds();
    removed.tells("_git-sync was changed by somebody");
    laptop
        .has(zsh, format!("{text}# mine\n"))
        .has(bash, "# of somebody else\n");
    assert!(laptop.exists(page(&laptop)));
    let [.., fish, _] = &of_shells(&laptop)[..] else {
        panic!("five of them");
    };
    assert!(!fish.exists());
}

#[test]
fn a_manual_of_another_program_that_comes_first_is_named_and_stays() {
    let sandbox = Sandbox::new();
    let laptop = with_cargo(&sandbox);
    let other = laptop.home().join("extras/share/man/man1/git-sync.1");
    let text = ".TH \"GIT\\-SYNC\" \"1\"\n.SH NAME\ngit-sync \\- of others\n";
    laptop
        .write(&other, text)
        .write(laptop.home().join("extras/bin/keep"), "");
    let path = laptop.path_variable();
    let first = format!("{}/extras/bin:{path}", laptop.home().display());
    let first = laptop.with("PATH", first);
    let setup = first.sync(["--setup", "--yes"]).succeeds();
    setup.tells(
        "'git sync --help' shows the one of another program: ~/extras/share/man/man1/git-sync.1",
    );
    laptop.has(&other, text);
    // Ours is there all the same, and is what this program shows.
    first.sync(["--help"]).succeeds().says(LAST_WORDS);
    laptop.sync(["--help"]).succeeds().says(LAST_WORDS);
}

#[test]
fn what_a_package_has_put_there_is_enough() {
    let sandbox = Sandbox::new();
    let laptop = with_cargo(&sandbox);
    let share = laptop.home().join(".cargo/share");
    let packed = share.join("man/man1/git-sync.1.gz");
    laptop.write(&packed, "");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/git-sync.1");
    laptop
        .sh(&format!(
            "gzip -9nc '{}' >'{}'",
            source.display(),
            packed.display()
        ))
        .succeeds();
    for (name, text) in [
        ("bash-completion/completions/git-sync", "bash"),
        ("zsh/vendor-completions/_git-sync", "zsh"),
        ("zsh/vendor-completions/_git_sync", "zsh-git"),
        ("fish/vendor_completions.d/git-sync.fish", "fish"),
        ("fish/vendor_conf.d/git-sync.fish", "fish-git"),
        ("git-sync/shell/git-sync.zsh", "prompt-zsh"),
        ("git-sync/shell/git-sync.bash", "prompt-bash"),
        ("git-sync/shell/git-sync.fish", "prompt-fish"),
    ] {
        let text = laptop.sync(["--generate", text]).succeeds().stdout();
        laptop.write(share.join(name), text);
    }
    let setup = laptop.sync(["--setup", "--yes"]).succeeds();
    setup
        .tells("= manual       ~/.cargo/share/man/man1/git-sync.1.gz")
        .tells("= completion   bash, zsh, fish")
        .tells("= prompt       zsh, bash, fish in ~/.cargo/share/git-sync/shell");
    for path in of_shells(&laptop) {
        assert!(!path.exists(), "{}", path.display());
    }
    assert!(!laptop.exists(page(&laptop)));
    laptop
        .sync(["doctor"])
        .succeeds()
        .says("✓ manual")
        .says("✓ completion  bash, zsh, fish");
    // What a set-up has not made, it does not take away.
    laptop.sync(["--setup", "--remove", "--yes"]).succeeds();
    assert!(packed.exists());
}

#[test]
fn a_dry_run_tells_them_and_makes_none() {
    let sandbox = Sandbox::new();
    let laptop = with_cargo(&sandbox);
    let told = laptop.sync(["--setup", "--dry-run"]).succeeds();
    told.says("  + manual       ~/.cargo/share/man/man1/git-sync.1\n")
        .says("  + completion   bash, zsh, fish\n")
        .says("Nothing was changed.");
    let told = laptop.sync(["--setup", "-n", "--json"]).succeeds().json();
    assert!(told["items"].to_string().contains("manual"), "{told}");
    assert!(!laptop.exists(page(&laptop)));
    assert!(!laptop.home().join(".local/share").exists());
}

/// In the home such a name may be what a killed run has in its hands of a marked file: only a run that knows of it
/// may touch it.
#[test]
fn what_a_killed_run_has_put_beside_a_path_in_the_home_stays() {
    let sandbox = Sandbox::new();
    let laptop = with_cargo(&sandbox);
    let kept = page(&laptop).with_file_name(".git-sync-4194305-0.tmp");
    laptop.write(&kept, "of a marked file\n");
    laptop.sync(["--setup", "--yes"]).succeeds();
    assert!(laptop.exists(page(&laptop)));
    laptop.has(&kept, "of a marked file\n");
}

#[test]
fn removing_takes_them_away_with_the_last_repository() {
    let sandbox = Sandbox::new();
    let laptop = with_cargo(&sandbox);
    laptop.sync(["--setup", "--yes"]).succeeds();
    // Another repository goes, and the usual one stays.
    let other = laptop.in_repo("other");
    other.write("file", "\n");
    other.git(["init", "--quiet"]);
    other.enrol();
    other.sync(["--setup", "--remove", "--yes"]).succeeds();
    assert!(laptop.exists(page(&laptop)));
    let told = laptop.sync(["--setup", "--remove", "-n"]).succeeds();
    told.says("- manual       ~/.cargo/share/man/man1/git-sync.1\n")
        .says("- completion   bash, zsh, fish\n")
        .says("Nothing was changed.");
    let told = laptop.sync(["--setup", "--remove", "-n", "--json"]);
    let items = told.succeeds().json()["items"].to_string();
    assert!(items.contains("manual"), "{items}");
    assert!(laptop.exists(page(&laptop)));
    let removed = laptop.sync(["--setup", "--remove", "--yes"]).succeeds();
    removed
        .tells("- manual       ~/.cargo/share/man/man1/git-sync.1")
        .tells("- completion   bash, zsh, fish");
    for path in of_shells(&laptop) {
        assert!(!path.exists(), "{}", path.display());
    }
    // With the folders that were made for them.
    assert!(!laptop.home().join(".cargo/share/man").exists());
    assert!(!laptop.home().join(".local/share/fish").exists());
    let again = laptop.sync(["--setup", "--remove", "--yes"]).succeeds();
    again.says("there is nothing to remove");
}

#[test]
fn places_that_cannot_be_written_stop_no_setup() {
    let sandbox = Sandbox::unprivileged();
    let remote = sandbox.remote();
    let laptop = sandbox.machine("laptop", &remote);
    laptop.write("../.local/share/keep", "");
    let share = laptop.home().join(".local/share");
    fs::set_permissions(&share, fs::Permissions::from_mode(0o555)).unwrap();
    let setup = laptop.sync(["--setup", "--yes"]).succeeds();
    setup
        .tells("! completion   cannot create")
        .tells("Permission denied");
    assert_eq!(laptop.git(["config", "sync.enabled"]), "true");
    fs::set_permissions(&share, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn without_a_home_nothing_is_put_anywhere() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let laptop = sandbox.machine("laptop", &remote);
    let homeless = laptop
        .without("HOME")
        .without("XDG_DATA_HOME")
        .with("GIT_CONFIG_GLOBAL", laptop.home().join(".gitconfig"));
    let setup = homeless.sync(["--setup", "--yes"]).succeeds();
    setup
        .does_not_tell("+ manual")
        .does_not_tell("+ completion");
    assert!(!laptop.home().join(".local/share").exists());
}

#[test]
fn each_of_them_is_printed_for_packages() {
    let laptop = Sandbox::new().fresh("laptop").at_home();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (kind, file) in [
        ("man", "man/git-sync.1"),
        ("bash", "completions/git-sync.bash"),
        ("zsh", "completions/_git-sync"),
        ("zsh-git", "completions/_git_sync"),
        ("fish", "completions/git-sync.fish"),
        ("fish-git", "completions/git-sync.conf.fish"),
    ] {
        let printed = laptop.sync(["--generate", kind]).succeeds();
        assert_eq!(
            printed.bytes(),
            fs::read(root.join(file)).unwrap(),
            "{kind}"
        );
    }
    let unknown = laptop.sync(["--generate", "tcsh"]).exits(129);
    unknown.tells("man, bash, zsh, zsh-git, fish, fish-git");
    laptop.sync(["--generate"]).exits(129).tells("man, bash");
    laptop.sync(["--generate", "man", "-n"]).exits(129);
}

#[test]
fn the_doctor_names_what_mends_it() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop
        .sync(["doctor"])
        .succeeds()
        .says("! manual      'git sync --help' finds no page")
        .says("! completion  <TAB> knows nothing of 'git sync' in bash, zsh, fish")
        .says("git sync --setup   puts it");
}
