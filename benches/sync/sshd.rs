//! A private OpenSSH server on the loopback device, with keys and configuration of its own.
//!
//! It needs no root. It runs as a child and ends with the benchmark.

use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::sandbox::{Outcome, Sandbox, make_dir, write};

/// Where the server program is; it wants to be started by its full path.
const PROGRAMS: [&str; 4] = [
    "/usr/sbin/sshd",
    "/usr/local/sbin/sshd",
    "/usr/lib/ssh/sshd",
    "/usr/bin/sshd",
];
/// The empty directory that a server started by root cannot do without. A service manager makes
/// it; where there is none, as in a container, we do.
const PRIVILEGE_SEPARATION_DIR: &str = "/run/sshd";
/// How long the server may take to listen.
const PATIENCE: Duration = Duration::from_secs(5);

/// The running server.
#[derive(Debug)]
pub(crate) struct Sshd {
    /// Its process.
    child: Child,
    /// The port it listens on.
    pub(crate) port: u16,
}

impl Sshd {
    /// Makes keys, starts the server and waits until it listens.
    pub(crate) fn start(sandbox: &Sandbox) -> Outcome<Self> {
        let program = PROGRAMS
            .map(Path::new)
            .into_iter()
            .find(|path| path.exists())
            .ok_or("no sshd found; leave ssh out with --transport file")?;
        let dir = sandbox.home().join(".ssh");
        make_dir(&dir)?;
        for key in ["host", "user"] {
            make_key(sandbox, &dir, key)?;
        }
        let port = free_port()?;
        write(
            &dir.join("sshd_config"),
            &server_config(sandbox, &dir, port),
        )?;
        write(&dir.join("config"), &client_config(&dir))?;
        let server = Self {
            child: spawn(sandbox, program, &dir)?,
            port,
        };
        server.wait_until_listening(&dir)?;
        Ok(server)
    }

    /// Returns once the port answers.
    fn wait_until_listening(&self, dir: &Path) -> Outcome<()> {
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if start.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
                return Err(format!("sshd does not listen: {log}"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // An error means that it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A new ed25519 key without a passphrase.
fn make_key(sandbox: &Sandbox, dir: &Path, name: &str) -> Outcome<()> {
    let status = sandbox
        .command("ssh-keygen", dir)
        .args(["-q", "-t", "ed25519", "-N", "", "-f", name])
        .status()
        .map_err(|error| format!("ssh-keygen: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("ssh-keygen: {status}"))
    }
}

/// A port nobody uses at this moment.
fn free_port() -> Outcome<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no free port: {error}"))
}

/// Stock settings but for place, keys, and a session environment that is the sandbox's: the git
/// at the other end is the git at this one, and no shell start-up file is read.
fn server_config(sandbox: &Sandbox, dir: &Path, port: u16) -> String {
    let quoted = |name: &str| {
        let value = sandbox
            .variable(name)
            .map(OsString::as_os_str)
            .unwrap_or_default();
        format!("\"{name}={}\"", value.to_string_lossy())
    };
    let session = ["PATH", "HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"].map(quoted);
    let dir = dir.display();
    format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {dir}/host\n\
         AuthorizedKeysFile {dir}/user.pub\nPidFile none\nStrictModes no\nUsePAM no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nLogLevel ERROR\n\
         SetEnv {}\n",
        session.join(" ")
    )
}

/// A client that knows its key and asks nothing.
fn client_config(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "Host *\n\tIdentityFile {dir}/user\n\tIdentitiesOnly yes\n\tBatchMode yes\n\
         \tStrictHostKeyChecking no\n\tUserKnownHostsFile /dev/null\n\tLogLevel ERROR\n"
    )
}

/// Starts the server in the foreground, its log beside its keys.
fn spawn(sandbox: &Sandbox, program: &Path, dir: &Path) -> Outcome<Child> {
    if is_root(sandbox) {
        make_dir(Path::new(PRIVILEGE_SEPARATION_DIR))?;
    }
    let log = std::fs::File::create(dir.join("log")).map_err(|error| format!("log: {error}"))?;
    let mut command: Command = sandbox.command(PathBuf::from(program), dir);
    command
        .args(["-D", "-e", "-f", "sshd_config"])
        .stdout(Stdio::null())
        .stderr(log);
    command
        .spawn()
        .map_err(|error| format!("{}: {error}", program.display()))
}

/// Whether the benchmark runs as root.
fn is_root(sandbox: &Sandbox) -> bool {
    user(sandbox, "-u").is_ok_and(|id| id == "0")
}

/// What `id OPTION` says.
pub(crate) fn user(sandbox: &Sandbox, option: &str) -> Outcome<String> {
    let output = sandbox
        .command("id", &sandbox.home())
        .arg(option)
        .output()
        .map_err(|error| format!("id: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}
