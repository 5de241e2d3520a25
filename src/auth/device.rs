//! User context by device code: the user signs in on any device, this program waits.
//!
//! Polling goes on through everything that may pass (throttling, 5xx, a broken connection) until the code expires: nobody wants to type a
//! second code because a proxy hiccuped.

use super::{
    Wanted, Wire,
    entra::{self, Granted, Question},
    user::{DevicePrompt, Person, PublicClient, SignIn, with_person},
};
use crate::{
    clock::BoxFuture,
    error::{Error, Kind, Result},
    secret::Secret,
};
use std::{sync::Arc, time::Duration};
use url::Url;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const REMEDY: &str = "many tenants block device codes by Conditional Access; an administrator can allow this application, or sign in with \
                      credential=\"browser\" or credential=\"paste\"";

/// Signs a user in by device code.
#[derive(Debug)]
pub struct DeviceCode {
    /// Shows the code.
    pub person: Arc<dyn Person>,
}

impl SignIn for DeviceCode {
    fn kind(&self) -> &'static str {
        "device code"
    }

    fn sign_in<'a>(&'a self, wire: &'a Wire, client: &'a PublicClient, wanted: &'a Wanted) -> BoxFuture<'a, Result<Granted>> {
        Box::pin(async move {
            let (scope, claims) = (wanted.user_scope(), wanted.all_claims());
            let authority = client.authority.for_tenant(wanted.tenant.as_deref())?;
            let url = authority.v2("devicecode");
            let mut form = vec![("client_id", client.client_id.as_str()), ("scope", &scope)];
            form.extend(claims.as_deref().map(|c| ("claims", c)));
            let begun = entra::post(wire, &Question::new(&url, &form)).await?.accept(&url).map_err(|r| r.error)?;
            let text = |key: &str| begun.text(key).unwrap_or_default().to_owned();
            let seconds = |key: &str, default: f64| begun.number(key).unwrap_or(default);
            let expires_in = Duration::from_secs_f64(seconds("expires_in", 900.0).clamp(1.0, 3600.0));
            let interval = Duration::from_secs_f64(seconds("interval", 5.0).clamp(1.0, 60.0));
            let code = Secret::new(text("device_code"));
            let (user_code, verification_uri) = (text("user_code"), text("verification_uri"));
            if code.is_empty() || user_code.is_empty() || verification_uri.is_empty() {
                return Err(Error::new(Kind::BadResponse, "the login host's answer holds no device code"));
            }
            let message = match text("message") {
                said if !said.is_empty() => said,
                _ => format!("To sign in, open {verification_uri} in a browser and enter the code {user_code}."),
            };
            let prompt = DevicePrompt { user_code, verification_uri, message, expires_in };
            with_person(&self.person, move |person| person.show_code(&prompt)).await?;
            poll(wire, client, &authority.v2("token"), &code, expires_in, interval).await
        })
    }
}

async fn poll(
    wire: &Wire,
    client: &PublicClient,
    url: &Url,
    code: &Secret,
    expires_in: Duration,
    mut interval: Duration,
) -> Result<Granted> {
    let form = [("grant_type", GRANT), ("client_id", &client.client_id), ("device_code", code.expose()), ("client_info", "1")];
    let began = wire.clock.monotonic();
    loop {
        wire.clock.sleep(interval).await;
        if wire.clock.monotonic() - began >= expires_in {
            let message = "the device code expired before anybody signed in with it";
            return Err(Error::new(Kind::InteractionRequired, message).with(|f| f.code = Some("expired_token".to_owned())));
        }
        let reply = match entra::post(wire, &Question::new(url, &form)).await {
            Ok(reply) => reply,
            Err(e) if e.facts().retryable || e.kind() == Kind::BadResponse => {
                tracing::debug!(target: "xdrkit", "polling for the device code goes on: {e}");
                continue;
            }
            Err(e) => return Err(e),
        };
        match reply.accept(url) {
            Ok(granted) => return Ok(granted),
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
