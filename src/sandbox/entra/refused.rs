//! Why a sign-in fails, in Entra's words.

use crate::json::{Object, Value};

use super::super::House;
use super::super::clock;

pub(super) type Outcome = Result<Value, Refused>;

/// Why a sign-in fails.
#[derive(Debug)]
pub(in crate::sandbox) struct Refused {
    pub(in crate::sandbox) status: u16,
    pub(in crate::sandbox) error: &'static str,
    pub(in crate::sandbox) code: u32,
    pub(in crate::sandbox) words: String,
    pub(super) more: Vec<(&'static str, String)>,
}

pub(super) fn refused(status: u16, error: &'static str, code: u32, words: impl Into<String>) -> Refused {
    Refused { status, error, code, words: words.into(), more: Vec::new() }
}

pub(super) fn invalid_client(code: u32, words: impl Into<String>) -> Refused {
    refused(401, "invalid_client", code, words)
}

pub(super) fn invalid_grant(code: u32, words: impl Into<String>) -> Refused {
    refused(400, "invalid_grant", code, words)
}

pub(super) fn missing(parameter: &str) -> Refused {
    refused(400, "invalid_request", 900_144, format!("The request body must contain the following parameter: '{parameter}'."))
}

impl Refused {
    /// A further member of the answer.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Refused {
        self.more.push((name, value.into()));
        self
    }

    /// The one text that people see.
    pub(super) fn description(&self, timestamp: &str, trace: &str, correlation: &str) -> String {
        format!("AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}", self.code, self.words)
    }

    pub(super) fn body(self, house: &House, trace: &str, correlation: &str) -> Value {
        let timestamp = clock::plain(house.clock.now());
        let mut body = Object::new();
        body.insert("error".into(), self.error.into());
        body.insert("error_description".into(), self.description(&timestamp, trace, correlation).into());
        body.insert("error_codes".into(), vec![i64::from(self.code)].into());
        body.insert("timestamp".into(), timestamp.into());
        body.insert("trace_id".into(), trace.into());
        body.insert("correlation_id".into(), correlation.into());
        body.insert("error_uri".into(), format!("{}/error?code={}", house.base, self.code).into());
        for (name, value) in self.more {
            body.insert(name.into(), value.into());
        }
        Value::Object(body)
    }
}
