//! Proofs by signature: an application signs with the key of a certificate that it registered, or another platform signs for it.
//!
//! Each thing that Entra looks at is looked at, and refused with its own number, since "the assertion is wrong" is what people fight
//! with: the key, the times, the audience, the application's name in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm};

use crate::json::{self, Value, object};

use super::super::wire::{Request, guid, unescape};
use super::super::{House, clock, jwt};
use super::refused::{Refused, invalid_client};

/// The only type of client assertion.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// For whom other platforms' tokens are, unless they were told otherwise.
const EXCHANGE: &str = "api://AzureADTokenExchange";
/// Clocks may differ by this many seconds.
const LEEWAY: i64 = 300;

/// A certificate whose key the application signs with.
pub(in crate::sandbox) struct Certificate {
    der: Vec<u8>,
    sha1: Vec<u8>,
    sha256: Vec<u8>,
}

impl Certificate {
    /// The first certificate of a PEM text.
    pub(in crate::sandbox) fn read(pem: &str) -> Result<Certificate, &'static str> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| "there is no PEM certificate in it")?;
        webpki::EndEntityCert::try_from(&der).map_err(|_| "it is no X.509 version 3 certificate")?;
        let hash = |kind| digest::digest(kind, &der).as_ref().to_vec();
        let (sha1, sha256) = (hash(&digest::SHA1_FOR_LEGACY_USE_ONLY), hash(&digest::SHA256));
        Ok(Certificate { der: der.to_vec(), sha1, sha256 })
    }

    /// SHA-1 in hexadecimal digits, as the portal shows it.
    pub(in crate::sandbox) fn thumbprint(&self) -> String {
        hex(&self.sha1)
    }

    /// Whether a header names it. Entra takes the padding too, and hexadecimal digits as key id.
    fn is_named(&self, header: &Value) -> bool {
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        let is = |name: &str, hash: &[u8]| text(name).and_then(decode).is_some_and(|given| given == hash);
        is("x5t#S256", &self.sha256) || is("x5t", &self.sha1) || text("kid").is_some_and(|kid| self.has_key_id(kid))
    }

    fn has_key_id(&self, kid: &str) -> bool {
        kid.eq_ignore_ascii_case(&self.thumbprint()) || decode(kid).is_some_and(|given| given == self.sha1 || given == self.sha256)
    }

    fn signed(&self, algorithm: &'static dyn SignatureVerificationAlgorithm, text: &str, signature: &[u8]) -> bool {
        let der = CertificateDer::from(self.der.as_slice());
        webpki::EndEntityCert::try_from(&der).is_ok_and(|c| c.verify_signature(algorithm, text.as_bytes(), signature).is_ok())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

/// Base64 for URLs or the plain one: libraries write thumbprints both ways.
fn decode(text: &str) -> Option<Vec<u8>> {
    jwt::decode(text).or_else(|| STANDARD.decode(text).ok())
}

/// A token taken apart. Nothing of it is believed yet.
struct Parts<'a> {
    header: Value,
    claims: Value,
    signed: &'a str,
    signature: Vec<u8>,
}

impl Parts<'_> {
    fn text(&self, claim: &str) -> &str {
        self.claims.get(claim).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, claim: &str) -> Option<i64> {
        // MSAL writes fractions of seconds.
        self.claims.get(claim).and_then(Value::as_f64).map(|n| n as i64)
    }
}

fn parts(token: &str) -> Option<Parts<'_>> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let json = |part: &str| jwt::decode(part).and_then(|bytes| json::parse(&bytes).ok()).filter(|v| v.as_object().is_some());
    Some(Parts { header: json(header)?, claims: json(claims)?, signed, signature: jwt::decode(signature)? })
}

/// For which application an assertion says it is: a request need not say it twice.
pub(super) fn subject_of(token: &str) -> Option<String> {
    Some(parts(token)?.text("sub").to_owned())
}

/// Whether this lets the application in.
pub(super) fn check(house: &House, request: &Request, token: &str) -> Result<(), Refused> {
    let Some(parts) = parts(token) else {
        return Err(invalid_client(50_027, "JWT token is invalid or malformed."));
    };
    if parts.text("iss") == platform(house) { check_federated(house, &parts, token) } else { check_signed(house, request, &parts) }
}

fn in_time(house: &House, parts: &Parts<'_>) -> Result<i64, Refused> {
    let now = house.clock.seconds();
    let Some(ends) = parts.number("exp") else {
        return Err(invalid_client(50_027, "JWT token is invalid or malformed: it has no 'exp' claim."));
    };
    if ends + LEEWAY <= now || parts.number("nbf").is_some_and(|begins| begins - LEEWAY > now) {
        let words = format!(
            "Client assertion is not within its valid time range. Current time: {}, expiry time of assertion {}.",
            clock::plain(house.clock.now()),
            clock::plain(house.clock.now() + (ends - now).saturating_mul(clock::SECOND))
        );
        return Err(invalid_client(700_024, words));
    }
    Ok(ends)
}

fn check_signed(house: &House, request: &Request, parts: &Parts<'_>) -> Result<(), Refused> {
    let client = &house.identity.client_id;
    let algorithm = match parts.header.get("alg").and_then(Value::as_str) {
        Some("PS256") => webpki::ring::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        Some("RS256") => webpki::ring::RSA_PKCS1_2048_8192_SHA256,
        other => {
            let words = format!("Client assertion failed signature validation: the algorithm '{}' is not supported.", other.unwrap_or(""));
            return Err(invalid_client(700_027, words));
        }
    };
    let (signed, known) = {
        let directory = house.directory();
        let mut named = directory.certificates.iter().filter(|c| c.is_named(&parts.header)).peekable();
        let known = named.peek().is_some();
        (named.any(|c| c.signed(algorithm, parts.signed, &parts.signature)), known)
    };
    if !signed {
        let reason = if known {
            "Client assertion failed signature validation.".to_owned()
        } else {
            format!(
                "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was \
                 not found. Configured keys: {}]",
                house.directory().certificates.iter().map(Certificate::thumbprint).collect::<Vec<_>>().join(", ")
            )
        };
        return Err(invalid_client(700_027, reason));
    }
    let ends = in_time(house, parts)?;
    if !parts.text("iss").eq_ignore_ascii_case(client) || !parts.text("sub").eq_ignore_ascii_case(client) {
        let words = "Client assertion application identifier doesn't match 'client_id' parameter.";
        return Err(invalid_client(700_021, words));
    }
    if !is_token_endpoint(house, request, parts.text("aud")) {
        let words = format!(
            "Client assertion audience claim does not match Realm issuer. Expected audience: {}{}",
            request.origin(&house.base),
            request.path
        );
        return Err(invalid_client(700_023, words));
    }
    if house.options.strict_assertions {
        let name = parts.text("jti");
        if name.is_empty()
            || !house.directory().first_time(name, (ends + LEEWAY - house.clock.seconds()) * clock::SECOND + house.clock.now())
        {
            let words = "JWT token is invalid: its 'jti' is missing or was presented before, and this tenant takes each but once.";
            return Err(invalid_client(50_027, words));
        }
    }
    Ok(())
}

/// Whether that is a name of the token endpoint: either version, this request's way of naming the tenant or the id, and any of the names
/// of loopback.
fn is_token_endpoint(house: &House, request: &Request, audience: &str) -> bool {
    let Ok(url) = url::Url::parse(audience) else { return false };
    let own = [house.base.as_str(), house.plain.as_str()].into_iter().filter_map(|u| url::Url::parse(u).ok());
    let loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let here = loopback && own.into_iter().any(|o| o.scheme() == url.scheme() && o.port() == url.port());
    let asked_as = audience.starts_with(&request.origin(&house.base));
    let path = unescape(url.path()).to_lowercase();
    let Some((tenant, rest)) = path.trim_start_matches('/').split_once('/') else { return false };
    let this = request.path.trim_start_matches('/').split('/').next().map(unescape).unwrap_or_default();
    let tenants = [house.identity.tenant_id.as_str(), house.identity.domain.as_str(), this.as_str()];
    (here || asked_as) && tenants.iter().any(|t| t.eq_ignore_ascii_case(tenant)) && matches!(rest, "oauth2/token" | "oauth2/v2.0/token")
}

/// Who issues the tokens of the made-up other platform.
fn platform(house: &House) -> String {
    format!("{}/platform", house.base)
}

/// A token of the made-up platform for one of its workloads.
pub(in crate::sandbox) fn federated_token(house: &House, subject: &str, audience: &str, lifetime: u32, trusted: bool) -> String {
    if trusted {
        house.directory().federated.insert(subject.to_owned());
    }
    let now = house.clock.seconds();
    let audience = if audience.is_empty() { EXCHANGE } else { audience };
    jwt::sign(&object([
        ("iss", platform(house).into()),
        ("sub", subject.into()),
        ("aud", audience.into()),
        ("iat", now.into()),
        ("nbf", now.into()),
        ("exp", (now + i64::from(lifetime)).into()),
        ("jti", guid().into()),
    ]))
}

/// The same token is good for many exchanges: platforms write it into a file and renew it once an hour.
fn check_federated(house: &House, parts: &Parts<'_>, token: &str) -> Result<(), Refused> {
    if jwt::verify(token).is_none() {
        return Err(invalid_client(700_027, "Client assertion failed signature validation."));
    }
    in_time(house, parts)?;
    let audience = parts.text("aud");
    if audience != EXCHANGE {
        let words = format!(
            "No matching federated identity record found for presented assertion audience '{audience}'. Please check your federated \
             identity credential Subject, Audience and Issuer against the presented assertion."
        );
        return Err(invalid_client(700_212, words));
    }
    let subject = parts.text("sub");
    if !house.directory().federated.contains(subject) {
        let words = format!(
            "No matching federated identity record found for presented assertion subject '{subject}'. Please check your federated \
             identity credential Subject, Audience and Issuer against the presented assertion."
        );
        return Err(invalid_client(700_213, words));
    }
    Ok(())
}
