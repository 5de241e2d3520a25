//! User context without a way back: the person signs in wherever there is a browser, and pastes the address that it ended on.
//!
//! For kernels far away, where neither a loopback address leads here nor a device code is allowed. It is also the shape of a trick that is
//! played on people ("send me the address you ended on"), so only the whole address of this very sign-in is taken: one that somebody else began
//! fails by its state, and a code alone, which shows no state, is not accepted at all.

use super::{
    Wanted, Wire,
    authority::{check_scheme, is_loopback},
    code::{Attempt, ResponseMode, Verdict},
    entra::Granted,
    user::{Person, PublicClient, SignIn, with_person},
};
use crate::{
    clock::BoxFuture,
    error::{Error, Kind, Result},
    secret::Secret,
};
use std::sync::Arc;
use url::Url;

const TRIES: usize = 3;
/// No address is longer.
const MAX_LENGTH: usize = 64 << 10;
/// A page of Microsoft's that says that one may close it.
const LANDING: &str = "/common/oauth2/nativeclient";

/// Signs a user in who pastes the final address.
#[derive(Clone, Debug)]
pub struct Paste {
    person: Arc<dyn Person>,
    redirect_uri: Option<String>,
    prompt: Option<String>,
}

impl Paste {
    /// Ends on the login host's own landing page.
    pub fn new(person: Arc<dyn Person>) -> Paste {
        Paste { person, redirect_uri: None, prompt: None }
    }

    /// Ends elsewhere: at an address that the application's registration lists, such as `http://localhost`.
    pub fn redirect_to(self, redirect_uri: &str) -> Result<Paste> {
        let wrong = |what: &str| Error::setting("redirect_uri", format!("{redirect_uri:?} {what}"));
        let url = Url::parse(redirect_uri).map_err(|_| wrong("is no URL"))?;
        check_scheme(&url, "redirect_uri")?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("has user info, a query or a fragment"));
        }
        Ok(Paste { redirect_uri: Some(redirect_uri.to_owned()), ..self })
    }

    /// What the page asks although it need not, such as `select_account`.
    pub fn prompting(self, prompt: Option<String>) -> Paste {
        Paste { prompt, ..self }
    }
}

impl SignIn for Paste {
    fn kind(&self) -> &'static str {
        "paste"
    }

    fn sign_in<'a>(&'a self, wire: &'a Wire, client: &'a PublicClient, wanted: &'a Wanted) -> BoxFuture<'a, Result<Granted>> {
        Box::pin(async move {
            let attempt = Attempt::new(client, wanted)?;
            let redirect_uri = self.redirect_uri.clone().unwrap_or_else(|| format!("{}{LANDING}", client.authority.host()));
            let mut page = attempt.page(client, wanted, &redirect_uri, ResponseMode::Query, self.prompt.as_deref());
            for _ in 0..TRIES {
                let shown = page.clone();
                let pasted = with_person(&self.person, move |person| person.paste(&shown)).await?;
                match judge(&attempt, &redirect_uri, &pasted) {
                    Ok(code) => return attempt.redeem(wire, client, wanted, &redirect_uri, &code?).await,
                    Err(why) => page.note = Some(why.to_owned()),
                }
            }
            let why = page.note.unwrap_or_default();
            Err(Error::new(Kind::InteractionRequired, format!("no usable address was pasted in {TRIES} tries; the last: {why}"))
                .hint("sign in again with the address that is shown then, or with credential=\"device-code\""))
        })
    }
}

/// The answer in what was pasted, or why there is none.
fn judge(attempt: &Attempt, redirect_uri: &str, pasted: &Secret) -> Result<Result<Secret>, &'static str> {
    let text = pasted.expose().trim_matches(|c: char| c.is_whitespace() || c.is_control() || "\"'`<>«»“”‘’".contains(c));
    if text.is_empty() || text.len() > MAX_LENGTH {
        return Err("that is no address: copy the whole of it from the browser's address bar after signing in");
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("there is a space or a line break inside the address: copy it in one piece");
    }
    if !text.contains("://") {
        return Err("a code alone does not show which sign-in it belongs to: the whole address is wanted, from the browser's address bar");
    }
    let (address, fragment) = text.split_once('#').map_or((text, ""), |(address, fragment)| (address, fragment));
    let (address, query) = address.split_once('?').map_or((address, ""), |(address, query)| (address, query));
    if !is_ours(address, redirect_uri) {
        return Err("that is another page's address: the one is wanted that the browser ends on after the sign-in");
    }
    if fragment.contains("state=") {
        return Err("the answer stands behind a #, where another kind of sign-in puts it: use the address that was shown here");
    }
    match attempt.judge(query.as_bytes()) {
        Verdict::Final(answer) => Ok(answer),
        Verdict::Foreign => {
            Err("that address is from another sign-in, perhaps an older one: open the address that is shown now, and paste where it ends")
        }
        Verdict::Empty => Err("the address has no code in it: it may be cut off; copy the whole of it"),
    }
}

/// Scheme, host and path as agreed; on this machine any port, since login hosts do not look at it.
fn is_ours(address: &str, redirect_uri: &str) -> bool {
    let (Ok(address), Ok(agreed)) = (Url::parse(address), Url::parse(redirect_uri)) else { return false };
    let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
    let port = is_loopback(&agreed) || address.port_or_known_default() == agreed.port_or_known_default();
    let plain = address.username().is_empty() && address.password().is_none();
    address.scheme() == agreed.scheme() && address.host() == agreed.host() && path(&address) == path(&agreed) && port && plain
}
