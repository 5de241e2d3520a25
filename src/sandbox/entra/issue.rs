//! Tokens, as answers carry them.

use crate::json::{self, Object, Value, object};

use super::super::wire::{guid, guid_for, random};
use super::super::{APP_NAME, House, jwt};
use super::refused::{Refused, refused};
use super::scope::{Scope, Target};
use super::{Version, issuer};

/// Seconds that a token lives, unless the options say otherwise.
const LIVES: i64 = 3600;
/// Entra lets a token begin a little before it was asked for, since clocks differ.
const BEGINS_EARLIER: i64 = 300;
/// What a client says that understands claims challenges.
pub(in crate::sandbox) const CAPABLE: &str = "CP1";

/// What the `claims` parameter asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// The client understands claims challenges.
    capable: bool,
    /// The token must not begin before this second.
    not_before: Option<i64>,
}

impl Asked {
    pub(super) fn read(claims: Option<&str>) -> Result<Asked, Refused> {
        let Some(text) = claims.filter(|c| !c.is_empty()) else { return Ok(Asked::default()) };
        let value = json::parse(text.as_bytes()).ok().filter(|v| v.as_object().is_some()).ok_or_else(|| {
            refused(400, "invalid_request", 9_002_313, "Invalid request. Request is malformed or invalid: 'claims' is no JSON object.")
        })?;
        let of = |name: &str, member: &str| value.get("access_token").and_then(|t| t.get(name)).and_then(|c| c.get(member)).cloned();
        let values = of("xms_cc", "values").unwrap_or_default();
        let capable = values.as_array().unwrap_or_default().iter().any(|v| v.as_str().is_some_and(|s| s.eq_ignore_ascii_case(CAPABLE)));
        let number = |v: Value| v.as_i64().or_else(|| v.as_str().and_then(|s| s.parse().ok()));
        Ok(Asked { capable, not_before: of("nbf", "value").and_then(number) })
    }

    /// Both: what the code was asked with, and what comes with its exchange.
    pub(super) fn and(self, other: &Asked) -> Asked {
        Asked { capable: self.capable || other.capable, not_before: self.not_before.max(other.not_before) }
    }
}

/// Whose token it is.
#[derive(Clone, Debug)]
pub(in crate::sandbox) enum Principal {
    /// An application or a managed identity: its object id, and where it lives, if it is one.
    App { object_id: String, resource_id: Option<String> },
    /// A person.
    User(String),
}

impl Principal {
    /// The application itself.
    pub(super) fn app(client: &str) -> Principal {
        Principal::App { object_id: guid_for(&format!("principal {client}")), resource_id: None }
    }
}

/// A token to be given out.
pub(super) struct Grant<'a> {
    pub(super) client: &'a str,
    pub(super) principal: Principal,
    pub(super) scope: &'a Scope,
    pub(super) version: Version,
    pub(super) asked: Asked,
    pub(super) client_info: bool,
    pub(super) nonce: Option<&'a str>,
    /// The sign-in that it comes from; a new one where there is none.
    pub(super) family: Option<&'a str>,
}

/// What a person is called inside one application.
fn subject(object_id: &str, client: &str) -> String {
    jwt::encode(guid_for(&format!("{object_id} {client}")).as_bytes())
}

/// The claims of an access token.
fn claims(house: &House, client: &str, principal: &Principal, target: Target, resource: &str, lifetime: i64, asked: &Asked) -> Value {
    let identity = &house.identity;
    let now = house.clock.seconds();
    let held: Vec<String> =
        house.directory().permissions(target, matches!(principal, Principal::User(_))).into_iter().map(str::to_owned).collect();
    let mut claims = Object::new();
    let mut say = |name: &str, value: Value| {
        claims.insert(name.to_owned(), value);
    };
    say("aud", resource.into());
    say("iss", issuer(house, Version::One).into());
    say("iat", now.into());
    say("nbf", asked.not_before.map_or(now - BEGINS_EARLIER, |n| n.clamp(now - BEGINS_EARLIER, now)).into());
    say("exp", (now + lifetime).into());
    // Opaque, as Entra's is: the moment to the tick, since two tokens of one second can lie on both sides of a revocation.
    say("aio", jwt::encode(&house.clock.now().to_be_bytes()).into());
    say("app_displayname", APP_NAME.into());
    say("appid", client.into());
    match principal {
        Principal::App { resource_id: Some(_), .. } => say("appidacr", "2".into()),
        _ => say("appidacr", if client == identity.client_id { "1" } else { "0" }.into()),
    }
    say("idp", issuer(house, Version::One).into());
    match principal {
        Principal::App { object_id, resource_id } => {
            say("idtyp", "app".into());
            say("oid", object_id.as_str().into());
            if !held.is_empty() {
                say("roles", held.into());
            }
            say("sub", object_id.as_str().into());
            if let Some(id) = resource_id {
                say("xms_mirid", id.as_str().into());
            }
        }
        Principal::User(upn) => {
            let object_id = house.user_id(upn);
            say("idtyp", "user".into());
            say("name", house.user_name(upn).into());
            say("oid", object_id.as_str().into());
            say("scp", held.join(" ").into());
            say("sub", subject(&object_id, client).into());
            say("unique_name", upn.as_str().into());
            say("upn", upn.as_str().into());
        }
    }
    say("tid", identity.tenant_id.as_str().into());
    say("uti", jwt::encode(&random::<16>()).into());
    say("ver", "1.0".into());
    if asked.capable {
        say("xms_cc", vec![CAPABLE.to_owned()].into());
    }
    Value::Object(claims)
}

/// An access token for itself, of something that never signs in.
pub(in crate::sandbox) fn access_token(
    house: &House,
    client: &str,
    principal: &Principal,
    target: Target,
    resource: &str,
    lifetime: i64,
) -> String {
    jwt::sign(&claims(house, client, principal, target, resource, lifetime, &Asked::default()))
}

/// The answer of the token endpoint.
pub(super) fn answer(house: &House, grant: &Grant<'_>) -> Value {
    let Grant { client, principal, scope, version, .. } = grant;
    let lifetime = house.options.token_lifetime.map_or(LIVES, i64::from);
    let now = house.clock.seconds();
    let claims = claims(house, client, principal, scope.target, &scope.resource, lifetime, &grant.asked);
    let mut body = Object::new();
    let number = |n: i64| if *version == Version::One { Value::from(n.to_string()) } else { n.into() };
    body.insert("token_type".into(), "Bearer".into());
    if let Some(held) = claims.get("scp").and_then(Value::as_str) {
        let resource = scope.resource.trim_end_matches('/');
        let all = if scope.default { Some(".default") } else { None };
        let named = held.split_whitespace().chain(all).map(|p| format!("{resource}/{p}"));
        let words: Vec<String> = scope.openid.iter().map(|w| (*w).to_owned()).chain(named).collect();
        body.insert("scope".into(), words.join(" ").into());
    }
    // One second less than it is, as Entra says it.
    body.insert("expires_in".into(), number(lifetime - 1));
    body.insert("ext_expires_in".into(), number(lifetime - 1));
    if let Some(seconds) = house.options.refresh_in {
        body.insert("refresh_in".into(), number(i64::from(seconds)));
    }
    if *version == Version::One {
        body.insert("expires_on".into(), number(now + lifetime));
        body.insert("not_before".into(), number(now - BEGINS_EARLIER));
        body.insert("resource".into(), scope.resource.as_str().into());
    }
    body.insert("access_token".into(), jwt::sign(&claims).into());
    if let Principal::User(upn) = principal {
        if scope.offline {
            let family = grant.family.map_or_else(guid, str::to_owned);
            body.insert("refresh_token".into(), house.directory().give_refresh(client, upn, &family).into());
        }
        if !scope.openid.is_empty() {
            body.insert("id_token".into(), id_token(house, client, upn, lifetime, grant.nonce).into());
        }
        if grant.client_info {
            body.insert("client_info".into(), client_info(house, upn).into());
        }
    }
    Value::Object(body)
}

fn id_token(house: &House, client: &str, upn: &str, lifetime: i64, nonce: Option<&str>) -> String {
    let object_id = house.user_id(upn);
    let now = house.clock.seconds();
    let mut claims = Object::new();
    let mut say = |name: &str, value: Value| {
        claims.insert(name.to_owned(), value);
    };
    say("aud", client.into());
    say("iss", issuer(house, Version::Two).into());
    say("iat", now.into());
    say("nbf", now.into());
    say("exp", (now + lifetime).into());
    say("name", house.user_name(upn).into());
    if let Some(nonce) = nonce {
        say("nonce", nonce.into());
    }
    say("oid", object_id.as_str().into());
    say("preferred_username", upn.into());
    say("sub", subject(&object_id, client).into());
    say("tid", house.identity.tenant_id.as_str().into());
    say("uti", jwt::encode(&random::<16>()).into());
    say("ver", "2.0".into());
    jwt::sign(&Value::Object(claims))
}

/// What libraries make an account's name of.
pub(super) fn client_info(house: &House, upn: &str) -> String {
    let info = object([("uid", house.user_id(upn).into()), ("utid", house.identity.tenant_id.as_str().into())]);
    jwt::encode(info.to_string().as_bytes())
}
