//! Which machine this is, and where its configs repository is by default.

use super::layout::Layout;
use crate::error::Result;
use crate::git::config::Settings;
use crate::model::machine::{Machine, MachineType};
use crate::sys::fs::{self, Durable};
use crate::sys::host;
use std::path::{Path, PathBuf};

/// What tells that this is a virtual machine of EC2.
const EC2_MARKS: [&str; 2] = ["/etc/ec2-metadata", "/sys/hypervisor/uuid"];
/// The maker of the machine, as its firmware says it.
const VENDOR: &str = "/sys/class/dmi/id/sys_vendor";
/// What tells that this is a container.
const CONTAINER_MARKS: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// The kind of this machine.
pub fn detect() -> MachineType {
    if host::is_mac() {
        return MachineType::Mac;
    }
    let text = |path: &str| {
        fs::read_text(Path::new(path))
            .ok()
            .flatten()
            .unwrap_or_default()
    };
    let [metadata, hypervisor] = EC2_MARKS;
    if Path::new(metadata).exists()
        || text(hypervisor).starts_with("ec2")
        || text(VENDOR).starts_with("Amazon EC2")
    {
        return MachineType::Ec2;
    }
    if host::kernel_release().to_lowercase().contains("microsoft") {
        return MachineType::Wsl;
    }
    if CONTAINER_MARKS.iter().any(|mark| Path::new(mark).exists()) {
        return MachineType::Container;
    }
    MachineType::Linux
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
