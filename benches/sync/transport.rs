//! How a remote is reached, and the network that makes it possible.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;

use crate::link;
use crate::sandbox::{Outcome, Sandbox};
use crate::sshd::{self, Sshd};

/// The round trip of the slow link.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// How a remote is reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Transport {
    /// A path on this machine, by `file://`.
    File,
    /// ssh on the loopback device.
    Ssh,
    /// ssh over a link with a round trip of 50 ms.
    Ssh50,
}

impl Transport {
    /// All of them, from near to far.
    pub(crate) const ALL: [Self; 3] = [Self::File, Self::Ssh, Self::Ssh50];

    /// Whether it makes network connections.
    pub(crate) fn is_network(self) -> bool {
        self != Self::File
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file://",
            Self::Ssh => "ssh, loopback",
            Self::Ssh50 => "ssh, 50 ms round trip",
        })
    }
}

/// The server and the slow link to it, as far as the transports of a run need them.
#[derive(Debug)]
pub(crate) struct Network {
    /// Ends with the network.
    sshd: Option<Sshd>,
    /// The near end of the slow link.
    far_port: Option<u16>,
    /// Who logs in.
    user: String,
}

impl Network {
    /// Starts what `transports` need.
    pub(crate) fn new(sandbox: &Sandbox, transports: &[Transport]) -> Outcome<Self> {
        let wanted = transports.iter().any(|transport| transport.is_network());
        let sshd = if wanted {
            Some(Sshd::start(sandbox)?)
        } else {
            None
        };
        let far_port = match &sshd {
            Some(sshd) if transports.contains(&Transport::Ssh50) => {
                Some(link::open(sshd.port, ROUND_TRIP)?)
            }
            _ => None,
        };
        Ok(Self {
            sshd,
            far_port,
            user: sshd::user(sandbox, "-un")?,
        })
    }

    /// The port that `transport` connects to, if it does.
    pub(crate) fn port(&self, transport: Transport) -> Option<u16> {
        match transport {
            Transport::File => None,
            Transport::Ssh => self.sshd.as_ref().map(|sshd| sshd.port),
            Transport::Ssh50 => self.far_port,
        }
    }

    /// The address of the repository at `path`.
    pub(crate) fn url(&self, transport: Transport, path: &Path) -> String {
        let path = path.display();
        match self.port(transport) {
            None => format!("file://{path}"),
            Some(port) => format!("ssh://{}@127.0.0.1:{port}{path}", self.user),
        }
    }
}
