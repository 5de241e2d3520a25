//! The token service: what Entra ID does for programs.
//!
//! Sign-in is where scripts fail first, and its errors are known by number. So the flows, the answers and the AADSTS errors are Entra's
//! own as far as they are documented, and the tokens carry what the services look at: audience, permissions, tenant, expiry. How near it
//! comes is not ours to judge: Microsoft's own libraries sign in to it in the tests.

mod applications;
mod assertion;
mod authorize;
mod device;
mod directory;
mod discovery;
mod issue;
mod refused;
mod scope;
mod token;

use http::Method;

use super::wire::{Reply, Request, guid, unescape};
use super::{House, Identity};

pub(super) use assertion::{Certificate, federated_token};
pub(super) use directory::Directory;
pub(super) use issue::{Principal, access_token};
pub(super) use scope::{resource, service_of};

use refused::{Outcome, Refused, refused};

/// Which generation of an endpoint was asked; the first one speaks of resources and writes numbers as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// Answers a request to the token service, or `None` when the path is not one of its paths.
pub(super) fn answer(house: &House, request: &Request) -> Option<Reply> {
    let path = request.path.to_ascii_lowercase();
    let mut parts = path.split('/').skip(1);
    let tenant = unescape(parts.next()?);
    let tenant = tenant.as_str();
    let rest: Vec<&str> = parts.collect();
    let get = |answer: &dyn Fn() -> Outcome| reply(house, request, only(request, Method::GET).and_then(|()| answer()));
    let post = |answer: &dyn Fn() -> Outcome| reply(house, request, only(request, Method::POST).and_then(|()| answer()));
    Some(match rest.as_slice() {
        ["oauth2", "v2.0", "token"] => post(&|| token::token(house, request, tenant, Version::Two)),
        ["oauth2", "token"] => post(&|| token::token(house, request, tenant, Version::One)),
        ["oauth2", "v2.0", "devicecode"] => post(&|| device::code(house, request, tenant)),
        ["oauth2", "v2.0", "authorize"] => authorize::answer(house, request, tenant),
        ["oauth2", "nativeclient"] => authorize::end_page(),
        ["device"] => device::page(house, request),
        ["v2.0", ".well-known", "openid-configuration"] => get(&|| discovery::configuration(house, request, tenant, Version::Two)),
        [".well-known", "openid-configuration"] => get(&|| discovery::configuration(house, request, tenant, Version::One)),
        ["discovery", "v2.0", "keys"] | ["discovery", "keys"] => get(&|| discovery::keys(house, tenant)),
        ["discovery", "instance"] => get(&|| discovery::instance(house, request)),
        ["userrealm", user] => get(&|| Ok(discovery::user_realm(house, &unescape(user)))),
        _ => return None,
    })
}

/// Whether the token service has something there.
pub(super) fn serves(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let rest: Vec<&str> = path.split('/').skip(2).collect();
    matches!(
        rest.as_slice(),
        ["oauth2", "v2.0", "token" | "devicecode" | "authorize"]
            | ["oauth2", "token" | "nativeclient"]
            | ["device"]
            | ["v2.0", ".well-known", "openid-configuration"]
            | [".well-known", "openid-configuration"]
            | ["discovery", "v2.0", "keys"]
            | ["discovery", "keys" | "instance"]
            | ["userrealm", _]
    )
}

/// A refusal of a fault's, in the token service's shape.
pub(super) fn refusal(house: &House, request: &Request, status: u16, error: &'static str, code: u32, words: &str) -> Reply {
    reply(house, request, Err(refused(status, error, code, words)))
}

fn only(request: &Request, method: Method) -> Result<(), Refused> {
    if request.method == method {
        return Ok(());
    }
    let words = format!("The endpoint only accepts {method} requests. Received a {} request.", request.method);
    Err(refused(405, "invalid_request", 900_561, words))
}

fn reply(house: &House, request: &Request, outcome: Outcome) -> Reply {
    let (trace, correlation) = ids(request);
    let (status, body) = match outcome {
        Ok(body) => (200, body),
        Err(refused) => (refused.status, refused.body(house, &trace, &correlation)),
    };
    let reply = Reply::json(status, &body)
        .header("Cache-Control", "no-store, no-cache")
        .header("Pragma", "no-cache")
        .header("x-ms-request-id", trace)
        .header("client-request-id", correlation);
    if status == 405 { reply.header("Allow", if request.method == Method::GET { "POST" } else { "GET" }) } else { reply }
}

/// What names this request in every answer: our own id, and the caller's.
fn ids(request: &Request) -> (String, String) {
    (guid(), request.header("client-request-id").map_or_else(guid, str::to_owned))
}

fn issuer(house: &House, version: Version) -> String {
    format!("{}/{}/{}", house.base, house.identity.tenant_id, if version == Version::Two { "v2.0" } else { "" })
}

/// `common` says nothing about the tenant: fine for people, who bring theirs, and for discovery; not for applications.
fn known_tenant(house: &House, tenant: &str, common: bool) -> Result<(), Refused> {
    let Identity { tenant_id, domain, .. } = &house.identity;
    if tenant.eq_ignore_ascii_case(tenant_id) || tenant.eq_ignore_ascii_case(domain) {
        return Ok(());
    }
    if ["common", "organizations", "consumers"].contains(&tenant) {
        let words = "No tenant-identifying information found in either the request or implied by any provided credentials.";
        return if common && tenant != "consumers" { Ok(()) } else { Err(refused(400, "invalid_request", 50_059, words)) };
    }
    let words = format!(
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. \
         Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
    );
    Err(refused(400, "invalid_request", 90_002, words))
}
