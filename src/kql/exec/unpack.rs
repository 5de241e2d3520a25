//! Plugins that turn cells into columns and columns into cells.

use super::super::compare::{convert, from_json, key, to_text};
use super::super::error::{Span, Try, semantic, unsupported};
use super::super::plan::{Plan, Step};
use super::super::scalar::{Batch, Col, NO_ROW};
use super::super::value::{Type, Value};
use super::Run;
use crate::json;
use std::collections::HashMap;
use std::sync::Arc;

/// `bag_unpack`: appends a column a member.
pub(in super::super) struct Unpack {
    pub(in super::super) bag: usize,
    pub(in super::super) slots: Vec<(String, Type)>,
    pub(in super::super) span: Span,
}

impl Step for Unpack {
    fn run(&self, batch: Batch, run: &Run) -> Try<Batch> {
        run.charge(batch.rows.saturating_mul(self.slots.len()))?;
        let mut out = batch.clone();
        for (key, ty) in &self.slots {
            let mut cells = Vec::with_capacity(batch.rows);
            for row in 0..batch.rows {
                let bag = batch.cols.get(self.bag).map(|c| c.get(row).into_owned());
                let member = match &bag {
                    Some(Value::Dynamic(bag)) => bag.as_object().and_then(|bag| bag.get(key)),
                    _ => None,
                };
                cells.push(member.map_or_else(|| Ok(Value::absent(*ty).clone()), |m| self.slot(m, key, *ty))?);
            }
            out.cols.push(Col::own(cells, *ty));
        }
        Ok(out)
    }
}

impl Unpack {
    fn slot(&self, member: &json::Value, key: &str, ty: Type) -> Try<Value> {
        use json::Value as J;
        let fits = matches!(
            (member, ty),
            (J::Null, _)
                | (_, Type::Dynamic)
                | (J::Bool(_), Type::Bool)
                | (J::Int(_), Type::Int | Type::Long | Type::Real)
                | (J::Float(_), Type::Real)
                | (J::String(_), Type::String | Type::DateTime | Type::TimeSpan | Type::Guid)
        );
        let value = match (member, ty) {
            (J::Null, _) => Value::absent(ty).clone(),
            (_, Type::Dynamic) => Value::dynamic(member.clone()),
            _ => convert(&from_json(member), ty),
        };
        let lost = value.is_null() && !member.is_null();
        if !fits || lost {
            return Err(unsupported(
                self.span,
                format!("bag_unpack of the member '{key}' to a {}, for not all of its values are one", ty.name()),
            ));
        }
        Ok(value)
    }
}

/// `pivot`: the cells of groups by the value of a column; the batch has the groups, that column and the cell.
pub(in super::super) struct Unstack {
    pub(in super::super) groups: usize,
    pub(in super::super) values: Vec<Arc<str>>,
    pub(in super::super) ty: Type,
    /// What stands where a group has no rows of a value.
    pub(in super::super) empty: Option<Value>,
    /// Whether the values were declared.
    pub(in super::super) closed: bool,
    pub(in super::super) span: Span,
}

impl Step for Unstack {
    fn run(&self, batch: Batch, run: &Run) -> Try<Batch> {
        let places: HashMap<&str, usize> = self.values.iter().enumerate().map(|(at, v)| (v.as_ref(), at)).collect();
        let mut known = HashMap::new();
        let mut firsts: Vec<u32> = Vec::new();
        let mut made: Vec<Vec<Option<Value>>> = vec![Vec::new(); self.values.len()];
        for row in 0..batch.rows {
            let group: Vec<_> = batch.cols.iter().take(self.groups).map(|c| key(&c.get(row), false)).collect();
            let at = *known.entry(group).or_insert(firsts.len());
            if at == firsts.len() {
                run.charge(self.values.len() + self.groups)?;
                firsts.push(row as u32);
                made.iter_mut().for_each(|column| column.push(None));
            }
            let value = batch.cols.get(self.groups).map_or_else(|| "".into(), |c| to_text(&c.get(row)));
            let Some(place) = places.get(value.as_ref()) else {
                let what = if self.closed { "the schema of pivot lacks" } else { "pivot lost" };
                return Err(semantic(self.span, format!("{what} the column '{value}'")));
            };
            let cell = batch.cols.get(self.groups + 1).map_or(Value::Null, |c| c.get(row).into_owned());
            if let Some(slot) = made.get_mut(*place).and_then(|column| column.get_mut(at)) {
                *slot = Some(cell);
            }
        }
        let rows = firsts.len();
        let mut out = batch.select(firsts);
        out.cols.truncate(self.groups);
        for column in made {
            let mut cells = Vec::with_capacity(rows);
            for cell in column {
                cells.push(match cell.or_else(|| self.empty.clone()) {
                    Some(cell) => cell,
                    None => return Err(unsupported(self.span, "pivot of lists where a group has no rows of a value")),
                });
            }
            out.cols.push(Col::own(cells, self.ty));
        }
        Ok(out)
    }
}

/// `narrow`: a row a cell.
pub(in super::super) struct Narrow {
    pub(in super::super) names: Vec<Arc<str>>,
}

impl Step for Narrow {
    fn run(&self, batch: Batch, run: &Run) -> Try<Batch> {
        run.charge(batch.rows.saturating_mul(self.names.len()).saturating_mul(3))?;
        let (mut rows, mut columns, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..batch.rows {
            for (name, column) in self.names.iter().zip(&batch.cols) {
                rows.push(Value::Long(row as i64));
                columns.push(Value::String(name.clone()));
                values.push(Value::String(to_text(&column.get(row))));
            }
        }
        let count = rows.len();
        let cols = vec![Col::own(rows, Type::Long), Col::own(columns, Type::String), Col::own(values, Type::String)];
        Ok(Batch { cols, rows: count })
    }
}

/// `ipv4_lookup`: appends the columns of every row of a table whose network holds the address.
pub(in super::super) struct Ipv4Lookup {
    pub(in super::super) on: usize,
    pub(in super::super) right: Plan,
    pub(in super::super) against: usize,
    pub(in super::super) keys: Vec<(usize, usize)>,
    pub(in super::super) unmatched: bool,
}

impl Step for Ipv4Lookup {
    fn run(&self, batch: Batch, run: &Run) -> Try<Batch> {
        let right = run.rows(&self.right)?;
        let network = |batch: &Batch, column: usize, row: usize| network(batch.cols.get(column)?.get(row).as_str());
        let networks: Vec<Option<(u32, u32)>> = (0..right.rows).map(|row| network(&right, self.against, row)).collect();
        let same = |(l, r): &(usize, usize), left_row: usize, right_row: usize| {
            let left = batch.cols.get(*l).map(|c| key(&c.get(left_row), false));
            let right = right.cols.get(*r).map(|c| key(&c.get(right_row), false));
            left == right
        };
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        for row in 0..batch.rows {
            run.charge(right.rows)?;
            let before = lefts.len();
            if let Some((address, length)) = network(&batch, self.on, row) {
                for (at, known) in networks.iter().enumerate() {
                    let inside = known.is_some_and(|(base, bits)| masked(address, bits.min(length)) == masked(base, bits.min(length)));
                    if inside && self.keys.iter().all(|keys| same(keys, row, at)) {
                        run.charge(batch.cols.len() + right.cols.len())?;
                        lefts.push(row as u32);
                        rights.push(at as u32);
                    }
                }
            }
            if self.unmatched && lefts.len() == before {
                lefts.push(row as u32);
                rights.push(NO_ROW);
            }
        }
        let mut out = batch.select(lefts);
        out.cols.extend(right.select(rights).cols);
        Ok(out)
    }

    fn varies(&self) -> bool {
        self.right.varies()
    }
}

/// An address and how many of its bits count.
fn network(text: &str) -> Option<(u32, u32)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, bits.parse().ok().filter(|b| *b <= 32)?),
        None => (text, 32),
    };
    let address: std::net::Ipv4Addr = address.trim().parse().ok()?;
    Some((masked(u32::from(address), bits), bits))
}

fn masked(address: u32, bits: u32) -> u32 {
    address & u32::MAX.checked_shl(32 - bits).unwrap_or(0)
}
