//! The token service: what Entra ID does for programs.
//!
//! Sign-in is where scripts fail first, and its errors are known by number. So the flows, the answers and the AADSTS errors are Entra's
//! own as far as they are documented, and the tokens carry what the services look at: audience, permissions, tenant, expiry.

use std::collections::{BTreeSet, HashMap};

use base64::Engine;

use crate::json::{Object, Value, object};
use crate::ops;
use crate::ops::model::Service;

use super::clock::{self, SECOND};
use super::jwt;
use super::wire::{Reply, Request, escape, field, guid, guid_for, random};
use super::{House, Identity};

/// Seconds that a token lives, less one, as Entra says it.
const EXPIRES_IN: i64 = 3599;
/// Seconds that a device code lives.
const CODE_LIVES: i64 = 900;
/// Seconds between two polls.
const INTERVAL: i64 = 1;
/// A poll may come early by this much: clocks and schedulers are not exact.
const SLACK: i64 = SECOND / 20;

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

/// The service that accepts a token with this audience.
pub(super) fn service_of(audience: &str) -> Option<Service> {
    let wanted = audience.trim_end_matches('/');
    RESOURCES.iter().find(|(_, names)| names.iter().any(|n| n.eq_ignore_ascii_case(wanted))).map(|(service, _)| *service)
}

/// Permissions, and codes and tokens that were given out.
pub(super) struct Directory {
    /// What the administrator granted, to the application and to the user.
    granted: BTreeSet<String>,
    devices: HashMap<String, Device>,
    refresh: HashMap<String, Refresh>,
}

struct Device {
    user_code: String,
    client: String,
    scope: String,
    expires: i64,
    last_poll: Option<i64>,
    polls: u32,
    state: State,
}

enum State {
    Pending,
    Approved(String),
    Denied,
    Redeemed,
}

#[derive(Clone)]
struct Refresh {
    client: String,
    user: String,
}

/// Whose token it is.
enum Subject<'a> {
    App,
    User(&'a str),
}

/// What a scope parameter asks for.
struct Scope {
    service: Service,
    /// The resource as it was written.
    resource: String,
    /// Named permissions; none for `.default`.
    names: Vec<String>,
    openid: bool,
    offline: bool,
}

/// Every permission that the declaration knows.
fn known() -> BTreeSet<String> {
    ops::all().flat_map(|op| op.app_permissions.iter().chain(op.delegated_permissions)).map(|p| (*p).to_owned()).collect()
}

impl Directory {
    /// With these permissions granted, or all. Unknown names are given back.
    pub(super) fn new(permissions: Option<&[String]>) -> Result<Directory, Vec<String>> {
        let known = known();
        let granted = match permissions {
            None => known,
            Some(names) => {
                let strange: Vec<String> = names.iter().filter(|n| !known.contains(*n)).cloned().collect();
                if !strange.is_empty() {
                    return Err(strange);
                }
                names.iter().cloned().collect()
            }
        };
        Ok(Directory { granted, devices: HashMap::new(), refresh: HashMap::new() })
    }

    /// Grants a permission that the declaration knows.
    pub(super) fn grant(&mut self, permission: &str) -> bool {
        let fine = known().contains(permission);
        if fine {
            self.granted.insert(permission.to_owned());
        }
        fine
    }

    pub(super) fn revoke(&mut self, permission: &str) -> bool {
        self.granted.remove(permission)
    }

    /// Grants as at the start; codes and tokens that were given out stay good.
    pub(super) fn reset(&mut self, fresh: Directory) {
        self.granted = fresh.granted;
    }

    /// What a new token for that service would carry.
    fn permissions(&self, service: Service, user: bool) -> Vec<&str> {
        let of = |op: &ops::model::Operation| if user { op.delegated_permissions } else { op.app_permissions };
        let there: BTreeSet<&str> = ops::all().filter(|op| op.service == service).flat_map(of).copied().collect();
        self.granted.iter().map(String::as_str).filter(|p| there.contains(p)).collect()
    }

    /// Answers a person's device code.
    pub(super) fn decide(&mut self, user_code: &str, user: Option<String>, now: i64) -> bool {
        let wanted = user_code.trim().to_ascii_uppercase();
        let open = |d: &&mut Device| d.user_code == wanted && d.expires > now && matches!(d.state, State::Pending);
        let Some(device) = self.devices.values_mut().find(open) else { return false };
        device.state = user.map_or(State::Denied, State::Approved);
        true
    }

    fn forget_old(&mut self, now: i64) {
        self.devices.retain(|_, d| d.expires + 3600 * SECOND > now);
    }
}

/// Why a sign-in fails.
struct Refused {
    status: u16,
    error: &'static str,
    code: u32,
    words: String,
    more: Option<(&'static str, &'static str)>,
}

fn refused(status: u16, error: &'static str, code: u32, words: impl Into<String>) -> Refused {
    Refused { status, error, code, words: words.into(), more: None }
}

fn missing(parameter: &str) -> Refused {
    refused(400, "invalid_request", 900_144, format!("The request body must contain the following parameter: '{parameter}'."))
}

type Outcome = Result<Value, Refused>;

/// Answers a request to the token service, or `None` when the path is not one of its paths.
pub(super) fn answer(house: &House, request: &Request) -> Option<Reply> {
    let path = request.path.to_ascii_lowercase();
    let mut parts = path.split('/').skip(1);
    let tenant = super::wire::unescape(parts.next()?);
    let rest: Vec<&str> = parts.collect();
    let posted = request.method == http::Method::POST;
    let (outcome, only_post) = match rest.as_slice() {
        ["oauth2", "v2.0", "token"] => (posted.then(|| token(house, request, &tenant, false)), true),
        ["oauth2", "token"] => (posted.then(|| token(house, request, &tenant, true)), true),
        ["oauth2", "v2.0", "devicecode"] => (posted.then(|| device_code(house, request, &tenant)), true),
        ["v2.0", ".well-known", "openid-configuration"] => (Some(configuration(house, request, &tenant, true)), false),
        [".well-known", "openid-configuration"] => (Some(configuration(house, request, &tenant, false)), false),
        ["discovery", "v2.0", "keys"] | ["discovery", "keys"] => {
            (Some(known_tenant(house, &tenant, true).map(|()| jwt::key_set(&issuer(house, true)))), false)
        }
        ["device"] => return Some(device_page(house, request)),
        _ => return None,
    };
    let outcome = match outcome {
        None => {
            let words = format!("The endpoint only accepts POST requests. Received a {} request.", request.method);
            Err(refused(405, "invalid_request", 900_561, words))
        }
        Some(_) if !only_post && request.method != http::Method::GET => Err(refused(
            405,
            "invalid_request",
            900_561,
            format!("The endpoint only accepts GET requests. Received a {} request.", request.method),
        )),
        Some(outcome) => outcome,
    };
    Some(reply(house, request, outcome))
}

fn reply(house: &House, request: &Request, outcome: Outcome) -> Reply {
    let trace = guid();
    let correlation = request.header("client-request-id").map_or_else(guid, str::to_owned);
    let (status, body) = match outcome {
        Ok(body) => (200, body),
        Err(refused) => {
            let timestamp = clock::plain(house.clock.now());
            let description =
                format!("AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}", refused.code, refused.words);
            let mut body = Object::new();
            body.insert("error".into(), refused.error.into());
            body.insert("error_description".into(), description.into());
            body.insert("error_codes".into(), vec![i64::from(refused.code)].into());
            body.insert("timestamp".into(), timestamp.into());
            body.insert("trace_id".into(), trace.as_str().into());
            body.insert("correlation_id".into(), correlation.as_str().into());
            body.insert("error_uri".into(), format!("{}/error?code={}", house.base, refused.code).into());
            if let Some((name, value)) = refused.more {
                body.insert(name.into(), value.into());
            }
            (refused.status, Value::Object(body))
        }
    };
    let reply = Reply::json(status, &body)
        .header("Cache-Control", "no-store, no-cache")
        .header("Pragma", "no-cache")
        .header("x-ms-request-id", trace)
        .header("client-request-id", correlation);
    if status == 405 { reply.header("Allow", "POST") } else { reply }
}

fn issuer(house: &House, second: bool) -> String {
    format!("{}/{}/{}", house.base, house.identity.tenant_id, if second { "v2.0" } else { "" })
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

fn configuration(house: &House, request: &Request, tenant: &str, second: bool) -> Outcome {
    known_tenant(house, tenant, true)?;
    let host = request.origin(&house.base);
    let id = if ["common", "organizations"].contains(&tenant) { tenant } else { house.identity.tenant_id.as_str() };
    let at = |path: &str| -> Value { format!("{host}/{id}/{path}").into() };
    let version = if second { "oauth2/v2.0/" } else { "oauth2/" };
    let texts = |items: &[&str]| Value::Array(items.iter().map(|i| (*i).into()).collect());
    Ok(object([
        ("token_endpoint", at(&format!("{version}token"))),
        ("token_endpoint_auth_methods_supported", texts(&["client_secret_post", "client_secret_basic"])),
        ("jwks_uri", at(if second { "discovery/v2.0/keys" } else { "discovery/keys" })),
        ("response_modes_supported", texts(&["query", "fragment", "form_post"])),
        ("subject_types_supported", texts(&["pairwise"])),
        ("id_token_signing_alg_values_supported", texts(&["RS256"])),
        ("response_types_supported", texts(&["code"])),
        ("scopes_supported", texts(&["openid", "profile", "email", "offline_access"])),
        ("issuer", format!("{host}/{id}/{}", if second { "v2.0" } else { "" }).into()),
        ("authorization_endpoint", at(&format!("{version}authorize"))),
        ("device_authorization_endpoint", at(&format!("{version}devicecode"))),
        ("claims_supported", texts(&["sub", "iss", "aud", "exp", "iat", "tid", "ver", "oid", "name", "preferred_username"])),
        ("tenant_region_scope", "EU".into()),
        ("cloud_instance_name", "sandbox.invalid".into()),
    ]))
}

/// The application of a request, and whether it proved itself.
fn client(house: &House, request: &Request, fields: &[(String, String)]) -> Result<(String, bool), Refused> {
    let basic = request.header("authorization").and_then(|h| h.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let basic = basic.and_then(|(_, text)| base64::engine::general_purpose::STANDARD.decode(text.trim()).ok());
    let basic = basic.and_then(|b| String::from_utf8(b).ok());
    // RFC 6749 2.3.1: both halves are form-encoded.
    let decode = |s: &str| super::wire::unescape(&s.replace('+', " "));
    let basic = basic.as_deref().and_then(|b| b.split_once(':')).map(|(id, secret)| (decode(id), decode(secret)));
    let (basic_id, basic_secret) = basic.unzip();
    let id = field(fields, "client_id").map(str::to_owned).or(basic_id).filter(|id| !id.is_empty()).ok_or_else(|| missing("client_id"))?;
    let secret = field(fields, "client_secret").map(str::to_owned).or(basic_secret).filter(|s| !s.is_empty());
    let Identity { client_id, client_secret, public_client_id, tenant_name, .. } = &house.identity;
    if id.eq_ignore_ascii_case(public_client_id) {
        if secret.is_some() {
            let words = "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.";
            return Err(refused(401, "invalid_client", 700_025, words));
        }
        return Ok((public_client_id.clone(), false));
    }
    if !id.eq_ignore_ascii_case(client_id) {
        let words = format!(
            "Application with identifier '{id}' was not found in the directory '{tenant_name}'. This can happen if the application has not \
             been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your \
             authentication request to the wrong tenant."
        );
        return Err(refused(400, "unauthorized_client", 700_016, words));
    }
    match secret {
        None => Ok((client_id.clone(), false)),
        Some(given) if given == *client_secret => Ok((client_id.clone(), true)),
        Some(_) => {
            let words = format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client \
                 secret ID, for a secret added to app '{client_id}'."
            );
            Err(refused(401, "invalid_client", 7_000_215, words))
        }
    }
}

fn prove(proved: bool) -> Result<(), Refused> {
    let words = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
    if proved { Ok(()) } else { Err(refused(401, "invalid_client", 7_000_218, words)) }
}

fn bad_scope(scope: &str) -> Refused {
    let words = format!(
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. \
         The scope {scope} is not valid."
    );
    refused(400, "invalid_scope", 70_011, words)
}

fn resource(house: &House, name: &str) -> Result<Service, Refused> {
    service_of(name).ok_or_else(|| {
        let words = format!(
            "The resource principal named {name} was not found in the tenant named {}. This can happen if the application has not been \
             installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your \
             authentication request to the wrong tenant.",
            house.identity.tenant_name
        );
        refused(400, "invalid_resource", 500_011, words)
    })
}

fn scope(house: &House, text: &str) -> Result<Scope, Refused> {
    let mut found: Option<Scope> = None;
    let (mut openid, mut offline) = (false, false);
    for item in text.split_whitespace() {
        match item {
            "openid" | "profile" | "email" => openid = true,
            "offline_access" => offline = true,
            _ => {
                let (name, permission) = match item.rsplit_once('/') {
                    Some((name, permission)) if !permission.is_empty() && name.len() > 8 => (name, permission),
                    // A bare name is one of Graph's.
                    None if item.contains('.') && !item.starts_with('.') => ("https://graph.microsoft.com", item),
                    _ => return Err(bad_scope(text)),
                };
                if !name.contains("://") && service_of(name).is_none() {
                    return Err(bad_scope(text));
                }
                let service = resource(house, name)?;
                let all = permission == ".default";
                let there = |op: &ops::model::Operation| op.service == service && op.delegated_permissions.contains(&permission);
                if !all && !ops::all().any(there) {
                    return Err(bad_scope(text));
                }
                let entry = found.get_or_insert_with(|| Scope {
                    service,
                    resource: name.to_owned(),
                    names: Vec::new(),
                    openid: false,
                    offline: false,
                });
                if entry.service != service {
                    let words = format!(
                        "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope {text} is \
                         not valid."
                    );
                    return Err(refused(400, "invalid_request", 28_000, words));
                }
                if !all {
                    entry.names.push(permission.to_owned());
                }
            }
        }
    }
    // No resource at all: sign-in alone, for which Entra gives a Graph token.
    let mut scope = match found {
        Some(scope) => scope,
        None if openid || offline => {
            Scope { service: Service::Graph, resource: "https://graph.microsoft.com".into(), names: Vec::new(), openid, offline }
        }
        None => return Err(bad_scope(text)),
    };
    scope.openid = openid;
    scope.offline = offline;
    Ok(scope)
}

fn token(house: &House, request: &Request, tenant: &str, first: bool) -> Outcome {
    let fields = request.form();
    let grant = field(&fields, "grant_type").filter(|g| !g.is_empty());
    known_tenant(house, tenant, grant != Some("client_credentials"))?;
    let grant = grant.ok_or_else(|| missing("grant_type"))?;
    let wanted = || -> Result<Scope, Refused> {
        if first {
            let name = field(&fields, "resource").filter(|s| !s.is_empty()).ok_or_else(|| missing("resource"))?;
            let service = resource(house, name)?;
            return Ok(Scope { service, resource: name.to_owned(), names: Vec::new(), openid: true, offline: true });
        }
        scope(house, field(&fields, "scope").filter(|s| !s.is_empty()).ok_or_else(|| missing("scope"))?)
    };
    match grant {
        "client_credentials" => {
            let (id, proved) = client(house, request, &fields)?;
            prove(proved)?;
            let text = field(&fields, "scope").unwrap_or_default();
            let scope = wanted()?;
            if !scope.names.is_empty() {
                let words = format!(
                    "The provided value for scope {text} is not valid. Client credential flows must have a scope value with /.default \
                     suffixed to the resource identifier (application ID URI)."
                );
                return Err(refused(400, "invalid_scope", 1_002_012, words));
            }
            Ok(issue(house, &id, &Subject::App, &scope, first, false))
        }
        "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => device_token(house, request, &fields),
        "refresh_token" => {
            let (id, proved) = client(house, request, &fields)?;
            if id == house.identity.client_id {
                prove(proved)?;
            }
            let given = field(&fields, "refresh_token").filter(|s| !s.is_empty()).ok_or_else(|| missing("refresh_token"))?;
            let known = house.directory().refresh.get(given).cloned();
            let Some(known) = known.filter(|k| k.client == id) else {
                return Err(refused(400, "invalid_grant", 9_002_313, "Invalid request. Request is malformed or invalid."));
            };
            let scope = Scope { offline: true, ..wanted()? };
            consented(house, &scope, &id)?;
            Ok(issue(house, &id, &Subject::User(&known.user), &scope, first, field(&fields, "client_info").is_some()))
        }
        other => Err(refused(400, "unsupported_grant_type", 70_003, format!("The app requested an unsupported grant type '{other}'."))),
    }
}

/// A user's token needs every permission that was asked for by name.
fn consented(house: &House, scope: &Scope, client: &str) -> Result<(), Refused> {
    let directory = house.directory();
    let held = directory.permissions(scope.service, true);
    if scope.names.iter().all(|n| held.contains(&n.as_str())) {
        return Ok(());
    }
    let words = format!(
        "The user or administrator has not consented to use the application with ID '{client}' named '{}'. Send an interactive \
         authorization request for this user and resource.",
        super::APP_NAME
    );
    Err(Refused { more: Some(("suberror", "consent_required")), ..refused(400, "invalid_grant", 65_001, words) })
}

fn device_code(house: &House, request: &Request, tenant: &str) -> Outcome {
    known_tenant(house, tenant, true)?;
    let fields = request.form();
    let (id, _) = client(house, request, &fields)?;
    let text = field(&fields, "scope").filter(|s| !s.is_empty()).ok_or_else(|| missing("scope"))?;
    scope(house, text)?;
    let now = house.clock.now();
    // No letters or digits that people take for one another.
    let alphabet = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let user_code: String = random::<9>().iter().filter_map(|b| alphabet.get(usize::from(b % 32))).map(|b| char::from(*b)).collect();
    let device_code = jwt::encode(&random::<48>());
    let mut directory = house.directory();
    directory.forget_old(now);
    let device = Device {
        user_code: user_code.clone(),
        client: id,
        scope: text.to_owned(),
        expires: now + CODE_LIVES * SECOND,
        last_poll: None,
        polls: 0,
        state: State::Pending,
    };
    directory.devices.insert(device_code.clone(), device);
    let page = format!("{}/{}/device", request.origin(&house.base), house.identity.tenant_id);
    Ok(object([
        ("user_code", user_code.as_str().into()),
        ("device_code", device_code.into()),
        ("verification_uri", page.as_str().into()),
        ("expires_in", CODE_LIVES.into()),
        ("interval", INTERVAL.into()),
        (
            "message",
            format!("To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate.").into(),
        ),
    ]))
}

fn device_token(house: &House, request: &Request, fields: &[(String, String)]) -> Outcome {
    let (id, proved) = client(house, request, fields)?;
    if id == house.identity.client_id {
        prove(proved)?;
    }
    let given =
        field(fields, "device_code").or_else(|| field(fields, "code")).filter(|s| !s.is_empty()).ok_or_else(|| missing("device_code"))?;
    let now = house.clock.now();
    let (scope, user) = {
        let mut directory = house.directory();
        let Some(device) = directory.devices.get_mut(given).filter(|d| d.client == id) else {
            let words = "The verification code provided is invalid: no such device code was given to this application.";
            return Err(refused(400, "bad_verification_code", 70_019, words));
        };
        let early = device.last_poll.is_some_and(|last| now - last < INTERVAL * SECOND - SLACK);
        device.last_poll = Some(now);
        if early && matches!(device.state, State::Pending) {
            let words = "OAuth 2.0 device flow error. The polling frequency is too high: wait for the interval between two polls.";
            return Err(refused(400, "slow_down", 70_016, words));
        }
        if device.expires <= now {
            let words = "The device code has expired: the person did not sign in within the time given. Ask for a new one.";
            return Err(refused(400, "expired_token", 70_020, words));
        }
        device.polls += 1;
        if house.auto_approve && device.polls > 1 && matches!(device.state, State::Pending) {
            device.state = State::Approved(house.identity.user.clone());
        }
        match &device.state {
            State::Pending => {
                let words = "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
                return Err(refused(400, "authorization_pending", 70_016, words));
            }
            State::Denied => return Err(refused(400, "authorization_declined", 70_018, "The person declined to sign in.")),
            State::Redeemed => {
                return Err(refused(
                    400,
                    "invalid_grant",
                    54_005,
                    "OAuth2 Authorization code was already redeemed, please retry with a new valid code.",
                ));
            }
            State::Approved(user) => {
                let found = (device.scope.clone(), user.clone());
                device.state = State::Redeemed;
                found
            }
        }
    };
    let scope = self::scope(house, &scope)?;
    consented(house, &scope, &id)?;
    Ok(issue(house, &id, &Subject::User(&user), &scope, false, field(fields, "client_info").is_some()))
}

fn issue(house: &House, client: &str, subject: &Subject<'_>, scope: &Scope, first: bool, client_info: bool) -> Value {
    let mut directory = house.directory();
    let now = house.clock.seconds();
    let identity = &house.identity;
    let expires = now + EXPIRES_IN + 1;
    let confidential = client == identity.client_id;
    let oid = match subject {
        Subject::App => guid_for(&format!("principal {client}")),
        Subject::User(upn) => house.user_id(upn),
    };
    let held: Vec<String> =
        directory.permissions(scope.service, matches!(subject, Subject::User(_))).into_iter().map(str::to_owned).collect();
    let mut claims = Object::new();
    let mut say = |name: &str, value: Value| {
        claims.insert(name.to_owned(), value);
    };
    say("aud", scope.resource.as_str().into());
    say("iss", issuer(house, false).into());
    say("iat", now.into());
    // Entra lets a token begin a little before it was asked for, since clocks differ.
    say("nbf", (now - 300).into());
    say("exp", expires.into());
    say("app_displayname", super::APP_NAME.into());
    say("appid", client.into());
    say("appidacr", if confidential { "1" } else { "0" }.into());
    say("idp", issuer(house, false).into());
    match subject {
        Subject::App => {
            say("idtyp", "app".into());
            say("oid", oid.as_str().into());
            if !held.is_empty() {
                say("roles", held.clone().into());
            }
            say("sub", oid.as_str().into());
        }
        Subject::User(upn) => {
            say("idtyp", "user".into());
            say("name", house.user_name(upn).into());
            say("oid", oid.as_str().into());
            say("scp", held.join(" ").into());
            say("sub", jwt::encode(guid_for(&format!("{oid} {client}")).as_bytes()).into());
            say("unique_name", (*upn).into());
            say("upn", (*upn).into());
        }
    }
    say("tid", identity.tenant_id.as_str().into());
    say("uti", jwt::encode(&random::<16>()).into());
    say("ver", "1.0".into());

    let mut body = Object::new();
    let number = |n: i64| if first { Value::from(n.to_string()) } else { n.into() };
    body.insert("token_type".into(), "Bearer".into());
    if let Subject::User(_) = subject {
        let resource = scope.resource.trim_end_matches('/');
        let named: Vec<String> = held.iter().map(|p| format!("{resource}/{p}")).collect();
        body.insert("scope".into(), named.join(" ").into());
    }
    body.insert("expires_in".into(), number(EXPIRES_IN));
    body.insert("ext_expires_in".into(), number(EXPIRES_IN));
    if first {
        body.insert("expires_on".into(), number(expires));
        body.insert("not_before".into(), number(now - 300));
        body.insert("resource".into(), scope.resource.as_str().into());
    }
    body.insert("access_token".into(), jwt::sign(&Value::Object(claims)).into());
    if let Subject::User(upn) = subject {
        if scope.offline {
            let secret = jwt::encode(&random::<64>());
            directory.refresh.insert(secret.clone(), Refresh { client: client.to_owned(), user: (*upn).to_owned() });
            body.insert("refresh_token".into(), secret.into());
        }
        if scope.openid {
            let claims = object([
                ("aud", client.into()),
                ("iss", issuer(house, true).into()),
                ("iat", now.into()),
                ("nbf", now.into()),
                ("exp", expires.into()),
                ("name", house.user_name(upn).into()),
                ("oid", oid.as_str().into()),
                ("preferred_username", (*upn).into()),
                ("sub", jwt::encode(guid_for(&format!("{oid} {client}")).as_bytes()).into()),
                ("tid", identity.tenant_id.as_str().into()),
                ("uti", jwt::encode(&random::<16>()).into()),
                ("ver", "2.0".into()),
            ]);
            body.insert("id_token".into(), jwt::sign(&claims).into());
        }
        if client_info {
            let info = object([("uid", oid.as_str().into()), ("utid", identity.tenant_id.as_str().into())]);
            body.insert("client_info".into(), jwt::encode(info.to_string().as_bytes()).into());
        }
    }
    Value::Object(body)
}

/// The page on which a person answers a device code.
fn device_page(house: &House, request: &Request) -> Reply {
    let title = "Sign in to the sandbox";
    if request.method == http::Method::POST {
        if request.is_cross_origin(&house.base) {
            return Reply::html(403, title, "<p>This answer came from another page.</p>");
        }
        let fields = request.form();
        let code = field(&fields, "user_code").unwrap_or_default();
        let user = field(&fields, "user").unwrap_or_default();
        let approved = field(&fields, "answer") == Some("approve");
        let done = if approved { house.approve(code, Some(user).filter(|u| !u.is_empty())) } else { house.deny(code) };
        return match (done, approved) {
            (true, true) => Reply::html(200, title, "<p>You are signed in. You can close this page and go back to the program.</p>"),
            (true, false) => Reply::html(200, title, "<p>You declined. The program was told so.</p>"),
            _ => Reply::html(400, title, "<p>There is no such code, it has expired, or it was answered already.</p>"),
        };
    }
    if request.method != http::Method::GET {
        return Reply::empty(405).header("Allow", "GET, POST");
    }
    let fields = request.fields();
    let code = field(&fields, "user_code").or_else(|| field(&fields, "otc")).unwrap_or_default();
    let options: String = house
        .people()
        .iter()
        .map(|(upn, name)| {
            let chosen = if *upn == house.identity.user { " selected" } else { "" };
            format!("<option value=\"{0}\"{chosen}>{1} ({0})</option>", escape(upn), escape(name))
        })
        .collect();
    let form = format!(
        "<p>A program asks to act for you in the made-up company <b>{company}</b>. Nothing here is real.</p>\
         <form method=\"post\" action=\"?\"><p><label>Code<br><input name=\"user_code\" value=\"{code}\" autocomplete=\"off\" required></label></p>\
         <p><label>Person<br><select name=\"user\">{options}</select></label></p>\
         <p><button name=\"answer\" value=\"approve\">Approve</button> <button name=\"answer\" value=\"deny\">Decline</button></p></form>",
        company = escape(&house.identity.tenant_name),
        code = escape(code),
    );
    Reply::html(200, title, &form)
}
