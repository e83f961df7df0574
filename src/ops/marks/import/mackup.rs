//! What Mackup backs up. What is known of it is in [`crate::model::import::mackup`].

use super::farm::{self, Farm};
use super::found::Found;
use super::none;
use crate::error::Result;
use crate::model::import::Tool;
use crate::model::import::mackup::{self, CONFIG};
use crate::sys::fs;
use std::path::Path;

/// Reads the folder `place`, or the one that the settings name.
pub(super) fn read(found: &mut Found<'_>, place: Option<&Path>) -> Result<()> {
    let home = found.home.clone();
    let config = fs::read_text(&home.join(CONFIG))?.unwrap_or_default();
    let looked = match place {
        Some(place) => vec![place.to_owned()],
        None => mackup::folders(&config, &home),
    };
    let Some(folder) = looked.iter().find(|folder| folder.is_dir()) else {
        return Err(none(Tool::Mackup, &looked));
    };
    found.keep(folder);
    let farm = Farm {
        source: folder,
        root: folder,
        target: &home,
        copies: true,
        quiet: false,
        names: farm::same,
        is_own: |_, _| false,
    };
    if !farm.read(found)? {
        found.leave(folder, "has nothing that is here");
    }
    Ok(())
}
