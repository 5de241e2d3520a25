//! Moments and spans as text: what rows, lines and fields say of them.

use crate::decode::time::{self, write_instant, write_span};
use std::fmt::Write;

const SECOND: i64 = 1_000_000_000;

/// A moment, in nanoseconds since 1970, as ISO 8601 in UTC with as many digits as it has.
pub fn moment(nanoseconds: i64, out: &mut String) {
    write_instant(nanoseconds.div_euclid(SECOND), nanoseconds.rem_euclid(SECOND), out);
}

/// The same of microseconds.
pub fn moment_of_microseconds(microseconds: i64, out: &mut String) {
    write_instant(microseconds.div_euclid(1_000_000), microseconds.rem_euclid(1_000_000) * 1000, out);
}

/// A span as the services write one: `[-][d.]hh:mm:ss[.fffffff]`; with nine digits, if it needs them.
pub fn span(nanoseconds: i64, out: &mut String) {
    if nanoseconds % 100 == 0 {
        return write_span(nanoseconds / 100, out);
    }
    if nanoseconds < 0 {
        out.push('-');
    }
    write_span((nanoseconds / SECOND).abs() * time::SECOND, out);
    // Writing to a string does not fail.
    let _ = write!(out, ".{:09}", (nanoseconds % SECOND).abs());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(write: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn moments_have_the_digits_that_they_need() {
        for (at, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_795_219_200_123_456_700, "2026-11-21T00:00:00.1234567Z"),
            (1_795_219_200_120_000_000, "2026-11-21T00:00:00.12Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
        ] {
            assert_eq!(said(|out| moment(at, out)), text);
        }
        assert_eq!(said(|out| moment_of_microseconds(253_402_300_799_999_999, out)), "9999-12-31T23:59:59.999999Z");
        assert_eq!(said(|out| moment_of_microseconds(-62_135_596_800_000_000, out)), "0001-01-01T00:00:00Z");
        assert_eq!(said(|out| moment_of_microseconds(253_402_300_800_000_000, out)), "+10000-01-01T00:00:00Z");
    }

    #[test]
    fn spans_are_written_as_the_services_do() {
        for (at, text) in [
            (0, "00:00:00"),
            (90 * SECOND, "00:01:30"),
            (-(86_400 + 1) * SECOND - 500_000_000, "-1.00:00:01.5000000"),
            (i64::MIN, "-106751.23:47:16.854775808"),
        ] {
            assert_eq!(said(|out| span(at, out)), text);
        }
    }

    proptest! {
        /// jiff knows the calendar too.
        #[test]
        fn moments_are_what_another_calendar_says(at in any::<i64>()) {
            let text = said(|out| moment(at, out));
            let read: jiff::Timestamp = text.parse().unwrap();
            prop_assert_eq!(read.as_nanosecond(), i128::from(at), "{}", text);
        }
    }
}
