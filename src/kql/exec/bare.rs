//! Comparisons with a constant and `bin` by one, over bare numbers.
//!
//! Most conditions of hunting queries are about a time or a number, and most groups are hours. What is said here of a cell is what
//! `order`, `equal` and `bin` say of its value; columns and constants that are not of one kind are left to them.

use super::super::ast::Cmp;
use super::super::cells::{Cells, Nulls};
use super::super::datetime::in_range;
use super::super::error::Try;
use super::super::scalar::{Batch, Col, Kernel, Scalar};
use super::super::value::{Type, Value};
use super::Run;
use super::vector::Truth;

/// How many cells go by between two looks whether to go on.
const LOOK: usize = 1 << 12;

/// The bare numbers of a column, by row.
struct Bare<'c, T> {
    column: &'c Col,
    numbers: &'c [T],
    nulls: &'c Nulls,
}

impl<T: Copy> Bare<'_, T> {
    #[inline]
    fn at(&self, row: u32) -> Option<T> {
        let at = self.column.at(row as usize)?;
        if !self.nulls.is_empty() && self.nulls.has(at) {
            return None;
        }
        self.numbers.get(at).copied()
    }
}

/// A column of whole numbers whose every number is a value of its type.
fn wholes(column: &Col) -> Option<(Type, Bare<'_, i64>)> {
    match column.cells() {
        // The numbers of an int might not fit it.
        Cells::Whole { ty, numbers, nulls } if *ty != Type::Int => Some((*ty, Bare { column, numbers, nulls })),
        _ => None,
    }
}

fn reals(column: &Col) -> Option<Bare<'_, f64>> {
    match column.cells() {
        Cells::Real { numbers, nulls } => Some(Bare { column, numbers, nulls }),
        _ => None,
    }
}

/// What a comparison of a column with a constant says of the rows, if both are bare numbers of one kind.
pub(super) fn compared(condition: &Scalar, batch: &Batch, rows: &[u32], run: &Run) -> Option<Try<Vec<Truth>>> {
    let Scalar::Apply(_, args, _, Some(Kernel::Compare(op))) = condition else { return None };
    let (column, constant, op) = match args.as_slice() {
        [Scalar::Column(column), Scalar::Const(constant)] => (column, constant, *op),
        [Scalar::Const(constant), Scalar::Column(column)] => (column, constant, turned(*op)),
        _ => return None,
    };
    let column = batch.cols.get(*column)?;
    if let Some((ty, cells)) = wholes(column) {
        let constant = match (ty, constant) {
            (Type::DateTime, Value::DateTime(n)) | (Type::TimeSpan, Value::TimeSpan(n)) | (Type::Long, Value::Long(n)) => *n,
            (Type::Long, Value::Int(n)) => i64::from(*n),
            _ => return None,
        };
        return Some(truths(op, constant, &cells, rows, run));
    }
    let constant = match constant {
        Value::Real(_) | Value::Long(_) | Value::Int(_) => constant.as_f64()?,
        _ => return None,
    };
    Some(truths(op, constant, &reals(column)?, rows, run))
}

/// The comparison with its sides changed.
fn turned(op: Cmp) -> Cmp {
    match op {
        Cmp::Lt => Cmp::Gt,
        Cmp::Le => Cmp::Ge,
        Cmp::Gt => Cmp::Lt,
        Cmp::Ge => Cmp::Le,
        same => same,
    }
}

fn truths<T: PartialOrd + Copy>(op: Cmp, constant: T, cells: &Bare<'_, T>, rows: &[u32], run: &Run) -> Try<Vec<Truth>> {
    match op {
        Cmp::Eq => each(cells, rows, Truth::No, |n| n == constant, run),
        Cmp::Ne => each(cells, rows, Truth::Yes, |n| n != constant, run),
        Cmp::Lt => each(cells, rows, Truth::Unknown, |n| n < constant, run),
        Cmp::Le => each(cells, rows, Truth::Unknown, |n| n <= constant, run),
        Cmp::Gt => each(cells, rows, Truth::Unknown, |n| n > constant, run),
        Cmp::Ge => each(cells, rows, Truth::Unknown, |n| n >= constant, run),
    }
}

fn each<T: Copy>(cells: &Bare<'_, T>, rows: &[u32], null: Truth, holds: impl Fn(T) -> bool, run: &Run) -> Try<Vec<Truth>> {
    let mut truths = Vec::with_capacity(rows.len());
    for rows in rows.chunks(LOOK) {
        run.tick()?;
        let truth = |row: &u32| cells.at(*row).map_or(null, |n| if holds(n) { Truth::Yes } else { Truth::No });
        truths.extend(rows.iter().map(truth));
    }
    Ok(truths)
}

/// The column that `bin` by a constant makes of whole numbers.
pub(super) fn binned(scalar: &Scalar, batch: &Batch, ty: Type, run: &Run) -> Option<Try<Col>> {
    let Scalar::Apply(_, args, _, Some(Kernel::Bin)) = scalar else { return None };
    let [Scalar::Column(column), Scalar::Const(size)] = args.as_slice() else { return None };
    let (kind, cells) = wholes(batch.cols.get(*column)?)?;
    let size = match (kind, size) {
        (Type::DateTime | Type::TimeSpan, Value::TimeSpan(size)) | (Type::Long, Value::Long(size)) => *size,
        (Type::Long, Value::Int(size)) => i64::from(*size),
        _ => return None,
    };
    (kind == ty && size > 0).then(|| bins(&cells, batch.rows, size, ty, run))
}

fn bins(cells: &Bare<'_, i64>, rows: usize, size: i64, ty: Type, run: &Run) -> Try<Col> {
    run.hold(rows.saturating_mul(size_of::<i64>()))?;
    // Rows of one time stand together: mostly the bin is that of the row before.
    let (mut first, mut last, mut bin) = (0, -1, None);
    let mut of = |number: i64| {
        if number < first || number > last {
            bin = number.div_euclid(size).checked_mul(size);
            (first, last) = bin.map_or((0, -1), |bin| (bin, bin.saturating_add(size - 1)));
            bin = if ty == Type::DateTime { bin.and_then(in_range) } else { bin };
        }
        bin
    };
    let (mut numbers, mut nulls) = (Vec::with_capacity(rows), Nulls::default());
    for row in 0..rows {
        if row % LOOK == 0 {
            run.tick()?;
        }
        let bin = cells.at(row as u32).and_then(&mut of);
        if bin.is_none() {
            nulls.set(row);
        }
        numbers.push(bin.unwrap_or(0));
    }
    Ok(Col::made(Cells::Whole { ty, numbers, nulls }, ty))
}
