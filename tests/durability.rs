//! A run may end at any instant, a disk may be full, the power may go: nothing is lost, and the next
//! run finishes the job.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::{Machine, Remote, Sandbox, all_agree, needs, settle};

/// Both sides changed, one conflict, one deletion: every step of a sync has work to do.
fn busy() -> (Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    server
        .write("tmux.conf", "server\n")
        .write("vim/vimrc", "server\n")
        .write("new/there", "server\n");
    server.sync([]).succeeds();
    laptop
        .write("zshrc", "laptop\n")
        .write("vim/vimrc", "laptop\n")
        .write("new/here", "laptop\n");
    laptop.git(["add", "zshrc"]);
    (laptop, server, remote)
}

/// Runs a sync that strace kills at its `point`-th mutation; whether it got that far.
fn killed_at(machine: &Machine, point: usize) -> bool {
    let calls =
        "rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,fsync,vfork,clone3";
    let mut command = machine.command("strace");
    command.args(["-q", "-o", "/dev/null", "-e"]);
    command.arg(format!("trace={calls}")).arg("-e");
    command.arg(format!("inject={calls}:signal=KILL:when={point}"));
    command.arg("git-sync");
    machine.run(command).code() == 137
}

/// What must be true after a cut at any point, and after the run that follows it.
#[track_caller]
fn survives(laptop: &Machine, server: &Machine, remote: &Remote) {
    let files = [
        ("zshrc", "laptop\n"),
        ("vim/vimrc", "laptop\n"),
        ("new/here", "laptop\n"),
    ];
    for (path, content) in files {
        laptop.has(path, content);
    }
    let tmux = laptop.read("tmux.conf");
    assert!(
        ["set -g mouse on\n", "server\n"].contains(&&*tmux),
        "half a file: {tmux:?}"
    );

    laptop.sync([]).exits(1).says("1 path is held");

    for (path, content) in files {
        laptop.has(path, content);
    }
    laptop
        .has("tmux.conf", "server\n")
        .has("new/there", "server\n")
        .holds(["vim/vimrc"])
        .is_whole();
    assert_eq!(laptop.head(), remote.tip("main"));
    remote.has("zshrc", "laptop");
    laptop.sync(["resolve", "--ours", "vim/vimrc"]).succeeds();
    settle(&[laptop, server]);
    all_agree(&[laptop, server], remote);
    let pins = laptop.git(["for-each-ref", "refs/git-sync/snapshot/"]);
    assert!(pins.is_empty(), "snapshots stay behind: {pins}");
}

#[test]
fn a_run_killed_at_any_point_is_finished_by_the_next_one() {
    needs("strace");
    let mut point = 1;
    loop {
        let (laptop, server, remote) = busy();
        if !killed_at(&laptop, point) {
            break;
        }
        // Shown when the story fails.
        println!("killed at mutation {point}");
        survives(&laptop, &server, &remote);
        // Dense at the start, where locks and journals are made, then in growing steps.
        point += 1 + point / 8;
    }
    assert!(point > 10, "strace never killed the run");
}

#[test]
fn a_recovery_that_is_killed_as_well_is_finished_by_the_one_after() {
    needs("strace");
    for (first, second) in [(30, 5), (40, 12), (50, 20)] {
        let (laptop, server, remote) = busy();
        killed_at(&laptop, first);
        killed_at(&laptop, second);
        survives(&laptop, &server, &remote);
    }
}

#[test]
fn what_a_finished_run_relies_on_was_flushed_to_the_disk() {
    needs("strace");
    let (laptop, _, _) = busy();
    let path = laptop.home().join("trace");
    let mut command = laptop.command("strace");
    let calls = "trace=fsync,fdatasync,syncfs,sync,rename,renameat,renameat2,link,linkat";
    command
        .args(["-f", "-q", "-y", "-s", "4096", "-e", calls, "-o"])
        .arg(&path)
        .arg("git-sync");
    laptop.run(command).exits(1);

    let trace = fs::read_to_string(&path).unwrap();
    let mut flushed: BTreeSet<String> = BTreeSet::new();
    let mut lost = Vec::new();
    for line in trace.lines().filter(|line| !line.contains(" = -1 ")) {
        if line.contains("syncfs(") || line.contains(" sync(") {
            flushed.clear();
            flushed.insert("everything so far".to_owned());
        } else if line.contains("fsync(") || line.contains("fdatasync(") {
            let file = line
                .split_once('<')
                .and_then(|(_, rest)| rest.split_once('>'));
            flushed.extend(file.and_then(|(file, _)| file_name(file)));
        } else {
            let names: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
            let [from, to] = names[..] else { continue };
            let matters = [".git/objects", "refs/", "index", "packed-refs"]
                .iter()
                .any(|part| to.contains(part))
                || laptop.path(to).starts_with(laptop.root());
            let safe = file_name(from).is_some_and(|name| flushed.contains(&name))
                || flushed.contains("everything so far");
            // A flushed file stays flushed under its next name.
            if let (true, Some(name)) = (safe, file_name(to)) {
                flushed.insert(name);
            }
            // Our sign for the prompt may be lost: it says how things were.
            let sign = to.contains(".sync/") || to.contains("/logs/");
            // What the other side does with what it receives is its own affair.
            let elsewhere =
                from.contains("tmp_objdir-incoming") || to.contains("refs/git-sync/machines/");
            // A lock is not what anybody reads; it is flushed before it gets the name it guards.
            let lock = to.ends_with(".lock");
            if matters && !safe && !sign && !elsewhere && !lock {
                lost.push(format!("{from} -> {to}"));
            }
        }
    }
    assert!(
        lost.is_empty(),
        "renamed into place before it was on the disk: {lost:#?}\n{trace}"
    );
    assert!(
        trace.contains("fsync("),
        "nothing was flushed at all\n{trace}"
    );
}

fn file_name(path: &str) -> Option<String> {
    Some(Path::new(path).file_name()?.to_str()?.to_owned())
}

#[test]
fn a_full_disk_is_said_breaks_nothing_and_is_made_up_for_later() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    server
        .write("tmux.conf", "server\n".repeat(20_000))
        .write("new/there", "server\n");
    server.sync([]).succeeds();
    laptop.write("../small/keep", "");
    let script = format!(
        "mount -t tmpfs -o size=2m,mode=755 tmpfs ../small && cd ../small
        git clone -q --template= {url} configs && cd configs
        git reset -q --hard HEAD~1 && git update-ref refs/remotes/origin/main HEAD
        git config sync.enabled true && printf 'laptop\\n' > zshrc && cp tmux.conf ../../before
        for free in 0 4 8 16 32 64 128; do
            head -c 4m /dev/zero > ../fill 2>/dev/null || true
            truncate -s -$((free * 1024)) ../fill
            code=0; git sync > ../../said 2>&1 || code=$?
            echo \"free $free exit $code\"
            test \"$(cat zshrc)\" = laptop || echo BROKEN zshrc
            cmp -s tmux.conf ../../before || test $(wc -l < tmux.conf) = 20000 || echo BROKEN tmux.conf
            git fsck > ../../fsck 2>&1 || echo BROKEN repository
            test $code = 0 || grep -qi 'no space' ../../said || cat ../../said
            rm ../fill
        done
        git sync; echo \"at last $?\"; cat new/there; git status --porcelain",
        url = remote.url(),
    );
    let output = laptop
        .sh_with_disks(&script)
        .succeeds()
        .does_not_say("BROKEN")
        .says("at last 0\n");
    assert!(
        output.stdout().contains("free 0 exit "),
        "{}",
        output.scene()
    );
    assert!(
        !output.stdout().contains("free 0 exit 0"),
        "a full disk went unnoticed\n{}",
        output.scene()
    );
    assert!(output.stdout().ends_with("server\n"), "{}", output.scene());
    server.sync([]).succeeds();
    server.has("zshrc", "laptop\n");
}

#[test]
fn a_run_that_failed_is_not_taken_for_one_that_died() {
    let (laptop, server, remote) = Sandbox::unprivileged().laptop_and_server();
    server.write("zshrc", "server\n");
    server.sync([]).succeeds();
    laptop.chmod(".git/refs/heads", 0o555);

    laptop.sync([]).exits(1).tells("update-ref");

    laptop.has(
        "zshrc",
        "setopt autocd\nalias ll='ls -l'\nexport EDITOR=vi\n",
    );
    laptop.is_clean().lacks(".git/sync/journal");
    laptop.chmod(".git/refs/heads", 0o755);
    laptop.sync([]).succeeds().does_not_tell("recover");
    laptop.has("zshrc", "server\n").is_in_sync_with(&remote);
}

#[test]
fn a_run_that_fails_cleans_up_after_itself() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    server.write("zshrc", "server\n").write("new/file", "1\n");
    server.sync([]).succeeds();
    let refuse = "grep -q refs/heads/main && [ $1 = prepared ] && exit 1; exit 0";
    laptop.hook("reference-transaction", refuse);
    let before = laptop.fingerprint();
    for _ in 0..2 {
        laptop
            .sync([])
            .exits(1)
            .tells("update-ref")
            .does_not_tell("recover");
        assert_eq!(before, laptop.fingerprint());
        laptop.lacks(".git/sync/journal");
    }
    laptop.remove(".git/hooks/reference-transaction");
    laptop.sync([]).succeeds().does_not_tell("recover");
    all_agree(&[&laptop, &server], &remote);
}
