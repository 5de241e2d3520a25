//! `scan`: steps that match records one after another.

use super::super::ast::{self, Emit, Expr, ExprKind, Name};
use super::super::error::{Span, Try, semantic, unsupported};
use super::super::exec::{Scan, ScanStep};
use super::super::plan::Op;
use super::super::scalar::Scalar;
use super::super::value::{Type, Value};
use super::name::Namer;
use super::{Binder, Env, Field, Relation, Site};
use std::sync::Arc;

impl Binder<'_> {
    /// A record is seen beside the state: the columns of the input, then for each step those and the declared ones. `step.column` is
    /// bound as a column whose name no query can write.
    pub(super) fn scan(&mut self, input: Relation, scan: &ast::Scan, span: Span, env: &Env) -> Try<Relation> {
        if !input.serialized {
            return Err(semantic(span, "scan needs rows in order: put sort or serialize before it"));
        }
        let mut namer = Namer::new(&input.fields);
        let alone = Site { fields: &[], env, serialized: false, aggregates: None };
        let mut declared = Vec::new();
        let mut defaults = Vec::new();
        for (name, ty, default) in &scan.declared {
            let default = match default {
                None => Value::absent(*ty).clone(),
                Some(expr) => {
                    let bound = self.scalar(expr, alone)?;
                    let bound = self.cast(bound, *ty, expr.span)?;
                    let constant = bound.constant().cloned();
                    constant.ok_or_else(|| semantic(expr.span, "the default of a declared column is a constant"))?
                }
            };
            declared.push(Field { name: self.claim(name, &mut namer)?, ty: *ty });
            defaults.push(default);
        }
        let mut kept = input.fields.clone();
        kept.extend(declared.iter().cloned());
        let mut seen = input.fields.clone();
        for (at, step) in scan.steps.iter().enumerate() {
            if scan.steps.iter().take(at).any(|s| s.name.text == step.name.text) {
                return Err(semantic(step.name.span, format!("two steps are named '{}'", step.name.text)));
            }
            if input.fields.iter().any(|f| f.name == step.name.text) {
                return Err(unsupported(step.name.span, "a step that is named like a column"));
            }
            seen.extend(kept.iter().map(|f| Field { name: state_of(&step.name.text, &f.name), ty: f.ty }));
        }
        let site = Site { fields: &seen, env, serialized: false, aggregates: None };
        let mut steps = Vec::new();
        for step in &scan.steps {
            if step.emit == Emit::Last {
                return Err(unsupported(step.name.span, "output=last of a step"));
            }
            let condition = self.condition(&stated(&step.condition, scan, &declared)?, site)?.scalar;
            let mut set: Vec<(usize, Scalar)> = Vec::new();
            for (name, expr) in &step.set {
                let at = declared.iter().position(|f| f.name == name.text);
                let at = at.ok_or_else(|| semantic(name.span, format!("'{}' is not declared", name.text)))?;
                if set.iter().any(|(other, _)| *other == at) {
                    return Err(semantic(name.span, format!("'{}' is set twice", name.text)));
                }
                let bound = self.scalar(&stated(expr, scan, &declared)?, site)?;
                let ty = declared.get(at).map_or(Type::Dynamic, |f| f.ty);
                if bound.ty != ty && !(bound.ty.is_number() && ty.is_number()) {
                    return Err(super::types_differ(expr.span, "cannot set a column to", ty, bound.ty));
                }
                set.push((at, self.cast(bound, ty, expr.span)?.scalar));
            }
            steps.push(ScanStep { emit: step.emit == Emit::All, condition, set });
        }
        let mut fields = kept;
        if let Some(name) = &scan.match_id {
            fields.push(Field { name: self.claim(name, &mut namer)?, ty: Type::Long });
        }
        let types = seen.iter().map(|f| f.ty).collect();
        let made = declared.iter().map(|f| f.ty).collect();
        let step = Scan { steps, defaults, types, made, match_id: scan.match_id.is_some() };
        Ok(self.piped(input, vec![Op::Step(Arc::new(step))], fields, true))
    }
}

fn state_of(step: &str, column: &str) -> Arc<str> {
    format!("{step}\u{0}{column}").into()
}

/// Puts the columns of the state in place of `step.column`.
fn stated(expr: &Expr, scan: &ast::Scan, declared: &[Field]) -> Try<Expr> {
    let again = |e: &Expr| stated(e, scan, declared);
    let boxed = |e: &Expr| again(e).map(Box::new);
    let list = |es: &[Expr]| es.iter().map(again).collect::<Try<Vec<Expr>>>();
    let kind = match &expr.kind {
        ExprKind::Path(root, Name { text, .. }) => match &root.kind {
            ExprKind::Name(step) if scan.steps.iter().any(|s| s.name.text == *step) => ExprKind::Name(state_of(step, text)),
            _ => ExprKind::Path(boxed(root)?, Name { text: text.clone(), span: expr.span }),
        },
        ExprKind::Name(name) if declared.iter().any(|f| f.name == *name) => {
            return Err(unsupported(expr.span, format!("the declared column '{name}' without its step")));
        }
        ExprKind::Index(a, b) => ExprKind::Index(boxed(a)?, boxed(b)?),
        ExprKind::Call(name, args) => {
            let args = args.iter().map(|a| Ok(ast::Arg { name: a.name.clone(), expr: again(&a.expr)? })).collect::<Try<_>>()?;
            ExprKind::Call(name.clone(), args)
        }
        ExprKind::Negate(a) => ExprKind::Negate(boxed(a)?),
        ExprKind::Parens(a) => ExprKind::Parens(boxed(a)?),
        ExprKind::Arith(op, a, b) => ExprKind::Arith(*op, boxed(a)?, boxed(b)?),
        ExprKind::Compare(op, a, b) => ExprKind::Compare(*op, boxed(a)?, boxed(b)?),
        ExprKind::Text(op, a, b) => ExprKind::Text(*op, boxed(a)?, boxed(b)?),
        ExprKind::And(parts) => ExprKind::And(list(parts)?),
        ExprKind::Or(parts) => ExprKind::Or(list(parts)?),
        ExprKind::In { value, list: members, case_sensitive, negated } => {
            ExprKind::In { value: boxed(value)?, list: list(members)?, case_sensitive: *case_sensitive, negated: *negated }
        }
        ExprKind::HasList { value, list: members, all } => ExprKind::HasList { value: boxed(value)?, list: list(members)?, all: *all },
        ExprKind::Between { value, low, high, negated } => {
            ExprKind::Between { value: boxed(value)?, low: boxed(low)?, high: boxed(high)?, negated: *negated }
        }
        other => other.clone(),
    };
    Ok(Expr { kind, span: expr.span })
}
