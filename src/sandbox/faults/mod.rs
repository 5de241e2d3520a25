//! Trouble on demand.
//!
//! A retry that was never seen to retry is a guess. Here a test says what goes wrong, where, when and how often: an answer of the service
//! in its own words, a connection that closes, an answer that never comes, that stops half way or that is no JSON. What happens follows from
//! the plan and its seed alone, so that a test that failed once fails again.

mod answer;
mod plan;
mod presets;
mod read;
mod spoil;

use std::time::Duration;

use crate::json::{Value, object};

use super::part::Part;

pub(super) use answer::planned;
pub(super) use plan::{Asked, Plan};
pub use presets::presets;
pub use read::Wrong;
pub(super) use read::parse;
pub(super) use spoil::{Shape, spoil};

/// What a [`Fault`] does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaultKind {
    /// Answers with the fault's status, headers and body; nothing is done.
    #[default]
    Answer,
    /// Reads the request, then closes the connection without an answer; nothing is done.
    Reset,
    /// Reads the request and never answers; nothing is done.
    Stall,
    /// Answers as if the bearer had expired; nothing is done.
    TokenExpired,
    /// A link to a file is over.
    LinkExpired,
    /// Does what was asked, later.
    Delay,
    /// Does what was asked, then closes the connection without an answer.
    Lost,
    /// Does what was asked, promises the whole answer and closes the connection half way through it.
    Truncate,
    /// Does what was asked, and sends the answer in small pieces with pauses between them.
    Drip,
    /// Packs the answer with gzip, and sends half of that.
    GzipCut,
    /// Packs the answer with gzip, with a wrong checksum at its end.
    GzipBad,
    /// Half of the answer, with a length that fits.
    JsonCut,
    /// The answer behind a byte order mark.
    JsonBom,
    /// The answer with NUL bytes in its texts.
    JsonNul,
    /// The answer with bytes in its texts that are no UTF-8.
    JsonUtf8,
    /// 200, and a web page, as a proxy's sign-in page.
    Html,
    /// 200, and nothing.
    Empty,
    /// The answer, said to be plain text.
    ContentType,
    /// The next link leads to another host.
    LinkHost,
    /// The next link is a path without a host.
    LinkRelative,
    /// The next link leads to the same page again.
    LinkSame,
    /// The next link's token is none.
    LinkGarbage,
}

impl FaultKind {
    /// Every kind with its name.
    pub const ALL: [(FaultKind, &'static str); 22] = [
        (FaultKind::Answer, "answer"),
        (FaultKind::Reset, "reset"),
        (FaultKind::Stall, "stall"),
        (FaultKind::TokenExpired, "token-expired"),
        (FaultKind::LinkExpired, "link-expired"),
        (FaultKind::Delay, "delay"),
        (FaultKind::Lost, "lost"),
        (FaultKind::Truncate, "truncate"),
        (FaultKind::Drip, "drip"),
        (FaultKind::GzipCut, "gzip-cut"),
        (FaultKind::GzipBad, "gzip-bad"),
        (FaultKind::JsonCut, "json-cut"),
        (FaultKind::JsonBom, "json-bom"),
        (FaultKind::JsonNul, "json-nul"),
        (FaultKind::JsonUtf8, "json-utf8"),
        (FaultKind::Html, "html"),
        (FaultKind::Empty, "empty"),
        (FaultKind::ContentType, "content-type"),
        (FaultKind::LinkHost, "next-link-host"),
        (FaultKind::LinkRelative, "next-link-relative"),
        (FaultKind::LinkSame, "next-link-same"),
        (FaultKind::LinkGarbage, "next-link-garbage"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        FaultKind::ALL.into_iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// From its name.
    pub fn parse(name: &str) -> Option<FaultKind> {
        FaultKind::ALL.into_iter().find(|(_, n)| *n == name).map(|(kind, _)| kind)
    }

    /// Whether the fault's own answer takes the place of what was asked.
    pub(super) fn answers(self) -> bool {
        matches!(self, FaultKind::Answer | FaultKind::TokenExpired | FaultKind::LinkExpired | FaultKind::Html | FaultKind::Empty)
    }
}

/// How an answer says when to come again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryForm {
    /// `Retry-After: 3`
    #[default]
    Seconds,
    /// `Retry-After: Sat, 21 Nov 2026 12:00:03 GMT`
    Date,
    /// `x-ms-retry-after-ms: 3000`
    Milliseconds,
}

impl RetryForm {
    /// From its name.
    pub fn parse(name: &str) -> Option<RetryForm> {
        match name {
            "seconds" => Some(RetryForm::Seconds),
            "date" => Some(RetryForm::Date),
            "milliseconds" => Some(RetryForm::Milliseconds),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            RetryForm::Seconds => "seconds",
            RetryForm::Date => "date",
            RetryForm::Milliseconds => "milliseconds",
        }
    }
}

/// Trouble for some requests. The first fault that fits a request is used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fault {
    /// Only for these operations: an id such as `machines.isolate`, or a pattern such as `machines.*`.
    pub operation: Option<String>,
    /// Only for paths that begin so, whatever their case.
    pub path: Option<String>,
    /// Only for this part of the sandbox.
    pub part: Option<Part>,
    /// Only for requests with this method.
    pub method: Option<String>,
    /// The status of an answer; 0 is 500.
    pub status: u16,
    /// The headers of an answer.
    pub headers: Vec<(String, String)>,
    /// The body of an answer; without one, the service's own words for that status.
    pub body: Option<String>,
    /// The message of an answer, in the shape of the service's errors.
    pub message: Option<String>,
    /// The error code of an answer; without one, the service's own for that status.
    pub code: Option<String>,
    /// An answer in the words of the token service, for one of its numbers.
    pub aadsts: Option<u32>,
    /// An answer that says which permission is missing, in the words of the operation's service.
    pub missing_role: bool,
    /// Seconds after which to come again.
    pub retry_after: Option<f64>,
    /// How that is said.
    pub retry_form: RetryForm,
    /// How often; without: until a reset.
    pub times: Option<u32>,
    /// So many requests that it would fit go through first.
    pub after: u32,
    /// From then on each so manieth; 0 and 1: all of them.
    pub every: u32,
    /// From then on this share of them, chosen by the plan's seed.
    pub probability: Option<f64>,
    /// How long the answer waits, at least and at most; chosen by the plan's seed.
    pub delay: Option<(Duration, Duration)>,
    /// What happens.
    pub kind: FaultKind,
}

impl Fault {
    /// The fault as JSON, as `GET /_sandbox/faults` lists it.
    fn to_json(&self, id: u64, used: u32) -> Value {
        let seconds = |d: Duration| Value::from(d.as_secs_f64());
        object([
            ("id", i64::try_from(id).unwrap_or(i64::MAX).into()),
            ("match", self.operation.clone().into()),
            ("path", self.path.clone().into()),
            ("service", self.part.map(|p| p.name().to_owned()).into()),
            ("method", self.method.clone().into()),
            ("kind", self.kind.name().into()),
            ("status", i64::from(self.status).into()),
            ("headers", Value::Object(self.headers.iter().map(|(n, v)| (n.clone(), v.as_str().into())).collect())),
            ("body", self.body.clone().into()),
            ("message", self.message.clone().into()),
            ("code", self.code.clone().into()),
            ("aadsts", self.aadsts.map(i64::from).into()),
            ("missing_role", self.missing_role.into()),
            ("retry_after", self.retry_after.into()),
            ("retry_after_form", self.retry_form.name().into()),
            ("times", self.times.map(i64::from).into()),
            ("after", i64::from(self.after).into()),
            ("every", i64::from(self.every.max(1)).into()),
            ("probability", self.probability.into()),
            ("delay", self.delay.map(|(least, most)| vec![seconds(least), seconds(most)]).into()),
            ("used", i64::from(used).into()),
        ])
    }
}

#[cfg(test)]
mod tests;
