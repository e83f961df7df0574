//! A span of time as it is typed: `200ms`, `3s`, `5m`, `2h`, `1d`; without a unit it is seconds.

use std::time::Duration;

/// Longer than this is nothing that anybody waits for.
const LONGEST: u64 = 365 * 86_400_000;

/// The units, and how many milliseconds each has.
const UNITS: [(&str, u64); 6] = [
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
    ("", 1000),
];

/// The span that was typed.
pub fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = &text[number.len()..];
    let (_, millis) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    // `+3` is a number for Rust.
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|_| digits)?;
    let millis = number.checked_mul(millis)?;
    (millis <= LONGEST).then(|| Duration::from_millis(millis))
}

/// For people, in the largest unit that it is a whole number of: `200 ms`, `3 s`, `5 min`, `2 h`.
pub fn words(span: Duration) -> String {
    let millis = span.as_millis();
    match millis {
        0 => "0 s".to_owned(),
        _ if !millis.is_multiple_of(1000) => format!("{millis} ms"),
        _ if !millis.is_multiple_of(60_000) => format!("{} s", millis / 1000),
        _ if !millis.is_multiple_of(3_600_000) => format!("{} min", millis / 60_000),
        _ => format!("{} h", millis / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, words};
    use crate::testing::text;
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn spans_are_read_and_told() {
        for (text, millis, told) in [
            ("0", 0, "0 s"),
            ("3", 3000, "3 s"),
            (" 200ms ", 200, "200 ms"),
            ("1500ms", 1500, "1500 ms"),
            ("90s", 90_000, "90 s"),
            ("5m", 300_000, "5 min"),
            ("2h", 7_200_000, "2 h"),
            ("1d", 86_400_000, "24 h"),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
            assert_eq!(words(Duration::from_millis(millis)), told);
        }
    }

    #[test]
    fn what_is_no_span_is_not_read() {
        for text in [
            "",
            "m",
            "-1",
            "+3",
            "1.5s",
            "3 s",
            "3min",
            "400d",
            "99999999999999999999",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_span_of_anything_is_bounded(text in text(), number in any::<u64>(), unit in "(ms|s|m|h|d|)") {
            for text in [text, format!("{number}{unit}")] {
                if let Some(span) = parse(&text) {
                    prop_assert!(span <= Duration::from_secs(365 * 86_400));
                    let said = words(span).replace(' ', "").replace("min", "m");
                    prop_assert_eq!(parse(&said), Some(span));
                }
            }
        }
    }
}
