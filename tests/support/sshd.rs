//! A real OpenSSH server on the loopback interface, for the one user who runs the tests.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Machine, Remote, Sandbox, closed_port, needs, wait_until};

/// The server, ended when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Sshd {
    child: Child,
    folder: PathBuf,
    port: u16,
    user: String,
}

impl Sshd {
    /// Starts a server that lets the machines' key in.
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        Self::with_settings(sandbox, "PasswordAuthentication no\n")
    }

    /// Starts a server that accepts no key and asks for a password.
    pub(crate) fn asking_for_a_password(sandbox: &Sandbox) -> Self {
        Self::with_settings(
            sandbox,
            "PubkeyAuthentication no\nPasswordAuthentication yes\n",
        )
    }

    fn with_settings(sandbox: &Sandbox, settings: &str) -> Self {
        needs("sshd");
        let folder = sandbox.root().join("sshd");
        fs::create_dir(&folder).expect("own folder");
        for key in ["host_key", "user_key"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"])
                .arg(folder.join(key))
                .status();
            assert!(
                made.is_ok_and(|status| status.success()),
                "ssh-keygen failed"
            );
        }
        // Where the server runs as root it insists on this empty folder.
        let separation = Path::new("/run/sshd");
        if super::am_root() && !separation.exists() {
            fs::create_dir(separation).expect("root can make it");
            let private = fs::Permissions::from_mode(0o755);
            fs::set_permissions(separation, private).expect("own folder");
        }
        let port = closed_port();
        let user = Command::new("id")
            .arg("-un")
            .output()
            .expect("id runs")
            .stdout;
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {dir}/host_key\n\
             AuthorizedKeysFile {dir}/user_key.pub\nStrictModes no\nUsePAM no\nPidFile none\n\
             PermitRootLogin yes\nAcceptEnv GIT_PROTOCOL\nMaxStartups 100\nLogLevel VERBOSE\n\
             KbdInteractiveAuthentication no\n{settings}",
            dir = folder.display(),
        );
        fs::write(folder.join("config"), config).expect("own folder");
        let child = Command::new(find_sshd())
            .args(["-D", "-E"])
            .arg(folder.join("log"))
            .arg("-f")
            .arg(folder.join("config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sshd starts");
        let server = Self {
            child,
            folder,
            port,
            user: String::from_utf8_lossy(&user).trim().to_owned(),
        };
        wait_until("sshd listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        wait_until("sshd has seen that", || server.guests() == 1);
        server.install_client(sandbox);
        server
    }

    /// An `ssh` in front of PATH that knows the key and the host, as a user's `~/.ssh` would.
    fn install_client(&self, sandbox: &Sandbox) {
        let host = fs::read_to_string(self.folder.join("host_key.pub")).expect("own file");
        let known = format!("[127.0.0.1]:* {host}");
        fs::write(self.folder.join("known_hosts"), known).expect("own folder");
        let config = format!(
            "Host *\nIdentityFile {dir}/user_key\nIdentitiesOnly yes\nIdentityAgent none\n\
             UserKnownHostsFile {dir}/known_hosts\nGlobalKnownHostsFile none\nLogLevel ERROR\n",
            dir = self.folder.display(),
        );
        let path = self.folder.join("client");
        fs::write(&path, config).expect("own folder");
        let ssh = find("ssh", &[]);
        // Replaces itself, so that it counts as one process.
        let script = format!(
            "#!/bin/sh\nexec {} -F {} \"$@\"\n",
            ssh.display(),
            path.display()
        );
        sandbox.tool("ssh", &script);
    }

    /// The address of a remote, over this server.
    pub(crate) fn url(&self, remote: &Remote) -> String {
        self.url_at(remote, self.port)
    }

    /// The same for who comes in by another port that leads to it.
    pub(crate) fn url_at(&self, remote: &Remote, port: u16) -> String {
        let path = remote.path().display();
        format!("ssh://{}@127.0.0.1:{port}{path}", self.user)
    }

    /// Moves an enrolled machine's origin to this server.
    pub(crate) fn serve(&self, machine: &Machine, remote: &Remote) {
        machine.git(["remote", "set-url", "origin", &self.url(remote)]);
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many connections it has seen so far.
    pub(crate) fn connections(&self) -> usize {
        // The first one was our own knock at the door.
        self.guests() - 1
    }

    fn guests(&self) -> usize {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        log.lines()
            .filter(|line| line.starts_with("Connection from "))
            .count()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The server refuses to start unless called by its full path.
fn find_sshd() -> PathBuf {
    find("sshd", &["/usr/sbin", "/usr/local/sbin", "/sbin"])
}

fn find(program: &str, further: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(further.iter().map(PathBuf::from))
        .map(|dir| dir.join(program))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("this test needs '{program}': install it"))
}
