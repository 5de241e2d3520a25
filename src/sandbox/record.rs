//! What was asked: one line for each request, with what a test wants to look at and without a secret.
//!
//! Bodies are kept for operations alone, as JSON, and what a member's name says to be a secret is covered. Sign-in requests are kept
//! without theirs; a link's signature never gets here.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::json::{self, Object, Value, object};
use crate::ops::model::{Operation, Place};

use super::part::Part;
use super::wire::Request;
use super::{clock, form};

/// How many requests are remembered.
const LENGTH: usize = 100_000;
/// How many bytes of bodies are remembered; beyond that the oldest requests are forgotten.
const BYTES: usize = 64 << 20;
/// Larger bodies are not kept: their size is.
const BODY_MAX: usize = 256 << 10;
const COVERED: &str = "(not recorded)";

/// One request that came in. Never a secret, never a token.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRecord {
    /// Counted from 1, since the start.
    pub number: u64,
    /// When, in ticks of 100 ns since year 1, by the sandbox's clock.
    pub at: i64,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path, as it was sent.
    pub path: String,
    /// Query string, as it was sent; empty on the token service's paths, and for links to files.
    pub query: String,
    /// Status of the answer; 0: there was none.
    pub status: u16,
    /// The operation's id, if the path is one's.
    pub operation: Option<&'static str>,
    /// The part of the sandbox that it was for; none: the sandbox has nothing there.
    pub part: Option<Part>,
    /// The user principal name of the token, if it is a user's.
    pub user: Option<String>,
    /// Microseconds from the whole request to the answer.
    pub duration_us: u64,
    /// Whether there was an `Authorization` header.
    pub authorization: bool,
    /// How many bytes the body had.
    pub body_bytes: usize,
    /// What was sent to an operation, secrets covered; none: nothing, what is no JSON, or too much to keep.
    pub body: Option<Arc<Value>>,
    /// The fault that it met.
    pub fault: Option<u64>,
}

impl RequestRecord {
    /// As `GET /_sandbox/requests` lists it.
    pub fn to_json(&self) -> Value {
        object([
            ("number", i64::try_from(self.number).unwrap_or(i64::MAX).into()),
            ("at", clock::iso(self.at).into()),
            ("method", self.method.as_str().into()),
            ("path", self.path.as_str().into()),
            ("query", self.query.as_str().into()),
            ("status", i64::from(self.status).into()),
            ("operation", self.operation.map(Value::from).unwrap_or_default()),
            ("service", self.part.map(|p| p.name().to_owned()).into()),
            ("user", self.user.clone().into()),
            ("duration_us", i64::try_from(self.duration_us).unwrap_or(i64::MAX).into()),
            ("authorization", self.authorization.into()),
            ("body_bytes", i64::try_from(self.body_bytes).unwrap_or(i64::MAX).into()),
            ("body", self.body.as_deref().cloned().unwrap_or_default()),
            ("fault", self.fault.and_then(|id| i64::try_from(id).ok()).into()),
        ])
    }
}

/// The last requests.
#[derive(Default)]
pub(super) struct Log {
    records: VecDeque<RequestRecord>,
    bytes: usize,
    last: u64,
}

impl Log {
    pub(super) fn push(&mut self, mut record: RequestRecord) {
        self.last += 1;
        record.number = self.last;
        self.bytes += weight(&record);
        self.records.push_back(record);
        while self.records.len() > LENGTH || (self.bytes > BYTES && self.records.len() > 1) {
            let Some(oldest) = self.records.pop_front() else { return };
            self.bytes = self.bytes.saturating_sub(weight(&oldest));
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &RequestRecord> {
        self.records.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// How many there ever were.
    pub(super) fn total(&self) -> u64 {
        self.last
    }

    /// Numbers go on: who looked at the requests up to one sees what came after it.
    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.bytes = 0;
    }
}

fn weight(record: &RequestRecord) -> usize {
    if record.body.is_some() { record.body_bytes } else { 0 }
}

/// What of a request's body is recorded.
pub(super) fn body(op: Option<&'static Operation>, request: &Request) -> Option<Arc<Value>> {
    let op = op?;
    if op.params.iter().any(|p| p.place == Place::Form) {
        // The fields, and of the file how large it is.
        let (mut members, file) = form::read(op, request).ok()?;
        if let Some(file) = file {
            let size = i64::try_from(file.content.len()).unwrap_or(i64::MAX);
            members.insert("file".into(), object([("name", file.name.into()), ("bytes", size.into())]));
        }
        return Some(Arc::new(covered(Value::Object(members))));
    }
    if request.body.is_empty() || request.body.len() > BODY_MAX {
        return None;
    }
    json::parse(&request.body).ok().map(|body| Arc::new(covered(body)))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passphrase", "secret", "token", "privatekey", "privkey", "assertion", "communitystring", "sharedkey", "apikey"]
        .iter()
        .any(|word| name.contains(word))
        // The name of a secret in a vault is none.
        && !name.ends_with("name")
        && !name.ends_with("uri")
}

fn covered(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let cover = |(name, value): (String, Value)| {
                let value = if is_secret(&name) && !value.is_null() { COVERED.into() } else { covered(value) };
                (name, value)
            };
            Value::Object(members.into_iter().map(cover).collect::<Object>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(covered).collect()),
        Value::String(text) => match text.find("sig=").filter(|_| text.contains("://")) {
            Some(at) => format!("{}sig={COVERED}", text.get(..at).unwrap_or_default()).into(),
            None => Value::String(text),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_covered_wherever_they_stand() {
        let body = br#"{"Comment":"isolate","params":[{"authPassword":"p","keyVaultSecretName":"n","privProtocol":"AES"}],
            "clientSecret":"s","token":null,"link":"https://x.example/a?sv=1&sig=abc"}"#;
        let shown = covered(json::parse(body).unwrap()).to_string();
        assert_eq!(
            shown,
            r#"{"Comment":"isolate","params":[{"authPassword":"(not recorded)","keyVaultSecretName":"n","privProtocol":"AES"}],"clientSecret":"(not recorded)","token":null,"link":"https://x.example/a?sv=1&sig=(not recorded)"}"#
        );
    }
}
