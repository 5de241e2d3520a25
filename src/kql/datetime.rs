//! The calendar of the language: ticks of 100 ns since year 1, and the texts in which people and services write them.

const TICKS_PER_SECOND: i64 = 10_000_000;
/// Ticks in a day.
pub(super) const DAY: i64 = 86_400 * TICKS_PER_SECOND;
/// Ticks in an hour.
pub(super) const HOUR: i64 = 3_600 * TICKS_PER_SECOND;
/// Ticks in a minute.
pub(super) const MINUTE: i64 = 60 * TICKS_PER_SECOND;
/// Ticks in a second.
pub(super) const SECOND: i64 = TICKS_PER_SECOND;
/// The last tick of year 9999.
pub(super) const MAX_DATETIME: i64 = 3_155_378_975_999_999_999;
/// Ticks of 1970-01-01.
pub(super) const UNIX_EPOCH: i64 = 621_355_968_000_000_000;

/// A moment, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    /// Ticks since midnight.
    pub(super) of_day: i64,
}

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 0001-01-01 to the first of a month, by the civil calendar with years that begin in March.
fn days_before(year: i64, month: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 306
}

/// The ticks of a moment, if year, month and day exist.
pub(super) fn ticks(year: i64, month: i64, day: i64, of_day: i64) -> Option<i64> {
    let real = (1..=9999).contains(&year) && (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    real.then(|| (days_before(year, month) + day - 1) * DAY + of_day)
}

pub(super) fn parts(t: i64) -> Parts {
    let days = t.div_euclid(DAY);
    let z = days + 306;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Parts { year, month, day: day_of_year - (153 * shifted + 2) / 5 + 1, of_day: t.rem_euclid(DAY) }
}

/// 1 for the first of January.
pub(super) fn day_of_year(t: i64) -> i64 {
    let p = parts(t);
    t.div_euclid(DAY) - days_before(p.year, 1) + 1
}

/// 0 for Sunday.
pub(super) fn day_of_week(t: i64) -> i64 {
    (t.div_euclid(DAY) + 1).rem_euclid(7)
}

/// The ISO 8601 week.
pub(super) fn iso_week(t: i64) -> i64 {
    let weekday = (day_of_week(t) + 6).rem_euclid(7);
    let thursday = (t.div_euclid(DAY) - weekday + 3) * DAY;
    (day_of_year(thursday) - 1) / 7 + 1
}

/// Moves by whole months; a day that the month lacks becomes its last.
pub(super) fn add_months(t: i64, months: i64) -> Option<i64> {
    let p = parts(t);
    let index = (p.year * 12 + p.month - 1).checked_add(months)?;
    let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
    ticks(year, month, p.day.min(days_in_month(year, month)), p.of_day)
}

pub(super) fn in_range(t: i64) -> Option<i64> {
    (0..=MAX_DATETIME).contains(&t).then_some(t)
}

/// ISO 8601 in UTC as the services print it: the fraction has up to 7 digits and no trailing zeros.
pub fn format_datetime(ticks: i64) -> String {
    let full = format_datetime_full(ticks);
    let (whole, fraction) = full.split_once('.').unwrap_or((&full, ""));
    let fraction = fraction.trim_end_matches('Z').trim_end_matches('0');
    if fraction.is_empty() { format!("{whole}Z") } else { format!("{whole}.{fraction}Z") }
}

/// ISO 8601 with all 7 digits: what `tostring` and dynamic values hold.
pub(super) fn format_datetime_full(t: i64) -> String {
    let p = parts(t);
    let (h, m, s, f) = clock(p.of_day);
    format!("{:04}-{:02}-{:02}T{h:02}:{m:02}:{s:02}.{f:07}Z", p.year, p.month, p.day)
}

/// Hours, minutes, seconds and ticks of a duration below a day.
pub(super) fn clock(of_day: i64) -> (i64, i64, i64, i64) {
    (of_day / HOUR, of_day / MINUTE % 60, of_day / SECOND % 60, of_day % SECOND)
}

/// `[-][d.]hh:mm:ss[.fffffff]`
pub fn format_timespan(ticks: i64) -> String {
    let size = i128::from(ticks).abs();
    let days = size / i128::from(DAY);
    let (h, m, s, f) = clock((size % i128::from(DAY)) as i64);
    let mut out = if ticks < 0 { "-".to_owned() } else { String::new() };
    if days > 0 {
        out.push_str(&format!("{days}."));
    }
    out.push_str(&format!("{h:02}:{m:02}:{s:02}"));
    if f > 0 {
        out.push_str(&format!(".{f:07}"));
    }
    out
}

/// The ticks of one unit as literals spell it.
pub(super) fn unit_ticks(unit: &str) -> Option<i64> {
    Some(match unit {
        "d" | "day" | "days" => DAY,
        "h" | "hr" | "hrs" | "hour" | "hours" => HOUR,
        "m" | "min" | "mins" | "minute" | "minutes" => MINUTE,
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        "ms" | "milli" | "millis" | "millisec" | "millisecond" | "milliseconds" => SECOND / 1000,
        "us" | "micro" | "micros" | "microsec" | "microsecond" | "microseconds" => 10,
        "tick" | "ticks" => 1,
        _ => return None,
    })
}

struct Scan<'a>(&'a str);

impl<'a> Scan<'a> {
    fn digits(&mut self, min: usize, max: usize) -> Option<&'a str> {
        let len = self.0.bytes().take(max).take_while(u8::is_ascii_digit).count();
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        (len >= min).then_some(taken)
    }

    fn number(&mut self, min: usize, max: usize) -> Option<i64> {
        self.digits(min, max)?.parse().ok()
    }

    fn take(&mut self, signs: &[char]) -> bool {
        match self.0.strip_prefix(signs) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// `.123` as ticks; more than 7 digits are cut.
    fn fraction(&mut self) -> Option<i64> {
        if !self.take(&['.', ',']) {
            return Some(0);
        }
        let digits = self.digits(1, 30)?;
        format!("{:0<7}", digits).get(..7)?.parse().ok()
    }
}

/// Reads ISO 8601 (a date, perhaps with a time, a fraction and an offset) and RFC 822 into ticks; no offset means UTC.
pub fn parse_datetime(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.starts_with(|c: char| c.is_ascii_alphabetic())
        || text.contains(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'T' | 'Z' | 't' | 'z'))
    {
        return parse_rfc822(text);
    }
    let mut scan = Scan(text);
    let year = scan.number(4, 4)?;
    let month = if scan.take(&['-', '/']) { scan.number(1, 2)? } else { 1 };
    let day = if scan.take(&['-', '/']) { scan.number(1, 2)? } else { 1 };
    let date = ticks(year, month, day, 0)?;
    if scan.0.is_empty() {
        return Some(date);
    }
    if !scan.take(&['T', 't', ' ']) {
        return scan.take(&['Z', 'z']).then_some(date).filter(|_| scan.0.is_empty());
    }
    scan.0 = scan.0.trim_start();
    let time = read_clock(&mut scan)?;
    let offset = read_offset(scan.0.trim())?;
    in_range(date + time - offset)
}

/// Whether a text that is in no known format may still be a date to the service, such as `01/16/2026` or `8:00 AM`.
pub(super) fn looks_like_a_date(text: &str) -> bool {
    let mut parts = text.trim().split(['-', '.', ' ']);
    let mut short = |most: usize| parts.next().is_some_and(|p| (1..=most).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()));
    let three_numbers = short(2) && short(2) && short(4);
    text.starts_with(|c: char| c.is_ascii_digit()) && (three_numbers || text.contains(['/', ':'])) && !text.contains(',')
}

fn read_clock(scan: &mut Scan<'_>) -> Option<i64> {
    let hour = scan.number(1, 2)?;
    if !scan.take(&[':']) {
        return None;
    }
    let minute = scan.number(1, 2)?;
    let second = if scan.take(&[':']) { scan.number(1, 2)? } else { 0 };
    let fraction = scan.fraction()?;
    (hour < 24 && minute < 60 && second < 60).then_some(hour * HOUR + minute * MINUTE + second * SECOND + fraction)
}

fn read_offset(text: &str) -> Option<i64> {
    if text.is_empty() || matches!(text, "Z" | "z" | "GMT" | "UTC") {
        return Some(0);
    }
    let mut scan = Scan(text);
    let negative = scan.take(&['-']);
    if !negative && !scan.take(&['+']) {
        return None;
    }
    let hours = scan.number(1, 2)?;
    scan.take(&[':']);
    let minutes = if scan.0.is_empty() { 0 } else { scan.number(2, 2)? };
    let offset = hours * HOUR + minutes * MINUTE;
    (scan.0.is_empty() && hours < 15 && minutes < 60).then_some(if negative { -offset } else { offset })
}

/// `Sat, 8 Nov 2014 15:05:02 GMT`
fn parse_rfc822(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let text = text.split_once(',').map_or(text, |(_, rest)| rest).trim();
    let mut words = text.split([' ', '-']).filter(|w| !w.is_empty());
    let day: i64 = words.next()?.parse().ok()?;
    let month = words.next()?.to_lowercase();
    let month = MONTHS.iter().position(|m| month == *m)? as i64 + 1;
    let year = words.next()?;
    let year: i64 = if year.len() == 2 { year.parse::<i64>().ok()? + 2000 } else { year.parse().ok()? };
    let mut of_day = 0;
    if let Some(time) = words.next() {
        let mut scan = Scan(time);
        of_day = read_clock(&mut scan)?;
        scan.0.is_empty().then_some(())?;
    }
    let offset = read_offset(words.next().unwrap_or_default())?;
    words.next().is_none().then_some(())?;
    in_range(ticks(year, month, day, of_day)? - offset)
}

/// Reads `1.02:03:04.5`, `02:03`, `7d`, `100ms` and a bare number of days into ticks.
pub fn parse_timespan(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, body) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let sign = if negative { -1 } else { 1 };
    let unit_at = body.find(|c: char| c.is_ascii_alphabetic());
    if let Some(at) = unit_at {
        let (digits, unit) = body.split_at_checked(at)?;
        let unit = unit_ticks(unit)?;
        let digits = digits.trim();
        if let Ok(whole) = digits.parse::<i64>() {
            return whole.checked_mul(unit)?.checked_mul(sign);
        }
        let value = digits.parse::<f64>().ok()? * unit as f64;
        return (value.abs() < 9.2e18).then_some(sign * value.round() as i64);
    }
    if !body.contains(':') {
        let days = body.parse::<i64>().ok()?;
        return days.checked_mul(DAY)?.checked_mul(sign);
    }
    let (days, time) = match body.split_once('.') {
        Some((days, time)) if time.contains(':') => (days.parse::<i64>().ok()?, time),
        _ => (0, body),
    };
    let mut scan = Scan(time);
    let time = read_clock(&mut scan)?;
    scan.0.is_empty().then_some(())?;
    days.checked_mul(DAY)?.checked_add(time)?.checked_mul(sign)
}
