//! `top-nested` and `top-hitters`.

use super::super::ast::{self, Arg, Expr, ExprKind, Name, Named, Order};
use super::super::error::{Try, semantic, unsupported};
use super::super::exec::{TopLevel, TopNested};
use super::super::plan::{Op, Plan, Slot};
use super::super::value::Type;
use super::name::{self, Namer};
use super::{Binder, Env, Field, Relation, Site};
use std::sync::Arc;

impl Binder<'_> {
    /// Exact, where the service approximates.
    pub(super) fn top_hitters(&mut self, input: Relation, count: &Expr, of: &Named, by: Option<&Expr>, env: &Env) -> Try<Relation> {
        let span = of.expr.span;
        let (function, prefix, args, own) = match by {
            Some(by) => ("sum", "approximate_sum", vec![Arg { name: None, expr: by.clone() }], name::of(by)),
            None => ("count", "approximate_count", Vec::new(), name::of(&of.expr)),
        };
        let own = own.ok_or_else(|| unsupported(span, "top-hitters of an expression without a name"))?;
        let total = Name { text: format!("{prefix}_{own}").into(), span };
        let aggregate = ExprKind::Call(Name { text: function.into(), span }, args);
        let aggregate = Named { names: vec![total.clone()], expr: Expr { kind: aggregate, span } };
        let grouped = self.summarize(input, std::slice::from_ref(&aggregate), std::slice::from_ref(of), env)?;
        let fields = grouped.fields.clone();
        let site = Site { fields: &fields, env, serialized: false, aggregates: None };
        let count = self.count(count, site)?;
        let order = Order { expr: Expr { kind: ExprKind::Name(total.text), span }, ascending: false, nulls_first: None };
        let key = self.sort_key(&order, site)?;
        Ok(self.piped(grouped, vec![Op::Sort(vec![key], Some(count))], fields, true))
    }

    pub(super) fn top_nested(&mut self, input: Relation, levels: &[ast::TopLevel], env: &Env) -> Try<Relation> {
        let site = Site { fields: &input.fields, env, serialized: input.serialized, aggregates: None };
        let alone = Site { fields: &[], env, serialized: false, aggregates: None };
        let mut namer = Namer::new([]);
        let (mut fields, mut bound) = (Vec::new(), Vec::new());
        for level in levels {
            let of = self.scalar(&level.of.expr, site)?;
            if of.ty == Type::Dynamic {
                return Err(semantic(level.of.expr.span, "top-nested cannot group by a dynamic; convert it with tostring()"));
            }
            let own = match level.of.names.as_slice() {
                [name] => name.text.to_string(),
                _ => {
                    name::of(&level.of.expr).ok_or_else(|| unsupported(level.of.expr.span, "top-nested of an expression without a name"))?
                }
            };
            let count = level.count.as_ref().map(|count| self.count(count, alone)).transpose()?;
            let others = match &level.others {
                None => None,
                Some(others) if levels.len() > 1 => {
                    return Err(unsupported(others.span, "'with others' in a top-nested of several levels"));
                }
                Some(others) => {
                    let value = self.scalar(others, alone)?;
                    let value = self.cast(value, of.ty, others.span)?;
                    let constant = value.constant().cloned();
                    Some(constant.ok_or_else(|| semantic(others.span, "the value of the others is a constant"))?)
                }
            };
            let cell = Name { text: "the cell of top-nested".into(), span: level.by.expr.span };
            let slot = Arc::new(Slot::default());
            let plan = Plan::Slot(slot.clone());
            let rows = Relation { fields: input.fields.clone(), plan, serialized: false, name: "".into(), depth: 1 };
            let aggregate = Named { names: vec![cell], expr: level.by.expr.clone() };
            let total = self.summarize(rows, &[aggregate], &[], env)?;
            let ty = total.fields.first().map_or(Type::Long, |f| f.ty);
            if !(ty.is_number() || matches!(ty, Type::DateTime | Type::TimeSpan)) {
                return Err(unsupported(level.by.expr.span, format!("top-nested by an aggregate that answers a {}", ty.name())));
            }
            let by = match level.by.names.as_slice() {
                [name] => name.text.to_string(),
                _ => format!("aggregated_{own}"),
            };
            fields.push(Field { name: namer.suffixed(&own), ty: of.ty });
            fields.push(Field { name: namer.suffixed(&by), ty });
            bound.push(TopLevel {
                of: (of.scalar, of.ty),
                slot,
                plan: total.plan,
                count: count.unwrap_or(usize::MAX),
                others,
                ascending: level.ascending,
            });
        }
        let types = fields.iter().map(|f| f.ty).collect();
        Ok(self.piped(input, vec![Op::Step(Arc::new(TopNested { levels: bound, types }))], fields, true))
    }
}
