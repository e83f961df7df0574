//! Addresses of remotes: which are the same, and how one may be shown.

/// Do the two lead to the same repository, as far as the words tell?
///
/// `host:path` and `ssh://host/path` are one place for most servers, but not for all of them, so
/// they count as two.
pub fn same(a: &str, b: &str) -> bool {
    plain(a) == plain(b)
}

/// `url` without a password; a user name stays, as ssh needs it.
pub fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let Some((login, host)) = authority.rsplit_once('@') else {
        return url.to_owned();
    };
    match login.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}@{host}{path}"),
        // A name alone is a token as often as not where there is no ssh.
        None if scheme.contains("ssh") => url.to_owned(),
        None => format!("{scheme}://{host}{path}"),
    }
}

/// Is it reached by ssh? `host:path` is, unless a slash before the colon makes it a path.
pub fn is_ssh(url: &str) -> bool {
    match url.split_once("://") {
        Some((scheme, _)) => scheme.contains("ssh"),
        None => url
            .split_once(':')
            .is_some_and(|(host, _)| !host.contains('/')),
    }
}

/// The part of an address that tells repositories apart.
fn plain(url: &str) -> String {
    // Once without the password, and then without a name that is none of ssh's.
    let url = shown(&shown(url));
    let url = url.strip_prefix("file://").unwrap_or(&url);
    let url = url.trim_end_matches('/');
    let url = url.strip_suffix("/.git").unwrap_or(url);
    url.strip_suffix(".git").unwrap_or(url).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{damaged_text, text};
    use proptest::prelude::*;

    #[test]
    fn ssh_is_told_from_paths() {
        for url in ["git@h:a/b", "h:a", "ssh://h/a", "git+ssh://h/a"] {
            assert!(is_ssh(url), "{url}");
        }
        for url in [
            "/srv/a",
            "./a:b",
            "../x/a:b",
            "https://h/a",
            "file:///a",
            "a",
        ] {
            assert!(!is_ssh(url), "{url}");
        }
    }

    #[test]
    fn spellings_of_one_address_are_the_same() {
        for (a, b) in [
            ("git@h:a/b.git", "git@h:a/b"),
            ("https://h/a/b/", "https://h/a/b.git"),
            ("https://me:secret@h/a", "https://me:other@h/a"),
            ("https://token@h/a", "https://h/a"),
            ("file:///srv/a.git", "/srv/a.git/"),
            ("/srv/a/.git", "/srv/a"),
        ] {
            assert!(same(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("git@h:a", "git@h:b"),
            ("https://h/a", "http://h/a"),
            ("ssh://a@h/x", "ssh://b@h/x"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(shown("https://me:pw@h/a@b"), "https://me@h/a@b");
        assert_eq!(shown("https://token@h/a"), "https://h/a");
        assert_eq!(shown("ssh://git@h:22/a"), "ssh://git@h:22/a");
        assert_eq!(shown("git@h:a"), "git@h:a");
        assert_eq!(shown("/srv/a@b"), "/srv/a@b");
    }

    proptest! {
        #[test]
        fn an_address_of_anything_is_shown_without_a_password(
            text in text(), other in damaged_text("https://ana:secret@example.com:8080/ana/configs.git"),
        ) {
            for text in [text, other] {
                let shown = shown(&text);
                prop_assert!(shown.len() <= text.len());
                prop_assert!(same(&text, &text) && same(&text, &shown));
                is_ssh(&text);
            }
        }

        #[test]
        fn no_password_is_shown(user in "[a-z]{1,8}", password in "[A-Z0-9:@?#]{3,12}", rest in "[a-z/.]{0,12}") {
            // One with a slash in it is none: the host ends there.
            let shown = shown(&format!("https://{user}:{password}@example.com/{rest}"));
            prop_assert!(!shown.contains(&password), "{shown}");
        }
    }
}
