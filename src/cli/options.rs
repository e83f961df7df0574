//! Which options go with which mode: what would be ignored is refused.

use super::args::usage;
use super::global::Global;
use super::mode::Mode;
use crate::error::Result;

/// An option, and the modes that heed it.
struct Rule {
    /// Its long form.
    option: &'static str,
    /// Was it typed?
    is_given: fn(&Global) -> bool,
    /// The words of the modes.
    modes: &'static [&'static str],
}

/// Those options that go with every mode.
#[cfg(test)]
const EVERYWHERE: [&str; 3] = ["quiet", "verbose", "color"];

const fn rule(
    option: &'static str,
    is_given: fn(&Global) -> bool,
    modes: &'static [&'static str],
) -> Rule {
    Rule {
        option,
        is_given,
        modes,
    }
}

const RULES: &[Rule] = &[
    rule(
        "dry-run",
        |global| global.dry_run,
        &[
            "run",
            "setup",
            "status",
            "force-push",
            "force-pull",
            "mark",
            "unmark",
            "list",
            "resolve",
            "diff",
            "log",
            "doctor",
            "schedule install",
            "schedule remove",
            "restore",
        ],
    ),
    rule(
        "background",
        |global| global.background,
        &["run", "refresh"],
    ),
    rule(
        "yes",
        |global| global.yes,
        &[
            "run",
            "setup",
            "force-push",
            "force-pull",
            "mark",
            "restore",
        ],
    ),
    rule("remove", |global| global.remove, &["setup"]),
    rule("no-hooks", |global| global.no_hooks, &["setup"]),
    rule("follow", |global| global.follow, &["mark"]),
    rule("allow-secret", |global| global.allow_secret, &["mark"]),
    rule("repair", |global| global.repair, &["mark"]),
    rule("import", |global| global.import.is_some(), &["mark"]),
    rule("copy", |global| global.copy, &["mark"]),
    rule("link", |global| global.link, &["mark"]),
    rule("encrypt", |global| global.encrypt, &["mark"]),
    rule(
        "add-recipient",
        |global| global.add_recipient.is_some(),
        &["mark"],
    ),
    rule("rekey", |global| global.rekey, &["mark"]),
    rule("machines", |global| global.machines.is_some(), &["mark"]),
    rule("profiles", |global| global.profiles.is_some(), &["mark"]),
    rule(
        "variant",
        |global| global.variant.is_some(),
        &["mark", "unmark"],
    ),
    rule("profile", |global| !global.profile.is_empty(), &["setup"]),
    rule("ours", |global| global.ours, &["resolve"]),
    rule("theirs", |global| global.theirs, &["resolve"]),
    rule("undo", |global| global.undo, &["resolve"]),
    rule("list", |global| global.list, &["resolve", "backup"]),
    rule("keep", |global| global.keep.is_some(), &["backup"]),
    rule("release", |global| global.release.is_some(), &["backup"]),
    rule("to", |global| global.to.is_some(), &["restore"]),
    rule("exact", |global| global.exact, &["restore"]),
    rule("verify", |global| global.verify, &["backup"]),
    rule("max-count", |global| global.max_count.is_some(), &["log"]),
    rule(
        "every",
        |global| global.every.is_some(),
        &["schedule install", "watch"],
    ),
    rule("delay", |global| global.delay.is_some(), &["watch"]),
    rule("watch", |global| global.watch, &["schedule install"]),
    rule(
        "cron",
        |global| global.cron.is_some(),
        &["schedule install"],
    ),
    rule(
        "scheduler",
        |global| global.scheduler.is_some(),
        &["schedule install"],
    ),
    rule("forget", |global| global.forget.is_some(), &["machines"]),
    // Those that ask no remote go with it as they are.
    rule(
        "offline",
        |global| global.offline,
        &[
            "run", "resolve", "setup", "status", "diff", "log", "doctor", "machines",
        ],
    ),
    rule(
        "wait",
        |global| global.wait.is_some(),
        &[
            "run",
            "setup",
            "force-push",
            "force-pull",
            "resolve",
            "mark",
            "unmark",
            "backup",
            "restore",
            "hooks",
        ],
    ),
    rule(
        "json",
        |global| global.json,
        &[
            "run",
            "setup",
            "status",
            "force-push",
            "force-pull",
            "mark",
            "unmark",
            "list",
            "resolve",
            "diff",
            "log",
            "doctor",
            "machines",
            "schedule install",
            "schedule status",
            "schedule remove",
            "backup",
            "restore",
            "hooks",
            "watch",
        ],
    ),
    rule(
        "porcelain",
        |global| global.porcelain.is_some(),
        &["status"],
    ),
    rule("exit-code", |global| global.exit_code, &["status", "diff"]),
    rule(
        "detailed-exitcode",
        |global| global.detailed_exitcode,
        &["run", "force-push", "force-pull"],
    ),
];

impl Global {
    /// Refuses an option that the mode would ignore.
    pub(super) fn check(&self, mode: &Mode) -> Result<()> {
        let word = mode.word();
        for rule in RULES {
            if (rule.is_given)(self) && !rule.modes.contains(&word) {
                let option = rule.option;
                return Err(usage(format!("'--{option}' does not go with '{word}'")));
            }
        }
        let lists = match mode {
            Mode::Status | Mode::Resolve(_) => self.porcelain.is_some() || self.list,
            Mode::List => !self.json,
            _ => false,
        };
        if self.nul && !lists {
            return Err(usage(
                "'-z' goes with 'list', 'status --porcelain' and 'resolve --list'",
            ));
        }
        self.check_paths(mode)?;
        let other = self.keep.is_some() || self.release.is_some() || self.verify;
        if matches!(mode, Mode::Backup { list: true }) && other {
            return Err(usage("'backup list' only lists"));
        }
        if self.detailed_exitcode && !self.dry_run {
            return Err(usage("'--detailed-exitcode' goes with '--dry-run'"));
        }
        if self.background && (self.dry_run || self.json) {
            return Err(usage(
                "'--background' prints nothing, so nothing can be shown",
            ));
        }
        Ok(())
    }

    /// Refuses paths that a mode has no use for, and a mode without those that it needs.
    fn check_paths(&self, mode: &Mode) -> Result<()> {
        let word = mode.word();
        let paths = match mode {
            Mode::Mark(paths) | Mode::Unmark(paths) => paths.len(),
            _ => return Ok(()),
        };
        let recipients = match mode {
            Mode::Mark(_) if self.rekey => Some("rekey"),
            Mode::Mark(_) if self.add_recipient.is_some() => Some("add-recipient"),
            _ => None,
        };
        if let Some(option) = recipients.filter(|_| self.dry_run) {
            return Err(usage(format!("'--dry-run' does not go with '--{option}'")));
        }
        let wrong = match (self.import.is_some(), self.repair || recipients.is_some()) {
            (false, true)
                if paths > 0
                    && let Some(option) = recipients =>
            {
                format!("'mark --{option}' is about all encrypted marks, and takes no path")
            }
            (true, _) if paths > 1 => {
                "'mark --import' takes one path: where the set-up is".to_owned()
            }
            (false, true) if paths > 0 => {
                "'mark --repair' mends every mark, and takes no path".to_owned()
            }
            (false, false) if paths == 0 => format!("'{word}' needs a path"),
            _ => return Ok(()),
        };
        Err(usage(wrong))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::CommandFactory as _;
    use std::collections::BTreeSet;

    #[test]
    fn every_option_has_its_rule() {
        let command = Cli::command();
        let options = command.get_arguments().filter(|arg| arg.is_global_set());
        let options: BTreeSet<_> = options.filter_map(clap::Arg::get_long).collect();
        let rules = RULES.iter().map(|rule| rule.option);
        assert_eq!(rules.chain(EVERYWHERE).collect::<BTreeSet<_>>(), options);
    }
}
