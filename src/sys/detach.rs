//! Leaves the terminal behind: the process of `--background` must not print into a prompt, be
//! stopped by it, or keep its pipes open.

use crate::error::{Error, Result};
use crate::sys::env;
use rustix::event::{PollFd, PollFlags};
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

/// What [`env::WORKER`] says to a worker that is waited for: it keeps the pipe until it ends.
const WAITED_FOR: &str = "waited-for";

/// The same to one that tells who has started it how it ended, in a line on its standard output.
pub const WATCHED: &str = "watched";

/// Starts this program again with `args`, detached; returns once it has left the terminal.
///
/// A terminal that closes in the next moment would end it before that.
pub fn start_worker(args: &[OsString]) -> Result<()> {
    let Some(mut pipe) = start(args, "1")? else {
        return Ok(());
    };
    // It closes its end when it has left, and if it dies before that.
    let mut nothing = Vec::new();
    pipe.read_to_end(&mut nothing).map(drop).map_err(unable)
}

/// The same, but returns when the work is done, and at most after `patience`.
pub fn start_and_wait(args: &[OsString], patience: Duration) -> Result<()> {
    let Some(pipe) = start(args, WAITED_FOR)? else {
        return Ok(());
    };
    let mut polled = [PollFd::new(&pipe, PollFlags::IN)];
    let patience = rustix::event::Timespec {
        tv_sec: patience.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: patience.subsec_nanos().into(),
    };
    // It writes nothing: what comes is the end of it. A signal ends the wait too, and that is fine.
    let _ = rustix::event::poll(&mut polled, Some(&patience));
    Ok(())
}

fn unable(source: std::io::Error) -> Error {
    Error::failed("cannot start in the background").because(source)
}

fn start(args: &[OsString], word: &str) -> Result<Option<ChildStdout>> {
    let program = env::current_exe().map_err(unable)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "a door: a child that is not waited for"
    )]
    let mut worker = Command::new(program)
        .args(args)
        .env(env::WORKER, word)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(unable)?;
    Ok(worker.stdout.take())
}

/// Makes this process, which [`start_worker`], [`start_and_wait`] or a watch started, the leader of a session without a terminal,
/// closes what it inherited, and gives way to the user's own work.
pub fn become_worker() {
    // Fails only for a process that leads a group already; then it has left the terminal's.
    let _ = rustix::process::setsid();
    let _ = rustix::process::nice(5);
    close_inherited();
    let word = env::text(env::WORKER);
    if word.is_some_and(|word| [WAITED_FOR, WATCHED].contains(&&*word)) {
        return;
    }
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
        std::thread::sleep(Duration::from_secs(seconds));
        let group = rustix::process::getpgrp();
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    });
}
