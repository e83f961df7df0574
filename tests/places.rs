//! Where a repository can be, and from where it is found.

use crate::support::{Sandbox, all_agree, settle};

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
