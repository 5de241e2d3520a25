//! Application context: the program itself signs in.

use super::{Authority, Credential, Grant, Wanted, Wire, entra};
use crate::{
    clock::BoxFuture,
    error::{Error, Result},
    secret::Secret,
};

/// An application with a client secret.
#[derive(Debug)]
pub struct ClientSecret {
    authority: Authority,
    client_id: String,
    secret: Secret,
}

impl ClientSecret {
    /// Checks what can be checked without asking.
    pub fn new(authority: Authority, client_id: &str, secret: Secret) -> Result<ClientSecret> {
        if authority.is_shared() {
            return Err(Error::setting("tenant_id", format!("{:?} is no tenant that an application can sign in to", authority.tenant())));
        }
        if client_id.trim().is_empty() {
            return Err(Error::setting("client_id", "is empty"));
        }
        if secret.is_empty() {
            return Err(Error::setting("client_secret", "is empty"));
        }
        Ok(ClientSecret { authority, client_id: client_id.to_owned(), secret })
    }
}

impl Credential for ClientSecret {
    fn kind(&self) -> &'static str {
        "client secret"
    }

    fn tenant(&self) -> Option<&str> {
        Some(self.authority.tenant())
    }

    fn client_id(&self) -> Option<&str> {
        Some(&self.client_id)
    }

    fn acquire<'a>(&'a self, wire: &'a Wire, wanted: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        Box::pin(async move {
            let url = self.authority.v2("token");
            let scope = wanted.default_scope();
            let mut form = vec![
                ("grant_type", "client_credentials"),
                ("client_id", &self.client_id),
                ("client_secret", self.secret.expose()),
                ("scope", &scope),
            ];
            form.extend(wanted.claims.as_deref().map(|c| ("claims", c)));
            let reply = entra::post(wire, &url, &form).await?;
            entra::grant(&reply.accept(&url).map_err(|r| r.error)?)
        })
    }
}
