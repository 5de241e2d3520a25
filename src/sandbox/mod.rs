//! A tenant in the box: a fake Entra ID and Defender service on loopback.
//!
//! Nobody has a spare tenant to try a hunting script on, and no test may need one. So the sandbox serves what the real services serve,
//! over real HTTP: sign-in, permissions, paging, errors, hunting, actions with a state. Its routes and permissions come from the
//! declaration (`ops`), so that it cannot drift from the client; it shares nothing else with it, so that a mistake is not made twice.
//!
//! It binds to loopback only, lives on one thread of its own, and holds nothing that is worth stealing.

mod access;
mod actions;
mod alert_creation;
mod alerts;
mod ask;
mod baselines;
mod body;
mod clock;
mod control;
mod correlation;
mod data;
mod detection_rules;
mod entities;
mod entra;
mod exports;
mod failure;
mod faults;
mod form;
mod graph;
mod hunting;
mod incidents;
mod indicator;
mod indicators;
mod investigations;
mod jwt;
mod library;
mod limits;
mod lists;
mod live_response;
mod machine_action;
mod machines;
mod managed;
mod odata;
mod packages;
mod page;
mod part;
mod quirks;
mod quotas;
mod recommendations;
mod record;
mod router;
mod scans;
mod scores;
mod scratch;
pub mod seed;
mod sent;
mod server;
mod settings;
mod software;
mod storage;
mod store;
mod tls;
mod tvm;
mod vulnerabilities;
mod wire;
mod zip;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

pub use data::{Asked, Engine, Plugged};
pub use faults::{Fault, FaultKind, RetryForm, Wrong, presets};
pub use limits::Limits;
pub use managed::{ExpiresOn, Platform};
pub use page::Snippet;
pub use part::{Part, known as known_operation};
pub use quirks::Quirks;
pub use record::RequestRecord;

use crate::json::Value;

use clock::Clock;
use entra::Directory;
use scratch::Scratch;
use server::Door;
use store::Store;

/// The display name of the sandbox's application.
pub(crate) const APP_NAME: &str = "Sandbox automation";
/// The confidential application's id; the same in every sandbox, so that examples can be pasted.
const CLIENT_ID: &str = "0f4b3a52-9d5e-4c2e-8a61-7f1d2b9c6e30";
/// Its secret, which is none: it is printed here, and it opens nothing but a sandbox.
const CLIENT_SECRET: &str = "sandbox~not-a-secret~0000000000000000000";
/// The public application's id, for people who sign in.
const PUBLIC_CLIENT_ID: &str = "b7c1d0de-3f6a-4f0e-9b8e-5a2c4e6f8a10";
/// Every person's password, which is none either.
const USER_PASSWORD: &str = "sandbox~not-a-password";
/// How many sign-in requests are remembered.
const LOG_LENGTH: usize = 100_000;

/// How a sandbox starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port; 0: a free one.
    pub port: u16,
    /// Its present at the start, in ticks of 100 ns since year 1; without: the real time.
    pub now: Option<i64>,
    /// Chooses ids, times and background events of the tenant.
    pub seed: u64,
    /// What the tenant is seeded with.
    pub world: seed::Kind,
    /// How many machines there are; without: as many as the world has.
    pub machines: Option<usize>,
    /// How many days everyday life goes back.
    pub days: i64,
    /// A world as a document, instead of a seeded one.
    pub document: Option<crate::json::Value>,
    /// Which engine answers queries.
    pub engine: Engine,
    /// Device codes grant themselves to the seeded user on the second poll.
    pub auto_approve: bool,
    /// What the application and the user are granted; without: every permission that the declaration knows.
    pub permissions: Option<Vec<String>>,
    /// The page size of lists that are asked for without `$top`; without: the largest that the service allows.
    pub page_size: Option<usize>,
    /// Whether the address is an https one, with a certificate of the sandbox's own authority.
    pub tls: bool,
    /// Seconds that a token lives; without: an hour, and a day for managed identities.
    pub token_lifetime: Option<u32>,
    /// Seconds after which a token shall be renewed, said as `refresh_in`; without: it is not said.
    pub refresh_in: Option<u32>,
    /// A refresh token is good once; using an old one ends all that came from the same sign-in. Entra is not so strict, others are.
    pub rotate_strictly: bool,
    /// A client assertion is good once, by its `jti`. Entra is not so strict, others are.
    pub strict_assertions: bool,
    /// Whether people may sign in with a password or a device code: "Allow public client flows" of the portal.
    pub public_flows: bool,
    /// User principal names of those who cannot sign in with a password alone.
    pub mfa_users: Vec<String>,
    /// A domain whose people sign in elsewhere.
    pub federated_domain: Option<String>,
    /// Keeps the forms of sign-in requests, secrets and all.
    pub record_forms: bool,
    /// How many rows an export has, as pages and as files; without: those of the tenant's machines. They are made when they are asked for.
    pub export_rows: Option<u64>,
    /// How many resolved alerts from before the story there are, each in an incident of its own.
    pub older_alerts: usize,
    /// How Graph's lists go on.
    pub graph_links: GraphLinks,
    /// Graph's incidents with their alerts (`$expand`) are refused with 500, always: too large a tenant.
    pub expand_fails: bool,
    /// Whether the declared quotas of calls are kept, by the sandbox's clock.
    pub quotas: bool,
    /// Where it does as the services are seen to do, and not as is documented.
    pub quirks: Quirks,
    /// How much a hunt may bring, and how long it may take.
    pub limits: Limits,
}

/// How the next links of Graph's lists are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GraphLinks {
    /// With `$skiptoken`: they go on to the end.
    #[default]
    Token,
    /// With `$skip`: they lead to where the service refuses to skip.
    Skip,
}

impl GraphLinks {
    /// From its name.
    pub fn parse(name: &str) -> Option<GraphLinks> {
        match name {
            "token" => Some(GraphLinks::Token),
            "skip" => Some(GraphLinks::Skip),
            _ => None,
        }
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            port: 0,
            now: None,
            seed: 0,
            world: seed::Kind::Intrusion,
            machines: None,
            days: 30,
            document: None,
            engine: Engine::Builtin,
            auto_approve: true,
            permissions: None,
            page_size: None,
            tls: false,
            token_lifetime: None,
            refresh_in: None,
            rotate_strictly: false,
            strict_assertions: false,
            public_flows: true,
            mfa_users: Vec::new(),
            federated_domain: None,
            record_forms: false,
            export_rows: None,
            older_alerts: 0,
            graph_links: GraphLinks::Token,
            expand_fails: false,
            quotas: false,
            quirks: Quirks::default(),
            limits: Limits::default(),
        }
    }
}

impl Options {
    /// How its tenant is seeded.
    pub fn plan(&self) -> seed::Plan {
        seed::Plan { kind: self.world, seed: self.seed, machines: self.machines, days: self.days }
    }
}

/// Who is who in the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The tenant's id.
    pub tenant_id: String,
    /// The company.
    pub tenant_name: String,
    /// Its domain; the token service takes it for the id.
    pub domain: String,
    /// The application that signs in for itself.
    pub client_id: String,
    /// Its secret. It is the same in every sandbox and no secret at all.
    pub client_secret: String,
    /// The application with which people sign in.
    pub public_client_id: String,
    /// The person who signs in: a user principal name.
    pub user: String,
    /// Every person's password. It is the same in every sandbox and no secret at all.
    pub user_password: String,
    /// The client id of the user-assigned managed identity.
    pub managed_client_id: String,
    /// Its object id.
    pub managed_object_id: String,
    /// Its resource id.
    pub managed_resource_id: String,
}

/// A sign-in request, with all that was sent but the `Authorization` header. Only kept where [`Options::record_forms`] says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormRecord {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path, as it was sent.
    pub path: String,
    /// The query string's fields.
    pub query: Vec<(String, String)>,
    /// Names, in small letters, and values.
    pub headers: Vec<(String, String)>,
    /// The body's fields.
    pub form: Vec<(String, String)>,
}

/// What the server's thread and the owner share.
pub(crate) struct House {
    base: String,
    /// The same without TLS; the same as `base` where there is none.
    plain: String,
    /// What the callers of an https address shall trust.
    ca_file: Option<String>,
    identity: Identity,
    clock: Clock,
    options: Options,
    pristine: seed::Tenant,
    /// What a world's document has beside the tables.
    beside: crate::json::Value,
    store: Mutex<Store>,
    directory: Mutex<Directory>,
    faults: Mutex<faults::Plan>,
    log: Mutex<record::Log>,
    forms: Mutex<VecDeque<FormRecord>>,
    agents: Mutex<managed::Agents>,
    scratch: Mutex<Scratch>,
    blobs: Mutex<storage::Blobs>,
    quotas: Mutex<quotas::Quotas>,
    limits: Mutex<Limits>,
}

/// A handler that panicked must not take the rest down: what it left behind is still used.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl House {
    fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }

    fn directory(&self) -> MutexGuard<'_, Directory> {
        lock(&self.directory)
    }

    /// User principal names and names of those who may sign in.
    fn people(&self) -> Vec<(String, String)> {
        self.pristine.users.iter().filter(|u| u.enabled).map(|u| (u.upn.to_string(), u.display.to_string())).collect()
    }

    fn user_id(&self, upn: &str) -> String {
        self.pristine.users.iter().find(|u| *u.upn == *upn).map_or_else(|| wire::guid_for(upn), |u| u.id.to_string())
    }

    fn user_name(&self, upn: &str) -> String {
        self.pristine.users.iter().find(|u| *u.upn == *upn).map_or_else(|| upn.to_owned(), |u| u.display.to_string())
    }

    fn approve(&self, user_code: &str, user: Option<&str>) -> bool {
        let wanted = user.unwrap_or(&self.identity.user);
        let Some((upn, _)) = self.people().into_iter().find(|(upn, _)| upn.eq_ignore_ascii_case(wanted)) else { return false };
        self.directory().decide(user_code, Some(upn), self.clock.now())
    }

    fn deny(&self, user_code: &str) -> bool {
        self.directory().decide(user_code, None, self.clock.now())
    }

    fn reset(&self) {
        let mut fresh = Store::new(self.pristine.clone());
        // It was read before.
        let _ = fresh.register(&self.beside);
        *self.store() = fresh;
        if let Ok(fresh) = Directory::new(self.options.permissions.as_deref()) {
            self.directory().reset(fresh);
        }
        lock(&self.faults).clear();
        lock(&self.log).clear();
        lock(&self.forms).clear();
        lock(&self.blobs).clear();
        *lock(&self.quotas) = quotas::Quotas::new(self.options.quotas);
        *lock(&self.limits) = self.options.limits;
    }

    fn record_form(&self, request: &wire::Request) {
        let headers = request.headers.iter().filter(|(name, _)| *name != http::header::AUTHORIZATION);
        let record = FormRecord {
            method: request.method.to_string(),
            path: request.path.clone(),
            query: request.fields(),
            headers: headers.map(|(n, v)| (n.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned())).collect(),
            form: request.form(),
        };
        let mut forms = lock(&self.forms);
        if forms.len() >= LOG_LENGTH {
            forms.pop_front();
        }
        forms.push_back(record);
    }

    fn record(&self, record: RequestRecord) {
        lock(&self.log).push(record);
    }
}

/// A running sandbox. Dropping it stops it.
pub struct Sandbox {
    house: Arc<House>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    process: u32,
}

impl Sandbox {
    /// Starts one. Fails when the port is taken, or when a permission is none that the declaration knows.
    pub fn start(options: Options) -> io::Result<Sandbox> {
        let directory = Directory::new(options.permissions.as_deref())
            .map_err(|names| io::Error::new(io::ErrorKind::InvalidInput, format!("no such permission: {}", names.join(", "))))?;
        let plan = options.plan();
        if let Some((argument, message)) = plan.refusal() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{argument}: {message}")));
        }
        let mut scratch = Scratch::default();
        let (doors, base, plain, ca_file) = doors(&options, &mut scratch)?;
        let clock = Clock::new(options.now);
        let wrong = |message: String| io::Error::new(io::ErrorKind::InvalidInput, message);
        let (mut pristine, beside) = match &options.document {
            Some(document) => data::read_world(document, clock.start(), true).map_err(wrong)?,
            None => (seed::planned(clock.start(), &plan), crate::json::Value::Null),
        };
        pristine.add_older_alerts(options.older_alerts);
        let pristine = pristine;
        let analyst = pristine.users.iter().filter(|u| u.enabled && !u.privileged);
        let analyst =
            analyst.clone().find(|u| u.title.contains("Security") || u.department.contains("Security")).or_else(|| analyst.clone().next());
        let identity = Identity {
            tenant_id: pristine.id.clone(),
            tenant_name: pristine.name.clone(),
            domain: pristine.domain.clone(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            public_client_id: PUBLIC_CLIENT_ID.to_owned(),
            user: analyst.map_or_else(|| format!("analyst@{}", pristine.domain), |u| u.upn.to_string()),
            user_password: USER_PASSWORD.to_owned(),
            managed_client_id: managed::ASSIGNED.client_id.to_owned(),
            managed_object_id: managed::ASSIGNED.object_id.to_owned(),
            managed_resource_id: managed::ASSIGNED.resource_id.to_owned(),
        };
        let mut store = Store::new(pristine.clone());
        store.register(&beside).map_err(wrong)?;
        let quotas = Mutex::new(quotas::Quotas::new(options.quotas));
        let limits = Mutex::new(options.limits);
        let house = Arc::new(House {
            base,
            plain,
            ca_file,
            identity,
            clock,
            options,
            store: Mutex::new(store),
            beside,
            pristine,
            directory: Mutex::new(directory),
            faults: Mutex::default(),
            log: Mutex::default(),
            forms: Mutex::new(VecDeque::new()),
            agents: Mutex::new(managed::Agents::default()),
            scratch: Mutex::new(scratch),
            blobs: Mutex::default(),
            quotas,
            limits,
        });
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = server::spawn(Arc::clone(&house), doors, stopped)?;
        Ok(Sandbox { house, stop: Some(stop), thread: Some(thread), process: std::process::id() })
    }

    /// Where it listens, such as `http://127.0.0.1:41234` or `https://localhost:41234`: the base URL of all services and the sign-in
    /// authority.
    pub fn url(&self) -> &str {
        &self.house.base
    }

    /// The same without TLS, where managed identities are asked for their tokens.
    pub fn http_url(&self) -> &str {
        &self.house.plain
    }

    /// A PEM file with the certificate that its callers shall trust, until it stops; none without TLS.
    pub fn ca_file(&self) -> Option<&str> {
        self.house.ca_file.as_deref()
    }

    /// What other programs need to talk to it, in the language of each.
    pub fn snippets(&self) -> Vec<Snippet> {
        page::snippets(&self.house)
    }

    /// Who is who in the tenant.
    pub fn identity(&self) -> Identity {
        self.house.identity.clone()
    }

    /// Every request since the start or the last reset, without those to `/_sandbox/`; the last 100,000.
    pub fn requests(&self) -> Vec<RequestRecord> {
        lock(&self.house.log).iter().cloned().collect()
    }

    /// Every request that was no operation's, with its form, if [`Options::record_forms`] says so.
    pub fn token_requests(&self) -> Vec<FormRecord> {
        lock(&self.house.forms).iter().cloned().collect()
    }

    /// Lets the application sign in with the key of an X.509 certificate (PEM; the first one in it). Answers its SHA-1 thumbprint as the
    /// portal shows it.
    pub fn register_certificate(&self, pem: &str) -> io::Result<String> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
        let certificate = entra::Certificate::read(pem).map_err(wrong)?;
        let thumbprint = certificate.thumbprint();
        self.house.directory().register(certificate);
        Ok(thumbprint)
    }

    /// A token of a made-up platform, such as a cluster gives to its workloads, that the application may present instead of a secret.
    /// `trusted`: whether the application has a federated credential for that subject from now on.
    pub fn federated_token(&self, subject: &str, audience: &str, lifetime: u32, trusted: bool) -> String {
        entra::federated_token(&self.house, subject, audience, lifetime, trusted)
    }

    /// Every token that was given out is over: calls with one are refused, and ask for a newer one where the client said that it
    /// understands (`xms_cc`). Refresh tokens stay good unless said otherwise.
    pub fn revoke_sessions(&self, refresh_tokens: bool) {
        let now = self.house.clock.now();
        self.house.directory().revoke_sessions(now, refresh_tokens);
    }

    /// From now on that person cannot sign in with a password alone. False: no such person.
    pub fn require_mfa(&self, user: &str) -> bool {
        let known = self.house.people().into_iter().find(|(upn, _)| upn.eq_ignore_ascii_case(user));
        known.is_some_and(|(upn, _)| self.house.directory().require_mfa(&upn))
    }

    /// The environment variables of a platform with managed identities, whose agent says the end of a token in that form from now on.
    pub fn managed_identity(&self, platform: Platform, expires_on: ExpiresOn) -> Vec<(&'static str, String)> {
        managed::environment(&self.house, platform, expires_on)
    }

    /// Tenant, permissions, faults and log as at the start. Tokens stay good.
    pub fn reset(&self) {
        self.house.reset();
    }

    /// Signs a user in on the other side of a device code: a user principal name, or the seeded user. False: no such open code, or no such user.
    pub fn approve(&self, user_code: &str, user: Option<&str>) -> bool {
        self.house.approve(user_code, user)
    }

    /// Declines a device code. False: no such open code.
    pub fn deny(&self, user_code: &str) -> bool {
        self.house.deny(user_code)
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        lock(&self.house.log).clear();
    }

    /// Adds trouble behind what is there. Answers its id, which the answers to requests that meet it carry (`x-sandbox-fault`).
    pub fn fault(&self, fault: Fault) -> u64 {
        lock(&self.house.faults).add(fault)
    }

    /// What is planned, as `GET /_sandbox/faults` lists it, with how often each was met.
    pub fn faults(&self) -> Value {
        lock(&self.house.faults).to_json()
    }

    /// How many requests met that fault; none: there is no such fault any more.
    pub fn fault_used(&self, id: u64) -> Option<u32> {
        lock(&self.house.faults).used(id)
    }

    /// Takes a fault out of the plan. False: it is not there.
    pub fn remove_fault(&self, id: u64) -> bool {
        lock(&self.house.faults).remove(id)
    }

    /// Nothing goes wrong any more.
    pub fn clear_faults(&self) {
        lock(&self.house.faults).clear();
    }

    /// Whom probabilities meet and how long delays are, from now on.
    pub fn set_fault_seed(&self, seed: u64) {
        lock(&self.house.faults).seed = seed;
    }

    /// What chooses whom probabilities meet.
    pub fn fault_seed(&self) -> u64 {
        lock(&self.house.faults).seed
    }

    /// Where things are put into the running sandbox.
    pub fn inlet(&self) -> Inlet {
        Inlet(self.house.clone())
    }

    /// Grants a permission to the application and the user, for tokens from now on. False: the declaration knows no such permission.
    pub fn grant(&self, permission: &str) -> bool {
        self.house.directory().grant(permission)
    }

    /// Takes a permission back, for tokens from now on. False: it was not granted.
    pub fn revoke(&self, permission: &str) -> bool {
        self.house.directory().revoke(permission)
    }

    /// Lets the sandbox's time pass: seconds.
    pub fn advance(&self, seconds: u32) {
        self.house.clock.advance(i64::from(seconds) * clock::SECOND);
    }

    /// Lets time pass: `"5m"`, `"1h30m"`, or a number of seconds.
    pub fn advance_by(&self, time: &Value) -> Result<(), String> {
        let ticks =
            clock::span_of(time).ok_or_else(|| format!("{time} is not allowed; it is a length of time such as \"5m\", or seconds"))?;
        self.house.clock.advance(ticks);
        Ok(())
    }

    /// It is then, in ticks of 100 ns since year 1. Refused where that lies in the past.
    pub fn set_now(&self, ticks: i64) -> Result<(), String> {
        self.house.clock.set(ticks)
    }

    /// Its time stands still, or moves again; it can be pushed on in both.
    pub fn freeze(&self, still: bool) {
        self.house.clock.freeze(still);
    }

    /// Whether its time stands still.
    pub fn is_frozen(&self) -> bool {
        self.house.clock.is_frozen()
    }

    /// Its present, in ticks of 100 ns since year 1.
    pub fn now(&self) -> i64 {
        self.house.clock.now()
    }

    /// Its time, to look at and to push.
    pub fn time(&self) -> Time {
        Time(self.house.clone())
    }

    /// Whether the declared quotas of calls are kept.
    pub fn keeps_quotas(&self) -> bool {
        lock(&self.house.quotas).are_kept
    }

    /// From now on the declared quotas of calls are kept, or not.
    pub fn keep_quotas(&self, keep: bool) {
        lock(&self.house.quotas).are_kept = keep;
    }

    /// How much of the CPU quota of hunting is used; 1.0 is all of it.
    pub fn cpu_quota_used(&self) -> f64 {
        lock(&self.house.quotas).cpu_used(self.house.clock.now())
    }

    /// So much of the CPU quota is used until the next quarter of an hour.
    pub fn use_cpu_quota(&self, share: f64) {
        lock(&self.house.quotas).use_cpu(share, self.house.clock.now());
    }

    /// Seconds that queries ran on the Endpoint service within the last hour.
    pub fn run_time_used(&self) -> f64 {
        lock(&self.house.quotas).run_time(self.house.clock.now())
    }

    /// Queries ran for so many seconds more.
    pub fn use_run_time(&self, seconds: f64) {
        lock(&self.house.quotas).ran(seconds, self.house.clock.now());
    }

    /// Seconds that each query says that it ran; without: as long as it did.
    pub fn execution_time(&self) -> Option<f64> {
        lock(&self.house.quotas).execution_time
    }

    /// Each query says that it ran for so many seconds.
    pub fn set_execution_time(&self, seconds: Option<f64>) {
        lock(&self.house.quotas).execution_time = seconds;
    }

    /// How much a hunt may bring, and how long it may take.
    pub fn limits(&self) -> Limits {
        *lock(&self.house.limits)
    }

    /// Other limits from now on, until a reset.
    pub fn set_limits(&self, limits: Limits) {
        *lock(&self.house.limits) = limits;
    }

    /// Where it does as the services are seen to do.
    pub fn quirks(&self) -> Quirks {
        self.house.options.quirks
    }

    /// Stops listening, closes all connections and waits for the thread. Idempotent.
    pub fn stop(&mut self) {
        let (stop, thread) = (self.stop.take(), self.thread.take());
        if self.process != std::process::id() {
            // After a fork the thread exists in the parent alone: waking it could take a lock that is never let go, and waiting for it
            // would be for ever.
            std::mem::forget((stop, thread));
            return;
        }
        drop(stop);
        if let Some(thread) = thread {
            let _ = thread.join();
        }
        lock(&self.house.scratch).clear();
    }
}

/// Where things are put into a running sandbox.
#[derive(Clone)]
pub struct Inlet(Arc<House>);

impl Inlet {
    /// Puts something in, or reads it: an action with JSON, as under `/_sandbox/`. The error names the argument.
    pub fn apply(&self, action: &str, given: &crate::json::Value) -> Result<crate::json::Value, String> {
        data::apply(&self.0, action, given)
    }
}

/// The time of a sandbox.
#[derive(Clone)]
pub struct Time(Arc<House>);

impl Time {
    /// Ticks of 100 ns since year 1.
    pub fn now(&self) -> i64 {
        self.0.clock.now()
    }

    /// Lets so many ticks pass.
    pub fn advance(&self, ticks: i64) {
        self.0.clock.advance(ticks);
    }
}

/// Opens the doors: the addresses with and without TLS, and the file with the authority.
fn doors(options: &Options, scratch: &mut Scratch) -> io::Result<(Vec<Door>, String, String, Option<String>)> {
    let plain_url = |door: &Door| door.port().map(|port| format!("http://127.0.0.1:{port}"));
    if !options.tls {
        let door = Door::plain(options.port)?;
        let url = plain_url(&door)?;
        return Ok((vec![door], url.clone(), url, None));
    }
    let keys = tls::keys()?;
    let mut doors = Door::secure(options.port, &keys.config)?;
    let port = doors.first().map_or(Ok(0), Door::port)?;
    let door = Door::plain(0)?;
    let plain = plain_url(&door)?;
    doors.push(door);
    let file = scratch.write("ca.pem", &keys.authority)?;
    Ok((doors, format!("https://localhost:{port}"), plain, Some(text_of(&file))))
}

fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop();
    }
}
