//! Where Mackup keeps what it backs up, by its settings.
//!
//! The file `~/.mackup.cfg`, its section `[storage]` with `engine`, `path` and `directory`, and what holds
//! without them, are facts of <https://github.com/lra/mackup/blob/master/doc/README.md>; that it either
//! links or copies is one of <https://github.com/lra/mackup/blob/master/README.md>.

use std::path::{Path, PathBuf};

/// Its settings, below the home.
pub const CONFIG: &str = ".mackup.cfg";

/// The folder of the copies, by the text of the settings; the places where it can be, the likely ones
/// first.
pub fn folders(config: &str, home: &Path) -> Vec<PathBuf> {
    let setting = |key: &str| setting(config, key);
    let directory = setting("directory").unwrap_or("Mackup");
    let places: &[&str] = match setting("engine").unwrap_or("dropbox") {
        "file_system" => &[setting("path").unwrap_or_default()],
        "icloud" => &["Library/Mobile Documents/com~apple~CloudDocs"],
        "google_drive" => &["Google Drive", "Google Drive/My Drive", "My Drive"],
        _ => &["Dropbox"],
    };
    let places = places.iter().filter(|place| !place.is_empty());
    places
        .map(|place| home.join(place).join(directory))
        .collect()
}

/// The value of a key in `[storage]`.
fn setting<'a>(config: &'a str, wanted: &str) -> Option<&'a str> {
    let mut here = false;
    let mut value = None;
    for line in config.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            here = section.trim_end_matches(']').trim() == "storage";
        } else if here
            && !line.starts_with(['#', ';'])
            && let Some((key, found)) = line.split_once(['=', ':'])
            && key.trim().eq_ignore_ascii_case(wanted)
        {
            value = Some(found.trim()).filter(|value| !value.is_empty());
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::folders;
    use crate::testing::{damaged_text, text};
    use proptest::prelude::*;
    use std::path::Path;

    #[test]
    fn the_folder_is_where_the_settings_say() {
        let first = |config: &str| {
            let found = folders(config, Path::new("/h"));
            found.first().map(|path| path.display().to_string())
        };
        let is = |config: &str, path: &str| assert_eq!(first(config).as_deref(), Some(path));
        is("", "/h/Dropbox/Mackup");
        is(
            "[storage]\nengine = file_system\npath = some/path in\n",
            "/h/some/path in/Mackup",
        );
        is(
            "[storage]\nengine=file_system\npath=/data\ndirectory = a/b\n",
            "/data/a/b",
        );
        is(
            "# [storage]\n[applications_to_sync]\nengine = icloud\n",
            "/h/Dropbox/Mackup",
        );
        is(
            "[storage]\n; engine = x\nengine = icloud\n",
            "/h/Library/Mobile Documents/com~apple~CloudDocs/Mackup",
        );
        assert_eq!(first("[storage]\nengine = file_system\n"), None);
    }

    proptest! {
        #[test]
        fn settings_of_anything_are_read(
            text in text(), other in damaged_text("[storage]\nengine = file_system\npath = a/b\ndirectory = c\n"),
        ) {
            for text in [text, other] {
                prop_assert!(folders(&text, Path::new("/h")).len() <= 3);
            }
        }
    }
}
