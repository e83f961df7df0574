//! The words the stories are told in: a sandbox, machines, remotes, and what a command said.

mod conflict;
mod expect;
mod machine;
mod output;
mod pty;
mod remote;
mod sandbox;
mod shell;
mod sshd;
mod wire;

pub(crate) use conflict::{Conflict, nothing};
pub(crate) use expect::{all_agree, settle};
pub(crate) use machine::Machine;
pub(crate) use output::{Output, Running};
pub(crate) use pty::on_a_terminal;
pub(crate) use remote::{IGNORE, Remote, SilentServer, closed_port};
pub(crate) use sandbox::{Sandbox, copy_program};
pub(crate) use shell::{Kind, Shell};
pub(crate) use sshd::Sshd;
pub(crate) use wire::Wire;

use std::time::{Duration, Instant};

/// No command of a story may take longer than this: a hang is a failure, not a wait.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Polls until `done` holds; panics with `what` when the deadline passes.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(40);
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(15));
    }
}

/// Whether the tests run as root: permission stories then act as another user.
pub(crate) fn am_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Panics unless the program is installed: a missing tool is a failure, never a silent skip.
#[track_caller]
pub(crate) fn needs(program: &str) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|dir| dir.join(program).is_file());
    assert!(found, "this test needs '{program}': install it");
}

/// Waits until no process of this sandbox is left: detached ones inherit its home.
#[track_caller]
pub(crate) fn wait_for_quiet(machine: &Machine) {
    wait_for_processes(machine, |_| true);
}

/// Waits until none of them is left that is ours: a shell may leave some of its own.
#[track_caller]
pub(crate) fn wait_for_our_processes(machine: &Machine) {
    wait_for_processes(machine, |process| {
        let program = std::fs::read_link(process.join("exe")).unwrap_or_default();
        program.ends_with("git-sync")
    });
}

#[track_caller]
fn wait_for_processes(machine: &Machine, counts: impl Fn(&std::path::Path) -> bool) {
    let home = format!("HOME={}", machine.home().display());
    let proc_is_here = std::path::Path::new("/proc/self/environ").exists();
    assert!(proc_is_here, "this test needs /proc");
    wait_until("the last process of the machine ended", || {
        let mut processes = std::fs::read_dir("/proc").expect("just seen").flatten();
        !processes.any(|process| {
            let environ = std::fs::read(process.path().join("environ")).unwrap_or_default();
            environ
                .split(|byte| *byte == 0)
                .any(|entry| entry == home.as_bytes())
                && counts(&process.path())
        })
    });
    // A process that dies has no environment any more before it lets go of its files.
    wait_until("nobody holds the lock", || {
        let lock = std::fs::File::open(machine.git_dir().join("sync/lock"));
        lock.map_or(true, |lock| lock.try_lock_shared().is_ok())
    });
}
