//! `xdr demo`: the main job from end to end, on a sandbox, over real HTTP.

use super::{printing, text::Page};
use crate::{
    auth::{Authority, Choice, DeviceCode, DevicePrompt, Person, PublicClient, Tokens, User},
    client::{CallOptions, Client, Identity},
    error::{Error, Kind, Result},
    hunt::{Query, Window},
    json::{Object, Value, object},
    ops::model::Service,
    request::operation,
    sandbox::{Options, Sandbox},
    secret::Secret,
    settings::{CredentialChoice, Settings},
};
use std::{
    io::StdoutLock,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

const ENCODED: &str = "DeviceProcessEvents
| where FileName =~ 'powershell.exe' and ProcessCommandLine has '-Enc'
| where InitiatingProcessFileName in~ ('cmd.exe', 'wmiprvse.exe')
| project Timestamp, Device = tostring(split(DeviceName, '.')[0]), AccountName,
    Parent = InitiatingProcessFileName, Grandparent = InitiatingProcessParentFileName
| sort by Timestamp asc";
const CLICK: &str = "UrlClickEvents
| where Url has 'brightmere'
| join kind=inner EmailEvents on NetworkMessageId
| project Clicked = Timestamp, Who = tostring(split(AccountUpn, '@')[0]), Subject, SenderFromAddress";
const OUTSIDE: &str = "DeviceNetworkEvents
| where RemoteIP startswith '198.51.100.'
| summarize Connections = count(), First = min(Timestamp), Last = max(Timestamp)
    by Device = tostring(split(DeviceName, '.')[0]), RemoteIP, RemoteUrl
| sort by First asc";

/// Keeps the prompt for the page: there is nobody at a keyboard here.
#[derive(Debug, Default)]
struct Shown(Mutex<Option<DevicePrompt>>);

impl Person for Shown {
    fn show_code(&self, prompt: &DevicePrompt) -> Result<()> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(prompt.clone());
        Ok(())
    }
}

struct Demo {
    sandbox: Sandbox,
    page: Page<StdoutLock<'static>>,
    told: usize,
    steps: usize,
}

pub(super) async fn run() -> Result<()> {
    let began = Instant::now();
    let sandbox = Sandbox::start(Options::default()).map_err(|e| Error::new(Kind::Internal, format!("the sandbox does not start: {e}")))?;
    let start = began.elapsed();
    let mut demo = Demo { sandbox, page: Page::stdout(), told: 0, steps: 0 };
    demo.open(start).map_err(|e| printing(&e))?;
    let app = demo.sign_in_app().await?;
    let user = demo.sign_in_user().await?;
    demo.hunt(&app, "Hunt, as the application: what started encoded PowerShell?", ENCODED).await?;
    demo.hunt(&user, "Hunt, as the user: which mail began it?", CLICK).await?;
    demo.hunt(&user, "Hunt, as the user: who else talks to these addresses?", OUTSIDE).await?;
    demo.incident(&app).await?;
    demo.isolate(&app).await?;
    demo.close(began).map_err(|e| printing(&e))
}

impl Demo {
    fn open(&mut self, start: Duration) -> std::io::Result<()> {
        let who = self.sandbox.identity();
        self.page.line(&format!("xdrkit {}: a sandbox stands in for your tenant", env!("CARGO_PKG_VERSION")))?;
        self.page.fact("tenant", &format!("{} ({}, {})", who.tenant_name, who.domain, who.tenant_id))?;
        self.page.fact("at", &format!("{}, started in {} ms", self.sandbox.url(), milliseconds(start)))
    }

    fn step(&mut self, title: &str) -> Result<()> {
        self.steps += 1;
        self.page.step(self.steps, title).map_err(|e| printing(&e))
    }

    fn fact(&mut self, name: &str, value: &str) -> Result<()> {
        self.page.fact(name, value).map_err(|e| printing(&e))
    }

    /// Tells the requests that came in since the last time.
    fn requests(&mut self) -> Result<()> {
        let all = self.sandbox.requests();
        for request in all.iter().skip(self.told) {
            let query = percent_encoding::percent_decode_str(&request.query).decode_utf8_lossy().into_owned();
            let query = if query.is_empty() { String::new() } else { format!("?{query}") };
            let text = format!(
                "{} {}{query} → {} ({} ms)",
                request.method,
                request.path,
                request.status,
                milliseconds(Duration::from_micros(request.duration_us))
            );
            self.page.request(&text).map_err(|e| printing(&e))?;
        }
        self.told = all.len();
        Ok(())
    }

    fn settings(&self) -> Settings {
        Settings { base_url: Some(self.sandbox.url().to_owned()), poll_interval: Some(0.05), ..Settings::default() }
    }

    fn who(&mut self, identity: &Identity) -> Result<()> {
        let claims = identity.claims.clone().unwrap_or_default();
        let kind = if claims.delegated { "delegated" } else { "application" };
        let name = claims.user.or(claims.app_name).or(claims.client_id).unwrap_or_default();
        self.fact("signed in", &format!("{name} by {}", identity.credential))?;
        self.fact("tenant", &claims.tenant.unwrap_or_default())?;
        self.fact("audience", &claims.audience)?;
        self.fact("permissions", &format!("{} ({kind})", claims.permissions.join(", ")))
    }

    async fn sign_in_app(&mut self) -> Result<Client> {
        self.step("Sign in as an application, with a client secret")?;
        let who = self.sandbox.identity();
        let settings = Settings {
            choice: Choice {
                tenant_id: Some(who.tenant_id),
                client_id: Some(who.client_id),
                client_secret: Some(Secret::new(who.client_secret)),
                authority: Some(self.sandbox.url().to_owned()),
                ..Choice::default()
            },
            ..self.settings()
        };
        let client = settings.build(&|_| None)?;
        let identity = client.whoami(Service::Endpoint).await?;
        self.who(&identity)?;
        self.requests()?;
        Ok(client)
    }

    async fn sign_in_user(&mut self) -> Result<Client> {
        self.step("Sign in as a user, with a device code")?;
        let who = self.sandbox.identity();
        let shown = Arc::new(Shown::default());
        let authority = Authority::new(self.sandbox.url(), &who.tenant_id, false)?;
        let credential = User::new(PublicClient::new(authority, &who.public_client_id)?, DeviceCode { person: shown.clone() });
        let client = Settings { credential: CredentialChoice::Ready(Tokens::new(credential)), ..self.settings() }.build(&|_| None)?;
        let identity = client.whoami(Service::Graph).await?;
        let prompt = shown.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(prompt) = prompt {
            self.fact("prompt", &format!("{} (the sandbox approves it by itself)", prompt.message))?;
        }
        self.who(&identity)?;
        self.requests()?;
        Ok(client)
    }

    async fn hunt(&mut self, client: &Client, title: &str, text: &str) -> Result<()> {
        self.step(title)?;
        let query = Query { text: text.to_owned(), window: Window::new(None, None, Some("P7D"))?, ..Query::default() };
        let began = Instant::now();
        let found = client.hunt(query, CallOptions::default()).await?;
        let elapsed = began.elapsed();
        self.fact("query", text)?;
        self.page.table(&found.table, 6).map_err(|e| printing(&e))?;
        self.fact(
            "found",
            &format!("{} in {} ms from {}", rows(found.table.rows()), milliseconds(elapsed), found.api.map_or("", Service::name)),
        )?;
        self.requests()
    }

    async fn incident(&mut self, client: &Client) -> Result<()> {
        self.step("The incident behind it")?;
        let filter = object([("filter", "status eq 'Active'".into())]);
        let pages =
            client.pages(operation("incidents.list")?, filter.as_object().unwrap_or(&Object::new()), None, CallOptions::default())?;
        let mut incidents = Vec::new();
        while let Some(page) = pages.next().await? {
            incidents.extend(page);
        }
        let alerts = |i: &Value| i.get("alerts").and_then(Value::as_array).map_or(0, <[Value]>::len);
        let Some(worst) = incidents.iter().max_by_key(|i| alerts(i)) else {
            return Err(Error::new(Kind::NotFound, "there is no active incident"));
        };
        self.fact(
            "incident",
            &format!("{} {} (of {} active incidents)", text(worst, "incidentId"), text(worst, "incidentName"), incidents.len()),
        )?;
        self.fact(
            "severity",
            &format!("{}, {}, assigned to {}", text(worst, "severity"), text(worst, "status"), text(worst, "assignedTo")),
        )?;
        let titles: Vec<String> =
            worst.get("alerts").and_then(Value::as_array).unwrap_or_default().iter().map(|a| text(a, "title")).collect();
        let first: Vec<&str> = titles.iter().take(4).map(String::as_str).collect();
        self.fact("alerts", &format!("{}: {}, …", titles.len(), first.join("; ")))?;
        self.requests()
    }

    async fn isolate(&mut self, client: &Client) -> Result<()> {
        self.step("Isolate the machine and wait")?;
        let wanted = object([("filter", "riskScore eq 'High'".into()), ("top", Value::Int(1))]);
        let pages =
            client.pages(operation("machines.list")?, wanted.as_object().unwrap_or(&Object::new()), None, CallOptions::default())?;
        let machine = pages.next().await?.and_then(|page| page.into_iter().next());
        let Some(machine) = machine else { return Err(Error::new(Kind::NotFound, "there is no machine at high risk")) };
        let arguments = object([("id", text(&machine, "id").into()), ("comment", "case 42".into()), ("isolation_type", "Full".into())]);
        let action =
            client.call(operation("machines.isolate")?, arguments.as_object().unwrap_or(&Object::new()), CallOptions::default()).await?;
        self.fact(
            "machine",
            &format!("{} ({}, risk {})", text(&machine, "computerDnsName"), text(&machine, "osPlatform"), text(&machine, "riskScore")),
        )?;
        self.fact("action", &format!("{} {}: {}", text(&action, "type"), text(&action, "id"), text(&action, "status")))?;
        let ended = client.wait_action(&text(&action, "id"), Duration::from_secs(30), None).await?;
        self.fact(
            "in the end",
            &format!("{}, \"{}\" by {}", text(&ended, "status"), text(&ended, "requestorComment"), text(&ended, "requestor")),
        )?;
        self.requests()
    }

    fn close(&mut self, began: Instant) -> std::io::Result<()> {
        let count = self.sandbox.requests().len();
        self.page.line("")?;
        self.page.line(&format!(
            "{count} requests over HTTP, {} ms in all. For your own tenant: xdrkit.Client(tenant_id=…, client_id=…, client_secret=…)",
            milliseconds(began.elapsed())
        ))
    }
}

fn text(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(s)) => s.clone(),
        Some(Value::Null) | None => "nobody".to_owned(),
        Some(other) => other.to_string(),
    }
}

fn rows(count: usize) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

fn milliseconds(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    if ms < 10.0 { format!("{ms:.1}") } else { format!("{ms:.0}") }
}
