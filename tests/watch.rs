//! `git sync watch`: what is saved is sent at once, what others send arrives, and nothing keeps it from going on.

use crate::marks::{is_linked, is_real};
use crate::support::{
    Conflict, Machine, Remote, Running, Sandbox, needs, wait_for_quiet, wait_until,
};
use rustix::process::Signal;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Starts a watch that tells of everything and asks the remote only when something changes; returns when its
/// first sync is over.
#[track_caller]
fn watch(machine: &Machine) -> Running {
    let words = ["watch", "-v", "--delay=400ms", "--every=0"];
    let watch = machine.start_sync(words);
    says(&watch, "✓");
    watch
}

/// The same where there is nothing to do at first.
#[track_caller]
fn watch_in_sync(machine: &Machine) -> Running {
    let words = ["watch", "-v", "--delay=400ms", "--every=0"];
    let watch = machine.start_sync(words);
    says(&watch, "nothing to do");
    watch
}

#[track_caller]
fn says(watch: &Running, text: &str) {
    wait_until(&format!("it says {text:?}"), || {
        watch.so_far().contains(text)
    });
}

fn times(watch: &Running, text: &str) -> usize {
    watch.so_far().matches(text).count()
}

/// Waits until everything that has happened by now was looked at, and nothing was found in it.
#[track_caller]
fn comes_to_rest(machine: &Machine, watch: &Running) {
    let looked = times(watch, "nothing to sync");
    // Something happens, and git keeps nothing of it. What happened before it is told before it. A sync that goes
    // on takes it as seen: then it is to happen again.
    let folder = machine.path("comes-and-goes");
    let mut happened: Option<Instant> = None;
    wait_until("it has looked", || {
        if happened.is_none_or(|then| then.elapsed() > Duration::from_secs(2)) {
            std::fs::create_dir(&folder).unwrap();
            std::fs::remove_dir(&folder).unwrap();
            happened = Some(Instant::now());
        }
        times(watch, "nothing to sync") > looked
    });
}

#[track_caller]
fn arrives(remote: &Remote, path: &str, content: &str) {
    let name = format!("main:{path}");
    wait_until(&format!("{path} at the remote is {content:?}"), || {
        let known = remote.files().iter().any(|file| file == path);
        known && remote.git(["show", &name]).trim_end() == content
    });
}

#[track_caller]
fn ends(watch: Running) {
    watch.signal(Signal::TERM);
    watch.finish().exits(143);
}

#[test]
fn what_is_saved_is_sent_also_in_new_folders() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let watch = watch_in_sync(&laptop);
    laptop.write("zshrc", "1");
    arrives(&remote, "zshrc", "1");
    laptop.write("new/deep/a", "1");
    arrives(&remote, "new/deep/a", "1");
    comes_to_rest(&laptop, &watch);
    // It is watched as all the others.
    laptop.write("new/deep/b", "1");
    arrives(&remote, "new/deep/b", "1");
    laptop
        .sh("mv new/deep new/other && mkdir new/deep")
        .succeeds();
    arrives(&remote, "new/other/b", "1");
    comes_to_rest(&laptop, &watch);
    laptop.write("new/deep/c", "1");
    arrives(&remote, "new/deep/c", "1");
    comes_to_rest(&laptop, &watch);
    laptop.write("new/other/b", "2");
    arrives(&remote, "new/other/b", "2");
    laptop.remove("new");
    wait_until("the folder is gone there", || {
        !remote.files().iter().any(|path| path.starts_with("new/"))
    });
    laptop.chmod("zshrc", 0o755);
    wait_until("the mode arrives", || {
        remote
            .git(["ls-tree", "main", "zshrc"])
            .starts_with("100755")
    });
    ends(watch);
    server.sync([]).succeeds();
    server.has("zshrc", "1");
    laptop.is_in_sync_with(&remote).shows("✓");
}

#[test]
fn what_it_writes_itself_starts_nothing() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let watch = watch_in_sync(&laptop);
    for round in 1..4 {
        let number = round.to_string();
        server.write("zshrc", &number);
        server.write(format!("from/server/{round}/deep"), &number);
        server.sync([]).succeeds();
        laptop.write("vim/vimrc", &number);
        arrives(&remote, "vim/vimrc", &number);
        comes_to_rest(&laptop, &watch);
        laptop.has("zshrc", &number);
        assert_eq!(laptop.records().len(), 1 + round, "{}", watch.so_far());
    }
    ends(watch);
}

#[test]
fn what_is_ignored_is_not_watched_but_what_is_tracked_in_it_is() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let rules = laptop.read(".gitignore");
    laptop.write(".gitignore", format!("{rules}\nnode_modules/\n*.log\n"));
    for number in 0..300 {
        laptop.write(format!("node_modules/{number}/lib/index.js"), "x");
    }
    laptop.write("node_modules/7/ours/conf", "1");
    laptop.git(["add", "-f", "node_modules/7/ours/conf"]);
    laptop.sync([]).succeeds();
    let watch = watch_in_sync(&laptop);
    // The top, .git, .sync, vim, and the way to the one that is tracked.
    assert!(watch.so_far().contains("(7 folders)"), "{}", watch.so_far());
    laptop.write("node_modules/7/ours/conf", "2");
    arrives(&remote, "node_modules/7/ours/conf", "2");
    ends(watch);
}

/// Does something again and again for as long as it lives.
struct Storm(
    std::sync::Arc<AtomicBool>,
    Option<std::thread::JoinHandle<()>>,
);

impl Storm {
    fn of(path: &Path) -> Self {
        let (path, calm) = (path.to_owned(), std::sync::Arc::new(AtomicBool::new(false)));
        let until = std::sync::Arc::clone(&calm);
        let thread = std::thread::spawn(move || {
            for number in 0_u64.. {
                if until.load(Ordering::Acquire) {
                    break;
                }
                std::fs::write(&path, number.to_string()).unwrap();
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Self(calm, Some(thread))
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
        drop(self.1.take().map(std::thread::JoinHandle::join));
    }
}

#[test]
fn what_an_editor_keeps_beside_an_open_file_is_not_sent() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let watch = watch_in_sync(&laptop);
    let beside = [".zshrc.swp", ".#zshrc", "#zshrc#", "vim/vimrc~"];
    for name in beside {
        laptop.write(name, "half");
    }
    comes_to_rest(&laptop, &watch);
    assert_eq!(laptop.records().len(), 1, "{}", watch.so_far());
    laptop.write("zshrc", "whole");
    arrives(&remote, "zshrc", "whole");
    comes_to_rest(&laptop, &watch);
    for name in beside {
        assert!(!remote.files().contains(&name.to_owned()), "{name}");
    }
    // Who wants one adds it.
    laptop.git(["add", "vim/vimrc~"]);
    arrives(&remote, "vim/vimrc~", "half");
    laptop.write("vim/vimrc~", "another");
    arrives(&remote, "vim/vimrc~", "another");
    ends(watch);
}

#[test]
fn a_storm_in_what_is_ignored_keeps_nothing_waiting() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let rules = laptop.read(".gitignore");
    laptop.write(".gitignore", format!("{rules}\n*.log\n"));
    laptop.sync([]).succeeds();
    let watch = laptop.start_sync(["watch", "-v", "--delay=2s", "--every=0"]);
    says(&watch, "nothing to do");
    let storm = Storm::of(&laptop.path("noise.log"));
    wait_until("the storm has begun", || laptop.exists("noise.log"));
    let begun = Instant::now();
    laptop.write("zshrc", "1");
    arrives(&remote, "zshrc", "1");
    // It would take ten times the delay if the noise counted.
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{}",
        watch.so_far()
    );
    drop(storm);
    ends(watch);
}

#[test]
fn a_storm_becomes_few_syncs_and_one_that_does_not_end_some() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let watch = watch_in_sync(&laptop);
    // However long it takes to write them: it sees them all at once.
    watch.signal(Signal::STOP);
    for number in 0..300 {
        laptop.write(format!("many/{}/{number}", number % 7), "x");
    }
    watch.signal(Signal::CONT);
    arrives(&remote, "many/5/299", "x");
    comes_to_rest(&laptop, &watch);
    assert_eq!(laptop.records().len(), 2, "{}", watch.so_far());

    let storm = Storm::of(&laptop.path("restless"));
    wait_until("it is sent while it goes on", || {
        remote.files().contains(&"restless".to_owned())
    });
    drop(storm);
    let last = laptop.read("restless");
    arrives(&remote, "restless", &last);
    ends(watch);
}

#[test]
fn what_others_send_arrives_by_itself() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.config("sync.watchInterval", "1s");
    laptop.config("sync.watchDelay", "100ms");
    let watch = laptop.start_sync(["watch"]);
    says(&watch, "Watching");
    for content in ["1", "2"] {
        server.write("zshrc", content);
        server.sync([]).succeeds();
        wait_until("it arrives", || laptop.read("zshrc") == content);
    }
    says(&watch, "pull 1 commit from ana@server-linux: zshrc");
    watch.signal(Signal::INT);
    let said = watch.finish().exits(130);
    said.tells("Syncs 100 ms after a change, asks the remote every 1 s");
    for key in ["sync.watchDelay", "sync.watchInterval"] {
        laptop.config(key, "soon");
        laptop
            .sync(["watch"])
            .exits(128)
            .tells(&format!("bad value 'soon' for '{key}'"));
        laptop.git(["config", "--unset", key]);
    }
    for option in ["--delay=0", "--delay=x", "--every=-1"] {
        laptop.sync(["watch", option]).exits(129).tells("bad value");
    }
}

#[test]
fn a_conflict_is_held_and_told_once_and_the_watch_goes_on() {
    let conflict = Conflict::of_content();
    let laptop = &conflict.laptop;
    let watch = watch(laptop);
    says(&watch, "1 path is held: zshrc");
    laptop.has("zshrc", "export EDITOR=hx\n");
    laptop.write("vim/vimrc", "and on it goes\n");
    arrives(&conflict.remote, "vim/vimrc", "and on it goes");
    // Nothing is done about it again and again.
    comes_to_rest(laptop, &watch);
    assert_eq!(laptop.records().len(), 2 + 1, "{}", watch.so_far());
    assert_eq!(times(&watch, "held"), 1, "{}", watch.so_far());
    laptop.has("zshrc", "export EDITOR=hx\n").holds(["zshrc"]);
    laptop.sync(["resolve", "--ours", "zshrc"]).succeeds();
    laptop.write("vim/vimrc", "after the decision\n");
    arrives(&conflict.remote, "vim/vimrc", "after the decision");
    conflict.remote.has("zshrc", "export EDITOR=hx");
    ends(watch);
}

#[test]
fn a_remote_that_is_away_is_told_once_and_again_when_it_is_back() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    let watch = watch_in_sync(&laptop);
    let away = remote.path().with_extension("away");
    std::fs::rename(remote.path(), &away).unwrap();
    for content in ["1", "2"] {
        laptop.write("zshrc", content);
        wait_until("it is committed here", || {
            laptop.committed("zshrc") == content
        });
    }
    wait_until("both runs are over", || laptop.records().len() == 3);
    says(&watch, "! origin cannot be reached");
    std::fs::rename(&away, remote.path()).unwrap();
    laptop.write("zshrc", "3");
    arrives(&remote, "zshrc", "3");
    says(&watch, "✓ origin is reached again");
    assert_eq!(times(&watch, "cannot be reached"), 1, "{}", watch.so_far());
    ends(watch);
    server.sync([]).succeeds();
    server.has("zshrc", "3");
}

#[test]
fn another_sync_is_waited_for() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let watch = watch_in_sync(&laptop);
    laptop.write("../block", "");
    laptop.hook(
        "pre-commit",
        "touch ../began; while test -e ../block; do sleep 0.05; done",
    );
    laptop.write("zshrc", "1");
    let other = laptop.start_sync(["--wait"]);
    wait_until("one of the two has begun", || laptop.exists("../began"));
    laptop.write("vim/vimrc", "2");
    // If it is the other one that has the lock, this is told.
    let has_lock = laptop
        .read(".git/sync/lock")
        .starts_with(&format!("{} ", other.pid()));
    if has_lock {
        says(&watch, "waits: another sync is running");
    }
    laptop.remove("../block");
    other.finish().exits_with_one_of(&[0, 4]);
    arrives(&remote, "zshrc", "1");
    arrives(&remote, "vim/vimrc", "2");
    ends(watch);
}

#[test]
fn a_merge_of_the_users_own_is_waited_for() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    laptop
        .sh(
            "git switch -q -c other && echo other >zshrc && git commit -qam other
             git switch -q main && echo main >zshrc && git commit -qam main && git push -q",
        )
        .succeeds();
    let watch = watch_in_sync(&laptop);
    let runs = laptop.records().len();
    laptop.try_git(["merge", "--quiet", "other"]).exits(1);
    says(&watch, "waits: a merge is in progress");
    laptop.write("vim/vimrc", "while it is merged");
    laptop.write("zshrc", "both");
    // What is merged is sent when it is, and what was saved meanwhile too.
    laptop.git(["commit", "--quiet", "-am", "merged"]);
    says(&watch, "✓ goes on");
    arrives(&remote, "zshrc", "both");
    arrives(&remote, "vim/vimrc", "while it is merged");
    assert_eq!(times(&watch, "waits:"), 1, "{}", watch.so_far());
    let new: Vec<_> = laptop.records().split_off(runs);
    assert!(new.iter().all(|run| run["result"] == "ok"), "{new:?}");
    ends(watch);
}

#[test]
fn a_commit_by_hand_is_sent() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.config("sync.commit", "never");
    let watch = watch_in_sync(&laptop);
    laptop.write("zshrc", "1");
    wait_until("it was looked at", || laptop.records().len() == 2);
    comes_to_rest(&laptop, &watch);
    laptop.git(["commit", "--quiet", "-am", "by hand"]);
    arrives(&remote, "zshrc", "1");
    ends(watch);
}

#[test]
fn a_hook_that_refuses_is_told_once_and_not_asked_again_and_again() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let watch = watch_in_sync(&laptop);
    laptop.hook("pre-commit", "echo never >&2; exit 1");
    laptop.write("zshrc", "1");
    says(&watch, "never");
    comes_to_rest(&laptop, &watch);
    assert_eq!(laptop.records().len(), 2);
    laptop.write("zshrc", "2");
    wait_until("it is tried again", || laptop.records().len() == 3);
    assert_eq!(times(&watch, "never"), 1, "{}", watch.so_far());
    laptop.remove(".git/hooks/pre-commit");
    laptop.write("zshrc", "3");
    arrives(&remote, "zshrc", "3");
    ends(watch);
}

#[test]
fn a_sync_that_breaks_does_not_take_the_watch_along() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let watch = watch_in_sync(&laptop);
    // The grandparent of a hook is the sync.
    laptop.hook("pre-commit", "kill -9 $(ps -o ppid= -p $PPID)");
    laptop.write("zshrc", "1");
    says(&watch, "a sync was broken off (signal 9)");
    laptop.remove(".git/hooks/pre-commit");
    laptop.write("zshrc", "2");
    arrives(&remote, "zshrc", "2");
    ends(watch);
}

#[test]
fn what_a_hook_changes_every_time_does_not_make_it_spin() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("stamp", "0");
    laptop.sync([]).succeeds();
    let watch = laptop.start_sync(["watch", "--delay=1s", "--every=0"]);
    says(&watch, "Watching");
    wait_until("the first sync is over", || laptop.records().len() == 2);
    laptop.hook("pre-push", "date +%s%N >stamp");
    laptop.write("zshrc", "1");
    wait_until("it was synced three times", || laptop.records().len() == 5);
    // A pause of one second, then two, then four.
    let third = Instant::now();
    wait_until("it was synced once more", || laptop.records().len() == 6);
    let pause = third.elapsed();
    assert!(pause > Duration::from_millis(3500), "{pause:?}");
    remote.has("zshrc", "1");
    ends(watch);
}

#[test]
fn marked_files_are_watched_where_they_stand() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .write("../.config/app/rc", "0")
        .write("../.copied", "0");
    laptop.write("../.folder/a", "0").write("../.secret", "0");
    laptop.sync(["mark", "../.config/app/rc"]).succeeds();
    laptop
        .sync(["mark", "--copy", "../.copied", "../.folder"])
        .succeeds();
    laptop.sync(["mark", "--encrypt", "../.secret"]).succeeds();
    laptop.sync([]).succeeds();
    let watch = watch_in_sync(&laptop);

    // In the repository, by way of the link.
    laptop.write("../.config/app/rc", "1");
    arrives(&remote, "external/.config/app/rc", "1");
    // In its place, as editors do.
    laptop.write("../saved", "2");
    laptop.rename("../saved", "../.config/app/rc");
    arrives(&remote, "external/.config/app/rc", "2");
    wait_until("it is a link again", || {
        let found = laptop.path("../.config/app/rc").symlink_metadata();
        found.is_ok_and(|found| found.is_symlink())
    });
    is_linked(&laptop, ".config/app/rc");
    // It goes with the folder above it, and another one comes.
    let runs = laptop.records().len();
    laptop.remove("../.config/app");
    wait_until("that is seen", || laptop.records().len() > runs);
    comes_to_rest(&laptop, &watch);
    laptop.write("../.config/app/rc", "3");
    arrives(&remote, "external/.config/app/rc", "3");

    laptop.write("../.copied", "1");
    arrives(&remote, "external/.copied", "1");
    laptop.write("../.folder/new/b", "1");
    arrives(&remote, "external/.folder/new/b", "1");
    is_real(&laptop, ".folder");
    let sealed = remote.git(["rev-parse", "main:external/.secret"]);
    laptop.write("../.secret", "1");
    wait_until("the encrypted one arrives", || {
        remote.git(["rev-parse", "main:external/.secret"]) != sealed
    });

    // What is made again in a marked folder, and what others do in the home, is no matter.
    comes_to_rest(&laptop, &watch);
    let looked = times(&watch, "nothing to sync");
    for number in 0..50 {
        laptop
            .write(format!("../.folder/node_modules/{number}"), "x")
            .write(format!("../other/{number}"), "x")
            .write("../.history", "x");
    }
    laptop.write("zshrc", "last");
    arrives(&remote, "zshrc", "last");
    assert_eq!(
        times(&watch, "nothing to sync"),
        looked,
        "{}",
        watch.so_far()
    );
    ends(watch);
    server.sync([]).exits_with_one_of(&[0, 1]);
    server.has("../.config/app/rc", "3").has("../.copied", "1");
}

#[test]
fn a_second_watch_is_told_who_has_it() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    let watch = watch_in_sync(&laptop);
    laptop
        .sync(["watch"])
        .exits(4)
        .tells(&format!(
            "this repository is watched already (pid {}, ",
            watch.pid()
        ))
        .tells(&format!("kill {}", watch.pid()));
    // A sync by hand is none.
    laptop.sync([]).succeeds();
    ends(watch_in_sync(&server));
    watch.signal(Signal::KILL);
    watch.finish().exits(137);
    wait_for_quiet(&laptop);
    ends(watch_in_sync(&laptop));
}

#[test]
fn a_signal_ends_it_with_all_that_it_has_started() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (laptop, _, remote) = Sandbox::new().laptop_and_server();
        // A sync that is left to itself goes on for longer than this test waits.
        laptop.config("sync.timeout", "300");
        let watch = watch_in_sync(&laptop);
        watch.signal(signal);
        let said = watch.finish().exits(code);
        assert_eq!(said.stderr().lines().count(), 1, "{}", said.scene());

        let watch = watch_in_sync(&laptop);
        let began = laptop.home().join("began");
        remote.hook(
            "pre-receive",
            &format!("touch {}; exec sleep 200", began.display()),
        );
        laptop.write("zshrc", "1");
        wait_until("it is being sent", || began.exists());
        watch.signal(signal);
        let said = watch.finish().exits(code);
        assert!(said.took() < Duration::from_secs(40), "{}", said.scene());
        wait_for_quiet(&laptop);
        assert!(laptop.half_done().is_empty(), "{}", laptop.scenery());
        remote.hook("pre-receive", "exit 0");
        laptop.sync([]).succeeds();
        remote.has("zshrc", "1");
    }
}

#[test]
fn where_there_is_nothing_to_watch_any_more_it_ends() {
    for (script, tells) in [
        (
            "cd .. && rm -rf configs",
            "is gone, so nothing is watched any more",
        ),
        (
            "cd .. && mv configs elsewhere",
            "is gone, so nothing is watched any more",
        ),
        (
            "cd .. && mv configs elsewhere && cp -a elsewhere configs",
            "is gone, so nothing is watched any more",
        ),
        ("rm -rf .git", "is gone, so nothing is watched any more"),
        ("git checkout -q --detach", "HEAD is detached"),
        (
            "git config --unset sync.enabled",
            "is not set up for git sync",
        ),
        ("git branch --unset-upstream", "has no upstream"),
    ] {
        let (laptop, _, _) = Sandbox::new().laptop_and_server();
        let watch = watch_in_sync(&laptop);
        laptop.sh(script).succeeds();
        let said = watch.finish().exits(128);
        assert!(said.stderr().contains(tells), "{script}\n{}", said.scene());
    }
    let nobody = Sandbox::new().fresh("laptop");
    nobody
        .sync(["watch"])
        .exits(128)
        .tells("no configs repository here");
}

#[test]
fn where_the_system_tells_no_more_it_looks_by_itself() {
    needs("strace");
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("one/two/three/a", "0");
    laptop.sync([]).succeeds();
    for fault in [
        "inotify_add_watch:error=ENOSPC:when=3+",
        "inotify_init1:error=EMFILE",
    ] {
        let mut command = laptop.command("strace");
        command.args(["-D", "-f", "-o", "/dev/null", "-e"]);
        command.arg("trace=inotify_add_watch,inotify_init1");
        command.args(["-e", &format!("inject={fault}")]);
        command.args(["git-sync", "watch", "-v", "--delay=100ms", "--every=0"]);
        let watch = Running::start(&laptop, command);
        says(&watch, "nothing to sync");
        laptop.write("one/two/three/a", fault);
        arrives(&remote, "one/two/three/a", fault);
        watch.signal(Signal::TERM);
        let said = watch.finish().exits(143);
        said.tells("warning: the system does not tell all changes")
            .tells("hint: it looks by itself every 1 s")
            .tells("fs.inotify.max_user_");
    }
    // Also who wants to hear nothing has to know that.
    let mut command = laptop.command("strace");
    command.args(["-D", "-f", "-o", "/dev/null", "-e"]);
    command.args([
        "trace=inotify_init1",
        "-e",
        "inject=inotify_init1:error=EMFILE",
    ]);
    command.args(["git-sync", "watch", "-q", "--delay=100ms", "--every=0"]);
    let runs = laptop.records().len();
    let watch = Running::start(&laptop, command);
    wait_until("the first sync is over", || laptop.records().len() > runs);
    watch.signal(Signal::TERM);
    let said = watch.finish().exits(143).answers_nothing();
    said.tells("warning: the system does not tell all changes");
}

#[test]
fn changes_that_are_lost_are_looked_for() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let watch = watch_in_sync(&laptop);
    watch.signal(Signal::STOP);
    // Four changes each, and then one that nobody tells.
    let path = laptop.path("vim/often");
    for _ in 0..limit / 2 {
        std::fs::write(&path, "").unwrap();
        std::fs::remove_file(&path).unwrap();
    }
    laptop.write("zshrc", "unseen");
    watch.signal(Signal::CONT);
    arrives(&remote, "zshrc", "unseen");
    watch.signal(Signal::TERM);
    watch.finish().exits(143).tells("changes were lost");
}

#[test]
fn programs_get_a_line_for_every_sync_and_who_wants_quiet_gets_nothing() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let watch = laptop.start_sync(["watch", "--json", "--delay=200ms", "--every=0"]);
    wait_until("the first sync is told", || {
        watch.so_far().lines().count() == 1
    });
    laptop.write("zshrc", "1");
    arrives(&remote, "zshrc", "1");
    wait_until("the second sync is told", || {
        watch.so_far().lines().count() == 2
    });
    watch.signal(Signal::TERM);
    let said = watch.finish().exits(143);
    assert_eq!(said.stderr(), "");
    let lines: Vec<serde_json::Value> = said
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["exit"], 0);
    assert_eq!(lines[1]["steps"][0]["files"][0]["path"], "zshrc");

    let watch = laptop.start_sync(["watch", "-q", "--delay=200ms", "--every=0"]);
    wait_until("the first sync is over", || laptop.records().len() == 3);
    laptop.write("zshrc", "2");
    arrives(&remote, "zshrc", "2");
    watch.signal(Signal::TERM);
    watch.finish().exits(143).says_nothing();
}

#[test]
fn nobody_is_asked_anything_and_the_history_calls_it_background() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let askpass = laptop.home().join("askpass");
    laptop.program(&askpass, "touch \"$HOME/asked\"; echo wrong");
    laptop
        .sh("ssh-keygen -q -t ed25519 -N 'a passphrase' -f ../key")
        .succeeds();
    let watch = watch_in_sync(&laptop.with("SSH_ASKPASS", &askpass).with("DISPLAY", ":99"));
    laptop.config("gpg.format", "ssh");
    laptop.config("user.signingKey", laptop.path("../key").to_str().unwrap());
    laptop.config("commit.gpgSign", "true");
    laptop.write("zshrc", "unsigned");
    wait_until("the run is recorded", || laptop.records().len() == 2);
    laptop.lacks("../asked");
    laptop.config("commit.gpgSign", "false");
    laptop.write("zshrc", "1");
    arrives(&remote, "zshrc", "1");
    ends(watch);
    assert!(laptop.records().iter().all(|run| run["background"] == true));
}
