//! Others are at work too: an editor, another run, another machine.

use std::time::Duration;

use crate::support::{
    Machine, Output, Remote, Running, Sandbox, all_agree, needs, settle, wait_until,
};

/// Saves a file while a sync is at work: from a hook that git calls in the middle of it.
fn saved_during(hook: &str) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "before\n");
    laptop.hook(
        hook,
        "if ! test -e ../saved; then touch ../saved; printf 'saved meanwhile\\n' > zshrc; fi",
    );

    laptop.sync([]).succeeds();

    laptop.has("../saved", "").has("zshrc", "saved meanwhile\n");
    settle(&[&laptop, &server]);
    server.has("zshrc", "saved meanwhile\n");
    laptop.has("tmux.conf", "server\n");
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn an_edit_saved_while_the_commit_is_made_is_kept_and_sent() {
    saved_during("pre-commit");
}

#[test]
fn an_edit_saved_while_the_push_is_under_way_is_kept_and_sent() {
    saved_during("pre-push");
}

/// Makes the first git that the product starts with `word` run `script` before it.
pub(crate) fn meanwhile(sandbox: &Sandbox, machine: &Machine, word: &str, script: &str) -> Machine {
    before_git(
        sandbox,
        machine,
        word,
        "mkdir \"$HOME/met\" 2>/dev/null",
        script,
    )
}

/// Makes every git that the product starts with `word` run `script` before it.
fn each_time(sandbox: &Sandbox, machine: &Machine, word: &str, script: &str) -> Machine {
    before_git(sandbox, machine, word, "true", script)
}

fn before_git(
    sandbox: &Sandbox,
    machine: &Machine,
    word: &str,
    when: &str,
    script: &str,
) -> Machine {
    let git = machine.sh("command -v git").stdout();
    sandbox.tool(
        "git",
        &format!(
            "#!/bin/sh\ncase \" $* \" in *' {word} '*) if test -n \"$WATCHED\" && {when}\n\
             then ( unset GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE GIT_OBJECT_DIRECTORY WATCHED; {script} ) >&2; fi;; esac\n\
             exec {} \"$@\"\n",
            git.trim()
        ),
    );
    machine.with("WATCHED", "1")
}

#[test]
fn an_incoming_change_to_a_file_saved_meanwhile_overwrites_nothing() {
    let sandbox = Sandbox::new();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    server.write("zshrc", "server\n");
    server.sync([]).succeeds();
    let zshrc = laptop.path("zshrc");
    let save = format!("printf 'saved meanwhile\\n' > '{}'", zshrc.display());
    let watched = meanwhile(&sandbox, &laptop, "fetch", &save);

    watched.sync([]).exits(1);

    assert!(laptop.exists("../met"), "no fetch was met");
    laptop.has("zshrc", "saved meanwhile\n");
    laptop.sync([]).exits(1);
    laptop.has("zshrc", "saved meanwhile\n").holds(["zshrc"]);
    remote.has("zshrc", "server");
}

#[test]
fn both_versions_are_kept_where_the_file_is_written_on_while_a_round_is_taken_back() {
    let sandbox = Sandbox::new();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    server.write(
        ".sync/config.yaml",
        "version: 1\npolicies:\n  \"app/*\": both\n",
    );
    server.write("app/history", "server\n");
    server.sync([]).succeeds();
    laptop.write("app/history", "laptop\n");
    laptop.commit("by hand");
    // The program writes on in the file that has just been replaced, and the branch moves.
    let script = "cat app/history >> ../seen; echo 'written on' >> app/history
        git update-ref refs/heads/main \
            $(git commit-tree -p main -m meanwhile main^{tree} </dev/null)";
    let watched = meanwhile(&sandbox, &laptop, "update-ref", script);

    watched.sync([]).succeeds();

    laptop.has("../seen", "server\n");
    settle(&[&laptop, &server]);
    let files = server.files().into_iter();
    let texts: String = files
        .filter(|path| path.starts_with("app"))
        .map(|path| server.read(path))
        .collect();
    for line in ["laptop\n", "server\n", "written on\n"] {
        assert!(texts.contains(line), "{line:?} is not in {texts:?}");
    }
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_file_that_appears_meanwhile_where_one_arrives_is_not_overwritten() {
    let sandbox = Sandbox::new();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    server.write("inputrc", "server\n");
    server.sync([]).succeeds();
    let save = format!("printf 'mine\\n' > '{}'", laptop.path("inputrc").display());
    let watched = meanwhile(&sandbox, &laptop, "fetch", &save);

    watched.sync([]).exits(1);

    laptop.has("inputrc", "mine\n");
    laptop.sync([]).exits(1);
    laptop.has("inputrc", "mine\n").holds(["inputrc"]);
    remote.has("inputrc", "server");
}

/// Is a process of the machine about to do renameat2(2)? Linux tells in `proc_pid_syscall(5)`.
fn is_about_to_rename(machine: &Machine) -> bool {
    let number = if cfg!(target_arch = "x86_64") {
        "316 "
    } else {
        "276 "
    };
    let home = format!("HOME={}", machine.home().display());
    let mut processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.any(|process| {
        let read = |name: &str| std::fs::read(process.path().join(name)).unwrap_or_default();
        read("syscall").starts_with(number.as_bytes())
            && read("environ")
                .split(|byte| *byte == 0)
                .any(|entry| entry == home.as_bytes())
    })
}

#[test]
fn a_file_that_is_saved_in_the_instant_in_which_it_is_replaced_is_not() {
    needs("strace");
    for by_rename in [false, true] {
        let (laptop, server, remote) = Sandbox::new().laptop_and_server();
        server.write("zshrc", "server\n");
        server.sync([]).succeeds();
        let live = laptop.path("zshrc");
        let mut command = laptop.command("strace");
        command.args(["-f", "-o", "/dev/null", "-e", "trace=renameat2", "-P"]);
        command.arg(&live);
        // After the last look at the file, and before it gives way.
        command.args(["-e", "inject=renameat2:delay_enter=3000000:when=1"]);
        command.arg("git-sync");
        let running = Running::start(&laptop, command);
        wait_until("it is about to be replaced", || is_about_to_rename(&laptop));
        if by_rename {
            laptop.write("saved.local", "saved in that instant\n");
            laptop.rename("saved.local", "zshrc");
        } else {
            laptop.write("zshrc", "saved in that instant\n");
        }

        running.finish().exits_with_one_of(&[0, 1]);

        laptop.has("zshrc", "saved in that instant\n");
        laptop.sync([]).exits(1);
        laptop
            .has("zshrc", "saved in that instant\n")
            .holds(["zshrc"]);
        remote.has("zshrc", "server");
    }
}

/// Two machines, of which the laptop holds `log`: a program wrote on in it while a change came.
fn with_a_busy_file() -> (Sandbox, Machine, Machine, Remote) {
    let sandbox = Sandbox::new();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    laptop.write("log", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    server.write("log", "1\n2\n3\n4\n5\n6\n7\n8\nnine\n");
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "laptop\n");
    // A program that has the file open and writes on whenever somebody looks.
    let save = "n=$(cat ../n 2>/dev/null || echo 0); n=$((n + 1)); echo $n > ../n; sed -i \"1s/.*/line $n/\" log";
    let watched = each_time(&sandbox, &laptop, "checkout-index", save);
    watched
        .sync([])
        .exits(1)
        .tells("log (being written on while a change from there arrives)");
    (sandbox, laptop, server, remote)
}

#[test]
fn a_file_that_is_always_being_written_keeps_no_other_waiting() {
    let (_sandbox, laptop, server, remote) = with_a_busy_file();
    laptop.has("tmux.conf", "server\n").holds(["log"]);
    remote.has("zshrc", "laptop");
    let live = laptop.read("log");
    assert!(live.contains("line 2") || live.contains("line 3"), "{live}");

    // It is calm now, and the two changes go together: nobody needs to be asked.
    laptop.sync([]).succeeds();
    let both = laptop.read("log");
    assert!(
        both.starts_with("line ") && both.ends_with("nine\n"),
        "{both}"
    );
    server.sync([]).succeeds();
    all_agree(&[&laptop, &server], &remote);
}

#[test]
fn a_file_that_was_being_written_and_goes_together_no_longer_is_held_for_what_it_is() {
    let (_sandbox, laptop, server, _) = with_a_busy_file();
    let mine = "1\n2\n3\n4\n5\n6\n7\n8\nmine\n";
    laptop.write("log", mine);

    let words = "log (changed here and there";
    laptop.sync(["--dry-run"]).exits(1).says(words);
    laptop.sync([]).exits(1).says(words);

    let status = laptop.sync(["--status"]).succeeds();
    status.says(words).does_not_say("being written");
    // From now on it waits for its user, like any other.
    server.sync([]).succeeds();
    laptop.sync([]).exits(1);
    laptop.holds(["log"]).has("log", mine);
}

#[test]
fn a_fetch_of_the_user_at_the_same_time_is_no_failure() {
    let sandbox = Sandbox::new();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    // Between what our fetch saw and what it writes down, the user's own fetch is done.
    let hook = sandbox.root().join("pack-hook");
    let fetch = format!(
        "#!/bin/sh\nif mkdir '{}/met' 2>/dev/null\nthen ( unset GIT_DIR; git -C '{}' fetch -q ) >&2; fi\n\
         exec \"$@\"\n",
        laptop.home().display(),
        laptop.root().display()
    );
    laptop.program(&hook, &fetch);
    laptop.git_global("uploadpack.packObjectsHook", &hook.display().to_string());

    laptop.sync([]).succeeds();

    assert!(laptop.exists("../met"), "no pack was met");
    laptop.has("tmux.conf", "server\n").is_in_sync_with(&remote);
}

/// The user's git is at work on HEAD while ours fetches: nothing arrives on what is there now.
fn left_alone_after(script: &str) -> Machine {
    let sandbox = Sandbox::new();
    let (laptop, server, _) = sandbox.laptop_and_server();
    laptop.write("vim/vimrc", "one\n");
    laptop.commit("by hand");
    laptop.git(["push", "-q"]);
    server.sync([]).succeeds();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    let before = laptop.read("tmux.conf");
    let watched = meanwhile(&sandbox, &laptop, "fetch", script);

    watched.sync([]).exits_with_one_of(&[1, 128]);

    assert!(laptop.exists("../met"), "no fetch was met");
    laptop.has("tmux.conf", &before);
    assert_eq!(laptop.git(["diff", "--cached", "--name-only"]), "");
    laptop
}

#[test]
fn a_branch_that_is_switched_to_meanwhile_gets_nothing_of_the_other() {
    let laptop = left_alone_after("git switch -q -c other");
    assert_eq!(
        laptop.git(["rev-parse", "other"]),
        laptop.git(["rev-parse", "main"])
    );
}

#[test]
fn a_head_that_is_detached_meanwhile_gets_nothing() {
    left_alone_after("git checkout -q --detach");
}

#[test]
fn a_bisection_that_is_begun_meanwhile_is_not_disturbed() {
    let laptop = left_alone_after("git bisect start -q");
    laptop.git(["bisect", "reset"]);
}

#[test]
fn a_push_lost_to_another_machine_is_made_again() {
    let sandbox = Sandbox::new();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    laptop.sync([]).succeeds();
    server.write("tmux.conf", "server\n");
    server.commit("quick");
    let push = format!("git -C '{}' push -q origin main", server.root().display());
    let watched = meanwhile(&sandbox, &laptop, "push", &push);
    laptop.write("zshrc", "laptop\n");

    watched.sync([]).succeeds();

    laptop.has("tmux.conf", "server\n");
    server.sync([]).succeeds();
    all_agree(&[&laptop, &server], &remote);
    assert_eq!(remote.git(["rev-list", "--merges", "--count", "main"]), "0");
}

#[test]
fn a_remote_that_is_always_faster_ends_the_run_in_bounded_time() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    // The server moves the branch on each push, before the push can land.
    remote.hook(
        "pre-receive",
        "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n\
         new=$(git commit-tree -p main -m race main^{tree} </dev/null)\n\
         git update-ref refs/heads/main \"$new\"",
    );
    remote.git(["config", "user.name", "race"]);
    remote.git(["config", "user.email", "race@example"]);
    laptop.write("zshrc", "laptop\n");

    let output = laptop.sync([]);

    assert!(
        output.took() < Duration::from_secs(60),
        "{}",
        output.scene()
    );
    let output = output.exits(1);
    assert_eq!(laptop.committed("zshrc"), "laptop\n", "{}", output.scene());
    laptop.has("zshrc", "laptop\n").is_clean();
    remote.hook("pre-receive", "exit 0");
    laptop.sync([]).succeeds();
    remote.has("zshrc", "laptop");
}

/// A pre-push that says when it is there and goes on when told, or after a minute.
const WAITS: &str = "touch ../pushing; n=0
    while ! test -e ../go && test $n -lt 3000; do sleep 0.02; n=$((n + 1)); done";

#[test]
fn while_one_run_is_at_work_a_second_one_leaves_at_once_with_4() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    laptop.hook("pre-push", WAITS);
    let first = laptop.start_sync([]);
    wait_until("the first run pushes", || laptop.exists("../pushing"));

    let second = laptop
        .run(laptop.sync_command([]))
        .exits(4)
        .tells("error: ");
    assert!(second.took() < Duration::from_secs(5), "{}", second.scene());
    laptop
        .run(laptop.sync_command(["--background"]))
        .succeeds()
        .says_nothing();
    laptop.shows("⚡");
    assert_eq!(laptop.state().word, "syncing");

    let waiting = laptop.start_sync(["--wait=60"]);
    laptop.write("../go", "");
    first.finish().succeeds();
    waiting.finish().succeeds();
    laptop.is_in_sync_with(&remote).shows("✓");
}

#[test]
fn waiting_for_the_lock_ends_when_its_time_is_up() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    laptop.hook("pre-push", WAITS);
    let first = laptop.start_sync([]);
    wait_until("the first run pushes", || laptop.exists("../pushing"));
    let second = laptop.run(laptop.sync_command(["--wait=1"])).exits(4);
    assert!(
        second.took() >= Duration::from_millis(900),
        "{}",
        second.scene()
    );
    laptop.write("../go", "");
    first.finish().succeeds();
}

#[test]
fn of_twenty_runs_at_once_one_does_the_work_and_nothing_stays_locked() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    let runs: Vec<Running> = (0..20).map(|_| laptop.start_sync([])).collect();
    let ended: Vec<Output> = runs
        .into_iter()
        .map(|run| run.finish().exits_with_one_of(&[0, 4]))
        .collect();
    // Who comes after the one that did it, and before the next, finds nothing to do.
    let worked = |output: &&Output| output.stderr().contains("push ");
    assert_eq!(ended.iter().filter(worked).count(), 1, "{ended:?}");
    laptop.is_in_sync_with(&remote);
    assert_eq!(remote.commits(), 2);
    laptop.sync([]).succeeds();
    laptop.is_whole();
}

#[test]
fn while_one_run_works_all_others_leave_at_once() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    laptop.hook("pre-push", WAITS);
    let first = laptop.start_sync([]);
    wait_until("the first run pushes", || laptop.exists("../pushing"));
    let others: Vec<Running> = (0..19).map(|_| laptop.start_sync([])).collect();
    for other in others {
        let output = other.finish().exits(4).answers_nothing();
        output.tells("error: another sync is running (pid ");
    }
    // They have all left, and the first has been waiting all the time.
    laptop.lacks("../go").write("../go", "");
    first.finish().succeeds();
    laptop.is_in_sync_with(&remote);
    assert_eq!(remote.commits(), 2);
    let history = laptop.read(".git/sync/history.jsonl");
    assert_eq!(history.lines().count(), 1, "{history}");
}

#[test]
fn a_killed_run_leaves_no_lock_and_its_syncing_sign_is_not_believed() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "changed\n");
    laptop.hook("pre-push", "touch ../pushing; sleep 60");
    let run = laptop.start_sync([]);
    wait_until("the run pushes", || laptop.exists("../pushing"));
    run.signal_all(rustix::process::Signal::KILL);
    run.finish().exits(137);
    laptop.hook("pre-push", "exit 0");

    laptop.sync(["--status"]).does_not_say("⚡");
    laptop.sync([]).succeeds();
    laptop
        .is_in_sync_with(&remote)
        .shows("✓")
        .has("zshrc", "changed\n");
}

#[test]
fn machines_that_sync_at_the_same_time_all_get_through() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let machines = ["a", "b", "c", "d"].map(|name| sandbox.machine(name, &remote));
    for round in 0..2 {
        for machine in &machines {
            machine.write(format!("{}.conf", machine.name()), format!("{round}\n"));
        }
        let runs = machines.each_ref().map(|machine| machine.start_sync([]));
        for run in runs {
            // A lost race may be handed to the next run, never end in damage.
            run.finish().exits_with_one_of(&[0, 1, 3]);
        }
    }
    settle(&machines.each_ref());
    all_agree(&machines.each_ref(), &remote);
    for machine in &machines {
        machine.has("a.conf", "1\n").has("d.conf", "1\n");
    }
}
