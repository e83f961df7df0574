//! `git sync refresh`: writes the state for prompts anew, for hooks and prompts. It prints nothing and
//! exits with 0: whoever calls it has other things to do.

use super::background::Silence;
use super::exit::Exit;
use super::global::Global;
use super::locate;
use crate::error::Result;
use crate::git::repo::Manner;
use crate::ops::Context;
use crate::ops::refresh::refresh;
use crate::sys::{detach, env};
use std::ffi::OsString;
use std::time::Duration;

/// A prompt is kept waiting no longer than this. What takes longer goes on behind it, and is seen in the
/// next one.
const PATIENCE: Duration = Duration::from_millis(100);

/// On a file system that hangs it is given up after so many seconds.
const LIMIT: u64 = 60;

/// Looks, here or detached.
pub(super) fn run(global: &Global, after_hook: bool) -> Exit {
    let is_worker = env::get(env::WORKER).is_some();
    // A state that could not be written is an old one, and prompts see that it is.
    drop(if global.background && !is_worker {
        hand_over(global)
    } else {
        look(global, after_hook)
    });
    Exit::Done
}

fn hand_over(global: &Global) -> Result<()> {
    let directories = global.directory.iter();
    let mut args: Vec<OsString> = directories
        .flat_map(|directory| ["-C".into(), directory.into()])
        .collect();
    args.extend(["refresh".into(), "--background".into()]);
    detach::start_and_wait(&args, PATIENCE)
}

fn look(global: &Global, after_hook: bool) -> Result<()> {
    if global.background {
        detach::end_after(LIMIT);
    }
    let manner = Manner {
        background: true,
        after_hook,
        ..Manner::default()
    };
    let repo = locate::repository(&global.directory, &manner)?;
    refresh(&Context::new(&repo, &Silence)?)
}
