//! Backups: what is in one, when one is made, which are kept, and what happens where none can be made.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::support::{Machine, Sandbox};
use serde_json::Value;

/// The folder that the backups of a machine are in.
pub(crate) fn folder(machine: &Machine) -> PathBuf {
    let all = machine.home().join(".local/state/git-sync/backups");
    let mut folders = fs::read_dir(&all)
        .unwrap_or_else(|error| panic!("{}: {error}\n{}", all.display(), machine.scenery()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir());
    let folder = folders.next().expect("one folder");
    assert!(folders.next().is_none(), "one folder a repository");
    folder
}

/// The names of the archives, oldest first.
pub(crate) fn archives(machine: &Machine) -> Vec<String> {
    let names = fs::read_dir(folder(machine)).unwrap();
    let names: BTreeSet<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| Some(name.strip_suffix(".tar.gz")?.to_owned()))
        .collect();
    names.into_iter().collect()
}

/// What `backup list --json` says.
pub(crate) fn listed(machine: &Machine) -> Vec<Value> {
    let text = machine
        .sync(["backup", "list", "--json"])
        .succeeds()
        .stdout();
    let list: Value = serde_json::from_str(&text).unwrap();
    list["backups"].as_array().unwrap().clone()
}

/// What plain tar finds in a backup.
fn tar_lists(machine: &Machine, id: &str) -> BTreeSet<String> {
    let archive = folder(machine).join(format!("{id}.tar.gz"));
    let script = format!("tar tzf '{}'", archive.display());
    let list = machine.sh(&script).succeeds().stdout();
    list.lines().map(str::to_owned).collect()
}

#[test]
fn a_backup_is_made_by_hand_and_only_where_something_changed() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    let first = laptop.sync(["--backup-only"]).succeeds();
    assert!(
        first.stdout().contains("backed up as 2026-"),
        "{}",
        first.stdout()
    );
    let again = laptop.sync(["backup"]).succeeds();
    assert!(again.stdout().contains("nothing was changed since 2026-"));
    assert_eq!(archives(&laptop).len(), 1);
    laptop.write("zshrc", "new\n");
    laptop.sync(["backup"]).succeeds();
    assert_eq!(archives(&laptop).len(), 2);
    let all = listed(&laptop);
    assert_eq!(all[0]["backup"]["reason"], "hand");
    assert_eq!(all[0]["backup"]["machine"], "ana@laptop-linux");
    assert_eq!(all[0]["backup"]["branch"], "main");
    assert_eq!(all[0]["backup"]["head"], laptop.head());
}

#[test]
fn plain_tar_reads_it_and_finds_the_files_and_not_ours() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop
        .write("secret.local", "mine\n")
        .write("deep/er/file", "deep\n")
        .write("../.rc", "rc\n");
    laptop.link("link", "zshrc");
    laptop.sync(["mark", "--copy", "../.rc"]).succeeds();
    laptop.sync([]).succeeds();
    laptop.sync(["backup"]).succeeds();
    let newest = archives(&laptop).pop().unwrap();
    let list = tar_lists(&laptop, &newest);
    for name in [
        "repo/zshrc",
        "repo/deep/",
        "repo/deep/er/file",
        "repo/link",
        "repo/external/.rc",
        "repo/.sync/marked-files.txt",
        "home/.rc",
        "git-sync-backup/manifest.json",
        "git-sync-backup/entries.jsonl",
    ] {
        assert!(list.contains(name), "{name} in {list:#?}");
    }
    for name in &list {
        let ours = name.contains(".git/") || name.ends_with(".local") || name.contains("backups");
        let state = name.starts_with("repo/.sync/s");
        assert!(!ours && !state, "{name}");
    }
    let archive = folder(&laptop).join(format!("{newest}.tar.gz"));
    let script = format!(
        "mkdir out; tar xzf '{0}' -C out; diff -r out/repo/deep configs/deep; cat out/repo/link; \
         gzip -t '{0}'",
        archive.display()
    );
    let shown = laptop.at_home().sh(&script).succeeds().stdout();
    assert_eq!(shown, laptop.read("zshrc"));
}

#[test]
fn local_files_are_in_it_where_that_is_wanted() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.write("secret.local", "mine\n");
    laptop.config("sync.backupLocal", "true");
    laptop.sync(["backup"]).succeeds();
    let newest = archives(&laptop).pop().unwrap();
    assert!(tar_lists(&laptop, &newest).contains("repo/secret.local"));
}

#[test]
fn nobody_else_may_read_it() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync(["backup"]).succeeds();
    let folder = folder(&laptop);
    let mode = |path: &PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let newest = archives(&laptop).pop().unwrap();
    assert_eq!(mode(&folder.join(format!("{newest}.tar.gz"))), 0o600);
    assert_eq!(fs::read_link(laptop.path(".sync/backups")).unwrap(), folder);
}

#[test]
fn a_sync_backs_up_what_it_is_about_to_change() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    server.write("zshrc", "server\n");
    server.sync([]).succeeds().tells("backup   2026-");
    let before = laptop.read("zshrc");
    let output = laptop.sync([]).succeeds();
    output.tells("backup   2026-");
    laptop.has("zshrc", "server\n");
    let all = listed(&laptop);
    assert_eq!(all[0]["backup"]["reason"], "sync");
    let archive = folder(&laptop).join(format!("{}.tar.gz", all[0]["id"].as_str().unwrap()));
    let kept = laptop.sh(&format!("tar xzOf '{}' repo/zshrc", archive.display()));
    assert_eq!(kept.succeeds().stdout(), before);
}

#[test]
fn a_sync_with_nothing_to_do_makes_none() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync([]).succeeds();
    assert!(!laptop.exists(".sync/backups"));
    laptop.sync(["--dry-run"]).succeeds();
    laptop.write("zshrc", "new\n");
    laptop.sync(["--dry-run"]).succeeds();
    assert!(!laptop.exists(".sync/backups"));
}

#[test]
fn backups_can_be_switched_off() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.config("sync.backup", "false");
    laptop.write("zshrc", "new\n");
    laptop.sync([]).succeeds();
    assert!(!laptop.exists(".sync/backups"));
}

#[test]
fn where_none_can_be_made_nothing_is_changed() {
    let (laptop, server, remote) = Sandbox::new().laptop_and_server();
    server.write("zshrc", "server\n");
    server.sync([]).succeeds();
    laptop.write("tmux.conf", "laptop\n");
    let state = laptop.home().join(".local/state");
    fs::create_dir_all(state.parent().unwrap()).unwrap();
    fs::write(&state, "in the way").unwrap();
    let (head, tip) = (laptop.head(), remote.tip("main"));
    let before = laptop.read("zshrc");
    laptop
        .sync([])
        .exits(6)
        .tells("error: backup failed")
        .tells("nothing was changed");
    assert_eq!((laptop.head(), remote.tip("main")), (head, tip));
    laptop.has("zshrc", &before).has("tmux.conf", "laptop\n");
    for words in [["--force-pull", "--yes"], ["--force-push", "--yes"]] {
        laptop.sync(words).exits(6);
        laptop.has("zshrc", &before).has("tmux.conf", "laptop\n");
    }
    laptop.sync(["--backup-only"]).exits(6);
    fs::remove_file(&state).unwrap();
    laptop.sync([]).succeeds();
    laptop.has("zshrc", "server\n");
}

/// It is made beside other work, so that it cannot be made turns out late.
#[test]
fn where_one_fails_on_the_way_the_branch_stays_too() {
    let (laptop, _, remote) = Sandbox::unprivileged().laptop_and_server();
    laptop.sync(["backup"]).succeeds();
    laptop.chmod(folder(&laptop), 0o500);
    laptop.write("zshrc", "mine\n");
    let before = (laptop.head(), remote.tip("main"));
    laptop
        .sync([])
        .exits(6)
        .tells("error: backup failed")
        .tells("nothing was changed");
    assert_eq!((laptop.head(), remote.tip("main")), before);
    laptop.has("zshrc", "mine\n");
    laptop.chmod(folder(&laptop), 0o700);
    laptop.sync([]).succeeds();
    remote.has("zshrc", "mine\n");
}

#[test]
fn the_newest_are_kept_and_what_is_kept_by_hand() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.config("sync.backupKeep", "3");
    let mut all = Vec::new();
    for number in 0..6 {
        laptop.write("zshrc", format!("{number}\n"));
        laptop.sync(["backup"]).succeeds();
        all.push(archives(&laptop).pop().unwrap());
        if number == 1 {
            laptop.sync(["backup", "--keep", "latest"]).succeeds();
        }
    }
    assert_eq!(archives(&laptop), [&all[1..2], &all[3..]].concat());
    laptop.sync(["backup", "--release", &all[1]]).succeeds();
    laptop.write("zshrc", "last\n");
    laptop.sync(["backup"]).succeeds();
    assert_eq!(archives(&laptop).len(), 3);
    assert!(!archives(&laptop).contains(&all[1]));
}

#[test]
fn the_size_of_all_is_limited() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.config("sync.backupMaxSize", "1");
    for number in 0..3 {
        laptop.write("zshrc", format!("{number}\n"));
        laptop.sync(["backup"]).succeeds();
    }
    assert_eq!(archives(&laptop).len(), 1, "the newest always stays");
}

#[test]
fn a_backup_before_a_force_is_kept() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    server.write("zshrc", "server\n");
    server.sync([]).succeeds();
    laptop.config("sync.backupKeep", "1");
    laptop.write("zshrc", "laptop\n");
    laptop.sync(["--force-pull", "--yes"]).succeeds();
    let forced = archives(&laptop).pop().unwrap();
    laptop.write("zshrc", "again\n");
    laptop.sync(["backup"]).succeeds();
    assert!(archives(&laptop).contains(&forced));
    let all = listed(&laptop);
    assert_eq!(all[1]["kept"], "before force-pull");
}

#[test]
fn a_backup_is_kept_as_long_as_what_it_has_is_held() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    server.write("zshrc", "server\n");
    server.sync([]).succeeds();
    laptop.config("sync.backupKeep", "1");
    laptop.write("zshrc", "laptop\n");
    laptop.sync([]).exits(1);
    let held = archives(&laptop).pop().unwrap();
    laptop.write("tmux.conf", "1\n");
    laptop.sync([]).exits(1);
    assert!(archives(&laptop).contains(&held), "it is held");
    assert_eq!(listed(&laptop).len(), 2);
    laptop.sync(["resolve", "--ours", "zshrc"]).succeeds();
    laptop.write("tmux.conf", "2\n");
    laptop.sync([]).succeeds();
    assert!(!archives(&laptop).contains(&held), "it is decided");
}

#[test]
fn git_clean_and_a_new_clone_leave_them() {
    let sandbox = Sandbox::new();
    let (laptop, _, remote) = sandbox.laptop_and_server();
    laptop.sync(["backup"]).succeeds();
    let all = archives(&laptop);
    laptop.git(["clean", "-fdxq"]);
    assert!(!laptop.exists(".sync/backups"));
    assert_eq!(archives(&laptop), all);
    assert_eq!(listed(&laptop).len(), 1);
    fs::remove_dir_all(laptop.root()).unwrap();
    laptop.clone_from(&remote.url());
    laptop.enrol();
    assert_eq!(listed(&laptop).len(), 1, "found again at the same place");
    laptop.write("zshrc", "new\n");
    laptop.sync([]).succeeds();
    assert_eq!(archives(&laptop).len(), 2);
    assert!(laptop.exists(".sync/backups"));
}

#[test]
fn what_was_not_changed_is_taken_from_the_newest_one() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    let noise = |seed: u64| {
        let mut state = seed;
        let bytes = (0..200_000).map(move |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33).to_be_bytes()[7]
        });
        bytes.collect::<Vec<u8>>()
    };
    for number in 0..20 {
        laptop.write(format!("files/{number:02}"), noise(number));
    }
    laptop.write("large", [noise(77), noise(78)].concat().repeat(5));
    // Too young, their times are not believed.
    std::thread::sleep(std::time::Duration::from_millis(80));
    laptop.sync(["backup"]).succeeds();
    laptop.write("files/07", noise(99));
    let path = laptop.home().join("trace");
    let mut command = laptop.command("strace");
    command
        .args(["-f", "-y", "-e", "trace=openat", "-o"])
        .arg(&path);
    command.args(["git-sync", "backup"]);
    laptop.run(command).succeeds();
    let trace = fs::read_to_string(&path).unwrap();
    let opened = |name: &str| trace.contains(&format!("configs/{name}\""));
    assert!(opened("files/07"), "{trace}");
    for name in ["large", "files/00", "files/19"] {
        assert!(!opened(name), "{name} was not changed");
    }
    laptop.sync(["backup", "--verify"]).succeeds();
}

#[test]
fn the_status_tells_of_the_newest() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync(["status"]).succeeds().does_not_say("backups");
    laptop.sync(["backup"]).succeeds();
    let newest = archives(&laptop).pop().unwrap();
    let told = format!("backups   1 of 10, newest {newest}");
    laptop.sync(["status"]).succeeds().says(&told);
    let json = laptop.sync(["status", "--json"]).succeeds().json();
    assert_eq!(json["backups"]["latest"], newest);
}

#[test]
fn in_a_repository_of_the_whole_home_git_does_not_see_them() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.config("sync.backupDir", laptop.path("kept").to_str().unwrap());
    laptop.write("zshrc", "new\n");
    laptop.sync([]).succeeds();
    assert!(laptop.exists("kept/.gitignore"));
    laptop.is_clean();
    let verified = laptop.sync(["backup", "--verify"]).succeeds();
    verified.tells("the backups are in the repository itself");
    laptop.write("zshrc", "again\n");
    laptop.sync([]).succeeds();
    let all = laptop.git(["ls-files"]);
    assert!(!all.contains("kept"), "{all}");
}

#[test]
fn a_file_that_is_ignored_and_given_up_for_theirs_is_in_it() {
    let (laptop, server, _) = Sandbox::new().laptop_and_server();
    laptop.write("secret.local", "mine\n");
    server.write(".gitignore", "/.sync/*\n");
    server.write("secret.local", "theirs\n");
    server.git(["add", "-f", "secret.local"]);
    server.sync([]).succeeds();
    laptop.sync([]).exits(1);
    laptop.has("secret.local", "mine\n");
    laptop
        .sync(["resolve", "--theirs", "secret.local"])
        .succeeds();
    laptop.has("secret.local", "theirs\n");
    let kept = archives(&laptop).into_iter().any(|id| {
        let archive = folder(&laptop).join(format!("{id}.tar.gz"));
        let kept = laptop.sh(&format!(
            "tar xzOf '{}' repo/secret.local",
            archive.display()
        ));
        kept.code() == 0 && kept.stdout() == "mine\n"
    });
    assert!(kept, "no backup has it");
}

#[test]
fn a_check_is_about_the_newest_even_where_that_cannot_be_read() {
    let (laptop, _, _) = Sandbox::new().laptop_and_server();
    laptop.sync(["backup"]).succeeds();
    laptop.write("zshrc", "new\n");
    laptop.sync(["backup"]).succeeds();
    laptop.sync(["backup", "--verify"]).succeeds();
    let newest = archives(&laptop).pop().unwrap();
    let archive = folder(&laptop).join(format!("{newest}.tar.gz"));
    let bytes = fs::read(&archive).unwrap();
    fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
    laptop
        .sync(["backup", "--verify"])
        .exits(1)
        .tells("damaged")
        .tells(&newest);
}
