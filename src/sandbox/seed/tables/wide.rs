//! Tables of a million rows, a column of which is made when a query looks at it.
//!
//! They are the story's own rows among those that the crowd works out, in the order of time.

use super::device;
use super::mail;
use crate::kql::Lazy;
use crate::kql::value::{Cells, Column, Table, Type, Value};
use crate::sandbox::seed::crowd::Crowd;
use crate::sandbox::seed::schema::{Shape, Sheet, shapes};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

pub(super) const PROCESSES: &str = "DeviceProcessEvents";
/// The tables that are worked out.
pub(super) const NAMES: [&str; 8] = [
    PROCESSES,
    "DeviceNetworkEvents",
    "DeviceFileEvents",
    "DeviceRegistryEvents",
    "DeviceImageLoadEvents",
    "DeviceLogonEvents",
    "DeviceEvents",
    "EmailEvents",
];
static NONE: Cells = Cells::new();
/// So many rows are made at a time.
const CHUNK: usize = 4096;
/// Up to this share of a table, cells are made one by one instead of the whole column.
const FEW: usize = 64;

/// How many rows such a table has; together they are a million.
pub(super) fn rows(name: &str) -> usize {
    match name {
        PROCESSES | "DeviceNetworkEvents" => 300_000,
        "DeviceFileEvents" => 120_000,
        "EmailEvents" => 40_000,
        _ => 60_000,
    }
}

/// A table of the crowd's rows and others.
pub(super) struct Wide {
    id: usize,
    shape: &'static Shape,
    /// Name, types and number of rows, without cells.
    hollow: Arc<Table>,
    /// The rows that are written down, in the order of time.
    own: Arc<Table>,
    crowd: Arc<Crowd>,
    /// How many the crowd has.
    count: usize,
    /// For each row its number among the written ones, or that many more and its number among the crowd's.
    order: OnceLock<Vec<u32>>,
    columns: Vec<OnceLock<Cells>>,
}

impl fmt::Debug for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wide({}, {} rows)", self.shape.0, self.hollow.rows)
    }
}

impl Wide {
    pub(super) fn new(name: &str, own: Arc<Table>, crowd: Arc<Crowd>) -> Wide {
        let count = rows(name).saturating_sub(own.rows);
        Wide::with(name, own, crowd, count)
    }

    fn with(name: &str, own: Arc<Table>, crowd: Arc<Crowd>, count: usize) -> Wide {
        static NONE: OnceLock<Shape> = OnceLock::new();
        let found = shapes().iter().enumerate().find(|(_, shape)| *shape.0 == *name);
        let (id, shape) = found.unwrap_or_else(|| (0, NONE.get_or_init(|| ("".into(), Vec::new()))));
        let column = |(name, ty): &(Arc<str>, Type)| Column { name: name.clone(), ty: *ty, cells: Cells::new() };
        let hollow = Arc::new(Table { columns: shape.1.iter().map(column).collect(), rows: own.rows + count });
        let columns = shape.1.iter().map(|_| OnceLock::new()).collect();
        Wide { id, shape, hollow, own, crowd, count, order: OnceLock::new(), columns }
    }

    /// The same with other written rows.
    pub(super) fn with_own(&self, own: Arc<Table>) -> Wide {
        Wide::with(&self.shape.0, own, self.crowd.clone(), self.count)
    }

    pub(super) fn own(&self) -> &Table {
        &self.own
    }

    pub(super) fn shape(&self) -> Arc<Table> {
        self.hollow.clone()
    }

    /// When the crowd's n-th row is.
    fn moment(&self, number: usize) -> i64 {
        let (crowd, count) = (&self.crowd, self.count);
        match self.shape.0.as_ref() {
            PROCESSES => crowd.started(number) + device::AFTER_START,
            "DeviceNetworkEvents" => crowd.net_at(number, count),
            "DeviceFileEvents" => crowd.file_at(number, count),
            "DeviceRegistryEvents" => crowd.registry_at(number, count),
            "DeviceImageLoadEvents" => crowd.load_at(number, count),
            "DeviceLogonEvents" => crowd.logon_at(number, count),
            "DeviceEvents" => crowd.other_at(number, count),
            _ => crowd.mail_at(number, count),
        }
    }

    fn order(&self) -> &[u32] {
        self.order.get_or_init(|| {
            let own = self.own.columns.iter().find(|c| *c.name == *"Timestamp").map_or(&NONE, |c| &c.cells);
            let mut own = own.iter().enumerate().map(|(at, cell)| (cell.as_i64().unwrap_or(i64::MIN), at as u32)).peekable();
            let mut out = Vec::with_capacity(self.hollow.rows);
            for number in 0..self.count {
                let at = self.moment(number);
                while let Some((_, row)) = own.next_if(|(time, _)| *time <= at) {
                    out.push(row);
                }
                out.push((self.own.rows + number) as u32);
            }
            out.extend(own.map(|(_, row)| row));
            out
        })
    }

    /// The whole column, kept small: most texts repeat, and numbers are bare.
    fn kept(&self, column: usize, ty: Type) -> Cells {
        let total = self.hollow.rows;
        let chunks = (0..total).step_by(CHUNK).map(|from| self.cells_of(column, from..(from + CHUNK).min(total)));
        match ty {
            Type::Int | Type::Long | Type::DateTime | Type::TimeSpan => Cells::optional(ty, chunks.flatten().map(|v| v.as_i64())),
            Type::String | Type::Guid => {
                let (mut known, mut values, mut codes) = (HashMap::new(), Vec::new(), Vec::with_capacity(total));
                for value in chunks.flatten() {
                    let text = if let Value::String(text) = &value { Some(text.clone()) } else { None };
                    codes.push(*known.entry(text).or_insert_with(|| {
                        values.push(value);
                        values.len() as u32 - 1
                    }));
                }
                Cells::dict(values, codes)
            }
            _ => chunks.flatten().collect(),
        }
    }

    fn is(&self, column: usize, name: &str) -> bool {
        self.shape.1.get(column).is_some_and(|c| *c.0 == *name)
    }

    /// Cells of the crowd's rows of these numbers.
    fn made(&self, column: usize, numbers: &[usize]) -> Vec<Value> {
        if self.is(column, "Timestamp") {
            return numbers.iter().map(|n| Value::DateTime(self.moment(*n))).collect();
        }
        if self.is(column, "ReportId") && self.shape.0.as_ref() != "EmailEvents" {
            return numbers.iter().map(|n| Value::Long(100_000 + *n as i64)).collect();
        }
        let (crowd, count, shape) = (&self.crowd, self.count, self.shape);
        /// The events of these numbers, as the table shows them.
        macro_rules! column {
            ($event:expr, $sheet:path) => {{
                let rows: Vec<_> = numbers.iter().filter_map(|n| $event(*n)).collect();
                Sheet::column(shape, &rows, column, $sheet)
            }};
        }
        let cells = match shape.0.as_ref() {
            PROCESSES => column!(|n| crowd.process(n), device::processes_sheet),
            "DeviceNetworkEvents" => column!(|n| crowd.net(n, count), device::net_sheet),
            "DeviceFileEvents" => column!(|n| crowd.file(n, count), device::files_sheet),
            "DeviceRegistryEvents" => column!(|n| crowd.registry(n, count), device::registry_sheet),
            "DeviceImageLoadEvents" => column!(|n| crowd.load(n, count), device::loads_sheet),
            "DeviceLogonEvents" => column!(|n| crowd.logon(n, count), device::logons_sheet),
            "DeviceEvents" => column!(|n| crowd.other(n, count), device::others_sheet),
            _ => column!(|n| crowd.mail(n, count), mail::events_sheet),
        };
        if cells.len() == numbers.len() { cells } else { vec![self.blank(column); numbers.len()] }
    }

    fn blank(&self, column: usize) -> Value {
        match self.shape.1.get(column) {
            Some((_, Type::String)) => Value::String("".into()),
            _ => Value::Null,
        }
    }

    /// Cells of these rows.
    fn cells_of(&self, column: usize, rows: impl Iterator<Item = usize>) -> Vec<Value> {
        let order = self.order();
        let places: Vec<usize> = rows.map(|row| order.get(row).map_or(usize::MAX, |at| *at as usize)).collect();
        let numbers: Vec<usize> = places.iter().filter_map(|at| at.checked_sub(self.own.rows)).collect();
        let mut made = self.made(column, &numbers).into_iter();
        let own = self.own.columns.get(column);
        let cell = |at: &usize| match at.checked_sub(self.own.rows) {
            Some(_) => made.next(),
            None => own.and_then(|c| c.cells.get(*at)).map(Cow::into_owned),
        };
        places.iter().map(cell).map(|cell| cell.unwrap_or(Value::Null)).collect()
    }
}

impl Lazy for Wide {
    fn id(&self) -> usize {
        self.id
    }

    fn cells(&self, column: usize) -> &Cells {
        let ty = self.shape.1.get(column).map_or(Type::String, |c| c.1);
        self.columns.get(column).map_or(&NONE, |slot| slot.get_or_init(|| self.kept(column, ty)))
    }

    fn few(&self, column: usize, rows: &[usize]) -> Option<Vec<Value>> {
        let made = self.columns.get(column)?.get();
        if made.is_some() || rows.len() > self.hollow.rows / FEW {
            return None;
        }
        Some(self.cells_of(column, rows.iter().copied()))
    }
}
