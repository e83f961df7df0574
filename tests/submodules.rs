//! Submodules: their folders are left alone, and no decision about them is lost.

use crate::support::{Machine, Remote, Sandbox, all_agree, settle};

/// Two machines with a submodule `plugin`, and who writes it.
struct Plugin {
    sandbox: Sandbox,
    laptop: Machine,
    server: Machine,
    remote: Remote,
    source: Remote,
    author: Machine,
}

impl Plugin {
    /// Before anybody has the submodule.
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let (laptop, server, remote) = sandbox.laptop_and_server();
        for machine in [&laptop, &server] {
            machine.git_global("protocol.file.allow", "always");
        }
        let source = sandbox.empty_remote("plugin");
        let author = sandbox.machine("author", &source);
        author.write("plugin.vim", "1\n");
        author.commit("1");
        author.git(["push", "--quiet", "-u", "origin", "main"]);
        Self {
            sandbox,
            laptop,
            server,
            remote,
            source,
            author,
        }
    }

    /// The server has it checked out, the laptop has an empty folder.
    fn added() -> Self {
        let plugin = Self::new();
        plugin.add();
        settle(&[&plugin.server, &plugin.laptop]);
        plugin
    }

    /// Adds it on the server.
    fn add(&self) {
        let url = self.source.url();
        self.server
            .git(["submodule", "--quiet", "add", &url, "plugin"]);
    }

    /// Checks it out on the laptop.
    fn checked_out(&self) {
        self.laptop
            .git(["submodule", "--quiet", "update", "--init"]);
    }

    /// Another commit on another branch of the submodule, fetched on `machine` and checked out there.
    fn moved_on(&self, machine: &Machine, name: &str) -> String {
        self.author.git(["switch", "--quiet", "-c", name, "main"]);
        self.author.write("plugin.vim", format!("{name}\n"));
        let commit = self.author.commit(name);
        self.author.git(["push", "--quiet", "origin", name]);
        machine.git(["-C", "plugin", "fetch", "--quiet", "origin", name]);
        machine.git(["-C", "plugin", "checkout", "--quiet", &commit]);
        commit
    }

    /// Both machines have moved it, each to a commit that does not follow the other's; what it is on.
    fn moved_apart(&self) -> (String, String) {
        self.checked_out();
        let theirs = self.moved_on(&self.server, "theirs");
        let ours = self.moved_on(&self.laptop, "ours");
        self.server.sync([]).succeeds();
        self.laptop.sync([]).exits(1);
        self.laptop.holds(["plugin"]);
        (ours, theirs)
    }

    /// The commit of the submodule that the remote has.
    fn recorded(&self) -> String {
        self.remote.git(["rev-parse", "main:plugin"])
    }

    /// Both machines and the remote are the same, and further syncs change nothing.
    #[track_caller]
    fn settles(&self) {
        let before = {
            settle(&[&self.laptop, &self.server]);
            self.remote.tip("main")
        };
        settle(&[&self.laptop, &self.server]);
        assert_eq!(self.remote.tip("main"), before, "{}", self.laptop.scenery());
        all_agree(&[&self.laptop, &self.server], &self.remote);
    }
}

#[test]
fn a_submodule_that_becomes_a_file_is_one_everywhere() {
    let plugin = Plugin::added();
    plugin.server.git(["rm", "--quiet", "-f", "plugin"]);
    plugin.server.write("plugin", "a file\n");
    plugin.server.sync([]).succeeds();
    plugin.laptop.sync([]).succeeds();
    plugin.laptop.has("plugin", "a file\n");
    plugin.settles();
    plugin.server.has("plugin", "a file\n");
}

#[test]
fn a_submodule_that_becomes_a_folder_of_files_is_one_everywhere() {
    let plugin = Plugin::added();
    plugin.server.git(["rm", "--quiet", "-f", "plugin"]);
    plugin.server.write("plugin/vimrc", "a file\n");
    plugin.server.sync([]).succeeds();
    plugin.laptop.sync([]).succeeds();
    plugin.laptop.has("plugin/vimrc", "a file\n");
    plugin.settles();
}

#[test]
fn a_submodule_that_is_replaced_by_a_file_here_is_replaced_everywhere() {
    let plugin = Plugin::added();
    plugin.laptop.remove("plugin");
    plugin.laptop.write("plugin", "mine\n");
    plugin.laptop.sync([]).succeeds();
    // The server has it checked out: nothing of it is touched.
    plugin.server.sync([]).exits(1);
    plugin
        .server
        .has("plugin/plugin.vim", "1\n")
        .holds(["plugin"]);
    plugin.server.sync(["resolve", "--theirs"]).succeeds();
    plugin.server.has("plugin", "mine\n");
    plugin.settles();
}

#[test]
fn a_checked_out_submodule_that_becomes_a_file_there_is_held() {
    for side in ["--ours", "--theirs"] {
        let plugin = Plugin::added();
        plugin.checked_out();
        let recorded = plugin.recorded();
        plugin.laptop.write("plugin/scratch", "untracked inside\n");
        plugin.server.git(["rm", "--quiet", "-f", "plugin"]);
        plugin.server.write("plugin", "a file\n");
        plugin.server.sync([]).succeeds();
        for _ in 0..2 {
            plugin.laptop.sync([]).exits(1).does_not_tell("of its own");
            plugin.laptop.holds(["plugin"]);
            plugin.laptop.has("plugin/scratch", "untracked inside\n");
            plugin.remote.has("plugin", "a file");
        }
        plugin.laptop.sync(["resolve", side, "plugin"]).succeeds();
        if side == "--ours" {
            plugin.laptop.has("plugin/scratch", "untracked inside\n");
            assert_eq!(plugin.recorded(), recorded);
            plugin.laptop.remove("plugin/scratch");
        } else {
            plugin.laptop.has("plugin", "a file\n");
        }
        plugin.settles();
    }
}

#[test]
fn a_checked_out_submodule_that_becomes_a_folder_there_is_not_written_into() {
    let plugin = Plugin::added();
    plugin.checked_out();
    plugin.server.git(["rm", "--quiet", "-f", "plugin"]);
    plugin
        .server
        .write("plugin/plugin.vim", "a file\n")
        .write("plugin/new.vim", "new\n");
    plugin.server.sync([]).succeeds();
    for _ in 0..2 {
        plugin.laptop.sync([]).exits(1);
        plugin
            .laptop
            .has("plugin/plugin.vim", "1\n")
            .lacks("plugin/new.vim");
        plugin.remote.has("plugin/new.vim", "new");
    }
}

#[test]
fn a_file_that_becomes_a_submodule_is_one_everywhere() {
    let plugin = Plugin::new();
    plugin.laptop.write("plugin", "a file\n");
    settle(&[&plugin.laptop, &plugin.server]);
    plugin.server.git(["rm", "--quiet", "plugin"]);
    plugin.add();
    plugin.server.sync([]).succeeds();
    plugin.laptop.sync([]).succeeds();
    assert!(plugin.laptop.path("plugin").is_dir());
    plugin.settles();
    plugin.checked_out();
    plugin.laptop.has("plugin/plugin.vim", "1\n");
}

#[test]
fn a_folder_that_becomes_a_submodule_is_one_everywhere() {
    let plugin = Plugin::new();
    plugin.laptop.write("plugin/old.vim", "a file\n");
    settle(&[&plugin.laptop, &plugin.server]);
    plugin.server.git(["rm", "--quiet", "-r", "plugin"]);
    plugin.add();
    plugin.server.sync([]).succeeds();
    plugin.laptop.sync([]).succeeds();
    plugin.laptop.lacks("plugin/old.vim");
    assert!(plugin.laptop.path("plugin").is_dir());
    plugin.settles();
}

#[test]
fn a_file_of_this_machine_where_a_submodule_comes_is_held() {
    for name in ["plugin", "plugin.local"] {
        let plugin = Plugin::new();
        plugin.laptop.write(name, "mine\n");
        let url = plugin.source.url();
        plugin
            .server
            .git(["submodule", "--quiet", "add", "-f", &url, name]);
        plugin.server.sync([]).succeeds();
        for _ in 0..2 {
            plugin.laptop.sync([]).exits(1);
            plugin.laptop.has(name, "mine\n").holds([name]);
        }
        let tree = plugin.remote.git(["ls-tree", "main", name]);
        assert!(tree.starts_with("160000"), "{tree}");
        plugin.laptop.sync(["resolve", "--theirs"]).succeeds();
        assert!(plugin.laptop.path(name).is_dir());
        plugin.settles();
    }
}

#[test]
fn a_submodule_that_moved_on_both_machines_is_held_with_both_commits() {
    let plugin = Plugin::added();
    let (ours, theirs) = plugin.moved_apart();
    let shown = plugin.laptop.sync(["diff", "plugin"]);
    let shown = shown.says(&ours).says(&theirs);
    shown.does_not_say("absent");
    plugin.laptop.sync([]).exits(1);
    assert_eq!(plugin.recorded(), theirs);
}

#[test]
fn this_machines_commit_of_a_submodule_can_be_chosen_and_taken_back() {
    let plugin = Plugin::added();
    let (ours, theirs) = plugin.moved_apart();
    plugin.laptop.sync(["resolve", "--ours"]).succeeds();
    assert_eq!(plugin.recorded(), ours);

    plugin.laptop.sync(["resolve", "--undo"]).exits(1);

    assert_eq!(plugin.recorded(), theirs);
    plugin.laptop.holds(["plugin"]);
    plugin.laptop.sync(["resolve", "--ours"]).succeeds();
    plugin.server.sync([]).succeeds();
    assert_eq!(plugin.server.git(["rev-parse", "HEAD:plugin"]), ours);
    plugin.laptop.has("plugin/plugin.vim", "ours\n");
}

#[test]
fn the_others_commit_of_a_submodule_can_be_chosen_and_its_folder_stays() {
    let plugin = Plugin::added();
    let (ours, theirs) = plugin.moved_apart();
    plugin
        .laptop
        .sync(["resolve", "--theirs"])
        .succeeds()
        .does_not_tell("is kept as");
    plugin.laptop.has("plugin/plugin.vim", "ours\n");
    let head = plugin.laptop.git(["-C", "plugin", "rev-parse", "HEAD"]);
    assert_eq!(head, ours);
    plugin.laptop.sync([]).succeeds();
    assert_eq!(plugin.recorded(), theirs);
    plugin.laptop.git(["submodule", "--quiet", "update"]);
    plugin.laptop.is_clean();
}

#[test]
fn a_held_submodule_that_is_brought_to_the_others_commit_is_let_go() {
    let plugin = Plugin::added();
    let (_, theirs) = plugin.moved_apart();
    plugin
        .laptop
        .git(["-C", "plugin", "fetch", "--quiet", "origin", "theirs"]);
    plugin
        .laptop
        .git(["-C", "plugin", "checkout", "--quiet", &theirs]);
    plugin.laptop.sync([]).succeeds();
    plugin.laptop.holds([]);
    plugin.settles();
}

#[test]
fn a_submodule_that_was_removed_here_and_moved_there_can_stay_removed() {
    let plugin = Plugin::added();
    let theirs = plugin.moved_on(&plugin.server, "theirs");
    plugin.server.sync([]).succeeds();
    plugin.laptop.git(["rm", "--quiet", "-f", "plugin"]);
    plugin.laptop.sync([]).exits(1);
    assert_eq!(plugin.recorded(), theirs);
    plugin
        .laptop
        .sync(["resolve", "--ours", "plugin"])
        .succeeds();
    let tree = plugin.remote.git(["ls-tree", "main", "plugin"]);
    assert!(tree.is_empty(), "{tree}");
    drop(plugin.sandbox);
}
