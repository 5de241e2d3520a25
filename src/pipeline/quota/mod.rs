//! The services' quotas, kept before they are refused.
//!
//! A quota belongs to a tenant, not to a client: so there is one [`Lane`] for each tenant, service and quota in the process, and every thread, task
//! and client goes through it. It knows the calls that were made, what the service last said about waiting, and who waits; it lets one through
//! after the other, in order. A child process begins with lanes of its own.

mod gate;
mod lane;
mod sliding;
#[cfg(test)]
mod tests;

pub(super) use gate::asked;
pub(super) use lane::{Lane, Pass, Refusal, Why};

use crate::{
    auth::Tokens,
    clock::Clock,
    cloud,
    error::{Error, Result, did_you_mean, listed},
    ops::{
        self,
        model::{Operation, Quota, Service},
    },
    perprocess::PerProcess,
};
use lane::{Patience, Who};
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use url::Url;

/// All three hunting quotas, in settings.
const HUNTING: &str = "hunting";

/// Which limits a client keeps by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Limits {
    /// The documented ones against the services' own hosts, none against others.
    #[default]
    ByHost,
    /// The documented ones.
    Documented,
    /// None; a service that asks to wait is obeyed all the same.
    Off,
    /// The documented ones, but for these calls a minute by name.
    Own(Vec<(&'static str, u32)>),
}

impl Limits {
    /// Other calls a minute by the names of quotas.
    pub fn own(given: &[(String, u32)]) -> Result<Limits> {
        let names: Vec<&'static str> = [HUNTING].into_iter().chain(Quota::ALL.iter().map(|q| q.name)).collect();
        let mut own = Vec::new();
        for (name, calls) in given {
            let Some(known) = names.iter().find(|n| *n == name) else {
                let guess = did_you_mean(name, names.iter().copied());
                return Err(Error::setting("limits", format!("{name:?} is no quota; it is {}.{guess}", listed(&names))));
            };
            if !(1..=1_000_000).contains(calls) {
                return Err(Error::setting("limits", format!("{calls} calls a minute for {name:?} are not allowed; it is 1 to 1000000")));
            }
            own.push((*known, *calls));
        }
        Ok(Limits::Own(own))
    }

    fn rule(&self, quota: &Quota, is_own_host: bool) -> Rule {
        let documented = Rule { per_minute: quota.per_minute, per_hour: quota.per_hour, run_hour: quota.run_hour, run_day: quota.run_day };
        match self {
            Limits::Off => Rule::default(),
            Limits::ByHost if !is_own_host => Rule::default(),
            Limits::ByHost | Limits::Documented => documented,
            Limits::Own(own) => {
                let named = |wanted: &str| own.iter().rev().find(|(name, _)| *name == wanted).map(|(_, calls)| *calls);
                let hunting = || if is_hunting(quota) { named(HUNTING) } else { None };
                let own = named(quota.name).or_else(|| named(family(quota))).or_else(hunting);
                Rule { per_minute: own.unwrap_or(documented.per_minute), ..documented }
            }
        }
    }
}

/// The name under which the limit is declared.
fn family(quota: &Quota) -> &'static str {
    if ops::by_id(quota.name).is_some() { Quota::ENDPOINT.name } else { quota.name }
}

fn is_hunting(quota: &Quota) -> bool {
    [Quota::HUNTING_GRAPH, Quota::HUNTING_XDR, Quota::HUNTING_ENDPOINT].iter().any(|q| q.name == quota.name)
}

/// What a client keeps to, where.
#[derive(Clone, Debug, Default)]
pub struct Quotas {
    limits: Limits,
    /// Where each service is, in the order of [`Service::ALL`]; empty for the services' own hosts, which are all one.
    places: [String; 3],
}

impl Quotas {
    /// For services at these base URLs, in the order of [`Service::ALL`].
    pub fn new(limits: Limits, bases: &[Url; 3]) -> Quotas {
        let place = |url: &Url| if cloud::is_own(url) { String::new() } else { url.origin().ascii_serialization() };
        Quotas { limits, places: bases.each_ref().map(place) }
    }

    fn place(&self, service: Service) -> &str {
        let [endpoint, xdr, graph] = &self.places;
        match service {
            Service::Endpoint => endpoint,
            Service::Xdr => xdr,
            Service::Graph => graph,
        }
    }
}

/// The limits that one caller keeps; 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rule {
    per_minute: u32,
    per_hour: u32,
    run_hour: u32,
    run_day: u32,
}

impl Rule {
    fn is_none(&self) -> bool {
        *self == Rule::default()
    }
}

/// What is known of a quota.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Calls a minute that this client keeps to.
    pub per_minute: Option<u32>,
    /// Calls an hour.
    pub per_hour: Option<u32>,
    /// Calls of this process within the last minute.
    pub used_minute: u32,
    /// Within the last hour.
    pub used_hour: u32,
    /// How many may go at once; nothing where there is no limit.
    pub free_now: Option<u32>,
    /// When the next may go, if none waits.
    pub next_free_in: Duration,
    /// How many wait.
    pub waiting: usize,
    /// How long the service asked to wait, from now.
    pub closed_for: Duration,
    /// Seconds that queries ran within the last hour, where that is limited.
    pub run_time_used_hour: Option<f64>,
    /// Within the last day.
    pub run_time_used_day: Option<f64>,
}

/// Whose quota it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Owner {
    Tenant(String),
    /// No tenant is known: the credential, by its address.
    Credential(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    owner: Owner,
    place: String,
    name: &'static str,
    clock: u64,
}

#[derive(Debug)]
struct Registered {
    lane: Arc<Lane>,
    /// Keeps the address of a credential from being used again.
    credential: Option<Weak<Tokens>>,
}

type Registry = Mutex<HashMap<Key, Registered>>;
static REGISTRY: PerProcess<Registry> = PerProcess::new();

fn registry() -> Arc<Registry> {
    REGISTRY.get_or_try_make(|| Ok::<_, Infallible>(Registry::default())).unwrap_or_else(|never| match never {})
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A service began anew at that origin, such as a sandbox: nothing that an earlier one said is true any more.
pub fn forget(origin: &str) {
    for (_, known) in lock(&registry()).iter().filter(|(key, _)| key.place == origin) {
        known.lane.clear();
    }
}

/// Of which quota a call is a part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) service: Service,
    pub(super) quota: Quota,
}

impl Part {
    pub(super) fn of(service: Service, op: Option<&Operation>) -> Part {
        let unknown = || match service {
            Service::Endpoint => Quota::ENDPOINT,
            _ => Quota { name: service.name(), per_minute: 0, per_hour: 0, run_hour: 0, run_day: 0 },
        };
        let of = |op: &Operation| Quota { name: op.counted_as(), ..op.quota };
        Part { service, quota: op.map_or_else(unknown, of) }
    }

    fn is(&self, other: &Part) -> bool {
        (self.service, self.quota.name) == (other.service, other.quota.name)
    }

    pub(super) fn is_hunting(&self) -> bool {
        is_hunting(&self.quota)
    }
}

/// The lanes of one client.
#[derive(Debug)]
pub(super) struct Lanes {
    quotas: Quotas,
    owner: Owner,
    tokens: Weak<Tokens>,
    client: u64,
    seen: Mutex<Vec<(Part, Arc<Lane>)>>,
}

impl Lanes {
    pub(super) fn new(quotas: Quotas, tokens: &Arc<Tokens>, tenant: Option<&str>) -> Lanes {
        static CLIENTS: AtomicU64 = AtomicU64::new(0);
        let owner = match tenant.or(tokens.credential().tenant()) {
            Some(tenant) => Owner::Tenant(tenant.to_ascii_lowercase()),
            None => Owner::Credential(Arc::as_ptr(tokens) as usize),
        };
        let client = CLIENTS.fetch_add(1, Relaxed);
        Lanes { quotas, owner, tokens: Arc::downgrade(tokens), client, seen: Mutex::default() }
    }

    fn key(&self, part: &Part, clock: &dyn Clock) -> Key {
        Key { owner: self.owner.clone(), place: self.quotas.place(part.service).to_owned(), name: part.quota.name, clock: clock.id() }
    }

    pub(super) fn rule(&self, part: &Part) -> Rule {
        self.quotas.limits.rule(&part.quota, self.quotas.place(part.service).is_empty())
    }

    fn lane(&self, part: &Part, clock: &dyn Clock) -> Arc<Lane> {
        let mut seen = lock(&self.seen);
        if let Some((_, lane)) = seen.iter().find(|(known, _)| known.is(part)) {
            return lane.clone();
        }
        let credential = matches!(self.owner, Owner::Credential(_)).then(|| self.tokens.clone());
        let registry = registry();
        let mut known = lock(&registry);
        let lane = match known.get(&self.key(part, clock)) {
            Some(there) => there.lane.clone(),
            None => {
                // Credentials and clocks that are gone do not come back.
                let is_gone = |key: &Key, r: &Registered| {
                    r.credential.as_ref().is_some_and(|c| c.strong_count() == 0) || key.clock > 0 && Arc::strong_count(&r.lane) == 1
                };
                known.retain(|key, r| !is_gone(key, r));
                let lane = Arc::new(Lane::new());
                known.insert(self.key(part, clock), Registered { lane: lane.clone(), credential });
                lane
            }
        };
        seen.push((*part, lane.clone()));
        lane
    }

    /// Waits until a call may begin. `again`: it was sent before, and does not stand in line once more.
    pub(super) async fn enter(
        &self,
        part: &Part,
        again: bool,
        left: Duration,
        asked: Duration,
        clock: &dyn Clock,
    ) -> std::result::Result<Pass, Refusal> {
        let who = Who { client: self.client, rule: self.rule(part), again };
        let patience = Patience { ends: clock.monotonic().saturating_add(left), asked };
        self.lane(part, clock).enter(who, patience, clock).await
    }

    /// The service asked to wait.
    pub(super) fn close(&self, part: &Part, wait: Duration, by_schedule: bool, clock: &dyn Clock) {
        self.lane(part, clock).close(wait, by_schedule, clock);
    }

    /// A query ran so long.
    pub(super) fn ran(&self, part: &Part, time: Duration, clock: &dyn Clock) {
        self.lane(part, clock).ran(time, clock);
    }

    /// How long so many further calls take to begin.
    pub(super) fn plan(&self, part: &Part, calls: usize, clock: &dyn Clock) -> Duration {
        self.lane(part, clock).plan(&self.rule(part), calls, clock)
    }

    /// The quotas of hunting, and all others that this client has used.
    pub(super) fn views(&self, clock: &dyn Clock) -> Vec<(Part, View)> {
        let hunting =
            [(Service::Graph, Quota::HUNTING_GRAPH), (Service::Xdr, Quota::HUNTING_XDR), (Service::Endpoint, Quota::HUNTING_ENDPOINT)];
        let mut parts: Vec<Part> = hunting.into_iter().map(|(service, quota)| Part { service, quota }).collect();
        for (part, _) in lock(&self.seen).iter() {
            if !parts.iter().any(|p| p.is(part)) {
                parts.push(*part);
            }
        }
        parts.into_iter().map(|part| (part, self.lane(&part, clock).view(&self.rule(&part), clock))).collect()
    }
}
