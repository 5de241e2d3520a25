//! Moments and spans as text: what rows, lines and fields say of them.

use std::fmt::{self, Write};

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// A moment, in nanoseconds since 1970, as ISO 8601 in UTC with as many digits as it has.
pub fn moment(nanoseconds: i64, out: &mut String) {
    instant(nanoseconds.div_euclid(SECOND), nanoseconds.rem_euclid(SECOND), out);
}

/// The same of microseconds.
pub fn moment_of_microseconds(microseconds: i64, out: &mut String) {
    instant(microseconds.div_euclid(1_000_000), microseconds.rem_euclid(1_000_000) * 1000, out);
}

fn instant(seconds: i64, nanoseconds: i64, out: &mut String) {
    let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let digits = if (0..=9999).contains(&year) {
        write!(out, "{year:04}")
    } else {
        // ISO 8601 wants a sign where there are more than four digits.
        write!(out, "{year:+06}")
    };
    let rest = digits.and_then(|()| write!(out, "-{month:02}-{day:02}T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60));
    never(rest);
    fraction(nanoseconds, out);
    out.push('Z');
}

/// A span as the services write one: `[-][d.]hh:mm:ss[.fffffff]`.
pub fn span(nanoseconds: i64, out: &mut String) {
    if nanoseconds < 0 {
        out.push('-');
    }
    let all = nanoseconds.unsigned_abs();
    let (seconds, rest) = (all / SECOND.unsigned_abs(), all % SECOND.unsigned_abs());
    let (days, second) = (seconds / DAY.unsigned_abs(), seconds % DAY.unsigned_abs());
    if days > 0 {
        never(write!(out, "{days}."));
    }
    never(write!(out, "{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60));
    match rest {
        0 => {}
        rest if rest % 100 == 0 => never(write!(out, ".{:07}", rest / 100)),
        rest => never(write!(out, ".{rest:09}")),
    }
}

fn fraction(nanoseconds: i64, out: &mut String) {
    if nanoseconds != 0 {
        never(write!(out, ".{nanoseconds:09}"));
        out.truncate(out.trim_end_matches('0').len());
    }
}

/// Writing to a string does not fail.
fn never(result: fmt::Result) {
    debug_assert!(result.is_ok());
}

/// The date of a day since 1970, after Howard Hinnant's `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
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
            (-(DAY + 1) * SECOND - 500_000_000, "-1.00:00:01.5000000"),
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
