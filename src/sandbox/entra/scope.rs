//! What a token is asked for: resources and the permissions of them.

use crate::ops;
use crate::ops::model::{Operation, Service};

use super::super::House;
use super::refused::{Refused, refused};

/// The resources of the services: every name under which a token can be asked for.
const RESOURCES: &[(Service, &[&str])] = &[
    (
        Service::Endpoint,
        &[
            "https://api.securitycenter.microsoft.com",
            "https://api.securitycenter.windows.com",
            "https://securitycenter.onmicrosoft.com/windowsatpservice",
            "https://api-gcc.securitycenter.microsoft.us",
            "https://api-gov.securitycenter.microsoft.us",
            "fc780465-2017-40d4-a0c5-307022471b92",
        ],
    ),
    (
        Service::Xdr,
        &[
            "https://api.security.microsoft.com",
            "https://api-gcc.security.microsoft.us",
            "https://api-gov.security.microsoft.us",
            "8ee8fdad-f234-4243-8f3b-15c294843740",
        ],
    ),
    (
        Service::Graph,
        &[
            "https://graph.microsoft.com",
            "https://graph.microsoft.us",
            "https://dod-graph.microsoft.us",
            "00000003-0000-0000-c000-000000000000",
        ],
    ),
];
const GRAPH: &str = "https://graph.microsoft.com";
const OPENID: [&str; 3] = ["openid", "profile", "email"];
/// The one permission of the sandbox's applications themselves: what a token to act on a user's behalf carries.
pub(super) const OWN_SCOPE: &str = "user_impersonation";

/// The service that accepts a token with this audience.
pub(in crate::sandbox) fn service_of(audience: &str) -> Option<Service> {
    let wanted = audience.trim_end_matches('/');
    RESOURCES.iter().find(|(_, names)| names.iter().any(|n| n.eq_ignore_ascii_case(wanted))).map(|(service, _)| *service)
}

/// For whom a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Target {
    Service(Service),
    /// An application of the sandbox itself.
    Own,
}

/// What a scope parameter asks for.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) target: Target,
    /// The resource as it was written.
    pub(super) resource: String,
    /// Named permissions; none for `.default`.
    pub(super) names: Vec<String>,
    /// Whether `.default` was asked for: libraries look for the very words that they sent.
    pub(super) default: bool,
    /// What was asked for of OpenID Connect: `openid`, `profile`, `email`.
    pub(super) openid: Vec<&'static str>,
    pub(super) offline: bool,
}

impl Scope {
    /// All permissions of one resource.
    pub(super) fn of(target: Target, resource: &str, person: bool) -> Scope {
        let openid = if person { vec!["openid"] } else { Vec::new() };
        Scope { target, resource: resource.to_owned(), names: Vec::new(), default: false, openid, offline: person }
    }
}

/// Whether this is a name of that application as a resource.
pub(super) fn names_app(resource: &str, client_id: &str) -> bool {
    resource.strip_prefix("api://").unwrap_or(resource).trim_end_matches('/').eq_ignore_ascii_case(client_id)
}

/// Whose resource this is.
pub(in crate::sandbox) fn resource(house: &House, name: &str) -> Result<Target, Refused> {
    let identity = &house.identity;
    if names_app(name, &identity.client_id) || names_app(name, &identity.public_client_id) {
        return Ok(Target::Own);
    }
    service_of(name).map(Target::Service).ok_or_else(|| {
        let words = format!(
            "The resource principal named {name} was not found in the tenant named {}. This can happen if the application has not been \
             installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your \
             authentication request to the wrong tenant.",
            house.identity.tenant_name
        );
        refused(400, "invalid_resource", 500_011, words)
    })
}

fn bad_scope(scope: &str) -> Refused {
    let words = format!(
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. \
         The scope {scope} is not valid."
    );
    refused(400, "invalid_scope", 70_011, words)
}

/// One item of a scope parameter: resource, its name as written, permission.
fn item(house: &House, text: &str, item: &str) -> Result<(Target, String, String), Refused> {
    let (name, permission) = match item.rsplit_once('/') {
        Some((name, permission)) if !permission.is_empty() && name.len() > 8 => (name, permission),
        // A bare name is one of Graph's.
        None if item.contains('.') && !item.starts_with('.') => (GRAPH, item),
        _ => return Err(bad_scope(text)),
    };
    let target = resource(house, name).map_err(|e| if name.contains("://") { e } else { bad_scope(text) })?;
    let there = match target {
        Target::Own => permission == OWN_SCOPE,
        Target::Service(service) => {
            let has = |op: &Operation| op.service == service && op.delegated_permissions.contains(&permission);
            ops::all().any(has)
        }
    };
    if permission != ".default" && !there {
        return Err(bad_scope(text));
    }
    Ok((target, name.to_owned(), permission.to_owned()))
}

/// Reads a scope parameter.
pub(super) fn scope(house: &House, text: &str) -> Result<Scope, Refused> {
    let mut found: Option<Scope> = None;
    let (mut openid, mut offline) = (Vec::new(), false);
    for word in text.split_whitespace() {
        match (word, OPENID.iter().find(|known| **known == word)) {
            (_, Some(known)) => openid.push(*known),
            ("offline_access", _) => offline = true,
            _ => {
                let (target, name, permission) = item(house, text, word)?;
                let entry = found.get_or_insert_with(|| Scope::of(target, &name, false));
                if entry.target != target {
                    let words = format!(
                        "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope {text} is \
                         not valid."
                    );
                    return Err(refused(400, "invalid_request", 28_000, words));
                }
                if permission == ".default" {
                    entry.default = true;
                } else {
                    entry.names.push(permission);
                }
            }
        }
    }
    // No resource at all: sign-in alone, for which Entra gives a Graph token.
    let mut scope = match found {
        Some(scope) => scope,
        None if offline || !openid.is_empty() => Scope::of(Target::Service(Service::Graph), GRAPH, false),
        None => return Err(bad_scope(text)),
    };
    (scope.openid, scope.offline) = (openid, offline);
    Ok(scope)
}

/// A user's token needs every permission that was asked for by name.
pub(super) fn consented(house: &House, scope: &Scope, client: &str) -> Result<(), Refused> {
    let directory = house.directory();
    let held = directory.permissions(scope.target, true);
    if scope.names.iter().all(|n| held.contains(&n.as_str())) {
        return Ok(());
    }
    let words = format!(
        "The user or administrator has not consented to use the application with ID '{client}' named '{}'. Send an interactive \
         authorization request for this user and resource.",
        super::super::APP_NAME
    );
    Err(super::refused::invalid_grant(65_001, words).with("suberror", "consent_required"))
}
