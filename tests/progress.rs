//! Work that takes a while is shown, in one line that is gone in the end, and to a person alone.

use crate::support::{Machine, Sandbox, on_a_terminal};

/// Goes to the start of the line and empties it.
const ERASE: &str = "\r\x1b[K";

/// What is shown of the steps of a sync that both brings files and takes some in.
const SHOWN: [&str; 3] = [
    "  Looking at files",
    "  Taking in files: 100% (5/5)",
    "  Writing files: 100% (4/4)",
];

/// A laptop with 5 new files and 4 to come, on a machine where each git that works on files needs a
/// second; others are as quick as ever.
fn slow() -> Machine {
    let sandbox = Sandbox::new();
    let (laptop, server, _) = sandbox.laptop_and_server();
    laptop.sync([]).succeeds();
    for number in 0..4 {
        server.write(format!("there/{number}"), "server\n");
    }
    server.sync([]).succeeds();
    for number in 0..5 {
        laptop.write(format!("here/{number}"), "laptop\n");
    }
    // So that git looks at the files, and not this process.
    laptop.config("core.untrackedCache", "true");
    let git = laptop.sh("command -v git").stdout();
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *' status '* | *' update-index '* | *' checkout-index '*)\n\
         test -z \"$SLOW\" || sleep 0.7;; esac\nexec {} \"$@\"\n",
        git.trim()
    );
    sandbox.tool("git", &script);
    laptop.with("SLOW", "1")
}

/// What stays on the screen: a line that is emptied is not there.
fn screen(text: &str) -> String {
    let lines = text
        .split('\n')
        .map(|line| line.rsplit(ERASE).next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_takes_a_while_is_shown_and_gone_in_the_end() {
    let laptop = slow();
    let output = on_a_terminal(&laptop, "git-sync", []).succeeds();
    let text = output.stdout();
    for line in SHOWN {
        assert!(text.contains(&format!("{ERASE}{line}")), "{line}: {text:?}");
        assert!(!screen(&text).contains(line), "{line} stays: {text:?}");
    }
    assert!(screen(&text).contains("In sync with"), "{text:?}");
}

#[test]
fn it_is_shown_to_a_person_who_wants_to_hear_of_it_alone() {
    for line in ["git-sync -q", "git-sync 2>../stderr", "git-sync --json"] {
        let laptop = slow();
        let text = on_a_terminal(&laptop, line, []).succeeds().stdout();
        let said = text + &laptop.sh("cat ../stderr 2>/dev/null || true").stdout();
        let silent = SHOWN.iter().all(|shown| !said.contains(shown)) && !said.contains(ERASE);
        assert!(silent, "{line}: {said:?}");
    }
}
