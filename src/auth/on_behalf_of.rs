//! On behalf of a user: a service that was called with a user's token calls further services as that user.
//!
//! The token that came in is the proof that the user is there, so it is part of what keeps tokens apart: two users' calls never share one. When
//! the login host wants more from the user (a second factor, consent), only the caller can ask: its claims are in the error, to be passed on.

use super::{App, Credential, Grant, Proof, Wanted, Wire, app::digest, is_token};
use crate::{
    clock::BoxFuture,
    error::{Error, Kind, Result},
    secret::Secret,
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// An application that acts for the user whose token it was called with.
#[derive(Debug)]
pub struct OnBehalfOf<P> {
    app: App<P>,
    assertion: Secret,
}

impl<P: Proof> OnBehalfOf<P> {
    /// The application, and the access token that it was called with.
    pub fn new(app: App<P>, assertion: Secret) -> Result<OnBehalfOf<P>> {
        if !is_token(assertion.expose()) {
            return Err(Error::setting("user_assertion", "is empty, or is no token")
                .hint("it is the access token from the Authorization header of the call that came in, without \"Bearer\""));
        }
        Ok(OnBehalfOf { app, assertion })
    }
}

impl<P: Proof> Credential for OnBehalfOf<P> {
    fn kind(&self) -> &'static str {
        "on behalf of"
    }

    fn tenant(&self) -> Option<&str> {
        self.app.tenant()
    }

    fn takes_tenant(&self) -> bool {
        true
    }

    fn client_id(&self) -> Option<&str> {
        Some(self.app.client_id())
    }

    fn fingerprint(&self) -> Option<[u8; 32]> {
        let app = self.app.fingerprint()?;
        Some(digest(&[self.kind().as_bytes(), &app, &digest(&[self.assertion.expose().as_bytes()])]))
    }

    fn remembers_refusals(&self) -> bool {
        self.app.remembers_refusals()
    }

    fn acquire<'a>(&'a self, wire: &'a Wire, wanted: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        Box::pin(async move {
            let (scope, claims) = (wanted.scope(), wanted.all_claims());
            let mut form = vec![
                ("grant_type", GRANT),
                ("assertion", self.assertion.expose()),
                ("requested_token_use", "on_behalf_of"),
                ("scope", scope.as_str()),
            ];
            form.extend(claims.as_deref().map(|c| ("claims", c)));
            let granted = self.app.ask(wire, wanted.tenant.as_deref(), &form).await;
            granted.map_err(pass_on)?.grant()
        })
    }
}

/// Nobody is here who could be asked: says who can.
fn pass_on(refusal: Error) -> Error {
    if refusal.kind() != Kind::InteractionRequired {
        return refusal;
    }
    let how = match refusal.facts().details.contains_key("claims") {
        true => "answer the caller with 401 and these claims (details[\"claims\"]) in a WWW-Authenticate challenge",
        false => "the user has to sign in again at the caller, and an administrator may have to consent",
    };
    let known = refusal.facts().hint.as_ref().map(|hint| format!("{hint}; ")).unwrap_or_default();
    refusal.hint(format!("{known}{how}; then come back with the new token"))
}
