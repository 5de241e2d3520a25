//! What is told about requests. Only facts that are safe by type come in here: no body, no query, no header.

use crate::ops::model::Service;
use std::time::Duration;

/// One try, as it may be told to anybody.
#[derive(Debug)]
pub(super) struct Try<'a> {
    /// The service.
    pub(super) service: Service,
    /// The operation's id, or `request`.
    pub(super) operation: &'a str,
    /// The method.
    pub(super) method: &'a str,
    /// The path without its query.
    pub(super) path: &'a str,
    /// Which try this is, from 1.
    pub(super) attempt: u32,
    /// The id that the service was given.
    pub(super) client_request_id: &'a str,
}

impl Try<'_> {
    /// It is about to be sent.
    pub(super) fn sending(&self) {
        tracing::debug!(
            target: "xdrkit",
            "{} {} {} try {} [{}] {}",
            self.service.name(), self.method, self.path, self.attempt, self.operation, self.client_request_id
        );
    }

    /// It was answered.
    pub(super) fn answered(&self, status: u16, bytes: u64, elapsed: Duration) {
        tracing::debug!(
            target: "xdrkit",
            "{} {} {} -> {status} in {} ms, {bytes} bytes {}",
            self.service.name(), self.method, self.path, elapsed.as_millis(), self.client_request_id
        );
    }

    /// It was not answered.
    pub(super) fn failed(&self, message: &str) {
        tracing::debug!(target: "xdrkit", "{} {} {} failed: {message} {}", self.service.name(), self.method, self.path, self.client_request_id);
    }

    /// It will be sent again.
    pub(super) fn again(&self, wait: Duration, throttled: bool) {
        let why = if throttled { "throttled" } else { "retry" };
        tracing::warn!(
            target: "xdrkit",
            "{} {} {} {why}: again in {:.1} s (try {}) {}",
            self.service.name(), self.method, self.path, wait.as_secs_f64(), self.attempt, self.client_request_id
        );
    }
}
