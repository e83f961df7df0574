//! The held paths, one a line.

use crate::model::held::HeldSet;

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
