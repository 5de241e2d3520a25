//! Security baselines.

use super::clock::{self, DAY, SECOND};
use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::seed::Machine;
use super::tvm::{draw, texts};
use super::wire::{Reply, guid_for};
use crate::json::{Value, object};

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "baselines.profiles" => lists::page(call, "BaselineProfiles", profiles(call)),
        "baselines.configurations" => lists::page(call, "BaselineConfigurations", SETTINGS.iter().map(|s| s.configuration()).collect()),
        "baselines.exceptions" => lists::page(call, "BaselineExceptions", exceptions(call)),
        _ => not_yet(call),
    }
}

/// Benchmark, its version, system, the system's version, level, and the beginning of the systems' names.
struct Profile {
    name: &'static str,
    benchmark: &'static str,
    version: &'static str,
    system: &'static str,
    system_version: &'static str,
    level: &'static str,
    platform: &'static str,
    active: bool,
}

const PROFILES: &[Profile] = &[
    Profile {
        name: "Windows 11 workstations",
        benchmark: "CIS",
        version: "3.0.0",
        system: "Windows 11",
        system_version: "24H2",
        level: "Level 1 (L1) - Corporate/Enterprise Environment (general use)",
        platform: "Windows11",
        active: true,
    },
    Profile {
        name: "Servers 2022",
        benchmark: "STIG",
        version: "2.1",
        system: "Windows Server 2022",
        system_version: "21H2",
        level: "MAC-2_Sensitive",
        platform: "WindowsServer2022",
        active: true,
    },
    Profile {
        name: "Old workstations",
        benchmark: "CIS",
        version: "2.0.0",
        system: "Windows 10",
        system_version: "22H2",
        level: "Level 1 (L1) - Corporate/Enterprise Environment (general use)",
        platform: "Windows10",
        active: false,
    },
];

/// Something that a baseline checks.
struct Setting {
    number: &'static str,
    name: &'static str,
    category: &'static str,
    cce: &'static str,
    recommended: &'static str,
    otherwise: &'static str,
    source: &'static str,
    lacking: u64,
}

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    Setting { number: "1.1.1", name: "Ensure 'Enforce password history' is set to '24 or more password(s)'", category: "Account Policies", cce: "CCE-37166-6", recommended: "Greater than or equal to 24", otherwise: "10", source: "secpol: PasswordHistorySize", lacking: 20 },
    Setting { number: "1.2.1", name: "Ensure 'Account lockout duration' is set to '15 or more minute(s)'", category: "Account Policies", cce: "CCE-37034-6", recommended: "Greater than or equal to 15", otherwise: "5", source: "secpol: LockoutDuration", lacking: 35 },
    Setting { number: "2.3.1.1", name: "Ensure 'Accounts: Guest account status' is set to 'Disabled'", category: "Local Policies", cce: "CCE-37432-2", recommended: "Equals 0", otherwise: "1", source: "secpol: EnableGuestAccount", lacking: 0 },
    Setting { number: "18.4.2", name: "Ensure 'Configure SMB v1 client driver' is set to 'Enabled: Disable driver'", category: "Administrative Templates", cce: "CCE-36534-6", recommended: "Equals 4", otherwise: "2", source: "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\MrxSmb10\\Start", lacking: 15 },
];

impl Profile {
    fn id(&self) -> String {
        guid_for(&format!("baseline profile {}", self.name))
    }

    fn is_for(&self, machine: &Machine) -> bool {
        self.active && machine.os.platform.starts_with(self.platform)
    }
}

impl Setting {
    /// The service's id: the benchmark's name and the number in it.
    fn id(&self) -> String {
        format!("cis-_-{}", self.number)
    }

    fn is_kept_by(&self, machine: &Machine) -> bool {
        draw(&[self.number, &machine.host]) % 100 >= self.lacking
    }

    fn configuration(&self) -> Value {
        object([
            ("id", self.id().into()),
            ("uniqueId", self.number.into()),
            ("benchmarkName", "CIS".into()),
            ("benchmarkVersion", "3.0.0".into()),
            ("name", self.name.into()),
            ("description", format!("This policy setting decides: {}", self.name).into()),
            ("category", self.category.into()),
            ("complianceLevels", vec!["Level 1 (L1) - Corporate/Enterprise Environment (general use)"].into()),
            ("cce", self.cce.into()),
            ("rationale", "What is not set can be used.".into()),
            ("remediation", format!("Set it by group policy: {}", self.recommended).into()),
            ("recommendedValue", vec![self.recommended].into()),
            ("source", vec![self.source].into()),
            ("isCustom", false.into()),
            ("assessmentMethod", "Automated".into()),
        ])
    }
}

fn profiles(call: &Call<'_>) -> Vec<Value> {
    let (start, user) = (call.house.clock.start(), &call.house.identity.user);
    let store = call.house.store();
    let one = |profile: &Profile| {
        let scope: Vec<&Machine> = store.tenant.machines.iter().filter(|m| profile.is_for(m)).collect();
        let passed = scope.iter().filter(|m| SETTINGS.iter().all(|s| s.is_kept_by(m))).count();
        let mut groups: Vec<(i64, &str)> = scope.iter().map(|m| (m.group_id, m.group)).collect();
        groups.sort_unstable();
        groups.dedup();
        object([
            ("id", profile.id().into()),
            ("name", profile.name.into()),
            ("description", "".into()),
            ("benchmark", profile.benchmark.into()),
            ("version", profile.version.into()),
            ("operatingSystem", profile.system.into()),
            ("operatingSystemVersion", profile.system_version.into()),
            ("status", profile.active.into()),
            ("complianceLevel", profile.level.into()),
            ("settingsNumber", (SETTINGS.len() as i64).into()),
            ("createdBy", user.as_str().into()),
            ("lastUpdatedBy", user.as_str().into()),
            ("createdOnTimeOffset", clock::iso(start - 90 * DAY).into()),
            ("lastUpdateTimeOffset", clock::iso(start - 40 * DAY).into()),
            ("passedDevices", (passed as i64).into()),
            ("totalDevices", (scope.len() as i64).into()),
            ("rbacGroupIdsProfileScope", Value::Array(groups.iter().map(|(id, _)| (*id).into()).collect())),
            ("rbacGroupNamesProfileScope", Value::Array(groups.iter().map(|(_, name)| (*name).into()).collect())),
            ("deviceTagsProfileScope", Value::Array(Vec::new())),
        ])
    };
    PROFILES.iter().map(one).collect()
}

fn exceptions(call: &Call<'_>) -> Vec<Value> {
    let start = call.house.clock.start();
    let user = call.house.identity.user.as_str();
    let who = || object([("id", call.house.user_id(user).into()), ("email", user.into())]);
    let store = call.house.store();
    let Some(setting) = SETTINGS.get(1) else { return Vec::new() };
    let plant = store.tenant.machines.iter().filter(|m| m.group == "Plant floor");
    let devices = plant.map(|m| object([("id", (*m.id).into()), ("name", (*m.name).into()), ("rbacGroupId", m.group_id.into())]));
    vec![object([
        ("id", guid_for("baseline exception plant").into()),
        ("approvedBy", user.into()),
        ("justification", "ThirdPartyControl".into()),
        ("dueDate", clock::iso(start + 60 * DAY).into()),
        ("description", "The kilns must not lock their operators out.".into()),
        ("status", "Active".into()),
        ("isActive", true.into()),
        ("softwareName", "Windows 10".into()),
        ("softwareVersion", "22H2".into()),
        ("benchmarkName", "CIS".into()),
        ("benchmarkVersion", "2.0.0".into()),
        ("complianceLevel", "Level 1 (L1) - Corporate/Enterprise Environment (general use)".into()),
        ("configurations", Value::Array(vec![object([("id", setting.id().into()), ("title", setting.name.into())])])),
        ("devices", Value::Array(devices.collect())),
        ("lastModifiedOn", clock::iso(start - 20 * DAY).into()),
        ("lastModifiedBy", who()),
        ("title", "Kilns".into()),
        ("createdOn", clock::iso(start - 20 * DAY).into()),
        ("requester", who()),
    ])]
}

/// How a machine keeps the baselines that are for it: rows of the export.
pub(super) fn assessments(machine: &Machine, at: i64) -> Vec<Value> {
    let pairs = PROFILES.iter().filter(|p| p.is_for(machine)).flat_map(|p| SETTINGS.iter().map(move |s| (p, s)));
    pairs
        .map(|(profile, setting)| {
            let kept = setting.is_kept_by(machine);
            let found = if kept { setting.recommended.rsplit(' ').next().unwrap_or_default() } else { setting.otherwise };
            let collected = clock::iso(at - 2 * 3600 * SECOND);
            object([
                ("id", format!("{}_{}_{}", machine.id, profile.id(), setting.id()).into()),
                ("configurationId", setting.id().into()),
                ("deviceId", (*machine.id).into()),
                ("deviceName", (*machine.name).into()),
                ("profileId", profile.id().into()),
                ("osPlatform", machine.os.platform.into()),
                ("osVersion", machine.os.version.into()),
                ("rbacGroupId", machine.group_id.into()),
                ("rbacGroupName", machine.group.into()),
                ("isApplicable", true.into()),
                ("isCompliant", kept.into()),
                ("dataCollectionTimeOffset", collected.into()),
                ("complianceCalculationTimeOffset", clock::iso(at).into()),
                ("recommendedValue", texts(&[setting.recommended])),
                ("currentValue", texts(&[found])),
                ("rawValue", texts(&[found])),
                ("source", texts(&[setting.source])),
                ("isExempt", false.into()),
                ("complianceEvaluationDetails", Value::Null),
            ])
        })
        .collect()
}
