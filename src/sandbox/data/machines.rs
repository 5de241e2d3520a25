//! Machines that are added: what is not said of one is made up, and agrees over the services and tables.

use super::props::Props;
use super::words::word;
use super::{Taken, objects};
use crate::json::{Object, Value, object};
use crate::sandbox::House;
use crate::sandbox::clock::{DAY, SECOND};
use crate::sandbox::seed::{AD_DOMAIN, Health, Machine, Os, Risk, Tenant};
use crate::sandbox::wire::guid_for;
use std::sync::Arc;

/// Properties of the resource that follow from others.
pub(super) const DERIVED: [&str; 6] =
    ["mergedIntoMachineId", "isPotentialDuplication", "ipAddresses", "vmMetadata", "managedByStatus", "osArchitecture"];

pub(super) fn add(house: &House, given: &Value) -> Taken<Value> {
    let now = house.clock.now();
    let mut store = house.store();
    let mut fresh: Vec<Machine> = Vec::new();
    for (at, members) in objects("machines", given)?.into_iter().enumerate() {
        let number = store.tenant.machines.len() + fresh.len() + 1;
        let machine = read(&format!("machines[{at}]"), members, number, now)?;
        let same = |m: &Machine| m.id.eq_ignore_ascii_case(&machine.id) || m.name.eq_ignore_ascii_case(&machine.name);
        if store.tenant.machines.iter().chain(&fresh).any(same) {
            return Err(format!("machines[{at}]: there is a machine of that id or name already: {}", machine.name));
        }
        fresh.push(machine);
    }
    let ids = fresh.iter().map(|m| Value::from(m.id.as_ref())).collect();
    put(&mut store.tenant, fresh);
    Ok(object([("ids", Value::Array(ids))]))
}

/// Puts machines into a tenant and their rows into its tables.
pub(super) fn put(tenant: &mut Tenant, machines: Vec<Machine>) {
    let shared: Vec<Arc<Machine>> = machines.iter().cloned().map(Arc::new).collect();
    tenant.tables.introduce(&shared);
    tenant.machines.extend(machines);
    tenant.assess();
}

fn digits(text: &str, count: usize) -> String {
    let all = format!("{}{}", guid_for(text), guid_for(&format!("{text} again"))).replace('-', "");
    all.chars().take(count).collect()
}

/// A machine of the properties that are given. `number`: the how many-th it is.
pub(super) fn read(place: &str, members: &Object, number: usize, now: i64) -> Taken<Machine> {
    let props = Props::new(place.to_owned(), members);
    for derived in DERIVED {
        if props.get(derived).is_some() {
            return Err(props.wrong(derived, "follows from other properties and cannot be given"));
        }
    }
    let given_name = props.text("computerDnsName")?.map_or_else(|| format!("added-{number}.{AD_DOMAIN}"), str::to_lowercase);
    if given_name.is_empty() || given_name.contains(['/', ' ']) {
        return Err(props.wrong("computerDnsName", "takes a DNS name"));
    }
    let id = props.text("id")?.map_or_else(|| digits(&given_name, 40), str::to_owned);
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
        return Err(props.wrong("id", "takes letters and digits"));
    }
    let platform = word(props.text("osPlatform")?.unwrap_or("Windows11"));
    let windows = platform.starts_with("Windows");
    let os = Os {
        platform,
        version: word(props.text("version")?.unwrap_or(if windows { "24H2" } else { "" })),
        build: props.number("osBuild")?.or(if windows { Some(26_100) } else { None }),
        distribution: platform,
        architecture: word(props.text("osProcessor")?.unwrap_or("x64")),
    };
    let last_seen = props.time("lastSeen")?.unwrap_or(now - 60 * SECOND);
    let joined = props.flag("isAadJoined")?;
    let device = props.shared("aadDeviceId")?;
    let levels = "\"None\", \"Low\", \"Medium\" or \"High\"";
    let level = |text: &str| ["None", "Low", "Medium", "High"].into_iter().find(|l| l.eq_ignore_ascii_case(text));
    let machine = Machine {
        host: given_name.split('.').next().unwrap_or_default().into(),
        os,
        first_seen: props.time("firstSeen")?.unwrap_or(last_seen - 90 * DAY),
        last_seen,
        ip: props.shared("lastIpAddress")?.unwrap_or_else(|| format!("10.200.{}.{}", number / 250 % 250, number % 250 + 2).into()),
        external_ip: props.shared("lastExternalIpAddress")?.unwrap_or_else(|| "192.0.2.10".into()),
        mac: digits(&format!("mac {id}"), 12).to_uppercase().into(),
        agent: word(props.text("agentVersion")?.unwrap_or(if windows { "10.8798.26100.2314" } else { "101.26082.0004" })),
        health: props
            .one_of("healthStatus", "\"Active\", \"Inactive\", \"ImpairedCommunication\" or \"NoSensorData\"", Health::parse)?
            .unwrap_or(Health::Active),
        value: props
            .one_of("deviceValue", "\"Normal\", \"Low\" or \"High\"", |text| {
                ["Normal", "Low", "High"].into_iter().find(|v| v.eq_ignore_ascii_case(text))
            })?
            .unwrap_or("Normal"),
        group_id: props.number("rbacGroupId")?.unwrap_or(110),
        group: word(props.text("rbacGroupName")?.unwrap_or("Workstations")),
        risk: Risk::None,
        least_risk: props
            .one_of("riskScore", "\"None\", \"Informational\", \"Low\", \"Medium\" or \"High\"", Risk::parse)?
            .unwrap_or(Risk::None),
        exposure: props.one_of("exposureLevel", levels, level)?.unwrap_or("Low"),
        aad_device_id: device.or_else(|| joined.unwrap_or(windows).then(|| guid_for(&format!("device {id}")).into())),
        tags: props.texts("machineTags")?.unwrap_or_default(),
        managed_by: word(props.text("managedBy")?.unwrap_or("Intune")),
        excluded: props.flag("isExcluded")?.unwrap_or_default(),
        exclusion: word(props.text("exclusionReason")?.unwrap_or("Other")),
        onboarding: word(props.text("onboardingStatus")?.unwrap_or("Onboarded")),
        vm_id: None,
        users: Vec::new(),
        logged_on: Vec::new(),
        id: id.into(),
        name: given_name.into(),
    };
    if joined == Some(false) && machine.aad_device_id.is_some() {
        return Err(props.wrong("aadDeviceId", "a machine that is not joined has none"));
    }
    if machine.first_seen > machine.last_seen {
        return Err(props.wrong("firstSeen", "is later than lastSeen"));
    }
    props.end()?;
    Ok(machine)
}
