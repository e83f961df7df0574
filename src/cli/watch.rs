//! `git sync watch`

use super::background::Silence;
use super::exit::Exit;
use super::global::Global;
use super::locate;
use crate::error::{Error, Kind, Result};
use crate::git::repo::Manner;
use crate::model::span;
use crate::ops::watch::{Options, watch};
use crate::sys::interrupt;
use crate::ui::{self, Ui};
use std::time::Duration;

/// Watches until it is ended.
pub(super) fn run(global: &Global, ui: &Ui) -> Result<Exit> {
    let options = options(global)?;
    let manner = Manner {
        background: true,
        trace: super::trace::of(global, ui),
        ..Manner::default()
    };
    let repo = locate::repository(&global.directory, &manner)?;
    super::follow(&repo, global, ui)?;
    let hears = |news: &_| ui::watch::tell(ui, global.json, news);
    watch(&repo, &Silence, options, &hears)?;
    Ok(interrupt::caught().map_or(Exit::Done, Exit::Signal))
}

fn options(global: &Global) -> Result<Options> {
    let read = |option: &str, typed: &Option<String>, least: Duration| match typed {
        None => Ok(None),
        Some(text) => span::parse(text)
            .filter(|span| *span >= least)
            .map(Some)
            .ok_or_else(|| {
                let error = format!("bad value '{text}' for '--{option}'");
                Error::new(Kind::Usage, error).hint("a number with ms, s, m, h or d: 3s, 5m, 1h")
            }),
    };
    Ok(Options {
        delay: read("delay", &global.delay, Duration::from_millis(1))?,
        interval: read("every", &global.every, Duration::ZERO)?,
    })
}
