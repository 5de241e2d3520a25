//! What a refusal asks for: when the quota that it is about may be used again.

use crate::{
    clock::Clock,
    pipeline::{retry, transport::Answer},
};
use std::time::{Duration, UNIX_EPOCH};

/// The CPU quota of hunting is filled up again at every quarter of an hour.
const CYCLE: Duration = Duration::from_secs(900);
/// Clocks differ by a little.
const AFTER: Duration = Duration::from_secs(1);

/// How long to wait, and who says so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::pipeline) struct Asked {
    pub(in crate::pipeline) wait: Duration,
    /// It follows from a quota's own window, so that it is right however long it is.
    pub(in crate::pipeline) by_schedule: bool,
}

/// How long an answer asks to wait: by its headers, or else, when it is a 429, by the window that its text names, or, where it says that a hunt's CPU
/// quota is used up, until the next quarter of an hour.
pub(in crate::pipeline) fn asked(answer: &Answer, hunting: bool, clock: &dyn Clock) -> Option<Asked> {
    let named = retry::retry_after(&answer.headers, clock.wall());
    let window = || retry::quota_window(&answer.body);
    let cycle = || (hunting && names_cpu(&answer.body)).then(|| to_next_cycle(answer, clock));
    let schedule = if answer.status == 429 { window().or_else(cycle) } else { None };
    match (named, schedule) {
        (Some(wait), schedule) => Some(Asked { wait, by_schedule: schedule.is_some_and(|longest| wait <= longest + AFTER) }),
        (None, schedule) => schedule.map(|wait| Asked { wait, by_schedule: true }),
    }
}

fn names_cpu(body: &[u8]) -> bool {
    let text = body.get(..body.len().min(4096)).unwrap_or_default();
    text.windows(3).any(|w| w.eq_ignore_ascii_case(b"cpu"))
}

/// By the service's own calendar, if the answer tells it.
fn to_next_cycle(answer: &Answer, clock: &dyn Clock) -> Duration {
    let date = answer.headers.get(http::header::DATE).and_then(|v| v.to_str().ok()).and_then(|v| httpdate::parse_http_date(v).ok());
    let now = date.unwrap_or_else(|| clock.wall()).duration_since(UNIX_EPOCH).unwrap_or_default();
    let into = Duration::from_nanos((now.as_nanos() % CYCLE.as_nanos()) as u64);
    CYCLE - into + AFTER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VirtualClock;
    use http::{HeaderMap, HeaderValue};

    fn wait(status: u16, headers: &[(&'static str, &'static str)], body: &'static str, hunting: bool) -> Option<(u64, bool)> {
        let headers: HeaderMap = headers.iter().map(|(k, v)| (http::HeaderName::from_static(k), HeaderValue::from_static(v))).collect();
        let answer = Answer { status, headers, body: body.into() };
        asked(&answer, hunting, &*VirtualClock::shared()).map(|a| (a.wait.as_secs(), a.by_schedule))
    }

    #[test]
    fn the_wait_is_read_from_headers_then_text_then_the_cycle() {
        let cpu = "This query was blocked: the CPU quota of the tenant is used up";
        let date = [("date", "Sat, 21 Nov 2026 12:03:00 GMT")];
        assert_eq!(wait(429, &[("retry-after", "7")], cpu, true), Some((7, true)));
        assert_eq!(wait(429, &[("retry-after", "7")], "", true), Some((7, false)));
        // Longer than the quota's own window: that is something else.
        assert_eq!(wait(429, &[("retry-after", "700")], "maximum allowed 45 per 00:01:00", true), Some((700, false)));
        assert_eq!(wait(429, &date, "maximum allowed 45 per 00:01:00", true), Some((60, true)));
        assert_eq!(wait(429, &date, cpu, true), Some((12 * 60 + 1, true)));
        assert_eq!(wait(429, &[("date", "Sat, 21 Nov 2026 12:15:00 GMT")], cpu, true), Some((901, true)));
        assert_eq!(wait(429, &date, cpu, false), None);
        assert_eq!(wait(429, &date, "later", true), None);
        assert_eq!(wait(503, &date, cpu, true), None);
        assert_eq!(wait(503, &[("retry-after", "7")], "", true), Some((7, false)));
        let unknown = wait(429, &[], cpu, true).unwrap();
        assert!((1..=901).contains(&unknown.0) && unknown.1);
    }
}
