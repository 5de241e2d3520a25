//! Signing in to Entra ID.
//!
//! A [`Credential`] knows one way to get a token for one audience. [`Tokens`] holds a credential together with the cache in front of it,
//! and is what clients share. Credentials talk through the same transport as everything else.

mod app;
mod authority;
mod browser;
mod cache;
mod certificate;
mod chain;
mod choice;
mod claims;
mod code;
mod device;
mod entra;
mod federated;
mod fixed;
mod hints;
mod launch;
mod loopback;
mod managed;
mod on_behalf_of;
mod password;
mod paste;
mod session;
mod store;
mod tools;
mod user;
#[cfg(test)]
mod validation_tests;
#[cfg(test)]
mod ways_tests;

pub use app::{App, Ask, ClientSecret, Proof};
pub use authority::{Authority, check_tenant};
pub(crate) use authority::{check_scheme, is_loopback};
pub use browser::Browser;
pub use cache::{Asking, Through, Token, Tokens};
pub use certificate::{Algorithm, Certificate, CertificateOptions, CertificateSource};
pub use chain::{Chain, Member, Way};
pub use choice::{Choice, Environment, Place, Remember, kind_named, missing};
pub use claims::Claims;
pub use code::ResponseMode;
pub use device::DeviceCode;
pub use federated::{AssertionSource, AzurePipelines, ClientAssertion, GitHubActions, TokenFile};
pub use fixed::{StaticToken, Unavailable};
pub use launch::open_page;
pub use loopback::Redirect;
pub use managed::{Identity, ManagedIdentity};
pub use on_behalf_of::OnBehalfOf;
pub use password::Password;
pub use paste::Paste;
pub use store::{Found, Key, Locked, Saved, Store, StoreOptions};
pub use tools::{DeveloperTool, TOOL_TIMEOUT};
pub use user::{Account, DevicePrompt, Person, PublicClient, SignIn, SignInPage, SignedIn, User};

use crate::{
    clock::{BoxFuture, Clock},
    error::{Error, Result},
    json::{self, Value, object},
    pipeline::transport::Transport,
    secret::Secret,
};
use std::{fmt, sync::Arc, time::Duration};

/// What a token is wanted for. Tokens are kept apart by all of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// Sorted, without repetition, at least one.
    pub scopes: Vec<String>,
    /// The claims of a challenge, as JSON text.
    pub claims: Option<String>,
    /// Another tenant than the credential's own.
    pub tenant: Option<String>,
    /// Whether the caller can answer a claims challenge; then the token may live for a day, and be revoked within minutes.
    pub cae: bool,
}

impl Wanted {
    /// A token for all that was granted at an audience.
    pub fn audience(audience: &str) -> Wanted {
        Wanted { scopes: vec![format!("{audience}/.default")], claims: None, tenant: None, cae: false }
    }

    /// From the scopes of an Azure SDK's call. They go into forms, command lines and scripts: one plain word each.
    pub fn scopes(scopes: &[String]) -> Result<Wanted> {
        let plain =
            |s: &str| !s.is_empty() && s.len() <= 2048 && s.bytes().all(|b| b.is_ascii_graphic() && !b"\"'`\\<>{}|^$;&()".contains(&b));
        if let Some(wrong) = scopes.iter().find(|s| !plain(s)) {
            return Err(Error::argument("scopes", format!("{wrong:?} is no scope, such as \"https://graph.microsoft.com/.default\"")));
        }
        if scopes.is_empty() {
            return Err(Error::argument("scopes", "is empty; it is one scope or more, such as \"https://graph.microsoft.com/.default\""));
        }
        let mut scopes = scopes.to_vec();
        scopes.sort_unstable();
        scopes.dedup();
        Ok(Wanted { scopes, claims: None, tenant: None, cae: false })
    }

    /// For ways that know resources and no scopes: the one scope, less exactly one `/.default`. What is left may end in a slash, and keeps it.
    pub fn resource(&self) -> Result<&str> {
        match self.scopes.as_slice() {
            [one] => Ok(one.strip_suffix("/.default").unwrap_or(one)),
            many => Err(Error::argument(
                "scopes",
                format!("takes one scope here, such as \"https://graph.microsoft.com/.default\", not {}", many.len()),
            )),
        }
    }

    /// As a `scope` parameter.
    pub fn scope(&self) -> String {
        self.scopes.join(" ")
    }

    /// As the `scope` parameter of a user's sign-in: with an id token and a refresh token.
    pub fn user_scope(&self) -> String {
        format!("{} openid profile offline_access", self.scope())
    }

    /// The `claims` parameter: those of the challenge, and that we can answer one.
    pub fn all_claims(&self) -> Option<String> {
        let challenge = self.claims.as_deref().and_then(|c| json::parse(c.as_bytes()).ok());
        match (challenge, self.cae) {
            (None, false) => None,
            (Some(claims), false) => Some(claims.to_string()),
            (claims, true) => {
                let mut merged = object([("access_token", object([("xms_cc", object([("values", vec!["CP1"].into())]))]))]);
                merge(&mut merged, claims.unwrap_or(Value::Null));
                Some(merged.to_string())
            }
        }
    }
}

/// Puts the members of one object into another, level by level.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (into, from) => *into = from,
    }
}

/// No token is longer.
const MAX_TOKEN: usize = 64 << 10;

/// Whether a text can be a token: one word that a header may hold.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TOKEN && text.bytes().all(|b| b.is_ascii_graphic())
}

/// A fresh token.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The token.
    pub token: Secret,
    /// How long it lives from now.
    pub lifetime: Duration,
    /// When it should be renewed, if the server says so.
    pub refresh_in: Option<Duration>,
}

/// What a credential talks through.
#[derive(Clone, Debug)]
pub struct Wire {
    /// The way out.
    pub transport: Arc<dyn Transport>,
    /// The way to the services: the same, unless it is recorded or played.
    pub services: Arc<dyn Transport>,
    /// The way to this machine's own services (managed identities): never through a proxy.
    pub direct: Arc<dyn Transport>,
    /// Time and chance.
    pub clock: Arc<dyn Clock>,
    /// Who we say we are.
    pub user_agent: String,
    /// Whether a person may be asked.
    pub asking: Asking,
    /// Whether another way to sign in is waiting for its turn.
    pub in_chain: bool,
}

#[cfg(test)]
impl Wire {
    /// Over a scripted transport.
    pub(crate) fn over(transport: Arc<dyn Transport>, clock: Arc<dyn Clock>) -> Wire {
        Wire {
            direct: transport.clone(),
            services: transport.clone(),
            transport,
            clock,
            user_agent: "test".to_owned(),
            asking: Asking::Freely,
            in_chain: false,
        }
    }
}

/// One way to get a token.
pub trait Credential: Send + Sync + fmt::Debug {
    /// A word for messages, such as `client secret`.
    fn kind(&self) -> &'static str;

    /// The tenant, if this credential has one.
    fn tenant(&self) -> Option<&str> {
        None
    }

    /// Whether it can sign in to a tenant that is not its own, if that is allowed.
    fn takes_tenant(&self) -> bool {
        false
    }

    /// The application, if this credential knows it.
    fn client_id(&self) -> Option<&str> {
        None
    }

    /// Whether getting a token may take as long as a person takes.
    fn is_interactive(&self) -> bool {
        false
    }

    /// What is the same for two credentials only if either's tokens are as good as the other's. `None`: never shared.
    fn fingerprint(&self) -> Option<[u8; 32]> {
        None
    }

    /// Whether a refusal of the configuration (wrong secret, unknown application) is going to be the same a few seconds later.
    fn remembers_refusals(&self) -> bool {
        false
    }

    /// The signed-in user, for credentials that have one.
    fn user(&self) -> Option<&dyn SignedIn> {
        None
    }

    /// Gets a new token. Never caches: that is not its business.
    fn acquire<'a>(&'a self, wire: &'a Wire, wanted: &'a Wanted) -> BoxFuture<'a, Result<Grant>>;
}
