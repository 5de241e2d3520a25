//! The services' quotas, kept by the sandbox's clock for those who ask for it.
//!
//! Three kinds: calls a minute and an hour; the CPU quota of hunting, which is full again at every quarter of an hour and refuses in words alone;
//! and the run time of queries on the Endpoint service.

use std::collections::{HashMap, VecDeque};

use crate::ops::model::{Operation, Quota, Returns, Service};

use super::clock::{DAY, SECOND};
use super::failure::Failure;
use super::quirks::Quirk;
use super::{House, lock};

const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const CYCLE: i64 = 15 * MINUTE;

#[derive(Default)]
pub(super) struct Quotas {
    /// Whether calls are counted.
    pub(super) are_kept: bool,
    /// When calls of a quota were let in.
    calls: HashMap<(Service, &'static str), VecDeque<i64>>,
    /// How much of the CPU quota is used, and until when that is so.
    cpu: (f64, i64),
    /// When queries ended, and how long they ran.
    runs: VecDeque<(i64, i64)>,
    /// How long each query says that it ran; without: as long as it did.
    pub(super) execution_time: Option<f64>,
}

impl Quotas {
    pub(super) fn new(are_kept: bool) -> Quotas {
        Quotas { are_kept, ..Quotas::default() }
    }

    /// The share of the CPU quota that is used: 1.0 is all of it.
    pub(super) fn cpu_used(&self, now: i64) -> f64 {
        if now < self.cpu.1 { self.cpu.0 } else { 0.0 }
    }

    pub(super) fn use_cpu(&mut self, share: f64, now: i64) {
        self.cpu = (share, now - now % CYCLE + CYCLE);
    }

    /// Seconds that queries ran within the last hour.
    pub(super) fn run_time(&self, now: i64) -> f64 {
        self.ran_since(now - HOUR) as f64 / SECOND as f64
    }

    pub(super) fn ran(&mut self, seconds: f64, now: i64) {
        self.runs.push_back((now, (seconds * SECOND as f64) as i64));
    }

    fn ran_since(&self, since: i64) -> i64 {
        self.runs.iter().filter(|(at, _)| *at > since).map(|(_, time)| time).sum()
    }

    /// Lets a call in, or says why not.
    fn admit(&mut self, op: &Operation, now: i64, always: bool) -> Result<(), Failure> {
        if op.returns == Returns::Rows {
            self.admit_query(op, now, always)?;
        }
        if !self.are_kept {
            return Ok(());
        }
        let Quota { per_minute, per_hour, .. } = op.quota;
        let calls = self.calls.entry((op.service, op.counted_as())).or_default();
        while calls.front().is_some_and(|at| *at <= now - HOUR) {
            calls.pop_front();
        }
        for (limit, window) in [(per_minute, MINUTE), (per_hour, HOUR)] {
            let first = calls.len().checked_sub(limit as usize).and_then(|i| calls.get(i));
            if let Some(first) = first.filter(|at| limit > 0 && **at > now - window) {
                let message = format!("API calls quota exceeded! maximum allowed {limit} per {}", written(window));
                return Err(refusal(op, message, Some(first + window - now), always));
            }
        }
        calls.push_back(now);
        Ok(())
    }

    fn admit_query(&mut self, op: &Operation, now: i64, always: bool) -> Result<(), Failure> {
        if op.quota.run_hour == 0 {
            let blocked = "The query was blocked: the tenant has used 100% of the CPU resources that are allocated to it, until the next 15-minute cycle";
            return if self.cpu_used(now) < 1.0 {
                Ok(())
            } else {
                Err(refusal(op, blocked.to_owned(), Some(CYCLE - now.rem_euclid(CYCLE)).filter(|_| always), always))
            };
        }
        while self.runs.front().is_some_and(|(at, _)| *at <= now - DAY) {
            self.runs.pop_front();
        }
        for (limit, window) in [(op.quota.run_hour, HOUR), (op.quota.run_day, DAY)] {
            let limit = i64::from(limit) * SECOND;
            if self.ran_since(now - window) < limit {
                continue;
            }
            let free = self.runs.iter().map(|(at, _)| at + window).find(|free| *free > now && self.ran_since(free - window) < limit);
            let message = format!("Execution time quota exceeded! maximum allowed {} per {}", written(limit), written(window));
            return Err(refusal(op, message, free.map(|at| at - now), always));
        }
        Ok(())
    }
}

pub(super) fn admit(house: &House, op: &Operation) -> Result<(), Failure> {
    let always = !house.options.quirks.has(Quirk::NoRetryAfter);
    lock(&house.quotas).admit(op, house.clock.now(), always)
}

/// XDR, and everybody about CPU, leave it to the text to say when; unless a header is always wanted.
fn refusal(op: &Operation, message: String, wait: Option<i64>, always: bool) -> Failure {
    let failure = Failure::new(429, if op.service == Service::Graph { "TooManyRequests" } else { "429" }, message);
    match wait.filter(|_| always || op.service != Service::Xdr) {
        Some(wait) => failure.header("Retry-After", (wait / SECOND + 1).to_string()),
        None => failure,
    }
}

/// `00:01:00`
fn written(ticks: i64) -> String {
    let seconds = ticks / SECOND;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::by_id;

    #[test]
    fn windows_slide_and_say_so_in_the_services_words() {
        let (mut quotas, op) = (Quotas::new(true), by_id("hunting.run_endpoint").unwrap());
        for i in 0..45 {
            quotas.admit(op, i * SECOND, false).unwrap();
        }
        let refused = format!("{:?}", quotas.admit(op, 50 * SECOND, false).unwrap_err());
        assert!(refused.contains("maximum allowed 45 per 00:01:00") && refused.contains("(\"Retry-After\", \"11\")"), "{refused}");
        quotas.admit(op, 60 * SECOND, false).unwrap();
        assert!(quotas.admit(op, 60 * SECOND, false).is_err());
        let xdr = by_id("hunting.run_xdr").unwrap();
        for _ in 0..45 {
            quotas.admit(xdr, 0, false).unwrap();
        }
        assert!(!format!("{:?}", quotas.admit(xdr, 0, false).unwrap_err()).contains("Retry-After"));
        assert!(format!("{:?}", quotas.admit(xdr, 0, true).unwrap_err()).contains("Retry-After"));
        let off = &mut Quotas::new(false);
        assert!((0..200).all(|_| off.admit(xdr, 0, false).is_ok()));
    }

    #[test]
    fn cpu_comes_back_at_the_quarter_and_run_time_after_an_hour() {
        let (mut quotas, graph, endpoint) =
            (Quotas::new(false), by_id("graph.hunting.run").unwrap(), by_id("hunting.run_endpoint").unwrap());
        let noon = 1_000_000 * CYCLE;
        quotas.use_cpu(1.0, noon + MINUTE);
        assert!(quotas.admit(graph, noon + CYCLE - 1, false).is_err());
        assert!(quotas.admit(endpoint, noon + MINUTE, false).is_ok() && quotas.admit(graph, noon + CYCLE, false).is_ok());
        assert_eq!((quotas.cpu_used(noon + MINUTE), quotas.cpu_used(noon + CYCLE)), (1.0, 0.0));
        quotas.ran(400.0, noon);
        quotas.ran(200.0, noon + MINUTE);
        let refused = format!("{:?}", quotas.admit(endpoint, noon + 2 * MINUTE, false).unwrap_err());
        assert!(refused.contains("maximum allowed 00:10:00 per 01:00:00") && refused.contains("\"3481\""), "{refused}");
        assert_eq!(quotas.run_time(noon + 2 * MINUTE), 600.0);
        assert!(quotas.admit(endpoint, noon + HOUR, false).is_ok() && quotas.admit(graph, noon + 2 * MINUTE + CYCLE, false).is_ok());
    }
}
