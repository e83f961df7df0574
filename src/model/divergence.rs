//! How far two tips are apart: the commits that each has and the other lacks.
//!
//! Dates only say where to look first. Clocks are set back, so a commit may be older than the one
//! before it, and a walk that stops by date counts commits that both sides have. This one stops where
//! nothing that it has counted can still turn out to be common: everything it has not looked behind
//! yet is common, and everything that it counted follows on it.

use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;

const OURS: u8 = 1;
const THEIRS: u8 = 2;
const BOTH: u8 = OURS | THEIRS;

/// What is known of one commit.
#[derive(Debug)]
struct Node<Id> {
    /// Who has it.
    side: u8,
    date: i64,
    parents: Vec<Id>,
    children: Vec<Id>,
    /// Do the parents not know yet who has it?
    waits: bool,
}

#[derive(Debug)]
struct Walk<Id, Read> {
    nodes: HashMap<Id, Node<Id>>,
    queue: BinaryHeap<(i64, Id)>,
    read: Read,
    /// How many wait that are not common.
    open: usize,
}

/// How many commits `ours` has that `theirs` lacks, and the other way round; `read` tells the date of a
/// commit and those before it.
pub fn ahead_behind<Id, E, Read>(ours: Id, theirs: Id, read: Read) -> Result<(usize, usize), E>
where
    Id: Copy + Eq + Hash + Ord,
    Read: FnMut(Id) -> Result<(i64, Vec<Id>), E>,
{
    let mut walk = Walk {
        nodes: HashMap::new(),
        queue: BinaryHeap::new(),
        read,
        open: 0,
    };
    walk.reach(ours, OURS, None)?;
    walk.reach(theirs, THEIRS, None)?;
    // Looking whether that is all costs as much as the walk so far.
    let mut look_at = 0;
    while walk.step()? {
        if walk.open == 0 && walk.nodes.len() >= look_at {
            if walk.is_all() {
                break;
            }
            look_at = walk.nodes.len() * 2;
        }
    }
    let count = |side| walk.nodes.values().filter(|node| node.side == side).count();
    Ok((count(OURS), count(THEIRS)))
}

impl<Id, E, Read> Walk<Id, Read>
where
    Id: Copy + Eq + Hash + Ord,
    Read: FnMut(Id) -> Result<(i64, Vec<Id>), E>,
{
    /// `side` has `id`, as a parent of `child`.
    fn reach(&mut self, id: Id, side: u8, child: Option<Id>) -> Result<(), E> {
        if !self.nodes.contains_key(&id) {
            let (date, parents) = (self.read)(id)?;
            let node = Node {
                side: 0,
                date,
                parents,
                children: Vec::new(),
                waits: false,
            };
            self.nodes.insert(id, node);
        }
        let Some(node) = self.nodes.get_mut(&id) else {
            return Ok(());
        };
        node.children
            .extend(child.filter(|child| !node.children.contains(child)));
        let now = node.side | side;
        if now == node.side {
            return Ok(());
        }
        if node.waits {
            self.open -= usize::from(now == BOTH);
        } else {
            self.queue.push((node.date, id));
            self.open += usize::from(now != BOTH);
        }
        node.waits = true;
        node.side = now;
        Ok(())
    }

    /// Tells the parents of the newest commit that waits who has them; `false` where none waits.
    fn step(&mut self) -> Result<bool, E> {
        let Some((_, id)) = self.queue.pop() else {
            return Ok(false);
        };
        let Some(node) = self.nodes.get_mut(&id) else {
            return Ok(true);
        };
        node.waits = false;
        self.open -= usize::from(node.side != BOTH);
        let (side, parents) = (node.side, node.parents.clone());
        for parent in parents {
            self.reach(parent, side, Some(id))?;
        }
        Ok(true)
    }

    /// Does everything that only one side has follow on every commit that waits? Then none of it is
    /// before one of those, and so none is common.
    fn is_all(&self) -> bool {
        let counted = self.nodes.values().filter(|node| node.side != BOTH).count();
        let waiting = self.nodes.iter().filter(|(_, node)| node.waits);
        waiting
            .into_iter()
            .all(|(id, _)| self.following(*id) == counted)
    }

    /// How many commits that only one side has follow on `id`.
    fn following(&self, id: Id) -> usize {
        let mut seen = std::collections::HashSet::from([id]);
        let mut next = vec![id];
        let mut count = 0;
        while let Some(node) = next.pop().and_then(|id| self.nodes.get(&id)) {
            count += usize::from(node.side != BOTH);
            next.extend(node.children.iter().copied().filter(|id| seen.insert(*id)));
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::cell::Cell;
    use std::collections::HashSet;

    /// Commits by number, each with a date and parents of smaller numbers.
    type History = Vec<(i64, Vec<usize>)>;

    fn counted(history: &History, ours: usize, theirs: usize) -> ((usize, usize), usize) {
        let read = Cell::new(0);
        let answer = ahead_behind(ours, theirs, |id: usize| {
            read.set(read.get() + 1);
            Ok::<_, ()>(history[id].clone())
        });
        (answer.expect("readable"), read.get())
    }

    fn ancestors(history: &History, tip: usize) -> HashSet<usize> {
        let mut all = HashSet::new();
        let mut next = vec![tip];
        while let Some(id) = next.pop() {
            if all.insert(id) {
                next.extend(&history[id].1);
            }
        }
        all
    }

    fn histories() -> impl Strategy<Value = (History, usize, usize)> {
        let commit = (
            0..4i64,
            proptest::collection::vec(any::<prop::sample::Index>(), 0..3),
        );
        let commits = proptest::collection::vec(commit, 1..40);
        let tips = (any::<prop::sample::Index>(), any::<prop::sample::Index>());
        (commits, tips).prop_map(|(commits, (ours, theirs))| {
            let below = |at: usize, picks: Vec<prop::sample::Index>| -> Vec<usize> {
                let picks = picks.into_iter().filter(|_| at > 0);
                // Mostly near ones, so that histories are long.
                picks.map(|pick| at - 1 - pick.index(at.min(4))).collect()
            };
            let history: History = commits
                .into_iter()
                .enumerate()
                .map(|(at, (date, picks))| (date, below(at, picks)))
                .collect();
            let count = history.len();
            (history, ours.index(count), theirs.index(count))
        })
    }

    proptest! {
        #[test]
        fn it_counts_what_a_full_walk_counts((history, ours, theirs) in histories()) {
            let (a, b) = (ancestors(&history, ours), ancestors(&history, theirs));
            let expected = (a.difference(&b).count(), b.difference(&a).count());
            prop_assert_eq!(counted(&history, ours, theirs).0, expected);
        }
    }

    /// A line of commits, the last `fork` of them in two lines.
    fn two_lines(common: usize, ours: usize, theirs: usize) -> (History, usize, usize) {
        let mut history: History = Vec::new();
        let mut line = |count: usize, mut tip: Option<usize>| {
            for _ in 0..count {
                history.push((
                    i64::try_from(history.len()).unwrap_or(0),
                    tip.into_iter().collect(),
                ));
                tip = Some(history.len() - 1);
            }
            tip.unwrap_or(0)
        };
        let base = line(common, None);
        let (ours, theirs) = (line(ours, Some(base)), line(theirs, Some(base)));
        (history, ours, theirs)
    }

    #[test]
    fn the_usual_cases_are_not_walked_to_the_end() {
        for (ahead, behind) in [(0, 0), (3, 0), (0, 3), (3, 2)] {
            let (history, ours, theirs) = two_lines(1000, ahead, behind);
            let (answer, read) = counted(&history, ours, theirs);
            assert_eq!(answer, (ahead, behind));
            assert!(read < 20, "{read} commits read for {answer:?}");
        }
        // A merge of both, and the tip that went into it.
        let (mut history, ours, theirs) = two_lines(1000, 1, 1);
        history.push((2000, vec![ours, theirs]));
        let (answer, read) = counted(&history, 1002, theirs);
        assert_eq!(answer, (2, 0));
        assert!(read < 20, "{read} commits read");
    }
}
