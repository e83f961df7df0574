//! How the user's ssh is called: with an end in time, and with one connection for a run that sends.
//!
//! A run that sends opens that connection itself, while it is still busy committing: the dozen round
//! trips that ssh needs to log in are most of the time that a sync takes.

use super::Repo;
use super::command::unattended;
use super::remote::{Unreachable, unreachable};
use crate::error::Result;
use crate::sys::process::{Ended, Process};
use crate::sys::{env, fs};
use gix::remote::Direction;
use std::path::PathBuf;
use std::thread::JoinHandle;

/// A silent link is given up after this: without these a dead network hangs a sync for ever.
const PATIENCE: &str = "-oConnectTimeout=10 -oServerAliveInterval=15 -oServerAliveCountMax=2";

/// The ssh of one run.
#[derive(Debug)]
pub struct Transport {
    command: Option<String>,
    way: Way,
}

/// How the connections of a run are made.
#[derive(Debug)]
enum Way {
    /// Each by the git that needs it.
    Apart,
    /// All on one that is there already.
    Together(Shared),
    /// It was tried, and there is no way.
    Blocked(Unreachable),
}

/// A connection that this run keeps open for itself.
#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    /// The ssh that finds it.
    command: String,
    destination: Destination,
}

/// Where an ssh URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Destination {
    host: String,
    port: Option<String>,
}

/// A connection that is being made.
#[derive(Debug)]
pub struct Opening {
    command: Option<String>,
    way: Option<JoinHandle<Way>>,
}

impl Opening {
    /// Waits until it is there, or cannot be had.
    pub fn wait(self) -> Transport {
        let way = self.way.and_then(|way| way.join().ok());
        let way = way.unwrap_or(Way::Apart);
        let command = match &way {
            Way::Together(shared) => Some(shared.command.clone()),
            Way::Apart | Way::Blocked(_) => self.command,
        };
        Transport { command, way }
    }
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
            way: Way::Apart,
        }
    }

    /// Begins to connect to `remote` for a run that may need several connections: they share one,
    /// unless the user's own configuration shares connections already, or it is not ssh.
    pub fn begin(repo: &Repo, remote: &str) -> Opening {
        let command = Self::single(repo).command.clone();
        let wanted = command.clone().zip(repo.ssh_destination(remote));
        let way = wanted.map(|(command, destination)| {
            let process = Process::new("sh").until(repo.deadline());
            let process = if repo.is_background() {
                unattended(process)
            } else {
                process
            };
            std::thread::spawn(move || connect(&process, &command, destination))
        });
        Opening { command, way }
    }

    /// Do several connections share one?
    pub fn is_shared(&self) -> bool {
        matches!(self.way, Way::Together(_))
    }

    /// Is the connection made, or was it tried, before git needs one?
    pub fn is_made(&self) -> bool {
        !matches!(self.way, Way::Apart)
    }

    /// Why there is no way to the remote, where that is known already.
    pub fn blocked(&self) -> Option<&Unreachable> {
        match &self.way {
            Way::Blocked(why) => Some(why),
            Way::Apart | Way::Together(_) => None,
        }
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
        let Way::Together(shared) = &self.way else {
            return;
        };
        let Shared {
            command,
            destination,
            ..
        } = shared;
        let script = format!("{command} -O exit {}", destination.words());
        // It is only politeness: an idle master ends by itself.
        drop(Process::new("sh").args(["-c", &script]).run());
        drop(fs::remove_scratch(&shared.folder));
    }
}

/// Connects, with `command` run by the shell that `process` is. What ssh asks for it asks on the
/// terminal, as it does when git starts it.
fn connect(process: &Process, command: &str, destination: Destination) -> Way {
    if shares_already(process, command, &destination) {
        return Way::Apart;
    }
    let Ok(folder) = private_folder() else {
        return Way::Apart;
    };
    // The name has the destination in it (`%C`): a hook or a filter may use the same ssh to go elsewhere.
    let path = quote_for_shell(&format!("{}/%C", folder.display()));
    let shared = Shared {
        folder,
        command: format!("{command} -oControlMaster=no -oControlPath={path}"),
        destination,
    };
    // It goes into the background when it has logged in, and ends with us; should we be killed, it
    // ends by itself a little later.
    let script = format!(
        "{command} -oControlMaster=yes -oControlPath={path} -oControlPersist=30 -N {}",
        shared.destination.words()
    );
    match process.clone().args(["-c", &script]).run() {
        Ok(ended) if ended.success() => Way::Together(shared),
        Ok(ended) => {
            drop(fs::remove_scratch(&shared.folder));
            why_not(&ended)
        }
        Err(_) => Way::Apart,
    }
}

/// That ssh cannot connect is an answer; that it cannot share connections here is none.
fn why_not(ended: &Ended) -> Way {
    let said = ended.complaint();
    let about_sharing = ["ControlPath", "ControlSocket", "unix_listener", "mux"];
    let failed = ended.timed_out || ended.code() == Some(255) && !said.is_empty();
    if failed && !about_sharing.iter().any(|words| said.contains(words)) {
        Way::Blocked(unreachable(ended))
    } else {
        Way::Apart
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
fn shares_already(process: &Process, command: &str, destination: &Destination) -> bool {
    let script = format!("{command} -G {}", destination.words());
    let Ok(asked) = process.clone().args(["-c", &script]).run() else {
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

impl Destination {
    /// For a shell that starts ssh.
    fn words(&self) -> String {
        let port = self.port.as_ref().map(|port| format!("-p {port} "));
        let host = quote_for_shell(&self.host);
        format!("{}-- {host}", port.unwrap_or_default())
    }
}

impl Repo {
    /// Where ssh goes to for `remote`: one place for reading and for writing, by git's own rules of
    /// how addresses are rewritten.
    fn ssh_destination(&self, remote: &str) -> Option<Destination> {
        let remote = self.gix().find_remote(remote).ok()?;
        let of = |direction| remote.url(direction).and_then(destination);
        of(Direction::Fetch).filter(|there| of(Direction::Push).as_ref() == Some(there))
    }
}

fn destination(url: &gix::Url) -> Option<Destination> {
    if url.scheme != gix::url::Scheme::Ssh {
        return None;
    }
    // A host that looks like an option is refused by git, in git's words.
    let host = url.host_argument_safe()?;
    let host = match url.user() {
        Some(user) => format!("{user}@{host}"),
        None => host.to_owned(),
    };
    Some(Destination {
        host,
        port: url.port.map(|port| port.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ssh_addresses_have_a_destination() {
        let of = |url: &str| {
            let url = gix::url::parse(url).expect("an address");
            destination(&url).map(|found| (found.host, found.port))
        };
        let host =
            |name: &str, port: Option<&str>| Some((name.to_owned(), port.map(str::to_owned)));
        assert_eq!(of("ssh://git@h:2222/x/y"), host("git@h", Some("2222")));
        assert_eq!(of("ssh://h/x"), host("h", None));
        assert_eq!(of("ssh://u@[::1]:22/x"), host("u@::1", Some("22")));
        assert_eq!(of("git@h:x/y.git"), host("git@h", None));
        for url in [
            "https://h/x",
            "/srv/x.git",
            "./a:b",
            "file:///x",
            "ssh://-oX/y",
        ] {
            assert_eq!(of(url), None, "{url}");
        }
    }
}
