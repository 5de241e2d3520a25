//! Calendar functions.

use super::super::datetime::*;
use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::{Built, Naming, P, Refusal, Site, Spec, at, built, checked, plain};
use std::sync::Arc;

const D: Type = Type::DateTime;
const ON_DATE: &[P] = &[P::DateTime];
const WITH_OFFSET: &[P] = &[P::DateTime, P::Int];

pub(super) const FUNCTIONS: &[Spec] = &[
    plain("startofday", WITH_OFFSET, D, |a| edge(a, Unit::Day, false)).optional(1).named(Naming::FirstArgument),
    plain("startofweek", WITH_OFFSET, D, |a| edge(a, Unit::Week, false)).optional(1),
    plain("startofmonth", WITH_OFFSET, D, |a| edge(a, Unit::Month, false)).optional(1),
    plain("startofyear", WITH_OFFSET, D, |a| edge(a, Unit::Year, false)).optional(1),
    plain("endofday", WITH_OFFSET, D, |a| edge(a, Unit::Day, true)).optional(1),
    plain("endofweek", WITH_OFFSET, D, |a| edge(a, Unit::Week, true)).optional(1),
    plain("endofmonth", WITH_OFFSET, D, |a| edge(a, Unit::Month, true)).optional(1),
    plain("endofyear", WITH_OFFSET, D, |a| edge(a, Unit::Year, true)).optional(1),
    plain("getyear", ON_DATE, Type::Int, |a| part(a, |t| parts(t).year)),
    plain("getmonth", ON_DATE, Type::Int, |a| part(a, |t| parts(t).month)),
    plain("monthofyear", ON_DATE, Type::Int, |a| part(a, |t| parts(t).month)),
    plain("dayofmonth", ON_DATE, Type::Int, |a| part(a, |t| parts(t).day)),
    plain("dayofyear", ON_DATE, Type::Int, |a| part(a, day_of_year)),
    plain("hourofday", ON_DATE, Type::Int, |a| part(a, |t| parts(t).of_day / HOUR)),
    plain("week_of_year", ON_DATE, Type::Int, |a| part(a, iso_week)),
    plain("dayofweek", ON_DATE, Type::TimeSpan, |a| ticks_at(a, 0).map_or(Value::Null, |t| Value::TimeSpan(day_of_week(t) * DAY))),
    built("datetime_part", &[P::Str, P::DateTime], Type::Int, datetime_part),
    built("datepart", &[P::Str, P::DateTime], Type::Int, datetime_part),
    built("datetime_add", &[P::Str, P::Int, P::DateTime], D, datetime_add),
    built("datetime_diff", &[P::Str, P::DateTime, P::DateTime], Type::Long, datetime_diff),
    built("format_datetime", &[P::DateTime, P::Str], Type::String, |s| format(s, true)).named(Naming::FirstArgument),
    built("format_timespan", &[P::TimeSpan, P::Str], Type::String, |s| format(s, false)).named(Naming::FirstArgument),
    plain("make_datetime", &[P::Int, P::Int, P::Int, P::Int, P::Int, P::Num], D, make_datetime).optional(3),
    plain("make_timespan", &[P::Int, P::Int, P::Num, P::Num], Type::TimeSpan, make_timespan).optional(2),
    checked("unixtime_seconds_todatetime", &[P::Num], D, |a| unix(a, SECOND)),
    checked("unixtime_milliseconds_todatetime", &[P::Num], D, |a| unix(a, SECOND / 1000)),
    checked("unixtime_microseconds_todatetime", &[P::Num], D, |a| unix(a, 10)),
    plain("unixtime_nanoseconds_todatetime", &[P::Int], D, |a| {
        date(ticks_at(a, 0).and_then(|n| n.div_euclid(100).checked_add(UNIX_EPOCH)))
    }),
];

fn ticks_at(args: &[&Value], index: usize) -> Option<i64> {
    args.get(index).and_then(|v| v.as_i64())
}

fn date(ticks: Option<i64>) -> Value {
    ticks.and_then(in_range).map_or(Value::Null, Value::DateTime)
}

fn part(args: &[&Value], of: impl Fn(i64) -> i64) -> Value {
    ticks_at(args, 0).and_then(|t| i32::try_from(of(t)).ok()).map_or(Value::Null, Value::Int)
}

#[derive(Clone, Copy)]
enum Unit {
    Day,
    Week,
    Month,
    Year,
}

fn start_of(t: i64, unit: Unit) -> Option<i64> {
    let p = parts(t);
    match unit {
        Unit::Day => Some(t - p.of_day),
        Unit::Week => Some(t - p.of_day - day_of_week(t) * DAY),
        Unit::Month => ticks(p.year, p.month, 1, 0),
        Unit::Year => ticks(p.year, 1, 1, 0),
    }
}

fn shift(t: i64, unit: Unit, count: i64) -> Option<i64> {
    match unit {
        Unit::Day => count.checked_mul(DAY)?.checked_add(t),
        Unit::Week => count.checked_mul(7 * DAY)?.checked_add(t),
        Unit::Month => add_months(t, count),
        Unit::Year => add_months(t, count.checked_mul(12)?),
    }
}

fn edge(args: &[&Value], unit: Unit, end: bool) -> Value {
    let offset = ticks_at(args, 1).unwrap_or(0);
    let start = ticks_at(args, 0).and_then(|t| start_of(t, unit)).and_then(|t| shift(t, unit, offset));
    date(if end { start.and_then(|t| shift(t, unit, 1)).map(|t| t - 1) } else { start })
}

fn unit_of(site: &Site<'_>) -> Result<String, Refusal> {
    site.text(0).map(str::to_lowercase).ok_or_else(|| Refusal::Wrong("the part must be a string literal".to_owned()))
}

fn datetime_part(site: &Site<'_>) -> Built {
    let of: fn(i64) -> i64 = match unit_of(site)?.as_str() {
        "year" => |t| parts(t).year,
        "quarter" => |t| (parts(t).month - 1) / 3 + 1,
        "month" => |t| parts(t).month,
        "week_of_year" => iso_week,
        "day" => |t| parts(t).day,
        "dayofyear" => day_of_year,
        "hour" => |t| parts(t).of_day / HOUR,
        "minute" => |t| parts(t).of_day / MINUTE % 60,
        "second" => |t| parts(t).of_day / SECOND % 60,
        "millisecond" => |t| t % SECOND / 10_000,
        "microsecond" => |t| t % SECOND / 10,
        "nanosecond" => |t| t % SECOND * 100,
        other => return Err(Refusal::Wrong(format!("'{other}' is no part of a datetime"))),
    };
    Ok(Arc::new(move |a: &[&Value]| Ok(ticks_at(a, 1).and_then(|t| i32::try_from(of(t)).ok()).map_or(Value::Null, Value::Int))))
}

fn datetime_add(site: &Site<'_>) -> Built {
    let (months, step) = match unit_of(site)?.as_str() {
        "year" => (12, 0),
        "quarter" => (3, 0),
        "month" => (1, 0),
        "week" => (0, 7 * DAY),
        "day" => (0, DAY),
        "hour" => (0, HOUR),
        "minute" => (0, MINUTE),
        "second" => (0, SECOND),
        "millisecond" => (0, SECOND / 1000),
        "microsecond" => (0, 10),
        other => return Err(Refusal::Wrong(format!("'{other}' is no period that can be added"))),
    };
    Ok(Arc::new(move |a: &[&Value]| {
        let moved = ticks_at(a, 1)
            .zip(ticks_at(a, 2))
            .and_then(|(n, t)| if months > 0 { add_months(t, n.checked_mul(months)?) } else { n.checked_mul(step)?.checked_add(t) });
        Ok(date(moved))
    }))
}

/// Counts the borders between two moments, as the language does.
fn datetime_diff(site: &Site<'_>) -> Built {
    let count: fn(i64) -> i64 = match unit_of(site)?.as_str() {
        "year" => |t| parts(t).year,
        "quarter" => |t| parts(t).year * 4 + (parts(t).month - 1) / 3,
        "month" => |t| parts(t).year * 12 + parts(t).month,
        "week" => |t| (t.div_euclid(DAY) + 1).div_euclid(7),
        "day" => |t| t.div_euclid(DAY),
        "hour" => |t| t.div_euclid(HOUR),
        "minute" => |t| t.div_euclid(MINUTE),
        "second" => |t| t.div_euclid(SECOND),
        "millisecond" => |t| t.div_euclid(SECOND / 1000),
        "microsecond" => |t| t.div_euclid(10),
        "nanosecond" => |t| t,
        other => return Err(Refusal::Wrong(format!("'{other}' is no period of datetime_diff"))),
    };
    let scale = if site.text(0).is_some_and(|u| u.eq_ignore_ascii_case("nanosecond")) { 100 } else { 1 };
    Ok(Arc::new(move |a: &[&Value]| {
        let diff = ticks_at(a, 1).zip(ticks_at(a, 2)).and_then(|(x, y)| (count(x) - count(y)).checked_mul(scale));
        Ok(diff.map_or(Value::Null, Value::Long))
    }))
}

fn format(site: &Site<'_>, is_date: bool) -> Built {
    let Some(pattern) = site.text(1).map(str::to_owned) else {
        return Err(Refusal::Wrong("the format must be a string literal".to_owned()));
    };
    let runs = runs(&pattern);
    for run in &runs {
        let c = run.chars().next().unwrap_or(' ');
        let ok = match c {
            'd' => run.len() <= if is_date { 2 } else { 8 },
            'f' | 'F' => run.len() <= 7,
            'h' | 'H' | 'm' | 's' => run.len() <= 2,
            'M' => is_date && run.len() <= 2,
            'y' => is_date && matches!(run.len(), 1 | 2 | 4),
            't' => is_date && run.len() == 2,
            ' ' | '/' | '-' | ':' | ',' | '.' | '_' | '[' | ']' => true,
            _ => false,
        };
        if !ok {
            return Err(Refusal::Missing(format!("'{run}' in a date or time format")));
        }
    }
    Ok(Arc::new(move |a: &[&Value]| {
        let t = ticks_at(a, 0).unwrap_or(0);
        Ok(Value::text(runs.iter().map(|run| format_run(run, t, is_date)).collect::<String>()))
    }))
}

/// Runs of one character: `yyyy`, `-`, `MM`.
fn runs(pattern: &str) -> Vec<String> {
    let mut runs: Vec<String> = Vec::new();
    for c in pattern.chars() {
        match runs.last_mut() {
            Some(run) if run.ends_with(c) => run.push(c),
            _ => runs.push(c.to_string()),
        }
    }
    runs
}

fn format_run(run: &str, t: i64, is_date: bool) -> String {
    let size = if is_date { t } else { t.saturating_abs() };
    let p = if is_date { parts(t) } else { Parts { year: 0, month: 0, day: size / DAY, of_day: size % DAY } };
    let (h, m, s, f) = clock(p.of_day);
    let width = run.len();
    let padded = |n: i64| format!("{n:0width$}");
    match run.chars().next().unwrap_or(' ') {
        'd' => padded(p.day),
        'H' => padded(h),
        'h' if !is_date => padded(h),
        'h' => padded(if h % 12 == 0 { 12 } else { h % 12 }),
        'm' => padded(m),
        's' => padded(s),
        'M' => padded(p.month),
        'y' if width <= 2 => padded(p.year % 100),
        'y' => padded(p.year),
        't' => if h < 12 { "AM" } else { "PM" }.to_owned(),
        'f' => format!("{f:07}").get(..width).unwrap_or_default().to_owned(),
        'F' => format!("{f:07}").get(..width).unwrap_or_default().trim_end_matches('0').to_owned(),
        _ => run.to_owned(),
    }
}

fn make_datetime(args: &[&Value]) -> Value {
    let number = |i: usize| ticks_at(args, i).unwrap_or(0);
    let second = args.get(5).and_then(|v| v.as_f64()).unwrap_or(0.0);
    let (hour, minute) = (number(3), number(4));
    if !((0..24).contains(&hour) && (0..60).contains(&minute) && (0.0..60.0).contains(&second)) {
        return Value::Null;
    }
    date(ticks(number(0), number(1), number(2), hour * HOUR + minute * MINUTE + (second * SECOND as f64).round() as i64))
}

fn make_timespan(args: &[&Value]) -> Value {
    let numbers: Vec<f64> = args.iter().map(|v| v.as_f64().unwrap_or(0.0)).collect();
    let (days, hours, minutes, seconds) = match numbers.as_slice() {
        [h, m] => (0.0, *h, *m, 0.0),
        [h, m, s] => (0.0, *h, *m, *s),
        [d, h, m, s] => (*d, *h, *m, *s),
        _ => return Value::Null,
    };
    if !((0.0..24.0).contains(&hours) && (0.0..60.0).contains(&minutes) && (0.0..60.0).contains(&seconds) && (0.0..1e7).contains(&days)) {
        return Value::Null;
    }
    Value::TimeSpan((days as i64) * DAY + (hours as i64) * HOUR + (minutes as i64) * MINUTE + (seconds * SECOND as f64).round() as i64)
}

fn unix(args: &[&Value], unit: i64) -> Answer {
    let moved = match at(args, 0) {
        Value::Real(r) => {
            let ticks = r * unit as f64;
            if !ticks.is_finite() || ticks.abs() > 9e18 {
                return Err(Trouble::Unsupported("a unix time out of range".to_owned()));
            }
            (ticks.round() as i64).checked_add(UNIX_EPOCH)
        }
        other => other.as_i64().and_then(|n| n.checked_mul(unit)).and_then(|t| t.checked_add(UNIX_EPOCH)),
    };
    Ok(date(moved))
}
