//! What is to be done about a marked path: from what stands there, what the repository has, and what
//! we remember, one table says it. Pure, so that every cell of it can be tested.

use serde::{Deserialize, Serialize};

/// What stands at a marked path on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// Nothing.
    Nothing,
    /// Our link to the copy.
    Ours,
    /// A link of ours to where the copy was before the repository was moved.
    Moved,
    /// A link to somewhere else.
    Foreign,
    /// Content of its own: its digest.
    Content(String),
    /// A device, a socket, a folder where a file is marked, something that cannot be read.
    Odd,
}

/// What the repository has of a marked path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// Nothing, neither in the work tree nor in the last commit.
    Nothing,
    /// The last commit has it, the work tree has lost it.
    Lost,
    /// Content: its digest.
    Content(String),
    /// Something that cannot be linked to.
    Odd,
}

/// How far we are with a marked path on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// We have begun to take it into the repository.
    Adopting,
    /// It is linked.
    Linked,
    /// We have begun to make it a file of its own again.
    Releasing,
}

/// What we remember of a marked path: the phase, and the digest of what we last wrote or saw there.
pub type Memory<'a> = Option<(Phase, &'a str)>;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cure {
    /// It is as it should be.
    Fine,
    /// Put our link where nothing stands: the first link on this machine.
    Link,
    /// Put our link in the place of what stands there, which the copy has as well, or which is what we
    /// wrote once.
    Relink,
    /// Put our link in the place of an older one of ours.
    Repoint,
    /// Take what stands there into the repository, then put our link in its place.
    Absorb,
    /// Both were changed: put them together, or hold.
    Merge,
    /// It is not known what both started from: somebody has to say which one it shall be.
    Ask,
    /// Put the lost copy back from the last commit.
    Restore,
    /// The mark is over in the repository: make the link a file of its own again.
    Release,
    /// The mark is over in the repository, and what stands here is no link of ours: forget it.
    Forget,
    /// Touch nothing, and say why.
    Report(Trouble),
}

/// Why nothing is done about a marked path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It was linked, and somebody has removed the link.
    Removed,
    /// A link to somewhere else stands there.
    Elsewhere,
    /// Something stands there that cannot be synced.
    Odd,
    /// The repository has something there that cannot be linked to.
    OddCopy,
}

/// The table.
pub fn decide(live: &Live, copy: &Copied, memory: Memory<'_>) -> Cure {
    use Copied as C;
    use Live as L;
    match (live, copy, memory) {
        (L::Foreign, ..) => Cure::Report(Trouble::Elsewhere),
        (L::Odd, ..) => Cure::Report(Trouble::Odd),
        (_, C::Odd, _) => Cure::Report(Trouble::OddCopy),
        // What was begun is finished, whichever way it was.
        (L::Ours | L::Moved, _, Some((Phase::Releasing, _))) => Cure::Release,
        (_, _, Some((Phase::Releasing, _))) => Cure::Forget,
        (_, C::Lost, _) => Cure::Restore,
        (L::Ours | L::Moved, C::Nothing, _) => Cure::Release,
        (L::Ours, C::Content(_), _) => Cure::Fine,
        (L::Moved, C::Content(_), _) => Cure::Repoint,
        (L::Content(_), C::Nothing, Some((Phase::Adopting, _))) => Cure::Absorb,
        (L::Nothing | L::Content(_), C::Nothing, _) => Cure::Forget,
        (L::Nothing, C::Content(_), Some((Phase::Linked, _))) => Cure::Report(Trouble::Removed),
        (L::Nothing, C::Content(_), _) => Cure::Link,
        (L::Content(live), C::Content(copy), _) if live == copy => Cure::Relink,
        (L::Content(_), C::Content(_), None) => Cure::Ask,
        (L::Content(live), C::Content(copy), Some((_, wrote))) => {
            match (live == wrote, copy == wrote) {
                (true, _) => Cure::Relink,
                (false, true) => Cure::Absorb,
                (false, false) => Cure::Merge,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every cell, in one table: live, copy, memory, what then.
    #[test]
    fn every_cell_is_as_it_was_decided() {
        let content = |text: &str| Live::Content(text.to_owned());
        let has = |text: &str| Copied::Content(text.to_owned());
        let lives = [
            Live::Nothing,
            Live::Ours,
            Live::Moved,
            Live::Foreign,
            Live::Odd,
            content("m"),
            content("r"),
            content("l"),
        ];
        let copies = [
            Copied::Nothing,
            Copied::Lost,
            Copied::Odd,
            has("m"),
            has("r"),
        ];
        let memories: [Memory<'_>; 4] = [
            None,
            Some((Phase::Adopting, "m")),
            Some((Phase::Linked, "m")),
            Some((Phase::Releasing, "m")),
        ];
        // One row for each kind of thing that stands there; one group of four (nothing remembered,
        // adopting, linked, releasing) for each state of the copy: none, lost, odd, as remembered,
        // changed.
        let table = [
            "FFFF SSSF OOOO LLdF LLdF", // nothing stands there
            "UUUU SSSU OOOO ...U ...U", // our link
            "UUUU SSSU OOOO pppU pppU", // our link of once
            "eeee eeee eeee eeee eeee", // a link to elsewhere
            "oooo oooo oooo oooo oooo", // something odd
            "FAFF SSSF OOOO RRRF ?RRF", // what we remember
            "FAFF SSSF OOOO ?AAF RRRF", // what the changed copy has
            "FAFF SSSF OOOO ?AAF ?MMF", // something else
        ];
        let letter = |cure: Cure| match cure {
            Cure::Fine => '.',
            Cure::Link => 'L',
            Cure::Relink => 'R',
            Cure::Repoint => 'p',
            Cure::Absorb => 'A',
            Cure::Merge => 'M',
            Cure::Ask => '?',
            Cure::Restore => 'S',
            Cure::Release => 'U',
            Cure::Forget => 'F',
            Cure::Report(Trouble::Removed) => 'd',
            Cure::Report(Trouble::Elsewhere) => 'e',
            Cure::Report(Trouble::Odd) => 'o',
            Cure::Report(Trouble::OddCopy) => 'O',
        };
        for (live, row) in lives.iter().zip(table) {
            let groups = copies.iter().map(|copy| {
                let cell = |memory: &Memory<'_>| letter(decide(live, copy, *memory));
                memories.iter().map(cell).collect::<String>()
            });
            let found = groups.collect::<Vec<_>>().join(" ");
            assert_eq!(found, row, "{live:?}");
        }
    }

    /// Whatever the cell, content that nobody else has is never thrown away without being asked.
    #[test]
    fn content_of_its_own_is_only_replaced_where_it_is_known() {
        let memories: [Memory<'_>; 4] = [
            None,
            Some((Phase::Adopting, "m")),
            Some((Phase::Linked, "m")),
            Some((Phase::Releasing, "m")),
        ];
        for memory in memories {
            for copy in ["m", "r"] {
                let copy = Copied::Content(copy.to_owned());
                let cure = decide(&Live::Content("mine".to_owned()), &copy, memory);
                assert!(
                    !matches!(cure, Cure::Relink | Cure::Link | Cure::Release),
                    "{copy:?} {memory:?}: {cure:?}"
                );
            }
        }
    }
}
