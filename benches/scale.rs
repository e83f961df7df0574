//! The benchmark of what is large: how time and memory of a sync grow with files, history, marks and commits, beside
//! git's own commands for the same.
//!
//! `cargo bench --bench scale` measures each case at several sizes. Each row is one run of git-sync and one of git on
//! a copy of the same repository, with what the largest of all processes had in memory. The report is Markdown on stdout.

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
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;

/// Why it cannot be measured.
type Failure = Box<dyn std::error::Error>;

/// What is measured.
#[derive(Debug, Parser)]
struct Options {
    /// Only these cases, with commas between
    #[arg(long, value_delimiter = ',')]
    case: Vec<String>,
    /// Sizes that take less than a minute in all
    #[arg(long)]
    quick: bool,
    /// Where to build the repositories
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Another git-sync
    #[arg(long, default_value = env!("CARGO_BIN_EXE_git-sync"))]
    program: PathBuf,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// Something of which there may be much.
struct Case {
    /// As it is chosen.
    name: &'static str,
    /// What there is so many of.
    what: &'static str,
    /// How many, when there is time, and when there is not.
    sizes: [&'static [u64]; 2],
    /// Makes `r.git`, and the clone `a` with what is to be synced; `$N` is the size.
    make: &'static str,
    /// What git-sync does about it.
    ours: &'static str,
    /// What people do about it without git-sync.
    by_hand: &'static str,
}

/// Many small files below `$1`, fifty to a folder, in one process.
const FILES: &str = r#"files() { perl -e 'my ($d, $n) = @ARGV; for my $i (0 .. $n - 1) { my $f = sprintf "%s/%05d", $d, $i / 50;
    mkdir $f; open my $h, ">", "$f/$i" or die; print $h "file $i\n" x 20; }' "$1" "$2"; }; "#;

/// A stream of `$1` commits on top of what `main` has, for git fast-import.
const COMMITS: &str = r#"commits() { perl -e 'my ($n, $d, $from) = @ARGV; for my $i (1 .. $n) { my $c = "$d $i\n"; my $l = length $c;
    print "commit refs/heads/main\ncommitter A <a\@b> ", 1700000000 + $i, " +0000\ndata 2\nc\n";
    print "from refs/heads/main^0\n" if $i == 1 && $from;
    printf "M 100644 inline %s/%d\ndata %d\n%s\n", $d, $i % 500, $l, $c; }' "$1" "$2" "$3"; }; "#;

/// A sync.
const SYNC: &str = "\"$PROGRAM\" -q";

/// Marks all files that are in `m` of the home.
const MARK: &str =
    "find ../home/m -type f -print0 | xargs -0 \"$PROGRAM\" mark -q --; \"$PROGRAM\" -q";

/// What people type without git-sync.
const BY_HAND: &str =
    "git add -A; git diff --cached --quiet || git commit -qm x; git pull -q --rebase; git push -q";

/// All of them, in the order of the report.
const CASES: [Case; 10] = [
    Case {
        name: "tree",
        what: "files in the tree, nothing to do",
        sizes: [&[1000, 10_000, 100_000], &[500, 2000]],
        make: "files a $N; git -C a add -A; git -C a commit -qm all; git -C a push -q -u origin main",
        ours: SYNC,
        by_hand: BY_HAND,
    },
    Case {
        name: "edit",
        what: "files in the tree, one is changed",
        sizes: [&[1000, 10_000, 100_000], &[500, 2000]],
        make: "files a $N; git -C a add -A; git -C a commit -qm all; git -C a push -q -u origin main; echo new >a/00000/0",
        ours: SYNC,
        by_hand: BY_HAND,
    },
    Case {
        name: "history",
        what: "versions of files in the history",
        sizes: [&[10_000, 100_000, 1_000_000], &[500, 2000]],
        make: "commits $N d '' | git -C r.git fast-import --quiet; git -C a pull -q origin main; git -C a branch -q -u origin/main; \
               echo new >a/d/1",
        ours: SYNC,
        by_hand: BY_HAND,
    },
    Case {
        name: "large",
        what: "MiB in one new file",
        sizes: [&[64, 512, 2048], &[8, 32]],
        make: "git -C a commit -q --allow-empty -m first; git -C a push -q -u origin main; \
               git -C a config sync.maxFileSize 0; head -c \"$N\"M /dev/urandom >a/large",
        ours: SYNC,
        by_hand: BY_HAND,
    },
    Case {
        name: "marks",
        what: "marked files, nothing to do",
        sizes: [&[100, 1000, 10_000], &[20, 80]],
        make: "git -C a commit -q --allow-empty -m first; git -C a push -q -u origin main; mkdir home/m; files home/m $N; \
               find home/m -type f -exec chmod 600 {} +; cd a; eval \"$MARK\"",
        ours: SYNC,
        by_hand: BY_HAND,
    },
    Case {
        name: "marking",
        what: "files that are marked in one command, and sent",
        sizes: [&[100, 1000, 10_000], &[20, 80]],
        make: "git -C a commit -q --allow-empty -m first; git -C a push -q -u origin main; mkdir home/m; files home/m $N; \
               find home/m -type f -exec chmod 600 {} +",
        ours: MARK,
        by_hand: "cp -rL ../home/m external; git add -A; git commit -qm x; git pull -q --rebase; git push -q",
    },
    Case {
        name: "linking",
        what: "marked files, linked for the first time on a machine",
        sizes: [&[100, 1000, 10_000], &[20, 80]],
        make: "git -C a commit -q --allow-empty -m first; git -C a push -q -u origin main; mkdir home/m; files home/m $N; \
               find home/m -type f -exec chmod 600 {} +; (cd a; eval \"$MARK\"); rm -rf home a/.git/sync; mkdir home",
        ours: SYNC,
        by_hand: "git pull -q --rebase; mkdir ../other; cp -rs \"$PWD/external/.\" ../other; git push -q",
    },
    Case {
        name: "behind",
        what: "commits behind",
        sizes: [&[50, 500, 5000], &[20, 80]],
        make: "commits 1 d '' | git -C r.git fast-import --quiet; git -C a pull -q origin main; git -C a branch -q -u origin/main; \
               commits $N e 1 | git -C r.git fast-import --quiet",
        ours: SYNC,
        by_hand: BY_HAND,
    },
    Case {
        name: "ahead",
        what: "commits ahead, one behind",
        sizes: [&[8, 40, 200], &[4, 16]],
        make: "commits 1 d '' | git -C r.git fast-import --quiet; git -C a pull -q origin main; git -C a branch -q -u origin/main; \
               commits $N e 1 | git -C a fast-import --quiet --force; git -C a reset -q --hard; \
               commits 1 f 1 | git -C r.git fast-import --quiet",
        ours: SYNC,
        by_hand: BY_HAND,
    },
    Case {
        name: "runs",
        what: "runs in the history file, nothing to do",
        sizes: [&[1000, 10_000, 100_000], &[1000, 4000]],
        make: "git -C a commit -q --allow-empty -m first; git -C a push -q -u origin main; (cd a && \"$PROGRAM\" -q); \
               perl -e 'my ($f, $n) = @ARGV; open my $h, \"<\", $f; my $l = <$h>; close $h; open $h, \">\", $f; \
               print $h $l x $n' a/.git/sync/history.jsonl $N",
        ours: SYNC,
        by_hand: BY_HAND,
    },
];

fn main() -> ExitCode {
    let options = Options::parse();
    if !options.bench {
        eprintln!("nothing to test here; `cargo bench --bench scale` measures");
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

/// Every case that was asked for.
fn run(options: &Options) -> Result<String, Failure> {
    let known = |name: &&String| CASES.iter().any(|case| case.name == **name);
    if let Some(name) = options.case.iter().find(|name| !known(name)) {
        let all: Vec<_> = CASES.iter().map(|case| case.name).collect();
        return Err(format!("no case '{name}': there are {}", all.join(", ")).into());
    }
    let mut report = format!(
        "- git-sync: {}\n- git: {}\n\n| case | size | git-sync s | git s | ratio | git-sync MiB | git MiB |\n|---|---|---|---|---|---|---|\n",
        said(&options.program, "--version")?,
        said(Path::new("git"), "--version")?
    );
    for case in &CASES {
        if !options.case.is_empty() && !options.case.iter().any(|name| name == case.name) {
            continue;
        }
        for size in case.sizes[usize::from(options.quick)] {
            eprintln!("measuring {} {}", size, case.what);
            let _ = writeln!(report, "{}", row(options, case, *size)?);
        }
    }
    Ok(report)
}

/// Builds the repository of a case in one size, and measures both.
fn row(options: &Options, case: &Case, size: u64) -> Result<String, Failure> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("git-sync-bench-");
    let dir = match &options.dir {
        Some(dir) => builder.tempdir_in(dir)?,
        None => builder.tempdir()?,
    };
    let bench = Bench {
        program: &options.program,
        dir: dir.path(),
        size,
    };
    bench.sh(&format!(
        "{FILES}{COMMITS}mkdir home; git init -q --bare -b main r.git; git init -q -b main a; git -C a config sync.enabled true; \
         git -C a config gc.auto 0; git -C r.git config gc.auto 0; \
         git -C a remote add origin \"$PWD/r.git\"; git -C a config branch.main.remote origin; \
         git -C a config branch.main.merge refs/heads/main; \
         printf '/.sync/*\\n!/.sync/marked-files.txt\\n!/.sync/modes\\n' >a/.git/info/exclude; {}",
        case.make
    ))?;
    // Both start from the same, packed as git would have packed it by then, each with a remote of its own.
    bench.sh("git -C a repack -adq; git -C r.git repack -adq; cp -a a b; cp -a r.git s.git; git -C b remote set-url origin \"$PWD/s.git\"; git -C b update-index -q --refresh || :; sync")?;
    let ours = bench.measure("a", case.ours)?;
    let git = bench.measure("b", case.by_hand)?;
    bench.sh("test \"$(git -C a rev-parse main)\" = \"$(git -C r.git rev-parse main)\"; test -z \"$(git -C a status --porcelain)\"")?;
    Ok(format!(
        "| {} | {size} | {:.2} | {:.2} | {:.2} | {} | {} |",
        case.what,
        ours.time.as_secs_f64(),
        git.time.as_secs_f64(),
        ours.time.as_secs_f64() / git.time.as_secs_f64(),
        ours.memory >> 10,
        git.memory >> 10
    ))
}

/// What a run took.
struct Measured {
    /// Wall time.
    time: Duration,
    /// What the largest process had in memory, KiB.
    memory: u64,
}

/// Where a case is measured.
struct Bench<'a> {
    /// The git-sync.
    program: &'a Path,
    /// Everything is in here.
    dir: &'a Path,
    /// How much there is of what there may be much of.
    size: u64,
}

impl Bench<'_> {
    /// Runs a script in a folder, below a shell that tells what the largest of its children had in memory.
    fn measure(&self, folder: &str, script: &str) -> Result<Measured, Failure> {
        let start = Instant::now();
        let ended = self.command(&self.dir.join(folder)).arg(script).output()?;
        let time = start.elapsed();
        if !ended.status.success() {
            return Err(format!("{script}: {}", String::from_utf8_lossy(&ended.stderr)).into());
        }
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        let memory = said.lines().find_map(|line| line.strip_prefix("largest "));
        Ok(Measured {
            time,
            memory: memory
                .ok_or("nobody said how much memory it took")?
                .parse()?,
        })
    }

    /// Runs a script that is not measured.
    fn sh(&self, script: &str) -> Result<(), Failure> {
        let ended = self.command(self.dir).arg(script).output()?;
        if ended.status.success() {
            return Ok(());
        }
        Err(format!("{script}\n{}", String::from_utf8_lossy(&ended.stderr)).into())
    }

    /// A shell in this world, whose script is still to be given. Perl waits for it, and asks the kernel.
    fn command(&self, folder: &Path) -> Command {
        // RUSAGE_CHILDREN of getrusage(2): 98 on x86-64, 165 on the others.
        const WATCH: &str = r#"my $n = `uname -m` =~ /x86_64/ ? 98 : 165; my $s = system("sh", "-euc", @ARGV);
            my $u = "\0" x 256; syscall($n, -1, $u); my @u = unpack("q*", $u); print STDERR "\nlargest $u[4]\n"; exit($s >> 8);"#;
        let home = self.dir.join("home");
        let mut command = Command::new("perl");
        command
            .args(["-e", WATCH])
            .current_dir(folder)
            .env("HOME", &home)
            .env("XDG_STATE_HOME", self.dir.join("state"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "A")
            .env("GIT_AUTHOR_EMAIL", "a@b")
            .env("GIT_COMMITTER_NAME", "A")
            .env("GIT_COMMITTER_EMAIL", "a@b")
            .env("PROGRAM", self.program)
            .env("MARK", MARK)
            .env("N", self.size.to_string())
            .stdin(Stdio::null());
        command
    }
}

/// The first line that a program says of itself.
fn said(program: &Path, option: &str) -> Result<String, Failure> {
    let output = Command::new(program).arg(option).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().next().unwrap_or("n/a").to_owned())
}
