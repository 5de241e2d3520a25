//! `make-series`: rows into arrays along an axis.

use super::super::compare::{Key, convert, key, to_json};
use super::super::error::{Span, Try, limit, semantic};
use super::super::plan::{Plan, Slot, Step};
use super::super::scalar::{Batch, Col, Row, Scalar};
use super::super::value::{Type, Value};
use super::Run;
use crate::json;
use std::collections::HashMap;
use std::sync::Arc;

/// The most members of one array.
const MAX_LENGTH: i128 = 1 << 20;

pub(in super::super) struct Series {
    pub(in super::super) axis: (Scalar, Type),
    pub(in super::super) from: Option<Scalar>,
    pub(in super::super) to: Option<Scalar>,
    pub(in super::super) step: Scalar,
    /// Where the rows with their bins go, and what groups them there.
    pub(in super::super) slot: Arc<Slot>,
    pub(in super::super) plan: Plan,
    /// How many columns the groups have.
    pub(in super::super) keys: usize,
    pub(in super::super) types: Vec<Type>,
    pub(in super::super) defaults: Vec<Value>,
    pub(in super::super) nonempty: bool,
    pub(in super::super) span: Span,
}

/// The axis: numbers of bins to values, in ticks or whole numbers, or in reals.
#[derive(Clone, Copy)]
enum Bins {
    Whole { from: i64, step: i64 },
    Real { from: f64, step: f64 },
}

impl Bins {
    fn number(self, value: &Value) -> Option<i64> {
        match self {
            Bins::Whole { from, step } => {
                let distance = i128::from(value.as_i64()?) - i128::from(from);
                i64::try_from(distance.div_euclid(i128::from(step))).ok()
            }
            Bins::Real { from, step } => {
                let number = ((value.as_f64()? - from) / step).floor();
                (number.abs() < 9e15).then_some(number as i64)
            }
        }
    }

    fn value(self, number: i64, ty: Type) -> Value {
        match self {
            Bins::Whole { from, step } => {
                let at = step.checked_mul(number).and_then(|distance| from.checked_add(distance));
                at.map_or(Value::Null, |at| match ty {
                    Type::DateTime => Value::DateTime(at),
                    Type::TimeSpan => Value::TimeSpan(at),
                    _ => Value::Long(at),
                })
            }
            Bins::Real { from, step } => Value::Real(from + step * number as f64),
        }
    }
}

struct Group {
    keys: Vec<Value>,
    /// The cells of each bin.
    cells: HashMap<i64, Vec<Value>>,
    first: i64,
    last: i64,
}

impl Series {
    fn one(&self, scalar: &Scalar, run: &Run) -> Try<Value> {
        let batch = Batch { cols: Vec::new(), rows: 1 };
        Ok(scalar.eval(Row { batch: &batch, row: 0, run })?.into_owned())
    }

    /// The bins, and how many there are if both ends are known.
    fn bins(&self, run: &Run) -> Try<(Bins, Option<i64>)> {
        let wrong = || semantic(self.span, "the bounds of a series are values, and its step is positive");
        let step = self.one(&self.step, run)?;
        let from = self.from.as_ref().map(|s| self.one(s, run)).transpose()?;
        let to = self.to.as_ref().map(|s| self.one(s, run)).transpose()?;
        if from.as_ref().or(to.as_ref()).is_some_and(Value::is_null) || to.as_ref().is_some_and(Value::is_null) {
            return Err(wrong());
        }
        let (bins, count) = if self.axis.1 == Type::Real {
            let step = step.as_f64().filter(|s| *s > 0.0 && s.is_finite()).ok_or_else(wrong)?;
            let from = from.map_or(Some(0.0), |f| f.as_f64()).filter(|f| f.is_finite()).ok_or_else(wrong)?;
            let count = to.map(|to| to.as_f64().map(|to| ((to - from) / step).ceil()).filter(|c| c.is_finite()).ok_or_else(wrong));
            (Bins::Real { from, step }, count.transpose()?.map(|count| count as i128))
        } else {
            let step = step.as_i64().filter(|s| *s > 0).ok_or_else(wrong)?;
            let from = from.map_or(Some(0), |f| f.as_i64()).ok_or_else(wrong)?;
            let count = to.map(|to| -> Try<i128> {
                let distance = i128::from(to.as_i64().ok_or_else(wrong)?) - i128::from(from);
                Ok(-(-distance).div_euclid(i128::from(step)))
            });
            (Bins::Whole { from, step }, count.transpose()?)
        };
        if count.is_some_and(|count| count > MAX_LENGTH) {
            return Err(limit(self.span, format!("a series of more than {MAX_LENGTH} values")));
        }
        Ok((bins, count.map(|count| i64::try_from(count.max(0)).unwrap_or(0))))
    }

    fn groups(&self, batch: &Batch, bins: Bins, count: Option<i64>, run: &Run) -> Try<Vec<Group>> {
        let axis = self.axis.0.column(batch, self.axis.1, run)?;
        let (mut rows, mut values) = (Vec::new(), Vec::new());
        for row in 0..batch.rows {
            let number = bins.number(&axis.get(row)).filter(|n| self.from.is_none() || *n >= 0);
            if let Some(number) = number.filter(|n| count.is_none_or(|count| *n < count)) {
                // The last bin may reach beyond the end.
                if self.beyond(&axis.get(row), run)? {
                    continue;
                }
                rows.push(row as u32);
                values.push(Value::Long(number));
            }
        }
        let numbers = values.iter().map(|n| bins.value(n.as_i64().unwrap_or(0), self.axis.1)).collect();
        let mut seen = batch.select(rows);
        seen.cols.push(Col::own(numbers, self.axis.1));
        self.slot.fill(seen);
        let grouped = run.rows(&self.plan)?;
        self.slot.fill(Batch::default());
        let mut known: HashMap<Vec<Key>, usize> = HashMap::new();
        let mut groups: Vec<Group> = Vec::new();
        for row in 0..grouped.rows {
            let cell = |at: usize| grouped.cols.get(at).map_or(Value::Null, |c| c.get(row).into_owned());
            let keys: Vec<Value> = (0..self.keys).map(cell).collect();
            let Some(number) = bins.number(&cell(self.keys)) else {
                continue;
            };
            let at = *known.entry(keys.iter().map(|k| key(k, false)).collect()).or_insert(groups.len());
            if at == groups.len() {
                groups.push(Group { keys, cells: HashMap::new(), first: number, last: number });
            }
            if let Some(group) = groups.get_mut(at) {
                group.first = group.first.min(number);
                group.last = group.last.max(number);
                group.cells.insert(number, (0..self.defaults.len()).map(|i| cell(self.keys + 1 + i)).collect());
            }
        }
        Ok(groups)
    }

    fn beyond(&self, value: &Value, run: &Run) -> Try<bool> {
        let Some(to) = &self.to else {
            return Ok(false);
        };
        let to = self.one(to, run)?;
        let to = if self.axis.1 == Type::Real { convert(&to, Type::Real) } else { to };
        Ok(super::super::compare::order(value, &to).is_none_or(|order| order.is_ge()))
    }
}

impl Step for Series {
    fn run(&self, batch: Batch, run: &Run) -> Try<Batch> {
        let (bins, count) = self.bins(run)?;
        let mut groups = self.groups(&batch, bins, count, run)?;
        if groups.is_empty() && self.nonempty {
            groups.push(Group { keys: Vec::new(), cells: HashMap::new(), first: 0, last: 0 });
        }
        let mut made: Vec<Vec<Value>> = self.types.iter().map(|_| Vec::new()).collect();
        for group in groups {
            let first = if self.from.is_some() { 0 } else { group.first };
            let last = count.map_or(group.last, |count| count - 1);
            let length = i128::from(last) - i128::from(first) + 1;
            if length > MAX_LENGTH {
                return Err(limit(self.span, format!("a series of more than {MAX_LENGTH} values")));
            }
            run.charge(usize::try_from(length.max(0)).unwrap_or(0).saturating_mul(self.types.len()))?;
            let mut arrays: Vec<Vec<json::Value>> = vec![Vec::new(); self.defaults.len() + 1];
            for number in first..=last {
                let cells = group.cells.get(&number).unwrap_or(&self.defaults);
                for (array, cell) in arrays.iter_mut().zip(cells) {
                    array.push(to_json(cell));
                }
                if let Some(axis) = arrays.last_mut() {
                    axis.push(to_json(&bins.value(number, self.axis.1)));
                }
            }
            let cells = group.keys.into_iter().chain(arrays.into_iter().map(|a| Value::dynamic(json::Value::Array(a))));
            for (column, cell) in made.iter_mut().zip(cells) {
                column.push(cell);
            }
        }
        let rows = made.first().map_or(0, Vec::len);
        Ok(Batch { cols: made.into_iter().zip(&self.types).map(|(cells, ty)| Col::own(cells, *ty)).collect(), rows })
    }
}
