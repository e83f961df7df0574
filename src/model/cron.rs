//! When something is due: the five fields of crontab(5), and what other schedulers call the same.

use std::collections::BTreeSet;
use std::fmt;

/// A set of minutes, hours, days of the month, months and days of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    fields: [Field; 5],
}

/// The values of one field that fit; `None`: all of them.
type Field = Option<BTreeSet<u8>>;

/// Fields that have names for their values.
const MONTH: usize = 3;
const WEEKDAY: usize = 4;

/// Smallest and largest value of each field; 7 is a Sunday too.
const RANGES: [(u8, u8); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// So many moments can be told to launchd one by one.
const MOST_MOMENTS: usize = 500;

/// The names that crontab(5) has for whole lines.
const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

impl Cron {
    /// Reads the five fields, or a nickname such as `@daily`; `None` where they make no sense.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let known = NICKNAMES.iter().find(|(name, _)| *name == text);
        let text = known.map_or(text, |(_, fields)| fields);
        let words: Vec<_> = text.split_whitespace().collect();
        let words: [&str; 5] = words.try_into().ok()?;
        let mut fields = [const { None }; 5];
        for (at, word) in words.into_iter().enumerate() {
            fields[at] = field(word, at)?;
        }
        Some(Self { fields })
    }

    /// Every so often: `15m`, `2h`, `1d`; `seed` shifts it, so that not all machines come at once. `None`
    /// where an hour or a day cannot be divided by it.
    pub fn every(text: &str, seed: u32) -> Option<Self> {
        let unit = text.chars().last()?;
        let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
        let stepped = |step: u32, of: u32| -> Option<Field> {
            if step == 0 || !of.is_multiple_of(step) {
                return None;
            }
            if step == 1 {
                return Some(None);
            }
            let first = seed % step;
            let values = (first..of).step_by(step as usize);
            Some(Some(
                values.filter_map(|value| value.try_into().ok()).collect(),
            ))
        };
        let one = |of: u32| -> Option<Field> {
            let value = (seed % of).try_into().ok()?;
            Some(Some(BTreeSet::from([value])))
        };
        let (minute, hour) = match (unit, number) {
            ('m', 60) | ('h', 1) => (one(60)?, None),
            ('m', number) => (stepped(number, 60)?, None),
            ('h', 24) | ('d', 1) => (one(60)?, one(24)?),
            ('h', number) => (one(60)?, stepped(number, 24)?),
            _ => return None,
        };
        Some(Self {
            fields: [minute, hour, None, None, None],
        })
    }

    /// As systemd.time(7) has it, one `OnCalendar` each: where both the day of the month and that of the
    /// week are given, cron takes either, and systemd would want both.
    pub fn on_calendar(&self) -> Vec<String> {
        let [minute, hour, day, month, weekday] = &self.fields;
        let line = |day: &Field, weekday: &Field| {
            let weekday = weekday.as_ref().map(|days| {
                let names: Vec<_> = days.iter().map(|day| WEEKDAYS[usize::from(*day)]).collect();
                format!("{} ", names.join(","))
            });
            format!(
                "{}*-{}-{} {}:{}:00",
                weekday.unwrap_or_default(),
                padded(month),
                padded(day),
                padded(hour),
                padded(minute)
            )
        };
        if day.is_some() && weekday.is_some() {
            vec![line(day, &None), line(&None, weekday)]
        } else {
            vec![line(day, weekday)]
        }
    }

    /// As launchd.plist(5) has it: the moments one by one, each as the fields that are given. `None` where
    /// there are too many.
    pub fn moments(&self) -> Option<Vec<Vec<(&'static str, u8)>>> {
        let [minute, hour, day, month, weekday] = &self.fields;
        let either = day.is_some() && weekday.is_some();
        let mut all = Vec::new();
        let days: &[(&Field, &Field)] = if either {
            &[(day, &None), (&None, weekday)]
        } else {
            &[(day, weekday)]
        };
        for (day, weekday) in days {
            let named = [
                ("Minute", minute),
                ("Hour", hour),
                ("Day", *day),
                ("Month", month),
                ("Weekday", *weekday),
            ];
            let mut moments = vec![Vec::new()];
            for (name, field) in named {
                let Some(values) = field else { continue };
                let longer = |moment: &Vec<_>| {
                    let with = |value: &u8| [moment.clone(), vec![(name, *value)]].concat();
                    values.iter().map(with).collect::<Vec<_>>()
                };
                moments = moments.iter().flat_map(longer).collect();
                if moments.len() > MOST_MOMENTS {
                    return None;
                }
            }
            all.extend(moments);
        }
        Some(all)
    }
}

/// The five fields.
impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<_> = self.fields.iter().map(|field| listed(field, 1)).collect();
        f.write_str(&fields.join(" "))
    }
}

fn padded(field: &Field) -> String {
    listed(field, 2)
}

fn listed(field: &Field, width: usize) -> String {
    let Some(values) = field else {
        return "*".to_owned();
    };
    let values: Vec<_> = values
        .iter()
        .map(|value| format!("{value:0width$}"))
        .collect();
    values.join(",")
}

/// `*`, `*/15`, `1-5`, `0-30/10`, `mon,wed`.
fn field(text: &str, at: usize) -> Option<Field> {
    let (low, high) = RANGES[at];
    let mut all = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (low, if at == WEEKDAY { 6 } else { high }),
            Some((from, to)) => (value(from, at)?, value(to, at)?),
            // A step needs something to step through.
            None if step > 1 => return None,
            None => (value(range, at)?, value(range, at)?),
        };
        if from > to {
            return None;
        }
        all.extend((from..=to).step_by(step));
    }
    if at == WEEKDAY && all.remove(&7) {
        all.insert(0);
    }
    // `*` and what comes to the same are different to cron only where both days are given.
    let is_all = text == "*" || text == "*/1";
    Some((!is_all).then_some(all))
}

fn value(text: &str, at: usize) -> Option<u8> {
    let (low, high) = RANGES[at];
    let name = text.to_ascii_lowercase();
    let named = |names: &[&str]| names.iter().position(|known| *known == name);
    let by_name = match at {
        MONTH => named(&MONTHS).map(|at| at + 1),
        WEEKDAY => named(&WEEKDAYS),
        _ => None,
    };
    let value = match by_name {
        Some(value) => value.try_into().ok()?,
        None if text.chars().all(|c| c.is_ascii_digit()) => text.parse().ok()?,
        None => return None,
    };
    (low..=high).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{damaged_text, text};
    use proptest::prelude::*;

    fn cron(text: &str) -> Cron {
        Cron::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn the_fields_are_read_and_written() {
        for (text, said) in [
            ("*/15 * * * *", "0,15,30,45 * * * *"),
            ("0 2 * * *", "0 2 * * *"),
            (
                " 5,10-12  0-6/3 1 jan,DEC mon-fri ",
                "5,10,11,12 0,3,6 1 1,12 1,2,3,4,5",
            ),
            ("0 5 * * 7", "0 5 * * 0"),
            ("* * * * *", "* * * * *"),
            ("@daily", "0 0 * * *"),
        ] {
            assert_eq!(cron(text).to_string(), said);
            assert_eq!(cron(said), cron(text));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "5/10 * * * *",
            "*/0 * * * *",
            "5-1 * * * *",
            "mon * * * *",
            "@reboot",
            "-1 * * * *",
            "+1 * * * *",
            ", * * * *",
        ] {
            assert_eq!(Cron::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_so_often_divides_an_hour_or_a_day_and_is_shifted() {
        for (text, seed, said) in [
            ("15m", 0, "0,15,30,45 * * * *"),
            ("15m", 67, "7,22,37,52 * * * *"),
            ("1m", 9, "* * * * *"),
            ("60m", 61, "1 * * * *"),
            ("1h", 61, "1 * * * *"),
            ("6h", 61, "1 1,7,13,19 * * *"),
            ("1d", 61, "1 13 * * *"),
            ("24h", 61, "1 13 * * *"),
        ] {
            let every = Cron::every(text, seed).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(every.to_string(), said, "{text}");
        }
        for text in [
            "", "m", "0m", "7m", "5h", "2d", "15", "15s", "1.5h", "-5m", "90m",
        ] {
            assert_eq!(Cron::every(text, 0), None, "{text}");
        }
    }

    #[test]
    fn systemd_is_told_the_same() {
        for (text, lines) in [
            ("7,22 * * * *", &["*-*-* *:07,22:00"][..]),
            ("0 2 * * *", &["*-*-* 02:00:00"]),
            ("0 5 * 1 0", &["sun *-01-* 05:00:00"]),
            ("0 5 13 * 5", &["*-*-13 05:00:00", "fri *-*-* 05:00:00"]),
        ] {
            assert_eq!(cron(text).on_calendar(), lines);
        }
    }

    #[test]
    fn launchd_is_told_each_moment() {
        let moments = cron("0,30 2 * * *").moments().expect("few");
        assert_eq!(
            moments,
            [[("Minute", 0), ("Hour", 2)], [("Minute", 30), ("Hour", 2)]]
        );
        assert_eq!(cron("* * * * *").moments(), Some(vec![vec![]]));
        let either = cron("0 5 13 * 5").moments().expect("few");
        assert_eq!(either[0], [("Minute", 0), ("Hour", 5), ("Day", 13)]);
        assert_eq!(either[1], [("Minute", 0), ("Hour", 5), ("Weekday", 5)]);
        assert_eq!(cron("0-58 0-22 * * *").moments(), None);
    }

    proptest! {
        #[test]
        fn moments_of_anything_are_understood_or_not(
            text in text(), other in damaged_text("*/15 1-5 1,15 jan-mar mon,wed"), seed in any::<u32>(),
        ) {
            for text in [text, other] {
                if let Some(cron) = Cron::parse(&text) {
                    prop_assert!(!cron.on_calendar().is_empty());
                    cron.moments();
                    prop_assert_eq!(Cron::parse(&cron.to_string()), Some(cron));
                }
                Cron::every(&text, seed);
            }
        }

        #[test]
        fn every_so_often_is_a_moment(number in 0..100_u32, unit in "[mhdx]", seed in any::<u32>()) {
            if let Some(cron) = Cron::every(&format!("{number}{unit}"), seed) {
                prop_assert_eq!(Cron::parse(&cron.to_string()), Some(cron));
            }
        }
    }
}
