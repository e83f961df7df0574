//! Other ways to install it: `install.sh`, the archive of a release, the package for Debian. What is in them is
//! the same, and goes again without a trace.

use crate::support::{Machine, Output, Sandbox};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const PROGRAM: &str = env!("CARGO_BIN_EXE_git-sync");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What comes along with the program, by its place below a prefix.
const COMPANIONS: [(&str, &str); 6] = [
    ("man/git-sync.1", "share/man/man1/git-sync.1"),
    (
        "completions/git-sync.bash",
        "share/bash-completion/completions/git-sync",
    ),
    (
        "completions/_git-sync",
        "share/zsh/site-functions/_git-sync",
    ),
    (
        "completions/_git_sync",
        "share/zsh/site-functions/_git_sync",
    ),
    (
        "completions/git-sync.fish",
        "share/fish/vendor_completions.d/git-sync.fish",
    ),
    (
        "completions/git-sync.conf.fish",
        "share/fish/vendor_conf.d/git-sync.fish",
    ),
];

/// Runs a script of the repository, or of an archive.
fn script(laptop: &Machine, path: &Path, words: &[&str]) -> Output {
    let mut command = laptop.command(path.to_str().unwrap());
    command.args(words);
    laptop.run(command)
}

fn install(laptop: &Machine, words: &[&str]) -> Output {
    script(laptop, &Path::new(ROOT).join("install.sh"), words)
}

/// Every file below a folder, relative to it.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found
}

/// The files of a folder of the repository.
fn shipped(folder: &str) -> Vec<String> {
    let all = files(&Path::new(ROOT).join(folder));
    let named = |file: &PathBuf| format!("{folder}/{}", file.display());
    all.iter().map(named).collect()
}

/// Expects a whole installation at a prefix.
#[track_caller]
fn is_installed(laptop: &Machine, prefix: &Path) {
    for (file, place) in COMPANIONS {
        let text = std::fs::read(Path::new(ROOT).join(file)).unwrap();
        laptop.has(prefix.join(place), text);
        assert_eq!(laptop.mode(prefix.join(place)), 0o644, "{place}");
    }
    let mut expected: BTreeSet<PathBuf> = COMPANIONS.map(|(_, place)| place.into()).into();
    let others = shipped("shell").into_iter().chain(shipped("hooks"));
    expected.extend(others.map(|file| format!("share/git-sync/{file}").into()));
    expected.insert("bin/git-sync".into());
    let mut found = files(prefix);
    // In the home there is more than what was installed.
    found.retain(|file| file.starts_with("bin") || file.starts_with("share"));
    assert_eq!(found, expected);
    assert_eq!(laptop.mode(prefix.join("bin/git-sync")), 0o755);
    let program = std::fs::read(PROGRAM).unwrap();
    assert!(laptop.bytes(prefix.join("bin/git-sync")) == program);
}

#[test]
fn a_checkout_is_installed_used_and_taken_away() {
    let laptop = Sandbox::new().fresh("laptop").at_home();
    install(&laptop, &["--binary", PROGRAM]).succeeds();
    let prefix = laptop.home().join(".local");
    is_installed(&laptop, &prefix);
    // Again, over the program that is there.
    install(&laptop, &["--binary", PROGRAM]).succeeds();
    is_installed(&laptop, &prefix);

    let path = format!("{}/bin:{}", prefix.display(), laptop.path_variable());
    let user = laptop.with("PATH", path);
    user.try_git(["sync", "--help"]).succeeds().says("held");
    // A set-up has nothing to put anywhere, and takes nothing away.
    user.git(["config", "--global", "sync.machineType", "linux"]);
    let setup = user.sync(["--setup", "--yes"]).succeeds();
    setup
        .tells("= manual  ")
        .tells("= completion   bash, zsh, fish");
    let configs = user.in_repo("configs");
    configs.sync(["--setup", "--remove", "--yes"]).succeeds();
    is_installed(&laptop, &prefix);

    laptop.write(prefix.join("share/man/man1/other.1"), "of others\n");
    install(&laptop, &["--uninstall"]).succeeds();
    let share = files(&prefix.join("share"));
    assert_eq!(share, BTreeSet::from(["man/man1/other.1".into()]));
    assert!(!prefix.join("bin").exists());
    install(&laptop, &["--uninstall"]).succeeds();
}

#[test]
fn a_prefix_and_a_destination_are_followed() {
    let laptop = Sandbox::new().fresh("laptop").at_home();
    let stage = laptop.home().join("my stage");
    let packager = laptop.with("DESTDIR", &stage);
    install(&packager, &["--prefix=/usr", "--binary", PROGRAM]).succeeds();
    is_installed(&laptop, &stage.join("usr"));
    install(&packager, &["--prefix=/usr", "--uninstall"]).succeeds();
    assert!(files(&stage).is_empty());
    let script = Path::new(ROOT).join("install.sh");
    laptop
        .sh(&format!(
            "umask 077; '{}' --prefix 'a b' --binary '{PROGRAM}'",
            script.display()
        ))
        .succeeds();
    assert_eq!(laptop.mode(laptop.home().join("a b/share/man")), 0o755);
    is_installed(&laptop, &laptop.home().join("a b"));

    install(&laptop, &["--pefix", "x"])
        .exits(129)
        .tells("'--pefix' is not known here");
    install(&laptop, &["--prefix"])
        .exits(129)
        .tells("needs a value");
    install(&laptop, &["--binary", "nowhere"])
        .exits(1)
        .tells("is not there");
    install(&laptop.without("HOME"), &["--binary", PROGRAM])
        .exits(1)
        .tells("HOME");
    install(&laptop, &["--help"])
        .succeeds()
        .says("usage: ./install.sh [--prefix DIR]");
}

#[test]
fn a_release_is_the_same_each_time_and_installs_itself() {
    let laptop = Sandbox::new().fresh("laptop").at_home();
    let laptop = laptop.with("SOURCE_DATE_EPOCH", "1792569600");
    let release = Path::new(ROOT).join("release.sh");
    let make = |output: &str, umask: &str| {
        let line = format!(
            "umask {umask}; '{}' --binary '{PROGRAM}' --target a-b-c --output {output}",
            release.display()
        );
        let made = laptop.sh(&line).succeeds().stdout();
        PathBuf::from(made.trim())
    };
    let (one, two) = (make("one", "022"), make("two", "077"));
    assert_eq!(laptop.bytes(&one), laptop.bytes(&two), "byte for byte");
    let version = env!("CARGO_PKG_VERSION");
    let name = format!("git-sync-{version}-a-b-c");
    assert!(one.ends_with(format!("{name}.tar.gz")), "{}", one.display());
    laptop
        .sh(&format!("cd one && sha256sum -c {name}.tar.gz.sha256"))
        .succeeds();

    laptop.sh(&format!("tar xf one/{name}.tar.gz")).succeeds();
    let unpacked = laptop.home().join(&name);
    let mut expected: BTreeSet<PathBuf> = [
        "git-sync",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "install.sh",
    ]
    .map(PathBuf::from)
    .into();
    for folder in ["man", "completions", "shell", "hooks"] {
        expected.extend(shipped(folder).into_iter().map(PathBuf::from));
    }
    assert_eq!(files(&unpacked), expected);
    assert_eq!(laptop.mode(unpacked.join("git-sync")), 0o755);
    assert_eq!(laptop.mode(unpacked.join("README.md")), 0o644);

    script(
        &laptop,
        &unpacked.join("install.sh"),
        &["--prefix", "there"],
    )
    .succeeds();
    is_installed(&laptop, &laptop.home().join("there"));
    script(&laptop, &release, &["--binray", "x"]).exits(129);
    script(&laptop, &release, &["--binary", "nowhere"])
        .exits(1)
        .tells("is no program");
}

#[test]
fn the_package_for_debian_has_all_of_it() {
    let manifest = std::fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    let deb = manifest.split("[package.metadata.deb]").nth(1).unwrap();
    let deb = deb.split("\n[").next().unwrap();
    let assets: Vec<Vec<&str>> = deb
        .lines()
        .filter_map(|line| line.trim().strip_prefix("[\"")?.strip_suffix("\"],"))
        .map(|line| line.split("\", \"").collect())
        .collect();
    let place = |file: &str| {
        let found = assets.iter().find(|asset| asset[0] == file);
        found.unwrap_or_else(|| panic!("{file} is not in the package"))[1]
    };
    for (file, expected) in COMPANIONS {
        let expected = expected.replace("zsh/site-functions", "zsh/vendor-completions");
        let found = place(file);
        let found = match found.strip_suffix('/') {
            Some(folder) => format!("{folder}/{}", file.rsplit('/').next().unwrap()),
            None => found.to_owned(),
        };
        assert_eq!(found, format!("usr/{expected}"));
    }
    assert_eq!(place("target/release/git-sync"), "usr/bin/");
    for folder in ["shell", "hooks"] {
        assert_eq!(
            place(&format!("{folder}/*")),
            format!("usr/share/git-sync/{folder}/")
        );
    }
    for asset in &assets {
        let file = asset[0].trim_end_matches('*');
        let built = file.starts_with("target/");
        assert!(
            built || Path::new(ROOT).join(file).exists(),
            "{file} is not there"
        );
    }
    // git-extras has a program and a manual of the same name.
    assert!(deb.contains("conflicts = \"git-extras\""));
}
