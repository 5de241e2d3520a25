//! Advanced hunting: three endpoints, one meaning.
//!
//! The two older endpoints stop returning data on 2027-02-01; Graph knows everything they know. `Auto` takes the first endpoint that the
//! token allows, Graph first, and the result says which it was.

pub mod arriving;
mod kept;
pub mod lint;
pub mod local;
pub mod offline;
mod reads;
pub mod schema;
pub mod split;
pub mod window;

pub use arriving::Arriving;
pub use split::{Reads, Unsafe, Verdict, reads};
pub use window::{Part, Window, Written};

use crate::{
    decode::Decoded,
    error::{Error, Kind, Result},
    json::{Object, Value},
    ops::{
        self,
        model::{Operation, Service},
    },
    table::Table,
};
use std::{fmt, time::Duration};

/// The service returns at most this many rows.
pub const ROW_CAP: usize = 100_000;

/// Which endpoint to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Api {
    /// The first that the token allows: Graph, then XDR, then Endpoint.
    #[default]
    Auto,
    /// That service's.
    Only(Service),
}

impl Api {
    /// `auto`, `graph`, `xdr` or `endpoint`.
    pub fn from_name(name: &str) -> Result<Api> {
        match (name, Service::from_name(name)) {
            ("auto", _) => Ok(Api::Auto),
            (_, Some(service)) => Ok(Api::Only(service)),
            _ => Err(Error::argument("api", format!("{name:?} is not allowed; it is \"auto\", \"graph\", \"xdr\" or \"endpoint\""))
                .detail("allowed", vec!["auto", "graph", "xdr", "endpoint"])),
        }
    }

    /// The services to try, in order.
    pub fn candidates(self) -> &'static [Service] {
        match self {
            Api::Auto => &[Service::Graph, Service::Xdr, Service::Endpoint],
            Api::Only(Service::Graph) => &[Service::Graph],
            Api::Only(Service::Xdr) => &[Service::Xdr],
            Api::Only(Service::Endpoint) => &[Service::Endpoint],
        }
    }
}

/// The hunting operation of a service.
pub fn operation(service: Service) -> Result<&'static Operation> {
    let id = match service {
        Service::Graph => "graph.hunting.run",
        Service::Xdr => "hunting.run_xdr",
        Service::Endpoint => "hunting.run_endpoint",
    };
    ops::by_id(id).ok_or_else(|| Error::new(Kind::Internal, format!("{id} is not declared")))
}

/// What to hunt for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// KQL text.
    pub text: String,
    /// When.
    pub window: Window,
    /// Where.
    pub api: Api,
    /// Whether the window is written into the query on every endpoint, so that it begins and ends to the tick.
    pub exact: bool,
    /// Which part of the rows.
    pub part: Option<Part>,
}

impl Query {
    /// Checks the text; the window and the endpoint were checked when they were made.
    pub fn check(&self) -> Result<()> {
        let meaningful = self.text.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"));
        if meaningful { Ok(()) } else { Err(Error::argument("query", "is empty")) }
    }

    /// The arguments of a service's operation. Graph takes the window beside the query; the others get it in the query.
    pub fn arguments(&self, service: Service) -> Result<Object> {
        let written = self.window.write(&self.text, service, self.exact, self.part.as_ref())?;
        let mut arguments = Object::new();
        arguments.insert("query".to_owned(), Value::from(written.query));
        if service == Service::Graph {
            arguments.insert("timespan".to_owned(), written.timespan.into());
        }
        Ok(arguments)
    }
}

/// Why an answer may hold less than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TruncatedBy {
    /// It has as many rows as the service gives.
    Rows,
    /// It is as large as the service lets it become.
    Bytes(u64),
}

impl TruncatedBy {
    /// `rows` or `bytes`.
    pub const fn reason(self) -> &'static str {
        match self {
            TruncatedBy::Rows => "rows",
            TruncatedBy::Bytes(_) => "bytes",
        }
    }
}

impl fmt::Display for TruncatedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TruncatedBy::Rows => write!(f, "the service returns at most {ROW_CAP} rows"),
            TruncatedBy::Bytes(most) => write!(f, "the service returns at most {} MB", most / 1_000_000),
        }
    }
}

/// How large an answer of a service can be.
fn byte_cap(service: Service) -> u64 {
    if service == Service::Graph { 50_000_000 } else { 124_000_000 }
}

/// An answer with where it came from.
#[derive(Clone, Debug)]
pub struct Hunted {
    /// The rows.
    pub table: Table,
    /// Which endpoint answered, if one did.
    pub api: Option<Service>,
    /// The final text of the query.
    pub query: String,
    /// From the first try to the last byte.
    pub elapsed: Duration,
    /// The service's ids of the requests.
    pub request_ids: Vec<String>,
    /// When was asked for.
    pub window: Window,
    /// What the older endpoints tell about the run.
    pub stats: Option<Value>,
    /// Why there may be more than this, if so.
    pub truncated: Option<TruncatedBy>,
    /// The size of the answer, unpacked.
    pub bytes: u64,
    /// How often it was asked for.
    pub tries: u32,
    /// How long it waited for quotas.
    pub waited: Duration,
    /// The windows that a hunt in pieces could not read, if there are any: a list.
    pub missing: Option<Value>,
}

impl Hunted {
    /// Rows of which nothing else is known.
    pub fn of(table: Table) -> Hunted {
        Hunted {
            table,
            api: None,
            query: String::new(),
            elapsed: Duration::ZERO,
            request_ids: Vec::new(),
            window: Window::default(),
            stats: None,
            truncated: None,
            bytes: 0,
            tries: 0,
            waited: Duration::ZERO,
            missing: None,
        }
    }

    /// All but the rows.
    #[must_use]
    pub fn facts(&self) -> Hunted {
        Hunted {
            table: Table::default(),
            query: self.query.clone(),
            request_ids: self.request_ids.clone(),
            window: self.window.clone(),
            stats: self.stats.clone(),
            missing: self.missing.clone(),
            ..*self
        }
    }

    /// What an answer held, of which so many rows went out before.
    pub fn answered(decoded: Decoded, given: usize, service: Service) -> Hunted {
        let stats = decoded.members.iter().find(|(key, _)| key.eq_ignore_ascii_case("stats")).map(|(_, stats)| stats.clone());
        let truncated = arriving::truncated(given + decoded.table.rows(), decoded.bytes, byte_cap(service));
        Hunted { api: Some(service), stats, truncated, bytes: decoded.bytes, ..Hunted::of(decoded.table) }
    }
}
