//! One exchange with an identity endpoint: the request, what is sent again, and what an answer means.

use super::{
    Identity, expiry,
    platform::{Place, Platform},
};
use crate::{
    auth::{Grant, Wire, entra::number, is_token},
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
use http::{HeaderName, HeaderValue, Method, header};
use std::time::{Duration, UNIX_EPOCH};

pub(super) const TRY: Duration = Duration::from_secs(30);
const ALL_TRIES: Duration = Duration::from_secs(90);
const MAX_RETRIES: u32 = 3;
const MAX_BODY: usize = 1 << 20;
const LONGEST_TEXT: usize = 300;

impl Place {
    /// The request for a token.
    pub(super) fn request(&self, wire: &Wire, identity: Option<&Identity>, resource: &str) -> Result<Request> {
        let mut parameters: Vec<(&str, &str)> = self.platform.api_version().map(|version| ("api-version", version)).into_iter().collect();
        parameters.push(("resource", resource));
        if let Some(identity) = identity {
            parameters.push((self.platform.parameter(identity)?, identity.value()));
        }
        let parameters = parameters.iter().map(|(k, v)| format!("{k}={}", encode(v))).collect::<Vec<_>>().join("&");
        let mut request = Request::new(Method::GET, self.url.clone());
        if self.platform == Platform::CloudShell {
            request.method = Method::POST;
            request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            request.body = Some(parameters.into());
        } else {
            // Azure ML's endpoint may come with a query of its own.
            let query = self.url.query().filter(|q| !q.is_empty()).map_or(parameters.clone(), |own| format!("{own}&{parameters}"));
            request.url.set_query(Some(&query));
        }
        self.add_headers(wire, &mut request);
        Ok(request)
    }

    fn add_headers(&self, wire: &Wire, request: &mut Request) {
        let headers = &mut request.headers;
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        for (name, text) in [("user-agent", wire.user_agent.as_str()), ("x-ms-client-request-id", &random_guid())] {
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        if let Some(metadata) = self.platform.metadata() {
            headers.insert("metadata", HeaderValue::from_static(metadata));
        }
        if let Some(secret) = &self.secret {
            headers.extend(hidden(secret).map(|value| (HeaderName::from_static(self.platform.secret_header()), value)));
        }
    }

    /// An error that says which platform this is, and by what that was decided.
    pub(super) fn error(&self, kind: Kind, what: impl AsRef<str>) -> Error {
        Error::new(kind, format!("{}, {}: {}", self.platform.kind(), self.found, what.as_ref()))
            .with(|f| f.url = Some(secret::shown(&self.url)))
    }

    /// Sends a request. Transport failures, throttling and 5xx are retried here.
    pub(super) async fn send(&self, wire: &Wire, request: &Request) -> Result<Answer> {
        let began = wire.clock.monotonic();
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = wire.direct.send(request.clone(), TRY).await;
            let outcome = match &answer {
                Ok(a) => Outcome::Answered(a.status, retry::retry_after(&a.headers, wire.clock.wall())),
                Err(f) => Outcome::Failed { sent: f.sent, transient: f.transient },
            };
            let left = ALL_TRIES.saturating_sub(wire.clock.monotonic() - began);
            match retry::decide(outcome, Safety::Idempotent, tries, Limits { max_retries: MAX_RETRIES, left }, wire.clock.chance()) {
                Decision::Again(wait) => wire.clock.sleep(wait).await,
                Decision::TooLong(wait) => return Err(self.throttled(Some(wait)).with(|f| f.attempts = tries)),
                Decision::Take => return answer.map_err(|f| self.no_answer(&f, tries)),
            }
        }
    }

    fn no_answer(&self, failure: &Failure, tries: u32) -> Error {
        let kind = match failure.timeout {
            // Nobody named this endpoint: a machine may have the agent's files and no agent that runs.
            _ if !self.named => Kind::CredentialUnavailable,
            true => Kind::DeadlineExceeded,
            false => Kind::Connect,
        };
        self.error(kind, format!("no answer from {}: {}", secret::shown(&self.url), failure.message))
            .hint("the platform's identity service does not run, or this process cannot reach it")
            .with(|f| f.attempts = tries)
    }

    pub(super) fn throttled(&self, wait: Option<Duration>) -> Error {
        let what = wait.map_or("it is throttled".to_owned(), |wait| format!("it is throttled for {:.0} s", wait.as_secs_f64()));
        self.error(Kind::Throttled, what).hint("many processes ask for tokens on this machine; share one client between them").with(|f| {
            f.status = Some(429);
            f.retry_after = wait.map(|w| w.as_secs_f64());
        })
    }

    /// The body of a successful answer. `key` is what was sent beside the environment's secret and must not be repeated either.
    pub(super) fn body(&self, wire: &Wire, answer: &Answer, identity: Option<&Identity>, key: Option<&Secret>) -> Result<Value> {
        let wrong = |what: &str| Err(self.error(Kind::BadResponse, what).with(|f| f.status = Some(answer.status)));
        match answer.status {
            200 if answer.body.len() > MAX_BODY => wrong("the answer is far too large for a token"),
            200 => match json::parse(&answer.body) {
                Ok(body @ Value::Object(_)) => Ok(body),
                _ => wrong("the answer is no JSON; is a proxy or a login page in between?"),
            },
            300..400 => wrong("the answer is a redirect; a secret is not sent on"),
            429 => Err(self.throttled(retry::retry_after(&answer.headers, wire.clock.wall()))),
            _ => Err(self.refusal(answer, identity, key)),
        }
    }

    fn refusal(&self, answer: &Answer, identity: Option<&Identity>, key: Option<&Secret>) -> Error {
        let kind = if matches!(answer.status, 410 | 500..) { Kind::Service } else { Kind::Authentication };
        let said = self.said(answer, key).map_or(String::new(), |said| format!(": {said}"));
        let hint = match (self.platform, identity) {
            (Platform::Automation | Platform::AutomationWorker, Some(_)) => format!(
                "this worker may know the Automation account's own identity only: leave {} away and give the permissions to that identity",
                identity.map_or("it", Identity::setting)
            ),
            (_, Some(identity)) => format!("check that {} is assigned to this resource", identity.value()),
            (_, None) => "check that the system-assigned identity is turned on, or name a user-assigned one with client_id".to_owned(),
        };
        self.error(kind, format!("status {}{said}", answer.status)).hint(hint).with(|f| f.status = Some(answer.status))
    }

    /// What an answer says is wrong, as one short line without what was secret in the question.
    pub(super) fn said(&self, answer: &Answer, key: Option<&Secret>) -> Option<String> {
        let text = match json::parse(&answer.body) {
            Ok(body) => {
                let inner = body.get("error").and_then(|e| e.get("message").or(Some(e)));
                [body.get("error_description"), body.get("message"), body.get("Message"), inner]
                    .into_iter()
                    .flatten()
                    .find_map(Value::as_str)?
                    .to_owned()
            }
            Err(_) => String::from_utf8_lossy(&answer.body).into_owned(),
        };
        let line = text.trim().lines().next()?.trim();
        let secret = |s: &&Secret| !s.is_empty() && line.contains(s.expose());
        let shown = !line.is_empty() && !line.starts_with('<') && ![self.secret.as_ref(), key].into_iter().flatten().any(|s| secret(&s));
        shown.then(|| line.chars().filter(|c| !c.is_control()).take(LONGEST_TEXT).collect())
    }

    /// The token of an answer. Times are read against the answer's own `Date`, so that a wrong clock does no harm.
    pub(super) fn grant(&self, wire: &Wire, answer: &Answer, body: &Value) -> Result<Grant> {
        let token = body.get("access_token").and_then(Value::as_str).unwrap_or_default();
        if !is_token(token) {
            return Err(self.error(Kind::BadResponse, "the answer holds no usable access_token"));
        }
        if !body.get("token_type").and_then(Value::as_str).is_none_or(|t| t.eq_ignore_ascii_case("bearer")) {
            return Err(self.error(Kind::BadResponse, "the answer holds a token that is no bearer token"));
        }
        let token = Secret::new(token);
        let date = answer.headers.get(header::DATE).and_then(|v| v.to_str().ok()).and_then(|v| httpdate::parse_http_date(v).ok());
        let now = date.and_then(|d| d.duration_since(UNIX_EPOCH).ok()).map_or_else(|| epoch_seconds(&*wire.clock), |d| d.as_secs() as i64);
        let lifetime = expiry::lifetime(body, &token, now);
        let refresh_in = body.get("refresh_in").and_then(number).filter(|s| *s > 0.0);
        Ok(Grant { lifetime, refresh_in: refresh_in.map(|s| Duration::from_secs_f64(s.min(lifetime.as_secs_f64()))), token })
    }
}

/// A secret as a header's value that no log shows.
pub(super) fn hidden(secret: &Secret) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(secret.expose()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
