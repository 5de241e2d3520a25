//! The token endpoint: one function for each grant.

use ring::digest;

use crate::json::{Value, object};

use super::super::wire::{Request, field};
use super::super::{House, jwt};
use super::applications::{self, Client};
use super::directory::Code;
use super::issue::{self, Asked, Grant, Principal};
use super::refused::{Outcome, Refused, invalid_grant, missing, refused};
use super::scope::{self, Scope, consented, names_app};
use super::{Version, device, known_tenant};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const ON_BEHALF_OF: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A request to the token endpoint, as all grants need it.
pub(super) struct Exchange<'a> {
    pub(super) house: &'a House,
    pub(super) client: Client,
    pub(super) fields: &'a [(String, String)],
    pub(super) version: Version,
    pub(super) asked: Asked,
}

impl Exchange<'_> {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        field(self.fields, name).filter(|s| !s.is_empty())
    }

    pub(super) fn need(&self, name: &str) -> Result<&str, Refused> {
        self.text(name).ok_or_else(|| missing(name))
    }

    /// What is asked for: `scope`, or `resource` of the first version.
    fn scope(&self) -> Result<Scope, Refused> {
        if self.version == Version::One {
            let name = self.need("resource")?;
            return Ok(Scope::of(scope::resource(self.house, name)?, name, true));
        }
        scope::scope(self.house, self.need("scope")?)
    }

    /// A person's token.
    pub(super) fn for_user(&self, user: &str, scope: &Scope, more: &More<'_>) -> Outcome {
        consented(self.house, scope, &self.client.id)?;
        Ok(issue::answer(
            self.house,
            &Grant {
                client: &self.client.id,
                principal: Principal::User(user.to_owned()),
                scope,
                version: self.version,
                asked: self.asked.clone().and(&more.asked),
                client_info: self.text("client_info").is_some(),
                nonce: more.nonce,
                family: more.family,
            },
        ))
    }
}

/// What a sign-in brings along that began elsewhere.
#[derive(Default)]
pub(super) struct More<'a> {
    pub(super) asked: Asked,
    pub(super) nonce: Option<&'a str>,
    pub(super) family: Option<&'a str>,
}

pub(super) fn token(house: &House, request: &Request, tenant: &str, version: Version) -> Outcome {
    let fields = request.form();
    let grant = field(&fields, "grant_type").filter(|g| !g.is_empty());
    known_tenant(house, tenant, grant != Some("client_credentials"))?;
    let grant = grant.ok_or_else(|| missing("grant_type"))?;
    let answer: fn(&Exchange<'_>) -> Outcome = match grant {
        "client_credentials" => application,
        "authorization_code" => code,
        DEVICE_CODE | "device_code" => device::token,
        "refresh_token" => refresh,
        "password" => password,
        ON_BEHALF_OF => on_behalf_of,
        other => {
            return Err(refused(400, "unsupported_grant_type", 70_003, format!("The app requested an unsupported grant type '{other}'.")));
        }
    };
    let client = applications::of(house, request, &fields)?;
    let asked = Asked::read(field(&fields, "claims"))?;
    answer(&Exchange { house, client, fields: &fields, version, asked })
}

fn application(exchange: &Exchange<'_>) -> Outcome {
    exchange.client.must_be_proved()?;
    let scope = exchange.scope()?;
    if !scope.names.is_empty() {
        let words = format!(
            "The provided value for scope {} is not valid. Client credential flows must have a scope value with /.default suffixed to the \
             resource identifier (application ID URI).",
            exchange.text("scope").unwrap_or_default()
        );
        return Err(refused(400, "invalid_scope", 1_002_012, words));
    }
    let client = &exchange.client.id;
    Ok(issue::answer(
        exchange.house,
        &Grant {
            client,
            principal: Principal::app(client),
            scope: &scope,
            version: exchange.version,
            asked: exchange.asked.clone(),
            client_info: false,
            nonce: None,
            family: None,
        },
    ))
}

/// Whether that verifier is the one whose hash was sent before.
fn verified(code: &Code, verifier: Option<&str>) -> Result<(), Refused> {
    let Some(challenge) = &code.challenge else { return Ok(()) };
    let verifier = verifier.ok_or_else(|| missing("code_verifier"))?;
    let digest = digest::digest(&digest::SHA256, verifier.as_bytes());
    if jwt::encode(digest.as_ref()) == *challenge {
        return Ok(());
    }
    Err(invalid_grant(501_481, "The Code_Verifier does not match the code_challenge supplied in the authorization request."))
}

fn code(exchange: &Exchange<'_>) -> Outcome {
    exchange.client.must_be_itself()?;
    let (given, redirect) = (exchange.need("code")?, exchange.need("redirect_uri")?);
    let now = exchange.house.clock.now();
    let code = {
        let mut directory = exchange.house.directory();
        let Some(code) = directory.codes.get_mut(given).filter(|c| c.client == exchange.client.id) else {
            return Err(invalid_grant(9_002_313, "Invalid request. Request is malformed or invalid."));
        };
        if code.redeemed {
            return Err(redeemed());
        }
        if code.expires <= now {
            let words = "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive \
                         authorization request for this user and resource.";
            return Err(invalid_grant(70_008, words));
        }
        // One try is all that a code is good for.
        code.redeemed = true;
        code.clone()
    };
    if code.redirect != redirect {
        let words = format!(
            "The reply address '{redirect}' does not match the reply address '{}' provided when requesting Authorization code.",
            code.redirect
        );
        return Err(invalid_grant(500_112, words));
    }
    verified(&code, exchange.text("code_verifier"))?;
    let scope = match exchange.text("scope") {
        Some(text) => scope::scope(exchange.house, text)?,
        None => scope::scope(exchange.house, &code.scope)?,
    };
    exchange.for_user(&code.user, &scope, &More { asked: code.asked.clone(), nonce: code.nonce.as_deref(), family: None })
}

/// A code that was used before.
pub(super) fn redeemed() -> Refused {
    invalid_grant(54_005, "OAuth2 Authorization code was already redeemed, please retry with a new valid code.")
}

fn refresh(exchange: &Exchange<'_>) -> Outcome {
    exchange.client.must_be_itself()?;
    let given = exchange.need("refresh_token")?;
    let strictly = exchange.house.options.rotate_strictly;
    let known = exchange.house.directory().take_refresh(given, &exchange.client.id, strictly);
    let known = known.ok_or_else(|| invalid_grant(9_002_313, "Invalid request. Request is malformed or invalid."))?;
    // A new refresh token comes each time, whether it was asked for or not.
    let scope = Scope { offline: true, ..exchange.scope()? };
    exchange.for_user(&known.user, &scope, &More { family: Some(&known.family), ..More::default() })
}

/// What a person must do who cannot sign in so.
fn mfa_needed() -> Refused {
    let claims =
        object([("access_token", object([("capolids", object([("essential", true.into()), ("values", Value::Array(Vec::new()))]))]))]);
    let words = "Due to a configuration change made by your administrator, or because you moved to a new location, you must use \
                 multi-factor authentication to access the resource.";
    refused(400, "interaction_required", 50_076, words).with("suberror", "basic_action").with("claims", claims.to_string())
}

fn wants_mfa(house: &House, user: &str) -> bool {
    house.options.mfa_users.iter().any(|u| u.eq_ignore_ascii_case(user)) || house.directory().wants_mfa(user)
}

/// A person whom the tenant knows.
pub(super) fn person(house: &House, name: &str) -> Result<String, Refused> {
    house.people().into_iter().map(|(upn, _)| upn).find(|upn| upn.eq_ignore_ascii_case(name)).ok_or_else(|| {
        let words = format!(
            "The user account does not exist in the {} directory. To sign into this application, the account must be added to the \
             directory.",
            house.identity.tenant_id
        );
        invalid_grant(50_034, words)
    })
}

fn password(exchange: &Exchange<'_>) -> Outcome {
    let house = exchange.house;
    let (name, password) = (exchange.need("username")?, exchange.need("password")?);
    exchange.client.may_be_public(house)?;
    let scope = exchange.scope()?;
    let user = person(house, name)?;
    if password != house.identity.user_password {
        return Err(invalid_grant(50_126, "Error validating credentials due to invalid username or password."));
    }
    if wants_mfa(house, &user) {
        return Err(mfa_needed());
    }
    exchange.for_user(&user, &scope, &More::default())
}

fn on_behalf_of(exchange: &Exchange<'_>) -> Outcome {
    let house = exchange.house;
    exchange.client.must_be_proved()?;
    let assertion = exchange.need("assertion")?;
    if exchange.need("requested_token_use")? != "on_behalf_of" {
        return Err(refused(400, "invalid_request", 90_023, "The value of 'requested_token_use' is not supported: it is 'on_behalf_of'."));
    }
    let scope = exchange.scope()?;
    let user = caller(house, assertion, &exchange.client.id)
        .map_err(|reason| invalid_grant(50_013, format!("Assertion failed validation. [Reason - {reason}]")))?;
    if wants_mfa(house, &user) {
        return Err(mfa_needed());
    }
    exchange.for_user(&user, &scope, &More::default())
}

/// The person of a token that was sent to this application.
fn caller(house: &House, assertion: &str, client: &str) -> Result<String, &'static str> {
    let claims = jwt::verify(assertion).ok_or("the signature is invalid.")?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if claims.get("exp").and_then(Value::as_i64).is_none_or(|end| end <= house.clock.seconds()) {
        return Err("the assertion is expired.");
    }
    if !text("aud").is_some_and(|audience| names_app(audience, client)) {
        return Err("the assertion's audience is not this application.");
    }
    text("upn").map(str::to_owned).ok_or("the assertion is no user's access token.")
}
