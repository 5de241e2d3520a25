//! What libraries ask before they ask for a token.

use crate::json::{Value, object};

use super::super::wire::{Request, field};
use super::super::{House, jwt};
use super::refused::{Outcome, refused};
use super::{Version, issuer, known_tenant};

/// Endpoints and abilities, as OpenID Connect says them.
pub(super) fn configuration(house: &House, request: &Request, tenant: &str, version: Version) -> Outcome {
    known_tenant(house, tenant, true)?;
    let host = request.origin(&house.base);
    let id = if ["common", "organizations"].contains(&tenant) { tenant } else { house.identity.tenant_id.as_str() };
    let at = |path: &str| -> Value { format!("{host}/{id}/{path}").into() };
    let second = version == Version::Two;
    let oauth = if second { "oauth2/v2.0/" } else { "oauth2/" };
    let texts = |items: &[&str]| Value::Array(items.iter().map(|i| (*i).into()).collect());
    Ok(object([
        ("token_endpoint", at(&format!("{oauth}token"))),
        ("token_endpoint_auth_methods_supported", texts(&["client_secret_post", "private_key_jwt", "client_secret_basic"])),
        ("jwks_uri", at(if second { "discovery/v2.0/keys" } else { "discovery/keys" })),
        ("response_modes_supported", texts(&["query", "fragment", "form_post"])),
        ("subject_types_supported", texts(&["pairwise"])),
        ("id_token_signing_alg_values_supported", texts(&["RS256"])),
        ("response_types_supported", texts(&["code"])),
        ("code_challenge_methods_supported", texts(&["S256"])),
        ("scopes_supported", texts(&["openid", "profile", "email", "offline_access"])),
        ("issuer", format!("{host}/{id}/{}", if second { "v2.0" } else { "" }).into()),
        ("authorization_endpoint", at(&format!("{oauth}authorize"))),
        ("device_authorization_endpoint", at(&format!("{oauth}devicecode"))),
        ("claims_supported", texts(&["sub", "iss", "aud", "exp", "iat", "tid", "ver", "oid", "name", "nonce", "preferred_username"])),
        ("tenant_region_scope", "EU".into()),
        ("cloud_instance_name", "sandbox.invalid".into()),
    ]))
}

/// The keys that tokens are signed with.
pub(super) fn keys(house: &House, tenant: &str) -> Outcome {
    known_tenant(house, tenant, true)?;
    Ok(jwt::key_set(&issuer(house, Version::Two)))
}

/// Whether an authority is one of ours, and under which names: all of them are this host.
pub(super) fn instance(house: &House, request: &Request) -> Outcome {
    let fields = request.fields();
    let given = field(&fields, "authorization_endpoint").unwrap_or_default();
    let origin = request.origin(&house.base);
    let host = origin.split_once("://").map_or(origin.as_str(), |(_, host)| host);
    let asked = url::Url::parse(given).ok();
    let tenant = asked.as_ref().and_then(|url| url.path_segments()?.next()).unwrap_or_default();
    let asked_host = asked.as_ref().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    if asked_host != origin || tenant.is_empty() {
        let words = "Unknown or invalid instance: the authorization endpoint is none of this service's.";
        return Err(refused(400, "invalid_instance", 50_049, words));
    }
    let entry =
        object([("preferred_network", host.into()), ("preferred_cache", host.into()), ("aliases", Value::Array(vec![host.into()]))]);
    Ok(object([
        ("tenant_discovery_endpoint", format!("{origin}/{tenant}/v2.0/.well-known/openid-configuration").into()),
        ("api-version", "1.1".into()),
        ("metadata", Value::Array(vec![entry])),
    ]))
}

/// Where a person signs in: here, at a federated company's own service, or nowhere that is known.
pub(super) fn user_realm(house: &House, user: &str) -> Value {
    let domain = user.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
    let federated = house.options.federated_domain.as_deref().is_some_and(|d| d.eq_ignore_ascii_case(domain));
    let managed = domain.eq_ignore_ascii_case(&house.identity.domain);
    if federated {
        let service = format!("https://sts.{domain}/adfs");
        return object([
            ("ver", "1.0".into()),
            ("account_type", "Federated".into()),
            ("domain_name", domain.into()),
            ("federation_protocol", "WSTrust".into()),
            ("federation_metadata_url", format!("{service}/services/trust/mex").into()),
            ("federation_active_auth_url", format!("{service}/services/trust/2005/usernamemixed").into()),
            ("cloud_instance_name", "sandbox.invalid".into()),
            ("cloud_audience_urn", "urn:federation:MicrosoftOnline".into()),
        ]);
    }
    if managed {
        return object([
            ("ver", "1.0".into()),
            ("account_type", "Managed".into()),
            ("domain_name", domain.into()),
            ("cloud_instance_name", "sandbox.invalid".into()),
            ("cloud_audience_urn", "urn:federation:MicrosoftOnline".into()),
        ]);
    }
    object([("ver", "1.0".into()), ("account_type", "Unknown".into()), ("cloud_instance_name", "sandbox.invalid".into())])
}
