//! What was put into the tables of a running sandbox, and taken out of them.

use super::wide::Wide;
use super::{Store, Tables, alerts, inventory};
use crate::kql::Catalog;
use crate::kql::value::{Cells, Column, Table, Type};
use crate::sandbox::seed::entities::{Alert, Machine};
use crate::sandbox::seed::schema::{Shape, shapes};
use std::borrow::Cow;
use std::sync::Arc;

/// A table that is no more as it was seeded.
#[derive(Clone, Debug)]
pub(super) enum Changed {
    Whole(Arc<Table>),
    Wide(Arc<Wide>),
}

/// The rows of one table behind those of another of the same columns, in the order of time where they have one.
fn together(one: &Table, two: &Table) -> Table {
    let rows = one.rows + two.rows;
    let mut columns: Vec<Column> = (one.columns.iter().zip(&two.columns))
        .map(|(a, b)| {
            let cells = a.cells.iter().chain(b.cells.iter()).map(Cow::into_owned).collect();
            Column { name: a.name.clone(), ty: a.ty, cells }
        })
        .collect();
    if let Some(times) = columns.iter().find(|c| *c.name == *"Timestamp" && c.ty == Type::DateTime) {
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by_key(|row| times.cells.get(*row).and_then(|cell| cell.as_i64()));
        if !order.is_sorted() {
            for column in &mut columns {
                column.cells = order.iter().filter_map(|row| column.cells.get(*row)).map(Cow::into_owned).collect();
            }
        }
    }
    Table { columns, rows }
}

impl Tables {
    /// Puts rows into a table. They have its columns; a table that is not there is made.
    pub(in crate::sandbox) fn add(&mut self, name: &str, rows: &Table) {
        let wide = match self.changed.get(name) {
            Some(Changed::Wide(wide)) => Some(wide.clone()),
            Some(Changed::Whole(_)) => None,
            None => self.store.wide(name),
        };
        let changed = match (wide, self.table(name)) {
            (Some(wide), _) => Changed::Wide(Arc::new(wide.with_own(Arc::new(together(wide.own(), rows))))),
            (None, Some(old)) => Changed::Whole(Arc::new(together(&old, rows))),
            (None, None) => {
                let hollow = |c: &Column| Column { name: c.name.clone(), ty: c.ty, cells: Cells::new() };
                let empty = Table { columns: rows.columns.iter().map(hollow).collect(), rows: 0 };
                Changed::Whole(Arc::new(together(&empty, rows)))
            }
        };
        self.changed.insert(name.into(), changed);
    }

    /// Puts machines into the tables that show machines.
    pub(in crate::sandbox) fn introduce(&mut self, machines: &[Arc<Machine>]) {
        let rows: Vec<inventory::Row> = machines.iter().map(|m| (m.clone(), m.last_seen)).collect();
        self.report_machines(&rows);
        self.put("DeviceTvmSoftwareInventory", |_, shape| inventory::software(machines, shape));
        self.put("DeviceTvmSoftwareVulnerabilities", |_, shape| inventory::vulnerabilities(machines, shape));
    }

    /// What machines report of themselves at these moments.
    pub(in crate::sandbox) fn report_machines(&mut self, rows: &[(Arc<Machine>, i64)]) {
        self.put("DeviceInfo", |store, shape| inventory::info_of(store, shape, rows));
        self.put("DeviceNetworkInfo", |_, shape| inventory::network_of(shape, rows));
    }

    /// Puts alerts into the tables that show alerts.
    pub(in crate::sandbox) fn report(&mut self, raised: &[Alert], machines: &[Machine]) {
        let machines: Vec<&Machine> = machines.iter().collect();
        self.put("AlertInfo", |_, shape| alerts::info(raised, shape));
        self.put("AlertEvidence", |_, shape| alerts::evidence(raised, &machines, shape));
    }

    fn put(&mut self, name: &str, make: impl FnOnce(&Store, &Shape) -> Table) {
        if let Some(shape) = shapes().iter().find(|shape| *shape.0 == *name) {
            let rows = make(&self.store, shape);
            self.add(name, &rows);
        }
    }

    /// Whether the schema has such a table.
    pub(in crate::sandbox) fn is_seeded(&self, name: &str) -> bool {
        shapes().iter().any(|shape| *shape.0 == *name)
    }

    /// Takes all rows out of a table; how many there were. None: there is no such table.
    pub(in crate::sandbox) fn clear(&mut self, name: &str) -> Option<usize> {
        let old = self.table(name)?;
        let columns = old.columns.iter().map(|c| Column { name: c.name.clone(), ty: c.ty, cells: Cells::new() }).collect();
        self.changed.insert(name.into(), Changed::Whole(Arc::new(Table { columns, rows: 0 })));
        Some(old.rows)
    }
}
