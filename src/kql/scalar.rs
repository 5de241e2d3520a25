//! Bound expressions and the columns that they read.
//!
//! A batch never copies cells for `where`, `sort`, `take`, `distinct` or `join`: each column is shared cells plus a shared selection of
//! row numbers, and those operators make selections only. Expressions are trees over column numbers, evaluated a row at a time, and
//! hand out borrowed cells wherever they can.

use super::ast::Cmp;
use super::cells::Maker;
use super::error::{Fail, Span, Try, limit, unsupported};
use super::exec::{Run, vector};
use super::plan::Plan;
use super::value::{Table, Type, Value};
use super::{Cells, Lazy, Passed};
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

/// A selection's mark for "no such row": the unmatched side of an outer join.
pub(super) const NO_ROW: u32 = u32::MAX;

/// The longest text that one expression may make.
const MAX_TEXT: usize = 4 << 20;

/// Why an evaluation stopped.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    Limit(String),
    Unsupported(String),
}

pub(super) type Answer = Result<Value, Trouble>;
pub(super) type Function = Arc<dyn Fn(&[&Value]) -> Answer + Send + Sync>;

type Selection = Arc<Vec<u32>>;

#[derive(Clone)]
enum Source {
    Table(Arc<Table>, usize),
    Lazy(Arc<dyn Lazy>, usize),
    Own(Arc<Cells>),
}

#[derive(Clone)]
pub(super) struct Col {
    source: Source,
    selection: Option<Selection>,
    absent: &'static Value,
}

static NONE: Cells = Cells::new();

impl Col {
    pub(super) fn own(cells: Vec<Value>, ty: Type) -> Col {
        Col::made(Cells::Plain(cells), ty)
    }

    pub(super) fn made(cells: Cells, ty: Type) -> Col {
        Col { source: Source::Own(Arc::new(cells)), selection: None, absent: Value::absent(ty) }
    }

    /// The cells that the selection is about.
    pub(super) fn cells(&self) -> &Cells {
        match &self.source {
            Source::Table(table, column) => table.columns.get(*column).map_or(&NONE, |c| &c.cells),
            Source::Lazy(lazy, column) => lazy.cells(*column),
            Source::Own(cells) => cells,
        }
    }

    /// The first rows, for somebody else to keep.
    pub(super) fn picked(&self, rows: usize) -> Passed {
        let Source::Lazy(lazy, column) = &self.source else {
            return Passed::Own(self.kept(rows));
        };
        let row = |at: &u32| (*at != NO_ROW).then_some(*at as usize);
        let rows = self.selection.as_ref().map(|selection| selection.iter().take(rows).map(row).collect());
        Passed::Of { table: lazy.id(), column: *column, rows }
    }

    /// The cells of the first rows.
    pub(super) fn kept(&self, rows: usize) -> Cells {
        if let (Source::Own(cells), None) = (&self.source, &self.selection)
            && cells.len() == rows
            && self.absent.is_null()
        {
            return Cells::clone(cells);
        }
        if let Source::Lazy(lazy, column) = &self.source
            && let Some(places) = (0..rows).map(|row| self.at(row)).collect::<Option<Vec<usize>>>()
            && let Some(few) = lazy.few(*column, &places)
        {
            return few.into_iter().map(|v| if v.is_null() { self.absent.clone() } else { v }).collect();
        }
        let at = |row: usize| self.at(row).unwrap_or(usize::MAX);
        match self.cells() {
            Cells::Plain(_) => (0..rows).map(|row| self.get(row).into_owned()).collect(),
            Cells::Dict { values, codes } => {
                let codes = (0..rows).map(|row| codes.get(at(row)).copied().unwrap_or(u32::MAX)).collect();
                self.filled(values, codes)
            }
            Cells::Whole { ty, numbers, nulls } => {
                let number = |row: usize| numbers.get(at(row)).filter(|_| !nulls.has(at(row))).copied();
                Cells::optional(*ty, (0..rows).map(number))
            }
            Cells::Real { numbers, nulls } => {
                Cells::reals((0..rows).map(|row| numbers.get(at(row)).filter(|_| !nulls.has(at(row))).copied()))
            }
        }
    }

    /// Cells of a dictionary, with what stands for null.
    fn filled(&self, values: &Arc<Vec<Value>>, mut codes: Vec<u32>) -> Cells {
        let is_null = |code: &u32| values.get(*code as usize).is_none_or(|v| v.is_null());
        if self.absent.is_null() || !codes.iter().any(is_null) {
            return Cells::Dict { values: values.clone(), codes: Arc::new(codes) };
        }
        let absent = values.len() as u32;
        codes.iter_mut().filter(|code| is_null(code)).for_each(|code| *code = absent);
        let values = values.iter().chain([self.absent]).cloned().collect();
        Cells::dict(values, codes)
    }

    /// What stands for null.
    pub(super) fn absent(&self) -> &'static Value {
        self.absent
    }

    /// Which cell a row has; none on the unmatched side of an outer join.
    #[inline]
    pub(super) fn at(&self, row: usize) -> Option<usize> {
        match &self.selection {
            None => Some(row),
            Some(selection) => match selection.get(row) {
                Some(&NO_ROW) | None => None,
                Some(&at) => Some(at as usize),
            },
        }
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> Cow<'_, Value> {
        let cell = self.at(row).and_then(|at| self.cells().get(at));
        match cell {
            None => Cow::Borrowed(self.absent),
            Some(cell) => match cell.as_ref() {
                Value::Null => Cow::Borrowed(self.absent),
                Value::Dynamic(d) if d.is_null() => Cow::Borrowed(self.absent),
                _ => cell,
            },
        }
    }
}

#[derive(Clone, Default)]
pub(super) struct Batch {
    pub(super) cols: Vec<Col>,
    pub(super) rows: usize,
}

impl Batch {
    pub(super) fn table(table: &Arc<Table>, lazy: Option<&Arc<dyn Lazy>>) -> Batch {
        let col = |(at, column): (usize, &super::value::Column)| Col {
            source: lazy.map_or_else(|| Source::Table(table.clone(), at), |lazy| Source::Lazy(lazy.clone(), at)),
            selection: None,
            absent: Value::absent(column.ty),
        };
        Batch { cols: table.columns.iter().enumerate().map(col).collect(), rows: table.rows }
    }

    /// The rows that a selection names, in its order.
    pub(super) fn select(&self, rows: Vec<u32>) -> Batch {
        let count = rows.len();
        let rows = Arc::new(rows);
        let mut composed: Vec<(Selection, Selection)> = Vec::new();
        let cols = self
            .cols
            .iter()
            .map(|col| {
                let selection = match &col.selection {
                    None => rows.clone(),
                    Some(old) => match composed.iter().find(|(from, _)| Arc::ptr_eq(from, old)) {
                        Some((_, to)) => to.clone(),
                        None => {
                            let to: Vec<u32> = rows.iter().map(|&r| old.get(r as usize).copied().unwrap_or(NO_ROW)).collect();
                            let to = Arc::new(to);
                            composed.push((old.clone(), to.clone()));
                            to
                        }
                    },
                };
                Col { selection: Some(selection), ..col.clone() }
            })
            .collect();
        Batch { cols, rows: count }
    }
}

/// A scalar that a sub-query answers, run once and only when it is needed.
pub(super) struct ScalarQuery {
    pub(super) plan: Plan,
    pub(super) ty: Type,
    pub(super) answer: OnceLock<Try<Value>>,
}

/// Tests a value against the first column of a sub-query.
pub(super) struct QuerySet {
    pub(super) plan: Plan,
    pub(super) key: fn(&Value) -> super::compare::Key,
    pub(super) keys: OnceLock<Try<HashSet<super::compare::Key>>>,
}

/// What a function does, where bare numbers can be asked at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    Compare(Cmp),
    Bin,
}

#[derive(Clone)]
pub(super) enum Scalar {
    Const(Value),
    Column(usize),
    Apply(Function, Vec<Scalar>, Span, Option<Kernel>),
    And(Vec<Scalar>),
    Or(Vec<Scalar>),
    /// The first arm whose condition holds, else the last.
    Case(Vec<(Scalar, Scalar)>, Box<Scalar>),
    /// The first that is neither null nor empty text.
    Coalesce(Vec<Scalar>),
    Query(Arc<ScalarQuery>),
    InQuery(Box<Scalar>, Arc<QuerySet>),
    RowNumber(i64),
    /// `prev` and `next`: the value so many rows away, or the default.
    Neighbour(Box<Scalar>, i64, Box<Scalar>),
}

/// What an expression is evaluated against.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) batch: &'a Batch,
    pub(super) row: usize,
    pub(super) run: &'a Run,
}

static TRUE: Value = Value::Bool(true);
static FALSE: Value = Value::Bool(false);
static NULL: Value = Value::Null;

pub(super) fn stop(trouble: Trouble, span: Span) -> Fail {
    match trouble {
        Trouble::Limit(message) => limit(span, message),
        Trouble::Unsupported(part) => unsupported(span, part),
    }
}

fn checked(value: Value, span: Span) -> Try<Value> {
    match &value {
        Value::String(s) if s.len() > MAX_TEXT => Err(limit(span, format!("a text longer than {MAX_TEXT} bytes"))),
        _ => Ok(value),
    }
}

pub(super) fn call(function: &Function, args: &[&Value], span: Span) -> Try<Value> {
    function(args).map_err(|t| stop(t, span)).and_then(|v| checked(v, span))
}

impl Scalar {
    pub(super) fn eval<'a>(&'a self, at: Row<'a>) -> Try<Cow<'a, Value>> {
        Ok(match self {
            Scalar::Const(value) => Cow::Borrowed(value),
            Scalar::Column(column) => at.batch.cols.get(*column).map_or(Cow::Borrowed(&NULL), |c| c.get(at.row)),
            Scalar::Apply(function, args, span, _) => Cow::Owned(match args.as_slice() {
                [a] => call(function, &[a.eval(at)?.as_ref()], *span)?,
                [a, b] => call(function, &[a.eval(at)?.as_ref(), b.eval(at)?.as_ref()], *span)?,
                [a, b, c] => call(function, &[a.eval(at)?.as_ref(), b.eval(at)?.as_ref(), c.eval(at)?.as_ref()], *span)?,
                many => {
                    let values: Vec<Cow<'a, Value>> = many.iter().map(|a| a.eval(at)).collect::<Try<_>>()?;
                    let values: Vec<&Value> = values.iter().map(AsRef::as_ref).collect();
                    call(function, &values, *span)?
                }
            }),
            Scalar::And(parts) => Cow::Borrowed(decide(parts, at, false)?),
            Scalar::Or(parts) => Cow::Borrowed(decide(parts, at, true)?),
            Scalar::Case(arms, otherwise) => {
                for (condition, value) in arms {
                    if *condition.eval(at)? == TRUE {
                        return value.eval(at);
                    }
                }
                return otherwise.eval(at);
            }
            Scalar::Coalesce(parts) => {
                let mut last = Cow::Borrowed(&NULL);
                for part in parts {
                    last = part.eval(at)?;
                    if !matches!(last.as_ref(), Value::Null) && !matches!(last.as_ref(), Value::String(s) if s.is_empty()) {
                        break;
                    }
                }
                last
            }
            Scalar::Query(query) => {
                let answer = query.answer.get_or_init(|| at.run.first_cell(&query.plan, query.ty));
                Cow::Borrowed(answer.as_ref().map_err(Clone::clone)?)
            }
            Scalar::InQuery(value, set) => {
                let keys = set.keys.get_or_init(|| at.run.first_column(&set.plan, set.key)).as_ref().map_err(Clone::clone)?;
                let value = value.eval(at)?;
                Cow::Borrowed(if !value.is_null() && keys.contains(&(set.key)(&value)) { &TRUE } else { &FALSE })
            }
            Scalar::RowNumber(first) => Cow::Owned(Value::Long(first.saturating_add(at.row as i64))),
            Scalar::Neighbour(value, offset, default) => {
                let row = (at.row as i64).checked_add(*offset).and_then(|r| usize::try_from(r).ok()).filter(|r| *r < at.batch.rows);
                return match row {
                    Some(row) => value.eval(Row { row, ..at }),
                    None => default.eval(at),
                };
            }
        })
    }

    /// Whether the value depends on the row.
    pub(super) fn reads_row(&self) -> bool {
        match self {
            Scalar::Const(_) | Scalar::Query(_) => false,
            Scalar::Column(_) | Scalar::RowNumber(_) | Scalar::Neighbour(..) => true,
            Scalar::Apply(_, parts, ..) | Scalar::And(parts) | Scalar::Or(parts) | Scalar::Coalesce(parts) => {
                parts.iter().any(Scalar::reads_row)
            }
            Scalar::Case(arms, otherwise) => otherwise.reads_row() || arms.iter().any(|(c, v)| c.reads_row() || v.reads_row()),
            Scalar::InQuery(value, _) => value.reads_row(),
        }
    }

    /// The one column that the value depends on, if it depends on nothing else of the row.
    pub(super) fn only_column(&self) -> Option<usize> {
        let mut found = None;
        self.reads_only(&mut found).then_some(found).flatten()
    }

    fn reads_only(&self, found: &mut Option<usize>) -> bool {
        match self {
            Scalar::Column(at) => *found.get_or_insert(*at) == *at,
            Scalar::Const(_) | Scalar::Query(_) => true,
            Scalar::RowNumber(_) | Scalar::Neighbour(..) => false,
            // What has constant arguments and was not computed once is new in every row.
            Scalar::Apply(_, parts, ..) if parts.iter().all(|part| matches!(part, Scalar::Const(_))) => false,
            Scalar::Apply(_, parts, ..) | Scalar::And(parts) | Scalar::Or(parts) | Scalar::Coalesce(parts) => {
                parts.iter().all(|part| part.reads_only(found))
            }
            Scalar::Case(arms, otherwise) => {
                otherwise.reads_only(found) && arms.iter().all(|(c, v)| c.reads_only(found) && v.reads_only(found))
            }
            Scalar::InQuery(value, _) => value.reads_only(found),
        }
    }

    pub(super) fn holds(&self, at: Row<'_>) -> Try<bool> {
        Ok(*self.eval(at)? == TRUE)
    }

    /// Every value of the column that this makes of a batch.
    pub(super) fn column(&self, batch: &Batch, ty: Type, run: &Run) -> Try<Col> {
        if let Scalar::Column(at) = self
            && let Some(col) = batch.cols.get(*at)
        {
            return Ok(col.clone());
        }
        run.charge(batch.rows)?;
        let plain = || {
            let cell = |row| {
                run.tick()?;
                let value = self.eval(Row { batch, row, run })?.into_owned();
                run.hold(Maker::size(&value))?;
                Ok(value)
            };
            Ok(Col::own((0..batch.rows).map(cell).collect::<Try<Vec<Value>>>()?, ty))
        };
        run.quickly(|| vector::column(self, batch, ty, run), plain)
    }
}

/// Three-valued `or` (`stop_at` true) and `and` (false).
fn decide(parts: &[Scalar], at: Row<'_>, stop_at: bool) -> Try<&'static Value> {
    let mut unknown = false;
    for part in parts {
        match part.eval(at)?.as_ref() {
            Value::Bool(b) if *b == stop_at => return Ok(if stop_at { &TRUE } else { &FALSE }),
            Value::Null => unknown = true,
            _ => {}
        }
    }
    Ok(if unknown {
        &NULL
    } else if stop_at {
        &FALSE
    } else {
        &TRUE
    })
}
