//! The manual, the completions and the snippets, which a set-up brings along: what was done about them, as items.

use super::{Item, Items, Mark};
use crate::error::Result;
use crate::model::companion::Companion;
use crate::ops::companions::{self, Manual, Place, State};
use std::path::{Path, PathBuf};

/// Puts them in, or with `dry_run` tells what would be.
pub(super) fn install(dry_run: bool) -> Result<Items> {
    let places = companions::install(dry_run)?;
    let mut items = told(&places);
    let page = places
        .iter()
        .find(|place| place.companion == Companion::Man);
    let page = page.filter(|place| !dry_run && !matches!(place.state, State::Left(_)));
    if let Some(page) = page {
        items.extend(match companions::manual()? {
            Manual::Unfound => Some((Mark::Look, Item::UnfoundManual(root(&page.path)))),
            Manual::Foreign(other) => Some((Mark::Look, Item::ForeignManual(other))),
            Manual::Ours(_) | Manual::NoReader => None,
        });
    }
    Ok(items)
}

/// The folder of manuals that a page is in.
fn root(page: &Path) -> PathBuf {
    page.ancestors().nth(2).unwrap_or(page).to_owned()
}

/// What [`remove`] would do.
pub(super) fn removable() -> Items {
    told(&companions::set_up())
}

/// Takes them away.
pub(super) fn remove() -> Items {
    told(&companions::remove())
}

fn told(places: &[Place]) -> Items {
    let mut items = Items::new();
    for (state, mark) in [
        (State::New, Mark::New),
        (State::Same, Mark::Same),
        (State::Gone, Mark::Gone),
    ] {
        let (mut shells, mut prompts) = (Vec::new(), Vec::new());
        let (mut fpath, mut snippets) = (None, None);
        for place in places.iter().filter(|place| place.state == state) {
            match place.companion {
                Companion::Man => items.push((mark, Item::Manual(place.path.clone()))),
                // What is one for git alone belongs to the other.
                Companion::ZshGit | Companion::FishGit => {}
                Companion::Bash | Companion::Zsh | Companion::Fish => {
                    shells.push(place.companion.reader());
                }
                Companion::PromptZsh | Companion::PromptBash | Companion::PromptFish => {
                    prompts.push(place.companion.reader());
                    snippets = place.path.parent().map(Path::to_owned);
                }
            }
            if place.companion == Companion::Zsh && state == State::New {
                fpath = place.path.parent().map(Path::to_owned);
            }
        }
        if !shells.is_empty() {
            items.push((mark, Item::Completions(shells)));
        }
        items.extend(fpath.map(|folder| (Mark::Look, Item::Fpath(folder))));
        items.extend(snippets.map(|folder| (mark, Item::Snippets(prompts, folder))));
    }
    let left = places
        .iter()
        .filter(|place| matches!(place.state, State::Left(_)));
    items.extend(left.map(|place| (Mark::Look, Item::NotPut(place.clone()))));
    items
}
