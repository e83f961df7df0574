//! What is not committed by itself: secrets, what is too large, and what is no file.
//!
//! Every secret is put together here, so that no file of this repository has one.

use crate::support::{Conflict, Machine, Sandbox, nothing, settle};

/// Letters without a pattern, different for each `seed`.
pub(crate) fn random(length: usize, seed: u64) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15 ^ (seed << 7);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(letters[usize::try_from(state >> 33).unwrap() % letters.len()])
    };
    (0..length).map(|_| next()).collect()
}

pub(crate) fn token(seed: u64) -> String {
    format!("{}{}", "ghp_", random(36, seed))
}

pub(crate) fn private_key(seed: u64) -> String {
    let label = ["OPENSSH PRIVATE", "KEY"].join(" ");
    let body = random(64, seed);
    format!("-----BEGIN {label}-----\n{body}\n{body}\n-----END {label}-----\n")
}

/// Expects that no object of the repository that could be sent has `text` in it.
#[track_caller]
pub(crate) fn nobody_has(machine: &Machine, text: &str) {
    let found = machine.sh(&format!(
        "git rev-list --objects HEAD | cut -d' ' -f1 | git cat-file --batch | grep -caF -- '{text}'"
    ));
    assert_eq!(found.stdout().trim(), "0", "{}", found.scene());
}

#[test]
fn each_kind_of_secret_is_held_back_told_and_the_rest_goes_on() {
    for (name, secret, why) in [
        (
            "zshrc",
            format!("first\nexport T={}\n", token(1)),
            "line 2 looks like a GitHub token",
        ),
        (
            "id_ed25519",
            private_key(1),
            "line 1 looks like a private key",
        ),
        (
            "app/env",
            format!("API_KEY={}\n", random(40, 2)),
            "line 1 looks like a token or key",
        ),
        (
            "my.cnf",
            format!("\n\npassword={}\n", "s3cr3t!pw"),
            "line 3 looks like a password",
        ),
        (
            "pip.conf",
            format!("index-url = https://me:{}@host/\n", "s3cr3t!pw"),
            "line 1 looks like a password in an address",
        ),
        (
            "netrc",
            format!("machine a login b password {}\n", "abcdef"),
            "line 1 looks like a password",
        ),
        (
            "cert.p12",
            "\0binary".to_owned(),
            "it looks like a store of private keys",
        ),
    ] {
        let (laptop, server, remote) = Sandbox::new().laptop_and_server();
        let before = laptop.read("zshrc");
        laptop.write(name, &secret).write("fine", "fine\n");
        let told = format!("skipped '{name}': {why}");
        let output = laptop
            .sync(["--dry-run"])
            .exits(1)
            .says(&format!("skip     {name} ({why})"));
        output
            .says("fine")
            .tells("hint: a comment 'git-sync:allow'");
        laptop
            .sync(["status"])
            .succeeds()
            .says(&format!("{name} ({why})"));
        for _ in 0..2 {
            let output = laptop.sync([]).exits(1).tells(&told);
            assert!(!output.scene().contains(&secret), "{}", output.scene());
            let output = output.tells("hint: a comment 'git-sync:allow'");
            let output = output.says("but for 1 uncommitted change");
            assert!(!output.stderr().contains("s3cr3t!pw"), "{}", output.scene());
        }
        laptop.has(name, &secret);
        remote.has("fine", "fine");
        if name == "zshrc" {
            remote.has(name, before.trim());
        } else {
            assert!(!remote.files().contains(&name.to_owned()));
        }
        let last = secret.lines().last().unwrap();
        nobody_has(&laptop, last.trim_start_matches('\0'));
        server.sync([]).succeeds();
        server.has("fine", "fine\n");
        let status = laptop.sync(["status", "--json"]).succeeds().json();
        assert_eq!(status["skipped"][0]["why"], why, "{status}");
        let json = laptop.sync(["--json"]).exits(1).json();
        assert_eq!(json["skipped"][0]["path"], name, "{json}");
        assert_eq!(json["skipped"][0]["why"], why, "{json}");
    }
}

#[test]
fn a_file_goes_once_its_secret_is_out_or_allowed() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let secret = format!("T={}", token(1));
    laptop.write("zshrc", format!("{secret}\n"));
    laptop.sync([]).exits(1);
    laptop.write("zshrc", "T=$(pass show t)\n");
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    for (seed, word) in [(2, "git-sync:allow"), (3, "gitleaks:allow")] {
        laptop.write("zshrc", format!("T={} # {word}\n", token(seed)));
        laptop.sync([]).succeeds();
        laptop.is_in_sync_with(&remote);
    }
    laptop
        .write("keys/test", private_key(1))
        .write("key", private_key(2));
    laptop.sync([]).exits(1).tells("'key'").tells("'keys/test'");
    // The rule holds for the very sync that brings it.
    laptop.write(
        ".sync/config.yaml",
        "version: 1\nallow-secret:\n  - keys/\n",
    );
    let output = laptop.sync([]).exits(1).tells("'key'");
    output.does_not_tell("skipped 'keys/test'");
    assert!(remote.files().contains(&"keys/test".to_owned()));
    laptop.config("sync.guard", "false");
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
}

#[test]
fn rules_that_cannot_be_read_allow_nothing() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write(".sync/config.yaml", "version: 1\nallow-secret: {a: 1}\n");
    laptop.write("key", private_key(1));
    laptop
        .sync([])
        .exits(1)
        .tells("skipped 'key'")
        .tells("the secrets that it allows are not allowed");
    assert!(!remote.files().contains(&"key".to_owned()));
}

#[test]
fn what_the_branch_has_already_is_not_held_against_a_file() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", format!("T={}\n", token(1)));
    laptop.write("moved", private_key(1));
    laptop.commit("by hand");
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    // An edit beside it, a move, a new mode: nothing that others do not have.
    server.write("zshrc", format!("T={}\nalias l=ls\n", token(1)));
    server.rename("moved", "folder/key");
    server.chmod("folder/key", 0o755);
    server.sync([]).succeeds();
    server.is_in_sync_with(&remote);
    server.write(
        "zshrc",
        format!("T={}\nalias l=ls\nU={}\n", token(1), token(2)),
    );
    server
        .sync([])
        .exits(1)
        .tells("line 3 looks like a GitHub token");
    nobody_has(&server, &token(2));
}

#[test]
fn what_is_staged_is_held_back_too_and_the_rest_of_the_index_is_kept() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", format!("T={}\n", token(1)));
    laptop.write("key", private_key(1)).write("fine", "fine\n");
    laptop.git(["add", "-A"]);
    laptop.sync([]).exits(1).tells("'key'").tells("'zshrc'");
    nobody_has(&laptop, &token(1));
    nobody_has(&laptop, &random(64, 1));
    remote.has("fine", "fine");
    laptop.has("key", private_key(1));
    // Whoever commits it by hand has decided.
    laptop.git(["add", "key"]);
    laptop.git(["commit", "-qm", "mine", "--", "key"]);
    laptop.sync([]).exits(1).does_not_tell("'key'");
    assert!(remote.files().contains(&"key".to_owned()));
}

#[test]
fn who_commits_by_hand_is_not_asked() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.config("sync.commit", "never");
    laptop.write("zshrc", format!("T={}\n", token(1)));
    laptop.sync([]).succeeds();
    laptop
        .sync(["status"])
        .succeeds()
        .does_not_say("looks like");
    laptop.has("zshrc", format!("T={}\n", token(1)));
}

#[test]
fn a_hook_brings_no_secret_in() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.hook(
        "pre-commit",
        &format!(
            "#!/bin/sh\nprintf 'T=%s\\n' {} > made\ngit add made\n",
            token(1)
        ),
    );
    laptop.write("fine", "fine\n");
    laptop.sync([]).exits(1).tells("skipped 'made': line 1");
    nobody_has(&laptop, &token(1));
    remote.has("fine", "fine");
}

#[test]
fn what_a_filter_encrypts_is_no_secret() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("filter.crypt.clean", "tr 'A-Za-z' 'N-ZA-Mn-za-m' | rev");
    laptop.config("filter.crypt.smudge", "rev | tr 'A-Za-z' 'N-ZA-Mn-za-m'");
    laptop.write(
        ".gitattributes",
        "/.sync/marked-files.txt merge=union\nenv filter=crypt\n",
    );
    let secret = format!("T={}\n", token(1));
    laptop.write("env", &secret);
    laptop
        .sync(["status"])
        .succeeds()
        .does_not_say("looks like");
    laptop.sync([]).succeeds();
    laptop.is_in_sync_with(&remote);
    laptop.has("env", &secret);
    nobody_has(&laptop, &token(1));
}

/// The laptop has a secret in a file, that no sync commits, and the server changes the same file.
fn contested(path: &'static str) -> Conflict {
    let here = format!("laptop\nT={}\n", token(1));
    Conflict::new(
        move |laptop| {
            if path == "zshrc" {
                laptop.write(path, "first\n");
            }
        },
        move |laptop| {
            laptop.write(path, here);
        },
        move |server| {
            server.write(path, "server\n");
        },
    )
}

#[test]
fn a_file_that_is_held_back_is_not_overwritten_by_the_remote() {
    for path in ["zshrc", "new"] {
        let conflict = contested(path);
        let laptop = &conflict.laptop;
        let here = laptop.read(path);
        laptop.sync([]).exits(1);
        laptop.holds([path]).has(path, &here);
        laptop.sync([]).exits(1);
        laptop.holds([path]).has(path, &here);
        nobody_has(laptop, &token(1));
        conflict.upstream_has(path, "server\n");
        // It comes later too, when the secret was told long ago.
        let taken = laptop.sync(["resolve", "--theirs", path]);
        taken.succeeds();
        laptop.has(path, "server\n");
        laptop.write(path, &here);
        laptop.sync([]).exits(1).tells("looks like a GitHub token");
        conflict.server.sync([]).succeeds();
        conflict.server.write(path, "server again\n");
        conflict.server.sync([]).succeeds();
        laptop.sync([]).exits(1);
        laptop.holds([path]).has(path, &here);
        nobody_has(laptop, &token(1));
    }
}

#[test]
fn a_decision_for_a_file_with_a_secret_still_sends_no_secret() {
    let conflict = contested("zshrc");
    let laptop = &conflict.laptop;
    let here = laptop.read("zshrc");
    laptop.sync([]).exits(1);
    laptop
        .sync(["resolve", "--ours", "zshrc"])
        .exits(1)
        .tells("looks like a GitHub token");
    laptop.has("zshrc", &here);
    nobody_has(laptop, &token(1));
    conflict.upstream_has("zshrc", "server\n");
    laptop.write("zshrc", here.replace('\n', " # git-sync:allow\n"));
    laptop.sync([]).succeeds();
    conflict.upstream_has("zshrc", &laptop.read("zshrc"));
}

#[test]
fn a_force_push_sends_no_secret_and_a_force_pull_keeps_it() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let secret = format!("T={}\n", token(1));
    laptop.write("zshrc", &secret).write("fine", "fine\n");
    laptop
        .sync(["force-push", "--yes"])
        .exits(1)
        .tells("looks like a GitHub token");
    remote.has("fine", "fine");
    nobody_has(&laptop, &token(1));
    laptop.has("zshrc", &secret);
    let output = laptop.sync(["force-pull", "--yes"]).succeeds();
    let kept = output.stderr();
    let kept = kept
        .split_whitespace()
        .find(|word| word.starts_with("refs/git-sync/before/"))
        .unwrap_or_else(|| panic!("{}", output.scene()));
    assert_eq!(
        laptop.git(["show", &format!("{kept}:zshrc")]),
        secret.trim()
    );
}

#[test]
fn ordinary_dotfiles_are_no_secrets() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let (key, hex) = (random(68, 5), "0123456789abcdef0123456789abcdef01234567");
    for (name, text) in [
        (
            "zshrc",
            "export GITHUB_TOKEN=$(pass show github)\nalias token='git config a.token1'\n"
                .to_owned(),
        ),
        (
            "ssh/config",
            "Host a\n  IdentityFile ~/.ssh/id_ed25519\n  PasswordAuthentication no\n".to_owned(),
        ),
        (
            "ssh/id_ed25519.pub",
            format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} me@a\n", &key[..43]),
        ),
        (
            "ssh/known_hosts",
            format!("|1|{}=|{}= ssh-rsa AAAAB3{key}\n", &key[..27], &key[..27]),
        ),
        (
            "gnupg/gpg.conf",
            format!(
                "default-key 0x{}\nkeyserver hkps://keys.openpgp.org\n",
                hex.to_uppercase()
            ),
        ),
        (
            "gitconfig",
            format!(
                "[user]\n\tsigningkey = {}\n[credential]\n\thelper = store\n",
                &hex[..16]
            ),
        ),
        (
            "package-lock.json",
            format!("{{\"integrity\": \"sha512-{key}{}==\"}}\n", &key[..18]),
        ),
        (
            "Cargo.lock",
            format!("checksum = \"{hex}{}\"\n", &hex[..24]),
        ),
        (
            "settings.json",
            "{\"token\": \"keyword.control\", \"editor.tokenColors\": [\"#a1b2c3\"]}\n".to_owned(),
        ),
        (
            "msmtprc",
            "passwordeval \"pass mail/account1\"\n".to_owned(),
        ),
        (
            "cert.pem",
            format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                &key[..64]
            ),
        ),
        (
            "aws/config",
            "[profile a]\nregion = eu-central-1\nsso_account_id = 123456789012\n".to_owned(),
        ),
    ] {
        laptop.write(name, text);
    }
    settle(&[&laptop, &server]);
    server.is_in_sync_with(&remote);
}

#[test]
fn large_and_binary_files_are_looked_at_where_secrets_are() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let filler = "a line\n".repeat(300_000);
    laptop.write("head", format!("{}\n{filler}", token(1)));
    laptop.write("tail", format!("{filler}{}\n", token(2)));
    laptop.write("binary", format!("\0\0{}\0", token(3)));
    laptop.write(
        "random",
        format!("\0password=s3cr3t!pw\n{}", random(4000, 4)),
    );
    let output = laptop
        .sync([])
        .exits(1)
        .tells("skipped 'head'")
        .tells("skipped 'binary'");
    output.does_not_tell("'tail'").does_not_tell("'random'");
    let files = remote.files();
    assert!(files.contains(&"tail".to_owned()) && files.contains(&"random".to_owned()));
    nobody_has(&laptop, &token(1));
}

#[test]
fn a_held_path_may_have_a_secret_on_the_other_side() {
    // What the remote has is shared already.
    let conflict = Conflict::new(
        |laptop| {
            laptop.write("zshrc", "first\n");
        },
        nothing,
        |server| {
            server.write("zshrc", format!("T={} # git-sync:allow\n", token(1)));
        },
    );
    conflict.laptop.sync([]).succeeds();
    conflict
        .laptop
        .has("zshrc", format!("T={} # git-sync:allow\n", token(1)));
}
