//! An application that proves itself by an assertion which somebody else signs: a cluster, a build service, the user's own code.
//!
//! Nothing of it is kept: an assertion lives for minutes, so one is fetched for each token request, which happens once an hour.

use super::{
    Ask, Proof, Wire,
    app::{assertion_fields, digest},
    authority::check_scheme,
    entra,
};
use crate::{
    clock::BoxFuture,
    error::{Error, Kind, Result},
    ops::model::Safety,
    request::Request,
    secret::{self, Secret},
};
use http::{HeaderValue, Method, header};
use std::{
    fmt,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use url::Url;

/// No assertion is longer than this, with all that may stand around it.
const MAX_FILE: u64 = 1 << 20;
/// Whom an assertion for Entra ID is for, unless the application says otherwise.
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// Where assertions come from.
pub trait AssertionSource: Send + Sync + fmt::Debug {
    /// A word for messages, such as `GitHub Actions`.
    fn kind(&self) -> &'static str;

    /// What is the same for two sources only if they speak for the same application; `None` if that is never known.
    fn fingerprint(&self) -> Option<[u8; 32]> {
        None
    }

    /// A new assertion, for one request.
    fn assertion<'a>(&'a self, wire: &'a Wire, ask: &'a Ask<'a>) -> BoxFuture<'a, Result<Secret>>;

    /// After a refusal: whether another assertion lies ready now.
    fn reload(&self) -> bool {
        false
    }
}

/// Proof by assertion.
#[derive(Debug)]
pub struct ClientAssertion<S = Arc<dyn AssertionSource>>(S);

impl<S: AssertionSource> ClientAssertion<S> {
    /// Proof by what the source gives.
    pub fn new(source: S) -> ClientAssertion<S> {
        ClientAssertion(source)
    }
}

impl AssertionSource for Arc<dyn AssertionSource> {
    fn kind(&self) -> &'static str {
        (**self).kind()
    }

    fn fingerprint(&self) -> Option<[u8; 32]> {
        (**self).fingerprint()
    }

    fn assertion<'a>(&'a self, wire: &'a Wire, ask: &'a Ask<'a>) -> BoxFuture<'a, Result<Secret>> {
        (**self).assertion(wire, ask)
    }

    fn reload(&self) -> bool {
        (**self).reload()
    }
}

impl<S: AssertionSource> Proof for ClientAssertion<S> {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn fingerprint(&self) -> Option<[u8; 32]> {
        self.0.fingerprint()
    }

    fn fields<'a>(&'a self, wire: &'a Wire, ask: &'a Ask<'a>) -> BoxFuture<'a, Result<Vec<(&'static str, Secret)>>> {
        Box::pin(async move { assertion_fields(self.0.assertion(wire, ask).await?) })
    }

    fn reload(&self) -> bool {
        self.0.reload()
    }
}

/// A file that somebody keeps writing fresh assertions into, as Kubernetes does: workload identity.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
    /// The digest of what was read last.
    last: Mutex<Option<[u8; 32]>>,
}

impl TokenFile {
    /// The file's path, which is in `AZURE_FEDERATED_TOKEN_FILE`.
    pub fn new(path: impl Into<PathBuf>) -> TokenFile {
        TokenFile { path: path.into(), last: Mutex::new(None) }
    }

    /// Reads it; tells whether there was something else in it the last time.
    fn read(&self) -> Result<(Secret, bool)> {
        let token = read(&self.path)?;
        let now = Some(digest(&[token.expose().as_bytes()]));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = *last != now;
        *last = now;
        Ok((token, changed))
    }
}

fn read(path: &Path) -> Result<Secret> {
    let cannot = |e: std::io::Error| {
        Error::new(Kind::CredentialUnavailable, format!("the token file {} cannot be read: {e}", path.display()))
            .hint("AZURE_FEDERATED_TOKEN_FILE names it; in Kubernetes the pod needs the label azure.workload.identity/use: \"true\"")
    };
    let wrong = |what: &str| {
        Error::setting("token_file_path", format!("{} {what}", path.display()))
            .hint("it is the file that AZURE_FEDERATED_TOKEN_FILE names, with one token inside")
    };
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(wrong("is no file"));
    }
    let mut text = zeroize::Zeroizing::new(Vec::with_capacity(64 << 10));
    File::open(path).map_err(cannot)?.take(MAX_FILE + 1).read_to_end(&mut text).map_err(cannot)?;
    if text.len() as u64 > MAX_FILE {
        return Err(wrong("is larger than 1 MiB"));
    }
    let token = std::str::from_utf8(&text).map_err(|_| wrong("holds no text"))?;
    Ok(Secret::new(token.trim()))
}

impl AssertionSource for TokenFile {
    fn kind(&self) -> &'static str {
        "workload identity"
    }

    fn fingerprint(&self) -> Option<[u8; 32]> {
        Some(digest(&[self.path.as_os_str().as_encoded_bytes()]))
    }

    fn assertion<'a>(&'a self, _: &'a Wire, _: &'a Ask<'a>) -> BoxFuture<'a, Result<Secret>> {
        Box::pin(async move { Ok(self.read()?.0) })
    }

    fn reload(&self) -> bool {
        self.read().is_ok_and(|(_, changed)| changed)
    }
}

/// The identity that GitHub gives to a job of a workflow.
#[derive(Debug)]
pub struct GitHubActions {
    question: Question,
}

impl GitHubActions {
    /// From `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`, which a job has that may ask for tokens.
    pub fn new(request_url: Option<&str>, request_token: Option<Secret>, audience: Option<&str>) -> Result<GitHubActions> {
        let remedy = "give the job the permission: permissions: id-token: write";
        let (url, bearer) = (
            present("ACTIONS_ID_TOKEN_REQUEST_URL", request_url, remedy)?,
            present("ACTIONS_ID_TOKEN_REQUEST_TOKEN", request_token.as_ref().map(Secret::expose), remedy)?,
        );
        let mut url = endpoint("ACTIONS_ID_TOKEN_REQUEST_URL", url)?;
        url.query_pairs_mut().append_pair("audience", audience.unwrap_or(AUDIENCE));
        let authorization = authorization("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "bearer", bearer)?;
        Ok(GitHubActions { question: Question { who: "GitHub", method: Method::GET, url, authorization, member: "value", remedy } })
    }
}

impl AssertionSource for GitHubActions {
    fn kind(&self) -> &'static str {
        "GitHub Actions"
    }

    fn assertion<'a>(&'a self, wire: &'a Wire, _: &'a Ask<'a>) -> BoxFuture<'a, Result<Secret>> {
        Box::pin(self.question.ask(wire))
    }
}

/// The identity that Azure DevOps gives to a job that uses a service connection.
#[derive(Debug)]
pub struct AzurePipelines {
    question: Question,
}

impl AzurePipelines {
    /// From `SYSTEM_OIDCREQUESTURI`, the id of the service connection and the job's own token (`System.AccessToken`).
    pub fn new(request_url: Option<&str>, service_connection_id: &str, system_access_token: Option<Secret>) -> Result<AzurePipelines> {
        let remedy = "map the job's token into the step (env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)), and allow the pipeline to use the \
                      service connection, which has to be one with workload identity federation";
        let (url, bearer) = (
            present("SYSTEM_OIDCREQUESTURI", request_url, "it is set by Azure Pipelines, in jobs only")?,
            present("SYSTEM_ACCESSTOKEN", system_access_token.as_ref().map(Secret::expose), remedy)?,
        );
        let id = service_connection_id.trim();
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
            let what = format!("{service_connection_id:?} is no GUID; the id stands in the address of the service connection's page");
            return Err(Error::setting("service_connection_id", what));
        }
        let mut url = endpoint("SYSTEM_OIDCREQUESTURI", url)?;
        url.query_pairs_mut().append_pair("api-version", "7.1").append_pair("serviceConnectionId", id);
        let authorization = authorization("SYSTEM_ACCESSTOKEN", "Bearer", bearer)?;
        Ok(AzurePipelines {
            question: Question { who: "Azure DevOps", method: Method::POST, url, authorization, member: "oidcToken", remedy },
        })
    }
}

impl AssertionSource for AzurePipelines {
    fn kind(&self) -> &'static str {
        "Azure Pipelines"
    }

    fn assertion<'a>(&'a self, wire: &'a Wire, _: &'a Ask<'a>) -> BoxFuture<'a, Result<Secret>> {
        Box::pin(self.question.ask(wire))
    }
}

/// A value from the environment that has to be there. An empty one is none.
fn present<'a>(variable: &str, value: Option<&'a str>, remedy: &str) -> Result<&'a str> {
    value
        .map(str::trim)
        .filter(|v| !v.is_empty())
        .ok_or_else(|| Error::new(Kind::CredentialUnavailable, format!("{variable} is not set")).hint(remedy))
}

/// The address that a bearer token is sent to.
fn endpoint(variable: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text).map_err(|_| Error::setting(variable, "is no URL").hint("the build service sets it; leave it as it is"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::setting(variable, "has user info").hint("the build service sets it; leave it as it is"));
    }
    let mut bare = url.clone();
    bare.set_query(None);
    check_scheme(&bare, variable)?;
    Ok(url)
}

fn authorization(variable: &str, scheme: &str, bearer: &str) -> Result<HeaderValue> {
    let value = HeaderValue::from_str(&format!("{scheme} {bearer}")).ok().filter(|_| super::is_token(bearer));
    let mut value = value.ok_or_else(|| Error::setting(variable, "is no token").hint("the build service sets it; leave it as it is"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What is asked of a build service.
#[derive(Debug)]
struct Question {
    who: &'static str,
    method: Method,
    url: Url,
    /// Its `Debug` says that it is sensitive, and nothing else.
    authorization: HeaderValue,
    /// The answer's member that holds the assertion.
    member: &'static str,
    remedy: &'static str,
}

impl Question {
    async fn ask(&self, wire: &Wire) -> Result<Secret> {
        let (answer, tries) = entra::exchange(wire, &self.url, Safety::Idempotent, || self.request(wire)).await?;
        let status = answer.status;
        if (400..500).contains(&status) && status != 429 {
            let message = format!("{} gives this job no identity token: it answered with status {status}", self.who);
            return Err(Error::new(Kind::Authentication, message).hint(self.remedy).with(|f| {
                f.status = Some(status);
                f.attempts = tries;
                f.method = Some(self.method.to_string());
                f.url = Some(secret::shown(&self.url));
            }));
        }
        let granted = entra::read(wire, answer, &self.url, tries)
            .and_then(|reply| reply.accept(&self.url).map_err(|r| r.error))
            .map_err(|e| if e.facts().hint.is_none() { e.hint(self.remedy) } else { e })?;
        granted
            .secret(self.member)
            .ok_or_else(|| Error::new(Kind::BadResponse, format!("{}'s answer holds no {:?}", self.who, self.member)).hint(self.remedy))
    }

    fn request(&self, wire: &Wire) -> Request {
        let mut request = Request::new(self.method.clone(), self.url.clone());
        let headers = &mut request.headers;
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Ok(name) = HeaderValue::from_str(&wire.user_agent) {
            headers.insert(header::USER_AGENT, name);
        }
        if self.method == Method::POST {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert("x-tfs-fedauthredirect", HeaderValue::from_static("Suppress"));
            request.body = Some(bytes::Bytes::new());
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::{App, Authority, Credential, Wanted},
        clock::{Clock, VirtualClock},
        pipeline::transport::{Answer, Failure, Transport},
    };
    use std::{collections::VecDeque, sync::Arc, time::Duration};

    const GITHUB: &str = "https://runner.example/token?api-version=2.0";
    const CONNECTION: &str = "11111111-2222-3333-4444-555555555555";
    const GRANTED: &str = r#"{"access_token":"at","expires_in":3600}"#;

    type Step = (u16, &'static str);

    #[derive(Debug)]
    struct Script {
        steps: Mutex<VecDeque<Step>>,
        sent: Mutex<Vec<Request>>,
    }

    impl Transport for Script {
        fn send(&self, request: Request, _: Duration) -> BoxFuture<'_, Result<Answer, Failure>> {
            self.sent.lock().unwrap().push(request);
            let (status, body) = self.steps.lock().unwrap().pop_front().expect("more requests than the script has");
            Box::pin(async move { Ok(Answer { status, headers: http::HeaderMap::new(), body: body.into() }) })
        }
    }

    /// Signs in over a script; gives the result and what was sent.
    async fn sign_in(source: impl AssertionSource + 'static, steps: &[Step]) -> (Result<String>, Vec<Request>) {
        let source: Arc<dyn AssertionSource> = Arc::new(source);
        let app = app(ClientAssertion::new(source));
        sign_in_as(&app, steps).await
    }

    fn app<P: Proof>(proof: P) -> App<P> {
        App::new(Authority::new("login.microsoftonline.com", CONNECTION, false).unwrap(), "app", proof).unwrap()
    }

    async fn sign_in_as<P: Proof>(app: &App<P>, steps: &[Step]) -> (Result<String>, Vec<Request>) {
        let script = Arc::new(Script { steps: Mutex::new(steps.iter().copied().collect()), sent: Mutex::default() });
        let clock: Arc<dyn Clock> = VirtualClock::shared();
        let result = app.acquire(&Wire::over(script.clone(), clock), &Wanted::audience("https://a.example")).await;
        assert!(script.steps.lock().unwrap().is_empty(), "fewer requests than the script has");
        let sent = std::mem::take(&mut *script.sent.lock().unwrap());
        (result.map(|g| g.token.expose().to_owned()), sent)
    }

    fn header<'a>(request: &'a Request, name: &str) -> &'a str {
        request.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
    }

    fn assertion(request: &Request) -> String {
        let form = request.body.clone().unwrap();
        let find = |name: &str| url::form_urlencoded::parse(&form).find(|(k, _)| k == name).map(|(_, v)| v.into_owned());
        assert_eq!(find("client_assertion_type").as_deref(), Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
        assert_eq!((find("client_id").as_deref(), find("client_secret")), (Some("app"), None));
        find("client_assertion").unwrap()
    }

    fn github() -> GitHubActions {
        GitHubActions::new(Some(GITHUB), Some(Secret::new("canary-bearer")), None).unwrap()
    }

    fn pipelines() -> AzurePipelines {
        AzurePipelines::new(Some("https://dev.azure.example/o/_apis/oidctoken"), CONNECTION, Some(Secret::new("canary-bearer"))).unwrap()
    }

    #[tokio::test]
    async fn github_is_asked_for_an_assertion_before_each_sign_in() {
        let app = app(ClientAssertion::new(github()));
        for assertion_given in [r#"{"value":"a.b.c"}"#, r#"{"value":"d.e.f"}"#] {
            let (token, sent) = sign_in_as(&app, &[(200, assertion_given), (200, GRANTED)]).await;
            assert_eq!(token.unwrap(), "at");
            assert_eq!(sent[0].method, Method::GET);
            assert_eq!(sent[0].url.as_str(), format!("{GITHUB}&audience=api%3A%2F%2FAzureADTokenExchange"));
            assert_eq!(header(&sent[0], "authorization"), "bearer canary-bearer");
            assert!(sent[0].headers["authorization"].is_sensitive() && sent[0].body.is_none());
            assert!(!sent[1].headers.contains_key("authorization"), "the bearer token goes nowhere else");
            assert!(assertion_given.contains(&assertion(&sent[1])));
        }
    }

    #[tokio::test]
    async fn azure_devops_is_asked_as_it_wants_to_be() {
        let (token, sent) = sign_in(pipelines(), &[(200, r#"{"oidcToken":"a.b.c"}"#), (200, GRANTED)]).await;
        assert_eq!(token.unwrap(), "at");
        assert_eq!(sent[0].method, Method::POST);
        assert_eq!(
            sent[0].url.as_str(),
            format!("https://dev.azure.example/o/_apis/oidctoken?api-version=7.1&serviceConnectionId={CONNECTION}")
        );
        assert_eq!(header(&sent[0], "authorization"), "Bearer canary-bearer");
        assert_eq!((header(&sent[0], "x-tfs-fedauthredirect"), header(&sent[0], "content-type")), ("Suppress", "application/json"));
        assert_eq!(assertion(&sent[1]), "a.b.c");
    }

    #[tokio::test]
    async fn a_refusal_names_the_permission_and_what_passes_is_repeated() {
        let (error, sent) = sign_in(github(), &[(503, ""), (429, ""), (403, "<html>")]).await;
        let error = error.unwrap_err();
        assert_eq!((error.kind(), sent.len(), error.facts().attempts), (Kind::Authentication, 3, 3));
        assert!(error.facts().hint.as_deref().unwrap().contains("id-token: write"));
        let (error, _) = sign_in(pipelines(), &[(203, "<html>sign in</html>")]).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), Kind::BadResponse);
        assert!(error.facts().hint.as_deref().unwrap().contains("SYSTEM_ACCESSTOKEN"));
        for (answer, kind) in [
            ((302, ""), Kind::BadResponse),
            ((200, r#"{"oidcToken":""}"#), Kind::BadResponse),
            ((200, r#"{"value":"a"}"#), Kind::BadResponse),
            ((200, r#"{"oidcToken":"a b"}"#), Kind::Authentication),
        ] {
            let (error, sent) = sign_in(pipelines(), &[answer]).await;
            assert_eq!((error.unwrap_err().kind(), sent.len()), (kind, 1), "{answer:?}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let secret = || Some(Secret::new("canary-bearer"));
        for (error, variable) in [
            (GitHubActions::new(None, secret(), None).unwrap_err(), "ACTIONS_ID_TOKEN_REQUEST_URL"),
            (GitHubActions::new(Some(" "), secret(), None).unwrap_err(), "ACTIONS_ID_TOKEN_REQUEST_URL"),
            (GitHubActions::new(Some(GITHUB), None, None).unwrap_err(), "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
            (AzurePipelines::new(None, CONNECTION, secret()).unwrap_err(), "SYSTEM_OIDCREQUESTURI"),
            (AzurePipelines::new(Some(GITHUB), CONNECTION, None).unwrap_err(), "SYSTEM_ACCESSTOKEN"),
        ] {
            assert_eq!(error.kind(), Kind::CredentialUnavailable, "{error}");
            assert!(error.to_string().contains(variable) && error.facts().hint.is_some(), "{error}");
        }
    }

    #[test]
    fn a_bearer_token_goes_to_no_odd_address() {
        for url in
            ["http://runner.example/x", "https://u:p@runner.example/x", "ftp://runner.example", "runner", "http://127.0.0.1.evil.example"]
        {
            let error = GitHubActions::new(Some(url), Some(Secret::new("canary-bearer")), None).unwrap_err();
            assert_eq!(error.kind(), Kind::Configuration, "{url}");
        }
        assert!(GitHubActions::new(Some("http://127.0.0.1:80/x"), Some(Secret::new("t")), Some("other")).is_ok());
        assert!(GitHubActions::new(Some(GITHUB), Some(Secret::new("a\r\nb")), None).is_err());
        for id in ["", "x&y=1", "a/b"] {
            assert!(AzurePipelines::new(Some(GITHUB), id, Some(Secret::new("t"))).is_err(), "{id:?}");
        }
    }

    #[test]
    fn nothing_of_a_bearer_token_shows() {
        let shown = format!("{:?} {:?} {:?}", github(), pipelines(), app(ClientAssertion::new(github())));
        assert!(!shown.contains("canary"), "{shown}");
        let error = GitHubActions::new(Some(GITHUB), Some(Secret::new("canary\u{e9}")), None).unwrap_err();
        assert!(!format!("{error:?}").contains("canary"));
    }

    struct Scratch(PathBuf);
    impl Scratch {
        fn new() -> Scratch {
            Scratch(std::env::temp_dir().join(format!("xdrkit-{}", crate::clock::random_guid())))
        }
    }
    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[tokio::test]
    async fn a_token_file_is_read_for_each_request() {
        let file = Scratch::new();
        let app = app(ClientAssertion::new(TokenFile::new(&file.0)));
        for token in ["a.b.c", "d.e.f"] {
            std::fs::write(&file.0, format!("\n {token}\r\n")).unwrap();
            let (result, sent) = sign_in_as(&app, &[(200, GRANTED)]).await;
            assert_eq!(result.unwrap(), "at");
            assert_eq!(assertion(&sent[0]), token);
        }
        assert_ne!(app.fingerprint(), None);
    }

    #[tokio::test]
    async fn a_refused_token_file_is_asked_again_only_if_it_has_changed() {
        let refused = (401, r#"{"error":"invalid_client","error_description":"AADSTS700024: stale"}"#);
        let file = Scratch::new();
        let app = app(ClientAssertion::new(TokenFile::new(&file.0)));
        std::fs::write(&file.0, "a.b.c").unwrap();
        let (result, sent) = sign_in_as(&app, &[refused]).await;
        assert_eq!((result.unwrap_err().kind(), sent.len()), (Kind::Authentication, 1));
        let source = TokenFile::new(&file.0);
        assert!(source.read().unwrap().1);
        assert!(!source.reload());
        std::fs::write(&file.0, "d.e.f").unwrap();
        assert!(source.reload());
    }

    #[tokio::test]
    async fn a_token_file_that_is_of_no_use_is_named() {
        let file = Scratch::new();
        let missing = sign_in(TokenFile::new(&file.0), &[]).await.0.unwrap_err();
        assert_eq!(missing.kind(), Kind::CredentialUnavailable);
        assert!(missing.to_string().contains(file.0.to_str().unwrap()));
        for (content, kind) in [
            (b" \n".to_vec(), Kind::Authentication),
            (b"canary two".to_vec(), Kind::Authentication),
            (vec![b'x'; MAX_FILE as usize + 1], Kind::Configuration),
            (vec![0xff, 0xfe], Kind::Configuration),
        ] {
            std::fs::write(&file.0, content).unwrap();
            let error = sign_in(TokenFile::new(&file.0), &[]).await.0.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(!format!("{error:?}").contains("canary"));
        }
        let directory = sign_in(TokenFile::new(std::env::temp_dir()), &[]).await.0.unwrap_err();
        assert_eq!(directory.kind(), Kind::Configuration);
    }
}
