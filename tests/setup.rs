//! `--setup`: from nothing to the first sync, again without a change, and back.

use crate::support::{
    IGNORE, Machine, Remote, Sandbox, all_agree, closed_port, on_a_terminal, settle,
};

/// A remote as another tool left it: no rules of ours in it.
pub(crate) fn plain_remote(sandbox: &Sandbox) -> Remote {
    let remote = sandbox.empty_remote("origin");
    let author = sandbox.fresh("author");
    author.clone_from(&remote.url());
    author.write("zshrc", "first\n");
    author.commit("first");
    author.git(["push", "--quiet", "-u", "origin", "main"]);
    remote
}

pub(crate) fn setup(machine: &Machine, url: &str) {
    machine.at_home().sync(["--setup", "--yes", url]).succeeds();
}

#[test]
fn an_address_is_cloned_to_the_configs_folder_enrolled_and_synced() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.git(["config", "--global", "sync.machineType", "linux"]);

    setup(&laptop, &remote.url());

    laptop
        .has("zshrc", "first\n")
        .is_in_sync_with(&remote)
        .shows("✓");
    assert_eq!(laptop.git(["config", "--local", "sync.enabled"]), "true");
    let ignore = laptop.read(".gitignore");
    for line in IGNORE.lines() {
        assert!(
            ignore.lines().any(|found| found == line),
            "no {line} in {ignore}"
        );
    }
    assert!(
        laptop
            .read(".gitattributes")
            .contains("/.sync/marked-files.txt merge=union")
    );
    assert!(remote.files().contains(&".gitignore".to_owned()));
    laptop
        .write(".sync/config.yaml", "version: 1\n")
        .write("x.local", "");
    assert_eq!(
        laptop.git(["status", "--porcelain", "-uall"]),
        "?? .sync/config.yaml"
    );
}

#[test]
fn each_type_of_machine_has_its_configs_where_it_should() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    for (name, folder) in [
        ("mac", "dev/configs"),
        ("ec2", "configs"),
        ("linux", "configs"),
        ("wsl", "configs"),
        ("container", "configs"),
    ] {
        let machine = sandbox.fresh(name).in_repo(folder);
        machine.git_global("sync.machineType", name);
        machine.git_global_unset("sync.machineId");
        setup(&machine, &remote.url());
        machine.has("zshrc", "first\n");
        let id = machine.read(".sync/machine-id");
        assert!(
            id.starts_with(&format!("{name}@")) && id.trim_end().ends_with(&format!("-{name}")),
            "{id}"
        );
    }
}

/// A system of which a machine of `kind` should be told: its uname, and a file that is in it.
const SYSTEMS: [(&str, &str, &str, &str); 10] = [
    ("mac", "Darwin 24.1.0", "", ""),
    ("linux", "Linux 6.12.0-arch1-1", "", ""),
    (
        "linux",
        "Linux 6.1.0",
        "sys/class/dmi/id/sys_vendor",
        "LENOVO\n",
    ),
    ("ec2", "Linux 6.1.0-amzn", "etc/ec2-metadata", ""),
    (
        "ec2",
        "Linux 6.1.0",
        "sys/class/dmi/id/sys_vendor",
        "Amazon EC2\n",
    ),
    ("ec2", "Linux 4.14.0", "sys/hypervisor/uuid", "EC2e1f2a3\n"),
    ("wsl", "Linux 5.15.153.1-microsoft-standard-WSL2", "", ""),
    (
        "wsl",
        "Linux 6.1.0-own",
        "proc/sys/fs/binfmt_misc/WSLInterop",
        "",
    ),
    ("container", "Linux 6.1.0", ".dockerenv", ""),
    (
        "container",
        "Linux 5.15.1-microsoft",
        "run/.containerenv",
        "",
    ),
];

#[test]
fn the_type_of_a_machine_is_detected() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    for (number, (kind, uname, file, text)) in SYSTEMS.into_iter().enumerate() {
        let folder = if kind == "mac" {
            "dev/configs"
        } else {
            "configs"
        };
        let name = format!("machine{number}");
        let machine = sandbox.fresh(&name).in_repo(folder);
        machine.git_global_unset("sync.machineId");
        let system = machine.home().join("system");
        machine.write(system.join("uname"), format!("{uname}\n"));
        if !file.is_empty() {
            machine.write(system.join(file), text);
        }
        let machine = machine.with("GIT_SYNC_SYSTEM", &system);

        setup(&machine, &remote.url());

        machine.has("zshrc", "first\n");
        let id = machine.read(".sync/machine-id");
        assert!(
            id.trim_end().ends_with(&format!("-{kind}")),
            "{uname} {file}: {id}"
        );
        let status = machine.sync(["status", "--json"]).succeeds().json();
        assert_eq!(status["machine"]["type"], kind, "{uname} {file}");
    }
}

#[test]
fn the_type_of_a_machine_can_be_said() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    let kind = |machine: &Machine| {
        let status = machine.sync(["status", "--json"]).succeeds().json();
        status["machine"]["type"].as_str().map(str::to_owned)
    };
    let system = laptop.home().join("system");
    laptop.write(system.join("uname"), "Darwin 24.1.0\n");
    let laptop = laptop.with("GIT_SYNC_SYSTEM", &system);
    assert_eq!(kind(&laptop).as_deref(), Some("mac"));
    laptop.config("sync.machineType", "ec2");
    assert_eq!(kind(&laptop).as_deref(), Some("ec2"));
}

#[test]
fn a_folder_may_be_named_by_argument_setting_or_environment() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let one = sandbox.fresh("one").in_repo("by/argument");
    one.at_home()
        .sync(["setup", "--yes", &remote.url(), "by/argument"])
        .succeeds();
    one.has("zshrc", "first\n");

    let two = sandbox.fresh("two").in_repo("by/setting");
    two.git_global("sync.directory", "~/by/setting");
    two.at_home()
        .sync(["--setup", "--yes", &remote.url()])
        .succeeds();
    two.has("zshrc", "first\n");

    let three = sandbox.fresh("three").in_repo("by/environment");
    let chosen = three.with("GIT_SYNC_DIRECTORY", three.root());
    chosen
        .at_home()
        .sync(["--setup", "--yes", &remote.url()])
        .succeeds();
    three.has("zshrc", "first\n");
}

#[test]
fn without_an_address_a_repository_is_created_and_its_lack_of_a_remote_said() {
    let sandbox = Sandbox::new();
    let laptop = sandbox.fresh("laptop");
    laptop.git_global("sync.machineType", "linux");
    let output = laptop.at_home().sync(["--setup", "--yes"]).succeeds();
    let text = output.stdout() + &output.stderr();
    assert!(text.contains("git sync --setup URL"), "{}", output.scene());
    laptop.write("zshrc", "mine\n");
    laptop.sync([]).succeeds().says("no remote");
    assert_eq!(laptop.committed("zshrc"), "mine\n");

    // The line that was shown leads on.
    let remote = sandbox.empty_remote("origin");
    laptop.sync(["--setup", "--yes", &remote.url()]).succeeds();
    remote.has("zshrc", "mine");
}

#[test]
fn an_existing_clone_is_enrolled_where_it_is() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop").in_repo("dotfiles");
    laptop.clone_from(&remote.url());
    laptop.write("zshrc", "changed before\n");
    laptop.sync(["--setup", "--yes"]).succeeds();
    laptop.is_in_sync_with(&remote);
    remote.has("zshrc", "changed before");
    laptop.lacks("../configs").lacks("../dev");
}

#[test]
fn a_second_setup_changes_nothing() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.git_global("sync.machineType", "linux");
    setup(&laptop, &remote.url());
    let before = (
        laptop.fingerprint(),
        laptop.read(".sync/machine-id"),
        remote.tip("main"),
    );
    laptop.sync(["--setup", "--yes"]).succeeds();
    setup(&laptop, &remote.url());
    assert_eq!(
        before,
        (
            laptop.fingerprint(),
            laptop.read(".sync/machine-id"),
            remote.tip("main")
        )
    );
}

#[test]
fn rules_that_are_there_are_kept_byte_for_byte() {
    for (own, attributes) in [
        ("*.swp\nno newline at the end", "*.png binary"),
        ("*.swp\r\n# windows\r\n", "* text=auto\r\n"),
        ("# mine\n\n*.local\n\n\n", "# mine\n"),
        ("caf\u{e9}/\n!keep\n", ""),
    ] {
        let sandbox = Sandbox::new();
        let remote = plain_remote(&sandbox);
        let laptop = sandbox.fresh("laptop");
        laptop.clone_from(&remote.url());
        laptop
            .write(".gitignore", own)
            .write(".gitattributes", attributes);
        laptop.sync(["--setup", "--yes"]).succeeds();
        let (ignore, rules) = (laptop.read(".gitignore"), laptop.read(".gitattributes"));
        assert!(ignore.starts_with(own), "{ignore:?}");
        assert!(rules.starts_with(attributes), "{rules:?}");
        let ours = ignore.lines().filter(|line| *line == "*.local").count();
        assert_eq!(ours, 1, "{ignore:?}");
        laptop.is_in_sync_with(&remote);
    }
}

#[test]
fn a_rule_that_hides_our_tracked_files_is_noticed() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.clone_from(&remote.url());
    laptop.write(".gitignore", ".sync/\n");
    let output = laptop.sync(["--setup", "--yes"]);
    let hidden = laptop
        .try_git(["check-ignore", "-q", ".sync/config.yaml"])
        .code()
        == 0;
    assert!(
        !hidden || output.stderr().contains(".gitignore"),
        "{}",
        output.scene()
    );
}

#[test]
fn remove_undoes_it_and_keeps_every_file() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.git_global("sync.machineType", "linux");
    setup(&laptop, &remote.url());
    laptop.write("zshrc", "not yet synced\n");

    laptop.sync(["--setup", "--remove", "--yes"]).succeeds();

    assert_eq!(
        laptop
            .try_git(["config", "--local", "sync.enabled"])
            .stdout(),
        ""
    );
    laptop
        .has("zshrc", "not yet synced\n")
        .lacks(".sync/state")
        .lacks(".sync/sync-status");
    laptop.sync([]).exits(128).tells("--setup");
    laptop.sync(["--setup", "--remove", "--yes"]).succeeds();
    laptop.sync(["--setup", "--yes"]).succeeds();
    laptop.is_in_sync_with(&remote);
    remote.has("zshrc", "not yet synced");
}

#[test]
fn remove_leaves_nothing_of_ours_and_everything_else() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    let server = sandbox.fresh("server");
    for machine in [&laptop, &server] {
        machine.git_global("sync.machineType", "linux");
    }
    server.clone_from(&remote.url());
    server
        .write(".gitignore", "# mine\n*.swp\n\n")
        .write(".gitattributes", "*.png binary\n");
    server.commit("rules of the user");
    server.git(["push", "--quiet"]);
    setup(&laptop, &remote.url());
    server.git(["pull", "--quiet"]);
    server.sync(["--setup", "--yes"]).succeeds();
    // A decision and a force leave refs, and a run its history.
    server.write("zshrc", "server\n");
    server.sync([]).succeeds();
    laptop.write("zshrc", "laptop\n");
    laptop.sync([]).exits(1);
    let declined = laptop.sync(["--setup", "--remove", "--yes"]).exits(1);
    declined.tells("1 path is held: zshrc");
    laptop.sync(["resolve", "--theirs"]).succeeds();
    laptop.write("zshrc", "forced\n");
    laptop.sync(["force-push", "--yes"]).succeeds();
    let (head, tip) = (laptop.head(), remote.tip("main"));
    assert!(!laptop.git(["for-each-ref", "refs/git-sync"]).is_empty());

    laptop.sync(["--setup", "--remove"]).exits(5).tells("--yes");
    assert!(laptop.exists(".git/sync"));
    laptop.sync(["--setup", "--remove", "--yes"]).succeeds();

    laptop
        .lacks(".git/sync")
        .has("zshrc", "forced\n")
        .has(".gitignore", "# mine\n*.swp\n\n")
        .has(".gitattributes", "*.png binary\n");
    for file in ["state", "sync-status", "last-sync", "machine-id"] {
        laptop.lacks(format!(".sync/{file}"));
    }
    assert_eq!(laptop.git(["for-each-ref", "refs/git-sync"]), "");
    for scope in ["--local", "--global"] {
        let left = laptop.try_git(["config", scope, "--get-regexp", "^sync\\."]);
        let ours = |line: &&str| !line.contains("machinetype") && !line.contains("machineid");
        assert_eq!(
            left.stdout().lines().filter(ours).count(),
            0,
            "{}",
            left.scene()
        );
    }
    assert_eq!((laptop.head(), remote.tip("main")), (head, tip));
    let changed = laptop.git(["status", "--porcelain"]);
    let expected = " M .gitattributes\n M .gitignore";
    assert_eq!(changed, expected, "only the rules are to be committed");
}

#[test]
fn another_git_sync_on_the_path_is_named() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.clone_from(&remote.url());
    laptop.write("../extras/readme", "");
    laptop.program(
        &laptop.home().join("extras/git-sync"),
        "# git-extras\nexit 1",
    );
    let path = format!(
        "{}/extras:{}",
        laptop.home().display(),
        laptop.path_variable()
    );
    let clashing = laptop.with("PATH", &path);
    let program = env!("CARGO_BIN_EXE_git-sync");
    let mut command = clashing.command(program);
    command.args(["--setup", "--yes"]);
    clashing.run(command).succeeds().tells("extras/git-sync");

    let mut command = laptop.command(program);
    command.args(["--setup", "--yes"]);
    laptop
        .run(command)
        .succeeds()
        .does_not_tell("extras/git-sync");
}

#[test]
fn an_alias_that_hides_the_command_is_named() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.clone_from(&remote.url());
    laptop.git_global("alias.sync", "pull --rebase");
    laptop
        .sync(["--setup", "--yes"])
        .succeeds()
        .tells("alias.sync");
}

#[test]
fn an_address_that_cannot_be_reached_leaves_nothing_behind() {
    let laptop = Sandbox::new().fresh("laptop");
    laptop.git_global("sync.machineType", "linux");
    let url = format!("git://127.0.0.1:{}/configs.git", closed_port());
    laptop.at_home().sync(["--setup", "--yes", &url]).exits(3);
    laptop.lacks("");
}

/// Where git cannot read something at the right moment, a clone ends well, and has no files.
#[test]
fn a_clone_that_was_not_checked_out_is_not_taken_for_one() {
    let sandbox = Sandbox::new();
    let remote = sandbox.remote();
    let laptop = sandbox.fresh("laptop");
    let git = laptop.world().join("bin/git");
    let script = "/usr/bin/git \"$@\" || exit\nfor last; do :; done\nrm -f \"$last/.git/index\"";
    laptop.program(&git, script);
    let line = ["setup", "--yes", &remote.url()];
    let home = laptop.at_home();
    home.sync(line)
        .exits(1)
        .tells("git did not check out what it had cloned")
        .tells("nothing was changed");
    laptop.lacks("");

    std::fs::remove_file(git).expect("just written");
    home.sync(line).succeeds();

    laptop.is_in_sync_with(&remote);
}

#[test]
fn a_folder_with_other_things_in_it_is_not_cloned_into() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.git_global("sync.machineType", "linux");
    laptop.write("diary", "mine\n").write("zshrc", "mine\n");
    laptop
        .at_home()
        .sync(["--setup", "--yes", &remote.url()])
        .exits(128)
        .tells("configs");
    laptop
        .has("diary", "mine\n")
        .has("zshrc", "mine\n")
        .lacks(".git");
}

#[test]
fn a_clone_of_something_else_is_not_taken_over() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let other = sandbox.empty_remote("other");
    let laptop = sandbox.machine("laptop", &other);
    laptop.git_global("sync.machineType", "linux");
    laptop
        .at_home()
        .sync(["--setup", "--yes", &remote.url()])
        .exits(128)
        .tells("origin");
    assert_eq!(laptop.git(["remote", "get-url", "origin"]), other.url());
}

#[test]
fn on_a_terminal_it_asks_and_no_means_no() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.git_global("sync.machineType", "linux");
    let line = format!("git-sync --setup {}", remote.url());
    on_a_terminal(&laptop, &line, [("[Y/n]", "n\n")])
        .exits(5)
        .says("[Y/n]");
    laptop.lacks("");
    on_a_terminal(&laptop, &line, [("[Y/n]", "y\n"), ("[Y/n]", "y\n")]).succeeds();
    laptop.has("zshrc", "first\n");
}

#[test]
fn the_machine_id_stays_when_the_host_gets_another_name() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.git_global_unset("sync.machineId");
    laptop.clone_from(&remote.url());
    laptop.sync(["--setup", "--yes"]).succeeds();
    let id = laptop.read(".sync/machine-id");
    laptop
        .with("USER", "somebody")
        .with("HOSTNAME", "elsewhere")
        .sync([])
        .succeeds();
    assert_eq!(laptop.read(".sync/machine-id"), id);
}

#[test]
fn two_machines_set_up_at_once_with_their_own_files_converge() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let machines = ["laptop", "server"].map(|name| {
        let machine = sandbox.fresh(name);
        machine.clone_from(&remote.url());
        machine.write(format!("{name}.conf"), "mine\n");
        machine
    });
    for machine in &machines {
        machine.sync(["--setup", "--yes"]).succeeds();
    }
    settle(&machines.each_ref());
    all_agree(&machines.each_ref(), &remote);
}

#[test]
fn a_branch_with_commits_of_its_own_is_not_published_as_the_main_one() {
    let (laptop, _, remote) = Sandbox::new().laptop_and_server();
    let main = remote.tip("main");
    laptop.git(["switch", "-q", "-c", "topic"]);
    laptop.write("zshrc", "topic\n");
    laptop.commit("on topic");

    let output = laptop.sync(["setup", "--yes"]).succeeds();

    output.tells("topic -> origin/topic");
    assert_eq!(remote.tip("main"), main);
    assert_eq!(remote.tip("topic"), laptop.head());

    // One that only has another name belongs to the branch that is there.
    laptop.git(["switch", "-q", "--no-track", "-c", "master", "origin/main"]);
    laptop
        .sync(["setup", "--yes"])
        .succeeds()
        .tells("master -> origin/main");
}

#[test]
fn settings_are_written_where_their_file_is_with_its_mode() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.clone_from(&remote.url());
    laptop.rename(".git/config", "../settings");
    laptop.link(".git/config", "../../settings");
    laptop.chmod("../settings", 0o640);

    laptop.sync(["--setup", "--yes"]).succeeds();

    let link = std::fs::read_link(laptop.path(".git/config")).expect("a link");
    assert_eq!(link, std::path::Path::new("../../settings"));
    assert_eq!(laptop.mode("../settings"), 0o640);
    assert!(laptop.read("../settings").contains("enabled = true"));
}

#[test]
fn settings_that_another_git_has_locked_are_left_alone() {
    let sandbox = Sandbox::new();
    let remote = plain_remote(&sandbox);
    let laptop = sandbox.fresh("laptop");
    laptop.clone_from(&remote.url());
    laptop.write(".git/config.lock", "of another git\n");
    let before = laptop.read(".git/config");

    laptop
        .sync(["--setup", "--yes"])
        .exits(1)
        .tells("configs/.git/config' is locked")
        .tells("rm '");

    laptop
        .has(".git/config", before)
        .has(".git/config.lock", "of another git\n");
}
