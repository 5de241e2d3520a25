//! User context by user name and password, for programs that run where no person is.
//!
//! The documentation of the older API shows it, so it is here; Microsoft advises against it, since a password alone is what attackers have too.
//! Accounts that need a second factor, or whose passwords another identity provider keeps, cannot sign in this way. The login host does not say
//! so plainly, so a refusal is explained: by asking, only then, who keeps the account's password.

use super::{
    Wanted, Wire,
    entra::Granted,
    user::{PublicClient, SignIn},
};
use crate::{
    clock::BoxFuture,
    error::{Error, Kind, Result},
    json::{self, Value},
    request::{Request, encode},
    secret::Secret,
};
use http::{HeaderValue, Method, header};
use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};
use url::Url;

/// An explanation is not worth more.
const REALM_TIMEOUT: Duration = Duration::from_secs(5);
const OTHER_WAYS: &str = "sign in with credential=\"browser\" or credential=\"device-code\", or as an application";

/// Signs a user in by name and password.
#[derive(Debug)]
pub struct Password {
    username: String,
    password: Secret,
    warned: AtomicBool,
}

impl Password {
    /// Checks what can be checked without asking.
    pub fn new(username: &str, password: Secret) -> Result<Password> {
        if username.trim().is_empty() || username.len() > 1024 || username.chars().any(char::is_control) {
            return Err(Error::setting("username", format!("{username:?} is no user's name, such as \"user@contoso.com\"")));
        }
        if password.is_empty() {
            return Err(Error::setting("password", "is empty"));
        }
        Ok(Password { username: username.trim().to_owned(), password, warned: AtomicBool::new(false) })
    }

    fn warn_once(&self) {
        if !self.warned.swap(true, Relaxed) {
            tracing::warn!(
                target: "xdrkit",
                "signing in with a password is deprecated by Microsoft and proves no second factor; an application's own credential is meant for programs"
            );
        }
    }

    /// What a refusal of the grant means. A policy says so; else it is the password, or that it is kept elsewhere.
    async fn explain(&self, wire: &Wire, client: &PublicClient, refusal: Error) -> Error {
        let has = |name: &str| refusal.facts().details.contains_key(name);
        match refusal.facts().code.as_deref() {
            Some("invalid_grant") if !has("suberror") && !has("claims") => {}
            Some("invalid_grant" | "interaction_required" | "consent_required" | "login_required") => {
                let known = refusal.facts().hint.as_ref().map(|hint| format!("{hint}; ")).unwrap_or_default();
                return refusal.hint(format!("{known}a password alone is not enough for this account: {OTHER_WAYS}"));
            }
            _ => return refusal,
        }
        if let Some(domain) = self.federated(wire, client).await {
            let hint = format!("passwords of {domain} are kept by another identity provider, which is not asked this way: {OTHER_WAYS}");
            return refusal.hint(hint).with(|f| f.kind = Kind::InteractionRequired);
        }
        let refusal = refusal.with(|f| f.kind = Kind::Authentication);
        if refusal.facts().hint.is_some() { refusal } else { refusal.hint(format!("check user name and password, or {OTHER_WAYS}")) }
    }

    /// The domain of an account whose password another identity provider keeps. Any trouble on the way is no answer.
    async fn federated(&self, wire: &Wire, client: &PublicClient) -> Option<String> {
        let url = format!("{}/common/userrealm/{}?api-version=1.0", client.authority.host(), encode(&self.username));
        let mut request = Request::new(Method::GET, Url::parse(&url).ok()?);
        request.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        request.headers.insert(header::USER_AGENT, HeaderValue::from_str(&wire.user_agent).ok()?);
        let answer = wire.transport.send(request, REALM_TIMEOUT).await.ok().filter(|a| a.status == 200)?;
        let realm = json::parse(&answer.body).ok()?;
        let text = |name: &str| realm.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
        let domain = || text("domain_name").or_else(|| self.username.rsplit_once('@').map(|(_, d)| d)).unwrap_or("this domain").to_owned();
        text("account_type").filter(|kind| kind.eq_ignore_ascii_case("federated")).map(|_| domain())
    }
}

impl SignIn for Password {
    fn kind(&self) -> &'static str {
        "username and password"
    }

    fn is_interactive(&self) -> bool {
        false
    }

    fn sign_in<'a>(&'a self, wire: &'a Wire, client: &'a PublicClient, wanted: &'a Wanted) -> BoxFuture<'a, Result<Granted>> {
        Box::pin(async move {
            let authority = client.authority.for_tenant(wanted.tenant.as_deref())?;
            if matches!(authority.tenant(), "common" | "consumers") {
                let what =
                    format!("{:?} also stands for personal accounts, which cannot sign in with a password this way", authority.tenant());
                return Err(Error::setting("tenant_id", what).hint("name the tenant, or \"organizations\""));
            }
            self.warn_once();
            let client = PublicClient { login_hint: Some(self.username.clone()), ..client.clone() };
            let scope = wanted.user_scope();
            let grant =
                [("grant_type", "password"), ("username", &self.username), ("password", self.password.expose()), ("scope", scope.as_str())];
            match client.ask(wire, wanted, &grant, false).await {
                Ok(granted) => Ok(granted),
                Err(refusal) => Err(self.explain(wire, &client, refusal).await),
            }
        })
    }
}
