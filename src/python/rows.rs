//! Native dicts from columns.
//!
//! Rows repeat their keys and most of their values. So a row begins as a copy of the one before, in which only what differs is set, and a text
//! that was seen lately is the same Python object. The interpreter is handed over every few hundred rows, so that other threads go on.

use super::convert::to_python;
use crate::{
    json,
    table::{Chunk, Odd, Table, WireType, write_cell},
};
use arrow_array::{Array, BooleanArray, Float64Array, Int32Array, Int64Array, StringViewArray, cast::AsArray, types};
use pyo3::{
    IntoPyObjectExt,
    prelude::*,
    types::{PyBool, PyDict, PyList, PyString},
};

/// Rows between two moments at which other threads may run.
const SLICE: usize = 256;
/// Texts that are remembered, of each column.
const SLOTS: usize = 256;

/// The rows of a range as dicts.
pub(super) fn dicts<'py>(py: Python<'py>, table: &Table, start: usize, stop: usize) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    let (mut skip, mut left) = (start, stop.min(table.rows()).saturating_sub(start));
    for chunk in table.chunks() {
        let from = skip.min(chunk.rows);
        let count = (chunk.rows - from).min(left);
        skip -= from;
        left -= count;
        if count > 0 {
            let mut writer = Writer::new(py, table, chunk)?;
            for (n, row) in (from..from + count).enumerate() {
                if n % SLICE == SLICE - 1 {
                    py.detach(|| ());
                }
                list.append(writer.row(row)?)?;
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
    Writer::new(py, table, chunk)?.row(row)
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
    Ticks(&'a Int64Array, WireType, Option<Option<i64>>),
}

struct Texts<'a, 'py> {
    array: &'a StringViewArray,
    /// The view before; `Some(None)` is null.
    before: Option<Option<u128>>,
    seen: Vec<Option<(u128, Bound<'py, PyString>)>>,
}

struct Writer<'a, 'py> {
    py: Python<'py>,
    columns: Vec<Column<'a, 'py>>,
    /// The row before. Nobody else ever sees it.
    template: Bound<'py, PyDict>,
    next: usize,
}

impl<'a, 'py> Writer<'a, 'py> {
    fn new(py: Python<'py>, table: &'a Table, chunk: &'a Chunk) -> PyResult<Writer<'a, 'py>> {
        let template = PyDict::new(py);
        let mut columns = Vec::with_capacity(table.columns().len());
        for ((column, array), odd) in table.columns().iter().zip(&chunk.arrays).zip(&chunk.odd) {
            let key = PyString::intern(py, &column.name);
            template.set_item(&key, py.None())?;
            let cells = match column.ty {
                WireType::Bool => Cells::Bool(array.as_boolean(), None),
                WireType::Int => Cells::Int(array.as_primitive::<types::Int32Type>(), None),
                WireType::Long => Cells::Long(array.as_primitive::<types::Int64Type>(), None),
                WireType::Double => Cells::Double(array.as_primitive::<types::Float64Type>(), None),
                ty @ (WireType::DateTime | WireType::TimeSpan) => Cells::Ticks(array.as_primitive::<types::Int64Type>(), ty, None),
                _ => Cells::Text(Texts { array: array.as_string_view(), before: None, seen: vec![None; SLOTS] }),
            };
            columns.push(Column { key, cells, odd: odd.iter().peekable(), was_odd: false });
        }
        Ok(Writer { py, columns, template, next: 0 })
    }

    /// The row as a dict; rows are asked for in rising order.
    fn row(&mut self, row: usize) -> PyResult<Bound<'py, PyDict>> {
        debug_assert!(row >= self.next);
        self.next = row;
        for column in &mut self.columns {
            while column.odd.next_if(|o| (o.row as usize) < row).is_some() {}
            if let Some(odd) = column.odd.next_if(|o| o.row as usize == row) {
                let value = json::parse(odd.json.as_bytes()).unwrap_or_default();
                self.template.set_item(&column.key, to_python(self.py, &value)?)?;
                column.was_odd = true;
                continue;
            }
            let again = std::mem::take(&mut column.was_odd);
            column.cells.write(self.py, row, again, &column.key, &self.template)?;
        }
        self.template.copy()
    }
}

/// Whether a cell differs from the one before.
fn differs<T: PartialEq>(before: &mut Option<T>, now: T, again: bool) -> bool {
    let same = !again && before.as_ref() == Some(&now);
    *before = Some(now);
    !same
}

fn cell<T>(array: &impl Array, row: usize, value: impl FnOnce() -> T) -> Option<T> {
    array.is_valid(row).then(value)
}

impl<'py> Cells<'_, 'py> {
    fn write(&mut self, py: Python<'py>, row: usize, again: bool, key: &Bound<'py, PyString>, dict: &Bound<'py, PyDict>) -> PyResult<()> {
        match self {
            Cells::Text(texts) => texts.write(py, row, again, key, dict),
            Cells::Bool(array, before) => {
                let now = cell(array, row, || array.value(row));
                if differs(before, now, again) { dict.set_item(key, now.map(|b| PyBool::new(py, b))) } else { Ok(()) }
            }
            Cells::Int(array, before) => {
                let now = cell(array, row, || array.value(row));
                if differs(before, now, again) { dict.set_item(key, now) } else { Ok(()) }
            }
            Cells::Long(array, before) => {
                let now = cell(array, row, || array.value(row));
                if differs(before, now, again) { dict.set_item(key, now) } else { Ok(()) }
            }
            Cells::Double(array, before) => {
                let now = cell(array, row, || array.value(row).to_bits());
                if differs(before, now, again) { dict.set_item(key, now.map(f64::from_bits)) } else { Ok(()) }
            }
            Cells::Ticks(array, ty, before) => {
                let now = cell(array, row, || array.value(row));
                if !differs(before, now, again) {
                    return Ok(());
                }
                let mut text = String::with_capacity(28);
                let (array, ty): (&Int64Array, WireType) = (array, *ty);
                if now.is_some() && write_ticks(ty, array, row, &mut text) { dict.set_item(key, text) } else { dict.set_item(key, py.None()) }
            }
        }
    }
}

fn write_ticks(ty: WireType, array: &Int64Array, row: usize, out: &mut String) -> bool {
    write_cell(ty, array, row, out)
}

impl<'py> Texts<'_, 'py> {
    fn write(&mut self, py: Python<'py>, row: usize, again: bool, key: &Bound<'py, PyString>, dict: &Bound<'py, PyDict>) -> PyResult<()> {
        let view = self.array.views().get(row).copied().unwrap_or_default();
        let now = self.array.is_valid(row).then_some(view);
        if !differs(&mut self.before, now, again) {
            return Ok(());
        }
        if now.is_none() {
            return dict.set_item(key, py.None());
        }
        let slot = (view ^ (view >> 64)) as u64;
        let slot = (slot.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize % SLOTS;
        let Some(seen) = self.seen.get_mut(slot) else { return Ok(()) };
        match seen {
            Some((known, text)) if *known == view => dict.set_item(key, &*text),
            _ => {
                let text = PyString::new(py, self.array.value(row));
                dict.set_item(key, &text)?;
                *seen = Some((view, text));
                Ok(())
            }
        }
    }
}

/// The cells of one column as a list; moments as texts.
pub(super) fn column<'py>(py: Python<'py>, table: &Table, i: usize) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    let Some(column) = table.columns().get(i) else { return Ok(list) };
    let only = Table::column(table, i);
    for (n, row) in dicts(py, &only, 0, only.rows())?.iter().enumerate() {
        if n % SLICE == SLICE - 1 {
            py.detach(|| ());
        }
        let value = row.cast::<PyDict>()?.get_item(&*column.name)?;
        list.append(value.into_bound_py_any(py)?)?;
    }
    Ok(list)
}
