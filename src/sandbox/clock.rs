//! The sandbox's own time.
//!
//! A demonstration with dates in it must look the same next year, and a test of expiry must not sleep. So everything here asks one
//! clock, which starts at a given moment (or at the real one), moves with the monotonic clock, and can be pushed forward.

use std::sync::Mutex;
use std::time::{Instant, SystemTime};

use jiff::Timestamp;

use crate::json::Value;

use super::lock;

/// 100 ns steps in a second.
pub(super) const SECOND: i64 = 10_000_000;
/// 100 ns steps in a day.
pub(super) const DAY: i64 = 86_400 * SECOND;
/// The Unix epoch in ticks since year 1.
const EPOCH: i64 = 621_355_968_000_000_000;
/// The last year that can be written in full, with room for what lies ahead of the present.
const LAST: i64 = 3_000_000_000_000_000_000;

pub(super) struct Clock {
    start: i64,
    hands: Mutex<Hands>,
}

/// Where the hands stood when they were last touched.
struct Hands {
    at: i64,
    /// Since when they have moved; none: they stand still.
    since: Option<Instant>,
}

impl Hands {
    fn now(&self) -> i64 {
        self.at + self.since.map_or(0, |since| (since.elapsed().as_nanos() / 100) as i64)
    }
}

impl Clock {
    /// Starts at that tick, or at the real time.
    pub(super) fn new(start: Option<i64>) -> Clock {
        let real = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| (d.as_nanos() / 100) as i64) + EPOCH;
        let start = start.unwrap_or_else(real);
        Clock { start, hands: Mutex::new(Hands { at: start, since: Some(Instant::now()) }) }
    }

    /// When it started.
    pub(super) fn start(&self) -> i64 {
        self.start
    }

    /// Now, in ticks.
    pub(super) fn now(&self) -> i64 {
        lock(&self.hands).now()
    }

    /// Now, in seconds since 1970.
    pub(super) fn seconds(&self) -> i64 {
        seconds_of(self.now())
    }

    /// Lets time pass. It goes forward only: tokens from the future and actions that end before they begin are nobody's test.
    pub(super) fn advance(&self, ticks: i64) {
        let mut hands = lock(&self.hands);
        // Beyond that year no time can be written.
        hands.at = hands.at.saturating_add(ticks.max(0)).min(LAST);
    }

    /// It is then. Refused where that lies in the past.
    pub(super) fn set(&self, ticks: i64) -> Result<(), String> {
        let mut hands = lock(&self.hands);
        let now = hands.now();
        if ticks < now {
            return Err(format!("the sandbox's time goes forward only, and it is {} already", iso(now)));
        }
        hands.at = ticks.min(LAST);
        hands.since = hands.since.map(|_| Instant::now());
        Ok(())
    }

    /// Stands still, or moves again from there. Pushed forward it is in both.
    pub(super) fn freeze(&self, still: bool) {
        let mut hands = lock(&self.hands);
        hands.at = hands.now();
        hands.since = if still { None } else { Some(Instant::now()) };
    }

    pub(super) fn is_frozen(&self) -> bool {
        lock(&self.hands).since.is_none()
    }
}

/// Ticks of a length of time: `5m`, `1h30m`, `200ms`, `2d`; seconds without a unit.
pub(super) fn span(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return ticks_of(seconds);
    }
    let units = [("d", DAY), ("h", 3600 * SECOND), ("m", 60 * SECOND), ("s", SECOND), ("ms", SECOND / 1000)];
    let (mut rest, mut total, mut from) = (text, 0i64, 0);
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (digits, after) = rest.split_at(number);
        let unit = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (name, after) = after.split_at(unit);
        // Units come in their order, each once.
        let at = units.iter().skip(from).position(|(unit, _)| *unit == name)? + from;
        let (_, ticks) = units.get(at)?;
        total = total.checked_add(ticks_of(digits.parse::<f64>().ok()? * (*ticks as f64 / SECOND as f64))?)?;
        (rest, from) = (after, at + 1);
    }
    (!text.is_empty()).then_some(total)
}

/// The same of a JSON value: text, or a number of seconds.
pub(super) fn span_of(value: &Value) -> Option<i64> {
    value.as_str().map_or_else(|| value.as_f64().and_then(ticks_of), span)
}

fn ticks_of(seconds: f64) -> Option<i64> {
    (0.0..1e11).contains(&seconds).then_some((seconds * SECOND as f64).round() as i64)
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
    fn lengths_of_time_are_read() {
        for (text, expected) in [
            ("5m", Some(300 * SECOND)),
            ("1h30m", Some(5400 * SECOND)),
            ("200ms", Some(SECOND / 5)),
            ("1.5s", Some(SECOND * 3 / 2)),
            ("2d", Some(2 * DAY)),
            ("90", Some(90 * SECOND)),
            ("0", Some(0)),
            ("5s5ms", Some(5 * SECOND + SECOND / 200)),
            ("", None),
            ("m", None),
            ("5", Some(5 * SECOND)),
            ("5m1h", None),
            ("5x", None),
            ("-5m", None),
            ("nan", None),
            ("1e99", None),
        ] {
            assert_eq!(span(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_clock_stands_still_and_goes_on_but_never_back() {
        let noon = parse("2026-11-21T12:00:00Z").unwrap();
        let clock = Clock::new(Some(noon));
        clock.freeze(true);
        let still = clock.now();
        std::thread::yield_now();
        assert_eq!(clock.now(), still);
        clock.advance(SECOND);
        assert_eq!(clock.now(), still + SECOND);
        assert!(clock.set(noon - SECOND).unwrap_err().contains("forward only"));
        clock.set(noon + DAY).unwrap();
        assert_eq!((clock.now(), clock.is_frozen()), (noon + DAY, true));
        clock.freeze(false);
        assert!(clock.now() >= noon + DAY && clock.now() < noon + DAY + 60 * SECOND);
        clock.advance(i64::MAX);
        assert!(iso(clock.now()).starts_with("9"), "{}", iso(clock.now()));
    }

    #[test]
    fn the_clock_moves_and_can_be_pushed() {
        let clock = Clock::new(parse("2026-11-21T12:00:00Z"));
        assert!(clock.now() >= clock.start());
        clock.advance(DAY);
        assert_eq!(plain(clock.now()).split(' ').next(), Some("2026-11-22"));
    }
}
