//! `git sync schedule`: the system syncs by itself.
//!
//! The schedulers are stand-ins that take the real ones' words and keep what they are told; what is
//! written for them is checked by systemd itself where it is there.

use crate::support::{Machine, Remote, Running, Sandbox, needs, wait_until};

/// Answers as systemctl(1) does, for one user's manager; keeps its calls and what is enabled.
const SYSTEMCTL: &str = r#"#!/bin/sh
echo "$*" >>"$HOME/systemctl.calls"
[ "$1" = --user ] || exit 64
shift
case "$1 $2" in
    "list-timers "*) exit 0 ;;
    "daemon-reload "*) exit 0 ;;
    "enable git-sync-"*)
        [ ! -e "$HOME/refuses" ] || { echo "Failed to enable unit: refused" >&2; exit 1; }
        [ -e "$HOME/.config/systemd/user/$2" ] || exit 1
        echo "$2" >"$HOME/enabled" ;;
    "restart git-sync-"*) exit 0 ;;
    "disable --now") rm -f "$HOME/enabled" ;;
    "show git-sync-"*.service)
        if [ "$(cat "$HOME/enabled" 2>/dev/null)" = "$2" ] && [ ! -e "$HOME/down" ]; then
            echo ActiveState=active
        else
            echo ActiveState=activating
        fi ;;
    "show git-sync-"*)
        if [ "$(cat "$HOME/enabled" 2>/dev/null)" = "$2" ]; then
            echo ActiveState=active
            echo "NextElapseUSecRealtime=Fri 2026-11-20 10:52:00 UTC"
        else
            echo ActiveState=inactive
        fi ;;
    *) exit 64 ;;
esac
"#;

/// Answers as crontab(1) does.
const CRONTAB: &str = r#"#!/bin/sh
case "$1" in
    -l) cat "$HOME/table" 2>/dev/null || { echo "no crontab for ana" >&2; exit 1; } ;;
    -) cat >"$HOME/table" ;;
    *) exit 64 ;;
esac
"#;

/// Answers as launchctl(1) does.
const LAUNCHCTL: &str = r#"#!/bin/sh
echo "$*" >>"$HOME/launchctl.calls"
domain=gui/$(id -u)
case "$1" in
    bootstrap)
        [ "$2" = "$domain" ] && [ -e "$3" ] || exit 5
        grep -o 'org\.git-sync\.[0-9a-f]*' "$3" | head -n 1 >"$HOME/known" ;;
    bootout) [ "$2" = "$domain/$(cat "$HOME/known" 2>/dev/null)" ] || exit 3; rm "$HOME/known" ;;
    print) [ "$2" = "$domain/$(cat "$HOME/known" 2>/dev/null)" ] || exit 113 ;;
    *) exit 64 ;;
esac
"#;

fn with(tool: &str, script: &str) -> (Machine, Remote) {
    let sandbox = Sandbox::new();
    // Whatever this system has, only the stand-in counts.
    sandbox.tool("systemctl", "#!/bin/sh\nexit 1\n");
    sandbox.tool(
        "crontab",
        "#!/bin/sh\necho 'no crontab for ana' >&2\nexit 1\n",
    );
    sandbox.tool(tool, script);
    let remote = sandbox.remote();
    let laptop = sandbox.machine("laptop", &remote);
    (laptop, remote)
}

/// The one file of this folder with this ending.
fn the_file(machine: &Machine, folder: &str, ending: &str) -> String {
    let folder = machine.home().join(folder);
    let mut found: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(ending))
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    std::fs::read_to_string(found.remove(0)).unwrap()
}

#[test]
fn systemd_syncs_every_so_often_until_it_is_told_not_to() {
    let (laptop, _) = with("systemctl", SYSTEMCTL);
    laptop
        .sync(["schedule"])
        .exits(1)
        .says("Nothing is scheduled")
        .tells("hint: git sync schedule install --watch   syncs whenever something changes");
    laptop
        .sync(["schedule", "install", "-n", "--every=1h"])
        .succeeds()
        .says("Would sync at '");
    assert!(!laptop.exists("../.config/systemd"));
    laptop
        .sync(["schedule", "install", "--every", "30m"])
        .succeeds()
        .says("by systemd (git-sync-")
        .tells("loginctl enable-linger");
    let timer = the_file(&laptop, ".config/systemd/user", ".timer");
    assert!(timer.contains("\nPersistent=true\n"), "{timer}");
    let line = timer
        .lines()
        .find(|line| line.starts_with("OnCalendar="))
        .unwrap();
    assert_eq!(line.matches(',').count(), 1, "twice an hour: {line}");
    let service = the_file(&laptop, ".config/systemd/user", ".service");
    let folder = laptop.path("").display().to_string();
    assert!(service.contains(folder.trim_end_matches('/')), "{service}");
    laptop
        .sync(["schedule", "status"])
        .succeeds()
        .says("next     Fri 2026-11-20 10:52:00 UTC");
    let json = laptop.sync(["schedule", "--json"]).succeeds().json();
    assert_eq!(json["schedule"]["scheduler"], "systemd");
    assert_eq!(json["schedule"]["pitfalls"][0], "no-linger");

    // Once more changes it, and other moments can be named as cron has them.
    laptop
        .sync(["schedule", "install", "--cron", "0 9-17 * * mon-fri"])
        .succeeds()
        .says("at '0 9,10,11,12,13,14,15,16,17 * * 1,2,3,4,5'");
    let timer = the_file(&laptop, ".config/systemd/user", ".timer");
    assert!(
        timer.contains("OnCalendar=mon,tue,wed,thu,fri *-*-* 09,"),
        "{timer}"
    );

    // Somebody has disabled it.
    laptop.remove("../enabled");
    laptop
        .sync(["schedule"])
        .exits(1)
        .tells("systemd does not know of it")
        .tells("git sync schedule install");

    laptop
        .sync(["schedule", "remove", "-n"])
        .succeeds()
        .says("Would take the schedule away from systemd");
    laptop
        .sync(["schedule", "remove"])
        .succeeds()
        .says("Not scheduled any more");
    laptop
        .sync(["schedule", "remove"])
        .succeeds()
        .says("Nothing is scheduled");
    let units = laptop.home().join(".config/systemd/user");
    assert_eq!(std::fs::read_dir(units).unwrap().count(), 0);
}

#[test]
fn what_systemd_starts_syncs_and_can_be_waited_for() {
    let (laptop, remote) = with("systemctl", SYSTEMCTL);
    laptop.sync(["schedule", "install"]).succeeds();
    let service = the_file(&laptop, ".config/systemd/user", ".service");
    let value = |name: &str| {
        let line = service.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} in {service}"))
            .to_owned()
    };
    laptop.write("zshrc", "from the timer\n");
    let run = format!("{} {}", value("Environment="), value("ExecStart="));
    laptop.sh(&run).succeeds().says_nothing();
    // It is done when the command is: nothing was left to a process that systemd would end.
    remote.has("zshrc", "from the timer\n");
}

#[test]
fn a_manager_that_refuses_leaves_nothing_behind() {
    let (laptop, _) = with("systemctl", SYSTEMCTL);
    laptop.write("../refuses", "");
    laptop
        .sync(["schedule", "install"])
        .exits(1)
        .tells("failed: exit status 1")
        .tells("Failed to enable unit: refused")
        .tells("nothing is scheduled");
    let units = laptop.home().join(".config/systemd/user");
    assert_eq!(std::fs::read_dir(units).unwrap().count(), 0);
}

#[test]
fn cron_does_it_where_there_is_no_systemd() {
    let (laptop, remote) = with("crontab", CRONTAB);
    laptop.write("../table", "MAILTO=ana\n0 1 * * * true\n");
    laptop
        .sync(["schedule", "install", "--cron=@daily"])
        .succeeds()
        .says("Syncs at '0 0 * * *', by cron (git-sync ");
    let table = laptop.read("../table");
    assert!(
        table.starts_with("MAILTO=ana\n0 1 * * * true\n# BEGIN git-sync "),
        "{table}"
    );
    // The line does what it says.
    let line = table.lines().find(|line| line.starts_with("0 0 ")).unwrap();
    laptop.write("zshrc", "from cron\n");
    laptop
        .sh(line.strip_prefix("0 0 * * * ").unwrap())
        .succeeds()
        .says_nothing();
    remote.has("zshrc", "from cron\n");
    let json = laptop
        .sync(["schedule", "status", "--json"])
        .succeeds()
        .json();
    assert_eq!(json["schedule"]["when"], "0 0 * * *");

    laptop.sync(["schedule", "remove"]).succeeds();
    assert_eq!(laptop.read("../table"), "MAILTO=ana\n0 1 * * * true\n");
}

#[test]
fn launchd_does_it_on_a_mac() {
    let (laptop, _) = with("launchctl", LAUNCHCTL);
    laptop.write("../system/uname", "Darwin 24.0.0\n");
    let system = laptop.home().join("system");
    let laptop = laptop.with("GIT_SYNC_SYSTEM", &system);
    laptop
        .sync(["schedule", "install", "--every=6h"])
        .succeeds()
        .says("by launchd (org.git-sync.");
    let plist = the_file(&laptop, "Library/LaunchAgents", ".plist");
    assert_eq!(plist.matches("<key>Hour</key>").count(), 4, "{plist}");
    assert!(plist.contains("<string>--background</string>"));
    laptop.sync(["schedule"]).succeeds();
    laptop
        .sync(["schedule", "install", "--cron=* 0-22 1-30 * *"])
        .exits(129)
        .tells("so many moments cannot be told to launchd");
    laptop.sync(["schedule", "install"]).succeeds();
    laptop.sync(["schedule", "remove"]).succeeds();
    let agents = laptop.home().join("Library/LaunchAgents");
    assert_eq!(std::fs::read_dir(agents).unwrap().count(), 0);
    assert!(!laptop.exists("../known"));
}

#[test]
fn a_setup_that_is_undone_takes_its_schedule_along() {
    let (laptop, _) = with("crontab", CRONTAB);
    laptop.sync(["schedule", "install"]).succeeds();
    laptop.sync(["setup", "--remove", "--yes"]).succeeds();
    assert_eq!(laptop.read("../table"), "");
}

#[test]
fn another_scheduler_takes_over() {
    let sandbox = Sandbox::new();
    sandbox.tool("systemctl", SYSTEMCTL);
    sandbox.tool("crontab", CRONTAB);
    let remote = sandbox.remote();
    let laptop = sandbox.machine("laptop", &remote);
    laptop
        .sync(["schedule", "install", "--scheduler=cron"])
        .succeeds();
    assert!(laptop.read("../table").contains("--background"));
    laptop.sync(["schedule", "install"]).succeeds();
    assert_eq!(laptop.read("../table"), "");
    assert!(laptop.exists("../enabled"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let (laptop, _) = with("crontab", CRONTAB);
    for (option, tells) in [
        ("--every=7m", "bad value '7m' for '--every'"),
        ("--every=0h", "bad value '0h' for '--every'"),
        ("--cron=* * *", "bad value '* * *' for '--cron'"),
    ] {
        laptop
            .sync(["schedule", "install", option])
            .exits(129)
            .tells(tells);
    }
    assert!(!laptop.exists("../table"));
    let (nobody, _) = with("launchctl", LAUNCHCTL);
    let folder = nobody.home().join("empty");
    std::fs::create_dir(&folder).unwrap();
    // Neither of the two is anywhere.
    for program in ["git", "git-sync"] {
        let found = nobody.sh(&format!("command -v {program}")).stdout();
        std::os::unix::fs::symlink(found.trim(), folder.join(program)).unwrap();
    }
    nobody
        .with("PATH", &folder)
        .sync(["schedule", "install"])
        .exits(1)
        .tells("neither systemd for this user nor cron");
}

#[test]
fn systemd_itself_finds_no_fault_with_the_units() {
    needs("systemd-analyze");
    let (laptop, _) = with("systemctl", SYSTEMCTL);
    laptop
        .sync(["schedule", "install", "--cron=5,20 1-3 13 * fri"])
        .succeeds();
    let checked = laptop.sh(
        "export XDG_RUNTIME_DIR=\"$HOME\"
         systemd-analyze verify --user --man=no \"$HOME\"/.config/systemd/user/git-sync-*.timer 2>&1 &&
         for moment in $(sed -n 's/^OnCalendar=//p' \"$HOME\"/.config/systemd/user/*.timer | tr ' ' '~'); do
             systemd-analyze calendar \"$(echo \"$moment\" | tr '~' ' ')\" || exit 1
         done",
    );
    let said = checked.succeeds().stdout();
    assert!(!said.contains("git-sync-"), "{said}");
    assert_eq!(said.matches("Normalized form").count(), 2, "{said}");
}

#[test]
fn systemd_keeps_a_watch_going() {
    let (laptop, remote) = with("systemctl", SYSTEMCTL);
    laptop
        .sync(["schedule", "install", "--watch", "-n"])
        .succeeds()
        .says("Would sync whenever something changes, by systemd (git-sync-");
    assert!(!laptop.exists("../.config/systemd"));
    // In the place of the job that there was.
    laptop.sync(["schedule", "install"]).succeeds();
    laptop
        .sync(["schedule", "install", "--watch"])
        .succeeds()
        .says("Syncs whenever something changes, by systemd (git-sync-")
        .tells("loginctl enable-linger");
    let enabled = laptop.read("../enabled");
    assert!(enabled.ends_with(".service\n"), "{enabled}");
    let calls = laptop.read("../systemctl.calls");
    assert_eq!(calls.matches("disable --now").count(), 1, "{calls}");
    // The timer is gone.
    let service = the_file(&laptop, ".config/systemd/user", "");
    let start = service
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))
        .unwrap();
    assert!(start.ends_with(" watch"), "{start}");
    laptop
        .sync(["schedule"])
        .succeeds()
        .says("Syncs whenever something changes")
        .does_not_say("next");
    let json = laptop.sync(["schedule", "--json"]).succeeds().json();
    assert_eq!(json["schedule"]["when"], "changes");
    assert_eq!(json["schedule"]["files"].as_array().unwrap().len(), 1);

    // What it starts is a watch.
    let mut command = laptop.command("sh");
    command.args(["-euc", &format!("exec {start}")]);
    let watch = Running::start(&laptop, command);
    wait_until("it watches", || watch.so_far().contains("Watching"));
    laptop.write("zshrc", "from the watch\n");
    wait_until("it is sent", || {
        remote.git(["show", "main:zshrc"]) == "from the watch"
    });
    watch.signal(rustix::process::Signal::TERM);
    watch.finish().exits(143);

    laptop.write("../down", "");
    laptop
        .sync(["schedule"])
        .exits(1)
        .tells("warning: the watch does not run")
        .tells("hint: journalctl --user -u git-sync-")
        .tells("git sync schedule install --watch");
    laptop.remove("../down");

    // And back.
    laptop.sync(["schedule", "install"]).succeeds();
    assert!(laptop.read("../enabled").ends_with(".timer\n"));
    laptop.sync(["schedule", "install", "--watch"]).succeeds();
    laptop.sync(["schedule", "remove"]).succeeds();
    assert!(!laptop.exists("../enabled"));
    let units = laptop.home().join(".config/systemd/user");
    assert_eq!(std::fs::read_dir(units).unwrap().count(), 0);
}

#[test]
fn launchd_keeps_a_watch_going() {
    let (laptop, _) = with("launchctl", LAUNCHCTL);
    laptop.write("../system/uname", "Darwin 24.0.0\n");
    let system = laptop.home().join("system");
    let laptop = laptop.with("GIT_SYNC_SYSTEM", &system);
    laptop
        .sync(["schedule", "install", "--watch"])
        .succeeds()
        .says("Syncs whenever something changes, by launchd (org.git-sync.");
    let plist = the_file(&laptop, "Library/LaunchAgents", ".plist");
    assert!(plist.contains("<string>watch</string>"), "{plist}");
    assert!(plist.contains("<key>KeepAlive</key>"), "{plist}");
    assert!(!plist.contains("StartCalendarInterval"), "{plist}");
    laptop.sync(["schedule"]).succeeds();
    laptop.sync(["schedule", "remove"]).succeeds();
    assert!(!laptop.exists("../known"));
}

#[test]
fn cron_cannot_keep_a_watch_going() {
    let (laptop, _) = with("crontab", CRONTAB);
    laptop
        .sync(["schedule", "install", "--watch"])
        .exits(1)
        .tells("systemd does not run for this user, so nothing keeps a watch going")
        .tells("hint: let something else keep 'git sync watch' going");
    laptop
        .sync(["schedule", "install", "--watch", "--scheduler=cron"])
        .exits(129)
        .tells("cron cannot keep a watch going");
    assert!(!laptop.exists("../table"));
}

#[test]
fn systemd_itself_finds_no_fault_with_a_watch() {
    needs("systemd-analyze");
    let (laptop, _) = with("systemctl", SYSTEMCTL);
    laptop.sync(["schedule", "install", "--watch"]).succeeds();
    let checked = laptop.sh(
        "export XDG_RUNTIME_DIR=\"$HOME\"
         systemd-analyze verify --user --man=no \"$HOME\"/.config/systemd/user/git-sync-*.service 2>&1",
    );
    let said = checked.succeeds().stdout();
    assert!(!said.contains("git-sync-"), "{said}");
}
