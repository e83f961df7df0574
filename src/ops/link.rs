//! The way to the remote: one for all rounds of a run, and counted.

use crate::git::Repo;
use crate::git::transport::{Opening, Transport};

/// The way to the remote of one run.
pub(super) struct Link<'repo> {
    repo: &'repo Repo,
    remote: Option<String>,
    opening: Option<Opening>,
    transport: Option<Transport>,
    begun: bool,
    connections: u32,
}

impl<'repo> Link<'repo> {
    /// To `remote`, if there is one.
    pub(super) fn new(repo: &'repo Repo, remote: Option<String>) -> Self {
        Self {
            repo,
            remote,
            opening: None,
            transport: None,
            begun: false,
            connections: 0,
        }
    }

    /// Begins to connect, for a run that will send; what it has to do before goes on meanwhile.
    pub(super) fn begin(&mut self) {
        if let Some(remote) = self.remote.as_ref().filter(|_| !self.begun) {
            self.opening = Some(Transport::begin(self.repo, remote));
            self.begun = true;
        }
    }

    /// The transport for one more operation.
    pub(super) fn next(&mut self) -> &Transport {
        let is_made = self.known().is_made();
        self.connections += u32::from(!is_made);
        self.known()
    }

    /// Do all operations go through one connection? Waits until that is known.
    pub(super) fn is_shared(&mut self) -> bool {
        self.known().is_shared()
    }

    /// How many connections there have been.
    pub(super) fn connections(&self) -> u32 {
        self.connections
    }

    fn known(&mut self) -> &Transport {
        if let Some(opening) = self.opening.take() {
            let transport = opening.wait();
            self.connections += u32::from(transport.is_made());
            self.transport = Some(transport);
        }
        self.transport
            .get_or_insert_with(|| Transport::single(self.repo))
    }
}
