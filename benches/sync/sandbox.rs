//! A scratch directory and a fixed environment, in which every command of the benchmark runs.
//!
//! Nothing of the user's home, git configuration or ssh set-up reaches a measured command.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A value, or the sentence that ends the benchmark.
pub(crate) type Outcome<T> = Result<T, String>;

/// One command: a program and its arguments.
pub(crate) type Step = Vec<OsString>;

/// The scratch directory with its environment.
#[derive(Debug)]
pub(crate) struct Sandbox {
    /// Removed when the sandbox is dropped.
    dir: TempDir,
    /// The `git-sync` under test.
    pub(crate) program: PathBuf,
    /// Environment of every command.
    environment: Vec<(&'static str, OsString)>,
}

impl Sandbox {
    /// An empty sandbox, below `parent` if given.
    pub(crate) fn new(parent: Option<&Path>, program: &Path) -> Outcome<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("gsb");
        let dir = match parent {
            Some(parent) => builder.tempdir_in(parent),
            None => builder.tempdir(),
        }
        .map_err(|error| format!("no scratch directory: {error}"))?;
        let home = dir.path().join("home");
        make_dir(&home)?;
        write(&home.join("gitconfig"), GIT_CONFIG)?;
        let environment = environment(&home);
        Ok(Self {
            dir,
            program: program.to_owned(),
            environment,
        })
    }

    /// A path inside the sandbox.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The home directory of every command.
    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// The value of `name` in the environment of every command.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsString> {
        self.environment
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The file that receives the last measured command's output.
    fn talk(&self) -> PathBuf {
        self.path("talk")
    }

    /// `program` in `dir`, in the sandbox's environment, without input.
    pub(crate) fn command(&self, program: impl Into<OsString>, dir: &Path) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(dir).env_clear().stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What `git ARGS` prints in `dir`; it must succeed.
    pub(crate) fn git(&self, dir: &Path, args: &[&str]) -> Outcome<String> {
        self.git_fed(dir, args, "")
    }

    /// Like [`Sandbox::git`] with `input` on its standard input.
    pub(crate) fn git_fed(&self, dir: &Path, args: &[&str], input: &str) -> Outcome<String> {
        let shown = || format!("git {} in {}", args.join(" "), dir.display());
        let mut child = self
            .command("git", dir)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", shown()))?;
        let mut pipe = child.stdin.take().ok_or("the child has no input")?;
        let fed = pipe.write_all(input.as_bytes());
        drop(pipe);
        let output = child
            .wait_with_output()
            .map_err(|error| format!("{}: {error}", shown()))?;
        if !output.status.success() {
            let talk = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{} failed: {talk}", shown()));
        }
        fed.map_err(|error| format!("{}: {error}", shown()))?;
        Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned())
    }

    /// Runs `steps` in `dir` one after the other, all of which must succeed; says how long it took.
    pub(crate) fn time(&self, dir: &Path, steps: &[Step]) -> Outcome<Duration> {
        let mut commands = self.quiet_commands(dir, steps)?;
        let start = Instant::now();
        for command in &mut commands {
            let status = command
                .status()
                .map_err(|error| format!("{command:?}: {error}"))?;
            if !status.success() {
                return Err(self.failure(command, status));
            }
        }
        Ok(start.elapsed())
    }

    /// The commands of `steps`, their output going to a file that [`Sandbox::failure`] shows.
    fn quiet_commands(&self, dir: &Path, steps: &[Step]) -> Outcome<Vec<Command>> {
        let talk = File::create(self.talk()).map_err(|error| format!("talk: {error}"))?;
        let copy = || talk.try_clone().map_err(|error| format!("talk: {error}"));
        let command = |step: &Step| {
            let (program, args) = step.split_first().ok_or("a step without a program")?;
            let mut command = self.command(program, dir);
            command.args(args).stdout(copy()?).stderr(copy()?);
            Ok(command)
        };
        steps.iter().map(command).collect()
    }

    /// The report of a measured command that failed.
    fn failure(&self, command: &Command, status: ExitStatus) -> String {
        format!("{command:?}: {status}\n{}", self.last_talk())
    }

    /// What the last measured commands printed.
    pub(crate) fn last_talk(&self) -> String {
        fs::read_to_string(self.talk()).unwrap_or_default()
    }
}

/// Git configuration of the sandbox's user.
const GIT_CONFIG: &str = "\
[user]
\tname = Bench
\temail = bench@example.invalid
[init]
\tdefaultBranch = main
[core]
\tsshCommand = ssh -F ~/.ssh/config
";

/// The environment of every command: the search path and a home of its own.
fn environment(home: &Path) -> Vec<(&'static str, OsString)> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    vec![
        ("PATH", path),
        ("HOME", home.into()),
        ("USER", "bench".into()),
        ("LOGNAME", "bench".into()),
        ("GIT_CONFIG_GLOBAL", home.join("gitconfig").into()),
        ("GIT_CONFIG_NOSYSTEM", "1".into()),
        ("GIT_TERMINAL_PROMPT", "0".into()),
        ("LC_ALL", "C".into()),
    ]
}

/// Makes `dir` and the directories above it.
pub(crate) fn make_dir(dir: &Path) -> Outcome<()> {
    fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))
}

/// Writes a file of the scratch tree.
pub(crate) fn write(path: &Path, content: &str) -> Outcome<()> {
    fs::write(path, content).map_err(|error| format!("{}: {error}", path.display()))
}

/// A step from words.
pub(crate) fn step<W: Into<OsString>>(words: impl IntoIterator<Item = W>) -> Step {
    words.into_iter().map(Into::into).collect()
}
