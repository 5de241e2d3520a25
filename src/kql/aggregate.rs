//! Aggregates: what `summarize` keeps for each group, and the grouping itself.
//!
//! Groups and the members of sets come out in the order in which they were first seen, and `dcount` counts exactly, so that an answer
//! is the same on every run.

use super::compare::{Key, convert, key, order, sort_order, to_json};
use super::error::{Span, Try, semantic};
use super::exec::Run;
use super::scalar::{Batch, Col, Row, Scalar};
use super::value::{Type, Value};
use crate::json;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Func {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    DCount,
    List {
        distinct: bool,
        nulls: bool,
    },
    /// The row where the first argument is greatest or least.
    ArgMax,
    ArgMin,
    /// The first row whose first argument is neither null nor empty.
    Any,
    Percentile,
    Variance {
        population: bool,
    },
    Stdev {
        population: bool,
    },
    Bag,
}

#[derive(Clone)]
pub(super) struct Aggregate {
    pub(super) func: Func,
    pub(super) value: Option<Scalar>,
    pub(super) when: Option<Scalar>,
    /// What the chosen row answers, for functions that choose one; else one column of the aggregate's type.
    pub(super) outputs: Vec<(Scalar, Type)>,
    pub(super) ty: Type,
    /// The most members of a list, a set or a bag.
    pub(super) most: usize,
    pub(super) percentiles: Vec<f64>,
    pub(super) span: Span,
}

enum State {
    Count(i64),
    Whole(i128),
    Real(f64),
    Mean { count: i64, sum: f64, whole: i128 },
    Best(Option<Value>),
    Keys(HashSet<Key>),
    List(Vec<json::Value>, HashSet<String>),
    Chosen { best: Option<Value>, row: Option<usize> },
    All(Vec<Value>),
    Moments { count: f64, mean: f64, m2: f64 },
    Bag(json::Object),
}

impl Aggregate {
    pub(super) fn types(&self) -> Vec<Type> {
        match self.func {
            Func::ArgMax | Func::ArgMin | Func::Any => self.outputs.iter().map(|(_, ty)| *ty).collect(),
            Func::Percentile => self.percentiles.iter().map(|_| self.ty).collect(),
            _ => vec![self.ty],
        }
    }

    fn state(&self) -> State {
        match self.func {
            Func::Count => State::Count(0),
            Func::Sum if self.ty == Type::Real => State::Real(0.0),
            Func::Sum => State::Whole(0),
            Func::Avg => State::Mean { count: 0, sum: 0.0, whole: 0 },
            Func::Min | Func::Max => State::Best(None),
            Func::DCount => State::Keys(HashSet::new()),
            Func::List { .. } => State::List(Vec::new(), HashSet::new()),
            Func::ArgMax | Func::ArgMin | Func::Any => State::Chosen { best: None, row: None },
            Func::Percentile => State::All(Vec::new()),
            Func::Variance { .. } | Func::Stdev { .. } => State::Moments { count: 0.0, mean: 0.0, m2: 0.0 },
            Func::Bag => State::Bag(json::Object::new()),
        }
    }

    fn add(&self, state: &mut State, at: Row<'_>) -> Try<()> {
        if let Some(when) = &self.when
            && !when.holds(at)?
        {
            return Ok(());
        }
        let value = match &self.value {
            Some(value) => Some(value.eval(at)?),
            None => None,
        };
        let value = value.as_deref().unwrap_or(Value::absent(Type::Long));
        match state {
            State::Count(count) => *count += 1,
            State::Whole(sum) => *sum += value.as_i64().map_or(0, i128::from),
            State::Real(sum) => *sum += value.as_f64().unwrap_or(0.0),
            State::Mean { count, sum, whole } => {
                if let Some(number) = value.as_f64() {
                    *count += 1;
                    *sum += number;
                    *whole += value.as_i64().map_or(0, i128::from);
                }
            }
            State::Best(best) => {
                let wanted = if self.func == Func::Max { Ordering::Greater } else { Ordering::Less };
                let better = match best.as_ref() {
                    None => !value.is_null(),
                    Some(old) => order(value, old) == Some(wanted),
                };
                if better {
                    *best = Some(value.clone());
                }
            }
            State::Keys(keys) => {
                if !value.is_null() && keys.insert(key(value, false)) {
                    at.run.charge(1)?;
                }
            }
            State::List(items, seen) => {
                let Func::List { distinct, nulls } = self.func else {
                    return Ok(());
                };
                if items.len() >= self.most || (value.is_null() && !nulls) {
                    return Ok(());
                }
                let item = to_json(value);
                let flat = match item {
                    json::Value::Array(items) if distinct => items,
                    one => vec![one],
                };
                for item in flat {
                    if items.len() < self.most && (!distinct || seen.insert(item.to_string())) {
                        at.run.charge(1)?;
                        items.push(item);
                    }
                }
            }
            State::Chosen { best, row } => {
                let better = match (self.func, best.as_ref()) {
                    (Func::Any, Some(_)) => false,
                    (Func::Any, None) => !value.is_null() && *value != Value::text(""),
                    (_, None) => !value.is_null(),
                    (Func::ArgMax, Some(old)) => order(value, old) == Some(Ordering::Greater),
                    (_, Some(old)) => order(value, old) == Some(Ordering::Less),
                };
                if better {
                    *best = Some(value.clone());
                }
                if better || row.is_none() {
                    *row = Some(at.row);
                }
            }
            State::All(values) => {
                if !value.is_null() {
                    at.run.charge(1)?;
                    values.push(value.clone());
                }
            }
            State::Moments { count, mean, m2 } => {
                if let Some(number) = value.as_f64() {
                    *count += 1.0;
                    let delta = number - *mean;
                    *mean += delta / *count;
                    *m2 += delta * (number - *mean);
                }
            }
            State::Bag(bag) => {
                if let Value::Dynamic(d) = value {
                    for (key, member) in d.as_object().into_iter().flatten() {
                        if bag.len() < self.most || bag.contains_key(key) {
                            bag.entry(key.clone()).or_insert_with(|| member.clone());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(&self, state: State, batch: &Batch, run: &Run) -> Try<Vec<Value>> {
        Ok(vec![match state {
            State::Count(count) => Value::Long(count),
            State::Whole(sum) => match (i64::try_from(sum), self.ty) {
                (Err(_), _) => return Err(semantic(self.span, "the sum does not fit 64 bits")),
                (Ok(sum), Type::TimeSpan) => Value::TimeSpan(sum),
                (Ok(sum), _) => Value::Long(sum),
            },
            State::Real(sum) => Value::Real(sum),
            State::Mean { count: 0, .. } => {
                if self.ty == Type::Real {
                    Value::Real(f64::NAN)
                } else {
                    Value::Null
                }
            }
            State::Mean { count, sum, whole } => match self.ty {
                Type::Real => Value::Real(sum / count as f64),
                ty => tick_value((whole / i128::from(count)) as i64, ty),
            },
            State::Best(best) => best.unwrap_or_else(|| Value::absent(self.ty).clone()),
            State::Keys(keys) => Value::Long(keys.len() as i64),
            State::List(items, _) => Value::dynamic(json::Value::Array(items)),
            State::Chosen { row: Some(row), .. } => {
                return self.outputs.iter().map(|(value, _)| Ok(value.eval(Row { batch, row, run })?.into_owned())).collect();
            }
            State::Chosen { row: None, .. } => return Ok(self.outputs.iter().map(|(_, ty)| Value::absent(*ty).clone()).collect()),
            State::All(mut values) => {
                values.sort_by(sort_order);
                return Ok(self.percentiles.iter().map(|p| percentile(&values, *p, self.ty)).collect());
            }
            State::Moments { count, m2, .. } => {
                let (population, root) = match self.func {
                    Func::Variance { population } => (population, false),
                    Func::Stdev { population } => (population, true),
                    _ => (false, false),
                };
                let below = if population { count } else { count - 1.0 };
                let variance = if count == 0.0 {
                    f64::NAN
                } else if below == 0.0 {
                    0.0
                } else {
                    m2 / below
                };
                Value::Real(if root { variance.sqrt() } else { variance })
            }
            State::Bag(bag) => Value::dynamic(json::Value::Object(bag)),
        }])
    }
}

fn tick_value(ticks: i64, ty: Type) -> Value {
    if ty == Type::DateTime { Value::DateTime(ticks) } else { Value::TimeSpan(ticks) }
}

/// Nearest rank.
fn percentile(sorted: &[Value], percent: f64, ty: Type) -> Value {
    let rank = (percent / 100.0 * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank.min(sorted.len()).saturating_sub(1)).map_or(Value::Null, |v| convert_kept(v, ty))
}

fn convert_kept(value: &Value, ty: Type) -> Value {
    match (value, ty) {
        (Value::Int(_), Type::Long) => convert(value, Type::Long),
        (other, _) => other.clone(),
    }
}

pub(super) fn summarize(batch: &Batch, by: &[(Scalar, Type)], aggregates: &[Aggregate], run: &Run) -> Try<Batch> {
    let keys = by.iter().map(|(value, ty)| value.column(batch, *ty, run)).collect::<Try<Vec<Col>>>()?;
    let mut groups: HashMap<Vec<Key>, usize> = HashMap::new();
    let mut firsts: Vec<u32> = Vec::new();
    let mut states: Vec<Vec<State>> = Vec::new();
    let mut scratch: Vec<Key> = Vec::with_capacity(keys.len());
    if by.is_empty() {
        states.push(aggregates.iter().map(Aggregate::state).collect());
    }
    for row in 0..batch.rows {
        scratch.clear();
        scratch.extend(keys.iter().map(|c| key(&c.get(row), false)));
        let group = match groups.get(scratch.as_slice()) {
            _ if by.is_empty() => 0,
            Some(group) => *group,
            None => {
                run.charge(by.len() + aggregates.len())?;
                groups.insert(scratch.clone(), firsts.len());
                firsts.push(row as u32);
                states.push(aggregates.iter().map(Aggregate::state).collect());
                firsts.len() - 1
            }
        };
        for (aggregate, state) in aggregates.iter().zip(states.get_mut(group).into_iter().flatten()) {
            aggregate.add(state, Row { batch, row, run })?;
        }
    }
    let rows = states.len();
    let mut cols = Batch { cols: keys, rows: batch.rows }.select(firsts).cols;
    let types: Vec<Type> = aggregates.iter().flat_map(Aggregate::types).collect();
    let mut made: Vec<Vec<Value>> = types.iter().map(|_| Vec::with_capacity(rows)).collect();
    for group in states {
        let mut columns = made.iter_mut();
        for (aggregate, state) in aggregates.iter().zip(group) {
            for value in aggregate.finish(state, batch, run)? {
                if let Some(column) = columns.next() {
                    column.push(value);
                }
            }
        }
    }
    cols.extend(made.into_iter().zip(&types).map(|(cells, ty)| Col::own(cells, *ty)));
    Ok(Batch { cols, rows })
}
