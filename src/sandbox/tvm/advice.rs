//! What vulnerability management advises: recommendations, the tasks that came of them, and the scores.

use super::{count, draw, rounded, text};
use crate::json::{Value, object};
use crate::sandbox::clock::{self, DAY};
use crate::sandbox::seed::software::{PRODUCTS, Product, Weakness};
use crate::sandbox::seed::{Machine, Risk};
use crate::sandbox::wire::guid_for;

/// A setting that machines should have.
pub(in crate::sandbox) struct Configuration {
    pub(in crate::sandbox) id: &'static str,
    /// The beginning of the systems' names that it is for.
    systems: &'static str,
    pub(in crate::sandbox) name: &'static str,
    pub(in crate::sandbox) category: &'static str,
    pub(in crate::sandbox) subcategory: &'static str,
    pub(in crate::sandbox) impact: f64,
    /// Of a hundred machines, how many lack it.
    lacking: u64,
}

#[rustfmt::skip]
const fn configuration(
    id: &'static str, systems: &'static str, name: &'static str, category: &'static str, subcategory: &'static str, impact: f64, lacking: u64,
) -> Configuration {
    Configuration { id, systems, name, category, subcategory, impact, lacking }
}

#[rustfmt::skip]
pub(in crate::sandbox) const CONFIGURATIONS: &[Configuration] = &[
    configuration("scid-2010", "Windows", "Turn on Microsoft Defender Antivirus", "Security controls", "Antivirus", 10.0, 0),
    configuration("scid-2011", "Windows", "Update Microsoft Defender Antivirus definitions", "Security controls", "Antivirus", 8.0, 10),
    configuration("scid-2012", "Windows", "Turn on real-time protection", "Security controls", "Antivirus", 9.0, 0),
    configuration("scid-2013", "Windows", "Turn on PUA protection in block mode", "Security controls", "Antivirus", 7.0, 40),
    configuration("scid-2500", "Windows", "Block executable content from email client and webmail", "Security controls", "Attack Surface Reduction", 9.0, 30),
    configuration("scid-3001", "Windows", "Disable SMBv1 client driver", "Network", "SMB", 6.0, 15),
    configuration("scid-6095", "Linux", "Turn on real-time protection for Linux", "Security controls", "Antivirus", 9.0, 50),
    configuration("scid-5095", "macOS", "Turn on real-time protection for macOS", "Security controls", "Antivirus", 9.0, 0),
];

impl Configuration {
    pub(in crate::sandbox) fn applies_to(&self, machine: &Machine) -> bool {
        machine.os.platform.starts_with(self.systems)
    }

    pub(in crate::sandbox) fn is_kept_by(&self, machine: &Machine) -> bool {
        draw(&[self.id, &machine.host]) % 100 >= self.lacking
    }

    /// The recommendation about it.
    pub(in crate::sandbox) fn reference(&self) -> String {
        format!("sca-_-{}", self.id)
    }
}

/// Something to do.
#[derive(Clone, Copy)]
pub(in crate::sandbox) enum Advice {
    Update(&'static Product),
    Configure(&'static Configuration),
}

/// The recommendation to update a product.
pub(in crate::sandbox) fn update_of(product: &Product) -> String {
    format!("va-_-{}", product.id())
}

/// Every recommendation that is for some machine.
pub(in crate::sandbox) fn all(machines: &[Machine]) -> Vec<Advice> {
    let updates = PRODUCTS.iter().filter(|p| !p.cve.is_empty()).map(Advice::Update);
    let settings = CONFIGURATIONS.iter().map(Advice::Configure);
    updates.chain(settings).filter(|a| machines.iter().any(|m| a.is_for(m))).collect()
}

/// The recommendation of that id, whatever the letter case.
pub(in crate::sandbox) fn by_id(machines: &[Machine], id: &str) -> Option<Advice> {
    all(machines).into_iter().find(|a| a.id().eq_ignore_ascii_case(id))
}

impl Advice {
    pub(in crate::sandbox) fn id(self) -> String {
        match self {
            Advice::Update(product) => update_of(product),
            Advice::Configure(setting) => setting.reference(),
        }
    }

    pub(in crate::sandbox) fn is_for(self, machine: &Machine) -> bool {
        match self {
            Advice::Update(product) => product.is_on(machine),
            Advice::Configure(setting) => setting.applies_to(machine) && !setting.is_kept_by(machine),
        }
    }

    /// What it mends.
    pub(in crate::sandbox) fn weakness(self) -> Option<&'static Weakness> {
        match self {
            Advice::Update(product) => product.weakness(),
            Advice::Configure(_) => None,
        }
    }

    fn name(self) -> String {
        match self {
            Advice::Update(product) => format!("Update {} {}", product.vendor, product.name),
            Advice::Configure(setting) => setting.name.to_owned(),
        }
    }

    /// The service's `Recommendation`.
    pub(in crate::sandbox) fn render(self, machines: &[Machine]) -> Value {
        let all = count(machines.iter().filter(|m| match self {
            Advice::Update(product) => product.is_on(m),
            Advice::Configure(setting) => setting.applies_to(m),
        }));
        let exposed = || machines.iter().filter(|m| self.is_for(m));
        let weakness = self.weakness();
        let exploit = weakness.is_some_and(|w| w.exploit);
        let (product, vendor, version, category, subcategory, remediation, score, configuration) = match self {
            Advice::Update(p) => (p.name, p.vendor, p.newest, p.category(), "", "Update", weakness.map_or(0.0, |w| w.cvss), 0.0),
            Advice::Configure(c) => ("windows", "microsoft", "", c.category, c.subcategory, "ConfigurationChange", c.impact, c.impact),
        };
        let exposure = if configuration > 0.0 { 0.0 } else { rounded(score * count(exposed()) as f64 / machines.len().max(1) as f64) };
        object([
            ("id", self.id().into()),
            ("productName", product.into()),
            ("recommendationName", self.name().into()),
            ("weaknesses", i64::from(weakness.is_some()).into()),
            ("vendor", vendor.into()),
            ("recommendedVersion", text(version)),
            ("recommendedVendor", text(if version.is_empty() { "" } else { vendor })),
            ("recommendedProgram", text(if version.is_empty() { "" } else { product })),
            ("recommendationCategory", category.into()),
            ("subCategory", text(subcategory)),
            ("severityScore", score.into()),
            ("publicExploit", exploit.into()),
            ("activeAlert", (exploit && exposed().any(|m| m.risk == Risk::High)).into()),
            ("associatedThreats", Vec::<&str>::new().into()),
            ("remediationType", remediation.into()),
            ("status", "Active".into()),
            ("configScoreImpact", configuration.into()),
            ("exposureImpact", exposure.into()),
            ("totalMachineCount", all.into()),
            ("exposedMachinesCount", count(exposed()).into()),
            ("nonProductivityImpactedAssets", 0i64.into()),
            ("relatedComponent", product.into()),
            ("hasUnpatchableCve", false.into()),
            ("tags", Vec::<&str>::new().into()),
            ("exposedCriticalDevices", count(exposed().filter(|m| m.value == "High")).into()),
        ])
    }
}

/// A task that came of a recommendation: which, how many days ago, and whether it is done.
const TASKS: &[(&str, i64, bool)] =
    &[("va-_-google-_-chrome", 3, false), ("va-_-microsoft-_-windows_server_2016", 12, false), ("sca-_-scid-2013", 25, true)];

/// A remediation task: its id, its advice, and itself as the service shows it.
pub(in crate::sandbox) struct Task {
    pub(in crate::sandbox) id: String,
    pub(in crate::sandbox) advice: Advice,
    pub(in crate::sandbox) value: Value,
}

/// Every remediation task. `now`: when the tenant was set up; `by`: who asked.
pub(in crate::sandbox) fn tasks(machines: &[Machine], now: i64, by: (&str, &str)) -> Vec<Task> {
    TASKS.iter().filter_map(|(reference, days, done)| Some(task(machines, by_id(machines, reference)?, now, *days, *done, by))).collect()
}

fn task(machines: &[Machine], advice: Advice, now: i64, days: i64, done: bool, by: (&str, &str)) -> Task {
    let id = guid_for(&format!("remediation {}", advice.id()));
    let targets = count(machines.iter().filter(|m| advice.is_for(m)));
    let created = now - days * DAY;
    let mut groups: Vec<&str> = machines.iter().filter(|m| advice.is_for(m)).map(|m| m.group).collect();
    groups.sort_unstable();
    groups.dedup();
    let (category, kind, product, setting) = match advice {
        Advice::Update(p) => ("Software", "Update", Some(p), ""),
        Advice::Configure(c) => ("SecurityConfiguration", "ConfigurationChange", None, c.id),
    };
    let of = |part: fn(&Product) -> &'static str| product.map_or(Value::Null, |p| part(p).into());
    let when = |there: bool, value: Value| if there { value } else { Value::Null };
    let value = object([
        ("id", id.as_str().into()),
        ("title", advice.name().into()),
        ("createdOn", clock::iso(created).into()),
        ("requesterId", by.0.into()),
        ("requesterEmail", by.1.into()),
        ("status", if done { "Completed".into() } else { "Active".into() }),
        ("statusLastModifiedOn", clock::iso(if done { created + 5 * DAY } else { created }).into()),
        ("description", format!("{} on {targets} devices.", advice.name()).into()),
        ("relatedComponent", product.map_or("windows", |p| p.name).into()),
        ("targetDevices", targets.into()),
        ("rbacGroupNames", super::texts(&groups)),
        ("fixedDevices", if done { targets.into() } else { 0i64.into() }),
        ("requesterNotes", "Before the end of the month, please.".into()),
        ("dueOn", clock::iso(created + 14 * DAY).into()),
        ("category", category.into()),
        ("productivityImpactRemediationType", Value::Null),
        ("priority", "Medium".into()),
        ("completionMethod", when(done, "Automatic".into())),
        ("completerId", Value::Null),
        ("completerEmail", Value::Null),
        ("scid", text(setting)),
        ("type", kind.into()),
        ("productId", product.map_or(Value::Null, |p| p.id().into())),
        ("vendorId", of(|p| p.vendor)),
        ("nameId", of(|p| p.name)),
        ("recommendedVersion", of(|p| p.newest)),
        ("recommendedVendor", of(|p| p.vendor)),
        ("recommendedProgram", of(|p| p.name)),
        ("recommendationReference", advice.id().into()),
    ]);
    Task { id, advice, value }
}

/// The mean exposure of these machines, from 0 to 100; the lower, the better.
pub(in crate::sandbox) fn exposure<'m>(machines: impl Iterator<Item = &'m Machine>) -> f64 {
    let points = machines.map(|m| match m.exposure {
        "High" => 75.0,
        "Medium" => 45.0,
        "Low" => 15.0,
        _ => 0.0,
    });
    let (sum, number) = points.fold((0.0, 0.0), |(sum, number), p: f64| (sum + p, number + 1.0));
    if number == 0.0 { 0.0 } else { rounded(sum / number) }
}

/// The secure score for devices; the higher, the better.
pub(in crate::sandbox) fn secure(machines: &[Machine]) -> f64 {
    let pairs = || machines.iter().flat_map(|m| CONFIGURATIONS.iter().filter(|c| c.applies_to(m)).map(move |c| (m, c)));
    let all: f64 = pairs().map(|(_, c)| c.impact).sum();
    let kept: f64 = pairs().filter(|(m, c)| c.is_kept_by(m)).map(|(_, c)| c.impact).sum();
    if all == 0.0 { 0.0 } else { rounded(1000.0 * kept / all) }
}
