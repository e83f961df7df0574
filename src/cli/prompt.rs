//! `git sync prompt HOST`

use super::exit::Exit;
use super::global::Global;
use super::locate;
use crate::error::{Error, Result};
use crate::git::Repo;
use crate::git::config::{self, DIRECTORY};
use crate::git::config_file::UserConfig;
use crate::git::repo::Manner;
use crate::model::prompt::Host;
use crate::model::state::Icons;
use crate::store::machine;
use crate::sys::{env, program};
use crate::ui::Ui;
use crate::ui::prompt::{Known, snippet};
use std::path::PathBuf;

/// Prints what is to be evaluated, sourced or included. It runs at the start of shells, so it starts no
/// process and opens no repository, unless one is named.
pub(super) fn run(global: &Global, ui: &Ui, host: Host) -> Result<Exit> {
    let program = program::path()
        .map_err(|source| Error::failed("cannot find this program").because(source))?;
    let user = UserConfig::read();
    let named = if global.directory.is_empty() {
        env::get(env::DIRECTORY)
            .map(PathBuf::from)
            .or_else(|| user.path(DIRECTORY))
    } else {
        let here = locate::start(&global.directory)?;
        let repo = Repo::discover(&here, Manner::default())?;
        Some(repo.map_or(here, |repo| repo.top().to_owned()))
    };
    let known = Known {
        program,
        usual: machine::default_directory(None).unwrap_or_default(),
        configs: named,
        icons: user
            .text(config::ICONS)
            .and_then(|word| Icons::parse(&word)),
    };
    ui.answer_bytes(snippet(host, &known).as_bytes());
    Ok(Exit::Done)
}
