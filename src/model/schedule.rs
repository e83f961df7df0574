//! What is told to a scheduler of the system: unit files of systemd, an agent of launchd, lines of a
//! crontab. All of them start the process of `--background` itself, which they can wait for, or a watch, which
//! they keep going.

use super::cron::Cron;
use std::fmt::{self, Write as _};

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
    pub when: When,
}

/// When a job syncs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// At these moments.
    At(Cron),
    /// Whenever something changes: the job is a watch.
    Changes,
}

/// What stands for [`When::Changes`].
const CHANGES: &str = "changes";

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(cron) => cron.fmt(f),
            Self::Changes => f.write_str(CHANGES),
        }
    }
}

impl When {
    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            CHANGES => Some(Self::Changes),
            text => Cron::parse(text).map(Self::At),
        }
    }
}

/// A watch that ends although nobody has ended it is started again after so many seconds: at once it would
/// only find the same again.
const PAUSE: u32 = 60;

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
        let about = self.directory.replace('%', "%%");
        let manual = "Documentation=man:git-sync(1)";
        let modest = "Nice=10\nIOSchedulingClass=idle\n";
        match &self.when {
            When::At(_) => format!(
                "# {MANAGED}\n\
                 [Unit]\n\
                 Description=git-sync of {about}\n\
                 {manual}\n\
                 \n\
                 [Service]\n\
                 Type=oneshot\n\
                 ExecStart={program} -C {directory} --background\n\
                 Environment={name}={value}\n\
                 Environment={path}\n\
                 {modest}",
            ),
            // The sync that goes on is ended by the watch, and what is left of both by systemd.
            when @ When::Changes => format!(
                "# {MANAGED}\n\
                 # {WHEN}{when}\n\
                 [Unit]\n\
                 Description=git-sync watch of {about}\n\
                 {manual}\n\
                 StartLimitIntervalSec=0\n\
                 \n\
                 [Service]\n\
                 Type=exec\n\
                 ExecStart={program} -C {directory} watch\n\
                 Environment={path}\n\
                 Restart=on-failure\n\
                 RestartSec={PAUSE}\n\
                 RestartPreventExitStatus=129\n\
                 SuccessExitStatus=130 143\n\
                 KillMode=mixed\n\
                 {modest}\
                 \n\
                 [Install]\n\
                 WantedBy=default.target\n",
            ),
        }
    }

    /// The timer of systemd, where there are moments. `Persistent` makes up for what was missed while the
    /// machine was off.
    pub fn timer(&self) -> Option<String> {
        let When::At(when) = &self.when else {
            return None;
        };
        let mut text = format!(
            "# {MANAGED}\n# {WHEN}{when}\n[Unit]\nDescription=git-sync of {}\n\n[Timer]\n",
            self.directory.replace('%', "%%")
        );
        for line in when.on_calendar() {
            let _ = writeln!(text, "OnCalendar={line}");
        }
        text.push_str("Persistent=true\n\n[Install]\nWantedBy=timers.target\n");
        Some(text)
    }

    /// The agent of launchd; `None` where there are too many moments to tell.
    pub fn agent(&self) -> Option<String> {
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
        let (word, worker) = match self.when {
            When::At(_) => (
                "--background",
                format!("\t\t<key>{name}</key>\n\t\t{}\n", string(value)),
            ),
            When::Changes => ("watch", String::new()),
        };
        let _ = write!(
            text,
            "\t<key>Label</key>\n\t{label}\n\
             \t<key>ProgramArguments</key>\n\t<array>\n\t\t{program}\n\t\t{c}\n\t\t{directory}\n\
             \t\t{word}\n\t</array>\n\
             \t<key>EnvironmentVariables</key>\n\t<dict>\n{worker}\
             \t\t<key>PATH</key>\n\t\t{path}\n\t</dict>\n\
             \t<key>ProcessType</key>\n\t<string>Background</string>\n",
            label = string(&self.label()),
            program = string(&self.program),
            c = string("-C"),
            directory = string(&self.directory),
            word = string(word),
            path = string(&self.path),
        );
        match &self.when {
            When::At(when) => {
                text.push_str("\t<key>StartCalendarInterval</key>\n\t<array>\n");
                for moment in when.moments()? {
                    text.push_str("\t\t<dict>");
                    for (name, value) in moment {
                        let _ = write!(text, "<key>{name}</key><integer>{value}</integer>");
                    }
                    text.push_str("</dict>\n");
                }
                text.push_str("\t</array>\n");
            }
            When::Changes => {
                let _ = write!(
                    text,
                    "\t<key>RunAtLoad</key>\n\t<true/>\n\
                     \t<key>KeepAlive</key>\n\t<dict>\n\
                     \t\t<key>SuccessfulExit</key>\n\t\t<false/>\n\t</dict>\n\
                     \t<key>ThrottleInterval</key>\n\t<integer>{PAUSE}</integer>\n",
                );
            }
        }
        text.push_str("</dict>\n</plist>\n");
        Some(text)
    }

    /// `crontab`, the table of the user, with our lines in the place of those that were there; `None` where
    /// there are no moments.
    pub fn in_crontab(&self, crontab: &str) -> Option<String> {
        let When::At(when) = &self.when else {
            return None;
        };
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
        let _ = write!(text, "{begin}\n# {MANAGED}\n{when} {command}\n{end}\n");
        Some(text)
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
pub fn when_in_crontab(crontab: &str, id: &str) -> Option<When> {
    let (begin, end) = marks(id);
    let rest = &crontab[crontab.find(&begin)? + begin.len()..];
    let block = &rest[..rest.find(&end).unwrap_or(rest.len())];
    let line = block
        .lines()
        .find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let fields: Vec<_> = line.split_whitespace().take(5).collect();
    When::parse(&fields.join(" "))
}

/// When, as it stands in a timer, a service or an agent of ours.
pub fn when_in_file(text: &str) -> Option<When> {
    let line = text.lines().find_map(|line| line.split_once(WHEN))?.1;
    When::parse(line.trim_end_matches("-->"))
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
    use crate::testing::{damaged_text, text};
    use proptest::prelude::*;

    fn job() -> Job {
        Job {
            id: "1a2b".to_owned(),
            program: "/opt/a b/git-sync".to_owned(),
            directory: "/home/ana/50% & 'x' $y".to_owned(),
            path: "/usr/bin:/bin".to_owned(),
            worker: ("W", "1"),
            when: When::parse("7,22 * * * *").expect("fields"),
        }
    }

    fn in_crontab(job: &Job, table: &str) -> String {
        job.in_crontab(table).expect("moments")
    }

    #[test]
    fn odd_names_are_quoted_for_each() {
        let job = job();
        assert!(job.service().contains(
            "ExecStart=\"/opt/a b/git-sync\" -C \"/home/ana/50%% & 'x' $$y\" --background\n"
        ));
        let agent = job.agent().expect("few moments");
        assert!(agent.contains("<string>/home/ana/50% &amp; 'x' $y</string>"));
        assert!(in_crontab(&job, "").contains(
            "7,22 * * * * PATH='/usr/bin:/bin' W=1 '/opt/a b/git-sync' -C '/home/ana/50\\% & '\\''x'\\'' $y' --background\n"
        ));
    }

    #[test]
    fn when_is_read_back() {
        let job = job();
        let timer = job.timer().expect("moments");
        assert_eq!(when_in_file(&timer), Some(job.when.clone()));
        assert_eq!(
            when_in_file(&job.agent().expect("few")),
            Some(job.when.clone())
        );
        assert_eq!(
            when_in_crontab(&in_crontab(&job, "x\n"), "1a2b"),
            Some(job.when.clone())
        );
        assert_eq!(when_in_crontab("x\n", "1a2b"), None);
    }

    #[test]
    fn a_watch_has_no_moments() {
        let job = Job {
            when: When::Changes,
            ..job()
        };
        assert_eq!((job.timer(), job.in_crontab("x\n")), (None, None));
        let agent = job.agent().expect("no moments to tell");
        for text in [&job.service(), &agent] {
            assert_eq!(when_in_file(text), Some(When::Changes));
            assert!(!text.contains("--background"), "{text}");
        }
        assert!(agent.contains("<string>watch</string>"));
    }

    #[test]
    fn lines_of_others_in_a_crontab_stay() {
        let job = job();
        for others in ["", "MAILTO=x\n0 1 * * * backup\n"] {
            let with = in_crontab(&job, others);
            assert!(with.starts_with(others));
            assert_eq!(in_crontab(&job, &with), with, "again is the same");
            assert_eq!(without(&with, "1a2b").as_deref(), Some(others));
            assert_eq!(without(&with, "ffff"), None);
        }
        assert!(in_crontab(&job, "no end of line").starts_with("no end of line\n# BEGIN"));
        let cut = "a\n# BEGIN git-sync 1a2b\nmine\n";
        assert_eq!(without(cut, "1a2b").as_deref(), Some("a\nmine\n"));
    }

    proptest! {
        #[test]
        fn what_others_have_in_a_crontab_stays(text in text()) {
            prop_assume!(without(&text, &job().id).is_none());
            let with = job().in_crontab(&text).expect("it has moments");
            prop_assert_eq!(when_in_crontab(&with, &job().id), Some(job().when));
            prop_assert_eq!(job().in_crontab(&with), Some(with.clone()));
            let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            prop_assert_eq!(without(&with, &job().id), Some(format!("{text}{end}")));
        }

        #[test]
        fn a_crontab_of_anything_is_read(
            text in damaged_text(job().in_crontab("# mine\n1 2 3 4 5 x\n").unwrap_or_default()),
        ) {
            when_in_crontab(&text, &job().id);
            when_in_file(&text);
            if let Some(rest) = without(&text, &job().id) {
                prop_assert!(rest.len() < text.len());
            }
        }
    }
}
