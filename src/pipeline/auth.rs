//! The token on a request, and what a refusal of it means.
//!
//! A token goes out for the service's own audience, over https (or to this machine). A 401 with a claims challenge is answered once with a token that
//! meets it; a bare 401 once with a new token; a 403 is explained: what the token carries, what the operation needs, and on which app.

use super::challenge::challenges;
use crate::{
    auth::{Claims, Token, Tokens, Wanted, Wire},
    error::{Error, Kind, Result},
    json,
    ops::model::{Operation, Service},
    request::Request,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderValue, header};
use std::sync::Arc;

const MAX_CHALLENGE: usize = 4096;

/// Puts a token on the request.
pub(super) async fn sign(tokens: &Arc<Tokens>, wire: &Wire, wanted: &Wanted, request: &mut Request) -> Result<Arc<Token>> {
    let token = tokens.get(wire, wanted).await?;
    let text = format!("Bearer {}", token.secret.expose());
    let mut value =
        HeaderValue::from_str(&text).map_err(|_| Error::new(Kind::Authentication, "the token holds characters that no header may hold"))?;
    value.set_sensitive(true);
    request.headers.insert(header::AUTHORIZATION, value);
    Ok(token)
}

/// The claims that a 401 asks for, as JSON text. What does not decode to JSON is no challenge.
pub(super) fn challenge(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::WWW_AUTHENTICATE).into_iter();
    let found = values.flat_map(|value| challenges(&String::from_utf8_lossy(value.as_bytes())));
    let wanted = found.filter(|c| c.is("Bearer") && c.get("error") == Some("insufficient_claims"));
    wanted.into_iter().find_map(|c| claims(c.get("claims")?))
}

/// Either alphabet of base64, with padding or without.
fn claims(text: &str) -> Option<String> {
    let text = text.trim_end_matches('=');
    if text.len() > MAX_CHALLENGE {
        return None;
    }
    let bytes = STANDARD_NO_PAD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)).ok()?;
    json::parse(&bytes).ok().filter(|c| c.as_object().is_some()).map(|c| c.to_string())
}

/// Explains why the service refused the token.
pub(super) fn explain(error: Error, op: Option<&'static Operation>, service: Service, audience: &str, claims: Option<&Claims>) -> Error {
    let app = service.app_name();
    let Some(claims) = claims else {
        let needs = op.map(|op| format!("; {} needs {}", op.id, any_of(op.app_permissions))).unwrap_or_default();
        return error.hint(format!("the token cannot be read{needs} on {app}, in a token for {audience}")).detail("app", app);
    };
    let held = if claims.permissions.is_empty() { "no permission".to_owned() } else { claims.permissions.join(", ") };
    let context = if claims.delegated { "delegated" } else { "application" };
    let mut hint = String::new();
    let audiences = [audience, Claims::app_id_of(audience).unwrap_or_default()];
    if !claims.audience.is_empty() && !audiences.contains(&claims.audience.trim_end_matches('/')) {
        hint = format!("the token is for {}, and this service wants {audience}; ", claims.audience);
    }
    let who = claims
        .user
        .clone()
        .or_else(|| claims.app_name.clone())
        .or_else(|| claims.client_id.clone())
        .unwrap_or_else(|| "the caller".to_owned());
    match op {
        Some(op) if !claims.allows(op) => {
            let needed = claims.needed(op);
            let consent = match claims.delegated {
                true => "and consent to it; then sign out and in again",
                false => "and grant admin consent; tokens that are older than a minute are renewed when it is asked for again",
            };
            hint += &format!(
                "{op} needs the {context} permission {needs}, and {who} holds {held}. Add it under API permissions > {app} {consent}",
                op = op.id,
                needs = any_of(needed),
            );
            return error
                .hint(hint)
                .detail("missing", needed.to_vec())
                .detail("app", app)
                .detail("audience", claims.audience.as_str())
                .detail("held", claims.permissions.clone());
        }
        Some(op) if claims.delegated => {
            hint += &format!(
                "{who} holds a permission for {}, but the user's own role, or the machine's device group, does not allow it",
                op.id
            );
        }
        _ => hint += &format!("the token is for {} and holds {held}", claims.audience),
    }
    error.hint(hint).detail("app", app).detail("audience", claims.audience.as_str()).detail("held", claims.permissions.clone())
}

fn any_of(names: &[&str]) -> String {
    names.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(texts: &[&str]) -> HeaderMap {
        texts.iter().map(|t| (header::WWW_AUTHENTICATE, t.parse().unwrap())).collect()
    }

    #[test]
    fn a_claims_challenge_is_found_among_others_in_any_base64() {
        for encoded in ["eyJhIjoiPz8_In0=", "eyJhIjoiPz8/In0", "eyJhIjoiPz8_In0"] {
            let found = challenge(&headers(&[
                "Basic realm=\"x\"",
                &format!("Bearer realm=\"\", error=\"insufficient_claims\", claims=\"{encoded}\""),
            ]));
            assert_eq!(found.as_deref(), Some(r#"{"a":"???"}"#), "{encoded}");
        }
    }

    #[test]
    fn the_first_challenge_that_can_be_met_counts_wherever_it_stands() {
        for texts in [
            &["Bearer claims=e30, error=insufficient_claims, Basic realm=x"][..],
            &["Basic realm=\"a, Bearer\", Bearer error=\"insufficient\\_claims\", claims=\"e\\30=\""],
            &["Bearer error=insufficient_claims, claims=\"!\"", "Negotiate, BEARER Error=insufficient_claims, Claims=\"e30\""],
        ] {
            assert_eq!(challenge(&headers(texts)).as_deref(), Some("{}"), "{texts:?}");
        }
        let latin = b"Basic realm=\"caf\xe9\", Bearer error=\"insufficient_claims\", claims=\"e30\"";
        let odd = HeaderMap::from_iter([(header::WWW_AUTHENTICATE, HeaderValue::from_bytes(latin).unwrap())]);
        assert_eq!(challenge(&odd).as_deref(), Some("{}"));
    }

    #[test]
    fn what_is_no_challenge_is_ignored() {
        for text in [
            "Bearer error=\"invalid_token\"",
            "Bearer error=\"insufficient_claims\"",
            "Bearer error=\"insufficient_claims\", claims=\"!!\"",
            "Bearer error=\"insufficient_claims\", claims=\"W10=\"",
            "Bearer error=\"invalid_token\", claims=\"e30\", Basic error=\"insufficient_claims\"",
            "Bearer error=\"invalid_token\", error_description=\"error=insufficient_claims, claims=e30\"",
            "PoP error=\"insufficient_claims\", claims=\"e30\"",
        ] {
            assert_eq!(challenge(&headers(&[text])), None, "{text}");
        }
        let long = format!("Bearer error=\"insufficient_claims\", claims=\"{}\"", "A".repeat(5000));
        assert_eq!(challenge(&headers(&[&long])), None);
    }
}
