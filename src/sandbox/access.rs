//! Who calls, and whether they may.
//!
//! The commonest trouble with these services is a token for another of them. So a token must be signed, in its time, of this tenant, for
//! the audience of the operation's own service, and carry one of the operation's declared permissions; each refusal says which failed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::json::Value;
use crate::ops::model::{Operation, Service};

use super::failure::{self, Failure};
use super::wire::Request;
use super::{House, clock, entra, jwt};

const EXPIRED: &str = "Lifetime validation failed, the token is expired.";

/// The holder of a good token.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The user principal name; none: an application.
    pub(super) user: Option<String>,
    /// The application's id, the caller's own or the one that the user works with.
    pub(super) app: String,
    pub(super) permissions: Vec<String>,
}

impl Caller {
    /// Whether the token carries that permission.
    pub(super) fn may(&self, permission: &str) -> bool {
        self.permissions.iter().any(|p| p == permission)
    }

    /// As whom the services note changes down.
    pub(super) fn name(&self) -> &str {
        self.user.as_deref().unwrap_or(super::APP_NAME)
    }
}

fn text<'c>(claims: &'c Value, name: &str) -> &'c str {
    claims.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|t| !t.is_empty())
}

/// The user of a token that we signed, for the log; whether it is good does not matter there.
pub(super) fn user_of(request: &Request) -> Option<String> {
    let claims = jwt::verify(bearer(request)?)?;
    claims.get("upn").and_then(Value::as_str).map(str::to_owned)
}

/// The service that a token of ours is for; whether it is good does not matter here.
pub(super) fn service_of(request: &Request) -> Option<Service> {
    entra::service_of(text(&jwt::verify(bearer(request)?)?, "aud"))
}

fn unauthorized(house: &House, service: Service, message: &str) -> Failure {
    challenged(house, service, message, &format!("error=\"invalid_token\", error_description=\"{message}\""))
}

fn challenged(house: &House, service: Service, message: &str, what: &str) -> Failure {
    let code = if service == Service::Graph { "InvalidAuthenticationToken" } else { "Unauthorized" };
    let challenge = format!("Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\", {what}", house.base);
    Failure::new(401, code, message).header("WWW-Authenticate", challenge)
}

/// What a token gets whose time is over.
pub(super) fn expired(house: &House, service: Service) -> Failure {
    unauthorized(house, service, EXPIRED)
}

/// What a token gets without any of the operation's permissions, whatever it carries.
pub(super) fn missing_role(request: &Request, op: &Operation) -> Failure {
    let caller = Caller { user: user_of(request), app: String::new(), permissions: Vec::new() };
    authorize(&caller, op).err().unwrap_or_else(|| failure::usual(403))
}

/// Whether the token is older than the last revocation. Who understands it is told what to ask the token service for.
fn revoked(house: &House, service: Service, claims: &Value) -> Option<Failure> {
    let revoked = house.directory().revoked()?;
    let since = clock::seconds_of(revoked);
    let given = jwt::decode(text(claims, "aio")).and_then(|bytes| Some(i64::from_be_bytes(*bytes.first_chunk()?)));
    let older = given.is_none_or(|ticks| ticks <= revoked);
    let capable = claims.get("xms_cc").is_some();
    let begins = claims.get("nbf").and_then(Value::as_i64).unwrap_or_default();
    let unheeding = capable && begins < since;
    if !(older || unheeding) {
        return None;
    }
    let message = "Continuous access evaluation resulted in a challenge: the user's sessions were revoked.";
    if !capable {
        return Some(unauthorized(house, service, message));
    }
    let wanted = format!("{{\"access_token\":{{\"nbf\":{{\"essential\":true,\"value\":\"{since}\"}}}}}}");
    let what = format!("error=\"insufficient_claims\", claims=\"{}\"", STANDARD.encode(wanted));
    Some(challenged(house, service, message, &what))
}

/// Checks the token of a request to one of this service's operations.
pub(super) fn authenticate(house: &House, request: &Request, service: Service) -> Result<Caller, Failure> {
    let refuse = |message: &str| Err(unauthorized(house, service, message));
    let Some(token) = bearer(request) else { return refuse("Access token is empty.") };
    if token.split('.').count() != 3 {
        return refuse("CompactToken parsing failed: the access token is not well formed.");
    }
    let Some(claims) = jwt::verify(token) else { return refuse("Access token validation failure. The signature is invalid.") };
    let now = house.clock.seconds();
    if claims.get("exp").and_then(Value::as_i64).is_none_or(|exp| exp <= now) {
        return Err(expired(house, service));
    }
    if claims.get("nbf").and_then(Value::as_i64).is_some_and(|nbf| nbf > now) {
        return refuse("Lifetime validation failed, the token is not yet valid.");
    }
    if entra::service_of(text(&claims, "aud")) != Some(service) {
        return refuse("Access token validation failure. Invalid audience.");
    }
    if text(&claims, "tid") != house.identity.tenant_id {
        return refuse("Access token validation failure. Invalid tenant.");
    }
    if let Some(refusal) = revoked(house, service, &claims) {
        return Err(refusal);
    }
    let user = claims.get("upn").and_then(Value::as_str).map(str::to_owned);
    let permissions = match claims.get("scp").and_then(Value::as_str) {
        Some(scp) => scp.split_whitespace().map(str::to_owned).collect(),
        None => {
            claims.get("roles").and_then(Value::as_array).unwrap_or_default().iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
    };
    let app = text(&claims, "appid").to_owned();
    Ok(Caller { user, app, permissions })
}

/// Whether the caller has any of the permissions that the operation declares.
pub(super) fn authorize(caller: &Caller, op: &Operation) -> Result<(), Failure> {
    let needed = if caller.user.is_some() { op.delegated_permissions } else { op.app_permissions };
    need_any(caller, op.service, needed)
}

/// Whether the caller has any of these permissions.
pub(super) fn need_any(caller: &Caller, service: Service, needed: &[&str]) -> Result<(), Failure> {
    if caller.permissions.iter().any(|p| needed.contains(&p.as_str())) {
        return Ok(());
    }
    let (needed, held) = (needed.join(", "), caller.permissions.join(", "));
    let message = match (service, &caller.user) {
        (Service::Graph, Some(_)) => format!(
            "Auth token does not contain valid permissions or user does not have valid roles. API required scopes: {needed}, application \
             scopes: {held}."
        ),
        (_, Some(_)) => format!("Missing application scopes. API required scopes: {needed}, application scopes: {held}."),
        (_, None) => format!("Missing application roles. API required roles: {needed}, application roles: {held}."),
    };
    Err(Failure::new(403, "Forbidden", message))
}
