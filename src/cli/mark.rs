//! `git sync --mark`, `--unmark` and `--list-marked`

use super::exit::Exit;
use super::global::Global;
use super::{locate, run};
use crate::error::{Error, Kind, Result};
use crate::model::terms::{self, Wish};
use crate::model::variant;
use crate::ops::Context;
use crate::ops::marks::{list, mark, unmark};
use crate::sys::env;
use crate::ui::{self, Ui, json};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Marks paths, or mends the marks that are there.
pub(super) fn mark(global: &Global, ui: &Ui, typed: &[PathBuf]) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let ctx = Context::new(&repo, ui)?;
    let options = mark::Options {
        paths: absolute(global, typed)?,
        follow: global.follow,
        allow_secret: global.allow_secret,
        repair: global.repair,
        rekey: global.rekey,
        add_recipient: global.add_recipient.clone(),
        wish: wish(global)?,
        yes: global.yes,
        dry_run: global.dry_run,
        wait: run::options(global).wait,
    };
    let outcome = mark::mark(&ctx, &options)?;
    let exit = if outcome.is_left() {
        Exit::Failed
    } else {
        Exit::Done
    };
    if global.json {
        ui.answer(&json::line(&ui::marks::marked_object(
            &outcome,
            exit.code(),
        )));
    } else {
        ui::marks::marked(ui, &outcome);
    }
    Ok(exit)
}

/// What is said of how the marks are kept, and where.
fn wish(global: &Global) -> Result<Wish> {
    let bad = |option: &str, list: &str| {
        Error::new(Kind::Usage, format!("bad list '{list}' for '--{option}'"))
    };
    let machines = global.machines.as_deref().map(|list| {
        terms::machines(list).ok_or_else(|| {
            bad("machines", list).hint("types of machines, or patterns of ids: mac,ana@mbp-*")
        })
    });
    let profiles = global.profiles.as_deref().map(|list| {
        terms::profiles(list).ok_or_else(|| {
            bad("profiles", list).hint("names of letters, digits, '-', '_' and '.': work,home")
        })
    });
    Ok(Wish {
        copy: match (global.copy, global.link) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        },
        encrypt: global.encrypt,
        machines: machines.transpose()?,
        profiles: profiles.transpose()?,
        variant: variant_of(global)?,
    })
}

/// Whose version is meant.
fn variant_of(global: &Global) -> Result<Option<String>> {
    match &global.variant {
        Some(name) if !variant::is_name(name) => {
            let error = Error::new(Kind::Usage, format!("bad name '{name}' for '--variant'"));
            Err(error
                .hint("a type of machine, a pattern of ids, or a profile: mac, ana@mbp-*, work"))
        }
        name => Ok(name.clone()),
    }
}

/// Unmarks paths.
pub(super) fn unmark(global: &Global, ui: &Ui, typed: &[PathBuf]) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let ctx = Context::new(&repo, ui)?;
    let options = unmark::Options {
        paths: absolute(global, typed)?,
        variant: variant_of(global)?,
        dry_run: global.dry_run,
        wait: run::options(global).wait,
    };
    let outcome = unmark::unmark(&ctx, &options)?;
    let is_left = outcome
        .findings
        .iter()
        .any(|finding| finding.left.is_some());
    let exit = if is_left { Exit::Failed } else { Exit::Done };
    if global.json {
        let object = ui::marks::unmarked_object(&outcome, exit.code());
        ui.answer(&json::line(&object));
    } else {
        ui::marks::unmarked(ui, &outcome);
    }
    Ok(exit)
}

/// Lists what is marked.
pub(super) fn list(global: &Global, ui: &Ui) -> Result<Exit> {
    let repo = super::open(global, ui)?;
    let ctx = Context::new(&repo, ui)?;
    let standings = list::list(&ctx)?;
    if global.json {
        ui.answer(&json::line(&ui::marks::object(&standings)));
    } else {
        ui.answer_bytes(&ui::marks::list(&standings, global.nul));
    }
    Ok(Exit::Done)
}

/// Paths as they were typed, from where that was; `~/` is the home also where no shell has seen it.
pub(super) fn absolute(global: &Global, typed: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let here = locate::start(&global.directory)?;
    Ok(typed.iter().map(|path| from(&here, path)).collect())
}

fn from(here: &Path, typed: &Path) -> PathBuf {
    let below = typed.as_os_str().as_bytes().strip_prefix(b"~/");
    match (below, env::home()) {
        (Some(below), Some(home)) => home.join(std::ffi::OsStr::from_bytes(below)),
        _ => here.join(typed),
    }
}
