//! How the user's ssh is called: with an end in time, and with one connection for a run that needs
//! two.

use super::Repo;
use crate::error::Result;
use crate::sys::process::{Ended, Process};
use crate::sys::{env, fs};
use std::ffi::OsString;
use std::path::PathBuf;

/// A silent link is given up after this: without these a dead network hangs a sync for ever.
const PATIENCE: &str = "-oConnectTimeout=10 -oServerAliveInterval=15 -oServerAliveCountMax=2";

/// The ssh of one run.
#[derive(Debug)]
pub struct Transport {
    command: Option<String>,
    shared: Option<Shared>,
}

/// A connection that this run keeps open for itself.
#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    socket: PathBuf,
    destination: Destination,
}

/// Where an ssh URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Destination {
    host: String,
    port: Option<String>,
}

impl Transport {
    /// The ssh for one connection.
    pub fn single(repo: &Repo) -> Self {
        let batch = if repo.is_background() {
            " -oBatchMode=yes"
        } else {
            ""
        };
        let command = openssh(repo).map(|ssh| format!("{ssh} {PATIENCE}{batch}"));
        Self {
            command,
            shared: None,
        }
    }

    /// The ssh for a run that may need several connections to `url`: they share the first one's,
    /// unless the user's own configuration shares connections already.
    pub fn shared(repo: &Repo, url: &str) -> Self {
        let single = Self::single(repo);
        let (Some(command), Some(destination)) = (&single.command, destination(url)) else {
            return single;
        };
        if shares_already(command, &destination) {
            return single;
        }
        let Ok(folder) = private_folder() else {
            return single;
        };
        let socket = folder.join("s");
        // The master ends with us; should we be killed, it ends by itself a little later.
        let command = format!(
            "{command} -oControlMaster=auto -oControlPath={} -oControlPersist=30",
            socket.display()
        );
        Self {
            command: Some(command),
            shared: Some(Shared {
                folder,
                socket,
                destination,
            }),
        }
    }

    /// Do several connections share the first one's transport?
    pub fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// What to set for git; empty where the user's ssh is not one that we know.
    pub fn env(&self) -> Option<(&'static str, &str)> {
        self.command
            .as_deref()
            .map(|command| (env::GIT_SSH_COMMAND, command))
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        let Some(shared) = &self.shared else { return };
        if shared.socket.exists() {
            let mut path = OsString::from("-oControlPath=");
            path.push(&shared.socket);
            let exit = Process::new("ssh").arg(path).args(["-O", "exit"]);
            // It is only politeness: an idle master ends by itself.
            drop(exit.arg(&shared.destination.host).run());
        }
        drop(fs::remove_scratch(&shared.folder));
    }
}

/// The ssh command line that git would use, if it is OpenSSH's.
fn openssh(repo: &Repo) -> Option<String> {
    let command = env::text(env::GIT_SSH_COMMAND)
        .or_else(|| repo.config_text("core.sshCommand"))
        .or_else(|| env::text(env::GIT_SSH).map(|program| quote_for_shell(&program)));
    let variant = repo.config_text("ssh.variant");
    let command = command.unwrap_or_else(|| "ssh".to_owned());
    let program = command.split_ascii_whitespace().next()?;
    let name = program.trim_matches(['\'', '"']).rsplit('/').next()?;
    let known = match variant.as_deref() {
        Some("ssh") => true,
        Some("auto") | None => name == "ssh",
        Some(_) => false,
    };
    known.then_some(command)
}

fn quote_for_shell(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Does the user's configuration keep connections open for this host?
fn shares_already(command: &str, destination: &Destination) -> bool {
    let port = destination
        .port
        .as_ref()
        .map(|port| format!("-p {port} "))
        .unwrap_or_default();
    let script = format!("{command} {port}-G {}", quote_for_shell(&destination.host));
    let Ok(asked) = Process::new("sh").args(["-c", &script]).run() else {
        return true;
    };
    if !asked.success() {
        // An ssh that does not know -G is not one to take liberties with.
        return true;
    }
    told_to_share(&asked)
}

fn told_to_share(asked: &Ended) -> bool {
    String::from_utf8_lossy(&asked.stdout).lines().any(|line| {
        line.strip_prefix("controlpath ")
            .is_some_and(|path| path != "none")
            || line
                .strip_prefix("controlmaster ")
                .is_some_and(|word| word != "false" && word != "no")
    })
}

/// A socket's path may have about a hundred bytes, so it stands where paths are short.
fn private_folder() -> Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt as _;
    let base = env::get(env::XDG_RUNTIME_DIR)
        .map(PathBuf::from)
        .filter(|dir| dir.is_dir());
    let base = base.unwrap_or_else(|| PathBuf::from("/tmp"));
    let nanos = jiff::Timestamp::now().subsec_nanosecond();
    let folder = base.join(format!("git-sync-{}-{nanos}", std::process::id()));
    // An existing one is not ours: `create` fails, and nothing is shared.
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .map_err(|source| fs::failed("create", &folder, source))?;
    Ok(folder)
}

/// `ssh://user@host:port/path` or `user@host:path`.
fn destination(url: &str) -> Option<Destination> {
    if let Some(rest) = url
        .strip_prefix("ssh://")
        .or_else(|| url.strip_prefix("git+ssh://"))
    {
        let authority = rest.split('/').next()?;
        let bracket = authority.rfind(']').unwrap_or(0);
        let (host, port) = match authority[bracket..].rfind(':') {
            Some(colon) => {
                let at = bracket + colon;
                (&authority[..at], Some(authority[at + 1..].to_owned()))
            }
            None => (authority, None),
        };
        return Some(Destination {
            host: host.replace(['[', ']'], ""),
            port,
        });
    }
    if url.contains("://") {
        return None;
    }
    let (host, _) = url.split_once(':')?;
    (!host.is_empty() && !host.contains('/') && !host.starts_with('-')).then(|| Destination {
        host: host.to_owned(),
        port: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ssh_addresses_have_a_destination() {
        let of = |url| destination(url).map(|found| (found.host, found.port));
        let host =
            |name: &str, port: Option<&str>| Some((name.to_owned(), port.map(str::to_owned)));
        assert_eq!(of("ssh://git@h:2222/x/y"), host("git@h", Some("2222")));
        assert_eq!(of("ssh://h/x"), host("h", None));
        assert_eq!(of("ssh://u@[::1]:22/x"), host("u@::1", Some("22")));
        assert_eq!(of("git@h:x/y.git"), host("git@h", None));
        for url in ["https://h/x", "/srv/x.git", "./a:b", "file:///x", "-oX:y"] {
            assert_eq!(of(url), None, "{url}");
        }
    }
}
