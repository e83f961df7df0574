//! The connection to the other side is cut, after so many bytes of it.

use super::fault::{Attack, Struck};
use super::scenario::Scenario;
use crate::support::{Machine, Sandbox, Sshd, Wire, wait_for_quiet};

/// So many bytes are between two moments.
const STEP: usize = 1024;

/// A real server behind a wire that is cut.
#[derive(Debug)]
pub(super) struct Cut {
    wire: Wire,
    _server: Sshd,
}

impl Cut {
    /// Moves the scene's machine from the remote's folder to a server that serves it over ssh.
    #[track_caller]
    pub(super) fn between(scenario: &Scenario) -> Self {
        let Scenario { laptop, remote, .. } = scenario;
        let server = Sshd::start(&Sandbox::of(laptop));
        let wire = Wire::to(server.port());
        let url = server.url_at(remote, wire.port());
        laptop.git(["remote", "set-url", "origin", &url]);
        Self {
            wire,
            _server: server,
        }
    }

    fn run(&self, machine: &Machine, line: &[&str], bytes: usize) -> Struck {
        let mut command = machine.command(line[0]);
        command.args(&line[1..]);
        self.wire.cut_after(bytes);
        let output = machine.run(command);
        wait_for_quiet(machine);
        Struck {
            code: Some(output.code()),
            when: format!("cut after {bytes} bytes\n{}", output.scene()),
            clock: None,
            is_late: false,
        }
    }
}

impl Attack for Cut {
    fn name(&self) -> &'static str {
        "connection cut"
    }

    fn moments(&self, machine: &Machine, line: &[&str]) -> usize {
        self.run(machine, line, usize::MAX);
        self.wire.passed() / STEP
    }

    fn strike(&self, machine: &Machine, line: &[&str], moment: usize) -> Struck {
        let struck = self.run(machine, line, moment * STEP);
        self.wire.cut_after(usize::MAX);
        struck
    }
}
