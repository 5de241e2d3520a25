//! Virtual machines: the instance's metadata service.
//!
//! Its address is the same everywhere and answers nowhere but in Azure; other clouds have a service of their own there. So the first contact
//! is made with little patience, and with one second's in a chain, where the next way is waiting. Once the service was seen, its own rules
//! hold: it is updated under running machines, says 410 meanwhile, and is back within 70 seconds.

use super::{Identity, ManagedIdentity, ask};
use crate::{
    auth::Wire,
    error::{Error, Kind, Result},
    json,
    pipeline::{
        retry,
        transport::{Answer, Failure},
    },
    request::Request,
};
use std::{sync::atomic::Ordering::Relaxed, time::Duration};

/// In a chain, for the first try.
const PROBE: Duration = Duration::from_secs(1);
/// For tries while nothing has answered yet, and the waits after them.
const PATIENCE: [(Duration, Duration); 3] = [
    (Duration::from_secs(2), Duration::from_millis(300)),
    (Duration::from_secs(4), Duration::from_millis(600)),
    (Duration::from_secs(10), Duration::ZERO),
];
const BACKOFF: [Duration; 4] = [Duration::from_secs(2), Duration::from_secs(6), Duration::from_secs(14), Duration::from_secs(30)];
/// An update is over by then.
const UPDATE: Duration = Duration::from_secs(70);
const HINT: &str = "on a machine of your own sign in another way, such as credential=\"azure-cli\" or \"browser\"; in a container in Azure, see \
                    that nothing blocks 169.254.169.254";

impl ManagedIdentity {
    /// The answer of the metadata service, when it is worth reading.
    pub(super) async fn ask_imds(&self, wire: &Wire, request: &Request) -> Result<Answer> {
        let began = wire.clock.monotonic();
        let (mut silent, mut answered) = (0, 0);
        loop {
            let seen = self.seen.load(Relaxed);
            let probing = wire.in_chain && !seen && !self.place.named;
            let patience = PATIENCE.get(silent);
            let bound = if probing { PROBE } else { patience.filter(|_| !seen).map_or(ask::TRY, |(bound, _)| *bound) };
            match wire.direct.send(request.clone(), bound).await {
                Err(failure) => {
                    silent += 1;
                    if probing || silent >= PATIENCE.len() || !failure.transient {
                        return Err(self.silence(&failure, bound, seen, (silent + answered) as u32));
                    }
                    wire.clock.sleep(patience.map_or(Duration::ZERO, |(_, wait)| *wait)).await;
                }
                Ok(answer) if probing && !is_imds(&answer) => return Err(self.stranger(&answer)),
                Ok(answer) => {
                    if answer.status != 403 {
                        self.seen.store(true, Relaxed);
                    }
                    let asked = retry::retry_after(&answer.headers, wire.clock.wall());
                    match wait(answer.status, asked, answered, wire.clock.monotonic() - began) {
                        Some(wait) if wait > UPDATE => return Err(self.place.throttled(Some(wait))),
                        Some(wait) => wire.clock.sleep(wait).await,
                        None => return Ok(answer),
                    }
                    answered += 1;
                }
            }
        }
    }

    /// What a refusal of the metadata service means: often, that there is no identity here.
    pub(super) fn judge_imds(&self, answer: &Answer, identity: Option<&Identity>) -> Result<()> {
        let said = self.place.said(answer, None).unwrap_or_else(|| format!("status {}", answer.status));
        let unavailable = |what: String, hint: String| {
            Err(self.place.error(Kind::CredentialUnavailable, what).hint(hint).with(|f| f.status = Some(answer.status)))
        };
        match (answer.status, identity) {
            (400, Some(id)) => unavailable(
                format!("the identity {} is not assigned to this machine ({said})", id.value()),
                "assign it: the machine's page in the portal, Identity, User assigned; or name another".to_owned(),
            ),
            (400, None) => unavailable(
                format!("this machine has no identity, or several and no own ({said})"),
                "turn it on: the machine's page in the portal, Identity, System assigned; or name a user-assigned one with client_id"
                    .to_owned(),
            ),
            (403, _) if said.to_ascii_lowercase().contains("unreachable") => {
                unavailable(format!("a proxy in between answers that the service is unreachable ({said})"), HINT.to_owned())
            }
            (404, _) => unavailable(format!("what answers at its address knows no identities ({said})"), HINT.to_owned()),
            _ => Ok(()),
        }
    }

    fn silence(&self, failure: &Failure, bound: Duration, seen: bool, tries: u32) -> Error {
        let host = self.place.url.host_str().unwrap_or_default();
        let what = if failure.timeout {
            format!("no answer from {host} within {} s", bound.as_secs_f64())
        } else {
            format!("no answer from {host} ({})", failure.message)
        };
        if seen {
            let kind = if failure.timeout { Kind::DeadlineExceeded } else { Kind::Connect };
            return self.place.error(kind, what).hint("the service answered before; try again").with(|f| f.attempts = tries);
        }
        let place = if self.place.named { "" } else { ": this machine is not in Azure" };
        self.place.error(Kind::CredentialUnavailable, format!("{what}{place}")).hint(HINT).with(|f| f.attempts = tries)
    }

    fn stranger(&self, answer: &Answer) -> Error {
        let what = format!("what answers at its address (status {}) is not Azure's: this machine is not in Azure", answer.status);
        self.place.error(Kind::CredentialUnavailable, what).hint(HINT).with(|f| f.status = Some(answer.status))
    }
}

/// Whether the answer is one of Azure's: other clouds and captive portals answer at that address too.
fn is_imds(answer: &Answer) -> bool {
    let server = answer.headers.get(http::header::SERVER).and_then(|v| v.to_str().ok()).unwrap_or_default();
    server.starts_with("IMDS")
        || matches!(answer.status, 410 | 429)
        || json::parse(&answer.body).is_ok_and(|body| body.get("access_token").or(body.get("error")).is_some())
}

/// How long to wait before asking again; `None` if the answer is final. `answered` counts the answers before this one.
fn wait(status: u16, asked: Option<Duration>, answered: usize, passed: Duration) -> Option<Duration> {
    if !matches!(status, 404 | 410 | 429 | 500..600) {
        return None;
    }
    let wait = match BACKOFF.get(answered) {
        Some(wait) => *wait,
        // The usual tries are over; an update may still have a little to go.
        None if status == 410 && passed < UPDATE => UPDATE - passed,
        None => return None,
    };
    Some(asked.unwrap_or(wait))
}
