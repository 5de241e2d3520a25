//! Every platform over a scripted wire: what exactly goes out, what comes of each answer, and when.

use super::*;
use crate::{
    clock::{Clock, VirtualClock, epoch_seconds},
    error::Kind,
    json::object,
    pipeline::transport::{Answer, Failure, Transport},
    request::Request,
};
use http::{HeaderName, HeaderValue};
use std::{
    collections::{HashMap, VecDeque},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
const OBJECT: &str = "AAAAAAAA-2222-3333-4444-555555555555";
const RESOURCE: &str = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-1/providers/\
                        Microsoft.ManagedIdentity/userAssignedIdentities/hunter";
const ESCAPED: &str = "%2Fsubscriptions%2F11111111-2222-3333-4444-555555555555%2FresourceGroups%2Frg-1%2Fproviders%2F\
                       Microsoft.ManagedIdentity%2FuserAssignedIdentities%2Fhunter";
const AUDIENCE: &str = "https://api.securitycenter.microsoft.com";
const QUERY: &str = "resource=https%3A%2F%2Fapi.securitycenter.microsoft.com";
const CANARY: &str = "canary-of-the-environment";

fn client() -> Option<Identity> {
    Some(Identity::ClientId(CLIENT.into()))
}

fn object_id() -> Option<Identity> {
    Some(Identity::ObjectId(OBJECT.into()))
}

fn resource_id() -> Option<Identity> {
    Some(Identity::ResourceId(RESOURCE.into()))
}

type Step = Result<(u16, Vec<(&'static str, String)>, String), Failure>;

fn says(status: u16, body: &str) -> Step {
    Ok((status, vec![], body.to_owned()))
}

fn token() -> Step {
    says(200, r#"{"access_token":"t","expires_in":"86400","token_type":"Bearer"}"#)
}

fn lost(timeout: bool) -> Step {
    Err(Failure { sent: timeout, timeout, transient: true, limit: false, message: "connection refused".into() })
}

/// A way that answers by its script, and remembers what was sent when, and with how much patience.
#[derive(Debug)]
struct Script {
    steps: Mutex<VecDeque<Step>>,
    sent: Mutex<Vec<(f64, f64, Request)>>,
    clock: Arc<VirtualClock>,
}

impl Transport for Script {
    fn send(&self, request: Request, timeout: Duration) -> BoxFuture<'_, Result<Answer, Failure>> {
        self.sent.lock().unwrap().push((self.clock.monotonic().as_secs_f64(), timeout.as_secs_f64(), request));
        let step = self.steps.lock().unwrap().pop_front().expect("more requests than the script has");
        Box::pin(async move {
            if step.as_ref().is_err_and(|f| f.timeout) {
                self.clock.advance(timeout);
            }
            let (status, headers, body) = step?;
            let headers = headers.into_iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_str(&v).unwrap())).collect();
            Ok(Answer { status, headers, body: body.into() })
        })
    }
}

#[derive(Debug)]
struct NoProxy;

impl Transport for NoProxy {
    fn send(&self, _: Request, _: Duration) -> BoxFuture<'_, Result<Answer, Failure>> {
        panic!("asked by a way that may lead through a proxy")
    }
}

struct Run {
    result: Result<Grant>,
    sent: Vec<(f64, f64, Request)>,
}

impl Run {
    fn url(&self, n: usize) -> &str {
        self.sent[n].2.url.as_str()
    }

    fn header(&self, n: usize, name: &str) -> Option<&str> {
        self.sent[n].2.headers.get(name).map(|v| v.to_str().unwrap())
    }

    fn times(&self) -> Vec<f64> {
        self.sent.iter().map(|s| (s.0 * 10.0).round() / 10.0).collect()
    }

    /// The error; nowhere in it is a secret.
    fn error(&self) -> &Error {
        let error = self.result.as_ref().unwrap_err();
        assert!(!format!("{error:?} {error}").contains("canary"), "{error:?}");
        assert!(error.facts().hint.is_some() || error.kind() == Kind::BadResponse, "{error:?} does not say what to do");
        error
    }
}

fn environment(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + use<> {
    let pairs: HashMap<String, String> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    move |name| pairs.get(name).cloned()
}

const NOWHERE: Machine = Machine { agent: None, keys: None };

fn find(pairs: &[(&str, &str)], identity: Option<Identity>) -> Result<ManagedIdentity> {
    ManagedIdentity::on(&NOWHERE, &environment(pairs), identity)
}

async fn ask(credential: &ManagedIdentity, clock: Arc<VirtualClock>, steps: Vec<Step>) -> Run {
    ask_as(credential, clock, steps, false).await
}

/// The same where another way to sign in is waiting.
async fn ask_in_chain(credential: &ManagedIdentity, clock: Arc<VirtualClock>, steps: Vec<Step>) -> Run {
    ask_as(credential, clock, steps, true).await
}

async fn ask_as(credential: &ManagedIdentity, clock: Arc<VirtualClock>, steps: Vec<Step>, in_chain: bool) -> Run {
    let script = Arc::new(Script { steps: Mutex::new(steps.into()), sent: Mutex::default(), clock: clock.clone() });
    let wire = Wire { transport: Arc::new(NoProxy), in_chain, ..Wire::over(script.clone(), clock) };
    let result = credential.acquire(&wire, &Wanted::audience(AUDIENCE)).await;
    assert!(script.steps.lock().unwrap().is_empty(), "fewer requests than the script has: {result:?}");
    let sent = std::mem::take(&mut *script.sent.lock().unwrap());
    Run { result, sent }
}

async fn tried(pairs: &[(&str, &str)], identity: Option<Identity>, steps: Vec<Step>) -> Run {
    ask(&find(pairs, identity).unwrap(), VirtualClock::shared(), steps).await
}

const APP_SERVICE: &[(&str, &str)] = &[("IDENTITY_ENDPOINT", "http://127.0.0.1:41056/msi/token/"), ("IDENTITY_HEADER", CANARY)];
const AUTOMATION: &[(&str, &str)] = &[
    ("IDENTITY_ENDPOINT", "http://127.0.0.1:20072/oauth2/token"),
    ("IDENTITY_HEADER", CANARY),
    ("AZUREPS_HOST_ENVIRONMENT", "AzureAutomation/"),
];
const WORKER: &[(&str, &str)] = &[
    ("MSI_ENDPOINT", "http://localhost:20072/oauth2/token"),
    ("MSI_SECRET", CANARY),
    ("AUTOMATION_ASSET_ACCOUNTID", "77777777-2222-3333-4444-555555555555"),
];
const ML: &[(&str, &str)] = &[("MSI_ENDPOINT", "http://10.0.0.4:8911/v1/token/msi/xds?pdpEndpoint=x"), ("MSI_SECRET", CANARY)];
const ARC: &[(&str, &str)] =
    &[("IDENTITY_ENDPOINT", "http://localhost:40342/metadata/identity/oauth2/token"), ("IMDS_ENDPOINT", "http://localhost:40342")];
const CLOUD_SHELL: &[(&str, &str)] = &[("MSI_ENDPOINT", "http://localhost:50342/oauth2/token")];

#[test]
fn the_platform_is_told_by_its_variables() {
    let with = |pairs: &[(&'static str, &'static str)], more: &[(&'static str, &'static str)]| [pairs, more].concat();
    for (pairs, kind, found) in [
        (APP_SERVICE.to_vec(), "managed identity (App Service)", "IDENTITY_HEADER"),
        (with(APP_SERVICE, ML), "managed identity (App Service)", "IDENTITY_HEADER"),
        (with(APP_SERVICE, &[("IMDS_ENDPOINT", "http://localhost:40342")]), "managed identity (App Service)", "IDENTITY_HEADER"),
        (AUTOMATION.to_vec(), "managed identity (Azure Automation)", "AZUREPS_HOST_ENVIRONMENT"),
        (AUTOMATION[..2].to_vec(), "managed identity (Azure Automation)", "the endpoint's path"),
        (with(APP_SERVICE, &WORKER[2..]), "managed identity (Azure Automation)", "AUTOMATION_ASSET_ACCOUNTID"),
        (
            with(&[("IDENTITY_ENDPOINT", "http://localhost/metadata/identity/oauth2/token")], &AUTOMATION[1..]),
            "managed identity (Azure Automation)",
            "AZUREPS_HOST_ENVIRONMENT",
        ),
        (WORKER.to_vec(), "managed identity (Azure Automation hybrid worker)", "AUTOMATION_ASSET_ACCOUNTID"),
        (with(WORKER, ARC), "managed identity (Azure Automation hybrid worker)", "MSI_SECRET"),
        (with(AUTOMATION, WORKER), "managed identity (Azure Automation)", "IDENTITY_HEADER"),
        (ML.to_vec(), "managed identity (Azure ML)", "MSI_SECRET"),
        (ARC.to_vec(), "managed identity (Azure Arc)", "IMDS_ENDPOINT"),
        (with(ARC, CLOUD_SHELL), "managed identity (Azure Arc)", "IMDS_ENDPOINT"),
        (CLOUD_SHELL.to_vec(), "managed identity (Cloud Shell)", "without MSI_SECRET"),
        (with(CLOUD_SHELL, &[("MSI_SECRET", " ")]), "managed identity (Cloud Shell)", "without MSI_SECRET"),
        (
            vec![("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://10.0.0.9:2579")],
            "managed identity (IMDS)",
            "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        ),
        (vec![("IDENTITY_ENDPOINT", "http://127.0.0.1/")], "managed identity (IMDS)", "no variable"),
        (vec![("IDENTITY_HEADER", "")], "managed identity (IMDS)", "no variable"),
    ] {
        let credential = find(&pairs, None).unwrap();
        assert_eq!(credential.kind(), kind, "{pairs:?}");
        assert!(credential.place.found.contains(found), "{pairs:?}: {}", credential.place.found);
    }
}

#[test]
fn service_fabric_is_refused_by_name() {
    let pairs = [APP_SERVICE, &[("IDENTITY_SERVER_THUMBPRINT", "00")]].concat();
    let error = find(&pairs, None).unwrap_err();
    assert_eq!(error.kind(), Kind::CredentialUnavailable);
    assert!(error.to_string().contains("Service Fabric") && error.facts().hint.as_deref().unwrap().contains("azure.identity"));
}

#[test]
fn what_names_no_identity_is_refused() {
    for bad in ["", "hunter", "11111111222233334444555555555555", "11111111-2222-3333-4444-55555555555g"] {
        for identity in [Identity::ClientId(bad.into()), Identity::ObjectId(bad.into())] {
            assert_eq!(find(&[], Some(identity)).unwrap_err().kind(), Kind::Configuration, "{bad}");
        }
    }
    assert!(find(&[], resource_id()).is_ok());
    assert!(find(&[], Some(Identity::ResourceId(RESOURCE.to_uppercase()))).is_ok());
    for bad in [
        "",
        CLIENT,
        &RESOURCE[1..],
        &format!("{RESOURCE}/"),
        &RESOURCE.replace("hunter", ".."),
        &RESOURCE.replace("hunter", "a b"),
        &RESOURCE.replace("hunter", "x&resource=y"),
        &RESOURCE.replace("rg-1", ""),
        &RESOURCE.replace("userAssigned", ""),
    ] {
        let error = find(&[], Some(Identity::ResourceId(bad.to_owned()))).unwrap_err();
        assert!(error.to_string().starts_with("resource_id:"), "{bad}: {error}");
    }
}

#[test]
fn what_a_platform_would_ignore_or_cannot_be_sent_is_refused() {
    let lines = find(&[APP_SERVICE[0], ("IDENTITY_HEADER", "canary\nx")], None).unwrap_err();
    assert!(lines.to_string().starts_with("IDENTITY_HEADER:") && !format!("{lines:?}").contains("canary"), "{lines:?}");
    for (pairs, identity) in [
        (CLOUD_SHELL, client()),
        (CLOUD_SHELL, object_id()),
        (CLOUD_SHELL, resource_id()),
        (ML, object_id()),
        (ML, resource_id()),
        (WORKER, object_id()),
        (WORKER, resource_id()),
    ] {
        assert_eq!(find(pairs, identity.clone()).unwrap_err().kind(), Kind::Configuration, "{pairs:?} {identity:?}");
    }
}

#[tokio::test]
async fn app_service_is_asked_in_its_way() {
    for (identity, parameter) in [
        (None, String::new()),
        (client(), format!("&client_id={CLIENT}")),
        (object_id(), format!("&object_id={OBJECT}")),
        (resource_id(), format!("&mi_res_id={ESCAPED}")),
    ] {
        let run = tried(APP_SERVICE, identity, vec![token()]).await;
        assert_eq!(run.url(0), format!("http://127.0.0.1:41056/msi/token/?api-version=2019-08-01&{QUERY}{parameter}"));
        assert_eq!((run.header(0, "x-identity-header"), run.header(0, "metadata")), (Some(CANARY), Some("true")));
        assert_eq!((run.header(0, "secret"), run.header(0, "user-agent")), (None, Some("test")));
        assert_eq!((run.sent[0].2.method.as_str(), run.sent[0].2.body.as_ref()), ("GET", None));
        assert!(!format!("{:?}", run.sent[0].2.headers).contains("canary"));
        let grant = run.result.unwrap();
        assert_eq!((grant.token.expose(), grant.lifetime.as_secs(), grant.refresh_in), ("t", 86_400, None));
    }
}

#[tokio::test]
async fn a_runbook_is_asked_in_its_way() {
    let run = tried(AUTOMATION, None, vec![token()]).await;
    assert_eq!(run.url(0), format!("http://127.0.0.1:20072/oauth2/token?api-version=2019-08-01&{QUERY}"));
    assert_eq!((run.header(0, "x-identity-header"), run.header(0, "metadata")), (Some(CANARY), Some("True")));
    assert_eq!(run.header(0, "x-forwarded-for"), None);
    let run = tried(AUTOMATION, resource_id(), vec![token()]).await;
    assert!(run.url(0).ends_with(&format!("&mi_res_id={ESCAPED}")), "{}", run.url(0));

    let run = tried(WORKER, None, vec![token()]).await;
    assert_eq!(run.url(0), format!("http://localhost:20072/oauth2/token?{QUERY}"));
    assert_eq!((run.header(0, "secret"), run.header(0, "metadata")), (Some(CANARY), Some("true")));
    assert_eq!((run.header(0, "x-identity-header"), run.header(0, "x-forwarded-for")), (None, None));
    let run = tried(WORKER, client(), vec![token()]).await;
    assert!(run.url(0).ends_with(&format!("&client_id={CLIENT}")), "{}", run.url(0));
}

#[tokio::test]
async fn a_worker_that_knows_its_own_identity_only_is_explained() {
    let refused = "User assigned identity is currently not supported clientID must not be passed";
    for pairs in [AUTOMATION, WORKER] {
        let run = tried(pairs, client(), vec![says(400, refused)]).await;
        let error = run.error();
        assert_eq!(error.kind(), Kind::Authentication);
        assert!(error.to_string().contains("Azure Automation") && error.to_string().contains(refused), "{error}");
        assert!(error.facts().hint.as_deref().unwrap().contains("leave client_id away"), "{error:?}");
    }
}

#[tokio::test]
async fn azure_ml_is_asked_in_its_way() {
    let own = "http://10.0.0.4:8911/v1/token/msi/xds?pdpEndpoint=x&api-version=2017-09-01&";
    let run = tried(ML, None, vec![token()]).await;
    assert_eq!(run.url(0), format!("{own}{QUERY}"));
    assert_eq!((run.header(0, "secret"), run.header(0, "metadata"), run.header(0, "x-identity-header")), (Some(CANARY), None, None));
    let run = tried(ML, client(), vec![token()]).await;
    assert_eq!(run.url(0), format!("{own}{QUERY}&clientid={CLIENT}"));
    let default = [ML, &[("DEFAULT_IDENTITY_CLIENT_ID", CLIENT)]].concat();
    let run = tried(&default, None, vec![token()]).await;
    assert_eq!(run.url(0), format!("{own}{QUERY}&clientid={CLIENT}"));
    let run = tried(&[ML, &[("DEFAULT_IDENTITY_CLIENT_ID", "?")]].concat(), None, vec![token()]).await;
    assert_eq!(run.url(0), format!("{own}{QUERY}"));
}

#[tokio::test]
async fn cloud_shell_is_asked_in_its_way() {
    let run = tried(CLOUD_SHELL, None, vec![token()]).await;
    assert_eq!((run.url(0), run.sent[0].2.method.as_str()), ("http://localhost:50342/oauth2/token", "POST"));
    assert_eq!(run.sent[0].2.body.as_deref(), Some(QUERY.as_bytes()));
    assert_eq!(run.header(0, "content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!((run.header(0, "metadata"), run.header(0, "secret")), (Some("true"), None));
}

#[tokio::test]
async fn imds_is_asked_in_its_way() {
    let base = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&";
    for (identity, parameter) in [
        (None, String::new()),
        (client(), format!("&client_id={CLIENT}")),
        (object_id(), format!("&object_id={OBJECT}")),
        (resource_id(), format!("&msi_res_id={ESCAPED}")),
    ] {
        let run = tried(&[], identity, vec![token()]).await;
        assert_eq!(run.url(0), format!("{base}{QUERY}{parameter}"));
        assert_eq!((run.header(0, "metadata"), run.header(0, "secret"), run.header(0, "x-forwarded-for")), (Some("true"), None, None));
    }
    let run = tried(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://10.0.0.9:2579/")], None, vec![token()]).await;
    assert_eq!(run.url(0), format!("http://10.0.0.9:2579/metadata/identity/oauth2/token?api-version=2018-02-01&{QUERY}"));
}

#[tokio::test]
async fn a_scope_is_cut_by_exactly_one_default() {
    let credential = find(APP_SERVICE, None).unwrap();
    let clock = VirtualClock::shared();
    for (scope, resource) in [("https://x//.default", "https%3A%2F%2Fx%2F"), ("https://x", "https%3A%2F%2Fx"), ("a/.default", "a")] {
        let script = Arc::new(Script { steps: Mutex::new([token()].into()), sent: Mutex::default(), clock: clock.clone() });
        let wire = Wire::over(script.clone(), clock.clone());
        credential.acquire(&wire, &Wanted::scopes(&[scope.to_owned()]).unwrap()).await.unwrap();
        assert!(script.sent.lock().unwrap()[0].2.url.as_str().ends_with(&format!("&resource={resource}")), "{scope}");
    }
}

#[tokio::test]
async fn imds_is_asked_again_by_its_own_rules() {
    let error = r#"{"error":"x"}"#;
    for status in [404, 429, 500, 503] {
        let run = tried(&[], None, vec![says(status, error), says(status, error), token()]).await;
        assert!(run.result.is_ok());
        assert_eq!(run.times(), [0.0, 2.0, 8.0], "{status}");
        let run = tried(&[], None, (0..5).map(|_| says(status, error)).collect()).await;
        assert_eq!(run.times(), [0.0, 2.0, 8.0, 22.0, 52.0], "{status}");
        let kind = match status {
            404 => Kind::CredentialUnavailable,
            429 => Kind::Throttled,
            _ => Kind::Service,
        };
        assert_eq!(run.error().kind(), kind);
    }
    let run = tried(&[], None, (0..5).map(|_| says(410, error)).chain([token()]).collect()).await;
    assert_eq!((run.times(), run.result.is_ok()), (vec![0.0, 2.0, 8.0, 22.0, 52.0, 70.0], true));
    let run = tried(&[], None, (0..6).map(|_| says(410, error)).collect()).await;
    assert_eq!((run.times().len(), run.error().kind()), (6, Kind::Service));
    for status in [400, 401, 403, 405, 409] {
        assert_eq!(tried(&[], None, vec![says(status, error)]).await.times(), [0.0], "{status}");
    }
}

#[tokio::test]
async fn imds_may_name_the_wait_itself() {
    let throttled = |wait: &str| Ok((429, vec![("retry-after", wait.to_owned())], String::new()));
    let run = tried(&[], None, vec![throttled("9"), token()]).await;
    assert_eq!((run.times(), run.result.is_ok()), (vec![0.0, 9.0], true));
    let run = tried(&[], None, vec![throttled("3600")]).await;
    assert_eq!((run.error().kind(), run.error().facts().retry_after), (Kind::Throttled, Some(3600.0)));
}

#[tokio::test]
async fn a_machine_that_is_not_in_azure_is_told_soon() {
    for timeout in [true, false] {
        let run = tried(&[], None, vec![lost(timeout), lost(timeout), lost(timeout)]).await;
        assert_eq!(run.error().kind(), Kind::CredentialUnavailable);
        assert!(run.error().to_string().contains("no answer from 169.254.169.254"), "{}", run.error());
        assert!(run.error().to_string().contains("not in Azure"));
        assert_eq!(run.sent.iter().map(|s| s.1).collect::<Vec<_>>(), [2.0, 4.0, 10.0]);
        assert!(run.times()[2] <= 7.0, "{:?}", run.times());
    }
    let run = tried(&[], None, vec![lost(true), token()]).await;
    assert!(run.result.is_ok(), "a slow service is waited for");
}

#[tokio::test]
async fn in_a_chain_one_second_is_all() {
    let chained = find(&[], None).unwrap();
    let run = ask_in_chain(&chained, VirtualClock::shared(), vec![lost(true)]).await;
    assert_eq!((run.sent[0].1, run.error().kind()), (1.0, Kind::CredentialUnavailable));
    assert!(
        run.error().to_string().ends_with("no answer from 169.254.169.254 within 1 s: this machine is not in Azure"),
        "{}",
        run.error()
    );

    // Other clouds have a service of their own at that address, and cafés a login page.
    for (status, body) in [(404, "<html>"), (401, ""), (403, "no"), (404, r#"{"errors":[]}"#), (200, "<html>"), (302, ""), (503, "<html>")]
    {
        let run = ask_in_chain(&chained, VirtualClock::shared(), vec![says(status, body)]).await;
        assert_eq!(run.error().kind(), Kind::CredentialUnavailable, "{status}");
        assert!(run.error().to_string().contains("not Azure's"), "{}", run.error());
    }

    // Once it was seen, it has its own rules and its usual patience.
    let clock = VirtualClock::shared();
    let run = ask_in_chain(&chained, clock.clone(), vec![says(404, r#"{"error":"updating"}"#), token()]).await;
    assert_eq!((run.times(), run.result.is_ok()), (vec![0.0, 2.0], true));
    let run = ask_in_chain(&chained, clock, vec![lost(true), token()]).await;
    assert_eq!((run.sent[0].1, run.result.is_ok()), (30.0, true));

    let server = Ok((500, vec![("server", "IMDS/150.870.65.1".to_owned())], String::new()));
    let fresh = find(&[], None).unwrap();
    assert!(ask_in_chain(&fresh, VirtualClock::shared(), vec![server, token()]).await.result.is_ok());

    // What somebody named is not doubted within a second.
    let named = find(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://10.0.0.9")], None).unwrap();
    assert!(ask_in_chain(&named, VirtualClock::shared(), vec![lost(true), says(404, ""), token()]).await.result.is_ok());
}

#[tokio::test]
async fn a_machine_without_that_identity_lets_the_chain_go_on() {
    let not_found = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
    let run = tried(&[], client(), vec![says(400, not_found)]).await;
    assert_eq!((run.error().kind(), run.error().facts().status), (Kind::CredentialUnavailable, Some(400)));
    assert!(run.error().to_string().contains(CLIENT) && run.error().to_string().contains("Identity not found"));
    assert_eq!(tried(&[], None, vec![says(400, not_found)]).await.error().kind(), Kind::CredentialUnavailable);

    let docker = "connecting to 169.254.169.254:80: connect: A socket operation was attempted to an Unreachable network";
    assert_eq!(tried(&[], None, vec![says(403, docker)]).await.error().kind(), Kind::CredentialUnavailable);
    let refused = tried(&[], None, vec![says(403, r#"{"error":"forbidden"}"#)]).await;
    assert_eq!(refused.error().kind(), Kind::Authentication);
    assert!(refused.error().to_string().contains("managed identity (IMDS), asked because no variable names another platform"));
}

#[tokio::test]
async fn the_other_platforms_are_asked_again_on_what_passes() {
    let run = tried(APP_SERVICE, None, vec![says(500, ""), lost(true), lost(false), token()]).await;
    assert_eq!((run.sent.len(), run.result.is_ok()), (4, true));
    for status in [400, 401, 403, 404] {
        let run = tried(APP_SERVICE, None, vec![says(status, r#"{"statusCode":400,"message":"No User Assigned identity"}"#)]).await;
        assert_eq!((run.sent.len(), run.error().kind()), (1, Kind::Authentication), "{status}");
        let text = run.error().to_string();
        assert!(text.contains("App Service") && text.contains("IDENTITY_ENDPOINT") && text.contains("No User Assigned identity"), "{text}");
    }
    let run = tried(APP_SERVICE, None, (0..4).map(|_| says(503, "")).collect()).await;
    assert_eq!(run.error().kind(), Kind::Service);
    let run = tried(APP_SERVICE, None, (0..4).map(|_| lost(false)).collect()).await;
    assert_eq!(run.error().kind(), Kind::Connect, "a named endpoint that is down is a failure, not another way's turn");
    let throttled = || Ok((429, vec![("retry-after", "600".to_owned())], String::new()));
    let run = tried(APP_SERVICE, None, vec![throttled()]).await;
    assert_eq!(run.error().kind(), Kind::Throttled);
}

#[tokio::test]
async fn no_secret_comes_back_in_an_error() {
    for body in [CANARY.to_owned(), format!(r#"{{"message":"wrong {CANARY}"}}"#), format!("<html>{CANARY}")] {
        for status in [400, 401, 500] {
            let run = tried(APP_SERVICE, None, (0..if status == 500 { 4 } else { 1 }).map(|_| says(status, &body)).collect()).await;
            assert!(run.error().to_string().contains(&format!("status {status}")));
        }
    }
    assert!(!format!("{:?}", find(APP_SERVICE, None).unwrap()).contains("canary"));
}

#[tokio::test]
async fn an_answer_without_a_token_is_no_answer() {
    for (status, body) in [
        (302, ""),
        (200, ""),
        (200, "<html>"),
        (200, "[]"),
        (200, "{}"),
        (200, r#"{"access_token":""}"#),
        (200, r#"{"access_token":"a b"}"#),
        (200, r#"{"access_token":"t","token_type":"mac"}"#),
    ] {
        assert_eq!(tried(APP_SERVICE, None, vec![says(status, body)]).await.error().kind(), Kind::BadResponse, "{status} {body}");
    }
    let large = format!(r#"{{"access_token":"t","x":"{}"}}"#, "x".repeat(2 << 20));
    assert_eq!(tried(APP_SERVICE, None, vec![says(200, &large)]).await.error().kind(), Kind::BadResponse);
}

#[tokio::test]
async fn times_are_read_against_the_answer_s_own_date() {
    let clock = VirtualClock::shared();
    let there = clock.wall() - Duration::from_secs(7200);
    let ends = epoch_seconds(&*clock) - 7200 + 1000;
    let answer = |more: &str, date: bool| {
        let headers = if date { vec![("date", httpdate::fmt_http_date(there))] } else { vec![] };
        Ok((200, headers, format!(r#"{{"access_token":"t","expires_on":"{ends}"{more}}}"#)))
    };
    let credential = find(APP_SERVICE, None).unwrap();
    let grant = ask(&credential, clock.clone(), vec![answer("", true)]).await.result.unwrap();
    assert_eq!(grant.lifetime.as_secs(), 1000);
    let grant = ask(&credential, clock.clone(), vec![answer("", false)]).await.result.unwrap();
    assert_eq!(grant.lifetime.as_secs(), 0);
    let grant = ask(&credential, clock, vec![answer(r#","refresh_in":"400""#, true)]).await.result.unwrap();
    assert_eq!(grant.refresh_in, Some(Duration::from_secs(400)));
}

#[test]
fn two_are_as_good_as_each_other_only_if_they_are_the_same() {
    let of = |pairs, identity| find(pairs, identity).unwrap().fingerprint().unwrap();
    let all = [of(APP_SERVICE, None), of(APP_SERVICE, client()), of(APP_SERVICE, object_id()), of(AUTOMATION, None), of(&[], None)];
    for (i, a) in all.iter().enumerate() {
        assert!(all[i + 1..].iter().all(|b| a != b), "{i}");
    }
    assert_eq!(of(APP_SERVICE, object_id()), of(APP_SERVICE, Some(Identity::ObjectId(OBJECT.to_lowercase()))));
    assert_eq!(find(APP_SERVICE, client()).unwrap().client_id(), Some(CLIENT));
    assert_eq!(find(APP_SERVICE, object_id()).unwrap().client_id(), None);
}

/// A directory for the agent's keys that goes when the test ends.
struct Keys(PathBuf);

impl Keys {
    fn new() -> Keys {
        let path = std::env::temp_dir().canonicalize().unwrap().join(format!("xdrkit-arc-{}", crate::clock::random_guid()));
        fs::create_dir_all(path.join("tokens")).unwrap();
        Keys(path)
    }

    fn tokens(&self) -> PathBuf {
        self.0.join("tokens")
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.tokens().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn credential(&self, identity: Option<Identity>) -> ManagedIdentity {
        let machine = Machine { agent: None, keys: Some(self.tokens()) };
        ManagedIdentity::on(&machine, &environment(ARC), identity).unwrap()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn challenge(value: &str) -> Step {
    Ok((401, vec![("www-authenticate", value.to_owned())], String::new()))
}

fn realm(path: &Path) -> Step {
    challenge(&format!("Basic realm={}", path.display()))
}

#[tokio::test]
async fn arc_is_asked_in_its_way() {
    let keys = Keys::new();
    let key = keys.file("one.key", b"canary-key\n");
    let base = "http://localhost:40342/metadata/identity/oauth2/token?api-version=2020-06-01&";
    for first in [realm(&key), challenge(&format!("basic REALM=\"{}\"", key.display()))] {
        let run = ask(&keys.credential(None), VirtualClock::shared(), vec![first, token()]).await;
        for n in [0, 1] {
            assert_eq!(run.url(n), format!("{base}{QUERY}"));
            assert_eq!(run.header(n, "metadata"), Some("true"));
        }
        assert_eq!((run.header(0, "authorization"), run.header(1, "authorization")), (None, Some("Basic canary-key")));
        assert!(run.sent[1].2.headers["authorization"].is_sensitive());
        assert_eq!(run.result.unwrap().token.expose(), "t");
    }
}

#[tokio::test]
async fn arc_s_token_is_taken_only_for_the_identity_that_was_asked_for() {
    let keys = Keys::new();
    let key = keys.file("one.key", b"canary-key");
    let answer = |name: &str, id: &str| says(200, &object([("access_token", "t".into()), (name, id.into())]).to_string());
    for (identity, parameter, name) in [
        (client(), format!("&client_id={CLIENT}"), "client_id"),
        (object_id(), format!("&object_id={OBJECT}"), "object_id"),
        (resource_id(), format!("&msi_res_id={ESCAPED}"), "msi_res_id"),
        (resource_id(), format!("&msi_res_id={ESCAPED}"), "mi_res_id"),
    ] {
        let id = identity.as_ref().unwrap().value().to_owned();
        let credential = keys.credential(identity);
        let run = ask(&credential, VirtualClock::shared(), vec![realm(&key), answer(name, &id.to_lowercase())]).await;
        assert!(run.url(0).ends_with(&parameter) && run.url(1).ends_with(&parameter), "{}", run.url(0));
        assert!(run.result.is_ok(), "{name}");
        for unconfirmed in [token(), answer(name, "other"), answer("elsewhere", &id), answer(name, "")] {
            let run = ask(&credential, VirtualClock::shared(), vec![realm(&key), unconfirmed]).await;
            assert_eq!(run.error().kind(), Kind::Authentication);
            assert!(run.error().to_string().contains("did not confirm"), "{}", run.error());
        }
    }
}

#[tokio::test]
async fn arc_fails_closed() {
    let keys = Keys::new();
    let key = keys.file("one.key", b"canary-key");
    for first in [
        token(),
        Ok((200, vec![("www-authenticate", format!("Basic realm={}", key.display()))], r#"{"access_token":"t"}"#.to_owned())),
        says(400, "{}"),
        says(404, ""),
        says(401, ""),
        challenge("Bearer realm=x"),
        challenge("Basic"),
        challenge("Basic realm"),
        challenge("Basic realm="),
        challenge("Basic realm=\"\""),
        challenge(&format!("Basic realm=\"{}", key.display())),
        challenge(&format!("Basic charset={}", key.display())),
    ] {
        let run = ask(&keys.credential(None), VirtualClock::shared(), vec![first]).await;
        assert_eq!((run.error().kind(), run.sent.len()), (Kind::Authentication, 1));
        assert!(run.error().to_string().contains("Azure Arc") && run.error().to_string().contains("IMDS_ENDPOINT"));
    }
    let run = ask(&keys.credential(None), VirtualClock::shared(), vec![realm(&key), says(401, "wrong canary-key")]).await;
    assert_eq!(run.error().kind(), Kind::Authentication);

    let nowhere = ManagedIdentity::on(&NOWHERE, &environment(ARC), None).unwrap();
    assert!(ask(&nowhere, VirtualClock::shared(), vec![realm(&key)]).await.error().to_string().contains("Linux and Windows only"));
}

#[tokio::test]
async fn arc_s_word_for_a_file_is_believed_in_its_own_directory_only() {
    let keys = Keys::new();
    let outside = keys.0.join("outside.key");
    fs::write(&outside, "canary").unwrap();
    fs::create_dir(keys.tokens().join("below")).unwrap();
    fs::create_dir(keys.tokens().join("folder.key")).unwrap();
    fs::write(keys.tokens().join("below/in.key"), "canary").unwrap();
    let (tokens, text) = (keys.tokens(), keys.file("one.txt", b"canary"));
    let mut wrong = vec![
        outside.clone(),
        tokens.join("../outside.key"),
        tokens.join("../tokens/../outside.key"),
        tokens.join("below/in.key"),
        tokens.join("below/../one.key"),
        tokens.join("folder.key"),
        tokens.join("absent.key"),
        tokens.join(".."),
        tokens.join(".key"),
        tokens.clone(),
        text.clone(),
        keys.file("empty.key", b" \n"),
        keys.file("binary.key", b"\xff\xfe"),
        keys.file("lines.key", b"one\ntwo"),
        keys.file("large.key", &[b'x'; 4097]),
        "one.key".into(),
        "tokens/one.key".into(),
        "/etc/passwd".into(),
    ];
    let one = keys.file("one.key", b"canary");
    assert!(one.exists());
    #[cfg(unix)]
    for (name, target) in [("link.key", &outside), ("near.key", &text), ("one.pem", &one)] {
        std::os::unix::fs::symlink(target, tokens.join(name)).unwrap();
        wrong.push(tokens.join(name));
    }
    for path in wrong {
        let run = ask(&keys.credential(None), VirtualClock::shared(), vec![realm(&path)]).await;
        assert_eq!((run.error().kind(), run.sent.len()), (Kind::Authentication, 1), "{path:?}");
    }
    let largest = keys.file("largest.key", &[b'x'; 4096]);
    assert!(ask(&keys.credential(None), VirtualClock::shared(), vec![realm(&largest), token()]).await.result.is_ok());
}

#[cfg(unix)]
#[tokio::test]
async fn arc_s_directory_may_lie_behind_a_link() {
    let keys = Keys::new();
    keys.file("one.key", b"k");
    let link = keys.0.join("link");
    std::os::unix::fs::symlink(keys.tokens(), &link).unwrap();
    let machine = Machine { agent: None, keys: Some(link.clone()) };
    let credential = ManagedIdentity::on(&machine, &environment(ARC), None).unwrap();
    assert!(ask(&credential, VirtualClock::shared(), vec![realm(&link.join("one.key")), token()]).await.result.is_ok());
}

#[tokio::test]
async fn arc_s_agent_is_found_by_its_program() {
    let keys = Keys::new();
    let agent = keys.file("himds", b"");
    let machine = Machine { agent: Some(agent), keys: Some(keys.tokens()) };
    let on = |pairs: &[(&str, &str)]| ManagedIdentity::on(&machine, &environment(pairs), None).unwrap();
    assert_eq!(on(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1")]).kind(), "managed identity (IMDS)");
    assert_eq!(on(CLOUD_SHELL).kind(), "managed identity (Cloud Shell)");
    let found = on(&[]);
    assert_eq!(found.kind(), "managed identity (Azure Arc)");
    // An agent that was installed and does not run is no reason to stop a chain.
    let run = ask(&found, VirtualClock::shared(), (0..4).map(|_| lost(false)).collect()).await;
    assert!(run.url(0).starts_with("http://localhost:40342/metadata/identity/oauth2/token?"), "{}", run.url(0));
    assert_eq!(run.error().kind(), Kind::CredentialUnavailable);
}

#[tokio::test]
async fn every_form_of_an_end_gives_the_same_life() {
    let date = httpdate::parse_http_date("Fri, 02 Jul 2021 07:00:34 GMT").unwrap();
    for end in [
        "1625212834",
        r#""1625212834""#,
        r#""1625212834.5""#,
        r#""2021-07-02 08:00:34Z""#,
        r#""07/02/2021 08:00:34 +00:00""#,
        r#""7/2/2021 8:00:34 AM +00:00""#,
        r#""2021-07-02T08:00:34Z""#,
        r#""2021-07-02T08:00:34.1234567+00:00""#,
        r#""never","expires_in":"3600""#,
    ] {
        let answer = Ok((200, vec![("date", httpdate::fmt_http_date(date))], format!(r#"{{"access_token":"t","expires_on":{end}}}"#)));
        assert_eq!(tried(AUTOMATION, None, vec![answer]).await.result.unwrap().lifetime.as_secs(), 3600, "{end}");
    }
}
