//! What is told to a scheduler of the system: unit files of systemd, an agent of launchd, lines of a
//! crontab. All of them start the process of `--background` itself, which they can wait for.

use super::cron::Cron;
use std::fmt::Write as _;

/// The programs that start others when it is time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduler {
    /// The manager of the user's services.
    Systemd,
    /// That of macOS.
    Launchd,
    /// The oldest one.
    Cron,
}

impl Scheduler {
    /// Every one, for tables about them.
    pub const ALL: [Self; 3] = [Self::Systemd, Self::Launchd, Self::Cron];

    /// The words, as they can be typed.
    pub const WORDS: [&str; 3] = ["systemd", "launchd", "cron"];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
            Self::Cron => "cron",
        }
    }

    /// The one with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A sync that is started by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Tells the repositories of one user apart; letters and digits.
    pub id: String,
    /// This program, absolute.
    pub program: String,
    /// The repository, absolute.
    pub directory: String,
    /// `PATH`: what schedulers give is too short for many a git or ssh.
    pub path: String,
    /// The variable that makes it the process of `--background`, and its value.
    pub worker: (&'static str, &'static str),
    /// When.
    pub when: Cron,
}

/// Stands before the moment in what is written, to be read back.
const WHEN: &str = "when: ";

const MANAGED: &str = "from 'git sync schedule install', taken away by 'git sync schedule remove'";

impl Job {
    /// The name of its units.
    pub fn unit(&self) -> String {
        format!("git-sync-{}", self.id)
    }

    /// The name of its agent.
    pub fn label(&self) -> String {
        format!("org.git-sync.{}", self.id)
    }

    /// The service of systemd. It is not sandboxed: the hooks of the repository are the user's own.
    pub fn service(&self) -> String {
        let (program, directory) = (unit_word(&self.program), unit_word(&self.directory));
        let (name, value) = self.worker;
        let path = unit_word(&format!("PATH={}", self.path));
        format!(
            "# {MANAGED}\n\
             [Unit]\n\
             Description=git-sync of {about}\n\
             Documentation=man:git-sync(1)\n\
             \n\
             [Service]\n\
             Type=oneshot\n\
             ExecStart={program} -C {directory} --background\n\
             Environment={name}={value}\n\
             Environment={path}\n\
             Nice=10\n\
             IOSchedulingClass=idle\n",
            about = self.directory.replace('%', "%%"),
        )
    }

    /// The timer of systemd. `Persistent` makes up for what was missed while the machine was off.
    pub fn timer(&self) -> String {
        let when = &self.when;
        let mut text = format!(
            "# {MANAGED}\n# {WHEN}{when}\n[Unit]\nDescription=git-sync of {}\n\n[Timer]\n",
            self.directory.replace('%', "%%")
        );
        for line in when.on_calendar() {
            let _ = writeln!(text, "OnCalendar={line}");
        }
        text.push_str("Persistent=true\n\n[Install]\nWantedBy=timers.target\n");
        text
    }

    /// The agent of launchd; `None` where there are too many moments to tell.
    pub fn agent(&self) -> Option<String> {
        let moments = self.when.moments()?;
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
             \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
             <!-- {MANAGED} -->\n<!-- {WHEN}{} -->\n\
             <plist version=\"1.0\">\n<dict>\n",
            self.when
        );
        let (name, value) = self.worker;
        let string = |text: &str| format!("<string>{}</string>", xml(text));
        let _ = write!(
            text,
            "\t<key>Label</key>\n\t{label}\n\
             \t<key>ProgramArguments</key>\n\t<array>\n\t\t{program}\n\t\t{c}\n\t\t{directory}\n\
             \t\t{background}\n\t</array>\n\
             \t<key>EnvironmentVariables</key>\n\t<dict>\n\t\t<key>{name}</key>\n\t\t{value}\n\
             \t\t<key>PATH</key>\n\t\t{path}\n\t</dict>\n\
             \t<key>ProcessType</key>\n\t<string>Background</string>\n\
             \t<key>StartCalendarInterval</key>\n\t<array>\n",
            label = string(&self.label()),
            program = string(&self.program),
            c = string("-C"),
            directory = string(&self.directory),
            background = string("--background"),
            value = string(value),
            path = string(&self.path),
        );
        for moment in moments {
            text.push_str("\t\t<dict>");
            for (name, value) in moment {
                let _ = write!(text, "<key>{name}</key><integer>{value}</integer>");
            }
            text.push_str("</dict>\n");
        }
        text.push_str("\t</array>\n</dict>\n</plist>\n");
        Some(text)
    }

    /// `crontab`, the table of the user, with our lines in the place of those that were there.
    pub fn in_crontab(&self, crontab: &str) -> String {
        let mut text = without(crontab, &self.id).unwrap_or_else(|| crontab.to_owned());
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let (name, value) = self.worker;
        let command = format!(
            "PATH={} {name}={value} {} -C {} --background",
            shell_word(&self.path),
            shell_word(&self.program),
            shell_word(&self.directory)
        );
        // To cron a bare percent sign is the end of the command.
        let command = command.replace('%', "\\%");
        let (begin, end) = marks(&self.id);
        let _ = write!(
            text,
            "{begin}\n# {MANAGED}\n{} {command}\n{end}\n",
            self.when
        );
        text
    }
}

/// `crontab` without our lines; `None` where it has none.
pub fn without(crontab: &str, id: &str) -> Option<String> {
    let (begin, end) = marks(id);
    let start = crontab.find(&begin)?;
    let rest = &crontab[start..];
    // A block that somebody has cut: only what is certainly ours.
    let length = rest.find(&end).map_or(begin.len(), |at| at + end.len());
    let after = rest[length..].strip_prefix('\n').unwrap_or(&rest[length..]);
    Some(format!("{}{after}", &crontab[..start]))
}

/// When, as it stands in our lines of `crontab`; `None` where there are none.
pub fn when_in_crontab(crontab: &str, id: &str) -> Option<Cron> {
    let (begin, end) = marks(id);
    let rest = &crontab[crontab.find(&begin)? + begin.len()..];
    let block = &rest[..rest.find(&end).unwrap_or(rest.len())];
    let line = block
        .lines()
        .find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let fields: Vec<_> = line.split_whitespace().take(5).collect();
    Cron::parse(&fields.join(" "))
}

/// When, as it stands in a timer or an agent of ours.
pub fn when_in_file(text: &str) -> Option<Cron> {
    let line = text.lines().find_map(|line| line.split_once(WHEN))?.1;
    Cron::parse(line.trim_end_matches("-->"))
}

fn marks(id: &str) -> (String, String) {
    (
        format!("# BEGIN git-sync {id}"),
        format!("# END git-sync {id}"),
    )
}

/// A word in a unit file, systemd.service(5) "COMMAND LINES": `%` is a specifier, `$` a variable.
fn unit_word(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('%', "%%").replace('$', "$$"))
}

fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn xml(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job {
            id: "1a2b".to_owned(),
            program: "/opt/a b/git-sync".to_owned(),
            directory: "/home/ana/50% & 'x' $y".to_owned(),
            path: "/usr/bin:/bin".to_owned(),
            worker: ("W", "1"),
            when: Cron::parse("7,22 * * * *").expect("fields"),
        }
    }

    #[test]
    fn odd_names_are_quoted_for_each() {
        let job = job();
        assert!(job.service().contains(
            "ExecStart=\"/opt/a b/git-sync\" -C \"/home/ana/50%% & 'x' $$y\" --background\n"
        ));
        let agent = job.agent().expect("few moments");
        assert!(agent.contains("<string>/home/ana/50% &amp; 'x' $y</string>"));
        assert!(job.in_crontab("").contains(
            "7,22 * * * * PATH='/usr/bin:/bin' W=1 '/opt/a b/git-sync' -C '/home/ana/50\\% & '\\''x'\\'' $y' --background\n"
        ));
    }

    #[test]
    fn when_is_read_back() {
        let job = job();
        assert_eq!(when_in_file(&job.timer()), Some(job.when.clone()));
        assert_eq!(
            when_in_file(&job.agent().expect("few")),
            Some(job.when.clone())
        );
        assert_eq!(
            when_in_crontab(&job.in_crontab("x\n"), "1a2b"),
            Some(job.when.clone())
        );
        assert_eq!(when_in_crontab("x\n", "1a2b"), None);
    }

    #[test]
    fn lines_of_others_in_a_crontab_stay() {
        let job = job();
        for others in ["", "MAILTO=x\n0 1 * * * backup\n"] {
            let with = job.in_crontab(others);
            assert!(with.starts_with(others));
            assert_eq!(job.in_crontab(&with), with, "again is the same");
            assert_eq!(without(&with, "1a2b").as_deref(), Some(others));
            assert_eq!(without(&with, "ffff"), None);
        }
        assert!(
            job.in_crontab("no end of line")
                .starts_with("no end of line\n# BEGIN")
        );
        let cut = "a\n# BEGIN git-sync 1a2b\nmine\n";
        assert_eq!(without(cut, "1a2b").as_deref(), Some("a\nmine\n"));
    }
}
