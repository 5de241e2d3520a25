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
pub(super) use enrich::{DeviceFromIp, FileProfile, SeenBy};
pub(super) use external::{External, Format};
pub(super) use scan::{Scan, ScanStep};
pub(super) use series::Series;
pub(super) use top::{TopLevel, TopNested};
pub(super) use unpack::{Ipv4Lookup, Narrow, Unpack, Unstack};

use super::aggregate::summarize;
use super::ast::JoinKind;
use super::compare::{Key, convert, from_json, key, order, sort_order, sorts_as_null};
use super::error::{Span, Try, limit};
use super::plan::{Expand, Join, Op, ParseText, Plan, SortKey};
use super::scalar::{Batch, Col, NO_ROW, Row, Scalar};
use super::value::{Type, Value};
use crate::json;
use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

/// One run of one query.
pub(super) struct Run {
    left: Cell<usize>,
    granted: usize,
}

impl Run {
    pub(super) fn new(max_cells: usize) -> Run {
        Run { left: Cell::new(max_cells), granted: max_cells }
    }

    /// Takes cells from the budget: no operator makes or visits rows without asking.
    pub(super) fn charge(&self, cells: usize) -> Try<()> {
        match self.left.get().checked_sub(cells) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(limit(Span::default(), format!("the query needs more than {} cells of work", self.granted))),
        }
    }

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
                let inside =
                    |row: &usize| batch.cols.get(*column).and_then(|c| c.get(*row).as_i64()).is_some_and(|t| t >= *from && t < *to);
                let rows = (0..batch.rows).filter(inside).map(|r| r as u32).collect();
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
            Op::Filter(condition) => {
                let mut rows = Vec::new();
                for row in 0..batch.rows {
                    if condition.holds(Row { batch: &batch, row, run: self })? {
                        rows.push(row as u32);
                    }
                }
                Ok(batch.select(rows))
            }
            Op::Map(values) => self.map(&batch, values),
            Op::Take(count) if *count >= batch.rows => Ok(batch),
            Op::Take(count) => Ok(batch.select((0..*count as u32).collect())),
            Op::Sort(keys, count) => self.sort(&batch, keys, *count),
            Op::Summarize { by, aggregates } => summarize(&batch, by, aggregates, self),
            Op::Distinct => {
                let mut seen = HashSet::new();
                self.charge(batch.rows.saturating_mul(batch.cols.len()))?;
                let fresh = |row: &usize| seen.insert(batch.cols.iter().map(|c| key(&c.get(*row), false)).collect::<Vec<Key>>());
                let rows = (0..batch.rows).filter(fresh).map(|r| r as u32).collect();
                Ok(batch.select(rows))
            }
            Op::Count => Ok(Batch { cols: vec![Col::own(vec![Value::Long(batch.rows as i64)], Type::Long)], rows: 1 }),
            Op::Join(join) => self.join(&batch, join),
            Op::Expand(expand) => Ok(self.expand(&batch, expand)?.0),
            Op::Parse(parse) => self.parse(batch, parse),
            Op::Step(step) => step.run(batch, self),
        }
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
        let column = |(at, ty): (usize, &Type)| {
            let cells =
                batches.iter().flat_map(|b| (0..b.rows).map(move |r| b.cols.get(at).map_or(Value::Null, |c| c.get(r).into_owned())));
            Col::own(cells.collect(), *ty)
        };
        Ok(Batch { cols: types.iter().enumerate().map(column).collect(), rows })
    }

    fn sort(&self, batch: &Batch, keys: &[SortKey], count: Option<usize>) -> Try<Batch> {
        let columns = keys.iter().map(|k| Ok((k.value.column(batch, k.ty, self)?, k))).collect::<Try<Vec<(Col, &SortKey)>>>()?;
        let mut rows: Vec<u32> = (0..batch.rows as u32).collect();
        rows.sort_by(|a, b| {
            for (column, key) in &columns {
                let (x, y) = (column.get(*a as usize), column.get(*b as usize));
                let (x, y) = (x.as_ref(), y.as_ref());
                let nulls = (sorts_as_null(x), sorts_as_null(y));
                let order = match nulls {
                    (true, true) if key.nulls_first => sort_order(x, y),
                    (true, true) => sort_order(y, x),
                    (false, false) if key.ascending => sort_order(x, y),
                    (false, false) => sort_order(y, x),
                    (x_null, _) if x_null == key.nulls_first => Ordering::Less,
                    _ => Ordering::Greater,
                };
                if order != Ordering::Equal {
                    return order;
                }
            }
            Ordering::Equal
        });
        rows.truncate(count.unwrap_or(usize::MAX));
        Ok(batch.select(rows))
    }

    fn join(&self, left: &Batch, join: &Join) -> Try<Batch> {
        let right = self.rows(&join.right)?;
        self.charge(right.rows)?;
        let left_key = |row: usize| join_key(left, row, join.on.iter().map(|(l, _, real)| (*l, *real)));
        let right_key = |row: usize| join_key(&right, row, join.on.iter().map(|(_, r, real)| (*r, *real)));
        let mut index: HashMap<Vec<Key>, Vec<u32>> = HashMap::new();
        for row in 0..right.rows {
            if let Some(key) = right_key(row) {
                index.entry(key).or_default().push(row as u32);
            }
        }
        let kind = join.kind;
        if matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti) {
            let wanted = kind == JoinKind::LeftSemi;
            let rows = (0..left.rows).filter(|r| left_key(*r).is_some_and(|k| index.contains_key(&k)) == wanted);
            return Ok(left.select(rows.map(|r| r as u32).collect()));
        }
        if matches!(kind, JoinKind::RightSemi | JoinKind::RightAnti) {
            let keys: HashSet<Vec<Key>> = (0..left.rows).filter_map(left_key).collect();
            let wanted = kind == JoinKind::RightSemi;
            let rows = (0..right.rows).filter(|r| right_key(*r).is_some_and(|k| keys.contains(&k)) == wanted);
            return Ok(right.select(rows.map(|r| r as u32).collect()));
        }
        let width = left.cols.len() + right.cols.len();
        let (mut from_left, mut from_right) = (Vec::new(), Vec::new());
        let mut matched = vec![false; right.rows];
        let mut seen = HashSet::new();
        for row in 0..left.rows {
            let key = left_key(row);
            let hits = key.as_ref().and_then(|k| index.get(k)).map_or(&[][..], Vec::as_slice);
            if kind == JoinKind::InnerUnique && !key.is_some_and(|k| seen.insert(k)) {
                continue;
            }
            self.charge(hits.len().saturating_mul(width))?;
            for hit in hits {
                from_left.push(row as u32);
                from_right.push(*hit);
                if let Some(mark) = matched.get_mut(*hit as usize) {
                    *mark = true;
                }
            }
            if hits.is_empty() && matches!(kind, JoinKind::LeftOuter | JoinKind::FullOuter) {
                from_left.push(row as u32);
                from_right.push(NO_ROW);
            }
        }
        if matches!(kind, JoinKind::RightOuter | JoinKind::FullOuter) {
            for (row, _) in matched.iter().enumerate().filter(|(_, m)| !**m) {
                from_left.push(NO_ROW);
                from_right.push(row as u32);
            }
        }
        let mut joined = left.select(from_left);
        joined.cols.extend(right.select(from_right).cols);
        Ok(joined)
    }

    /// The expanded rows, and which row each comes from.
    fn expand(&self, batch: &Batch, expand: &Expand) -> Try<(Batch, Vec<u32>)> {
        let mut rows = Vec::new();
        let mut indexes = Vec::new();
        let mut made: Vec<Vec<Value>> = expand.items.iter().map(|_| Vec::new()).collect();
        for row in 0..batch.rows {
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

/// The key of a row; none if a part of it is null, for nulls never meet.
fn join_key(batch: &Batch, row: usize, on: impl Iterator<Item = (usize, bool)>) -> Option<Vec<Key>> {
    on.map(|(column, as_real)| match batch.cols.get(column).map(|c| c.get(row)) {
        None => None,
        Some(value) if value.is_null() => None,
        Some(value) => order(&value, &value).map(|_| key(&value, as_real)),
    })
    .collect()
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
