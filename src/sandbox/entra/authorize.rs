//! The page where people sign in, and the way back to the program that sent them.
//!
//! What a program gets wrong here it hears as Entra says it: on the page, when nobody can tell where to send people back to, and at the
//! redirect address in all other cases. Redirect addresses are those of a desktop application: loopback under any port, and the blank
//! page that native applications are told to use.

use url::Url;

use super::super::clock::SECOND;
use super::super::wire::{Reply, Request, escape, field, guid, random};
use super::super::{House, clock, jwt};
use super::directory::Code;
use super::issue::{Asked, client_info};
use super::refused::{Refused, refused};
use super::scope::{consented, scope};
use super::{applications, device, ids, known_tenant, token};

/// Seconds that a code lives.
const CODE_LIVES: i64 = 600;
/// The blank page of Microsoft's, for programs that cannot listen.
const NATIVE: &str = "https://login.microsoftonline.com/common/oauth2/nativeclient";
const TITLE: &str = "Sign in to the sandbox";
const COOKIE: &str = "xdrkit-sandbox-session";

/// How the answer goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Query,
    Fragment,
    FormPost,
}

/// A request whose way back is known.
struct Visit<'a> {
    house: &'a House,
    request: &'a Request,
    fields: &'a [(String, String)],
    client: &'a str,
    redirect: Url,
    mode: Mode,
}

/// What a request asks for, once all of it makes sense.
struct Wish {
    scope: String,
    asked: Asked,
    challenge: Option<String>,
    prompt: Option<String>,
}

pub(super) fn answer(house: &House, request: &Request, tenant: &str) -> Reply {
    if request.method != http::Method::GET && request.method != http::Method::POST {
        return Reply::empty(405).header("Allow", "GET, POST");
    }
    let fields = request.fields();
    let visit = match arrive(house, request, tenant, &fields) {
        Ok(visit) => visit,
        Err(refused) => return error_page(house, request, &refused),
    };
    let wish = match visit.wish() {
        Ok(wish) => wish,
        Err(refused) => return visit.refuse(&refused),
    };
    if request.method == http::Method::POST { visit.answered(&wish) } else { visit.arrived(&wish) }
}

/// Where the blank page's address leads when it is asked of the sandbox.
pub(super) fn end_page() -> Reply {
    Reply::html(200, "Signed in", "<p>Copy the whole address of this page into the program that asked for it.</p>")
}

fn error_page(house: &House, request: &Request, refused: &Refused) -> Reply {
    let (trace, correlation) = ids(request);
    let text = refused.description(&clock::plain(house.clock.now()), &trace, &correlation);
    Reply::html(400, "Sorry, but we’re having trouble signing you in.", &format!("<p>{}</p>", escape(&text)))
}

/// Everything without which nobody may be sent back.
fn arrive<'a>(house: &'a House, request: &'a Request, tenant: &str, fields: &'a [(String, String)]) -> Result<Visit<'a>, Refused> {
    known_tenant(house, tenant, true)?;
    let need = |name: &str| {
        let words = format!("The request body must contain the following parameter: '{name}'.");
        field(fields, name).filter(|v| !v.is_empty()).ok_or_else(|| refused(400, "invalid_request", 900_144, words))
    };
    let client = applications::named(house, need("client_id")?)?;
    let given = need("redirect_uri")?;
    let redirect = redirect(house, given).ok_or_else(|| {
        let words = format!(
            "The redirect URI '{given}' specified in the request does not match the redirect URIs configured for the application \
             '{client}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal."
        );
        refused(400, "invalid_request", 50_011, words)
    })?;
    let mode = match field(fields, "response_mode") {
        None | Some("" | "query") => Mode::Query,
        Some("fragment") => Mode::Fragment,
        Some("form_post") => Mode::FormPost,
        Some(other) => {
            return Err(refused(400, "invalid_request", 90_023, format!("The response mode '{other}' is not supported.")));
        }
    };
    Ok(Visit { house, request, fields, client, redirect, mode })
}

/// A redirect address that is registered: the port of loopback addresses does not count.
fn redirect(house: &House, given: &str) -> Option<Url> {
    let url = Url::parse(given).ok()?;
    let loopback = url.scheme() == "http" && matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
    let own = format!("{}/common/oauth2/nativeclient", house.base);
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (bare && (loopback || given == NATIVE || given == own)).then_some(url)
}

impl Visit<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        field(self.fields, name).filter(|v| !v.is_empty())
    }

    fn wish(&self) -> Result<Wish, Refused> {
        match self.text("response_type") {
            Some("code") => {}
            None => return Err(super::refused::missing("response_type")),
            Some(other) => {
                let words = format!("The response type '{other}' is not enabled for the application.");
                return Err(refused(400, "unsupported_response_type", 700_054, words));
            }
        }
        let text = self.text("scope").ok_or_else(|| super::refused::missing("scope"))?;
        let wanted = scope(self.house, text)?;
        let challenge = self.text("code_challenge").map(str::to_owned);
        let method = self.text("code_challenge_method");
        if challenge.as_deref().is_some_and(|c| method != Some("S256") || jwt::decode(c).is_none_or(|bytes| bytes.len() != 32)) {
            let words = "The code challenge is not valid: it is the SHA-256 of the verifier, and its method is S256.";
            return Err(refused(400, "invalid_request", 50_147, words));
        }
        let prompt = self.text("prompt").map(str::to_owned);
        if prompt.as_deref().is_some_and(|p| !["none", "login", "select_account", "consent"].contains(&p)) {
            let words = format!("The value '{}' of 'prompt' is not supported.", prompt.unwrap_or_default());
            return Err(refused(400, "invalid_request", 90_023, words));
        }
        let asked = Asked::read(self.text("claims"))?;
        consented(self.house, &wanted, self.client).map_err(|e| Refused { error: "consent_required", ..e })?;
        Ok(Wish { scope: text.to_owned(), asked, challenge, prompt })
    }

    /// Somebody came: signed in already, or signed in by the sandbox itself, or asked to.
    fn arrived(&self, wish: &Wish) -> Reply {
        let session = self.request.cookie(COOKIE).and_then(|id| self.house.directory().session(id));
        let hint = self.text("login_hint");
        let session = session.filter(|user| hint.is_none_or(|h| h.eq_ignore_ascii_case(user)));
        match (wish.prompt.as_deref(), session) {
            (Some("none"), None) => {
                let words = "Session information is not sufficient for single-sign-on.";
                self.refuse(&refused(400, "login_required", 50_058, words))
            }
            (None | Some("none"), Some(user)) => self.signed_in(wish, &user),
            _ if self.house.options.auto_approve => match token::person(self.house, hint.unwrap_or(&self.house.identity.user)) {
                Ok(user) => self.signed_in(wish, &user),
                Err(refused) => error_page(self.house, self.request, &refused),
            },
            _ => self.ask(hint),
        }
    }

    /// The page for a person. What was asked stays in its address.
    fn ask(&self, hint: Option<&str>) -> Reply {
        let body = format!(
            "<p>A program asks to act for you in the made-up company <b>{company}</b>. Nothing here is real.</p>\
             <form method=\"post\" action=\"?{query}\"><p><label>Person<br><select name=\"user\">{people}</select></label></p>\
             <p><button name=\"answer\" value=\"approve\">Approve</button> <button name=\"answer\" value=\"deny\">Cancel</button></p></form>",
            company = escape(&self.house.identity.tenant_name),
            query = escape(self.request.query.as_deref().unwrap_or_default()),
            people = device::people(self.house, hint.unwrap_or(&self.house.identity.user)),
        );
        // Browsers hold the policy against the redirect that follows, too.
        Reply::page(200, TITLE, &body, &format!("form-action 'self' {}", self.redirect.origin().ascii_serialization()))
    }

    /// The person pressed a button.
    fn answered(&self, wish: &Wish) -> Reply {
        if self.request.is_cross_origin(&self.house.base) {
            return Reply::html(403, TITLE, "<p>This answer came from another page.</p>");
        }
        let form = self.request.form();
        if field(&form, "answer") != Some("approve") {
            let refused = refused(400, "access_denied", 65_004, "User declined to consent to access the app.");
            return self.refuse(&refused.with("error_subcode", "cancel"));
        }
        match token::person(self.house, field(&form, "user").unwrap_or_default()) {
            Ok(user) => self.signed_in(wish, &user),
            Err(refused) => error_page(self.house, self.request, &refused),
        }
    }

    fn signed_in(&self, wish: &Wish, user: &str) -> Reply {
        let now = self.house.clock.now();
        let code = jwt::encode(&random::<64>());
        let entry = Code {
            client: self.client.to_owned(),
            user: user.to_owned(),
            scope: wish.scope.clone(),
            asked: wish.asked.clone(),
            redirect: field(self.fields, "redirect_uri").unwrap_or_default().to_owned(),
            challenge: wish.challenge.clone(),
            nonce: self.text("nonce").map(str::to_owned),
            expires: now + CODE_LIVES * SECOND,
            redeemed: false,
        };
        let session = {
            let mut directory = self.house.directory();
            directory.forget_old(now);
            directory.codes.insert(code.clone(), entry);
            directory.open_session(user)
        };
        let mut back = vec![("code", code)];
        if self.text("client_info").is_some() {
            back.push(("client_info", client_info(self.house, user)));
        }
        back.push(("session_state", guid()));
        let reply = self.send_back(back);
        let secure = if self.request.scheme == "https" { "; Secure" } else { "" };
        reply.header("Set-Cookie", format!("{COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax{secure}"))
    }

    fn refuse(&self, refused: &Refused) -> Reply {
        let (trace, correlation) = ids(self.request);
        let text = refused.description(&clock::plain(self.house.clock.now()), &trace, &correlation);
        let mut back = vec![("error", refused.error.to_owned()), ("error_description", text)];
        back.push(("error_uri", format!("{}/error?code={}", self.house.base, refused.code)));
        back.extend(refused.more.iter().cloned());
        self.send_back(back)
    }

    /// The answer to the program, by way of the browser.
    fn send_back(&self, mut fields: Vec<(&str, String)>) -> Reply {
        if let Some(state) = self.text("state") {
            fields.push(("state", state.to_owned()));
        }
        let encoded = || url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let mut target = self.redirect.clone();
        match self.mode {
            Mode::Query => {
                let before = target.query().filter(|q| !q.is_empty()).map(|q| format!("{q}&")).unwrap_or_default();
                target.set_query(Some(&format!("{before}{}", encoded())));
            }
            Mode::Fragment => target.set_fragment(Some(&encoded())),
            Mode::FormPost => return self.post_back(&fields),
        }
        Reply::empty(302).header("Location", target).header("Cache-Control", "no-store").header("Referrer-Policy", "no-referrer")
    }

    /// A form that sends itself, and a button where no script runs.
    fn post_back(&self, fields: &[(&str, String)]) -> Reply {
        let nonce = jwt::encode(&random::<16>());
        let hidden = |(name, value): &(&str, String)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value));
        let inputs: String = fields.iter().map(hidden).collect();
        let body = format!(
            "<form method=\"post\" action=\"{}\">{inputs}<p><button>Continue</button></p></form>\
             <script nonce=\"{nonce}\">document.forms[0].submit()</script>",
            escape(self.redirect.as_str())
        );
        let allowed = format!("script-src 'nonce-{nonce}'; form-action {}", self.redirect.origin().ascii_serialization());
        Reply::page(200, "Working…", &body, &allowed)
    }
}
