//! The benchmark of the prompt: what the state costs each time a shell shows it, and what it costs a shell to
//! start, beside other ways to know how a repository stands.
//!
//! `cargo bench --bench prompt` builds repositories of two sizes and drives the real shells. A prompt is timed
//! as the difference between a shell that makes many of them and one that makes none, a start as the
//! difference between a shell with and one without, in turns. The report is Markdown on stdout.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark runs programs and builds scratch trees"
)]
#![expect(clippy::print_stdout, reason = "the report")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;

/// What goes wrong here goes wrong for good.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Measure the prompt and the start of shells
#[derive(Debug, Parser)]
#[command(name = "prompt", bin_name = "cargo bench --bench prompt --")]
struct Options {
    /// Sizes of the repository
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [100, 10_000])]
    files: Vec<usize>,
    /// Timed rounds
    #[arg(long, value_name = "N", default_value_t = 11)]
    rounds: usize,
    /// Measure this git-sync instead of the one just built
    #[arg(long, value_name = "FILE", default_value = env!("CARGO_BIN_EXE_git-sync"))]
    program: PathBuf,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// A shell, with what runs a script in it as if somebody typed there.
struct Shell {
    /// Its program, and its snippet.
    name: &'static str,
    /// What comes before the script.
    words: &'static [&'static str],
    /// Repeats `BODY` so many times: `COUNT`.
    again: &'static str,
}

/// Those that have a snippet, without the user's own files.
const SHELLS: [Shell; 3] = [
    Shell {
        name: "zsh",
        words: &["-f", "-i", "-c"],
        again: "repeat COUNT; do BODY; done",
    },
    Shell {
        name: "bash",
        words: &["--norc", "-i", "-c"],
        again: "for ((n = 0; n < COUNT; n++)); do BODY; done",
    },
    Shell {
        name: "fish",
        words: &["--no-config", "-i", "-c"],
        again: "set n 0; while test $n -lt COUNT; set n (math $n + 1); BODY; end",
    },
];

/// A way to tell in a prompt how the repository stands.
struct Way {
    /// Where its shell is among [`SHELLS`].
    shell: usize,
    /// As it is reported.
    name: &'static str,
    /// Run once; `SNIPPET` sources ours.
    before: &'static str,
    /// One prompt.
    body: &'static str,
    /// So many of them are timed together.
    count: u32,
}

/// A shell that shows nothing.
const NOTHING: &str = "nothing";

/// How our way is reported.
const OURS: &str = "git-sync";

/// A snippet with a process, as one would write it.
const INDICATOR: &str =
    "sync_indicator() { local f=$PWD/.sync/sync-status; [[ -f $f ]] && cat $f; }";

/// What is measured, in the order of the report.
const WAYS: [Way; 14] = [
    Way {
        shell: 0,
        name: NOTHING,
        before: "",
        body: ":",
        count: 4000,
    },
    Way {
        shell: 0,
        name: "git-sync",
        before: "SNIPPET",
        body: "_git_sync_precmd",
        count: 4000,
    },
    Way {
        shell: 0,
        name: "git-sync, out of date",
        before: "SNIPPET",
        body: "_git_sync_ran=1 _git_sync_inside=1 _git_sync_quiet=0; _git_sync_precmd",
        count: 30,
    },
    Way {
        shell: 0,
        name: "`$(sync_indicator)` with `cat`",
        before: INDICATOR,
        body: "x=$(sync_indicator)",
        count: 100,
    },
    Way {
        shell: 0,
        name: "`vcs_info`",
        before: "autoload -Uz vcs_info; zstyle ':vcs_info:*' enable git",
        body: "vcs_info",
        count: 30,
    },
    Way {
        shell: 0,
        name: "`vcs_info` with changes",
        before: "autoload -Uz vcs_info; zstyle ':vcs_info:*' enable git; zstyle ':vcs_info:*' check-for-changes true",
        body: "vcs_info",
        count: 30,
    },
    Way {
        shell: 0,
        name: "`git status --porcelain -b`",
        before: "",
        body: "x=$(git status --porcelain -b)",
        count: 30,
    },
    Way {
        shell: 1,
        name: NOTHING,
        before: "",
        body: ":",
        count: 4000,
    },
    Way {
        shell: 1,
        name: "git-sync",
        before: "SNIPPET",
        body: "_git_sync_prompt",
        count: 4000,
    },
    Way {
        shell: 1,
        name: "`$(sync_indicator)` with `cat`",
        before: INDICATOR,
        body: "x=$(sync_indicator)",
        count: 100,
    },
    Way {
        shell: 1,
        name: "`git status --porcelain -b`",
        before: "",
        body: "x=$(git status --porcelain -b)",
        count: 30,
    },
    Way {
        shell: 2,
        name: NOTHING,
        before: "",
        body: "true",
        count: 2000,
    },
    Way {
        shell: 2,
        name: "git-sync",
        before: "SNIPPET",
        body: "__git_sync_look",
        count: 2000,
    },
    Way {
        shell: 2,
        name: "`fish_git_prompt`",
        before: "",
        body: "set x (fish_git_prompt)",
        count: 30,
    },
];

/// Measures, and prints the report.
fn main() -> Result<()> {
    let options = Options::parse();
    if !options.bench {
        println!("nothing to test here; `cargo bench --bench prompt` measures");
        return Ok(());
    }
    let mut report = String::new();
    let program = options.program.to_string_lossy();
    for program in [&*program, "git"]
        .into_iter()
        .chain(SHELLS.map(|shell| shell.name))
    {
        let _ = writeln!(report, "- {}", said(program));
    }
    let _ = writeln!(report, "\n### A prompt, µs\n");
    let sizes = options.files.iter();
    let heads: Vec<_> = sizes
        .map(|files| format!("{files} files | git-sync ÷ it"))
        .collect();
    let _ = writeln!(
        report,
        "| shell | way | {} | processes |",
        heads.join(" | ")
    );
    let _ = writeln!(report, "|---|---|{}---|", "---|---|".repeat(heads.len()));
    let scenes: Vec<Scene> = options
        .files
        .iter()
        .map(|files| Scene::new(&options, *files))
        .collect::<Result<_>>()?;
    // Of each shell, one a size.
    let mut ours: [Vec<f64>; 3] = Default::default();
    for way in &WAYS {
        let shell = &SHELLS[way.shell];
        let times = scenes.iter();
        let times = times.map(|scene| scene.prompt(shell, way, options.rounds));
        let times = times.collect::<Result<Vec<_>>>()?;
        if way.name == OURS {
            ours[way.shell].clone_from(&times);
        }
        let mut cells = Vec::new();
        for (number, time) in times.iter().enumerate() {
            let ratio = ours[way.shell].get(number).map(|ours| ours / time);
            let ratio = ratio.filter(|_| !way.name.starts_with(OURS) && way.name != NOTHING);
            let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.3}"));
            cells.push(format!("{time:.0} | {ratio}"));
        }
        let processes = scenes[0].processes(shell, way)?;
        let (name, way) = (shell.name, way.name);
        let _ = writeln!(
            report,
            "| {name} | {way} | {} | {processes} |",
            cells.join(" | ")
        );
    }
    let _ = writeln!(report, "\n### A shell that starts, ms\n");
    let _ = writeln!(
        report,
        "| shell | without | `source` | with it ÷ without | `eval` | `source`, a sync due |"
    );
    let _ = writeln!(report, "|---|---|---|---|---|---|");
    for shell in &SHELLS {
        let times = scenes[0].start(shell, options.rounds * 3)?;
        let [without, rest @ ..] = times.map(median);
        let ratio = rest[0] / without;
        let [source, eval, due] = rest.map(|time| format!("{:+.1}", time - without));
        let _ = writeln!(
            report,
            "| {} | {without:.1} | {source} | {ratio:.2} | {eval} | {due} |",
            shell.name
        );
    }
    print!("{report}");
    Ok(())
}

/// A home with an enrolled repository in sync.
struct Scene {
    /// The home; the repository is `configs` in it.
    home: tempfile::TempDir,
    /// The `git-sync` under test.
    program: PathBuf,
}

impl Scene {
    /// A home whose repository has so many files.
    fn new(options: &Options, files: usize) -> Result<Self> {
        let scene = Self {
            home: tempfile::tempdir()?,
            program: options.program.clone(),
        };
        let (home, configs) = (scene.home.path(), scene.configs());
        fs::write(
            home.join(".gitconfig"),
            "[user]\n\tname = a\n\temail = a@b\n[init]\n\tdefaultBranch = main\n",
        )?;
        for number in 0..files {
            let folder = configs.join(format!("{}", number / 50));
            fs::create_dir_all(&folder)?;
            fs::write(
                folder.join(format!("{number}")),
                format!("{number}\n").repeat(100),
            )?;
        }
        fs::write(configs.join(".gitignore"), "/.sync/*\n")?;
        scene.runs("git", &["init", "-q", "--bare", "../remote.git"])?;
        for words in [
            &["init", "-q"][..],
            &["remote", "add", "origin", "../remote.git"],
            &["add", "-A"],
            &["commit", "-qm", "first"],
            &["push", "-qu", "origin", "main"],
            &["config", "sync.enabled", "true"],
        ] {
            scene.runs("git", words)?;
        }
        let program = scene.program.clone();
        scene.runs(&program.to_string_lossy(), &[])?;
        Ok(scene)
    }

    /// The repository.
    fn configs(&self) -> PathBuf {
        self.home.path().join("configs")
    }

    /// A program in this home, which shows nothing.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .env_clear()
            .envs([
                ("LC_ALL", "C.UTF-8"),
                ("TERM", "xterm"),
                ("GIT_SYNC_MAX_AGE", "86400"),
            ])
            .env("PATH", path)
            .env("HOME", self.home.path())
            .env("GIT_SYNC_BIN", &self.program)
            .current_dir(self.configs())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Runs a program, which must succeed.
    fn runs(&self, program: &str, words: &[&str]) -> Result<()> {
        let mut command = self.command(program);
        let status = command.args(words).status()?;
        status
            .success()
            .then_some(())
            .ok_or_else(|| format!("{program} {words:?} failed").into())
    }

    /// What makes so many prompts.
    fn script(shell: &Shell, way: &Way, count: u32) -> String {
        let before = way.before.replace("SNIPPET", &source(shell));
        let again = shell.again.replace("COUNT", &count.to_string());
        format!("{before}\n{}", again.replace("BODY", way.body))
    }

    /// One prompt in microseconds.
    fn prompt(&self, shell: &Shell, way: &Way, rounds: usize) -> Result<f64> {
        let mut samples = Vec::new();
        for _ in 0..rounds {
            let none = self.time(shell, &Self::script(shell, way, 0))?;
            let many = self.time(shell, &Self::script(shell, way, way.count))?;
            samples.push((many.as_secs_f64() - none.as_secs_f64()) * 1e6 / f64::from(way.count));
        }
        Ok(median(samples))
    }

    /// How long a shell takes for a script.
    fn time(&self, shell: &Shell, script: &str) -> Result<Duration> {
        let mut command = self.command(shell.name);
        command
            .args(shell.words)
            .arg(script)
            .env("GIT_SYNC_BACKGROUND", "0");
        let start = Instant::now();
        command.status()?;
        Ok(start.elapsed())
    }

    /// The processes of ten prompts, a tenth of it; `n/a` where there is no strace.
    fn processes(&self, shell: &Shell, way: &Way) -> Result<String> {
        let trace = self.home.path().join("trace");
        let mut counts = Vec::new();
        for count in [0, 10] {
            let mut command = self.command("strace");
            command
                .args(["-f", "-q", "-e", "trace=process", "-o"])
                .arg(&trace)
                .arg(shell.name)
                .args(shell.words)
                .arg(Self::script(shell, way, count))
                .env("GIT_SYNC_BACKGROUND", "0");
            if command.status().is_err() {
                return Ok("n/a".to_owned());
            }
            let text = fs::read_to_string(&trace)?;
            let starts = ["clone(", "clone3(", "fork("];
            let forks = text
                .lines()
                .filter(|line| !line.contains("CLONE_THREAD"))
                .filter(|line| starts.iter().any(|call| line.contains(call)));
            counts.push(forks.count());
        }
        let one = (counts[1].saturating_sub(counts[0]) + 5) / 10;
        Ok(one.to_string())
    }

    /// Starts without, with `source`, with `eval`, and with a sync that is due, in milliseconds.
    fn start(&self, shell: &Shell, rounds: usize) -> Result<[Vec<f64>; 4]> {
        let due = self.configs().join(".sync/due");
        let kept = fs::read(&due)?;
        let program = self.program.to_string_lossy();
        let eval = match shell.name {
            "fish" => format!("{program} prompt fish | source"),
            name => format!("eval \"$({program} prompt {name})\""),
        };
        let scripts = [":".to_owned(), source(shell), eval, source(shell)];
        let mut times: [Vec<f64>; 4] = Default::default();
        for round in 0..=rounds {
            for (number, script) in scripts.iter().enumerate() {
                let is_due = number == 3;
                if is_due {
                    fs::remove_file(&due)?;
                }
                let mut command = self.command(shell.name);
                command.args(shell.words).arg(script);
                if is_due {
                    // Another program in its place: what counts is what the shell does.
                    command.env("GIT_SYNC_BIN", "/bin/true");
                }
                let start = Instant::now();
                command.status()?;
                // The first one warms up.
                if round > 0 {
                    times[number].push(start.elapsed().as_secs_f64() * 1e3);
                }
                fs::write(&due, &kept)?;
            }
        }
        Ok(times)
    }
}

/// The line that sources our snippet.
fn source(shell: &Shell) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shell");
    let file = folder.join(format!("git-sync.{}", shell.name));
    format!("source '{}'", file.display())
}

/// The first line that a program says of itself.
fn said(program: &str) -> String {
    let output = Command::new(program).arg("--version").output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines().next().unwrap_or("n/a").to_owned()
}

/// The middle one.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
