//! The ways in that people use, from the page that is opened to the form that is posted: a scripted token endpoint, a real browser's socket.

use super::*;
use crate::{
    clock::{SystemClock, VirtualClock},
    error::Kind,
    pipeline::transport::{Answer, Failure},
    request::Request,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    collections::{HashMap, VecDeque},
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    sync::Mutex,
    time::Instant,
};
use url::Url;

const TENANT: &str = "11111111-2222-3333-4444-555555555555";
const CLIENT: &str = "66666666-7777-8888-9999-000000000000";
const CODE: &str = "0.canary-code";
const VERIFIER_LENGTH: usize = 43;

type Step = Box<dyn FnOnce() -> Result<Answer, Failure> + Send>;

/// Plays answers in order and keeps the questions.
#[derive(Default)]
struct Script {
    steps: Mutex<VecDeque<Step>>,
    asked: Mutex<Vec<Request>>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

impl Transport for Script {
    fn send(&self, request: Request, _: Duration) -> BoxFuture<'_, Result<Answer, Failure>> {
        self.asked.lock().unwrap().push(request);
        let step = self.steps.lock().unwrap().pop_front().expect("more requests than the script has");
        Box::pin(async move { step() })
    }
}

impl Script {
    fn of(steps: Vec<Step>) -> Arc<Script> {
        Arc::new(Script { steps: Mutex::new(steps.into()), asked: Mutex::default() })
    }

    fn wire(self: &Arc<Script>) -> Wire {
        Wire::over(self.clone(), SystemClock::shared())
    }

    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// The form of the nth request.
    fn form(&self, n: usize) -> HashMap<String, String> {
        let asked = self.asked.lock().unwrap();
        pairs(std::str::from_utf8(asked[n].body.as_deref().unwrap()).unwrap())
    }
}

fn pairs(text: &str) -> HashMap<String, String> {
    let pairs: Vec<_> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let map: HashMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(map.len(), pairs.len(), "a field comes twice in {text}");
    map
}

fn answer(status: u16, body: Value) -> Result<Answer, Failure> {
    Ok(Answer { status, headers: http::HeaderMap::new(), body: body.to_string().into() })
}

fn says(status: u16, body: &'static str) -> Step {
    Box::new(move || answer(status, json::parse(body.as_bytes()).unwrap()))
}

fn lost(sent: bool) -> Step {
    Box::new(move || Err(Failure { sent, timeout: false, transient: true, limit: false, message: "reset".to_owned() }))
}

const TOKENS: &str = r#"{"token_type":"Bearer","access_token":"at","expires_in":3600,"refresh_token":"rt"}"#;

type Talk = Box<dyn Fn(&SignInPage) + Send + Sync>;
type Pasting = Box<dyn Fn(&SignInPage) -> String + Send>;

/// A person as the tests need one.
#[derive(Default)]
struct Tester {
    /// Runs inside `open`, as a browser that blocks until it is closed would.
    browser: Option<Talk>,
    pastes: Mutex<VecDeque<Pasting>>,
    pages: Arc<Mutex<Vec<SignInPage>>>,
}

impl fmt::Debug for Tester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tester")
    }
}

impl Tester {
    fn sees(&self, page: &SignInPage) {
        self.pages.lock().unwrap().push(page.clone());
    }

    fn next(&self) -> Pasting {
        self.pastes.lock().unwrap().pop_front().expect("asked more often than expected")
    }
}

impl Person for Tester {
    fn show_code(&self, _: &DevicePrompt) -> Result<()> {
        unreachable!("no device code here")
    }

    fn open(&self, page: &SignInPage) -> Result<bool> {
        self.sees(page);
        if let Some(talk) = &self.browser {
            talk(page);
        }
        Ok(self.browser.is_some())
    }

    fn paste(&self, page: &SignInPage) -> Result<Secret> {
        self.sees(page);
        Ok(Secret::new(self.next()(page)))
    }
}

type Pages = Arc<Mutex<Vec<SignInPage>>>;

fn tester(browser: Option<Talk>, pages: &Pages) -> Arc<dyn Person> {
    Arc::new(Tester { browser, pages: pages.clone(), ..Tester::default() })
}

fn client() -> PublicClient {
    PublicClient::new(Authority::new("https://login.microsoftonline.com", TENANT, false).unwrap(), CLIENT).unwrap()
}

fn wanted() -> Wanted {
    Wanted::audience("https://graph.microsoft.com")
}

fn query(page: &SignInPage) -> HashMap<String, String> {
    pairs(Url::parse(&page.url).unwrap().query().unwrap())
}

/// Posts a form to where the page redirects to, as a browser does.
fn post(page: &SignInPage, form: &str) -> String {
    let url = Url::parse(&page.redirect_uri).unwrap();
    let (host, port) = (url.host_str().unwrap(), url.port().unwrap());
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let head = format!("POST {} HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: null\r\nCookie: a=b", url.path());
    let kind = "application/x-www-form-urlencoded";
    write!(stream, "{head}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{form}", form.len()).unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).unwrap();
    heard
}

/// A browser that ends with the state and this.
fn ends_with(rest: &'static str) -> Option<Talk> {
    Some(Box::new(move |page| {
        post(page, &format!("state={}&{rest}", query(page)["state"]));
    }))
}

/// An id token for the first page, its claims changed by `change`.
fn id_token(pages: &Pages, change: impl FnOnce(&mut json::Object) + Send + 'static) -> Step {
    let pages = pages.clone();
    Box::new(move || {
        let nonce = query(&pages.lock().unwrap()[0])["nonce"].clone();
        let mut claims = json::Object::new();
        let text = [("aud", CLIENT), ("nonce", &nonce), ("oid", "o"), ("tid", "t"), ("preferred_username", "u@contoso.com")];
        claims.extend(text.map(|(name, value)| (name.to_owned(), value.into())));
        change(&mut claims);
        let token = format!("e30.{}.x", URL_SAFE_NO_PAD.encode(Value::from(claims).to_string()));
        let mut body = json::parse(TOKENS.as_bytes()).unwrap();
        if let Value::Object(members) = &mut body {
            members.insert("id_token".to_owned(), token.into());
        }
        answer(200, body)
    })
}

/// One sign-in by browser with what the token endpoint answers.
async fn browse(browser: Option<Talk>, steps: impl FnOnce(&Pages) -> Vec<Step>) -> (Result<entra::Granted>, Arc<Script>, Vec<SignInPage>) {
    let pages = Pages::default();
    let script = Script::of(steps(&pages));
    let way = Browser::new(tester(browser, &pages));
    let result = way.sign_in(&script.wire(), &client(), &wanted()).await;
    assert!(script.steps.lock().unwrap().is_empty(), "fewer requests than the script has");
    let pages = pages.lock().unwrap().clone();
    (result, script, pages)
}

fn hint(error: &Error) -> &str {
    error.facts().hint.as_deref().unwrap_or_default()
}

fn kind<T>(result: Result<T>) -> Kind {
    result.map(|_| ()).unwrap_err().kind()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_signs_in_and_everything_that_was_promised_is_sent() {
    let pages = Pages::default();
    let script = Script::of(vec![id_token(&pages, |_| {})]);
    let way = Browser {
        prompt: Some("select_account".to_owned()),
        redirect: Redirect::parse("http://127.0.0.1/cb").unwrap(),
        ..Browser::new(tester(ends_with("code=0.canary-code&session_state=x&client_info=y"), &pages))
    };
    let client = PublicClient { login_hint: Some("u@contoso.com".to_owned()), domain_hint: Some("contoso.com".to_owned()), ..client() };
    let wanted = Wanted { tenant: Some("fabrikam.com".to_owned()), cae: true, ..wanted() };
    let granted = way.sign_in(&script.wire(), &client, &wanted).await.unwrap();
    assert_eq!(granted.text("access_token"), Some("at"));

    let page = pages.lock().unwrap()[0].clone();
    let mut query = query(&page);
    let mut form = script.form(0);
    assert!(page.url.starts_with("https://login.microsoftonline.com/fabrikam.com/oauth2/v2.0/authorize?"), "{}", page.url);
    assert!(page.redirect_uri.starts_with("http://127.0.0.1:") && page.redirect_uri.ends_with("/cb"), "{}", page.redirect_uri);
    let verifier = form.remove("code_verifier").unwrap();
    let challenge = URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes()));
    assert_eq!(query.remove("code_challenge"), Some(challenge));
    let (state, nonce) = (query.remove("state").unwrap(), query.remove("nonce").unwrap());
    assert_eq!([verifier.len(), state.len(), nonce.len()], [VERIFIER_LENGTH; 3]);
    assert!(verifier != state && state != nonce && verifier != nonce);
    let claims = r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#;
    let scope = "https://graph.microsoft.com/.default openid profile offline_access";
    let expect = |fields: &[(&str, &str)]| fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<HashMap<_, _>>();
    let always = [("client_id", CLIENT), ("redirect_uri", &page.redirect_uri), ("scope", scope), ("claims", claims), ("client_info", "1")];
    let mut expected = expect(&always);
    expected.extend(expect(&[
        ("response_type", "code"),
        ("response_mode", "form_post"),
        ("code_challenge_method", "S256"),
        ("prompt", "select_account"),
        ("login_hint", "u@contoso.com"),
        ("domain_hint", "contoso.com"),
    ]));
    assert_eq!(query, expected);
    let mut expected = expect(&always);
    expected.extend(expect(&[("grant_type", "authorization_code"), ("code", CODE)]));
    assert_eq!(form, expected);
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked[0].url.as_str(), "https://login.microsoftonline.com/fabrikam.com/oauth2/v2.0/token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_refresh_token_of_a_browser_serves_the_next_audience() {
    let pages = Pages::default();
    let script = Script::of(vec![id_token(&pages, |_| {}), says(200, TOKENS)]);
    let user = User::new(client(), Browser::new(tester(ends_with("code=c"), &pages)));
    user.acquire(&script.wire(), &wanted()).await.unwrap();
    user.acquire(&script.wire(), &Wanted::audience("https://api.security.microsoft.com")).await.unwrap();
    assert_eq!(script.form(1)["refresh_token"], "rt");
    assert_eq!(pages.lock().unwrap().len(), 1, "the person was asked twice");
    let account = user.accounts().await.unwrap().remove(0);
    assert_eq!((account.home_account_id.as_str(), account.username.as_str()), ("o.t", "u@contoso.com"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sign_ins_share_no_secret() {
    let (_, first, _) = browse(ends_with("code=c"), |_| vec![says(200, TOKENS)]).await;
    let (_, second, _) = browse(ends_with("code=c"), |_| vec![says(200, TOKENS)]).await;
    assert_ne!(first.form(0)["code_verifier"], second.form(0)["code_verifier"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_state_is_refused_and_the_right_one_still_counts() {
    let browser: Talk = Box::new(|page| {
        let state = &query(page)["state"];
        let cut = &state[..state.len() - 1];
        let noise = [
            "code=evil".to_owned(),
            "state=&code=evil".to_owned(),
            "state=wrong&code=evil".to_owned(),
            "state=wrong&error=access_denied".to_owned(),
            format!("state={cut}&code=evil"),
            format!("state={state}x&code=evil"),
            format!("state=wrong&state={state}&code=evil"),
            format!("state={state}&code=evil&code=evil"),
            format!("state={state}"),
            format!("state={state}&code="),
            format!("state={state}&code=%00"),
        ];
        for form in noise {
            let heard = post(page, &form);
            assert!(heard.starts_with("HTTP/1.1 400"), "{form}: {heard}");
        }
        assert!(post(page, &format!("state={state}&code=good")).starts_with("HTTP/1.1 200"));
    });
    let (result, script, _) = browse(Some(browser), |_| vec![says(200, TOKENS)]).await;
    result.unwrap();
    assert_eq!(script.form(0)["code"], "good");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_sign_in_page_refuses_ends_the_sign_in() {
    let (result, _, _) =
        browse(ends_with("error=access_denied&error_description=AADSTS65004:+declined%0D%0ATrace+ID:+x"), |_| vec![]).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.facts().code.as_deref()), (Kind::Authentication, Some("access_denied")));
    assert_eq!(error.to_string(), "sign-in failed: AADSTS65004: declined");
    assert!(hint(&error).contains("declined") && hint(&error).contains("consent"), "{}", hint(&error));
    let (result, _, _) = browse(ends_with("error=login_required"), |_| vec![]).await;
    assert_eq!(kind(result), Kind::InteractionRequired);
    let (result, _, _) = browse(ends_with("error=server_error&error_description=AADSTS53003:+no"), |_| vec![]).await;
    let error = result.unwrap_err();
    assert!(hint(&error).contains("Conditional Access"), "{}", hint(&error));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusals_text_is_bounded_and_shown_as_text() {
    let browser: Talk = Box::new(|page| {
        let (state, text) = (&query(page)["state"], format!("<b>{}", "%C3%A9%07".repeat(3000)));
        let heard = post(page, &format!("state={state}&error=x&error_description={text}"));
        assert!(heard.contains("&lt;b&gt;é") && !heard.contains("<b>") && heard.len() < 4000, "{heard}");
    });
    let (result, _, _) = browse(Some(browser), |_| vec![]).await;
    let error = result.unwrap_err();
    assert!(error.to_string().starts_with("sign-in failed: <b>é"), "{error}");
    assert!(error.to_string().chars().count() < 700 && !error.to_string().contains('\u{7}'));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_another_login_host_is_not_redeemed() {
    for iss in ["iss=https://evil.example/v2.0", "iss=nothing", "iss=", "iss=https://login.microsoftonline.com.evil.example/"] {
        let rest: &'static str = Box::leak(format!("{iss}&code=c").into_boxed_str());
        let (result, script, _) = browse(ends_with(rest), |_| vec![]).await;
        assert_eq!((kind(result), script.count()), (Kind::Authentication, 0), "{iss}");
    }
    for rest in ["iss=https://login.microsoftonline.com/t/v2.0&code=c", "iss=https://sts.windows.net/t/&code=c"] {
        let (result, _, _) = browse(ends_with(rest), |_| vec![says(200, TOKENS)]).await;
        assert!(result.is_ok(), "{rest}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_token_is_for_this_sign_in_and_this_application() {
    type Change = fn(&mut json::Object);
    let wrong: [Change; 5] = [
        |claims| drop(claims.insert("nonce".to_owned(), "other".into())),
        |claims| drop(claims.shift_remove("nonce")),
        |claims| drop(claims.insert("aud".to_owned(), "other".into())),
        |claims| drop(claims.shift_remove("aud")),
        |claims| drop(claims.insert("aud".to_owned(), vec!["other"].into())),
    ];
    for change in wrong {
        let (result, _, _) = browse(ends_with("code=c"), |pages| vec![id_token(pages, change)]).await;
        assert_eq!(kind(result), Kind::Authentication);
    }
    let broken = r#"{"access_token":"at","expires_in":1,"id_token":"e30.!.x"}"#;
    let (result, _, _) = browse(ends_with("code=c"), |_| vec![says(200, broken)]).await;
    assert_eq!(kind(result), Kind::Authentication);
    let list: Change = |claims| drop(claims.insert("aud".to_owned(), vec!["other", CLIENT].into()));
    let (result, _, _) = browse(ends_with("code=c"), |pages| vec![id_token(pages, list)]).await;
    assert!(result.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_may_have_arrived_is_never_sent_again() {
    for (step, expected) in [(lost(true), Kind::ConnectionLost), (says(503, "{}"), Kind::Service)] {
        let (result, script, _) = browse(ends_with("code=c"), |_| vec![step]).await;
        assert_eq!((kind(result), script.count()), (expected, 1));
    }
    let (result, script, _) = browse(ends_with("code=c"), |_| vec![lost(false), says(200, TOKENS)]).await;
    assert_eq!((result.is_ok(), script.count()), (true, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_error_shows_the_code_or_the_verifier() {
    let refusal = r#"{"error":"invalid_grant","error_description":"AADSTS70008: expired","error_codes":[70008]}"#;
    for step in [lost(true), says(400, refusal), says(200, "{}")] {
        let (result, script, pages) = browse(ends_with("code=0.canary-code"), |_| vec![step]).await;
        let shown = format!("{:?} {pages:?}", result.and_then(|g| g.grant().map(|_| ())).unwrap_err());
        let form = script.form(0);
        assert!(!shown.contains(CODE) && !shown.contains(&form["code_verifier"]), "{shown}");
    }
}

/// Signs in at once.
#[derive(Debug)]
struct Fallback;
impl SignIn for Fallback {
    fn kind(&self) -> &'static str {
        "fallback"
    }
    fn sign_in<'a>(&'a self, wire: &'a Wire, client: &'a PublicClient, wanted: &'a Wanted) -> BoxFuture<'a, Result<entra::Granted>> {
        Box::pin(client.ask(wire, wanted, &[("grant_type", "fallback")], false))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_opens_the_next_way_takes_over_at_once() {
    let began = Instant::now();
    let pages = Pages::default();
    let script = Script::of(vec![says(200, TOKENS)]);
    let way = Browser { fallback: Some(Arc::new(Fallback)), ..Browser::new(tester(None, &pages)) };
    way.sign_in(&script.wire(), &client(), &wanted()).await.unwrap();
    assert_eq!(script.form(0)["grant_type"], "fallback");
    let (result, _, pages) = browse(None, |_| vec![]).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), pages.len()), (Kind::InteractionRequired, 1));
    assert!(hint(&error).contains("paste") && hint(&error).contains("device-code"), "{}", hint(&error));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_another_reason_to_go_on() {
    let held = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let redirect = Redirect::parse(&format!("http://localhost:{}", held.local_addr().unwrap().port())).unwrap();
    let script = Script::of(vec![says(200, TOKENS)]);
    let way = Browser { redirect, ..Browser::new(tester(None, &Pages::default())) };
    assert_eq!(kind(way.sign_in(&script.wire(), &client(), &wanted()).await), Kind::CredentialUnavailable);
    let way = Browser { fallback: Some(Arc::new(Fallback)), ..way };
    assert!(way.sign_in(&script.wire(), &client(), &wanted()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_does_not_come_is_not_waited_for_forever() {
    let script = Script::of(vec![]);
    let clock = VirtualClock::shared();
    let way = Browser::new(tester(Some(Box::new(|_| ())), &Pages::default()));
    let error = way.sign_in(&Wire::over(script, clock.clone()), &client(), &wanted()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InteractionRequired);
    assert_eq!(error.to_string(), "nobody signed in within 300 s");
    assert_eq!(clock.monotonic(), Duration::from_secs(300));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_is_given_up_closes_its_sockets() {
    let (send, opened) = std::sync::mpsc::channel();
    let browser: Talk = Box::new(move |page| send.send(Url::parse(&page.redirect_uri).unwrap().port().unwrap()).unwrap());
    let way = Browser::new(tester(Some(browser), &Pages::default()));
    let wire = Script::of(vec![]).wire();
    let waiting = tokio::spawn(async move { way.sign_in(&wire, &client(), &wanted()).await.map(|_| ()) });
    let port = tokio::task::spawn_blocking(move || opened.recv().unwrap()).await.unwrap();
    let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|e| e.kind()).map(drop);
    assert_eq!(connect(), Ok(()));
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(connect(), Err(std::io::ErrorKind::ConnectionRefused));
}

#[derive(Debug)]
struct Pasted {
    result: Result<entra::Granted>,
    notes: Vec<Option<String>>,
    script: Arc<Script>,
    pages: Vec<SignInPage>,
}

async fn paste(redirect: Option<&str>, pastes: Vec<Pasting>) -> Pasted {
    let pages = Pages::default();
    let person = Arc::new(Tester { pastes: Mutex::new(pastes.into()), pages: pages.clone(), ..Tester::default() });
    let way = Paste::new(person.clone());
    let way = match redirect {
        Some(uri) => way.redirect_to(uri).unwrap(),
        None => way,
    };
    let script = Script::of(vec![says(200, TOKENS)]);
    let result = way.sign_in(&script.wire(), &client(), &wanted()).await;
    assert!(person.pastes.lock().unwrap().is_empty(), "asked less often than expected");
    let pages = pages.lock().unwrap().clone();
    Pasted { result, notes: pages.iter().map(|p| p.note.clone()).collect(), script, pages }
}

/// What is pasted, with `STATE` and `LANDING` filled in.
fn text(text: &'static str) -> Pasting {
    Box::new(move |page| text.replace("STATE", &query(page)["state"]).replace("LANDING", &page.redirect_uri))
}

const WHOLE: &str = "LANDING?code=0.canary-code&state=STATE&session_state=x";

#[tokio::test]
async fn a_pasted_address_signs_in() {
    let pasted = paste(None, vec![text(WHOLE)]).await;
    pasted.result.unwrap();
    let (page, form) = (&pasted.pages[0], pasted.script.form(0));
    assert_eq!(page.redirect_uri, "https://login.microsoftonline.com/common/oauth2/nativeclient");
    assert_eq!((query(page)["response_mode"].as_str(), &query(page)["redirect_uri"]), ("query", &page.redirect_uri));
    assert_eq!((form["code"].as_str(), &form["redirect_uri"]), (CODE, &page.redirect_uri));
    assert_eq!(form["code_verifier"].len(), VERIFIER_LENGTH);
}

#[tokio::test]
async fn what_stands_around_a_pasted_address_does_no_harm() {
    for around in [
        " \r\n\tLANDING?code=0.canary-code&state=STATE \n",
        "\"LANDING?code=0.canary-code&state=STATE\"",
        "<LANDING?code=0.canary-code&state=STATE>",
        "'LANDING?state=STATE&code=0.canary-code#'",
        "HTTPS://LOGIN.microsoftonline.com/common/oauth2/nativeclient?code=0.canary-code&state=STATE",
    ] {
        let pasted = paste(None, vec![text(around)]).await;
        assert!(pasted.result.is_ok(), "{around}: {pasted:?}");
        assert_eq!(pasted.script.form(0)["code"], CODE);
    }
    for local in ["http://localhost/?code=c&state=STATE", "http://localhost:8400?code=c&state=STATE"] {
        assert!(paste(Some("http://localhost"), vec![text(local)]).await.result.is_ok(), "{local}");
    }
}

#[tokio::test]
async fn what_is_not_the_whole_address_is_explained_and_asked_for_again() {
    for (wrong, expected) in [
        ("", "that is no address"),
        ("0.canary-code", "a code alone"),
        ("code=0.canary-code&state=STATE", "a code alone"),
        ("LANDING?code=0.canary-code&state=other", "from another sign-in"),
        ("LANDING?code=0.canary-code", "from another sign-in"),
        ("LANDING?state=STATE", "no code in it"),
        ("LANDING#code=0.canary-code&state=STATE", "behind a #"),
        ("LANDING?state=STATE&co\nde=0.canary-code", "a line break inside"),
        ("https://evil.example/common/oauth2/nativeclient?code=0.canary-code&state=STATE", "another page's address"),
        ("https://login.microsoftonline.com.evil.example/common/oauth2/nativeclient?code=c&state=STATE", "another page's address"),
        ("https://login.microsoftonline.com@evil.example/common/oauth2/nativeclient?code=c&state=STATE", "another page's address"),
        ("https://evil@login.microsoftonline.com/common/oauth2/nativeclient?code=c&state=STATE", "another page's address"),
        ("https://login.microsoftonline.com:444/common/oauth2/nativeclient?code=c&state=STATE", "another page's address"),
        ("http://login.microsoftonline.com/common/oauth2/nativeclient?code=c&state=STATE", "another page's address"),
        ("LANDINGs?code=c&state=STATE", "another page's address"),
    ] {
        let pasted = paste(None, vec![text(wrong), text(WHOLE)]).await;
        assert!(pasted.result.is_ok(), "{wrong}");
        assert!(pasted.notes[0].is_none() && pasted.notes[1].as_deref().unwrap().contains(expected), "{wrong}: {:?}", pasted.notes);
    }
}

#[tokio::test]
async fn three_useless_pastes_end_the_sign_in_without_showing_them() {
    let pasted = paste(None, vec![text("0.canary-code"), text("0.canary-code"), text("LANDING?code=0.canary-code")]).await;
    let error = pasted.result.unwrap_err();
    assert_eq!((error.kind(), pasted.script.count()), (Kind::InteractionRequired, 0));
    assert!(!format!("{error:?} {:?}", pasted.notes).contains(CODE));
}

#[tokio::test]
async fn a_refusal_in_the_pasted_address_ends_the_sign_in() {
    let pasted = paste(None, vec![text("LANDING?error=access_denied&error_description=no&state=STATE")]).await;
    let error = pasted.result.unwrap_err();
    assert_eq!((error.kind(), pasted.script.count()), (Kind::Authentication, 0));
    assert!(hint(&error).contains("declined"));
}

#[test]
fn an_address_to_end_on_is_checked_when_it_is_set() {
    let paste = || Paste::new(tester(None, &Pages::default()));
    for bad in ["x", "http://example.com", "https://u:p@example.com", "https://example.com/?a", "ftp://localhost"] {
        assert_eq!(kind(paste().redirect_to(bad)), Kind::Configuration, "{bad}");
    }
    assert!(paste().redirect_to("https://example.com/done").is_ok());
}

async fn by_password(tenant: &str, steps: Vec<Step>) -> (Result<entra::Granted>, Arc<Script>) {
    let authority = Authority::new("https://login.microsoftonline.com", tenant, false).unwrap();
    let script = Script::of(steps);
    let way = Password::new("u+1@contoso.com", Secret::new("canary-p&ss")).unwrap();
    let result = way.sign_in(&script.wire(), &PublicClient::new(authority, CLIENT).unwrap(), &wanted()).await;
    assert!(script.steps.lock().unwrap().is_empty(), "fewer requests than the script has");
    (result, script)
}

const WRONG: &str = r#"{"error":"invalid_grant","error_description":"AADSTS50126: wrong","error_codes":[50126]}"#;

#[tokio::test]
async fn a_password_is_posted_and_nothing_is_asked_before() {
    let (result, script) = by_password(TENANT, vec![says(200, TOKENS)]).await;
    result.unwrap();
    let form = script.form(0);
    let field = |name: &str| form[name].as_str();
    assert_eq!((field("grant_type"), field("username"), field("password")), ("password", "u+1@contoso.com", "canary-p&ss"));
    assert_eq!((field("client_id"), field("client_info")), (CLIENT, "1"));
    assert_eq!(field("scope"), "https://graph.microsoft.com/.default openid profile offline_access");
    assert_eq!(form.len(), 6);
    let asked = script.asked.lock().unwrap();
    assert_eq!(asked[0].headers["x-anchormailbox"], "UPN:u+1@contoso.com");
}

#[tokio::test]
async fn a_wrong_password_is_told_from_one_that_is_kept_elsewhere() {
    let (result, script) = by_password(TENANT, vec![says(400, WRONG), says(200, r#"{"account_type":"Managed"}"#)]).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), hint(&error)), (Kind::Authentication, "user name or password is wrong"));
    let asked = std::mem::take(&mut *script.asked.lock().unwrap());
    let url = "https://login.microsoftonline.com/common/userrealm/u%2B1%40contoso.com?api-version=1.0";
    assert_eq!((asked[1].method.as_str(), asked[1].url.as_str(), asked[1].body.is_none()), ("GET", url, true));

    let realm = r#"{"account_type":"Federated","domain_name":"contoso.com"}"#;
    let (result, _) = by_password(TENANT, vec![says(400, WRONG), says(200, realm)]).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), Kind::InteractionRequired);
    assert!(hint(&error).contains("contoso.com") && hint(&error).contains("browser"), "{}", hint(&error));
    assert!(!format!("{error:?}").contains("canary"));
}

#[tokio::test]
async fn an_explanation_that_cannot_be_had_changes_nothing() {
    for step in [lost(true), says(500, "{}"), says(200, "[]")] {
        let (result, _) = by_password(TENANT, vec![says(400, WRONG), step]).await;
        assert_eq!(kind(result), Kind::Authentication);
    }
}

#[tokio::test]
async fn a_second_factor_takes_another_way_to_sign_in() {
    let by_policy = r#"{"error":"invalid_grant","suberror":"basic_action","error_description":"AADSTS50076: MFA","error_codes":[50076]}"#;
    for refusal in [by_policy, r#"{"error":"interaction_required","error_description":"MFA","claims":"{}"}"#] {
        let (result, script) = by_password(TENANT, vec![says(400, refusal)]).await;
        let error = result.unwrap_err();
        assert_eq!((error.kind(), script.count()), (Kind::InteractionRequired, 1));
        assert!(hint(&error).contains("browser") && hint(&error).contains("device-code"), "{}", hint(&error));
    }
}

#[tokio::test]
async fn public_client_flows_that_are_off_are_named() {
    let refusal = r#"{"error":"invalid_client","error_description":"AADSTS7000218: body","error_codes":[7000218]}"#;
    let (result, script) = by_password(TENANT, vec![says(401, refusal)]).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), script.count()), (Kind::Authentication, 1));
    assert!(hint(&error).contains("Allow public client flows"));
}

#[tokio::test]
async fn a_password_is_sent_to_no_tenant_that_cannot_take_it() {
    for tenant in ["common", "consumers"] {
        let (result, _) = by_password(tenant, vec![]).await;
        assert_eq!(kind(result), Kind::Configuration);
    }
    assert!(by_password("organizations", vec![says(200, TOKENS)]).await.0.is_ok());
    for (name, password) in [("", "p"), (" ", "p"), ("a\nb", "p"), ("u", "")] {
        assert_eq!(kind(Password::new(name, Secret::new(password))), Kind::Configuration);
    }
}

/// Keeps what is warned of.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Message<'a>(&'a mut Vec<String>);
        impl tracing::field::Visit for Message<'_> {
            fn record_debug(&mut self, _: &tracing::field::Field, value: &dyn fmt::Debug) {
                self.0.push(format!("{value:?}"));
            }
        }
        event.record(&mut Message(&mut self.0.lock().unwrap()));
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn a_password_is_warned_of_once() {
    let warnings = Warnings::default();
    let way = Password::new("u@contoso.com", Secret::new("canary")).unwrap();
    let script = Script::of(vec![says(200, TOKENS), says(200, TOKENS)]);
    tracing::subscriber::with_default(warnings.clone(), || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for _ in 0..2 {
            runtime.block_on(way.sign_in(&script.wire(), &client(), &wanted())).unwrap();
        }
    });
    let warned = warnings.0.lock().unwrap();
    assert!(matches!(warned.as_slice(), [one] if one.contains("deprecated") && !one.contains("canary")), "{warned:?}");
}

fn app(secret: &str) -> App<Secret> {
    let authority = Authority::new("https://login.microsoftonline.com", TENANT, false).unwrap();
    App::new(authority, CLIENT, Secret::new(secret)).unwrap()
}

fn on_behalf_of(secret: &str, assertion: &str) -> Result<OnBehalfOf<Secret>> {
    OnBehalfOf::new(app(secret), Secret::new(assertion))
}

#[tokio::test]
async fn an_application_acts_for_the_user_who_called_it() {
    let script = Script::of(vec![says(200, TOKENS)]);
    let wanted = Wanted { scopes: vec!["https://graph.microsoft.com/User.Read".to_owned()], cae: true, ..wanted() };
    on_behalf_of("s", "user-token").unwrap().acquire(&script.wire(), &wanted).await.unwrap();
    let expected = [
        ("client_id", CLIENT),
        ("client_secret", "s"),
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", "user-token"),
        ("requested_token_use", "on_behalf_of"),
        ("scope", "https://graph.microsoft.com/User.Read"),
        ("claims", r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#),
    ];
    assert_eq!(script.form(0), expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
}

#[test]
fn tokens_of_two_users_are_never_shared() {
    let fingerprint = |secret, assertion| on_behalf_of(secret, assertion).unwrap().fingerprint().unwrap();
    assert_eq!(fingerprint("s", "a"), fingerprint("s", "a"));
    assert_ne!(fingerprint("s", "a"), fingerprint("s", "b"));
    assert_ne!(fingerprint("s", "a"), fingerprint("t", "a"));
    assert_ne!(fingerprint("s", "a"), app("s").fingerprint().unwrap());
    for bad in ["", "Bearer x", "a\nb"] {
        assert_eq!(kind(on_behalf_of("s", bad)), Kind::Configuration, "{bad:?}");
    }
}

#[tokio::test]
async fn what_the_user_has_to_prove_is_handed_on() {
    let refusal = r#"{"error":"interaction_required","error_description":"AADSTS50076: MFA","claims":"{\"access_token\":{}}"}"#;
    let script = Script::of(vec![says(400, refusal)]);
    let error = on_behalf_of("s", "canary-token").unwrap().acquire(&script.wire(), &wanted()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InteractionRequired);
    assert_eq!(error.facts().details["claims"].as_str(), Some(r#"{"access_token":{}}"#));
    assert!(hint(&error).contains("WWW-Authenticate"), "{}", hint(&error));
    assert!(!format!("{error:?}").contains("canary"));
}
