//! The schedulers of the system: systemd's user manager, launchd and cron, each through its own program.

use super::process::{Ended, Process};
use super::{env, host};
use crate::error::{Error, Result};
use std::time::{Duration, Instant};

/// A manager that does not answer is not waited for longer.
const PATIENCE: Duration = Duration::from_secs(10);

fn run(program: &str, args: &[&str], input: Option<&str>) -> Result<Ended> {
    let mut process = Process::new(program)
        .args(args)
        .env(env::LC_ALL, "C")
        .until(Some(Instant::now() + PATIENCE))
        .own_group(true);
    if let Some(input) = input {
        process = process.stdin(input.as_bytes().to_vec());
    }
    process.run()
}

fn must(program: &str, args: &[&str], input: Option<&str>) -> Result<Ended> {
    let ended = run(program, args, input)?;
    if ended.success() {
        return Ok(ended);
    }
    let words = args.join(" ");
    let error = Error::failed(format!("'{program} {words}' failed: {}", ended.how()));
    Err(match ended.complaint() {
        text if text.is_empty() => error,
        text => error.because(text),
    })
}

/// Does the user's manager of systemd answer? It may be installed and not run, as in a container.
pub fn has_systemd() -> bool {
    host::find_program("systemctl").is_some()
        && run("systemctl", &["--user", "list-timers"], None).is_ok_and(|ended| ended.success())
}

/// Lets the user's manager of systemd do something.
///
/// # Errors
/// When it says no.
pub fn systemctl(args: &[&str]) -> Result<()> {
    let args = [&["--user"], args].concat();
    must("systemctl", &args, None).map(drop)
}

/// When a timer is due next, as systemd says it, and nothing of a service; `None` where it is not active.
pub fn next_of_unit(unit: &str) -> Result<Option<String>> {
    let args = [
        "--user",
        "show",
        unit,
        "--property=ActiveState,NextElapseUSecRealtime",
    ];
    let ended = must("systemctl", &args, None)?;
    let text = String::from_utf8_lossy(&ended.stdout).into_owned();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.strip_prefix('=')?.trim().to_owned())
    };
    let active = value("ActiveState").is_some_and(|state| state == "active");
    Ok(active.then(|| value("NextElapseUSecRealtime").unwrap_or_default()))
}

/// Makes launchd know an agent of this user, in the place of one of the same name.
///
/// # Errors
/// When it says no.
pub fn bootstrap(label: &str, plist: &str) -> Result<()> {
    bootout(label)?;
    must("launchctl", &["bootstrap", &domain(), plist], None).map(drop)
}

/// Makes launchd forget an agent; it need not know it.
pub fn bootout(label: &str) -> Result<()> {
    let target = format!("{}/{label}", domain());
    // That it does not know it is told by a code that has changed between its versions.
    run("launchctl", &["bootout", &target], None).map(drop)
}

/// Does launchd know an agent?
pub fn is_bootstrapped(label: &str) -> Result<bool> {
    let target = format!("{}/{label}", domain());
    Ok(run("launchctl", &["print", &target], None)?.success())
}

/// The login of this user, as launchctl(1) calls it.
fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

/// Is there a cron?
pub fn has_cron() -> bool {
    host::find_program("crontab").is_some()
}

/// The crontab of this user; an empty one where there is none.
pub fn crontab() -> Result<String> {
    let ended = run("crontab", &["-l"], None)?;
    if ended.success() {
        return String::from_utf8(ended.stdout)
            .map_err(|_| Error::failed("the crontab is no text, so it is left as it is"));
    }
    let complaint = ended.complaint();
    if complaint.contains("no crontab") {
        return Ok(String::new());
    }
    Err(Error::failed("the crontab cannot be read").because(complaint))
}

/// Replaces the crontab of this user.
pub fn write_crontab(text: &str) -> Result<()> {
    must("crontab", &["-"], Some(text)).map(drop)
}
