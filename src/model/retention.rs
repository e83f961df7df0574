//! For how long something is kept, and when that time has passed for sure.
//!
//! A clock can be wrong: what was made a minute ago is a year old for a machine whose clock was set
//! forward. So it is not enough that something is old by the clock of now. The newest runs must all
//! have found it old enough, a good number of them, and the first of these a good while ago.

/// The seconds of a day.
const DAY: i64 = 86_400;

/// So many of the newest runs must have ended after the time had passed.
const RUNS: usize = 20;

/// The first of them must be so long ago.
const SPAN: i64 = 7 * DAY;

/// For how long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// For ever.
    Forever,
    /// For so many days.
    Days(i64),
}

impl Retention {
    /// `90.days`, `12.weeks`, `6.months`, `1.year` or `never`: what is never let go.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "never" {
            return Some(Self::Forever);
        }
        let (number, unit) = text.split_once('.')?;
        let days = match unit {
            "day" | "days" => 1,
            "week" | "weeks" => 7,
            "month" | "months" => 30,
            "year" | "years" => 365,
            _ => return None,
        };
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse::<i64>().ok().filter(|_| digits)?;
        (1..=10_000)
            .contains(&number)
            .then(|| Self::Days(number * days))
    }

    /// When the time of something that was made at `made` is over, seconds since 1970; `None`: never.
    pub fn end(self, made: i64) -> Option<i64> {
        match self {
            Self::Forever => None,
            Self::Days(days) => made.checked_add(days * DAY),
        }
    }
}

/// Is a time that ended at `end` over for sure? `runs` are the ends of the newest runs, newest first.
pub fn is_over(end: i64, runs: &[i64], now: i64) -> bool {
    let after = runs.iter().take_while(|run| **run >= end);
    let (count, first) = after.fold((0, now), |(count, first), run| (count + 1, first.min(*run)));
    end <= now && count >= RUNS && first <= now - SPAN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::text;
    use proptest::prelude::*;

    #[test]
    fn a_value_is_read_strictly() {
        for (text, days) in [
            ("90.days", 90),
            ("1.day", 1),
            ("2.weeks", 14),
            ("1.year", 365),
        ] {
            assert_eq!(Retention::parse(text), Some(Retention::Days(days)));
        }
        assert_eq!(Retention::parse("never"), Some(Retention::Forever));
        let bad = [
            "",
            "90",
            "90 days",
            "90.",
            ".days",
            "0.days",
            "-1.days",
            "+1.days",
            "1.5.days",
            "now",
            "90.days.ago",
            "90.Days",
            "99999.days",
        ];
        for text in bad {
            assert_eq!(Retention::parse(text), None, "{text}");
        }
    }

    /// The ends of runs, one a day, newest first.
    fn daily(newest: i64, count: i64) -> Vec<i64> {
        (0..count).map(|ago| (newest - ago) * DAY).collect()
    }

    #[test]
    fn a_time_is_over_when_many_runs_over_a_while_say_so() {
        let end = 100 * DAY;
        assert!(is_over(end, &daily(125, 60), 125 * DAY));
        assert!(!is_over(end, &daily(99, 60), 99 * DAY), "not yet");
        assert!(!is_over(end, &daily(110, 60), 110 * DAY), "too few runs");
        assert!(!is_over(end, &[], 125 * DAY), "no runs are known");
    }

    #[test]
    fn a_clock_that_jumps_ends_no_time() {
        let end = 100 * DAY;
        let mut forward = vec![400 * DAY; 5];
        forward.extend(daily(20, 20));
        assert!(!is_over(end, &forward, 400 * DAY), "forward");
        let busy: Vec<_> = (0..500).map(|ago| 400 * DAY - ago * 60).collect();
        assert!(!is_over(end, &busy, 400 * DAY), "forward, with many runs");
        let mut back = daily(125, 60);
        back.insert(3, 5 * DAY);
        assert!(!is_over(end, &back, 125 * DAY), "back and forward again");
    }

    proptest! {
        #[test]
        fn a_time_of_anything_overflows_nothing(
            text in text(), number in any::<i64>(), unit in "(days|weeks|years)", made in any::<i64>(),
            runs in proptest::collection::vec(any::<i64>(), 0..30), now in any::<i64>(),
        ) {
            for text in [text, format!("{number}.{unit}")] {
                if let Some(end) = Retention::parse(&text).and_then(|kept| kept.end(made)) {
                    prop_assert!(end > made);
                    is_over(end, &runs, now);
                }
            }
        }
    }
}
