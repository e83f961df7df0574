//! What is to be done about a marked path: from what stands there, what the repository has, and what
//! we remember, a table says it; one for links, one for copies. Pure, so that every cell can be tested.

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
    /// Something encrypted that cannot be read here, and why.
    Closed(Trouble),
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
    /// Put what the repository has in the place of what stands there, which is what we wrote once, or our
    /// link, or nothing.
    Place,
    /// Take what stands there into the repository, and leave it where it is.
    Take,
    /// It is the same on both sides; what the repository has is to be encrypted.
    Seal,
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
    /// The mark is not for this machine any more: make the link a file of its own again.
    Leave,
    /// Touch nothing, and say why.
    Report(Trouble),
}

/// Why nothing is done about a marked path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It was there, and somebody has removed it.
    Removed,
    /// A link to somewhere else stands there.
    Elsewhere,
    /// Something stands there that cannot be synced.
    Odd,
    /// The repository has something there that cannot be linked to.
    OddCopy,
    /// It is marked on terms that this program does not know.
    Newer,
    /// It is encrypted, and this machine has no key at all.
    Keyless,
    /// It is encrypted, and the key file of this machine is none.
    BadKey,
    /// It is encrypted for others.
    Locked,
    /// What is encrypted is damaged.
    Damaged,
    /// It is encrypted, and the list does not say so any more.
    Unsaid,
}

/// The table of marks that are links.
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
        (_, C::Closed(trouble), _) => Cure::Report(*trouble),
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

/// The table of marks that are copies: a file of its own stands at the live path. What is remembered is
/// what both had when they were last the same.
pub fn decide_copy(live: &Live, copy: &Copied, memory: Memory<'_>) -> Cure {
    use Copied as C;
    use Live as L;
    match (live, copy, memory) {
        (_, C::Odd | C::Lost | C::Nothing | C::Closed(_), _) | (L::Foreign | L::Odd, ..) => {
            as_link(decide(live, copy, memory))
        }
        (_, _, Some((Phase::Releasing, _))) => as_link(decide(live, copy, memory)),
        (L::Nothing, C::Content(_), Some((Phase::Linked, _))) => Cure::Report(Trouble::Removed),
        (L::Nothing | L::Ours | L::Moved, C::Content(_), _) => Cure::Place,
        (L::Content(live), C::Content(copy), _) if live == copy => Cure::Fine,
        (L::Content(_), C::Content(_), None) => Cure::Ask,
        (L::Content(live), C::Content(copy), Some((_, wrote))) => {
            match (live == wrote, copy == wrote) {
                (true, _) => Cure::Place,
                (false, true) => Cure::Take,
                (false, false) => Cure::Merge,
            }
        }
    }
}

/// The same where no link is wished for.
fn as_link(cure: Cure) -> Cure {
    match cure {
        Cure::Absorb => Cure::Take,
        cure => cure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORIES: [Memory<'_>; 4] = [
        None,
        Some((Phase::Adopting, "m")),
        Some((Phase::Linked, "m")),
        Some((Phase::Releasing, "m")),
    ];

    type Table = fn(&Live, &Copied, Memory<'_>) -> Cure;

    /// One row for each kind of thing that stands there; one group of four (nothing remembered,
    /// adopting, linked, releasing) for each state of the copy: none, lost, odd, closed, as remembered,
    /// changed.
    fn is(decide: Table, rows: [&str; 8]) {
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
            Copied::Closed(Trouble::Locked),
            has("m"),
            has("r"),
        ];
        for (live, row) in lives.iter().zip(rows) {
            let groups = copies.iter().map(|copy| {
                let cell = |memory: &Memory<'_>| letter(decide(live, copy, *memory));
                MEMORIES.iter().map(cell).collect::<String>()
            });
            let found = groups.collect::<Vec<_>>().join(" ");
            assert_eq!(found, row, "{live:?}");
        }
    }

    fn letter(cure: Cure) -> char {
        match cure {
            Cure::Fine => '.',
            Cure::Link => 'L',
            Cure::Relink => 'R',
            Cure::Repoint => 'p',
            Cure::Absorb => 'A',
            Cure::Place => 'P',
            Cure::Take => 'T',
            Cure::Seal => 's',
            Cure::Merge => 'M',
            Cure::Ask => '?',
            Cure::Restore => 'S',
            Cure::Release => 'U',
            Cure::Forget => 'F',
            Cure::Leave => 'l',
            Cure::Report(Trouble::Removed) => 'd',
            Cure::Report(Trouble::Elsewhere) => 'e',
            Cure::Report(Trouble::Odd) => 'o',
            Cure::Report(Trouble::OddCopy) => 'O',
            Cure::Report(Trouble::Newer) => 'n',
            Cure::Report(Trouble::Keyless) => 'k',
            Cure::Report(Trouble::BadKey) => 'b',
            Cure::Report(Trouble::Locked) => 'K',
            Cure::Report(Trouble::Damaged) => 'D',
            Cure::Report(Trouble::Unsaid) => 'N',
        }
    }

    #[test]
    fn every_cell_of_a_link_is_as_it_was_decided() {
        let rows = [
            "FFFF SSSF OOOO KKKF LLdF LLdF", // nothing stands there
            "UUUU SSSU OOOO KKKU ...U ...U", // our link
            "UUUU SSSU OOOO KKKU pppU pppU", // our link of once
            "eeee eeee eeee eeee eeee eeee", // a link to elsewhere
            "oooo oooo oooo oooo oooo oooo", // something odd
            "FAFF SSSF OOOO KKKF RRRF ?RRF", // what we remember
            "FAFF SSSF OOOO KKKF ?AAF RRRF", // what the changed copy has
            "FAFF SSSF OOOO KKKF ?AAF ?MMF", // something else
        ];
        is(decide, rows);
    }

    #[test]
    fn every_cell_of_a_copy_is_as_it_was_decided() {
        let rows = [
            "FFFF SSSF OOOO KKKF PPdF PPdF", // nothing stands there
            "UUUU SSSU OOOO KKKU PPPU PPPU", // our link
            "UUUU SSSU OOOO KKKU PPPU PPPU", // our link of once
            "eeee eeee eeee eeee eeee eeee", // a link to elsewhere
            "oooo oooo oooo oooo oooo oooo", // something odd
            "FTFF SSSF OOOO KKKF ...F ?PPF", // what we remember
            "FTFF SSSF OOOO KKKF ?TTF ...F", // what the changed copy has
            "FTFF SSSF OOOO KKKF ?TTF ?MMF", // something else
        ];
        is(decide_copy, rows);
    }

    /// Whatever the cell, content that nobody else has is never thrown away without being asked.
    #[test]
    fn content_of_its_own_is_only_replaced_where_it_is_known() {
        for memory in MEMORIES {
            for copy in ["m", "r"] {
                let copy = Copied::Content(copy.to_owned());
                let live = Live::Content("mine".to_owned());
                for table in [decide as Table, decide_copy] {
                    let cure = table(&live, &copy, memory);
                    assert!(
                        !matches!(
                            cure,
                            Cure::Relink | Cure::Link | Cure::Release | Cure::Place
                        ),
                        "{copy:?} {memory:?}: {cure:?}"
                    );
                }
            }
        }
    }
}
