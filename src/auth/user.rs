//! User context: a person signs in once, and the refresh token serves everything that follows.
//!
//! The ways to sign in differ; what comes after does not. One sign-in at a time, its refresh token for all audiences and (where the login host
//! allows it) other tenants, and the person is asked again only when the login host says that nothing else will do. A refresh token that was
//! refused is kept: the refusal may be about one audience's policy, and the next audience may be fine with it.

use super::{
    Authority, Credential, Grant, Wanted, Wire,
    app::check_client_id,
    entra::{self, Granted},
    session::Session,
    store::Store,
};
use crate::{
    clock::BoxFuture,
    error::{Error, Kind, Result},
    json::Value,
    perprocess::PerProcess,
    secret::Secret,
};
use std::{convert::Infallible, fmt, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// What a person who signs in by device code has to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevicePrompt {
    /// The code to type.
    pub user_code: String,
    /// Where to type it.
    pub verification_uri: String,
    /// The login host's own words.
    pub message: String,
    /// How long the code is good for.
    pub expires_in: Duration,
}

/// A page on which a person signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInPage {
    /// Its address. It holds no secret: state, nonce and challenge are good for this sign-in alone.
    pub url: String,
    /// Where the browser ends up after it.
    pub redirect_uri: String,
    /// What to tell first, such as why the address that was given before is of no use.
    pub note: Option<String>,
}

/// The way to the person in front of the program. Its methods may block: they run off the runtime's threads.
pub trait Person: Send + Sync + fmt::Debug {
    /// Shows a device code; an error ends the sign-in.
    fn show_code(&self, prompt: &DevicePrompt) -> Result<()>;

    /// Opens a page in a browser, and says where it is in any case. False: nothing was opened.
    fn open(&self, page: &SignInPage) -> Result<bool> {
        let _ = page;
        Ok(false)
    }

    /// Shows a page and asks for the address that the browser ended on.
    fn paste(&self, page: &SignInPage) -> Result<Secret> {
        let _ = page;
        Err(Error::new(Kind::InteractionRequired, "there is nobody here who could sign in"))
    }
}

/// Somebody who signed in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    /// Who it is in which home tenant: `object id.tenant id`.
    pub home_account_id: String,
    /// The name to sign in with, if the login host told it.
    pub username: String,
    /// The tenant that was signed in to.
    pub tenant_id: String,
    /// The login host's origin.
    pub authority: String,
    /// The application that the person signed in to.
    pub client_id: String,
}

/// An application that keeps no secret, and whom to expect.
#[derive(Clone, Debug)]
pub struct PublicClient {
    /// Where to sign in.
    pub authority: Authority,
    /// The application.
    pub client_id: String,
    /// The name to put into the sign-in page.
    pub login_hint: Option<String>,
    /// The domain whose sign-in page is meant.
    pub domain_hint: Option<String>,
}

impl PublicClient {
    /// An application of that tenant (or of `organizations`).
    pub fn new(authority: Authority, client_id: &str) -> Result<PublicClient> {
        check_client_id(client_id)?;
        Ok(PublicClient { authority, client_id: client_id.to_owned(), login_hint: None, domain_hint: None })
    }

    /// Where a token is asked for: the own tenant's token endpoint, or another's.
    pub fn token_url(&self, wanted: &Wanted) -> Result<url::Url> {
        Ok(self.authority.for_tenant(wanted.tenant.as_deref())?.v2("token"))
    }

    /// Posts a grant to the token endpoint. `once` is for what is good for one use.
    pub(super) async fn ask(&self, wire: &Wire, wanted: &Wanted, grant: &[(&str, &str)], once: bool) -> Result<Granted> {
        let anchor = self.login_hint.as_ref().map(|name| format!("UPN:{name}"));
        self.ask_at(wire, wanted, grant, once, anchor).await
    }

    /// The same with the routing hint of a known person.
    async fn ask_at(&self, wire: &Wire, wanted: &Wanted, grant: &[(&str, &str)], once: bool, anchor: Option<String>) -> Result<Granted> {
        let url = self.token_url(wanted)?;
        let claims = wanted.all_claims();
        let mut form = vec![("client_id", self.client_id.as_str()), ("client_info", "1")];
        form.extend(grant);
        form.extend(claims.as_deref().map(|c| ("claims", c)));
        let question = entra::Question::new(&url, &form).anchored(anchor.as_deref());
        let reply = entra::post(wire, &if once { question.once() } else { question }).await?;
        reply.accept(&url).map_err(|r| r.error)
    }
}

/// One way for a person to sign in.
pub trait SignIn: Send + Sync + fmt::Debug {
    /// A word for messages, such as `device code`.
    fn kind(&self) -> &'static str;

    /// Whether it takes a person, or only what that person left behind.
    fn is_interactive(&self) -> bool {
        true
    }

    /// Signs in: the token endpoint's answer.
    fn sign_in<'a>(&'a self, wire: &'a Wire, client: &'a PublicClient, wanted: &'a Wanted) -> BoxFuture<'a, Result<Granted>>;
}

/// What can be asked of a credential in user context.
pub trait SignedIn: Send + Sync {
    /// Who is signed in, and who was and is remembered.
    fn accounts(&self) -> BoxFuture<'_, Result<Vec<Account>>>;

    /// Forgets an account, by its user name or home account id; all without. The number of those forgotten.
    fn sign_out<'a>(&'a self, account: Option<&'a str>) -> BoxFuture<'a, Result<usize>>;
}

/// A user who signs in one way.
#[derive(Debug)]
pub struct User<S> {
    client: PublicClient,
    way: S,
    store: Option<Arc<Store>>,
    /// One sign-in at a time, and what it left behind.
    session: PerProcess<Mutex<Session>>,
}

impl<S: SignIn> User<S> {
    /// A user of that application.
    pub fn new(client: PublicClient, way: S) -> User<S> {
        User { client, way, store: None, session: PerProcess::new() }
    }

    /// The same user, remembered from one process to the next.
    pub fn with_store(self, store: Arc<Store>) -> User<S> {
        User { store: Some(store), ..self }
    }

    fn session(&self) -> Arc<Mutex<Session>> {
        self.session.get_or_try_make(|| Ok::<_, Infallible>(Mutex::default())).unwrap_or_else(|never| match never {})
    }

    async fn refresh(&self, wire: &Wire, wanted: &Wanted, refresh_token: &Secret, account: Option<&Account>) -> Result<Granted> {
        let scope = wanted.user_scope();
        let grant = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose()), ("scope", scope.as_str())];
        match account.and_then(|a| a.home_account_id.split_once('.')) {
            Some((user, tenant)) => self.client.ask_at(wire, wanted, &grant, false, Some(format!("Oid:{user}@{tenant}"))).await,
            None => self.client.ask(wire, wanted, &grant, false).await,
        }
    }

    async fn sign_in(&self, wire: &Wire, wanted: &Wanted, claims: Option<String>) -> Result<Granted> {
        let wanted = Wanted { claims: claims.or_else(|| wanted.claims.clone()), ..wanted.clone() };
        self.way.sign_in(wire, &self.client, &wanted).await
    }
}

impl<S: SignIn> Credential for User<S> {
    fn kind(&self) -> &'static str {
        self.way.kind()
    }

    fn tenant(&self) -> Option<&str> {
        Some(self.client.authority.tenant())
    }

    fn takes_tenant(&self) -> bool {
        true
    }

    fn client_id(&self) -> Option<&str> {
        Some(&self.client.client_id)
    }

    fn is_interactive(&self) -> bool {
        self.way.is_interactive()
    }

    fn user(&self) -> Option<&dyn SignedIn> {
        Some(self)
    }

    fn acquire<'a>(&'a self, wire: &'a Wire, wanted: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        Box::pin(async move {
            let session = self.session();
            let mut session = session.lock().await;
            let (refresh_token, locked) = session.redeemable(&self.client, self.store.as_deref()).await;
            let claims = match refresh_token {
                None => None,
                Some(token) => match self.refresh(wire, wanted, &token, session.account()).await {
                    Ok(granted) => {
                        session.renewed(&self.client, &granted, locked).await;
                        return granted.grant();
                    }
                    // The sign-in is over, or this audience wants another one: ask the user, with what the login host wants to be proven.
                    Err(e) if e.kind() == Kind::InteractionRequired => {
                        e.facts().details.get("claims").and_then(Value::as_str).map(str::to_owned)
                    }
                    Err(e) => return Err(e),
                },
            };
            // No other process waits until a person has answered.
            drop(locked);
            if self.way.is_interactive() {
                wire.asking.begin()?;
            }
            let granted = self.sign_in(wire, wanted, claims).await?;
            session.signed_in(&self.client, &granted, self.store.as_deref()).await;
            granted.grant()
        })
    }
}

impl<S: SignIn> SignedIn for User<S> {
    fn accounts(&self) -> BoxFuture<'_, Result<Vec<Account>>> {
        Box::pin(async move { Ok(self.session().lock().await.accounts(&self.client, self.store.as_deref()).await) })
    }

    fn sign_out<'a>(&'a self, account: Option<&'a str>) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move { Ok(self.session().lock().await.forget(&self.client, self.store.as_deref(), account).await) })
    }
}

/// Runs what may block for as long as a person takes.
pub(super) async fn with_person<T: Send + 'static>(
    person: &Arc<dyn Person>,
    work: impl FnOnce(&dyn Person) -> Result<T> + Send + 'static,
) -> Result<T> {
    let person = person.clone();
    let done = tokio::task::spawn_blocking(move || work(&*person)).await;
    done.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "the prompt ended without an answer")))
}
