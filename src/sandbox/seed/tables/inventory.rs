//! The machines themselves, day by day, and the software on them.

use super::Store;
use crate::json::{self, object};
use crate::kql::value::{Table, Value};
use crate::sandbox::seed::entities::{Health, Machine};
use crate::sandbox::seed::random::{DAY, HOUR};
use crate::sandbox::seed::schema::{Shape, Sheet};
use crate::sandbox::seed::{
    AD_DOMAIN, SUBSCRIPTION_ID,
    software::{self, Product},
    world::World,
};
use std::sync::Arc;

pub(super) type Row = (Arc<Machine>, i64);

fn text(value: impl Into<Arc<str>>) -> Value {
    Value::String(value.into())
}

fn list(items: Vec<json::Value>) -> Value {
    text(json::Value::Array(items).to_string())
}

/// A report of every machine a day, the last at its last contact. Of a great many machines there is one a week.
fn reports(world: &World) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for (at, machine) in world.machines.iter().enumerate() {
        let step = if at < world.lively { 1 } else { 7 };
        let days = (0..world.days).step_by(step);
        rows.extend(days.map(|back| (machine.clone(), machine.last_seen - back * DAY)).filter(|r| r.1 > world.now - 30 * DAY + HOUR));
    }
    rows.sort_by_key(|r| r.1);
    rows
}

fn device<'r, R>(sheet: &mut Sheet<'r, R>, machine: impl Fn(&'r R) -> &'r Machine) {
    sheet.text("DeviceId", |r| &machine(r).id).text("DeviceName", |r| &machine(r).name);
    if sheet.has("OSPlatform") {
        sheet.word("OSPlatform", |r| machine(r).os.platform);
        sheet.word("OSArchitecture", |r| if machine(r).os.architecture == "arm64" { "ARM 64-bit" } else { "64-bit" });
        sheet.word("OSVersion", |r| if machine(r).os.platform.starts_with("Windows") { "10.0" } else { machine(r).os.version });
    }
}

pub(super) fn info(store: &Store, shape: &Shape) -> Table {
    info_of(store, shape, &reports(&store.world))
}

/// What these machines report at these moments.
pub(super) fn info_of(store: &Store, shape: &Shape, rows: &[Row]) -> Table {
    let mut sheet = Sheet::new(shape, rows);
    let signed_in = |machine: &Machine| {
        let person = |account: &Arc<str>| {
            let person = store.world.person(account);
            object([
                ("UserName", person.account.as_ref().into()),
                ("DomainName", person.domain.as_ref().into()),
                ("Sid", person.sid.as_ref().into()),
            ])
        };
        list(machine.logged_on.iter().map(person).collect())
    };
    device(&mut sheet, |r| &r.0);
    let mut number = 5000;
    sheet
        .time("Timestamp", |r| r.1)
        .word("ClientVersion", |r| r.0.agent)
        .text("PublicIP", |r| &r.0.external_ip)
        .put("OSBuild", |r| r.0.os.build.map_or(Value::Null, Value::Long))
        .put("IsAzureADJoined", |r| Value::Bool(r.0.aad_device_id.is_some()))
        .word("JoinType", |r| if r.0.aad_device_id.is_some() { "Hybrid Azure AD Join" } else { "Domain joined" })
        .put("AadDeviceId", |r| r.0.aad_device_id.clone().map_or_else(|| text(""), Value::String))
        .put("LoggedOnUsers", |r| signed_in(&r.0))
        .word("MachineGroup", |r| r.0.group)
        .long("ReportId", |_| {
            number += 1;
            number
        })
        .word("OnboardingStatus", |r| if r.0.onboarding == "CanBeOnboarded" { "Can be onboarded" } else { r.0.onboarding })
        .same("DeviceCategory", text("Endpoint"))
        .word("DeviceType", |r| match r.0.group {
            "Servers" | "Linux" => "Server",
            _ => "Workstation",
        })
        .word("Model", |r| if r.0.vm_id.is_some() { "Virtual Machine" } else { "Model 5" })
        .word("Vendor", |r| if r.0.os.platform == "macOS" { "Apple" } else { "Example Computers" })
        .word("OSDistribution", |r| r.0.os.distribution)
        .word("OSVersionInfo", |r| r.0.os.version)
        .flag("IsInternetFacing", |r| *r.0.host == *"lark-web-01")
        .word("SensorHealthState", |r| if r.1 == r.0.last_seen { r.0.health.pascal() } else { Health::Active.pascal() })
        .flag("IsExcluded", |r| r.0.excluded)
        .word("ExposureLevel", |r| r.0.exposure)
        .word("AssetValue", |r| r.0.value)
        .put("DeviceManualTags", |r| list(r.0.tags.iter().map(|t| t.as_str().into()).collect()))
        .same("DeviceDynamicTags", text("[]"))
        .put("AzureVmId", |r| r.0.vm_id.clone().map_or_else(|| text(""), Value::String))
        .word("AzureVmSubscriptionId", |r| if r.0.vm_id.is_some() { SUBSCRIPTION_ID } else { "" })
        .word("CloudPlatforms", |r| if r.0.vm_id.is_some() { r#"["Azure"]"# } else { "" })
        .put("IsTransient", |r| if r.0.group == "Linux" { Value::Null } else { Value::Bool(false) })
        .word("ConnectivityType", |r| if r.0.os.platform.starts_with("Windows") { "Streamlined" } else { "" });
    sheet.finish()
}

pub(super) fn network(store: &Store, shape: &Shape) -> Table {
    network_of(shape, &reports(&store.world))
}

pub(super) fn network_of(shape: &Shape, rows: &[Row]) -> Table {
    let mut sheet = Sheet::new(shape, rows);
    let mut number = 9000;
    device(&mut sheet, |r| &r.0);
    sheet
        .time("Timestamp", |r| r.1)
        .word("NetworkAdapterName", |r| if r.0.os.platform.starts_with("Windows") { "Ethernet 2" } else { "en0" })
        .text("MacAddress", |r| &r.0.mac)
        .same("NetworkAdapterType", text("Ethernet"))
        .same("NetworkAdapterStatus", text("Up"))
        .same(
            "ConnectedNetworks",
            text(format!(r#"[{{"Name":"{AD_DOMAIN}","Description":"{AD_DOMAIN}","IsConnectedToInternet":true,"Category":"Domain"}}]"#)),
        )
        .same("DnsAddresses", text(r#"["10.20.1.35","10.20.1.36"]"#))
        .same("DefaultGateways", text(r#"["10.20.0.1"]"#))
        .put("IPAddresses", |r| {
            list(vec![object([
                ("IPAddress", r.0.ip.as_ref().into()),
                ("SubnetPrefix", json::Value::Int(16)),
                ("AddressType", "Private".into()),
            ])])
        })
        .long("ReportId", |_| {
            number += 1;
            number
        })
        .same("OnboardingStatus", text("Onboarded"))
        .same("NetworkAdapterDnsSuffix", text(AD_DOMAIN));
    sheet.finish()
}

fn product(sheet: &mut Sheet<'_, (Arc<Machine>, &'static Product)>) {
    device(sheet, |r| &r.0);
    sheet.word("SoftwareVendor", |r| r.1.vendor).word("SoftwareName", |r| r.1.name).word("SoftwareVersion", |r| r.1.version);
}

fn installed(machines: &[Arc<Machine>]) -> Vec<(Arc<Machine>, &'static Product)> {
    machines.iter().flat_map(|m| software::on(m).map(|s| (m.clone(), s))).collect()
}

pub(super) fn software(machines: &[Arc<Machine>], shape: &Shape) -> Table {
    let rows = installed(machines);
    let mut sheet = Sheet::new(shape, &rows);
    product(&mut sheet);
    sheet
        .word("EndOfSupportStatus", |r| if r.1.ends() { "Upcoming EOS Version" } else { "" })
        .put("ProductCodeCpe", |r| text(format!("cpe:2.3:a:{}:{}:{}:*:*:*:*:*:*:*", r.1.vendor, r.1.name, r.1.version)));
    sheet.finish()
}

pub(super) fn vulnerabilities(machines: &[Arc<Machine>], shape: &Shape) -> Table {
    let rows: Vec<_> = installed(machines).into_iter().filter(|r| !r.1.cve.is_empty()).collect();
    let mut sheet = Sheet::new(shape, &rows);
    let severity = |p: &Product| p.weakness().map_or("", |w| w.severity);
    product(&mut sheet);
    sheet
        .word("CveId", |r| r.1.cve)
        .word("VulnerabilitySeverityLevel", |r| severity(r.1))
        .same("RecommendedSecurityUpdate", text("Update to the newest version"))
        .word("RecommendedSecurityUpdateId", |r| r.1.kb)
        .put("CveTags", |r| {
            let exploit = r.1.weakness().is_some_and(|w| w.exploit);
            Value::Dynamic(Arc::new(if exploit { vec!["ExploitAvailable"].into() } else { Vec::<&str>::new().into() }))
        });
    sheet.finish()
}
