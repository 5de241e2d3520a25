//! User context by device code: the user signs in on any device, this program waits.
//!
//! Polling goes on through everything that may pass (throttling, 5xx, a broken connection) until the code expires: nobody wants to type a
//! second code because a proxy hiccuped. The refresh token that comes along serves the other audiences, so that one sign-in is enough
//! for three services.

use super::{Authority, Credential, Grant, Wanted, Wire, entra};
use crate::{
    clock::BoxFuture,
    error::{Error, Kind, Result},
    json::Value,
    perprocess::PerProcess,
    secret::Secret,
};
use std::{convert::Infallible, fmt, sync::Arc, time::Duration};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const REMEDY: &str =
    "many tenants block device codes by Conditional Access; an administrator can allow this application, or use another credential";

/// What the user has to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevicePrompt {
    /// The code to type.
    pub user_code: String,
    /// Where to type it.
    pub verification_uri: String,
    /// The login host's own words.
    pub message: String,
    /// How long the code is good for.
    pub expires_in: Duration,
}

/// Shows a prompt to the user. It may block: it runs off the runtime's threads.
pub trait Prompt: Send + Sync + fmt::Debug {
    /// Shows it; an error ends the sign-in.
    fn show(&self, prompt: &DevicePrompt) -> Result<()>;
}

/// Signs a user in by device code.
#[derive(Debug)]
pub struct DeviceCode {
    authority: Authority,
    client_id: String,
    prompt: Arc<dyn Prompt>,
    /// One sign-in at a time, and what it left behind.
    session: PerProcess<tokio::sync::Mutex<Option<Secret>>>,
}

impl DeviceCode {
    /// A public client of that tenant (or of `organizations`).
    pub fn new(authority: Authority, client_id: &str, prompt: Arc<dyn Prompt>) -> Result<DeviceCode> {
        if client_id.trim().is_empty() {
            return Err(Error::setting("client_id", "is empty"));
        }
        Ok(DeviceCode { authority, client_id: client_id.to_owned(), prompt, session: PerProcess::new() })
    }

    async fn sign_in(&self, wire: &Wire, wanted: &Wanted) -> Result<Value> {
        let scope = scope(wanted);
        let url = self.authority.v2("devicecode");
        let mut form = vec![("client_id", self.client_id.as_str()), ("scope", &scope)];
        form.extend(wanted.claims.as_deref().map(|c| ("claims", c)));
        let begun = entra::post(wire, &url, &form).await?.accept(&url).map_err(|r| r.error)?;
        let text = |key: &str| begun.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let seconds = |key: &str, default: f64| begun.get(key).and_then(entra::number).unwrap_or(default);
        let expires_in = Duration::from_secs_f64(seconds("expires_in", 900.0).clamp(1.0, 3600.0));
        let interval = Duration::from_secs_f64(seconds("interval", 5.0).clamp(1.0, 60.0));
        let code = Secret::new(text("device_code"));
        let prompt =
            DevicePrompt { user_code: text("user_code"), verification_uri: text("verification_uri"), message: text("message"), expires_in };
        if code.is_empty() || prompt.user_code.is_empty() || prompt.verification_uri.is_empty() {
            return Err(Error::new(Kind::BadResponse, "the login host's answer holds no device code"));
        }
        let shower = self.prompt.clone();
        tokio::task::spawn_blocking(move || shower.show(&prompt))
            .await
            .map_err(|_| Error::new(Kind::Internal, "the prompt ended without an answer"))??;
        self.poll(wire, &code, expires_in, interval).await
    }

    async fn poll(&self, wire: &Wire, code: &Secret, expires_in: Duration, mut interval: Duration) -> Result<Value> {
        let url = self.authority.v2("token");
        let form = [("grant_type", GRANT), ("client_id", &self.client_id), ("device_code", code.expose()), ("client_info", "1")];
        let began = wire.clock.monotonic();
        loop {
            wire.clock.sleep(interval).await;
            if wire.clock.monotonic() - began >= expires_in {
                let message = "the device code expired before anybody signed in with it";
                return Err(Error::new(Kind::InteractionRequired, message).with(|f| f.code = Some("expired_token".to_owned())));
            }
            let reply = match entra::post(wire, &url, &form).await {
                Ok(reply) => reply,
                Err(e) if e.facts().retryable || e.kind() == Kind::BadResponse => {
                    tracing::debug!(target: "xdrkit", "polling for the device code goes on: {e}");
                    continue;
                }
                Err(e) => return Err(e),
            };
            match reply.accept(&url) {
                Ok(body) => return Ok(body),
                Err(refusal) => match refusal.code.as_str() {
                    "authorization_pending" => {}
                    "slow_down" => interval += Duration::from_secs(5),
                    "authorization_declined" | "access_denied" => return Err(refusal.error.hint("the sign-in was declined")),
                    "expired_token" | "code_expired" => return Err(refusal.error.with(|f| f.kind = Kind::InteractionRequired)),
                    _ => {
                        let has_hint = refusal.error.facts().hint.is_some();
                        return Err(if has_hint { refusal.error } else { refusal.error.hint(REMEDY) });
                    }
                },
            }
        }
    }

    async fn refresh(&self, wire: &Wire, wanted: &Wanted, refresh_token: &Secret) -> Result<Value> {
        let url = self.authority.v2("token");
        let scope = scope(wanted);
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("client_id", &self.client_id),
            ("refresh_token", refresh_token.expose()),
            ("scope", &scope),
            ("client_info", "1"),
        ];
        form.extend(wanted.claims.as_deref().map(|c| ("claims", c)));
        entra::post(wire, &url, &form).await?.accept(&url).map_err(|r| r.error)
    }
}

fn scope(wanted: &Wanted) -> String {
    format!("{} openid profile offline_access", wanted.default_scope())
}

impl Credential for DeviceCode {
    fn kind(&self) -> &'static str {
        "device code"
    }

    fn tenant(&self) -> Option<&str> {
        Some(self.authority.tenant())
    }

    fn client_id(&self) -> Option<&str> {
        Some(&self.client_id)
    }

    fn is_interactive(&self) -> bool {
        true
    }

    fn acquire<'a>(&'a self, wire: &'a Wire, wanted: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        Box::pin(async move {
            let session =
                self.session.get_or_try_make(|| Ok::<_, Infallible>(tokio::sync::Mutex::default())).unwrap_or_else(|never| match never {});
            let mut refresh_token = session.lock().await;
            let body = match &*refresh_token {
                Some(token) => match self.refresh(wire, wanted, token).await {
                    // The sign-in is over, or this audience wants another one: ask the user.
                    Err(e) if e.kind() == Kind::InteractionRequired => self.sign_in(wire, wanted).await?,
                    other => other?,
                },
                None => self.sign_in(wire, wanted).await?,
            };
            if let Some(new) = body.get("refresh_token").and_then(Value::as_str).filter(|t| !t.is_empty()) {
                *refresh_token = Some(Secret::new(new));
            }
            entra::grant(&body)
        })
    }
}
