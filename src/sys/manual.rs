//! The system's manual: which page it has for a name, and showing one.

use super::process::Process;
use super::{env, host};
use crate::error::{Kind, Result};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// The program that shows pages.
const MAN: &str = "man";

/// Is there a program that shows pages?
pub fn is_there() -> bool {
    host::find_program(MAN).is_some()
}

/// The page that is shown for `name`; `None` where there is none, or nobody to show it.
pub fn page(name: &str) -> Result<Option<PathBuf>> {
    if !is_there() {
        return Ok(None);
    }
    let asked = Process::new(MAN)
        .args(["-w", name])
        .env(env::LC_ALL, "C")
        .run()?;
    // One line for each section that has it; the first is shown.
    let first = asked.stdout.split(|byte| *byte == b'\n').next();
    let page = first.filter(|page| asked.success() && !page.is_empty());
    Ok(page.map(|page| PathBuf::from(OsString::from_vec(page.to_vec()))))
}

/// Shows the page that the system has for `name`; `false` where that did not work.
pub fn show(name: &str) -> bool {
    has_shown(&Process::new(MAN).arg(name).on_terminal())
}

/// Shows a page that the system does not have; `false` where that did not work.
pub fn show_text(page: &str) -> bool {
    let page = page.as_bytes().to_vec();
    has_shown(
        &Process::new(MAN)
            .args(["-l", "-"])
            .on_terminal()
            .stdin(page),
    )
}

fn has_shown(man: &Process) -> bool {
    match man.run() {
        Ok(ended) => ended.success(),
        // Whoever interrupts it has seen enough.
        Err(error) => error.kind() == Kind::Interrupted,
    }
}
