//! Which columns there are, and what they are called: `project` and its kin, `extend`.

use super::super::ast::*;
use super::super::error::{Span, Try, semantic, unsupported};
use super::super::plan::Op;
use super::super::scalar::Scalar;
use super::super::value::{Type, Value};
use super::name::{self, Namer};
use super::tabular::wildcard;
use super::{Binder, Env, Field, Relation, Site};
use std::collections::HashSet;

impl Binder<'_> {
    /// The columns that patterns name, in the patterns' order. A name without `*` must exist.
    pub(super) fn matching(&self, fields: &[Field], patterns: &[Pattern], span: Span) -> Try<Vec<usize>> {
        let mut hits = Vec::new();
        for pattern in patterns {
            if !pattern.text.contains('*') {
                hits.push(self.column(fields, &Name { text: pattern.text.clone(), span: pattern.span })?);
                continue;
            }
            let regex = wildcard(&pattern.text, span)?;
            if !fields.iter().any(|f| regex.is_match(&f.name)) {
                return Err(semantic(pattern.span, format!("no column is named like '{}'", pattern.text)));
            }
            hits.extend(fields.iter().enumerate().filter(|(_, f)| regex.is_match(&f.name)).map(|(at, _)| at));
        }
        Ok(hits)
    }

    pub(super) fn pick(&mut self, input: Relation, columns: Vec<usize>) -> Relation {
        let fields: Vec<Field> = columns.iter().filter_map(|at| input.fields.get(*at).cloned()).collect();
        let values = columns.iter().zip(&fields).map(|(at, f)| (Scalar::Column(*at), f.ty)).collect();
        let serialized = input.serialized;
        self.piped(input, vec![Op::Map(values)], fields, serialized)
    }

    /// Columns by patterns that are values; what no column is named like is passed over.
    pub(super) fn project_by_names(&mut self, input: Relation, names: &[Expr], env: &Env) -> Try<Relation> {
        let site = Site { fields: &[], env, serialized: false, aggregates: None };
        let mut order: Vec<usize> = Vec::new();
        for expr in names {
            let bound = self.scalar(expr, site)?;
            let patterns = match bound.constant() {
                Some(Value::String(name)) => vec![name.to_string()],
                Some(Value::Dynamic(list)) => {
                    list.as_array().unwrap_or_default().iter().filter_map(|i| i.as_str().map(str::to_owned)).collect()
                }
                _ => return Err(semantic(expr.span, "the names are constant texts or arrays of texts")),
            };
            for pattern in patterns {
                let regex = wildcard(&pattern, expr.span)?;
                let hits = input.fields.iter().enumerate().filter(|(at, f)| regex.is_match(&f.name) && !order.contains(at));
                let hits: Vec<usize> = hits.map(|(at, _)| at).collect();
                order.extend(hits);
            }
        }
        Ok(self.pick(input, order))
    }

    pub(super) fn project(&mut self, input: Relation, items: &[Named], env: &Env) -> Try<Relation> {
        let site = Site { fields: &input.fields, env, serialized: input.serialized, aggregates: None };
        let mut namer = Namer::new([]);
        let (mut fields, mut values) = (Vec::new(), Vec::new());
        for item in items {
            let bound = self.scalar(&item.expr, site)?;
            let name = self.name_of(item, &mut namer)?;
            fields.push(Field { name, ty: bound.ty });
            values.push((bound.scalar, bound.ty));
        }
        let serialized = input.serialized;
        Ok(self.piped(input, vec![Op::Map(values)], fields, serialized))
    }

    pub(super) fn extend(&mut self, input: Relation, items: &[Named], env: &Env) -> Try<Relation> {
        let site = Site { fields: &input.fields, env, serialized: input.serialized, aggregates: None };
        let mut fields = input.fields.clone();
        let mut values: Vec<(Scalar, Type)> = fields.iter().enumerate().map(|(at, f)| (Scalar::Column(at), f.ty)).collect();
        let mut given = HashSet::new();
        let mut namer = Namer::new(&input.fields);
        for item in items {
            let bound = self.scalar(&item.expr, site)?;
            let name = match item.names.as_slice() {
                [] => match name::of(&item.expr) {
                    Some(name) => name.into(),
                    None => namer.fresh(None),
                },
                [name] => name.text.clone(),
                _ => return Err(unsupported(item.expr.span, "several names for one value")),
            };
            if !given.insert(name.clone()) {
                return Err(semantic(item.expr.span, format!("two columns are named '{name}'")));
            }
            let new = (bound.scalar, bound.ty);
            match fields.iter_mut().zip(&mut values).find(|(f, _)| f.name == name) {
                Some((field, value)) => {
                    field.ty = bound.ty;
                    *value = new;
                }
                None => {
                    fields.push(Field { name, ty: bound.ty });
                    values.push(new);
                }
            }
        }
        let serialized = input.serialized;
        Ok(self.piped(input, vec![Op::Map(values)], fields, serialized))
    }
}
