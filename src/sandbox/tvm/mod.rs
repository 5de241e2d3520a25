//! What vulnerability management knows: software, vulnerabilities and updates, counted over the tenant's machines.
//!
//! Everything is worked out from the catalogue that the hunting tables are made of, so that whoever compares the two finds them equal.

pub(super) mod advice;
pub(super) mod inventory;

use super::clock;
use super::seed::software::{self, PRODUCTS, Product, Weakness};
use super::seed::{Machine, Risk};
use crate::json::{Value, object};

/// A number out of words: the same in every run.
pub(super) fn draw(words: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in words.iter().flat_map(|w| w.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^ (hash >> 29)
}

/// Hexadecimal digits out of words: at most 64.
pub(super) fn hex(words: &[&str], digits: usize) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, words.join("\0").as_bytes());
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect::<String>().chars().take(digits).collect()
}

pub(super) fn text(value: &str) -> Value {
    if value.is_empty() { Value::Null } else { value.into() }
}

pub(super) fn texts<S: AsRef<str>>(items: &[S]) -> Value {
    Value::Array(items.iter().map(|s| s.as_ref().into()).collect())
}

fn count(items: impl Iterator) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}

/// To one digit.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// The product of that id, whatever the letter case.
pub(super) fn product(id: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|p| p.id().eq_ignore_ascii_case(id))
}

/// The machines that a vulnerability exposes.
pub(super) fn exposed<'m>(machines: &'m [Machine], weakness: &'static Weakness) -> impl Iterator<Item = &'m Machine> {
    machines.iter().filter(|m| weakness.products().any(|p| p.is_on(m)))
}

/// A `MachineReference`.
pub(super) fn reference(machine: &Machine) -> Value {
    object([
        ("id", (*machine.id).into()),
        ("computerDnsName", (*machine.name).into()),
        ("osPlatform", machine.os.platform.into()),
        ("assetCriticalityLevel", if machine.value == "High" { "High".into() } else { "None".into() }),
        ("tags", texts(&machine.tags)),
        ("rbacGroupName", machine.group.into()),
        ("rbacGroupId", machine.group_id.into()),
    ])
}

/// A `Software`.
pub(super) fn software(machines: &[Machine], product: &Product) -> Value {
    let weakness = product.weakness();
    let installed = count(machines.iter().filter(|m| product.is_on(m)));
    let exposed = if weakness.is_some() { installed } else { 0 };
    let alert = weakness.is_some_and(|w| w.exploit) && machines.iter().any(|m| product.is_on(m) && m.risk == Risk::High);
    object([
        ("id", product.id().into()),
        ("name", product.name.into()),
        ("vendor", product.vendor.into()),
        ("weaknesses", i64::from(weakness.is_some()).into()),
        ("publicExploit", weakness.is_some_and(|w| w.exploit).into()),
        ("activeAlert", alert.into()),
        ("exposedMachines", exposed.into()),
        ("installedMachines", installed.into()),
        ("impactScore", impact(machines, product).into()),
        ("isNormalized", (product.vendor != "larkmoor").into()),
        ("category", product.category().into()),
    ])
}

/// How much of the exposure score a product makes.
fn impact(machines: &[Machine], product: &Product) -> f64 {
    let exposed = machines.iter().filter(|m| product.is_on(m)).count() as f64;
    product.weakness().map_or(0.0, |w| rounded(w.cvss * exposed / machines.len().max(1) as f64))
}

fn day(text: &str) -> Value {
    format!("{text}T00:00:00Z").into()
}

/// A `Vulnerability`.
pub(super) fn vulnerability(machines: &[Machine], weakness: &'static Weakness) -> Value {
    let name = weakness.products().next().map_or("", |p| p.name);
    let first = exposed(machines, weakness).map(|m| m.first_seen).min();
    object([
        ("id", weakness.id.into()),
        ("name", weakness.id.into()),
        ("description", format!("{} Affected: {name}.", weakness.description).into()),
        ("severity", weakness.severity.into()),
        ("cvssV3", weakness.cvss.into()),
        ("cvssVector", weakness.vector.into()),
        ("exposedMachines", count(exposed(machines, weakness)).into()),
        ("publishedOn", day(weakness.published)),
        ("updatedOn", day(weakness.published)),
        (
            "firstDetected",
            first.map_or(Value::Null, |ticks| {
                let published = clock::parse(weakness.published).unwrap_or(ticks);
                clock::iso(ticks.max(published)).into()
            }),
        ),
        ("patchFirstAvailable", day(weakness.published)),
        ("publicExploit", weakness.exploit.into()),
        ("exploitVerified", weakness.exploit.into()),
        ("exploitInKit", false.into()),
        ("exploitTypes", if weakness.exploit { vec!["PrivilegeEscalation"].into() } else { Vec::<&str>::new().into() }),
        ("exploitUris", Vec::<&str>::new().into()),
        ("cveSupportability", "Supported".into()),
        ("tags", if weakness.exploit { vec!["ExploitAvailable"].into() } else { Vec::<&str>::new().into() }),
        ("epss", weakness.epss().into()),
        ("status", "RemediationRequired".into()),
    ])
}

/// The vulnerabilities of all machines, one a machine and product: `MachineVulnerability`.
pub(super) fn by_machine(machines: &[Machine]) -> Vec<Value> {
    let pairs = machines.iter().flat_map(|m| software::on(m).filter_map(move |p| Some((m, p, p.weakness()?))));
    pairs
        .map(|(machine, product, weakness)| {
            let Product { vendor, name, version, kb, .. } = product;
            object([
                ("id", format!("{}-_-{}-_-{vendor}-_-{name}-_-{version}-_-{kb}", machine.id, weakness.id).into()),
                ("cveId", weakness.id.into()),
                ("machineId", (*machine.id).into()),
                ("fixingKbId", text(kb)),
                ("productName", (*name).into()),
                ("productVendor", (*vendor).into()),
                ("productVersion", (*version).into()),
                ("severity", weakness.severity.into()),
            ])
        })
        .collect()
}

/// The updates that these products lack: `MissingKb`. `lacking`: on how many machines.
pub(super) fn missing_kbs<'p>(products: impl Iterator<Item = &'p Product>, machines: &[Machine]) -> Vec<Value> {
    let updates = products.filter(|p| !p.kb.is_empty());
    updates
        .map(|p| {
            let build = p.newest.split('.').nth(2).and_then(|b| b.parse::<i64>().ok());
            object([
                ("id", p.kb.into()),
                (
                    "name",
                    format!("{} update of {} (KB{})", if p.category() == "Application" { "Security" } else { "Cumulative" }, p.name, p.kb)
                        .into(),
                ),
                ("osBuild", if p.category() == "Application" { Value::Null } else { build.into() }),
                ("productsNames", vec![p.name].into()),
                ("url", format!("https://catalog.update.microsoft.com/v7/site/Search.aspx?q=KB{}", p.kb).into()),
                ("machineMissedOn", count(machines.iter().filter(|m| p.is_on(m))).into()),
                ("cveAddressed", 1i64.into()),
            ])
        })
        .collect()
}

/// How many machines have which version: `SoftwareVersion`.
pub(super) fn versions(machines: &[Machine], product: &Product) -> Vec<Value> {
    vec![object([
        ("version", product.version.into()),
        ("installations", count(machines.iter().filter(|m| product.is_on(m))).into()),
        ("vulnerabilities", i64::from(!product.cve.is_empty()).into()),
    ])]
}

/// The software on a machine: `Software`.
pub(super) fn machine_software(machines: &[Machine], machine: &Machine) -> Vec<Value> {
    software::on(machine).map(|p| software(machines, p)).collect()
}

/// The vulnerabilities of a machine: `Vulnerability`.
pub(super) fn machine_vulnerabilities(machines: &[Machine], machine: &Machine) -> Vec<Value> {
    software::on(machine).filter_map(Product::weakness).map(|w| vulnerability(machines, w)).collect()
}
