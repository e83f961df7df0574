//! Which backups are kept, and which make room.

use super::retention::{Retention, is_over};

/// How many backups are kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The newest so many.
    pub keep: usize,
    /// No longer than this.
    pub age: Retention,
    /// No more bytes than this in all; `None`: no limit.
    pub size: Option<u64>,
    /// Beyond the newest: the last one of so many hours.
    pub hourly: usize,
    /// Of so many days.
    pub daily: usize,
    /// Of so many weeks.
    pub weekly: usize,
}

/// A backup, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// When it was made, seconds since 1970.
    pub made: i64,
    /// Its size.
    pub size: u64,
    /// Must it stay?
    pub pinned: bool,
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// The numbers of those of `all`, newest first, that make room. The newest never does, nor one that is
/// pinned. `runs` are the ends of the newest runs, newest first: age alone is not believed, as clocks
/// are wrong (see [`super::retention`]).
pub fn doomed(all: &[Kept], rules: &Rules, runs: &[i64], now: i64) -> Vec<usize> {
    let mut stays = vec![false; all.len()];
    let free: Vec<_> = (0..all.len()).filter(|at| !all[*at].pinned).collect();
    for at in free.iter().take(rules.keep.max(1)) {
        stays[*at] = true;
    }
    for (count, span) in [
        (rules.hourly, HOUR),
        (rules.daily, DAY),
        (rules.weekly, WEEK),
    ] {
        let mut seen = Vec::new();
        for at in &free {
            let span = all[*at].made.div_euclid(span);
            if seen.contains(&span) {
                continue;
            }
            if seen.len() == count {
                break;
            }
            seen.push(span);
            stays[*at] = true;
        }
    }
    for (at, kept) in all.iter().enumerate().skip(1) {
        let end = rules.age.end(kept.made);
        if end.is_some_and(|end| is_over(end, runs, now)) {
            stays[at] = false;
        }
    }
    for (at, kept) in all.iter().enumerate() {
        stays[at] |= kept.pinned || at == 0;
    }
    if let Some(most) = rules.size {
        let mut total: u64 = sizes(all, &stays);
        for at in (1..all.len()).rev() {
            if total <= most {
                break;
            }
            if stays[at] && !all[at].pinned {
                stays[at] = false;
                total = sizes(all, &stays);
            }
        }
    }
    (0..all.len()).filter(|at| !stays[*at]).collect()
}

fn sizes(all: &[Kept], stays: &[bool]) -> u64 {
    let staying = all.iter().zip(stays).filter(|(_, stays)| **stays);
    staying.fold(0, |sum, (kept, _)| sum.saturating_add(kept.size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULES: Rules = Rules {
        keep: 3,
        age: Retention::Forever,
        size: None,
        hourly: 0,
        daily: 0,
        weekly: 0,
    };

    /// One backup every so many seconds, newest first, of ten bytes each.
    fn every(seconds: i64, count: i64) -> Vec<Kept> {
        let made = (0..count).map(|ago| 100 * WEEK - ago * seconds);
        made.map(|made| Kept {
            made,
            size: 10,
            pinned: false,
        })
        .collect()
    }

    fn gone(all: &[Kept], rules: &Rules) -> Vec<usize> {
        doomed(all, rules, &[], 100 * WEEK)
    }

    #[test]
    fn the_newest_stay() {
        assert_eq!(gone(&every(60, 5), &RULES), [3, 4]);
        assert_eq!(gone(&every(60, 2), &RULES), Vec::<usize>::new());
        assert_eq!(gone(&every(60, 2), &Rules { keep: 0, ..RULES }), [1]);
    }

    #[test]
    fn what_is_pinned_stays_beside_them() {
        let mut all = every(60, 6);
        all[1].pinned = true;
        all[5].pinned = true;
        assert_eq!(gone(&all, &RULES), [4]);
        let small = Rules {
            size: Some(0),
            ..RULES
        };
        assert_eq!(gone(&all, &small), [2, 3, 4]);
    }

    #[test]
    fn there_is_room_for_so_much() {
        let size = |size| Rules {
            size: Some(size),
            keep: 5,
            ..RULES
        };
        assert_eq!(gone(&every(60, 5), &size(50)), Vec::<usize>::new());
        assert_eq!(gone(&every(60, 5), &size(49)), [4]);
        assert_eq!(gone(&every(60, 5), &size(0)), [1, 2, 3, 4]);
    }

    #[test]
    fn older_ones_are_thinned_out() {
        let rules = Rules {
            keep: 1,
            daily: 3,
            ..RULES
        };
        let left = |rules: &Rules, all: &[Kept]| all.len() - gone(all, rules).len();
        // Three a day for ten days.
        assert_eq!(left(&rules, &every(DAY / 3, 30)), 3);
        // The last of this week and of the one before are among them; that of the one before is not.
        let rules = Rules { weekly: 3, ..rules };
        assert_eq!(left(&rules, &every(DAY / 3, 60)), 4);
    }

    #[test]
    fn age_is_not_told_by_the_clock_alone() {
        let rules = Rules {
            age: Retention::Days(30),
            keep: 10,
            ..RULES
        };
        let all = every(WEEK, 8);
        let now = 100 * WEEK;
        assert_eq!(doomed(&all, &rules, &[], now), Vec::<usize>::new());
        let runs: Vec<_> = (0..2000).map(|ago| now - ago * 3 * HOUR).collect();
        assert_eq!(doomed(&all, &rules, &runs, now), [6, 7]);
        assert_eq!(
            doomed(&all[7..], &rules, &runs, now),
            Vec::<usize>::new(),
            "the newest stays, however old it is"
        );
    }

    proptest! {
        /// Whatever clocks and sizes say, the newest stays, and what is pinned.
        #[test]
        fn the_newest_and_the_pinned_stay(
            all in proptest::collection::vec((any::<i64>(), any::<u64>(), any::<bool>()), 0..12),
            counts in proptest::collection::vec(0..4_usize, 4), size in any::<Option<u64>>(),
            days in 1..10_000_i64, runs in proptest::collection::vec(any::<i64>(), 0..40), now in any::<i64>(),
        ) {
            let all: Vec<_> = all.into_iter().map(|(made, size, pinned)| Kept { made, size, pinned }).collect();
            let rules = Rules {
                keep: counts[0], age: Retention::Days(days), size, hourly: counts[1], daily: counts[2], weekly: counts[3],
            };
            for at in doomed(&all, &rules, &runs, now) {
                prop_assert!(at > 0 && !all[at].pinned);
            }
        }
    }
}
