//! Functions over rows in order, each a column that is made in front of the operator that reads it; and numbers by chance.

use super::super::ast::Expr;
use super::super::error::{Span, Try, semantic, unsupported};
use super::super::exec::window::{Carry, Window, Windows};
use super::super::plan::Op;
use super::super::scalar::{Function, Scalar, Trouble};
use super::super::value::{Type, Value};
use super::{Binder, Bound, Field, Site};
use std::sync::Arc;

/// A column that waits for its operator: how many pipelines were open, and how many columns the operator sees.
pub(super) struct Waiting {
    depth: usize,
    width: usize,
    window: Window,
}

impl Binder<'_> {
    /// `row_number` with a restart, `row_cumsum`, `row_rank_dense`, `row_rank_min` and `row_window_session`.
    pub(super) fn window(&mut self, name: &str, exprs: &[&Expr], span: Span, site: Site<'_>) -> Try<Bound> {
        self.need_order(site, name, span)?;
        let count = match name {
            "row_window_session" => 3,
            _ => 1,
        };
        let (values, restart) = exprs.split_at_checked(count).unwrap_or((exprs, &[]));
        let restart = match restart {
            [] => None,
            [restart] => Some(self.condition(restart, site)?.scalar),
            _ => return Err(semantic(span, format!("'{name}' does not take {} arguments", exprs.len()))),
        };
        let mut args = Vec::new();
        let mut types = Vec::new();
        let mut carry = match name {
            "row_cumsum" => Carry::Sum,
            "row_rank_dense" => Carry::DenseRank,
            "row_rank_min" => Carry::MinRank,
            _ => Carry::Session,
        };
        if let ("row_number", [first]) = (name, values) {
            carry = Carry::Number(self.whole(first, site)?);
        } else {
            for value in values {
                let bound = self.scalar(value, site)?;
                types.push(bound.ty);
                args.push(bound.scalar);
            }
        }
        let wrong = |what: &str| Err(semantic(span, format!("'{name}' takes {what}")));
        let ty = match (carry, types.as_slice()) {
            (Carry::Number(_), []) => Type::Long,
            (Carry::Sum, [ty]) if ty.is_number() => *ty,
            (Carry::Sum, _) => return wrong("a number"),
            (Carry::DenseRank | Carry::MinRank, [ty]) if *ty != Type::Dynamic => Type::Long,
            (Carry::DenseRank | Carry::MinRank, _) => return wrong("a value that is no dynamic"),
            (Carry::Session, [Type::DateTime, Type::TimeSpan, Type::TimeSpan]) => Type::DateTime,
            _ => return wrong("a datetime and two timespans"),
        };
        let place = site.fields.len() + self.waiting.borrow().iter().filter(|w| w.depth == self.tables).count();
        let window = Window { carry, args, restart, ty, span };
        self.waiting.borrow_mut().push(Waiting { depth: self.tables, width: site.fields.len(), window });
        Ok(Bound::leaf(Scalar::Column(place), ty))
    }

    /// The operators with the columns that wait for them in front; what does not pass them on gets its own columns back.
    pub(super) fn with_windows(&self, fields: &[Field], ops: Vec<Op>) -> Vec<Op> {
        let mut waiting = self.waiting.borrow_mut();
        let ours = |w: &Waiting| w.depth == self.tables && w.width == fields.len();
        let takes = matches!(ops.first(), Some(Op::Filter(_) | Op::Map(_) | Op::Sort(..) | Op::Summarize { .. }));
        if !takes || !waiting.iter().any(ours) {
            return ops;
        }
        let (mine, others): (Vec<Waiting>, Vec<Waiting>) = waiting.drain(..).partition(ours);
        *waiting = others;
        let replaces = ops.iter().any(|op| matches!(op, Op::Map(_) | Op::Summarize { .. }));
        let mut all = vec![Op::Step(Arc::new(Windows(mine.into_iter().map(|w| w.window).collect())))];
        all.extend(ops);
        if !replaces {
            all.push(Op::Map(fields.iter().enumerate().map(|(at, f)| (Scalar::Column(at), f.ty)).collect()));
        }
        all
    }

    /// Fails if an operator did not take the columns that its expressions read.
    pub(super) fn no_windows_left(&self) -> Try<()> {
        match self.waiting.borrow().iter().find(|w| w.depth == self.tables) {
            Some(left) => Err(unsupported(left.window.span, "a function over rows in order in this operator")),
            None => Ok(()),
        }
    }

    /// `rand` and `new_guid`: by chance, yet the same on every run. Each call and each row has its own number.
    pub(super) fn chance(&mut self, name: &str, exprs: &[&Expr], span: Span, site: Site<'_>) -> Try<Bound> {
        let seed = (self.steps as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.options.now.cast_unsigned();
        let mut args = vec![Bound::leaf(Scalar::RowNumber(0), Type::Long)];
        for expr in exprs {
            let bound = self.scalar(expr, site)?;
            if !bound.ty.is_integer() {
                return Err(semantic(expr.span, format!("'rand' takes a whole number, not a {}", bound.ty.name())));
            }
            args.push(bound);
        }
        let row = |a: &[&Value]| a.first().and_then(|v| v.as_i64()).unwrap_or(0).cast_unsigned();
        let (function, ty): (Function, Type) = match name {
            "rand" => (
                Arc::new(move |a: &[&Value]| {
                    let number = (mix(seed, row(a)) >> 11) as f64 / (1_u64 << 53) as f64;
                    Ok(match a.get(1).map(|n| n.as_i64()) {
                        None => Value::Real(number),
                        Some(Some(n)) if n > 1 => Value::Real((number * n as f64).floor()),
                        Some(_) => return Err(Trouble::Unsupported("rand() of less than 2".to_owned())),
                    })
                }),
                Type::Real,
            ),
            _ => (
                Arc::new(move |a: &[&Value]| {
                    let (high, low) = (mix(seed, row(a)), mix(!seed, row(a)));
                    let (high, low) = (high & !0xf000 | 0x4000, low & !(3 << 62) | 1 << 63);
                    let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
                    Ok(Value::text(format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)))
                }),
                Type::Guid,
            ),
        };
        self.apply(function, args, ty, span)
    }
}

/// SplitMix64.
fn mix(seed: u64, row: u64) -> u64 {
    let mut z = seed.wrapping_add(row.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
