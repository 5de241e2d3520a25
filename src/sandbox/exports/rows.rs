//! The rows of the exports, in the keys and the times in which the service writes each of them.

use crate::json::{Value, object};
use crate::sandbox::baselines;
use crate::sandbox::clock::{self, DAY, SECOND};
use crate::sandbox::seed::software::{self, Product, Weakness};
use crate::sandbox::seed::{Health, Machine};
use crate::sandbox::tvm::{advice, draw, hex, inventory, text, texts};

/// Something that is exported for all machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Software,
    Vulnerabilities,
    Configurations,
    UnknownSoftware,
    Extensions,
    Certificates,
    Firmware,
    Baselines,
    Gathered,
}

impl Subject {
    /// The folder of its files.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Subject::Software => "WindowsSoftwareInventory",
            Subject::Vulnerabilities => "SoftwareVulnerabilities",
            Subject::Configurations => "ScaAssessments",
            Subject::UnknownSoftware => "SoftwareInventoryNonCpe",
            Subject::Extensions => "BrowserExtensionsInventory",
            Subject::Certificates => "CertificateInventory",
            Subject::Firmware => "HardwareFirmwareInventory",
            Subject::Baselines => "BaselineCompliance",
            Subject::Gathered => "InfoGathering",
        }
    }

    /// The rows of a machine in a snapshot of that moment.
    pub(super) fn of(self, machine: &Machine, at: i64) -> Vec<Value> {
        match self {
            Subject::Software => software::on(machine).map(|p| software_row(machine, p)).collect(),
            Subject::Vulnerabilities => software::on(machine).filter_map(|p| Some(vulnerability(machine, p, p.weakness()?, at))).collect(),
            Subject::Configurations => {
                advice::CONFIGURATIONS.iter().filter(|c| c.applies_to(machine)).map(|c| configuration(machine, c, at)).collect()
            }
            Subject::UnknownSoftware => inventory::unknown_software(machine),
            Subject::Extensions => inventory::extensions(machine),
            Subject::Certificates => inventory::certificates(machine),
            Subject::Firmware => inventory::components(machine).iter().map(|c| firmware(machine, c)).collect(),
            Subject::Baselines => baselines::assessments(machine, at),
            Subject::Gathered => vec![inventory::gathered(machine, at)],
        }
    }
}

/// `2020-12-30 14:17:26`: a space, and no zone.
fn unzoned(ticks: i64) -> String {
    clock::written(ticks, "%Y-%m-%d %H:%M:%S")
}

/// When a machine that reports was last seen before that moment.
fn seen(machine: &Machine, at: i64) -> i64 {
    let active = at - (1 + (draw(&["seen", &machine.host]) % 3600) as i64) * SECOND;
    if machine.health == Health::Active { active } else { machine.last_seen.min(active) }
}

fn disk_paths(machine: &Machine, product: &Product) -> Value {
    let path = match machine.os.platform {
        "Linux" => format!("/usr/bin/{}", product.name),
        "macOS" => format!("/Applications/{}.app", product.name),
        _ if product.category() == "Operating System" => return texts::<&str>(&[]),
        _ => format!("C:\\Program Files\\{}\\{}.exe", product.vendor, product.name),
    };
    texts(&[path])
}

fn registry_paths(machine: &Machine, product: &Product) -> Value {
    if !machine.os.platform.starts_with("Windows") {
        return texts::<&str>(&[]);
    }
    texts(&[format!("HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{}", product.name)])
}

fn end_of_support(product: &Product) -> (Value, Value) {
    if product.ends() { ("Upcoming EOS Version".into(), "2027-01-12 00:00:00".into()) } else { ("NotEOS".into(), Value::Null) }
}

fn software_row(machine: &Machine, product: &Product) -> Value {
    let (status, date) = end_of_support(product);
    object([
        ("deviceId", (*machine.id).into()),
        ("rbacGroupId", machine.group_id.into()),
        ("rbacGroupName", machine.group.into()),
        ("deviceName", (*machine.name).into()),
        ("osPlatform", machine.os.platform.into()),
        ("softwareVendor", product.vendor.into()),
        ("softwareName", product.name.into()),
        ("softwareVersion", product.version.into()),
        ("numberOfWeaknesses", i64::from(!product.cve.is_empty()).into()),
        ("diskPaths", disk_paths(machine, product)),
        ("registryPaths", registry_paths(machine, product)),
        ("softwareFirstSeenTimestamp", unzoned(machine.first_seen).into()),
        ("endOfSupportStatus", status),
        ("endOfSupportDate", date),
    ])
}

/// The row of a vulnerability, whose times have a space and no zone, with fractions or without.
pub(super) fn vulnerability(machine: &Machine, product: &Product, weakness: &Weakness, at: i64) -> Value {
    let Product { vendor, name, version, kb, .. } = product;
    let published = clock::parse(weakness.published).unwrap_or_default();
    let (status, date) = end_of_support(product);
    object([
        ("id", format!("{}_{vendor}_{name}_{version}_{}", machine.id, weakness.id).into()),
        ("deviceId", (*machine.id).into()),
        ("rbacGroupId", machine.group_id.into()),
        ("rbacGroupName", machine.group.into()),
        ("deviceName", (*machine.name).into()),
        ("osPlatform", machine.os.platform.into()),
        ("osVersion", machine.os.version.into()),
        ("osArchitecture", machine.os.architecture.into()),
        ("softwareVendor", (*vendor).into()),
        ("softwareName", (*name).into()),
        ("softwareVersion", (*version).into()),
        ("cveId", weakness.id.into()),
        ("vulnerabilitySeverityLevel", weakness.severity.into()),
        ("recommendedSecurityUpdate", if kb.is_empty() { Value::Null } else { format!("Update KB{kb}").into() }),
        ("recommendedSecurityUpdateId", text(kb)),
        (
            "recommendedSecurityUpdateUrl",
            if kb.is_empty() { Value::Null } else { format!("https://catalog.update.microsoft.com/v7/site/Search.aspx?q=KB{kb}").into() },
        ),
        ("diskPaths", disk_paths(machine, product)),
        ("registryPaths", registry_paths(machine, product)),
        ("lastSeenTimestamp", clock::written(seen(machine, at), "%Y-%m-%d %H:%M:%S.0").into()),
        ("firstSeenTimestamp", unzoned(machine.first_seen.max(published)).into()),
        ("endOfSupportStatus", status),
        ("endOfSupportDate", date),
        ("exploitabilityLevel", if weakness.exploit { "ExploitIsPublic".into() } else { "NoExploit".into() }),
        ("recommendationReference", advice::update_of(product).into()),
        ("cvssScore", weakness.cvss.into()),
        ("securityUpdateAvailable", true.into()),
        ("cveMitigationStatus", Value::Null),
    ])
}

fn configuration(machine: &Machine, setting: &advice::Configuration, at: i64) -> Value {
    object([
        ("deviceId", (*machine.id).into()),
        ("rbacGroupId", machine.group_id.into()),
        ("rbacGroupName", machine.group.into()),
        ("deviceName", (*machine.name).into()),
        ("osPlatform", machine.os.platform.into()),
        ("osVersion", machine.os.version.into()),
        ("timestamp", clock::written(seen(machine, at), "%Y-%m-%d %H:%M:%S.8476880").into()),
        ("configurationId", setting.id.into()),
        ("configurationCategory", setting.category.into()),
        ("configurationSubcategory", setting.subcategory.into()),
        ("configurationImpact", setting.impact.into()),
        ("isCompliant", setting.is_kept_by(machine).into()),
        ("isApplicable", true.into()),
        ("isExpectedUserImpact", (setting.id == "scid-2500").into()),
        ("configurationName", setting.name.into()),
        ("recommendationReference", setting.reference().into()),
    ])
}

fn firmware(machine: &Machine, part: &inventory::Component) -> Value {
    object([
        ("deviceId", (*machine.id).into()),
        ("rbacGroupId", machine.group_id.into()),
        ("rbacGroupName", machine.group.into()),
        ("deviceName", (*machine.name).into()),
        ("componentType", part.kind.into()),
        ("manufacturer", part.maker.into()),
        ("componentName", part.name.as_str().into()),
        ("componentVersion", text(&part.version)),
        ("additionalFields", part.more.as_str().into()),
    ])
}

/// A vulnerability that is gone: the version that had it, and itself.
const GONE: (Product, Weakness) = (
    Product {
        systems: "Windows",
        vendor: "google",
        name: "chrome",
        version: "141.0.7390.54",
        newest: "141.0.7390.65",
        cve: "CVE-2025-11756",
        kb: "",
    },
    Weakness {
        id: "CVE-2025-11756",
        severity: "High",
        cvss: 8.8,
        vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H",
        published: "2025-10-15",
        exploit: false,
        description: "Memory is used after it was freed.",
    },
);

/// The machine that moved to another group a while ago, and from where.
const MOVED: (&str, i64, &str) = ("lark-ws-016", 112, "Plant floor");

/// What changed in the vulnerabilities since that moment, the oldest first. `now`: when the tenant was set up. A machine that moved to
/// another group brings each of its vulnerabilities twice, as fixed in the old group and as new in the new one, under the same id.
pub(super) fn changes(machines: &[Machine], now: i64, since: i64) -> Vec<Value> {
    let mut rows: Vec<(i64, Value)> = Vec::new();
    let mut add = |at: i64, status: &str, machine: &Machine, product: &Product, weakness: &Weakness| {
        rows.push((at, changed(vulnerability(machine, product, weakness, at), status, at)));
    };
    for (place, machine) in machines.iter().enumerate() {
        let later = place as i64 * 7 * SECOND;
        for (product, weakness) in software::on(machine).filter_map(|p| Some((p, p.weakness()?))) {
            match weakness.id {
                "CVE-2025-62215" => add(now - 10 * DAY + later, "New", machine, product, weakness),
                "CVE-2024-2398" => add(now - DAY + later, "Updated", machine, product, weakness),
                _ => {}
            }
            if *machine.host == *MOVED.0 {
                let before = Machine { group_id: MOVED.1, group: MOVED.2, ..machine.clone() };
                add(now - 3 * DAY, "Fixed", &before, product, weakness);
                add(now - 3 * DAY, "New", machine, product, weakness);
            }
        }
        if GONE.0.is_on(machine) && machine.health == Health::Active {
            add(now - 5 * DAY + later, "Fixed", machine, &GONE.0, &GONE.1);
        }
    }
    rows.retain(|(at, _)| *at >= since);
    rows.sort_by_key(|(at, _)| *at);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn changed(row: Value, status: &str, at: i64) -> Value {
    let Value::Object(mut members) = row else { return row };
    members.insert("status".into(), status.into());
    members.insert("eventTimestamp".into(), clock::iso(at).into());
    members.insert("isOnboarded".into(), true.into());
    Value::Object(members)
}

/// A row that only a later snapshot has: every six hours one more machine gets a tool.
pub(super) fn newcomer(machine: &Machine, snapshot: i64) -> Value {
    let version = format!("1.{snapshot}");
    object([
        ("deviceId", (*machine.id).into()),
        ("rbacGroupId", machine.group_id.into()),
        ("rbacGroupName", machine.group.into()),
        ("deviceName", (*machine.name).into()),
        ("osPlatform", machine.os.platform.into()),
        ("softwareVendor", "larkmoor".into()),
        ("softwareName", "fieldnotes".into()),
        ("softwareVersion", version.as_str().into()),
        ("numberOfWeaknesses", 0i64.into()),
        ("diskPaths", texts(&[format!("/opt/fieldnotes-{}", hex(&[&version], 6))])),
        ("registryPaths", texts::<&str>(&[])),
        ("softwareFirstSeenTimestamp", Value::Null),
        ("endOfSupportStatus", "NotEOS".into()),
        ("endOfSupportDate", Value::Null),
    ])
}
