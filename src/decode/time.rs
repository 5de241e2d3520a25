//! Moments and spans as the services write them, counted in ticks of 100 ns.
//!
//! Seven digits of fraction are what the services have; a tick keeps them, and reaches from the year 1 to the year 9999, which nanoseconds do not.

/// Ticks in a second.
pub(crate) const SECOND: i64 = 10_000_000;
const DAY: i64 = 86_400 * SECOND;

/// Ticks since 1970 of an ISO 8601 text. Without a zone it is UTC. `None` is what cannot be said in ticks: then the text is kept.
pub(crate) fn moment(text: &[u8]) -> Option<i64> {
    let (date, rest) = text.split_at_checked(19)?;
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', h1, h2, b':', n1, n2, b':', s1, s2] = date else { return None };
    let two = |a: u8, b: u8| -> Option<i64> { Some(digit(a)? * 10 + digit(b)?) };
    let (year, month, day) = (two(y1, y2)? * 100 + two(y3, y4)?, two(m1, m2)?, two(d1, d2)?);
    let (hour, minute, second) = (two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
    if !(1..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || day < 1
        || day > days_in(year, month)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    let (fraction, zone) = fraction(rest)?;
    let offset = match zone {
        b"" | b"Z" | b"z" => 0,
        &[sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] | &[sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
            let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 3600 + minutes * 60) * if sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    Some((days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset) * SECOND + fraction)
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

/// Ticks of a fraction, if there is one, and what stands behind it. An eighth digit that says something does not fit.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else { return Some((0, text)) };
    let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at_checked(count)?;
    let (kept, beyond) = digits.split_at_checked(7).unwrap_or((digits, &[]));
    if count == 0 || beyond.iter().any(|b| *b != b'0') {
        return None;
    }
    let value = kept.iter().fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
    Some((value * 10i64.pow(7 - kept.len() as u32), rest))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the Gregorian calendar, counted in years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of days since 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted - era * 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + era * 400 + next, month, day)
}

/// ISO 8601 text in UTC, with no more digits of fraction than it needs.
pub(crate) fn write_moment(ticks: i64, out: &mut String) {
    write_instant(ticks.div_euclid(SECOND), ticks.rem_euclid(SECOND) * 100, out);
}

/// The same of seconds since 1970, and nanoseconds beside them.
pub(crate) fn write_instant(seconds: i64, nanoseconds: i64, out: &mut String) {
    use std::fmt::Write;
    let (year, month, day) = date(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    if (0..=9999).contains(&year) {
        four(year, out);
    } else {
        // ISO 8601 wants a sign where there are more than four digits.
        let _ = write!(out, "{year:+06}");
    }
    for (mark, number) in [('-', month), ('-', day), ('T', second / 3600), (':', second / 60 % 60), (':', second % 60)] {
        out.push(mark);
        two(number, out);
    }
    if nanoseconds != 0 {
        out.push('.');
        seven(nanoseconds / 100, out);
        two(nanoseconds, out);
        out.truncate(out.trim_end_matches('0').len());
    }
    out.push('Z');
}

fn push_digit(number: i64, out: &mut String) {
    out.push(char::from(b'0' + (number % 10) as u8));
}

fn two(number: i64, out: &mut String) {
    push_digit(number / 10, out);
    push_digit(number, out);
}

fn four(number: i64, out: &mut String) {
    two(number / 100, out);
    two(number % 100, out);
}

fn seven(number: i64, out: &mut String) {
    four(number / 1000, out);
    push_digit(number / 100, out);
    two(number % 100, out);
}

/// Ticks of a span such as `1.02:03:04.5000000`. `None` where writing it again would give another text.
pub(crate) fn span(text: &[u8]) -> Option<i64> {
    let (negative, rest) = text.strip_prefix(b"-").map_or((false, text), |rest| (true, rest));
    let clock = rest.iter().position(|b| *b == b':')?;
    let dot = rest.iter().take(clock).position(|b| *b == b'.');
    let (days, clock) = match dot {
        Some(at) => (number(rest.get(..at)?)?, rest.get(at + 1..)?),
        None => (0, rest),
    };
    let (&[h1, h2, b':', m1, m2, b':', s1, s2], rest) = clock.split_first_chunk::<8>()? else { return None };
    let two = |a: u8, b: u8| -> Option<i64> { Some(digit(a)? * 10 + digit(b)?) };
    let (fraction, end) = fraction(rest)?;
    let seconds = two(h1, h2)? * 3600 + two(m1, m2)? * 60 + two(s1, s2)?;
    let ticks = days.checked_mul(DAY)?.checked_add(seconds * SECOND + fraction)?;
    let ticks = if negative { -ticks } else { ticks };
    let mut again = String::new();
    write_span(ticks, &mut again);
    (end.is_empty() && again.as_bytes() == text).then_some(ticks)
}

fn number(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok().filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

/// The text of a span: `[-][days.]hh:mm:ss[.fffffff]`.
pub(crate) fn write_span(ticks: i64, out: &mut String) {
    use std::fmt::Write;
    if ticks < 0 {
        out.push('-');
    }
    let ticks = ticks.unsigned_abs();
    let day = DAY.unsigned_abs();
    if ticks >= day {
        let _ = write!(out, "{}.", ticks / day);
    }
    let of_day = (ticks % day) as i64;
    let seconds = of_day / SECOND;
    two(seconds / 3600, out);
    out.push(':');
    two(seconds / 60 % 60, out);
    out.push(':');
    two(seconds % 60, out);
    if of_day % SECOND != 0 {
        out.push('.');
        seven(of_day % SECOND, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn text(ticks: i64) -> String {
        let mut out = String::new();
        write_moment(ticks, &mut out);
        out
    }

    #[test]
    fn moments_keep_seven_digits_and_the_whole_calendar() {
        for (given, written) in [
            ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"),
            ("2026-11-01T00:00:00.1234567Z", "2026-11-01T00:00:00.1234567Z"),
            ("2026-11-01T00:00:00.1200000Z", "2026-11-01T00:00:00.12Z"),
            ("2026-11-01T00:00:00.000000000Z", "2026-11-01T00:00:00Z"),
            ("2026-11-01T02:00:00+02:00", "2026-11-01T00:00:00Z"),
            ("2026-11-01 00:00:00", "2026-11-01T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.9999999Z"),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
        ] {
            assert_eq!(text(moment(given.as_bytes()).unwrap()), written, "{given}");
        }
        for bad in [
            "",
            "2026-11-01",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-01T24:00:00Z",
            "2026-11-01T00:00:60Z",
            "2026-11-01T00:00:00.Z",
            "2026-11-01T00:00:00.12345678Z",
            "2026-11-01T00:00:00Zx",
            "2026-11-01T00:00:00+2:00",
            "soon",
        ] {
            assert_eq!(moment(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn spans_are_ticks_only_where_they_can_be_written_again() {
        for (given, ticks) in
            [("00:00:00", 0), ("1.00:00:00", DAY), ("-02:03:04.0000001", -(7384 * SECOND + 1)), ("23:59:59.5000000", DAY - SECOND / 2)]
        {
            assert_eq!(span(given.as_bytes()), Some(ticks), "{given}");
        }
        for bad in ["", "1", "PT1H", "24:00:00", "00:00:00.5", "01.00:00:00", "1.0:00:00", "00:00:00x", "99999999999999.00:00:00"] {
            assert_eq!(span(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        /// The calendar is the one of a library that others test.
        #[test]
        fn moments_agree_with_jiff(seconds in -62_135_596_800i64..253_402_207_200, fraction in 0i64..SECOND) {
            let at = Timestamp::new(seconds, (fraction * 100) as i32).unwrap();
            let ours = text(seconds * SECOND + fraction);
            prop_assert_eq!(ours.parse::<Timestamp>().unwrap(), at);
            prop_assert_eq!(moment(at.to_string().as_bytes()), Some(seconds * SECOND + fraction));
        }
    }
}
