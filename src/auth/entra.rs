//! One exchange with the token endpoint: the form, the answer, and what its errors mean.
//!
//! Decisions follow `error` and `suberror` as the documentation asks; the AADSTS numbers in the text only choose a hint for people. Bodies are
//! never logged: answers hold tokens, questions hold secrets, and descriptions sometimes repeat them.

use super::{Grant, Wire, hints, is_token};
use crate::{
    clock::{epoch_seconds, random_guid},
    error::{Error, Kind, Result},
    json::{self, Value},
    ops::model::Safety,
    pipeline::{
        retry::{self, Decision, Limits, Outcome},
        transport::{Answer, Failure},
    },
    request::{Request, encode},
    secret::{self, Secret},
};
use http::HeaderValue;
use std::time::{Duration, UNIX_EPOCH};
use url::Url;

const TRY: Duration = Duration::from_secs(30);
const ALL_TRIES: Duration = Duration::from_secs(90);
const MAX_RETRIES: u32 = 3;
const MAX_BODY: usize = 1 << 20;
/// AADSTS50196, the one number that decides: nothing else tells this refusal from "sign in again".
const LOOP: i64 = 50_196;
const LOOP_REST: f64 = 60.0;
/// Tokens whose user can answer challenges live up to 28 hours; longer than two days none does.
const LONGEST: f64 = 172_800.0;

/// A form field: most are secrets or close to one, so all are treated as such.
pub(super) type Field<'a> = (&'a str, &'a str);

/// A form for an endpoint.
pub(super) struct Question<'a> {
    url: &'a Url,
    form: &'a [Field<'a>],
    anchor: Option<&'a str>,
    safety: Safety,
}

impl<'a> Question<'a> {
    pub(super) fn new(url: &'a Url, form: &'a [Field<'a>]) -> Question<'a> {
        Question { url, form, anchor: None, safety: Safety::Idempotent }
    }

    /// Names the mailbox by which the login host finds the user's data center.
    pub(super) fn anchored(self, anchor: Option<&'a str>) -> Question<'a> {
        Question { anchor, ..self }
    }

    /// A code is good for one use: the question is not repeated once it may have arrived.
    pub(super) fn once(self) -> Question<'a> {
        Question { safety: Safety::OnlyIfNeverSent, ..self }
    }
}

/// What the endpoint answered, before anybody judged it.
pub(super) struct Reply {
    status: u16,
    body: Value,
    ahead: Option<i64>,
}

/// The answer to a successful question.
#[derive(Debug)]
pub struct Granted(Value);

/// A refusal by the token endpoint, by its own words.
#[derive(Debug)]
pub(super) struct Refusal {
    /// `error`
    pub(super) code: String,
    /// The error to raise if nothing better can be done.
    pub(super) error: Error,
}

/// The fields whose values are nobody's business.
const SECRETS: &[&str] =
    &["client_secret", "client_assertion", "assertion", "refresh_token", "password", "code", "code_verifier", "device_code"];

impl Reply {
    /// Descriptions sometimes repeat what was sent: what must not show is starred.
    fn hide(&mut self, form: &[Field<'_>]) {
        let Value::Object(body) = &mut self.body else { return };
        let Some(said) = body.get_mut("error_description") else { return };
        // What is shorter is a word of the language, and guessed in no time.
        for (_, secret) in form.iter().filter(|(name, value)| SECRETS.contains(name) && value.len() >= 4) {
            if let Some(text) = said.as_str().filter(|text| text.contains(secret)) {
                *said = text.replace(secret, "***").into();
            }
        }
    }

    /// Seconds by which the server's clock is ahead of ours, by its `Date`.
    pub(super) fn server_ahead(&self) -> Option<i64> {
        self.ahead
    }

    /// The answer to a successful question.
    pub(super) fn accept(self, url: &Url) -> std::result::Result<Granted, Refusal> {
        if self.status == 200 {
            return Ok(Granted(self.body));
        }
        Err(refusal(self.status, &self.body, url))
    }
}

impl Granted {
    /// A member, if it is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|t| !t.is_empty())
    }

    /// A member that is a secret.
    pub(super) fn secret(&self, name: &str) -> Option<Secret> {
        self.text(name).map(Secret::new)
    }

    /// A member, if it is a number or the text of one.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(number)
    }

    /// The token.
    pub(super) fn grant(&self) -> Result<Grant> {
        grant(&self.0)
    }
}

/// Posts a form. Transport failures, throttling and 5xx are retried here; refusals come back for the caller to judge.
pub(super) async fn post(wire: &Wire, question: &Question<'_>) -> Result<Reply> {
    let body = Secret::new(question.form.iter().map(|(k, v)| format!("{k}={}", encode(v))).collect::<Vec<_>>().join("&"));
    let (answer, tries) = exchange(wire, question.url, question.safety, || request(wire, question, &body)).await?;
    let mut reply = read(wire, answer, question.url, tries)?;
    if reply.status != 200 {
        reply.hide(question.form);
    }
    Ok(reply)
}

/// Sends a request until it is answered by something that another try would not change; tells how often that took.
pub(super) async fn exchange(wire: &Wire, url: &Url, safety: Safety, request: impl Fn() -> Request) -> Result<(Answer, u32)> {
    let began = wire.clock.monotonic();
    let mut tries = 0;
    loop {
        tries += 1;
        let answer = wire.transport.send(request(), TRY).await;
        let outcome = match &answer {
            Ok(a) => Outcome::Answered(a.status, retry::retry_after(&a.headers, wire.clock.wall())),
            Err(f) => Outcome::Failed { sent: f.sent, transient: f.transient },
        };
        let left = ALL_TRIES.saturating_sub(wire.clock.monotonic() - began);
        match retry::decide(outcome, safety, tries, Limits { max_retries: MAX_RETRIES, left }, wire.clock.chance()) {
            Decision::Again(wait) => {
                tracing::debug!(target: "xdrkit", "sign-in at {} again in {:.1} s", secret::shown(url), wait.as_secs_f64());
                wire.clock.sleep(wait).await;
            }
            Decision::TooLong(wait) => return Err(throttled(url, wait, tries)),
            Decision::Take => return answer.map(|a| (a, tries)).map_err(|f| unanswered(url, f, safety, tries)),
        }
    }
}

fn unanswered(url: &Url, failure: Failure, safety: Safety, tries: u32) -> Error {
    let kind = match (failure.timeout, failure.sent && safety != Safety::Idempotent) {
        (true, _) => Kind::DeadlineExceeded,
        (false, true) => Kind::ConnectionLost,
        (false, false) => Kind::Connect,
    };
    Error::new(kind, format!("cannot sign in at {}: {}", secret::shown(url), failure.message)).with(|e| {
        e.attempts = tries;
        e.url = Some(secret::shown(url));
    })
}

fn request(wire: &Wire, question: &Question<'_>, body: &Secret) -> Request {
    let mut request = Request::new(http::Method::POST, question.url.clone());
    let headers = &mut request.headers;
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(http::header::ACCEPT, HeaderValue::from_static("application/json"));
    for (name, text) in [("user-agent", wire.user_agent.as_str()), ("client-request-id", &random_guid()), ("x-client-sku", "xdrkit")] {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(http::HeaderName::from_static(name), value);
        }
    }
    headers.insert("x-client-ver", HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    if let Some(anchor) = question.anchor.and_then(|a| HeaderValue::from_str(a).ok()) {
        headers.insert("x-anchormailbox", anchor);
    }
    request.body = Some(body.expose().to_owned().into());
    request
}

/// An answer that is JSON; redirects, failures and pages for people are errors.
pub(super) fn read(wire: &Wire, answer: Answer, url: &Url, tries: u32) -> Result<Reply> {
    let at = secret::shown(url);
    let wrong = |what: &str| {
        Err(Error::new(Kind::BadResponse, format!("{at} {what}")).with(|f| {
            f.status = Some(answer.status);
            f.attempts = tries;
        }))
    };
    if (300..400).contains(&answer.status) {
        return wrong("answered with a redirect; a secret is not sent on");
    }
    if answer.status == 429 || answer.status >= 500 {
        return Err(Error::new(Kind::Service, format!("sign-in at {at} failed with status {}", answer.status)).with(|f| {
            f.status = Some(answer.status);
            f.attempts = tries;
        }));
    }
    if answer.body.len() > MAX_BODY {
        return wrong("answered with far too much for a token");
    }
    match json::parse(&answer.body) {
        Ok(body @ Value::Object(_)) => Ok(Reply { status: answer.status, body, ahead: ahead(&answer, wire) }),
        _ => wrong("did not answer with JSON; is a proxy or a login page in between?"),
    }
}

/// By how many seconds the server's `Date` is ahead of our calendar.
fn ahead(answer: &Answer, wire: &Wire) -> Option<i64> {
    let date = httpdate::parse_http_date(answer.headers.get(http::header::DATE)?.to_str().ok()?).ok()?;
    let there = date.duration_since(UNIX_EPOCH).ok()?.as_secs() as i64;
    Some(there - epoch_seconds(&*wire.clock))
}

fn throttled(url: &Url, wait: Duration, tries: u32) -> Error {
    let seconds = wait.as_secs_f64();
    Error::new(Kind::Throttled, format!("sign-in at {} is throttled for {seconds:.0} s", secret::shown(url))).with(|f| {
        f.status = Some(429);
        f.retry_after = Some(seconds);
        f.attempts = tries;
    })
}

/// The token of an answer.
fn grant(body: &Value) -> Result<Grant> {
    let bad = |what: &str| Error::new(Kind::BadResponse, format!("the login host's answer {what}"));
    let token = body.get("access_token").and_then(Value::as_str).unwrap_or_default();
    if !is_token(token) {
        return Err(bad("holds no usable access_token"));
    }
    if !body.get("token_type").and_then(Value::as_str).is_none_or(|t| t.eq_ignore_ascii_case("bearer")) {
        return Err(bad("holds a token that is no bearer token"));
    }
    let seconds = |key: &str| body.get(key).and_then(number).map(|s| Duration::from_secs_f64(s.clamp(0.0, LONGEST)));
    // Without a lifetime the token is used once.
    Ok(Grant { token: Secret::new(token), lifetime: seconds("expires_in").unwrap_or_default(), refresh_in: seconds("refresh_in") })
}

/// A number that may come as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str().and_then(|s| s.trim().parse().ok())).filter(|n| n.is_finite())
}

/// A refusal in the login host's own words, whichever way they came.
pub(super) fn refusal(status: u16, body: &Value, url: &Url) -> Refusal {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let code = text("error").to_owned();
    // The trace and time that follow the first line go into fields of their own.
    let description = text("error_description").split(['\r', '\n']).next().unwrap_or_default();
    let description = description.split(" Trace ID:").next().unwrap_or_default();
    let number = body.get("error_codes").and_then(Value::as_array).and_then(|c| c.first()).and_then(Value::as_i64);
    let kind = match code.as_str() {
        // The login host sees a loop of requests and asks for a pause, in the words of a refusal.
        "invalid_grant" if number == Some(LOOP) => Kind::Throttled,
        "invalid_grant" | "interaction_required" | "consent_required" | "login_required" => Kind::InteractionRequired,
        _ => Kind::Authentication,
    };
    let message = if description.is_empty() { format!("sign-in failed: {code}") } else { format!("sign-in failed: {description}") };
    let mut error = Error::new(kind, message).with(|f| {
        f.status = Some(status);
        f.code = Some(code.clone());
        f.request_id = body.get("correlation_id").and_then(Value::as_str).map(str::to_owned);
        f.method = Some("POST".to_owned());
        f.url = Some(secret::shown(url));
        f.hint = number.and_then(hints::for_number).map(str::to_owned);
    });
    for key in ["correlation_id", "trace_id", "timestamp", "suberror", "claims"] {
        if !text(key).is_empty() {
            error = error.detail(key, text(key));
        }
    }
    if let Some(number) = number {
        error = error.detail("aadsts", number).detail("help", hints::page(number));
    }
    if kind == Kind::Throttled {
        error = error.with(|f| f.retry_after = Some(LOOP_REST));
    }
    Refusal { code, error }
}

#[cfg(test)]
mod refusals;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::object;

    #[test]
    fn lifetimes_may_be_text_and_are_bounded() {
        let lifetime = |v: Value| grant(&object([("access_token", "t".into()), ("expires_in", v)])).unwrap().lifetime.as_secs();
        assert_eq!(lifetime("3599".into()), 3599);
        assert_eq!(lifetime(Value::Int(3599)), 3599);
        assert_eq!(lifetime(Value::Float(1e30)), 172_800);
        assert_eq!(lifetime(Value::Int(-1)), 0);
        assert_eq!(lifetime(Value::Null), 0);
    }

    #[test]
    fn what_is_no_bearer_token_is_refused() {
        for token in ["", "a\r\nb", "a b"] {
            assert!(grant(&object([("access_token", token.into())])).is_err());
        }
        assert!(grant(&object([("access_token", "t".into()), ("token_type", "mac".into())])).is_err());
    }
}
