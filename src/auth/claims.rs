//! What a token says about itself, read without proof.
//!
//! For messages and for choosing an endpoint only. Access tokens are opaque by contract (they may be encrypted one day), so nothing here
//! fails on a token that is no JWT, and nothing is decided for safety's sake by what stands in one.

use crate::{
    cloud::CLOUDS,
    json::{self, Value},
    ops::model::{Operation, Service},
    secret::Secret,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The claims that matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// `aud`
    pub audience: String,
    /// `tid`
    pub tenant: Option<String>,
    /// `appid` or `azp`
    pub client_id: Option<String>,
    /// `app_displayname`
    pub app_name: Option<String>,
    /// `upn`, `preferred_username` or `unique_name`: present in user context only.
    pub user: Option<String>,
    /// `oid`
    pub object_id: Option<String>,
    /// `roles` of an application, `scp` of a user.
    pub permissions: Vec<String>,
    /// Whether these are delegated permissions.
    pub delegated: bool,
    /// `exp`, seconds since 1970.
    pub expires: Option<i64>,
}

/// The claims of a JWT, as they are.
pub(super) fn payload(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    part(payload)
}

/// One part of a JWT, or what is coded like one.
pub(super) fn part(text: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    json::parse(&bytes).ok().filter(|c| c.as_object().is_some())
}

impl Claims {
    /// The claims of a JWT; `None` if it is something else.
    pub fn read(token: &Secret) -> Option<Claims> {
        let claims = payload(token.expose())?;
        let text = |names: &[&str]| names.iter().find_map(|n| claims.get(n).and_then(Value::as_str)).map(str::to_owned);
        let scopes = text(&["scp"]);
        let permissions = match &scopes {
            Some(scopes) => scopes.split_whitespace().map(str::to_owned).collect(),
            None => claims
                .get("roles")
                .and_then(Value::as_array)
                .unwrap_or_default()
                .iter()
                .filter_map(|r| r.as_str().map(str::to_owned))
                .collect(),
        };
        Some(Claims {
            audience: text(&["aud"]).unwrap_or_default(),
            tenant: text(&["tid"]),
            client_id: text(&["appid", "azp"]),
            app_name: text(&["app_displayname"]),
            user: text(&["upn", "preferred_username", "unique_name"]),
            object_id: text(&["oid"]),
            permissions,
            delegated: scopes.is_some(),
            expires: claims.get("exp").and_then(super::entra::number).map(|n| n as i64),
        })
    }

    /// The permissions of an operation that would do in this context.
    pub fn needed(&self, op: &Operation) -> &'static [&'static str] {
        if self.delegated { op.delegated_permissions } else { op.app_permissions }
    }

    /// Whether the token carries one of them.
    pub fn allows(&self, op: &Operation) -> bool {
        self.needed(op).iter().any(|n| self.permissions.iter().any(|p| p == n))
    }

    /// Tokens may name a service by its application id instead of its URL.
    pub fn app_id_of(audience: &str) -> Option<&'static str> {
        let audience = audience.trim_end_matches('/');
        let service = Service::ALL.into_iter().find(|s| CLOUDS.iter().any(|c| c.audience(*s) == audience))?;
        Some(match service {
            Service::Endpoint => "fc780465-2017-40d4-a0c5-307022471b92",
            Service::Xdr => "8ee8fdad-f234-4243-8f3b-15c294843740",
            Service::Graph => "00000003-0000-0000-c000-000000000000",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> Secret {
        Secret::new(format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(payload)))
    }

    #[test]
    fn both_contexts_are_told_apart() {
        let app = Claims::read(&token(r#"{"aud":"a","roles":["X"],"appid":"c","exp":"12"}"#)).unwrap();
        assert_eq!((app.delegated, app.permissions.as_slice(), app.expires), (false, &["X".to_owned()][..], Some(12)));
        let user = Claims::read(&token(r#"{"aud":"a","scp":"X Y","roles":["Z"],"upn":"u@x","azp":"c"}"#)).unwrap();
        assert_eq!((user.delegated, user.permissions.len(), user.user.as_deref()), (true, 2, Some("u@x")));
    }

    #[test]
    fn what_is_no_jwt_has_no_claims() {
        for text in ["", "opaque", "a.b", "a.!.c", "a.W10.c"] {
            assert_eq!(Claims::read(&Secret::new(text)), None, "{text}");
        }
    }
}
