//! `make-series`.

use super::super::ast::{self, Named};
use super::super::error::{Span, Try, semantic, unsupported};
use super::super::exec::Series;
use super::super::plan::{Op, Plan, Slot};
use super::super::value::{Type, Value};
use super::name::{self, Namer};
use super::{Binder, Env, Field, Relation, Site};
use std::sync::Arc;

impl Binder<'_> {
    pub(super) fn make_series(&mut self, input: Relation, series: &ast::MakeSeries, span: Span, env: &Env) -> Try<Relation> {
        if series.in_range {
            return Err(unsupported(span, "make-series with 'in range()'; write from, to and step"));
        }
        if series.from.is_none() && series.to.is_some() {
            return Err(unsupported(span, "make-series with an end and no start"));
        }
        if series.nonempty && !(series.by.is_empty() && series.from.is_some() && series.to.is_some()) {
            return Err(unsupported(span, "make-series kind=nonempty with groups or without both bounds"));
        }
        let site = Site { fields: &input.fields, env, serialized: input.serialized, aggregates: None };
        let alone = Site { fields: &[], env, serialized: false, aggregates: None };
        let axis = self.scalar(&series.axis.expr, site)?;
        let step = self.scalar(&series.step, alone)?;
        let fits = match axis.ty {
            Type::DateTime | Type::TimeSpan => step.ty == Type::TimeSpan,
            ty => ty.is_number() && step.ty.is_number() && (ty == Type::Real || step.ty != Type::Real),
        };
        if !fits {
            return Err(super::types_differ(series.step.span, "no series over", axis.ty, step.ty));
        }
        let mut bounds = Vec::new();
        for bound in [&series.from, &series.to].into_iter().flatten() {
            let value = self.scalar(bound, alone)?;
            if value.ty != axis.ty && !(value.ty.is_number() && axis.ty.is_number()) {
                return Err(super::types_differ(bound.span, "no series over", axis.ty, value.ty));
            }
            bounds.push(value.scalar);
        }
        let mut bounds = bounds.into_iter();
        let (from, to) = (bounds.next(), bounds.next());
        let axis_name: Arc<str> = match series.axis.names.as_slice() {
            [] => name::of(&series.axis.expr).map_or_else(|| "Column1".into(), Into::into),
            [name] => name.text.clone(),
            _ => return Err(semantic(series.axis.expr.span, "the axis has one name")),
        };

        let bin: ast::Name = ast::Name { text: "the bin of make-series".into(), span };
        let bin_type = if axis.ty == Type::Int { Type::Long } else { axis.ty };
        let mut seen = input.fields.clone();
        seen.push(Field { name: bin.text.clone(), ty: bin_type });
        let slot = Arc::new(Slot::default());
        let rows = Relation { fields: seen, plan: Plan::Slot(slot.clone()), serialized: false, name: "".into(), depth: 1 };
        let mut by = series.by.clone();
        by.push(Named { names: Vec::new(), expr: ast::Expr { kind: ast::ExprKind::Name(bin.text), span } });
        let aggregates: Vec<Named> = series.series.iter().map(|(named, _)| named.clone()).collect();
        let grouped = self.summarize(rows, &aggregates, &by, env)?;
        let keys = series.by.len();
        let cells = grouped.fields.get(keys + 1..).unwrap_or_default();
        if cells.len() != series.series.len() {
            return Err(semantic(span, "an aggregate of make-series makes one column"));
        }
        let mut defaults = Vec::new();
        for (field, (named, default)) in cells.iter().zip(&series.series) {
            if !field.ty.is_number() {
                let message = format!("make-series of an aggregate that answers a {}", field.ty.name());
                return Err(unsupported(named.expr.span, message));
            }
            let default = match default {
                None => Value::Long(0),
                Some(default) => {
                    let value = self.scalar(default, alone)?;
                    match value.constant() {
                        Some(constant) if value.ty.is_number() => constant.clone(),
                        _ => return Err(semantic(default.span, "the default of a series is a constant number")),
                    }
                }
            };
            defaults.push(match (field.ty, default.as_f64()) {
                (Type::Real, Some(number)) => Value::Real(number),
                _ => default,
            });
        }
        let mut fields: Vec<Field> = grouped.fields.iter().take(keys).cloned().collect();
        let mut namer = Namer::new(&fields);
        for name in cells.iter().map(|f| &f.name).chain([&axis_name]) {
            if !namer.claim(name) {
                return Err(semantic(span, format!("two columns are named '{name}'")));
            }
            fields.push(Field { name: name.clone(), ty: Type::Dynamic });
        }
        let types = fields.iter().map(|f| f.ty).collect();
        let step = Series {
            axis: (axis.scalar, axis.ty),
            from,
            to,
            step: step.scalar,
            slot,
            plan: grouped.plan,
            keys,
            types,
            defaults,
            nonempty: series.nonempty,
            span,
        };
        Ok(self.piped(input, vec![Op::Step(Arc::new(step))], fields, false))
    }
}
