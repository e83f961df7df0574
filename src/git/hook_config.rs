//! Hooks in the configuration, which git has from 2.54 on: they run beside those in files, wherever these are.

use super::Repo;
use crate::error::Result;

/// The first version that runs them.
const SINCE: (u32, u32) = (2, 54);

impl Repo {
    /// Does the user's git run hooks that are in its configuration?
    pub fn runs_configured_hooks(&self) -> Result<bool> {
        let said = self.git("version").output()?;
        Ok(version(&String::from_utf8_lossy(&said)).is_some_and(|version| version >= SINCE))
    }

    /// Puts the hook `name` for `event` into the repository's own file.
    pub fn set_configured_hook(&self, name: &str, event: &str, command: &str) -> Result<()> {
        self.set_local(&format!("hook.{name}.event"), event)?;
        self.set_local(&format!("hook.{name}.command"), command)
    }

    /// The command of the hook `name`, in the repository's own file.
    pub fn configured_hook(&self, name: &str) -> Result<Option<String>> {
        self.local_setting(&format!("hook.{name}.command"))
    }

    /// Takes the hook `name` out of it.
    pub fn remove_configured_hook(&self, name: &str) -> Result<()> {
        self.remove_local_section(&format!("hook.{name}"))
    }
}

/// The first two numbers of what `git version` says.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::version;
    use crate::testing::text;
    use proptest::prelude::*;

    #[test]
    fn versions_are_read_whoever_built_them() {
        assert_eq!(version("git version 2.47.3\n"), Some((2, 47)));
        assert_eq!(
            version("git version 2.54.0 (Apple Git-160)\n"),
            Some((2, 54))
        );
        assert_eq!(
            version("git version 2.55.0.618.g1a3e64c6c4\n"),
            Some((2, 55))
        );
        assert_eq!(version("hub version 2"), None);
    }

    proptest! {
        #[test]
        fn a_version_of_anything_is_read_or_none(text in text(), numbers in "[0-9.]{0,30}") {
            version(&text);
            version(&format!("git version {numbers}"));
        }
    }
}
