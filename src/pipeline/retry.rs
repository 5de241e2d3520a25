//! Whether and when to send again: a pure function of what happened.
//!
//! The rule that matters most: an action (isolate, scan, …) goes out again only if it provably never left, or was refused with 429. A second
//! isolate that overtakes an unisolate leaves a machine cut off. Everything that reads, or sets a state, may be repeated.

use crate::ops::model::Safety;
use http::HeaderMap;
use std::time::{Duration, SystemTime};

/// Waits longer than this are not waited: the caller is told instead.
pub const MAX_WAIT: Duration = Duration::from_secs(300);
const BASE: Duration = Duration::from_millis(250);
const CAP: Duration = Duration::from_secs(20);

/// What came of one try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// An answer with this status, and the wait that it asked for.
    Answered(u16, Option<Duration>),
    /// No answer.
    Failed {
        /// Whether the request may have arrived.
        sent: bool,
        /// Whether another try may help.
        transient: bool,
    },
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// Take it as the result.
    Take,
    /// Wait so long, then send again.
    Again(Duration),
    /// The service asks to wait longer than the caller can.
    TooLong(Duration),
}

/// The limits of one call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many tries may follow the first.
    pub max_retries: u32,
    /// What is left of the call's time.
    pub left: Duration,
}

/// Decides. `tries` counts the one that just ended; `chance` is in [0, 1).
pub fn decide(outcome: Outcome, safety: Safety, tries: u32, limits: Limits, chance: f64) -> Decision {
    let repeatable = safety == Safety::Idempotent;
    let asked = match outcome {
        Outcome::Answered(429, asked) => asked,
        Outcome::Answered(408 | 425 | 500 | 502 | 503 | 504 | 509, asked) if repeatable => asked,
        Outcome::Failed { sent, transient: true } if repeatable || !sent => None,
        _ => return Decision::Take,
    };
    if tries > limits.max_retries {
        return Decision::Take;
    }
    let wait = match asked {
        // Never before the time that the service names; a little after it, so that not everybody comes back at once.
        Some(asked) => asked + (asked / 10).min(Duration::from_secs(1)).mul_f64(chance),
        None => {
            let ceiling = (BASE * 2u32.saturating_pow(tries.saturating_sub(1))).min(CAP);
            Duration::from_millis(50) + ceiling.mul_f64(chance)
        }
    };
    if wait > MAX_WAIT || wait > limits.left {
        return if asked.is_some() { Decision::TooLong(wait) } else { Decision::Take };
    }
    Decision::Again(wait)
}

/// How long an answer asks to wait: `Retry-After` in seconds (also with a fraction) or as a date, `retry-after-ms` and
/// `x-ms-retry-after-ms`; of several the longest. A date is read against the answer's own `Date`, so that a wrong clock on either side
/// does no harm. What makes no sense counts as not said.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let texts = |name: &'static str| headers.get_all(name).into_iter().filter_map(|v| v.to_str().ok()).map(str::trim);
    let date = headers.get(http::header::DATE).and_then(|v| v.to_str().ok()).and_then(|v| httpdate::parse_http_date(v).ok());
    let seconds = texts("retry-after").filter_map(|text| match text.parse::<f64>() {
        Ok(seconds) => Some(seconds),
        Err(_) => {
            let at = httpdate::parse_http_date(text).ok()?;
            at.duration_since(date.unwrap_or(now)).ok().map(|d| d.as_secs_f64())
        }
    });
    let milliseconds =
        ["retry-after-ms", "x-ms-retry-after-ms"].into_iter().flat_map(texts).filter_map(|t| t.parse::<f64>().ok()).map(|ms| ms / 1000.0);
    let longest = seconds.chain(milliseconds).filter(|s| *s > 0.0 && !s.is_nan()).fold(0.0, f64::max);
    (longest > 0.0).then(|| Duration::from_secs_f64(longest.min(f64::from(u32::MAX))))
}

/// The window of a quota that a 429 without headers names in its text: `… maximum allowed 45 per 00:01:00`. Waiting for a whole window is the
/// only wait that is surely long enough.
pub fn quota_window(body: &[u8]) -> Option<Duration> {
    let text = String::from_utf8_lossy(body.get(..body.len().min(4096))?);
    let window = text.split(" per ").skip(1).find_map(|rest| {
        let mut parts = rest.get(..8)?.split(':').map(|p| (p.len() == 2).then(|| p.parse::<u64>().ok())?);
        let seconds = parts.next()?? * 3600 + parts.next()?? * 60 + parts.next()??;
        parts.next().is_none().then_some(Duration::from_secs(seconds))
    });
    window.filter(|w| !w.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::UNIX_EPOCH;

    const LIMITS: Limits = Limits { max_retries: 3, left: Duration::from_secs(60) };

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (http::HeaderName::from_static(k), v.parse().unwrap())).collect()
    }

    #[test]
    fn an_action_is_sent_again_only_if_it_never_left_or_was_refused() {
        let act = |outcome| decide(outcome, Safety::OnlyIfNeverSent, 1, LIMITS, 0.5);
        assert!(matches!(act(Outcome::Failed { sent: false, transient: true }), Decision::Again(_)));
        assert!(matches!(act(Outcome::Answered(429, None)), Decision::Again(_)));
        assert_eq!(act(Outcome::Failed { sent: true, transient: true }), Decision::Take);
        for status in [400, 401, 403, 404, 408, 409, 500, 502, 503, 504] {
            assert_eq!(act(Outcome::Answered(status, Some(Duration::from_secs(1)))), Decision::Take, "{status}");
        }
    }

    #[test]
    fn a_read_is_repeated_on_what_passes_and_not_on_what_stays() {
        let read = |outcome| decide(outcome, Safety::Idempotent, 1, LIMITS, 0.5);
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(matches!(read(Outcome::Answered(status, None)), Decision::Again(_)), "{status}");
        }
        for status in [200, 301, 400, 401, 403, 404, 409, 501] {
            assert_eq!(read(Outcome::Answered(status, None)), Decision::Take, "{status}");
        }
        assert_eq!(read(Outcome::Failed { sent: true, transient: false }), Decision::Take);
    }

    #[test]
    fn tries_and_waits_are_bounded() {
        let asked = Outcome::Answered(429, Some(Duration::from_secs(61)));
        assert!(matches!(decide(asked, Safety::Idempotent, 1, LIMITS, 0.0), Decision::TooLong(_)));
        let long = Limits { max_retries: 3, left: Duration::from_secs(100_000) };
        assert!(matches!(
            decide(Outcome::Answered(429, Some(Duration::from_secs(301))), Safety::Idempotent, 1, long, 0.0),
            Decision::TooLong(_)
        ));
        assert_eq!(decide(Outcome::Answered(503, None), Safety::Idempotent, 4, LIMITS, 0.5), Decision::Take);
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let wait = |pairs: &[(&'static str, &str)]| retry_after(&headers(pairs), now).map(|d| d.as_secs_f64());
        assert_eq!(wait(&[("retry-after", "7")]), Some(7.0));
        assert_eq!(wait(&[("retry-after", "0.5")]), Some(0.5));
        assert_eq!(wait(&[("retry-after-ms", "1500")]), Some(1.5));
        assert_eq!(wait(&[("x-ms-retry-after-ms", "20"), ("retry-after", "1")]), Some(1.0));
        assert_eq!(wait(&[("retry-after", "Sun, 09 Sep 2001 01:46:50 GMT")]), Some(10.0));
        // The service's clock is an hour behind: only its own date tells how long it means.
        assert_eq!(wait(&[("retry-after", "Sun, 09 Sep 2001 00:46:50 GMT"), ("date", "Sun, 09 Sep 2001 00:46:40 GMT")]), Some(10.0));
        for nonsense in ["-5", "soon", "NaN", "", "0"] {
            assert_eq!(wait(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
        assert_eq!(wait(&[("retry-after", "1e300")]), Some(f64::from(u32::MAX)));
    }

    #[test]
    fn the_window_of_a_quota_is_read_from_the_text() {
        let window = |text: &str| quota_window(text.as_bytes()).map(|d| d.as_secs());
        assert_eq!(
            window(r#"{"error":{"code":"429","message":"API calls quota exceeded! maximum allowed 45 per 00:01:00","target":"x"}}"#),
            Some(60)
        );
        assert_eq!(window("allowed 1500 per 01:00:00"), Some(3600));
        for nothing in [
            "",
            "45 per minute",
            "45 per 1:00:00 ",
            "45 per 00:00:00",
            "per 00:01:00:00",
            "45 per 0a:00:00",
            "45 per \u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
        ] {
            assert_eq!(window(nothing), None, "{nothing}");
        }
    }

    proptest! {
        #[test]
        fn no_text_can_break_it(text in "\\PC{0,20} per \\PC{0,20}") {
            let _ = quota_window(text.as_bytes());
        }

        #[test]
        fn no_header_can_break_it(text in "[ -~]{0,40}") {
            let _ = retry_after(&headers(&[("retry-after", &text), ("date", &text)]), UNIX_EPOCH);
        }

        #[test]
        fn never_earlier_than_asked(asked in 0.001f64..300.0, chance in 0.0f64..1.0) {
            let asked = Duration::from_secs_f64(asked);
            let limits = Limits { max_retries: 9, left: Duration::from_secs(10_000) };
            if let Decision::Again(wait) = decide(Outcome::Answered(429, Some(asked)), Safety::OnlyIfNeverSent, 1, limits, chance) {
                prop_assert!(wait >= asked);
            }
        }
    }
}
