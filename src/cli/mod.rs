//! The command line: what was typed, which operation it asks for, and how the program ends.

pub mod args;
mod background;
mod backup;
mod complete;
mod diff;
mod doctor;
pub mod exit;
mod force;
pub mod global;
mod help;
mod hooks;
mod import;
pub mod locate;
mod log;
mod machines;
mod mark;
pub mod mode;
mod options;
mod paths;
mod prompt;
mod refresh;
mod resolve;
mod restore;
mod run;
mod schedule;
mod setup;
mod status;
mod trace;
mod watch;

use crate::error::{Error, Result};
use crate::git::Repo;
use crate::git::config;
use crate::git::repo::Manner;
use crate::model::state::State;
use crate::ops::force::Winner;
use crate::sys::{env, interrupt};
use crate::ui::style::{self, Colour, Theme};
use crate::ui::{Loudness, Ui, json, pager};
use args::Cli;
use clap::Parser as _;
use exit::Exit;
use global::Global;
use mode::Mode;
use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
    background::detach_if_worker();
    let exit = match Cli::try_parse() {
        Ok(cli) => start(&cli),
        Err(error) => {
            let asked = !error.use_stderr();
            let ui = Ui::new(Loudness::Normal, Colour::default(), false);
            if !(asked && help::is_manual_asked_for() && help::show_manual()) {
                ui.note(error.print());
            }
            if asked {
                end(&ui, Exit::Done)
            } else {
                Exit::Usage
            }
        }
    };
    ExitCode::from(exit.code())
}

fn start(cli: &Cli) -> Exit {
    let global = &cli.global;
    let ui = Ui::new(
        global.loudness(),
        global.colour().unwrap_or_default(),
        global.json,
    );
    let result = interrupt::watch()
        .map_err(|source| Error::failed("signals cannot be watched").because(source))
        .and_then(|()| cli.read())
        .and_then(|mode| dispatch(&mode, global, &ui));
    let exit = result.unwrap_or_else(|error| {
        let exit = Exit::of_error(&error);
        if global.json {
            ui.answer(&json::line(&json::error(&error, exit.code())));
        } else {
            ui.error(&error);
        }
        exit
    });
    end(&ui, exit)
}

/// The exit, unless the answer that it belongs to could not be written.
fn end(ui: &Ui, exit: Exit) -> Exit {
    match ui.finish() {
        Ok(()) => exit,
        Err(error) => {
            ui.error(&error);
            Exit::of_error(&error)
        }
    }
}

fn dispatch(mode: &Mode, global: &Global, ui: &Ui) -> Result<Exit> {
    match mode {
        Mode::Run if global.background => Ok(background::run(global, ui)),
        Mode::Run => run::run(global, ui),
        Mode::Status => status::run(global, ui),
        Mode::ForcePush => force::run(global, ui, Winner::Here),
        Mode::ForcePull => force::run(global, ui, Winner::There),
        Mode::Mark(paths) if global.import.is_some() => import::run(global, ui, paths),
        Mode::Mark(paths) => mark::mark(global, ui, paths),
        Mode::Unmark(paths) => mark::unmark(global, ui, paths),
        Mode::List => mark::list(global, ui),
        Mode::Backup { list } => backup::run(global, ui, *list),
        Mode::Restore {
            backup,
            paths,
            diff,
        } => restore::run(global, ui, (backup.as_deref(), paths), *diff),
        Mode::Resolve(paths) => resolve::run(global, ui, paths),
        Mode::Diff(paths) => diff::run(global, ui, paths),
        Mode::Log => log::run(global, ui),
        Mode::Machines => machines::run(global, ui),
        Mode::Doctor => doctor::run(global, ui),
        Mode::Schedule(action) => schedule::run(global, ui, *action),
        Mode::Generate(companion) => {
            ui.answer_bytes(companion.text().as_bytes());
            Ok(Exit::Done)
        }
        Mode::Complete(kinds) => Ok(complete::run(global, ui, kinds)),
        Mode::Watch => watch::run(global, ui),
        Mode::Prompt(host) => prompt::run(global, ui, *host),
        Mode::Hooks(action) => hooks::run(global, ui, *action),
        Mode::Refresh { after_hook } => Ok(refresh::run(global, *after_hook)),
        Mode::Setup { url, dir } => setup::run(global, ui, url.as_deref(), dir.as_deref()),
    }
}

/// Opens the repository that a command is about, and follows its settings for what is said.
fn open(global: &Global, ui: &Ui) -> Result<Repo> {
    let repo = locate::repository(
        &global.directory,
        &Manner {
            trace: trace::of(global, ui),
            ..Manner::default()
        },
    )?;
    follow(&repo, global, ui)?;
    Ok(repo)
}

/// Follows the settings of `repo` for what is said.
fn follow(repo: &Repo, global: &Global, ui: &Ui) -> Result<()> {
    let advice = env::text(env::GIT_ADVICE).as_deref() != Some("0");
    if !advice || repo.config_bool(config::ADVICE)? == Some(false) {
        ui.show_hints(false);
    }
    if global.colour().is_none() {
        let wish = [config::COLOR, "color.ui"]
            .iter()
            .find_map(|key| repo.config_text(key));
        ui.set_colour(wish.as_deref().and_then(Colour::parse).unwrap_or_default());
    }
    style::choose(theme(repo)?);
    Ok(())
}

/// The answer of a command that shows much, in the user's pager where somebody reads it on a terminal.
fn page(ui: &Ui, repo: &Repo, text: &str) -> Result<()> {
    let pager = if pager::is_wanted(text) {
        repo.pager()?
    } else {
        None
    };
    if let Some(pager) = pager {
        return pager::answer(ui, &pager, text);
    }
    ui.answer(text);
    Ok(())
}

/// How states look, by the settings of `repo`.
fn theme(repo: &Repo) -> Result<Theme> {
    let mut theme = Theme {
        icons: config::icons(repo)?,
        ..Theme::default()
    };
    for state in State::ALL {
        let key = format!("{}.{}", config::COLOR, state.word());
        if let Some(code) = repo.config_color(&key)? {
            theme.colours.push((state, code));
        }
    }
    Ok(theme)
}
