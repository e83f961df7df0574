//! The facts that a reader needs to place the figures: programs and machine, in general words.

use std::path::Path;

use crate::sandbox::Sandbox;

/// What the figures were taken with and on.
#[derive(Debug)]
pub(crate) struct Machine {
    /// Name and value of each fact.
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl Machine {
    /// Looks around.
    pub(crate) fn look(sandbox: &Sandbox) -> Self {
        let mut facts = vec![
            ("git-sync", version(sandbox, &sandbox.program, "--version")),
            ("git", version(sandbox, "git", "--version")),
            ("ssh", version(sandbox, "ssh", "-V")),
            ("system", format!("{} {}", std::env::consts::OS, kernel())),
            ("processors", processors()),
        ];
        facts.extend(memory().map(|memory| ("memory", memory)));
        facts.extend(load().map(|load| ("load before", load)));
        Self { facts }
    }
}

/// The first line a program prints about itself.
fn version(sandbox: &Sandbox, program: impl Into<std::ffi::OsString>, option: &str) -> String {
    let output = sandbox
        .command(program, &sandbox.home())
        .arg(option)
        .output();
    let Ok(output) = output else {
        return "n/a".to_owned();
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    text.lines().next().unwrap_or("n/a").trim().to_owned()
}

/// How many processors, and of which kind where that can be read.
fn processors() -> String {
    let count = std::thread::available_parallelism().map_or(0, usize::from);
    let model = field("/proc/cpuinfo", "model name").unwrap_or_default();
    format!("{count} {model}").trim_end().to_owned()
}

/// The first two numbers of the kernel's release, where that can be read.
fn kernel() -> String {
    let release = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// The memory of the machine, where that can be read.
fn memory() -> Option<String> {
    let total = field("/proc/meminfo", "MemTotal")?;
    let kilobytes: u64 = total.split(' ').next()?.parse().ok()?;
    Some(format!("{} GiB", kilobytes.div_ceil(1 << 20)))
}

/// How busy the machine was in the last minute, where that can be read.
fn load() -> Option<String> {
    read("/proc/loadavg")?.split(' ').next().map(str::to_owned)
}

/// The value of the first `name: value` line in `file`.
fn field(file: &str, name: &str) -> Option<String> {
    let text = read(file)?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':')
        .map(|(_, value)| value.trim().to_owned())
}

/// A file of the kernel's, if this one has it.
fn read(file: &str) -> Option<String> {
    std::fs::read_to_string(Path::new(file)).ok()
}
