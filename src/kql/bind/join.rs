//! `union`, `join` and `lookup`: several tables become one.

use super::super::ast::*;
use super::super::error::{Span, Try, semantic, unsupported};
use super::super::plan::{Join, Op, Plan};
use super::super::scalar::Scalar;
use super::super::value::{Type, Value};
use super::compare::joinable;
use super::name::Namer;
use super::tabular::wildcard;
use super::{Binder, Env, Field, Relation, types_differ};
use std::collections::HashSet;

impl Binder<'_> {
    pub(super) fn union(&mut self, first: Option<Relation>, union: &Union, env: &Env) -> Try<Relation> {
        let mut parts: Vec<Relation> = first.into_iter().collect();
        parts.extend(self.union_parts(&union.parts, union.fuzzy, env)?);
        self.unite(parts, union)
    }

    /// The tables of a list in which names may have `*`.
    pub(super) fn union_parts(&mut self, list: &[UnionPart], fuzzy: bool, env: &Env) -> Try<Vec<Relation>> {
        let mut parts = Vec::new();
        for part in list {
            match part {
                UnionPart::Wildcard(pattern) => {
                    let regex = wildcard(&pattern.text, pattern.span)?;
                    let mut names: Vec<String> = self.catalog.table_names().into_iter().filter(|n| regex.is_match(n)).collect();
                    names.sort();
                    if names.is_empty() {
                        return Err(semantic(pattern.span, format!("no table is named like '{}'", pattern.text)));
                    }
                    parts.extend(names.iter().filter_map(|n| self.table(n)));
                }
                UnionPart::Pipeline(pipeline) => {
                    if fuzzy && self.is_missing(&pipeline.source, env) {
                        continue;
                    }
                    parts.push(self.pipeline(pipeline, env)?);
                }
            }
        }
        Ok(parts)
    }

    /// One table out of several.
    pub(super) fn unite(&mut self, parts: Vec<Relation>, union: &Union) -> Try<Relation> {
        if parts.is_empty() {
            return Err(semantic(Span::default(), "none of the tables of the union exists"));
        }
        let mut columns: Vec<Field> = Vec::new();
        for field in parts.iter().flat_map(|p| &p.fields) {
            let everywhere = !union.inner || parts.iter().all(|p| p.fields.contains(field));
            if everywhere && !columns.contains(field) {
                let twin = columns.iter().rposition(|c| c.name == field.name);
                columns.insert(twin.map_or(columns.len(), |at| at + 1), field.clone());
            }
        }
        let clash = |field: &Field| columns.iter().filter(|c| c.name == field.name).count() > 1;
        let mut fields: Vec<Field> = columns
            .iter()
            .map(|f| if clash(f) { Field { name: format!("{}_{}", f.name, f.ty.name()).into(), ty: f.ty } } else { f.clone() })
            .collect();
        let mut names = HashSet::new();
        if let Some(twice) = fields.iter().find(|f| !names.insert(f.name.clone())) {
            return Err(unsupported(Span::default(), format!("a union whose columns would both be named '{}'", twice.name)));
        }
        if let Some(source) = &union.source_column {
            if fields.iter().any(|f| f.name == source.text) {
                return Err(unsupported(source.span, "withsource naming a column that exists"));
            }
            fields.insert(0, Field { name: source.text.clone(), ty: Type::String });
        }
        let types: Vec<Type> = fields.iter().map(|f| f.ty).collect();
        let depth = parts.iter().map(|p| p.depth).max().unwrap_or(0) + 1;
        let plans = parts
            .into_iter()
            .enumerate()
            .map(|(at, part)| {
                let source = match part.name.as_ref() {
                    "" => format!("union_arg{at}"),
                    name => name.to_owned(),
                };
                let source = union.source_column.is_some().then(|| (Scalar::Const(Value::text(source)), Type::String));
                let column = |f: &Field| match part.fields.iter().position(|p| p == f) {
                    Some(at) => (Scalar::Column(at), f.ty),
                    None => (Scalar::Const(Value::absent(f.ty).clone()), f.ty),
                };
                let values = source.into_iter().chain(columns.iter().map(column)).collect();
                self.piped(part, vec![Op::Map(values)], Vec::new(), false).plan
            })
            .collect();
        Ok(Relation { fields, plan: Plan::Union(plans, types), serialized: false, name: "".into(), depth })
    }

    /// Whether a source is a table that nobody has.
    pub(super) fn is_missing(&mut self, source: &Source, env: &Env) -> bool {
        match source {
            Source::Expr(Expr { kind: ExprKind::Name(name), .. }) => env.find(name).is_none() && self.table(name).is_none(),
            Source::Expr(Expr { kind: ExprKind::Parens(inner), .. }) => self.is_missing(&Source::Expr((**inner).clone()), env),
            Source::Expr(Expr { kind: ExprKind::Query(inner), .. }) => self.is_missing(&inner.source, env),
            _ => false,
        }
    }

    pub(super) fn join(&mut self, left: Relation, kind: JoinKind, right: &Pipeline, on: &[Expr], lookup: bool, env: &Env) -> Try<Relation> {
        let right = self.pipeline(right, env)?;
        let mut keys = Vec::new();
        for condition in on {
            self.join_condition(condition, &left.fields, &right.fields, &mut keys)?;
        }
        let mut fields = Vec::new();
        let mut values = Vec::new();
        let from_left = !matches!(kind, JoinKind::RightSemi | JoinKind::RightAnti);
        let from_right = !matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
        let mut namer = Namer::new([]);
        if from_left {
            for (at, field) in left.fields.iter().enumerate() {
                namer.claim(&field.name);
                fields.push(field.clone());
                values.push((Scalar::Column(at), field.ty));
            }
        }
        if from_right {
            let offset = if from_left { left.fields.len() } else { 0 };
            for (at, field) in right.fields.iter().enumerate() {
                if lookup && keys.iter().any(|(_, r, _)| *r == at) {
                    continue;
                }
                fields.push(Field { name: namer.suffixed(&field.name), ty: field.ty });
                values.push((Scalar::Column(offset + at), field.ty));
            }
        }
        let depth = left.depth.max(right.depth + 1);
        let join = Join { kind, right: right.plan, on: keys };
        let joined = self.piped(left, vec![Op::Join(Box::new(join)), Op::Map(values)], fields, false);
        Ok(Relation { depth, ..joined })
    }

    pub(super) fn join_condition(&mut self, expr: &Expr, left: &[Field], right: &[Field], keys: &mut Vec<(usize, usize, bool)>) -> Try<()> {
        let (l, r) = match &expr.kind {
            ExprKind::Parens(inner) => return self.join_condition(inner, left, right, keys),
            ExprKind::And(parts) => {
                for part in parts {
                    self.join_condition(part, left, right, keys)?;
                }
                return Ok(());
            }
            ExprKind::Name(name) => {
                let name = Name { text: name.clone(), span: expr.span };
                (self.column(left, &name)?, self.column(right, &name)?)
            }
            ExprKind::Compare(Cmp::Eq, a, b) => match (side(a), side(b)) {
                (Some(("$left", a)), Some(("$right", b))) => (self.column(left, a)?, self.column(right, b)?),
                _ => return Err(semantic(expr.span, "a join condition is a column, or $left.a == $right.b")),
            },
            _ => return Err(semantic(expr.span, "a join condition is a column, or $left.a == $right.b")),
        };
        let (lt, rt) = (left.get(l).map_or(Type::Dynamic, |f| f.ty), right.get(r).map_or(Type::Dynamic, |f| f.ty));
        let common = matches!(expr.kind, ExprKind::Name(_));
        match joinable(lt, rt) {
            Some(as_real) if !common || lt == rt => keys.push((l, r, as_real)),
            _ => return Err(types_differ(expr.span, "cannot join", lt, rt)),
        }
        Ok(())
    }
}

/// `$left.x` or `$right.x`.
fn side(expr: &Expr) -> Option<(&str, &Name)> {
    match &expr.kind {
        ExprKind::Path(root, name) => match &root.kind {
            ExprKind::Name(root) if root.starts_with('$') => Some((root, name)),
            _ => None,
        },
        ExprKind::Parens(inner) => side(inner),
        _ => None,
    }
}
