//! `search`, `find`, and texts that are sought in every column.

use super::super::ast::{Arg, Expr, ExprKind, Find, Name, Pipeline, Search, Source, TextOp, Union, UnionPart};
use super::super::error::{Span, Try, semantic, unsupported};
use super::super::plan::Op;
use super::super::scalar::{Function, Scalar, Trouble};
use super::super::value::{Type, Value};
use super::{Binder, Bound, Env, Field, Relation, Site};
use std::sync::Arc;

/// The column in which `search` says which table a row is of.
const TABLE: &str = "$table";

impl Binder<'_> {
    /// `* has 'x'`: whether any column that holds text does. A hit in a column of another type alone is not decided here, for the
    /// language does not say how its values are written.
    pub(super) fn anywhere(&mut self, op: TextOp, text: &Expr, span: Span, site: Site<'_>) -> Try<Bound> {
        if op.negated {
            return Err(unsupported(span, "the negation of a search in all columns"));
        }
        let test = |value: Expr| Expr { kind: ExprKind::Text(op, Box::new(value), Box::new(text.clone())), span };
        let (mut texts, mut others) = (Vec::new(), Vec::new());
        for field in site.fields.iter().filter(|f| f.name.as_ref() != TABLE) {
            let column = Expr { kind: ExprKind::Name(field.name.clone()), span };
            if matches!(field.ty, Type::String | Type::Dynamic) {
                texts.push(self.scalar(&test(column), site)?);
            } else {
                let name = Name { text: "tostring".into(), span };
                let written = Expr { kind: ExprKind::Call(name, vec![Arg { name: None, expr: column }]), span };
                others.push(self.scalar(&test(written), site)?);
            }
        }
        if !others.is_empty() {
            let any = self.tree(others, Type::Bool, span, Scalar::Or)?;
            let refuse: Function = Arc::new(|a: &[&Value]| match a {
                [Value::Bool(true)] => {
                    Err(Trouble::Unsupported("a search in all columns that only a column without text would answer".to_owned()))
                }
                _ => Ok(Value::Bool(false)),
            });
            texts.push(self.apply(refuse, vec![any], Type::Bool, span)?);
        }
        if texts.is_empty() {
            return Ok(Bound::leaf(Scalar::Const(Value::Bool(false)), Type::Bool));
        }
        self.tree(texts, Type::Bool, span, Scalar::Or)
    }

    /// The tables that `search` and `find` look into, each with its name.
    fn searched(&mut self, tables: &[UnionPart], env: &Env) -> Try<Vec<UnionPart>> {
        if !tables.is_empty() {
            return Ok(tables.to_vec());
        }
        let mut names = self.catalog.table_names();
        names.sort();
        let _ = env;
        Ok(names
            .into_iter()
            .map(|name| {
                let expr = Expr { kind: ExprKind::Name(name.into()), span: Span::default() };
                UnionPart::Pipeline(Pipeline { source: Source::Expr(expr), ops: Vec::new(), span: Span::default() })
            })
            .collect())
    }

    pub(super) fn search_tables(&mut self, search: &Search, env: &Env) -> Try<Relation> {
        let parts = self.searched(&search.tables, env)?;
        let parts = self.union_parts(&parts, false, env)?;
        self.search_in(parts, search, env)
    }

    pub(super) fn search(&mut self, input: Relation, search: &Search, env: &Env) -> Try<Relation> {
        if !search.tables.is_empty() {
            return Err(semantic(Span::default(), "search takes tables or an input, not both"));
        }
        if input.fields.iter().any(|f| f.name.as_ref() == TABLE) {
            return Err(unsupported(search.predicate.as_ref().map_or(Span::default(), |p| p.span), "search behind search"));
        }
        self.search_in(vec![input], search, env)
    }

    fn search_in(&mut self, parts: Vec<Relation>, search: &Search, env: &Env) -> Try<Relation> {
        let parts = match &search.predicate {
            Some(predicate) => self.filtered(parts, predicate, env)?,
            None => parts,
        };
        let name = Name { text: TABLE.into(), span: Span::default() };
        let union = Union { inner: false, fuzzy: false, source_column: Some(name), parts: Vec::new() };
        self.unite(parts, &union)
    }

    /// Each table filtered; a column that a table lacks and another has is null there.
    fn filtered(&mut self, parts: Vec<Relation>, predicate: &Expr, env: &Env) -> Try<Vec<Relation>> {
        let mut named = Vec::new();
        names_in(predicate, &mut named);
        let all: Vec<Field> = parts.iter().flat_map(|p| p.fields.iter().cloned()).collect();
        let mut filtered = Vec::new();
        for part in parts {
            let mut fields = part.fields.clone();
            let mut values: Vec<(Scalar, Type)> = fields.iter().enumerate().map(|(at, f)| (Scalar::Column(at), f.ty)).collect();
            let own = values.clone();
            for name in &named {
                if let (false, Some(other)) = (fields.iter().any(|f| f.name == *name), all.iter().find(|f| f.name == *name)) {
                    values.push((Scalar::Const(Value::absent(other.ty).clone()), other.ty));
                    fields.push(other.clone());
                }
            }
            let site = Site { fields: &fields, env, serialized: false, aggregates: None };
            let condition = self.condition(predicate, site)?;
            let kept = part.fields.clone();
            let ops = if values.len() == own.len() {
                vec![Op::Filter(condition.scalar)]
            } else {
                vec![Op::Map(values), Op::Filter(condition.scalar), Op::Map(own)]
            };
            filtered.push(self.piped(part, ops, kept, false));
        }
        Ok(filtered)
    }

    pub(super) fn find(&mut self, find: &Find, env: &Env) -> Try<Relation> {
        let parts = self.searched(&find.tables, env)?;
        let mut parts = self.union_parts(&parts, false, env)?;
        let mut named = Vec::new();
        names_in(&find.predicate, &mut named);
        named.retain(|name| parts.iter().any(|p| p.fields.iter().any(|f| f.name == *name)));
        if !named.is_empty() {
            parts.retain(|p| p.fields.iter().any(|f| named.contains(&f.name)));
        }
        let parts = self.filtered(parts, &find.predicate, env)?;
        let name = find.source_column.clone().unwrap_or_else(|| Name { text: "source_".into(), span: Span::default() });
        let union = Union { inner: false, fuzzy: false, source_column: Some(name.clone()), parts: Vec::new() };
        let all = parts.iter().all(|p| parts.first().is_none_or(|first| p.fields == first.fields));
        let united = self.unite(parts, &union)?;
        let Some(project) = &find.project else {
            if all {
                return Ok(united);
            }
            return Err(unsupported(find.predicate.span, "find with columns that it would pack; name the columns with project"));
        };
        let mut fields: Vec<Field> = united.fields.first().cloned().into_iter().collect();
        let mut values = vec![(Scalar::Column(0), Type::String)];
        for (column, ty) in project {
            let at = self.column(&united.fields, column)?;
            let own = united.fields.get(at).map_or(Type::Dynamic, |f| f.ty);
            let ty = ty.unwrap_or(own);
            let bound = self.cast(Bound::leaf(Scalar::Column(at), own), ty, column.span)?;
            fields.push(Field { name: column.text.clone(), ty });
            values.push((bound.scalar, ty));
        }
        Ok(self.piped(united, vec![Op::Map(values)], fields, false))
    }
}

/// The names that a predicate mentions.
fn names_in(expr: &Expr, found: &mut Vec<Arc<str>>) {
    match &expr.kind {
        ExprKind::Name(name) if !found.contains(name) => found.push(name.clone()),
        ExprKind::Path(inner, _) | ExprKind::Negate(inner) | ExprKind::Parens(inner) => names_in(inner, found),
        ExprKind::Index(a, b) | ExprKind::Arith(_, a, b) | ExprKind::Compare(_, a, b) | ExprKind::Text(_, a, b) => {
            names_in(a, found);
            names_in(b, found);
        }
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().for_each(|p| names_in(p, found)),
        ExprKind::Call(_, args) => args.iter().for_each(|a| names_in(&a.expr, found)),
        ExprKind::In { value, list, .. } | ExprKind::HasList { value, list, .. } => {
            names_in(value, found);
            list.iter().for_each(|p| names_in(p, found));
        }
        ExprKind::Between { value, low, high, .. } => [value, low, high].into_iter().for_each(|p| names_in(p, found)),
        _ => {}
    }
}
