//! The state in the prompts of real shells, on a real terminal.

use crate::support::{
    Conflict, Kind, Machine, Running, Sandbox, Shell, on_a_terminal, wait_for_our_processes,
    wait_until,
};

/// Two machines in sync, the first with a shell to come: the time is that on the wall, and only what is under
/// test makes a prompt look anew.
fn in_sync() -> (Sandbox, Machine, Machine) {
    let sandbox = Sandbox::new();
    let (laptop, server, _) = sandbox.laptop_and_server();
    let laptop = laptop
        .without("GIT_SYNC_NOW")
        .with("GIT_SYNC_MAX_AGE", "86400")
        .with("GIT_SYNC_BACKGROUND", "0");
    laptop.sync([]).succeeds();
    (sandbox, laptop, server)
}

#[test]
fn the_icon_is_right_after_each_thing_that_happens() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, server) = in_sync();
        Shell::prepare(&laptop, kind, "", "");
        let mut shell = Shell::open(&laptop, kind);
        assert_eq!(shell.comes_to("synced").icon, "✓");
        // In the repository: an edit.
        shell.types("cd configs");
        shell.types("echo edited >> zshrc");
        assert_eq!(shell.comes_to("ahead").icon, "↑");
        shell.types("git checkout -q zshrc; cd");
        shell.comes_to("synced");
        // From outside of it, without any hook of ours: commits, pushes, fetches.
        shell.types("git -C configs commit -q --allow-empty -m x");
        shell.comes_to("ahead");
        shell.types("git -C configs push -q");
        shell.comes_to("synced");
        server.sync([]).succeeds();
        server.write("vimrc", "from there\n");
        server.sync([]).succeeds();
        shell.types("git -C configs fetch -q");
        assert_eq!(shell.comes_to("behind").icon, "↓");
        shell.types("git -C configs commit -q --allow-empty -m x");
        assert_eq!(shell.comes_to("diverged").icon, "↑↓");
        shell.types("git-sync -C configs -q");
        shell.comes_to("synced");
        shell.exits().succeeds();
    }
}

/// Everything that a shell shows when it starts and is left, without and with the snippet.
fn start_and_exit(laptop: &Machine, kind: Kind) -> String {
    let shell = Shell::open(laptop, kind);
    let output = shell.exits().succeeds();
    output.stdout()
}

#[test]
fn a_shell_starts_and_ends_without_a_word() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, _) = in_sync();
        Shell::bare(&laptop, kind);
        let without = start_and_exit(&laptop, kind);
        Shell::prepare(&laptop, kind, "", "");
        // Also with a sync in the background.
        let with = start_and_exit(&laptop.without("GIT_SYNC_BACKGROUND"), kind);
        let shown: Vec<_> = with.split("<0:synced:✓>").collect();
        let expected: Vec<_> = without.split("<0::>").collect();
        assert_eq!(shown.len(), expected.len(), "{kind:?}\n{without}\n{with}");
        assert_eq!(words(shown[0]), words(expected[0]), "{kind:?}");
        wait_for_our_processes(&laptop);
    }
}

/// The visible words: colours, titles and cursor movements left out.
fn words(shown: &str) -> String {
    let mut text = String::new();
    let mut rest = shown.chars().peekable();
    while let Some(letter) = rest.next() {
        if letter == '\u{1b}' {
            match rest.next() {
                Some('[') => while rest.next().is_some_and(|c| !c.is_ascii_alphabetic()) {},
                Some(']') => while rest.next().is_some_and(|c| c != '\u{7}') {},
                _ => {}
            }
        } else if !letter.is_whitespace() {
            text.push(letter);
        }
    }
    text
}

#[test]
fn what_the_last_command_returned_is_kept() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, _) = in_sync();
        let (before, after) = match kind {
            Kind::Zsh => ("precmd() { seen=$? }", ""),
            Kind::Bash => ("PROMPT_COMMAND='seen=$?;'", ""),
            Kind::Fish => (
                "",
                "function theirs --on-event fish_prompt; set -g seen $status; end",
            ),
        };
        Shell::prepare(&laptop, kind, before, after);
        let mut shell = Shell::open(&laptop, kind);
        assert_eq!(shell.leaves("false").status, "1");
        // Where a process is started for it too.
        shell.types("cd configs");
        let leave = if kind == Kind::Fish {
            "fish -c 'exit 42'"
        } else {
            "(exit 42)"
        };
        assert_eq!(shell.leaves(leave).status, "42");
        let seen = shell.text();
        shell.types("echo seen=$seen");
        assert!(
            shell.text()[seen.len()..].contains("seen=42"),
            "{kind:?}\n{}",
            shell.text()
        );
        shell.exits();
    }
}

#[test]
fn sourced_twice_it_is_there_once() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, _) = in_sync();
        let again = format!("source '{}'", kind.snippet().display());
        Shell::prepare(&laptop, kind, "", &again);
        let mut shell = Shell::open(&laptop, kind);
        let count = match kind {
            Kind::Zsh => {
                "print count=${#${(M)precmd_functions:#_git_sync_precmd}}${#${(M)preexec_functions:#_git_sync_preexec}}"
            }
            Kind::Bash => {
                "p=${PROMPT_COMMAND//_git_sync_prompt/X} q=${PS0//'_git_sync_began:'/X}; p=${p//[!X]} q=${q//[!X]}; echo count=${#p}${#q}"
            }
            Kind::Fish => {
                "echo count=(functions --handlers-type generic | string match -r '__git_sync_look' | count)1"
            }
        };
        shell.types(count);
        assert!(
            shell.text().contains("count=11"),
            "{kind:?}\n{}",
            shell.text()
        );
        shell.exits();
    }
}

#[test]
fn strict_and_strange_settings_change_nothing() {
    let zsh = "setopt nounset ksh_arrays sh_word_split ksh_glob no_bare_glob_qual err_return \
               warn_create_global no_clobber prompt_bang glob_subst no_nomatch\n\
               alias -g G='| grep'; alias read=false kill=false print=false; REPORTTIME=0";
    let bash = "set -u; set -C; set -f; shopt -s failglob; shopt -s nocasematch; IFS=/0123456789\n\
                alias read=false kill=false; GLOBIGNORE='*'";
    let posix = "set -o posix; set -u";
    for (kind, before) in [(Kind::Zsh, zsh), (Kind::Bash, bash), (Kind::Bash, posix)] {
        let (_sandbox, laptop, _) = in_sync();
        Shell::prepare(&laptop, kind, before, "");
        let mut shell = Shell::open(&laptop, kind);
        shell.comes_to("synced");
        shell.types("command git -C configs commit -q --allow-empty -m x");
        assert_eq!(shell.comes_to("ahead").icon, "↑");
        shell.types("command git -C configs push -q");
        shell.comes_to("synced");
        let text = shell.exits().stdout();
        for bad in ["git_sync_", "not set", "unbound", "parameter", "read-only"] {
            let shown = text.lines().find(|line| line.contains(bad));
            assert_eq!(shown, None, "{kind:?} {before}\n{text}");
        }
    }
}

#[test]
fn a_locale_without_utf_8_gets_the_signs_of_git() {
    for kind in Kind::ALL {
        for (key, value, icon) in [
            ("LC_ALL", "C", "="),
            ("LC_ALL", "", "="),
            ("GIT_SYNC_ICONS", "ascii", "="),
            ("LC_ALL", "C.UTF-8", "✓"),
        ] {
            let (_sandbox, laptop, _) = in_sync();
            Shell::prepare(&laptop, kind, "", "");
            let shell = Shell::open(&laptop.with(key, value), kind);
            let text = shell.exits().stdout();
            assert!(
                text.contains(&format!(":synced:{icon}>")),
                "{kind:?} {key}={value}\n{text}"
            );
        }
    }
}

#[test]
fn a_sign_that_zsh_would_take_for_a_number_stays_a_sign() {
    for option in ["setopt prompt_bang", "unsetopt prompt_bang"] {
        let (_sandbox, laptop, _) = in_sync();
        Shell::prepare(&laptop, Kind::Zsh, option, "");
        laptop.write(".sync/state", "error 0 0 0 0 9999999999 1\n");
        let shell = Shell::open(&laptop.with("GIT_SYNC_ICONS", "ascii"), Kind::Zsh);
        let text = shell.exits().stdout();
        let shown = words(text.split('>').nth(1).unwrap());
        assert!(
            shown.starts_with("!exit") || shown == "!",
            "{shown:?}\n{text}"
        );
    }
}

#[test]
fn without_a_single_program_on_the_path_the_icon_is_there() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, _) = in_sync();
        let empty = match kind {
            Kind::Fish => "set -gx PATH",
            _ => "PATH=",
        };
        Shell::prepare(&laptop, kind, empty, "");
        let mut shell = Shell::open(&laptop, kind);
        let prompt = shell.leaves(":");
        assert_eq!((&*prompt.state, &*prompt.icon), ("synced", "✓"), "{kind:?}");
        let text = shell.text();
        assert!(!text.contains("git"), "{kind:?}\n{text}");
        shell.exits();
    }
}

#[test]
fn a_sync_that_is_killed_does_not_go_on_for_ever() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, _) = in_sync();
        let silent = crate::support::SilentServer::start();
        laptop.git(["remote", "set-url", "origin", &silent.url()]);
        Shell::prepare(&laptop, kind, "", "");
        let mut shell = Shell::open(&laptop, kind);
        let sync = laptop.start_sync([]);
        wait_until("it is at the remote", || silent.guests() > 0);
        assert_eq!(shell.comes_to("syncing").icon, "⚡");
        sync.signal(rustix::process::Signal::KILL);
        drop(sync);
        assert_eq!(shell.comes_to("error").icon, "✗");
        // Asked again, it is still so, and the next sync ends it.
        laptop.sync(["status"]).says("The last run was interrupted");
        shell.types("cd configs");
        assert_eq!(shell.types(":").state, "error");
        shell.exits();
    }
}

#[test]
fn a_conflict_shows_until_it_is_decided() {
    for kind in Kind::ALL {
        let conflict = Conflict::of_content();
        let laptop = conflict
            .laptop
            .without("GIT_SYNC_NOW")
            .with("GIT_SYNC_BACKGROUND", "0");
        Shell::prepare(&laptop, kind, "", "");
        let mut shell = Shell::open(&laptop, kind);
        shell.types("git-sync -C configs");
        assert_eq!(shell.comes_to("held").icon, "✗");
        shell.types("git-sync -C configs resolve --ours zshrc");
        shell.comes_to("synced");
        shell.exits();
    }
}

#[test]
fn what_is_in_the_file_is_never_evaluated() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, _) = in_sync();
        Shell::prepare(&laptop, kind, "", "");
        for line in [
            "$(touch hacked) `touch hacked` %{ * ~",
            "syncing 0 0 0 0 0 a[$(touch${IFS}hacked)]",
            "synced 0 0 0 0 a[$(touch${IFS}hacked)] 1",
            "",
        ] {
            laptop.write(".sync/state", format!("{line}\n"));
            laptop.write(".sync/due", format!("a[$(touch${{IFS}}hacked)] {line}\n"));
            let mut shell = Shell::open(&laptop.without("GIT_SYNC_BACKGROUND"), kind);
            shell.types(":");
            shell.exits();
            wait_for_our_processes(&laptop);
            laptop.lacks("hacked").lacks("../hacked");
        }
    }
}

#[test]
fn the_prompt_can_be_asked_to_be_quiet() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, _) = in_sync();
        Shell::prepare(&laptop, kind, "", "");
        let mut shell = Shell::open(&laptop.with("GIT_SYNC_SHOW", "repo"), kind);
        assert_eq!(shell.types(":").icon, "");
        assert_eq!(shell.types("cd configs/vim").icon, "✓");
        assert_eq!(shell.types(":").icon, "✓");
        shell.types("cd");
        assert_eq!(shell.types(":").icon, "");
        shell.exits();
        let mut shell = Shell::open(&laptop.with("GIT_SYNC_SHOW", "attention"), kind);
        assert_eq!(shell.types(":").icon, "");
        shell.types("git -C configs commit -q --allow-empty -m x");
        shell.comes_to("ahead");
        assert_eq!(shell.types(":").icon, "↑");
        shell.exits();
    }
}

#[test]
fn zsh_paints_the_prompt_again_when_a_sync_ends() {
    let (_sandbox, laptop, _) = in_sync();
    Shell::prepare(&laptop, Kind::Zsh, "", "");
    laptop.write("zshrc", "changed\n");
    laptop.sync(["status"]).succeeds();
    let laptop = laptop.without("GIT_SYNC_BACKGROUND");
    laptop.remove(".sync/due");
    laptop.config("sync.interval", "0");
    let shell = Shell::open(&laptop, Kind::Zsh);
    shell.comes_by_itself_to("synced");
    shell.exits();
}

#[test]
fn the_flash_has_two_cells_in_zsh() {
    let (_sandbox, laptop, _) = in_sync();
    Shell::prepare(&laptop, Kind::Zsh, "", "");
    let pid = std::process::id();
    laptop.write(".sync/state", format!("syncing 0 0 0 0 1 {pid}\n"));
    let mut shell = Shell::open(&laptop, Kind::Zsh);
    shell.types("print -r -- width=${(m)#${(%)GIT_SYNC_PROMPT}} $GIT_SYNC_PROMPT");
    assert!(
        shell.text().contains("%F{blue}%2{⚡%}%f"),
        "{}",
        shell.text()
    );
    shell.exits();
}

/// How many processes a shell itself starts while `typed` is typed into it from its home.
fn forks(laptop: &Machine, kind: Kind, typed: &[&str]) -> usize {
    crate::support::needs("strace");
    let trace = laptop.home().join("trace");
    let line = format!(
        "strace -q -e trace=process -o {} {}",
        trace.display(),
        kind.words()
    );
    let mut shell = Shell::open_as(laptop, &line);
    for line in typed {
        shell.types(line);
    }
    shell.exits();
    let trace = std::fs::read_to_string(trace).unwrap();
    let starts = ["clone(", "clone3(", "fork(", "vfork("];
    trace
        .lines()
        .filter(|line| starts.iter().any(|call| line.contains(call)))
        .filter(|line| !line.contains("CLONE_THREAD") && !line.contains("ERESTART"))
        .count()
}

#[test]
fn a_prompt_starts_no_process() {
    let typed = [":", "cd /", ":", "cd", ":", ":", ":", ":", ":", ":"];
    for kind in Kind::ALL {
        let (_sandbox, laptop, _) = in_sync();
        Shell::bare(&laptop, kind);
        // A first start may make folders of its own.
        forks(&laptop, kind, &[]);
        let without = forks(&laptop, kind, &typed);
        Shell::prepare(&laptop, kind, "", "");
        let with = forks(&laptop, kind, &typed);
        assert_eq!(with, without, "{kind:?}");
        // Nor does a prompt in the repository, where nothing was typed.
        let (_sandbox, laptop, _) = in_sync();
        Shell::bare(&laptop, kind);
        forks(&laptop, kind, &[]);
        let silent = laptop.with("GIT_SYNC_DIRECTORY", laptop.root());
        Shell::prepare(&silent, kind, "cd configs", "");
        assert_eq!(
            forks(&silent, kind, &[]),
            forks_without(&laptop, kind),
            "{kind:?}"
        );
    }
}

fn forks_without(laptop: &Machine, kind: Kind) -> usize {
    Shell::bare(laptop, kind);
    forks(laptop, kind, &[])
}

#[test]
fn a_shell_starts_one_process_where_a_sync_is_due_and_none_else() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, _) = in_sync();
        let laptop = laptop.without("GIT_SYNC_BACKGROUND");
        Shell::bare(&laptop, kind);
        forks(&laptop, kind, &[]);
        let without = forks(&laptop, kind, &[]);
        Shell::prepare(&laptop, kind, "", "");
        // It was synced just now.
        assert_eq!(forks(&laptop, kind, &[]), without, "{kind:?}");
        laptop.remove(".sync/due");
        assert_eq!(forks(&laptop, kind, &[]), without + 1, "{kind:?}");
        wait_for_our_processes(&laptop);
    }
}

#[test]
fn what_is_printed_finds_a_repository_in_any_place() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, _) = in_sync();
        let strange = laptop.in_repo("it's a \"$HOME\" \\ %~");
        std::fs::rename(laptop.root(), strange.root()).unwrap();
        let directory = strange.root().to_str().unwrap();
        strange
            .at_home()
            .git(["config", "--global", "sync.directory", directory]);
        let line = match kind {
            Kind::Fish => "git-sync prompt fish | source".to_owned(),
            _ => format!("eval \"$(git-sync prompt {})\"", kind.name()),
        };
        Shell::start_up_with_prompt(&strange, kind, &line);
        let mut shell = Shell::open(&strange, kind);
        shell.comes_to("synced");
        shell.types("git -C it* commit -q --allow-empty -m x");
        shell.comes_to("ahead");
        // From anywhere, without a change of folder.
        shell.types("cd /");
        shell.types("sync-configs -q");
        shell.comes_to("synced");
        let seen = shell.text().len();
        shell.types("sync-status");
        assert!(
            shell.text()[seen..].contains("In sync with origin/main"),
            "{}",
            shell.text()
        );
        assert!(!shell.text().contains("git_sync_"), "{}", shell.text());
        shell.exits();
    }
}

#[test]
fn in_a_linked_work_tree_its_own_state_is_shown() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, _) = in_sync();
        laptop.git(["worktree", "add", "-q", "-b", "side", "../side"]);
        laptop.git(["push", "-q", "-u", "origin", "side"]);
        let side = laptop
            .in_repo("side")
            .with("GIT_SYNC_DIRECTORY", laptop.home().join("side"));
        side.sync([]).succeeds();
        Shell::prepare(&side, kind, "", "");
        let mut shell = Shell::open(&side, kind);
        shell.comes_to("synced");
        shell.types("git -C side commit -q --allow-empty -m x");
        shell.comes_to("ahead");
        shell.types("git -C side push -q");
        shell.comes_to("synced");
        shell.exits();
    }
}

#[test]
fn a_repository_whose_syncs_were_switched_off_shows_nothing() {
    for kind in Kind::ALL {
        let (_sandbox, laptop, _) = in_sync();
        Shell::prepare(&laptop, kind, "", "");
        let mut shell = Shell::open(&laptop, kind);
        shell.comes_to("synced");
        shell.types("git -C configs config sync.enabled false");
        assert_eq!(shell.comes_to("").icon, "");
        shell.exits();
        assert_eq!(laptop.state().word, "disabled");
    }
}

#[test]
fn a_repository_that_is_slow_to_look_at_keeps_no_prompt_waiting() {
    let (_sandbox, laptop, _) = in_sync();
    let slow = laptop.home().join("slow");
    laptop.program(&slow, "sleep 4; printf '/\\0'");
    laptop.config("core.fsmonitor", slow.to_str().unwrap());
    laptop.write("zshrc", "changed\n");
    let output = laptop
        .sync(["refresh", "--background"])
        .succeeds()
        .says_nothing();
    assert!(
        output.took() < std::time::Duration::from_secs(3),
        "{}",
        output.scene()
    );
    assert_eq!(laptop.state().word, "synced", "not yet");
    wait_until("it is written all the same", || {
        laptop.state().word == "ahead"
    });
    wait_for_our_processes(&laptop);
}

/// A snippet for a program that is no shell.
fn printed(laptop: &Machine, host: &str) -> String {
    laptop.at_home().sync(["prompt", host]).succeeds().stdout()
}

#[test]
fn the_theme_of_oh_my_zsh_has_the_icon_before_the_folder() {
    let (_sandbox, laptop, _) = in_sync();
    laptop.write(
        "../custom/plugins/git-sync/git-sync.plugin.zsh",
        printed(&laptop, "omz"),
    );
    laptop.write(
        "../custom/themes/custom-bira.zsh-theme",
        printed(&laptop, "bira"),
    );
    // As oh-my-zsh loads them.
    let zshrc = "nix_indicator() { print -rn -- 'NIX ' }; IN_NIX_SHELL=pure\n\
                 git_prompt_info() { print -rn -- 'BRANCH' }\n\
                 source custom/plugins/git-sync/git-sync.plugin.zsh\n\
                 source custom/themes/custom-bira.zsh-theme\n";
    laptop.write("../.zshrc", zshrc);
    let line = "zsh -d -i -c 'precmd_functions[1]=(); _git_sync_precmd; print -rP -- \"$PROMPT\"'";
    let shown = on_a_terminal(&laptop.at_home(), line, [])
        .succeeds()
        .stdout();
    let plain = words(&shown);
    let at = |part: &str| {
        plain
            .find(part)
            .unwrap_or_else(|| panic!("{part}: {plain:?}"))
    };
    assert!(
        at("╭─NIX✓") < at("~BRANCH") && at("~BRANCH") < at("╰─"),
        "{plain:?}"
    );
    // The same from the folder of this repository, linked as a plugin.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("shell");
    laptop.link("../custom/plugins/linked", &folder);
    let linked =
        "zsh -f -i -c 'source custom/plugins/linked/git-sync.plugin.zsh; print -r $GIT_SYNC_STATE'";
    on_a_terminal(&laptop.at_home(), linked, [])
        .succeeds()
        .says("synced");
}

#[test]
fn the_segment_of_powerlevel10k_shows_one_state_at_a_time() {
    let (_sandbox, laptop, _) = in_sync();
    laptop.write("../p10k.zsh", printed(&laptop, "p10k"));
    // In its place: what it would show, and in which state and colour.
    let script = "p10k() {
        local state colour text when
        while (( $# )); do case $1 in
            -s) state=$2; shift 2;; -f) colour=$2; shift 2;; -t) text=$2; shift 2;; -c) when=$2; shift 2;;
            *) shift;;
        esac; done
        [[ -n ${(e)when} ]] && print -r -- \"segment $state $colour ${(e)text}\"
        return 0
    }
    source p10k.zsh
    for GIT_SYNC_STATE GIT_SYNC_ICON in synced ✓ held ✗ '' ''; do
        prompt_git_sync; instant_prompt_git_sync
    done";
    let mut command = laptop.at_home().command("zsh");
    command.args(["-f", "-c", script]);
    let said = laptop.run(command).succeeds().stdout();
    let twice = |line: &str| format!("{line}\n{line}\n");
    assert_eq!(
        said,
        twice("segment SYNCED green ✓") + &twice("segment HELD red ✗")
    );
}

#[test]
fn the_module_of_starship_names_the_file() {
    let (_sandbox, laptop, _) = in_sync();
    let strange = laptop.in_repo("it's \"mine\"");
    std::fs::rename(laptop.root(), strange.root()).unwrap();
    let named = strange.with("GIT_SYNC_DIRECTORY", strange.root());
    let text = printed(&named, "starship");
    let value = |key: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{key} = \"")));
        let line = line.unwrap().strip_suffix('"').unwrap();
        line.replace("\\\"", "\"").replace("\\\\", "\\")
    };
    named.sh(&value("when")).succeeds();
    assert_eq!(named.sh(&value("command")).succeeds().stdout(), "✓");
    // Where it is in its usual place it is written as anybody would.
    let usual = printed(&laptop, "starship");
    assert!(usual.contains("/configs/.sync/sync-status\""), "{usual}");
}

#[test]
fn tmux_shows_the_icon_in_its_status_line() {
    crate::support::needs("tmux");
    let (_sandbox, laptop, _) = in_sync();
    laptop.write("../tmux.conf", printed(&laptop, "tmux"));
    let mut command = laptop.at_home().with("TERM", "xterm").command("script");
    command
        .args(["--quiet", "--flush", "--log-out", "/dev/null", "--command"])
        .arg("tmux -u -S tmux.socket -f tmux.conf new-session 'until test -e seen; do sleep 0.1; done'")
        .stdin(std::process::Stdio::piped());
    let running = Running::start(&laptop, command);
    wait_until("the icon is in the status line", || {
        running.so_far().contains('✓')
    });
    laptop.write("../seen", "");
    running.finish().succeeds();
}
