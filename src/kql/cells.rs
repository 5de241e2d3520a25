//! The cells of a column: values one by one, by number in a dictionary, or as bare numbers.
//!
//! Telemetry repeats itself: a million rows name a few thousand machines. A column that says so costs four bytes a cell, and what is
//! asked of it is asked once a value and not once a row. Times and counters differ in every row, and cost eight.

use super::value::{Type, Value};
use std::borrow::Cow;
use std::sync::Arc;

/// The cells of one column, one a row.
#[derive(Clone, Debug)]
pub enum Cells {
    /// Values as they are.
    Plain(Vec<Value>),
    /// Values by their number.
    Dict {
        /// The values: in any order, some perhaps equal, some perhaps in no row.
        values: Arc<Vec<Value>>,
        /// The number of each row's value; a number that there is not stands for null.
        codes: Arc<Vec<u32>>,
    },
    /// Numbers of an `int` or `long`, ticks of a `datetime` or `timespan`.
    Whole {
        /// Which of them.
        ty: Type,
        /// The number; of no meaning where the cell is null.
        numbers: Vec<i64>,
        /// The rows that are null.
        nulls: Nulls,
    },
    /// Numbers of a `real`.
    Real {
        /// The number; of no meaning where the cell is null.
        numbers: Vec<f64>,
        /// The rows that are null.
        nulls: Nulls,
    },
}

/// Which rows are null: nothing at all if none is.
#[derive(Clone, Debug, Default)]
pub struct Nulls(Vec<u64>);

impl Nulls {
    /// Whether no row is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this one is.
    pub fn has(&self, row: usize) -> bool {
        self.0.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Makes a row null.
    pub fn set(&mut self, row: usize) {
        if self.0.len() <= row / 64 {
            self.0.resize(row / 64 + 1, 0);
        }
        if let Some(word) = self.0.get_mut(row / 64) {
            *word |= 1 << (row % 64);
        }
    }
}

/// A whole number as a value of its type.
pub(super) fn whole(ty: Type, number: i64) -> Value {
    match ty {
        Type::Int => i32::try_from(number).map_or(Value::Null, Value::Int),
        Type::DateTime => Value::DateTime(number),
        Type::TimeSpan => Value::TimeSpan(number),
        _ => Value::Long(number),
    }
}

/// The types whose cells are whole numbers.
fn is_whole(ty: Type) -> bool {
    matches!(ty, Type::Int | Type::Long | Type::DateTime | Type::TimeSpan)
}

static NULL: Value = Value::Null;

impl Cells {
    /// No cells.
    pub const fn new() -> Cells {
        Cells::Plain(Vec::new())
    }

    /// Cells by number in a dictionary.
    pub fn dict(values: Vec<Value>, codes: Vec<u32>) -> Cells {
        Cells::Dict { values: Arc::new(values), codes: Arc::new(codes) }
    }

    /// Whole numbers, none of them null: of an `int`, a `long`, a `datetime` (ticks since year 1) or a `timespan` (ticks).
    pub fn whole(ty: Type, numbers: Vec<i64>) -> Cells {
        Cells::Whole { ty, numbers, nulls: Nulls::default() }
    }

    /// Whole numbers, some of them null.
    pub fn optional(ty: Type, numbers: impl Iterator<Item = Option<i64>>) -> Cells {
        let mut nulls = Nulls::default();
        let keep = |(row, number): (usize, Option<i64>)| {
            number.unwrap_or_else(|| {
                nulls.set(row);
                0
            })
        };
        let numbers = numbers.enumerate().map(keep).collect();
        Cells::Whole { ty, numbers, nulls }
    }

    /// Real numbers, some of them null.
    pub fn reals(numbers: impl Iterator<Item = Option<f64>>) -> Cells {
        let mut nulls = Nulls::default();
        let keep = |(row, number): (usize, Option<f64>)| {
            number.unwrap_or_else(|| {
                nulls.set(row);
                0.0
            })
        };
        let numbers = numbers.enumerate().map(keep).collect();
        Cells::Real { numbers, nulls }
    }

    /// The same value in every row.
    pub fn same(value: Value, rows: usize) -> Cells {
        Cells::dict(vec![value], vec![0; rows])
    }

    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Cells::Plain(values) => values.len(),
            Cells::Dict { codes, .. } => codes.len(),
            Cells::Whole { numbers, .. } => numbers.len(),
            Cells::Real { numbers, .. } => numbers.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell of a row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<Cow<'_, Value>> {
        match self {
            Cells::Plain(values) => values.get(row).map(Cow::Borrowed),
            Cells::Dict { values, codes } => codes.get(row).map(|code| Cow::Borrowed(values.get(*code as usize).unwrap_or(&NULL))),
            Cells::Whole { nulls, .. } | Cells::Real { nulls, .. } if nulls.has(row) => Some(Cow::Borrowed(&NULL)),
            Cells::Whole { ty, numbers, .. } => numbers.get(row).map(|number| Cow::Owned(whole(*ty, *number))),
            Cells::Real { numbers, .. } => numbers.get(row).map(|number| Cow::Owned(Value::Real(*number))),
        }
    }

    /// All cells, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Cow<'_, Value>> {
        (0..self.len()).filter_map(|row| self.get(row))
    }
}

impl Default for Cells {
    fn default() -> Cells {
        Cells::new()
    }
}

impl From<Vec<Value>> for Cells {
    fn from(values: Vec<Value>) -> Cells {
        Cells::Plain(values)
    }
}

impl FromIterator<Value> for Cells {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Cells {
        Cells::Plain(values.into_iter().collect())
    }
}

/// Equal are cells with equal values, however they are kept.
impl PartialEq for Cells {
    fn eq(&self, other: &Cells) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

/// Cells in the making: bare numbers as long as all are of the type.
pub(super) struct Maker {
    cells: Cells,
}

impl Maker {
    pub(super) fn new(ty: Type, rows: usize) -> Maker {
        let cells = match ty {
            _ if is_whole(ty) => Cells::Whole { ty, numbers: Vec::with_capacity(rows), nulls: Nulls::default() },
            Type::Real => Cells::Real { numbers: Vec::with_capacity(rows), nulls: Nulls::default() },
            _ => Cells::Plain(Vec::with_capacity(rows)),
        };
        Maker { cells }
    }

    pub(super) fn push(&mut self, value: Value) {
        match (&mut self.cells, &value) {
            (Cells::Plain(values), _) => return values.push(value),
            (Cells::Whole { numbers, nulls, .. }, Value::Null) => {
                nulls.set(numbers.len());
                return numbers.push(0);
            }
            (Cells::Whole { ty: Type::Int, numbers, .. }, Value::Int(n)) => return numbers.push(i64::from(*n)),
            (Cells::Whole { ty: Type::Long, numbers, .. }, Value::Long(n)) => return numbers.push(*n),
            (Cells::Whole { ty: Type::DateTime, numbers, .. }, Value::DateTime(n)) => return numbers.push(*n),
            (Cells::Whole { ty: Type::TimeSpan, numbers, .. }, Value::TimeSpan(n)) => return numbers.push(*n),
            (Cells::Real { numbers, nulls }, Value::Null) => {
                nulls.set(numbers.len());
                return numbers.push(0.0);
            }
            (Cells::Real { numbers, .. }, Value::Real(n)) => return numbers.push(*n),
            _ => {}
        }
        let mut values: Vec<Value> = self.cells.iter().map(Cow::into_owned).collect();
        values.push(value);
        self.cells = Cells::Plain(values);
    }

    /// About how many bytes a value takes.
    pub(super) fn size(value: &Value) -> usize {
        match value {
            Value::String(text) => size_of::<Value>() + 16 + text.len(),
            // Not measured: what texts make of JSON is about as long as they are.
            Value::Dynamic(_) => 128,
            _ => size_of::<Value>(),
        }
    }

    pub(super) fn done(self) -> Cells {
        self.cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_the_same_however_it_is_kept() {
        let plain = Cells::from(vec![Value::Long(7), Value::Null, Value::Long(-1), Value::Long(7)]);
        assert_eq!(plain, Cells::optional(Type::Long, [Some(7), None, Some(-1), Some(7)].into_iter()));
        assert_eq!(plain, Cells::dict(vec![Value::Long(-1), Value::Long(7), Value::Long(9), Value::Long(7)], vec![1, 8, 0, 3]));
        assert_ne!(plain, Cells::whole(Type::Long, vec![7, 0, -1, 7]));
        assert_ne!(plain, Cells::optional(Type::DateTime, [Some(7), None, Some(-1), Some(7)].into_iter()));
        let reals = Cells::reals([Some(0.5), None].into_iter());
        assert_eq!(reals, Cells::from(vec![Value::Real(0.5), Value::Null]));
        assert_eq!((reals.len(), reals.get(2)), (2, None));
        let far = Cells::optional(Type::Int, (0..200).map(|n| (n != 130).then_some(n)));
        assert!((0..200).all(|row| far.get(row).unwrap().is_null() == (row == 130)));
    }
}
