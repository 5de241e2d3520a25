//! The whole way of a request, over a scripted wire and a virtual clock.

use super::*;
use crate::{
    auth::StaticToken,
    clock::{BoxFuture, Clock, VirtualClock},
    json::object,
    request::{self, operation},
    secret::Secret,
};
use std::{collections::VecDeque, sync::Mutex};
use url::Url;

type Step = Result<(u16, &'static [(&'static str, &'static str)], &'static str), Failure>;

#[derive(Debug)]
struct Script {
    steps: Mutex<VecDeque<Step>>,
    sent: Mutex<Vec<Duration>>,
    clock: Arc<VirtualClock>,
}

impl transport::Transport for Script {
    fn send(&self, request: Request, _: Duration) -> BoxFuture<'_, Result<Answer, Failure>> {
        assert!(request.headers.get("authorization").is_some_and(HeaderValue::is_sensitive));
        self.sent.lock().unwrap().push(self.clock.monotonic());
        let step = self.steps.lock().unwrap().pop_front().expect("more requests than the script has");
        Box::pin(async move {
            let (status, headers, body) = step?;
            let headers = headers.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect();
            Ok(Answer { status, headers, body: body.into() })
        })
    }
}

const LOST: Step = Err(Failure { sent: true, timeout: false, transient: true, limit: false, message: String::new() });
const NEVER_SENT: Step = Err(Failure { sent: false, timeout: false, transient: true, limit: false, message: String::new() });

/// Runs one call of an operation; gives the result and the times at which requests left.
async fn run(id: &str, steps: Vec<Step>) -> (Result<Response>, Vec<f64>) {
    let clock = VirtualClock::shared();
    let script = Arc::new(Script { steps: Mutex::new(steps.into()), sent: Mutex::default(), clock: clock.clone() });
    let wire = Wire::over(script.clone(), clock);
    let tokens = Tokens::new(StaticToken::new(Secret::new("opaque")).unwrap());
    let pipeline =
        Pipeline::new(wire, tokens, ["https://a".to_owned(), "https://b".to_owned(), "https://c".to_owned()], None, Quotas::default());
    let op = operation(id).unwrap();
    let arguments = match id {
        "machines.isolate" => object([("id", "m".into()), ("comment", "c".into())]),
        _ => object([("id", "m".into())]),
    };
    let request = request::build(op, arguments.as_object().unwrap(), &Url::parse("https://api.example").unwrap()).unwrap();
    let bounds = Bounds { timeout: Duration::from_secs(10), deadline: Duration::from_secs(100), max_retries: 3, sign_in: None };
    let result = pipeline.send(Call { request, service: op.service, operation: Some(op), safety: op.safety, bounds }).await;
    assert!(script.steps.lock().unwrap().is_empty(), "fewer requests than the script has");
    let times = script.sent.lock().unwrap().iter().map(Duration::as_secs_f64).collect();
    (result, times)
}

fn kind(result: Result<Response>) -> Kind {
    result.unwrap_err().kind()
}

#[tokio::test]
async fn a_read_survives_what_passes() {
    let (result, times) = run("machines.get", vec![LOST, Ok((503, &[], "")), NEVER_SENT, Ok((200, &[], "{}"))]).await;
    assert_eq!((result.unwrap().answer.status, times.len()), (200, 4));
}

#[tokio::test]
async fn an_action_whose_fate_is_unknown_is_never_sent_again() {
    for step in [LOST, Ok((500, &[], "")), Ok((503, &[("retry-after", "1")], ""))] {
        let (result, times) = run("machines.isolate", vec![step]).await;
        assert_eq!((kind(result), times.len()), (Kind::ActionOutcomeUnknown, 1));
    }
}

#[tokio::test]
async fn an_action_that_never_left_or_was_refused_is_sent_again() {
    for step in [NEVER_SENT, Ok((429, &[("retry-after", "1")][..], ""))] {
        let (result, times) = run("machines.isolate", vec![step, Ok((201, &[], "{}"))]).await;
        assert_eq!((result.unwrap().answer.status, times.len()), (201, 2));
    }
}

#[tokio::test]
async fn nothing_leaves_before_the_time_that_the_service_named() {
    let (result, times) = run("machines.get", vec![Ok((429, &[("retry-after", "7")], "")), Ok((200, &[], "{}"))]).await;
    assert!(result.is_ok());
    assert!(times[1] - times[0] >= 7.0, "{times:?}");
}

#[tokio::test]
async fn a_wait_beyond_the_deadline_is_told_at_once() {
    let (result, times) = run("machines.get", vec![Ok((429, &[("retry-after", "101")], ""))]).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), times.len()), (Kind::Throttled, 1));
    assert!(error.facts().retry_after.unwrap() >= 101.0);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_even_for_an_action() {
    let (result, times) = run("machines.isolate", vec![Ok((401, &[], "")), Ok((201, &[], "{}"))]).await;
    assert_eq!((result.unwrap().answer.status, times.len()), (201, 2));
    let (result, times) = run("machines.isolate", vec![Ok((401, &[], "")), Ok((401, &[], ""))]).await;
    assert_eq!((kind(result), times.len()), (Kind::Unauthorized, 2));
}

#[tokio::test]
async fn tries_are_counted_and_told() {
    let (result, _) = run("machines.get", vec![LOST, LOST, LOST, LOST]).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.facts().attempts), (Kind::ConnectionLost, 4));
    assert_eq!(error.facts().url.as_deref(), Some("https://api.example/api/machines/m"));
}

#[test]
fn headers_that_the_client_owns_cannot_be_set() {
    let set = |name: &str, value: &str| check_headers(&[(name.to_owned(), value.to_owned())]);
    assert!(set("ConsistencyLevel", "eventual").is_ok());
    for (name, value) in [("Authorization", "x"), ("Host", "evil"), ("a b", "x"), ("x", "a\r\nb")] {
        assert!(set(name, value).is_err(), "{name}");
    }
}
