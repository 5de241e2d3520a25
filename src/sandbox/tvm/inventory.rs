//! What else is known of a machine: its antivirus, firmware, browser extensions, certificates, and software without a product code.

use super::{draw, hex, text, texts};
use crate::json::{Object, Value, object};
use crate::sandbox::clock::{self, DAY};
use crate::sandbox::seed::{Health, Machine};

const HOUR: i64 = DAY / 24;

/// How old a machine's antivirus is: current, outdated, or not known.
fn currency(machine: &Machine) -> &'static str {
    match machine.health {
        Health::Active if draw(&["antivirus", &machine.host]).is_multiple_of(10) => "False",
        Health::Active => "True",
        _ => "Unknown",
    }
}

/// 0 active, 1 passive, 2 disabled, 3 other, 4 EDR in block mode, 5 unknown.
fn mode(machine: &Machine) -> &'static str {
    match (machine.health, machine.os.platform) {
        (Health::Inactive | Health::NoSensorData, _) => "5",
        (_, "Linux") => "1",
        (_, "WindowsServer2016") => "4",
        _ => "0",
    }
}

/// A `DeviceAvInfo`. Its truths are texts, its mode is a digit, and its times say no zone but by their names.
pub(in crate::sandbox) fn antivirus(machine: &Machine, now: i64) -> Value {
    let current = currency(machine);
    let windows = machine.os.platform.starts_with("Windows");
    let stale = current == "False";
    let refreshed = machine.last_seen - machine.last_seen.rem_euclid(HOUR);
    let time = |ticks: i64| Value::from(clock::iso(ticks));
    let scanned = current != "Unknown";
    let when = |there: bool, value: Value| if there { value } else { Value::Null };
    object([
        ("id", format!("{}-{}", machine.id, machine.group_id).into()),
        ("machineId", (*machine.id).into()),
        ("computerDnsName", (*machine.name).into()),
        ("osKind", if windows { "windows".into() } else { machine.os.platform.to_lowercase().into() }),
        ("osPlatform", machine.os.platform.into()),
        ("osVersion", machine.os.build.map_or_else(|| machine.os.version.to_owned(), |build| format!("10.0.{build}.1")).into()),
        ("avMode", mode(machine).into()),
        ("avSignatureVersion", if stale { "1.439.210.0".into() } else { "1.441.88.0".into() }),
        ("avEngineVersion", "1.1.25100.9002".into()),
        ("avPlatformVersion", if windows { "4.18.25100.9008".into() } else { text(machine.agent) }),
        ("lastSeenTime", time(machine.last_seen)),
        ("quickScanResult", when(scanned, "Completed".into())),
        ("quickScanError", Value::Null),
        ("quickScanTime", when(scanned, time(refreshed - 6 * HOUR))),
        ("fullScanResult", when(scanned && stale, "Failed".into())),
        ("fullScanError", when(scanned && stale, "80508015".into())),
        ("fullScanTime", when(scanned && stale, time(refreshed - 9 * DAY))),
        ("dataRefreshTimestamp", time(now - now.rem_euclid(HOUR))),
        ("avEngineUpdateTime", time(refreshed - 12 * DAY)),
        ("avSignatureUpdateTime", time(refreshed - if stale { 20 * DAY } else { 3 * HOUR })),
        ("avPlatformUpdateTime", time(refreshed - 12 * DAY)),
        ("avIsSignatureUpToDate", current.into()),
        ("avIsEngineUpToDate", if scanned { "True".into() } else { "Unknown".into() }),
        ("avIsPlatformUpToDate", if scanned { "True".into() } else { "Unknown".into() }),
        ("avSignaturePublishTime", time(refreshed - if stale { 20 * DAY } else { 5 * HOUR })),
        ("avSignatureDataRefreshTime", time(refreshed)),
        ("cloudProtectionState", if scanned { "True".into() } else { "Unknown".into() }),
        ("avModeDataRefreshTime", time(refreshed)),
        ("rbacGroupName", machine.group.into()),
        ("rbacGroupId", machine.group_id.into()),
    ])
}

/// A part of the hardware, with its firmware.
pub(in crate::sandbox) struct Component {
    pub(in crate::sandbox) kind: &'static str,
    pub(in crate::sandbox) maker: &'static str,
    pub(in crate::sandbox) name: String,
    pub(in crate::sandbox) version: String,
    /// JSON text.
    pub(in crate::sandbox) more: String,
}

/// The parts of a machine.
pub(in crate::sandbox) fn components(machine: &Machine) -> Vec<Component> {
    let virtual_one = machine.vm_id.is_some();
    let maker = match machine.os.platform {
        "macOS" => "apple",
        _ if virtual_one => "microsoft",
        _ => "example_computers",
    };
    let component = |kind, maker, name: &str, version: &str, more: Value| Component {
        kind,
        maker,
        name: name.to_owned(),
        version: version.to_owned(),
        more: more.to_string(),
    };
    let secure = !draw(&["secure boot", &machine.host]).is_multiple_of(5);
    let release = 10 + draw(&["bios", &machine.host]) % 8;
    vec![
        component(
            "Bios",
            maker,
            if virtual_one { "virtual_machine_firmware" } else { "model_5_firmware" },
            &format!("1.{release}.0"),
            object([("SecureBoot", secure.into()), ("ReleaseDate", format!("2025-{:02}-01", 1 + release % 12).into())]),
        ),
        component(
            "Processor",
            if machine.os.architecture == "arm64" { "apple" } else { "intel" },
            if machine.os.architecture == "arm64" { "m3" } else { "core_i7-1365u" },
            "6.186.3",
            object([("Architecture", machine.os.architecture.into()), ("NumberOfCores", 8i64.into())]),
        ),
        component(
            "Hardware",
            maker,
            if virtual_one { "virtual_machine" } else { "model_5" },
            "",
            object([("ChassisType", if machine.group == "Servers" { "Server".into() } else { "Notebook".into() })]),
        ),
    ]
}

/// The `Firmware` of a machine.
pub(in crate::sandbox) fn firmware(machine: &Machine) -> Vec<Value> {
    let parts = components(machine).into_iter();
    parts
        .map(|part| {
            object([
                ("name", part.name.into()),
                ("type", part.kind.into()),
                ("vendor", part.maker.into()),
                ("family", "model".into()),
                ("version", text(&part.version)),
                ("additionalFields", part.more.into()),
            ])
        })
        .collect()
}

/// Id, what it lets an extension do, and how dangerous that is.
pub(in crate::sandbox) const PERMISSIONS: &[(&str, &str, &str)] = &[
    ("activeTab", "Reads and changes the tab that is open when the extension is used.", "Low"),
    ("clipboardRead", "Reads what was copied.", "Medium"),
    ("cookies", "Reads and changes cookies.", "High"),
    ("downloads", "Starts and watches downloads.", "Medium"),
    ("history", "Reads and changes the history.", "High"),
    ("nativeMessaging", "Talks to programs outside the browser.", "High"),
    ("proxy", "Changes through whom the browser reaches the network.", "High"),
    ("storage", "Keeps data of its own.", "Low"),
    ("tabs", "Sees the addresses of all tabs.", "Medium"),
    ("webRequest", "Sees and changes what the browser sends.", "High"),
];

/// Browser, id, name, version, vendor, risk, and the places in [`PERMISSIONS`] of what it may do.
type Extension = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static [usize]);

#[rustfmt::skip]
const EXTENSIONS: &[Extension] = &[
    ("chrome", "aaabbbcccdddeeefffggghhhiiijjjkk", "Page filter", "1.67.0", "Example Extensions", "Medium", &[0, 7, 8, 9]),
    ("edge", "bbbcccdddeeefffggghhhiiijjjkkkll", "Page filter", "1.67.0", "Example Extensions", "Medium", &[0, 7, 8, 9]),
    ("chrome", "cccdddeeefffggghhhiiijjjkkklllmm", "Coupon finder", "3.2.1", "Unknown", "High", &[2, 4, 5, 6]),
];

/// The browser extensions of a machine. The export's keys begin with capitals, unlike those of the others.
pub(in crate::sandbox) fn extensions(machine: &Machine) -> Vec<Value> {
    if machine.group == "Linux" || machine.group == "Servers" {
        return Vec::new();
    }
    let rare = draw(&["coupons", &machine.host]).is_multiple_of(6);
    let installed = EXTENSIONS.iter().filter(|e| (e.5 != "High" || rare) && (e.0 != "edge" || machine.os.platform != "macOS"));
    installed
        .map(|(browser, id, name, version, vendor, risk, permissions)| {
            let permission = |at: &usize| {
                PERMISSIONS
                    .get(*at)
                    .map(|(id, _, risk)| object([("Id", (*id).into()), ("IsRequired", true.into()), ("Risk", (*risk).into())]))
            };
            object([
                ("DeviceId", (*machine.id).into()),
                ("RbacGroupId", machine.group_id.into()),
                ("RbacGroupName", machine.group.into()),
                ("InstallationTime", clock::iso(machine.first_seen + 3 * DAY).into()),
                ("BrowserName", (*browser).into()),
                ("ExtensionId", (*id).into()),
                ("ExtensionName", (*name).into()),
                ("ExtensionDescription", format!("{name} for every page.").into()),
                ("ExtensionVersion", (*version).into()),
                ("ExtensionRisk", (*risk).into()),
                ("ExtensionVendor", (*vendor).into()),
                ("IsActivated", true.into()),
                ("Permissions", Value::Array(permissions.iter().filter_map(permission).collect())),
            ])
        })
        .collect()
}

/// A date that is not known, as the service writes it.
pub(in crate::sandbox) const NO_DATE: &str = "0001-01-01T00:00:00Z";

/// The certificates of a machine: its own, and one without dates.
pub(in crate::sandbox) fn certificates(machine: &Machine) -> Vec<Value> {
    let windows = machine.os.platform.starts_with("Windows");
    let path = |name: &str| if windows { format!("LocalMachine\\{name}") } else { format!("/etc/ssl/{}", name.to_lowercase()) };
    let issued = machine.first_seen - machine.first_seen.rem_euclid(DAY);
    let certificate = |name: &str, subject: &str, store: &str, dates: Option<(i64, i64)>| {
        let (from, to) = dates.map_or_else(|| (NO_DATE.to_owned(), NO_DATE.to_owned()), |(from, to)| (clock::iso(from), clock::iso(to)));
        let thumbprint = hex(&["certificate", name, &machine.host], 40);
        object([
            ("deviceId", (*machine.id).into()),
            ("deviceName", (*machine.name).into()),
            ("thumbprint", thumbprint.as_str().into()),
            ("path", path(store).into()),
            ("signatureAlgorithm", "sha256RSA".into()),
            ("keySize", 2048i64.into()),
            ("expirationDate", to.into()),
            ("issueDate", from.into()),
            ("subjectType", "End Entity".into()),
            ("serialNumber", hex(&["serial", &thumbprint], 32).to_uppercase().into()),
            ("issuedTo", format!("CN={subject}").into()),
            ("issuedBy", "CN=Larkmoor Issuing CA 2".into()),
            ("keyUsage", "Digital Signature, Key Encipherment".into()),
            ("extendedKeyUsage", "Server Authentication, Client Authentication".into()),
            ("rbacGroupId", machine.group_id.into()),
            ("rbacGroupName", machine.group.into()),
        ])
    };
    let mut all = vec![certificate("machine", &machine.name, "My", Some((issued, issued + 1095 * DAY)))];
    if machine.group == "Servers" {
        all.push(certificate("request", &machine.host, "Request", None));
    }
    all
}

/// Software that no product code was found for.
pub(in crate::sandbox) fn unknown_software(machine: &Machine) -> Vec<Value> {
    let windows = machine.os.platform.starts_with("Windows");
    let name = match (machine.group, windows) {
        ("Plant floor", true) => "kiln_monitor",
        ("Workstations" | "Executives", true) => "scan_to_folder",
        _ => return Vec::new(),
    };
    let seen = clock::written(machine.last_seen, "%Y-%m-%d %H:%M:%S");
    vec![object([
        ("deviceId", (*machine.id).into()),
        ("rbacGroupId", machine.group_id.into()),
        ("rbacGroupName", machine.group.into()),
        ("deviceName", (*machine.name).into()),
        ("osPlatform", machine.os.platform.into()),
        ("softwareVendor", "larkmoor_tools".into()),
        ("softwareName", name.into()),
        ("softwareVersion", "1.4".into()),
        ("softwareLastSeenTimestamp", seen.into()),
        ("registryPath", format!("HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\{name}").into()),
    ])]
}

/// What was gathered from a machine; the antivirus' health is in it.
pub(in crate::sandbox) fn gathered(machine: &Machine, now: i64) -> Value {
    let health = antivirus(machine, now);
    let mut about = Object::new();
    for (name, value) in health.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("av") || name.contains("Scan")) {
        let (first, rest) = name.split_at_checked(1).unwrap_or_default();
        about.insert(format!("{}{rest}", first.to_uppercase()), value.clone());
    }
    object([
        ("DeviceId", (*machine.id).into()),
        ("RbacGroupName", machine.group.into()),
        ("RbacGroupId", machine.group_id.into()),
        ("DeviceName", (*machine.name).into()),
        ("OsPlatform", machine.os.platform.into()),
        ("OsVersion", machine.os.version.into()),
        ("Timestamp", clock::written(now, "%Y-%m-%d %H:%M:%S").into()),
        ("Tags", texts(&machine.tags)),
        ("DeviceGatheredInfo", Value::Object(about)),
    ])
}
