//! The time, or a fixed one.

use super::env;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Now, or the moment that [`env::NOW`] fixes.
pub fn now() -> Timestamp {
    env::text(env::NOW)
        .and_then(|text| text.parse().ok())
        .and_then(|epoch| Timestamp::from_second(epoch).ok())
        .unwrap_or_else(Timestamp::now)
}

/// A moment of a clock that nobody sets or fixes, and that goes on while the machine sleeps.
pub fn steady() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let now = rustix::time::clock_gettime(clock);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(now.tv_nsec).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_nanos(nanos)
}

/// Seconds since 1970.
pub fn epoch() -> i64 {
    now().as_second()
}

/// How long ago a time of the file system is, by its own clock, which nobody fixes; `None` where it is
/// yet to come.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn since(seconds: i64, nanos: i64) -> Option<Duration> {
    let nanos = u64::try_from(nanos).unwrap_or_default();
    let time = UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let time = time + Duration::from_nanos(nanos);
    SystemTime::now().duration_since(time).ok()
}

/// `2026-11-20T104410` in the zone of this machine: sorts by time, and may be the name of a file
/// anywhere.
pub fn file_name(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system())
        .strftime("%Y-%m-%dT%H%M%S")
        .to_string()
}

/// `today 10:44`, `yesterday 18:02` or `2026-11-18 09:30`, in the zone of this machine.
pub fn day(time: Timestamp) -> String {
    let zone = TimeZone::system();
    let there = time.to_zoned(zone.clone());
    let today = now().to_zoned(zone).date();
    let day = if there.date() == today {
        "today".to_owned()
    } else if Some(there.date()) == today.yesterday().ok() {
        "yesterday".to_owned()
    } else {
        there.date().to_string()
    };
    format!("{day} {}", there.strftime("%H:%M"))
}

/// RFC 3339 in UTC, whole seconds; those that are over, so that no moment of now is one to come.
pub fn rfc3339(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second())
        .unwrap_or(time)
        .to_string()
}

/// `10:44:10` in the zone of this machine.
pub fn time_of_day(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system())
        .strftime("%H:%M:%S")
        .to_string()
}

/// `2026-11-20 10:44` in the zone of this machine.
pub fn civil(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}

/// Seconds since 1970 as git reads them, in the zone of this machine. Without a zone git takes small
/// numbers for something else.
pub fn git_date(epoch: i64) -> String {
    let time = Timestamp::from_second(epoch).unwrap_or_default();
    let zone = time.to_zoned(TimeZone::system()).strftime("%z").to_string();
    format!("@{epoch} {zone}")
}

/// A name for one run: sorts by time, differs between two processes of one second.
pub fn run_id() -> String {
    let time = now()
        .to_zoned(TimeZone::UTC)
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string();
    format!("{time}-{}", std::process::id())
}

/// The time in the name of a run, seconds since 1970.
pub fn run_time(name: &str) -> Option<i64> {
    let (time, _) = name.split_once('-')?;
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", time).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// `12 s`, `4 min`, `2 h`, `3 days`: how long ago, for people; never negative, as clocks go back.
pub fn ago(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..60 => format!("{s} s"),
        s @ 60..3600 => format!("{} min", s / 60),
        s @ 3600..172_800 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::ago;

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        let table = [
            (-5, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (7200, "2 h"),
            (172_800, "2 days"),
        ];
        for (seconds, text) in table {
            assert_eq!(ago(seconds), text);
        }
    }
}
