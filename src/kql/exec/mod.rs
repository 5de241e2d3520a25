//! Runs a plan, batch by batch, within a budget of cells.

mod apply;
mod enrich;
mod external;
mod scan;
mod series;
mod top;
mod unpack;
pub(super) mod window;

pub(super) use apply::{Apply, Partition};
pub(super) use enrich::{DeviceFromIp, FileProfile, PROFILES_MOST, SeenBy};
pub(super) use external::{External, Format};
pub(super) use scan::{Scan, ScanStep};
pub(super) use series::Series;
pub(super) use top::{TopLevel, TopNested};
pub(super) use unpack::{Ipv4Lookup, Narrow, Unpack, Unstack};

mod bare;
mod budget;
pub(super) mod groups;
mod join;
mod sort;
mod summarize;
pub(super) mod vector;

pub(super) use budget::Run;

use super::cells::Cells;
use super::compare::{Key, convert, from_json};
use super::error::{Span, Try, limit};
use super::plan::{Expand, Op, ParseText, Plan};
use super::scalar::{Batch, Col, Row, Scalar};
use super::value::{Type, Value};
use crate::json;
use std::borrow::Cow;
use std::collections::HashSet;

impl Run {
    pub(super) fn first_cell(&self, plan: &Plan, ty: Type) -> Try<Value> {
        let batch = self.rows(plan)?;
        let cell = batch.cols.first().filter(|_| batch.rows > 0).map(|c| c.get(0).into_owned());
        Ok(cell.unwrap_or_else(|| Value::absent(ty).clone()))
    }

    pub(super) fn first_column(&self, plan: &Plan, key: fn(&Value) -> Key) -> Try<HashSet<Key>> {
        let batch = self.rows(plan)?;
        self.charge(batch.rows)?;
        let mut keys = HashSet::new();
        for row in 0..batch.rows {
            self.tick()?;
            let value = batch.cols.first().map_or(Cow::Borrowed(Value::absent(Type::Long)), |c| c.get(row));
            match value.as_ref() {
                Value::Dynamic(d) if d.as_array().is_some() => {
                    keys.extend(d.as_array().unwrap_or_default().iter().map(|item| key(&from_json(item))));
                }
                other => {
                    keys.insert(key(other));
                }
            }
        }
        Ok(keys)
    }

    pub(super) fn rows(&self, plan: &Plan) -> Try<Batch> {
        match plan {
            Plan::Table { table, lazy, window } => {
                let batch = Batch::table(table, lazy.as_ref());
                self.charge(batch.rows)?;
                let Some((column, from, to)) = window else {
                    return Ok(batch);
                };
                let Some(column) = batch.cols.get(*column) else { return Ok(batch) };
                let rows = match column.cells() {
                    Cells::Whole { numbers, nulls, .. } => {
                        let inside = |(row, t): (usize, &i64)| (*t >= *from && *t < *to && !nulls.has(row)).then_some(row as u32);
                        numbers.iter().take(batch.rows).enumerate().filter_map(inside).collect()
                    }
                    _ => {
                        let inside = |row: &u32| column.get(*row as usize).as_i64().is_some_and(|t| t >= *from && t < *to);
                        (0..batch.rows as u32).filter(inside).collect()
                    }
                };
                Ok(batch.select(rows))
            }
            Plan::Values(batch) => Ok(batch.clone()),
            Plan::Print(values) => self.map(&Batch { cols: Vec::new(), rows: 1 }, values),
            Plan::Range { from, to, step, ty, span } => self.range([from, to, step], *ty, *span),
            Plan::Union(parts, types) => self.union(parts, types),
            Plan::Shared(shared) => shared.rows.get_or_init(|| self.rows(&shared.plan)).clone(),
            Plan::Slot(slot) => Ok(slot.rows()),
            Plan::Pipe(source, ops) => {
                let mut batch = self.rows(source)?;
                for op in ops {
                    batch = self.apply(op, batch)?;
                }
                Ok(batch)
            }
        }
    }

    fn apply(&self, op: &Op, batch: Batch) -> Try<Batch> {
        self.charge(batch.rows)?;
        match op {
            Op::Filter(condition) => self.filter(batch, condition),
            Op::Map(values) => self.map(&batch, values),
            Op::Take(count) if *count >= batch.rows => Ok(batch),
            Op::Take(count) => Ok(batch.select((0..*count as u32).collect())),
            Op::Sort(keys, count) => self.sort(&batch, keys, *count),
            Op::Summarize { by, aggregates } => self.summarize(&batch, by, aggregates),
            Op::Distinct => {
                self.charge(batch.rows.saturating_mul(batch.cols.len()))?;
                let groups = groups::groups(&batch.cols, batch.rows, self)?;
                Ok(batch.select(groups.firsts()))
            }
            Op::Count => Ok(Batch { cols: vec![Col::own(vec![Value::Long(batch.rows as i64)], Type::Long)], rows: 1 }),
            Op::Join(join) => self.join(&batch, join),
            Op::Expand(expand) => Ok(self.expand(&batch, expand)?.0),
            Op::Parse(parse) => self.parse(batch, parse),
            Op::Step(step) => step.run(batch, self),
        }
    }

    fn filter(&self, batch: Batch, condition: &Scalar) -> Try<Batch> {
        let all = || 0..batch.rows as u32;
        let rows = self.quickly(
            || vector::holding(condition, &batch, all().collect(), self),
            || {
                let mut rows = Vec::new();
                for row in all() {
                    self.tick()?;
                    if condition.holds(Row { batch: &batch, row: row as usize, run: self })? {
                        rows.push(row);
                    }
                }
                Ok(rows)
            },
        )?;
        Ok(batch.select(rows))
    }

    fn map(&self, batch: &Batch, values: &[(Scalar, Type)]) -> Try<Batch> {
        let cols = values.iter().map(|(value, ty)| value.column(batch, *ty, self)).collect::<Try<Vec<Col>>>()?;
        Ok(Batch { cols, rows: batch.rows })
    }

    fn range(&self, bounds: [&Scalar; 3], ty: Type, span: Span) -> Try<Batch> {
        let empty = Batch { cols: Vec::new(), rows: 1 };
        let at = Row { batch: &empty, row: 0, run: self };
        let mut cells = Vec::new();
        let [from, to, step] = bounds.map(|b| b.eval(at).map(Cow::into_owned));
        let (from, to, step) = (from?, to?, step?);
        if ty == Type::Real {
            if let (Some(from), Some(to), Some(step)) = (from.as_f64(), to.as_f64(), step.as_f64()) {
                let count = (to - from) / step;
                if step == 0.0 || !count.is_finite() {
                    return Err(limit(span, "the range has no end"));
                }
                self.charge(count.max(0.0) as usize)?;
                cells.extend((0..=count.floor() as i64).take_while(|_| count >= 0.0).map(|i| Value::Real(from + i as f64 * step)));
            }
        } else if let (Some(from), Some(to), Some(step)) = (from.as_i64(), to.as_i64(), step.as_i64()) {
            if step == 0 {
                return Err(limit(span, "the range has no end"));
            }
            let mut at = i128::from(from);
            while if step > 0 { at <= i128::from(to) } else { at >= i128::from(to) } {
                self.charge(1)?;
                let n = at as i64;
                cells.push(match ty {
                    Type::DateTime => Value::DateTime(n),
                    Type::TimeSpan => Value::TimeSpan(n),
                    Type::Int => i32::try_from(n).map_or(Value::Null, Value::Int),
                    _ => Value::Long(n),
                });
                at += i128::from(step);
            }
        }
        Ok(Batch { rows: cells.len(), cols: vec![Col::own(cells, ty)] })
    }

    fn union(&self, parts: &[Plan], types: &[Type]) -> Try<Batch> {
        self.stack(parts.iter().map(|p| self.rows(p)).collect::<Try<Vec<Batch>>>()?, types)
    }

    /// Batches of equal columns, one after another.
    fn stack(&self, batches: Vec<Batch>, types: &[Type]) -> Try<Batch> {
        if let [only] = batches.as_slice() {
            return Ok(only.clone());
        }
        let rows: usize = batches.iter().map(|b| b.rows).sum();
        self.charge(rows.saturating_mul(types.len()))?;
        self.hold(rows.saturating_mul(types.len()).saturating_mul(size_of::<Value>()))?;
        let column = |(at, ty): (usize, &Type)| {
            let cells =
                batches.iter().flat_map(|b| (0..b.rows).map(move |r| b.cols.get(at).map_or(Value::Null, |c| c.get(r).into_owned())));
            Col::own(cells.collect(), *ty)
        };
        Ok(Batch { cols: types.iter().enumerate().map(column).collect(), rows })
    }

    /// The expanded rows, and which row each comes from.
    fn expand(&self, batch: &Batch, expand: &Expand) -> Try<(Batch, Vec<u32>)> {
        let mut rows = Vec::new();
        let mut indexes = Vec::new();
        let mut made: Vec<Vec<Value>> = expand.items.iter().map(|_| Vec::new()).collect();
        for row in 0..batch.rows {
            self.tick()?;
            let at = Row { batch, row, run: self };
            let lists = expand
                .items
                .iter()
                .map(|(value, _)| Ok(elements(value.eval(at)?.as_ref(), expand.arrays)))
                .collect::<Try<Vec<Vec<json::Value>>>>()?;
            let count = lists.iter().map(Vec::len).max().unwrap_or(0).min(expand.limit);
            self.charge(count.saturating_mul(expand.items.len() + 1))?;
            for ((list, cells), (_, ty)) in lists.into_iter().zip(&mut made).zip(&expand.items) {
                let mut items = list.into_iter();
                cells.extend((0..count).map(|_| element(items.next().unwrap_or_default(), *ty)));
            }
            rows.extend(std::iter::repeat_n(row as u32, count));
            indexes.extend((0..count).map(|i| Value::Long(i as i64)));
        }
        let mut out = batch.select(rows.clone());
        out.cols.extend(made.into_iter().zip(&expand.items).map(|(cells, (_, ty))| Col::own(cells, *ty)));
        if expand.index {
            out.cols.push(Col::own(indexes, Type::Long));
        }
        Ok((out, rows))
    }

    fn parse(&self, batch: Batch, parse: &ParseText) -> Try<Batch> {
        self.charge(batch.rows.saturating_mul(parse.types.len()))?;
        let mut columns: Vec<Vec<Value>> = parse.types.iter().map(|_| Vec::with_capacity(batch.rows)).collect();
        let mut kept = Vec::new();
        for row in 0..batch.rows {
            self.tick()?;
            let text = convert(parse.value.eval(Row { batch: &batch, row, run: self })?.as_ref(), Type::String);
            let found = parse.regex.captures(text.as_str());
            let mut values: Option<Vec<Value>> = found.map(|groups| {
                let value = |(at, ty): (usize, &Type)| convert(&Value::text(groups.get(at + 1).map_or("", |m| m.as_str())), *ty);
                parse.types.iter().enumerate().map(value).collect()
            });
            if !parse.relaxed && values.as_ref().is_some_and(|v| v.iter().any(Value::is_null)) {
                values = None;
            }
            if values.is_some() || !parse.filter {
                kept.push(row as u32);
            }
            let mut values = values.unwrap_or_default().into_iter();
            for (column, ty) in columns.iter_mut().zip(&parse.types) {
                column.push(values.next().unwrap_or_else(|| Value::absent(*ty).clone()));
            }
        }
        let mut out = batch;
        out.cols.extend(columns.into_iter().zip(&parse.types).map(|(cells, ty)| Col::own(cells, *ty)));
        Ok(if parse.filter { out.select(kept) } else { out })
    }
}

fn elements(value: &Value, arrays: bool) -> Vec<json::Value> {
    match value {
        Value::Dynamic(d) => match d.as_ref() {
            json::Value::Array(items) => items.clone(),
            json::Value::Object(bag) if arrays => {
                bag.iter().map(|(k, v)| json::Value::Array(vec![json::Value::String(k.clone()), v.clone()])).collect()
            }
            json::Value::Object(bag) => bag.iter().map(|(k, v)| json::object([(k.as_str(), v.clone())])).collect(),
            other => vec![other.clone()],
        },
        _ => vec![json::Value::Null],
    }
}

/// One element as a declared type: cast, not parsed; what does not conform is null.
fn element(item: json::Value, ty: Type) -> Value {
    match (&item, ty) {
        (_, Type::Dynamic) => Value::dynamic(item),
        (json::Value::String(_), Type::String | Type::DateTime | Type::TimeSpan | Type::Guid) => convert(&from_json(&item), ty),
        (json::Value::Null, Type::String) => Value::text(""),
        (other, Type::String) => Value::text(other.to_string()),
        (json::Value::Bool(_), Type::Bool) => from_json(&item),
        (json::Value::Int(_) | json::Value::Float(_), Type::Int | Type::Long | Type::Real) => convert(&from_json(&item), ty),
        _ => Value::Null,
    }
}
