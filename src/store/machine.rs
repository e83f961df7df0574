//! Which machine this is, and where its configs repository is by default.

use super::layout::Layout;
use crate::error::Result;
use crate::git::config::Settings;
use crate::model::machine::{Machine, MachineType};
use crate::sys::fs::{self, Durable};
use crate::sys::host::{self, System};
use std::path::PathBuf;

/// What tells that this is a container.
const CONTAINER: [&str; 2] = [".dockerenv", "run/.containerenv"];
/// What tells that Windows is around this Linux, also where its kernel is one of the user's own.
const WSL: &str = "proc/sys/fs/binfmt_misc/WSLInterop";
/// What tells that this is a virtual machine of EC2.
const EC2: &str = "etc/ec2-metadata";
/// Who made the machine, as its firmware or its hypervisor says it, and how it begins on EC2.
const EC2_WORDS: [(&str, &str); 2] = [
    ("sys/hypervisor/uuid", "ec2"),
    ("sys/class/dmi/id/sys_vendor", "amazon ec2"),
];

/// The kind of this machine. What is innermost decides: a container sees the firmware and the kernel of
/// the machine that it runs on.
pub fn detect() -> MachineType {
    let system = System::here();
    let there = |path: &str| fs::look(&system.root.join(path)).ok().flatten().is_some();
    let begins = |path: &str, word: &str| {
        let text = fs::read_text(&system.root.join(path)).ok().flatten();
        text.is_some_and(|text| text.to_lowercase().starts_with(word))
    };
    if system.name == "Darwin" {
        MachineType::Mac
    } else if CONTAINER.into_iter().any(there) {
        MachineType::Container
    } else if system.release.to_lowercase().contains("microsoft") || there(WSL) {
        MachineType::Wsl
    } else if there(EC2) || EC2_WORDS.into_iter().any(|(path, word)| begins(path, word)) {
        MachineType::Ec2
    } else {
        MachineType::Linux
    }
}

/// This machine, as a repository knows it: by its setting, by its file, or as it is now.
pub fn identify(layout: &Layout, settings: &Settings) -> Result<Machine> {
    let remembered = match &settings.machine_id {
        Some(id) => Some(id.clone()),
        None => fs::read_text(&layout.machine_id())?,
    };
    let id = remembered.as_deref().map(str::trim).unwrap_or_default();
    // The name of the user is in it: asking the system for it may take a process.
    let user = match id.split_once('@') {
        Some((user, _)) if !user.is_empty() => user.to_owned(),
        _ => host::login_name().unwrap_or_default(),
    };
    let kind = settings.machine_type.unwrap_or_else(detect);
    Ok(Machine::new(&user, &host::host_name(), kind).remembered_as(id))
}

/// Keeps the name of this machine, so that it survives a new host name.
pub fn remember(layout: &Layout, machine: &Machine) -> Result<()> {
    if fs::look(&layout.machine_id())?.is_none() {
        let text = format!("{}\n", machine.id);
        fs::write_atomic(&layout.machine_id(), text.as_bytes(), Durable::Yes)?;
    }
    Ok(())
}

/// Where the configs repository is, where neither the command line nor a setting says it; `kind` is
/// what `sync.machineType` says.
pub fn default_directory(kind: Option<MachineType>) -> Option<PathBuf> {
    let kind = kind.unwrap_or_else(detect);
    Some(host::home()?.join(kind.default_directory()))
}
