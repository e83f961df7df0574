//! Every git command is told: with `-vv`, or as `GIT_SYNC_TRACE` says.

use super::global::Global;
use crate::git::repo::Trace;
use crate::ops::Listener as _;
use crate::sys::progress::ERASE;
use crate::sys::{clock, env, fs};
use crate::ui::{Loudness, Ui, style};
use std::path::PathBuf;
use std::rc::Rc;

/// Who hears the git commands of a run that somebody sees.
pub(super) fn of(global: &Global, ui: &Ui) -> Option<Trace> {
    if let Some(file) = in_file() {
        return Some(file);
    }
    let wanted = env::text(env::TRACE).is_some_and(|word| ["1", "2", "true"].contains(&&*word));
    let told = wanted || global.loudness() >= Loudness::Trace;
    let ui = ui.clone();
    told.then(|| -> Trace {
        // It may come in the middle of something whose progress is shown.
        let erase = if ui.is_watched() { ERASE } else { "" };
        Rc::new(move |words| {
            ui.complain(&format!("{erase}{}", style::faint(&format!("  $ {words}"))));
        })
    })
}

/// The file that `GIT_SYNC_TRACE` names, which a run in the background writes too.
pub(super) fn in_file() -> Option<Trace> {
    let path = PathBuf::from(env::get(env::TRACE)?);
    if !path.is_absolute() {
        return None;
    }
    let hears = move |words: &str| {
        let time = clock::rfc3339(clock::now());
        let line = format!("{time} {} {words}\n", std::process::id());
        // Who reads along must not stop a sync.
        drop(fs::append(&path, line.as_bytes()));
    };
    Some(Rc::new(hears))
}
