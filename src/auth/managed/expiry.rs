//! When a managed identity's token ends.
//!
//! The platforms do not agree on how to say it: seconds since 1970 as a number, as its text, with a fraction; a date as Linux workers write
//! it, one as Windows workers write it, one with a `Z`. A token whose end nobody can read is still a token, so nothing in here fails: what
//! cannot be read counts as not said.

use super::super::{Claims, entra::number};
use crate::{json::Value, secret::Secret};
use jiff::{Timestamp, fmt::strtime::BrokenDownTime};
use std::time::Duration;

/// No token of a managed identity lives longer than a day; two leave room for wrong clocks.
const LONGEST: i64 = 172_800;
/// For a token of which nothing is known.
const UNKNOWN: Duration = Duration::from_secs(300);
/// What RFC 3339 does not cover. A date without a zone is UTC here: these services know no other.
const DATES: &[&str] = &[
    "%m/%d/%Y %I:%M:%S %p %:z",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %H:%M:%S %:z",
    "%m/%d/%Y %H:%M:%S",
    "%Y-%m-%d %H:%M:%S %:z",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
];

/// Seconds since 1970, of a number or a date in any of these forms.
pub(super) fn epoch(value: &Value) -> Option<i64> {
    if let Some(seconds) = number(value) {
        return Some(seconds as i64);
    }
    let text = value.as_str()?.trim();
    let at = text.parse::<Timestamp>().ok().or_else(|| DATES.iter().find_map(|form| dated(form, text)));
    at.map(Timestamp::as_second)
}

fn dated(form: &str, text: &str) -> Option<Timestamp> {
    let mut time = BrokenDownTime::parse(form, text).ok()?;
    if time.offset().is_none() {
        time.set_offset(Some(jiff::tz::Offset::UTC));
    }
    time.to_timestamp().ok()
}

/// How long a token lives from `now`, in seconds since 1970. Of `expires_on` and `expires_in` the earlier counts; a token that is over by both
/// may know better itself.
pub(super) fn lifetime(body: &Value, token: &Secret, now: i64) -> Duration {
    let on = body.get("expires_on").and_then(epoch).map(|at| at.saturating_sub(now));
    let within = body.get("expires_in").and_then(number).map(|seconds| seconds as i64);
    let own = || Claims::read(token).and_then(|claims| claims.expires).map(|at| at.saturating_sub(now));
    let said = on.into_iter().chain(within);
    let left = said.clone().filter(|left| *left > 0).min().or_else(own).or(said.max());
    left.map_or(UNKNOWN, |left| Duration::from_secs(left.clamp(0, LONGEST).unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::object;
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    const NOW: i64 = 1_625_212_834;

    fn text(text: &str) -> Option<i64> {
        epoch(&Value::from(text))
    }

    #[test]
    fn every_form_that_a_platform_was_seen_to_write() {
        assert_eq!(epoch(&Value::Int(NOW)), Some(NOW));
        assert_eq!(epoch(&Value::Float(NOW as f64 + 0.75)), Some(NOW));
        for (form, expected) in [
            ("1625212834", NOW),
            (" 1625212834 ", NOW),
            ("1625212834.25", NOW),
            ("2021-07-02 08:00:34Z", NOW),
            ("2021-07-02T08:00:34Z", NOW),
            ("2021-07-02T08:00:34.1234567Z", NOW),
            ("2021-07-02T10:00:34+02:00", NOW),
            ("2021-07-02T10:00:34.5+02:00", NOW),
            ("2021-07-02 08:00:34 +00:00", NOW),
            ("2021-07-02 08:00:34", NOW),
            ("2021-07-02T08:00:34", NOW),
            ("06/20/2019 02:57:58 +00:00", 1_560_999_478),
            ("06/20/2019 14:57:58 +00:00", 1_561_042_678),
            ("1/16/2020 5:24:12 AM +00:00", 1_579_152_252),
            ("1/16/2020 5:24:12 PM +00:00", 1_579_195_452),
            ("1/16/2020 12:24:12 AM +00:00", 1_579_134_252),
            ("1/16/2020 12:24:12 PM +00:00", 1_579_177_452),
        ] {
            assert_eq!(text(form), Some(expected), "{form}");
        }
    }

    #[test]
    fn what_makes_no_sense_counts_as_not_said() {
        for form in ["", "soon", "13/45/2020 99:00:00 +00:00", "NaN", "inf", "2021-07-02", "1/16/2020 25:24:12 AM +00:00"] {
            assert_eq!(text(form), None, "{form}");
        }
        assert_eq!(epoch(&Value::Null), None);
        assert_eq!(epoch(&Value::Bool(true)), None);
        assert_eq!(epoch(&Value::Float(1e300)), Some(i64::MAX));
    }

    fn left(body: &[(&str, Value)], token: &Secret) -> u64 {
        let body = Value::Object(body.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect());
        lifetime(&body, token, NOW).as_secs()
    }

    fn jwt(expires: i64) -> Secret {
        Secret::new(format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(object([("exp", expires.into())]).to_string())))
    }

    #[test]
    fn the_first_that_says_something_usable_counts() {
        let opaque = Secret::new("opaque");
        assert_eq!(left(&[("expires_on", (NOW + 500).into()), ("expires_in", 600.into())], &opaque), 500);
        assert_eq!(left(&[("expires_on", (NOW + 9000).into()), ("expires_in", "600".into())], &opaque), 600);
        assert_eq!(left(&[("expires_on", "soon".into()), ("expires_in", "600".into())], &opaque), 600);
        assert_eq!(left(&[("expires_on", (NOW - 7200).into()), ("expires_in", 600.into())], &opaque), 600);
        assert_eq!(left(&[("expires_on", "soon".into())], &jwt(NOW + 700)), 700);
        assert_eq!(left(&[], &jwt(NOW + 700)), 700);
        assert_eq!(left(&[], &opaque), 300);
        assert_eq!(left(&[("expires_on", i64::MAX.into())], &opaque), 172_800);
    }

    #[test]
    fn a_token_that_is_over_is_over() {
        assert_eq!(left(&[("expires_on", (NOW - 1).into())], &Secret::new("opaque")), 0);
        assert_eq!(left(&[("expires_on", (NOW - 1).into())], &jwt(NOW - 1)), 0);
        assert_eq!(left(&[("expires_on", (NOW - 7200).into())], &jwt(NOW + 60)), 60);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_map(Value::Float),
            "[0-9]{20,40}".prop_map(|digits| Value::BigInt(digits.into())),
            ".{0,40}".prop_map(Value::String),
            "[0-9/:TZ.+ AMP-]{0,40}".prop_map(Value::String),
        ]
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(on in any_json(), within in any_json(), token in ".{0,40}", now in any::<i64>()) {
            let body = object([("expires_on", on), ("expires_in", within)]);
            prop_assert!(lifetime(&body, &Secret::new(token), now).as_secs() <= LONGEST.unsigned_abs());
        }

        #[test]
        fn all_forms_of_a_time_mean_the_same(seconds in 946_684_800i64..4_102_444_800, form in 0usize..9) {
            let at = Timestamp::from_second(seconds).unwrap();
            let written = |form: &str| at.strftime(form).to_string();
            let value = match form {
                0 => Value::Int(seconds),
                1 => Value::String(seconds.to_string()),
                2 => Value::String(format!("{seconds}.5")),
                3 => Value::String(written("%Y-%m-%d %H:%M:%SZ")),
                4 => Value::String(written("%m/%d/%Y %H:%M:%S +00:00")),
                5 => Value::String(written("%-m/%-d/%Y %-I:%M:%S %p +00:00")),
                6 => Value::String(written("%Y-%m-%dT%H:%M:%SZ")),
                7 => Value::String(written("%Y-%m-%dT%H:%M:%S.1234567Z")),
                _ => Value::Float(seconds as f64),
            };
            prop_assert_eq!(epoch(&value), Some(seconds), "{}", value);
        }
    }
}
