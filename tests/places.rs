//! Where a repository can be, and from where it is found.

use crate::marks::{is_real, nothing_beside};
use crate::support::{Machine, Remote, Sandbox, all_agree, settle};

#[test]
fn outside_of_any_repository_the_configured_one_is_synced() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let root = laptop.root().to_str().unwrap().to_owned();
    laptop.write("zshrc", "by environment\n");
    laptop
        .at_home()
        .with("GIT_SYNC_DIRECTORY", &root)
        .sync([])
        .succeeds();
    remote.has("zshrc", "by environment");

    laptop.write("zshrc", "by setting\n");
    laptop.git(["config", "--global", "sync.directory", "~/configs"]);
    laptop.at_home().sync([]).succeeds();
    remote.has("zshrc", "by setting");
}

#[test]
fn a_linked_worktree_syncs_its_own_branch_and_files() {
    let sandbox = Sandbox::new();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    laptop.git(["switch", "--quiet", "-c", "elsewhere"]);
    laptop.git(["worktree", "add", "--quiet", "../linked", "main"]);
    let linked = laptop.in_repo("linked");
    laptop.write("zshrc", "not to be touched\n");
    linked.write("tmux.conf", "from the worktree\n");
    server.write("vim/vimrc", "server\n");
    server.sync([]).succeeds();

    linked.sync([]).succeeds();

    remote.has("tmux.conf", "from the worktree");
    linked.has("vim/vimrc", "server\n").is_clean();
    laptop.has("zshrc", "not to be touched\n");
    assert_eq!(laptop.git(["status", "--porcelain"]), " M zshrc");
    assert!(
        laptop.exists(".git/sync/lock"),
        "the lock is the common folder's"
    );
}

#[test]
fn git_dir_and_work_tree_may_be_apart() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.rename(".git", "../store.git");
    laptop.write("zshrc", "apart\n");
    let apart = laptop
        .with("GIT_DIR", laptop.path("../store.git"))
        .with("GIT_WORK_TREE", laptop.root());
    apart.sync([]).succeeds();
    remote.has("zshrc", "apart");

    laptop.write("zshrc", "with options\n");
    let git_dir = format!("--git-dir={}", laptop.path("../store.git").display());
    let work_tree = format!("--work-tree={}", laptop.root().display());
    laptop.try_git([&git_dir, &work_tree, "sync"]).succeeds();
    remote.has("zshrc", "with options");
    laptop.lacks(".git");
}

#[test]
fn a_separate_git_dir_named_by_a_file_works() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop
        .sh("git init -q --separate-git-dir ../store.git")
        .succeeds();
    laptop.write("zshrc", "separate\n");
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
}

/// The laptop's own folder is on the branch `elsewhere`, and a linked work tree on `main`; both have
/// their upstream.
fn two_worktrees() -> (Machine, Machine, Machine, Remote) {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.git(["switch", "--quiet", "-c", "elsewhere"]);
    laptop.git(["push", "--quiet", "-u", "origin", "elsewhere"]);
    laptop.git(["worktree", "add", "--quiet", "../linked", "main"]);
    let linked = laptop.in_repo("linked");
    (laptop, linked, server, remote)
}

#[test]
fn two_worktrees_of_a_repository_sync_and_hold_each_on_its_own() {
    let (laptop, linked, server, remote) = two_worktrees();
    server.write("zshrc", "server\n");
    server.sync([]).succeeds();
    linked.write("zshrc", "linked\n");
    laptop.write("zshrc", "laptop\n");

    linked.sync([]).exits(1);
    laptop.sync([]).succeeds();

    linked.has("zshrc", "linked\n").holds(["zshrc"]);
    laptop.has("zshrc", "laptop\n").holds([]);
    let elsewhere = remote.git(["show", "elsewhere:zshrc"]);
    assert_eq!(elsewhere, "laptop");
    remote.has("zshrc", "server");

    linked.sync(["resolve", "--ours"]).succeeds();
    linked.sync(["resolve", "--undo"]).exits(1);
    linked.sync(["resolve", "--ours"]).succeeds();
    laptop.write("tmux.conf", "laptop\n");
    laptop.sync([]).succeeds();
    server.sync([]).succeeds();
    server.has("zshrc", "linked\n");
    linked.holds([]).is_clean();
    laptop.has("zshrc", "laptop\n").is_clean();
}

#[test]
fn a_removal_takes_every_worktree_off_and_says_so() {
    for from_linked in [true, false] {
        let (laptop, linked, _, _) = two_worktrees();
        linked.sync([]).succeeds();
        laptop.sync([]).succeeds();
        for (place, git) in [
            (&laptop, ".git"),
            (&linked, "../configs/.git/worktrees/linked"),
        ] {
            place.write(format!("{git}/sync/rescued/mine"), "rescued\n");
        }
        let (here, other) = if from_linked {
            (&linked, &laptop)
        } else {
            (&laptop, &linked)
        };

        let output = here.sync(["setup", "--remove", "--yes"]).succeeds();

        let name = other.root().file_name().unwrap().to_str().unwrap();
        output.tells(&format!("work tree    ~/{name} shares"));
        for (place, git) in [
            (&laptop, ".git"),
            (&linked, "../configs/.git/worktrees/linked"),
        ] {
            place.lacks(".sync/state").lacks(".sync/sync-status");
            place.has(format!("{git}/sync/rescued/mine"), "rescued\n");
            place.sync([]).exits(128).tells("--setup");
        }
        laptop
            .lacks(".git/sync/lock")
            .lacks(".git/sync/history.jsonl");
    }
}

#[test]
fn a_removal_puts_real_files_back_for_every_worktree() {
    for from_linked in [true, false] {
        let (laptop, linked, _, _) = two_worktrees();
        laptop.write("../a", "a\n").write("../b/c", "c\n");
        laptop.write("../lost", "lost\n");
        laptop.sync(["mark", "../a", "../lost"]).succeeds();
        linked.sync(["mark", "../b"]).succeeds();
        // The copy comes back from the last commit.
        laptop.remove("external/lost");
        let here = if from_linked { &linked } else { &laptop };
        let plan = here.sync(["setup", "--remove", "-n"]).succeeds();
        for path in ["a", "b/", "lost"] {
            let line = format!("  ~/{path} becomes a file of its own\n");
            assert!(plan.stdout().contains(&line), "{}", plan.scene());
        }
        let json = here.sync(["setup", "--remove", "-n", "--json"]).succeeds();
        assert_eq!(json.json()["links"].as_array().unwrap().len(), 3);

        here.sync(["setup", "--remove", "--yes"]).succeeds();

        for (path, file, text) in [
            ("a", "a", "a\n"),
            ("b", "b/c", "c\n"),
            ("lost", "lost", "lost\n"),
        ] {
            is_real(&laptop, path);
            laptop.has(format!("../{file}"), text);
        }
        nothing_beside(&laptop, ".");
    }
}

#[test]
fn three_machines_with_different_folders_stay_the_same_for_a_week() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let machines = [
        ("work-mac", "dev/configs"),
        ("home-mac", "dev/configs"),
        ("ec2", "configs"),
    ]
    .map(|(name, folder)| {
        let machine = sandbox.fresh(name).in_repo(folder);
        std::fs::create_dir_all(machine.root().parent().unwrap()).unwrap();
        machine.clone_from(&remote.url());
        machine.enrol();
        machine.write("zshrc.local", format!("export MACHINE={name}\n"));
        machine
    });
    for day in 0..7 {
        for (turn, machine) in machines.iter().enumerate() {
            machine.write(format!("app-{turn}/config"), format!("day {day}\n"));
            machine.sync([]).succeeds();
        }
    }
    for machine in &machines {
        machine.sync([]).succeeds();
    }
    all_agree(&machines.each_ref(), &remote);
    for machine in &machines {
        machine
            .has("app-0/config", "day 6\n")
            .has("app-2/config", "day 6\n");
        machine.has(
            "zshrc.local",
            format!("export MACHINE={}\n", machine.name()),
        );
    }
}
