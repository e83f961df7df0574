//! The benchmark of backups: what one costs beside `tar czf`, tar with pigz, and restic.
//!
//! `cargo bench --bench backup` makes a tree of text, and times a full backup, one where nothing was
//! changed, and one where one file was, each program in turn. What is not installed is left out. The report
//! is Markdown on stdout.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark runs programs and builds scratch trees"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the report and its progress"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;

/// What is measured.
#[derive(Debug, Parser)]
struct Options {
    /// So many files
    #[arg(long, default_value_t = 10_000)]
    files: usize,
    /// So many MiB in all
    #[arg(long, default_value_t = 200)]
    size: usize,
    /// So often is each timed; the least counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Where to build the tree
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Another git-sync
    #[arg(long, default_value = env!("CARGO_BIN_EXE_git-sync"))]
    program: PathBuf,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// Why it cannot be measured.
type Failure = Box<dyn std::error::Error>;

/// A way to back up: its name, what it is installed as, and its script. In it, `$TREE` is the tree and
/// `$OUT` a folder of its own.
struct Contestant {
    /// For the report.
    name: &'static str,
    /// It is left out where this is not installed.
    program: &'static str,
    /// What is timed.
    script: &'static str,
    /// Does it know what was changed since the last time?
    remembers: bool,
    /// What tells how large it is.
    size: &'static str,
}

/// All of them, in the order of the report.
const CONTESTANTS: [Contestant; 4] = [
    Contestant {
        name: "git sync backup",
        program: "git",
        script: "\"$PROGRAM\" -C \"$TREE\" backup -q >/dev/null",
        remembers: true,
        size: "ls -t \"$OUT\"/*/*.tar.gz | head -1 | xargs stat -c %s",
    },
    Contestant {
        name: "tar czf",
        program: "tar",
        script: "tar czf \"$OUT\"/a.tar.gz --exclude=.git -C \"$TREE\" .; sync \"$OUT\"/a.tar.gz",
        remembers: false,
        size: "stat -c %s \"$OUT\"/a.tar.gz",
    },
    Contestant {
        name: "tar with pigz",
        program: "pigz",
        script: "tar cf - --exclude=.git -C \"$TREE\" . | pigz >\"$OUT\"/a.tar.gz; \
                 sync \"$OUT\"/a.tar.gz",
        remembers: false,
        size: "stat -c %s \"$OUT\"/a.tar.gz",
    },
    Contestant {
        name: "restic backup",
        program: "restic",
        script: "export RESTIC_PASSWORD=x RESTIC_REPOSITORY=\"$OUT\"/r; \
                 test -d \"$OUT\"/r || restic -q init; \
                 restic -q backup --exclude .git \"$TREE\"",
        remembers: true,
        size: "du -sb \"$OUT\"/r | cut -f1",
    },
];

/// What is measured of each, with so many digits.
const UNITS: [(&str, usize); 4] = [("s", 2), ("s", 2), ("s", 2), ("MB", 1)];

fn main() -> ExitCode {
    let options = Options::parse();
    if !options.bench {
        eprintln!("nothing to test here; `cargo bench --bench backup` measures");
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes the tree, and measures every contestant.
fn run(options: &Options) -> Result<String, Failure> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("git-sync-bench-");
    let dir = match &options.dir {
        Some(dir) => builder.tempdir_in(dir)?,
        None => builder.tempdir()?,
    };
    let tree = dir.path().join("tree");
    eprintln!("making {} files, {} MiB", options.files, options.size);
    make(&tree, options)?;
    let mut report = format!(
        "{} files, {} MiB, best of {}. In brackets: git sync ÷ that one.\n\n\
         | | version | full | nothing changed | one file changed | size |\n|---|---|---|---|---|---|\n",
        options.files, options.size, options.rounds
    );
    let mut ours = None;
    for contestant in &CONTESTANTS {
        if !is_installed(contestant.program) {
            eprintln!("{} is not installed", contestant.program);
            continue;
        }
        let bench = Bench {
            options,
            contestant,
            tree: &tree,
            out: dir.path().join("out"),
        };
        let costs = bench.measure()?;
        let version = said(contestant, &options.program);
        let _ = write!(report, "| {} | {version} |", contestant.name);
        let first = ours.get_or_insert(costs);
        for ((cost, first), (unit, digits)) in costs.iter().zip(&*first).zip(UNITS) {
            let _ = write!(report, " {cost:.digits$} {unit}");
            if contestant.program != "git" {
                let _ = write!(report, " ({:.2})", first / cost);
            }
            let _ = write!(report, " |");
        }
        let _ = writeln!(report);
    }
    Ok(report)
}

/// A contestant at work.
struct Bench<'a> {
    /// How often, among others.
    options: &'a Options,
    /// Who.
    contestant: &'a Contestant,
    /// What is backed up.
    tree: &'a Path,
    /// Where to.
    out: PathBuf,
}

impl Bench<'_> {
    /// The cells of a row, in [`UNITS`].
    fn measure(&self) -> Result<[f64; 4], Failure> {
        eprintln!("measuring {}", self.contestant.name);
        let (mut full, mut same, mut one) = (Duration::MAX, Duration::MAX, Duration::MAX);
        let mut size = String::new();
        for round in 0..self.options.rounds {
            if self.out.exists() {
                fs::remove_dir_all(&self.out)?;
            }
            fs::create_dir(&self.out)?;
            full = full.min(self.timed()?);
            size = self.sh(self.contestant.size)?;
            if self.contestant.remembers {
                same = same.min(self.timed()?);
            } else {
                same = full;
            }
            fs::write(self.tree.join("00/0"), format!("changed {round}\n"))?;
            // A time that is too young is believed by nobody.
            std::thread::sleep(Duration::from_millis(100));
            one = one.min(if self.contestant.remembers {
                self.timed()?
            } else {
                full
            });
        }
        let bytes: f64 = size.trim().parse()?;
        let [full, same, one] = [full, same, one].map(|time| time.as_secs_f64());
        Ok([full, same, one, bytes / 1e6])
    }

    /// How long its script takes.
    fn timed(&self) -> Result<Duration, Failure> {
        let start = Instant::now();
        self.sh(self.contestant.script)?;
        Ok(start.elapsed())
    }

    /// What a script says, which must succeed.
    fn sh(&self, script: &str) -> Result<String, Failure> {
        let ended = Command::new("sh")
            .args(["-euc", script])
            .env("TREE", self.tree)
            .env("OUT", &self.out)
            .env("PROGRAM", &self.options.program)
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "sync.backupDir")
            .env("GIT_CONFIG_VALUE_0", &self.out)
            .stderr(Stdio::inherit())
            .output()?;
        if !ended.status.success() {
            return Err(format!("{} failed", self.contestant.name).into());
        }
        Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
    }
}

/// What a program says of its version.
fn said(contestant: &Contestant, program: &Path) -> String {
    let mut command = match contestant.program {
        "git" => Command::new(program),
        program => Command::new(program),
    };
    // restic has a word for it, and takes no option.
    let word = if contestant.program == "restic" {
        "version"
    } else {
        "--version"
    };
    let text = command
        .arg(word)
        .output()
        .map(|output| output.stdout)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut words = text.lines().next().unwrap_or_default().split(' ');
    let number = words.find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    number.unwrap_or("n/a").to_owned()
}

/// Is there such a program?
fn is_installed(program: &str) -> bool {
    let found = Command::new("which").arg(program).output();
    found.is_ok_and(|found| found.status.success())
}

/// A repository of files that read like settings: words that come again, and numbers that do not.
fn make(tree: &Path, options: &Options) -> Result<(), Failure> {
    let words = [
        "set", "bind", "colour", "the", "window", "alias", "export", "path", "mode", "true", "key",
        "status", "left", "right", "buffer", "source", "plugin", "option", "default", "value",
    ];
    let each = (options.size << 20) / options.files;
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 40).unwrap_or_default()
    };
    for number in 0..options.files {
        let folder = tree.join(format!("{:02}", number % 50));
        fs::create_dir_all(&folder)?;
        let mut text = String::with_capacity(each + 32);
        while text.len() < each {
            let random = next();
            let _ = write!(text, "{} ", words[random % words.len()]);
            if random % 7 == 0 {
                let _ = writeln!(text, "{}-{}", next() % 9973, next());
            }
        }
        fs::write(folder.join((number / 50).to_string()), text)?;
    }
    let git = |words: &[&str]| -> Result<(), Failure> {
        let ended = Command::new("git")
            .arg("-C")
            .arg(tree)
            .args(words)
            .output()?;
        if ended.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&ended.stderr).into())
    };
    git(&["init", "-q"])?;
    git(&["config", "sync.enabled", "true"])
}
