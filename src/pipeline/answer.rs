//! From an answer that is no success to an error.
//!
//! Three services, two error shapes each, and front doors that answer with HTML or nothing: whatever comes, the error has the status, the
//! id to quote to support, and a readable sentence.

use super::transport::Answer;
use crate::{
    error::{Error, Kind},
    json::{self, Value},
    ops::model::{Operation, Returns, Safety},
};
use http::HeaderMap;

const MAX_TEXT: usize = 2000;

/// The id that the service gave the request.
pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    ["request-id", "x-ms-request-id", "x-ms-correlation-request-id", "x-request-id"]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok())
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
}

/// The error of an answer.
pub(super) fn error(answer: &Answer, op: Option<&Operation>, safety: Safety) -> Error {
    let body = json::parse(&answer.body).ok();
    let said = body.as_ref().and_then(|b| b.get("error"));
    let text = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned);
    let code = said.and_then(|s| s.as_str().map(str::to_owned).or_else(|| text(s, "code")));
    let message = said.and_then(|s| text(s, "message")).or_else(|| body.as_ref().and_then(|b| text(b, "message")));
    let status = answer.status;
    let hunting = op.is_some_and(|op| op.returns == Returns::Rows);
    let kind = match status {
        300..400 => Kind::UnsafeUrl,
        400 if hunting => Kind::Query,
        401 => Kind::Unauthorized,
        403 => Kind::PermissionDenied,
        404 | 410 => Kind::NotFound,
        409 | 412 => Kind::Conflict,
        429 => Kind::Throttled,
        400 if conflicts(code.as_deref(), message.as_deref()) => Kind::Conflict,
        500.. if safety == Safety::OnlyIfNeverSent => Kind::ActionOutcomeUnknown,
        500.. => Kind::Service,
        _ => Kind::BadRequest,
    };
    let said_text = message.map_or_else(|| plain(answer), |m| shorten(&m));
    let target = said.and_then(|s| text(s, "target"));
    let inner = said.and_then(|s| s.get("innerError").or_else(|| s.get("innererror")));
    let mut error = Error::new(kind, described(status, kind, &said_text)).with(|f| {
        f.status = Some(status);
        f.code = code;
        f.request_id = inner.and_then(|i| text(i, "request-id")).or_else(|| request_id(&answer.headers)).or(target);
    });
    if kind == Kind::ActionOutcomeUnknown {
        error = unknown_outcome(error, op);
    }
    if let Some(part) = answer.headers.get("x-sandbox-unsupported").and_then(|v| v.to_str().ok()) {
        error = error.detail("unsupported", part).hint(format!("the sandbox cannot do {part}; the service may"));
    }
    error
}

/// Nobody knows whether the action was begun: says how to find out.
pub(super) fn unknown_outcome(error: Error, op: Option<&Operation>) -> Error {
    let hint = match op {
        Some(op) if op.returns == Returns::One("MachineAction") => {
            "look at client.machine_actions.list(filter=\"machineId eq '…'\") before you send it again"
        }
        _ => "look whether it took effect before you send it again",
    };
    error.with(|f| f.retryable = false).hint(hint)
}

fn conflicts(code: Option<&str>, message: Option<&str>) -> bool {
    code == Some("ActiveRequestAlreadyExists") || message.is_some_and(|m| m.to_lowercase().contains("already in progress"))
}

fn described(status: u16, kind: Kind, text: &str) -> String {
    match kind {
        Kind::UnsafeUrl => format!("the service answered with a redirect ({status}), which is never followed"),
        Kind::ActionOutcomeUnknown => format!("the service failed with status {status}, and the action may have been begun: {text}"),
        _ if text.is_empty() => format!("the service answered with status {status} and no explanation"),
        _ => text.to_owned(),
    }
}

/// The text of a body that is no error document, on one line.
fn plain(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(answer.body.get(..answer.body.len().min(MAX_TEXT)).unwrap_or_default());
    if text.trim_start().starts_with('<') {
        return format!("the answer is an HTML page (status {}): a proxy or a front door, not the service", answer.status);
    }
    shorten(&text)
}

fn shorten(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TEXT).collect();
    clean.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::operation;

    fn of(status: u16, body: &str, op: &str) -> Error {
        let op = operation(op).unwrap();
        error(&Answer { status, headers: HeaderMap::new(), body: body.to_owned().into() }, Some(op), op.safety)
    }

    #[test]
    fn every_known_shape_gives_a_sentence_a_code_and_an_id() {
        let e = of(404, r#"{"error":{"code":"ResourceNotFound","message":"Machine x was not found","target":"guid"}}"#, "machines.get");
        assert_eq!((e.kind(), e.to_string().as_str()), (Kind::NotFound, "Machine x was not found"));
        assert_eq!((e.facts().code.as_deref(), e.facts().request_id.as_deref()), (Some("ResourceNotFound"), Some("guid")));
        let e = of(400, r#"{"error":{"code":"","message":"The limit of '50'","details":[]}}"#, "graph.incidents.list");
        assert_eq!((e.kind(), e.facts().code.clone()), (Kind::BadRequest, None));
        let e = of(403, r#"{"error":{"code":"Forbidden","message":"m","innerError":{"request-id":"r"}}}"#, "graph.incidents.list");
        assert_eq!((e.kind(), e.facts().request_id.as_deref()), (Kind::PermissionDenied, Some("r")));
        assert!(of(403, "<html>", "machines.get").to_string().contains("HTML"));
        assert!(of(401, "", "machines.get").to_string().contains("no explanation"));
        assert_eq!(of(400, "bad\u{1b}[31m\nquery", "graph.hunting.run").to_string(), "bad [31m query");
    }

    #[test]
    fn kinds_tell_what_may_be_done_next() {
        assert_eq!(of(400, r#"{"error":{"code":"BadRequest","message":"syntax"}}"#, "graph.hunting.run").kind(), Kind::Query);
        assert_eq!(
            of(400, r#"{"error":{"code":"x","message":"Action is already in progress"}}"#, "machines.isolate").kind(),
            Kind::Conflict
        );
        let unknown = of(503, "", "machines.isolate");
        assert_eq!((unknown.kind(), unknown.facts().retryable), (Kind::ActionOutcomeUnknown, false));
        assert_eq!(of(503, "", "machines.get").kind(), Kind::Service);
        assert_eq!(of(307, "", "machines.get").kind(), Kind::UnsafeUrl);
    }
}
