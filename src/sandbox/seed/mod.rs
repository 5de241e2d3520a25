//! The tenant in the box: a company, its people and machines, 30 days of office life, and one intrusion.
//!
//! A fake that answers with nothing teaches nothing. Everything here hangs together: ids, hashes, process trees, logons, mails and alerts
//! agree over all tables and services, so that a hunter can pivot from any value to any other. Equal `now` and `seed` give equal rows.

mod background;
mod crowd;
pub mod entities;
mod events;
mod everyday;
mod more;
mod older;
mod plan;
mod random;
mod render;
mod schema;
pub mod software;
mod story;
mod tables;
#[cfg(test)]
mod tests;
mod timeline;
mod world;

pub use entities::*;
pub use plan::{Kind, Plan};
pub use tables::Tables;

use events::Script;
use world::World;

/// The tenant's id in Entra ID; the same for every seed, so that examples can be pasted.
pub const TENANT_ID: &str = "5b1e7c1a-0d1f-4f3a-9c52-6a8e3d0c7f14";
/// The company.
pub const TENANT_NAME: &str = "Larkmoor Optics";
/// The domain of its mail addresses and user principal names; reserved, so that nobody owns it.
pub const DOMAIN: &str = "larkmoor.example";

/// The NetBIOS name of its Active Directory domain.
pub const NETBIOS: &str = "LARKMOOR";
/// Its Active Directory domain, under which machines have their DNS names.
pub const AD_DOMAIN: &str = "corp.larkmoor.example";
/// Its Azure subscription.
const SUBSCRIPTION_ID: &str = "e8f3a7d2-4c61-4b0e-8d95-2f7c1b6a9e03";
/// Who broke in, by the name that the service gives.
const ACTOR: &str = "Storm-9417";
/// The family of their implant.
const ACTOR_TOOL: &str = "Brinehook";

/// A seeded tenant: entities that the services change, and tables that they do not.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// [`TENANT_ID`]
    pub id: String,
    /// [`TENANT_NAME`]
    pub name: String,
    /// [`DOMAIN`]
    pub domain: String,
    /// Everyone, service accounts last.
    pub users: Vec<User>,
    /// Nobody and nothing was seeded: what is there was added.
    pub bare: bool,
    /// Every device.
    pub machines: Vec<Machine>,
    /// Every alert, the oldest first.
    pub alerts: Vec<Alert>,
    /// Every incident, by its number.
    pub incidents: Vec<Incident>,
    /// The hunting tables.
    pub tables: Tables,
    /// The tenant's present, in ticks of 100 ns since year 1; nothing happened later.
    pub now: i64,
}

impl Tenant {
    /// Sets every machine's risk to what its open alerts say. To be called after an alert was changed.
    pub fn assess(&mut self) {
        for machine in &mut self.machines {
            let open = self.alerts.iter().filter(|a| a.status != AlertStatus::Resolved && a.machines.contains(&machine.id));
            let alerted = open.map(|a| a.severity).max().map_or(Risk::None, |s| match s {
                Severity::Informational => Risk::Informational,
                Severity::Low => Risk::Low,
                Severity::Medium => Risk::Medium,
                Severity::High => Risk::High,
            });
            machine.risk = alerted.max(machine.least_risk);
        }
    }
}

/// The tenant as it is at `now` (ticks of 100 ns since year 1). `seed` chooses ids, times and who does what in the background; the story stays.
pub fn tenant(now: i64, seed: u64) -> Tenant {
    planned(now, &Plan { seed, ..Plan::default() })
}

/// The same as it was planned.
pub fn planned(now: i64, plan: &Plan) -> Tenant {
    let world = World::new(now, plan);
    let mut script = Script::new(&world, "incidents");
    if plan.kind != Kind::Empty {
        everyday::write(&mut script);
    }
    let Script { happened, mut alerts, incidents, .. } = script;
    alerts.sort_by_key(|a| a.created);
    let mut tenant = Tenant {
        id: TENANT_ID.into(),
        name: TENANT_NAME.into(),
        domain: DOMAIN.into(),
        users: world.users.clone(),
        bare: world.bare,
        machines: world.machines.iter().map(|m| Machine::clone(m)).collect(),
        alerts: alerts.clone(),
        incidents,
        tables: Tables::new(world, happened, alerts, plan.kind == Kind::Large),
        now,
    };
    tenant.assess();
    tenant
}
