//! Every shape of repository works, or is refused undamaged with a reason and a way out.

use crate::support::{Machine, Output, Sandbox, all_agree, am_root, settle};

/// Expects a refusal that changed nothing and says what to type.
#[track_caller]
fn is_refused(machine: &Machine, code: i32) -> Output {
    let before = machine.fingerprint();
    let output = machine
        .sync([])
        .exits(code)
        .tells("hint: ")
        .answers_nothing();
    assert_eq!(before, machine.fingerprint(), "{}", output.scene());
    output
}

#[test]
fn a_repository_that_is_not_enrolled_is_never_touched() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let laptop = sandbox.fresh("laptop");
    laptop.clone_from(&remote.url());
    laptop.write("zshrc", "changed\n");
    is_refused(&laptop, 128).tells("fatal: ").tells("--setup");
    laptop.lacks(".sync").lacks(".git/sync");
}

#[test]
fn outside_of_any_repository_it_says_how_to_start() {
    let laptop = Sandbox::new().fresh("laptop");
    laptop
        .sync([])
        .exits(128)
        .tells("fatal: ")
        .tells("hint: ")
        .tells("--setup");
}

#[test]
fn a_detached_head_is_refused() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.git(["switch", "--quiet", "--detach"]);
    laptop.write("zshrc", "changed\n");
    is_refused(&laptop, 128)
        .tells("fatal: ")
        .tells("git switch");
}

#[test]
fn a_branch_without_upstream_is_refused() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.git(["switch", "--quiet", "-c", "experiment"]);
    laptop.write("zshrc", "changed\n");
    is_refused(&laptop, 128)
        .tells("fatal: ")
        .tells("experiment");
}

/// Two branches that conflict, for operations that stop in the middle.
fn with_conflicting_branches() -> Machine {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.git(["switch", "--quiet", "-c", "side"]);
    laptop.write("zshrc", "side\n");
    laptop.commit("side");
    laptop.git(["switch", "--quiet", "main"]);
    laptop.write("zshrc", "main\n");
    laptop.commit("main");
    laptop
}

#[test]
fn an_operation_in_progress_is_left_alone() {
    for (start, word) in [
        ("git rebase side", "rebase"),
        ("git merge side", "merge"),
        ("git cherry-pick side", "cherry-pick"),
        ("git revert HEAD~1 --no-edit; false", "revert"),
        ("git format-patch -1 side --stdout | git am -3", "am"),
    ] {
        let laptop = with_conflicting_branches();
        if word == "revert" {
            laptop.write("zshrc", "later\n");
            laptop.commit("later");
        }
        let stopped = laptop.sh(start);
        assert!(stopped.code() != 0, "{}", stopped.scene());
        is_refused(&laptop, 1).tells("error: ").tells(word);
    }
}

#[test]
fn a_bisection_is_left_alone() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    for text in ["1\n", "2\n", "3\n", "4\n"] {
        laptop.write("zshrc", text);
        laptop.commit(text);
    }
    laptop
        .sh("git bisect start HEAD HEAD~4 >../bisect 2>&1")
        .succeeds();
    let before = laptop.fingerprint();
    laptop.sync([]).exits(1).tells("bisect");
    assert_eq!(before, laptop.fingerprint());
}

#[test]
fn an_unmerged_index_without_an_operation_is_left_alone() {
    let laptop = with_conflicting_branches();
    laptop.sh("git stash list; git checkout -q side; echo x > zshrc; git stash -q; git checkout -q main; git stash pop || true")
        .succeeds();
    is_refused(&laptop, 1).tells("zshrc");
}

#[test]
fn a_bare_repository_is_refused() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    remote.git(["config", "sync.enabled", "true"]);
    let laptop = sandbox.fresh("laptop");
    let path = remote.path().to_str().unwrap().to_owned();
    laptop.sync(["-C", &path]).exits(128).tells("fatal: ");
}

#[test]
fn sha256_repositories_work_like_any_other() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote_with("origin", &["--object-format=sha256"]);
    remote.seed(&sandbox);
    let laptop = sandbox.machine("laptop", &remote);
    let server = sandbox.machine("server", &remote);
    assert_eq!(laptop.head().len(), 64);
    laptop
        .write("zshrc", "mine\n")
        .write("tmux.conf", "laptop\n");
    server
        .write("zshrc", "theirs\n")
        .write("vim/vimrc", "server\n");
    server.sync([]).succeeds();
    laptop.sync([]).exits(1);
    laptop
        .has("zshrc", "mine\n")
        .has("vim/vimrc", "server\n")
        .holds(["zshrc"]);
    laptop.sync(["resolve", "--ours", "zshrc"]).succeeds();
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
    laptop.is_whole();
}

#[test]
fn a_submodule_is_left_alone_and_its_pointer_travels() {
    let sandbox = Sandbox::new();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    let plugin = sandbox.empty_remote("plugin");
    let author = sandbox.machine("author", &plugin);
    author.write("plugin.vim", "1\n");
    let first = author.commit("1");
    author.git(["push", "--quiet", "-u", "origin", "main"]);
    laptop.git([
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        &plugin.url(),
        "plugin",
    ]);
    settle(&[&laptop, &server]);
    assert_eq!(server.git(["rev-parse", "HEAD:plugin"]), first);

    author.write("plugin.vim", "2\n");
    let second = author.commit("2");
    author.git(["push", "--quiet"]);
    laptop.git(["-C", "plugin", "pull", "--quiet"]);
    laptop.write("plugin/scratch", "untracked inside\n");
    laptop.write("plugin/plugin.vim", "edited inside\n");
    settle(&[&laptop, &server]);

    assert_eq!(server.git(["rev-parse", "HEAD:plugin"]), second);
    assert_eq!(laptop.head(), remote.tip("main"));
    laptop
        .has("plugin/scratch", "untracked inside\n")
        .has("plugin/plugin.vim", "edited inside\n");
    assert_eq!(laptop.git(["-C", "plugin", "rev-parse", "HEAD"]), second);
}

#[test]
fn a_repository_inside_the_repository_is_not_swallowed() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.sh("git init -q inner && cd inner && echo mine > file && git add . && git commit -qm inner").succeeds();
    laptop.write("zshrc", "changed\n");
    laptop.sync([]).exits(1).tells("inner");
    remote.has("zshrc", "changed");
    laptop.has("inner/file", "mine\n");
    assert!(remote.files().iter().all(|name| !name.starts_with("inner")));
}

#[test]
fn a_sparse_checkout_is_refused_and_nothing_is_deleted_elsewhere() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.git(["sparse-checkout", "set", "--no-cone", "/*", "!/vim/"]);
    laptop.lacks("vim/vimrc").write("zshrc", "sparse\n");
    server
        .write("tmux.conf", "server\n")
        .write("vim/vimrc", "server\n");
    server.sync([]).succeeds();

    is_refused(&laptop, 128)
        .tells("fatal: this is a sparse checkout")
        .tells("git sparse-checkout disable");

    laptop.lacks("vim/vimrc").has("zshrc", "sparse\n");
    remote.has("vim/vimrc", "server");
    laptop.git(["sparse-checkout", "disable"]);
    laptop.sync([]).succeeds();
    laptop
        .has("vim/vimrc", "server\n")
        .has("tmux.conf", "server\n")
        .is_in_sync_with(&remote);
    remote.has("zshrc", "sparse");
}

#[test]
fn a_shallow_clone_syncs_where_it_sees_what_both_sides_had() {
    let sandbox = Sandbox::new();
    let (laptop, server, remote) = sandbox.laptop_and_server();
    laptop.write("zshrc", "1\n");
    settle(&[&laptop, &server]);
    let tiny = sandbox.fresh("tiny");
    tiny.sh(&format!(
        "git clone -q --depth 1 '{}' configs",
        remote.url()
    ))
    .succeeds();
    tiny.enrol();
    server.write("tmux.conf", "server\n");
    server.sync([]).succeeds();
    tiny.write("vim/vimrc", "tiny\n");

    tiny.sync([]).succeeds();

    tiny.has("vim/vimrc", "tiny\n").is_whole();
    remote.has("vim/vimrc", "tiny");
    tiny.has("tmux.conf", "server\n").is_in_sync_with(&remote);
    assert_eq!(remote.commits(), 4);
}

#[test]
fn a_shallow_clone_that_is_cut_off_above_it_is_refused() {
    let sandbox = Sandbox::new();
    let (laptop, _, remote) = sandbox.laptop_and_server();
    let tiny = sandbox.fresh("tiny");
    tiny.sh(&format!(
        "git clone -q --depth 1 '{}' configs",
        remote.url()
    ))
    .succeeds();
    tiny.enrol();
    tiny.write("vim/vimrc", "tiny\n");
    tiny.sync(["--offline"]).succeeds();
    for text in ["1\n", "2\n"] {
        laptop.write("zshrc", text);
        laptop.sync([]).succeeds();
    }
    // Fetched without what is between: nothing tells how the two belong together.
    tiny.git(["fetch", "--quiet", "--depth", "1"]);
    let tip = remote.tip("main");

    tiny.sync([])
        .exits(128)
        .tells("fatal: this clone is too shallow")
        .tells("git fetch --unshallow origin");

    tiny.has("vim/vimrc", "tiny\n").lacks(".git/sync/journal");
    assert_eq!(remote.tip("main"), tip);
    tiny.git(["fetch", "--quiet", "--unshallow", "origin"]);
    tiny.sync([]).succeeds();
    tiny.has("zshrc", "2\n").is_in_sync_with(&remote);
}

#[test]
fn a_repository_of_another_owner_is_refused_as_git_refuses_it() {
    let sandbox = Sandbox::unprivileged();
    let (laptop, _, remote) = sandbox.laptop_and_server();
    laptop.write("zshrc", "changed\n");
    let tip = remote.tip("main");
    let stranger = if am_root() {
        for path in [laptop.root().to_owned(), laptop.path(".git")] {
            std::os::unix::fs::chown(path, Some(0), Some(0)).unwrap();
        }
        laptop.clone()
    } else {
        // git's own switch for its tests: every owner is another one, for git at least.
        laptop.with("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    };
    stranger
        .try_git(["status"])
        .exits(128)
        .tells("safe.directory");
    let refusal = if am_root() { &[128][..] } else { &[1, 128] };
    stranger
        .run(stranger.sync_command([]))
        .exits_with_one_of(refusal)
        .tells("safe.directory");
    assert_eq!(remote.tip("main"), tip);
    laptop.has("zshrc", "changed\n");
}

#[test]
fn many_loose_objects_are_packed_as_the_settings_say() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.config("gc.auto", "500");
    laptop.config("gc.autoDetach", "false");
    for number in 0..1500 {
        laptop.write(format!("many/{number}"), format!("{number}\n"));
    }
    laptop.sync([]).succeeds();
    let packs = laptop.sh("ls .git/objects/pack/*.pack").succeeds();
    assert!(packs.stdout().contains(".pack"), "{}", packs.scene());
}

#[test]
fn a_whole_history_in_packs_with_a_commit_graph_works() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    laptop.write("zshrc", "1\n");
    settle(&[&laptop, &server]);
    laptop
        .sh("git repack -adq && git pack-refs --all && git commit-graph write --reachable")
        .succeeds();
    laptop.config("core.untrackedCache", "true");
    laptop.config("feature.manyFiles", "true");
    laptop.config("core.splitIndex", "true");
    laptop.git(["update-index", "--split-index", "--index-version", "4"]);
    laptop.write("zshrc", "2\n");
    server.write("tmux.conf", "2\n");
    settle(&[&laptop, &server]);
    all_agree(&[&laptop, &server], &remote);
    laptop.is_whole();
}

#[test]
fn an_index_that_cannot_be_read_is_named_with_the_way_out() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    let whole = laptop.bytes(".git/index");
    let half = whole.len() / 2;
    let broken = [
        ("empty", Vec::new()),
        ("cut off in its head", whole[..6].to_vec()),
        ("cut off", whole[..half].to_vec()),
        ("zeros from the middle on", {
            let mut bytes = whole.clone();
            bytes[half..].fill(0);
            bytes
        }),
        ("zeros", vec![0; whole.len()]),
        ("garbage", b"no index at all ".repeat(20)),
    ];
    laptop.write("zshrc", "changed\n");
    for (how, bytes) in &broken {
        laptop.write(".git/index", bytes);
        let output = is_refused(&laptop, 128)
            .tells("fatal: ")
            .tells(".git/index");
        assert!(output.stderr().contains("git reset"), "{how}");
        laptop.sync(["--status"]).exits(128).tells(".git/index");
        laptop
            .sync(["--force-pull", "--yes"])
            .exits(128)
            .tells(".git/index");
    }
    laptop
        .sh("mv .git/index .git/index.broken && git reset")
        .succeeds();
    laptop.sync([]).succeeds();
    remote.has("zshrc", "changed");
}

#[test]
fn files_that_were_never_checked_out_are_not_taken_for_deleted() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    server.sh("rm -rf .git/index zshrc tmux.conf").succeeds();
    is_refused(&server, 128)
        .tells(".git/index")
        .tells("git reset");
    let files = remote.files();
    server.git(["reset", "--quiet", "--hard"]);
    settle(&[&server, &laptop]);
    assert_eq!(remote.files(), files);
}
