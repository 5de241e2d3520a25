//! The hunting tables, each made on first use from what happened.

mod alerts;
mod changes;
mod device;
mod identity;
mod inventory;
mod mail;
mod wide;

use super::background;
use super::crowd::Crowd;
use super::entities::Alert;
use super::events::{CloudEvent, Happened, Mail, SignIn};
use super::random::DAY;
use super::schema::{Shape, shapes};
use super::world::{Process, World};
use crate::kql::value::Table;
use crate::kql::{Catalog, Lazy};
use changes::Changed;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use wide::Wide;

/// The hunting tables, each made on first use. Clones share what was made, and go their own ways in what is changed.
#[derive(Clone, Debug)]
pub struct Tables {
    store: Arc<Store>,
    changed: BTreeMap<Arc<str>, Changed>,
}

#[derive(Debug)]
pub(super) struct Store {
    world: World,
    /// What the incidents need; the background is added to it.
    script: Happened,
    alerts: Vec<Alert>,
    tables: Vec<OnceLock<Arc<Table>>>,
    /// Tables of a large world, by their names.
    wide: Vec<(&'static str, OnceLock<Arc<Wide>>)>,
    crowd: OnceLock<Arc<Crowd>>,
    /// What several tables are drawn from.
    processes: OnceLock<Vec<Arc<Process>>>,
    mails: OnceLock<Vec<Mail>>,
    sign_ins: OnceLock<Vec<SignIn>>,
    cloud: OnceLock<Vec<CloudEvent>>,
}

impl Tables {
    pub(super) fn new(world: World, script: Happened, alerts: Vec<Alert>, large: bool) -> Self {
        let wide = if large { wide::NAMES.iter().map(|name| (*name, OnceLock::new())).collect() } else { Vec::new() };
        let store = Store {
            wide,
            crowd: OnceLock::new(),
            world,
            script,
            alerts,
            tables: shapes().iter().map(|_| OnceLock::new()).collect(),
            processes: OnceLock::new(),
            mails: OnceLock::new(),
            sign_ins: OnceLock::new(),
            cloud: OnceLock::new(),
        };
        Self { store: Arc::new(store), changed: BTreeMap::new() }
    }
}

impl Catalog for Tables {
    fn table(&self, name: &str) -> Option<Arc<Table>> {
        match self.changed.get(name) {
            Some(Changed::Whole(table)) => Some(table.clone()),
            Some(Changed::Wide(wide)) => Some(wide.shape()),
            None => self.store.wide(name).map(|wide| wide.shape()).or_else(|| self.store.table(name)),
        }
    }

    fn table_names(&self) -> Vec<String> {
        let own = shapes().iter().map(|(name, _)| name.to_string());
        let new = self.changed.keys().filter(|name| !shapes().iter().any(|shape| shape.0 == **name));
        own.chain(new.map(|name| name.to_string())).collect()
    }

    fn lazy(&self, name: &str) -> Option<Arc<dyn Lazy>> {
        match self.changed.get(name) {
            Some(Changed::Whole(_)) => None,
            Some(Changed::Wide(wide)) => Some(wide.clone()),
            None => self.store.wide(name).map(|wide| wide as Arc<dyn Lazy>),
        }
    }
}

/// In order of time, and nothing that is older than 30 days or yet to come.
fn settle<E>(world: &World, mut events: Vec<E>, at: impl Fn(&E) -> i64) -> Vec<E> {
    events.retain(|e| (world.now - 30 * DAY..world.now).contains(&at(e)));
    events.sort_by_key(at);
    events
}

/// The same for what a machine's sensor sees: nothing after its last contact.
fn seen<E>(world: &World, mut events: Vec<E>, process: impl Fn(&E) -> &Process, at: impl Fn(&E) -> i64) -> Vec<E> {
    events.retain(|e| at(e) <= process(e).machine.last_seen);
    settle(world, events, at)
}

impl Store {
    /// A table that is written down: of a large world, the part that is the story's.
    fn table(&self, name: &str) -> Option<Arc<Table>> {
        let (shape, slot) = shapes().iter().zip(&self.tables).find(|(shape, _)| *shape.0 == *name)?;
        Some(slot.get_or_init(|| Arc::new(self.build(shape))).clone())
    }

    /// A table that is worked out.
    fn wide(&self, name: &str) -> Option<Arc<Wide>> {
        let (_, slot) = self.wide.iter().find(|(own, _)| *own == name)?;
        let own = self.table(name)?;
        Some(slot.get_or_init(|| Arc::new(Wide::new(name, own, self.crowd()))).clone())
    }

    fn crowd(&self) -> Arc<Crowd> {
        let make = || {
            let own = self.table(wide::PROCESSES).map_or(0, |table| table.rows);
            Arc::new(Crowd::new(&self.world, wide::rows(wide::PROCESSES).saturating_sub(own)))
        };
        self.crowd.get_or_init(make).clone()
    }

    /// Those of the background, without the incidents'.
    fn processes(&self) -> &[Arc<Process>] {
        self.processes.get_or_init(|| seen(&self.world, background::processes(&self.world), |p| p, |p| p.created))
    }

    fn mails(&self) -> &[Mail] {
        self.mails.get_or_init(|| {
            let mails = [background::mails(&self.world), self.script.mails.clone()].concat();
            settle(&self.world, mails, |m| m.facts.received)
        })
    }

    fn sign_ins(&self) -> &[SignIn] {
        self.sign_ins.get_or_init(|| {
            let events = [background::sign_ins(&self.world, self.processes()), self.script.sign_ins.clone()].concat();
            settle(&self.world, events, |s| s.at)
        })
    }

    fn cloud(&self) -> &[CloudEvent] {
        self.cloud.get_or_init(|| {
            let events = [background::cloud(&self.world, self.sign_ins()), self.script.cloud.clone()].concat();
            settle(&self.world, events, |c| c.at)
        })
    }

    fn build(&self, shape: &Shape) -> Table {
        match shape.0.as_ref() {
            "DeviceProcessEvents" => device::processes(self, shape),
            "DeviceNetworkEvents" => device::net(self, shape),
            "DeviceFileEvents" => device::files(self, shape),
            "DeviceRegistryEvents" => device::registry(self, shape),
            "DeviceImageLoadEvents" => device::loads(self, shape),
            "DeviceLogonEvents" => device::logons(self, shape),
            "DeviceEvents" => device::others(self, shape),
            "DeviceInfo" => inventory::info(self, shape),
            "DeviceNetworkInfo" => inventory::network(self, shape),
            "DeviceTvmSoftwareInventory" => inventory::software(&self.world.machines, shape),
            "DeviceTvmSoftwareVulnerabilities" => inventory::vulnerabilities(&self.world.machines, shape),
            "EmailEvents" => mail::events(self, shape),
            "EmailUrlInfo" => mail::urls(self, shape),
            "EmailAttachmentInfo" => mail::attachments(self, shape),
            "EmailPostDeliveryEvents" => mail::moved(self, shape),
            "UrlClickEvents" => mail::clicks(self, shape),
            "IdentityLogonEvents" => identity::logons(self, shape),
            "EntraIdSignInEvents" | "AADSignInEventsBeta" => identity::entra(self, shape),
            "IdentityInfo" => identity::people(self, shape),
            "IdentityQueryEvents" => identity::directory(self, shape, true),
            "IdentityDirectoryEvents" => identity::directory(self, shape, false),
            "CloudAppEvents" => identity::cloud(self, shape),
            "AlertInfo" => alerts::info(&self.alerts, shape),
            "AlertEvidence" => alerts::evidence(&self.alerts, &self.world.machines.iter().map(AsRef::as_ref).collect::<Vec<_>>(), shape),
            _ => super::schema::Sheet::<()>::new(shape, &[]).finish(),
        }
    }
}
