//! Processes and connections of a command, counted in an untimed run under `strace`.

use std::collections::{HashMap, HashSet};
use std::ops::AddAssign;
use std::path::Path;
use std::process::Stdio;

use crate::sandbox::{Outcome, Sandbox, Step};

/// The system calls that are written down.
const CALLS: &str = "trace=execve,clone,clone3,vfork,fork,connect";

/// What a command started and whom it called.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Counts {
    /// Processes, itself included.
    pub(crate) processes: usize,
    /// Programs run, itself included.
    pub(crate) execs: usize,
    /// Network connections to the remote.
    pub(crate) connections: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.processes += other.processes;
        self.execs += other.execs;
        self.connections += other.connections;
    }
}

/// Whether there is an `strace` that may trace.
pub(crate) fn is_available(sandbox: &Sandbox) -> bool {
    let home = sandbox.home();
    let mut command = sandbox.command("strace", &home);
    command
        .args(["-qq", "-o", "/dev/null", "true"])
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Runs `steps` in `dir` and counts; connections are those to `port`.
pub(crate) fn count(
    sandbox: &Sandbox,
    dir: &Path,
    steps: &[Step],
    port: Option<u16>,
) -> Outcome<Counts> {
    let mut counts = Counts::default();
    for step in steps {
        let file = sandbox.path("trace");
        let mut traced: Step = ["strace", "-f", "-qq", "-s", "64", "-e", CALLS, "-o"]
            .map(Into::into)
            .to_vec();
        traced.push(file.clone().into());
        traced.extend_from_slice(step);
        sandbox.time(dir, &[traced])?;
        let trace = std::fs::read(&file).map_err(|error| format!("trace: {error}"))?;
        counts += read(&String::from_utf8_lossy(&trace), port);
    }
    Ok(counts)
}

/// Counts the calls of a whole trace. Its first process was not started by a call in it.
fn read(trace: &str, port: Option<u16>) -> Counts {
    let mut counts = Counts {
        processes: 1,
        ..Counts::default()
    };
    let mut processes = HashSet::new();
    for call in join_interrupted(trace) {
        let Some((start, result)) = call.rsplit_once(" = ") else {
            continue;
        };
        let name = start.split('(').next().unwrap_or_default();
        match name {
            "execve" if result == "0" => counts.execs += 1,
            "connect" if is_to(start, port) => counts.connections += 1,
            "clone" | "clone3" | "vfork" | "fork" if !start.contains("CLONE_THREAD") => {
                processes.extend(result.parse::<u32>());
            }
            _ => {}
        }
    }
    counts.processes += processes.len();
    counts
}

/// Whether a `connect` is one over the network to `port`.
fn is_to(call: &str, port: Option<u16>) -> bool {
    call.contains("AF_INET") && port.is_some_and(|port| call.contains(&format!("htons({port})")))
}

/// The calls of a trace without process numbers, both halves of an interrupted one together.
fn join_interrupted(trace: &str) -> Vec<String> {
    let mut pending = HashMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((process, call)) = line.split_once(' ') else {
            continue;
        };
        let call = call.trim_start();
        if let Some(start) = call.strip_suffix(" <unfinished ...>") {
            pending.insert(process, start);
        } else if let Some(rest) = call.strip_prefix("<... ") {
            let start = pending.remove(process).unwrap_or_default();
            let rest = rest.split_once(" resumed>").map_or("", |(_, rest)| rest);
            calls.push(format!("{start}{rest}"));
        } else {
            calls.push(call.to_owned());
        }
    }
    calls
}
