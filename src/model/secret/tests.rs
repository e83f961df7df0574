use super::super::path::RepoPath;
use super::{Finding, entropy, find};

/// Letters without a pattern, the same each time: no real secret, and none that a scanner knows.
fn random(letters: &str, length: usize) -> String {
    let letters: Vec<_> = letters.chars().collect();
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        letters[usize::try_from(state >> 33).unwrap_or(0) % letters.len()]
    };
    (0..length).map(|_| next()).collect()
}

const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn found(path: &str, text: &str) -> Vec<Finding> {
    find(&RepoPath::from_bytes(path.as_bytes()), text.as_bytes())
}

fn whats(path: &str, text: &str) -> Vec<&'static str> {
    found(path, text).iter().map(|found| found.what).collect()
}

#[test]
fn forms_of_tokens_are_known() {
    let upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (hex, digits) = ("0123456789abcdef", "123456789");
    let bech = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
    let alnum = |length| random(ALNUM, length);
    for (what, token) in [
        ("an AWS access key id", format!("AKIA{}", random(upper, 16))),
        ("a GitHub token", format!("ghp_{}", alnum(36))),
        (
            "a GitHub token",
            format!("github_pat_{}_{}", alnum(22), alnum(59)),
        ),
        ("a GitLab token", format!("glpat-{}", alnum(20))),
        (
            "a Slack token",
            format!("xoxb-{}-{}", random(digits, 12), alnum(24)),
        ),
        (
            "a Slack webhook",
            format!(
                "https://hooks.slack.com/services/T{}/B{}/{}",
                alnum(9),
                alnum(9),
                alnum(24)
            ),
        ),
        ("a Google API key", format!("AIza{}", alnum(35))),
        ("a Stripe key", format!("sk_live_{}", alnum(24))),
        ("an npm token", format!("npm_{}", alnum(36))),
        ("a PyPI token", format!("pypi-AgEIcHlwaS5vcmc{}", alnum(70))),
        ("an Anthropic key", format!("sk-ant-api03-{}", alnum(80))),
        ("an OpenAI key", format!("sk-proj-{}", alnum(60))),
        ("an API key", format!("sk-{}", alnum(48))),
        ("a Hugging Face token", format!("hf_{}", alnum(34))),
        (
            "a DigitalOcean token",
            format!("dop_v1_{}", random(hex, 64)),
        ),
        ("a Vault token", format!("hvs.{}", alnum(90))),
        (
            "a Terraform token",
            format!("{}.atlasv1.{}", alnum(14), alnum(67)),
        ),
        ("a SendGrid key", format!("SG.{}.{}", alnum(22), alnum(43))),
        (
            "a Telegram bot token",
            format!("{}:AA{}", random(digits, 10), alnum(33)),
        ),
        (
            "an age key",
            format!("AGE-SECRET-KEY-1{}", random(bech, 58)),
        ),
        (
            "a JSON web token",
            format!("eyJ{}.eyJ{}.{}", alnum(20), alnum(60), alnum(43)),
        ),
    ] {
        for line in [
            format!("X={token}"),
            format!("  x: \"{token}\","),
            format!("a {token} b"),
        ] {
            let text = format!("first\n{line}\n");
            let findings = found("zshrc", &text);
            let told: Vec<_> = findings.iter().map(|f| (f.what, f.line)).collect();
            assert_eq!(told, [(what, Some(2))], "{line}");
        }
        // These begin with something that ends a word.
        let ends_a_word = [
            "a Slack webhook",
            "a Terraform token",
            "a Telegram bot token",
        ];
        if !ends_a_word.contains(&what) {
            let within = whats("zshrc", &format!("x{token}"));
            assert_eq!(within.len(), 0, "in a word: {token}");
        }
        for word in ["git-sync:allow", "gitleaks:allow"] {
            assert_eq!(
                whats("zshrc", &format!("{token} # {word}")).len(),
                0,
                "{token}"
            );
        }
        assert_eq!(
            whats("zshrc", &format!("# git-sync:allow\n{token}")),
            [what]
        );
    }
}

#[test]
fn what_manuals_write_is_no_token() {
    for text in [
        format!("AKIA{}{}", "IOSFODNN7", "EXAMPLE"),
        format!("ghp_{}", "x".repeat(36)),
        format!("ghp_{}", "1234567890".repeat(4)),
        format!("glpat-{}", "your-token-goes-here"),
        format!("sk_live_{}", "a".repeat(24)),
        "ghp_short".to_owned(),
    ] {
        assert_eq!(whats("zshrc", &format!("T={text}")).len(), 0, "{text}");
    }
}

#[test]
fn private_keys_are_known_by_their_content() {
    let key = |label: &str| {
        let body = random(ALNUM, 64);
        format!("-----BEGIN {label}-----\n{body}\n{body}\n-----END {label}-----\n")
    };
    for label in [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ] {
        let text = format!("# mine\n{}", key(label));
        let findings = found("id", &text);
        assert_eq!(findings.len(), 1, "{label}");
        assert_eq!(
            (findings[0].what, findings[0].line),
            ("a private key", Some(2))
        );
        // In a JSON file, as Google gives them out.
        let json = format!(
            "{{\"private_key\": \"{}\"}}",
            key(label).replace('\n', "\\n")
        );
        assert_eq!(whats("a.json", &json), ["a private key"], "{label}");
    }
    for label in [
        "PUBLIC KEY",
        "CERTIFICATE",
        "PGP PUBLIC KEY BLOCK",
        "AGE ENCRYPTED FILE",
    ] {
        assert_eq!(whats("id", &key(label)).len(), 0, "{label}");
    }
    let header = "-----BEGIN RSA PRIVATE ".to_owned() + "KEY-----";
    assert_eq!(
        whats("find.sh", &format!("grep -r -- '{header}' .\n")).len(),
        0
    );
    let putty = format!(
        "PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 1\n{}\n",
        random(ALNUM, 64)
    );
    assert_eq!(whats("key.ppk", &putty), ["a private key of PuTTY"]);
    let agent = "Created: 20260101T000000\nKey: (private".to_owned() + "-key (ecc (curve Ed25519)";
    assert_eq!(whats("a.key", &agent), ["a private key of GnuPG"]);
    for name in ["cert.p12", "a/b.PFX", "krb5.keytab", "secring.gpg"] {
        let findings = found(name, "\0");
        assert_eq!(findings.len(), 1, "{name}");
        assert_eq!(findings[0].line, None, "{name}");
        // It is the same store when it was changed, or moved.
        assert_eq!(findings, found(&format!("folder/{name}"), "\0more"));
    }
}

#[test]
fn what_is_assigned_to_a_name_of_a_secret_is_known() {
    let token = random(ALNUM, 40);
    for (path, line) in [
        ("zshrc", format!("export API_TOKEN={token}")),
        ("zshrc", format!("export apiKey='{token}'")),
        ("config.fish", format!("set -gx DEPLOY_TOKEN {token}")),
        ("cshrc", format!("setenv DEPLOY_TOKEN \"{token}\"")),
        ("credentials", format!("aws_secret_access_key = {token}")),
        ("a.yaml", format!("  client-secret: {token}")),
        (
            "a.json",
            format!("{{\"a\": 1, \"auth_token\": \"{token}\", \"b\": 2}}"),
        ),
        ("a.toml", format!("private_key = \"{token}\"")),
        ("a.py", format!("config[\"secret_key\"] = '{token}'")),
        ("a.rb", format!(":api_key => '{token}'")),
        ("curlrc", format!("-H \"Authorization: Bearer {token}\"")),
        ("a.yaml", format!("password: {}", "hunter2")),
        ("my.cnf", format!("password={}", "s3cr3t!pw")),
        ("mbsyncrc", format!("Pass {}", "\"s3cr3t!pw\"")),
        ("msmtprc", format!("password {}", "s3cr3t!pw")),
        ("muttrc", format!("set imap_pass = \"{}\"", "s3cr3t!pw")),
        (
            "settings.xml",
            format!("<password>{}</password>", "s3cr3t!pw"),
        ),
        (
            "pip.conf",
            format!("index-url = https://me:{}@host/simple", "s3cr3t!pw"),
        ),
        (
            "netrc",
            format!("machine host login me password {}", "abcdef"),
        ),
        (".pgpass", format!("host:5432:db:me:{}", "abcdef")),
        (".git-credentials", format!("https://me:{}@host", "abcdef")),
        (
            ".docker/config.json",
            format!("{{\"auth\": \"{}\"}}", "bWU6YWJjZGVm"),
        ),
    ] {
        let text = format!("first\n{line}\n");
        let findings = found(path, &text);
        assert_eq!(findings.len(), 1, "{path}: {line}");
        assert_eq!(findings[0].line, Some(2), "{path}: {line}");
        let allowed = format!("{line} # git-sync:allow\n");
        if path != ".pgpass" {
            assert_eq!(whats(path, &allowed).len(), 0, "{path}: {line}");
        }
    }
}

#[test]
fn ordinary_lines_are_no_secrets() {
    let base64 = random(ALNUM, 68);
    let hex = random("0123456789abcdef", 64);
    for line in [
        "export GITHUB_TOKEN=$(pass show github/token1)".to_owned(),
        "export GITHUB_TOKEN=\"$(op read op://a/b/credential1)\"".to_owned(),
        "export TOKEN=`cat ~/.token1`".to_owned(),
        "export TOKEN=${OTHER_TOKEN_1234567890}".to_owned(),
        "set -gx TOKEN (pass show token1)".to_owned(),
        "token_file = ~/.config/app/token-2024-12".to_owned(),
        "secret = /run/secrets/database_password_1".to_owned(),
        "password_command = pass show mail/account1".to_owned(),
        "passwordeval gpg --decrypt ~/.mail1.gpg".to_owned(),
        "PassCmd \"pass mail/account1\"".to_owned(),
        "password = \"\"".to_owned(),
        "password: null".to_owned(),
        "password: true".to_owned(),
        "password = getpass.getpass('Password 1: ')".to_owned(),
        "token = os.environ['TOKEN_2_FOR_TESTS']".to_owned(),
        "token = config.github.tokens2".to_owned(),
        "token: <your-token-here-12345>".to_owned(),
        "password: changeme123".to_owned(),
        "password: {{ vault_password_1 }}".to_owned(),
        "password: ENC[AES256_GCM,data:abc123,iv:x]".to_owned(),
        "password: !vault |".to_owned(),
        "existingSecret: production-database-2024-12".to_owned(),
        "\"token\": \"keyword.control.flow.2\"".to_owned(),
        "\"editor.tokenColorCustomizations\": {\"comments\": \"#608b4e\"}".to_owned(),
        "max_tokens = 1234567890123456".to_owned(),
        "Password: at least 8 characters".to_owned(),
        "password reset2".to_owned() + "(again)",
        format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA{base64} me@host"),
        format!("host ssh-rsa AAAAB3NzaC1yc2E{base64}"),
        format!(
            "|1|{}=|{}= ssh-ed25519 AAAA{base64}",
            &base64[..27],
            &base64[..27]
        ),
        format!("checksum = \"{hex}\""),
        format!("    \"integrity\": \"sha512-{base64}==\","),
        format!(
            "resolved \"https://packages.example/a/-/a-1.0.0.tgz#{}\"",
            &hex[..40]
        ),
        format!("  signingkey = {}", hex[..16].to_uppercase()),
        format!("default-key 0x{}", hex[..40].to_uppercase()),
        "IdentityFile ~/.ssh/id_ed25519".to_owned(),
        "    HostKeyAlgorithms ssh-ed25519,rsa-sha2-512".to_owned(),
        "bindkey '^[[1;5C' forward-word".to_owned(),
        "alias gtoken='git config user.token1'".to_owned(),
        "PWD=/home/me/dir1".to_owned(),
        "url = https://me@host:8443/a/b".to_owned(),
        "http://localhost:8080/@user:1".to_owned(),
        "postgres://$USER:$PASSWORD1@localhost/db".to_owned(),
        "proxy = http://user:password@proxy:3128".to_owned(),
    ] {
        assert_eq!(whats("zshrc", &line).len(), 0, "{line}");
    }
}

#[test]
fn binary_files_are_looked_at_for_sure_forms_only() {
    let token = format!("ghp_{}", random(ALNUM, 36));
    let text = format!("\0password=s3cr3t!pw\n{token}\n");
    assert_eq!(whats("a.db", &text), ["a GitHub token"]);
}

#[test]
fn a_secret_that_is_there_twice_is_told_once() {
    let token = format!("ghp_{}", random(ALNUM, 36));
    assert_eq!(found("a", &format!("{token}\n{token}\n")).len(), 1);
}

#[test]
fn only_the_beginning_of_a_large_file_is_looked_at() {
    let token = format!("ghp_{}\n", random(ALNUM, 36));
    let large = "a line\n".repeat(super::LOOKED_AT / 7 + 1);
    assert_eq!(whats("a", &(large.clone() + &token)).len(), 0);
    assert_eq!(whats("a", &(token + &large)).len(), 1);
}

#[test]
fn entropy_is_in_bits() {
    assert!(entropy(b"aaaa") < 0.001);
    assert!((entropy(b"abcd") - 2.0).abs() < 0.001);
}
