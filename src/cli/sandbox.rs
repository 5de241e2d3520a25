//! `xdr sandbox up`: a sandbox for programs in other processes and languages, until it is stopped.

use super::printing;
use crate::{
    error::{Error, Kind, Result, did_you_mean},
    json::{self, Value},
    sandbox::{Identity, Options, Sandbox, Snippet, seed::Kind as WorldKind},
};
use clap::{Args, builder::PossibleValuesParser};
use flate2::read::GzDecoder;
use std::{
    io::{self, Read, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// 1970, in ticks of 100 ns since year 1.
const EPOCH: i64 = 621_355_968_000_000_000;
/// Where it listens unless told otherwise, so that what was pasted once goes on to work.
const USUAL_PORT: u16 = 8080;

/// The sandbox that runs, for whoever stops the command.
static RUNNING: Mutex<Option<Sandbox>> = Mutex::new(None);

#[derive(Args)]
pub(super) struct Up {
    /// The port on 127.0.0.1; 0 takes a free one. Default: 8080, or a free one if that is taken.
    #[arg(long)]
    port: Option<u16>,
    /// Speak https, with a certificate of its own; SSL_CERT_FILE is then the file to trust.
    #[arg(long, alias = "tls")]
    https: bool,
    /// What the tenant is seeded with: intrusion, empty, large, or a file that Sandbox.dump wrote.
    #[arg(long, default_value = "intrusion")]
    world: String,
    /// Chooses ids, times and background events.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many machines there are. Default: as many as the world has.
    #[arg(long)]
    machines: Option<usize>,
    /// How many days everyday life goes back, up to 30.
    #[arg(long)]
    days: Option<u8>,
    /// The sandbox's present at the start, as ISO 8601 with a zone, such as 2026-11-01T08:00:00Z. Default: now.
    #[arg(long)]
    now: Option<String>,
    /// Leave device codes to be approved on the sandbox's device page.
    #[arg(long)]
    no_auto_approve: bool,
    /// Open the status page in the browser.
    #[arg(long)]
    open: bool,
    /// Print only what that program needs, to be pasted.
    #[arg(long, value_name = "LANGUAGE", value_parser = PossibleValuesParser::new(Snippet::NAMES))]
    env: Option<String>,
    /// Print the address and nothing else.
    #[arg(long, conflicts_with = "env")]
    quiet: bool,
}

fn running() -> MutexGuard<'static, Option<Sandbox>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stops the sandbox that `xdr sandbox up` started, if there is one, and takes its files away.
pub fn stop_sandbox() {
    drop(running().take());
}

/// Starts one, says how to get in, and serves until [`stop_sandbox`].
pub(super) fn up(wanted: Up) -> Result<()> {
    let (world, document) = world(&wanted)?;
    let usual = Options::default();
    let options = Options {
        world,
        document,
        machines: wanted.machines,
        days: wanted.days.map_or(usual.days, i64::from),
        now: wanted.now.as_deref().map(moment).transpose()?,
        seed: wanted.seed,
        auto_approve: !wanted.no_auto_approve,
        tls: wanted.https,
        ..usual
    };
    let sandbox = start(options, wanted.port)?;
    let page = format!("{}/", sandbox.url());
    let mut text = match (&wanted.env, wanted.quiet) {
        (Some(name), _) => sandbox.snippets().into_iter().find(|s| s.name == name).map(|s| s.text).unwrap_or_default(),
        (None, true) => sandbox.url().to_owned(),
        (None, false) => for_people(&sandbox),
    };
    *running() = Some(sandbox);
    // In one piece, so that a reader has all of it or nothing.
    text.push('\n');
    let mut out = io::stdout().lock();
    // Whoever closed the pipe has read the address, or wants none: the sandbox is still there for others.
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            stop_sandbox();
            return Err(printing(&e));
        }
        _ => drop(out),
    }
    if wanted.open && !crate::auth::open_page(&page) {
        let _ = writeln!(io::stderr(), "xdr: no browser could be opened; the status page is {page}");
    }
    loop {
        std::thread::park();
    }
}

fn start(options: Options, port: Option<u16>) -> Result<Sandbox> {
    let at = |port| Sandbox::start(Options { port, ..options.clone() });
    let taken = |e: &io::Error| matches!(e.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied);
    let started = match port {
        Some(port) => at(port),
        None => at(USUAL_PORT).or_else(|e| if taken(&e) { at(0) } else { Err(e) }),
    };
    started.map_err(|e| match port {
        _ if e.kind() == io::ErrorKind::InvalidInput => {
            let text = e.to_string();
            let (argument, what) = text.split_once(": ").unwrap_or(("world", &text));
            Error::argument(argument, what)
        }
        Some(port) if e.kind() == io::ErrorKind::AddrInUse => {
            Error::argument("port", format!("{port} is taken by another program; without --port a free one is found"))
        }
        Some(port) if e.kind() == io::ErrorKind::PermissionDenied => Error::argument("port", format!("{port} may not be used: {e}")),
        _ => Error::new(Kind::Configuration, format!("the sandbox does not start: {e}")),
    })
}

/// A world by its name, or the document of a file.
fn world(wanted: &Up) -> Result<(WorldKind, Option<Value>)> {
    let name = wanted.world.as_str();
    if let Some(kind) = WorldKind::parse(name) {
        return Ok((kind, None));
    }
    let wrong = |what: String| Error::argument("world", what);
    if !name.contains(['.', '/', '\\']) {
        let guess = did_you_mean(name, WorldKind::NAMES);
        return Err(wrong(format!("{name:?} is not allowed; it is {}, or the path of a file.{guess}", WorldKind::NAMES.join(", "))));
    }
    for (argument, given) in [("machines", wanted.machines.is_some()), ("days", wanted.days.is_some())] {
        if given {
            return Err(Error::argument(argument, "a world of a file has its own"));
        }
    }
    let mut data = std::fs::read(name).map_err(|e| wrong(format!("{name}: {e}")))?;
    if name.ends_with(".gz") {
        let mut whole = Vec::new();
        GzDecoder::new(data.as_slice()).read_to_end(&mut whole).map_err(|e| wrong(format!("{name}: {e}")))?;
        data = whole;
    }
    let document = json::parse(&data).map_err(|e| wrong(format!("{name} is no JSON: {e}")))?;
    Ok((WorldKind::default(), Some(document)))
}

fn moment(text: &str) -> Result<i64> {
    let wrong = || Error::argument("now", format!("{text:?} is no time in ISO 8601 with a zone, such as 2026-11-01T08:00:00Z"));
    let stamp: jiff::Timestamp = text.trim().parse().map_err(|_| wrong())?;
    i64::try_from(stamp.as_nanosecond().div_euclid(100)).ok().and_then(|n| n.checked_add(EPOCH)).ok_or_else(wrong)
}

fn for_people(sandbox: &Sandbox) -> String {
    let Identity { tenant_name, tenant_id, client_id, client_secret, user, user_password, .. } = sandbox.identity();
    let url = sandbox.url();
    let mut text = format!("# {tenant_name} is at {url}; Ctrl-C stops it.\n#\n");
    let facts = [
        ("Status page", format!("{url}/")),
        ("Tenant", tenant_id),
        ("App", client_id),
        ("Secret", client_secret),
        ("User", user),
        ("Password", user_password),
    ];
    for (name, value) in facts {
        text.push_str(&format!("#   {name:<12} {value}\n"));
    }
    if let Some(file) = sandbox.ca_file() {
        text.push_str(&format!("#   {:<12} {file}\n", "Certificate"));
    }
    for snippet in sandbox.snippets().iter().filter(|s| s.name != "json") {
        text.push_str(&format!("\n# ---- {} ----\n{}\n", snippet.label, snippet.text));
    }
    text.push_str(&format!("\n# One of these alone: --env NAME. Status page: {url}/"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_a_zone() {
        let noon = moment("2026-11-21T12:00:00Z").unwrap();
        assert_eq!(moment("2026-11-21T13:00:00+01:00").unwrap(), noon);
        for bad in ["", "2026-11-21", "2026-11-21T12:00:00", "noon"] {
            assert!(moment(bad).unwrap_err().to_string().contains("now"), "{bad}");
        }
    }
}
