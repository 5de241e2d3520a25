//! The sandbox's own time.
//!
//! A demonstration with dates in it must look the same next year, and a test of expiry must not sleep. So everything here asks one
//! clock, which starts at a given moment (or at the real one), moves with the monotonic clock, and can be pushed forward.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime};

use jiff::Timestamp;

/// 100 ns steps in a second.
pub(super) const SECOND: i64 = 10_000_000;
/// 100 ns steps in a day.
pub(super) const DAY: i64 = 86_400 * SECOND;
/// The Unix epoch in ticks since year 1.
const EPOCH: i64 = 621_355_968_000_000_000;

pub(super) struct Clock {
    start: i64,
    since: Instant,
    pushed: AtomicI64,
}

impl Clock {
    /// Starts at that tick, or at the real time.
    pub(super) fn new(start: Option<i64>) -> Clock {
        let real = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| (d.as_nanos() / 100) as i64) + EPOCH;
        Clock { start: start.unwrap_or_else(real), since: Instant::now(), pushed: AtomicI64::new(0) }
    }

    /// When it started.
    pub(super) fn start(&self) -> i64 {
        self.start
    }

    /// Now, in ticks.
    pub(super) fn now(&self) -> i64 {
        self.start + (self.since.elapsed().as_nanos() / 100) as i64 + self.pushed.load(Ordering::Relaxed)
    }

    /// Now, in seconds since 1970.
    pub(super) fn seconds(&self) -> i64 {
        seconds_of(self.now())
    }

    /// Lets time pass.
    pub(super) fn advance(&self, ticks: i64) {
        self.pushed.fetch_add(ticks, Ordering::Relaxed);
    }
}

/// Seconds since 1970 at that tick.
pub(super) fn seconds_of(ticks: i64) -> i64 {
    (ticks - EPOCH) / SECOND
}

fn stamp(ticks: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(ticks - EPOCH) * 100).unwrap_or_default()
}

/// `2026-11-21T12:18:56.1234567Z`: seven digits as the services write them, fewer where they are zeros.
pub(super) fn iso(ticks: i64) -> String {
    stamp(ticks).to_string()
}

/// In any form.
pub(super) fn written(ticks: i64, form: &str) -> String {
    stamp(ticks).strftime(form).to_string()
}

/// `2026-11-21 12:18:56Z`, as Entra writes it.
pub(super) fn plain(ticks: i64) -> String {
    stamp(ticks).strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `2026-11-21T12:18:56`, as Graph writes it into errors.
pub(super) fn unzoned(ticks: i64) -> String {
    stamp(ticks).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The `Date` header.
pub(super) fn http_date(ticks: i64) -> String {
    stamp(ticks).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Ticks of an ISO 8601 date or time; no zone means UTC, no time means midnight.
pub(super) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let ticks = |t: Timestamp| i64::try_from(t.as_nanosecond().div_euclid(100)).ok().map(|n| n + EPOCH);
    if let Ok(t) = text.parse::<Timestamp>() {
        return ticks(t);
    }
    let shape = text.get(..4).is_some_and(|y| y.bytes().all(|b| b.is_ascii_digit())) && text.get(4..5) == Some("-");
    if !shape || text.contains('[') {
        return None;
    }
    let whole = match text.strip_suffix(['Z', 'z']) {
        Some(day) if day.len() == 10 => format!("{day}T00:00:00"),
        Some(_) => return None,
        None if text.len() == 10 => format!("{text}T00:00:00"),
        None => text.to_owned(),
    };
    let civil: jiff::civil::DateTime = whole.parse().ok()?;
    ticks(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_all_forms_that_filters_use() {
        let noon = parse("2026-11-21T12:00:00Z").unwrap();
        assert_eq!(iso(noon), "2026-11-21T12:00:00Z");
        assert_eq!(parse("2026-11-21T12:00:00"), Some(noon));
        assert_eq!(parse("2026-11-21T13:00:00+01:00"), Some(noon));
        assert_eq!(parse("2026-11-21"), Some(noon - DAY / 2));
        assert_eq!(parse("2026-11-21Z"), Some(noon - DAY / 2));
        assert_eq!(iso(noon + 1), "2026-11-21T12:00:00.0000001Z");
        assert_eq!(http_date(noon), "Sat, 21 Nov 2026 12:00:00 GMT");
        for bad in ["", "x", "2026", "2026-13-01", "12:00:00", "New"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_clock_moves_and_can_be_pushed() {
        let clock = Clock::new(parse("2026-11-21T12:00:00Z"));
        assert!(clock.now() >= clock.start());
        clock.advance(DAY);
        assert_eq!(plain(clock.now()).split(' ').next(), Some("2026-11-22"));
    }
}
