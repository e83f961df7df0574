//! Leaves the terminal behind: the process of `--background` must not print into a prompt, be
//! stopped by it, or keep its pipes open.

use crate::error::{Error, Result};
use crate::sys::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Stdio};

/// Starts this program again with `args`, detached; returns once it has left the terminal.
///
/// A terminal that closes in the next moment would end it before that.
pub fn start_worker(args: &[OsString]) -> Result<()> {
    let unable = |source| Error::failed("cannot start in the background").because(source);
    let program = env::current_exe().map_err(unable)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "a door: a child that is not waited for"
    )]
    let mut worker = Command::new(program)
        .args(args)
        .env(env::WORKER, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(unable)?;
    // It closes its end when it has left, and if it dies before that.
    let mut nothing = Vec::new();
    match worker.stdout.take() {
        Some(mut pipe) => pipe.read_to_end(&mut nothing).map(drop).map_err(unable),
        None => Ok(()),
    }
}

/// Makes this process, which [`start_worker`] started, the leader of a session without a terminal,
/// closes what it inherited, and gives way to the user's own work.
pub fn become_worker() {
    // Fails only for a process that leads a group already; then it has left the terminal's.
    let _ = rustix::process::setsid();
    let _ = rustix::process::nice(5);
    close_inherited();
    if let Ok(nothing) = File::options().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(&nothing);
    }
}

/// A pipe that a shell left open in us would let `$(…)` and `ssh host command` wait for us.
#[expect(
    unsafe_code,
    reason = "closing a descriptor by number has no safe form"
)]
fn close_inherited() {
    let Ok(listing) = std::fs::read_dir("/dev/fd") else {
        return;
    };
    let open: Vec<i32> = listing
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    // The listing had one of them, and has closed it.
    let still = |fd: &i32| std::fs::symlink_metadata(format!("/dev/fd/{fd}")).is_ok();
    for fd in open.into_iter().filter(still) {
        // SAFETY: called first thing in a process that has opened nothing of its own yet; what is
        // open above 2 was inherited, and nothing in this program refers to it.
        unsafe { rustix::io::close(fd) };
    }
}

/// Ends this process and all that it started, however stuck they are, when `seconds` are over.
///
/// The last resort behind the time limits of the single steps. A run is safe to kill at any moment:
/// the next one recovers.
pub fn end_after(seconds: u64) {
    std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(seconds));
        let group = rustix::process::getpgrp();
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    });
}
