//! Which machine this is: `user@host-type`, made once and kept when the host is renamed.

use serde::Serialize;

/// The kinds of machine that have habits of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MachineType {
    /// macOS.
    Mac,
    /// A virtual machine of Amazon EC2.
    Ec2,
    /// Linux inside Windows.
    Wsl,
    /// Linux inside a container.
    Container,
    /// Any other Linux or Unix.
    Linux,
}

impl MachineType {
    /// Every kind, for tables about them.
    pub const ALL: [Self; 5] = [
        Self::Mac,
        Self::Ec2,
        Self::Wsl,
        Self::Container,
        Self::Linux,
    ];

    /// The word in a machine id.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mac => "mac",
            Self::Ec2 => "ec2",
            Self::Wsl => "wsl",
            Self::Container => "container",
            Self::Linux => "linux",
        }
    }

    /// The kind with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The configs repository of such a machine, relative to the home, where nothing else is said.
    pub fn default_directory(self) -> &'static str {
        match self {
            Self::Mac => "dev/configs",
            _ => "configs",
        }
    }
}

/// What a machine is called in commits and in status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// `user@host-type`.
    pub id: String,
    /// The login name.
    pub user: String,
    /// The host name up to its first dot.
    pub host: String,
    /// Which kind.
    #[serde(rename = "type")]
    pub kind: MachineType,
}

impl Machine {
    /// A machine from its parts; what would break a commit message or a ref name is replaced.
    pub fn new(user: &str, host: &str, kind: MachineType) -> Self {
        let user = clean(user);
        let host = clean(host.split('.').next().unwrap_or_default());
        let id = format!("{user}@{host}-{}", kind.word());
        Self {
            id,
            user,
            host,
            kind,
        }
    }

    /// The same machine under the id that was given to it when it was set up; what would break a line
    /// is replaced.
    #[must_use]
    pub fn remembered_as(self, id: &str) -> Self {
        let id = id.trim();
        if id.is_empty() {
            self
        } else {
            Self {
                id: id.replace(char::is_control, "-"),
                ..self
            }
        }
    }
}

fn clean(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '-'
            }
        })
        .collect();
    if name.is_empty() {
        "unknown".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_three_parts() {
        let machine = Machine::new("ana", "mbp.local", MachineType::Mac);
        assert_eq!(machine.id, "ana@mbp-mac");
        assert_eq!(
            Machine::new("", "", MachineType::Linux).id,
            "unknown@unknown-linux"
        );
        assert_eq!(
            Machine::new("a b", "x\ny", MachineType::Ec2).id,
            "a-b@x-y-ec2"
        );
    }

    #[test]
    fn an_id_survives_a_new_host_name() {
        let machine = Machine::new("ana", "new", MachineType::Mac).remembered_as("ana@old-mac\n");
        assert_eq!(machine.id, "ana@old-mac");
    }

    #[test]
    fn every_kind_is_read_as_it_is_written() {
        for kind in MachineType::ALL {
            assert_eq!(MachineType::parse(kind.word()), Some(kind));
        }
    }
}
