//! An interactive shell on a terminal of its own, with a prompt of ours that tells the state.

use std::io::Write as _;
use std::path::PathBuf;

use super::{Machine, needs, wait_until};

/// Which shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Zsh,
    Bash,
    Fish,
}

impl Kind {
    /// All that have a snippet.
    pub(crate) const ALL: [Self; 3] = [Self::Zsh, Self::Bash, Self::Fish];

    /// Its name, which is that of its program and of its snippet.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Zsh => "zsh",
            Self::Bash => "bash",
            Self::Fish => "fish",
        }
    }

    /// The snippet as it is shipped.
    pub(crate) fn snippet(self) -> PathBuf {
        let shell = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("shell");
        shell.join(format!("git-sync.{}", self.name()))
    }

    /// Its start-up file, relative to the home.
    fn start_up(self) -> &'static str {
        match self {
            Self::Zsh => ".zshrc",
            Self::Bash => ".bashrc",
            Self::Fish => ".config/fish/config.fish",
        }
    }

    /// Lines that make a prompt of the form `<status:state:icon>`.
    fn prompt(self) -> &'static str {
        match self {
            Self::Zsh => {
                "unsetopt prompt_sp prompt_cr; setopt prompt_subst\n\
                 PROMPT='<%?:${GIT_SYNC_STATE-}:${GIT_SYNC_ICON-}>${GIT_SYNC_PROMPT-} '\n"
            }
            Self::Bash => {
                "_ours=''; PS1='<$?:${GIT_SYNC_STATE-}:${GIT_SYNC_ICON-}>${GIT_SYNC_PS1-} '\n"
            }
            Self::Fish => {
                "function fish_greeting; end\n\
                 function fish_prompt\n\
                 echo -n \"<$status:$GIT_SYNC_STATE:$GIT_SYNC_ICON>\"\n\
                 functions -q git_sync_prompt; and git_sync_prompt\n\
                 end\n"
            }
        }
    }

    /// The words that start it, with its start-up file read.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Zsh => "zsh -d -i",
            Self::Bash => "bash -i",
            Self::Fish => "fish -i",
        }
    }
}

/// A prompt, as the terminal showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    /// `$?`.
    pub(crate) status: String,
    /// The state word.
    pub(crate) state: String,
    /// The icon.
    pub(crate) icon: String,
}

/// A shell that is being typed into.
#[derive(Debug)]
pub(crate) struct Shell {
    running: super::Running,
    commands: usize,
}

impl Shell {
    /// Writes the start-up file: `before`, the snippet, `after`, and our prompt.
    pub(crate) fn prepare(machine: &Machine, kind: Kind, before: &str, after: &str) {
        let snippet = kind.snippet();
        let line = format!("{before}\nsource '{}'\n{after}", snippet.display());
        Self::start_up_with_prompt(machine, kind, &line);
    }

    fn start_up(machine: &Machine, kind: Kind, text: &str) {
        machine.write(machine.home().join(kind.start_up()), text);
        if kind == Kind::Fish {
            // Else a first start makes completions out of all manuals, in processes of its own.
            let made = ".local/share/fish/generated_completions/made.fish";
            machine.write(machine.home().join(made), "");
        }
    }

    /// Writes a start-up file that shows the state, after `line`.
    pub(crate) fn start_up_with_prompt(machine: &Machine, kind: Kind, line: &str) {
        Self::start_up(machine, kind, &format!("{line}\n{}", kind.prompt()));
    }

    /// A start-up file without us.
    pub(crate) fn bare(machine: &Machine, kind: Kind) {
        Self::start_up(machine, kind, kind.prompt());
    }

    /// Starts the shell in the home, in the time of the clock on the wall.
    pub(crate) fn open(machine: &Machine, kind: Kind) -> Self {
        Self::open_as(machine, kind.words())
    }

    /// Starts `line` on a terminal, which becomes a shell that was prepared.
    pub(crate) fn open_as(machine: &Machine, line: &str) -> Self {
        needs("script");
        let machine = machine.at_home().without("GIT_SYNC_NOW");
        let mut command = machine.command("script");
        command
            .args(["--quiet", "--return", "--flush", "--log-out", "/dev/null"])
            .args(["--command", line])
            .stdin(std::process::Stdio::piped());
        let shell = Self {
            running: super::Running::start(&machine, command),
            commands: 0,
        };
        wait_until("the first prompt is there", || {
            last_prompt(&shell.text()).is_some()
        });
        shell
    }

    /// All that the terminal has shown.
    pub(crate) fn text(&self) -> String {
        self.running.so_far()
    }

    /// Types keys.
    pub(crate) fn keys(&mut self, keys: &str) {
        let stdin = self.running.stdin();
        stdin
            .write_all(keys.as_bytes())
            .expect("the terminal listens");
    }

    /// Types a line, and waits for its end and the prompt behind it.
    #[track_caller]
    pub(crate) fn types(&mut self, line: &str) -> Prompt {
        let end = self.next_end();
        // What is typed is shown too: only what it prints has the word in one piece.
        let (a, b) = end.split_at(6);
        self.keys(&format!("{line}; printf '%s%s\\n' {a} {b}\n"));
        self.behind(&end)
    }

    /// Types a line that leaves a status, and waits for the prompt behind it.
    #[track_caller]
    pub(crate) fn leaves(&mut self, line: &str) -> Prompt {
        let end = self.next_end();
        let (a, b) = end.split_at(6);
        self.keys(&format!("printf '%s%s\\n' {a} {b}; {line}\n"));
        self.behind(&end)
    }

    fn next_end(&mut self) -> String {
        self.commands += 1;
        format!("end-of-{}-xxx", self.commands)
    }

    #[track_caller]
    fn behind(&self, end: &str) -> Prompt {
        let mut found = None;
        let mut seen = String::new();
        let start = std::time::Instant::now();
        while found.is_none() {
            assert!(
                start.elapsed() < super::DEADLINE,
                "no prompt behind {end}:\n{seen}"
            );
            std::thread::sleep(std::time::Duration::from_millis(15));
            seen = self.text();
            found = seen
                .rfind(end)
                .and_then(|at| prompts(&seen[at..]).first().cloned());
        }
        found.expect("just found")
    }

    /// Waits until the prompt tells this state; where it does not at once, Enter is pressed.
    #[track_caller]
    pub(crate) fn comes_to(&mut self, state: &str) -> Prompt {
        let start = std::time::Instant::now();
        loop {
            let prompt = last_prompt(&self.text());
            if let Some(prompt) = prompt.filter(|prompt| prompt.state == state) {
                return prompt;
            }
            assert!(
                start.elapsed() < super::DEADLINE,
                "it never tells {state:?}:\n{}",
                self.text()
            );
            self.types(":");
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }

    /// Waits until the prompt tells this state without a key pressed.
    #[track_caller]
    pub(crate) fn comes_by_itself_to(&self, state: &str) {
        wait_until(&format!("the prompt tells {state:?} by itself"), || {
            last_prompt(&self.text()).is_some_and(|prompt| prompt.state == state)
        });
    }

    /// Leaves the shell.
    pub(crate) fn exits(mut self) -> super::Output {
        self.keys("exit\n");
        self.running.finish()
    }
}

/// The prompts in what a terminal has shown.
pub(crate) fn prompts(text: &str) -> Vec<Prompt> {
    let parts = text.split('<').skip(1);
    parts
        .filter_map(|part| {
            let mut words = part.split_once('>')?.0.split(':');
            let status = words.next()?.to_owned();
            status.parse::<u8>().ok()?;
            Some(Prompt {
                status,
                state: words.next()?.to_owned(),
                icon: words.next()?.to_owned(),
            })
        })
        .collect()
}

fn last_prompt(text: &str) -> Option<Prompt> {
    prompts(text).pop()
}
