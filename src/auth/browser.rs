//! User context through a browser: the person signs in on the login host's page, and the browser brings a code back to this machine.
//!
//! Where it hangs elsewhere is when nothing opens: in containers, over ssh, in remote kernels nobody will ever bring that code. So what cannot
//! open a page says so, and the next way takes over at once. A browser that is merely slow is waited for while the listener runs.

use super::{
    Wanted, Wire,
    code::{Attempt, ResponseMode},
    entra::Granted,
    loopback::{Listener, Redirect},
    user::{Person, PublicClient, SignIn, SignInPage, with_person},
};
use crate::{
    clock::BoxFuture,
    error::{Error, Kind, Result},
    secret::Secret,
};
use std::{pin::pin, sync::Arc, time::Duration};

const TIMEOUT: Duration = Duration::from_secs(300);
const OTHER_WAYS: &str =
    "sign in with credential=\"paste\" (open the address anywhere, paste the one that it ends on) or credential=\"device-code\"";

/// Signs a user in through a browser on this machine.
#[derive(Clone, Debug)]
pub struct Browser {
    /// Opens the page.
    pub person: Arc<dyn Person>,
    /// Where on this machine the answer is brought.
    pub redirect: Redirect,
    /// How long a person may take.
    pub timeout: Duration,
    /// How the answer is brought. Login hosts that are not Microsoft's may know the query only.
    pub response_mode: ResponseMode,
    /// What the page asks although it need not, such as `select_account` or `login`.
    pub prompt: Option<String>,
    /// What to do where no browser opens.
    pub fallback: Option<Arc<dyn SignIn>>,
}

/// How the wait ended.
enum Came {
    Code(Secret),
    NothingOpened,
}

impl Browser {
    /// Five minutes, any port, and no other way if nothing opens.
    pub fn new(person: Arc<dyn Person>) -> Browser {
        Browser {
            person,
            redirect: Redirect::default(),
            timeout: TIMEOUT,
            response_mode: ResponseMode::default(),
            prompt: None,
            fallback: None,
        }
    }

    /// Opens the page and waits, both at once: some openers return only when the browser is closed.
    async fn wait(&self, wire: &Wire, listener: Listener, attempt: Arc<Attempt>, page: SignInPage) -> Result<Came> {
        let mut answer = pin!(listener.answer(self.response_mode, move |text| attempt.judge(text)));
        let mut opening = pin!(with_person(&self.person, move |person| person.open(&page)));
        let mut over = wire.clock.sleep(self.timeout);
        let mut opened = false;
        loop {
            tokio::select! {
                code = &mut answer => return code.map(Came::Code),
                done = &mut opening, if !opened => {
                    opened = true;
                    if !done? {
                        return Ok(Came::NothingOpened);
                    }
                }
                () = &mut over => {
                    let message = format!("nobody signed in within {} s", self.timeout.as_secs_f64());
                    let hint = format!("try again, or {OTHER_WAYS}");
                    return Err(Error::new(Kind::InteractionRequired, message).hint(hint));
                }
            }
        }
    }

    async fn otherwise(&self, wire: &Wire, client: &PublicClient, wanted: &Wanted, why: Error) -> Result<Granted> {
        let Some(way) = &self.fallback else { return Err(why.hint(OTHER_WAYS)) };
        tracing::info!(target: "xdrkit", "{why}: signing in by {} instead", way.kind());
        way.sign_in(wire, client, wanted).await
    }
}

impl SignIn for Browser {
    fn kind(&self) -> &'static str {
        "browser"
    }

    fn sign_in<'a>(&'a self, wire: &'a Wire, client: &'a PublicClient, wanted: &'a Wanted) -> BoxFuture<'a, Result<Granted>> {
        Box::pin(async move {
            let attempt = Arc::new(Attempt::new(client, wanted)?);
            let listener = match Listener::bind(&self.redirect).await {
                Ok(listener) => listener,
                Err(e) => {
                    let why = format!("the browser's answer cannot be listened for on this machine: {e}");
                    return self.otherwise(wire, client, wanted, Error::new(Kind::CredentialUnavailable, why)).await;
                }
            };
            let redirect_uri = listener.redirect_uri();
            let page = attempt.page(client, wanted, &redirect_uri, self.response_mode, self.prompt.as_deref());
            match self.wait(wire, listener, attempt.clone(), page).await? {
                Came::Code(code) => attempt.redeem(wire, client, wanted, &redirect_uri, &code).await,
                Came::NothingOpened => {
                    let why = Error::new(Kind::InteractionRequired, "no browser could be opened here");
                    self.otherwise(wire, client, wanted, why).await
                }
            }
        })
    }
}
