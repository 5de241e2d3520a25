//! A token that somebody already has, and a way that is not there.

use super::{Claims, Credential, Grant, Wanted, Wire, is_token};
use crate::{
    clock::{BoxFuture, epoch_seconds},
    error::{Error, Kind, Result},
    secret::Secret,
};
use std::time::Duration;

/// Hands out the one token that it was given, until that expires.
#[derive(Debug)]
pub struct StaticToken {
    token: Secret,
}

impl StaticToken {
    /// Takes a token as it is: it may be opaque.
    pub fn new(token: Secret) -> Result<StaticToken> {
        if !is_token(token.expose()) {
            return Err(Error::setting("token", "is empty, or holds what no token holds; it is the bare token, without \"Bearer\""));
        }
        Ok(StaticToken { token })
    }
}

impl Credential for StaticToken {
    fn kind(&self) -> &'static str {
        "static token"
    }

    fn acquire<'a>(&'a self, wire: &'a Wire, wanted: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        Box::pin(async move {
            let claims = Claims::read(&self.token);
            let resource = wanted.resource()?;
            if let Some(claims) = &claims {
                let audience = claims.audience.trim_end_matches('/');
                let known = [resource.trim_end_matches('/'), Claims::app_id_of(resource).unwrap_or_default()];
                if audience.starts_with("http") && !known.contains(&audience) {
                    let message = format!("the token is for {audience}; this call needs one for {resource}");
                    return Err(Error::new(Kind::CredentialUnavailable, message));
                }
            }
            let left = claims.and_then(|c| c.expires).map(|at| at - epoch_seconds(&*wire.clock));
            match left {
                Some(left) if left <= 0 => Err(Error::new(Kind::InteractionRequired, "the token has expired")
                    .hint("a static token cannot be renewed: pass a new one, or another credential")),
                left => Ok(Grant {
                    token: self.token.clone(),
                    lifetime: Duration::from_secs(left.map_or(3600, |l| l.unsigned_abs())),
                    refresh_in: None,
                }),
            }
        })
    }
}

/// A way to sign in that does not exist here. It is told when a token is wanted: until then a chain may find another.
#[derive(Debug)]
pub struct Unavailable {
    /// The kind that it would be.
    pub kind: &'static str,
    /// Why it is not.
    pub reason: Error,
}

impl Credential for Unavailable {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn acquire<'a>(&'a self, _: &'a Wire, _: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        Box::pin(async move { Err(self.reason.clone()) })
    }
}
