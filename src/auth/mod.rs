//! Signing in to Entra ID.
//!
//! A [`Credential`] knows one way to get a token for one audience. [`Tokens`] holds a credential together with the cache in front of it,
//! and is what clients share. Credentials talk through the same transport as everything else.

mod app;
mod authority;
mod cache;
mod claims;
mod device;
mod entra;
mod fixed;
mod hints;

pub use app::ClientSecret;
pub(crate) use authority::check_scheme;
pub use authority::{Authority, check_tenant};
pub use cache::{Token, Tokens};
pub use claims::Claims;
pub use device::{DeviceCode, DevicePrompt, Prompt};
pub use fixed::StaticToken;

use crate::{
    clock::{BoxFuture, Clock},
    error::{Error, Result},
    pipeline::transport::Transport,
    secret::Secret,
};
use std::{fmt, sync::Arc, time::Duration};

/// What a token is wanted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// The audience, such as `https://graph.microsoft.com`.
    pub audience: String,
    /// The claims of a challenge, as JSON text.
    pub claims: Option<String>,
}

impl Wanted {
    /// A token for an audience.
    pub fn audience(audience: &str) -> Wanted {
        Wanted { audience: audience.to_owned(), claims: None }
    }

    /// From a scope: exactly one `/.default` is taken off its end.
    pub fn scope(scope: &str) -> Wanted {
        Wanted::audience(scope.strip_suffix("/.default").unwrap_or(scope))
    }

    /// From the scopes of an Azure SDK's call, of which there has to be exactly one.
    pub fn scopes(scopes: &[String]) -> Result<Wanted> {
        match scopes {
            [one] if !one.trim().is_empty() => Ok(Wanted::scope(one)),
            _ => {
                let message = format!("takes one scope, such as \"https://graph.microsoft.com/.default\", not {}", scopes.len());
                Err(Error::argument("scopes", message))
            }
        }
    }

    /// The scope that stands for everything that was granted.
    pub fn default_scope(&self) -> String {
        format!("{}/.default", self.audience)
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
    /// Time and chance.
    pub clock: Arc<dyn Clock>,
    /// Who we say we are.
    pub user_agent: String,
}

/// One way to get a token.
pub trait Credential: Send + Sync + fmt::Debug {
    /// A word for messages, such as `client secret`.
    fn kind(&self) -> &'static str;

    /// The tenant, if this credential has one.
    fn tenant(&self) -> Option<&str> {
        None
    }

    /// The application, if this credential knows it.
    fn client_id(&self) -> Option<&str> {
        None
    }

    /// Whether getting a token may take as long as a person takes.
    fn is_interactive(&self) -> bool {
        false
    }

    /// Gets a new token. Never caches: that is not its business.
    fn acquire<'a>(&'a self, wire: &'a Wire, wanted: &'a Wanted) -> BoxFuture<'a, Result<Grant>>;
}
