//! `mv-expand`, `parse`, and sub-queries that run over parts of the rows: `mv-apply`, `partition`.

use super::super::ast::*;
use super::super::error::{Span, Try, semantic, syntax, unsupported};
use super::super::exec::{Apply, Partition};
use super::super::functions::{Refusal, compile};
use super::super::plan::{Expand, Op, ParseText, Plan, Slot};
use super::super::scalar::Scalar;
use super::super::value::Type;
use super::name::{self, Namer};
use super::{Binder, Env, Field, Relation, Site};
use std::collections::HashSet;
use std::sync::Arc;

/// How many parts the legacy strategy of `partition` takes.
const LEGACY_PARTITIONS: usize = 64;

/// The head of `mv-expand` and `mv-apply`.
pub(super) struct Expansions<'a> {
    pub(super) items: &'a [Expansion],
    pub(super) index: Option<&'a Name>,
    pub(super) most: Option<&'a Expr>,
    pub(super) arrays: bool,
}

/// What expanding makes: all columns.
struct Expanded {
    expand: Expand,
    fields: Vec<Field>,
    values: Vec<(Scalar, Type)>,
}

impl Binder<'_> {
    pub(super) fn mv_expand(&mut self, input: Relation, head: &Expansions<'_>, env: &Env) -> Try<Relation> {
        let expanded = self.expanded(&input, head, env)?;
        let serialized = input.serialized;
        Ok(self.piped(input, vec![Op::Expand(expanded.expand), Op::Map(expanded.values)], expanded.fields, serialized))
    }

    fn expanded(&mut self, input: &Relation, head: &Expansions<'_>, env: &Env) -> Try<Expanded> {
        let site = Site { fields: &input.fields, env, serialized: input.serialized, aggregates: None };
        let width = input.fields.len();
        let mut fields = input.fields.clone();
        let mut columns: Vec<usize> = (0..width).collect();
        let mut bound_items = Vec::new();
        let mut namer = Namer::new(&input.fields);
        for (at, item) in head.items.iter().enumerate() {
            let bound = self.scalar(&item.expr, site)?;
            if bound.ty != Type::Dynamic {
                let message = format!("only a dynamic can be expanded, not a {}; use parse_json() or split()", bound.ty.name());
                return Err(semantic(item.expr.span, message));
            }
            let ty = item.ty.unwrap_or(Type::Dynamic);
            let name = match &item.name {
                Some(name) => name.text.clone(),
                None => name::of(&item.expr).map_or_else(|| namer.fresh(None), Into::into),
            };
            match fields.iter_mut().zip(&mut columns).find(|(f, _)| f.name == name) {
                Some((field, column)) => {
                    field.ty = ty;
                    *column = width + at;
                }
                None => {
                    fields.push(Field { name, ty });
                    columns.push(width + at);
                }
            }
            bound_items.push((bound.scalar, ty));
        }
        if let Some(index) = head.index {
            if fields.iter().any(|f| f.name == index.text) {
                return Err(semantic(index.span, format!("two columns are named '{}'", index.text)));
            }
            fields.push(Field { name: index.text.clone(), ty: Type::Long });
            columns.push(width + head.items.len());
        }
        let limit = match head.most {
            Some(most) => self.count(most, site)?,
            None => usize::MAX,
        };
        let expand = Expand { items: bound_items, index: head.index.is_some(), limit, arrays: head.arrays };
        let values = columns.iter().zip(&fields).map(|(at, f)| (Scalar::Column(*at), f.ty)).collect();
        Ok(Expanded { expand, fields, values })
    }

    /// The rows of each record go through the operators; what comes out stands beside the record's other columns.
    pub(super) fn mv_apply(&mut self, input: Relation, head: &Expansions<'_>, ops: &[Operator], env: &Env) -> Try<Relation> {
        let Expanded { expand, fields, values } = self.expanded(&input, head, env)?;
        let width = input.fields.len();
        let (slot, sub) = self.part(fields, ops, true, env)?;
        let mut out = Vec::new();
        let mut shown = Vec::new();
        let own = |f: &Field| sub.fields.iter().position(|s| s.name == f.name);
        // A column that is expanded as it is goes; what the sub-query says of it comes last.
        let gone = |f: &Field| head.items.iter().any(|i| i.name.is_none() && matches!(&i.expr.kind, ExprKind::Name(n) if *n == f.name));
        for (at, field) in input.fields.iter().enumerate().filter(|(_, f)| !gone(f)) {
            let (column, ty) = own(field).and_then(|s| Some((width + s, sub.fields.get(s)?.ty))).unwrap_or((at, field.ty));
            out.push(Field { name: field.name.clone(), ty });
            shown.push((Scalar::Column(column), ty));
        }
        for (at, field) in sub.fields.iter().enumerate() {
            if !out.iter().any(|f| f.name == field.name) {
                out.push(field.clone());
                shown.push((Scalar::Column(width + at), field.ty));
            }
        }
        let types = sub.fields.iter().map(|f| f.ty).collect();
        let depth = input.depth.max(sub.depth + 1);
        let step = Apply { expand, values, slot, plan: sub.plan, types };
        let applied = self.piped(input, vec![Op::Step(Arc::new(step)), Op::Map(shown)], out, false);
        Ok(Relation { depth, ..applied })
    }

    pub(super) fn partition(&mut self, input: Relation, by: &Name, sub: &SubQuery, native: bool, env: &Env) -> Try<Relation> {
        let at = self.column(&input.fields, by)?;
        if input.fields.get(at).is_none_or(|f| f.ty == Type::Dynamic) {
            return Err(semantic(by.span, "rows cannot be partitioned by a dynamic; convert it, for example with tostring()"));
        }
        let SubQuery::Ops(ops) = sub else {
            return Err(unsupported(by.span, "partition with a query in braces"));
        };
        let foreign = |op: &&Operator| {
            use OperatorKind as K;
            matches!(op.kind, K::Join { .. } | K::Union(_) | K::Evaluate { .. } | K::Invoke { .. } | K::As(_))
        };
        if let (true, Some(op)) = (native, ops.iter().find(foreign)) {
            return Err(semantic(op.span, "the strategies native and shuffle of partition cannot run this operator; use legacy"));
        }
        let (slot, sub) = self.part(input.fields.clone(), ops, input.serialized, env)?;
        let types = sub.fields.iter().map(|f| f.ty).collect();
        let depth = input.depth.max(sub.depth + 1);
        let step =
            Partition { by: at, slot, plan: sub.plan, types, most: if native { usize::MAX } else { LEGACY_PARTITIONS }, span: by.span };
        let parted = self.piped(input, vec![Op::Step(Arc::new(step))], sub.fields, false);
        Ok(Relation { depth, ..parted })
    }

    /// Binds operators over rows that will be put into a slot, part by part.
    fn part(&mut self, fields: Vec<Field>, ops: &[Operator], serialized: bool, env: &Env) -> Try<(Arc<Slot>, Relation)> {
        let span = ops.first().map_or(Span::default(), |op| op.span);
        let slot = Arc::new(Slot::default());
        let rows = Relation { fields, plan: Plan::Slot(slot.clone()), serialized, name: "".into(), depth: 1 };
        self.enter(span)?;
        self.tables += 1;
        let sub = self.operators(rows, ops, env)?;
        self.tables -= 1;
        self.leave();
        Ok((slot, sub))
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn parse(
        &mut self,
        input: Relation,
        value: &Expr,
        pieces: &[ParsePiece],
        how: &ParseHow,
        filter: bool,
        span: Span,
        env: &Env,
    ) -> Try<Relation> {
        if matches!(how, ParseHow::Regex(_)) {
            return Err(unsupported(span, "parse kind=regex"));
        }
        let relaxed = *how == ParseHow::Relaxed;
        let site = Site { fields: &input.fields, env, serialized: input.serialized, aggregates: None };
        let bound = self.scalar(value, site)?;
        if !matches!(bound.ty, Type::String | Type::Dynamic) {
            return Err(semantic(value.span, format!("parse reads a string, not a {}", bound.ty.name())));
        }
        let width = input.fields.len();
        let mut fields = input.fields.clone();
        let mut columns: Vec<usize> = (0..width).collect();
        let mut types = Vec::new();
        let mut pattern = "(?s)^".to_owned();
        let mut given = HashSet::new();
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                ParsePiece::Star => pattern.push_str(".*?"),
                ParsePiece::Text(text) => pattern.push_str(&regex::escape(text)),
                ParsePiece::Column(name, ty) => {
                    if matches!(pieces.get(at.wrapping_sub(1)), Some(ParsePiece::Star)) {
                        return Err(syntax(name.span, "a text must stand between '*' and a column"));
                    }
                    if !given.insert(name.text.clone()) {
                        return Err(semantic(name.span, format!("two columns are named '{}'", name.text)));
                    }
                    pattern.push_str("(.*?)");
                    let place = width + types.len();
                    match fields.iter_mut().zip(&mut columns).find(|(f, _)| f.name == name.text) {
                        Some((field, column)) => {
                            field.ty = *ty;
                            *column = place;
                        }
                        None => {
                            fields.push(Field { name: name.text.clone(), ty: *ty });
                            columns.push(place);
                        }
                    }
                    types.push(*ty);
                }
            }
        }
        pattern.push('$');
        let regex = compile(&pattern).map_err(|refusal| match refusal {
            Refusal::Wrong(message) => semantic(span, message),
            Refusal::Missing(part) => unsupported(span, part),
        })?;
        let parse = ParseText { value: bound.scalar, regex, types, relaxed, filter };
        let values = columns.iter().zip(&fields).map(|(at, f)| (Scalar::Column(*at), f.ty)).collect();
        let serialized = input.serialized;
        Ok(self.piped(input, vec![Op::Parse(parse), Op::Map(values)], fields, serialized))
    }
}
