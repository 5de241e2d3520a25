//! Application context: the program itself signs in.
//!
//! Every way to prove that a program is who it says ends in the same request; they differ in a few fields of its form. Those fields are made anew
//! for each request, since an assertion may be used once and files change.

use super::{Authority, Credential, Grant, Wanted, Wire, entra};
use crate::{
    clock::{BoxFuture, epoch_seconds},
    error::{Error, Kind, Result},
    secret::Secret,
};
use ring::digest::{Context, SHA256};
use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering::Relaxed},
};
use url::Url;

/// The clocks may differ by this much before an assertion is blamed on them.
const SKEW: i64 = 60;

/// What a proof is made for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The token endpoint, which is also an assertion's audience.
    pub token_url: &'a Url,
    /// The application.
    pub client_id: &'a str,
    /// The present, seconds since 1970, by the server's clock as far as it is known.
    pub now: i64,
}

/// How an application proves that it is itself.
pub trait Proof: Send + Sync + fmt::Debug {
    /// A word for messages, such as `client secret`.
    fn kind(&self) -> &'static str;

    /// A digest of the secret behind it; `None` if two are never known to be the same.
    fn fingerprint(&self) -> Option<[u8; 32]> {
        None
    }

    /// The form fields, made anew for each request.
    fn fields<'a>(&'a self, wire: &'a Wire, ask: &'a Ask<'a>) -> BoxFuture<'a, Result<Vec<(&'static str, Secret)>>>;

    /// Whether it is going to be the same the next time: then a refusal of it is, too.
    fn is_fixed(&self) -> bool {
        false
    }

    /// After a refusal: whether the secret has changed meanwhile, so that another request may succeed.
    fn reload(&self) -> bool {
        false
    }
}

/// An application with its proof.
#[derive(Debug)]
pub struct App<P> {
    authority: Authority,
    client_id: String,
    proof: P,
    /// Seconds by which the server's clock is ahead.
    skew: AtomicI64,
}

/// An application with a client secret.
pub type ClientSecret = App<Secret>;

impl<P: Proof> App<P> {
    /// Checks what can be checked without asking.
    pub fn new(authority: Authority, client_id: &str, proof: P) -> Result<App<P>> {
        if authority.is_shared() {
            return Err(Error::setting("tenant_id", format!("{:?} is no tenant that an application can sign in to", authority.tenant())));
        }
        check_client_id(client_id)?;
        Ok(App { authority, client_id: client_id.to_owned(), proof, skew: AtomicI64::new(0) })
    }

    /// The application.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The login host and tenant.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The proof.
    pub fn proof(&self) -> &P {
        &self.proof
    }

    /// Asks for a token with the form of a grant; the application and its proof are added. A refusal that a new proof may answer is answered once.
    pub async fn ask(&self, wire: &Wire, tenant: Option<&str>, grant: &[(&str, &str)]) -> Result<entra::Granted> {
        let url = self.authority.for_tenant(tenant)?.v2("token");
        let mut repeated = false;
        loop {
            let skew = self.skew.load(Relaxed);
            let ask = Ask { token_url: &url, client_id: &self.client_id, now: epoch_seconds(&*wire.clock).saturating_add(skew) };
            let proof = self.proof.fields(wire, &ask).await?;
            let mut form = vec![("client_id", self.client_id.as_str())];
            form.extend(grant);
            form.extend(proof.iter().map(|(name, value)| (*name, value.expose())));
            let reply = entra::post(wire, &entra::Question::new(&url, &form)).await?;
            let ahead = reply.server_ahead();
            if let Some(ahead) = ahead {
                self.skew.store(ahead, Relaxed);
            }
            match reply.accept(&url) {
                Ok(granted) => return Ok(granted),
                Err(refusal) => {
                    // A secret is the same at any time.
                    let by_clock = !self.proof.is_fixed() && ahead.is_some_and(|ahead| (ahead - skew).abs() > SKEW);
                    if repeated || refusal.code != "invalid_client" || !(by_clock || self.proof.reload()) {
                        return Err(refusal.error);
                    }
                    repeated = true;
                }
            }
        }
    }
}

/// An application's id is a GUID, or a word that another sign-in server gave: never empty, never with spaces.
pub(super) fn check_client_id(client_id: &str) -> Result<()> {
    if client_id.trim().is_empty() {
        return Err(Error::setting("client_id", "is empty"));
    }
    if client_id.len() > 256 || !client_id.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::setting("client_id", format!("{client_id:?} is no application's id, which is a GUID")));
    }
    Ok(())
}

impl<P: Proof> Credential for App<P> {
    fn kind(&self) -> &'static str {
        self.proof.kind()
    }

    fn tenant(&self) -> Option<&str> {
        Some(self.authority.tenant())
    }

    fn takes_tenant(&self) -> bool {
        true
    }

    fn client_id(&self) -> Option<&str> {
        Some(&self.client_id)
    }

    fn fingerprint(&self) -> Option<[u8; 32]> {
        let proof = self.proof.fingerprint()?;
        Some(digest(&[
            self.kind().as_bytes(),
            self.authority.host().as_bytes(),
            self.authority.tenant().as_bytes(),
            self.client_id.as_bytes(),
            &proof,
        ]))
    }

    fn remembers_refusals(&self) -> bool {
        self.proof.is_fixed()
    }

    fn acquire<'a>(&'a self, wire: &'a Wire, wanted: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        Box::pin(async move {
            let (scope, claims) = (wanted.scope(), wanted.all_claims());
            if !scope.ends_with("/.default") || scope.contains(' ') {
                let message =
                    format!("an application is given all that was granted to it: one scope that ends in \"/.default\", not {scope:?}");
                return Err(Error::argument("scopes", message));
            }
            let mut form = vec![("grant_type", "client_credentials"), ("scope", scope.as_str())];
            form.extend(claims.as_deref().map(|c| ("claims", c)));
            self.ask(wire, wanted.tenant.as_deref(), &form).await?.grant()
        })
    }
}

impl Proof for Secret {
    fn kind(&self) -> &'static str {
        "client secret"
    }

    fn fingerprint(&self) -> Option<[u8; 32]> {
        Some(digest(&[self.expose().as_bytes()]))
    }

    fn is_fixed(&self) -> bool {
        true
    }

    fn fields<'a>(&'a self, _: &'a Wire, _: &'a Ask<'a>) -> BoxFuture<'a, Result<Vec<(&'static str, Secret)>>> {
        Box::pin(async move { Ok(vec![("client_secret", self.clone())]) })
    }
}

/// A digest over parts that cannot run into one another.
pub(super) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let digest = context.finish();
    digest.as_ref().try_into().unwrap_or_default()
}

/// A secret as a user gave it.
pub(crate) fn check_secret(secret: Secret) -> Result<Secret> {
    if secret.is_empty() { Err(Error::setting("client_secret", "is empty")) } else { Ok(secret) }
}

/// The fields of a proof by assertion.
pub(super) fn assertion_fields(assertion: Secret) -> Result<Vec<(&'static str, Secret)>> {
    if !super::is_token(assertion.expose()) {
        return Err(
            Error::new(Kind::Authentication, "the assertion is empty, or is no token").hint("it is a JWT: three words with dots between")
        );
    }
    Ok(vec![
        ("client_assertion_type", Secret::new("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")),
        ("client_assertion", assertion),
    ])
}
