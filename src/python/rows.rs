//! Native dicts from columns.
//!
//! Rows repeat their keys and most of their values. So a row begins as a copy of the one before, in which only what differs is set, and a text
//! that was seen lately is the same Python object. The interpreter is handed over every few milliseconds, so that other threads go on.

use super::convert::to_python;
use crate::{
    json,
    table::{self, Chunk, Odd, Table, WireType, write_cell},
};
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, StringViewArray, cast::AsArray, types};
use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyDict, PyList, PyString},
};
use std::time::{Duration, Instant};

/// How long other threads wait for the interpreter at most.
const HELD: Duration = Duration::from_millis(3);
/// Long enough for a thread that waits to wake up: who takes the interpreter back at once wakes it for nothing, again and again.
const LET: Duration = Duration::from_micros(50);
/// Rows between two looks at the time.
const LOOK: usize = 64;
/// Texts that are remembered, of each column.
const SLOTS: usize = 256;

/// For fewer rows than this, none are.
const FEW: usize = 16;

/// Hands the interpreter over from time to time.
struct Turns {
    since: Instant,
    rows: usize,
}

impl Turns {
    fn new() -> Turns {
        Turns { since: Instant::now(), rows: 0 }
    }

    /// A row was made.
    fn row(&mut self, py: Python<'_>) {
        self.rows += 1;
        if self.rows.is_multiple_of(LOOK) && self.since.elapsed() > HELD {
            py.detach(|| std::thread::sleep(LET));
            self.since = Instant::now();
        }
    }
}

/// The rows of a range as dicts.
pub(super) fn dicts<'py>(py: Python<'py>, table: &Table, start: usize, stop: usize) -> PyResult<Bound<'py, PyList>> {
    let (list, mut turns) = (PyList::empty(py), Turns::new());
    let (mut skip, mut left) = (start, stop.min(table.rows()).saturating_sub(start));
    for chunk in table.chunks() {
        let from = skip.min(chunk.rows);
        let count = (chunk.rows - from).min(left);
        skip -= from;
        left -= count;
        if count > 0 {
            let mut writer = Writer::new(py, table, chunk, count)?;
            for row in from..from + count {
                list.append(writer.row(row)?)?;
                turns.row(py);
            }
        }
        if left == 0 {
            break;
        }
    }
    Ok(list)
}

/// One row as a dict.
pub(super) fn dict<'py>(py: Python<'py>, table: &Table, chunk: &Chunk, row: usize) -> PyResult<Bound<'py, PyDict>> {
    Writer::new(py, table, chunk, 1)?.row(row)
}

/// What a column's cells are read from, and what the cell before was.
struct Column<'a, 'py> {
    key: Bound<'py, PyString>,
    cells: Cells<'a, 'py>,
    odd: std::iter::Peekable<std::slice::Iter<'a, Odd>>,
    was_odd: bool,
}

enum Cells<'a, 'py> {
    Text(Texts<'a, 'py>),
    Bool(&'a BooleanArray, Option<Option<bool>>),
    Int(&'a Int32Array, Option<Option<i32>>),
    Long(&'a Int64Array, Option<Option<i64>>),
    Double(&'a Float64Array, Option<Option<u64>>),
    /// Moments and spans: written as texts.
    Ticks(&'a ArrayRef, WireType, Option<Option<i64>>),
}

struct Texts<'a, 'py> {
    array: &'a StringViewArray,
    /// The view before; `Some(None)` is null.
    before: Option<Option<u128>>,
    seen: Vec<Option<(u128, Bound<'py, PyString>)>>,
}

impl<'a, 'py> Column<'a, 'py> {
    /// For so many rows.
    fn new(py: Python<'py>, column: &table::Column, array: &'a ArrayRef, odd: &'a [Odd], rows: usize) -> Column<'a, 'py> {
        let slots = if rows < FEW { 0 } else { SLOTS };
        let cells = match column.ty {
            WireType::Bool => Cells::Bool(array.as_boolean(), None),
            WireType::Int => Cells::Int(array.as_primitive::<types::Int32Type>(), None),
            WireType::Long => Cells::Long(array.as_primitive::<types::Int64Type>(), None),
            WireType::Double => Cells::Double(array.as_primitive::<types::Float64Type>(), None),
            ty @ (WireType::DateTime | WireType::TimeSpan) => Cells::Ticks(array, ty, None),
            _ => Cells::Text(Texts { array: array.as_string_view(), before: None, seen: vec![None; slots] }),
        };
        Column { key: PyString::intern(py, &column.name), cells, odd: odd.iter().peekable(), was_odd: false }
    }

    /// The cell of a row, unless it is the same as that of the row before. Rows are asked for in rising order.
    fn change(&mut self, py: Python<'py>, row: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
        while self.odd.next_if(|o| (o.row as usize) < row).is_some() {}
        if let Some(odd) = self.odd.next_if(|o| o.row as usize == row) {
            let value = json::parse(odd.json.as_bytes()).unwrap_or_default();
            self.was_odd = true;
            return to_python(py, &value).map(Some);
        }
        let again = std::mem::take(&mut self.was_odd);
        self.cells.change(py, row, again)
    }
}

impl<'py> Cells<'_, 'py> {
    fn change(&mut self, py: Python<'py>, row: usize, again: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        match self {
            Cells::Text(texts) => texts.change(py, row, again),
            Cells::Bool(array, before) => {
                let now = cell(*array, row, || array.value(row));
                changed(before, now, again).then(|| now.into_bound_py_any(py)).transpose()
            }
            Cells::Int(array, before) => {
                let now = cell(*array, row, || array.value(row));
                changed(before, now, again).then(|| now.into_bound_py_any(py)).transpose()
            }
            Cells::Long(array, before) => {
                let now = cell(*array, row, || array.value(row));
                changed(before, now, again).then(|| now.into_bound_py_any(py)).transpose()
            }
            Cells::Double(array, before) => {
                let now = cell(*array, row, || array.value(row).to_bits());
                changed(before, now, again).then(|| now.map(f64::from_bits).into_bound_py_any(py)).transpose()
            }
            Cells::Ticks(array, ty, before) => {
                let ticks = array.as_primitive::<types::Int64Type>();
                let now = cell(ticks, row, || ticks.value(row));
                if !changed(before, now, again) {
                    return Ok(None);
                }
                let mut text = String::with_capacity(28);
                let is_there = write_cell(*ty, array, row, &mut text);
                is_there.then_some(text).into_bound_py_any(py).map(Some)
            }
        }
    }
}

fn cell<T>(array: &impl Array, row: usize, value: impl FnOnce() -> T) -> Option<T> {
    array.is_valid(row).then(value)
}

/// Whether a cell differs from the one before, which it replaces.
fn changed<T: PartialEq>(before: &mut Option<T>, now: T, again: bool) -> bool {
    let same = !again && before.as_ref() == Some(&now);
    *before = Some(now);
    !same
}

impl<'py> Texts<'_, 'py> {
    fn change(&mut self, py: Python<'py>, row: usize, again: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        let view = self.array.views().get(row).copied().unwrap_or_default();
        let now = self.array.is_valid(row).then_some(view);
        if !changed(&mut self.before, now, again) {
            return Ok(None);
        }
        if now.is_none() {
            return Ok(Some(py.None().into_bound(py)));
        }
        let mixed = ((view ^ (view >> 64)) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = self.seen.get_mut((mixed >> 56) as usize % SLOTS);
        match slot {
            Some(Some((known, text))) if *known == view => Ok(Some(text.clone().into_any())),
            slot => {
                let text = PyString::new(py, self.array.value(row));
                if let Some(slot) = slot {
                    *slot = Some((view, text.clone()));
                }
                Ok(Some(text.into_any()))
            }
        }
    }
}

struct Writer<'a, 'py> {
    py: Python<'py>,
    columns: Vec<Column<'a, 'py>>,
    /// The row before. Nobody else ever sees it.
    template: Bound<'py, PyDict>,
}

impl<'a, 'py> Writer<'a, 'py> {
    fn new(py: Python<'py>, table: &'a Table, chunk: &'a Chunk, rows: usize) -> PyResult<Writer<'a, 'py>> {
        let template = PyDict::new(py);
        let parts = table.columns().iter().zip(&chunk.arrays).zip(&chunk.odd);
        let columns: Vec<Column<'_, '_>> = parts.map(|((column, array), odd)| Column::new(py, column, array, odd, rows)).collect();
        for column in &columns {
            template.set_item(&column.key, py.None())?;
        }
        Ok(Writer { py, columns, template })
    }

    fn row(&mut self, row: usize) -> PyResult<Bound<'py, PyDict>> {
        for column in &mut self.columns {
            if let Some(value) = column.change(self.py, row)? {
                self.template.set_item(&column.key, value)?;
            }
        }
        self.template.copy()
    }
}

/// The cells of one column as a list; moments are texts.
pub(super) fn list<'py>(py: Python<'py>, table: &Table, i: usize) -> PyResult<Bound<'py, PyList>> {
    let (list, mut turns) = (PyList::empty(py), Turns::new());
    let Some(column) = table.columns().get(i) else { return Ok(list) };
    for chunk in table.chunks() {
        let (Some(array), Some(odd)) = (chunk.arrays.get(i), chunk.odd.get(i)) else { continue };
        let mut cells = Column::new(py, column, array, odd, chunk.rows);
        let mut value = py.None().into_bound(py);
        for row in 0..chunk.rows {
            turns.row(py);
            if let Some(new) = cells.change(py, row)? {
                value = new;
            }
            list.append(&value)?;
        }
    }
    Ok(list)
}
