//! `<TAB>` in real shells: words, options and values, by what git-sync knows, whatever their names.

use crate::support::{Conflict, Kind, Machine, Sandbox, Shell, wait_until};
use clap::builder::PossibleValue;
use clap::{CommandFactory as _, Parser as _};
use git_sync::cli::args::Cli;
use std::collections::BTreeSet;
use std::path::Path;

/// A file of ours, and how an apostrophe stands in its rows; `None` where the rows say nothing about meaning.
const FILES: [(&str, Option<&str>); 3] = [
    ("git-sync.bash", None),
    ("_git-sync", Some(r"'\''")),
    ("git-sync.fish", Some(r"\'")),
];

/// A row of the tables: what can be typed, what it goes with, what follows it, what it does.
struct Row {
    name: String,
    goes_with: String,
    value: String,
    about: String,
}

/// The first line of a help text, without what stands in brackets.
fn about(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let mut parts = line.split(" (");
    let mut about = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        about.push_str(part.split_once(')').map_or("", |(_, behind)| behind));
    }
    assert!(!about.contains('|'), "{about}");
    about
}

/// What follows: its values, or its name in capitals.
fn value(argument: &clap::Arg) -> String {
    let fixed = argument.get_possible_values();
    let fixed: Vec<_> = fixed.iter().map(PossibleValue::get_name).collect();
    if !fixed.is_empty() {
        return fixed.join(" ");
    }
    if !argument.get_action().takes_values() {
        return String::new();
    }
    let names = argument.get_value_names().unwrap_or_default();
    names.iter().map(|name| name.to_uppercase()).collect()
}

/// The mode that these words are, as far as they make sense.
fn read(words: &[&str]) -> Result<String, String> {
    let words = std::iter::once("git-sync").chain(words.iter().copied());
    let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
    let mode = cli.read().map_err(|error| error.to_string())?;
    Ok(mode.word().to_owned())
}

/// Does an option go with a word? What else is missing does not matter.
fn goes(word: &clap::Command, option: &[&str]) -> bool {
    let name = word.get_name();
    let mut needed = Vec::new();
    for argument in word.get_positionals().filter(|a| a.is_required_set()) {
        needed.push(argument.get_possible_values()[0].get_name().to_owned());
    }
    let needed: Vec<_> = needed.iter().map(String::as_str).collect();
    // Options that others need, and words that are two.
    [
        &[][..],
        &["--list"],
        &["--porcelain"],
        &["--dry-run"],
        &["install"],
    ]
    .iter()
    .any(|more| {
        let words = [&[name][..], &needed, more, option].concat();
        match read(&words) {
            Ok(_) => true,
            Err(said) => said.contains("needs a path") || said.contains("takes no path"),
        }
    })
}

/// What the parser knows.
fn rows() -> Vec<Row> {
    let mut command = Cli::command();
    command.build();
    let words: Vec<_> = command
        .get_subcommands()
        .filter(|word| word.get_name() != "help")
        .collect();
    let mut rows = Vec::new();
    for word in &words {
        let values: Vec<_> = word.get_positionals().map(value).collect();
        rows.push(Row {
            name: word.get_name().to_owned(),
            goes_with: String::new(),
            value: values.join(" "),
            about: about(word.get_about()),
        });
    }
    let group = command
        .get_groups()
        .find(|group| group.get_id() == "ModeFlags");
    let modes: Vec<_> = group.unwrap().get_args().collect();
    let own = words.iter().flat_map(|word| {
        let own = word
            .get_opts()
            .chain(word.get_arguments().filter(|a| !a.is_positional()));
        let own = own.filter(|argument| !argument.is_global_set() && argument.get_id() != "help");
        own.map(|argument| (Some(word.get_name()), argument))
    });
    let all = command
        .get_arguments()
        .map(|argument| (None, argument))
        .chain(own);
    for (word, argument) in all.filter(|(_, argument)| !argument.is_hide_set()) {
        let names = argument
            .get_long()
            .map(|long| format!("--{long}"))
            .into_iter();
        let names: Vec<_> = names
            .chain(argument.get_short().map(|short| format!("-{short}")))
            .collect();
        let Some(name) = names.first() else {
            continue;
        };
        let mut value = value(argument);
        let first = value.split(' ').next().unwrap_or_default().to_owned();
        let joined = argument.is_require_equals_set();
        let optional = argument
            .get_num_args()
            .is_some_and(|range| range.min_values() == 0);
        let is_mode = modes.contains(&argument.get_id()) || argument.get_id() == "restore";
        let goes_with = if let Some(word) = word {
            word.to_owned()
        } else if is_mode {
            let given = if value.is_empty() { "x" } else { &first };
            let mode = read(&[name]).or_else(|_| read(&[name, given]));
            format!("={}", mode.unwrap())
        } else if argument.get_id() == "help" {
            "*".to_owned()
        } else if argument.get_id() == "version" {
            "run".to_owned()
        } else {
            let given = match &*first {
                "" => vec![name.clone()],
                "SECONDS" | "COUNT" => vec![format!("{name}=1")],
                _ if joined => vec![format!("{name}={first}")],
                _ => vec![name.clone(), first.clone()],
            };
            let given: Vec<_> = given.iter().map(String::as_str).collect();
            let with: Vec<_> = words.iter().filter(|word| goes(word, &given)).collect();
            if with.len() == words.len() {
                "*".to_owned()
            } else {
                let with: Vec<_> = with.iter().map(|word| word.get_name()).collect();
                with.join(" ")
            }
        };
        assert!(!goes_with.is_empty(), "{name} goes with nothing");
        if joined {
            value = format!("={value}");
        } else if optional && !value.is_empty() {
            value = format!("?{value}");
        }
        for name in names {
            rows.push(Row {
                name,
                goes_with: goes_with.clone(),
                value: value.clone(),
                about: about(argument.get_help()),
            });
        }
    }
    rows
}

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("completions")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn what_the_parser_knows_is_in_each_file_and_nothing_else() {
    let rows = rows();
    let mut wrong = Vec::new();
    for (file, apostrophe) in FILES {
        let expected: Vec<_> = rows
            .iter()
            .map(|row| {
                let Row {
                    name,
                    goes_with,
                    value,
                    about,
                } = row;
                match apostrophe {
                    None => format!("'{name}|{goes_with}|{value}'"),
                    Some(as_written) => {
                        let about = about.replace('\'', as_written);
                        format!("'{name}|{goes_with}|{value}|{about}'")
                    }
                }
            })
            .collect();
        let text = shipped(file);
        let found: Vec<_> = text
            .lines()
            .map(|line| line.trim().trim_end_matches(" \\"))
            .filter(|line| line.starts_with('\'') && line.ends_with('\'') && line.contains('|'))
            .collect();
        if found != expected {
            let expected = expected.join("\n");
            wrong.push(format!(
                "the rows of completions/{file} have to be:\n{expected}\n"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

/// Lines of a start-up file with which a shell completes as it does for many people.
fn start_up(kind: Kind) -> &'static str {
    match kind {
        Kind::Bash => {
            "stty rows 150 cols 150\n\
             bind 'set bell-style none'; bind 'set page-completions off'\n\
             bind 'set enable-bracketed-paste off'\n\
             . /usr/share/bash-completion/bash_completion"
        }
        Kind::Zsh => {
            "stty rows 150 cols 150\n\
             fpath=(~/.local/share/zsh/site-functions $fpath)\n\
             LISTMAX=1000; unsetopt beep; autoload -Uz compinit; compinit -u"
        }
        Kind::Fish => "stty rows 150 cols 150",
    }
}

/// A machine that was set up, with files of all kinds in its home.
fn set_up() -> (Sandbox, Machine) {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let laptop = sandbox.machine("laptop", &remote);
    laptop.sync(["--setup", "--yes"]).succeeds();
    (sandbox, laptop)
}

/// A shell on a machine, with its completion as `git sync --setup` has left it.
struct Typist {
    kind: Kind,
    shell: Shell,
    lines: usize,
}

impl Typist {
    fn at(machine: &Machine, kind: Kind) -> Self {
        Self::with(machine, kind, start_up(kind))
    }

    fn with(machine: &Machine, kind: Kind, start_up: &str) -> Self {
        Shell::start_up_with_prompt(machine, kind, start_up);
        let machine = machine.with("TERM", "xterm");
        let mut shell = Shell::open(&machine, kind);
        shell.types(":");
        Self {
            kind,
            shell,
            lines: 0,
        }
    }

    /// Types the beginning of a line and TAB, and runs what has come of it: its words, as `printf` gets them.
    #[track_caller]
    fn completes(&mut self, line: &str, expected: &[&str]) {
        self.lines += 1;
        let number = self.lines;
        // Only what is printed has the number in brackets; what is typed behind TAB waits for the shell.
        self.shell.keys(&format!(
            "{line}\t\u{1}printf '[%s]' {number}-end \u{5}; echo\n"
        ));
        self.shell.types(":");
        let wanted = format!("[{number}-end][{}]", expected.join("]["));
        let text = plain(&self.shell.text());
        assert!(
            text.contains(&wanted),
            "{:?}: {wanted} has not come of {line:?}:\n{text}",
            self.kind
        );
    }

    /// Types the beginning of a line and TAB, in bash twice: all of these are offered.
    #[track_caller]
    fn offers(&mut self, line: &str, expected: &[&str]) {
        let before = self.shell.text().len();
        let tab = if self.kind == Kind::Bash {
            "\t\t"
        } else {
            "\t"
        };
        self.shell.keys(&format!("{line}{tab}"));
        let kind = self.kind;
        let shown = |shell: &Shell| plain(&shell.text()[before..]);
        wait_until(
            &format!("{kind:?} offers {expected:?} for {line:?}"),
            || {
                let shown = shown(&self.shell);
                expected.iter().all(|word| shown.contains(word))
            },
        );
        // Away with the line: fish has a menu too.
        let away = if kind == Kind::Fish {
            "\u{3}"
        } else {
            "\u{15}"
        };
        self.shell.keys(away);
        self.shell.types(":");
    }

    fn exits(self) {
        self.shell.exits().exits_with_one_of(&[0, 1, 130]);
    }
}

/// What a terminal shows, without what it is told about colours and places.
fn plain(text: &str) -> String {
    let mut shown = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            shown.push(c);
            continue;
        }
        if chars.next_if_eq(&'[').is_some() {
            while chars.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
        } else {
            chars.next();
        }
    }
    shown
}

#[test]
fn words_and_options_are_completed() {
    let (_sandbox, laptop) = set_up();
    laptop.git_global("alias.my", "sync");
    for kind in Kind::ALL {
        let mut typist = Typist::at(&laptop, kind);
        typist.offers(
            "git sync ",
            &["run", "mark", "restore", "machines", "schedule"],
        );
        typist.completes("git sync unm", &["git", "sync", "unmark"]);
        typist.completes("git-sync unm", &["git-sync", "unmark"]);
        typist.completes("git my unm", &["git", "my", "unmark"]);
        typist.completes("git sync --list-", &["git", "sync", "--list-marked"]);
        typist.completes(
            "git sync mark --allow",
            &["git", "sync", "mark", "--allow-secret"],
        );
        typist.completes(
            "git sync --mark --allow",
            &["git", "sync", "--mark", "--allow-secret"],
        );
        // What does not go with it is not offered.
        typist.completes("git sync mark --ver", &["git", "sync", "mark", "--verbose"]);
        typist.completes(
            "git sync prompt sta",
            &["git", "sync", "prompt", "starship"],
        );
        typist.completes("git sync hooks ins", &["git", "sync", "hooks", "install"]);
        typist.completes("git sync --color=al", &["git", "sync", "--color=always"]);
        typist.completes(
            "git sync mark --import mac",
            &["git", "sync", "mark", "--import", "mackup"],
        );
        typist.completes(
            "git sync --generate ma",
            &["git", "sync", "--generate", "man"],
        );
        typist.exits();
    }
}

#[test]
fn what_can_be_marked_is_a_file_anywhere() {
    let (_sandbox, laptop) = set_up();
    laptop
        .write("../.tool/settings one.json", "{}\n")
        .write("../.tool/other", "\n");
    let elsewhere = laptop.home().join("../elsewhere");
    laptop.write(elsewhere.join("notes"), "\n");
    for kind in Kind::ALL {
        let mut typist = Typist::at(&laptop, kind);
        typist.completes(
            "git sync mark .tool/set",
            &["git", "sync", "mark", ".tool/settings one.json"],
        );
        let whole = laptop.home().join(".tool/settings one.json");
        typist.completes(
            "git sync --mark ~/.tool/set",
            &["git", "sync", "--mark", whole.to_str().unwrap()],
        );
        typist.completes(
            "git sync --mark ../elsewhere/n",
            &["git", "sync", "--mark", "../elsewhere/notes"],
        );
        typist.exits();
    }
}

#[test]
fn what_git_sync_knows_is_completed() {
    let (_sandbox, laptop) = set_up();
    laptop
        .write("../.tool/settings one.json", "{}\n")
        .write("../.we'ird $name; \"x\"", "\n")
        .write("../.rc", "\n");
    // One backup, so that its name has a beginning of its own.
    laptop.config("sync.backup", "false");
    laptop
        .sync(["mark", "--profiles=work", "../.rc"])
        .succeeds();
    laptop
        .sync([
            "mark",
            "../.tool/settings one.json",
            "../.we'ird $name; \"x\"",
        ])
        .succeeds();
    laptop.sync([]).succeeds();
    laptop.config("sync.backup", "true");
    for old in std::fs::read_dir(laptop.path(".sync/backups"))
        .into_iter()
        .flatten()
    {
        std::fs::remove_file(old.unwrap().path()).unwrap();
    }
    laptop.sync(["--backup-only"]).succeeds();
    let list = laptop.sync(["backup", "--list"]).succeeds().stdout();
    let newest = list.split_whitespace().next().unwrap().to_owned();
    let home = laptop.home().to_str().unwrap().to_owned();
    for kind in Kind::ALL {
        let mut typist = Typist::at(&laptop, kind);
        // Other machines have the marks, so they are offered although nothing is there any more.
        let settings = format!("{home}/.tool/settings one.json");
        typist.completes(
            "git sync unmark ~/.to",
            &["git", "sync", "unmark", &settings],
        );
        let weird = format!("{home}/.we'ird $name; \"x\"");
        typist.completes("git sync unmark ~/.we", &["git", "sync", "unmark", &weird]);
        typist.completes(
            "git sync --unmark .to",
            &["git", "sync", "--unmark", ".tool/settings one.json"],
        );
        typist.completes(
            "git sync --restore 20",
            &["git", "sync", "--restore", &newest],
        );
        typist.completes("git sync restore l", &["git", "sync", "restore", "latest"]);
        typist.completes("git sync --keep 20", &["git", "sync", "--keep", &newest]);
        typist.completes(
            "git sync machines --forget ana@",
            &["git", "sync", "machines", "--forget", "ana@laptop-linux"],
        );
        typist.completes(
            "git sync mark --variant wo",
            &["git", "sync", "mark", "--variant", "work"],
        );
        typist.completes(
            "git sync mark --profiles=wo",
            &["git", "sync", "mark", "--profiles=work"],
        );
        typist.offers("git sync --restore ", &["latest", &newest]);
        typist.exits();
    }
}

#[test]
fn held_paths_are_completed_as_they_are_typed() {
    let conflict = Conflict::new(
        |machine| {
            machine.write("vim/my plugins", "one\n");
        },
        |laptop| {
            laptop.write("vim/my plugins", "two\n");
        },
        |server| {
            server.write("vim/my plugins", "three\n");
        },
    );
    let laptop = &conflict.laptop;
    laptop.sync([]).exits(1);
    laptop.sync(["--setup", "--yes"]).exits(1);
    for kind in Kind::ALL {
        let mut typist = Typist::at(laptop, kind);
        let words = ["git", "sync", "resolve", "--ours", "vim/my plugins"];
        typist.completes("git sync resolve --ours vi", &words);
        let words = ["git", "-C", "configs", "sync", "resolve", "vim/my plugins"];
        typist.completes("git -C configs sync resolve vi", &words);
        let words = ["git", "sync", "-C", "configs/vim", "resolve", "my plugins"];
        typist.completes("git sync -C configs/vim resolve my", &words);
        typist.exits();
    }
}

/// The other completion of git for zsh, which is git's own, knows functions of bash alone: this does what it does
/// with the name of a command.
const GIT_OF_GIT: &str = r"#compdef git
_git() {
  local _ret=1 cword cur prev
  cur=${words[CURRENT]} prev=${words[CURRENT-1]}
  let cword=CURRENT-1
  local curcontext=$curcontext state line
  local -a all=( ${words[@]} )
  typeset -A opt_args
  _arguments -C '--git-dir=-[repository]: :_directories' '(-): :->command' '(-)*:: :->arg' && return
  [[ $state == arg ]] || return 1
  local name=${words[1]}
  words=( ${all[@]} )
  (( $+functions[_git_$name] )) && emulate ksh -c _git_$name
  let _ret && _default && _ret=0
  return _ret
}
_git
";

#[test]
fn the_completion_of_git_for_zsh_that_git_ships_finds_it_too() {
    let (_sandbox, laptop) = set_up();
    laptop.write("../.rc", "\n");
    laptop.sync(["mark", "../.rc"]).succeeds();
    laptop.write("../gits/_git", GIT_OF_GIT);
    let start_up = format!("fpath=(~/gits $fpath)\n{}", start_up(Kind::Zsh));
    let mut typist = Typist::with(&laptop, Kind::Zsh, &start_up);
    typist.offers("git sync ", &["restore", "Bring files back from a backup"]);
    typist.completes("git sync unm", &["git", "sync", "unmark"]);
    typist.completes(
        "git sync mark --allow",
        &["git", "sync", "mark", "--allow-secret"],
    );
    let rc = laptop.home().join(".rc");
    typist.completes(
        "git sync unmark ~/.r",
        &["git", "sync", "unmark", rc.to_str().unwrap()],
    );
    typist.exits();
}

#[test]
fn zsh_and_fish_say_what_a_word_does() {
    let (_sandbox, laptop) = set_up();
    for kind in [Kind::Zsh, Kind::Fish] {
        let mut typist = Typist::at(&laptop, kind);
        typist.offers("git sync ", &["Show the history of runs"]);
        typist.offers("git sync mark --", &["Mend the marks that are there"]);
        typist.exits();
    }
    let mut typist = Typist::at(&laptop, Kind::Zsh);
    typist.offers("git sy", &["keep a configs repository the same"]);
    typist.exits();
}

#[test]
fn what_is_asked_for_leaves_no_trace() {
    let (_sandbox, laptop) = set_up();
    let odd = "../.tab\there";
    laptop
        .write("../.rc", "\n")
        .write(odd, "\n")
        .write("../.two\nlines", "\n");
    laptop
        .sync(["mark", "../.rc", odd, "../.two\nlines"])
        .succeeds();
    laptop.sync([]).succeeds();
    let before: BTreeSet<_> = everything(laptop.root());
    let marked = laptop.sync(["--complete", "marked"]).succeeds();
    // A line is a name: those that would not be one are left out.
    assert_eq!(marked.stdout(), "~/.rc\n");
    let types = laptop.sync(["--complete", "types,profiles"]).succeeds();
    assert!(
        types.stdout().starts_with("mac\ttype of machine\n"),
        "{}",
        types.scene()
    );
    assert_eq!(everything(laptop.root()), before);

    // No other program is needed for it.
    let mut alone = laptop
        .with("PATH", "/nowhere")
        .command(env!("CARGO_BIN_EXE_git-sync"));
    alone.args(["--complete", "marked,held,backups,machines"]);
    laptop
        .run(alone)
        .succeeds()
        .says("~/.rc\n")
        .says("\tbefore ");

    // Nothing to say is no reason to complain.
    let at_home = laptop.at_home();
    for kinds in ["nothing", "marked", "held", "backups", "machines", ""] {
        laptop
            .sync(["--complete", kinds])
            .succeeds()
            .does_not_tell("error");
        at_home
            .with("GIT_SYNC_DIRECTORY", "/nowhere/at/all")
            .sync(["--complete", kinds])
            .says_nothing();
    }
    let other = laptop.in_repo("other");
    other.write("file", "\n");
    other.git(["init", "--quiet"]);
    other
        .sync(["--complete", "backups,types"])
        .succeeds()
        .says_nothing();
}

/// Every file below a folder, with what is in it.
fn everything(folder: &Path) -> BTreeSet<(std::path::PathBuf, Vec<u8>)> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(everything(&path));
        } else if kind.is_file() {
            found.insert((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

#[test]
fn another_program_of_our_name_gets_no_word_of_the_line() {
    let (sandbox, laptop) = set_up();
    let log = sandbox.root().join("output/asked");
    sandbox.tool(
        "git-sync",
        &format!(
            "#!/bin/sh\nread -r answer\necho \"$* <$answer>\" >>'{}'\n",
            log.display()
        ),
    );
    for kind in Kind::ALL {
        let mut typist = Typist::at(&laptop, kind);
        typist.completes(
            "git sync --force -f unmark x",
            &["git", "sync", "--force", "-f", "unmark", "x"],
        );
        typist.exits();
    }
    let asked = std::fs::read_to_string(&log).unwrap();
    assert!(
        asked.lines().all(|line| line == "--complete marked <>"),
        "{asked}"
    );
    assert!(asked.lines().count() >= 3, "{asked}");
}
