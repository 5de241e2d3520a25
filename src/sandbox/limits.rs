//! How much a hunt may bring, and how long it may take: the services' own limits, or smaller ones, so that a test meets them with few rows.

use std::time::{Duration, Instant};

use crate::ops::model::Service;

use super::clock::SECOND;
use super::failure::Failure;

const TOO_LARGE: &str =
    "Query execution has exceeded the allowed result size. Optimize your query by limiting the number of results and try again";

/// The limits of hunting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Rows beyond that are cut, without a word, as the services do.
    pub rows: usize,
    /// A larger answer is refused with 400; without: 50 MiB on Graph, 124 MiB elsewhere.
    pub bytes: Option<usize>,
    /// A query that runs longer is refused with 504; without: 200 s on the Endpoint service, 180 s elsewhere.
    pub seconds: Option<f64>,
    /// How far back anybody sees.
    pub days: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { rows: 100_000, bytes: None, seconds: None, days: 30 }
    }
}

impl Limits {
    pub(super) fn bytes(&self, service: Service) -> usize {
        self.bytes.unwrap_or(if service == Service::Graph { 50 << 20 } else { 124 << 20 })
    }

    pub(super) fn seconds(&self, service: Service) -> f64 {
        self.seconds.unwrap_or(if service == Service::Endpoint { 200.0 } else { 180.0 })
    }

    /// When a query that began then is stopped; never, if that is further off than a clock goes.
    pub(super) fn deadline(&self, service: Service, started: Instant) -> Option<Instant> {
        started.checked_add(Duration::try_from_secs_f64(self.seconds(service).max(0.0)).ok()?)
    }

    /// Ticks that anybody can look back.
    pub(super) fn window(&self) -> i64 {
        i64::from(self.days) * 86_400 * SECOND
    }

    pub(super) fn check_time(&self, service: Service, ran: f64) -> Result<(), Failure> {
        if ran > self.seconds(service) { Err(too_slow()) } else { Ok(()) }
    }

    pub(super) fn check_size(&self, service: Service, bytes: usize) -> Result<(), Failure> {
        if bytes > self.bytes(service) { Err(Failure::new(400, "BadRequest", TOO_LARGE)) } else { Ok(()) }
    }
}

/// What the services say of a query that ran too long.
pub(super) fn too_slow() -> Failure {
    Failure::new(504, "UnknownError", "")
}
