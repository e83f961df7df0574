//! The user's git and editor are at work while a sync is, at known moments of it: nothing that was saved or committed is
//! lost, the user's git does not fail because of us, and in the end all machines have the same.
//!
//! `GIT_SYNC_FAULTS=all` tries every command at every moment.

use std::process::Command;

use crate::races::meanwhile;
use crate::support::{Machine, Output, Remote, Running, Sandbox, all_agree, settle};

/// Commands of ours that stand for moments of a sync: the files are read, a tree is made of them, it is committed,
/// the remote is asked, both sides are put together, new files are made, all of it is sent.
const MOMENTS: [&str; 7] = [
    "update-index",
    "write-tree",
    "commit-tree",
    "fetch",
    "merge-tree",
    "checkout-index",
    "push",
];

/// The moments that a story is told for: all, or one, another one for each story.
fn moments(story: usize) -> Vec<&'static str> {
    if std::env::var("GIT_SYNC_FAULTS").is_ok_and(|wish| wish == "all") {
        return MOMENTS.to_vec();
    }
    vec![MOMENTS[story % MOMENTS.len()]]
}

/// Two machines: the laptop has a commit by hand that is not sent, an edit, and a new file; the server has sent
/// something else.
struct Scene {
    sandbox: Sandbox,
    laptop: Machine,
    server: Machine,
    remote: Remote,
}

/// What there is on the laptop, and what comes from the server.
const SAVED: [(&str, &str); 4] = [
    ("vim/vimrc", "committed by hand\n"),
    ("zshrc", "edited\n"),
    ("notes", "new\n"),
    ("tmux.conf", "from the server\n"),
];

impl Scene {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let (laptop, server, remote) = sandbox.laptop_and_server();
        laptop.sync([]).succeeds();
        server.write(SAVED[3].0, SAVED[3].1);
        server.sync([]).succeeds();
        laptop.write(SAVED[0].0, SAVED[0].1);
        laptop.commit("by hand");
        laptop
            .write(SAVED[1].0, SAVED[1].1)
            .write(SAVED[2].0, SAVED[2].1);
        Self {
            sandbox,
            laptop,
            server,
            remote,
        }
    }

    /// Syncs the laptop while the user types `script` at a moment.
    fn sync_while(&self, moment: &str, script: &str) -> Output {
        let script = format!(
            "unset GIT_SYNC_RUNNING GIT_OPTIONAL_LOCKS GIT_ALTERNATE_OBJECT_DIRECTORIES; {script}"
        );
        let watched = meanwhile(&self.sandbox, &self.laptop, moment, &script);
        let output = watched.run(watched.sync_command([]));
        assert!(
            self.laptop.exists("../met"),
            "no {moment} was met\n{}",
            output.scene()
        );
        output
    }

    /// All of it is in the end on both machines.
    #[track_caller]
    fn arrives(&self, what: &[(&str, &str)]) {
        settle(&[&self.laptop, &self.server]);
        for (path, content) in what {
            self.laptop.has(path, content);
            self.server.has(path, content);
        }
        all_agree(&[&self.laptop, &self.server], &self.remote);
        self.laptop.is_whole();
    }
}

/// Is a line in a file of the machine, or in a commit that a ref or a reflog keeps?
fn has_somewhere(machine: &Machine, line: &str) -> bool {
    let live = machine.files().iter().any(|path| {
        let bytes = std::fs::read(machine.path(path)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains(line)
    });
    let script = format!("git rev-list --all --reflog | xargs git grep -qF -e '{line}'");
    live || machine.sh(&script).code() == 0
}

/// What the user types, and what of [`SAVED`] is everywhere in the end.
struct Story {
    name: &'static str,
    script: &'static str,
    /// The first so many of the laptop's, and that of the server.
    stays: [bool; 3],
}

const STORIES: [Story; 11] = [
    Story {
        name: "a commit",
        script: "git commit -q --allow-empty -am 'by hand, too'",
        stays: [true; 3],
    },
    Story {
        name: "a commit of everything",
        script: "git add -A && git commit -q --allow-empty -m 'all by hand'",
        stays: [true; 3],
    },
    Story {
        name: "a commit that is amended",
        script: "git commit -q --amend -m amended",
        stays: [true; 3],
    },
    Story {
        name: "a rebase",
        script: "git pull -q --rebase --autostash",
        stays: [true; 3],
    },
    Story {
        name: "a merge",
        script: "git pull -q --no-rebase --no-edit",
        stays: [true; 3],
    },
    Story {
        name: "what is staged is committed and sent",
        script: "git add zshrc && git commit -q --allow-empty -m zshrc && git pull -q --rebase && git push -q",
        stays: [true; 3],
    },
    Story {
        name: "everything is packed, and what nothing keeps is thrown away",
        script: "git -c gc.reflogExpire=now -c gc.reflogExpireUnreachable=now gc -q --prune=now",
        stays: [true; 3],
    },
    Story {
        name: "another work tree",
        script: "git worktree add -q ../other-tree -b other",
        stays: [true; 3],
    },
    Story {
        name: "edits are thrown away",
        script: "git reset -q --hard",
        stays: [true, false, false],
    },
    Story {
        name: "what no commit has is removed",
        script: "git clean -qfdx",
        stays: [true, true, false],
    },
    Story {
        name: "a commit is dropped, and the edits with it",
        script: "git reset -q --hard HEAD~1",
        stays: [false; 3],
    },
];

#[test]
fn commands_of_the_user_are_obeyed_and_nothing_is_lost() {
    for (number, story) in STORIES.iter().enumerate() {
        for moment in moments(number) {
            let scene = Scene::new();
            let script = format!("( {} ) && touch \"$HOME/typed\"", story.script);
            let output = scene.sync_while(moment, &script);
            let when = format!("{} before {moment}\n{}", story.name, output.scene());
            assert!(
                scene.laptop.exists("../typed"),
                "the user's git failed: {when}"
            );
            assert!([0, 1].contains(&output.code()), "{when}");
            scene.laptop.is_whole();
            for ((path, content), stays) in SAVED.iter().zip(story.stays) {
                let safe = has_somewhere(&scene.laptop, content.trim_end());
                assert!(safe || !stays, "{path}: {when}");
            }
            settle(&[&scene.laptop, &scene.server]);
            for ((path, content), stays) in SAVED.iter().zip(story.stays.into_iter().chain([true]))
            {
                if stays {
                    assert_eq!(scene.laptop.read(path), *content, "{path}: {when}");
                    assert_eq!(scene.server.read(path), *content, "{path}: {when}");
                }
            }
            all_agree(&[&scene.laptop, &scene.server], &scene.remote);
            scene.laptop.is_whole();
            assert_eq!(scene.laptop.git(["status", "--porcelain"]), "", "{when}");
        }
    }
}

#[test]
fn what_is_stashed_meanwhile_stays_in_the_stash() {
    for moment in moments(2) {
        let scene = Scene::new();
        let output = scene.sync_while(moment, "git stash -q && touch \"$HOME/typed\"");
        assert!(scene.laptop.exists("../typed"), "{}", output.scene());
        assert!(
            [0, 1].contains(&output.code()),
            "{moment}\n{}",
            output.scene()
        );
        scene.arrives(&[SAVED[0], SAVED[2], SAVED[3]]);
        assert!(has_somewhere(&scene.laptop, "edited"), "{moment}");
        if scene.laptop.read("zshrc") != SAVED[1].1 {
            scene.laptop.git(["stash", "pop", "-q"]);
        }
        scene.arrives(&SAVED);
    }
}

#[test]
fn a_rebase_that_stops_in_a_conflict_is_the_users() {
    for moment in moments(3) {
        let scene = Scene::new();
        scene.server.write("vim/vimrc", "of the server\n");
        scene.server.sync([]).succeeds();
        let script = "git pull -q --rebase --autostash || touch \"$HOME/typed\"";
        let output = scene.sync_while(moment, script);
        if moment == "push" {
            // Nothing is left to be rebased by then.
            continue;
        }
        assert!(
            scene.laptop.exists("../typed"),
            "{moment}\n{}",
            output.scene()
        );
        assert!(
            [1, 128].contains(&output.code()),
            "{moment}\n{}",
            output.scene()
        );
        let stopped = scene.laptop.read("vim/vimrc");
        assert!(stopped.contains("<<<<<<<"), "{stopped}");
        let again = scene.laptop.run(scene.laptop.sync_command([]));
        assert_ne!(again.code(), 0, "{}", again.scene());
        scene.laptop.has("vim/vimrc", &stopped);
        scene.laptop.git(["rebase", "--abort"]);
        scene
            .laptop
            .has("vim/vimrc", SAVED[0].1)
            .has("zshrc", SAVED[1].1);
        scene.laptop.sync([]).exits(1);
        scene
            .laptop
            .has("vim/vimrc", SAVED[0].1)
            .holds(["vim/vimrc"]);
        scene.remote.has("zshrc", SAVED[1].1);
        scene.remote.has("vim/vimrc", "of the server");
    }
}

#[test]
fn a_branch_that_is_deleted_meanwhile_does_not_come_back() {
    for moment in moments(4) {
        let scene = Scene::new();
        let script = "git switch -q -c other && git branch -qD main && touch \"$HOME/typed\"";
        let output = scene.sync_while(moment, script);
        assert!(
            scene.laptop.exists("../typed"),
            "{moment}\n{}",
            output.scene()
        );
        let tips = scene
            .laptop
            .git(["for-each-ref", "--format=%(refname)", "refs/heads"]);
        assert_eq!(tips, "refs/heads/other", "{moment}\n{}", output.scene());
        for (path, content) in &SAVED[..3] {
            assert_eq!(scene.laptop.read(path), *content, "{path} {moment}");
        }
        scene.laptop.is_whole();
        scene.laptop.git(["branch", "-q", "-m", "main"]);
        scene.laptop.git(["branch", "-q", "-u", "origin/main"]);
        scene.arrives(&SAVED);
    }
}

/// Another program has the index locked for a second: git waits for nobody, and we wait for it.
#[test]
fn an_index_that_is_locked_for_a_while_is_waited_for() {
    let scene = Scene::new();
    let script = "touch .git/index.lock; ( sleep 1; rm .git/index.lock ) >/dev/null 2>&1 &";
    scene.sync_while("commit-tree", script).succeeds();
    scene.arrives(&SAVED);
}

#[test]
fn an_index_that_stays_locked_is_told_and_nothing_is_changed() {
    let scene = Scene::new();
    let head = scene.laptop.head();
    let output = scene
        .sync_while("commit-tree", "touch .git/index.lock")
        .exits(1);
    output.tells("index.lock").tells("hint: ");
    assert_eq!(scene.laptop.head(), head);
    for (path, content) in &SAVED[..3] {
        scene.laptop.has(path, content);
    }
    scene.laptop.remove(".git/index.lock");
    scene.arrives(&SAVED);
}

/// Ways in which programs save, as a shell does them.
const WAYS: [(&str, &str); 5] = [
    ("cut off and written", "printf 'saved\\n' > F"),
    (
        "renamed",
        "printf 'saved\\n' > ../saved.tmp; mv ../saved.tmp F",
    ),
    ("written at its end", "printf 'saved\\n' >> F"),
    (
        "written in place",
        "printf 'saved\\n' | dd of=F conv=notrunc status=none",
    ),
    (
        "written in place, with its time",
        "touch -r F ../time; printf 'saved\\n' | dd of=F conv=notrunc status=none; touch -r ../time F",
    ),
];

/// The moments of an edit; while the refs are moved, too, which no index can be changed in.
const EDITED_AT: [&str; 8] = [
    "update-index",
    "write-tree",
    "commit-tree",
    "fetch",
    "merge-tree",
    "checkout-index",
    "update-ref",
    "push",
];

/// Both files: one that was edited here, and one that comes.
#[test]
fn what_an_editor_saves_at_any_moment_is_kept() {
    let at_length = std::env::var("GIT_SYNC_FAULTS").is_ok_and(|wish| wish == "all");
    for (number, (way, script)) in WAYS.iter().enumerate() {
        for (at, moment) in EDITED_AT.into_iter().enumerate() {
            if !at_length && at % WAYS.len() != number {
                continue;
            }
            let scene = Scene::new();
            let both = ["zshrc", "tmux.conf"].map(|file| script.replace('F', file));
            let output = scene.sync_while(moment, &both.join("; "));
            let when = format!("{way} before {moment}\n{}", output.scene());
            assert!([0, 1].contains(&output.code()), "{when}");
            for file in ["zshrc", "tmux.conf"] {
                let live = scene.laptop.read(file);
                assert!(live.contains("saved\n"), "{file}: {live:?} {when}");
            }
            // What came to the same lines is held, and decided for what was saved.
            let again = scene.laptop.sync([]).exits_with_one_of(&[0, 1]);
            for file in ["zshrc", "tmux.conf"] {
                let live = scene.laptop.read(file);
                assert!(
                    live.contains("saved\n"),
                    "{file}: {live:?} {when}\n{}",
                    again.scene()
                );
            }
            if again.code() == 1 {
                scene
                    .laptop
                    .sync(["resolve", "--ours", "tmux.conf"])
                    .succeeds();
            }
            settle(&[&scene.laptop, &scene.server]);
            for file in ["zshrc", "tmux.conf"] {
                let text = scene.server.read(file);
                assert!(text.contains("saved\n"), "{file}: {text:?} {when}");
            }
            assert!(has_somewhere(&scene.laptop, "from the server"), "{when}");
            all_agree(&[&scene.laptop, &scene.server], &scene.remote);
            scene.laptop.is_whole();
        }
    }
}

#[test]
fn a_file_that_becomes_a_folder_meanwhile_is_kept_with_what_is_in_it() {
    for (story, name) in ["zshrc", "tmux.conf"].into_iter().enumerate() {
        for moment in moments(5 * story) {
            let scene = Scene::new();
            let script = format!("rm {name}; mkdir {name}; echo inside > {name}/in");
            let output = scene.sync_while(moment, &script);
            let when = format!("{name} before {moment}\n{}", output.scene());
            assert!([0, 1].contains(&output.code()), "{when}");
            for _ in 0..2 {
                assert_eq!(
                    scene.laptop.read(format!("{name}/in")),
                    "inside\n",
                    "{when}"
                );
                scene.laptop.sync([]).exits_with_one_of(&[0, 1]);
            }
            scene.laptop.is_whole();
            // An edit that was removed before anybody looked is the user's to lose.
            let edited = name == "zshrc" || has_somewhere(&scene.laptop, "edited");
            assert!(
                edited && has_somewhere(&scene.laptop, "from the server"),
                "{when}"
            );
            if scene.laptop.state().held == 0 {
                scene.arrives(&[(&format!("{name}/in"), "inside\n"), SAVED[0], SAVED[2]]);
            }
        }
    }
}

/// A small generator that is the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % count
    }
}

/// What a user types in the midst of it, for a line that is nowhere else.
fn typed(dice: &mut Dice, line: &str) -> String {
    let file = ["zshrc", "vim/vimrc", "a", "b", "c"][dice.below(5)];
    let save = format!("echo '{line}' >> {file}");
    // Each is one step of git's, that can be typed again where a lock of ours is in its way.
    let commands = [
        save.clone(),
        format!("{save}; git add -A; git commit -q --allow-empty -m '{line}'"),
        format!("{save}; cp {file} ../new; mv ../new {file}"),
        format!("{save}; git commit -q --allow-empty -am '{line}'"),
        "git gc -q".to_owned(),
        "git fetch -q".to_owned(),
        "git switch -q -c side && git switch -q main && git branch -qD side".to_owned(),
        format!("{save}; git add {file}"),
    ];
    commands[dice.below(commands.len())].clone()
}

/// A user who types on, beside syncs that are made without a pause. What the user's git says of a lock of ours is the
/// one failure that there may be: it is typed again.
#[test]
fn a_user_who_goes_on_beside_syncs_loses_nothing() {
    let at_length = std::env::var("GIT_SYNC_FAULTS").is_ok_and(|wish| wish == "all");
    let (rounds, seeds) = if at_length { (60, 10) } else { (14, 1) };
    for seed in 1..=seeds {
        let scene = Scene::new();
        let mut dice = Dice(seed);
        let mut lines = Vec::new();
        for round in 0..rounds {
            let line = format!("line {seed}-{round}");
            let script = typed(&mut dice, &line);
            let sync = scene.laptop.start_sync([]);
            let there = (round % 4 == 3).then(|| {
                scene.server.write("of-server", format!("{round}\n"));
                scene.server.start_sync([])
            });
            let typed = typed_beside(&scene.laptop, &script);
            let ended = sync.finish();
            // For a moment there may be a branch that nothing is synced with.
            let code = if script.contains("switch") { 128 } else { 1 };
            assert!(
                [0, 1, code].contains(&ended.code()),
                "seed {seed}, {script}\n{}",
                ended.scene()
            );
            if let Some(there) = there {
                there.finish().exits_with_one_of(&[0, 1]);
            }
            assert_eq!(typed.code(), 0, "seed {seed}: {script}\n{}", typed.scene());
            if script.contains(&line) {
                lines.push(line);
            }
            for line in &lines {
                assert!(
                    has_somewhere(&scene.laptop, line),
                    "seed {seed}: {line} after {script}\n{}",
                    ended.scene()
                );
            }
            assert!(
                scene.laptop.half_done().is_empty(),
                "seed {seed}: {script}\n{}",
                ended.scene()
            );
        }
        scene.laptop.is_whole();
        settle(&[&scene.laptop, &scene.server, &scene.laptop]);
        for line in &lines {
            let live = ["zshrc", "vim/vimrc", "a", "b", "c"].map(|file| {
                let there = scene.server.exists(file);
                if there {
                    scene.server.read(file)
                } else {
                    String::new()
                }
            });
            assert!(
                live.concat().contains(line.as_str()),
                "seed {seed}: {line} did not arrive"
            );
        }
        all_agree(&[&scene.laptop, &scene.server], &scene.remote);
    }
}

/// Types a script while a sync goes on, each command again as long as a lock is in its way.
fn typed_beside(machine: &Machine, script: &str) -> Output {
    let git = machine.sh("command -v git").stdout();
    let patient = format!(
        "git() {{ for n in 1 2 3 4 5 6 7 8 9 10 11 12; do {} \"$@\" 2>../said && return 0; \
         grep -qE \"[.]lock|cannot lock ref\" ../said || break; sleep 0.1; done; cat ../said >&2; return 1; }}\n{script}",
        git.trim()
    );
    let mut command: Command = machine.command("sh");
    command.args(["-c", &patient]);
    Running::start(machine, command).finish()
}
