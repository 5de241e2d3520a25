//! An authorization code: what is sent along to the sign-in page, and what may come back from it.
//!
//! The answer travels through a browser, where anybody can write it. It counts only if it repeats this sign-in's `state`; the code in it is of
//! use only together with the verifier that never left this process; and the id token that comes for it has to repeat the `nonce`. One
//! [`Attempt`] holds all three, is good for one sign-in, and is the same whether a listener or a person brings the answer.

use super::{
    Authority, Wanted, Wire, claims,
    entra::{self, Granted},
    user::{PublicClient, SignInPage},
};
use crate::{
    cloud::LOGIN_HOSTS,
    error::{Error, Kind, Result},
    json::{Object, Value},
    request::encode,
    secret::Secret,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use url::{Url, form_urlencoded};

/// No code is longer.
const MAX_CODE: usize = 16 << 10;
/// What is repeated of a text that anybody may have written.
const MAX_DESCRIPTION: usize = 600;

/// How the login host hands the answer to the browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the body of a POST: it stays out of histories and logs.
    #[default]
    FormPost,
    /// In the query of the address.
    Query,
}

impl ResponseMode {
    fn name(self) -> &'static str {
        match self {
            ResponseMode::FormPost => "form_post",
            ResponseMode::Query => "query",
        }
    }
}

/// What this sign-in alone knows.
pub(super) struct Attempt {
    verifier: Secret,
    state: String,
    nonce: String,
    authority: Authority,
}

/// What an answer is worth.
pub(super) enum Verdict {
    /// It does not repeat our state: somebody else's, or an older one of ours.
    Foreign,
    /// It repeats our state and says nothing.
    Empty,
    /// It ends the sign-in.
    Final(Result<Secret>),
}

impl Attempt {
    /// New secrets for a sign-in to that tenant.
    pub(super) fn new(client: &PublicClient, wanted: &Wanted) -> Result<Attempt> {
        let authority = client.authority.for_tenant(wanted.tenant.as_deref())?;
        Ok(Attempt { verifier: Secret::new(random()?), state: random()?, nonce: random()?, authority })
    }

    /// The page on which a person signs in.
    pub(super) fn page(
        &self,
        client: &PublicClient,
        wanted: &Wanted,
        redirect_uri: &str,
        mode: ResponseMode,
        prompt: Option<&str>,
    ) -> SignInPage {
        let (scope, claims) = (wanted.user_scope(), wanted.all_claims());
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier.expose().as_bytes()));
        let always = [
            ("client_id", client.client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", redirect_uri),
            ("response_mode", mode.name()),
            ("scope", &scope),
            ("state", &self.state),
            ("nonce", &self.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("client_info", "1"),
        ];
        let sometimes = [
            ("prompt", prompt),
            ("login_hint", client.login_hint.as_deref()),
            ("domain_hint", client.domain_hint.as_deref()),
            ("claims", claims.as_deref()),
        ];
        let pairs = always.into_iter().chain(sometimes.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let query = pairs.map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&");
        let mut url = self.authority.v2("authorize");
        url.set_query(Some(&query));
        SignInPage { url: url.into(), redirect_uri: redirect_uri.to_owned(), note: None }
    }

    /// Judges an answer, a form or a query. The state comes first: nothing else is looked at in an answer that is not ours.
    pub(super) fn judge(&self, answer: &[u8]) -> Verdict {
        let mut answer = Fields::read(answer);
        if answer.repeated || !self.is_ours(answer.state.as_deref().unwrap_or_default()) {
            return Verdict::Foreign;
        }
        if answer.iss.as_deref().is_some_and(|iss| !issuer_fits(iss, &self.authority)) {
            let message = "the answer to the sign-in names another login host than the one that was asked";
            let hint =
                "nothing was redeemed. Sign in again; if it happens again, something between here and the login host changes answers";
            return Verdict::Final(Err(Error::new(Kind::Authentication, message).hint(hint)));
        }
        if let Some(error) = answer.error.take() {
            let description = answer.error_description.unwrap_or_default();
            return Verdict::Final(Err(refused(&error, &description, &self.authority.v2("authorize"))));
        }
        match answer.code {
            Some(code) if is_code(code.expose()) => Verdict::Final(Ok(code)),
            _ => Verdict::Empty,
        }
    }

    /// Trades the code for tokens, once: a code that may have arrived is used up.
    pub(super) async fn redeem(
        &self,
        wire: &Wire,
        client: &PublicClient,
        wanted: &Wanted,
        redirect_uri: &str,
        code: &Secret,
    ) -> Result<Granted> {
        let scope = wanted.user_scope();
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", redirect_uri),
            ("code_verifier", self.verifier.expose()),
            ("scope", &scope),
        ];
        let granted = client.ask(wire, wanted, &grant, true).await.map_err(|e| match (e.kind(), &e.facts().hint) {
            (Kind::ConnectionLost | Kind::DeadlineExceeded, None) => e.hint("a code is good for one use: sign in again"),
            _ => e,
        })?;
        self.check_id(&granted, &client.client_id)?;
        Ok(granted)
    }

    /// Compares by a keyed digest: how long that takes says nothing about how much was right.
    fn is_ours(&self, state: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.verifier.expose().as_bytes());
        let tag = hmac::sign(&key, self.state.as_bytes());
        hmac::verify(&key, state.as_bytes(), tag.as_ref()).is_ok()
    }

    /// An id token, if one came, is for this sign-in and this application. It came from the token endpoint itself, so it is read without proof.
    fn check_id(&self, granted: &Granted, client_id: &str) -> Result<()> {
        let Some(token) = granted.text("id_token") else { return Ok(()) };
        let wrong = |what: &str| {
            let hint = "the tokens were thrown away. Sign in again; if it happens again, the login host is not what it should be";
            Err(Error::new(Kind::Authentication, format!("the login host's id token {what}")).hint(hint))
        };
        let Some(id) = claims::payload(token) else { return wrong("cannot be read") };
        if id.get("nonce").and_then(Value::as_str) != Some(&self.nonce) {
            return wrong("is not for this sign-in: its nonce is not the one that was sent");
        }
        let is_client = |v: &Value| v.as_str() == Some(client_id);
        if !id.get("aud").is_some_and(|aud| is_client(aud) || aud.as_array().is_some_and(|all| all.iter().any(is_client))) {
            return wrong("is for another application");
        }
        Ok(())
    }
}

/// The parameters that matter; the others are none of our business.
#[derive(Default)]
struct Fields {
    state: Option<String>,
    code: Option<Secret>,
    error: Option<String>,
    error_description: Option<String>,
    iss: Option<String>,
    /// Whether one came twice: who reads the first and who reads the last would disagree.
    repeated: bool,
}

impl Fields {
    fn read(text: &[u8]) -> Fields {
        let mut fields = Fields::default();
        for (name, value) in form_urlencoded::parse(text) {
            let value = value.into_owned();
            let before = match &*name {
                "state" => fields.state.replace(value).is_some(),
                "code" => fields.code.replace(Secret::new(value)).is_some(),
                "error" => fields.error.replace(value).is_some(),
                "error_description" => fields.error_description.replace(value).is_some(),
                "iss" => fields.iss.replace(value).is_some(),
                _ => false,
            };
            fields.repeated |= before;
        }
        fields
    }
}

/// 256 bits: 43 characters of a URL.
fn random() -> Result<String> {
    let mut bytes = [0u8; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| {
        Error::new(Kind::Internal, "the operating system gives no random numbers").hint("nothing can be signed in to safely without them")
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_CODE && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// Whether the answer's issuer is the login host that was asked. Microsoft's own names stand for one another.
fn issuer_fits(issuer: &str, authority: &Authority) -> bool {
    let Ok(issuer) = Url::parse(issuer) else { return false };
    let (there, here) = (issuer.origin().ascii_serialization(), authority.host());
    let known = |origin: &str| origin.strip_prefix("https://").is_some_and(|host| LOGIN_HOSTS.contains(&host));
    there == here || (known(&there) && known(&here))
}

/// A refusal that came through the browser, in the words of the token endpoint's refusals.
fn refused(error: &str, description: &str, url: &Url) -> Error {
    let plain = |text: &str| text.chars().take(MAX_DESCRIPTION).map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let line = description.trim_start().lines().next().unwrap_or_default();
    let mut body = Object::new();
    body.insert("error".to_owned(), plain(error).into());
    body.insert("error_description".to_owned(), plain(line).into());
    // For the hint alone.
    let digits = line.split("AADSTS").nth(1).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    if let Some(number) = digits.and_then(|d| d.parse::<i64>().ok()) {
        body.insert("error_codes".to_owned(), vec![Value::Int(number)].into());
    }
    let refusal = entra::refusal(0, &body.into(), url).error.with(|f| {
        f.status = None;
        f.method = None;
    });
    if refusal.facts().hint.is_some() {
        return refusal;
    }
    match error {
        "access_denied" => {
            refusal.hint("the sign-in was cancelled or declined, or an administrator has to consent to the permissions first")
        }
        _ => refusal.hint("sign in again; the login host's text says what it did not like"),
    }
}
