//! The held paths, and what a decision about them would do.

use crate::model::held::{Held, HeldSet};
use crate::ops::resolve::Choice;
use std::fmt::Write as _;

/// Path and reason, or the paths alone with NUL where `nul` is set.
pub fn list(set: &HeldSet, nul: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for held in set.iter() {
        if nul {
            out.extend_from_slice(held.path.as_bytes());
            out.push(0);
        } else {
            out.extend_from_slice(format!("{}   {}\n", held.path, held.why.words()).as_bytes());
        }
    }
    out
}

/// What would be decided, and about what.
pub fn planned(choice: Choice, held: &[Held]) -> String {
    let head = match choice {
        Choice::Ours => "Would keep this machine's version of",
        Choice::Theirs => "Would take the remote's version of",
        Choice::Edit => "Would ask you to merge",
        Choice::Undo => "Would hold again",
    };
    let mut text = format!("{head}\n");
    for held in held {
        let _ = writeln!(text, "  {} ({})", held.path, held.why.words());
    }
    text + "Nothing was changed.\n"
}
